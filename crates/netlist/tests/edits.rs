//! Small designs on a real library: what an edit is, what it does to the logic, how far it reaches.

use std::path::Path;
use std::sync::Arc;

use noodle2_liberty::{IndexOptions, Library, LibraryIndex};
use noodle2_model::LogicalReach;
use noodle2_netlist::{ClockNetwork, Design, Ledger, NetlistError, compare_logic, measure_reach};

const OSU018: &str = "/usr/share/qflow/tech/osu018/osu018_stdcells.lib";

fn cells() -> LibraryIndex {
    let bytes = std::fs::read(OSU018).expect("the Debian package qflow-tech-osu018 is installed");
    let library = Library::parse(&bytes, Path::new(OSU018)).unwrap();
    LibraryIndex::build(&[Arc::new(library)], &IndexOptions::default())
}

const PARENT: &str = "module top (clk, a, b, c, y, z);
 input clk; input a; input b; input c; output y; output z;
 NAND2X1 u1 (.A(a), .B(b), .Y(n1));
 INVX1 u2 (.A(n1), .Y(n2));
 DFFPOSX1 r1 (.CLK(clk), .D(n2), .Q(q1));
 NOR2X1 u3 (.A(q1), .B(c), .Y(n3));
 DFFPOSX1 r2 (.CLK(clk), .D(n3), .Q(y));
 AOI21X1 u4 (.A(q1), .B(c), .C(n2), .Y(z));
endmodule
";

/// Parts of the parent's text, and what they are replaced by.
type Replacements = &'static [(&'static str, &'static str)];

