//! Measurements repeated by a real engine: what that tells, and what becomes of a tool that does not repeat itself.

mod support;

use std::path::{Path, PathBuf};

use support::{
    completes, digest, edit, ends, engine_after, journal, start, summary, template, text,
    wait_for_records,
};

const NOISE: &str = "noise: {rerun: true, repeats: 3}\nbudget:";

fn noisy(parent: &Path) -> PathBuf {
    let study = template(parent, "sequential");
    edit(&study, "budget:", NOISE);
    study
}

/// Makes the clocks of one attempt faster or slower: a tool that measures something else.
fn another_clock_in(study: &Path, attempt: &str, factor: &str) {
    let script = format!(
        "case $PWD in */{attempt}) sed -i 's/^  ::n2::measure /  ::n2::scale_clocks {factor}\\n&/' script.tcl;; esac"
    );
    engine_after(study, &script);
}

#[test]
fn repeats_are_the_same_whatever_the_workers_and_kills() {
    let folder = tempfile::tempdir().unwrap();
    let study = noisy(folder.path());
    edit(
        &study,
        "    after: buffer\n",
        "    after: buffer\n    safety: {gates: {stability: 2}}\n",
    );
    let alone = folder.path().join("alone");
    ends(0, &["run", text(&study), "--out", text(&alone), "-j", "1"]);
    let many = folder.path().join("many");
    ends(0, &["run", text(&study), "--out", text(&many), "-j", "8"]);
    let killed = folder.path().join("killed");
    let mut child = start(&[
        "run",
        text(&study),
        "--out",
        text(&killed),
        "-j",
        "2",
        "--quiet",
    ]);
    // In the midst of the repeats of the base case, and of those of a survivor.
    for count in [6, 9, 70, 110, 125] {
        wait_for_records(&mut child, &killed, count);
        child.kill().unwrap();
        child.wait().unwrap();
        child = start(&["resume", text(&killed), "-j", "2", "--quiet"]);
    }
    assert!(child.wait().unwrap().success());
    for run in [&many, &killed] {
        assert_eq!(digest(run), digest(&alone));
        ends(0, &["verify", text(run)]);
    }
    let noise = &summary(&alone)["noise"];
    assert_eq!(noise["repeatable"], true);
    assert_eq!(noise["repeats"], 3);
    // A thousandth of 2.8 ns; cells do not change with it.
    assert!(
        (noise["floor"]["setup_wns_ps"].as_f64().unwrap() - 2.8).abs() < 0.01,
        "{noise}"
    );
    assert_eq!(noise["floor"]["area_um2"], 0.0);
    let (explained, _) = ends(0, &["explain", text(&alone), "counter_0_0"]);
    assert!(explained.contains("under perturbation 3"), "{explained}");
}

#[test]
fn a_tool_that_does_not_repeat_itself_is_told_everywhere_and_blocks_where_it_must() {
    let folder = tempfile::tempdir().unwrap();
    let study = template(folder.path(), "sequential");
    let sound = folder.path().join("sound");
    let printed = completes(&study, &sound);
    assert!(printed.contains("gave the very same numbers"), "{printed}");
    another_clock_in(&study, "counter_0_0/2", "1.5");
    let out = folder.path().join("guarded");
    let printed = completes(&study, &out);
    assert!(
        printed.lines().next().unwrap().contains("nondeterministic"),
        "{printed}"
    );
    assert!(printed.contains("`setup_wns_ps` was -385"), "{printed}");
    assert_eq!(summary(&out)["noise"]["repeatable"], false);
    let (status, _) = ends(0, &["status", text(&out)]);
    assert!(status.contains("nondeterministic"), "{status}");
    let (explained, _) = ends(0, &["explain", text(&out), "counter_0_0"]);
    assert!(explained.contains("nondeterministic"), "{explained}");

    let domain = "safety_domain: guarded";
    edit(
        &study,
        domain,
        &format!("{domain}\nsafety: {{rails: {{study: {{catastrophic_failures: 1}}}}}}"),
    );
    let blocked = folder.path().join("blocked");
    let (printed, _) = ends(5, &["run", text(&study), "--out", text(&blocked)]);
    assert!(printed.contains("blocked by its base case"), "{printed}");
    assert!(
        printed.contains("nondeterministic: measured again"),
        "{printed}"
    );
    assert!(
        journal(&blocked)
            .iter()
            .all(|record| record["event"]["type"] != "stage_started")
    );
    ends(0, &["verify", text(&blocked)]);
}

#[test]
fn a_repeat_that_fails_blocks_and_says_which() {
    let folder = tempfile::tempdir().unwrap();
    let study = noisy(folder.path());
    engine_after(&study, "case $PWD in */counter_0_0/4) kill -SEGV $$;; esac");
    let out = folder.path().join("run");
    let (printed, _) = ends(5, &["run", text(&study), "--out", text(&out)]);
    assert!(
        printed.contains("perturbed repeat 2 of the base case failed: segfault"),
        "{printed}"
    );
}

#[test]
fn a_survivor_whose_gain_a_perturbation_takes_back_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let study = template(folder.path(), "sequential");
    edit(
        &study,
        "  - name: buffer\n",
        "  - name: buffer\n    safety: {gates: {stability: 1}}\n",
    );
    // Attempt 1 derives, 2 confirms, 3 is perturbed.
    another_clock_in(&study, "counter_0_12/3", "0.5");
    let out = folder.path().join("run");
    let printed = completes(&study, &out);
    let refusal =
        "`buffer` does not pass on counter_0_12: stability: `setup_wns_ps` went from -385";
    assert!(printed.contains(refusal), "{printed}");
    assert!(printed.contains("perturbed repeat 1 measured"), "{printed}");
    let survivors = &summary(&out)["stages"][0]["survivors"];
    assert!(
        !survivors.to_string().contains("counter_0_12"),
        "{survivors}"
    );
    ends(0, &["verify", text(&out)]);
}

#[test]
fn a_stage_that_only_lost_goes_on_from_an_earlier_case() {
    let folder = tempfile::tempdir().unwrap();
    let study = template(folder.path(), "sequential");
    let worse = "  - name: buffer\n    parent_competes: false\n    fallback: {max_loss: 10}\n    objective: {rank: [area_um2]}\n";
    edit(&study, "  - name: buffer\n", worse);
    let out = folder.path().join("run");
    let printed = completes(&study, &out);
    let told = "`buffer` passes on counter_0_0, an earlier case, instead of counter_0_";
    assert!(printed.contains(told), "{printed}");
    assert!(
        printed.contains("`buffer` falls back here from counter_0_"),
        "{printed}"
    );
    let stages = &summary(&out)["stages"];
    assert_eq!(stages[0]["survivors"], serde_json::json!(["counter_0_0"]));
    assert_eq!(stages[0]["fallback"]["to"], "counter_0_0");
    assert_eq!(stages[1]["inputs"], serde_json::json!(["counter_0_0"]));
    let (explained, _) = ends(0, &["explain", text(&out), "buffer"]);
    assert!(
        explained.contains("an earlier case, instead of"),
        "{explained}"
    );
    let dot = std::fs::read_to_string(out.join("lineage.dot")).unwrap();
    assert!(dot.contains("buffer falls back"), "{dot}");
    ends(0, &["verify", text(&out)]);
}
