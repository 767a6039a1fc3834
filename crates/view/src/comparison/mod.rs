//! Two cases, stages, branches or runs side by side: where they part, what each gained, what it cost, and whether their
//! numbers may be compared at all.
//!
//! Values that were measured in another way (engine, scenes, wires, constraints, libraries) are shown and never
//! subtracted. Differences within the noise floor are told as none. Never reads a file, never decides what is better by
//! anything but the direction of a metric.

mod context;
mod paths;
mod text;

use std::collections::{BTreeMap, BTreeSet};

use noodle2_control::{Case, Controller, Trial, Verdict};
use noodle2_model::{CaseName, ContentHash, Metric, MetricSet, StageIndex};
use serde::Serialize;

pub use context::{ContextDifference, SettingDifference};
pub use paths::{CommonCase, LineageComparison, LineageStep};

use crate::summary::{chain, deltas};
use crate::{History, MetricDelta, SummaryStatus};
use context::Context;

/// The version of the shape of a comparison; raised when a field changes its meaning or goes away.
pub const COMPARISON_SCHEMA_VERSION: u32 = 1;

/// What of a run is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// All of it, by its best case.
    Run,
    /// One case, with the path that leads to it.
    Case(CaseName),
    /// One stage, by the best case that it passed on.
    Stage(StageIndex),
    /// All stages of a branch, by the best case that the last of them to complete passed on.
    Branch(StageIndex),
}

impl Subject {
    /// Finds what `item` names in a run: `best`, `base`, a case, a stage by its name, or `branch:STAGE`.
    pub fn named(controller: &Controller, item: &str) -> Option<Self> {
        let stage_named = |name: &str| {
            let stages = &controller.program().study().stages;
            let position = stages.iter().position(|stage| stage.name == name)?;
            Some(StageIndex::from(position))
        };
        if let Some(stage) = item.strip_prefix("branch:") {
            let stage = stage_named(stage)?;
            return Some(Self::Branch(controller.program().branch_of(stage)));
        }
        if let Some(stage) = stage_named(item) {
            return Some(Self::Stage(stage));
        }
        let case = match item {
            "best" => controller.best_case()?.clone(),
            "base" => controller.base_name(),
            name => name.parse().ok()?,
        };
        find_case(controller, &case).map(|case| Self::Case(case.name))
    }
}

/// One of the two sides that are asked for.
#[derive(Debug, Clone)]
pub struct Comparand<'a> {
    /// What it is called, as the person wrote it.
    pub called: String,
    /// Its run.
    pub history: &'a History,
    /// What of the run is meant.
    pub subject: Subject,
}

/// Two cases, stages, branches or runs side by side. Differences are those of the right one from the left one.
#[derive(Debug, Clone, Serialize)]
pub struct Comparison {
    /// [`COMPARISON_SCHEMA_VERSION`].
    pub schema_version: u32,
    /// Whether all numbers were measured in the same way. Where not, `unfair` says why, and what it touches is shown
    /// without a difference.
    pub fair: bool,
    /// What differs in how the two were measured.
    pub unfair: Vec<ContextDifference>,
    /// The first side.
    pub left: Side,
    /// The second side.
    pub right: Side,
    /// The metrics of the two cases over all scenes.
    pub metrics: Vec<MetricComparison>,
    /// The same by scene.
    pub scenes: BTreeMap<String, Vec<MetricComparison>>,
    /// Where their lineages part and what each step gained; absent where a side has no case.
    pub lineage: Option<LineageComparison>,
    /// What was tried on either side.
    pub ecos: Vec<EcoComparison>,
    /// Failures by class.
    pub failures: Vec<FailureComparison>,
    /// Whatever else differs: study, seed, tools, inputs, ECOs.
    pub settings: Vec<SettingDifference>,
}

