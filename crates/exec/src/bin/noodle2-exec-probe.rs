//! Runs one command as the executor does, and prints the report as JSON. For tests, and for trying limits by hand.
//!
//! `noodle2-exec-probe RUN LOG WALL_SECONDS PROGRAM [ARGUMENT…]`

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use noodle2_exec::{CancelToken, Guard, run_command, supervisor_main};
use noodle2_model::{CommandLimits, CommandSpec};

const USAGE: &str = "usage: noodle2-exec-probe RUN LOG WALL_SECONDS PROGRAM [ARGUMENT...]";

fn main() -> ExitCode {
    supervisor_main();
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next();
    let (Some(run), Some(log), Some(wall), Some(program)) = (next(), next(), next(), next()) else {
        return usage();
    };
    let Ok(wall) = wall.parse() else {
        return usage();
    };
    let spec = CommandSpec {
        streams: Default::default(),
        fork: None,
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
    let report = run_command(&spec, &Guard::new(&run, "probe"), &CancelToken::new());
    let printed = serde_json::to_string(&report)
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
