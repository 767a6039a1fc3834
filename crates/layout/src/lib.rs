//! Reads placed designs and maps over them, and says how two of them differ.
//!
//! Owns: the readers of LEF ([`Lef`]), DEF ([`Def`]), heat maps and reports of congestion ([`CongestionReport`]); maps of density
//! and demand ([`SpatialMap`]), their differences ([`MapDifference`]) and hotspots ([`Hotspots`]); the comparison of two placements
//! ([`PlacementChange`]), and a check of a placement that asks no tool ([`PlacementCheck`]).
//!
//! Never does I/O, never moves a cell, never fills in a value that a file does not state.

mod change;
mod check;
mod congestion;
mod def;
mod difference;
mod error;
mod geometry;
mod lef;
mod map;
mod name;
mod places;
mod region;
mod tokens;

pub use change::{MovedCell, PlacementChange, RetypedCell};
pub use check::{Cells, Overlaps, PlacementCheck};
pub use congestion::{
    CongestionDiagnosis, CongestionRecord, CongestionReport, CrowdedNet, CrowdedRegion, HotRatio,
    Remedy, RemedyKind, WireDirection,
};
pub use def::{
    Axis, Component, ComponentId, Def, IoPin, IoPort, Net, Placement, Row, Status, Terminal, Track,
};
pub use difference::{DifferenceError, MapDifference, Region};
pub use error::{LayoutError, Problem};
pub use geometry::{Bounds, Orientation, Point, Rect};
pub use lef::{
    Layer, LayerDirection, LayerType, Lef, LefConflict, Macro, MacroPin, PinDirection, Shape, Site,
    Use,
};
pub use map::csv::BinSize;
pub use map::density::{DENSITY_BIN, MapError};
pub use map::{Bin, MapKind, SpatialMap};
pub use name::VerilogName;
pub use places::PinPlaces;
pub use region::{CellsWithin, Fate, Hotspot, HotspotMatch, Hotspots, Threshold, match_hotspots};
