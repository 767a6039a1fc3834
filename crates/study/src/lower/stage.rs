//! Stages, their ECOs, parameters and joins.

use std::collections::BTreeMap;

use noodle2_model::{
    Aborts, ComposeMode, ConflictRule, EarlyStop, Join, JoinMerge, JoinPolicy, ParameterDomain,
    ParameterValue, Proposer, Rollback, SafetyRules, Selection, SequenceStep, Stage, StageBudget,
    StageEco, StageMode, StageRelation,
};

use super::budget::{extra_trials, stage_budget};
use super::fields::fields;
use super::people::approval;
use super::proposer::proposer;
use super::safety::safety;
use super::selection::{early_stop, fallback, selection};
use super::study::{bounds, inner, objective, only_entry, refuse_key, safety_domain};
use super::value::{
    Scalar, boolean, filled, list, number, parameter_value, refuse, resolve, text, whole, word,
    wrong_type,
};
use super::{Lowered, Place, Reported};
use crate::codes;
use crate::locations::Location;
use crate::report::Report;
use crate::suggest::{did_you_mean, quoted};
use crate::tree::Kind;

pub(super) fn stage(report: &mut Report, place: &Place<'_>) -> Lowered<Stage> {
    let fields = fields(
        report,
        place,
        "a stage",
        "{name: ..., trials: ..., ecos: [...]}",
        &[
            "name",
            "after",
            "relation",
            "trials",
            "extra_trials",
            "budget",
            "survivors",
            "selection",
            "stop",
            "proposer",
            "ecos",
            "mode",
            "safety_domain",
            "safety",
            "objective",
            "parent_competes",
            "approval",
            "fallback",
            "aborts",
            "join",
        ],
    )?;
    let mode = |report: &mut Report, place: &Place<'_>| {
        let modes = [
            ("sta", StageMode::Sta),
            ("sta_congestion", StageMode::StaCongestion),
            ("full", StageMode::Full),
        ];
        word(report, place, "mode", &modes)
    };
    Ok(Stage {
        name: fields.required(report, "name", String::new(), text),
        after: fields.optional(report, "after", Vec::new(), names),
        relation: fields.option(report, "relation", relation),
        trials: fields.required(report, "trials", 0, whole),
        extra_trials: fields.option(report, "extra_trials", extra_trials),
        budget: fields.optional(report, "budget", StageBudget::default(), stage_budget),
        survivors: fields.optional(report, "survivors", 1, whole),
        selection: fields.optional(report, "selection", Selection::default(), selection),
        stop: fields.optional(report, "stop", EarlyStop::default(), early_stop),
        proposer: fields.optional(report, "proposer", Proposer::default(), proposer),
        ecos: fields.optional(report, "ecos", Vec::new(), ecos),
        mode: fields.optional(report, "mode", StageMode::Sta, mode),
        safety_domain: fields.option(report, "safety_domain", safety_domain),
        safety: fields.optional(report, "safety", SafetyRules::default(), safety),
        objective: fields.option(report, "objective", objective),
        parent_competes: fields.optional(report, "parent_competes", true, boolean),
        approval: fields.option(report, "approval", approval),
        fallback: fields.option(report, "fallback", fallback),
        aborts: fields.optional(report, "aborts", Aborts::default(), aborts),
        join: fields.option(report, "join", join),
    })
}

/// A list of names, or a single name.
pub(super) fn names(report: &mut Report, place: &Place<'_>) -> Lowered<Vec<String>> {
    match &place.node.kind {
        Kind::Scalar { text: name, plain } if matches!(resolve(name, *plain), Scalar::Text(_)) => {
            let item = Place {
                node: place.node,
                field: format!("{}[0]", place.field),
            };
            let location = Location {
                key: None,
                value: place.node.span,
            };
            report.locate(&item.field, location);
            text(report, &item).map(|name| vec![name])
        }
        _ => list(report, place, &String::new(), text),
    }
}

fn relation(report: &mut Report, place: &Place<'_>) -> Lowered<StageRelation> {
    let words = [
        ("sequential", StageRelation::Sequential),
        ("independent", StageRelation::Independent),
        ("convergence", StageRelation::Convergence),
    ];
    word(report, place, "relation", &words)
}

fn ecos(report: &mut Report, place: &Place<'_>) -> Lowered<Vec<StageEco>> {
    if let Kind::Mapping(entries) = &place.node.kind {
        let help = entries
            .first()
            .map(|entry| format!("start each ECO with `- name: {}`", entry.key));
        return Err(wrong_type(report, place, "a list", help));
    }
    list(report, place, &StageEco::default(), eco)
}

