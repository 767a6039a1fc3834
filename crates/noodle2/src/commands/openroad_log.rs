//! `noodle2 openroad-log`: what a log of OpenROAD says.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use noodle2_engine::{ReadLimits, TimingReport, read_timing_report};
use noodle2_model::{AttemptUsage, CommandEnding, CommandReport};
use noodle2_openroad::{
    Completion, Crash, Feature, FoundReport, InterpreterError, Log, Message, MessageLevel,
    ReportedValue, Run, Step, StepFailure, Units, Verdict, Version, judge, read_reports, units_of,
    values_of,
};
use noodle2_view::{Table, count_text};
use serde::Serialize;

use crate::cli::{Format, OpenRoadLogOption};
use crate::exit::{CommandFailure, Exit};
use crate::print;

/// What `openroad-log --format json` prints.
#[derive(Debug, Serialize)]
struct Told<'a> {
    /// Of the banner; absent where the log has none.
    version: Option<&'a Version>,
    /// Of the banner; proves nothing.
    features: &'a [Feature],
    believed: bool,
    #[serde(flatten)]
    verdict: &'a Verdict,
    steps: &'a [Step<'a>],
    /// Steps that failed.
    step_failures: &'a [StepFailure<'a>],
    messages: Vec<MessageKind<'a>>,
    /// What the interpreter said of scripts that failed.
    interpreter_errors: &'a [InterpreterError<'a>],
    crashes: &'a [Crash<'a>],
    units: Option<&'a Units>,
    values: &'a [ReportedValue],
    reports: &'a [FoundReport],
    /// What the path reports amount to; absent where there are none.
    paths: Option<&'a TimingReport>,
}

/// The messages of one code and level.
#[derive(Debug, Serialize)]
struct MessageKind<'a> {
    level: MessageLevel,
    code: &'a str,
    /// How many were printed.
    count: usize,
    /// Whether OpenROAD stopped to print them, so that there were more.
    is_cut: bool,
    first_line: usize,
    /// What the first says.
    first: &'a str,
}

/// Says what a log holds, and whether its run is to be believed.
pub(crate) fn openroad_log(option: &OpenRoadLogOption) -> Result<Exit, CommandFailure> {
    let bytes = read(&option.file).map_err(|error| {
        CommandFailure::new(
            Exit::Usage,
            "N2-OPENROAD-001",
            format!(
                "the log `{}` cannot be read: {error}",
                option.file.display()
            ),
            "name the file that OpenROAD's output went to, or `-` for what comes through a pipe"
                .to_owned(),
        )
    })?;
    let text = String::from_utf8_lossy(&bytes);
    let log = Log::read(&text);
    let reports = read_reports(&text);
    // Reading from memory makes no errors.
    let paths = read_timing_report(&*bytes, ReadLimits::default()).unwrap_or_default();
    let has_paths = paths.paths > 0 || paths.no_paths > 0 || paths.json.is_some();
    let ending = match (option.status, option.signal) {
        (Some(status), _) => Some(CommandEnding::Exited(status)),
        (None, Some(signal)) => Some(CommandEnding::Signalled(signal)),
        (None, None) => None,
    };
    let says_nothing = log.version.is_none()
        && log.messages.is_empty()
        && log.interpreter_errors.is_empty()
        && log.crashes.is_empty()
        && log.ends_at_prompt.is_none();
    if says_nothing && reports.is_empty() && !has_paths && ending.is_none() {
        return Err(CommandFailure::new(
            Exit::Usage,
            "N2-OPENROAD-002",
            format!("`{}` holds nothing that OpenROAD is known to print", option.file.display()),
            "read are its messages, its banner, crashes and the reports that docs/openroad-logs.md lists; with \
             `--status` or `--signal` a log that is empty is judged too"
                .to_owned(),
        ));
    }
    let report = ending.map(|ending| CommandReport {
        ending,
        stopped_by: None,
        usage: AttemptUsage::default(),
        output_truncated: false,
        forked: false,
    });
    let verdict = judge(Run {
        report: report.as_ref(),
        text: &text,
        log: &log,
        completion: Completion::NotTold,
        black_boxes: &option.black_box,
    });
    let values = values_of(&reports);
    let told = Told {
        version: log.version.as_ref(),
        features: &log.features,
        believed: verdict.is_believed(),
        verdict: &verdict,
        steps: &log.steps,
        step_failures: &log.step_failures,
        messages: kinds(&log.messages),
        interpreter_errors: &log.interpreter_errors,
        crashes: &log.crashes,
        units: units_of(&reports),
        values: &values,
        reports: &reports,
        paths: has_paths.then_some(&paths),
    };
    match option.format.format {
        Format::Json => print::json(&told)?,
        Format::Text => print::data(&told.text(report.is_some())),
    }
    Ok(match told.believed {
        true => Exit::Done,
        false => Exit::Findings,
    })
}

