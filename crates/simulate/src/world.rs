//! Made-up results: drawn by trial from the study's seed, around the result of the case that was changed.

use std::collections::BTreeMap;

use noodle2_control::{AttemptRole, Controller};
use noodle2_model::{
    AttemptId, ContentHash, DesignState, EquivalenceProof, EquivalenceVerdict, Failure,
    FailureClass, Measurement, Metric, MetricSet, Outcome, Unit,
};

use crate::draw::Draw;

/// What a simulated attempt reports. What measures again finds the very same; every other trial finds a case that is a
/// little better or worse than its parent.
pub(crate) fn result_of(controller: &Controller, attempt: AttemptId, role: AttemptRole) -> Outcome {
    let study = controller.program().study();
    let name = attempt.trial.case(&study.design.case_name);
    if role != AttemptRole::Derives {
        // A rail of the study may have discarded it meanwhile.
        return match controller.cases().get(&name) {
            Some(case) => again((*case.measurement).clone(), role),
            None => Outcome::NoEffect,
        };
    }
    let seed = study.seed;
    let Some(trial) = controller.trial(attempt.trial) else {
        let metrics = Metric::ALL
            .iter()
            .filter_map(|metric| Some((*metric, base(*metric)?)));
        return Outcome::from(measurement(&format!("{seed} base"), metrics.collect()));
    };
    let Some(parent) = controller.cases().get(&trial.parent) else {
        return Outcome::NoEffect;
    };
    let mut draw = Draw::of(seed, attempt.trial, role, 0, "result");
    let metrics = parent.measurement.overall.iter();
    let changed = metrics.map(|(metric, value)| (metric, value * factor(metric, &mut draw)));
    let changed: MetricSet = changed.collect();
    Outcome::from(measurement(&format!("{seed} {}", attempt.trial), changed))
}

/// What a fault reports.
pub(crate) fn failure(class: FailureClass) -> Outcome {
    Outcome::Failed(Failure {
        class,
        tool_code: None,
        message: "simulated".to_owned(),
        excerpt: String::new(),
    })
}

/// A metric of the base case: setup is missed by a nanosecond, hold is met, and nothing else is wrong.
fn base(metric: Metric) -> Option<f64> {
    Some(match metric {
        Metric::SetupWs | Metric::SetupWns => -1000.0,
        Metric::SetupTns => -100_000.0,
        Metric::SetupViolatingEndpoints => 100.0,
        Metric::HoldWs => 100.0,
        Metric::Area => 10_000.0,
        Metric::CellCount => 10_000.0,
        Metric::AnnotatedNets | Metric::WireCapacitance => return None,
        _ if metric.unit() == Unit::Watts => 0.01,
        _ => 0.0,
    })
}

/// By what an ECO changes a metric: setup by up to a tenth for the better or half of that for the worse, size and power
/// by a hundredth either way.
fn factor(metric: Metric, draw: &mut Draw) -> f64 {
    match metric {
        Metric::SetupWs | Metric::SetupWns | Metric::SetupTns => draw.between(0.9, 1.05),
        Metric::Area => draw.between(0.99, 1.01),
        _ if metric.unit() == Unit::Watts => draw.between(0.99, 1.01),
        _ => 1.0,
    }
}

fn measurement(design: &str, overall: MetricSet) -> Measurement {
    let hash = ContentHash::of(format!("simulated {design}"));
    Measurement {
        design: DesignState {
            canonical: hash,
            netlist: hash,
            placement: None,
        },
        overall,
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
    }
}

fn again(mut case: Measurement, role: AttemptRole) -> Outcome {
    if role == AttemptRole::Confirms {
        case.equivalence = Some(EquivalenceProof {
            verdict: EquivalenceVerdict::Equal,
            points: 0,
            by_structure: 0,
            by_proof: 0,
            cells: 0,
            sat_calls: 0,
            conflicts: 0,
        });
    }
    Outcome::from(case)
}
