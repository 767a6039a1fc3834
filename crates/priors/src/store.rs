//! The SQLite file: runs, and what each of them observed.

use std::path::{Path, PathBuf};
use std::time::Duration;

use noodle2_evidence::RecordedRun;
use noodle2_model::{
    ContentHash, Context, Domination, Observation, SizeClass, TrialResult, ViolationDepth,
    matches_pattern,
};
use rusqlite::{Connection, OpenFlags, Row, Transaction, TransactionBehavior, params};

use crate::PriorStoreError as Error;

/// Marks the file as ours: `N2EV`.
const APPLICATION: i64 = 0x4e32_4556;

/// The version of the tables.
const VERSION: i64 = 1;

const TABLES: &str = "
    CREATE TABLE run (
        id TEXT PRIMARY KEY,
        project TEXT NOT NULL,
        study TEXT NOT NULL,
        platform TEXT NOT NULL,
        digest TEXT NOT NULL,
        noodle2_version TEXT NOT NULL,
        ended_s INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE observation (
        run TEXT NOT NULL REFERENCES run (id) ON DELETE CASCADE,
        place INTEGER NOT NULL,
        key TEXT NOT NULL,
        eco TEXT NOT NULL,
        content TEXT NOT NULL,
        domination TEXT NOT NULL,
        size TEXT NOT NULL,
        depth TEXT NOT NULL,
        result TEXT NOT NULL,
        PRIMARY KEY (run, place)
    ) STRICT, WITHOUT ROWID;
";

/// A store of evidence, open.
#[derive(Debug)]
pub struct PriorStore {
    path: PathBuf,
    connection: Connection,
}

/// What a store is opened for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Access {
    /// To look into it; it must be there.
    Read,
    /// To change it; it is made where it is not there.
    Write,
}

/// Which runs and observations are meant; every field narrows. Names are patterns: `*` stands for any text.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// The project.
    pub project: Option<String>,
    /// The study.
    pub study: Option<String>,
    /// The platform.
    pub platform: Option<String>,
    /// The ECO.
    pub eco: Option<String>,
    /// Runs that ended before this time, in seconds since 1970.
    pub before_s: Option<i64>,
}

impl Selection {
    /// Whether a run is meant, whatever its observations are.
    pub fn wants_run(&self, run: &RecordedRun) -> bool {
        let fits = |pattern: &Option<String>, name: &str| {
            pattern
                .as_ref()
                .is_none_or(|pattern| matches_pattern(pattern, name))
        };
        fits(&self.project, &run.project)
            && fits(&self.study, &run.study)
            && fits(&self.platform, &run.platform)
            && self.before_s.is_none_or(|before| run.ended_s < before)
    }

    fn wants_eco(&self, eco: &str) -> bool {
        self.eco
            .as_ref()
            .is_none_or(|pattern| matches_pattern(pattern, eco))
    }
}

/// What came of adding a run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Addition {
    /// It was added.
    Added,
    /// The very same was there already.
    Known,
    /// A run of that id was there, with other content; it was left as it is.
    Different,
}

/// What was forgotten.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, serde::Serialize)]
pub struct Forgotten {
    /// Observations that are gone.
    pub observations: usize,
    /// Runs from which observations are gone.
    pub touched_runs: usize,
    /// Runs of which nothing is left.
    pub runs: usize,
}

