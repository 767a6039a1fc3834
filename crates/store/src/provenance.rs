//! Provenance: all that somebody needs to repeat one attempt, and to know where and when it ran.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use noodle2_model::{
    AttemptId, AttemptUsage, CacheHit, CaseName, CommandEnding, CommandReport, CommandSpec,
    ContentHash, EcoProposal, InputFile, Perturbation, StopReason, ToolIdentity,
};
use serde::{Deserialize, Serialize};

use crate::StoreError;
use crate::artifacts::json_text;
use crate::files::write_whole;
use crate::lock::host_name;

/// Where one attempt came from: the content of `provenance.json` in its folder.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Provenance {
    /// The version of the format; [`Provenance::SCHEMA_VERSION`] when written by this version.
    pub schema_version: u32,
    /// The version of Noodle 2 that ran the attempt.
    pub noodle2_version: String,
    /// The attempt.
    pub attempt: AttemptId,
    /// The case that it derives.
    pub case: CaseName,
    /// The case that the ECO was applied to; absent for the base case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<CaseName>,
    /// The ECO with its parameters; absent for the base case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eco: Option<EcoProposal>,
    /// What the tool is seeded with: the seed of the study, or of its perturbation.
    pub seed: u64,
    /// What was changed about the measurement; absent where nothing was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub perturbation: Option<Perturbation>,
    /// The tools, each with path, version and hash.
    pub tools: Vec<ToolIdentity>,
    /// Libraries, constraints, netlist and everything else that was read, with hashes.
    pub inputs: Vec<InputFile>,
    /// The machine.
    pub host: Host,
    /// When the first command started.
    pub started_at: Timestamp,
    /// When the last command had ended.
    pub ended_at: Timestamp,
    /// The commands, in the order in which they ran.
    pub commands: Vec<CommandRecord>,
    /// The known result that it is, where no command was run for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known_from: Option<CacheHit>,
}

impl Provenance {
    /// The version of the format that this version writes.
    pub const SCHEMA_VERSION: u32 = 1;

    /// Where the provenance of the attempt in `folder` lies.
    pub fn path(folder: &Path) -> PathBuf {
        folder.join("provenance.json")
    }

    /// Writes the provenance into the attempt's folder and returns the hash of the file. It becomes durable when the
    /// folder is sealed.
    ///
    /// # Errors
    /// [`StoreError::Io`], also for a path that is no UTF-8; [`StoreError::DiskFull`].
    pub fn write(&self, folder: &Path) -> Result<ContentHash, StoreError> {
        let path = Self::path(folder);
        let text = json_text(&path, self)?;
        write_whole(&path, &text)?;
        Ok(ContentHash::of(&text))
    }
}

/// A machine.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Host {
    /// Its name.
    pub name: String,
    /// The kernel with its release.
    pub system: String,
    /// The architecture of its processors.
    pub machine: String,
    /// How many processors this process may use; absent where it could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processors: Option<usize>,
}

impl Host {
    /// The machine that this process runs on.
    pub fn current() -> Self {
        let system = rustix::system::uname();
        Self {
            name: host_name(),
            system: format!(
                "{} {}",
                system.sysname().to_string_lossy(),
                system.release().to_string_lossy()
            ),
            machine: system.machine().to_string_lossy().into_owned(),
            processors: std::thread::available_parallelism()
                .ok()
                .map(std::num::NonZero::get),
        }
    }
}

/// One command exactly as it ran, and how it ended.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct CommandRecord {
    /// The executable.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Its whole environment.
    pub environment: BTreeMap<String, String>,
    /// The folder in which it ran.
    pub folder: PathBuf,
    /// The file that holds its output.
    pub log: PathBuf,
    /// Its status, where it ended by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_status: Option<i32>,
    /// The signal that ended it, where one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<i32>,
    /// Why it could not be started, where it could not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_started: Option<String>,
    /// The limit or request for which it was killed: `wall_limit`, `cpu_limit`, `memory_limit` or
    /// `cancelled`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped_by: Option<String>,
    /// Whether output beyond the limit was dropped.
    pub output_truncated: bool,
    /// Whether it was a fork of a process that was loaded already.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub forked: bool,
    /// What it used.
    pub usage: AttemptUsage,
}

