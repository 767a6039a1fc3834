//! How a picture is drawn: panels side by side, marks over them, a bar of colours, where the numbers come from.

use std::fmt::Write as _;

use noodle2_layout::{Bounds, Region};

use crate::map::picture::{Colours, Footer, MapPanel, corners};
use crate::map::scale::{number, round_step, ticks};
use crate::svg::{Svg, length};

/// The longer side of the largest panel, in pixels of 1/96 inch.
const PANEL: f64 = 380.0;
/// A die whose longer side is at least this share of the longest is drawn on the same scale of lengths.
const LIKE_SIZE: f64 = 0.5;
/// The least room for a panel's title and figures.
const NARROWEST: f64 = 350.0;
/// The width of a letter of a title, about.
const LETTER: f64 = 8.8;
/// White space around everything and between panels.
const MARGIN: f64 = 24.0;
/// What stands above and below a panel: title and figures; bar of lengths.
const ABOVE: f64 = 44.0;
const BELOW: f64 = 40.0;
/// The bar of colours with its ticks and its unit.
const BAR: f64 = 16.0;
const BAR_ROOM: f64 = 116.0;
/// Panels in a row.
const COLUMNS: usize = 3;
/// How many hotspots, regions of a kind, or paths are marked.
const MARKED: usize = 10;

const STYLE: &str = "<style>text{font-family:'DejaVu Sans','Helvetica','Arial',sans-serif;font-size:11px;fill:#111}\
                     .title{font-size:14px;font-weight:bold}.small{font-size:9.5px;fill:#444}\
                     .rank{font-size:10px;font-weight:bold;stroke:#fff;stroke-width:2.6px;paint-order:stroke}</style>\n";

/// A picture that is being drawn: for each panel [`begin`](Self::begin), what it shows, [`end`](Self::end).
pub(crate) struct Drawing {
    svg: Svg,
    extents: Vec<Bounds>,
    /// Pixels in a µm, for each panel.
    scales: Vec<f64>,
    /// That of the panel that is drawn.
    scale: f64,
    size: (f64, f64),
    cell: (f64, f64),
    /// Where the panel that is drawn has its upper left corner, and what it shows.
    at: (f64, f64),
    shown: Bounds,
    is_hatched: bool,
    footer: Footer,
    is_magnitude: bool,
}

impl Drawing {
    pub(crate) fn new(
        extents: impl Iterator<Item = Bounds>,
        footer: &Footer,
        is_magnitude: bool,
    ) -> Self {
        let extents: Vec<Bounds> = extents.collect();
        let sides: Vec<f64> = extents
            .iter()
            .map(|area| area.width().max(area.height()))
            .collect();
        let longest = sides.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
        // Dies of like size share one scale of lengths; beside a far larger one a small one could not be seen.
        let is_shared = sides.iter().all(|side| *side >= longest * LIKE_SIZE);
        let scale = |side: &f64| PANEL / if is_shared { longest } else { *side };
        let scales: Vec<f64> = sides.iter().map(scale).collect();
        let drawn = || extents.iter().zip(&scales);
        let width = drawn()
            .map(|(area, scale)| area.width() * scale)
            .fold(0.0, f64::max);
        let height = drawn()
            .map(|(area, scale)| area.height() * scale)
            .fold(0.0, f64::max);
        // Narrow dies still have room for title and figures.
        let cell = (width.max(NARROWEST), height);
        let columns = extents.len().clamp(1, COLUMNS);
        let rows = extents.len().div_ceil(COLUMNS).max(1);
        let width = MARGIN + columns as f64 * (cell.0 + MARGIN) + BAR_ROOM;
        let height = MARGIN + rows as f64 * (cell.1 + ABOVE + BELOW) + 2.0 * MARGIN;
        let shown = extents.first().copied();
        Self {
            svg: Svg::new(),
            extents,
            scale: scales.first().copied().unwrap_or(1.0),
            scales,
            size: (width, height),
            cell,
            at: (0.0, 0.0),
            shown: shown.unwrap_or(Bounds {
                x0: 0.0,
                y0: 0.0,
                x1: 1.0,
                y1: 1.0,
            }),
            is_hatched: false,
            footer: footer.clone(),
            is_magnitude,
        }
    }

