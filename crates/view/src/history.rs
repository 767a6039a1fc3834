//! When things happened: the journal's times beside the state that its events give.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use noodle2_control::{AttemptRole, Controller, TransitionError};
use noodle2_model::{AttemptId, AttemptUsage, ClusterPlace, Event, StageIndex};

use crate::{JournalMending, SummaryStatus};

/// A run with its times.
#[derive(Debug, Clone)]
pub struct History {
    controller: Controller,
    spans: Vec<AttemptSpan>,
    stages: BTreeMap<StageIndex, (Option<Timestamp>, Option<Timestamp>)>,
    controlled_s: f64,
    /// When nobody worked on the run, or nothing but people was waited for, in order.
    pauses: Vec<Pause>,
    /// Of the seconds in which a controller worked on the run, those between the start and the end of a stage.
    stage_walls: BTreeMap<StageIndex, f64>,
    workers: u32,
    /// The cluster that carries attempts out, by the latest offer.
    cluster: Option<ClusterPlace>,
    started_at: Option<Timestamp>,
    last_at: Option<Timestamp>,
    at_work: bool,
    approvals: BTreeMap<StageIndex, ApprovalTimes>,
    mendings: Vec<JournalMending>,
    called: String,
}

/// When an approval was asked for, and when each person answered.
#[derive(Debug, Clone)]
pub(crate) struct ApprovalTimes {
    pub requested_at: Timestamp,
    /// The last answer of each person, by name.
    pub answers: BTreeMap<String, Timestamp>,
}

/// A time that does not count into the makespan.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Pause {
    pub from: Timestamp,
    pub until: Timestamp,
    /// Whether people were asked meanwhile; else there was no controller.
    pub for_people: bool,
}

impl Pause {
    /// How long it was.
    pub fn seconds(&self) -> f64 {
        seconds_between(self.from, self.until)
    }
}

/// When an attempt ran.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AttemptSpan {
    pub attempt: AttemptId,
    /// When its start was journalled, or a worker of a cluster began with it.
    pub started_at: Timestamp,
    /// When its end was journalled; `None` while it runs.
    pub ended_at: Option<Timestamp>,
}

impl AttemptSpan {
    /// Seconds from start to end; `None` while it runs.
    fn seconds(&self) -> Option<f64> {
        Some(seconds_between(self.started_at, self.ended_at?))
    }
}

/// A history that grows by one event at a time.
#[derive(Debug, Default)]
pub struct Folding {
    history: Option<History>,
    /// Where the journal tells of no possible run.
    refused: Option<(usize, TransitionError)>,
    events: usize,
    /// Stages that wait for approval.
    asked: BTreeSet<StageIndex>,
    running: BTreeSet<StageIndex>,
    /// The place among the spans of each attempt that runs.
    open: BTreeMap<AttemptId, usize>,
    previous: Option<Timestamp>,
}

impl Folding {
    /// Folds the next event. Behind one that is not possible, nothing counts any more.
    pub fn add(&mut self, at: Timestamp, event: &Event) {
        if self.refused.is_none() {
            let folded = self.fold(at, event);
            self.refused = folded.err().map(|error| (self.events, error));
            self.events += 1;
        }
    }

    /// The history of the events so far; `None` before the first, and where one was not possible.
    pub fn history(&self) -> Option<&History> {
        self.history.as_ref().filter(|_| self.refused.is_none())
    }

    /// The history of the events.
    ///
    /// # Errors
    /// As [`Controller::replay`].
    pub fn finish(self) -> Result<History, (usize, TransitionError)> {
        match (self.refused, self.history) {
            (Some(refused), _) => Err(refused),
            (None, Some(history)) => Ok(history),
            (None, None) => Err((0, TransitionError::nothing())),
        }
    }

    fn fold(&mut self, at: Timestamp, event: &Event) -> Result<(), TransitionError> {
        match &mut self.history {
            None => self.history = Some(History::of(Controller::created(event)?, at)),
            Some(history) => history.controller.follow(event)?,
        }
        self.note(at, event);
        Ok(())
    }

