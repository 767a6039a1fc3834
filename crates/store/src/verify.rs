//! Checking what a run left: the chain of the journal, the frozen study, the artifacts of every attempt
//! against their index, and what follows from the journal against what it gives.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use noodle2_model::{AttemptId, CaseName, ContentHash, Event, Outcome};
use serde::Serialize;

use crate::artifacts::open_regular;
use crate::files::{folder_of, hash_open_file, is_temporary, sorted_entries};
use crate::journal::FOREIGN_PREFIX;
use crate::{
    ArtifactIndex, ArtifactProblem, CollectedFile, JournalContent, Record, RunFolder, StoreError,
    Tag, read_journal,
};

/// The journal ends in a torn tail.
const TORN_TAIL: &str = "N2-STORE-021";
/// A finished attempt left no index of its artifacts, or the run none of its inputs.
const INDEX_MISSING: &str = "N2-STORE-025";
/// There is an attempt that the journal does not know.
const UNKNOWN_ATTEMPT: &str = "N2-STORE-026";
/// The index of an attempt is not the one that the journal recorded.
const INDEX_CHANGED: &str = "N2-STORE-027";
/// A file of the run itself is gone.
const FILE_MISSING: &str = "N2-STORE-028";
/// A file of the run itself does not hold what the journal gives.
const FILE_CHANGED: &str = "N2-STORE-029";
/// Something stands among attempts or cases that belongs to none.
const STRAY: &str = "N2-STORE-030";
/// A symbolic link or something else stands where a file must.
const NOT_A_FILE: &str = "N2-STORE-031";

/// Something else than its controller wrote into the journal.
const FOREIGN_BYTES: &str = "N2-STORE-032";

/// The record of what was collected tells of a file that no attempt left.
const NEVER_LEFT: &str = "N2-STORE-033";

/// What the check of a run's files came to.
#[derive(Clone, PartialEq, Debug)]
pub struct StorageCheck {
    /// The journal; absent when it is damaged or cannot be read.
    pub journal: Option<JournalContent>,
    /// How many records are intact from the first on, also where damage follows them.
    pub intact_records: u64,
    /// How many artifacts are not there since they were collected.
    pub collected: usize,
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

/// A file that follows from the journal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DerivedFile {
    /// Where.
    pub path: PathBuf,
    /// The contents that it may have: one for each state of the run in which it may have been written.
    pub contents: Vec<ContentHash>,
    /// Whether it must be there.
    pub required: bool,
}

/// Checks the chain of the journal, the frozen study against the hash in it and, against their indexes, the
/// inputs and the artifacts of every attempt that the journal says is finished. An attempt that failed may
/// have none; attempts that are still running, or were when the run was killed, are passed over. Neither
/// decisions nor what follows from them is checked: that is for whoever can fold events, with
/// [`check_derived`].
///
/// # Errors
/// [`StoreError::NotARunFolder`], [`StoreError::NeverBegan`]. Everything else that is found is a problem in
/// the result.
pub fn verify_run_storage(path: &Path) -> Result<StorageCheck, StoreError> {
    let folder = RunFolder::open(path)?;
    let mut check = Check::new(&folder);
    let (journal, intact_records) = check.journal(&folder.journal());
    match folder.read_collected() {
        Ok(collected) => check.excused = collected,
        Err(error) => check.report_error(&folder.collected(), &error),
    }
    if let Some(journal) = &journal {
        check.study(&folder, &journal.records);
        check.attempts(&folder, &journal.records);
        check.seals(&folder, &journal.records);
        check.index(
            &folder.inputs(),
            "what the scripts of all attempts share was never recorded, or is gone",
        );
        check.never_left(&folder);
    }
    check.tags(&folder);
    check.problems.sort();
    Ok(StorageCheck {
        journal,
        intact_records,
        collected: check.collected,
        problems: check.problems,
    })
}

