//! One study, one digest: whatever the workers, and however often the run is killed.

mod support;

use std::path::Path;

use support::{digest, journal, run, start, summary, template, text, wait_for_records};

#[test]
fn workers_and_kills_do_not_change_the_digest() {
    let folder = tempfile::tempdir().unwrap();
    let study = template(folder.path(), "branching");
    let reference = folder.path().join("w1");
    let (status, _, stderr) = run(&["run", text(&study), "--out", text(&reference), "-j", "1"]);
    assert_eq!(status, 0, "{stderr}");
    for workers in ["2", "8"] {
        let out = folder.path().join(format!("w{workers}"));
        let (status, _, stderr) = run(&["run", text(&study), "--out", text(&out), "-j", workers]);
        assert_eq!(status, 0, "{stderr}");
        assert_eq!(digest(&out), digest(&reference), "{workers} workers");
    }
    let killed = folder.path().join("killed");
    killed_five_times(&study, &killed);
    assert_eq!(digest(&killed), digest(&reference));
    assert_eq!(summary(&killed)["status"], "completed");
    for out in [&reference, &killed] {
        let (status, stdout, _) = run(&["verify", text(out), "--format", "json"]);
        assert_eq!(status, 0, "{stdout}");
    }
}

/// Where the kills fall is decided by the process id: another place each time the test runs.
fn killed_five_times(study: &Path, out: &Path) {
    let mut chance = u64::from(std::process::id());
    let mut child = start(&["run", text(study), "--out", text(out), "-j", "3", "--quiet"]);
    for _ in 0..5 {
        chance = chance
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let ahead = 2 + (chance >> 33) as usize % 12;
        let target = journal(out).len() + ahead;
        wait_for_records(&mut child, out, target.max(3));
        child.kill().unwrap();
        child.wait().unwrap();
        child = start(&["resume", text(out), "-j", "3", "--quiet"]);
    }
    let ending = child.wait().unwrap();
    assert!(ending.success(), "the last resume ended with {ending}");
    no_finished_trial_ran_twice(out);
}

fn no_finished_trial_ran_twice(out: &Path) {
    let mut ended = std::collections::BTreeSet::new();
    for record in journal(out) {
        let event = &record["event"];
        let attempt = event["attempt"].clone();
        match event["type"].as_str() {
            Some("attempt_started") => {
                assert!(
                    !ended.contains(&attempt["trial"].to_string()),
                    "trial {} ran again after it had ended",
                    attempt["trial"]
                );
            }
            Some("attempt_finished") if event["outcome"]["failed"].is_null() => {
                ended.insert(attempt["trial"].to_string());
            }
            _ => {}
        }
    }
    assert!(ended.len() > 10);
}

#[test]
fn both_branches_have_trials_running_at_the_same_instant() {
    let folder = tempfile::tempdir().unwrap();
    let study = template(folder.path(), "branching");
    let out = folder.path().join("run");
    let (status, _, stderr) = run(&["run", text(&study), "--out", text(&out), "-j", "2"]);
    assert_eq!(status, 0, "{stderr}");
    let mut running = std::collections::BTreeSet::new();
    let mut overlapped = false;
    for record in journal(&out) {
        let event = &record["event"];
        let trial = event["attempt"]["trial"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        match event["type"].as_str() {
            Some("attempt_started") => drop(running.insert(trial)),
            Some("attempt_finished") => drop(running.remove(&trial)),
            _ => continue,
        }
        let of = |stage: &str| running.iter().any(|trial| trial.starts_with(stage));
        overlapped |= of("1_") && of("2_");
    }
    assert!(overlapped, "stages 1 and 2 never ran at the same instant");
    assert!(summary(&out)["peak_concurrent_stages"].as_u64().unwrap() >= 2);
}
