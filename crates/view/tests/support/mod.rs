//! Runs that are made up: the very controller, with attempts that are drawn from their trial. Nothing here was measured.
#![allow(dead_code, reason = "each test file uses its own part")]

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use noodle2_control::{AttemptRole, Controller};
use noodle2_model::{
    AttemptId, AttemptUsage, ContentHash, DesignState, EquivalenceProof, EquivalenceVerdict, Event,
    Failure, FailureClass, Measurement, Metric, MetricSet, Outcome, RunIdentity,
};
use noodle2_view::History;

/// A study with a common stage, two branches of which one is longer, and a join; so many trials a stage.
pub fn branching(trials: u32) -> RunIdentity {
    let eco = |name: &str| {
        serde_json::json!({
            "manifest": {
                "name": name, "version": 1, "class": "placement_local", "engines": ["opensta"],
                "description": "made up", "changes_connectivity": false,
                "parameters": {"cells": {"description": "how many", "type": "integer", "min": 1, "max": 100_000, "default": 1}},
                "implementation": {"tcl": "eco.tcl"},
            },
            "content": ContentHash::of(name),
        })
    };
    let cells: Vec<u32> = (1..=trials).collect();
    let stage = |name: &str, after: &[&str]| {
        let ecos = ["resize", "buffer_long_nets", "swap_vt"];
        let ecos: Vec<_> = ecos
            .iter()
            .map(|eco| serde_json::json!({"name": eco, "parameters": {"cells": cells}}))
            .collect();
        serde_json::json!({
            "name": name, "after": after, "trials": trials, "survivors": 2.min(trials), "ecos": ecos,
            "proposer": {"kind": "random"},
        })
    };
    serde_json::from_value(serde_json::json!({
        "noodle2_version": "0",
        "study": {
            "name": "made-up",
            "seed": 7,
            "design": {"case_name": "core", "top": "core", "netlists": ["core.v"], "platform": "osu018"},
            "scenes": [{"name": "typical", "sdc": ["core.sdc"]}],
            "engine": {"kind": "opensta"},
            "objective": {"rank": ["setup_wns_ps", "area_um2"]},
            "budget": {"trials": trials * 5, "cpu_time_s": f64::from(trials) * 100.0},
            "stages": [
                stage("common", &[]),
                stage("timing", &["common"]),
                stage("area", &["common"]),
                stage("timing_more", &["timing"]),
                stage("join", &["timing_more", "area"]),
            ],
        },
        "study_hash": ContentHash::of("study"),
        "study_file": ContentHash::of("study"),
        "study_folder": "/studies",
        "tools": [],
        "inputs": [],
        "ecos": {"resize": eco("resize"), "buffer_long_nets": eco("buffer_long_nets"), "swap_vt": eco("swap_vt")},
    }))
    .unwrap()
}

/// How a run is made up.
pub struct MadeUp {
    identity: RunIdentity,
    workers: usize,
    tells_workers: bool,
    pauses: bool,
    powerless: Option<u8>,
}

impl MadeUp {
    pub fn new(identity: RunIdentity) -> Self {
        Self {
            identity,
            workers: 3,
            tells_workers: true,
            pauses: false,
            powerless: None,
        }
    }

    /// As journals of before have it.
    pub fn without_workers(mut self) -> Self {
        self.tells_workers = false;
        self
    }

    /// Killed once, when some trials of the second stage are done, and resumed eight hours later.
    pub fn pausing(mut self) -> Self {
        self.pauses = true;
        self
    }

    /// About one in so many cases has no power.
    pub fn without_power_of(mut self, one_in: u8) -> Self {
        self.powerless = Some(one_in);
        self
    }

    pub fn history(self) -> History {
        History::new(&self.events()).unwrap()
    }

