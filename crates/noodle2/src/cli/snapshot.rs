//! `noodle2 snapshot`.

use clap::{Args, Subcommand};

use super::{FormatOption, StudyOption};

#[derive(Debug, Subcommand)]
pub(crate) enum SnapshotCommand {
    /// Places the netlists of a study with its engine, and keeps how that was done beside the snapshot.
    #[command(
        after_help = "Example:\n  noodle2 snapshot create study.yaml --utilisation 55\n\nWrites the file that `engine.snapshot` names, and beside it the DEF, the netlist, the script,\nthe log and `….json`, which tells how the placement was made. Makes no power grid."
    )]
    Create(SnapshotCreateOption),
    /// Measures the base case of a study from its snapshot, as a run would begin.
    #[command(after_help = "Example:\n  noodle2 snapshot check study.yaml")]
    Check {
        #[command(flatten)]
        study: StudyOption,
        #[command(flatten)]
        format: FormatOption,
    },
}

#[derive(Debug, Args)]
pub(crate) struct SnapshotCreateOption {
    #[command(flatten)]
    pub study: StudyOption,
    /// The share of the core that cells take, in percent; the middle of what the platform permits unless given.
    #[arg(long, value_name = "PERCENT")]
    pub utilisation: Option<f64>,
    /// The density that global placement aims at, from 0 to 1; a tenth above the utilisation unless given.
    #[arg(long, value_name = "SHARE")]
    pub density: Option<f64>,
    /// Height of the core over its width.
    #[arg(long, value_name = "RATIO", default_value_t = 1.0)]
    pub aspect_ratio: f64,
    /// Space between core and die, in µm.
    #[arg(long, value_name = "MICROMETRES", default_value_t = 5.0)]
    pub core_space: f64,
    /// Removes the buffers of the netlist before it is placed.
    #[arg(long)]
    pub remove_buffers: bool,
    /// Replaces a snapshot that is there.
    #[arg(long)]
    pub force: bool,
}
