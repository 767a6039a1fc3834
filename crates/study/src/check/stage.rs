//! Stages by themselves: names, trials, aborts, joins.

use noodle2_model::{JoinMerge, JoinPolicy, Proposer, Stage, Study};

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
        proposer(report, &field, stage);
        join(report, &field, stage);
        if stage.survivors == 0 {
            out_of_range(report, &format!("{field}.survivors"), "must be at least 1");
        }
    }
}

fn trials(report: &mut Report, field: &str, stage: &Stage) {
    let (trials, ecos) = (format!("{field}.trials"), format!("{field}.ecos"));
    if !report.is_sound(&trials) || !report.is_sound(&ecos) {
        return;
    }
    let suggests = matches!(&stage.proposer, Some(Proposer::Diagnosis(rules)) if rules.catalogue);
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

fn proposer(report: &mut Report, field: &str, stage: &Stage) {
    let field = format!("{field}.proposer");
    let round = match &stage.proposer {
        Some(Proposer::Bandit(rules)) => rules.round,
        Some(Proposer::External(rules)) => {
            let command = format!("{field}.external.command");
            let first = rules.command.first();
            if first.is_none_or(String::is_empty) && report.is_sound(&command) {
                let message = "the command of the external proposer is empty";
                let help =
                    "write the program and its arguments: `[python3, \"{study}/propose.py\"]`";
                report.at(codes::PROPOSER, &command, message, help.to_owned());
            }
            if rules.timeout_s <= 0.0 {
                let field = format!("{field}.external.timeout_s");
                out_of_range(report, &field, "must be above 0 seconds");
            }
            rules.round
        }
        _ => return,
    };
    if round == 0 {
        let name = stage.proposer.as_ref().map_or("", Proposer::name);
        out_of_range(
            report,
            &format!("{field}.{name}.round"),
            "must be at least 1",
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
        (JoinMerge::Union | JoinMerge::BestPerBranch, Some(_)) if is_judgeable => {
            let help = "write `merge: top`, or remove `keep`".to_owned();
            report.at(codes::JOIN, &keep, "`keep` is for `merge: top` alone", help);
        }
        (JoinMerge::Top, Some(0)) => out_of_range(report, &keep, "must be at least 1"),
        _ => {}
    }
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
