//! Names every way in which a command of an attempt can fail.
//!
//! Owns the mapping from how a command ended, what it printed and what it wrote to a [`Failure`]. It is
//! total: whatever happened gets a name, and what nothing describes is called unknown, never success.

use noodle2_model::{
    CommandEnding, CommandReport, Failure, FailureClass, says_disk_full, says_out_of_memory,
};
use noodle2_openroad::Code;

use crate::trial::{LogRemarks, Remark, ResultError, ResultFile};

/// What is known of a command that ended.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'a> {
    /// What was run, as messages call it.
    pub tool: &'a str,
    /// How it ended.
    pub report: &'a CommandReport,
    /// What it printed.
    pub log: &'a str,
}

/// The failure of a script of the timing engine, or the records that it wrote when it did not fail.
///
/// # Errors
/// The failure.
pub fn classify(
    evidence: Evidence<'_>,
    result: Result<ResultFile, ResultError>,
) -> Result<ResultFile, Failure> {
    if let Some(failure) = unusual_ending(evidence) {
        return Err(failure);
    }
    let failure = |class, message: String| Failure {
        class,
        tool_code: first_code(evidence.log),
        message,
        excerpt: LogRemarks::excerpt(evidence.log),
    };
    if let Ok(records) = &result
        && let Some((step, message)) = records.failure()
    {
        let (class, text) = failed_step(step, message, evidence.log);
        return Err(failure(class, text));
    }
    if says_disk_full(evidence.log) {
        let text = format!("{} had no space left to write its results", evidence.tool);
        return Err(failure(FailureClass::DiskFull, text));
    }
    if says_out_of_memory(evidence.log) {
        let text = format!("{} ran out of memory", evidence.tool);
        return Err(failure(FailureClass::OutOfMemory, text));
    }
    if lacks_licence(evidence.log) {
        let text = format!("{} could not get a licence", evidence.tool);
        return Err(failure(FailureClass::LicenceUnavailable, text));
    }
    let remarks = LogRemarks::read(evidence.log, []);
    let class_of = |error: &Remark| error.code.as_deref().and_then(class_of_code);
    // No number depends on a picture.
    let is_picture =
        |error: &&Remark| class_of(error) == Some(FailureClass::VisualizationUnavailable);
    if let Some(error) = remarks.errors.iter().find(|error| !is_picture(error)) {
        let class = class_of(error);
        let text = format!("{} reported an error: {}", evidence.tool, error.text);
        return Err(failure(class.unwrap_or(FailureClass::ToolError), text));
    }
    if let CommandEnding::Exited(status) = evidence.report.ending
        && status != 0
    {
        let text = format!("{} exited with {status}", evidence.tool);
        return Err(failure(FailureClass::ToolError, text));
    }
    result.map_err(|error| {
        let class = match error {
            ResultError::Missing | ResultError::CutOff { .. } => FailureClass::MissingOutput,
            ResultError::Malformed { .. } => FailureClass::ParseFailure,
        };
        failure(class, format!("{} ended, but {error}", evidence.tool))
    })
}

/// The failure of a command that is no timing engine: it must exit with 0, and print no error with a code, which
/// OpenROAD does with status 0 where a script caught it or nothing asked for the end.
pub fn classify_command(evidence: Evidence<'_>) -> Option<Failure> {
    if let Some(failure) = unusual_ending(evidence) {
        return Some(failure);
    }
    let CommandEnding::Exited(status) = evidence.report.ending else {
        return None;
    };
    let errors = LogRemarks::read(evidence.log, []).errors.into_iter();
    let mut coded = errors.filter_map(|error| Some((error.code?, error.text)));
    if status == 0 {
        // No result depends on a picture.
        let matters = |(code, _): &(String, String)| {
            class_of_code(code) != Some(FailureClass::VisualizationUnavailable)
        };
        let (code, text) = coded.find(matters)?;
        return Some(Failure {
            class: class_of_code(&code).unwrap_or(FailureClass::ToolError),
            message: format!(
                "{} reported an error and exited with 0: {text}",
                evidence.tool
            ),
            tool_code: Some(code),
            excerpt: LogRemarks::excerpt(evidence.log),
        });
    }
    let tool_code = coded.next().map(|(code, _)| code);
    let class = match () {
        () if says_disk_full(evidence.log) => FailureClass::DiskFull,
        () if says_out_of_memory(evidence.log) => FailureClass::OutOfMemory,
        () if lacks_licence(evidence.log) => FailureClass::LicenceUnavailable,
        () => {
            let class = tool_code.as_deref().and_then(class_of_code);
            class.unwrap_or(FailureClass::ToolError)
        }
    };
    let last = evidence
        .log
        .lines()
        .rev()
        .find(|line| !line.trim().is_empty());
    let said = last
        .map(|line| format!(": {}", line.trim()))
        .unwrap_or_default();
    Some(Failure {
        class,
        tool_code,
        message: format!("{} exited with {status}{said}", evidence.tool),
        excerpt: LogRemarks::excerpt(evidence.log),
    })
}

