//! Ledgers as ECO scripts of tools: what an engineer takes home.
//!
//! Owns the commands of each tool, the quoting of names in them, and an order in which every tool can carry
//! them out: nets and cells are there before anything is connected to them, pins leave a net before they join
//! another, and what goes is unconnected when it goes. Nothing here runs a tool.
//!
//! What is known of each tool's commands, and from where, stands at the head of its file. The OpenSTA dialect
//! is also how this program itself applies a ledger, so it is carried out by the real tool all the time.

mod innovus;
mod openroad;
mod opensta;
mod synopsys;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use noodle2_netlist::{Design, Edit, Ledger};

use crate::tcl::quote;

/// A tool whose ECO scripts can be written.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Dialect {
    /// OpenSTA.
    Opensta,
    /// OpenROAD.
    Openroad,
    /// Cadence Innovus, in its legacy user interface.
    Innovus,
    /// Synopsys IC Compiler II.
    Icc2,
    /// Synopsys PrimeTime.
    Primetime,
}

impl Dialect {
    /// Every dialect.
    pub const ALL: [Self; 5] = [
        Self::Opensta,
        Self::Openroad,
        Self::Innovus,
        Self::Icc2,
        Self::Primetime,
    ];

    /// The name as written on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Opensta => "opensta",
            Self::Openroad => "openroad",
            Self::Innovus => "innovus",
            Self::Icc2 => "icc2",
            Self::Primetime => "primetime",
        }
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// Why a ledger cannot be told to any tool.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum HandoverError {
    /// Ports of the design differ.
    #[error("port `{port}` of the design differs, which no ECO may change")]
    Port {
        /// The first of them.
        port: String,
    },
    /// A pin is connected to a constant, which ECO commands cannot name.
    #[error("pin `{pin}` joins or leaves the constant `{net}`, which ECO commands cannot name")]
    Constant {
        /// The pin, with its instance.
        pin: String,
        /// The constant.
        net: String,
    },
    /// A pin is known by its place alone.
    #[error("pin {pin} of instance `{instance}` is known by its place alone")]
    UnnamedPin {
        /// The instance.
        instance: String,
        /// Its pin, as `#1`.
        pin: String,
    },
}

/// One step of an ECO, in the order in which they can be made.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Step {
    Edit(Edit),
    /// An instance changes to a cell with other pins: it goes, unconnected, and comes back.
    Renew {
        instance: String,
        from: String,
        to: String,
    },
}

/// The ECO script that makes the edits of `ledger` in `parent`. `remarks` stand at its head.
///
/// # Errors
/// When an edit is none that a tool could be told.
pub fn eco_script(
    ledger: &Ledger,
    parent: &Design,
    dialect: Dialect,
    remarks: &[String],
) -> Result<String, HandoverError> {
    let steps = steps(ledger, parent)?;
    let mut script = String::new();
    for remark in remarks {
        for line in remark.lines() {
            script.push_str(&comment(line));
        }
    }
    script.push_str(&match dialect {
        Dialect::Opensta => opensta::script(&steps),
        Dialect::Openroad => openroad::script(&steps),
        Dialect::Innovus => innovus::script(&steps),
        Dialect::Icc2 => synopsys::script(&steps, synopsys::Tool::Icc2),
        Dialect::Primetime => synopsys::script(&steps, synopsys::Tool::Primetime),
    });
    Ok(script)
}

/// A line of comment. A backslash at its end would carry the comment over to the next line.
fn comment(line: &str) -> String {
    let text: String = line.chars().filter(|one| !one.is_control()).collect();
    format!("# {}\n", text.trim_end_matches('\\'))
}

/// A command with its words quoted.
fn command(name: &str, words: &[&str]) -> String {
    let words: Vec<String> = words.iter().map(|word| quote(word)).collect();
    format!("{name} {}\n", words.join(" "))
}

