//! How stages choose what to try, one proposer at a time, on small studies whose outcomes are spelt out.

mod support;

use std::collections::BTreeMap;

use noodle2_control::{Controller, StageStanding, diagnose};
use noodle2_model::{
    AttemptUsage, BanditRules, Check, ContentHash, DesignState, EcoProposal, Event,
    ExternalProposal, ExternalRules, Failure, FailureClass, Measurement, Metric, Outcome,
    ParameterDomain, ParameterValue, PathExtreme, PathProfile, Proposer, RoundAnswer, Stage,
    StageEco, StageEnd, StageIndex, Study, Symptom,
};
use support::{finished, identity, stage, study};

fn case(name: &str, wns: f64) -> Measurement {
    let hash = ContentHash::of(name);
    Measurement {
        design: DesignState {
            canonical: hash,
            netlist: hash,
        },
        overall: [(Metric::SetupWns, wns), (Metric::Area, 1000.0)]
            .into_iter()
            .collect(),
        scenes: BTreeMap::new(),
        findings: Vec::new(),
        edits: BTreeMap::new(),
        blast_radius: None,
        equivalence: None,
        paths: Vec::new(),
        steps: Vec::new(),
    }
}

/// Runs to the end with two workers. `outcome` says what a proposal comes to, `answer` what an external proposer
/// answers for a round.
fn run(
    study: Study,
    outcome: impl Fn(StageIndex, &EcoProposal, u32) -> Outcome,
    answer: impl Fn(u32) -> RoundAnswer,
) -> (Controller, Vec<Event>) {
    let mut controller = Controller::new(identity(study)).unwrap();
    let mut journal = vec![Event::RunCreated {
        identity: Box::new(controller.program().identity().clone()),
    }];
    while controller.recorded_digest().is_none() {
        let mut events = controller.decide(2 - controller.running_attempts().len());
        if let (true, Some((stage, round))) = (
            events.is_empty(),
            controller.rounds_to_ask().first().copied(),
        ) {
            events.push(Event::RoundAnswered {
                stage,
                round,
                answer: answer(round),
                usage: AttemptUsage::default(),
            });
        }
        if events.is_empty() {
            let attempt = *controller.running_attempts().first().unwrap();
            let result = match controller.trial(attempt.trial) {
                Some(trial) => outcome(attempt.trial.stage, &trial.eco, attempt.trial.derived),
                None => Outcome::Measured(case("base", -500.0)),
            };
            events.push(finished(attempt, result));
        }
        for event in &events {
            controller.apply(event).unwrap();
        }
        journal.extend(events);
    }
    (controller, journal)
}

/// `buffer` always helps, by less each time; `resize` never does.
fn buffer_helps(_: StageIndex, eco: &EcoProposal, derived: u32) -> Outcome {
    match eco.name.as_str() {
        "buffer" => {
            let name = format!("{eco:?}");
            Outcome::Measured(case(&name, -400.0 - f64::from(derived)))
        }
        _ => Outcome::NoEffect,
    }
}

fn nobody(_: u32) -> RoundAnswer {
    unreachable!("no stage has an external proposer")
}

fn with(proposer: Option<Proposer>, trials: u32) -> Stage {
    Stage {
        proposer,
        ..stage("only", &[], trials)
    }
}

fn listed(eco: &str, parameter: &str, values: &[i64]) -> StageEco {
    let values = values.iter().copied().map(ParameterValue::Integer);
    StageEco {
        name: eco.to_owned(),
        parameters: BTreeMap::from([(
            parameter.to_owned(),
            ParameterDomain::Values(values.collect()),
        )]),
        ..StageEco::default()
    }
}

fn tried(controller: &Controller, stage: u32) -> Vec<String> {
    let trials = controller.trials_of(StageIndex(stage));
    let values = |eco: &EcoProposal| {
        let values = eco.parameters.values().map(ToString::to_string);
        values.collect::<Vec<_>>().join(",")
    };
    trials
        .map(|trial| format!("{} {}", trial.eco.name, values(&trial.eco)))
        .collect()
}

