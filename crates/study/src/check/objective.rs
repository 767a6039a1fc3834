//! Objectives of the study and of its stages.

use noodle2_model::{Bound, Check, Metric, Objective, Study};

use super::{distinct, not_empty, out_of_range};
use crate::codes;
use crate::report::Report;

pub(super) fn check(study: &Study, report: &mut Report) {
    let checks_hold = checks_hold(study, report);
    objective(report, "objective", &study.objective, checks_hold);
    for (index, stage) in study.stages.iter().enumerate() {
        if let Some(own) = &stage.objective {
            objective(
                report,
                &format!("stages[{index}].objective"),
                own,
                checks_hold,
            );
        }
    }
}

/// Whether hold is measured, as far as can be told: a scene that cannot be read may be the one that checks it.
pub(super) fn checks_hold(study: &Study, report: &Report) -> bool {
    !report.is_sound_throughout("scenes")
        || study
            .scenes
            .iter()
            .any(|scene| scene.checks.contains(&Check::Hold))
}

fn objective(report: &mut Report, field: &str, objective: &Objective, checks_hold: bool) {
    let rank = format!("{field}.rank");
    not_empty(report, &rank, objective.rank.len(), "one metric");
    distinct(report, &rank, &objective.rank);
    for (index, metric) in objective.rank.iter().enumerate() {
        measured(report, &format!("{rank}[{index}]"), *metric, checks_hold);
    }
    bounds(
        report,
        &format!("{field}.bounds"),
        &objective.bounds,
        checks_hold,
    );
}

/// Checks a list of bounds: each with a limit, on a metric that is measured and has no other.
pub(super) fn bounds(report: &mut Report, field: &str, bounds: &[Bound], checks_hold: bool) {
    let mut bounded: Vec<Metric> = Vec::new();
    for (index, bound) in bounds.iter().enumerate() {
        let field = format!("{field}[{index}]");
        let metric = format!("{field}.metric");
        measured(report, &metric, bound.metric, checks_hold);
        limits(report, &field, bound);
        if !report.is_sound(&metric) {
            continue;
        }
        if bounded.contains(&bound.metric) {
            let message = format!("`{}` has two bounds", bound.metric);
            report.at(
                codes::BOUND,
                &metric,
                message,
                "give all its limits in one bound".to_owned(),
            );
        }
        bounded.push(bound.metric);
    }
}

pub(super) fn measured(report: &mut Report, field: &str, metric: Metric, checks_hold: bool) {
    let is_hold = matches!(
        metric,
        Metric::HoldWs | Metric::HoldWns | Metric::HoldTns | Metric::HoldViolatingEndpoints
    );
    if is_hold && !checks_hold {
        let message = format!("`{metric}` is never measured: no scene checks hold");
        let help = "add `hold` to the `checks` of a scene".to_owned();
        report.at(codes::UNMEASURED_METRIC, field, message, help);
    }
}

fn limits(report: &mut Report, field: &str, bound: &Bound) {
    let Bound {
        metric,
        min,
        max,
        max_loss,
        max_loss_percent,
    } = bound;
    let has_limit = [min, max, max_loss, max_loss_percent]
        .iter()
        .any(|limit| limit.is_some());
    if !has_limit && report.is_sound_throughout(field) {
        let help = "give `min`, `max`, `max_loss` or `max_loss_percent`".to_owned();
        report.at(
            codes::BOUND,
            field,
            format!("the bound on `{metric}` has no limit"),
            help,
        );
    }
    for (key, loss) in [
        ("max_loss", max_loss),
        ("max_loss_percent", max_loss_percent),
    ] {
        if loss.is_some_and(|loss| loss < 0.0) {
            out_of_range(
                report,
                &format!("{field}.{key}"),
                "must not be negative; 0 permits no loss at all",
            );
        }
    }
    if let (Some(min), Some(max)) = (min, max)
        && min > max
    {
        let message = format!("no value is at least {min} and at most {max}");
        report.at(
            codes::BOUND,
            &format!("{field}.min"),
            message,
            "exchange `min` and `max`?".to_owned(),
        );
    }
}
