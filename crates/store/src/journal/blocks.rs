//! A journal in blocks of whole lines: read one after the other, decoded several at once, given back in order.
//!
//! What a line says can be checked by itself; only that it follows the line before it needs that one.

use std::io::{self, Read};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use noodle2_model::ContentHash;

use super::read::ScanError;
use super::record::{self, Record};
use crate::Damage;

/// How many bytes of a journal are read at once, about.
pub(super) const SIZE: usize = 1 << 20;

/// Decoders at most: folding what they decode is the work of one.
const MOST_DECODERS: usize = 8;

/// Blocks that wait before each decoder and behind it.
const WAITING: usize = 2;

/// Whole lines, and at the end of a journal what stands behind the last line feed.
struct Block {
    bytes: Vec<u8>,
    /// Where it begins in the journal.
    offset: u64,
    /// The number of its first line.
    first_line: u64,
    is_last: bool,
}

/// The good records at the beginning of a block.
pub(super) struct Decoded {
    pub(super) records: Vec<Record>,
    /// The hash that its first record says that it follows; [`None`] where it has none.
    pub(super) follows: Option<ContentHash>,
    /// The first line that is wrong. What follows it was not read.
    pub(super) failure: Option<Failure>,
    pub(super) offset: u64,
    pub(super) first_line: u64,
}

/// A line that is no record, or not the next one.
pub(super) struct Failure {
    pub(super) damage: Damage,
    pub(super) offset: u64,
    /// The line with its line feed, where it has one.
    pub(super) bytes: Vec<u8>,
    /// Whether nothing stands behind it in the whole journal.
    pub(super) is_last: bool,
}

/// Reads `source` to its end and gives its blocks to `take` in their order, up to the first with a line that is wrong.
pub(super) fn decode_in_order(
    source: impl Read + Send,
    size: usize,
    mut take: impl FnMut(Decoded) -> Result<(), ScanError>,
) -> Result<(), ScanError> {
    let mut blocks = Blocks::new(source, size);
    let Some(first) = blocks.next().transpose().map_err(ScanError::Read)? else {
        return Ok(());
    };
    if first.is_last {
        return take(decode(first));
    }
    let count = thread::available_parallelism().map_or(1, usize::from);
    let count = count.min(MOST_DECODERS);
    thread::scope(|scope| {
        let (waiting, decoded): (Vec<_>, Vec<_>) = (0..count)
            .map(|_| {
                let (to_decoder, blocks) = sync_channel::<io::Result<Block>>(WAITING);
                let (to_taker, decoded) = sync_channel(WAITING);
                scope.spawn(move || decode_all(&blocks, &to_taker));
                (to_decoder, decoded)
            })
            .unzip();
        scope.spawn(move || {
            let all = std::iter::once(Ok(first)).chain(blocks);
            for (number, block) in all.enumerate() {
                // Whoever is gone has seen enough.
                if waiting[number % count].send(block).is_err() {
                    break;
                }
            }
        });
        for turn in (0..count).cycle() {
            match decoded[turn].recv() {
                Ok(Ok(block)) => {
                    let has_failed = block.failure.is_some();
                    take(block)?;
                    if has_failed {
                        break;
                    }
                }
                Ok(Err(error)) => return Err(ScanError::Read(error)),
                Err(_) => break,
            }
        }
        Ok(())
    })
}

fn decode_all(blocks: &Receiver<io::Result<Block>>, decoded: &SyncSender<io::Result<Decoded>>) {
    for block in blocks {
        if decoded.send(block.map(decode)).is_err() {
            break;
        }
    }
}

fn decode(block: Block) -> Decoded {
    let mut decoded = Decoded {
        records: Vec::new(),
        follows: None,
        failure: None,
        offset: block.offset,
        first_line: block.first_line,
    };
    let mut start = 0;
    while start < block.bytes.len() {
        let rest = &block.bytes[start..];
        let line_feed = memchr::memchr(b'\n', rest);
        let length = line_feed.map_or(rest.len(), |at| at + 1);
        let previous = decoded.records.last().map(|record| record.hash);
        let line = block.first_line + decoded.records.len() as u64;
        let read = match line_feed {
            Some(at) => record::decode(&rest[..at], line, previous, &mut decoded.follows),
            None => Err(Damage::NotARecord {
                reason: "its line feed is missing",
            }),
        };
        match read {
            Ok(record) => decoded.records.push(record),
            Err(damage) => {
                decoded.failure = Some(Failure {
                    damage,
                    offset: block.offset + start as u64,
                    bytes: rest[..length].to_vec(),
                    is_last: block.is_last && length == rest.len(),
                });
                break;
            }
        }
        start += length;
    }
    decoded
}

/// Cuts a source into blocks.
struct Blocks<R> {
    source: R,
    size: usize,
    /// What was read behind the last line feed.
    rest: Vec<u8>,
    offset: u64,
    line: u64,
    is_at_end: bool,
    /// The next block: whether it is the last is known once the one behind it was read.
    next: Option<Block>,
}

impl<R: Read> Blocks<R> {
    fn new(source: R, size: usize) -> Self {
        Self {
            source,
            size,
            rest: Vec::new(),
            offset: 0,
            line: 1,
            is_at_end: false,
            next: None,
        }
    }

    fn fill(&mut self) -> io::Result<Block> {
        let mut bytes = std::mem::take(&mut self.rest);
        loop {
            let before = bytes.len();
            bytes.reserve(self.size);
            let mut part = (&mut self.source).take(self.size as u64);
            self.is_at_end = part.read_to_end(&mut bytes)? < self.size;
            if self.is_at_end {
                break;
            }
            // A line that is longer than a block makes a longer one.
            if let Some(at) = memchr::memrchr(b'\n', &bytes[before..]) {
                self.rest = bytes.split_off(before + at + 1);
                break;
            }
        }
        let block = Block {
            offset: self.offset,
            first_line: self.line,
            is_last: false,
            bytes,
        };
        self.offset += block.bytes.len() as u64;
        self.line += memchr::memchr_iter(b'\n', &block.bytes).count() as u64;
        Ok(block)
    }
}

impl<R: Read> Iterator for Blocks<R> {
    type Item = io::Result<Block>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.is_at_end {
            let found = match self.fill() {
                Ok(found) => found,
                Err(error) => {
                    self.is_at_end = true;
                    self.next = None;
                    return Some(Err(error));
                }
            };
            if found.bytes.is_empty() {
                break;
            }
            if let Some(block) = self.next.replace(found) {
                return Some(Ok(block));
            }
        }
        let mut last = self.next.take()?;
        last.is_last = true;
        Some(Ok(last))
    }
}