/// The class of an error that OpenROAD reports under a code of its own.
fn class_of_code(code: &str) -> Option<FailureClass> {
    noodle2_openroad::class_of_code(Code::parse(code)?)
}

/// Endings that mean failure whatever was written.
fn unusual_ending(evidence: Evidence<'_>) -> Option<Failure> {
    let (class, message) = evidence
        .report
        .unusual_ending(evidence.tool, evidence.log)?;
    Some(Failure {
        class,
        tool_code: None,
        message,
        excerpt: LogRemarks::excerpt(evidence.log),
    })
}

/// What FlexNet, the licence manager of nearly all commercial tools, and the tools around it say.
fn lacks_licence(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    [
        "licensed number of users already reached",
        "license checkout failed",
        "failed to checkout license",
        "unable to checkout license",
        "no such feature exists",
        "cannot connect to license server",
    ]
    .iter()
    .any(|words| text.contains(words))
}

fn first_code(log: &str) -> Option<String> {
    let remarks = LogRemarks::read(log, []);
    remarks.errors.into_iter().find_map(|remark| remark.code)
}

/// The class of a failed step and a message that names the thing. `message` is what the script's language
/// says; the engine prints what it knows beside it.
fn failed_step(step: &str, message: &str, log: &str) -> (FailureClass, String) {
    let message = without_place(message);
    if says_disk_full(message) {
        return (FailureClass::DiskFull, message.to_owned());
    }
    if says_out_of_memory(message) {
        return (FailureClass::OutOfMemory, message.to_owned());
    }
    let printed: Vec<String> = LogRemarks::read(log, [])
        .errors
        .into_iter()
        .filter(|error| error.step == step)
        .map(|error| error.text)
        .collect();
    // What the engine prints is often the message itself.
    let detail = match printed.first() {
        Some(first) if first != message => format!(": {first}"),
        _ => String::new(),
    };
    match step {
        "libraries" | "netlist" | "link" | "wireload" | "constraints" | "clocks" | "parasitics" => {
            (
                FailureClass::ConfigurationError,
                format!("{message}{detail}"),
            )
        }
        "eco" => (
            FailureClass::ToolError,
            format!("the ECO failed: {message}"),
        ),
        "write" => (FailureClass::MissingOutput, message.to_owned()),
        _ => (
            FailureClass::ToolError,
            format!("step `{step}` failed: {message}{detail}"),
        ),
    }
}

/// The message without `Error:` and without the place in the script that the engine puts before it.
fn without_place(message: &str) -> &str {
    let message = message.strip_prefix("Error:").unwrap_or(message).trim();
    match message.split_once(".tcl, ") {
        Some((file, rest)) if !file.contains(char::is_whitespace) => rest
            .trim_start_matches(|character: char| character.is_ascii_digit())
            .trim(),
        _ => message,
    }
}

/// A clock that the constraints name and the design does not have, as the engine's warnings tell it; the
/// engine then goes on without it.
///
/// `constraints` gives the text of a constraint file by its file name: a port that is not there matters
/// only where a clock is made on it.
pub fn missing_clock(log: &str, constraints: impl Fn(&str) -> Option<String>) -> Option<String> {
    let remarks = LogRemarks::read(log, []);
    remarks
        .warnings
        .iter()
        .filter(|warning| warning.step == "constraints")
        .find_map(|warning| {
            let (file, rest) = warning.text.split_once(", ")?;
            let (line, rest) = rest.split_once(' ')?;
            let line: usize = line.parse().ok()?;
            let name = rest.split('\'').nth(1)?;
            let is_clock = rest.starts_with("clock ");
            // A pattern that matches nothing is no name of a clock.
            let is_pattern = name.contains(['*', '?', '[']);
            let makes_clock = || {
                constraints(file).is_some_and(|text| command_at(&text, line).contains("create_clock"))
            };
            let missing = match rest.split(' ').next()? {
                _ if !rest.contains("not found") => false,
                "clock" => is_clock && !is_pattern,
                "port" | "pin" => makes_clock(),
                _ => false,
            };
            let what = if is_clock { "the clock" } else { "a clock on" };
            missing.then(|| {
                format!("the constraints name {what} `{name}`, which the design does not have ({file}, line {line})")
            })
        })
}

