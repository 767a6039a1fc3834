//! A design as instances, pins and nets, with the hierarchy resolved.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::NetlistError;
use crate::verilog::{Connections, Expression, Module, PortWord, read_modules};

/// A net of a [`Design`], by its place in [`Design::nets`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NetId(pub u32);

/// One bit of a net, under the name that it has in one module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Net {
    /// The full name: `path/net`, a bit of a bus as `path/bus[3]`.
    pub name: String,
    /// The net that stands for all that are connected to it through ports of modules and assignments.
    pub root: NetId,
    /// `0`, `1`, `x` or `z` where the net is constant.
    pub constant: Option<char>,
}

/// One pin of an instance with its net.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PinConnection {
    /// The name of the pin. Pins of a bus are numbered from 0 at the least significant bit: `address[0]`.
    pub pin: String,
    /// The net in the module that holds the instance.
    pub net: NetId,
}

/// A cell in the design, or the place where a module is put into another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    /// The full name, parts separated by `/`.
    pub name: String,
    /// The cell or module.
    pub cell: String,
    /// Whether no module of the netlist is called so: a library cell, a macro or a black box.
    pub is_leaf: bool,
    /// The connected pins in alphabetical order.
    pub pins: Vec<PinConnection>,
}

impl Instance {
    /// The net of a pin; `None` where it is not connected.
    pub fn net(&self, pin: &str) -> Option<NetId> {
        let place = self
            .pins
            .binary_search_by(|connection| connection.pin.as_str().cmp(pin))
            .ok()?;
        Some(self.pins[place].net)
    }
}

/// Which way a port of the design goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// Into the design.
    Input,
    /// Out of the design.
    Output,
    /// Both.
    Inout,
}

/// One bit of a port of the design.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Port {
    /// Its name, `bus[3]` for a bit of a bus.
    pub name: String,
    /// Which way it goes; `None` where the netlist does not say.
    pub direction: Option<Direction>,
    /// Its net.
    pub net: NetId,
}

/// A netlist whose hierarchy is resolved.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Design {
    /// All instances in alphabetical order of their names, those of modules included.
    pub instances: Vec<Instance>,
    /// All bits of nets that anything is connected to, in the order in which they were met.
    pub nets: Vec<Net>,
    /// The ports of the top in the order of its header, most significant bit first.
    pub ports: Vec<Port>,
    /// What attributes (`keep`, `dont_touch`) mark as to be left alone.
    pub marked: MarkedNames,
}

/// The full names of what attributes of a netlist mark as to be left alone. A mark at the top module itself
/// names nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MarkedNames {
    /// Instances. One of a module stands for all that is in it.
    pub instances: BTreeSet<String>,
    /// Nets.
    pub nets: BTreeSet<String>,
}

impl Design {
    /// Reads one netlist and resolves the hierarchy under `top`.
    ///
    /// # Errors
    /// When the text is no structural netlist, or none with that top.
    pub fn read(text: &[u8], top: &str) -> Result<Self, NetlistError> {
        Self::read_all(&[text], top)
    }

    /// Reads a netlist that is spread over several files.
    ///
    /// # Errors
    /// As [`Design::read`].
    pub fn read_all(texts: &[&[u8]], top: &str) -> Result<Self, NetlistError> {
        let mut modules = BTreeMap::new();
        for text in texts {
            for (name, module) in read_modules(text)? {
                if modules.contains_key(&name) {
                    return Err(NetlistError::DuplicateModule { name });
                }
                modules.insert(name, module);
            }
        }
        let module = modules.get(top).ok_or_else(|| NetlistError::UnknownTop {
            name: top.to_owned(),
        })?;
        let mut builder = Builder {
            modules: &modules,
            open: vec![top],
            design: Self::default(),
        };
        let mut scope = builder.scope("", module);
        for port in &module.ports {
            let declaration = module.declarations.get(port).copied().unwrap_or_default();
            for bit in bits_of(port, declaration.range) {
                let net = builder.net(&mut scope, &bit);
                builder.design.ports.push(Port {
                    name: bit,
                    direction: declaration.direction.map(|word| match word {
                        PortWord::Input => Direction::Input,
                        PortWord::Output => Direction::Output,
                        PortWord::Inout => Direction::Inout,
                    }),
                    net,
                });
            }
        }
        builder.fill(&mut scope, module)?;
        let mut design = builder.design;
        design
            .instances
            .sort_by(|left, right| left.name.cmp(&right.name));
        for place in 0..design.nets.len() {
            let root = find_root(&mut design.nets, NetId(place as u32));
            design.nets[place].root = root;
        }
        Ok(design)
    }

