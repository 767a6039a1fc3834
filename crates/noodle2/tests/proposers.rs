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
        "many is no value that the stage gives `max_cells`",
        "400 is no value that the stage gives `max_cells`",
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
    // Only what hangs has little time: on a busy machine the others may take longer than that to start.
    for (program, limit, words) in [
        (
            "import sys; sys.exit('no idea')",
            "60",
            "tool_error: `python3` exited with 1: no idea",
        ),
        ("import os; os.kill(os.getpid(), 11)", "60", "segfault: "),
        ("import time; time.sleep(60)", "0.5", "timeout: `python3`"),
        ("print('resize everything')", "60", "is not understood"),
        (
            "import json; print(json.dumps({'proposals': [{'ecco': 'x'}]}))",
            "60",
            "is not understood",
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let stages = EXTERNAL.replace("round: 3", &format!("round: 3, timeout_s: {limit}"));
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
    assert!(told.contains("tool_missing: `no-such-program`"), "{told}");
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

fn events(run: &Path, kind: &str) -> Vec<Value> {
    let events = journal(run).into_iter();
    let events = events.map(|record| record["event"].clone());
    events.filter(|event| event["type"] == kind).collect()
}

fn proposals(run: &Path) -> Vec<(Value, Value)> {
    let events = events(run, "trial_proposed").into_iter();
    events
        .map(|event| (event["eco"].clone(), event["reason"].clone()))
        .collect()
}

/// Four ECOs, one of which helps nobody.
const SEVERAL: &str = "ecos: [{name: upsize_critical, parameters: {max_cells: {from: 1, to: 40}}}, {name: pin_swap, parameters: {max_cells: {from: 1, to: 20}}}, {name: clone_driver, parameters: {share: {from: 0.2, to: 0.8}}}, noop]}\n";

#[test]
fn a_run_whose_rounds_were_all_answered_goes_on_without_the_program() {
    let folder = tempfile::tempdir().unwrap();
    let study = study(folder.path(), EXTERNAL);
    let program = study.with_file_name("propose.py");
    fs::write(&program, PROGRAM).unwrap();
    let out = folder.path().join("run");
    completes(&study, &out);
    let whole = digest(&out);
    let (shown, _) = ends(0, &["show", text(&out), "0_1"]);
    assert!(shown.contains("why: next"), "{shown}");
    let asked = fs::read_to_string(out.join("proposers/0_2/history.json")).unwrap();
    let asked: Value = serde_json::from_str(&asked).unwrap();
    assert_eq!(asked["trials"][0]["improved"], true);
    assert_eq!(asked["inputs"][0]["diagnoses"][0]["symptom"], "fanout");
    // The end of the journal is lost, and with it what came after the last answer.
    fs::remove_file(program).unwrap();
    let records = fs::read_to_string(out.join("journal.ndjson")).unwrap();
    let lines: Vec<&str> = records.split_inclusive('\n').collect();
    let last = lines
        .iter()
        .rposition(|line| line.contains("\"round_answered\""));
    fs::write(out.join("journal.ndjson"), lines[..=last.unwrap()].concat()).unwrap();
    for name in ["summary.json", "report.md", "lineage.dot", "lineage.svg"] {
        fs::remove_file(out.join(name)).unwrap();
    }
    for trial in fs::read_dir(out.join("trials")).unwrap() {
        let trial = trial.unwrap().path();
        // Confirmations; that of the base case is its re-run, which came before.
        if !trial.ends_with("counter_0_0") {
            let _ = fs::remove_dir_all(trial.join("2"));
        }
    }
    ends(0, &["resume", text(&out)]);
    assert_eq!(digest(&out), whole);
    ends(0, &["verify", text(&out)]);
}

#[test]
fn a_diagnosis_proposes_remedies_for_what_the_worst_paths_show() {
    let folder = tempfile::tempdir().unwrap();
    let study = study(
        folder.path(),
        &format!(
            "  - {{name: one, trials: 9, proposer: {{kind: diagnosis, catalogue: true}}, {SEVERAL}"
        ),
    );
    let out = folder.path().join("run");
    completes(&study, &out);
    let proposed = proposals(&out);
    assert_eq!(proposed.len(), 9);
    let words = [
        // The most urgent comes first; of wires nothing is known, so nothing is said of them.
        "fanout: _330_ drives 17 sinks on the path to count_DFFPOSX1_Q/D (",
        "wire_share_unknown: no wires are known on the worst path, to count_DFFPOSX1_Q/D (",
    ];
    let begins = |reason: &Value, words: &str| reason.as_str().unwrap().starts_with(words);
    assert!(begins(&proposed[0].1, words[0]), "{proposed:#?}");
    for (eco, reason) in &proposed {
        assert!(words.iter().any(|words| begins(reason, words)), "{reason}");
        assert_ne!(eco["name"], "noop", "a remedy for nothing");
    }
    // An ECO that the stage does not name, with the parameters that make it a remedy.
    let swap = proposed.iter().find(|(eco, _)| eco["name"] == "vt_swap");
    assert_eq!(swap.unwrap().0["parameters"]["goal"], "speed");
    ends(0, &["verify", text(&out)]);
    let (told, _) = ends(0, &["diagnose", text(&out), "counter_0_0"]);
    for words in [
        "wire_share_unknown: ",
        "    upsize_critical\n",
        "vt_swap goal=speed",
        "unknown",
    ] {
        assert!(told.contains(words), "{words}: {told}");
    }
    let (told, _) = ends(0, &["diagnose", text(&out), "0_0", "--format", "json"]);
    let told: Value = serde_json::from_str(&told).unwrap();
    let path = &told["paths"][0];
    assert_eq!(path["check"], "setup");
    assert_eq!(path["wire_delay_ps"], Value::Null);
    let slack = path["slack_ps"].as_f64();
    let base = &summary(&out)["base"]["metrics"];
    assert_eq!(slack, base["setup_ws_ps"].as_f64());
    // A word of the engine's own report of the same path.
    let metrics = fs::read_to_string(out.join("trials/counter_0_0/1/metrics.json")).unwrap();
    let metrics: Value = serde_json::from_str(&metrics).unwrap();
    let scene = &metrics["scenes"]["typical"];
    let scene = match scene {
        Value::Null => metrics["scenes"]
            .as_object()
            .unwrap()
            .values()
            .next()
            .unwrap(),
        scene => scene,
    };
    let drivers = scene["path_drivers"][0]["drivers"].as_array().unwrap();
    let delays = drivers
        .iter()
        .filter_map(|driver| driver["cell_delay_ps"].as_f64());
    let sum: f64 = delays.sum();
    assert!((sum - path["cell_delay_ps"].as_f64().unwrap()).abs() < 0.01);
    let named = scene["worst_setup_path"]["cells"].as_array().unwrap();
    assert_eq!(named.len(), drivers.len());
    for (named, driver) in named.iter().zip(drivers) {
        assert_eq!(named[0], driver["instance"]);
        assert!(driver["transition_ps"].as_f64().unwrap() > 0.0);
        assert!(driver["fanout"].as_u64().unwrap() > 0);
    }
}

/// An ECO of the study's own.
fn own_eco(study: &Path, name: &str, body: &str) {
    let place = study.with_file_name("ecos").join(name);
    fs::create_dir_all(&place).unwrap();
    let manifest = format!(
        "name: {name}\nversion: 1\nclass: placement_local\nengines: [opensta]\ndescription: For a test.\n\
         changes_connectivity: true\nimplementation:\n  tcl: eco.tcl\n"
    );
    fs::write(place.join("eco.yaml"), manifest).unwrap();
    fs::write(place.join("eco.tcl"), body).unwrap();
}

#[test]
fn a_sequence_is_one_trial_and_tells_what_each_step_did() {
    let folder = tempfile::tempdir().unwrap();
    let study = template(folder.path(), "sequential");
    // Slower by as many buffers as the worst path has nets.
    let slower = "foreach net [nets_on [worst_paths setup 1]] { insert_buffer $net [sinks_of $net] BUFX2 }\n";
    own_eco(&study, "slower", slower);
    own_eco(&study, "broken", "error {broken on purpose}\n");
    let sequence = |name: &str, steps: &str, rollback: &str| {
        format!("\x20     - {{name: {name}, rollback: {rollback}, sequence: [{steps}]}}\n")
    };
    let good = "{name: clone_driver, parameters: {max_nets: [1, 3]}}, upsize_critical";
    let content = format!(
        "name: sequences\nseed: 3\n\
         design: {{case_name: counter, top: counter, netlists: [counter.v], platform: osu018, sdc: [constraints.sdc]}}\n\
         engine: {{kind: opensta}}\neco_path: [ecos]\n\
         objective: {{rank: [setup_wns_ps, setup_tns_ps]}}\n\
         stages:\n\x20 - name: tune\n    trials: 12\n    ecos:\n{}{}{}{}",
        sequence("good", good, "all"),
        sequence("worse", "upsize_critical, slower", "all"),
        sequence(
            "mended",
            "upsize_critical, slower, broken, pin_swap",
            "partial"
        ),
        sequence("stopped", "upsize_critical, broken", "none"),
    );
    fs::write(&study, content).unwrap();
    let out = folder.path().join("run");
    completes(&study, &out);
    let names: Vec<Value> = (proposals(&out).into_iter())
        .map(|(eco, _)| eco["name"].clone())
        .collect();
    assert_eq!(names, ["good", "good", "worse", "mended", "stopped"]);
    let shown = |trial: &str| -> Value {
        let (shown, _) = ends(0, &["show", text(&out), trial, "--format", "json"]);
        serde_json::from_str(&shown).unwrap()
    };
    let endings = |trial: &str| -> Vec<Value> {
        let shown = shown(trial);
        let steps = shown["steps"].as_array().unwrap().iter();
        steps.map(|step| step["ending"].clone()).collect()
    };
    assert_eq!(endings("0_1"), ["kept", "kept"]);
    assert_eq!(
        shown("0_1")["eco"]["sequence"][0]["parameters"]["max_nets"],
        1
    );
    assert_eq!(
        shown("0_2")["eco"]["sequence"][0]["parameters"]["max_nets"],
        3
    );
    assert!(
        shown("0_3")["result"]
            .as_str()
            .unwrap()
            .contains("no effect")
    );
    assert_eq!(endings("0_4"), ["kept", "undone", "undone", "kept"]);
    let failed = shown("0_5");
    let message = failed["failure"]["message"].as_str().unwrap();
    assert!(
        message.starts_with("step 2 of the sequence, broken: "),
        "{message}"
    );
    let (told, _) = ends(0, &["show", text(&out), "0_4"]);
    for words in [
        "mended (upsize_critical ",
        "step 2, slower: undone (",
        "broken on purpose",
    ] {
        assert!(told.contains(words), "{words}: {told}");
    }
    ends(0, &["verify", text(&out)]);
}
