//! What placers and routers write: layouts.

use std::sync::OnceLock;

use noodle2_layout::{Def, Lef, PlacementChange, PlacementCheck, VerilogName};

use crate::Target;

const TINY_LEF: &[u8] = include_bytes!("../../layout/tests/samples/tiny.lef");
const TINY_DEF: &[u8] = include_bytes!("../../layout/tests/samples/tiny.def");

fn tiny_lef() -> &'static Lef {
    static TINY: OnceLock<Lef> = OnceLock::new();
    TINY.get_or_init(|| Lef::read(TINY_LEF).expect("the sample is a LEF"))
}

fn tiny_def() -> &'static Def {
    static TINY: OnceLock<Def> = OnceLock::new();
    TINY.get_or_init(|| Def::read(TINY_DEF).expect("the sample is a DEF"))
}

pub(crate) const LEF: Target = Target {
    name: "lef",
    feed: lef,
    samples: || vec![TINY_LEF.to_vec()],
};

fn lef(bytes: &[u8]) {
    let Ok(lef) = Lef::read(bytes) else { return };
    assert_eq!(Lef::join([lef.clone(), lef.clone()]), Ok(lef.clone()));
    let check = PlacementCheck::of(tiny_def(), &lef);
    assert!(check.utilisation.is_none_or(f64::is_finite));
}

pub(crate) const DEF: Target = Target {
    name: "def",
    feed: def,
    samples: || vec![TINY_DEF.to_vec()],
};

fn def(bytes: &[u8]) {
    let Ok(def) = Def::read(bytes) else { return };
    assert!(PlacementChange::between(&def, &def).is_empty());
    let change = PlacementChange::between(tiny_def(), &def);
    assert!(change.total_distance.is_finite() && change.moved.len() <= change.compared);
    let check = PlacementCheck::of(&def, tiny_lef());
    assert!(check.cell_area.is_finite() && check.utilisation.is_none_or(f64::is_finite));
    for pin in &def.pins {
        let _ = VerilogName::from_def(&pin.name, def.bus_characters).to_string();
        assert!(
            pin.ports
                .iter()
                .all(|port| port.bounds().is_some() == port.placement.is_some())
        );
    }
}