    pub(crate) fn begin(&mut self, place: usize, title: &str, lines: &[&str]) {
        let (column, row) = (place % COLUMNS, place / COLUMNS);
        self.at = (
            MARGIN + column as f64 * (self.cell.0 + MARGIN),
            MARGIN + row as f64 * (self.cell.1 + ABOVE + BELOW) + ABOVE,
        );
        self.shown = self.extents[place];
        self.scale = self.scales[place];
        let (x, y) = self.at;
        self.svg.open("g", &[("class", "panel")]);
        let first = if lines.iter().filter(|line| !line.is_empty()).count() > 1 {
            32.0
        } else {
            26.0
        };
        let room = (self.cell.0 / LETTER) as usize;
        self.svg
            .words((x, y - first), "start", "title", &shortened(title, room));
        for (line, words) in lines.iter().filter(|line| !line.is_empty()).enumerate() {
            let below = first - 14.0 - 12.0 * line as f64;
            self.svg.words((x, y - below), "start", "small", words);
        }
    }

    /// A place in µm on the page.
    fn place(&self, x: f64, y: f64) -> (f64, f64) {
        (
            self.at.0 + (x - self.shown.x0) * self.scale,
            self.at.1 + (self.shown.y1 - y) * self.scale,
        )
    }

    pub(crate) fn map(&mut self, panel: &MapPanel<'_>, colours: Option<&Colours>) {
        let map = panel.map;
        let shown = self.shown;
        let covers = map.bounds() == Some(shown);
        if !covers || map.values.iter().any(Option::is_none) || colours.is_none() {
            self.is_hatched = true;
            self.rectangle("missing", shown, &[("fill", "url(#missing)")]);
        }
        // Bins are in µm, upwards: whoever reads the picture back finds the numbers of the map.
        let (x, y) = self.place(0.0, 0.0);
        let transform = format!(
            "translate({} {}) scale({} -{})",
            length(x),
            length(y),
            precise(self.scale),
            precise(self.scale)
        );
        let attributes = [
            ("class", "bins"),
            ("transform", transform.as_str()),
            ("shape-rendering", "crispEdges"),
        ];
        self.svg.open("g", &attributes);
        let mut rectangles = String::new();
        for bin in map.bins() {
            if let Some((value, colours)) = bin.value.zip(colours) {
                let _ = writeln!(
                    rectangles,
                    "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"{}\"/>",
                    length(bin.bounds.x0),
                    length(bin.bounds.y0),
                    length(bin.bounds.width()),
                    length(bin.bounds.height()),
                    colours.of(value).hex()
                );
            }
        }
        self.svg.raw(&rectangles);
        self.svg.close("g");
        self.outline(panel);
        for spot in panel
            .hotspots
            .iter()
            .flat_map(|hotspots| &hotspots.spots)
            .take(MARKED)
        {
            self.marked("hotspot", spot.bounds, &spot.rank.to_string(), None);
        }
        for (place, path) in panel.paths.iter().take(MARKED).enumerate().rev() {
            self.path(path, place + 1);
        }
    }

    fn outline(&mut self, panel: &MapPanel<'_>) {
        let die = match panel.outline.filter(|outline| !outline.die.is_empty()) {
            Some(outline) => outline.die.clone(),
            None => panel.map.die.map_or_else(Vec::new, corners),
        };
        for (name, area) in panel.outline.iter().flat_map(|outline| &outline.blocks) {
            self.rectangle(
                "block",
                *area,
                &[
                    ("fill", "none"),
                    ("stroke", "#fff"),
                    ("stroke-width", "2.6"),
                ],
            );
            self.rectangle(
                "block",
                *area,
                &[("fill", "none"), ("stroke", "#333"), ("stroke-width", "1")],
            );
            let at = self.place(
                f64::midpoint(area.x0, area.x1),
                f64::midpoint(area.y0, area.y1),
            );
            // Names that would not fit into their block are left out.
            if area.width() * self.scale > 7.0 * name.chars().count() as f64 {
                self.svg.words((at.0, at.1 + 3.5), "middle", "rank", name);
            }
        }
        if let Some(core) = panel.outline.and_then(|outline| outline.core) {
            let line = [("fill", "none"), ("stroke", "#fff"), ("stroke-width", "2")];
            self.rectangle("core", core, &line);
            let line = [
                ("fill", "none"),
                ("stroke", "#222"),
                ("stroke-width", "1"),
                ("stroke-dasharray", "5 3"),
            ];
            self.rectangle("core", core, &line);
        }
        if !die.is_empty() {
            let points = self.points(&die);
            let line = [
                ("class", "die"),
                ("points", points.as_str()),
                ("fill", "none"),
                ("stroke", "#111"),
                ("stroke-width", "1.2"),
            ];
            self.svg.element("polygon", &line);
        }
    }

