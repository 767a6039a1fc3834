//! Sloppy libraries are read, broken ones are refused with a place, and no bytes make the reader panic.

mod common;

use std::path::Path;
use std::sync::Arc;

use noodle2_liberty::{Error, Library, PinDirection, Problem};
use proptest::prelude::*;

const SAMPLE: &str = r#"/* A small library with a bit of everything. */
library ( "sample" ) {
  define(extra, cell, string);
  technology (cmos) ;
  time_unit : "1ps" ; capacitive_load_unit (1,ff);
  leakage_power_unit : 1nW
  bus_naming_style : "%s<%d>";
  default_max_transition : 320
  lu_table_template (delay) {
    variable_1 : input_net_transition; variable_2 : total_output_net_capacitance;
    index_1 ("1, 2, 3"); index_2 ("10, 20");
  }
  type (word) { base_type : array; bit_width : 4; bit_from : 3; bit_to : 0; }
  wire_load("small") { fanout_length(1, 2.5); }
  cell (NAND2_X1) {
    area : 1.5 ; cell_footprint : "nand2"; extra : yes;
    pg_pin (VDD) { voltage_name : VDD; pg_type : primary_power; }
    pin (A, B) { direction : input; capacitance : 0.9; }
    pin (Y) {
      direction : "output"; max_capacitance : 60; function : "!(A & \
        B)";
      timing () {
        related_pin : "A B";
        cell_rise (delay) { values ("1, 21", \
                                    "2, 42", \
                                    "3, 63"); }
      }
    }
  }
  cell (SDFF_X1) {
    area : 6;
    ff (IQ, IQN) { next_state : "(SE SI) + (SE' D)"; clocked_on : "CK"; }
    pin (CK) { direction : input; clock : true; }
    pin (D SE SI) { direction : input; }
    pin (Q) { direction : output; function : "IQ"; }
    test_cell () { ff (IQ, IQN) { next_state : "D"; clocked_on : "CK"; } pin (D) { direction : output; } }
  }
  cell (RAM) {
    is_macro_cell : true; dont_use : TRUE;
    memory () { type : ram; address_width : 4; }
    bus (DATA) { bus_type : word; direction : input; capacitance : 2; pin (DATA<1:0>) { capacitance : 3; } }
    bundle (Q) { members (Q0, Q1); direction : output; }
  }
}
"#;

fn parse(text: &str) -> Result<Library, Error> {
    Library::parse(text.as_bytes(), Path::new("sample.lib"))
}

