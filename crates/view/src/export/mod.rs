//! A run as tables: what its columns are called, mean and hold, and the rows, one at a time.
//!
//! The columns are declared once, in [`columns`]; the page `docs/exports.md` and every file follow from that. Rows are made as
//! they are asked for, so that a run of a million trials needs no room for their text. Never writes a file, never fills
//! in a value: what is missing is [`Cell::Missing`].

mod columns;
mod rows;

use jiff::Timestamp;
use serde::{Serialize, Serializer};

pub use columns::reference_markdown;

/// The tables of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ExportTable {
    /// A row for each proposed trial.
    Trials,
    /// A row for each measured case, with its metrics over all scenes.
    Cases,
    /// A row for each stage.
    Stages,
    /// A row for each ECO that was tried.
    Ecos,
    /// A row for each execution: of trials, of the base case, repeats and confirmations.
    Attempts,
    /// A row for each metric of each case in each scene, and over all.
    Metrics,
    /// A row for each record of the journal.
    Events,
}

impl ExportTable {
    /// Every table.
    pub const ALL: [Self; 7] = [
        Self::Trials,
        Self::Cases,
        Self::Stages,
        Self::Ecos,
        Self::Attempts,
        Self::Metrics,
        Self::Events,
    ];

    /// Its name, which is that of its file without the ending.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Trials => "trials",
            Self::Cases => "cases",
            Self::Stages => "stages",
            Self::Ecos => "ecos",
            Self::Attempts => "attempts",
            Self::Metrics => "metrics",
            Self::Events => "events",
        }
    }

    /// What a row of it is.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Trials => {
                "A row for each trial that was proposed, in the order of stages and proposals."
            }
            Self::Cases => {
                "A row for each case that was measured, the base case first, with its metrics over all scenes. Cases that \
                 were discarded are there too, and say so."
            }
            Self::Stages => "A row for each stage, in the order of the study.",
            Self::Ecos => "A row for each ECO that was tried, over trials that count.",
            Self::Attempts => {
                "A row for each execution: of a trial, of the base case, of a repeat, of a confirmation."
            }
            Self::Metrics => {
                "A row for each metric of each case: over all scenes (then `scene` is missing), and in each scene."
            }
            Self::Events => "A row for each record of the journal, in its order.",
        }
    }
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnKind {
    /// Text.
    Text,
    /// A whole number.
    Integer,
    /// A number.
    Real,
    /// `true` or `false`.
    Boolean,
    /// A time, as ISO 8601 in UTC with microseconds.
    Time,
    /// JSON, as text.
    Json,
}

impl ColumnKind {
    /// Its name for people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Integer => "integer",
            Self::Real => "number",
            Self::Boolean => "true or false",
            Self::Time => "time",
            Self::Json => "JSON",
        }
    }
}

/// A column of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Its name, as the files have it.
    pub name: &'static str,
    /// What it holds.
    pub kind: ColumnKind,
    /// The unit of its values; empty where they have none.
    pub unit: &'static str,
    /// What it tells.
    pub meaning: &'static str,
}

/// A value of a row.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// It is not known, or there is none.
    Missing,
    /// Text, or JSON as text.
    Text(String),
    /// A whole number.
    Integer(u64),
    /// A number that is one.
    Real(f64),
    /// A statement.
    Boolean(bool),
    /// A time.
    Time(Timestamp),
}

impl Cell {
    /// The value as a field of a text file; empty where it is missing.
    pub fn text(&self) -> String {
        match self {
            Self::Missing => String::new(),
            Self::Text(text) => text.clone(),
            Self::Integer(number) => number.to_string(),
            // The shortest text that reads back as the same number.
            Self::Real(number) => format!("{number:?}"),
            Self::Boolean(is) => is.to_string(),
            Self::Time(at) => format!("{at:.6}"),
        }
    }
}

impl Serialize for Cell {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Missing => serializer.serialize_none(),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Integer(number) => serializer.serialize_u64(*number),
            Self::Real(number) => serializer.serialize_f64(*number),
            Self::Boolean(is) => serializer.serialize_bool(*is),
            Self::Time(at) => serializer.collect_str(&format_args!("{at:.6}")),
        }
    }
}

impl From<f64> for Cell {
    fn from(number: f64) -> Self {
        match number.is_finite() {
            true => Self::Real(number),
            false => Self::Missing,
        }
    }
}

impl From<bool> for Cell {
    fn from(is: bool) -> Self {
        Self::Boolean(is)
    }
}

impl From<u64> for Cell {
    fn from(number: u64) -> Self {
        Self::Integer(number)
    }
}

impl From<u32> for Cell {
    fn from(number: u32) -> Self {
        Self::Integer(u64::from(number))
    }
}

impl From<usize> for Cell {
    fn from(number: usize) -> Self {
        Self::Integer(number as u64)
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Timestamp> for Cell {
    fn from(at: Timestamp) -> Self {
        Self::Time(at)
    }
}

impl<T: Into<Cell>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Missing, Into::into)
    }
}
