//! Numbers as people read them: with unit, with a true minus sign nowhere (so that they can be pasted).

use noodle2_model::{Metric, Unit};

/// A value with its unit; `—` where it is missing.
pub fn metric_text(metric: Metric, value: Option<f64>) -> String {
    match value {
        None => "—".to_owned(),
        Some(value) => with_unit(metric, &plain(metric, value)),
    }
}

/// How much better (+) or worse (−) `to` is than `from`, with its share of `from`; `—` where either is missing.
pub fn gain_text(metric: Metric, from: Option<f64>, to: Option<f64>) -> String {
    let (Some(from), Some(to)) = (from, to) else {
        return "—".to_owned();
    };
    let gain = metric.gain(from, to);
    if gain == 0.0 {
        return "unchanged".to_owned();
    }
    let word = if gain > 0.0 { "better" } else { "worse" };
    let size = with_unit(metric, &plain(metric, gain.abs()));
    if from == 0.0 {
        return format!("{size} {word}");
    }
    format!("{size} {word} ({:.1} %)", 100.0 * gain.abs() / from.abs())
}

fn plain(metric: Metric, value: f64) -> String {
    match metric.unit() {
        Unit::Picoseconds => format!("{value:.1}"),
        Unit::Count => format!("{value:.0}"),
        Unit::SquareMicrometres => format!("{value:.1}"),
        Unit::Picofarads => format!("{value:.4}"),
        Unit::Micrometres => format!("{value:.1}"),
        Unit::Percent => format!("{value:.2}"),
        Unit::Watts => watts(value),
    }
}

fn watts(value: f64) -> String {
    let (scaled, prefix) = match value.abs() {
        0.0 => (0.0, ""),
        size if size < 1e-6 => (value * 1e9, "n"),
        size if size < 1e-3 => (value * 1e6, "µ"),
        size if size < 1.0 => (value * 1e3, "m"),
        _ => (value, ""),
    };
    format!("{scaled:.3} {prefix}")
}

fn with_unit(metric: Metric, number: &str) -> String {
    match metric.unit() {
        Unit::Count => number.to_owned(),
        Unit::Watts => format!("{}W", number),
        unit => format!("{number} {}", unit.symbol()),
    }
}

/// So many bytes, in the widest unit of 1024 in which they are at least one.
pub fn bytes_text(bytes: u64) -> String {
    let mut value = bytes as f64;
    for unit in ["B", "KiB", "MiB", "GiB"] {
        if value < 1024.0 {
            return match unit {
                "B" => format!("{bytes} B"),
                _ => format!("{value:.1} {unit}"),
            };
        }
        value /= 1024.0;
    }
    format!("{value:.1} TiB")
}

/// So many of what `one` names, in the singular where it is one: `1 trial`, `2 trials`, `0 trials`.
pub fn count_text(count: usize, one: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{count} {one}{ending}")
}

/// A sum of weights: whole where it is, else with one digit.
pub fn weight_text(weight: f64) -> String {
    match weight.fract() == 0.0 {
        true => format!("{weight:.0}"),
        false => format!("{weight:.1}"),
    }
}

/// A duration in words short enough for a table: `0.8 s`, `2 min 05 s`, `3 h 10 min`.
pub fn seconds_text(seconds: f64) -> String {
    if !seconds.is_finite() || seconds < 0.0 {
        return "—".to_owned();
    }
    if seconds < 59.95 {
        return format!("{seconds:.1} s");
    }
    let whole = seconds.round() as u64;
    if whole < 3600 {
        return format!("{} min {:02} s", whole / 60, whole % 60);
    }
    format!("{} h {:02} min", whole / 3600, whole % 3600 / 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_carry_units_and_missing_ones_say_so() {
        assert_eq!(metric_text(Metric::SetupWns, Some(-12.34)), "-12.3 ps");
        assert_eq!(metric_text(Metric::Power, Some(0.00165)), "1.650 mW");
        assert_eq!(metric_text(Metric::CellCount, Some(812.0)), "812");
        assert_eq!(metric_text(Metric::Area, None), "—");
    }

    #[test]
    fn gains_follow_the_direction_of_the_metric() {
        let text = gain_text(Metric::SetupWns, Some(-200.0), Some(-150.0));
        assert_eq!(text, "50.0 ps better (25.0 %)");
        let text = gain_text(Metric::Area, Some(100.0), Some(110.0));
        assert_eq!(text, "10.0 µm² worse (10.0 %)");
        assert_eq!(gain_text(Metric::Area, Some(1.0), Some(1.0)), "unchanged");
        assert_eq!(gain_text(Metric::Area, None, Some(1.0)), "—");
    }

    #[test]
    fn one_thing_is_told_in_the_singular() {
        let texts = [0, 1, 2].map(|count| count_text(count, "stage"));
        assert_eq!(texts, ["0 stages", "1 stage", "2 stages"]);
    }

    #[test]
    fn durations_read_well_at_every_size() {
        assert_eq!(seconds_text(0.84), "0.8 s");
        assert_eq!(seconds_text(59.97), "1 min 00 s");
        assert_eq!(seconds_text(125.2), "2 min 05 s");
        assert_eq!(seconds_text(11_400.0), "3 h 10 min");
    }
}