fn read(file: &Path) -> std::io::Result<Vec<u8>> {
    if file != Path::new("-") {
        return std::fs::read(file);
    }
    let mut bytes = Vec::new();
    std::io::stdin().lock().read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Messages by level and code, gravest first, then as often as they come.
fn kinds<'a>(messages: &[Message<'a>]) -> Vec<MessageKind<'a>> {
    let mut kinds: BTreeMap<(MessageLevel, &str), MessageKind<'a>> = BTreeMap::new();
    for message in messages {
        let code = message.code.as_str();
        let kind = kinds.entry((message.level, code)).or_insert(MessageKind {
            level: message.level,
            code,
            count: 0,
            is_cut: false,
            first_line: message.line,
            first: message.text,
        });
        match message.ends_its_code() {
            true => kind.is_cut = true,
            false => kind.count += 1,
        }
    }
    let mut kinds: Vec<_> = kinds.into_values().collect();
    kinds.sort_by(|left, right| {
        (right.level.cmp(&left.level))
            .then(right.count.cmp(&left.count))
            .then(left.code.cmp(right.code))
    });
    kinds
}

impl Told<'_> {
    fn text(&self, is_ending_known: bool) -> String {
        let mut text = match self.version {
            Some(version) => format!("OpenROAD {}", version.text),
            None => "OpenROAD of a version that the log does not name".to_owned(),
        };
        text.push('\n');
        if self.verdict.is_believed() {
            text += match is_ending_known {
                true => "nothing is known against this run\n",
                false => {
                    "nothing in the log is against this run; how it ended is not known (see --status)\n"
                }
            };
        }
        for (index, refusal) in self.verdict.refusals.iter().enumerate() {
            let code = refusal.code.as_ref().map(|code| format!(" {code}"));
            let line = refusal.line.map(|line| format!(" (line {line})"));
            text += &format!(
                "{}: {}{}: {}{}\n",
                if index == 0 {
                    "not to be believed"
                } else {
                    "also"
                },
                refusal.class,
                code.unwrap_or_default(),
                refusal.text,
                line.unwrap_or_default()
            );
        }
        if !self.verdict.excerpt.is_empty() {
            let lines = self.verdict.excerpt.lines();
            text.extend(lines.map(|line| format!("  | {line}\n")));
        }
        if !self.verdict.pictures.is_empty() {
            let count = count_text(self.verdict.pictures.len(), "picture");
            text += &format!("{count} could not be made, on which no number depends\n");
        }
        if self.units.is_none() && self.values.iter().any(|value| value.unit == "?") {
            text += "the log does not tell its units, or several: values with the unit `?` are as printed\n";
        }
        text += &self.messages_text();
        text += &self.values_text();
        if let Some(paths) = self.paths {
            let json = paths.json.as_ref();
            let count = paths.paths + json.map_or(0, |json| json.paths);
            let none = paths.no_paths + json.map_or(0, |json| json.no_paths);
            if count > 0 {
                let count = count_text(count as usize, "path");
                text +=
                    &format!("\n{count} in path reports: `noodle2 timing-report` sums them up\n");
            }
            if none > 0 {
                text += &format!("\nqueries for paths that found none: {none}\n");
            }
        }
        text
    }

    fn messages_text(&self) -> String {
        let (told, notes): (Vec<_>, Vec<_>) =
            (self.messages.iter()).partition(|kind| kind.level >= MessageLevel::Warning);
        let mut table = Table::new(&["level", "code", ">count", ">first line", "first"]);
        for kind in &told {
            let more = if kind.is_cut { " or more" } else { "" };
            table.row([
                kind.level.to_string(),
                kind.code.to_owned(),
                format!("{}{more}", kind.count),
                kind.first_line.to_string(),
                kind.first.to_owned(),
            ]);
        }
        let mut text = String::new();
        if !told.is_empty() {
            text += &format!("\n{}", table.text());
        }
        if !notes.is_empty() {
            let all: usize = notes.iter().map(|kind| kind.count).sum();
            let (all, codes) = (count_text(all, "note"), count_text(notes.len(), "code"));
            text += &format!("\n{all} of {codes}: `--format json` lists them\n");
        }
        text
    }

    fn values_text(&self) -> String {
        if self.values.is_empty() {
            return String::new();
        }
        let mut table = Table::new(&[">line", "what", ">value", "unit", "METRICS2.1"]);
        for value in self.values {
            let number = value.value.map(|value| value.to_string());
            table.row([
                value.line.to_string(),
                value.what.clone(),
                number.unwrap_or_else(|| "–".to_owned()),
                value.unit.to_owned(),
                value.metrics_name.unwrap_or_default().to_owned(),
            ]);
        }
        format!("\n{}", table.text())
    }
}
