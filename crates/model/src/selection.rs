//! How a stage chooses what survives, and when it has seen enough.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Bound, Metric};

/// How a stage chooses its survivors among the cases that may survive.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Selection {
    /// The rule.
    #[serde(default)]
    pub strategy: Strategy,
    /// `top_n`: the weight of each metric's gain over the base case, in shares of the base value.
    #[serde(default)]
    pub weights: BTreeMap<Metric, f64>,
    /// `pareto`: the metrics in which no survivor may be worse than another in all.
    #[serde(default)]
    pub metrics: Vec<Metric>,
    /// `diverse`: how many ECOs must differ on the ways from the base to any two survivors.
    #[serde(default)]
    pub distance: Option<u32>,
    /// `tournament`: how many cases meet in each round.
    #[serde(default)]
    pub size: Option<u32>,
    /// Whether the best by the objective survives in any case.
    #[serde(default = "yes")]
    pub elitism: bool,
}

fn yes() -> bool {
    true
}

impl Default for Selection {
    fn default() -> Self {
        Self {
            strategy: Strategy::default(),
            weights: BTreeMap::new(),
            metrics: Vec::new(),
            distance: None,
            size: None,
            elitism: true,
        }
    }
}

/// A rule by which survivors are chosen. All rules choose among cases that keep the objective's bounds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// The best by the objective's metrics in order.
    #[default]
    Lexicographic,
    /// The best by a weighted sum of gains over the base case.
    TopN,
    /// Those that none dominates, then those that only they dominate, and so on; within a front the least crowded.
    Pareto,
    /// The best whose ways from the base differ enough.
    Diverse,
    /// The winners of rounds among cases drawn by chance.
    Tournament,
}

impl Strategy {
    /// The name as written in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Lexicographic => "lexicographic",
            Self::TopN => "top_n",
            Self::Pareto => "pareto",
            Self::Diverse => "diverse",
            Self::Tournament => "tournament",
        }
    }
}

/// When a stage has seen enough. Judged at the shortest prefix of its trials, in proposal order, that meets
/// one of these; what was measured beyond it does not count.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EarlyStop {
    /// A result keeps all of these, and the objective's bounds.
    #[serde(default)]
    pub target: Vec<Bound>,
    /// So many trials in a row gave nothing better by the first metric of the ranking.
    #[serde(default)]
    pub plateau_trials: Option<u32>,
    /// How much better, in the metric's unit, a result must be to end a plateau.
    #[serde(default)]
    pub plateau_gain: Option<f64>,
}

/// When a stage passes on the best case so far in the place of its own survivors: where the best of them is
/// worse by more than this, by the first metric of the ranking. At least one of both is given; the stricter
/// holds.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Fallback {
    /// How much worse, in the metric's unit.
    #[serde(default)]
    pub max_loss: Option<f64>,
    /// How much worse, in percent of the magnitude that the best case so far has.
    #[serde(default)]
    pub max_loss_percent: Option<f64>,
}

impl Fallback {
    /// The most that may be lost against a case with this value, in the metric's unit.
    pub fn tolerated(&self, value: f64) -> f64 {
        let share = self
            .max_loss_percent
            .map(|percent| value.abs() * percent / 100.0);
        let limits = [self.max_loss, share].into_iter().flatten();
        limits.fold(f64::INFINITY, f64::min)
    }
}
