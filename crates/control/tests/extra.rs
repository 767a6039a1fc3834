//! Trials that stages did not use, and those that draw them, one by one.

mod support;

use noodle2_control::{Controller, StageStanding};
use noodle2_model::{
    AttemptId, Bound, Event, ExtraTrials, Metric, Outcome, ParameterDomain, ParameterValue,
    ProposerKind, Stage, StageIndex, Study,
};
use support::{finished, identity, result_of, stage, study};

/// A stage that stops after one trial without gain.
fn impatient(name: &str, after: &[&str], trials: u32) -> Stage {
    let mut stage = stage(name, after, trials);
    stage.stop.plateau_trials = Some(1);
    stage
}

fn drawing(mut stage: Stage, from: &[&str], at_most: u32) -> Stage {
    stage.extra_trials = Some(ExtraTrials {
        from: from.iter().map(ToString::to_string).collect(),
        at_most,
    });
    stage
}

/// Runs with this many workers, the trial started last ending first; no trial has any effect.
fn run(study: Study, workers: usize) -> Controller {
    let mut controller = Controller::new(identity(study)).unwrap();
    while controller.recorded_digest().is_none() {
        let mut events = controller.decide(workers - controller.running_attempts().len());
        if events.is_empty() {
            let attempt = *controller.running_attempts().last().unwrap();
            let outcome = match attempt.trial.is_base() {
                true => result_of(&controller, attempt, 5),
                false => Outcome::NoEffect,
            };
            events.push(finished(attempt, outcome));
        }
        for event in &events {
            controller.apply(event).unwrap();
        }
    }
    controller
}

fn drawn(controller: &Controller, stage: usize) -> Vec<(u32, u32)> {
    let extra = controller.stages()[stage].extra_trials.iter();
    extra.map(|(source, trials)| (source.0, *trials)).collect()
}

fn proposed(controller: &Controller, stage: u32) -> usize {
    controller.trials_of(StageIndex(stage)).count()
}

#[test]
fn what_a_stage_did_not_use_another_tries_beyond_its_own() {
    let stages = vec![
        impatient("first", &[], 8),
        drawing(stage("other", &[], 2), &["first"], 5),
    ];
    for workers in [1, 3, 64] {
        let controller = run(study(stages.clone()), workers);
        assert_eq!(controller.unused_trials(StageIndex(0)), Some(7));
        assert_eq!(drawn(&controller, 1), [(0, 5)]);
        assert_eq!(controller.allotted_trials(StageIndex(1)), 7);
        assert_eq!(proposed(&controller, 1), 7);
        assert_eq!(controller.unused_trials(StageIndex(1)), Some(0));
    }
}

#[test]
fn several_draw_in_canonical_order_and_nothing_is_given_twice() {
    // `late` stands first in the file; that it waits for `early`, which draws too, puts it last.
    let stages = vec![
        drawing(stage("late", &[], 1), &["first", "early"], 9),
        impatient("first", &[], 6),
        drawing(impatient("early", &[], 4), &["first"], 3),
    ];
    let controller = run(study(stages), 4);
    assert_eq!(drawn(&controller, 2), [(1, 3)]);
    // `early` had 4 + 3 and used one of them.
    assert_eq!(controller.unused_trials(StageIndex(2)), Some(6));
    assert_eq!(drawn(&controller, 0), [(1, 2), (2, 6)]);
    assert_eq!(proposed(&controller, 0), 9);
}

/// The entitlement of `entitled` comes first, whenever it starts.
#[test]
fn what_one_gets_never_depends_on_when_another_starts() {
    let mut slow = stage("slow", &[], 4);
    slow.aborts.no_improvement = true;
    let stages = vec![
        impatient("source", &[], 6),
        slow,
        drawing(stage("entitled", &["slow"], 1), &["source"], 4),
        drawing(stage("other", &[], 1), &["source"], 4),
    ];
    for workers in [1, 64] {
        let controller = run(study(stages.clone()), workers);
        // It is skipped, and what it was entitled to is lost.
        let StageStanding::Finished(noodle2_model::StageEnd::Skipped { .. }) =
            controller.stages()[2].standing
        else {
            panic!("{:?}", controller.stages()[2].standing);
        };
        assert_eq!(drawn(&controller, 2), []);
        assert_eq!(drawn(&controller, 3), [(0, 1)]);
    }
}

