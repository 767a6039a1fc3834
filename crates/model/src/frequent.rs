//! Events as JSON, read where nearly all of a journal's are of a few kinds.

use std::borrow::Cow;
use std::sync::Arc;

use serde::Deserialize;

use crate::{
    AttemptId, AttemptUsage, CacheAnswer, CaseName, ContentHash, EcoProposal, Event, Outcome,
    TrialId,
};

impl Event {
    /// Reads an event from the JSON that it is written as. The same as reading it through `serde`, but for the time that it
    /// takes: which kind of event it is must be known before its fields can be read, so that in general all of them are
    /// kept aside first.
    ///
    /// # Errors
    /// Those of reading it through `serde`.
    pub fn from_json(text: &[u8]) -> serde_json::Result<Self> {
        match Self::frequent(text) {
            Some(event) => Ok(event),
            None => serde_json::from_slice(text),
        }
    }

    /// An event of a frequent kind whose kind stands first, as it is written.
    fn frequent(text: &[u8]) -> Option<Self> {
        let fields = text.strip_prefix(br#"{"type":""#)?;
        let end = fields.iter().position(|byte| *byte == b'"')?;
        match &fields[..end] {
            b"attempt_finished" => {
                let found: Finished = serde_json::from_slice(text).ok()?;
                Some(Self::AttemptFinished {
                    attempt: found.attempt,
                    outcome: found.outcome,
                    usage: found.usage,
                    cache: found.cache,
                })
            }
            b"attempt_started" => {
                let found: Started = serde_json::from_slice(text).ok()?;
                Some(Self::AttemptStarted {
                    attempt: found.attempt,
                })
            }
            b"artifacts_sealed" => {
                let found: Sealed = serde_json::from_slice(text).ok()?;
                Some(Self::ArtifactsSealed {
                    attempt: found.attempt,
                    index: found.index,
                })
            }
            b"trial_proposed" => {
                let found: Proposed<'_> = serde_json::from_slice(text).ok()?;
                Some(Self::TrialProposed {
                    trial: found.trial,
                    parent: found.parent,
                    eco: found.eco,
                    reason: found.reason.map(Cow::into_owned),
                })
            }
            _ => None,
        }
    }
}

#[derive(Deserialize)]
struct Finished {
    attempt: AttemptId,
    outcome: Box<Outcome>,
    usage: AttemptUsage,
    #[serde(default)]
    cache: Option<CacheAnswer>,
}

#[derive(Deserialize)]
struct Started {
    attempt: AttemptId,
}

#[derive(Deserialize)]
struct Sealed {
    attempt: AttemptId,
    index: ContentHash,
}

#[derive(Deserialize)]
struct Proposed<'text> {
    trial: TrialId,
    parent: CaseName,
    eco: Arc<EcoProposal>,
    #[serde(default, borrow)]
    reason: Option<Cow<'text, str>>,
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::{
        DesignState, EcoClass, Failure, FailureClass, Measurement, Metric, ParameterValue,
    };

    fn events() -> Vec<Event> {
        let trial: TrialId = "3_12".parse().unwrap();
        let attempt = AttemptId { trial, number: 2 };
        let hash = ContentHash::of("content");
        let measurement = Measurement {
            design: DesignState {
                canonical: hash,
                netlist: hash,
                placement: None,
            },
            overall: [(Metric::SetupWns, -12.5), (Metric::Area, 1.0)]
                .into_iter()
                .collect(),
            scenes: BTreeMap::new(),
            estimated: BTreeMap::new(),
            routed: BTreeMap::new(),
            findings: Vec::new(),
            edits: BTreeMap::from([("resize".to_owned(), 3)]),
            conflicts: BTreeMap::new(),
            blast_radius: None,
            equivalence: None,
            paths: Vec::new(),
            steps: Vec::new(),
            marks: Default::default(),
        };
        let failure = Failure {
            class: FailureClass::ToolError,
            tool_code: Some("STA-1".to_owned()),
            message: "a \"quoted\"\nmessage".to_owned(),
            excerpt: String::new(),
        };
        let usage = AttemptUsage {
            wall_s: 0.1,
            worker: Some(3),
            ..AttemptUsage::default()
        };
        let outcomes = [
            Outcome::from(measurement),
            Outcome::NoEffect,
            Outcome::Failed(failure),
        ];
        let finished = outcomes.map(|outcome| Event::AttemptFinished {
            attempt,
            outcome: Box::new(outcome),
            usage,
            cache: None,
        });
        let values = [
            ("a", ParameterValue::Boolean(true)),
            ("b", ParameterValue::Integer(-3)),
            ("c", ParameterValue::Real(0.25)),
            ("d", ParameterValue::Text("word".to_owned())),
        ];
        let proposed = |reason: Option<&str>| Event::TrialProposed {
            trial,
            parent: trial.case("core"),
            eco: Arc::new(EcoProposal {
                name: "resize".to_owned(),
                version: 1,
                content: hash,
                class: EcoClass::PlacementLocal,
                parameters: values
                    .clone()
                    .map(|(name, value)| (name.to_owned(), value))
                    .into(),
                sequence: Vec::new(),
                rollback: None,
                composition: None,
            }),
            reason: reason.map(str::to_owned),
        };
        let others = [
            proposed(None),
            proposed(Some("with an \\ escape")),
            Event::AttemptStarted { attempt },
            Event::ArtifactsSealed {
                attempt,
                index: hash,
            },
            Event::RunResumed,
        ];
        finished.into_iter().chain(others).collect()
    }

    #[test]
    fn events_are_read_as_they_were_written() {
        for event in events() {
            let text = serde_json::to_vec(&event).unwrap();
            assert_eq!(Event::from_json(&text).unwrap(), event);
            let written: serde_json::Value = serde_json::from_slice(&text).unwrap();
            assert_eq!(written["type"], event.kind());
            let is_frequent = event != Event::RunResumed;
            assert_eq!(Event::frequent(&text).is_some(), is_frequent, "{event:?}");
        }
    }

    /// Journals of before do not tell who carried an attempt out.
    #[test]
    fn a_journal_without_workers_is_read() {
        let old = events().remove(1);
        let mut old = serde_json::to_value(old).unwrap();
        let usage = old["usage"].as_object_mut().unwrap();
        assert_eq!(usage.remove("worker"), Some(3.into()));
        let text = serde_json::to_vec(&old).unwrap();
        let Ok(Event::AttemptFinished { usage, .. }) = Event::from_json(&text) else {
            panic!("not read: {old}");
        };
        assert_eq!((usage.wall_s, usage.worker), (0.1, None));
        assert!(!serde_json::to_string(&usage).unwrap().contains("worker"));
    }

    /// Whatever is changed in the text, both ways agree on whether it is an event, and which.
    #[test]
    fn both_ways_read_the_same() {
        for event in events() {
            let text = serde_json::to_vec(&event).unwrap();
            for position in 0..text.len() {
                for byte in [b'"', b'0', b'}', b' ', b'x'] {
                    let mut changed = text.clone();
                    changed[position] = byte;
                    let general: Option<Event> = serde_json::from_slice(&changed).ok();
                    assert_eq!(
                        Event::from_json(&changed).ok(),
                        general,
                        "{}",
                        String::from_utf8_lossy(&changed)
                    );
                }
            }
        }
    }
}
