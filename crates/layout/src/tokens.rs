//! LEF and DEF as tokens: words, quoted strings, `;`. Comments and white space are gone.
//!
//! Both languages separate tokens by white space. A `;` at the end of a word is taken apart from it, since many files are
//! written so.

use crate::error::{LayoutError, Problem};

/// What every number is below in absolute value: 10 m in µm. Sums and products of lengths stay exact with it.
const LARGEST: f64 = 1e7;

/// The tokens of a text, one after the other.
pub(crate) struct Tokens<'a> {
    text: &'a str,
    at: usize,
    /// The line that was reached.
    line: usize,
    /// The line of the last token.
    last: usize,
}

impl<'a> Tokens<'a> {
    /// The tokens of `bytes`, which must be UTF-8.
    pub(crate) fn new(bytes: &'a [u8]) -> Result<Self, LayoutError> {
        let text = std::str::from_utf8(bytes).map_err(|error| {
            let before = &bytes[..error.valid_up_to()];
            let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
            LayoutError::new(line, Problem::Encoding)
        })?;
        Ok(Self {
            text,
            at: 0,
            line: 1,
            last: 1,
        })
    }

    pub(crate) const fn error(&self, problem: Problem) -> LayoutError {
        LayoutError::new(self.last, problem)
    }

    pub(crate) fn unexpected(&self, text: &str, wanted: &'static str) -> LayoutError {
        let text = shortened(text);
        self.error(Problem::Unexpected { text, wanted })
    }

    /// The next token; `None` at the end. A string keeps its quotes.
    pub(crate) fn next(&mut self) -> Result<Option<&'a str>, LayoutError> {
        let bytes = self.text.as_bytes();
        loop {
            match bytes.get(self.at) {
                None => return Ok(None),
                Some(b'\n') => {
                    self.line += 1;
                    self.at += 1;
                }
                Some(byte) if byte.is_ascii_whitespace() => self.at += 1,
                Some(b'#') => {
                    let rest = &bytes[self.at..];
                    self.at += rest
                        .iter()
                        .position(|byte| *byte == b'\n')
                        .unwrap_or(rest.len());
                }
                Some(b'"') => {
                    self.last = self.line;
                    return self.string().map(Some);
                }
                Some(_) => break,
            }
        }
        self.last = self.line;
        let rest = &bytes[self.at..];
        let mut length = rest
            .iter()
            .position(u8::is_ascii_whitespace)
            .unwrap_or(rest.len());
        if length > 1 && rest[length - 1] == b';' && rest[length - 2] != b'\\' {
            length -= 1;
        }
        let token = &self.text[self.at..self.at + length];
        self.at += length;
        Ok(Some(token))
    }

    fn string(&mut self) -> Result<&'a str, LayoutError> {
        let rest = &self.text.as_bytes()[self.at..];
        let mut escaped = false;
        let mut lines = 0;
        for (offset, byte) in rest.iter().enumerate().skip(1) {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => {
                    let token = &self.text[self.at..=self.at + offset];
                    self.at += offset + 1;
                    self.line += lines;
                    return Ok(token);
                }
                _ => {}
            }
            lines += usize::from(*byte == b'\n');
        }
        Err(self.error(Problem::OpenString))
    }

    /// The next token, which must be there.
    pub(crate) fn need(&mut self, inside: &'static str) -> Result<&'a str, LayoutError> {
        self.next()?
            .ok_or_else(|| self.error(Problem::CutOff(inside.to_owned())))
    }

    /// The next token, which must be `wanted`.
    pub(crate) fn expect(&mut self, wanted: &'static str) -> Result<(), LayoutError> {
        let token = self.need("a statement")?;
        if token == wanted {
            Ok(())
        } else {
            Err(self.unexpected(token, wanted))
        }
    }

    /// Skips to behind the next `;`.
    pub(crate) fn skip_statement(&mut self) -> Result<(), LayoutError> {
        while self.need("a statement")? != ";" {}
        Ok(())
    }

    /// Skips to behind the next `END name`.
    pub(crate) fn skip_block(&mut self, name: &str) -> Result<(), LayoutError> {
        let start = self.last;
        let mut last = "";
        loop {
            let Some(token) = self.next()? else {
                let inside = format!("`{}` that begins at line {start}", shortened(name));
                return Err(self.error(Problem::CutOff(inside)));
            };
            if last == "END" && token == name {
                return Ok(());
            }
            last = token;
        }
    }

    /// Skips an extension of a vendor, whose begin was read.
    pub(crate) fn skip_extension(&mut self) -> Result<(), LayoutError> {
        while self.need("an extension")? != "ENDEXT" {}
        Ok(())
    }

    /// A finite number below [`LARGEST`].
    pub(crate) fn number(&mut self) -> Result<f64, LayoutError> {
        let token = self.need("a statement")?;
        self.to_number(token)
    }

    pub(crate) fn to_number(&self, token: &str) -> Result<f64, LayoutError> {
        token
            .parse::<f64>()
            .ok()
            .filter(|number| number.is_finite() && number.abs() < LARGEST)
            .ok_or_else(|| {
                self.error(Problem::Number {
                    text: shortened(token),
                    wanted: "a number",
                })
            })
    }

    /// A whole number that fits into 32 bits, as all databases of layouts have them.
    pub(crate) fn integer(&mut self) -> Result<i64, LayoutError> {
        let token = self.need("a statement")?;
        self.to_integer(token)
    }

    pub(crate) fn to_integer(&self, token: &str) -> Result<i64, LayoutError> {
        let whole = token.parse::<i32>().ok().map(i64::from);
        // Some tools write whole numbers with a fraction of zeros.
        let whole = whole.or_else(|| {
            let (digits, fraction) = token.split_once('.')?;
            let zeros = fraction.bytes().all(|byte| byte == b'0');
            digits.parse::<i32>().ok().filter(|_| zeros).map(i64::from)
        });
        whole.ok_or_else(|| {
            self.error(Problem::Number {
                text: shortened(token),
                wanted: "a whole number of 32 bits",
            })
        })
    }

    /// A number of things.
    pub(crate) fn count(&mut self) -> Result<usize, LayoutError> {
        let count = self.integer()?;
        usize::try_from(count).map_err(|_| {
            self.error(Problem::Number {
                text: count.to_string(),
                wanted: "a count",
            })
        })
    }
}

/// A text without its quotes.
pub(crate) fn unquoted(token: &str) -> &str {
    token
        .strip_prefix('"')
        .and_then(|token| token.strip_suffix('"'))
        .unwrap_or(token)
}

/// What of a token is told in an error.
pub(crate) fn shortened(text: &str) -> String {
    const LONGEST: usize = 60;
    if text.chars().count() <= LONGEST {
        return text.to_owned();
    }
    text.chars().take(LONGEST).chain(['…']).collect()
}
