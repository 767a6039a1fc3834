//! What `/proc` tells of processes.
//!
//! Formats: proc(5). Whatever cannot be read belongs to a process that has ended or is another user's, and is left out.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;
use std::time::Duration;

use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open, pidfd_send_signal};

/// A process at one instant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Process {
    pub(crate) pid: Pid,
    /// 0 for a process without a parent.
    pub(crate) parent: i32,
    pub(crate) group: i32,
    pub(crate) session: i32,
    state: u8,
    /// Clock ticks since boot; with the pid, this names a process for good.
    started: u64,
    /// Clock ticks of it and of the children that it has waited for.
    cpu_ticks: u64,
    resident_pages: u64,
}

impl Process {
    /// The process with this id, unless there is none.
    pub(crate) fn read(pid: Pid) -> Option<Self> {
        parse_stat(&fs::read(file(pid, "stat")).ok()?)
    }

    /// Whether it has ended and only waits to be reaped.
    pub(crate) fn has_ended(&self) -> bool {
        matches!(self.state, b'Z' | b'X' | b'x')
    }

    /// Processor time of it and of the children that it has waited for.
    pub(crate) fn cpu(&self) -> Duration {
        let per_second = rustix::param::clock_ticks_per_second().max(1);
        Duration::from_nanos(
            u64::try_from(u128::from(self.cpu_ticks) * 1_000_000_000 / u128::from(per_second))
                .unwrap_or(u64::MAX),
        )
    }

    /// Memory that it holds, shared pages included.
    pub(crate) fn resident_bytes(&self) -> u64 {
        (self.resident_pages).saturating_mul(rustix::param::page_size() as u64)
    }

    /// Memory that it holds, each page divided by the number of processes that share it. Costs a walk over its page tables.
    pub(crate) fn proportional_bytes(&self) -> Option<u64> {
        let rollup = fs::read_to_string(file(self.pid, "smaps_rollup")).ok()?;
        kilobytes(&rollup, "Pss:")
    }

    /// The most memory that it ever held since it became its program, in bytes.
    pub(crate) fn peak_resident_bytes(pid: Pid) -> Option<u64> {
        let status = fs::read_to_string(file(pid, "status")).ok()?;
        kilobytes(&status, "VmHWM:")
    }

    /// Sends a signal to this very process and never to a later one with the same id.
    pub(crate) fn signal(&self, signal: Signal) {
        match pidfd_open(self.pid, PidfdFlags::empty()) {
            Ok(handle) => {
                let same = Self::read(self.pid).is_some_and(|now| now.started == self.started);
                if same {
                    // It may have ended meanwhile, which is what was wanted.
                    let _ = pidfd_send_signal(handle, signal);
                }
            }
            Err(rustix::io::Errno::SRCH) => {}
            // Out of descriptors, or a kernel that withholds them: a small risk is better than a survivor.
            Err(_) => {
                let _ = kill_process(self.pid, signal);
            }
        }
    }

    /// Its command line as one text, empty for one that has ended.
    pub(crate) fn command_line(&self) -> String {
        let raw = fs::read(file(self.pid, "cmdline")).unwrap_or_default();
        let words: Vec<_> = raw
            .split(|byte| *byte == 0)
            .filter(|word| !word.is_empty())
            .map(String::from_utf8_lossy)
            .collect();
        words.join(" ")
    }

    /// A variable of the environment with which it was started.
    pub(crate) fn environment_variable(&self, name: &str) -> Option<OsString> {
        let raw = fs::read(file(self.pid, "environ")).ok()?;
        raw.split(|byte| *byte == 0).find_map(|entry| {
            let value = entry.strip_prefix(name.as_bytes())?.strip_prefix(b"=")?;
            Some(OsStr::from_bytes(value).to_owned())
        })
    }
}

/// The bytes in a line such as `Pss:     120 kB`.
pub(crate) fn kilobytes(text: &str, key: &str) -> Option<u64> {
    let value = text.lines().find_map(|line| line.strip_prefix(key))?;
    let number: u64 = value.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(number << 10)
}

fn file(pid: Pid, name: &str) -> PathBuf {
    PathBuf::from(format!("/proc/{}/{name}", pid.as_raw_pid()))
}

/// Every process that can be seen.
pub(crate) fn all() -> Vec<Process> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter_map(|entry| pid_from(&entry.file_name().into_vec()))
        .filter_map(Process::read)
        .collect()
}

/// Every descendant of `root`, parents before children. One that appears meanwhile may be missing.
pub(crate) fn descendants(root: Pid) -> Vec<Process> {
    let mut found = Vec::new();
    let mut open = vec![root];
    while let Some(parent) = open.pop() {
        let Some(children) = children(parent) else {
            // The kernel was built without the list of children.
            return closure(&all(), |process| process.parent == root.as_raw_pid());
        };
        for child in children.into_iter().filter_map(Process::read) {
            open.push(child.pid);
            found.push(child);
        }
    }
    found
}

