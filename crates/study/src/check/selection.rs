//! Selections and early stops: keys that belong to the strategy, numbers that can be meant.

use noodle2_model::{Stage, Strategy, Study};

use super::objective::{bounds, checks_hold, measured};
use super::out_of_range;
use crate::codes;
use crate::report::Report;

pub(super) fn check(study: &Study, report: &mut Report) {
    let checks_hold = checks_hold(study, report);
    for (index, stage) in study.stages.iter().enumerate() {
        selection(
            report,
            &format!("stages[{index}].selection"),
            stage,
            checks_hold,
        );
        let stop = &stage.stop;
        let field = format!("stages[{index}].stop");
        bounds(
            report,
            &format!("{field}.target"),
            &stop.target,
            checks_hold,
        );
        if stop.plateau_trials == Some(0) {
            out_of_range(
                report,
                &format!("{field}.plateau_trials"),
                "must be at least 1",
            );
        }
        if stop.plateau_gain.is_some_and(|gain| gain < 0.0) {
            out_of_range(
                report,
                &format!("{field}.plateau_gain"),
                "must not be negative",
            );
        }
        doomed(report, &field, stage);
    }
}

/// A stage can only be doomed to miss a target that it has.
fn doomed(report: &mut Report, stop: &str, stage: &Stage) {
    let Some(trials) = stage.stop.doomed_after else {
        return;
    };
    let field = format!("{stop}.doomed_after");
    if trials == 0 {
        out_of_range(report, &field, "must be at least 1");
    }
    if stage.stop.target.is_empty() && report.is_sound(&format!("{stop}.target")) {
        let message = "`doomed_after` needs `target`: what cannot be reached any more";
        let help = "add `target: [{metric: setup_wns_ps, min: 0}]`, say, or remove `doomed_after`";
        report.at(codes::MISSING_KEY, &field, message, help.to_owned());
    }
}

fn selection(report: &mut Report, field: &str, stage: &Stage, checks_hold: bool) {
    let selection = &stage.selection;
    let strategy = selection.strategy;
    if !report.is_sound_throughout(field) {
        return;
    }
    for (key, is_given, owner, is_needed) in [
        (
            "weights",
            !selection.weights.is_empty(),
            Strategy::TopN,
            true,
        ),
        (
            "metrics",
            !selection.metrics.is_empty(),
            Strategy::Pareto,
            true,
        ),
        (
            "distance",
            selection.distance.is_some(),
            Strategy::Diverse,
            false,
        ),
        (
            "size",
            selection.size.is_some(),
            Strategy::Tournament,
            false,
        ),
    ] {
        if is_given && strategy != owner {
            let message = format!(
                "`{key}` is for `{}`, not for `{}`",
                owner.name(),
                strategy.name()
            );
            let help = format!("write `strategy: {}`, or remove `{key}`", owner.name());
            report.at(codes::SELECTION, &format!("{field}.{key}"), message, help);
        }
        if is_needed && strategy == owner && !is_given {
            let message = format!("`{}` needs `{key}`", strategy.name());
            let help = match owner {
                Strategy::TopN => "add `weights: {setup_wns_ps: 1, area_um2: 0.5}`, say",
                _ => "add `metrics: [setup_wns_ps, area_um2]`, say",
            };
            report.at(codes::SELECTION, field, message, help.to_owned());
        }
    }
    for (index, metric) in selection.metrics.iter().enumerate() {
        measured(
            report,
            &format!("{field}.metrics[{index}]"),
            *metric,
            checks_hold,
        );
    }
    for (metric, weight) in &selection.weights {
        let field = format!("{field}.weights.{}", metric.name());
        measured(report, &field, *metric, checks_hold);
        if *weight <= 0.0 {
            out_of_range(
                report,
                &field,
                "must be above 0: every metric knows which way is better",
            );
        }
    }
    if selection.distance == Some(0) {
        out_of_range(report, &format!("{field}.distance"), "must be at least 1");
    }
    if selection.size.is_some_and(|size| size < 2) {
        out_of_range(report, &format!("{field}.size"), "must be at least 2");
    }
}
