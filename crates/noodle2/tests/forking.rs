//! Attempts that are forked from loaded engines: the same results as engines started anew, whatever happens to the
//! engines, and a loud failure where they are not the same.

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde_json::Value;
use support::{
    PATIENCE, digest, edit, journal, run, shared, start, summary, template, text, two_faced,
    wait_for_records,
};

/// Runs a study to its end with these further words; returns what it said.
fn complete(study: &Path, out: &Path, words: &[&str]) -> String {
    let mut arguments = vec!["run", text(study), "--out", text(out), "--quiet"];
    arguments.extend(words);
    let (status, _, stderr) = run(&arguments);
    assert_eq!(status, 0, "{stderr}");
    stderr
}

/// The provenance of every attempt of a run, with its folder.
fn attempts(out: &Path) -> Vec<(PathBuf, Value)> {
    let folders = |path: &Path| {
        let entries = fs::read_dir(path)
            .unwrap()
            .map(|entry| entry.unwrap().path());
        entries.filter(|path| path.is_dir()).collect::<Vec<_>>()
    };
    folders(&out.join("trials"))
        .iter()
        .flat_map(|trial| folders(trial))
        .filter_map(|attempt| {
            let bytes = fs::read(attempt.join("provenance.json")).ok()?;
            Some((attempt, serde_json::from_slice(&bytes).unwrap()))
        })
        .collect()
}

/// The commands of all attempts, as `(was forked, is an audit)`; those of the base case's re-run left out, which
/// always starts its engine anew.
fn commands(out: &Path) -> Vec<(bool, bool)> {
    let of = |(_, provenance): (PathBuf, Value)| {
        let commands = provenance["commands"].as_array().unwrap().clone();
        commands.into_iter().map(|command| {
            let folder = command["folder"].as_str().unwrap().to_owned();
            (command["forked"] == true, folder.ends_with("/audit"))
        })
    };
    let attempts = attempts(out).into_iter();
    attempts
        .filter(|(folder, _)| !folder.ends_with("counter_0_0/2"))
        .flat_map(of)
        .collect()
}

/// The ids of processes of `sta` that work below a folder.
fn engines_below(folder: &Path) -> Vec<String> {
    let Ok(folder) = folder.canonicalize() else {
        return Vec::new();
    };
    let is_engine = |process: &Path| {
        let name = fs::read_to_string(process.join("comm"));
        let place = fs::read_link(process.join("cwd"));
        name.is_ok_and(|name| name.trim() == "sta")
            && place.is_ok_and(|place| place.starts_with(&folder))
    };
    let entries = fs::read_dir("/proc").unwrap().flatten();
    entries
        .filter(|entry| is_engine(&entry.path()))
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect()
}

#[test]
fn forks_give_what_engines_started_anew_give() {
    let folder = tempfile::tempdir().unwrap();
    let study = template(folder.path(), "branching");
    let place = |name: &str| folder.path().join(name);
    complete(&study, &place("cold"), &["--engine-mode", "cold"]);
    complete(
        &study,
        &place("warm"),
        &["--engine-mode", "warm", "-j", "3"],
    );
    edit(&study, "{kind: opensta}", "{kind: opensta, audit: 1}");
    let said = complete(&study, &place("audited"), &["--engine-mode", "warm"]);
    assert!(!said.contains("N2-RUN-019"), "{said}");
    assert!(commands(&place("cold")).iter().all(|(forked, _)| !forked));
    // Each trial alone, and all that is made twice is made alike.
    let warm = commands(&place("warm"));
    assert!(
        warm.iter().all(|(forked, audit)| *forked != *audit),
        "{warm:?}"
    );
    let audited = commands(&place("audited"));
    let audits = audited.iter().filter(|(_, audit)| *audit).count();
    assert_eq!((audits * 2, audits > 20), (audited.len(), true));
    assert_eq!(digest(&place("cold")), digest(&place("warm")));
    // The share is the study's, and is in its hash; the results are the same.
    let best = |name: &str| summary(&place(name))["best"].clone();
    assert_eq!(best("cold"), best("audited"));
    for name in ["cold", "warm", "audited"] {
        let (status, stdout, _) = run(&["verify", text(&place(name)), "--format", "json"]);
        assert_eq!(status, 0, "{stdout}");
        assert!(!place(name).join("engines").exists());
    }
}

#[test]
fn what_a_fork_counts_again_is_what_is_counted_anew() {
    let Some(shared) = shared() else { return };
    let folder = tempfile::tempdir().unwrap();
    let study = folder.path().join("uart.yaml");
    let design = shared.join("designs/uart.nangate45");
    let content = format!(
        "name: uart\nsafety_domain: sandbox\ndesign:\n  case_name: uart\n  top: uart\n  netlists: [{0}/netlist.v]\n  \
         platform: nangate45\n  platform_root: {1}\n  unconstrained_endpoints: 1000\n\
         scenes: [{{name: typical, sdc: [{0}/constraints.sdc]}}]\nengine: {{kind: opensta, audit: 1}}\n\
         objective: {{rank: [setup_wns_ps]}}\nstages:\n  - name: repair\n    trials: 4\n    ecos:\n      - name: fix_slew_cap\n        \
         parameters: {{method: resize, max_drivers: [1, 2, 5, 200]}}\n",
        text(&design),
        text(&shared.join("pdk/nangate45")),
    );
    fs::write(&study, content).unwrap();
    let out = folder.path().join("run");
    let said = complete(&study, &out, &["--engine-mode", "warm"]);
    assert!(!said.contains("N2-RUN-019"), "{said}");
    let violations: BTreeSet<String> = attempts(&out)
        .iter()
        .filter_map(|(folder, _)| fs::read_to_string(folder.join("metrics.json")).ok())
        .map(|metrics| {
            let metrics: Value = serde_json::from_str(&metrics).unwrap();
            metrics["overall"]["max_capacitance_violations"].to_string()
        })
        .collect();
    // The base case has some, and they are repaired one after the other.
    assert!(violations.len() > 2, "{violations:?}");
}