fn problem(text: &str) -> (usize, Problem) {
    match parse(text) {
        Err(Error::Text { line, problem, .. }) => (line, problem),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_sample_is_read() {
    let library = parse(SAMPLE).unwrap();
    assert_eq!(library.wire_loads, ["small"]);
    assert_eq!(library.default_max_transition_ps, Some(320.0));
    let nand = &library.cells["NAND2_X1"];
    assert_eq!(nand.footprint.as_deref(), Some("nand2"));
    assert_eq!(nand.pins.len(), 3);
    assert_eq!(nand.leakage_w, None);
    // From 10 fF to 20 fF at the middle of three transitions: 40 ps over 10 fF.
    assert!((nand.pins["Y"].drive_resistance_ohm.unwrap() - 4000.0).abs() < 1e-6);
    let scan = &library.cells["SDFF_X1"];
    assert_eq!(scan.pins["D"].direction, Some(PinDirection::Input));
    assert_eq!(scan.pins["D"].capacitance_f, None);
    assert!(scan.storage[0].attributes["next_state"].contains("SI"));
    let memory = &library.cells["RAM"];
    assert!(memory.is_macro && memory.dont_use && memory.is_sequential());
    let capacitance = |pin: &str| memory.pins[pin].capacitance_f.unwrap() * 1e15;
    assert!((capacitance("DATA<3>") - 2.0).abs() < 1e-9);
    assert!((capacitance("DATA<0>") - 3.0).abs() < 1e-9);
    assert_eq!(memory.pins["Q1"].direction, Some(PinDirection::Output));
    assert_eq!(memory.pins.len(), 6);

    let index = common::index(&[Arc::new(library)]);
    assert_eq!(index.equivalent_pins("NAND2_X1"), [["A", "B"]]);
    // Nothing is known of what a memory does.
    assert!(!index.same_function("RAM", "RAM"));
}

#[test]
fn broken_text_is_refused_with_its_line() {
    let inside = |body: &str| format!("library(l) {{\n{body}\n}}");
    let number = |attribute: &str, text: &str| Problem::Number {
        attribute: attribute.to_owned(),
        text: text.to_owned(),
    };
    for (text, line, expected) in [
        (String::new(), 1, Problem::NoLibrary),
        (
            inside("cell(A) { area : 1e999; }"),
            2,
            number("area", "1e999"),
        ),
        (
            inside("cell(A) {\n area : big; }"),
            3,
            number("area", "big"),
        ),
        (
            inside("cell(A) { }\ncell(A) { }"),
            3,
            Problem::DuplicateCell("A".to_owned()),
        ),
        (inside("cell() { }"), 2, Problem::NoName("cell")),
        (inside("include_file(other);"), 2, Problem::Include),
        (
            inside("time_unit : \"1parsec\";"),
            2,
            Problem::Unit {
                attribute: "time_unit".to_owned(),
                text: "1parsec".to_owned(),
            },
        ),
        (
            inside("cell(A) { dont_use : maybe; }"),
            2,
            Problem::Boolean {
                attribute: "dont_use".to_owned(),
                text: "maybe".to_owned(),
            },
        ),
        (
            inside("cell(A) { pin(D[99999999:0]) { } }"),
            2,
            Problem::WideBus {
                name: "D".to_owned(),
                limit: 65536,
            },
        ),
    ] {
        assert_eq!(problem(&text), (line, expected), "{text}");
    }
    let two = "library(a) { }\nlibrary(b) { }";
    assert_eq!(problem(two), (2, Problem::TextAfterLibrary));
    let error = parse(&inside("cell(A) {\n area : big; }")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`sample.lib`, line 3: `area` wants a number, not `big`"
    );
    assert_eq!(error.code(), "N2-LIBERTY-004");
}

#[test]
fn a_library_without_a_capacitance_unit_states_no_capacitance() {
    let text = "library(l) { cell(A) { pin(Y) { capacitance : 3; max_transition : 2; } } }";
    let library = parse(text).unwrap();
    let pin = &library.cells["A"].pins["Y"];
    assert_eq!(pin.capacitance_f, None);
    // Liberty's own default for times is 1 ns.
    assert_eq!(pin.max_transition_ps, Some(2000.0));
    assert_eq!(library.time_unit_ps, None);
}

#[test]
fn nothing_that_is_cut_off_passes_for_whole() {
    let end = SAMPLE.trim_end().len();
    for length in 0..end {
        assert!(parse(&SAMPLE[..length]).is_err(), "{length} bytes");
    }
    assert!(parse(&SAMPLE[..end]).is_ok());
}

#[test]
fn deep_nesting_is_no_recursion() {
    let deep = "g() {".repeat(1 << 20);
    assert!(parse(&deep).is_err());
    let nested = format!(
        "library(l) {{ {} {} }}",
        "g() {".repeat(1 << 18),
        "}".repeat(1 << 18)
    );
    assert!(parse(&nested).is_ok());
    assert!(parse(&format!("library(l) {{ f({}", "(".repeat(1 << 20))).is_err());
}

/// Reads the bytes and, where they are a library, does everything with it that can be done.
fn exercise(bytes: &[u8]) {
    match Library::parse(bytes, Path::new("x.lib")) {
        Ok(library) => {
            let _ = common::index(&[Arc::new(library)]);
        }
        Err(Error::Text { line, .. }) => {
            let lines = 1 + bytes.iter().filter(|byte| **byte == b'\n').count();
            assert!((1..=lines).contains(&line));
        }
        Err(other) => panic!("{other}"),
    }
}

#[derive(Debug, Clone)]
enum Mutation {
    Delete(usize, usize),
    Insert(usize, Vec<u8>),
    Repeat(usize, usize, usize),
}

fn mutations() -> impl Strategy<Value = Mutation> {
    let at = || 0..SAMPLE.len();
    let pieces = [
        "{",
        "}",
        "(",
        ")",
        "\"",
        "\\",
        "\\\n",
        "/*",
        "*/",
        ";",
        ":",
        ",",
        "'",
        "!",
        "pin(",
        "function : \"",
        "bus(A) { bus_type : word;",
        "members(",
        "ff(IQ,IQN) {",
        "three_state : \"A'\";",
        "0",
        "1e300",
        "-",
        "<9:0>",
    ];
    prop_oneof![
        (at(), 1..40_usize).prop_map(|(from, length)| Mutation::Delete(from, length)),
        (at(), prop::sample::select(pieces.to_vec()))
            .prop_map(|(from, piece)| Mutation::Insert(from, piece.as_bytes().to_vec())),
        (at(), prop::collection::vec(any::<u8>(), 1..4))
            .prop_map(|(from, bytes)| Mutation::Insert(from, bytes)),
        (at(), 1..200_usize, at())
            .prop_map(|(from, length, to)| Mutation::Repeat(from, length, to)),
    ]
}

fn mutate(bytes: &mut Vec<u8>, mutation: &Mutation) {
    let length = bytes.len();
    match mutation {
        Mutation::Delete(from, count) => {
            let from = (*from).min(length);
            bytes.drain(from..(from + count).min(length));
        }
        Mutation::Insert(from, piece) => {
            let from = (*from).min(length);
            bytes.splice(from..from, piece.iter().copied());
        }
        Mutation::Repeat(from, count, to) => {
            let from = (*from).min(length);
            let piece = bytes[from..(from + count).min(length)].to_vec();
            let to = (*to).min(length);
            bytes.splice(to..to, piece);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn mutated_libraries_never_panic(mutations in prop::collection::vec(mutations(), 1..6)) {
        let mut bytes = SAMPLE.as_bytes().to_vec();
        for mutation in &mutations {
            mutate(&mut bytes, mutation);
        }
        exercise(&bytes);
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        exercise(&bytes);
        let mut inside = b"library(l) { cell(c) { pin(p) {".to_vec();
        inside.extend(&bytes);
        exercise(&inside);
    }
}
