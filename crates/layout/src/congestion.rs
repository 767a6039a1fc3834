//! What `global_route -congestion_report_file` of OpenROAD writes: the edges of its grid that more nets cross than fit.
//!
//! The file is not written where nothing is congested, and holds congested bins alone: of all others it says nothing.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde::Serialize;

use crate::error::{LayoutError, Problem};
use crate::geometry::Bounds;
use crate::map::{MapKind, SpatialMap};
use crate::tokens::shortened;

mod diagnosis;

pub use diagnosis::{CongestionDiagnosis, CrowdedNet, CrowdedRegion, Remedy, RemedyKind};

/// Which way the wires of a congested edge go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WireDirection {
    /// Along x.
    Horizontal,
    /// Along y.
    Vertical,
}

/// One congested edge.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CongestionRecord {
    /// Which way its wires go.
    pub direction: WireDirection,
    /// The nets that cross it, under their names in DEF.
    pub nets: Vec<Arc<str>>,
    /// How many tracks it has.
    pub capacity: u32,
    /// How many are used.
    pub usage: u32,
    /// How many are used too many, as the file has it.
    pub overflow: u32,
    /// Where it is, in µm.
    pub bounds: Bounds,
    /// Its layer; missing where the file names none (`-`): it stands for all layers of that direction.
    pub layer: Option<Arc<str>>,
}

/// All congested edges of a report, in the order of the file.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct CongestionReport {
    /// The edges.
    pub records: Vec<CongestionRecord>,
}

/// Which share of the bins is over its capacity.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct HotRatio {
    /// How many bins are over.
    pub hot: usize,
    /// How many bins were looked at.
    pub bins: usize,
    /// `hot` over `bins`.
    pub ratio: f64,
}

impl HotRatio {
    fn of(hot: usize, bins: usize) -> Option<Self> {
        (bins > 0).then(|| Self {
            hot,
            bins,
            ratio: hot as f64 / bins as f64,
        })
    }

    /// The share of bins of a heat map of routing that use more than 100 % of their capacity. `None` for any other map, one in
    /// another unit than percent, and one without values: no such share can be told from them.
    pub fn of_map(map: &SpatialMap) -> Option<Self> {
        if map.kind != MapKind::Routing || map.unit != "%" {
            return None;
        }
        let hot = map.present().filter(|value| *value > 100.0).count();
        Self::of(hot, map.present().count())
    }

    /// The share of the bins of `grid` in which a record of a report lies. `grid` is the grid of the router, as a heat map of
    /// routing of the same run has it. `None` where a record lies in none of its bins: it is another grid.
    pub fn of_report(report: &CongestionReport, grid: &SpatialMap) -> Option<Self> {
        let mut hot = vec![false; grid.values.len()];
        for record in &report.records {
            let column = nearest(&grid.x_edges, record.bounds.x0)?;
            let row = nearest(&grid.y_edges, record.bounds.y0)?;
            *hot.get_mut(grid.place(column, row))? = true;
        }
        Self::of(hot.iter().filter(|is_hot| **is_hot).count(), hot.len())
    }
}

/// The bin that begins at a place, which may be rounded to four significant digits.
fn nearest(edges: &[f64], place: f64) -> Option<usize> {
    let bin = edges.partition_point(|edge| *edge <= place + place.abs() * 1e-3 + 1e-6);
    let bin = bin.checked_sub(1).filter(|bin| bin + 1 < edges.len())?;
    ((edges[bin] - place).abs() <= place.abs() * 1e-3 + 1e-6).then_some(bin)
}

impl CongestionReport {
    /// Reads a report. An empty one is one without congestion.
    ///
    /// # Errors
    /// The first line that is none of such a report, and a record that is not whole.
    pub fn read(bytes: &[u8]) -> Result<Self, LayoutError> {
        let text = std::str::from_utf8(bytes).map_err(|error| {
            let before = &bytes[..error.valid_up_to()];
            let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
            LayoutError::new(line, Problem::Encoding)
        })?;
        let mut reader = Reader::default();
        let mut last = 1;
        for (place, line) in text.lines().enumerate() {
            last = place + 1;
            reader.line(line.trim(), last)?;
        }
        reader.end(last)?;
        Ok(reader.report)
    }

    /// The greatest overflow of each congested bin in tracks, over both directions and all layers. All other bins are missing: the
    /// report does not name them.
    ///
    /// # Errors
    /// Records whose boxes make no grid.
    pub fn overflow_map(&self) -> Result<SpatialMap, LayoutError> {
        let mut bins: BTreeMap<[u64; 4], (Bounds, u32)> = BTreeMap::new();
        for record in &self.records {
            let key = [
                record.bounds.x0,
                record.bounds.y0,
                record.bounds.x1,
                record.bounds.y1,
            ];
            let entry = bins
                .entry(key.map(f64::to_bits))
                .or_insert((record.bounds, 0));
            entry.1 = entry.1.max(record.overflow);
        }
        let bins = bins
            .into_values()
            .map(|(bounds, overflow)| (bounds, f64::from(overflow)));
        SpatialMap::from_bins(MapKind::Overflow, MapKind::Overflow.usual_unit(), bins)
    }

