//! Options of `noodle2 report`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

#[derive(Debug, Args)]
pub(crate) struct ReportOption {
    /// The run folder.
    pub run: PathBuf,
    /// How to tell it.
    #[arg(long, value_enum, default_value_t)]
    pub format: ReportFormat,
    /// Write it there instead of printing it.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// The forms of a report.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportFormat {
    /// For a terminal.
    #[default]
    Text,
    /// Markdown.
    Md,
    /// One file with every picture, for a browser and for print; nothing in it is fetched from anywhere.
    Html,
    /// All numbers, for scripts.
    Json,
    /// The trials as a table; `noodle2 export` writes all others.
    Csv,
}
