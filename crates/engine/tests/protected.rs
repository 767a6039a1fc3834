//! Objects that are protected by what they are, rather than by name: what netlist, constraints and libraries mark,
//! and scan chains. The edits are raw commands of the engine, and the editing library is asked beside them.

mod support;

use noodle2_model::{DesignGuard, DesignMarks, FailureClass, Measurement, Outcome};
use support::{Bench, eco_of_class, failed, measured, run, try_eco_under};

/// Scan registers of two drives, one that shifts otherwise, and gates that are marked.
fn scan_library() -> String {
    let timing = |edge: &str, related: &str| {
        format!(
            "timing () {{ related_pin : \"{related}\"; timing_type : {edge};\n\
             cell_rise (scalar) {{ values (\"0.2\"); }} cell_fall (scalar) {{ values (\"0.2\"); }}\n\
             rise_transition (scalar) {{ values (\"0.1\"); }} fall_transition (scalar) {{ values (\"0.1\"); }} }}"
        )
    };
    let check = |kind: &str| {
        format!(
            "timing () {{ related_pin : \"CLK\"; timing_type : {kind}_rising;\n\
             rise_constraint (scalar) {{ values (\"0.05\"); }} fall_constraint (scalar) {{ values (\"0.05\"); }} }}"
        )
    };
    let input = |name: &str, more: &str| {
        format!("pin ({name}) {{ direction : input; capacitance : 0.01; {more} }}\n")
    };
    let register = |name: &str, area: u32, next: &str| {
        let checks = format!("{} {}", check("setup"), check("hold"));
        let output = timing("rising_edge", "CLK");
        format!(
            "cell ({name}) {{ area : {area};\n\
             ff (IQ, IQN) {{ clocked_on : \"CLK\"; next_state : \"{next}\"; }}\n{}{}{}{}\
             pin (Q) {{ direction : output; function : \"IQ\"; max_capacitance : 1; {output} }} }}\n",
            input("CLK", "clock : true;"),
            input("D", &checks),
            input("SI", &format!("nextstate_type : scan_in; {checks}")),
            input("SE", &format!("nextstate_type : scan_enable; {checks}")),
        )
    };
    let inverter = |name: &str, mark: &str| {
        let timing = timing("combinational", "A").replace(
            "timing_type : combinational;",
            "timing_sense : negative_unate;",
        );
        format!(
            "cell ({name}) {{ area : 16; {mark} : true;\n{}\
             pin (Y) {{ direction : output; function : \"!A\"; max_capacitance : 1; {timing} }} }}\n",
            input("A", "")
        )
    };
    let shift = "(SE*SI)+(!SE*D)";
    [
        "library (scan) { time_unit : \"1ns\"; voltage_unit : \"1V\"; current_unit : \"1mA\";\n\
         leakage_power_unit : \"1nW\"; pulling_resistance_unit : \"1kohm\"; capacitive_load_unit (1, pf);\n\
         nom_process : 1; nom_temperature : 25; nom_voltage : 1.8; delay_model : table_lookup;\n\
         input_threshold_pct_rise : 50; input_threshold_pct_fall : 50; output_threshold_pct_rise : 50;\n\
         output_threshold_pct_fall : 50; slew_lower_threshold_pct_rise : 20; slew_lower_threshold_pct_fall : 20;\n\
         slew_upper_threshold_pct_rise : 80; slew_upper_threshold_pct_fall : 80;\n"
            .to_owned(),
        register("SDFFX1", 96, shift),
        register("SDFFX2", 128, shift),
        register("SDFFNX1", 96, "(SE*!SI)+(!SE*D)"),
        inverter("HELDINV", "dont_touch"),
        inverter("SPAREINV", "dont_use"),
        "}\n".to_owned(),
    ]
    .concat()
}

