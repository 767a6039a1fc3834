//! Rules that are stricter than the safety domain.

use noodle2_model::{ProtectedObjects, RiskEnvelope, SafetyRules};

use super::fields::fields;
use super::study::texts;
use super::value::{boolean, number, whole};
use super::{Lowered, Place};
use crate::report::Report;

pub(super) fn safety(report: &mut Report, place: &Place<'_>) -> Lowered<SafetyRules> {
    let fields = fields(
        report,
        place,
        "the safety rules",
        "{deny_ecos: [...], protect: {instances: [...]}}",
        &["allow_ecos", "deny_ecos", "protect", "envelope"],
    )?;
    Ok(SafetyRules {
        allow_ecos: fields.optional(report, "allow_ecos", Vec::new(), texts),
        deny_ecos: fields.optional(report, "deny_ecos", Vec::new(), texts),
        protect: fields.optional(report, "protect", ProtectedObjects::default(), protect),
        envelope: fields.optional(report, "envelope", RiskEnvelope::default(), envelope),
    })
}

fn protect(report: &mut Report, place: &Place<'_>) -> Lowered<ProtectedObjects> {
    let fields = fields(
        report,
        place,
        "the protected objects",
        "{instances: [...], nets: [...], cells: [...]}",
        &["instances", "nets", "cells", "clock_network"],
    )?;
    Ok(ProtectedObjects {
        instances: fields.optional(report, "instances", Vec::new(), texts),
        nets: fields.optional(report, "nets", Vec::new(), texts),
        cells: fields.optional(report, "cells", Vec::new(), texts),
        clock_network: fields.option(report, "clock_network", boolean),
    })
}

fn envelope(report: &mut Report, place: &Place<'_>) -> Lowered<RiskEnvelope> {
    let fields = fields(
        report,
        place,
        "the risk envelope",
        "{max_cells: 500}",
        &["max_cells", "max_nets_percent", "max_area_percent"],
    )?;
    Ok(RiskEnvelope {
        max_cells: fields.option(report, "max_cells", whole),
        max_nets_percent: fields.option(report, "max_nets_percent", number),
        max_area_percent: fields.option(report, "max_area_percent", number),
    })
}
