//! Where two lineages part, and what each step since then gained.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use noodle2_control::{Case, Controller};
use noodle2_model::{CaseName, EcoProposal, Metric};
use serde::Serialize;

use super::find_case;
use crate::MetricDelta;
use crate::summary::deltas;

/// Two lineages from where they part.
#[derive(Debug, Clone, Serialize)]
pub struct LineageComparison {
    /// The last cases that both come from; several where branches were joined, none where not even the base is common.
    pub last_common: Vec<CommonCase>,
    /// The steps from the first of them, or from the base where there is none, to the case of the first side.
    pub left: Vec<LineageStep>,
    /// The same of the second side.
    pub right: Vec<LineageStep>,
    /// What the first side gained since they part.
    pub left_gained: BTreeMap<Metric, MetricDelta>,
    /// What the second side gained since they part.
    pub right_gained: BTreeMap<Metric, MetricDelta>,
}

/// A case that both sides come from. Between two runs, cases are the same where their designs are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CommonCase {
    /// Its name on the first side.
    pub left: CaseName,
    /// Its name on the second side.
    pub right: CaseName,
}

/// A step of a lineage.
#[derive(Debug, Clone, Serialize)]
pub struct LineageStep {
    /// The case that it made.
    pub case: CaseName,
    /// The stage that made it; absent for a base case.
    pub stage: Option<String>,
    /// The case on this path that it was made from; absent for a base case.
    pub parent: Option<CaseName>,
    /// Further parents, where branches met.
    pub other_parents: Vec<CaseName>,
    /// What was done, with its parameters; absent for a base case.
    pub eco: Option<Arc<EcoProposal>>,
    /// What it gained over the parent.
    pub gains: BTreeMap<Metric, MetricDelta>,
    /// Whether the noise floor keeps it from being told apart from its parent.
    pub is_noise: bool,
}

/// A case and all that it comes from, nearest first.
pub(super) fn ancestors(controller: &Controller, case: &Case) -> Vec<CaseName> {
    let mut found = vec![case.name.clone()];
    let mut seen: BTreeSet<CaseName> = found.iter().cloned().collect();
    let mut open: VecDeque<CaseName> = case.parents.iter().cloned().collect();
    while let Some(name) = open.pop_front() {
        if seen.insert(name.clone()) {
            let parents = controller.cases().get(&name).map(|case| &case.parents);
            open.extend(parents.into_iter().flatten().cloned());
            found.push(name);
        }
    }
    found
}

pub(super) fn compare(
    left: (&Controller, &Case),
    right: (&Controller, &Case),
    same_run: bool,
) -> LineageComparison {
    let last_common = last_common(left, right, same_run);
    let first = last_common.first();
    let (from_left, from_right) = (
        first.map(|common| &common.left),
        first.map(|common| &common.right),
    );
    let gained = |(controller, case): (&Controller, &Case), from: Option<&CaseName>| {
        let from = from.map_or_else(|| controller.base_name(), Clone::clone);
        let from = find_case(controller, &from);
        from.map(|from| deltas(&from, case)).unwrap_or_default()
    };
    LineageComparison {
        left: steps(left, from_left),
        right: steps(right, from_right),
        left_gained: gained(left, from_left),
        right_gained: gained(right, from_right),
        last_common,
    }
}

fn last_common(
    left: (&Controller, &Case),
    right: (&Controller, &Case),
    same_run: bool,
) -> Vec<CommonCase> {
    // Within a run a name says what is the same, between runs the design does.
    let key = |controller: &Controller, name: &CaseName| match same_run {
        true => Some(name.to_string()),
        false => {
            let case = find_case(controller, name)?;
            Some(case.measurement.design.canonical.to_string())
        }
    };
    let keyed = |(controller, case): (&Controller, &Case)| {
        let names = ancestors(controller, case).into_iter();
        let keyed = names.filter_map(|name| Some((key(controller, &name)?, name)));
        keyed.collect::<Vec<(String, CaseName)>>()
    };
    let of_right: BTreeMap<String, CaseName> = keyed(right).into_iter().rev().collect();
    let of_left = keyed(left).into_iter();
    let mut common: Vec<CommonCase> = of_left
        .filter_map(|(key, left)| {
            let right = of_right.get(&key)?.clone();
            Some(CommonCase { left, right })
        })
        .collect();
    let older: BTreeSet<CaseName> = common
        .iter()
        .filter_map(|found| find_case(left.0, &found.left))
        .flat_map(|case| ancestors(left.0, &case).split_off(1))
        .collect();
    common.retain(|found| !older.contains(&found.left));
    common
}

/// The cases that lead from `from`, or from the base, to `to`, oldest first, without the one that they begin at.
fn path(controller: &Controller, from: &CaseName, to: &Case) -> Vec<Case> {
    let mut path = Vec::new();
    let mut current = to.clone();
    while current.name != *from {
        let parents = current.parents.iter();
        let mut parents = parents.filter_map(|name| controller.cases().get(name));
        let next = parents.find(|parent| ancestors(controller, parent).contains(from));
        let next = next.cloned();
        path.push(current);
        match next {
            Some(parent) => current = parent,
            None => break,
        }
    }
    path.reverse();
    path
}

fn steps((controller, case): (&Controller, &Case), from: Option<&CaseName>) -> Vec<LineageStep> {
    let from = from.map_or_else(|| controller.base_name(), Clone::clone);
    let mut before = find_case(controller, &from);
    let path = path(controller, &from, case).into_iter();
    path.map(|case| {
        let parent = before.replace(case.clone());
        let name = parent.as_ref().map(|parent| parent.name.clone());
        let others = case.parents.iter();
        LineageStep {
            stage: case.eco.as_ref().map(|_| {
                let stage = case.name.trial().stage;
                controller.program().stage(stage).name.clone()
            }),
            other_parents: others
                .filter(|other| Some(*other) != name.as_ref())
                .cloned()
                .collect(),
            eco: case.eco.clone(),
            gains: parent
                .as_ref()
                .map(|parent| deltas(parent, &case))
                .unwrap_or_default(),
            is_noise: parent
                .as_ref()
                .is_some_and(|parent| controller.is_noise(&parent.measurement, &case.measurement)),
            parent: name,
            case: case.name,
        }
    })
    .collect()
}
