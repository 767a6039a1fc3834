//! Chores of the project that need no tool but cargo, run as `cargo run -p noodle2-xtask -- CHORE`.
//!
//! It reads the workspace and reports; it never changes a file.

mod licences;

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

const USAGE: &str = "usage: cargo run -p noodle2-xtask -- licences

  licences   check the licence and the source of every dependency against deny.toml";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [chore] if chore == "licences" => licences(),
        _ => {
            say(USAGE);
            ExitCode::from(2)
        }
    }
}

fn licences() -> ExitCode {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .expect("the crate lies two folders below the workspace");
    match licences::check_workspace(workspace) {
        Ok(report) if report.problems.is_empty() => {
            say(&format!(
                "licences: {} dependencies, all allowed by deny.toml",
                report.dependencies
            ));
            ExitCode::SUCCESS
        }
        Ok(report) => {
            for problem in &report.problems {
                say(&format!("licences: {problem}"));
            }
            ExitCode::FAILURE
        }
        Err(error) => {
            say(&format!("licences: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// Writes a line to standard error; a reader that went away is no reason to fail.
fn say(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}
