//! Rules that are stricter than the safety domain.

use noodle2_model::{
    ContainmentRules, FailureRail, GainAudit, Gates, ProtectedObjects, Rails, RiskEnvelope,
    SafetyRules, StudyRail,
};

use super::fields::fields;
use super::study::{bounds, texts};
use super::value::{boolean, number, whole};
use super::{Lowered, Place};
use crate::report::Report;

pub(super) fn safety(report: &mut Report, place: &Place<'_>) -> Lowered<SafetyRules> {
    let fields = fields(
        report,
        place,
        "the safety rules",
        "{deny_ecos: [...], protect: {instances: [...]}}",
        &[
            "allow_ecos",
            "deny_ecos",
            "protect",
            "envelope",
            "rails",
            "containment",
            "gates",
        ],
    )?;
    Ok(SafetyRules {
        allow_ecos: fields.optional(report, "allow_ecos", Vec::new(), texts),
        deny_ecos: fields.optional(report, "deny_ecos", Vec::new(), texts),
        protect: fields.optional(report, "protect", ProtectedObjects::default(), protect),
        envelope: fields.optional(report, "envelope", RiskEnvelope::default(), envelope),
        rails: fields.optional(report, "rails", Rails::default(), rails),
        containment: fields.optional(
            report,
            "containment",
            ContainmentRules::default(),
            containment,
        ),
        gates: fields.optional(report, "gates", Gates::default(), gates),
    })
}

fn rails(report: &mut Report, place: &Place<'_>) -> Lowered<Rails> {
    let fields = fields(
        report,
        place,
        "the rails",
        "{trial: [...], branch: {failures: 10}, study: {catastrophic_failures: 1}}",
        &["trial", "branch", "study"],
    )?;
    Ok(Rails {
        trial: fields.optional(report, "trial", Vec::new(), bounds),
        branch: fields.optional(report, "branch", FailureRail::default(), branch_rail),
        study: fields.optional(report, "study", StudyRail::default(), study_rail),
    })
}

fn branch_rail(report: &mut Report, place: &Place<'_>) -> Lowered<FailureRail> {
    let fields = fields(
        report,
        place,
        "the rail of branches",
        "{failures: 10}",
        &["failures", "failure_percent", "at_least"],
    )?;
    Ok(FailureRail {
        failures: fields.option(report, "failures", whole),
        failure_percent: fields.option(report, "failure_percent", number),
        at_least: fields.option(report, "at_least", whole),
    })
}

fn study_rail(report: &mut Report, place: &Place<'_>) -> Lowered<StudyRail> {
    let fields = fields(
        report,
        place,
        "the rail of the study",
        "{catastrophic_failures: 1}",
        &["catastrophic_failures", "failure_percent", "at_least"],
    )?;
    Ok(StudyRail {
        catastrophic_failures: fields.option(report, "catastrophic_failures", whole),
        failure_percent: fields.option(report, "failure_percent", number),
        at_least: fields.option(report, "at_least", whole),
    })
}

fn containment(report: &mut Report, place: &Place<'_>) -> Lowered<ContainmentRules> {
    let fields = fields(
        report,
        place,
        "the containment",
        "{eco_failures_in_a_row: 3}",
        &[
            "eco_failures_in_a_row",
            "class_failure_percent",
            "class_at_least",
        ],
    )?;
    Ok(ContainmentRules {
        eco_failures_in_a_row: fields.option(report, "eco_failures_in_a_row", whole),
        class_failure_percent: fields.option(report, "class_failure_percent", number),
        class_at_least: fields.option(report, "class_at_least", whole),
    })
}

fn gates(report: &mut Report, place: &Place<'_>) -> Lowered<Gates> {
    let fields = fields(
        report,
        place,
        "the gates",
        "{bounds: [{metric: hold_wns_ps, max_loss: 5}]}",
        &[
            "bounds",
            "confirm",
            "equivalence",
            "accept_undecided",
            "stability",
            "gain_audit",
        ],
    )?;
    Ok(Gates {
        bounds: fields.optional(report, "bounds", Vec::new(), bounds),
        confirm: fields.option(report, "confirm", boolean),
        equivalence: fields.option(report, "equivalence", boolean),
        accept_undecided: fields.option(report, "accept_undecided", boolean),
        stability: fields.option(report, "stability", whole),
        gain_audit: fields.option(report, "gain_audit", gain_audit),
    })
}

fn gain_audit(report: &mut Report, place: &Place<'_>) -> Lowered<GainAudit> {
    let fields = fields(
        report,
        place,
        "the gain audit",
        "{max_loss_percent: 50}",
        &["max_loss_percent"],
    )?;
    Ok(GainAudit {
        max_loss_percent: fields.required(report, "max_loss_percent", 0.0, number),
    })
}

fn protect(report: &mut Report, place: &Place<'_>) -> Lowered<ProtectedObjects> {
    let fields = fields(
        report,
        place,
        "the protected objects",
        "{instances: [...], nets: [...], cells: [...]}",
        &[
            "instances",
            "nets",
            "cells",
            "clock_network",
            "dont_touch",
            "scan",
        ],
    )?;
    Ok(ProtectedObjects {
        instances: fields.optional(report, "instances", Vec::new(), texts),
        nets: fields.optional(report, "nets", Vec::new(), texts),
        cells: fields.optional(report, "cells", Vec::new(), texts),
        clock_network: fields.option(report, "clock_network", boolean),
        dont_touch: fields.option(report, "dont_touch", boolean),
        scan: fields.option(report, "scan", boolean),
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
