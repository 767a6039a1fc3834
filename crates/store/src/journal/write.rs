//! Writing a journal: groups of records made durable together, and taking up a journal that was left.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use noodle2_model::{ContentHash, Event};

use super::GENESIS;
use super::guard::{self, Guard, Mending};
use super::read::{TornTail, fold_journal};
use super::record::{self, Record};
use crate::StoreError;
use crate::files::{IoContext, folder_of, sync_folder, write_atomic};

/// How many bytes are encoded before they are written: what a stage of many trials proposes is one group.
const PORTION: usize = 1 << 20;

/// Appends records to a journal. Whoever has one must hold the run's lock.
#[derive(Debug)]
pub struct JournalWriter {
    file: File,
    path: PathBuf,
    next_seq: u64,
    first: Option<ContentHash>,
    head: ContentHash,
    pub(super) guard: Guard,
    mended: Vec<Mending>,
    poisoned: bool,
}

impl JournalWriter {
    /// Makes an empty journal, durably.
    ///
    /// # Errors
    /// [`StoreError::Io`] or [`StoreError::DiskFull`]; also when something exists at `path`: a
    /// journal is never written over.
    pub fn create(path: &Path) -> Result<Self, StoreError> {
        let file = OpenOptions::new()
            .read(true)
            .append(true)
            .create_new(true)
            .open(path)
            .context("create", path)?;
        file.sync_all().context("sync", path)?;
        sync_folder(folder_of(path))?;
        Ok(Self {
            file,
            path: path.to_owned(),
            next_seq: 1,
            first: None,
            head: GENESIS,
            guard: Guard::empty(),
            mended: Vec::new(),
            poisoned: false,
        })
    }

    /// Writes all `events`, in order, and syncs them once. When this returns, they are
    /// durable and may be acted on. Times are kept to the microsecond.
    ///
    /// # Errors
    /// [`StoreError::UnfaithfulEvent`] when an event cannot be recorded as it is: nothing was written
    /// and the writer stays usable. [`StoreError::DiskFull`] or [`StoreError::Io`] when the write or
    /// sync failed: none of the events counts as recorded, the file was cut back to its last synced
    /// record where the system let us, and every later call is refused with
    /// [`StoreError::JournalPoisoned`]. [`StoreError::JournalShortened`] and [`StoreError::JournalContested`] when
    /// something else writes to the journal and it cannot be set right.
    pub fn append(&mut self, events: &[(Timestamp, Event)]) -> Result<(), StoreError> {
        if events.is_empty() && !self.poisoned {
            return Ok(());
        }
        self.set_right()?;
        let synced = self.guard.length();
        let mut lines = Vec::new();
        let mut first = self.first;
        let mut head = self.head;
        let mut seq = self.next_seq;
        for (at, event) in events {
            let encoded = record::encode(&mut lines, seq, *at, head, event);
            head = match encoded {
                Ok(hash) => hash,
                Err(reason) => {
                    self.take_back(synced)?;
                    return Err(StoreError::UnfaithfulEvent {
                        path: self.path.clone(),
                        seq,
                        reason,
                    });
                }
            };
            first = first.or(Some(head));
            seq += 1;
            if lines.len() >= PORTION {
                self.write(&lines, synced)?;
                lines.clear();
            }
        }
        self.write(&lines, synced)?;
        if let Err(error) = self.file.sync_data().context("sync", &self.path) {
            return Err(self.poison(error, synced));
        }
        self.first = first;
        self.head = head;
        self.next_seq = seq;
        match self.guard.settle(&mut self.file, &self.path) {
            Ok(mended) => self.mended.extend(mended),
            Err(error) => {
                self.poisoned = true;
                return Err(error);
            }
        }
        Ok(())
    }

    /// Writes lines that are not synced yet.
    fn write(&mut self, lines: &[u8], synced: u64) -> Result<(), StoreError> {
        match self.file.write_all(lines).context("append to", &self.path) {
            Ok(()) => {
                self.guard.extend(lines);
                Ok(())
            }
            Err(error) => Err(self.poison(error, synced)),
        }
    }

    /// After a failed write or sync nobody knows which bytes reached the disk, and a second sync may claim success: so
    /// nothing is written through this handle any more.
    fn poison(&mut self, error: StoreError, synced: u64) -> StoreError {
        self.poisoned = true;
        // Where this fails too, the bytes are a torn tail for the next reader, or records that were never acted on.
        let _ = self.cut_back(synced);
        error
    }

    /// Removes lines that were written and not synced.
    fn take_back(&mut self, synced: u64) -> Result<(), StoreError> {
        if self.guard.length() == synced {
            return Ok(());
        }
        self.guard.forget_from(synced);
        let cut = self.cut_back(synced);
        self.poisoned |= cut.is_err();
        cut
    }

    /// Looks whether something else wrote to the journal, sets it right, and returns what was set right since the
    /// last call, here and before records were written. The caller should tell of it and record it.
    ///
    /// # Errors
    /// As [`JournalWriter::append`], where it cannot be set right.
    pub fn mend(&mut self) -> Result<Vec<Mending>, StoreError> {
        self.set_right()?;
        Ok(std::mem::take(&mut self.mended))
    }

    fn set_right(&mut self) -> Result<(), StoreError> {
        if self.poisoned {
            return Err(StoreError::JournalPoisoned {
                path: self.path.clone(),
            });
        }
        match self.guard.mend(&mut self.file, &self.path) {
            Ok(mended) => self.mended.extend(mended),
            Err(error) => {
                self.poisoned = true;
                return Err(error);
            }
        }
        Ok(())
    }

