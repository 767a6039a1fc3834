//! Reads the pins of a design.

use std::sync::Arc;

use crate::def::read::Reader;
use crate::def::{IoPin, IoPort, Placement, Status};
use crate::error::{LayoutError, Problem};
use crate::geometry::{Point, Rect};
use crate::lef::{PinDirection, Use};
use crate::tokens::shortened;

impl<'a> Reader<'a> {
    pub(crate) fn io_pin(&mut self) -> Result<(), LayoutError> {
        let name: Arc<str> = Arc::from(self.tokens.need("PINS")?);
        let mut pin = IoPin {
            net: name.clone(),
            name,
            direction: None,
            usage: None,
            ports: Vec::new(),
        };
        let mut next = self.skip_option()?;
        while next == "+" {
            next = self.pin_option(&mut pin)?;
        }
        let place = self.def.pins.len();
        if self
            .def
            .pin_by_name
            .insert(pin.name.clone(), place)
            .is_some()
        {
            let (kind, name) = ("pin", shortened(&pin.name));
            return Err(self.tokens.error(Problem::Duplicate { kind, name }));
        }
        self.def.pins.push(pin);
        Ok(())
    }

    /// Reads what follows a `+`, and returns the next `+` or `;`.
    fn pin_option(&mut self, pin: &mut IoPin) -> Result<&'a str, LayoutError> {
        match self.tokens.need("PINS")? {
            "NET" => pin.net = Arc::from(self.tokens.need("PINS")?),
            "DIRECTION" => {
                let text = self.tokens.need("PINS")?;
                let direction = PinDirection::parse(text);
                pin.direction =
                    Some(direction.ok_or_else(|| self.tokens.unexpected(text, "a direction"))?);
            }
            "USE" => {
                let text = self.tokens.need("PINS")?;
                let usage = Use::parse(text);
                pin.usage = Some(usage.ok_or_else(|| self.tokens.unexpected(text, "a use"))?);
            }
            "PORT" => pin.ports.push(EMPTY_PORT),
            "LAYER" | "POLYGON" => return self.pin_shape(pin),
            "PLACED" => set(pin, Status::Placed, self.placement()?),
            "FIXED" => set(pin, Status::Fixed, self.placement()?),
            "COVER" => set(pin, Status::Cover, self.placement()?),
            _ => {}
        }
        self.skip_option()
    }

    /// A rectangle or polygon on a layer: the points up to the next `+` or `;`, which is returned.
    fn pin_shape(&mut self, pin: &mut IoPin) -> Result<&'a str, LayoutError> {
        let layer = self.tokens.need("PINS")?;
        let layer = self.names.get(layer);
        let mut around: Option<Rect> = None;
        loop {
            match self.tokens.need("PINS")? {
                token @ ("+" | ";") => {
                    if let Some(rect) = around {
                        last(pin).shapes.push((layer, rect));
                    }
                    return Ok(token);
                }
                "(" => {
                    let (x, y) = (self.tokens.integer()?, self.tokens.integer()?);
                    self.tokens.expect(")")?;
                    let point = Rect::between(Point { x, y }, Point { x, y });
                    around = Some(around.map_or(point, |around| around.join(point)));
                }
                // `MASK`, `SPACING` and `DESIGNRULEWIDTH` with their numbers.
                _ => {}
            }
        }
    }
}

const EMPTY_PORT: IoPort = IoPort {
    shapes: Vec::new(),
    status: Status::Unplaced,
    placement: None,
};

/// The part that is being read.
fn last(pin: &mut IoPin) -> &mut IoPort {
    if pin.ports.is_empty() {
        pin.ports.push(EMPTY_PORT);
    }
    let place = pin.ports.len() - 1;
    &mut pin.ports[place]
}

fn set(pin: &mut IoPin, status: Status, placement: Placement) {
    let port = last(pin);
    port.status = status;
    port.placement = Some(placement);
}
