//! The rules of a run, one by one, on small studies whose outcomes are spelt out.

mod support;

use std::collections::{BTreeMap, BTreeSet};

use noodle2_control::{Controller, StageStanding, TrialStanding};
use noodle2_model::{
    AttemptId, ContentHash, DesignState, Event, FailureClass, Finding, FindingKind, Join,
    JoinMerge, JoinPolicy, Measurement, Metric, Outcome, ParameterDomain, ParameterValue,
    RunStatus, Stage, StageEco, StageEnd, StageIndex, TrialId,
};
use support::{finished, identity, lost, stage, study, survivors};

/// A case with this WNS; its area is that of the base, its design follows from `design`.
fn case(design: &str, wns: f64) -> Outcome {
    case_with_area(design, wns, 1000.0)
}

fn case_with_area(design: &str, wns: f64, area: f64) -> Outcome {
    let hash = ContentHash::of(design);
    Outcome::from(Measurement {
        design: DesignState {
            canonical: hash,
            netlist: hash,
            placement: None,
        },
        overall: [(Metric::SetupWns, wns), (Metric::Area, area)]
            .into_iter()
            .collect(),
        scenes: BTreeMap::new(),
        estimated: BTreeMap::new(),
        routed: BTreeMap::new(),
        findings: Vec::new(),
        edits: BTreeMap::new(),
        conflicts: BTreeMap::new(),
        blast_radius: None,
        equivalence: None,
        paths: Vec::new(),
        steps: Vec::new(),
        marks: Default::default(),
    })
}

fn failure() -> Outcome {
    match lost(
        AttemptId {
            trial: TrialId::BASE,
            number: 1,
        },
        FailureClass::ToolError,
    ) {
        Event::AttemptFinished { outcome, .. } => *outcome,
        _ => unreachable!(),
    }
}

/// Runs with one worker; trials that `outcomes` does not name have no effect. Returns the run where it
/// ended or where `until` held.
fn run_until(
    stages: Vec<Stage>,
    outcomes: &[(&str, Outcome)],
    until: impl Fn(&Controller) -> bool,
) -> Controller {
    let outcomes: BTreeMap<TrialId, &Outcome> = outcomes
        .iter()
        .map(|(id, outcome)| (id.parse().unwrap(), outcome))
        .collect();
    let mut controller = Controller::new(identity(study(stages))).unwrap();
    while controller.recorded_digest().is_none() && !until(&controller) {
        let decisions = controller.decide(1 - controller.running_attempts().len());
        for event in &decisions {
            controller.apply(event).unwrap();
        }
        if decisions.is_empty() {
            let attempt = *controller.running_attempts().first().unwrap();
            let outcome = match outcomes.get(&attempt.trial) {
                Some(outcome) => (*outcome).clone(),
                None if attempt.trial.is_base() => case("base", -500.0),
                None => Outcome::NoEffect,
            };
            controller.apply(&finished(attempt, outcome)).unwrap();
        }
    }
    controller
}

fn run(stages: Vec<Stage>, outcomes: &[(&str, Outcome)]) -> Controller {
    run_until(stages, outcomes, |_| false)
}

fn passed_on(controller: &Controller, stage: u32) -> Vec<String> {
    survivors(controller, StageIndex(stage))
        .iter()
        .map(ToString::to_string)
        .collect()
}

fn inputs(controller: &Controller, stage: usize) -> Vec<String> {
    controller.stages()[stage]
        .inputs
        .iter()
        .map(|input| input.case.to_string())
        .collect()
}

/// root → (left, right) → join, two trials each, one survivor each.
fn diamond(join: Join) -> Vec<Stage> {
    let mut stages = vec![
        stage("root", &[], 2),
        stage("left", &["root"], 2),
        stage("right", &["root"], 2),
        stage("join", &["left", "right"], 0),
    ];
    stages[3].ecos.clear();
    stages[3].join = Some(join);
    stages
}

fn policy(policy: JoinPolicy) -> Join {
    Join {
        policy,
        ..Join::default()
    }
}

#[test]
fn the_parent_competes_and_keeps_its_name() {
    let controller = run(
        vec![stage("only", &[], 2)],
        &[("0_1", case("worse", -600.0)), ("0_2", failure())],
    );
    assert_eq!(passed_on(&controller, 0), ["core_0_0"]);
    assert_eq!(controller.status(), RunStatus::Completed);
}

