//! The rules: given the state, which decisions follow.

use std::collections::{BTreeMap, BTreeSet};

use noodle2_model::{
    CaseName, Containment, ContentHash, EcoProposal, Event, JoinMerge, JoinPolicy, MetricSet,
    ProposerKind, RunStatus, StageEnd, StageIndex, StageInput, TrialId, Veto,
};

use crate::diagnosis::{self, Diagnosis};
use crate::doom::Approach;
use crate::gate;
use crate::propose::{self, Planned, ProposalContext, TrialKey};
use crate::recipe::Recipe;
use crate::schedule::Offer;
use crate::select::{self, Candidate};
use crate::state::{Controller, Stage, StageStanding, Trial, TrialStanding};
use crate::survive::{self, Contender};

/// How many trials are proposed in one batch.
const PROPOSALS_AT_ONCE: usize = 4096;

impl Controller {
    /// The decisions that follow from the state, given what there is to start attempts with: so many free workers, or
    /// an [`Offer`] that limits memory too. Journal them, apply them, then ask again until none follows. The order in
    /// which trials ended, and how long they took, has no influence on any of them but the starts.
    pub fn decide(&self, offer: impl Into<Offer>) -> Vec<Event> {
        if self.finished.is_some() {
            return Vec::new();
        }
        if let (Some((at, cause)), None) = (&self.study_tally.crossed, &self.halted) {
            let (at, cause) = (*at, cause.clone());
            return vec![Event::StudyRailCrossed { at, cause }];
        }
        if let Some((status, digest)) = self.run_end() {
            return vec![Event::RunFinished { status, digest }];
        }
        if self.halted.is_some() {
            return self.halting();
        }
        if self.stop.is_some() {
            return Vec::new();
        }
        if let (Some(reasons), None) = (self.reasons_to_block(), &self.blocked) {
            return vec![Event::RunBlocked { reasons }];
        }
        if let Some((owner, time)) = self.spent_cpu_time() {
            return vec![Event::TimeSpent { owner, time }];
        }
        if let Some(noise) = self.noise_due() {
            return vec![noise];
        }
        let decisions = self.stage_decisions();
        if decisions.is_empty() {
            self.starts(offer.into())
        } else {
            decisions
        }
    }

    fn stage_decisions(&self) -> Vec<Event> {
        for position in 0..self.stages.len() {
            let stage = StageIndex::from(position);
            if let Some(opening) = self.stage_opening(stage) {
                return vec![opening];
            }
            let proposals = self.remaining_proposals(stage);
            if !proposals.is_empty() {
                return proposals;
            }
            if self.program.stage(stage).proposer.kind == ProposerKind::Bandit
                && let Some(round) = self.round_due(stage)
            {
                return vec![Event::RoundPlanned { stage, round }];
            }
            let contained = self.containing(stage);
            if !contained.is_empty() {
                return contained;
            }
            let cases = self.refusals_due(stage);
            if !cases.is_empty() {
                return vec![Event::PromotionsRefused { stage, cases }];
            }
            if let Some(end) = self.stage_end(stage) {
                return self.closing(stage, end);
            }
        }
        Vec::new()
    }

    /// What is newly contained in a stage, and the trials that are called off for what is.
    fn containing(&self, stage: StageIndex) -> Vec<Event> {
        let found = &self.stages[stage.position()];
        if found.standing != StageStanding::Running {
            return Vec::new();
        }
        if let Some(containment) = found.tally.contained.get(found.contained) {
            let containment = containment.clone();
            return vec![Event::Contained { stage, containment }];
        }
        if let Some((at, cause)) = self.satisfaction_due(stage) {
            let (at, cause) = (*at, cause.clone());
            return vec![Event::StageSatisfied { stage, at, cause }];
        }
        debug_assert!(
            (found.contained == 0 && !found.satisfied)
                || found.unwanted == self.unwanted_among(stage),
            "what is to be called off was not kept up"
        );
        let unwanted = found.unwanted.iter();
        unwanted
            .map(|derived| TrialId {
                stage,
                derived: *derived,
            })
            .filter_map(|trial| {
                let cause = self.cause_within_stage(trial)?;
                Some(Event::TrialCancelled { trial, cause })
            })
            .collect()
    }

