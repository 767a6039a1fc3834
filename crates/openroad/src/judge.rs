//! The judgement over a log and the way in which its process ended. It is total: whatever happened gets a class of failure,
//! and what nothing describes is called unknown, never success.
//!
//! Gravest first: what kept the process from its end, then what its script failed with, then what is wrong although it
//! exited with 0 (see [`crate::refusals`]).

use noodle2_model::{CommandEnding, CommandReport, FailureClass, StopReason};

use crate::crash::is_trace;
use crate::messages::{Code, InterpreterError, Log, MAX_EXCERPT_LINES, Message};
use crate::refusals;
use crate::verdict::{Refusal, Verdict};

/// Whether the script said that it had reached its end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Completion {
    /// It said so.
    Reached,
    /// It would have said so, and did not.
    NotReached,
    /// It is a script that says no such thing.
    NotTold,
}

/// A run of OpenROAD that ended.
#[derive(Clone, Copy, Debug)]
pub struct Run<'a> {
    /// How its process ended, and who ended it; none where only its log is known.
    pub report: Option<&'a CommandReport>,
    /// All that it printed.
    pub text: &'a str,
    /// The messages of that.
    pub log: &'a Log<'a>,
    /// Whether its script reached its end.
    pub completion: Completion,
    /// Cells that are known to have no timing model: instances of them are no reason for a refusal.
    pub black_boxes: &'a [String],
}

/// Judges a run.
pub fn judge(run: Run<'_>) -> Verdict {
    let refusals = match ended(run) {
        Some(refusal) => vec![refusal],
        None => refusals::of(run),
    };
    let excerpt = match refusals.first() {
        Some(refusal) => excerpt(run, refusal),
        None => String::new(),
    };
    let pictures = run.log.errors().filter(|error| is_picture(error.code));
    Verdict {
        refusals,
        excerpt,
        pictures: pictures.map(|error| error.text.to_owned()).collect(),
    }
}

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

/// The status that timeout(1) exits with when it ended what it ran.
const STATUS_OF_TIMEOUT: i32 = 124;
/// What a shell adds to the number of the signal that ended what it ran.
const STATUS_OF_SIGNAL: i32 = 128;

/// What kept the run from its end, or its script from doing what it should.
fn ended(run: Run<'_>) -> Option<Refusal> {
    let Some(report) = run.report else {
        return crashed(run).or_else(|| script_failed(run));
    };
    match (report.stopped_by, &report.ending) {
        (_, CommandEnding::NotStarted(why)) => Some(not_started(why)),
        (Some(reason), ending) => Some(stopped(reason, ending)),
        (None, CommandEnding::Signalled(signal)) => Some(signalled(run, *signal)),
        (None, CommandEnding::Exited(0)) => crashed(run)
            .or_else(|| script_failed(run))
            .or_else(|| cut_off(run, report)),
        (None, CommandEnding::Exited(status)) => Some(exited(run, *status)),
    }
}

fn refusal(class: FailureClass, text: impl Into<String>) -> Refusal {
    Refusal {
        class,
        finding: None,
        code: None,
        text: text.into(),
        line: None,
    }
}

fn not_started(why: &str) -> Refusal {
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
    refusal(class, format!("OpenROAD could not be started: {why}"))
}

fn stopped(reason: StopReason, ending: &CommandEnding) -> Refusal {
    // One that ended when it was told to could still have kept what it had.
    let timeout = match ending {
        CommandEnding::Signalled(SIGKILL) => FailureClass::TimeoutHard,
        _ => FailureClass::Timeout,
    };
    let (class, text) = match reason {
        StopReason::WallLimit => (timeout, "OpenROAD ran longer than the limit on the clock"),
        StopReason::CpuLimit => (timeout, "OpenROAD used more processor time than its limit"),
        StopReason::MemoryLimit => (
            FailureClass::OutOfMemory,
            "OpenROAD used more memory than its limit",
        ),
        StopReason::Cancelled => (FailureClass::Interrupted, "OpenROAD was cancelled"),
    };
    refusal(class, text)
}

