//! The signature of a cell: equal for two cells exactly when they do the same, pin for pin.
//!
//! It covers the names and directions of all signal pins, the truth table of every output and of its
//! three-state condition, and the flip-flops, latches and state tables with their functions. It does not
//! cover anything electrical. A cell of which something is not known (an output without a function, a
//! function with too many inputs, a memory) is like no other cell.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::expression::Expression;
use crate::library::{Cell, Pin, PinDirection, Storage, StorageKind};
use crate::truth::TruthTable;

/// What a cell does, as far as it is known.
#[derive(Debug, Clone)]
pub(crate) struct Behaviour {
    /// Hexadecimal; for a cell that cannot be compared, text that no other cell has.
    pub(crate) signature: String,
    /// Whether the cell can be compared with others.
    pub(crate) is_known: bool,
    /// The function of each output of a cell without state, in terms of its pins.
    pub(crate) outputs: BTreeMap<String, TruthTable>,
}

impl Behaviour {
    pub(crate) fn of(name: &str, cell: &Cell) -> Self {
        let states = StateNames::new(&cell.storage);
        let text = signature_text(cell, &states);
        let outputs = match cell.is_sequential() {
            true => BTreeMap::new(),
            false => cell
                .pins_of(PinDirection::Output)
                .filter_map(|(pin, data)| {
                    let table = TruthTable::parse(data.function.as_deref()?).ok()?;
                    Some((pin.to_owned(), table))
                })
                .collect(),
        };
        let is_known = text.is_some();
        let signature = match text {
            Some(text) => blake3::hash(text.as_bytes()).to_hex()[..32].to_owned(),
            None => format!("unknown:{name}"),
        };
        Self {
            signature,
            is_known,
            outputs,
        }
    }
}

/// Names for the states of a cell that do not depend on how its library calls them.
struct StateNames(BTreeMap<String, String>);

impl StateNames {
    fn new(storage: &[Storage]) -> Self {
        let mut names = BTreeMap::new();
        for (group, storage) in storage.iter().enumerate() {
            if storage.kind == StorageKind::StateTable {
                // The nodes of a state table are named by pins, whose names must be equal anyway.
                continue;
            }
            for (place, name) in storage.variables.iter().take(2).enumerate() {
                // A blank cannot be part of an unquoted name.
                names.insert(name.clone(), format!("state {group} {place}"));
            }
        }
        Self(names)
    }

    fn canonical(&self, function: &str) -> Option<String> {
        let expression = Expression::parse(function)
            .ok()?
            .renamed(|name| self.0.get(name).map_or(name, String::as_str).to_owned());
        Some(TruthTable::of(&expression).ok()?.canonical())
    }
}

fn signature_text(cell: &Cell, states: &StateNames) -> Option<String> {
    let mut text = String::new();
    let mut drives = false;
    for (name, pin) in &cell.pins {
        let direction = pin.direction?;
        let _ = write!(text, "pin {name:?} {direction:?}");
        pin_text(&mut text, pin, states)?;
        let has_function =
            pin.function.is_some() || pin.state_function.is_some() || pin.internal_node.is_some();
        match direction {
            PinDirection::Output | PinDirection::Inout if !has_function => return None,
            PinDirection::Output | PinDirection::Inout => drives = true,
            PinDirection::Input | PinDirection::Internal => {}
        }
        text.push('\n');
    }
    for storage in &cell.storage {
        storage_text(&mut text, storage, states)?;
    }
    if let Some(gate) = &cell.clock_gate {
        let _ = writeln!(text, "clock gate {gate:?}");
    }
    // Fillers and antenna diodes do nothing that could be compared.
    drives.then_some(text)
}

fn pin_text(text: &mut String, pin: &Pin, states: &StateNames) -> Option<()> {
    for (word, function) in [
        ("function", &pin.function),
        ("three_state", &pin.three_state),
        ("state_function", &pin.state_function),
    ] {
        if let Some(function) = function {
            let _ = write!(text, " {word} {}", states.canonical(function)?);
        }
    }
    if let Some(node) = &pin.internal_node {
        let _ = write!(text, " internal_node {node:?}");
    }
    Some(())
}

fn storage_text(text: &mut String, storage: &Storage, states: &StateNames) -> Option<()> {
    let kind = storage.kind;
    let _ = write!(text, "{kind:?}");
    match kind {
        StorageKind::Memory => return None,
        StorageKind::StateTable => {
            let _ = write!(text, " {:?}", storage.variables);
        }
        StorageKind::FlipFlopBank | StorageKind::LatchBank => {
            // The third argument is the width of the bank.
            let _ = write!(text, " {:?}", storage.variables.get(2));
        }
        StorageKind::FlipFlop | StorageKind::Latch => {}
    }
    for (name, value) in &storage.attributes {
        match name.as_str() {
            "next_state" | "clocked_on" | "clocked_on_also" | "clear" | "preset" | "enable"
            | "enable_also" | "data_in" => {
                let _ = write!(text, " {name} {}", states.canonical(value)?);
            }
            // Which supply fails is not part of what the cell does.
            "power_down_function" => {}
            _ => {
                let words: Vec<&str> = value
                    .split(|letter: char| letter.is_whitespace() || letter == '\\')
                    .filter(|word| !word.is_empty())
                    .collect();
                let _ = write!(text, " {name} {:?}", words.join(" "));
            }
        }
    }
    text.push('\n');
    Some(())
}
