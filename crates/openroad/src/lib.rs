//! What OpenROAD prints: messages, reports, tables, METRICS2.1, and what a whole log says of its run.
//!
//! Owns: the reading of OpenROAD's log into typed records, the names of metrics in METRICS2.1, and the judgement over a log
//! and the way in which its process ended. What a version prints that is not known here is left out or told as unknown; nothing is guessed.
//!
//! Never reads a file, starts a process or sees a clock: text in, values out.

mod crash;
mod design;
mod judge;
mod lines;
mod messages;
mod metrics;
mod placement;
mod refusals;
mod repair;
mod reports;
mod routing;
mod timing;
mod units;
mod values;
mod verdict;

pub use crash::Crash;
pub use design::{CellType, CellUsage, DesignArea, FloatingReport, PowerGroup, PowerReport};
pub use judge::{Completion, Run, class_of_code, judge};
pub use messages::{
    Code, Feature, InterpreterError, Log, MAX_EXCERPT_LINES, Message, MessageLevel, Step,
    StepFailure, Version,
};
pub use metrics::{MetricName, MetricValue, MetricsError, MetricsFile, metrics_name, metrics_of};
pub use placement::{GlobalPlacement, PlacementAnalysis, PlacementCheckFailure};
pub use repair::{ProgressTable, RepairFact};
pub use reports::{FoundReport, Report, read_reports};
pub use routing::{
    CongestionReport, LayerCongestion, LayerResources, NetWireLength, RoutingFact, WireLengthError,
    read_wire_lengths,
};
pub use timing::{
    ClockMinPeriod, ClockSkew, LimitCheck, LimitedPin, SetupComplaint, SlackKind, SlackReport,
};
pub use units::{LogUnit, Units};
pub use values::{ReportedValue, units_of, values_of};
pub use verdict::{Refusal, Verdict};
