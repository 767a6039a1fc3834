//! The loop: decide, make durable, fold, act, wait.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use noodle2_control::{AnswerError, Controller, Offer, TransitionError};
use noodle2_exec::{InstallError, Interrupts};
use noodle2_model::{AttemptId, Event, FailureClass, Outcome, RunStatus, StageEnd, StopCause};
use noodle2_store::{
    ApprovalRequest, JournalWriter, Mending, RequestAnswer, RunFolder, StoreError,
};

use super::attempt::AttemptResult;
use super::executor::{Executor, ExecutorEvent};
use super::herald::Herald;
use super::order::AttemptOrder;
use super::people::{People, event_of, thanks};
use super::proposer::{Askers, AskingPlace};
use super::spending::Spending;
use super::watch::{Watch, is_going_on};
use crate::record::lay_out_case;

/// How long the loop sleeps when nothing happens, so that displays stay fresh.
const HEARTBEAT: Duration = Duration::from_millis(500);

/// How many results are journalled with one sync at most.
const MOST_AT_ONCE: usize = 1024;

/// Everything that one controller process holds while it works on a run.
pub(crate) struct Driver {
    pub controller: Controller,
    pub journal: JournalWriter,
    /// The run folder.
    pub folder: RunFolder,
    pub executor: Box<dyn Executor>,
    pub spending: Spending,
    /// What the attempts which run at once may hold together; `None` where that cannot be told.
    pub memory_bytes: Option<u64>,
    /// Whether it was told that an attempt does not fit into that by itself.
    pub told_oversized: bool,
    /// Where and how programs of the user's are asked for proposals.
    pub asking: AskingPlace,
    pub people: People,
    pub herald: Arc<Herald>,
    /// Leave when people alone can bring the run on.
    pub exit_when_waiting: bool,
}

