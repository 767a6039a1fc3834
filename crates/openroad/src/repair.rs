//! What repairs print: tables of progress, and what they did.

use serde::Serialize;

use crate::lines::{Lines, count, is_rule};
use crate::messages::Code;

/// A table of progress of `repair_timing`, `repair_design` or a hold repair. Columns are those that its heads name, so
/// that tables of versions with more of them are read too.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct ProgressTable {
    /// The heads, those of two lines joined: `Removed Buffers`, `Resized Gates`, …, `WNS`, `TNS`, `Viol Endpts`.
    pub columns: Vec<String>,
    /// The rows, as printed: a cell for each column.
    pub rows: Vec<Vec<String>>,
    /// Whether its last row is the final one; a run that was stopped has none.
    pub is_finished: bool,
}

impl ProgressTable {
    /// The number in a column of a row, without a percent sign; none where there is no such column or no number.
    pub fn value(&self, row: usize, column: &str) -> Option<f64> {
        let at = self.columns.iter().position(|head| head == column)?;
        let cell = self.rows.get(row)?.get(at)?;
        crate::lines::number(cell.trim_end_matches('%'))
    }

    /// The number in a column of the final row; none where it did not finish.
    pub fn final_value(&self, column: &str) -> Option<f64> {
        let last = self.rows.len().checked_sub(1)?;
        self.is_finished.then(|| self.value(last, column))?
    }

    pub(crate) fn read(lines: &mut Lines<'_>) -> Option<Self> {
        let first = lines.peek()?;
        let mut columns: Vec<String> = cells(first)?.map(str::to_owned).collect();
        let starts = matches!(
            columns.first().map(String::as_str),
            Some("Iter" | "Iteration")
        );
        if !starts || columns.len() < 3 {
            return None;
        }
        lines.skip(1);
        if let Some(second) = lines.peek().and_then(cells) {
            let second: Vec<&str> = second.collect();
            if second.len() == columns.len() && !is_row(second[0]) {
                for (head, more) in columns.iter_mut().zip(second) {
                    *head = format!("{head} {more}").trim().to_owned();
                }
                lines.skip(1);
            }
        }
        let width = columns.len();
        let mut ended = false;
        let rows = lines.rows(|line| {
            // Nothing of the table comes after its final row.
            if ended {
                return None;
            }
            let row: Vec<String> = cells(line)?.map(str::to_owned).collect();
            let is_of_table = row.len() == width && is_row(&row[0]);
            ended = is_of_table && row[0] == "final";
            is_of_table.then_some(row)
        });
        Some(Self {
            columns,
            rows,
            is_finished: ended,
        })
    }
}

/// The cells of a line of a table.
fn cells(line: &str) -> Option<impl Iterator<Item = &str>> {
    (line.contains('|') && !is_rule(line)).then(|| line.split('|').map(str::trim))
}

/// Whether a first cell begins a row: an iteration, which may be marked or have the seconds before it, or the last.
fn is_row(cell: &str) -> bool {
    let cell = match cell.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((_, rest)) => rest.trim(),
        None => cell,
    };
    let digits = cell.trim_end_matches(|letter: char| letter.is_ascii_punctuation());
    cell == "final" || count(digits).is_some()
}

/// What a repair says it found or did, in a message of its own.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(tag = "of", content = "count", rename_all = "snake_case")]
pub enum RepairFact {
    /// Endpoints whose setup is violated, before a repair; 0 for `No setup violations found`.
    SetupViolations(u64),
    /// Endpoints whose hold is violated, before a repair; 0 for `No hold violations found`.
    HoldViolations(u64),
    /// Pins whose slew exceeds its limit, before a repair.
    SlewViolations(u64),
    /// Nets whose fanout exceeds its limit, before a repair.
    FanoutViolations(u64),
    /// Nets whose capacitance exceeds its limit, before a repair.
    CapacitanceViolations(u64),
    /// Wires that are longer than they may be, before a repair.
    LongWires(u64),
    /// Buffers that were inserted.
    InsertedBuffers(u64),
    /// Buffers that were inserted for hold.
    InsertedHoldBuffers(u64),
    /// Buffers at inputs that were inserted.
    InsertedInputBuffers(u64),
    /// Buffers at outputs that were inserted.
    InsertedOutputBuffers(u64),
    /// Buffers that were removed.
    RemovedBuffers(u64),
    /// Instances that were resized.
    ResizedInstances(u64),
    /// Instances whose pins were swapped.
    SwappedPins(u64),
    /// Instances that were cloned.
    ClonedInstances(u64),
    /// Instances that were mirrored.
    MirroredInstances(u64),
    /// It says that it could not repair all setup violations.
    SetupNotRepaired,
    /// It says that it could not repair all hold violations.
    HoldNotRepaired,
}

impl RepairFact {
    /// The fact that a message states. Numbers of messages moved between versions, so that the words decide.
    pub(crate) fn of(code: Code<'_>, text: &str) -> Option<Self> {
        let text = text.trim_end_matches('.');
        match code.tool() {
            "RSZ" => {}
            "DPL" => {
                let number = text.strip_prefix("Mirrored ")?.strip_suffix(" instances")?;
                return count(number).map(Self::MirroredInstances);
            }
            _ => return None,
        }
        match text {
            "No setup violations found" => return Some(Self::SetupViolations(0)),
            "No hold violations found" => return Some(Self::HoldViolations(0)),
            "Unable to repair all setup violations" => return Some(Self::SetupNotRepaired),
            "Unable to repair all hold violations" => return Some(Self::HoldNotRepaired),
            _ => {}
        }
        let mut words = text.splitn(3, ' ');
        let (verb, second, rest) = (words.next()?, words.next()?, words.next()?);
        if verb == "Swapped" && second == "pins" {
            let number = rest.strip_prefix("on ")?.strip_suffix(" instances")?;
            return count(number).map(Self::SwappedPins);
        }
        let number = count(second)?;
        // What follows a comma or `in` says more of the same.
        let what = rest.split([',']).next()?;
        let what = what.split(" in ").next()?.trim();
        Some(match (verb, what) {
            ("Found", "endpoints with setup violations") => Self::SetupViolations(number),
            ("Found", "endpoints with hold violations") => Self::HoldViolations(number),
            ("Found", "slew violations") => Self::SlewViolations(number),
            ("Found", "fanout violations") => Self::FanoutViolations(number),
            ("Found", "capacitance violations") => Self::CapacitanceViolations(number),
            ("Found", "long wires") => Self::LongWires(number),
            ("Inserted", "buffers") => Self::InsertedBuffers(number),
            ("Inserted", "hold buffers") => Self::InsertedHoldBuffers(number),
            ("Inserted", "input buffers") => Self::InsertedInputBuffers(number),
            ("Inserted", "output buffers") => Self::InsertedOutputBuffers(number),
            ("Removed", "buffers") => Self::RemovedBuffers(number),
            ("Resized", "instances") => Self::ResizedInstances(number),
            ("Cloned", "instances") => Self::ClonedInstances(number),
            _ => return None,
        })
    }
}
