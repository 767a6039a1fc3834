//! The runs below a folder, each at a glance. What has not changed since it was read is not read again.
//!
//! Symbolic links are not followed, nothing below a run is looked at, and a run that cannot be read is listed with what is
//! wrong: none hides the others. Changes nothing.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use noodle2_store::{RunFolder, StoreError, Tag};
use noodle2_view::RunGlance;
use serde::Serialize;

use crate::commands::history_of;
use crate::exit::CommandFailure;
use crate::run::Worker;

/// A run of a list.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct ListedRun {
    /// Its folder.
    pub path: PathBuf,
    /// The user whom its journal belongs to, by name or number; absent where that cannot be read.
    pub owner: Option<String>,
    /// Its tags.
    pub tags: BTreeSet<Tag>,
    /// What can be seen of it; absent where it cannot be read.
    pub glance: Option<RunGlance>,
    /// Why it cannot be read.
    pub problem: Option<RunProblem>,
}

/// What is wrong with a run of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct RunProblem {
    /// A stable code.
    pub code: String,
    /// What is wrong.
    pub message: String,
}

impl From<CommandFailure> for RunProblem {
    fn from(failure: CommandFailure) -> Self {
        let code = failure.report.code().map(|code| code.to_string());
        Self {
            code: code.unwrap_or_default(),
            message: failure.report.to_string(),
        }
    }
}

/// By what it is seen that a run has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    length: u64,
    changed: (i64, i64),
    at_work: bool,
}

/// What was read of a run, and how its journal was then.
type Known = (Stamp, Result<RunGlance, RunProblem>);

/// What was read of runs before.
#[derive(Debug, Default)]
pub(crate) struct Catalogue {
    known: Mutex<HashMap<PathBuf, Known>>,
}

impl Catalogue {
    /// The runs below `folder`, or it alone where it is one, in the order of their paths. `depth` is how many folders
    /// deep is looked.
    ///
    /// # Errors
    /// Where the folder itself cannot be listed. One below it that cannot be is listed with what is wrong.
    pub fn list(&self, folder: &Path, depth: u32) -> Result<Vec<ListedRun>, CommandFailure> {
        let found = find(folder, depth)?;
        let next = Mutex::new(found.iter().enumerate());
        let listed = Mutex::new(Vec::new());
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        std::thread::scope(|scope| {
            for _ in 0..threads.min(found.len()) {
                scope.spawn(|| {
                    // Taken one by one: runs differ much in size.
                    while let Some((position, place)) = taken(&next) {
                        let run = match place {
                            Place::Run(path) => self.read(path),
                            Place::Closed(path, problem) => ListedRun {
                                path: path.clone(),
                                owner: None,
                                tags: BTreeSet::new(),
                                glance: None,
                                problem: Some(problem.clone()),
                            },
                        };
                        lock(&listed).push((position, run));
                    }
                });
            }
        });
        let mut listed = std::mem::take(&mut *lock(&listed));
        listed.sort_by_key(|(position, _)| *position);
        Ok(listed.into_iter().map(|(_, run)| run).collect())
    }

    /// One run.
    pub fn read(&self, path: &Path) -> ListedRun {
        let opened = RunFolder::open(path);
        let tags = opened.as_ref().ok().and_then(|run| run.read_tags().ok());
        let metadata = fs::metadata(path.join("journal.ndjson")).or_else(|_| fs::metadata(path));
        let read = opened
            .map_err(|error| RunProblem::from(CommandFailure::from(error)))
            .and_then(|run| self.glance(&run));
        let (glance, problem) = match read {
            Ok(glance) => (Some(glance), None),
            Err(problem) => (None, Some(problem)),
        };
        ListedRun {
            path: path.to_owned(),
            owner: metadata.ok().map(|found| user_name(found.uid())),
            tags: tags.unwrap_or_default(),
            glance,
            problem,
        }
    }

    fn glance(&self, run: &RunFolder) -> Result<RunGlance, RunProblem> {
        // Asked before the journal is read: a run that ends in between is then told as ended.
        let at_work = Worker::of(run) == Worker::AtWork;
        let stamp = fs::metadata(run.journal()).ok().map(|found| Stamp {
            inode: found.ino(),
            length: found.len(),
            changed: (found.mtime(), found.mtime_nsec()),
            at_work,
        });
        if let Some(stamp) = &stamp
            && let Some((known, read)) = lock(&self.known).get(run.root())
            && known == stamp
        {
            return read.clone();
        }
        let read = history_of(run)
            .map(|history| RunGlance::new(&history.at_work(at_work)))
            .map_err(RunProblem::from);
        if let Some(stamp) = stamp {
            lock(&self.known).insert(run.root().to_owned(), (stamp, read.clone()));
        }
        read
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn taken<T>(next: &Mutex<impl Iterator<Item = T>>) -> Option<T> {
    lock(next).next()
}

/// The name of a user of this machine; the number where there is no such user.
fn user_name(number: u32) -> String {
    let user = uzers::get_user_by_uid(number);
    let name = user.map(|user| user.name().to_string_lossy().into_owned());
    name.unwrap_or_else(|| number.to_string())
}

/// What is found below a folder.
enum Place {
    Run(PathBuf),
    /// A folder that cannot be listed.
    Closed(PathBuf, RunProblem),
}

/// Whether a folder is a run, or was one before it was damaged.
fn looks_like_run(folder: &Path) -> bool {
    let has = |name: &str| folder.join(name).is_file();
    has("journal.ndjson")
        || (has("lock") && has("study.yaml"))
        || (has("summary.json") && folder.join("trials").is_dir())
}

/// The folders of the runs below a folder, as [`Catalogue::list`] finds them; nothing of them is read.
///
/// # Errors
/// Where the folder itself cannot be listed.
pub(crate) fn run_folders(folder: &Path, depth: u32) -> Result<Vec<PathBuf>, CommandFailure> {
    let runs = find(folder, depth)?
        .into_iter()
        .filter_map(|place| match place {
            Place::Run(path) => Some(path),
            Place::Closed(..) => None,
        });
    Ok(runs.collect())
}

/// The runs below a folder, sorted by path. Deep trees are walked without recursion.
fn find(folder: &Path, depth: u32) -> Result<Vec<Place>, CommandFailure> {
    let mut found = Vec::new();
    let mut open = vec![(folder.to_owned(), depth)];
    while let Some((current, depth)) = open.pop() {
        if looks_like_run(&current) {
            found.push(Place::Run(current));
            continue;
        }
        let entries =
            fs::read_dir(&current).and_then(|entries| entries.collect::<Result<Vec<_>, _>>());
        let entries = match entries {
            Ok(entries) => entries,
            Err(cause) => {
                let error = StoreError::Io {
                    operation: "list the folder",
                    path: current.clone(),
                    cause,
                };
                if current == folder {
                    return Err(error.into());
                }
                let problem = RunProblem::from(CommandFailure::from(error));
                found.push(Place::Closed(current, problem));
                continue;
            }
        };
        let Some(below) = depth.checked_sub(1) else {
            continue;
        };
        // The kind of an entry is its own: a link to a folder is none, and so cannot lead round in a circle.
        let folders = entries
            .iter()
            .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
        open.extend(folders.map(|entry| (entry.path(), below)));
    }
    let path = |place: &Place| match place {
        Place::Run(path) | Place::Closed(path, _) => path.clone(),
    };
    found.sort_by_key(path);
    Ok(found)
}
