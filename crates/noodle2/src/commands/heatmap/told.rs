//! What `noodle2 heatmap` prints, for people and for scripts.

use noodle2_layout::{
    Bounds, CellsWithin, CongestionDiagnosis, Fate, HotRatio, HotspotMatch, Hotspots,
    MapDifference, MapKind, Region, RemedyKind, SpatialMap, Threshold, match_hotspots,
};
use noodle2_view::{Table, count_text};
use serde::Serialize;

/// How many hotspots, regions and nets are listed for people.
const LISTED: usize = 20;

/// All that is printed.
#[derive(Debug, Serialize)]
pub(super) struct Told {
    pub maps: Vec<MapTold>,
    /// What a report of congestion says; absent where none was read, `null` where it is one without congestion.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub congestion: Option<Option<CongestionDiagnosis>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comparison: Option<ComparisonTold>,
}

/// One map in figures.
#[derive(Debug, Serialize)]
pub(super) struct MapTold {
    source: String,
    kind: MapKind,
    /// Empty where it is not known.
    unit: String,
    columns: usize,
    rows: usize,
    bins: usize,
    missing: usize,
    min: Option<f64>,
    median: Option<f64>,
    p95: Option<f64>,
    max: Option<f64>,
    /// Of a heat map of routing in percent alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    hot_ratio: Option<HotRatio>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hotspots: Option<HotspotsTold>,
}

#[derive(Debug, Serialize)]
struct HotspotsTold {
    threshold: Threshold,
    value: f64,
    spots: Vec<SpotTold>,
}

#[derive(Debug, Serialize)]
struct SpotTold {
    rank: usize,
    bounds: Bounds,
    bins: usize,
    area_um2: f64,
    peak: f64,
    severity: f64,
    /// Absent where no design was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    cells: Option<CellsWithin>,
}

impl MapTold {
    pub(super) fn new(
        source: &str,
        map: &SpatialMap,
        hotspots: Option<&Hotspots>,
        cells: Option<&[CellsWithin]>,
        hot_ratio: Option<HotRatio>,
    ) -> Self {
        let range = map.range();
        let spots = |hotspots: &Hotspots| HotspotsTold {
            threshold: hotspots.threshold,
            value: hotspots.value,
            spots: hotspots
                .spots
                .iter()
                .enumerate()
                .map(|(place, spot)| SpotTold {
                    rank: spot.rank,
                    bounds: spot.bounds,
                    bins: spot.bins.len(),
                    area_um2: spot.area,
                    peak: spot.peak,
                    severity: spot.severity,
                    cells: cells.and_then(|cells| cells.get(place).cloned()),
                })
                .collect(),
        };
        Self {
            source: source.to_owned(),
            kind: map.kind,
            unit: map.unit.clone(),
            columns: map.columns(),
            rows: map.rows(),
            bins: map.values.len(),
            missing: map.values.len() - map.present().count(),
            min: range.map(|range| range.0),
            median: map.quantile(0.5),
            p95: map.quantile(0.95),
            max: range.map(|range| range.1),
            hot_ratio,
            hotspots: hotspots.map(spots),
        }
    }
}

/// What changed from one map to another.
#[derive(Debug, Serialize)]
pub(super) struct ComparisonTold {
    tolerance: f64,
    /// Whether the map before was on another grid, and means by area were taken of it.
    is_resampled: bool,
    improved: usize,
    worse: usize,
    unchanged: usize,
    missing: usize,
    improved_regions: Vec<Region>,
    worse_regions: Vec<Region>,
    /// Above which value bins of both are hot; absent where nobody asked, or a map has no values.
    #[serde(skip_serializing_if = "Option::is_none")]
    hotspots_above: Option<f64>,
    hotspots: Vec<HotspotMatch>,
}

