//! Runs one command from start to end: the loop that carries its output, measures it, and stops it.
//!
//! The same loop runs in a supervisor and, without one, in the thread that asked for the command.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use noodle2_model::{
    AttemptUsage, CommandEnding, CommandReport, CommandSpec, Farewell, StopReason,
};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, getpid, pidfd_open};

use crate::cancel::{CancelLevel, CancelListener};
use crate::cgroup::Cgroup;
use crate::child::ChildSetup;
use crate::containment::Containment;
use crate::guard::MARKER;
use crate::output::Pump;
use crate::process_table::Process;
use crate::tree::{Membership, Tree};

/// How often a command's processes are measured.
const SAMPLING_PERIOD: Duration = Duration::from_millis(50);
/// How long descendants may outlive the command itself: a `tee` at the end of its output, say.
const LINGERING: Duration = Duration::from_millis(250);
const LINGERING_STEP: Duration = Duration::from_millis(5);

/// Where requests to stop come from.
pub(crate) trait Control {
    /// What becomes readable when there may be a new request; none when there will be no other.
    fn descriptor(&self) -> Option<BorrowedFd<'_>>;

    /// What has been asked so far. Never blocks, and never asks for less than before.
    fn level(&mut self) -> CancelLevel;
}

impl Control for CancelListener {
    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        Some(std::os::fd::AsFd::as_fd(self))
    }

    fn level(&mut self) -> CancelLevel {
        Self::level(self)
    }
}

/// What to run, and how.
#[derive(Debug)]
pub(crate) struct Job<'a> {
    pub(crate) spec: &'a CommandSpec,
    /// The value of [`MARKER`] in the command's environment.
    pub(crate) marker: &'a OsStr,
    pub(crate) grace: Duration,
    pub(crate) containment: &'a Containment,
    pub(crate) membership: Membership,
}

/// Runs the command to its end and leaves none of its processes.
pub(crate) fn watch(job: &Job<'_>, control: &mut dyn Control) -> CommandReport {
    if control.level() > CancelLevel::None {
        return not_started(
            "it was cancelled before it started".to_owned(),
            Some(StopReason::Cancelled),
        );
    }
    let report = match Watch::start(job) {
        Ok(watch) => watch.run(control),
        Err(reason) => return not_started(reason, None),
    };
    let ended_by_itself =
        matches!(report.ending, CommandEnding::Exited(_)) && report.stopped_by.is_none();
    if let Some(farewell) = (job.spec.farewell.as_ref()).filter(|_| !ended_by_itself) {
        say(farewell, &job.spec.environment);
    }
    report
}

/// How long a farewell may take.
const FAREWELL: Duration = Duration::from_secs(30);

/// Runs a farewell to its end. Nobody is left who could do more about one that fails.
fn say(farewell: &Farewell, environment: &BTreeMap<String, String>) {
    let child = Command::new(&farewell.program)
        .args(&farewell.arguments)
        .env_clear()
        .envs(environment)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let Ok(mut child) = child else {
        return;
    };
    let end = Instant::now() + FAREWELL;
    while Instant::now() < end {
        match child.try_wait() {
            Ok(None) => std::thread::sleep(Duration::from_millis(20)),
            _ => return,
        }
    }
    let _ = child.kill();
    let _ = child.wait();
}

/// Watches a child of this process that runs already, as if it had been started with this job: its end, its
/// limits, its output. A fork holds what its parent holds, so the memory of that counts as its own.
pub(crate) fn watch_child(
    job: &Job<'_>,
    pid: Pid,
    pump: Pump,
    control: &mut dyn Control,
) -> CommandReport {
    let cgroup = cgroup_of(job);
    if let Some((entrance, _)) = &cgroup {
        // Where it cannot be moved, the other means hold.
        let _ = rustix::io::write(entrance, pid.as_raw_pid().to_string().as_bytes());
    }
    ChildSetup::new(&job.spec.limits, None).limit(pid);
    let tree = Tree::new(
        pid,
        job.membership.clone(),
        cgroup.map(|(_, group)| group),
        0,
    );
    match Watch::of(job, tree, pid, pump, Instant::now()) {
        Ok(watch) => CommandReport {
            forked: true,
            ..watch.run(control)
        },
        Err(reason) => not_started(reason, None),
    }
}

/// A group that cannot be made now is no reason not to run: the other means hold too.
fn cgroup_of(job: &Job<'_>) -> Option<(OwnedFd, Cgroup)> {
    (job.containment.parent_group())
        .and_then(|parent| Cgroup::create(parent, job.spec.limits.memory_bytes).ok())
        .and_then(|group| Some((group.entrance().ok()?, group)))
}

/// The report of a command that was not started.
pub(crate) fn not_started(reason: String, stopped_by: Option<StopReason>) -> CommandReport {
    CommandReport {
        ending: CommandEnding::NotStarted(reason),
        stopped_by,
        usage: AttemptUsage::default(),
        output_truncated: false,
        forked: false,
    }
}

