//! What a study does with evidence of other runs.

use noodle2_model::{PriorRules, PriorSource};

use super::fields::fields;
use super::value::{boolean, filled, list, number, text};
use super::{Lowered, Place};
use crate::report::Report;

pub(super) fn priors(report: &mut Report, place: &Place<'_>) -> Lowered<PriorRules> {
    let fields = fields(
        report,
        place,
        "the priors",
        "{warm_start: true}",
        &[
            "warm_start",
            "record",
            "veto",
            "project",
            "sources",
            "max_age_days",
            "half_life_days",
        ],
    )?;
    let default = PriorRules::default();
    let sources =
        |report: &mut Report, place: &Place<'_>| list(report, place, &any_source(), source);
    Ok(PriorRules {
        warm_start: fields.optional(report, "warm_start", default.warm_start, boolean),
        record: fields.optional(report, "record", default.record, boolean),
        veto: fields.option(report, "veto", boolean),
        project: fields.option(report, "project", text),
        sources: fields.optional(report, "sources", default.sources, sources),
        max_age_days: fields.optional(report, "max_age_days", default.max_age_days, number),
        half_life_days: fields.optional(report, "half_life_days", default.half_life_days, number),
    })
}

fn source(report: &mut Report, place: &Place<'_>) -> Lowered<PriorSource> {
    let fields = fields(
        report,
        place,
        "a source of priors",
        "{project: chip_*, weight: 0.5}",
        &["project", "study", "weight"],
    )?;
    let PriorSource {
        project,
        study,
        weight,
    } = any_source();
    Ok(PriorSource {
        project: fields.optional(report, "project", project, filled),
        study: fields.optional(report, "study", study, filled),
        weight: fields.optional(report, "weight", weight, number),
    })
}

fn any_source() -> PriorSource {
    PriorSource {
        project: "*".to_owned(),
        study: "*".to_owned(),
        weight: 1.0,
    }
}
