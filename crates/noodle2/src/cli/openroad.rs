//! `noodle2 openroad-log`.

use std::path::PathBuf;

use clap::Args;

use super::FormatOption;

#[derive(Debug, Args)]
pub(crate) struct OpenRoadLogOption {
    /// The log; `-` for stdin.
    pub file: PathBuf,
    /// The status with which OpenROAD exited; without it the log is judged by what it says alone.
    #[arg(long, value_name = "N", conflicts_with = "signal", value_parser = clap::value_parser!(i32).range(0..=255))]
    pub status: Option<i32>,
    /// The signal that ended OpenROAD.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(1..=64))]
    pub signal: Option<i32>,
    /// A cell that is known to have no timing model; may be given more than once.
    #[arg(long, value_name = "CELL")]
    pub black_box: Vec<String>,
    #[command(flatten)]
    pub format: FormatOption,
}
