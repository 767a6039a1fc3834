//! The journal: the append-only record of everything that was decided and observed, and the only
//! truth of a run.
//!
//! Owns the format of `journal.ndjson`, the hash chain, and what is done about a torn end or damage.
//! Never interprets an event.
//!
//! # Format
//!
//! One record a line, every line ended by a line feed (byte `0A`), in exactly this layout, without
//! any space outside the event's own text:
//!
//! ```text
//! {"seq":1,"at":"2026-11-23T20:27:17.123456Z","previous":"<64 hex>","event":{…},"hash":"<64 hex>"}
//! ```
//!
//! - `seq` counts from 1, so it equals the number of the line.
//! - `at` is the time in UTC with six decimals of the second. Clocks may step back: only `seq` orders records.
//! - `previous` is the `hash` of the line before, and 64 zeros in the first line.
//! - `event` is the event as JSON, on one line.
//! - `hash` is BLAKE3, in lower-case hexadecimal digits, over the bytes of the line from its opening brace up
//!   to, and without, the nine bytes `,"hash":"`. The last 75 bytes of a line (76 with the line feed) are the seal
//!   `,"hash":"<64 hex>"}`; everything before them is hashed. As the hashed bytes hold `seq`, `at`, `previous` and
//!   `event`, each record vouches for all records before it.
//!
//! # Verifying a journal without this crate
//!
//! In a shell, with `b3sum`:
//!
//! ```sh
//! previous=$(printf '%064d' 0) number=0
//! while IFS= read -r line; do
//!     number=$((number + 1))
//!     body=${line%,\"hash\":*}
//!     stated=${line##*,\"hash\":\"}; stated=${stated%\"\}}
//!     test "$(printf %s "$body" | b3sum --no-names)" = "$stated" || echo "line $number: checksum"
//!     case $body in
//!         "{\"seq\":$number,"*"\"previous\":\"$previous\",\"event\":"*) ;;
//!         *) echo "line $number: sequence or chain" ;;
//!     esac
//!     previous=$stated
//! done < journal.ndjson
//! ```
//!
//! or in Python, with the `blake3` package:
//!
//! ```python
//! import json, blake3
//! previous = "0" * 64
//! for number, line in enumerate(open("journal.ndjson", "rb"), 1):
//!     record = json.loads(line)
//!     assert line.endswith(b'"}\n') and blake3.blake3(line[:-76]).hexdigest() == record["hash"], number
//!     assert record["seq"] == number and record["previous"] == previous, number
//!     previous = record["hash"]
//! ```
//!
//! # Torn end and damage
//!
//! A record counts once [`JournalWriter::append`] has returned: its bytes are synced then. A process
//! or machine that dies earlier may leave a *torn tail*: the bytes after the last good record, when
//! these are a single line that lacks its line feed or fails its checksum, and no intact record
//! stands among them. [`read_journal`] reports it, [`open_for_append`] saves it beside the journal
//! and cuts it. Anything else that is wrong is *damage* and is refused with line and byte: a broken
//! line with anything but its own end behind it, and any line whose checksum is right while its
//! sequence number, chain or event is not.
//!
//! # Other writers
//!
//! Tools run as the user who owns the journal, and a script that goes astray may write into it, empty it or
//! replace it. [`JournalWriter`] looks before and after each write whether the file at the journal's place is
//! its own and as long as it left it, compares the bytes where it is not, moves foreign ones to
//! `journal.foreign-<offset>` beside the journal, writes again what is lost, and goes on. It remembers the last
//! 32 MiB; of a journal that was cut further back, it takes no more records. What was changed in place, without a
//! change of length and within one tick of the file system's clock, is left for the chain to tell.
//!
//! A chain cannot tell that whole records were removed from its end; that is seen from what stands beside it:
//! attempts and cases without a record ([`crate::unrecorded`]), a summary that knows more.

mod blocks;
mod follow;
mod guard;
mod read;
mod record;
mod write;

pub use follow::{Followed, JournalFollower};
pub(crate) use guard::FOREIGN_PREFIX;
pub use guard::Mending;
pub use read::{JournalContent, JournalEnd, TornTail, fold_journal, fold_records, read_journal};
pub use record::Record;
pub use write::{
    CutTail, JournalWriter, OpenedJournal, ReopenedJournal, open_and_fold, open_for_append,
};

use noodle2_model::ContentHash;

/// What the first record of a journal follows: 64 zeros.
pub(crate) const GENESIS: ContentHash = ContentHash::from_bytes([0; 32]);

#[cfg(test)]
mod tests;
