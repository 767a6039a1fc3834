//! Budgets of time of stages and branches on real studies, with a real engine that hangs where it is told to.

mod support;

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;
use support::{
    digest, edit, ends, engine_after, journal, start, summary, template, text, wait_until,
};

/// Longer than any budget here, and than any test waits.
const HANG: &str = "sleep 200";

fn stage<'s>(summary: &'s Value, name: &str) -> &'s Value {
    let stages = summary["stages"].as_array().unwrap();
    stages.iter().find(|stage| stage["name"] == name).unwrap()
}

/// What the branch that begins with a stage, or a stage, spent.
fn spent_by<'s>(summary: &'s Value, of: &str, name: &str) -> &'s Value {
    let rows = summary["spending"].as_array().unwrap();
    let mut rows = rows.iter().filter(|row| row["of"] == of);
    rows.find(|row| row["names"][0] == name).unwrap()
}

fn events<'r>(records: &'r [Value], kind: &str) -> Vec<&'r Value> {
    let events = records.iter().map(|record| &record["event"]);
    events.filter(|event| event["type"] == kind).collect()
}

fn is_sound(out: &Path) -> String {
    ends(0, &["verify", text(out)]).0
}

#[test]
fn a_stage_whose_wall_time_is_spent_is_cut_short_at_once_and_the_other_branch_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let study = template(folder.path(), "branching");
    engine_after(
        &study,
        &format!("case \"$PWD\" in */counter_1_[4-9]/*) {HANG};; esac"),
    );
    edit(
        &study,
        "    trials: 10\n",
        "    trials: 10\n    budget: {wall_time_s: 6}\n",
    );
    edit(
        &study,
        "budget: {trials: 32}\n",
        "budget: {trials: 32, branch: {wall_time_s: 500}}\n\
         notify: [{command: [sh, -c, cat >> told.ndjson], on: [abort]}]\n",
    );
    let out = folder.path().join("run");
    let began = Instant::now();
    let (stdout, stderr) = ends(0, &["run", text(&study), "--out", text(&out), "-j", "2"]);
    assert!(began.elapsed() < Duration::from_secs(100), "it hung");
    assert!(
        stderr.contains("timing: the budget of wall time is spent"),
        "{stderr}"
    );
    let records = journal(&out);
    let spent = events(&records, "time_spent");
    assert_eq!(spent.len(), 1);
    assert_eq!(spent[0]["owner"]["stage"], 1);
    assert_eq!(spent[0]["time"], "wall");
    let told = "the wall time of the stage, 6 s, is spent; 3 trials counted by then";
    assert!(
        stdout.contains(&format!("`timing` was cut short: {told}")),
        "{stdout}"
    );
    assert!(stdout.contains("another run may end otherwise"), "{stdout}");
    let summary = summary(&out);
    assert_eq!(summary["status"], "completed");
    assert_eq!(summary["digest_promised"], false);
    assert_eq!(stage(&summary, "timing")["out_of_time"], told);
    assert_eq!(stage(&summary, "timing")["status"], "completed");
    assert_eq!(stage(&summary, "area")["out_of_time"], Value::Null);
    assert_eq!(stage(&summary, "area")["not_run"], 0);
    let of = |of: &str, name: &str| spent_by(&summary, of, name);
    assert_eq!(of("stage", "timing")["out_of"][0], "wall");
    assert_eq!(of("stage", "timing")["trials"], 3);
    assert_eq!(of("stage", "timing")["wall_limit_s"], 6.0);
    let wall = of("stage", "timing")["wall_s"].as_f64().unwrap();
    assert!((6.0..60.0).contains(&wall), "{wall}");
    assert_eq!(of("branch", "timing")["wall_s"].as_f64(), Some(wall));
    assert_eq!(of("branch", "timing")["wall_limit_s"], 500.0);
    assert_eq!(of("branch", "timing")["out_of"], serde_json::json!([]));
    let told = std::fs::read_to_string(study.with_file_name("told.ndjson")).unwrap();
    assert!(
        told.contains("the wall time of stage `timing` is spent"),
        "{told}"
    );
    assert!(is_sound(&out).contains("another run may end otherwise"));
    let (explained, _) = ends(0, &["explain", text(&out), "1_5"]);
    assert!(
        explained.contains("its stage was cut short after 3 trials"),
        "{explained}"
    );
}