#[test]
fn told_to_a_stage_passes_on_worse_than_it_got() {
    let mut only = stage("only", &[], 2);
    only.parent_competes = false;
    let controller = run(vec![only], &[("0_1", case("worse", -600.0))]);
    assert_eq!(passed_on(&controller, 0), ["core_0_1"]);
}

#[test]
fn survivors_are_ranked_by_objective_then_by_name() {
    let mut only = stage("only", &[], 4);
    only.survivors = 3;
    let controller = run(
        vec![only],
        &[
            ("0_1", case("a", -300.0)),
            ("0_2", case("b", -200.0)),
            ("0_3", case("c", -300.0)),
            ("0_4", case_with_area("d", -300.0, 990.0)),
        ],
    );
    assert_eq!(
        passed_on(&controller, 0),
        ["core_0_2", "core_0_4", "core_0_1"]
    );
}

#[test]
fn a_case_beyond_a_bound_or_without_the_metric_does_not_survive() {
    let no_area = Outcome::from(Measurement {
        overall: [(Metric::SetupWns, -10.0)].into_iter().collect(),
        ..match case("b", 0.0) {
            Outcome::Measured(measurement) => std::sync::Arc::unwrap_or_clone(measurement),
            _ => unreachable!(),
        }
    });
    let controller = run(
        vec![stage("only", &[], 2)],
        &[
            ("0_1", case_with_area("a", -10.0, 1201.0)),
            ("0_2", no_area),
        ],
    );
    assert_eq!(passed_on(&controller, 0), ["core_0_0"]);
    let missing = controller.trial("0_2".parse().unwrap()).unwrap();
    assert_eq!(
        missing.failure().unwrap().class,
        FailureClass::MetricMissing
    );
}

#[test]
fn identical_designs_take_one_place_among_survivors() {
    let controller = run(
        vec![stage("only", &[], 3)],
        &[
            ("0_1", case("same", -300.0)),
            ("0_2", case("same", -300.0)),
            ("0_3", case("other", -400.0)),
        ],
    );
    assert_eq!(passed_on(&controller, 0), ["core_0_1", "core_0_3"]);
}

#[test]
fn union_takes_the_branches_survivors_by_stage_and_rank_and_keeps_every_parent() {
    let mut stages = diamond(Join::default());
    stages[3] = stage("join", &["left", "right"], 2);
    let controller = run(
        stages,
        &[
            ("1_1", case("x", -400.0)),
            ("1_2", case("y", -300.0)),
            ("2_1", case("y", -300.0)),
            ("2_2", case("z", -450.0)),
            ("3_1", case("merged", -100.0)),
        ],
    );
    assert_eq!(inputs(&controller, 3), ["core_1_2", "core_1_1", "core_2_2"]);
    let joined = &controller.cases()[&"core_3_1".parse().unwrap()];
    let parents: Vec<String> = joined.parents.iter().map(ToString::to_string).collect();
    assert_eq!(parents, ["core_1_2", "core_2_1"]);
}

#[test]
fn top_keeps_the_best_of_all_branches_and_best_per_branch_one_each() {
    let outcomes = [
        ("1_1", case("a", -100.0)),
        ("1_2", case("b", -200.0)),
        ("2_1", case("c", -300.0)),
    ];
    let top = Join {
        merge: JoinMerge::Top,
        keep: Some(2),
        ..Join::default()
    };
    assert_eq!(
        inputs(&run(diamond(top), &outcomes), 3),
        ["core_1_1", "core_1_2"]
    );
    let best = Join {
        merge: JoinMerge::BestPerBranch,
        ..Join::default()
    };
    assert_eq!(
        inputs(&run(diamond(best), &outcomes), 3),
        ["core_1_1", "core_2_1"]
    );
}

