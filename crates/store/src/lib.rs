//! The run folder: the journal, the artifacts of every attempt, and the lock that keeps writers apart.
//!
//! Owns every path and file format inside a run folder, and the rules by which a file becomes
//! durable: the journal is synced before [`JournalWriter::append`] returns, every other file appears
//! whole or not at all ([`write_atomic`]), and what follows from the journal and can be written again is made durable
//! at the end, all at once ([`write_whole`], [`sync_all`]).
//!
//! Never decides anything about a study, never looks into an event beyond the hash of the study file and the
//! names of the attempts whose artifacts it checks, and never reads a clock: times come from the caller.

mod artifacts;
mod collect;
mod error;
mod files;
mod folder;
mod journal;
mod lock;
mod provenance;
mod requests;
mod tags;
mod verify;

pub use artifacts::{Artifact, ArtifactIndex, ArtifactProblem, content_type};
pub use collect::{CollectedFile, Collection};
pub use error::{Damage, StoreError};
pub use files::{
    append_line, copy_file, create_folder, hash_file, is_temporary, make_folder, sync_all,
    write_atomic, write_whole,
};
pub use folder::{RunFolder, WritableRun};
pub use journal::{
    CutTail, Followed, JournalContent, JournalEnd, JournalFollower, JournalWriter, Mending,
    OpenedJournal, Record, ReopenedJournal, TornTail, fold_journal, fold_records, open_and_fold,
    open_for_append, read_journal,
};
pub use lock::{LockHolder, RunLock};
pub use provenance::{CommandRecord, Host, Provenance};
pub use requests::{ApprovalRequest, RequestAnswer, RequestId, RequestSpool, WaitingRequest};
pub use tags::Tag;
pub use verify::{
    DerivedFile, StorageCheck, StorageProblem, check_derived, unrecorded, verify_run_storage,
};
