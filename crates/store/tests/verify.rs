//! The check of a whole run folder.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use jiff::Timestamp;
use noodle2_model::{
    AttemptId, AttemptUsage, ContentHash, Event, Failure, FailureClass, Outcome, RunIdentity,
    StageIndex, TrialId,
};
use noodle2_store::{
    ArtifactIndex, DerivedFile, JournalWriter, RunFolder, check_derived, create_folder,
    read_journal, unrecorded, verify_run_storage,
};

fn attempt(derived: u32) -> AttemptId {
    AttemptId {
        trial: TrialId {
            stage: StageIndex(1),
            derived,
        },
        number: 1,
    }
}

fn finished(derived: u32, outcome: Outcome) -> Event {
    Event::AttemptFinished {
        attempt: attempt(derived),
        outcome: Box::new(outcome),
        usage: AttemptUsage::default(),
        cache: None,
    }
}

fn identity() -> RunIdentity {
    serde_json::from_value(serde_json::json!({
        "noodle2_version": "0.1.0",
        "study": {
            "name": "check",
            "design": {"case_name": "gcd", "top": "gcd", "netlists": ["gcd.v"], "platform": "osu018"},
            "scenes": [{"name": "typical", "sdc": ["gcd.sdc"]}],
            "engine": {"kind": "opensta"},
            "objective": {"rank": ["setup_wns_ps"]},
            "stages": [],
        },
        "study_hash": ContentHash::of("study"),
        "study_file": ContentHash::of("name: check"),
        "study_folder": ".",
        "tools": [],
        "inputs": [],
        "ecos": {},
    }))
    .unwrap()
}

/// A run with one attempt that has a result, one that failed, and one that is still running.
fn make_run(root: &Path) -> RunFolder {
    let run = RunFolder::create(root).unwrap();
    let failure = Failure {
        class: FailureClass::ToolMissing,
        tool_code: None,
        message: String::new(),
        excerpt: String::new(),
    };
    let events = [
        Event::RunCreated {
            identity: Box::new(identity()),
        },
        Event::AttemptStarted {
            attempt: attempt(1),
        },
        Event::AttemptStarted {
            attempt: attempt(2),
        },
        Event::AttemptStarted {
            attempt: attempt(3),
        },
        finished(1, Outcome::NoEffect),
        finished(2, Outcome::Failed(failure)),
    ];
    let mut journal = JournalWriter::create(&run.folder.journal()).unwrap();
    let events: Vec<_> = events
        .into_iter()
        .map(|event| (Timestamp::UNIX_EPOCH, event))
        .collect();
    journal.append(&events).unwrap();
    for derived in [1, 3] {
        let path = run.folder.create_attempt("gcd", attempt(derived)).unwrap();
        fs::write(path.join("trial.tcl"), "exit").unwrap();
    }
    ArtifactIndex::seal(&run.folder.attempt("gcd", attempt(1))).unwrap();
    create_folder(&run.folder.inputs()).unwrap();
    ArtifactIndex::seal(&run.folder.inputs()).unwrap();
    fs::write(run.folder.study(), "name: check").unwrap();
    run.folder
}

fn problems(root: &Path) -> Vec<(String, &'static str)> {
    verify_run_storage(root)
        .unwrap()
        .problems
        .into_iter()
        .map(|problem| (problem.path.display().to_string(), problem.code))
        .collect()
}

fn expect(root: &Path, path: &str, code: &'static str) {
    assert_eq!(problems(root), [(path.to_owned(), code)]);
}

