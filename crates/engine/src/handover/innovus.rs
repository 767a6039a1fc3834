//! Cadence Innovus, in its legacy user interface.
//!
//! From public scripts: `ecoChangeCell -inst INSTANCE -cell CELL` (icc2innovus.py, which translates IC Compiler's
//! change lists), `addInst -cell CELL -inst INSTANCE`, `deleteInst INSTANCE`, `addNet NET`, `deleteNet NET`,
//! `attachTerm INSTANCE PIN NET` and `detachTerm INSTANCE PIN NET` within one level of the hierarchy (several
//! hand-written ECO scripts), `setEcoMode` around them, and `ecoPlace` and `ecoRoute` after (the script that
//! sources what icc2innovus.py wrote). Buffers are put in pin by pin, not by `ecoAddRepeater`, which chooses
//! names and places of its own. Not carried out here.

use noodle2_netlist::Edit;

use super::{Step, command};

pub(super) fn script(steps: &[Step]) -> String {
    let mut script =
        "setEcoMode -batchMode true -refinePlace false -updateTiming false\n".to_owned();
    for step in steps {
        script.push_str(&match step {
            Step::Edit(Edit::NewNet { net }) => command("addNet", &[net]),
            Step::Edit(Edit::Insert { instance, cell }) => insert(instance, cell),
            Step::Edit(Edit::Resize { instance, to, .. }) => {
                command("ecoChangeCell", &["-inst", instance, "-cell", to])
            }
            Step::Edit(Edit::Disconnect { instance, pin, net }) => {
                command("detachTerm", &[instance, pin, net])
            }
            Step::Edit(Edit::Connect { instance, pin, net }) => {
                command("attachTerm", &[instance, pin, net])
            }
            Step::Edit(Edit::Remove { instance, .. }) => command("deleteInst", &[instance]),
            Step::Edit(Edit::RemoveNet { net }) => command("deleteNet", &[net]),
            Step::Renew { instance, to, .. } => {
                command("deleteInst", &[instance]) + &insert(instance, to)
            }
        });
    }
    script.push_str("setEcoMode -batchMode false\n# Then ecoPlace and ecoRoute.\n");
    script
}

fn insert(instance: &str, cell: &str) -> String {
    command("addInst", &["-cell", cell, "-inst", instance])
}
