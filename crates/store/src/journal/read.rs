//! Reading a journal: every good record, a torn tail told apart from damage.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use noodle2_model::ContentHash;

use super::GENESIS;
use super::blocks;
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

/// How a journal that was read ends.
#[derive(Clone, PartialEq, Debug)]
pub struct JournalEnd {
    /// How many good records it holds.
    pub records: u64,
    /// The hash of the first record; [`None`] for a journal without records.
    pub first: Option<ContentHash>,
    /// The hash of the last record, which vouches for all; 64 zeros for a journal without records.
    pub head: ContentHash,
    /// What stands behind the last good record, if anything.
    pub torn_tail: Option<TornTail>,
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
    let mut records = Vec::new();
    let end = fold_journal(path, |record| records.push(record))?;
    Ok(JournalContent {
        records,
        torn_tail: end.torn_tail,
    })
}

/// As [`read_journal`], and gives each record to `take` in order, as soon as it and all before it are known to be good,
/// so that memory does not grow with the journal. Where this fails in the end, `take` has seen what stands before the
/// damage.
///
/// # Errors
/// As [`read_journal`].
pub fn fold_journal(path: &Path, mut take: impl FnMut(Record)) -> Result<JournalEnd, StoreError> {
    fold_records(File::open(path).context("read", path)?, path, &mut take)
}

/// As [`fold_journal`], of what comes from anywhere; `path` is for messages.
///
/// # Errors
/// As [`fold_journal`].
pub fn fold_records(
    source: impl Read + Send,
    path: &Path,
    mut take: impl FnMut(Record),
) -> Result<JournalEnd, StoreError> {
    scan(source, blocks::SIZE, &mut take).map_err(|error| match error {
        ScanError::Read(cause) => StoreError::io("read", path, cause),
        ScanError::Broken(broken) => StoreError::JournalDamaged {
            path: path.to_owned(),
            line: broken.line,
            offset: broken.offset,
            damage: broken.damage,
        },
    })
}

/// A broken line that is no torn tail.
#[derive(Debug, PartialEq)]
pub(super) struct BrokenLine {
    pub(super) line: u64,
    pub(super) offset: u64,
    pub(super) damage: Damage,
}

/// Why a journal could not be read to its end.
#[derive(Debug)]
pub(super) enum ScanError {
    Read(io::Error),
    Broken(BrokenLine),
}

/// Reads a journal in blocks of about `size` bytes, several at once.
pub(super) fn scan(
    source: impl Read + Send,
    size: usize,
    take: &mut dyn FnMut(Record),
) -> Result<JournalEnd, ScanError> {
    let mut end = JournalEnd {
        records: 0,
        first: None,
        head: GENESIS,
        torn_tail: None,
    };
    blocks::decode_in_order(source, size, |block| follow(&mut end, block, take))?;
    Ok(end)
}

/// Takes the records of the next block, if they follow what was read. Returns whether more may follow.
fn follow(
    end: &mut JournalEnd,
    block: blocks::Decoded,
    take: &mut dyn FnMut(Record),
) -> Result<(), ScanError> {
    if let Some(found) = block.follows
        && found != end.head
    {
        return Err(ScanError::Broken(BrokenLine {
            line: block.first_line,
            offset: block.offset,
            damage: Damage::ChainBreak {
                expected: end.head,
                found,
            },
        }));
    }
    for record in block.records {
        end.first = end.first.or(Some(record.hash));
        end.head = record.hash;
        end.records += 1;
        take(record);
    }
    let Some(failure) = block.failure else {
        return Ok(());
    };
    let is_tail = match &failure.damage {
        Damage::NotARecord { .. } | Damage::Checksum { .. } => {
            failure.is_last
                && !hides_record(&failure.bytes)
                && !(failure.bytes.ends_with(b"\n")
                    && record::is_intact(&failure.bytes[..failure.bytes.len() - 1]))
        }
        _ => false,
    };
    if !is_tail {
        return Err(ScanError::Broken(BrokenLine {
            line: end.records + 1,
            offset: failure.offset,
            damage: failure.damage,
        }));
    }
    end.torn_tail = Some(TornTail {
        offset: failure.offset,
        bytes: failure.bytes,
    });
    Ok(())
}

/// Reads a journal from its bytes, in blocks of about this many.
#[cfg(test)]
pub(super) fn parse_in_blocks(bytes: &[u8], size: usize) -> Result<JournalContent, BrokenLine> {
    let mut records = Vec::new();
    match scan(bytes, size, &mut |record| records.push(record)) {
        Ok(end) => Ok(JournalContent {
            records,
            torn_tail: end.torn_tail,
        }),
        Err(ScanError::Broken(broken)) => Err(broken),
        Err(ScanError::Read(error)) => panic!("bytes can always be read: {error}"),
    }
}

/// Reads a journal from its bytes.
#[cfg(test)]
pub(super) fn parse(bytes: &[u8]) -> Result<JournalContent, BrokenLine> {
    let whole = parse_in_blocks(bytes, blocks::SIZE);
    // However it is cut into blocks, it is the same.
    assert_eq!(parse_in_blocks(bytes, 64), whole);
    whole
}

/// Whether an intact record begins anywhere behind the first byte of `tail`.
fn hides_record(tail: &[u8]) -> bool {
    let tail = tail.strip_suffix(b"\n").unwrap_or(tail);
    memchr::memmem::find_iter(tail, RECORD_OPENING)
        .filter(|at| *at > 0)
        .any(|at| record::is_intact(&tail[at..]))
}
