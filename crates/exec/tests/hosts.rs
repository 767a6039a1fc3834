//! Commands that are forks of loaded processes: real forks of a real interpreter.

mod common;

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use common::{Bench, PROBE, eventually, processes_with, sleepers, unique};
use noodle2_exec::{CancelToken, Hosts, MARKER};
use noodle2_model::{CommandEnding, CommandReport, CommandSpec, ForkPlan, HostSpec, StopReason};

const PROTOCOL: &str = include_str!("host.tcl");
const PLENTY: u64 = 1 << 34;

/// A bench with a keeper, and the scripts of its hosts.
struct Nest {
    bench: Bench,
    hosts: Option<Hosts>,
}

impl Nest {
    fn new(memory_bytes: u64) -> Self {
        let bench = Bench::supervised();
        let folder = bench.path("engines");
        let hosts = Hosts::start(&bench.guard(), &folder, memory_bytes).unwrap();
        Self {
            bench,
            hosts: Some(hosts),
        }
    }

    /// What `script` does in a fork of the last of these hosts, each of which loads what its text says.
    fn spec(&self, name: &str, loads: &[&str], script: &str) -> CommandSpec {
        let folder = self.bench.path(name);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("fork.tcl"), script).unwrap();
        let mut chain: Vec<HostSpec> = Vec::new();
        for (number, loads) in loads.iter().enumerate() {
            let protocol = if number == 0 { PROTOCOL } else { "" };
            let host = HostSpec::after(&chain, format!("{protocol}\n{loads}\nhost\n"));
            chain.push(host);
        }
        CommandSpec {
            program: "/usr/bin/tclsh".into(),
            arguments: vec!["cold.tcl".to_owned()],
            log: folder.join("log"),
            folder,
            fork: Some(ForkPlan {
                hosts: chain,
                script: "fork.tcl".into(),
            }),
            ..self.bench.spec("")
        }
    }

    fn run(&self, spec: &CommandSpec) -> CommandReport {
        self.try_run(spec).unwrap()
    }

    fn try_run(&self, spec: &CommandSpec) -> Result<CommandReport, String> {
        let hosts = self.hosts.as_ref().unwrap();
        hosts
            .run(spec, &self.bench.guard(), &CancelToken::new())
            .map_err(|refusal| refusal.reason)
    }
}

fn log(spec: &CommandSpec) -> String {
    std::fs::read_to_string(&spec.log).unwrap()
}

fn status_of(pid: &str) -> Option<String> {
    std::fs::read_to_string(Path::new("/proc").join(pid).join("status")).ok()
}

#[test]
fn what_was_loaded_once_is_there_in_every_fork_and_no_fork_sees_another() {
    let nest = Nest::new(PLENTY);
    let loads = ["set loaded [list root [pid]]", "lappend loaded case [pid]"];
    let logs: Vec<String> = (0..4)
        .map(|number| {
            let script = "puts $loaded; puts [info exists seen]; set seen 1; puts [pwd]";
            let spec = nest.spec(&format!("trial-{number}"), &loads, script);
            let report = nest.run(&spec);
            assert_eq!(report.ending, CommandEnding::Exited(0));
            assert!(report.forked && report.usage.cpu_s >= 0.0);
            let log = log(&spec);
            assert!(
                log.ends_with(&format!("0\n{}\n", spec.folder.display())),
                "{log}"
            );
            log.lines().next().unwrap().to_owned()
        })
        .collect();
    // The same processes loaded it for all of them.
    assert!(
        logs[0].starts_with("root ") && logs[0].contains(" case "),
        "{logs:?}"
    );
    assert!(logs.iter().all(|log| *log == logs[0]), "{logs:?}");
}

