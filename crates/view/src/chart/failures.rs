//! What went wrong, how often.

use std::collections::BTreeMap;

use noodle2_model::{FailureClass, TrialId};
use serde::Serialize;

use crate::chart::axis::Axis;
use crate::chart::figure::{Figure, Links};
use crate::chart::frame::{Frame, line, notes, rectangle, shortened};
use crate::chart::marks::{linked, series_class};
use crate::svg::Svg;
use crate::{History, count_text};

/// Failures of one class and one code of the tool.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FailureCount {
    /// The class.
    pub class: FailureClass,
    /// The tool's own code; absent where it gave none.
    pub tool_code: Option<String>,
    /// How many trials.
    pub trials: usize,
    /// The first of them in proposal order.
    pub first: TrialId,
    /// What happened there.
    pub message: String,
    /// What can be done about it.
    pub advice: &'static str,
}

/// The failures of the trials that count, by class and code of the tool, the most frequent first.
pub fn failure_counts(history: &History) -> Vec<FailureCount> {
    let controller = history.controller();
    let mut counts: BTreeMap<(FailureClass, Option<&str>), FailureCount> = BTreeMap::new();
    let counting = controller
        .trials()
        .filter(|trial| !controller.is_discarded(trial.id));
    for trial in counting {
        let Some(failure) = trial.failure() else {
            continue;
        };
        let key = (failure.class, failure.tool_code.as_deref());
        let found = counts.entry(key).or_insert_with(|| FailureCount {
            class: failure.class,
            tool_code: failure.tool_code.clone(),
            trials: 0,
            first: trial.id,
            message: failure.message.clone(),
            advice: failure.class.advice(),
        });
        found.trials += 1;
    }
    let mut counts: Vec<FailureCount> = counts.into_values().collect();
    counts.sort_by(|left, right| {
        right
            .trials
            .cmp(&left.trials)
            .then(left.first.cmp(&right.first))
    });
    counts
}

const ROW: f64 = 26.0;

/// How many kinds are drawn; the table has all of them.
const MOST: usize = 30;

/// Failures by class and code of the tool; `None` where no trial failed.
pub fn failures(history: &History, links: &dyn Links) -> Option<Figure> {
    let all = failure_counts(history);
    let counts = &all[..all.len().min(MOST)];
    let first = counts.first()?;
    let total: usize = all.iter().map(|count| count.trials).sum();
    let mut svg = Svg::new();
    let frame = Frame {
        left: 240.0,
        top: 12.0,
        right: 620.0,
        bottom: 12.0 + ROW * counts.len() as f64,
    };
    let x = Axis::from_zero(
        counts.iter().map(|count| count.trials as f64),
        frame.across(),
        6,
    )?;
    for (tick, text) in x.whole_ticks() {
        let at = x.place(tick);
        line(&mut svg, "rule", (at, frame.top), (at, frame.bottom));
        svg.words((at, frame.bottom + 15.0), "middle", "tick x", &text);
    }
    line(
        &mut svg,
        "axis",
        (frame.left, frame.top),
        (frame.left, frame.bottom),
    );
    let middle = (frame.left + frame.right) / 2.0;
    svg.words(
        (middle, frame.bottom + 32.0),
        "middle",
        "label",
        "trials that failed",
    );
    let classes: Vec<FailureClass> = counts.iter().fold(Vec::new(), |mut classes, count| {
        if !classes.contains(&count.class) {
            classes.push(count.class);
        }
        classes
    });
    for (row, count) in counts.iter().enumerate() {
        let y = frame.top + ROW * row as f64;
        let name = kind(count);
        svg.words(
            (frame.left - 10.0, y + 17.0),
            "end",
            "strong",
            &shortened(&name, 32),
        );
        let series = classes
            .iter()
            .position(|class| *class == count.class)
            .unwrap_or(0);
        let mut inner = Svg::new();
        let end = x.place(count.trials as f64);
        rectangle(
            &mut inner,
            series_class(series),
            (frame.left, y + 5.0),
            (end - frame.left, 15.0),
        );
        inner.words(
            (end + 6.0, y + 17.0),
            "start",
            "cell",
            &count.trials.to_string(),
        );
        let title = format!(
            "{name}: {}, first in trial {}: {}",
            count_text(count.trials, "trial"),
            count.first,
            shortened(&count.message, 200)
        );
        linked(
            &mut svg,
            links.trial(count.first).as_deref(),
            &title,
            &inner.into_text(),
        );
    }
    let remarks: Vec<String> = (all.len() > counts.len())
        .then(|| {
            format!(
                "{} more kinds stand in the table.",
                all.len() - counts.len()
            )
        })
        .into_iter()
        .collect();
    let foot = notes(&mut svg, (8.0, frame.bottom + 38.0), &remarks);
    let description = format!(
        "{} failed in {}; most often {}, {}.",
        count_text(total, "trial"),
        match all.len() {
            1 => "one way".to_owned(),
            ways => format!("{ways} ways"),
        },
        kind(first),
        count_text(first.trials, "trial")
    );
    Some(Figure::new(
        "Failures",
        description,
        (680.0, frame.bottom + 42.0 + foot),
        svg,
    ))
}

fn kind(count: &FailureCount) -> String {
    match &count.tool_code {
        Some(code) => format!("{} {code}", count.class),
        None => count.class.to_string(),
    }
}
