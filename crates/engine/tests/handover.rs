//! Ledgers as ECO scripts: OpenSTA's is carried out by the real tool, cold, and makes the very design; those of
//! tools that are not here are held against files that were read by a person.

mod support;

use std::fs;
use std::path::Path;
use std::process::Command;

use noodle2_engine::{Dialect, HandoverError, eco_script};
use noodle2_model::Outcome;
use noodle2_netlist::{Design, Ledger, canonical_hash};
use support::{Bench, shared};

/// Every kind of edit, on names that tools tend to trip over: escaped dividers, brackets and dots, a bit of a
/// bus, an instance in a module.
const PARENT: &str = "\
module top (clk, d, \\en[0] , y, z);
  input clk; input [1:0] d; input \\en[0] ; output y; output z;
  NAND2X1 \\u/1 (.A(d[0]), .B(\\en[0] ), .Y(\\n[3] ));
  BUFX2 \\b.1 (.A(\\n[3] ), .Y(\\x/y ));
  INVX1 \\u[2] (.A(\\x/y ), .Y(n5));
  DFFPOSX1 r1 (.CLK(clk), .D(n5), .Q(y));
  AND2X2 u7 (.A(\\n[3] ), .B(d[1]), .Y(n7));
  inner i1 (.a(n7), .q(z));
endmodule
module inner (a, q);
  input a; output q;
  BUFX2 b1 (.A(a), .Y(w));
  INVX1 \\v/2 (.A(w), .Y(q));
endmodule
";

/// A resize, a buffer that goes with its net, a buffer that comes with a net, an exchange of pins, a cell with
/// other pins, and the same in a module.
const CHILD: &str = "\
module top (clk, d, \\en[0] , y, z);
  input clk; input [1:0] d; input \\en[0] ; output y; output z;
  NAND2X1 \\u/1 (.B(d[0]), .A(\\en[0] ), .Y(\\n[3] ));
  INVX2 \\u[2] (.A(\\n[3] ), .Y(n5));
  DFFPOSX1 r1 (.CLK(clk), .D(n5), .Q(y));
  BUFX4 \\n2_1_1_u[1] (.A(d[1]), .Y(\\n2_1_1_w/1 ));
  AOI21X1 u7 (.A(\\n[3] ), .B(\\n2_1_1_w/1 ), .C(d[0]), .Y(n7));
  inner i1 (.a(n7), .q(z));
endmodule
module inner (a, q);
  input a; output q;
  BUFX4 b1 (.A(a), .Y(w));
  BUFX2 n2_1_1_u2 (.A(w), .Y(n2_1_1_w2));
  INVX1 \\v/2 (.A(n2_1_1_w2), .Y(q));
endmodule
";

const LIBRARY: &str = "/usr/share/qflow/tech/osu018/osu018_stdcells.lib";

