//! The state of a run: what is known of its stages, trials and cases, and what can be read from it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, OnceLock};

use noodle2_model::{
    AttemptId, AttemptUsage, BudgetOwner, CacheAnswer, CacheHit, CaseName, Containment,
    ContentHash, EcoProposal, Failure, FailureClass, Measurement, Outcome, RunIdentity, RunStatus,
    StageEnd, StageIndex, StageInput, StopCause, TimeKind, TrialId, Veto,
};

use crate::approval::StageApproval;
use crate::noise::{self, Noise, Repeats};
use crate::program::{Program, ProgramError};
use crate::promote::Examination;
use crate::propose::Planned;
use crate::schedule::{Queue, Schedule, Work};
use crate::select::Verdict;
use crate::tally::{StudyTally, Tally};
use crate::trials::Trials;

/// Attempts lost with their worker after which a trial counts as failed: it may be what kills them.
const CRASH_LIMIT: usize = 3;

/// A run: its program and all that has happened in it.
#[derive(Debug, Clone)]
pub struct Controller {
    pub(crate) program: Program,
    pub(crate) base: Vec<Attempt>,
    pub(crate) base_repeats: Repeats,
    pub(crate) noise: Option<Noise>,
    pub(crate) stages: Vec<Stage>,
    pub(crate) trials: Trials,
    pub(crate) cases: BTreeMap<CaseName, Case>,
    pub(crate) running: BTreeSet<AttemptId>,
    pub(crate) schedule: Schedule,
    pub(crate) study_tally: StudyTally,
    pub(crate) halted: Option<(TrialId, String)>,
    pub(crate) blocked: Option<Vec<String>>,
    pub(crate) stop: Option<StopCause>,
    /// Budgets of time of stages and branches that are spent.
    pub(crate) spent: BTreeSet<(BudgetOwner, TimeKind)>,
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
    /// Trials that it may make beyond its own, with the stage that did not use them.
    pub extra_trials: Vec<(StageIndex, u32)>,
    /// What it is about to propose: computed when it starts or a round begins, the same on every replay, and handed
    /// over to its trials one by one.
    pub(crate) planned: VecDeque<Planned>,
    /// How many trials it has proposed.
    pub(crate) proposed: usize,
    /// The trials that wait for a worker: kept beside the trials so that a decision costs the same in a study of a
    /// million trials.
    pub(crate) waiting: Queue,
    /// Derived indices of the trials that are to be called off while the stage goes on.
    pub(crate) unwanted: BTreeSet<u32>,
    /// What its survivors have to pass, once every trial is counted: worked out when it is first asked for, and forgotten
    /// with every event that bears on it.
    pub(crate) examination: OnceLock<Examination>,
    pub(crate) tally: Tally,
    /// How many of the tally's containments are in the journal.
    pub(crate) contained: usize,
    /// Whether it is in the journal that the stage has seen enough.
    pub(crate) satisfied: bool,
    /// The budget of time whose end cut it short, in words, if one did. Its count then ends as if it had seen enough.
    pub(crate) out_of_time: Option<String>,
    /// Processor seconds of its attempts that ended.
    pub(crate) cpu_s: f64,
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
    pub(crate) fn opened(standing: StageStanding) -> Self {
        Self {
            standing,
            inputs: Vec::new(),
            missing: Vec::new(),
            approval: None,
            vetoed: Vec::new(),
            extra_trials: Vec::new(),
            planned: VecDeque::new(),
            proposed: 0,
            waiting: Queue::default(),
            unwanted: BTreeSet::new(),
            examination: OnceLock::new(),
            tally: Tally::default(),
            contained: 0,
            satisfied: false,
            out_of_time: None,
            cpu_s: 0.0,
            rounds: 0,
            exhausted: false,
            proposer_failure: None,
            refused_proposals: Vec::new(),
        }
    }

    /// How many trials it proposes in all, as far as it has planned.
    pub(crate) fn planned_count(&self) -> usize {
        self.proposed + self.planned.len()
    }

    /// The trial at which it had seen enough, and of what, once that is decided.
    pub fn satisfied(&self) -> Option<&(TrialId, String)> {
        self.last_counted().filter(|_| self.out_of_time.is_none())
    }

    /// Where its count ends before its trials do, and why, once that is decided.
    pub(crate) fn last_counted(&self) -> Option<&(TrialId, String)> {
        self.tally.enough.as_ref().filter(|_| self.satisfied)
    }

