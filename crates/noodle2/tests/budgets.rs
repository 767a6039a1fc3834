//! Budgets of time of stages and branches on real studies, with a real engine that hangs where it is told to.

mod support;

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;
use support::{edit, ends, engine_after, journal, start, summary, template, text, wait_until};

/// Longer than any budget here, and than any test waits.
const HANG: &str = "sleep 200";

fn stage<'s>(summary: &'s Value, name: &str) -> &'s Value {
    let stages = summary["stages"].as_array().unwrap();
    stages.iter().find(|stage| stage["name"] == name).unwrap()
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
