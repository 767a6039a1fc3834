//! What monitoring systems read of real runs, by their own parsers and by a collector that decodes what it gets.
#![allow(clippy::print_stderr, reason = "a skipped test says so out loud")]

mod support;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;
use support::{completes, ends, engine_after, run, summary, template, text};

/// Reads an exposition by a parser of Python's `prometheus_client` and prints each value with its labels.
const PARSE: &str = "
import json, sys
from importlib import import_module
parser = import_module(sys.argv[1])
print(json.dumps([
    [family.name, family.type, sample.name, sample.labels, sample.value]
    for family in parser.text_string_to_metric_families(sys.stdin.read()) for sample in family.samples
]))
";

/// The values of an exposition by name, with their labels; `None` where the parser is not there.
fn parsed(parser: &str, exposition: &str) -> Option<Vec<(String, BTreeMap<String, String>, f64)>> {
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/ray/bin/python");
    let begun = Command::new(&python)
        .args(["-c", PARSE, parser])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let Ok(mut child) = begun else {
        eprintln!("SKIPPED: {} is not there", python.display());
        return None;
    };
    let mut input = child.stdin.take().unwrap();
    input.write_all(exposition.as_bytes()).unwrap();
    drop(input);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{exposition}");
    let values: Vec<(String, String, String, BTreeMap<String, String>, f64)> =
        serde_json::from_slice(&output.stdout).unwrap();
    let values = values.into_iter();
    Some(
        values
            .map(|(_, _, name, labels, value)| (name, labels, value))
            .collect(),
    )
}

/// The sum of the values of this name that carry these labels; `None` where there is none.
fn sum(
    values: &[(String, BTreeMap<String, String>, f64)],
    name: &str,
    labels: &[(&str, &str)],
) -> Option<f64> {
    let wanted = |found: &BTreeMap<String, String>| {
        let mut labels = labels.iter();
        labels.all(|(key, value)| found.get(*key).is_some_and(|found| found == value))
    };
    let mut found = values
        .iter()
        .filter(|(found, labels, _)| found == name && wanted(labels))
        .map(|(_, _, value)| *value)
        .peekable();
    found.peek()?;
    Some(found.sum())
}

#[test]
fn both_formats_are_read_by_their_parsers_and_say_what_the_summary_says() {
    let folder = tempfile::tempdir().unwrap();
    // A name that has to be escaped.
    let out = folder.path().join("the \"first\" \\ run");
    completes(&template(folder.path(), "branching"), &out);
    let summary = summary(&out);
    for (format, parser) in [
        ("openmetrics", "prometheus_client.openmetrics.parser"),
        ("prometheus", "prometheus_client.parser"),
    ] {
        let (exposition, _) = ends(0, &["status", text(&out), "--format", format]);
        let Some(values) = parsed(parser, &exposition) else {
            return;
        };
        let run = ("run", text(&out));
        let value =
            |name: &str, labels: &[(&str, &str)]| sum(&values, name, &[labels, &[run]].concat());
        assert_eq!(value("noodle2_run_state", &[]), Some(1.0));
        assert_eq!(
            value("noodle2_run_state", &[("state", "completed")]),
            Some(1.0)
        );
        assert_eq!(
            value("noodle2_trials", &[]),
            summary["trials_total"].as_f64()
        );
        assert_eq!(value("noodle2_stage_state", &[]), Some(4.0));
        assert_eq!(
            value("noodle2_run_cpu_seconds_total", &[]),
            summary["cpu_s"].as_f64()
        );
        let failed: u64 = summary["failures"]
            .as_array()
            .unwrap()
            .iter()
            .map(|class| class["count"].as_u64().unwrap())
            .sum();
        assert_eq!(
            value("noodle2_trials", &[("state", "failed")]),
            Some(failed as f64)
        );
        for of in ["base", "best"] {
            let wns = value("noodle2_design_setup_wns_seconds", &[("of", of)]).unwrap();
            let told = summary[of]["metrics"]["setup_wns_ps"].as_f64().unwrap();
            assert!((wns * 1e12 - told).abs() < 1e-6, "{wns} {told}");
        }
        let budget = [("of", "study")];
        let limit = value("noodle2_budget_trials_limit", &budget);
        assert_eq!(limit, summary["spending"][0]["trials_limit"].as_f64());
        // What is not limited has no limit, and what was not measured no value.
        assert_eq!(value("noodle2_budget_cpu_limit_seconds", &budget), None);
        assert_eq!(value("noodle2_design_drc_violations", &[]), None);
        // Many cases, few labels.
        assert!(!exposition.contains("counter_"), "{exposition}");
    }
}

#[test]
fn failures_are_told_by_class_and_a_blocked_run_has_no_best_case() {
    let folder = tempfile::tempdir().unwrap();
    let study = template(folder.path(), "sequential");
    engine_after(&study, "case \"$PWD\" in */trials/*) exit 3;; esac");
    let out = folder.path().join("run");
    let (status, _, told) = run(&["run", text(&study), "--out", text(&out)]);
    assert_eq!(status, 5, "{told}");
    let (exposition, _) = ends(0, &["status", text(&out), "--format", "openmetrics"]);
    let failures = exposition
        .lines()
        .filter(|line| line.starts_with("noodle2_attempt_failures_total{"));
    assert_eq!(failures.count(), 1, "{exposition}");
    let summary: Value = summary(&out);
    assert!(summary["base"].is_null());
    assert!(!exposition.contains("noodle2_design_"), "{exposition}");
}
