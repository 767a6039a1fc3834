//! Evidence: what a stage may see, what it keeps out, and what a run leaves for later ones.

mod support;

use std::collections::BTreeMap;

use noodle2_control::Controller;
use noodle2_model::{
    CaseName, Check, ContentHash, Context, DesignState, Domination, Event, Evidence, Failure,
    FailureClass, Measurement, Metric, Outcome, PathProfile, Prior, PriorRules, Priors, Proposer,
    ProposerKind, RunIdentity, SafetyDomain, SizeClass, Stage, StageIndex, Study, TrialResult,
    ViolationDepth,
};
use support::{finished, identity, stage, study};

fn case(name: &str, wns: f64) -> Outcome {
    let hash = ContentHash::of(name);
    Outcome::from(Measurement {
        design: DesignState {
            canonical: hash,
            netlist: hash,
            placement: None,
        },
        overall: [
            (Metric::SetupWns, wns),
            (Metric::Area, 1000.0),
            (Metric::CellCount, 500.0),
        ]
        .into_iter()
        .collect(),
        scenes: BTreeMap::new(),
        estimated: BTreeMap::new(),
        routed: BTreeMap::new(),
        findings: Vec::new(),
        edits: BTreeMap::new(),
        blast_radius: None,
        equivalence: None,
        paths: Vec::new(),
        steps: Vec::new(),
        marks: Default::default(),
        conflicts: BTreeMap::new(),
    })
}

/// The conditions of every case of these tests.
const CONTEXT: Context = Context {
    domination: noodle2_model::Domination::Unknown,
    size: SizeClass::Under1k,
    depth: ViolationDepth::Under1Ns,
};

fn failed(class: FailureClass) -> Outcome {
    Outcome::Failed(Failure {
        class,
        tool_code: None,
        message: String::new(),
        excerpt: String::new(),
    })
}