/// What a signal that nobody of this program sent means.
fn signalled(run: Run<'_>, signal: i32) -> Refusal {
    let line = run.log.crashes.last().map(|crash| crash.line);
    let with_line = |class, text: String| Refusal {
        line,
        ..refusal(class, text)
    };
    match signal {
        SIGSEGV | SIGBUS => failed_before_crash(run).unwrap_or_else(|| {
            with_line(
                FailureClass::Segfault,
                format!("OpenROAD crashed with a memory fault (signal {signal})"),
            )
        }),
        SIGABRT => aborted(run, signal),
        SIGFPE | SIGILL => failed_before_crash(run).unwrap_or_else(|| {
            with_line(
                FailureClass::Abort,
                format!("OpenROAD ended itself abnormally (signal {signal})"),
            )
        }),
        SIGXCPU => refusal(
            FailureClass::Timeout,
            "OpenROAD used more processor time than its limit",
        ),
        // It would happen again, unlike a disk that gets room.
        SIGXFSZ => refusal(
            FailureClass::ToolError,
            "OpenROAD wrote a file larger than the system permits (SIGXFSZ)",
        ),
        SIGKILL => refusal(
            FailureClass::Killed,
            "OpenROAD was killed from outside (SIGKILL); the kernel does so when memory runs out",
        ),
        SIGTERM => refusal(
            FailureClass::Killed,
            "OpenROAD was told to end from outside (SIGTERM)",
        ),
        SIGINT => refusal(
            FailureClass::Killed,
            "OpenROAD was interrupted from outside (SIGINT)",
        ),
        other => refusal(
            FailureClass::Unknown,
            format!("OpenROAD was ended by signal {other}"),
        ),
    }
}

/// An exception that nothing caught: a file that could not be written, memory that was not to be had, or a defect.
fn aborted(run: Run<'_>, signal: i32) -> Refusal {
    let crash = run.log.crashes.last();
    let line = crash.map(|crash| crash.line);
    let what = crash
        .and_then(|crash| crash.what.or(crash.exception))
        .map(|what| format!(": {what}"))
        .unwrap_or_default();
    let in_write = || {
        let step = line.and_then(|line| run.log.step_of(line));
        crash.is_some_and(|crash| crash.was_writing()) || step == Some("write")
    };
    let (class, text) = if is_out_of_memory(run.text) {
        (
            FailureClass::OutOfMemory,
            format!("OpenROAD ran out of memory{what}"),
        )
    } else if is_disk_full(run.text)
        || (crash.is_some_and(|crash| crash.is_of_a_file()) && in_write())
    {
        (
            FailureClass::DiskFull,
            format!("OpenROAD could not write a file to its end, as when no space is left{what}"),
        )
    } else if let Some(failed) = failed_before_crash(run) {
        return failed;
    } else {
        (
            FailureClass::Abort,
            format!("OpenROAD ended itself abnormally (signal {signal}){what}"),
        )
    };
    Refusal {
        line,
        ..refusal(class, text)
    }
}

/// A crash that a log reports although the status that is known tells nothing of it, as behind a wrapper.
fn crashed(run: Run<'_>) -> Option<Refusal> {
    let crash = run.log.crashes.last()?;
    let signal = crash.signal.unwrap_or(SIGABRT);
    Some(signalled(run, signal))
}

/// The error with which the script ended, when the process crashed while it cleared up: the interpreter's last word comes
/// right before the crash. An error that was caught long before is not why a later command crashed.
fn failed_before_crash(run: Run<'_>) -> Option<Refusal> {
    let before = run
        .log
        .crashes
        .first()
        .map_or(usize::MAX, |crash| crash.line);
    let uncaught = run.log.interpreter_errors.last();
    let uncaught = uncaught.filter(|error| error.line < before);
    let adjacent = || {
        let error = run.log.errors().next_back()?;
        (error.line + 1 == before).then(|| of_message(run, error))
    };
    let mut refusal = match uncaught {
        Some(error) => of_interpreter(run, error),
        None => adjacent()?,
    };
    refusal.text.push_str("; it crashed when it ended");
    Some(refusal)
}

