//! DEF: one placed design.

use std::collections::HashMap;
use std::sync::Arc;

use serde::Serialize;

use crate::error::LayoutError;
use crate::geometry::{Orientation, Point, Rect};
use crate::lef::{Lef, PinDirection, Use};
use crate::tokens::Tokens;

mod net;
mod pin;
mod read;

/// A component of a [`Def`], by its place in [`Def::components`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct ComponentId(pub u32);

/// Whether and how firmly something has its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It has no place.
    Unplaced,
    /// It has one that tools may change.
    Placed,
    /// It has one that tools may not change.
    Fixed,
    /// It has one that nothing may change.
    Cover,
}

/// Where something stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Placement {
    /// For a component, the lower left corner of its box after turning; for a pin, its origin. In database units.
    pub at: Point,
    /// How it is turned.
    pub orientation: Orientation,
}

/// A cell or block of the design.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Component {
    /// Its name as it stands in the file.
    pub name: Arc<str>,
    /// The macro that it is one of.
    pub master: Arc<str>,
    /// Whether it is placed.
    pub status: Status,
    /// Where; missing where it is unplaced.
    pub placement: Option<Placement>,
    /// Who made it, as in `DIST` or `TIMING`; missing where the file does not say, which means the netlist.
    pub source: Option<Arc<str>>,
}

/// A row of sites.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// Its name.
    pub name: String,
    /// The site of which it is made.
    pub site: Arc<str>,
    /// The lower left corner of its first site.
    pub at: Point,
    /// How its sites are turned.
    pub orientation: Orientation,
    /// How many sites it has in x and y, at least 1.
    pub count: (u32, u32),
    /// The distance between two sites in x and y; 0 where the file states none, see [`Def::row_step`].
    pub step: (i64, i64),
}

/// Tracks for wires.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Track {
    /// `X` for upright tracks, which stand at different x; `Y` for level ones.
    pub axis: Axis,
    /// The first track.
    pub start: i64,
    /// How many there are.
    pub count: u32,
    /// The distance between two.
    pub step: i64,
    /// The layers that they are for; empty for all.
    pub layers: Vec<Arc<str>>,
}

/// One of the two axes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub enum Axis {
    /// To the right.
    X,
    /// Upwards.
    Y,
}

/// One part of a pin of the design.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IoPort {
    /// Its shapes by layer, from its origin; of a polygon, the box around it.
    pub shapes: Vec<(Arc<str>, Rect)>,
    /// Whether it is placed.
    pub status: Status,
    /// Where its origin is.
    pub placement: Option<Placement>,
}

impl IoPort {
    /// Its shapes at their place on the die, by layer; none where it is unplaced.
    pub fn placed_shapes(&self) -> impl Iterator<Item = (&str, Rect)> {
        self.placement.into_iter().flat_map(|placement| {
            let turned = move |rect: Rect| placement.orientation.turn(rect).moved(placement.at);
            let shapes = self.shapes.iter();
            shapes.map(move |(layer, rect)| (&**layer, turned(*rect)))
        })
    }

    /// The box around its shapes at their place on the die; its origin where it has none. Missing where it is unplaced.
    pub fn bounds(&self) -> Option<Rect> {
        let origin = self.placement?.at;
        let around = self
            .placed_shapes()
            .map(|(_, rect)| rect)
            .reduce(Rect::join);
        Some(around.unwrap_or_else(|| Rect::between(origin, origin)))
    }
}

/// A pin of the design.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IoPin {
    /// Its name as it stands in the file.
    pub name: Arc<str>,
    /// The net that it is on.
    pub net: Arc<str>,
    /// Its direction.
    pub direction: Option<PinDirection>,
    /// What it is for.
    pub usage: Option<Use>,
    /// Its parts; a pin without `PORT` has one at most.
    pub ports: Vec<IoPort>,
}

/// One end of a net.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Terminal {
    /// A pin of the design.
    Io(Arc<str>),
    /// A pin of a component.
    Component {
        /// The component.
        component: ComponentId,
        /// The pin of its macro.
        pin: Arc<str>,
    },
    /// A pin of every component that has one of this name.
    Every(Arc<str>),
}

/// A net. Its wires are not kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Net {
    /// Its name as it stands in the file.
    pub name: Arc<str>,
    /// What it is for; missing where the file does not say, which means a signal.
    pub usage: Option<Use>,
    /// Its ends, in the order of the file.
    pub terminals: Vec<Terminal>,
}

