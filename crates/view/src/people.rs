//! What people were asked and what they said; what they must know of the record itself.

use jiff::{SignedDuration, Timestamp};
use noodle2_control::Ruling;
use noodle2_model::{CaseName, ContentHash, OnTimeout, StageIndex, TimeSpan};
use serde::Serialize;

use crate::{History, StageStatus};

/// The approval of a stage, in the shape that `summary.json` holds.
#[derive(Debug, Clone, Serialize)]
pub struct ApprovalSummary {
    /// The stage's index.
    pub stage: StageIndex,
    /// The stage's name, which `noodle2 approve` takes.
    pub name: String,
    /// How it stands.
    pub standing: ApprovalStanding,
    /// How many people must approve.
    pub approvers: u32,
    /// The names that count; empty where anybody's does.
    pub from: Vec<String>,
    /// What the approvers should look at.
    pub note: String,
    /// The cases that the stage would start, or started, from.
    pub inputs: Vec<CaseName>,
    /// The hash of what there is to approve.
    pub evidence: ContentHash,
    /// When it was asked for.
    pub requested_at: Option<Timestamp>,
    /// How long it waits.
    pub timeout: Option<TimeSpan>,
    /// When that is over.
    pub deadline: Option<Timestamp>,
    /// What happens then.
    pub on_timeout: OnTimeout,
    /// Who approved, in order.
    pub given: Vec<AnswerSummary>,
    /// Who refused.
    pub refused: Option<AnswerSummary>,
}

/// How an approval stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalStanding {
    /// People are asked.
    Waiting,
    /// Enough people approved.
    Approved,
    /// A person refused.
    Refused,
    /// The time was over before either.
    Expired,
    /// The run ended before either.
    Unanswered,
}

/// What a person said, and when it was journalled.
#[derive(Debug, Clone, Serialize)]
pub struct AnswerSummary {
    /// The name, as given.
    pub by: String,
    /// What the person said of it; may be empty.
    pub note: String,
    /// When it was journalled.
    pub at: Option<Timestamp>,
}

/// A place of the journal that was set right while the run was on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct JournalMending {
    /// When it was recorded.
    pub at: Timestamp,
    /// The byte from which on the journal was not as written.
    pub offset: u64,
    /// How many foreign bytes stood there.
    pub foreign: u64,
    /// How many bytes were written again.
    pub restored: u64,
    /// The file in the run folder that keeps the foreign bytes.
    pub kept_in: Option<String>,
}

/// The approvals that were asked for, by stage.
pub(crate) fn approvals(history: &History) -> Vec<ApprovalSummary> {
    let stages = (0..history.controller().stages().len()).map(StageIndex::from);
    stages
        .filter_map(|stage| ApprovalSummary::new(history, stage))
        .collect()
}

impl ApprovalSummary {
    /// The approval of a stage, if it was asked for.
    pub fn new(history: &History, stage: StageIndex) -> Option<Self> {
        let controller = history.controller();
        let found = &controller.stages()[stage.position()];
        let approval = found.approval.as_ref()?;
        let declared = controller.program().stage(stage).approval.clone()?;
        let times = history.approval_times(stage);
        let requested_at = times.map(|times| times.requested_at);
        let answered = |answer: &noodle2_control::Answer| AnswerSummary {
            by: answer.by.clone(),
            note: answer.note.clone(),
            at: times.and_then(|times| times.answers.get(&answer.by).copied()),
        };
        let status = StageStatus::new(controller, history.status(), stage);
        Some(Self {
            stage,
            name: controller.program().stage(stage).name.clone(),
            standing: match &approval.ruling {
                Some(Ruling::Approved) => ApprovalStanding::Approved,
                Some(Ruling::Refused(_)) => ApprovalStanding::Refused,
                Some(Ruling::Expired) => ApprovalStanding::Expired,
                None if status == StageStatus::AwaitingApproval => ApprovalStanding::Waiting,
                None => ApprovalStanding::Unanswered,
            },
            approvers: declared.approvers,
            from: declared.from,
            note: declared.note,
            inputs: found
                .inputs
                .iter()
                .map(|input| input.case.clone())
                .collect(),
            evidence: approval.evidence,
            requested_at,
            timeout: declared.timeout,
            deadline: requested_at
                .zip(declared.timeout)
                .and_then(|(at, limit)| deadline(at, limit)),
            on_timeout: declared.on_timeout,
            given: approval.given.iter().map(answered).collect(),
            refused: match &approval.ruling {
                Some(Ruling::Refused(answer)) => Some(answered(answer)),
                _ => None,
            },
        })
    }

