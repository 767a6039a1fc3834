//! Printing: data on stdout, talk on stderr, colour only where it is wanted.

use std::io::{IsTerminal, Write};

use miette::{GraphicalReportHandler, GraphicalTheme, ReportHandler};
use serde::Serialize;

use crate::exit::{CommandFailure, Exit};

/// Prints data on stdout. A reader that went away is no failure.
pub(crate) fn data(text: &str) {
    let mut stdout = std::io::stdout().lock();
    let _ = stdout.write_all(text.as_bytes());
    if !text.ends_with('\n') {
        let _ = stdout.write_all(b"\n");
    }
    let _ = stdout.flush();
}

/// Prints data on stdout as JSON.
pub(crate) fn json(value: &impl Serialize) -> Result<(), CommandFailure> {
    let text = serde_json::to_string_pretty(value).map_err(|error| {
        CommandFailure::internal(format!("a result cannot be printed: {error}"))
    })?;
    data(&text);
    Ok(())
}

/// Says something on stderr.
pub(crate) fn talk(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
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
