//! What is better, and what survives.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use noodle2_model::{
    Bound, CaseName, ContentHash, Failure, FailureClass, Measurement, Metric, MetricSet, Objective,
    Outcome,
};

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

/// Compares by the objective's metrics in order: `Greater` when `left` is better. A missing metric is
/// worse than any value.
pub(crate) fn compare(objective: &Objective, left: &MetricSet, right: &MetricSet) -> Ordering {
    objective
        .rank
        .iter()
        .map(|metric| match (left.get(*metric), right.get(*metric)) {
            (Some(left), Some(right)) => metric.compare(left, right),
            (left, right) => left.is_some().cmp(&right.is_some()),
        })
        .find(|ordering| ordering.is_ne())
        .unwrap_or(Ordering::Equal)
}

/// Compares two cases: `Greater` when `left` is better. One that keeps the bounds is better than one
/// that does not, whatever they measure; between two alike in that the ranking decides.
pub(crate) fn order(
    objective: &Objective,
    base: &MetricSet,
    left: &MetricSet,
    right: &MetricSet,
) -> Ordering {
    keeps_bounds(&objective.bounds, base, left)
        .cmp(&keeps_bounds(&objective.bounds, base, right))
        .then_with(|| compare(objective, left, right))
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

/// The best `keep` of the candidates, best first: those that keep the bounds before those that do not,
/// then by the objective, then by name. Of several with the very same design only the first counts.
///
/// Inputs are always eligible; a result is eligible when it keeps the bounds.
pub(crate) fn best(
    objective: &Objective,
    base: &MetricSet,
    candidates: Vec<Candidate<'_>>,
    keep: usize,
) -> Vec<CaseName> {
    let pool = pool(objective, base, candidates).into_iter();
    pool.take(keep)
        .map(|candidate| candidate.name.clone())
        .collect()
}

/// All that are eligible, in that order.
pub(crate) fn pool<'a>(
    objective: &Objective,
    base: &MetricSet,
    mut candidates: Vec<Candidate<'a>>,
) -> Vec<Candidate<'a>> {
    candidates.retain(|candidate| {
        candidate.is_input || keeps_bounds(&objective.bounds, base, &candidate.measurement.overall)
    });
    candidates.sort_by(|left, right| {
        order(
            objective,
            base,
            &right.measurement.overall,
            &left.measurement.overall,
        )
        .then_with(|| left.name.cmp(right.name))
    });
    let mut seen: BTreeSet<ContentHash> = BTreeSet::new();
    candidates
        .into_iter()
        .filter(|candidate| seen.insert(candidate.measurement.design.canonical))
        .collect()
}

/// How much better `metric` is in `case` than in `parent`, in the metric's unit; `None` where either lacks it.
pub fn gain_over(metric: Metric, parent: &MetricSet, case: &MetricSet) -> Option<f64> {
    Some(metric.gain(parent.get(metric)?, case.get(metric)?))
}
