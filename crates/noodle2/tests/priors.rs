//! Evidence between real runs: kept, used, carried, forgotten; and a store that cannot be used.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use support::{digest, edit, finish, journal, noodle2, summary, template, text};

/// Runs `noodle2` with this store.
fn with(store: &Path, arguments: &[&str]) -> (i32, String, String) {
    let mut command = noodle2();
    command.env("NOODLE2_PRIORS", store).args(arguments);
    finish(command.output().unwrap())
}

#[track_caller]
fn ends(store: &Path, status: i32, arguments: &[&str]) -> (String, String) {
    let (found, stdout, stderr) = with(store, arguments);
    assert_eq!(found, status, "{arguments:?}: {stdout}{stderr}");
    (stdout, stderr)
}

#[track_caller]
fn told(store: &Path, arguments: &[&str]) -> Value {
    let (stdout, _) = ends(store, 0, &[arguments, &["--format", "json"]].concat());
    serde_json::from_str(&stdout).unwrap()
}

/// A study of the counter that tries an ECO which always fails beside one that works.
fn study(folder: &Path, name: &str, priors: &str) -> PathBuf {
    let study = template(&folder.join(name), "sequential");
    let eco = study.parent().unwrap().join("ecos/broken");
    fs::create_dir_all(&eco).unwrap();
    fs::write(
        eco.join("eco.yaml"),
        "name: broken\nversion: 1\nclass: topology_neutral\nengines: [opensta]\ndescription: Always fails.\n\
         parameters:\n  turn: {type: integer, min: 1, max: 9, default: 1, description: Which.}\n\
         expected: {}\nchanges_connectivity: true\nimplementation:\n  tcl: eco.tcl\n",
    )
    .unwrap();
    fs::write(eco.join("eco.tcl"), "error {it does not work}\n").unwrap();
    let content = format!(
        "name: {name}\nsafety_domain: guarded\n\
         design: {{case_name: counter, top: counter, netlists: [counter.v], platform: osu018, sdc: [constraints.sdc]}}\n\
         engine: {{kind: opensta}}\nobjective: {{rank: [setup_wns_ps, setup_tns_ps]}}\neco_path: [ecos]\n{priors}\n\
         stages:\n  - name: only\n    trials: 4\n    survivors: 1\n    ecos:\n\
         \x20     - {{name: broken, parameters: {{turn: [1, 2, 3]}}}}\n      - upsize_critical\n"
    );
    fs::write(&study, content).unwrap();
    study
}

fn tried(run: &Path) -> Vec<String> {
    let records = journal(run).into_iter();
    let proposed = records.filter(|record| record["event"]["type"] == "trial_proposed");
    proposed
        .map(|record| record["event"]["eco"]["name"].as_str().unwrap().to_owned())
        .collect()
}

fn identity(run: &Path) -> Value {
    journal(run)[0]["event"]["identity"].clone()
}

const WARM: &str = "priors: {warm_start: true, project: counters}";

