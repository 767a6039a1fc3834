//! The pictures that can be asked for, and what is written beside them.

use std::fmt::Write as _;

use noodle2_layout::{Bounds, Def, Hotspots, Lef, MapDifference, Region, SpatialMap};

use crate::map::colour::{Rgb, difference_colour, magnitude_colour};
use crate::map::drawing::Drawing;
use crate::map::scale::number;
use crate::svg::length;

/// A region of a change is marked if it has at least this share of the greatest region's.
const TELLING: f64 = 0.05;

/// What of a design is drawn over a map, in µm.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DieOutline {
    /// The corners of the die; empty where they are not known.
    pub die: Vec<(f64, f64)>,
    /// The box around all rows.
    pub core: Option<Bounds>,
    /// The boxes of memories and other blocks, with their names.
    pub blocks: Vec<(String, Bounds)>,
}

impl DieOutline {
    /// The outline of a placed design.
    pub fn of(def: &Def, lef: &Lef) -> Self {
        let units = def.units_per_micron;
        let point =
            |corner: &noodle2_layout::Point| (def.to_microns(corner.x), def.to_microns(corner.y));
        let die = match (def.die_corners.len(), def.die()) {
            (2, Some(die)) => corners(die.in_microns(units)),
            _ => def.die_corners.iter().map(point).collect(),
        };
        let blocks = def.placed_boxes(lef).filter(|(component, _)| {
            lef.macros
                .get(&*component.master)
                .is_some_and(|cell| cell.is_block())
        });
        Self {
            die,
            core: def.core(lef).map(|core| core.in_microns(units)),
            blocks: blocks
                .map(|(component, area)| (component.name.to_string(), area.in_microns(units)))
                .collect(),
        }
    }
}

pub(crate) fn corners(area: Bounds) -> Vec<(f64, f64)> {
    vec![
        (area.x0, area.y0),
        (area.x1, area.y0),
        (area.x1, area.y1),
        (area.x0, area.y1),
    ]
}

/// One map of a picture.
#[derive(Debug, Clone, Copy)]
pub struct MapPanel<'a> {
    /// What stands above it.
    pub title: &'a str,
    /// The map.
    pub map: &'a SpatialMap,
    /// What of the design is drawn over it.
    pub outline: Option<&'a DieOutline>,
    /// Hotspots to be marked with their rank.
    pub hotspots: Option<&'a Hotspots>,
    /// Paths as the places of their pins in µm, the worst first.
    pub paths: &'a [Vec<(f64, f64)>],
}

/// Where the numbers of a picture come from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Footer {
    /// The run or other source.
    pub source: String,
    /// The hash of what was read.
    pub hash: String,
}

/// Which colour a value has.
pub(crate) enum Colours {
    /// From the least to the greatest value.
    Magnitude(f64, f64),
    /// Around zero, to the greatest change on either side.
    Difference(f64),
}

impl Colours {
    pub(crate) fn of(&self, value: f64) -> Rgb {
        match self {
            Self::Magnitude(low, high) => magnitude_colour((value - low) / (high - low)),
            Self::Difference(most) => difference_colour(value / most),
        }
    }

    pub(crate) const fn range(&self) -> (f64, f64) {
        match self {
            Self::Magnitude(low, high) => (*low, *high),
            Self::Difference(most) => (-*most, *most),
        }
    }

    /// From the least to the greatest value of all maps; a little room where all are equal. `None` where every bin is missing.
    fn magnitudes<'a>(maps: impl Iterator<Item = &'a SpatialMap>) -> Option<Self> {
        let ranges = maps.filter_map(SpatialMap::range);
        let (low, high) = ranges.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))?;
        let room = if high > low {
            0.0
        } else {
            (low.abs() * 0.01).max(0.5)
        };
        Some(Self::Magnitude(low - room, high + room))
    }
}