    pub fn events(self) -> Vec<(Timestamp, Event)> {
        let start: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let mut shift_ms = 0;
        let mut controller = Controller::new(self.identity.clone()).unwrap();
        let mut events = Vec::new();
        let mut now_ms = 0;
        let at = |ms: i64| start.checked_add(SignedDuration::from_millis(ms)).unwrap();
        let identity = Box::new(self.identity.clone());
        events.push((at(0), Event::RunCreated { identity }));
        let offered = Event::WorkersOffered {
            workers: self.workers as u32,
            cluster: None,
        };
        events.push((at(0), offered.clone()));
        // When each attempt that runs ends, on which worker it is, and when it began.
        let mut ends: BTreeSet<(i64, AttemptId, u32, i64)> = BTreeSet::new();
        let mut is_paused = !self.pauses;
        loop {
            let free = self.workers - ends.len();
            let decisions = controller.decide(free);
            for event in &decisions {
                controller.apply(event).unwrap();
                events.push((at(now_ms + shift_ms), event.clone()));
                let (Event::AttemptStarted { attempt }
                | Event::ConfirmationStarted { attempt }
                | Event::RepeatStarted { attempt, .. }) = event
                else {
                    continue;
                };
                let busy: Vec<u32> = ends.iter().map(|(_, _, worker, _)| *worker).collect();
                let worker = (0..).find(|worker| !busy.contains(worker)).unwrap();
                let took = 400 + i64::from(byte(*attempt, 0)) * 12;
                ends.insert((now_ms + took, *attempt, worker, now_ms));
            }
            if controller.recorded_digest().is_some() {
                return events;
            }
            if !decisions.is_empty() {
                continue;
            }
            let done = controller
                .trials_of(noodle2_model::StageIndex(1))
                .filter(|trial| trial.verdict().is_some())
                .count();
            if !is_paused && done >= 2 {
                is_paused = true;
                shift_ms += 8 * 3_600_000;
                for event in [Event::RunResumed, offered.clone()] {
                    controller.apply(&event).unwrap();
                    events.push((at(now_ms + shift_ms), event));
                }
                for (_, attempt, ..) in std::mem::take(&mut ends) {
                    let event = finished(
                        attempt,
                        failed(FailureClass::Interrupted, None),
                        AttemptUsage::default(),
                    );
                    controller.apply(&event).unwrap();
                    events.push((at(now_ms + shift_ms), event));
                }
                continue;
            }
            let (end, attempt, worker, began) = ends
                .pop_first()
                .expect("nothing runs and nothing is decided");
            now_ms = end;
            let seconds = (end - began) as f64 / 1000.0;
            let usage = AttemptUsage {
                wall_s: seconds * 0.8,
                cpu_s: seconds * 0.7,
                worker: self.tells_workers.then_some(worker),
                ..AttemptUsage::default()
            };
            let event = finished(attempt, self.outcome(&controller, attempt), usage);
            controller.apply(&event).unwrap();
            events.push((at(now_ms + shift_ms), event));
        }
    }

    fn outcome(&self, controller: &Controller, attempt: AttemptId) -> Outcome {
        let case = attempt.trial.case("core");
        if controller.role_of(attempt) == Some(AttemptRole::Confirms) {
            let mut again = (*controller.cases()[&case].measurement).clone();
            again.equivalence = Some(EquivalenceProof {
                verdict: EquivalenceVerdict::Equal,
                points: 4,
                by_structure: 4,
                by_proof: 0,
                cells: 0,
                sat_calls: 0,
                conflicts: 0,
            });
            return Outcome::from(again);
        }
        let Some(trial) = controller.trial(attempt.trial) else {
            return measured("base", -500.0, 1000.0, Some(0.002));
        };
        let parent = &controller.cases()[&trial.parent].measurement.overall;
        let share = |place| f64::from(byte(attempt, place)) / 255.0;
        match byte(attempt, 1) {
            0..12 => return failed(FailureClass::ToolError, Some("STA-0101")),
            12..20 => return failed(FailureClass::Timeout, None),
            20..40 => return Outcome::NoEffect,
            _ => {}
        }
        let reach = match trial.eco.name.as_str() {
            "resize" => 80.0,
            "buffer_long_nets" => 40.0,
            _ => 15.0,
        };
        let wns = parent.get(Metric::SetupWns).unwrap() + reach * (share(2) - 0.35);
        let area = parent.get(Metric::Area).unwrap() * (0.995 + 0.02 * share(3));
        let is_powerless = self
            .powerless
            .is_some_and(|one_in| byte(attempt, 4).is_multiple_of(one_in));
        let power = (!is_powerless).then_some(area * 2e-6 * (0.95 + 0.1 * share(5)));
        measured(&attempt.to_string(), wns.min(0.0), area, power)
    }
}

fn byte(attempt: AttemptId, place: usize) -> u8 {
    ContentHash::of(format!("made up {attempt}")).as_bytes()[place]
}

fn finished(attempt: AttemptId, outcome: Outcome, usage: AttemptUsage) -> Event {
    Event::AttemptFinished {
        attempt,
        outcome: Box::new(outcome),
        usage,
        cache: None,
    }
}

fn failed(class: FailureClass, tool_code: Option<&str>) -> Outcome {
    Outcome::Failed(Failure {
        class,
        tool_code: tool_code.map(str::to_owned),
        message: "made up".to_owned(),
        excerpt: String::new(),
    })
}

fn measured(design: &str, wns: f64, area: f64, power: Option<f64>) -> Outcome {
    let hash = ContentHash::of(format!("made up {design}"));
    let mut overall: MetricSet = [
        (Metric::SetupWns, wns),
        (Metric::SetupWs, wns),
        (Metric::Area, area),
    ]
    .into_iter()
    .collect();
    if let Some(power) = power {
        overall.insert(Metric::Power, power);
    }
    Outcome::from(Measurement {
        design: DesignState {
            canonical: hash,
            netlist: hash,
            placement: None,
        },
        overall,
        scenes: Default::default(),
        estimated: Default::default(),
        routed: Default::default(),
        findings: Vec::new(),
        edits: Default::default(),
        conflicts: Default::default(),
        blast_radius: None,
        equivalence: None,
        paths: Vec::new(),
        steps: Vec::new(),
        marks: Default::default(),
    })
}
