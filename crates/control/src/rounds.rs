//! Proposers that work in rounds: what a round holds, when it is due, and what of it is refused.
//!
//! A round is due when every trial of the rounds before is counted, so that it depends on results alone,
//! never on which came first.

use std::collections::{BTreeMap, BTreeSet};

use noodle2_model::{
    CaseName, EcoClass, EcoProposal, ExternalProposal, MetricSet, ParameterDomain, ParameterSpec,
    Parameters, PathProfile, ProposerKind, StageIndex, Veto,
};
use serde::Serialize;

use crate::diagnosis::{self, Diagnosis};
use crate::propose::{self, Planned, TrialKey};
use crate::recipe::{Recipe, qualified};
use crate::select::Verdict;
use crate::state::{Controller, StageStanding, Trial};

/// The version of what external proposers are given.
pub const HISTORY_VERSION: u32 = 1;

/// What an external proposer is given: what the stage started from, what it may try, and what came of all that
/// was tried before it and in it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CausalHistory {
    /// [`HISTORY_VERSION`].
    pub version: u32,
    /// The study's name.
    pub study: String,
    /// The study's seed.
    pub seed: u64,
    /// The stage's name.
    pub stage: String,
    /// The number of the round, from 1.
    pub round: u32,
    /// The most trials of the round that are made.
    pub round_size: u32,
    /// Trials that the stage has left, those of this round included.
    pub trials_left: u32,
    /// The metrics that the stage ranks by, in order of importance.
    pub rank: Vec<String>,
    /// The cases that it starts from.
    pub inputs: Vec<KnownCase>,
    /// The ECOs that it may try.
    pub ecos: Vec<KnownEco>,
    /// Trials of the stages before and of this stage's rounds before, in canonical order.
    pub trials: Vec<KnownTrial>,
}

/// A case as an external proposer sees it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct KnownCase {
    /// Its name.
    pub case: CaseName,
    /// Over all scenes.
    pub metrics: MetricSet,
    /// By scene.
    pub scenes: BTreeMap<String, MetricSet>,
    /// What its worst paths are made of.
    pub paths: Vec<PathProfile>,
    /// What may be wrong with it, most urgent first.
    pub diagnoses: Vec<Diagnosis>,
}

/// An ECO as an external proposer sees it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct KnownEco {
    /// Its name.
    pub name: String,
    /// The class of what it may do.
    pub class: EcoClass,
    /// Its parameters, with kinds and ranges. Those of a sequence bear the number of their step.
    pub parameters: BTreeMap<String, ParameterSpec>,
    /// The values to which the stage restricts them.
    pub values: BTreeMap<String, ParameterDomain>,
}

/// A trial as an external proposer sees it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct KnownTrial {
    /// Its case's name, whether it was derived or not.
    pub case: CaseName,
    /// The case that it started from.
    pub parent: CaseName,
    /// The ECO.
    pub eco: String,
    /// Its parameters. Those of a sequence bear the number of their step.
    pub parameters: Parameters,
    /// Whether its case is better than its parent by the objective of the stage that asks.
    pub improved: bool,
    /// `measured`, `no_effect`, or the class of failure.
    pub result: String,
    /// What was measured; absent where nothing was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metrics: Option<MetricSet>,
}

impl Controller {
    /// The round that a stage waits for, from 1; `None` when it waits for none.
    pub fn round_due(&self, stage: StageIndex) -> Option<u32> {
        let found = self.stages.get(stage.position())?;
        let declared = self.program.stage(stage);
        let due = found.standing == StageStanding::Running
            && declared.proposer.is_adaptive()
            && !found.exhausted
            && found.planned_count() < self.allotted_trials(stage) as usize
            && found.planned.is_empty()
            && found.tally.counted == found.planned_count()
            && found.tally.crossed.is_none()
            && found.tally.enough.is_none()
            && self.stop.is_none()
            && self.halted.is_none();
        due.then_some(found.rounds + 1)
    }

    /// Stages that wait for a round of an external proposer, with its number.
    pub fn external_rounds_due(&self) -> Vec<(StageIndex, u32)> {
        (0..self.stages.len())
            .map(StageIndex::from)
            .filter(|stage| self.program.stage(*stage).proposer.kind == ProposerKind::External)
            .filter_map(|stage| Some((stage, self.round_due(stage)?)))
            .collect()
    }