    /// How many of its trials counted when a budget of time was spent, and which; `None` where none cut it short.
    pub fn out_of_time(&self) -> Option<(u32, &str)> {
        let cause = self.out_of_time.as_deref()?;
        let (at, _) = self.last_counted()?;
        Some((at.derived, cause))
    }

    /// Processor seconds of its attempts that ended.
    pub fn cpu_s(&self) -> f64 {
        self.cpu_s
    }

    /// What is contained in it, as far as it is decided.
    pub fn containments(&self) -> &[Containment] {
        &self.tally.contained[..self.contained]
    }

    /// The cases that it passed on, best first; none unless it completed.
    pub fn survivors(&self) -> &[CaseName] {
        match &self.standing {
            StageStanding::Finished(StageEnd::Completed { survivors, .. }) => survivors,
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
    pub eco: Arc<EcoProposal>,
    /// Why its proposer chose it, where it gave a reason.
    pub reason: Option<String>,
    /// Its executions, oldest first.
    pub attempts: Vec<Attempt>,
    /// Executions that measured its netlist again before it was passed on, oldest first. Numbers of
    /// attempts run over all.
    pub confirmations: Vec<Attempt>,
    /// Executions that repeated its measurement under perturbations, by the number of the repeat.
    pub repeats: Repeats,
    /// Why it is not wanted any more, if it is not.
    pub cancelled: Option<String>,
    /// The gates that it did not pass, if it was refused to survive.
    pub refused: Option<Vec<String>>,
    pub(crate) verdict: Option<Verdict>,
    /// What is known of its costs.
    pub(crate) work: Work,
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
    /// What was known of its result before; `None` where nobody asked.
    pub cache: Option<CacheAnswer>,
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
    pub eco: Option<Arc<EcoProposal>>,
    /// What was measured.
    pub measurement: Arc<Measurement>,
    /// The attempt that measured it, and whose folder holds it.
    pub attempt: AttemptId,
}

impl Attempt {
    pub(crate) fn started(number: u32) -> Self {
        Self {
            number,
            outcome: None,
            usage: AttemptUsage::default(),
            cache: None,
        }
    }

    /// Where its result comes from, if it was known before.
    pub fn hit(&self) -> Option<&CacheHit> {
        self.cache.as_ref()?.hit()
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

pub(crate) fn running(attempts: &[Attempt]) -> bool {
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

    /// Where its result comes from, if it was known before and nothing was run for it.
    pub fn hit(&self) -> Option<&CacheHit> {
        self.attempts.last()?.hit()
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
        let others = self.confirmations.len() + noise::count(&self.repeats);
        (self.attempts.len() + others) as u32 + 1
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
        let memory_mib = program.study().limits.memory_mib;
        Ok(Self {
            stages: vec![waiting; program.study().stages.len()],
            trials: Trials::of(program.study().stages.len()),
            program,
            base: Vec::new(),
            base_repeats: Repeats::new(),
            noise: None,
            cases: BTreeMap::new(),
            running: BTreeSet::new(),
            schedule: Schedule::new(memory_mib.saturating_mul(1 << 20)),
            study_tally: StudyTally::default(),
            halted: None,
            blocked: None,
            stop: None,
            spent: BTreeSet::new(),
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
        self.trials.of_stage(stage).iter()
    }

    /// One trial.
    pub fn trial(&self, id: TrialId) -> Option<&Trial> {
        self.trials.get(&id)
    }

    /// All executions that were started.
    pub fn attempts(&self) -> impl Iterator<Item = AttemptId> {
        let base = self.base.iter().chain(self.base_repeats.values().flatten());
        let base = base.map(|attempt| (TrialId::BASE, attempt));
        let trials = self.trials.values().flat_map(|trial| {
            let repeats = trial.repeats.values().flatten();
            let made = trial.attempts.iter().chain(&trial.confirmations);
            made.chain(repeats).map(|attempt| (trial.id, attempt))
        });
        base.chain(trials).map(|(trial, attempt)| AttemptId {
            trial,
            number: attempt.number,
        })
    }

    /// The executions of the measurement of the base case.
    pub fn base_attempts(&self) -> &[Attempt] {
        &self.base
    }

    /// All measured cases by name, those of discarded trials excepted.
    pub fn cases(&self) -> &BTreeMap<CaseName, Case> {
        &self.cases
    }

    /// Whether others start from a case: the base case, and what a stage passed on.
    pub fn is_kept(&self, case: &CaseName) -> bool {
        *case == self.base_name()
            || (self.stages.iter()).any(|stage| stage.survivors().contains(case))
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
            // Nothing is repeated before its first measurement ended.
            number: attempts.len() as u32 + 1,
        })
    }
}
