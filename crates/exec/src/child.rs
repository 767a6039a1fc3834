//! What only `unsafe` code can do to processes: preparing a child between fork and exec, and waiting for one with its
//! resource usage.
//!
//! All unsafe code of the crate is here.
#![allow(unsafe_code)]

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitStatus};
use std::time::Duration;

use rustix::process::{
    Pid, Resource, Rlimit, Signal, getpid, getppid, getrlimit, prlimit,
    set_parent_process_death_signal, setrlimit, setsid,
};

use noodle2_model::CommandLimits;

/// What a child does to itself before it becomes the tool.
#[derive(Debug)]
pub(crate) struct ChildSetup {
    parent: Pid,
    limits: [(Resource, Rlimit); 3],
    /// The `cgroup.procs` file of the group that it joins.
    cgroup: Option<OwnedFd>,
}

impl ChildSetup {
    /// The setup of a child of this process. With a cgroup, memory is the cgroup's business.
    pub(crate) fn new(limits: &CommandLimits, cgroup: Option<OwnedFd>) -> Self {
        // The sampler enforces the limit on memory in use. The address space is bounded more loosely, against a
        // process that outruns the sampler, because threads and libraries reserve far more than they use.
        let address_space = match cgroup {
            Some(_) => u64::MAX,
            None => (limits.memory_bytes)
                .saturating_mul(2)
                .saturating_add(1 << 30),
        };
        // Likewise a backstop, and only for single processes: whole seconds, after the sampler had its chance.
        let cpu_seconds = limits.cpu.as_secs().saturating_add(2);
        Self {
            parent: getpid(),
            limits: [
                (
                    Resource::As,
                    within_hard_limit(Resource::As, address_space, address_space),
                ),
                (
                    Resource::Cpu,
                    within_hard_limit(Resource::Cpu, cpu_seconds, cpu_seconds.saturating_add(5)),
                ),
                // A crash is reported by its signal; a core of a large tool would fill the disk.
                (Resource::Core, within_hard_limit(Resource::Core, 0, 0)),
            ],
            cgroup,
        }
    }

    /// Makes `command` carry out this setup in the child that it spawns.
    ///
    /// The child dies with the *thread* that spawns it, so that thread has to wait for it.
    pub(crate) fn install(self, command: &mut Command) {
        // SAFETY: between fork and exec only async-signal-safe work is allowed. `apply` makes plain system calls, which
        // neither allocate, lock nor touch the environment, and returns errors as bare numbers.
        unsafe {
            command.pre_exec(move || self.apply());
        }
    }

    /// Sets the limits of a child of this process that runs already.
    pub(crate) fn limit(&self, child: Pid) {
        for (resource, limit) in &self.limits {
            // It fails for one that has ended, which needs no limit any more.
            let _ = prlimit(Some(child), *resource, *limit);
        }
    }

    fn apply(&self) -> io::Result<()> {
        // A session of its own: no terminal to read from or to be interrupted by, and one group to signal.
        setsid()?;
        close_inherited_descriptors();
        if let Some(procs) = &self.cgroup {
            rustix::io::write(procs, b"0")?;
        }
        set_parent_process_death_signal(Some(Signal::KILL))?;
        if getppid() != Some(self.parent) {
            // The parent died before the line above, so no signal will come.
            return Err(io::Error::from_raw_os_error(libc::ESRCH));
        }
        for (resource, limit) in &self.limits {
            setrlimit(*resource, *limit)?;
        }
        Ok(())
    }
}

/// Makes exec close all but the standard streams. Ours are marked so anyway; those that this program has inherited are
/// not, and a tool that kept one open (the pipe of a `make` or a shell) would make others wait for its end.
fn close_inherited_descriptors() {
    // SAFETY: a system call without pointers, which marks descriptors and closes none. A kernel before 5.11 refuses,
    // and then the tool inherits what any program would.
    unsafe {
        libc::syscall(
            libc::SYS_close_range,
            3_u32,
            u32::MAX,
            libc::CLOSE_RANGE_CLOEXEC,
        );
    }
}

/// A limit that an unprivileged process may set: never above the hard limit that it has.
fn within_hard_limit(resource: Resource, soft: u64, hard: u64) -> Rlimit {
    let ceiling = getrlimit(resource).maximum.unwrap_or(u64::MAX);
    let bound = |value: u64| Some(value.min(ceiling)).filter(|value| *value != u64::MAX);
    Rlimit {
        current: bound(soft),
        maximum: bound(hard),
    }
}

/// What a look at this process's children found.
#[derive(Debug)]
pub(crate) enum Waited {
    /// This child has ended and is now reaped.
    Ended(Reaped),
    /// There are children, and none has ended.
    NoneEnded,
    /// There is no such child.
    NoChild,
}

/// A child that has ended.
#[derive(Debug)]
pub(crate) struct Reaped {
    /// Its process id, which may be in use again from now on.
    pub(crate) pid: Pid,
    /// How it ended.
    pub(crate) status: ExitStatus,
    /// Processor time of it and of the descendants that it waited for.
    pub(crate) cpu: Duration,
    /// The most memory that one of these held, in bytes.
    ///
    /// The kernel counts what the child held before exec too, which is what its parent held at the fork.
    pub(crate) peak_memory_bytes: u64,
}

/// Reaps one child that has ended, this one or (without `child`) any, without waiting.
///
/// # Errors
/// Those of `wait4(2)`, other than having no child.
pub(crate) fn reap(child: Option<Pid>) -> io::Result<Waited> {
    let target = child.map_or(-1, Pid::as_raw_pid);
    let mut status = 0;
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: both pointers are valid for writes for the duration of the call.
    let result = unsafe { libc::wait4(target, &mut status, libc::WNOHANG, usage.as_mut_ptr()) };
    if result < 0 {
        return match io::Error::last_os_error() {
            error if error.raw_os_error() == Some(libc::ECHILD) => Ok(Waited::NoChild),
            error => Err(error),
        };
    }
    let Some(pid) = Pid::from_raw(result) else {
        return Ok(Waited::NoneEnded);
    };
    // SAFETY: `rusage` holds integers only, so zeroes are a value of it; the kernel wrote over them.
    let usage = unsafe { usage.assume_init() };
    Ok(Waited::Ended(Reaped {
        pid,
        status: ExitStatus::from_raw(status),
        cpu: duration(usage.ru_utime) + duration(usage.ru_stime),
        peak_memory_bytes: u64::try_from(usage.ru_maxrss).unwrap_or(0) << 10,
    }))
}

fn duration(time: libc::timeval) -> Duration {
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let microseconds = u64::try_from(time.tv_usec).unwrap_or(0);
    Duration::from_secs(seconds) + Duration::from_micros(microseconds)
}
