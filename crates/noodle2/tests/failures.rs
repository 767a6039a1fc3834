//! Wrong inputs and broken machines: each a clear error with a code, nothing lost.

mod support;

use std::fs;
use std::path::Path;
use std::process::Command;

use support::{
    begin, completes, digest, edit, ends, engine_after, finish, interrupt, journal, noodle2, run,
    summary, template, text,
};

/// A fresh sequential study that `change` breaks: its run must end with this exit status and say this on
/// stdout, or where nothing was run on stderr.
fn broken(status: i32, says: &[&str], change: impl FnOnce(&Path)) {
    let folder = tempfile::tempdir().unwrap();
    let study = template(folder.path(), "sequential");
    change(study.parent().unwrap());
    let out = folder.path().join("run");
    let (stdout, stderr) = ends(status, &["run", text(&study), "--out", text(&out)]);
    let said = if out.join("journal.ndjson").exists() {
        stdout
    } else {
        stderr
    };
    for word in says {
        assert!(said.contains(word), "{said}");
    }
}

fn explicit_scene(study: &Path, liberty: &str) {
    edit(study, "  sdc: [constraints.sdc]\n", "");
    edit(
        study,
        "engine:",
        &format!(
            "scenes: [{{name: typical, sdc: [constraints.sdc], liberty: [{liberty}]}}]\nengine:"
        ),
    );
}

#[test]
fn a_missing_library_is_named_before_anything_runs() {
    broken(3, &["absent.lib", "N2-STUDY-"], |folder| {
        explicit_scene(&folder.join("study.yaml"), "absent.lib");
    });
}

#[test]
fn a_compressed_library_works_although_the_engine_cannot_read_it() {
    let folder = tempfile::tempdir().unwrap();
    let study = template(folder.path(), "sequential");
    let plain = folder.path().join("plain");
    completes(&study, &plain);
    let library = study.with_file_name("osu018.lib.gz");
    let packed = Command::new("gzip")
        .args(["-c", "/usr/share/qflow/tech/osu018/osu018_stdcells.lib"])
        .output()
        .unwrap();
    fs::write(&library, packed.stdout).unwrap();
    explicit_scene(&study, "osu018.lib.gz");
    let out = folder.path().join("packed");
    completes(&study, &out);
    assert_eq!(
        summary(&out)["base"]["metrics"],
        summary(&plain)["base"]["metrics"]
    );
    assert!(
        summary(&out)["base"]["metrics"]["setup_wns_ps"]
            .as_f64()
            .unwrap()
            < 0.0
    );
}

#[test]
fn an_unknown_cell_blocks_the_base_case() {
    broken(5, &["MYSTERYX1"], |folder| {
        let netlist = folder.join("counter.v");
        let content = fs::read_to_string(&netlist).unwrap();
        fs::write(&netlist, content.replacen("NAND2X1", "MYSTERYX1", 1)).unwrap();
    });
}

#[test]
fn a_wrong_top_blocks_the_base_case() {
    broken(5, &["cuonter"], |folder| {
        edit(&folder.join("study.yaml"), "top: counter", "top: cuonter")
    });
}

#[test]
fn a_clock_that_does_not_exist_blocks_the_base_case() {
    broken(5, &["clock"], |folder| {
        edit(
            &folder.join("constraints.sdc"),
            "[get_ports clk]",
            "[get_ports clock]",
        );
    });
}

#[test]
fn an_error_in_the_constraints_blocks_the_base_case() {
    broken(5, &["set_false_pth"], |folder| {
        let constraints = folder.join("constraints.sdc");
        let content = fs::read_to_string(&constraints).unwrap();
        fs::write(
            &constraints,
            content + "\nset_false_pth -from [get_ports reset]\n",
        )
        .unwrap();
    });
}

