//! The parts that charts have in common: the plot with its axes, legends, notes.

use crate::chart::axis::Axis;
use crate::chart::marks::{Shape, series_class};
use crate::svg::{Svg, length};

/// Where a plot lies in its figure, in pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Frame {
    pub left: f64,
    pub top: f64,
    pub right: f64,
    pub bottom: f64,
}

impl Frame {
    /// The pixels of a horizontal axis.
    pub const fn across(self) -> (f64, f64) {
        (self.left, self.right)
    }

    /// The pixels of a vertical axis, whose low end is at the bottom.
    pub const fn upwards(self) -> (f64, f64) {
        (self.bottom, self.top)
    }

    /// Draws rules at the ticks, the ticks and the names of both axes.
    pub fn draw_axes(self, svg: &mut Svg, x: (&Axis, &str), y: (&Axis, &str)) {
        self.draw_x(svg, x.0, x.1);
        self.draw_y(svg, y.0, y.1);
    }

    /// Draws the horizontal axis at the bottom.
    pub fn draw_x(self, svg: &mut Svg, axis: &Axis, label: &str) {
        for (tick, text) in axis.ticks() {
            let x = axis.place(tick);
            line(svg, "rule", (x, self.top), (x, self.bottom));
            svg.words((x, self.bottom + 15.0), "middle", "tick x", &text);
        }
        line(
            svg,
            "axis",
            (self.left, self.bottom),
            (self.right, self.bottom),
        );
        let middle = (self.left + self.right) / 2.0;
        svg.words((middle, self.bottom + 32.0), "middle", "label", label);
    }

    /// Draws the vertical axis at the left; its name stands above it, to be read without turning the head.
    pub fn draw_y(self, svg: &mut Svg, axis: &Axis, label: &str) {
        for (tick, text) in axis.ticks() {
            let y = axis.place(tick);
            line(svg, "rule", (self.left, y), (self.right, y));
            svg.words((self.left - 6.0, y + 4.0), "end", "tick y", &text);
        }
        line(svg, "axis", (self.left, self.top), (self.left, self.bottom));
        svg.words((8.0, self.top - 10.0), "start", "label", label);
    }
}

/// A straight line.
pub(crate) fn line(svg: &mut Svg, class: &str, from: (f64, f64), to: (f64, f64)) {
    svg.element(
        "line",
        &[
            ("class", class),
            ("x1", &pixels(from.0)),
            ("y1", &pixels(from.1)),
            ("x2", &pixels(to.0)),
            ("y2", &pixels(to.1)),
        ],
    );
}

/// A length to a tenth of a pixel.
pub(crate) fn pixels(value: f64) -> String {
    length((value * 10.0).round() / 10.0)
}

/// The path of a line that goes across from each point and then up or down to the next.
pub(crate) fn steps(points: &[(f64, f64)]) -> String {
    let mut path = String::new();
    for (number, (x, y)) in points.iter().enumerate() {
        path += &match number {
            0 => format!("M{} {}", pixels(*x), pixels(*y)),
            _ => format!("H{}V{}", pixels(*x), pixels(*y)),
        };
    }
    path
}

