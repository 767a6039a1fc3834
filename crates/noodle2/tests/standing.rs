//! What is said of runs that ended early: every command says the same, and says it of what was measured.

mod support;

use std::path::Path;

use serde_json::Value;
use support::{edit, run, summary, template, text};

/// What a command prints as JSON.
fn json(arguments: &[&str]) -> Value {
    let (status, stdout, stderr) = run(&[arguments, &["--format", "json"]].concat());
    assert_eq!(status, 0, "{stderr}");
    serde_json::from_str(&stdout).unwrap()
}

/// What a command prints for people.
fn shown(arguments: &[&str]) -> String {
    let (status, stdout, stderr) = run(arguments);
    assert_eq!(status, 0, "{stderr}");
    stdout
}

/// A run of the sequential template whose budget of processor time is spent about half way.
fn stopped_half_way(folder: &Path) -> std::path::PathBuf {
    let study = template(folder, "sequential");
    let reference = folder.join("reference");
    let (status, _, stderr) = run(&["run", text(&study), "--out", text(&reference), "-j", "1"]);
    assert_eq!(status, 0, "{stderr}");
    let half = summary(&reference)["cpu_s"].as_f64().unwrap() / 2.0;
    edit(
        &study,
        "budget: {trials: 24}",
        &format!("budget: {{trials: 24, cpu_time_s: {half:.3}}}"),
    );
    let out = folder.join("run");
    let (status, _, stderr) = run(&["run", text(&study), "--out", text(&out), "-j", "1"]);
    assert_eq!(status, 6, "{stderr}");
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
