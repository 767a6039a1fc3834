//! Commands that an engine wants run and what an executor reports of them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::ContentHash;

/// A command that an engine wants run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CommandSpec {
    /// The executable, as an absolute path.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Its whole environment; nothing is inherited.
    pub environment: BTreeMap<String, String>,
    /// The folder in which it runs.
    pub folder: PathBuf,
    /// The file that receives its standard output and standard error, interleaved as written.
    pub log: PathBuf,
    /// What it may use.
    pub limits: CommandLimits,
    /// Streams that do not go where those of most commands go.
    pub streams: CommandStreams,
    /// How the same can be had without starting the program anew; absent where it cannot.
    pub fork: Option<ForkPlan>,
    /// What ends that which its processes have started elsewhere, such as a container that a daemon runs for them.
    pub farewell: Option<Farewell>,
}

/// A command that is run once another one has ended otherwise than by itself.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Farewell {
    /// The executable, as an absolute path.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
}

/// How what a command does can be had from a fork of a process that has loaded already what many commands share.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ForkPlan {
    /// The processes that lead to it: the first is started with the program of the command, each other is a fork
    /// of the one before it, and the command is a fork of the last.
    pub hosts: Vec<HostSpec>,
    /// What the fork does, as a file in the folder of the command.
    pub script: PathBuf,
}

/// A process that loads something once and waits to be forked.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct HostSpec {
    /// The hash of its script and of those of the processes before it: two of one key are the same.
    pub key: ContentHash,
    /// What it loads, in the tool's own language.
    pub script: String,
}

impl HostSpec {
    /// The process that runs `script` after all of `before`.
    pub fn after(before: &[Self], script: String) -> Self {
        let last = before.last().map(|host| host.key.to_string());
        let last = last.unwrap_or_default();
        Self {
            key: ContentHash::of(format!("{last}\n{script}")),
            script,
        }
    }
}

/// Streams of a command that is spoken to.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct CommandStreams {
    /// The file that is its standard input; absent means that it has none.
    pub input: Option<PathBuf>,
    /// The file that receives its standard error, so that its log holds standard output alone. It is cut to
    /// the limit of output now and then.
    pub errors: Option<PathBuf>,
}

/// What one command may use before it is killed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CommandLimits {
    /// Time on the clock.
    pub wall: Duration,
    /// Processor time.
    pub cpu: Duration,
    /// Memory of each of its processes, or of all together where the system can tell.
    pub memory_bytes: u64,
    /// Bytes of output that are kept; what comes after is dropped.
    pub output_bytes: u64,
}

/// What an executor reports of a command that ran.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct CommandReport {
    /// How the command ended.
    pub ending: CommandEnding,
    /// The limit or request that made the executor kill it, if one did.
    pub stopped_by: Option<StopReason>,
    /// What it used.
    pub usage: crate::AttemptUsage,
    /// Whether output beyond the limit was dropped.
    pub output_truncated: bool,
    /// Whether it was a fork of a process that was loaded already.
    pub forked: bool,
}

/// How a command ended.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CommandEnding {
    /// It exited with this status.
    Exited(i32),
    /// It was ended by this signal.
    Signalled(i32),
    /// It could not be started, for this reason.
    NotStarted(String),
}

/// Why an executor killed a command.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// It ran longer than its limit on the clock.
    WallLimit,
    /// It used more processor time than its limit.
    CpuLimit,
    /// It held more memory than its limit.
    MemoryLimit,
    /// Its attempt was cancelled.
    Cancelled,
}
