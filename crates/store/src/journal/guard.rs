//! Watching over a journal's file: what else writes to it is moved aside, what it lost is written again.
//!
//! The tools that a run starts work under the same user as its controller, so a script that goes astray can
//! write into the journal, empty it, or replace it. That cannot be prevented; it can be seen before the next
//! record is written, and undone as far back as the bytes are remembered.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::StoreError;
use crate::files::{IoContext, folder_of, write_atomic};

/// How many bytes of a journal are remembered at least, once it has that many.
const REMEMBERED: usize = 32 << 20;
/// How often the file is looked at again before it is given up: something keeps writing to it.
const MAX_ROUNDS: usize = 16;

/// What was set right in a journal that something else had written to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mending {
    /// The byte from which on the journal was not as written.
    pub offset: u64,
    /// How many bytes stood there that no controller had written.
    pub foreign: u64,
    /// How many bytes were written again.
    pub restored: u64,
    /// The file that keeps the foreign bytes: `journal.foreign-<offset>` beside the journal, with a further
    /// number where several were moved away at one place. Absent where there were none.
    pub kept_in: Option<PathBuf>,
}

/// How a file's name begins that keeps foreign bytes of the journal.
pub(crate) const FOREIGN_PREFIX: &str = "journal.foreign-";

/// What a journal's file must hold.
#[derive(Debug)]
pub(super) struct Guard {
    /// The last bytes that were written, as far as they are remembered.
    tail: Vec<u8>,
    /// All bytes that were written.
    length: u64,
    /// The file as it was when it was last known to be right.
    stamp: Option<Stamp>,
    limit: usize,
}

/// What changes when a file is written to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Stamp {
    length: u64,
    changed: (i64, i64),
}

