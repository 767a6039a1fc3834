//! Gate 0: whether the base case is fit to be worked on.

use std::collections::BTreeSet;

use noodle2_model::{Metric, Outcome};

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
