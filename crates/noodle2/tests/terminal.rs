//! What stands on a terminal while a run goes on, by real runs on a pseudo-terminal and a model of what it shows.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use support::screen::Screen;
use support::*;

/// The branching study, whose trials behind the first stage wait until `go` is there.
fn held_study(folder: &Path) -> (PathBuf, PathBuf) {
    let study = template(folder, "branching");
    let go = folder.join("go");
    let first = format!(
        "case \"$PWD\" in */trials/*_[12]_*/*) while [ ! -e {} ]; do sleep 0.05; done;; esac",
        text(&go)
    );
    engine_after(&study, &first);
    (study, go)
}

fn on_a_terminal(arguments: &[&str]) -> Command {
    let mut command = noodle2();
    command
        .args(arguments)
        .env("TERM", "xterm-256color")
        // The model of a terminal cuts lines that are too wide, as this one does.
        .env("XTERM_VERSION", "XTerm(390)")
        .env("LC_ALL", "C.UTF-8")
        .env_remove("NO_COLOR");
    command
}

#[test]
fn a_run_draws_its_stages_and_leaves_the_terminal_clean() {
    let folder = tempfile::tempdir().unwrap();
    let (study, go) = held_study(folder.path());
    let run = folder.path().join("run");
    let arguments = ["run", text(&study), "--out", text(&run), "-j", "2"];
    let mut screen = Screen::start(&on_a_terminal(&arguments), 24, 80);
    screen.wait_for("2 of 2 workers busy");
    screen.wait_until("both branches", |shown| {
        shown.contains("✓") && shown.matches("●").count() == 2 && shown.contains("├─╮")
    });
    // Larger, then smaller: each time the whole graph, and once.
    for (rows, columns) in [(40, 120), (24, 100)] {
        screen.resize(rows, columns);
        let width = usize::from(columns);
        screen.wait_until("the new width", |shown| {
            let best = shown.lines().filter(|line| line.contains("best -"));
            let mut widths = best.map(|line| line.chars().count());
            widths.any(|found| found == width - 1) && shown.matches("├─╮").count() == 1
        });
    }
    fs::write(go, "").unwrap();
    assert_eq!(screen.end(), Some(0));
    screen.is_clean();
    let everything = screen.everything();
    // One message for each stage, above the lines, and each once.
    let starts = everything.matches(": starts from").count();
    let started = journal(&run).into_iter();
    let started = started.filter(|record| record["event"]["type"] == "stage_started");
    assert_eq!(starts, started.count(), "{everything}");
    assert!(everything.contains(": completed"), "{everything}");
    assert!(screen.bytes().contains("\x1b[32m"));
}

#[test]
fn ctrl_c_once_lets_trials_finish_and_twice_kills_them() {
    let folder = tempfile::tempdir().unwrap();
    let (study, go) = held_study(folder.path());
    let run = folder.path().join("run");
    let arguments = ["run", text(&study), "--out", text(&run), "-j", "2"];
    let mut screen = Screen::start(&on_a_terminal(&arguments), 15, 60);
    screen.wait_for("2 of 2 workers");
    screen.wait_until("both branches", |shown| shown.matches("●").count() == 2);
    screen.press(b"\x03");
    screen.wait_until("what Ctrl-C does", |_| {
        screen.everything().contains("Ctrl-C again kills")
    });
    screen.press(b"\x03");
    assert_eq!(screen.end(), Some(7));
    screen.is_clean();
    assert!(screen.everything().contains("noodle2 resume"));

    let mut command = on_a_terminal(&["resume", text(&run), "-j", "2"]);
    command.env("NO_COLOR", "1").env("LC_ALL", "C");
    let mut screen = Screen::start(&command, 24, 80);
    screen.wait_until("both branches", |shown| {
        shown.contains("|\\") && shown.contains("2 of 2 workers busy")
    });
    screen.press(b"\x03");
    screen.wait_for("stops when what runs has ended");
    let drawn = screen.bytes();
    fs::write(go, "").unwrap();
    assert_eq!(screen.end(), Some(7));
    screen.is_clean();
    // Neither colour nor, in this locale, any line but of ASCII.
    assert!(
        !drawn.contains("\x1b[3") && !drawn.contains("\x1b[1m"),
        "{drawn}"
    );
    assert!(!drawn.contains('├') && !drawn.contains('█'));
}

