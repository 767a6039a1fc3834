//! A person's answer to a stage that waits, from its page.

use axum::http::StatusCode;
use serde::Deserialize;

use super::live::LiveRun;
use crate::cli::ApproveOption;
use crate::commands::answer;

/// Seconds that a controller has to take an answer in, before the page says that it is queued.
const WAIT_S: u32 = 10;

/// What the form sends.
#[derive(Debug, Deserialize)]
pub(super) struct Form {
    pub stage: String,
    pub evidence: String,
    pub by: String,
    #[serde(default)]
    pub note: String,
    pub token: String,
    pub answer: String,
}

/// What came of an answer: a status, a title, and what happened.
pub(super) struct Told {
    pub status: StatusCode,
    pub title: &'static str,
    pub text: String,
}

/// Gives a person's answer to the run, if the evidence is still what the person saw.
pub(super) fn give(run: &LiveRun, form: &Form) -> Told {
    let refused = |text: String| Told {
        status: StatusCode::CONFLICT,
        title: "The answer does not count",
        text,
    };
    let snapshot = match run.look() {
        Ok(snapshot) => snapshot,
        Err(trouble) => return refused(trouble),
    };
    let approvals = &snapshot.summary.approvals;
    let asked = approvals
        .iter()
        .find(|approval| approval.name == form.stage);
    if asked.is_some_and(|approval| approval.evidence.to_string() != form.evidence) {
        return refused("What the stage would start from has changed since the page was made: look at it again.".to_owned());
    }
    let option = ApproveOption {
        gate: form.stage.clone(),
        by: form.by.clone(),
        note: Some(form.note.clone()).filter(|note| !note.is_empty()),
        refuse: form.answer != "approve",
        wait: WAIT_S,
    };
    match answer(run.path(), &option) {
        Ok(answered) => Told {
            status: StatusCode::OK,
            title: if answered.is_journalled {
                "The answer is in the journal"
            } else {
                "The answer is queued"
            },
            text: answered.message,
        },
        Err(failure) => refused(failure.report.to_string()),
    }
}
