//! The state of a run, folded from its events, and which transitions are legal.

use std::collections::{BTreeMap, BTreeSet};

use noodle2_model::{
    AttemptId, AttemptUsage, CaseName, Containment, ContentHash, EcoProposal, Event, Failure,
    FailureClass, Measurement, Outcome, ProposerKind, RunIdentity, RunStatus, StageEnd, StageIndex,
    StageInput, StopCause, TrialId, Veto,
};

use crate::approval::StageApproval;
use crate::program::{Program, ProgramError};
use crate::select::{self, Verdict};
use crate::tally::{StudyTally, Tally};

/// Attempts lost with their worker after which a trial counts as failed: it may be what kills them.
const CRASH_LIMIT: usize = 3;

/// A run: its program and all that has happened in it.
#[derive(Debug, Clone)]
pub struct Controller {
    pub(crate) program: Program,
    pub(crate) base: Vec<Attempt>,
    pub(crate) stages: Vec<Stage>,
    pub(crate) trials: BTreeMap<TrialId, Trial>,
    pub(crate) cases: BTreeMap<CaseName, Case>,
    pub(crate) running: BTreeSet<AttemptId>,
    pub(crate) study_tally: StudyTally,
    pub(crate) halted: Option<(TrialId, String)>,
    pub(crate) blocked: Option<Vec<String>>,
    pub(crate) stop: Option<StopCause>,
    pub(crate) finished: Option<(RunStatus, ContentHash)>,
}

/// A stage as it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Stage {
    /// How far it is.
    pub standing: StageStanding,
    /// The cases that it started from.
    pub inputs: Vec<StageInput>,
    /// Branches that it started without, with the cause.
    pub missing: Vec<(StageIndex, String)>,
    /// The approval that it waits or waited for; `None` until it asks, and where it needs none.
    pub approval: Option<StageApproval>,
    /// What it does not try, because evidence says that it mostly fails.
    pub vetoed: Vec<Veto>,
    /// What it proposes in all: computed when it starts, the same on every replay.
    pub(crate) planned: Vec<(CaseName, EcoProposal)>,
    /// How many of them are in the journal.
    pub(crate) proposed: usize,
    /// Derived indices of the trials that wait for a worker: kept beside the trials so that a decision
    /// costs the same in a study of a million trials.
    pub(crate) waiting: BTreeSet<u32>,
    pub(crate) tally: Tally,
    /// How many of the tally's containments are in the journal.
    pub(crate) contained: usize,
    /// Whether it is in the journal that the stage has seen enough.
    pub(crate) satisfied: bool,
    /// Rounds proposed so far, of a stage that proposes in rounds.
    pub(crate) rounds: u32,
    /// Whether its proposer has no more to propose.
    pub(crate) exhausted: bool,
    /// Why its proposer failed, if it did.
    pub(crate) proposer_failure: Option<String>,
    /// What of an external proposer's answers was refused, and why.
    pub refused_proposals: Vec<String>,
}

impl Stage {
    fn opened(standing: StageStanding) -> Self {
        Self {
            standing,
            inputs: Vec::new(),
            missing: Vec::new(),
            approval: None,
            vetoed: Vec::new(),
            planned: Vec::new(),
            proposed: 0,
            waiting: BTreeSet::new(),
            tally: Tally::default(),
            contained: 0,
            satisfied: false,
            rounds: 0,
            exhausted: false,
            proposer_failure: None,
            refused_proposals: Vec::new(),
        }
    }

    /// The trial at which it had seen enough, and of what, once that is decided.
    pub fn satisfied(&self) -> Option<&(TrialId, String)> {
        self.tally.enough.as_ref().filter(|_| self.satisfied)
    }

    /// What is contained in it, as far as it is decided.
    pub fn containments(&self) -> &[Containment] {
        &self.tally.contained[..self.contained]
    }

    /// The cases that it passed on, best first; none unless it completed.
    pub fn survivors(&self) -> &[CaseName] {
        match &self.standing {
            StageStanding::Finished(StageEnd::Completed { survivors }) => survivors,
            _ => &[],
        }
    }
}

/// How far a stage is.
#[derive(Debug, Clone, PartialEq)]
pub enum StageStanding {
    /// Its inputs are not complete.
    Waiting,
    /// Its inputs are complete, and people have to approve it before it starts.
    AwaitingApproval,
    /// It proposes and measures.
    Running,
    /// It ended.
    Finished(StageEnd),
}

/// A trial as it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Trial {
    /// Its id.
    pub id: TrialId,
    /// The case that the ECO is applied to.
    pub parent: CaseName,
    /// What is tried.
    pub eco: EcoProposal,
    /// Its executions, oldest first.
    pub attempts: Vec<Attempt>,
    /// Executions that measured its netlist again before it was passed on, oldest first. Numbers of
    /// attempts run over both.
    pub confirmations: Vec<Attempt>,
    /// Why it is not wanted any more, if it is not.
    pub cancelled: Option<String>,
    /// The gates that it did not pass, if it was refused to survive.
    pub refused: Option<Vec<String>>,
    pub(crate) verdict: Option<Verdict>,
}

