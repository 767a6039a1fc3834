//! Connected bins: regions, hotspots, and which hotspots of two maps are the same.

use std::sync::Arc;

use serde::Serialize;

use crate::def::Def;
use crate::geometry::Bounds;
use crate::lef::Lef;
use crate::map::SpatialMap;

/// How many names of cells a hotspot keeps.
const NAMES: usize = 10;

/// Groups of bins that share edges, each as places in [`SpatialMap::values`] in order; the groups in order of their first bin.
pub(crate) fn connected(map: &SpatialMap, holds: impl Fn(usize) -> bool) -> Vec<Vec<usize>> {
    let columns = map.columns();
    let mut seen = vec![false; map.values.len()];
    let mut groups = Vec::new();
    for start in 0..map.values.len() {
        if seen[start] || !holds(start) {
            continue;
        }
        seen[start] = true;
        let (mut group, mut next) = (vec![start], 0);
        while let Some(place) = group.get(next).copied() {
            next += 1;
            let column = place % columns;
            let neighbours = [
                (column > 0).then(|| place - 1),
                (column + 1 < columns).then(|| place + 1),
                place.checked_sub(columns),
                Some(place + columns).filter(|above| *above < map.values.len()),
            ];
            for neighbour in neighbours.into_iter().flatten() {
                if !seen[neighbour] && holds(neighbour) {
                    seen[neighbour] = true;
                    group.push(neighbour);
                }
            }
        }
        group.sort_unstable();
        groups.push(group);
    }
    groups
}

pub(crate) fn bounds_of(map: &SpatialMap, places: &[usize]) -> Option<Bounds> {
    let columns = map.columns();
    let boxes = places
        .iter()
        .map(|place| map.bin_bounds(place % columns, place / columns));
    boxes.reduce(Bounds::join)
}

/// From which value on a bin is hot.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Threshold {
    /// Above this value, in the unit of the map.
    Value(f64),
    /// Above the value below which this share of the bins lies that have one: 0.95 for the hottest twentieth.
    Quantile(f64),
}

impl Threshold {
    /// The value above which a bin of this map is hot; `None` where every bin is missing.
    pub fn value(self, map: &SpatialMap) -> Option<f64> {
        match self {
            Self::Value(value) => map.range().map(|_| value),
            Self::Quantile(quantile) => map.quantile(quantile),
        }
    }
}

/// Connected bins above a threshold.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Hotspot {
    /// Its rank from 1: the greatest severity first.
    pub rank: usize,
    /// The box around its bins, in µm.
    pub bounds: Bounds,
    /// The area of its bins in µm².
    pub area: f64,
    /// The greatest value in it.
    pub peak: f64,
    /// The sum over its bins of what they have above the threshold times their area: the unit of the map times µm².
    pub severity: f64,
    /// Its bins, as places in [`SpatialMap::values`].
    pub bins: Vec<usize>,
}

/// Cells of a design whose middle is in a bin of a hotspot.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct CellsWithin {
    /// How many there are.
    pub count: usize,
    /// The first ten by name.
    pub first: Vec<Arc<str>>,
}

/// All hotspots of a map.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Hotspots {
    /// What makes a bin hot.
    pub threshold: Threshold,
    /// The value above which a bin of this map is hot.
    pub value: f64,
    /// The hotspots, by rank.
    pub spots: Vec<Hotspot>,
}

impl Hotspots {
    /// The hotspots of a map; `None` where every bin is missing.
    pub fn of(map: &SpatialMap, threshold: Threshold) -> Option<Self> {
        let value = threshold.value(map)?;
        let is_hot = |place: usize| map.values[place].is_some_and(|found| found > value);
        let mut spots: Vec<Hotspot> = connected(map, is_hot)
            .into_iter()
            .filter_map(|bins| spot(map, value, bins))
            .collect();
        // Equal severities in order of the first bin, in which they were found.
        spots.sort_by(|a, b| b.severity.total_cmp(&a.severity));
        for (place, spot) in spots.iter_mut().enumerate() {
            spot.rank = place + 1;
        }
        Some(Self {
            threshold,
            value,
            spots,
        })
    }

    /// For each hotspot, by rank, the placed cells of a design whose middle is in one of its bins.
    pub fn cells(&self, map: &SpatialMap, def: &Def, lef: &Lef) -> Vec<CellsWithin> {
        let mut owner = vec![None; map.values.len()];
        for (place, spot) in self.spots.iter().enumerate() {
            for bin in &spot.bins {
                owner[*bin] = Some(place);
            }
        }
        let mut within = vec![Vec::new(); self.spots.len()];
        for (component, area) in def.placed_boxes(lef) {
            let area = area.in_microns(def.units_per_micron);
            let column = bin_at(&map.x_edges, f64::midpoint(area.x0, area.x1));
            let row = bin_at(&map.y_edges, f64::midpoint(area.y0, area.y1));
            let spot = column
                .zip(row)
                .and_then(|(column, row)| owner[map.place(column, row)]);
            if let Some(spot) = spot {
                within[spot].push(component.name.clone());
            }
        }
        let told = |mut names: Vec<Arc<str>>| {
            names.sort();
            CellsWithin {
                count: names.len(),
                first: names.into_iter().take(NAMES).collect(),
            }
        };
        within.into_iter().map(told).collect()
    }
}

