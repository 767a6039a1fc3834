//! The record of a run: what `verify` sees of changes to it, and when `resume` refuses to go on.

mod support;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use support::{digest, edit, journal, run, start, summary, template, text, wait_for_records};

fn finished(folder: &Path) -> PathBuf {
    let study = template(folder, "sequential");
    let out = folder.join("run");
    let (status, _, stderr) = run(&["run", text(&study), "--out", text(&out)]);
    assert_eq!(status, 0, "{stderr}");
    out
}

fn verified(out: &Path) -> (i32, serde_json::Value) {
    let (status, stdout, stderr) = run(&["verify", text(out), "--format", "json"]);
    (
        status,
        serde_json::from_str(&stdout).unwrap_or_else(|_| panic!("{stderr}")),
    )
}

/// The codes of all problems at `path`.
fn codes_at(out: &Path, path: &str) -> Vec<String> {
    let (status, verification) = verified(out);
    assert_eq!(status, 1, "{path}: {verification}");
    let problems = verification["problems"].as_array().unwrap();
    problems
        .iter()
        .filter(|problem| problem["path"] == path)
        .map(|problem| problem["code"].as_str().unwrap().to_owned())
        .collect()
}

fn copy(from: &Path, to: &Path) {
    let status = Command::new("cp")
        .args(["-a", text(from), text(to)])
        .status();
    assert!(status.unwrap().success());
}

fn cut_to(out: &Path, records: usize) {
    let path = out.join("journal.ndjson");
    let text = fs::read_to_string(&path).unwrap();
    let kept: String = text.split_inclusive('\n').take(records).collect();
    fs::write(path, kept).unwrap();
}

#[test]
fn every_file_of_a_run_is_held_against_the_journal() {
    let folder = tempfile::tempdir().unwrap();
    let out = finished(folder.path());
    assert_eq!(verified(&out).0, 0);
    for file in [
        "study.yaml",
        "summary.json",
        "report.md",
        "lineage.dot",
        "lineage.svg",
        "cases/counter_0_1/case.json",
        "cases/counter_0_1/netlist.v",
    ] {
        let path = out.join(file);
        let content = fs::read(&path).unwrap();
        fs::write(&path, [&content[..], b"\n"].concat()).unwrap();
        assert_eq!(codes_at(&out, file), ["N2-STORE-029"]);
        let elsewhere = folder.path().join("elsewhere");
        fs::write(&elsewhere, &content).unwrap();
        fs::remove_file(&path).unwrap();
        assert_eq!(codes_at(&out, file), ["N2-STORE-028"]);
        symlink(&elsewhere, &path).unwrap();
        assert_eq!(codes_at(&out, file), ["N2-STORE-031"]);
        fs::remove_file(&path).unwrap();
        fs::write(&path, content).unwrap();
    }
    for stray in ["cases/counter_9_9", "trials/counter_9_9"] {
        fs::create_dir(out.join(stray)).unwrap();
        assert_eq!(codes_at(&out, stray), ["N2-STORE-030"]);
        fs::remove_dir(out.join(stray)).unwrap();
    }
    assert_eq!(verified(&out).0, 0);
}

/// A shared input cannot be changed together with the index that vouches for it.
#[test]
fn a_changed_shared_input_is_found_with_its_index_or_without() {
    let folder = tempfile::tempdir().unwrap();
    let out = finished(folder.path());
    let index = out.join("inputs/artifacts.json");
    let listed: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(&index).unwrap()).unwrap();
    let file = &listed["files"][0];
    let name = format!("inputs/{}", file["path"].as_str().unwrap());
    let prelude = out.join(&name);
    let content = fs::read_to_string(&prelude).unwrap();
    fs::write(&prelude, content.replacen('\n', " \n", 1)).unwrap();
    assert_eq!(codes_at(&out, &name), ["N2-STORE-023", "N2-RUN-009"]);
    fs::remove_file(&index).unwrap();
    assert_eq!(codes_at(&out, "inputs"), ["N2-STORE-025"]);
    assert_eq!(codes_at(&out, &name), ["N2-RUN-009"]);
}

#[test]
fn records_before_damage_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let out = finished(folder.path());
    let path = out.join("journal.ndjson");
    let content = fs::read_to_string(&path).unwrap();
    let mut lines: Vec<&str> = content.split_inclusive('\n').collect();
    lines.remove(7);
    fs::write(&path, lines.concat()).unwrap();
    assert_eq!(codes_at(&out, "journal.ndjson"), ["N2-STORE-006"]);
    assert_eq!(verified(&out).1["records"], 7);
}

