//! The hash under which two netlists are one design. Reads only as much Verilog as that needs: tokens,
//! statements and modules. Never resolves a name.

use std::collections::BTreeMap;

use noodle2_model::ContentHash;

use crate::error::NetlistError;
use crate::tokens::Tokens;

/// The hash of a netlist that is blind to the order of modules and of the statements in them, to white
/// space and to comments, and to nothing else.
///
/// # Errors
/// When the text is no complete netlist.
pub fn canonical_hash(text: &[u8]) -> Result<ContentHash, NetlistError> {
    let mut modules: BTreeMap<&[u8], Statements> = BTreeMap::new();
    let mut tokens = Tokens::new(text);
    while let Some(token) = tokens.next()? {
        if token != b"module" {
            return Err(NetlistError::OutsideModule {
                line: tokens.line(),
                text: String::from_utf8_lossy(token).into_owned(),
            });
        }
        let (name, statements) = module_of(&mut tokens)?;
        if modules.insert(name, statements).is_some() {
            return Err(NetlistError::DuplicateModule {
                name: String::from_utf8_lossy(name).into_owned(),
            });
        }
    }
    if modules.is_empty() {
        return Err(NetlistError::Empty);
    }
    let mut hasher = blake3::Hasher::new();
    for (name, statements) in modules {
        let statements = statements.sorted();
        let count = statements.len() as u64;
        hasher.update(&(name.len() as u64).to_le_bytes());
        hasher.update(name);
        hasher.update(&count.to_le_bytes());
        for statement in statements {
            hasher.update(&(statement.len() as u64).to_le_bytes());
            hasher.update(statement);
        }
    }
    Ok(ContentHash::from_bytes(*hasher.finalize().as_bytes()))
}

/// What a netlist holds beside instances, which engines are known to drop when they write it back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Aliases {
    /// `assign` statements.
    pub assignments: usize,
    /// Constants such as `1'b0`.
    pub constants: usize,
}

impl Aliases {
    /// Counts them.
    ///
    /// # Errors
    /// When the text ends inside a comment or string.
    pub fn count(text: &[u8]) -> Result<Self, NetlistError> {
        let mut tokens = Tokens::new(text);
        let mut found = Self::default();
        while let Some(token) = tokens.next()? {
            found.assignments += usize::from(token == b"assign");
            // Neither an escaped name nor a string is a constant, whatever is in it.
            let plain = !token.starts_with(b"\\") && !token.starts_with(b"\"");
            found.constants += usize::from(plain && token.contains(&b'\''));
        }
        Ok(found)
    }
}

/// The statements of a module, one after the other in one text: a netlist has too many for a text each.
#[derive(Default)]
struct Statements {
    text: Vec<u8>,
    /// Where each ends.
    ends: Vec<usize>,
}

impl Statements {
    fn sorted(&self) -> Vec<&[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        let ranges = starts.zip(&self.ends);
        let mut statements: Vec<&[u8]> =
            ranges.map(|(start, end)| &self.text[start..*end]).collect();
        statements.sort_unstable();
        statements
    }

    /// Whether nothing was added since the last statement ended.
    fn is_between(&self) -> bool {
        self.ends.last().copied().unwrap_or(0) == self.text.len()
    }
}

/// The name and the statements of a module, after the word `module`. Its header is one of the statements.
fn module_of<'a>(tokens: &mut Tokens<'a>) -> Result<(&'a [u8], Statements), NetlistError> {
    let name = tokens
        .next()?
        .ok_or_else(|| tokens.cut_off("a module".to_owned()))?;
    let inside = || format!("module `{}`", String::from_utf8_lossy(name));
    let mut statements = Statements::default();
    loop {
        let token = tokens.next()?.ok_or_else(|| tokens.cut_off(inside()))?;
        match token {
            b";" => statements.ends.push(statements.text.len()),
            b"endmodule" if statements.is_between() => return Ok((name, statements)),
            _ => {
                // A space ends an escaped name, and stands in no other token.
                statements.text.extend_from_slice(token);
                statements.text.push(b' ');
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TINY: &str = "module top (a, \\b[0] , y);\n input a;\n input \\b[0] ;\n output y;\n\n \
        NAND2 u1 (.A(a),\n    .B(\\b[0] ),\n    .Y(n));\n INV u2 (.A(n), .Y(y));\nendmodule\n";

    fn hash(text: &str) -> ContentHash {
        canonical_hash(text.as_bytes()).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    #[test]
    fn aliases_are_counted_and_names_that_look_like_them_are_not() {
        let text = b"module m (a, y); /* assign */ assign y = 1'b0; \
                     INVX1 \\assign' (.A(\\1'b1 ), .Y(n)); endmodule";
        let found = Aliases::count(text).unwrap();
        assert_eq!((found.assignments, found.constants), (1, 1));
    }

    #[test]
    fn order_white_space_and_comments_do_not_count() {
        let shuffled = "// made by hand\nmodule top(a,\\b[0] ,y);output y;INV u2(.A(n),.Y(y));\
            input a; /* ; endmodule */ NAND2 u1 ( .A(a), .B(\\b[0]\t),.Y(n) );input \\b[0] ;endmodule";
        assert_eq!(hash(TINY), hash(shuffled));
    }

    #[test]
    fn everything_else_counts() {
        for (from, to) in [
            (".A(a)", ".A(n)"),
            ("INV u2", "INVX2 u2"),
            (".A(n)", ".A()"),
            ("u1", "u3"),
            ("\\b[0] ),", "\\b[0]x ),"),
            (" input a;\n", ""),
            (
                "INV u2 (.A(n), .Y(y));",
                "INV u2 (.A(n), .Y(y)); INV u4 (.A(n));",
            ),
            ("module top", "module other"),
            ("(a, \\b[0] , y)", "(\\b[0] , a, y)"),
        ] {
            assert!(TINY.contains(from));
            assert_ne!(
                hash(TINY),
                hash(&TINY.replacen(from, to, 1)),
                "{from} -> {to}"
            );
        }
    }

    #[test]
    fn an_escaped_name_may_hold_anything() {
        let one = "module t; INV \\u;1 (.A(\\/*x ), .Y(y)); endmodule";
        let other = "module t; INV \\u;2 (.A(\\/*x ), .Y(y)); endmodule";
        assert_ne!(hash(one), hash(other));
    }

    #[test]
    fn a_netlist_that_was_cut_off_is_noticed_wherever() {
        let whole = TINY.trim_end();
        for end in 1..whole.len() {
            assert!(
                canonical_hash(&whole.as_bytes()[..end]).is_err(),
                "{}",
                &whole[..end]
            );
        }
        assert_eq!(canonical_hash(b""), Err(NetlistError::Empty));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = canonical_hash(&bytes);
        }

        #[test]
        fn nor_do_bytes_that_look_like_verilog(parts in prop::collection::vec(
            prop::sample::select(vec!["module", "endmodule", " ", "\\", "\"", ";", "/*", "*/", "//", "\n", "a", "(", "'"]), 0..30)) {
            let _ = canonical_hash(parts.concat().as_bytes());
        }
    }
}
