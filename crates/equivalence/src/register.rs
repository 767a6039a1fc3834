//! What a flip-flop or latch does with its pins, where the library says it in full.

use std::collections::BTreeMap;

use noodle2_liberty::{Cell, LibraryIndex, PinDirection, Storage, StorageKind, TruthTable};

/// The functions of a cell with one flip-flop or latch, in terms of its pins and of its state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Register {
    /// The names of the state and of its inverse.
    states: Vec<String>,
    /// What makes it take its data, clear and preset: a difference in one of them shows.
    pub(crate) controls: Vec<TruthTable>,
    /// While one of them holds, the data does not count.
    pub(crate) overrides: Vec<TruthTable>,
    /// For a latch: while it does not hold, the data does not count.
    pub(crate) enable: Option<TruthTable>,
    /// What is taken.
    pub(crate) data: TruthTable,
    /// Which state an output shows, and whether inverted.
    outputs: BTreeMap<String, (usize, bool)>,
    /// Whether the second state is the inverse of the first at all times.
    is_complementary: bool,
}

impl Register {
    pub(crate) fn of(cell: &str, cells: &LibraryIndex) -> Option<Self> {
        if !cells.same_function(cell, cell) {
            return None;
        }
        let cell = cells.cell(cell)?;
        let [storage] = cell.storage.as_slice() else {
            return None;
        };
        if cell.clock_gate.is_some() || cell.is_macro {
            return None;
        }
        let (data, controls, enable): (_, &[&str], _) = match storage.kind {
            StorageKind::FlipFlop => ("next_state", &["clocked_on", "clocked_on_also"], None),
            StorageKind::Latch => ("data_in", &["enable", "enable_also"], Some("enable")),
            _ => return None,
        };
        let overrides = tables(storage, &["clear", "preset"])?;
        let mut all_controls = tables(storage, controls)?;
        all_controls.extend(overrides.iter().cloned());
        let enable = match enable {
            Some(enable) => Some(tables(storage, &[enable])?.pop()?),
            None => None,
        };
        let states: Vec<String> = storage.variables.iter().take(2).cloned().collect();
        Some(Self {
            outputs: outputs(cell, &states),
            is_complementary: overrides.len() < 2,
            data: tables(storage, &[data])?.pop()?,
            controls: all_controls,
            overrides,
            enable,
            states,
        })
    }

    /// Which of the two states an output pin shows, and whether inverted.
    pub(crate) fn output(&self, pin: &str) -> Option<(usize, bool)> {
        let (state, inverted) = *self.outputs.get(pin)?;
        Some(match state == 1 && self.is_complementary {
            true => (0, !inverted),
            false => (state, inverted),
        })
    }

    /// Which of the two states a name stands for, and whether inverted; `None` for a pin.
    pub(crate) fn state(&self, name: &str) -> Option<(usize, bool)> {
        let state = self.states.iter().position(|state| state == name)?;
        Some(match state == 1 && self.is_complementary {
            true => (0, true),
            false => (state, false),
        })
    }

    /// An output that shows a state, and whether inverted.
    pub(crate) fn shown_by(&self, state: usize) -> impl Iterator<Item = (&str, bool)> {
        self.outputs
            .keys()
            .filter_map(move |pin| match self.output(pin)? {
                (shown, inverted) if shown == state => Some((pin.as_str(), inverted)),
                _ => None,
            })
    }
}

/// The functions that are stated; `None` where one cannot be read.
fn tables(storage: &Storage, names: &[&str]) -> Option<Vec<TruthTable>> {
    names
        .iter()
        .filter_map(|name| storage.attributes.get(*name))
        .map(|text| TruthTable::parse(text).ok())
        .collect()
}

fn outputs(cell: &Cell, states: &[String]) -> BTreeMap<String, (usize, bool)> {
    let mut found = BTreeMap::new();
    for (pin, data) in cell.pins_of(PinDirection::Output) {
        let function = data
            .function
            .as_deref()
            .filter(|_| data.three_state.is_none());
        let Some(table) = function.and_then(|text| TruthTable::parse(text).ok()) else {
            continue;
        };
        for (place, state) in states.iter().enumerate() {
            for inverted in [false, true] {
                if table.is_wire(state, inverted) {
                    found.insert(pin.to_owned(), (place, inverted));
                }
            }
        }
    }
    found
}
