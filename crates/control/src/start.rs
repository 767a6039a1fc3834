//! Which attempts start next: longest remaining path first, in seconds as far as the run has taught them, and never what
//! would not fit into memory beside those that run.
//!
//! A stage with trials that wait occupies the workers for at least its longest trial, and for its work shared out over
//! all of them; after it comes the longest path of stages that wait for it, each counted alike. The stage with the most
//! left goes first, of several alike the one with more work that waits; what is left shrinks with each trial that starts, so
//! branches of like length take turns.
//!
//! An attempt that does not fit waits, and so does everything after it: what overtakes it could keep it waiting for
//! ever. One that would not fit even alone starts once nothing else runs.

use std::collections::btree_set;
use std::iter::Peekable;

use noodle2_model::{AttemptId, Event, Metric, StageIndex, TrialId};

use crate::schedule::{Offer, Work, WorkKind};
use crate::state::{Controller, StageStanding, Trial, TrialStanding};

/// What is left of an offer.
struct Room {
    free_workers: usize,
    memory_bytes: Option<u64>,
    held_bytes: u64,
    nothing_runs: bool,
    /// Something did not fit: nothing may overtake it.
    is_full: bool,
}

impl Room {
    /// Takes an attempt in that holds so many bytes, unless it has to wait.
    fn admit(&mut self, bytes: u64) -> bool {
        let together = self.held_bytes.saturating_add(bytes);
        let fits = self.memory_bytes.is_none_or(|limit| together <= limit) || self.nothing_runs;
        if self.free_workers == 0 || !fits {
            self.is_full = true;
        }
        if self.is_full {
            return false;
        }
        self.free_workers -= 1;
        self.held_bytes = together;
        self.nothing_runs = false;
        true
    }

    fn is_full(&self) -> bool {
        self.is_full || self.free_workers == 0
    }
}

/// A stage with trials that wait, while starts are chosen.
struct OpenStage<'a> {
    stage: StageIndex,
    groups: Vec<OpenGroup<'a>>,
    /// Whether its trials start in the order in which they count.
    in_order: bool,
    /// Seconds of work that waits.
    work_s: f64,
    /// Seconds of its longest trial that waits.
    longest_s: f64,
    /// Seconds from its end to the end of the study.
    after_s: f64,
}

struct OpenGroup<'a> {
    trials: Peekable<btree_set::Iter<'a, u32>>,
    /// The mean of its trials that wait.
    seconds: f64,
}

impl OpenStage<'_> {
    fn remaining_s(&self, workers: f64) -> f64 {
        self.longest_s.max(self.work_s / workers) + self.after_s
    }

    /// The derived index of its next trial, and what it takes.
    fn next(&mut self) -> Option<(u32, f64)> {
        let waiting = self.groups.iter_mut().filter_map(|group| {
            let first = **group.trials.peek()?;
            Some((first, group))
        });
        let (_, group) = match self.in_order {
            true => waiting.min_by_key(|(first, _)| *first),
            false => waiting.max_by(|(first, group), (other, than)| {
                let longer = group.seconds.total_cmp(&than.seconds);
                longer.then(other.cmp(first))
            }),
        }?;
        Some((*group.trials.next()?, group.seconds))
    }
}

impl Controller {
    /// The attempts that start now.
    pub(crate) fn starts(&self, offer: Offer) -> Vec<Event> {
        let mut room = Room {
            free_workers: offer.free_workers,
            memory_bytes: offer.memory_bytes,
            held_bytes: self.schedule.held_bytes(),
            nothing_runs: self.running.is_empty(),
            is_full: offer.free_workers == 0,
        };
        if room.is_full() {
            return Vec::new();
        }
        let measuring = self.measuring();
        let repeats = match self.base_standing() {
            TrialStanding::Waiting => self.start(TrialId::BASE).into_iter().collect(),
            _ => self.base_repeats_due(),
        };
        if !repeats.is_empty() {
            let bytes = self.schedule.memory_bytes(measuring);
            let admitted = repeats.into_iter().take_while(|_| room.admit(bytes));
            return admitted.collect();
        }
        // Whole branches wait for these.
        let mut starts = self.examination_starts(&mut room);
        self.trial_starts(&mut room, &mut starts);
        starts
    }

