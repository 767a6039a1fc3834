//! `noodle2 completions`: the script by which a shell completes command lines.

use clap_complete::env::Shells;

use crate::cli::{COMPLETE, Shell};
use crate::exit::{CommandFailure, Exit};
use crate::print;

/// Prints the script. It asks the `noodle2` on the path of programs for every completion, so that it never gets old.
pub(crate) fn completions(shell: Shell) -> Result<Exit, CommandFailure> {
    let shells = Shells::builtins();
    let completer = shells
        .completer(shell.name())
        .ok_or_else(|| CommandFailure::internal(format!("nothing is known of {}", shell.name())))?;
    let mut script = Vec::new();
    let written =
        completer.write_registration(COMPLETE, "noodle2", "noodle2", "noodle2", &mut script);
    written.map_err(CommandFailure::internal)?;
    print::data(&String::from_utf8_lossy(&script));
    Ok(Exit::Done)
}
