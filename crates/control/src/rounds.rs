//! Proposers that work in rounds: what a round holds, when it is due, and what of it is refused.
//!
//! A round is due when every trial of the rounds before is counted, so that it depends on results alone,
//! never on which came first.

use std::collections::{BTreeMap, BTreeSet};

use noodle2_model::{
    CaseName, EcoProposal, ExternalProposal, MetricSet, ParameterDomain, ParameterKind,
    ParameterSpec, ParameterValue, Parameters, ProposerKind, StageEco, StageIndex, Veto,
};
use serde::Serialize;

use crate::propose::{self, TrialKey};
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
}

/// An ECO as an external proposer sees it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct KnownEco {
    /// Its name.
    pub name: String,
    /// Its parameters, with kinds and ranges.
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
    /// Its parameters.
    pub parameters: Parameters,
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
            && found.planned.len() < declared.trials as usize
            && found.proposed == found.planned.len()
            && found.tally.counted == found.planned.len()
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
        let ecos = declared.ecos.iter().filter_map(|eco| {
            let definition = self.program.identity().ecos.get(&eco.name)?;
            Some(KnownEco {
                name: eco.name.clone(),
                parameters: definition.manifest.parameters.clone(),
                values: eco.parameters.clone(),
            })
        });
        CausalHistory {
            version: HISTORY_VERSION,
            study: study.name.clone(),
            seed: study.seed,
            stage: declared.name.clone(),
            round,
            round_size: declared.proposer.round_size(),
            trials_left: declared.trials - (found.planned.len() as u32).min(declared.trials),
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
                    })
                })
                .collect(),
            ecos: ecos.collect(),
            trials: self
                .causal_trials(stage)
                .map(|trial| self.known(trial))
                .collect(),
        }
    }

    /// Trials that a stage may learn from: of its ancestors and its own, in canonical order.
    fn causal_trials(&self, stage: StageIndex) -> impl Iterator<Item = &Trial> {
        let ancestors = self.program.dag().ancestors(stage);
        let order = self.program.dag().topological_order().iter().copied();
        order
            .filter(move |other| *other == stage || ancestors.contains(other))
            .flat_map(|other| self.trials_of(other))
            .filter(|trial| trial.verdict().is_some() && !self.is_discarded(trial.id))
    }

    fn known(&self, trial: &Trial) -> KnownTrial {
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
            parameters: trial.eco.parameters.clone(),
            result,
            metrics,
        }
    }

    /// What of an external proposer's answer is tried, and what is refused, each with the reason.
    pub(crate) fn sift(
        &self,
        stage: StageIndex,
        answer: &[ExternalProposal],
    ) -> (Vec<(CaseName, EcoProposal)>, Vec<String>) {
        let found = &self.stages[stage.position()];
        let declared = self.program.stage(stage);
        let left = declared.trials as usize - found.planned.len();
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
    ) -> Result<(CaseName, EcoProposal), String> {
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
        let entries: Vec<&StageEco> = self
            .program
            .stage(stage)
            .ecos
            .iter()
            .filter(|eco| eco.name == proposal.eco)
            .collect();
        let definition = self.program.identity().ecos.get(&proposal.eco);
        let (false, Some(definition)) = (entries.is_empty(), definition) else {
            return Err("the stage does not list this ECO".to_owned());
        };
        let manifest = &definition.manifest;
        let keeps_out = found
            .tally
            .contained
            .iter()
            .find(|contained| contained.keeps_out(&manifest.name, manifest.class));
        if let Some(contained) = keeps_out {
            return Err(format!("{} is contained", contained.scope));
        }
        let is_vetoed = |veto: &Veto| veto.eco == proposal.eco && veto.case == parent;
        if found.vetoed.iter().any(is_vetoed) {
            return Err("what is known of it vetoes it".to_owned());
        }
        let mut given = Parameters::new();
        for (name, value) in &proposal.parameters {
            let spec = manifest.parameters.get(name);
            let spec = spec.ok_or_else(|| format!("it has no parameter `{name}`"))?;
            let admitted = spec.kind.admit(value);
            let admitted = admitted.ok_or_else(|| format!("`{name}` does not take {value}"))?;
            given.insert(name.clone(), admitted);
        }
        let complete = manifest.complete(&given);
        let fits = |eco: &&StageEco| {
            eco.parameters.iter().all(|(name, domain)| {
                let kind = manifest.parameters.get(name).map(|spec| &spec.kind);
                complete
                    .get(name)
                    .zip(kind)
                    .is_some_and(|(value, kind)| lies_in(value, domain, kind))
            })
        };
        if !entries.iter().any(fits) {
            return Err("its parameters are not among those that the stage lists".to_owned());
        }
        let eco = EcoProposal {
            name: manifest.name.clone(),
            version: manifest.version,
            content: definition.content,
            class: manifest.class,
            parameters: complete,
            composition: None,
        };
        let design = self.design(&parent).ok_or("its parent is not measured")?;
        if !seen.insert(TrialKey::new(design, &eco)) {
            return Err("the same was tried before".to_owned());
        }
        Ok((parent, eco))
    }

    /// What ancestors have tried, and what the stage plans already.
    fn tried_keys(&self, stage: StageIndex) -> BTreeSet<TrialKey> {
        let planned = self.stages[stage.position()].planned.iter();
        let planned =
            planned.filter_map(|(parent, eco)| Some(TrialKey::new(self.design(parent)?, eco)));
        let mut seen = self.tried_by_ancestors(stage);
        seen.extend(planned);
        seen
    }

    /// The next round of a bandit.
    pub(crate) fn bandit_round(
        &self,
        stage: StageIndex,
        round: u32,
    ) -> Vec<(CaseName, EcoProposal)> {
        let found = &self.stages[stage.position()];
        let declared = self.program.stage(stage);
        let left = declared.trials as usize - found.planned.len();
        let size = left.min(declared.proposer.round_size() as usize);
        let metric = self.program.objective(stage).rank.first().copied();
        let mut evidence: BTreeMap<&str, (u32, u32)> = BTreeMap::new();
        for trial in self.causal_trials(stage) {
            let value = |name: &CaseName| self.cases.get(name)?.measurement.overall.get(metric?);
            let gain = value(&trial.parent)
                .zip(value(&self.case_of(trial)))
                .zip(metric)
                .map(|((parent, case), metric)| metric.gain(parent, case));
            let counts = evidence.entry(&trial.eco.name).or_default();
            match gain {
                Some(gain) if gain > 0.0 => counts.0 += 1,
                _ => counts.1 += 1,
            }
        }
        let inputs = &found.inputs;
        let designs: Vec<_> = inputs
            .iter()
            .filter_map(|input| self.design(&input.case))
            .collect();
        propose::bandit(
            &propose::ProposalContext {
                budget: size,
                seed: self.program.study().seed,
                index: stage,
                stage: declared,
                ecos: &self.program.identity().ecos,
                inputs,
                designs: &designs,
                tried: self.tried_keys(stage),
                contained: &found.tally.contained,
                vetoed: &found.vetoed,
            },
            round,
            size,
            &evidence,
        )
    }
}

/// Whether a value is among those that a stage lists.
fn lies_in(value: &ParameterValue, domain: &ParameterDomain, kind: &ParameterKind) -> bool {
    let is = |other: &ParameterValue| kind.admit(other).as_ref() == Some(value);
    match domain {
        ParameterDomain::Value(other) => is(other),
        ParameterDomain::Values(others) => others.iter().any(is),
        ParameterDomain::Range { from, to, .. } => match value {
            ParameterValue::Integer(value) => (*from..=*to).contains(&(*value as f64)),
            ParameterValue::Real(value) => (*from..=*to).contains(value),
            _ => false,
        },
    }
}