#[test]
fn a_wide_eco_is_illegal_in_a_narrow_domain_and_nothing_runs() {
    let folder = tempfile::tempdir().unwrap();
    let study = template(folder.path(), "sequential");
    edit(
        &study,
        "- name: pin_swap\n        parameters: {max_cells: [5, 50]}",
        "- name: restructure",
    );
    let out = folder.path().join("run");
    for arguments in [
        vec!["check", text(&study)],
        vec!["run", text(&study), "--out", text(&out)],
    ] {
        let (_, stderr) = ends(4, &arguments);
        assert!(
            stderr.contains("global_disruptive") && stderr.contains("N2-LEGAL-"),
            "{stderr}"
        );
    }
    assert!(!out.exists());
}

#[test]
fn every_problem_of_a_study_comes_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let study = template(folder.path(), "sequential");
    edit(&study, "name: upsize_critical", "name: upsise_critical");
    edit(&study, "after: buffer", "after: bufer");
    let (status, stdout, _) = run(&["check", text(&study), "--format", "json"]);
    assert_eq!(status, 3);
    let report: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    let text = report["problems"].to_string();
    assert!(
        text.contains("upsize_critical") && text.contains("`buffer`"),
        "{text}"
    );
}

#[test]
fn a_run_folder_in_use_and_a_folder_that_is_no_run_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let study = template(folder.path(), "sequential");
    let (_, stderr) = ends(2, &["run", text(&study), "--out", text(folder.path())]);
    assert!(stderr.contains("N2-STORE-004"), "{stderr}");
    let (_, stderr) = ends(2, &["status", text(folder.path())]);
    assert!(stderr.contains("N2-STORE-005"), "{stderr}");
}

/// The engine is killed by hand while it works: the trial is tried again, the digest stays.
#[test]
fn a_killed_engine_costs_an_attempt_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let study = template(folder.path(), "sequential");
    let reference = folder.path().join("reference");
    completes(&study, &reference);

    // An engine that kills itself the first time it is asked for trial 0_3.
    let flag = folder.path().join("killed");
    let kill = format!(
        "case $PWD in */counter_0_3/1) : > {} ; kill -9 $$ ;; esac",
        text(&flag)
    );
    engine_after(&study, &kill);
    let out = folder.path().join("run");
    completes(&study, &out);
    assert!(flag.exists(), "the engine was never killed");
    assert_eq!(summary(&out)["stages"][0]["failures"], 0);
    assert_eq!(
        summary(&out)["best"]["case"],
        summary(&reference)["best"]["case"]
    );
    assert_eq!(
        summary(&out)["best"]["metrics"],
        summary(&reference)["best"]["metrics"]
    );
    let retried = journal(&out)
        .iter()
        .filter(|record| record["event"]["type"] == "attempt_started")
        .filter(|record| record["event"]["attempt"]["number"] == 2)
        .count();
    assert_eq!(retried, 1);
}

#[test]
fn an_interrupt_finishes_what_runs_and_the_run_can_be_resumed() {
    let folder = tempfile::tempdir().unwrap();
    let study = template(folder.path(), "sequential");
    let reference = folder.path().join("reference");
    completes(&study, &reference);
    let out = folder.path().join("run");
    let mut child = begin(&study, &out);
    interrupt(&child);
    assert_eq!(child.wait().unwrap().code(), Some(7));
    assert_eq!(summary(&out)["status"], "interrupted");
    ends(0, &["resume", text(&out)]);
    assert_eq!(digest(&out), digest(&reference));
}

#[test]
fn two_interrupts_at_once_kill_what_runs_and_the_run_can_be_resumed() {
    let folder = tempfile::tempdir().unwrap();
    let study = template(folder.path(), "sequential");
    let reference = folder.path().join("reference");
    completes(&study, &reference);
    let out = folder.path().join("run");
    let mut child = begin(&study, &out);
    for _ in 0..2 {
        interrupt(&child);
    }
    assert_eq!(child.wait().unwrap().code(), Some(7));
    ends(0, &["resume", text(&out)]);
    assert_eq!(digest(&out), digest(&reference));
    let summary = summary(&out);
    assert!(summary["lower_bound_s"].as_f64() <= summary["makespan_s"].as_f64());
}