#[test]
fn a_fork_that_differs_is_a_loud_failure_and_ends_all_forking() {
    let folder = tempfile::tempdir().unwrap();
    let study = two_faced(folder.path(), "buffer");
    let out = folder.path().join("run");
    let said = complete(&study, &out, &["--engine-mode", "warm", "-j", "1"]);
    assert!(said.contains("N2-RUN-019"), "{said}");
    let failures: Vec<String> = journal(&out)
        .iter()
        .filter_map(|record| {
            record["event"]["outcome"]["failed"]["message"]
                .as_str()
                .map(str::to_owned)
        })
        .filter(|message| message.contains("a fork of the engine gave another result"))
        .collect();
    assert_eq!(failures.len(), 1, "{failures:?}");
    let commands = commands(&out);
    let forked = commands.iter().filter(|(forked, _)| *forked).count();
    assert!(forked >= 1 && commands.len() > 2 * forked, "{commands:?}");
}

#[test]
fn nothing_is_known_of_forks_once_one_of_them_differed() {
    let folder = tempfile::tempdir().unwrap();
    let study = two_faced(folder.path(), "resize");
    let store = folder.path().join("cache");
    let run_to = |name: &str, mode: &str| {
        let out = folder.path().join(name);
        let words = ["-j", "1", "--cache", text(&store), "--engine-mode", mode];
        (complete(&study, &out, &words), journal(&out))
    };
    let (said, _) = run_to("first", "warm");
    assert!(said.contains("N2-RUN-019"), "{said}");
    let (_, second) = run_to("second", "cold");
    let known: Vec<&str> = second
        .iter()
        .filter(|record| record["event"]["cache"]["hit"].is_object())
        .map(|record| record["event"]["attempt"]["trial"].as_str().unwrap())
        .collect();
    // All trials of the first stage were forks, and equal to what was made anew.
    assert!(!known.is_empty(), "what was made anew after it is known");
    assert!(
        known.iter().all(|trial| trial.starts_with("1_")),
        "{known:?}"
    );
}

#[test]
fn engines_that_are_killed_in_the_midst_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let study = template(folder.path(), "branching");
    let place = |name: &str| folder.path().join(name);
    complete(&study, &place("whole"), &[]);
    let out = place("hurt");
    let mut child = start(&[
        "run",
        text(&study),
        "--out",
        text(&out),
        "-j",
        "2",
        "--quiet",
    ]);
    for records in [6, 14, 22, 30, 38] {
        wait_for_records(&mut child, &out, records);
        for pid in engines_below(&out.join("engines")) {
            let _ = std::process::Command::new("kill")
                .args(["-KILL", &pid])
                .status();
        }
    }
    let ending = child.wait().unwrap();
    assert!(ending.success(), "{ending}");
    assert_eq!(digest(&out), digest(&place("whole")));
}

#[test]
fn nothing_is_left_of_a_run_whose_controller_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let study = template(folder.path(), "branching");
    let out = folder.path().join("run");
    let mut child = start(&[
        "run",
        text(&study),
        "--out",
        text(&out),
        "-j",
        "2",
        "--quiet",
    ]);
    wait_for_records(&mut child, &out, 12);
    child.kill().unwrap();
    child.wait().unwrap();
    let deadline = Instant::now() + PATIENCE;
    while !engines_below(&out).is_empty() {
        assert!(Instant::now() < deadline, "engines outlive the run");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let (status, _, stderr) = run(&["resume", text(&out), "--quiet"]);
    assert_eq!(status, 0, "{stderr}");
    assert!(!out.join("engines").exists());
    let (status, stdout, _) = run(&["verify", text(&out)]);
    assert_eq!(status, 0, "{stdout}");
}

#[test]
fn an_engine_that_cannot_be_forked_is_started_anew_and_refused_where_forks_are_wanted() {
    let folder = tempfile::tempdir().unwrap();
    let study = template(folder.path(), "sequential");
    // Tclx is found through this folder alone, and the engine's own environment is fixed.
    support::engine_after(
        &study,
        "case \"$*\" in *probe.tcl*) sed -i 's/Tclx/NoTclx/' probe.tcl;; esac",
    );
    let place = |name: &str| folder.path().join(name);
    complete(&study, &place("auto"), &[]);
    assert!(commands(&place("auto")).iter().all(|(forked, _)| !forked));
    let out = place("warm");
    let (status, _, stderr) = run(&[
        "run",
        text(&study),
        "--out",
        text(&out),
        "--engine-mode",
        "warm",
    ]);
    assert_eq!(status, 2, "{stderr}");
    assert!(stderr.contains("N2-RUN-020"), "{stderr}");
    let (status, _, stderr) = run(&["resume", text(&out), "--quiet"]);
    assert_eq!(status, 0, "{stderr}");
}
