//! `noodle2 platform`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::FormatOption;

#[derive(Debug, Subcommand)]
pub(crate) enum PlatformCommand {
    /// Lists the built-in platforms, and whether their libraries are found.
    #[command(after_help = "Example:\n  noodle2 platform list")]
    List {
        #[command(flatten)]
        format: FormatOption,
    },
    /// Reads every library and LEF file of a platform, and says all that does not fit.
    #[command(
        after_help = "Examples:\n  noodle2 platform check nangate45 --platform-root pdk/nangate45\n  \
                      noodle2 platform check mine.yaml --format json\n\n\
                      Ends with 1 where a study could not rely on the platform; remarks alone end with 0."
    )]
    Check(PlatformCheckOption),
    /// Writes a platform file from a folder of libraries and LEF files, and checks it.
    #[command(
        after_help = "Example:\n  noodle2 platform add pdk/mine --name mine --out platforms/mine.yaml\n\n\
                      Reads config.mk of a platform folder of OpenROAD-flow-scripts where there is one. What no file states\n\
                      is derived and marked as such, or left out. A file that is there is never replaced."
    )]
    Add(PlatformAddOption),
}

#[derive(Debug, Args)]
pub(crate) struct PlatformCheckOption {
    /// A built-in platform, or the path of a platform file.
    #[arg(value_name = "NAME|FILE")]
    pub platform: String,
    /// The folder that holds the libraries, instead of what NOODLE2_PDK_<NAME> or the file says.
    #[arg(long, value_name = "FOLDER")]
    pub platform_root: Option<PathBuf>,
    #[command(flatten)]
    pub format: FormatOption,
}

#[derive(Debug, Args)]
pub(crate) struct PlatformAddOption {
    /// The folder that holds libraries and LEF files.
    pub folder: PathBuf,
    /// The platform's name: letters, digits, `_` and `-`.
    #[arg(long)]
    pub name: String,
    /// The file to write; `<name>.yaml` in this folder unless given.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    pub format: FormatOption,
}
