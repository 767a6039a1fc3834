//! A cursor over the lines of a log, and how numbers are read from them.

/// The lines of a text, and where a reader stands in them.
#[derive(Clone, Debug)]
pub(crate) struct Lines<'a> {
    lines: Vec<&'a str>,
    at: usize,
}

impl<'a> Lines<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self {
            lines: text.lines().map(str::trim_end).collect(),
            at: 0,
        }
    }

    /// The line at which the reader stands; none at the end.
    pub(crate) fn peek(&self) -> Option<&'a str> {
        self.lines.get(self.at).copied()
    }

    /// The line that comes `ahead` lines later.
    pub(crate) fn look(&self, ahead: usize) -> Option<&'a str> {
        self.lines.get(self.at.checked_add(ahead)?).copied()
    }

    pub(crate) fn skip(&mut self, lines: usize) {
        self.at = (self.at + lines).min(self.lines.len());
    }

    /// The number of the line at which the reader stands, from 1.
    pub(crate) fn number(&self) -> usize {
        self.at + 1
    }

    /// The lines that `row` takes, up to the first that it does not. Lines of dashes between them are skipped.
    pub(crate) fn rows<T>(&mut self, mut row: impl FnMut(&'a str) -> Option<T>) -> Vec<T> {
        let mut found = Vec::new();
        while let Some(line) = self.peek() {
            match row(line) {
                Some(value) => found.push(value),
                None if is_rule(line) => {}
                None => break,
            }
            self.at += 1;
        }
        found
    }
}

/// Whether a line is a rule of a table: dashes alone.
pub(crate) fn is_rule(line: &str) -> bool {
    line.len() >= 4 && line.bytes().all(|byte| byte == b'-')
}

/// A finite number; none for anything else, `INF` and `nan` among it. Negative zero, which two digits make of a small
/// negative number, stays what it is.
pub(crate) fn number(word: &str) -> Option<f64> {
    let is_numeric = word
        .bytes()
        .all(|byte| byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.' | b'e' | b'E'));
    if !is_numeric {
        return None;
    }
    word.parse().ok().filter(|value: &f64| value.is_finite())
}

/// A number with a percent sign after it.
pub(crate) fn percent(word: &str) -> Option<f64> {
    number(word.strip_suffix('%')?.trim_end())
}

/// A count.
pub(crate) fn count(word: &str) -> Option<u64> {
    let is_count = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
    is_count.then(|| word.parse().ok()).flatten()
}

/// A text without its last words, and those, in their order; none where it has fewer.
pub(crate) fn last_words<const N: usize>(text: &str) -> Option<(&str, [&str; N])> {
    let mut rest = text.trim_end();
    let mut words = [""; N];
    for slot in words.iter_mut().rev() {
        let at = rest
            .rfind(|letter: char| letter.is_ascii_whitespace())
            .map_or(0, |at| at + 1);
        *slot = &rest[at..];
        if slot.is_empty() {
            return None;
        }
        rest = rest[..at].trim_end();
    }
    Some((rest, words))
}
