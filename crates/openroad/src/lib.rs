//! What OpenROAD prints: messages, and what a whole log says of its run.
//!
//! Owns: the reading of OpenROAD's log into typed records, and the judgement over a log and the way in which its process
//! ended. What a version prints that is not known here is left out or told as unknown; nothing is guessed.
//!
//! Never reads a file, starts a process or sees a clock: text in, values out.

mod crash;
mod judge;
mod messages;
mod refusals;
mod verdict;

pub use crash::Crash;
pub use judge::{Completion, Run, judge};
pub use messages::{
    Code, Feature, InterpreterError, Log, MAX_EXCERPT_LINES, Message, MessageLevel, Step, Version,
};
pub use verdict::{Refusal, Verdict};
