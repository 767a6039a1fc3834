//! What people read of a run, from a journal that is spelt out here. The outcomes are made up for this test.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use noodle2_control::Controller;
use noodle2_model::{
    AttemptUsage, ContentHash, DesignState, Event, Failure, FailureClass, Measurement, Metric,
    Outcome, RunIdentity,
};
use noodle2_view::{History, Lineage, PlanView, Progress, Summary, report_markdown, report_text};

fn identity() -> RunIdentity {
    let eco = |name: &str| {
        serde_json::json!({
            "manifest": {
                "name": name, "version": 1, "class": "placement_local", "engines": ["opensta"],
                "description": "made up", "changes_connectivity": false,
                "parameters": {"cells": {"description": "how many", "type": "integer", "min": 1, "max": 9, "default": 1}},
                "implementation": {"tcl": "eco.tcl"},
            },
            "content": ContentHash::of(name),
        })
    };
    let stage = |name: &str, after: &[&str]| {
        serde_json::json!({
            "name": name, "after": after, "trials": 2, "survivors": 1,
            "ecos": [{"name": "resize", "parameters": {"cells": [1, 2]}}],
        })
    };
    serde_json::from_value(serde_json::json!({
        "noodle2_version": "0",
        "study": {
            "name": "made-up",
            "seed": 1,
            "design": {"case_name": "core", "top": "core", "netlists": ["core.v"], "platform": "osu018"},
            "scenes": [{"name": "typical", "sdc": ["core.sdc"]}],
            "engine": {"kind": "opensta"},
            "objective": {"rank": ["setup_wns_ps", "area_um2"]},
            "budget": {"trials": 8},
            "stages": [
                stage("common", &[]),
                stage("left", &["common"]),
                stage("right", &["common"]),
                stage("join", &["left", "right"]),
            ],
        },
        "study_hash": ContentHash::of("study"),
        "study_file": ContentHash::of("study"),
        "study_folder": "/studies",
        "tools": [],
        "inputs": [],
        "ecos": {"resize": eco("resize")},
    }))
    .unwrap()
}

fn outcome(id: &str) -> Outcome {
    let measured = |wns: f64, area: f64| {
        let hash = ContentHash::of(format!("{id}{wns}{area}"));
        Outcome::Measured(Measurement {
            design: DesignState {
                canonical: hash,
                netlist: hash,
            },
            overall: [
                (Metric::SetupWns, wns),
                (Metric::SetupWs, wns),
                (Metric::Area, area),
            ]
            .into_iter()
            .collect(),
            scenes: BTreeMap::new(),
            findings: Vec::new(),
            edits: BTreeMap::new(),
        })
    };
    match id {
        "0_0" => measured(-500.0, 1000.0),
        "0_1" => measured(-450.0, 1002.0),
        "1_1" => measured(-400.0, 1004.0),
        "1_2" => Outcome::Failed(Failure {
            class: FailureClass::ToolError,
            tool_code: None,
            message: "port Z of `u1` was not found".to_owned(),
            excerpt: String::new(),
        }),
        "2_1" => measured(-440.0, 1001.0),
        "3_1" => measured(-320.0, 1010.0),
        _ => Outcome::NoEffect,
    }
}

/// Every attempt takes two seconds, two at a time.
fn journal() -> Vec<(Timestamp, Event)> {
    let identity = identity();
    let mut now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    let mut controller = Controller::new(identity.clone()).unwrap();
    let mut events = vec![
        (
            now,
            Event::RunCreated {
                identity: Box::new(identity),
            },
        ),
        (now, Event::WorkersOffered { workers: 2 }),
    ];
    while controller.recorded_digest().is_none() {
        let mut next = controller.decide(2 - controller.running_attempts().len());
        if next.is_empty() {
            now = now.checked_add(SignedDuration::from_secs(2)).unwrap();
            next = controller
                .running_attempts()
                .iter()
                .map(|attempt| Event::AttemptFinished {
                    attempt: *attempt,
                    outcome: Box::new(outcome(&attempt.trial.to_string())),
                    usage: AttemptUsage {
                        wall_s: 2.0,
                        cpu_s: 1.5,
                        peak_memory_bytes: None,
                    },
                })
                .collect();
        }
        for event in next {
            controller.apply(&event).unwrap();
            events.push((now, event));
        }
    }
    events
}

#[test]
fn the_report_reads_well() {
    let history = History::new(&journal()).unwrap();
    let summary = Summary::new(&history);
    insta::assert_snapshot!("report", report_text(&history, &summary));
    insta::assert_snapshot!("report_markdown", report_markdown(&history, &summary));
}

#[test]
fn the_summary_counts_what_happened() {
    let history = History::new(&journal()).unwrap();
    let summary = serde_json::to_value(Summary::new(&history)).unwrap();
    assert_eq!(summary["status"], "completed");
    assert_eq!(summary["best"]["case"], "core_3_1");
    assert_eq!(summary["deltas"]["setup_wns_ps"]["gain"], 180.0);
    assert_eq!(summary["deltas"]["setup_wns_ps"]["gain_percent"], 36.0);
    assert_eq!(summary["deltas"]["area_um2"]["gain"], -10.0);
    assert_eq!(summary["peak_concurrent_stages"], 2);
    assert_eq!(summary["trials_total"], 8);
    assert_eq!(summary["stages"][1]["failures"], 1);
    assert_eq!(summary["label"], "pre-layout");
    // The base alone, then eight trials, two at a time, each two seconds long.
    assert_eq!(summary["makespan_s"], 10.0);
    assert_eq!(summary["lower_bound_s"], 9.0);
    assert_eq!(summary["cpu_s"], 13.5);
}

#[test]
fn the_plan_and_the_lineage_show_every_stage() {
    let history = History::new(&journal()).unwrap();
    let controller = history.controller();
    let plan = PlanView::new(controller.program().study(), controller.program().dag());
    insta::assert_snapshot!("plan", plan.text());
    let plan = serde_json::to_value(&plan).unwrap();
    assert_eq!(plan["waves"], serde_json::json!([[0], [1, 2], [3]]));
    assert_eq!(plan["convergence_points"], serde_json::json!([3]));
    assert_eq!(plan["stages"][3]["relation"], "convergence");
    assert!(plan["stages"][0]["relation"].is_null());
    let lineage = Lineage::new(controller, false);
    insta::assert_snapshot!("lineage", lineage.dot());
    let svg = lineage.svg();
    for name in ["common", "left", "right", "join", "core_3_1"] {
        assert!(
            svg.contains(&format!(">{name}</text>")),
            "{name} is not in the picture"
        );
    }
}

#[test]
fn progress_says_what_is_done_and_what_is_best() {
    let events = journal();
    let half = History::new(&events[..events.len() / 2]).unwrap();
    let progress = Progress::new(half.controller());
    assert!(progress.done < progress.total);
    assert!(
        progress.line(6.0).contains("best setup_wns_ps"),
        "{}",
        progress.line(6.0)
    );
}