    fn points(&self, places: &[(f64, f64)]) -> String {
        let point = |(x, y): &(f64, f64)| {
            let (x, y) = self.place(*x, *y);
            format!("{},{}", length(x), length(y))
        };
        places.iter().map(point).collect::<Vec<_>>().join(" ")
    }

    fn rectangle(&mut self, class: &str, area: Bounds, more: &[(&str, &str)]) {
        let (x, y) = self.place(area.x0, area.y1);
        let numbers = [x, y, area.width() * self.scale, area.height() * self.scale].map(length);
        let mut attributes = vec![
            ("class", class),
            ("x", numbers[0].as_str()),
            ("y", numbers[1].as_str()),
            ("width", numbers[2].as_str()),
            ("height", numbers[3].as_str()),
        ];
        attributes.extend_from_slice(more);
        self.svg.element("rect", &attributes);
    }

    pub(crate) fn region(&mut self, region: &Region, name: &str) {
        let dashes = name.starts_with('−').then_some("4 2");
        self.marked("region", region.bounds, name, dashes);
    }

    fn marked(&mut self, class: &str, area: Bounds, name: &str, dashes: Option<&str>) {
        self.rectangle(
            class,
            area,
            &[("fill", "none"), ("stroke", "#fff"), ("stroke-width", "3")],
        );
        let mut line = vec![
            ("fill", "none"),
            ("stroke", "#000"),
            ("stroke-width", "1.2"),
        ];
        line.extend(dashes.map(|dashes| ("stroke-dasharray", dashes)));
        self.rectangle(class, area, &line);
        let at = self.place(area.x0, area.y1);
        // Beside the box, or within it at the upper edge of the panel.
        let y = if at.1 - self.at.1 > 12.0 {
            at.1 - 3.0
        } else {
            at.1 + 11.0
        };
        self.svg.words((at.0 + 1.0, y), "start", "rank", name);
    }

    fn path(&mut self, path: &[(f64, f64)], rank: usize) {
        let points = self.points(path);
        for (stroke, width) in [("#fff", "3.4"), ("#000", "1.6")] {
            let line = [
                ("class", "path"),
                ("points", points.as_str()),
                ("fill", "none"),
                ("stroke", stroke),
                ("stroke-width", width),
                ("stroke-linejoin", "round"),
            ];
            self.svg.element("polyline", &line);
        }
        if let Some((x, y)) = path.first() {
            let at = self.place(*x, *y);
            let centre = (length(at.0), length(at.1));
            let dot = [
                ("class", "path-start"),
                ("cx", centre.0.as_str()),
                ("cy", centre.1.as_str()),
                ("r", "2.6"),
                ("fill", "#000"),
                ("stroke", "#fff"),
            ];
            self.svg.element("circle", &dot);
            self.svg.words(
                (at.0 + 4.0, at.1 - 4.0),
                "start",
                "rank",
                &format!("path {rank}"),
            );
        }
    }

    /// Ends a panel with its bar of lengths.
    pub(crate) fn end(&mut self) {
        let microns = round_step(self.shown.width() / 3.0);
        let (x, y) = (
            self.at.0,
            self.at.1 + self.shown.height() * self.scale + 12.0,
        );
        let numbers = [x, y, microns * self.scale].map(length);
        let bar = [
            ("class", "scale-bar"),
            ("x", numbers[0].as_str()),
            ("y", numbers[1].as_str()),
            ("width", numbers[2].as_str()),
            ("height", "4"),
            ("fill", "#111"),
        ];
        self.svg.element("rect", &bar);
        let words = format!("{} µm", number(microns, microns));
        self.svg.words(
            (x + microns * self.scale + 6.0, y + 6.0),
            "start",
            "length",
            &words,
        );
        self.svg.close("g");
    }

