//! What a live display tells of a run beyond its state: how fast it goes, and how its best value came about.
//!
//! Folds timed events one at a time, so that a display costs the same after ten trials and after ten thousand. Never
//! reads a clock: whoever draws says what time it is.

use std::collections::{BTreeSet, VecDeque};

use jiff::Timestamp;
use noodle2_control::{AttemptRole, Controller, TrialStanding};
use noodle2_model::{Event, Outcome, StageIndex};

/// How many ends of trials the pace is taken from, at most.
const RECENT: usize = 60;

/// Pace and course of a run, as far as its events tell.
#[derive(Debug, Clone, Default)]
pub struct Pulse {
    previous: Option<Timestamp>,
    /// Whether nothing ran after the last event, and people were asked.
    only_waits: bool,
    asked: BTreeSet<StageIndex>,
    worked_s: f64,
    /// The second of work from which on the pace is taken.
    since_s: Option<f64>,
    /// The second of work in which each of the latest trials ended that were run.
    ends: VecDeque<f64>,
    ended: usize,
    course: Vec<(usize, f64)>,
    warm: usize,
    cold: usize,
    known: usize,
    workers: Option<u32>,
    dashboard: Option<String>,
}

impl Pulse {
    /// Takes in an event that the controller has just folded.
    pub fn note(&mut self, at: Timestamp, controller: &Controller, event: &Event) {
        let resumed = matches!(event, Event::RunResumed);
        if let (Some(previous), false, false) = (self.previous, resumed, self.only_waits) {
            self.worked_s += seconds_between(previous, at);
        }
        self.previous = Some(at);
        match event {
            // The pace of a former controller, with other workers perhaps, says nothing of this one's.
            Event::RunResumed => {
                self.ends.clear();
                self.since_s = None;
            }
            Event::WorkersOffered { workers, cluster } => {
                self.workers = Some(*workers);
                self.dashboard = cluster.as_ref().and_then(|place| place.dashboard.clone());
            }
            Event::ApprovalRequested { stage, .. } => {
                self.asked.insert(*stage);
            }
            Event::StageStarted { stage, .. } | Event::StageFinished { stage, .. } => {
                self.asked.remove(stage);
            }
            Event::AttemptStarted { attempt } if !attempt.trial.is_base() => {
                self.since_s.get_or_insert(self.worked_s);
            }
            Event::AttemptFinished {
                attempt,
                outcome,
                usage,
                cache,
            } => {
                let is_known = cache.as_ref().is_some_and(|answer| answer.hit().is_some());
                match (is_known, usage.forked) {
                    (true, _) => self.known += 1,
                    (false, Some(true)) => self.warm += 1,
                    (false, Some(false)) => self.cold += 1,
                    // One that was called off before an engine was there.
                    (false, None) => {}
                }
                let role = controller.role_of(*attempt);
                if !matches!(role, Some(AttemptRole::Derives)) {
                    return self.rest(controller);
                }
                if let Outcome::Measured(measurement) = outcome.as_ref() {
                    let metric = controller.program().study().objective.rank.first();
                    let value = metric.and_then(|metric| measurement.overall.get(*metric));
                    if let (Some(metric), Some(value)) = (metric, value) {
                        let best = self.course.last();
                        if best.is_none_or(|(_, best)| metric.compare(value, *best).is_gt()) {
                            self.course.push((self.ended, value));
                        }
                    }
                }
                let trial = controller.trial(attempt.trial);
                if trial.is_some_and(|trial| trial.standing() == TrialStanding::Finished) {
                    self.ended += 1;
                    if !is_known {
                        self.ends.push_back(self.worked_s);
                    }
                    if self.ends.len() > RECENT {
                        self.since_s = self.ends.pop_front();
                    }
                }
            }
            _ => {}
        }
        self.rest(controller);
    }

    /// Notes whether people alone can bring the run on.
    fn rest(&mut self, controller: &Controller) {
        self.only_waits = !self.asked.is_empty() && controller.running_attempts().is_empty();
    }

    /// Seconds of work up to now: pauses between controllers, and time in which nothing ran and people were asked,
    /// are left out. `now` is `None` where nobody works on the run.
    pub fn worked_s(&self, now: Option<Timestamp>) -> f64 {
        match (self.previous, now) {
            (Some(previous), Some(now)) if !self.only_waits => {
                self.worked_s + seconds_between(previous, now)
            }
            _ => self.worked_s,
        }
    }

    /// Trials a minute: of the last 60 that ended and were run, over the seconds of work from the end before them
    /// (or from the first start) until now. `None` before the first has ended.
    pub fn per_minute(&self, now: Option<Timestamp>) -> Option<f64> {
        let seconds = self.worked_s(now) - self.since_s?;
        let trials = self.ends.len();
        (trials > 0 && seconds > 0.0).then(|| 60.0 * trials as f64 / seconds)
    }

    /// How many attempts began on an engine that was loaded already.
    pub fn warm(&self) -> usize {
        self.warm
    }

    /// How many attempts began on an engine that was started for them.
    pub fn cold(&self) -> usize {
        self.cold
    }

    /// How many attempts were not run, since their results were known.
    pub fn known(&self) -> usize {
        self.known
    }

    /// How many workers there are, by the latest offer.
    pub fn workers(&self) -> Option<u32> {
        self.workers
    }

    /// Where the cluster that carries attempts out can be watched.
    pub fn dashboard(&self) -> Option<&str> {
        self.dashboard.as_deref()
    }

    /// The best value measured so far of the metric that matters most, after each of so many equal parts of the trials
    /// that have ended, the oldest first. Empty before anything was measured.
    pub fn course(&self, parts: usize) -> Vec<f64> {
        let Some((_, first)) = self.course.first() else {
            return Vec::new();
        };
        let last = parts.saturating_sub(1).max(1);
        let value_after = |ended: usize| {
            let steps = self.course.iter().take_while(|(at, _)| *at <= ended);
            steps.last().map_or(*first, |(_, value)| *value)
        };
        (0..parts)
            .map(|part| value_after(self.ended * part / last))
            .collect()
    }
}

fn seconds_between(start: Timestamp, end: Timestamp) -> f64 {
    end.duration_since(start).as_secs_f64().max(0.0)
}
