//! Whether two designs compute the same, as far as structure shows it.
//!
//! Both designs are cut at everything that has a name that lasts: ports, registers, macros and other cells
//! whose function is not known, and gates in combinational loops. The logic between is hashed from its
//! sources to its ends: a gate is its truth table over what its inputs compute, so that buffers, pairs of
//! inverters, clones, stronger drives, exchanged equivalent pins and an inverter pulled into a gate make no
//! difference. Two designs whose ends are all fed by the same hashes compute the same. The reverse does
//! not hold: logic that was mapped anew may compute the same and look different here.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;

use noodle2_liberty::{LibraryIndex, PinDirection};
use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};

use crate::design::{Design, Direction, Instance, NetId};
use crate::graph::{Function, LogicGraph, Value};

/// What came of comparing two designs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LogicComparison {
    /// Where they differ in structure: `register/D`, `port out[3]`, in alphabetical order. Empty when the
    /// designs are known to compute the same.
    pub differing: Vec<String>,
}

impl LogicComparison {
    /// Whether the designs are known to compute the same.
    pub fn is_same(&self) -> bool {
        self.differing.is_empty()
    }
}

/// Compares what two designs compute. `cells` says what their cells do.
pub fn compare_logic(parent: &Design, child: &Design, cells: &LibraryIndex) -> LogicComparison {
    if is_exchange_of_equals(parent, child, cells) {
        return LogicComparison::default();
    }
    let mut shared = LogicGraph::default();
    let before = shared.add(parent, cells).ends;
    let after = shared.add(child, cells).ends;
    let mut differing: Vec<String> = before
        .iter()
        .filter(|(name, end)| after.get(*name) != Some(end))
        .map(|(name, _)| name.to_string())
        .chain(
            after
                .keys()
                .filter(|name| !before.contains_key(*name))
                .map(EndName::to_string),
        )
        .collect();
    differing.sort_unstable();
    LogicComparison { differing }
}

/// Whether two designs are connected alike, pin by pin, and differ in nothing but cells that do the same. Both must be
/// written in one order, as they are by one engine: else nothing is said, and the long way is taken.
fn is_exchange_of_equals(parent: &Design, child: &Design, cells: &LibraryIndex) -> bool {
    let stands_for = |one: &Instance, other: &Instance| {
        let direction = |cell, pin| cells.pin(cell, pin).map(|(_, pin)| pin.direction);
        let (from, to) = (&one.cell, &other.cell);
        from == to
            || one.is_leaf
                && cells.same_function(from, to)
                && one.pins.iter().all(|connection| {
                    let pin = &connection.pin;
                    direction(from, pin) == direction(to, pin)
                        && cells.function(from, pin) == cells.function(to, pin)
                })
    };
    parent.ports == child.ports
        && parent.nets == child.nets
        && parent.instances.len() == child.instances.len()
        && (parent.instances.iter().zip(&child.instances)).all(|(one, other)| {
            one.name == other.name
                && one.is_leaf == other.is_leaf
                && one.pins == other.pins
                && stands_for(one, other)
        })
}

/// The name of an end of the logic: of something whose input counts because it has a name that lasts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EndName {
    /// A port of the design.
    Port(String),
    /// An instance at which the design is cut: whether it still does the same.
    Instance(String),
    /// A pin of such an instance that may be driven.
    Pin(String, String),
}

impl fmt::Display for EndName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Port(port) => write!(formatter, "port {port}"),
            Self::Instance(instance) => formatter.write_str(instance),
            Self::Pin(instance, pin) => write!(formatter, "{instance}/{pin}"),
        }
    }
}

/// What feeds one end.
#[derive(Debug, PartialEq, Eq)]
pub struct End {
    /// Text that is equal for two instances that may stand in for one another, and for ports of one
    /// direction; nothing for a pin.
    pub behaviour: String,
    /// What the net computes; `None` for an instance.
    pub value: Option<Value>,
}

/// The ends of the logic of one design in a [`LogicGraph`].
#[derive(Debug, Default)]
pub struct LogicEnds {
    /// Every end with what feeds it.
    pub ends: BTreeMap<EndName, End>,
    /// The names of the gates at which a combinational loop was cut. Their outputs are sources of the
    /// logic although they hold no state.
    pub cut_loops: BTreeSet<String>,
}

/// How the output of an instance is treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    /// A function of its inputs.
    Gate,
    /// Something with a name that lasts, at which the design is cut.
    Named,
    /// A gate in a combinational loop, at which the design is cut as well.
    Loop,
}

pub(crate) struct Logic<'d> {
    design: &'d Design,
    cells: &'d LibraryIndex,
    /// One for each instance.
    nodes: Vec<Node>,
    /// By the root of a net: what drives it.
    drivers: Vec<Vec<Driver>>,
}

#[derive(Debug)]
struct Node {
    role: Role,
    /// Whether the cell is a buffer or an inverter.
    is_wire: bool,
    /// The way of each connected pin, where the library states it.
    directions: Vec<Option<PinDirection>>,
}

