//! The processes of one command: finding, measuring, reaping and killing them.

use std::ffi::OsString;
use std::time::{Duration, Instant};

use noodle2_model::CommandLimits;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, getpid, kill_process_group, waitid};

use crate::cgroup::Cgroup;
use crate::child::{Reaped, Waited, reap};
use crate::guard::MARKER;
use crate::process_table::{self, Process};

/// After this long a process that was sent KILL hangs in the kernel and cannot be waited for.
const LONGEST_KILL: Duration = Duration::from_secs(10);
const SHORTEST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(20);

/// How the processes of a command are told from others.
#[derive(Clone, Debug)]
pub(crate) enum Membership {
    /// This process is a child subreaper and runs nothing else: every descendant is one.
    Descendants,
    /// This process has other children too: those of the command's session, those that carry this marker, and the
    /// descendants of either.
    Marked(OsString),
    /// This process has other children too, of which none can be told by its environment: those of the command's
    /// process group and their descendants. Who leaves both is nobody's, and the keeper of such commands kills it.
    Grouped,
}

/// The processes of one command.
///
/// The first of them, `main`, is reaped last: as long as it is not, its process group cannot be another's.
#[derive(Debug)]
pub(crate) struct Tree {
    main: Pid,
    membership: Membership,
    cgroup: Option<Cgroup>,
    main_end: Option<Reaped>,
    /// Of reaped processes other than `main`.
    reaped_cpu: Duration,
    /// The most that one process was seen to hold.
    peak_memory_bytes: u64,
    /// At least what this process held when it forked, which the kernel charges to the child.
    held_at_fork: u64,
}

/// What the living processes of a command use.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    pub(crate) cpu_exceeded: bool,
    pub(crate) memory_exceeded: bool,
}

impl Tree {
    pub(crate) fn new(
        main: Pid,
        membership: Membership,
        cgroup: Option<Cgroup>,
        held_at_fork: u64,
    ) -> Self {
        Self {
            main,
            membership,
            cgroup,
            main_end: None,
            reaped_cpu: Duration::ZERO,
            peak_memory_bytes: 0,
            held_at_fork,
        }
    }

    /// Whether the command itself has ended, whatever its descendants do.
    pub(crate) fn main_has_ended(&self) -> bool {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        self.main_end.is_some() || !matches!(waitid(WaitId::Pid(self.main), options), Ok(None))
    }

    /// Measures the living processes against `limits`.
    pub(crate) fn sample(&mut self, limits: &CommandLimits) -> Sample {
        let living = match self.membership {
            Membership::Descendants => process_table::descendants(getpid()),
            Membership::Marked(_) | Membership::Grouped => {
                let mut family = process_table::descendants(self.main);
                family.extend(Process::read(self.main));
                family
            }
        };
        let memory: u64 = living.iter().map(Process::resident_bytes).sum();
        let largest = living
            .iter()
            .map(Process::resident_bytes)
            .max()
            .unwrap_or(0);
        self.peak_memory_bytes = self.peak_memory_bytes.max(largest);
        let memory_exceeded = match &self.cgroup {
            Some(_) => false,
            None => {
                largest > limits.memory_bytes
                    || (memory > limits.memory_bytes
                        && proportional_sum(&living) > limits.memory_bytes)
            }
        };
        let cpu = match self.cgroup.as_ref().and_then(Cgroup::cpu) {
            Some(exact) => exact,
            None => self.reaped_cpu + living.iter().map(Process::cpu).sum::<Duration>(),
        };
        // Not before the sum above, or they would be counted twice.
        self.reap_orphans(&living);
        Sample {
            cpu_exceeded: cpu > limits.cpu,
            memory_exceeded,
        }
    }

    /// Asks every process to end.
    pub(crate) fn terminate(&self) {
        self.signal_group(Signal::TERM);
        // One that was stopped could not act on it.
        self.signal_group(Signal::CONT);
        for process in self.living() {
            if process.group != self.main.as_raw_pid() {
                process.signal(Signal::TERM);
                process.signal(Signal::CONT);
            }
        }
    }

    /// Whether no process is left, `main` (which is reaped by this) included.
    pub(crate) fn is_gone(&mut self) -> bool {
        if !self.main_has_ended() || !self.living().is_empty() {
            return false;
        }
        if self.main_end.is_none()
            && let Ok(Waited::Ended(end)) = reap(Some(self.main))
        {
            self.note_peak(&end);
            self.main_end = Some(end);
        }
        match self.membership {
            // A table read while processes come and go can miss one: with a parent that ended in between, say. But
            // whoever is left is, in the end, a child of this process.
            Membership::Descendants => self.reap_all(),
            Membership::Marked(_) | Membership::Grouped => self.living().is_empty(),
        }
    }

