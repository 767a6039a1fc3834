//! What is said of a run that is not to be believed.

use noodle2_model::{Failure, FailureClass, Finding, FindingKind};
use serde::Serialize;

/// A reason for which nothing of a run is to be believed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Refusal {
    /// The kind of failure.
    pub class: FailureClass,
    /// The kind of remark that gate 0 knows it by; none for what is a failure whatever the design is.
    pub finding: Option<FindingKind>,
    /// OpenROAD's own code, where it gave one.
    pub code: Option<String>,
    /// What happened, on what.
    pub text: String,
    /// The line of the log that shows it first, from 1; none where no line does.
    pub line: Option<usize>,
}

/// The judgement over a run.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Verdict {
    /// Why the run is not to be believed, gravest first; empty where nothing is known against it.
    pub refusals: Vec<Refusal>,
    /// The lines of the log that show the first refusal best, without stack traces; empty where there is none.
    pub excerpt: String,
    /// Pictures that could not be made although nothing else failed, as the tool said it. No number depends on them.
    pub pictures: Vec<String>,
}

impl Verdict {
    /// Whether nothing is known against the run.
    pub const fn is_believed(&self) -> bool {
        self.refusals.is_empty()
    }

    /// The failure of the attempt, by its gravest refusal; none where the run is believed.
    pub fn failure(&self) -> Option<Failure> {
        let first = self.refusals.first()?;
        let place = first.line.map(|line| format!(" (line {line} of its log)"));
        Some(Failure {
            class: first.class,
            tool_code: first.code.clone(),
            message: format!("{}{}", first.text, place.unwrap_or_default()),
            excerpt: self.excerpt.clone(),
        })
    }

    /// What gate 0 is to know of a base case, when every refusal is a remark on the design; none where the run failed.
    pub fn findings(&self) -> Option<Vec<Finding>> {
        let findings = self.refusals.iter().map(|refusal| {
            let detail = match &refusal.code {
                Some(code) => format!("{code}: {}", refusal.text),
                None => refusal.text.clone(),
            };
            Some(Finding {
                kind: refusal.finding?,
                scene: String::new(),
                detail,
            })
        });
        findings.collect()
    }
}
