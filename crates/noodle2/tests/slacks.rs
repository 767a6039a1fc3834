//! How slacks of endpoints are spread, on the page of a case: from what attempts left, or not at all.

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use support::served::Served;
use support::{ends, journal, summary, template, text};

const HEADING: &str = "Setup slacks of endpoints";

fn run_again(study: &Path, out: &Path) {
    let cache = study.with_file_name("cache");
    ends(
        0,
        &[
            "run",
            text(study),
            "--out",
            text(out),
            "--cache",
            text(&cache),
        ],
    );
}

/// A derived case, by its name, with the file that its attempt left.
fn derived_case(run: &Path) -> (String, PathBuf) {
    let best = summary(run)["best"]["case"].clone();
    let name = best.as_str().unwrap().to_owned();
    let file = run.join("trials").join(&name).join("1/endpoints.tsv");
    (name, file)
}

fn page_of(served: &Served, run: &str, case: &str) -> String {
    served.get(&format!("/runs/{run}/cases/{case}"))
}

#[test]
fn slacks_of_endpoints_are_drawn_where_both_attempts_left_them() {
    let folder = tempfile::tempdir().unwrap();
    let study = template(folder.path(), "sequential");
    let runs = folder.path().join("runs");
    let out = runs.join("first");
    run_again(&study, &out);
    let (case, file) = derived_case(&out);
    let written = fs::read_to_string(&file).unwrap();
    let setup = (written.lines())
        .filter(|line| line.split('\t').nth(1) == Some("setup"))
        .count();
    assert!(setup > 0, "{written}");
    // It is sealed as the other files are.
    ends(0, &["verify", text(&out)]);

    let served = Served::start(&runs);
    let page = page_of(&served, "first", &case);
    assert!(page.contains(HEADING), "{page}");
    assert!(
        page.contains(&format!("of {setup} endpoints of case below zero")),
        "{page}"
    );
    assert!(page.contains(" of parent below zero"), "{page}");

    // What is damaged or gone is not drawn; the page is there.
    fs::write(&file, written.replace("slack_ps", "slack")).unwrap();
    assert!(!page_of(&served, "first", &case).contains(HEADING));
    fs::remove_file(&file).unwrap();
    assert!(!page_of(&served, "first", &case).contains(HEADING));

    // What was known left none.
    let again = runs.join("again");
    run_again(&study, &again);
    let hits = journal(&again)
        .iter()
        .any(|record| record.to_string().contains("\"hit\""));
    assert!(hits, "nothing was known");
    let (case, file) = derived_case(&again);
    assert!(!file.exists());
    assert!(!page_of(&served, "again", &case).contains(HEADING));
}