#[test]
fn a_fork_that_crashes_hangs_or_eats_memory_takes_itself_along_and_nothing_else() {
    let mut nest = Nest::new(PLENTY);
    nest.bench.grace = Duration::from_millis(100);
    let loads = ["set loaded [pid]"];
    let first = nest.spec("first", &loads, "puts $loaded");
    nest.run(&first);

    let crash = nest.run(&nest.spec("crash", &loads, "kill SEGV [pid]; after 100000"));
    assert_eq!(
        (crash.ending, crash.stopped_by),
        (CommandEnding::Signalled(11), None)
    );

    let mut hang = nest.spec("hang", &loads, "while 1 {}");
    hang.limits.wall = Duration::from_millis(300);
    let hang = nest.run(&hang);
    assert_eq!(hang.stopped_by, Some(StopReason::WallLimit));
    assert_eq!(hang.ending, CommandEnding::Signalled(15));

    let mut deaf = nest.spec("deaf", &loads, "signal ignore SIGTERM; while 1 {}");
    deaf.limits.cpu = Duration::from_millis(300);
    let deaf = nest.run(&deaf);
    assert_eq!(deaf.stopped_by, Some(StopReason::CpuLimit));
    assert_eq!(deaf.ending, CommandEnding::Signalled(9));

    let mut hog = nest.spec(
        "hog",
        &loads,
        "while 1 { append hog [string repeat x 1000000] }",
    );
    hog.limits.memory_bytes = 200 << 20;
    let hog = nest.run(&hog);
    assert_eq!(
        hog.stopped_by,
        Some(StopReason::MemoryLimit),
        "{:?}",
        hog.ending
    );

    let mut talker = nest.spec("talker", &loads, "while 1 { puts [string repeat x 1000] }");
    talker.limits.output_bytes = 5000;
    talker.limits.wall = Duration::from_millis(300);
    let report = nest.run(&talker);
    assert!(report.output_truncated && log(&talker).contains("5000 bytes kept"));

    // The host is the one that it was.
    let last = nest.spec("last", &loads, "puts $loaded");
    nest.run(&last);
    assert_eq!(log(&last), log(&first));
}

#[test]
fn a_cancelled_fork_ends_with_all_that_it_started() {
    let nest = Nest::new(PLENTY);
    let number = unique();
    let script = format!(
        "exec sleep {number} &\nexec setsid sleep {number} &\nputs ready\nwhile 1 {{ after 1000 }}"
    );
    let spec = nest.spec("clan", &[""], &script);
    let token = CancelToken::new();
    let report = std::thread::scope(|scope| {
        let hosts = nest.hosts.as_ref().unwrap();
        let running = scope.spawn(|| hosts.run(&spec, &nest.bench.guard(), &token).unwrap());
        eventually("both sleep", || sleepers(&number).len() == 2);
        token.kill();
        running.join().unwrap()
    });
    assert_eq!(report.stopped_by, Some(StopReason::Cancelled));
    eventually("nothing sleeps", || sleepers(&number).is_empty());
}

#[test]
fn what_leaves_its_command_and_outlives_it_is_ended() {
    let nest = Nest::new(PLENTY);
    let number = unique();
    // Its parent ends at once, so that nobody knows any more whose it is.
    let script = format!(
        "exec sh -c {{(setsid sleep {number} &) ; exit 0}} >/dev/null 2>/dev/null </dev/null"
    );
    let report = nest.run(&nest.spec("daemon", &[""], &script));
    assert_eq!(report.ending, CommandEnding::Exited(0));
    nest.run(&nest.spec("next", &[""], ""));
    eventually("nothing sleeps", || sleepers(&number).is_empty());
}

#[test]
fn a_host_that_cannot_load_is_told_once_and_nothing_of_the_command_runs() {
    let nest = Nest::new(PLENTY);
    let ran = nest.bench.path("ran");
    let loads = ["reply failed {no such library}; exit 1"];
    let script = format!("close [open {} w]", ran.display());
    for _ in 0..2 {
        let why = nest
            .try_run(&nest.spec("refused", &loads, &script))
            .unwrap_err();
        assert!(why.ends_with("no such library"), "{why}");
    }
    for loads in ["exit 3", "puts x", "kill SEGV [pid]"] {
        let spec = nest.spec("lost", &[&format!("{loads}; exit 0")], &script);
        for _ in 0..5 {
            nest.try_run(&spec).unwrap_err();
        }
        assert!(
            nest.try_run(&spec)
                .unwrap_err()
                .ends_with("it was lost 3 times")
        );
    }
    assert!(!ran.exists());
}

#[test]
fn a_host_that_does_not_load_in_time_ends() {
    let nest = Nest::new(PLENTY);
    let number = unique();
    let mut spec = nest.spec("slow", &[&format!("exec sleep {number}")], "");
    spec.limits.wall = Duration::from_millis(300);
    let why = nest.try_run(&spec).unwrap_err();
    assert!(why.ends_with("it did not load in time"), "{why}");
    eventually("nothing sleeps", || sleepers(&number).is_empty());
}

#[test]
fn a_host_that_dies_is_loaded_again_and_its_forks_go_on() {
    let nest = Nest::new(PLENTY);
    let loads = ["set loaded [pid]"];
    let spec = |name: &str, script: &str| nest.spec(name, &loads, script);
    let first = spec("first", "puts $loaded");
    nest.run(&first);
    let host = log(&first).trim().to_owned();
    let survivor = spec(
        "survivor",
        &format!("kill KILL {host}; after 300; puts whole"),
    );
    assert_eq!(nest.run(&survivor).ending, CommandEnding::Exited(0));
    assert_eq!(log(&survivor), "whole\n");
    eventually("the host is gone", || status_of(&host).is_none());
    // A command that comes before the keeper has noticed is not forked, and would be started anew.
    let next = spec("next", "puts $loaded");
    eventually("it is loaded again", || nest.try_run(&next).is_ok());
    assert_ne!(log(&next).trim(), host);
}

