//! Telling those who want to hear of it what happens in a run.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use noodle2_control::Controller;
use noodle2_model::{
    BudgetOwner, Containment, Event, Notification, Occasion, RunIdentity, StageEnd, StageIndex,
    StopCause,
};
use noodle2_notify::{Delivery, Notice, Notifier};
use noodle2_store::{RunFolder, append_line};
use noodle2_telemetry::Sent;
use noodle2_view::{History, Summary, deadline, headline};
use serde_json::{Map, Value, json};

use super::tracing::Tracing;
use crate::shell;

/// How long the end of a run waits for messages to be delivered.
const PATIENCE: Duration = Duration::from_secs(15);

/// Tells of a run.
pub(crate) struct Herald {
    notifier: Notifier,
    traces: Option<Tracing>,
    study: String,
    run: PathBuf,
    /// The run as a word of a shell, wherever that is.
    called: String,
}

impl Herald {
    /// Tells those whom the study names, and `more`; a collector of traces too, where there is one.
    pub fn new(
        identity: &RunIdentity,
        folder: &RunFolder,
        more: &[Notification],
        traces: Option<Tracing>,
    ) -> Self {
        let receivers: Vec<Notification> =
            identity.study.notify.iter().chain(more).cloned().collect();
        let kept = folder.undelivered();
        let notifier = Notifier::new(
            &receivers,
            &identity.study_folder,
            |name| std::env::var(name).ok(),
            Arc::new(move |message| {
                // Where even this cannot be kept, the count at the end still tells of it.
                if let Ok(line) = serde_json::to_string(message) {
                    let _ = append_line(&kept, &line);
                }
            }),
        );
        let run = std::path::absolute(folder.root()).unwrap_or_else(|_| folder.root().to_owned());
        Self {
            notifier,
            traces,
            study: identity.study.name.clone(),
            called: shell::word(&run),
            run,
        }
    }

    /// What is wrong with those who should be told.
    pub fn problems(&self) -> Vec<String> {
        self.notifier.problems()
    }

    /// A controller begins to work.
    pub fn start(&self, is_resumed: bool, workers: usize) {
        let verb = if is_resumed { "goes on" } else { "begins" };
        let message = format!("{}: the run {verb} with {workers} workers", self.study);
        let fields = json!({ "resumed": is_resumed, "workers": workers });
        self.tell(vec![Occasion::Start], Timestamp::now(), message, fields);
    }

    /// The run ended, or its controller leaves it.
    pub fn end(&self, history: &History) {
        let summary = Summary::new(history);
        let message = format!("{}: {}", self.study, headline(&summary));
        let fields = json!({
            "status": summary.status,
            "causes": summary.causes,
            "digest": summary.digest,
            "best": summary.best,
            "deltas": summary.deltas,
        });
        self.tell(vec![Occasion::End], Timestamp::now(), message, fields);
    }

    /// The controller could not go on.
    pub fn fail(&self, cause: &impl std::fmt::Display) {
        let message = format!("{}: the run cannot go on: {cause}", self.study);
        let fields = json!({ "status": "failed", "causes": [cause.to_string()] });
        let occasions = vec![Occasion::Abort, Occasion::End];
        self.tell(occasions, Timestamp::now(), message, fields);
    }

