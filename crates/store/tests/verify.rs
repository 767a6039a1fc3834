//! The check of a whole run folder.

use std::fs;
use std::path::Path;

use jiff::Timestamp;
use noodle2_model::{
    AttemptId, AttemptUsage, ContentHash, Event, Failure, FailureClass, Outcome, RunIdentity,
    StageIndex, TrialId,
};
use noodle2_store::{ArtifactIndex, JournalWriter, RunFolder, create_folder, verify_run_storage};

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
    let case = run.folder.case(&attempt(1).trial.case("gcd"));
    create_folder(&case).unwrap();
    fs::write(case.join("netlist.v"), "module gcd; endmodule").unwrap();
    ArtifactIndex::seal(&case).unwrap();
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

    let case_extra = root.join("cases/gcd_1_1/extra.v");
    fs::write(&case_extra, "").unwrap();
    expect(&root, "cases/gcd_1_1/extra.v", "N2-STORE-024");
    fs::remove_file(case_extra).unwrap();

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

    fs::write(attempt_folder.join("trial.tcl"), "quit").unwrap();
    ArtifactIndex::seal(&attempt_folder).unwrap();
    expect(&root, "trials/gcd_1_1/1/artifacts.json", "N2-STORE-027");
}

#[test]
fn what_is_no_run_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let error = verify_run_storage(folder.path()).unwrap_err();
    assert_eq!(error.code(), "N2-STORE-005");
}
