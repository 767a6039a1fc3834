//! Scan chains, as the libraries and the structure of a design show them.

use std::collections::{BTreeMap, BTreeSet};

use noodle2_liberty::{LibraryIndex, PinDirection, ScanRole};

use crate::clocks::{clock_pins, drives};
use crate::design::{Design, NetId};

/// What shifts: the scan pins of registers, and what serves nothing else.
///
/// The way from the last register of a chain to its port is not known: nothing in a netlist tells it from
/// any other output.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ScanChain {
    /// The full names of the cells with scan pins.
    pub registers: BTreeSet<String>,
    /// The full names of the cells whose outputs feed nothing but scan pins: buffers, gates and lock-up
    /// latches of the chain.
    pub instances: BTreeSet<String>,
    /// Pins that may not change places: scan pins, the inputs of the cells above, and whatever drives one of
    /// them. By instance and pin.
    pub pins: BTreeSet<(String, String)>,
    /// The full names of the nets that feed nothing but such inputs.
    pub nets: BTreeSet<String>,
}

impl ScanChain {
    /// Finds every scan pin that `cells` marks as one, and goes back from there as long as nothing but the
    /// chain is fed.
    pub fn of(design: &Design, cells: &LibraryIndex) -> Self {
        let mut search = Search::new(design, cells);
        let mut found = Self::default();
        for (place, instance) in design.instances.iter().enumerate() {
            let Some(cell) = cells.cell(&instance.cell).filter(|_| instance.is_leaf) else {
                continue;
            };
            let role = |pin: &str| cell.pins.get(pin).and_then(|pin| pin.scan);
            for connection in &instance.pins {
                let Some(role) = role(&connection.pin) else {
                    continue;
                };
                found.registers.insert(instance.name.clone());
                search.is_register[place] = true;
                let root = design.net(connection.net).root;
                match role {
                    ScanRole::Output => {
                        let pin = (instance.name.clone(), connection.pin.clone());
                        found.pins.insert(pin);
                    }
                    ScanRole::Input | ScanRole::Enable | ScanRole::Clock => {
                        search.add_sink(place, &connection.pin, root, &mut found);
                    }
                }
            }
        }
        search.go_back(&mut found);
        let of_the_chain = |net: &&crate::Net| {
            net.constant.is_none() && search.nets.get(&net.root).is_some_and(|net| net.is_own)
        };
        let nets = design.nets.iter().filter(of_the_chain);
        found.nets = nets.map(|net| net.name.clone()).collect();
        found
    }

    /// Whether the design has no scan pins.
    pub fn is_empty(&self) -> bool {
        self.registers.is_empty()
    }
}

/// What is known of a net that feeds some pin of the chain.
#[derive(Debug, Default)]
struct ScanNet {
    /// How many of its sinks are pins of the chain.
    sinks: usize,
    /// Whether it has no others.
    is_own: bool,
}

struct Search<'d> {
    design: &'d Design,
    cells: &'d LibraryIndex,
    /// By instance.
    is_register: Vec<bool>,
    /// By root of a net: the pins that drive it, as places of instance and pin.
    drivers: Vec<Vec<(usize, usize)>>,
    /// By root of a net: how many pins of instances and ports take their value from it.
    sinks: Vec<usize>,
    nets: BTreeMap<NetId, ScanNet>,
    /// Nets that have won a sink of the chain.
    waiting: Vec<NetId>,
}

impl<'d> Search<'d> {
    fn new(design: &'d Design, cells: &'d LibraryIndex) -> Self {
        let mut search = Self {
            design,
            cells,
            is_register: vec![false; design.instances.len()],
            drivers: vec![Vec::new(); design.nets.len()],
            sinks: vec![0; design.nets.len()],
            nets: BTreeMap::new(),
            waiting: Vec::new(),
        };
        let leaves = design.instances.iter().enumerate();
        for (place, instance) in leaves.filter(|(_, instance)| instance.is_leaf) {
            for (pin, connection) in instance.pins.iter().enumerate() {
                let root = design.net(connection.net).root.0 as usize;
                match drives(&instance.cell, &connection.pin, cells) {
                    true => search.drivers[root].push((place, pin)),
                    false => search.sinks[root] += 1,
                }
            }
        }
        for port in &design.ports {
            if port.direction != Some(crate::Direction::Input) {
                search.sinks[design.net(port.net).root.0 as usize] += 1;
            }
        }
        search
    }

    /// Takes an input pin into the chain.
    fn add_sink(&mut self, place: usize, pin: &str, root: NetId, found: &mut ScanChain) {
        let instance = self.design.instances[place].name.clone();
        if found.pins.insert((instance, pin.to_owned())) {
            let net = self.nets.entry(root).or_default();
            net.sinks += 1;
            net.is_own = net.sinks == self.sinks[root.0 as usize];
            self.waiting.push(root);
        }
    }

    /// Takes in what drives the nets of the chain, and the cells that drive nothing else.
    fn go_back(&mut self, found: &mut ScanChain) {
        while let Some(root) = self.waiting.pop() {
            for (place, pin) in self.drivers[root.0 as usize].clone() {
                let instance = &self.design.instances[place];
                let pin = &instance.pins[pin].pin;
                let known = (instance.name.clone(), pin.clone());
                found.pins.insert(known);
                if self.is_register[place]
                    || found.instances.contains(&instance.name)
                    || !self.feeds_the_chain_alone(place)
                {
                    continue;
                }
                found.instances.insert(instance.name.clone());
                let clocks = clock_pins(&instance.cell, self.cells);
                for connection in &instance.pins {
                    let is_input = self
                        .cells
                        .pin(&instance.cell, &connection.pin)
                        .is_some_and(|(_, pin)| pin.direction == Some(PinDirection::Input));
                    if is_input && !clocks.contains(&connection.pin) {
                        let root = self.design.net(connection.net).root;
                        self.add_sink(place, &connection.pin, root, found);
                    }
                }
            }
        }
    }

    /// Whether all that a library cell drives is fed to the chain and to nothing else.
    fn feeds_the_chain_alone(&self, place: usize) -> bool {
        let instance = &self.design.instances[place];
        let is_macro = |cell: &str| self.cells.cell(cell).is_none_or(|cell| cell.is_macro);
        let mut outputs = instance
            .pins
            .iter()
            .filter(|connection| drives(&instance.cell, &connection.pin, self.cells));
        !is_macro(&instance.cell)
            && outputs.all(|connection| {
                let root = self.design.net(connection.net).root;
                let sinks = self.sinks[root.0 as usize];
                sinks == 0 || self.nets.get(&root).is_some_and(|net| net.is_own)
            })
    }
}
