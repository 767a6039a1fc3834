//! The loop on a virtual clock: decide, fold, start, go on to the next end.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, HashMap};

use noodle2_control::{
    AttemptRole, Controller, Offer, ProgramError, StageStanding, TransitionError,
};
use noodle2_model::{
    AttemptId, AttemptUsage, BudgetOwner, Event, FailureClass, Outcome, StageIndex, StopCause,
    TimeKind, TrialId,
};

use crate::bound::{Bound, Lengths, Nanoseconds};
use crate::draw::Draw;
use crate::durations::{Durations, Sample};
use crate::faults::Faults;
use crate::study::Simulated;
use crate::trace::{AttemptCounts, StageTrace, Trace, TrialCounts};
use crate::world;

const SECOND: f64 = 1e9;

/// On what a study is simulated.
#[derive(Debug, Clone)]
pub struct Options<'a> {
    /// How many attempts run at once.
    pub workers: usize,
    /// What they may hold together, in bytes; `None` where nobody counts.
    pub memory_bytes: Option<u64>,
    /// How long they take.
    pub durations: &'a Durations,
    /// What goes wrong with them.
    pub faults: Faults,
}

/// Why a simulation did not come to its end: a defect, either way.
#[derive(Debug, thiserror::Error)]
pub enum SimulationError {
    /// The study's stages or ECOs do not fit together.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// The controller refused its own decision.
    #[error("the controller refused its own decision: {0}")]
    Refused(#[from] TransitionError),
    /// Nothing runs, and nothing is decided.
    #[error("nothing runs, nothing is decided, and the run has not ended")]
    Stuck,
}

/// An attempt that runs.
#[derive(Debug, Clone, Copy)]
struct Running {
    role: AttemptRole,
    started: Nanoseconds,
    ends: Nanoseconds,
    sample: Sample,
    /// How it goes wrong, if it does.
    fault: Option<FailureClass>,
}

struct Clock<'a> {
    simulated: &'a Simulated,
    options: &'a Options<'a>,
    controller: Controller,
    now: Nanoseconds,
    /// When attempts end; those that were called off are still among them.
    ends: BinaryHeap<Reverse<(Nanoseconds, AttemptId)>>,
    running: HashMap<AttemptId, Running>,
    lengths: Lengths,
    counts: AttemptCounts,
    busy: Nanoseconds,
    cpu_s: f64,
    held_bytes: u64,
    peak_bytes: u64,
    started: Vec<Option<Nanoseconds>>,
    ended: Vec<Option<Nanoseconds>>,
    work: Vec<Nanoseconds>,
}

/// Simulates a study from its start to its end.
///
/// # Errors
/// When it cannot be run at all, or the controller is at odds with itself.
pub fn simulate(simulated: &Simulated, options: &Options<'_>) -> Result<Trace, SimulationError> {
    let controller = Controller::new(simulated.identity.clone())?;
    let stages = controller.stages().len();
    let mut clock = Clock {
        simulated,
        options,
        controller,
        now: 0,
        ends: BinaryHeap::new(),
        running: HashMap::new(),
        lengths: Lengths::of(stages),
        counts: AttemptCounts::default(),
        busy: 0,
        cpu_s: 0.0,
        held_bytes: 0,
        peak_bytes: 0,
        started: vec![None; stages],
        ended: vec![None; stages],
        work: vec![0; stages],
    };
    clock.work()?;
    Ok(clock.trace())
}