/// One side of a comparison.
#[derive(Debug, Clone, Serialize)]
pub struct Side {
    /// What it is called, as the person wrote it.
    pub called: String,
    /// The kind of thing: `run`, `case`, `stage` or `branch`.
    pub kind: &'static str,
    /// The name of the study.
    pub study: String,
    /// How the run stands.
    pub status: SummaryStatus,
    /// The digest of the run; absent until it ends.
    pub digest: Option<ContentHash>,
    /// Whether wires are modelled: results of a study without wires are `pre-layout`.
    pub label: Option<&'static str>,
    /// The stages that are meant, by name; for a case the one that derived it.
    pub stages: Vec<String>,
    /// The case that stands for it; absent where nothing was measured or passed on.
    pub case: Option<CaseName>,
    /// Whether the case was discarded, so that nothing came of it.
    pub discarded: bool,
    /// The ECOs that lead from the base to the case, first to last.
    pub chain: Vec<String>,
    /// What the case gained over its base case.
    pub over_base: BTreeMap<Metric, MetricDelta>,
    /// What it cost.
    pub cost: Cost,
}

/// What trials cost.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Cost {
    /// Trials; of a case, those on the way to it.
    pub trials: usize,
    /// Executions of them, repeats and confirmations included.
    pub attempts: usize,
    /// Trials that were not run, since their results were known.
    pub cached: usize,
    /// Trials that failed.
    pub failed: usize,
    /// Processor seconds of all attempts.
    pub cpu_s: f64,
    /// Seconds on the clock; absent for a case, and for what never started.
    pub wall_s: Option<f64>,
}

/// Which of two values is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Better {
    /// The first.
    Left,
    /// The second.
    Right,
    /// They are the same.
    Equal,
    /// They differ by no more than the noise floor.
    Indistinguishable,
}

/// A metric on both sides.
#[derive(Debug, Clone, Serialize)]
pub struct MetricComparison {
    /// The metric.
    pub metric: Metric,
    /// The symbol of its unit, empty for counts.
    pub unit: &'static str,
    /// The value of the first side, where it was read.
    pub left: Option<f64>,
    /// The value of the second side, where it was read.
    pub right: Option<f64>,
    /// The second less the first; absent where either is missing, or where they may not be compared.
    pub difference: Option<f64>,
    /// How much better the second is; negative for worse.
    pub gain: Option<f64>,
    /// Which is better.
    pub better: Option<Better>,
    /// The difference up to which the two cannot be told apart: the larger of the floors of the two runs.
    pub noise_floor: Option<f64>,
}

/// An ECO on both sides.
#[derive(Debug, Clone, Serialize)]
pub struct EcoComparison {
    /// Its name.
    pub name: String,
    /// What came of it on the first side.
    pub left: EcoTally,
    /// What came of it on the second side.
    pub right: EcoTally,
}

/// What came of an ECO.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct EcoTally {
    /// Trials that ended.
    pub tries: usize,
    /// Trials that changed the design.
    pub effects: usize,
    /// Trials that failed.
    pub failures: usize,
}

/// A class of failure on both sides.
#[derive(Debug, Clone, Serialize)]
pub struct FailureComparison {
    /// The class.
    pub class: &'static str,
    /// How often on the first side.
    pub left: usize,
    /// How often on the second side.
    pub right: usize,
}

impl Comparison {
    /// Puts two things side by side.
    pub fn new(left: &Comparand<'_>, right: &Comparand<'_>) -> Self {
        let (first, second) = (Found::new(left), Found::new(right));
        let contexts = (
            Context::of(first.controller),
            Context::of(second.controller),
        );
        let unfair = contexts.0.differences(&contexts.1);
        let floor = |metric| {
            let of = |found: &Found<'_>| found.controller.noise_floor().get(metric);
            match (of(&first), of(&second)) {
                (Some(left), Some(right)) => Some(left.max(right)),
                (left, right) => left.or(right),
            }
        };
        let sets = (first.case.as_ref(), second.case.as_ref());
        let overall = |case: Option<&Case>| case.map(|case| case.measurement.overall.clone());
        let compare = |left: Option<MetricSet>, right: Option<MetricSet>, fair: bool| {
            metrics(
                &left.unwrap_or_default(),
                &right.unwrap_or_default(),
                fair,
                &floor,
            )
        };
        let scene_names: BTreeSet<&String> = [sets.0, sets.1]
            .into_iter()
            .flatten()
            .flat_map(|case| case.measurement.scenes.keys())
            .collect();
        let of_scene = |case: Option<&Case>, scene: &String| {
            case.and_then(|case| case.measurement.scenes.get(scene).cloned())
        };
        let scenes = scene_names.into_iter().map(|scene| {
            let fair = context::scene_is_fair(&unfair, scene);
            let values = compare(of_scene(sets.0, scene), of_scene(sets.1, scene), fair);
            (scene.clone(), values)
        });
        Self {
            schema_version: COMPARISON_SCHEMA_VERSION,
            fair: unfair.is_empty(),
            metrics: compare(overall(sets.0), overall(sets.1), unfair.is_empty()),
            scenes: scenes.collect(),
            lineage: sets.0.zip(sets.1).map(|cases| {
                let same_run = std::ptr::eq(left.history, right.history);
                paths::compare(
                    (first.controller, cases.0),
                    (second.controller, cases.1),
                    same_run,
                )
            }),
            ecos: ecos(&first, &second),
            failures: failures(&first, &second),
            settings: context::settings(first.controller, second.controller),
            left: first.side(left),
            right: second.side(right),
            unfair,
        }
    }
}