    /// What an external proposer is given for the next round of a stage.
    pub fn causal_history(&self, stage: StageIndex, round: u32) -> CausalHistory {
        let declared = self.program.stage(stage);
        let found = &self.stages[stage.position()];
        let study = self.program.study();
        CausalHistory {
            version: HISTORY_VERSION,
            study: study.name.clone(),
            seed: study.seed,
            stage: declared.name.clone(),
            round,
            round_size: declared.proposer.round_size(),
            trials_left: (self.allotted_trials(stage)).saturating_sub(found.planned_count() as u32),
            rank: self
                .program
                .objective(stage)
                .rank
                .iter()
                .map(|metric| metric.name().to_owned())
                .collect(),
            inputs: found
                .inputs
                .iter()
                .filter_map(|input| {
                    let case = self.cases.get(&input.case)?;
                    Some(KnownCase {
                        case: case.name.clone(),
                        metrics: case.measurement.overall.clone(),
                        scenes: case.measurement.scenes.clone(),
                        paths: case.measurement.paths.clone(),
                        diagnoses: diagnosis::diagnose(
                            &case.measurement,
                            &self.program.objective(stage).rank,
                        ),
                    })
                })
                .collect(),
            ecos: self.recipes(stage).iter().map(known_eco).collect(),
            trials: self
                .causal_trials(stage)
                .map(|trial| self.known(trial, stage))
                .collect(),
        }
    }

    /// Trials that a stage may learn from: of its ancestors and its own, in canonical order.
    fn causal_trials(&self, stage: StageIndex) -> impl Iterator<Item = &Trial> {
        let ancestors = self.program.dag().ancestors(stage);
        let order = self.program.canonical_order().iter().copied();
        order
            .filter(move |other| *other == stage || ancestors.contains(other))
            .flat_map(|other| self.trials_of(other))
            .filter(|trial| trial.verdict().is_some() && !self.is_discarded(trial.id))
    }

    fn known(&self, trial: &Trial, stage: StageIndex) -> KnownTrial {
        let case = self.case_of(trial);
        let (result, metrics) = match trial.verdict() {
            Some(Verdict::Failed(failure)) => (failure.class.name().to_owned(), None),
            Some(Verdict::NoEffect) | None => ("no_effect".to_owned(), None),
            Some(Verdict::Derived) => {
                let measured = self.cases.get(&case);
                let metrics = measured.map(|case| case.measurement.overall.clone());
                ("measured".to_owned(), metrics)
            }
        };
        KnownTrial {
            case,
            parent: trial.parent.clone(),
            eco: trial.eco.name.clone(),
            parameters: parameters_of(&trial.eco),
            improved: self.is_improvement(trial, stage),
            result,
            metrics,
        }
    }

    /// What of an external proposer's answer is tried, and what is refused, each with the reason.
    pub(crate) fn sift(
        &self,
        stage: StageIndex,
        answer: &[ExternalProposal],
    ) -> (Vec<Planned>, Vec<String>) {
        let found = &self.stages[stage.position()];
        let declared = self.program.stage(stage);
        let left = self.allotted_trials(stage) as usize - found.planned_count();
        let most = left.min(declared.proposer.round_size() as usize);
        let mut seen = self.tried_keys(stage);
        let mut accepted = Vec::new();
        let mut refused = Vec::new();
        for (place, proposal) in answer.iter().enumerate() {
            let result = if accepted.len() == most {
                Err(format!("the round holds {most} trials"))
            } else {
                self.judge_proposal(stage, proposal, &mut seen)
            };
            match result {
                Ok(trial) => accepted.push(trial),
                Err(reason) => refused.push(format!(
                    "proposal {} ({}): {reason}",
                    place + 1,
                    proposal.eco
                )),
            }
        }
        (accepted, refused)
    }

    fn judge_proposal(
        &self,
        stage: StageIndex,
        proposal: &ExternalProposal,
        seen: &mut BTreeSet<TrialKey>,
    ) -> Result<Planned, String> {
        let found = &self.stages[stage.position()];
        let inputs = &found.inputs;
        let parent = match &proposal.parent {
            Some(parent) => inputs.iter().find(|input| input.case == *parent),
            None => inputs.first(),
        };
        let parent = parent
            .ok_or("its parent is no input of the stage")?
            .case
            .clone();
        let recipes = self.recipes(stage);
        let named: Vec<&Recipe<'_>> = (recipes.iter())
            .filter(|recipe| recipe.name == proposal.eco)
            .collect();
        let Some(first) = named.first() else {
            return Err("the stage does not list this ECO".to_owned());
        };
        let mut contained = found.tally.contained.iter();
        if let Some(contained) = contained.find(|contained| first.is_kept_out(contained)) {
            return Err(format!("{} is contained", contained.scope));
        }
        let is_vetoed = |veto: &Veto| first.holds(&veto.eco) && veto.case == parent;
        if found.vetoed.iter().any(is_vetoed) {
            return Err("what is known of it vetoes it".to_owned());
        }
        // A stage may list an ECO several times, with other values each time.
        let mut admitted = named.iter().map(|recipe| {
            let values = recipe.admit(&proposal.parameters)?;
            Ok(recipe.proposal(&values))
        });
        let mut eco = admitted.next().unwrap_or_else(|| Err(String::new()));
        for other in admitted {
            eco = eco.or(other);
        }
        let eco = eco?;
        let design = self.design(&parent).ok_or("its parent is not measured")?;
        if !seen.insert(TrialKey::new(design, &eco)) {
            return Err("the same was tried before".to_owned());
        }
        Ok(Planned {
            parent,
            eco: eco.into(),
            reason: Some(&proposal.reason)
                .filter(|reason| !reason.is_empty())
                .cloned(),
        })
    }

