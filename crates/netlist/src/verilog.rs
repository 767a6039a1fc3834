//! Reads the modules of a structural netlist. What is meant by a name across modules is for
//! [`crate::design`]; this room only knows what stands in one.

use std::collections::BTreeMap;

use crate::error::NetlistError;
use crate::tokens::Tokens;

/// A module as it is written.
#[derive(Debug, Default)]
pub(crate) struct Module {
    /// Whether an attribute says that its instances are to be left alone.
    pub is_marked: bool,
    /// The ports in the order of the header.
    pub ports: Vec<String>,
    /// What was declared of a name.
    pub declarations: BTreeMap<String, Declaration>,
    pub instances: Vec<WrittenInstance>,
    /// Left side and right side.
    pub assignments: Vec<(Expression, Expression)>,
}

#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Declaration {
    pub direction: Option<PortWord>,
    /// First and last index as written; `None` for a single bit.
    pub range: Option<(i64, i64)>,
    /// `supply0` and `supply1` nets are constant.
    pub supply: Option<bool>,
    /// Whether an attribute says that it is to be left alone.
    pub is_marked: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PortWord {
    Input,
    Output,
    Inout,
}

#[derive(Debug)]
pub(crate) struct WrittenInstance {
    pub name: String,
    pub cell: String,
    pub connections: Connections,
    /// Whether an attribute says that it is to be left alone.
    pub is_marked: bool,
}

#[derive(Debug)]
pub(crate) enum Connections {
    Named(Vec<(String, Option<Expression>)>),
    Ordered(Vec<Option<Expression>>),
}

/// What a pin is connected to.
#[derive(Debug, Clone)]
pub(crate) enum Expression {
    /// A whole net or bus.
    Name(String),
    /// One bit of a bus.
    Bit(String, i64),
    /// Several bits of a bus, first to last.
    Part(String, i64, i64),
    /// Constant bits (`0`, `1`, `x`, `z`), the most significant first.
    Constant(Vec<char>),
    /// Several, the most significant first.
    Joined(Vec<Expression>),
}

/// All modules of a text by name.
///
/// # Errors
/// When it is no structural netlist.
pub(crate) fn read_modules(text: &[u8]) -> Result<BTreeMap<String, Module>, NetlistError> {
    let mut reader = Reader::new(text)?;
    let mut modules = BTreeMap::new();
    loop {
        let is_marked = reader.attributes()?;
        if reader.current.is_none() {
            break;
        }
        if !reader.take("module")? {
            return Err(NetlistError::OutsideModule {
                line: reader.line,
                text: reader.text_of_current(),
            });
        }
        let name = reader.name("the name of a module")?;
        let mut module = reader.module(&name)?;
        module.is_marked = is_marked;
        if modules.insert(name.clone(), module).is_some() {
            return Err(NetlistError::DuplicateModule { name });
        }
    }
    match modules.is_empty() {
        true => Err(NetlistError::Empty),
        false => Ok(modules),
    }
}

/// Words that begin a statement without instances.
pub(crate) const DECLARING: [&str; 11] = [
    "input", "output", "inout", "supply0", "supply1", "wire", "tri", "wand", "wor", "signed",
    "assign",
];

/// Words that begin behavioural Verilog, or what a netlist has no need of.
pub(crate) const BEHAVIOUR: [&str; 12] = [
    "always", "initial", "reg", "integer", "function", "task", "generate", "if", "for", "specify",
    "defparam", "genvar",
];

struct Reader<'a> {
    tokens: Tokens<'a>,
    current: Option<&'a [u8]>,
    line: usize,
    inside: String,
}

impl<'a> Reader<'a> {
    fn new(text: &'a [u8]) -> Result<Self, NetlistError> {
        let mut reader = Self {
            tokens: Tokens::new(text),
            current: None,
            line: 1,
            inside: "the file".to_owned(),
        };
        reader.advance()?;
        Ok(reader)
    }

