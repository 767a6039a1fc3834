//! How much a store holds, and the removal of what is not wanted any more.
//!
//! Entries go first, then the files that no entry tells of. Another process may bring or keep something in between:
//! whoever misses a file then counts that as a miss, and what is being written is left alone for an hour.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use noodle2_model::ContentHash;
use noodle2_store::is_temporary;
use serde::Serialize;

use crate::store::read_entry;
use crate::{CacheError, ResultCache};

/// How long a file that no entry tells of may still be one that an entry is just being written for.
const GRACE: Duration = Duration::from_secs(3600);

/// What a store holds.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Stats {
    /// Results.
    pub entries: u64,
    /// Files that belong to results, each counted once.
    pub objects: u64,
    /// Bytes of entries and files.
    pub bytes: u64,
    /// Bytes that would be held were each file kept with each result that it belongs to.
    pub bytes_if_unshared: u64,
    /// Entries that are not as they were written.
    pub damaged: u64,
    /// Files that belong to no result.
    pub unreferenced: u64,
    /// Seconds since the result was used that was not used for longest; absent when there is none.
    pub least_recently_used_s: Option<u64>,
}

/// What is to be removed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CollectionRules {
    /// The time.
    pub now: SystemTime,
    /// Results that were not used for longer than this.
    pub older_than: Option<Duration>,
    /// Results that were not used for longest, until so many bytes are left.
    pub max_bytes: Option<u64>,
    /// Only says what would be removed.
    pub dry_run: bool,
}

/// What was removed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Collection {
    /// Results.
    pub entries_removed: u64,
    /// Of these, entries that were damaged.
    pub damaged_removed: u64,
    /// Files.
    pub objects_removed: u64,
    /// Bytes of both.
    pub bytes_removed: u64,
    /// What is left.
    pub left: Stats,
    /// Whether nothing was removed and this only says what would be.
    pub dry_run: bool,
}

/// An entry as a file.
#[derive(Clone, Debug)]
struct Listed {
    path: PathBuf,
    used: SystemTime,
    size: u64,
    /// Its files with their sizes; `None` when it is damaged.
    files: Option<BTreeMap<ContentHash, u64>>,
}

/// A file among the objects.
#[derive(Clone, Debug)]
struct Object {
    path: PathBuf,
    /// `None` for what is unfinished, and for anything that does not belong there.
    content: Option<ContentHash>,
    changed: SystemTime,
    size: u64,
}

impl ResultCache {
    /// What the store holds `now`.
    ///
    /// # Errors
    /// When a folder of it cannot be read.
    pub fn stats(&self, now: SystemTime) -> Result<Stats, CacheError> {
        Ok(stats(&self.list_entries()?, &self.list_objects()?, now))
    }

    /// Removes what is damaged, what the rules name, and the files that then belong to no result.
    ///
    /// # Errors
    /// When something cannot be read or removed; what was removed before that stays so.
    pub fn collect(&self, rules: &CollectionRules) -> Result<Collection, CacheError> {
        let entries = self.list_entries()?;
        let (gone, mut left) = sort_out(entries, rules);
        if !rules.dry_run {
            for entry in &gone {
                remove(&entry.path)?;
            }
            // What was kept in the meantime counts.
            left = self.list_entries()?;
        }
        let wanted: BTreeSet<ContentHash> = contents(&left);
        let freed: BTreeSet<ContentHash> = contents(&gone);
        let (unwanted, kept): (Vec<Object>, Vec<Object>) =
            self.list_objects()?.into_iter().partition(|object| {
                let is_young = is_recent(object.changed, rules.now);
                match object.content {
                    Some(content) if wanted.contains(&content) => false,
                    Some(content) if freed.contains(&content) => true,
                    _ => !is_young,
                }
            });
        if !rules.dry_run {
            for object in &unwanted {
                remove(&object.path)?;
            }
            for (subject, metadata) in listed(&self.entries())? {
                // Only one that is empty goes, and none that an entry is just being written into.
                if !is_young(&metadata, rules.now) {
                    let _ = fs::remove_dir(subject);
                }
            }
        }
        let sizes = gone.iter().map(|entry| entry.size);
        let sizes = sizes.chain(unwanted.iter().map(|object| object.size));
        Ok(Collection {
            entries_removed: gone.len() as u64,
            damaged_removed: gone.iter().filter(|entry| entry.files.is_none()).count() as u64,
            objects_removed: unwanted.len() as u64,
            bytes_removed: sizes.sum(),
            left: stats(&left, &kept, rules.now),
            dry_run: rules.dry_run,
        })
    }