const NETLIST: &str = "\
module tiny (clk, a, b, se, si, y);
  input clk, a, b, se, si;
  output y;
  SDFFX1 r1 (.CLK(clk), .D(n1), .SI(si), .SE(enable), .Q(q1));
  BUFX2 tree (.A(se), .Y(enable));
  NAND2X1 u1 (.A(a), .B(q1), .Y(n1));
  INVX1 u2 (.A(q1), .Y(n2));
  NAND2X1 u3 (.A(n2), .B(b), .Y(n3));
  HELDINV u4 (.A(n3), .Y(n4));
  BUFX2 path (.A(q1), .Y(s1));
  SDFFX1 r2 (.CLK(clk), .D(n4), .SI(s1), .SE(enable), .Q(y));
endmodule
";

const CONSTRAINTS: &str = "\
create_clock -name clk -period 4 [get_ports clk]
set_input_delay 0.1 -clock clk [get_ports {a b se si}]
set_output_delay 0.1 -clock clk [get_ports y]
";

fn bench(netlist: &str, constraints: &str) -> Bench {
    let mut bench = Bench::tiny();
    bench.write("tiny.v", netlist);
    bench.write("tiny.sdc", format!("{CONSTRAINTS}{constraints}"));
    bench.write("scan.lib", scan_library());
    bench.study.scenes[0].liberty = vec!["platform:typical".to_owned(), "scan.lib".to_owned()];
    bench
}

/// What protects nothing but what is marked, or nothing but scan chains.
fn guard_of(base: &Measurement, dont_touch: bool) -> DesignGuard {
    DesignGuard {
        dont_touch,
        scan: !dont_touch,
        marks: base.marks.clone(),
        ..DesignGuard::default()
    }
}

/// What comes of Tcl on the design with these constraints, with and without the guard.
fn tried(netlist: &str, constraints: &str, dont_touch: bool, tcl: &str) -> [Outcome; 2] {
    let mut bench = bench(netlist, constraints);
    let context = bench.context();
    let base = bench.measured_base(&context);
    let implementation = "implementation:\n  tcl: eco.tcl\n";
    let eco = eco_of_class(
        "global_disruptive",
        implementation,
        true,
        &[("eco.tcl", tcl)],
    );
    [guard_of(&base.1, dont_touch), DesignGuard::default()].map(|guard| {
        let folder = bench.attempt();
        try_eco_under(&context, &base, &eco, &folder, guard, &mut run)
    })
}

/// The edits are caught under the guard, for the reason `said`, and made without it.
#[track_caller]
fn assert_caught([guarded, free]: [Outcome; 2], said: &str) {
    let failure = failed(guarded);
    assert_eq!(
        failure.class,
        FailureClass::BlastRadiusExceeded,
        "{failure:#?}"
    );
    assert!(failure.message.contains(said), "{said}: {failure:#?}");
    measured(free);
}

fn replaced(instance: &str, cell: &str) -> String {
    format!(
        "::sta::replace_cell [::sta::find_instance {instance}] [::sta::find_liberty_cell {cell}]\n"
    )
}

fn moved(instance: &str, pin: &str, from: &str, to: &str) -> String {
    format!(
        "::sta::disconnect_pin [::sta::find_net {from}] {instance}/{pin}\n\
         ::sta::connect_pin [::sta::find_net {to}] {instance}/{pin}\n"
    )
}

/// A buffer before one sink of a net.
fn buffered(instance: &str, pin: &str, net: &str) -> String {
    format!(
        "::sta::make_net_cmd w [::sta::top_instance]\n\
         ::sta::make_instance_cmd b1 [::sta::find_liberty_cell BUFX2] [::sta::top_instance]\n\
         ::sta::disconnect_pin [::sta::find_net {net}] {instance}/{pin}\n\
         ::sta::connect_pin [::sta::find_net {net}] b1/A\n\
         ::sta::connect_pin [::sta::find_net w] b1/Y\n\
         ::sta::connect_pin [::sta::find_net w] {instance}/{pin}\n"
    )
}

