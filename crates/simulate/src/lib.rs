//! Studies on a virtual clock: the very controller that runs studies, with attempts that are drawn instead of made.
//!
//! Tells how long a study would take with so many workers, what keeps it from being shorter, and what a barrier between
//! stages or failing attempts would cost. Owns the virtual clock, the distributions of durations, the faults, and the
//! made-up results; every decision is the controller's.
//!
//! Never does I/O, never reads a clock, never draws from anything but the study's seed; never writes a journal, since
//! nothing that is drawn here may pass for a run. Durations and results are drawn by trial, not by when it starts, so that
//! any number of workers meets the same ones and comes to the same digest.
//!
//! The world of the controller's own tests is another one on purpose: it tries to break the rules with results and
//! answers that no tool gives, and knows no time.

mod bound;
mod clock;
mod draw;
mod durations;
mod faults;
mod study;
mod trace;
mod world;

pub use bound::Bound;
pub use clock::{Options, SimulationError, simulate};
pub use durations::{Durations, DurationsError, Learned, Sample};
pub use faults::{Faults, FaultsError};
pub use study::{Simulated, identity_without_tools};
pub use trace::{AttemptCounts, StageTrace, Trace, TrialCounts};