    /// The net of that id.
    pub fn net(&self, id: NetId) -> &Net {
        &self.nets[id.0 as usize]
    }

    /// The instance of that full name.
    pub fn instance(&self, name: &str) -> Option<&Instance> {
        let place = self
            .instances
            .binary_search_by(|instance| instance.name.as_str().cmp(name))
            .ok()?;
        Some(&self.instances[place])
    }
}

/// The bits of a name, most significant first.
fn bits_of(name: &str, range: Option<(i64, i64)>) -> Vec<String> {
    match range {
        None => vec![name.to_owned()],
        Some((first, last)) => indices(first, last)
            .map(|index| format!("{name}[{index}]"))
            .collect(),
    }
}

/// Every index from `first` to `last`, whichever is greater.
fn indices(first: i64, last: i64) -> impl Iterator<Item = i64> {
    let step = if first <= last { 1 } else { -1 };
    (0..=first.abs_diff(last) as i64).map(move |offset| first + step * offset)
}

/// The nets of one place in the hierarchy.
struct Scope<'m> {
    /// The full name of the instance with a `/`, or nothing at the top.
    path: String,
    module: &'m Module,
    nets: BTreeMap<String, NetId>,
}

struct Builder<'m> {
    modules: &'m BTreeMap<String, Module>,
    /// The modules that are being filled, from the top down.
    open: Vec<&'m str>,
    design: Design,
}

