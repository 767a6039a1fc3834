//! What can go wrong with the store, each with its path, a stable code and what to do next.

use std::io;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

/// A failure of the store of priors. Whatever it is, nothing that the store holds is changed by it.
#[derive(Debug, thiserror::Error)]
pub enum PriorStoreError {
    /// The file holds no sound database.
    #[error("the store of priors `{}` is damaged: {cause}", path.display())]
    Damaged {
        /// The store.
        path: PathBuf,
        /// What is wrong, as SQLite or the reader of its rows puts it.
        cause: String,
    },
    /// A sound database that something else made.
    #[error("`{}` is a database, but no store of priors", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// A store that a later version of Noodle 2 made.
    #[error("the store of priors `{}` has version {version}, and this noodle2 knows {known} at most", path.display())]
    TooNew {
        /// The store.
        path: PathBuf,
        /// Its version.
        version: i64,
        /// The version that is known here.
        known: i64,
    },
    /// Another process writes to it, and did not end in time.
    #[error("the store of priors `{}` is being written to by another process", path.display())]
    Busy {
        /// The store.
        path: PathBuf,
    },
    /// It, or the folder in which it lies, cannot be written.
    #[error("the store of priors `{}` cannot be written: {cause}", path.display())]
    Unwritable {
        /// The store.
        path: PathBuf,
        /// What the system answered.
        cause: String,
    },
    /// No space is left where it lies.
    #[error("no space is left for the store of priors `{}`", path.display())]
    Full {
        /// The store.
        path: PathBuf,
    },
    /// Anything else.
    #[error("the store of priors `{}` cannot be used: {cause}", path.display())]
    Unusable {
        /// The store.
        path: PathBuf,
        /// What SQLite or the system answered.
        cause: String,
    },
}

impl PriorStoreError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Damaged { .. } => "N2-PRIORS-001",
            Self::Foreign { .. } => "N2-PRIORS-002",
            Self::TooNew { .. } => "N2-PRIORS-003",
            Self::Busy { .. } => "N2-PRIORS-004",
            Self::Unwritable { .. } => "N2-PRIORS-005",
            Self::Full { .. } => "N2-PRIORS-006",
            Self::Unusable { .. } => "N2-PRIORS-007",
        }
    }

    /// What to do about it.
    pub fn help(&self) -> &'static str {
        match self {
            Self::Damaged { .. } => {
                "move the file away and bring back an export with `noodle2 priors import FILE`, or record run \
                 folders anew with `noodle2 priors record RUN`"
            }
            Self::Foreign { .. } => "name another file with --priors or NOODLE2_PRIORS",
            Self::TooNew { .. } => {
                "use the later noodle2, or another file (--priors, NOODLE2_PRIORS)"
            }
            Self::Busy { .. } => "try again when the other process has ended",
            Self::Unwritable { .. } => {
                "make the file and its folder writable, or name another file with --priors or NOODLE2_PRIORS"
            }
            Self::Full { .. } => "make room, then try again",
            Self::Unusable { .. } => "name another file with --priors or NOODLE2_PRIORS",
        }
    }

    pub(crate) fn damaged(path: &Path, cause: impl ToString) -> Self {
        let (path, cause) = (path.to_owned(), cause.to_string());
        Self::Damaged { path, cause }
    }

    pub(crate) fn of_io(path: &Path, error: &io::Error) -> Self {
        let (path, cause) = (path.to_owned(), error.to_string());
        match error.kind() {
            io::ErrorKind::PermissionDenied
            | io::ErrorKind::ReadOnlyFilesystem
            | io::ErrorKind::NotADirectory
            | io::ErrorKind::AlreadyExists => Self::Unwritable { path, cause },
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full { path },
            _ => Self::Unusable { path, cause },
        }
    }

    pub(crate) fn of_sqlite(path: &Path, error: &rusqlite::Error) -> Self {
        let (path, cause) = (path.to_owned(), error.to_string());
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
                Self::Damaged { path, cause }
            }
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy { path },
            Some(
                ErrorCode::ReadOnly
                | ErrorCode::PermissionDenied
                | ErrorCode::CannotOpen
                | ErrorCode::AuthorizationForStatementDenied,
            ) => Self::Unwritable { path, cause },
            Some(ErrorCode::DiskFull) => Self::Full { path },
            _ => Self::Unusable { path, cause },
        }
    }
}
