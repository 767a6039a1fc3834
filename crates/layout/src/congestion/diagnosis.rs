//! What a report of congestion says of its causes: plain counts, and the kinds of remedies that they speak for.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Serialize;

use crate::congestion::{CongestionReport, WireDirection};
use crate::error::LayoutError;
use crate::geometry::Bounds;
use crate::map::SpatialMap;
use crate::region::{Hotspots, Threshold};

/// How many nets and regions are told.
const TOLD: usize = 10;

/// A direction that holds this share of the overflow is what lacks tracks.
const ONE_SIDED: f64 = 0.75;

/// Congestion of which this share lies in the first few regions is local, where these are also small.
const LOCAL: f64 = 0.5;

/// How many regions are the first few.
const FEW: usize = 3;

/// Regions are small that take at most this share of the bins in the box around all congestion.
const SMALL_SHARE: f64 = 0.2;

/// Edges of so few tracks are what adjustments or obstacles left.
const SCARCE: u32 = 2;

/// An overflow of so few tracks at every edge is what more attempts of the router can undo.
const SMALL: u32 = 2;

/// Cells that cover this much of the congested bins, in percent, leave the router little room between pins.
const DENSE: f64 = 70.0;

/// A net that crosses congested edges.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CrowdedNet {
    /// Its name in DEF.
    pub name: Arc<str>,
    /// How many congested edges it crosses.
    pub edges: usize,
}

/// Congested bins that are connected.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CrowdedRegion {
    /// The box around them in µm.
    pub bounds: Bounds,
    /// How many bins there are.
    pub bins: usize,
    /// The greatest overflow in tracks.
    pub peak: f64,
    /// The share of the whole overflow, by area, that lies in it.
    pub share: f64,
}

/// A kind of remedy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RemedyKind {
    /// Place with a lower target density.
    PlacementDensity,
    /// Take less capacity away from the layers of a direction.
    LayerAdjustment,
    /// Let the router tear out and route again more often.
    RipUp,
    /// Move cells out of a region.
    SpreadCells,
}

/// A kind of remedy, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Remedy {
    /// What kind.
    pub kind: RemedyKind,
    /// Why the numbers speak for it.
    pub reason: String,
}

/// What a report says of the causes of congestion.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CongestionDiagnosis {
    /// How many edges are congested.
    pub edges: usize,
    /// How many different bins that is.
    pub bins: usize,
    /// Which share that is of all bins in the box around all congestion. What is outside of it the report does not say.
    pub bins_share: f64,
    /// The sum of all overflows in tracks.
    pub total_overflow: u64,
    /// The greatest overflow of one edge in tracks.
    pub greatest_overflow: u32,
    /// The part of the overflow whose wires go along x, in tracks.
    pub horizontal_overflow: u64,
    /// The part of the overflow whose wires go along y, in tracks.
    pub vertical_overflow: u64,
    /// The capacity in tracks that half of the congested edges have at most.
    pub median_capacity: u32,
    /// The nets that cross the most congested edges, at most ten.
    pub nets: Vec<CrowdedNet>,
    /// The regions with the most overflow, at most ten.
    pub regions: Vec<CrowdedRegion>,
    /// How densely cells stand in congested bins, in percent; missing where no map of density was given.
    pub density: Option<f64>,
    /// The kinds of remedies that these numbers speak for. None may be.
    pub remedies: Vec<Remedy>,
}

impl CongestionDiagnosis {
    /// Tells the causes of congestion; `None` for a report without any. `density` is a map of placement density of the same die, if
    /// there is one.
    ///
    /// # Errors
    /// Records whose boxes make no grid.
    pub fn of(
        report: &CongestionReport,
        density: Option<&SpatialMap>,
    ) -> Result<Option<Self>, LayoutError> {
        let map = report.overflow_map()?;
        let Some(hotspots) = Hotspots::of(&map, Threshold::Value(0.0)) else {
            return Ok(None);
        };
        let severity: f64 = hotspots.spots.iter().map(|spot| spot.severity).sum();
        let region = |spot: &crate::region::Hotspot| CrowdedRegion {
            bounds: spot.bounds,
            bins: spot.bins.len(),
            peak: spot.peak,
            share: if severity > 0.0 {
                spot.severity / severity
            } else {
                0.0
            },
        };
        let along = |direction: WireDirection| -> u64 {
            let records = report.records.iter();
            let records = records.filter(|record| record.direction == direction);
            records.map(|record| u64::from(record.overflow)).sum()
        };
        let mut capacities: Vec<u32> = report
            .records
            .iter()
            .map(|record| record.capacity)
            .collect();
        capacities.sort_unstable();
        let mut diagnosis = Self {
            edges: report.records.len(),
            bins: map.present().count(),
            bins_share: map.present().count() as f64 / map.values.len().max(1) as f64,
            total_overflow: report.total_overflow(),
            greatest_overflow: report
                .records
                .iter()
                .map(|record| record.overflow)
                .max()
                .unwrap_or(0),
            horizontal_overflow: along(WireDirection::Horizontal),
            vertical_overflow: along(WireDirection::Vertical),
            median_capacity: capacities
                .get(capacities.len().saturating_sub(1) / 2)
                .copied()
                .unwrap_or(0),
            nets: crowded_nets(report),
            regions: hotspots.spots.iter().take(TOLD).map(region).collect(),
            density: density.and_then(|density| mean_under(density, &map)),
            remedies: Vec::new(),
        };
        diagnosis.remedies = diagnosis.find_remedies();
        Ok(Some(diagnosis))
    }