fn design(text: &str) -> Design {
    Design::read(text.as_bytes(), "top").unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// The reach of replacing parts of the parent's text, the ends that differ, and the ledger.
fn change(replacements: &[(&str, &str)]) -> (LogicalReach, Vec<String>, String) {
    let mut text = PARENT.to_owned();
    for (from, to) in replacements {
        assert!(text.contains(from), "{from}");
        text = text.replacen(from, to, 1);
    }
    let (parent, child) = (design(PARENT), design(&text));
    let cells = cells();
    let ledger = Ledger::between(&parent, &child);
    let logic = compare_logic(&parent, &child, &cells);
    let reach = measure_reach(&ledger, &logic, &cells);
    (reach.logical, logic.differing, ledger.to_tsv())
}

#[test]
fn edits_that_keep_the_logic_reach_no_further_than_they_must() {
    let same: [(&str, LogicalReach, Replacements); 7] = [
        ("nothing", LogicalReach::None, &[("INVX1 u2", "  INVX1 u2")]),
        ("a resize", LogicalReach::Local, &[("INVX1 u2", "INVX8 u2")]),
        (
            "equivalent pins",
            LogicalReach::SameFootprint,
            &[(".A(a), .B(b)", ".A(b), .B(a)")],
        ),
        (
            "a buffer",
            LogicalReach::Local,
            &[
                ("INVX1 u2", "BUFX2 b1 (.A(q1), .Y(w1)); INVX1 u2"),
                (".A(q1), .B(c), .Y(n3)", ".A(w1), .B(c), .Y(n3)"),
            ],
        ),
        (
            "two inverters",
            LogicalReach::Local,
            &[
                (
                    "INVX1 u2",
                    "INVX1 i1 (.A(c), .Y(w1)); INVX2 i2 (.A(w1), .Y(w2)); INVX1 u2",
                ),
                (".B(c), .C(n2)", ".B(w2), .C(n2)"),
            ],
        ),
        (
            "a clone",
            LogicalReach::Local,
            &[
                (
                    "INVX1 u2",
                    "NAND2X1 u9 (.A(b), .B(a), .Y(w1)); INVX1 u8 (.A(w1), .Y(w2)); INVX1 u2",
                ),
                (".C(n2)", ".C(w2)"),
            ],
        ),
        (
            "an inverter in the gate",
            LogicalReach::Local,
            &[(
                "NAND2X1 u1 (.A(a), .B(b), .Y(n1));\n INVX1 u2 (.A(n1), .Y(n2));",
                "AND2X1 u1 (.A(a), .B(b), .Y(n2));",
            )],
        ),
    ];
    for (name, reach, replacements) in same {
        let (measured, differing, ledger) = change(replacements);
        assert_eq!(differing, Vec::<String>::new(), "{name}");
        assert_eq!(measured, reach, "{name}: {ledger}");
    }
}

#[test]
fn edits_that_change_the_logic_are_seen_where_they_arrive() {
    let different: [(Replacements, &[&str]); 9] = [
        // The engine exchanges these without a word: their pins have the same names.
        (&[("NAND2X1 u1", "NOR2X1 u1")], &["port z", "r1/D"]),
        (
            &[("INVX1 u2 (.A(n1), .Y(n2))", "BUFX2 u2 (.A(n1), .Y(n2))")],
            &["port z", "r1/D"],
        ),
        (
            &[
                ("INVX1 u2 (.A(n1), .Y(n2));", ""),
                (".D(n2)", ".D(n1)"),
                (".C(n2)", ".C(n1)"),
            ],
            &["port z", "r1/D"],
        ),
        (
            &[(".A(q1), .B(c), .C(n2)", ".A(n2), .B(c), .C(q1)")],
            &["port z"],
        ),
        (&[(".CLK(clk), .D(n3)", ".CLK(c), .D(n3)")], &["r2/CLK"]),
        (&[("DFFPOSX1 r2", "DFFNEGX1 r2")], &["r2"]),
        (
            &[("DFFPOSX1 r2", "DFFPOSX1 r3")],
            &["port y", "r2", "r2/CLK", "r2/D", "r3", "r3/CLK", "r3/D"],
        ),
        (&[(", .B(c), .Y(n3)", ", .Y(n3)")], &["r2/D"]),
        (
            &[("INVX1 u2", "INVX1 u9 (.A(c), .Y(n3)); INVX1 u2")],
            &["r2/D"],
        ),
    ];
    for (replacements, expected) in different {
        let (reach, differing, ledger) = change(replacements);
        assert_eq!(differing, expected, "{replacements:?}: {ledger}");
        assert_eq!(reach, LogicalReach::Restructure, "{replacements:?}");
    }
}

#[test]
fn a_ledger_lists_every_edit_in_an_order_in_which_it_can_be_made() {
    let (_, _, ledger) = change(&[
        ("INVX1 u2", "BUFX2 b1 (.A(q1), .Y(w1)); INVX4 u2"),
        (".A(q1), .B(c), .Y(n3)", ".A(w1), .B(c), .Y(n3)"),
    ]);
    assert_eq!(
        ledger,
        "new_net\tw1\ninsert\tb1\tBUFX2\nresize\tu2\tINVX1\tINVX4\ndisconnect\tu3/A\tq1\n\
         connect\tb1/A\tq1\nconnect\tb1/Y\tw1\nconnect\tu3/A\tw1\n"
    );
    let (_, _, ledger) = change(&[("INVX1 u2 (.A(n1), .Y(n2));", ""), ("n1", "n2")]);
    assert_eq!(
        ledger,
        "disconnect\tu1/Y\tn1\ndisconnect\tu2/A\tn1\ndisconnect\tu2/Y\tn2\nconnect\tu1/Y\tn2\n\
         remove\tu2\tINVX1\nremove_net\tn1\n"
    );
}

#[test]
fn ports_that_change_are_no_local_edit() {
    let (reach, differing, _) = change(&[
        ("b, c, y, z)", "b, c, y, z, extra)"),
        ("output z;", "output z; output extra;"),
    ]);
    assert_eq!(reach, LogicalReach::Restructure);
    assert_eq!(differing, ["port extra"]);
}

#[test]
fn a_buffer_in_a_loop_and_gates_of_a_loop_are_compared() {
    let latch = "module top (s, r, q); input s; input r; output q;
        NAND2X1 u1 (.A(s), .B(n1), .Y(q)); NAND2X1 u2 (.A(r), .B(q), .Y(n1)); endmodule";
    let buffered = latch
        .replace("(.A(r), .B(q)", "(.A(r), .B(w)")
        .replace("NAND2X1 u2", "BUFX2 b (.A(q), .Y(w)); NAND2X1 u2");
    let wrong = latch.replace("NAND2X1 u2", "NOR2X1 u2");
    let cells = cells();
    let compare = |other: &str| compare_logic(&design(latch), &design(other), &cells).differing;
    assert_eq!(compare(&buffered), Vec::<String>::new());
    assert_eq!(compare(&wrong), ["u2"]);
    let ring =
        "module top (y); output y; INVX1 a (.A(y), .Y(n)); INVX1 b (.A(n), .Y(y)); endmodule";
    let other = ring.replace("INVX1 b", "BUFX2 b");
    assert_eq!(
        compare_logic(&design(ring), &design(ring), &cells).differing,
        Vec::<String>::new()
    );
    assert_eq!(
        compare_logic(&design(ring), &design(&other), &cells).differing,
        ["b"]
    );
}

#[test]
fn the_clock_network_reaches_from_ports_to_clock_pins() {
    let text = "module top (clk, en, d, q, y); input clk; input en; input d; output q; output y;
        BUFX2 c1 (.A(clk), .Y(c)); AND2X1 gate (.A(c), .B(en), .Y(gc)); CLKBUF1 c2 (.A(gc), .Y(lc));
        DFFPOSX1 r1 (.CLK(lc), .D(n), .Q(q)); DFFPOSX1 half (.CLK(c), .D(d), .Q(slow));
        DFFPOSX1 r2 (.CLK(slow), .D(d), .Q(y)); INVX1 data (.A(d), .Y(n)); endmodule";
    let network = ClockNetwork::of(&design(text), &cells());
    let names = |set: &std::collections::BTreeSet<String>| set.iter().cloned().collect::<Vec<_>>();
    assert_eq!(names(&network.instances), ["c1", "c2", "gate", "half"]);
    assert_eq!(names(&network.nets), ["c", "clk", "en", "gc", "lc", "slow"]);
}

#[test]
fn hierarchy_buses_and_constants_are_resolved() {
    let text = "module half (a, y); input [1:0] a; output y; wire t;
          AND2X1 g (.A(a[1]), .B(a[0]), .Y(t)); BUFX2 h (.A(t), .Y(y)); endmodule
        module top (x, y, k); input [3:0] x; output [1:0] y; output k;
          half \\left[0]  (.a(x[3:2]), .y(y[1]));
          half right (.a({x[0], 1'b1}), .y(\\y[0] ));
          assign k = y[1]; endmodule";
    let read = design(text);
    let names: Vec<_> = read
        .instances
        .iter()
        .map(|instance| instance.name.as_str())
        .collect();
    assert_eq!(
        names,
        [
            "left[0]",
            "left[0]/g",
            "left[0]/h",
            "right",
            "right/g",
            "right/h"
        ]
    );
    let flat = "module top (x, y, k); input [3:0] x; output [1:0] y; output k;
          AND2X1 one (.A(x[3]), .B(x[2]), .Y(y[1])); BUFX2 two (.A(x[0]), .Y(y[0])); BUFX2 three (.A(y[1]), .Y(k));
        endmodule";
    let cells = cells();
    assert_eq!(
        compare_logic(&read, &design(flat), &cells).differing,
        Vec::<String>::new()
    );
    let wrong = flat.replace(".B(x[2])", ".B(x[1])");
    assert_eq!(
        compare_logic(&read, &design(&wrong), &cells).differing,
        ["port k", "port y[1]"]
    );
}

#[test]
fn what_is_no_structural_netlist_is_refused_with_its_line() {
    let refused = |text: &str| {
        Design::read(text.as_bytes(), "top")
            .unwrap_err()
            .to_string()
    };
    for (text, expected) in [
        (
            "module top (a); input a;\nalways @(a) x = 1; endmodule",
            "line 2: `always` cannot be read in a netlist",
        ),
        (
            "module top (a); input a;\nBUF #(3) u (.A(a)); endmodule",
            "line 2: an instance with parameters cannot",
        ),
        (
            "module top (a); input a; BUF u (.A(a)",
            "the netlist ends at line 1 inside module `top`",
        ),
        (
            "module top (a); input a; BUF u (.A a); endmodule",
            "line 1: `a` where ( was expected",
        ),
        (
            "module other (a); input a; endmodule",
            "no module is called `top`",
        ),
        (
            "module top (a); input a; top u (.a(a)); endmodule",
            "module `top` holds an instance of itself",
        ),
        ("", "the netlist defines no module"),
    ] {
        let error = refused(text);
        assert!(error.contains(expected), "{text}: {error}");
    }
    assert_eq!(
        Design::read(b"module top; endmodule module top; endmodule", "top"),
        Err(NetlistError::DuplicateModule {
            name: "top".to_owned()
        })
    );
}

/// An escaped name may read like a pin of another instance.
#[test]
fn an_instance_does_not_hide_a_pin_of_its_name() {
    let text = PARENT.replace(
        "AOI21X1 u4",
        "DFFPOSX1 \\r2/D (.CLK(clk), .D(a), .Q(q3)); AOI21X1 u4",
    );
    let (parent, child) = (design(&text), design(&text.replace(".D(n3)", ".D(n2)")));
    let logic = compare_logic(&parent, &child, &cells());
    assert_eq!(logic.differing, ["r2/D"]);
}
