//! What the end of a command alone says, and the words by which every tool says that a machine is short of something.

use crate::{CommandEnding, CommandReport, FailureClass, StopReason};

// Numbers of signals on Linux (signal(7)).
const SIGINT: i32 = 2;
const SIGILL: i32 = 4;
const SIGABRT: i32 = 6;
const SIGBUS: i32 = 7;
const SIGFPE: i32 = 8;
const SIGKILL: i32 = 9;
const SIGSEGV: i32 = 11;
const SIGTERM: i32 = 15;
const SIGXCPU: i32 = 24;
const SIGXFSZ: i32 = 25;

impl CommandReport {
    /// The class of failure that the end of the command is whatever it wrote, and a sentence on it; `None` for one that
    /// exited. `tool` is what messages call it, `log` what it printed.
    pub fn unusual_ending(&self, tool: &str, log: &str) -> Option<(FailureClass, String)> {
        match (self.stopped_by, &self.ending) {
            (_, CommandEnding::NotStarted(why)) => Some(not_started(tool, why)),
            (Some(reason), ending) => Some(stopped(tool, reason, ending)),
            (None, CommandEnding::Signalled(signal)) => Some(failure_of_signal(tool, *signal, log)),
            (None, CommandEnding::Exited(_)) => None,
        }
    }
}

fn not_started(tool: &str, why: &str) -> (FailureClass, String) {
    // A machine that is short of something refuses to start a program that is there.
    let short = [
        "Resource temporarily unavailable",
        "Too many open files",
        "Cannot allocate memory",
    ];
    let class = match short.iter().any(|words| why.contains(words)) {
        true => FailureClass::WorkerLost,
        false => FailureClass::ToolMissing,
    };
    (class, format!("{tool} could not be started: {why}"))
}

fn stopped(tool: &str, reason: StopReason, ending: &CommandEnding) -> (FailureClass, String) {
    // One that ended when it was told to could still have kept what it had.
    let timeout = match ending {
        CommandEnding::Signalled(SIGKILL) => FailureClass::TimeoutHard,
        _ => FailureClass::Timeout,
    };
    let (class, what) = match reason {
        StopReason::WallLimit => (timeout, "ran longer than the limit on the clock"),
        StopReason::CpuLimit => (timeout, "used more processor time than its limit"),
        StopReason::MemoryLimit => (FailureClass::OutOfMemory, "used more memory than its limit"),
        StopReason::Cancelled => (FailureClass::Interrupted, "was cancelled"),
    };
    (class, format!("{tool} {what}"))
}

/// What a signal means that nobody of this program sent.
pub fn failure_of_signal(tool: &str, signal: i32, log: &str) -> (FailureClass, String) {
    let (class, what) = match signal {
        SIGSEGV | SIGBUS => {
            let text = format!("{tool} crashed with a memory fault (signal {signal})");
            return (FailureClass::Segfault, text);
        }
        SIGABRT if says_out_of_memory(log) => (FailureClass::OutOfMemory, "ran out of memory"),
        SIGABRT | SIGFPE | SIGILL => {
            let text = format!("{tool} ended itself abnormally (signal {signal})");
            return (FailureClass::Abort, text);
        }
        SIGXCPU => (
            FailureClass::Timeout,
            "used more processor time than its limit",
        ),
        // It would happen again, unlike a disk that gets room.
        SIGXFSZ => (
            FailureClass::ToolError,
            "wrote a file larger than the system permits (SIGXFSZ)",
        ),
        SIGKILL => (
            FailureClass::Killed,
            "was killed from outside (SIGKILL); the kernel does so when memory runs out",
        ),
        SIGTERM => (
            FailureClass::Killed,
            "was told to end from outside (SIGTERM)",
        ),
        SIGINT => (
            FailureClass::Killed,
            "was interrupted from outside (SIGINT)",
        ),
        other => {
            let text = format!("{tool} was ended by signal {other}");
            return (FailureClass::Unknown, text);
        }
    };
    (class, format!("{tool} {what}"))
}

/// Whether a tool says that no space is left where it writes.
pub fn says_disk_full(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    ["no space left on device", "disk quota exceeded"]
        .iter()
        .any(|words| text.contains(words))
}

/// Whether a tool says that it got no more memory.
pub fn says_out_of_memory(text: &str) -> bool {
    [
        "bad_alloc",
        "unable to alloc",
        "unable to realloc",
        "Cannot allocate memory",
        "out of memory",
    ]
    .iter()
    .any(|words| text.contains(words))
}