    /// Notes which trials of a stage are to be called off, after something was decided that may call them off: no
    /// other decision then needs to look at each.
    pub(crate) fn note_unwanted(&mut self, stage: StageIndex) {
        self.stages[stage.position()].unwanted = self.unwanted_among(stage);
    }

    fn unwanted_among(&self, stage: StageIndex) -> BTreeSet<u32> {
        let unfinished = self.trials_of(stage).filter(|trial| is_unfinished(trial));
        let unwanted = unfinished.filter(|trial| self.cause_within_stage(trial.id).is_some());
        unwanted.map(|trial| trial.id.derived).collect()
    }

    /// That a running stage has seen enough, until that is in the journal.
    pub(crate) fn satisfaction_due(&self, stage: StageIndex) -> Option<&(TrialId, String)> {
        let found = self.stages.get(stage.position())?;
        let due = found.standing == StageStanding::Running && !found.satisfied;
        found.tally.enough.as_ref().filter(|_| due)
    }

    /// Why a trial is called off while its stage goes on: it is contained, the stage has seen enough, or it is out of
    /// time.
    pub(crate) fn cause_within_stage(&self, trial: TrialId) -> Option<String> {
        if let Some(containment) = self.containment_of(trial) {
            return Some(containment_cause(containment));
        }
        let stage = &self.stages[trial.stage.position()];
        let (at, cause) = stage.last_counted()?;
        (trial > *at).then(|| match stage.out_of_time {
            Some(_) => cause.clone(),
            None => format!("the stage has seen enough: {cause}"),
        })
    }

    /// Calls off what still runs once a rail of the study is crossed.
    fn halting(&self) -> Vec<Event> {
        // A survivor may be examined by several attempts at once.
        let running: BTreeSet<TrialId> = self.running.iter().map(|attempt| attempt.trial).collect();
        running
            .into_iter()
            .filter(|trial| {
                self.trials
                    .get(trial)
                    .is_some_and(|trial| trial.cancelled.is_none())
            })
            .filter_map(|trial| {
                let cause = self.cancel_cause(trial)?;
                Some(Event::TrialCancelled { trial, cause })
            })
            .collect()
    }

    /// Why the rules call a trial off; `None` while they do not.
    pub(crate) fn cancel_cause(&self, trial: TrialId) -> Option<String> {
        if let Some((_, cause)) = &self.halted {
            return Some(format!("a rail of the study was crossed: {cause}"));
        }
        if let Some(cause) = self.cause_within_stage(trial) {
            return Some(cause);
        }
        match self.stage_end(trial.stage)? {
            StageEnd::Failed { cause, .. } => Some(cause),
            StageEnd::Completed { .. } | StageEnd::Skipped { .. } => None,
        }
    }

    /// What a stage proposes next. What it plans is computed when its start is folded, and once only; of a very large
    /// stage a part at a time is held twice, here and there.
    fn remaining_proposals(&self, stage: StageIndex) -> Vec<Event> {
        let found = &self.stages[stage.position()];
        let next = found.planned.iter().take(PROPOSALS_AT_ONCE);
        (found.proposed..)
            .zip(next)
            .map(|(number, planned)| proposal(stage, number, planned))
            .collect()
    }

    /// Whether a stage proposes this trial next.
    pub(crate) fn proposes(
        &self,
        trial: TrialId,
        parent: &CaseName,
        eco: &EcoProposal,
        reason: &Option<String>,
    ) -> bool {
        let Some(found) = self.stages.get(trial.stage.position()) else {
            return false;
        };
        found.standing == StageStanding::Running
            && trial.derived as usize == found.proposed + 1
            && found.planned.front().is_some_and(|next| {
                next.parent == *parent && *next.eco == *eco && next.reason == *reason
            })
    }

