//! A run's identity compiled into what the rules ask of it: the stage DAG, priorities, objectives.

use std::collections::BTreeSet;

use noodle2_model::{Metric, Objective, RunIdentity, Stage, StageIndex, Study};
use noodle2_plan::{DagError, StageDag};

/// Everything about a run that never changes while it runs.
#[derive(Debug, Clone)]
pub struct Program {
    identity: RunIdentity,
    dag: StageDag,
    objectives: Vec<Objective>,
    longest_remaining: Vec<f64>,
}

/// A study whose stages cannot be run. Studies that were read from a file were checked for this.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    /// The stages do not form a DAG.
    #[error("the stages do not form a graph that can be run: {}", list(.0))]
    Graph(Vec<DagError>),
    /// A stage names a stage that is not there.
    #[error("stage `{stage}` comes after `{missing}`, which is no stage of the study")]
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
            if let Some(eco) = stage
                .ecos
                .iter()
                .find(|eco| !identity.ecos.contains_key(&eco.name))
            {
                return Err(ProgramError::UnknownEco {
                    stage: stage.name.clone(),
                    eco: eco.name.clone(),
                });
            }
        }
        let objectives = study
            .stages
            .iter()
            .map(|stage| effective_objective(&study.objective, stage))
            .collect();
        let trials: Vec<f64> = study
            .stages
            .iter()
            .map(|stage| f64::from(stage.trials.max(1)))
            .collect();
        let longest_remaining = dag.longest_remaining(&trials);
        Ok(Self {
            dag,
            objectives,
            longest_remaining,
            identity,
        })
    }

    /// The stage DAG of a study.
    ///
    /// # Errors
    /// When a stage is named that is not there, or the stages form no DAG.
    pub fn dag_of(study: &Study) -> Result<StageDag, ProgramError> {
        let mut edges = Vec::new();
        for (position, stage) in study.stages.iter().enumerate() {
            for name in &stage.after {
                let before = study
                    .stages
                    .iter()
                    .position(|other| other.name == *name)
                    .ok_or_else(|| ProgramError::UnknownStage {
                        stage: stage.name.clone(),
                        missing: name.clone(),
                    })?;
                edges.push((StageIndex::from(before), StageIndex::from(position)));
            }
        }
        StageDag::new(study.stages.len(), edges).map_err(ProgramError::Graph)
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

    /// The objective that holds in a stage.
    pub fn objective(&self, stage: StageIndex) -> &Objective {
        &self.objectives[stage.position()]
    }

    /// How much work, in trials, lies on the longest path from the end of this stage to the end of the study.
    pub(crate) fn work_after(&self, stage: StageIndex) -> f64 {
        let after = self.dag.dependents(stage).iter();
        after
            .map(|dependent| self.longest_remaining[dependent.position()])
            .fold(0.0, f64::max)
    }

    /// The metrics by which the base case must be measurable: those that any stage ranks by.
    pub(crate) fn ranked_metrics(&self) -> BTreeSet<Metric> {
        self.objectives
            .iter()
            .flat_map(|objective| objective.rank.iter().copied())
            .collect()
    }
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
