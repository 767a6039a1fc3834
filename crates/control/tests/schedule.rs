//! What is learned of costs, and what starts first and what waits for it.

mod support;

use std::collections::BTreeMap;

use noodle2_control::{Controller, Offer};
use noodle2_model::{
    AttemptId, AttemptUsage, Event, FailureClass, Measurement, Metric, Outcome, Stage, TrialId,
};
use support::{finished_with, identity, known, lost, result_of, stage, study};

/// A run of which a test says when attempts end, and what they used.
struct Run {
    controller: Controller,
    memory_bytes: Option<u64>,
    workers: usize,
    /// Every attempt that started, in order.
    started: Vec<String>,
}

impl Run {
    fn new(stages: Vec<Stage>, workers: usize) -> Self {
        let mut study = study(stages);
        study.limits.memory_mib = 4096;
        Self {
            controller: Controller::new(identity(study)).unwrap(),
            memory_bytes: None,
            workers,
            started: Vec::new(),
        }
    }

    /// Starts all that may start.
    fn advance(&mut self) {
        loop {
            let free_workers = self.workers - self.controller.running_attempts().len();
            let memory_bytes = self.memory_bytes;
            let decisions = self.controller.decide(Offer {
                free_workers,
                memory_bytes,
            });
            if decisions.is_empty() {
                return;
            }
            for event in decisions {
                if let Event::AttemptStarted { attempt } = event {
                    self.started.push(attempt.trial.to_string());
                }
                self.controller.apply(&event).unwrap();
            }
        }
    }

    fn end(&mut self, trial: &str, outcome: Outcome, wall_s: f64, memory: u64) {
        let usage = AttemptUsage {
            wall_s,
            cpu_s: wall_s,
            peak_memory_bytes: (memory > 0).then_some(memory),
            ..AttemptUsage::default()
        };
        let event = finished_with(self.attempt(trial), outcome, usage);
        self.controller.apply(&event).unwrap();
        self.advance();
    }

    fn attempt(&self, trial: &str) -> AttemptId {
        let trial: TrialId = trial.parse().unwrap();
        let mut running = self.controller.running_attempts().iter();
        *running.find(|attempt| attempt.trial == trial).unwrap()
    }

    /// Starts with a base case of so many cells, measured in a second.
    fn measure_base(&mut self, cells: Option<f64>, memory: u64) {
        self.advance();
        let base = self.attempt("0_0");
        let Outcome::Measured(measurement) = result_of(&self.controller, base, 1) else {
            unreachable!()
        };
        let mut measurement = (*measurement).clone();
        if let Some(cells) = cells {
            measurement.overall.insert(Metric::CellCount, cells);
        }
        self.end("0_0", Outcome::from(measurement), 1.0, memory);
    }

    fn expected_s(&self, trial: &str) -> f64 {
        let costs = self.controller.expected_costs(trial.parse().unwrap());
        costs.0.unwrap()
    }

    fn running(&self) -> Vec<String> {
        let running = self.controller.running_attempts().iter();
        running.map(|attempt| attempt.trial.to_string()).collect()
    }
}

/// A stage that tries one of the ECOs with so many values.
fn stage_of(name: &str, after: &[&str], eco: &str, trials: u32) -> Stage {
    let mut stage = stage(name, after, trials);
    stage.ecos.retain(|entry| entry.name == eco);
    stage.safety.containment = Default::default();
    stage
}

#[test]
fn what_an_eco_took_is_what_it_is_expected_to_take() {
    let mut run = Run::new(vec![stage("only", &[], 6)], 6);
    run.measure_base(None, 0);
    assert_eq!(run.expected_s("0_1"), 1.0, "as long as the base case");
    let ecos: BTreeMap<String, String> = run
        .controller
        .trials()
        .map(|trial| (trial.id.to_string(), trial.eco.name.clone()))
        .collect();
    let of = |name: &str| -> Vec<String> {
        let own = ecos.iter().filter(|(_, eco)| *eco == name);
        own.map(|(trial, _)| trial.clone()).collect()
    };
    let (resize, buffer) = (of("resize"), of("buffer"));
    run.end(&resize[0], Outcome::NoEffect, 10.0, 0);
    assert_eq!(run.expected_s(&resize[1]), 10.0);
    assert_eq!(run.expected_s(&buffer[0]), 10.0, "the mean of its stage");
    // The first attempts on a case load it.
    run.end(&buffer[0], Outcome::NoEffect, 4.0, 0);
    assert_eq!(run.expected_s(&buffer[1]), 4.0);
    assert_eq!(run.expected_s(&resize[1]), 10.0);
    run.end(&resize[1], Outcome::NoEffect, 20.0, 0);
    assert_eq!(run.expected_s(&resize[2]), 15.0);
}

