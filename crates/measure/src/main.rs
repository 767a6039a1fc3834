//! Measures what the control plane itself costs, apart from every engine: `bench/controller.py` runs it.
//!
//! It goes on with a run that was interrupted, through the very controller and journal of the product, and gives each
//! trial a result that no engine measured: *synthetic*, derived from the base case. A folder that it wrote to holds
//! `SYNTHETIC.txt`, is good for measuring, and for nothing else. Never ships.

mod open;
mod report;
mod trials;

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use noodle2_control::TransitionError;
use noodle2_store::StoreError;

const USAGE: &str = "usage: noodle2-measure trials RUN COUNT READY | open RUN | report BYTES

  trials   give COUNT more trials of an interrupted run synthetic results, READY of them at once, all durable
  open     read and fold the journal of a run, up to the first decision
  report   print a timing report of that length";

/// Why nothing was measured.
#[derive(Debug, thiserror::Error)]
enum MeasureError {
    /// The run folder.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The journal and the rules.
    #[error("record {0}: {1}")]
    Replay(usize, TransitionError),
    /// The rules refused what was made up.
    #[error(transparent)]
    Transition(#[from] TransitionError),
    /// Nothing to go on with.
    #[error("the run has no measured base case that could be varied: run it until it has one")]
    NoBase,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let measured = match words.as_slice() {
        ["trials", run, count, ready] => match (count.parse(), ready.parse()) {
            (Ok(count), Ok(ready)) => trials::measure(Path::new(run), count, ready),
            _ => return usage(),
        },
        ["report", bytes] => match bytes.parse() {
            // A reader that went away has seen enough.
            Ok(bytes) => {
                return report::print(bytes).map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS);
            }
            Err(_) => return usage(),
        },
        ["open", run] => open::measure(Path::new(run)),
        _ => return usage(),
    };
    match measured {
        Ok(figures) => {
            let _ = writeln!(io::stdout(), "{figures}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            let _ = writeln!(io::stderr(), "noodle2-measure: {error}");
            ExitCode::FAILURE
        }
    }
}

fn usage() -> ExitCode {
    let _ = writeln!(io::stderr(), "{USAGE}");
    ExitCode::from(2)
}
