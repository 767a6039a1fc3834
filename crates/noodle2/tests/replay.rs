//! A trial made again: the same where nothing differs, and the first divergence named where something does.

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use support::{completes, edit, ends, engine_after, noodle2, run, template, text};

/// Every file below a folder with its content.
fn content(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(content(&path)),
            false => drop(found.insert(path.clone(), fs::read(&path).unwrap())),
        }
    }
    found
}

fn replayed(status: i32, out: &Path, trial: &str, more: &[&str]) -> Value {
    let arguments = ["replay", text(out), trial, "--format", "json"];
    let (stdout, _) = ends(status, &[&arguments[..], more].concat());
    serde_json::from_str(&stdout).unwrap()
}

fn verdict<'r>(replay: &'r Value, aspect: &str) -> &'r Value {
    let compared = replay["compared"].as_array().unwrap();
    let found = compared.iter().find(|one| one["aspect"] == aspect);
    &found.unwrap()["verdict"]
}

/// The outcomes of trials in the journal: `measured`, `no_effect`, `failed`.
fn ending_so(out: &Path, wanted: &str) -> Option<String> {
    let records = support::journal(out);
    let found = records.iter().find(|record| {
        let event = &record["event"];
        event["type"] == "attempt_finished"
            && (event["outcome"] == wanted || event["outcome"].get(wanted).is_some())
            && event["attempt"]["trial"] != "0_0"
    })?;
    Some(found["event"]["attempt"]["trial"].as_str()?.to_owned())
}

#[test]
fn every_kind_of_attempt_comes_out_as_it_was_recorded_and_the_run_stays_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let study = template(folder.path(), "sequential");
    // One ECO that fails, beside those that are measured and those that change nothing.
    let eco = study.with_file_name("ecos").join("broken");
    fs::create_dir_all(&eco).unwrap();
    fs::write(eco.join("eco.tcl"), "error \"this cannot be done\"\n").unwrap();
    fs::write(
        eco.join("eco.yaml"),
        "name: broken\nversion: 1\ndescription: Broken.\nclass: placement_local\nengines: [opensta]\nparameters: {}\n\
         expected: {}\nchanges_connectivity: false\nimplementation: {tcl: eco.tcl}\n",
    )
    .unwrap();
    edit(
        &study,
        "{kind: opensta}",
        "{kind: opensta}\neco_path: [ecos]",
    );
    edit(
        &study,
        "      - name: pin_swap\n",
        "      - name: broken\n      - name: pin_swap\n",
    );
    let out = folder.path().join("run");
    completes(&study, &out);
    let before = content(&out);
    let best = support::summary(&out)["best"]["case"]
        .as_str()
        .unwrap()
        .to_owned();
    let (failed, without_effect) = (
        ending_so(&out, "failed").unwrap(),
        ending_so(&out, "no_effect").unwrap(),
    );
    let mut number = 0;
    let mut again = |trial: &str, more: &[&str]| {
        number += 1;
        let place = folder.path().join(number.to_string());
        let replay = replayed(0, &out, trial, &[&["--out", text(&place)], more].concat());
        assert_eq!(replay["same"], true, "{replay}");
        assert_eq!(verdict(&replay, "script"), "same", "{replay}");
        assert!(place.join("replay.json").is_file());
        replay
    };
    again("0_0", &[]);
    let measured = again(&best, &[]);
    assert_eq!(verdict(&measured, "netlist"), "same");
    assert_eq!(verdict(&measured, "edits"), "same");
    // Its confirmation.
    let confirmed = again(&best, &["--attempt", "2"]);
    assert_eq!(confirmed["role"], "confirms a survivor");
    let failed = again(&failed, &[]);
    assert_eq!(
        failed["outcome"]["failed"]["class"], "tool_error",
        "{failed}"
    );
    again(&without_effect, &[]);
    assert!(before == content(&out), "the run was changed");

    // A run that was moved tells of other folders, and of nothing else.
    let moved = folder.path().join("moved");
    fs::rename(&out, &moved).unwrap();
    let replay = replayed(0, &moved, &best, &[]);
    assert_eq!(verdict(&replay, "script"), "same_but_for_folders");
    assert!(folder.path().join(format!("moved-replay-{best}")).is_dir());
}

