//! Truth tables: what two functions must have in common to be the same function.

use std::fmt::Write as _;

use crate::expression::{Expression, ExpressionError};

/// The most inputs that a truth table is made for.
pub const MAX_INPUTS: usize = 12;

/// The values of the first six inputs in the 64 rows of a word.
const PATTERNS: [u64; 6] = [
    0xaaaa_aaaa_aaaa_aaaa,
    0xcccc_cccc_cccc_cccc,
    0xf0f0_f0f0_f0f0_f0f0,
    0xff00_ff00_ff00_ff00,
    0xffff_0000_ffff_0000,
    0xffff_ffff_0000_0000,
];

/// A Boolean function of named inputs in canonical form: inputs in alphabetical order, those that never
/// matter left out. Two functions are the same, pin for pin, exactly when their tables are equal.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TruthTable {
    inputs: Vec<String>,
    /// Bit `row`, counted through the words: the value where input `n` has the value of bit `n` of `row`.
    words: Vec<u64>,
}

impl TruthTable {
    /// The table of an expression as Liberty writes it.
    ///
    /// # Errors
    /// When the text is no expression or has more than [`MAX_INPUTS`] inputs.
    pub fn parse(text: &str) -> Result<Self, ExpressionError> {
        Self::of(&Expression::parse(text)?)
    }

    /// The table of `expression`.
    ///
    /// # Errors
    /// When it has more than [`MAX_INPUTS`] inputs.
    pub fn of(expression: &Expression) -> Result<Self, ExpressionError> {
        let count = expression.variables.len();
        if count > MAX_INPUTS {
            return Err(ExpressionError::TooManyInputs(count));
        }
        let mut order: Vec<usize> = (0..count).collect();
        order.sort_by(|left, right| expression.variables[*left].cmp(&expression.variables[*right]));
        let mut stack = Vec::new();
        let mut values = vec![0; count];
        let words = (0..words_for(count))
            .map(|word| {
                for (place, variable) in order.iter().enumerate() {
                    values[*variable] = input_word(place, word);
                }
                expression.evaluate(&values, &mut stack) & mask(count)
            })
            .collect();
        let inputs = order
            .into_iter()
            .map(|variable| expression.variables[variable].clone())
            .collect();
        Ok(Self { inputs, words }.without_idle_inputs())
    }

    /// The inputs that matter, in alphabetical order.
    pub fn inputs(&self) -> &[String] {
        &self.inputs
    }

    /// The value in the row in which input `n` is bit `n` of `row`. Rows repeat after the last.
    pub fn value(&self, row: usize) -> bool {
        let row = row & ((1 << self.inputs.len()) - 1);
        self.words[row / 64] >> (row % 64) & 1 == 1
    }

    /// The value, where it is the same in every row.
    pub fn constant(&self) -> Option<bool> {
        self.inputs.is_empty().then(|| self.value(0))
    }

    /// Whether the function is its input `input`, or its inverse where `inverted`.
    pub fn is_wire(&self, input: &str, inverted: bool) -> bool {
        matches!(self.inputs.as_slice(), [only] if only == input) && self.value(1) != inverted
    }

    /// Whether the function stays the same when two inputs change places. Inputs that never matter may
    /// always change places with one another, never with one that does.
    pub fn is_symmetric(&self, left: &str, right: &str) -> bool {
        let place = |name: &str| self.inputs.iter().position(|input| input == name);
        match (place(left), place(right)) {
            (None, None) => true,
            (Some(left), Some(right)) => (0..1_usize << self.inputs.len()).all(|row| {
                let differs = (row >> left ^ row >> right) & 1;
                self.value(row) == self.value(row ^ (differs << left | differs << right))
            }),
            _ => false,
        }
    }

    /// A text that is equal for equal tables only.
    pub fn canonical(&self) -> String {
        let mut text = String::new();
        for input in &self.inputs {
            // Quoted, so that no name can pass for two.
            let _ = write!(text, "{input:?},");
        }
        for word in &self.words {
            let _ = write!(text, ":{word:x}");
        }
        text
    }