    /// The sum of all overflows in tracks.
    pub fn total_overflow(&self) -> u64 {
        self.records
            .iter()
            .map(|record| u64::from(record.overflow))
            .sum()
    }
}

#[derive(Default)]
struct Reader {
    report: CongestionReport,
    names: HashMap<String, Arc<str>>,
    open: Option<Open>,
}

/// A record of which not all lines were read.
struct Open {
    direction: WireDirection,
    nets: Vec<Arc<str>>,
    tracks: Option<(u32, u32, u32)>,
}

impl Reader {
    fn line(&mut self, line: &str, number: usize) -> Result<(), LayoutError> {
        let unexpected = |wanted| {
            let text = shortened(line);
            LayoutError::new(number, Problem::Unexpected { text, wanted })
        };
        if line.is_empty() {
            return Ok(());
        }
        if let Some(kind) = line.strip_prefix("violation type:") {
            if self.open.is_some() {
                return Err(unexpected("`bbox` of the record before"));
            }
            let direction = match kind.trim() {
                "Horizontal congestion" => WireDirection::Horizontal,
                "Vertical congestion" => WireDirection::Vertical,
                _ => return Err(unexpected("horizontal or vertical congestion")),
            };
            let (nets, tracks) = (Vec::new(), None);
            self.open = Some(Open {
                direction,
                nets,
                tracks,
            });
            return Ok(());
        }
        let open = self
            .open
            .as_mut()
            .ok_or_else(|| unexpected("`violation type:`"))?;
        if let Some(sources) = line.strip_prefix("srcs:") {
            for source in sources.split_ascii_whitespace() {
                let net = source
                    .strip_prefix("net:")
                    .ok_or_else(|| unexpected("`net:` with a name"))?;
                let known = self.names.get(net).cloned();
                let name = known.unwrap_or_else(|| {
                    let name: Arc<str> = Arc::from(net);
                    self.names.insert(net.to_owned(), name.clone());
                    name
                });
                open.nets.push(name);
            }
        } else if let Some(comment) = line.strip_prefix("comment:") {
            let field = |name: &str| {
                let mut fields = comment.split_ascii_whitespace();
                let value = fields.find_map(|field| field.strip_prefix(name)?.strip_prefix(':'))?;
                value.parse::<u32>().ok()
            };
            let tracks = (|| Some((field("capacity")?, field("usage")?, field("overflow")?)))();
            open.tracks = Some(tracks.ok_or_else(|| unexpected("capacity, usage and overflow"))?);
        } else if let Some(place) = line.strip_prefix("bbox =") {
            let (bounds, layer) =
                place_of(place).ok_or_else(|| unexpected("`( x, y ) - ( x, y ) on Layer`"))?;
            let tracks = open
                .tracks
                .ok_or_else(|| unexpected("`comment:` before the box"))?;
            let record = CongestionRecord {
                direction: open.direction,
                nets: std::mem::take(&mut open.nets),
                capacity: tracks.0,
                usage: tracks.1,
                overflow: tracks.2,
                bounds,
                layer: (layer != "-").then(|| Arc::from(layer)),
            };
            self.report.records.push(record);
            self.open = None;
        } else {
            return Err(unexpected("`srcs:`, `comment:` or `bbox =`"));
        }
        Ok(())
    }

    fn end(&self, last: usize) -> Result<(), LayoutError> {
        match self.open {
            None => Ok(()),
            Some(_) => {
                let inside = "a record of congestion".to_owned();
                Err(LayoutError::new(last, Problem::CutOff(inside)))
            }
        }
    }
}

fn place_of(text: &str) -> Option<(Bounds, &str)> {
    let (place, layer) = text.split_once("on Layer")?;
    let (from, to) = place.split_once(") - (")?;
    let from = from.trim().strip_prefix('(')?;
    let to = to.trim().strip_suffix(')')?;
    let pair = |text: &str| {
        let (x, y) = text.split_once(',')?;
        let number = |text: &str| {
            text.trim()
                .parse::<f64>()
                .ok()
                .filter(|number| number.abs() < 1e9)
        };
        Some((number(x)?, number(y)?))
    };
    let ((x0, y0), (x1, y1)) = (pair(from)?, pair(to)?);
    let layer = layer.trim();
    (x0 < x1 && y0 < y1 && !layer.is_empty()).then_some((Bounds { x0, y0, x1, y1 }, layer))
}
