//! The events of a run, a line each: for the log of its page, and for whoever listens to it.

use jiff::Timestamp;
use noodle2_control::Program;
use noodle2_model::{
    AttemptId, BudgetOwner, CacheAnswer, CaseName, Event, Outcome, RunStatus, StageEnd, StageIndex,
    StopCause, TrialId,
};
use serde::Serialize;

use crate::{count_text, eco_text, mending_text, seconds_text};

/// One event in words.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EventLine {
    /// Its place in the journal, from 1.
    pub seq: u64,
    /// When it was recorded.
    pub at: Timestamp,
    /// Its kind, as the journal names it.
    pub kind: &'static str,
    /// How much it matters.
    pub weight: EventWeight,
    /// The name of the stage that it is of, if it is of one.
    pub stage: Option<String>,
    /// The trial that it is of, if it is of one; the base case is trial `0_0`.
    pub trial: Option<TrialId>,
    /// What happened.
    pub text: String,
}

/// How much an event matters to somebody who looks at a run from afar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EventWeight {
    /// One of thousands: an attempt that starts, a trial that is proposed.
    Fine,
    /// A step of the run: a stage that starts or ends.
    Step,
    /// Something that somebody may have to look at: a failure, a rail, a question to people.
    Alert,
}

impl EventLine {
    /// An event of the run with this program.
    pub fn new(program: &Program, seq: u64, at: Timestamp, event: &Event) -> Self {
        let words = Words { program };
        let (stage, trial) = place(event);
        Self {
            seq,
            at,
            kind: event.kind(),
            weight: weight(event),
            stage: stage.map(|stage| words.stage(stage).to_owned()),
            trial,
            text: words.text(event),
        }
    }
}

/// The stage and the trial that an event is of.
fn place(event: &Event) -> (Option<StageIndex>, Option<TrialId>) {
    match event {
        Event::ApprovalRequested { stage, .. }
        | Event::ApprovalGiven { stage, .. }
        | Event::ApprovalRefused { stage, .. }
        | Event::ApprovalExpired { stage }
        | Event::StageStarted { stage, .. }
        | Event::RoundPlanned { stage, .. }
        | Event::RoundAnswered { stage, .. }
        | Event::ProposerFailed { stage, .. }
        | Event::PromotionsRefused { stage, .. }
        | Event::StageFinished { stage, .. } => (Some(*stage), None),
        Event::Contained { stage, containment } => (Some(*stage), Some(containment.at)),
        Event::StageSatisfied { stage, at, .. } => (Some(*stage), Some(*at)),
        Event::TrialProposed { trial, .. } | Event::TrialCancelled { trial, .. } => {
            of_trial(*trial)
        }
        Event::StudyRailCrossed { at, .. } => of_trial(*at),
        Event::AttemptStarted { attempt }
        | Event::AttemptFinished { attempt, .. }
        | Event::ArtifactsSealed { attempt, .. }
        | Event::ConfirmationStarted { attempt }
        | Event::RepeatStarted { attempt, .. } => of_trial(attempt.trial),
        Event::TimeSpent { owner, .. } => match owner {
            BudgetOwner::Stage(stage) | BudgetOwner::Branch(stage) => (Some(*stage), None),
        },
        Event::RunCreated { .. }
        | Event::RunResumed
        | Event::WorkersOffered { .. }
        | Event::JournalMended { .. }
        | Event::NoiseMeasured { .. }
        | Event::RunBlocked { .. }
        | Event::StopRequested { .. }
        | Event::RunFinished { .. } => (None, None),
    }
}

/// The base case belongs to no stage.
fn of_trial(trial: TrialId) -> (Option<StageIndex>, Option<TrialId>) {
    ((!trial.is_base()).then_some(trial.stage), Some(trial))
}