    fn bar(&mut self, colours: &Colours, label: &str) {
        let (low, high) = colours.range();
        let (x, y) = (self.size.0 - BAR_ROOM, MARGIN + ABOVE);
        let height = self.cell.1.clamp(120.0, PANEL);
        const STEPS: usize = 64;
        self.svg.open(
            "g",
            &[("class", "colour-bar"), ("shape-rendering", "crispEdges")],
        );
        for step in 0..STEPS {
            let value = low + (high - low) * (step as f64 + 0.5) / STEPS as f64;
            let top = y + height * (STEPS - 1 - step) as f64 / STEPS as f64;
            let numbers = [x, top, BAR, height / STEPS as f64 + 0.3].map(length);
            let fill = colours.of(value).hex();
            let stripe = [
                ("x", numbers[0].as_str()),
                ("y", numbers[1].as_str()),
                ("width", numbers[2].as_str()),
                ("height", numbers[3].as_str()),
                ("fill", fill.as_str()),
            ];
            self.svg.element("rect", &stripe);
        }
        self.svg.close("g");
        let ticks = ticks(low, high);
        let step = ticks
            .windows(2)
            .map(|pair| pair[1] - pair[0])
            .next()
            .unwrap_or(high - low);
        for tick in ticks {
            let at = y + height * (high - tick) / (high - low);
            let numbers = [x + BAR, at, x + BAR + 4.0].map(length);
            let line = [
                ("x1", numbers[0].as_str()),
                ("y1", numbers[1].as_str()),
                ("x2", numbers[2].as_str()),
                ("y2", numbers[1].as_str()),
                ("stroke", "#111"),
            ];
            self.svg.element("line", &line);
            self.svg.words(
                (x + BAR + 7.0, at + 4.0),
                "start",
                "tick",
                &number(tick, step),
            );
        }
        if !self.is_magnitude {
            self.svg.words((x, y - 6.0), "start", "small", "worse");
            self.svg
                .words((x, y + height + 14.0), "start", "small", "better");
        }
        let (x, y) = (x + BAR + 62.0, y + height / 2.0);
        let transform = format!("rotate(-90 {} {})", length(x), length(y));
        self.svg.open("g", &[("transform", transform.as_str())]);
        self.svg.words((x, y), "middle", "label", label);
        self.svg.close("g");
    }

    /// The whole picture.
    pub(crate) fn finish(mut self, colours: Option<&Colours>, label: &str) -> String {
        if let Some(colours) = colours {
            self.bar(colours, label);
        }
        let bottom = self.size.1 - MARGIN;
        let mut lines = Vec::new();
        if !self.footer.source.is_empty() {
            lines.push(self.footer.source.clone());
        }
        if !self.footer.hash.is_empty() {
            lines.push(format!("input {}", self.footer.hash));
        }
        self.svg
            .words((MARGIN, bottom), "start", "small", &lines.join(" · "));
        if self.is_hatched {
            let (x, y) = (self.size.0 - BAR_ROOM, bottom - 10.0);
            let numbers = [x, y].map(length);
            let swatch = [
                ("class", "legend"),
                ("x", numbers[0].as_str()),
                ("y", numbers[1].as_str()),
                ("width", "12"),
                ("height", "12"),
                ("fill", "url(#missing)"),
                ("stroke", "#777"),
                ("stroke-width", "0.6"),
            ];
            self.svg.element("rect", &swatch);
            self.svg
                .words((x + 17.0, y + 10.0), "start", "small", "no value");
        }
        let (width, height) = (length(self.size.0), length(self.size.1));
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\">\n\
             <defs>{STYLE}<pattern id=\"missing\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\">\
             <rect width=\"6\" height=\"6\" fill=\"#fff\"/><line x1=\"0\" y1=\"0\" x2=\"0\" y2=\"6\" stroke=\"#bbb\" stroke-width=\"1.4\"/></pattern></defs>\n\
             <rect width=\"{width}\" height=\"{height}\" fill=\"#fff\"/>\n{}</svg>\n",
            self.svg.into_text()
        )
    }
}

/// A title of at most so many letters; what is left out is in the middle, since names differ at their ends.
fn shortened(title: &str, most: usize) -> String {
    let letters: Vec<char> = title.chars().collect();
    if letters.len() <= most {
        return title.to_owned();
    }
    let kept = most.saturating_sub(1);
    let (head, tail) = (kept / 2, kept - kept / 2);
    letters[..head]
        .iter()
        .chain(&['…'])
        .chain(&letters[letters.len() - tail..])
        .collect()
}

/// A factor with all the digits that it has: lengths are multiplied by it.
fn precise(factor: f64) -> String {
    format!("{factor}")
}