impl PriorStore {
    /// Opens the store at `path`; `None` when it is opened to be read and is not there. Where another process
    /// writes to it, waits up to `patience`.
    ///
    /// # Errors
    /// When it cannot be opened, or is no sound store of a version that is known here.
    pub fn open(path: &Path, access: Access, patience: Duration) -> Result<Option<Self>, Error> {
        let flags = match access {
            Access::Read => {
                let there = path.try_exists();
                if !there.map_err(|error| Error::of_io(path, &error))? {
                    return Ok(None);
                }
                // Where it may be written, so that what a killed writer began can be rolled back.
                OpenFlags::SQLITE_OPEN_READ_WRITE
            }
            Access::Write => {
                if let Some(folder) = path.parent() {
                    std::fs::create_dir_all(folder).map_err(|error| Error::of_io(path, &error))?;
                }
                OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE
            }
        };
        let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)
            .map_err(|error| Error::of_sqlite(path, &error))?;
        let mut store = Self {
            path: path.to_owned(),
            connection,
        };
        match store.prepare(access, patience) {
            Ok(true) => Ok(Some(store)),
            Ok(false) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Checks what the file is, and makes the tables of a new one; returns whether there are any.
    fn prepare(&mut self, access: Access, patience: Duration) -> Result<bool, Error> {
        let path = self.path.clone();
        let refuse = |error: rusqlite::Error| Error::of_sqlite(&path, &error);
        let connection = &mut self.connection;
        connection.busy_timeout(patience).map_err(refuse)?;
        // The write-ahead log needs shared memory, which network file systems do not have.
        for (name, value) in [("foreign_keys", "ON"), ("synchronous", "FULL")] {
            connection
                .pragma_update(None, name, value)
                .map_err(refuse)?;
        }
        if access == Access::Write {
            let mode: String = connection
                .pragma_update_and_check(None, "journal_mode", "DELETE", |row| row.get(0))
                .map_err(refuse)?;
            debug_assert_eq!(mode, "delete");
        }
        let number = |connection: &Connection, name: &str| {
            connection
                .pragma_query_value(None, name, |row| row.get::<_, i64>(0))
                .map_err(refuse)
        };
        let tables: i64 = connection
            .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
            .map_err(refuse)?;
        let application = number(connection, "application_id")?;
        if tables == 0 && application == 0 {
            if access == Access::Read {
                return Ok(false);
            }
            let begun = connection
                .transaction_with_behavior(TransactionBehavior::Immediate)
                .map_err(refuse)?;
            // Another process may have made them in the meantime.
            if number(&begun, "application_id")? == 0 {
                begun.execute_batch(TABLES).map_err(refuse)?;
                begun
                    .pragma_update(None, "application_id", APPLICATION)
                    .map_err(refuse)?;
                begun
                    .pragma_update(None, "user_version", VERSION)
                    .map_err(refuse)?;
            }
            begun.commit().map_err(refuse)?;
        } else if application != APPLICATION {
            return Err(Error::Foreign { path });
        }
        let version = number(connection, "user_version")?;
        if version != VERSION {
            return Err(Error::TooNew {
                path,
                version,
                known: VERSION,
            });
        }
        let sound: String = connection
            .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
            .map_err(refuse)?;
        match sound.as_str() {
            "ok" => Ok(true),
            _ => Err(Error::damaged(&path, sound)),
        }
    }

    /// Adds runs, all of them or, on an error, none. One that is there already changes nothing.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn add(&mut self, runs: &[RecordedRun]) -> Result<Vec<Addition>, Error> {
        let path = self.path.clone();
        let refuse = |error: rusqlite::Error| Error::of_sqlite(&path, &error);
        let begun = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(refuse)?;
        let mut additions = Vec::new();
        for run in runs {
            let id = run.id.to_string();
            let text = format!("{RUNS} WHERE id = ?1");
            let known = read_runs_of(&begun, &path, &text, &[&id], |_| true, |_| true)?;
            additions.push(match known.first() {
                Some(known) if known == run => Addition::Known,
                Some(_) => Addition::Different,
                None => {
                    insert(&begun, &id, run).map_err(refuse)?;
                    Addition::Added
                }
            });
        }
        begun.commit().map_err(refuse)?;
        Ok(additions)
    }

    /// The runs that `wanted` wants, each with the observations of wanted ECOs, by id. `wanted` sees runs without
    /// their observations.
    ///
    /// # Errors
    /// When the store cannot be read, or holds what cannot be understood.
    pub fn runs(
        &self,
        wanted: impl Fn(&RecordedRun) -> bool,
        eco: impl Fn(&str) -> bool,
    ) -> Result<Vec<RecordedRun>, Error> {
        read_runs(&self.connection, &self.path, wanted, eco)
    }

    /// The selected runs, each with the selected observations, without those of which none is selected.
    ///
    /// # Errors
    /// As [`PriorStore::runs`].
    pub fn select(&self, selection: &Selection) -> Result<Vec<RecordedRun>, Error> {
        let mut runs = self.runs(
            |run| selection.wants_run(run),
            |eco| selection.wants_eco(eco),
        )?;
        if selection.eco.is_some() {
            runs.retain(|run| !run.observations.is_empty());
        }
        Ok(runs)
    }

    /// Forgets what is selected; with `only_count`, says what that would be. Runs of which nothing is left go
    /// as well, so that they may be recorded again.
    ///
    /// # Errors
    /// When the store cannot be written; nothing is forgotten then.
    pub fn forget(&mut self, selection: &Selection, only_count: bool) -> Result<Forgotten, Error> {
        let path = self.path.clone();
        let refuse = |error: rusqlite::Error| Error::of_sqlite(&path, &error);
        let begun = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(refuse)?;
        let mut forgotten = Forgotten::default();
        for run in read_runs(&begun, &path, |run| selection.wants_run(run), |_| true)? {
            let gone = run.observations.iter().enumerate();
            let gone: Vec<usize> = gone
                .filter(|(_, seen)| selection.wants_eco(&seen.eco))
                .map(|(place, _)| place)
                .collect();
            let whole = gone.len() == run.observations.len();
            if gone.is_empty() && (!whole || selection.eco.is_some()) {
                continue;
            }
            forgotten.touched_runs += 1;
            forgotten.observations += gone.len();
            forgotten.runs += usize::from(whole);
            let id = run.id.to_string();
            if whole {
                let text = "DELETE FROM run WHERE id = ?1";
                begun.execute(text, [&id]).map_err(refuse)?;
            } else {
                // Places are numbered anew, so that they stay what a reader counts.
                let text = "DELETE FROM observation WHERE run = ?1";
                begun.execute(text, [&id]).map_err(refuse)?;
                let kept = run
                    .observations
                    .iter()
                    .filter(|seen| !selection.wants_eco(&seen.eco));
                insert_observations(&begun, &id, kept).map_err(refuse)?;
            }
        }
        match only_count {
            true => begun.rollback(),
            false => begun.commit(),
        }
        .map_err(refuse)?;
        Ok(forgotten)
    }
}

