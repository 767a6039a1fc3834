//! What can go wrong with a run folder, each with its path, a stable code and what to do next.

use std::io;
use std::path::{Path, PathBuf};

use noodle2_model::ContentHash;

use crate::LockHolder;

/// A failure of the store. The message names the path and the cause; [`StoreError::code`] is stable.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The system refused an operation on a file.
    #[error("cannot {operation} `{}`: {cause}", path.display())]
    Io {
        /// What was tried, as in `write`.
        operation: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system answered.
        cause: io::Error,
    },
    /// No space, or no quota, is left where the file lies.
    #[error("no space left to {operation} `{}`: {cause}", path.display())]
    DiskFull {
        /// What was tried.
        operation: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system answered.
        cause: io::Error,
    },
    /// Another process writes to the run.
    #[error("the run is being written to by {}", holder_in_words(holder.as_ref()))]
    Locked {
        /// The lock file.
        path: PathBuf,
        /// Who holds it, where the holder could be read.
        holder: Option<LockHolder>,
    },
    /// A new run or attempt was to be made in a folder that holds something else.
    #[error("the folder `{}` is not empty: it holds `{found}`", path.display())]
    NotEmpty {
        /// The folder.
        path: PathBuf,
        /// One of the things in it.
        found: String,
    },
    /// No run can be made there.
    #[error("no run can be made at `{}`: {cause}", path.display())]
    Unusable {
        /// The folder.
        path: PathBuf,
        /// What the system answered.
        cause: io::Error,
    },
    /// A run was to begin there, but its controller was gone before the first record.
    #[error("the run in `{}` has not begun: it has no record", path.display())]
    NeverBegan {
        /// The folder.
        path: PathBuf,
    },
    /// The path does not lead to a run.
    #[error("`{}` is not a run folder: {reason}", path.display())]
    NotARunFolder {
        /// The path.
        path: PathBuf,
        /// What is missing.
        reason: &'static str,
    },
    /// The journal is broken before its end.
    #[error("the journal `{}` is damaged at line {line}, byte {offset}: {damage}", path.display())]
    JournalDamaged {
        /// The journal.
        path: PathBuf,
        /// The number of the broken line, from 1.
        line: u64,
        /// The byte at which the broken line begins, from 0.
        offset: u64,
        /// What is wrong with it.
        damage: Damage,
    },
    /// The journal failed to take an earlier record, so that nothing may follow.
    #[error("the journal `{}` takes no more records after a failed write", path.display())]
    JournalPoisoned {
        /// The journal.
        path: PathBuf,
    },
    /// The journal was cut further back than its writer remembers.
    #[error(
        "the journal `{}` was cut by something else: {lost} bytes are lost beyond the last {remembered}, which \
         are still known",
        path.display()
    )]
    JournalShortened {
        /// The journal.
        path: PathBuf,
        /// How many bytes are lost for good.
        lost: u64,
        /// How many are known.
        remembered: u64,
    },
    /// Something else keeps writing to the journal.
    #[error("something else keeps writing to the journal `{}`", path.display())]
    JournalContested {
        /// The journal.
        path: PathBuf,
    },
    /// The event would not be the same when read back, so it was not written.
    #[error("record {seq} of the journal `{}` cannot be written faithfully: {reason}", path.display())]
    UnfaithfulEvent {
        /// The journal.
        path: PathBuf,
        /// The sequence number that the record would have had.
        seq: u64,
        /// What would be lost.
        reason: String,
    },
    /// A file of the run does not hold what it should.
    #[error("`{}` is not a valid {expected}: {reason}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What it should hold.
        expected: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// A folder of artifacts holds something that no index can list.
    #[error("`{}` cannot be listed as an artifact: {reason}", path.display())]
    UnindexableFile {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: &'static str,
    },
}

fn holder_in_words(holder: Option<&LockHolder>) -> String {
    holder.map_or_else(|| "another process".to_owned(), LockHolder::to_string)
}