/// Holds the files that follow from the journal against what it gives. All cases must be among them:
/// whatever else stands in the folder of cases is a problem.
pub fn check_derived(folder: &RunFolder, files: &[DerivedFile]) -> Vec<StorageProblem> {
    let mut check = Check::new(folder);
    for file in files {
        if file.required || fs::symlink_metadata(&file.path).is_ok() {
            check.content(&file.path, &file.contents);
        }
    }
    let known: BTreeSet<&Path> = files.iter().map(|file| file.path.as_path()).collect();
    let cases: BTreeSet<&Path> = known.iter().filter_map(|path| path.parent()).collect();
    for (case, kind) in check.entries(&folder.cases()) {
        if !cases.contains(case.as_path()) || !kind.is_dir() {
            check.stray(&case, "the journal knows no such case");
            continue;
        }
        for (path, _) in check.entries(&case) {
            if !known.contains(path.as_path()) {
                check.stray(&path, "it is no part of the case");
            }
        }
    }
    check.problems.sort();
    check.problems
}

/// The folders of attempts and cases, relative to the run folder, that no record tells of: records must
/// have been lost after they were made. `attempts` are all that the records tell of, of this design; `cases` all that
/// follow from the records.
///
/// # Errors
/// [`StoreError::Io`].
pub fn unrecorded(
    folder: &RunFolder,
    design: &str,
    attempts: impl Iterator<Item = AttemptId>,
    cases: impl Iterator<Item = CaseName>,
) -> Result<Vec<PathBuf>, StoreError> {
    let attempts = attempts.map(|attempt| folder.attempt(design, attempt));
    let mut known: HashSet<PathBuf> = attempts.collect();
    known.extend(cases.map(|case| folder.case(&case)));
    let mut found = Vec::new();
    let mut places = folders_in(&folder.trials())?;
    places.push(folder.cases());
    for place in places {
        found.extend(folders_in(&place)?);
    }
    Ok(found
        .into_iter()
        .filter(|path| !known.contains(path))
        .map(|path| relative(folder.root(), &path))
        .collect())
}

/// The folders in `folder`, sorted; none when it does not exist.
fn folders_in(folder: &Path) -> Result<Vec<PathBuf>, StoreError> {
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let entries = sorted_entries(folder)?.into_iter();
    Ok(entries
        .filter(|(_, kind)| kind.is_dir())
        .map(|(path, _)| path)
        .collect())
}

fn relative(root: &Path, path: &Path) -> PathBuf {
    path.strip_prefix(root).unwrap_or(path).to_owned()
}

struct Check {
    root: PathBuf,
    /// What was collected, as far as no index was found yet that knows it.
    excused: BTreeMap<PathBuf, CollectedFile>,
    collected: usize,
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
    fn new(folder: &RunFolder) -> Self {
        Self {
            root: folder.root().to_owned(),
            excused: BTreeMap::new(),
            collected: 0,
            problems: Vec::new(),
        }
    }

    fn report(&mut self, path: &Path, code: &'static str, message: String) {
        let path = relative(&self.root, path);
        self.problems.push(StorageProblem {
            path,
            code,
            message,
        });
    }

    fn report_error(&mut self, path: &Path, error: &StoreError) {
        self.report(path, error.code(), error.to_string());
    }

    fn stray(&mut self, path: &Path, message: &str) {
        self.report(path, STRAY, message.to_owned());
    }