    /// Notes when an event happened.
    fn note(&mut self, at: Timestamp, event: &Event) {
        let Some(history) = &mut self.history else {
            return;
        };
        history.last_at = Some(at);
        // Between the last record of a controller and its successor's first, nobody worked.
        let resumed = matches!(event, Event::RunResumed);
        let only_waited = self.open.is_empty() && !self.asked.is_empty();
        if let (Some(previous), true) = (self.previous, resumed || only_waited) {
            history.pause(previous, at, !resumed);
        }
        if let (Some(previous), false, false) = (self.previous, resumed, only_waited) {
            let seconds = seconds_between(previous, at);
            history.controlled_s += seconds;
            for stage in &self.running {
                *history.stage_walls.entry(*stage).or_default() += seconds;
            }
        }
        // What ran when a controller was lost ran at most until its last record, as far as is known.
        if let (Some(previous), true) = (self.previous, resumed) {
            for position in std::mem::take(&mut self.open).into_values() {
                history.spans[position].ended_at = Some(previous);
            }
        }
        self.previous = Some(at);
        match event {
            Event::WorkersOffered { workers, cluster } => {
                history.workers = history.workers.max(*workers);
                history.cluster.clone_from(cluster);
            }
            Event::AttemptStarted { attempt }
            | Event::ConfirmationStarted { attempt }
            | Event::RepeatStarted { attempt, .. } => {
                self.open.insert(*attempt, history.spans.len());
                history.spans.push(AttemptSpan {
                    attempt: *attempt,
                    started_at: at,
                    ended_at: None,
                });
            }
            Event::AttemptFinished { attempt, usage, .. } => {
                if let Some(position) = self.open.remove(attempt) {
                    let span = &mut history.spans[position];
                    span.ended_at = Some(at);
                    // What waited for a worker of a cluster took none of anybody's time.
                    let waited = usage.waited_s.unwrap_or(0.0).max(0.0);
                    let waited = SignedDuration::try_from_secs_f64(waited).unwrap_or_default();
                    let began = span.started_at.checked_add(waited).unwrap_or(at);
                    span.started_at = began.min(at);
                }
            }
            Event::ApprovalRequested { stage, .. } => {
                self.asked.insert(*stage);
                let times = ApprovalTimes {
                    requested_at: at,
                    answers: BTreeMap::new(),
                };
                history.approvals.insert(*stage, times);
            }
            Event::ApprovalGiven { stage, by, .. } | Event::ApprovalRefused { stage, by, .. } => {
                if let Some(times) = history.approvals.get_mut(stage) {
                    times.answers.insert(by.clone(), at);
                }
            }
            Event::JournalMended {
                offset,
                foreign,
                restored,
                kept_in,
            } => history.mendings.push(JournalMending {
                at,
                offset: *offset,
                foreign: *foreign,
                restored: *restored,
                kept_in: kept_in.clone(),
            }),
            Event::StageStarted { stage, .. } => {
                self.asked.remove(stage);
                self.running.insert(*stage);
                history.stages.entry(*stage).or_default().0 = Some(at);
            }
            Event::StageFinished { stage, .. } => {
                self.asked.remove(stage);
                self.running.remove(stage);
                history.stages.entry(*stage).or_default().1 = Some(at);
            }
            _ => {}
        }
    }
}

fn seconds_between(start: Timestamp, end: Timestamp) -> f64 {
    end.duration_since(start).as_secs_f64().max(0.0)
}

impl History {
    /// Folds timed events into a history. Unless [`History::at_work`] says otherwise, nobody works on the run
    /// any more.
    ///
    /// # Errors
    /// As [`Controller::replay`].
    pub fn new(events: &[(Timestamp, Event)]) -> Result<Self, (usize, TransitionError)> {
        let mut folding = Folding::default();
        for (at, event) in events {
            folding.add(*at, event);
        }
        folding.finish()
    }

    /// The state of a run that is just created.
    fn of(controller: Controller, at: Timestamp) -> Self {
        Self {
            controller,
            spans: Vec::new(),
            stages: BTreeMap::new(),
            controlled_s: 0.0,
            pauses: Vec::new(),
            stage_walls: BTreeMap::new(),
            workers: 1,
            cluster: None,
            started_at: Some(at),
            last_at: Some(at),
            at_work: false,
            approvals: BTreeMap::new(),
            mendings: Vec::new(),
            called: "RUN".to_owned(),
        }
    }

