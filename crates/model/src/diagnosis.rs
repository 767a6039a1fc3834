//! What the worst paths of a case are made of, and what may be wrong with them.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Check, ObjectName};

/// What a worst path of a case is made of, as the engine timed it. A part that the engine does not tell is
/// absent, never 0.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct PathProfile {
    /// The scene in which it was timed.
    pub scene: ObjectName,
    /// The check that it is worst for.
    pub check: Check,
    /// Pin at which it starts.
    pub start: ObjectName,
    /// Pin at which it ends.
    pub end: ObjectName,
    /// Slack in ps.
    pub slack_ps: f64,
    /// Cells that it goes through, the launching register among them.
    pub stages: u32,
    /// Delay in cells, in ps.
    pub cell_delay_ps: f64,
    /// Delay in wires, in ps; absent where no wires are annotated, for then none are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wire_delay_ps: Option<f64>,
    /// The net on it with the most sinks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub widest: Option<PathExtreme>,
    /// The driver on it with the slowest transition, in ps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slowest_transition: Option<PathExtreme>,
    /// The transition in the middle of those of its drivers, in ps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub median_transition_ps: Option<f64>,
    /// The cell on it with the most delay, in ps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slowest_cell: Option<PathExtreme>,
}

/// The largest value of something along a path, and where it is.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct PathExtreme {
    /// The driving instance, or the port.
    pub at: ObjectName,
    /// Its cell; empty for a port.
    pub cell: ObjectName,
    /// The value, in the unit of the field that holds it.
    pub value: f64,
}

impl PathProfile {
    /// The share of its delay that lies in wires, from 0 to 1; `None` where no wires are known.
    pub fn wire_share(&self) -> Option<f64> {
        let wires = self.wire_delay_ps?;
        let all = wires + self.cell_delay_ps;
        (all > 0.0).then(|| wires / all)
    }
}

/// One driver on a worst path with what it drives. Kept in `metrics.json` of an attempt.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct PathStage {
    /// The driving instance, or the port.
    pub instance: String,
    /// Its cell; empty for a port.
    pub cell: String,
    /// Delay through it, in ps; absent for the start of the path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cell_delay_ps: Option<f64>,
    /// Delay of the wire behind it, in ps; absent where no wires are annotated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wire_delay_ps: Option<f64>,
    /// Transition at its output, in ps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transition_ps: Option<f64>,
    /// Sinks that it drives.
    pub fanout: u32,
    /// All that it drives, in fF, wires included where they are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load_ff: Option<f64>,
}

/// What may be wrong with a case: what ECOs are remedies for.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Symptom {
    /// Hold is violated.
    Hold,
    /// More of a worst setup path's delay lies in wires than in cells.
    WireDominated,
    /// More of a worst setup path's delay lies in cells than in wires.
    CellDominated,
    /// A setup path is violated, and no wires are known: only its cells can be judged.
    WireShareUnknown,
    /// A net on a worst setup path has many sinks.
    Fanout,
    /// Transitions or loads exceed limits, or one on a worst setup path is far slower than the others.
    Slew,
    /// A worst setup path goes through many cells.
    Depth,
    /// Much of the power is leakage.
    Leakage,
    /// Global routing uses more than there is somewhere.
    Congestion,
}

impl Symptom {
    /// The word by which studies, ECOs and reports name it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hold => "hold",
            Self::WireDominated => "wire_dominated",
            Self::CellDominated => "cell_dominated",
            Self::WireShareUnknown => "wire_share_unknown",
            Self::Fanout => "fanout",
            Self::Slew => "slew",
            Self::Depth => "depth",
            Self::Leakage => "leakage",
            Self::Congestion => "congestion",
        }
    }
}

impl fmt::Display for Symptom {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}