#[test]
fn the_wall_time_of_a_stage_goes_on_where_a_killed_controller_left_it() {
    let folder = tempfile::tempdir().unwrap();
    let study = template(folder.path(), "sequential");
    engine_after(
        &study,
        &format!("case \"$PWD\" in */counter_0_3/*) {HANG};; esac"),
    );
    edit(
        &study,
        "    survivors: 2\n",
        "    survivors: 2\n    budget: {wall_time_s: 8}\n",
    );
    let out = folder.path().join("run");
    let mut child = start(&["run", text(&study), "--out", text(&out), "-j", "1"]);
    let hangs = |records: &[Value]| {
        let started = events(records, "attempt_started");
        started.iter().any(|event| event["attempt"] == "0_3.1")
    };
    wait_until(&mut child, &out, hangs);
    std::thread::sleep(Duration::from_secs(3));
    child.kill().unwrap();
    child.wait().unwrap();
    // What the killed controller did not live to write down is not known; it had written down the start of the
    // third trial. So the second has at most the 8 s of the budget, and no more.
    let began = Instant::now();
    ends(0, &["resume", text(&out), "-j", "1"]);
    assert!(began.elapsed() < Duration::from_secs(100), "it hung");
    let records = journal(&out);
    assert_eq!(events(&records, "time_spent").len(), 1);
    let summary = summary(&out);
    assert!(stage(&summary, "buffer")["out_of_time"].is_string());
    assert!(stage(&summary, "resize")["out_of_time"].is_null());
    is_sound(&out);
}

#[test]
fn processor_time_that_a_branch_has_spent_is_not_spent_again_by_its_later_stages() {
    let folder = tempfile::tempdir().unwrap();
    let study = template(folder.path(), "sequential");
    edit(
        &study,
        "budget: {trials: 24}",
        "budget: {trials: 24, branch: {cpu_time_s: 0.001}}",
    );
    let out = folder.path().join("run");
    let (stdout, _) = ends(0, &["run", text(&study), "--out", text(&out), "-j", "1"]);
    let records = journal(&out);
    let spent = events(&records, "time_spent");
    assert_eq!(spent.len(), 1);
    assert_eq!(spent[0]["owner"]["branch"], 0);
    assert_eq!(spent[0]["time"], "cpu");
    let summary = summary(&out);
    assert_eq!(stage(&summary, "buffer")["run"], 1, "{stdout}");
    assert_eq!(stage(&summary, "resize")["trials"], 0);
    let passed = stage(&summary, "resize")["survivors"].as_array().unwrap();
    let inputs = stage(&summary, "resize")["inputs"].as_array().unwrap();
    assert_eq!(passed[..], inputs[..1]);
    is_sound(&out);
}

#[test]
fn a_run_whose_disk_space_is_spent_stops_for_good() {
    let folder = tempfile::tempdir().unwrap();
    let study = template(folder.path(), "sequential");
    // Each attempt of this engine leaves 3 MiB besides.
    engine_after(&study, "head -c 3145728 /dev/zero > ballast");
    edit(
        &study,
        "budget: {trials: 24}",
        "budget: {trials: 24, disk_mib: 10}",
    );
    let out = folder.path().join("run");
    let (stdout, _) = ends(6, &["run", text(&study), "--out", text(&out), "-j", "1"]);
    assert!(
        stdout.contains("the budget of disk space is spent"),
        "{stdout}"
    );
    let records = journal(&out);
    let left = |event: &&Value| event["usage"]["disk_bytes"].as_u64();
    let bytes: Vec<u64> = events(&records, "attempt_finished")
        .iter()
        .filter_map(left)
        .collect();
    assert_eq!(bytes.len(), 4, "{bytes:?}");
    assert!(
        bytes.iter().all(|bytes| (3 << 20..4 << 20).contains(bytes)),
        "{bytes:?}"
    );
    assert_eq!(events(&records, "stop_requested")[0]["cause"], "disk_space");
    is_sound(&out);
    let (_, stderr) = ends(6, &["resume", text(&out)]);
    assert!(
        stderr.contains("raise `budget.disk_mib` of 10 MiB"),
        "{stderr}"
    );
}

