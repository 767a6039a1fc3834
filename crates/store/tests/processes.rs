//! What only shows across processes: locks that go with their holder, and disks that are full.
//!
//! Each test starts this same test program again, naming one of the `child_*` tests, which do nothing
//! unless they are told a folder through the environment.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a child tells its parent how far it is, and a test tells when it is skipped"
)]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use jiff::Timestamp;
use noodle2_model::Event;
use noodle2_store::{
    JournalWriter, RunFolder, RunLock, StoreError, open_for_append, read_journal, write_atomic,
};

const FOLDER: &str = "NOODLE2_STORE_TEST_FOLDER";

/// The folder that this process was started for, when it was started as a child.
fn told_folder() -> Option<PathBuf> {
    std::env::var_os(FOLDER).map(PathBuf::from)
}

/// The arguments that make this test program run one test with its output shown.
fn arguments(test: &str) -> [&str; 3] {
    ["--exact", test, "--nocapture"]
}

fn this_program() -> PathBuf {
    std::env::current_exe().unwrap()
}

fn events(count: usize) -> Vec<(Timestamp, Event)> {
    vec![(Timestamp::UNIX_EPOCH, Event::RunResumed); count]
}

#[test]
fn child_that_holds_the_lock() {
    let Some(folder) = told_folder() else { return };
    let run = RunFolder::open_for_writing(&folder).unwrap();
    let mut journal = open_for_append(&run.folder.journal()).unwrap();
    journal.writer.append(&events(1)).unwrap();
    println!("\nholding");
    std::io::stdout().flush().unwrap();
    // Waits for its end: the parent never writes.
    let _ = std::io::stdin().read_line(&mut String::new());
}

#[test]
fn a_second_writer_is_refused_until_the_first_is_gone_even_by_sigkill() {
    let parent = tempfile::tempdir().unwrap();
    let root = parent.path().join("run");
    let first = RunFolder::create(&root).unwrap();
    let mut journal = JournalWriter::create(&first.folder.journal()).unwrap();
    journal.append(&events(1)).unwrap();
    let refused = RunLock::acquire(&root).unwrap_err();
    assert!(matches!(refused, StoreError::Locked { .. }), "{refused}");
    drop((first, journal));

    let mut child = Command::new(this_program())
        .args(arguments("child_that_holds_the_lock"))
        .env(FOLDER, &root)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    assert!(
        output.lines().any(|line| line.unwrap() == "holding"),
        "the child never got the lock"
    );

    let refused = RunFolder::open_for_writing(&root).unwrap_err();
    assert_eq!(refused.code(), "N2-STORE-003");
    let holder = format!("process {} on ", child.id());
    assert!(refused.to_string().contains(&holder), "{refused}");
    // Reading needs no lock.
    let reading = RunFolder::open(&root).unwrap();
    assert_eq!(read_journal(&reading.journal()).unwrap().records.len(), 2);

    child.kill().unwrap();
    child.wait().unwrap();
    fs::write(root.join(".noodle2-tmp-left"), "half").unwrap();
    let second = RunFolder::open_for_writing(&root).unwrap();
    assert_eq!(second.removed, [root.join(".noodle2-tmp-left")]);
    let journal = open_for_append(&second.folder.journal()).unwrap();
    assert_eq!(journal.records.len(), 2);
}

/// Fills what room there is, in the way that a run would.
fn fill(folder: &Path, expect_disk_full: bool) {
    let path = folder.join("journal.ndjson");
    let mut writer = JournalWriter::create(&path).unwrap();
    writer.append(&events(3)).unwrap();
    let good = fs::read(&path).unwrap();

    let error = writer.append(&events(1000)).unwrap_err();
    assert_eq!(error.is_disk_full(), expect_disk_full, "{error}");
    assert!(error.to_string().contains("journal.ndjson"), "{error}");
    assert_eq!(
        fs::read(&path).unwrap(),
        good,
        "the part that was written is cut"
    );
    assert_eq!(
        writer.append(&events(1)).unwrap_err().code(),
        "N2-STORE-008"
    );
    let mut again = open_for_append(&path).unwrap();
    assert_eq!((again.records.len(), again.cut), (3, None));
    again.writer.append(&events(1)).unwrap();

    let summary = folder.join("summary.json");
    write_atomic(&summary, "old").unwrap();
    let error = write_atomic(&summary, vec![b' '; 1 << 20]).unwrap_err();
    assert_eq!(error.is_disk_full(), expect_disk_full, "{error}");
    assert_eq!(fs::read_to_string(&summary).unwrap(), "old");
    assert_eq!(fs::read_dir(folder).unwrap().count(), 2, "a part was left");
    println!("\nfilled");
}

#[test]
fn child_on_a_small_disk() {
    let Some(folder) = told_folder() else { return };
    fill(&folder, true);
}

#[test]
fn child_with_a_limit_on_file_size() {
    let Some(folder) = told_folder() else { return };
    fill(&folder, false);
}

/// Runs a shell that arranges something and then becomes this test program.
fn run_in_shell(mut shell: Command, script: &str, test: &str, folder: &Path) -> (bool, String) {
    let output = shell
        .args(["sh", "-c", script, "sh"])
        .arg(this_program())
        .args(arguments(test))
        .env(FOLDER, folder)
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    (output.status.success() && text.contains("\nfilled"), text)
}

#[test]
fn a_full_disk_loses_nothing_that_was_recorded() {
    let mut unshare = Command::new("unshare");
    unshare.args(["--user", "--map-root-user", "--mount"]);
    let possible = Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "true"])
        .output();
    if !possible.is_ok_and(|output| output.status.success()) {
        eprintln!("SKIPPED: no small file system can be mounted here (`unshare` is refused)");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let script = format!("mount -t tmpfs -o size=64k none \"${FOLDER}\" || exit 77; exec \"$@\"");
    let (done, text) = run_in_shell(unshare, &script, "child_on_a_small_disk", folder.path());
    if text.contains("mount:") {
        eprintln!("SKIPPED: no small file system can be mounted here: {text}");
        return;
    }
    assert!(done, "{text}");
}

#[test]
fn a_write_that_stops_half_way_is_cut_back() {
    let folder = tempfile::tempdir().unwrap();
    // With the signal ignored, the write that crosses the limit is cut short and the next one fails.
    let script = "trap '' XFSZ; ulimit -f 64; exec \"$@\"";
    let (done, text) = run_in_shell(
        Command::new("env"),
        script,
        "child_with_a_limit_on_file_size",
        folder.path(),
    );
    assert!(done, "{text}");
}