    /// A stage's end, with what it leaves behind called off.
    fn closing(&self, stage: StageIndex, end: StageEnd) -> Vec<Event> {
        let mut events = Vec::new();
        if let StageEnd::Failed { cause, .. } = &end {
            let unfinished = self.trials_of(stage).filter(|trial| is_unfinished(trial));
            events.extend(unfinished.map(|trial| Event::TrialCancelled {
                trial: trial.id,
                cause: cause.clone(),
            }));
        }
        events.push(Event::StageFinished { stage, end });
        events
    }

    /// Why the base case is not fit to be worked on; `None` when it is, or is not measured yet.
    pub(crate) fn reasons_to_block(&self) -> Option<Vec<String>> {
        let mut reasons =
            gate::reasons_to_block(self.base_outcome()?, self.program.ranked_metrics());
        if reasons.is_empty() {
            reasons = self.noise_blocks();
        }
        (!reasons.is_empty()).then_some(reasons)
    }

    /// How a waiting stage opens: with its start or the request to approve it, or with its end when it cannot
    /// start. `None` while its inputs are incomplete or its approval is open, and once it opened.
    pub(crate) fn stage_opening(&self, stage: StageIndex) -> Option<Event> {
        let found = self.stages.get(stage.position())?;
        if found.standing == StageStanding::AwaitingApproval {
            return self.opening_after_ruling(stage);
        }
        if found.standing != StageStanding::Waiting
            || self.base_case().is_none()
            || self.noise_is_open()
        {
            return None;
        }
        let before = self.program.dag().dependencies(stage);
        let mut completed = Vec::new();
        let mut missing = Vec::new();
        for &dependency in before {
            match &self.stages[dependency.position()].standing {
                StageStanding::Finished(StageEnd::Completed { survivors, .. }) => {
                    completed.push((dependency, survivors));
                }
                StageStanding::Finished(
                    StageEnd::Failed { cause, .. } | StageEnd::Skipped { cause },
                ) => missing.push((dependency, cause.clone())),
                StageStanding::Waiting
                | StageStanding::AwaitingApproval
                | StageStanding::Running => return None,
            }
        }
        if self.reasons_to_block().is_some() {
            return None;
        }
        let inputs = if before.is_empty() {
            vec![StageInput {
                case: self.base_name(),
                identical: Vec::new(),
            }]
        } else if self.program.dag().is_convergence(stage) {
            if let Some(end) = self.join_shortfall(stage, completed.len(), &missing) {
                return Some(Event::StageFinished { stage, end });
            }
            self.merge(stage, &completed)
        } else if let Some((dependency, cause)) = missing.first() {
            let name = &self.program.stage(*dependency).name;
            let cause = format!("stage `{name}` passed nothing on: {cause}");
            let end = StageEnd::Skipped { cause };
            return Some(Event::StageFinished { stage, end });
        } else {
            self.merge(stage, &completed)
        };
        let extra_trials = self.extra_trials_due(stage)?;
        Some(self.opening_with(stage, inputs, missing, extra_trials))
    }

    /// The end of a join whose policy the completed branches do not satisfy.
    fn join_shortfall(
        &self,
        stage: StageIndex,
        completed: usize,
        missing: &[(StageIndex, String)],
    ) -> Option<StageEnd> {
        let join = self.program.stage(stage).join.clone().unwrap_or_default();
        let (needed, policy) = match join.policy {
            JoinPolicy::All => (completed + missing.len(), "all"),
            JoinPolicy::Any => (1, "any"),
            JoinPolicy::Quorum(quorum) => (quorum as usize, "quorum"),
        };
        (completed < needed).then(|| {
            let causes: Vec<String> = missing
                .iter()
                .map(|(branch, cause)| format!("`{}`: {cause}", self.program.stage(*branch).name))
                .collect();
            StageEnd::Failed {
                cause: format!(
                    "the join needs {needed} of {} branches (policy {policy}) and {completed} completed; {}",
                    completed + missing.len(),
                    causes.join("; ")
                ),
                at: None,
            }
        })
    }

