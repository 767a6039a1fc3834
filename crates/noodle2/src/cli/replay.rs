//! `noodle2 replay`.

use std::path::PathBuf;

use clap::Args;

use super::FormatOption;

#[derive(Debug, Args)]
pub(crate) struct ReplayOption {
    /// The run folder; nothing in it is changed.
    pub run: PathBuf,
    /// A trial (`2_14`), or the case that it made (`mac_2_14`); `0_0` is the base case.
    pub trial: String,
    /// Which attempt of the trial, by its number; the last that derived the case unless given. Others measured the
    /// case again.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub attempt: Option<u32>,
    /// Where it runs; must be new or empty. A new folder beside the run unless given.
    #[arg(long, value_name = "FOLDER")]
    pub out: Option<PathBuf>,
    /// What if: the same ECO on the same parent with another value of a parameter. May be given several times.
    #[arg(long = "param", value_name = "NAME=VALUE", value_parser = parameter)]
    pub parameters: Vec<(String, String)>,
    /// Take the tools that are here, although their content is not what the run recorded.
    #[arg(long)]
    pub any_engine: bool,
    #[command(flatten)]
    pub format: FormatOption,
}

/// A parameter with its value.
fn parameter(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("it is not like `max_cells=10`".to_owned()),
    }
}
