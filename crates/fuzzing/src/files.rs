//! What users write or bring along: designs, libraries, studies.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use noodle2_liberty::{Expression, IndexOptions, Library, LibraryIndex, TruthTable};
use noodle2_model::EcoManifest;
use noodle2_netlist::{Design, Ledger, canonical_hash, shuffle_instances};
use noodle2_study::{References, RenderStyle, StudyProblems, read_structure, read_study};

use crate::Target;

pub(crate) const LIBERTY: Target = Target {
    name: "liberty",
    feed: liberty,
    samples: || {
        let text = "library (\"small\") {\n  time_unit : \"1ps\"; capacitive_load_unit (1,ff); bus_naming_style : \"%s<%d>\";\n\
                    \x20 lu_table_template (delay) { variable_1 : input_net_transition; index_1 (\"1, 2\"); }\n\
                    \x20 cell (NAND2) { area : 1.5; cell_footprint : nand2;\n    pin (A, B) { direction : input; capacitance : 0.9; }\n\
                    \x20   pin (Y) { direction : output; function : \"!(A & B)\"; timing () { related_pin : \"A B\";\n\
                    \x20     cell_rise (delay) { values (\"1, 21\", \\\n \"2, 42\"); } } } }\n\
                    \x20 cell (DFF) { ff (IQ, IQN) { next_state : \"D\"; clocked_on : \"CK\"; } pin (Q) { direction : output; function : IQ; } }\n}\n";
        vec![text.as_bytes().to_vec()]
    },
};

fn liberty(bytes: &[u8]) {
    if let Ok(library) = Library::parse(bytes, Path::new("fuzzed.lib")) {
        let index = LibraryIndex::build(&[Arc::new(library)], &IndexOptions::default());
        let _ = noodle2_engine::tcl_tables(&index);
    }
}

pub(crate) const EXPRESSION: Target = Target {
    name: "expression",
    feed: |bytes| {
        let text = String::from_utf8_lossy(bytes);
        let _ = Expression::parse(&text);
        let _ = TruthTable::parse(&text);
    },
    samples: || {
        let texts = ["!(A & B)", "A' B + C^D", "(A+B)*(C|1)", "IQ", "((((A))))"];
        texts.map(|text| text.as_bytes().to_vec()).into()
    },
};

pub(crate) const NETLIST: Target = Target {
    name: "netlist",
    feed: netlist,
    samples: || {
        let hand = "module top (a, \\b[0] , y);\n input a; input [3:0] c; output y; wire n1, \\esc.x ;\n\
                    (* keep = 1 *) NAND2 u1 (.A(a), .B(\\b[0] ), .Y(n1));\n assign y = n1;\n sub u2 (.p(c[2:1]), .q({n1, 1'b0}));\nendmodule\n\
                    module sub (p, q); input [1:0] p; output [1:0] q; endmodule\n";
        vec![
            hand.as_bytes().to_vec(),
            include_bytes!("../../../examples/templates/counter.v").to_vec(),
        ]
    },
};

fn netlist(bytes: &[u8]) {
    let hash = canonical_hash(bytes);
    for top in ["top", "counter"] {
        if let Ok(design) = Design::read(bytes, top) {
            assert!(Ledger::between(&design, &design).is_empty());
        }
    }
    // In another order it is the same design.
    if let (Ok(hash), Ok(shuffled)) = (hash, shuffle_instances(bytes, 7)) {
        assert_eq!(canonical_hash(&shuffled).ok(), Some(hash));
    }
}

pub(crate) const STUDY: Target = Target {
    name: "study",
    feed: study,
    samples: || {
        vec![
            include_bytes!("../../../examples/templates/branching.yaml").to_vec(),
            include_bytes!("../../../examples/templates/sequential.yaml").to_vec(),
        ]
    },
};

/// A world with one platform and no ECO.
struct Nothing;

impl References for Nothing {
    fn eco(&self, _: &str, _: &[PathBuf]) -> Option<EcoManifest> {
        None
    }

    fn eco_names(&self, _: &[PathBuf]) -> Vec<String> {
        Vec::new()
    }

    fn platform_names(&self) -> Vec<String> {
        vec!["osu018".to_owned()]
    }

    fn platform_corners(&self, _: &str, _: Option<&Path>) -> Option<Vec<String>> {
        None
    }

    fn file_exists(&self, _: &Path) -> bool {
        true
    }
}

fn study(bytes: &[u8]) {
    let path = Path::new("fuzzed.yaml");
    let _ = read_structure(bytes, path);
    let reading = read_study(bytes, path, &Nothing);
    assert_eq!(reading.study.is_some(), reading.problems.is_empty());
    if let Some(problems) = StudyProblems::new(&reading.problems, &reading.locations) {
        let _ = problems.render(RenderStyle::PLAIN);
    }
}
