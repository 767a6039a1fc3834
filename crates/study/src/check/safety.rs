//! Safety rules, rails and aborts: numbers that can be meant, bounds that can be kept.

use noodle2_model::{FailureRail, SafetyRules, Study, StudyRail};

use super::objective::{bounds, checks_hold};
use super::out_of_range;
use crate::codes;
use crate::report::Report;

pub(super) fn check(study: &Study, report: &mut Report) {
    let checks_hold = checks_hold(study, report);
    rules(report, "safety", &study.safety, checks_hold);
    for (index, stage) in study.stages.iter().enumerate() {
        let field = format!("stages[{index}].safety");
        rules(report, &field, &stage.safety, checks_hold);
        let rails = &stage.safety.rails;
        for (key, is_given) in [
            ("branch", rails.branch != FailureRail::default()),
            ("study", rails.study != StudyRail::default()),
        ] {
            if is_given {
                let message = format!("`rails.{key}` in a stage");
                let help = format!(
                    "move it to the study's own `safety`: it counts over more than one stage{}",
                    if key == "branch" {
                        "; a stage has `aborts`"
                    } else {
                        ""
                    }
                );
                report.at(
                    codes::UNKNOWN_KEY,
                    &format!("{field}.rails.{key}"),
                    message,
                    help,
                );
            }
        }
        let field = format!("stages[{index}].aborts");
        let aborts = &stage.aborts;
        counts(
            report,
            &field,
            &[
                ("failures", aborts.failures),
                ("failures_in_a_row", aborts.failures_in_a_row),
                ("at_least", aborts.at_least),
            ],
        );
        percents(
            report,
            &field,
            &[("failure_percent", aborts.failure_percent)],
        );
        bounds(
            report,
            &format!("{field}.bounds"),
            &aborts.bounds,
            checks_hold,
        );
    }
}

fn rules(report: &mut Report, field: &str, rules: &SafetyRules, checks_hold: bool) {
    let envelope = &rules.envelope;
    for (name, percent) in [
        ("max_nets_percent", envelope.max_nets_percent),
        ("max_area_percent", envelope.max_area_percent),
    ] {
        if percent.is_some_and(|percent| percent < 0.0) {
            let field = format!("{field}.envelope.{name}");
            out_of_range(report, &field, "must be at least 0 %");
        }
    }
    let rails = &rules.rails;
    bounds(
        report,
        &format!("{field}.rails.trial"),
        &rails.trial,
        checks_hold,
    );
    let branch = format!("{field}.rails.branch");
    let counted = [
        ("failures", rails.branch.failures),
        ("at_least", rails.branch.at_least),
    ];
    counts(report, &branch, &counted);
    percents(
        report,
        &branch,
        &[("failure_percent", rails.branch.failure_percent)],
    );
    let study = format!("{field}.rails.study");
    let counted = [
        ("catastrophic_failures", rails.study.catastrophic_failures),
        ("at_least", rails.study.at_least),
    ];
    counts(report, &study, &counted);
    percents(
        report,
        &study,
        &[("failure_percent", rails.study.failure_percent)],
    );
    let containment = format!("{field}.containment");
    let counted = [
        (
            "eco_failures_in_a_row",
            rules.containment.eco_failures_in_a_row,
        ),
        ("class_at_least", rules.containment.class_at_least),
    ];
    counts(report, &containment, &counted);
    let share = [(
        "class_failure_percent",
        rules.containment.class_failure_percent,
    )];
    percents(report, &containment, &share);
    bounds(
        report,
        &format!("{field}.gates.bounds"),
        &rules.gates.bounds,
        checks_hold,
    );
}

fn counts(report: &mut Report, field: &str, counts: &[(&str, Option<u32>)]) {
    for (key, count) in counts {
        if *count == Some(0) {
            let field = format!("{field}.{key}");
            out_of_range(
                report,
                &field,
                "must be at least 1; leave it out for no limit",
            );
        }
    }
}

fn percents(report: &mut Report, field: &str, percents: &[(&str, Option<f64>)]) {
    for (key, percent) in percents {
        if percent.is_some_and(|percent| !(percent > 0.0 && percent <= 100.0)) {
            let field = format!("{field}.{key}");
            out_of_range(report, &field, "must be above 0 % and at most 100 %");
        }
    }
}
