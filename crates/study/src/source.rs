//! The text of a study file: decoding, and the way from a byte to its line and column.

use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::codes::{self, Code};

/// Larger files are refused: a study is written by people, and every later step may then be generous.
pub(crate) const MAX_BYTES: usize = 1 << 20;

const BYTE_ORDER_MARK: &str = "\u{feff}";

/// A range of bytes of a study file: `start` included, `end` not.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize)]
pub struct Span {
    /// The first byte.
    pub start: usize,
    /// The byte after the last one.
    pub end: usize,
}

impl Span {
    pub(crate) const fn new(start: usize, end: usize) -> Self {
        Self { start, end }
    }

    /// Whether the range holds no byte.
    pub const fn is_empty(self) -> bool {
        self.start >= self.end
    }
}

impl From<Range<usize>> for Span {
    fn from(range: Range<usize>) -> Self {
        Self::new(range.start, range.end)
    }
}

/// A study file that cannot be read as text at all.
pub(crate) struct Flaw {
    pub code: Code,
    pub span: Span,
    pub message: String,
    pub help: Option<String>,
}

/// A study file's text and path.
#[derive(Debug)]
pub(crate) struct Source {
    path: PathBuf,
    text: String,
    line_starts: Vec<usize>,
}

impl Source {
    /// Decodes `bytes`. With a flaw, the text is good only for showing where the flaw is.
    pub fn read(bytes: &[u8], path: &Path) -> (Self, Option<Flaw>) {
        let shown = &bytes[..bytes.len().min(MAX_BYTES)];
        let text = String::from_utf8_lossy(shown).into_owned();
        let flaw = flaw_of(bytes, &text);
        let line_starts = std::iter::once(0)
            .chain(text.match_indices('\n').map(|(at, _)| at + 1))
            .collect();
        let source = Self {
            path: path.to_owned(),
            text,
            line_starts,
        };
        (source, flaw)
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The whole text, with a byte-order mark if the file has one.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The length of the byte-order mark, 0 without one.
    pub fn mark_length(&self) -> usize {
        if self.text.starts_with(BYTE_ORDER_MARK) {
            BYTE_ORDER_MARK.len()
        } else {
            0
        }
    }

    /// Line and column of a byte, both from 1; columns count characters, not counting a byte-order mark.
    pub fn place(&self, offset: usize) -> (usize, usize) {
        let offset = self.floor(offset);
        let line = self.line_starts.partition_point(|start| *start <= offset);
        let start = self.line_starts[line - 1];
        let before = &self.text[start..offset];
        let column = before.trim_start_matches(BYTE_ORDER_MARK).chars().count() + 1;
        (line, column)
    }

    /// The part of `span` worth underlining: what of its first line is not blank.
    pub fn underlined(&self, span: Span) -> Span {
        let start = self.floor(span.start);
        let end = self.floor(span.end.max(start));
        let text = &self.text[start..end];
        let line = text.lines().next().unwrap_or("");
        // A comment cannot belong to a scalar, but it can follow the first key of a block.
        let line = line.split(" #").next().unwrap_or(line).trim_end();
        Span::new(start, start + line.len())
    }

    /// The text of `span`.
    pub fn slice(&self, span: Span) -> &str {
        &self.text[self.floor(span.start)..self.floor(span.end.max(span.start))]
    }

    /// The line, from 1, without its ending; empty beyond the last.
    pub fn line(&self, number: usize) -> &str {
        self.slice(self.line_span(number))
    }

    /// Where the line, from 1, stands, without its ending.
    pub fn line_span(&self, number: usize) -> Span {
        let start_of = |number: usize| self.line_starts.get(number - 1).copied();
        let end_of_text = self.text.len();
        let start = start_of(number.max(1)).unwrap_or(end_of_text);
        let end = start_of(number.max(1) + 1).unwrap_or(end_of_text);
        let text = self.text[start..end].trim_end_matches(['\n', '\r']);
        Span::new(start, start + text.len())
    }

    /// The nearest character boundary at or before `offset`, within the text.
    pub fn floor(&self, offset: usize) -> usize {
        let mut offset = offset.min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        offset
    }
}

fn flaw_of(bytes: &[u8], text: &str) -> Option<Flaw> {
    if bytes.len() > MAX_BYTES {
        return Some(Flaw {
            code: codes::TOO_LARGE,
            span: Span::default(),
            message: format!(
                "the file has {} bytes; a study file has at most {MAX_BYTES}",
                bytes.len()
            ),
            help: Some("is this the right file?".to_owned()),
        });
    }
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Some(Flaw {
            code: codes::ENCODING,
            span: Span::default(),
            message: "the file is UTF-16".to_owned(),
            help: Some("save it as UTF-8".to_owned()),
        });
    }
    if let Err(error) = std::str::from_utf8(bytes) {
        let at = error.valid_up_to();
        return Some(Flaw {
            code: codes::ENCODING,
            span: Span::new(at, at + char::REPLACEMENT_CHARACTER.len_utf8()),
            message: format!("byte {at} (0x{:02x}) is not UTF-8", bytes[at]),
            help: Some("save the file as UTF-8".to_owned()),
        });
    }
    let (at, character) = text.char_indices().find(|(at, character)| {
        let mark_at_start = *at == 0 && *character == '\u{feff}';
        !mark_at_start && !is_printable(*character)
    })?;
    Some(Flaw {
        code: codes::ENCODING,
        span: Span::new(at, at + character.len_utf8()),
        message: format!(
            "the character U+{:04X} may not stand in a YAML file",
            u32::from(character)
        ),
        help: Some("remove it; inside double quotes it can be written as an escape".to_owned()),
    })
}

/// The printable characters of YAML 1.2.2, production [1], without the byte-order mark.
fn is_printable(character: char) -> bool {
    matches!(character,
        '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{a0}'..='\u{d7ff}'
        | '\u{e000}'..='\u{fefe}' | '\u{ff00}'..='\u{fffd}' | '\u{10000}'..)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Source {
        Source::read(text.as_bytes(), Path::new("study.yaml")).0
    }

    #[test]
    fn places_count_characters_from_one() {
        let source = source("a: ü x\nb: 2\n");
        assert_eq!(source.place(0), (1, 1));
        assert_eq!(source.place(6), (1, 6));
        assert_eq!(source.place(8), (2, 1));
        assert_eq!(source.place(usize::MAX), (3, 1));
    }

    #[test]
    fn a_byte_order_mark_takes_no_column() {
        let source = source("\u{feff}name: x");
        assert_eq!(source.mark_length(), 3);
        assert_eq!(source.place(3), (1, 1));
    }

    #[test]
    fn only_the_first_line_of_a_block_is_underlined() {
        let source = source("a: 1  # one\nb: 2\n");
        let span = source.underlined(Span::new(0, 16));
        assert_eq!(source.slice(span), "a: 1");
    }

    #[test]
    fn bytes_that_are_no_text_are_flaws_at_their_place() {
        let flaw = |bytes: &[u8]| {
            Source::read(bytes, Path::new("s"))
                .1
                .map(|flaw| flaw.span.start)
        };
        assert_eq!(flaw(b"name: x"), None);
        assert_eq!(flaw(b"name: \xff"), Some(6));
        assert_eq!(flaw(b"name: \x1b[0m"), Some(6));
        assert_eq!(flaw(b"\xff\xfen\0"), Some(0));
        assert_eq!(flaw(&vec![b'#'; MAX_BYTES + 1]), Some(0));
    }
}
