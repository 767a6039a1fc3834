//! What can go wrong with a store of results.

use std::io;
use std::path::{Path, PathBuf};

use noodle2_store::StoreError;

/// A failure of the store. No run fails for it: what cannot be read is not known, what cannot be written is not kept.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// The system refused an operation on a file.
    #[error("cannot {operation} `{}`: {cause}", path.display())]
    Io {
        /// What was tried, as in `list`.
        operation: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system answered.
        cause: io::Error,
    },
    /// A file could not be written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An entry or a file in the store does not hold what was written.
    #[error("`{}` is damaged: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// How that was seen.
        reason: String,
    },
    /// An attempt's file is not the one that its result tells of.
    #[error("`{}` is not the file that the result tells of", path.display())]
    OtherFile {
        /// The file.
        path: PathBuf,
    },
}

impl CacheError {
    pub(crate) fn io(operation: &'static str, path: &Path, cause: io::Error) -> Self {
        Self::Io {
            operation,
            path: path.to_owned(),
            cause,
        }
    }

    /// The stable code of this kind of failure.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Io { .. } => "N2-CACHE-001",
            Self::Store(_) => "N2-CACHE-002",
            Self::Damaged { .. } => "N2-CACHE-003",
            Self::OtherFile { .. } => "N2-CACHE-004",
        }
    }

    /// What to do next, in a sentence.
    pub const fn help(&self) -> &'static str {
        match self {
            Self::Io { .. } | Self::Store(_) => {
                "check that the folder may be read and written to and has room, or name another with --cache"
            }
            Self::Damaged { .. } => {
                "nothing need be done: it was not believed and is made anew; look after the disk if it comes again"
            }
            Self::OtherFile { .. } => {
                "nothing is kept of this attempt; look who changes files of a run"
            }
        }
    }
}
