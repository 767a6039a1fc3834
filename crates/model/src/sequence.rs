//! Compound ECOs: several ECOs one after the other, tried as one.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ParameterDomain;

/// One ECO of a sequence.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SequenceStep {
    /// The name of the ECO.
    pub name: String,
    /// Values to try, by parameter; a parameter left out keeps its default.
    #[serde(default)]
    pub parameters: BTreeMap<String, ParameterDomain>,
}

/// What happens when a step of a sequence fails: when it ends in an error, or leaves the first metric of the
/// stage's ranking worse than it found it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Rollback {
    /// All steps are undone: after an error the trial failed, after a loss it had no effect.
    #[default]
    All,
    /// That step is undone, and the next is made.
    Partial,
    /// Nothing is undone: an error fails the trial, and a loss stands.
    None,
}

impl fmt::Display for Rollback {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::All => "all",
            Self::Partial => "partial",
            Self::None => "none",
        })
    }
}

/// What one step of a sequence did.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct StepRecord {
    /// The ECO.
    pub eco: String,
    /// What became of it.
    pub ending: StepEnding,
    /// How many edits it made, by kind; none where it was undone.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub edits: BTreeMap<String, u64>,
    /// The judged metric before it, over the scenes of the engine's first process; absent where nothing was
    /// judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<f64>,
    /// The judged metric after it; absent where nothing was judged, or nothing could be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<f64>,
    /// The error that it ended in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// What became of a step of a sequence.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepEnding {
    /// Its edits stand.
    Kept,
    /// It failed, and its edits were undone.
    Undone,
    /// It was undone with a later step.
    UndoneLater,
    /// It was not made, because a step before it failed.
    NotMade,
}