/// One side with what stands for it.
struct Found<'a> {
    controller: &'a Controller,
    stages: Vec<StageIndex>,
    case: Option<Case>,
    trials: Vec<&'a Trial>,
}

impl<'a> Found<'a> {
    fn new(side: &Comparand<'a>) -> Self {
        let controller = side.history.controller();
        let all = (0..controller.stages().len()).map(StageIndex::from);
        let passed_on = |stage: &StageIndex| {
            let survivors = controller.stages()[stage.position()].survivors();
            controller.cases().get(survivors.first()?).cloned()
        };
        let (stages, case): (Vec<StageIndex>, Option<Case>) = match &side.subject {
            Subject::Run => {
                let best = controller.best_case();
                let best = best.and_then(|name| find_case(controller, name));
                (all.collect(), best)
            }
            Subject::Stage(stage) => (vec![*stage], passed_on(stage)),
            Subject::Branch(branch) => {
                let order = controller.program().canonical_order().iter().copied();
                let stages =
                    order.filter(|stage| controller.program().branch_of(*stage) == *branch);
                let stages: Vec<StageIndex> = stages.collect();
                let case = stages.iter().rev().find_map(passed_on);
                (stages, case)
            }
            Subject::Case(name) => {
                let stage = (!name.trial().is_base()).then_some(name.trial().stage);
                (stage.into_iter().collect(), find_case(controller, name))
            }
        };
        let trials = match (&side.subject, &case) {
            (Subject::Case(_), Some(case)) => {
                let ancestors = paths::ancestors(controller, case);
                let trials = ancestors.iter().map(|name| name.trial());
                trials.filter_map(|trial| controller.trial(trial)).collect()
            }
            _ => {
                let stages = stages.iter();
                stages
                    .flat_map(|stage| controller.trials_of(*stage))
                    .collect()
            }
        };
        Self {
            controller,
            stages,
            case,
            trials,
        }
    }

    /// Trials whose results count, with what they came to.
    fn counted(&self) -> impl Iterator<Item = (&Trial, &Verdict)> {
        let trials = self.trials.iter();
        trials
            .filter(|trial| !self.controller.is_discarded(trial.id))
            .filter_map(|trial| Some((*trial, trial.verdict()?)))
    }

    fn side(&self, asked: &Comparand<'_>) -> Side {
        let (controller, history) = (self.controller, asked.history);
        let study = controller.program().study();
        let stage_name = |stage: &StageIndex| controller.program().stage(*stage).name.clone();
        let case = self.case.as_ref();
        let base = controller.base_case();
        Side {
            called: asked.called.clone(),
            kind: match asked.subject {
                Subject::Run => "run",
                Subject::Case(_) => "case",
                Subject::Stage(_) => "stage",
                Subject::Branch(_) => "branch",
            },
            study: study.name.clone(),
            status: history.status(),
            digest: controller.recorded_digest(),
            label: study.result_label(),
            stages: self.stages.iter().map(stage_name).collect(),
            case: case.map(|case| case.name.clone()),
            discarded: case.is_some_and(|case| controller.is_discarded(case.name.trial())),
            chain: case.map(|case| chain(controller, case)).unwrap_or_default(),
            over_base: base
                .zip(case)
                .map(|(base, case)| deltas(base, case))
                .unwrap_or_default(),
            cost: self.cost(asked),
        }
    }

