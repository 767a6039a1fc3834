//! The OpenROAD engine.
//!
//! Owns what is peculiar to `openroad`: how it is started, on the machine or in a container, what it can do, its Tcl,
//! and what is read from the files that it leaves. It lies in ways of its own: it exits with 0 after errors that a script
//! caught, times cells without a model as if they were not there, and keeps parasitics of wires that an edit has
//! changed. So results come through a file that the script writes, a log with an error is a failure, and what changed is
//! found by comparing databases.
//!
//! Never believes what an ECO says of itself, never fills in a value that was not read, never draws a map that the
//! tool did not give.

mod launch;
mod lint;
mod names;
mod placed;
mod probe;
mod results;
mod script;
mod snapshot;
mod trial;

pub use launch::Launcher;
pub(crate) use names::{not_in_lef, read_lefs};
pub(crate) use placed::{PlacedChange, PlacedDesign};
pub use probe::{OpenRoad, OpenRoadAbilities};
pub(crate) use results::judge_run;
pub(crate) use script::{LayoutJob, LayoutSetup, parts, prelude, withhold};
pub use snapshot::{SnapshotMade, SnapshotOptions};