    fn without_idle_inputs(mut self) -> Self {
        let mut place = 0;
        while place < self.inputs.len() {
            let rows = 1_usize << self.inputs.len();
            if (0..rows).any(|row| self.value(row) != self.value(row ^ 1 << place)) {
                place += 1;
                continue;
            }
            let count = self.inputs.len() - 1;
            let mut words = vec![0; words_for(count)];
            for row in 0..1_usize << count {
                let low = row & ((1 << place) - 1);
                let from = (row ^ low) << 1 | low;
                words[row / 64] |= u64::from(self.value(from)) << (row % 64);
            }
            self.inputs.remove(place);
            self.words = words;
        }
        self
    }
}

fn words_for(inputs: usize) -> usize {
    1 << inputs.saturating_sub(6)
}

fn mask(inputs: usize) -> u64 {
    if inputs >= 6 {
        u64::MAX
    } else {
        (1 << (1 << inputs)) - 1
    }
}

fn input_word(place: usize, word: usize) -> u64 {
    match PATTERNS.get(place) {
        Some(pattern) => *pattern,
        None if word >> (place - 6) & 1 == 1 => u64::MAX,
        None => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn same(left: &str, right: &str) -> bool {
        TruthTable::parse(left).unwrap() == TruthTable::parse(right).unwrap()
    }

    #[test]
    fn ways_of_writing_one_function() {
        for (left, right) in [
            ("(A B)", "A*B"),
            ("A&B", "B A"),
            ("!(A+B)", "A' B'"),
            ("(A|B)'", "!A & !B"),
            ("A ^ B", "A !B + !A B"),
            ("A''", "A"),
            ("!!A", "A"),
            ("!A'", "A"),
            // Exclusive or binds tighter than and, and tighter than or.
            ("A B ^ C", "A (B ^ C)"),
            ("A + B ^ C", "A + (B ^ C)"),
            ("A + B C", "A + (B C)"),
            ("!A ^ B", "(!A) ^ B"),
            ("A (B + C)", "A B + A C"),
            ("A B'C", "A (!B) C"),
            ("A + !A", "1"),
            ("A * 0", "0"),
            ("A + A B", "A"),
            ("\"1A\" + \"2\"", "\"2\" \"1A\"' + \"1A\""),
            ("D[0] & D[1]", "D[1] D[0]"),
        ] {
            assert!(same(left, right), "{left} is {right}");
        }
        for (left, right) in [
            ("A", "B"),
            ("A", "!A"),
            ("A B", "A + B"),
            ("0", "1"),
            ("A", "1"),
        ] {
            assert!(!same(left, right), "{left} is not {right}");
        }
    }

    #[test]
    fn malformed_expressions_are_errors() {
        for text in [
            "", " ", "A +", "+ A", "(A", "A)", "()", "!", "'", "A (", "A * * B", "\"A",
        ] {
            assert!(Expression::parse(text).is_err(), "{text:?}");
        }
        let wide: Vec<String> = (0..=MAX_INPUTS).map(|index| format!("I{index}")).collect();
        assert_eq!(
            TruthTable::parse(&wide.join("+")),
            Err(ExpressionError::TooManyInputs(MAX_INPUTS + 1))
        );
        let deep = "(".repeat(8000) + "A" + &")".repeat(8000);
        assert!(same(&deep, "A"));
    }

    #[test]
    fn symmetry_is_of_the_function_not_of_its_text() {
        let table = TruthTable::parse("!((A1 A2) + B)").unwrap();
        assert!(table.is_symmetric("A1", "A2"));
        assert!(!table.is_symmetric("A1", "B"));
        assert!(!table.is_symmetric("A1", "unused"));
        let majority = TruthTable::parse("A B + C (A + B)").unwrap();
        assert!(majority.is_symmetric("A", "C"));
    }

    /// An expression as a tree, with its own evaluation, independent of the reader.
    #[derive(Debug, Clone)]
    enum Tree {
        Pin(usize),
        Constant(bool),
        Not(Box<Tree>),
        Pair(char, Box<Tree>, Box<Tree>),
    }

    impl Tree {
        fn value(&self, row: usize) -> bool {
            match self {
                Self::Pin(index) => row >> index & 1 == 1,
                Self::Constant(value) => *value,
                Self::Not(inner) => !inner.value(row),
                Self::Pair('*', left, right) => left.value(row) && right.value(row),
                Self::Pair('+', left, right) => left.value(row) || right.value(row),
                Self::Pair(_, left, right) => left.value(row) != right.value(row),
            }
        }

        fn rank(&self) -> u8 {
            match self {
                Self::Pair('+', ..) => 0,
                Self::Pair('*', ..) => 1,
                Self::Pair(..) => 2,
                _ => 3,
            }
        }

        /// Writes the tree with only the parentheses that precedence needs, varying the spelling.
        fn write(&self, least: u8, spelling: usize) -> String {
            let text = match self {
                Self::Pin(index) => format!("p{index:02}"),
                Self::Constant(value) => u8::from(*value).to_string(),
                Self::Not(inner) if spelling.is_multiple_of(2) => {
                    format!("!{}", inner.write(3, spelling / 2))
                }
                Self::Not(inner) => match inner.as_ref() {
                    Self::Not(_) => format!("({})'", inner.write(0, spelling / 2)),
                    inner => format!("{}'", inner.write(3, spelling / 2)),
                },
                Self::Pair(operator, left, right) => {
                    let symbol = match (operator, spelling % 3) {
                        ('*', 0) => "*",
                        ('*', 1) => " & ",
                        ('*', _) => " ",
                        ('+', 0) => "+",
                        ('+', _) => " | ",
                        _ => "^",
                    };
                    let rank = self.rank();
                    format!(
                        "{}{symbol}{}",
                        left.write(rank, spelling / 3),
                        right.write(rank + 1, spelling / 3)
                    )
                }
            };
            if self.rank() < least {
                format!("({text})")
            } else {
                text
            }
        }
    }

    fn trees() -> impl Strategy<Value = Tree> {
        let leaf = prop_oneof![
            8 => (0..9_usize).prop_map(Tree::Pin),
            1 => any::<bool>().prop_map(Tree::Constant),
        ];
        leaf.prop_recursive(6, 40, 2, |inner| {
            prop_oneof![
                inner.clone().prop_map(|tree| Tree::Not(Box::new(tree))),
                (
                    prop::sample::select(vec!['*', '+', '^']),
                    inner.clone(),
                    inner
                )
                    .prop_map(|(operator, left, right)| Tree::Pair(
                        operator,
                        Box::new(left),
                        Box::new(right)
                    )),
            ]
        })
    }

    proptest! {
        #[test]
        fn tables_agree_with_a_naive_evaluation(tree in trees(), spelling in 0..10_000_usize) {
            let text = tree.write(0, spelling);
            let table = TruthTable::parse(&text).unwrap();
            let pins: Vec<usize> =
                table.inputs().iter().map(|name| name[1..].parse().unwrap()).collect();
            for row in 0..512 {
                let mut reduced = 0;
                for (place, pin) in pins.iter().enumerate() {
                    reduced |= (row >> pin & 1) << place;
                }
                prop_assert_eq!(table.value(reduced), tree.value(row), "{} row {}", text, row);
            }
            for (place, _) in pins.iter().enumerate() {
                let matters = (0..1_usize << pins.len())
                    .any(|row| table.value(row) != table.value(row ^ 1 << place));
                prop_assert!(matters, "an idle input was kept");
            }
        }

        #[test]
        fn no_text_makes_the_reader_panic(text in "[AB01 ()!'*&+|^\"é]{0,40}") {
            if let Ok(expression) = Expression::parse(&text) {
                let _ = TruthTable::of(&expression);
            }
        }
    }
}
