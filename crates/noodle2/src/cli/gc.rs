//! `noodle2 gc`: of which runs, and what is kept.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::FormatOption;

#[derive(Debug, Args)]
pub(crate) struct GcOption {
    /// A run folder, or a folder below which runs are looked for.
    #[arg(value_name = "RUN|FOLDER")]
    pub folder: PathBuf,
    /// Whose designs are kept.
    #[arg(long, value_enum, default_value_t)]
    pub keep: Keep,
    /// Remove it; without this it is only told.
    #[arg(long)]
    pub delete: bool,
    #[command(flatten)]
    pub format: FormatOption,
}

/// The cases whose designs stay with the attempts that made them. Copies under `cases/` always stay.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Keep {
    /// The base case, the best, and what the last stages passed on.
    Survivors,
    /// Every case that another was made from or that a stage passed on, so that each trial can be made again.
    #[default]
    Lineage,
    /// Every case that counts.
    AllCases,
}
