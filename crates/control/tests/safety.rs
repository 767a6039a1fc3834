//! Rails, containment, gates and confirmation, one by one, on small studies whose outcomes are spelt out.

mod support;

use std::collections::BTreeMap;

use noodle2_control::{Controller, TrialStanding, Verdict};
use noodle2_model::{
    Bound, Check, Clocks, ContainmentScope, ContentHash, DesignState, EcoClass, EquivalenceVerdict,
    Event, Failure, FailureClass, Join, JoinPolicy, Measurement, Metric, Outcome, RunStatus,
    SafetyDomain, Stage, StageEnd, StageIndex, Study, Symptom, may_try,
};
use support::{finished, identity, known, proved, stage, study, survivors};

/// A measured design with this WNS, and this hold WNS in its only scene.
fn case(name: &str, wns: f64, hold: f64) -> Outcome {
    let hash = ContentHash::of(name);
    Outcome::from(Measurement {
        design: DesignState {
            canonical: hash,
            netlist: hash,
            placement: None,
        },
        overall: [(Metric::SetupWns, wns), (Metric::Area, 1000.0)]
            .into_iter()
            .collect(),
        scenes: BTreeMap::from([(
            "default".to_owned(),
            [(Metric::HoldWns, hold)].into_iter().collect(),
        )]),
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

fn failed(class: FailureClass) -> Outcome {
    Outcome::Failed(Failure {
        class,
        tool_code: None,
        message: String::new(),
        excerpt: String::new(),
    })
}

/// Runs with one worker. Trials that `outcomes` does not name give a case 1 ps better than the base;
/// confirmations that it does not name (`confirm 0_1`) find the very same.
fn run(study: Study, outcomes: &[(&str, Outcome)]) -> (Controller, Vec<Event>) {
    let outcomes: BTreeMap<&str, &Outcome> = outcomes
        .iter()
        .map(|(name, outcome)| (*name, outcome))
        .collect();
    let mut controller = Controller::new(identity(study)).unwrap();
    let mut journal = Vec::new();
    while controller.recorded_digest().is_none() {
        let mut events = controller.decide(1 - controller.running_attempts().len());
        if events.is_empty() {
            let attempt = *controller.running_attempts().first().unwrap();
            let name = attempt.trial.to_string();
            let measured = controller.cases().get(&attempt.trial.case("core"));
            let outcome = match measured {
                _ if attempt.trial.is_base() => case("base", -500.0, 0.0),
                Some(case) => match outcomes.get(format!("confirm {name}").as_str()) {
                    Some(outcome) => (*outcome).clone(),
                    None => proved((*case.measurement).clone(), EquivalenceVerdict::Equal),
                },
                None => match outcomes.get(name.as_str()) {
                    Some(outcome) => (*outcome).clone(),
                    None => case(&name, -499.0, 0.0),
                },
            };
            events.push(finished(attempt, outcome));
        }
        for event in &events {
            controller.apply(event).unwrap();
        }
        journal.extend(events);
    }
    (controller, journal)
}

fn in_domain(domain: SafetyDomain, stages: Vec<Stage>) -> Study {
    Study {
        safety_domain: domain,
        ..study(stages)
    }
}

fn passed_on(controller: &Controller, stage: u32) -> Vec<String> {
    let survivors = survivors(controller, StageIndex(stage));
    survivors.iter().map(ToString::to_string).collect()
}

fn contained(controller: &Controller, stage: usize) -> Vec<(ContainmentScope, String)> {
    let containments = controller.stages()[stage].containments().iter();
    containments
        .map(|found| (found.scope.clone(), found.at.to_string()))
        .collect()
}

fn eco(name: &str) -> ContainmentScope {
    ContainmentScope::Eco(name.to_owned())
}

/// The names of the ECOs that a stage proposed.
fn tried(controller: &Controller, stage: u32) -> Vec<String> {
    let trials = controller.trials_of(StageIndex(stage));
    trials.map(|trial| trial.eco.name.clone()).collect()
}

fn end(controller: &Controller, stage: usize) -> String {
    match &controller.stages()[stage].standing {
        noodle2_control::StageStanding::Finished(StageEnd::Failed { cause, at }) => {
            let at = at.map(|at| at.to_string()).unwrap_or_default();
            format!("failed {at}: {cause}")
        }
        noodle2_control::StageStanding::Finished(StageEnd::Completed { .. }) => {
            "completed".to_owned()
        }
        other => format!("{other:?}"),
    }
}

// Trials of a stage take turns: resize, buffer, resize, buffer, …

#[test]
fn an_eco_that_keeps_failing_is_contained_and_its_descendants_never_try_it() {
    let failure = failed(FailureClass::ToolError);
    let stages = vec![stage("one", &[], 12), stage("two", &["one"], 4)];
    let outcomes = ["0_1", "0_3", "0_5"].map(|name| (name, failure.clone()));
    let (controller, _) = run(in_domain(SafetyDomain::Guarded, stages), &outcomes);
    assert_eq!(
        contained(&controller, 0),
        [(eco("resize"), "0_5".to_owned())]
    );
    for (derived, standing) in [
        (6, TrialStanding::Finished),
        (7, TrialStanding::Cancelled),
        (8, TrialStanding::Finished),
        (9, TrialStanding::Cancelled),
        (11, TrialStanding::Cancelled),
        (12, TrialStanding::Finished),
    ] {
        let trial = controller.trial(format!("0_{derived}").parse().unwrap());
        assert_eq!(trial.unwrap().standing(), standing, "trial 0_{derived}");
    }
    assert_eq!(tried(&controller, 1), ["buffer"; 4]);
    assert_eq!(
        contained(&controller, 1),
        [(eco("resize"), "0_5".to_owned())]
    );
    assert_eq!(controller.status(), RunStatus::Completed);
}

#[test]
fn two_in_a_row_are_enough_in_locked_and_none_in_sandbox() {
    let failure = failed(FailureClass::Segfault);
    let outcomes = ["0_1", "0_3"].map(|name| (name, failure.clone()));
    let of = |domain| {
        let (controller, _) = run(in_domain(domain, vec![stage("one", &[], 8)]), &outcomes);
        contained(&controller, 0)
    };
    assert_eq!(
        of(SafetyDomain::Locked),
        [(eco("resize"), "0_3".to_owned())]
    );
    assert_eq!(of(SafetyDomain::Guarded), []);
    assert_eq!(of(SafetyDomain::Sandbox), []);
}

#[test]
fn failures_in_a_row_count_over_the_stages_before() {
    let failure = failed(FailureClass::ToolError);
    let stages = vec![stage("one", &[], 4), stage("two", &["one"], 8)];
    let outcomes = ["0_1", "0_3", "1_1"].map(|name| (name, failure.clone()));
    let (controller, _) = run(in_domain(SafetyDomain::Guarded, stages), &outcomes);
    assert_eq!(contained(&controller, 0), []);
    assert_eq!(
        contained(&controller, 1),
        [(eco("resize"), "1_1".to_owned())]
    );
}

#[test]
fn a_class_is_contained_by_the_failures_of_several_ecos_never_of_one_alone() {
    let failure = failed(FailureClass::ToolError);
    let class = ContainmentScope::Class(EcoClass::PlacementLocal);
    let mut both = in_domain(SafetyDomain::Guarded, vec![stage("one", &[], 8)]);
    both.safety.containment.class_at_least = Some(2);
    let outcomes = ["0_1", "0_2"].map(|name| (name, failure.clone()));
    let (controller, _) = run(both, &outcomes);
    assert_eq!(contained(&controller, 0), [(class, "0_2".to_owned())]);
    let cancelled = controller
        .trials()
        .filter(|trial| trial.cancelled.is_some());
    assert_eq!(cancelled.count(), 6);

    let mut alone = in_domain(SafetyDomain::Guarded, vec![stage("one", &[], 8)]);
    alone.stages[0].ecos.truncate(1);
    let outcomes = ["0_1", "0_2"].map(|name| (name, failure.clone()));
    assert_eq!(contained(&run(alone, &outcomes).0, 0), []);
}

#[test]
fn a_branch_is_given_up_over_its_stages_and_the_join_goes_on_without_it() {
    let failure = failed(FailureClass::ToolError);
    let mut stages = vec![
        stage("root", &[], 2),
        stage("left", &["root"], 4),
        stage("left again", &["left"], 6),
        stage("right", &["root"], 4),
        stage("join", &["left again", "right"], 2),
    ];
    stages[4].join = Some(Join {
        policy: JoinPolicy::Any,
        ..Join::default()
    });
    let mut study = in_domain(SafetyDomain::Sandbox, stages);
    study.safety.rails.branch.failures = Some(3);
    // Those of the root and of the other branch do not count.
    let names = ["0_1", "1_1", "1_3", "2_2", "3_1"];
    let (controller, _) = run(study, &names.map(|name| (name, failure.clone())));
    assert_eq!(end(&controller, 1), "completed");
    assert_eq!(
        end(&controller, 2),
        "failed 2_2: of the branch, 3 trials failed"
    );
    assert_eq!(end(&controller, 3), "completed");
    assert_eq!(end(&controller, 4), "completed");
    let running = controller.trials_of(StageIndex(2)).skip(2);
    assert!(running.into_iter().all(|trial| trial.cancelled.is_some()));
    assert_eq!(controller.status(), RunStatus::Completed);
}

#[test]
fn a_catastrophic_failure_ends_a_locked_study_at_its_place_in_canonical_order() {
    let stages = vec![
        stage("root", &[], 2),
        stage("left", &["root"], 4),
        stage("right", &["root"], 4),
    ];
    let wrong = failed(FailureClass::EquivalenceFailed);
    let (controller, _) = run(in_domain(SafetyDomain::Locked, stages), &[("1_2", wrong)]);
    let (at, cause) = controller.crossed_study_rail().unwrap();
    assert_eq!(
        (at.to_string().as_str(), cause.as_str()),
        ("1_2", "1 catastrophic failure")
    );
    assert_eq!(controller.status(), RunStatus::Stopped);
    assert!(!controller.is_discarded("1_1".parse().unwrap()));
    for beyond in ["1_3", "2_1"] {
        assert!(controller.is_discarded(beyond.parse().unwrap()));
    }
    assert!(
        controller
            .cases()
            .keys()
            .all(|name| name.trial().stage.0 < 2)
    );
}

#[test]
fn a_share_of_failures_ends_a_study_once_there_are_enough_trials() {
    let failure = failed(FailureClass::ToolError);
    let mut study = in_domain(SafetyDomain::Sandbox, vec![stage("one", &[], 8)]);
    study.safety.rails.study.failure_percent = Some(50.0);
    study.safety.rails.study.at_least = Some(4);
    let outcomes = ["0_1", "0_2", "0_6"].map(|name| (name, failure.clone()));
    let (controller, _) = run(study, &outcomes);
    let (at, cause) = controller.crossed_study_rail().unwrap();
    assert_eq!(at.to_string(), "0_4");
    assert_eq!(cause, "2 of 4 trials failed (50 % or more)");
}

#[test]
fn a_stage_is_given_up_by_a_share_of_failures_and_by_a_design_beyond_its_bounds() {
    let failure = failed(FailureClass::ToolError);
    let mut share = stage("one", &[], 8);
    share.aborts.failure_percent = Some(60.0);
    share.aborts.at_least = Some(3);
    let outcomes = ["0_2", "0_3", "0_4"].map(|name| (name, failure.clone()));
    let (controller, _) = run(in_domain(SafetyDomain::Sandbox, vec![share]), &outcomes);
    assert_eq!(
        end(&controller, 0),
        "failed 0_3: 2 of 3 trials failed (60 % or more)"
    );

    let mut wrecked = stage("one", &[], 8);
    wrecked.aborts.bounds = vec![Bound {
        min: Some(-600.0),
        ..Bound::of(Metric::SetupWns)
    }];
    let outcomes = [("0_2", case("wreck", -601.0, 0.0))];
    let (controller, _) = run(in_domain(SafetyDomain::Sandbox, vec![wrecked]), &outcomes);
    assert_eq!(
        end(&controller, 0),
        "failed 0_2: `setup_wns_ps` is -601, below -600"
    );
}

#[test]
fn a_design_beyond_the_rail_of_trials_is_a_failed_trial() {
    let mut study = in_domain(SafetyDomain::Sandbox, vec![stage("one", &[], 2)]);
    study.safety.rails.trial = vec![Bound {
        max_loss: Some(10.0),
        ..Bound::of(Metric::SetupWns)
    }];
    let outcomes = [("0_1", case("bad", -511.0, 0.0))];
    let (controller, _) = run(study, &outcomes);
    let trial = controller.trial("0_1".parse().unwrap()).unwrap();
    let Some(Verdict::Failed(failure)) = trial.verdict() else {
        panic!("{trial:?}");
    };
    assert_eq!(failure.class, FailureClass::RailViolation);
    assert_eq!(
        failure.message,
        "`setup_wns_ps` went from -500 to -511, and may lose 10 at most"
    );
}

#[test]
fn a_result_that_loses_hold_survives_in_sandbox_alone() {
    let outcomes = [("0_1", case("greedy", -100.0, -3.0))];
    let of = |domain, bounds: Vec<Bound>| {
        let mut study = in_domain(domain, vec![stage("one", &[], 2)]);
        study.safety.gates.bounds = bounds;
        let (controller, _) = run(study, &outcomes);
        let trial = controller.trial("0_1".parse().unwrap()).unwrap();
        (passed_on(&controller, 0)[0].clone(), trial.refused.clone())
    };
    let refused = Some(vec![
        "metric_regression: scene `default`: `hold_wns_ps` went from 0 to -3, and may lose 0 at most".to_owned(),
    ]);
    assert_eq!(of(SafetyDomain::Sandbox, Vec::new()).0, "core_0_1");
    assert_eq!(
        of(SafetyDomain::Guarded, Vec::new()),
        ("core_0_2".to_owned(), refused.clone())
    );
    assert_eq!(
        of(SafetyDomain::Locked, Vec::new()),
        ("core_0_2".to_owned(), refused.clone())
    );
    // `guarded` asks for the gate, the study says how much; `locked` can only be made stricter.
    let five = vec![Bound {
        max_loss: Some(5.0),
        ..Bound::of(Metric::HoldWns)
    }];
    assert_eq!(of(SafetyDomain::Guarded, five.clone()).0, "core_0_1");
    assert_eq!(
        of(SafetyDomain::Locked, five),
        ("core_0_2".to_owned(), refused)
    );
}

#[test]
fn a_survivor_that_measures_otherwise_when_read_again_is_refused() {
    let stages = vec![stage("one", &[], 4), stage("two", &["one"], 4)];
    let outcomes = [
        ("0_1", case("liar", -1.0, 0.0)),
        ("confirm 0_1", case("liar", -400.0, 0.0)),
    ];
    let (controller, journal) = run(in_domain(SafetyDomain::Guarded, stages), &outcomes);
    let survivors = passed_on(&controller, 0);
    assert!(!survivors.contains(&"core_0_1".to_owned()), "{survivors:?}");
    assert_eq!(survivors.len(), 2);
    let trial = controller.trial("0_1".parse().unwrap()).unwrap();
    assert_eq!(
        trial.refused.as_deref().unwrap(),
        ["confirmation: nondeterministic"]
    );
    // Nothing that cannot be trusted is tried again.
    assert_eq!(contained(&controller, 1)[0].0, eco("resize"));
    assert_eq!(tried(&controller, 1), ["buffer"; 4]);
    let confirmed = journal
        .iter()
        .filter(|event| matches!(event, Event::ConfirmationStarted { .. }))
        .count();
    // Two survivors and the one in the place of the refused; the second stage passes its inputs on.
    assert_eq!(confirmed, 3);
}

#[test]
fn a_survivor_whose_logic_is_another_or_unknown_is_refused() {
    let measurement = |outcome: &Outcome| match outcome {
        Outcome::Measured(measurement) => measurement.clone(),
        other => panic!("{other:?}"),
    };
    let good = case("0_1", -1.0, 0.0);
    let refused = |domain, accept: Option<bool>, verdict: EquivalenceVerdict| {
        let mut study = in_domain(domain, vec![stage("one", &[], 2)]);
        study.safety.gates.accept_undecided = accept;
        let confirmation = proved((*measurement(&good)).clone(), verdict);
        let outcomes = [("0_1", good.clone()), ("confirm 0_1", confirmation)];
        let (controller, _) = run(study, &outcomes);
        let trial = controller.trial("0_1".parse().unwrap()).unwrap();
        trial.refused.clone().map(|gates| gates.join("; "))
    };
    let different = || EquivalenceVerdict::Different {
        point: "state/D".to_owned(),
        parent: true,
        child: false,
    };
    let undecided = || EquivalenceVerdict::Undecided {
        reason: "who knows".to_owned(),
    };
    use SafetyDomain::{Guarded, Locked};
    assert_eq!(
        refused(Guarded, None, different()).unwrap(),
        "confirmation: equivalence_failed: its logic differs at state/D"
    );
    let unknown = Some("confirmation: its equivalence is undecided: who knows".to_owned());
    assert_eq!(refused(Guarded, None, undecided()), unknown);
    assert_eq!(refused(Guarded, Some(true), undecided()), None);
    assert_eq!(refused(Locked, Some(true), undecided()), unknown);
    assert_eq!(refused(Locked, None, EquivalenceVerdict::Equal), None);
}

#[test]
fn a_stage_that_has_met_its_target_or_gets_no_further_stops_and_passes_on_what_it_has() {
    let mut target = stage("one", &[], 8);
    target.stop.target = vec![Bound {
        min: Some(-300.0),
        ..Bound::of(Metric::SetupWns)
    }];
    let outcomes = [
        ("0_2", case("good", -300.0, 0.0)),
        ("0_3", case("beyond", -1.0, 0.0)),
    ];
    let (controller, _) = run(in_domain(SafetyDomain::Sandbox, vec![target]), &outcomes);
    assert_eq!(passed_on(&controller, 0), ["core_0_2", "core_0_1"]);
    let (at, cause) = controller.stages()[0].satisfied().unwrap();
    assert_eq!(
        (at.to_string().as_str(), cause.as_str()),
        ("0_2", "the target is met")
    );
    let called_off = controller
        .trials()
        .filter(|trial| trial.cancelled.is_some());
    assert_eq!(called_off.count(), 6);

    let mut plateau = stage("one", &[], 8);
    plateau.stop.plateau_trials = Some(3);
    plateau.stop.plateau_gain = Some(2.0);
    let outcomes = [
        ("0_1", case("a", -490.0, 0.0)),
        ("0_3", case("b", -488.5, 0.0)),
    ];
    let (controller, _) = run(in_domain(SafetyDomain::Sandbox, vec![plateau]), &outcomes);
    let (at, _) = controller.stages()[0].satisfied().unwrap();
    assert_eq!(at.to_string(), "0_4");
    assert_eq!(passed_on(&controller, 0), ["core_0_3", "core_0_1"]);
    assert_eq!(controller.status(), RunStatus::Completed);
}

#[test]
fn a_stage_that_cannot_reach_its_target_at_the_rate_seen_gives_the_rest_of_its_trials_back() {
    let doomed = |outcomes: &[(&str, Outcome)], target: f64| {
        let mut stage = stage("one", &[], 8);
        stage.stop.target = vec![Bound {
            min: Some(target),
            ..Bound::of(Metric::SetupWns)
        }];
        stage.stop.doomed_after = Some(3);
        run(in_domain(SafetyDomain::Sandbox, vec![stage]), outcomes).0
    };
    // 30 ps in 3 trials: the 5 left would make up 50 ps.
    let outcomes = [("0_2", case("near", -470.0, 0.0))];
    let controller = doomed(&outcomes, -400.0);
    let (at, cause) = controller.stages()[0].satisfied().unwrap();
    assert_eq!(at.to_string(), "0_3");
    assert_eq!(
        cause,
        "doomed: `setup_wns_ps` misses the target by 70; at 10 gained for each of 3 trials the 5 left make up 50"
    );
    assert_eq!(passed_on(&controller, 0)[0], "core_0_2");
    assert_eq!(controller.status(), RunStatus::Completed);
    let called_off = controller
        .trials()
        .filter(|trial| trial.cancelled.is_some());
    assert_eq!(called_off.count(), 5);
    // It may just reach it: nothing is called off before the fourth trial, which gains nothing.
    let controller = doomed(&outcomes, -420.0);
    let (at, _) = controller.stages()[0].satisfied().unwrap();
    assert_eq!(at.to_string(), "0_4");
}

#[test]
fn a_stage_chooses_its_survivors_by_its_own_rule() {
    let mut pareto = stage("one", &[], 3);
    pareto.selection = noodle2_model::Selection {
        strategy: noodle2_model::Strategy::TopN,
        weights: BTreeMap::from([(Metric::Area, 1.0)]),
        elitism: false,
        ..Default::default()
    };
    pareto.survivors = 1;
    let small = match case("small", -500.0, 0.0) {
        Outcome::Measured(mut measurement) => {
            let changed = std::sync::Arc::make_mut(&mut measurement);
            changed.overall.insert(Metric::Area, 900.0);
            Outcome::Measured(measurement)
        }
        other => panic!("{other:?}"),
    };
    let outcomes = [("0_1", case("fast", -1.0, 0.0)), ("0_2", small)];
    let (controller, _) = run(in_domain(SafetyDomain::Sandbox, vec![pareto]), &outcomes);
    assert_eq!(passed_on(&controller, 0), ["core_0_2"]);
}

#[test]
fn a_journal_without_its_confirmations_is_not_believed() {
    let study = in_domain(SafetyDomain::Guarded, vec![stage("one", &[], 2)]);
    let (_, mut journal) = run(study.clone(), &[]);
    journal.insert(
        0,
        Event::RunCreated {
            identity: Box::new(identity(study)),
        },
    );
    assert!(Controller::replay(&journal).is_ok());
    let confirmation = |event: &Event| match event {
        Event::ConfirmationStarted { .. } => true,
        Event::AttemptFinished { attempt, .. } => attempt.number == 2,
        _ => false,
    };
    journal.retain(|event| !confirmation(event));
    assert!(Controller::replay(&journal).is_err());
}

#[test]
fn what_is_known_confirms_nothing_and_is_no_failure() {
    let study = in_domain(SafetyDomain::Guarded, vec![stage("one", &[], 2)]);
    let (whole, journal) = run(study.clone(), &[("0_2", failed(FailureClass::Segfault))]);
    let mut controller = Controller::new(identity(study)).unwrap();
    let mut refused = Vec::new();
    for event in &journal {
        let Event::AttemptFinished {
            attempt, outcome, ..
        } = event
        else {
            controller.apply(event).unwrap();
            continue;
        };
        let known = known(*attempt, (**outcome).clone());
        match controller.clone().apply(&known) {
            Ok(()) => {
                let mut dear = known.clone();
                if let Event::AttemptFinished { usage, .. } = &mut dear {
                    usage.cpu_s = 0.1;
                }
                let before = controller.running_attempts().clone();
                assert!(controller.apply(&dear).is_err());
                assert_eq!(controller.running_attempts(), &before);
                controller.apply(&known).unwrap();
            }
            Err(error) => {
                refused.push((attempt.to_string(), error.reason));
                controller.apply(event).unwrap();
            }
        }
    }
    let refused: Vec<(&str, bool)> = refused
        .iter()
        .map(|(attempt, reason)| (attempt.as_str(), reason.contains("measure again")))
        .collect();
    // The base case measured again, a failure, and a confirmation.
    assert_eq!(
        refused,
        [("0_0.2", true), ("0_2.1", false), ("0_1.2", true)]
    );
    assert!(controller.base_attempts()[0].hit().is_some());
    let hits = controller.trials().filter(|trial| trial.hit().is_some());
    assert_eq!(hits.count(), 1);
    assert_eq!(controller.recorded_digest(), whole.recorded_digest());
}

/// A proposer that chooses by itself does not repair what no scene answers for.
#[test]
fn what_repairs_hold_may_be_chosen_where_a_scene_answers_for_hold() {
    let mut study = study(vec![stage("one", &[], 1)]);
    let mut eco = identity(study.clone()).ecos["resize"].manifest.clone();
    let hold = |study: &mut Study, checks: &[Check], clocks, reason: Option<&str>| {
        let scene = &mut study.scenes[0];
        scene.checks = checks.to_vec();
        scene.clocks = clocks;
        scene.ideal_hold = reason.map(str::to_owned);
    };
    let cases: [(&[Check], Clocks, Option<&str>, bool); 5] = [
        (&[Check::Setup], Clocks::Ideal, None, false),
        (&[Check::Setup], Clocks::Propagated, None, false),
        (&[Check::Setup, Check::Hold], Clocks::Ideal, None, false),
        (&[Check::Hold], Clocks::Propagated, None, true),
        (&[Check::Hold], Clocks::Ideal, Some("margin"), true),
    ];
    for (checks, clocks, reason, expected) in cases {
        hold(&mut study, checks, clocks, reason);
        eco.remedies.remove(&Symptom::Hold);
        assert!(may_try(&study, &study.stages[0], &eco));
        eco.remedies.insert(Symptom::Hold, Default::default());
        let chosen = may_try(&study, &study.stages[0], &eco);
        assert_eq!(chosen, expected, "{checks:?} {clocks:?} {reason:?}");
    }
}
