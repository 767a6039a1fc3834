//! The judgement over a log and the way in which its process ended. It is total: whatever happened gets a class of failure,
//! and what nothing describes is called unknown, never success.
//!
//! Gravest first: what kept the process from its end, then what its script failed with, then what is wrong although it
//! exited with 0 (see [`crate::refusals`]).

use noodle2_model::{
    CommandEnding, CommandReport, FailureClass, failure_of_signal, says_disk_full,
    says_out_of_memory,
};

use crate::crash::is_trace;
use crate::messages::{
    Code, InterpreterError, Log, MAX_EXCERPT_LINES, Message, MessageLevel, StepFailure,
};
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

// Numbers of signals on Linux (signal(7)) with which OpenROAD ends itself.
const SIGILL: i32 = 4;
const SIGABRT: i32 = 6;
const SIGBUS: i32 = 7;
const SIGFPE: i32 = 8;
const SIGSEGV: i32 = 11;

/// What messages call it.
const TOOL: &str = "OpenROAD";

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
        (None, CommandEnding::Signalled(signal)) => Some(by_signal(run, *signal)),
        (None, CommandEnding::Exited(0)) => crashed(run)
            .or_else(|| script_failed(run))
            .or_else(|| cut_off(run, report)),
        (None, CommandEnding::Exited(status)) => Some(exited(run, *status)),
        _ => {
            let (class, text) = report.unusual_ending(TOOL, run.text)?;
            Some(refusal(class, text))
        }
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

/// What a signal means that nobody of this program sent. A crash while the process clears up after an error is that error.
fn by_signal(run: Run<'_>, signal: i32) -> Refusal {
    if signal == SIGABRT {
        return aborted(run);
    }
    let crash = [SIGILL, SIGBUS, SIGFPE, SIGSEGV].contains(&signal);
    if let Some(failed) = crash.then(|| failed_before_crash(run)).flatten() {
        return failed;
    }
    let (class, text) = failure_of_signal(TOOL, signal, run.text);
    let line = run.log.crashes.last().map(|crash| crash.line);
    Refusal {
        line: line.filter(|_| crash),
        ..refusal(class, text)
    }
}

/// An exception that nothing caught: a file that could not be written, memory that was not to be had, or a defect.
fn aborted(run: Run<'_>) -> Refusal {
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
    let of_file = || crash.is_some_and(|crash| crash.is_of_a_file()) && in_write();
    let (class, text) = if !says_out_of_memory(run.text) && (says_disk_full(run.text) || of_file())
    {
        let text = "OpenROAD could not write a file to its end, as when no space is left";
        (FailureClass::DiskFull, text.to_owned())
    } else {
        let (class, text) = failure_of_signal(TOOL, SIGABRT, run.text);
        match failed_before_crash(run) {
            Some(failed) if class == FailureClass::Abort => return failed,
            _ => (class, text),
        }
    };
    let text = text + &what;
    Refusal {
        line,
        ..refusal(class, text)
    }
}

/// A crash that a log reports although the status that is known tells nothing of it, as behind a wrapper.
fn crashed(run: Run<'_>) -> Option<Refusal> {
    let crash = run.log.crashes.last()?;
    let signal = crash.signal.unwrap_or(SIGABRT);
    Some(by_signal(run, signal))
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
    let step = run.log.step_failures.last();
    let adjacent = run.log.errors().next_back();
    let mut refusal = if let Some(error) = uncaught.filter(|error| error.line < before) {
        of_interpreter(run, error)
    } else if let Some(failure) = step.filter(|failure| failure.line < before) {
        of_step(run, failure)
    } else {
        of_message(
            run,
            adjacent.filter(|error| error.line + 1 == before)?,
            false,
        )
    };
    refusal.text.push_str("; it crashed when it ended");
    Some(refusal)
}

fn exited(run: Run<'_>, status: i32) -> Refusal {
    // A wrapper between the executor and OpenROAD turns a signal into a status.
    let signal = status - STATUS_OF_SIGNAL;
    if (1..=64).contains(&signal) {
        return by_signal(run, signal);
    }
    if let Some(refusal) = crashed(run).or_else(|| script_failed(run)) {
        return refusal;
    }
    if status == STATUS_OF_TIMEOUT {
        let text = format!("OpenROAD exited with {status}, as timeout(1) does at its limit");
        return refusal(FailureClass::Timeout, text);
    }
    let class = match says_out_of_memory(run.text) {
        true => FailureClass::OutOfMemory,
        false => FailureClass::ToolError,
    };
    let text = format!("its script ended OpenROAD with status {status}");
    refusal(class, text)
}

