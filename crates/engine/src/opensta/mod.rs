//! The OpenSTA engine.
//!
//! Owns everything that is peculiar to `sta`: its command line, its Tcl, what it prints and what it keeps
//! silent about. Debian's version 2.0.17 exits with 0 after errors, ignores `exit` in scripts, makes black
//! boxes of unknown cells and reports a slack of 0 for them: so results come through a file that the
//! script writes, every step is checked where it is made, and the log is only searched for remarks.
//!
//! Never believes what `sta` prints as a result, never reads a unit that `sta` was not asked for.

mod probe;
mod script;

pub use probe::{Abilities, OpenSta};
pub(crate) use script::{parts, prelude};

use std::collections::BTreeMap;
use std::path::Path;

use noodle2_model::{CommandLimits, CommandSpec, CommandStreams};

/// The command that runs `script` in `folder`. Nothing of the caller's environment is passed on: neither
/// start-up files nor the locale can change a result.
pub(crate) fn command(
    program: &Path,
    folder: &Path,
    script: &str,
    log: &str,
    limits: CommandLimits,
) -> CommandSpec {
    let arguments = ["-no_init", "-no_splash", "-exit", script];
    CommandSpec {
        streams: CommandStreams::default(),
        fork: None,
        farewell: None,
        program: program.to_owned(),
        arguments: arguments.map(str::to_owned).to_vec(),
        environment: environment(folder),
        folder: folder.to_owned(),
        log: folder.join(log),
        limits,
    }
}

/// The whole environment of every command of a trial.
pub(crate) fn environment(folder: &Path) -> BTreeMap<String, String> {
    [
        ("PATH", "/usr/local/bin:/usr/bin:/bin".to_owned()),
        ("HOME", folder.to_string_lossy().into_owned()),
        ("LC_ALL", "C.UTF-8".to_owned()),
        ("TZ", "UTC".to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}