/// Maps side by side on one scale of colours, and on one of lengths where their dies are of like size. Maps of different kinds or units are for several pictures: the bar
/// is labelled as the first.
pub fn maps_svg(panels: &[MapPanel<'_>], footer: &Footer) -> String {
    let colours = Colours::magnitudes(panels.iter().map(|panel| panel.map));
    let mut drawing = Drawing::new(panels.iter().map(|panel| extent(panel)), footer, true);
    for (place, panel) in panels.iter().enumerate() {
        let figures = colours
            .as_ref()
            .map_or("no values".to_owned(), |_| figures(panel.map));
        drawing.begin(place, panel.title, &[&figures]);
        drawing.map(panel, colours.as_ref());
        drawing.end();
    }
    let label = panels
        .first()
        .map_or(String::new(), |panel| label(panel.map));
    drawing.finish(colours.as_ref(), &label)
}

/// What changed from one map to another; where most of it did is marked: `+` for worse, `−` for better.
pub fn difference_svg(
    title: &str,
    difference: &MapDifference,
    outline: Option<&DieOutline>,
    footer: &Footer,
) -> String {
    let map = &difference.map;
    let most = map.present().map(f64::abs).fold(0.0, f64::max);
    let colours = map
        .range()
        .map(|_| Colours::Difference(if most > 0.0 { most } else { 1.0 }));
    let panel = MapPanel {
        title,
        map,
        outline,
        hotspots: None,
        paths: &[],
    };
    let mut drawing = Drawing::new([extent(&panel)].into_iter(), footer, false);
    let tolerance = length(difference.tolerance);
    let counts = format!(
        "{} worse, {} better, {} unchanged (± {tolerance}{}), {} missing",
        difference.worse,
        difference.improved,
        difference.unchanged,
        unit(map),
        difference.missing
    );
    let resampled = match difference.is_resampled {
        true => "the map before was on another grid: means by area",
        false => "",
    };
    drawing.begin(0, title, &[&counts, resampled]);
    drawing.map(&panel, colours.as_ref());
    let both = difference
        .worse_regions
        .iter()
        .chain(&difference.improved_regions);
    let greatest = both.map(|region| region.weight.abs()).fold(0.0, f64::max);
    for (regions, sign) in [
        (&difference.worse_regions, '+'),
        (&difference.improved_regions, '−'),
    ] {
        let told = |region: &&Region| region.weight.abs() >= greatest * TELLING;
        for (place, region) in regions.iter().take(3).filter(told).enumerate() {
            drawing.region(region, &format!("{sign}{}", place + 1));
        }
    }
    drawing.end();
    drawing.finish(
        colours.as_ref(),
        &format!("change of {}", lower_first(&label(map))),
    )
}

fn lower_first(text: &str) -> String {
    // Names such as RUDY stay as they are.
    let mut characters = text.chars();
    match (characters.next(), characters.next()) {
        (Some(first), Some(second)) if second.is_lowercase() => {
            format!("{}{}", first.to_lowercase(), &text[first.len_utf8()..])
        }
        _ => text.to_owned(),
    }
}

fn label(map: &SpatialMap) -> String {
    match map.unit.as_str() {
        "" => format!("{} (unit not told)", map.kind.title()),
        unit => format!("{} ({unit})", map.kind.title()),
    }
}

fn unit(map: &SpatialMap) -> String {
    match map.unit.as_str() {
        "" => String::new(),
        unit => format!(" {unit}"),
    }
}

fn figures(map: &SpatialMap) -> String {
    let missing = map.values.len() - map.present().count();
    let Some((low, high)) = map.range() else {
        return "no values".to_owned();
    };
    let step = ((high - low) / 100.0).max(f64::MIN_POSITIVE);
    let middle = map.quantile(0.5).unwrap_or(low);
    let mut text = format!(
        "min {}, median {}, max {}{}; {} × {} bins",
        number(low, step),
        number(middle, step),
        number(high, step),
        unit(map),
        map.columns(),
        map.rows()
    );
    if missing > 0 {
        let _ = write!(text, ", {missing} missing");
    }
    text
}

/// The box that a panel shows: all bins and the die.
fn extent(panel: &MapPanel<'_>) -> Bounds {
    let outline = panel.outline.map_or(&[][..], |outline| &outline.die);
    let points = outline.iter().map(|(x, y)| Bounds {
        x0: *x,
        y0: *y,
        x1: *x,
        y1: *y,
    });
    let boxes = [panel.map.bounds(), panel.map.die].into_iter().flatten();
    let whole = boxes.chain(points).reduce(Bounds::join);
    whole.filter(|area| area.area() > 0.0).unwrap_or(Bounds {
        x0: 0.0,
        y0: 0.0,
        x1: 1.0,
        y1: 1.0,
    })
}