#[test]
fn a_failed_branch_leaves_its_sibling_alone_and_the_join_follows_its_policy() {
    let failing = |join: Join| {
        let mut stages = diamond(join);
        stages[1].aborts.failures = Some(1);
        run(stages, &[("1_1", failure()), ("2_1", case("c", -300.0))])
    };
    let any = failing(policy(JoinPolicy::Any));
    assert_eq!(passed_on(&any, 2), ["core_2_1", "core_0_0"]);
    assert_eq!(inputs(&any, 3), ["core_2_1", "core_0_0"]);
    assert_eq!(any.stages()[3].missing[0].0, StageIndex(1));
    assert_eq!(any.status(), RunStatus::Completed);
    for refusing in [JoinPolicy::All, JoinPolicy::Quorum(2)] {
        let controller = failing(policy(refusing));
        assert_eq!(passed_on(&controller, 2), ["core_2_1", "core_0_0"]);
        assert!(matches!(
            &controller.stages()[3].standing,
            StageStanding::Finished(StageEnd::Failed { cause, .. }) if cause.contains("`left`: 1 trial failed")
        ));
        assert_eq!(controller.status(), RunStatus::Stopped);
    }
    assert_eq!(
        failing(policy(JoinPolicy::Quorum(1))).status(),
        RunStatus::Completed
    );
}

#[test]
fn stages_after_a_failed_one_are_skipped_with_the_cause() {
    let mut stages = vec![stage("first", &[], 2), stage("second", &["first"], 2)];
    stages[0].aborts.no_improvement = true;
    let controller = run(stages, &[("0_1", case("worse", -600.0))]);
    assert!(matches!(
        &controller.stages()[1].standing,
        StageStanding::Finished(StageEnd::Skipped { cause }) if cause.contains("`first`")
    ));
    assert_eq!(controller.trials_of(StageIndex(1)).count(), 0);
}

/// The abort is crossed at the second trial although a later one came in first and was better.
#[test]
fn an_abort_counts_in_proposal_order_and_discards_what_lies_beyond() {
    let mut only = stage("only", &[], 4);
    only.aborts.failures_in_a_row = Some(2);
    let mut controller = Controller::new(identity(study(vec![only]))).unwrap();
    let settle = |controller: &mut Controller, id: &str, outcome: Outcome| {
        let attempt = AttemptId {
            trial: id.parse().unwrap(),
            number: 1,
        };
        controller.apply(&finished(attempt, outcome)).unwrap();
        loop {
            let free = 4 - controller.running_attempts().len();
            let decisions = controller.decide(free);
            if decisions.is_empty() {
                break;
            }
            decisions
                .iter()
                .for_each(|event| controller.apply(event).unwrap());
        }
    };
    let start = controller.decide(1);
    controller.apply(&start[0]).unwrap();
    settle(&mut controller, "0_0", case("base", -500.0));
    settle(&mut controller, "0_4", case("late", -1.0));
    settle(&mut controller, "0_2", failure());
    assert_eq!(controller.stages()[0].standing, StageStanding::Running);
    settle(&mut controller, "0_1", failure());
    assert!(matches!(
        &controller.stages()[0].standing,
        StageStanding::Finished(StageEnd::Failed { at: Some(at), .. }) if at.to_string() == "0_2"
    ));
    assert!(controller.is_discarded("0_4".parse().unwrap()));
    assert!(
        !controller
            .cases()
            .contains_key(&"core_0_4".parse().unwrap())
    );
    assert!(
        controller
            .trial("0_3".parse().unwrap())
            .unwrap()
            .cancelled
            .is_some()
    );
}

#[test]
fn one_failure_that_aborts_is_told_in_the_singular() {
    for (failures, in_a_row, cause) in [
        (Some(1), None, "1 trial failed"),
        (None, Some(1), "1 trial failed"),
        (Some(2), None, "2 trials failed"),
        (None, Some(2), "2 trials in a row failed"),
    ] {
        let mut only = stage("only", &[], 4);
        only.aborts.failures = failures;
        only.aborts.failures_in_a_row = in_a_row;
        let controller = run(vec![only], &[("0_1", failure()), ("0_2", failure())]);
        assert!(matches!(
            &controller.stages()[0].standing,
            StageStanding::Finished(StageEnd::Failed { cause: told, .. }) if told == cause
        ));
    }
}

