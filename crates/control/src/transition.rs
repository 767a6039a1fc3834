//! Which transitions are legal: an event is folded into the state, or refused. Every decision in a journal is held
//! against the one that the rules give, so that a replay is an audit.

use noodle2_model::{
    AttemptId, AttemptUsage, BudgetOwner, CacheAnswer, Event, Outcome, ProposerKind, StageIndex,
    TrialId,
};

use crate::approval::StageApproval;
use crate::noise::{AttemptRole, Noise, Repeats};
use crate::propose::Planned;
use crate::schedule::{Work, WorkKind};
use crate::select::{self, Verdict};
use crate::state::{Attempt, Case, Controller, Stage, StageStanding, Trial, settled};

/// An event that the rules do not allow at this point: the journal was not written by this controller,
/// or was changed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{event} is not possible here: {reason}")]
pub struct TransitionError {
    /// The event, in short.
    pub event: String,
    /// Why it cannot be.
    pub reason: String,
}

impl TransitionError {
    /// That of a journal without any event.
    pub fn nothing() -> Self {
        Self {
            event: "the journal".to_owned(),
            reason: "it holds no event".to_owned(),
        }
    }
}

impl Controller {
    /// Folds a whole journal, whose first event must be `RunCreated`.
    ///
    /// # Errors
    /// At the first event that is not possible, with its position in `events`.
    pub fn replay<'a>(
        events: impl IntoIterator<Item = &'a Event>,
    ) -> Result<Self, (usize, TransitionError)> {
        let mut controller: Option<Self> = None;
        for (position, event) in events.into_iter().enumerate() {
            let folded = match &mut controller {
                None => Self::created(event).map(|created| controller = Some(created)),
                Some(controller) => controller.follow(event),
            };
            folded.map_err(|error| (position, error))?;
        }
        controller.ok_or_else(|| (0, TransitionError::nothing()))
    }

    /// The state behind the first event of a journal, which must be `RunCreated`.
    ///
    /// # Errors
    /// When it is another, or tells of a run that cannot be.
    pub fn created(event: &Event) -> Result<Self, TransitionError> {
        let refuse = |reason: String| TransitionError {
            event: describe(event),
            reason,
        };
        match event {
            Event::RunCreated { identity } => {
                Self::new((**identity).clone()).map_err(|error| refuse(error.to_string()))
            }
            _ => Err(refuse("no run was created yet".to_owned())),
        }
    }

    /// Folds an event of a journal behind the first.
    ///
    /// # Errors
    /// As [`Controller::apply`], and when it is a second creation.
    pub fn follow(&mut self, event: &Event) -> Result<(), TransitionError> {
        match event {
            Event::RunCreated { .. } => Err(TransitionError {
                event: describe(event),
                reason: "the run was created already".to_owned(),
            }),
            _ => self.apply(event),
        }
    }

    /// Folds one event into the state. Decisions are compared with what the rules decide here.
    ///
    /// # Errors
    /// When the event is not possible in this state or is not the decision that the rules give; the
    /// state is then unchanged.
    pub fn apply(&mut self, event: &Event) -> Result<(), TransitionError> {
        let refuse = |reason: String| {
            Err(TransitionError {
                event: describe(event),
                reason,
            })
        };
        if self.finished.is_some() {
            return refuse("the run has ended".to_owned());
        }
        match event {
            Event::RunCreated { identity } => {
                if **identity != *self.program.identity() {
                    return refuse("the run has another identity".to_owned());
                }
            }
            // A budget that is spent stays spent.
            Event::RunResumed => self.stop = self.stop.filter(|cause| !cause.is_resumable()),
            Event::WorkersOffered { .. } | Event::JournalMended { .. } => {}
            Event::ApprovalRequested {
                stage,
                inputs,
                missing,
                evidence,
            } => {
                if self.stage_opening(*stage).as_ref() != Some(event) {
                    return refuse("the rules do not ask for this approval here".to_owned());
                }
                self.stages[stage.position()] = Stage {
                    inputs: inputs.clone(),
                    missing: missing.clone(),
                    approval: Some(StageApproval {
                        evidence: *evidence,
                        given: Vec::new(),
                        ruling: None,
                    }),
                    ..Stage::opened(StageStanding::AwaitingApproval)
                };
            }
            Event::ApprovalGiven { .. }
            | Event::ApprovalRefused { .. }
            | Event::ApprovalExpired { .. } => {
                if let Err(error) = self.hear(event) {
                    return refuse(error.to_string());
                }
            }
            Event::ArtifactsSealed { attempt, .. } => {
                if !self.running.contains(attempt) {
                    return refuse("the attempt does not run".to_owned());
                }
            }
            Event::StopRequested { cause } => self.stop = Some(*cause),
            Event::AttemptStarted { .. }
            | Event::ConfirmationStarted { .. }
            | Event::RepeatStarted { .. }
                if self.stop.is_some() || self.blocked.is_some() || self.halted.is_some() =>
            {
                return refuse("nothing starts in a run that is stopped or blocked".to_owned());
            }
            Event::AttemptStarted { .. } if self.spent_cpu_time().is_some() => {
                return refuse(
                    "processor time is spent, and the journal does not say so".to_owned(),
                );
            }
            Event::ConfirmationStarted { attempt } => {
                if !self.examinations_due(attempt.trial.stage).contains(event) {
                    return refuse("the rules confirm no survivor like this here".to_owned());
                }
                if let Some(trial) = self.trials.get_mut(&attempt.trial) {
                    trial.confirmations.push(Attempt::started(attempt.number));
                }
                self.begin(*attempt, AttemptRole::Confirms);
            }
            Event::RepeatStarted { attempt, repeat } => {
                let due = match attempt.trial.is_base() {
                    true => self.base_repeats_due(),
                    false => self.examinations_due(attempt.trial.stage),
                };
                let is_due = |other: &Event| match other {
                    Event::RepeatStarted {
                        attempt: first,
                        repeat: waiting,
                    } => first.trial == attempt.trial && waiting == repeat,
                    _ => false,
                };
                if !due.iter().any(is_due)
                    || self.next_number(attempt.trial) != Some(attempt.number)
                {
                    return refuse("the rules repeat no measurement like this here".to_owned());
                }
                let repeats = match self.trials.get_mut(&attempt.trial) {
                    Some(trial) => &mut trial.repeats,
                    None => &mut self.base_repeats,
                };
                let attempts = repeats.entry(*repeat).or_default();
                attempts.push(Attempt::started(attempt.number));
                self.begin(*attempt, AttemptRole::Repeats(*repeat));
            }
            Event::NoiseMeasured { differences, floor } => {
                if self.noise_due().as_ref() != Some(event) {
                    return refuse("the repeats of the base case do not tell this here".to_owned());
                }
                if !differences.is_empty() {
                    self.study_tally.distrust_base();
                }
                self.noise = Some(Noise {
                    differences: differences.clone(),
                    floor: floor.clone(),
                });
            }
            Event::AttemptStarted { attempt } => match self.next_attempt(attempt.trial) {
                Some(expected) if expected == *attempt => {
                    let attempts = self.attempts_mut(attempt.trial);
                    // Nearly all have one, and an attempt is large.
                    attempts.reserve_exact(1);
                    attempts.push(Attempt::started(attempt.number));
                    self.dequeue(attempt.trial);
                    self.begin(*attempt, AttemptRole::Derives);
                }
                Some(expected) => return refuse(format!("the next attempt is {expected}")),
                None => return refuse("the trial does not wait for a worker".to_owned()),
            },
            Event::AttemptFinished {
                attempt,
                outcome,
                usage,
                cache,
            } => {
                if let Some(CacheAnswer::Hit(_)) = cache
                    && self.running.contains(attempt)
                    && let Some(reason) = self.why_not_known(*attempt, outcome, *usage)
                {
                    return refuse(reason.to_owned());
                }
                if !self.running.remove(attempt) {
                    return refuse("the attempt does not run".to_owned());
                }
                self.learn(*attempt, outcome, *usage, cache.as_ref());
                let role = self.finish(*attempt, outcome, *usage, cache.as_ref());
                if role == Some(AttemptRole::Derives) {
                    self.settle(*attempt);
                }
            }
            Event::TrialCancelled { trial, cause } => {
                if self.cancel_cause(*trial).as_ref() != Some(cause) {
                    return refuse("the rules call no trial off here".to_owned());
                }
                let Some(found) = self.trials.get_mut(trial) else {
                    return refuse("there is no such trial".to_owned());
                };
                found.cancelled = Some(cause.clone());
                self.dequeue(*trial);
                self.stages[trial.stage.position()]
                    .unwanted
                    .remove(&trial.derived);
            }
            Event::StageStarted {
                stage,
                inputs,
                missing,
                vetoed,
                extra_trials,
            } => {
                if self.stage_opening(*stage).as_ref() != Some(event) {
                    return refuse("the rules do not start this stage like this here".to_owned());
                }
                let most = self.trials_with(*stage, extra_trials);
                let planned = self.plan_trials(*stage, inputs, vetoed, most);
                let mut tally = self.inherited_tally(*stage);
                tally.best = self.best_input(*stage, inputs);
                tally.approach = self.approach_from(*stage, inputs);
                let approval = self.stages[stage.position()].approval.take();
                self.stages[stage.position()] = Stage {
                    inputs: inputs.clone(),
                    missing: missing.clone(),
                    approval,
                    vetoed: vetoed.clone(),
                    extra_trials: extra_trials.clone(),
                    planned: planned.into(),
                    tally,
                    ..Stage::opened(StageStanding::Running)
                };
                if let Some(cause) = self.time_spent_before(*stage) {
                    self.cut_short(*stage, &cause);
                }
            }
            Event::TrialProposed {
                trial,
                parent,
                eco,
                reason,
            } => {
                if !self.proposes(*trial, parent, eco, reason) {
                    return refuse("the rules propose another trial here".to_owned());
                }
                let found = &mut self.stages[trial.stage.position()];
                let Some(planned) = found.planned.pop_front() else {
                    return refuse("nothing is planned here".to_owned());
                };
                let all = found.planned_count() + 1;
                found.proposed += 1;
                if found.planned.is_empty() {
                    found.planned.shrink_to_fit();
                }
                let work = Work {
                    kind: self.schedule.kind_of(&eco.name),
                    cells: self.cells_of(parent),
                };
                self.trials.push(
                    Trial {
                        id: *trial,
                        parent: planned.parent,
                        eco: planned.eco,
                        reason: planned.reason,
                        attempts: Vec::new(),
                        confirmations: Vec::new(),
                        repeats: Repeats::new(),
                        cancelled: None,
                        refused: None,
                        verdict: None,
                        work,
                    },
                    all,
                );
                self.enqueue(*trial);
                if self.cause_within_stage(*trial).is_some() {
                    self.stages[trial.stage.position()]
                        .unwanted
                        .insert(trial.derived);
                }
            }
            Event::StageFinished { stage, end } => {
                let skipped = self.stage_opening(*stage);
                let due = self.stage_end(*stage);
                if skipped.as_ref() != Some(event) && due.as_ref() != Some(end) {
                    return refuse("the rules do not end this stage like this here".to_owned());
                }
                self.stages[stage.position()].standing = StageStanding::Finished(end.clone());
                self.drop_discarded_cases(Some(*stage));
                self.advance_study_tally();
            }
            Event::Contained { stage, containment } => {
                let found = self.stages.get(stage.position());
                let due = found.and_then(|found| found.tally.contained.get(found.contained));
                if due != Some(containment) {
                    return refuse("the rules contain nothing like this here".to_owned());
                }
                self.stages[stage.position()].contained += 1;
                self.note_unwanted(*stage);
                self.drop_discarded_cases(Some(*stage));
            }
            Event::RoundPlanned { stage, round } => {
                let is_bandit = self.program.dag().len() > stage.position()
                    && self.program.stage(*stage).proposer.kind == ProposerKind::Bandit;
                if !is_bandit || self.round_due(*stage) != Some(*round) {
                    return refuse("no round is due here".to_owned());
                }
                let planned = self.bandit_round(*stage, *round);
                self.extend_plan(*stage, planned);
            }
            Event::RoundAnswered {
                stage,
                round,
                proposals,
            } => {
                if !self.external_rounds_due().contains(&(*stage, *round)) {
                    return refuse("no answer is waited for here".to_owned());
                }
                let (accepted, refused) = self.sift(*stage, proposals);
                self.stages[stage.position()]
                    .refused_proposals
                    .extend(refused);
                self.extend_plan(*stage, accepted);
            }
            Event::ProposerFailed { stage, cause } => {
                let waited = self.external_rounds_due();
                if !waited.iter().any(|(waiting, _)| waiting == stage) {
                    return refuse("no answer is waited for here".to_owned());
                }
                self.stages[stage.position()].proposer_failure = Some(cause.clone());
            }
            Event::StageSatisfied { stage, at, cause } => {
                if self.satisfaction_due(*stage) != Some(&(*at, cause.clone())) {
                    return refuse("the stage has not seen enough here".to_owned());
                }
                self.stages[stage.position()].satisfied = true;
                self.note_unwanted(*stage);
                self.drop_discarded_cases(Some(*stage));
            }
            Event::TimeSpent { owner, time } => {
                if let Err(reason) = self.spend(*owner, *time) {
                    return refuse(reason);
                }
            }
            Event::PromotionsRefused { stage, cases } => {
                if cases.is_empty() || self.refusals_due(*stage) != *cases {
                    return refuse("the rules refuse no promotion like this here".to_owned());
                }
                for (case, gates) in cases {
                    if let Some(trial) = self.trials.get_mut(&case.trial()) {
                        trial.refused = Some(gates.clone());
                    }
                }
            }
            Event::StudyRailCrossed { at, cause } => {
                if self.study_tally.crossed.as_ref() != Some(&(*at, cause.clone())) {
                    return refuse("no rail of the study is crossed like this here".to_owned());
                }
                self.halted = Some((*at, cause.clone()));
                self.drop_discarded_cases(None);
            }
            Event::RunBlocked { reasons } => {
                if self.reasons_to_block().as_ref() != Some(reasons) {
                    return refuse("gate 0 does not block for these reasons".to_owned());
                }
                self.blocked = Some(reasons.clone());
            }
            Event::RunFinished { status, digest } => {
                if self.run_end() != Some((*status, *digest)) {
                    return refuse("the rules do not end the run like this here".to_owned());
                }
                self.finished = Some((*status, *digest));
            }
        }
        self.forget_examinations(event);
        Ok(())
    }

    /// Adds a round to what a stage plans; one without any trial ends its proposing.
    fn extend_plan(&mut self, stage: StageIndex, round: Vec<Planned>) {
        let found = &mut self.stages[stage.position()];
        found.rounds += 1;
        found.exhausted = round.is_empty();
        found.planned.extend(round);
    }

    /// Notes that an attempt runs.
    fn begin(&mut self, attempt: AttemptId, role: AttemptRole) {
        let (work, parent) = match (role, self.trials.get(&attempt.trial)) {
            (AttemptRole::Derives, Some(trial)) => (trial.work, Some(&trial.parent)),
            (AttemptRole::Confirms, _) => {
                (self.work_of(attempt.trial, WorkKind::CONFIRMATION), None)
            }
            (AttemptRole::Derives, None) | (AttemptRole::Repeats(_), _) => {
                (self.work_of(attempt.trial, WorkKind::MEASUREMENT), None)
            }
        };
        let stage = (!attempt.trial.is_base()).then_some(attempt.trial.stage);
        self.schedule.start(attempt, work, stage, parent);
        self.running.insert(attempt);
    }

    /// Learns what an attempt cost that this run made to its end.
    fn learn(
        &mut self,
        attempt: AttemptId,
        outcome: &Outcome,
        usage: AttemptUsage,
        cache: Option<&CacheAnswer>,
    ) {
        let is_known = cache.is_some_and(|answer| answer.hit().is_some());
        let is_cut_short =
            matches!(outcome, Outcome::Failed(failure) if failure.class.is_transient());
        let is_made = !is_known && !is_cut_short;
        self.schedule.finish(attempt, usage, is_made);
    }

    fn attempts_mut(&mut self, trial: TrialId) -> &mut Vec<Attempt> {
        match self.trials.get_mut(&trial) {
            Some(found) => &mut found.attempts,
            None => &mut self.base,
        }
    }

    /// Why an attempt that ended like this cannot have been answered by what was known, if it cannot.
    fn why_not_known(
        &self,
        attempt: AttemptId,
        outcome: &Outcome,
        usage: AttemptUsage,
    ) -> Option<&'static str> {
        if self.role_of(attempt) != Some(AttemptRole::Derives) {
            return Some("what is there to measure again is measured, never known");
        }
        if !outcome.can_be_known() {
            return Some("only what the design determines is known, and this is not");
        }
        (usage.cpu_s > 0.0).then_some("what is known uses no processor time")
    }

    /// Notes how an attempt ended; returns what it was made for.
    fn finish(
        &mut self,
        attempt: AttemptId,
        outcome: &Outcome,
        usage: AttemptUsage,
        cache: Option<&CacheAnswer>,
    ) -> Option<AttemptRole> {
        let role = self.role_of(attempt)?;
        let trial = self.trials.get_mut(&attempt.trial);
        let attempts = match (role, trial) {
            (AttemptRole::Derives, Some(trial)) => &mut trial.attempts,
            (AttemptRole::Derives, None) => &mut self.base,
            (AttemptRole::Confirms, trial) => &mut trial?.confirmations,
            (AttemptRole::Repeats(repeat), Some(trial)) => trial.repeats.get_mut(&repeat)?,
            (AttemptRole::Repeats(repeat), None) => self.base_repeats.get_mut(&repeat)?,
        };
        let made = attempts
            .iter_mut()
            .find(|made| made.number == attempt.number)?;
        made.outcome = Some(outcome.clone());
        made.usage = usage;
        made.cache = cache.cloned();
        if !attempt.trial.is_base() {
            self.stages[attempt.trial.stage.position()].cpu_s += usage.cpu_s;
        }
        Some(role)
    }

    /// Draws the consequences of an attempt that ended: a verdict, and a case where one was derived.
    fn settle(&mut self, attempt: AttemptId) {
        if attempt.trial.is_base() {
            if let Some(Outcome::Measured(measurement)) = settled(&self.base) {
                let name = self.base_name();
                let case = Case {
                    name: name.clone(),
                    parents: Vec::new(),
                    eco: None,
                    measurement: measurement.clone(),
                    attempt,
                };
                self.cases.insert(name, case);
            }
            return;
        }
        let discarded = self.is_discarded(attempt.trial);
        let stage = attempt.trial.stage;
        let Some(trial) = self.trials.get(&attempt.trial) else {
            return;
        };
        let Some(outcome) = settled(&trial.attempts) else {
            if trial.cancelled.is_none() {
                self.enqueue(attempt.trial);
            }
            return;
        };
        let (objective, rail) = (
            self.program.objective(stage),
            self.program.trial_rail(stage),
        );
        let verdict = select::judge(outcome, objective, rail, self.base_metrics());
        let found = &mut self.stages[stage.position()];
        found.unwanted.remove(&attempt.trial.derived);
        let wanted = !discarded && !matches!(found.standing, StageStanding::Finished(_));
        let is_case = verdict == Verdict::Derived && wanted;
        if let Some(trial) = self.trials.get_mut(&attempt.trial) {
            trial.verdict = Some(verdict);
        }
        if let Some(case) = self.case_measured_by(attempt.trial).filter(|_| is_case) {
            self.cases.insert(case.name.clone(), case);
        }
        self.advance_tally(attempt.trial.stage);
    }
}

