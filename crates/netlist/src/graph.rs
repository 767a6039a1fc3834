//! Functions of named sources, each kept once however many designs compute it.

use std::collections::HashMap;

use noodle2_liberty::{LibraryIndex, TruthTable};

use crate::design::Design;
use crate::logic::{Logic, LogicEnds};

/// What a net computes: a function of a [`LogicGraph`], or its inverse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Value {
    /// The place of the function in its graph.
    pub function: u32,
    /// Whether it is the inverse of that function.
    pub inverted: bool,
}

impl Value {
    const fn inverted_if(self, inverted: bool) -> Self {
        Self {
            function: self.function,
            inverted: self.inverted != inverted,
        }
    }
}

/// One function of a [`LogicGraph`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Function {
    /// Always `0`; or `x` or `z`, which is no known value.
    Constant(char),
    /// A port that is not an output alone.
    Port(String),
    /// An output of something with a name that lasts: the instance and its pin.
    Output(String, String),
    /// A net that nothing drives, or an input pin that is not connected.
    Undriven(String),
    /// A net with several drivers, and what they drive.
    Several(Vec<Value>),
    /// A truth table over functions in ascending order, all of which matter: bit `n` of the place of a row
    /// is the value of function `n`. The first row is 0.
    Gate(Vec<u32>, Vec<bool>),
}

/// The logic of several designs in one graph: equal functions of equally named sources are one function.
/// A gate comes after everything that it is made of.
#[derive(Debug, Default)]
pub struct LogicGraph {
    places: HashMap<Function, u32>,
    functions: Vec<Function>,
}

impl LogicGraph {
    /// Adds the logic of a design, and says what feeds each of its ends. `cells` says what its cells do.
    pub fn add(&mut self, design: &Design, cells: &LibraryIndex) -> LogicEnds {
        Logic::new(design, cells).ends(self)
    }

    /// All functions, by their places.
    pub fn functions(&self) -> &[Function] {
        &self.functions
    }

    pub(crate) fn value(&mut self, function: Function) -> Value {
        let function = match self.places.get(&function) {
            Some(place) => *place,
            None => {
                let place = self.functions.len() as u32;
                self.functions.push(function.clone());
                self.places.insert(function, place);
                place
            }
        };
        Value {
            function,
            inverted: false,
        }
    }

    pub(crate) fn constant(&mut self, high: bool) -> Value {
        self.value(Function::Constant('0')).inverted_if(high)
    }

    /// The value of a truth table whose inputs have `inputs` as values.
    pub(crate) fn gate(&mut self, table: &TruthTable, inputs: &[Value]) -> Value {
        let zero = self.constant(false).function;
        let mut sources: Vec<u32> = inputs.iter().map(|value| value.function).collect();
        sources.sort_unstable();
        sources.dedup();
        sources.retain(|source| *source != zero);
        let place = |function: u32| sources.binary_search(&function).ok();
        let rows: Vec<bool> = (0..1_usize << sources.len())
            .map(|row| {
                let bits = inputs.iter().enumerate().map(|(input, value)| {
                    let high = place(value.function).is_some_and(|place| row >> place & 1 == 1);
                    usize::from(high != value.inverted) << input
                });
                table.value(bits.sum())
            })
            .collect();
        self.table(sources, rows)
    }

    /// Leaves out what does not matter, and turns the table so that its first row is 0.
    fn table(&mut self, mut sources: Vec<u32>, mut rows: Vec<bool>) -> Value {
        let mut place = 0;
        while place < sources.len() {
            let bit = 1 << place;
            let idle = (0..rows.len()).all(|row| rows[row] == rows[row ^ bit]);
            if idle {
                sources.remove(place);
                rows = (0..rows.len())
                    .filter(|row| row & bit == 0)
                    .map(|row| rows[row])
                    .collect();
            } else {
                place += 1;
            }
        }
        let inverted = rows[0];
        if inverted {
            rows.iter_mut().for_each(|row| *row = !*row);
        }
        let value = match sources.as_slice() {
            [] => self.constant(false),
            [source] => Value {
                function: *source,
                inverted: false,
            },
            _ => self.value(Function::Gate(sources, rows)),
        };
        value.inverted_if(inverted)
    }
}
