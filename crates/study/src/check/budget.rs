//! Budgets and limits: numbers that can be meant.

use noodle2_model::Study;

use super::out_of_range;
use crate::report::Report;

pub(super) fn check(study: &Study, report: &mut Report) {
    let budget = &study.budget;
    let limits = &study.limits;
    for (field, trials) in [
        ("budget.trials", budget.trials),
        ("budget.branch.trials", budget.branch.trials),
    ] {
        if trials == Some(0) {
            out_of_range(report, field, "must be at least 1");
        }
    }
    let mut times = vec![
        ("budget.cpu_time_s".to_owned(), budget.cpu_time_s),
        ("budget.wall_time_s".to_owned(), budget.wall_time_s),
        (
            "budget.branch.cpu_time_s".to_owned(),
            budget.branch.cpu_time_s,
        ),
        (
            "budget.branch.wall_time_s".to_owned(),
            budget.branch.wall_time_s,
        ),
        ("limits.wall_time_s".to_owned(), Some(limits.wall_time_s)),
        ("limits.cpu_time_s".to_owned(), Some(limits.cpu_time_s)),
    ];
    for (index, stage) in study.stages.iter().enumerate() {
        let field = format!("stages[{index}].budget");
        times.push((format!("{field}.cpu_time_s"), stage.budget.cpu_time_s));
        times.push((format!("{field}.wall_time_s"), stage.budget.wall_time_s));
    }
    for (field, seconds) in times {
        if seconds.is_some_and(|seconds| seconds <= 0.0) {
            out_of_range(report, &field, "must be above 0 seconds");
        }
    }
    for (field, mebibytes) in [
        ("budget.disk_mib", budget.disk_mib),
        ("limits.memory_mib", Some(limits.memory_mib)),
        ("limits.output_mib", Some(limits.output_mib)),
    ] {
        if mebibytes == Some(0) {
            out_of_range(report, field, "must be at least 1 MiB");
        }
    }
}
