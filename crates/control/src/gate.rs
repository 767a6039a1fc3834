//! Gates: whether the base case is fit to be worked on, and whether a result may survive its stage.

use std::collections::BTreeSet;

use noodle2_model::{Measurement, Metric, Outcome, PromotionGates};

use crate::select;

/// Every reason why nothing may run on this base case; empty when it is fit.
pub(crate) fn reasons_to_block(outcome: &Outcome, ranked: &BTreeSet<Metric>) -> Vec<String> {
    match outcome {
        Outcome::Failed(failure) => vec![format!("{}: {}", failure.class, failure.message)],
        Outcome::NoEffect => vec!["the base case was not measured".to_owned()],
        Outcome::Measured(measurement) => {
            let blocking = measurement
                .findings
                .iter()
                .filter(|finding| finding.kind.blocks())
                .map(|finding| match finding.scene.as_str() {
                    "" => finding.detail.clone(),
                    scene => format!("scene `{scene}`: {}", finding.detail),
                });
            let missing = ranked
                .iter()
                .filter(|metric| measurement.overall.get(**metric).is_none())
                .map(|metric| {
                    format!("`{metric}` could not be measured, and the objective ranks by it")
                });
            blocking.chain(missing).collect()
        }
    }
}

/// The bounds that a result does not keep, scene by scene, in words. A metric that neither the base case
/// nor the result has in a scene is not checked there; one that only the result lacks is not kept.
pub(crate) fn broken_gates(
    gates: &PromotionGates,
    base: &Measurement,
    result: &Measurement,
) -> Vec<String> {
    let mut broken = Vec::new();
    for (scene, reference) in &base.scenes {
        let empty = Default::default();
        let metrics = result.scenes.get(scene).unwrap_or(&empty);
        let checked: Vec<_> = gates
            .bounds
            .iter()
            .filter(|bound| {
                reference.get(bound.metric).is_some() || metrics.get(bound.metric).is_some()
            })
            .cloned()
            .collect();
        let found = select::broken_bounds(&checked, reference, metrics);
        broken.extend(
            found
                .into_iter()
                .map(|text| format!("scene `{scene}`: {text}")),
        );
    }
    broken
}