#[test]
fn a_stage_out_of_time_with_nothing_to_pass_on_fails_and_what_can_be_done_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let study = template(folder.path(), "sequential");
    engine_after(
        &study,
        &format!("case \"$PWD\" in */counter_0_1/*) {HANG};; esac"),
    );
    edit(
        &study,
        "    survivors: 2\n",
        "    survivors: 2\n    parent_competes: false\n    budget: {wall_time_s: 2}\n",
    );
    let out = folder.path().join("run");
    let (stdout, _) = ends(6, &["run", text(&study), "--out", text(&out), "-j", "2"]);
    let cause = "the wall time of the stage, 2 s, is spent: no case is left to pass on";
    assert!(stdout.contains(cause), "{stdout}");
    assert_eq!(summary(&out)["digest_promised"], false);
    let (_, stderr) = ends(6, &["resume", text(&out)]);
    assert!(
        stderr.contains("give stage `buffer` or its branch more time"),
        "{stderr}"
    );
    is_sound(&out);
    // What was measured beyond the count was laid out as cases before: it is known, and held against the journal.
    let discarded = out.join("cases/counter_0_2/case.json");
    edit(&discarded, "counter_0_2", "counter_0_3");
    let (stdout, _) = ends(1, &["verify", text(&out)]);
    assert!(stdout.contains("cases/counter_0_2/case.json"), "{stdout}");
}

#[test]
fn trials_that_a_doomed_stage_gave_back_are_made_after_the_join_whoever_ends_first() {
    let folder = tempfile::tempdir().unwrap();
    let study = template(folder.path(), "branching");
    edit(
        &study,
        "    trials: 10\n",
        "    trials: 10\n    stop: {target: [{metric: setup_wns_ps, min: 5000}], doomed_after: 2}\n",
    );
    edit(
        &study,
        "    trials: 8\n    survivors: 1\n",
        "    trials: 3\n    survivors: 1\n    extra_trials: {from: [timing, area], at_most: 4}\n",
    );
    let plan: Value =
        serde_json::from_str(&ends(0, &["plan", text(&study), "--format", "json"]).0).unwrap();
    assert_eq!(spent_by(&plan, "branch", "merge")["trials_at_most"], 7);
    assert_eq!(plan["spending"][0]["trials_at_most"], 27);
    let alone = folder.path().join("alone");
    ends(0, &["run", text(&study), "--out", text(&alone), "-j", "1"]);
    let killed = folder.path().join("killed");
    let mut child = start(&["run", text(&study), "--out", text(&killed), "-j", "3"]);
    let has_drawn = |records: &[Value]| {
        let started = events(records, "stage_started");
        started.iter().any(|event| !event["extra_trials"].is_null())
    };
    wait_until(&mut child, &killed, has_drawn);
    child.kill().unwrap();
    child.wait().unwrap();
    ends(0, &["resume", text(&killed), "-j", "2"]);
    assert_eq!(digest(&killed), digest(&alone));
    let summary = summary(&alone);
    assert_eq!(summary["digest_promised"], true);
    let satisfied = stage(&summary, "timing")["satisfied"].as_str().unwrap();
    assert!(satisfied.starts_with("trial 1_2: doomed: "), "{satisfied}");
    assert_eq!(stage(&summary, "timing")["unused_trials"], 8);
    assert_eq!(stage(&summary, "merge")["extra_trials"]["timing"], 4);
    assert_eq!(stage(&summary, "merge")["trials"], 7);
    is_sound(&killed);
    let (explained, _) = ends(0, &["explain", text(&alone), "timing"]);
    assert!(
        explained.contains("of its 10 trials it did not use 8, 4 of them drawn by `merge`"),
        "{explained}"
    );
}

#[test]
fn a_program_that_still_thinks_when_the_time_of_its_stage_is_spent_is_ended() {
    let folder = tempfile::tempdir().unwrap();
    let study = template(folder.path(), "sequential");
    edit(
        &study,
        "    survivors: 2\n",
        "    survivors: 2\n    budget: {wall_time_s: 2}\n    \
         proposer: {kind: external, command: [sleep, '201'], timeout_s: 300}\n",
    );
    let out = folder.path().join("run");
    let began = Instant::now();
    ends(0, &["run", text(&study), "--out", text(&out), "-j", "2"]);
    assert!(began.elapsed() < Duration::from_secs(100), "it hung");
    let records = journal(&out);
    assert_eq!(events(&records, "time_spent").len(), 1);
    assert!(events(&records, "proposer_failed").is_empty());
    let summary = summary(&out);
    assert_eq!(stage(&summary, "buffer")["trials"], 0);
    assert_eq!(stage(&summary, "buffer")["status"], "completed");
    assert_eq!(stage(&summary, "resize")["status"], "completed");
    is_sound(&out);
}
