//! Proposers with a real engine: a bandit, an external command that answers, fails, hangs and lies.

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use support::{completes, digest, ends, journal, run, summary, template, text};

/// The counter of the templates with one stage of this proposer.
fn study(folder: &Path, trials: u32, proposer: &str) -> PathBuf {
    let study = template(folder, "sequential");
    let content = format!(
        "name: proposers\nseed: 3\n\
         design: {{case_name: counter, top: counter, netlists: [counter.v], platform: osu018, sdc: [constraints.sdc]}}\n\
         engine: {{kind: opensta}}\n\
         objective: {{rank: [setup_wns_ps, setup_tns_ps]}}\n\
         stages:\n\
         \x20 - name: tune\n    trials: {trials}\n    proposer: {proposer}\n    ecos:\n\
         \x20     - {{name: upsize_critical, parameters: {{max_cells: {{from: 1, to: 40}}}}}}\n\
         \x20     - {{name: pin_swap, parameters: {{max_cells: {{from: 1, to: 20}}}}}}\n\
         \x20     - {{name: clone_driver, parameters: {{share: {{from: 0.2, to: 0.8}}}}}}\n\
         \x20     - noop\n"
    );
    fs::write(&study, content).unwrap();
    study
}

/// The same, with an external proposer that is this Python script.
fn external(folder: &Path, trials: u32, timeout_s: f64, script: &str) -> PathBuf {
    let proposer = format!(
        "{{external: {{command: [python3, \"{{study}}/propose.py\"], round: 2, timeout_s: {timeout_s}}}}}"
    );
    let study = study(folder, trials, &proposer);
    fs::write(study.with_file_name("propose.py"), script).unwrap();
    study
}

/// Climbs: the next sizes above the best so far. Two of its proposals may never be tried.
const CLIMBER: &str = r#"
import json, sys
request = json.load(sys.stdin)
print("asked for round", request["round"], file=sys.stderr)
assert request["schema"] == "noodle2.round-request/1", request["schema"]
done = [trial["eco"]["parameters"]["max_cells"] for trial in request["history"] if trial["improved"]]
start = max(done, default=0)
parent = request["inputs"][0]["case"]
def size(cells):
    return {"parent": parent, "eco": "upsize_critical", "parameters": {"max_cells": cells},
            "reason": "%d cells, after %d trials" % (cells, len(request["history"]))}
proposals = [size(start + 1), size(41), {"parent": parent, "eco": "restructure"}, size(start + 3)]
print(json.dumps({"schema": "noodle2.round-answer/1", "proposals": proposals, "done": request["round"] == 3}))
"#;

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

#[test]
fn a_bandit_learns_by_rounds_and_is_the_same_with_any_number_of_workers() {
    let folder = tempfile::tempdir().unwrap();
    let study = study(folder.path(), 16, "{bandit: {round: 4}}");
    let place = |name: &str| folder.path().join(name);
    for (name, workers) in [("one", "1"), ("four", "4")] {
        let out = place(name);
        ends(
            0,
            &["run", text(&study), "--out", text(&out), "-j", workers],
        );
    }
    assert_eq!(digest(&place("one")), digest(&place("four")));
    let proposed = proposals(&place("four"));
    assert_eq!(proposed, proposals(&place("one")));
    assert_eq!(proposed.len(), 16);
    // An ECO that never improves anything is tried less often in the end than the others together.
    let noops = |range: &[(Value, Value)]| {
        let names = range.iter().filter(|(eco, _)| eco["name"] == "noop");
        names.count()
    };
    assert!(
        noops(&proposed) <= 1,
        "it has one combination: {proposed:#?}"
    );
    let reason = proposed[15].1.as_str().unwrap();
    assert!(reason.starts_with("bandit, round 4: "), "{reason}");
    // No round is proposed before the one before it has ended.
    let order: Vec<Value> = journal(&place("four"))
        .into_iter()
        .map(|record| record["event"].clone())
        .collect();
    let first_of_second = order.iter().position(|event| event["trial"] == "0_5");
    let finished = order[..first_of_second.unwrap()]
        .iter()
        .filter(|event| event["type"] == "attempt_finished" && event["attempt"]["trial"] != "0_0");
    assert_eq!(finished.count(), 4);
    ends(0, &["verify", text(&place("four"))]);
    let (shown, _) = ends(0, &["show", text(&place("four")), "0_16"]);
    assert!(shown.contains("why: bandit, round 4"), "{shown}");
}

