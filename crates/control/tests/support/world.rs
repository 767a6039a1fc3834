//! Tools, people and programs whose answers depend on nothing but what they are given.

use std::collections::BTreeMap;

use noodle2_control::{AttemptRole, Controller};
use noodle2_model::{
    AttemptId, AttemptUsage, CacheAnswer, CacheHit, ContentHash, DesignState, EquivalenceProof,
    EquivalenceVerdict, Event, ExternalProposal, Failure, FailureClass, Measurement, Metric,
    MetricSet, Outcome, ParameterValue, PathExtreme, PathProfile, StageIndex,
};

use super::chance::Chance;

/// What a tool would report: a function of what it is given and of nothing else.
pub fn result_of(controller: &Controller, attempt: AttemptId, world: u64) -> Outcome {
    if let Some(AttemptRole::Repeats(repeat)) = controller.role_of(attempt) {
        let case = &controller.cases().get(&attempt.trial.case("core"));
        // A rail of the study may have been crossed meanwhile.
        return case.map_or(Outcome::NoEffect, |case| {
            repeat_of((*case.measurement).clone(), repeat, world)
        });
    }
    let Some(trial) = controller.trial(attempt.trial) else {
        return measured(world, -500.0, 1000.0);
    };
    // Of a trial whose parent a rail of the study discarded, nothing counts.
    let Some(parent) = controller.cases().get(&trial.parent) else {
        return Outcome::NoEffect;
    };
    let parent = &parent.measurement;
    if let Some(case) = controller.cases().get(&attempt.trial.case("core")) {
        return confirmation_of((*case.measurement).clone(), world);
    }
    let text = serde_json::to_string(&trial.eco).unwrap();
    let hash = ContentHash::of(format!("{world} {} {text}", parent.design.canonical));
    let byte = |place: usize| f64::from(hash.as_bytes()[place]);
    match hash.as_bytes()[0] {
        0..60 => Outcome::Failed(Failure {
            class: [
                FailureClass::ToolError,
                FailureClass::Timeout,
                FailureClass::Segfault,
            ][usize::from(hash.as_bytes()[1]) % 3],
            tool_code: None,
            message: format!("attempt {attempt}"),
            excerpt: String::new(),
        }),
        60..90 => Outcome::NoEffect,
        90..100 => Outcome::from(Measurement {
            overall: MetricSet::new(),
            ..measurement(world, 0.0, 0.0)
        }),
        _ => {
            let wns = parent.overall.get(Metric::SetupWns).unwrap_or(-500.0);
            let area = parent.overall.get(Metric::Area).unwrap_or(1000.0);
            // Few distinct values, so that ties and identical designs are common.
            let design = u64::from(hash.as_bytes()[2] % 16);
            measured(
                design,
                (wns + (byte(3) % 8.0) * 5.0 - 15.0).min(0.0),
                area + byte(4) % 4.0 * 10.0 - 5.0,
            )
        }
    }
}

/// What repeating a measurement finds: unperturbed mostly the same, perturbed some picoseconds more or less.
fn repeat_of(mut case: Measurement, repeat: u32, world: u64) -> Outcome {
    let hash = ContentHash::of(format!("{world} repeat {repeat} {}", case.design.canonical));
    let byte = |place: usize| f64::from(hash.as_bytes()[place]);
    let wns = case.overall.get(Metric::SetupWns).unwrap_or_default();
    match hash.as_bytes()[0] {
        0..4 => Outcome::Failed(Failure {
            class: FailureClass::ToolError,
            tool_code: None,
            message: String::new(),
            excerpt: String::new(),
        }),
        4..8 => measured(world ^ 1, wns, 1.0),
        40.. if repeat == 0 => Outcome::from(case),
        _ => {
            case.overall
                .insert(Metric::SetupWns, wns + byte(1) % 13.0 - 6.0);
            case.overall.insert(Metric::Area, 1000.0 + byte(2) % 3.0);
            Outcome::from(case)
        }
    }
}

/// What measuring a case again finds: mostly the same.
fn confirmation_of(case: Measurement, world: u64) -> Outcome {
    let hash = ContentHash::of(format!("{world} again {}", case.design.canonical));
    match hash.as_bytes()[0] {
        0..10 => measured(world, -1.0, 1.0),
        10..16 => Outcome::Failed(Failure {
            class: FailureClass::EquivalenceFailed,
            tool_code: None,
            message: String::new(),
            excerpt: String::new(),
        }),
        16..22 => proved(
            case,
            EquivalenceVerdict::Undecided {
                reason: String::new(),
            },
        ),
        _ => proved(case, EquivalenceVerdict::Equal),
    }
}

/// What a confirmation finds whose proof came to this.
pub fn proved(mut case: Measurement, verdict: EquivalenceVerdict) -> Outcome {
    case.equivalence = Some(EquivalenceProof {
        verdict,
        points: 1,
        by_structure: 1,
        by_proof: 0,
        cells: 0,
        sat_calls: 0,
        conflicts: 0,
    });
    Outcome::from(case)
}

fn measured(design: u64, wns: f64, area: f64) -> Outcome {
    Outcome::from(measurement(design, wns, area))
}

