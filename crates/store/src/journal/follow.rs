//! Reading a journal on while somebody else writes it.

use std::fs::File;
use std::io::{BufRead, BufReader, Seek, SeekFrom};
use std::path::PathBuf;

use noodle2_model::ContentHash;

use super::GENESIS;
use super::record::{self, Record};
use crate::files::IoContext;
use crate::{Damage, StoreError};

/// A journal that is read on whenever it has grown. It takes no lock and changes nothing, so that any number may
/// follow a run, from any machine that sees its folder.
#[derive(Clone, Debug)]
pub struct JournalFollower {
    path: PathBuf,
    /// The length of all records that were read.
    offset: u64,
    records: u64,
    head: ContentHash,
}

impl JournalFollower {
    /// Begins before the first record of the journal at `path`, which need not be there yet.
    pub fn new(path: PathBuf) -> Self {
        Self {
            path,
            offset: 0,
            records: 0,
            head: GENESIS,
        }
    }

    /// How many records were read so far: the sequence number of the last one.
    pub fn seq(&self) -> u64 {
        self.records
    }

    /// Gives each record that was written since to `take`, in order; returns how many they were. A record that is being
    /// written, and has no line feed yet, is left for the next time.
    ///
    /// # Errors
    /// [`StoreError::Io`] when it cannot be read, [`StoreError::JournalDamaged`] for a line that does not follow what was
    /// read. What was read stays read, and asking again tries that line again: the journal's writer removes what others
    /// wrote into it.
    pub fn poll(&mut self, mut take: impl FnMut(Record)) -> Result<u64, StoreError> {
        let mut file = File::open(&self.path).context("read", &self.path)?;
        let length = file.metadata().context("read", &self.path)?.len();
        if length < self.offset {
            return Err(self.damaged(Damage::NotARecord {
                reason: "records that stood here are gone",
            }));
        }
        file.seek(SeekFrom::Start(self.offset))
            .context("read", &self.path)?;
        let mut reader = BufReader::with_capacity(1 << 16, file);
        let before = self.records;
        let mut line = Vec::new();
        loop {
            line.clear();
            let read = reader
                .read_until(b'\n', &mut line)
                .context("read", &self.path)?;
            let Some(text) = line.strip_suffix(b"\n") else {
                return Ok(self.records - before);
            };
            let record = record::decode(text, self.records + 1, Some(self.head), &mut None)
                .map_err(|damage| self.damaged(damage))?;
            self.records = record.seq;
            self.head = record.hash;
            self.offset += read as u64;
            take(record);
        }
    }

    /// What is wrong with the next line.
    fn damaged(&self, damage: Damage) -> StoreError {
        StoreError::JournalDamaged {
            path: self.path.clone(),
            line: self.records + 1,
            offset: self.offset,
            damage,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use jiff::Timestamp;
    use noodle2_model::Event;

    use super::*;
    use crate::JournalWriter;

    fn written(count: usize) -> (tempfile::TempDir, PathBuf, Vec<u8>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.ndjson");
        let mut writer = JournalWriter::create(&path).unwrap();
        for _ in 0..count {
            writer
                .append(&[(Timestamp::UNIX_EPOCH, Event::RunResumed)])
                .unwrap();
        }
        let bytes = fs::read(&path).unwrap();
        (folder, path, bytes)
    }

    fn seqs(follower: &mut JournalFollower) -> Result<Vec<u64>, StoreError> {
        let mut seqs = Vec::new();
        follower.poll(|record| seqs.push(record.seq))?;
        Ok(seqs)
    }

    #[test]
    fn every_record_is_read_once_wherever_the_writer_is_just_then() {
        let (_folder, path, bytes) = written(3);
        let mut read = Vec::new();
        let mut follower = JournalFollower::new(path.clone());
        for length in 0..=bytes.len() {
            fs::write(&path, &bytes[..length]).unwrap();
            read.extend(seqs(&mut follower).unwrap());
            let lines = bytes[..length].iter().filter(|byte| **byte == b'\n');
            assert_eq!(follower.seq(), lines.count() as u64);
        }
        assert_eq!(read, [1, 2, 3]);
    }

    #[test]
    fn what_others_write_is_told_and_read_over_once_it_is_mended() {
        let (_folder, path, bytes) = written(3);
        let second = bytes.len() / 3;
        let mut follower = JournalFollower::new(path.clone());
        fs::write(&path, [&bytes[..second], b"astray\n"].concat()).unwrap();
        assert!(matches!(
            seqs(&mut follower),
            Err(StoreError::JournalDamaged { line: 2, .. })
        ));
        assert_eq!(follower.seq(), 1);
        fs::write(&path, &bytes).unwrap();
        assert_eq!(seqs(&mut follower).unwrap(), [2, 3]);
    }

    #[test]
    fn a_journal_that_was_cut_or_belongs_to_another_run_is_no_continuation() {
        let (_folder, path, bytes) = written(3);
        let mut follower = JournalFollower::new(path.clone());
        seqs(&mut follower).unwrap();
        fs::write(&path, &bytes[..bytes.len() / 3]).unwrap();
        assert!(seqs(&mut follower).is_err());
        let mut follower = JournalFollower::new(path.clone());
        fs::write(&path, &bytes[bytes.len() / 3..]).unwrap();
        assert!(seqs(&mut follower).is_err());
        fs::remove_file(&path).unwrap();
        assert!(matches!(seqs(&mut follower), Err(StoreError::Io { .. })));
    }
}