impl CommandRecord {
    /// The record of a command that ran.
    pub fn new(spec: &CommandSpec, report: &CommandReport) -> Self {
        let (exit_status, signal, not_started) = match &report.ending {
            CommandEnding::Exited(status) => (Some(*status), None, None),
            CommandEnding::Signalled(signal) => (None, Some(*signal), None),
            CommandEnding::NotStarted(reason) => (None, None, Some(reason.clone())),
        };
        let stopped_by = report.stopped_by.map(|reason| match reason {
            StopReason::WallLimit => "wall_limit",
            StopReason::CpuLimit => "cpu_limit",
            StopReason::MemoryLimit => "memory_limit",
            StopReason::Cancelled => "cancelled",
        });
        Self {
            program: spec.program.clone(),
            arguments: spec.arguments.clone(),
            environment: spec.environment.clone(),
            folder: spec.folder.clone(),
            log: spec.log.clone(),
            exit_status,
            signal,
            not_started,
            stopped_by: stopped_by.map(str::to_owned),
            output_truncated: report.output_truncated,
            forked: report.forked,
            usage: report.usage,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use noodle2_model::{CommandLimits, TrialId};
    use std::time::Duration;

    #[test]
    fn provenance_reads_back_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let spec = CommandSpec {
            streams: Default::default(),
            fork: None,
            farewell: None,
            program: "/usr/bin/sta".into(),
            arguments: vec!["-exit".to_owned(), "trial.tcl".to_owned()],
            environment: BTreeMap::from([("LC_ALL".to_owned(), "C".to_owned())]),
            folder: "trials/gcd_0_0/1".into(),
            log: "trials/gcd_0_0/1/sta.log".into(),
            limits: CommandLimits {
                wall: Duration::from_secs(600),
                cpu: Duration::from_secs(600),
                memory_bytes: 1 << 32,
                output_bytes: 1 << 24,
            },
        };
        let report = CommandReport {
            ending: CommandEnding::Signalled(9),
            stopped_by: Some(StopReason::WallLimit),
            usage: AttemptUsage {
                wall_s: 600.1,
                cpu_s: 599.3,
                ..AttemptUsage::default()
            },
            output_truncated: false,
            forked: false,
        };
        let provenance = Provenance {
            schema_version: Provenance::SCHEMA_VERSION,
            noodle2_version: "0.1.0".to_owned(),
            attempt: AttemptId {
                trial: TrialId::BASE,
                number: 1,
            },
            case: CaseName::base("gcd"),
            parent: None,
            eco: None,
            seed: u64::MAX,
            perturbation: Perturbation::of(7, 1),
            tools: Vec::new(),
            inputs: vec![InputFile {
                role: "liberty:typical".to_owned(),
                path: "typical.lib".into(),
                content: ContentHash::of("library"),
            }],
            host: Host::current(),
            started_at: Timestamp::UNIX_EPOCH,
            ended_at: Timestamp::UNIX_EPOCH,
            commands: vec![CommandRecord::new(&spec, &report)],
            known_from: None,
        };
        let hash = provenance.write(folder.path()).unwrap();
        let path = Provenance::path(folder.path());
        assert_eq!(crate::hash_file(&path).unwrap(), hash);
        let text = std::fs::read_to_string(path).unwrap();
        let again: Provenance = serde_json::from_str(&text).unwrap();
        assert_eq!(again, provenance);
        assert!(text.contains(r#""stopped_by": "wall_limit""#), "{text}");
        assert!(!provenance.host.name.is_empty());
    }
}