/// One execution of a trial.
#[derive(Debug, Clone, PartialEq)]
pub struct Attempt {
    /// Its number, from 1.
    pub number: u32,
    /// What came of it; `None` while it runs.
    pub outcome: Option<Outcome>,
    /// What it used; zero while it runs.
    pub usage: AttemptUsage,
}

/// How far a trial is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrialStanding {
    /// It waits for a worker.
    Waiting,
    /// It runs.
    Running,
    /// It ended, as its verdict says.
    Finished,
    /// It was called off before it ended.
    Cancelled,
}

/// One concrete design state.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// Its name.
    pub name: CaseName,
    /// The cases that it was derived from, the one that was changed first: several where two were composed or
    /// identical designs met in a join. Empty for the base.
    pub parents: Vec<CaseName>,
    /// What was done to the parent; `None` for the base.
    pub eco: Option<EcoProposal>,
    /// What was measured.
    pub measurement: Measurement,
    /// The attempt that measured it, and whose folder holds it.
    pub attempt: AttemptId,
}

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

impl Attempt {
    fn started(number: u32) -> Self {
        Self {
            number,
            outcome: None,
            usage: AttemptUsage::default(),
        }
    }
}

/// Whether the last of `attempts` settles the trial. Interruptions never do; a lost worker does when it
/// happened too often.
pub(crate) fn settled(attempts: &[Attempt]) -> Option<&Outcome> {
    let outcome = attempts.last()?.outcome.as_ref()?;
    let Outcome::Failed(failure) = outcome else {
        return Some(outcome);
    };
    match failure.class {
        FailureClass::Interrupted | FailureClass::DiskFull => None,
        class if class.is_transient() => {
            let lost = attempts
                .iter()
                .filter_map(|attempt| attempt.outcome.as_ref())
                .filter(|outcome| matches!(outcome, Outcome::Failed(other) if other.class == class))
                .count();
            (lost >= CRASH_LIMIT).then_some(outcome)
        }
        _ => Some(outcome),
    }
}

fn running(attempts: &[Attempt]) -> bool {
    attempts
        .last()
        .is_some_and(|attempt| attempt.outcome.is_none())
}

impl Trial {
    /// How far the trial is.
    pub fn standing(&self) -> TrialStanding {
        if running(&self.attempts) {
            TrialStanding::Running
        } else if self.verdict.is_some() {
            TrialStanding::Finished
        } else if self.cancelled.is_some() {
            TrialStanding::Cancelled
        } else {
            TrialStanding::Waiting
        }
    }

    /// What the trial counts as, once it ended.
    pub fn verdict(&self) -> Option<&Verdict> {
        self.verdict.as_ref()
    }

    /// What came of measuring it again, once that ended.
    pub fn confirmation(&self) -> Option<&Outcome> {
        settled(&self.confirmations)
    }

    /// Whether it is being measured again.
    pub fn is_being_confirmed(&self) -> bool {
        running(&self.confirmations)
    }

    /// The number of its next attempt.
    pub(crate) fn next_number(&self) -> u32 {
        (self.attempts.len() + self.confirmations.len()) as u32 + 1
    }

    /// The failure, if it failed.
    pub fn failure(&self) -> Option<&Failure> {
        match &self.verdict {
            Some(Verdict::Failed(failure)) => Some(failure),
            _ => None,
        }
    }
}

impl Controller {
    /// A run that is about to begin; its first event is `RunCreated` with the same identity.
    ///
    /// # Errors
    /// When the study's stages or ECOs do not fit together.
    pub fn new(identity: RunIdentity) -> Result<Self, ProgramError> {
        let program = Program::new(identity)?;
        let waiting = Stage::opened(StageStanding::Waiting);
        Ok(Self {
            stages: vec![waiting; program.study().stages.len()],
            program,
            base: Vec::new(),
            trials: BTreeMap::new(),
            cases: BTreeMap::new(),
            running: BTreeSet::new(),
            study_tally: StudyTally::default(),
            halted: None,
            blocked: None,
            stop: None,
            finished: None,
        })
    }

    /// What never changes while the run goes on.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// The stages, by index.
    pub fn stages(&self) -> &[Stage] {
        &self.stages
    }

    /// All trials in proposal order; the measurement of the base case is not among them.
    pub fn trials(&self) -> impl Iterator<Item = &Trial> {
        self.trials.values()
    }

