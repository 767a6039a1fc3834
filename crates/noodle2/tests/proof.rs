//! A proof of equivalence that would take minutes is stopped with its run.

mod support;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use support::{PATIENCE, ends, interrupt, journal, start, summary, text};

const BITS: usize = 24;

/// The low word of a product of two words, its rows of partial products added in this order.
fn multiplier(rows: impl Iterator<Item = usize>) -> String {
    let mut ports = String::new();
    let mut body = String::new();
    for bit in 0..BITS {
        let _ = write!(
            ports,
            "{}a{bit}, b{bit}, o{bit}",
            if bit > 0 { ", " } else { "" }
        );
        let _ = writeln!(body, "  input a{bit}, b{bit}; output o{bit};");
    }
    let mut gates = 0;
    let mut sum: Vec<Option<String>> = vec![None; BITS];
    for row in rows {
        let mut carry: Option<String> = None;
        for (place, column) in sum.iter_mut().enumerate().skip(row) {
            let mut gate = |cell: &str, left: &str, right: &str| {
                gates += 1;
                let _ = writeln!(
                    body,
                    "  {cell} g{gates} (.A({left}), .B({right}), .Y(n{gates}));"
                );
                format!("n{gates}")
            };
            let mut total = gate("AND2X2", &format!("a{}", place - row), &format!("b{row}"));
            let mut carries = Vec::new();
            for other in [column.take(), carry.take()].into_iter().flatten() {
                carries.push(gate("AND2X2", &total, &other));
                total = gate("XOR2X1", &total, &other);
            }
            let either = carries.into_iter();
            carry = either.reduce(|left, right| gate("OR2X1", &left, &right));
            *column = Some(total);
        }
    }
    for (place, total) in sum.iter().flatten().enumerate() {
        let _ = writeln!(body, "  BUFX2 out{place} (.A({total}), .Y(o{place}));");
    }
    format!("module mult ({ports});\n{body}endmodule\n")
}

fn study(folder: &Path) {
    let eco = folder.join("ecos/other_order");
    fs::create_dir_all(&eco).unwrap();
    fs::write(folder.join("mult.v"), multiplier(0..BITS)).unwrap();
    fs::write(eco.join("other.v"), multiplier((0..BITS).rev())).unwrap();
    let constraints = "create_clock -name io -period 100\n\
        set_input_delay 0 -clock io [all_inputs]\nset_output_delay 0 -clock io [all_outputs]\n";
    fs::write(folder.join("mult.sdc"), constraints).unwrap();
    let manifest = "name: other_order\nversion: 1\nclass: global_disruptive\nengines: [opensta]\n\
        description: The same product, added up in another order.\nchanges_connectivity: true\n\
        implementation: {command: [cp, \"{folder}/other.v\", \"{output}\"]}\n";
    fs::write(eco.join("eco.yaml"), manifest).unwrap();
    let study = "name: product\nsafety_domain: sandbox\neco_path: [ecos]\n\
        safety: {gates: {confirm: true, equivalence: true}}\n\
        design: {case_name: mult, top: mult, netlists: [mult.v], platform: osu018, sdc: [mult.sdc]}\n\
        engine: {kind: opensta}\nobjective: {rank: [setup_wns_ps]}\n\
        stages: [{name: only, trials: 1, parent_competes: false, ecos: [other_order]}]\n";
    fs::write(folder.join("study.yaml"), study).unwrap();
}

#[test]
fn interrupts_stop_a_proof_and_no_verdict_is_recorded() {
    let folder = tempfile::tempdir().unwrap();
    study(folder.path());
    let out = folder.path().join("run");
    let study = folder.path().join("study.yaml");
    let mut child = start(&["run", text(&study), "--out", text(&out)]);
    // The confirmation has measured the survivor again, and goes on to the proof.
    let measured_again = out.join("trials/mult_0_1/2/metrics.json");
    let deadline = Instant::now() + PATIENCE;
    while !measured_again.exists() {
        assert!(child.try_wait().unwrap().is_none(), "the run has ended");
        assert!(Instant::now() < deadline, "the run does not get on");
        std::thread::sleep(Duration::from_millis(5));
    }
    std::thread::sleep(Duration::from_secs(1));
    assert!(child.try_wait().unwrap().is_none(), "the proof is too easy");
    // The first asks for the end of what runs, the second for the end at once. Two that come together may be
    // one to a busy machine, so a further one follows until they had their way.
    let began = Instant::now();
    let status = loop {
        interrupt(&child);
        std::thread::sleep(Duration::from_millis(300));
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        // The proof itself would take minutes.
        let waited = began.elapsed();
        assert!(waited < Duration::from_secs(20), "{waited:?}");
    };
    assert_eq!(status.code(), Some(7));
    assert_eq!(summary(&out)["status"], "interrupted");
    assert!(!out.join("trials/mult_0_1/2/equivalence.json").exists());
    let records = journal(&out);
    let finished = records
        .iter()
        .rfind(|record| record["event"]["type"] == "attempt_finished")
        .unwrap();
    let outcome = &finished["event"]["outcome"];
    assert_eq!(outcome["failed"]["class"], "interrupted", "{finished:#}");
    assert!(
        !serde_json::to_string(&records)
            .unwrap()
            .contains("by_structure")
    );
    ends(0, &["verify", text(&out)]);
}
