//! Runs one command as the executor does, and prints the report as JSON. For tests, and for trying limits by hand.
//!
//! `noodle2-exec-probe RUN LOG WALL_SECONDS PROGRAM [ARGUMENT…]`
//! `noodle2-exec-probe --fork RUN FOLDER PLAN`: runs a plan, as JSON, with hosts that are forks of `tclsh`

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use noodle2_exec::{CancelToken, Guard, Hosts, run_command, supervisor_main};
use noodle2_model::{CommandLimits, CommandReport, CommandSpec};

const USAGE: &str = "usage: noodle2-exec-probe RUN LOG WALL_SECONDS PROGRAM [ARGUMENT...]";

fn main() -> ExitCode {
    supervisor_main();
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next();
    let (Some(run), Some(log), Some(wall), Some(program)) = (next(), next(), next(), next()) else {
        return usage();
    };
    if run == "--fork" {
        return fork(&log, &wall, &program);
    }
    let Ok(wall) = wall.parse() else {
        return usage();
    };
    let spec = CommandSpec {
        streams: Default::default(),
        fork: None,
        farewell: None,
        program: program.into(),
        arguments: arguments.collect(),
        environment: std::env::vars().collect(),
        folder: "/".into(),
        log: log.into(),
        limits: CommandLimits {
            wall: Duration::from_secs(wall),
            cpu: Duration::from_secs(wall),
            memory_bytes: 1 << 30,
            output_bytes: 1 << 20,
        },
    };
    print(&run_command(
        &spec,
        &Guard::new(&run, "probe"),
        &CancelToken::new(),
    ))
}

fn fork(run: &str, folder: &str, plan: &str) -> ExitCode {
    let folder = PathBuf::from(folder);
    let Ok(plan) = serde_json::from_str(plan) else {
        return usage();
    };
    let spec = CommandSpec {
        streams: Default::default(),
        fork: plan,
        farewell: None,
        program: "/usr/bin/tclsh".into(),
        arguments: vec!["cold.tcl".to_owned()],
        environment: std::env::vars().collect(),
        log: folder.join("log"),
        limits: CommandLimits {
            wall: Duration::from_secs(1000),
            cpu: Duration::from_secs(1000),
            memory_bytes: 1 << 30,
            output_bytes: 1 << 20,
        },
        folder: folder.clone(),
    };
    let guard = Guard::new(run, "probe");
    let forked = Hosts::start(&guard, &folder.join("engines"), u64::MAX)
        .map_err(|error| error.to_string())
        .and_then(|hosts| {
            let report = hosts.run(&spec, &guard, &CancelToken::new());
            report.map_err(|error| error.to_string())
        });
    match forked {
        Ok(report) => print(&report),
        Err(_) => ExitCode::FAILURE,
    }
}

fn print(report: &CommandReport) -> ExitCode {
    let printed = serde_json::to_string(report)
        .map_err(std::io::Error::other)
        .and_then(|text| writeln!(std::io::stdout(), "{text}"));
    match printed {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn usage() -> ExitCode {
    // If even this cannot be written, the exit status says enough.
    let _ = writeln!(std::io::stderr(), "{USAGE}");
    ExitCode::from(2)
}
