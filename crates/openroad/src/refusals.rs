//! What is wrong with a run although it exited with 0 and no command failed: a design that is not what was meant, or
//! numbers that do not belong to it.

use std::collections::BTreeSet;

use noodle2_model::{FailureClass, FindingKind};

use crate::judge::Run;
use crate::messages::{Log, Message};
use crate::verdict::Refusal;

/// The most names that one refusal lists.
const MAX_NAMES: usize = 5;

/// Why a run is not to be believed, gravest first.
pub(crate) fn of(run: Run<'_>) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    refusals.extend(cells_without_model(run));
    refusals.extend(illegal_placement(run.log));
    refusals.extend(missing_parasitics(run.log));
    refusals.extend(stale_parasitics(run.log));
    refusals.extend(no_paths(run.text));
    refusals
}

/// Warnings that a cell has no model: STA-0198 makes a black box, ORD-2011 lacks the Liberty cell, ORD-2013 the LEF master.
/// Timing looks better with each of them.
fn cells_without_model(run: Run<'_>) -> Option<Refusal> {
    let mut cells = BTreeSet::new();
    let mut first: Option<&Message<'_>> = None;
    let (mut count, mut more) = (0_usize, false);
    for message in run.log.warnings() {
        let cell = match message.code.as_str() {
            "STA-0198" => between(message.text, "module ", " not found"),
            "ORD-2011" => between(message.text, "LEF master ", " has no liberty cell"),
            "ORD-2013" => between(message.text, "LEF master ", " not found"),
            _ => continue,
        };
        // A form of the message that is not known here names no cell that could be waived, and neither does one that
        // says that more of them are not printed.
        let cell = cell.unwrap_or(message.text);
        if run.black_boxes.iter().any(|known| known == cell) {
            continue;
        }
        match message.ends_its_code() {
            true => more = true,
            false => {
                cells.insert(cell);
                count += 1;
            }
        }
        first.get_or_insert(message);
    }
    let first = first?;
    let more = match more {
        true => " and more that were not printed",
        false => "",
    };
    Some(Refusal {
        class: FailureClass::BlackBox,
        finding: Some(FindingKind::BlackBox),
        code: Some(first.code.to_string()),
        text: format!(
            "cells without a model, which makes timing look better than it is: {}{more} ({count} warnings)",
            names(&cells)
        ),
        line: Some(first.line),
    })
}

/// Placement checks that failed although the script caught the error that follows them, or never asked for more.
fn illegal_placement(log: &Log<'_>) -> Option<Refusal> {
    let failed: Vec<&Message<'_>> = log
        .warnings()
        .filter(|message| message.code.tool() == "DPL" && message.text.contains(" check failed ("))
        .collect();
    let first = failed.first()?;
    let texts: BTreeSet<&str> = failed.iter().map(|message| message.text).collect();
    Some(Refusal {
        class: FailureClass::PlacementIllegal,
        finding: None,
        code: Some(first.code.to_string()),
        text: format!("the placement is not legal: {}", names(&texts)),
        line: Some(first.line),
    })
}

/// Warnings that wires have no resistance or capacitance: commands then see no violations, or too few.
fn missing_parasitics(log: &Log<'_>) -> Option<Refusal> {
    let found = log.warnings().find(|message| {
        // Numbers moved between parts and versions; the words did not.
        matches!(message.code.tool(), "RSZ" | "EST")
            && (message.text.starts_with("no estimated parasitics")
                || (message.text.starts_with("wire capacitance")
                    && message.text.contains(" is zero")))
    })?;
    Some(Refusal {
        class: FailureClass::ParasiticsIncomplete,
        finding: Some(FindingKind::ParasiticsIncomplete),
        code: Some(found.code.to_string()),
        text: format!("timing without parasitics of wires: {}", found.text),
        line: Some(found.line),
    })
}

/// Steps of the engine's scripts after which parasitics of before do not belong to the design any more.
const STEPS_THAT_EDIT: &[&str] = &["eco", "legalise"];

/// A measurement of a design that was edited after its parasitics were estimated last.
fn stale_parasitics(log: &Log<'_>) -> Option<Refusal> {
    let mut edited = None;
    for step in &log.steps {
        match step.name {
            name if STEPS_THAT_EDIT.contains(&name) => edited = Some(name),
            "estimate" => edited = None,
            "measure" => {
                if let Some(edit) = edited {
                    return Some(Refusal {
                        class: FailureClass::ParasiticsIncomplete,
                        finding: Some(FindingKind::ParasiticsIncomplete),
                        code: None,
                        text: format!(
                            "parasitics are those of before step `{edit}`: none were estimated between it and step `measure`"
                        ),
                        line: Some(step.line),
                    });
                }
            }
            _ => {}
        }
    }
    None
}

/// No constrained path: the worst slack is infinite, or no path was found and no worst slack says otherwise.
fn no_paths(text: &str) -> Option<Refusal> {
    let (mut none, mut infinite, mut finite) = (None, None, false);
    for (line, text) in (1..).zip(text.lines()) {
        if text.trim_end() == "No paths found." {
            none.get_or_insert(line);
        } else if let Some(rest) = text.strip_prefix("worst slack") {
            match rest.split_ascii_whitespace().next_back() {
                Some("INF" | "inf") => {
                    infinite.get_or_insert(line);
                }
                Some(value) if value.parse::<f64>().is_ok_and(f64::is_finite) => finite = true,
                _ => {}
            }
        }
    }
    let (line, what) = match (infinite, none) {
        (Some(line), _) => (line, "the worst slack is infinite"),
        (None, Some(line)) if !finite => (line, "no path was found"),
        _ => return None,
    };
    Some(Refusal {
        class: FailureClass::MetricMissing,
        finding: Some(FindingKind::NoPaths),
        code: None,
        text: format!("{what}: no path is constrained, so that a slack of 0 says nothing"),
        line: Some(line),
    })
}

/// What stands between two texts.
fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(before)?;
    rest.split_once(after).map(|(found, _)| found)
}

fn names(names: &BTreeSet<&str>) -> String {
    let shown: Vec<&str> = names.iter().take(MAX_NAMES).copied().collect();
    match names.len().saturating_sub(shown.len()) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
