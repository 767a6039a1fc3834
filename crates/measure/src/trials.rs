//! Trials that end at once: what deciding, journalling and folding cost.

use std::path::Path;
use std::time::Instant;

use jiff::Timestamp;
use noodle2_control::Controller;
use noodle2_model::{
    AttemptId, AttemptUsage, ContentHash, Event, Measurement, Metric, Outcome, StopCause,
};
use noodle2_store::{RunFolder, open_and_fold, write_atomic};
use noodle2_view::Folding;
use serde_json::{Value, json};

use crate::MeasureError;

/// Gives `count` trials of an interrupted run results that no engine measured, `ready` of them at once.
pub(crate) fn measure(run: &Path, count: usize, ready: usize) -> Result<Value, MeasureError> {
    let writable = RunFolder::open_for_writing(run)?;
    let label = "Results of this run were made up to measure what the control plane costs. No engine measured them.\n";
    write_atomic(&writable.folder.root().join("SYNTHETIC.txt"), label)?;
    let mut folding = Folding::default();
    let opened = open_and_fold(&writable.folder.journal(), |record| {
        folding.add(record.at, &record.event);
    })?;
    let mut journal = opened.writer;
    let history = folding
        .finish()
        .map_err(|(position, error)| MeasureError::Replay(position + 1, error))?;
    let mut controller = history.into_controller();
    let base = controller.base_case().ok_or(MeasureError::NoBase)?;
    let base = base.measurement.clone();
    let mut made = Made::default();
    let mut record = |controller: &mut Controller, events: Vec<Event>| {
        let now = Timestamp::now();
        made.events += events.len();
        made.groups += 1;
        let timed: Vec<_> = events.into_iter().map(|event| (now, event)).collect();
        journal.append(&timed)?;
        for (_, event) in &timed {
            controller.apply(event)?;
        }
        Ok::<(), MeasureError>(())
    };
    let (began, cpu) = (Instant::now(), cpu_s());
    record(&mut controller, vec![Event::RunResumed])?;
    let mut ended = 0;
    let mut proposing_s = 0.0;
    while ended < count {
        loop {
            let free = ready - controller.running_attempts().len();
            let deciding = Instant::now();
            let decisions = controller.decide(free.min(count - ended));
            if decisions.is_empty() {
                break;
            }
            let is_opening = matches!(decisions[0], Event::StageStarted { .. });
            record(&mut controller, decisions)?;
            if is_opening {
                proposing_s += deciding.elapsed().as_secs_f64();
            }
        }
        let running: Vec<AttemptId> = controller.running_attempts().iter().copied().collect();
        if running.is_empty() {
            break;
        }
        ended += running.len();
        let results = running.into_iter().flat_map(|attempt| {
            let outcome = Box::new(Outcome::from(varied(&base, ended, attempt)));
            let usage = AttemptUsage::default();
            let index = ContentHash::of(attempt.to_string());
            [
                Event::ArtifactsSealed { attempt, index },
                Event::AttemptFinished {
                    attempt,
                    outcome,
                    usage,
                    cache: None,
                },
            ]
        });
        record(&mut controller, results.collect())?;
    }
    let cause = StopCause::Person;
    record(&mut controller, vec![Event::StopRequested { cause }])?;
    let (wall, cpu) = (began.elapsed().as_secs_f64(), cpu_s() - cpu);
    Ok(json!({
        "trials": ended,
        "ready_at_once": ready,
        "events": made.events,
        "syncs": made.groups,
        "wall_s": wall,
        "cpu_s": cpu,
        "of_which_proposing_s": proposing_s,
        "cpu_us_per_trial": cpu * 1e6 / ended.max(1) as f64,
        "trials_per_s": ended as f64 / wall,
        "events_per_s": made.events as f64 / wall,
        "peak_memory_mib": peak_memory_mib(),
    }))
}

#[derive(Default)]
struct Made {
    events: usize,
    groups: usize,
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

/// Processor seconds of this process so far.
pub(crate) fn cpu_s() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// The most memory that this process held, as the kernel tells it.
pub(crate) fn peak_memory_mib() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib / 1024.0)
}
