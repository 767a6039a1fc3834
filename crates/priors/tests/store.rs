//! The file: what is kept, what is told when it cannot be, and that nothing is ever lost by trying.

use std::fs;
use std::path::Path;
use std::time::Duration;

use noodle2_evidence::RecordedRun;
use noodle2_model::{
    ContentHash, Context, FailureClass, Metric, Observation, SizeClass, TrialResult,
};
use noodle2_priors::{
    Access, Addition, Exchange, Forgotten, PriorStore, PriorStoreError, Selection,
};
use rusqlite::Connection;

const PATIENCE: Duration = Duration::from_millis(50);

fn observation(key: &str, eco: &str, result: TrialResult) -> Observation {
    Observation {
        key: ContentHash::of(key),
        eco: eco.to_owned(),
        content: ContentHash::of(eco),
        context: Context {
            size: SizeClass::Under10k,
            ..Context::default()
        },
        result,
    }
}

fn run(id: &str, project: &str, ended_s: i64) -> RecordedRun {
    RecordedRun {
        id: ContentHash::of(id),
        project: project.to_owned(),
        study: format!("study_{id}"),
        platform: "osu018".to_owned(),
        digest: ContentHash::of("digest"),
        noodle2_version: "0".to_owned(),
        ended_s,
        observations: vec![
            observation(
                "a",
                "resize",
                TrialResult::Effect([(Metric::SetupTns, 1.25), (Metric::Power, -1e-7)].into()),
            ),
            observation("b", "resize", TrialResult::NoEffect),
            observation("c", "buffer", TrialResult::Failed(FailureClass::Segfault)),
        ],
    }
}

fn open(path: &Path) -> PriorStore {
    PriorStore::open(path, Access::Write, PATIENCE)
        .unwrap()
        .unwrap()
}

fn all(path: &Path) -> Vec<RecordedRun> {
    let store = PriorStore::open(path, Access::Read, PATIENCE).unwrap();
    store.unwrap().select(&Selection::default()).unwrap()
}

#[track_caller]
fn refused(path: &Path) -> PriorStoreError {
    let refused = PriorStore::open(path, Access::Write, PATIENCE)
        .and_then(|store| store.unwrap().add(&[run("x", "mine", 0)]).map(|_| ()));
    refused.unwrap_err()
}

#[test]
fn a_run_is_kept_once_to_the_last_digit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep/down/priors.sqlite");
    assert!(
        PriorStore::open(&path, Access::Read, PATIENCE)
            .unwrap()
            .is_none()
    );
    assert!(!path.exists(), "looking makes nothing");
    let runs = [run("one", "mine", 5), run("two", "mine", 6)];
    assert_eq!(open(&path).add(&runs).unwrap(), [Addition::Added; 2]);
    let before = fs::read(&path).unwrap();
    assert_eq!(open(&path).add(&runs).unwrap(), [Addition::Known; 2]);
    assert_eq!(fs::read(&path).unwrap(), before);
    let mut other = runs[0].clone();
    other.observations.pop();
    assert_eq!(open(&path).add(&[other]).unwrap(), [Addition::Different]);
    let mut kept = runs.to_vec();
    kept.sort_by_key(|run| run.id);
    assert_eq!(all(&path), kept);
}

#[test]
fn what_is_exported_is_imported_again_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let runs = [run("one", "mine", 5), run("two", "other", -6)];
    let text = Exchange::new(runs.to_vec()).text();
    let read = Exchange::read(text.as_bytes()).unwrap();
    let path = folder.path().join("priors.sqlite");
    open(&path).add(&read.runs).unwrap();
    assert_eq!(Exchange::new(all(&path)).text(), text);
}

#[test]
fn hostile_exports_are_refused_with_what_is_wrong() {
    let text = Exchange::new(vec![run("one", "mine", 5)]).text();
    let refused = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}: {text}");
        let changed = text.replacen(from, to, 1);
        Exchange::read(changed.as_bytes()).unwrap_err().to_string()
    };
    assert!(refused("noodle2-priors-1", "noodle2-priors-9").contains("format"));
    assert!(refused("\"mine\"", r#""mi\u001b[2Jne""#).contains("control characters"));
    assert!(refused("\"buffer\"", "\"\"").contains("an ECO"));
    assert!(refused("1.25", "1e999").contains("no export"));
    assert!(refused("\"segfault\"", "\"bad_luck\"").contains("no export"));
    assert!(refused("\"study\"", "\"studie\"").contains("no export"));
    assert!(Exchange::read(b"\xff").is_err());
}

#[test]
fn what_is_forgotten_is_counted_and_gone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("priors.sqlite");
    let runs = [
        run("one", "mine", 5),
        run("two", "mine", 60),
        run("six", "other", 7),
    ];
    open(&path).add(&runs).unwrap();
    let selection = |change: fn(&mut Selection)| {
        let mut selection = Selection::default();
        change(&mut selection);
        selection
    };
    let count = |observations, touched_runs, runs| Forgotten {
        observations,
        touched_runs,
        runs,
    };
    let buffers = selection(|selection| selection.eco = Some("buf*".to_owned()));
    let looked = open(&path).forget(&buffers, true).unwrap();
    assert_eq!(looked, count(3, 3, 0));
    assert_eq!(all(&path).len(), 3, "counting forgets nothing");
    assert_eq!(all(&path)[0].observations.len(), 3);

    assert_eq!(open(&path).forget(&buffers, false).unwrap(), looked);
    assert!(all(&path).iter().all(|run| run.observations.len() == 2));
    assert_eq!(
        open(&path).forget(&buffers, false).unwrap(),
        Forgotten::default()
    );
    let old = selection(|selection| {
        selection.before_s = Some(50);
        selection.project = Some("mine".to_owned());
    });
    assert_eq!(open(&path).forget(&old, false).unwrap(), count(2, 1, 1));
    let study = selection(|selection| selection.study = Some("study_six".to_owned()));
    assert_eq!(open(&path).forget(&study, false).unwrap(), count(2, 1, 1));
    let left: Vec<_> = all(&path).into_iter().map(|run| run.id).collect();
    assert_eq!(left, [ContentHash::of("two")]);
    // A run of which nothing was left may be recorded again.
    assert_eq!(open(&path).add(&runs[..1]).unwrap(), [Addition::Added]);
}

