//! Adapters to timing engines: what a trial runs, and what came of it.
//!
//! Owns: platforms and the ECO catalogue, the scripts that engines run, the reading of what they write,
//! the guards over what an ECO did to its parent, and the naming of every way in which a run can fail.
//!
//! Never starts a process: it states the commands and is told how they ended. Never decides whether a
//! case is good, and never puts a value where none was read.

mod catalogue;
mod classify;
mod engine;
mod handover;
mod manifest;
pub mod openroad;
pub mod opensta;
mod platform;
mod tables;
pub mod tcl;
mod timing_report;
pub mod trial;

pub use catalogue::{Catalogue, CatalogueProblem, Eco, EcoOrigin, MANIFEST_FILE, Replacement};
pub use classify::{Evidence, classify, classify_command, missing_clock};
pub use engine::{Engine, ProbeError, find_program};
pub use handover::{Dialect, HandoverError, eco_script};
pub use openroad::{Launcher, OpenRoad, OpenRoadAbilities, SnapshotMade, SnapshotOptions};
pub use opensta::OpenSta;
pub use platform::{
    CornerFacts, DraftError, LayoutData, LefFacts, Padding, PercentRange, PinLayers, Platform,
    PlatformCheck, PlatformDraft, PlatformError, PlatformFile, PlatformFinding, RoutingLayers,
    TapCells, TieCells, WireLayers,
};
pub use tables::tcl_tables;
pub use timing_report::{
    DelayShares, EndpointSummary, GroupSummary, PathSummary, ReadLimits, ReportCheck, ReportReader,
    TimingReport, read_timing_report,
};
pub use trial::{
    ColdRequest, ColdResult, EditsRequest, EndpointSlack, EndpointSlacks, ParentFacts, Preparation,
    PrepareProblem, ReplayRequest, RerunRequest, SequenceRequest, StudyContext, TrialRequest,
};