    /// The trials of one stage in proposal order.
    pub fn trials_of(&self, stage: StageIndex) -> impl DoubleEndedIterator<Item = &Trial> {
        let first = TrialId { stage, derived: 1 };
        let last = TrialId {
            stage,
            derived: u32::MAX,
        };
        self.trials.range(first..=last).map(|(_, trial)| trial)
    }

    /// One trial.
    pub fn trial(&self, id: TrialId) -> Option<&Trial> {
        self.trials.get(&id)
    }

    /// The executions of the measurement of the base case.
    pub fn base_attempts(&self) -> &[Attempt] {
        &self.base
    }

    /// All measured cases by name, those of discarded trials excepted.
    pub fn cases(&self) -> &BTreeMap<CaseName, Case> {
        &self.cases
    }

    /// The base case, once it is measured.
    pub fn base_case(&self) -> Option<&Case> {
        self.cases.get(&self.base_name())
    }

    /// The name of the base case.
    pub fn base_name(&self) -> CaseName {
        CaseName::base(&self.program.study().design.case_name)
    }

    /// Why the base case is not fit to be worked on, if it is not.
    pub fn block_reasons(&self) -> Option<&[String]> {
        self.blocked.as_deref()
    }

    /// The request to stop that holds now.
    pub fn stop_cause(&self) -> Option<StopCause> {
        self.stop
    }

    /// How the run stands.
    pub fn status(&self) -> RunStatus {
        match (&self.finished, self.stop) {
            (Some((status, _)), _) => *status,
            (None, Some(cause)) if cause.is_resumable() => RunStatus::Interrupted,
            _ => RunStatus::Running,
        }
    }

    /// The digest of a finished run.
    pub fn recorded_digest(&self) -> Option<ContentHash> {
        self.finished.as_ref().map(|(_, digest)| *digest)
    }

    /// Attempts that run now, in order.
    pub fn running_attempts(&self) -> &BTreeSet<AttemptId> {
        &self.running
    }

    pub(crate) fn base_standing(&self) -> TrialStanding {
        if running(&self.base) {
            TrialStanding::Running
        } else if settled(&self.base).is_some() {
            TrialStanding::Finished
        } else {
            TrialStanding::Waiting
        }
    }

