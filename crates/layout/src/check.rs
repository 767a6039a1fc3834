//! A check of a placement by its own numbers: no tool is asked.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Serialize;

use crate::def::{Component, Def, Row};
use crate::geometry::Rect;
use crate::lef::{Lef, Macro};

/// How many names of each list are kept.
const NAMES: usize = 10;

/// How many pairs of boxes are looked at; a placement with more is so wrong that the exact number says nothing.
const MOST_PAIRS: usize = 20_000_000;

/// Some cells: how many, and the first by name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Cells {
    /// How many there are.
    pub count: usize,
    /// The first ten by name.
    pub first: Vec<Arc<str>>,
}

impl Cells {
    fn of(names: impl IntoIterator<Item = Arc<str>>) -> Self {
        let names: BTreeSet<Arc<str>> = names.into_iter().collect();
        Self {
            count: names.len(),
            first: names.into_iter().take(NAMES).collect(),
        }
    }
}

/// Pairs of cells that stand on each other.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Overlaps {
    /// How many pairs there are.
    pub count: usize,
    /// Whether there are so many that counting was given up: there are at least `count`.
    pub is_at_least: bool,
    /// The first ten pairs by name.
    pub first: Vec<(Arc<str>, Arc<str>)>,
}

/// What a placement is by its own numbers. Areas are in µm².
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PlacementCheck {
    /// Cells of the core and blocks that have a place, without fillers.
    pub cells: usize,
    /// Cells of the core and blocks without a place.
    pub unplaced: Cells,
    /// Cells whose macro no LEF has: nothing is known of their size, and no other number counts them.
    pub unknown: Cells,
    /// The area of placed cells of the core and blocks, without fillers.
    pub cell_area: f64,
    /// The area of all rows; missing where there are none or the site of one is in no LEF.
    pub row_area: Option<f64>,
    /// `cell_area` over `row_area`: 1 where the rows are full.
    pub utilisation: Option<f64>,
    /// Pairs of placed cells, fillers too, that share an area.
    pub overlaps: Overlaps,
    /// Cells of the core that stand on no site of a row, or stick out of it.
    pub off_grid: Cells,
    /// Cells of the core and blocks that are not wholly within the box around all rows.
    pub outside_core: Cells,
}

struct Placed<'a> {
    name: &'a Arc<str>,
    cell: &'a Macro,
    area: Rect,
}

impl PlacementCheck {
    /// Checks the placement of a design with the sizes of its macros and sites.
    pub fn of(def: &Def, lef: &Lef) -> Self {
        let mut placed = Vec::new();
        let (mut unplaced, mut unknown) = (Vec::new(), Vec::new());
        for component in &def.components {
            let Some(cell) = lef.macros.get(&*component.master) else {
                unknown.push(component.name.clone());
                continue;
            };
            if !(cell.is_core_cell() || cell.is_block()) {
                continue;
            }
            match def.component_box(component, lef) {
                Some(area) => placed.push(Placed {
                    name: &component.name,
                    cell,
                    area,
                }),
                None => unplaced.push(component.name.clone()),
            }
        }
        // Sums in order of name: the order of a file changes no digit.
        placed.sort_by(|a, b| a.name.cmp(b.name));
        let counted = || placed.iter().filter(|placed| !placed.cell.is_filler());
        let units = f64::from(def.units_per_micron);
        let microns = |area: i128| area as f64 / (units * units);
        let cell_area = microns(sum(counted().map(|placed| placed.area.area())));
        let rows: Option<Vec<Rect>> = def.rows.iter().map(|row| def.row_box(row, lef)).collect();
        let rows = rows.filter(|rows| !rows.is_empty());
        let row_area = rows.map(|rows| microns(sum(rows.iter().map(Rect::area))));
        let core = def.core(lef);
        let outside = placed
            .iter()
            .filter(|placed| core.is_some_and(|core| !core.contains(&placed.area)));
        let grid = RowGrid::new(def, lef);
        let off_grid = placed
            .iter()
            .filter(|placed| placed.cell.is_core_cell() && !grid.holds(placed));
        Self {
            cells: counted().count(),
            cell_area,
            row_area,
            utilisation: row_area
                .filter(|area| *area > 0.0)
                .map(|area| cell_area / area),
            overlaps: overlaps(&placed),
            off_grid: Cells::of(off_grid.map(|placed| placed.name.clone())),
            outside_core: Cells::of(outside.map(|placed| placed.name.clone())),
            unplaced: Cells::of(unplaced),
            unknown: Cells::of(unknown),
        }
    }

    /// Whether nothing is wrong with it: every cell is known, has a place on a row within the core, and none stands on another.
    pub const fn is_legal(&self) -> bool {
        self.overlaps.count == 0
            && self.off_grid.count == 0
            && self.outside_core.count == 0
            && self.unplaced.count == 0
            && self.unknown.count == 0
    }
}

