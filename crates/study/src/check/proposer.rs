//! Proposers: keys that belong to the kind, numbers that can be meant.

use noodle2_model::{ProposerKind, Study};

use super::out_of_range;
use crate::codes;
use crate::report::Report;

pub(super) fn check(study: &Study, report: &mut Report) {
    for (index, stage) in study.stages.iter().enumerate() {
        let field = format!("stages[{index}].proposer");
        if !report.is_sound_throughout(&field) {
            continue;
        }
        let proposer = &stage.proposer;
        let kind = proposer.kind;
        let is_external = kind == ProposerKind::External;
        for (key, is_given, fits, owner) in [
            (
                "round",
                proposer.round.is_some(),
                proposer.is_adaptive(),
                "bandit` and `external",
            ),
            (
                "catalogue",
                proposer.catalogue,
                kind == ProposerKind::Diagnosis,
                "diagnosis",
            ),
            (
                "command",
                !proposer.command.is_empty(),
                is_external,
                "external",
            ),
            (
                "timeout_s",
                proposer.timeout_s.is_some(),
                is_external,
                "external",
            ),
        ] {
            if is_given && !fits {
                let message = format!("`{key}` is for `{owner}`, not for `{}`", kind.name());
                let help = format!("remove `{key}`, or choose another kind");
                report.at(codes::PROPOSER, &format!("{field}.{key}"), message, help);
            }
        }
        if is_external && proposer.command.is_empty() {
            let help = "add `command: [python3, propose.py]`, say".to_owned();
            report.at(
                codes::PROPOSER,
                &field,
                "`external` needs a `command`",
                help,
            );
        }
        if proposer.round == Some(0) {
            out_of_range(report, &format!("{field}.round"), "must be at least 1");
        }
        if proposer.timeout_s.is_some_and(|seconds| seconds <= 0.0) {
            out_of_range(
                report,
                &format!("{field}.timeout_s"),
                "must be above 0 seconds",
            );
        }
    }
}