    fn list_entries(&self) -> Result<Vec<Listed>, CacheError> {
        let mut entries = Vec::new();
        for subject in folders(&self.entries())? {
            for (path, metadata) in files(&subject)? {
                let name = path.file_name().unwrap_or_default();
                if is_temporary(name) {
                    continue;
                }
                let files = match read_entry(&path) {
                    // Removed in between.
                    Ok(None) => continue,
                    Ok(Some(entry)) => {
                        let files = entry.files.values();
                        Some(files.map(|file| (file.content, file.size)).collect())
                    }
                    Err(CacheError::Damaged { .. }) => None,
                    Err(error) => return Err(error),
                };
                entries.push(Listed {
                    used: metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH),
                    size: metadata.len(),
                    path,
                    files,
                });
            }
        }
        Ok(entries)
    }

    fn list_objects(&self) -> Result<Vec<Object>, CacheError> {
        let mut folders_of_files = folders(&self.objects())?;
        // Unfinished entries are no objects, but go as they do.
        let subjects = folders(&self.entries())?;
        let among_entries = subjects.len();
        folders_of_files.splice(0..0, subjects);
        let mut objects = Vec::new();
        for (position, folder) in folders_of_files.iter().enumerate() {
            for (path, metadata) in files(folder)? {
                let name = path.file_name().unwrap_or_default();
                if position < among_entries && !is_temporary(name) {
                    continue;
                }
                objects.push(Object {
                    content: name.to_str().and_then(|name| name.parse().ok()),
                    changed: metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH),
                    size: metadata.len(),
                    path,
                });
            }
        }
        Ok(objects)
    }
}

/// What goes by the rules, and what stays.
fn sort_out(mut entries: Vec<Listed>, rules: &CollectionRules) -> (Vec<Listed>, Vec<Listed>) {
    entries.sort_by(|left, right| (left.used, &left.path).cmp(&(right.used, &right.path)));
    let mut holders: BTreeMap<ContentHash, (u64, u64)> = BTreeMap::new();
    let mut bytes = 0;
    for entry in &entries {
        bytes += entry.size;
        for (content, size) in entry.files.iter().flatten() {
            let (count, _) = holders.entry(*content).or_insert((0, *size));
            *count += 1;
        }
    }
    bytes += holders.values().map(|(_, size)| size).sum::<u64>();
    entries.into_iter().partition(|entry| {
        let age = rules.now.duration_since(entry.used).unwrap_or_default();
        let goes = entry.files.is_none()
            || rules.older_than.is_some_and(|limit| age > limit)
            || rules.max_bytes.is_some_and(|most| bytes > most);
        if goes {
            bytes -= entry.size;
            for content in entry.files.iter().flat_map(BTreeMap::keys) {
                if let Some((count, size)) = holders.get_mut(content) {
                    *count -= 1;
                    bytes -= if *count == 0 { *size } else { 0 };
                }
            }
        }
        goes
    })
}

/// Whether something may still be in use by whoever made it. What lies in the future is.
fn is_recent(changed: SystemTime, now: SystemTime) -> bool {
    now.duration_since(changed).map_or(true, |age| age < GRACE)
}

fn is_young(metadata: &fs::Metadata, now: SystemTime) -> bool {
    metadata
        .modified()
        .is_ok_and(|changed| is_recent(changed, now))
}

fn contents(entries: &[Listed]) -> BTreeSet<ContentHash> {
    let files = entries.iter().flat_map(|entry| entry.files.iter());
    files.flat_map(|files| files.keys().copied()).collect()
}

fn stats(entries: &[Listed], objects: &[Object], now: SystemTime) -> Stats {
    let wanted = contents(entries);
    let belongs = |object: &&Object| {
        object
            .content
            .is_some_and(|content| wanted.contains(&content))
    };
    let of_entries: u64 = entries.iter().map(|entry| entry.size).sum();
    let files = entries.iter().flat_map(|entry| entry.files.iter());
    let unshared: u64 = files.flat_map(|files| files.values()).sum();
    let whole = entries.iter().filter(|entry| entry.files.is_some());
    let oldest = whole.clone().map(|entry| entry.used).min();
    Stats {
        entries: whole.count() as u64,
        objects: objects.iter().filter(belongs).count() as u64,
        bytes: of_entries + objects.iter().map(|object| object.size).sum::<u64>(),
        bytes_if_unshared: of_entries + unshared,
        damaged: entries.iter().filter(|entry| entry.files.is_none()).count() as u64,
        unreferenced: objects.iter().filter(|object| !belongs(object)).count() as u64,
        least_recently_used_s: oldest
            .map(|used| now.duration_since(used).unwrap_or_default().as_secs()),
    }
}

/// Removes a file that somebody else may have removed.
fn remove(path: &Path) -> Result<(), CacheError> {
    match fs::remove_file(path) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => {
            Err(CacheError::io("remove", path, cause))
        }
        _ => Ok(()),
    }
}

/// The folders in `folder`, sorted; none when it is not there.
fn folders(folder: &Path) -> Result<Vec<PathBuf>, CacheError> {
    let entries = listed(folder)?.into_iter();
    Ok(entries
        .filter(|(_, metadata)| metadata.is_dir())
        .map(|(path, _)| path)
        .collect())
}

fn files(folder: &Path) -> Result<Vec<(PathBuf, fs::Metadata)>, CacheError> {
    let entries = listed(folder)?.into_iter();
    Ok(entries.filter(|(_, metadata)| metadata.is_file()).collect())
}

fn listed(folder: &Path) -> Result<Vec<(PathBuf, fs::Metadata)>, CacheError> {
    let found = match fs::read_dir(folder) {
        Ok(found) => found,
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(cause) => return Err(CacheError::io("list", folder, cause)),
    };
    let mut entries = Vec::new();
    for entry in found {
        let entry = entry.map_err(|cause| CacheError::io("list", folder, cause))?;
        // What is gone by now is not there.
        if let Ok(metadata) = entry.metadata() {
            entries.push((entry.path(), metadata));
        }
    }
    entries.sort_by(|left, right| left.0.cmp(&right.0));
    Ok(entries)
}