    pub(crate) fn base_outcome(&self) -> Option<&Outcome> {
        settled(&self.base)
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
            Event::AttemptStarted { .. } | Event::ConfirmationStarted { .. }
                if self.stop.is_some() || self.blocked.is_some() || self.halted.is_some() =>
            {
                return refuse("nothing starts in a run that is stopped or blocked".to_owned());
            }
            Event::ConfirmationStarted { attempt } => {
                if !self
                    .confirmations_due(attempt.trial.stage)
                    .contains(attempt)
                {
                    return refuse("the rules confirm no survivor like this here".to_owned());
                }
                if let Some(trial) = self.trials.get_mut(&attempt.trial) {
                    trial.confirmations.push(Attempt::started(attempt.number));
                }
                self.running.insert(*attempt);
            }
            Event::AttemptStarted { attempt } => match self.next_attempt(attempt.trial) {
                Some(expected) if expected == *attempt => {
                    self.attempts_mut(attempt.trial)
                        .push(Attempt::started(attempt.number));
                    self.waiting_mut(attempt.trial)
                        .remove(&attempt.trial.derived);
                    self.running.insert(*attempt);
                }
                Some(expected) => return refuse(format!("the next attempt is {expected}")),
                None => return refuse("the trial does not wait for a worker".to_owned()),
            },
            Event::AttemptFinished {
                attempt,
                outcome,
                usage,
            } => {
                if !self.running.remove(attempt) {
                    return refuse("the attempt does not run".to_owned());
                }
                let confirms = self.finish(*attempt, outcome, *usage);
                if !confirms {
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
                self.waiting_mut(*trial).remove(&trial.derived);
            }
            Event::StageStarted {
                stage,
                inputs,
                missing,
                vetoed,
            } => {
                if self.stage_opening(*stage).as_ref() != Some(event) {
                    return refuse("the rules do not start this stage like this here".to_owned());
                }
                let planned = self.plan_trials(*stage, inputs, vetoed);
                let mut tally = self.inherited_tally(*stage);
                tally.best = self.best_input(*stage, inputs);
                let approval = self.stages[stage.position()].approval.take();
                self.stages[stage.position()] = Stage {
                    inputs: inputs.clone(),
                    missing: missing.clone(),
                    approval,
                    vetoed: vetoed.clone(),
                    planned,
                    tally,
                    ..Stage::opened(StageStanding::Running)
                };
            }
            Event::TrialProposed { trial, parent, eco } => {
                if self.next_proposal(trial.stage).as_ref() != Some(event) {
                    return refuse("the rules propose another trial here".to_owned());
                }
                self.stages[trial.stage.position()].proposed += 1;
                self.waiting_mut(*trial).insert(trial.derived);
                self.trials.insert(
                    *trial,
                    Trial {
                        id: *trial,
                        parent: parent.clone(),
                        eco: eco.clone(),
                        attempts: Vec::new(),
                        confirmations: Vec::new(),
                        cancelled: None,
                        refused: None,
                        verdict: None,
                    },
                );
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
                self.drop_discarded_cases(Some(*stage));
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
        Ok(())
    }

    /// Adds a round to what a stage plans; one without any trial ends its proposing.
    fn extend_plan(&mut self, stage: StageIndex, round: Vec<(CaseName, EcoProposal)>) {
        let found = &mut self.stages[stage.position()];
        found.rounds += 1;
        found.exhausted = round.is_empty();
        found.planned.extend(round);
    }

    /// The attempt of a trial that may start now.
    pub(crate) fn next_attempt(&self, trial: TrialId) -> Option<AttemptId> {
        let (waiting, attempts) = if trial.is_base() {
            (self.base_standing() == TrialStanding::Waiting, &self.base)
        } else {
            let found = self.trials.get(&trial)?;
            (found.standing() == TrialStanding::Waiting, &found.attempts)
        };
        waiting.then_some(AttemptId {
            trial,
            number: attempts.len() as u32 + 1,
        })
    }

    fn waiting_mut(&mut self, trial: TrialId) -> &mut BTreeSet<u32> {
        &mut self.stages[trial.stage.position()].waiting
    }

    fn attempts_mut(&mut self, trial: TrialId) -> &mut Vec<Attempt> {
        match self.trials.get_mut(&trial) {
            Some(found) => &mut found.attempts,
            None => &mut self.base,
        }
    }

    /// Notes how an attempt ended; returns whether it was one that confirms a survivor.
    fn finish(&mut self, attempt: AttemptId, outcome: &Outcome, usage: AttemptUsage) -> bool {
        let (attempts, confirmations) = match self.trials.get_mut(&attempt.trial) {
            Some(trial) => (&mut trial.attempts, Some(&mut trial.confirmations)),
            None => (&mut self.base, None),
        };
        let confirming = confirmations
            .and_then(|confirmations| confirmations.last_mut())
            .filter(|last| last.number == attempt.number);
        let confirms = confirming.is_some();
        if let Some(last) = confirming.or_else(|| attempts.last_mut()) {
            last.outcome = Some(outcome.clone());
            last.usage = usage;
        }
        confirms
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
        let base = self.base_metrics().clone();
        let objective = self.program.objective(attempt.trial.stage);
        let rail = self.program.trial_rail(attempt.trial.stage);
        let Some(trial) = self.trials.get_mut(&attempt.trial) else {
            return;
        };
        let Some(outcome) = settled(&trial.attempts) else {
            if trial.cancelled.is_none() {
                self.waiting_mut(attempt.trial)
                    .insert(attempt.trial.derived);
            }
            return;
        };
        let verdict = select::judge(outcome, objective, rail, &base);
        let stage = &self.stages[attempt.trial.stage.position()];
        let wanted = !discarded && !matches!(stage.standing, StageStanding::Finished(_));
        if let (Verdict::Derived, Outcome::Measured(measurement), true) =
            (&verdict, outcome, wanted)
        {
            let identical = stage
                .inputs
                .iter()
                .filter(|input| input.case == trial.parent)
                .flat_map(|input| input.identical.iter().cloned());
            let name = attempt.trial.case(&self.program.study().design.case_name);
            let case = Case {
                name: name.clone(),
                parents: std::iter::once(trial.parent.clone())
                    .chain(trial.eco.composition.iter().map(|found| found.with.clone()))
                    .chain(identical)
                    .collect(),
                eco: Some(trial.eco.clone()),
                measurement: measurement.clone(),
                attempt,
            };
            self.cases.insert(name, case);
        }
        trial.verdict = Some(verdict);
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
        Event::ConfirmationStarted { attempt } => format!("the confirmation {attempt}"),
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

/// A run as its journal tells it.
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
            let refuse = |reason: String| {
                let event = describe(event);
                (position, TransitionError { event, reason })
            };
            match (&mut controller, event) {
                (None, Event::RunCreated { identity }) => {
                    let created = Self::new((**identity).clone());
                    controller = Some(created.map_err(|error| refuse(error.to_string()))?);
                }
                (None, _) => return Err(refuse("no run was created yet".to_owned())),
                (Some(_), Event::RunCreated { .. }) => {
                    return Err(refuse("the run was created already".to_owned()));
                }
                (Some(controller), event) => {
                    controller.apply(event).map_err(|error| (position, error))?;
                }
            }
        }
        controller.ok_or_else(|| {
            let error = TransitionError {
                event: "the journal".to_owned(),
                reason: "it holds no event".to_owned(),
            };
            (0, error)
        })
    }
}
