//! What is said of runs that go on, are interrupted, or ended early: every command says the same, and says it of what was measured.

mod support;

use std::fs;
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;
use support::{
    completes, edit, ends, engine_after, interrupt, noodle2, start, summary, template, text,
    wait_until,
};

/// What a command prints as JSON.
fn json(arguments: &[&str]) -> Value {
    let (stdout, _) = ends(0, &[arguments, &["--format", "json"]].concat());
    serde_json::from_str(&stdout).unwrap()
}

/// What a command prints for people.
fn shown(arguments: &[&str]) -> String {
    ends(0, arguments).0
}

/// A run of the sequential template whose budget of processor time is spent about half way.
fn stopped_half_way(folder: &Path) -> std::path::PathBuf {
    let study = template(folder, "sequential");
    let reference = folder.join("reference");
    completes(&study, &reference);
    let half = summary(&reference)["cpu_s"].as_f64().unwrap() / 2.0;
    edit(
        &study,
        "budget: {trials: 24}",
        &format!("budget: {{trials: 24, cpu_time_s: {half:.3}}}"),
    );
    let out = folder.join("run");
    ends(6, &["run", text(&study), "--out", text(&out), "-j", "1"]);
    out
}

#[test]
fn a_run_that_a_rail_ended_tells_its_best_case_and_what_never_ran() {
    let folder = tempfile::tempdir().unwrap();
    let out = stopped_half_way(folder.path());
    let summary = summary(&out);
    assert_eq!(summary["status"], "stopped");
    assert_ne!(summary["best"]["case"], "counter_0_0");
    let mut not_run = 0;
    for stage in summary["stages"].as_array().unwrap() {
        let count = |key: &str| stage[key].as_u64().unwrap();
        let status = stage["status"].as_str().unwrap();
        assert!(
            ["completed", "stopped", "not_started"].contains(&status),
            "{stage}"
        );
        assert_eq!(stage["ended_at"].is_null(), status == "not_started");
        assert_eq!(count("trials"), count("run") + count("not_run"));
        assert_eq!(count("discarded"), count("not_run"));
        not_run += count("not_run");
    }
    let total = |key: &str| summary[key].as_u64().unwrap();
    assert!(total("trials_run") > 0);
    assert_eq!(total("trials_total"), total("trials_run") + not_run);

    // Nothing that was measured is better.
    let run = text(&out);
    let all = json(&["lineage", run, "--all"]);
    let values = all["cases"].as_array().unwrap().iter();
    let best = values
        .filter_map(|case| case["value"].as_f64())
        .fold(f64::NEG_INFINITY, f64::max);
    assert_eq!(summary["best"]["metrics"]["setup_wns_ps"], best);

    // Every command says the same.
    assert_eq!(json(&["status", run]), summary);
    assert_eq!(json(&["report", run]), summary);
    let case = summary["best"]["case"].as_str().unwrap();
    let report = shown(&["report", run]);
    assert!(
        report.contains(&format!("best case: {case} by ")),
        "{report}"
    );
    assert!(report.contains("processor time is spent"), "{report}");
    let status = shown(&["status", run]);
    assert!(
        status.contains(": stopped") && !status.contains(" left"),
        "{status}"
    );
    let lineage = json(&["lineage", run]);
    let cases = lineage["cases"].as_array().unwrap();
    assert!(
        cases
            .iter()
            .any(|other| other["case"] == case && other["winning"] == true),
        "{lineage}"
    );
    for stage in summary["stages"].as_array().unwrap() {
        let name = stage["name"].as_str().unwrap();
        let view = json(&["show", run, name]);
        assert_eq!(view["status"], stage["status"]);
        let trials = view["trial_list"].as_array().unwrap();
        assert_eq!(trials.len() as u64, stage["trials"].as_u64().unwrap());
        let words = stage["status"].as_str().unwrap().replace('_', " ");
        let text = shown(&["show", run, name]);
        assert!(text.starts_with(&format!("{name}: {words}")), "{text}");
        for trial in trials {
            assert!(text.contains(trial["trial"].as_str().unwrap()), "{text}");
        }
    }
}

