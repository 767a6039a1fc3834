//! The whole way on a library that every machine with the project has.

mod common;

use common::{index, osu018};
use noodle2_liberty::{PinDirection, StorageKind};

#[test]
fn what_the_library_states_and_what_it_does_not() {
    let library = osu018();
    assert_eq!(library.name, "osu018_stdcells");
    assert_eq!(library.cells.len(), 32);
    assert_eq!(library.time_unit_ps, Some(1000.0));
    assert_eq!(library.capacitance_unit_f, Some(1e-12));
    assert_eq!(library.nominal_voltage, Some(1.8));
    assert_eq!(library.default_max_transition_ps, None);
    assert_eq!(library.default_max_fanout, None);
    assert!(library.wire_loads.is_empty());

    let cell = &library.cells["AOI22X1"];
    assert_eq!(cell.area, Some(40.0));
    assert_eq!(cell.footprint, None);
    assert_eq!(cell.pins.len(), 5);
    let output = &cell.pins["Y"];
    assert_eq!(output.direction, Some(PinDirection::Output));
    assert!((output.max_capacitance_f.unwrap() - 0.484829e-12).abs() < 1e-20);
    assert_eq!(output.max_fanout, None);
    assert_eq!(library.max_fanout(output), None);
    assert_eq!(library.max_transition_ps(output), None);

    let clock = &library.cells["DFFSR"].pins["CLK"];
    assert!(clock.is_clock);
    assert_eq!(
        library.cells["DFFSR"].storage[0].kind,
        StorageKind::FlipFlop
    );
    assert_eq!(library.cells["LATCH"].storage[0].kind, StorageKind::Latch);
    // Zero where the library says zero.
    assert_eq!(library.cells["LATCH"].area, Some(0.0));
    let leakage = library.cells["AND2X1"].leakage_w.unwrap();
    assert!((leakage - 0.0746794e-9).abs() < 1e-18);
}

#[test]
fn drive_families_are_these_six() {
    let index = index(&[osu018()]);
    let mut families: Vec<String> = index.families().map(|family| family.join(" ")).collect();
    families.sort();
    assert_eq!(
        families,
        [
            "AND2X1 AND2X2",
            "BUFX2 BUFX4",
            "CLKBUF1 CLKBUF2 CLKBUF3",
            "INVX1 INVX2 INVX4 INVX8",
            "OR2X1 OR2X2",
            "TBUFX1 TBUFX2",
        ]
    );
    assert_eq!(index.family("XOR2X1"), ["XOR2X1"]);
    assert!(index.family("NO_SUCH_CELL").is_empty());
    assert_eq!(index.buffers(), ["BUFX2", "BUFX4"]);
    assert_eq!(index.inverters(), ["INVX1", "INVX2", "INVX4", "INVX8"]);
    assert_eq!(index.clock_buffers(), ["CLKBUF1", "CLKBUF2", "CLKBUF3"]);
    assert!(index.delay_cells().is_empty());
    assert!(index.tie_cells().is_empty());
    assert_eq!(index.wire_pins("BUFX4"), Some(("A", "Y")));
    assert_eq!(index.wire_pins("TBUFX1"), None);
}

#[test]
fn functions_decide_and_not_names() {
    let index = index(&[osu018()]);
    assert!(index.same_function("AND2X1", "AND2X2"));
    assert!(index.same_function("BUFX2", "CLKBUF1"));
    assert!(!index.same_function("AND2X1", "OR2X1"));
    // An inverter that can let go of its output is no inverter.
    assert!(!index.same_function("TBUFX1", "INVX1"));
    // They differ in the clock edge alone.
    assert!(!index.same_function("DFFNEGX1", "DFFPOSX1"));
    assert!(!index.same_function("INVX1", "NO_SUCH_CELL"));
}

#[test]
fn interchangeable_pins() {
    let index = index(&[osu018()]);
    let groups = |cell| {
        let groups = index.equivalent_pins(cell);
        let lists: Vec<String> = groups.iter().map(|group| group.join(" ")).collect();
        lists.join(", ")
    };
    assert_eq!(groups("NAND3X1"), "A B C");
    assert_eq!(groups("AOI22X1"), "A B, C D");
    assert_eq!(groups("OAI21X1"), "A B");
    assert_eq!(groups("XOR2X1"), "A B");
    for cell in ["MUX2X1", "INVX1", "TBUFX1", "DFFSR", "FAX1"] {
        assert_eq!(groups(cell), "", "{cell}");
    }
}
