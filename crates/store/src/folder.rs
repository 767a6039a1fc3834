//! The layout of a run folder.
//!
//! ```text
//! RUN/study.yaml      the study as it was when the run began
//! RUN/journal.ndjson  everything that was decided and observed
//! RUN/journal.foreign-…  what something else had written into the journal
//! RUN/collected.ndjson  which artifacts were collected to make room, by their hashes; absent where none were
//! RUN/tags/…          words that people gave the run, an empty file each; no part of the record
//! RUN/requests/…      what people ask of the run: approvals, until they are journalled
//! RUN/notifications.undelivered.ndjson  what could not be told to those who should hear of it
//! RUN/bridge.log      what the bridge to a cluster printed, where there was one
//! RUN/lock            held by the one process that writes
//! RUN/legality.json                                  what the study may do, written before anything runs
//! RUN/summary.json, report.md, lineage.dot, lineage.svg  what the journal comes to, for people and scripts
//! RUN/inputs/…        what the scripts of all attempts share
//! RUN/cases/<case>/…  the numbers of a case; its netlist where others start from it
//! RUN/trials/<case>/<attempt>/…  script, logs, metrics and provenance of one attempt
//! ```
//!
//! The files that a study names (netlists, constraints, wires, libraries) are not kept in the run folder:
//! they are read where they lie, and the journal holds the hash of each. Whoever reads one again holds it
//! against that hash first.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use noodle2_model::{AttemptId, CaseName};

use crate::files::{self, IoContext, create_folder, is_temporary, make_folder, sorted_entries};
use crate::{RunLock, StoreError, fold_journal};

/// A run folder and the paths in it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RunFolder {
    root: PathBuf,
}

/// A run folder that this process may write to.
#[derive(Debug)]
pub struct WritableRun {
    /// The folder.
    pub folder: RunFolder,
    /// The right to write; keep it as long as anything is written.
    pub lock: RunLock,
    /// Unfinished files of a process that died, which were removed.
    pub removed: Vec<PathBuf>,
}

impl RunFolder {
    /// Makes a new run folder at `path`, with its parents, and takes its lock. An existing folder
    /// must be empty, or hold what a controller leaves that is gone before its first record: a lock,
    /// a journal without a record, the frozen study, and `inputs`, all of which are written anew.
    ///
    /// # Errors
    /// [`StoreError::NotEmpty`], [`StoreError::Unusable`] for what is no folder or cannot be written to,
    /// [`StoreError::Locked`] when another process is just making it, [`StoreError::Io`],
    /// [`StoreError::DiskFull`].
    pub fn create(path: &Path) -> Result<WritableRun, StoreError> {
        create_folder(path).map_err(unusable(path))?;
        // Looked at before anything is written, so that a refused folder is left as it was, and again
        // under the lock, because another process may have begun a run in between.
        refuse_content(path)?;
        let lock = RunLock::acquire(path).map_err(unusable(path))?;
        refuse_content(path)?;
        let folder = Self {
            root: path.to_owned(),
        };
        let removed = files::remove_temporaries(path)?;
        let journal = folder.journal();
        if journal.exists() {
            fs::remove_file(&journal).context("remove", &journal)?;
        }
        Ok(WritableRun {
            folder,
            lock,
            removed,
        })
    }

