//! Approval of stages by people: what is asked of them, which answers count, what follows.
//!
//! When something was asked or answered is no business of the rules: that a time limit is over is told by
//! whoever sees a clock, as an event.

use std::collections::BTreeMap;

use noodle2_model::{
    CaseName, ContentHash, Event, MetricSet, OnTimeout, StageEnd, StageIndex, StageInput,
};
use serde::Serialize;

use crate::state::{Controller, StageStanding};

/// Characters of a person's name at most.
const MAX_NAME: usize = 64;
/// Characters of a note at most.
const MAX_NOTE: usize = 2000;

/// The approval of a stage, once it is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StageApproval {
    /// The hash of what there is to approve.
    pub evidence: ContentHash,
    /// Who approved, with a note, in the order in which it was journalled.
    pub given: Vec<Answer>,
    /// What came of it; `None` while it is open.
    pub ruling: Option<Ruling>,
}

/// What a person said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The name of the person.
    pub by: String,
    /// What the person said of it; may be empty.
    pub note: String,
}

/// What came of an approval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ruling {
    /// Enough people approved.
    Approved,
    /// A person refused.
    Refused(Answer),
    /// The time was over before either.
    Expired,
}

impl Ruling {
    /// The word for it, which the digest covers: that, and neither names nor notes nor times.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Refused(_) => "refused",
            Self::Expired => "expired",
        }
    }
}

/// Why an answer of a person does not count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// There is no such stage.
    #[error("there is no such stage")]
    NoStage,
    /// The stage asks nobody.
    #[error("the stage needs no approval")]
    NotNeeded,
    /// Its inputs are not ready: there is nothing to look at.
    #[error("the stage does not wait for approval yet: its inputs are not ready")]
    TooEarly,
    /// It is settled.
    #[error("the approval is settled already: {0}")]
    Settled(&'static str),
    /// Its time is not limited.
    #[error("the approval has no time limit")]
    NoLimit,
    /// The run has ended.
    #[error("the run has ended")]
    RunEnded,
    /// The name is not among those that count.
    #[error("`{by}` may not approve the stage; these may: {}", from.join(", "))]
    NotAsked {
        /// The name.
        by: String,
        /// The names that count.
        from: Vec<String>,
    },
    /// The same name approved before.
    #[error("`{0}` has approved the stage already; each name counts once")]
    Twice(String),
    /// What the person saw is not what the stage would start from.
    #[error("it was given for other evidence than lies before the stage")]
    OtherEvidence,
    /// No name, or none that can be shown.
    #[error(
        "a name has 1 to {MAX_NAME} characters, none of them a control character, and no blank at its ends"
    )]
    Name,
    /// A note that cannot be shown.
    #[error(
        "a note has at most {MAX_NOTE} characters, none of them a control character but line feeds"
    )]
    Note,
}

/// What lies before the people who are asked. Hashed as JSON.
#[derive(Serialize)]
struct Evidence<'a> {
    format: &'static str,
    stage: StageIndex,
    inputs: Vec<EvidenceCase<'a>>,
    missing: Vec<u32>,
}

#[derive(Serialize)]
struct EvidenceCase<'a> {
    case: &'a CaseName,
    identical: &'a [CaseName],
    design: Option<ContentHash>,
    netlist: Option<ContentHash>,
    overall: Option<&'a MetricSet>,
    scenes: Option<&'a BTreeMap<String, MetricSet>>,
}

impl Controller {
    /// What a stage does whose inputs are ready: it asks for approval where it needs one, else it starts.
    pub(crate) fn opening_with(
        &self,
        stage: StageIndex,
        inputs: Vec<StageInput>,
        missing: Vec<(StageIndex, String)>,
        extra_trials: Vec<(StageIndex, u32)>,
    ) -> Event {
        if self.program.stage(stage).approval.is_none() {
            return Event::StageStarted {
                stage,
                vetoed: self.vetoes(stage, &inputs),
                inputs,
                missing,
                extra_trials,
            };
        }
        let evidence = self.evidence(stage, &inputs, &missing);
        Event::ApprovalRequested {
            stage,
            inputs,
            missing,
            evidence,
        }
    }

    fn evidence(
        &self,
        stage: StageIndex,
        inputs: &[StageInput],
        missing: &[(StageIndex, String)],
    ) -> ContentHash {
        let inputs = inputs.iter().map(|input| {
            let measurement = self.cases.get(&input.case).map(|case| &case.measurement);
            EvidenceCase {
                case: &input.case,
                identical: &input.identical,
                design: measurement.map(|found| found.design.canonical),
                netlist: measurement.map(|found| found.design.netlist),
                overall: measurement.map(|found| &found.overall),
                scenes: measurement.map(|found| &found.scenes),
            }
        });
        let evidence = Evidence {
            format: "noodle2-evidence-1",
            stage,
            inputs: inputs.collect(),
            missing: missing.iter().map(|(branch, _)| branch.0).collect(),
        };
        let text = serde_json::to_vec(&evidence).expect("the parts of evidence are plain data");
        ContentHash::of(text)
    }

