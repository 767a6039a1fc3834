//! The logic of open points as an and-inverter graph over named sources.

use std::collections::{BTreeMap, HashMap};

use noodle2_netlist::{EndName, Function, LogicGraph, Value};

use crate::aig::{Aig, Literal};
use crate::register::Register;
use crate::replay::Assignment;

/// What both designs have in common by name, and hold the same way.
#[derive(Debug, Default)]
pub(crate) struct Common {
    /// Ports of one direction.
    pub(crate) ports: std::collections::HashSet<String>,
    /// Instances that hold state: registers, clock gates, memories, macros; with their functions where they
    /// are known in full.
    pub(crate) holders: HashMap<String, Option<Register>>,
}

/// A free variable.
#[derive(Debug, Default)]
struct Source {
    /// The ports and pins that show it, and whether inverted. Empty for what no assignment may choose.
    shown: Vec<(EndName, bool)>,
}

/// Cones of one [`LogicGraph`].
pub(crate) struct Cones<'g> {
    graph: &'g LogicGraph,
    common: &'g Common,
    pub(crate) aig: Aig,
    sources: Vec<Source>,
    /// By function.
    literals: Vec<Option<Literal>>,
    /// The states of registers.
    states: BTreeMap<(String, usize), Literal>,
}

impl<'g> Cones<'g> {
    pub(crate) fn new(graph: &'g LogicGraph, common: &'g Common) -> Self {
        Self {
            graph,
            common,
            aig: Aig::new(),
            sources: Vec::new(),
            literals: vec![None; graph.functions().len()],
            states: BTreeMap::new(),
        }
    }

    pub(crate) fn source_count(&self) -> usize {
        self.sources.len()
    }

    /// The node of a value.
    pub(crate) fn literal(&mut self, value: Value) -> Literal {
        let mut waiting = vec![value.function];
        while let Some(next) = waiting.last().copied() {
            if self.literals[next as usize].is_some() {
                waiting.pop();
                continue;
            }
            let graph = self.graph;
            let literal = match &graph.functions()[next as usize] {
                Function::Gate(inputs, rows) => {
                    let before = waiting.len();
                    let literals = &self.literals;
                    let missing = inputs.iter().filter(|at| literals[**at as usize].is_none());
                    waiting.extend(missing);
                    if waiting.len() > before {
                        continue;
                    }
                    let inputs: Vec<Literal> = inputs
                        .iter()
                        .filter_map(|at| self.literals[*at as usize])
                        .collect();
                    self.aig.table(&inputs, rows)
                }
                Function::Constant('0') => Literal::FALSE,
                Function::Port(name) if self.common.ports.contains(name) => {
                    self.source(vec![(EndName::Port(name.clone()), false)])
                }
                Function::Output(instance, pin) => self.output(instance, pin),
                Function::Port(_)
                | Function::Constant(_)
                | Function::Undriven(_)
                | Function::Several(_) => self.source(Vec::new()),
            };
            self.literals[next as usize] = Some(literal);
        }
        // The loop ends when it is known.
        let literal = self.literals[value.function as usize].unwrap_or(Literal::FALSE);
        literal.inverted_if(value.inverted)
    }

    /// The functions of an instance that holds state, where they are known in full.
    pub(crate) fn register(&self, instance: &str) -> Option<Register> {
        self.common.holders.get(instance)?.clone()
    }

    /// A value that no assignment may choose.
    pub(crate) fn unknown(&mut self) -> Literal {
        self.source(Vec::new())
    }

    fn source(&mut self, shown: Vec<(EndName, bool)>) -> Literal {
        let number = self.sources.len() as u32;
        self.sources.push(Source { shown });
        self.aig.source(number)
    }

    fn output(&mut self, instance: &str, pin: &str) -> Literal {
        match self.common.holders.get(instance) {
            Some(Some(register)) => match register.output(pin) {
                Some((state, inverted)) => {
                    self.state(instance, register, state).inverted_if(inverted)
                }
                // A function of state and pins; it is not free.
                None => self.source(Vec::new()),
            },
            Some(None) => {
                let end = EndName::Pin(instance.to_owned(), pin.to_owned());
                self.source(vec![(end, false)])
            }
            None => self.source(Vec::new()),
        }
    }

    /// The state of a register, shown by all its outputs.
    pub(crate) fn state(&mut self, instance: &str, register: &Register, state: usize) -> Literal {
        let key = (instance.to_owned(), state);
        if let Some(literal) = self.states.get(&key) {
            return *literal;
        }
        let shown = register.shown_by(state).map(|(pin, inverted)| {
            let end = EndName::Pin(instance.to_owned(), pin.to_owned());
            (end, inverted)
        });
        let literal = self.source(shown.collect());
        self.states.insert(key, literal);
        literal
    }

    /// A node that holds where the two states of each register are inverse to one another, which they are
    /// unless it is cleared and preset at once.
    pub(crate) fn states_are_consistent(&mut self) -> Literal {
        let pairs: Vec<(Literal, Literal)> = self
            .states
            .iter()
            .filter(|((_, state), _)| *state == 0)
            .filter_map(|((instance, _), first)| {
                let second = self.states.get(&(instance.clone(), 1))?;
                Some((*first, *second))
            })
            .collect();
        pairs
            .into_iter()
            .fold(Literal::TRUE, |all, (first, second)| {
                let differ = self.aig.xor(first, second);
                self.aig.and(all, differ)
            })
    }

    /// The assignment that gives the sources these values. What no assignment may choose is left out.
    /// `None` where two states of a register contradict one another.
    pub(crate) fn assignment(&self, values: &[bool]) -> Option<Assignment> {
        let value_of = |literal: &Literal| match self.aig.node(literal.node()) {
            crate::aig::Node::Source(number) => values.get(number as usize).copied(),
            _ => None,
        };
        for ((instance, state), literal) in &self.states {
            let first = self.states.get(&(instance.clone(), 0));
            if *state == 1
                && let Some(first) = first
                && value_of(first) == value_of(literal)
            {
                return None;
            }
        }
        // What the logic turned out not to depend on still needs a value for the netlists to be evaluated.
        let ports = self.common.ports.iter();
        let mut assignment: Assignment = ports
            .map(|port| (EndName::Port(port.clone()), false))
            .collect();
        for (instance, register) in &self.common.holders {
            for (state, register) in register
                .iter()
                .flat_map(|register| [(0, register), (1, register)])
            {
                for (pin, inverted) in register.shown_by(state) {
                    let end = EndName::Pin(instance.clone(), pin.to_owned());
                    // The states are inverse to one another.
                    assignment.insert(end, (state == 1) != inverted);
                }
            }
        }
        for (source, value) in self.sources.iter().zip(values) {
            for (end, inverted) in &source.shown {
                assignment.insert(end.clone(), value != inverted);
            }
        }
        Some(assignment)
    }
}