#[test]
fn the_first_divergence_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let study = template(folder.path(), "sequential");
    let elsewhere = folder.path().join("other");
    // An engine whose content stays and whose answers do not: once the file is there, it says more.
    engine_after(
        &study,
        &format!("if test -e '{}'; then echo otherwise; fi", text(&elsewhere)),
    );
    let out = folder.path().join("run");
    completes(&study, &out);
    let best = support::summary(&out)["best"]["case"]
        .as_str()
        .unwrap()
        .to_owned();
    fs::write(&elsewhere, "").unwrap();
    let replay = replayed(1, &out, &best, &[]);
    let first = replay["first_divergence"].as_str().unwrap();
    assert!(
        first.starts_with("log: sta.log:1: is `otherwise`"),
        "{first}"
    );
    assert_eq!(verdict(&replay, "metrics"), "same");
    fs::remove_file(&elsewhere).unwrap();

    // A script that is not the recorded one comes before what it leads to, with its line.
    let script = out.join("trials").join(&best).join("1/script.tcl");
    edit(&script, "::n2::time_design", "::n2::time_design again");
    let replay = replayed(1, &out, &best, &[]);
    let first = replay["first_divergence"].as_str().unwrap();
    assert!(first.starts_with("script: script.tcl:"), "{first}");
    assert!(first.contains("again"), "{first}");
    assert!(
        replay["remarks"][0]
            .as_str()
            .unwrap()
            .contains("script.tcl"),
        "{replay}"
    );
}

#[test]
fn what_is_not_what_it_was_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let study = template(folder.path(), "sequential");
    engine_after(&study, "");
    let out = folder.path().join("run");
    completes(&study, &out);
    let best = support::summary(&out)["best"]["case"]
        .as_str()
        .unwrap()
        .to_owned();
    let refused = |status: i32, more: &[&str], parts: &[&str]| {
        let place = folder.path().join("refused");
        let arguments = ["replay", text(&out), "--out", text(&place)];
        let (found, _, stderr) = run(&[&arguments[..], more].concat());
        assert_eq!(found, status, "{stderr}");
        for part in parts {
            assert!(stderr.contains(part), "{part}: {stderr}");
        }
    };
    refused(2, &["9_9"], &["N2-RUN-002", "9_9"]);
    refused(2, &[&best, "--attempt", "9"], &["N2-REPLAY-001", "1, 2"]);
    refused(
        2,
        &["0_0", "--param", "x=1"],
        &["N2-REPLAY-004", "no parameters"],
    );
    let pin_swap = &["0_1", "--param", "max_nets=0", "--param", "speed=3"];
    refused(2, pin_swap, &["N2-REPLAY-004", "`max_nets`", "`speed`"]);

    let parent = out.join("trials/counter_0_0/1/netlist.v");
    let netlist = fs::read_to_string(&parent).unwrap();
    fs::write(&parent, format!("{netlist}\n")).unwrap();
    refused(6, &["0_1"], &["N2-REPLAY-002", "counter_0_0"]);
    fs::write(&parent, netlist).unwrap();

    let constraints = study.with_file_name("constraints.sdc");
    let text_of = fs::read_to_string(&constraints).unwrap();
    fs::write(&constraints, format!("{text_of}\n# changed\n")).unwrap();
    refused(3, &["0_1"], &["N2-RUN-004", "constraints.sdc"]);
    fs::write(&constraints, text_of).unwrap();

    let engine = study.with_file_name("sta");
    edit(&engine, "exec ", "# another\nexec ");
    refused(3, &["0_1"], &["N2-REPLAY-003", "--any-engine"]);
    let replay = replayed(0, &out, "0_1", &["--any-engine"]);
    assert_eq!(replay["other_tools"][0]["recorded"]["name"], "opensta");
}

#[test]
fn other_parameters_are_told_beside_what_was_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let study = template(folder.path(), "sequential");
    let out = folder.path().join("run");
    completes(&study, &out);
    let before = content(&out);
    let place = folder.path().join("what-if");
    let more = ["--param", "max_nets=4", "--out", text(&place)];
    let replay = replayed(0, &out, "0_1", &more);
    assert_eq!(replay["kind"], "what_if");
    assert_eq!(replay["changed"][0]["name"], "max_nets");
    assert_eq!(replay["changed"][0]["recorded"], 1);
    let area = replay["metrics"].as_array().unwrap();
    let area = area.iter().find(|row| row["metric"] == "area_um2").unwrap();
    for of in ["parent", "recorded", "what_if"] {
        assert!(area[of].as_f64().unwrap() > 0.0, "{area}");
    }
    // What the study itself tried with these values came to the same.
    let trials = support::journal(&out);
    let same = trials.iter().find(|record| {
        let eco = &record["event"]["eco"];
        let is_recorded = eco["name"] == "buffer_fanout" && eco["parameters"]["max_nets"] == 4;
        is_recorded && eco["parameters"]["group_size"] == replay["eco"]["parameters"]["group_size"]
    });
    let trial = same.unwrap()["event"]["trial"].as_str().unwrap();
    let recorded: Value = serde_json::from_str(
        &fs::read_to_string(out.join(format!("trials/counter_{trial}/1/metrics.json"))).unwrap(),
    )
    .unwrap();
    assert_eq!(recorded["overall"]["area_um2"], area["what_if"]);
    assert!(before == content(&out), "the run was changed");
    let printed = noodle2()
        .args(["replay", text(&out), "0_1", "--param", "max_nets=2"])
        .output()
        .unwrap();
    let printed = String::from_utf8(printed.stdout).unwrap();
    assert!(
        printed.contains("what if max_nets were 2, not 1"),
        "{printed}"
    );
}
