//! Run folders that are none yet, or cannot become one.

mod support;

use std::fs;

use support::{digest, run, template, text};

/// What is there when the controller is killed between making the run folder and its first record.
#[test]
fn a_run_that_was_killed_before_its_first_record_is_begun_again() {
    let folder = tempfile::tempdir().unwrap();
    let study = template(folder.path(), "sequential");
    let reference = folder.path().join("reference");
    let (status, _, stderr) = run(&["run", text(&study), "--out", text(&reference)]);
    assert_eq!(status, 0, "{stderr}");
    let out = folder.path().join("run");
    for journal in [None, Some("")] {
        let _ = fs::remove_dir_all(&out);
        fs::create_dir_all(out.join("inputs")).unwrap();
        fs::write(out.join("lock"), "").unwrap();
        fs::write(out.join("inputs/.noodle2-tmp-half"), "set").unwrap();
        fs::write(out.join("study.yaml"), "name: half").unwrap();
        if let Some(text) = journal {
            fs::write(out.join("journal.ndjson"), text).unwrap();
        }
        for command in ["resume", "status", "verify"] {
            let (status, _, stderr) = run(&[command, text(&out)]);
            assert_eq!(status, 2, "{stderr}");
            assert!(
                stderr.contains("N2-STORE-013") && stderr.contains("noodle2 run STUDY --out"),
                "{stderr}"
            );
        }
        let (status, _, stderr) = run(&["run", text(&study), "--out", text(&out)]);
        assert_eq!(status, 0, "{stderr}");
        assert_eq!(digest(&out), digest(&reference));
        let (status, stdout, _) = run(&["verify", text(&out)]);
        assert_eq!(status, 0, "{stdout}");
    }
}

#[test]
fn an_output_folder_that_cannot_be_one_is_a_matter_of_usage() {
    let folder = tempfile::tempdir().unwrap();
    let study = template(folder.path(), "sequential");
    let below = study.join("run");
    for out in [text(&study), text(&below), "/proc/none/run"] {
        let (status, _, stderr) = run(&["run", text(&study), "--out", out]);
        assert_eq!(status, 2, "{stderr}");
        assert!(stderr.contains("N2-STORE-012"), "{stderr}");
    }
}
