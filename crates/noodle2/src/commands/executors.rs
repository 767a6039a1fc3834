//! What carries the attempts of `noodle2 run` and `noodle2 resume` out, as the command line says.

use std::path::{Path, PathBuf};
use std::time::Duration;

use noodle2_bridge::ResourceRequest;
use noodle2_exec::{Guard, Hosts};
use noodle2_store::RunFolder;

use crate::cli::{ClusterOption, EngineMode, ExecutorKind, WorkersOption};
use crate::exit::{CommandFailure, Exit};
use crate::run::{
    BridgeError, Carrier, Cluster, ClusterExecutor, Executor, Forking, Keeper, LocalExecutor,
    LocalWorker,
};
use crate::study::{Prepared, absolute};

/// What the attempts of a run may use.
#[derive(Debug)]
pub(crate) struct Resources {
    pub workers: WorkersOption,
    pub cluster: ClusterOption,
}

impl Resources {
    /// Refuses what cannot be meant for a run in this folder.
    pub fn check(&self, run: &Path) -> Result<(), CommandFailure> {
        if self.cluster.executor == ExecutorKind::Local {
            return self.refuse_cluster_options();
        }
        let Some(shared) = self.shared() else {
            return Ok(());
        };
        let run = absolute(run);
        if run.starts_with(&shared) {
            return Ok(());
        }
        Err(CommandFailure::new(
            Exit::Usage,
            "N2-RAY-012",
            format!(
                "`--ray-shared {}` does not hold the run folder `{}`: runners could not write into it",
                shared.display(),
                run.display()
            ),
            "put the run below the shared folder, or leave `--ray-shared` out: then files travel"
                .to_owned(),
        ))
    }

    /// Refuses options that say something of a cluster, for a run on this machine.
    fn refuse_cluster_options(&self) -> Result<(), CommandFailure> {
        let ClusterOption {
            executor: _,
            // An environment may name it for all runs, and the others have values unless given.
            python: _,
            ray_weight: _,
            ray_cpus: _,
            ray_patience: _,
            ray_address,
            ray_insecure,
            ray_memory_mib,
            ray_resource,
            ray_scratch,
            ray_shared,
        } = &self.cluster;
        let given = [
            ("--ray-address", ray_address.is_some()),
            ("--ray-insecure", *ray_insecure),
            ("--ray-memory-mib", ray_memory_mib.is_some()),
            ("--ray-resource", !ray_resource.is_empty()),
            ("--ray-scratch", ray_scratch.is_some()),
            ("--ray-shared", ray_shared.is_some()),
        ];
        let given: Vec<&str> = given
            .iter()
            .filter(|(_, is_given)| *is_given)
            .map(|(name, _)| *name)
            .collect();
        if given.is_empty() {
            return Ok(());
        }
        Err(CommandFailure::new(
            Exit::Usage,
            "N2-RAY-013",
            format!(
                "`{}` is of a cluster, and the run is to be on this machine",
                given.join("`, `")
            ),
            "add `--executor ray`, or leave it out".to_owned(),
        ))
    }

    /// The executor for a run, and what attempts which run at once may hold together in bytes, where this machine
    /// limits that.
    pub fn executor(
        &self,
        prepared: Prepared,
        keeper: Keeper,
        mark: &str,
    ) -> Result<(Box<dyn Executor>, Option<u64>), CommandFailure> {
        if self.cluster.executor == ExecutorKind::Ray {
            let executor = self.cluster_executor(prepared, keeper, mark)?;
            // What runs where is Ray's to say, by what each attempt is said to need.
            return Ok((Box::new(executor), None));
        }
        let memory_bytes = self.memory_bytes();
        let forking = self.forking(&prepared, &keeper.folder, mark)?;
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        let workers = self
            .workers
            .workers
            .map_or_else(cores, |workers| workers as usize);
        let worker = LocalWorker {
            carrier: Carrier {
                context: prepared.context,
                catalogue: prepared.catalogue,
                study: prepared.identity.study,
                inputs: prepared.identity.inputs,
                mark: mark.to_owned(),
                forking,
            },
            keeper,
        };
        let executor = LocalExecutor::new(worker, workers).map_err(CommandFailure::internal)?;
        Ok((Box::new(executor), memory_bytes))
    }

