//! How the slacks of endpoints are spread, of a case and of what it is compared with.

use crate::chart::axis::Axis;
use crate::chart::figure::Figure;
use crate::chart::frame::{Frame, Sample, legend, line, notes, pixels, rectangle};
use crate::svg::Svg;
use crate::{count_text, metric_text};

/// How many endpoints have which slack: `before` as an outline, `after` as bars, both with the name that they are shown by and slacks in
/// ps, one for each endpoint. Slacks that are no numbers are left out and counted. `None` where `after` has none.
pub fn slack_histogram(before: (&str, &[f64]), after: (&str, &[f64])) -> Option<Figure> {
    let numbers = |slacks: &[f64]| -> Vec<f64> {
        slacks
            .iter()
            .copied()
            .filter(|slack| slack.is_finite())
            .collect()
    };
    let (old, new) = (numbers(before.1), numbers(after.1));
    if new.is_empty() {
        return None;
    }
    let all = || old.iter().chain(&new).copied();
    let mut svg = Svg::new();
    let mut entries = vec![(Sample::Box("s0"), after.0.to_owned())];
    if !old.is_empty() {
        entries.push((Sample::Line("line"), before.0.to_owned()));
    }
    let head = legend(&mut svg, (8.0, 0.0), 632.0, &entries);
    let frame = Frame {
        left: 64.0,
        top: head + 24.0,
        right: 624.0,
        bottom: head + 264.0,
    };
    let bins = Bins::over(all())?;
    let (before_counts, after_counts) = (bins.count(&old), bins.count(&new));
    let most = before_counts
        .iter()
        .chain(&after_counts)
        .copied()
        .max()
        .unwrap_or(0);
    let x = Axis::between(bins.low, bins.high(), frame.across(), 9);
    let y = Axis::from_zero([most as f64], frame.upwards(), 6)?;
    frame.draw_x(&mut svg, &x, "slack (ps)");
    for (tick, text) in y.whole_ticks() {
        let level = y.place(tick);
        line(&mut svg, "rule", (frame.left, level), (frame.right, level));
        svg.words((frame.left - 6.0, level + 4.0), "end", "tick y", &text);
    }
    svg.words((8.0, frame.top - 10.0), "start", "label", "endpoints");
    for (bin, count) in after_counts.iter().enumerate() {
        if *count == 0 {
            continue;
        }
        let (left, right) = (x.place(bins.edge(bin)), x.place(bins.edge(bin + 1)));
        let top = y.place(*count as f64);
        let words =
            |count: usize, name: &str| format!("{} of {name}", count_text(count, "endpoint"));
        let mut title = format!(
            "{} to {}: {}",
            metric_text(noodle2_model::Metric::SetupWs, Some(bins.edge(bin))),
            metric_text(noodle2_model::Metric::SetupWs, Some(bins.edge(bin + 1))),
            words(*count, after.0)
        );
        if !old.is_empty() {
            title += &format!(", {}", words(before_counts[bin], before.0));
        }
        svg.open("g", &[]);
        svg.leaf("title", &[], &title);
        rectangle(
            &mut svg,
            "s0",
            (left + 0.5, top),
            (right - left - 1.0, frame.bottom - top),
        );
        svg.close("g");
    }
    if !old.is_empty() {
        let mut path = format!("M{} {}", pixels(x.place(bins.low)), pixels(frame.bottom));
        for (bin, count) in before_counts.iter().enumerate() {
            let (level, right) = (y.place(*count as f64), x.place(bins.edge(bin + 1)));
            path += &format!("V{}H{}", pixels(level), pixels(right));
        }
        path += &format!("V{}", pixels(frame.bottom));
        svg.element("path", &[("class", "line"), ("d", &path)]);
    }
    if bins.low < 0.0 && bins.high() > 0.0 {
        let zero = x.place(0.0);
        line(&mut svg, "base", (zero, frame.top), (zero, frame.bottom));
    }
    let lost = before.1.len() + after.1.len() - old.len() - new.len();
    let remarks: Vec<String> = (lost > 0)
        .then(|| {
            format!(
                "{} without a slack: not drawn.",
                count_text(lost, "endpoint")
            )
        })
        .into_iter()
        .collect();
    let foot = notes(&mut svg, (8.0, frame.bottom + 38.0), &remarks);
    let failing = |slacks: &[f64]| slacks.iter().filter(|slack| **slack < 0.0).count();
    let of = |name: &str, slacks: &[f64]| {
        format!(
            "{} of {} of {name} below zero",
            failing(slacks),
            count_text(slacks.len(), "endpoint")
        )
    };
    let description = match old.is_empty() {
        true => format!("{}.", of(after.0, &new)),
        false => format!("{}, {}.", of(after.0, &new), of(before.0, &old)),
    };
    Some(Figure::new(
        "Slack of endpoints",
        description,
        (640.0, frame.bottom + 44.0 + foot),
        svg,
    ))
}

/// Bins of one round width, with an edge at zero.
struct Bins {
    low: f64,
    width: f64,
    count: usize,
}

impl Bins {
    /// About thirty bins over all of these numbers.
    fn over(slacks: impl Iterator<Item = f64>) -> Option<Self> {
        let (low, high) = slacks.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), slack| {
            (low.min(slack), high.max(slack))
        });
        let span = (high - low).max(low.abs() * 1e-6).max(1e-3);
        let decade = 10_f64.powf((span / 30.0).log10().floor());
        let width = [1.0, 2.0, 5.0, 10.0]
            .into_iter()
            .map(|step| step * decade)
            .find(|width| span / width <= 30.0)?;
        let first = (low / width).floor();
        let count = (high / width).floor() - first + 1.0;
        (count.is_finite() && count < 100.0).then_some(Self {
            low: first * width,
            width,
            count: count as usize,
        })
    }

    fn edge(&self, bin: usize) -> f64 {
        self.low + self.width * bin as f64
    }

    fn high(&self) -> f64 {
        self.edge(self.count)
    }

    fn count(&self, slacks: &[f64]) -> Vec<usize> {
        let mut counts = vec![0; self.count];
        for slack in slacks {
            let bin = ((slack - self.low) / self.width).floor().max(0.0) as usize;
            counts[bin.min(self.count - 1)] += 1;
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_slack_is_in_its_bin(slacks in proptest::collection::vec(-1e6..1e6_f64, 1..200)) {
            let bins = Bins::over(slacks.iter().copied()).unwrap();
            let counts = bins.count(&slacks);
            prop_assert_eq!(counts.iter().sum::<usize>(), slacks.len());
            for (bin, count) in counts.iter().enumerate() {
                let (low, high) = (bins.edge(bin), bins.edge(bin + 1));
                let within = slacks.iter().filter(|slack| (low - 1e-6..high + 1e-6).contains(*slack)).count();
                prop_assert!(within >= *count);
            }
        }

        #[test]
        fn no_slacks_break_it(slacks in proptest::collection::vec(proptest::num::f64::ANY, 0..20)) {
            let _ = slack_histogram(("before", &slacks), ("after", &slacks));
            let _ = slack_histogram(("before", &[]), ("after", &slacks));
        }
    }
}