/// A sample beside words in a legend.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Sample {
    /// A mark of the series of this number.
    Mark(usize),
    /// A mark of the series of this number on a line of its dash.
    Front(usize),
    /// A line of a class.
    Line(&'static str),
    /// A box of a class.
    Box(&'static str),
    /// The tick of a failure.
    Cross,
    /// The ring around the winner.
    Winner,
    /// The square of the base.
    Base,
}

/// Draws a legend in lines that are as wide as there is room. Returns the height that it takes.
pub(crate) fn legend(
    svg: &mut Svg,
    (left, top): (f64, f64),
    right: f64,
    entries: &[(Sample, String)],
) -> f64 {
    let (mut x, mut y) = (left, top + 15.0);
    for (sample, words) in entries {
        let words = shortened(words, 40);
        let width = 26.0 + text_width(&words) + 14.0;
        if x + width > right && x > left {
            x = left;
            y += 18.0;
        }
        draw_sample(svg, *sample, (x + 10.0, y - 4.0));
        svg.words((x + 24.0, y), "start", "legend", &words);
        x += width;
    }
    y - top + 8.0
}

fn draw_sample(svg: &mut Svg, sample: Sample, (x, y): (f64, f64)) {
    let (start, end) = ((x - 9.0, y), (x + 9.0, y));
    match sample {
        Sample::Mark(series) => {
            svg.raw(&Shape::of_series(series).element(series_class(series), x, y, 4.0))
        }
        Sample::Front(series) => {
            let class = format!("{} stroke", series_class(series));
            let dash = dash_of(series);
            let path = format!("M{} {}H{}", pixels(start.0), pixels(y), pixels(end.0));
            svg.element(
                "path",
                &[("class", &class), ("d", &path), ("stroke-dasharray", dash)],
            );
            svg.raw(&Shape::of_series(series).element(series_class(series), x, y, 4.0));
        }
        Sample::Line(class) => line(svg, class, start, end),
        Sample::Box(class) => rectangle(svg, class, (x - 9.0, y - 5.0), (18.0, 10.0)),
        Sample::Cross => cross(svg, (x, y), 4.0),
        Sample::Winner => svg.raw(&Shape::Circle.element("ring", x, y, 6.0)),
        Sample::Base => svg.raw(&Shape::Square.element("ink", x, y, 4.0)),
    }
}

/// The dash of the lines of a series.
pub(crate) const fn dash_of(series: usize) -> &'static str {
    match series % 6 {
        0 => "none",
        1 => "7 3",
        2 => "2 2",
        3 => "9 3 2 3",
        4 => "4 4",
        _ => "12 4",
    }
}

/// A rectangle of a class.
pub(crate) fn rectangle(svg: &mut Svg, class: &str, at: (f64, f64), size: (f64, f64)) {
    svg.element(
        "rect",
        &[
            ("class", class),
            ("x", &pixels(at.0)),
            ("y", &pixels(at.1)),
            ("width", &length((size.0.max(0.0) * 100.0).round() / 100.0)),
            ("height", &pixels(size.1.max(0.0))),
        ],
    );
}

/// The cross of a failure.
pub(crate) fn cross(svg: &mut Svg, (x, y): (f64, f64), reach: f64) {
    svg.element(
        "path",
        &[("class", "bad"), ("d", &cross_path((x, y), reach))],
    );
}

/// The cross of a failure upon a bar, from which it is set off.
pub(crate) fn cross_on_bar(svg: &mut Svg, at: (f64, f64), reach: f64) {
    let path = cross_path(at, reach);
    svg.element("path", &[("class", "halo"), ("d", &path)]);
    svg.element("path", &[("class", "bad"), ("d", &path)]);
}

/// The path of the cross of a failure.
pub(crate) fn cross_path((x, y): (f64, f64), reach: f64) -> String {
    let (left, right) = (pixels(x - reach), pixels(x + reach));
    let (top, bottom) = (pixels(y - reach), pixels(y + reach));
    format!("M{left} {top}L{right} {bottom}M{right} {top}L{left} {bottom}")
}

/// Remarks below a chart, one a line. Returns the height that they take.
pub(crate) fn notes(svg: &mut Svg, (left, top): (f64, f64), notes: &[String]) -> f64 {
    for (number, note) in notes.iter().enumerate() {
        let y = top + 12.0 + 15.0 * number as f64;
        svg.words((left, y), "start", "muted note", note);
    }
    15.0 * notes.len() as f64
}

/// How wide words of the usual size are, at most, as far as that is known without a font.
pub(crate) fn text_width(words: &str) -> f64 {
    6.9 * words.chars().count() as f64
}

/// Words of so many letters at most; what is left out is told by an ellipsis in the middle, since names mostly differ at
/// either end.
pub(crate) fn shortened(words: &str, limit: usize) -> String {
    let count = words.chars().count();
    if count <= limit {
        return words.to_owned();
    }
    let kept = limit.saturating_sub(1);
    let front = kept.div_ceil(2);
    let start: String = words.chars().take(front).collect();
    let end: String = words.chars().skip(count - (kept - front)).collect();
    format!("{start}…{end}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_words_keep_both_ends() {
        assert_eq!(shortened("repair_timing", 20), "repair_timing");
        assert_eq!(shortened("abcdefghij", 5), "ab…ij");
        assert_eq!(shortened("abcdefghij", 1), "…");
    }
}
