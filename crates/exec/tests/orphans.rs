//! What is left when the controller or a supervisor is killed: nothing.

mod common;

use std::process::{Child, Command, Stdio};

use common::{Bench, PROBE, eventually, processes_with, sleepers, unique};
use noodle2_exec::{MARKER, sweep};
use noodle2_model::CommandEnding;
use rustix::process::{Pid, Signal, kill_process};

fn send(pid: u32, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    kill_process(pid, signal).unwrap();
}

/// Ends what a failed test would leave to wait for its number of seconds.
struct Cleaning<'a>(&'a str);

impl Drop for Cleaning<'_> {
    fn drop(&mut self) {
        sweep(self.0);
    }
}

/// The one supervisor of the bench's run.
fn supervisor_of(bench: &Bench) -> u32 {
    let supervisors = processes_with("NOODLE2_SUPERVISOR=1");
    let mut ours = processes_with(&format!("{MARKER}={}/", bench.run));
    ours.retain(|pid| supervisors.contains(pid));
    assert_eq!(ours.len(), 1, "{ours:?}");
    ours[0]
}

/// Starts a controller that runs a script, and waits until this many of the script's `sleep` run.
fn controller(bench: &Bench, number: &str, script: &str, sleeping: usize) -> Child {
    let controller = Command::new(PROBE)
        .args([&bench.run, bench.path("log").to_str().unwrap(), "1000"])
        .args(["/bin/sh", "-c", script])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    eventually("all descendants run", || sleepers(number).len() == sleeping);
    controller
}

/// A script with descendants of every kind, four of which sleep.
fn clan(number: &str) -> String {
    format!(
        "trap '' TERM HUP; sleep {number} & setsid sleep {number} & (setsid env -i /bin/sleep {number} &); \
         setsid sh -c 'trap \"\" TERM HUP; setsid sleep {number}; :' & while :; do wait; done"
    )
}

#[test]
fn nothing_survives_a_controller_that_is_killed() {
    let bench = Bench::supervised();
    let number = unique();
    let mut controller = controller(&bench, &number, &clan(&number), 4);
    controller.kill().unwrap();
    controller.wait().unwrap();
    eventually("every process is gone", || {
        processes_with(&number).is_empty() && processes_with(&bench.run).is_empty()
    });
}

#[test]
fn a_supervisor_heeds_its_socket_alone() {
    let bench = Bench::supervised();
    let number = unique();
    let mut controller = controller(&bench, &number, &clan(&number), 4);
    let supervisor = supervisor_of(&bench);
    for signal in [Signal::INT, Signal::TERM, Signal::HUP, Signal::QUIT] {
        send(supervisor, signal);
    }
    let status = || std::fs::read_to_string(format!("/proc/{supervisor}/status")).unwrap();
    eventually("the signals are delivered", || {
        status().contains("\nShdPnd:\t0000000000000000")
    });
    assert!(!status().contains("State:\tZ"), "{}", status());
    assert!(!processes_with(&number).is_empty());
    controller.kill().unwrap();
    controller.wait().unwrap();
    eventually("every process is gone", || {
        processes_with(&number).is_empty()
    });
}

#[test]
fn a_tool_dies_with_its_supervisor_and_a_sweep_finds_the_rest() {
    let bench = Bench::supervised();
    let number = unique();
    let script = format!("setsid sleep {number} & exec sleep {number}");
    let mut controller = controller(&bench, &number, &script, 2);
    // Stopped, the controller cannot clean up after its supervisor: only the kernel can.
    send(controller.id(), Signal::STOP);
    send(supervisor_of(&bench), Signal::KILL);
    let sleeping = || sleepers(&number);
    eventually("the tool is gone", || sleeping().len() == 1);
    controller.kill().unwrap();
    controller.wait().unwrap();
    assert_eq!(sleeping().len(), 1, "nobody was left to end it");
    let killed = sweep(&bench.run);
    assert_eq!(killed.len(), 1, "{killed:?}");
    assert_eq!(killed[0].attempt, "probe");
    assert_eq!(sleeping(), [0_u32; 0]);
}

#[test]
fn a_sweep_ends_what_a_killed_controller_left_and_nothing_of_other_runs() {
    let number = unique();
    let (ours, theirs) = (format!("ours-{number}"), format!("ours-{number}0"));
    let start = |run: &str| {
        Command::new("/bin/sh")
            .args([
                "-c",
                &format!("setsid env -u {MARKER} sleep {number} & setsid sleep {number} & wait"),
            ])
            .env(MARKER, format!("{run}/3_4.1#7.0"))
            .spawn()
            .unwrap()
    };
    let _cleaning = (Cleaning(&ours), Cleaning(&theirs));
    let (mut our_child, mut their_child) = (start(&ours), start(&theirs));
    eventually("both run", || sleepers(&number).len() == 4);

    let killed = sweep(&ours);
    assert_eq!(killed.len(), 3, "{killed:?}");
    assert!(
        killed
            .iter()
            .any(|one| one.command_line == format!("sleep {number}"))
    );
    assert_eq!(
        killed.iter().filter(|one| one.attempt == "3_4.1").count(),
        2
    );
    assert!(killed.iter().any(|one| one.pid == our_child.id() as i32));
    assert!(!our_child.wait().unwrap().success());
    assert_eq!(sweep(&ours), []);

    assert!(
        their_child.try_wait().unwrap().is_none(),
        "another run was touched"
    );
    assert_eq!(sweep(&theirs).len(), 3);
    their_child.wait().unwrap();
    assert!(processes_with(&number).is_empty());
}

#[test]
fn a_killed_supervisor_is_reported_and_takes_its_command_along() {
    let bench = Bench::supervised();
    let number = unique();
    let report = bench.run_and(
        &format!("setsid sleep {number} & echo ready; sleep {number}; :"),
        |_| {
            send(supervisor_of(&bench), Signal::KILL);
        },
    );
    assert_eq!(report.ending, CommandEnding::Signalled(9));
    assert_eq!(report.stopped_by, None);
    assert!(processes_with(&number).is_empty());
}
