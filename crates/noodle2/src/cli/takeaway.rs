//! `noodle2 debug` and `noodle2 rebuild`: what of a run is given to somebody else.

use std::path::PathBuf;

use clap::Args;

use super::PythonOption;

#[derive(Debug, Args)]
pub(crate) struct DebugOption {
    /// The run folder.
    pub run: PathBuf,
    /// A case (`mac_2_14`), or a trial (`2_14`), also one that failed.
    pub case: String,
    /// The archive.
    #[arg(long, value_name = "FILE.tar.gz")]
    pub out: PathBuf,
    /// Put netlists, placements, constraints and libraries into it too.
    #[arg(long)]
    pub with_design: bool,
    #[command(flatten)]
    pub python: PythonOption,
}

#[derive(Debug, Args)]
pub(crate) struct RebuildOption {
    /// The run folder.
    pub run: PathBuf,
    /// A case (`mac_2_14`), or the trial that made it (`2_14`).
    pub case: String,
    /// The folder; must be new or empty.
    #[arg(long, value_name = "FOLDER")]
    pub out: PathBuf,
}
