//! `noodle2 simulate`.

use clap::Args;

use super::{FormatOption, StudyOption};

#[derive(Debug, Args)]
pub(crate) struct SimulateOption {
    #[command(flatten)]
    pub study: StudyOption,
    /// How many attempts run at once; several numbers for a table of what if.
    #[arg(
        long,
        short = 'j',
        value_name = "N[,N…]",
        default_value = "1,2,4,8,16,32,64"
    )]
    pub workers: String,
    /// How long attempts take: `constant:SECONDS`, `uniform:LOW..HIGH`, `lognormal:MEDIAN,SIGMA`, or a run folder, whose
    /// attempts are drawn again.
    #[arg(long, value_name = "RUN|DISTRIBUTION")]
    pub durations: Option<String>,
    /// What goes wrong with attempts of trials, by its share: `crash`, `timeout`, `hang`, `kill-worker`.
    #[arg(long, value_name = "FAULT=SHARE[,…]")]
    pub faults: Option<String>,
    /// Tell as well what it would take with a barrier, before which a stage waits for every stage of an earlier wave.
    #[arg(long)]
    pub barrier: bool,
    /// Memory that the attempts which run at once may hold together; counts where a run tells what attempts hold.
    #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u64).range(1..))]
    pub memory_mib: Option<u64>,
    #[command(flatten)]
    pub format: FormatOption,
}
