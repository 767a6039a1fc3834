//! How one map differs from another of the same die. Less is better in every map that there is.

use serde::Serialize;

use crate::geometry::Bounds;
use crate::map::SpatialMap;
use crate::region::{bounds_of, connected};

/// Connected bins that all got better, or all got worse.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Region {
    /// The box around its bins, in µm.
    pub bounds: Bounds,
    /// How many bins it has.
    pub bins: usize,
    /// The sum of the changes of its bins times their area: the unit of the map times µm². Below 0 where it got better.
    pub weight: f64,
    /// The greatest change of one bin, with its sign.
    pub peak: f64,
}

/// How a map differs from another.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MapDifference {
    /// After minus before, on the grid of the map after. A bin that is missing in either is missing.
    pub map: SpatialMap,
    /// Whether the map before was on another grid, and means by area were taken of it.
    pub is_resampled: bool,
    /// Changes up to this one, in the unit of the map, count as none.
    pub tolerance: f64,
    /// How many bins got better: their value fell by more than the tolerance.
    pub improved: usize,
    /// How many got worse.
    pub worse: usize,
    /// How many did neither.
    pub unchanged: usize,
    /// How many are missing in one or both.
    pub missing: usize,
    /// Where it got better, the most first.
    pub improved_regions: Vec<Region>,
    /// Where it got worse, the most first.
    pub worse_regions: Vec<Region>,
}

/// Two maps that cannot be compared.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DifferenceError {
    /// They show different things, or the same in different units.
    #[error("{before} cannot be compared with {after}")]
    Kinds {
        /// What the map before shows, with its unit.
        before: String,
        /// What the map after shows, with its unit.
        after: String,
    },
    /// The tolerance is no number of at least 0.
    #[error("the tolerance must be a number of at least 0")]
    Tolerance,
}

impl MapDifference {
    /// What changed from `before` to `after`. `tolerance` is in the unit of both.
    ///
    /// # Errors
    /// Maps of different kinds or units.
    pub fn between(
        before: &SpatialMap,
        after: &SpatialMap,
        tolerance: f64,
    ) -> Result<Self, DifferenceError> {
        if before.kind != after.kind || before.unit != after.unit {
            let told = |map: &SpatialMap| match map.unit.as_str() {
                "" => map.kind.title().to_owned(),
                unit => format!("{} in {unit}", map.kind.title()),
            };
            return Err(DifferenceError::Kinds {
                before: told(before),
                after: told(after),
            });
        }
        if !(tolerance.is_finite() && tolerance >= 0.0) {
            return Err(DifferenceError::Tolerance);
        }
        let is_resampled = !before.has_grid_of(after);
        let resampled = is_resampled.then(|| before.resampled(after));
        let old = resampled.as_ref().unwrap_or(before);
        let mut map = after.clone();
        map.die = after.die.or(before.die);
        let change = |(new, old): (&Option<f64>, &Option<f64>)| Some((*new)? - (*old)?);
        map.values = after.values.iter().zip(&old.values).map(change).collect();
        let count =
            |holds: &dyn Fn(f64) -> bool| map.present().filter(|value| holds(*value)).count();
        let improved = count(&|change| change < -tolerance);
        let worse = count(&|change| change > tolerance);
        let unchanged = map.present().count() - improved - worse;
        Ok(Self {
            improved_regions: regions(&map, |change| change < -tolerance),
            worse_regions: regions(&map, |change| change > tolerance),
            is_resampled,
            tolerance,
            improved,
            worse,
            unchanged,
            missing: map.values.len() - map.present().count(),
            map,
        })
    }
}

fn regions(map: &SpatialMap, holds: impl Fn(f64) -> bool) -> Vec<Region> {
    let groups = connected(map, |place| map.values[place].is_some_and(&holds));
    let columns = map.columns();
    let region = |places: Vec<usize>| {
        let bounds = bounds_of(map, &places)?;
        let (mut weight, mut peak) = (0.0, 0.0_f64);
        for place in &places {
            let change = map.values[*place]?;
            weight += change * map.bin_bounds(place % columns, place / columns).area();
            if change.abs() > peak.abs() {
                peak = change;
            }
        }
        Some(Region {
            bounds,
            bins: places.len(),
            weight,
            peak,
        })
    };
    let mut regions: Vec<Region> = groups.into_iter().filter_map(region).collect();
    regions.sort_by(|a, b| b.weight.abs().total_cmp(&a.weight.abs()));
    regions
}
