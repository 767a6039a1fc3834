//! Commands that are forks of processes which are loaded already.
//!
//! ```text
//! controller ── socket ──▶ keeper (the same executable) ──▶ host ──▶ host …      each loaded once, waits to be forked
//!      └────── one socket a command ──▶ its thread ──▶ watches the fork
//! ```
//!
//! A fork is made through one in between that ends at once, so that it becomes a child of the keeper: the keeper waits for
//! it, limits it, reads its output, and kills it as a supervisor does with a command that it starts. A crash takes
//! the fork along and nothing else. When the controller is gone, its sockets report it, and the keeper kills every host and
//! every fork; when the keeper is killed, hosts read the end of their requests and leave, and the controller sweeps
//! what is left.
//!
//! Owns the life of hosts and forks, and the protocol with them ([`channel`]). Never knows what a host loads.

mod channel;
mod host;
mod keeper;

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use noodle2_model::{AttemptUsage, CommandEnding, CommandReport, CommandSpec, StopReason};
use serde::{Deserialize, Serialize};

use crate::cancel::CancelToken;
use crate::guard::{Guard, Supervision};
use crate::supervisor::{Request, converse, start};
use crate::sweep::kill_marked;
use crate::watch::not_started;

pub(crate) use keeper::keep;

/// The first argument by which an executable is told to be a keeper.
pub(crate) const ROLE: &str = "--noodle2-keep-hosts";

/// How long a keeper may take to end everything before it is killed.
const LONGEST_FAREWELL: Duration = Duration::from_secs(20);

/// Processes that are loaded once and forked for every command that begins where they are.
#[derive(Debug)]
pub struct Hosts {
    keeper: Mutex<Child>,
    socket: Mutex<UnixStream>,
    marker: OsString,
    folder: PathBuf,
    /// Whether the keeper is known to be gone.
    gone: AtomicBool,
}

/// Why there are no hosts.
#[derive(Debug, thiserror::Error)]
pub enum HostsError {
    /// This program cannot be its own keeper.
    #[error("N2-EXEC-003: this program cannot keep processes to be forked")]
    NotHooked,
    /// The keeper could not be started.
    #[error("N2-EXEC-004: the keeper of processes to be forked could not be started: {0}")]
    Start(#[from] io::Error),
}

/// A command was not made as a fork: nothing of it has run.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not forked: {reason}")]
pub struct NotForked {
    /// Why.
    pub reason: String,
}

/// What a keeper answers.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Answer {
    /// What came of the command.
    Report(CommandReport),
    /// It was not made, for this reason.
    NotForked(String),
}

impl Hosts {
    /// Starts a keeper without any host yet.
    ///
    /// `folder` is made anew, holds what hosts print, and is removed with them. All hosts together hold about
    /// `memory_bytes` at most: beyond it the one that was needed least recently ends, and is loaded again when it is needed.
    ///
    /// # Errors
    /// When this program cannot be its own keeper, or none can be started.
    pub fn start(guard: &Guard, folder: &Path, memory_bytes: u64) -> Result<Self, HostsError> {
        let Supervision::Process(executable) = guard.supervision() else {
            return Err(HostsError::NotHooked);
        };
        if folder.exists() {
            std::fs::remove_dir_all(folder)?;
        }
        std::fs::create_dir_all(folder)?;
        let folder = folder.canonicalize()?;
        let marker = guard.next_marker();
        let memory = memory_bytes.to_string();
        let arguments = [ROLE.as_ref(), folder.as_os_str(), memory.as_ref()];
        let (keeper, socket) = start(executable, &marker, &arguments)?;
        Ok(Self {
            keeper: Mutex::new(keeper),
            socket: Mutex::new(socket),
            marker,
            folder,
            gone: AtomicBool::new(false),
        })
    }

