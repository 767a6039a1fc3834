//! Joins that compose: which pairs are tried, in which order, and what comes of them.

mod support;

use std::collections::BTreeMap;

use noodle2_control::Controller;
use noodle2_model::{
    ComposeMode, ConflictRule, ContentHash, DesignState, Event, Failure, FailureClass, Join,
    JoinMerge, Measurement, Metric, Outcome, RunStatus, Stage, StageIndex, TrialId,
};
use support::{finished, identity, stage, study};

fn case(design: &str, wns: f64) -> Outcome {
    let hash = ContentHash::of(design);
    Outcome::from(Measurement {
        design: DesignState {
            canonical: hash,
            netlist: hash,
            placement: None,
        },
        overall: [(Metric::SetupWns, wns), (Metric::Area, 1000.0)]
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

fn compose(mode: ComposeMode) -> Join {
    Join {
        merge: JoinMerge::Compose,
        mode: Some(mode),
        ..Join::default()
    }
}

/// root → (left → left again, right) → join with these trials.
fn study_with(join: Join, trials: u32) -> Vec<Stage> {
    let mut stages = vec![
        stage("root", &[], 1),
        stage("left", &["root"], 2),
        stage("left again", &["left"], 1),
        stage("right", &["root"], 2),
        stage("join", &["left again", "right"], trials),
    ];
    stages[0].survivors = 1;
    stages[4].ecos.clear();
    stages[4].join = Some(join);
    stages
}

/// The root improves; the left ends with its second step and one of the first, the right with two.
fn outcomes() -> Vec<(&'static str, Outcome)> {
    vec![
        ("0_1", case("root", -450.0)),
        ("1_1", case("left a", -400.0)),
        ("1_2", case("left b", -410.0)),
        ("2_1", case("left c", -300.0)),
        ("3_1", case("right a", -390.0)),
        ("3_2", case("right b", -350.0)),
    ]
}

fn run(stages: Vec<Stage>, outcomes: &[(&str, Outcome)]) -> (Controller, Vec<Event>) {
    let outcomes: BTreeMap<TrialId, &Outcome> = outcomes
        .iter()
        .map(|(id, outcome)| (id.parse().unwrap(), outcome))
        .collect();
    let identity = identity(study(stages));
    let mut journal = vec![Event::RunCreated {
        identity: Box::new(identity.clone()),
    }];
    let mut controller = Controller::new(identity).unwrap();
    while controller.recorded_digest().is_none() {
        let mut events = controller.decide(1 - controller.running_attempts().len());
        if events.is_empty() {
            let attempt = *controller.running_attempts().first().unwrap();
            let outcome = match outcomes.get(&attempt.trial) {
                Some(outcome) => (*outcome).clone(),
                None if attempt.trial.is_base() => case("base", -500.0),
                None => Outcome::NoEffect,
            };
            events = vec![finished(attempt, outcome)];
        }
        for event in events {
            controller.apply(&event).unwrap();
            journal.push(event);
        }
    }
    (controller, journal)
}

/// The trials of the join, as `parent + with`, the ancestor and the chain.
fn pairs(controller: &Controller) -> Vec<String> {
    let trials = controller.trials_of(StageIndex(4));
    trials
        .map(|trial| match &trial.eco.composition {
            Some(found) => format!("{} + {}", trial.parent, found.with),
            None => format!("{} {}", trial.eco.name, trial.parent),
        })
        .collect()
}

#[test]
fn the_best_pairs_of_different_branches_are_replayed_within_the_budget() {
    let (controller, _) = run(study_with(compose(ComposeMode::Replay), 9), &outcomes());
    // 2_1 and 1_1 survive the left, and neither is composed with the other; 3_2 and 3_1 the right.
    assert_eq!(
        pairs(&controller),
        [
            "core_2_1 + core_3_2",
            "core_2_1 + core_3_1",
            "core_1_1 + core_3_2",
            "core_1_1 + core_3_1"
        ]
    );
    let trial = controller.trials_of(StageIndex(4)).next().unwrap();
    assert_eq!(trial.eco.name, "compose:replay");
    let composition = trial.eco.composition.as_ref().unwrap();
    assert_eq!(composition.ancestor.to_string(), "core_0_1");
    assert_eq!(composition.conflicts, Some(ConflictRule::Drop));
    assert_eq!(composition.chain.len(), 1);

    let (controller, _) = run(study_with(compose(ComposeMode::Replay), 2), &outcomes());
    assert_eq!(pairs(&controller).len(), 2);
    let join = Join {
        pairs: Some(1),
        ..compose(ComposeMode::Replay)
    };
    let mut stages = study_with(join, 4);
    stages[4].ecos = stage("other", &[], 1).ecos;
    let (controller, _) = run(stages, &outcomes());
    let tried = pairs(&controller);
    assert_eq!(tried[0], "core_2_1 + core_3_2");
    assert_eq!(tried.len(), 4, "the stage's own ECOs take the rest");
    assert!(tried[1..].iter().all(|text| !text.contains('+')));
}

#[test]
fn ecos_run_anew_on_either_case_in_the_order_of_their_branch() {
    let (controller, _) = run(study_with(compose(ComposeMode::Rerun), 3), &outcomes());
    assert_eq!(
        pairs(&controller),
        [
            "core_2_1 + core_3_2",
            "core_3_2 + core_2_1",
            "core_2_1 + core_3_1"
        ]
    );
    let onto_right = controller.trials_of(StageIndex(4)).nth(1).unwrap();
    let composition = onto_right.eco.composition.as_ref().unwrap();
    assert_eq!(onto_right.eco.name, "compose:rerun");
    assert_eq!(composition.conflicts, None);
    let step = |id: &str| &controller.trial(id.parse().unwrap()).unwrap().eco;
    let first = step("2_1");
    assert_eq!(
        controller
            .trial("2_1".parse().unwrap())
            .unwrap()
            .parent
            .to_string(),
        "core_1_1"
    );
    assert_eq!(
        composition.chain,
        [(**step("1_1")).clone(), (**first).clone()]
    );
}

#[test]
fn what_is_composed_has_both_parents_and_competes_with_them() {
    let mut known = outcomes();
    known.push(("4_1", case("both", -200.0)));
    let (controller, journal) = run(study_with(compose(ComposeMode::Replay), 1), &known);
    let both = &controller.cases()[&"core_4_1".parse().unwrap()];
    let parents: Vec<String> = both.parents.iter().map(ToString::to_string).collect();
    assert_eq!(parents, ["core_2_1", "core_3_2"]);
    let survivors = controller.stages()[4].survivors();
    assert_eq!(survivors[0].to_string(), "core_4_1");
    assert_eq!(survivors[1].to_string(), "core_2_1");
    assert_eq!(controller.status(), RunStatus::Completed);
    // The decision is one of the rules: another pair in its place is refused.
    let mut changed = journal;
    for event in &mut changed {
        if let Event::TrialProposed { parent, eco, .. } = event
            && let Some(composition) = &mut std::sync::Arc::make_mut(eco).composition
        {
            std::mem::swap(parent, &mut composition.with);
        }
    }
    assert!(Controller::replay(changed.iter()).is_err());

    let mut worse = outcomes();
    worse.push(("4_1", case("both", -320.0)));
    let (controller, _) = run(study_with(compose(ComposeMode::Replay), 1), &worse);
    assert_eq!(
        controller.stages()[4].survivors()[0].to_string(),
        "core_2_1"
    );
}

#[test]
fn a_pair_that_is_dropped_is_a_failed_trial_and_the_parents_go_on() {
    let mut known = outcomes();
    let dropped = Outcome::Failed(Failure {
        class: FailureClass::MergeConflict,
        tool_code: None,
        message: "2 conflicts".to_owned(),
        excerpt: String::new(),
    });
    known.push(("4_1", dropped));
    let (controller, _) = run(study_with(compose(ComposeMode::Replay), 1), &known);
    let trial = controller.trial("4_1".parse().unwrap()).unwrap();
    assert_eq!(trial.failure().unwrap().class, FailureClass::MergeConflict);
    assert_eq!(
        controller.stages()[4].survivors()[0].to_string(),
        "core_2_1"
    );
}

#[test]
fn identical_designs_and_a_case_with_its_own_descendant_are_no_pair() {
    // The right finds nothing, and passes on what both start from.
    let known: Vec<_> = outcomes()
        .into_iter()
        .filter(|(id, _)| !id.starts_with("3_"))
        .collect();
    let (controller, _) = run(study_with(compose(ComposeMode::Replay), 4), &known);
    assert_eq!(pairs(&controller), [""; 0]);
    // Both find the very same design.
    let mut twins = outcomes();
    twins[5] = ("3_2", case("left c", -300.0));
    let (controller, _) = run(study_with(compose(ComposeMode::Replay), 4), &twins);
    assert_eq!(
        pairs(&controller),
        ["core_2_1 + core_3_1", "core_1_1 + core_3_1"]
    );
}