#[test]
fn the_first_attempt_on_a_case_tells_what_loading_it_costs() {
    let stages = vec![
        stage_of("left", &[], "resize", 3),
        stage_of("right", &["left"], "resize", 2),
    ];
    let mut run = Run::new(stages, 1);
    run.measure_base(None, 0);
    run.end("0_1", Outcome::NoEffect, 30.0, 0);
    assert_eq!(run.expected_s("0_2"), 30.0, "nothing else is known");
    run.end("0_2", Outcome::NoEffect, 10.0, 0);
    assert_eq!(run.expected_s("0_3"), 10.0, "the case is loaded by now");
}

#[test]
fn what_was_known_cut_short_or_not_timed_teaches_nothing() {
    let mut run = Run::new(vec![stage_of("only", &[], "resize", 5)], 5);
    run.measure_base(None, 0);
    for event in [
        known(run.attempt("0_1"), Outcome::NoEffect),
        lost(run.attempt("0_2"), FailureClass::Interrupted),
    ] {
        run.controller.apply(&event).unwrap();
    }
    run.advance();
    let cut = finished_with(
        run.attempt("0_3"),
        match lost(run.attempt("0_3"), FailureClass::WorkerLost) {
            Event::AttemptFinished { outcome, .. } => *outcome,
            _ => unreachable!(),
        },
        AttemptUsage {
            wall_s: 500.0,
            peak_memory_bytes: Some(1 << 30),
            ..AttemptUsage::default()
        },
    );
    run.controller.apply(&cut).unwrap();
    run.end("0_4", Outcome::NoEffect, 0.0, 1 << 30);
    assert_eq!(run.expected_s("0_5"), 1.0);
    assert_eq!(run.controller.expected_memory_in_use_bytes(), 0);
}

#[test]
fn an_attempt_on_a_larger_design_is_expected_to_take_longer_and_hold_more() {
    let mut next = stage_of("next", &["only"], "resize", 2);
    next.parent_competes = false;
    let mut only = stage_of("only", &[], "resize", 1);
    only.survivors = 1;
    only.parent_competes = false;
    let mut run = Run::new(vec![only, next], 1);
    run.measure_base(Some(1000.0), 50);
    let twice = |run: &Run| {
        let base = run.controller.base_case().unwrap().measurement.clone();
        let mut measurement: Measurement = (*base).clone();
        measurement.design.canonical = noodle2_model::ContentHash::of("twice as large");
        measurement.overall.insert(Metric::CellCount, 2000.0);
        measurement.overall.insert(Metric::SetupWns, -1.0);
        Outcome::from(measurement)
    };
    let outcome = twice(&run);
    run.end("0_1", outcome, 7.0, 100);
    assert_eq!(run.running(), ["1_1"]);
    assert_eq!(run.expected_s("1_2"), 14.0);
    assert_eq!(
        run.controller
            .expected_memory_bytes(run.attempt("1_1"))
            .unwrap(),
        200
    );
}

/// Trials of the short stage take a second, those of the long one ten: fewer, and more work.
#[test]
fn the_longest_path_in_seconds_goes_first() {
    let stages = vec![
        stage_of("learn", &[], "resize", 1),
        stage_of("also", &[], "buffer", 1),
        stage_of("many", &["learn"], "resize", 5),
        stage_of("slow", &["also"], "buffer", 3),
    ];
    let mut run = Run::new(stages, 2);
    run.measure_base(None, 0);
    assert_eq!(run.started[1..], ["0_1", "1_1"]);
    run.end("0_1", Outcome::NoEffect, 1.0, 0);
    assert_eq!(run.running(), ["1_1", "2_1"]);
    run.end("1_1", Outcome::NoEffect, 10.0, 0);
    // Before a trial of it ended the slow stage has 30 seconds left, the other 4.
    run.end("2_1", Outcome::NoEffect, 1.0, 0);
    assert_eq!(run.started[3..], ["2_1", "3_1", "3_2"]);
}

