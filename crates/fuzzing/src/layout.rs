//! What placers and routers write: layouts.

use std::sync::OnceLock;

use noodle2_layout::{
    CongestionDiagnosis, CongestionReport, DENSITY_BIN, Def, HotRatio, Hotspots, Lef,
    MapDifference, MapKind, PlacementChange, PlacementCheck, SpatialMap, Threshold, VerilogName,
};

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
    let maps = [
        SpatialMap::density(&def, tiny_lef(), DENSITY_BIN),
        SpatialMap::rudy(&def, tiny_lef(), None),
    ];
    for map in maps.into_iter().flatten() {
        assert!(map.present().all(|value| value.is_finite() && value >= 0.0));
    }
    for pin in &def.pins {
        let _ = VerilogName::from_def(&pin.name, def.bus_characters).to_string();
        assert!(
            pin.ports
                .iter()
                .all(|port| port.bounds().is_some() == port.placement.is_some())
        );
    }
}

pub(crate) const HEAT_MAP: Target = Target {
    name: "heat_map",
    feed: heat_map,
    samples: || {
        let texts = [
            "x0,y0,x1,y1,value\n0,0,10,10,1.0e+02\n0,10,10,14.5,7\n20,0,30,10,nan\n",
            "x0,y0,x1,y1,value (mW)\n10,10,20,20,-3\n20,10,30,20,0\n",
        ];
        texts.map(|text| text.as_bytes().to_vec()).into()
    },
};

fn heat_map(bytes: &[u8]) {
    let Ok(map) = SpatialMap::read_csv(bytes, MapKind::Routing, None) else {
        return;
    };
    assert_eq!(map.values.len(), map.columns() * map.rows());
    let same = MapDifference::between(&map, &map, 0.0).expect("one map is of one kind");
    assert_eq!((same.improved, same.worse), (0, 0));
    if let Some(hotspots) = Hotspots::of(&map, Threshold::Quantile(0.9)) {
        assert!(
            hotspots
                .spots
                .iter()
                .all(|spot| spot.severity >= 0.0 && spot.peak > hotspots.value)
        );
    }
    assert!(HotRatio::of_map(&map).is_none_or(|ratio| (0.0..=1.0).contains(&ratio.ratio)));
}

pub(crate) const CONGESTION: Target = Target {
    name: "congestion",
    feed: congestion,
    samples: || {
        let text = "violation type: Horizontal congestion\n\tsrcs: net:a net:b\\[1\\]\n\tcomment: capacity:1 usage:10 overflow:9\n\t\
                    bbox = (73.5000, 29.4000) - (75.6000, 31.5000) on Layer -\n\
                    violation type: Vertical congestion\n\tsrcs: net:a\n\tcomment: capacity:2 usage:3 overflow:1\n\t\
                    bbox = (75.6000, 29.4000) - (77.7000, 31.5000) on Layer metal3\n";
        vec![text.as_bytes().to_vec()]
    },
};

fn congestion(bytes: &[u8]) {
    let Ok(report) = CongestionReport::read(bytes) else {
        return;
    };
    if let Ok(Some(diagnosis)) = CongestionDiagnosis::of(&report, None) {
        assert!(diagnosis.bins <= diagnosis.edges);
        assert!(
            diagnosis
                .regions
                .iter()
                .all(|region| region.share.is_finite())
        );
    }
}