fn measurement(design: u64, wns: f64, area: f64) -> Measurement {
    let hash = ContentHash::of(format!("{design} {wns} {area}"));
    Measurement {
        design: DesignState {
            canonical: hash,
            netlist: hash,
            placement: None,
        },
        overall: [(Metric::SetupWns, wns), (Metric::Area, area)]
            .into_iter()
            .collect(),
        scenes: BTreeMap::from([(
            "default".to_owned(),
            [(Metric::HoldWns, -(wns.abs() % 3.0))]
                .into_iter()
                .collect(),
        )]),
        estimated: BTreeMap::new(),
        routed: BTreeMap::from([(
            "default".to_owned(),
            [(Metric::SetupWns, wns - f64::from(hash.as_bytes()[7] % 12))]
                .into_iter()
                .collect(),
        )]),
        findings: Vec::new(),
        edits: BTreeMap::new(),
        conflicts: BTreeMap::new(),
        blast_radius: None,
        equivalence: None,
        paths: vec![path(design, wns)],
        steps: Vec::new(),
        marks: Default::default(),
    }
}

/// A worst path; some show more than that no wires are known.
fn path(design: u64, slack_ps: f64) -> PathProfile {
    PathProfile {
        scene: "default".into(),
        check: noodle2_model::Check::Setup,
        start: "a".into(),
        end: "b".into(),
        slack_ps,
        stages: 5,
        cell_delay_ps: 900.0,
        wire_delay_ps: None,
        widest: Some(PathExtreme {
            at: "u1".into(),
            cell: "INV".into(),
            value: (design % 16) as f64,
        }),
        slowest_transition: None,
        median_transition_ps: None,
        slowest_cell: None,
    }
}

pub fn finished(attempt: AttemptId, outcome: Outcome) -> Event {
    finished_after(attempt, outcome, 0.0)
}

/// The end of an attempt that used so much processor time.
pub fn finished_after(attempt: AttemptId, outcome: Outcome, cpu_s: f64) -> Event {
    let usage = AttemptUsage {
        cpu_s,
        ..AttemptUsage::default()
    };
    finished_with(attempt, outcome, usage)
}

/// The end of an attempt that used this.
pub fn finished_with(attempt: AttemptId, outcome: Outcome, usage: AttemptUsage) -> Event {
    Event::AttemptFinished {
        attempt,
        outcome: Box::new(outcome),
        usage,
        cache: None,
    }
}

pub fn lost(attempt: AttemptId, class: FailureClass) -> Event {
    finished(
        attempt,
        Outcome::Failed(Failure {
            class,
            tool_code: None,
            message: String::new(),
            excerpt: String::new(),
        }),
    )
}

/// The end of an attempt whose result was known before.
pub fn known(attempt: AttemptId, outcome: Outcome) -> Event {
    Event::AttemptFinished {
        attempt,
        outcome: Box::new(outcome),
        usage: AttemptUsage::default(),
        cache: Some(CacheAnswer::Hit(CacheHit {
            entry: ContentHash::of("entry"),
            run: ContentHash::of("run"),
            study: "earlier".to_owned(),
            attempt,
        })),
    }
}

/// Whether an event tells of an attempt whose result was known before.
pub fn is_known(event: &Event) -> bool {
    matches!(event, Event::AttemptFinished { cache: Some(answer), .. } if answer.hit().is_some())
}

/// What people say to a stage: a function of the stage and of the world. Who says it is left to chance.
pub fn answer_to(
    controller: &Controller,
    stage: StageIndex,
    world: u64,
    chance: &mut Chance,
) -> Event {
    let approval = controller.stages()[stage.position()].approval.as_ref();
    let approval = approval.unwrap();
    let given = approval.given.len();
    let by = format!("person {given} of {}", chance.next());
    let note = format!("note {}", chance.next());
    let evidence = approval.evidence;
    match ContentHash::of(format!("{world} {stage} {given}")).as_bytes()[0] {
        0..25 => Event::ApprovalRefused {
            stage,
            by,
            note,
            evidence,
        },
        25..50 => Event::ApprovalExpired { stage },
        _ => Event::ApprovalGiven {
            stage,
            by,
            note,
            evidence,
        },
    }
}

/// What a user's program proposes: a function of what it is given and of nothing else.
pub fn answer(controller: &Controller, stage: StageIndex, round: u32) -> Event {
    let history = controller.causal_history(stage, round);
    let hash = ContentHash::of(serde_json::to_vec(&history).unwrap());
    let byte = |place: usize| hash.as_bytes()[place];
    if byte(0) < 10 {
        let cause = "it lost its temper".to_owned();
        return Event::ProposerFailed { stage, cause };
    }
    let proposals = (0..usize::from(byte(1) % 6)).map(|place| ExternalProposal {
        parent: (byte(place + 2) % 3 == 0).then(|| {
            let inputs = &history.inputs;
            let known = &inputs[usize::from(byte(place + 8)) % inputs.len()];
            known.case.clone()
        }),
        eco: ["resize", "buffer", "unknown"][usize::from(byte(place + 14)) % 3].to_owned(),
        parameters: match byte(place + 14) % 3 {
            0 => [(
                "paths".to_owned(),
                ParameterValue::Integer(i64::from(byte(place + 20) % 50)),
            )]
            .into(),
            1 => [(
                "share".to_owned(),
                ParameterValue::Real(f64::from(byte(place + 20)) / 200.0),
            )]
            .into(),
            _ => Default::default(),
        },
        reason: String::new(),
    });
    Event::RoundAnswered {
        stage,
        round,
        proposals: proposals.collect(),
    }
}