#[test]
fn a_changed_input_stops_a_resumption() {
    let folder = tempfile::tempdir().unwrap();
    let study = template(folder.path(), "sequential");
    let out = folder.path().join("run");
    let mut child = begin(&study, &out);
    child.kill().unwrap();
    child.wait().unwrap();
    edit(
        &study.with_file_name("constraints.sdc"),
        "-period 2.8",
        "-period 2.9",
    );
    let (_, stderr) = ends(3, &["resume", text(&out)]);
    assert!(
        stderr.contains("N2-RUN-004") && stderr.contains("constraints.sdc"),
        "{stderr}"
    );
}

#[test]
fn a_budget_of_wall_time_stops_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let study = template(folder.path(), "sequential");
    edit(
        &study,
        "budget: {trials: 24}",
        "budget: {trials: 24, wall_time_s: 0.05}",
    );
    let out = folder.path().join("run");
    let (stdout, _) = ends(6, &["run", text(&study), "--out", text(&out)]);
    assert!(stdout.contains("wall time"), "{stdout}");
    assert_eq!(summary(&out)["status"], "stopped");
}

#[test]
fn a_changed_artifact_is_found_by_verify() {
    let folder = tempfile::tempdir().unwrap();
    let study = template(folder.path(), "sequential");
    let out = folder.path().join("run");
    completes(&study, &out);
    assert_eq!(run(&["verify", text(&out)]).0, 0);
    let metrics = out.join("trials/counter_0_0/1/metrics.json");
    let content = fs::read_to_string(&metrics).unwrap();
    fs::write(&metrics, content.replacen('-', "", 1)).unwrap();
    let (status, stdout, _) = run(&["verify", text(&out)]);
    assert_eq!(status, 1);
    assert!(
        stdout.contains("metrics.json") && stdout.contains("N2-STORE-023"),
        "{stdout}"
    );
}

/// A full disk in the middle of a run: a clear word, and the run goes on when there is room.
#[test]
fn a_full_disk_interrupts_and_the_run_goes_on_when_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let study = template(folder.path(), "sequential");
    let reference = folder.path().join("reference");
    completes(&study, &reference);
    let disk = folder.path().join("disk");
    fs::create_dir(&disk).unwrap();
    let mount = |options: &str| {
        let arguments = ["-t", "tmpfs", "-o", options, "none", text(&disk)];
        Command::new("mount")
            .args(arguments)
            .status()
            .is_ok_and(|status| status.success())
    };
    if !mount("size=600k") {
        eprintln!("SKIPPED: a small file system cannot be mounted here");
        return;
    }
    let out = disk.join("run");
    let (status, _, stderr) = finish(
        noodle2()
            .args(["run", text(&study), "--out", text(&out), "-j", "2"])
            .output()
            .unwrap(),
    );
    let resumed = mount("remount,size=100m").then(|| run(&["resume", text(&out)]));
    let same = resumed
        .as_ref()
        .is_some_and(|resumed| resumed.0 == 0 && digest(&out) == digest(&reference));
    let unmounted = Command::new("umount").arg(&disk).status().unwrap();
    assert!(unmounted.success());
    assert_eq!(status, 7, "{stderr}");
    assert!(stderr.to_lowercase().contains("no space"), "{stderr}");
    assert!(same, "{resumed:?}");
}

#[test]
fn constraints_that_change_under_a_run_fail_what_would_read_them() {
    let folder = tempfile::tempdir().unwrap();
    let study = template(folder.path(), "sequential");
    let out = folder.path().join("run");
    let mut child = begin(&study, &out);
    edit(
        &study.with_file_name("constraints.sdc"),
        "-period 2.8",
        "-period 2.9",
    );
    child.wait().unwrap();
    let failures = summary(&out)["failures"].to_string();
    assert!(failures.contains("constraints.sdc"), "{failures}");
}
