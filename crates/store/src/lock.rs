//! The lock of a run: one writer at a time, held by the system, so that it is gone with its holder.

use std::fmt;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::StoreError;
use crate::files::IoContext;

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
    /// Takes the lock of the run in `folder`, without waiting. The file `lock` stays when the lock is
    /// let go: to remove it would let two processes lock two files of one name.
    ///
    /// # Errors
    /// [`StoreError::Locked`] with the holder when another process has it; [`StoreError::Io`] also
    /// where the file system knows no locks.
    pub fn acquire(folder: &Path) -> Result<Self, StoreError> {
        let path = folder.join("lock");
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .context("open", &path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                let holder = file
                    .read_to_string(&mut text)
                    .ok()
                    .and_then(|_| serde_json::from_str(&text).ok());
                return Err(StoreError::Locked { path, holder });
            }
            Err(TryLockError::Error(cause)) => return Err(StoreError::io("lock", &path, cause)),
        }
        let holder = serde_json::to_string(&LockHolder::current())
            .map_err(std::io::Error::from)
            .context("describe the holder of", &path)?;
        file.set_len(0)
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
