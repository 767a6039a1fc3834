//! One host: how it comes to be, how it is forked, what it holds.

use std::io;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use noodle2_model::{CommandLimits, CommandSpec};
use rustix::process::{Pid, Signal, getpid};

use super::channel::{Channel, Ends, name_of};
use crate::cancel::CancelToken;
use crate::output::Pump;
use crate::process_table::Process;

/// How long a host may take to be forked: what is slow is done before.
const LONGEST_FORK: Duration = Duration::from_secs(30);

/// How often somebody who waits for a host to load looks whether he still wants it.
const GLANCE: Duration = Duration::from_millis(100);

/// Memory in pages of two megabytes, where the C library and the system offer them. What a fork costs is mostly the copying
/// of its table of pages, and the taking down of it: 3 ms each at 200 MB in small pages.
const HUGE_PAGES: [&str; 2] = ["GLIBC_TUNABLES", "glibc.malloc.hugetlb=1"];

/// The names of its pipes in the environment of the first host.
const REQUESTS: &str = "NOODLE2_REQUESTS";
const REPLIES: &str = "NOODLE2_REPLIES";

/// A process that is loaded and waits to be forked.
#[derive(Debug)]
pub(super) struct Host {
    pid: Pid,
    channel: Mutex<Channel>,
    /// Ends it.
    stop: CancelToken,
    /// When it was needed last, as a number that only grows.
    needed: AtomicU64,
    /// Processor time that loading it took.
    pub load: Duration,
}

/// A host that is loading, to whoever waits for it.
#[derive(Debug)]
pub(super) struct Loading {
    channel: Channel,
    ends: Option<Ends>,
    stop: CancelToken,
}

/// Why a host did not come to be.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NotLoaded {
    /// Nobody wants it any more.
    Unwanted,
    /// It said what is wrong with what it was to load: it will say so again.
    Refused(String),
    /// It ended, or did not answer.
    Lost(String),
}

impl Loading {
    /// The pipes of a host that is about to be started or forked.
    pub fn new(stop: CancelToken) -> io::Result<Self> {
        let (channel, ends) = Channel::new()?;
        Ok(Self {
            channel,
            ends: Some(ends),
            stop,
        })
    }

    /// The names of its pipes; empty once they are open.
    pub fn names(&self) -> (String, String) {
        self.ends.as_ref().map(Ends::names).unwrap_or_default()
    }

    /// The command that starts the first host of a chain: as `spec`, with `script` in place of its own.
    pub fn root(&self, spec: &CommandSpec, folder: &Path, script: &Path) -> CommandSpec {
        let mut root = spec.clone();
        let (requests, replies) = self.names();
        let huge_pages = HUGE_PAGES.map(str::to_owned);
        let environment = [
            (REQUESTS.to_owned(), requests),
            (REPLIES.to_owned(), replies),
            huge_pages.into(),
        ];
        root.environment.extend(environment);
        if let Some(home) = root.environment.get_mut("HOME") {
            *home = folder.to_string_lossy().into_owned();
        }
        root.arguments.pop();
        root.arguments.push(script.to_string_lossy().into_owned());
        Self::in_place(root, folder)
    }

    /// A host as it is watched: it lives as long as it is needed, and holds what a command may hold.
    pub fn in_place(spec: CommandSpec, folder: &Path) -> CommandSpec {
        CommandSpec {
            folder: folder.to_owned(),
            log: folder.join("start.log"),
            limits: CommandLimits {
                wall: Duration::MAX,
                cpu: Duration::MAX,
                ..spec.limits
            },
            fork: None,
            farewell: None,
            ..spec
        }
    }

    /// Waits until it has loaded.
    pub fn wait(
        mut self,
        deadline: Instant,
        is_wanted: &mut dyn FnMut() -> bool,
        has_ended: &dyn Fn() -> bool,
    ) -> Result<Host, NotLoaded> {
        let loaded = self.hear(deadline, is_wanted, has_ended);
        if loaded.is_err() {
            self.stop.kill();
        }
        let (pid, load) = loaded?;
        Ok(Host {
            pid,
            channel: Mutex::new(self.channel),
            stop: self.stop,
            needed: AtomicU64::new(0),
            load,
        })
    }

    fn hear(
        &mut self,
        deadline: Instant,
        is_wanted: &mut dyn FnMut() -> bool,
        has_ended: &dyn Fn() -> bool,
    ) -> Result<(Pid, Duration), NotLoaded> {
        let lost = |why: &str| Err(NotLoaded::Lost(why.to_owned()));
        let answer = loop {
            if !is_wanted() {
                return Err(NotLoaded::Unwanted);
            }
            if has_ended() {
                // Our copy of its end is open, so the pipe alone would never tell.
                self.ends = None;
            }
            let glance = (Instant::now() + GLANCE).min(deadline);
            match self.channel.receive(glance) {
                Ok(answer) => break answer,
                Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                    if Instant::now() >= deadline {
                        return lost("it did not load in time");
                    }
                }
                Err(_) => return lost("it ended before it had loaded"),
            }
        };
        self.ends = None;
        match answer.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            ["ready", pid] => match pid.parse().ok().and_then(Pid::from_raw) {
                Some(pid) => {
                    let used = Process::read(pid).map(|process| process.cpu());
                    Ok((pid, used.unwrap_or_default()))
                }
                None => lost("it told no process id"),
            },
            ["failed", why] => Err(NotLoaded::Refused(why.to_owned())),
            _ => lost("it answered what it was not asked"),
        }
    }
}