    /// How a stage that asked for approval goes on; `None` while it waits.
    pub(crate) fn opening_after_ruling(&self, stage: StageIndex) -> Option<Event> {
        let found = &self.stages[stage.position()];
        let declared = self.program.stage(stage).approval.as_ref()?;
        let cause = match found.approval.as_ref()?.ruling.as_ref()? {
            Ruling::Expired if declared.on_timeout == OnTimeout::Refuse => {
                let limit = declared.timeout.map(|limit| format!(" within {limit}"));
                format!("it was not approved{}", limit.unwrap_or_default())
            }
            // Who refused it and why is no part of the cause: the digest covers causes, and no names.
            Ruling::Refused(_) => "its approval was refused".to_owned(),
            Ruling::Approved | Ruling::Expired => {
                return Some(Event::StageStarted {
                    stage,
                    vetoed: self.vetoes(stage, &found.inputs),
                    inputs: found.inputs.clone(),
                    missing: found.missing.clone(),
                    extra_trials: self.extra_trials_due(stage)?,
                });
            }
        };
        let end = StageEnd::Failed { cause, at: None };
        Some(Event::StageFinished { stage, end })
    }

    /// Whether an answer of a person, or the end of the time for one, would count now. Anything else does.
    ///
    /// # Errors
    /// Why it would not.
    pub fn check_answer(&self, event: &Event) -> Result<(), AnswerError> {
        let (stage, by, note, evidence, approves) = match event {
            Event::ApprovalGiven {
                stage,
                by,
                note,
                evidence,
            } => (*stage, by, note, *evidence, true),
            Event::ApprovalRefused {
                stage,
                by,
                note,
                evidence,
            } => (*stage, by, note, *evidence, false),
            Event::ApprovalExpired { stage } => {
                self.open_approval(*stage)?;
                let declared = self.program.stage(*stage).approval.as_ref();
                return match declared.and_then(|declared| declared.timeout) {
                    Some(_) => Ok(()),
                    None => Err(AnswerError::NoLimit),
                };
            }
            _ => return Ok(()),
        };
        let open = self.open_approval(stage)?;
        let shown = |text: &str| !text.contains(|character: char| character.is_control());
        let length = by.chars().count();
        if !(1..=MAX_NAME).contains(&length) || by.trim() != by || !shown(by) {
            return Err(AnswerError::Name);
        }
        if note.chars().count() > MAX_NOTE || !note.split('\n').all(shown) {
            return Err(AnswerError::Note);
        }
        let declared = self.program.stage(stage).approval.as_ref();
        if let Some(declared) = declared.filter(|declared| !declared.counts(by)) {
            return Err(AnswerError::NotAsked {
                by: by.clone(),
                from: declared.from.clone(),
            });
        }
        if open.evidence != evidence {
            return Err(AnswerError::OtherEvidence);
        }
        if approves && open.given.iter().any(|given| given.by == *by) {
            return Err(AnswerError::Twice(by.clone()));
        }
        Ok(())
    }

    /// The approval of a stage that waits for one.
    fn open_approval(&self, stage: StageIndex) -> Result<&StageApproval, AnswerError> {
        let found = self
            .stages
            .get(stage.position())
            .ok_or(AnswerError::NoStage)?;
        if self.program.stage(stage).approval.is_none() {
            return Err(AnswerError::NotNeeded);
        }
        match &found.approval {
            Some(StageApproval {
                ruling: Some(ruling),
                ..
            }) => Err(AnswerError::Settled(ruling.name())),
            _ if self.finished.is_some() => Err(AnswerError::RunEnded),
            Some(open) if found.standing == StageStanding::AwaitingApproval => Ok(open),
            Some(_) | None => Err(AnswerError::TooEarly),
        }
    }

    /// Folds an answer, or the end of the time for one.
    pub(crate) fn hear(&mut self, event: &Event) -> Result<(), AnswerError> {
        self.check_answer(event)?;
        let (Event::ApprovalGiven { stage, .. }
        | Event::ApprovalRefused { stage, .. }
        | Event::ApprovalExpired { stage }) = event
        else {
            return Ok(());
        };
        let declared = self.program.stage(*stage).approval.as_ref();
        let needed = declared.map_or(1, |declared| declared.approvers as usize);
        let Some(approval) = &mut self.stages[stage.position()].approval else {
            return Ok(());
        };
        match event {
            Event::ApprovalGiven { by, note, .. } => {
                approval.given.push(answer(by, note));
                let enough = approval.given.len() >= needed;
                approval.ruling = enough.then_some(Ruling::Approved);
            }
            Event::ApprovalRefused { by, note, .. } => {
                approval.ruling = Some(Ruling::Refused(answer(by, note)));
            }
            _ => approval.ruling = Some(Ruling::Expired),
        }
        Ok(())
    }

    /// The stages that wait for approval now, by index.
    pub fn open_approvals(&self) -> impl Iterator<Item = StageIndex> {
        (0..self.stages.len())
            .map(StageIndex::from)
            .filter(|stage| self.open_approval(*stage).is_ok())
    }

    /// Whether people alone can bring the run on: nothing runs and nothing can start, but stages wait for
    /// approval.
    pub fn waits_for_approval(&self) -> bool {
        self.stop.is_none()
            && self.running.is_empty()
            && self.open_approvals().next().is_some()
            && self.external_rounds_due().is_empty()
            && self.decide(1).is_empty()
    }
}

fn answer(by: &str, note: &str) -> Answer {
    Answer {
        by: by.to_owned(),
        note: note.to_owned(),
    }
}