#[derive(Debug, Clone, Copy)]
enum Driver {
    /// The place of a port.
    Port(usize),
    /// The places of an instance and of its pin.
    Pin(usize, usize),
}

impl<'d> Logic<'d> {
    pub(crate) fn new(design: &'d Design, cells: &'d LibraryIndex) -> Self {
        let mut logic = Self {
            design,
            cells,
            nodes: Vec::with_capacity(design.instances.len()),
            drivers: vec![Vec::new(); design.nets.len()],
        };
        for (place, port) in design.ports.iter().enumerate() {
            if port.direction != Some(Direction::Output) {
                logic.drive(port.net, Driver::Port(place));
            }
        }
        let mut known: HashMap<&str, CellFacts<'d>> = HashMap::new();
        for (place, instance) in design.instances.iter().enumerate() {
            let facts = known
                .entry(&instance.cell)
                .or_insert_with(|| CellFacts::new(&instance.cell, cells));
            let node = facts.node(instance);
            for (pin, connection) in instance.pins.iter().enumerate() {
                if instance.is_leaf && node.directions[pin] != Some(PinDirection::Input) {
                    logic.drive(connection.net, Driver::Pin(place, pin));
                }
            }
            logic.nodes.push(node);
        }
        logic.cut_loops(false);
        logic
    }

    fn root(&self, net: NetId) -> usize {
        self.design.net(net).root.0 as usize
    }

    fn drive(&mut self, net: NetId, driver: Driver) {
        let root = self.root(net);
        self.drivers[root].push(driver);
    }

    /// The roots of the nets at the inputs of an instance.
    fn inputs_of(&self, place: usize) -> impl Iterator<Item = usize> {
        let pins = self.design.instances[place].pins.iter();
        let directions = self.nodes[place].directions.iter();
        pins.zip(directions)
            .filter(|(_, direction)| **direction == Some(PinDirection::Input))
            .map(|(connection, _)| self.root(connection.net))
    }

    /// Gates that feed themselves have no function of their inputs alone. Buffers and inverters among them
    /// stay what they are as long as another gate cuts their loop.
    fn cut_loops(&mut self, cut_wires: bool) {
        let mut graph = DiGraph::<(), ()>::with_capacity(self.nodes.len(), self.nodes.len() * 2);
        for _ in &self.nodes {
            graph.add_node(());
        }
        let is_gate = |place: usize| self.nodes[place].role == Role::Gate;
        for place in (0..self.nodes.len()).filter(|place| is_gate(*place)) {
            for root in self.inputs_of(place) {
                for driver in &self.drivers[root] {
                    if let Driver::Pin(source, _) = *driver
                        && is_gate(source)
                    {
                        graph.add_edge(NodeIndex::new(source), NodeIndex::new(place), ());
                    }
                }
            }
        }
        let mut found = false;
        for component in kosaraju_scc(&graph) {
            let is_loop = component.len() > 1 || graph.contains_edge(component[0], component[0]);
            if !is_loop {
                continue;
            }
            found = true;
            for node in component {
                let node = &mut self.nodes[node.index()];
                if cut_wires || !node.is_wire {
                    node.role = Role::Loop;
                }
            }
        }
        // What is left can only be a ring of buffers and inverters.
        if found && !cut_wires {
            self.cut_loops(true);
        }
    }

    /// Every end of the logic, with what feeds it.
    pub(crate) fn ends(&self, shared: &mut LogicGraph) -> LogicEnds {
        let mut values = Values {
            logic: self,
            shared,
            known: vec![None; self.design.nets.len()],
        };
        let mut found = LogicEnds::default();
        for port in &self.design.ports {
            // An input is an end too: nothing inside may drive it.
            let end = End {
                behaviour: format!("{:?}", port.direction),
                value: Some(values.of(self.root(port.net))),
            };
            found.ends.insert(EndName::Port(port.name.clone()), end);
        }
        for (instance, node) in self.design.instances.iter().zip(&self.nodes) {
            // Without pins it computes nothing: a filler.
            if node.role == Role::Gate || !instance.is_leaf || instance.pins.is_empty() {
                continue;
            }
            let name = &instance.name;
            if node.role == Role::Loop {
                found.cut_loops.insert(name.clone());
            }
            let end = End {
                behaviour: behaviour(instance, self.cells),
                value: None,
            };
            found.ends.insert(EndName::Instance(name.clone()), end);
            for (connection, direction) in instance.pins.iter().zip(&node.directions) {
                if *direction == Some(PinDirection::Output) {
                    continue;
                }
                let end = End {
                    behaviour: String::new(),
                    value: Some(values.of(self.root(connection.net))),
                };
                let pin = EndName::Pin(name.clone(), connection.pin.clone());
                found.ends.insert(pin, end);
            }
        }
        found
    }
}

/// What nets compute, each found once.
struct Values<'l, 'd, 's> {
    logic: &'l Logic<'d>,
    shared: &'s mut LogicGraph,
    /// By the root of a net.
    known: Vec<Option<Value>>,
}