    /// Runs a command as its plan says and reports what came of it, exactly as [`run_command`](crate::run_command)
    /// does of one that is started. Hosts that are not there yet are loaded first, on the command's time.
    ///
    /// # Errors
    /// When no fork was made: the command has no plan, or a host could not be loaded. Nothing of it has run then.
    pub fn run(
        &self,
        spec: &CommandSpec,
        guard: &Guard,
        cancel: &CancelToken,
    ) -> Result<CommandReport, NotForked> {
        if cancel.is_cancelled() {
            let reason = "it was cancelled before it started".to_owned();
            return Ok(not_started(reason, Some(StopReason::Cancelled)));
        }
        let refused = |reason: String| NotForked { reason };
        if self.gone.load(Ordering::SeqCst) {
            return Err(refused("the keeper of hosts is gone".to_owned()));
        }
        let started = Instant::now();
        let socket = self.call().map_err(|error| {
            self.lose();
            refused(format!("the keeper of hosts cannot be reached: {error}"))
        })?;
        let request = Request::new(spec, self.marker.clone(), guard.grace());
        match converse(socket, &request, cancel) {
            Ok(Answer::Report(report)) => Ok(report),
            Ok(Answer::NotForked(reason)) => Err(refused(reason)),
            Err(_) => {
                self.lose();
                Ok(CommandReport {
                    ending: CommandEnding::Signalled(libc::SIGKILL),
                    stopped_by: cancel.is_cancelled().then_some(StopReason::Cancelled),
                    usage: AttemptUsage {
                        wall_s: started.elapsed().as_secs_f64(),
                        ..AttemptUsage::default()
                    },
                    output_truncated: false,
                    forked: true,
                })
            }
        }
    }

    /// Hands the keeper one end of a new socket, on which one command is spoken of, and returns the other.
    fn call(&self) -> io::Result<UnixStream> {
        let (ours, theirs) = UnixStream::pair()?;
        let socket = self.socket.lock().unwrap_or_else(PoisonError::into_inner);
        channel::send_descriptor(&socket, &OwnedFd::from(theirs))?;
        Ok(ours)
    }

    /// The keeper is gone, and must not leave anything that it kept.
    fn lose(&self) {
        self.gone.store(true, Ordering::SeqCst);
        let mut keeper = self.keeper.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = keeper.kill();
        let _ = keeper.wait();
        kill_marked(|value| value == self.marker);
    }
}

impl Drop for Hosts {
    fn drop(&mut self) {
        if !self.gone.load(Ordering::SeqCst) {
            let socket = self
                .socket
                .get_mut()
                .unwrap_or_else(PoisonError::into_inner);
            let _ = socket.shutdown(std::net::Shutdown::Both);
            let keeper = self
                .keeper
                .get_mut()
                .unwrap_or_else(PoisonError::into_inner);
            let deadline = Instant::now() + LONGEST_FAREWELL;
            while matches!(keeper.try_wait(), Ok(None)) {
                if Instant::now() >= deadline {
                    let _ = keeper.kill();
                    let _ = keeper.wait();
                    break;
                }
                std::thread::sleep(Duration::from_millis(2));
            }
            kill_marked(|value| value == self.marker);
        }
        // What is left of it is of no use, and in nobody's way.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Memory that this machine could still give, in bytes; 0 where it does not tell.
pub fn available_memory_bytes() -> u64 {
    let told = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    crate::process_table::kilobytes(&told, "MemAvailable:").unwrap_or(0)
}

/// Whether a descriptor has something to read, or its other end is closed, until `deadline`.
pub(crate) fn readable_until(source: impl AsFd, deadline: Instant) -> bool {
    let mut descriptors = [rustix::event::PollFd::from_borrowed_fd(
        source.as_fd(),
        rustix::event::PollFlags::IN,
    )];
    loop {
        crate::watch::wait_for(&mut descriptors, Some(deadline));
        if !descriptors[0].revents().is_empty() {
            return true;
        }
        if Instant::now() >= deadline {
            return false;
        }
    }
}
