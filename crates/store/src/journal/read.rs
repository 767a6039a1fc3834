//! Reading a journal: every good record, a torn tail told apart from damage.

use std::fs;
use std::path::Path;

use noodle2_model::ContentHash;

use super::GENESIS;
use super::record::{self, RECORD_OPENING, Record};
use crate::files::IoContext;
use crate::{Damage, StoreError};

/// What a journal holds.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct JournalContent {
    /// Every good record, in order.
    pub records: Vec<Record>,
    /// What stands behind the last good record, if anything.
    pub torn_tail: Option<TornTail>,
}

impl JournalContent {
    /// The hash of the last record, which vouches for all; 64 zeros for a journal without records.
    pub(super) fn head(&self) -> ContentHash {
        self.records.last().map_or(GENESIS, |record| record.hash)
    }
}

/// The unfinished end of a journal: a record that was being written when its writer died.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TornTail {
    /// The byte at which it begins: the length of all good records.
    pub offset: u64,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// Reads the journal at `path` and checks every record. Changes nothing. While a writer is at work,
/// the record that it is just writing may be seen as a torn tail.
///
/// # Errors
/// [`StoreError::Io`] when it cannot be read, [`StoreError::JournalDamaged`] for anything wrong
/// before a torn tail.
pub fn read_journal(path: &Path) -> Result<JournalContent, StoreError> {
    let bytes = fs::read(path).context("read", path)?;
    parse(&bytes).map_err(|broken| StoreError::JournalDamaged {
        path: path.to_owned(),
        line: broken.line,
        offset: broken.offset as u64,
        damage: broken.damage,
    })
}

/// A broken line that is no torn tail.
#[derive(Debug, PartialEq)]
pub(super) struct BrokenLine {
    pub(super) line: u64,
    pub(super) offset: usize,
    pub(super) damage: Damage,
}

/// Reads a journal from its bytes.
pub(super) fn parse(bytes: &[u8]) -> Result<JournalContent, BrokenLine> {
    let mut content = JournalContent::default();
    let mut offset = 0;
    while offset < bytes.len() {
        let rest = &bytes[offset..];
        let line = content.records.len() as u64 + 1;
        let Some(length) = memchr::memchr(b'\n', rest) else {
            return finish_with_tail(content, offset, rest, || Damage::NotARecord {
                reason: "its line feed is missing",
            });
        };
        match record::decode(&rest[..length], line, content.head()) {
            Ok(record) => content.records.push(record),
            Err(damage @ (Damage::NotARecord { .. } | Damage::Checksum { .. }))
                if length + 1 == rest.len() && !record::is_intact(&rest[..length]) =>
            {
                return finish_with_tail(content, offset, rest, || damage);
            }
            Err(damage) => {
                return Err(BrokenLine {
                    line,
                    offset,
                    damage,
                });
            }
        }
        offset += length + 1;
    }
    Ok(content)
}

/// Takes the last line as a torn tail, unless the line feed before a good record was lost, so that
/// what looks like one broken line hides that record.
fn finish_with_tail(
    mut content: JournalContent,
    offset: usize,
    tail: &[u8],
    damage: impl FnOnce() -> Damage,
) -> Result<JournalContent, BrokenLine> {
    if hides_record(tail) {
        return Err(BrokenLine {
            line: content.records.len() as u64 + 1,
            offset,
            damage: damage(),
        });
    }
    content.torn_tail = Some(TornTail {
        offset: offset as u64,
        bytes: tail.to_vec(),
    });
    Ok(content)
}

/// Whether an intact record begins anywhere behind the first byte of `tail`.
fn hides_record(tail: &[u8]) -> bool {
    let tail = tail.strip_suffix(b"\n").unwrap_or(tail);
    memchr::memmem::find_iter(tail, RECORD_OPENING)
        .filter(|at| *at > 0)
        .any(|at| record::is_intact(&tail[at..]))
}
