//! What came of an attempt.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    BlastRadius, ContentHash, DesignMarks, EquivalenceProof, MetricSet, PathProfile, StepRecord,
};

/// What came of an attempt.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The design was changed (or is the base) and measured. Shared, since a run keeps each in several places.
    Measured(Arc<Measurement>),
    /// The ECO changed nothing: neither a success nor a failure.
    NoEffect,
    /// The attempt failed.
    Failed(Failure),
}

impl From<Measurement> for Outcome {
    fn from(measurement: Measurement) -> Self {
        Self::Measured(Arc::new(measurement))
    }
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
    /// What was measured before cells were brought to legal places, by scene name; empty where nothing moves.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub estimated: BTreeMap<String, MetricSet>,
    /// What was measured with globally routed wires, by scene name, for the audit of gains. Another measurement
    /// context: compares with the same of other cases alone.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub routed: BTreeMap<String, MetricSet>,
    /// What the engine remarked about the design.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
    /// How many edits lead from the parent's design to this one, by kind (`resize`, `insert`, …).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub edits: BTreeMap<String, u64>,
    /// Of a composition, how many contradictions between the edits of two branches its rule decided, by kind.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub conflicts: BTreeMap<String, u64>,
    /// How far the ECO reached; absent for a design that no ECO changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blast_radius: Option<BlastRadius>,
    /// Whether its logic was proved to be its parent's; only of confirmations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub equivalence: Option<EquivalenceProof>,
    /// What the worst paths are made of, worst first, setup before hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<PathProfile>,
    /// What each step of a sequence did; empty for a single ECO.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<StepRecord>,
    /// What netlist and constraints mark as not to be touched; only of a base case.
    #[serde(default, skip_serializing_if = "DesignMarks::is_empty")]
    pub marks: DesignMarks,
}

/// A design state by its content.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct DesignState {
    /// The hash of the netlist's statements in sorted order, and of where each cell stands if the design is placed:
    /// equal for designs that differ only in the order in which a tool wrote them.
    pub canonical: ContentHash,
    /// The hash of the netlist file.
    pub netlist: ContentHash,
    /// The files of a placed design, which lie beside its netlist.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub placement: Option<PlacementState>,
}

/// The placement of a design by its content.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PlacementState {
    /// The hash of the database, which the engine goes on from.
    pub database: ContentHash,
    /// The hash of the DEF file, which everybody can read.
    pub def: ContentHash,
}

impl DesignState {
    /// The file name of a netlist.
    pub const NETLIST: &str = "netlist.v";
    /// The file name of a placed design's database.
    pub const DATABASE: &str = "placed.odb";
    /// The file name of a placed design's DEF.
    pub const DEF: &str = "placed.def";

    /// The files that hold the design, by name, with their hashes; the netlist first.
    pub fn files(&self) -> impl Iterator<Item = (&'static str, ContentHash)> {
        let placed = self
            .placement
            .map(|placed| [(Self::DATABASE, placed.database), (Self::DEF, placed.def)]);
        let netlist = (Self::NETLIST, self.netlist);
        std::iter::once(netlist).chain(placed.into_iter().flatten())
    }
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
    /// A map of the layout that was asked for and could not be had. None is drawn in its place.
    VisualizationUnavailable,
    /// A warning of the engine, recorded as it stands.
    EngineWarning,
}

impl FindingKind {
    /// Whether a base case with this finding must not be worked on.
    pub const fn blocks(self) -> bool {
        !matches!(self, Self::EngineWarning | Self::VisualizationUnavailable)
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

/// How bad a failure is.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Nothing is lost: the machine or a person stood in the way, and another attempt may do.
    Minor,
    /// The trial gave nothing that may be used.
    Moderate,
    /// A tool died, or the change did what it must not.
    Severe,
    /// Results cannot be trusted.
    Catastrophic,
}

/// What a failure tells something about.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum FailureScope {
    /// The change that was tried on this design.
    Trial,
    /// The tool, whatever it is given.
    Tool,
    /// What the study names.
    Study,
    /// The machine that it ran on.
    Machine,
}

