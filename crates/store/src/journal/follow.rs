//! Following a journal that another process writes.

use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use noodle2_model::ContentHash;

use super::GENESIS;
use super::record::{self, Record};
use crate::StoreError;
use crate::files::IoContext;

/// How many bytes are read at once.
const BLOCK: usize = 1 << 20;

/// Reads a journal as it grows. Takes no lock and changes nothing: its writer does not notice.
///
/// Every record is checked as [`crate::fold_journal`] checks it. The end of a line that is not there yet is waited for.
#[derive(Debug)]
pub struct JournalFollower {
    path: PathBuf,
    file: File,
    /// Where the first byte stands that was not read.
    offset: u64,
    /// What was read behind the last line feed.
    rest: Vec<u8>,
    records: u64,
    head: ContentHash,
}

/// Whether a journal is still the one that is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Followed {
    /// It has grown, or is as it was.
    On,
    /// It was replaced or cut, as its writer does to set right what others wrote into it: what was read of it may not
    /// hold any more, and it is to be read anew.
    Anew,
}

impl JournalFollower {
    /// Begins at the first record.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Ok(Self {
            path: path.to_owned(),
            file: File::open(path).context("read", path)?,
            offset: 0,
            rest: Vec::new(),
            records: 0,
            head: GENESIS,
        })
    }

    /// How many records were read: the sequence number of the last one.
    pub fn records(&self) -> u64 {
        self.records
    }

    /// Gives every record that became whole since the last call to `take`, in order.
    ///
    /// # Errors
    /// [`StoreError::Io`]; [`StoreError::JournalDamaged`] for a line that is no record or not the next one. What a
    /// script that went astray wrote into the journal is damage until its writer has set it right.
    pub fn read(&mut self, mut take: impl FnMut(Record)) -> Result<Followed, StoreError> {
        if !self.is_same()? {
            return Ok(Followed::Anew);
        }
        loop {
            // Also what was read before: damage stays where it is until its writer has set it right.
            self.take_lines(&mut take)?;
            let mut block = Vec::with_capacity(BLOCK);
            let mut part = (&mut self.file).take(BLOCK as u64);
            let count = part.read_to_end(&mut block).context("read", &self.path)?;
            if count == 0 {
                return Ok(Followed::On);
            }
            self.offset += count as u64;
            self.rest.append(&mut block);
        }
    }

    fn take_lines(&mut self, take: &mut impl FnMut(Record)) -> Result<(), StoreError> {
        let mut start = 0;
        let mut damaged = None;
        while let Some(length) = memchr::memchr(b'\n', &self.rest[start..]) {
            let line = &self.rest[start..start + length];
            let number = self.records + 1;
            match record::decode(line, number, Some(self.head), &mut None) {
                Ok(record) => {
                    self.records = number;
                    self.head = record.hash;
                    take(record);
                }
                Err(damage) => {
                    damaged = Some(StoreError::JournalDamaged {
                        path: self.path.clone(),
                        line: number,
                        offset: self.offset - (self.rest.len() - start) as u64,
                        damage,
                    });
                    break;
                }
            }
            start += length + 1;
        }
        // A record that was given is not given again.
        self.rest.drain(..start);
        damaged.map_or(Ok(()), Err)
    }

    fn is_same(&self) -> Result<bool, StoreError> {
        let found = match fs::metadata(&self.path) {
            Ok(found) => found,
            // Between two names: its writer is just setting it right.
            Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(false),
            Err(cause) => return Err(StoreError::io("read", &self.path, cause)),
        };
        let own = self.file.metadata().context("read", &self.path)?;
        let is_it = (found.dev(), found.ino()) == (own.dev(), own.ino());
        Ok(is_it && own.len() >= self.offset)
    }
}

#[cfg(test)]
mod tests {
    use std::fs::OpenOptions;
    use std::io::Write;

    use jiff::Timestamp;
    use noodle2_model::Event;

    use super::*;
    use crate::JournalWriter;

    fn at() -> Timestamp {
        "2026-01-01T00:00:00Z".parse().unwrap()
    }

    fn read(follower: &mut JournalFollower) -> (Followed, Vec<u64>) {
        let mut found = Vec::new();
        let followed = follower.read(|record| found.push(record.seq)).unwrap();
        (followed, found)
    }

    #[test]
    fn records_are_given_once_and_only_when_they_are_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.ndjson");
        let mut writer = JournalWriter::create(&path).unwrap();
        let mut follower = JournalFollower::open(&path).unwrap();
        assert_eq!(read(&mut follower), (Followed::On, vec![]));
        writer.append(&vec![(at(), Event::RunResumed); 3]).unwrap();
        assert_eq!(read(&mut follower), (Followed::On, vec![1, 2, 3]));
        assert_eq!(read(&mut follower), (Followed::On, vec![]));
        writer.append(&[(at(), Event::RunResumed)]).unwrap();
        assert_eq!(read(&mut follower), (Followed::On, vec![4]));

        // The same byte by byte, as a writer may be seen in the midst of its work.
        let bytes = fs::read(&path).unwrap();
        let torn = folder.path().join("torn.ndjson");
        let mut file = File::create(&torn).unwrap();
        let mut follower = JournalFollower::open(&torn).unwrap();
        let mut found = Vec::new();
        for byte in &bytes {
            file.write_all(&[*byte]).unwrap();
            found.extend(read(&mut follower).1);
        }
        assert_eq!(found, [1, 2, 3, 4]);
        assert_eq!(follower.records(), 4);
    }

    #[test]
    fn a_journal_that_was_cut_or_replaced_is_read_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.ndjson");
        let mut writer = JournalWriter::create(&path).unwrap();
        writer.append(&[(at(), Event::RunResumed)]).unwrap();
        let mut follower = JournalFollower::open(&path).unwrap();
        read(&mut follower);
        let other = folder.path().join("other");
        fs::copy(&path, &other).unwrap();
        fs::rename(&other, &path).unwrap();
        assert_eq!(read(&mut follower), (Followed::Anew, vec![]));

        let mut follower = JournalFollower::open(&path).unwrap();
        assert_eq!(read(&mut follower), (Followed::On, vec![1]));
        let file = OpenOptions::new().write(true).open(&path).unwrap();
        file.set_len(10).unwrap();
        assert_eq!(read(&mut follower), (Followed::Anew, vec![]));
        fs::remove_file(&path).unwrap();
        assert_eq!(read(&mut follower), (Followed::Anew, vec![]));
    }

    #[test]
    fn damage_is_told_with_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.ndjson");
        let mut writer = JournalWriter::create(&path).unwrap();
        writer.append(&[(at(), Event::RunResumed)]).unwrap();
        drop(writer);
        let length = fs::metadata(&path).unwrap().len();
        let mut file = OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(b"not a record\n").unwrap();
        let mut follower = JournalFollower::open(&path).unwrap();
        // However often it is asked.
        for found in [1, 0, 0] {
            let mut given = 0;
            let damage = follower.read(|_| given += 1).unwrap_err();
            assert!(
                matches!(damage, StoreError::JournalDamaged { line: 2, offset, .. } if offset == length),
                "{damage:?}"
            );
            assert_eq!(given, found);
        }
    }
}