#[test]
fn a_scan_chain_stays_connected_as_it_is() {
    for (tcl, said) in [
        (moved("r2", "SI", "s1", "q1"), "pin `r2/SI`"),
        (moved("r1", "SE", "enable", "se"), "pin `r1/SE`"),
        (moved("path", "A", "q1", "n1"), "pin `path/A`"),
        // A delay cell against a hold violation of the shift path.
        (buffered("r2", "SI", "s1"), "part of a scan chain"),
        (buffered("tree", "A", "se"), "part of a scan chain"),
        (replaced("r2", "SDFFNX1"), "`SDFFNX1` is not known to do"),
        (replaced("path", "INVX1"), "`INVX1` is not known to do"),
    ] {
        assert_caught(tried(NETLIST, "", false, &tcl), said);
    }
}

#[test]
fn what_shifts_may_be_resized_and_serve_other_logic() {
    for tcl in [
        replaced("r1", "SDFFX2"),
        replaced("path", "BUFX4"),
        // The register's output feeds the chain and this gate.
        buffered("u2", "A", "q1"),
        moved("r2", "D", "n4", "n3"),
    ] {
        for outcome in tried(NETLIST, "", false, &tcl) {
            measured(outcome);
        }
    }
}

#[test]
fn the_editing_library_moves_no_pin_of_a_scan_chain() {
    let net = |name: &str| format!("[::sta::find_net {name}]");
    let all = format!("insert_buffer {0} [sinks_of {0}] BUFX2\n", net("q1"));
    let shift = format!("insert_buffer {0} [sinks_of {0}] BUFX2\n", net("s1"));
    let enable = format!("insert_buffer {0} [sinks_of {0}] BUFX2\n", net("enable"));
    let buffer = "remove_buffer [::sta::find_instance path]\n".to_owned();
    for tcl in [all, shift, enable, buffer] {
        let [guarded, free] = tried(NETLIST, "", false, &tcl);
        assert_eq!(guarded, Outcome::NoEffect, "{tcl}");
        measured(free);
    }
    let movable = format!(
        "insert_buffer {0} [movable_sinks_of {0}] BUFX2\n",
        net("q1")
    );
    let [guarded, free] = tried(NETLIST, "", false, &movable);
    let connected = |outcome| measured(outcome).edits["connect"];
    // Two gates behind the buffer, or the chain as well.
    assert_eq!(connected(guarded) + 1, connected(free));
}

#[test]
fn what_the_constraints_mark_is_not_touched() {
    let resize = replaced("u2", "INVX8");
    let swap = [moved("u3", "A", "n2", "a"), moved("u3", "B", "b", "n2")].concat();
    for (mark, tcl, said) in [
        ("set_dont_touch [get_cells u2]", &resize, "instance `u2`"),
        ("set_dont_touch {u1 u2}", &resize, "instance `u2`"),
        (
            "set_dont_touch [get_cells u*] true",
            &resize,
            "instance `u2`",
        ),
        ("set_dont_touch [get_nets n2]", &swap, "net `n2`"),
        ("set_dont_touch n2", &swap, "net `n2`"),
        (
            "set_dont_touch [get_lib_cells */INVX1]",
            &resize,
            "of cell `INVX1`",
        ),
        (
            "set_dont_use [get_lib_cells */INVX8]",
            &resize,
            "with cell `INVX8`",
        ),
        ("set_dont_use */INV*8", &resize, "with cell `INVX8`"),
    ] {
        assert_caught(tried(NETLIST, mark, true, tcl), said);
    }
    for mark in [
        "set_dont_touch [get_cells u1]",
        "set_dont_touch [get_cells u*]\nset_dont_touch u2 false",
        "set_dont_use */INVX4",
    ] {
        let [guarded, _] = tried(NETLIST, mark, true, &resize);
        measured(guarded);
    }
}

#[test]
fn what_a_library_marks_is_not_touched() {
    let held = replaced("u4", "INVX1");
    assert_caught(tried(NETLIST, "", true, &held), "of cell `HELDINV`");
    let spare = replaced("u2", "SPAREINV");
    assert_caught(tried(NETLIST, "", true, &spare), "with cell `SPAREINV`");
}

