//! What the memory of attempts holds back, in real runs.

mod support;

use std::fs;
use std::path::Path;

use serde_json::Value;
use support::{completes, ends, template, text};

/// The most attempts that ran at once, by a run's journal; those of the base case left out.
fn most_at_once(run: &Path) -> usize {
    let journal = fs::read_to_string(run.join("journal.ndjson")).unwrap();
    let (mut running, mut most) = (0_usize, 0);
    for line in journal.lines() {
        let record: Value = serde_json::from_str(line).unwrap();
        let event = &record["event"];
        match event["type"].as_str().unwrap() {
            "attempt_started" | "confirmation_started" | "repeat_started" => running += 1,
            "attempt_finished" => running -= 1,
            _ => {}
        }
        most = most.max(running);
    }
    most
}

/// The worker of each attempt that ended, as a run's journal tells it.
fn workers(run: &Path) -> Vec<Option<u64>> {
    let journal = fs::read_to_string(run.join("journal.ndjson")).unwrap();
    let records = journal
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    let events = records.map(|record: Value| record["event"].clone());
    let ended = events.filter(|event| event["type"] == "attempt_finished");
    ended
        .map(|event| event["usage"]["worker"].as_u64())
        .collect()
}

fn digest(run: &Path) -> Value {
    let summary = fs::read_to_string(run.join("summary.json")).unwrap();
    serde_json::from_str::<Value>(&summary).unwrap()["digest"].clone()
}

/// An engine holds more than a MiB, so nothing fits: attempts run one at a time, it is said, and nothing else changes.
#[test]
fn what_fits_nowhere_runs_alone_and_gives_the_same() {
    let parent = tempfile::tempdir().unwrap();
    let study = template(parent.path(), "branching");
    let (free, tight) = (parent.path().join("free"), parent.path().join("tight"));
    completes(&study, &free);
    let tightly = [
        "run",
        text(&study),
        "--out",
        text(&tight),
        "-j",
        "4",
        "--memory-mib",
        "1",
    ];
    let (_, told) = ends(0, &tightly);
    assert_eq!(told.matches("N2-RUN-021").count(), 1, "{told}");
    assert_eq!(most_at_once(&tight), 1);
    assert_eq!(digest(&tight), digest(&free));
    ends(0, &["verify", text(&tight)]);
    // With room for all of them four run at once, and nothing is said.
    let wide = parent.path().join("wide");
    let widely = [
        "run",
        text(&study),
        "--out",
        text(&wide),
        "-j",
        "4",
        "--memory-mib",
        "4096",
    ];
    let (_, told) = ends(0, &widely);
    assert!(!told.contains("N2-RUN-021"), "{told}");
    assert_eq!(most_at_once(&wide), 4);
    let named = workers(&wide);
    let is_one_of_four = |worker: &Option<u64>| worker.is_some_and(|worker| worker < 4);
    assert!(
        !named.is_empty() && named.iter().all(is_one_of_four),
        "{named:?}"
    );
    assert_eq!(digest(&wide), digest(&free));
}
