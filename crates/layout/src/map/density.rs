//! How densely cells stand, by the definition of OpenROAD.
//!
//! As `PlacementDensityDataSource::populateMap` and `HeatMapDataSource::addToMap` have it: bins of 10 µm from the lower left corner
//! of the die, the last ones cut; each placed cell adds the share of a bin that it covers, in percent. Fillers, pads and covers
//! do not count, taps and end caps do. A bin has a value where a cell covers or touches it, also one of 0.

use crate::def::Def;
use crate::geometry::Rect;
use crate::lef::{Lef, Macro};
use crate::map::{MOST_BINS, MapKind, SpatialMap};

/// The side of a bin in µm that OpenROAD has unless told otherwise.
pub const DENSITY_BIN: f64 = 10.0;

/// A design from which a map cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MapError {
    /// It has no die, or one without an area.
    #[error("the design has no die with an area")]
    NoDie,
    /// The bins are smaller than a database unit, or too many.
    #[error("bins of this size are too small for the die")]
    Bins,
    /// Macros that no LEF has: their cells would be left out of the map.
    #[error("{count} macros are in no LEF file, the first `{first}`")]
    UnknownMacros {
        /// How many.
        count: usize,
        /// The first by name.
        first: String,
    },
    /// A cell without a place: demand cannot be estimated.
    #[error("the component `{0}` is not placed")]
    Unplaced(String),
    /// There is no third layer of wires with tracks or a pitch, by which the grid is made.
    #[error("there is no pitch for the third layer of wires, by which OpenROAD makes its grid")]
    NoTile,
    /// A layer of wires states no pitch.
    #[error("the layer `{0}` has no pitch")]
    NoPitch(String),
    /// No layer of wires has this name.
    #[error("no layer of wires is called `{0}`")]
    UnknownLayer(String),
    /// There is no layer to route on.
    #[error("there is no layer of wires to route on")]
    NoLayers,
}

impl SpatialMap {
    /// The density of placed cells in percent, in bins with this side in µm; see [`DENSITY_BIN`].
    ///
    /// # Errors
    /// A design without a die, bins that are too small, and macros that no LEF has.
    pub fn density(def: &Def, lef: &Lef, bin: f64) -> Result<Self, MapError> {
        let die = def
            .die()
            .filter(|die| die.area() > 0)
            .ok_or(MapError::NoDie)?;
        known_macros(def, lef)?;
        // OpenROAD cuts the number of database units of a bin.
        let side = (bin * f64::from(def.units_per_micron)) as i64;
        let columns = regular_edges(die.x0, die.x1, side).ok_or(MapError::Bins)?;
        let rows = regular_edges(die.y0, die.y1, side).ok_or(MapError::Bins)?;
        if (columns.len() - 1).saturating_mul(rows.len() - 1) > MOST_BINS {
            return Err(MapError::Bins);
        }
        let mut map = on_edges(def, MapKind::Placement, &columns, &rows);
        map.die = Some(die.in_microns(def.units_per_micron));
        for component in &def.components {
            let counts = |cell: &&Macro| {
                !cell.is_filler() && !matches!(cell.main_class(), Some("PAD" | "COVER"))
            };
            let Some(_) = lef.macros.get(&*component.master).filter(counts) else {
                continue;
            };
            let Some(area) = def.component_box(component, lef) else {
                continue;
            };
            for row in touching(&rows, area.y0, area.y1) {
                for column in touching(&columns, area.x0, area.x1) {
                    let bin = Rect {
                        x0: columns[column],
                        y0: rows[row],
                        x1: columns[column + 1],
                        y1: rows[row + 1],
                    };
                    let share = 100.0 * bin.shared_area(&area) as f64 / bin.area() as f64;
                    let place = map.place(column, row);
                    map.values[place] = Some(map.values[place].unwrap_or(0.0) + share);
                }
            }
        }
        Ok(map)
    }
}

pub(crate) fn known_macros(def: &Def, lef: &Lef) -> Result<(), MapError> {
    let masters = def.components.iter().map(|component| &*component.master);
    let unknown: std::collections::BTreeSet<&str> = masters
        .filter(|master| !lef.macros.contains_key(*master))
        .collect();
    match unknown.first() {
        None => Ok(()),
        Some(first) => Err(MapError::UnknownMacros {
            count: unknown.len(),
            first: (*first).to_owned(),
        }),
    }
}

/// Edges `side` apart, the last at the end of the die; `None` where there would be none or too many.
fn regular_edges(from: i64, to: i64, side: i64) -> Option<Vec<i64>> {
    if side <= 0 || (to - from) / side > MOST_BINS as i64 {
        return None;
    }
    let mut edges = vec![from];
    let mut edge = from;
    while edge < to {
        edge = (edge + side).min(to);
        edges.push(edge);
    }
    Some(edges)
}

pub(crate) fn on_edges(def: &Def, kind: MapKind, columns: &[i64], rows: &[i64]) -> SpatialMap {
    let microns = |edges: &[i64]| edges.iter().map(|edge| def.to_microns(*edge)).collect();
    SpatialMap::missing(kind, kind.usual_unit(), microns(columns), microns(rows))
}

/// The bins that a stretch covers or touches, as `HeatMapDataSource::getMapView` takes them.
fn touching(edges: &[i64], from: i64, to: i64) -> std::ops::Range<usize> {
    let first = edges.partition_point(|edge| *edge < from).saturating_sub(1);
    let last = edges
        .partition_point(|edge| *edge <= to)
        .min(edges.len() - 1);
    first.min(last)..last
}
