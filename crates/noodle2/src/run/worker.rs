//! Whether anybody works on a run now.
//!
//! Whoever works on a run holds the lock of its folder. To try that lock would be to hold it for a moment, and
//! a `resume` that starts in this moment would be refused; so the system is asked who holds it.

use std::fs;
use std::os::unix::fs::MetadataExt;

use noodle2_store::{Host, LockHolder, RunFolder};

/// Who works on a run, as far as this machine can tell.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Worker {
    /// A process holds the lock.
    AtWork,
    /// Nobody does.
    Gone,
    /// This process was the last to take the lock, on another machine: that it holds it cannot be seen here.
    Elsewhere(LockHolder),
}

impl Worker {
    /// Who works on the run in this folder.
    pub fn of(folder: &RunFolder) -> Self {
        let path = folder.root().join("lock");
        let Ok(metadata) = fs::metadata(&path) else {
            return Self::Gone;
        };
        let holder: Option<LockHolder> = fs::read_to_string(&path)
            .ok()
            .and_then(|text| serde_json::from_str(&text).ok());
        let locks = fs::read_to_string("/proc/locks").unwrap_or_default();
        let device = device_text(metadata.dev());
        let held = locks.lines().filter_map(FileLock::parse).any(|lock| {
            // Some file systems show one device to `stat` and another here: then the process must be right.
            let process = holder.as_ref().map(|holder| holder.pid);
            lock.inode == metadata.ino() && (lock.device == device || Some(lock.process) == process)
        });
        match holder {
            _ if held => Self::AtWork,
            Some(holder) if holder.host != Host::current().name => Self::Elsewhere(holder),
            _ => Self::Gone,
        }
    }
}

/// A line of `/proc/locks` that tells of a lock on a whole file: proc_locks(5).
#[derive(Debug, PartialEq, Eq)]
struct FileLock<'a> {
    process: u32,
    device: &'a str,
    inode: u64,
}

impl<'a> FileLock<'a> {
    /// `None` for locks of other kinds, and for processes that wait for one.
    fn parse(line: &'a str) -> Option<Self> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [_, "FLOCK", _, _, process, file, ..] = words[..] else {
            return None;
        };
        let (device, inode) = file.rsplit_once(':')?;
        Some(Self {
            process: process.parse().ok()?,
            device,
            inode: inode.parse().ok()?,
        })
    }
}

/// A device number as `/proc/locks` writes it: major and minor number in hexadecimal, taken from the number
/// that `stat` gives as makedev(3) puts them there.
fn device_text(device: u64) -> String {
    let major = (device >> 8) & 0xfff | (device >> 32) & 0xffff_f000;
    let minor = device & 0xff | (device >> 12) & 0xffff_ff00;
    format!("{major:02x}:{minor:02x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locks_are_read_as_the_system_writes_them() {
        let line = "3: FLOCK  ADVISORY  WRITE 4711 fe:00:131073 0 EOF";
        let lock = FileLock {
            process: 4711,
            device: "fe:00",
            inode: 131_073,
        };
        assert_eq!(FileLock::parse(line), Some(lock));
        for other in [
            "1: POSIX  ADVISORY  WRITE 4711 fe:00:131073 0 EOF",
            "3: -> FLOCK  ADVISORY  WRITE 4712 fe:00:131073 0 EOF",
            "",
        ] {
            assert_eq!(FileLock::parse(other), None, "{other}");
        }
        assert_eq!(device_text(0xfe00), "fe:00");
        assert_eq!(device_text(0x1000_0030), "00:10030");
    }

    #[test]
    fn a_run_is_worked_on_as_long_as_its_lock_is_held() {
        let parent = tempfile::tempdir().unwrap();
        let run = RunFolder::create(&parent.path().join("run")).unwrap();
        assert_eq!(Worker::of(&run.folder), Worker::AtWork);
        drop(run.lock);
        assert_eq!(Worker::of(&run.folder), Worker::Gone);
        let other = r#"{"pid": 1, "host": "another machine"}"#;
        fs::write(run.folder.root().join("lock"), other).unwrap();
        assert!(matches!(Worker::of(&run.folder), Worker::Elsewhere(_)));
    }
}