/// The children of `parent` alone. One that appears meanwhile may be missing.
pub(crate) fn children_of(parent: Pid) -> Vec<Process> {
    match children(parent) {
        Some(children) => children.into_iter().filter_map(Process::read).collect(),
        None => {
            let mut table = all();
            table.retain(|process| process.parent == parent.as_raw_pid());
            table
        }
    }
}

/// The processes of `table` that satisfy `is_root`, and all descendants of these.
pub(crate) fn closure(table: &[Process], is_root: impl Fn(&Process) -> bool) -> Vec<Process> {
    let mut by_parent: BTreeMap<i32, Vec<&Process>> = BTreeMap::new();
    for process in table {
        by_parent.entry(process.parent).or_default().push(process);
    }
    let mut found: BTreeMap<i32, Process> = BTreeMap::new();
    let mut open: Vec<&Process> = table.iter().filter(|process| is_root(process)).collect();
    while let Some(process) = open.pop() {
        if found.insert(process.pid.as_raw_pid(), *process).is_none() {
            open.extend(
                by_parent
                    .get(&process.pid.as_raw_pid())
                    .into_iter()
                    .flatten(),
            );
        }
    }
    found.into_values().collect()
}

/// The children of a process, none when it has ended; `None` where the kernel keeps no such list.
fn children(parent: Pid) -> Option<Vec<Pid>> {
    let mut children = Vec::new();
    let Ok(threads) = fs::read_dir(file(parent, "task")) else {
        return Some(children);
    };
    for thread in threads.flatten() {
        match fs::read(thread.path().join("children")) {
            Ok(list) => children.extend(list.split(u8::is_ascii_whitespace).filter_map(pid_from)),
            // A thread that ended, or a list that was never there.
            Err(_) if thread.path().exists() => return None,
            Err(_) => {}
        }
    }
    Some(children)
}

fn pid_from(text: &[u8]) -> Option<Pid> {
    let number: i32 = std::str::from_utf8(text).ok()?.parse().ok()?;
    (number > 0).then(|| Pid::from_raw(number))?
}

fn parse_stat(text: &[u8]) -> Option<Process> {
    let pid = pid_from(text.split(|byte| *byte == b' ').next()?)?;
    // The second field is the program's name in parentheses, and may itself hold spaces and parentheses.
    let name_end = text.iter().rposition(|byte| *byte == b')')?;
    let rest = std::str::from_utf8(text.get(name_end + 1..)?).ok()?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    // Fields are numbered as in proc(5), where the state is the third.
    let field = |number: usize| fields.get(number - 3).copied();
    let number = |index: usize| field(index)?.parse::<u64>().ok();
    Some(Process {
        pid,
        parent: field(4)?.parse().ok()?,
        group: field(5)?.parse().ok()?,
        session: field(6)?.parse().ok()?,
        state: *field(3)?.as_bytes().first()?,
        cpu_ticks: [14, 15, 16, 17].into_iter().filter_map(number).sum(),
        started: number(22)?,
        resident_pages: number(24)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_name_with_spaces_and_parentheses_confuses_nothing() {
        let text = b"4242 (a) R 1 (b) S 17 4242 4200 0 -1 4194304 100 200 0 0 10 20 30 40 20 0 1 0 987654 1000000 250 \
            18446744073709551615 1 1 0 0 0";
        let process = parse_stat(text).unwrap();
        assert_eq!(process.pid.as_raw_pid(), 4242);
        assert_eq!(
            (process.parent, process.group, process.session),
            (17, 4242, 4200)
        );
        assert_eq!((process.cpu_ticks, process.started), (100, 987_654));
        assert_eq!(process.resident_pages, 250);
        assert!(!process.has_ended());
    }

    #[test]
    fn torn_text_is_no_process() {
        for text in [&b""[..], b"12", b"12 (x", b"12 (x) S 1", b"x (y) S 1 2 3"] {
            assert_eq!(parse_stat(text), None);
        }
    }

    #[test]
    fn this_process_is_seen_with_its_memory_and_environment() {
        let me = Process::read(rustix::process::getpid()).unwrap();
        assert!(me.resident_bytes() > 100_000);
        assert!(Process::peak_resident_bytes(me.pid).unwrap() > 100_000);
        assert!(me.proportional_bytes().unwrap() > 10_000);
        assert_eq!(me.environment_variable("PATH"), std::env::var_os("PATH"));
        assert_eq!(me.environment_variable("PAT"), None);
        assert!(all().iter().any(|process| process.pid == me.pid));
    }

    #[test]
    fn a_closure_holds_the_roots_and_all_below_them() {
        let process = |pid: i32, parent: i32| Process {
            pid: Pid::from_raw(pid).unwrap(),
            parent,
            group: 0,
            session: 0,
            state: b'S',
            started: 0,
            cpu_ticks: 0,
            resident_pages: 0,
        };
        let table = [process(5, 4), process(4, 2), process(3, 1), process(2, 1)];
        let found = closure(&table, |process| process.pid.as_raw_pid() == 2);
        let pids: Vec<_> = found.iter().map(|one| one.pid.as_raw_pid()).collect();
        assert_eq!(pids, [2, 4, 5]);
    }
}
