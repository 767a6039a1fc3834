//! Bars and sparklines.

use super::Charset;

/// A bar of so many columns: what is done, what runs, and the rest.
pub(super) fn bar(
    done: usize,
    running: usize,
    total: usize,
    width: usize,
    charset: Charset,
) -> [String; 3] {
    let [full, busy, rest] = match charset {
        Charset::Unicode => ["█", "▒", "░"],
        Charset::Ascii => ["#", "+", "."],
    };
    let columns = |count: usize| match total {
        0 => 0,
        // Full only when nothing is left.
        _ => (count.min(total) * width) / total,
    };
    let done_columns = columns(done);
    let begun = columns(done + running);
    // What runs is to be seen however little of the whole it is.
    let begun = begun.max((done_columns + usize::from(running > 0)).min(width));
    [
        full.repeat(done_columns),
        busy.repeat(begun - done_columns),
        rest.repeat(width - begun),
    ]
}

/// Values as a line of small columns, from the lowest to the highest. Nothing where there are fewer than two values or all
/// are the same.
pub(super) fn sparkline(values: &[f64], better_is_higher: bool, charset: Charset) -> String {
    let levels = match charset {
        Charset::Unicode => ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'],
        Charset::Ascii => ['_', '.', ',', '-', '~', '=', '+', '#'],
    };
    let lowest = values.iter().copied().fold(f64::INFINITY, f64::min);
    let highest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let range = highest - lowest;
    if values.len() < 2 || range.is_nan() || range <= 0.0 {
        return String::new();
    }
    let level = |value: &f64| {
        let share = match better_is_higher {
            true => (value - lowest) / range,
            false => (highest - value) / range,
        };
        let top = levels.len() - 1;
        levels[((share * top as f64).round() as usize).min(top)]
    };
    values.iter().map(level).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_full_only_at_the_end_and_shows_whatever_runs() {
        let text = |done, running, total| bar(done, running, total, 10, Charset::Ascii).concat();
        assert_eq!(text(0, 0, 0), "..........");
        assert_eq!(text(5, 2, 10), "#####++...");
        assert_eq!(text(9999, 0, 10_000), "#########.");
        assert_eq!(text(1, 1, 10_000), "+.........");
        assert_eq!(text(10, 0, 10), "##########");
        assert_eq!(text(12, 3, 10), "##########");
    }

    #[test]
    fn better_is_up() {
        let rising = [-3.0, -2.0, -1.0];
        assert_eq!(sparkline(&rising, true, Charset::Unicode), "▁▅█");
        assert_eq!(sparkline(&rising, false, Charset::Unicode), "█▅▁");
        assert_eq!(sparkline(&[1.0, 1.0], true, Charset::Unicode), "");
        assert_eq!(sparkline(&[1.0], true, Charset::Unicode), "");
    }
}
