//! `noodle2 gc` on real runs: what goes is recorded, what stays is whole, and damage is found as before.

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use support::{begin, completes, digest, ends, interrupt, journal, run, summary, template, text};

fn finished(folder: &Path) -> PathBuf {
    let out = folder.join("run");
    completes(&template(folder, "branching"), &out);
    out
}

fn verified(out: &Path) -> (i32, Value) {
    let (status, printed, stderr) = run(&["verify", text(out), "--format", "json"]);
    (
        status,
        serde_json::from_str(&printed).unwrap_or_else(|_| panic!("{stderr}")),
    )
}

fn collected(out: &Path, arguments: &[&str]) -> (u64, u64) {
    let all = [&["gc", text(out)], arguments, &["--format", "json"]].concat();
    let told: Value = serde_json::from_str(&ends(0, &all).0).unwrap();
    let kinds = told[0]["kinds"].as_object().unwrap().values();
    kinds.fold((0, 0), |(files, bytes), kind| {
        (
            files + kind["files"].as_u64().unwrap(),
            bytes + kind["bytes"].as_u64().unwrap(),
        )
    })
}

fn netlist(out: &Path, case: &str) -> PathBuf {
    out.join("trials").join(case).join("1/netlist.v")
}

/// Every file below a folder with its size.
fn files(folder: &Path) -> Vec<(PathBuf, u64)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        match entry.file_type().unwrap().is_dir() {
            true => found.extend(files(&entry.path())),
            false => found.push((entry.path(), entry.metadata().unwrap().len())),
        }
    }
    found.sort();
    found
}

#[test]
fn what_is_collected_is_told_first_and_verified_afterwards() {
    let folder = tempfile::tempdir().unwrap();
    let out = finished(folder.path());
    let (before, told) = (files(&out), digest(&out));
    let (count, bytes) = collected(&out, &[]);
    assert!(count > 0 && bytes > 0);
    assert_eq!(files(&out), before, "without --delete nothing changes");
    let (most, _) = collected(&out, &["--keep", "survivors"]);
    let (least, _) = collected(&out, &["--keep", "all-cases"]);
    assert!(least < count && count < most, "{least}, {count}, {most}");

    assert_eq!(collected(&out, &["--delete"]), (count, bytes));
    let gone = before.iter().filter(|(path, _)| !path.exists());
    let gone: Vec<u64> = gone.map(|(_, size)| *size).collect();
    assert_eq!(
        (gone.len() as u64, gone.iter().sum::<u64>()),
        (count, bytes)
    );
    let (status, verification) = verified(&out);
    assert_eq!(status, 0, "{verification}");
    assert_eq!(verification["collected"], count);
    assert_eq!(verification["digest"], told.as_str());
    // Whatever a trial was made from is there, so that each can be made again.
    for record in journal(&out) {
        if record["event"]["type"] == "trial_proposed" {
            let parent = record["event"]["parent"].as_str().unwrap();
            assert!(netlist(&out, parent).exists(), "{parent}");
        }
    }
    assert!(netlist(&out, summary(&out)["best"]["case"].as_str().unwrap()).exists());

    // Once more there is nothing left to collect; a narrower choice adds to the record.
    assert_eq!(collected(&out, &["--delete"]), (0, 0));
    let (further, _) = collected(&out, &["--keep", "survivors", "--delete"]);
    let (status, verification) = verified(&out);
    assert_eq!(status, 0, "{verification}");
    assert_eq!(verification["collected"], count + further);
}

#[test]
fn damage_is_found_after_a_collection_as_before() {
    let folder = tempfile::tempdir().unwrap();
    let out = finished(folder.path());
    let best = summary(&out)["best"]["case"].as_str().unwrap().to_owned();
    // A file that is damaged already is no artifact that may go: it shows the damage.
    let told: Value =
        serde_json::from_str(&ends(0, &["gc", text(&out), "--format", "json"]).0).unwrap();
    assert_eq!(told[0]["deleted"], false);
    let cases = fs::read_dir(out.join("cases")).unwrap();
    let unused = cases
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .find(|case| !out.join("cases").join(case).join("netlist.v").exists())
        .expect("a case that nobody starts from");
    let damaged = netlist(&out, &unused);
    let content = fs::read(&damaged).unwrap();
    fs::write(&damaged, b"something else").unwrap();
    let (status, printed, _) = run(&["gc", text(&out), "--delete"]);
    assert_eq!(status, 1, "{printed}");
    assert!(printed.contains("is not what its index says"), "{printed}");
    assert!(damaged.exists());
    assert_eq!(verified(&out).0, 1);
    fs::write(&damaged, content).unwrap();
    assert_eq!(verified(&out).0, 0);

    // What is lost without having been collected is missing.
    let kept = netlist(&out, &best);
    let content = fs::read(&kept).unwrap();
    fs::remove_file(&kept).unwrap();
    assert_eq!(verified(&out).0, 1);
    // A line with another hash excuses nothing, and is told itself.
    let record = out.join("collected.ndjson");
    let lines = fs::read_to_string(&record).unwrap();
    let mut line: Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    line["path"] = format!("trials/{best}/1/netlist.v").into();
    fs::write(&record, format!("{lines}{line}\n")).unwrap();
    let (status, verification) = verified(&out);
    let codes: Vec<&str> = verification["problems"]
        .as_array()
        .unwrap()
        .iter()
        .map(|problem| problem["code"].as_str().unwrap())
        .collect();
    assert_eq!((status, codes), (1, vec!["N2-STORE-033", "N2-STORE-022"]));
    fs::write(&kept, content).unwrap();
    // What was collected and is not recorded any more is missing, and half a record is no record.
    fs::write(&record, &lines[..lines.len() / 2]).unwrap();
    let (status, verification) = verified(&out);
    assert_eq!(status, 1);
    assert!(
        verification.to_string().contains("N2-STORE-010"),
        "{verification}"
    );
    fs::write(&record, &lines).unwrap();
    assert_eq!(verified(&out).0, 0);
}

#[test]
fn a_run_that_has_not_ended_is_left_alone_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let study = template(folder.path(), "branching");
    let out = folder.path().join("run");
    let mut child = begin(&study, &out);
    let (status, printed, _) = run(&["gc", text(&out), "--delete"]);
    assert_eq!(status, 1, "{printed}");
    assert!(printed.contains("nothing can go"), "{printed}");
    interrupt(&child);
    child.wait().unwrap();
    let (status, printed, _) = run(&["gc", text(&out), "--delete"]);
    assert_eq!(status, 1, "{printed}");
    assert!(
        printed.contains("`noodle2 resume` may need all of it"),
        "{printed}"
    );
    assert!(!out.join("collected.ndjson").exists());
    ends(0, &["resume", text(&out)]);
    assert_eq!(verified(&out).0, 0);
}