#[test]
fn a_sound_run_has_no_problems_and_each_breach_is_named() {
    let parent = tempfile::tempdir().unwrap();
    let root = parent.path().join("run");
    let folder = make_run(&root);
    let check = verify_run_storage(&root).unwrap();
    assert_eq!(check.problems, []);
    assert_eq!(check.journal.unwrap().records.len(), 6);

    let script = root.join("trials/gcd_1_1/1/trial.tcl");
    fs::write(&script, "quit").unwrap();
    expect(&root, "trials/gcd_1_1/1/trial.tcl", "N2-STORE-023");
    fs::remove_file(&script).unwrap();
    expect(&root, "trials/gcd_1_1/1/trial.tcl", "N2-STORE-022");
    fs::write(&script, "exit").unwrap();
    assert_eq!(problems(&root), []);

    let index = ArtifactIndex::path(&folder.attempt("gcd", attempt(1)));
    let text = fs::read(&index).unwrap();
    fs::write(&index, "{").unwrap();
    expect(&root, "trials/gcd_1_1/1/artifacts.json", "N2-STORE-010");
    fs::remove_file(&index).unwrap();
    expect(&root, "trials/gcd_1_1/1", "N2-STORE-025");
    fs::write(&index, text).unwrap();

    fs::write(root.join("inputs/extra.tcl"), "").unwrap();
    expect(&root, "inputs/extra.tcl", "N2-STORE-024");
    fs::remove_dir_all(root.join("inputs")).unwrap();
    expect(&root, "inputs", "N2-STORE-025");
    create_folder(&folder.inputs()).unwrap();
    ArtifactIndex::seal(&folder.inputs()).unwrap();

    fs::write(folder.study(), "name: check # at ease").unwrap();
    expect(&root, "study.yaml", "N2-STORE-029");
    fs::remove_file(folder.study()).unwrap();
    expect(&root, "study.yaml", "N2-STORE-028");
    fs::write(root.join("elsewhere.yaml"), "name: check").unwrap();
    symlink("elsewhere.yaml", folder.study()).unwrap();
    expect(&root, "study.yaml", "N2-STORE-031");
    fs::remove_file(folder.study()).unwrap();
    fs::write(folder.study(), "name: check").unwrap();

    fs::write(root.join("trials/notes.txt"), "").unwrap();
    expect(&root, "trials/notes.txt", "N2-STORE-030");
    fs::remove_file(root.join("trials/notes.txt")).unwrap();
    create_folder(&root.join("trials/gcd_1_8")).unwrap();
    expect(&root, "trials/gcd_1_8", "N2-STORE-030");
    fs::remove_dir(root.join("trials/gcd_1_8")).unwrap();

    create_folder(&root.join("trials/gcd_1_9/1")).unwrap();
    expect(&root, "trials/gcd_1_9/1", "N2-STORE-026");
    fs::remove_dir_all(root.join("trials/gcd_1_9")).unwrap();

    let journal = fs::read(folder.journal()).unwrap();
    fs::write(folder.journal(), [&journal[..], b"{\"seq\":"].concat()).unwrap();
    expect(&root, "journal.ndjson", "N2-STORE-021");
    let mut damaged = journal.clone();
    damaged[10] ^= 1;
    fs::write(folder.journal(), damaged).unwrap();
    expect(&root, "journal.ndjson", "N2-STORE-006");
    assert_eq!(verify_run_storage(&root).unwrap().intact_records, 0);
    let lines: Vec<&[u8]> = journal.split_inclusive(|byte| *byte == b'\n').collect();
    fs::write(folder.journal(), [lines[0], lines[1], lines[3]].concat()).unwrap();
    expect(&root, "journal.ndjson", "N2-STORE-006");
    assert_eq!(verify_run_storage(&root).unwrap().intact_records, 2);
    fs::rename(folder.journal(), root.join("moved")).unwrap();
    fs::write(root.join("moved"), &journal).unwrap();
    symlink("moved", folder.journal()).unwrap();
    expect(&root, "journal.ndjson", "N2-STORE-031");
    fs::remove_file(folder.journal()).unwrap();
    fs::write(folder.journal(), journal).unwrap();

    fs::remove_dir_all(root.join("trials")).unwrap();
    expect(&root, "trials/gcd_1_1/1", "N2-STORE-025");
}