#[test]
fn a_run_with_an_external_proposer_is_verified_and_resumed_without_it() {
    let folder = tempfile::tempdir().unwrap();
    let study = external(folder.path(), 8, 30.0, CLIMBER);
    let out = folder.path().join("run");
    completes(&study, &out);
    let whole = digest(&out);
    let proposed = proposals(&out);
    assert_eq!(proposed.len(), 6, "three rounds of two");
    assert_eq!(proposed[0].1, "1 cells, after 0 trials");
    assert_eq!(proposed[5].0["name"], "upsize_critical");
    let answers = events(&out, "round_answered");
    assert_eq!(answers.len(), 3);
    let refused = events(&out, "proposals_refused");
    let refused: Vec<&str> = refused[0]["refused"]
        .as_array()
        .unwrap()
        .iter()
        .map(|refused| refused["reason"].as_str().unwrap())
        .collect();
    assert_eq!(
        refused,
        [
            "41 is no value that the stage gives `max_cells`",
            "the stage does not try `restructure`"
        ]
    );
    let (shown, _) = ends(0, &["show", text(&out), "0_1"]);
    assert!(shown.contains("why: 1 cells, after 0 trials"), "{shown}");
    let said = fs::read_to_string(out.join("proposers/0_2/stderr.log")).unwrap();
    assert_eq!(said, "asked for round 2\n");
    // Without the command, the record is checked, and a run whose rounds were all answered goes on.
    fs::remove_file(study.with_file_name("propose.py")).unwrap();
    ends(0, &["verify", text(&out)]);
    let records = fs::read_to_string(out.join("journal.ndjson")).unwrap();
    let lines: Vec<&str> = records.split_inclusive('\n').collect();
    let last_answer = lines
        .iter()
        .rposition(|line| line.contains("\"round_answered\""));
    let kept: String = lines[..=last_answer.unwrap()].concat();
    fs::write(out.join("journal.ndjson"), kept).unwrap();
    // What came after is not there any more: neither what follows from it.
    for name in ["summary.json", "report.md", "lineage.dot", "lineage.svg"] {
        let _ = fs::remove_file(out.join(name));
    }
    for trial in fs::read_dir(out.join("trials")).unwrap() {
        // Confirmations.
        let _ = fs::remove_dir_all(trial.unwrap().path().join("2"));
    }
    for trial in ["counter_0_5", "counter_0_6"] {
        for place in ["trials", "cases"] {
            let _ = fs::remove_dir_all(out.join(place).join(trial));
        }
    }
    let (status, _, stderr) = run(&["resume", text(&out)]);
    assert_eq!(status, 0, "{stderr}");
    assert_eq!(digest(&out), whole);
    assert_eq!(events(&out, "round_answered").len(), 3, "nobody was asked");
    ends(0, &["verify", text(&out)]);
}

#[test]
fn an_external_proposer_that_fails_ends_its_stage_with_a_cause() {
    for (script, timeout_s, class) in [
        ("import sys; sys.exit(3)", 30.0, "tool_error"),
        ("print('no idea')", 30.0, "parse_failure"),
        (
            "print('{\"schema\": \"noodle2.round-answer/9\", \"proposals\": []}')",
            30.0,
            "parse_failure",
        ),
        ("import time; time.sleep(600)", 1.0, "timeout"),
        ("import os; os.kill(os.getpid(), 11)", 30.0, "segfault"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let study = external(folder.path(), 4, timeout_s, script);
        let out = folder.path().join("run");
        ends(6, &["run", text(&study), "--out", text(&out)]);
        let stage = &summary(&out)["stages"][0];
        assert_eq!(stage["status"], "failed");
        assert_eq!(stage["cause"], format!("its proposer failed: {class}"));
        ends(0, &["verify", text(&out)]);
    }
    let folder = tempfile::tempdir().unwrap();
    let proposer = "{external: {command: [no-such-program], round: 2}}";
    let study = study(folder.path(), 4, proposer);
    let out = folder.path().join("run");
    let (_, said) = ends(6, &["run", text(&study), "--out", text(&out)]);
    assert!(
        said.contains("tool_missing: the proposer `no-such-program`"),
        "{said}"
    );
}

#[test]
fn an_answer_that_was_changed_afterwards_is_not_believed() {
    let folder = tempfile::tempdir().unwrap();
    let study = external(folder.path(), 4, 30.0, CLIMBER);
    let out = folder.path().join("run");
    completes(&study, &out);
    let place = out.join("journal.ndjson");
    let changed = fs::read_to_string(&place).unwrap();
    assert!(changed.contains("1 cells, after 0 trials"));
    fs::write(
        &place,
        changed.replacen("1 cells, after 0", "1 cells, after 9", 1),
    )
    .unwrap();
    ends(1, &["verify", text(&out)]);
}

#[test]
fn a_diagnosis_proposes_remedies_for_what_the_worst_paths_show() {
    let folder = tempfile::tempdir().unwrap();
    let study = study(folder.path(), 9, "{diagnosis: {catalogue: true}}");
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