fn spot(map: &SpatialMap, threshold: f64, bins: Vec<usize>) -> Option<Hotspot> {
    let bounds = bounds_of(map, &bins)?;
    let (mut area, mut severity, mut peak) = (0.0, 0.0, f64::MIN);
    for place in &bins {
        let value = map.values[*place]?;
        let columns = map.columns();
        let bin = map.bin_bounds(place % columns, place / columns).area();
        area += bin;
        severity += (value - threshold) * bin;
        peak = peak.max(value);
    }
    Some(Hotspot {
        rank: 0,
        bounds,
        area,
        peak,
        severity,
        bins,
    })
}

/// The bin in which a place is; its lower edge belongs to it.
fn bin_at(edges: &[f64], place: f64) -> Option<usize> {
    let bin = edges
        .partition_point(|edge| *edge <= place)
        .checked_sub(1)?;
    (bin + 1 < edges.len()).then_some(bin)
}

/// What became of a hotspot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// It is there in both, with no other severity.
    Same,
    /// It is there in both, and more severe after.
    Grown,
    /// It is there in both, and less severe after.
    Shrunk,
    /// It is there after only.
    New,
    /// It is there before only.
    Gone,
}

/// A hotspot before with its continuation after.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct HotspotMatch {
    /// What became of it.
    pub fate: Fate,
    /// Its rank before; missing for a new one.
    pub before: Option<usize>,
    /// Its rank after; missing for one that is gone.
    pub after: Option<usize>,
    /// The area in µm² that both share.
    pub shared_area: f64,
}

/// Which hotspots of two maps of one die are the same: pairs are made of those that share the greatest area, each at most once.
/// What is left is gone or new. In order of rank after, those that are gone last.
pub fn match_hotspots(
    (map_before, before): (&SpatialMap, &Hotspots),
    (map_after, after): (&SpatialMap, &Hotspots),
) -> Vec<HotspotMatch> {
    let mut pairs = Vec::new();
    let boxes = |map: &SpatialMap, spot: &Hotspot| -> Vec<Bounds> {
        let columns = map.columns();
        let bins = spot.bins.iter();
        bins.map(|place| map.bin_bounds(place % columns, place / columns))
            .collect()
    };
    let later: Vec<Vec<Bounds>> = after
        .spots
        .iter()
        .map(|spot| boxes(map_after, spot))
        .collect();
    for old in &before.spots {
        let bins = boxes(map_before, old);
        for (new, new_bins) in after.spots.iter().zip(&later) {
            if old.bounds.shared_area(&new.bounds) == 0.0 {
                continue;
            }
            let shared: f64 = bins
                .iter()
                .flat_map(|a| new_bins.iter().map(move |b| a.shared_area(b)))
                .sum();
            if shared > 0.0 {
                pairs.push((shared, old, new));
            }
        }
    }
    pairs.sort_by(|a, b| {
        b.0.total_cmp(&a.0)
            .then(a.1.rank.cmp(&b.1.rank))
            .then(a.2.rank.cmp(&b.2.rank))
    });
    let mut old_taken = vec![false; before.spots.len()];
    let mut found: Vec<Option<HotspotMatch>> = vec![None; after.spots.len()];
    for (shared_area, old, new) in pairs {
        if old_taken[old.rank - 1] || found[new.rank - 1].is_some() {
            continue;
        }
        old_taken[old.rank - 1] = true;
        let fate = match new.severity.total_cmp(&old.severity) {
            std::cmp::Ordering::Equal => Fate::Same,
            std::cmp::Ordering::Greater => Fate::Grown,
            std::cmp::Ordering::Less => Fate::Shrunk,
        };
        found[new.rank - 1] = Some(HotspotMatch {
            fate,
            before: Some(old.rank),
            after: Some(new.rank),
            shared_area,
        });
    }
    let new = |(place, matched): (usize, Option<HotspotMatch>)| {
        matched.unwrap_or(HotspotMatch {
            fate: Fate::New,
            before: None,
            after: Some(place + 1),
            shared_area: 0.0,
        })
    };
    let gone = old_taken.iter().enumerate().filter(|(_, taken)| !**taken);
    let gone = gone.map(|(place, _)| HotspotMatch {
        fate: Fate::Gone,
        before: Some(place + 1),
        after: None,
        shared_area: 0.0,
    });
    found.into_iter().enumerate().map(new).chain(gone).collect()
}
