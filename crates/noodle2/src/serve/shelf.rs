//! The runs that a server shows: one, or all below a folder.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use noodle2_store::RunFolder;

use super::live::LiveRun;
use crate::catalogue::{Catalogue, ListedRun, run_folders};
use crate::exit::{CommandFailure, Exit};

/// Nothing to serve.
const NO_FOLDER: &str = "N2-SERVE-003";
/// What makes a folder a run.
const JOURNAL: &str = "journal.ndjson";
/// How deep below the folder runs are looked for.
const DEPTH: u32 = 3;

/// The runs by their names: where they lie below the folder, or the name of the folder itself where that is one run.
#[derive(Debug)]
pub(super) struct Shelf {
    root: PathBuf,
    is_run: bool,
    catalogue: Catalogue,
    known: Mutex<BTreeMap<String, Arc<LiveRun>>>,
}

impl Shelf {
    /// The run in this folder, or the runs below it.
    pub fn open(root: &Path) -> Result<Self, CommandFailure> {
        if !root.is_dir() {
            return Err(CommandFailure::new(
                Exit::Usage,
                NO_FOLDER,
                format!("`{}` is no folder", root.display()),
                "name a run folder, or a folder with runs below it".to_owned(),
            ));
        }
        let is_run = is_run(root);
        if is_run {
            RunFolder::open(root)?;
        }
        Ok(Self {
            root: root.to_owned(),
            is_run,
            catalogue: Catalogue::default(),
            known: Mutex::default(),
        })
    }

    /// The folder as the person wrote it.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The names of all runs that are there now, sorted.
    pub fn names(&self) -> Vec<String> {
        if self.is_run {
            return vec![self.own_name()];
        }
        let found = run_folders(&self.root, DEPTH).unwrap_or_default();
        found.iter().filter_map(|path| self.name_of(path)).collect()
    }

    /// Every run at a glance, with its name; those that cannot be read with what is wrong.
    pub fn glances(&self) -> Vec<(String, ListedRun)> {
        let listed = self.catalogue.list(&self.root, DEPTH).unwrap_or_default();
        let named = listed.into_iter().filter_map(|run| {
            let name = match self.is_run {
                true => self.own_name(),
                false => self.name_of(&run.path)?,
            };
            Some((name, run))
        });
        named.collect()
    }

    /// Where a run lies below the folder: its name. One whose path is no text has none.
    fn name_of(&self, path: &Path) -> Option<String> {
        let below = path.strip_prefix(&self.root).ok()?;
        Some(below.to_str()?.to_owned())
    }

    /// The run of this name.
    pub fn run(&self, name: &str) -> Option<Result<Arc<LiveRun>, CommandFailure>> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(run) = known.get(name) {
            return Some(Ok(Arc::clone(run)));
        }
        // Only what was found by looking is opened: a name can lead nowhere else.
        if !self.names().iter().any(|found| found == name) {
            return None;
        }
        let path = match self.is_run {
            true => self.root.clone(),
            false => self.root.join(name),
        };
        let opened = LiveRun::open(&path).map(Arc::new);
        if let Ok(run) = &opened {
            known.insert(name.to_owned(), Arc::clone(run));
        }
        Some(opened)
    }

    /// How long the journal of a run is; `None` where it is gone.
    pub fn journal_length(&self, name: &str) -> Option<u64> {
        let folder = match self.is_run {
            true => self.root.clone(),
            false => self.root.join(name),
        };
        Some(folder.join(JOURNAL).metadata().ok()?.len())
    }

    fn own_name(&self) -> String {
        let whole = self
            .root
            .canonicalize()
            .unwrap_or_else(|_| self.root.clone());
        let name = whole
            .file_name()
            .map(|name| name.to_string_lossy().into_owned());
        name.unwrap_or_else(|| "run".to_owned())
    }
}

fn is_run(folder: &Path) -> bool {
    folder.join(JOURNAL).is_file()
}
