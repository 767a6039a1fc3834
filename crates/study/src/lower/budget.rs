//! What may be spent: by the study, its branches and its stages, and by one attempt.

use noodle2_model::{BranchBudget, Budget, ExtraTrials, Limits, StageBudget};

use super::fields::fields;
use super::stage::names;
use super::value::{number, whole};
use super::{Lowered, Place};
use crate::report::Report;

pub(super) fn budget(report: &mut Report, place: &Place<'_>) -> Lowered<Budget> {
    let fields = fields(
        report,
        place,
        "the budget",
        "{trials: 100}",
        &["trials", "cpu_time_s", "wall_time_s", "disk_mib", "branch"],
    )?;
    Ok(Budget {
        trials: fields.option(report, "trials", whole),
        cpu_time_s: fields.option(report, "cpu_time_s", number),
        wall_time_s: fields.option(report, "wall_time_s", number),
        disk_mib: fields.option(report, "disk_mib", whole),
        branch: fields.optional(report, "branch", BranchBudget::default(), branch),
    })
}

fn branch(report: &mut Report, place: &Place<'_>) -> Lowered<BranchBudget> {
    let fields = fields(
        report,
        place,
        "the budget of each branch",
        "{trials: 50}",
        &["trials", "cpu_time_s", "wall_time_s"],
    )?;
    Ok(BranchBudget {
        trials: fields.option(report, "trials", whole),
        cpu_time_s: fields.option(report, "cpu_time_s", number),
        wall_time_s: fields.option(report, "wall_time_s", number),
    })
}

pub(super) fn stage_budget(report: &mut Report, place: &Place<'_>) -> Lowered<StageBudget> {
    let fields = fields(
        report,
        place,
        "the budget of the stage",
        "{wall_time_s: 600}",
        &["cpu_time_s", "wall_time_s"],
    )?;
    Ok(StageBudget {
        cpu_time_s: fields.option(report, "cpu_time_s", number),
        wall_time_s: fields.option(report, "wall_time_s", number),
    })
}

pub(super) fn extra_trials(report: &mut Report, place: &Place<'_>) -> Lowered<ExtraTrials> {
    let fields = fields(
        report,
        place,
        "the extra trials",
        "{from: [explore], at_most: 20}",
        &["from", "at_most"],
    )?;
    Ok(ExtraTrials {
        from: fields.required(report, "from", Vec::new(), names),
        at_most: fields.required(report, "at_most", 1, whole),
    })
}

pub(super) fn limits(report: &mut Report, place: &Place<'_>) -> Lowered<Limits> {
    let fields = fields(
        report,
        place,
        "the limits",
        "{wall_time_s: 600}",
        &["wall_time_s", "cpu_time_s", "memory_mib", "output_mib"],
    )?;
    let default = Limits::default();
    Ok(Limits {
        wall_time_s: fields.optional(report, "wall_time_s", default.wall_time_s, number),
        cpu_time_s: fields.optional(report, "cpu_time_s", default.cpu_time_s, number),
        memory_mib: fields.optional(report, "memory_mib", default.memory_mib, whole),
        output_mib: fields.optional(report, "output_mib", default.output_mib, whole),
    })
}