impl ComparisonTold {
    pub(super) fn new(
        difference: &MapDifference,
        (old, new): (&SpatialMap, &SpatialMap),
        hotspots: Option<&(Hotspots, Hotspots)>,
    ) -> Self {
        let followed = hotspots.map(|(before, after)| match_hotspots((old, before), (new, after)));
        Self {
            tolerance: difference.tolerance,
            is_resampled: difference.is_resampled,
            improved: difference.improved,
            worse: difference.worse,
            unchanged: difference.unchanged,
            missing: difference.missing,
            improved_regions: difference.improved_regions.clone(),
            worse_regions: difference.worse_regions.clone(),
            hotspots_above: hotspots.map(|(before, _)| before.value),
            hotspots: followed.unwrap_or_default(),
        }
    }
}

impl Told {
    pub(super) fn text(&self) -> String {
        let mut table = Table::new(&[
            "map",
            "kind",
            ">bins",
            ">missing",
            ">min",
            ">median",
            ">95 %",
            ">max",
            ">over capacity",
        ]);
        for map in &self.maps {
            let unit = spaced(&map.unit);
            let told = |number: Option<f64>| {
                number.map_or("–".to_owned(), |number| figure(number) + &unit)
            };
            let hot = |ratio: HotRatio| {
                format!(
                    "{} of {} ({:.2} %)",
                    ratio.hot,
                    ratio.bins,
                    ratio.ratio * 100.0
                )
            };
            table.row([
                map.source.clone(),
                map.kind.title().to_owned(),
                format!("{} × {}", map.columns, map.rows),
                map.missing.to_string(),
                told(map.min),
                told(map.median),
                told(map.p95),
                told(map.max),
                map.hot_ratio.map_or("–".to_owned(), hot),
            ]);
        }
        let mut text = table.text();
        for map in &self.maps {
            if let Some(hotspots) = &map.hotspots {
                text += &hotspots_text(map, hotspots);
            }
        }
        match &self.congestion {
            None => {}
            Some(None) => text += "\nno edge is congested\n",
            Some(Some(diagnosis)) => text += &congestion_text(diagnosis),
        }
        if let Some(comparison) = &self.comparison {
            text += &comparison.text(self.maps.first().map_or("", |map| map.unit.as_str()));
        }
        text
    }
}

/// A unit behind a number; nothing where there is none.
fn spaced(unit: &str) -> String {
    match unit {
        "" => String::new(),
        _ => format!(" {unit}"),
    }
}

