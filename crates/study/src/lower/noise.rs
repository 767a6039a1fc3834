//! Measurements that are repeated.

use noodle2_model::NoiseRules;

use super::fields::fields;
use super::value::{boolean, whole};
use super::{Lowered, Place};
use crate::report::Report;

pub(super) fn noise(report: &mut Report, place: &Place<'_>) -> Lowered<NoiseRules> {
    let fields = fields(
        report,
        place,
        "the noise",
        "{rerun: true, repeats: 4}",
        &["rerun", "repeats"],
    )?;
    Ok(NoiseRules {
        rerun: fields.option(report, "rerun", boolean),
        repeats: fields.option(report, "repeats", whole),
    })
}