impl Host {
    /// Forks it: the fork runs `script` in `folder`, its output goes into `pump`'s pipe.
    pub fn fork_command(
        &self,
        script: &Path,
        folder: &Path,
        log: &Path,
        limit_bytes: u64,
    ) -> Result<(Pid, Pump), String> {
        self.fork(
            "command",
            script,
            folder,
            log,
            limit_bytes,
            Default::default(),
        )
    }

    /// Forks it: the fork becomes a host of its own.
    pub fn fork_host(
        &self,
        loading: &Loading,
        script: &Path,
        spec: &CommandSpec,
    ) -> Result<(Pid, Pump), String> {
        let (folder, log) = (&spec.folder, &spec.log);
        let limit = spec.limits.output_bytes;
        self.fork("host", script, folder, log, limit, loading.names())
    }

    fn fork(
        &self,
        kind: &str,
        script: &Path,
        folder: &Path,
        log: &Path,
        limit_bytes: u64,
        (requests, replies): (String, String),
    ) -> Result<(Pid, Pump), String> {
        let text = |path: &Path| {
            let text = path.to_str().map(str::to_owned);
            text.ok_or_else(|| format!("the path {} is no UTF-8", path.display()))
        };
        let (script, folder) = (text(script)?, text(folder)?);
        let (pump, output) = Pump::new(log, limit_bytes)
            .map_err(|error| format!("log {}: {error}", log.display()))?;
        let output_name = name_of(output.as_raw_fd());
        let mut channel = self.channel.lock().unwrap_or_else(PoisonError::into_inner);
        let fields = [kind, &script, &folder, &output_name, &requests, &replies];
        let answer = channel
            .send(&fields)
            .and_then(|()| forked(&mut channel, Instant::now() + LONGEST_FORK));
        match answer {
            Ok(Ok(pid)) => Ok((pid, pump)),
            Ok(Err(why)) => Err(why),
            Err(error) => {
                // Whatever it says later would be taken for the answer to something else.
                self.stop.kill();
                Err(format!("the host did not fork: {error}"))
            }
        }
    }

    /// The process.
    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// What ends it.
    pub fn stop(&self) -> &CancelToken {
        &self.stop
    }

    /// Notes that it is needed now.
    pub fn need(&self, now: u64) {
        self.needed.store(now, Ordering::Relaxed);
    }

    /// When it was needed last.
    pub fn last_needed(&self) -> u64 {
        self.needed.load(Ordering::Relaxed)
    }

    /// Memory that it holds, what it shares with others divided among them.
    pub fn memory_bytes(&self) -> u64 {
        let process = Process::read(self.pid);
        process.map_or(0, |process| {
            process
                .proportional_bytes()
                .unwrap_or_else(|| process.resident_bytes())
        })
    }
}

/// The fork, once the one in between is gone; or what kept it from beginning.
fn forked(channel: &mut Channel, deadline: Instant) -> io::Result<Result<Pid, String>> {
    let (mut fork, mut reaped) = (None, false);
    while fork.is_none() || !reaped {
        let answer = match (channel.receive(deadline), &fork) {
            // The host died after its fork began: the fork goes on.
            (Err(error), Some(Ok(pid))) => {
                adopted(*pid, deadline).map_err(|_| error)?;
                break;
            }
            (answer, _) => answer?,
        };
        match answer.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            ["reaped"] => reaped = true,
            ["forked", pid] => {
                let pid = pid.parse().ok().and_then(Pid::from_raw);
                fork = Some(Ok(pid.ok_or_else(|| io::Error::other("no process id"))?));
            }
            ["failed", why] => fork = Some(Err(why.to_owned())),
            _ => return Err(io::Error::other("an answer that nobody asked for")),
        }
    }
    fork.ok_or_else(|| io::Error::other("no answer"))
}

/// Waits until a fork is this process's own; kills one that is not by then, so that nobody works beside whoever does its
/// work in its place.
fn adopted(fork: Pid, deadline: Instant) -> Result<(), ()> {
    let own = getpid().as_raw_pid();
    loop {
        match Process::read(fork) {
            Some(process) if process.parent == own => return Ok(()),
            Some(process) if Instant::now() >= deadline => {
                process.signal(Signal::KILL);
                return Err(());
            }
            Some(_) => std::thread::sleep(Duration::from_millis(1)),
            None => return Err(()),
        }
    }
}

/// Writes what a host loads, in a folder of its own.
pub(super) fn write_script(folder: &Path, text: &str) -> io::Result<PathBuf> {
    std::fs::create_dir_all(folder)?;
    let script = folder.join("host.tcl");
    std::fs::write(&script, text)?;
    Ok(script)
}