fn exited(run: Run<'_>, status: i32) -> Refusal {
    // A wrapper between the executor and OpenROAD turns a signal into a status.
    let signal = status - STATUS_OF_SIGNAL;
    if (1..=64).contains(&signal) {
        return signalled(run, signal);
    }
    if let Some(refusal) = crashed(run).or_else(|| script_failed(run)) {
        return refusal;
    }
    if status == STATUS_OF_TIMEOUT {
        let text = format!("OpenROAD exited with {status}, as timeout(1) does at its limit");
        return refusal(FailureClass::Timeout, text);
    }
    let class = match () {
        () if is_disk_full(run.text) => FailureClass::DiskFull,
        () if is_out_of_memory(run.text) => FailureClass::OutOfMemory,
        () => FailureClass::ToolError,
    };
    // An error that was caught may still be why the script gave up.
    let caught = run.log.errors().find(|error| !is_picture(error.code));
    let said = caught.map(|error| format!(", after the error: {}", error.text));
    Refusal {
        code: caught.map(|error| error.code.to_string()),
        line: caught.map(|error| error.line),
        ..refusal(
            class,
            format!(
                "its script ended OpenROAD with status {status}{}",
                said.unwrap_or_default()
            ),
        )
    }
}

/// What the script failed with: what the interpreter said last, which no script caught, else the first error that one
/// caught, for numbers after it may lie. A picture alone matters only where it ended the script.
fn script_failed(run: Run<'_>) -> Option<Refusal> {
    if let Some(error) = run.log.interpreter_errors.last() {
        return Some(of_interpreter(run, error));
    }
    let critical = run.log.errors().find(|error| !is_picture(error.code));
    if let Some(error) = critical {
        return Some(of_message(run, error));
    }
    is_disk_full(run.text).then(|| {
        refusal(
            FailureClass::DiskFull,
            "OpenROAD had no space left to write its results",
        )
    })
}

fn of_interpreter(run: Run<'_>, error: &InterpreterError<'_>) -> Refusal {
    // The message that the code belongs to says what it was.
    let message = error.code.and_then(|code| {
        let mut errors = run.log.errors();
        errors.rfind(|found| found.line < error.line && found.code == code)
    });
    if let Some(message) = message {
        return of_message(run, message);
    }
    let place = error
        .place
        .map(|(file, number)| format!(" ({file}, line {number})"));
    let (text, place) = (error.text, place.unwrap_or_default());
    Refusal {
        class: class_of_error(run.log.step_of(error.line), error.code, text),
        code: error.code.map(|code| code.to_string()),
        line: Some(error.line),
        ..refusal(
            FailureClass::ToolError,
            format!("OpenROAD's script failed: {text}{place}"),
        )
    }
}

fn of_message(run: Run<'_>, message: &Message<'_>) -> Refusal {
    let uncaught = (run.log.interpreter_errors.iter())
        .any(|error| error.line > message.line && error.code == Some(message.code));
    let caught = match uncaught || message.level != crate::MessageLevel::Error {
        true => "",
        false => ", which its script caught",
    };
    Refusal {
        class: class_of_error(
            run.log.step_of(message.line),
            Some(message.code),
            message.text,
        ),
        code: Some(message.code.to_string()),
        line: Some(message.line),
        ..refusal(
            FailureClass::ToolError,
            format!("OpenROAD reported an error{caught}: {}", message.text),
        )
    }
}

/// Steps that read what a study names; what fails in them is wrong with that.
const STEPS_THAT_READ: &[&str] = &[
    "technology",
    "libraries",
    "netlist",
    "link",
    "layout",
    "database",
    "floorplan",
    "constraints",
    "clocks",
    "parasitics",
    "wireload",
];

/// The class of an error.
fn class_of_error(step: Option<&str>, code: Option<Code<'_>>, text: &str) -> FailureClass {
    if is_disk_full(text) {
        return FailureClass::DiskFull;
    }
    if is_out_of_memory(text) {
        return FailureClass::OutOfMemory;
    }
    let class = code.and_then(class_of_code).or_else(|| class_of_text(text));
    match (class, step) {
        // What an ECO names is the ECO's.
        (Some(FailureClass::ConfigurationError), Some("eco")) => FailureClass::ToolError,
        (Some(class), _) => class,
        (None, Some(step)) if STEPS_THAT_READ.contains(&step) => FailureClass::ConfigurationError,
        (None, Some("write")) => FailureClass::MissingOutput,
        (None, _) => FailureClass::ToolError,
    }
}

