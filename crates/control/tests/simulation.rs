//! Random DAGs × random outcomes × kills at random steps. A failure prints the seed that reproduces it:
//! `NOODLE2_SIMULATION_SEED=<seed> cargo test -p noodle2-control --test simulation`.

mod support;

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use noodle2_control::{Controller, StageStanding, TrialStanding};
use noodle2_model::{BudgetOwner, Event, RunStatus, StageEnd, StageIndex, TimeKind};
use support::{
    ALONE, Chance, HELD_BACK, Schedule, digest, identity, is_known, limit_time, random_priors,
    random_study, run,
};

const STUDIES: u64 = 1500;

/// What a world which tests anything must see decided and answered.
const DECISIONS: [&str; 25] = [
    "approval_requested",
    "approval_given",
    "approval_refused",
    "approval_expired",
    "vetoed",
    "extra_trials",
    "extra_trials_of_several",
    "round_planned",
    "round_answered",
    "proposer_failed",
    "stage_satisfied",
    "doomed",
    "contained",
    "confirmation_started",
    "promotions_refused",
    "lost_when_routed",
    "study_rail_crossed",
    "trial_cancelled",
    "known",
    "repeat_started",
    "noise_measured",
    "nondeterministic",
    "run_blocked",
    "unstable",
    "fell_back",
];

fn simulate(seed: u64) -> (RunStatus, BTreeSet<&'static str>) {
    let mut chance = Chance(seed);
    let mut identity = identity(random_study(&mut chance));
    if identity.study.priors.is_some() {
        identity.priors = Some(random_priors(&mut chance));
    }
    let world = chance.next();
    let mut schedule = |workers, kill_one_in, memory_bytes| Schedule {
        workers,
        kill_one_in,
        memory_bytes,
        spend_one_in: 0,
        chance: Chance(chance.next()),
    };
    let alone = run(&identity, world, schedule(1, 0, None));
    // Attempts hold up to 1000 bytes: some never fit, some only alone.
    for (workers, kill_one_in, memory_bytes) in [
        (2, 0, None),
        (64, 0, None),
        (3, 12, Some(1500)),
        (8, 4, Some(600)),
    ] {
        let other = run(
            &identity,
            world,
            schedule(workers, kill_one_in, memory_bytes),
        );
        assert_eq!(
            digest(&other),
            digest(&alone),
            "{workers} workers, killed one in {kill_one_in} steps, memory {memory_bytes:?}"
        );
    }
    let replayed = Controller::replay(alone.iter()).unwrap();
    assert_eq!(replayed.recorded_digest(), Some(digest(&alone)));
    let decisions = DECISIONS.into_iter().filter(|name| {
        let is_there = |event: &Event| match event {
            Event::StageStarted {
                vetoed,
                extra_trials,
                ..
            } => match *name {
                "vetoed" => !vetoed.is_empty(),
                "extra_trials" => !extra_trials.is_empty(),
                "extra_trials_of_several" => extra_trials.len() > 1,
                _ => false,
            },
            Event::StageSatisfied { cause, .. } if cause.starts_with("doomed") => *name == "doomed",
            Event::AttemptFinished { .. } => *name == "known" && is_known(event),
            Event::NoiseMeasured { differences, .. } => {
                *name == "noise_measured" || *name == "nondeterministic" && !differences.is_empty()
            }
            Event::PromotionsRefused { cases, .. } => {
                let mut told = cases.values().flatten();
                *name == "promotions_refused"
                    || *name == "unstable"
                        && told
                            .clone()
                            .any(|text| text.contains("nothing gained for sure"))
                    || *name == "lost_when_routed"
                        && told.any(|text| text.starts_with("gain audit: "))
            }
            Event::StageFinished { end, .. } => {
                let fell_back = matches!(
                    end,
                    StageEnd::Completed {
                        fallback: Some(_),
                        ..
                    }
                );
                *name == "fell_back" && fell_back
            }
            _ => serde_json::to_value(event).unwrap()["type"] == **name,
        };
        alone.iter().any(is_there)
    });
    (replayed.status(), decisions.collect())
}

#[test]
fn any_schedule_and_any_kills_give_one_digest() {
    let given = std::env::var("NOODLE2_SIMULATION_SEED");
    let seeds: Vec<u64> = match given {
        Ok(seed) => vec![seed.parse().expect("the seed is a whole number")],
        Err(_) => (0..STUDIES).collect(),
    };
    let mut completed = 0;
    let mut seen = BTreeSet::new();
    for seed in &seeds {
        match std::panic::catch_unwind(|| simulate(*seed)) {
            Ok((status, decisions)) => {
                completed += usize::from(status == RunStatus::Completed);
                seen.extend(decisions);
            }
            Err(panic) => {
                eprintln!("reproduce with NOODLE2_SIMULATION_SEED={seed}");
                std::panic::resume_unwind(panic);
            }
        }
    }
    if seeds.len() > 1 {
        assert_eq!(seen, BTreeSet::from(DECISIONS));
        assert!(
            HELD_BACK.load(Ordering::Relaxed),
            "nothing waited for memory"
        );
        assert!(
            ALONE.load(Ordering::Relaxed),
            "nothing was too large to fit"
        );
        let share = completed * 100 / seeds.len();
        assert!(
            (15..95).contains(&share),
            "{share} % of the studies completed: the world is too kind or too harsh to test anything"
        );
    }
}

