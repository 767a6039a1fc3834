//! A simulated world for the controller: studies, tools whose results depend only on what they are given,
//! and a driver that completes, loses and kills in any order that a seed dictates.
#![allow(dead_code, unused_imports, reason = "each test file uses its own part")]

mod chance;
mod checks;
mod drive;
mod studies;
mod world;

pub use chance::Chance;
pub use checks::{ALONE, HELD_BACK, survivors};
pub use drive::{Schedule, run};
pub use studies::{identity, limit_time, random_priors, random_study, sequence, stage, study};
pub use world::{
    finished, finished_after, finished_with, is_known, known, lost, proved, result_of,
};

use noodle2_model::{ContentHash, Event, StopCause};

pub fn digest(journal: &[Event]) -> ContentHash {
    match journal.last() {
        Some(Event::RunFinished { digest, .. }) => *digest,
        other => panic!("the run did not end: {other:?}"),
    }
}

pub fn person_stops() -> Event {
    Event::StopRequested {
        cause: StopCause::Person,
    }
}