/// A sum that stops at the largest number: rows of a file may be as long as they like.
fn sum(areas: impl Iterator<Item = i128>) -> i128 {
    areas.fold(0, i128::saturating_add)
}

/// A row with the box around its sites and the distance between them.
struct RowSites<'a> {
    row: &'a Row,
    area: Rect,
    step: (i64, i64),
}

impl RowSites<'_> {
    /// Whether a cell stands on sites of this row.
    fn holds(&self, placed: &Placed<'_>) -> bool {
        let cell = placed.area;
        let is_step = |at: i64, from: i64, step: i64| match step {
            0 => at == from,
            _ => (at - from) % step == 0,
        };
        let site = placed.cell.site.as_deref();
        site.is_none_or(|site| *site == *self.row.site)
            && self.area.x0 <= cell.x0
            && self.area.y0 <= cell.y0
            && cell.x1 <= self.area.x1
            && is_step(cell.x0, self.area.x0, self.step.0)
            && is_step(cell.y0, self.area.y0, self.step.1)
    }
}

/// Rows by the y at which cells stand on them, and apart from them the rows that go upwards.
struct RowGrid<'a> {
    level: BTreeMap<i64, Vec<RowSites<'a>>>,
    upright: Vec<RowSites<'a>>,
}

impl<'a> RowGrid<'a> {
    fn new(def: &'a Def, lef: &Lef) -> Self {
        let mut grid = Self {
            level: BTreeMap::new(),
            upright: Vec::new(),
        };
        for row in &def.rows {
            let known = def.row_box(row, lef).zip(def.row_step(row, lef));
            let Some((area, step)) = known else { continue };
            let sites = RowSites { row, area, step };
            match row.count.1 {
                1 => grid.level.entry(area.y0).or_default().push(sites),
                _ => grid.upright.push(sites),
            }
        }
        grid
    }

    /// Whether a cell stands on the sites of a row.
    fn holds(&self, placed: &Placed<'_>) -> bool {
        let level = self.level.get(&placed.area.y0).into_iter().flatten();
        level.chain(&self.upright).any(|sites| sites.holds(placed))
    }
}

/// Pairs that share an area. Boxes are put into level bands as high as the mean box, and within each band swept from left to
/// right.
fn overlaps(placed: &[Placed<'_>]) -> Overlaps {
    let heights: i128 = placed
        .iter()
        .map(|placed| i128::from(placed.area.height()))
        .sum();
    let Ok(count) = i128::try_from(placed.len().max(1)) else {
        return Overlaps::default();
    };
    let band_height = i64::try_from(heights / count).unwrap_or(i64::MAX).max(1);
    let band = |y: i64| y.div_euclid(band_height);
    let mut bands: BTreeMap<i64, Vec<usize>> = BTreeMap::new();
    for (place, entry) in placed.iter().enumerate() {
        if entry.area.area() == 0 {
            continue;
        }
        for level in band(entry.area.y0)..=band(entry.area.y1 - 1) {
            bands.entry(level).or_default().push(place);
        }
    }
    let mut found = Overlaps::default();
    let mut pairs: BTreeSet<(&Arc<str>, &Arc<str>)> = BTreeSet::new();
    let mut looked_at = 0;
    'bands: for (level, mut members) in bands {
        members.sort_by_key(|place| (placed[*place].area.x0, *place));
        let mut open: Vec<usize> = Vec::new();
        for place in members {
            let right = placed[place].area;
            open.retain(|left| placed[*left].area.x1 > right.x0);
            for left in &open {
                let other = placed[*left].area;
                // A pair that shares several bands counts in the lowest.
                if other.overlaps(&right) && band(other.y0.max(right.y0)) == level {
                    found.count += 1;
                    let (a, b) = (placed[*left].name, placed[place].name);
                    pairs.insert(if a < b { (a, b) } else { (b, a) });
                    if pairs.len() > NAMES {
                        pairs.pop_last();
                    }
                }
            }
            looked_at += open.len();
            if looked_at > MOST_PAIRS {
                found.is_at_least = true;
                break 'bands;
            }
            open.push(place);
        }
    }
    found.first = pairs
        .into_iter()
        .map(|(a, b)| (a.clone(), b.clone()))
        .collect();
    found
}

impl Def {
    /// The components that have a place and whose boxes are known, with these boxes.
    pub fn placed_boxes<'a>(
        &'a self,
        lef: &'a Lef,
    ) -> impl Iterator<Item = (&'a Component, Rect)> + 'a {
        self.components
            .iter()
            .filter_map(|component| Some((component, self.component_box(component, lef)?)))
    }
}
