//! Samples changed by chance, the same on every machine.

/// Changes samples: bytes, pieces of others, numbers that are too large, ends that are missing.
#[derive(Debug)]
pub struct Mutations {
    state: u64,
}

/// Pieces that mean something to one reader or another.
const PIECES: &[&[u8]] = &[
    b"",
    b"\n",
    b"\r\n",
    b"\t",
    b"\0",
    b" ",
    b"\"",
    b"'",
    b"\\",
    b"{",
    b"}",
    b"[",
    b"]",
    b"(",
    b")",
    b";",
    b":",
    b"//",
    b"/*",
    b"*/",
    b"#",
    b"$",
    b"-",
    b"1e999",
    b"-0",
    b"18446744073709551616",
    b"99999999999999999999999",
    b"0.000000000000000000000000000001",
    b"NaN",
    b"\xff\xfe",
    b"\xc3\x28",
    "\u{1f600}".as_bytes(),
    b"null",
    b"end",
    b"module",
    b"library",
    b"&a *a",
    b"!!binary ",
    b"- ",
    b"---\n",
];

impl Mutations {
    /// A series that a seed tells.
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// SplitMix64 (Steele, Lea, Flood 2014).
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }

    /// The next change of one of `samples`.
    pub fn of(&mut self, samples: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = samples
            .get(self.below(samples.len()))
            .cloned()
            .unwrap_or_default();
        for _ in 0..=self.below(4) {
            let at = self.below(bytes.len() + 1);
            let until = (at + self.below(64)).min(bytes.len());
            match self.below(8) {
                0 => bytes.truncate(at),
                1 => drop(bytes.drain(at..until)),
                2 if at < bytes.len() => bytes[at] ^= 1 << self.below(8),
                3 if at < bytes.len() => bytes[at] = self.next() as u8,
                4 => {
                    let piece = bytes[at..until].to_vec();
                    let times = 1 + self.below(300);
                    drop(bytes.splice(at..at, piece.repeat(times)));
                }
                5 => {
                    let other = &samples[self.below(samples.len())];
                    let from = self.below(other.len() + 1);
                    let to = (from + self.below(256)).min(other.len());
                    drop(bytes.splice(at..until, other[from..to].iter().copied()));
                }
                _ => {
                    let piece = PIECES[self.below(PIECES.len())];
                    drop(bytes.splice(at..until, piece.iter().copied()));
                }
            }
        }
        bytes
    }
}