/// Six significant digits, without zeros at the end.
fn figure(number: f64) -> String {
    if number == 0.0 {
        return "0".to_owned();
    }
    let digits = 5 - number.abs().log10().floor() as i32;
    let text = format!("{number:.*}", digits.clamp(0, 12) as usize);
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

fn place(bounds: &Bounds) -> String {
    format!(
        "({}, {}) – ({}, {})",
        figure(bounds.x0),
        figure(bounds.y0),
        figure(bounds.x1),
        figure(bounds.y1)
    )
}

fn hotspots_text(map: &MapTold, hotspots: &HotspotsTold) -> String {
    let how = match hotspots.threshold {
        Threshold::Value(_) => String::new(),
        Threshold::Quantile(quantile) => format!(
            ", below which {} % of the bins lie",
            figure(quantile * 100.0)
        ),
    };
    let mut text = format!(
        "\n{}: {} above {}{}{how}\n",
        map.source,
        count_text(hotspots.spots.len(), "hotspot"),
        figure(hotspots.value),
        spaced(&map.unit)
    );
    if hotspots.spots.is_empty() {
        return text;
    }
    let mut table = Table::new(&[
        "rank",
        "place (µm)",
        ">bins",
        ">peak",
        ">severity",
        ">cells",
        "first cells",
    ]);
    for spot in hotspots.spots.iter().take(LISTED) {
        let first = |cells: &CellsWithin| {
            cells
                .first
                .iter()
                .take(3)
                .map(|name| &**name)
                .collect::<Vec<_>>()
                .join(" ")
        };
        table.row([
            spot.rank.to_string(),
            place(&spot.bounds),
            spot.bins.to_string(),
            figure(spot.peak),
            figure(spot.severity),
            spot.cells
                .as_ref()
                .map_or("–".to_owned(), |cells| cells.count.to_string()),
            spot.cells.as_ref().map_or("–".to_owned(), first),
        ]);
    }
    text += &table.text();
    text + &further(hotspots.spots.len())
}

fn further(count: usize) -> String {
    match count.saturating_sub(LISTED) {
        0 => String::new(),
        more => format!("and {more} more (--format json lists all)\n"),
    }
}

fn congestion_text(diagnosis: &CongestionDiagnosis) -> String {
    let mut text = format!(
        "\n{} congested in {}: overflow of {} tracks ({} horizontal, {} vertical), {} at most at one edge\n",
        count_text(diagnosis.edges, "edge"),
        count_text(diagnosis.bins, "bin"),
        diagnosis.total_overflow,
        diagnosis.horizontal_overflow,
        diagnosis.vertical_overflow,
        diagnosis.greatest_overflow
    );
    text += "the report names congested bins alone: of which share of all bins they are it says nothing\n\n";
    let mut nets = Table::new(&["net", ">congested edges"]);
    for net in &diagnosis.nets {
        nets.row([net.name.to_string(), net.edges.to_string()]);
    }
    let mut regions = Table::new(&[
        "region (µm)",
        ">bins",
        ">peak (tracks)",
        ">share of overflow",
    ]);
    for region in &diagnosis.regions {
        regions.row([
            place(&region.bounds),
            region.bins.to_string(),
            figure(region.peak),
            format!("{:.1} %", region.share * 100.0),
        ]);
    }
    text += &format!("{}\n{}", nets.text(), regions.text());
    if !diagnosis.remedies.is_empty() {
        text += "\nremedies that this speaks for\n";
    }
    for remedy in &diagnosis.remedies {
        let kind = match remedy.kind {
            RemedyKind::PlacementDensity => "placement_density",
            RemedyKind::LayerAdjustment => "layer_adjustment",
            RemedyKind::RipUp => "rip_up",
            RemedyKind::SpreadCells => "spread_cells",
        };
        text += &format!("  {kind}: {}\n", remedy.reason);
    }
    text
}

impl ComparisonTold {
    fn text(&self, unit: &str) -> String {
        let unit = spaced(unit);
        let mut text = format!(
            "\n{} worse, {} better, {} unchanged (within ± {}{unit}), {} missing in one or both\n",
            self.worse,
            self.improved,
            self.unchanged,
            figure(self.tolerance),
            self.missing
        );
        if self.worse + self.improved + self.unchanged == 0 {
            text += "no bin has a value in both: nothing was compared\n";
        }
        if self.is_resampled {
            text += "the maps have different grids: means by area were taken of the one before\n";
        }
        let mut table = Table::new(&[
            "region",
            "place (µm)",
            ">bins",
            ">greatest change",
            ">change × area",
        ]);
        for (name, regions) in [
            ("worse", &self.worse_regions),
            ("better", &self.improved_regions),
        ] {
            for region in regions.iter().take(LISTED / 2) {
                table.row([
                    name.to_owned(),
                    place(&region.bounds),
                    region.bins.to_string(),
                    figure(region.peak),
                    figure(region.weight),
                ]);
            }
        }
        if self.worse + self.improved > 0 {
            text += &format!("\n{}", table.text());
        }
        if let Some(value) = self.hotspots_above {
            text += &format!("\nhotspots above {}{unit}\n", figure(value));
            let mut table = Table::new(&["hotspot", ">rank before", ">rank after"]);
            let rank = |rank: Option<usize>| rank.map_or("–".to_owned(), |rank| rank.to_string());
            for found in self.hotspots.iter().take(LISTED) {
                let fate = match found.fate {
                    Fate::Same => "same",
                    Fate::Grown => "grown",
                    Fate::Shrunk => "shrunk",
                    Fate::New => "new",
                    Fate::Gone => "gone",
                };
                table.row([fate.to_owned(), rank(found.before), rank(found.after)]);
            }
            match self.hotspots.is_empty() {
                true => text += "none\n",
                false => text += &format!("{}{}", table.text(), further(self.hotspots.len())),
            }
        }
        text
    }
}
