//! Routing demand estimated from a placement, by the definition of OpenROAD as far as a placement alone tells it.
//!
//! As `grt::Rudy` has it (after Spindler and Johannes, DATE 2007): each net spreads the area of a wire as long as half the
//! perimeter of its pins' box evenly over that box; a tile has the demand that falls on it as a share of its own area, in percent.
//! The width of that wire is 1.25 over the sum of `1/pitch` of all layers that may be routed on, cut to whole database units. OpenROAD adds the share of the tile's routing capacity that adjustments and
//! obstacles take away, which only its global router knows; that part is missing here.

use crate::def::{Axis, Def, Terminal};
use crate::geometry::{Point, Rect};
use crate::lef::{Layer, LayerDirection, Lef, Use};
use crate::map::density::{MapError, known_macros, on_edges};
use crate::map::{MOST_BINS, MapKind, SpatialMap};

/// How many pitches of the third layer of wires OpenROAD makes a tile.
const PITCHES_IN_TILE: i64 = 15;

impl SpatialMap {
    /// The estimated routing demand of the nets of a placement, in percent of the area of each tile. `layers` are the lowest and
    /// highest layer that may be routed on, by name, as they were set for the router; all layers of wires where it is `None`.
    ///
    /// # Errors
    /// A design without a die or with cells without a place, macros that no LEF has, and layers without pitch or width.
    pub fn rudy(def: &Def, lef: &Lef, layers: Option<(&str, &str)>) -> Result<Self, MapError> {
        let die = def
            .die()
            .filter(|die| die.area() > 0)
            .ok_or(MapError::NoDie)?;
        known_macros(def, lef)?;
        if let Some(unplaced) = def.components.iter().find(|cell| cell.placement.is_none()) {
            return Err(MapError::Unplaced(unplaced.name.to_string()));
        }
        let tile = PITCHES_IN_TILE * pitch(def, lef).ok_or(MapError::NoTile)?;
        let width = wire_width(def, lef, layers)?;
        let columns = tile_edges(die.x0, die.x1, tile).ok_or(MapError::Bins)?;
        let rows = tile_edges(die.y0, die.y1, tile).ok_or(MapError::Bins)?;
        if (columns.len() - 1).saturating_mul(rows.len() - 1) > MOST_BINS {
            return Err(MapError::Bins);
        }
        let mut map = on_edges(def, MapKind::Rudy, &columns, &rows);
        map.die = Some(die.in_microns(def.units_per_micron));
        map.values.fill(Some(0.0));
        for net in &def.nets {
            if net.usage.is_some_and(Use::is_supply) {
                continue;
            }
            let Some(area) = def
                .net_box(&net.terminals, lef)
                .filter(|area| area.area() > 0)
            else {
                continue;
            };
            let demand = (area.width() + area.height()) as f64 * width / area.area() as f64;
            for row in within(&rows, area.y0, area.y1) {
                for column in within(&columns, area.x0, area.x1) {
                    let tile = Rect {
                        x0: columns[column],
                        y0: rows[row],
                        x1: columns[column + 1],
                        y1: rows[row + 1],
                    };
                    let share = area.shared_area(&tile) as f64 / tile.area() as f64;
                    let place = map.place(column, row);
                    map.values[place] =
                        map.values[place].map(|value| value + demand * share * 100.0);
                }
            }
        }
        Ok(map)
    }
}

impl Def {
    /// Where a pin of a component is: the mean of the middles of its shapes, in database units, cut to whole ones as
    /// `dbITerm::getAvgXY` does. The middle of the component where its macro has no such pin or no shapes of it; `None` where it is
    /// unplaced or of a macro that `lef` has not.
    pub fn pin_place(&self, terminal: &Terminal, lef: &Lef) -> Option<Point> {
        let Terminal::Component { component, pin } = terminal else {
            return None;
        };
        let component = self.components.get(component.0 as usize)?;
        let placement = component.placement?;
        let cell = lef.macros.get(&*component.master)?;
        let whole = self.component_box(component, lef)?;
        let shapes = cell.pin(pin).map_or(&[][..], |pin| &pin.shapes);
        if shapes.is_empty() {
            return Some(Point {
                x: (whole.x0 + whole.x1) / 2,
                y: (whole.y0 + whole.y1) / 2,
            });
        }
        let origin = Point {
            x: self.to_units(cell.origin.0),
            y: self.to_units(cell.origin.1),
        };
        let size = Rect {
            x0: 0,
            y0: 0,
            x1: self.to_units(cell.size.0),
            y1: self.to_units(cell.size.1),
        };
        let corner = placement.orientation.turn(size);
        let offset = Point {
            x: placement.at.x - corner.x0,
            y: placement.at.y - corner.y0,
        };
        let (mut x, mut y) = (0.0, 0.0);
        for shape in shapes {
            let units = Rect {
                x0: self.to_units(shape.bounds.x0),
                y0: self.to_units(shape.bounds.y0),
                x1: self.to_units(shape.bounds.x1),
                y1: self.to_units(shape.bounds.y1),
            };
            let placed = placement
                .orientation
                .turn(units.moved(origin))
                .moved(offset);
            x += (placed.x0 + placed.x1) as f64;
            y += (placed.y0 + placed.y1) as f64;
        }
        let count = 2.0 * shapes.len() as f64;
        Some(Point {
            x: (x / count) as i64,
            y: (y / count) as i64,
        })
    }