impl Values<'_, '_, '_> {
    /// Without recursion: logic may be deeper than a stack.
    fn of(&mut self, root: usize) -> Value {
        let mut waiting = vec![root];
        let mut missing = Vec::new();
        loop {
            if let Some(value) = self.known[root] {
                return value;
            }
            let next = waiting.last().copied().unwrap_or(root);
            self.needed(next, &mut missing);
            if missing.is_empty() {
                self.known[next] = Some(self.compute(next));
                waiting.pop();
            } else {
                waiting.append(&mut missing);
            }
        }
    }

    /// The nets that must be known before `root`, and are not.
    fn needed(&self, root: usize, missing: &mut Vec<usize>) {
        if self.known[root].is_some() {
            return;
        }
        for driver in &self.logic.drivers[root] {
            if let Driver::Pin(place, _) = *driver
                && self.logic.nodes[place].role == Role::Gate
            {
                let inputs = self.logic.inputs_of(place);
                missing.extend(inputs.filter(|input| self.known[*input].is_none()));
            }
        }
    }

    fn compute(&mut self, root: usize) -> Value {
        if let Some(value) = self.known[root] {
            return value;
        }
        let net = &self.logic.design.nets[root];
        let mut values: Vec<Value> = match net.constant {
            Some('0') => vec![self.shared.constant(false)],
            Some('1') => vec![self.shared.constant(true)],
            Some(other) => vec![self.shared.value(Function::Constant(other))],
            None => Vec::new(),
        };
        for driver in &self.logic.drivers[root] {
            values.push(self.driven_by(*driver));
        }
        match values.as_slice() {
            [] => self.shared.value(Function::Undriven(net.name.clone())),
            [value] => *value,
            _ => {
                values.sort_unstable();
                self.shared.value(Function::Several(values))
            }
        }
    }

    fn driven_by(&mut self, driver: Driver) -> Value {
        let design = self.logic.design;
        let (place, pin) = match driver {
            Driver::Port(place) => {
                let port = design.ports[place].name.clone();
                return self.shared.value(Function::Port(port));
            }
            Driver::Pin(place, pin) => (place, pin),
        };
        let instance = &design.instances[place];
        let pin = &instance.pins[pin].pin;
        let function = match self.logic.nodes[place].role {
            Role::Gate => self.logic.cells.function(&instance.cell, pin),
            Role::Named | Role::Loop => None,
        };
        let Some(table) = function else {
            let output = Function::Output(instance.name.clone(), pin.clone());
            return self.shared.value(output);
        };
        let inputs: Vec<Value> = table
            .inputs()
            .iter()
            .map(|input| {
                let net = instance.net(input);
                let known = net.and_then(|net| self.known[self.logic.root(net)]);
                // An open input may be anything.
                known.unwrap_or_else(|| {
                    let name = format!("{}/{input}", instance.name);
                    self.shared.value(Function::Undriven(name))
                })
            })
            .collect();
        self.shared.gate(table, &inputs)
    }
}

/// What is asked of a cell for each of its instances.
struct CellFacts<'c> {
    cell: &'c str,
    cells: &'c LibraryIndex,
    /// Whether it is logic without state.
    is_logic: bool,
    is_wire: bool,
}

impl<'c> CellFacts<'c> {
    fn new(cell: &'c str, cells: &'c LibraryIndex) -> Self {
        let is_known = cells.same_function(cell, cell);
        let has_state = cells.cell(cell).is_none_or(|cell| cell.is_sequential());
        Self {
            cell,
            cells,
            is_logic: is_known && !has_state,
            is_wire: cells.wire_pins(cell).is_some(),
        }
    }

    /// An instance is a gate when every output that is used is a known function of its inputs.
    fn node(&self, instance: &Instance) -> Node {
        let direction = |pin: &str| self.cells.pin(self.cell, pin)?.1.direction;
        let pins = instance.pins.iter();
        let directions: Vec<Option<PinDirection>> = pins
            .clone()
            .map(|connection| direction(&connection.pin))
            .collect();
        let is_gate = instance.is_leaf
            && self.is_logic
            && pins
                .zip(&directions)
                .all(|(connection, direction)| match direction {
                    Some(PinDirection::Input) => true,
                    Some(PinDirection::Output) => {
                        self.cells.function(self.cell, &connection.pin).is_some()
                    }
                    _ => false,
                });
        Node {
            role: if is_gate { Role::Gate } else { Role::Named },
            is_wire: self.is_wire,
            directions,
        }
    }
}

/// Text that is equal for two cells that may stand in for one another.
fn behaviour(instance: &Instance, cells: &LibraryIndex) -> String {
    let is_known = cells.same_function(&instance.cell, &instance.cell);
    match cells.signature(&instance.cell) {
        Some(signature) if is_known => signature.to_owned(),
        _ => format!("cell {}", instance.cell),
    }
}
