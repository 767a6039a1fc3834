//! Makespans by hand, bounds that hold, and one set of decisions for any number of workers.

#[path = "../../control/tests/support/mod.rs"]
mod support;

use noodle2_model::{RunStatus, Stage, Study};
use noodle2_simulate::{Durations, Faults, Options, Simulated, Trace, simulate};
use support::{Chance, identity, random_study, stage, study};

fn constant(seconds: f64) -> Durations {
    Durations::Constant(seconds)
}

fn run_with(study: Study, workers: usize, durations: &Durations, faults: Faults) -> Trace {
    let simulated = Simulated::new(identity(study), false).unwrap();
    let options = Options {
        workers,
        memory_bytes: None,
        durations,
        faults,
    };
    simulate(&simulated, &options).unwrap()
}

fn run(study: Study, workers: usize, durations: &Durations) -> Trace {
    run_with(study, workers, durations, Faults::default())
}

/// A stage of so many trials that all differ, and that nothing ends early.
fn many(name: &str, after: &[&str], trials: u32) -> Stage {
    let mut stage = stage(name, after, trials);
    stage.ecos.retain(|eco| eco.name == "buffer");
    stage
}

/// Two branches: five trials and one, then three; nine seconds of work after the base case's one.
fn by_hand() -> Study {
    study(vec![
        many("wide", &[], 5),
        many("thin", &[], 1),
        many("after", &["wide"], 3),
    ])
}

#[test]
fn a_makespan_is_what_it_is_by_hand() {
    let of = |workers| {
        let trace = run(by_hand(), workers, &constant(1.0));
        assert_eq!(trace.status, RunStatus::Completed);
        let bound = trace.bound.unwrap();
        assert_eq!(bound.critical_path_s, 3.0, "base, wide, after");
        assert_eq!(bound.work_s, 10.0);
        assert_eq!(trace.attempts.started, 10);
        (trace.makespan_s, bound.makespan_s)
    };
    assert_eq!(of(1), (10.0, 10.0));
    // The base case alone; wide and thin make three rounds of two, after makes two.
    assert_eq!(of(2), (6.0, 5.0));
    // Six at once, then three at once.
    assert_eq!(of(6), (3.0, 3.0));
    assert_eq!(of(1000), (3.0, 3.0));
    let trace = run(by_hand(), 2, &constant(1.0));
    assert!((trace.utilisation - 10.0 / 12.0).abs() < 1e-9);
    assert!((trace.cpu_hours - 10.0 / 3600.0).abs() < 1e-9);
    let [wide, thin, after] = &trace.stages[..] else {
        panic!("three stages")
    };
    assert_eq!(wide.started_s, Some(1.0));
    assert_eq!(after.started_s, wide.ended_s);
    assert_eq!(after.ended_s, Some(6.0));
    assert_eq!((wide.trials, thin.trials, after.trials), (5, 1, 3));
    assert_eq!(trace.trials.measured, 9);
}

/// Branches of uneven length: with a barrier the short stage of one waits for the long stage of the other.
#[test]
fn no_barrier_is_what_uneven_branches_gain_from() {
    let stages = vec![
        many("long", &[], 4),
        many("short", &[], 1),
        many("after_long", &["long"], 1),
        many("after_short", &["short"], 4),
    ];
    let of = |barrier| {
        let simulated = Simulated::new(identity(study(stages.clone())), barrier).unwrap();
        let options = Options {
            workers: 2,
            memory_bytes: None,
            durations: &constant(1.0),
            faults: Faults::default(),
        };
        simulate(&simulated, &options).unwrap()
    };
    let (free, barred) = (of(false), of(true));
    // Ten seconds of work after the base case, of which two workers never rest.
    assert_eq!(free.makespan_s, 6.0);
    // Five trials take two workers three rounds, twice.
    assert_eq!(barred.makespan_s, 7.0);
    assert_eq!(barred.stages[3].started_s, Some(4.0));
    assert_eq!(free.trials, barred.trials);
}

#[test]
fn faults_are_met_and_lost_workers_tried_again() {
    let faults: Faults = "crash=0.1,timeout=0.05,hang=0.05,kill-worker=0.1"
        .parse()
        .unwrap();
    let mut wide = study(vec![many("wide", &[], 400)]);
    wide.limits.wall_time_s = 50.0;
    let trace = run_with(wide, 10, &constant(1.0), faults);
    let failed = |class: &str| trace.trials.failed.get(class).copied().unwrap_or(0);
    assert!((20..60).contains(&failed("segfault")), "{:?}", trace.trials);
    assert!((5..40).contains(&failed("timeout")));
    assert!((5..40).contains(&failed("timeout_hard")));
    assert!((20..70).contains(&trace.attempts.lost));
    // Lost ones are made again.
    assert_eq!(
        trace.attempts.started,
        401 + trace.attempts.lost - 2 * failed("worker_lost") / 3
    );
    // Each that ran into its limit took all of it.
    let limits = (failed("timeout") + failed("timeout_hard")) as f64;
    let work_s = trace.bound.unwrap().work_s;
    assert!(work_s > limits * 50.0 && work_s < limits * 50.0 + 420.0);
}

#[test]
fn an_attempt_longer_than_its_limit_is_a_timeout() {
    let mut one = study(vec![many("one", &[], 1)]);
    one.limits.wall_time_s = 10.0;
    let trace = run(one.clone(), 1, &constant(9.0));
    assert_eq!(trace.trials.measured, 1);
    let trace = run(one, 1, &constant(11.0));
    assert_eq!(trace.status, RunStatus::Blocked, "even the base case");
    assert_eq!(trace.makespan_s, 10.0);
}

