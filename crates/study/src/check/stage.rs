//! Stages by themselves: names, trials, aborts, joins.

use noodle2_model::{ComposeMode, Join, JoinMerge, JoinPolicy, ProposerKind, Stage, Study};

use super::{distinct_names, file_name, not_empty, out_of_range};
use crate::codes;
use crate::report::Report;

pub(super) fn check(study: &Study, report: &mut Report) {
    not_empty(report, "stages", study.stages.len(), "one stage");
    distinct_names(
        report,
        "stages",
        "stage",
        study.stages.iter().map(|stage| stage.name.as_str()),
    );
    for (index, stage) in study.stages.iter().enumerate() {
        let field = format!("stages[{index}]");
        file_name(report, &format!("{field}.name"), &stage.name);
        trials(report, &field, stage);
        extra_trials(report, &field, stage);
        join(report, &field, stage);
        if stage.survivors == 0 {
            out_of_range(report, &format!("{field}.survivors"), "must be at least 1");
        }
    }
}

/// The keys of a join that composes, which mean nothing in another.
fn compose(report: &mut Report, field: &str, join: &Join) {
    if !report.is_sound(&format!("{field}.merge")) {
        return;
    }
    let composes = join.merge == JoinMerge::Compose;
    for (key, given) in [
        ("mode", join.mode.is_some()),
        ("conflicts", join.conflicts.is_some()),
        ("pairs", join.pairs.is_some()),
    ] {
        let field = format!("{field}.{key}");
        if given && !composes && report.is_sound(&field) {
            let message = format!("`{key}` is for `merge: compose` alone");
            let help = format!("write `merge: compose`, or remove `{key}`");
            report.at(codes::JOIN, &field, message, help);
        }
    }
    if composes && join.mode == Some(ComposeMode::Rerun) && join.conflicts.is_some() {
        let message = "`conflicts` is for `mode: replay` alone";
        let help = "remove `conflicts`: ECOs that run anew contradict nothing".to_owned();
        report.at(codes::JOIN, &format!("{field}.conflicts"), message, help);
    }
    if join.pairs == Some(0) {
        out_of_range(report, &format!("{field}.pairs"), "must be at least 1");
    }
}

fn trials(report: &mut Report, field: &str, stage: &Stage) {
    let (trials, ecos) = (format!("{field}.trials"), format!("{field}.ecos"));
    if !report.is_sound(&trials) || !report.is_sound(&ecos) {
        return;
    }
    let merge = format!("{field}.join.merge");
    let join = stage.join.as_ref();
    if join.is_some_and(|join| join.merge == JoinMerge::Compose) {
        if stage.trials == 0 && report.is_sound(&merge) {
            let message = "`merge: compose` in a stage without trials";
            let help = "raise `trials`: each pair that is composed is a trial".to_owned();
            report.at(codes::JOIN, &merge, message, help);
        }
        return;
    }
    let suggests = stage.proposer.kind == ProposerKind::Diagnosis && stage.proposer.catalogue;
    if stage.trials > 0 && stage.ecos.is_empty() && !suggests {
        let message = format!(
            "the stage has `trials: {}`, but no ECO to try",
            stage.trials
        );
        let help =
            "list ECOs under `ecos`, or write `trials: 0` for a stage that passes its inputs on"
                .to_owned();
        report.at(codes::IDLE_STAGE, &trials, message, help);
    }
    if stage.trials == 0 && !stage.ecos.is_empty() {
        let message = "the stage has ECOs, but no trials to try them with";
        let help =
            "raise `trials`, or remove `ecos` for a stage that passes its inputs on".to_owned();
        report.at(codes::IDLE_STAGE, &trials, message, help);
    }
}

fn extra_trials(report: &mut Report, field: &str, stage: &Stage) {
    let Some(extra) = &stage.extra_trials else {
        return;
    };
    if extra.at_most == 0 {
        let field = format!("{field}.extra_trials.at_most");
        out_of_range(report, &field, "must be at least 1");
    }
    if stage.trials == 0 && report.is_sound(&format!("{field}.trials")) {
        let message = "extra trials in a stage with `trials: 0`, which passes its inputs on";
        let help = "raise `trials`, or remove `extra_trials`".to_owned();
        report.at(
            codes::IDLE_STAGE,
            &format!("{field}.extra_trials"),
            message,
            help,
        );
    }
}

fn join(report: &mut Report, field: &str, stage: &Stage) {
    let Some(join) = &stage.join else {
        return;
    };
    if !report.is_sound(&format!("{field}.after")) {
        return;
    }
    let branches = stage.after.len();
    let field = format!("{field}.join");
    if branches < 2 {
        let message = match branches {
            0 => "`join` in a stage that comes after no other",
            _ => "`join` in a stage that comes after a single other",
        };
        let help = "name all branches in `after`, or remove `join`".to_owned();
        report.at(codes::JOIN, &field, message, help);
        return;
    }
    let (keep, merge) = (format!("{field}.keep"), format!("{field}.merge"));
    let is_judgeable = report.is_sound(&keep) && report.is_sound(&merge);
    match (join.merge, join.keep) {
        (JoinMerge::Top, None) if is_judgeable => {
            let help = "add `keep: 2`, say".to_owned();
            report.at(
                codes::JOIN,
                &merge,
                "`merge: top` needs `keep`: how many cases it keeps",
                help,
            );
        }
        (JoinMerge::Union | JoinMerge::BestPerBranch | JoinMerge::Compose, Some(_))
            if is_judgeable =>
        {
            let help = "write `merge: top`, or remove `keep`".to_owned();
            report.at(codes::JOIN, &keep, "`keep` is for `merge: top` alone", help);
        }
        (JoinMerge::Top, Some(0)) => out_of_range(report, &keep, "must be at least 1"),
        _ => {}
    }
    compose(report, &field, join);
    if let JoinPolicy::Quorum(quorum) = join.policy
        && !(1..=branches).contains(&(quorum as usize))
    {
        let field = format!("{field}.policy.quorum");
        let message = format!("a quorum of {quorum} among {branches} branches");
        let help =
            format!("write a number from 1 to {branches}; `all` and `any` are policies as well");
        report.at(codes::JOIN, &field, message, help);
    }
}
