//! Artifacts that were collected to make room: what went is recorded with its hash, so that whoever verifies the run knows a
//! collection from a loss.
//!
//! `collected.ndjson` is durable before the first file goes. A line in it excuses the absence of a file alone, and only where
//! the sealed index of an attempt knows that file by the same hash: nothing that is there is believed because of it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use noodle2_model::ContentHash;
use serde::{Deserialize, Serialize};

use crate::artifacts::open_regular;
use crate::files::{IoContext, hash_open_file, write_atomic};
use crate::{Artifact, ArtifactIndex, RunFolder, StoreError, WritableRun};

/// A file that was collected, or can be.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CollectedFile {
    /// Where it lay, relative to the run folder.
    pub path: PathBuf,
    /// Its size in bytes.
    pub size: u64,
    /// The hash of its bytes, as its attempt's index has it.
    pub blake3: ContentHash,
    /// When it was collected.
    pub at: Timestamp,
}

/// What a collection came to.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Collection {
    /// The files that are gone now.
    pub removed: Vec<CollectedFile>,
    /// Files that are not what their index says, and so stay: they are evidence of damage.
    pub damaged: Vec<PathBuf>,
}

impl RunFolder {
    /// What was collected of the run, by path; nothing where nothing was.
    ///
    /// # Errors
    /// [`StoreError::Io`], [`StoreError::Malformed`].
    pub fn read_collected(&self) -> Result<BTreeMap<PathBuf, CollectedFile>, StoreError> {
        let path = self.collected();
        if fs::symlink_metadata(&path).is_err() {
            return Ok(BTreeMap::new());
        }
        let text = fs::read_to_string(&path).context("read", &path)?;
        let lines = text.lines().enumerate();
        let read = lines.map(|(position, line)| {
            let file: CollectedFile =
                serde_json::from_str(line).map_err(|error| StoreError::Malformed {
                    path: path.clone(),
                    expected: "record of what was collected",
                    reason: format!("line {}: {error}", position + 1),
                })?;
            Ok((file.path.clone(), file))
        });
        read.collect()
    }

    /// The files of a sealed attempt that `is_wanted` and that are there. None where the index is not the one that
    /// the journal vouches for.
    ///
    /// # Errors
    /// [`StoreError::Io`], [`StoreError::Malformed`].
    pub fn collectable(
        &self,
        attempt: &Path,
        seal: ContentHash,
        at: Timestamp,
        is_wanted: impl Fn(&Artifact) -> bool,
    ) -> Result<Vec<CollectedFile>, StoreError> {
        let index = ArtifactIndex::path(attempt);
        if !index.is_file() || crate::hash_file(&index)? != seal {
            return Ok(Vec::new());
        }
        let folder = attempt.strip_prefix(self.root()).unwrap_or(attempt);
        let files = ArtifactIndex::read(attempt)?.files.into_iter();
        // Nothing outside of the attempt's folder goes, whatever an index says.
        let is_inside = |path: &str| {
            let mut parts = Path::new(path).components();
            parts.all(|part| matches!(part, std::path::Component::Normal(_)))
        };
        let there = files.filter(|file| is_inside(&file.path)).filter(|file| {
            let found = fs::symlink_metadata(attempt.join(&file.path));
            is_wanted(file) && found.is_ok_and(|found| found.is_file())
        });
        Ok(there
            .map(|file| CollectedFile {
                path: folder.join(&file.path),
                size: file.size,
                blake3: file.blake3,
                at,
            })
            .collect())
    }
}

impl WritableRun {
    /// Records `files` as collected, durably, and then removes each that is what was recorded of it.
    ///
    /// # Errors
    /// [`StoreError::Io`], [`StoreError::DiskFull`], [`StoreError::Malformed`]. What was removed by then is recorded; the rest is
    /// whole and can be collected again.
    pub fn collect(&self, files: Vec<CollectedFile>) -> Result<Collection, StoreError> {
        let mut collection = Collection::default();
        let root = self.folder.root();
        for file in files {
            let path = root.join(&file.path);
            let found = hash_open_file(&open_regular(&path)?, &path)?;
            match found == (file.blake3, file.size) {
                true => collection.removed.push(file),
                false => collection.damaged.push(file.path),
            }
        }
        if collection.removed.is_empty() {
            return Ok(collection);
        }
        let mut recorded = self.folder.read_collected()?;
        let removed = collection.removed.iter();
        recorded.extend(removed.map(|file| (file.path.clone(), file.clone())));
        let path = self.folder.collected();
        let mut text = Vec::new();
        for file in recorded.values() {
            serde_json::to_writer(&mut text, file)
                .map_err(std::io::Error::from)
                .context("express as JSON", &path)?;
            text.push(b'\n');
        }
        write_atomic(&path, &text)?;
        for file in &collection.removed {
            let path = root.join(&file.path);
            fs::remove_file(&path).context("remove", &path)?;
        }
        Ok(collection)
    }
}
