//! What a trial is, whichever engine it runs in.
//!
//! Owns: what all trials of a run share ([`StudyContext`]), the rendering of scripts around what an engine's own room puts
//! into them, the reading of what they write, sequences and compositions, and the guards over what an ECO did to its parent.
//!
//! Never starts a process, never believes what an ECO or an engine says of a change: the designs are compared.

pub(crate) mod attempt;
mod cold;
mod compose;
pub(crate) mod context;
mod derived;
mod endpoints;
mod log;
pub(crate) mod measure;
mod parents;
pub(crate) mod process;
pub(crate) mod protect;
mod prove;
pub(crate) mod read;
mod rewrite;
pub(crate) mod script;
mod sequence;

pub use attempt::{ParentFacts, TrialRequest};
pub use cold::{ColdRequest, ColdResult};
pub use compose::{EditsRequest, ReplayRequest, RerunRequest};
pub use context::{Preparation, PrepareProblem, StudyContext};
pub use endpoints::{EndpointSlack, EndpointSlacks};
pub use log::{LogRemarks, MAX_EXCERPT_LINES, Remark};
pub use measure::{MetricsDocument, SceneDocument};
pub use read::{MarkKind, Record, ResultError, ResultFile};
pub use sequence::SequenceRequest;
