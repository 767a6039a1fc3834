//! Axes: which values they span, where a value stands, round ticks, and quantities in units that read well.

use noodle2_model::{Metric, Unit};
use plotters::coord::ranged1d::Ranged;
use plotters::coord::types::RangedCoordf64;

/// Values on a straight line of pixels.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Axis {
    low: f64,
    high: f64,
    pixels: (f64, f64),
    ticks: Vec<f64>,
}

impl Axis {
    /// An axis over all of `values`, with a little room at either end and so many ticks at most; `None` where no value
    /// is a number.
    pub fn over(
        values: impl IntoIterator<Item = f64>,
        pixels: (f64, f64),
        most_ticks: usize,
    ) -> Option<Self> {
        let (low, high) = extent(values)?;
        let room = match high - low {
            0.0 if low == 0.0 => 1.0,
            0.0 => low.abs() * 0.05,
            span => span * 0.05,
        };
        Some(Self::between(low - room, high + room, pixels, most_ticks))
    }

    /// An axis from zero up to the largest of `values`.
    pub fn from_zero(
        values: impl IntoIterator<Item = f64>,
        pixels: (f64, f64),
        most_ticks: usize,
    ) -> Option<Self> {
        let (_, high) = extent(values)?;
        let high = if high > 0.0 { high * 1.04 } else { 1.0 };
        Some(Self::between(0.0, high, pixels, most_ticks))
    }

    /// An axis between two different values.
    pub fn between(low: f64, high: f64, pixels: (f64, f64), most_ticks: usize) -> Self {
        let ticks = RangedCoordf64::from(low..high).key_points(most_ticks.max(2));
        Self {
            low,
            high,
            pixels,
            ticks,
        }
    }

    /// Where a value stands, in pixels.
    pub fn place(&self, value: f64) -> f64 {
        let share = (value - self.low) / (self.high - self.low);
        self.pixels.0 + share * (self.pixels.1 - self.pixels.0)
    }

    /// The ticks, from low to high.
    pub fn ticks(&self) -> impl Iterator<Item = (f64, String)> + '_ {
        let step = match self.ticks.as_slice() {
            [first, second, ..] => second - first,
            _ => 1.0,
        };
        self.ticks
            .iter()
            .map(move |tick| (*tick, tick_text(*tick, step)))
    }

    /// The ticks that stand at whole numbers.
    pub fn whole_ticks(&self) -> impl Iterator<Item = (f64, String)> + '_ {
        self.ticks().filter(|(tick, _)| tick.fract() == 0.0)
    }
}

/// The least and the largest number.
fn extent(values: impl IntoIterator<Item = f64>) -> Option<(f64, f64)> {
    let numbers = values.into_iter().filter(|value| value.is_finite());
    numbers.fold(None, |found, value| match found {
        None => Some((value, value)),
        Some((low, high)) => Some((f64::min(low, value), f64::max(high, value))),
    })
}

/// A tick with as many digits as set it apart from its neighbours, and thin spaces between thousands.
fn tick_text(value: f64, step: f64) -> String {
    let decimals = (0..9)
        .find(|decimals| {
            let scaled = step.abs() * 10_f64.powi(*decimals);
            (scaled - scaled.round()).abs() < 1e-6 * scaled.max(1e-9)
        })
        .unwrap_or(9) as usize;
    let text = format!("{value:.decimals$}");
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) if digits.bytes().any(|digit| (b'1'..=b'9').contains(&digit)) => ("−", digits),
        Some(digits) => ("", digits),
        None => ("", text.as_str()),
    };
    let (whole, fraction) = digits.split_at(digits.find('.').unwrap_or(digits.len()));
    let mut grouped = String::new();
    for (position, digit) in whole.chars().enumerate() {
        if whole.len() > 4 && position > 0 && (whole.len() - position).is_multiple_of(3) {
            grouped.push('\u{202f}');
        }
        grouped.push(digit);
    }
    format!("{sign}{grouped}{fraction}")
}

