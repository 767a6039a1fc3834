//! The lock of a run: one writer at a time, held by the system, so that it is gone with its holder.

use std::fmt;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;
use std::thread;
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};
use serde::{Deserialize, Serialize};

use crate::StoreError;
use crate::files::IoContext;

/// How often a lock that has outlived its holder is tried again, a [`PAUSE`] apart: for five seconds. A child
/// that a killed controller had just forked shares the lock until it runs its own program, or until the death of
/// its parent reaches it.
const TRIES: u32 = 500;

const PAUSE: Duration = Duration::from_millis(10);

/// The right to write to a run. Lost when dropped, and when the process ends in any way.
#[derive(Debug)]
pub struct RunLock {
    file: File,
}

/// Who holds a lock. For people: the lock itself is kept by the system.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LockHolder {
    /// The process.
    pub pid: u32,
    /// The machine that it runs on.
    pub host: String,
}

impl LockHolder {
    fn current() -> Self {
        Self {
            pid: std::process::id(),
            host: host_name(),
        }
    }

    /// The holder that the lock file names; `None` when it names none.
    fn written_in(file: &mut File) -> Option<Self> {
        let mut text = String::new();
        file.rewind().ok()?;
        file.read_to_string(&mut text).ok()?;
        serde_json::from_str(&text).ok()
    }

    /// Whether this is a process of this machine that has ended.
    fn is_gone(&self) -> bool {
        let process = i32::try_from(self.pid).ok().and_then(Pid::from_raw);
        self.host == host_name()
            && process.is_some_and(|process| test_kill_process(process) == Err(Errno::SRCH))
    }
}

impl fmt::Display for LockHolder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "process {} on {}", self.pid, self.host)
    }
}

/// The name of this machine.
pub(crate) fn host_name() -> String {
    rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned()
}

impl RunLock {
    /// Takes the lock of the run in `folder`, without waiting for a holder that lives. The file `lock`
    /// stays when the lock is let go: to remove it would let two processes lock two files of one name.
    ///
    /// # Errors
    /// [`StoreError::Locked`] with the holder when another process has it; [`StoreError::Io`] also
    /// where the file system knows no locks.
    pub fn acquire(folder: &Path) -> Result<Self, StoreError> {
        Self::acquire_within(folder, TRIES)
    }

    /// Takes the lock like [`Self::acquire`], without waiting for anybody.
    ///
    /// # Errors
    /// As [`Self::acquire`].
    pub fn try_acquire(folder: &Path) -> Result<Self, StoreError> {
        Self::acquire_within(folder, 0)
    }

    fn acquire_within(folder: &Path, mut tries: u32) -> Result<Self, StoreError> {
        let path = folder.join("lock");
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .context("open", &path)?;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::Error(cause)) => {
                    return Err(StoreError::io("lock", &path, cause));
                }
                Err(TryLockError::WouldBlock) => {}
            }
            let holder = LockHolder::written_in(&mut file);
            let passing = holder.as_ref().is_some_and(LockHolder::is_gone);
            if !passing || tries == 0 {
                return Err(StoreError::Locked { path, holder });
            }
            tries -= 1;
            thread::sleep(PAUSE);
        }
        let holder = serde_json::to_string(&LockHolder::current())
            .map_err(std::io::Error::from)
            .context("describe the holder of", &path)?;
        file.set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| writeln!(file, "{holder}"))
            .context("write", &path)?;
        Ok(Self { file })
    }
}

impl Drop for RunLock {
    fn drop(&mut self) {
        // Closing the file lets the lock go as well, but not while a child that was just forked
        // still shares it.
        let _ = self.file.unlock();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(folder: &Path, holder: &LockHolder) -> File {
        let path = folder.join("lock");
        let mut file = File::create_new(path).unwrap();
        file.lock().unwrap();
        write!(file, "{}", serde_json::to_string(holder).unwrap()).unwrap();
        file
    }

    fn ended_process() -> LockHolder {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        child.wait().unwrap();
        LockHolder {
            pid: child.id(),
            host: host_name(),
        }
    }

    #[test]
    fn a_lock_that_outlives_its_holder_for_a_moment_is_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let file = held(folder.path(), &ended_process());
        let last_child = thread::spawn(move || {
            thread::sleep(Duration::from_millis(100));
            drop(file);
        });
        let lock = RunLock::acquire(folder.path()).unwrap();
        last_child.join().unwrap();
        let text = std::fs::read_to_string(folder.path().join("lock")).unwrap();
        let holder: LockHolder = serde_json::from_str(&text).unwrap();
        assert_eq!(holder, LockHolder::current());
        drop(lock);
    }

    #[test]
    fn a_lock_that_outlives_its_holder_for_good_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let holder = ended_process();
        let _file = held(folder.path(), &holder);
        let refused = RunLock::acquire_within(folder.path(), 3);
        assert!(
            matches!(&refused, Err(StoreError::Locked { holder: Some(found), .. }) if *found == holder),
            "{refused:?}"
        );
    }

    #[test]
    fn a_lock_of_another_machine_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let elsewhere = LockHolder {
            host: "another.machine".to_owned(),
            ..ended_process()
        };
        let _file = held(folder.path(), &elsewhere);
        let refused = RunLock::acquire(folder.path());
        assert!(
            matches!(&refused, Err(StoreError::Locked { holder: Some(holder), .. }) if *holder == elsewhere),
            "{refused:?}"
        );
    }
}
