//! The hidden command that writes the pages of the reference.

use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Args)]
pub(crate) struct ReferenceOption {
    /// The folder of the pages.
    pub folder: PathBuf,
    /// Write nothing; fail where a page is not what it would be.
    #[arg(long)]
    pub check: bool,
}