    fn advance(&mut self) -> Result<Option<&'a [u8]>, NetlistError> {
        let token = self.current;
        self.current = self.tokens.next()?;
        self.line = self.tokens.line();
        Ok(token)
    }

    fn text_of_current(&self) -> String {
        String::from_utf8_lossy(self.current.unwrap_or_default()).into_owned()
    }

    fn is(&self, text: &str) -> bool {
        self.current == Some(text.as_bytes())
    }

    fn take(&mut self, text: &str) -> Result<bool, NetlistError> {
        let found = self.is(text);
        if found {
            self.advance()?;
        }
        Ok(found)
    }

    fn expect(&mut self, text: &'static str) -> Result<(), NetlistError> {
        match self.take(text)? {
            true => Ok(()),
            false => Err(self.unexpected(text)),
        }
    }

    fn unexpected(&self, wanted: &'static str) -> NetlistError {
        match self.current {
            None => self.tokens.cut_off(self.inside.clone()),
            Some(_) => NetlistError::Unexpected {
                line: self.line,
                text: self.text_of_current(),
                wanted,
            },
        }
    }

    /// A name without its escape: `\a[3] ` and a bit of the bus `a` are one net to every engine.
    fn name(&mut self, wanted: &'static str) -> Result<String, NetlistError> {
        let is_name = self.current.is_some_and(|token| {
            token.len() > 1 && token[0] == b'\\'
                || token[0].is_ascii_alphabetic()
                || token[0] == b'_'
                || !token[0].is_ascii()
        });
        match self.current {
            Some(token) if is_name => {
                let plain = token.strip_prefix(b"\\").unwrap_or(token);
                let name = String::from_utf8_lossy(plain).into_owned();
                self.advance()?;
                Ok(name)
            }
            _ => Err(self.unexpected(wanted)),
        }
    }

    /// Reads every `(* name = value, … *)` before a module or a statement. Returns whether one of them says that
    /// what follows is to be left alone.
    fn attributes(&mut self) -> Result<bool, NetlistError> {
        let mut is_marked = false;
        while self.is("(") {
            self.advance()?;
            self.expect("*")?;
            loop {
                if self.take("*")? {
                    match self.take(")")? {
                        true => break,
                        false => continue,
                    }
                }
                if self.take(",")? {
                    continue;
                }
                let name = self.text_of_current();
                self.advance()?;
                let mut value = None;
                if self.take("=")? {
                    value = Some(self.text_of_current());
                }
                is_marked |= leaves_alone(&name, value.as_deref());
                while !self.is(",") && !self.is("*") {
                    if self.advance()?.is_none() {
                        return Err(self.unexpected("`*)`"));
                    }
                }
            }
        }
        Ok(is_marked)
    }

    fn module(&mut self, name: &str) -> Result<Module, NetlistError> {
        self.inside = format!("module `{name}`");
        let mut module = Module::default();
        if self.is("#") {
            return Err(self.unsupported("a module with parameters"));
        }
        if self.take("(")? {
            self.header(&mut module)?;
        }
        self.expect(";")?;
        loop {
            let is_marked = self.attributes()?;
            if self.take("endmodule")? {
                return Ok(module);
            }
            self.statement(&mut module, is_marked)?;
        }
    }

    /// The ports between the parentheses of a header, with or without declarations.
    fn header(&mut self, module: &mut Module) -> Result<(), NetlistError> {
        let mut declared = None;
        while !self.take(")")? {
            let is_marked = self.attributes()?;
            if let Some(declaration) = self.declaration()? {
                declared = Some(Declaration {
                    is_marked,
                    ..declaration
                });
            }
            let name = self.name("a port")?;
            if let Some(declaration) = declared {
                module.declarations.insert(name.clone(), declaration);
            }
            module.ports.push(name);
            if !self.take(",")? && !self.is(")") {
                return Err(self.unexpected("`,` or `)`"));
            }
        }
        Ok(())
    }

    /// The words before the names of a declaration; `None` where none begins.
    fn declaration(&mut self) -> Result<Option<Declaration>, NetlistError> {
        let mut declaration = Declaration::default();
        let mut begun = false;
        loop {
            match self.current {
                Some(b"input") => declaration.direction = Some(PortWord::Input),
                Some(b"output") => declaration.direction = Some(PortWord::Output),
                Some(b"inout") => declaration.direction = Some(PortWord::Inout),
                Some(b"supply0") => declaration.supply = Some(false),
                Some(b"supply1") => declaration.supply = Some(true),
                Some(b"wire" | b"tri" | b"wand" | b"wor" | b"signed") => {}
                _ => break,
            }
            begun = true;
            self.advance()?;
        }
        if begun && self.is("[") {
            declaration.range = Some(self.range()?);
        }
        Ok(begun.then_some(declaration))
    }

    /// `[3:0]`, or `[3]` as 3 to 3.
    fn range(&mut self) -> Result<(i64, i64), NetlistError> {
        self.expect("[")?;
        let first = self.integer()?;
        let last = match self.take(":")? {
            true => self.integer()?,
            false => first,
        };
        self.expect("]")?;
        if first.abs_diff(last) >= 1 << 20 {
            return Err(self.unsupported("a range of more than a million bits"));
        }
        Ok((first, last))
    }

    fn integer(&mut self) -> Result<i64, NetlistError> {
        let negative = self.take("-")?;
        let text = self.text_of_current();
        let Ok(value) = text.parse::<i64>() else {
            return Err(self.unexpected("a whole number"));
        };
        self.advance()?;
        Ok(if negative { -value } else { value })
    }

    fn unsupported(&self, what: &str) -> NetlistError {
        NetlistError::Unsupported {
            line: self.line,
            what: what.to_owned(),
        }
    }

    fn statement(&mut self, module: &mut Module, is_marked: bool) -> Result<(), NetlistError> {
        if let Some(word) = BEHAVIOUR.iter().find(|word| self.is(word)) {
            return Err(self.unsupported(&format!("`{word}`")));
        }
        if let Some(declaration) = self.declaration()? {
            let declaration = Declaration {
                is_marked,
                ..declaration
            };
            return self.declared_names(module, declaration);
        }
        if self.take("assign")? {
            loop {
                let left = self.expression()?;
                self.expect("=")?;
                module.assignments.push((left, self.expression()?));
                if !self.take(",")? {
                    return self.expect(";");
                }
            }
        }
        let cell = self.name("a statement")?;
        if self.is("#") {
            return Err(self.unsupported("an instance with parameters"));
        }
        loop {
            let name = self.name("the name of an instance")?;
            if self.is("[") {
                return Err(self.unsupported("an array of instances"));
            }
            let connections = self.connections()?;
            module.instances.push(WrittenInstance {
                name,
                cell: cell.clone(),
                connections,
                is_marked,
            });
            if !self.take(",")? {
                return self.expect(";");
            }
        }
    }

    fn declared_names(
        &mut self,
        module: &mut Module,
        declaration: Declaration,
    ) -> Result<(), NetlistError> {
        loop {
            let name = self.name("the name of a net")?;
            let known = module.declarations.entry(name.clone()).or_default();
            // A port may be declared once more as a wire.
            known.direction = declaration.direction.or(known.direction);
            known.range = declaration.range.or(known.range);
            known.supply = declaration.supply.or(known.supply);
            known.is_marked |= declaration.is_marked;
            if self.take("=")? {
                let value = self.expression()?;
                module.assignments.push((Expression::Name(name), value));
            }
            if !self.take(",")? {
                return self.expect(";");
            }
        }
    }

    fn connections(&mut self) -> Result<Connections, NetlistError> {
        self.expect("(")?;
        if self.is(".") || self.is(")") {
            let mut named = Vec::new();
            while self.take(".")? {
                let pin = self.name("the name of a pin")?;
                self.expect("(")?;
                let value = match self.is(")") {
                    true => None,
                    false => Some(self.expression()?),
                };
                self.expect(")")?;
                named.push((pin, value));
                if !self.take(",")? {
                    break;
                }
            }
            self.expect(")")?;
            return Ok(Connections::Named(named));
        }
        let mut ordered = Vec::new();
        loop {
            let empty = self.is(",") || self.is(")");
            ordered.push(match empty {
                true => None,
                false => Some(self.expression()?),
            });
            if !self.take(",")? {
                self.expect(")")?;
                return Ok(Connections::Ordered(ordered));
            }
        }
    }

    fn expression(&mut self) -> Result<Expression, NetlistError> {
        if self.take("{")? {
            let mut parts = Vec::new();
            loop {
                // Concatenations do not nest without end in a netlist, and a stack does.
                if self.is("{") {
                    return Err(self.unsupported("a concatenation within another"));
                }
                parts.push(self.expression()?);
                if !self.take(",")? {
                    self.expect("}")?;
                    return Ok(Expression::Joined(parts));
                }
            }
        }
        let starts_with_digit = self
            .current
            .is_some_and(|token| token[0].is_ascii_digit() || token[0] == b'\'');
        if starts_with_digit {
            return self.constant();
        }
        let name = self.name("a net")?;
        Ok(match self.is("[") {
            true => match self.range()? {
                (first, last) if first == last => Expression::Bit(name, first),
                (first, last) => Expression::Part(name, first, last),
            },
            false => Expression::Name(name),
        })
    }

    /// `1'b0`, `4'hf`, `8'd3`, `1`.
    fn constant(&mut self) -> Result<Expression, NetlistError> {
        let text = self.text_of_current().replace('_', "").to_lowercase();
        let bits = constant_bits(&text)
            .ok_or_else(|| self.unsupported(&format!("the constant `{text}`")))?;
        self.advance()?;
        Ok(Expression::Constant(bits))
    }
}