    fn pause(&mut self, from: Timestamp, until: Timestamp, for_people: bool) {
        match self.pauses.last_mut() {
            Some(last) if last.until == from && last.for_people == for_people => last.until = until,
            _ if until > from => self.pauses.push(Pause {
                from,
                until,
                for_people,
            }),
            _ => {}
        }
    }

    /// The times that do not count into the makespan, in order.
    pub(crate) fn pauses(&self) -> &[Pause] {
        &self.pauses
    }

    /// When each attempt ran, in the order in which they started.
    pub(crate) fn spans(&self) -> &[AttemptSpan] {
        &self.spans
    }

    /// The same history, read while a controller is, or is not, at work on the run. The journal cannot tell.
    #[must_use]
    pub fn at_work(mut self, at_work: bool) -> Self {
        self.at_work = at_work;
        self
    }

    /// The same history of a run that is called this in a shell, as in `noodle2 approve CALLED`.
    #[must_use]
    pub fn in_folder(mut self, called: String) -> Self {
        self.called = called;
        self
    }

    /// What the run is called in a shell; `RUN` unless that is known.
    pub fn called(&self) -> &str {
        &self.called
    }

    /// Whether a controller works on the run.
    pub fn is_at_work(&self) -> bool {
        self.at_work
    }

    pub(crate) fn approval_times(&self, stage: StageIndex) -> Option<&ApprovalTimes> {
        self.approvals.get(&stage)
    }

    /// When people were asked to approve a stage, if they were.
    pub fn approval_requested_at(&self, stage: StageIndex) -> Option<Timestamp> {
        self.approvals.get(&stage).map(|times| times.requested_at)
    }

    /// Where something else than the controller had written into the journal.
    pub fn mendings(&self) -> &[JournalMending] {
        &self.mendings
    }

    /// The state of the run.
    pub fn controller(&self) -> &Controller {
        &self.controller
    }

    /// The state of the run, for somebody who goes on with it.
    pub fn into_controller(self) -> Controller {
        self.controller
    }

    /// How the run stands.
    pub fn status(&self) -> SummaryStatus {
        SummaryStatus::new(&self.controller, self.at_work)
    }

    /// When a stage started and ended, as far as it did. A stage that was running when the run ended, ended
    /// with it.
    pub(crate) fn stage_times(&self, stage: StageIndex) -> (Option<Timestamp>, Option<Timestamp>) {
        let (started, ended) = self.stages.get(&stage).copied().unwrap_or_default();
        let with_run = self.status().has_ended() && started.is_some();
        (started, ended.or(self.last_at.filter(|_| with_run)))
    }

    /// When the run was created.
    pub(crate) fn started_at(&self) -> Option<Timestamp> {
        self.started_at
    }

    /// When the last event was journalled.
    pub(crate) fn last_at(&self) -> Option<Timestamp> {
        self.last_at
    }

    /// Seconds during which a controller worked on the run: its makespan. Pauses between a kill and the
    /// resumption are left out, and so is the time in which nothing ran and people were asked.
    pub fn makespan_s(&self) -> f64 {
        self.controlled_s
    }

    /// Seconds from the start of a stage to its end, or until now, as far as [`History::makespan_s`] counts them;
    /// `None` where it never started.
    pub fn stage_wall_s(&self, stage: StageIndex) -> Option<f64> {
        self.stages.get(&stage)?.0?;
        Some(self.stage_walls.get(&stage).copied().unwrap_or(0.0))
    }

    /// The cluster that carries attempts out, or did; `None` where it is this machine.
    pub fn cluster(&self) -> Option<&ClusterPlace> {
        self.cluster.as_ref()
    }

