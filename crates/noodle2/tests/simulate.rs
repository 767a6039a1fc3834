//! `noodle2 simulate`: what it prints, what it refuses, and that it leaves nothing behind.

mod support;

use std::fs;
use std::path::Path;

use serde_json::Value;
use support::{completes, ends, template, text};

fn simulated(arguments: &[&str]) -> Value {
    let arguments = [&["simulate"], arguments, &["--format", "json"]].concat();
    let (stdout, _) = ends(0, &arguments);
    serde_json::from_str(&stdout).unwrap()
}

fn entries(folder: &Path) -> usize {
    fs::read_dir(folder).unwrap().count()
}

#[test]
fn a_template_is_simulated_and_nothing_is_left() {
    let parent = tempfile::tempdir().unwrap();
    let study = template(parent.path(), "branching");
    let before = entries(study.parent().unwrap());
    let (told, _) = ends(
        0,
        &["simulate", text(&study), "--workers", "2,8", "--barrier"],
    );
    assert!(
        told.starts_with("SIMULATED: study `counter-branching`"),
        "{told}"
    );
    assert!(
        told.contains("assumed: every attempt takes 1 s, since no `--durations` says otherwise")
    );
    for title in [
        "makespan",
        "lower bound",
        "ratio",
        "utilisation",
        "CPU hours",
        "with a barrier",
    ] {
        assert!(told.contains(title), "{title}: {told}");
    }
    assert_eq!(entries(study.parent().unwrap()), before);
    let page = simulated(&[text(&study), "-j", "1,32"]);
    assert_eq!(page["simulated"], true);
    let [alone, many] = &page["runs"].as_array().unwrap()[..] else {
        panic!("{page}")
    };
    // 32 trials, the base case and its re-run, and seven survivors that are confirmed.
    let started = alone["attempts"]["started"].as_f64().unwrap();
    assert_eq!(alone["makespan_s"].as_f64(), Some(started));
    assert_eq!(alone["trials"]["proposed"], 32);
    // Base, re-run, then three stages one after the other, each a trial and a confirmation.
    assert_eq!(many["makespan_s"].as_f64(), Some(8.0));
    assert_eq!(many["ratio"].as_f64(), Some(1.0));
    assert_eq!(
        simulated(&[text(&study), "-j", "1,32"]),
        page,
        "twice the same"
    );
}

#[test]
fn the_durations_of_a_run_are_drawn_again() {
    let parent = tempfile::tempdir().unwrap();
    let study = template(parent.path(), "branching");
    let out = parent.path().join("run");
    completes(&study, &out);
    let page = simulated(&[text(&study), "-j", "1,4", "--durations", text(&out)]);
    let assumed = page["assumed"][0].as_str().unwrap();
    assert!(
        assumed.contains("took in the run, drawn again"),
        "{assumed}"
    );
    let run = &page["runs"][0];
    assert!(run["cpu_hours"].as_f64().unwrap() > 0.0);
    assert!(run["peak_memory_bytes"].as_u64().unwrap() > 1 << 20);
    // A folder that is no run has a message of its own.
    let (_, told) = ends(
        2,
        &["simulate", text(&study), "--durations", text(parent.path())],
    );
    assert!(told.contains("N2-STORE"), "{told}");
}

#[test]
fn wrong_options_are_told_all_at_once() {
    let parent = tempfile::tempdir().unwrap();
    let study = template(parent.path(), "sequential");
    let refused = |arguments: &[&str]| {
        let arguments = [&["simulate", text(&study)], arguments].concat();
        ends(2, &arguments).1
    };
    for (option, value, code) in [
        ("--workers", "0", "N2-SIM-001"),
        ("--workers", "4,x", "N2-SIM-001"),
        ("--workers", "", "N2-SIM-001"),
        ("--durations", "normal:3", "N2-SIM-002"),
        ("--durations", "uniform:4..1", "N2-SIM-002"),
        ("--faults", "crash=2", "N2-SIM-003"),
        ("--faults", "flood=0.1", "N2-SIM-003"),
    ] {
        let told = refused(&[option, value]);
        assert!(told.contains(code), "{option} {value}: {told}");
    }
    let told = refused(&["-j", "0", "--durations", "x", "--faults", "y"]);
    for code in ["N2-SIM-000", "N2-SIM-001", "N2-SIM-002", "N2-SIM-003"] {
        assert!(told.contains(code), "{code}: {told}");
    }
}

/// The scheduler's promise: on fourteen stages of uneven branches no schedule is much shorter, whatever the number of
/// workers.
#[test]
fn makespans_of_fourteen_stages_are_near_their_bound() {
    let parent = tempfile::tempdir().unwrap();
    let study = template(parent.path(), "uneven");
    let workers = [1, 7, 27, 54, 64];
    let named: Vec<String> = workers.iter().map(ToString::to_string).collect();
    let page = simulated(&[text(&study), "-j", &named.join(",")]);
    assert_eq!(page["stages"], 14);
    let runs = page["runs"].as_array().unwrap();
    assert_eq!(runs.len(), workers.len());
    for run in runs {
        let ratio = run["ratio"].as_f64().unwrap();
        assert!(
            (1.0..=1.05).contains(&ratio),
            "{} workers: {ratio}",
            run["workers"]
        );
        assert_eq!(run["status"], "completed");
    }
    // Durations that differ leave some workers idle at the end of stages that all others wait for.
    let spread = simulated(&[
        text(&study),
        "-j",
        "16",
        "--durations",
        "lognormal:1,0.5",
        "--barrier",
    ]);
    let run = &spread["runs"][0];
    assert!(run["ratio"].as_f64().unwrap() <= 1.05, "{run}");
    assert!(run["barrier_makespan_s"].as_f64() > run["makespan_s"].as_f64());
}
