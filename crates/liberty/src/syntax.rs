//! The syntax of Liberty files, as a flat sequence of events over the bytes of a file.
//!
//! Statements are `name : value ;`, `name ( arguments ) ;` and `name ( arguments ) { ... }`. Nothing is
//! allocated and arguments are not split before somebody asks, so the tables that make up most of a
//! library cost one search for their closing parenthesis. Groups are counted, not recursed into.
//!
//! Lenient where real libraries are sloppy: missing or doubled semicolons, `//` comments, a byte order
//! mark, any encoding inside comments and strings. Strict where leniency would hide a cut-off file.

use std::borrow::Cow;

use memchr::{memchr, memchr2, memmem};

use crate::Problem;

/// A problem and the byte at which it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) offset: usize,
    pub(crate) problem: Problem,
}

/// One step through a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event<'a> {
    /// `name ( arguments ) {`
    Open(&'a [u8], Arguments<'a>),
    /// `}`
    Close,
    /// `name : value ;`
    Simple(&'a [u8], Value<'a>),
    /// `name ( arguments ) ;`
    Complex(&'a [u8], Arguments<'a>),
    /// The end of the file, outside of all groups.
    End,
}

/// The value of a simple attribute as it stands in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Value<'a>(&'a [u8]);

impl<'a> Value<'a> {
    /// The text without its quotes and line continuations. Bytes that are not UTF-8 become U+FFFD.
    pub(crate) fn text(self) -> Cow<'a, str> {
        unquote(self.0)
    }
}

/// What stands between the parentheses of a group or complex attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Arguments<'a>(&'a [u8]);

impl<'a> Arguments<'a> {
    /// The bytes as they stand.
    pub(crate) fn bytes(self) -> &'a [u8] {
        self.0
    }

    /// The arguments, without quotes, split at commas and blanks outside of quotes.
    pub(crate) fn texts(self) -> impl Iterator<Item = Cow<'a, str>> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            rest = after_separators(rest);
            let end = match rest.first()? {
                b'"' => string_end(rest, 0).unwrap_or(rest.len()),
                _ => rest
                    .iter()
                    .position(|byte| is_blank(*byte) || matches!(byte, b',' | b'"'))
                    .unwrap_or(rest.len()),
            };
            let (argument, tail) = rest.split_at(end);
            rest = tail;
            Some(unquote(argument))
        })
    }

    /// The first argument.
    pub(crate) fn first(self) -> Option<Cow<'a, str>> {
        self.texts().next()
    }
}

fn after_separators(mut bytes: &[u8]) -> &[u8] {
    loop {
        match bytes {
            [b'/', b'*', tail @ ..] => {
                bytes = memmem::find(tail, b"*/").map_or(&[], |end| &tail[end + 2..]);
            }
            [byte, tail @ ..] if is_blank(*byte) || matches!(byte, b',' | b'\\') => bytes = tail,
            _ => return bytes,
        }
    }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | 0x0b | 0x0c)
}

/// The end of the string whose opening quote is at `start`, after its closing quote.
fn string_end(bytes: &[u8], start: usize) -> Option<usize> {
    let mut position = start + 1;
    loop {
        position += memchr2(b'"', b'\\', bytes.get(position..)?)?;
        if bytes[position] == b'"' {
            return Some(position + 1);
        }
        position += 2;
    }
}

fn unquote(bytes: &[u8]) -> Cow<'_, str> {
    let bytes = bytes.trim_ascii();
    let inner = match bytes {
        [b'"', inner @ .., b'"'] => inner,
        _ => bytes,
    };
    if memchr(b'\\', inner).is_none() {
        return String::from_utf8_lossy(inner);
    }
    let mut text = Vec::with_capacity(inner.len());
    let mut rest = inner;
    while let Some(position) = memchr(b'\\', rest) {
        text.extend_from_slice(&rest[..position]);
        rest = match &rest[position + 1..] {
            [b'\n', tail @ ..] | [b'\r', b'\n', tail @ ..] => tail,
            [b'"', tail @ ..] => {
                text.push(b'"');
                tail
            }
            tail => {
                text.push(b'\\');
                tail
            }
        };
    }
    text.extend_from_slice(rest);
    Cow::Owned(String::from_utf8_lossy(&text).into_owned())
}

/// Bytes at which skipping must look closer: strings, comments, braces, parentheses.
const STOPS: [bool; 256] = {
    let mut stops = [false; 256];
    let bytes = b"\"/{}()";
    let mut index = 0;
    while index < bytes.len() {
        stops[bytes[index] as usize] = true;
        index += 1;
    }
    stops
};

/// Walks over the bytes of a file.
pub(crate) struct Scanner<'a> {
    bytes: &'a [u8],
    position: usize,
    depth: usize,
}