/// A journal that was cut between two records is whole in itself; what stands beside it knows more.
#[test]
fn whole_records_that_are_missing_from_the_end_are_noticed_and_nothing_is_done_over() {
    let folder = tempfile::tempdir().unwrap();
    let whole = finished(folder.path());
    let count = journal(&whole).len();
    for kept in [count - 1, count - 3, 20] {
        let out = folder.path().join(format!("cut-{kept}"));
        copy(&whole, &out);
        cut_to(&out, kept);
        let codes = codes_at(&out, "summary.json");
        assert!(codes.contains(&"N2-RUN-008".to_owned()), "{codes:?}");
        let (status, _, stderr) = run(&["resume", text(&out)]);
        assert_eq!(status, 6, "{stderr}");
        assert!(stderr.contains("N2-RUN-008"), "{stderr}");
        assert_eq!(journal(&out).len(), kept);
        assert_eq!(digest(&out), digest(&whole));
    }
    // Without the summary, attempts and cases still tell.
    let out = folder.path().join("cut-20");
    fs::remove_file(out.join("summary.json")).unwrap();
    let (status, _, stderr) = run(&["resume", text(&out)]);
    assert_eq!(status, 6, "{stderr}");
    assert!(stderr.contains("no record tells of"), "{stderr}");
    // Out of the way, nothing is lost silently: the run goes on from the records that are left.
    let base = |name: &str| name.ends_with("_0_0");
    for place in ["trials", "cases"] {
        for entry in fs::read_dir(out.join(place)).unwrap() {
            let path = entry.unwrap().path();
            if !base(text(&path)) {
                fs::remove_dir_all(path).unwrap();
            }
        }
    }
    let (status, _, stderr) = run(&["resume", text(&out)]);
    assert_eq!(status, 0, "{stderr}");
    assert_eq!(digest(&out), digest(&whole));
}

#[test]
fn a_run_goes_on_with_the_study_that_it_began_with_alone() {
    let folder = tempfile::tempdir().unwrap();
    let study = template(folder.path(), "sequential");
    let out = folder.path().join("run");
    let mut child = start(&["run", text(&study), "--out", text(&out), "-j", "1"]);
    wait_for_records(&mut child, &out, 8);
    child.kill().unwrap();
    child.wait().unwrap();
    let frozen = out.join("study.yaml");
    let content = fs::read(&study).unwrap();
    assert_eq!(fs::read(&frozen).unwrap(), content);
    assert_eq!(
        verified(&out).0,
        0,
        "a killed run is sound as far as it came"
    );

    edit(&frozen, "trials: 12", "trials: 13");
    let refused = |expected: &str| {
        let (status, _, stderr) = run(&["resume", text(&out)]);
        assert_eq!(status, 3, "{stderr}");
        let stderr: String = stderr
            .split_whitespace()
            .filter(|word| *word != "│")
            .collect();
        assert!(stderr.contains("N2-RUN-004"), "{stderr}");
        assert!(stderr.contains(&expected.replace(' ', "")), "{stderr}");
    };
    refused("`stages[0].trials` is 13, was 12");
    fs::write(&frozen, [&content[..], b"# a word\n"].concat()).unwrap();
    refused("only comments or layout differ");
    fs::write(&frozen, "name: [").unwrap();
    refused("no valid study");
    fs::remove_file(&frozen).unwrap();
    refused("cannot be read");
    fs::write(&frozen, &content).unwrap();
    let (status, _, stderr) = run(&["resume", text(&out)]);
    assert_eq!(status, 0, "{stderr}");
    assert_eq!(verified(&out).0, 0);
}

/// What an interrupted controller told of the run stays sound when the next one is killed.
#[test]
fn a_run_is_sound_whenever_it_stops() {
    let folder = tempfile::tempdir().unwrap();
    let study = template(folder.path(), "sequential");
    let out = folder.path().join("run");
    let mut child = start(&["run", text(&study), "--out", text(&out), "-j", "1"]);
    wait_for_records(&mut child, &out, 8);
    let id = child.id().to_string();
    Command::new("kill").args(["-INT", &id]).status().unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(7));
    let (status, verification) = verified(&out);
    assert_eq!(status, 0, "{verification}");
    let records = journal(&out).len();
    let mut child = start(&["resume", text(&out), "-j", "1"]);
    wait_for_records(&mut child, &out, records + 8);
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(summary(&out)["status"], "interrupted");
    let (status, verification) = verified(&out);
    assert_eq!(status, 0, "{verification}");
    // As a torn write leaves it.
    let path = out.join("journal.ndjson");
    let content = fs::read(&path).unwrap();
    fs::write(&path, [&content[..], b"{\"seq\":"].concat()).unwrap();
    fs::write(out.join(".noodle2-tmp-half"), "half").unwrap();
    let (status, _, stderr) = run(&["resume", text(&out)]);
    assert_eq!(status, 0, "{stderr}");
    assert!(stderr.contains("torn record: 7 bytes"), "{stderr}");
    assert!(stderr.contains("had not finished writing"), "{stderr}");
    assert_eq!(verified(&out).0, 0);
}