    fn examination_starts(&self, room: &mut Room) -> Vec<Event> {
        let stages = self.stages.iter().enumerate();
        let running = stages.filter(|(_, stage)| stage.standing == StageStanding::Running);
        let due =
            running.flat_map(|(position, _)| self.examinations_due(StageIndex::from(position)));
        due.take_while(|event| {
            let work = match event {
                Event::ConfirmationStarted { attempt } => {
                    self.work_of(attempt.trial, WorkKind::CONFIRMATION)
                }
                Event::RepeatStarted { attempt, .. } => {
                    self.work_of(attempt.trial, WorkKind::MEASUREMENT)
                }
                _ => return false,
            };
            room.admit(self.schedule.memory_bytes(work))
        })
        .collect()
    }

    fn trial_starts(&self, room: &mut Room, starts: &mut Vec<Event>) {
        let workers = (room.free_workers + starts.len() + self.running.len()).max(1) as f64;
        let mut open = self.open_stages(workers);
        while !room.is_full() {
            let longest = open.iter_mut().rev().max_by(|left, right| {
                let longer = (left.remaining_s(workers)).total_cmp(&right.remaining_s(workers));
                longer.then(left.work_s.total_cmp(&right.work_s))
            });
            let Some(found) = longest else {
                break;
            };
            let stage = found.stage;
            let Some((derived, seconds)) = found.next() else {
                open.retain(|other| other.stage != stage);
                continue;
            };
            found.work_s = (found.work_s - seconds).max(0.0);
            let trial = TrialId { stage, derived };
            let work = self.trials.get(&trial).map(|trial| trial.work);
            if work.is_some_and(|work| room.admit(self.schedule.memory_bytes(work))) {
                starts.extend(self.start(trial));
            }
        }
    }

