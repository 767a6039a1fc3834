//! What a simulation came to.

use std::collections::BTreeMap;

use noodle2_control::{Controller, StageStanding, TrialStanding, Verdict};
use noodle2_model::{RunStatus, StageEnd, StageIndex};
use serde::Serialize;

use crate::bound::Bound;

/// A simulated run: when it ended, and what it came to. Nothing of it was measured.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Trace {
    /// How many attempts could run at once.
    pub workers: usize,
    /// How it ended.
    pub status: RunStatus,
    /// Seconds of the virtual clock from its start to its end.
    pub makespan_s: f64,
    /// What no schedule of the same attempts undercuts; absent where a budget cut the run short.
    pub bound: Option<Bound>,
    /// The makespan over its bound; absent as the bound is.
    pub ratio: Option<f64>,
    /// Share of the time of all workers during which they worked.
    pub utilisation: f64,
    /// Processor time of all attempts, in hours.
    pub cpu_hours: f64,
    /// The most memory that attempts held at once, in bytes; absent where none is known.
    pub peak_memory_bytes: Option<u64>,
    /// Its attempts.
    pub attempts: AttemptCounts,
    /// Its trials.
    pub trials: TrialCounts,
    /// Its stages, by index.
    pub stages: Vec<StageTrace>,
    /// What was decided and found, by hash: equal for runs that decide the same.
    #[serde(skip)]
    pub decisions: Option<noodle2_model::ContentHash>,
}

/// How many attempts there were.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct AttemptCounts {
    /// Attempts that started.
    pub started: usize,
    /// Of these, attempts that measured again: the base case, and survivors.
    pub measured_again: usize,
    /// Of these, attempts that were lost with their worker.
    pub lost: usize,
    /// Of these, attempts that were called off while they ran.
    pub called_off: usize,
}

/// What trials came to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct TrialCounts {
    /// Trials that were proposed.
    pub proposed: usize,
    /// Those that derived a case.
    pub measured: usize,
    /// Those whose ECO changed nothing.
    pub no_effect: usize,
    /// Those that failed, by class of failure.
    pub failed: BTreeMap<String, usize>,
    /// Those that were called off or never ended.
    pub cancelled: usize,
    /// Of all these, those that count for nothing: their stage had seen enough before them, or was given up.
    pub discarded: usize,
}

/// A stage of a simulated run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StageTrace {
    /// Its name.
    pub name: String,
    /// When it started, in seconds; absent where it never did.
    pub started_s: Option<f64>,
    /// When it ended, in seconds; absent where it never did.
    pub ended_s: Option<f64>,
    /// Trials that it proposed.
    pub trials: usize,
    /// Seconds of workers that its attempts took.
    pub work_s: f64,
    /// Cases that it passed on.
    pub survivors: usize,
    /// `completed`, `failed`, `skipped` or `not ended`.
    pub end: &'static str,
    /// Why it did not complete.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
}

impl TrialCounts {
    pub(crate) fn of(controller: &Controller) -> Self {
        let mut counts = Self::default();
        for trial in controller.trials() {
            counts.proposed += 1;
            match trial.verdict() {
                Some(Verdict::Derived) => counts.measured += 1,
                Some(Verdict::NoEffect) => counts.no_effect += 1,
                Some(Verdict::Failed(failure)) => {
                    let class = failure.class.name().to_owned();
                    *counts.failed.entry(class).or_default() += 1;
                }
                None => counts.cancelled += 1,
            }
            counts.discarded += usize::from(
                controller.is_discarded(trial.id) || trial.standing() == TrialStanding::Cancelled,
            );
        }
        counts
    }
}

impl StageTrace {
    pub(crate) fn of(
        controller: &Controller,
        stage: StageIndex,
        (started_s, ended_s): (Option<f64>, Option<f64>),
        work_s: f64,
    ) -> Self {
        let found = &controller.stages()[stage.position()];
        let (end, cause) = match &found.standing {
            StageStanding::Finished(StageEnd::Completed { .. }) => ("completed", None),
            StageStanding::Finished(StageEnd::Failed { cause, .. }) => ("failed", Some(cause)),
            StageStanding::Finished(StageEnd::Skipped { cause }) => ("skipped", Some(cause)),
            _ => ("not ended", None),
        };
        Self {
            name: controller.program().stage(stage).name.clone(),
            started_s,
            ended_s,
            trials: controller.trials_of(stage).count(),
            work_s,
            survivors: found.survivors().len(),
            end,
            cause: cause.cloned(),
        }
    }
}