#[test]
fn a_grid_follows_the_file_and_chance_does_not() {
    let values: Vec<i64> = (1..=6).collect();
    let of = |proposer, trials| {
        let mut stage = with(proposer, trials);
        stage.ecos = vec![
            listed("resize", "paths", &values),
            listed("buffer", "share", &[0, 1]),
        ];
        let (controller, _) = run(study(vec![stage]), buffer_helps, nobody);
        tried(&controller, 0)
    };
    let all: Vec<String> = (values.iter().map(|value| format!("resize {value}")))
        .chain(["buffer 0".to_owned(), "buffer 1".to_owned()])
        .collect();
    assert_eq!(of(Some(Proposer::Grid), 20), all);
    assert_eq!(of(Some(Proposer::Grid), 3), all[..3]);
    assert_eq!(of(None, 20), all);
    let random = of(Some(Proposer::Random), 20);
    assert_ne!(random, all);
    let sorted = |mut list: Vec<String>| {
        list.sort();
        list
    };
    assert_eq!(sorted(random), sorted(all));
    assert_eq!(of(Some(Proposer::Random), 4), of(None, 4));
}

fn bandit(round: u32) -> Option<Proposer> {
    Some(Proposer::Bandit(BanditRules { round }))
}

#[test]
fn a_bandit_turns_to_what_helps() {
    let (controller, _) = run(study(vec![with(bandit(5), 60)]), buffer_helps, nobody);
    let tried = tried(&controller, 0);
    assert_eq!(tried.len(), 60);
    let buffers = |range: &[String]| {
        let buffers = range.iter().filter(|name| name.starts_with("buffer"));
        buffers.count()
    };
    assert!(buffers(&tried[40..]) >= 18, "{tried:#?}");
    assert!(
        buffers(&tried[..5]) < 5,
        "both are tried at first: {tried:#?}"
    );
    let last = controller.trials_of(StageIndex(0)).last().unwrap();
    let reason = last.reason.as_deref().unwrap();
    assert!(reason.starts_with("bandit, round 12: "), "{reason}");
}

#[test]
fn a_bandit_learns_from_its_ancestors_and_from_nobody_else() {
    let stages = |seed_of_sibling: &[i64]| {
        let mut sibling = stage("sibling", &["first"], 6);
        sibling.ecos = vec![listed("resize", "paths", seed_of_sibling)];
        let mut learner = with(bandit(4), 8);
        learner.name = "learner".to_owned();
        learner.after = vec!["first".to_owned()];
        learner.survivors = 1;
        let mut first = stage("first", &[], 40);
        first.survivors = 1;
        study(vec![first, sibling, learner])
    };
    let outcome = |stage: StageIndex, eco: &EcoProposal, derived: u32| match stage.0 {
        1 => Outcome::Measured(case(&format!("sibling {eco:?}"), -1.0)),
        _ => buffer_helps(stage, eco, derived),
    };
    let (controller, _) = run(stages(&[1, 2, 3]), outcome, nobody);
    let (other, _) = run(stages(&[4, 5]), outcome, nobody);
    // What the sibling finds, however good it is, changes nothing.
    assert_eq!(tried(&controller, 2), tried(&other, 2));
    // Twenty tries of each before it: it begins with what helped.
    let first_round = &tried(&controller, 2)[..4];
    assert!(
        first_round.iter().all(|name| name.starts_with("buffer")),
        "{first_round:?}"
    );
}

fn external(round: u32) -> Option<Proposer> {
    Some(Proposer::External(ExternalRules {
        command: vec!["propose".to_owned()],
        round,
        timeout_s: 1.0,
    }))
}

fn proposal(parent: &str, eco: &str, values: &[(&str, ParameterValue)]) -> ExternalProposal {
    let values = values.iter();
    ExternalProposal {
        parent: parent.to_owned(),
        eco: eco.to_owned(),
        parameters: values
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect(),
        reason: None,
    }
}

