//! What a stage proposes, and when: all at its start, or round by round once every trial of the round before
//! has ended.

use std::collections::{BTreeMap, BTreeSet};

use noodle2_model::{
    Containment, ContentHash, Event, ExternalProposal, Proposer, RefusedProposal, RoundAnswer,
    StageIndex, StageInput,
};

use crate::bandit::{self, ArmEvidence, StageEvidence};
use crate::diagnosis;
use crate::propose::{self, Planned, ProposalContext, TrialKey};
use crate::recipe::Recipe;
use crate::select;
use crate::state::{Controller, Stage, StageStanding, Trial};

/// What is planned next, and whether nothing comes after it.
pub(crate) struct Plan {
    pub trials: Vec<Planned>,
    pub complete: bool,
    /// Whether an external proposer has to be asked for it.
    pub asks: bool,
}

impl Controller {
    /// What a stage proposes when it starts from these inputs: all, or its first round.
    pub(crate) fn plan_start(&self, stage: StageIndex, inputs: &[StageInput]) -> Plan {
        let contained = self.inherited_tally(stage).contained;
        self.plan(stage, inputs, 1, &contained)
    }

    /// Plans the next round of a stage that works in rounds of its own, once the one before has ended.
    pub(crate) fn advance_round(&mut self, stage: StageIndex) {
        if !self.is_round_over(stage) || self.is_external(stage) {
            return;
        }
        let found = &self.stages[stage.position()];
        let round = found.rounds + 1;
        let plan = self.plan(stage, &found.inputs, round, &found.tally.contained);
        let found = &mut self.stages[stage.position()];
        found.rounds = round;
        found.planned.extend(plan.trials);
        found.complete = plan.complete;
    }

    fn is_external(&self, stage: StageIndex) -> bool {
        let proposer = &self.program.stage(stage).proposer;
        matches!(proposer, Some(Proposer::External(_)))
    }

    /// Whether a stage may propose more, and all that it proposed is counted.
    fn is_round_over(&self, stage: StageIndex) -> bool {
        let found = &self.stages[stage.position()];
        found.standing == StageStanding::Running && !found.complete && found.is_counted()
    }

    fn plan(
        &self,
        stage: StageIndex,
        inputs: &[StageInput],
        round: u32,
        contained: &[Containment],
    ) -> Plan {
        let declared = self.program.stage(stage);
        let recipes = self.recipes(stage);
        let designs: Vec<ContentHash> = inputs
            .iter()
            .filter_map(|input| self.design(&input.case))
            .collect();
        let own: BTreeSet<TrialKey> = self.keys_of(stage).collect();
        let planned_before = self.stages[stage.position()].planned.len();
        let budget = (declared.trials as usize).saturating_sub(planned_before);
        let context = ProposalContext {
            seed: self.program.study().seed,
            index: stage,
            recipes: &recipes,
            inputs,
            designs: &designs,
            tried: self.tried_by_ancestors(stage),
            own,
            contained,
            budget,
        };
        let all = |trials| Plan {
            trials,
            complete: true,
            asks: false,
        };
        match &declared.proposer {
            None => all(propose::as_they_fit(&context)),
            Some(Proposer::Grid) => all(propose::grid(&context)),
            Some(Proposer::Random) => all(propose::random(&context)),
            Some(Proposer::Diagnosis(_)) => {
                let rank = &self.program.objective(stage).rank;
                let diagnoses: Vec<_> = inputs
                    .iter()
                    .filter_map(|input| self.cases.get(&input.case))
                    .map(|case| diagnosis::diagnose(&case.measurement, rank))
                    .collect();
                all(diagnosis::propose(&context, &diagnoses))
            }
            Some(Proposer::Bandit(rules)) => {
                let evidence = self.stage_evidence(stage, inputs);
                let trials = bandit::round(&context, rules, round, &evidence);
                // A round that is not full found nothing more to try.
                let complete = trials.len() == budget || trials.len() < rules.round as usize;
                Plan {
                    trials,
                    complete,
                    asks: false,
                }
            }
            Some(Proposer::External(_)) => Plan {
                trials: Vec::new(),
                complete: declared.trials == 0,
                asks: true,
            },
        }
    }

