//! What came of proving that a changed design does what its parent does.

use serde::{Deserialize, Serialize};

/// Whether a design's logic is its parent's, and what it took to tell.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct EquivalenceProof {
    /// What was found.
    pub verdict: EquivalenceVerdict,
    /// Ports, and pins of registers, clock gates and macros, that were compared.
    pub points: u64,
    /// Points that structure alone showed to be equal.
    pub by_structure: u64,
    /// Points that were proved equal beyond that.
    pub by_proof: u64,
    /// Cells of both designs in the cones of the points that structure left open.
    pub cells: u64,
    /// Questions to the SAT solver.
    pub sat_calls: u64,
    /// Its conflicts.
    pub conflicts: u64,
}

/// Whether a design's logic is its parent's.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum EquivalenceVerdict {
    /// Proved to be.
    Equal,
    /// It is not: both netlists, evaluated under one assignment, differ at this point.
    Different {
        /// The point: `register/D`, `port out[3]`.
        point: String,
        /// Its value in the parent.
        parent: bool,
        /// Its value in the child.
        child: bool,
    },
    /// Neither was shown.
    Undecided {
        /// Why.
        reason: String,
    },
}