    /// The survivors that a stage starts from, in order of stage index and rank, identical designs once.
    fn merge(
        &self,
        stage: StageIndex,
        completed: &[(StageIndex, &Vec<CaseName>)],
    ) -> Vec<StageInput> {
        let join = self.program.stage(stage).join.clone().unwrap_or_default();
        let mut names: Vec<&CaseName> = Vec::new();
        for (_, survivors) in completed {
            let count = match join.merge {
                JoinMerge::BestPerBranch => 1,
                JoinMerge::Union | JoinMerge::Top | JoinMerge::Compose => survivors.len(),
            };
            names.extend(survivors.iter().take(count));
        }
        let mut inputs: Vec<StageInput> = Vec::new();
        for name in names {
            let twin = inputs
                .iter_mut()
                .find(|input| self.design(&input.case) == self.design(name));
            match twin {
                Some(input) if input.case == *name || input.identical.contains(name) => {}
                Some(input) => input.identical.push(name.clone()),
                None => inputs.push(StageInput {
                    case: name.clone(),
                    identical: Vec::new(),
                }),
            }
        }
        if let (JoinMerge::Top, Some(keep)) = (join.merge, join.keep) {
            let candidates = inputs
                .iter()
                .filter_map(|input| self.candidate(&input.case, true));
            let ranked = select::pool(&self.yardstick(stage), candidates.collect()).into_iter();
            let best = ranked.map(|candidate| candidate.name.clone());
            let best: Vec<CaseName> = best.take(keep as usize).collect();
            inputs.retain(|input| best.contains(&input.case));
            inputs.sort_by_key(|input| best.iter().position(|name| *name == input.case));
        }
        inputs
    }

    /// Whether a stage that proposes in rounds has not proposed its last one.
    pub(crate) fn awaits_rounds(&self, stage: StageIndex) -> bool {
        let found = &self.stages[stage.position()];
        let declared = self.program.stage(stage);
        declared.proposer.is_adaptive()
            && !found.exhausted
            && !found.satisfied
            && found.planned_count() < self.allotted_trials(stage) as usize
    }

    pub(crate) fn design(&self, name: &CaseName) -> Option<ContentHash> {
        Some(self.cases.get(name)?.measurement.design.canonical)
    }

    /// What may be wrong with each input of a stage.
    fn diagnoses(&self, stage: StageIndex, inputs: &[StageInput]) -> Vec<Vec<Diagnosis>> {
        let rank = &self.program.objective(stage).rank;
        let cases = inputs.iter().map(|input| self.cases.get(&input.case));
        cases
            .map(|case| {
                let case = case.map(|case| diagnosis::diagnose(&case.measurement, rank));
                case.unwrap_or_default()
            })
            .collect()
    }

