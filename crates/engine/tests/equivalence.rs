//! Equivalence on real designs: what `restructure` maps anew is proved to do the same, and one gate that is
//! exchanged in it is found.

mod support;

use std::path::{Path, PathBuf};

use noodle2_engine::Catalogue;
use noodle2_model::EquivalenceVerdict;
use support::{Bench, measured, run, scene, shared};

/// The base's netlist, what `restructure` made of it, and what came of the comparison.
fn restructured(shared: &Path, design: &str) -> (Bench, PathBuf, PathBuf) {
    let mut bench = Bench::real(shared, design, |sdc| vec![scene("typical", sdc)]);
    let context = bench.context();
    let base = bench.measured_base(&context);
    let catalogue = Catalogue::load(&[]).unwrap();
    let attempt = bench.attempt();
    let eco = catalogue.get("restructure").unwrap();
    measured(support::try_eco(&context, &base, eco, &attempt, &mut run));
    let (parent, child) = (base.0.join("netlist.v"), attempt.join("netlist.v"));
    (bench, parent, child)
}

#[test]
fn designs_that_were_mapped_anew_are_proved_equal() {
    let Some(shared) = shared() else { return };
    for design in [
        "aes.nangate45",
        "gcd.asap7",
        "uart.nangate45",
        // With isolation cells, which stay where they are.
        "gcd.sky130hd",
        "riscv32i.sky130hd",
    ] {
        let (bench, parent, child) = restructured(&shared, design);
        let (proof, report) = bench
            .context()
            .prove_equivalence(std::slice::from_ref(&parent), &child, &|| false)
            .unwrap();
        assert_eq!(proof.verdict, EquivalenceVerdict::Equal, "{design}");
        assert!(proof.by_proof > 0, "{design}: {report:?}");
        let (unchanged, _) = bench
            .context()
            .prove_equivalence(std::slice::from_ref(&parent), &parent, &|| false)
            .unwrap();
        assert_eq!(
            (unchanged.by_proof, unchanged.sat_calls),
            (0, 0),
            "{design}"
        );
    }
}

#[test]
fn one_gate_exchanged_among_thousands_is_found() {
    let Some(shared) = shared() else { return };
    let (bench, parent, child) = restructured(&shared, "aes.nangate45");
    let text = std::fs::read_to_string(&child).unwrap();
    let places: Vec<usize> = text.match_indices("NAND2_X1 ").map(|(at, _)| at).collect();
    for place in [
        places[7],
        places[places.len() / 2],
        places[places.len() - 7],
    ] {
        let mut wrong = text.clone();
        wrong.replace_range(place..place + "NAND2_X1".len(), "NOR2_X1");
        let wrong = bench.write("wrong.v", wrong);
        let (proof, _) = bench
            .context()
            .prove_equivalence(std::slice::from_ref(&parent), &wrong, &|| false)
            .unwrap();
        let EquivalenceVerdict::Different { parent, child, .. } = proof.verdict else {
            panic!("{proof:?}");
        };
        assert_ne!(parent, child);
    }
}

/// What a cell of power management does depends on supplies that no netlist tells.
#[test]
fn an_isolation_cell_that_became_a_gate_leaves_it_undecided() {
    let Some(shared) = shared() else { return };
    let mut bench = Bench::real(&shared, "gcd.sky130hd", |sdc| vec![scene("typical", sdc)]);
    let context = bench.context();
    let (base, _) = bench.measured_base(&context);
    let parent = base.join("netlist.v");
    let text = std::fs::read_to_string(&parent).unwrap();
    // Both are `X = A | B`, with the pin of the first called otherwise.
    let from = "sky130_fd_sc_hd__lpflow_inputiso1p_1";
    let place = text.find(from).expect("the design has such a cell");
    let end = place + text[place..].find(';').unwrap();
    let gate = text[place..end]
        .replace(from, "sky130_fd_sc_hd__or2_0")
        .replace(".SLEEP(", ".B(");
    let child = bench.write("child.v", [&text[..place], &gate, &text[end..]].concat());
    let (proof, _) = context
        .prove_equivalence(&[parent], &child, &|| false)
        .unwrap();
    let EquivalenceVerdict::Undecided { reason } = &proof.verdict else {
        panic!("{proof:?}");
    };
    assert!(reason.contains("is in the parent alone"), "{reason}");
}
