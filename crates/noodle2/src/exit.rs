//! How a command ends: exit statuses that scripts rely on, and what is said on the way out.

use std::fmt;
use std::process::ExitCode;

/// The exit statuses of `noodle2`. Documented in `noodle2 --help`; never renumbered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Exit {
    /// Done.
    Done = 0,
    /// Done, and something was found; the help lists the commands that end so.
    Findings = 1,
    /// The command line is wrong.
    Usage = 2,
    /// The study file, or what it names, is not valid.
    InvalidStudy = 3,
    /// The study asks for what its safety domain or budget does not allow.
    IllegalStudy = 4,
    /// The base case is not fit to be worked on.
    Blocked = 5,
    /// A rail or a failure ended the run.
    Stopped = 6,
    /// The run was interrupted and can be resumed.
    Interrupted = 7,
    /// People have to approve before the run can go on; it can be resumed.
    Waiting = 8,
    /// Something that should not have happened.
    Internal = 70,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// A command that did not do what it was asked for, and why.
#[derive(Debug)]
pub(crate) struct CommandFailure {
    pub exit: Exit,
    pub report: miette::Report,
}

/// A message with a stable code and advice, for failures that point at no place in a file.
#[derive(Debug)]
struct Message {
    code: String,
    text: String,
    help: Option<String>,
}

impl fmt::Display for Message {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl std::error::Error for Message {}

impl miette::Diagnostic for Message {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(&self.code))
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help
            .as_ref()
            .map(|help| Box::new(help) as Box<dyn fmt::Display + 'a>)
    }
}

impl CommandFailure {
    /// A failure with a stable code, what happened on what, and what to do about it.
    pub fn new(
        exit: Exit,
        code: impl Into<String>,
        text: impl fmt::Display,
        help: impl Into<Option<String>>,
    ) -> Self {
        let message = Message {
            code: code.into(),
            text: text.to_string(),
            help: help.into(),
        };
        Self {
            exit,
            report: miette::Report::new(message),
        }
    }

    /// Something that should not have happened.
    pub fn internal(text: impl fmt::Display) -> Self {
        Self::new(
            Exit::Internal,
            "N2-INTERNAL-001",
            text,
            "this is a defect of noodle2; nothing in the run folder is lost".to_owned(),
        )
    }
}

impl From<noodle2_store::StoreError> for CommandFailure {
    fn from(error: noodle2_store::StoreError) -> Self {
        let exit = match &error {
            noodle2_store::StoreError::DiskFull { .. } => Exit::Interrupted,
            noodle2_store::StoreError::Locked { .. }
            | noodle2_store::StoreError::NotEmpty { .. }
            | noodle2_store::StoreError::Unusable { .. }
            | noodle2_store::StoreError::NeverBegan { .. }
            | noodle2_store::StoreError::NotARunFolder { .. } => Exit::Usage,
            _ => Exit::Stopped,
        };
        let help = error.help().to_owned();
        Self::new(exit, error.code(), &error, help)
    }
}
