//! Looking up, keeping and forgetting results.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use noodle2_model::{CacheMiss, ContentHash, Limits};
use noodle2_store::{copy_file, create_folder, hash_file, write_whole};

use crate::{CacheError, CacheKey, Entry, StoredFile};

/// With how many entries of its subject, the newest first, a miss is compared.
const COMPARED: usize = 64;

/// A store of results.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ResultCache {
    root: PathBuf,
}

/// What a store knows of a key.
#[derive(Debug)]
pub enum Found {
    /// The result.
    Known(Box<Entry>),
    /// Nothing, and why.
    Unknown(CacheMiss),
    /// Nothing, since what was there is damaged. It was removed where that was possible.
    Damaged(CacheError),
}

impl ResultCache {
    /// The store in the folder `root`, which is made when something is first kept.
    pub fn new(root: PathBuf) -> Self {
        Self { root }
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn entries(&self) -> PathBuf {
        self.root.join("entries")
    }

    pub(crate) fn objects(&self) -> PathBuf {
        self.root.join("objects")
    }

    fn subject(&self, subject: ContentHash) -> PathBuf {
        self.entries().join(subject.to_string())
    }

    fn entry(&self, key: &CacheKey) -> PathBuf {
        self.subject(key.subject).join(key.hash().to_string())
    }

    pub(crate) fn object(&self, content: ContentHash) -> PathBuf {
        let name = content.to_string();
        self.objects().join(&name[..2]).join(name)
    }

    /// Looks a result up that holds under `limits`. Its files are not looked at yet.
    pub fn find(&self, key: &CacheKey, limits: &Limits) -> Found {
        let path = self.entry(key);
        match read_entry(&path) {
            Ok(Some(entry)) if entry.key == *key => {
                let limits = entry.used.beyond(limits);
                match limits.is_empty() {
                    true => Found::Known(Box::new(entry)),
                    false => Found::Unknown(CacheMiss::BeyondLimits { limits }),
                }
            }
            Ok(Some(_)) => {
                let reason = "it holds the result of another key".to_owned();
                self.give_up(CacheError::Damaged { path, reason })
            }
            Ok(None) => Found::Unknown(self.nearest(key)),
            Err(error) => self.give_up(error),
        }
    }

    /// Removes what is damaged, so that it can be made anew.
    fn give_up(&self, error: CacheError) -> Found {
        if let CacheError::Damaged { path, .. } = &error {
            let _ = fs::remove_file(path);
        }
        Found::Damaged(error)
    }

    /// What sets a key apart from the most alike of the entries of its subject.
    fn nearest(&self, key: &CacheKey) -> CacheMiss {
        let mut entries: Vec<(SystemTime, PathBuf)> = Vec::new();
        for found in fs::read_dir(self.subject(key.subject))
            .into_iter()
            .flatten()
            .flatten()
        {
            if let Ok(changed) = found.metadata().and_then(|metadata| metadata.modified()) {
                entries.push((changed, found.path()));
            }
        }
        entries.sort_by(|left, right| right.cmp(left));
        let compared = entries.iter().take(COMPARED);
        let differing = compared.filter_map(|(_, path)| {
            let entry = read_entry(path).ok()??;
            Some((key.differing(&entry.key), entry.key.hash()))
        });
        let nearest = differing.min_by_key(|(parts, nearest)| (parts.len(), *nearest));
        nearest.map_or(CacheMiss::Unknown, |(parts, nearest)| CacheMiss::Differs {
            parts,
            nearest,
        })
    }

    /// Brings the files of a result into a folder, as copies of their own, and notes that it was used `now`.
    ///
    /// # Errors
    /// When a file is gone or damaged: then nothing is left of them in the folder, and the entry is removed.
    pub fn bring(&self, entry: &Entry, folder: &Path, now: SystemTime) -> Result<(), CacheError> {
        let brought = self.bring_files(entry, folder);
        let path = self.entry(&entry.key);
        match brought {
            Ok(()) => {
                // It only says what was not used for long; a store of somebody else's cannot be told.
                let _ = File::open(&path).and_then(|file| file.set_modified(now));
                Ok(())
            }
            Err(error) => {
                for name in entry.files.keys() {
                    let _ = fs::remove_file(folder.join(name));
                }
                let _ = fs::remove_file(&path);
                Err(error)
            }
        }
    }

    fn bring_files(&self, entry: &Entry, folder: &Path) -> Result<(), CacheError> {
        for (name, stored) in &entry.files {
            if !is_plain_name(name) {
                let path = self.entry(&entry.key);
                let reason = format!("`{name}` is no name of a file");
                return Err(CacheError::Damaged { path, reason });
            }
            let object = self.object(stored.content);
            let place = folder.join(name);
            copy_file(&object, &place)?;
            if hash_file(&place)? != stored.content {
                let _ = fs::remove_file(&object);
                let reason = "its content is not the one that its name tells".to_owned();
                return Err(CacheError::Damaged {
                    path: object,
                    reason,
                });
            }
        }
        Ok(())
    }

    /// Keeps a result with these files of `folder`; those that are not there do not belong to it. `entry.files` is
    /// filled in. What the store holds already is not written again.
    ///
    /// # Errors
    /// When something cannot be read or written; nothing is then known of the result.
    pub fn keep(
        &self,
        mut entry: Entry,
        folder: &Path,
        names: &[&str],
        now: SystemTime,
    ) -> Result<(), CacheError> {
        for name in names {
            let path = folder.join(name);
            let size = match fs::metadata(&path) {
                Ok(found) => found.len(),
                Err(cause) if cause.kind() == io::ErrorKind::NotFound => continue,
                Err(cause) => return Err(CacheError::io("look at", &path, cause)),
            };
            let content = hash_file(&path)?;
            if *name == NETLIST && entry.netlist() != Some(content) {
                return Err(CacheError::OtherFile { path });
            }
            self.keep_object(&path, content, now)?;
            let stored = StoredFile { content, size };
            entry.files.insert((*name).to_owned(), stored);
        }
        let path = self.entry(&entry.key);
        create_folder(&self.subject(entry.key.subject))?;
        // An entry that a crash of the machine takes along was never known, so nobody waits for the disk.
        Ok(write_whole(&path, entry_text(&entry))?)
    }

    fn keep_object(
        &self,
        from: &Path,
        content: ContentHash,
        now: SystemTime,
    ) -> Result<(), CacheError> {
        let object = self.object(content);
        // A collection of garbage that goes on at the same time sees that it is wanted again.
        if let Ok(file) = File::open(&object)
            && file.set_modified(now).is_ok()
            && hash_file(&object).is_ok_and(|found| found == content)
        {
            return Ok(());
        }
        if let Some(folder) = object.parent() {
            create_folder(folder)?;
        }
        share_file(from, &object)?;
        // One that was collected meanwhile is missed by its entry, which then is none.
        if hash_file(&object).is_ok_and(|found| found != content) {
            let _ = fs::remove_file(&object);
            let path = from.to_owned();
            return Err(CacheError::OtherFile { path });
        }
        Ok(())
    }

    /// Forgets a result: it turned out not to be what the attempt gives.
    pub fn forget(&self, key: &CacheKey) {
        let _ = fs::remove_file(self.entry(key));
    }

    /// Forgets the result of this key by its hash.
    pub fn forget_hash(&self, key: ContentHash) {
        let subjects = fs::read_dir(self.entries()).into_iter().flatten().flatten();
        for subject in subjects {
            let _ = fs::remove_file(subject.path().join(key.to_string()));
        }
    }
}

/// The netlist of a case among the files of its attempt.
const NETLIST: &str = "netlist.v";

impl Entry {
    /// The hash of the netlist that the result tells of.
    fn netlist(&self) -> Option<ContentHash> {
        match &self.outcome {
            noodle2_model::Outcome::Measured(measurement) => Some(measurement.design.netlist),
            _ => None,
        }
    }
}

/// Makes `from` appear as the object `to` too, without a second copy where the file system permits: the run that left it
/// changes nothing that it has sealed, and what somebody else changes is noticed when the object is read.
fn share_file(from: &Path, to: &Path) -> Result<(), CacheError> {
    // One that is there was found to be damaged.
    let _ = fs::remove_file(to);
    match fs::hard_link(from, to) {
        Ok(()) => Ok(()),
        // Another run kept it in between.
        Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(_) => Ok(copy_file(from, to)?),
    }
}

/// A name that leads nowhere but into its folder.
fn is_plain_name(name: &str) -> bool {
    !name.is_empty() && name != "." && name != ".." && !name.contains(['/', '\0'])
}

/// An entry as it is written: the hash of what follows, then JSON.
fn entry_text(entry: &Entry) -> String {
    let text = serde_json::to_string(entry).expect("entries are plain data");
    format!("{}\n{text}\n", ContentHash::of(&text))
}

/// Reads an entry; `None` when it is not there.
pub(crate) fn read_entry(path: &Path) -> Result<Option<Entry>, CacheError> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(cause) => return Err(CacheError::io("read", path, cause)),
    };
    Entry::parse(&bytes)
        .map(Some)
        .map_err(|reason| CacheError::Damaged {
            path: path.to_owned(),
            reason,
        })
}
