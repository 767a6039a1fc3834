//! A study with every rule at once: noise, gates, rails, budgets, rounds, early stops, priors, composition. One digest.

mod support;

use std::fs;
use std::path::Path;

use support::{digest, edit, ends, journal, start, summary, template, text, wait_for_records};

const STAGES: &str = "\
stages:
  - name: common
    trials: 8
    survivors: 2
    stop: {plateau_trials: 5}
    selection: {strategy: pareto, metrics: [setup_wns_ps, area_um2]}
    ecos:
      - name: buffer_fanout
        parameters: {max_nets: [1, 2], group_size: [6, 10]}
      - name: upsize_critical
        parameters: {max_cells: [2, 5]}

  - name: timing
    after: common
    trials: 9
    survivors: 2
    proposer: {kind: bandit, round: 3}
    selection: {strategy: diverse, distance: 1}
    safety: {gates: {stability: 1}}
    budget: {cpu_time_s: 500}
    stop: {target: [{metric: setup_wns_ps, min: 0}], doomed_after: 4}
    ecos:
      - name: isolate_critical
        parameters: {max_nets: [1, 2, 3]}
      - name: upsize_critical
        parameters: {max_cells: {from: 1, to: 9, step: 1}}
      - name: pin_swap
      - name: slow_then_swap
        sequence: [{name: upsize_critical, parameters: {max_cells: 1}}, {name: pin_swap}]
        rollback: partial

  - name: wires
    after: common
    trials: 8
    survivors: 2
    proposer: {kind: grid}
    fallback: {max_loss_percent: 20}
    parent_competes: false
    objective: {rank: [setup_tns_ps, area_um2]}
    selection: {strategy: tournament, size: 2}
    aborts: {failures: 6}
    ecos:
      - name: clone_driver
        parameters: {max_nets: [1, 3], share: [0.3, 0.5]}
      - name: buffer_fanout
        parameters: {max_nets: [3, 5]}

  - name: both
    after: [timing, wires]
    join: {merge: compose, mode: replay, conflicts: first, pairs: 2, policy: any}
    trials: 6
    extra_trials: {from: [timing], at_most: 4}
    survivors: 1
    proposer: {kind: diagnosis}
    ecos: [upsize_critical, pin_swap, downsize_slack]
";

fn study(folder: &Path) -> std::path::PathBuf {
    let study = template(folder, "branching");
    let content = fs::read_to_string(&study).unwrap();
    let head = &content[..content.find("stages:").unwrap()];
    let rules = "noise: {rerun: true, repeats: 2}\n\
                 priors: {}\n\
                 safety:\n  \
                 envelope: {max_cells: 200}\n  \
                 rails: {trial: [{metric: setup_wns_ps, max_loss_percent: 60}], branch: {failures: 8}, study: {failure_percent: 90}}\n  \
                 gates: {bounds: [{metric: hold_wns_ps, max_loss: 5}, {metric: max_slew_violations, max_loss: 3}, {metric: max_capacitance_violations, max_loss: 3}]}\n";
    fs::write(&study, format!("{head}{rules}{STAGES}")).unwrap();
    edit(
        &study,
        "budget: {trials: 32}",
        "budget: {trials: 60, cpu_time_s: 5000, disk_mib: 2000, branch: {trials: 40, cpu_time_s: 4000}}",
    );
    study
}

#[test]
fn every_rule_at_once_gives_one_digest_for_any_workers_engines_and_kills() {
    let folder = tempfile::tempdir().unwrap();
    let study = study(folder.path());
    let place = |name: &str| folder.path().join(name);
    let run = |name: &str, words: &[&str]| {
        let out = place(name);
        let mut arguments = vec!["run", text(&study), "--out", text(&out), "--quiet"];
        arguments.extend(words);
        ends(0, &arguments);
        digest(&out)
    };
    let alone = run("w1", &["-j", "1"]);
    assert_eq!(run("w8", &["-j", "8", "--engine-mode", "cold"]), alone);
    let out = place("killed");
    let mut child = start(&[
        "run",
        text(&study),
        "--out",
        text(&out),
        "-j",
        "3",
        "--quiet",
    ]);
    for records in [9, 30, 60] {
        wait_for_records(&mut child, &out, records);
        child.kill().unwrap();
        child.wait().unwrap();
        child = start(&["resume", text(&out), "-j", "2", "--quiet"]);
    }
    assert!(child.wait().unwrap().success());
    assert_eq!(digest(&out), alone);
    ends(0, &["verify", text(&out)]);

    // It is not for want of anything that happened.
    let names: std::collections::BTreeSet<String> = journal(&out)
        .iter()
        .filter_map(|record| record["event"]["type"].as_str().map(str::to_owned))
        .collect();
    for event in [
        "noise_measured",
        "repeat_started",
        "confirmation_started",
        "round_planned",
        "stage_finished",
    ] {
        assert!(names.contains(event), "{event} is not in {names:?}");
    }
    let stopped = fs::read_to_string(out.join("report.md")).unwrap();
    for told in [
        "compose:replay",
        "doomed",
        "drew 4 trials",
        "gave nothing better by",
    ] {
        assert!(stopped.contains(told), "{told}: {stopped}");
    }
    assert_eq!(summary(&out)["status"], "completed");
}
