//! Checking what a run left: the chain of the journal, and the artifacts of every attempt against
//! their index.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use noodle2_model::{Event, Outcome};
use serde::Serialize;

use crate::files::{hash_file, sorted_entries};
use crate::{ArtifactIndex, JournalContent, RunFolder, StoreError, read_journal};

/// The journal ends in a torn tail.
const TORN_TAIL: &str = "N2-STORE-021";
/// A finished attempt left no index of its artifacts.
const INDEX_MISSING: &str = "N2-STORE-025";
/// There is an attempt that the journal does not know.
const UNKNOWN_ATTEMPT: &str = "N2-STORE-026";
/// The index of an attempt is not the one that the journal recorded.
const INDEX_CHANGED: &str = "N2-STORE-027";

/// What the check of a run's files came to.
#[derive(Clone, PartialEq, Debug)]
pub struct StorageCheck {
    /// The journal; absent when it is damaged or cannot be read.
    pub journal: Option<JournalContent>,
    /// Everything that is wrong; empty when all is well.
    pub problems: Vec<StorageProblem>,
}

/// One thing that is wrong with the files of a run.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
pub struct StorageProblem {
    /// Where, relative to the run folder.
    pub path: PathBuf,
    /// The stable code of the problem.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
}

/// Checks the chain of the journal and, against their indexes, the artifacts of every attempt that
/// the journal says is finished, of every case, and of the inputs. An attempt that failed may have
/// none; attempts that are still running, or were when the run was killed, are passed over. Digests
/// are not compared: that is for whoever can fold events.
///
/// # Errors
/// [`StoreError::NotARunFolder`]. Everything else that is found is a problem in the result.
pub fn verify_run_storage(path: &Path) -> Result<StorageCheck, StoreError> {
    let folder = RunFolder::open(path)?;
    let mut check = Check {
        root: path.to_owned(),
        problems: Vec::new(),
    };
    let journal = check.journal(&folder.journal());
    if let Some(journal) = &journal {
        check.attempts(&folder, journal);
        check.seals(&folder, journal);
    }
    check.optional_index(&folder.inputs());
    for case in check.folders_in(&folder.cases()) {
        check.optional_index(&case);
    }
    check.problems.sort();
    Ok(StorageCheck {
        journal,
        problems: check.problems,
    })
}

struct Check {
    root: PathBuf,
    problems: Vec<StorageProblem>,
}

/// What an attempt must have left.
#[derive(Clone, Copy, PartialEq)]
enum Expected {
    /// It has not ended: whatever it left is unfinished.
    Nothing,
    /// It failed: its artifacts are checked where it came to record them.
    Perhaps,
    /// It has a result, which must be traceable.
    Index,
}

impl Check {
    fn report(&mut self, path: &Path, code: &'static str, message: String) {
        let path = path.strip_prefix(&self.root).unwrap_or(path).to_owned();
        self.problems.push(StorageProblem {
            path,
            code,
            message,
        });
    }

    fn report_error(&mut self, path: &Path, error: &StoreError) {
        self.report(path, error.code(), error.to_string());
    }

    fn journal(&mut self, path: &Path) -> Option<JournalContent> {
        let content = match read_journal(path) {
            Ok(content) => content,
            Err(error) => {
                self.report_error(path, &error);
                return None;
            }
        };
        if let Some(tail) = &content.torn_tail {
            let message = format!(
                "{} bytes from byte {} on are no whole record; resuming the run cuts them",
                tail.bytes.len(),
                tail.offset
            );
            self.report(path, TORN_TAIL, message);
        }
        Some(content)
    }

    fn attempts(&mut self, folder: &RunFolder, journal: &JournalContent) {
        let mut known = expected_attempts(folder, journal);
        for trial in self.folders_in(&folder.trials()) {
            for attempt in self.folders_in(&trial) {
                match known.remove(&attempt) {
                    None => self.report(
                        &attempt,
                        UNKNOWN_ATTEMPT,
                        "the journal knows no such attempt".to_owned(),
                    ),
                    Some(Expected::Nothing) => {}
                    Some(Expected::Perhaps) => self.optional_index(&attempt),
                    Some(Expected::Index) => self.index(&attempt),
                }
            }
        }
        for (attempt, expected) in known {
            if expected == Expected::Index {
                self.report(
                    &attempt,
                    INDEX_MISSING,
                    "the journal has a result of this attempt, but its folder is missing"
                        .to_owned(),
                );
            }
        }
    }

    /// Holds the index of every sealed attempt against the hash that the journal recorded of it, so that
    /// a file cannot be changed together with the index that vouches for it.
    fn seals(&mut self, folder: &RunFolder, journal: &JournalContent) {
        let case_name = case_name(journal);
        for record in &journal.records {
            let Event::ArtifactsSealed { attempt, index } = &record.event else {
                continue;
            };
            let path = ArtifactIndex::path(&folder.attempt(case_name, *attempt));
            match hash_file(&path) {
                Ok(found) if found == *index => {}
                Ok(found) => self.report(
                    &path,
                    INDEX_CHANGED,
                    format!("its hash is {found}, the journal recorded {index}"),
                ),
                Err(error) => self.report_error(&path, &error),
            }
        }
    }

    fn index(&mut self, folder: &Path) {
        if ArtifactIndex::path(folder).exists() {
            self.optional_index(folder);
        } else {
            self.report(
                folder,
                INDEX_MISSING,
                "the journal has a result of this attempt, but its artifacts were never recorded"
                    .to_owned(),
            );
        }
    }

    fn optional_index(&mut self, folder: &Path) {
        let path = ArtifactIndex::path(folder);
        if !path.exists() {
            return;
        }
        match ArtifactIndex::read(folder).and_then(|index| index.verify(folder)) {
            Ok(problems) => {
                for problem in problems {
                    let path = folder.join(problem.path());
                    self.report(&path, problem.code(), problem.to_string());
                }
            }
            Err(error) => self.report_error(&path, &error),
        }
    }

    /// The folders in `folder`, sorted; none when it does not exist.
    fn folders_in(&mut self, folder: &Path) -> Vec<PathBuf> {
        if !folder.exists() {
            return Vec::new();
        }
        match sorted_entries(folder) {
            Ok(entries) => entries
                .into_iter()
                .filter(|(_, kind)| kind.is_dir())
                .map(|(path, _)| path)
                .collect(),
            Err(error) => {
                self.report_error(folder, &error);
                Vec::new()
            }
        }
    }
}

fn case_name(journal: &JournalContent) -> &str {
    journal
        .records
        .iter()
        .find_map(|record| match &record.event {
            Event::RunCreated { identity } => Some(identity.study.design.case_name.as_str()),
            _ => None,
        })
        .unwrap_or_default()
}

/// The folders of all attempts that the journal knows, with what must be in them.
fn expected_attempts(folder: &RunFolder, journal: &JournalContent) -> BTreeMap<PathBuf, Expected> {
    let case_name = case_name(journal);
    let mut known = BTreeMap::new();
    for record in &journal.records {
        match &record.event {
            Event::AttemptStarted { attempt } => {
                known
                    .entry(folder.attempt(case_name, *attempt))
                    .or_insert(Expected::Nothing);
            }
            Event::AttemptFinished {
                attempt, outcome, ..
            } => {
                let expected = match **outcome {
                    Outcome::Failed(_) => Expected::Perhaps,
                    Outcome::Measured(_) | Outcome::NoEffect => Expected::Index,
                };
                known.insert(folder.attempt(case_name, *attempt), expected);
            }
            _ => {}
        }
    }
    known
}
