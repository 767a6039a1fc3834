//! How far a change reaches, from its edits and from what they do to the logic.

use std::collections::{BTreeMap, BTreeSet};

use noodle2_liberty::LibraryIndex;
use noodle2_model::{BlastRadius, LogicalReach, PhysicalReach};

use crate::ledger::{Edit, Ledger};
use crate::logic::LogicComparison;

/// Areas that differ by no more than this share are one area: libraries round them.
const AREA_RESOLUTION: f64 = 1e-6;

/// How far the edits of a ledger reach. The layout stays unknown: a netlist has none.
pub fn measure_reach(
    ledger: &Ledger,
    logic: &LogicComparison,
    cells: &LibraryIndex,
) -> BlastRadius {
    let logical = if ledger.is_empty() {
        LogicalReach::None
    } else if !logic.is_same() || !ledger.ports.is_empty() {
        LogicalReach::Restructure
    } else if stays_in_place(ledger, cells) {
        LogicalReach::SameFootprint
    } else {
        LogicalReach::Local
    };
    let edits = ledger.edits.iter();
    let instances: BTreeSet<&str> = edits.clone().filter_map(Edit::instance).collect();
    let nets: BTreeSet<&str> = edits.clone().filter_map(Edit::net).collect();
    BlastRadius {
        logical,
        physical: PhysicalReach::Unknown,
        cells_touched: instances.len() as u64,
        nets_touched: nets.len() as u64,
        area_touched_um2: edits
            .filter_map(|edit| match edit {
                Edit::Insert { cell, .. } | Edit::Resize { to: cell, .. } => Some(cells.area(cell)),
                _ => None,
            })
            .sum(),
    }
}

/// Whether no cell would have to move: all edits are exchanges of cells of one function and area, and of
/// signals between equivalent pins of one cell.
fn stays_in_place(ledger: &Ledger, cells: &LibraryIndex) -> bool {
    let mut left: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut joined = left.clone();
    for edit in &ledger.edits {
        match edit {
            Edit::Resize { from, to, .. } if same_footprint(from, to, cells) => {}
            Edit::Disconnect { instance, net, .. } => {
                left.entry(instance).or_default().insert(net);
            }
            Edit::Connect { instance, net, .. } => {
                joined.entry(instance).or_default().insert(net);
            }
            _ => return false,
        }
    }
    // The logic is the same, so signals that stay at their cell can only have gone to equivalent pins.
    left == joined
}

fn same_footprint(from: &str, to: &str, cells: &LibraryIndex) -> bool {
    let areas = cells.area(from).zip(cells.area(to));
    let footprint = |cell| cells.cell(cell).and_then(|cell| cell.footprint.as_deref());
    cells.same_function(from, to)
        && footprint(from) == footprint(to)
        && areas.is_some_and(|(one, other)| (one - other).abs() <= AREA_RESOLUTION * one.abs())
}