/// The right branch's second stage starts while the left branch's first still runs.
#[test]
fn there_is_no_barrier_between_branches() {
    let stages = vec![
        stage("left", &[], 1),
        stage("right", &[], 1),
        stage("right_next", &["right"], 1),
    ];
    let mut controller = Controller::new(identity(study(stages))).unwrap();
    let advance = |controller: &mut Controller| loop {
        let free = 2 - controller.running_attempts().len();
        let decisions = controller.decide(free);
        if decisions.is_empty() {
            break;
        }
        decisions
            .iter()
            .for_each(|event| controller.apply(event).unwrap());
    };
    advance(&mut controller);
    let base = *controller.running_attempts().first().unwrap();
    controller
        .apply(&finished(base, case("base", -500.0)))
        .unwrap();
    advance(&mut controller);
    let right = AttemptId {
        trial: "1_1".parse().unwrap(),
        number: 1,
    };
    controller
        .apply(&finished(right, case("r", -400.0)))
        .unwrap();
    advance(&mut controller);
    let running: Vec<String> = controller
        .running_attempts()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(running, ["0_1.1", "2_1.1"]);
}

#[test]
fn the_longest_remaining_path_goes_first() {
    let stages = vec![
        stage("short", &[], 1),
        stage("long", &[], 1),
        stage("long_next", &["long"], 5),
    ];
    let controller = run_until(stages, &[], |controller| {
        controller
            .trials()
            .any(|trial| trial.standing() == TrialStanding::Running)
    });
    assert_eq!(
        controller.running_attempts().first().unwrap().to_string(),
        "1_1.1"
    );
}

#[test]
fn an_unfit_base_case_blocks_everything() {
    let mut black_box = match case("base", 0.0) {
        Outcome::Measured(measurement) => std::sync::Arc::unwrap_or_clone(measurement),
        _ => unreachable!(),
    };
    black_box.findings = vec![
        Finding {
            kind: FindingKind::EngineWarning,
            scene: String::new(),
            detail: "harmless".to_owned(),
        },
        Finding {
            kind: FindingKind::BlackBox,
            scene: String::new(),
            detail: "cell `MYSTERY` is unknown".to_owned(),
        },
    ];
    for base in [Outcome::from(black_box), failure(), Outcome::NoEffect] {
        let controller = run(vec![stage("only", &[], 2)], &[("0_0", base)]);
        assert_eq!(controller.status(), RunStatus::Blocked);
        assert_eq!(controller.block_reasons().unwrap().len(), 1);
        assert_eq!(controller.trials().count(), 0);
    }
}

#[test]
fn a_lost_worker_is_retried_up_to_the_crash_limit_and_an_interruption_for_ever() {
    let mut controller = run_until(vec![stage("only", &[], 1)], &[], |controller| {
        controller
            .trials()
            .any(|trial| trial.standing() == TrialStanding::Running)
    });
    let mut fail = |class: FailureClass| {
        let attempt = *controller.running_attempts().first().unwrap();
        controller.apply(&lost(attempt, class)).unwrap();
        let decisions = controller.decide(1);
        decisions
            .iter()
            .for_each(|event| controller.apply(event).unwrap());
        controller.trials().next().unwrap().standing()
    };
    for _ in 0..5 {
        assert_eq!(fail(FailureClass::Interrupted), TrialStanding::Running);
    }
    assert_eq!(fail(FailureClass::WorkerLost), TrialStanding::Running);
    assert_eq!(fail(FailureClass::WorkerLost), TrialStanding::Running);
    assert_eq!(fail(FailureClass::WorkerLost), TrialStanding::Finished);
}

#[test]
fn no_trial_is_proposed_twice_for_the_same_parent() {
    let listed = |name: &str, after: &[&str]| {
        let mut stage = stage(name, after, 10);
        stage.ecos = vec![StageEco {
            name: "resize".to_owned(),
            parameters: BTreeMap::from([(
                "paths".to_owned(),
                ParameterDomain::Values([1, 2, 2, 3].map(ParameterValue::Integer).to_vec()),
            )]),
            ..StageEco::default()
        }];
        stage
    };
    let controller = run(
        vec![listed("first", &[]), listed("second", &["first"])],
        &[],
    );
    let tried: Vec<String> = controller
        .trials()
        .map(|trial| {
            format!(
                "{} {} {:?}",
                trial.id,
                trial.parent,
                trial.eco.parameters.get("paths").unwrap()
            )
        })
        .collect();
    assert_eq!(
        tried,
        [
            "0_1 core_0_0 Integer(1)",
            "0_2 core_0_0 Integer(2)",
            "0_3 core_0_0 Integer(3)"
        ]
    );
}

