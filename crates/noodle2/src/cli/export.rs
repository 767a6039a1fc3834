//! `noodle2 export`: in which form a run is written as tables, and where to.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

#[derive(Debug, Args)]
pub(crate) struct ExportOption {
    /// The run folder.
    pub run: PathBuf,
    /// The folder to write to; made where it is missing. Files of the same names are replaced.
    #[arg(long, value_name = "FOLDER")]
    pub to: PathBuf,
    /// In which form.
    #[arg(long, value_enum, default_value_t)]
    pub format: ExportFormat,
    /// Only these tables, by name, with commas between them.
    #[arg(
        long,
        value_name = "NAMES",
        value_delimiter = ',',
        conflicts_with = "stage"
    )]
    pub tables: Vec<String>,
    /// With `--format metrics21`: the stage of a flow that is put before every name, as in `cts__timing__setup__ws`.
    #[arg(long, value_name = "NAME")]
    pub stage: Option<String>,
}

/// The form of what is exported.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportFormat {
    /// Comma-separated values as RFC 4180 has them, with a header; what is missing is empty.
    #[default]
    Csv,
    /// A JSON object a line; what is missing is `null`.
    Ndjson,
    /// One array of JSON objects for each table.
    Json,
    /// Metrics under the names of METRICS2.1, a JSON file for each case; times in nanoseconds.
    Metrics21,
}
