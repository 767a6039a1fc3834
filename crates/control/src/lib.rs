//! The controller: what runs next, what survives, what stops. A pure function over events.
//!
//! `state = fold(events)` ([`Controller::apply`]), `decisions = decide(state)` ([`Controller::decide`]). Owns the
//! rules of a run: gate 0, the noise floor, proposals, retries, aborts, selection, joins, and the digest over all of it.
//!
//! Never does I/O, never reads a clock, a file, the environment, or a source of chance other than the
//! study's seed. How long something took orders what starts next, and decides nothing else unless a budget of processor
//! time says how long it may; in which order trials ended decides nothing. So the same code runs a real study, resumes a killed one, and audits a finished one: every
//! decision found in a journal is compared with the one that these rules give.

mod approval;
mod budget;
mod compose;
mod counting;
mod decide;
mod diagnosis;
mod digest;
mod doom;
mod evidence;
mod extra;
mod fallback;
mod gate;
mod noise;
mod program;
mod promote;
mod propose;
mod rank;
mod recipe;
mod rounds;
mod schedule;
mod select;
mod start;
mod state;
mod survive;
mod tally;
mod transition;
mod trials;

pub use approval::{Answer, AnswerError, Ruling, StageApproval};
pub use diagnosis::{Diagnosis, Suggestion, diagnose, suggest};
pub use evidence::StageEvidence;
pub use noise::{AttemptRole, Noise, Repeats};
pub use program::{Program, ProgramError};
pub use propose::proposal_count;
pub use rounds::{CausalHistory, HISTORY_VERSION, KnownCase, KnownEco, KnownTrial};
pub use schedule::Offer;
pub use select::{Verdict, gain_over};
pub use state::{Attempt, Case, Controller, Stage, StageStanding, Trial, TrialStanding};
pub use transition::TransitionError;