impl fmt::Display for Severity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Minor => "minor",
            Self::Moderate => "moderate",
            Self::Severe => "severe",
            Self::Catastrophic => "catastrophic",
        })
    }
}

impl fmt::Display for FailureScope {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Trial => "trial",
            Self::Tool => "tool",
            Self::Study => "study",
            Self::Machine => "machine",
        })
    }
}

macro_rules! failure_classes {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal, $severity:ident, $scope:ident, $advice:literal;)+) => {
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

            /// How bad it is.
            pub const fn severity(self) -> Severity {
                match self { $(Self::$variant => Severity::$severity,)+ }
            }

            /// What it tells something about.
            pub const fn scope(self) -> FailureScope {
                match self { $(Self::$variant => FailureScope::$scope,)+ }
            }

            /// What a person can do about it.
            pub const fn advice(self) -> &'static str {
                match self { $(Self::$variant => $advice,)+ }
            }
        }
    };
}

failure_classes! {
    /// The tool was killed because it asked for more memory than its limit.
    OutOfMemory = "out_of_memory", Severe, Trial,
        "raise `limits.memory_mib`, or run fewer workers on this machine";
    /// The tool crashed with a memory fault.
    Segfault = "segfault", Severe, Trial,
        "a defect of the tool on this input: keep the ECO out with `safety.deny_ecos`, or try another version of the tool";
    /// The tool ended itself abnormally.
    Abort = "abort", Severe, Trial,
        "a defect of the tool on this input: the log says which assertion it was";
    /// The tool was killed from outside.
    Killed = "killed", Minor, Machine,
        "somebody or the kernel killed it: look into the system's log for the out-of-memory killer";
    /// The tool ran longer than its time limit, and ended when it was told to.
    Timeout = "timeout", Moderate, Trial,
        "raise `limits.wall_time_s` or `limits.cpu_time_s`, or give the ECO less to do";
    /// The tool ran longer than its time limit, did not end when it was told to, and was killed.
    TimeoutHard = "timeout_hard", Moderate, Trial,
        "raise `limits.wall_time_s` or `limits.cpu_time_s`; a tool that does not end when told to may hang";
    /// The tool could not be started.
    ToolMissing = "tool_missing", Severe, Machine,
        "run `noodle2 doctor`, which says what is missing and how to install it";
    /// The tool reported an error.
    ToolError = "tool_error", Moderate, Trial,
        "read the tool's own code and message in the log of the attempt";
    /// The tool could not get a licence.
    LicenceUnavailable = "licence_unavailable", Minor, Machine,
        "free a licence, or run fewer workers; the attempt is made again";
    /// Something that the study names cannot be used as it stands.
    ConfigurationError = "configuration_error", Severe, Study,
        "correct what the message names in the study, its constraints or its libraries";
    /// The tool did not write what it should have.
    MissingOutput = "missing_output", Moderate, Tool,
        "the log shows the last thing that the tool did";
    /// The tool's output could not be understood.
    ParseFailure = "parse_failure", Moderate, Tool,
        "the tool may be of a version that is not known: run `noodle2 doctor`";
    /// The design holds an instance without a model.
    BlackBox = "black_box", Severe, Study,
        "add the library that defines the cell, or declare it in `design.black_boxes`";
    /// A metric that the study needs was not read.
    MetricMissing = "metric_missing", Moderate, Trial,
        "the log says why the engine could not report it";
    /// The result is worse than the safety domain permits.
    MetricRegression = "metric_regression", Moderate, Trial,
        "nothing need be done: the result is not passed on";
    /// The result lies beyond a rail of the study.
    RailViolation = "rail_violation", Moderate, Trial,
        "nothing need be done: the result is not passed on; the rail is in `safety.rails.trial`";
    /// Annotated parasitics were lost, which makes timing look better than it is.
    ParasiticsIncomplete = "parasitics_incomplete", Severe, Trial,
        "use ECOs that keep the connections of annotated nets, or parasitics that are estimated anew";
    /// The change reached further than its ECO declares, or than the study permits.
    BlastRadiusExceeded = "blast_radius_exceeded", Severe, Trial,
        "declare the ECO's class as wide as it reaches, narrow the ECO, or widen `safety.envelope`";
    /// The edits of two branches contradict each other, and the join drops such pairs.
    MergeConflict = "merge_conflict", Moderate, Trial,
        "nothing need be done; to compose such pairs, say with `join.conflicts` whose edits count";
    /// The changed logic does not do what it did before.
    EquivalenceFailed = "equivalence_failed", Catastrophic, Trial,
        "the ECO is wrong: the counterexample names the point and the values at which the designs differ";
    /// Cells overlap or lie where none may.
    PlacementIllegal = "placement_illegal", Severe, Trial,
        "legalise after the ECO, or give it less to do";
    /// Fewer endpoints are constrained than in the parent.
    ConstraintCoverageLost = "constraint_coverage_lost", Severe, Trial,
        "the ECO removed or renamed what a constraint names: protect it with `safety.protect`";
    /// The design does not fit: too many cells, too little area or routing.
    CapacityExceeded = "capacity_exceeded", Moderate, Trial,
        "the change asks for more room than there is";
    /// The same input gave another result.
    Nondeterministic = "nondeterministic", Catastrophic, Tool,
        "results of this tool cannot be repeated: compare both attempts' artifacts, and use one thread";
    /// No space is left where results are written.
    DiskFull = "disk_full", Minor, Machine,
        "make room, then `noodle2 resume` the run";
    /// The worker that ran the attempt is gone.
    WorkerLost = "worker_lost", Minor, Machine,
        "the attempt is made again; after three losses the trial counts as what kills its workers";
    /// A picture could not be made; no result depends on it.
    VisualizationUnavailable = "visualization_unavailable", Minor, Tool,
        "the figures that are missing are named; numbers are unaffected";
    /// The attempt was stopped with the run or its stage.
    Interrupted = "interrupted", Minor, Machine,
        "`noodle2 resume` makes it again where it is still wanted";
    /// A failure that nothing above describes.
    Unknown = "unknown", Severe, Tool,
        "read the log of the attempt";
}

