//! One line of a report taken apart, without a copy.

/// A number as it is printed, and how many digits follow its point.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Number {
    pub(super) value: f64,
    pub(super) decimals: u8,
}

/// Reads a decimal number like `-12.345`; `None` for anything else.
pub(super) fn number(text: &[u8]) -> Option<Number> {
    /// 10^15 and every integer below 2^53 have an exact form, so that their quotient is the nearest number.
    const DIGITS: usize = 15;
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    let mut mantissa = 0_u64;
    let mut point = None;
    let mut count = 0;
    for (position, byte) in digits.iter().enumerate() {
        match byte {
            b'0'..=b'9' => {
                count += 1;
                if count > DIGITS {
                    return exotic(text);
                }
                mantissa = mantissa * 10 + u64::from(byte - b'0');
            }
            b'.' if point.is_none() => point = Some(position),
            b'e' | b'E' => return exotic(text),
            _ => return None,
        }
    }
    if count == 0 {
        return None;
    }
    let decimals = point.map_or(0, |point| digits.len() - point - 1);
    let value = mantissa as f64 / 10_f64.powi(decimals as i32);
    Some(Number {
        value: if negative { -value } else { value },
        decimals: decimals as u8,
    })
}

/// No time is as far from 0, in any unit.
const FURTHEST: f64 = 1e15;

/// Numbers with an exponent or many digits.
#[cold]
fn exotic(text: &[u8]) -> Option<Number> {
    if text.len() > 64 {
        return None;
    }
    let text = std::str::from_utf8(text).ok()?;
    let begins_like_a_number = text.starts_with(|first: char| "-.0123456789".contains(first));
    let value: f64 = text.parse().ok()?;
    let fraction = text.split_once('.').map_or("", |(_, fraction)| fraction);
    let decimals = fraction.bytes().take_while(u8::is_ascii_digit).count();
    (begins_like_a_number && value.abs() < FURTHEST).then_some(Number {
        value,
        decimals: decimals as u8,
    })
}

/// The first word of `text` and what follows it.
pub(super) fn word(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let text = text.trim_ascii_start();
    let end = memchr::memchr2(b' ', b'\t', text).unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

/// The last word of `text` and what stands before it.
pub(super) fn last_word(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let text = text.trim_ascii_end();
    let start = memchr::memrchr2(b' ', b'\t', text).map_or(0, |space| space + 1);
    (start < text.len()).then(|| (&text[start..], &text[..start]))
}

/// A line of a path's table: the last two numbers at its beginning, and what stands behind them.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Row<'line> {
    /// The number before the last one.
    pub(super) delay: Option<Number>,
    /// The last number.
    pub(super) time: Option<Number>,
    pub(super) rest: &'line [u8],
}

/// Takes a line of a table apart. A name that looks like a number is taken for one where no edge stands before it.
pub(super) fn row(line: &[u8]) -> Row<'_> {
    let (mut delay, mut time) = (None, None);
    let mut rest = line;
    while let Some((found, behind)) = word(rest) {
        let Some(found) = number(found) else {
            break;
        };
        delay = time;
        time = Some(found);
        rest = behind;
    }
    Row {
        delay,
        time,
        rest: rest.trim_ascii(),
    }
}

/// The pin of what stands behind the numbers of a row, where an edge stands before it: `^ u1/A (INV_X1)`.
pub(super) fn pin(rest: &[u8]) -> Option<&[u8]> {
    let behind = match rest {
        [b'^' | b'v', b' ', behind @ ..] => behind,
        _ => return None,
    };
    let (name, behind) = word(behind)?;
    // `input external delay`, which has an edge too, is no pin: nothing in brackets follows it.
    behind.trim_ascii_start().starts_with(b"(").then_some(name)
}

/// The instance of a pin; a port stands for itself.
pub(super) fn instance(pin: &[u8]) -> &[u8] {
    memchr::memrchr(b'/', pin).map_or(pin, |slash| &pin[..slash])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_that_rust_reads() {
        for text in [
            "0",
            "-0.00",
            "1.17",
            "-0.908342",
            "123456.789012",
            ".5",
            "5.",
            "1e-12",
            "-2.5E+3",
            "123456789012.345678",
            "0.1234567890123456789",
        ] {
            let found = number(text.as_bytes()).unwrap();
            let expected: f64 = text.parse().unwrap();
            assert_eq!(found.value.to_bits(), expected.to_bits(), "{text}");
        }
        for text in [
            "", "-", ".", "--1", "1.2.3", "1-", "nan", "inf", "INF", "1e", "e5", "^", "1e15",
            "1e999",
        ] {
            assert_eq!(number(text.as_bytes()), None, "{text}");
        }
        assert_eq!(number(b"-0.908342").unwrap().decimals, 6);
    }

    #[test]
    fn rows_are_taken_apart_whatever_columns_they_have() {
        let told = |line: &'static str| {
            let row = row(line.as_bytes());
            let value = |number: Option<Number>| number.map(|number| number.value);
            let rest = std::str::from_utf8(row.rest).unwrap();
            (value(row.delay), value(row.time), rest)
        };
        assert_eq!(
            told("   0.10    0.17 ^ _452_/Q (DFF_X1)"),
            (Some(0.10), Some(0.17), "^ _452_/Q (DFF_X1)")
        );
        assert_eq!(
            told("     4    9.80    0.02    0.10    0.11 v u1/ZN (INV_X1)"),
            (Some(0.10), Some(0.11), "v u1/ZN (INV_X1)")
        );
        assert_eq!(
            told("           1.17   data arrival time"),
            (None, Some(1.17), "data arrival time")
        );
        assert_eq!(told("-----"), (None, None, "-----"));
    }

    #[test]
    fn only_what_has_an_edge_and_a_cell_is_a_pin() {
        assert_eq!(pin(b"^ top/u1/ZN (INV_X1)"), Some(&b"top/u1/ZN"[..]));
        assert_eq!(pin(b"v out[3] (out)"), Some(&b"out[3]"[..]));
        assert_eq!(pin(b"^ input external delay"), None);
        assert_eq!(pin(b"clock clk (rise edge)"), None);
        assert_eq!(pin(b"_000_ (net)"), None);
        assert_eq!(instance(b"top/u1/ZN"), b"top/u1");
        assert_eq!(instance(b"out[3]"), b"out[3]");
    }
}