/// With enough workers a stage lasts as long as its longest trial, and no longer for having many.
#[test]
fn many_workers_make_a_chain_longer_than_a_crowd() {
    let chain = ["a", "b", "c"];
    let mut stages = vec![stage_of("crowd", &[], "resize", 8)];
    for (place, name) in chain.iter().enumerate() {
        let after: Vec<&str> = chain[..place].last().copied().into_iter().collect();
        stages.push(stage_of(name, &after, "buffer", 1));
    }
    let first = |workers: usize| {
        let mut run = Run::new(stages.clone(), workers);
        run.measure_base(None, 0);
        run.started[1].clone()
    };
    assert_eq!(first(1), "0_1");
    assert_eq!(first(8), "1_1");
}

#[test]
fn what_does_not_fit_waits_and_is_not_overtaken() {
    let mut run = Run::new(vec![stage_of("only", &[], "resize", 6)], 4);
    run.memory_bytes = Some(250);
    run.measure_base(None, 100);
    assert_eq!(run.running(), ["0_1", "0_2"], "a third would make it 300");
    run.end("0_1", Outcome::NoEffect, 1.0, 120);
    // 100 are held, and 120 fit beside them.
    assert_eq!(run.running(), ["0_2", "0_3"]);
    run.end("0_3", Outcome::NoEffect, 1.0, 300);
    // 300 fit nowhere: it runs alone, when the other has ended.
    assert_eq!(run.running(), ["0_2"]);
    run.end("0_2", Outcome::NoEffect, 1.0, 100);
    assert_eq!(run.running(), ["0_4"]);
    let alone = run.attempt("0_4");
    assert_eq!(run.controller.expected_memory_bytes(alone), Some(300));
    run.end("0_4", Outcome::NoEffect, 1.0, 100);
    assert_eq!(run.running(), ["0_5"]);
}

/// Slow trials that start last keep a stage waiting; where nothing counts in the order of proposals they start first.
#[test]
fn long_trials_start_first_unless_something_counts_in_order() {
    let order = |stop: bool| {
        let mut next = stage("next", &["learn"], 6);
        next.safety.containment = Default::default();
        if stop {
            next.stop.plateau_trials = Some(5);
        }
        let learn = stage("learn", &[], 2);
        let mut run = Run::new(vec![learn, next], 1);
        run.measure_base(None, 0);
        for trial in ["0_1", "0_2"] {
            let id: TrialId = trial.parse().unwrap();
            let is_slow = run.controller.trial(id).unwrap().eco.name == "buffer";
            run.end(trial, Outcome::NoEffect, if is_slow { 9.0 } else { 1.0 }, 0);
        }
        while let [trial] = &run.running()[..] {
            let id: TrialId = trial.parse().unwrap();
            let is_slow = run.controller.trial(id).unwrap().eco.name == "buffer";
            run.end(trial, Outcome::NoEffect, if is_slow { 9.0 } else { 1.0 }, 0);
        }
        let ecos = run.started[3..].iter().map(|trial| {
            let id: TrialId = trial.parse().unwrap();
            run.controller.trial(id).unwrap().eco.name.clone()
        });
        (ecos.collect::<Vec<String>>(), run.started[3..].to_vec())
    };
    let (ecos, started) = order(false);
    let slow = ecos.iter().filter(|eco| *eco == "buffer").count();
    assert!(slow > 0 && slow < 6, "{ecos:?}");
    assert!(ecos[..slow].iter().all(|eco| eco == "buffer"), "{ecos:?}");
    assert_ne!(started, sorted(&started));
    let (_, started) = order(true);
    assert_eq!(started, sorted(&started));
}

fn sorted(trials: &[String]) -> Vec<String> {
    let mut sorted = trials.to_vec();
    sorted.sort();
    sorted
}
