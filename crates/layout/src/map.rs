//! A value for each bin of a grid over the die.

use serde::Serialize;

use crate::geometry::Bounds;

pub(crate) mod csv;
pub(crate) mod density;
pub(crate) mod rudy;

/// The most bins that a map may have; a file that asks for more is damaged or no heat map.
pub(crate) const MOST_BINS: usize = 1 << 24;

/// What a map shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MapKind {
    /// How much of a bin is covered by cells, in percent.
    Placement,
    /// How many pins are in a bin.
    Pin,
    /// How much power cells in a bin take.
    Power,
    /// How far supply voltage drops.
    IrDrop,
    /// How much of a bin's routing capacity is used, in percent.
    Routing,
    /// Routing demand estimated before routing, in percent (Spindler and Johannes, DATE 2007).
    Rudy,
    /// By how many tracks more is used than there are.
    Overflow,
    /// Nothing that is known.
    Other,
}

impl MapKind {
    /// The kind by the name that `gui::dump_heatmap` takes, in any case; [`MapKind::Other`] for any other.
    pub fn of_name(name: &str) -> Self {
        match name.to_ascii_lowercase().as_str() {
            "placement" | "density" => Self::Placement,
            "pin" => Self::Pin,
            "power" => Self::Power,
            "irdrop" | "ir_drop" => Self::IrDrop,
            "routing" => Self::Routing,
            "rudy" => Self::Rudy,
            "overflow" => Self::Overflow,
            _ => Self::Other,
        }
    }

    /// What it is called in titles.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Placement => "Placement density",
            Self::Pin => "Pin density",
            Self::Power => "Power density",
            Self::IrDrop => "IR drop",
            Self::Routing => "Routing congestion",
            Self::Rudy => "Estimated routing demand (RUDY)",
            Self::Overflow => "Routing overflow",
            Self::Other => "Heat map",
        }
    }

    /// The unit that OpenROAD has for it where a file does not say; empty where that is not known.
    pub const fn usual_unit(self) -> &'static str {
        match self {
            Self::Placement | Self::Routing | Self::Rudy => "%",
            Self::Overflow => "tracks",
            Self::Pin | Self::Power | Self::IrDrop | Self::Other => "",
        }
    }
}

/// One bin of a map.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bin {
    /// Its column, from the left.
    pub column: usize,
    /// Its row, from below.
    pub row: usize,
    /// Where it is, in µm.
    pub bounds: Bounds,
    /// Its value; `None` where it is missing.
    pub value: Option<f64>,
}

/// A map: a grid over the die, and a value for each bin or none.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SpatialMap {
    /// What it shows.
    pub kind: MapKind,
    /// The unit of its values; empty where it is not known.
    pub unit: String,
    /// The edges of the columns in µm, from the left; one more than there are columns.
    pub x_edges: Vec<f64>,
    /// The edges of the rows in µm, from below; one more than there are rows.
    pub y_edges: Vec<f64>,
    /// The values, row by row from below. A bin without a value is missing, which is not 0.
    pub values: Vec<Option<f64>>,
    /// The box of the die in µm; missing where nobody said.
    pub die: Option<Bounds>,
}

impl SpatialMap {
    /// A map of missing values over a grid.
    pub(crate) fn missing(kind: MapKind, unit: &str, x_edges: Vec<f64>, y_edges: Vec<f64>) -> Self {
        let bins = x_edges.len().saturating_sub(1) * y_edges.len().saturating_sub(1);
        Self {
            kind,
            unit: unit.to_owned(),
            x_edges,
            y_edges,
            values: vec![None; bins],
            die: None,
        }
    }