#[test]
fn what_a_netlist_marks_is_not_touched() {
    let resize = replaced("u2", "INVX8");
    let swap = [moved("u3", "A", "n2", "a"), moved("u3", "B", "b", "n2")].concat();
    for (from, to, tcl, said) in [
        (
            "INVX1 u2",
            "(* keep = 1 *) INVX1 u2",
            &resize,
            "instance `u2`",
        ),
        (
            "output y;",
            "output y; (* dont_touch = \"true\" *) wire n2;",
            &swap,
            "net `n2`",
        ),
    ] {
        let netlist = NETLIST.replace(from, to);
        assert_ne!(netlist, NETLIST);
        assert_caught(tried(&netlist, "", true, tcl), said);
    }
}

#[test]
fn a_marked_instance_stands_for_all_that_is_in_it() {
    let netlist = NETLIST.replace("INVX1 u2", "(* keep *) block u2")
        + "module block (A, Y); input A; output Y; INVX1 first (.A(A), .Y(w)); INVX1 second (.A(w), .Y(v));\n\
           INVX1 third (.A(v), .Y(Y)); endmodule\n";
    let resize = replaced("u2/second", "INVX8");
    let caught = tried(&netlist, "", true, &resize);
    assert_caught(caught, "`u2/second` (resize), which is in `u2`");
    let swap = [
        moved("u2/third", "A", "u2/v", "u2/w"),
        moved("u2/second", "A", "u2/w", "u2/w"),
    ]
    .concat();
    let [guarded, _] = tried(&netlist, "", true, &swap);
    failed(guarded);
}

#[test]
fn the_editing_library_leaves_alone_what_is_marked() {
    let resize = "resize [::sta::find_instance u2] INVX8\n";
    let buffer = "insert_buffer [::sta::find_net n2] [sinks_of [::sta::find_net n2]] BUFX2\n";
    for (mark, tcl) in [
        ("set_dont_touch [get_cells u2]", resize),
        ("set_dont_touch [get_lib_cells */INVX1]", resize),
        ("set_dont_use INVX8", resize),
        ("set_dont_touch [get_nets n2]", buffer),
        ("", "resize [::sta::find_instance u4] INVX8\n"),
    ] {
        let [guarded, free] = tried(NETLIST, mark, true, tcl);
        assert_eq!(guarded, Outcome::NoEffect, "{mark}: {tcl}");
        measured(free);
    }
}

#[test]
fn marks_are_told_of_the_base_case_alone() {
    let netlist = NETLIST.replace("INVX1 u2", "(* keep *) INVX1 u2");
    let mark = "set_dont_touch [get_nets n1]\nset_dont_use INVX4\nset_dont_touch gone\n";
    let mut bench = bench(&netlist, mark);
    let context = bench.context();
    let base = bench.measured_base(&context);
    let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(
        base.1.marks,
        DesignMarks {
            instances: set(&["u2"]),
            nets: set(&["n1"]),
            unusable: set(&["INVX4"]),
            ..DesignMarks::default()
        }
    );
    let warned = base
        .1
        .findings
        .iter()
        .any(|finding| finding.detail.contains("no cell or net `gone`"));
    assert!(warned, "{:#?}", base.1.findings);
    let tcl = replaced("u3", "NAND2X1") + &replaced("u2", "INVX2");
    let (_, outcome) = bench.try_tcl(&context, &base, &tcl, false);
    assert_eq!(measured(outcome).marks, DesignMarks::default());
}

#[test]
fn a_mark_that_cannot_be_understood_is_an_error_of_the_constraints() {
    for mark in [
        "set_dont_touch u2 perhaps",
        "set_dont_touch [get_pins u2/A]",
        "set_dont_touch",
    ] {
        let mut bench = bench(NETLIST, mark);
        let context = bench.context();
        let failure = failed(bench.base(&context).1);
        let told = failure.message.contains("tiny.sdc");
        assert!(told, "{mark}: {failure:#?}");
        assert_eq!(
            failure.class,
            FailureClass::ConfigurationError,
            "{mark}: {failure:#?}"
        );
    }
}