fn describe(event: &Event) -> String {
    match event {
        Event::RunCreated { .. } => "the creation of a run".to_owned(),
        Event::RunResumed => "the resumption of the run".to_owned(),
        Event::WorkersOffered { .. } => "the offer of workers".to_owned(),
        Event::JournalMended { .. } => "the mending of the journal".to_owned(),
        Event::ApprovalRequested { stage, .. } => {
            format!("the request to approve stage {stage}")
        }
        Event::ApprovalGiven { stage, .. } => format!("the approval of stage {stage}"),
        Event::ApprovalRefused { stage, .. } => format!("the refusal of stage {stage}"),
        Event::ApprovalExpired { stage } => {
            format!("the end of the time to approve stage {stage}")
        }
        Event::ArtifactsSealed { attempt, .. } => format!("the sealing of attempt {attempt}"),
        Event::StageStarted { stage, .. } => format!("the start of stage {stage}"),
        Event::TrialProposed { trial, .. } => format!("the proposal of trial {trial}"),
        Event::AttemptStarted { attempt } => format!("the start of attempt {attempt}"),
        Event::AttemptFinished { attempt, .. } => format!("the end of attempt {attempt}"),
        Event::TrialCancelled { trial, .. } => format!("the cancelling of trial {trial}"),
        Event::Contained { containment, .. } => {
            format!(
                "the containment of {} at trial {}",
                containment.scope, containment.at
            )
        }
        Event::RoundPlanned { stage, round } | Event::RoundAnswered { stage, round, .. } => {
            format!("round {round} of stage {stage}")
        }
        Event::ProposerFailed { stage, .. } => {
            format!("the failure of the proposer of stage {stage}")
        }
        Event::StageSatisfied { stage, .. } => format!("the satisfaction of stage {stage}"),
        Event::TimeSpent { owner, time } => match owner {
            BudgetOwner::Stage(stage) => format!("the end of the {time} of stage {stage}"),
            BudgetOwner::Branch(first) => {
                format!("the end of the {time} of the branch from stage {first}")
            }
        },
        Event::ConfirmationStarted { attempt } => format!("the confirmation {attempt}"),
        Event::RepeatStarted { attempt, repeat } => format!("repeat {repeat}, attempt {attempt}"),
        Event::NoiseMeasured { .. } => "what the repeats of the base case tell".to_owned(),
        Event::PromotionsRefused { stage, .. } => {
            format!("the refusal of results of stage {stage}")
        }
        Event::StudyRailCrossed { at, .. } => {
            format!("the crossing of a rail of the study at {at}")
        }
        Event::StageFinished { stage, .. } => format!("the end of stage {stage}"),
        Event::RunBlocked { .. } => "the blocking of the run".to_owned(),
        Event::StopRequested { .. } => "the request to stop".to_owned(),
        Event::RunFinished { .. } => "the end of the run".to_owned(),
    }
}