#[test]
fn the_second_study_does_not_try_what_failed_in_the_first() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    let store = place("priors.sqlite");
    let first = study(folder.path(), "first", WARM);
    let (_, talk) = ends(
        &store,
        0,
        &["run", text(&first), "--out", text(&place("one"))],
    );
    assert!(talk.contains("begins without evidence"), "{talk}");
    assert!(talk.contains("kept as evidence: 4 trials"), "{talk}");
    assert_eq!(
        tried(&place("one")),
        ["broken", "broken", "broken", "upsize_critical"]
    );

    let second = study(folder.path(), "second", WARM);
    let (_, talk) = ends(
        &store,
        0,
        &["run", text(&second), "--out", text(&place("two"))],
    );
    assert!(
        talk.contains("begins with evidence of 1 earlier run on 2 ECOs"),
        "{talk}"
    );
    assert!(
        talk.contains("does not try ECO `broken` on counter_0_0: 3 of 3 tries failed"),
        "{talk}"
    );
    assert_eq!(tried(&place("two")), ["upsize_critical"]);
    assert_eq!(
        summary(&place("two"))["stages"][0]["vetoed"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    let entries = &identity(&place("two"))["priors"]["entries"];
    assert_eq!(entries[0]["eco"], "broken");
    assert_eq!(entries[0]["evidence"]["failures"]["tool_error"], 3.0);
    let (explained, _) = ends(&store, 0, &["explain", text(&place("two")), "broken"]);
    assert!(
        explained.contains("suspicious by earlier runs"),
        "{explained}"
    );
    let report = fs::read_to_string(place("two").join("report.md")).unwrap();
    assert!(report.contains("does not try ECO `broken`"), "{report}");

    // The run holds what it saw: the store is not asked again.
    fs::remove_file(&store).unwrap();
    ends(&store, 0, &["verify", text(&place("two"))]);
    assert!(!store.exists());

    // Without that evidence it is another run.
    let (_, talk) = ends(
        &store,
        0,
        &["run", text(&second), "--out", text(&place("cold"))],
    );
    assert!(talk.contains("begins without evidence"), "{talk}");
    assert_eq!(tried(&place("cold")).len(), 4);
    assert_ne!(digest(&place("cold")), digest(&place("two")));
}

#[test]
fn another_project_another_eco_and_a_study_that_does_not_ask_see_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    let store = place("priors.sqlite");
    let first = study(folder.path(), "first", WARM);
    let run = |study: &Path, out: &str| {
        ends(&store, 0, &["run", text(study), "--out", text(&place(out))]);
        tried(&place(out)).contains(&"broken".to_owned())
    };
    assert!(run(&first, "one"));
    let alone = study(folder.path(), "alone", "priors: {warm_start: true}");
    assert!(run(&alone, "alone_run"), "isolation is the default");
    assert_eq!(
        identity(&place("alone_run"))["priors"]["entries"]
            .as_array()
            .map(Vec::len),
        Some(0)
    );
    let asks = "priors: {warm_start: true, sources: [{project: counters, weight: 1}]}";
    assert!(!run(&study(folder.path(), "asks", asks), "asks_run"));
    let faint = "priors: {warm_start: true, sources: [{project: counters, weight: 0.5}]}";
    assert!(
        run(&study(folder.path(), "faint", faint), "faint_run"),
        "half of it is too little"
    );
    let edited = study(folder.path(), "edited", WARM);
    let script = edited.parent().unwrap().join("ecos/broken/eco.tcl");
    fs::write(script, "error {it does not work yet}\n").unwrap();
    assert!(run(&edited, "edited_run"), "another content is another ECO");
    let silent = study(folder.path(), "silent", "");
    let before = fs::read(&store).unwrap();
    assert!(run(&silent, "silent_run"));
    assert_eq!(fs::read(&store).unwrap(), before);
    assert_eq!(identity(&place("silent_run"))["priors"], Value::Null);
}

#[test]
fn a_run_is_kept_once_however_often_it_is_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    let store = place("priors.sqlite");
    let unkept = "priors: {record: false}";
    let study = study(folder.path(), "study", unkept);
    ends(
        &store,
        0,
        &["run", text(&study), "--out", text(&place("run"))],
    );
    assert!(!store.exists());
    let (added, _) = ends(&store, 0, &["priors", "record", text(&place("run"))]);
    assert!(added.starts_with("kept as evidence: 4 trials"), "{added}");
    let before = fs::read(&store).unwrap();
    let (known, _) = ends(&store, 0, &["priors", "record", text(&place("run"))]);
    assert!(known.starts_with("kept as evidence before"), "{known}");
    ends(&store, 0, &["resume", text(&place("run"))]);
    assert_eq!(fs::read(&store).unwrap(), before);
    let shown = told(&store, &["priors", "show"]);
    assert_eq!(shown["runs"].as_array().unwrap().len(), 1);
    assert_eq!(shown["ecos"][0]["tries"], 3.0);
}

