//! Under whose name, with what grace and by what means a command runs.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::supervisor;

/// The environment variable that every process of a command carries: `<run>/<attempt>#<command>`.
pub const MARKER: &str = "NOODLE2_ATTEMPT";

/// Under whose name, with what grace and by what means a command runs.
#[derive(Clone, Debug)]
pub struct Guard {
    owner: String,
    grace: Duration,
    supervision: Supervision,
}

/// What stands between this process and a command.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Supervision {
    /// Nothing: this process watches the command itself.
    Direct,
    /// A supervisor, started from this executable, whose `main` begins with [`supervisor_main`](crate::supervisor_main).
    Process(PathBuf),
}

impl Supervision {
    /// A supervisor if this program can be one (it called [`supervisor_main`](crate::supervisor_main)), else none.
    pub fn detect() -> Self {
        if supervisor::is_hooked() {
            // Not the path by which the program was started: that file may have been replaced since.
            Self::Process(PathBuf::from("/proc/self/exe"))
        } else {
            Self::Direct
        }
    }
}

impl fmt::Display for Supervision {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Direct => "direct: after a SIGKILL of this program, `resume` ends what is left",
            Self::Process(_) => "a supervisor per command: nothing outlives this program",
        })
    }
}

impl Guard {
    /// The time between TERM and KILL unless told otherwise.
    pub const DEFAULT_GRACE: Duration = Duration::from_secs(2);

    /// A guard for the commands of one attempt of a run, with the default grace and supervision.
    ///
    /// `run` identifies the run among all runs of this machine and is what [`sweep`](crate::sweep) is later asked
    /// for; it must not contain `/`.
    pub fn new(run: &str, attempt: impl fmt::Display) -> Self {
        Self {
            owner: format!("{run}/{attempt}"),
            grace: Self::DEFAULT_GRACE,
            supervision: Supervision::detect(),
        }
    }

    /// The same with another time between TERM and KILL.
    #[must_use]
    pub fn with_grace(self, grace: Duration) -> Self {
        Self { grace, ..self }
    }

    /// The same with another supervision.
    #[must_use]
    pub fn with_supervision(self, supervision: Supervision) -> Self {
        Self {
            supervision,
            ..self
        }
    }

    pub(crate) fn grace(&self) -> Duration {
        self.grace
    }

    pub(crate) fn supervision(&self) -> &Supervision {
        &self.supervision
    }

    /// A value of [`MARKER`] that no other command has: an attempt may run several at once, and the end of one must
    /// not be taken for the end of another.
    pub(crate) fn next_marker(&self) -> OsString {
        static COMMANDS: AtomicU64 = AtomicU64::new(0);
        let number = COMMANDS.fetch_add(1, Ordering::Relaxed);
        format!("{}#{}.{number}", self.owner, std::process::id()).into()
    }
}