/// A name, or a name with parameters.
fn eco(report: &mut Report, place: &Place<'_>) -> Lowered<StageEco> {
    if let Kind::Scalar { text, plain } = &place.node.kind
        && matches!(resolve(text, *plain), Scalar::Text(text) if !text.contains(':'))
    {
        let item = Place {
            node: place.node,
            field: format!("{}.name", place.field),
        };
        let location = Location {
            key: None,
            value: place.node.span,
        };
        report.locate(&item.field, location);
        let name = filled(report, &item)?;
        return Ok(StageEco {
            name,
            ..StageEco::default()
        });
    }
    let fields = fields(
        report,
        place,
        "an ECO",
        "{name: ...}",
        &["name", "parameters", "sequence", "rollback"],
    )?;
    let parameters = fields.optional(report, "parameters", BTreeMap::new(), parameters);
    if !fields.has("sequence") {
        if let Some(place) = fields.place(report, "rollback") {
            let help = "remove it, or list the ECOs under `sequence`".to_owned();
            let message = "`rollback` is for a sequence of ECOs";
            report.at(codes::SEQUENCE, &place.field, message, help);
        }
        return Ok(StageEco {
            name: fields.required(report, "name", String::new(), filled),
            parameters,
            ..StageEco::default()
        });
    }
    let steps =
        |report: &mut Report, place: &Place<'_>| list(report, place, &empty_step(), sequence_step);
    let sequence = fields.optional(report, "sequence", Vec::new(), steps);
    let joined: Vec<&str> = sequence.iter().map(|step| step.name.as_str()).collect();
    Ok(StageEco {
        name: fields.optional(report, "name", joined.join("+"), filled),
        parameters,
        sequence,
        rollback: fields.option(report, "rollback", rollback),
    })
}

/// A name, or a name with parameters.
fn sequence_step(report: &mut Report, place: &Place<'_>) -> Lowered<SequenceStep> {
    if let Kind::Scalar { text, plain } = &place.node.kind
        && matches!(resolve(text, *plain), Scalar::Text(text) if !text.contains(':'))
    {
        let item = Place {
            node: place.node,
            field: format!("{}.name", place.field),
        };
        let location = Location {
            key: None,
            value: place.node.span,
        };
        report.locate(&item.field, location);
        return Ok(SequenceStep {
            name: filled(report, &item)?,
            ..empty_step()
        });
    }
    let fields = fields(
        report,
        place,
        "an ECO",
        "{name: ...}",
        &["name", "parameters"],
    )?;
    Ok(SequenceStep {
        name: fields.required(report, "name", String::new(), filled),
        parameters: fields.optional(report, "parameters", BTreeMap::new(), parameters),
    })
}

fn rollback(report: &mut Report, place: &Place<'_>) -> Lowered<Rollback> {
    let words = [
        ("all", Rollback::All),
        ("partial", Rollback::Partial),
        ("none", Rollback::None),
    ];
    word(report, place, "rollback", &words)
}

fn empty_step() -> SequenceStep {
    SequenceStep {
        name: String::new(),
        parameters: BTreeMap::new(),
    }
}

fn parameters(
    report: &mut Report,
    place: &Place<'_>,
) -> Lowered<BTreeMap<String, ParameterDomain>> {
    let Kind::Mapping(entries) = &place.node.kind else {
        let help = "write each as `name: value`, `name: [values]` or `name: {from: ..., to: ..., step: ...}`";
        return Err(wrong_type(
            report,
            place,
            "a mapping",
            Some(help.to_owned()),
        ));
    };
    let mut domains = BTreeMap::new();
    for entry in entries {
        let value = inner(report, place, entry);
        let domain = parameter_domain(report, &value).unwrap_or_else(|Reported| {
            report.mark_broken(&value.field);
            ParameterDomain::Value(ParameterValue::Integer(0))
        });
        domains.insert(entry.key.clone(), domain);
    }
    Ok(domains)
}

fn parameter_domain(report: &mut Report, place: &Place<'_>) -> Lowered<ParameterDomain> {
    match &place.node.kind {
        Kind::Scalar { text, plain } => {
            if let (true, Some(help)) = (*plain, range_help(text)) {
                let message = format!(
                    "{} looks like a range, but {} is a word",
                    quoted(place.label()),
                    quoted(text)
                );
                return Err(refuse(
                    report,
                    place,
                    codes::WRONG_TYPE,
                    message,
                    Some(help),
                ));
            }
            parameter_value(report, place).map(ParameterDomain::Value)
        }
        Kind::Sequence(_) => list(report, place, &ParameterValue::Integer(0), parameter_value)
            .map(ParameterDomain::Values),
        Kind::Mapping(_) => {
            let shape = "{from: 1, to: 9, step: 2}";
            let fields = fields(report, place, "a range", shape, &["from", "to", "step"])?;
            Ok(ParameterDomain::Range {
                from: fields.required(report, "from", 0.0, number),
                to: fields.required(report, "to", 0.0, number),
                step: fields.option(report, "step", number),
            })
        }
    }
}

