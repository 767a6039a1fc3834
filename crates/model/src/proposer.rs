//! Who proposes what a stage tries.

use serde::{Deserialize, Serialize};

use schemars::JsonSchema;

use crate::{CaseName, Parameters};

/// Who proposes the trials of a stage.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Proposer {
    /// How.
    #[serde(default)]
    pub kind: ProposerKind,
    /// `bandit`, `external`: trials in each round. The next round is proposed when every trial of the one before
    /// has ended, so that results do not depend on who ended first.
    #[serde(default)]
    pub round: Option<u32>,
    /// `diagnosis`: whether every ECO of the catalogue may be suggested that domain, lists and wires permit,
    /// beside those of the stage.
    #[serde(default)]
    pub catalogue: bool,
    /// `external`: the program and its arguments. It is started in the study's folder, without a shell.
    #[serde(default)]
    pub command: Vec<String>,
    /// `external`: how long it may take for a round, in seconds; by default 60.
    #[serde(default)]
    pub timeout_s: Option<f64>,
}

/// A way of proposing trials.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProposerKind {
    /// All combinations where they fit the stage's trials, else values drawn by the study's seed.
    #[default]
    Auto,
    /// The combinations in the order of the file, as far as the trials reach.
    Grid,
    /// Values drawn by the study's seed.
    Random,
    /// ECOs by what they gained so far: Thompson sampling.
    Bandit,
    /// What the worst paths of the inputs ask for.
    Diagnosis,
    /// A program of the user's.
    External,
}

impl Proposer {
    /// Whether it proposes in rounds.
    pub const fn is_adaptive(&self) -> bool {
        matches!(self.kind, ProposerKind::Bandit | ProposerKind::External)
    }

    /// Trials in each round, of one that proposes in rounds.
    pub fn round_size(&self) -> u32 {
        self.round.unwrap_or(8)
    }
}

impl ProposerKind {
    /// The name as written in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Grid => "grid",
            Self::Random => "random",
            Self::Bandit => "bandit",
            Self::Diagnosis => "diagnosis",
            Self::External => "external",
        }
    }
}

/// A trial that a user's program proposes.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExternalProposal {
    /// The input of the stage that it is to start from; the first one unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<CaseName>,
    /// The name of one of the stage's ECOs.
    pub eco: String,
    /// Its parameters; those left out keep their defaults.
    #[serde(default)]
    pub parameters: Parameters,
    /// Why, in the program's own words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}