    pub(crate) fn recipes(&self, stage: StageIndex) -> Vec<Recipe<'_>> {
        let ecos = &self.program.identity().ecos;
        let entries = self.program.entries(stage).iter();
        entries
            .filter_map(|entry| Recipe::new(entry, ecos))
            .collect()
    }

    fn keys_of(&self, stage: StageIndex) -> impl Iterator<Item = TrialKey> {
        self.trials_of(stage)
            .filter_map(|trial| Some(TrialKey::new(self.design(&trial.parent)?, &trial.eco)))
    }

    fn tried_by_ancestors(&self, stage: StageIndex) -> BTreeSet<TrialKey> {
        self.program
            .dag()
            .ancestors(stage)
            .into_iter()
            .flat_map(|ancestor| self.trials_of(ancestor))
            .filter(|trial| !self.is_discarded(trial.id))
            .filter_map(|trial| Some(TrialKey::new(self.design(&trial.parent)?, &trial.eco)))
            .collect()
    }

    /// What a stage knows of its arms: from its ancestors, and from its own rounds that ended.
    fn stage_evidence(&self, stage: StageIndex, inputs: &[StageInput]) -> StageEvidence {
        let mut evidence = StageEvidence {
            before: self.evidence_before(stage),
            within: BTreeMap::new(),
        };
        for trial in self.trials_of(stage) {
            let position = inputs.iter().position(|input| input.case == trial.parent);
            if let Some(input) = position
                && let Some(found) = self.evidence_of(trial, stage)
            {
                let arm = (trial.eco.name.clone(), input);
                evidence.within.entry(arm).or_default().add(found);
            }
        }
        evidence
    }

    /// What is known of each ECO when a stage starts: causal evidence, that is from its ancestors alone. What
    /// else is known beforehand, such as from other studies, is to be added here.
    fn evidence_before(&self, stage: StageIndex) -> BTreeMap<String, ArmEvidence> {
        let mut known: BTreeMap<String, ArmEvidence> = BTreeMap::new();
        for ancestor in self.program.dag().ancestors(stage) {
            for trial in self.trials_of(ancestor) {
                if let Some(found) = self.evidence_of(trial, stage) {
                    let eco = trial.eco.name.clone();
                    known.entry(eco).or_default().add(found);
                }
            }
        }
        known
    }

    /// What a trial tells by the objective of `stage`; `None` while it has not ended, and where it counts for
    /// nothing.
    fn evidence_of(&self, trial: &Trial, stage: StageIndex) -> Option<ArmEvidence> {
        trial.verdict()?;
        (!self.is_discarded(trial.id)).then(|| ArmEvidence {
            tries: 1,
            improved: u64::from(self.is_improvement(trial, stage)),
        })
    }

    /// Whether the case of a trial is better than its parent by the objective of `stage`.
    pub(crate) fn is_improvement(&self, trial: &Trial, stage: StageIndex) -> bool {
        let case = self.cases.get(&self.case_of(trial));
        case.zip(self.cases.get(&trial.parent))
            .is_some_and(|(case, parent)| {
                select::order(
                    self.program.objective(stage),
                    self.base_metrics(),
                    &case.measurement.overall,
                    &parent.measurement.overall,
                )
                .is_gt()
            })
    }

    /// The round for which the external proposer of a stage is to be asked; `None` while no answer is awaited.
    pub fn awaited_round(&self, stage: StageIndex) -> Option<u32> {
        (self.is_external(stage) && self.is_round_over(stage))
            .then(|| self.stages[stage.position()].rounds + 1)
    }

    /// The rounds for which external proposers are to be asked now, by stage. Asking decides nothing: what they
    /// answer is an event.
    pub fn rounds_to_ask(&self) -> Vec<(StageIndex, u32)> {
        let stands_still = self.stop.is_some()
            || self.halted.is_some()
            || self.blocked.is_some()
            || self.finished.is_some();
        if stands_still {
            return Vec::new();
        }
        (0..self.stages.len())
            .map(StageIndex::from)
            .filter_map(|stage| Some((stage, self.awaited_round(stage)?)))
            .collect()
    }

    /// Takes the answer of an external proposer in: what it may try is planned, the rest refused.
    pub(crate) fn take_answer(&mut self, stage: StageIndex, answer: &RoundAnswer) {
        let most = self.program.stage(stage).trials as usize;
        let (accepted, refused, done) = match answer {
            RoundAnswer::Proposals { proposals, done } => {
                let (accepted, refused) = self.sift(stage, proposals);
                (accepted, refused, *done)
            }
            RoundAnswer::Failed(failure) => {
                self.stages[stage.position()].proposer_failure = Some(failure.clone());
                (Vec::new(), Vec::new(), true)
            }
        };
        let found = &mut self.stages[stage.position()];
        found.rounds += 1;
        // A round of nothing that may be tried is the last: the same question would be asked for ever.
        found.complete =
            done || accepted.is_empty() || found.planned.len() + accepted.len() >= most;
        found.planned.extend(accepted);
        found.refusals_due = refused;
    }

    /// What of an answer may be tried, and what not, with the reason.
    fn sift(
        &self,
        stage: StageIndex,
        proposals: &[ExternalProposal],
    ) -> (Vec<Planned>, Vec<RefusedProposal>) {
        let found = &self.stages[stage.position()];
        let declared = self.program.stage(stage);
        let Some(Proposer::External(rules)) = &declared.proposer else {
            return (Vec::new(), Vec::new());
        };
        let left = (declared.trials as usize).saturating_sub(found.planned.len());
        let room = left.min(rules.round as usize);
        let recipes = self.recipes(stage);
        let mut seen = self.tried_by_ancestors(stage);
        seen.extend(self.keys_of(stage));
        let mut accepted = Vec::new();
        let mut refused = Vec::new();
        for (position, proposal) in proposals.iter().enumerate() {
            let planned = if accepted.len() < room {
                self.judge_proposal(found, &recipes, proposal, &mut seen)
            } else {
                Err(format!("the round has room for {room}"))
            };
            match planned {
                Ok(planned) => accepted.push(planned),
                Err(reason) => refused.push(RefusedProposal {
                    position: position as u32,
                    reason,
                }),
            }
        }
        (accepted, refused)
    }

    fn judge_proposal(
        &self,
        stage: &Stage,
        recipes: &[Recipe<'_>],
        proposal: &ExternalProposal,
        seen: &mut BTreeSet<TrialKey>,
    ) -> Result<Planned, String> {
        let mut inputs = stage.inputs.iter().map(|input| &input.case);
        let parent = inputs.find(|case| case.to_string() == proposal.parent);
        let Some((parent, design)) = parent.and_then(|case| Some((case, self.design(case)?)))
        else {
            return Err(format!("`{}` is no input of the stage", proposal.parent));
        };
        let named: Vec<&Recipe<'_>> = (recipes.iter())
            .filter(|recipe| recipe.name == proposal.eco)
            .collect();
        if named.is_empty() {
            return Err(format!("the stage does not try `{}`", proposal.eco));
        }
        let mut contained = stage.tally.contained.iter();
        if let Some(containment) = contained.find(|containment| named[0].is_kept_out(containment)) {
            return Err(format!("{} is contained", containment.scope));
        }
        // A stage may name an ECO several times, with other values each time.
        let mut admitted = named.iter().map(|recipe| {
            let values = recipe.admit(&proposal.parameters)?;
            Ok(recipe.proposal(&values))
        });
        let mut found = admitted.next().unwrap_or_else(|| Err(String::new()));
        for other in admitted {
            found = found.or(other);
        }
        let eco = found?;
        if !seen.insert(TrialKey::new(design, &eco)) {
            return Err("it was tried already".to_owned());
        }
        Ok(Planned {
            parent: parent.clone(),
            eco,
            reason: proposal.reason.clone(),
        })
    }

    /// The refusals of an answer that are not in the journal yet.
    pub(crate) fn proposal_refusals(&self, stage: StageIndex) -> Option<Event> {
        let found = self.stages.get(stage.position())?;
        (!found.refusals_due.is_empty()).then(|| Event::ProposalsRefused {
            stage,
            round: found.rounds,
            refused: found.refusals_due.clone(),
        })
    }
}
