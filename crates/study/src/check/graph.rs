//! The graph of stages: references by name, cycles, declared relations.

use std::collections::HashMap;

use noodle2_model::{StageIndex, StageRelation, Study};
use noodle2_plan::{DagError, StageDag};

use super::{distinct, not_empty, place};
use crate::codes;
use crate::report::Report;
use crate::suggest::{all_of, nearest, quoted};

pub(super) fn check(study: &Study, report: &mut Report) {
    if !report.is_sound("stages") {
        return;
    }
    // Where some name cannot be read, a reference to it is no mistake.
    let all_named =
        (0..study.stages.len()).all(|index| report.is_sound(&format!("stages[{index}].name")));
    let mut index_of: HashMap<&str, usize> = HashMap::new();
    for (index, stage) in study.stages.iter().enumerate() {
        index_of.entry(&stage.name).or_insert(index);
    }
    let mut edges = HashMap::new();
    let mut is_whole = all_named && index_of.len() == study.stages.len();
    for (index, stage) in study.stages.iter().enumerate() {
        is_whole &= report.is_sound(&format!("stages[{index}].after"));
        for (position, name) in stage.after.iter().enumerate() {
            let field = format!("stages[{index}].after[{position}]");
            if !report.is_sound(&field) {
                is_whole = false;
            } else if *name == stage.name {
                is_whole = false;
                let help =
                    "remove it; a stage without `after` starts from the base case".to_owned();
                report.at(
                    codes::SELF_DEPENDENCY,
                    &field,
                    format!("the stage {} comes after itself", quoted(name)),
                    help,
                );
            } else if let Some(before) = index_of.get(name.as_str()) {
                if let Some(first) = edges.insert((*before, index), field.clone()) {
                    is_whole = false;
                    let (line, _) = place(report, &first);
                    let message = format!("{} is listed twice", quoted(name));
                    report.at(
                        codes::DUPLICATE,
                        &field,
                        message,
                        format!("it stands in line {line} already; remove one"),
                    );
                    edges.insert((*before, index), first);
                }
            } else {
                is_whole = false;
                if all_named {
                    unknown_stage(study, report, &field, name);
                }
            }
        }
    }
    let dag = relations(study, report, &edges, is_whole);
    let waits = draws(study, report, &index_of, all_named);
    if let Some(dag) = dag {
        waiting_cycles(study, report, &dag, &waits);
    }
}

/// The stages whose unused trials others may draw, by reference: `(from, to)` with the field that says so.
fn draws(
    study: &Study,
    report: &mut Report,
    index_of: &HashMap<&str, usize>,
    all_named: bool,
) -> HashMap<(usize, usize), String> {
    let mut waits = HashMap::new();
    for (index, stage) in study.stages.iter().enumerate() {
        let list = format!("stages[{index}].extra_trials.from");
        if stage.extra_trials.is_some() {
            not_empty(report, &list, stage.draws_from().len(), "one stage");
        }
        distinct(report, &list, stage.draws_from());
        for (position, name) in stage.draws_from().iter().enumerate() {
            let field = format!("{list}[{position}]");
            if !report.is_sound(&field) {
                continue;
            }
            if *name == stage.name {
                let message = format!("the stage {} draws from itself", quoted(name));
                let help = "remove it; its own trials stand under `trials`".to_owned();
                report.at(codes::SELF_DEPENDENCY, &field, message, help);
            } else if let Some(from) = index_of.get(name.as_str()) {
                waits.entry((*from, index)).or_insert(field);
            } else if all_named {
                unknown_stage(study, report, &field, name);
            }
        }
    }
    waits
}

/// Circles that only the waits for unused trials close.
fn waiting_cycles(
    study: &Study,
    report: &mut Report,
    dag: &StageDag,
    waits: &HashMap<(usize, usize), String>,
) {
    let mut pairs: Vec<(StageIndex, StageIndex)> = waits
        .keys()
        .map(|(from, to)| (StageIndex::from(*from), StageIndex::from(*to)))
        .collect();
    pairs.sort_unstable();
    let name = |stage: StageIndex| quoted(&study.stages[stage.position()].name);
    for error in dag.with_waits(pairs).err().unwrap_or_default() {
        // Everything else that can be wrong with a graph was found by name above.
        let DagError::Cycle { stages } = &error else {
            continue;
        };
        let next = stages.iter().cycle().skip(1);
        let mut steps = stages.iter().zip(next);
        let closing = steps.find_map(|(from, to)| waits.get(&(from.position(), to.position())));
        let field = closing.map_or("stages", String::as_str);
        let help = "a stage waits for those whose trials it draws: remove one of these".to_owned();
        report.at(codes::CYCLE, field, error.describe(name), help);
    }
}

fn unknown_stage(study: &Study, report: &mut Report, field: &str, name: &str) {
    if report.is_full() {
        return;
    }
    let names: Vec<&str> = study
        .stages
        .iter()
        .map(|stage| stage.name.as_str())
        .collect();
    let help = match nearest(name, &names) {
        Some(near) => format!("did you mean `{near}`?"),
        None if names.len() <= 12 => {
            format!("the stages are {}", all_of(&names))
        }
        None => "stages are named exactly as their `name` is written".to_owned(),
    };
    report.at(
        codes::UNKNOWN_STAGE,
        field,
        format!("there is no stage {}", quoted(name)),
        help,
    );
}

/// Cycles, and relations that are declared otherwise than the graph has them; returns the graph, where it is one. The latter only where the
/// whole graph is known, because a missing edge may change any relation.
fn relations(
    study: &Study,
    report: &mut Report,
    edges: &HashMap<(usize, usize), String>,
    is_whole: bool,
) -> Option<StageDag> {
    let mut pairs: Vec<(StageIndex, StageIndex)> = edges
        .keys()
        .map(|(from, to)| (StageIndex::from(*from), StageIndex::from(*to)))
        .collect();
    pairs.sort_unstable();
    let name = |stage: StageIndex| quoted(&study.stages[stage.position()].name);
    let dag = match StageDag::new(study.stages.len(), pairs) {
        Ok(dag) => dag,
        Err(errors) => {
            for error in errors {
                // Everything else that can be wrong with a graph was found by name above.
                if let DagError::Cycle { stages } = &error {
                    let last = stages[stages.len() - 1].position();
                    let field = edges.get(&(last, stages[0].position()));
                    let field = field.map_or("stages", String::as_str);
                    let help = "remove one of these from the `after` of the next".to_owned();
                    report.at(codes::CYCLE, field, error.describe(name), help);
                }
            }
            return None;
        }
    };
    if !is_whole {
        return Some(dag);
    }
    let declared: Vec<(StageIndex, StageRelation)> = study
        .stages
        .iter()
        .enumerate()
        .filter_map(|(index, stage)| Some((StageIndex::from(index), stage.relation?)))
        .collect();
    for error in dag.check_declared(&declared) {
        if let DagError::RelationMismatch { stage, derived, .. } = &error {
            let field = format!("stages[{stage}].relation");
            let help = match derived {
                Some(derived) => {
                    format!("write `relation: {derived}`, correct `after`, or leave `relation` out")
                }
                None => "correct `after`, or leave `relation` out".to_owned(),
            };
            report.at(codes::RELATION, &field, error.describe(name), help);
        }
    }
    Some(dag)
}
