//! One record as bytes: how it is sealed and how a line is read back.

use std::io::Write;

use jiff::Timestamp;
use noodle2_model::{ContentHash, Event};

use crate::Damage;

/// What stands between the hashed bytes and the hash.
const SEAL_OPENING: &[u8] = b",\"hash\":\"";
/// What stands after the hash.
const SEAL_CLOSING: &[u8] = b"\"}";
const HASH_DIGITS: usize = 64;
/// The bytes of a line that are not hashed, without the line feed.
const SEAL_LENGTH: usize = SEAL_OPENING.len() + HASH_DIGITS + SEAL_CLOSING.len();

/// How every record begins. Inside an event's text a quote is escaped, so these bytes cannot stand there.
pub(super) const RECORD_OPENING: &[u8] = b"{\"seq\":";

/// One line of a journal.
#[derive(Clone, PartialEq, Debug)]
pub struct Record {
    /// Its place in the journal, from 1.
    pub seq: u64,
    /// When it was recorded, to the microsecond.
    pub at: Timestamp,
    /// What was decided or observed.
    pub event: Event,
    /// Its hash, which vouches for it and for all records before it.
    pub hash: ContentHash,
}

/// Appends the line of a record to `buffer` and returns the record's hash.
///
/// # Errors
/// The reason why the event would not be the same when read back. `buffer` is then left with a
/// partial line.
pub(super) fn encode(
    buffer: &mut Vec<u8>,
    seq: u64,
    at: Timestamp,
    previous: ContentHash,
    event: &Event,
) -> Result<ContentHash, String> {
    let start = buffer.len();
    write!(buffer, r#"{{"seq":{seq},"at":"{at:.6}","previous":""#)
        .map_err(|error| error.to_string())?;
    buffer.extend_from_slice(&previous.digits());
    buffer.extend_from_slice(br#"","event":"#);
    let event_start = buffer.len();
    serde_json::to_writer(&mut *buffer, event).map_err(|error| error.to_string())?;
    // JSON has no word for some values (a number that is no number becomes `null`). Such an event
    // would make the whole journal unreadable, so it is caught before it is durable.
    let again = Event::from_json(&buffer[event_start..]).map_err(|error| error.to_string())?;
    if again != *event {
        return Err("a value has no equal JSON form".to_owned());
    }
    let hash = ContentHash::of(&buffer[start..]);
    buffer.extend_from_slice(SEAL_OPENING);
    buffer.extend_from_slice(&hash.digits());
    buffer.extend_from_slice(SEAL_CLOSING);
    buffer.push(b'\n');
    Ok(hash)
}

/// Splits a line (without line feed) into the hashed bytes and the hash that it states.
fn unseal(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let body_length = line.len().checked_sub(SEAL_LENGTH)?;
    let (body, seal) = line.split_at(body_length);
    let stated = seal
        .strip_prefix(SEAL_OPENING)?
        .strip_suffix(SEAL_CLOSING)?;
    Some((body, stated))
}

/// The hashed bytes of a line and their hash, when the line states that very hash.
fn open_seal(line: &[u8]) -> Result<(&[u8], ContentHash), Damage> {
    if !line.starts_with(RECORD_OPENING) {
        return Err(Damage::NotARecord {
            reason: "it does not begin with a sequence number",
        });
    }
    let (body, stated) = unseal(line).ok_or(Damage::NotARecord {
        reason: "it does not end with a hash",
    })?;
    let computed = ContentHash::of(body);
    // The text is compared, so that a hash has one spelling only.
    if computed.digits() != stated {
        return Err(Damage::Checksum {
            stated: String::from_utf8_lossy(stated).into_owned(),
            computed,
        });
    }
    Ok((body, computed))
}

/// Whether a line, taken by itself, is a record as it was written.
pub(super) fn is_intact(line: &[u8]) -> bool {
    open_seal(line).is_ok()
}

/// Reads one line (without line feed) that must be record `seq` and follow `previous`. Where that is not known, what the
/// line says that it follows is left in `follows`, for somebody who knows it.
pub(super) fn decode(
    line: &[u8],
    seq: u64,
    previous: Option<ContentHash>,
    follows: &mut Option<ContentHash>,
) -> Result<Record, Damage> {
    let (body, hash) = open_seal(line)?;
    let envelope = split_envelope(body)?;
    if envelope.seq != seq {
        return Err(Damage::SequenceGap {
            expected: seq,
            found: envelope.seq,
        });
    }
    match previous {
        Some(expected) if envelope.previous != expected => {
            return Err(Damage::ChainBreak {
                expected,
                found: envelope.previous,
            });
        }
        Some(_) => {}
        None => *follows = Some(envelope.previous),
    }
    let event = Event::from_json(envelope.event).map_err(|error| {
        let reason = error.to_string();
        if error.is_data() {
            Damage::UnknownEvent { reason }
        } else {
            Damage::NotJson { reason }
        }
    })?;
    Ok(Record {
        seq,
        at: envelope.at,
        event,
        hash,
    })
}

struct Envelope<'line> {
    seq: u64,
    at: Timestamp,
    previous: ContentHash,
    event: &'line [u8],
}

/// Takes the hashed bytes apart. The layout is fixed to the byte, so this needs no JSON parser.
fn split_envelope(body: &[u8]) -> Result<Envelope<'_>, Damage> {
    let damaged = |reason| Damage::NotARecord { reason };
    let rest = body
        .strip_prefix(RECORD_OPENING)
        .ok_or(damaged("it does not begin with a sequence number"))?;
    let (seq, rest) = take_until(rest, b",\"at\":\"").ok_or(damaged("it has no `at`"))?;
    let (at, rest) =
        take_until(rest, b"\",\"previous\":\"").ok_or(damaged("it has no `previous`"))?;
    let (previous, event) =
        take_until(rest, b"\",\"event\":").ok_or(damaged("it has no `event`"))?;
    Ok(Envelope {
        seq: parsed(seq).ok_or(damaged("its sequence number is no number"))?,
        at: parsed(at).ok_or(damaged("its time is no time"))?,
        previous: parsed(previous).ok_or(damaged("its `previous` is no hash"))?,
        event,
    })
}

fn take_until<'line>(bytes: &'line [u8], separator: &[u8]) -> Option<(&'line [u8], &'line [u8])> {
    let at = memchr::memmem::find(bytes, separator)?;
    Some((&bytes[..at], &bytes[at + separator.len()..]))
}

fn parsed<T: std::str::FromStr>(bytes: &[u8]) -> Option<T> {
    std::str::from_utf8(bytes).ok()?.parse().ok()
}
