//! What past trials say of an ECO: under which conditions it was tried, how far it can be trusted, and what of
//! earlier runs counts how much.
//!
//! Owns the rules: the classes of conditions, the bounds by which an ECO is trusted, mixed or suspicious, what
//! an anti-pattern is, and how evidence fades with age and distance.
//!
//! Never does I/O, never reads a clock: the time is handed in. Never proposes anything: that is the controller's.

mod conditions;
mod gather;
mod standing;
mod table;

pub use conditions::conditions;
pub use gather::{Gathering, RecordedRun, gather};
pub use standing::{Standing, Z, anti_pattern, standing, wilson};
pub use table::EvidenceTable;