#[test]
fn hosts_beyond_the_memory_sleep_and_are_loaded_again_when_needed() {
    let nest = Nest::new(40 << 20);
    let run = |name: &str, case: u32| {
        let load = format!("set loaded {{{case}}}; set ballast [string repeat x 30000000]");
        let spec = nest.spec(
            name,
            &["", &load],
            "puts \"$loaded [string length $ballast]\"",
        );
        assert_eq!(nest.run(&spec).ending, CommandEnding::Exited(0));
        assert_eq!(log(&spec), format!("{case} 30000000\n"));
    };
    let hosts = || {
        let marked = processes_with(&format!("{MARKER}={}/", nest.bench.run));
        let is_tclsh = |pid: &&u32| {
            let name = std::fs::read_to_string(format!("/proc/{pid}/comm"));
            name.is_ok_and(|name| name.trim() == "tclsh")
        };
        marked.iter().filter(is_tclsh).count()
    };
    for case in 0..5 {
        run(&format!("case-{case}"), case);
    }
    eventually("two are awake at most", || hosts() <= 2);
    run("again", 0);
}

#[test]
fn many_at_once_share_one_host() {
    let nest = Nest::new(PLENTY);
    let specs: Vec<CommandSpec> = (0..40)
        .map(|number| {
            nest.spec(
                &format!("trial-{number}"),
                &["set loaded [pid]"],
                "puts $loaded",
            )
        })
        .collect();
    std::thread::scope(|scope| {
        for chunk in specs.chunks(10) {
            scope.spawn(|| chunk.iter().for_each(|spec| drop(nest.run(spec))));
        }
    });
    assert!(specs.iter().all(|spec| log(spec) == log(&specs[0])));
}

#[test]
fn when_the_keeper_is_killed_its_forks_are_too_and_are_reported_so() {
    let nest = Nest::new(PLENTY);
    let number = unique();
    let spec = nest.spec("lost", &[""], &format!("exec sleep {number}"));
    let report = std::thread::scope(|scope| {
        let running = scope.spawn(|| nest.run(&spec));
        eventually("it sleeps", || sleepers(&number).len() == 1);
        let keeper = processes_with("NOODLE2_SUPERVISOR=1")
            .into_iter()
            .find(|pid| processes_with(&nest.bench.run).contains(pid));
        let keeper = i32::try_from(keeper.unwrap()).unwrap();
        let keeper = rustix::process::Pid::from_raw(keeper).unwrap();
        rustix::process::kill_process(keeper, rustix::process::Signal::KILL).unwrap();
        running.join().unwrap()
    });
    assert_eq!(
        (report.ending, report.stopped_by),
        (CommandEnding::Signalled(9), None)
    );
    eventually("nothing is left", || {
        processes_with(&nest.bench.run).is_empty()
    });
    assert!(sleepers(&number).is_empty());
    // Who asks after that is told so, and does without.
    nest.try_run(&spec).unwrap_err();
}

#[test]
fn nothing_survives_a_controller_that_is_killed_with_a_hung_fork() {
    let bench = Bench::supervised();
    let nest = Nest { bench, hosts: None };
    let number = unique();
    let spec = nest.spec(
        "hung",
        &[""],
        &format!("exec sleep {number} &\nwhile 1 {{}}"),
    );
    let plan = serde_json::to_string(&spec.fork).unwrap();
    let mut controller = Command::new(PROBE)
        .args([
            "--fork",
            &nest.bench.run,
            spec.folder.to_str().unwrap(),
            &plan,
        ])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    eventually("it sleeps", || sleepers(&number).len() == 1);
    controller.kill().unwrap();
    controller.wait().unwrap();
    eventually("every process is gone", || {
        processes_with(&number).is_empty() && processes_with(&nest.bench.run).is_empty()
    });
}

#[test]
fn dropping_the_hosts_ends_them_and_their_folder() {
    let mut nest = Nest::new(PLENTY);
    nest.run(&nest.spec("one", &["", "set loaded 1"], ""));
    assert!(!processes_with(&nest.bench.run).is_empty());
    nest.hosts = None;
    assert!(processes_with(&nest.bench.run).is_empty());
    assert!(!nest.bench.path("engines").exists());
}
