//! The edits that lead from one design to another, from the designs alone.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::design::{Design, Instance, NetId};

/// One edit. Names are full names.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(tag = "edit", rename_all = "snake_case")]
pub enum Edit {
    /// A net that the parent does not have.
    NewNet {
        /// The net.
        net: String,
    },
    /// An instance that the parent does not have.
    Insert {
        /// The instance.
        instance: String,
        /// Its cell.
        cell: String,
    },
    /// An instance of another cell than in the parent.
    Resize {
        /// The instance.
        instance: String,
        /// The cell in the parent.
        from: String,
        /// The cell now.
        to: String,
    },
    /// A pin that left its net.
    Disconnect {
        /// The instance.
        instance: String,
        /// Its pin.
        pin: String,
        /// The net in the parent.
        net: String,
    },
    /// A pin that is on a net on which it was not in the parent.
    Connect {
        /// The instance.
        instance: String,
        /// Its pin.
        pin: String,
        /// The net now.
        net: String,
    },
    /// An instance that only the parent has. All its pins were disconnected before.
    Remove {
        /// The instance.
        instance: String,
        /// Its cell.
        cell: String,
    },
    /// A net that only the parent has.
    RemoveNet {
        /// The net.
        net: String,
    },
}

impl Edit {
    /// The name of the kind of edit.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::NewNet { .. } => "new_net",
            Self::Insert { .. } => "insert",
            Self::Resize { .. } => "resize",
            Self::Disconnect { .. } => "disconnect",
            Self::Connect { .. } => "connect",
            Self::Remove { .. } => "remove",
            Self::RemoveNet { .. } => "remove_net",
        }
    }

    /// The instance that is edited; `None` for a net.
    pub fn instance(&self) -> Option<&str> {
        match self {
            Self::Insert { instance, .. }
            | Self::Resize { instance, .. }
            | Self::Disconnect { instance, .. }
            | Self::Connect { instance, .. }
            | Self::Remove { instance, .. } => Some(instance),
            Self::NewNet { .. } | Self::RemoveNet { .. } => None,
        }
    }

    /// The net that is edited; `None` where only a cell is exchanged.
    pub fn net(&self) -> Option<&str> {
        match self {
            Self::NewNet { net }
            | Self::RemoveNet { net }
            | Self::Disconnect { net, .. }
            | Self::Connect { net, .. } => Some(net),
            Self::Insert { .. } | Self::Resize { .. } | Self::Remove { .. } => None,
        }
    }
}

/// Fields separated by tabs, as a line of `ledger.tsv`. No name in a netlist holds white space.
impl fmt::Display for Edit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.kind();
        match self {
            Self::NewNet { net } | Self::RemoveNet { net } => write!(formatter, "{kind}\t{net}"),
            Self::Insert { instance, cell } | Self::Remove { instance, cell } => {
                write!(formatter, "{kind}\t{instance}\t{cell}")
            }
            Self::Resize { instance, from, to } => {
                write!(formatter, "{kind}\t{instance}\t{from}\t{to}")
            }
            Self::Disconnect { instance, pin, net } | Self::Connect { instance, pin, net } => {
                write!(formatter, "{kind}\t{instance}/{pin}\t{net}")
            }
        }
    }
}

/// Everything in which a design differs from its parent.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Ledger {
    /// The edits in an order in which they can be made: nets and instances come before what connects
    /// them, disconnections before connections, and what goes, goes last.
    pub edits: Vec<Edit>,
    /// Ports that only one of the designs has, or that go another way: nothing that is done inside a
    /// design may change them.
    pub ports: Vec<String>,
}

impl Ledger {
    /// The difference between two designs.
    pub fn between(parent: &Design, child: &Design) -> Self {
        let mut edits = Vec::new();
        let nets_before = net_names(parent);
        let nets_after = net_names(child);
        for net in nets_after.difference(&nets_before) {
            edits.push(Edit::NewNet {
                net: (*net).to_owned(),
            });
        }
        for net in nets_before.difference(&nets_after) {
            edits.push(Edit::RemoveNet {
                net: (*net).to_owned(),
            });
        }
        for (before, after) in merged(&parent.instances, &child.instances, |one| &one.name) {
            instance_edits(parent, before, child, after, &mut edits);
        }
        edits.sort();
        Self {
            edits,
            ports: port_changes(parent, child),
        }
    }