/// The class of an error by its code, where the code alone tells.
fn class_of_code(code: Code<'_>) -> Option<FailureClass> {
    Some(match code.as_str() {
        // Utilization above 100 %, a density that cannot be kept, more pins than fit around the die, routing with
        // congestion left (under its codes of several versions).
        "GPL-0301" | "GPL-0302" | "PPL-0024" | "GRT-0116" | "GRT-0118" | "GRT-0119"
        | "GRT-0232" => FailureClass::CapacityExceeded,
        // Placement checks failed, detailed placement failed.
        "DPL-0033" | "DPL-0036" => FailureClass::PlacementIllegal,
        // Files that are not there, cannot be opened, are cut off or of a wrong kind; a netlist that is none; a top
        // module that is not there; constraints that name nothing; no libraries.
        "ORD-0001" | "ORD-0007" | "ORD-0054" | "STA-0340" | "STA-0164" | "STA-1398"
        | "STA-0369" | "STA-2141" | "STA-0304" => FailureClass::ConfigurationError,
        _ if is_picture(code) => FailureClass::VisualizationUnavailable,
        _ => return None,
    })
}

/// The class of an error without a code, by what the tool is known to say.
fn class_of_text(text: &str) -> Option<FailureClass> {
    let starts = |words: &[&str]| words.iter().any(|words| text.starts_with(words));
    if starts(&[
        "cannot read file",
        "database file is not an OpenDB Database",
        "incompatible database schema revision",
    ]) {
        return Some(FailureClass::ConfigurationError);
    }
    let writes = starts(&["Failed to open '"]) && text.ends_with("for writing");
    writes.then_some(FailureClass::MissingOutput)
}

/// Whether a code is of the part that draws.
pub(crate) fn is_picture(code: Code<'_>) -> bool {
    code.tool() == "GUI"
}

/// A script that did not reach its end, a log that was cut, a prompt.
fn cut_off(run: Run<'_>, report: &CommandReport) -> Option<Refusal> {
    if let Some(line) = run.log.ends_at_prompt {
        return Some(Refusal {
            line: Some(line),
            ..refusal(
                FailureClass::ToolError,
                "OpenROAD ended at its prompt: without -exit its status says nothing of the script",
            )
        });
    }
    if run.completion == Completion::NotReached {
        let text = "OpenROAD exited with 0 before its script reached its end";
        return Some(refusal(FailureClass::MissingOutput, text));
    }
    report.output_truncated.then(|| {
        refusal(
            FailureClass::ParseFailure,
            "OpenROAD printed more than was kept: whether it reported an error is not known",
        )
    })
}

fn is_disk_full(text: &str) -> bool {
    [
        "No space left on device",
        "no space left on device",
        "Disk quota exceeded",
        "disk quota exceeded",
    ]
    .iter()
    .any(|words| text.contains(words))
}

fn is_out_of_memory(text: &str) -> bool {
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

/// The lines that show a refusal best: errors, or the line that it names, else the end of the log.
fn excerpt(run: Run<'_>, refusal: &Refusal) -> String {
    let mut marked: Vec<usize> = run.log.errors().map(|error| error.line).collect();
    marked.extend(run.log.interpreter_errors.iter().map(|error| error.line));
    marked.extend(run.log.crashes.iter().map(|crash| crash.line));
    marked.sort_unstable();
    if let Some(line) = refusal.line
        && marked.binary_search(&line).is_err()
    {
        marked = vec![line];
    }
    // The end is what a script died of; the beginning, where its first error lies.
    let keep_first = refusal
        .line
        .map_or(0, |line| marked.partition_point(|marked| *marked < line));
    let from = keep_first.min(marked.len().saturating_sub(MAX_EXCERPT_LINES));
    let shown = &marked[from..marked.len().min(from + MAX_EXCERPT_LINES)];
    let lines: Vec<&str> = match shown.is_empty() {
        false => (1..)
            .zip(run.text.lines())
            .filter(|(line, _)| shown.binary_search(line).is_ok())
            .map(|(_, text)| text)
            .collect(),
        true => {
            let lines = run
                .text
                .lines()
                .filter(|line| !is_trace(line) && !line.trim().is_empty());
            let mut last: Vec<&str> = lines.rev().take(MAX_EXCERPT_LINES).collect();
            last.reverse();
            last
        }
    };
    lines.join("\n")
}
