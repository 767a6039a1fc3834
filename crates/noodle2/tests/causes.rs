//! Failures by their real causes that a whole run has a part in: attempts that are made again, limits that a command
//! does not heed, a worker that cannot keep what its tool did, bounds of the study.

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use support::{ends, journal, summary, template, text};

fn eco(study: &Path, name: &str, implementation: &str, script: &str) {
    let place = study.with_file_name("ecos").join(name);
    fs::create_dir_all(&place).unwrap();
    let manifest = format!(
        "name: {name}\nversion: 1\nclass: placement_local\nengines: [opensta]\ndescription: For a test.\n\
         changes_connectivity: true\nimplementation: {implementation}\n"
    );
    fs::write(place.join("eco.yaml"), manifest).unwrap();
    fs::write(place.join("script"), script).unwrap();
}

fn shell_eco(study: &Path, name: &str, script: &str) {
    let words = "{command: [sh, \"{folder}/script\", \"{netlist}\", \"{output}\"]}";
    eco(study, name, words, script);
}

fn study(folder: &Path, stages: &str) -> PathBuf {
    let study = template(folder, "sequential");
    let content = format!(
        "name: causes\nsafety_domain: sandbox\n\
         design: {{case_name: counter, top: counter, netlists: [counter.v], platform: osu018, sdc: [constraints.sdc]}}\n\
         engine: {{kind: opensta}}\nobjective: {{rank: [setup_wns_ps]}}\neco_path: [ecos]\n\
         limits: {{wall_time_s: 3, cpu_time_s: 20, memory_mib: 512}}\nstages:\n{stages}"
    );
    fs::write(&study, content).unwrap();
    fs::create_dir(study.with_file_name("ecos")).unwrap();
    study
}

/// How the attempts of a trial ended, in order: `measured`, or a class of failure.
fn endings(run: &Path, trial: &str) -> Vec<String> {
    let records = journal(run).into_iter();
    let events = records.map(|record| record["event"].clone());
    let of_trial = events
        .filter(|event| event["type"] == "attempt_finished" && event["attempt"]["trial"] == trial);
    of_trial
        .map(|event| match &event["outcome"]["failed"]["class"] {
            Value::String(class) => class.clone(),
            _ => "measured".to_owned(),
        })
        .collect()
}

/// What the licence managers of commercial tools say, and the status that such tools end with.
const NO_LICENCE: &str = "echo 'Error: Licensed number of users already reached.'\n\
    echo 'Feature:       Timer-Pro'\necho 'FlexNet Licensing error:-4,132'\nexit 1\n";

#[test]
fn a_licence_is_asked_for_again_until_the_attempts_are_used_up() {
    let folder = tempfile::tempdir().unwrap();
    let study = study(
        folder.path(),
        "  - {name: only, trials: 2, ecos: [never, late]}\n",
    );
    shell_eco(&study, "never", NO_LICENCE);
    let asked = folder.path().join("asked");
    let resize = "sed 's/\\bINVX1\\b/INVX2/' \"$1\" > \"$2\"\n";
    let late = format!(
        "if [ ! -e {0} ]; then touch {0}\n{NO_LICENCE}fi\n{resize}",
        text(&asked)
    );
    shell_eco(&study, "late", &late);
    let out = folder.path().join("run");
    ends(0, &["run", text(&study), "--out", text(&out), "-j", "2"]);
    assert_eq!(endings(&out, "0_1"), ["licence_unavailable"; 3]);
    assert_eq!(endings(&out, "0_2"), ["licence_unavailable", "measured"]);
    let (told, _) = ends(0, &["explain", text(&out), "0_1"]);
    assert!(told.contains("free a licence"), "{told}");
    ends(0, &["verify", text(&out)]);
}

#[test]
fn a_command_that_does_not_end_when_told_to_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let study = study(folder.path(), "  - {name: only, trials: 1, ecos: [deaf]}\n");
    shell_eco(&study, "deaf", "trap '' TERM\nwhile :; do sleep 1; done\n");
    let out = folder.path().join("run");
    ends(0, &["run", text(&study), "--out", text(&out)]);
    // The design's own failure: the same would happen again.
    assert_eq!(endings(&out, "0_1"), ["timeout_hard"]);
}

#[test]
fn a_worker_that_cannot_keep_what_its_tool_did_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let study = study(
        folder.path(),
        "  - {name: only, trials: 1, ecos: [vandal]}\n",
    );
    // The folder of the attempt is gone, and with it the place for its record.
    eco(
        &study,
        "vandal",
        "{tcl: script}",
        "file delete -force [pwd]\n",
    );
    let out = folder.path().join("run");
    ends(0, &["run", text(&study), "--out", text(&out)]);
    assert_eq!(endings(&out, "0_1"), ["worker_lost"; 3]);
    let (told, _) = ends(0, &["explain", text(&out), "0_1"]);
    assert!(told.contains("after three losses"), "{told}");
}

#[test]
fn an_ending_that_nothing_describes_is_unknown() {
    let folder = tempfile::tempdir().unwrap();
    let study = study(folder.path(), "  - {name: only, trials: 1, ecos: [odd]}\n");
    shell_eco(&study, "odd", "kill -USR1 $$\nsleep 5\n");
    let out = folder.path().join("run");
    ends(0, &["run", text(&study), "--out", text(&out)]);
    assert_eq!(endings(&out, "0_1"), ["unknown"]);
}

#[test]
fn results_beyond_the_bounds_of_the_study_do_not_count() {
    let folder = tempfile::tempdir().unwrap();
    let grow = "ecos: [{name: upsize_critical, parameters: {max_cells: 5}}]";
    let bound = "[{metric: power_leakage_w, max_loss: 0}]";
    let study = study(
        folder.path(),
        &format!(
            "  - {{name: railed, trials: 1, {grow}, safety: {{rails: {{trial: {bound}}}}}}}\n\
             \x20 - {{name: gated, trials: 1, {grow}, safety: {{gates: {{bounds: {bound}}}}}}}\n"
        ),
    );
    shell_eco(&study, "unused", "exit 1\n");
    let out = folder.path().join("run");
    ends(0, &["run", text(&study), "--out", text(&out)]);
    let failures = summary(&out)["failures"].clone();
    assert_eq!(failures[0]["class"], "rail_violation", "{failures:#}");
    let (shown, _) = ends(0, &["show", text(&out), "1_1", "--format", "json"]);
    let shown: Value = serde_json::from_str(&shown).unwrap();
    let refused = shown["refused"][0].as_str().unwrap();
    assert!(refused.starts_with("metric_regression"), "{shown:#}");
}
