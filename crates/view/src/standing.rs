//! The words for how a run, its stages and its trials stand.
//!
//! A journal alone cannot tell a run that goes on from one whose process was killed, so whoever asks says
//! whether a controller is at work.

use std::fmt;

use noodle2_control::{Controller, StageStanding, Trial, TrialStanding, Verdict};
use noodle2_model::{RunStatus, StageEnd, StageIndex, Veto};
use serde::Serialize;

/// How a run stands, in the words of `summary.json`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SummaryStatus {
    /// A controller works on it.
    Running,
    /// Every final stage completed.
    Completed,
    /// The base case is not fit to be worked on.
    Blocked,
    /// A rail or failure ended it early.
    Stopped,
    /// Nothing runs and nothing can start before people approve a stage. Whether a controller waits with it
    /// or has gone is told beside.
    Waiting,
    /// Nobody works on it, and it can be resumed.
    Interrupted,
}

impl SummaryStatus {
    /// How a run stands that a controller is, or is not, at work on.
    pub fn new(controller: &Controller, at_work: bool) -> Self {
        match controller.status() {
            RunStatus::Completed => Self::Completed,
            RunStatus::Blocked => Self::Blocked,
            RunStatus::Stopped => Self::Stopped,
            RunStatus::Running | RunStatus::Interrupted if controller.waits_for_approval() => {
                Self::Waiting
            }
            RunStatus::Running | RunStatus::Interrupted if at_work => Self::Running,
            RunStatus::Running | RunStatus::Interrupted => Self::Interrupted,
        }
    }

    /// Whether nothing more can come of the run.
    pub const fn has_ended(self) -> bool {
        matches!(self, Self::Completed | Self::Blocked | Self::Stopped)
    }
}

impl fmt::Display for SummaryStatus {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Running => "running",
            Self::Waiting => "waits for approval",
            Self::Completed => "completed",
            Self::Blocked => "blocked by its base case",
            Self::Stopped => "stopped",
            Self::Interrupted => "interrupted, can be resumed",
        })
    }
}

/// How a stage stands, in the words of `summary.json`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StageStatus {
    /// Its inputs are not complete.
    Waiting,
    /// People have to approve it before it starts.
    AwaitingApproval,
    /// It proposes and measures.
    Running,
    /// It was running when the run was interrupted, and goes on when that is resumed.
    Interrupted,
    /// It passed survivors on.
    Completed,
    /// It was given up, or could not start: it passes nothing on.
    Failed,
    /// It never started, because a stage before it did not complete.
    Skipped,
    /// The run ended while it was running: it chose no survivors.
    Stopped,
    /// The run ended before it could start.
    NotStarted,
}

impl StageStatus {
    /// How a stage stands in a run that stands like this.
    pub fn new(controller: &Controller, run: SummaryStatus, stage: StageIndex) -> Self {
        match &controller.stages()[stage.position()].standing {
            StageStanding::Waiting | StageStanding::AwaitingApproval if run.has_ended() => {
                Self::NotStarted
            }
            StageStanding::Waiting => Self::Waiting,
            StageStanding::AwaitingApproval => Self::AwaitingApproval,
            StageStanding::Running if run.has_ended() => Self::Stopped,
            StageStanding::Running if run == SummaryStatus::Interrupted => Self::Interrupted,
            StageStanding::Running => Self::Running,
            StageStanding::Finished(StageEnd::Completed { .. }) => Self::Completed,
            StageStanding::Finished(StageEnd::Failed { .. }) => Self::Failed,
            StageStanding::Finished(StageEnd::Skipped { .. }) => Self::Skipped,
        }
    }

    /// Whether nothing more can come of the stage.
    pub const fn has_ended(self) -> bool {
        !matches!(
            self,
            Self::Waiting | Self::AwaitingApproval | Self::Running | Self::Interrupted
        )
    }
}

impl fmt::Display for StageStatus {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Waiting => "waiting",
            Self::AwaitingApproval => "awaiting approval",
            Self::Running => "running",
            Self::Interrupted => "interrupted",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::Stopped => "stopped",
            Self::NotStarted => "not started",
        })
    }
}

/// What is not tried on which input, and why.
pub fn veto_text(veto: &Veto) -> String {
    format!("ECO `{}` on {}: {}", veto.eco, veto.case, veto.cause)
}

/// What came of a trial, or how far it is, in a run that stands like this.
pub fn trial_text(controller: &Controller, run: SummaryStatus, trial: &Trial) -> String {
    let stage = StageStatus::new(controller, run, trial.id.stage);
    let begun = !trial.attempts.is_empty();
    let text = match (trial.verdict(), trial.standing()) {
        (Some(Verdict::Derived), _) => "measured",
        (Some(Verdict::NoEffect), _) => "no effect",
        (Some(Verdict::Failed(failure)), _) => failure.class.name(),
        (None, TrialStanding::Cancelled) => "cancelled",
        (None, TrialStanding::Running) if run == SummaryStatus::Running => "running",
        (None, _) if stage.has_ended() && begun => "stopped",
        (None, _) if stage.has_ended() => "not run",
        (None, TrialStanding::Running) => "interrupted",
        (None, _) => "waiting",
    };
    if controller.containment_of(trial.id).is_some() {
        format!("{text}, contained")
    } else if controller.is_discarded(trial.id) {
        format!("{text}, discarded")
    } else if trial.refused.is_some() {
        format!("{text}, refused")
    } else {
        text.to_owned()
    }
}