fn weight(event: &Event) -> EventWeight {
    match event {
        Event::TrialProposed { .. }
        | Event::AttemptStarted { .. }
        | Event::ArtifactsSealed { .. }
        | Event::ConfirmationStarted { .. }
        | Event::RepeatStarted { .. }
        | Event::RoundPlanned { .. }
        | Event::RoundAnswered { .. }
        | Event::TrialCancelled { .. } => EventWeight::Fine,
        Event::AttemptFinished { outcome, .. } => match **outcome {
            Outcome::Failed(_) => EventWeight::Alert,
            Outcome::Measured(_) | Outcome::NoEffect => EventWeight::Fine,
        },
        Event::NoiseMeasured { differences, .. } if differences.is_empty() => EventWeight::Step,
        Event::StageFinished {
            end: StageEnd::Completed { fallback: None, .. },
            ..
        }
        | Event::RunFinished {
            status: RunStatus::Completed,
            ..
        }
        | Event::RunCreated { .. }
        | Event::RunResumed
        | Event::WorkersOffered { .. }
        | Event::ApprovalGiven { .. }
        | Event::StageStarted { .. }
        | Event::StageSatisfied { .. } => EventWeight::Step,
        _ => EventWeight::Alert,
    }
}

/// The words for events of one run.
struct Words<'a> {
    program: &'a Program,
}