#[test]
fn sampling_gives_every_eco_and_parent_its_turn_and_follows_the_seed() {
    let proposals = |seed: u64| {
        let mut study = study(vec![stage("only", &[], 40)]);
        study.seed = seed;
        let mut controller = Controller::new(identity(study)).unwrap();
        let start = controller.decide(1);
        controller.apply(&start[0]).unwrap();
        let base = *controller.running_attempts().first().unwrap();
        controller
            .apply(&finished(base, case("base", -500.0)))
            .unwrap();
        let opening = controller.decide(1);
        controller.apply(&opening[0]).unwrap();
        controller.decide(1)
    };
    assert_eq!(proposals(1), proposals(1));
    assert_ne!(proposals(1), proposals(2));
    let ecos: Vec<(String, String)> = proposals(1)
        .iter()
        .filter_map(|event| match event {
            Event::TrialProposed { eco, .. } => {
                Some((eco.name.clone(), format!("{:?}", eco.parameters)))
            }
            _ => None,
        })
        .collect();
    assert_eq!(ecos.len(), 40);
    assert_eq!(ecos.iter().filter(|(name, _)| name == "buffer").count(), 20);
    assert_eq!(ecos.iter().collect::<BTreeSet<_>>().len(), 40, "a repeat");
}

#[test]
fn a_budget_of_time_ends_the_run_and_a_person_does_not() {
    let mut controller = run_until(vec![stage("only", &[], 4)], &[], |controller| {
        controller
            .trials()
            .any(|trial| trial.standing() == TrialStanding::Running)
    });
    let mut stopped = controller.clone();
    controller.apply(&support::person_stops()).unwrap();
    assert!(controller.decide(8).is_empty());
    assert_eq!(controller.status(), RunStatus::Interrupted);
    controller.apply(&Event::RunResumed).unwrap();
    assert!(!controller.decide(8).is_empty());

    let cause = noodle2_model::StopCause::WallTime;
    stopped.apply(&Event::StopRequested { cause }).unwrap();
    assert!(stopped.decide(8).is_empty(), "a trial still runs");
    let attempt = *stopped.running_attempts().first().unwrap();
    stopped
        .apply(&lost(attempt, FailureClass::Interrupted))
        .unwrap();
    assert!(matches!(
        stopped.decide(8)[..],
        [Event::RunFinished {
            status: RunStatus::Stopped,
            ..
        }]
    ));
}

/// The stage chose no survivors, and what it measured is there all the same; what broke its bound is not better.
#[test]
fn the_best_of_a_run_that_ended_early_is_the_best_that_was_measured() {
    let outcomes = [
        ("0_1", case("first", -400.0)),
        ("0_2", case("second", -300.0)),
        ("0_3", case_with_area("too big", -100.0, 5000.0)),
    ];
    let mut controller = run_until(vec![stage("only", &[], 5)], &outcomes, |controller| {
        let id: TrialId = "0_4".parse().unwrap();
        controller
            .trial(id)
            .is_some_and(|trial| trial.standing() == TrialStanding::Running)
    });
    let best = |controller: &Controller| controller.best_case().unwrap().to_string();
    assert_eq!(best(&controller), "core_0_2", "so far");
    let cause = noodle2_model::StopCause::CpuTime;
    controller.apply(&Event::StopRequested { cause }).unwrap();
    let attempt = *controller.running_attempts().first().unwrap();
    controller
        .apply(&lost(attempt, FailureClass::Interrupted))
        .unwrap();
    for event in controller.decide(1) {
        controller.apply(&event).unwrap();
    }
    assert_eq!(controller.status(), RunStatus::Stopped);
    assert!(passed_on(&controller, 0).is_empty());
    assert_eq!(best(&controller), "core_0_2");
}

#[test]
fn a_changed_decision_in_a_journal_is_caught() {
    let identity = identity(support::random_study(&mut support::Chance(5)));
    let schedule = support::Schedule {
        workers: 3,
        chance: support::Chance(9),
        kill_one_in: 0,
        memory_bytes: None,
        spend_one_in: 0,
    };
    let journal = support::run(&identity, 11, schedule);
    for position in 0..journal.len() {
        let mut changed = journal.clone();
        match &mut changed[position] {
            Event::StageStarted { inputs, .. } => inputs.clear(),
            Event::TrialProposed { eco, .. } => std::sync::Arc::make_mut(eco).version += 1,
            Event::AttemptStarted { attempt } => attempt.number += 1,
            Event::StageFinished {
                end: StageEnd::Completed { survivors, .. },
                ..
            } => survivors.reverse(),
            Event::RunFinished { digest, .. } => *digest = ContentHash::of("another"),
            _ => continue,
        }
        if changed != journal {
            let (at, _) = Controller::replay(changed.iter()).unwrap_err();
            assert_eq!(at, position);
        }
    }
}

