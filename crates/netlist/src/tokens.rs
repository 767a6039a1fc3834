//! Verilog as tokens: words, escaped names, strings and single characters. Comments and white space are
//! gone.

use crate::error::NetlistError;

/// The tokens of a text, one after the other.
pub(crate) struct Tokens<'a> {
    text: &'a [u8],
    at: usize,
    line: usize,
}

impl<'a> Tokens<'a> {
    pub(crate) const fn new(text: &'a [u8]) -> Self {
        Self {
            text,
            at: 0,
            line: 1,
        }
    }

    /// The byte after the last token.
    pub(crate) const fn offset(&self) -> usize {
        self.at
    }

    /// The line of the last token, counted from 1.
    pub(crate) const fn line(&self) -> usize {
        self.line
    }

    pub(crate) fn cut_off(&self, inside: String) -> NetlistError {
        NetlistError::CutOff {
            line: self.line,
            inside,
        }
    }

    /// The rest of the text, from `offset` on.
    fn rest(&self, offset: usize) -> &'a [u8] {
        self.text.get(self.at + offset..).unwrap_or_default()
    }

    fn advance(&mut self, count: usize) -> &'a [u8] {
        let taken = &self.text[self.at..self.at + count];
        self.line += taken.iter().filter(|byte| **byte == b'\n').count();
        self.at += count;
        taken
    }

    /// The next token; `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<&'a [u8]>, NetlistError> {
        loop {
            let rest = self.rest(0);
            let Some(&first) = rest.first() else {
                return Ok(None);
            };
            let length = match first {
                byte if byte.is_ascii_whitespace() => {
                    let blank = length_while(rest, |byte| byte.is_ascii_whitespace());
                    self.advance(blank);
                    continue;
                }
                b'/' if rest.starts_with(b"//") => {
                    let comment = length_while(rest, |byte| byte != b'\n');
                    self.advance(comment);
                    continue;
                }
                b'/' if rest.starts_with(b"/*") => {
                    let body = find(self.rest(2), b"*/");
                    let body = body.ok_or_else(|| self.cut_off("a comment".to_owned()))?;
                    self.advance(2 + body + 2);
                    continue;
                }
                // An escaped name goes on to the next white space, whatever is in it.
                b'\\' => length_while(rest, |byte| !byte.is_ascii_whitespace()),
                b'"' => self.string_length()?,
                byte if is_word(byte) => length_while(rest, is_word),
                _ => 1,
            };
            return Ok(Some(self.advance(length)));
        }
    }

    fn string_length(&self) -> Result<usize, NetlistError> {
        let mut escaped = false;
        for (offset, byte) in self.rest(1).iter().enumerate() {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => return Ok(offset + 2),
                _ => {}
            }
        }
        Err(self.cut_off("a string".to_owned()))
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | b'\'') || !byte.is_ascii()
}

fn length_while(text: &[u8], keep: impl Fn(u8) -> bool) -> usize {
    text.iter()
        .position(|byte| !keep(*byte))
        .unwrap_or(text.len())
}

fn find(text: &[u8], pattern: &[u8]) -> Option<usize> {
    text.windows(pattern.len())
        .position(|window| window == pattern)
}
