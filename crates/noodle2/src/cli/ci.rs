//! `noodle2 ci`.

use std::path::PathBuf;

use clap::Args;

use super::{ClusterOption, FormatOption, StudyOption, WorkersOption};

#[derive(Debug, Args)]
pub(crate) struct CiOption {
    #[command(flatten)]
    pub study: StudyOption,
    /// What the results are held against.
    #[arg(long, value_name = "FILE")]
    pub baseline: PathBuf,
    /// Write the results of this run there instead; tolerances that stand there are kept.
    #[arg(long)]
    pub write_baseline: bool,
    /// Write every check as a test case of JUnit's XML.
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// The run folder, new or empty; a temporary one unless given.
    #[arg(long, value_name = "RUN")]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    pub workers: WorkersOption,
    #[command(flatten)]
    pub format: FormatOption,
    #[command(flatten)]
    pub cluster: ClusterOption,
}