/// A placed design, as one DEF file has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Def {
    /// The version of the language.
    pub version: Option<String>,
    /// What stands between the parts of a hierarchical name; `/` where the file does not say.
    pub divider: char,
    /// What stands around the number of a bit; `[` and `]` where the file does not say.
    pub bus_characters: (char, char),
    /// The name of the design.
    pub design: String,
    /// Database units in a µm.
    pub units_per_micron: u32,
    /// The corners of the die: two of a rectangle, or all of a polygon. Empty where the file does not say.
    pub die_corners: Vec<Point>,
    /// Rows, in the order of the file.
    pub rows: Vec<Row>,
    /// Tracks, in the order of the file.
    pub tracks: Vec<Track>,
    /// Components, in the order of the file.
    pub components: Vec<Component>,
    /// Pins of the design, in the order of the file.
    pub pins: Vec<IoPin>,
    /// Nets, in the order of the file.
    pub nets: Vec<Net>,
    /// Special nets, as power and ground, in the order of the file.
    pub special_nets: Vec<Net>,
    by_name: HashMap<Arc<str>, ComponentId>,
    pin_by_name: HashMap<Arc<str>, usize>,
}

impl Def {
    /// Reads a whole DEF file.
    ///
    /// # Errors
    /// The first thing that is no DEF, with its line: also a file without `END DESIGN`, which was cut off, a section that
    /// does not hold as many entries as it states, a component that is there twice, and an end of a net on none.
    pub fn read(bytes: &[u8]) -> Result<Self, LayoutError> {
        read::Reader::new(Tokens::new(bytes)?).read()
    }

    /// The component of this name.
    pub fn component(&self, name: &str) -> Option<&Component> {
        let id = self.by_name.get(name)?;
        self.components.get(id.0 as usize)
    }

    /// The pin of the design of this name.
    pub fn io_pin(&self, name: &str) -> Option<&IoPin> {
        self.pins.get(*self.pin_by_name.get(name)?)
    }

    /// The box around the die; `None` where the file does not say.
    pub fn die(&self) -> Option<Rect> {
        Rect::around(self.die_corners.iter().copied())
    }

    /// The box of a component on the die; `None` where it is unplaced or `lef` has no such macro.
    pub fn component_box(&self, component: &Component, lef: &Lef) -> Option<Rect> {
        let placement = component.placement?;
        let (width, height) = lef.macros.get(&*component.master)?.size;
        Some(placed_box(
            placement,
            self.to_units(width),
            self.to_units(height),
        ))
    }

    /// The box around a row's sites; `None` where `lef` has no such site.
    pub fn row_box(&self, row: &Row, lef: &Lef) -> Option<Rect> {
        let first = self.first_site(row, lef)?;
        let (step_x, step_y) = self.row_step(row, lef)?;
        // A row of a damaged file may be longer than any number of database units.
        const LONGEST: i64 = 1 << 60;
        let along = |count: u32, step: i64| {
            let length = i64::from(count.saturating_sub(1)).saturating_mul(step);
            length.clamp(-LONGEST, LONGEST)
        };
        let last = first.moved(Point {
            x: along(row.count.0, step_x),
            y: along(row.count.1, step_y),
        });
        Some(first.join(last))
    }

    /// The distance between two sites of a row in x and y: what the file says, or the size of a site where it says none. `None` where
    /// `lef` has no such site.
    pub fn row_step(&self, row: &Row, lef: &Lef) -> Option<(i64, i64)> {
        let site = self.first_site(row, lef)?;
        let step = |stated: i64, side: i64| if stated == 0 { side } else { stated };
        Some((
            step(row.step.0, site.width()),
            step(row.step.1, site.height()),
        ))
    }

    fn first_site(&self, row: &Row, lef: &Lef) -> Option<Rect> {
        let (width, height) = lef.sites.get(&*row.site)?.size;
        let placement = Placement {
            at: row.at,
            orientation: row.orientation,
        };
        Some(placed_box(
            placement,
            self.to_units(width),
            self.to_units(height),
        ))
    }

    /// The box around all rows; `None` without rows, or where `lef` lacks the site of one.
    pub fn core(&self, lef: &Lef) -> Option<Rect> {
        let boxes: Option<Vec<Rect>> = self.rows.iter().map(|row| self.row_box(row, lef)).collect();
        boxes?.into_iter().reduce(Rect::join)
    }

    /// A length in µm as database units, rounded to the nearest, halves away from 0.
    pub fn to_units(&self, microns: f64) -> i64 {
        // Lengths of LEF are below 10¹²; the cast saturates.
        (microns * f64::from(self.units_per_micron)).round() as i64
    }

    /// A length in database units in µm.
    pub fn to_microns(&self, units: i64) -> f64 {
        units as f64 / f64::from(self.units_per_micron)
    }
}

fn placed_box(placement: Placement, width: i64, height: i64) -> Rect {
    let (width, height) = if placement.orientation.swaps_sides() {
        (height, width)
    } else {
        (width, height)
    };
    Rect {
        x0: placement.at.x,
        y0: placement.at.y,
        x1: placement.at.x.saturating_add(width),
        y1: placement.at.y.saturating_add(height),
    }
}
