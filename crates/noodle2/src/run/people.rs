//! What people answer to stages that wait for approval: from their requests into the journal.
//!
//! Owns the clock of approvals: when each was asked for, and when its time is over. Never decides what follows.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use noodle2_control::{AnswerError, Controller, Ruling};
use noodle2_model::{Event, StageIndex};
use noodle2_store::{
    ApprovalRequest, RequestAnswer, RequestId, RequestSpool, RunFolder, StoreError, WaitingRequest,
};
use noodle2_view::deadline;

/// How often the requests are looked at, at most.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// The people of a run, as its controller sees them.
pub(crate) struct People {
    spool: RequestSpool,
    requested: BTreeMap<StageIndex, Timestamp>,
    looked_at: Option<Instant>,
    trouble: Option<String>,
}

impl People {
    /// `requested` tells when approvals that are open were asked for.
    pub fn new(
        folder: &RunFolder,
        requested: BTreeMap<StageIndex, Timestamp>,
    ) -> Result<Self, StoreError> {
        let spool = RequestSpool::of(folder);
        spool.prepare()?;
        Ok(Self {
            spool,
            requested,
            looked_at: None,
            trouble: None,
        })
    }

    /// Takes note of an event that was journalled at this time.
    pub fn note(&mut self, event: &Event, at: Timestamp) {
        if let Event::ApprovalRequested { stage, .. } = event {
            self.requested.insert(*stage, at);
        }
    }

    /// The requests that wait; none while it is too soon to look again.
    pub fn requests(&mut self) -> Vec<WaitingRequest> {
        if self.looked_at.is_some_and(|at| at.elapsed() < LOOK_EVERY) {
            return Vec::new();
        }
        self.looked_at = Some(Instant::now());
        let waiting = self.spool.waiting();
        waiting.unwrap_or_else(|error| {
            self.trouble = Some(error.to_string());
            Vec::new()
        })
    }

    /// All requests that wait.
    pub fn last_requests(&mut self) -> Vec<WaitingRequest> {
        self.looked_at = None;
        self.requests()
    }

    /// Is done with a request; `answer` is for somebody who waits for it.
    pub fn settle(&mut self, id: &RequestId, answer: Option<&RequestAnswer>) {
        if let Err(error) = self.spool.settle(id, answer) {
            self.trouble = Some(error.to_string());
        }
    }

    /// What went wrong with requests since it was last asked: no reason to stop a run.
    pub fn trouble(&mut self) -> Option<String> {
        self.trouble.take()
    }

    /// The first stage whose time to be approved is over at `now`.
    pub fn overdue(&self, controller: &Controller, now: Timestamp) -> Option<StageIndex> {
        let mut open = controller.open_approvals();
        open.find(|stage| {
            let declared = controller.program().stage(*stage).approval.as_ref();
            let limit = declared.and_then(|declared| declared.timeout);
            let requested = self.requested.get(stage).copied();
            let deadline = requested
                .zip(limit)
                .and_then(|(at, limit)| deadline(at, limit));
            deadline.is_some_and(|deadline| deadline <= now)
        })
    }
}

/// The event that a request asks for.
pub(crate) fn event_of(
    controller: &Controller,
    request: ApprovalRequest,
) -> Result<Event, AnswerError> {
    let stages = &controller.program().study().stages;
    let position = stages.iter().position(|stage| stage.name == request.stage);
    let stage = StageIndex::from(position.ok_or(AnswerError::NoStage)?);
    let ApprovalRequest {
        approves,
        by,
        note,
        evidence,
        ..
    } = request;
    Ok(match approves {
        true => Event::ApprovalGiven {
            stage,
            by,
            note,
            evidence,
        },
        false => Event::ApprovalRefused {
            stage,
            by,
            note,
            evidence,
        },
    })
}

/// What a person is told whose answer was journalled.
pub(crate) fn thanks(controller: &Controller, event: &Event) -> String {
    let (Event::ApprovalGiven { stage, by, .. } | Event::ApprovalRefused { stage, by, .. }) = event
    else {
        return String::new();
    };
    let declared = controller.program().stage(*stage);
    let name = &declared.name;
    let approval = controller.stages()[stage.position()].approval.as_ref();
    let needed = declared
        .approval
        .as_ref()
        .map_or(1, |declared| declared.approvers);
    let given = approval.map_or(0, |approval| approval.given.len());
    match approval.and_then(|approval| approval.ruling.as_ref()) {
        Some(Ruling::Refused(_)) => format!("`{name}` is refused by {by}"),
        Some(_) => format!("`{name}` is approved by {by}, and starts"),
        None => format!("`{name}` is approved by {by}: {given} of {needed}"),
    }
}
