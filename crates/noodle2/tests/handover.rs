//! What is taken home: the edits of a case as ECO scripts, and the fewest of them that do.

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use support::{completes, ends, engine_after, run, summary, template, text};

/// A run of a small study; returns the run folder and its best case.
fn finished(folder: &Path) -> (PathBuf, String) {
    let out = folder.join("run");
    completes(&template(folder, "sequential"), &out);
    let best = summary(&out)["best"]["case"].as_str().unwrap().to_owned();
    (out, best)
}

#[test]
fn the_script_of_a_case_is_carried_out_cold_and_checked() {
    let folder = tempfile::tempdir().unwrap();
    let (out, best) = finished(folder.path());
    for tool in ["opensta", "openroad", "innovus", "icc2", "primetime"] {
        let (script, stderr) = ends(0, &["handover", text(&out), &best, "--for", tool]);
        assert!(
            script.starts_with("# The edits that lead from "),
            "{script}"
        );
        assert!(stderr.contains(" edits ("), "{stderr}");
    }
    let file = folder.path().join("eco.tcl");
    let arguments = ["handover", text(&out), &best, "--for", "opensta", "--check"];
    let with_file = [&arguments[..], &["--out", text(&file)]].concat();
    let (printed, stderr) = ends(0, &with_file);
    assert_eq!(printed, "");
    assert!(stderr.contains("the same netlist"), "{stderr}");
    assert!(
        fs::read_to_string(&file)
            .unwrap()
            .contains("::n2_eco::apply")
    );
    // The base leads to itself.
    let (script, _) = ends(0, &["handover", text(&out), "0_0", "--for", "innovus"]);
    assert!(!script.contains("ecoChangeCell"), "{script}");

    let refused = |status: i32, arguments: &[&str], code: &str| {
        let (_, stderr) = ends(status, arguments);
        assert!(stderr.contains(code), "{stderr}");
    };
    refused(
        2,
        &["handover", text(&out), "9_9", "--for", "icc2"],
        "N2-RUN-002",
    );
    let unchecked = ["handover", text(&out), &best, "--for", "icc2", "--check"];
    refused(2, &unchecked, "N2-RUN-013");
    // What the journal does not tell of is not handed over.
    let trial = out.join("trials").join(&best).join("1/netlist.v");
    let netlist = fs::read_to_string(&trial).unwrap();
    fs::write(&trial, netlist + "\n").unwrap();
    refused(6, &arguments, "N2-RUN-012");
}

#[test]
fn a_script_that_makes_another_design_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let study = template(folder.path(), "sequential");
    // OpenSTA, but for scripts that are checked, of which one connection goes missing.
    let first = "0,/^::n2_eco::connect/{/^::n2_eco::connect/d}";
    engine_after(
        &study,
        &format!("case \"$*\" in *cold.tcl*) sed -i '{first}' cold.tcl;; esac"),
    );
    let out = folder.path().join("run");
    completes(&study, &out);
    let best = summary(&out)["best"]["case"].as_str().unwrap().to_owned();
    let arguments = ["handover", text(&out), &best, "--for", "opensta", "--check"];
    let (script, stderr) = ends(1, &arguments);
    assert!(script.contains("\n::n2_eco::connect"), "{script}");
    assert!(
        stderr.contains("N2-RUN-014 the netlist has the hash"),
        "{stderr}"
    );
}

#[test]
fn the_fewest_edits_that_keep_a_share_are_found_and_found_again() {
    let folder = tempfile::tempdir().unwrap();
    let (out, best) = finished(folder.path());
    let minimized = |name: &str, more: &[&str]| -> (PathBuf, Value, String) {
        let place = folder.path().join(name);
        let arguments = ["minimize", text(&out), &best, "--out", text(&place)];
        let (stdout, _) = ends(0, &[&arguments[..], more].concat());
        let record = fs::read_to_string(place.join("minimize.json")).unwrap();
        (place, serde_json::from_str(&record).unwrap(), stdout)
    };
    let (place, record, stdout) = minimized("fewest", &["--share", "0.5"]);
    let number = |key: &str| record[key].as_f64().unwrap();
    assert!(number("share") >= 0.5, "{record}");
    assert!(number("kept_edits") < number("all_edits"), "{record}");
    assert!(stdout.contains("of the gain in"), "{stdout}");
    // What is kept was measured, under its number, and nothing more can be taken away.
    let kept = &record["kept_groups"];
    let trials = record["trials"].as_array().unwrap();
    let tried = trials
        .iter()
        .find(|tried| tried["groups"] == *kept)
        .unwrap();
    assert_eq!(tried["value"], record["value"]);
    assert_eq!(tried["kept"], true);
    let ledger = place
        .join("trials")
        .join(tried["number"].to_string())
        .join("ledger.tsv");
    let listed = fs::read_to_string(place.join("ledger.tsv")).unwrap();
    assert_eq!(fs::read_to_string(ledger).unwrap(), listed);
    let groups: Vec<u64> = serde_json::from_value(kept.clone()).unwrap();
    for left in &groups {
        let rest: Vec<u64> = groups
            .iter()
            .filter(|group| *group != left)
            .copied()
            .collect();
        let tried = trials
            .iter()
            .find(|tried| tried["groups"] == serde_json::json!(rest));
        assert!(
            rest.is_empty() || tried.is_some_and(|tried| tried["kept"] == false),
            "{left} of {groups:?}"
        );
    }
    assert_eq!(record["equivalence"]["verdict"]["is"], "equal", "{record}");

    let (_, again, _) = minimized("again", &["--share", "0.5"]);
    let without_files = |mut record: Value| {
        for tried in record["trials"].as_array_mut().unwrap() {
            // Scripts hold the folder that shared inputs lie in.
            tried["files"] = Value::Null;
        }
        record
    };
    assert_eq!(without_files(record.clone()), without_files(again));
    let (_, cut_short, stdout) = minimized("short", &["--share", "0.5", "--trials", "1"]);
    assert_eq!(cut_short["exhausted"], true);
    assert!(stdout.contains("the trials ran out"), "{stdout}");

    let refused = |more: &[&str], code: &str| {
        let arguments = [&["minimize", text(&out)][..], more].concat();
        let (status, _, stderr) = run(&arguments);
        assert_eq!(status, 2, "{stderr}");
        assert!(stderr.contains(code), "{stderr}");
    };
    refused(&[&best, "--out", text(&place)], "N2-RUN-016");
    let new = folder.path().join("new");
    refused(&["0_0", "--out", text(&new)], "N2-RUN-015");
    refused(
        &[&best, "--metric", "speed", "--out", text(&new)],
        "N2-RUN-015",
    );
    refused(
        &[&best, "--share", "1.5", "--out", text(&new)],
        "a share is a number",
    );
}
