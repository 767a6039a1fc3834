//! The rendered tables, read back by a real `tclsh`.

#[path = "../../liberty/tests/common/mod.rs"]
mod common;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use common::{index, osu018, shared_libraries};
use noodle2_engine::tcl_tables;
use noodle2_liberty::{Cell, IndexOptions, Library, LibraryCache, LibraryIndex, Pin, PinDirection};
use proptest::prelude::*;

/// Runs `commands` after the tables; returns what they print.
fn tclsh(index: &LibraryIndex, commands: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let (tables, script) = (
        folder.path().join("tables.tcl"),
        folder.path().join("script.tcl"),
    );
    std::fs::write(&tables, tcl_tables(index)).unwrap();
    let source = "source [file join [file dirname [info script]] tables.tcl]\n";
    let encoding = "fconfigure stdout -encoding utf-8\n";
    std::fs::write(&script, format!("{source}{source}{encoding}{commands}")).unwrap();
    let output = Command::new("tclsh")
        .arg(&script)
        .output()
        .expect("tclsh is installed");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && errors.is_empty(), "{errors}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn osu018_tables() {
    let printed = tclsh(
        &index(&[osu018()]),
        r#"
        puts $::n2::family(INVX4)
        puts $::n2::buffers
        puts [list $::n2::inverters $::n2::clock_buffers $::n2::clock_inverters $::n2::delay_cells]
        puts "$::n2::buffer_input(CLKBUF1) $::n2::buffer_output(INVX1) [info exists ::n2::buffer_input(AND2X1)]"
        puts "$::n2::sequential(DFFSR) $::n2::sequential(INVX1) $::n2::area(OAI21X1)"
        puts $::n2::pin_groups(AOI22X1)
        puts "[info exists ::n2::pin_groups(MUX2X1)] [array size ::n2::twins]"
        puts [expr {$::n2::function(AND2X1) eq $::n2::function(AND2X2)}]
        puts [expr {$::n2::function(AND2X1) eq $::n2::function(OR2X1)}]
        puts [format %.6g $::n2::max_capacitance(BUFX2/Y)]
        puts [format %.6g $::n2::capacitance(AND2X1/A)]
        puts "[array size ::n2::max_fanout] [array size ::n2::fanout_load] [array size ::n2::max_transition]"
        "#,
    );
    assert_eq!(
        printed.lines().collect::<Vec<_>>(),
        [
            "INVX1 INVX2 INVX4 INVX8",
            "BUFX2 BUFX4",
            "{INVX1 INVX2 INVX4 INVX8} {CLKBUF1 CLKBUF2 CLKBUF3} {} {}",
            "A Y 0",
            "1 0 23",
            "{A B} {C D}",
            "0 0",
            "1",
            "0",
            "9.75984e-13",
            "1.29077e-14",
            "0 0 0",
        ]
    );
}

