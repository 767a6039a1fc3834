//! Evaluates a netlist as it is written, cell by cell, from the tables of the library.
//!
//! It shares nothing with the graph that the proof works on, so that an error there cannot make a
//! counterexample. What is not given stays unknown, and so does what several drivers disagree about, what
//! nothing drives, and what goes round in a loop.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use noodle2_liberty::{LibraryIndex, PinDirection, TruthTable};
use noodle2_netlist::{Design, Direction, EndName, Instance, NetId};

use crate::register::Register;

/// Values of input ports and of outputs that hold state.
pub(crate) type Assignment = HashMap<EndName, bool>;

#[derive(Debug, Clone, Copy)]
enum Driver {
    Port(usize),
    Pin(usize, usize),
}

/// A design with the drivers of its nets.
pub(crate) struct Netlist<'d> {
    design: &'d Design,
    cells: &'d LibraryIndex,
    /// By the root of a net.
    drivers: Vec<Vec<Driver>>,
}

impl<'d> Netlist<'d> {
    pub(crate) fn new(design: &'d Design, cells: &'d LibraryIndex) -> Self {
        let mut drivers = vec![Vec::new(); design.nets.len()];
        let mut drive = |net: NetId, driver: Driver| {
            drivers[design.net(net).root.0 as usize].push(driver);
        };
        for (place, port) in design.ports.iter().enumerate() {
            if port.direction != Some(Direction::Output) {
                drive(port.net, Driver::Port(place));
            }
        }
        for (place, instance) in design.instances.iter().enumerate() {
            for (pin, connection) in instance.pins.iter().enumerate() {
                let known = cells.pin(&instance.cell, &connection.pin);
                let is_input =
                    known.is_some_and(|(_, pin)| pin.direction == Some(PinDirection::Input));
                if instance.is_leaf && !is_input {
                    drive(connection.net, Driver::Pin(place, pin));
                }
            }
        }
        Self {
            design,
            cells,
            drivers,
        }
    }

    fn root(&self, net: NetId) -> usize {
        self.design.net(net).root.0 as usize
    }

    /// The root of the net of a port or pin.
    pub(crate) fn net_of(&self, end: &EndName) -> Option<usize> {
        let net = match end {
            EndName::Port(name) => {
                let mut ports = self.design.ports.iter();
                ports.find(|port| port.name == *name)?.net
            }
            EndName::Pin(instance, pin) => self.design.instance(instance)?.net(pin)?,
            EndName::Instance(_) => return None,
        };
        Some(self.root(net))
    }

    pub(crate) fn instance(&self, name: &str) -> Option<&'d Instance> {
        self.design.instance(name)
    }

    /// What drives a net through a function of other nets: the function, and for each input its net.
    fn function(&self, driver: Driver) -> Option<(usize, &'d TruthTable)> {
        let Driver::Pin(place, pin) = driver else {
            return None;
        };
        let instance = &self.design.instances[place];
        let table = self
            .cells
            .function(&instance.cell, &instance.pins[pin].pin)?;
        Some((place, table))
    }

    /// The roots of the nets that a net is computed from.
    fn inputs(&self, root: usize) -> impl Iterator<Item = usize> {
        self.drivers[root]
            .iter()
            .filter_map(|driver| self.function(*driver))
            .flat_map(move |(place, table)| {
                let nets = table.inputs().iter();
                nets.filter_map(move |pin| self.design.instances[place].net(pin))
            })
            .map(|net| self.root(net))
    }

    /// The places of the gates that the given nets are computed by.
    pub(crate) fn gates_behind(&self, roots: impl Iterator<Item = usize>) -> BTreeSet<usize> {
        let mut seen = vec![false; self.drivers.len()];
        let mut waiting: Vec<usize> = roots.collect();
        let mut gates = BTreeSet::new();
        while let Some(root) = waiting.pop() {
            if std::mem::replace(&mut seen[root], true) {
                continue;
            }
            let functions = self.drivers[root].iter();
            gates.extend(functions.filter_map(|driver| Some(self.function(*driver)?.0)));
            waiting.extend(self.inputs(root).filter(|input| !seen[*input]));
        }
        gates
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Unseen,
    /// Being computed: who meets it again goes round in a loop.
    Open,
    Known(Option<bool>),
}