/// Whether an attribute says that an object is to be left alone: `keep`, as yosys writes it, or `dont_touch`,
/// in any case, unless its value denies it.
fn leaves_alone(name: &str, value: Option<&str>) -> bool {
    let is_known = ["keep", "dont_touch"].contains(&name.to_lowercase().as_str());
    let value = value.map(|text| text.trim_matches('"').to_lowercase());
    let denied = value.is_some_and(|value| {
        let zero = || constant_bits(&value).is_some_and(|bits| bits.iter().all(|bit| *bit == '0'));
        matches!(value.as_str(), "false" | "no") || zero()
    });
    is_known && !denied
}

fn constant_bits(text: &str) -> Option<Vec<char>> {
    let Some((width, rest)) = text.split_once('\'') else {
        let value = text.parse::<u32>().ok()?;
        return Some(format!("{value:032b}").chars().collect());
    };
    let width: usize = match width {
        "" => 32,
        digits => digits.parse().ok().filter(|width| *width <= 1 << 16)?,
    };
    let rest = rest.strip_prefix('s').unwrap_or(rest);
    let base = rest.chars().next()?;
    let digits = &rest[base.len_utf8()..];
    let per_digit = match base {
        'b' => 1,
        'o' => 3,
        'h' => 4,
        'd' => {
            let value = digits.parse::<u128>().ok()?;
            let bits = format!("{value:b}");
            return Some(padded(bits.chars().collect(), width));
        }
        _ => return None,
    };
    let mut bits = Vec::new();
    for digit in digits.chars() {
        match digit {
            'x' | 'z' => bits.extend(std::iter::repeat_n(digit, per_digit)),
            _ => {
                let value = digit.to_digit(1 << per_digit)?;
                bits.extend(
                    (0..per_digit)
                        .rev()
                        .map(|bit| if value >> bit & 1 == 1 { '1' } else { '0' }),
                );
            }
        }
    }
    (!bits.is_empty()).then(|| padded(bits, width))
}

/// `bits` in exactly `width` places, aligned at the least significant.
fn padded(mut bits: Vec<char>, width: usize) -> Vec<char> {
    let fill = match bits.first() {
        Some('x') => 'x',
        Some('z') => 'z',
        _ => '0',
    };
    if bits.len() > width {
        bits.drain(..bits.len() - width);
    }
    let missing = width - bits.len();
    bits.splice(0..0, std::iter::repeat_n(fill, missing));
    bits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_are_bits_of_their_width() {
        let bits =
            |text: &str| constant_bits(text).map(|bits| bits.into_iter().collect::<String>());
        assert_eq!(bits("1'b0").as_deref(), Some("0"));
        assert_eq!(bits("4'hc").as_deref(), Some("1100"));
        assert_eq!(bits("6'd5").as_deref(), Some("000101"));
        assert_eq!(bits("2'hf").as_deref(), Some("11"));
        assert_eq!(bits("4'bx1").as_deref(), Some("xxx1"));
        assert_eq!(bits("3'sb1").as_deref(), Some("001"));
        assert_eq!(bits("4'q1"), None);
        assert_eq!(bits("4'b"), None);
        assert_eq!(bits("99999999'b0"), None);
    }
}
