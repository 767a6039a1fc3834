//! Random DAGs × random outcomes × kills at random steps. A failure prints the seed that reproduces it:
//! `NOODLE2_SIMULATION_SEED=<seed> cargo test -p noodle2-control --test simulation`.

mod support;

use std::collections::BTreeSet;

use noodle2_control::Controller;
use noodle2_model::{Event, RunStatus, StageEnd};
use support::{Chance, Schedule, digest, identity, is_known, random_priors, random_study, run};

const STUDIES: u64 = 1500;

/// What a world which tests anything must see decided and answered.
const DECISIONS: [&str; 21] = [
    "approval_requested",
    "approval_given",
    "approval_refused",
    "approval_expired",
    "vetoed",
    "round_planned",
    "round_answered",
    "proposer_failed",
    "stage_satisfied",
    "contained",
    "confirmation_started",
    "promotions_refused",
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
    let mut schedule = |workers, kill_one_in| Schedule {
        workers,
        kill_one_in,
        chance: Chance(chance.next()),
    };
    let alone = run(&identity, world, schedule(1, 0));
    for (workers, kill_one_in) in [(2, 0), (64, 0), (3, 12), (8, 4)] {
        let other = run(&identity, world, schedule(workers, kill_one_in));
        assert_eq!(
            digest(&other),
            digest(&alone),
            "{workers} workers, killed one in {kill_one_in} steps"
        );
    }
    let replayed = Controller::replay(alone.iter()).unwrap();
    assert_eq!(replayed.recorded_digest(), Some(digest(&alone)));
    let decisions = DECISIONS.into_iter().filter(|name| {
        let is_there = |event: &Event| match event {
            Event::StageStarted { vetoed, .. } => *name == "vetoed" && !vetoed.is_empty(),
            Event::AttemptFinished { .. } => *name == "known" && is_known(event),
            Event::NoiseMeasured { differences, .. } => {
                *name == "noise_measured" || *name == "nondeterministic" && !differences.is_empty()
            }
            Event::PromotionsRefused { cases, .. } => {
                let mut told = cases.values().flatten();
                *name == "promotions_refused"
                    || *name == "unstable"
                        && told.any(|text| text.contains("nothing gained for sure"))
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
        let share = completed * 100 / seeds.len();
        assert!(
            (15..95).contains(&share),
            "{share} % of the studies completed: the world is too kind or too harsh to test anything"
        );
    }
}
