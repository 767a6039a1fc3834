//! The programs that a study names.

mod support;

use std::fs;

use support::{edit, run, template, text};

#[test]
fn what_is_wrong_with_an_engine_that_cannot_be_started_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let plain = folder.path().join("plain");
    fs::write(&plain, "").unwrap();
    let absent = folder.path().join("absent");
    for (path, expected) in [
        (folder.path(), "which is a folder"),
        (&plain, "which is not executable"),
        (&absent, "No such file"),
    ] {
        let place = tempfile::tempdir().unwrap();
        let study = template(place.path(), "sequential");
        let engine = format!("{{kind: opensta, path: {}}}", text(path));
        edit(&study, "{kind: opensta}", &engine);
        let out = place.path().join("run");
        let (status, _, stderr) = run(&["run", text(&study), "--out", text(&out)]);
        assert_eq!(status, 3, "{stderr}");
        let words: Vec<&str> = stderr
            .split_whitespace()
            .filter(|word| *word != "│")
            .collect();
        let words = words.join(" ");
        assert!(
            words.contains("N2-RUN-010") && words.contains(expected),
            "{words}"
        );
    }
}
