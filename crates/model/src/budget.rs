//! What may be spent by a study, by each of its branches and by each of its stages.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::StageIndex;

/// What a study may spend. An absent field sets no limit.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// Trials of all stages together.
    #[serde(default)]
    pub trials: Option<u32>,
    /// Seconds of processor time of all attempts together.
    #[serde(default)]
    pub cpu_time_s: Option<f64>,
    /// Seconds from the start of the run to its end.
    #[serde(default)]
    pub wall_time_s: Option<f64>,
    /// MiB that the attempts leave in the run folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk_mib: Option<u64>,
    /// What each branch may spend.
    #[serde(default, skip_serializing_if = "BranchBudget::is_unlimited")]
    pub branch: BranchBudget,
}

/// What each branch of a study may spend, over all of its stages. An absent field sets no limit.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BranchBudget {
    /// Trials of its stages together.
    #[serde(default)]
    pub trials: Option<u32>,
    /// Seconds of processor time of the attempts of its stages.
    #[serde(default)]
    pub cpu_time_s: Option<f64>,
    /// Seconds that its stages take on the clock, each from its start to its end.
    #[serde(default)]
    pub wall_time_s: Option<f64>,
}

/// What a stage may spend beside its trials. An absent field sets no limit.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StageBudget {
    /// Seconds of processor time of its attempts.
    #[serde(default)]
    pub cpu_time_s: Option<f64>,
    /// Seconds from its start to its end.
    #[serde(default)]
    pub wall_time_s: Option<f64>,
}

/// What a stage may try beyond its own trials: what other stages did not use of theirs.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExtraTrials {
    /// The stages whose unused trials it may draw, in this order. It waits for all of them to end.
    pub from: Vec<String>,
    /// How many it draws at most.
    pub at_most: u32,
}

impl BranchBudget {
    /// Whether it sets no limit.
    pub fn is_unlimited(&self) -> bool {
        *self == Self::default()
    }

    /// The limit in seconds.
    pub const fn limit_s(&self, time: TimeKind) -> Option<f64> {
        match time {
            TimeKind::Wall => self.wall_time_s,
            TimeKind::Cpu => self.cpu_time_s,
        }
    }
}

impl StageBudget {
    /// Whether it sets no limit.
    pub fn is_unlimited(&self) -> bool {
        *self == Self::default()
    }

    /// The limit in seconds.
    pub const fn limit_s(&self, time: TimeKind) -> Option<f64> {
        match time {
            TimeKind::Wall => self.wall_time_s,
            TimeKind::Cpu => self.cpu_time_s,
        }
    }
}

/// A kind of time that a budget limits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeKind {
    /// Time on the clock.
    Wall,
    /// Processor time.
    Cpu,
}

impl std::fmt::Display for TimeKind {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Wall => "wall time",
            Self::Cpu => "processor time",
        })
    }
}

/// A part of a study that has a budget of time of its own.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BudgetOwner {
    /// A stage.
    Stage(StageIndex),
    /// The branch that begins with this stage.
    Branch(StageIndex),
}
