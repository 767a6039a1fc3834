//! How names in DEF map onto names in Verilog.
//!
//! In DEF a backslash before a character says that the character has no meaning: `us23.a\[3\]` is one net whose name has
//! brackets, `key[57]` is bit 57 of the bus `key`; `a\/b` has a slash in its name, `a/b` is `b` within `a`. In Verilog such
//! a name is written escaped: `\us23.a[3] `, while a bit of a bus is `key[57]`. In a flat netlist, which is what a placed
//! design has, a divider is part of a name too.

use std::fmt;

/// A name as Verilog has it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct VerilogName {
    /// The name without any escape; for a bit of a bus, the bus.
    pub identifier: String,
    /// The bit of the bus; `None` for what is no bit.
    pub bit: Option<u32>,
}

impl VerilogName {
    /// The Verilog name of a component, pin or net of a DEF file whose [`bus characters`](crate::Def::bus_characters) these
    /// are. A backslash at the very end, which escapes nothing, stays.
    pub fn from_def(name: &str, bus_characters: (char, char)) -> Self {
        let (open, close) = bus_characters;
        // Each character with whether it was escaped.
        let mut characters: Vec<(char, bool)> = Vec::with_capacity(name.len());
        let mut rest = name.chars();
        while let Some(character) = rest.next() {
            match character {
                '\\' => characters.push(rest.next().map_or(('\\', false), |next| (next, true))),
                _ => characters.push((character, false)),
            }
        }
        let text = |part: &[(char, bool)]| part.iter().map(|(character, _)| character).collect();
        let split = || {
            let (last, before) = characters.split_last()?;
            if *last != (close, false) {
                return None;
            }
            let start = before.iter().rposition(|entry| *entry == (open, false))?;
            let digits: String = text(&before[start + 1..]);
            let bit = digits
                .parse()
                .ok()
                .filter(|_| start > 0 && is_plain(&digits))?;
            Some((text(&before[..start]), bit))
        };
        match split() {
            Some((identifier, bit)) => Self {
                identifier,
                bit: Some(bit),
            },
            None => Self {
                identifier: text(&characters),
                bit: None,
            },
        }
    }

    /// The name with its bit and without any escape, as in `us23.a[3]`.
    pub fn plain(&self) -> String {
        match self.bit {
            Some(bit) => format!("{}[{bit}]", self.identifier),
            None => self.identifier.clone(),
        }
    }
}

/// Digits alone, of which there is one way to write a number.
fn is_plain(digits: &str) -> bool {
    digits.bytes().all(|byte| byte.is_ascii_digit()) && (digits == "0" || !digits.starts_with('0'))
}

/// The name as it stands in Verilog text: escaped where it must be, with the blank that ends an escaped name.
impl fmt::Display for VerilogName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = self.identifier.bytes();
        let is_first = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
        let is_simple = bytes.next().is_some_and(is_first)
            && bytes.all(|byte| is_first(byte) || byte.is_ascii_digit() || byte == b'$');
        match is_simple {
            true => formatter.write_str(&self.identifier)?,
            false => write!(formatter, "\\{} ", self.identifier)?,
        }
        match self.bit {
            Some(bit) => write!(formatter, "[{bit}]"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_def_are_told_as_verilog_has_them() {
        let cases = [
            ("_00000_", "_00000_", None, "_00000_"),
            (r"us23.a\[3\]", "us23.a[3]", None, r"\us23.a[3] "),
            ("key[57]", "key", Some(57), "key[57]"),
            (r"u1/a\/b[0]", "u1/a/b", Some(0), r"\u1/a/b [0]"),
            (r"a\[1\][2]", "a[1]", Some(2), r"\a[1] [2]"),
            ("a[01]", "a[01]", None, r"\a[01] "),
            ("a[x]", "a[x]", None, r"\a[x] "),
            ("[3]", "[3]", None, r"\[3] "),
            (r"end\", r"end\", None, r"\end\ "),
            ("", "", None, r"\ "),
        ];
        for (def, identifier, bit, verilog) in cases {
            let name = VerilogName::from_def(def, ('[', ']'));
            assert_eq!(
                (name.identifier.as_str(), name.bit),
                (identifier, bit),
                "{def}"
            );
            assert_eq!(name.to_string(), verilog, "{def}");
        }
        let name = VerilogName::from_def("key<5>", ('<', '>'));
        assert_eq!(name.plain(), "key[5]");
        // With other characters around a bit, brackets mean nothing.
        let name = VerilogName::from_def("key[5]", ('<', '>'));
        assert_eq!((name.plain().as_str(), name.bit), ("key[5]", None));
    }
}
