//! Random combinational designs, random damage: whatever is called the same must compute the same in every
//! input, judged by an evaluation of its own.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use noodle2_liberty::{IndexOptions, Library, LibraryIndex};
use noodle2_netlist::{Design, Ledger, compare_logic};
use proptest::prelude::*;

static CELLS: LazyLock<LibraryIndex> = LazyLock::new(|| {
    let path = Path::new("/usr/share/qflow/tech/osu018/osu018_stdcells.lib");
    let bytes = std::fs::read(path).expect("the Debian package qflow-tech-osu018 is installed");
    let library = Library::parse(&bytes, path).unwrap();
    LibraryIndex::build(&[Arc::new(library)], &IndexOptions::default())
});

const INPUTS: usize = 4;

/// A gate: its cell, and the numbers of the signals at its pins. Signals are the inputs and then the
/// outputs of the gates.
type Gate = (&'static str, Vec<usize>);

const KINDS: [(&str, usize); 9] = [
    ("INVX1", 1),
    ("BUFX2", 1),
    ("NAND2X1", 2),
    ("NOR2X1", 2),
    ("AND2X2", 2),
    ("OR2X1", 2),
    ("XOR2X1", 2),
    ("AOI21X1", 3),
    ("MUX2X1", 3),
];

fn evaluate(gates: &[Gate], inputs: usize) -> Vec<bool> {
    let mut signals: Vec<bool> = (0..INPUTS).map(|bit| inputs >> bit & 1 == 1).collect();
    for (cell, pins) in gates {
        let pin = |place: usize| signals[pins[place]];
        let value = match *cell {
            "INVX1" | "INVX2" => !pin(0),
            "BUFX2" | "BUFX4" => pin(0),
            "NAND2X1" => !(pin(0) && pin(1)),
            "NOR2X1" => !(pin(0) || pin(1)),
            "AND2X1" | "AND2X2" => pin(0) && pin(1),
            "OR2X1" | "OR2X2" => pin(0) || pin(1),
            "XOR2X1" => pin(0) != pin(1),
            "XNOR2X1" => pin(0) == pin(1),
            "AOI21X1" => !((pin(0) && pin(1)) || pin(2)),
            "OAI21X1" => !((pin(0) || pin(1)) && pin(2)),
            // A where S is high, inverted.
            "MUX2X1" => !(if pin(2) { pin(1) } else { pin(0) }),
            other => panic!("{other}"),
        };
        signals.push(value);
    }
    signals
}

fn verilog(gates: &[Gate], outputs: &[usize]) -> Design {
    let signal = |number: usize| match number < INPUTS {
        true => format!("i[{number}]"),
        false => format!("n{number}"),
    };
    let mut text = format!(
        "module top (i, o); input [{}:0] i; output [{}:0] o;\n",
        INPUTS - 1,
        outputs.len() - 1
    );
    for (place, (cell, pins)) in gates.iter().enumerate() {
        let names: &[&str] = match *cell {
            "MUX2X1" => &["B", "A", "S"],
            _ => &["A", "B", "C"],
        };
        let _ = write!(text, "{cell} g{place} (");
        for (name, pin) in names.iter().zip(pins) {
            let _ = write!(text, ".{name}({}), ", signal(*pin));
        }
        let _ = writeln!(text, ".Y({}));", signal(INPUTS + place));
    }
    for (place, output) in outputs.iter().enumerate() {
        let _ = writeln!(text, "assign o[{place}] = {};", signal(*output));
    }
    text.push_str("endmodule\n");
    Design::read(text.as_bytes(), "top").unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn gates() -> impl Strategy<Value = Vec<Gate>> {
    prop::collection::vec((0..KINDS.len(), any::<[prop::sample::Index; 3]>()), 1..25).prop_map(
        |chosen| {
            chosen
                .into_iter()
                .enumerate()
                .map(|(place, (kind, pins))| {
                    let (cell, count) = KINDS[kind];
                    let pins = pins[..count].iter().map(|pin| pin.index(INPUTS + place));
                    (cell, pins.collect())
                })
                .collect()
        },
    )
}

/// Exchanges cells, moves pins: sometimes harmless, mostly not.
fn damaged(gates: &[Gate], damage: &[(prop::sample::Index, prop::sample::Index, u8)]) -> Vec<Gate> {
    let mut gates = gates.to_vec();
    for (gate, source, kind) in damage {
        let place = gate.index(gates.len());
        let (cell, pins) = &mut gates[place];
        match kind % 4 {
            0 => {
                let twins: HashMap<&str, &str> = HashMap::from([
                    ("INVX1", "INVX2"),
                    ("BUFX2", "BUFX4"),
                    ("NAND2X1", "NOR2X1"),
                    ("AND2X2", "AND2X1"),
                    ("OR2X1", "OR2X2"),
                    ("XOR2X1", "XNOR2X1"),
                    ("AOI21X1", "OAI21X1"),
                    ("INVX2", "BUFX2"),
                ]);
                if let Some(twin) = twins.get(cell) {
                    *cell = twin;
                }
            }
            1 => {
                let other = source.index(pins.len());
                pins.swap(0, other);
            }
            2 => pins.reverse(),
            _ => {
                let last = pins.len() - 1;
                pins[last] = source.index(INPUTS + place);
            }
        }
    }
    gates
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn what_is_called_the_same_computes_the_same(
        gates in gates(),
        damage in prop::collection::vec(any::<(prop::sample::Index, prop::sample::Index, u8)>(), 0..4),
    ) {
        let outputs: Vec<usize> = (0..3).map(|back| (INPUTS + gates.len() - 1).saturating_sub(back)).collect();
        let other = damaged(&gates, &damage);
        let same_values = |place: usize| (0..1 << INPUTS)
            .all(|row| evaluate(&gates, row)[outputs[place]] == evaluate(&other, row)[outputs[place]]);
        let (parent, child) = (verilog(&gates, &outputs), verilog(&other, &outputs));
        let logic = compare_logic(&parent, &child, &CELLS);
        for place in 0..outputs.len() {
            if !logic.differing.contains(&format!("port o[{place}]")) {
                prop_assert!(same_values(place), "o[{}] was called the same", place);
            }
        }
        prop_assert_eq!(compare_logic(&parent, &parent, &CELLS).differing, Vec::<String>::new());
        let ledger = Ledger::between(&parent, &child);
        prop_assert_eq!(ledger.is_empty(), parent == child);
    }

    #[test]
    fn no_bytes_make_the_reader_panic(parts in prop::collection::vec(prop::sample::select(vec![
        "module top", "endmodule", " ", "(", ")", "\\", ";", "{", "}", "[", "]", "1'b0", "'", "9", ":", "a", "b", ".", ",",
        "assign", "=", "input", "*", "(*", "\n",
    ]), 0..40)) {
        let _ = Design::read(parts.concat().as_bytes(), "top");
        let _ = Design::read(format!("module top (a); input a; {} endmodule", parts.join(" ")).as_bytes(), "top");
    }
}
