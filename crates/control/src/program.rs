//! A run's identity compiled into what the rules ask of it: the stage DAG, priorities, objectives.

use std::collections::BTreeSet;

use noodle2_model::{
    Bound, ContainmentRules, EarlyStop, FailureRail, Metric, Objective, PromotionGates,
    ProposerKind, RunIdentity, Stage, StageEco, StageIndex, Study, StudyRail, may_try,
};
use noodle2_plan::{DagError, StageDag};

use crate::diagnosis;
use crate::tally::StageRails;

/// Everything about a run that never changes while it runs.
#[derive(Debug, Clone)]
pub struct Program {
    identity: RunIdentity,
    dag: StageDag,
    /// The stages in canonical order.
    order: Vec<StageIndex>,
    /// The stages whose unused trials each stage may draw.
    sources: Vec<Vec<StageIndex>>,
    objectives: Vec<Objective>,
    ranked_metrics: BTreeSet<Metric>,
    followers: Vec<Vec<StageIndex>>,
    in_order: Vec<bool>,
    rails: Vec<StageRails>,
    trial_rails: Vec<Vec<Bound>>,
    gates: Vec<PromotionGates>,
    study_rail: StudyRail,
    branches: Vec<StageIndex>,
    places: Vec<usize>,
    entries: Vec<Vec<StageEco>>,
}

/// A study whose stages cannot be run. Studies that were read from a file were checked for this.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    /// The stages do not form a DAG.
    #[error("the stages do not form a graph that can be run: {}", list(.0))]
    Graph(Vec<DagError>),
    /// A stage names a stage that is not there.
    #[error(
        "stage `{stage}` comes after or draws from `{missing}`, which is no stage of the study"
    )]
    UnknownStage {
        /// The stage that names it.
        stage: String,
        /// The name.
        missing: String,
    },
    /// A stage names an ECO that the run's identity does not hold.
    #[error("stage `{stage}` tries ECO `{eco}`, which the run does not hold")]
    UnknownEco {
        /// The stage that names it.
        stage: String,
        /// The name.
        eco: String,
    },
}

fn list(errors: &[DagError]) -> String {
    let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
    texts.join("; ")
}

impl Program {
    /// Compiles the identity of a run.
    ///
    /// # Errors
    /// When stages or ECOs are named that are not there, or the stages form no DAG.
    pub fn new(identity: RunIdentity) -> Result<Self, ProgramError> {
        let study = &identity.study;
        let dag = Self::dag_of(study)?;
        for stage in &study.stages {
            let mut named = stage.ecos.iter().flat_map(StageEco::components);
            if let Some((name, _)) = named.find(|(name, _)| !identity.ecos.contains_key(*name)) {
                return Err(ProgramError::UnknownEco {
                    stage: stage.name.clone(),
                    eco: name.to_owned(),
                });
            }
        }
        let objectives: Vec<Objective> = (study.stages.iter())
            .map(|stage| effective_objective(&study.objective, stage))
            .collect();
        let ranked_metrics = (objectives.iter())
            .flat_map(|objective| objective.rank.iter().copied())
            .collect();
        let waits = study.waits();
        let waiting = dag.with_waits(waits.iter().copied());
        let waiting = waiting.map_err(ProgramError::Graph)?;
        let mut sources = vec![Vec::new(); dag.len()];
        for (from, to) in waits {
            sources[to.position()].push(from);
        }
        let followers = dag
            .stages()
            .map(|stage| waiting.dependents(stage).to_vec())
            .collect();
        let rails = |stage: &Stage| StageRails {
            aborts: stage.aborts.clone(),
            branch: study.safety.rails.branch,
            containment: ContainmentRules::of(study, stage),
            stop: stage.stop.clone(),
            first_metric: effective_objective(&study.objective, stage)
                .rank
                .first()
                .copied(),
        };
        let trial_rail = |stage: &Stage| {
            let rails = [&study.safety.rails, &stage.safety.rails];
            rails.iter().flat_map(|rails| rails.trial.clone()).collect()
        };
        let in_order = (study.stages.iter().zip(study.stages.iter().map(rails)))
            .map(|(stage, rails)| counts_in_order(study, stage, &rails))
            .collect();
        let mut places = vec![0; dag.len()];
        let order = waiting.topological_order().to_vec();
        for (place, stage) in order.iter().enumerate() {
            places[stage.position()] = place;
        }
        Ok(Self {
            rails: study.stages.iter().map(rails).collect(),
            trial_rails: study.stages.iter().map(trial_rail).collect(),
            gates: study
                .stages
                .iter()
                .map(|stage| PromotionGates::of(study, stage))
                .collect(),
            study_rail: StudyRail::of(study),
            branches: dag.branches(),
            entries: (study.stages.iter())
                .map(|stage| entries(&identity, stage))
                .collect(),
            places,
            order,
            sources,
            dag,
            objectives,
            ranked_metrics,
            followers,
            in_order,
            identity,
        })
    }

    /// The stage DAG of a study.
    ///
    /// # Errors
    /// When a stage is named that is not there, or the stages form no DAG.
    pub fn dag_of(study: &Study) -> Result<StageDag, ProgramError> {
        for stage in &study.stages {
            let drawn = stage.extra_trials.iter().flat_map(|extra| &extra.from);
            let mut named = stage.after.iter().chain(drawn);
            let is_there = |name: &&String| study.stages.iter().any(|other| other.name == **name);
            if let Some(missing) = named.find(|name| !is_there(name)) {
                return Err(ProgramError::UnknownStage {
                    stage: stage.name.clone(),
                    missing: missing.clone(),
                });
            }
        }
        StageDag::new(study.stages.len(), study.edges()).map_err(ProgramError::Graph)
    }