impl FailureClass {
    /// Whether the infrastructure failed rather than the design, so that another attempt makes sense.
    pub const fn is_transient(self) -> bool {
        matches!(
            self,
            Self::WorkerLost
                | Self::Killed
                | Self::Interrupted
                | Self::DiskFull
                | Self::LicenceUnavailable
        )
    }
}

impl fmt::Display for FailureClass {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// What an attempt used. A fact of one execution: never part of a digest, and of no choice but that a budget of
/// processor time is spent.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct AttemptUsage {
    /// Seconds on the clock.
    pub wall_s: f64,
    /// Seconds of processor time, user and system, of all its processes.
    pub cpu_s: f64,
    /// The most memory that one of its processes held, in bytes; absent where it could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peak_memory_bytes: Option<u64>,
    /// Bytes that an attempt takes up in the run folder: its files, and the netlist once more where it measured a new
    /// design, of which its case keeps a copy. Absent for a single command, and where no files were sealed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk_bytes: Option<u64>,
    /// Seconds between its start and the moment at which a worker of a cluster began with it. Absent where it began
    /// as it was started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waited_s: Option<f64>,
    /// The number of the worker that carried it out, from 0, among those of one controller: of a thread of this machine, or
    /// of a slot of a cluster. Absent where that is not known, as of an attempt that was lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker: Option<u32>,
    /// Whether any command of it was forked from an engine that was loaded already. Absent where none was started.
    pub forked: Option<bool>,
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
