//! `noodle2 compare`: which two things of which runs are put side by side.

use clap::Args;

use super::FormatOption;

#[derive(Debug, Args)]
pub(crate) struct CompareOption {
    /// `RUN RUN`, `RUN:ITEM RUN:ITEM`, or `RUN ITEM ITEM` for two things of one run. An ITEM is a case, `best`, `base`, a
    /// stage, or `branch:STAGE`.
    #[arg(required = true, num_args = 2..=3, value_name = "RUN|ITEM")]
    pub sides: Vec<String>,
    /// Show only where the two lineages part and what each step since then gained.
    #[arg(long)]
    pub lineage: bool,
    #[command(flatten)]
    pub format: FormatOption,
}