    /// The stages with trials that wait, by index.
    fn open_stages(&self, workers: f64) -> Vec<OpenStage<'_>> {
        let stages = self.stages.iter().enumerate();
        let waiting: Vec<_> = stages
            .filter(|(_, found)| !found.waiting.is_empty())
            .map(|(position, _)| StageIndex::from(position))
            .collect();
        // Where there is no choice nothing need be weighed.
        let after = match waiting.len() {
            0 | 1 => Vec::new(),
            _ => self.paths_after(workers),
        };
        let open = waiting.into_iter().map(|stage| {
            let found = &self.stages[stage.position()];
            let groups: Vec<OpenGroup<'_>> = found
                .waiting
                .groups()
                .map(|group| OpenGroup {
                    seconds: group.seconds(&self.schedule, stage) / group.trials.len() as f64,
                    trials: group.trials.iter().peekable(),
                })
                .collect();
            let counted = found.waiting.groups().zip(&groups);
            let work_s: f64 = counted
                .map(|(group, open)| group.trials.len() as f64 * open.seconds)
                .sum();
            let longest_s = groups.iter().map(|group| group.seconds).fold(0.0, f64::max);
            let inputs = found.inputs.iter();
            let unloaded = inputs.filter(|input| !self.schedule.is_loaded(&input.case));
            let loading_s = self.schedule.loading_s();
            let unloaded = unloaded.count() as f64;
            OpenStage {
                stage,
                groups,
                in_order: self.program.counts_in_order(stage),
                work_s: work_s + unloaded * loading_s,
                longest_s: longest_s + unloaded.min(1.0) * loading_s,
                after_s: after.get(stage.position()).copied().unwrap_or(0.0),
            }
        });
        open.collect()
    }

    /// For each stage, the seconds from its end to the end of the study on the longest path of stages that wait for
    /// it.
    fn paths_after(&self, workers: f64) -> Vec<f64> {
        let mut after = vec![0.0; self.stages.len()];
        for &stage in self.program.canonical_order().iter().rev() {
            let longest = self
                .program
                .followers(stage)
                .iter()
                .map(|follower| self.length_s(*follower, workers) + after[follower.position()]);
            after[stage.position()] = longest.fold(0.0, f64::max);
        }
        after
    }

    /// Seconds that a stage takes at least which has not started; 0 once it has ended.
    fn length_s(&self, stage: StageIndex, workers: f64) -> f64 {
        let found = &self.stages[stage.position()];
        if let StageStanding::Finished(_) = found.standing {
            return 0.0;
        }
        let gates = self.program.gates(stage);
        let examined_s = match gates.confirm || gates.stability > 0 {
            true => {
                let cells = None;
                let kind = WorkKind::CONFIRMATION;
                self.schedule.seconds(Work { kind, cells }, None)
            }
            false => 0.0,
        };
        let trials = f64::from(self.program.stage(stage).trials);
        let entries = self.program.entries(stage).iter();
        let names = entries.map(|entry| entry.name.as_str());
        let trial_s = self.schedule.mean_seconds(names, stage);
        match trials > 0.0 {
            true => trial_s.max(trials * trial_s / workers) + examined_s,
            false => 0.0,
        }
    }

    fn start(&self, trial: TrialId) -> Option<Event> {
        self.next_attempt(trial)
            .map(|attempt| Event::AttemptStarted { attempt })
    }

    /// What measuring the base case costs.
    pub(crate) fn measuring(&self) -> Work {
        Work {
            kind: WorkKind::MEASUREMENT,
            cells: None,
        }
    }

    /// What measuring the case of a trial again costs.
    pub(crate) fn work_of(&self, trial: TrialId, kind: WorkKind) -> Work {
        let cells = self.trials.get(&trial).and_then(|trial| trial.work.cells);
        Work { kind, cells }
    }

    /// The cells of a case, where they were counted.
    pub(crate) fn cells_of(&self, case: &noodle2_model::CaseName) -> Option<u32> {
        let metrics = &self.cases.get(case)?.measurement.overall;
        let cells = metrics.get(Metric::CellCount)?;
        (cells >= 1.0 && cells <= f64::from(u32::MAX)).then_some(cells as u32)
    }

    /// Puts a trial among those that wait for a worker.
    pub(crate) fn enqueue(&mut self, trial: TrialId) {
        if let Some(Trial { work, .. }) = self.trials.get(&trial) {
            let stage = &mut self.stages[trial.stage.position()];
            stage.waiting.insert(trial.derived, *work);
        }
    }

    /// Takes a trial from those that wait for a worker.
    pub(crate) fn dequeue(&mut self, trial: TrialId) {
        if let Some(Trial { work, .. }) = self.trials.get(&trial) {
            let stage = &mut self.stages[trial.stage.position()];
            stage.waiting.remove(trial.derived, *work);
        }
    }

    /// Bytes that a running attempt was expected to hold at most when it started; 0 where no memory was read of any
    /// attempt before. `None` for one that does not run.
    pub fn expected_memory_bytes(&self, attempt: AttemptId) -> Option<u64> {
        self.schedule.held_by(attempt)
    }

    /// Bytes that all running attempts together were expected to hold when they started.
    pub fn expected_memory_in_use_bytes(&self) -> u64 {
        self.schedule.held_bytes()
    }

    /// Seconds that a trial is expected to take, and bytes that it is expected to hold at most, by what ended of this
    /// run; each absent where nothing tells it.
    pub fn expected_costs(&self, trial: TrialId) -> (Option<f64>, Option<u64>) {
        let Some(found) = self.trials.get(&trial) else {
            return (None, None);
        };
        let bytes = self.schedule.memory_bytes(found.work);
        let seconds = self.schedule.known_seconds(found.work, Some(trial.stage));
        (seconds, Some(bytes).filter(|bytes| *bytes > 0))
    }
}