    /// Whether the designs are the same.
    pub fn is_empty(&self) -> bool {
        self.edits.is_empty() && self.ports.is_empty()
    }

    /// How many edits of each kind there are.
    pub fn counts(&self) -> BTreeMap<String, u64> {
        let mut counts = BTreeMap::new();
        for edit in &self.edits {
            *counts.entry(edit.kind().to_owned()).or_default() += 1;
        }
        counts
    }

    /// Whether any pin is on another net than before, instances that are new or gone included.
    pub fn changes_connections(&self) -> bool {
        self.edits
            .iter()
            .any(|edit| !matches!(edit, Edit::Resize { .. }))
    }

    /// The lines of `ledger.tsv`: one edit each, fields separated by tabs.
    pub fn to_tsv(&self) -> String {
        self.edits.iter().map(|edit| format!("{edit}\n")).collect()
    }
}

fn net_names(design: &Design) -> HashSet<&str> {
    let constants = |name: &str| name.starts_with("1'b");
    design
        .nets
        .iter()
        .map(|net| net.name.as_str())
        .filter(|name| !constants(name))
        .collect()
}

/// Pairs of what has the same key in two sorted lists, and what has none on the other side.
fn merged<'d, T>(
    left: &'d [T],
    right: &'d [T],
    key: impl Fn(&T) -> &String,
) -> Vec<(Option<&'d T>, Option<&'d T>)> {
    let (mut left, mut right) = (left.iter().peekable(), right.iter().peekable());
    let mut pairs = Vec::new();
    loop {
        let order = match (left.peek(), right.peek()) {
            (Some(one), Some(other)) => key(one).cmp(key(other)),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => return pairs,
        };
        pairs.push(match order {
            Ordering::Less => (left.next(), None),
            Ordering::Equal => (left.next(), right.next()),
            Ordering::Greater => (None, right.next()),
        });
    }
}

fn instance_edits(
    parent: &Design,
    before: Option<&Instance>,
    child: &Design,
    after: Option<&Instance>,
    edits: &mut Vec<Edit>,
) {
    let Some(name) = after.or(before).map(|instance| instance.name.clone()) else {
        return;
    };
    match (before, after) {
        (None, Some(after)) => edits.push(Edit::Insert {
            instance: name.clone(),
            cell: after.cell.clone(),
        }),
        (Some(before), None) => edits.push(Edit::Remove {
            instance: name.clone(),
            cell: before.cell.clone(),
        }),
        (Some(before), Some(after)) if before.cell != after.cell => edits.push(Edit::Resize {
            instance: name.clone(),
            from: before.cell.clone(),
            to: after.cell.clone(),
        }),
        _ => {}
    }
    let pins_before = before.map_or(&[][..], |instance| &instance.pins);
    let pins_after = after.map_or(&[][..], |instance| &instance.pins);
    let net_name = |design: &Design, net: NetId| design.net(net).name.clone();
    for (old, new) in merged(pins_before, pins_after, |connection| &connection.pin) {
        let old_net = old.map(|connection| net_name(parent, connection.net));
        let new_net = new.map(|connection| net_name(child, connection.net));
        if old_net == new_net {
            continue;
        }
        let Some(pin) = new.or(old).map(|connection| connection.pin.clone()) else {
            continue;
        };
        if let Some(net) = old_net {
            edits.push(Edit::Disconnect {
                instance: name.clone(),
                pin: pin.clone(),
                net,
            });
        }
        if let Some(net) = new_net {
            edits.push(Edit::Connect {
                instance: name.clone(),
                pin,
                net,
            });
        }
    }
}

fn port_changes(parent: &Design, child: &Design) -> Vec<String> {
    let ports = |design: &Design| -> BTreeSet<_> {
        let ports = design.ports.iter();
        ports
            .map(|port| (port.name.clone(), port.direction))
            .collect()
    };
    let (before, after) = (ports(parent), ports(child));
    let names: BTreeSet<String> = before
        .symmetric_difference(&after)
        .map(|(name, _)| name.clone())
        .collect();
    names.into_iter().collect()
}
