//! Who proposes the trials of a stage.

use noodle2_model::{Proposer, ProposerKind};

use super::fields::fields;
use super::study::texts;
use super::value::{number, whole, word};
use super::{Lowered, Place};
use crate::report::Report;

pub(super) fn proposer(report: &mut Report, place: &Place<'_>) -> Lowered<Proposer> {
    let fields = fields(
        report,
        place,
        "the proposer",
        "{kind: bandit, round: 8}",
        &["kind", "round", "command", "timeout_s"],
    )?;
    let kind = |report: &mut Report, place: &Place<'_>| {
        let kinds = [
            ("auto", ProposerKind::Auto),
            ("grid", ProposerKind::Grid),
            ("random", ProposerKind::Random),
            ("bandit", ProposerKind::Bandit),
            ("external", ProposerKind::External),
        ];
        word(report, place, "proposer", &kinds)
    };
    Ok(Proposer {
        kind: fields.required(report, "kind", ProposerKind::Auto, kind),
        round: fields.option(report, "round", whole),
        command: fields.optional(report, "command", Vec::new(), texts),
        timeout_s: fields.option(report, "timeout_s", number),
    })
}
