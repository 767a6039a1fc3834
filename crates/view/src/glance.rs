//! A run at a glance: what a list of many runs shows of each.

use jiff::Timestamp;
use noodle2_control::StageStanding;
use noodle2_model::{CaseName, ContentHash, Metric};
use serde::Serialize;

use crate::{History, SummaryStatus};

/// A run in one line.
#[derive(Debug, Clone, Serialize)]
pub struct RunGlance {
    /// The name of the study.
    pub study: String,
    /// How the run stands.
    pub status: SummaryStatus,
    /// Stages that ended.
    pub stages_ended: usize,
    /// Stages in all.
    pub stages_total: usize,
    /// Trials that were brought to an end.
    pub trials_run: usize,
    /// Trials proposed.
    pub trials_total: usize,
    /// Trials that failed, those whose results do not count left out.
    pub failures: usize,
    /// The best case so far; absent until the base is measured.
    pub best_case: Option<CaseName>,
    /// The first metric of the study's ranking, from base to best; absent until both have it.
    pub objective: Option<ObjectiveGlance>,
    /// Whether wires are modelled: results of a study without wires are `pre-layout`.
    pub label: Option<&'static str>,
    /// Processor seconds of all attempts.
    pub cpu_s: f64,
    /// Seconds during which a controller worked on the run.
    pub makespan_s: f64,
    /// When the run was created.
    pub started_at: Option<Timestamp>,
    /// When its last event was journalled.
    pub last_at: Option<Timestamp>,
    /// The digest; absent until the run ends.
    pub digest: Option<ContentHash>,
}

/// A metric from base to best.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ObjectiveGlance {
    /// The metric.
    pub metric: Metric,
    /// Its value in the base case.
    pub base: f64,
    /// Its value in the best case.
    pub best: f64,
    /// How much better that is.
    pub gain: f64,
}

impl RunGlance {
    /// A run as its history tells it.
    pub fn new(history: &History) -> Self {
        let controller = history.controller();
        let study = controller.program().study();
        let mut glance = Self {
            study: study.name.clone(),
            status: history.status(),
            stages_ended: 0,
            stages_total: controller.stages().len(),
            trials_run: 0,
            trials_total: 0,
            failures: 0,
            best_case: controller.best_case().cloned(),
            objective: objective(history),
            label: study.result_label(),
            cpu_s: history.cpu_s(),
            makespan_s: history.makespan_s(),
            started_at: history.started_at(),
            last_at: history.last_at(),
            digest: controller.recorded_digest(),
        };
        for stage in controller.stages() {
            let ended = matches!(stage.standing, StageStanding::Finished(_));
            glance.stages_ended += usize::from(ended);
        }
        for trial in controller.trials() {
            let failed = trial.failure().is_some() && !controller.is_discarded(trial.id);
            glance.trials_total += 1;
            glance.trials_run += usize::from(trial.verdict().is_some());
            glance.failures += usize::from(failed);
        }
        glance
    }
}

fn objective(history: &History) -> Option<ObjectiveGlance> {
    let controller = history.controller();
    let metric = *controller.program().study().objective.rank.first()?;
    let best = controller.cases().get(controller.best_case()?)?;
    let base = controller.base_case()?.measurement.overall.get(metric)?;
    let best = best.measurement.overall.get(metric)?;
    Some(ObjectiveGlance {
        metric,
        base,
        best,
        gain: metric.canonical(metric.gain(base, best))?,
    })
}
