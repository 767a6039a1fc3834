//! Lines of a screen: pieces of text, each with what it means. What colour that gets is for whoever draws it.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The characters that a terminal can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Charset {
    /// All of Unicode.
    Unicode,
    /// Those of ASCII.
    Ascii,
}

/// What a piece of text means. Never its only sign: the words say the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// Nothing in particular.
    Plain,
    /// Less than the rest.
    Faint,
    /// More than the rest.
    Strong,
    /// Something went well.
    Good,
    /// Something is being worked on.
    Busy,
    /// Somebody is asked to do something.
    Attention,
    /// Something went wrong.
    Bad,
}

/// A piece of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// Its text, without control characters.
    pub text: String,
    /// What it means.
    pub tone: Tone,
}

/// A line of a screen.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Line {
    /// Its pieces, from left to right.
    pub spans: Vec<Span>,
}

impl Span {
    /// A piece of text that means this. Control characters become spaces: none may move a cursor.
    pub fn new(tone: Tone, text: impl AsRef<str>) -> Self {
        let shown = |character: char| match character.is_control() {
            true => ' ',
            false => character,
        };
        let text = text.as_ref().chars().map(shown).collect();
        Self { text, tone }
    }

    fn width(&self) -> usize {
        self.text.width()
    }
}

impl Line {
    /// Adds a piece.
    #[must_use]
    pub(super) fn with(mut self, tone: Tone, text: impl AsRef<str>) -> Self {
        self.spans.push(Span::new(tone, text));
        self
    }

    /// Adds a piece after spaces up to this column.
    #[must_use]
    pub(super) fn at(mut self, column: usize, tone: Tone, text: impl AsRef<str>) -> Self {
        let gap = column.saturating_sub(self.width());
        if gap > 0 {
            self.spans.push(Span::new(Tone::Plain, " ".repeat(gap)));
        }
        self.with(tone, text)
    }

    /// How many columns of a terminal it takes.
    pub fn width(&self) -> usize {
        self.spans.iter().map(Span::width).sum()
    }

    /// Its text without what it means.
    pub fn text(&self) -> String {
        self.spans.iter().map(|span| span.text.as_str()).collect()
    }

    /// The same line in the characters of a terminal, within so many columns: what does not fit is left out, with a
    /// mark in its place. Spaces at its end are dropped.
    #[must_use]
    pub(super) fn fit(mut self, width: usize, charset: Charset) -> Self {
        if charset == Charset::Ascii {
            for span in &mut self.spans {
                span.text = span.text.chars().map(ascii).collect();
            }
        }
        if self.width() > width {
            self.cut(width.saturating_sub(1));
            let mark = match charset {
                Charset::Unicode => "…",
                Charset::Ascii => "~",
            };
            if width > 0 {
                self.spans.push(Span::new(Tone::Faint, mark));
            }
        }
        while let Some(last) = self.spans.last_mut() {
            last.text.truncate(last.text.trim_end().len());
            if !last.text.is_empty() {
                break;
            }
            self.spans.pop();
        }
        self
    }

    fn cut(&mut self, width: usize) {
        let mut left = width;
        for span in &mut self.spans {
            let mut end = 0;
            for character in span.text.chars() {
                let columns = character.width().unwrap_or(0);
                if columns > left {
                    left = 0;
                    break;
                }
                left -= columns;
                end += character.len_utf8();
            }
            span.text.truncate(end);
        }
    }
}

/// Pieces beside each other as far as they fit, the rest on further lines.
pub(super) fn flow(parts: Vec<Line>, width: usize) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for part in parts {
        match lines.last_mut() {
            Some(line) if line.width() + 2 + part.width() <= width => {
                line.spans.push(Span::new(Tone::Plain, "  "));
                line.spans.extend(part.spans);
            }
            _ => lines.push(part),
        }
    }
    lines
}

/// The nearest that ASCII has.
fn ascii(character: char) -> char {
    match character {
        _ if character.is_ascii() => character,
        'µ' => 'u',
        '²' => '2',
        '—' | '–' => '-',
        '…' => '~',
        '→' => '>',
        _ => '?',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_left_out_with_a_mark() {
        let line = || {
            Line::default()
                .with(Tone::Strong, "设计设计")
                .with(Tone::Bad, "µm²")
        };
        assert_eq!(line().fit(11, Charset::Unicode).text(), "设计设计µm²");
        // Half a wide character is none.
        assert_eq!(line().fit(7, Charset::Unicode).text(), "设计设…");
        assert_eq!(line().fit(6, Charset::Unicode).text(), "设计…");
        assert_eq!(line().fit(0, Charset::Unicode).text(), "");
        assert_eq!(line().fit(80, Charset::Ascii).text(), "????um2");
    }

    #[test]
    fn no_text_moves_a_cursor() {
        let line = Line::default().with(Tone::Plain, "a\u{1b}[2J\r\nb\tc\u{9b}");
        assert_eq!(line.fit(80, Charset::Unicode).text(), "a [2J  b c");
    }
}
