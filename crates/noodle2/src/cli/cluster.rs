//! Where attempts are carried out.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// What carries attempts out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum ExecutorKind {
    /// The workers of this machine.
    #[default]
    Local,
    /// A Ray cluster.
    Ray,
}

#[derive(Debug, Args)]
pub(crate) struct PythonOption {
    /// The Python that holds the connection to Ray; it needs Ray and the package in `python/`.
    #[arg(
        long,
        env = "NOODLE2_RAY_PYTHON",
        default_value = "python3",
        value_name = "PATH",
        hide_env_values = true
    )]
    pub ray_python: PathBuf,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "On a cluster (--executor ray)")]
pub(crate) struct ClusterOption {
    /// What carries attempts out; results are the same.
    #[arg(long, value_enum, default_value_t, value_name = "KIND")]
    pub executor: ExecutorKind,
    #[command(flatten)]
    pub python: PythonOption,
    /// The address of the cluster, such as `10.0.0.1:6379`; what RAY_ADDRESS says, or the cluster that runs on this machine, unless given.
    #[arg(long, value_name = "ADDRESS")]
    pub ray_address: Option<String>,
    /// Take a cluster that others can reach and that asks nobody for a token: whoever reaches it can run anything on its nodes.
    #[arg(long)]
    pub ray_insecure: bool,
    /// The run's weight beside other runs on the cluster: one of weight 2 gets twice the slots of one of weight 1 while both want more.
    #[arg(long, value_name = "WEIGHT", default_value_t = 1.0, value_parser = positive)]
    pub ray_weight: f64,
    /// Processors that each attempt needs.
    #[arg(long, value_name = "N", default_value_t = 1.0, value_parser = positive)]
    pub ray_cpus: f64,
    /// Memory that each attempt needs.
    #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u64).range(1..))]
    pub ray_memory_mib: Option<u64>,
    /// Another resource of the cluster that each attempt needs, such as `licence=1`; may be given several times.
    #[arg(long, value_name = "NAME=AMOUNT", value_parser = resource)]
    pub ray_resource: Vec<(String, f64)>,
    /// The folder that nodes keep files in; one below their folder of temporary files unless given.
    #[arg(long, value_name = "FOLDER")]
    pub ray_scratch: Option<PathBuf>,
    /// A folder that every node has at the same place, and in which the run lies: then nothing in it travels.
    #[arg(long, value_name = "FOLDER")]
    pub ray_shared: Option<PathBuf>,
    /// How long to wait for a cluster that is gone before the run stops, to be resumed.
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    pub ray_patience: u64,
}

/// A number above 0.
fn positive(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if number > 0.0 && number.is_finite() => Ok(number),
        _ => Err("it is no number above 0".to_owned()),
    }
}

/// A resource with its amount.
fn resource(text: &str) -> Result<(String, f64), String> {
    let (name, amount) = text.split_once('=').ok_or("it is not like `licence=1`")?;
    if name.is_empty() {
        return Err("it names no resource".to_owned());
    }
    if ["CPU", "GPU", "memory", "object_store_memory"].contains(&name) {
        return Err(format!(
            "`{name}` is no resource of the cluster's own: use `--ray-cpus` or `--ray-memory-mib`"
        ));
    }
    Ok((name.to_owned(), positive(amount)?))
}
