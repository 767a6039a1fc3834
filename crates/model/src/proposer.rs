//! How a stage chooses what to try, and what an external proposer answers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Failure, Parameters};

/// How a stage chooses what to try. Without one, all combinations are tried where the stage's trials suffice
/// for them, and else every pair of ECO and parent takes its turn and draws its parameters.
///
/// Adaptive proposers (`bandit`, `external`) work in rounds of a fixed number of trials: a round is proposed
/// once every trial of the round before has ended, so that neither timing nor workers decide anything.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Proposer {
    /// All combinations in the order of the file, as far as the stage's trials reach.
    Grid,
    /// Every pair of ECO and parent takes its turn and draws its parameters, seeded.
    Random,
    /// Seeded Thompson sampling over what is known of each ECO from the stages before and the rounds that
    /// ended.
    Bandit(BanditRules),
    /// What the worst paths of the parents ask for.
    Diagnosis(DiagnosisRules),
    /// A command that is given the causal history and answers with proposals.
    External(ExternalRules),
}

impl Proposer {
    /// The keyword by which a study names it.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Grid => "grid",
            Self::Random => "random",
            Self::Bandit(_) => "bandit",
            Self::Diagnosis(_) => "diagnosis",
            Self::External(_) => "external",
        }
    }
}

/// How a bandit works.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BanditRules {
    /// Trials of one round.
    pub round: u32,
}

/// How a diagnosis becomes proposals.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DiagnosisRules {
    /// Whether every ECO of the catalogue may be suggested that domain, lists and wires permit, beside those
    /// of the stage.
    #[serde(default)]
    pub catalogue: bool,
}

/// How an external proposer is asked.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExternalRules {
    /// The program and its arguments; no shell reads them. `{study}` is replaced by the study file's folder.
    pub command: Vec<String>,
    /// The most trials of one round.
    pub round: u32,
    /// Seconds on the clock after which it is killed, and the stage given up.
    #[serde(default = "external_timeout")]
    pub timeout_s: f64,
}

/// The time that an external proposer has for one round where the study names none, in seconds.
pub const EXTERNAL_TIMEOUT_S: f64 = 60.0;

fn external_timeout() -> f64 {
    EXTERNAL_TIMEOUT_S
}

/// What came of asking an external proposer for a round.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RoundAnswer {
    /// It answered.
    Proposals {
        /// What it proposes, in its order.
        proposals: Vec<ExternalProposal>,
        /// Whether it will propose nothing more.
        done: bool,
    },
    /// It failed, and its stage with it.
    Failed(Failure),
}

/// One trial that an external proposer asks for.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExternalProposal {
    /// The case to start from: one of the stage's inputs.
    pub parent: String,
    /// The ECO, as the stage names it.
    pub eco: String,
    /// Values of its parameters; one left out takes the only value that the stage gives, or its default.
    #[serde(default)]
    pub parameters: Parameters,
    /// Why, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A proposal that is not made.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct RefusedProposal {
    /// Its place in the answer, from 0.
    pub position: u32,
    /// Why.
    pub reason: String,
}
