//! What people read of a run, from a journal that is spelt out here. The outcomes are made up for this test.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use noodle2_control::{AttemptRole, Controller};
use noodle2_model::{
    AttemptId, AttemptUsage, CacheAnswer, CacheHit, CacheMiss, ConflictRule, ContentHash,
    DesignState, EcoClass, EquivalenceProof, EquivalenceVerdict, Event, Failure, FailureClass,
    Join, JoinMerge, KeyPart, Measurement, Metric, Outcome, RunIdentity, StageIndex, StopCause,
    Study,
};
use noodle2_view::{
    Explanation, History, LegalityReport, Lineage, PlanView, Progress, StageView, Summary,
    SummaryStatus, report_markdown, report_text,
};

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

fn interrupted() -> Outcome {
    Outcome::Failed(Failure {
        class: FailureClass::Interrupted,
        tool_code: None,
        message: "cut off".to_owned(),
        excerpt: String::new(),
    })
}

fn outcome(id: &str) -> Outcome {
    let measured = |wns: f64, area: f64| {
        let hash = ContentHash::of(format!("{id}{wns}{area}"));
        Outcome::from(Measurement {
            design: DesignState {
                canonical: hash,
                netlist: hash,
                placement: None,
            },
            overall: [
                (Metric::SetupWns, wns),
                (Metric::SetupWs, wns),
                (Metric::Area, area),
                (Metric::Power, area * 1e-9),
            ]
            .into_iter()
            .collect(),
            scenes: BTreeMap::new(),
            estimated: BTreeMap::new(),
            routed: BTreeMap::new(),
            findings: Vec::new(),
            edits: BTreeMap::new(),
            conflicts: BTreeMap::new(),
            blast_radius: None,
            paths: Vec::new(),
            steps: Vec::new(),
            marks: Default::default(),
            // What a confirmation finds, too.
            equivalence: Some(EquivalenceProof {
                verdict: EquivalenceVerdict::Equal,
                points: 4,
                by_structure: 4,
                by_proof: 0,
                cells: 0,
                sat_calls: 0,
                conflicts: 0,
            }),
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

/// The base case with 60 ps less slack and 5 µm² more area.
fn perturbed() -> Outcome {
    let mut base = match outcome("0_0") {
        Outcome::Measured(measurement) => std::sync::Arc::unwrap_or_clone(measurement),
        other => panic!("{other:?}"),
    };
    base.overall.insert(Metric::SetupWns, -560.0);
    base.overall.insert(Metric::Area, 1005.0);
    Outcome::from(base)
}

fn journal() -> Vec<(Timestamp, Event)> {
    journal_stopped(|_| None)
}

/// A run that is asked to stop when the first trial of each branch is measured and the second runs.
fn journal_stopped_in_the_branches(cause: StopCause) -> Vec<(Timestamp, Event)> {
    journal_stopped(|controller| {
        let measured = controller
            .cases()
            .contains_key(&"core_1_1".parse().unwrap());
        (measured && controller.running_attempts().len() == 2).then_some(cause)
    })
}

/// Every attempt takes two seconds, two at a time. Those that run when the run is asked to stop are cut off.
fn journal_stopped(stop: impl Fn(&Controller) -> Option<StopCause>) -> Vec<(Timestamp, Event)> {
    journal_of(identity(), stop)
}

fn journal_of(
    identity: RunIdentity,
    stop: impl Fn(&Controller) -> Option<StopCause>,
) -> Vec<(Timestamp, Event)> {
    let mut now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    let mut controller = Controller::new(identity.clone()).unwrap();
    let mut events = vec![
        (
            now,
            Event::RunCreated {
                identity: Box::new(identity),
            },
        ),
        (
            now,
            Event::WorkersOffered {
                workers: 2,
                cluster: None,
            },
        ),
    ];
    while controller.recorded_digest().is_none() {
        let stopped = controller.stop_cause().is_some();
        if stopped && controller.running_attempts().is_empty() && controller.decide(2).is_empty() {
            break;
        }
        let mut next = controller.decide(2 - controller.running_attempts().len());
        if let (Some(cause), false) = (stop(&controller), stopped) {
            next = vec![Event::StopRequested { cause }];
        } else if next.is_empty() {
            now = now.checked_add(SignedDuration::from_secs(2)).unwrap();
            next = controller
                .running_attempts()
                .iter()
                .map(|attempt| Event::AttemptFinished {
                    attempt: *attempt,
                    outcome: Box::new(match stopped {
                        true => interrupted(),
                        false => match controller.role_of(*attempt) {
                            Some(AttemptRole::Repeats(1..)) => perturbed(),
                            _ => outcome(&attempt.trial.to_string()),
                        },
                    }),
                    usage: AttemptUsage {
                        wall_s: 2.0,
                        cpu_s: 1.5,
                        disk_bytes: Some(3 << 20),
                        ..AttemptUsage::default()
                    },
                    cache: None,
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
fn what_waited_for_a_worker_of_a_cluster_took_no_time() {
    let waited = |waited_s: Option<f64>| {
        let mut journal = journal();
        for (_, event) in &mut journal {
            if let Event::AttemptFinished { usage, .. } = event {
                usage.waited_s = waited_s;
            }
        }
        let history = History::new(&journal).unwrap();
        serde_json::to_value(Summary::new(&history)).unwrap()
    };
    let at_once = waited(None);
    // Of the two seconds between start and end of each attempt, half a second was no work.
    let later = waited(Some(0.5));
    let bound = |summary: &serde_json::Value| summary["lower_bound_s"].as_f64().unwrap();
    assert_eq!(bound(&later), bound(&at_once) * 0.75);
    assert_eq!(later["makespan_s"], at_once["makespan_s"]);
    assert_eq!(later["digest"], at_once["digest"]);
    // More than there was cannot be taken off.
    assert_eq!(bound(&waited(Some(3600.0))), 0.0);
}

#[test]
fn what_noise_does_not_tell_apart_is_told() {
    let mut identity = identity();
    identity.study.noise.repeats = Some(1);
    identity.study.stages[0].survivors = 2;
    let history = History::new(&journal_of(identity, |_| None)).unwrap();
    let summary = Summary::new(&history);
    let report = report_text(&history, &summary);
    // 50 ps and 2 µm² lie within the floor, 180 ps do not.
    assert!(
        report.contains("`common`: core_0_0 is indistinguishable from core_0_1\n"),
        "{report}"
    );
    assert!(
        !report.contains("indistinguishable from the base"),
        "{report}"
    );
    let row = |metric: &str, text: &str| {
        let mut rows = text.lines().filter(|line| line.starts_with(metric));
        rows.next()
            .unwrap_or_default()
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(
        row("setup_wns_ps", &report),
        "setup_wns_ps -500.0 ps 60.0 ps"
    );
    let summary = serde_json::to_value(summary).unwrap();
    assert_eq!(summary["noise"]["floor"]["area_um2"], 5.0);
    assert_eq!(
        summary["stages"][0]["indistinguishable"]["core_0_1"],
        serde_json::json!(["core_0_0"])
    );
    let explained = |item: &str| Explanation::of(&history, item).unwrap().text();
    let trial = explained("0_1");
    assert!(
        trial.contains("it is indistinguishable from core_0_0: no metric"),
        "{trial}"
    );
    assert!(
        trial.contains("from core_0_0, which also survived"),
        "{trial}"
    );
    let base = explained("core_0_0");
    assert!(
        base.contains("noise floor: setup_ws_ps 0.0 ps, setup_wns_ps 60.0 ps"),
        "{base}"
    );
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
    // The base and its re-run alone, then eight trials and four confirmations, two at a time, each two seconds long.
    assert_eq!(summary["makespan_s"], 18.0);
    assert_eq!(summary["lower_bound_s"], 14.0);
    assert_eq!(summary["cpu_s"], 21.0);
    assert_eq!(summary["noise"]["repeatable"], true);
    assert_eq!(summary["stages"][0]["confirmed"], 1);
}

/// The design of this test draws microwatts: decimals that do for picoseconds would leave nothing of its gains.
#[test]
fn small_gains_keep_their_digits() {
    let history = History::new(&journal()).unwrap();
    let summary = serde_json::to_value(Summary::new(&history)).unwrap();
    assert_eq!(summary["deltas"]["power_w"]["change"], 1e-8);
    assert_eq!(summary["deltas"]["power_w"]["gain"], -1e-8);
    assert_eq!(summary["deltas"]["power_w"]["gain_percent"], -1.0);
    // -2, -2, 1 and -6 nW over four effects.
    assert_eq!(summary["ecos"][0]["mean_gain"]["power_w"], -2.25e-9);
}

#[test]
fn a_run_that_a_rail_ended_says_what_it_found_and_what_never_ran() {
    let events = journal_stopped_in_the_branches(StopCause::WallTime);
    let history = History::new(&events).unwrap();
    let summary = Summary::new(&history);
    insta::assert_snapshot!("report_stopped", report_text(&history, &summary));
    let summary = serde_json::to_value(summary).unwrap();
    assert_eq!(summary["status"], "stopped");
    assert_eq!(summary["best"]["case"], "core_1_1");
    assert_eq!(summary["deltas"]["setup_wns_ps"]["gain"], 100.0);
    assert_eq!(summary["best_origin"]["name"], "left");
    assert_eq!(summary["best_origin"]["status"], "stopped");
    assert_eq!(summary["best_origin"]["survivor"], false);
    assert_eq!(
        summary["winning_chain"],
        serde_json::json!(["resize", "resize"])
    );
    assert_eq!(
        (&summary["trials_run"], &summary["trials_total"]),
        (&serde_json::json!(4), &serde_json::json!(6))
    );
    let stages = summary["stages"].as_array().unwrap();
    for (stage, status, ended, counts) in [
        (0, "completed", true, [2, 2, 0, 0]),
        (1, "stopped", true, [2, 1, 1, 1]),
        (2, "stopped", true, [2, 1, 1, 1]),
        (3, "not_started", false, [0, 0, 0, 0]),
    ] {
        assert_eq!(stages[stage]["status"], status);
        assert_eq!(stages[stage]["ended_at"].is_string(), ended, "{stage}");
        let keys = ["trials", "run", "discarded", "not_run"];
        assert_eq!(
            keys.map(|key| stages[stage][key].as_u64().unwrap()),
            counts,
            "{stage}"
        );
    }
    assert_eq!(stages[1]["ended_at"], summary["ended_at"]);
    let view = serde_json::to_value(StageView::new(&history, StageIndex(1))).unwrap();
    assert_eq!(view["trial_list"][1]["result"], "stopped");
    let lineage = Lineage::new(history.controller(), false).json();
    let cases = lineage["cases"].as_array().unwrap();
    let best = cases.iter().find(|case| case["case"] == "core_1_1");
    assert_eq!(best.unwrap()["winning"], true);
}

#[test]
fn an_interrupted_run_says_that_it_can_be_resumed_and_a_live_one_that_it_runs() {
    let events = journal_stopped_in_the_branches(StopCause::Person);
    for (at_work, run, stage, trial) in [
        (false, "interrupted", "interrupted", "waiting"),
        (true, "running", "running", "waiting"),
    ] {
        let history = History::new(&events).unwrap().at_work(at_work);
        let summary = Summary::new(&history);
        let report = report_text(&history, &summary);
        assert_eq!(report.contains("can be resumed"), !at_work, "{report}");
        assert!(
            report.contains("best case so far: core_1_1 by resize → resize, found in stage `left`"),
            "{report}"
        );
        let summary = serde_json::to_value(summary).unwrap();
        assert_eq!(summary["status"], run);
        assert_eq!(summary["stages"][1]["status"], stage);
        assert_eq!(summary["stages"][1]["not_run"], 0);
        assert_eq!(summary["stages"][1]["discarded"], 0);
        assert!(summary["stages"][1]["ended_at"].is_null());
        assert_eq!(summary["stages"][3]["status"], "waiting");
        let view = StageView::new(&history, StageIndex(1));
        assert!(
            view.text().starts_with(&format!("left: {stage}")),
            "{}",
            view.text()
        );
        let view = serde_json::to_value(view).unwrap();
        assert_eq!(view["trial_list"][1]["result"], trial);
    }
}

/// The last record of a killed run may be the start of an attempt: only with its controller does it still run.
#[test]
fn an_attempt_runs_only_as_long_as_somebody_works_on_the_run() {
    let events = journal();
    let started = |(_, event): &(Timestamp, Event)| matches!(event, Event::AttemptStarted { attempt } if attempt.trial.to_string() == "1_1");
    let until = events.iter().position(started).unwrap() + 1;
    for (at_work, result, running) in [(true, "running", 1), (false, "interrupted", 0)] {
        let history = History::new(&events[..until]).unwrap().at_work(at_work);
        let view = serde_json::to_value(StageView::new(&history, StageIndex(1))).unwrap();
        assert_eq!(view["trial_list"][0]["result"], result);
        let progress = Progress::new(history.controller(), history.status());
        assert_eq!(progress.stages[1].running, running);
        let summary = Summary::new(&history);
        assert_eq!(summary.causes.join("; ").contains("is gone"), !at_work);
        let report = report_text(&history, &summary);
        assert!(report.contains("at most 1 stage ran"), "{report}");
    }
}

#[test]
fn a_stage_is_shown_with_all_of_its_trials() {
    let history = History::new(&journal()).unwrap();
    let view = StageView::new(&history, StageIndex(1));
    insta::assert_snapshot!("stage", view.text());
    let view = serde_json::to_value(view).unwrap();
    assert_eq!(view["name"], "left");
    assert_eq!(view["trials"], 2);
    assert_eq!(view["label"], "pre-layout");
    let trials = view["trial_list"].as_array().unwrap();
    assert_eq!(trials.len(), 2);
    assert_eq!(trials[0]["trial"], "1_1");
    assert_eq!(trials[0]["case"], "core_1_1");
    assert_eq!(trials[0]["parent"], "core_0_1");
    assert_eq!(trials[0]["result"], "measured");
    assert_eq!(trials[0]["gains"]["setup_wns_ps"]["gain"], 50.0);
    assert_eq!(trials[1]["result"], "tool_error");
    assert!(trials[1]["case"].is_null());
    assert_eq!(
        trials[1]["failure"]["message"],
        "port Z of `u1` was not found"
    );
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
    let progress = Progress::new(half.controller(), SummaryStatus::Running);
    assert!(progress.done < progress.total);
    let line = progress.line(6.0);
    assert!(
        line.contains("best setup_wns_ps") && line.contains(" left"),
        "{line}"
    );
    let dead = Progress::new(half.controller(), SummaryStatus::Interrupted);
    let line = dead.line(6.0);
    assert!(!line.contains(" left"), "{line}");
}

#[test]
fn a_composition_is_told_with_both_parents_and_what_it_brought_in() {
    let mut identity = identity();
    let join = &mut identity.study.stages[3];
    join.ecos.clear();
    join.join = Some(Join {
        merge: JoinMerge::Compose,
        conflicts: Some(ConflictRule::First),
        ..Join::default()
    });
    let mut events = journal_of(identity, |_| None);
    for (_, event) in &mut events {
        if let Event::AttemptFinished {
            attempt, outcome, ..
        } = event
            && let Outcome::Measured(measurement) = &mut **outcome
            && attempt.trial == "3_1".parse().unwrap()
        {
            std::sync::Arc::make_mut(measurement).conflicts =
                BTreeMap::from([("gone".to_owned(), 2)]);
        }
    }
    let history = History::new(&events).unwrap();
    let lineage = Lineage::new(history.controller(), false);
    let case = lineage.json()["cases"]
        .as_array()
        .unwrap()
        .iter()
        .find(|case| case["case"] == "core_3_1")
        .cloned()
        .unwrap();
    assert_eq!(case["parents"], serde_json::json!(["core_1_1", "core_2_1"]));
    assert_eq!(case["composed_with"], "core_2_1");
    let edges = lineage.dot();
    for edge in [
        "\"core_1_1\" -> \"core_3_1\"",
        "\"core_2_1\" -> \"core_3_1\"",
    ] {
        assert!(edges.contains(edge), "{edges}");
    }
    let summary = Summary::new(&history);
    let report = report_text(&history, &summary);
    for told in [
        "join: compose:replay  -320.0 ps  (composed with core_2_1)",
        "best case: core_3_1 by resize → resize → compose:replay (resize)",
    ] {
        assert!(report.contains(told), "{report}");
    }
    let explained = Explanation::of(&history, "3_1").unwrap().lines.join("\n");
    for told in [
        "compose:replay conflicts=first with=core_2_1 on core_1_1",
        "the edits of core_2_1 since core_0_1 (resize cells=1) merged with those of core_1_1",
        "contradictions, decided for the first branch: 2 gone",
    ] {
        assert!(explained.contains(told), "{explained}");
    }
    let study = &history.controller().program().study();
    let plan = PlanView::new(study, history.controller().program().dag());
    assert!(plan.text().contains("compose:replay"), "{}", plan.text());
    let classes = BTreeMap::from([("resize".to_owned(), EcoClass::PlacementLocal)]);
    let legality = LegalityReport::new(study, &classes, Vec::new()).text();
    assert!(
        legality.contains("asks for     placement_local: resize (composed)"),
        "{legality}"
    );
}

#[test]
fn what_was_not_run_is_told_wherever_it_counts() {
    let origin = CacheHit {
        entry: ContentHash::of("entry"),
        run: ContentHash::of("run"),
        study: "earlier".to_owned(),
        attempt: AttemptId {
            trial: "1_7".parse().unwrap(),
            number: 1,
        },
    };
    let mut events = journal();
    for (_, event) in &mut events {
        let Event::AttemptFinished {
            attempt,
            outcome,
            usage,
            cache,
        } = event
        else {
            continue;
        };
        let is_first = attempt.number == 1 && !matches!(**outcome, Outcome::Failed(_));
        *cache = match attempt.trial.to_string().as_str() {
            "0_0" | "1_1" if is_first => {
                usage.cpu_s = 0.0;
                Some(CacheAnswer::Hit(origin.clone()))
            }
            "2_1" if is_first => Some(CacheAnswer::Miss(CacheMiss::Differs {
                parts: [KeyPart::Constraints, KeyPart::Parent].into(),
                nearest: origin.entry,
            })),
            _ => None,
        };
    }
    let history = History::new(&events).unwrap();
    let summary = Summary::new(&history);
    assert_eq!((summary.trials_cached, summary.base_cached), (1, true));
    let by_stage: Vec<usize> = summary.stages.iter().map(|stage| stage.cached).collect();
    assert_eq!(by_stage.iter().sum::<usize>(), 1);
    assert_eq!(by_stage[1], 1);
    let report = report_text(&history, &summary);
    assert!(report.contains("the base case and 1 of"), "{report}");
    let plain = History::new(&journal()).unwrap();
    assert!(!report_text(&plain, &Summary::new(&plain)).contains("not run, known"));
    let explained = |item: &str| Explanation::of(&history, item).unwrap().lines.join("\n");
    assert!(explained("1_1").contains("known from attempt 1_7.1 of study `earlier`"));
    assert!(explained("0_0").contains("not run: its result was known"));
    let miss = explained("2_1");
    assert!(
        miss.contains(
            "it ran, since its result was not known: the nearest known result differs in the constraints, the \
             parent's design"
        ),
        "{miss}"
    );
    let line = Progress::new(history.controller(), history.status()).line(1.0);
    assert!(line.contains("(1 known, not run)"), "{line}");
}

#[test]
fn the_legality_report_tells_what_is_protected_and_why_hold_may_be_repaired() {
    let identity = identity();
    let told = |study: &Study| LegalityReport::new(study, &BTreeMap::new(), Vec::new()).text();
    let plain = told(&identity.study);
    let protected = "protected    ports, clock network, dont_touch objects, scan chains; fixed cells are unknown \
                     without a placement\n";
    assert!(plain.contains(protected), "{plain}");
    assert!(!plain.contains("ideal hold"), "{plain}");
    let mut study = identity.study;
    study.scenes[0].ideal_hold = Some("no skew yet".to_owned());
    study.safety.protect.scan = Some(false);
    study.safety.protect.dont_touch = Some(false);
    let told = told(&study);
    let reason = "  ideal hold   scene `typical`, because: no skew yet\n";
    assert!(told.contains(reason), "{told}");
    assert!(
        told.contains("protected    ports, clock network; fixed"),
        "{told}"
    );
}
