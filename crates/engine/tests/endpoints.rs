//! Slacks of endpoints that attempts leave, with a real `sta`: they are those that the metrics are made of.

mod support;

use std::collections::BTreeSet;
use std::path::Path;

use noodle2_engine::EndpointSlacks;
use noodle2_model::{Check, Measurement, Metric, Scene};
use support::{Bench, scene, shared};

fn left(folder: &Path) -> EndpointSlacks {
    let bytes = std::fs::read(folder.join(EndpointSlacks::FILE)).unwrap();
    let slacks = EndpointSlacks::parse(&bytes).unwrap();
    assert_eq!(slacks.to_tsv().as_bytes(), bytes, "sorted as it lies there");
    slacks
}

/// Worst slack, total and number of negative ones are the metrics of each scene and check.
fn assert_is_what_was_measured(slacks: &EndpointSlacks, measured: &Measurement) {
    for (scene, metrics) in &measured.scenes {
        for (check, worst, total, violating) in [
            (
                Check::Setup,
                Metric::SetupWs,
                Metric::SetupTns,
                Metric::SetupViolatingEndpoints,
            ),
            (
                Check::Hold,
                Metric::HoldWs,
                Metric::HoldTns,
                Metric::HoldViolatingEndpoints,
            ),
        ] {
            let of_check = (slacks.iter())
                .filter(|slack| slack.scene == *scene && slack.check == check)
                .map(|slack| slack.slack_ps);
            let found: Vec<f64> = of_check.collect();
            let lowest = found.iter().copied().min_by(f64::total_cmp);
            let lowest = lowest.and_then(|slack| worst.canonical(slack));
            assert_eq!(lowest, metrics.get(worst), "{scene}: {worst}");
            let Some(expected) = metrics.get(violating) else {
                assert!(found.is_empty(), "{scene}: {violating}");
                continue;
            };
            let negative: Vec<f64> = (found.iter().copied())
                .filter(|slack| *slack < 0.0)
                .collect();
            assert_eq!(negative.len() as f64, expected, "{scene}: {violating}");
            let sum: f64 = negative.iter().sum();
            let of_metric = metrics.get(total).unwrap();
            // Units are converted in single precision, once for each slack and once for the sum.
            assert!(
                (sum - of_metric).abs() <= 0.001_01 + of_metric.abs() * 1e-6,
                "{scene}: {total} is {of_metric}, the slacks sum up to {sum}"
            );
        }
    }
}

fn corner(name: &str, sdc: &Path) -> Scene {
    Scene {
        liberty: vec![format!("platform:{name}")],
        ..scene(name, sdc)
    }
}

#[test]
fn slacks_of_endpoints_are_what_metrics_are_made_of() {
    let Some(shared) = shared() else { return };
    for name in ["gcd.nangate45", "uart_buffered.nangate45"] {
        let mut bench = Bench::real(&shared, name, |sdc| {
            vec![corner("slow", sdc), corner("fast", sdc)]
        });
        let context = bench.context();
        let (folder, base) = bench.measured_base(&context);
        let slacks = left(&folder);
        assert_is_what_was_measured(&slacks, &base);
        let scenes: BTreeSet<&str> = slacks.iter().map(|slack| slack.scene.as_str()).collect();
        assert_eq!(scenes, BTreeSet::from(["fast", "slow"]), "{name}");
        let worst = slacks.worst(Check::Setup);
        let lowest = worst.values().copied().min_by(f64::total_cmp);
        let lowest = lowest.and_then(|slack| Metric::SetupWs.canonical(slack));
        assert_eq!(lowest, base.overall.get(Metric::SetupWs), "{name}");
    }
}

#[test]
fn scenes_of_several_processes_share_a_file_and_stand_for_their_checks_alone() {
    let Some(shared) = shared() else { return };
    let mut bench = Bench::real(&shared, "gcd.nangate45", |sdc| {
        let only = |name: &str, check| Scene {
            checks: vec![check],
            ideal_hold: None,
            ..corner(name, sdc)
        };
        vec![only("slow", Check::Setup), only("fast", Check::Hold)]
    });
    let context = bench.context();
    let (folder, base) = bench.measured_base(&context);
    let slacks = left(&folder);
    assert_is_what_was_measured(&slacks, &base);
    let kinds: BTreeSet<(&str, Check)> = (slacks.iter())
        .map(|slack| (slack.scene.as_str(), slack.check))
        .collect();
    let expected = [("fast", Check::Hold), ("slow", Check::Setup)];
    assert_eq!(kinds, BTreeSet::from(expected));
}

#[test]
fn an_endpoint_without_constraint_is_missing() {
    let mut bench = Bench::tiny();
    let context = bench.context();
    let (folder, _) = bench.measured_base(&context);
    let pins = |slacks: &EndpointSlacks| -> BTreeSet<String> {
        slacks.iter().map(|slack| slack.pin.clone()).collect()
    };
    let all = pins(&left(&folder));
    assert!(all.contains("y"), "{all:?}");
    let kept: Vec<&str> = support::TINY_CONSTRAINTS
        .lines()
        .filter(|line| !line.contains("output"))
        .collect();
    bench.write("tiny.sdc", kept.join("\n") + "\n");
    let context = bench.context();
    let (folder, _) = bench.measured_base(&context);
    let mut constrained = pins(&left(&folder));
    assert!(constrained.insert("y".to_owned()), "{constrained:?}");
    assert_eq!(constrained, all);
}

#[test]
fn endpoints_of_generated_clocks_are_there() {
    let mut bench = Bench::tiny();
    let divided =
        "create_generated_clock -name half -source [get_ports clk] -divide_by 2 [get_pins r1/Q]\n";
    let text = format!("{}{divided}", support::TINY_CONSTRAINTS);
    bench.write("tiny.sdc", text);
    let context = bench.context();
    let (folder, base) = bench.measured_base(&context);
    assert_is_what_was_measured(&left(&folder), &base);
}

#[test]
fn a_placed_design_leaves_them_too() {
    let mut bench = Bench::placed();
    let context = bench.context();
    let (folder, base) = bench.measured_base(&context);
    let slacks = left(&folder);
    assert!(!slacks.is_empty());
    assert_is_what_was_measured(&slacks, &base);
}