fn read(text: &str) -> Design {
    Design::read(text.as_bytes(), "top").unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn script(dialect: Dialect) -> String {
    let parent = read(PARENT);
    let ledger = Ledger::between(&parent, &read(CHILD));
    let remarks = ["From base_0_0 to base_1_1.\\".to_owned()];
    eco_script(&ledger, &parent, dialect, &remarks).unwrap()
}

/// What plain `sta` writes and says after `netlist` and `script`.
fn through_sta(
    folder: &Path,
    libraries: &[String],
    netlist: &Path,
    top: &str,
    script: &str,
) -> (String, String) {
    fs::write(folder.join("eco.tcl"), script).unwrap();
    let mut lines: Vec<String> = libraries
        .iter()
        .map(|library| format!("read_liberty {library}"))
        .collect();
    lines.push(format!(
        "read_verilog {}\nlink_design {top}\nsource eco.tcl\nwrite_verilog out.v\n",
        netlist.display()
    ));
    fs::write(folder.join("run.tcl"), lines.join("\n")).unwrap();
    let output = Command::new("sta")
        .args(["-no_init", "-no_splash", "-exit", "run.tcl"])
        .current_dir(folder)
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    (fs::read_to_string(folder.join("out.v")).unwrap(), said)
}

#[test]
fn opensta_makes_the_very_design_of_its_script() {
    let folder = tempfile::tempdir().unwrap();
    let libraries = [LIBRARY.to_owned()];
    let netlist = folder.path().join("parent.v");
    fs::write(&netlist, PARENT).unwrap();
    let script = script(Dialect::Opensta);
    let (written, said) = through_sta(folder.path(), &libraries, &netlist, "top", &script);
    assert!(!said.contains("Error"), "{said}");
    let left = Ledger::between(&read(CHILD), &read(&written));
    assert!(left.is_empty(), "{}\n{written}", left.to_tsv());

    // On another design than the one that it was written for, it ends at the first edit that does not fit.
    fs::write(&netlist, CHILD).unwrap();
    let (_, said) = through_sta(folder.path(), &libraries, &netlist, "top", &script);
    assert!(
        said.contains("the ECO ended here: net i1/n2_1_1_w2 is there already"),
        "{said}"
    );
    fs::write(&netlist, PARENT.replace("INVX1 \\u[2]", "INVX8 \\u[2]")).unwrap();
    let (_, said) = through_sta(folder.path(), &libraries, &netlist, "top", &script);
    assert!(
        said.contains("the ECO ended here: instance u[2] is INVX8, not INVX1"),
        "{said}"
    );
}

#[test]
fn each_tool_is_told_in_its_own_commands() {
    for dialect in Dialect::ALL {
        // The procedures of OpenSTA are carried out above.
        let text = script(dialect);
        insta::assert_snapshot!(format!("handover_{dialect}"), text);
    }
}

#[test]
fn what_no_tool_could_be_told_is_refused() {
    let refusal = |child: &str| {
        let parent = read(PARENT);
        let ledger = Ledger::between(&parent, &read(child));
        eco_script(&ledger, &parent, Dialect::Innovus, &[]).unwrap_err()
    };
    let constant = refusal(&PARENT.replace(".B(d[1])", ".B(1'b0)"));
    let pin = "u7/B".to_owned();
    let net = "1'b0".to_owned();
    assert_eq!(constant, HandoverError::Constant { pin, net });
    let port = refusal(&PARENT.replace("output z;", "inout z;"));
    assert_eq!(
        port,
        HandoverError::Port {
            port: "z".to_owned()
        }
    );
    let by_place = refusal(&PARENT.replace("(.A(w), .Y(q))", "(w, q)"));
    assert!(matches!(by_place, HandoverError::UnnamedPin { .. }));
}

#[test]
fn names_cannot_become_commands() {
    let hostile = "\\[exec(touch)pwned];$x{\" ";
    let parent = read(PARENT);
    let child = read(&PARENT.replace("INVX1 \\u[2] ", &format!("INVX1 {hostile} ")));
    let ledger = Ledger::between(&parent, &child);
    for dialect in Dialect::ALL {
        let text = eco_script(&ledger, &parent, dialect, &[]).unwrap();
        let quoted = "\\[exec\\(touch\\)pwned\\]\\;\\$x\\{\\\"";
        assert!(text.contains(quoted), "{text}");
        for line in text.lines().filter(|line| line.contains("pwned")) {
            assert!(line.contains(quoted), "{line}");
        }
    }
}

/// On a real design: what an ECO did, told to plain `sta` that never saw the ECO, gives the same netlist.
#[test]
fn the_edits_of_real_ecos_are_carried_out_cold() {
    let Some(shared) = shared() else { return };
    let catalogue = noodle2_engine::Catalogue::load(&[]).unwrap();
    let library = shared.join("pdk/nangate45/nangate45_typ.lib.gz");
    let unpacked = Command::new("gzip")
        .arg("-dc")
        .arg(&library)
        .output()
        .unwrap();
    let mut kinds = std::collections::BTreeSet::new();
    for name in [
        "upsize_critical",
        "isolate_critical",
        "remove_buffers",
        "pin_swap",
        "restructure",
    ] {
        let mut bench = Bench::real(&shared, "uart_buffered.nangate45", |sdc| {
            vec![support::scene("typical", sdc)]
        });
        let context = bench.context();
        let base = bench.measured_base(&context);
        let folder = bench.attempt();
        let eco = catalogue.get(name).unwrap();
        let outcome = support::try_eco(&context, &base, eco, &folder, &mut support::run);
        let Outcome::Measured(measurement) = outcome else {
            assert_eq!(outcome, Outcome::NoEffect, "{name}");
            continue;
        };
        kinds.extend(measurement.edits.keys().cloned());
        let text = |path: &Path| fs::read(path).unwrap();
        let parent_text = text(&base.0.join("netlist.v"));
        let child_text = text(&folder.join("netlist.v"));
        let parent = Design::read(&parent_text, "uart").unwrap();
        let child = Design::read(&child_text, "uart").unwrap();
        let ledger = Ledger::between(&parent, &child);
        let script = eco_script(&ledger, &parent, Dialect::Opensta, &[]).unwrap();
        let cold = bench.attempt();
        fs::write(cold.join("cells.lib"), &unpacked.stdout).unwrap();
        let netlist = shared.join("designs/uart_buffered.nangate45/netlist.v");
        let libraries = ["cells.lib".to_owned()];
        let (written, said) = through_sta(&cold, &libraries, &netlist, "uart", &script);
        assert!(!said.contains("Error"), "{name}: {said}");
        assert_eq!(
            canonical_hash(written.as_bytes()).unwrap(),
            canonical_hash(&child_text).unwrap(),
            "{name}"
        );
    }
    assert_eq!(kinds.len(), 7, "every kind of edit was made: {kinds:?}");
}
