//! Scripts that write where only the controller may, and runs that have ended.

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use support::{completes, edit, ends, journal, summary, template, text};

/// A sequential study whose first stage also tries an ECO with this Tcl. `$journal` is the run's journal.
fn with_script(folder: &Path, tcl: &str) -> PathBuf {
    let study = template(folder, "sequential");
    let eco = folder.join("ecos/astray");
    fs::create_dir_all(&eco).unwrap();
    let manifest = "name: astray\nversion: 1\nclass: topology_neutral\nengines: [opensta]\ndescription: Mine.\n\
                    changes_connectivity: false\nimplementation: {tcl: eco.tcl}\n";
    fs::write(eco.join("eco.yaml"), manifest).unwrap();
    let tcl = format!("set journal [file normalize ../../../journal.ndjson]\n{tcl}\n");
    fs::write(eco.join("eco.tcl"), tcl).unwrap();
    edit(&study, "stages:\n", "eco_path: [../ecos]\nstages:\n");
    edit(
        &study,
        "    ecos:\n      - name: buffer_fanout",
        "    ecos:\n      - name: astray\n      - name: buffer_fanout",
    );
    study
}

#[test]
fn a_script_that_writes_into_the_journal_harms_nothing_and_is_told() {
    let append = "set file [open $journal a]; puts $file {hello}; close $file";
    let empty = "close [open $journal w]";
    let replace = "file delete $journal; set file [open $journal w]; puts $file other; close $file";
    let remove = "file delete $journal";
    let mut unharmed = None;
    for (tcl, is_foreign) in [
        ("", false),
        (append, true),
        (empty, false),
        (replace, true),
        (remove, false),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let study = with_script(folder.path(), tcl);
        let out = folder.path().join("run");
        let (stdout, stderr) = ends(0, &["run", text(&study), "--out", text(&out), "-j", "1"]);
        let mended = summary(&out)["journal_mended"].as_array().unwrap().len();
        let has_event = journal(&out)
            .iter()
            .any(|record| record["event"]["type"] == "journal_mended");
        if tcl.is_empty() {
            assert_eq!((mended, has_event), (0, false));
            unharmed = Some(found(&out));
            ends(0, &["verify", text(&out)]);
            continue;
        }
        assert!(mended > 0 && has_event, "{tcl}");
        assert!(stderr.contains("warning: N2-STORE-032"), "{tcl}: {stderr}");
        assert!(stdout.contains("Intrusions"), "{tcl}: {stdout}");
        let status = if is_foreign { 1 } else { 0 };
        let (verified, _) = ends(status, &["verify", text(&out)]);
        assert_eq!(
            verified.contains("N2-STORE-032 journal.foreign-"),
            is_foreign,
            "{verified}"
        );
        // Nothing more is left to do, and nothing was lost.
        ends(0, &["resume", text(&out)]);
        assert_eq!(Some(found(&out)), unharmed, "{tcl}");
    }
}

/// What the stages of a run passed on.
fn found(out: &Path) -> Vec<Value> {
    let stages = summary(out)["stages"].as_array().unwrap().clone();
    stages
        .iter()
        .map(|stage| stage["survivors"].clone())
        .collect()
}

#[test]
fn who_would_go_on_with_an_ended_run_hears_how_it_ended_and_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let study = template(folder.path(), "sequential");
    let resume = |name: &str, status: i32, words: &[&str]| {
        let out = folder.path().join(name);
        let (_, stderr) = ends(status, &["resume", text(&out)]);
        for word in words {
            assert!(stderr.contains(word), "{name}: `{word}` is not in {stderr}");
        }
    };
    let run = |name: &str, status: i32| {
        let out = folder.path().join(name);
        ends(status, &["run", text(&study), "--out", text(&out)]);
    };
    completes(&study, &folder.path().join("whole"));
    resume("whole", 0, &["completed, and nothing is left to do"]);

    let before = fs::read_to_string(&study).unwrap();
    edit(&study, "budget: {", "budget: {cpu_time_s: 0.01, ");
    run("spent", 6);
    resume(
        "spent",
        6,
        &[
            "has ended and cannot go on: it is stopped",
            "why: the budget of processor time is spent",
            "raise `budget.cpu_time_s` of 0.01 s",
            "noodle2 run STUDY --out NEW_RUN",
            "noodle2 report",
        ],
    );

    fs::write(&study, &before).unwrap();
    edit(
        &study,
        "stages:\n",
        "safety: {rails: {trial: [{metric: setup_wns_ps, min: 1000}], study: {failure_percent: 1, at_least: 1}}}\nstages:\n",
    );
    run("rail", 6);
    resume(
        "rail",
        6,
        &[
            "why: a rail of the study was crossed at trial",
            "`safety.rails.study`",
        ],
    );

    fs::write(&study, &before).unwrap();
    let netlist = fs::read_to_string(study.with_file_name("counter.v")).unwrap();
    let broken = netlist.replacen("INVX1", "MYSTERYX1", 1);
    assert_ne!(broken, netlist);
    fs::write(study.with_file_name("counter.v"), broken).unwrap();
    run("blocked", 5);
    resume(
        "blocked",
        5,
        &["blocked by its base case", "MYSTERYX1", "mend the design"],
    );
}