#[test]
fn the_digest_covers_metrics_failures_tools_and_seed() {
    let outcome = |wns: f64| [("0_1", case("a", wns)), ("0_2", failure())];
    let digest = |outcomes: &[(&str, Outcome)]| {
        run(vec![stage("only", &[], 2)], outcomes)
            .recorded_digest()
            .unwrap()
    };
    let reference = digest(&outcome(-100.0));
    assert_eq!(reference, digest(&outcome(-100.0)));
    assert_ne!(reference, digest(&outcome(-100.001)));
    assert_ne!(reference, digest(&outcome(-100.0)[..1]));
}

#[test]
fn branches_of_like_length_take_turns() {
    let stages = vec![stage("left", &[], 3), stage("right", &[], 3)];
    let mut controller = Controller::new(identity(study(stages))).unwrap();
    let mut started = Vec::new();
    while controller.recorded_digest().is_none() {
        let decisions = controller.decide(1 - controller.running_attempts().len());
        for event in &decisions {
            if let Event::AttemptStarted { attempt } = event {
                started.push(attempt.trial.to_string());
            }
            controller.apply(event).unwrap();
        }
        if let (true, Some(attempt)) = (decisions.is_empty(), controller.running_attempts().first())
        {
            let attempt = *attempt;
            let outcome = match attempt.trial.is_base() {
                true => case("base", -500.0),
                false => Outcome::NoEffect,
            };
            controller.apply(&finished(attempt, outcome)).unwrap();
        }
    }
    assert_eq!(started, ["0_0", "0_1", "1_1", "0_2", "1_2", "0_3", "1_3"]);
}

#[test]
fn a_case_that_repairs_a_bound_is_better_than_one_that_breaks_it() {
    let mut study = study(vec![stage("only", &[], 2)]);
    study.objective.bounds[0].max = Some(950.0);
    let mut controller = Controller::new(identity(study)).unwrap();
    let outcomes = [
        ("0_0", case("base", -500.0)),
        ("0_1", case_with_area("smaller", -501.0, 940.0)),
        ("0_2", case("faster but too big", -100.0)),
    ];
    while controller.recorded_digest().is_none() {
        let decisions = controller.decide(1 - controller.running_attempts().len());
        for event in &decisions {
            controller.apply(event).unwrap();
        }
        if let (true, Some(attempt)) = (
            decisions.is_empty(),
            controller.running_attempts().first().copied(),
        ) {
            let id = attempt.trial.to_string();
            let (_, outcome) = outcomes.iter().find(|(name, _)| *name == id).unwrap();
            controller
                .apply(&finished(attempt, outcome.clone()))
                .unwrap();
        }
    }
    assert_eq!(passed_on(&controller, 0), ["core_0_1", "core_0_0"]);
    assert_eq!(controller.best_case().unwrap().to_string(), "core_0_1");
}

#[test]
fn a_trial_is_called_off_only_with_its_stage_and_a_spent_budget_outlives_a_resumption() {
    let mut controller = run_until(vec![stage("only", &[], 4)], &[], |controller| {
        controller
            .trials()
            .any(|trial| trial.standing() == TrialStanding::Running)
    });
    let cancelled = Event::TrialCancelled {
        trial: "0_4".parse().unwrap(),
        cause: "on a whim".to_owned(),
    };
    assert!(controller.apply(&cancelled).is_err());
    let cause = noodle2_model::StopCause::CpuTime;
    controller.apply(&Event::StopRequested { cause }).unwrap();
    controller.apply(&Event::RunResumed).unwrap();
    assert_eq!(controller.stop_cause(), Some(cause));
    let attempt = AttemptId {
        trial: "0_2".parse().unwrap(),
        number: 1,
    };
    assert!(
        controller
            .apply(&Event::AttemptStarted { attempt })
            .is_err()
    );
}