#[test]
fn evidence_is_shown_carried_and_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    let store = place("priors.sqlite");
    let nothing = told(&store, &["priors", "show"]);
    assert_eq!(nothing["ecos"], Value::Array(Vec::new()));
    let study = study(folder.path(), "study", WARM);
    ends(
        &store,
        0,
        &["run", text(&study), "--out", text(&place("run"))],
    );

    let (shown, _) = ends(&store, 0, &["priors", "show"]);
    for words in [
        "4 trials of 1 run in 1 project",
        "suspicious: 53 % or more fail",
        "tool_error 3",
        "fewer than 1000 cells",
    ] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    let known = told(&store, &["priors", "show", "--metric", "setup_wns_ps"]);
    let upsize = &known["ecos"][1];
    let case = &summary(&place("run"))["best"];
    assert_eq!(upsize["eco"], "upsize_critical", "{case}");
    assert_eq!(upsize["standing"], "unknown");
    assert!(upsize["gains"]["setup_wns_ps"]["mean"].as_f64().unwrap() > 0.0);

    let (exported, _) = ends(&store, 0, &["priors", "export"]);
    let file = place("export.json");
    fs::write(&file, &exported).unwrap();
    let other = place("other.sqlite");
    for (added, known) in [(1, 0), (0, 1)] {
        let imported = told(&other, &["priors", "import", text(&file)]);
        assert_eq!(
            (&imported["added"], &imported["known"]),
            (&added.into(), &known.into())
        );
    }
    assert_eq!(ends(&other, 0, &["priors", "export"]).0, exported);

    let (_, refusal) = ends(&other, 2, &["priors", "forget"]);
    assert!(refusal.contains("N2-PRIORS-012"), "{refusal}");
    let broken = ["priors", "forget", "--eco", "broken"];
    let (dry, _) = ends(&other, 0, &[&broken[..], &["--dry-run"]].concat());
    assert_eq!(
        dry,
        "would forget 3 trials of 1 run; nothing is left of 0 runs\n"
    );
    let (done, _) = ends(&other, 0, &broken);
    assert_eq!(
        done,
        "forgot 3 trials of 1 run; nothing is left of 0 runs\n"
    );
    // What was forgotten does not come back with the run that is still known.
    let (_, _) = ends(&other, 1, &["priors", "import", text(&file)]);
    assert_eq!(
        told(&other, &["priors", "show"])["ecos"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    let young = told(&other, &["priors", "forget", "--older-than-days", "1"]);
    assert_eq!(young["forgotten"]["observations"], 0);
    let rest = told(&other, &["priors", "forget", "--project", "count*"]);
    assert_eq!(rest["forgotten"]["runs"], 1);
    let garbage = place("garbage.json");
    fs::write(&garbage, "{\"format\": 1}").unwrap();
    let (_, refusal) = ends(&other, 2, &["priors", "import", text(&garbage)]);
    assert!(refusal.contains("N2-PRIORS-011"), "{refusal}");
}

#[test]
fn a_study_that_cannot_record_completes_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    let study = study(folder.path(), "study", "priors: {project: counters}");
    let sound = place("sound.sqlite");
    ends(
        &sound,
        0,
        &["run", text(&study), "--out", text(&place("sound"))],
    );

    let damaged = place("damaged.sqlite");
    let mut content = fs::read(&sound).unwrap();
    content.truncate(content.len() / 2);
    fs::write(&damaged, &content).unwrap();
    fs::write(place("file"), "").unwrap();
    let below_a_file = place("file/priors.sqlite");
    for (name, store, code) in [
        ("damaged", &damaged, "N2-PRIORS-001"),
        ("unwritable", &below_a_file, "N2-PRIORS-005"),
    ] {
        let (_, talk) = ends(
            store,
            0,
            &["run", text(&study), "--out", text(&place(name))],
        );
        assert!(talk.contains(code), "{talk}");
        let advice = format!("noodle2 priors record {}", text(&place(name)));
        assert!(talk.contains(&advice), "{talk}");
        assert_eq!(digest(&place(name)), digest(&place("sound")));
        ends(store, 0, &["verify", text(&place(name))]);
        // What it found is not lost.
        ends(&sound, 0, &["priors", "record", text(&place(name))]);
    }
    assert_eq!(fs::read(&damaged).unwrap(), content);
    let shown = told(&sound, &["priors", "show"]);
    assert_eq!(shown["runs"].as_array().unwrap().len(), 3);
    assert_eq!(
        shown["ecos"][0]["tries"], 3.0,
        "the same trials made thrice are one observation each"
    );

    // A store that is wanted before the run, and cannot be read, is told before anything runs.
    edit(&study, "{project", "{warm_start: true, project");
    let (_, refusal) = ends(
        &damaged,
        6,
        &["run", text(&study), "--out", text(&place("refused"))],
    );
    assert!(refusal.contains("N2-PRIORS-001"), "{refusal}");
    assert_eq!(journal(&place("refused")), Vec::<Value>::new());
}

#[test]
fn a_store_that_another_process_holds_does_not_hold_up_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    let store = place("priors.sqlite");
    let study = study(folder.path(), "study", "priors: {project: counters}");
    ends(
        &store,
        0,
        &["run", text(&study), "--out", text(&place("one"))],
    );
    let holder = rusqlite::Connection::open(&store).unwrap();
    holder.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let (_, talk) = ends(
        &store,
        0,
        &["run", text(&study), "--out", text(&place("two"))],
    );
    assert!(talk.contains("N2-PRIORS-004"), "{talk}");
    drop(holder);
    ends(&store, 0, &["priors", "record", text(&place("two"))]);
}

#[test]
fn evidence_lies_in_the_users_data_folder_and_only_where_a_study_asks() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    let run = |study: &Path, out: &str| {
        let mut command: Command = noodle2();
        command
            .env_remove("NOODLE2_PRIORS")
            .env("XDG_DATA_HOME", place("data"));
        command.args(["run", text(study), "--out", text(&place(out))]);
        let (status, _, stderr) = finish(command.output().unwrap());
        assert_eq!(status, 0, "{stderr}");
    };
    let kept = place("data/noodle2/priors.sqlite");
    run(&study(folder.path(), "silent", ""), "silent_run");
    assert!(!place("data").exists());
    run(&study(folder.path(), "asks", WARM), "asks_run");
    assert!(kept.exists());
}