    /// The run folder at `path`, for reading. Changes nothing and takes no lock.
    ///
    /// # Errors
    /// [`StoreError::NotARunFolder`] when it holds no journal, [`StoreError::NeverBegan`] when its
    /// controller was gone before the first record.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let refused = |reason| StoreError::NotARunFolder {
            path: path.to_owned(),
            reason,
        };
        let folder = Self {
            root: path.to_owned(),
        };
        if !path.exists() {
            return Err(refused("it does not exist"));
        }
        if !path.is_dir() {
            return Err(refused("it is not a folder"));
        }
        if folder.never_began()? {
            return Err(StoreError::NeverBegan {
                path: path.to_owned(),
            });
        }
        if !folder.journal().is_file() {
            return Err(refused("it holds no journal.ndjson"));
        }
        Ok(folder)
    }

    /// The run folder at `path`, for writing: takes the lock, then removes what a process that died
    /// left unfinished.
    ///
    /// # Errors
    /// As [`RunFolder::open`], and [`StoreError::Locked`], [`StoreError::Io`].
    pub fn open_for_writing(path: &Path) -> Result<WritableRun, StoreError> {
        let folder = Self::open(path)?;
        let lock = RunLock::acquire(path)?;
        let removed = files::remove_temporaries(path)?;
        Ok(WritableRun {
            folder,
            lock,
            removed,
        })
    }

    /// The folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Whether this is what a controller leaves that is gone before its first record: a lock, and nothing
    /// beside it but what is written before that record. The lock tells it from a folder of somebody's own.
    fn never_began(&self) -> Result<bool, StoreError> {
        if !self.lock().is_file() {
            return Ok(false);
        }
        let before_the_first_record = [self.lock(), self.journal(), self.study(), self.inputs()];
        let nothing_else = sorted_entries(&self.root)?.iter().all(|(path, _)| {
            before_the_first_record.contains(path) || path.file_name().is_some_and(is_temporary)
        });
        if !nothing_else || !self.journal().exists() {
            return Ok(nothing_else);
        }
        // Half a first record counts for nothing either: nothing was done before it was whole.
        let mut has_record = false;
        let end = fold_journal(&self.journal(), |_| has_record = true);
        Ok(end.is_ok() && !has_record)
    }

    fn lock(&self) -> PathBuf {
        self.root.join("lock")
    }

    /// The study as it was when the run began.
    pub fn study(&self) -> PathBuf {
        self.root.join("study.yaml")
    }

    /// The journal.
    pub fn journal(&self) -> PathBuf {
        self.root.join("journal.ndjson")
    }

    /// What the study may do.
    pub fn legality(&self) -> PathBuf {
        self.root.join("legality.json")
    }

    /// The summary for programs.
    pub fn summary(&self) -> PathBuf {
        self.root.join("summary.json")
    }

    /// The summary for people.
    pub fn report(&self) -> PathBuf {
        self.root.join("report.md")
    }

    /// The graph of cases, for Graphviz.
    pub fn lineage(&self) -> PathBuf {
        self.root.join("lineage.dot")
    }

    /// The graph of cases, as a picture.
    pub fn lineage_picture(&self) -> PathBuf {
        self.root.join("lineage.svg")
    }

    /// The folder of what people ask of the run.
    pub fn requests(&self) -> PathBuf {
        self.root.join("requests")
    }

    /// Which artifacts were collected to make room.
    pub fn collected(&self) -> PathBuf {
        self.root.join("collected.ndjson")
    }

    /// The folder of the run's tags.
    pub fn tags(&self) -> PathBuf {
        self.root.join("tags")
    }

    /// What could not be told to those who should hear of it: a message a line, as JSON.
    pub fn undelivered(&self) -> PathBuf {
        self.root.join("notifications.undelivered.ndjson")
    }

    /// What the bridge to a cluster printed, for people who look for a cause.
    pub fn bridge_log(&self) -> PathBuf {
        self.root.join("bridge.log")
    }

    /// The folder of what the scripts of all attempts share.
    pub fn inputs(&self) -> PathBuf {
        self.root.join("inputs")
    }

    /// The folder of engines that are kept loaded, there only while a controller works on the run.
    pub fn engines(&self) -> PathBuf {
        self.root.join("engines")
    }

    /// The folder of all cases.
    pub fn cases(&self) -> PathBuf {
        self.root.join("cases")
    }

    /// The folder of one case. Made by whoever fills it.
    pub fn case(&self, case: &CaseName) -> PathBuf {
        self.cases().join(folder_name(case))
    }

    /// The folder of all trials.
    pub fn trials(&self) -> PathBuf {
        self.root.join("trials")
    }

    /// The folder of all attempts of the trial that derived `case`.
    pub fn trial(&self, case: &CaseName) -> PathBuf {
        self.trials().join(folder_name(case))
    }

    /// The folder of one attempt. `case_name` is the first part of all case names of the study.
    pub fn attempt(&self, case_name: &str, attempt: AttemptId) -> PathBuf {
        self.trial(&attempt.trial.case(case_name))
            .join(attempt.number.to_string())
    }

    /// Makes the folder of one attempt and returns it. It becomes durable when it is sealed.
    ///
    /// # Errors
    /// [`StoreError::NotEmpty`] when the attempt left something already: an attempt runs once;
    /// [`StoreError::Io`], [`StoreError::DiskFull`].
    pub fn create_attempt(
        &self,
        case_name: &str,
        attempt: AttemptId,
    ) -> Result<PathBuf, StoreError> {
        let path = self.attempt(case_name, attempt);
        make_folder(files::folder_of(&path))?;
        make_folder(&path)?;
        match sorted_entries(&path)?.first() {
            None => Ok(path),
            Some((found, _)) => Err(not_empty(&path, found)),
        }
    }
}

fn refuse_content(path: &Path) -> Result<(), StoreError> {
    let entries = sorted_entries(path).map_err(unusable(path))?;
    let folder = RunFolder {
        root: path.to_owned(),
    };
    let found = entries.iter().find(|(path, _)| path != &folder.lock());
    match found {
        Some((found, _)) if !folder.never_began()? => Err(not_empty(path, found)),
        _ => Ok(()),
    }
}

/// What the system refuses of a folder that is to become a run is the folder's fault, not the run's.
fn unusable(path: &Path) -> impl FnOnce(StoreError) -> StoreError {
    let path = path.to_owned();
    move |error| match error {
        StoreError::Io { cause, .. } => StoreError::Unusable { path, cause },
        error => error,
    }
}

fn not_empty(path: &Path, found: &Path) -> StoreError {
    StoreError::NotEmpty {
        path: path.to_owned(),
        found: found
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned(),
    }
}

