//! Reads what `gui::dump_heatmap` of OpenROAD writes.
//!
//! Every version whose source was looked at (`HeatMapDataSource::dumpToFile`) writes boxes in µm, `x0,y0,x1,y1,value`, newer
//! ones with the unit in the head: `value (%)`. Bins that nothing was added to have no line. Coordinates have four significant
//! digits, so that the edges of a die of 1 mm and more are rounded to 1 µm or worse; neighbours are rounded alike. No version
//! was seen to write columns and rows of bins in the place of boxes; scripts that make their own tables do, and these are read too,
//! where the size of the bins is told.

use std::collections::HashSet;

use crate::error::{LayoutError, Problem};
use crate::geometry::Bounds;
use crate::map::{MOST_BINS, MapKind, SpatialMap};
use crate::tokens::shortened;

/// How large the bins of a table of columns and rows are: it does not say so itself.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BinSize {
    /// The width of a bin in µm, above 0.
    pub width: f64,
    /// The height of a bin in µm, above 0.
    pub height: f64,
}

/// One line: a box, the value, the line's number.
struct Line {
    bounds: Bounds,
    value: Option<f64>,
    number: usize,
}

impl SpatialMap {
    /// Reads a heat map as a table of boxes, or of columns and rows where `bins` says how large these are. The unit is that of
    /// the file, or else the usual one of its kind. A value that is no number (`nan`, `inf`) is missing.
    ///
    /// # Errors
    /// The first line that is none of a heat map, bins that do not make a grid, and a table of columns and rows without `bins`.
    pub fn read_csv(
        bytes: &[u8],
        kind: MapKind,
        bins: Option<BinSize>,
    ) -> Result<Self, LayoutError> {
        let text = std::str::from_utf8(bytes).map_err(|error| {
            let before = &bytes[..error.valid_up_to()];
            let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
            LayoutError::new(line, Problem::Encoding)
        })?;
        let mut lines = text
            .lines()
            .enumerate()
            .map(|(place, line)| (place + 1, line.trim()));
        let head = lines.find(|(_, line)| !line.is_empty());
        let (number, head) = head
            .ok_or_else(|| LayoutError::new(1, Problem::Missing("line with names of columns")))?;
        let form = Form::of_head(head).ok_or_else(|| {
            let wanted = "`x0,y0,x1,y1,value` or `column,row,value`";
            let text = shortened(head);
            LayoutError::new(number, Problem::Unexpected { text, wanted })
        })?;
        if !form.has_boxes && bins.is_none() {
            let wanted = "size of a bin, which a table of columns and rows does not tell";
            return Err(LayoutError::new(number, Problem::Missing(wanted)));
        }
        let mut read = Vec::new();
        for (number, line) in lines.filter(|(_, line)| !line.is_empty()) {
            read.push(parse_line(line, number, form.has_boxes, bins)?);
        }
        let unit = form.unit.unwrap_or_else(|| kind.usual_unit().to_owned());
        grid(kind, &unit, &read)
    }

    /// A map of bins with their values, in any order.
    ///
    /// # Errors
    /// Bins that do not make a grid; the line is the place of the first such bin, counted from 1.
    pub(crate) fn from_bins(
        kind: MapKind,
        unit: &str,
        bins: impl IntoIterator<Item = (Bounds, f64)>,
    ) -> Result<Self, LayoutError> {
        let bins = bins.into_iter().enumerate();
        let lines: Vec<Line> = bins
            .map(|(place, (bounds, value))| Line {
                bounds,
                value: Some(value),
                number: place + 1,
            })
            .collect();
        grid(kind, unit, &lines)
    }