struct Watch<'a> {
    spec: &'a CommandSpec,
    grace: Duration,
    tree: Tree,
    pump: Pump,
    /// Readable once the command itself has ended.
    end_notice: OwnedFd,
    started: Instant,
    stop: Option<Stop>,
}

/// A stop under way.
#[derive(Clone, Copy)]
struct Stop {
    reason: StopReason,
    kill_at: Instant,
}

impl<'a> Watch<'a> {
    fn start(job: &Job<'a>) -> Result<Self, String> {
        let spec = job.spec;
        let (pump, output) = Pump::new(&spec.log, spec.limits.output_bytes)
            .map_err(|error| format!("log {}: {error}", spec.log.display()))?;
        let (entrance, cgroup) = cgroup_of(job).unzip();
        let started = Instant::now();
        let pid = spawn(job, output, entrance)?;
        // Our peak, and read after the fork: what other threads do meanwhile cannot make it too small.
        let held_at_fork = Process::peak_resident_bytes(getpid()).unwrap_or(u64::MAX);
        let tree = Tree::new(pid, job.membership.clone(), cgroup, held_at_fork);
        Self::of(job, tree, pid, pump, started)
    }

    fn of(
        job: &Job<'a>,
        mut tree: Tree,
        pid: Pid,
        pump: Pump,
        started: Instant,
    ) -> Result<Self, String> {
        match pidfd_open(pid, PidfdFlags::empty()) {
            Ok(end_notice) => Ok(Self {
                spec: job.spec,
                grace: job.grace,
                tree,
                pump,
                end_notice,
                started,
                stop: None,
            }),
            Err(error) => {
                tree.kill();
                Err(format!("its end cannot be waited for: {error}"))
            }
        }
    }

    fn run(mut self, control: &mut dyn Control) -> CommandReport {
        let wall_end = self.started.checked_add(self.spec.limits.wall);
        let mut next_sample = self.started + SAMPLING_PERIOD;
        loop {
            let stop_at = match self.stop {
                Some(stop) => Some(stop.kill_at),
                None => wall_end,
            };
            let deadline = stop_at.map_or(next_sample, |at| at.min(next_sample));
            self.wait_until(deadline, control);
            self.pump.turn();
            if self.tree.main_has_ended() {
                break;
            }
            match control.level() {
                CancelLevel::Kill => self.begin_stop(StopReason::Cancelled, Duration::ZERO),
                CancelLevel::Stop => self.begin_stop(StopReason::Cancelled, self.grace),
                CancelLevel::None => {}
            }
            let now = Instant::now();
            if wall_end.is_some_and(|end| now >= end) {
                self.begin_stop(StopReason::WallLimit, self.grace);
            }
            if now >= next_sample {
                let sample = self.tree.sample(&self.spec.limits);
                if sample.memory_exceeded {
                    // In its grace it would go on to take memory from all others.
                    self.begin_stop(StopReason::MemoryLimit, Duration::ZERO);
                } else if sample.cpu_exceeded {
                    self.begin_stop(StopReason::CpuLimit, self.grace);
                }
                self.cut_errors();
                next_sample = Instant::now() + SAMPLING_PERIOD;
            }
            if self.stop.is_some_and(|stop| Instant::now() >= stop.kill_at) {
                break;
            }
        }
        self.end(control)
    }

    /// Sleeps until there is output, a request, the command's end, or `deadline`.
    fn wait_until(&self, deadline: Instant, control: &dyn Control) {
        let mut descriptors = vec![PollFd::new(&self.end_notice, PollFlags::IN)];
        if let Some(source) = self.pump.source() {
            descriptors.push(PollFd::new(source, PollFlags::IN));
        }
        if let Some(request) = control.descriptor() {
            descriptors.push(PollFd::from_borrowed_fd(request, PollFlags::IN));
        }
        wait_for(&mut descriptors, Some(deadline));
    }

    /// Begins to stop the command, or hastens a stop that is under way. The first reason stands.
    fn begin_stop(&mut self, reason: StopReason, grace: Duration) {
        let now = Instant::now();
        // A grace beyond the end of time is none that could be told from a very long one.
        let kill_at = now
            .checked_add(grace)
            .unwrap_or(now + Duration::from_secs(86_400));
        match &mut self.stop {
            Some(stop) => stop.kill_at = stop.kill_at.min(kill_at),
            None => {
                self.stop = Some(Stop { reason, kill_at });
                if !grace.is_zero() {
                    self.tree.terminate();
                }
            }
        }
    }