impl Stamp {
    fn of(metadata: &fs::Metadata) -> Self {
        Self {
            length: metadata.len(),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

impl Guard {
    /// The guard of a journal that holds nothing.
    pub(super) fn empty() -> Self {
        Self {
            tail: Vec::new(),
            length: 0,
            stamp: None,
            limit: REMEMBERED,
        }
    }

    /// The guard of a journal that holds what `file` holds now, which was found to be right.
    pub(super) fn of(file: &mut File, path: &Path) -> Result<Self, StoreError> {
        let mut guard = Self::empty();
        let length = file.metadata().context("read the metadata of", path)?.len();
        let start = length.saturating_sub(guard.limit as u64);
        file.seek(SeekFrom::Start(start))
            .and_then(|_| file.take(length - start).read_to_end(&mut guard.tail))
            .context("read", path)?;
        guard.length = start + guard.tail.len() as u64;
        Ok(guard)
    }

    /// All bytes that were written and synced.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// Takes note of `bytes` that were just written behind all others.
    pub(super) fn extend(&mut self, bytes: &[u8]) {
        self.tail.extend_from_slice(bytes);
        self.length += bytes.len() as u64;
        if self.tail.len() > self.limit + self.limit / 4 {
            self.tail.drain(..self.tail.len() - self.limit);
        }
    }

    /// The byte at which the remembered ones begin.
    fn start(&self) -> u64 {
        self.length - self.tail.len() as u64
    }

    /// Looks whether the file is as it was written, and makes it so. Returns what was set right, if anything;
    /// what is returned is durable.
    pub(super) fn mend(
        &mut self,
        file: &mut File,
        path: &Path,
    ) -> Result<Vec<Mending>, StoreError> {
        let mut mendings = Vec::new();
        for _ in 0..MAX_ROUNDS {
            if let Some(mending) = self.put_back(file, path)? {
                mendings.push(mending);
                continue;
            }
            let metadata = file.metadata().context("read the metadata of", path)?;
            let stamp = Stamp::of(&metadata);
            // A device takes what is written and shows nothing of it.
            if !metadata.is_file() || self.stamp == Some(stamp) && stamp.length == self.length {
                return Ok(mendings);
            }
            match self.mend_content(file, path)? {
                Some(mending) => mendings.push(mending),
                None => {
                    self.stamp = Some(stamp);
                    return Ok(mendings);
                }
            }
        }
        Err(StoreError::JournalContested {
            path: path.to_owned(),
        })
    }

    /// Forgets what was written from this byte on.
    pub(super) fn forget_from(&mut self, offset: u64) {
        let gone = self.length.saturating_sub(offset);
        let left = (self.tail.len() as u64).saturating_sub(gone);
        self.tail.truncate(left as usize);
        self.length -= gone;
        self.stamp = None;
    }

    /// Makes sure that what was written to `file` stands behind all that stood there before.
    pub(super) fn settle(
        &mut self,
        file: &mut File,
        path: &Path,
    ) -> Result<Vec<Mending>, StoreError> {
        let metadata = file.metadata().context("read the metadata of", path)?;
        // Only a length that is not ours asks for a look at the content: that costs more than the write.
        self.stamp = Some(Stamp::of(&metadata)).filter(|stamp| stamp.length == self.length);
        self.mend(file, path)
    }

    /// Where another file, or none, stands at the journal's place, puts the journal back.
    fn put_back(&mut self, file: &mut File, path: &Path) -> Result<Option<Mending>, StoreError> {
        let own = file.metadata().context("read the metadata of", path)?;
        let found = match fs::metadata(path) {
            Ok(found) if (found.dev(), found.ino()) == (own.dev(), own.ino()) => return Ok(None),
            Ok(found) => Some(found),
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => None,
            Err(cause) => return Err(StoreError::io("read the metadata of", path, cause)),
        };
        let kept_in = match &found {
            None => None,
            Some(_) => {
                let place = free_place(path, 0)?;
                fs::rename(path, &place).context("move aside", path)?;
                Some(place)
            }
        };
        // Ours has no name any more, but its bytes are there as long as it is open.
        let mut content = Vec::new();
        file.seek(SeekFrom::Start(0))
            .and_then(|_| file.read_to_end(&mut content))
            .context("read", path)?;
        write_atomic(path, &content)?;
        *file = open(path)?;
        self.stamp = None;
        Ok(Some(Mending {
            offset: 0,
            foreign: found.map_or(0, |found| found.len()),
            restored: content.len() as u64,
            kept_in,
        }))
    }

    /// Compares the remembered bytes with those of the file, moves away what is foreign from the first
    /// difference on, and writes again what is lost.
    fn mend_content(
        &mut self,
        file: &mut File,
        path: &Path,
    ) -> Result<Option<Mending>, StoreError> {
        let start = self.start();
        let length = file.metadata().context("read the metadata of", path)?.len();
        if length < start {
            return Err(StoreError::JournalShortened {
                path: path.to_owned(),
                lost: start - length,
                remembered: self.tail.len() as u64,
            });
        }
        let mut found = Vec::new();
        file.seek(SeekFrom::Start(start))
            .and_then(|_| file.read_to_end(&mut found))
            .context("read", path)?;
        let same = found
            .iter()
            .zip(&self.tail)
            .take_while(|(left, right)| left == right)
            .count();
        let (foreign, lost) = (&found[same..], &self.tail[same..]);
        if foreign.is_empty() && lost.is_empty() {
            return Ok(None);
        }
        let offset = start + same as u64;
        let kept_in = match foreign {
            [] => None,
            foreign => {
                let place = free_place(path, offset)?;
                write_atomic(&place, foreign)?;
                Some(place)
            }
        };
        file.set_len(offset).context("cut", path)?;
        // Opened for appending, so this lands where the file was cut, or behind what came in between: then
        // the next round finds it.
        file.write_all(lost)
            .and_then(|()| file.sync_all())
            .context("restore", path)?;
        Ok(Some(Mending {
            offset,
            foreign: foreign.len() as u64,
            restored: lost.len() as u64,
            kept_in,
        }))
    }
}

/// Opens a journal so that it can be appended to and looked at.
pub(super) fn open(path: &Path) -> Result<File, StoreError> {
    fs::OpenOptions::new()
        .read(true)
        .append(true)
        .open(path)
        .context("open", path)
}

/// A name beside the journal that is not taken.
fn free_place(journal: &Path, offset: u64) -> Result<PathBuf, StoreError> {
    for number in 1u64.. {
        let mut name = format!("{FOREIGN_PREFIX}{offset}");
        if number > 1 {
            name = format!("{name}.{number}");
        }
        let path = folder_of(journal).join(name);
        match fs::symlink_metadata(&path) {
            Ok(_) => {}
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(path),
            Err(cause) => return Err(StoreError::io("read the metadata of", &path, cause)),
        }
    }
    unreachable!("a folder holds fewer than 2^64 files")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::FileExt;

    use jiff::Timestamp;
    use noodle2_model::Event;

    use super::*;
    use crate::journal::{JournalWriter, open_for_append, read_journal};

    struct Scratch {
        _folder: tempfile::TempDir,
        path: PathBuf,
    }

    /// A journal with two records.
    fn journal() -> (Scratch, JournalWriter) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.ndjson");
        let mut writer = JournalWriter::create(&path).unwrap();
        add(&mut writer);
        add(&mut writer);
        let _folder = folder;
        (Scratch { _folder, path }, writer)
    }

    fn add(writer: &mut JournalWriter) {
        let event = [(Timestamp::UNIX_EPOCH, Event::RunResumed)];
        writer.append(&event).unwrap();
    }

    /// What another process does to the file.
    fn foreign(path: &Path) -> File {
        fs::OpenOptions::new().write(true).open(path).unwrap()
    }

    fn kept(mending: &Mending) -> Vec<u8> {
        fs::read(mending.kept_in.as_ref().unwrap()).unwrap()
    }

    /// Two more records go to the end of an unharmed journal, and what was set right is told once.
    fn goes_on(scratch: &Scratch, writer: &mut JournalWriter) -> Vec<Mending> {
        add(writer);
        let mended = writer.mend().unwrap();
        add(writer);
        assert_eq!(writer.mend().unwrap(), []);
        let content = read_journal(&scratch.path).unwrap();
        assert_eq!((content.records.len(), content.torn_tail), (4, None));
        mended
    }

    #[test]
    fn nothing_is_told_of_a_journal_that_nobody_else_touched() {
        let (scratch, mut writer) = journal();
        // Looked at, touched, copied: not written to.
        fs::copy(&scratch.path, scratch.path.with_extension("copy")).unwrap();
        let mode = fs::metadata(&scratch.path).unwrap().permissions();
        fs::set_permissions(&scratch.path, mode).unwrap();
        assert_eq!(goes_on(&scratch, &mut writer), []);
    }

    #[test]
    fn foreign_bytes_at_the_end_are_moved_aside() {
        let (scratch, mut writer) = journal();
        let whole = fs::metadata(&scratch.path).unwrap().len();
        foreign(&scratch.path)
            .write_all_at(b"puts hello\n", whole)
            .unwrap();
        let mended = goes_on(&scratch, &mut writer);
        assert_eq!(mended.len(), 1);
        assert_eq!(
            (mended[0].offset, mended[0].foreign, mended[0].restored),
            (whole, 11, 0)
        );
        assert_eq!(kept(&mended[0]), b"puts hello\n");
    }

    #[test]
    fn a_forged_record_is_foreign_however_well_it_is_made() {
        let (scratch, mut writer) = journal();
        let mut forger = open_for_append(&scratch.path).unwrap().writer;
        add(&mut forger);
        let mended = goes_on(&scratch, &mut writer);
        assert!(kept(&mended[0]).starts_with(b"{\"seq\":3,"));
    }

    #[test]
    fn a_journal_that_was_cut_or_emptied_is_restored() {
        for left in [0, 10] {
            let (scratch, mut writer) = journal();
            let whole = fs::read(&scratch.path).unwrap();
            foreign(&scratch.path).set_len(left).unwrap();
            let mended = goes_on(&scratch, &mut writer);
            let restored = whole.len() as u64 - left;
            assert_eq!((mended[0].offset, mended[0].restored), (left, restored));
            assert_eq!(mended[0].kept_in, None);
            assert!(fs::read(&scratch.path).unwrap().starts_with(&whole));
        }
    }

    #[test]
    fn a_journal_that_was_written_over_is_restored_and_the_rest_kept() {
        let (scratch, mut writer) = journal();
        foreign(&scratch.path).write_all_at(b"####", 20).unwrap();
        let mended = goes_on(&scratch, &mut writer);
        assert_eq!(mended[0].offset, 20);
        assert!(kept(&mended[0]).starts_with(b"####"));
        // Opened anew for writing, as `open journal.ndjson w` does in Tcl, and longer than before.
        fs::write(&scratch.path, vec![b'x'; 5000]).unwrap();
        add(&mut writer);
        let mended = writer.mend().unwrap();
        assert_eq!((mended[0].offset, mended[0].foreign), (0, 5000));
        assert_eq!(read_journal(&scratch.path).unwrap().records.len(), 5);
    }

    #[test]
    fn a_journal_that_was_removed_or_replaced_stands_in_its_place_again() {
        let (scratch, mut writer) = journal();
        let whole = fs::read(&scratch.path).unwrap();
        fs::remove_file(&scratch.path).unwrap();
        let mended = goes_on(&scratch, &mut writer);
        assert_eq!(
            (mended[0].restored, &mended[0].kept_in),
            (whole.len() as u64, &None)
        );

        let (scratch, mut writer) = journal();
        let other = scratch.path.with_extension("other");
        fs::write(&other, "another run\n").unwrap();
        fs::rename(&other, &scratch.path).unwrap();
        let mended = goes_on(&scratch, &mut writer);
        assert_eq!(kept(&mended[0]), b"another run\n");
    }

    #[test]
    fn several_intrusions_are_all_kept() {
        let (scratch, mut writer) = journal();
        let whole = fs::metadata(&scratch.path).unwrap().len();
        let mut files = Vec::new();
        for text in ["first", "second"] {
            let file = foreign(&scratch.path);
            file.write_all_at(text.as_bytes(), whole).unwrap();
            files.extend(writer.mend().unwrap().iter().map(kept));
        }
        assert_eq!(files, [b"first".to_vec(), b"second".to_vec()]);
        assert_eq!(goes_on(&scratch, &mut writer), []);
    }

    #[test]
    fn what_is_no_longer_remembered_stops_the_journal_with_a_clear_word() {
        let (scratch, mut writer) = journal();
        writer.guard.limit = 100;
        writer.guard.tail.drain(..300);
        foreign(&scratch.path).set_len(10).unwrap();
        let error = writer.mend().unwrap_err();
        assert_eq!(error.code(), "N2-STORE-014");
        assert!(error.to_string().contains("290 bytes are lost"), "{error}");
        let event = [(Timestamp::UNIX_EPOCH, Event::RunResumed)];
        assert_eq!(writer.append(&event).unwrap_err().code(), "N2-STORE-008");
        assert_eq!(fs::metadata(&scratch.path).unwrap().len(), 10);
    }

    #[test]
    fn only_the_last_bytes_are_remembered() {
        let (scratch, mut writer) = journal();
        writer.guard.limit = 500;
        for _ in 0..50 {
            add(&mut writer);
            assert!(writer.guard.tail.len() <= 1000);
        }
        let whole = fs::read(&scratch.path).unwrap();
        let start = writer.guard.start() as usize;
        assert_eq!(writer.guard.tail, whole[start..]);
        // Within what is remembered, it is restored.
        foreign(&scratch.path).set_len(start as u64 + 1).unwrap();
        writer.mend().unwrap();
        assert_eq!(fs::read(&scratch.path).unwrap(), whole);
    }

    #[test]
    fn a_journal_that_is_taken_up_again_is_guarded_as_well() {
        let (scratch, writer) = journal();
        drop(writer);
        let mut writer = open_for_append(&scratch.path).unwrap().writer;
        foreign(&scratch.path).set_len(0).unwrap();
        let mended = goes_on(&scratch, &mut writer);
        assert_eq!(mended[0].offset, 0);
    }
}
