//! What a netlist marks as to be left alone, and what of a design is part of its scan chains.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use noodle2_liberty::{IndexOptions, Library, LibraryIndex};
use noodle2_netlist::{Design, ScanChain};

/// Scan cells as libraries describe them: by `nextstate_type`, and by a `test_cell`.
const LIBRARY: &str = r#"library (scan) {
  cell (SDFF) {
    ff (IQ, IQN) { clocked_on : "CK"; next_state : "(SE*SI)+(!SE*D)"; }
    pin (CK) { direction : input; clock : true; }
    pin (D) { direction : input; nextstate_type : data; }
    pin (SI) { direction : input; nextstate_type : scan_in; }
    pin (SE) { direction : input; nextstate_type : scan_enable; }
    pin (Q) { direction : output; function : "IQ"; }
  }
  cell (TSDFF) {
    ff (IQ, IQN) { clocked_on : "CK"; next_state : "(SE*SI)+(!SE*D)"; }
    test_cell () {
      ff (IQ, IQN) { clocked_on : "CK"; next_state : "D"; }
      pin (CK, D) { direction : input; }
      pin (SI) { direction : input; signal_type : test_scan_in; }
      pin (SE) { direction : input; signal_type : test_scan_enable; }
      pin (Q) { direction : output; function : "IQ"; signal_type : test_scan_out; }
      pin (SO) { direction : output; signal_type : test_scan_out; }
    }
    pin (CK) { direction : input; clock : true; }
    pin (D) { direction : input; }
    pin (SI) { direction : input; }
    pin (SE) { direction : input; }
    pin (Q) { direction : output; function : "IQ"; }
    pin (SO) { direction : output; function : "IQ"; }
  }
  cell (BUF) { pin (A) { direction : input; } pin (Y) { direction : output; function : "A"; } }
  cell (AND) { pin (A) { direction : input; } pin (B) { direction : input; }
    pin (Y) { direction : output; function : "A*B"; } }
  cell (LATCH) { latch (IQ, IQN) { enable : "G"; data_in : "D"; }
    pin (D) { direction : input; } pin (G) { direction : input; } pin (Q) { direction : output; function : "IQ"; } }
}"#;

fn chain(text: &str) -> ScanChain {
    let library = Library::parse(LIBRARY.as_bytes(), Path::new("scan.lib")).unwrap();
    let cells = LibraryIndex::build(&[Arc::new(library)], &IndexOptions::default());
    ScanChain::of(&Design::read(text.as_bytes(), "top").unwrap(), &cells)
}

fn words(set: &BTreeSet<String>) -> Vec<&str> {
    set.iter().map(String::as_str).collect()
}

fn pins(chain: &ScanChain) -> Vec<String> {
    let pins = chain.pins.iter();
    pins.map(|(instance, pin)| format!("{instance}/{pin}"))
        .collect()
}

#[test]
fn a_chain_is_its_scan_pins_and_what_serves_nothing_else() {
    let chain = chain(
        "module top (ck, se, test, si, d, y); input ck, se, test, si, d; output y;
         AND gate (.A(se), .B(test), .Y(enable));
         BUF tree (.A(enable), .Y(enables));
         BUF mission (.A(test), .Y(y));
         SDFF r1 (.CK(ck), .D(d), .SI(si), .SE(enables), .Q(q1));
         LATCH lockup (.D(q1), .G(ck), .Q(held));
         SDFF r2 (.CK(ck), .D(q1), .SI(held), .SE(enables), .Q(q2));
         BUF shared (.A(q2), .Y(b2));
         TSDFF r3 (.CK(ck), .D(b2), .SI(b2), .SE(enables), .Q(q3), .SO(so));
         SDFF r4 (.CK(ck), .D(q3), .SI(so), .SE(enables), .Q(q4));
         BUF out (.A(q4), .Y(y4));
         endmodule",
    );
    assert_eq!(words(&chain.registers), ["r1", "r2", "r3", "r4"]);
    assert_eq!(words(&chain.instances), ["gate", "lockup", "tree"]);
    // What feeds the mission logic as well is no net of the chain; a port may feed both.
    assert_eq!(
        words(&chain.nets),
        ["enable", "enables", "held", "se", "si", "so"]
    );
    assert_eq!(
        pins(&chain),
        [
            "gate/A", "gate/B", "gate/Y", "lockup/D", "lockup/Q", "r1/Q", "r1/SE", "r1/SI",
            "r2/SE", "r2/SI", "r3/SE", "r3/SI", "r3/SO", "r4/SE", "r4/SI", "shared/Y", "tree/A",
            "tree/Y",
        ]
    );
}

#[test]
fn a_design_without_scan_pins_has_no_chain() {
    let chain = chain(
        "module top (g, d, y); input g, d; output y; LATCH r (.D(d), .G(g), .Q(y)); endmodule",
    );
    assert!(chain.is_empty());
    assert_eq!(chain, ScanChain::default());
}

#[test]
fn attributes_mark_instances_and_nets() {
    let design = Design::read(
        br#"(* top = 1 *) module top (a, y); input a; output y;
            (* keep = 1, src = "a.v:3" *) wire [1:0] bus; (* src = "keep" *) wire n1;
            (* src = "x" *) (* dont_touch = "true" *) wire \odd[1] ;
            (* keep = 0 *) wire n2; (* keep = "false" *) wire n3; (* keep = 32'd0 *) wire n4;
            (* KEEP *) BUF u1 (.A(a), .Y(n1)), u2 (.A(n1), .Y(bus[0]));
            (* full_case *) BUF u3 (.A(n2), .Y(\odd[1] ));
            (* DONT_TOUCH = "yes" *) inner i1 (.a(n3), .y(bus[1])); kept i2 (.a(n4), .y(y));
            BUF u4 (.A(n3), .Y(n4)); (* *) BUF u5 (.A(a), .Y(n2));
            endmodule
            module inner (a, y); input a; output y; (* keep *) wire w; BUF b (.A(a), .Y(w)); endmodule
            (* keep *) module kept (a, y); input a; output y; BUF b (.A(a), .Y(y)); endmodule"#,
        "top",
    )
    .unwrap();
    assert_eq!(words(&design.marked.instances), ["i1", "i2", "u1", "u2"]);
    assert_eq!(
        words(&design.marked.nets),
        ["bus[0]", "bus[1]", "i1/w", "odd[1]"]
    );
    assert!(Design::read(b"module top (a); (* keep", "top").is_err());
}