/// A study under budgets of time: what is cut short depends on the machine, all else on the rules. Returns what
/// was met.
fn simulate_limited(seed: u64) -> BTreeSet<String> {
    let mut chance = Chance(seed);
    let mut study = random_study(&mut chance);
    limit_time(&mut study, &mut chance);
    let identity = identity(study);
    let world = chance.next();
    let mut met = BTreeSet::new();
    let mut promised = BTreeSet::new();
    for (workers, kill_one_in) in [(1, 0), (3, 12), (64, 0)] {
        let schedule = Schedule {
            workers,
            kill_one_in,
            memory_bytes: None,
            spend_one_in: 6,
            chance: Chance(chance.next()),
        };
        let journal = run(&identity, world, schedule);
        let replayed = Controller::replay(journal.iter()).unwrap();
        assert_eq!(replayed.recorded_digest(), Some(digest(&journal)));
        check_time_spent(&journal, &mut met);
        if replayed.promises_digest() {
            promised.insert(digest(&journal));
        }
    }
    assert!(
        promised.len() < 2,
        "two digests of runs that nothing cut short"
    );
    met
}

/// From the moment at which a budget of time is spent, nothing is tried on it, and nothing else is called off for it.
fn check_time_spent(journal: &[Event], met: &mut BTreeSet<String>) {
    let Event::RunCreated { identity } = &journal[0] else {
        panic!("the first event creates the run");
    };
    let mut controller = Controller::new((**identity).clone()).unwrap();
    for event in &journal[1..] {
        let time_is_up = |stage: StageIndex| {
            let branch = BudgetOwner::Branch(controller.program().branch_of(stage));
            [BudgetOwner::Stage(stage), branch]
                .into_iter()
                .any(|owner| {
                    controller.is_time_spent(owner, TimeKind::Wall)
                        || controller.is_time_spent(owner, TimeKind::Cpu)
                })
        };
        match event {
            Event::TimeSpent { owner, time } => {
                let owner = match owner {
                    BudgetOwner::Stage(_) => "stage",
                    BudgetOwner::Branch(_) => "branch",
                };
                met.insert(format!("{time} of a {owner}"));
            }
            Event::AttemptStarted { attempt } if !attempt.trial.is_base() => {
                assert!(!time_is_up(attempt.trial.stage), "it starts after its time");
            }
            Event::RoundPlanned { stage, .. } => assert!(!time_is_up(*stage)),
            Event::TrialCancelled { trial, cause } if cause.contains("is spent") => {
                assert!(
                    time_is_up(trial.stage),
                    "called off for the time of another"
                );
            }
            Event::StageFinished { stage, end } => {
                let found = &controller.stages()[stage.position()];
                if let Some((counted, cause)) = found.out_of_time() {
                    assert!(time_is_up(*stage), "{cause}");
                    let began = found.standing == StageStanding::Running;
                    let how = match end {
                        StageEnd::Completed { .. } => "completes",
                        _ => "fails",
                    };
                    let tried = ["nothing", "something"][usize::from(counted > 0)];
                    met.insert(format!("out of time with {tried} counted, it {how}"));
                    assert!(began);
                }
            }
            _ => {}
        }
        controller.apply(event).unwrap();
        if matches!(event, Event::StageFinished { .. }) {
            let left = controller.trials().find(|trial| {
                let stage = &controller.stages()[trial.id.stage.position()];
                stage.out_of_time().is_some()
                    && matches!(stage.standing, StageStanding::Finished(_))
                    && trial.standing() == TrialStanding::Waiting
            });
            assert_eq!(
                left, None,
                "a trial of a stage without time is left waiting"
            );
        }
    }
}

#[test]
fn a_spent_budget_of_time_stops_its_own_stage_or_branch_and_nothing_else() {
    let mut met = BTreeSet::new();
    for seed in 0..STUDIES / 5 {
        match std::panic::catch_unwind(|| simulate_limited(seed)) {
            Ok(more) => met.extend(more),
            Err(panic) => {
                eprintln!("seed {seed}");
                std::panic::resume_unwind(panic);
            }
        }
    }
    let expected = [
        "out of time with nothing counted, it completes",
        "out of time with nothing counted, it fails",
        "out of time with something counted, it completes",
        "out of time with something counted, it fails",
        "processor time of a branch",
        "processor time of a stage",
        "wall time of a branch",
        "wall time of a stage",
    ];
    assert_eq!(met.iter().map(String::as_str).collect::<Vec<_>>(), expected);
}