#[test]
fn a_dumb_terminal_and_a_pipe_get_plain_lines() {
    let folder = tempfile::tempdir().unwrap();
    let study = template(folder.path(), "sequential");
    let run = folder.path().join("run");
    let mut command = on_a_terminal(&["run", text(&study), "--out", text(&run)]);
    command.env("TERM", "dumb");
    let mut screen = Screen::start(&command, 24, 80);
    assert_eq!(screen.end(), Some(0));
    assert!(!screen.bytes().contains('\x1b'));
    assert!(screen.everything().contains(": starts from"));

    let quiet = folder.path().join("quiet");
    let arguments = ["run", text(&study), "--out", text(&quiet), "--quiet"];
    let mut screen = Screen::start(&on_a_terminal(&arguments), 24, 80);
    assert_eq!(screen.end(), Some(0));
    assert!(!screen.bytes().contains('\x1b'));
    assert!(!screen.everything().contains(": starts from"));

    let (stdout, stderr) = ends(0, &["status", text(&run), "--watch"]);
    assert!(
        !stderr.contains('\x1b') && stdout.contains("completed"),
        "{stderr}"
    );
}

#[test]
fn a_run_of_another_process_is_followed_to_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let (study, go) = held_study(folder.path());
    let run = folder.path().join("run");
    let mut worker = start(&["run", text(&study), "--out", text(&run), "-j", "2"]);
    wait_until(&mut worker, &run, |records| {
        let starts = records.iter().map(|record| &record["event"]);
        let starts = starts.filter(|event| event["type"] == "stage_started");
        starts.count() == 3
    });
    let mut screen = Screen::start(&on_a_terminal(&["status", text(&run), "--watch"]), 24, 80);
    screen.wait_until("both branches", |shown| {
        shown.matches("●").count() == 2 && shown.contains("├─╮")
    });
    // Whoever only watches can leave; the run goes on.
    let mut left = Screen::start(&on_a_terminal(&["status", text(&run), "--watch"]), 24, 80);
    left.wait_for("├─╮");
    left.press(b"\x03");
    assert_ne!(left.end(), Some(0));
    assert!(worker.try_wait().unwrap().is_none());
    fs::write(go, "").unwrap();
    assert_eq!(screen.end(), Some(0));
    screen.is_clean();
    assert!(worker.wait().unwrap().success());
    let everything = screen.everything();
    // What happened after somebody looked was told above; what happened before was not.
    assert_eq!(
        everything.matches("merge: starts from").count(),
        1,
        "{everything}"
    );
    assert!(!everything.contains("common: starts from"), "{everything}");
    assert!(everything.contains("completed"), "{everything}");
    ends(0, &["verify", text(&run)]);
}

#[test]
fn a_run_that_was_killed_ends_the_watch_and_one_that_is_not_there_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let (study, _) = held_study(folder.path());
    let run = folder.path().join("run");
    let mut worker = start(&["run", text(&study), "--out", text(&run), "-j", "1"]);
    wait_until(&mut worker, &run, |records| records.len() >= 8);
    let mut screen = Screen::start(&on_a_terminal(&["status", text(&run), "--watch"]), 24, 80);
    screen.wait_for(": running");
    worker.kill().unwrap();
    worker.wait().unwrap();
    assert_eq!(screen.end(), Some(0));
    screen.is_clean();
    assert!(screen.everything().contains("interrupted, can be resumed"));

    let (_, stderr) = ends(2, &["status", text(&folder.path().join("none")), "--watch"]);
    assert!(stderr.contains("it does not exist"), "{stderr}");
}
