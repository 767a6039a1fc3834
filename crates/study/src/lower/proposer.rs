//! How a stage chooses what to try.

use noodle2_model::{BanditRules, DiagnosisRules, EXTERNAL_TIMEOUT_S, ExternalRules, Proposer};

use super::fields::fields;
use super::study::{inner, only_entry, refuse_key, texts};
use super::value::{Scalar, boolean, number, refuse, resolve, whole, word};
use super::{Lowered, Place};
use crate::codes;
use crate::report::Report;
use crate::suggest::{did_you_mean, quoted};
use crate::tree::Kind;

const NAMES: [&str; 5] = ["grid", "random", "bandit", "diagnosis", "external"];

/// `grid`, `random`, `diagnosis`, or one that takes values: `{bandit: {round: 4}}`.
pub(super) fn proposer(report: &mut Report, place: &Place<'_>) -> Lowered<Proposer> {
    if let Kind::Scalar { text, plain } = &place.node.kind {
        let shape = match resolve(text, *plain) {
            Scalar::Text("bandit") => Some("{bandit: {round: 4}}"),
            Scalar::Text("external") => Some("{external: {command: [...], round: 4}}"),
            _ => None,
        };
        if let Some(shape) = shape {
            let message = format!("`proposer: {text}` lacks its values");
            let help = Some(format!("write `proposer: {shape}`"));
            return Err(refuse(report, place, codes::WRONG_TYPE, message, help));
        }
        let words = [("grid", 0), ("random", 1), ("diagnosis", 2)];
        return Ok(match word(report, place, "proposer", &words)? {
            0 => Proposer::Grid,
            1 => Proposer::Random,
            _ => Proposer::Diagnosis(DiagnosisRules::default()),
        });
    }
    let entry = only_entry(report, place, "{bandit: {round: 4}}")?;
    let value = inner(report, place, entry);
    match entry.key.as_str() {
        "bandit" => bandit(report, &value).map(Proposer::Bandit),
        "diagnosis" => diagnosis(report, &value).map(Proposer::Diagnosis),
        "external" => external(report, &value).map(Proposer::External),
        other => {
            let message = format!("{} is no proposer that takes values", quoted(other));
            Err(refuse_key(
                report,
                entry,
                message,
                did_you_mean(other, &NAMES),
            ))
        }
    }
}

fn bandit(report: &mut Report, place: &Place<'_>) -> Lowered<BanditRules> {
    let fields = fields(report, place, "the bandit", "{round: 4}", &["round"])?;
    Ok(BanditRules {
        round: fields.required(report, "round", 1, whole),
    })
}

fn diagnosis(report: &mut Report, place: &Place<'_>) -> Lowered<DiagnosisRules> {
    let shape = "{catalogue: true}";
    let fields = fields(report, place, "the diagnosis", shape, &["catalogue"])?;
    Ok(DiagnosisRules {
        catalogue: fields.optional(report, "catalogue", false, boolean),
    })
}

fn external(report: &mut Report, place: &Place<'_>) -> Lowered<ExternalRules> {
    let fields = fields(
        report,
        place,
        "the external proposer",
        "{command: [python3, \"{study}/propose.py\"], round: 4}",
        &["command", "round", "timeout_s"],
    )?;
    Ok(ExternalRules {
        command: fields.required(report, "command", Vec::new(), texts),
        round: fields.required(report, "round", 1, whole),
        timeout_s: fields.optional(report, "timeout_s", EXTERNAL_TIMEOUT_S, number),
    })
}