    /// Something was journalled, and folded into the controller.
    pub fn hear(&self, controller: &Controller, event: &Event, at: Timestamp) {
        if let Some(traces) = &self.traces {
            traces.hear(controller, event, at);
        }
        if self.notifier.is_idle() {
            return;
        }
        let study = &self.study;
        let name = |stage: &StageIndex| controller.program().stage(*stage).name.clone();
        let place = |stage: &StageIndex| json!({ "index": stage, "name": name(stage) });
        let (occasions, message, fields) = match event {
            Event::StageFinished { stage, end } => {
                let (status, text, survivors, cause) = match end {
                    StageEnd::Completed { survivors, .. } => {
                        ("completed", "completed".to_owned(), Some(survivors), None)
                    }
                    StageEnd::Failed { cause, .. } => {
                        ("failed", format!("failed: {cause}"), None, Some(cause))
                    }
                    StageEnd::Skipped { cause } => (
                        "skipped",
                        format!("was skipped: {cause}"),
                        None,
                        Some(cause),
                    ),
                };
                let occasions = match end {
                    StageEnd::Failed { .. } => vec![Occasion::Abort, Occasion::StageEnd],
                    _ => vec![Occasion::StageEnd],
                };
                let message = format!("{study}: stage `{}` {text}", name(stage));
                let fields = json!({
                    "stage": place(stage), "status": status, "survivors": survivors, "cause": cause,
                });
                (occasions, message, fields)
            }
            Event::StudyRailCrossed { at, cause } => {
                let message = format!("{study}: a rail of the study was crossed at {at}: {cause}");
                (vec![Occasion::Abort], message, json!({ "cause": cause }))
            }
            Event::Contained { stage, containment } => {
                let Containment { scope, at, cause } = containment;
                let message = format!(
                    "{study}: {scope} is not tried any more, from stage `{}` on: {cause}",
                    name(stage)
                );
                let fields =
                    json!({ "stage": place(stage), "scope": scope, "trial": at, "cause": cause });
                (vec![Occasion::Contained], message, fields)
            }
            Event::TimeSpent { owner, time } => {
                let (stage, whose) = match owner {
                    BudgetOwner::Stage(stage) => (stage, format!("stage `{}`", name(stage))),
                    BudgetOwner::Branch(first) => {
                        (first, format!("the branch from stage `{}`", name(first)))
                    }
                };
                let cause = format!("the {time} of {whose} is spent");
                let fields = json!({ "stage": place(stage), "cause": cause });
                (vec![Occasion::Abort], format!("{study}: {cause}"), fields)
            }
            Event::RunBlocked { reasons } => {
                let cause = reasons.join("; ");
                let message = format!("{study}: the base case is not fit to be worked on: {cause}");
                (vec![Occasion::Abort], message, json!({ "cause": cause }))
            }
            Event::StopRequested { cause } if *cause != StopCause::Person => {
                let cause = stop_text(*cause);
                let message = format!("{study}: the run stops: {cause}");
                (vec![Occasion::Abort], message, json!({ "cause": cause }))
            }
            Event::ApprovalRequested {
                stage,
                inputs,
                evidence,
                ..
            } => {
                let declared = controller.program().stage(*stage).approval.as_ref();
                let until = declared
                    .and_then(|declared| declared.timeout)
                    .and_then(|limit| deadline(at, limit));
                let inputs: Vec<_> = inputs.iter().map(|input| &input.case).collect();
                let command = format!("noodle2 approve {} {} --by NAME", self.called, name(stage));
                let message = format!(
                    "{study}: stage `{}` waits for approval: {command}",
                    name(stage)
                );
                let fields = json!({
                    "stage": place(stage),
                    "approval": declared,
                    "deadline": until,
                    "inputs": inputs,
                    "evidence": evidence,
                    "command": command,
                });
                (vec![Occasion::ApprovalNeeded], message, fields)
            }
            _ => return,
        };
        self.tell(occasions, at, message, fields);
    }

    fn tell(&self, occasions: Vec<Occasion>, at: Timestamp, message: String, more: Value) {
        let mut fields = Map::new();
        fields.insert("study".to_owned(), json!(self.study));
        fields.insert("run".to_owned(), json!(self.run));
        fields.insert("at".to_owned(), json!(at));
        fields.insert("message".to_owned(), json!(message));
        if let Value::Object(more) = more {
            fields.extend(more);
        }
        self.notifier.tell(&Notice { occasions, fields });
    }

    /// Waits for what is still to be delivered, for a while. Returns what became of notifications, and of spans.
    pub fn finish(self) -> (Delivery, Option<Sent>) {
        let told = self.notifier.finish(PATIENCE);
        (told, self.traces.map(Tracing::finish))
    }
}

fn stop_text(cause: StopCause) -> &'static str {
    match cause {
        StopCause::Person => "a person asked it to",
        StopCause::WallTime => "the budget of wall time is spent",
        StopCause::CpuTime => "the budget of processor time is spent",
        StopCause::DiskSpace => "the budget of disk space is spent",
        StopCause::DiskFull => "no space is left where the run is written",
        StopCause::ClusterLost => "its cluster is gone, or takes nothing",
    }
}