/// What to write for `1..9`, `1-9` or `1:9`.
fn range_help(text: &str) -> Option<String> {
    let is_number = |text: &str| text.trim().parse::<f64>().is_ok_and(f64::is_finite);
    ["...", "..=", "..", ":", "-", " to "]
        .iter()
        .find_map(|separator| {
            let (from, to) = text.split_once(separator)?;
            (is_number(from) && is_number(to))
                .then(|| format!("write `{{from: {}, to: {}}}`", from.trim(), to.trim()))
        })
}

fn aborts(report: &mut Report, place: &Place<'_>) -> Lowered<Aborts> {
    let fields = fields(
        report,
        place,
        "the aborts",
        "{failures: 10}",
        &[
            "failures",
            "failures_in_a_row",
            "failure_percent",
            "at_least",
            "bounds",
            "no_improvement",
        ],
    )?;
    Ok(Aborts {
        failures: fields.option(report, "failures", whole),
        failures_in_a_row: fields.option(report, "failures_in_a_row", whole),
        failure_percent: fields.option(report, "failure_percent", number),
        at_least: fields.option(report, "at_least", whole),
        bounds: fields.optional(report, "bounds", Vec::new(), bounds),
        no_improvement: fields.optional(report, "no_improvement", false, boolean),
    })
}

fn join(report: &mut Report, place: &Place<'_>) -> Lowered<Join> {
    let merges = [
        ("union", JoinMerge::Union),
        ("top", JoinMerge::Top),
        ("best_per_branch", JoinMerge::BestPerBranch),
        ("compose", JoinMerge::Compose),
    ];
    let shape = match &place.node.kind {
        Kind::Scalar { text, .. } if merges.iter().any(|(name, _)| name == text) => {
            format!("{{merge: {text}}}")
        }
        _ => "{merge: union}".to_owned(),
    };
    let fields = fields(
        report,
        place,
        "the join",
        &shape,
        &["merge", "keep", "policy", "mode", "conflicts", "pairs"],
    )?;
    let merge =
        |report: &mut Report, place: &Place<'_>| word(report, place, "way to merge", &merges);
    let mode = |report: &mut Report, place: &Place<'_>| {
        let modes = [
            ("replay", ComposeMode::Replay),
            ("rerun", ComposeMode::Rerun),
        ];
        word(report, place, "way to compose", &modes)
    };
    let conflicts = |report: &mut Report, place: &Place<'_>| {
        let rules = [
            ("first", ConflictRule::First),
            ("second", ConflictRule::Second),
            ("none", ConflictRule::None),
            ("drop", ConflictRule::Drop),
        ];
        word(report, place, "rule for conflicts", &rules)
    };
    Ok(Join {
        merge: fields.optional(report, "merge", JoinMerge::Union, merge),
        keep: fields.option(report, "keep", whole),
        policy: fields.optional(report, "policy", JoinPolicy::All, policy),
        mode: fields.option(report, "mode", mode),
        conflicts: fields.option(report, "conflicts", conflicts),
        pairs: fields.option(report, "pairs", whole),
    })
}

/// `all`, `any`, or `{quorum: n}`.
fn policy(report: &mut Report, place: &Place<'_>) -> Lowered<JoinPolicy> {
    const NAMES: [&str; 3] = ["all", "any", "quorum"];
    match &place.node.kind {
        Kind::Scalar { text, plain } => match resolve(text, *plain) {
            Scalar::Text("quorum") => {
                let help = "write `policy: {quorum: 2}`".to_owned();
                let message = "`policy: quorum` lacks its number".to_owned();
                Err(refuse(
                    report,
                    place,
                    codes::WRONG_TYPE,
                    message,
                    Some(help),
                ))
            }
            Scalar::Integer(number) => {
                let help = Some(format!("write `policy: {{quorum: {number}}}`"));
                Err(wrong_type(report, place, "a join policy", help))
            }
            _ => word(
                report,
                place,
                "join policy",
                &[("all", JoinPolicy::All), ("any", JoinPolicy::Any)],
            ),
        },
        _ => {
            let entry = only_entry(report, place, "{quorum: 2}")?;
            let value = inner(report, place, entry);
            match entry.key.as_str() {
                "quorum" => whole(report, &value).map(JoinPolicy::Quorum),
                other => {
                    let message = format!("{} is no join policy that takes a value", quoted(other));
                    Err(refuse_key(
                        report,
                        entry,
                        message,
                        did_you_mean(other, &NAMES),
                    ))
                }
            }
        }
    }
}

/// What stands for a stage that cannot be read.
pub(super) fn empty_stage() -> Stage {
    Stage {
        name: String::new(),
        after: Vec::new(),
        relation: None,
        trials: 0,
        extra_trials: None,
        budget: StageBudget::default(),
        survivors: 1,
        selection: Selection::default(),
        stop: EarlyStop::default(),
        proposer: Proposer::default(),
        ecos: Vec::new(),
        mode: StageMode::Sta,
        safety_domain: None,
        safety: SafetyRules::default(),
        objective: None,
        parent_competes: true,
        approval: None,
        fallback: None,
        aborts: Aborts::default(),
        join: None,
    }
}
