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
mod placement;
mod refusals;
mod repair;
mod reports;
mod routing;
mod timing;
mod units;
mod verdict;

pub use crash::Crash;
pub use design::{CellType, CellUsage, DesignArea, FloatingReport, PowerGroup, PowerReport};
pub use judge::{Completion, Run, judge};
pub use messages::{
    Code, Feature, InterpreterError, Log, MAX_EXCERPT_LINES, Message, MessageLevel, Step, Version,
};
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
pub use verdict::{Refusal, Verdict};