/// How the loop ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RunEnd {
    /// The run ended, with this status.
    Finished(RunStatus),
    /// It can be resumed; this asked it to stop.
    Interrupted(StopCause),
    /// It can be resumed; people alone can bring it on.
    Waiting,
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
        let waker = self.executor.waker();
        let interrupts = Interrupts::install(move |_| waker.wake())?;
        let mut obeyed = 0;
        let mut offered = None;
        let mut askers = Askers::new(self.asking.clone());
        loop {
            // Before anything starts: a budget may have been spent by the attempt that just ended.
            if self.controller.stop_cause().is_none() {
                if let Some(cause) = self.spending.spent() {
                    self.record(vec![Event::StopRequested { cause }], watch)?;
                    self.executor.cancel_all();
                } else {
                    let spent = self.spending.spent_in_parts(&self.controller);
                    self.record(spent, watch)?;
                }
            }
            for line in self.executor.news() {
                watch.say(&line);
            }
            self.tell_workers(&mut offered, watch)?;
            self.hear_people(watch)?;
            self.decide(watch)?;
            let waker = self.executor.waker();
            askers.call_off(&self.controller);
            askers.ask(&self.controller, move || waker.wake());
            while let Some((stage, answer)) = askers.answer() {
                // One that comes after the run was stopped is asked for again when it goes on.
                let waiting = self.controller.external_rounds_due();
                if waiting.iter().any(|(other, _)| *other == stage) {
                    self.record(vec![answer], watch)?;
                    self.decide(watch)?;
                }
            }
            self.spending.rest(self.controller.waits_for_approval());
            watch.show(&self.controller);
            if let Some(end) = self.end() {
                self.leave(watch)?;
                watch.close(&self.controller, is_going_on(&self.controller));
                return Ok(end);
            }
            let patience = self.spending.patience(&self.controller, HEARTBEAT);
            match self.executor.next(patience) {
                Some(ExecutorEvent::Finished(attempt, result)) => {
                    let mut ended = vec![(attempt, *result)];
                    // What is ready at once is made durable at once.
                    while ended.len() < MOST_AT_ONCE
                        && let Some(event) = self.executor.next(Duration::ZERO)
                    {
                        match event {
                            ExecutorEvent::Finished(attempt, result) => {
                                ended.push((attempt, *result))
                            }
                            // Whoever woke the loop is heard in its next round, as ever.
                            ExecutorEvent::Woken => {}
                        }
                    }
                    self.take_in(ended, watch)?;
                }
                Some(ExecutorEvent::Woken) | None => {}
            }
            if self.executor.is_lost() && self.controller.stop_cause().is_none() {
                let cause = StopCause::ClusterLost;
                self.record(vec![Event::StopRequested { cause }], watch)?;
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
                    self.executor.kill_all();
                }
            }
        }
    }

    /// Journals, folds and acts on decisions until none follows.
    fn decide(&mut self, watch: &mut Watch) -> Result<(), DriverError> {
        loop {
            let running = self.controller.running_attempts().len();
            let decisions = self.controller.decide(Offer {
                free_workers: self.executor.offers().saturating_sub(running),
                memory_bytes: self.memory_bytes,
            });
            if decisions.is_empty() {
                return Ok(());
            }
            self.record(decisions.clone(), watch)?;
            for decision in decisions {
                self.tell_oversized(&decision, watch);
                self.act(decision)?;
            }
        }
    }

    /// Says of an attempt that starts that it does not fit into memory by itself.
    fn tell_oversized(&mut self, decision: &Event, watch: &mut Watch) {
        if self.told_oversized {
            return;
        }
        let (Event::AttemptStarted { attempt }
        | Event::ConfirmationStarted { attempt }
        | Event::RepeatStarted { attempt, .. }) = decision
        else {
            return;
        };
        let expected = self.controller.expected_memory_bytes(*attempt);
        if let (Some(limit), Some(bytes)) = (self.memory_bytes, expected)
            && bytes > limit
        {
            self.told_oversized = true;
            let mib = |bytes: u64| bytes.div_ceil(1 << 20);
            watch.say(&format!(
                "N2-RUN-021: {attempt} runs alone, and so does every attempt like it: it is expected to hold {} MiB, and attempts may hold {} MiB together \
                 (`--memory-mib`)",
                mib(bytes),
                mib(limit)
            ));
        }
    }

    /// Journals how many workers there are, when that is another number than before.
    fn tell_workers(
        &mut self,
        told: &mut Option<usize>,
        watch: &mut Watch,
    ) -> Result<(), DriverError> {
        let workers = self.executor.workers();
        // That a cluster has none yet tells where it is; that it has none any more is no offer.
        if *told == Some(workers) || (workers == 0 && told.is_some()) {
            return Ok(());
        }
        *told = Some(workers);
        let offer = Event::WorkersOffered {
            workers: u32::try_from(workers).unwrap_or(u32::MAX),
            cluster: self.executor.place(),
        };
        self.record(vec![offer], watch)
    }

    fn act(&mut self, decision: Event) -> Result<(), DriverError> {
        match decision {
            Event::AttemptStarted { attempt }
            | Event::ConfirmationStarted { attempt }
            | Event::RepeatStarted { attempt, .. } => {
                let order = AttemptOrder::new(&self.controller, attempt);
                let submitted = self.executor.submit(order);
                submitted.map_err(|_| DriverError::Duplicate(attempt))?;
            }
            Event::TrialCancelled { trial, .. } => {
                // A survivor may be examined by several attempts at once.
                let running = self.controller.running_attempts().iter();
                for attempt in running.filter(|attempt| attempt.trial == trial) {
                    self.executor.cancel(attempt);
                }
            }
            Event::StageFinished {
                end: StageEnd::Completed { survivors, .. },
                ..
            } => {
                for name in &survivors {
                    if let Some(case) = self.controller.cases().get(name) {
                        lay_out_case(&self.folder, &self.controller, case)?;
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Makes events durable, then folds them.
    fn record(&mut self, mut events: Vec<Event>, watch: &mut Watch) -> Result<(), DriverError> {
        if events.is_empty() {
            return Ok(());
        }
        let now = Timestamp::now();
        let mended = self.journal.mend()?;
        events.splice(0..0, mended.iter().map(mending_event));
        let timed: Vec<(Timestamp, Event)> = events.into_iter().map(|event| (now, event)).collect();
        self.journal.append(&timed)?;
        for (_, event) in &timed {
            self.controller.apply(event)?;
            self.spending.hear(event);
            self.people.note(event, now);
            watch.tell(now, &self.controller, event);
            self.herald.hear(&self.controller, event, now);
        }
        Ok(())
    }

    /// Journals what people answered, and that the time for an answer is over.
    fn hear_people(&mut self, watch: &mut Watch) -> Result<(), DriverError> {
        for (id, request) in self.people.requests() {
            let is_awaited = is_awaited(&request);
            let answer = match request {
                Ok(request) => self.take_answer(request, watch)?,
                Err(error) => not_taken(error),
            };
            self.people.settle(&id, is_awaited.then_some(&answer));
            if !answer.taken {
                watch.say(&format!("an answer was not taken: {}", answer.message));
            }
        }
        if let Some(trouble) = self.people.trouble() {
            watch.say(&format!("requests of people: {trouble}"));
        }
        self.expire(Timestamp::now(), watch)
    }

    /// Journals a person's answer, unless it does not count.
    fn take_answer(
        &mut self,
        request: ApprovalRequest,
        watch: &mut Watch,
    ) -> Result<RequestAnswer, DriverError> {
        if request.schema_version != ApprovalRequest::SCHEMA_VERSION {
            return Ok(not_taken("it comes from another version of noodle2"));
        }
        // Queued while nobody worked on the run, it may have come too late.
        self.expire(request.asked_at, watch)?;
        let whose = format!("`{}` by {}", request.stage, request.by);
        let checked = event_of(&self.controller, request)
            .and_then(|event| self.controller.check_answer(&event).map(|()| event));
        let event = match checked {
            Ok(event) => event,
            // Journalled, but still in the way when the controller was killed.
            Err(error @ AnswerError::Twice(_)) => {
                return Ok(RequestAnswer {
                    taken: true,
                    message: error.to_string(),
                });
            }
            Err(error) => return Ok(not_taken(format!("{whose}: {error}"))),
        };
        self.record(vec![event.clone()], watch)?;
        Ok(RequestAnswer {
            taken: true,
            message: thanks(&self.controller, &event),
        })
    }

    fn expire(&mut self, now: Timestamp, watch: &mut Watch) -> Result<(), DriverError> {
        while let Some(stage) = self.people.overdue(&self.controller, now) {
            self.record(vec![Event::ApprovalExpired { stage }], watch)?;
        }
        Ok(())
    }

    /// The last look at what others left: answers that come too late, bytes in the journal.
    fn leave(&mut self, watch: &mut Watch) -> Result<(), DriverError> {
        let has_ended = self.controller.recorded_digest().is_some();
        if has_ended {
            for (id, request) in self.people.last_requests() {
                let answer = not_taken(AnswerError::RunEnded);
                let is_awaited = is_awaited(&request);
                self.people.settle(&id, is_awaited.then_some(&answer));
                watch.say(&format!("an answer came too late: {}", answer.message));
            }
        }
        let mended = self.journal.mend()?;
        if !mended.is_empty() && !has_ended {
            return self.record(mended.iter().map(mending_event).collect(), watch);
        }
        // Nothing follows the end of a run; what was moved aside tells of it by itself.
        for mending in &mended {
            watch.tell_only(&self.controller, &mending_event(mending));
        }
        Ok(())
    }

    /// Journals and folds the results of attempts that have ended.
    fn take_in(
        &mut self,
        ended: Vec<(AttemptId, AttemptResult)>,
        watch: &mut Watch,
    ) -> Result<(), DriverError> {
        let disk_full = ended.iter().any(|(_, result)| {
            matches!(&result.outcome, Outcome::Failed(failure) if failure.class == FailureClass::DiskFull)
        });
        let attempts: Vec<AttemptId> = ended.iter().map(|(attempt, _)| *attempt).collect();
        let mut events = Vec::new();
        for (attempt, result) in ended {
            if let Some(index) = result.artifacts {
                events.push(Event::ArtifactsSealed { attempt, index });
            }
            events.push(Event::AttemptFinished {
                attempt,
                outcome: Box::new(result.outcome),
                usage: result.usage,
                cache: result.cache,
            });
        }
        if disk_full && self.controller.stop_cause().is_none() {
            let cause = StopCause::DiskFull;
            events.push(Event::StopRequested { cause });
        }
        self.record(events, watch)?;
        if disk_full {
            self.executor.cancel_all();
        }
        let design = self.controller.program().study().design.case_name.clone();
        for attempt in attempts {
            if let Some(case) = self.controller.cases().get(&attempt.trial.case(&design)) {
                lay_out_case(&self.folder, &self.controller, case)?;
            }
        }
        Ok(())
    }

    fn end(&self) -> Option<RunEnd> {
        if self.controller.recorded_digest().is_some() {
            return Some(RunEnd::Finished(self.controller.status()));
        }
        if self.exit_when_waiting && self.controller.waits_for_approval() {
            return Some(RunEnd::Waiting);
        }
        let cause = self.controller.stop_cause()?;
        let idle = self.controller.running_attempts().is_empty();
        (idle && cause.is_resumable()).then_some(RunEnd::Interrupted(cause))
    }
}

/// Whether somebody waits to hear what comes of a request.
fn is_awaited(request: &Result<ApprovalRequest, StoreError>) -> bool {
    let until = request.as_ref().ok().and_then(|found| found.awaited_until);
    until.is_some_and(|until| Timestamp::now() <= until)
}

fn not_taken(why: impl std::fmt::Display) -> RequestAnswer {
    RequestAnswer {
        taken: false,
        message: why.to_string(),
    }
}

fn mending_event(mending: &Mending) -> Event {
    let name = mending
        .kept_in
        .as_deref()
        .and_then(std::path::Path::file_name);
    Event::JournalMended {
        offset: mending.offset,
        foreign: mending.foreign,
        restored: mending.restored,
        kept_in: name.map(|name| name.to_string_lossy().into_owned()),
    }
}