    fn find_remedies(&self) -> Vec<Remedy> {
        let mut remedies = Vec::new();
        let mut add = |kind, reason| remedies.push(Remedy { kind, reason });
        let total = self.total_overflow.max(1) as f64;
        for (overflow, name) in [
            (self.horizontal_overflow, "horizontal"),
            (self.vertical_overflow, "vertical"),
        ] {
            let share = overflow as f64 / total;
            if share >= ONE_SIDED {
                let reason = format!(
                    "{:.0} % of the overflow is {name}, at a median capacity of {} tracks: the {name} layers lack tracks",
                    share * 100.0,
                    self.median_capacity
                );
                add(RemedyKind::LayerAdjustment, reason);
            }
        }
        if self.median_capacity <= SCARCE {
            let reason = format!(
                "half of the congested edges have {} tracks or fewer: adjustments or obstacles leave hardly any",
                self.median_capacity
            );
            add(RemedyKind::LayerAdjustment, reason);
        }
        let few = &self.regions[..self.regions.len().min(FEW)];
        let first: f64 = few.iter().map(|region| region.share).sum();
        let bins: usize = few.iter().map(|region| region.bins).sum();
        let bins = bins as f64 / self.bins.max(1) as f64 * self.bins_share;
        let is_dense = self.density.is_some_and(|density| density >= DENSE);
        let cells = self.density.map_or_else(
            || "how densely cells stand there is not known".to_owned(),
            |density| format!("cells cover {density:.0} % of congested bins"),
        );
        if first >= LOCAL && bins <= SMALL_SHARE && (is_dense || self.density.is_none()) {
            let reason = format!(
                "{:.0} % of the overflow lies in {} of the regions, and {cells}",
                first * 100.0,
                few.len()
            );
            add(RemedyKind::SpreadCells, reason);
        } else if is_dense {
            let share = self.bins_share * 100.0;
            let reason = format!("{cells}, and these are {share:.0} % of the bins in their box");
            add(RemedyKind::PlacementDensity, reason);
        }
        if self.greatest_overflow <= SMALL {
            let reason = format!(
                "no edge is over by more than {} tracks: the router may still find ways round",
                self.greatest_overflow
            );
            add(RemedyKind::RipUp, reason);
        }
        remedies
    }
}

fn crowded_nets(report: &CongestionReport) -> Vec<CrowdedNet> {
    let mut counts: BTreeMap<&Arc<str>, usize> = BTreeMap::new();
    for record in &report.records {
        let nets: BTreeSet<&Arc<str>> = record.nets.iter().collect();
        for net in nets {
            *counts.entry(net).or_default() += 1;
        }
    }
    let mut nets: Vec<CrowdedNet> = counts
        .into_iter()
        .map(|(name, edges)| CrowdedNet {
            name: name.clone(),
            edges,
        })
        .collect();
    // Nets with as many edges stay in order of name.
    nets.sort_by_key(|net| std::cmp::Reverse(net.edges));
    nets.truncate(TOLD);
    nets
}

/// The mean of `values` under the bins of `map` that are there, weighted by area; `None` where nothing is known under any.
fn mean_under(values: &SpatialMap, map: &SpatialMap) -> Option<f64> {
    let (mut covered, mut sum) = (0.0, 0.0);
    for bin in map.bins().filter(|bin| bin.value.is_some()) {
        for row in crate::map::touched(&values.y_edges, bin.bounds.y0, bin.bounds.y1) {
            for column in crate::map::touched(&values.x_edges, bin.bounds.x0, bin.bounds.x1) {
                if let Some(value) = values.value(column, row) {
                    let shared = bin.bounds.shared_area(&values.bin_bounds(column, row));
                    covered += shared;
                    sum += shared * value;
                }
            }
        }
    }
    (covered > 0.0).then(|| sum / covered)
}