    fn cut_back(&self, synced: u64) -> Result<(), StoreError> {
        self.file
            .set_len(synced)
            .and_then(|()| self.file.sync_data())
            .context("cut", &self.path)
    }

    /// The hash of the first record, which no other run has: it holds the run's identity and the time of
    /// its creation. [`None`] before that record is durable.
    pub fn run_id(&self) -> Option<ContentHash> {
        self.first
    }
}

/// A journal that was taken up again.
#[derive(Debug)]
pub struct ReopenedJournal {
    /// Appends after the last good record.
    pub writer: JournalWriter,
    /// Every record so far, all durable.
    pub records: Vec<Record>,
    /// The torn tail that was cut, which the caller should tell of.
    pub cut: Option<CutTail>,
}

/// A torn tail that was cut from a journal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CutTail {
    /// The byte at which the journal was cut.
    pub offset: u64,
    /// How many bytes were cut.
    pub length: u64,
    /// The file that keeps them: `journal.torn-<offset>` beside the journal, with a further number
    /// where several different tails were cut at one place.
    pub saved_to: PathBuf,
}

/// A journal that was taken up again, its records given away.
#[derive(Debug)]
pub struct OpenedJournal {
    /// Appends after the last good record.
    pub writer: JournalWriter,
    /// How many records it holds, all durable.
    pub records: u64,
    /// The torn tail that was cut, which the caller should tell of.
    pub cut: Option<CutTail>,
}

/// Takes up the journal at `path`: reads and checks it, cuts a torn tail after saving it, and makes
/// sure that all it returns is durable. Whoever calls this must hold the run's lock.
///
/// # Errors
/// As [`read_journal`], and [`StoreError::Io`] or [`StoreError::DiskFull`] when the tail cannot be
/// saved or cut; the journal then still has its tail.
pub fn open_for_append(path: &Path) -> Result<ReopenedJournal, StoreError> {
    let mut records = Vec::new();
    let opened = open_and_fold(path, |record| records.push(record))?;
    Ok(ReopenedJournal {
        writer: opened.writer,
        records,
        cut: opened.cut,
    })
}

/// As [`open_for_append`], and gives each record to `take` in order, so that memory does not grow with the journal. They
/// may be acted on once this has returned.
///
/// # Errors
/// As [`open_for_append`].
pub fn open_and_fold(path: &Path, take: impl FnMut(Record)) -> Result<OpenedJournal, StoreError> {
    let end = fold_journal(path, take)?;
    let mut file = guard::open(path)?;
    let cut = match &end.torn_tail {
        None => None,
        Some(tail) => {
            let saved_to = save_tail(path, tail)?;
            file.set_len(tail.offset).context("cut", path)?;
            Some(CutTail {
                offset: tail.offset,
                length: tail.bytes.len() as u64,
                saved_to,
            })
        }
    };
    // The former writer may have died between its write and its sync: what was read may be in memory
    // only, and must not be acted on before it is on disk.
    file.sync_all().context("sync", path)?;
    let guard = Guard::of(&mut file, path)?;
    Ok(OpenedJournal {
        writer: JournalWriter {
            file,
            path: path.to_owned(),
            next_seq: end.records + 1,
            first: end.first,
            head: end.head,
            guard,
            mended: Vec::new(),
            poisoned: false,
        },
        records: end.records,
        cut,
    })
}

/// Saves the bytes of a tail beside the journal and returns where. A tail that was saved already (by
/// a process that died before it could cut) is not saved twice.
fn save_tail(journal: &Path, tail: &TornTail) -> Result<PathBuf, StoreError> {
    let stem = journal.file_stem().unwrap_or_default().to_string_lossy();
    let folder = folder_of(journal);
    for number in 1u64.. {
        let mut name = format!("{stem}.torn-{}", tail.offset);
        if number > 1 {
            name = format!("{name}.{number}");
        }
        let path = folder.join(name);
        match fs::read(&path) {
            Ok(saved) if saved == tail.bytes => return Ok(path),
            Ok(_) => {}
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => {
                write_atomic(&path, &tail.bytes)?;
                return Ok(path);
            }
            Err(cause) => return Err(StoreError::io("read", &path, cause)),
        }
    }
    unreachable!("a folder holds fewer than 2^64 files")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read_journal;

    /// The system's device that is always full stands in for a full disk.
    #[test]
    fn a_full_disk_is_told_apart_and_poisons_the_writer() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.ndjson");
        std::os::unix::fs::symlink("/dev/full", &path).unwrap();
        let mut writer = JournalWriter {
            file: OpenOptions::new().append(true).open(&path).unwrap(),
            path: path.clone(),
            next_seq: 1,
            first: None,
            head: GENESIS,
            guard: Guard::empty(),
            mended: Vec::new(),
            poisoned: false,
        };
        let event = [(Timestamp::UNIX_EPOCH, Event::RunResumed)];
        let error = writer.append(&event).unwrap_err();
        assert!(error.is_disk_full(), "{error}");
        assert!(error.to_string().contains("journal.ndjson"));
        let again = writer.append(&event).unwrap_err();
        assert_eq!(again.code(), "N2-STORE-008");
        assert_eq!((writer.next_seq, writer.run_id()), (1, None));
    }

    #[test]
    fn an_existing_journal_is_never_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.ndjson");
        let mut writer = JournalWriter::create(&path).unwrap();
        writer
            .append(&[(Timestamp::UNIX_EPOCH, Event::RunResumed)])
            .unwrap();
        assert!(JournalWriter::create(&path).is_err());
        assert_eq!(read_journal(&path).unwrap().records.len(), 1);
    }
}
