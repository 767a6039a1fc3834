//! What a node keeps in its folder for this: files by their content, for all runs, and a work folder for each runner.
//!
//! ```text
//! SCRATCH/store/<hash>/<name>   a file that was brought, once for all runners of the node
//! SCRATCH/libraries/            decompressed libraries and their summaries
//! SCRATCH/runners/<sha256>/     the runner itself, which the slot brings
//! SCRATCH/work/<slot>/          what one runner works in, held by a lock as long as it lives
//! SCRATCH/turn                  locked while work folders are made and removed
//! ```
//!
//! Nothing in the store is believed: a file is read only after its content was found to have its hash.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use noodle2_bridge::GivenFile;
use noodle2_store::{RunLock, StoreError, create_folder, hash_file};

use super::travel::Given;

/// A file of the store that nobody has needed for so long is removed.
const LONGEST_REST: Duration = Duration::from_secs(7 * 86_400);

/// How old the time of a file in use may get before it is set anew.
const STALE: Duration = Duration::from_secs(3_600);

/// What tells a file that was changed from one that was not, short of reading it.
type Stamp = (SystemTime, u64, u64);

/// The folder of a node.
#[derive(Debug)]
pub(super) struct Scratch {
    root: PathBuf,
    /// Files of the store that were found to be what they should be, as they were then.
    found: Mutex<BTreeMap<PathBuf, Stamp>>,
}

/// The folder that a runner works in; held as long as this lives.
#[derive(Debug)]
pub(super) struct WorkFolder {
    pub path: PathBuf,
    _lock: RunLock,
}

impl Scratch {
    pub fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            found: Mutex::default(),
        }
    }

    /// Where decompressed libraries lie.
    pub fn libraries(&self) -> PathBuf {
        self.root.join("libraries")
    }

    /// Where a given file lies on this node, or is to lie.
    pub fn place(&self, given: &Given) -> PathBuf {
        let brought = || self.store().join(given.hash.to_string()).join(&given.name);
        given.shared.clone().unwrap_or_else(brought)
    }

    /// Those of the files that are not here, or are not what they should be: to be brought. A file of a shared folder
    /// is never among them.
    ///
    /// # Errors
    /// Names a file of a shared folder that is not what it should be.
    pub fn lacking<'g>(
        &self,
        files: impl IntoIterator<Item = &'g Given>,
    ) -> Result<Vec<GivenFile>, String> {
        let mut lacking = Vec::new();
        for given in files {
            let path = self.place(given);
            if self.is_there(given, &path) {
                continue;
            }
            if given.shared.is_some() {
                return Err(format!(
                    "`{}` is not there, or not what the run recorded",
                    path.display()
                ));
            }
            let hash = given.hash;
            lacking.push(GivenFile { hash, path });
        }
        lacking.sort();
        lacking.dedup();
        Ok(lacking)
    }

    /// Whether a file is what it should be. One of the store is read again only when it was touched since; what is
    /// shared may be written by anybody, and is read each time.
    fn is_there(&self, given: &Given, path: &Path) -> bool {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        let stamp = stamp(path).filter(|_| given.shared.is_none());
        if stamp.is_some() && found.get(path) == stamp.as_ref() {
            return true;
        }
        if !hash_file(path).is_ok_and(|hash| hash == given.hash) {
            return false;
        }
        if let Some(stamp) = stamp {
            // Touched by that it is in use, it is read once more the next time.
            keep_fresh(path);
            found.insert(path.to_owned(), stamp);
        }
        true
    }

    /// Makes the folder that a runner works in, empty, and removes those whose runners are gone.
    ///
    /// # Errors
    /// When it cannot be made, or another runner holds it.
    pub fn work_folder(&self, name: &str) -> Result<WorkFolder, StoreError> {
        let all = self.root.join("work");
        create_folder(&all)?;
        // Nobody removes a folder that another has made and not locked yet.
        let _turn =
            File::create(self.root.join("turn")).and_then(|file| file.lock().map(|()| file));
        self.remove_leftovers(&all);
        let path = all.join(name);
        create_folder(&path)?;
        let lock = RunLock::acquire(&path)?;
        Ok(WorkFolder { path, _lock: lock })
    }

    /// What cannot be removed now is tried again by the next runner.
    fn remove_leftovers(&self, work: &Path) {
        for folder in entries(work) {
            if let Ok(_lock) = RunLock::try_acquire(&folder) {
                let _ = fs::remove_dir_all(&folder);
            }
        }
        let now = SystemTime::now();
        for folder in entries(&self.store()) {
            let newest = entries(&folder)
                .iter()
                .filter_map(|file| modified(file))
                .max();
            let rested = newest.and_then(|newest| now.duration_since(newest).ok());
            if rested.is_some_and(|rested| rested > LONGEST_REST) {
                let _ = fs::remove_dir_all(&folder);
            }
        }
    }

    fn store(&self) -> PathBuf {
        self.root.join("store")
    }
}

impl Drop for WorkFolder {
    fn drop(&mut self) {
        // The next runner removes what is left.
        let _ = fs::remove_dir_all(&self.path);
    }
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).collect()
}

fn stamp(path: &Path) -> Option<Stamp> {
    let metadata = fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len(), metadata.ino()))
}

fn modified(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).ok()?.modified().ok()
}

/// Says that a file is in use, from time to time.
fn keep_fresh(path: &Path) {
    let now = SystemTime::now();
    let age = modified(path).and_then(|at| now.duration_since(at).ok());
    if age.is_some_and(|age| age > STALE)
        && let Ok(file) = File::options().write(true).open(path)
    {
        let _ = file.set_modified(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use noodle2_model::ContentHash;

    fn given(text: &str) -> Given {
        Given {
            hash: ContentHash::of(text),
            name: "cells.lib".to_owned(),
            shared: None,
        }
    }

    #[test]
    fn what_is_not_there_or_damaged_is_lacking() {
        let root = tempfile::tempdir().unwrap();
        let scratch = Scratch::new(root.path());
        let (one, other) = (given("one"), given("other"));
        let lacking = scratch.lacking([&one, &other, &one]).unwrap();
        assert_eq!(lacking.len(), 2);
        for wanted in &lacking {
            fs::create_dir_all(wanted.path.parent().unwrap()).unwrap();
            fs::write(&wanted.path, "one").unwrap();
        }
        let lacking = scratch.lacking([&one, &other]).unwrap();
        assert_eq!(lacking.len(), 1);
        assert_eq!(lacking[0].hash, other.hash);
        let shared = Given {
            shared: Some(scratch.place(&other)),
            ..other
        };
        assert!(
            scratch
                .lacking([&shared])
                .unwrap_err()
                .contains("cells.lib")
        );
    }

    #[test]
    fn work_folders_of_runners_that_are_gone_and_files_that_nobody_needs_are_removed() {
        let root = tempfile::tempdir().unwrap();
        let scratch = Scratch::new(root.path());
        let living = scratch.work_folder("a").unwrap();
        let gone = root.path().join("work/b");
        fs::create_dir_all(gone.join("attempts")).unwrap();
        let file = scratch.place(&given("old"));
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, "old").unwrap();
        let long_ago = SystemTime::now() - LONGEST_REST - STALE;
        File::options()
            .write(true)
            .open(&file)
            .unwrap()
            .set_modified(long_ago)
            .unwrap();
        let other = scratch.work_folder("c").unwrap();
        assert!(living.path.is_dir() && other.path.is_dir());
        assert!(!gone.exists() && !file.exists());
        let path = living.path.clone();
        drop(living);
        assert!(!path.exists());
    }
}
