//! `noodle2 heatmap`.

use std::path::PathBuf;

use clap::{ArgGroup, Args, ValueEnum};

use super::FormatOption;

/// A map that is made from a placed design.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum MadeMap {
    /// How much of each bin is covered by cells.
    Density,
    /// Routing demand, estimated from the boxes of nets.
    Rudy,
}

/// What a heat map of a file shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum KindOption {
    /// Placement density.
    Placement,
    /// Pin density.
    Pin,
    /// Power density.
    Power,
    /// IR drop.
    #[value(name = "irdrop")]
    IrDrop,
    /// Routing congestion.
    Routing,
    /// Estimated routing demand.
    Rudy,
    /// Anything else.
    Other,
}

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("source").required(true).args(["files", "compare", "map", "congestion"]))]
pub(crate) struct HeatmapOption {
    /// Heat maps; several are drawn side by side on one scale.
    #[arg(value_name = "FILE.csv")]
    pub files: Vec<PathBuf>,
    /// Tell what changed from one heat map to another.
    #[arg(long, num_args = 2, value_names = ["BEFORE", "AFTER"])]
    pub compare: Vec<PathBuf>,
    /// Make a map from the placed design of --def.
    #[arg(long, value_enum, value_name = "MAP", requires = "def")]
    pub map: Option<MadeMap>,
    /// A report of congestion, as a map of overflow and with what it says of causes.
    #[arg(long, value_name = "FILE")]
    pub congestion: Option<PathBuf>,
    /// The placed design: for --map, for the outlines of core and blocks, and for the cells of hotspots.
    #[arg(long, value_name = "FILE.def", requires = "lef")]
    pub def: Option<PathBuf>,
    /// A LEF file of the technology or its cells. May be given several times.
    #[arg(long, value_name = "FILE.lef", requires = "def")]
    pub lef: Vec<PathBuf>,
    /// The lowest and highest layer that may be routed on, for --map rudy; all unless given.
    #[arg(long, num_args = 2, value_names = ["LOWEST", "HIGHEST"], requires = "map")]
    pub layers: Vec<String>,
    /// What the files show; told from their names unless given (`heatmap_rudy.csv`).
    #[arg(long, value_enum, value_name = "KIND")]
    pub kind: Option<KindOption>,
    /// The side of a bin in µm: of --map density (10 unless given), and of files of columns and rows.
    #[arg(long, value_name = "µM", value_parser = positive)]
    pub bin: Option<f64>,
    /// List connected bins above a threshold, and mark them in the picture; with --compare, tell what became of them.
    #[arg(long)]
    pub hotspots: bool,
    /// The threshold in the unit of the map. Unless given: 100 for routing, 0 for overflow, else the hottest twentieth of the bins. With --compare
    /// that of the first map counts for both.
    #[arg(long, value_name = "VALUE", allow_negative_numbers = true, requires = "hotspots", value_parser = finite)]
    pub over: Option<f64>,
    /// The threshold as the share of bins that lie below it, as in 0.95.
    #[arg(long, value_name = "SHARE", requires = "hotspots", conflicts_with = "over", value_parser = share)]
    pub quantile: Option<f64>,
    /// Changes up to this one count as none, in the unit of the maps.
    #[arg(long, value_name = "VALUE", default_value_t = 0.0, requires = "compare", value_parser = not_negative)]
    pub tolerance: f64,
    /// A path to be drawn, as its pins from start to end: `u1/Q,u2/A,u2/Z`. May be given several times, the worst first.
    #[arg(long, value_name = "PIN,PIN[,…]", requires = "def")]
    pub path: Vec<String>,
    /// The run that the picture's footer names.
    #[arg(long, value_name = "NAME", default_value = "", requires = "out")]
    pub run: String,
    /// Draw a picture, as SVG or as PNG of 300 dots an inch.
    #[arg(long, value_name = "FILE.svg|FILE.png")]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    pub format: FormatOption,
}

fn finite(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
    number.ok_or_else(|| "not a number".to_owned())
}

fn not_negative(text: &str) -> Result<f64, String> {
    let number = finite(text).ok().filter(|number| *number >= 0.0);
    number.ok_or_else(|| "not a number of at least 0".to_owned())
}

fn positive(text: &str) -> Result<f64, String> {
    let number = finite(text).ok().filter(|number| *number > 0.0);
    number.ok_or_else(|| "not a length above 0".to_owned())
}

fn share(text: &str) -> Result<f64, String> {
    let number = finite(text)
        .ok()
        .filter(|number| (0.0..1.0).contains(number));
    number.ok_or_else(|| "not a share from 0 to below 1".to_owned())
}
