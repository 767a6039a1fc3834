//! What comes of a comparison, and what it may cost.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// The most that a comparison may cost. No clock is read: the same designs, library and budget give the
/// same verdict on every machine, however busy it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// Conflicts of the SAT solver in all.
    pub conflicts: u64,
    /// Conflicts for making two internal nodes one. Who does not get there goes on without.
    pub conflicts_per_merge: u64,
    /// Conflicts for each point that is still open after that.
    pub conflicts_per_point: u64,
    /// Steps in all: a value that the solver propagates, a node that it is given, eight nodes simulated.
    /// This is what bounds the time: some two to ten million steps take a second.
    pub steps: u64,
}

impl Default for Budget {
    /// What a minute or two are enough for.
    fn default() -> Self {
        Self {
            conflicts: 1_000_000,
            conflicts_per_merge: 500,
            conflicts_per_point: 50_000,
            steps: 300_000_000,
        }
    }
}

/// Whether two designs do the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "verdict", deny_unknown_fields)]
pub enum Verdict {
    /// Every point computes the same in both, under every assignment: proved.
    Equal,
    /// A point has another value: replayed on both netlists.
    Different {
        /// Where, and under which values.
        counterexample: Counterexample,
    },
    /// Neither was shown.
    Undecided {
        /// Why; the first of several reasons.
        reason: Reason,
    },
}

/// Values under which the two designs differ. A cell-by-cell evaluation of both netlists gave them, apart
/// from the encoding that found them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counterexample {
    /// The point: `register/D`, `port out[3]`.
    pub end: String,
    /// Its value in the parent.
    pub parent: bool,
    /// Its value in the child.
    pub child: bool,
    /// The values that this follows from: input ports (`port a`) and outputs of registers and other cells
    /// with state (`register/Q`). Others do not matter.
    pub sources: BTreeMap<String, bool>,
}

/// One of the two designs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The design that was changed.
    Parent,
    /// What it was changed into.
    Child,
}

impl fmt::Display for Side {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Parent => "parent",
            Self::Child => "child",
        })
    }
}

/// Why nothing was shown. Its text says it to a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "code", deny_unknown_fields)]
pub enum Reason {
    /// Two ports or two instances of one design have one name.
    AmbiguousName {
        /// The name.
        name: String,
        /// The design.
        side: Side,
    },
    /// A port, an instance at which designs are cut, or a connected pin of one is in one design alone.
    Unmatched {
        /// Its name.
        end: String,
        /// The design that has it.
        side: Side,
    },
    /// A port of another direction, or a register, clock gate, macro or unknown cell that is not known to do
    /// the same.
    Unlike {
        /// Its name.
        end: String,
    },
    /// The point may differ, but that follows from something whose value is not known: a cell without a
    /// known function, a register without a counterpart, a combinational loop, a net with several drivers or none.
    Unmodelled {
        /// The point.
        end: String,
    },
    /// The budget was used up.
    BudgetExhausted {
        /// The first point that it was not enough for.
        end: String,
    },
}

impl fmt::Display for Reason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AmbiguousName { name, side } => {
                write!(formatter, "two objects of the {side} are called `{name}`")
            }
            Self::Unmatched { end, side } => {
                write!(formatter, "`{end}` is in the {side} alone")
            }
            Self::Unlike { end } => {
                write!(formatter, "`{end}` is not known to be the same in both")
            }
            Self::Unmodelled { end } => write!(
                formatter,
                "`{end}` may differ, which depends on something whose value is not known"
            ),
            Self::BudgetExhausted { end } => {
                write!(formatter, "the budget was not enough to settle `{end}`")
            }
        }
    }
}

/// What a comparison took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cost {
    /// Points compared: ports, and pins of the instances at which the designs are cut.
    pub points: usize,
    /// Points that are the same in structure.
    pub by_structure: usize,
    /// Points that were proved equal beyond that.
    pub by_proof: usize,
    /// Cells of both designs in the cones of the points that structure left open.
    pub cells: usize,
    /// Nodes of the and-inverter graph of these cones, equal structure counted once.
    pub nodes: usize,
    /// Questions to the SAT solver.
    pub sat_calls: u64,
    /// Its conflicts.
    pub conflicts: u64,
    /// Steps, as [`Budget::steps`] counts them.
    pub steps: u64,
}

/// A comparison that somebody stopped. It says nothing of the designs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the comparison was stopped")]
pub struct Stopped;

/// A verdict with what it took.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// Whether the designs do the same.
    pub verdict: Verdict,
    /// What it took.
    pub cost: Cost,
}
