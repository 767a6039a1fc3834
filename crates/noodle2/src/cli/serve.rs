//! Options of `noodle2 serve`.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Args)]
pub(crate) struct ServeOption {
    /// A run folder, or a folder with runs below it.
    #[arg(default_value = ".", value_name = "RUN|FOLDER")]
    pub place: PathBuf,
    /// The port to listen at; 0 takes a free one.
    #[arg(long, default_value_t = 8420)]
    pub port: u16,
    /// The address to listen at.
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST), value_name = "ADDRESS")]
    pub host: IpAddr,
    /// Be seen from other machines, where `--host` says so; every page then asks for the token.
    #[arg(long)]
    pub open: bool,
}