    /// How many columns there are.
    pub fn columns(&self) -> usize {
        self.x_edges.len().saturating_sub(1)
    }

    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.y_edges.len().saturating_sub(1)
    }

    /// The place of a bin in [`SpatialMap::values`].
    pub fn place(&self, column: usize, row: usize) -> usize {
        row * self.columns() + column
    }

    /// The value of a bin; `None` where it is missing, or there is no such bin.
    pub fn value(&self, column: usize, row: usize) -> Option<f64> {
        if column >= self.columns() {
            return None;
        }
        self.values.get(self.place(column, row)).copied().flatten()
    }

    /// Where a bin is, in µm.
    ///
    /// # Panics
    /// When there is no such bin.
    pub fn bin_bounds(&self, column: usize, row: usize) -> Bounds {
        Bounds {
            x0: self.x_edges[column],
            y0: self.y_edges[row],
            x1: self.x_edges[column + 1],
            y1: self.y_edges[row + 1],
        }
    }

    /// All bins, row by row from below.
    pub fn bins(&self) -> impl Iterator<Item = Bin> + '_ {
        let columns = self.columns();
        self.values.iter().enumerate().map(move |(place, value)| {
            let (column, row) = (place % columns, place / columns);
            Bin {
                column,
                row,
                bounds: self.bin_bounds(column, row),
                value: *value,
            }
        })
    }

    /// The values that are there.
    pub fn present(&self) -> impl Iterator<Item = f64> + '_ {
        self.values.iter().copied().flatten()
    }

    /// The least and the greatest value; `None` where every bin is missing.
    pub fn range(&self) -> Option<(f64, f64)> {
        let joined = |(low, high): (f64, f64), value: f64| (low.min(value), high.max(value));
        let mut values = self.present();
        let first = values.next()?;
        Some(values.fold((first, first), joined))
    }

    /// The value below which the share `quantile` of the bins lies that have one (nearest rank); `None` where none has.
    pub fn quantile(&self, quantile: f64) -> Option<f64> {
        let mut values: Vec<f64> = self.present().collect();
        values.sort_by(f64::total_cmp);
        let rank = (quantile.clamp(0.0, 1.0) * values.len() as f64).ceil() as usize;
        values.get(rank.max(1) - 1).copied()
    }

    /// The box around all bins, in µm; `None` without bins.
    pub fn bounds(&self) -> Option<Bounds> {
        Some(Bounds {
            x0: *self.x_edges.first()?,
            y0: *self.y_edges.first()?,
            x1: *self.x_edges.last()?,
            y1: *self.y_edges.last()?,
        })
    }

    /// Whether both have the very same bins.
    pub fn has_grid_of(&self, other: &Self) -> bool {
        self.x_edges == other.x_edges && self.y_edges == other.y_edges
    }

    /// The same map on the grid of another: each bin has the mean of what it covers, weighted by area. A bin that is not
    /// covered wholly by bins with a value is missing.
    #[must_use]
    pub fn resampled(&self, grid: &Self) -> Self {
        let mut map = Self::missing(
            self.kind,
            &self.unit,
            grid.x_edges.clone(),
            grid.y_edges.clone(),
        );
        map.die = self.die;
        for row in 0..map.rows() {
            let rows = touched(&self.y_edges, map.y_edges[row], map.y_edges[row + 1]);
            for column in 0..map.columns() {
                let bin = map.bin_bounds(column, row);
                let columns = touched(&self.x_edges, bin.x0, bin.x1);
                let (mut covered, mut sum) = (0.0, 0.0);
                for row in rows.clone() {
                    for column in columns.clone() {
                        if let Some(value) = self.value(column, row) {
                            let shared = bin.shared_area(&self.bin_bounds(column, row));
                            covered += shared;
                            sum += shared * value;
                        }
                    }
                }
                let place = map.place(column, row);
                map.values[place] = (covered > bin.area() * (1.0 - 1e-6)).then(|| sum / covered);
            }
        }
        map
    }
}

/// The bins between `edges` that share more than an edge with the stretch from `from` to `to`.
pub(crate) fn touched(edges: &[f64], from: f64, to: f64) -> std::ops::Range<usize> {
    let bins = edges.len().saturating_sub(1);
    let first = edges
        .partition_point(|edge| *edge <= from)
        .saturating_sub(1);
    let last = edges.partition_point(|edge| *edge < to).min(bins);
    first.min(last)..last
}
