//! Where the pins of a design are, by the names that a timing tool has for them.

use std::collections::HashMap;

use crate::def::{ComponentId, Def, Terminal};
use crate::lef::Lef;
use crate::name::VerilogName;

/// The places of pins of a placed design, by names without escapes: `instance/pin`, or the name of a pin of the design.
#[derive(Debug, Clone)]
pub struct PinPlaces<'a> {
    def: &'a Def,
    lef: &'a Lef,
    components: HashMap<String, ComponentId>,
    pins: HashMap<String, usize>,
}

impl<'a> PinPlaces<'a> {
    /// The places of a design's pins.
    pub fn of(def: &'a Def, lef: &'a Lef) -> Self {
        let plain = |name: &str| VerilogName::from_def(name, def.bus_characters).plain();
        let components = def.components.iter().zip(0..);
        let pins = def.pins.iter().enumerate();
        Self {
            def,
            lef,
            components: components
                .map(|(component, id)| (plain(&component.name), ComponentId(id)))
                .collect(),
            pins: pins.map(|(place, pin)| (plain(&pin.name), place)).collect(),
        }
    }

    /// Where a pin is, in µm. A backslash in the name is taken as an escape and left out. `None` for a pin that the design has not,
    /// or one without a place.
    pub fn place(&self, name: &str) -> Option<(f64, f64)> {
        let name = name.replace('\\', "");
        let microns = |x: i64, y: i64| (self.def.to_microns(x), self.def.to_microns(y));
        if let Some(pin) = self.pins.get(&name) {
            let port = self.def.pins[*pin]
                .ports
                .iter()
                .find_map(|port| port.bounds())?;
            return Some(microns(
                i64::midpoint(port.x0, port.x1),
                i64::midpoint(port.y0, port.y1),
            ));
        }
        let (instance, pin) = name.rsplit_once('/')?;
        let terminal = Terminal::Component {
            component: *self.components.get(instance)?,
            pin: pin.into(),
        };
        let component = &self.def.components[self.components[instance].0 as usize];
        self.lef.macros.get(&*component.master)?.pin(pin)?;
        let at = self.def.pin_place(&terminal, self.lef)?;
        Some(microns(at.x, at.y))
    }
}