/// The index vouches for the files, the journal for the index.
#[test]
fn a_file_changed_together_with_its_index_is_caught() {
    let parent = tempfile::tempdir().unwrap();
    let root = parent.path().join("run");
    let folder = make_run(&root);
    let attempt_folder = folder.attempt("gcd", attempt(1));
    let (_, index) = ArtifactIndex::seal(&attempt_folder).unwrap();
    let mut journal = noodle2_store::open_for_append(&folder.journal()).unwrap();
    let sealed = Event::ArtifactsSealed {
        attempt: attempt(1),
        index,
    };
    journal
        .writer
        .append(&[(Timestamp::UNIX_EPOCH, sealed)])
        .unwrap();
    assert_eq!(problems(&root), []);

    let index = ArtifactIndex::path(&attempt_folder);
    fs::rename(&index, root.join("moved")).unwrap();
    symlink(root.join("moved"), &index).unwrap();
    expect(&root, "trials/gcd_1_1/1/artifacts.json", "N2-STORE-031");
    fs::remove_file(&index).unwrap();

    fs::write(attempt_folder.join("trial.tcl"), "quit").unwrap();
    ArtifactIndex::seal(&attempt_folder).unwrap();
    expect(&root, "trials/gcd_1_1/1/artifacts.json", "N2-STORE-027");
}

/// Files that follow from the journal: missing, changed, replaced, or more than follow.
#[test]
fn what_the_journal_gives_is_held_against_what_is_there() {
    let parent = tempfile::tempdir().unwrap();
    let folder = make_run(&parent.path().join("run"));
    let case = folder.case(&attempt(1).trial.case("gcd"));
    let netlist = case.join("netlist.v");
    let file = |path: &Path, required| DerivedFile {
        path: path.to_owned(),
        contents: vec![ContentHash::of("earlier"), ContentHash::of("now")],
        required,
    };
    let files = [file(&netlist, true), file(&folder.summary(), false)];
    let found = || -> Vec<(String, &str)> {
        check_derived(&folder, &files)
            .into_iter()
            .map(|problem| (problem.path.display().to_string(), problem.code))
            .collect()
    };
    let one = |path: &str, code| vec![(path.to_owned(), code)];
    assert_eq!(found(), one("cases/gcd_1_1/netlist.v", "N2-STORE-028"));
    create_folder(&case).unwrap();
    fs::write(&netlist, "now").unwrap();
    fs::write(folder.summary(), "earlier").unwrap();
    assert_eq!(found(), []);
    fs::write(folder.summary(), "better").unwrap();
    assert_eq!(found(), one("summary.json", "N2-STORE-029"));
    fs::remove_file(folder.summary()).unwrap();

    fs::write(case.join("notes.txt"), "").unwrap();
    assert_eq!(found(), one("cases/gcd_1_1/notes.txt", "N2-STORE-030"));
    fs::remove_file(case.join("notes.txt")).unwrap();
    create_folder(&folder.cases().join("gcd_1_7")).unwrap();
    assert_eq!(found(), one("cases/gcd_1_7", "N2-STORE-030"));
    fs::remove_dir(folder.cases().join("gcd_1_7")).unwrap();

    let elsewhere = parent.path().join("elsewhere");
    fs::rename(folder.cases(), &elsewhere).unwrap();
    symlink(&elsewhere, folder.cases()).unwrap();
    assert_eq!(found(), one("cases", "N2-STORE-031"));
}

#[test]
fn attempts_and_cases_without_a_record_are_found() {
    let parent = tempfile::tempdir().unwrap();
    let folder = make_run(&parent.path().join("run"));
    let records = read_journal(&folder.journal()).unwrap().records;
    let case = |derived| attempt(derived).trial.case("gcd");
    let found = |count: usize| {
        let started = records[..count]
            .iter()
            .filter_map(|record| match record.event {
                Event::AttemptStarted { attempt } => Some(attempt),
                _ => None,
            });
        unrecorded(&folder, "gcd", started, [case(1)].into_iter()).unwrap()
    };
    create_folder(&folder.case(&case(1))).unwrap();
    assert!(found(records.len()).is_empty());
    create_folder(&folder.case(&case(2))).unwrap();
    assert_eq!(
        found(2),
        [Path::new("trials/gcd_1_3/1"), Path::new("cases/gcd_1_2")]
    );
}

#[test]
fn what_is_no_run_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let error = verify_run_storage(folder.path()).unwrap_err();
    assert_eq!(error.code(), "N2-STORE-005");
}