/// How a run and its first stage stand in the words of every command that tells it, and its third trial.
fn every_word_is(run: &str, status: &str, trial: &str) {
    for command in ["status", "report"] {
        let summary = json(&[command, run]);
        assert_eq!(summary["status"], status, "{command}");
        assert_eq!(summary["stages"][0]["status"], status, "{command}");
        let text = shown(&[command, run]);
        let first = text.lines().next().unwrap();
        assert!(first.contains(&format!(": {status}")), "{first}");
        assert_eq!(first.contains("can be resumed"), status == "interrupted");
        assert!(text.contains("best") && !text.contains("nothing"), "{text}");
    }
    let stage = json(&["show", run, "buffer"]);
    assert_eq!(stage["status"], status);
    assert_eq!(stage["trial_list"][2]["result"], trial);
    let text = shown(&["show", run, "buffer"]);
    assert!(text.starts_with(&format!("buffer: {status}")), "{text}");
    assert_eq!(json(&["show", run, "0_3"])["result"], trial);
    let text = shown(&["show", run, "0_3"]);
    assert!(text.contains(&format!(": {trial}")), "{text}");
}

#[test]
fn a_live_run_is_told_from_a_killed_and_from_an_interrupted_one() {
    let folder = tempfile::tempdir().unwrap();
    let study = template(folder.path(), "sequential");
    // Trial 0_3 lasts until it is let go, or for a minute.
    let go = folder.path().join("go");
    let hold = format!(
        "case $PWD in */counter_0_3/*) for i in $(seq 600); do [ -e {} ] && break; sleep 0.1; done ;; esac",
        text(&go)
    );
    engine_after(&study, &hold);
    let out = folder.path().join("run");
    let path = text(&out);
    let attempt_of_third = |number: u64| {
        move |records: &[Value]| {
            records.iter().any(|record| {
                let (event, attempt) = (&record["event"], &record["event"]["attempt"]);
                event["type"] == "attempt_started"
                    && attempt["trial"] == "0_3"
                    && attempt["number"] == number
            })
        }
    };

    let mut child = start(&["run", text(&study), "--out", path, "-j", "1"]);
    wait_until(&mut child, &out, attempt_of_third(1));
    every_word_is(path, "running", "running");
    child.kill().unwrap();
    child.wait().unwrap();
    every_word_is(path, "interrupted", "interrupted");

    let mut child = start(&["resume", path, "-j", "1"]);
    wait_until(&mut child, &out, attempt_of_third(2));
    every_word_is(path, "running", "running");
    // The system may hand over two signals as one, so the second waits until the first was heard.
    for wanted in ["stop_requested", "attempt_finished"] {
        interrupt(&child);
        wait_until(&mut child, &out, |records| {
            records.last().unwrap()["event"]["type"] == wanted
        });
    }
    assert_eq!(child.wait().unwrap().code(), Some(7));
    every_word_is(path, "interrupted", "waiting");
    assert_eq!(json(&["status", path]), summary(&out));

    fs::write(&go, "").unwrap();
    ends(0, &["resume", path, "-j", "1"]);
    assert_eq!(summary(&out)["status"], "completed");
}

/// Results that did not reach their reader are no success; the run folder has them all the same.
#[test]
fn a_stdout_that_is_full_is_an_error_and_a_reader_that_went_away_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let study = template(folder.path(), "sequential");
    let out = folder.path().join("run");
    let (study, run) = (text(&study), text(&out));
    let into = |arguments: &[&str], stdout: Stdio| {
        support::finish(noodle2().args(arguments).stdout(stdout).output().unwrap())
    };
    let full = || fs::File::options().write(true).open("/dev/full").unwrap();
    for arguments in [
        ["run", study, "--out", run].as_slice(),
        &["report", run],
        &["status", run, "--format", "json"],
        &["lineage", run],
        &["check", study],
        &["eco", "list"],
    ] {
        let (status, _, stderr) = into(arguments, full().into());
        assert_eq!(status, 6, "{arguments:?}: {stderr}");
        assert!(stderr.contains("N2-PRINT-001"), "{stderr}");
    }
    assert_eq!(summary(&out)["status"], "completed");
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let (status, _, stderr) = into(&["report", run], writer.into());
    assert_eq!((status, stderr.as_str()), (0, ""));
}