    /// The journal, unless it is damaged, and how many records are intact from the first on.
    fn journal(&mut self, path: &Path) -> (Option<JournalContent>, u64) {
        self.is_file(path);
        for (kept, _) in self.entries(folder_of(path)) {
            let name = kept.file_name().unwrap_or_default().to_string_lossy();
            if name.starts_with(FOREIGN_PREFIX) {
                let message = "something else than the controller wrote this into the journal; it was moved \
                               here, and the journal is as the controller wrote it";
                self.report(&kept, FOREIGN_BYTES, message.to_owned());
            }
        }
        let content = match read_journal(path) {
            Ok(content) => content,
            Err(error) => {
                self.report_error(path, &error);
                let intact = match error {
                    StoreError::JournalDamaged { line, .. } => line - 1,
                    _ => 0,
                };
                return (None, intact);
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
        let intact = content.records.len() as u64;
        (Some(content), intact)
    }

    /// Whether a file stands at `path`, and nothing that leads elsewhere.
    fn is_file(&mut self, path: &Path) -> bool {
        match fs::symlink_metadata(path) {
            Ok(found) if found.is_file() => true,
            Ok(found) => {
                let what = if found.is_symlink() {
                    "a symbolic link"
                } else {
                    "something else"
                };
                self.report(
                    path,
                    NOT_A_FILE,
                    format!("{what} stands where a file was written"),
                );
                false
            }
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => {
                self.report(path, FILE_MISSING, "the file is missing".to_owned());
                false
            }
            Err(cause) => {
                let error = StoreError::io("read the metadata of", path, cause);
                self.report_error(path, &error);
                false
            }
        }
    }

    /// Holds a file against the contents that it may have.
    fn content(&mut self, path: &Path, allowed: &[ContentHash]) {
        if !self.is_file(path) {
            return;
        }
        match open_regular(path).and_then(|file| hash_open_file(&file, path)) {
            Ok((found, _)) if allowed.contains(&found) => {}
            Ok(_) => self.report(
                path,
                FILE_CHANGED,
                "it is not what the journal gives".to_owned(),
            ),
            Err(error) => self.report_error(path, &error),
        }
    }

    fn study(&mut self, folder: &RunFolder, records: &[Record]) {
        let identity = records.iter().find_map(|record| match &record.event {
            Event::RunCreated { identity } => Some(identity),
            _ => None,
        });
        if let Some(identity) = identity {
            self.content(&folder.study(), &[identity.study_file]);
        }
    }

    fn attempts(&mut self, folder: &RunFolder, records: &[Record]) {
        let mut known = expected_attempts(folder, records);
        let trials: BTreeSet<PathBuf> = known
            .keys()
            .filter_map(|attempt| attempt.parent().map(Path::to_owned))
            .collect();
        for (trial, kind) in self.entries(&folder.trials()) {
            if !kind.is_dir() {
                self.stray(&trial, "it is no folder of a trial");
                continue;
            }
            let attempts = self.entries(&trial);
            if attempts.is_empty() && !trials.contains(&trial) {
                self.stray(&trial, "the journal knows no such trial");
            }
            for (attempt, kind) in attempts {
                if !kind.is_dir() {
                    self.stray(&attempt, "it is no folder of an attempt");
                    continue;
                }
                match known.remove(&attempt) {
                    None => self.report(
                        &attempt,
                        UNKNOWN_ATTEMPT,
                        "the journal knows no such attempt".to_owned(),
                    ),
                    Some(Expected::Nothing) => {}
                    Some(Expected::Perhaps) => self.optional_index(&attempt),
                    Some(Expected::Index) => self.index(
                        &attempt,
                        "the journal has a result of this attempt, but its artifacts were never recorded",
                    ),
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
    fn seals(&mut self, folder: &RunFolder, records: &[Record]) {
        let case_name = case_name(records);
        let expected = expected_attempts(folder, records);
        for record in records {
            let Event::ArtifactsSealed { attempt, index } = &record.event else {
                continue;
            };
            let attempt = folder.attempt(case_name, *attempt);
            let path = ArtifactIndex::path(&attempt);
            // Where a result lacks its index, that was told already.
            let is_told = expected.get(&attempt) == Some(&Expected::Index) && !path.exists();
            if is_told || !self.is_file(&path) {
                continue;
            }
            match open_regular(&path).and_then(|file| hash_open_file(&file, &path)) {
                Ok((found, _)) if found == *index => {}
                Ok((found, _)) => self.report(
                    &path,
                    INDEX_CHANGED,
                    format!("its hash is {found}, the journal recorded {index}"),
                ),
                Err(error) => self.report_error(&path, &error),
            }
        }
    }

    /// Tags are empty files: whatever else lies among them was put there by something else.
    fn tags(&mut self, folder: &RunFolder) {
        for (path, kind) in self.entries(&folder.tags()) {
            let name = path.file_name().and_then(|name| name.to_str());
            let is_tag = name.is_some_and(|name| name.parse::<Tag>().is_ok());
            let is_empty = fs::symlink_metadata(&path).is_ok_and(|found| found.len() == 0);
            if !(is_tag && kind.is_file() && is_empty) {
                self.stray(&path, "it is no tag: tags are empty files");
            }
        }
    }

    fn index(&mut self, folder: &Path, missing: &str) {
        if ArtifactIndex::path(folder).exists() {
            self.optional_index(folder);
        } else {
            self.report(folder, INDEX_MISSING, missing.to_owned());
        }
    }

    fn optional_index(&mut self, folder: &Path) {
        let path = ArtifactIndex::path(folder);
        if !path.exists() {
            return;
        }
        let read = ArtifactIndex::read(folder);
        let verified = read.and_then(|index| Ok((index.verify(folder)?, index)));
        match verified {
            Ok((problems, index)) => {
                let excused = self.excused_of(folder, &index);
                for problem in problems {
                    let path = folder.join(problem.path());
                    let is_missing = matches!(problem, ArtifactProblem::Missing { .. });
                    if is_missing && excused.contains(problem.path()) {
                        self.collected += 1;
                        continue;
                    }
                    self.report(&path, problem.code(), problem.to_string());
                }
            }
            Err(error) => self.report_error(&path, &error),
        }
    }

    /// The files of an index that were collected, each by the hash that the index has.
    fn excused_of(&mut self, folder: &Path, index: &ArtifactIndex) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        for file in &index.files {
            let path = relative(&self.root, &folder.join(&file.path));
            let recorded = self.excused.get(&path);
            if recorded.is_some_and(|recorded| recorded.blake3 == file.blake3) {
                self.excused.remove(&path);
                found.insert(file.path.clone());
            }
        }
        found
    }

    /// What is said to have been collected and that no index knows.
    fn never_left(&mut self, folder: &RunFolder) {
        for path in std::mem::take(&mut self.excused).into_keys() {
            let message = format!("no attempt left `{}` with this hash", path.display());
            self.report(&folder.collected(), NEVER_LEFT, message);
        }
    }

    /// What stands in `folder`, sorted, but unfinished files of our own; nothing when it does not exist.
    fn entries(&mut self, folder: &Path) -> Vec<(PathBuf, fs::FileType)> {
        match fs::symlink_metadata(folder) {
            Ok(found) if found.is_dir() => {}
            Ok(_) => {
                self.report(
                    folder,
                    NOT_A_FILE,
                    "something else stands where a folder was made".to_owned(),
                );
                return Vec::new();
            }
            Err(_) => return Vec::new(),
        }
        match sorted_entries(folder) {
            Ok(mut entries) => {
                entries.retain(|(path, _)| !path.file_name().is_some_and(is_temporary));
                entries
            }
            Err(error) => {
                self.report_error(folder, &error);
                Vec::new()
            }
        }
    }
}

fn case_name(records: &[Record]) -> &str {
    records
        .iter()
        .find_map(|record| match &record.event {
            Event::RunCreated { identity } => Some(identity.study.design.case_name.as_str()),
            _ => None,
        })
        .unwrap_or_default()
}

/// The folders of all attempts that the journal knows, with what must be in them.
fn expected_attempts(folder: &RunFolder, records: &[Record]) -> BTreeMap<PathBuf, Expected> {
    let case_name = case_name(records);
    let mut known = BTreeMap::new();
    for record in records {
        match &record.event {
            Event::AttemptStarted { attempt }
            | Event::ConfirmationStarted { attempt }
            | Event::RepeatStarted { attempt, .. } => {
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