impl StoreError {
    /// Wraps what the system answered, telling a full disk from everything else.
    pub(crate) fn io(operation: &'static str, path: &Path, cause: io::Error) -> Self {
        let path = path.to_owned();
        match cause.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull {
                operation,
                path,
                cause,
            },
            _ => Self::Io {
                operation,
                path,
                cause,
            },
        }
    }

    /// The stable code of the failure.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Io { .. } => "N2-STORE-001",
            Self::DiskFull { .. } => "N2-STORE-002",
            Self::Locked { .. } => "N2-STORE-003",
            Self::NotEmpty { .. } => "N2-STORE-004",
            Self::NotARunFolder { .. } => "N2-STORE-005",
            Self::JournalDamaged {
                damage: Damage::UnknownEvent { .. },
                ..
            } => "N2-STORE-007",
            Self::JournalDamaged { .. } => "N2-STORE-006",
            Self::JournalPoisoned { .. } => "N2-STORE-008",
            Self::UnfaithfulEvent { .. } => "N2-STORE-009",
            Self::Malformed { .. } => "N2-STORE-010",
            Self::UnindexableFile { .. } => "N2-STORE-011",
            Self::Unusable { .. } => "N2-STORE-012",
            Self::NeverBegan { .. } => "N2-STORE-013",
            Self::JournalShortened { .. } => "N2-STORE-014",
            Self::JournalContested { .. } => "N2-STORE-015",
        }
    }

    /// What to do next, in a sentence.
    pub const fn help(&self) -> &'static str {
        match self {
            Self::Io { .. } => "check that the path exists and may be written to, then try again",
            Self::DiskFull { .. } => {
                "free some space there, then resume the run: nothing that was recorded is lost"
            }
            Self::Locked { .. } => {
                "wait for that process or end it; the lock goes with it and never needs removing"
            }
            Self::Unusable { .. } => {
                "name a folder that exists and may be written to, or one that can be made"
            }
            Self::NeverBegan { .. } => {
                "nothing is lost: begin it with `noodle2 run STUDY --out` and this folder"
            }
            Self::NotEmpty { .. } => "name a folder that is empty or does not exist yet",
            Self::NotARunFolder { .. } => "name the folder that `noodle2 run --out` wrote",
            Self::JournalDamaged {
                damage: Damage::UnknownEvent { .. },
                ..
            } => "read the run with the version of Noodle 2 that wrote it, or a newer one",
            Self::JournalDamaged { .. } => {
                "restore the journal from a copy; records before the damage are intact"
            }
            Self::JournalPoisoned { .. } => "mend what made the write fail, then resume the run",
            Self::JournalShortened { .. } => {
                "restore the journal from a copy, find what wrote to it (an ECO's script?), then resume the run"
            }
            Self::JournalContested { .. } => {
                "find what writes to it (an ECO's script?) and end it, then resume the run"
            }
            Self::UnfaithfulEvent { .. } | Self::UnindexableFile { .. } => {
                "this is an error in what produced it: report it with this message"
            }
            Self::Malformed { .. } => "restore the file from a copy, or run the study again",
        }
    }

    /// Whether the failure is a lack of space, which another attempt may not meet.
    pub const fn is_disk_full(&self) -> bool {
        matches!(self, Self::DiskFull { .. })
    }
}

/// What is wrong with a line of a journal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// The line is not laid out as a record.
    #[error("the line is not a record: {reason}")]
    NotARecord {
        /// What it lacks.
        reason: &'static str,
    },
    /// The bytes of the record are not those that were hashed.
    #[error("the checksum is {stated}, but the bytes of the record have {computed}")]
    Checksum {
        /// The hash that the line states.
        stated: String,
        /// The hash of its bytes.
        computed: ContentHash,
    },
    /// Records are missing or stand twice.
    #[error("the sequence number is {found} where {expected} must follow")]
    SequenceGap {
        /// The number that must follow.
        expected: u64,
        /// The number that was found.
        found: u64,
    },
    /// The record was not written after the one before it.
    #[error("the chain is broken: the record follows {found}, but the one before it is {expected}")]
    ChainBreak {
        /// The hash of the record before.
        expected: ContentHash,
        /// The hash that this record states for it.
        found: ContentHash,
    },
    /// The event is not JSON although its checksum is right.
    #[error("the event is not JSON: {reason}")]
    NotJson {
        /// What the parser said.
        reason: String,
    },
    /// The event is none that this version knows.
    #[error("the event is unknown to this version: {reason}")]
    UnknownEvent {
        /// What the parser said.
        reason: String,
    },
}