    /// What ancestors have tried, and what the stage plans already.
    fn tried_keys(&self, stage: StageIndex) -> BTreeSet<TrialKey> {
        let mut seen = self.tried_by_ancestors(stage, &self.stages[stage.position()].inputs);
        seen.extend(self.own_keys(stage));
        seen
    }

    fn own_keys(&self, stage: StageIndex) -> BTreeSet<TrialKey> {
        let proposed = self
            .trials_of(stage)
            .map(|trial| (&trial.parent, &trial.eco));
        let planned = self.stages[stage.position()].planned.iter();
        proposed
            .chain(planned.map(|trial| (&trial.parent, &trial.eco)))
            .filter_map(|(parent, eco)| Some(TrialKey::new(self.design(parent)?, eco)))
            .collect()
    }

    /// Whether the case of a trial is better than its parent by the objective of `stage`.
    fn is_improvement(&self, trial: &Trial, stage: StageIndex) -> bool {
        let case = self.cases.get(&self.case_of(trial));
        case.zip(self.cases.get(&trial.parent))
            .is_some_and(|(case, parent)| {
                self.yardstick(stage)
                    .order(&case.measurement.overall, &parent.measurement.overall)
                    .is_gt()
            })
    }

    /// What is known of each ECO when a stage starts, from its ancestors and from earlier runs: trials that
    /// improved the metric that matters most, and those that did not. Faded tries are rounded.
    fn evidence_before<'a>(
        &self,
        stage: StageIndex,
        recipes: &[Recipe<'a>],
    ) -> BTreeMap<&'a str, (u32, u32)> {
        let known = self.evidence_for(stage);
        let metric = self.program.objective(stage).rank.first();
        let counts = recipes.iter().map(|recipe| {
            let found = known.for_choice_anywhere(recipe.name, recipe.content());
            let gains = metric.and_then(|metric| found.gains.get(metric));
            let improved = gains.map_or(0.0, |gains| gains.better);
            let failed: f64 = found.failures.values().sum();
            let not = found.effects + found.no_effects + failed - improved;
            (
                recipe.name,
                (improved.round() as u32, not.max(0.0).round() as u32),
            )
        });
        counts.collect()
    }

    /// The next round of a bandit.
    pub(crate) fn bandit_round(&self, stage: StageIndex, round: u32) -> Vec<Planned> {
        let found = &self.stages[stage.position()];
        let declared = self.program.stage(stage);
        let left = self.allotted_trials(stage) as usize - found.planned_count();
        let size = left.min(declared.proposer.round_size() as usize);
        let recipes = self.recipes(stage);
        let mut evidence = self.evidence_before(stage, &recipes);
        for trial in self.trials_of(stage) {
            if trial.verdict().is_none() || self.is_discarded(trial.id) {
                continue;
            }
            let known = recipes.iter().find(|recipe| recipe.name == trial.eco.name);
            let Some(recipe) = known else {
                continue;
            };
            let counts = evidence.entry(recipe.name).or_default();
            match self.is_improvement(trial, stage) {
                true => counts.0 += 1,
                false => counts.1 += 1,
            }
        }
        let inputs = &found.inputs;
        let designs: Vec<_> = inputs
            .iter()
            .filter_map(|input| self.design(&input.case))
            .collect();
        let context = propose::ProposalContext {
            budget: size,
            seed: self.program.study().seed,
            index: stage,
            recipes: &recipes,
            inputs,
            designs: &designs,
            tried: self.tried_by_ancestors(stage, &self.stages[stage.position()].inputs),
            own: self.own_keys(stage),
            contained: &found.tally.contained,
            vetoed: &found.vetoed,
        };
        propose::bandit(&context, round, &evidence)
    }
}

fn known_eco(recipe: &Recipe<'_>) -> KnownEco {
    KnownEco {
        name: recipe.name.to_owned(),
        class: recipe.class(),
        parameters: recipe.parameters(),
        values: recipe.values(),
    }
}

/// The parameters of a proposal under the names by which a stage restricts them.
fn parameters_of(eco: &EcoProposal) -> Parameters {
    let steps = eco.sequence.iter().enumerate();
    let of_steps = steps.flat_map(|(step, eco)| {
        let parameters = eco.parameters.iter();
        parameters.map(move |(name, value)| (qualified(true, step, name), value.clone()))
    });
    let own = eco.parameters.clone().into_iter();
    own.chain(of_steps).collect()
}