/// Runs with one worker; a trial comes to what `outcome` says of its name and ECO.
fn run(identity: RunIdentity, outcome: impl Fn(&str, &str) -> Outcome) -> (Controller, Vec<Event>) {
    let mut controller = Controller::new(identity.clone()).unwrap();
    let mut journal = vec![Event::RunCreated {
        identity: Box::new(identity),
    }];
    while controller.recorded_digest().is_none() {
        let mut events = controller.decide(1 - controller.running_attempts().len());
        if events.is_empty() {
            let attempt = *controller.running_attempts().first().unwrap();
            let measured = controller.cases().get(&attempt.trial.case("core"));
            let outcome = match (measured, controller.trial(attempt.trial)) {
                (Some(case), _) => Outcome::Measured(case.measurement.clone()),
                (None, Some(trial)) => outcome(&attempt.trial.to_string(), &trial.eco.name),
                (None, None) => case("base", -500.0),
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

fn warm(domain: SafetyDomain, stages: Vec<Stage>, rules: PriorRules) -> Study {
    Study {
        safety_domain: domain,
        priors: Some(rules),
        ..study(stages)
    }
}

fn on() -> PriorRules {
    PriorRules {
        veto: Some(true),
        ..PriorRules::default()
    }
}

/// Priors by which `resize` failed so often, in these conditions.
fn failures(count: f64, context: Context) -> Priors {
    let result = TrialResult::Failed(FailureClass::Segfault);
    Priors {
        entries: vec![Prior {
            eco: "resize".to_owned(),
            content: ContentHash::of("resize"),
            context,
            evidence: Evidence::of(&result, count),
            last_use_s: 0,
        }],
        runs: Vec::new(),
    }
}

fn with(study: Study, priors: Priors) -> RunIdentity {
    RunIdentity {
        priors: Some(priors),
        ..identity(study)
    }
}

fn tried(controller: &Controller, stage: u32) -> Vec<&str> {
    let trials = controller.trials_of(StageIndex(stage));
    let mut names: Vec<&str> = trials.map(|trial| trial.eco.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn better(name: &str, _: &str) -> Outcome {
    case(name, -499.0)
}

/// What delay is spent in decides which evidence counts; it is read from the worst setup path alone.
#[test]
fn conditions_tell_wires_from_cells_where_the_worst_path_does() {
    let path = |check, slack_ps, wires: Option<f64>| PathProfile {
        scene: "slow".into(),
        check,
        start: "a/Q".into(),
        end: "b/D".into(),
        slack_ps,
        stages: 3,
        cell_delay_ps: 100.0,
        wire_delay_ps: wires,
        widest: None,
        slowest_transition: None,
        median_transition_ps: None,
        slowest_cell: None,
    };
    let found = |paths: Vec<PathProfile>| {
        let study = warm(SafetyDomain::Guarded, vec![stage("one", &[], 1)], on());
        let outcome = |name: &str, _: &str| match case(name, -499.0) {
            Outcome::Measured(measurement) => Outcome::from(Measurement {
                paths: paths.clone(),
                ..std::sync::Arc::unwrap_or_clone(measurement)
            }),
            other => other,
        };
        let (controller, _) = run(identity(study), outcome);
        let derived = controller.trials_of(StageIndex(0)).next().unwrap().id;
        let context = controller.conditions_of(&derived.case("core")).unwrap();
        context.domination
    };
    let (setup, hold) = (Check::Setup, Check::Hold);
    for (paths, expected) in [
        (vec![], Domination::Unknown),
        (vec![path(setup, -5.0, None)], Domination::Unknown),
        (vec![path(setup, -5.0, Some(20.0))], Domination::Cell),
        (
            vec![path(setup, -5.0, Some(120.0)), path(setup, 0.0, Some(1.0))],
            Domination::Wire,
        ),
        (vec![path(hold, -9.0, Some(120.0))], Domination::Unknown),
    ] {
        assert_eq!(found(paths.clone()), expected, "{paths:?}");
    }
}

/// Priors by which `resize` helped each time, and `buffer` never.
fn gains(count: f64) -> Priors {
    let prior = |eco: &str, gain: f64| Prior {
        eco: eco.to_owned(),
        content: ContentHash::of(eco),
        context: CONTEXT,
        evidence: Evidence::of(
            &TrialResult::Effect(BTreeMap::from([(Metric::SetupWns, gain)])),
            count,
        ),
        last_use_s: 0,
    };
    Priors {
        entries: vec![prior("buffer", -10.0), prior("resize", 10.0)],
        runs: Vec::new(),
    }
}

#[test]
fn a_bandit_begins_with_what_earlier_runs_found() {
    let first_round = |priors: Option<Priors>| {
        let stages = vec![Stage {
            proposer: Proposer {
                kind: ProposerKind::Bandit,
                round: Some(12),
                ..Proposer::default()
            },
            ..stage("one", &[], 12)
        }];
        let study = warm(SafetyDomain::Guarded, stages, on());
        let identity = RunIdentity {
            priors,
            ..identity(study)
        };
        // Nothing that this run finds tells the ECOs apart.
        let (controller, journal) = run(identity, |_, _| Outcome::NoEffect);
        Controller::replay(&journal).unwrap();
        let trials = controller.trials_of(StageIndex(0));
        trials.filter(|trial| trial.eco.name == "resize").count()
    };
    let (cold, warm) = (first_round(None), first_round(Some(gains(40.0))));
    assert!((2..=10).contains(&cold), "{cold} of 12");
    assert_eq!(warm, 12);
}

#[test]
fn what_mostly_failed_before_is_not_proposed_and_the_journal_says_why() {
    let stages = || vec![stage("one", &[], 4)];
    let study = warm(SafetyDomain::Guarded, stages(), PriorRules::default());
    let identity = with(study, failures(5.0, CONTEXT));
    let (controller, journal) = run(identity, better);
    assert_eq!(tried(&controller, 0), ["buffer"]);
    let [veto] = controller.stages()[0].vetoed.as_slice() else {
        panic!("{:?}", controller.stages()[0].vetoed);
    };
    assert_eq!(
        (veto.eco.as_str(), veto.case.clone()),
        ("resize", CaseName::base("core"))
    );
    assert_eq!(
        veto.cause,
        "5 of 5 tries failed, most by segfault, with fewer than 1000 cells, setup violated by 100 ps to 1 ns: \
         at least 65 % do, with 95 % confidence"
    );

    // A journal from which the veto was taken is not what the rules give, and neither is one that adds one.
    Controller::replay(&journal).unwrap();
    let changed = |change: fn(&mut Vec<noodle2_model::Veto>)| {
        let mut journal = journal.clone();
        for event in &mut journal {
            if let Event::StageStarted { vetoed, .. } = event {
                change(vetoed);
            }
        }
        Controller::replay(&journal).map(|_| ()).unwrap_err().1
    };
    let dropped = changed(Vec::clear);
    assert!(dropped.to_string().contains("do not start"), "{dropped}");
    let reworded = changed(|vetoed| vetoed[0].cause.push('!'));
    assert!(reworded.to_string().contains("do not start"), "{reworded}");
}

#[test]
fn a_veto_needs_evidence_under_the_same_conditions() {
    let stages = || vec![stage("one", &[], 4)];
    let tried_with = |priors| {
        let study = warm(SafetyDomain::Guarded, stages(), PriorRules::default());
        let (controller, _) = run(with(study, priors), better);
        tried(&controller, 0).join(" ")
    };
    assert_eq!(tried_with(failures(5.0, CONTEXT)), "buffer");
    assert_eq!(tried_with(failures(2.0, CONTEXT)), "buffer resize");
    let elsewhere = Context {
        size: SizeClass::Over100k,
        ..CONTEXT
    };
    assert_eq!(tried_with(failures(5.0, elsewhere)), "buffer resize");
    let mut other = failures(5.0, CONTEXT);
    other.entries[0].content = ContentHash::of("resize as it was");
    assert_eq!(tried_with(other), "buffer resize");
}

#[test]
fn the_domain_says_what_evidence_may_do() {
    let tried_in = |domain, veto| {
        let rules = PriorRules {
            veto,
            ..PriorRules::default()
        };
        let mut one = stage("one", &[], 4);
        one.ecos.iter_mut().for_each(|eco| eco.parameters.clear());
        let study = warm(domain, vec![one], rules);
        let (controller, _) = run(with(study, failures(5.0, CONTEXT)), better);
        tried(&controller, 0).contains(&"resize")
    };
    assert!(tried_in(SafetyDomain::Sandbox, None));
    assert!(!tried_in(SafetyDomain::Sandbox, Some(true)));
    assert!(!tried_in(SafetyDomain::Guarded, None));
    assert!(tried_in(SafetyDomain::Guarded, Some(false)));
    assert!(!tried_in(SafetyDomain::Locked, Some(false)));
    // Nothing is kept out by a study that says nothing of priors.
    let cold = Study {
        priors: None,
        ..warm(
            SafetyDomain::Locked,
            vec![stage("one", &[], 4)],
            PriorRules::default(),
        )
    };
    let (controller, _) = run(with(cold, failures(5.0, CONTEXT)), better);
    assert!(tried(&controller, 0).contains(&"resize"));
}

#[test]
fn in_locked_stages_priors_keep_out_but_do_not_guide() {
    let mut locked = stage("locked", &[], 0);
    locked.safety_domain = Some(SafetyDomain::Locked);
    let stages = vec![stage("free", &[], 0), locked];
    let study = warm(SafetyDomain::Sandbox, stages, on());
    let (controller, _) = run(with(study, failures(5.0, CONTEXT)), better);
    let content = ContentHash::of("resize");
    let tries = |stage| {
        let evidence = controller.evidence_for(StageIndex(stage));
        [
            evidence.for_choice("resize", content, CONTEXT),
            evidence.for_choice_anywhere("resize", content),
            evidence.for_veto("resize", content, CONTEXT),
        ]
        .map(|evidence| evidence.tries())
    };
    assert_eq!(tries(0), [5.0, 5.0, 5.0]);
    assert_eq!(tries(1), [0.0, 0.0, 5.0]);
}

#[test]
fn a_stage_sees_its_ancestors_and_not_the_branch_beside_it() {
    let stages = vec![
        stage("root", &[], 4),
        stage("left", &["root"], 4),
        stage("right", &["root"], 6),
        stage("join", &["left", "right"], 2),
    ];
    let (controller, _) = run(identity(study(stages)), better);
    let tries = |stage| {
        let evidence = controller.evidence_for(StageIndex(stage));
        let of = |eco: &str| {
            let known = evidence.for_choice(eco, ContentHash::of(eco), CONTEXT);
            known.tries()
        };
        of("resize") + of("buffer")
    };
    assert_eq!(tries(0), 0.0);
    assert_eq!((tries(1), tries(2)), (4.0, 4.0));
    let distinct = |stages: &[u32]| {
        let trials = stages
            .iter()
            .flat_map(|stage| controller.trials_of(StageIndex(*stage)));
        let keys: std::collections::BTreeSet<_> = trials
            .map(|trial| (trial.parent.clone(), format!("{:?}", trial.eco)))
            .collect();
        keys.len() as f64
    };
    // What both branches tried alike is one observation.
    assert_eq!(tries(3), distinct(&[0, 1, 2]));
}

#[test]
fn gains_are_those_over_the_parent() {
    let stages = vec![stage("one", &[], 2), stage("two", &["one"], 0)];
    let outcome = |name: &str, eco: &str| match eco {
        "resize" => case(name, -420.0),
        _ => Outcome::NoEffect,
    };
    let (controller, _) = run(identity(study(stages)), outcome);
    let evidence = controller.evidence_for(StageIndex(1));
    let about = |eco: &str| evidence.for_choice(eco, ContentHash::of(eco), CONTEXT);
    let gains = about("resize").gains;
    assert_eq!(gains[&Metric::SetupWns].mean, 80.0);
    assert_eq!(gains[&Metric::SetupWns].count, 1.0);
    assert_eq!(gains[&Metric::Area].mean, 0.0);
    assert_eq!(about("buffer").no_effects, 1.0);
}

#[test]
fn a_stage_learns_from_the_failures_before_it() {
    let stages = vec![stage("one", &[], 8), stage("two", &["one"], 4)];
    let outcome = |name: &str, eco: &str| match eco {
        "resize" => failed(FailureClass::ToolError),
        _ => case(name, -499.0),
    };
    let study = warm(SafetyDomain::Sandbox, stages, on());
    let (controller, _) = run(identity(study), outcome);
    assert_eq!(tried(&controller, 0), ["buffer", "resize"]);
    assert_eq!(tried(&controller, 1), ["buffer"]);
    let vetoed = &controller.stages()[1].vetoed;
    assert!(vetoed.iter().all(|veto| veto.eco == "resize"), "{vetoed:?}");
}

#[test]
fn discarded_results_are_no_evidence() {
    let mut one = stage("one", &[], 8);
    one.aborts.failures = Some(2);
    let mut controller = Controller::new(identity(study(vec![one]))).unwrap();
    let mut ended = 0;
    while controller.recorded_digest().is_none() {
        let mut events = controller.decide(8 - controller.running_attempts().len());
        if events.is_empty() {
            // The last first, so that results beyond the abort are there when it is crossed.
            let attempt = *controller.running_attempts().last().unwrap();
            ended += 1;
            let outcome = match attempt.trial.to_string().as_str() {
                "0_0" => case("base", -500.0),
                "0_2" | "0_3" | "0_5" => failed(FailureClass::ToolError),
                "0_6" => Outcome::NoEffect,
                name => case(name, -499.0),
            };
            events.push(finished(attempt, outcome));
        }
        events
            .iter()
            .for_each(|event| controller.apply(event).unwrap());
    }
    assert_eq!(ended, 9, "every trial ended");
    let results = controller.observations().into_iter();
    let results: Vec<bool> = results
        .map(|seen| matches!(seen.result, TrialResult::Failed(_)))
        .collect();
    assert_eq!(results, [false, true, true], "given up at the third");
}

#[test]
fn a_result_that_its_confirmation_refused_counts_as_failed() {
    let study = Study {
        safety_domain: SafetyDomain::Guarded,
        ..study(vec![stage("one", &[], 1)])
    };
    let mut controller = Controller::new(identity(study)).unwrap();
    while controller.recorded_digest().is_none() {
        let mut events = controller.decide(1 - controller.running_attempts().len());
        if events.is_empty() {
            let attempt = *controller.running_attempts().first().unwrap();
            let is_known = controller.cases().contains_key(&attempt.trial.case("core"));
            let outcome = match (attempt.trial.is_base(), is_known) {
                (true, _) => case("base", -500.0),
                (false, false) => case("better", -400.0),
                (false, true) => case("other", -1.0),
            };
            events.push(finished(attempt, outcome));
        }
        events
            .iter()
            .for_each(|event| controller.apply(event).unwrap());
    }
    let results: Vec<TrialResult> = controller
        .observations()
        .into_iter()
        .map(|observation| observation.result)
        .collect();
    assert_eq!(
        results,
        [TrialResult::Failed(FailureClass::Nondeterministic)]
    );
}

#[test]
fn the_digest_covers_the_priors_but_not_when_they_were_found() {
    let digest = |count, last_use_s| {
        let study = warm(
            SafetyDomain::Sandbox,
            vec![stage("one", &[], 2)],
            PriorRules::default(),
        );
        let mut priors = failures(count, CONTEXT);
        priors.entries[0].last_use_s = last_use_s;
        run(with(study, priors), better).0.recorded_digest()
    };
    assert_eq!(digest(2.0, 0), digest(2.0, 1_700_000_000));
    assert_ne!(digest(2.0, 0), digest(1.0, 0));
}
