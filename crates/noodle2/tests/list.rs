//! `noodle2 list` and `noodle2 tag`: real runs below a folder, damaged ones among them.

mod support;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use serde_json::Value;
use support::{completes, ends, run, summary, template, text};

fn listed(arguments: &[&str]) -> Vec<Value> {
    let all = [&["list"], arguments, &["--format", "json"]].concat();
    serde_json::from_str(&ends(0, &all).0).unwrap()
}

fn at<'a>(runs: &'a [Value], path: &Path) -> &'a Value {
    runs.iter().find(|run| run["path"] == text(path)).unwrap()
}

#[test]
fn runs_are_listed_as_their_summaries_tell_and_damaged_ones_with_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let study = template(folder.path(), "sequential");
    let runs = folder.path().join("runs");
    let whole = runs.join("deep/whole");
    completes(&study, &whole);
    let broken = runs.join("broken");
    fs::create_dir(&broken).unwrap();
    for file in ["study.yaml", "lock", "summary.json"] {
        fs::copy(whole.join(file), broken.join(file)).unwrap();
    }
    let journal = fs::read_to_string(whole.join("journal.ndjson")).unwrap();
    fs::write(
        broken.join("journal.ndjson"),
        journal.replacen("counter", "another", 1),
    )
    .unwrap();
    // Links are not followed: neither round in a circle nor to the same run once more.
    symlink(&runs, runs.join("circle")).unwrap();
    symlink(&whole, runs.join("again")).unwrap();

    let found = listed(&[text(&runs)]);
    assert_eq!(found.len(), 2, "{found:?}");
    let told = summary(&whole);
    let glance = &at(&found, &whole)["glance"];
    for (field, name) in [
        ("study", "study"),
        ("status", "status"),
        ("digest", "digest"),
        ("trials_run", "trials_run"),
        ("trials_total", "trials_total"),
        ("cpu_s", "cpu_s"),
        ("started_at", "started_at"),
    ] {
        assert_eq!(glance[field], told[name], "{field}");
    }
    assert_eq!(glance["best_case"], told["best"]["case"]);
    let metric = glance["objective"]["metric"].as_str().unwrap();
    assert_eq!(glance["objective"]["gain"], told["deltas"][metric]["gain"]);
    assert_eq!(at(&found, &broken)["problem"]["code"], "N2-STORE-006");
    assert!(at(&found, &broken)["glance"].is_null());

    assert_eq!(listed(&[text(&runs), "--depth", "1"]).len(), 1);
    assert_eq!(listed(&[text(&runs), "--state", "damaged"]).len(), 1);
    assert_eq!(
        listed(&[text(&runs), "--state", "completed", "--since", "1d"]).len(),
        1
    );
    assert_eq!(listed(&[text(&runs), "--since", "2999-01-01"]).len(), 0);
    assert_eq!(listed(&[text(&runs), "--study", "nothing"]).len(), 0);
    let (printed, _) = ends(0, &["list", text(&runs)]);
    assert!(
        printed.contains("broken: damaged: N2-STORE-006"),
        "{printed}"
    );
}

#[test]
fn tags_are_found_again_and_change_nothing_that_is_verified() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    completes(&template(folder.path(), "sequential"), &out);
    let (printed, _) = ends(0, &["tag", text(&out), "keep", "v1"]);
    assert_eq!(printed.trim(), "keep v1");
    ends(0, &["verify", text(&out)]);
    assert_eq!(
        listed(&[text(&out), "--tag", "keep", "--tag", "v1"]).len(),
        1
    );
    assert_eq!(listed(&[text(&out), "--tag", "other"]).len(), 0);
    let (printed, _) = ends(0, &["tag", text(&out), "--remove", "v1"]);
    assert_eq!(printed.trim(), "keep");
    assert_eq!(run(&["tag", text(&out), "../journal"]).0, 2);
    // What is no tag among them is seen.
    fs::write(out.join("tags/note"), "text").unwrap();
    let (status, printed, _) = run(&["verify", text(&out)]);
    assert_eq!(status, 1);
    assert!(printed.contains("N2-STORE-030 tags/note"), "{printed}");
}