impl<'m> Builder<'m> {
    fn scope(&self, path: &str, module: &'m Module) -> Scope<'m> {
        Scope {
            path: path.to_owned(),
            module,
            nets: BTreeMap::new(),
        }
    }

    fn net(&mut self, scope: &mut Scope<'_>, bit: &str) -> NetId {
        if let Some(id) = scope.nets.get(bit) {
            return *id;
        }
        let name = format!("{}{bit}", scope.path);
        let stem = bit.split_once('[').map_or(bit, |(stem, _)| stem);
        let declarations = &scope.module.declarations;
        // A bit with a name of its own is declared under that.
        let known = declarations.get(bit).or_else(|| declarations.get(stem));
        let supply = known.and_then(|known| known.supply);
        if known.is_some_and(|known| known.is_marked) {
            self.design.marked.nets.insert(name.clone());
        }
        let id = self.new_net(name, supply.map(|high| if high { '1' } else { '0' }));
        scope.nets.insert(bit.to_owned(), id);
        id
    }

    fn constant(&mut self, scope: &mut Scope<'_>, bit: char) -> NetId {
        // No net can be called so.
        let key = format!("1'b{bit}");
        if let Some(id) = scope.nets.get(&key) {
            return *id;
        }
        let id = self.new_net(key.clone(), Some(bit));
        scope.nets.insert(key, id);
        id
    }

    fn new_net(&mut self, name: String, constant: Option<char>) -> NetId {
        let id = NetId(self.design.nets.len() as u32);
        self.design.nets.push(Net {
            name,
            root: id,
            constant,
        });
        id
    }

    /// The bits of an expression, most significant first.
    fn bits(&mut self, scope: &mut Scope<'_>, expression: &Expression) -> Vec<NetId> {
        match expression {
            Expression::Name(name) => {
                let range = scope
                    .module
                    .declarations
                    .get(name)
                    .and_then(|known| known.range);
                let bits = bits_of(name, range);
                bits.iter().map(|bit| self.net(scope, bit)).collect()
            }
            Expression::Bit(name, index) => vec![self.net(scope, &format!("{name}[{index}]"))],
            Expression::Part(name, first, last) => {
                let bits = bits_of(name, Some((*first, *last)));
                bits.iter().map(|bit| self.net(scope, bit)).collect()
            }
            Expression::Constant(bits) => {
                bits.iter().map(|bit| self.constant(scope, *bit)).collect()
            }
            Expression::Joined(parts) => parts
                .iter()
                .flat_map(|part| self.bits(scope, part))
                .collect(),
        }
    }

    fn fill(&mut self, scope: &mut Scope<'m>, module: &'m Module) -> Result<(), NetlistError> {
        for (left, right) in &module.assignments {
            let left = self.bits(scope, left);
            let right = self.bits(scope, right);
            // Both sides end at the same bit, whatever their widths.
            for (left, right) in left.into_iter().rev().zip(right.into_iter().rev()) {
                self.join(left, right);
            }
        }
        for written in &module.instances {
            let inner = self.modules.get_key_value(&written.cell);
            let name = format!("{}{}", scope.path, written.name);
            let connections =
                self.connections(scope, &written.connections, inner.map(|(_, inner)| inner));
            let mut pins = Vec::new();
            for (pin, nets) in &connections {
                let count = nets.len();
                let declared = inner.and_then(|(_, inner)| inner.declarations.get(pin));
                let is_bus = count > 1 || declared.is_some_and(|known| known.range.is_some());
                for (index, net) in nets.iter().rev().enumerate() {
                    pins.push(PinConnection {
                        pin: if is_bus {
                            format!("{pin}[{index}]")
                        } else {
                            pin.clone()
                        },
                        net: *net,
                    });
                }
            }
            pins.sort_by(|left, right| left.pin.cmp(&right.pin));
            if written.is_marked || inner.is_some_and(|(_, inner)| inner.is_marked) {
                self.design.marked.instances.insert(name.clone());
            }
            self.design.instances.push(Instance {
                name: name.clone(),
                cell: written.cell.clone(),
                is_leaf: inner.is_none(),
                pins,
            });
            if let Some((cell, inner)) = inner {
                if self.open.contains(&cell.as_str()) {
                    return Err(NetlistError::Recursive { name: cell.clone() });
                }
                self.open.push(cell);
                let mut inside = self.scope(&format!("{name}/"), inner);
                for (port, nets) in connections {
                    let range = inner.declarations.get(&port).and_then(|known| known.range);
                    let formal = bits_of(&port, range);
                    for (bit, outer) in formal.iter().rev().zip(nets.into_iter().rev()) {
                        let net = self.net(&mut inside, bit);
                        self.join(net, outer);
                    }
                }
                self.fill(&mut inside, inner)?;
                self.open.pop();
            }
        }
        Ok(())
    }

    /// The connected pins with their bits. Positions are resolved by the header of the module; those of a
    /// cell that no module describes are named by number.
    fn connections(
        &mut self,
        scope: &mut Scope<'_>,
        connections: &Connections,
        inner: Option<&Module>,
    ) -> Vec<(String, Vec<NetId>)> {
        let mut found = Vec::new();
        match connections {
            Connections::Named(named) => {
                for (pin, value) in named {
                    if let Some(value) = value {
                        found.push((pin.clone(), self.bits(scope, value)));
                    }
                }
            }
            Connections::Ordered(ordered) => {
                for (place, value) in ordered.iter().enumerate() {
                    let port = inner.and_then(|inner| inner.ports.get(place)).cloned();
                    if let Some(value) = value {
                        let pin = port.unwrap_or_else(|| format!("#{}", place + 1));
                        found.push((pin, self.bits(scope, value)));
                    }
                }
            }
        }
        found
    }

    /// Makes one net of two. The one that was met first, which is the outer one, stands for both.
    fn join(&mut self, left: NetId, right: NetId) {
        let left = find_root(&mut self.design.nets, left);
        let right = find_root(&mut self.design.nets, right);
        let (root, other) = (left.min(right), left.max(right));
        if root == other {
            return;
        }
        let constant = self.design.nets[other.0 as usize].constant;
        self.design.nets[other.0 as usize].root = root;
        let kept = &mut self.design.nets[root.0 as usize].constant;
        *kept = kept.or(constant);
    }
}

fn find_root(nets: &mut [Net], mut id: NetId) -> NetId {
    while nets[id.0 as usize].root != id {
        // Halving the way keeps later searches short.
        let next = nets[id.0 as usize].root;
        nets[id.0 as usize].root = nets[next.0 as usize].root;
        id = nets[id.0 as usize].root;
    }
    id
}