    /// The same map with bins added until it covers the die, all of them missing: a file has no lines for bins at a border to
    /// which nothing was added. Bins that are added are as large as most, and cut where the die ends.
    #[must_use]
    pub fn extended_to(&self, die: Bounds) -> Self {
        let x_edges = extended(&self.x_edges, die.x0, die.x1);
        let y_edges = extended(&self.y_edges, die.y0, die.y1);
        let mut map = Self::missing(self.kind, &self.unit, x_edges, y_edges);
        map.die = Some(die);
        let first = |edges: &[f64], from: Option<&f64>| {
            let from = from.copied().unwrap_or(0.0);
            edges.partition_point(|edge| *edge < from)
        };
        let left = first(&map.x_edges, self.x_edges.first());
        let below = first(&map.y_edges, self.y_edges.first());
        for bin in self.bins() {
            let place = map.place(bin.column + left, bin.row + below);
            map.values[place] = bin.value;
        }
        map
    }
}

struct Form {
    has_boxes: bool,
    unit: Option<String>,
}

impl Form {
    fn of_head(head: &str) -> Option<Self> {
        let names: Vec<&str> = head.split(',').map(str::trim).collect();
        let (value, places) = names.split_last()?;
        let unit = match value.strip_prefix("value")?.trim() {
            "" => None,
            unit => {
                let unit = unit.strip_prefix('(')?.strip_suffix(')')?.trim();
                (!unit.is_empty()).then(|| shortened(unit))
            }
        };
        let has_boxes = match places {
            ["x0", "y0", "x1", "y1"] => true,
            ["column", "row"] | ["col", "row"] | ["x", "y"] | ["i", "j"] => false,
            _ => return None,
        };
        Some(Self { has_boxes, unit })
    }
}

fn parse_line(
    line: &str,
    number: usize,
    has_boxes: bool,
    bins: Option<BinSize>,
) -> Result<Line, LayoutError> {
    let fields: Vec<&str> = line.split(',').map(str::trim).collect();
    let wanted = if has_boxes {
        "five fields"
    } else {
        "three fields"
    };
    let unexpected = |wanted| {
        let text = shortened(line);
        LayoutError::new(number, Problem::Unexpected { text, wanted })
    };
    if fields.len() != if has_boxes { 5 } else { 3 } {
        return Err(unexpected(wanted));
    }
    let mut numbers = [0.0; 5];
    for (place, field) in fields.iter().enumerate() {
        numbers[place] = field.parse::<f64>().map_err(|_| {
            let (text, wanted) = (shortened(field), "a number");
            LayoutError::new(number, Problem::Number { text, wanted })
        })?;
    }
    let places = &numbers[..fields.len() - 1];
    // Beyond it, differences of coordinates lose digits that matter.
    if !places.iter().all(|place| place.abs() < 1e9) {
        return Err(unexpected("places below 10⁹"));
    }
    let bounds = match bins {
        Some(bins) if !has_boxes => {
            let [column, row] = [places[0], places[1]];
            if column.fract() != 0.0 || row.fract() != 0.0 || column < 0.0 || row < 0.0 {
                return Err(unexpected("a column and a row, counted from 0"));
            }
            Bounds {
                x0: column * bins.width,
                y0: row * bins.height,
                x1: (column + 1.0) * bins.width,
                y1: (row + 1.0) * bins.height,
            }
        }
        _ => Bounds {
            x0: places[0],
            y0: places[1],
            x1: places[2],
            y1: places[3],
        },
    };
    if bounds.width() <= 0.0 || bounds.height() <= 0.0 {
        return Err(unexpected(
            "a box with a width and a height (the tool rounds to four digits)",
        ));
    }
    let value = Some(numbers[fields.len() - 1]).filter(|value| value.is_finite());
    Ok(Line {
        bounds,
        value,
        number,
    })
}