impl Words<'_> {
    fn stage(&self, stage: StageIndex) -> &str {
        &self.program.stage(stage).name
    }

    fn case(&self, trial: TrialId) -> CaseName {
        trial.case(&self.program.study().design.case_name)
    }

    /// An attempt by the case that it would derive; the first has no number.
    fn attempt(&self, attempt: AttemptId) -> String {
        let case = self.case(attempt.trial);
        match attempt.number {
            1 => case.to_string(),
            number => format!("{case}, attempt {number}"),
        }
    }

    fn text(&self, event: &Event) -> String {
        match event {
            Event::RunCreated { identity } => format!(
                "the run began: study {}, seed {}, Noodle 2 {}",
                identity.study.name, identity.study.seed, identity.noodle2_version
            ),
            Event::RunResumed => "a controller took the run over".to_owned(),
            Event::WorkersOffered { workers, cluster } => {
                let place = cluster
                    .as_ref()
                    .map(|place| format!(" on {}", place.system));
                let workers = count_text(*workers as usize, "worker");
                format!("{workers}{}", place.unwrap_or_default())
            }
            Event::JournalMended {
                offset,
                foreign,
                restored,
                kept_in,
            } => mending_text(*offset, *foreign, *restored, kept_in.as_deref()),
            Event::ApprovalRequested { inputs, .. } => {
                let cases: Vec<String> =
                    inputs.iter().map(|input| input.case.to_string()).collect();
                format!("waits for approval to start from {}", cases.join(", "))
            }
            Event::ApprovalGiven { by, note, .. } => format!("approved by {by}{}", said(note)),
            Event::ApprovalRefused { by, note, .. } => format!("refused by {by}{}", said(note)),
            Event::ApprovalExpired { .. } => "the time to approve it is over".to_owned(),
            Event::StageStarted {
                inputs,
                missing,
                vetoed,
                ..
            } => {
                let cases: Vec<String> =
                    inputs.iter().map(|input| input.case.to_string()).collect();
                let without: String = missing
                    .iter()
                    .map(|(stage, cause)| format!("; without {}: {cause}", self.stage(*stage)))
                    .collect();
                let vetoes = match vetoed.len() {
                    0 => String::new(),
                    count => format!("; {} by evidence", count_text(count, "veto")),
                };
                format!("starts from {}{without}{vetoes}", cases.join(", "))
            }
            Event::TrialProposed {
                trial, parent, eco, ..
            } => format!("{}: {} on {parent}", self.case(*trial), eco_text(eco)),
            Event::RoundPlanned { round, .. } => format!("plans round {round}"),
            Event::RoundAnswered {
                round, proposals, ..
            } => format!(
                "round {round}: the program proposes {}",
                count_text(proposals.len(), "trial")
            ),
            Event::ProposerFailed { cause, .. } => {
                format!("the program could not propose: {cause}")
            }
            Event::AttemptStarted { attempt } => format!("{} starts", self.attempt(*attempt)),
            Event::AttemptFinished {
                attempt,
                outcome,
                usage,
                cache,
            } => {
                let came = match &**outcome {
                    Outcome::Measured(_) => "measured".to_owned(),
                    Outcome::NoEffect => "no effect".to_owned(),
                    Outcome::Failed(failure) => format!("{}: {}", failure.class, failure.message),
                };
                let how = match cache.as_ref().and_then(CacheAnswer::hit) {
                    Some(_) => "known before".to_owned(),
                    None => seconds_text(usage.wall_s),
                };
                format!("{}: {came} ({how})", self.attempt(*attempt))
            }
            Event::ArtifactsSealed { attempt, index } => {
                format!(
                    "files of {} sealed: {}",
                    self.attempt(*attempt),
                    index.short()
                )
            }
            Event::TrialCancelled { trial, cause } => {
                format!("{} is called off: {cause}", self.case(*trial))
            }
            Event::Contained { containment, .. } => {
                format!(
                    "{} is not tried any more: {}",
                    containment.scope, containment.cause
                )
            }
            Event::StageSatisfied { at, cause, .. } => {
                format!("has seen enough at {}: {cause}", self.case(*at))
            }
            Event::TimeSpent { owner, time } => match owner {
                BudgetOwner::Stage(_) => format!("its budget of {time} is spent"),
                BudgetOwner::Branch(_) => {
                    format!("the budget of {time} of the branch that it begins is spent")
                }
            },
            Event::ConfirmationStarted { attempt } => {
                format!(
                    "{} is measured again before it is passed on",
                    self.case(attempt.trial)
                )
            }
            Event::RepeatStarted { attempt, repeat } => {
                format!(
                    "{}: repeat {repeat} of its measurement",
                    self.case(attempt.trial)
                )
            }
            Event::NoiseMeasured { differences, .. } => match differences.is_empty() {
                true => "measured again, the base case is the same".to_owned(),
                false => format!(
                    "measured again, the base case differs: {}",
                    differences.join("; ")
                ),
            },
            Event::PromotionsRefused { cases, .. } => {
                let refused: Vec<String> = cases
                    .iter()
                    .map(|(case, gates)| format!("{case} may not survive: {}", gates.join("; ")))
                    .collect();
                refused.join(". ")
            }
            Event::StudyRailCrossed { at, cause } => {
                format!(
                    "a rail of the study is crossed at {}: {cause}",
                    self.case(*at)
                )
            }
            Event::StageFinished { end, .. } => match end {
                StageEnd::Completed {
                    survivors,
                    fallback,
                } => {
                    let cases: Vec<String> = survivors.iter().map(ToString::to_string).collect();
                    let instead = fallback.as_ref().map(|fell| {
                        format!(
                            ", an earlier case, instead of {}: {}",
                            fell.from, fell.cause
                        )
                    });
                    let instead = instead.unwrap_or_default();
                    format!("passes on {}{instead}", cases.join(", "))
                }
                StageEnd::Failed { cause, .. } => format!("failed: {cause}"),
                StageEnd::Skipped { cause } => format!("skipped: {cause}"),
            },
            Event::RunBlocked { reasons } => {
                format!(
                    "the base case is not fit to be worked on: {}",
                    reasons.join("; ")
                )
            }
            Event::StopRequested { cause } => stop_text(*cause).to_owned(),
            Event::RunFinished { status, digest } => {
                format!(
                    "the run ended: {}, digest {}",
                    run_text(*status),
                    digest.short()
                )
            }
        }
    }
}

fn said(note: &str) -> String {
    match note.is_empty() {
        true => String::new(),
        false => format!(": {note}"),
    }
}

/// Who or what asked a run to stop.
pub(crate) fn stop_text(cause: StopCause) -> &'static str {
    match cause {
        StopCause::Person => "a person asked the run to stop",
        StopCause::WallTime => "the budget of wall time is spent",
        StopCause::CpuTime => "the budget of processor time is spent",
        StopCause::DiskSpace => "the budget of disk space is spent",
        StopCause::DiskFull => "no space is left where the run is written",
        StopCause::ClusterLost => "the cluster is gone, or takes nothing",
    }
}

fn run_text(status: RunStatus) -> &'static str {
    match status {
        RunStatus::Running => "running",
        RunStatus::Completed => "completed",
        RunStatus::Blocked => "blocked",
        RunStatus::Stopped => "stopped",
        RunStatus::Interrupted => "interrupted",
    }
}
