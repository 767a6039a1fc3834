//! Finds nodes of one graph that compute the same, from the sources to the ends, so that each question to
//! the solver is about little: everything below was made one already.
//!
//! Nodes that agree in simulation are candidates. A question that fails gives an assignment, which tells
//! more candidates apart.

use std::collections::{HashMap, HashSet};

use crate::aig::{Aig, Literal, Node, word_of};
use crate::solver::{Answer, Effort, IsStopped, Questions};
use crate::verdict::Budget;

/// Words of 64 random assignments that all nodes are simulated with before anything is asked.
const ROUNDS: usize = 64;

/// Nodes that no assignment so far has told apart, or told from the inverse of one another.
struct Classes {
    of: Vec<u32>,
    /// In the order in which they are met.
    members: Vec<Vec<u32>>,
    /// Whether a node is taken inverted.
    inverted: Vec<bool>,
}

impl Classes {
    fn new(order: &[u32], words: &[u64]) -> Self {
        let mut classes = Self {
            of: vec![0; words.len()],
            members: vec![order.to_vec()],
            inverted: words.iter().map(|word| word & 1 == 1).collect(),
        };
        classes.refine(words);
        classes
    }

    fn refine(&mut self, words: &[u64]) {
        let mut places: HashMap<u64, usize> = HashMap::new();
        for class in 0..self.members.len() {
            let members = &self.members[class];
            let normal = |node: u32| match self.inverted[node as usize] {
                true => !words[node as usize],
                false => words[node as usize],
            };
            let Some((first, others)) = members.split_first() else {
                continue;
            };
            if others.iter().all(|node| normal(*node) == normal(*first)) {
                continue;
            }
            places.clear();
            let mut groups: Vec<Vec<u32>> = Vec::new();
            for node in members {
                let place = *places.entry(normal(*node)).or_insert(groups.len());
                if place == groups.len() {
                    groups.push(Vec::new());
                }
                groups[place].push(*node);
            }
            let mut groups = groups.into_iter();
            if let Some(kept) = groups.next() {
                self.members[class] = kept;
            }
            for group in groups {
                for node in &group {
                    self.of[*node as usize] = self.members.len() as u32;
                }
                self.members.push(group);
            }
        }
    }

    /// The first node of the class.
    fn leader(&self, node: u32) -> u32 {
        self.members[self.of[node as usize] as usize][0]
    }
}

/// Two nodes that should compute the same.
pub(crate) type Pair = (Literal, Literal);

pub(crate) struct Sweep<'b> {
    budget: &'b Budget,
    random: u64,
    /// By node, of the last assignments.
    words: Vec<u64>,
    /// By node: what it became.
    images: Vec<Literal>,
    /// The graph in which nodes that were proved equal are one.
    reduced: Aig,
    questions: Questions<'b>,
    is_stopped: IsStopped<'b>,
    /// Steps of simulation.
    simulated: u64,
    /// For each pair, the values of the sources under which it was seen to differ.
    pub(crate) seen_differing: Vec<Option<Vec<bool>>>,
}

impl<'b> Sweep<'b> {
    pub(crate) fn new(budget: &'b Budget, pairs: usize, is_stopped: IsStopped<'b>) -> Self {
        Self {
            budget,
            random: 0,
            words: Vec::new(),
            images: Vec::new(),
            reduced: Aig::new(),
            questions: Questions::new(is_stopped),
            is_stopped,
            simulated: 0,
            seen_differing: vec![None; pairs],
        }
    }

    pub(crate) fn effort(&self) -> Effort {
        Effort {
            steps: self.questions.effort.steps + self.simulated,
            ..self.questions.effort
        }
    }

    fn is_spent(&self) -> bool {
        let effort = self.effort();
        effort.conflicts >= self.budget.conflicts
            || effort.steps >= self.budget.steps
            || (self.is_stopped)()
    }

    /// Simulates once, and notes the pairs that differ.
    fn simulate(&mut self, aig: &Aig, pairs: &[Pair], source: impl Fn(u32, u64) -> u64) {
        self.words.resize(aig.len(), 0);
        for (place, node) in aig.nodes().iter().enumerate() {
            if let Node::Source(number) = *node {
                let random = next(&mut self.random);
                self.words[place] = source(number, random);
            }
        }
        aig.simulate(&mut self.words);
        // A word costs far less than a step of the solver.
        self.simulated += aig.len() as u64 / 8;
        for (pair, (left, right)) in pairs.iter().enumerate() {
            let differ = word_of(&self.words, *left) ^ word_of(&self.words, *right);
            if differ != 0 && self.seen_differing[pair].is_none() {
                let bit = differ.trailing_zeros();
                let nodes = aig.nodes().iter().enumerate();
                let values = nodes.filter(|(_, node)| matches!(node, Node::Source(_)));
                self.seen_differing[pair] = Some(
                    values
                        .map(|(place, _)| self.words[place] >> bit & 1 == 1)
                        .collect(),
                );
            }
        }
    }

