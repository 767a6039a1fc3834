//! What to say of a run that has ended to somebody who would go on with it.

use std::path::Path;

use noodle2_control::StageStanding;
use noodle2_model::{RunStatus, StageEnd, StopCause};
use noodle2_view::{History, Summary, headline};

use crate::shell;

/// How the run ended, why, and what can be done.
pub(crate) fn ended_text(history: &History, run: &Path) -> String {
    let summary = Summary::new(history);
    if history.controller().status() == RunStatus::Completed {
        return "the run has ended already: it is completed, and nothing is left to do".to_owned();
    }
    let mut text = format!(
        "the run has ended and cannot go on: it is {}\n",
        headline(&summary)
    );
    for cause in &summary.causes {
        text.push_str(&format!("  why: {cause}\n"));
    }
    for advice in advice(history) {
        text.push_str(&format!("  what now: {advice}\n"));
    }
    text.push_str(&format!(
        "  the report: noodle2 report {}",
        shell::word(run)
    ));
    text
}

fn advice(history: &History) -> Vec<String> {
    const ANEW: &str = "and begin a new run: noodle2 run STUDY --out NEW_RUN";
    let controller = history.controller();
    let study = controller.program().study();
    let budget = |key: &str, limit: Option<String>| {
        let limit = limit.map_or_else(String::new, |limit| format!(" of {limit}"));
        format!("raise `budget.{key}`{limit} in the study, or ask for fewer trials, {ANEW}")
    };
    let seconds = |limit: Option<f64>| limit.map(|limit| format!("{limit} s"));
    let mut advice = Vec::new();
    match controller.status() {
        RunStatus::Completed => {}
        RunStatus::Blocked => {
            advice.push(format!(
                "mend the design, its constraints or its libraries as said above, {ANEW}"
            ));
        }
        RunStatus::Stopped | RunStatus::Running | RunStatus::Interrupted => {
            match controller.stop_cause() {
                Some(StopCause::WallTime) => {
                    advice.push(budget("wall_time_s", seconds(study.budget.wall_time_s)));
                }
                Some(StopCause::CpuTime) => {
                    advice.push(budget("cpu_time_s", seconds(study.budget.cpu_time_s)));
                }
                Some(StopCause::DiskSpace) => {
                    let limit = study.budget.disk_mib.map(|limit| format!("{limit} MiB"));
                    advice.push(budget("disk_mib", limit));
                }
                _ => {}
            }
            let stages = controller.stages().iter().zip(&study.stages);
            let failed = stages.filter(|(stage, _)| {
                let has_failed = matches!(
                    stage.standing,
                    StageStanding::Finished(StageEnd::Failed { .. })
                );
                has_failed && stage.out_of_time().is_some()
            });
            advice.extend(failed.map(|(_, declared)| {
                let name = &declared.name;
                format!(
                    "give stage `{name}` or its branch more time (`budget`), or fewer trials, {ANEW}"
                )
            }));
            if controller.crossed_study_rail().is_some() {
                advice.push(format!(
                    "look at the failures that crossed the rail; change what is tried, or `safety.rails.study`, {ANEW}"
                ));
            } else if advice.is_empty() {
                advice.push(format!(
                    "look at the stages that failed; change what they try, their `aborts` or the `policy` of their join, {ANEW}"
                ));
            }
        }
    }
    if controller.cases().len() > 1 {
        advice.push(
            "what it found is kept: `cases` holds the netlist of every measured case, from which a new study can start"
                .to_owned(),
        );
    }
    advice
}