/// The name of a case as the name of a folder. Case names of a valid study stand as they are;
/// whatever else a journal may hold is percent-encoded, so that no name leads out of the run folder.
fn folder_name(case: &CaseName) -> String {
    let mut name = String::new();
    for byte in case.to_string().bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.') {
            name.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(name, "%{byte:02X}");
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use noodle2_model::{StageIndex, TrialId};

    #[test]
    fn the_layout_is_the_documented_one() {
        let parent = tempfile::tempdir().unwrap();
        let root = parent.path().join("deep/run");
        let run = RunFolder::create(&root).unwrap();
        let attempt = AttemptId {
            trial: TrialId {
                stage: StageIndex(2),
                derived: 14,
            },
            number: 3,
        };
        let path = run.folder.create_attempt("my_core", attempt).unwrap();
        assert_eq!(path, root.join("trials/my_core_2_14/3"));
        assert_eq!(
            run.folder.case(&CaseName::base("gcd")),
            root.join("cases/gcd_0_0")
        );
        fs::write(path.join("trial.tcl"), "").unwrap();
        let again = run.folder.create_attempt("my_core", attempt).unwrap_err();
        assert_eq!(again.code(), "N2-STORE-004");
    }

    #[test]
    fn a_folder_with_content_is_refused_and_left_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("thesis.tex"), "precious").unwrap();
        let error = RunFolder::create(folder.path()).unwrap_err();
        assert_eq!(error.code(), "N2-STORE-004");
        assert!(error.to_string().contains("thesis.tex"), "{error}");
        assert_eq!(sorted_entries(folder.path()).unwrap().len(), 1);
    }

    #[test]
    fn a_run_that_never_began_may_be_begun_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        drop(RunLock::acquire(path).unwrap());
        for journal in [None, Some(""), Some("{\"seq\":1,\"at\":")] {
            create_folder(&path.join("inputs")).unwrap();
            fs::write(path.join("study.yaml"), "name: study").unwrap();
            if let Some(text) = journal {
                fs::write(path.join("journal.ndjson"), text).unwrap();
            }
            let error = RunFolder::open_for_writing(path).unwrap_err();
            assert_eq!(error.code(), "N2-STORE-013", "{error}");
            let run = RunFolder::create(path).unwrap();
            assert!(!run.folder.journal().exists());
        }
    }

    #[test]
    fn what_may_be_somebodys_own_is_never_taken_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        let refused = || RunFolder::create(path).unwrap_err().code() == "N2-STORE-004";
        fs::write(path.join("study.yaml"), "name: mine").unwrap();
        create_folder(&path.join("inputs")).unwrap();
        assert!(refused(), "no lock tells that a run was to begin here");
        drop(RunLock::acquire(path).unwrap());
        create_folder(&path.join("trials")).unwrap();
        assert!(refused(), "an attempt has run here");
        fs::remove_dir(path.join("trials")).unwrap();
        let mut journal = crate::JournalWriter::create(&path.join("journal.ndjson")).unwrap();
        let resumed = noodle2_model::Event::RunResumed;
        let event = [(jiff::Timestamp::UNIX_EPOCH, resumed)];
        journal.append(&event).unwrap();
        assert!(refused(), "there is a record");
        // Damage before the end is no torn first record.
        let line = fs::read_to_string(path.join("journal.ndjson")).unwrap();
        fs::write(path.join("journal.ndjson"), format!("{{\n{line}")).unwrap();
        assert!(refused(), "there is a damaged record");
    }

    #[test]
    fn what_cannot_become_a_run_is_said_to_be_unusable() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        for path in [file.join("run"), file, PathBuf::from("/proc/none/run")] {
            let error = RunFolder::create(&path).unwrap_err();
            assert_eq!(error.code(), "N2-STORE-012", "{error}");
        }
    }

    #[test]
    fn what_is_no_run_folder_is_said_to_be_none() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        for (path, reason) in [
            (folder.path().join("absent"), "does not exist"),
            (file, "not a folder"),
            (folder.path().to_owned(), "no journal"),
        ] {
            let error = RunFolder::open(&path).unwrap_err();
            assert_eq!(error.code(), "N2-STORE-005");
            assert!(error.to_string().contains(reason), "{error}");
            assert!(RunFolder::open_for_writing(&path).is_err());
        }
        assert!(!folder.path().join("lock").exists());
    }

    #[test]
    fn no_case_name_leads_out_of_the_run_folder() {
        let folder = RunFolder {
            root: PathBuf::from("run"),
        };
        for design in ["../../etc", "/etc", "..", ".", "a/b", "ü\0"] {
            let case = TrialId::BASE.case(design);
            let path = folder.case(&case);
            assert_eq!(path.parent(), Some(folder.cases().as_path()), "{design}");
            assert_eq!(path.components().count(), 3, "{design}");
        }
        let left = TrialId::BASE.case("a/b");
        let right = TrialId::BASE.case("a%2Fb");
        assert_ne!(folder.case(&left), folder.case(&right));
    }
}