    /// Every attempt with when it began and when its end was recorded, in the order of their starts.
    pub fn attempt_times(
        &self,
    ) -> impl Iterator<Item = (AttemptId, Timestamp, Option<Timestamp>)> + '_ {
        let spans = self.spans.iter();
        spans.map(|span| (span.attempt, span.started_at, span.ended_at))
    }

    /// The most workers that were offered at any time.
    pub(crate) fn workers(&self) -> u32 {
        self.workers
    }

    /// How many stages had a running attempt at one instant, at most. The measurement of the base case
    /// belongs to no stage.
    pub(crate) fn peak_concurrent_stages(&self) -> usize {
        let mut changes: Vec<(Timestamp, bool, StageIndex)> = Vec::new();
        for span in self
            .spans
            .iter()
            .filter(|span| !span.attempt.trial.is_base())
        {
            let end = span.ended_at.or(self.last_at).unwrap_or(span.started_at);
            changes.push((span.started_at, true, span.attempt.trial.stage));
            changes.push((end, false, span.attempt.trial.stage));
        }
        // At one and the same instant, what ended makes room before what starts is counted.
        changes.sort_by_key(|(at, starts, stage)| (*at, *starts, *stage));
        let mut running: BTreeMap<StageIndex, usize> = BTreeMap::new();
        let mut peak = 0;
        for (_, starts, stage) in changes {
            let count = running.entry(stage).or_default();
            if starts {
                *count += 1;
            } else {
                *count = count.saturating_sub(1);
            }
            if *count == 0 {
                running.remove(&stage);
            }
            peak = peak.max(running.len());
        }
        peak
    }

    /// A time below which no schedule of the measured attempts could have finished: the larger of the
    /// longest chain of attempts and of all attempt seconds divided by the workers (Graham 1969).
    pub(crate) fn lower_bound_s(&self) -> f64 {
        // Its repeats wait for the base, and all stages for them.
        let (mut base, mut repeats) = (0.0_f64, 0.0_f64);
        let mut longest = vec![0.0_f64; self.controller.stages().len()];
        let mut total = 0.0;
        for span in &self.spans {
            let seconds = span.seconds().unwrap_or(0.0);
            total += seconds;
            if span.attempt.trial.is_base() {
                match self.controller.role_of(span.attempt) {
                    Some(AttemptRole::Repeats(_)) => repeats = repeats.max(seconds),
                    _ => base = base.max(seconds),
                }
            } else {
                let stage = &mut longest[span.attempt.trial.stage.position()];
                *stage = stage.max(seconds);
            }
        }
        let (_, chain) = self.controller.program().dag().critical_path(&longest);
        (base + repeats + chain).max(total / f64::from(self.workers))
    }

    /// Processor seconds of all attempts.
    pub fn cpu_s(&self) -> f64 {
        self.usages().map(|usage| usage.cpu_s).sum()
    }

    /// Bytes that all attempts take up in the run folder, as far as it was measured.
    pub fn disk_bytes(&self) -> u64 {
        self.usages().filter_map(|usage| usage.disk_bytes).sum()
    }

    fn usages(&self) -> impl Iterator<Item = &AttemptUsage> {
        let base = self.controller.base_attempts().iter();
        let trials = self.controller.trials();
        let trials = trials.flat_map(|trial| {
            let repeats = trial.repeats.values().flatten();
            trial
                .attempts
                .iter()
                .chain(&trial.confirmations)
                .chain(repeats)
        });
        let repeats = self.controller.base_repeats().values().flatten();
        base.chain(repeats)
            .chain(trials)
            .map(|attempt| &attempt.usage)
    }

    /// Seconds during which an attempt of the one and of the other stage ran at the same instant.
    pub(crate) fn overlap_s(&self, left: StageIndex, right: StageIndex) -> f64 {
        let of = |stage: StageIndex| {
            union(
                self.spans
                    .iter()
                    .filter(|span| {
                        !span.attempt.trial.is_base() && span.attempt.trial.stage == stage
                    })
                    .filter_map(|span| Some((span.started_at, span.ended_at?)))
                    .collect(),
            )
        };
        let (left, right) = (of(left), of(right));
        let mut seconds = 0.0;
        for (left_start, left_end) in &left {
            for (right_start, right_end) in &right {
                let start = *left_start.max(right_start);
                let end = *left_end.min(right_end);
                if end > start {
                    seconds += seconds_between(start, end);
                }
            }
        }
        seconds
    }
}

/// The intervals merged where they touch or overlap, in order.
fn union(mut intervals: Vec<(Timestamp, Timestamp)>) -> Vec<(Timestamp, Timestamp)> {
    intervals.sort();
    let mut merged: Vec<(Timestamp, Timestamp)> = Vec::new();
    for (start, end) in intervals {
        match merged.last_mut() {
            Some(last) if start <= last.1 => last.1 = last.1.max(end),
            _ => merged.push((start, end)),
        }
    }
    merged
}