/// One netlist under one assignment.
pub(crate) struct Evaluation<'n, 'd, 'a> {
    netlist: &'n Netlist<'d>,
    given: &'a Assignment,
    states: Vec<State>,
    /// The given values that were looked at.
    pub(crate) used: BTreeMap<EndName, bool>,
}

impl<'n, 'd, 'a> Evaluation<'n, 'd, 'a> {
    pub(crate) fn new(netlist: &'n Netlist<'d>, given: &'a Assignment) -> Self {
        Self {
            netlist,
            given,
            states: vec![State::Unseen; netlist.drivers.len()],
            used: BTreeMap::new(),
        }
    }

    /// The value at a port or a pin; `None` where it is not known.
    pub(crate) fn at(&mut self, end: &EndName) -> Option<bool> {
        let root = self.netlist.net_of(end)?;
        // Without recursion: logic may be deeper than a stack.
        let mut waiting = vec![root];
        while let Some(next) = waiting.last().copied() {
            match self.states[next] {
                State::Unseen => {
                    self.states[next] = State::Open;
                    let inputs = self.netlist.inputs(next);
                    waiting.extend(inputs.filter(|input| self.states[*input] == State::Unseen));
                }
                State::Open => {
                    self.states[next] = State::Known(self.compute(next));
                    waiting.pop();
                }
                State::Known(_) => {
                    waiting.pop();
                }
            }
        }
        self.known(root)
    }

    fn known(&self, root: usize) -> Option<bool> {
        match self.states[root] {
            State::Known(value) => value,
            State::Unseen | State::Open => None,
        }
    }

    fn given(&mut self, source: EndName) -> Option<bool> {
        let value = *self.given.get(&source)?;
        self.used.insert(source, value);
        Some(value)
    }

    fn compute(&mut self, root: usize) -> Option<bool> {
        let netlist = self.netlist;
        let net = &netlist.design.nets[root];
        let mut values = Vec::new();
        if let Some(constant) = net.constant {
            values.push(match constant {
                '0' => Some(false),
                '1' => Some(true),
                _ => None,
            });
        }
        for driver in &netlist.drivers[root] {
            let value = match (netlist.function(*driver), *driver) {
                (Some((place, table)), _) => {
                    let instance = &netlist.design.instances[place];
                    row_value(table, |pin| self.known(netlist.root(instance.net(pin)?)))
                }
                (None, Driver::Port(place)) => {
                    let port = netlist.design.ports[place].name.clone();
                    self.given(EndName::Port(port))
                }
                (None, Driver::Pin(place, pin)) => {
                    let instance = &netlist.design.instances[place];
                    let pin = instance.pins[pin].pin.clone();
                    self.given(EndName::Pin(instance.name.clone(), pin))
                }
            };
            values.push(value);
        }
        let first = *values.first()?;
        first.filter(|_| values.iter().all(|value| *value == first))
    }

    /// The value of a function of a register in terms of its pins and its state.
    pub(crate) fn register(
        &mut self,
        instance: &Instance,
        register: &Register,
        table: &TruthTable,
    ) -> Option<bool> {
        let values: Vec<Option<bool>> = table
            .inputs()
            .iter()
            .map(|name| match register.state(name) {
                Some((state, inverted)) => {
                    let (pin, shown_inverted) = register.shown_by(state).next()?;
                    let pin = EndName::Pin(instance.name.clone(), pin.to_owned());
                    Some(self.given(pin)? ^ shown_inverted ^ inverted)
                }
                None => self.at(&EndName::Pin(instance.name.clone(), name.clone())),
            })
            .collect();
        let place = |name: &str| table.inputs().iter().position(|input| input == name);
        row_value(table, |name| values[place(name)?])
    }
}

/// The value of a table where some inputs may be unknown.
fn row_value(table: &TruthTable, value: impl Fn(&str) -> Option<bool>) -> Option<bool> {
    let (mut row, mut unknown) = (0_usize, 0_usize);
    for (place, input) in table.inputs().iter().enumerate() {
        match value(input) {
            Some(value) => row |= usize::from(value) << place,
            None => unknown |= 1 << place,
        }
    }
    let first = table.value(row);
    // All ways of filling in the unknown inputs, from all ones down to none.
    let mut filling = unknown;
    while filling != 0 {
        if table.value(row | filling) != first {
            return None;
        }
        filling = (filling - 1) & unknown;
    }
    Some(first)
}
