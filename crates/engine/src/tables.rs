//! What a library index knows of cells, as Tcl tables for the scripts of ECOs.

use std::fmt::Write as _;

use noodle2_liberty::{Library, LibraryIndex, Pin};

use crate::tcl::quote as word;

/// A Tcl script that sets, in namespace `::n2`, what the ECOs' scripts need to know of cells.
///
/// | variable | value |
/// | --- | --- |
/// | `family(CELL)` | the cells that may stand in for it, itself among them, weak to strong |
/// | `twins(CELL)` | threshold flavour and cell in turn; only cells with twins |
/// | `area(CELL)` | µm²; only where stated |
/// | `sequential(CELL)` | 1 or 0 |
/// | `pin_groups(CELL)` | lists of interchangeable inputs; only cells that have some |
/// | `function(CELL)` | equal for two cells exactly when they do the same, pin for pin |
/// | `buffers`, `inverters`, `clock_buffers`, `clock_inverters` | lists, weak to strong |
/// | `delay_cells` | list, by name |
/// | `buffer_input(CELL)`, `buffer_output(CELL)` | the pins of every buffer and inverter, delay and clock cells included |
/// | `capacitance(CELL/PIN)`, `max_capacitance(CELL/PIN)` | farads; only where stated |
/// | `max_transition(CELL/PIN)` | seconds; only where stated |
/// | `max_fanout(CELL/PIN)`, `fanout_load(CELL/PIN)` | only where stated |
///
/// The libraries' defaults are applied to pins. Every name is escaped, so that none can be read as Tcl.
pub fn tcl_tables(index: &LibraryIndex) -> String {
    let mut script = String::from("namespace eval ::n2 {}\n");
    let cells: Vec<&str> = index.cells().collect();
    let array = |script: &mut String, name: &str, value: &dyn Fn(&str) -> Option<String>| {
        open_array(script, name);
        for cell in &cells {
            if let Some(value) = value(cell) {
                let _ = writeln!(script, "{} {value}", word(cell));
            }
        }
        script.push_str("}\n");
    };
    array(&mut script, "family", &|cell| {
        Some(list(index.family(cell)))
    });
    array(&mut script, "twins", &|cell| {
        let twins = index.twins(cell).filter(|twins| !twins.is_empty())?;
        Some(list(
            twins.iter().flat_map(|(flavour, twin)| [flavour, twin]),
        ))
    });
    array(&mut script, "area", &|cell| index.area(cell).map(number));
    array(&mut script, "sequential", &|cell| {
        Some(u8::from(index.cell(cell)?.is_sequential()).to_string())
    });
    array(&mut script, "pin_groups", &|cell| {
        let groups = index.equivalent_pins(cell);
        let lists: Vec<String> = groups.iter().map(list).collect();
        (!lists.is_empty()).then(|| format!("{{{}}}", lists.join(" ")))
    });
    array(&mut script, "function", &|cell| {
        index.signature(cell).map(word)
    });
    array(&mut script, "buffer_input", &|cell| {
        index.wire_pins(cell).map(|(input, _)| word(input))
    });
    array(&mut script, "buffer_output", &|cell| {
        index.wire_pins(cell).map(|(_, output)| word(output))
    });
    for (name, value) in PIN_ARRAYS {
        pin_array(&mut script, index, name, *value);
    }
    for (name, cells) in [
        ("buffers", index.buffers()),
        ("inverters", index.inverters()),
        ("clock_buffers", index.clock_buffers()),
        ("clock_inverters", index.clock_inverters()),
        ("delay_cells", index.delay_cells()),
    ] {
        let _ = writeln!(script, "set ::n2::{name} {}", list(cells));
    }
    script
}

type PinValue = fn(&Library, &Pin) -> Option<f64>;

const PIN_ARRAYS: &[(&str, PinValue)] = &[
    ("capacitance", Library::capacitance_f),
    ("max_capacitance", Library::max_capacitance_f),
    ("max_fanout", Library::max_fanout),
    ("fanout_load", Library::fanout_load),
    ("max_transition", |library, pin| {
        library.max_transition_ps(pin).map(|time| time * 1e-12)
    }),
];

fn pin_array(script: &mut String, index: &LibraryIndex, name: &str, value: PinValue) {
    open_array(script, name);
    for cell in index.cells() {
        let (Some(library), Some(data)) = (index.library_of(cell), index.cell(cell)) else {
            continue;
        };
        for (pin, data) in &data.pins {
            if let Some(value) = value(library, data) {
                let _ = writeln!(script, "{}/{} {}", word(cell), word(pin), number(value));
            }
        }
    }
    script.push_str("}\n");
}

/// Starts the filling of an array, empty where an earlier script had filled it.
fn open_array(script: &mut String, name: &str) {
    let _ = writeln!(
        script,
        "array unset ::n2::{name}\narray set ::n2::{name} {{"
    );
}

/// A number that Tcl reads back as the same double.
fn number(value: f64) -> String {
    let plain = value.abs() >= 1e-3 && value.abs() < 1e15 || value == 0.0;
    if plain {
        format!("{value}")
    } else {
        format!("{value:e}")
    }
}

fn list<Text: AsRef<str>>(words: impl IntoIterator<Item = Text>) -> String {
    let words: Vec<String> = words.into_iter().map(|text| word(text.as_ref())).collect();
    format!("{{{}}}", words.join(" "))
}