/// The steps as calls of procedures that a script brings along, in one command: OpenSTA's `source` goes on
/// after a command that failed.
fn calls(steps: &[Step]) -> String {
    let mut script = "::n2_eco::apply {\n".to_owned();
    for step in steps {
        script.push_str(&match step {
            Step::Edit(Edit::NewNet { net }) => command("::n2_eco::new_net", &[net]),
            Step::Edit(Edit::Insert { instance, cell }) => {
                command("::n2_eco::insert", &[instance, cell])
            }
            Step::Edit(Edit::Resize { instance, from, to }) => {
                command("::n2_eco::resize", &[instance, from, to])
            }
            Step::Edit(Edit::Disconnect { instance, pin, net }) => {
                command("::n2_eco::disconnect", &[instance, pin, net])
            }
            Step::Edit(Edit::Connect { instance, pin, net }) => {
                command("::n2_eco::connect", &[instance, pin, net])
            }
            Step::Edit(Edit::Remove { instance, cell }) => {
                command("::n2_eco::remove", &[instance, cell])
            }
            Step::Edit(Edit::RemoveNet { net }) => command("::n2_eco::remove_net", &[net]),
            Step::Renew { instance, from, to } => {
                command("::n2_eco::remove", &[instance, from])
                    + &command("::n2_eco::insert", &[instance, to])
            }
        });
    }
    script.push_str("}\n");
    script
}

fn steps(ledger: &Ledger, parent: &Design) -> Result<Vec<Step>, HandoverError> {
    if let Some(port) = ledger.ports.first() {
        return Err(HandoverError::Port { port: port.clone() });
    }
    for edit in &ledger.edits {
        if let Edit::Connect { instance, pin, net } | Edit::Disconnect { instance, pin, net } = edit
        {
            let of = || format!("{instance}/{pin}");
            if net.starts_with("1'b") {
                let (pin, net) = (of(), net.clone());
                return Err(HandoverError::Constant { pin, net });
            }
            if pin.starts_with('#') {
                let (instance, pin) = (instance.clone(), pin.clone());
                return Err(HandoverError::UnnamedPin { instance, pin });
            }
        }
    }
    let renewed = renewed(ledger);
    let mut before = Vec::new();
    let mut after = Vec::new();
    let mut left: BTreeSet<(&str, &str)> = BTreeSet::new();
    let mut joined = left.clone();
    for edit in &ledger.edits {
        match edit {
            Edit::Resize { instance, .. } if renewed.contains_key(instance.as_str()) => {}
            Edit::Disconnect { instance, pin, .. } => {
                left.insert((instance, pin));
                before.push(edit.clone());
            }
            Edit::NewNet { .. } | Edit::Insert { .. } | Edit::Resize { .. } => {
                before.push(edit.clone());
            }
            Edit::Connect { instance, pin, .. } => {
                joined.insert((instance, pin));
                after.push(edit.clone());
            }
            Edit::Remove { .. } | Edit::RemoveNet { .. } => after.push(edit.clone()),
        }
    }
    // Connections that the ledger leaves alone go and come back with their instance.
    for name in renewed.keys() {
        let pins = parent.instance(name).map_or(&[][..], |found| &found.pins);
        for connection in pins {
            let (instance, pin) = ((*name).to_owned(), connection.pin.clone());
            let net = parent.net(connection.net).name.clone();
            if left.contains(&(*name, pin.as_str())) || joined.contains(&(*name, pin.as_str())) {
                continue;
            }
            before.push(Edit::Disconnect {
                instance: instance.clone(),
                pin: pin.clone(),
                net: net.clone(),
            });
            after.push(Edit::Connect { instance, pin, net });
        }
    }
    before.sort();
    after.sort();
    let renewals = renewed
        .into_iter()
        .map(|(instance, (from, to))| Step::Renew {
            instance: instance.to_owned(),
            from: from.to_owned(),
            to: to.to_owned(),
        });
    Ok(before
        .into_iter()
        .map(Step::Edit)
        .chain(renewals)
        .chain(after.into_iter().map(Step::Edit))
        .collect())
}

/// Instances that change to a cell with other pins, with both cells: pins that they only lose or only gain
/// show it.
fn renewed(ledger: &Ledger) -> BTreeMap<&str, (&str, &str)> {
    let mut balance: BTreeMap<(&str, &str), i32> = BTreeMap::new();
    for edit in &ledger.edits {
        match edit {
            Edit::Disconnect { instance, pin, .. } => {
                *balance.entry((instance, pin)).or_default() -= 1;
            }
            Edit::Connect { instance, pin, .. } => {
                *balance.entry((instance, pin)).or_default() += 1;
            }
            _ => {}
        }
    }
    let changed: BTreeSet<&str> = balance
        .iter()
        .filter(|(_, balance)| **balance != 0)
        .map(|((instance, _), _)| *instance)
        .collect();
    let resizes = ledger.edits.iter().filter_map(|edit| match edit {
        Edit::Resize { instance, from, to } => Some((instance.as_str(), (&**from, &**to))),
        _ => None,
    });
    resizes
        .filter(|(instance, _)| changed.contains(instance))
        .collect()
}
