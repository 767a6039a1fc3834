//! Synopsys IC Compiler II and PrimeTime, which share most of their editing commands.
//!
//! From PrimeTime's own change lists as projects publish them (`size_cell {INSTANCE} {CELL}`, cells by their
//! base names) and from hand-written scripts: `create_cell INSTANCE CELL`, `create_net NET`, `connect_net NET
//! PINS`, `disconnect_net NET PINS`, `remove_cell`, `remove_net`. IC Compiler II takes the net by an option and
//! removes in the plural: `connect_net -net NET PINS`, `disconnect_net -net NET PINS`, `remove_cells`,
//! `remove_nets` (a published floorplan script shows the option; the plurals are this tool's). Not carried out
//! here.

use noodle2_netlist::Edit;

use super::Step;
use crate::tcl::quote;

/// Which of the two.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Tool {
    Icc2,
    Primetime,
}

pub(super) fn script(steps: &[Step], tool: Tool) -> String {
    let mut script = String::new();
    for step in steps {
        script.push_str(&match step {
            Step::Edit(Edit::NewNet { net }) => format!("create_net {}\n", quote(net)),
            Step::Edit(Edit::Insert { instance, cell }) => insert(instance, cell),
            Step::Edit(Edit::Resize { instance, to, .. }) => {
                format!("size_cell {} {}\n", quote(instance), quote(to))
            }
            Step::Edit(Edit::Disconnect { instance, pin, net }) => {
                connection("disconnect_net", tool, instance, pin, net)
            }
            Step::Edit(Edit::Connect { instance, pin, net }) => {
                connection("connect_net", tool, instance, pin, net)
            }
            Step::Edit(Edit::Remove { instance, .. }) => remove(tool, instance),
            Step::Edit(Edit::RemoveNet { net }) => match tool {
                Tool::Icc2 => format!("remove_nets {}\n", quote(net)),
                Tool::Primetime => format!("remove_net {}\n", quote(net)),
            },
            Step::Renew { instance, to, .. } => remove(tool, instance) + &insert(instance, to),
        });
    }
    if tool == Tool::Icc2 {
        script
            .push_str("# Then place_eco_cells -eco_changed_cells -legalize_only, and route_eco.\n");
    }
    script
}

fn insert(instance: &str, cell: &str) -> String {
    format!("create_cell {} {}\n", quote(instance), quote(cell))
}

fn remove(tool: Tool, instance: &str) -> String {
    match tool {
        Tool::Icc2 => format!("remove_cells {}\n", quote(instance)),
        Tool::Primetime => format!("remove_cell {}\n", quote(instance)),
    }
}

fn connection(command: &str, tool: Tool, instance: &str, pin: &str, net: &str) -> String {
    let option = match tool {
        Tool::Icc2 => "-net ",
        Tool::Primetime => "",
    };
    let pin = quote(&format!("{instance}/{pin}"));
    format!("{command} {option}{} [get_pins {pin}]\n", quote(net))
}