impl<'a> Scanner<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        let mark: &[u8] = b"\xef\xbb\xbf";
        Self {
            bytes,
            position: if bytes.starts_with(mark) {
                mark.len()
            } else {
                0
            },
            depth: 0,
        }
    }

    /// A fault at the present position.
    pub(crate) fn fault(&self, problem: Problem) -> Fault {
        self.fault_at(self.position, problem)
    }

    fn fault_at(&self, offset: usize, problem: Problem) -> Fault {
        Fault { offset, problem }
    }

    /// The line of the byte at `offset`, counted from 1.
    pub(crate) fn line(bytes: &[u8], offset: usize) -> usize {
        1 + memchr::memchr_iter(b'\n', &bytes[..offset.min(bytes.len())]).count()
    }

    /// The next event.
    pub(crate) fn next(&mut self) -> Result<Event<'a>, Fault> {
        loop {
            self.skip_blanks()?;
            match self.peek() {
                None if self.depth > 0 => return Err(self.fault(Problem::OpenGroup)),
                None => return Ok(Event::End),
                Some(b';') => self.position += 1,
                Some(b'}') if self.depth == 0 => return Err(self.fault(Problem::StrayBrace)),
                Some(b'}') => {
                    self.depth -= 1;
                    self.position += 1;
                    return Ok(Event::Close);
                }
                Some(_) => break,
            }
        }
        let name = self.name()?;
        self.skip_blanks()?;
        match self.peek() {
            Some(b':' | b'=') => {
                self.position += 1;
                Ok(Event::Simple(name, self.value()?))
            }
            Some(b'(') => {
                let arguments = self.arguments()?;
                self.skip_blanks()?;
                if self.peek() == Some(b'{') {
                    self.position += 1;
                    self.depth += 1;
                    Ok(Event::Open(name, arguments))
                } else {
                    Ok(Event::Complex(name, arguments))
                }
            }
            _ => Err(self.unexpected("`:` or `(` after a name")),
        }
    }

    /// Skips the rest of the group whose [`Event::Open`] was the last event, its closing brace included.
    pub(crate) fn skip_group(&mut self) -> Result<(), Fault> {
        let mut open = 1_usize;
        while let Some(byte) = self.next_stop()? {
            match byte {
                b'{' => open += 1,
                b'}' => open -= 1,
                _ => {}
            }
            self.position += 1;
            if open == 0 {
                self.depth = self.depth.saturating_sub(1);
                return Ok(());
            }
        }
        Err(self.fault(Problem::OpenGroup))
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.position).copied()
    }

    fn rest(&self) -> &'a [u8] {
        &self.bytes[self.position.min(self.bytes.len())..]
    }

    /// Moves to the next brace or parenthesis outside of strings and comments.
    fn next_stop(&mut self) -> Result<Option<u8>, Fault> {
        loop {
            let Some(distance) = self
                .rest()
                .iter()
                .position(|byte| STOPS[usize::from(*byte)])
            else {
                self.position = self.bytes.len();
                return Ok(None);
            };
            self.position += distance;
            match self.bytes[self.position] {
                b'"' => self.skip_string()?,
                b'/' if self.rest().starts_with(b"/*") => self.skip_comment()?,
                b'/' => self.position += 1,
                byte => return Ok(Some(byte)),
            }
        }
    }

    fn skip_string(&mut self) -> Result<(), Fault> {
        self.position =
            string_end(self.bytes, self.position).ok_or_else(|| self.fault(Problem::OpenString))?;
        Ok(())
    }

    fn skip_comment(&mut self) -> Result<(), Fault> {
        let body = self.rest().get(2..).unwrap_or_default();
        let end = memmem::find(body, b"*/").ok_or_else(|| self.fault(Problem::OpenComment))?;
        self.position += 2 + end + 2;
        Ok(())
    }

    /// Skips blanks, comments and line continuations.
    fn skip_blanks(&mut self) -> Result<(), Fault> {
        loop {
            match self.rest() {
                [byte, ..] if is_blank(*byte) => self.position += 1,
                [b'/', b'*', ..] => self.skip_comment()?,
                [b'/', b'/', ..] => {
                    self.position += memchr(b'\n', self.rest()).unwrap_or(self.rest().len());
                }
                [b'\\', byte, ..] if is_blank(*byte) => self.position += 1,
                _ => return Ok(()),
            }
        }
    }

    fn name(&mut self) -> Result<&'a [u8], Fault> {
        let start = self.position;
        if self.peek() == Some(b'"') {
            self.skip_string()?;
            return Ok(&self.bytes[start + 1..self.position - 1]);
        }
        let length = self
            .rest()
            .iter()
            .position(|byte| is_blank(*byte) || b"(){}:;,=\"\\".contains(byte))
            .unwrap_or(self.rest().len());
        if length == 0 {
            return Err(self.unexpected("the name of an attribute or group"));
        }
        self.position += length;
        Ok(&self.bytes[start..self.position])
    }

    /// The value after a colon. It ends at a semicolon, at the end of its line where the semicolon was
    /// forgotten, or at the end of its group.
    fn value(&mut self) -> Result<Value<'a>, Fault> {
        self.skip_blanks()?;
        let start = self.position;
        if self.peek() == Some(b'"') {
            self.skip_string()?;
            let value = Value(&self.bytes[start..self.position]);
            self.end_of_value()?;
            return Ok(value);
        }
        loop {
            match self.rest() {
                [] | [b';' | b'}' | b'\n', ..] | [b'/', b'*', ..] => break,
                [b'"', ..] => self.skip_string()?,
                [b'{', ..] => return Err(self.unexpected("a value")),
                [b'\\', b'\r', b'\n', ..] => self.position += 3,
                [b'\\', b'\n', ..] => self.position += 2,
                _ => self.position += 1,
            }
        }
        let value = Value(&self.bytes[start..self.position]);
        self.end_of_value()?;
        Ok(value)
    }

    /// Checks that nothing but a terminator follows a value: text there means that a value was
    /// misread, which must not pass in silence.
    fn end_of_value(&mut self) -> Result<(), Fault> {
        loop {
            match self.rest() {
                [b'\n', ..] | [b'}', ..] | [] => return Ok(()),
                [b';', ..] => {
                    self.position += 1;
                    return Ok(());
                }
                [byte, ..] if is_blank(*byte) => self.position += 1,
                [b'/', b'*', ..] => self.skip_comment()?,
                [b'/', b'/', ..] => return Ok(()),
                [b'\\', byte, ..] if is_blank(*byte) => self.position += 1,
                _ => return Err(self.unexpected("`;` after a value")),
            }
        }
    }

    fn arguments(&mut self) -> Result<Arguments<'a>, Fault> {
        let start = self.position;
        let mut open = 0_usize;
        while let Some(byte) = self.next_stop()? {
            match byte {
                b'(' => open += 1,
                b')' => open -= 1,
                _ => break,
            }
            self.position += 1;
            if open == 0 {
                return Ok(Arguments(&self.bytes[start + 1..self.position - 1]));
            }
        }
        Err(self.fault_at(start, Problem::OpenParenthesis))
    }

    fn unexpected(&self, expected: &'static str) -> Fault {
        let found = match self.rest() {
            [] => "the end of the file".to_owned(),
            [byte, ..] if byte.is_ascii_graphic() => format!("`{}`", char::from(*byte)),
            [byte, ..] => format!("the byte 0x{byte:02x}"),
        };
        self.fault(Problem::Unexpected { expected, found })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(text: &str) -> Result<Vec<String>, Fault> {
        let mut scanner = Scanner::new(text.as_bytes());
        let mut all = Vec::new();
        let name = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        loop {
            let shown = match scanner.next()? {
                Event::End => return Ok(all),
                Event::Close => "}".to_owned(),
                Event::Simple(word, value) => format!("{}={}", name(word), value.text()),
                Event::Complex(word, arguments) => {
                    let texts: Vec<_> = arguments.texts().collect();
                    format!("{}({})", name(word), texts.join("|"))
                }
                Event::Open(word, arguments) => {
                    let texts: Vec<_> = arguments.texts().collect();
                    format!("{}({}){{", name(word), texts.join("|"))
                }
            };
            all.push(shown);
        }
    }

    #[test]
    fn statements_of_all_kinds_and_habits() {
        let text = "\u{feff}/* c */ library(x) {\n area : 3 /* why */ ;; \n b : \"q (1);{\" \n c : no_semicolon\n\
            d (1, \"a, b\" two /* x, */) \n e : \"one \\\n two\" ; f : \\\n 7; // note\n g() { h : last }\n}\n ;";
        assert_eq!(
            events(text).unwrap(),
            [
                "library(x){",
                "area=3",
                "b=q (1);{",
                "c=no_semicolon",
                "d(1|a, b|two)",
                "e=one  two",
                "f=7",
                "g(){",
                "h=last",
                "}",
                "}",
            ]
        );
    }

    #[test]
    fn skipping_ignores_braces_in_strings_and_comments() {
        let text = b"a() { b(\"}\") { c : \"{\"; /* } */ } } d : 1;";
        let mut scanner = Scanner::new(text);
        assert!(matches!(scanner.next(), Ok(Event::Open(b"a", _))));
        scanner.skip_group().unwrap();
        assert!(matches!(scanner.next(), Ok(Event::Simple(b"d", _))));
        assert_eq!(scanner.next(), Ok(Event::End));
    }

    #[test]
    fn faults_point_at_their_line() {
        for (text, line, problem) in [
            ("a() {\n b : 1;\n", 3, Problem::OpenGroup),
            ("a : 1;\n}", 2, Problem::StrayBrace),
            ("\n\n a : \"x", 3, Problem::OpenString),
            ("\n/* x", 2, Problem::OpenComment),
            ("a : 1;\nvalues (1, 2 \n }", 2, Problem::OpenParenthesis),
        ] {
            let fault = events(text).unwrap_err();
            assert_eq!(fault.problem, problem, "{text:?}");
            assert_eq!(
                Scanner::line(text.as_bytes(), fault.offset),
                line,
                "{text:?}"
            );
        }
        assert!(matches!(
            events("function : \"A\" \"B\";").unwrap_err().problem,
            Problem::Unexpected { .. }
        ));
        assert!(events("name {").is_err());
    }
}