    /// How it stands, in a line.
    pub fn line(&self) -> String {
        let name = &self.name;
        let given = match self.given.len() {
            0 => String::new(),
            _ => format!(" by {}", people(&self.given)),
        };
        match self.standing {
            ApprovalStanding::Waiting => {
                let count = format!("{} of {} given", self.given.len(), self.approvers);
                let from = match self.from.len() {
                    0 => String::new(),
                    _ => format!(", of {}", self.from.join(", ")),
                };
                let since = self.requested_at.map(|at| format!(" since {}", minute(at)));
                let until = self.deadline.map(|at| {
                    let then = match self.on_timeout {
                        OnTimeout::Refuse => "fails",
                        OnTimeout::Approve => "starts",
                    };
                    format!("; it {then} at {}", minute(at))
                });
                let note = match self.note.is_empty() {
                    true => String::new(),
                    false => format!("; {}", one_line(&self.note)),
                };
                format!(
                    "`{name}` waits for approval{}: {count}{given}{from}{}{note}",
                    since.unwrap_or_default(),
                    until.unwrap_or_default()
                )
            }
            ApprovalStanding::Approved => format!("`{name}` was approved{given}"),
            ApprovalStanding::Refused => {
                let refused = self.refused.as_slice();
                format!("`{name}` was refused by {}", people(refused))
            }
            ApprovalStanding::Expired => {
                let within = self.timeout.map(|limit| format!(" within {limit}"));
                let then = match self.on_timeout {
                    OnTimeout::Refuse => "failed",
                    OnTimeout::Approve => "started all the same",
                };
                let within = within.unwrap_or_default();
                format!("`{name}` was not approved{within}, and {then}")
            }
            ApprovalStanding::Unanswered => {
                format!("`{name}` waited for approval when the run ended")
            }
        }
    }

    /// The command that approves it, for a run that is called this in a shell.
    pub fn command(&self, run: &str) -> String {
        format!("noodle2 approve {run} {} --by NAME", self.name)
    }
}

/// When a limit that began at `from` is over; `None` where no calendar reaches that far.
pub fn deadline(from: Timestamp, limit: TimeSpan) -> Option<Timestamp> {
    let limit = SignedDuration::try_from(std::time::Duration::from(limit)).ok()?;
    from.checked_add(limit).ok()
}

impl JournalMending {
    /// What was set right, in a line.
    pub fn line(&self) -> String {
        mending_text(
            self.offset,
            self.foreign,
            self.restored,
            self.kept_in.as_deref(),
        )
    }
}

/// What was set right in a journal, in a line.
pub fn mending_text(offset: u64, foreign: u64, restored: u64, kept_in: Option<&str>) -> String {
    let moved = kept_in.map(|file| format!("{foreign} foreign bytes were moved to `{file}`"));
    let again = (restored > 0).then(|| format!("{restored} bytes were written again"));
    let done: Vec<String> = moved.into_iter().chain(again).collect();
    let done = if done.is_empty() {
        "it was put back in its place".to_owned()
    } else {
        done.join(", and ")
    };
    format!(
        "something else than the controller wrote into the journal: from byte {offset} on, {done}"
    )
}

fn people(answers: &[AnswerSummary]) -> String {
    let each = answers.iter().map(|answer| match answer.note.is_empty() {
        true => answer.by.clone(),
        false => format!("{} (\"{}\")", answer.by, one_line(&answer.note)),
    });
    each.collect::<Vec<_>>().join(", ")
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A time to the minute, in UTC.
fn minute(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}
