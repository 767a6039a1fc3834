//! Marks: a shape and a colour for each series, a title and a link for each mark.

use std::fmt::Write as _;

use crate::chart::frame::pixels;
use crate::svg::{Svg, escaped};

/// The shapes of marks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    Circle,
    Square,
    Triangle,
    Diamond,
    Wedge,
    Plus,
    Star,
}

const SHAPES: [Shape; 7] = [
    Shape::Circle,
    Shape::Square,
    Shape::Triangle,
    Shape::Diamond,
    Shape::Wedge,
    Shape::Plus,
    Shape::Star,
];

/// The class of the colours of a series. Seven shapes and six colours: the pair is the same again after 42 series.
pub(crate) const fn series_class(series: usize) -> &'static str {
    match series % 6 {
        0 => "s0",
        1 => "s1",
        2 => "s2",
        3 => "s3",
        4 => "s4",
        _ => "s5",
    }
}

impl Shape {
    /// The shape of a series.
    pub const fn of_series(series: usize) -> Self {
        SHAPES[series % SHAPES.len()]
    }

    /// The shape around a place, as an element of a class.
    pub fn element(self, class: &str, x: f64, y: f64, reach: f64) -> String {
        let at =
            |dx: f64, dy: f64| format!("{} {}", pixels(x + dx * reach), pixels(y + dy * reach));
        let through = |places: &[(f64, f64)]| {
            let places: Vec<String> = places.iter().map(|(dx, dy)| at(*dx, *dy)).collect();
            format!("<path class=\"{class}\" d=\"M{}z\"/>", places.join("L"))
        };
        match self {
            Self::Circle => format!(
                "<circle class=\"{class}\" cx=\"{}\" cy=\"{}\" r=\"{}\"/>",
                pixels(x),
                pixels(y),
                pixels(reach)
            ),
            Self::Square => through(&[(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)]),
            Self::Triangle => through(&[(0.0, -1.2), (1.1, 0.8), (-1.1, 0.8)]),
            Self::Diamond => through(&[(0.0, -1.3), (1.1, 0.0), (0.0, 1.3), (-1.1, 0.0)]),
            Self::Wedge => through(&[(0.0, 1.2), (1.1, -0.8), (-1.1, -0.8)]),
            Self::Plus => format!(
                "<path class=\"{class} stroke\" d=\"M{}L{}M{}L{}\"/>",
                at(-1.2, 0.0),
                at(1.2, 0.0),
                at(0.0, -1.2),
                at(0.0, 1.2)
            ),
            Self::Star => format!(
                "<path class=\"{class} stroke\" d=\"M{}L{}M{}L{}\"/>",
                at(-1.0, -1.0),
                at(1.0, 1.0),
                at(1.0, -1.0),
                at(-1.0, 1.0)
            ),
        }
    }
}

/// Adds elements that stand for something: with a title, and a link where it has an address.
pub(crate) fn linked(svg: &mut Svg, link: Option<&str>, title: &str, elements: &str) {
    let title = escaped(title);
    let mut text = String::new();
    let _ = match link {
        Some(link) => writeln!(
            text,
            "<a href=\"{}\" aria-label=\"{title}\"><title>{title}</title>{elements}</a>",
            escaped(link)
        ),
        None => writeln!(text, "<g><title>{title}</title>{elements}</g>"),
    };
    svg.raw(&text);
}

/// The numbers from which on marks that lie upon each other are drawn as one.
const CROWD: usize = 2000;

/// The side of the squares within which they count as upon each other, in pixels.
const CELL: f64 = 5.0;

/// Which marks are drawn when there are many: all that are `notable`, and one for each square of a few pixels that has
/// others, with how many it stands for. What is drawn keeps its place.
pub(crate) fn thinned(marks: &[(f64, f64, bool)]) -> Vec<(usize, usize)> {
    if marks.len() <= CROWD {
        return (0..marks.len()).map(|mark| (mark, 1)).collect();
    }
    let mut drawn: Vec<(usize, usize)> = Vec::new();
    let mut cells = std::collections::HashMap::new();
    for (mark, (x, y, notable)) in marks.iter().enumerate() {
        let cell = ((x / CELL) as i64, (y / CELL) as i64);
        match (notable, cells.get(&cell)) {
            (false, Some(first)) => {
                let first: &usize = first;
                drawn[*first].1 += 1;
            }
            (false, None) => {
                cells.insert(cell, drawn.len());
                drawn.push((mark, 1));
            }
            (true, _) => drawn.push((mark, 1)),
        }
    }
    drawn
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn thinning_keeps_what_is_notable_and_counts_all(seed in 0_u64..1000, count in 1900_usize..4000) {
            let mut state = seed;
            let mut next = || {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (state >> 40) as f64 / f64::from(1 << 24) * 300.0
            };
            let marks: Vec<(f64, f64, bool)> = (0..count).map(|mark| (next(), next() / 10.0, mark % 97 == 0)).collect();
            let drawn = thinned(&marks);
            prop_assert_eq!(drawn.iter().map(|(_, stands_for)| stands_for).sum::<usize>(), count);
            for (mark, (.., notable)) in marks.iter().enumerate() {
                prop_assert!(!notable || drawn.iter().any(|(drawn, count)| *drawn == mark && *count == 1));
            }
        }
    }
}
