//! Points, boxes and orientations in database units, and boxes in µm.

use serde::Serialize;

/// A place in database units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Point {
    /// To the right.
    pub x: i64,
    /// Upwards.
    pub y: i64,
}

/// A box in database units; `x0 <= x1` and `y0 <= y1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub struct Rect {
    /// The left edge.
    pub x0: i64,
    /// The lower edge.
    pub y0: i64,
    /// The right edge.
    pub x1: i64,
    /// The upper edge.
    pub y1: i64,
}

impl Rect {
    /// The box between two corners, whichever they are.
    pub fn between(a: Point, b: Point) -> Self {
        Self {
            x0: a.x.min(b.x),
            y0: a.y.min(b.y),
            x1: a.x.max(b.x),
            y1: a.y.max(b.y),
        }
    }

    /// The smallest box around some points; `None` without points.
    pub fn around(points: impl IntoIterator<Item = Point>) -> Option<Self> {
        points
            .into_iter()
            .map(|point| Self::between(point, point))
            .reduce(Self::join)
    }

    /// The smallest box around both.
    #[must_use]
    pub fn join(self, other: Self) -> Self {
        Self {
            x0: self.x0.min(other.x0),
            y0: self.y0.min(other.y0),
            x1: self.x1.max(other.x1),
            y1: self.y1.max(other.y1),
        }
    }

    /// The width in database units.
    pub const fn width(&self) -> i64 {
        self.x1 - self.x0
    }

    /// The height in database units.
    pub const fn height(&self) -> i64 {
        self.y1 - self.y0
    }

    /// The area in square database units. Exact for all boxes whose sides are below 2³².
    pub fn area(&self) -> i128 {
        i128::from(self.width()) * i128::from(self.height())
    }

    /// The area that both share, in square database units.
    pub fn shared_area(&self, other: &Self) -> i128 {
        let width = self.x1.min(other.x1) - self.x0.max(other.x0);
        let height = self.y1.min(other.y1) - self.y0.max(other.y0);
        i128::from(width.max(0)) * i128::from(height.max(0))
    }

    /// Whether both share more than an edge.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.x0 < other.x1 && other.x0 < self.x1 && self.y0 < other.y1 && other.y0 < self.y1
    }

    /// Whether `other` lies within, edges included.
    pub fn contains(&self, other: &Self) -> bool {
        self.x0 <= other.x0 && other.x1 <= self.x1 && self.y0 <= other.y0 && other.y1 <= self.y1
    }

    /// The same box moved by `offset`.
    #[must_use]
    pub const fn moved(&self, offset: Point) -> Self {
        Self {
            x0: self.x0 + offset.x,
            y0: self.y0 + offset.y,
            x1: self.x1 + offset.x,
            y1: self.y1 + offset.y,
        }
    }

    /// The same box in µm.
    pub fn in_microns(&self, units_per_micron: u32) -> Bounds {
        let scale = f64::from(units_per_micron);
        Bounds {
            x0: self.x0 as f64 / scale,
            y0: self.y0 as f64 / scale,
            x1: self.x1 as f64 / scale,
            y1: self.y1 as f64 / scale,
        }
    }
}

/// A box in µm; `x0 <= x1` and `y0 <= y1`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Bounds {
    /// The left edge in µm.
    pub x0: f64,
    /// The lower edge in µm.
    pub y0: f64,
    /// The right edge in µm.
    pub x1: f64,
    /// The upper edge in µm.
    pub y1: f64,
}

impl Bounds {
    /// The width in µm.
    pub const fn width(&self) -> f64 {
        self.x1 - self.x0
    }

    /// The height in µm.
    pub const fn height(&self) -> f64 {
        self.y1 - self.y0
    }

    /// The area in µm².
    pub const fn area(&self) -> f64 {
        self.width() * self.height()
    }

    /// The smallest box around both.
    #[must_use]
    pub const fn join(self, other: Self) -> Self {
        Self {
            x0: self.x0.min(other.x0),
            y0: self.y0.min(other.y0),
            x1: self.x1.max(other.x1),
            y1: self.y1.max(other.y1),
        }
    }

    /// The area that both share, in µm².
    pub fn shared_area(&self, other: &Self) -> f64 {
        let width = self.x1.min(other.x1) - self.x0.max(other.x0);
        let height = self.y1.min(other.y1) - self.y0.max(other.y0);
        width.max(0.0) * height.max(0.0)
    }
}

/// How a cell or a pin is turned and mirrored, in the words of LEF and DEF.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Orientation {
    /// As it is drawn.
    N,
    /// Turned by 180°.
    S,
    /// Turned by 90° against the clock.
    W,
    /// Turned by 90° with the clock.
    E,
    /// Mirrored at the upright axis.
    FN,
    /// Mirrored at the level axis.
    FS,
    /// Mirrored at the level axis, then turned by 90° against the clock.
    FW,
    /// Mirrored at the upright axis, then turned by 90° against the clock.
    FE,
}

impl Orientation {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "N" => Self::N,
            "S" => Self::S,
            "W" => Self::W,
            "E" => Self::E,
            "FN" => Self::FN,
            "FS" => Self::FS,
            "FW" => Self::FW,
            "FE" => Self::FE,
            _ => return None,
        })
    }

    /// Whether width and height change places.
    pub const fn swaps_sides(self) -> bool {
        matches!(self, Self::W | Self::E | Self::FW | Self::FE)
    }

    /// A box turned about the origin.
    #[must_use]
    pub fn turn(self, rect: Rect) -> Rect {
        let point = |x: i64, y: i64| match self {
            Self::N => Point { x, y },
            Self::S => Point { x: -x, y: -y },
            Self::W => Point { x: -y, y: x },
            Self::E => Point { x: y, y: -x },
            Self::FN => Point { x: -x, y },
            Self::FS => Point { x, y: -y },
            Self::FW => Point { x: y, y: x },
            Self::FE => Point { x: -y, y: -x },
        };
        Rect::between(point(rect.x0, rect.y0), point(rect.x1, rect.y1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The eight orientations of a box near the lower left corner of a cell, as the LEF/DEF reference draws them: after the
    /// turn, the cell is put with its lower left corner where it was.
    #[test]
    fn a_pin_turns_with_its_cell() {
        let cell = Rect::between(Point { x: 0, y: 0 }, Point { x: 10, y: 4 });
        let pin = Rect::between(Point { x: 1, y: 1 }, Point { x: 2, y: 3 });
        let expected = [
            (Orientation::N, (1, 1, 2, 3)),
            (Orientation::S, (8, 1, 9, 3)),
            (Orientation::W, (1, 1, 3, 2)),
            (Orientation::E, (1, 8, 3, 9)),
            (Orientation::FN, (8, 1, 9, 3)),
            (Orientation::FS, (1, 1, 2, 3)),
            (Orientation::FW, (1, 1, 3, 2)),
            (Orientation::FE, (1, 8, 3, 9)),
        ];
        for (orientation, (x0, y0, x1, y1)) in expected {
            let turned = orientation.turn(cell);
            let corner = Point {
                x: -turned.x0,
                y: -turned.y0,
            };
            let pin = orientation.turn(pin).moved(corner);
            assert_eq!(pin, Rect { x0, y0, x1, y1 }, "{orientation:?}");
            let turned = turned.moved(corner);
            let sides = if orientation.swaps_sides() {
                (4, 10)
            } else {
                (10, 4)
            };
            assert_eq!((turned.width(), turned.height()), sides);
        }
    }
}