    fn end(mut self, control: &mut dyn Control) -> CommandReport {
        let mut last_call = Instant::now() + LINGERING;
        if let Some(stop) = self.stop {
            last_call = last_call.min(stop.kill_at);
        }
        // Nobody but descendants can be writing now, and they may be waiting for room in the pipe.
        while !self.tree.is_gone() {
            let killed = control.level() == CancelLevel::Kill;
            if killed || Instant::now() >= last_call {
                self.tree.kill();
                break;
            }
            self.pump.turn();
            std::thread::sleep(LINGERING_STEP);
        }
        self.cut_errors();
        // What a pipe can hold, and no more: a process that cannot be killed could write for ever.
        for _ in 0..16 {
            if !self.pump.turn() {
                break;
            }
        }
        self.report()
    }

    /// Keeps a standard error of its own within the limit of output. Failures leave it as it is: it decides
    /// nothing.
    fn cut_errors(&self) {
        let limit = self.spec.limits.output_bytes;
        if let Some(path) = &self.spec.streams.errors
            && std::fs::metadata(path).is_ok_and(|found| found.len() > limit)
            && let Ok(file) = File::options().write(true).open(path)
        {
            let _ = file.set_len(limit);
        }
    }

    fn report(self) -> CommandReport {
        let ending = match self.tree.main_end() {
            Some(status) => match (status.code(), status.signal()) {
                (Some(code), _) => CommandEnding::Exited(code),
                (None, signal) => CommandEnding::Signalled(signal.unwrap_or(libc::SIGKILL)),
            },
            // It hangs in the kernel; the signal that it was sent will end it.
            None => CommandEnding::Signalled(libc::SIGKILL),
        };
        let peak_memory_bytes = self.tree.peak_memory_bytes();
        let failed = ending != CommandEnding::Exited(0);
        let outgrew = peak_memory_bytes.is_some_and(|peak| peak > self.spec.limits.memory_bytes);
        let stopped_by = match self.stop {
            Some(stop) => Some(stop.reason),
            // The kernel's own limits ended it before the sampler saw it.
            None if self.tree.ran_out_of_memory() || (failed && outgrew) => {
                Some(StopReason::MemoryLimit)
            }
            None if ending == CommandEnding::Signalled(libc::SIGXCPU) => Some(StopReason::CpuLimit),
            None => None,
        };
        CommandReport {
            stopped_by,
            usage: AttemptUsage {
                wall_s: self.started.elapsed().as_secs_f64(),
                cpu_s: self.tree.cpu().as_secs_f64(),
                peak_memory_bytes,
                ..AttemptUsage::default()
            },
            output_truncated: self.pump.finish(),
            forked: false,
            ending,
        }
    }
}

/// Sleeps until one of the descriptors is ready or `deadline` has come; may return early.
pub(crate) fn wait_for(descriptors: &mut [PollFd<'_>], deadline: Option<Instant>) {
    let timeout = deadline.map(|deadline| {
        let remaining = deadline.saturating_duration_since(Instant::now());
        Timespec::try_from(remaining).unwrap_or(Timespec {
            tv_sec: 86_400,
            tv_nsec: 0,
        })
    });
    if poll(descriptors, timeout.as_ref()) == Err(rustix::io::Errno::NOMEM) {
        // Not to burn the processor while the system is out of memory.
        std::thread::sleep(LINGERING_STEP);
    }
}

fn told(path: &Path, error: &io::Error) -> String {
    format!("{}: {error}", path.display())
}

fn spawn(job: &Job<'_>, output: io::PipeWriter, entrance: Option<OwnedFd>) -> Result<Pid, String> {
    let spec = job.spec;
    let errors = output
        .try_clone()
        .map_err(|error| format!("output pipe: {error}"))?;
    let input = match &spec.streams.input {
        Some(path) => Stdio::from(File::open(path).map_err(|error| told(path, &error))?),
        None => Stdio::null(),
    };
    let errors = match &spec.streams.errors {
        Some(path) => {
            let file = File::options().create(true).append(true).open(path);
            Stdio::from(file.map_err(|error| told(path, &error))?)
        }
        None => Stdio::from(errors),
    };
    let mut command = Command::new(&spec.program);
    command
        .args(&spec.arguments)
        .env_clear()
        .envs(&spec.environment)
        .env(MARKER, job.marker)
        .current_dir(&spec.folder)
        .stdin(input)
        .stdout(output)
        .stderr(errors);
    ChildSetup::new(&spec.limits, entrance).install(&mut command);
    let child = command.spawn().map_err(|error| {
        if spec.folder.is_dir() {
            format!("{}: {error}", spec.program.display())
        } else {
            format!("folder {}: {error}", spec.folder.display())
        }
    })?;
    // The handle is dropped without waiting: the tree reaps the process, when all others have ended.
    i32::try_from(child.id())
        .ok()
        .and_then(Pid::from_raw)
        .ok_or_else(|| format!("the system gave it the process id {}", child.id()))
}
