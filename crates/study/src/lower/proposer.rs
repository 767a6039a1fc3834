//! Who proposes the trials of a stage.

use noodle2_model::{Proposer, ProposerKind};

use super::fields::fields;
use super::study::texts;
use super::value::{boolean, number, whole, word};
use super::{Lowered, Place};
use crate::report::Report;
use crate::tree::Kind;

/// A kind, or a kind with values.
pub(super) fn proposer(report: &mut Report, place: &Place<'_>) -> Lowered<Proposer> {
    let kind = |report: &mut Report, place: &Place<'_>| {
        let kinds = [
            ("auto", ProposerKind::Auto),
            ("grid", ProposerKind::Grid),
            ("random", ProposerKind::Random),
            ("bandit", ProposerKind::Bandit),
            ("diagnosis", ProposerKind::Diagnosis),
            ("external", ProposerKind::External),
        ];
        word(report, place, "proposer", &kinds)
    };
    if let Kind::Scalar { .. } = &place.node.kind {
        let kind = kind(report, place)?;
        return Ok(Proposer {
            kind,
            ..Proposer::default()
        });
    }
    let fields = fields(
        report,
        place,
        "the proposer",
        "{kind: bandit, round: 8}",
        &["kind", "round", "catalogue", "command", "timeout_s"],
    )?;
    Ok(Proposer {
        kind: fields.required(report, "kind", ProposerKind::Auto, kind),
        round: fields.option(report, "round", whole),
        catalogue: fields.optional(report, "catalogue", false, boolean),
        command: fields.optional(report, "command", Vec::new(), texts),
        timeout_s: fields.option(report, "timeout_s", number),
    })
}
