//! Printing: data on stdout, talk on stderr, colour only where it is wanted.

use std::io::{ErrorKind, IsTerminal, Write};
use std::sync::{Mutex, OnceLock, PoisonError};

use miette::{GraphicalReportHandler, GraphicalTheme, ReportHandler};
use serde::Serialize;

use crate::exit::{CommandFailure, Exit};

/// Why data could not be printed, the first time that it could not.
static LOST: OnceLock<std::io::Error> = OnceLock::new();

/// What is said while something is drawn on stderr; `None` while nothing is.
static HELD: Mutex<Option<Vec<String>>> = Mutex::new(None);

/// Prints data on stdout. A reader that went away is no failure; any other is kept until [`lost`] is asked, so
/// that a command first does what else it has to do.
pub(crate) fn data(text: &str) {
    let mut stdout = std::io::stdout().lock();
    let end = if text.ends_with('\n') { "" } else { "\n" };
    let printed = stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.write_all(end.as_bytes()))
        .and_then(|()| stdout.flush());
    if let Err(error) = printed
        && error.kind() != ErrorKind::BrokenPipe
    {
        // Only the first cause is told.
        let _ = LOST.set(error);
    }
}

/// The failure of a command that could not print all of its data.
pub(crate) fn lost() -> Option<CommandFailure> {
    let error = LOST.get()?;
    Some(CommandFailure::new(
        Exit::Stopped,
        "N2-PRINT-001",
        format!("what was to be printed could not be written to stdout: {error}"),
        "make room where stdout goes, or send it elsewhere; a run folder is whole all the same, and \
         `noodle2 report` prints its results again"
            .to_owned(),
    ))
}

/// Prints data on stdout as JSON.
pub(crate) fn json(value: &impl Serialize) -> Result<(), CommandFailure> {
    let text = serde_json::to_string_pretty(value).map_err(|error| {
        CommandFailure::internal(format!("a result cannot be printed: {error}"))
    })?;
    data(&text);
    Ok(())
}

/// Says something on stderr; above what is drawn there, while something is.
pub(crate) fn talk(text: &str) {
    let mut held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
    match held.as_mut() {
        Some(held) => held.push(text.to_owned()),
        None => drop(writeln!(std::io::stderr(), "{text}")),
    }
}

/// Keeps what is said from now on for somebody who draws on stderr, as long as this lives.
pub(crate) struct Held(());

impl Held {
    pub fn new() -> Self {
        *HELD.lock().unwrap_or_else(PoisonError::into_inner) = Some(Vec::new());
        Self(())
    }

    /// What was said since this was asked last.
    pub fn take(&self) -> Vec<String> {
        let mut held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
        held.as_mut().map(std::mem::take).unwrap_or_default()
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let held = HELD.lock().unwrap_or_else(PoisonError::into_inner).take();
        for text in held.into_iter().flatten() {
            talk(&text);
        }
    }
}

/// Says on stderr why a command failed.
pub(crate) fn failure(failure: &CommandFailure) {
    let colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let theme = if colour {
        GraphicalTheme::unicode()
    } else {
        GraphicalTheme::unicode_nocolor()
    };
    let handler = GraphicalReportHandler::new_themed(theme).with_width(100);
    talk(&format!("{:?}", Shown(&handler, &failure.report)));
    if failure.exit == Exit::Internal {
        talk("please report this with the command line that led to it");
    }
}

struct Shown<'a>(&'a GraphicalReportHandler, &'a miette::Report);

impl std::fmt::Debug for Shown<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.debug(self.1.as_ref(), formatter)
    }
}
