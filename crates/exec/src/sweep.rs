//! Finds and ends what a run has left on this machine.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::time::{Duration, Instant};

use rustix::process::{Signal, getpid};

use crate::guard::MARKER;
use crate::process_table::{self, Process};
use crate::supervisor::SUPERVISOR_MARKER;

/// After this long a process that was sent KILL hangs in the kernel and cannot be waited for.
const LONGEST_SWEEP: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(5);

/// A process that a sweep has killed.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct KilledProcess {
    /// Its process id.
    pub pid: i32,
    /// The attempt that it belonged to, as the guard named it; empty for a descendant without a marker.
    pub attempt: String,
    /// Its command line.
    pub command_line: String,
}

/// Kills every process of this machine that belongs to the run, and returns what it killed.
///
/// To be called by whoever holds the run's lock, before anything of the run is started. Processes of other users are
/// not seen; neither are those of a tool that wiped its environment and whose supervisor was killed too.
pub fn sweep(run: &str) -> Vec<KilledProcess> {
    kill_marked(|value| attempt_of(run, value).is_some())
        .into_iter()
        .map(|(process, marker, command_line)| KilledProcess {
            pid: process.pid.as_raw_pid(),
            attempt: marker
                .and_then(|value| attempt_of(run, &value))
                .unwrap_or_default(),
            command_line,
        })
        .collect()
}

/// The attempt in a marker of this run.
fn attempt_of(run: &str, marker: &OsStr) -> Option<String> {
    let rest = marker
        .as_bytes()
        .strip_prefix(run.as_bytes())?
        .strip_prefix(b"/")?;
    let rest = String::from_utf8_lossy(rest);
    let attempt = rest.rsplit_once('#').map_or(&*rest, |(attempt, _)| attempt);
    Some(attempt.to_owned())
}

type Killed = (Process, Option<OsString>, String);

/// Kills every process with a marker that satisfies `is_ours`, and all descendants of these, until none is left.
pub(crate) fn kill_marked(is_ours: impl Fn(&OsStr) -> bool) -> Vec<Killed> {
    let deadline = Instant::now() + LONGEST_SWEEP;
    let mut killed: BTreeMap<i32, Killed> = BTreeMap::new();
    loop {
        let table = process_table::all();
        let spared = self_and_ancestors(&table);
        let marked = |process: &Process| {
            !spared.contains(&process.pid.as_raw_pid())
                && process
                    .environment_variable(MARKER)
                    .is_some_and(|value| is_ours(&value))
        };
        let mut left = process_table::closure(&table, marked);
        left.retain(|process| !process.has_ended());
        if left.is_empty() || Instant::now() >= deadline {
            return killed.into_values().collect();
        }
        // A supervisor holds on to what has shed its marker, so supervisors go last.
        let (supervisors, others): (Vec<_>, Vec<_>) = left
            .into_iter()
            .partition(|process| process.environment_variable(SUPERVISOR_MARKER).is_some());
        let victims = if others.is_empty() {
            supervisors
        } else {
            others
        };
        for process in victims {
            killed.entry(process.pid.as_raw_pid()).or_insert_with(|| {
                (
                    process,
                    process.environment_variable(MARKER),
                    process.command_line(),
                )
            });
            process.signal(Signal::KILL);
        }
        std::thread::sleep(PAUSE);
    }
}

/// A controller may itself run as a command of another run, or of its own in a test.
fn self_and_ancestors(table: &[Process]) -> BTreeSet<i32> {
    let parents: BTreeMap<i32, i32> = table
        .iter()
        .map(|process| (process.pid.as_raw_pid(), process.parent))
        .collect();
    let mut line = BTreeSet::new();
    let mut next = Some(getpid().as_raw_pid());
    while let Some(pid) = next.filter(|pid| line.insert(*pid)) {
        next = parents.get(&pid).copied();
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_belongs_to_its_run_alone() {
        let attempt = |run, marker| attempt_of(run, OsStr::new(marker));
        assert_eq!(attempt("7f", "7f/1_2.1#77.0").as_deref(), Some("1_2.1"));
        assert_eq!(attempt("7f", "7f0/1_2.1#77.0"), None);
        assert_eq!(attempt("7f0", "7f/1_2.1#77.0"), None);
    }

    #[test]
    fn a_process_spares_its_own_line() {
        let line = self_and_ancestors(&process_table::all());
        assert!(line.contains(&getpid().as_raw_pid()));
    }
}