    /// The box around the pins of a net; `None` where none has a place.
    pub fn net_box(&self, terminals: &[Terminal], lef: &Lef) -> Option<Rect> {
        let places = terminals.iter().filter_map(|terminal| match terminal {
            Terminal::Io(name) => self.io_place(name),
            _ => {
                let at = self.pin_place(terminal, lef)?;
                Some(Rect::between(at, at))
            }
        });
        places.reduce(Rect::join)
    }

    /// The box around the middles of the parts of a pin of the design.
    fn io_place(&self, name: &str) -> Option<Rect> {
        let pin = self.io_pin(name)?;
        let middle = |area: Rect| {
            let at = Point {
                x: (area.x0 + area.x1) / 2,
                y: (area.y0 + area.y1) / 2,
            };
            Rect::between(at, at)
        };
        let parts = pin.ports.iter().filter_map(|port| port.bounds());
        parts.map(middle).reduce(Rect::join)
    }
}

/// The width in database units of the wire that stands for all layers.
fn wire_width(def: &Def, lef: &Lef, layers: Option<(&str, &str)>) -> Result<f64, MapError> {
    let all: Vec<&Layer> = lef.routing_layers().collect();
    let place = |name: &str| {
        let place = all.iter().position(|layer| layer.name == name);
        place.ok_or_else(|| MapError::UnknownLayer(name.to_owned()))
    };
    let range = match layers {
        None => 0..=all.len().saturating_sub(1),
        Some((lowest, highest)) => place(lowest)?..=place(highest)?,
    };
    let mut terms = 0.0;
    for layer in all.get(range).unwrap_or_default() {
        let pitch = across(layer).map_or(0, |pitch| def.to_units(pitch));
        if pitch <= 0 {
            return Err(MapError::NoPitch(layer.name.clone()));
        }
        terms += 1.0 / pitch as f64;
    }
    if terms == 0.0 {
        return Err(MapError::NoLayers);
    }
    Ok((1.25 / terms).trunc())
}

/// The distance in µm between two wires of a layer, across the way that they go: some layers have another pitch along it.
fn across(layer: &Layer) -> Option<f64> {
    let (x, y) = layer.pitch?;
    Some(if layer.direction == Some(LayerDirection::Horizontal) {
        y
    } else {
        x
    })
}

/// The distance between tracks of the third layer of wires in its own direction.
fn pitch(def: &Def, lef: &Lef) -> Option<i64> {
    let layer = lef
        .routing_layers()
        .nth(2)
        .or_else(|| lef.routing_layers().last())?;
    let axis = match layer.direction? {
        LayerDirection::Horizontal => Axis::Y,
        LayerDirection::Vertical => Axis::X,
        LayerDirection::Diagonal => return None,
    };
    let track = def
        .tracks
        .iter()
        .find(|track| track.axis == axis && track.layers.iter().any(|name| **name == *layer.name));
    let of_layer = || across(layer).map(|pitch| def.to_units(pitch));
    track
        .map(|track| track.step)
        .or_else(of_layer)
        .filter(|pitch| *pitch > 0)
}

/// Edges a tile apart; what is left of the die goes to the last tile.
fn tile_edges(from: i64, to: i64, tile: i64) -> Option<Vec<i64>> {
    let count = (to - from) / tile;
    if count > MOST_BINS as i64 {
        return None;
    }
    let mut edges: Vec<i64> = (0..count.max(1)).map(|place| from + place * tile).collect();
    edges.push(to);
    Some(edges)
}

/// The tiles that share more than an edge with a stretch.
fn within(edges: &[i64], from: i64, to: i64) -> std::ops::Range<usize> {
    let first = edges
        .partition_point(|edge| *edge <= from)
        .saturating_sub(1);
    let last = edges
        .partition_point(|edge| *edge < to)
        .min(edges.len() - 1);
    first.min(last)..last
}