#[test]
fn the_defaults_of_a_library_reach_its_pins() {
    let text = "library(l) { capacitive_load_unit(1, pf); time_unit : \"10ps\";
        default_max_transition : 20; default_max_fanout : 8; default_fanout_load : 1.5;
        default_max_capacitance : 0.25;
        cell(B) { pin(A) { direction : input; max_transition : 5; }
                  pin(Y) { direction : output; function : \"A\"; max_fanout : 4; } } }";
    let library = Library::parse(text.as_bytes(), Path::new("l.lib")).unwrap();
    let printed = tclsh(
        &index(&[Arc::new(library)]),
        r#"
        foreach name {max_transition max_fanout fanout_load max_capacitance capacitance area} {
            puts "$name [lsort -stride 2 [array get ::n2::$name]]"
        }
        "#,
    );
    assert_eq!(
        printed.lines().collect::<Vec<_>>(),
        [
            "max_transition B/A 5e-11 B/Y 2e-10",
            "max_fanout B/Y 4",
            "fanout_load B/A 1.5",
            "max_capacitance B/Y 2.5e-13",
            "capacitance ",
            "area ",
        ]
    );
}

#[test]
fn sourcing_a_real_library_takes_a_moment() {
    for folder in ["pdk/sky130hd", "pdk/asap7"] {
        let Some(paths) = shared_libraries(folder) else {
            return;
        };
        let guard = tempfile::tempdir().unwrap();
        let cache = LibraryCache::new(guard.path()).unwrap();
        let libraries: Vec<_> = paths
            .iter()
            .map(|path| cache.library(path).unwrap())
            .collect();
        let printed = tclsh(
            &index(&libraries),
            "puts [lindex [time {source [file join [file dirname [info script]] tables.tcl]} 5] 0]",
        );
        let microseconds: f64 = printed.trim().parse().unwrap();
        // About 5 ms on an idle machine; the bound allows for a busy one.
        assert!(microseconds < 200_000.0, "{microseconds} µs for {folder}");
    }
}

/// An index with one pair of twin buffers whose every name is nasty.
fn nasty(stem: &str, input: &str, output: &str) -> LibraryIndex {
    let pin = |direction, function: Option<String>| Pin {
        direction: Some(direction),
        capacitance_f: Some(1e-15),
        function,
        ..Pin::default()
    };
    let cell = Cell {
        pins: BTreeMap::from([
            (input.to_owned(), pin(PinDirection::Input, None)),
            (
                output.to_owned(),
                pin(PinDirection::Output, Some(format!("\"{input}\""))),
            ),
        ]),
        ..Cell::default()
    };
    let cells = ["{", "}"].map(|flavour| (format!("{stem}{flavour}"), cell.clone()));
    let library = Library {
        cells: cells.into(),
        ..Library::default()
    };
    let options = IndexOptions {
        threshold_suffixes: vec!["{".to_owned(), "}".to_owned()],
        ..IndexOptions::default()
    };
    LibraryIndex::build(&[Arc::new(library)], &options)
}

proptest! {
    // Each case starts a process.
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn no_name_is_read_as_tcl(
        stem in "[a-c\\[\\]{}\\\\$;\"# \n\t\u{0}é€ßu0-3/]{0,12}",
        input in "[a-c\\[\\]{}\\\\$;# \n\té€]{1,8}",
        output in "[x-z\\[\\]{}\\\\$;# \n\té€]{1,8}z",
    ) {
        let index = nasty(&stem, &input, &output);
        let hex = "proc hex {text} {binary encode hex [encoding convertto utf-8 $text]}\n";
        let printed = tclsh(&index, &format!("{hex}{}", r#"
            foreach cell [lsort [array names ::n2::family]] {
                puts [hex $cell]
                puts [hex [lindex $::n2::family($cell) 0]]
                puts [llength $::n2::family($cell)]
                puts [hex [dict get $::n2::twins($cell) [lindex $::n2::twins($cell) 0]]]
                puts [hex $::n2::buffer_input($cell)]
                puts [hex $::n2::buffer_output($cell)]
                puts [info exists ::n2::capacitance($cell/$::n2::buffer_output($cell))]
            }
            puts [llength $::n2::buffers]
            puts [hex [lindex $::n2::buffers 1]]
        "#));
        let hex = |text: &str| -> String {
            text.bytes().map(|byte| format!("{byte:02x}")).collect()
        };
        let (left, right) = (format!("{stem}{{"), format!("{stem}}}"));
        let mut expected = Vec::new();
        for (cell, twin) in [(&left, &right), (&right, &left)] {
            expected.extend([hex(cell), hex(cell), "1".to_owned(), hex(twin), hex(&input), hex(&output)]);
            expected.push("1".to_owned());
        }
        expected.push("2".to_owned());
        expected.push(hex(&right));
        let printed: Vec<&str> = printed.lines().collect();
        prop_assert_eq!(printed, expected);
    }
}