#[test]
fn budgets_of_time_end_a_simulation_too() {
    let mut wide = study(vec![many("wide", &[], 100)]);
    wide.budget.wall_time_s = Some(11.5);
    let trace = run(wide.clone(), 2, &constant(1.0));
    assert_eq!(trace.status, RunStatus::Stopped);
    assert_eq!(trace.makespan_s, 11.5);
    assert_eq!(trace.bound, None);
    assert_eq!(trace.trials.measured, 20);
    assert_eq!(trace.attempts.called_off, 2);
    wide.budget = Default::default();
    wide.stages[0].budget.wall_time_s = Some(4.5);
    let trace = run(wide.clone(), 2, &constant(1.0));
    assert_eq!(trace.stages[0].ended_s, Some(5.5));
    wide.stages[0].budget = Default::default();
    wide.budget.cpu_time_s = Some(30.0);
    let trace = run(wide, 2, &constant(1.0));
    assert_eq!(trace.status, RunStatus::Stopped);
    assert!((trace.cpu_hours * 3600.0 - 31.0).abs() <= 1.0, "{trace:?}");
}

/// Over random studies, faults and numbers of workers: the same decisions, the same twice, and no bound undercut.
#[test]
fn any_number_of_workers_decides_the_same_and_undercuts_no_bound() {
    let durations: Durations = "lognormal:2,0.8".parse().unwrap();
    let faults: Faults = "crash=0.1,kill-worker=0.05".parse().unwrap();
    let (mut completed, mut barred) = (0, 0);
    for seed in 0..150 {
        let mut chance = Chance(seed);
        let study = random_study(&mut chance);
        let simulated = Simulated::new(identity(study), false).unwrap();
        let of = |workers| {
            let options = Options {
                workers,
                memory_bytes: None,
                durations: &durations,
                faults,
            };
            let trace = simulate(&simulated, &options).unwrap();
            let bound = trace.bound.expect("no budget cuts it short");
            let slack = 1e-6 * bound.makespan_s;
            assert!(
                trace.makespan_s >= bound.makespan_s - slack,
                "seed {seed}, {workers} workers: {trace:?}"
            );
            assert!(trace.utilisation <= 1.0 + 1e-9);
            assert!(trace.decisions.is_some());
            trace
        };
        let alone = of(1);
        assert_eq!(of(1), alone, "seed {seed}");
        for workers in [2, 7, 64] {
            assert_eq!(
                of(workers).decisions,
                alone.decisions,
                "seed {seed}, {workers} workers"
            );
        }
        completed += usize::from(alone.status == RunStatus::Completed);
        let behind = Simulated::new(simulated.identity().clone(), true).unwrap();
        let options = Options {
            workers: 3,
            memory_bytes: None,
            durations: &durations,
            faults,
        };
        let trace = simulate(&behind, &options).unwrap();
        barred += usize::from(trace.makespan_s > of(3).makespan_s);
    }
    assert!(
        (20..150).contains(&completed),
        "{completed} of 150 completed"
    );
    assert!(barred > 20, "a barrier cost something in {barred} of 150");
}

/// What a run took is drawn again, by ECO; what it does not know takes what its trials took.
#[test]
fn what_a_run_took_is_drawn_again() {
    use noodle2_control::Controller;
    use noodle2_model::{AttemptUsage, Event};
    let learned = {
        let mut controller = Controller::new(identity(study(vec![stage("only", &[], 6)]))).unwrap();
        let mut ended = 0;
        while controller.recorded_digest().is_none() {
            let decisions = controller.decide(1 - controller.running_attempts().len());
            for event in &decisions {
                controller.apply(event).unwrap();
            }
            if let (true, Some(attempt)) =
                (decisions.is_empty(), controller.running_attempts().first())
            {
                let attempt = *attempt;
                let eco = controller
                    .trial(attempt.trial)
                    .map(|trial| trial.eco.name.clone());
                let wall_s = match eco.as_deref() {
                    Some("buffer") => 3.0,
                    Some(_) => 5.0,
                    None => 2.0,
                };
                let outcome = support::result_of(&controller, attempt, 4);
                let usage = AttemptUsage {
                    wall_s,
                    cpu_s: wall_s / 2.0,
                    peak_memory_bytes: Some(7 << 20),
                    ..AttemptUsage::default()
                };
                // One is known from before, and teaches nothing.
                let event: Event = match ended {
                    3 => support::known(attempt, outcome),
                    _ => support::finished_with(attempt, outcome, usage),
                };
                controller.apply(&event).unwrap();
                ended += 1;
            }
        }
        Durations::learned(&controller).unwrap()
    };
    let only = |eco: &str| {
        let mut stage = stage("only", &[], 10);
        stage.ecos.retain(|entry| entry.name == eco);
        let trace = run(study(vec![stage]), 1, &learned);
        assert_eq!(trace.trials.proposed, 10);
        assert_eq!(trace.peak_memory_bytes, Some(7 << 20));
        assert!((trace.cpu_hours * 7200.0 - trace.makespan_s).abs() < 1e-6);
        trace.makespan_s
    };
    assert_eq!(only("buffer"), 2.0 + 30.0);
    assert_eq!(only("resize"), 2.0 + 50.0);
    // Two fit at once where 15 MiB are there.
    let simulated = Simulated::new(identity(study(vec![many("only", &[], 10)])), false).unwrap();
    let options = Options {
        workers: 8,
        memory_bytes: Some(15 << 20),
        durations: &learned,
        faults: Faults::default(),
    };
    let trace = simulate(&simulated, &options).unwrap();
    assert_eq!(trace.peak_memory_bytes, Some(14 << 20));
    assert_eq!(trace.makespan_s, 2.0 + 15.0);
}