    /// Looks for differences in random assignments alone.
    pub(crate) fn try_random(&mut self, aig: &Aig, pairs: &[Pair]) {
        for _ in 0..ROUNDS {
            if (self.is_stopped)() {
                return;
            }
            self.simulate(aig, pairs, |_, random| random);
        }
    }

    /// Makes nodes one wherever that can be proved.
    pub(crate) fn run(&mut self, aig: &Aig, pairs: &[Pair]) {
        let mut order: Vec<u32> = (0..aig.len() as u32).collect();
        order.sort_by_key(|place| (aig.level(*place), *place));
        self.simulate(aig, pairs, |_, random| random);
        let mut classes = Classes::new(&order, &self.words);
        for _ in 0..ROUNDS {
            if (self.is_stopped)() {
                break;
            }
            self.simulate(aig, pairs, |_, random| random);
            classes.refine(&self.words);
        }
        self.images = vec![Literal::FALSE; aig.len()];
        let mut given_up = HashSet::new();
        for place in order {
            let image = match aig.node(place) {
                Node::False => Literal::FALSE,
                Node::Source(number) => self.reduced.source(number),
                Node::And(left, right) => {
                    let (left, right) = (self.image(left), self.image(right));
                    self.reduced.and(left, right)
                }
            };
            self.images[place as usize] = image;
            loop {
                let leader = classes.leader(place);
                let inverted =
                    classes.inverted[leader as usize] != classes.inverted[place as usize];
                let target = self.images[leader as usize].inverted_if(inverted);
                if leader == place || image.node() == target.node() {
                    break;
                }
                if self.is_spent() || given_up.contains(&(image, target)) {
                    break;
                }
                match self.ask_differ(image, target, self.budget.conflicts_per_merge) {
                    Answer::Never => {
                        self.questions.learn_equal(&self.reduced, image, target);
                        self.images[place as usize] = target;
                        break;
                    }
                    Answer::Sometimes => {
                        self.simulate_near_answer(aig, pairs);
                        classes.refine(&self.words);
                    }
                    Answer::Unknown => {
                        given_up.insert((image, target));
                        break;
                    }
                }
            }
        }
    }

    fn image(&self, literal: Literal) -> Literal {
        self.images[literal.node() as usize].inverted_if(literal.is_inverted())
    }

    fn ask_differ(&mut self, left: Literal, right: Literal, conflicts: u64) -> Answer {
        let mut ask = |wanted: &[Literal]| self.questions.ask(&self.reduced, wanted, conflicts);
        if right.node() == Literal::FALSE.node() {
            return ask(&[left.inverted_if(right.is_inverted())]);
        }
        match ask(&[left, !right]) {
            Answer::Never => ask(&[!left, right]),
            other => other,
        }
    }

    /// Whether a pair can differ, after the sweep, and the values of the sources where it does.
    pub(crate) fn settle(&mut self, (left, right): Pair, sources: usize) -> (Answer, Vec<bool>) {
        let (left, right) = (self.image(left), self.image(right));
        if left == right {
            return (Answer::Never, Vec::new());
        }
        if self.is_spent() {
            return (Answer::Unknown, Vec::new());
        }
        let answer = self.ask_differ(left, right, self.budget.conflicts_per_point);
        let values = match answer {
            Answer::Sometimes => self.answer(sources),
            _ => Vec::new(),
        };
        (answer, values)
    }

    /// The values of all sources in the last answer, false where they do not matter.
    fn answer(&self, sources: usize) -> Vec<bool> {
        let mut values = vec![false; sources];
        for node in self.questions.loaded() {
            if let Node::Source(number) = self.reduced.node(*node) {
                values[number as usize] = self.questions.value(*node).unwrap_or(false);
            }
        }
        values
    }

    /// Simulates the assignment of the last answer and others close to it.
    fn simulate_near_answer(&mut self, aig: &Aig, pairs: &[Pair]) {
        let mut values: HashMap<u32, bool> = HashMap::new();
        for node in self.questions.loaded() {
            if let Node::Source(number) = self.reduced.node(*node)
                && let Some(value) = self.questions.value(*node)
            {
                values.insert(number, value);
            }
        }
        self.simulate(aig, pairs, |number, random| match values.get(&number) {
            Some(value) => {
                // The assignment itself is bit 0; in the others, one source in 32 is another.
                let changed = random & random.rotate_left(13) & random.rotate_left(29);
                let changed = changed & random.rotate_left(41) & random.rotate_left(53) & !1;
                (if *value { u64::MAX } else { 0 }) ^ changed
            }
            None => random,
        });
    }
}

/// The next of a fixed sequence of random words (SplitMix64, public domain).
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut word = *state;
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}
