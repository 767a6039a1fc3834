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
    for design in ["aes.nangate45", "gcd.asap7", "uart.nangate45"] {
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