    /// The identity of the run.
    pub fn identity(&self) -> &RunIdentity {
        &self.identity
    }

    /// The study.
    pub fn study(&self) -> &Study {
        &self.identity.study
    }

    /// The stage DAG.
    pub fn dag(&self) -> &StageDag {
        &self.dag
    }

    /// The declaration of a stage.
    pub fn stage(&self, stage: StageIndex) -> &Stage {
        &self.identity.study.stages[stage.position()]
    }

    /// What a stage may try: its ECOs, and those of the catalogue where its proposer may suggest them.
    pub(crate) fn entries(&self, stage: StageIndex) -> &[StageEco] {
        &self.entries[stage.position()]
    }

    /// The objective that holds in a stage.
    pub fn objective(&self, stage: StageIndex) -> &Objective {
        &self.objectives[stage.position()]
    }

    /// What a result of a stage must pass before it may survive.
    pub fn gates(&self, stage: StageIndex) -> &PromotionGates {
        &self.gates[stage.position()]
    }

    /// What the trials of a stage may cross.
    pub(crate) fn rails(&self, stage: StageIndex) -> &StageRails {
        &self.rails[stage.position()]
    }

    /// The bounds beyond which a trial of a stage counts as failed.
    pub(crate) fn trial_rail(&self, stage: StageIndex) -> &[Bound] {
        &self.trial_rails[stage.position()]
    }

    /// The rail of the whole study.
    pub fn study_rail(&self) -> &StudyRail {
        &self.study_rail
    }

    /// The first stage of the branch that a stage belongs to: a branch begins at a root, after a fork and
    /// at a join, and goes on to the next fork or join.
    pub fn branch_of(&self, stage: StageIndex) -> StageIndex {
        self.branches[stage.position()]
    }

    /// The stages in canonical order: topological, where a stage also comes after those whose trials it may draw; ties
    /// by index.
    pub fn canonical_order(&self) -> &[StageIndex] {
        &self.order
    }

    /// The stages whose unused trials a stage may draw, in the order of its file.
    pub fn sources(&self, stage: StageIndex) -> &[StageIndex] {
        &self.sources[stage.position()]
    }

    /// The place of a stage in canonical order.
    pub(crate) fn place(&self, stage: StageIndex) -> usize {
        self.places[stage.position()]
    }

    /// The stages that wait for this one: those after it, and those that may draw its unused trials.
    pub(crate) fn followers(&self, stage: StageIndex) -> &[StageIndex] {
        &self.followers[stage.position()]
    }

    /// Whether anything may end a stage by counting its trials in the order of their proposal before all of them ended:
    /// then they start in that order too.
    pub(crate) fn counts_in_order(&self, stage: StageIndex) -> bool {
        self.in_order[stage.position()]
    }

    /// The metrics by which the base case must be measurable: those that any stage ranks by.
    pub(crate) fn ranked_metrics(&self) -> &BTreeSet<Metric> {
        &self.ranked_metrics
    }
}

fn entries(identity: &RunIdentity, stage: &Stage) -> Vec<StageEco> {
    let mut entries = stage.ecos.clone();
    if stage.proposer.kind == ProposerKind::Diagnosis && stage.proposer.catalogue {
        let permitted = identity.ecos.values();
        let permitted = permitted.filter(|eco| may_try(&identity.study, stage, &eco.manifest));
        entries.extend(diagnosis::catalogue_entries(permitted));
    }
    entries
}

/// Whether anything ends a stage, its branch or the study before all of its trials ended, by those that were proposed
/// first.
fn counts_in_order(study: &Study, stage: &Stage, rails: &StageRails) -> bool {
    let aborts = &rails.aborts;
    let has_rail = |rail: &FailureRail| rail.failures.is_some() || rail.failure_percent.is_some();
    let is_limited = |times: [Option<f64>; 2]| times.into_iter().flatten().next().is_some();
    let budget = &study.budget;
    let containment = &rails.containment;
    rails.stop != EarlyStop::default()
        || aborts.failures.is_some()
        || aborts.failure_percent.is_some()
        || aborts.failures_in_a_row.is_some()
        || !aborts.bounds.is_empty()
        || has_rail(&rails.branch)
        || containment.eco_failures_in_a_row.is_some()
        || containment.class_failure_percent.is_some()
        || StudyRail::of(study).failure_percent.is_some()
        || stage.proposer.is_adaptive()
        || is_limited([stage.budget.cpu_time_s, stage.budget.wall_time_s])
        || is_limited([budget.branch.cpu_time_s, budget.branch.wall_time_s])
        || is_limited([budget.cpu_time_s, budget.wall_time_s])
}

/// A stage's own ranking replaces the study's; its bounds are added to the study's.
fn effective_objective(study: &Objective, stage: &Stage) -> Objective {
    match &stage.objective {
        None => study.clone(),
        Some(own) => Objective {
            rank: own.rank.clone(),
            bounds: study.bounds.iter().chain(&own.bounds).cloned().collect(),
        },
    }
}
