//! Runs of many trials whose results no engine measured, by the very controller and store: large as real ones, made in
//! seconds. A folder of such a run holds `SYNTHETIC.txt`.

use std::path::Path;

use jiff::Timestamp;
use noodle2_control::Controller;
use noodle2_model::{
    AttemptId, AttemptUsage, ContentHash, Event, Measurement, Metric, Outcome, StopCause,
};
use noodle2_store::{RunFolder, open_and_fold, write_atomic};
use noodle2_view::Folding;

/// Attempts that run at once.
const WORKERS: usize = 100;

/// Gives `count` trials of an interrupted run results that are made up, and stops it.
pub fn go_on(run: &Path, count: usize) {
    let writable = RunFolder::open_for_writing(run).unwrap();
    let label = "Results of this run were made up by a test. No engine measured them.\n";
    write_atomic(&writable.folder.root().join("SYNTHETIC.txt"), label).unwrap();
    let mut folding = Folding::default();
    let opened = open_and_fold(&writable.folder.journal(), |record| {
        folding.add(record.at, &record.event);
    });
    let mut journal = opened.unwrap().writer;
    let mut controller = folding.finish().unwrap().into_controller();
    let base = controller.base_case().unwrap().measurement.clone();
    let mut record = |controller: &mut Controller, events: Vec<Event>| {
        let now = Timestamp::now();
        let timed: Vec<_> = events.into_iter().map(|event| (now, event)).collect();
        journal.append(&timed).unwrap();
        for (_, event) in &timed {
            controller.apply(event).unwrap();
        }
    };
    record(&mut controller, vec![Event::RunResumed]);
    let mut ended = 0;
    while ended < count {
        loop {
            let free = WORKERS - controller.running_attempts().len();
            let decisions = controller.decide(free.min(count - ended));
            if decisions.is_empty() {
                break;
            }
            record(&mut controller, decisions);
        }
        let running: Vec<AttemptId> = controller.running_attempts().iter().copied().collect();
        assert!(!running.is_empty(), "only {ended} trials could be run");
        ended += running.len();
        let results = running.into_iter().flat_map(|attempt| {
            let outcome = Box::new(Outcome::from(varied(&base, ended, attempt)));
            [
                Event::ArtifactsSealed {
                    attempt,
                    index: ContentHash::of(attempt.to_string()),
                },
                Event::AttemptFinished {
                    attempt,
                    outcome,
                    usage: AttemptUsage::default(),
                    cache: None,
                },
            ]
        });
        record(&mut controller, results.collect());
    }
    let cause = StopCause::Person;
    record(&mut controller, vec![Event::StopRequested { cause }]);
}

/// A result like the base case's, and like no other.
fn varied(base: &Measurement, number: usize, attempt: AttemptId) -> Measurement {
    let mut measurement = base.clone();
    measurement.design.canonical = ContentHash::of(attempt.to_string());
    let shift = (number * 7919 % 1000) as f64 / 1000.0;
    if let Some(slack) = base.overall.get(Metric::SetupWns) {
        measurement.overall.insert(Metric::SetupWns, slack + shift);
    }
    measurement
}
