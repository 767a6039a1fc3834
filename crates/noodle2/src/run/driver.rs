//! The loop: decide, make durable, fold, act, wait.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use noodle2_control::{Controller, TransitionError};
use noodle2_exec::{InstallError, Interrupts, Pool, PoolEvent};
use noodle2_model::{AttemptId, Event, Failure, FailureClass, Outcome, RunStatus, StopCause};
use noodle2_store::{JournalWriter, StoreError};

use super::attempt::{AttemptOrder, AttemptResult, AttemptRunner};
use super::proposer::{Askers, AskingPlace};
use super::spending::Spending;
use super::watch::Watch;

/// How long the loop sleeps when nothing happens, so that displays stay fresh.
const HEARTBEAT: Duration = Duration::from_millis(500);

/// Everything that one controller process holds while it works on a run.
pub(crate) struct Driver {
    pub controller: Controller,
    pub journal: JournalWriter,
    pub runner: Arc<dyn AttemptRunner>,
    pub spending: Spending,
    pub workers: usize,
    /// Where and how programs of the user's are asked for proposals.
    pub asking: AskingPlace,
}

/// How the loop ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RunEnd {
    /// The run ended, with this status.
    Finished(RunStatus),
    /// It can be resumed; this asked it to stop.
    Interrupted(StopCause),
}

/// Why the loop could not go on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DriverError {
    /// The journal could not be written: nothing that is not in it was acted on.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The controller refused its own decision.
    #[error("the controller refused its own decision: {0}")]
    Transition(#[from] TransitionError),
    /// No threads.
    #[error("the workers could not be started: {0}")]
    Workers(#[from] std::io::Error),
    /// Nobody could stop the run with grace.
    #[error(transparent)]
    Interrupts(#[from] InstallError),
    /// An attempt could not be handed to the workers.
    #[error("attempt {0} is with the workers already")]
    Duplicate(AttemptId),
}

impl Driver {
    /// Works on the run until it ends or is interrupted. `interrupted` counts the requests of a person to
    /// stop: after the first nothing new starts, after the second running attempts are killed.
    pub fn work(mut self, watch: &mut Watch) -> Result<RunEnd, DriverError> {
        let pool: Pool<AttemptId, AttemptResult> = Pool::new(self.workers)?;
        let waker = pool.waker();
        let interrupts = Interrupts::install(move |_| waker.wake())?;
        let mut obeyed = 0;
        let mut askers = Askers::new(self.asking.clone());
        loop {
            // Before anything starts: a budget may have been spent by the attempt that just ended.
            if let (Some(cause), None) = (self.spending.spent(), self.controller.stop_cause()) {
                self.record(vec![Event::StopRequested { cause }], watch)?;
                pool.cancel_all();
            }
            self.decide(&pool, watch)?;
            let waker = pool.waker();
            askers.ask(&self.controller, move || waker.wake());
            while let Some((stage, answer)) = askers.answer() {
                // One that comes after the run was stopped is asked for again when it goes on.
                let waiting = self.controller.external_rounds_due();
                if waiting.iter().any(|(other, _)| *other == stage) {
                    self.record(vec![answer], watch)?;
                    self.decide(&pool, watch)?;
                }
            }
            watch.show(&self.controller, self.spending.wall_s());
            if let Some(end) = self.end() {
                return Ok(end);
            }
            match pool.recv_timeout(self.spending.patience(HEARTBEAT)) {
                Some(PoolEvent::Finished { id, result }) => {
                    let result = result.unwrap_or_else(|panic| AttemptResult::panicked(&panic));
                    self.take_in(id, result, &pool, watch)?;
                }
                Some(PoolEvent::Woken) | None => {}
            }
            let asked = interrupts.count();
            if asked > obeyed {
                obeyed = asked;
                if self.controller.stop_cause().is_none() {
                    let cause = StopCause::Person;
                    self.record(vec![Event::StopRequested { cause }], watch)?;
                    watch.say("finishing running trials, then stopping; Ctrl-C again kills them");
                }
                if asked > 1 {
                    pool.kill_all();
                }
            }
        }
    }

    /// Journals, folds and acts on decisions until none follows.
    fn decide(
        &mut self,
        pool: &Pool<AttemptId, AttemptResult>,
        watch: &mut Watch,
    ) -> Result<(), DriverError> {
        loop {
            let free = self
                .workers
                .saturating_sub(self.controller.running_attempts().len());
            let decisions = self.controller.decide(free);
            if decisions.is_empty() {
                return Ok(());
            }
            self.record(decisions.clone(), watch)?;
            for decision in decisions {
                self.act(decision, pool)?;
            }
        }
    }

    fn act(
        &self,
        decision: Event,
        pool: &Pool<AttemptId, AttemptResult>,
    ) -> Result<(), DriverError> {
        match decision {
            Event::AttemptStarted { attempt } | Event::ConfirmationStarted { attempt } => {
                let order = AttemptOrder::new(&self.controller, attempt);
                let runner = Arc::clone(&self.runner);
                pool.submit(attempt, move |cancel| runner.run(&order, cancel))
                    .map_err(|_| DriverError::Duplicate(attempt))?;
            }
            Event::TrialCancelled { trial, .. } => {
                let running = self.controller.running_attempts();
                if let Some(attempt) = running.iter().find(|attempt| attempt.trial == trial) {
                    pool.cancel(attempt);
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Makes events durable, then folds them.
    fn record(&mut self, events: Vec<Event>, watch: &mut Watch) -> Result<(), DriverError> {
        let now = Timestamp::now();
        let timed: Vec<(Timestamp, Event)> = events.into_iter().map(|event| (now, event)).collect();
        self.journal.append(&timed)?;
        for (_, event) in &timed {
            self.controller.apply(event)?;
            watch.tell(&self.controller, event);
        }
        Ok(())
    }

    fn take_in(
        &mut self,
        attempt: AttemptId,
        result: AttemptResult,
        pool: &Pool<AttemptId, AttemptResult>,
        watch: &mut Watch,
    ) -> Result<(), DriverError> {
        self.spending.add_cpu(result.usage.cpu_s);
        let disk_full = matches!(
            &result.outcome,
            Outcome::Failed(Failure {
                class: FailureClass::DiskFull,
                ..
            })
        );
        let mut events = Vec::new();
        if let Some(index) = result.artifacts {
            events.push(Event::ArtifactsSealed { attempt, index });
        }
        events.push(Event::AttemptFinished {
            attempt,
            outcome: Box::new(result.outcome),
            usage: result.usage,
        });
        if disk_full && self.controller.stop_cause().is_none() {
            let cause = StopCause::DiskFull;
            events.push(Event::StopRequested { cause });
        }
        self.record(events, watch)?;
        if disk_full {
            pool.cancel_all();
        }
        let name = attempt
            .trial
            .case(&self.controller.program().study().design.case_name);
        if let Some(case) = self.controller.cases().get(&name) {
            self.runner.keep_case(case)?;
        }
        Ok(())
    }

    fn end(&self) -> Option<RunEnd> {
        if self.controller.recorded_digest().is_some() {
            return Some(RunEnd::Finished(self.controller.status()));
        }
        let cause = self.controller.stop_cause()?;
        let idle = self.controller.running_attempts().is_empty();
        (idle && cause.is_resumable()).then_some(RunEnd::Interrupted(cause))
    }
}
