//! The clock of a run: seconds in which a controller worked on it, as [`History::makespan_s`] counts them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use noodle2_control::{Attempt, AttemptRole};
use noodle2_model::{AttemptId, FailureClass, Outcome};

use crate::History;
use crate::history::Pause;

/// Turns times into seconds of the run.
#[derive(Debug, Clone)]
pub(crate) struct RunClock {
    started_at: Timestamp,
    pauses: Vec<Pause>,
}

impl RunClock {
    /// The clock of a run; `None` of one that was never created.
    pub fn of(history: &History) -> Option<Self> {
        Some(Self {
            started_at: history.started_at()?,
            pauses: history.pauses().to_vec(),
        })
    }

    /// Seconds of the run up to a time.
    pub fn seconds(&self, at: Timestamp) -> f64 {
        let whole = at.duration_since(self.started_at).as_secs_f64();
        let paused = self.pauses.iter().filter(|pause| pause.from < at);
        let paused: f64 = paused
            .map(|pause| at.min(pause.until).duration_since(pause.from).as_secs_f64())
            .sum();
        (whole - paused).max(0.0)
    }

    /// At which second of the run each pause was, and how long.
    pub fn pauses(&self) -> impl Iterator<Item = (f64, &Pause)> {
        self.pauses
            .iter()
            .map(|pause| (self.seconds(pause.from), pause))
    }
}

/// What an attempt was made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Purpose {
    Base,
    Trial,
    Confirmation,
    Repeat,
}

impl Purpose {
    pub const ALL: [Self; 4] = [Self::Base, Self::Trial, Self::Confirmation, Self::Repeat];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Base => "base case",
            Self::Trial => "trial",
            Self::Confirmation => "confirmation",
            Self::Repeat => "repeat",
        }
    }
}

/// An execution with its times in seconds of the run.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Execution {
    pub attempt: AttemptId,
    pub purpose: Purpose,
    /// When its start was decided.
    pub ordered_s: f64,
    /// When a worker began with it.
    pub began_s: f64,
    /// When its end was known; now, while it runs.
    pub ended_s: f64,
    pub has_ended: bool,
    /// Seconds that its commands took; `None` where that is not known.
    pub worked_s: Option<f64>,
    pub failure: Option<FailureClass>,
    /// The worker that carried it out; `None` where that is not known.
    pub worker: Option<u32>,
    /// Whether nothing was run, since its result was known.
    pub known: bool,
}

/// Every execution of a run, in the order in which they started.
pub(crate) fn executions(history: &History) -> Vec<Execution> {
    let Some(clock) = RunClock::of(history) else {
        return Vec::new();
    };
    let attempts = attempts_of(history);
    let now = history.last_at().unwrap_or(clock.started_at);
    let spans = history.spans().iter();
    let executions = spans.map(|span| {
        let found = attempts.get(&span.attempt);
        let began_s = clock.seconds(span.started_at);
        let usage = found.map(|found| found.usage).unwrap_or_default();
        let is_told = found.is_some_and(|found| found.outcome.is_some());
        Execution {
            attempt: span.attempt,
            purpose: match history.controller().role_of(span.attempt) {
                Some(AttemptRole::Repeats(_)) => Purpose::Repeat,
                Some(AttemptRole::Confirms) => Purpose::Confirmation,
                _ if span.attempt.trial.is_base() => Purpose::Base,
                _ => Purpose::Trial,
            },
            ordered_s: (began_s - usage.waited_s.unwrap_or(0.0).max(0.0)).max(0.0),
            began_s,
            ended_s: clock.seconds(span.ended_at.unwrap_or(now)).max(began_s),
            has_ended: span.ended_at.is_some(),
            worked_s: is_told
                .then_some(usage.wall_s)
                .filter(|seconds| seconds.is_finite()),
            failure: found.and_then(|found| match &found.outcome {
                Some(Outcome::Failed(failure)) => Some(failure.class),
                _ => None,
            }),
            worker: usage.worker,
            known: found.is_some_and(|found| found.hit().is_some()),
        }
    });
    executions.collect()
}

fn attempts_of(history: &History) -> BTreeMap<AttemptId, &Attempt> {
    let controller = history.controller();
    let base = controller.base_attempts().iter();
    let base = base.chain(controller.base_repeats().values().flatten());
    let base = base.map(|attempt| (noodle2_model::TrialId::BASE, attempt));
    let trials = controller.trials().flat_map(|trial| {
        let repeats = trial.repeats.values().flatten();
        let made = trial.attempts.iter().chain(&trial.confirmations);
        made.chain(repeats).map(|attempt| (trial.id, attempt))
    });
    let all = base.chain(trials).map(|(trial, attempt)| {
        let number = attempt.number;
        (AttemptId { trial, number }, attempt)
    });
    all.collect()
}