    /// Kills every process and waits until none is left. Returns whether that succeeded.
    pub(crate) fn kill(&mut self) -> bool {
        let deadline = Instant::now() + LONGEST_KILL;
        let mut pause = SHORTEST_PAUSE;
        loop {
            if let Some(cgroup) = &self.cgroup {
                cgroup.kill();
            }
            // Within a group KILL outruns fork; across groups only repetition does.
            self.signal_group(Signal::KILL);
            for process in self.living() {
                process.signal(Signal::KILL);
            }
            if self.is_gone() {
                return true;
            }
            if Instant::now() >= deadline {
                return false;
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// How `main` ended; `None` when even KILL could not end it.
    pub(crate) fn main_end(&self) -> Option<std::process::ExitStatus> {
        self.main_end.as_ref().map(|end| end.status)
    }

    /// Processor time of every process that was waited for.
    pub(crate) fn cpu(&self) -> Duration {
        let own = self.main_end.as_ref().map_or(Duration::ZERO, |end| end.cpu);
        let waited_for = own + self.reaped_cpu;
        let exact = self.cgroup.as_ref().and_then(Cgroup::cpu);
        exact.unwrap_or(waited_for).max(waited_for)
    }

    /// The most memory that one process held (that all held together, with a cgroup), in bytes, if known.
    pub(crate) fn peak_memory_bytes(&self) -> Option<u64> {
        let exact = self.cgroup.as_ref().and_then(Cgroup::peak_memory_bytes);
        exact.or(Some(self.peak_memory_bytes).filter(|peak| *peak > 0))
    }

    /// Whether the kernel killed the command for its memory.
    pub(crate) fn ran_out_of_memory(&self) -> bool {
        self.cgroup.as_ref().is_some_and(Cgroup::ran_out_of_memory)
    }

    fn signal_group(&self, signal: Signal) {
        if self.main_end.is_none() {
            // It fails when all have ended, which is what was wanted.
            let _ = kill_process_group(self.main, signal);
        }
    }

    /// The processes that have not ended.
    fn living(&self) -> Vec<Process> {
        let mut members = match &self.membership {
            Membership::Descendants => process_table::descendants(getpid()),
            Membership::Marked(marker) => {
                let session = self.main_end.is_none().then_some(self.main.as_raw_pid());
                process_table::closure(&process_table::all(), |process| {
                    Some(process.session) == session
                        || process.environment_variable(MARKER).as_ref() == Some(marker)
                })
            }
            // Its number may be another group's by now.
            Membership::Grouped if self.main_end.is_some() => Vec::new(),
            Membership::Grouped => {
                let main = self.main.as_raw_pid();
                process_table::closure(&process_table::descendants(getpid()), |process| {
                    process.group == main
                })
            }
        };
        members.retain(|process| !process.has_ended());
        members
    }

    /// Reaps ended children of this process that are not `main` and belong to the command, so that a command that leaves many does not fill the process table.
    fn reap_orphans(&mut self, members: &[Process]) {
        if !matches!(self.membership, Membership::Descendants) {
            return;
        }
        let own_id = getpid().as_raw_pid();
        for process in members {
            if process.has_ended()
                && process.parent == own_id
                && process.pid != self.main
                && let Ok(Waited::Ended(end)) = reap(Some(process.pid))
            {
                self.note_other(&end);
            }
        }
    }

    /// Reaps every ended child; whether none is left.
    fn reap_all(&mut self) -> bool {
        loop {
            match reap(None) {
                Ok(Waited::Ended(end)) => self.note_other(&end),
                Ok(Waited::NoneEnded) => return false,
                Ok(Waited::NoChild) | Err(_) => return true,
            }
        }
    }

    fn note_other(&mut self, end: &Reaped) {
        debug_assert_ne!(end.pid, self.main);
        self.reaped_cpu += end.cpu;
        self.note_peak(end);
    }

    fn note_peak(&mut self, end: &Reaped) {
        if end.peak_memory_bytes > self.held_at_fork {
            self.peak_memory_bytes = self.peak_memory_bytes.max(end.peak_memory_bytes);
        }
    }
}

/// What the processes hold together, shared pages counted once. Where that cannot be read, what each holds.
fn proportional_sum(processes: &[Process]) -> u64 {
    let sizes = processes.iter().map(|process| {
        process
            .proportional_bytes()
            .unwrap_or_else(|| process.resident_bytes())
    });
    sizes.sum()
}
