//! One control group (cgroup v2) per command: memory of all its processes together, and an end that none escapes.
//!
//! Files: the kernel's `Documentation/admin-guide/cgroup-v2.rst`.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Processes that one command may have at once. No tool comes near it; a fork bomb does.
const MOST_PROCESSES: u32 = 4096;

/// A control group for one command. Removed when dropped, which the kernel allows once it is empty.
#[derive(Debug)]
pub(crate) struct Cgroup {
    folder: PathBuf,
}

impl Cgroup {
    /// Creates a group below `parent` whose processes may hold `memory_bytes` together.
    ///
    /// # Errors
    /// When the group cannot be created, or `parent` does not hand the memory and pids controllers down.
    pub(crate) fn create(parent: &Path, memory_bytes: u64) -> io::Result<Self> {
        let group = Self::create_unlimited(parent)?;
        group.write("memory.max", &limit_text(memory_bytes))?;
        group.write("memory.oom.group", "1")?;
        group.write("pids.max", &MOST_PROCESSES.to_string())?;
        match group.write("memory.swap.max", "0") {
            // A kernel that does not account for swap.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            other => other?,
        }
        Ok(group)
    }

    fn create_unlimited(parent: &Path) -> io::Result<Self> {
        static GROUPS: AtomicU64 = AtomicU64::new(0);
        loop {
            let number = GROUPS.fetch_add(1, Ordering::Relaxed);
            let folder = parent.join(format!("noodle2-{}-{number}", std::process::id()));
            match fs::create_dir(&folder) {
                Ok(()) => return Ok(Self { folder }),
                // Left by a killed process that had this id.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// The file into which a process writes `0` to join.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub(crate) fn entrance(&self) -> io::Result<OwnedFd> {
        let procs = OpenOptions::new()
            .write(true)
            .open(self.folder.join("cgroup.procs"))?;
        Ok(procs.into())
    }

    /// Kills every process of the group at one instant, where the kernel can (5.14).
    pub(crate) fn kill(&self) {
        // Without this file the processes are killed one by one, which the caller does anyway.
        let _ = self.write("cgroup.kill", "1");
    }

    /// Processor time of all processes that ever were in the group.
    pub(crate) fn cpu(&self) -> Option<Duration> {
        let microseconds = keyed(&self.read("cpu.stat")?, "usage_usec")?;
        Some(Duration::from_micros(microseconds))
    }

    /// The most memory that the group held at once, in bytes, where the kernel tells (5.19).
    pub(crate) fn peak_memory_bytes(&self) -> Option<u64> {
        self.read("memory.peak")?.trim().parse().ok()
    }

    /// Whether the kernel killed the group for exceeding its memory.
    pub(crate) fn ran_out_of_memory(&self) -> bool {
        let kills = self
            .read("memory.events")
            .and_then(|events| keyed(&events, "oom_kill"));
        kills.is_some_and(|count| count > 0)
    }

    fn read(&self, file: &str) -> Option<String> {
        fs::read_to_string(self.folder.join(file)).ok()
    }

    fn write(&self, file: &str, text: &str) -> io::Result<()> {
        // Opened without creating: a missing file means a missing controller.
        let mut opened: File = OpenOptions::new()
            .write(true)
            .open(self.folder.join(file))?;
        io::Write::write_all(&mut opened, text.as_bytes())
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        // Refused while a process that cannot be killed is inside; the folder then stays, which harms nothing.
        let _ = fs::remove_dir(&self.folder);
    }
}

fn limit_text(bytes: u64) -> String {
    match i64::try_from(bytes) {
        Ok(bytes) => bytes.to_string(),
        Err(_) => "max".to_owned(),
    }
}

/// The number behind `key` in a flat-keyed file.
fn keyed(text: &str, key: &str) -> Option<u64> {
    text.lines().find_map(|line| {
        let (name, value) = line.split_once(' ')?;
        (name == key).then(|| value.trim().parse().ok())?
    })
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;
    use crate::containment::own_group;

    #[test]
    fn flat_keyed_files_are_read_by_whole_keys() {
        let text = "oom 3\noom_kill 2\noom_group_kill 1\n";
        assert_eq!(keyed(text, "oom_kill"), Some(2));
        assert_eq!(keyed(text, "kill"), None);
        assert_eq!(limit_text(u64::MAX), "max");
        assert_eq!(limit_text(4096), "4096");
    }

    #[test]
    fn a_group_kills_what_is_in_it_and_goes() {
        let Some(group) = own_group().and_then(|own| Cgroup::create_unlimited(&own).ok()) else {
            eprintln!("SKIPPED: no cgroup v2 in which this user may create groups");
            return;
        };
        let mut child = Command::new("sleep")
            .arg("1000")
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        group
            .write("cgroup.procs", &child.id().to_string())
            .unwrap();
        assert!(group.cpu().is_some());
        group.kill();
        // `kill` through the handle as well, so that a kernel without `cgroup.kill` does not hang the test.
        if group.read("cgroup.kill").is_none() && !group.folder.join("cgroup.kill").exists() {
            child.kill().unwrap();
        }
        assert_eq!(child.wait().unwrap().code(), None);
        let folder = group.folder.clone();
        drop(group);
        assert!(!folder.exists());
    }

    #[test]
    fn a_parent_without_controllers_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Cgroup::create(folder.path(), 1 << 20).is_err());
        assert_eq!(
            fs::read_dir(folder.path()).unwrap().count(),
            0,
            "nothing is left behind"
        );
    }
}