    /// What a stage may try.
    pub(crate) fn recipes(&self, stage: StageIndex) -> Vec<Recipe<'_>> {
        let ecos = &self.program.identity().ecos;
        let entries = self.program.entries(stage).iter();
        entries
            .filter_map(|entry| Recipe::new(entry, ecos))
            .collect()
    }

    /// What a stage proposes when it starts, `most` trials at most.
    pub(crate) fn plan_trials(
        &self,
        stage: StageIndex,
        inputs: &[StageInput],
        vetoed: &[Veto],
        most: u32,
    ) -> Vec<Planned> {
        if self.time_spent_before(stage).is_some() {
            return Vec::new();
        }
        let designs: Vec<ContentHash> = inputs
            .iter()
            .filter_map(|input| self.design(&input.case))
            .collect();
        let tried = self.tried_by_ancestors(stage, inputs);
        let composed = self.compositions(stage, inputs, most).into_iter();
        let is_new = |(parent, eco): &(CaseName, EcoProposal)| {
            let key = self.design(parent).map(|design| TrialKey::new(design, eco));
            key.is_some_and(|key| !tried.contains(&key))
        };
        let mut planned: Vec<Planned> = composed.filter(is_new).map(Planned::from).collect();
        // What is composed comes first; the rest is proposed in rounds.
        if self.program.stage(stage).proposer.is_adaptive() {
            return planned;
        }
        let left = most as usize - planned.len();
        let recipes = self.recipes(stage);
        let context = ProposalContext {
            budget: left,
            seed: self.program.study().seed,
            index: stage,
            recipes: &recipes,
            inputs,
            designs: &designs,
            tried,
            own: BTreeSet::new(),
            contained: &self.inherited_tally(stage).contained,
            vetoed,
        };
        let kind = self.program.stage(stage).proposer.kind;
        planned.extend(match kind {
            ProposerKind::Diagnosis => diagnosis::propose(&context, &self.diagnoses(stage, inputs)),
            _ => propose::propose(&context, kind),
        });
        planned
    }

    /// What ancestors of a stage tried on the designs of these inputs.
    pub(crate) fn tried_by_ancestors(
        &self,
        stage: StageIndex,
        inputs: &[StageInput],
    ) -> BTreeSet<TrialKey> {
        let designs = |inputs: &[StageInput]| -> BTreeMap<CaseName, ContentHash> {
            let names = inputs.iter().map(|input| &input.case);
            let known = names.filter_map(|name| Some((name.clone(), self.design(name)?)));
            known.collect()
        };
        let wanted: BTreeSet<ContentHash> = designs(inputs).into_values().collect();
        let ancestors = self.program.dag().ancestors(stage).into_iter();
        ancestors
            .flat_map(|ancestor| {
                let mut parents = designs(&self.stages[ancestor.position()].inputs);
                parents.retain(|_, design| wanted.contains(design));
                // Most stages began from other designs: then none of their trials need be looked at.
                let trials = (!parents.is_empty()).then(|| self.trials_of(ancestor));
                let trials = trials.into_iter().flatten();
                let trials = trials.filter(|trial| !self.is_discarded(trial.id));
                trials.filter_map(move |trial| {
                    Some(TrialKey::new(*parents.get(&trial.parent)?, &trial.eco))
                })
            })
            .collect()
    }

    /// How a running stage ends: given up at the shortest prefix of its proposals that crosses an abort,
    /// or with its survivors once every trial ended. `None` while neither is certain.
    pub(crate) fn stage_end(&self, stage: StageIndex) -> Option<StageEnd> {
        let found = self.stages.get(stage.position())?;
        if found.standing != StageStanding::Running || !found.planned.is_empty() {
            return None;
        }
        if let Some((at, cause)) = &found.tally.crossed {
            return Some(StageEnd::Failed {
                cause: cause.clone(),
                at: Some(*at),
            });
        }
        if let Some(cause) = &found.proposer_failure {
            return Some(StageEnd::Failed {
                cause: format!("its proposer failed: {cause}"),
                at: None,
            });
        }
        if !self.refusals_due(stage).is_empty() || !self.unexamined_survivors(stage).is_empty() {
            return None;
        }
        self.unconfirmed_end(stage).cloned()
    }

    /// Whether every trial of a running stage is counted, and what they led to is in the journal.
    pub(crate) fn all_counted(&self, stage: StageIndex) -> bool {
        let found = &self.stages[stage.position()];
        found.planned.is_empty()
            && found.tally.crossed.is_none()
            && (found.tally.counted == found.proposed || found.satisfied)
            && self.satisfaction_due(stage).is_none()
            && self.round_due(stage).is_none()
            && !self.awaits_rounds(stage)
            && found.contained == found.tally.contained.len()
    }

    /// How a stage whose trials are all counted ends, as far as its results are not refused.
    pub(crate) fn completion(&self, stage: StageIndex) -> StageEnd {
        let declared = self.program.stage(stage);
        let objective = self.program.objective(stage);
        let inputs: Vec<Candidate<'_>> = self.stages[stage.position()]
            .inputs
            .iter()
            .filter_map(|input| self.candidate(&input.case, true))
            .collect();
        let results: Vec<Candidate<'_>> = self
            .trials_of(stage)
            .filter(|trial| trial.refused.is_none() && !self.is_discarded(trial.id))
            .filter(|trial| !declared.parent_competes || self.is_no_worse_than_parent(trial))
            .filter_map(|trial| self.candidate(&self.case_of(trial), false))
            .collect();
        let out_of_time = self.stages[stage.position()].out_of_time.as_ref();
        let failed = |cause: &str| StageEnd::Failed {
            cause: out_of_time
                .map_or_else(|| cause.to_owned(), |spent| format!("{spent}: {cause}")),
            at: None,
        };
        if declared.aborts.no_improvement {
            let base = self.base_metrics();
            let improved = results.iter().any(|result| {
                select::keeps_bounds(&objective.bounds, base, &result.measurement.overall)
                    && inputs.iter().all(|input| {
                        let (own, given) = (&result.measurement, &input.measurement);
                        self.yardstick(stage)
                            .order(&own.overall, &given.overall)
                            .is_gt()
                    })
            });
            if !improved {
                return failed("no trial gave a case better than every input");
            }
        }
        let competing = declared.parent_competes || declared.trials == 0;
        let candidates = inputs
            .into_iter()
            .filter(|_| competing)
            .chain(results)
            .collect();
        let survivors = self.chosen(stage, candidates);
        if survivors.is_empty() {
            return failed("no case is left to pass on");
        }
        let fallback = self.fallback(stage, &survivors);
        let earlier = fallback.as_ref().map(|found| vec![found.to.clone()]);
        StageEnd::Completed {
            survivors: earlier.unwrap_or(survivors),
            fallback,
        }
    }

    /// The survivors of a stage among these, by its own rule.
    fn chosen(&self, stage: StageIndex, candidates: Vec<Candidate<'_>>) -> Vec<CaseName> {
        let declared = self.program.stage(stage);
        let base = self.base_metrics();
        let pool = select::pool(&self.yardstick(stage), candidates);
        let contenders: Vec<Contender<'_>> = pool
            .iter()
            .map(|candidate| Contender {
                name: candidate.name,
                metrics: &candidate.measurement.overall,
                path: self.eco_path(candidate.name),
            })
            .collect();
        let key = format!("{} {stage}", self.program.study().seed);
        let keep = declared.survivors as usize;
        let floor = self.noise_floor();
        survive::choose(&declared.selection, base, floor, &contenders, keep, &key)
    }

    /// The ECOs that lead to a case from the base, along first parents.
    fn eco_path(&self, case: &CaseName) -> Vec<&str> {
        let mut path = Vec::new();
        let mut current = self.cases.get(case);
        while let Some(case) = current {
            path.extend(case.eco.as_ref().map(|eco| eco.name.as_str()));
            current = case
                .parents
                .first()
                .and_then(|parent| self.cases.get(parent));
        }
        path.reverse();
        path
    }

    /// The best value of the first metric among the inputs of a stage.
    pub(crate) fn best_input(&self, stage: StageIndex, inputs: &[StageInput]) -> Option<f64> {
        let metric = *self.program.objective(stage).rank.first()?;
        let values = inputs
            .iter()
            .filter_map(|input| self.cases.get(&input.case)?.measurement.overall.get(metric));
        values.max_by(|left, right| metric.compare(*left, *right))
    }

    /// How near the inputs of a stage are to its target.
    pub(crate) fn approach_from(&self, stage: StageIndex, inputs: &[StageInput]) -> Approach {
        let target = &self.program.rails(stage).stop.target;
        let known = inputs
            .iter()
            .filter_map(|input| self.cases.get(&input.case));
        let metrics = known.map(|case| &case.measurement.overall);
        Approach::from(target, self.base_metrics(), metrics)
    }

    fn is_no_worse_than_parent(&self, trial: &Trial) -> bool {
        match (
            self.cases.get(&self.case_of(trial)),
            self.cases.get(&trial.parent),
        ) {
            (Some(case), Some(parent)) => {
                let yardstick = self.yardstick(trial.id.stage);
                let (own, theirs) = (&case.measurement, &parent.measurement);
                yardstick.order(&own.overall, &theirs.overall).is_ge()
            }
            _ => false,
        }
    }

    fn candidate(&self, name: &CaseName, is_input: bool) -> Option<Candidate<'_>> {
        let case = self.cases.get(name)?;
        Some(Candidate {
            name: &case.name,
            measurement: &case.measurement,
            is_input,
        })
    }

    pub(crate) fn case_of(&self, trial: &Trial) -> CaseName {
        trial.id.case(&self.program.study().design.case_name)
    }

    pub(crate) fn base_metrics(&self) -> &MetricSet {
        static NONE: std::sync::LazyLock<MetricSet> = std::sync::LazyLock::new(MetricSet::new);
        self.base_case()
            .map_or(&NONE, |case| &case.measurement.overall)
    }

    /// How the run ends, once it does: blocked, stopped by a budget, or with its last stage.
    pub(crate) fn run_end(&self) -> Option<(RunStatus, ContentHash)> {
        if self.study_tally.crossed.is_some() && self.halted.is_none() {
            return None;
        }
        let status = if self.blocked.is_some() {
            RunStatus::Blocked
        } else if self.halted.is_some() || self.stop.is_some_and(|cause| !cause.is_resumable()) {
            if !self.running_attempts().is_empty() {
                return None;
            }
            RunStatus::Stopped
        } else if self
            .stages
            .iter()
            .all(|stage| matches!(stage.standing, StageStanding::Finished(_)))
            && self.running_attempts().is_empty()
        {
            let completed = |stage: &StageIndex| {
                matches!(
                    self.stages[stage.position()].standing,
                    StageStanding::Finished(StageEnd::Completed { .. })
                )
            };
            if self.program.dag().leaves().iter().all(completed) {
                RunStatus::Completed
            } else {
                RunStatus::Stopped
            }
        } else {
            return None;
        };
        Some((status, self.digest(status)))
    }

    /// The best case of the run by the study's own objective: of a completed run over the survivors of its
    /// stages and the base, of any other over all that is measured and not discarded, since stages that did
    /// not finish have chosen none.
    pub fn best_case(&self) -> Option<&CaseName> {
        let objective = &self.program.study().objective;
        let base = self.base_case()?;
        let completed = matches!(self.finished, Some((RunStatus::Completed, _)));
        let names: Vec<&CaseName> = if completed {
            let survivors = self.stages.iter().flat_map(Stage::survivors);
            std::iter::once(&base.name).chain(survivors).collect()
        } else {
            self.cases.keys().collect()
        };
        let ranked = self.yardstick_of(objective).ranking(names, |name| {
            let name: &CaseName = name;
            (name, &self.cases[name].measurement.overall)
        });
        ranked.into_iter().next()
    }
}

fn is_unfinished(trial: &Trial) -> bool {
    trial.cancelled.is_none() && trial.standing() != TrialStanding::Finished
}

fn containment_cause(containment: &Containment) -> String {
    format!("{} is contained: {}", containment.scope, containment.cause)
}

fn proposal(stage: StageIndex, number: usize, planned: &Planned) -> Event {
    let Planned {
        parent,
        eco,
        reason,
    } = planned.clone();
    Event::TrialProposed {
        trial: TrialId {
            stage,
            derived: number as u32 + 1,
        },
        parent,
        eco,
        reason,
    }
}
