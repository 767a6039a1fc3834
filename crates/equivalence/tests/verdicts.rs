//! Verdicts on small designs, one for each rule, and on random ones against an evaluation of every input.

use std::cell::Cell;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use noodle2_equivalence::{Budget, Reason, Report, Side, Stopped, Verdict, compare, compare_until};
use noodle2_liberty::{IndexOptions, Library, LibraryIndex};
use noodle2_netlist::Design;
use proptest::prelude::*;

static CELLS: LazyLock<LibraryIndex> = LazyLock::new(|| {
    let path = Path::new("/usr/share/qflow/tech/osu018/osu018_stdcells.lib");
    let bytes = std::fs::read(path).expect("the Debian package qflow-tech-osu018 is installed");
    let library = Library::parse(&bytes, path).unwrap();
    LibraryIndex::build(&[Arc::new(library)], &IndexOptions::default())
});

fn design(body: &str) -> Design {
    let text = format!(
        "module top (clk, r, s, a, b, c, o, p);\ninput clk, r, s, a, b, c; output o, p;\n{body}\nendmodule\n"
    );
    Design::read(text.as_bytes(), "top").unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn report(parent: &str, child: &str) -> Report {
    compare(&design(parent), &design(child), &CELLS, &Budget::default())
}

#[track_caller]
fn equal(parent: &str, child: &str) -> Report {
    let report = report(parent, child);
    assert_eq!(report.verdict, Verdict::Equal, "{report:?}");
    report
}

/// The point at which they differ.
#[track_caller]
fn different(parent: &str, child: &str) -> String {
    match report(parent, child).verdict {
        Verdict::Different { counterexample } => {
            assert_ne!(counterexample.parent, counterexample.child);
            counterexample.end
        }
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn undecided(parent: &str, child: &str) -> Reason {
    match report(parent, child).verdict {
        Verdict::Undecided { reason } => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_structure_shows_costs_no_question() {
    let gate = "NAND2X1 g (.A(a), .B(b), .Y(o));";
    let buffered = "BUFX2 x (.A(a), .Y(n)); NAND2X1 g (.A(b), .B(n), .Y(o));";
    let report = equal(gate, buffered);
    assert_eq!((report.cost.sat_calls, report.cost.nodes), (0, 0));
}

#[test]
fn logic_that_was_mapped_anew_is_proved() {
    let nands = "NAND2X1 g (.A(a), .B(b), .Y(n)); NAND2X1 h (.A(n), .B(c), .Y(o));";
    let others = "INVX1 i (.A(a), .Y(an)); INVX1 j (.A(b), .Y(bn)); INVX1 k (.A(c), .Y(cn)); \
                  OR2X1 l (.A(an), .B(bn), .Y(m)); INVX1 q (.A(m), .Y(mn)); OR2X1 t (.A(mn), .B(cn), .Y(o));";
    let report = equal(nands, others);
    assert_eq!(
        report.cost.by_proof + report.cost.by_structure,
        report.cost.points
    );
}

#[test]
fn a_dropped_inverter_is_shown_with_values_that_both_netlists_give() {
    let parent = "NAND2X1 g (.A(a), .B(b), .Y(n)); INVX1 i (.A(n), .Y(o));";
    let child = "NAND2X1 g (.A(a), .B(b), .Y(n)); BUFX2 i (.A(n), .Y(o));";
    let Verdict::Different { counterexample } = report(parent, child).verdict else {
        panic!("an inverter is missing");
    };
    assert_eq!(counterexample.end, "port o");
    let value = |name: &str| counterexample.sources[name];
    assert_eq!(counterexample.parent, value("port a") && value("port b"));
    assert_eq!(counterexample.child, !counterexample.parent);
}

#[test]
fn registers_are_matched_by_their_names_and_compared_at_what_they_take() {
    let register = |name: &str, data: &str| {
        format!("{data} DFFPOSX1 {name} (.D(d), .CLK(clk), .Q(q)); BUFX2 z (.A(q), .Y(o));")
    };
    let and = "AND2X1 g (.A(a), .B(b), .Y(d));";
    let nor = "INVX1 i (.A(a), .Y(an)); INVX1 j (.A(b), .Y(bn)); NOR2X1 g (.A(an), .B(bn), .Y(d));";
    equal(&register("state", and), &register("state", nor));
    let or = "OR2X1 g (.A(a), .B(b), .Y(d));";
    assert_eq!(
        different(&register("state", and), &register("state", or)),
        "state/D"
    );
    let reason = undecided(&register("state", and), &register("renamed", and));
    assert!(matches!(reason, Reason::Unmatched { .. }), "{reason:?}");
}

#[test]
fn an_inverted_output_of_a_register_is_seen_where_it_is_used() {
    let of =
        |cell: &str| format!("DFFPOSX1 state (.D(a), .CLK(clk), .Q(q)); {cell} z (.A(q), .Y(o));");
    assert_eq!(different(&of("BUFX2"), &of("INVX1")), "port o");
}

#[test]
fn clear_and_preset_are_compared_and_data_counts_only_without_them() {
    let of = |reset: &str, data: &str| {
        format!(
            "{reset} {data} DFFSR state (.D(d), .CLK(clk), .R(rn), .S(s), .Q(q)); BUFX2 z (.A(q), .Y(o));"
        )
    };
    let plain = "BUFX2 x (.A(r), .Y(rn));";
    let and = "AND2X1 g (.A(a), .B(b), .Y(d));";
    // The register is cleared while r is low, so data that is forced then does not matter.
    let forced = "AND2X1 h (.A(a), .B(b), .Y(m)); AND2X1 g (.A(m), .B(r), .Y(d));";
    equal(&of(plain, and), &of(plain, forced));
    assert_eq!(
        different(&of(plain, and), &of("INVX1 x (.A(r), .Y(rn));", and)),
        "state/R"
    );
    assert_eq!(
        different(
            &of(plain, and),
            &of(plain, "AND2X1 g (.A(a), .B(c), .Y(d));")
        ),
        "state/D"
    );
}

#[test]
fn a_register_of_another_kind_is_not_taken_for_the_same() {
    let of =
        |cell: &str| format!("{cell} state (.D(a), .CLK(clk), .Q(q)); BUFX2 z (.A(q), .Y(o));");
    let reason = undecided(&of("DFFPOSX1"), &of("DFFNEGX1"));
    assert_eq!(
        reason,
        Reason::Unlike {
            end: "state".to_owned()
        }
    );
}

#[test]
fn latches_take_their_data_while_they_are_open() {
    let of = |data: &str| {
        format!("{data} LATCH hold (.D(d), .CLK(clk), .Q(q)); BUFX2 z (.A(q), .Y(o));")
    };
    let open = "AND2X1 g (.A(a), .B(b), .Y(d));";
    let gated = "AND2X1 h (.A(a), .B(b), .Y(m)); AND2X1 g (.A(m), .B(clk), .Y(d));";
    equal(&of(open), &of(gated));
    assert_eq!(
        different(&of(open), &of("OR2X1 g (.A(a), .B(b), .Y(d));")),
        "hold/D"
    );
}

#[test]
fn a_cell_that_nobody_models_leaves_it_open_only_where_it_matters() {
    let of = |gate: &str| {
        format!(
            "MYSTERY m (.A(r), .Y(n)); {gate} g (.A(n), .B(b), .Y(o)); NAND2X1 h (.A(a), .B(c), .Y(p));"
        )
    };
    equal(&of("NAND2X1"), &of("NAND2X1"));
    let elsewhere = of("NAND2X1").replace(
        "NAND2X1 h (.A(a), .B(c), .Y(p));",
        "NOR2X1 h (.A(a), .B(c), .Y(p));",
    );
    assert_eq!(different(&of("NAND2X1"), &elsewhere), "port p");
    let reason = undecided(&of("NAND2X1"), &of("NOR2X1"));
    assert_eq!(
        reason,
        Reason::Unmodelled {
            end: "port o".to_owned()
        }
    );
}

#[test]
fn a_port_that_is_gone_is_told() {
    let parent = design("BUFX2 g (.A(a), .Y(o));");
    let text = b"module top (a, o); input a; output o; BUFX2 g (.A(a), .Y(o)); endmodule";
    let child = Design::read(text, "top").unwrap();
    let verdict = compare(&parent, &child, &CELLS, &Budget::default()).verdict;
    let Verdict::Undecided {
        reason: Reason::Unmatched { side, .. },
    } = verdict
    else {
        panic!("{verdict:?}");
    };
    assert_eq!(side, Side::Parent);
}

#[test]
fn a_budget_that_is_too_small_says_so() {
    // Two ways to compute the majority of many signals, with no node in common.
    let budget = Budget {
        conflicts: 0,
        conflicts_per_merge: 0,
        conflicts_per_point: 0,
        steps: 0,
    };
    let parent = design("XOR2X1 g (.A(a), .B(b), .Y(n)); XOR2X1 h (.A(n), .B(c), .Y(o));");
    let child = design("XOR2X1 g (.A(b), .B(c), .Y(n)); XOR2X1 h (.A(n), .B(a), .Y(o));");
    assert_eq!(
        compare(&parent, &child, &CELLS, &Budget::default()).verdict,
        Verdict::Equal
    );
    let verdict = compare(&parent, &child, &CELLS, &budget).verdict;
    let reason = Reason::BudgetExhausted {
        end: "port o".to_owned(),
    };
    assert_eq!(verdict, Verdict::Undecided { reason });
}

/// A multiplier of two words, which adds its rows of partial products in this order.
fn multiplier(bits: usize, rows: impl Iterator<Item = usize>) -> Design {
    let mut text = format!(
        "module top (a, b, o); input [{0}:0] a, b; output [{0}:0] o;\n",
        bits - 1
    );
    let mut gates = 0;
    let mut sum: Vec<Option<String>> = vec![None; bits];
    for row in rows {
        let mut carry: Option<String> = None;
        for (place, column) in sum.iter_mut().enumerate().skip(row) {
            let mut gate = |cell: &str, left: &str, right: &str| {
                gates += 1;
                let _ = writeln!(
                    text,
                    "{cell} g{gates} (.A({left}), .B({right}), .Y(n{gates}));"
                );
                format!("n{gates}")
            };
            let own = gate(
                "AND2X2",
                &format!("a[{}]", place - row),
                &format!("b[{row}]"),
            );
            let (mut total, mut carries) = (own, Vec::new());
            for other in [column.take(), carry.take()].into_iter().flatten() {
                carries.push(gate("AND2X2", &total, &other));
                total = gate("XOR2X1", &total, &other);
            }
            carry = carries
                .into_iter()
                .reduce(|left, right| gate("OR2X1", &left, &right));
            *column = Some(total);
        }
    }
    for (place, total) in sum.iter().enumerate() {
        let total = total.as_deref().unwrap_or("1'b0");
        let _ = writeln!(text, "BUFX2 o{place} (.A({total}), .Y(o[{place}]));");
    }
    text.push_str("endmodule\n");
    Design::read(text.as_bytes(), "top").unwrap()
}

#[test]
fn a_comparison_that_is_stopped_gives_no_verdict() {
    let pair = |bits: usize| (multiplier(bits, 0..bits), multiplier(bits, (0..bits).rev()));
    let (parent, child) = pair(4);
    let asked = Cell::new(0);
    let stopped_after = |most: u64, (parent, child): (&Design, &Design)| {
        asked.set(0);
        let is_stopped = || {
            asked.set(asked.get() + 1);
            asked.get() > most
        };
        compare_until(parent, child, &CELLS, &Budget::default(), &is_stopped)
    };
    let free = stopped_after(u64::MAX, (&parent, &child));
    assert_eq!(
        free,
        Ok(compare(&parent, &child, &CELLS, &Budget::default()))
    );
    assert_eq!(free.unwrap().verdict, Verdict::Equal);
    let in_all = asked.get();
    for most in [0, 1, 100, in_all / 2, in_all - 1] {
        let result = stopped_after(most, (&parent, &child));
        assert_eq!(result, Err(Stopped), "after {most} of {in_all}");
        // It is given up at once, whatever is still to be looked at.
        assert!(asked.get() < most + 100, "{} after {most}", asked.get());
    }
    // This one is not settled within the budget, which takes a minute.
    let (parent, child) = pair(24);
    assert_eq!(stopped_after(20_000, (&parent, &child)), Err(Stopped));
}

const INPUTS: usize = 4;

/// A gate: its cell, and the numbers of the signals at its pins.
type Gate = (usize, Vec<usize>);

/// Cells with the number of their inputs and their function.
type Kind = (&'static str, usize, fn(&[bool]) -> bool);

const KINDS: [Kind; 8] = [
    ("INVX1", 1, |pins| !pins[0]),
    ("NAND2X1", 2, |pins| !(pins[0] && pins[1])),
    ("NOR2X1", 2, |pins| !(pins[0] || pins[1])),
    ("AND2X2", 2, |pins| pins[0] && pins[1]),
    ("OR2X1", 2, |pins| pins[0] || pins[1]),
    ("XOR2X1", 2, |pins| pins[0] != pins[1]),
    ("XNOR2X1", 2, |pins| pins[0] == pins[1]),
    ("AOI21X1", 3, |pins| !((pins[0] && pins[1]) || pins[2])),
];

fn evaluate(gates: &[Gate], inputs: usize) -> bool {
    let mut signals: Vec<bool> = (0..INPUTS).map(|bit| inputs >> bit & 1 == 1).collect();
    for (kind, pins) in gates {
        let pins: Vec<bool> = pins.iter().map(|pin| signals[*pin]).collect();
        signals.push(KINDS[*kind].2(&pins));
    }
    signals[signals.len() - 1]
}

fn netlist(gates: &[Gate]) -> Design {
    let signal = |number: usize| match number < INPUTS {
        true => format!("i[{number}]"),
        false => format!("n{number}"),
    };
    let mut text = format!("module top (i, o); input [{}:0] i; output o;\n", INPUTS - 1);
    for (place, (kind, pins)) in gates.iter().enumerate() {
        let _ = write!(text, "{} g{place} (", KINDS[*kind].0);
        for (name, pin) in ["A", "B", "C"].iter().zip(pins) {
            let _ = write!(text, ".{name}({}), ", signal(*pin));
        }
        let _ = writeln!(text, ".Y({}));", signal(INPUTS + place));
    }
    let _ = writeln!(
        text,
        "assign o = {};\nendmodule",
        signal(INPUTS + gates.len() - 1)
    );
    Design::read(text.as_bytes(), "top").unwrap()
}

fn gates() -> impl Strategy<Value = Vec<Gate>> {
    let gate = (0..KINDS.len(), any::<[prop::sample::Index; 3]>());
    prop::collection::vec(gate, 1..14).prop_map(|chosen| {
        let gates = chosen.into_iter().enumerate();
        gates
            .map(|(place, (kind, pins))| {
                let pins = pins[..KINDS[kind].1].iter();
                (kind, pins.map(|pin| pin.index(INPUTS + place)).collect())
            })
            .collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn verdicts_are_those_of_an_evaluation_of_every_input(left in gates(), right in gates()) {
        let same = (0..1 << INPUTS).all(|row| evaluate(&left, row) == evaluate(&right, row));
        let report = compare(&netlist(&left), &netlist(&right), &CELLS, &Budget::default());
        match report.verdict {
            Verdict::Equal => prop_assert!(same),
            Verdict::Different { counterexample } => {
                prop_assert!(!same);
                let row: usize = (0..INPUTS)
                    .map(|bit| usize::from(counterexample.sources.get(&format!("port i[{bit}]")) == Some(&true)) << bit)
                    .sum();
                prop_assert_eq!(evaluate(&left, row), counterexample.parent);
                prop_assert_eq!(evaluate(&right, row), counterexample.child);
            }
            Verdict::Undecided { reason } => prop_assert!(false, "{reason}"),
        }
    }
}
