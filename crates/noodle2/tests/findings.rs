//! What scripts are told of files that are not in order.

mod support;

use std::fs;
use std::path::Path;

use support::{edit, run, template, text};

fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// A folder with a sound ECO, a broken one, and one whose manifest was forgotten.
fn ecos(folder: &Path) {
    for (name, manifest) in [
        ("mine", Some("mine")),
        ("broken", Some("other")),
        ("forgotten", None),
    ] {
        let folder = folder.join(name);
        fs::create_dir_all(&folder).unwrap();
        if let Some(name) = manifest {
            let text = format!(
                "name: {name}\nversion: 1\nclass: topology_neutral\nengines: [opensta]\ndescription: Mine.\n\
                 changes_connectivity: false\nimplementation: {{tcl: eco.tcl}}\n"
            );
            fs::write(folder.join("eco.yaml"), text).unwrap();
            fs::write(folder.join("eco.tcl"), "note ran 1\n").unwrap();
        }
    }
}

#[test]
fn sound_ecos_are_listed_beside_what_is_wrong_with_others() {
    let folder = tempfile::tempdir().unwrap();
    ecos(folder.path());
    let path = ["--eco-path", text(folder.path())];
    let (status, stdout, _) = run(&["eco", "list", path[0], path[1], "--format", "json"]);
    assert_eq!(status, 1);
    let listed = json(&stdout);
    assert_eq!(listed["ok"], false);
    let names: Vec<_> = listed["ecos"]
        .as_array()
        .unwrap()
        .iter()
        .map(|eco| &eco["name"])
        .collect();
    assert!(
        names.contains(&&"mine".into()) && names.contains(&&"noop".into()),
        "{names:?}"
    );
    let problems = listed["problems"].as_array().unwrap();
    assert_eq!(problems.len(), 2, "{problems:#?}");
    assert!(
        problems[1]["message"]
            .as_str()
            .unwrap()
            .contains("has no `eco.yaml`")
    );
    let (status, stdout, stderr) = run(&["eco", "list", path[0], path[1]]);
    assert_eq!(status, 1);
    assert!(
        stdout.contains("mine") && !stdout.contains("broken"),
        "{stdout}"
    );
    assert!(
        stderr.contains("broken") && stderr.contains("forgotten"),
        "{stderr}"
    );
    let (status, stdout, _) = run(&["eco", "list", "--format", "json"]);
    assert_eq!((status, &json(&stdout)["ok"]), (0, &true.into()));
}

#[test]
fn an_invalid_study_gives_its_problems_as_json_whatever_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let study = template(folder.path(), "sequential");
    edit(&study, "after: buffer", "after: bufer");
    let absent = folder.path().join("absent.yaml");
    for (study, code) in [(&study, "N2-STUDY-"), (&absent, "N2-STUDY-100")] {
        for command in ["plan", "check"] {
            let (status, stdout, _) = run(&[command, text(study), "--format", "json"]);
            assert_eq!(status, 3);
            let told = json(&stdout);
            assert_eq!(
                (&told["ok"], &told["valid"]),
                (&false.into(), &false.into())
            );
            assert!(
                told["problems"][0]["code"]
                    .as_str()
                    .unwrap()
                    .starts_with(code),
                "{told}"
            );
        }
    }
}

/// What would stop the run is told by `check`, although the study itself is in order.
#[test]
fn an_eco_path_that_is_not_in_order_is_a_problem_of_the_study() {
    let folder = tempfile::tempdir().unwrap();
    let study = template(folder.path(), "sequential");
    ecos(&folder.path().join("ecos"));
    edit(&study, "budget:", "eco_path: [../ecos]\nbudget:");
    for command in ["plan", "check"] {
        let (status, stdout, _) = run(&[command, text(&study), "--format", "json"]);
        assert_eq!(status, 3);
        assert_eq!(
            json(&stdout)["problems"].as_array().unwrap().len(),
            2,
            "{stdout}"
        );
        let (status, _, stderr) = run(&[command, text(&study)]);
        assert_eq!(status, 3);
        assert!(
            stderr.contains("forgotten") && stderr.contains("2 problems"),
            "{stderr}"
        );
    }
}

/// ECOs of an engine that is not there are looked at all the same.
#[test]
fn an_eco_for_openroad_is_looked_at_where_it_cannot_be_run() {
    let folder = tempfile::tempdir().unwrap();
    let bad = folder.path().join("bad");
    fs::create_dir(&bad).unwrap();
    let manifest = "name: bad\nversion: 1\nclass: placement_local\nengines: [openroad]\ndescription: d\n\
        parameters:\n  cells: {description: d, type: integer, min: 1, max: 9, default: 3}\n\
        changes_connectivity: false\nimplementation: {tcl: eco.tcl}\n\
        needs: [{command: repair_timing, options: [-setpu], known_in: v2.0-20250301-d4884860}]\n";
    fs::write(bad.join("eco.yaml"), manifest).unwrap();
    fs::write(bad.join("eco.tcl"), "set w [::sta::worst_slack_cmd max]\n").unwrap();
    let path = ["--eco-path", text(folder.path())];
    let (status, stdout, _) = run(&[
        "eco",
        "lint",
        "bad",
        "repair_design",
        path[0],
        path[1],
        "--format",
        "json",
    ]);
    assert_eq!(status, 1);
    let told = json(&stdout);
    let findings = told["findings"].as_array().unwrap();
    for (finding, word) in findings.iter().zip(["-setpu", "`cells`", "line 1"]) {
        let finding = finding.as_str().unwrap();
        assert!(
            finding.starts_with("bad: ") && finding.contains(word),
            "{finding}"
        );
    }
    assert_eq!(findings.len(), 3, "{findings:#?}");
    for eco in told["ecos"].as_array().unwrap() {
        let why = eco["not_run"].as_str().unwrap();
        assert!(why.contains("not for opensta"), "{why}");
    }
    let (status, stdout, _) = run(&["eco", "lint", "repair_design"]);
    assert_eq!(status, 0);
    assert!(stdout.contains("only looked at"), "{stdout}");
    let (_, stdout, _) = run(&["eco", "list"]);
    let line = stdout.lines().find(|line| line.starts_with("noop"));
    assert!(line.unwrap().contains("opensta, openroad"), "{stdout}");
}
