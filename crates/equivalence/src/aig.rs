//! Logic as two-input ands and inverters, equal structure kept once.

use std::collections::HashMap;

/// A node or its inverse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Literal(u32);

impl Literal {
    pub(crate) const FALSE: Self = Self(0);
    pub(crate) const TRUE: Self = Self(1);

    pub(crate) const fn of(node: u32) -> Self {
        Self(node << 1)
    }

    pub(crate) const fn node(self) -> u32 {
        self.0 >> 1
    }

    pub(crate) const fn is_inverted(self) -> bool {
        self.0 & 1 == 1
    }

    pub(crate) const fn inverted_if(self, inverted: bool) -> Self {
        Self(self.0 ^ inverted as u32)
    }
}

impl std::ops::Not for Literal {
    type Output = Self;

    fn not(self) -> Self {
        Self(self.0 ^ 1)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Node {
    False,
    /// A free variable, by its number.
    Source(u32),
    And(Literal, Literal),
}

/// Nodes come after the nodes that they are made of.
#[derive(Debug)]
pub(crate) struct Aig {
    nodes: Vec<Node>,
    levels: Vec<u32>,
    ands: HashMap<(Literal, Literal), u32>,
}

impl Aig {
    pub(crate) fn new() -> Self {
        Self {
            nodes: vec![Node::False],
            levels: vec![0],
            ands: HashMap::new(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    pub(crate) fn node(&self, place: u32) -> Node {
        self.nodes[place as usize]
    }

    pub(crate) fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// How many ands lie between a node and the sources at most.
    pub(crate) fn level(&self, place: u32) -> u32 {
        self.levels[place as usize]
    }

    fn push(&mut self, node: Node, level: u32) -> u32 {
        let place = self.nodes.len() as u32;
        self.nodes.push(node);
        self.levels.push(level);
        place
    }

    /// A new node for a free variable.
    pub(crate) fn source(&mut self, number: u32) -> Literal {
        Literal::of(self.push(Node::Source(number), 0))
    }

    pub(crate) fn and(&mut self, left: Literal, right: Literal) -> Literal {
        let (left, right) = (left.min(right), left.max(right));
        if left == Literal::FALSE || left == !right {
            return Literal::FALSE;
        }
        if left == Literal::TRUE || left == right {
            return right;
        }
        let place = match self.ands.get(&(left, right)) {
            Some(place) => *place,
            None => {
                let level = 1 + self.level(left.node()).max(self.level(right.node()));
                let place = self.push(Node::And(left, right), level);
                self.ands.insert((left, right), place);
                place
            }
        };
        Literal::of(place)
    }

    pub(crate) fn or(&mut self, left: Literal, right: Literal) -> Literal {
        !self.and(!left, !right)
    }

    pub(crate) fn xor(&mut self, left: Literal, right: Literal) -> Literal {
        // The order decides nothing, so that equal functions get equal structure.
        let inverted = left.is_inverted() != right.is_inverted();
        let (left, right) = (Literal::of(left.node()), Literal::of(right.node()));
        let both = self.and(left, right);
        let neither = self.and(!left, !right);
        self.and(!both, !neither).inverted_if(inverted)
    }

    fn choose(&mut self, select: Literal, high: Literal, low: Literal) -> Literal {
        let high = self.and(select, high);
        let low = self.and(!select, low);
        self.or(high, low)
    }

    /// A truth table over `inputs`: bit `n` of the place of a row is the value of input `n`.
    pub(crate) fn table(&mut self, inputs: &[Literal], rows: &[bool]) -> Literal {
        if rows.iter().all(|row| *row == rows[0]) {
            return Literal::FALSE.inverted_if(rows[0]);
        }
        let halves = |place: usize| {
            let half = |high: bool| -> Vec<bool> {
                let rows = rows.iter().enumerate();
                rows.filter(|(row, _)| (row >> place & 1 == 1) == high)
                    .map(|(_, value)| *value)
                    .collect()
            };
            (half(false), half(true))
        };
        let is_constant = |half: &[bool]| half.iter().all(|row| *row == half[0]);
        // An input that settles the function alone is a gate of its own; then exclusive ors; then the rest.
        let rank = |place: usize| {
            let (low, high) = halves(place);
            match (is_constant(&low), is_constant(&high)) {
                (true, true) => 0,
                (true, false) | (false, true) => 1,
                _ if low.iter().zip(&high).all(|(low, high)| low != high) => 2,
                _ => 3,
            }
        };
        let place = (0..inputs.len())
            .min_by_key(|place| rank(*place))
            .unwrap_or(0);
        let (low, high) = halves(place);
        let input = inputs[place];
        let others: Vec<Literal> = (0..inputs.len())
            .filter(|other| *other != place)
            .map(|other| inputs[other])
            .collect();
        match rank(place) {
            0 => input.inverted_if(low[0]),
            1 if is_constant(&low) => {
                let other = self.table(&others, &high);
                self.and(input, other.inverted_if(low[0]))
                    .inverted_if(low[0])
            }
            1 => {
                let other = self.table(&others, &low);
                self.and(!input, other.inverted_if(high[0]))
                    .inverted_if(high[0])
            }
            2 => {
                let other = self.table(&others, &low);
                self.xor(input, other)
            }
            _ => {
                let low = self.table(&others, &low);
                let high = self.table(&others, &high);
                self.choose(input, high, low)
            }
        }
    }

    /// Fills in the words of all ands from those of the sources: 64 assignments at once.
    pub(crate) fn simulate(&self, words: &mut [u64]) {
        words[0] = 0;
        for (place, node) in self.nodes.iter().enumerate() {
            if let Node::And(left, right) = *node {
                words[place] = word_of(words, left) & word_of(words, right);
            }
        }
    }
}

pub(crate) fn word_of(words: &[u64], literal: Literal) -> u64 {
    let word = words[literal.node() as usize];
    if literal.is_inverted() { !word } else { word }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_table_is_what_its_rows_say(rows in (0..6_usize).prop_flat_map(|count| {
            prop::collection::vec(any::<bool>(), 1 << count)
        })) {
            let mut aig = Aig::new();
            let count = rows.len().ilog2();
            let inputs: Vec<Literal> = (0..count).map(|number| aig.source(number)).collect();
            let output = aig.table(&inputs, &rows);
            let mut words = vec![0; aig.len()];
            for (row, value) in rows.iter().enumerate() {
                for (place, input) in inputs.iter().enumerate() {
                    words[input.node() as usize] |= ((row >> place & 1) as u64) << row;
                }
                aig.simulate(&mut words);
                prop_assert_eq!(word_of(&words, output) >> row & 1 == 1, *value);
            }
        }
    }
}