#[test]
fn a_stage_that_was_skipped_or_failed_or_ran_dry_used_none_of_the_rest() {
    let mut dry = stage("dry", &[], 9);
    dry.ecos.truncate(1);
    dry.ecos[0].parameters.insert(
        "paths".to_owned(),
        ParameterDomain::Values([1, 2].map(ParameterValue::Integer).to_vec()),
    );
    let mut failing = stage("failing", &[], 5);
    failing.aborts.no_improvement = true;
    let mut bandit = drawing(stage("last", &[], 1), &["dry", "failing", "skipped"], 100);
    bandit.proposer.kind = ProposerKind::Bandit;
    bandit.proposer.round = Some(4);
    let stages = vec![dry, failing, stage("skipped", &["failing"], 3), bandit];
    let controller = run(study(stages), 2);
    assert_eq!(drawn(&controller, 3), [(0, 7), (2, 3)]);
    assert_eq!(proposed(&controller, 3), 11);
}

#[test]
fn drawing_another_number_or_before_the_source_ended_is_refused() {
    let stages = vec![
        impatient("first", &[], 8),
        drawing(stage("other", &[], 2), &["first"], 5),
    ];
    let mut controller = Controller::new(identity(study(stages))).unwrap();
    let settle = |controller: &mut Controller| loop {
        let events = controller.decide(1 - controller.running_attempts().len());
        if let Some(Event::StageStarted {
            stage: StageIndex(1),
            ..
        }) = events.first()
        {
            return Some(events[0].clone());
        }
        if events.is_empty() {
            return None;
        }
        for event in &events {
            controller.apply(event).unwrap();
        }
    };
    let end = |controller: &mut Controller, trial: &str| {
        let attempt = AttemptId {
            trial: trial.parse().unwrap(),
            number: 1,
        };
        let outcome = match attempt.trial.is_base() {
            true => result_of(controller, attempt, 5),
            false => Outcome::NoEffect,
        };
        controller.apply(&finished(attempt, outcome)).unwrap();
    };
    settle(&mut controller);
    end(&mut controller, "0_0");
    assert_eq!(settle(&mut controller), None, "it waits");
    assert_eq!(controller.stages()[1].standing, StageStanding::Waiting);
    let started = |trials: u32| Event::StageStarted {
        stage: StageIndex(1),
        inputs: controller_inputs(),
        missing: Vec::new(),
        vetoed: Vec::new(),
        extra_trials: vec![(StageIndex(0), trials)],
    };
    assert!(controller.apply(&started(5)).is_err());
    end(&mut controller, "0_1");
    assert_eq!(settle(&mut controller), Some(started(5)));
    assert!(controller.apply(&started(6)).is_err());
    assert!(controller.apply(&started(4)).is_err());
    controller.apply(&started(5)).unwrap();
}

fn controller_inputs() -> Vec<noodle2_model::StageInput> {
    vec![noodle2_model::StageInput {
        case: noodle2_model::CaseName::base("core"),
        identical: Vec::new(),
    }]
}

/// More trials make a target reachable that would be out of reach.
#[test]
fn extra_trials_count_among_those_that_are_left() {
    let doomed = |extra: u32| {
        let mut last = drawing(stage("last", &[], 3), &["first"], extra);
        last.stop.target = vec![Bound {
            min: Some(-400.0),
            ..Bound::of(Metric::SetupWns)
        }];
        last.stop.doomed_after = Some(1);
        let controller = run(study(vec![impatient("first", &[], 8), last]), 1);
        let (_, cause) = controller.stages()[1].satisfied().unwrap().clone();
        cause
    };
    assert!(doomed(1).contains("the 3 left"), "{}", doomed(1));
    assert!(doomed(4).contains("the 6 left"), "{}", doomed(4));
}
