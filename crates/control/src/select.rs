//! What is better, and what survives.

use std::collections::BTreeSet;

use noodle2_model::{
    Bound, CaseName, ContentHash, Failure, FailureClass, Measurement, Metric, MetricSet, Objective,
    Outcome,
};

use crate::rank::Yardstick;

/// What a finished trial counts as.
#[derive(Clone, PartialEq, Debug)]
pub enum Verdict {
    /// A new case was derived and measured.
    Derived,
    /// The ECO changed nothing.
    NoEffect,
    /// The trial failed.
    Failed(Failure),
}

/// What an outcome counts as under an objective and the rail of its stage's trials: a case that cannot be
/// ranked is a failure, and so is one beyond the rail. `base` is what the rail's losses are against.
pub(crate) fn judge(
    outcome: &Outcome,
    objective: &Objective,
    rail: &[Bound],
    base: &MetricSet,
) -> Verdict {
    match outcome {
        Outcome::NoEffect => Verdict::NoEffect,
        Outcome::Failed(failure) => Verdict::Failed(failure.clone()),
        Outcome::Measured(measurement) => {
            let missing: Vec<&str> = objective
                .rank
                .iter()
                .filter(|metric| measurement.overall.get(**metric).is_none())
                .map(|metric| metric.name())
                .collect();
            let beyond = broken_bounds(rail, base, &measurement.overall);
            if missing.is_empty() && beyond.is_empty() {
                Verdict::Derived
            } else if missing.is_empty() {
                Verdict::Failed(Failure {
                    class: FailureClass::RailViolation,
                    tool_code: None,
                    message: beyond.join("; "),
                    excerpt: String::new(),
                })
            } else {
                Verdict::Failed(Failure {
                    class: FailureClass::MetricMissing,
                    tool_code: None,
                    message: format!(
                        "the objective ranks by {}, which was not measured",
                        missing.join(", ")
                    ),
                    excerpt: String::new(),
                })
            }
        }
    }
}

/// A case that may be passed on.
#[derive(Clone, Debug)]
pub(crate) struct Candidate<'a> {
    pub name: &'a CaseName,
    pub measurement: &'a Measurement,
    /// Whether it is an input of the stage rather than one of its results.
    pub is_input: bool,
}

/// Whether the bounds hold for `metrics`, given the base case. A metric that is missing keeps no bound.
pub(crate) fn keeps_bounds(bounds: &[Bound], base: &MetricSet, metrics: &MetricSet) -> bool {
    bounds
        .iter()
        .all(|bound| broken_bound(bound, base, metrics).is_none())
}

/// The bounds that do not hold for `metrics`, in words, given the base case.
pub(crate) fn broken_bounds(
    bounds: &[Bound],
    base: &MetricSet,
    metrics: &MetricSet,
) -> Vec<String> {
    bounds
        .iter()
        .filter_map(|bound| broken_bound(bound, base, metrics))
        .collect()
}

/// How `metrics` fail to keep a bound; `None` when they keep it.
fn broken_bound(bound: &Bound, base: &MetricSet, metrics: &MetricSet) -> Option<String> {
    let metric = bound.metric;
    let Some(value) = metrics.get(metric) else {
        return Some(format!("`{metric}` was not measured"));
    };
    if let Some(min) = bound.min.filter(|min| value < *min) {
        return Some(format!("`{metric}` is {value}, below {min}"));
    }
    if let Some(max) = bound.max.filter(|max| value > *max) {
        return Some(format!("`{metric}` is {value}, above {max}"));
    }
    if bound.max_loss.is_none() && bound.max_loss_percent.is_none() {
        return None;
    }
    let Some(reference) = base.get(metric) else {
        return Some(format!("`{metric}` was not measured in the base case"));
    };
    let loss = -metric.gain(reference, value);
    let percent = bound.max_loss_percent;
    let share = percent.map_or(f64::INFINITY, |percent| reference.abs() * percent / 100.0);
    let allowed = bound.max_loss.unwrap_or(f64::INFINITY).min(share);
    (loss > allowed).then(|| {
        let limit = match (bound.max_loss, percent) {
            (Some(most), _) if most <= share => format!("{most}"),
            (_, Some(percent)) => format!("{percent} %"),
            (most, None) => format!("{}", most.unwrap_or_default()),
        };
        format!("`{metric}` went from {reference} to {value}, and may lose {limit} at most")
    })
}

/// All candidates that are eligible, in the order of the yardstick. Of several with the very same design only the
/// first counts. Inputs are always eligible; a result is when it keeps the bounds.
pub(crate) fn pool<'a>(
    yardstick: &Yardstick<'_>,
    mut candidates: Vec<Candidate<'a>>,
) -> Vec<Candidate<'a>> {
    let bounds = &yardstick.objective.bounds;
    candidates.retain(|candidate| {
        let metrics = &candidate.measurement.overall;
        candidate.is_input || keeps_bounds(bounds, yardstick.base, metrics)
    });
    let ranked = yardstick.ranking(candidates, |candidate| {
        (candidate.name, &candidate.measurement.overall)
    });
    let mut seen: BTreeSet<ContentHash> = BTreeSet::new();
    ranked
        .into_iter()
        .filter(|candidate| seen.insert(candidate.measurement.design.canonical))
        .collect()
}

/// How much better `metric` is in `case` than in `parent`, in the metric's unit; `None` where either lacks it.
pub fn gain_over(metric: Metric, parent: &MetricSet, case: &MetricSet) -> Option<f64> {
    Some(metric.gain(parent.get(metric)?, case.get(metric)?))
}