/// A unit and how many of the base unit it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Scaled {
    pub factor: f64,
    pub symbol: &'static str,
}

impl Scaled {
    /// The unit in which values of a metric up to `largest` read well.
    pub fn of_metric(metric: Metric, largest: f64) -> Self {
        let (factor, symbol) = match (metric.unit(), largest.abs()) {
            (Unit::Watts, size) if size < 1e-6 => (1e-9, "nW"),
            (Unit::Watts, size) if size < 1e-3 => (1e-6, "µW"),
            (Unit::Watts, size) if size < 1.0 => (1e-3, "mW"),
            (Unit::Picoseconds, size) if size >= 20_000.0 => (1e3, "ns"),
            (unit, _) => (1.0, unit.symbol()),
        };
        Self { factor, symbol }
    }

    /// The unit in which durations of up to `longest` seconds read well.
    pub fn of_seconds(longest: f64) -> Self {
        let (factor, symbol) = match longest {
            longest if longest < 1.0 => (1e-3, "ms"),
            longest if longest < 300.0 => (1.0, "s"),
            longest if longest < 10_800.0 => (60.0, "min"),
            longest if longest < 360_000.0 => (3600.0, "h"),
            _ => (86_400.0, "d"),
        };
        Self { factor, symbol }
    }

    /// What stands at an axis: a name with the unit.
    pub fn label(self, name: &str) -> String {
        match self.symbol {
            "" => name.to_owned(),
            symbol => format!("{name} ({symbol})"),
        }
    }
}

/// The largest magnitude.
pub(crate) fn largest(values: impl IntoIterator<Item = f64>) -> f64 {
    values
        .into_iter()
        .fold(0.0, |size, value| size.max(value.abs()))
}

/// A metric as axes name it, without its unit: `setup WNS`, `area`.
pub(crate) fn metric_words(metric: Metric) -> String {
    let name = metric.name();
    let unit = ["_ps", "_w", "_um2", "_um", "_pf", "_percent"];
    let name = unit
        .iter()
        .find_map(|unit| name.strip_suffix(unit))
        .unwrap_or(name);
    let words = name.split('_').map(|word| match word {
        "ws" | "wns" | "tns" | "drc" => word.to_uppercase(),
        _ => word.to_owned(),
    });
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ticks_read_as_numbers_do() {
        assert_eq!(tick_text(-12_000.0, 2000.0), "−12\u{202f}000");
        assert_eq!(tick_text(1500.0, 500.0), "1500");
        assert_eq!(tick_text(0.25, 0.05), "0.25");
        assert_eq!(tick_text(-0.0, 0.5), "0.0");
    }

    #[test]
    fn an_axis_without_a_number_is_none() {
        assert_eq!(Axis::over([f64::NAN, f64::INFINITY], (0.0, 1.0), 5), None);
        assert!(Axis::over([5.0], (0.0, 1.0), 5).is_some());
    }

    #[test]
    fn metrics_are_named_without_their_unit() {
        assert_eq!(metric_words(Metric::SetupWns), "setup WNS");
        assert_eq!(metric_words(Metric::Power), "power");
        assert_eq!(metric_words(Metric::CellCount), "cell count");
    }

    proptest! {
        #[test]
        fn ticks_lie_on_their_axis_and_are_round(low in -1e9..1e9_f64, span in 1e-3..1e9_f64) {
            let axis = Axis::over([low, low + span], (0.0, 100.0), 6).unwrap();
            let ticks: Vec<f64> = axis.ticks().map(|(tick, _)| tick).collect();
            prop_assert!(!ticks.is_empty() && ticks.len() <= 12, "{ticks:?}");
            for tick in &ticks {
                let place = axis.place(*tick);
                prop_assert!((-1e-6..=100.0 + 1e-6).contains(&place), "{tick} at {place}");
            }
            for pair in ticks.windows(2) {
                prop_assert!(pair[0] < pair[1]);
            }
        }
    }
}
