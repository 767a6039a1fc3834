//! Lines of an input in memory that does not grow with it.

use std::io::{self, Read};

/// How much is read at once.
const BUFFER: usize = 256 << 10;

/// How long a line is at most, in bytes: a longer one is cut there.
pub(super) const LONGEST: usize = 16 << 10;

/// Gives every line, without its line feed and carriage return, to `take`; of one that is too long its beginning.
/// Returns how many lines were cut.
pub(super) fn for_each(mut input: impl Read, mut take: impl FnMut(&[u8])) -> io::Result<u64> {
    let mut buffer = vec![0; BUFFER];
    let mut filled = 0;
    let mut cut = 0;
    let mut give = |line: &[u8]| {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        cut += u64::from(line.len() > LONGEST);
        take(&line[..line.len().min(LONGEST)]);
    };
    // The rest of a line whose beginning was taken already.
    let mut skipping = false;
    loop {
        let read = match input.read(&mut buffer[filled..]) {
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let searched = filled;
        filled += read;
        let mut start = 0;
        let ends = memchr::memchr_iter(b'\n', &buffer[searched..filled]);
        for end in ends.map(|end| searched + end) {
            if !std::mem::take(&mut skipping) {
                give(&buffer[start..end]);
            }
            start = end + 1;
        }
        if read == 0 {
            if start < filled && !skipping {
                give(&buffer[start..filled]);
            }
            return Ok(cut);
        }
        buffer.copy_within(start..filled, 0);
        filled -= start;
        if filled == buffer.len() {
            if !skipping {
                give(&buffer);
            }
            skipping = true;
            filled = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives a few bytes at a time, as a pipe may.
    struct Trickle<'a>(&'a [u8], usize);

    impl Read for Trickle<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let count = self.1.min(self.0.len()).min(into.len());
            into[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }

    fn lines(text: &[u8], at_once: usize) -> (Vec<Vec<u8>>, u64) {
        let mut lines = Vec::new();
        let cut = for_each(Trickle(text, at_once), |line| lines.push(line.to_vec())).unwrap();
        (lines, cut)
    }

    #[test]
    fn lines_are_the_same_however_they_arrive() {
        let text = b"one\r\n\ntwo\nthree";
        let expected: Vec<&[u8]> = vec![b"one", b"", b"two", b"three"];
        for at_once in 1..20 {
            assert_eq!(lines(text, at_once).0, expected, "{at_once} at once");
        }
        assert_eq!(lines(b"", 3).0.len(), 0);
        assert_eq!(lines(b"one\n", 3).0, [b"one".to_vec()]);
    }

    #[test]
    fn a_line_that_never_ends_is_cut_and_what_follows_it_is_read() {
        for length in [LONGEST + 1, BUFFER - 1, BUFFER, BUFFER + 1, 3 * BUFFER + 7] {
            let mut text = vec![b'x'; length];
            text.extend_from_slice(b"\nnext\n");
            for at_once in [4096, usize::MAX] {
                let (found, cut) = lines(&text, at_once);
                let lengths: Vec<usize> = found.iter().map(Vec::len).collect();
                assert_eq!((lengths, cut), (vec![LONGEST, 4], 1), "{length} bytes");
            }
        }
    }
}
