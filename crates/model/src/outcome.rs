//! What came of an attempt.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{BlastRadius, ContentHash, MetricSet};

/// What came of an attempt.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The design was changed (or is the base) and measured.
    Measured(Measurement),
    /// The ECO changed nothing: neither a success nor a failure.
    NoEffect,
    /// The attempt failed.
    Failed(Failure),
}

/// A measured design.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Measurement {
    /// The design that was measured.
    pub design: DesignState,
    /// Over all scenes: setup metrics are the worst over the setup scenes, hold metrics over the hold scenes,
    /// everything else the worst over all.
    pub overall: MetricSet,
    /// By scene name.
    pub scenes: BTreeMap<String, MetricSet>,
    /// What the engine remarked about the design.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
    /// How many edits lead from the parent's design to this one, by kind (`resize`, `insert`, …).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub edits: BTreeMap<String, u64>,
    /// How far the ECO reached; absent for a design that no ECO changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blast_radius: Option<BlastRadius>,
}

/// A design state by its content.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct DesignState {
    /// The hash of the netlist's statements in sorted order: equal for designs that differ only in the
    /// order in which a tool wrote them.
    pub canonical: ContentHash,
    /// The hash of the netlist file.
    pub netlist: ContentHash,
}

/// Something that the engine remarked about a design.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Finding {
    /// What kind of remark.
    pub kind: FindingKind,
    /// The scene in which it was made; empty when it holds for all.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub scene: String,
    /// On what, and how many.
    pub detail: String,
}

/// The kind of a finding, and so whether gate 0 lets it pass.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// An instance whose module nobody defines and nobody declared.
    BlackBox,
    /// The design did not link.
    Unlinked,
    /// No clock, or a clock without a period.
    ClockWithoutPeriod,
    /// A scene whose metrics could not be read.
    SceneWithoutMetrics,
    /// A scene in which no path is constrained.
    NoPaths,
    /// More unconstrained endpoints than the study waives.
    UnconstrainedEndpoints,
    /// Annotated parasitics cover less than the design needs.
    ParasiticsIncomplete,
    /// A warning of the engine, recorded as it stands.
    EngineWarning,
}

impl FindingKind {
    /// Whether a base case with this finding must not be worked on.
    pub const fn blocks(self) -> bool {
        !matches!(self, Self::EngineWarning)
    }
}

/// Why an attempt failed.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Failure {
    /// The kind of failure.
    pub class: FailureClass,
    /// The tool's own code (`GRT-0116`), where it gave one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_code: Option<String>,
    /// What happened, on what.
    pub message: String,
    /// The lines of the tool's output that show it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub excerpt: String,
}

macro_rules! failure_classes {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal;)+) => {
        /// The kinds of failure of an attempt.
        #[derive(
            Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema,
        )]
        pub enum FailureClass {
            $($(#[doc = $doc])+ #[serde(rename = $name)] $variant,)+
        }

        impl FailureClass {
            /// Every class.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The name as written in the journal.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// What it means, in a sentence.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc),+),)+ }
            }
        }
    };
}

failure_classes! {
    /// The tool was killed because it asked for more memory than its limit.
    OutOfMemory = "out_of_memory";
    /// The tool crashed with a memory fault.
    Segfault = "segfault";
    /// The tool ended itself abnormally.
    Abort = "abort";
    /// The tool was killed from outside.
    Killed = "killed";
    /// The tool ran longer than its time limit.
    Timeout = "timeout";
    /// The tool could not be started.
    ToolMissing = "tool_missing";
    /// The tool reported an error.
    ToolError = "tool_error";
    /// Something that the study names cannot be used as it stands.
    ConfigurationError = "configuration_error";
    /// The tool did not write what it should have.
    MissingOutput = "missing_output";
    /// The tool's output could not be understood.
    ParseFailure = "parse_failure";
    /// The design holds an instance without a model.
    BlackBox = "black_box";
    /// A metric that the study needs was not read.
    MetricMissing = "metric_missing";
    /// Annotated parasitics were lost, which makes timing look better than it is.
    ParasiticsIncomplete = "parasitics_incomplete";
    /// The change reached further than its ECO declares.
    BlastRadiusExceeded = "blast_radius_exceeded";
    /// Fewer endpoints are constrained than in the parent.
    ConstraintCoverageLost = "constraint_coverage_lost";
    /// No space is left where results are written.
    DiskFull = "disk_full";
    /// The worker that ran the attempt is gone.
    WorkerLost = "worker_lost";
    /// The attempt was stopped with the run or its stage.
    Interrupted = "interrupted";
    /// A failure that nothing above describes.
    Unknown = "unknown";
}

impl FailureClass {
    /// Whether the infrastructure failed rather than the design, so that another attempt makes sense.
    pub const fn is_transient(self) -> bool {
        matches!(
            self,
            Self::WorkerLost | Self::Killed | Self::Interrupted | Self::DiskFull
        )
    }
}

impl fmt::Display for FailureClass {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// What an attempt used. A fact of one execution: never part of a digest or of a choice.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct AttemptUsage {
    /// Seconds on the clock.
    pub wall_s: f64,
    /// Seconds of processor time, user and system, of all its processes.
    pub cpu_s: f64,
    /// The most memory that one of its processes held, in bytes; absent where it could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peak_memory_bytes: Option<u64>,
}

/// Slack of one path group in one scene.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct PathGroupSummary {
    /// The name of the group.
    pub group: String,
    /// Worst setup slack in ps.
    pub setup_ws_ps: Option<f64>,
    /// Worst hold slack in ps.
    pub hold_ws_ps: Option<f64>,
}

/// The worst path of a check in one scene.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct WorstPath {
    /// Pin at which the path starts.
    pub start: String,
    /// Pin at which it ends.
    pub end: String,
    /// Slack in ps.
    pub slack_ps: f64,
    /// Number of cells that the path goes through.
    pub stages: u32,
    /// The instances along the path with their cells, from start to end.
    pub cells: Vec<(String, String)>,
}
