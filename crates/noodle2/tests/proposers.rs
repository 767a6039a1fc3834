//! Proposers that learn from what was measured: the bandit, and a program of the user's.

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use support::{completes, digest, ends, journal, summary, template, text};

fn study(folder: &Path, stages: &str) -> PathBuf {
    let study = template(folder, "sequential");
    let content = format!(
        "name: proposers\nseed: 3\nsafety_domain: guarded\n\
         design: {{case_name: counter, top: counter, netlists: [counter.v], platform: osu018, sdc: [constraints.sdc]}}\n\
         engine: {{kind: opensta}}\nobjective: {{rank: [setup_wns_ps, setup_tns_ps]}}\nstages:\n{stages}"
    );
    fs::write(&study, content).unwrap();
    study
}

/// Proposes one trial more in each round than in the one before, and a few that no rule permits.
const PROGRAM: &str = r#"
import json, sys
history = json.load(sys.stdin)
assert history["version"] == 1 and history["inputs"] and history["ecos"]
tried = {trial["parameters"]["max_cells"] for trial in history["trials"]}
wanted = [cells for cells in range(1, 40) if cells not in tried][: history["round"]]
proposals = [{"eco": "upsize_critical", "parameters": {"max_cells": cells}, "reason": "next"} for cells in wanted]
proposals += [
    {"eco": "restructure"},
    {"eco": "upsize_critical", "parameters": {"max_cells": "many"}},
    {"eco": "upsize_critical", "parameters": {"max_cells": 400}},
    {"eco": "upsize_critical", "parent": "counter_7_7"},
]
print(json.dumps({"proposals": proposals if history["round"] < 4 else []}))
"#;

const EXTERNAL: &str = "  - {name: one, trials: 12, survivors: 2, proposer: {kind: external, command: [python3, propose.py], round: 3}, ecos: [{name: upsize_critical, parameters: {max_cells: {from: 1, to: 40}}}]}\n";

#[test]
fn a_users_program_proposes_under_the_same_rules_and_its_run_replays_without_it() {
    let folder = tempfile::tempdir().unwrap();
    let study = study(folder.path(), EXTERNAL);
    let program = study.with_file_name("propose.py");
    fs::write(&program, PROGRAM).unwrap();
    let digests = ["1", "8"].map(|workers| {
        let out = folder.path().join(format!("run-{workers}"));
        ends(
            0,
            &["run", text(&study), "--out", text(&out), "-j", workers],
        );
        digest(&out)
    });
    assert_eq!(digests[0], digests[1]);
    let out = folder.path().join("run-1");
    // 1 + 2 + 3 trials, and then no more.
    assert_eq!(summary(&out)["trials_total"], 6);
    let (told, _) = ends(0, &["explain", text(&out), "one"]);
    for reason in [
        "the stage does not list this ECO",
        "`max_cells` does not take many",
        "its parameters are not among those that the stage lists",
        "its parent is no input of the stage",
    ] {
        assert!(told.contains(reason), "{reason}: {told}");
    }
    fs::remove_file(program).unwrap();
    ends(0, &["verify", text(&out)]);
}

#[test]
fn a_run_with_a_users_program_goes_on_where_it_was_killed() {
    let folder = tempfile::tempdir().unwrap();
    let study = study(folder.path(), EXTERNAL);
    fs::write(study.with_file_name("propose.py"), PROGRAM).unwrap();
    let reference = folder.path().join("reference");
    completes(&study, &reference);
    let out = folder.path().join("killed");
    let mut child = support::begin(&study, &out);
    child.kill().unwrap();
    child.wait().unwrap();
    ends(0, &["resume", text(&out)]);
    assert_eq!(digest(&out), digest(&reference));
}

#[test]
fn a_program_that_fails_hangs_or_babbles_ends_its_stage_with_a_cause() {
    for (program, words) in [
        ("import sys; sys.exit('no idea')", "no idea"),
        ("import time; time.sleep(60)", "did not answer within 0.5 s"),
        ("print('resize everything')", "is not understood"),
        (
            "import json; print(json.dumps({'proposals': [{'ecco': 'x'}]}))",
            "is not understood",
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let stages = EXTERNAL.replace("round: 3", "round: 3, timeout_s: 0.5");
        let study = study(folder.path(), &stages);
        fs::write(study.with_file_name("propose.py"), program).unwrap();
        let out = folder.path().join("run");
        let (told, _) = ends(6, &["run", text(&study), "--out", text(&out)]);
        assert!(told.contains("its proposer failed"), "{told}");
        assert!(told.contains(words), "{words}: {told}");
        ends(0, &["verify", text(&out)]);
    }
    let folder = tempfile::tempdir().unwrap();
    let stages = EXTERNAL.replace("python3, propose.py", "no-such-program");
    let study = study(folder.path(), &stages);
    let out = folder.path().join("run");
    let (told, _) = ends(6, &["run", text(&study), "--out", text(&out)]);
    assert!(told.contains("could not be started"), "{told}");
}

#[test]
fn a_bandit_gives_more_trials_to_what_helps() {
    let folder = tempfile::tempdir().unwrap();
    let stages = "  - {name: one, trials: 24, survivors: 2, proposer: {kind: bandit, round: 6}, ecos: [{name: upsize_critical, parameters: {max_cells: {from: 1, to: 30}}}, {name: remove_buffers, parameters: {max_cells: {from: 1, to: 30}}}]}\n";
    let study = study(folder.path(), stages);
    let digests = ["1", "8"].map(|workers| {
        let out = folder.path().join(format!("run-{workers}"));
        ends(
            0,
            &["run", text(&study), "--out", text(&out), "-j", workers],
        );
        digest(&out)
    });
    assert_eq!(digests[0], digests[1]);
    let out = folder.path().join("run-1");
    let planned = journal(&out)
        .iter()
        .filter(|record: &&Value| record["event"]["type"] == "round_planned")
        .count();
    assert_eq!(planned, 4);
    let ecos = summary(&out)["ecos"].clone();
    let tries = |name: &str| {
        let found = ecos.as_array().unwrap().iter();
        let mut found = found.filter(|eco| eco["name"] == name);
        found.next().map_or(0, |eco| eco["tries"].as_u64().unwrap())
    };
    assert!(
        tries("upsize_critical") > 2 * tries("remove_buffers"),
        "{ecos:#}"
    );
}