/// The map of these bins, which must be those of one grid.
fn grid(kind: MapKind, unit: &str, lines: &[Line]) -> Result<SpatialMap, LayoutError> {
    let last = lines.last().map_or(1, |line| line.number);
    let problem = |line, text: String| LayoutError::new(line, Problem::Grid(text));
    let x_edges = edges(lines.iter().map(|line| (line.bounds.x0, line.bounds.x1)));
    let y_edges = edges(lines.iter().map(|line| (line.bounds.y0, line.bounds.y1)));
    let (columns, rows) = (
        x_edges.len().saturating_sub(1),
        y_edges.len().saturating_sub(1),
    );
    if columns.saturating_mul(rows) > MOST_BINS {
        let text = format!("{columns} columns and {rows} rows are more bins than any heat map has");
        return Err(problem(last, text));
    }
    let mut map = SpatialMap::missing(kind, unit, x_edges, y_edges);
    let mut seen = HashSet::new();
    for line in lines {
        let place = |edges: &[f64], from: f64, to: f64| {
            let place = edges.binary_search_by(|edge| edge.total_cmp(&from)).ok()?;
            (edges.get(place + 1) == Some(&to)).then_some(place)
        };
        let column = place(&map.x_edges, line.bounds.x0, line.bounds.x1);
        let row = place(&map.y_edges, line.bounds.y0, line.bounds.y1);
        let (Some(column), Some(row)) = (column, row) else {
            let text = "the bin overlaps others: these bins make no grid".to_owned();
            return Err(problem(line.number, text));
        };
        let place = map.place(column, row);
        if !seen.insert(place) {
            return Err(problem(line.number, "the bin stands twice".to_owned()));
        }
        map.values[place] = line.value;
    }
    Ok(map)
}

/// The edges of all bins along one axis, in order. Gaps as wide as several bins are cut into such.
fn edges(sides: impl Iterator<Item = (f64, f64)>) -> Vec<f64> {
    let mut sides: Vec<(f64, f64)> = sides.map(|(from, to)| (from + 0.0, to + 0.0)).collect();
    sides.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    sides.dedup();
    let mut edges: Vec<f64> = Vec::new();
    let step = usual_step(&sides);
    for (from, to) in &sides {
        if let Some(last) = edges.last().copied().filter(|last| last < from) {
            let count = ((from - last) / step).round();
            let is_whole = ((from - last) - count * step).abs() < step * 1e-3;
            if is_whole && count < MOST_BINS as f64 {
                let inner = (1..count as usize).map(|place| rounded(last + place as f64 * step));
                edges.extend(inner);
            }
        }
        edges.push(*from);
        edges.push(*to);
    }
    edges.sort_by(f64::total_cmp);
    edges.dedup();
    edges
}

/// The width that most stretches have.
fn usual_step(sides: &[(f64, f64)]) -> f64 {
    let mut widths: Vec<f64> = sides.iter().map(|(from, to)| rounded(to - from)).collect();
    widths.sort_by(f64::total_cmp);
    let groups = widths.chunk_by(|a, b| a == b);
    let usual = groups.max_by_key(|group| group.len());
    usual
        .and_then(|group| group.first().copied())
        .unwrap_or(1.0)
}

/// A length to a millionth of a µm: what addition of printed numbers leaves behind goes.
fn rounded(length: f64) -> f64 {
    (length * 1e6).round() / 1e6
}

fn extended(edges: &[f64], from: f64, to: f64) -> Vec<f64> {
    let sides: Vec<(f64, f64)> = edges.windows(2).map(|pair| (pair[0], pair[1])).collect();
    let (Some(first), Some(last)) = (edges.first().copied(), edges.last().copied()) else {
        return vec![from, to];
    };
    let step = usual_step(&sides);
    if step <= 0.0 || (to - from) / step > 1e5 {
        return edges.to_vec();
    }
    let mut before = Vec::new();
    let mut edge = first;
    while edge - from > step * 1e-3 {
        edge = rounded((edge - step).max(from));
        before.push(edge);
    }
    before.reverse();
    before.extend_from_slice(edges);
    edge = last;
    while to - edge > step * 1e-3 {
        edge = rounded((edge + step).min(to));
        before.push(edge);
    }
    before
}