    fn cost(&self, asked: &Comparand<'_>) -> Cost {
        let history = asked.history;
        let mut cost = Cost {
            trials: self.trials.len(),
            ..Cost::default()
        };
        for trial in &self.trials {
            let repeats = trial.repeats.values().flatten();
            let attempts = trial.attempts.iter().chain(&trial.confirmations);
            for attempt in attempts.chain(repeats) {
                cost.attempts += 1;
                cost.cpu_s += attempt.usage.cpu_s;
            }
            cost.cached += usize::from(trial.hit().is_some());
            cost.failed += usize::from(trial.failure().is_some());
        }
        match asked.subject {
            Subject::Run => {
                // The base case and its repeats belong to no trial.
                let repeats = self.controller.base_repeats().values();
                let repeats: usize = repeats.map(Vec::len).sum();
                cost.attempts += self.controller.base_attempts().len() + repeats;
                cost.cpu_s = history.cpu_s();
                cost.wall_s = Some(history.makespan_s());
            }
            Subject::Stage(stage) => cost.wall_s = history.stage_wall_s(stage),
            Subject::Branch(_) => {
                let walls = self.stages.iter();
                let walls: Vec<f64> = walls
                    .filter_map(|stage| history.stage_wall_s(*stage))
                    .collect();
                cost.wall_s = (!walls.is_empty()).then(|| walls.iter().sum());
            }
            Subject::Case(_) => {}
        }
        cost
    }
}

/// A case of a run, also one that was discarded.
fn find_case(controller: &Controller, name: &CaseName) -> Option<Case> {
    let known = controller.cases().get(name).cloned();
    known.or_else(|| controller.discarded_cases().find(|case| case.name == *name))
}

fn metrics(
    left: &MetricSet,
    right: &MetricSet,
    fair: bool,
    floor: &impl Fn(Metric) -> Option<f64>,
) -> Vec<MetricComparison> {
    let known = Metric::ALL.iter().copied();
    let known = known.filter(|metric| left.get(*metric).or(right.get(*metric)).is_some());
    known
        .map(|metric| {
            let (from, to) = (left.get(metric), right.get(metric));
            // What tells of the way from a parent compares with nothing else.
            let pair = from.zip(to).filter(|_| fair && !metric.tells_of_parent());
            let noise_floor = floor(metric);
            let better = |(from, to): (f64, f64)| match metric.gain(from, to) {
                0.0 => Better::Equal,
                gain if gain.abs() <= noise_floor.unwrap_or(0.0) => Better::Indistinguishable,
                gain if gain > 0.0 => Better::Right,
                _ => Better::Left,
            };
            MetricComparison {
                metric,
                unit: metric.unit().symbol(),
                left: from,
                right: to,
                difference: pair.and_then(|(from, to)| metric.canonical(to - from)),
                gain: pair.and_then(|(from, to)| metric.canonical(metric.gain(from, to))),
                better: pair.map(better),
                noise_floor,
            }
        })
        .collect()
}

fn ecos(left: &Found<'_>, right: &Found<'_>) -> Vec<EcoComparison> {
    let mut by_name: BTreeMap<String, (EcoTally, EcoTally)> = BTreeMap::new();
    let mut count = |found: &Found<'_>, of: fn(&mut (EcoTally, EcoTally)) -> &mut EcoTally| {
        for (trial, verdict) in found.counted() {
            let tally = of(by_name.entry(trial.eco.name.clone()).or_default());
            tally.tries += 1;
            tally.effects += usize::from(*verdict == Verdict::Derived);
            tally.failures += usize::from(matches!(verdict, Verdict::Failed(_)));
        }
    };
    count(left, |pair| &mut pair.0);
    count(right, |pair| &mut pair.1);
    by_name
        .into_iter()
        .map(|(name, (left, right))| EcoComparison { name, left, right })
        .collect()
}

fn failures(left: &Found<'_>, right: &Found<'_>) -> Vec<FailureComparison> {
    let mut by_class: BTreeMap<&'static str, (usize, usize)> = BTreeMap::new();
    let classes = |found: &Found<'_>| -> Vec<&'static str> {
        let counted = found.counted();
        counted
            .filter_map(|(trial, _)| Some(trial.failure()?.class.name()))
            .collect()
    };
    for class in classes(left) {
        by_class.entry(class).or_default().0 += 1;
    }
    for class in classes(right) {
        by_class.entry(class).or_default().1 += 1;
    }
    by_class
        .into_iter()
        .map(|(class, (left, right))| FailureComparison { class, left, right })
        .collect()
}