fn share(value: f64) -> [(&'static str, ParameterValue); 1] {
    [("share", ParameterValue::Real(value))]
}

/// Everything that a stage does not try, and two that it does.
fn bold(_: u32) -> RoundAnswer {
    let paths = |value| [("paths", ParameterValue::Integer(value))];
    RoundAnswer::Proposals {
        proposals: vec![
            proposal("core_0_0", "buffer", &share(0.5)),
            proposal("core_0_0", "buffer", &share(0.5)),
            proposal("core_0_9", "buffer", &share(0.25)),
            proposal("/etc", "buffer", &share(0.25)),
            proposal("core_0_0", "restructure", &[]),
            proposal("core_0_0", "buffer", &share(2.0)),
            proposal("core_0_0", "buffer", &[]),
            proposal("core_0_0", "resize", &paths(41)),
            proposal("core_0_0", "buffer", &[share(0.1), paths(1)].concat()),
            proposal("core_0_0", "resize", &paths(7)),
            proposal("core_0_0", "buffer", &share(0.75)),
        ],
        done: true,
    }
}

#[test]
fn what_an_external_proposer_may_not_try_is_refused_with_the_reason() {
    let (controller, journal) = run(study(vec![with(external(2), 9)]), buffer_helps, bold);
    assert_eq!(tried(&controller, 0), ["buffer 0.5", "resize 7"]);
    let refused = &controller.stages()[0].refused_proposals;
    let reasons: Vec<&str> = (refused.iter())
        .map(|(_, refused)| refused.reason.as_str())
        .collect();
    assert_eq!(
        reasons,
        [
            "it was tried already",
            "`core_0_9` is no input of the stage",
            "`/etc` is no input of the stage",
            "the stage does not try `restructure`",
            "2 is no value that the stage gives `share`",
            "it gives no value for `share`",
            "41 is no value that the stage gives `paths`",
            "`buffer` has no parameter `paths`",
            "the round has room for 2",
        ]
    );
    assert!(Controller::replay(&journal).is_ok());
    // An answer that was changed, or whose refusals are gone, is not believed.
    let position = |wanted: &str| {
        let is_wanted = |event: &Event| serde_json::to_value(event).unwrap()["type"] == *wanted;
        journal.iter().position(is_wanted).unwrap()
    };
    let mut changed = journal.clone();
    if let Event::RoundAnswered { answer, .. } = &mut changed[position("round_answered")] {
        *answer = RoundAnswer::Proposals {
            proposals: vec![proposal("core_0_0", "buffer", &share(0.6))],
            done: true,
        };
    }
    assert!(Controller::replay(&changed).is_err());
    let mut shorter = journal.clone();
    shorter.remove(position("proposals_refused"));
    assert!(Controller::replay(&shorter).is_err());
    let mut twice = journal.clone();
    let place = position("round_answered");
    twice.insert(place, twice[place].clone());
    assert!(Controller::replay(&twice).is_err());
}

#[test]
fn an_external_proposer_sees_its_history_and_ends_by_having_nothing_to_try() {
    let one = |round: u32| RoundAnswer::Proposals {
        proposals: match round {
            1 | 2 => vec![proposal(
                "core_0_0",
                "buffer",
                &share(0.125 * f64::from(round)),
            )],
            _ => Vec::new(),
        },
        done: false,
    };
    let (controller, journal) = run(study(vec![with(external(2), 9)]), buffer_helps, one);
    assert_eq!(tried(&controller, 0), ["buffer 0.125", "buffer 0.25"]);
    let last = (journal.iter())
        .rposition(|event| matches!(event, Event::RoundAnswered { .. }))
        .unwrap();
    let before = Controller::replay(&journal[..last]).unwrap();
    let request = before.round_request(StageIndex(0)).unwrap();
    assert_eq!((request.round, request.room), (3, 2));
    let improved: Vec<bool> = (request.history.iter())
        .map(|trial| trial.improved)
        .collect();
    assert_eq!(improved, [true, true]);
    assert_eq!(request.inputs[0].case.to_string(), "core_0_0");
}

#[test]
fn an_external_proposer_that_fails_ends_its_stage_and_nothing_else() {
    let fails = |_| {
        RoundAnswer::Failed(Failure {
            class: FailureClass::Timeout,
            tool_code: None,
            message: String::new(),
            excerpt: String::new(),
        })
    };
    let mut sibling = stage("sibling", &[], 2);
    sibling.survivors = 1;
    let study = study(vec![with(external(2), 9), sibling]);
    let (controller, _) = run(study, buffer_helps, fails);
    let end = |stage: usize| controller.stages()[stage].standing.clone();
    assert_eq!(
        end(0),
        StageStanding::Finished(StageEnd::Failed {
            cause: "its proposer failed: timeout".to_owned(),
            at: None,
        })
    );
    assert!(matches!(
        end(1),
        StageStanding::Finished(StageEnd::Completed { .. })
    ));
}

fn path(check: Check, slack_ps: f64) -> PathProfile {
    PathProfile {
        scene: "default".to_owned(),
        check,
        start: "a".to_owned(),
        end: "b".to_owned(),
        slack_ps,
        stages: 5,
        cell_delay_ps: 600.0,
        wire_delay_ps: None,
        widest: None,
        slowest_transition: None,
        median_transition_ps: None,
        slowest_cell: None,
    }
}

fn symptoms(change: impl Fn(&mut Measurement), rank: &[Metric]) -> Vec<Symptom> {
    let mut measurement = case("sick", -10.0);
    change(&mut measurement);
    let found = diagnose(&measurement, rank).into_iter();
    found.map(|diagnosis| diagnosis.symptom).collect()
}

#[test]
fn each_symptom_is_told_from_what_was_measured_and_from_nothing_else() {
    let setup = |change: fn(&mut PathProfile)| {
        symptoms(
            |measurement| {
                let mut path = path(Check::Setup, -10.0);
                path.wire_delay_ps = Some(1.0);
                change(&mut path);
                measurement.paths = vec![path];
            },
            &[Metric::SetupWns],
        )
    };
    let extreme = |value| {
        Some(PathExtreme {
            at: "u1".to_owned(),
            cell: "INV".to_owned(),
            value,
        })
    };
    assert_eq!(symptoms(|_| {}, &[Metric::SetupWns]), []);
    assert_eq!(setup(|_| {}), [Symptom::CellDominated]);
    assert_eq!(
        setup(|path| path.wire_delay_ps = None),
        [Symptom::WireShareUnknown]
    );
    assert_eq!(
        setup(|path| path.wire_delay_ps = Some(600.0)),
        [Symptom::WireDominated]
    );
    assert_eq!(setup(|path| path.slack_ps = 0.0), []);
    assert_eq!(
        setup(|path| path.stages = 60),
        [Symptom::Depth, Symptom::CellDominated],
        "the larger extent first"
    );
    let wide = symptoms(
        |measurement| {
            let mut path = path(Check::Setup, -10.0);
            path.widest = extreme(8.0);
            path.slowest_transition = extreme(400.0);
            path.median_transition_ps = Some(100.0);
            measurement.paths = vec![path];
        },
        &[Metric::MaxSlewViolations],
    );
    assert_eq!(
        wide,
        [Symptom::Slew, Symptom::WireShareUnknown, Symptom::Fanout],
        "what matters to the stage first"
    );
    let narrow = symptoms(
        |measurement| {
            let mut path = path(Check::Setup, -10.0);
            path.widest = extreme(7.0);
            path.slowest_transition = extreme(399.0);
            path.median_transition_ps = Some(100.0);
            measurement.paths = vec![path];
        },
        &[Metric::SetupWns],
    );
    assert_eq!(narrow, [Symptom::WireShareUnknown]);
    let hold = symptoms(
        |measurement| {
            measurement.overall.insert(Metric::HoldWns, -0.5);
        },
        &[Metric::SetupWns],
    );
    assert_eq!(hold, [Symptom::Hold]);
    let leakage = |wns, rank| {
        symptoms(
            move |measurement| {
                measurement.overall.insert(Metric::SetupWns, wns);
                measurement.overall.insert(Metric::Power, 1.0);
                measurement.overall.insert(Metric::PowerLeakage, 0.4);
            },
            &[rank],
        )
    };
    assert_eq!(leakage(0.0, Metric::SetupWns), [Symptom::Leakage]);
    assert_eq!(leakage(-1.0, Metric::SetupWns), []);
    assert_eq!(leakage(-1.0, Metric::Power), [Symptom::Leakage]);
}
