//! What an external proposer is given: the causal history of its stage. `docs/proposers.md` describes it.

use std::collections::BTreeMap;

use noodle2_model::{
    CaseName, EcoClass, EcoProposal, FailureClass, MetricSet, Objective, ParameterValue,
    PathProfile, Proposer, StageIndex, TrialId,
};
use serde::Serialize;

use crate::diagnosis::{self, Diagnosis};
use crate::recipe::{AxisValues, Recipe};
use crate::select::Verdict;
use crate::state::{Case, Controller, Trial};

/// What an external proposer is given on its standard input, as JSON.
#[derive(Debug, Clone, Serialize)]
pub struct RoundRequest {
    /// [`RoundRequest::SCHEMA`].
    pub schema: &'static str,
    /// The study.
    pub study: String,
    /// The index of the stage.
    pub stage: StageIndex,
    /// Its name.
    pub stage_name: String,
    /// The round, from 1.
    pub round: u32,
    /// The seed of the study: the source of whatever is chosen by chance.
    pub seed: u64,
    /// How many proposals the round has room for.
    pub room: u32,
    /// What is wanted.
    pub objective: Objective,
    /// What losses are held against.
    pub base: MetricSet,
    /// The cases to start from.
    pub inputs: Vec<RequestInput>,
    /// What may be tried.
    pub ecos: Vec<RequestEco>,
    /// Every trial of the stages before and of this one that ended and counts, in canonical order.
    pub history: Vec<RequestTrial>,
}

impl RoundRequest {
    /// The name and version of the form of requests.
    pub const SCHEMA: &'static str = "noodle2.round-request/1";
    /// The name and version of the form of answers.
    pub const ANSWER_SCHEMA: &'static str = "noodle2.round-answer/1";
}

/// A case to start from.
#[derive(Debug, Clone, Serialize)]
pub struct RequestInput {
    /// The case.
    pub case: CaseName,
    /// Its metrics over all scenes.
    pub metrics: MetricSet,
    /// Its metrics by scene.
    pub scenes: BTreeMap<String, MetricSet>,
    /// What its worst paths are made of.
    pub paths: Vec<PathProfile>,
    /// What may be wrong with it, most urgent first.
    pub diagnoses: Vec<Diagnosis>,
}

/// An ECO that may be tried.
#[derive(Debug, Clone, Serialize)]
pub struct RequestEco {
    /// Its name.
    pub name: String,
    /// Its class.
    pub class: EcoClass,
    /// What it does, step by step.
    pub descriptions: Vec<String>,
    /// Its parameters that have values to choose from; those of a sequence bear the number of their step.
    pub parameters: BTreeMap<String, RequestValues>,
}

/// The values of a parameter.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RequestValues {
    /// One of these.
    Values(Vec<ParameterValue>),
    /// Any real number between these, both included.
    Range {
        /// The least.
        from: f64,
        /// The greatest.
        to: f64,
    },
}

/// A trial that ended.
#[derive(Debug, Clone, Serialize)]
pub struct RequestTrial {
    /// The trial.
    pub trial: TrialId,
    /// The case that it started from.
    pub parent: CaseName,
    /// What was tried.
    pub eco: EcoProposal,
    /// `derived`, `no_effect` or `failed`.
    pub result: &'static str,
    /// How it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<FailureClass>,
    /// The case that it derived.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub case: Option<CaseName>,
    /// What was measured of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metrics: Option<MetricSet>,
    /// Whether that is better than the parent by the objective of this stage.
    pub improved: bool,
}

impl Controller {
    /// What the external proposer of a stage is given for the round that is awaited; `None` while none is.
    pub fn round_request(&self, stage: StageIndex) -> Option<RoundRequest> {
        let round = self.awaited_round(stage)?;
        let declared = self.program.stage(stage);
        let Some(Proposer::External(rules)) = &declared.proposer else {
            return None;
        };
        let found = &self.stages[stage.position()];
        let objective = self.program.objective(stage);
        let inputs = found.inputs.iter();
        let inputs = inputs.filter_map(|input| self.cases.get(&input.case));
        let mut before = self.program.dag().ancestors(stage);
        before.insert(stage);
        let order = self.program.dag().topological_order().iter();
        let history = order
            .filter(|other| before.contains(other))
            .flat_map(|other| self.trials_of(*other))
            .filter_map(|trial| self.request_trial(trial, stage));
        Some(RoundRequest {
            schema: RoundRequest::SCHEMA,
            study: self.program.study().name.clone(),
            stage,
            stage_name: declared.name.clone(),
            round,
            seed: self.program.study().seed,
            room: rules
                .round
                .min(declared.trials - found.planned.len() as u32),
            objective: objective.clone(),
            base: self.base_metrics().clone(),
            inputs: inputs.map(|case| request_input(case, objective)).collect(),
            ecos: self.recipes(stage).iter().map(request_eco).collect(),
            history: history.collect(),
        })
    }

    fn request_trial(&self, trial: &Trial, stage: StageIndex) -> Option<RequestTrial> {
        let verdict = trial.verdict()?;
        if self.is_discarded(trial.id) {
            return None;
        }
        let case = self.cases.get(&self.case_of(trial));
        Some(RequestTrial {
            trial: trial.id,
            parent: trial.parent.clone(),
            eco: trial.eco.clone(),
            result: match verdict {
                Verdict::Derived => "derived",
                Verdict::NoEffect => "no_effect",
                Verdict::Failed(_) => "failed",
            },
            failure: trial.failure().map(|failure| failure.class),
            case: case.map(|case| case.name.clone()),
            metrics: case.map(|case| case.measurement.overall.clone()),
            improved: self.is_improvement(trial, stage),
        })
    }
}

fn request_input(case: &Case, objective: &Objective) -> RequestInput {
    RequestInput {
        case: case.name.clone(),
        metrics: case.measurement.overall.clone(),
        scenes: case.measurement.scenes.clone(),
        paths: case.measurement.paths.clone(),
        diagnoses: diagnosis::diagnose(&case.measurement, &objective.rank),
    }
}

fn request_eco(recipe: &Recipe<'_>) -> RequestEco {
    let parts = recipe.parts().iter();
    let axes = recipe.axes.iter().map(|axis| {
        let values = match &axis.values {
            AxisValues::Listed(values) => RequestValues::Values(values.clone()),
            AxisValues::Sampled { from, to } => RequestValues::Range {
                from: *from,
                to: *to,
            },
        };
        (axis.name.clone(), values)
    });
    RequestEco {
        name: recipe.name.to_owned(),
        class: recipe.class(),
        descriptions: parts
            .map(|part| part.manifest.description.clone())
            .collect(),
        parameters: axes.collect(),
    }
}