impl Clock<'_> {
    fn work(&mut self) -> Result<(), SimulationError> {
        loop {
            self.decide()?;
            if self.controller.recorded_digest().is_some() {
                return Ok(());
            }
            if self.approve()? {
                continue;
            }
            let next = self.next_end();
            if let Some((at, event)) = self.next_deadline()
                && next.is_none_or(|(end, _)| at <= end)
            {
                self.now = self.now.max(at);
                self.spend(event)?;
                continue;
            }
            let Some((end, attempt)) = next else {
                return Err(SimulationError::Stuck);
            };
            self.ends.pop();
            self.now = end;
            self.finish(attempt, None)?;
        }
    }

    /// Folds decisions and acts on them until none follows.
    fn decide(&mut self) -> Result<(), SimulationError> {
        loop {
            let decisions = self.controller.decide(Offer {
                free_workers: self.options.workers.saturating_sub(self.running.len()),
                memory_bytes: self.options.memory_bytes,
            });
            if decisions.is_empty() {
                return Ok(());
            }
            for event in &decisions {
                self.controller.apply(event)?;
                self.act(event)?;
            }
        }
    }

    fn act(&mut self, event: &Event) -> Result<(), SimulationError> {
        match event {
            Event::AttemptStarted { attempt } => self.start(*attempt, AttemptRole::Derives),
            Event::ConfirmationStarted { attempt } => self.start(*attempt, AttemptRole::Confirms),
            Event::RepeatStarted { attempt, repeat } => {
                self.start(*attempt, AttemptRole::Repeats(*repeat));
            }
            Event::TrialProposed { trial, .. } => self.lengths.propose(*trial),
            Event::RoundPlanned { stage, .. } => self.lengths.begin_round(*stage),
            Event::StageStarted { stage, .. } => {
                self.started[stage.position()] = Some(self.now);
            }
            Event::StageFinished { stage, .. } => {
                self.ended[stage.position()] = Some(self.now);
            }
            Event::TrialCancelled { trial, .. } => self.call_off(Some(*trial))?,
            _ => {}
        }
        Ok(())
    }

    fn start(&mut self, attempt: AttemptId, role: AttemptRole) {
        let study = self.controller.program().study();
        let limits = &study.limits;
        let trial = self.controller.trial(attempt.trial);
        let earlier = match (trial, role) {
            (None, AttemptRole::Repeats(repeat)) => self
                .controller
                .base_repeats()
                .get(&repeat)
                .map_or(0, Vec::len),
            (None, _) => self.controller.base_attempts().len(),
            (Some(trial), AttemptRole::Derives) => trial.attempts.len(),
            (Some(trial), AttemptRole::Confirms) => trial.confirmations.len(),
            (Some(trial), AttemptRole::Repeats(repeat)) => {
                trial.repeats.get(&repeat).map_or(0, Vec::len)
            }
        };
        let draw = |what| Draw::of(study.seed, attempt.trial, role, earlier, what);
        let eco = trial.map(|trial| trial.eco.name.as_str());
        let mut sample = self
            .options
            .durations
            .draw(&mut draw("duration"), role, eco);
        let own = self.options.faults.draw(&mut draw("fault"));
        let fault = own.filter(|_| !attempt.trial.is_base());
        let mut class = fault.map(|fault| fault.class);
        let busy = sample.cpu_s / sample.wall_s;
        match fault.and_then(|fault| fault.after) {
            Some(part) => sample.wall_s *= part,
            None if fault.is_some() => sample.wall_s = limits.wall_time_s,
            None if sample.wall_s > limits.wall_time_s => {
                sample.wall_s = limits.wall_time_s;
                class = Some(FailureClass::Timeout);
            }
            None => {}
        }
        sample.cpu_s = busy * sample.wall_s;
        let took = ((sample.wall_s * SECOND) as Nanoseconds).max(1);
        let ends = self.now + took;
        self.ends.push(Reverse((ends, attempt)));
        self.counts.started += 1;
        self.counts.measured_again += usize::from(role != AttemptRole::Derives);
        self.held_bytes += sample.peak_memory_bytes.unwrap_or(0);
        self.peak_bytes = self.peak_bytes.max(self.held_bytes);
        let running = Running {
            role,
            started: self.now,
            ends,
            sample,
            fault: class,
        };
        self.running.insert(attempt, running);
    }

    /// The next end of an attempt that was not called off.
    fn next_end(&mut self) -> Option<(Nanoseconds, AttemptId)> {
        while let Some(Reverse((end, attempt))) = self.ends.peek().copied() {
            if self
                .running
                .get(&attempt)
                .is_some_and(|running| running.ends == end)
            {
                return Some((end, attempt));
            }
            self.ends.pop();
        }
        None
    }

    /// Ends an attempt now: with this, or as it was drawn.
    fn finish(
        &mut self,
        attempt: AttemptId,
        cut: Option<FailureClass>,
    ) -> Result<(), SimulationError> {
        let Some(running) = self.running.remove(&attempt) else {
            return Ok(());
        };
        let took = self.now - running.started;
        let part = took as f64 / (running.ends - running.started) as f64;
        let class = cut.or(running.fault);
        let outcome: Outcome = match class {
            Some(class) => world::failure(class),
            None => world::result_of(&self.controller, attempt, running.role),
        };
        let sample = running.sample;
        let usage = AttemptUsage {
            wall_s: sample.wall_s * part,
            cpu_s: sample.cpu_s * part,
            peak_memory_bytes: sample.peak_memory_bytes,
            disk_bytes: None,
            waited_s: None,
            worker: None,
            forked: None,
        };
        self.controller.apply(&Event::AttemptFinished {
            attempt,
            outcome: Box::new(outcome),
            usage,
            cache: None,
        })?;
        self.counts.lost += usize::from(class == Some(FailureClass::WorkerLost));
        self.counts.called_off += usize::from(cut.is_some());
        self.busy += took;
        self.cpu_s += usage.cpu_s;
        self.held_bytes -= sample.peak_memory_bytes.unwrap_or(0);
        self.lengths.add(attempt, running.role, took);
        if !attempt.trial.is_base() {
            self.work[attempt.trial.stage.position()] += took;
        }
        Ok(())
    }

    /// Ends what runs of a trial, or everything.
    fn call_off(&mut self, trial: Option<TrialId>) -> Result<(), SimulationError> {
        let running = self.controller.running_attempts().iter().copied();
        let wanted = running.filter(|attempt| trial.is_none_or(|trial| attempt.trial == trial));
        let wanted: BTreeSet<AttemptId> = wanted.collect();
        for attempt in wanted {
            self.finish(attempt, Some(FailureClass::Interrupted))?;
        }
        Ok(())
    }

    /// Lets people approve what may start; returns whether anybody did.
    fn approve(&mut self) -> Result<bool, SimulationError> {
        let stages = self.controller.stages();
        let has_ended = |stage: StageIndex| {
            matches!(
                stages[stage.position()].standing,
                StageStanding::Finished(_)
            )
        };
        let mut open = self.controller.open_approvals();
        let Some(stage) = open.find(|stage| !self.simulated.is_held_back(*stage, has_ended)) else {
            return Ok(false);
        };
        drop(open);
        let Some(evidence) = stages[stage.position()]
            .approval
            .as_ref()
            .map(|open| open.evidence)
        else {
            return Ok(false);
        };
        self.controller.apply(&Event::ApprovalGiven {
            stage,
            by: "the simulation".to_owned(),
            note: String::new(),
            evidence,
        })?;
        Ok(true)
    }

    /// The next moment at which a budget is spent if nothing ends before, and what is then journalled.
    fn next_deadline(&self) -> Option<(Nanoseconds, Event)> {
        if self.controller.stop_cause().is_some() {
            return None;
        }
        let study = self.controller.program().study();
        let budget = &study.budget;
        let stop = |cause| Event::StopRequested { cause };
        if budget.cpu_time_s.is_some_and(|limit| self.cpu_s >= limit) {
            return Some((self.now, stop(StopCause::CpuTime)));
        }
        let whole = budget.wall_time_s.map(|limit| {
            let at = (limit * SECOND) as Nanoseconds;
            (at, stop(StopCause::WallTime))
        });
        let time = TimeKind::Wall;
        let open = self.controller.open_time_budgets(time).into_iter();
        let parts = open.map(|(owner, limit)| {
            let at = self.spent_at(owner, (limit * SECOND) as Nanoseconds);
            (at, Event::TimeSpent { owner, time })
        });
        whole.into_iter().chain(parts).min_by_key(|(at, _)| *at)
    }

    /// When the stages of an owner have taken so long together, if those that run go on.
    fn spent_at(&self, owner: BudgetOwner, limit: Nanoseconds) -> Nanoseconds {
        let mut spent = 0;
        let mut running = 0;
        for stage in self.controller.stages_of(owner) {
            let position = stage.position();
            if let Some(started) = self.started[position] {
                running += u64::from(self.ended[position].is_none());
                spent += self.ended[position].unwrap_or(self.now) - started;
            }
        }
        self.now + limit.saturating_sub(spent).div_ceil(running.max(1))
    }

    /// Journals that a budget is spent.
    fn spend(&mut self, event: Event) -> Result<(), SimulationError> {
        self.controller.apply(&event)?;
        if let Event::StopRequested { .. } = event {
            self.call_off(None)?;
        }
        Ok(())
    }

    fn trace(self) -> Trace {
        let seconds = |time: Nanoseconds| time as f64 / SECOND;
        let controller = &self.controller;
        let makespan_s = seconds(self.now);
        let work_s = seconds(self.busy);
        let workers = self.options.workers;
        let is_cut_short = controller.stop_cause().is_some() || !controller.promises_digest();
        let bound = (!is_cut_short).then(|| {
            let critical_path_s = seconds(self.lengths.critical_path(controller));
            Bound {
                critical_path_s,
                work_s,
                makespan_s: critical_path_s.max(work_s / workers as f64),
            }
        });
        let stages = (0..controller.stages().len()).map(|position| {
            let times = (
                self.started[position].map(seconds),
                self.ended[position].map(seconds),
            );
            let work_s = seconds(self.work[position]);
            StageTrace::of(controller, StageIndex::from(position), times, work_s)
        });
        Trace {
            workers,
            status: controller.status(),
            makespan_s,
            ratio: bound.map(|bound| makespan_s / bound.makespan_s),
            bound,
            utilisation: match makespan_s > 0.0 {
                true => work_s / (makespan_s * workers as f64),
                false => 0.0,
            },
            cpu_hours: self.cpu_s / 3600.0,
            peak_memory_bytes: (self.peak_bytes > 0).then_some(self.peak_bytes),
            attempts: self.counts,
            trials: TrialCounts::of(controller),
            stages: stages.collect(),
            decisions: controller.recorded_digest(),
        }
    }
}