#[test]
fn a_damaged_store_is_told_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("priors.sqlite");
    let keeps = |content: &[u8]| {
        fs::write(&path, content).unwrap();
        let refused = refused(&path);
        assert_eq!(refused.code(), "N2-PRIORS-001", "{refused}");
        assert!(refused.to_string().contains("priors.sqlite"));
        assert_eq!(fs::read(&path).unwrap(), content);
    };
    keeps(b"this is no database, and somebody may still want it, whatever it may be");
    let sound = folder.path().join("sound.sqlite");
    let many: Vec<RecordedRun> = (0..60)
        .map(|number| run(&number.to_string(), "mine", 1))
        .collect();
    open(&sound).add(&many).unwrap();
    let sound = fs::read(sound).unwrap();
    keeps(&sound[..sound.len() / 2]);
    let mut overwritten = sound;
    let middle = overwritten.len() / 2;
    overwritten[middle..middle + 4096].fill(0xaa);
    keeps(&overwritten);
}

#[test]
fn a_row_that_cannot_be_understood_is_damage_and_no_default() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("priors.sqlite");
    for change in [
        "UPDATE observation SET result = '{\"effect\":{\"speed\":1}}'",
        "UPDATE observation SET size = 'huge'",
        "UPDATE observation SET key = 'abc'",
        "UPDATE run SET digest = ''",
    ] {
        let _ = fs::remove_file(&path);
        open(&path).add(&[run("one", "mine", 5)]).unwrap();
        Connection::open(&path)
            .unwrap()
            .execute(change, [])
            .unwrap();
        let store = PriorStore::open(&path, Access::Read, PATIENCE).unwrap();
        let read = store.unwrap().select(&Selection::default());
        assert_eq!(read.unwrap_err().code(), "N2-PRIORS-001", "{change}");
    }
}

#[test]
fn another_database_and_a_later_version_are_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.sqlite");
    let other = Connection::open(&path).unwrap();
    other
        .execute_batch("CREATE TABLE contacts (name TEXT)")
        .unwrap();
    drop(other);
    assert_eq!(refused(&path).code(), "N2-PRIORS-002");

    let path = folder.path().join("later.sqlite");
    drop(open(&path));
    let later = Connection::open(&path).unwrap();
    later.pragma_update(None, "user_version", 7).unwrap();
    drop(later);
    assert_eq!(refused(&path).code(), "N2-PRIORS-003");
}

#[test]
fn a_store_that_another_process_holds_is_busy_and_not_half_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("priors.sqlite");
    open(&path).add(&[run("one", "mine", 5)]).unwrap();
    let holder = Connection::open(&path).unwrap();
    holder.execute_batch("BEGIN EXCLUSIVE").unwrap();
    assert_eq!(refused(&path).code(), "N2-PRIORS-004");
    holder.execute_batch("ROLLBACK").unwrap();
    assert_eq!(all(&path).len(), 1);
    open(&path).add(&[run("two", "mine", 5)]).unwrap();
}

#[test]
fn a_place_that_cannot_be_written_is_told() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    let below_a_file = refused(&folder.path().join("file/priors.sqlite"));
    assert_eq!(below_a_file.code(), "N2-PRIORS-005", "{below_a_file}");
    let a_folder = refused(folder.path());
    assert_eq!(a_folder.code(), "N2-PRIORS-005", "{a_folder}");
}

/// What a writer that was killed in the midst of its work leaves behind: the file and its rollback journal.
#[test]
fn what_a_killed_writer_began_is_rolled_back_by_the_next_reader() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("priors.sqlite");
    let journal = folder.path().join("priors.sqlite-journal");
    let many: Vec<RecordedRun> = (0..40)
        .map(|number| run(&number.to_string(), "mine", 1))
        .collect();
    open(&path).add(&many).unwrap();
    let killed = folder.path().join("killed.sqlite");
    let writer = Connection::open(&path).unwrap();
    writer.pragma_update(None, "cache_size", 1).unwrap();
    writer
        .execute_batch("BEGIN IMMEDIATE; DELETE FROM observation; UPDATE run SET project = 'torn'")
        .unwrap();
    assert!(fs::metadata(&journal).unwrap().len() > 0);
    fs::copy(&path, &killed).unwrap();
    fs::copy(&journal, folder.path().join("killed.sqlite-journal")).unwrap();
    drop(writer);
    assert_eq!(all(&killed), all(&path));
    assert_eq!(all(&killed).len(), 40);
}

#[test]
fn many_writers_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("priors.sqlite");
    std::thread::scope(|scope| {
        for writer in 0..8 {
            let path = &path;
            scope.spawn(move || {
                let patience = Duration::from_secs(30);
                let store = PriorStore::open(path, Access::Write, patience).unwrap();
                let mut store = store.unwrap();
                for number in 0..5 {
                    let run = run(&format!("{writer} {number}"), "mine", 1);
                    assert_eq!(store.add(&[run]).unwrap(), [Addition::Added]);
                }
            });
        }
    });
    assert_eq!(all(&path).len(), 40);
}