/// What the script failed with: what the interpreter said last, which no script caught, or the step that failed; else the
/// first error that one caught, for numbers after it may lie. A picture alone matters only where it ended the script.
fn script_failed(run: Run<'_>) -> Option<Refusal> {
    if let Some(error) = run.log.interpreter_errors.last() {
        return Some(of_interpreter(run, error));
    }
    if let Some(failure) = run.log.step_failures.last() {
        return Some(of_step(run, failure));
    }
    let caught = run.log.errors().find(|error| !is_picture(error.code));
    if let Some(error) = caught {
        return Some(of_message(run, error, error.level == MessageLevel::Error));
    }
    says_disk_full(run.text).then(|| {
        refusal(
            FailureClass::DiskFull,
            "OpenROAD had no space left to write its results",
        )
    })
}

fn of_interpreter(run: Run<'_>, error: &InterpreterError<'_>) -> Refusal {
    if let Some(message) = message_of(run, error.code, error.line) {
        return of_message(run, message, false);
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

fn of_step(run: Run<'_>, failure: &StepFailure<'_>) -> Refusal {
    if let Some(message) = message_of(run, failure.code, failure.line) {
        return of_message(run, message, false);
    }
    let (step, text) = (failure.step, failure.text);
    let told = match step {
        "eco" => format!("the ECO failed: {text}"),
        _ => format!("step `{step}` failed: {text}"),
    };
    Refusal {
        class: class_of_error(Some(step), failure.code, text),
        code: failure.code.map(|code| code.to_string()),
        line: Some(failure.line),
        ..refusal(FailureClass::ToolError, told)
    }
}

/// The message that a script failed with, which says what its code means: the last of that code before a line.
fn message_of<'a>(run: Run<'a>, code: Option<Code<'_>>, line: usize) -> Option<&'a Message<'a>> {
    let code = code?;
    let mut errors = run.log.errors();
    errors.rfind(|found| found.line < line && found.code == code)
}

fn of_message(run: Run<'_>, message: &Message<'_>, is_caught: bool) -> Refusal {
    let caught = match is_caught {
        true => ", which its script caught",
        false => "",
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
    "layers",
    "routing_layers",
    "wires",
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
    if says_disk_full(text) {
        return FailureClass::DiskFull;
    }
    if says_out_of_memory(text) {
        return FailureClass::OutOfMemory;
    }
    let of_input = code.filter(|code| is_of_input(*code));
    let class = code
        .and_then(class_of_code)
        .or(of_input.map(|_| FailureClass::ConfigurationError))
        .or_else(|| class_of_text(text));
    match (class, step) {
        // What an ECO names is the ECO's.
        (Some(FailureClass::ConfigurationError), Some("eco")) => FailureClass::ToolError,
        (Some(class), _) => class,
        (None, Some(step)) if STEPS_THAT_READ.contains(&step) => FailureClass::ConfigurationError,
        (None, Some("write")) => FailureClass::MissingOutput,
        (None, _) => FailureClass::ToolError,
    }
}

/// The class of an error by its code, where the code alone tells, whoever ran the command: designs that do not fit, placements
/// that are illegal, pictures that cannot be made.
pub fn class_of_code(code: Code<'_>) -> Option<FailureClass> {
    Some(match code.as_str() {
        // Utilization above 100 %, a density that cannot be kept, more pins than fit around the die, routing with
        // congestion left (under its codes of several versions).
        "GPL-0301" | "GPL-0302" | "PPL-0024" | "GRT-0116" | "GRT-0118" | "GRT-0119"
        | "GRT-0232" => FailureClass::CapacityExceeded,
        // Placement checks failed, detailed placement failed.
        "DPL-0033" | "DPL-0036" => FailureClass::PlacementIllegal,
        _ if is_picture(code) => FailureClass::VisualizationUnavailable,
        _ => return None,
    })
}

/// Whether a code is of what was read: files that are not there, cannot be opened, are cut off or of a wrong kind; a netlist
/// that is none; a top module that is not there; constraints that name nothing; no libraries.
fn is_of_input(code: Code<'_>) -> bool {
    matches!(
        code.as_str(),
        "ORD-0001"
            | "ORD-0007"
            | "ORD-0054"
            | "STA-0340"
            | "STA-0164"
            | "STA-1398"
            | "STA-0369"
            | "STA-2141"
            | "STA-0304"
    )
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

/// The lines that show a refusal best: errors, or the line that it names, else the end of the log.
fn excerpt(run: Run<'_>, refusal: &Refusal) -> String {
    let mut marked: Vec<usize> = run.log.errors().map(|error| error.line).collect();
    marked.extend(run.log.interpreter_errors.iter().map(|error| error.line));
    marked.extend(run.log.step_failures.iter().map(|failure| failure.line));
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
