//! The clock network, as structure shows it.

use std::collections::BTreeSet;

use noodle2_liberty::{Expression, LibraryIndex, PinDirection};

use crate::design::{Design, NetId};

/// The nets and instances between the sources of clocks and the clock pins of registers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ClockNetwork {
    /// The full names of its nets.
    pub nets: BTreeSet<String>,
    /// The full names of the cells on the way: buffers, gates and clock gates, not the registers at its ends.
    pub instances: BTreeSet<String>,
}

impl ClockNetwork {
    /// Traces back from every clock pin to where its clock comes from: through logic to ports, through a
    /// clock gate to its own clock, and no further than a register that divides a clock.
    pub fn of(design: &Design, cells: &LibraryIndex) -> Self {
        let mut drivers: Vec<Vec<(usize, usize)>> = vec![Vec::new(); design.nets.len()];
        let mut waiting: Vec<NetId> = Vec::new();
        for (place, instance) in design.instances.iter().enumerate() {
            let clocks = clock_pins(&instance.cell, cells);
            for (pin, connection) in instance.pins.iter().enumerate() {
                let root = design.net(connection.net).root;
                if instance.is_leaf && drives(&instance.cell, &connection.pin, cells) {
                    drivers[root.0 as usize].push((place, pin));
                }
                if clocks.contains(&connection.pin) {
                    waiting.push(root);
                }
            }
        }
        let mut roots: BTreeSet<NetId> = BTreeSet::new();
        let mut found = Self::default();
        while let Some(root) = waiting.pop() {
            if !roots.insert(root) {
                continue;
            }
            for &(place, _) in &drivers[root.0 as usize] {
                let instance = &design.instances[place];
                found.instances.insert(instance.name.clone());
                let cell = cells.cell(&instance.cell);
                if cell.is_none_or(|cell| cell.is_sequential() && cell.clock_gate.is_none()) {
                    continue;
                }
                let clocks = clock_pins(&instance.cell, cells);
                for connection in &instance.pins {
                    // Without clock pins of its own it is logic, and all its inputs reach the clock.
                    let passes = clocks.is_empty() || clocks.contains(&connection.pin);
                    if passes && !drives(&instance.cell, &connection.pin, cells) {
                        waiting.push(design.net(connection.net).root);
                    }
                }
            }
        }
        let of_clocks = |net: &&crate::Net| roots.contains(&net.root) && net.constant.is_none();
        found.nets = design
            .nets
            .iter()
            .filter(of_clocks)
            .map(|net| net.name.clone())
            .collect();
        found
    }
}

pub(crate) fn drives(cell: &str, pin: &str, cells: &LibraryIndex) -> bool {
    let direction = cells.pin(cell, pin).and_then(|(_, pin)| pin.direction);
    matches!(direction, Some(PinDirection::Output | PinDirection::Inout))
}

/// The pins that the library marks as clocks, and those that clock or open what holds state.
pub(crate) fn clock_pins(cell: &str, cells: &LibraryIndex) -> BTreeSet<String> {
    let Some(data) = cells.cell(cell) else {
        return BTreeSet::new();
    };
    let marked = data
        .pins
        .iter()
        .filter(|(_, pin)| pin.is_clock)
        .map(|(name, _)| name.clone());
    let clocked = data.storage.iter().flat_map(|storage| {
        ["clocked_on", "clocked_on_also", "enable", "enable_also"]
            .iter()
            .filter_map(|attribute| Expression::parse(storage.attributes.get(*attribute)?).ok())
            .flat_map(|expression| expression.variables().to_vec())
    });
    marked.chain(clocked).collect()
}