/// The command that ends at `line` (from 1), with the lines that are continued into it.
fn command_at(text: &str, line: usize) -> String {
    let lines: Vec<&str> = text.lines().take(line).collect();
    let mut first = lines.len().saturating_sub(1);
    while first > 0 && lines[first - 1].ends_with('\\') {
        first -= 1;
    }
    lines.get(first..).unwrap_or_default().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use noodle2_model::{AttemptUsage, StopReason};

    fn report(ending: CommandEnding, stopped_by: Option<StopReason>) -> CommandReport {
        CommandReport {
            ending,
            stopped_by,
            usage: AttemptUsage::default(),
            output_truncated: false,
            forked: false,
        }
    }

    fn class(
        ending: CommandEnding,
        stopped_by: Option<StopReason>,
        log: &str,
        result: &[u8],
    ) -> Option<FailureClass> {
        let report = report(ending, stopped_by);
        let evidence = Evidence {
            tool: "sta",
            report: &report,
            log,
        };
        classify(evidence, ResultFile::parse(result))
            .err()
            .map(|failure| failure.class)
    }

    const GOOD: &[u8] = b"noodle2-result\t1\nend\t0\n";

    #[test]
    fn every_ending_has_a_class() {
        use FailureClass as Class;
        let exited = CommandEnding::Exited;
        let signalled = CommandEnding::Signalled;
        for (ending, stopped, log, result, expected) in [
            (exited(0), None, "", GOOD, None),
            (exited(0), None, "Warning: odd\n", GOOD, None),
            (
                exited(0),
                None,
                "Error: odd\n",
                GOOD,
                Some(Class::ToolError),
            ),
            (exited(3), None, "", GOOD, Some(Class::ToolError)),
            (exited(0), None, "", b"", Some(Class::MissingOutput)),
            (
                exited(0),
                None,
                "",
                b"noodle2-result\t1\n",
                Some(Class::MissingOutput),
            ),
            (
                exited(0),
                None,
                "",
                b"wns 0.00\n",
                Some(Class::ParseFailure),
            ),
            (
                exited(0),
                None,
                "No space left on device",
                b"",
                Some(Class::DiskFull),
            ),
            (
                exited(1),
                None,
                "std::bad_alloc",
                b"",
                Some(Class::OutOfMemory),
            ),
            (
                signalled(6),
                None,
                "what():  std::bad_alloc",
                b"",
                Some(Class::OutOfMemory),
            ),
            (
                signalled(6),
                None,
                "assertion failed",
                b"",
                Some(Class::Abort),
            ),
            (signalled(11), None, "", GOOD, Some(Class::Segfault)),
            (signalled(9), None, "", GOOD, Some(Class::Killed)),
            (signalled(15), None, "", GOOD, Some(Class::Killed)),
            (signalled(24), None, "", GOOD, Some(Class::Timeout)),
            (signalled(31), None, "", GOOD, Some(Class::Unknown)),
            (
                signalled(9),
                Some(StopReason::WallLimit),
                "",
                GOOD,
                Some(Class::TimeoutHard),
            ),
            (
                signalled(15),
                Some(StopReason::WallLimit),
                "",
                GOOD,
                Some(Class::Timeout),
            ),
            (
                exited(1),
                None,
                "Licensed number of users already reached. (-4,342)",
                b"",
                Some(Class::LicenceUnavailable),
            ),
            (
                signalled(9),
                Some(StopReason::CpuLimit),
                "",
                b"",
                Some(Class::TimeoutHard),
            ),
            (
                signalled(9),
                Some(StopReason::MemoryLimit),
                "",
                b"",
                Some(Class::OutOfMemory),
            ),
            (
                signalled(15),
                Some(StopReason::Cancelled),
                "",
                b"",
                Some(Class::Interrupted),
            ),
            (
                CommandEnding::NotStarted("no such file".to_owned()),
                None,
                "",
                b"",
                Some(Class::ToolMissing),
            ),
            (
                CommandEnding::NotStarted("Too many open files (os error 24)".to_owned()),
                None,
                "",
                b"",
                Some(Class::WorkerLost),
            ),
            (signalled(25), None, "", b"", Some(Class::ToolError)),
        ] {
            assert_eq!(
                class(ending.clone(), stopped, log, result),
                expected,
                "{ending:?} {log:?} {result:?}"
            );
        }
    }

    /// As OpenROAD prints them. Placement errors are known from its messages alone: no recorded run has them.
    #[test]
    fn a_code_of_openroad_tells_the_class() {
        let command = |status: i32, log: &str| {
            let report = report(CommandEnding::Exited(status), None);
            let evidence = Evidence {
                tool: "openroad",
                report: &report,
                log,
            };
            classify_command(evidence).map(|failure| (failure.class, failure.tool_code))
        };
        let coded = |class, code: &str| Some((class, Some(code.to_owned())));
        let placement =
            "[ERROR DPL-0036] Detailed placement failed.\nError: place.tcl, 79 DPL-0036\n";
        let expected = coded(FailureClass::PlacementIllegal, "DPL-0036");
        assert_eq!(command(1, placement), expected);
        assert_eq!(command(0, placement), expected);
        let checks = "[ERROR DPL-0033] detailed placement checks failed.\n";
        let expected = coded(FailureClass::PlacementIllegal, "DPL-0033");
        assert_eq!(command(1, checks), expected);
        let picture = "[ERROR GUI-0072] \"Routing Congestion\" is not populated with data.\n";
        let expected = coded(FailureClass::VisualizationUnavailable, "GUI-0072");
        assert_eq!(command(1, picture), expected);
        assert_eq!(command(0, picture), None);
        assert_eq!(command(0, "Error: without a code\n"), None);
        assert_eq!(command(2, "no code"), Some((FailureClass::ToolError, None)));
    }

    #[test]
    fn a_failed_step_names_the_thing() {
        for (step, message, expected) in [
            (
                "libraries",
                "Error: script.tcl, 7 cannot read file /x/a.lib.",
                FailureClass::ConfigurationError,
            ),
            ("eco", "no such pin", FailureClass::ToolError),
            (
                "write",
                "error writing \"file5\": no space left on device",
                FailureClass::DiskFull,
            ),
            (
                "write",
                "netlist.v was not written to its end",
                FailureClass::MissingOutput,
            ),
            ("measure", "odd", FailureClass::ToolError),
        ] {
            let (class, text) = failed_step(step, message, "");
            assert_eq!(class, expected, "{step}");
            assert!(!text.contains("script.tcl"), "{text}");
        }
    }

    #[test]
    fn a_clock_that_is_not_there_is_told_from_a_port_that_is_not_there() {
        let sdc = "create_clock -name c -period 1 [get_ports nosuch]\nset_load 1 \\\n  [get_ports nosuch]\n\
            create_clock \\\n -period 2 \\\n [get_ports nosuch2]\n";
        let missing = |warning: &str| {
            let log = format!("noodle2: constraints\nWarning: {warning}\n");
            missing_clock(&log, |file| (file == "a.sdc").then(|| sdc.to_owned()))
        };
        assert!(
            missing("a.sdc, 1 port 'nosuch' not found.")
                .unwrap()
                .contains("`nosuch`")
        );
        assert!(missing("a.sdc, 6 port 'nosuch2' not found.").is_some());
        assert!(
            missing("a.sdc, 2 clock arg 'clk' clock not found.")
                .unwrap()
                .contains("line 2")
        );
        assert!(missing("a.sdc, 2 clock 'clk' not found.").is_some());
        assert_eq!(missing("a.sdc, 3 port 'nosuch' not found."), None);
        assert_eq!(missing("a.sdc, 2 clock 'clk*' not found."), None);
        assert_eq!(
            missing(
                "a.sdc, 4 set_input_delay relative to a clock defined on the same port/pin not allowed."
            ),
            None
        );
    }
}