    /// What loaded engines may hold together.
    fn engine_memory_bytes(&self) -> u64 {
        self.given_engine_memory_bytes()
            .unwrap_or_else(|| noodle2_exec::available_memory_bytes() / 2)
    }

    fn given_engine_memory_bytes(&self) -> Option<u64> {
        let mib = self.workers.engine_memory_mib;
        mib.map(|mib| mib.saturating_mul(1 << 20))
    }

    /// What the attempts which run at once may hold together: what is free now and not left to loaded engines. `None`
    /// where that cannot be told.
    fn memory_bytes(&self) -> Option<u64> {
        if let Some(mib) = self.workers.memory_mib {
            return Some(mib.saturating_mul(1 << 20));
        }
        let engines = match self.workers.engine_mode {
            EngineMode::Cold => 0,
            EngineMode::Auto | EngineMode::Warm => self.engine_memory_bytes(),
        };
        let left = noodle2_exec::available_memory_bytes().saturating_sub(engines);
        (left > 0).then_some(left)
    }

    /// How attempts of this machine get their engine.
    ///
    /// # Errors
    /// When the engine cannot be forked and the person wants it to be.
    fn forking(
        &self,
        prepared: &Prepared,
        folder: &RunFolder,
        mark: &str,
    ) -> Result<Forking, CommandFailure> {
        if self.workers.engine_mode == EngineMode::Cold {
            return Ok(Forking::default());
        }
        let hosts = match prepared.context.can_fork() {
            false => Err(CANNOT_FORK.to_owned()),
            true => {
                let guard = Guard::new(mark, "engines");
                Hosts::start(&guard, &folder.engines(), self.engine_memory_bytes())
                    .map_err(|error| error.to_string())
            }
        };
        let study = &prepared.identity.study;
        match hosts {
            Ok(hosts) => Ok(Forking::new(
                Some(hosts),
                study.engine.audit_share(),
                study.seed,
            )),
            Err(_) if self.workers.engine_mode == EngineMode::Auto => Ok(Forking::default()),
            Err(why) => Err(not_warm(&why)),
        }
    }

    fn cluster_executor(
        &self,
        prepared: Prepared,
        keeper: Keeper,
        mark: &str,
    ) -> Result<ClusterExecutor, CommandFailure> {
        let mode = self.workers.engine_mode;
        if mode == EngineMode::Warm && !prepared.context.can_fork() {
            return Err(not_warm(CANNOT_FORK));
        }
        let option = &self.cluster;
        let cluster = Cluster {
            python: option.python.ray_python.clone(),
            address: option.ray_address.clone(),
            allow_insecure: option.ray_insecure,
            weight: option.ray_weight,
            request: ResourceRequest {
                cpus: option.ray_cpus,
                memory_bytes: option.ray_memory_mib.map(|mib| mib.saturating_mul(1 << 20)),
                resources: option.ray_resource.iter().cloned().collect(),
            },
            most_slots: self.workers.workers,
            scratch: option.ray_scratch.as_deref().map(absolute),
            shared: self.shared(),
            patience: Duration::from_secs(option.ray_patience),
        };
        let log = keeper.folder.bridge_log();
        let engine_memory_bytes = self.given_engine_memory_bytes();
        ClusterExecutor::connect(cluster, keeper, prepared.context, mark, log, |header| {
            header.cold = mode == EngineMode::Cold;
            header.engine_memory_bytes = engine_memory_bytes;
        })
        .map_err(|error| no_cluster(&error))
    }

    fn shared(&self) -> Option<PathBuf> {
        self.cluster.ray_shared.as_deref().map(absolute)
    }
}

const CANNOT_FORK: &str =
    "the engine cannot be forked: it lacks Tclx, or a fork of it does not work (`noodle2 doctor`)";

fn not_warm(why: &str) -> CommandFailure {
    CommandFailure::new(
        Exit::Usage,
        "N2-RUN-020",
        format!("`--engine-mode warm`: {why}"),
        "go on with `noodle2 resume --engine-mode auto`".to_owned(),
    )
}

/// The run has begun, and waits for a cluster to be resumed on.
fn no_cluster(error: &BridgeError) -> CommandFailure {
    let help = format!("{}; then go on with `noodle2 resume`", error.help());
    CommandFailure::new(Exit::Interrupted, error.code(), error, help)
}
