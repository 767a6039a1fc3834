//! The demo keeps what the README promises of it.

mod support;

use std::collections::BTreeSet;
use std::path::Path;

use support::{journal, run, summary, text};

#[test]
#[allow(clippy::print_stderr, reason = "a skipped test says so out loud")]
fn the_demo_improves_timing_with_both_branches_running_at_once() {
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/branching");
    if !demo.join("build/netlist.v").is_file() {
        eprintln!("SKIPPED: the demo is not synthesised; `make netlist` does it");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    let study = demo.join("study.yaml");
    let (status, _, stderr) = run(&["run", text(&study), "--out", text(&out), "-j", "2"]);
    assert_eq!(status, 0, "{stderr}");
    let summary = summary(&out);
    assert!(summary["trials_total"].as_u64().unwrap() >= 80);

    let percent = |metric: &str| summary["deltas"][metric]["gain_percent"].as_f64().unwrap();
    assert!(percent("setup_wns_ps") >= 15.0);
    assert!(percent("setup_tns_ps") > 0.0);
    assert!(percent("setup_violating_endpoints") > 0.0);
    assert!(percent("area_um2") >= -5.0);
    assert!(summary["best"]["metrics"]["hold_ws_ps"].as_f64().unwrap() >= 0.0);
    let chain: BTreeSet<&str> = summary["winning_chain"]
        .as_array()
        .unwrap()
        .iter()
        .map(|eco| eco.as_str().unwrap())
        .collect();
    assert!(chain.len() >= 2, "{chain:?}");

    let stage = |name: &str| {
        let stages = summary["stages"].as_array().unwrap();
        let found = stages.iter().find(|stage| stage["name"] == name).unwrap();
        format!("{}_", found["index"])
    };
    let timing = [stage("timing_fanout"), stage("timing_drive")];
    let lean = [stage("lean_slew"), stage("lean_area")];
    let mut running: BTreeSet<String> = BTreeSet::new();
    let mut overlapped = false;
    for record in journal(&out) {
        let event = &record["event"];
        let trial = event["attempt"]["trial"].as_str().unwrap_or_default();
        match event["type"].as_str() {
            Some("attempt_started") => drop(running.insert(trial.to_owned())),
            Some("attempt_finished") => drop(running.remove(trial)),
            _ => continue,
        }
        let of = |branch: &[String]| {
            let mut stages = branch.iter();
            stages.any(|stage| running.iter().any(|trial| trial.starts_with(stage)))
        };
        overlapped |= of(&timing) && of(&lean);
    }
    assert!(overlapped, "the branches never ran at the same instant");
}
