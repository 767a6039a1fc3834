//! What each domain permits of each class under each list, as one table.

mod support;

use std::path::Path;

use noodle2_study::{legality, read_study};
use support::FakeWorld;

/// One ECO of each class, narrow to wide.
const ECOS: [&str; 4] = ["noop", "buffer_fanout", "routing_eco", "restructure"];

/// The study's lists, and which of the ECOs they leave.
const LISTS: [(&str, [bool; 4]); 6] = [
    ("{}", [true, true, true, true]),
    ("{allow_ecos: [\"*\"]}", [true, true, true, true]),
    (
        "{allow_ecos: [noop, restructure]}",
        [true, false, false, true],
    ),
    ("{deny_ecos: [\"*o\"]}", [true, true, false, true]),
    (
        "{allow_ecos: [\"[n]*\", \"n*\"], deny_ecos: [noop]}",
        [false, false, false, false],
    ),
    ("{deny_ecos: [\"r*\"]}", [true, true, false, false]),
];

/// The widest class that each domain permits, by its place.
const DOMAINS: [(&str, usize); 3] = [("locked", 1), ("guarded", 2), ("sandbox", 3)];

fn codes(
    study_domain: &str,
    stage_domain: &str,
    list: &str,
    at_stage: bool,
    eco: &str,
) -> Vec<String> {
    let lists = match at_stage {
        true => ("{}", list),
        false => (list, "{}"),
    };
    let source = format!(
        "name: table\nsafety_domain: {study_domain}\nsafety: {}\n\
         design: {{case_name: gcd, top: gcd, netlists: [gcd.v], platform: osu018, sdc: [gcd.sdc]}}\n\
         engine: {{kind: opensta}}\nobjective: {{rank: [setup_wns_ps]}}\nstages:\n\
         \x20 - {{name: one, trials: 1, safety_domain: {stage_domain}, safety: {}, ecos: [{eco}]}}\n",
        lists.0, lists.1
    );
    let reading = read_study(
        source.as_bytes(),
        Path::new("folder/table.yaml"),
        &FakeWorld,
    );
    let study = reading
        .study
        .unwrap_or_else(|| panic!("{:?}", reading.problems));
    legality(&study, &reading.locations, &FakeWorld)
        .iter()
        .map(|problem| problem.code.to_string())
        .collect()
}

#[test]
fn a_study_is_legal_exactly_where_domain_class_and_lists_agree() {
    for (study_place, (study_domain, study_widest)) in DOMAINS.into_iter().enumerate() {
        for (stage_place, (stage_domain, stage_widest)) in DOMAINS.into_iter().enumerate() {
            for (list, left) in LISTS {
                for at_stage in [false, true] {
                    for (class, eco) in ECOS.into_iter().enumerate() {
                        let mut expected = Vec::new();
                        if stage_place > study_place {
                            expected.push("N2-LEGAL-002");
                        }
                        if class > study_widest.min(stage_widest) {
                            expected.push("N2-LEGAL-001");
                        }
                        if !left[class] {
                            expected.push("N2-LEGAL-004");
                        }
                        let mut found = codes(study_domain, stage_domain, list, at_stage, eco);
                        found.sort_unstable();
                        found.dedup();
                        expected.sort_unstable();
                        assert_eq!(
                            found, expected,
                            "{eco} in a stage of `{stage_domain}` in a study of `{study_domain}` with {list}"
                        );
                    }
                }
            }
        }
    }
}