fn insert(begun: &Transaction<'_>, id: &str, run: &RecordedRun) -> rusqlite::Result<()> {
    begun.execute(
        "INSERT INTO run (id, project, study, platform, digest, noodle2_version, ended_s)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            id,
            run.project,
            run.study,
            run.platform,
            run.digest.to_string(),
            run.noodle2_version,
            run.ended_s
        ],
    )?;
    insert_observations(begun, id, run.observations.iter())
}

fn insert_observations<'a>(
    begun: &Transaction<'_>,
    run: &str,
    observations: impl Iterator<Item = &'a Observation>,
) -> rusqlite::Result<()> {
    let mut statement = begun.prepare(
        "INSERT INTO observation (run, place, key, eco, content, domination, size, depth, result)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?;
    for (place, seen) in observations.enumerate() {
        let result = serde_json::to_string(&seen.result).expect("numbers and names are JSON");
        statement.execute(params![
            run,
            place as i64,
            seen.key.to_string(),
            seen.eco,
            seen.content.to_string(),
            seen.context.domination.name(),
            seen.context.size.name(),
            seen.context.depth.name(),
            result
        ])?;
    }
    Ok(())
}

fn read_runs(
    connection: &Connection,
    path: &Path,
    wanted: impl Fn(&RecordedRun) -> bool,
    eco: impl Fn(&str) -> bool,
) -> Result<Vec<RecordedRun>, Error> {
    let runs = format!("{RUNS} ORDER BY id");
    read_runs_of(connection, path, &runs, &[], wanted, eco)
}

const RUNS: &str = "SELECT id, project, study, platform, digest, noodle2_version, ended_s FROM run";

fn read_runs_of(
    connection: &Connection,
    path: &Path,
    text: &str,
    parameters: &[&dyn rusqlite::ToSql],
    wanted: impl Fn(&RecordedRun) -> bool,
    eco: impl Fn(&str) -> bool,
) -> Result<Vec<RecordedRun>, Error> {
    let refuse = |error: rusqlite::Error| Error::of_sqlite(path, &error);
    let mut statement = connection.prepare(text).map_err(refuse)?;
    let mut rows = statement.query(parameters).map_err(refuse)?;
    let mut runs = Vec::new();
    while let Some(row) = rows.next().map_err(refuse)? {
        let run = run_of(row).map_err(|cause| Error::damaged(path, cause))?;
        if wanted(&run) {
            runs.push(run);
        }
    }
    let mut statement = connection
        .prepare(
            "SELECT key, eco, content, domination, size, depth, result FROM observation
             WHERE run = ?1 ORDER BY place",
        )
        .map_err(refuse)?;
    for run in &mut runs {
        let mut rows = statement.query([run.id.to_string()]).map_err(refuse)?;
        while let Some(row) = rows.next().map_err(refuse)? {
            let seen = observation_of(row)
                .map_err(|cause| Error::damaged(path, format!("in run {}: {cause}", run.id)))?;
            if eco(&seen.eco) {
                run.observations.push(seen);
            }
        }
    }
    Ok(runs)
}

/// A row that cannot be understood, in words.
type RowResult<T> = Result<T, String>;

fn column<T: rusqlite::types::FromSql>(row: &Row<'_>, name: &str) -> RowResult<T> {
    row.get(name).map_err(|error| error.to_string())
}

fn hash(row: &Row<'_>, name: &str) -> RowResult<ContentHash> {
    let text: String = column(row, name)?;
    text.parse::<ContentHash>()
        .map_err(|error| error.to_string())
}

fn class<T>(row: &Row<'_>, name: &str, of: impl Fn(&str) -> Option<T>) -> RowResult<T> {
    let text: String = column(row, name)?;
    of(&text).ok_or_else(|| format!("`{}` is no known {name}", text.escape_debug()))
}

fn run_of(row: &Row<'_>) -> RowResult<RecordedRun> {
    Ok(RecordedRun {
        id: hash(row, "id")?,
        project: column(row, "project")?,
        study: column(row, "study")?,
        platform: column(row, "platform")?,
        digest: hash(row, "digest")?,
        noodle2_version: column(row, "noodle2_version")?,
        ended_s: column(row, "ended_s")?,
        observations: Vec::new(),
    })
}

fn observation_of(row: &Row<'_>) -> RowResult<Observation> {
    let result: String = column(row, "result")?;
    let result: TrialResult = serde_json::from_str(&result).map_err(|error| error.to_string())?;
    Ok(Observation {
        key: hash(row, "key")?,
        eco: column(row, "eco")?,
        content: hash(row, "content")?,
        context: Context {
            domination: class(row, "domination", Domination::from_name)?,
            size: class(row, "size", SizeClass::from_name)?,
            depth: class(row, "depth", ViolationDepth::from_name)?,
        },
        result,
    })
}
