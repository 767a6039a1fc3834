//! `noodle2 priors`: what can be asked of the evidence that is kept between runs.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use noodle2_model::Metric;

use super::FormatOption;

#[derive(Debug, Default, Args)]
pub(crate) struct PriorsOption {
    /// The store of evidence, instead of NOODLE2_PRIORS or the one in the user's data folder.
    #[arg(long, value_name = "FILE")]
    pub priors: Option<PathBuf>,
}

/// Which evidence is meant. Names are patterns: `*` stands for any text.
#[derive(Debug, Default, Args)]
pub(crate) struct SelectionOption {
    /// Of this project alone.
    #[arg(long, value_name = "PATTERN")]
    pub project: Option<String>,
    /// Of this study alone.
    #[arg(long, value_name = "PATTERN")]
    pub study: Option<String>,
    /// Of this platform alone.
    #[arg(long, value_name = "PATTERN")]
    pub platform: Option<String>,
    /// On this ECO alone.
    #[arg(long, value_name = "PATTERN")]
    pub eco: Option<String>,
    /// Of runs that ended more than so many days ago.
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32))]
    pub older_than_days: Option<u32>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PriorsCommand {
    /// Shows what is known of each ECO, by platform and conditions: tries, gains, standing.
    #[command(
        after_help = "Counts are of trials as they were made, each once and in full; what a study makes of them is \
                      weighed by source and age.\n\n\
                      Examples:\n  noodle2 priors show\n  noodle2 priors show --eco 'buffer_*' --metric hold_tns_ps --format json"
    )]
    Show {
        #[command(flatten)]
        selection: SelectionOption,
        /// The metric whose gains are shown, and by which a try counts as one that helped.
        #[arg(long, value_name = "METRIC", default_value = "setup_tns_ps", value_parser = metric)]
        metric: Metric,
        #[command(flatten)]
        store: PriorsOption,
        #[command(flatten)]
        format: FormatOption,
    },
    /// Writes evidence as JSON to stdout.
    #[command(after_help = "Example:\n  noodle2 priors export --project chip_a > chip_a.json")]
    Export {
        #[command(flatten)]
        selection: SelectionOption,
        #[command(flatten)]
        store: PriorsOption,
    },
    /// Adds evidence that `export` wrote; runs that are known already change nothing.
    #[command(after_help = "Example:\n  noodle2 priors import chip_a.json")]
    Import {
        /// The file; `-` for stdin.
        file: PathBuf,
        #[command(flatten)]
        store: PriorsOption,
        #[command(flatten)]
        format: FormatOption,
    },
    /// Forgets evidence, and says how much.
    #[command(
        after_help = "Examples:\n  noodle2 priors forget --eco buffer_fanout --dry-run\n  \
                      noodle2 priors forget --older-than-days 365"
    )]
    Forget {
        #[command(flatten)]
        selection: SelectionOption,
        /// Everything that the other options leave; needed where there are none.
        #[arg(long)]
        all: bool,
        /// Only says what would be forgotten.
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        store: PriorsOption,
        #[command(flatten)]
        format: FormatOption,
    },
    /// Keeps the evidence of runs that ended: where that failed at their end, or the study did not ask for it.
    #[command(after_help = "Example:\n  noodle2 priors record runs/first runs/second")]
    Record {
        /// The run folders.
        #[arg(required = true, value_name = "RUN")]
        runs: Vec<PathBuf>,
        #[command(flatten)]
        store: PriorsOption,
        #[command(flatten)]
        format: FormatOption,
    },
}

fn metric(name: &str) -> Result<Metric, String> {
    Metric::from_name(name).ok_or_else(|| {
        let names: Vec<&str> = Metric::ALL.iter().map(|metric| metric.name()).collect();
        format!("the metrics are {}", names.join(", "))
    })
}
