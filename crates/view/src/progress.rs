//! A running study in a few lines.

use noodle2_control::{Controller, StageStanding, TrialStanding, Verdict};
use noodle2_model::{Metric, StageEnd, StageIndex};

use crate::{metric_text, seconds_text};

/// Where a running study stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Progress {
    /// One line for each stage, in order of index.
    pub stages: Vec<StageProgress>,
    /// Trials that ended, of all stages.
    pub done: usize,
    /// Trials that may still be proposed or are proposed, of all stages, the ended ones included.
    pub total: usize,
    /// The metric that matters most to the study.
    pub metric: Option<Metric>,
    /// Its best value so far, and the base case's.
    pub best: Option<f64>,
    /// The base case's value.
    pub base: Option<f64>,
}

/// Where a stage of a running study stands.
#[derive(Debug, Clone, PartialEq)]
pub struct StageProgress {
    /// The stage's name.
    pub name: String,
    /// `waiting`, `running`, `completed`, `failed`, `skipped`.
    pub status: &'static str,
    /// Trials that ended.
    pub done: usize,
    /// Trials that run.
    pub running: usize,
    /// Trials that failed.
    pub failed: usize,
    /// Trials in all.
    pub total: usize,
    /// The best value that a case of the stage reached in the metric that matters most to it.
    pub best: Option<(Metric, f64)>,
}

impl Progress {
    /// Where the study stands now.
    pub fn new(controller: &Controller) -> Self {
        let stages: Vec<StageProgress> = (0..controller.stages().len())
            .map(|position| StageProgress::new(controller, StageIndex::from(position)))
            .collect();
        let metric = controller.program().study().objective.rank.first().copied();
        let overall = |name| {
            let case = controller.cases().get(name)?;
            case.measurement.overall.get(metric?)
        };
        let values = controller.cases().keys().filter_map(overall);
        Self {
            done: stages.iter().map(|stage| stage.done).sum(),
            total: stages.iter().map(|stage| stage.total).sum(),
            best: values.reduce(|left, right| match metric {
                Some(metric) if metric.compare(right, left).is_gt() => right,
                _ => left,
            }),
            base: overall(&controller.base_name()),
            metric,
            stages,
        }
    }

    /// Seconds until the end if the rest goes at the pace so far; `None` before the first trial ended.
    pub fn remaining_s(&self, elapsed_s: f64) -> Option<f64> {
        let rest = self.total.saturating_sub(self.done);
        (self.done > 0).then(|| elapsed_s * rest as f64 / self.done as f64)
    }

    /// The study in one line.
    pub fn line(&self, elapsed_s: f64) -> String {
        let best = match self.metric {
            Some(metric) if self.base.is_some() => format!(
                ", best {metric} {} (base {})",
                metric_text(metric, self.best),
                metric_text(metric, self.base)
            ),
            _ => String::new(),
        };
        let rest = match self.remaining_s(elapsed_s) {
            Some(seconds) if self.done < self.total => {
                format!(", about {} left", seconds_text(seconds))
            }
            _ => String::new(),
        };
        format!(
            "{} of {} trials in {}{rest}{best}",
            self.done,
            self.total,
            seconds_text(elapsed_s)
        )
    }
}

impl StageProgress {
    fn new(controller: &Controller, index: StageIndex) -> Self {
        let stage = &controller.stages()[index.position()];
        let trials: Vec<_> = controller.trials_of(index).collect();
        let count = |wanted: fn(TrialStanding) -> bool| {
            trials
                .iter()
                .filter(|trial| wanted(trial.standing()))
                .count()
        };
        let done = count(|standing| {
            matches!(standing, TrialStanding::Finished | TrialStanding::Cancelled)
        });
        let (status, total) = match &stage.standing {
            StageStanding::Waiting => {
                ("waiting", controller.program().stage(index).trials as usize)
            }
            StageStanding::Running => ("running", trials.len()),
            StageStanding::Finished(StageEnd::Completed { .. }) => ("completed", trials.len()),
            StageStanding::Finished(StageEnd::Failed { .. }) => ("failed", trials.len()),
            StageStanding::Finished(StageEnd::Skipped { .. }) => ("skipped", 0),
        };
        let metric = controller.program().objective(index).rank.first().copied();
        let best = metric.and_then(|metric| {
            let case_name = &controller.program().study().design.case_name;
            let value = trials
                .iter()
                .filter_map(|trial| controller.cases().get(&trial.id.case(case_name)))
                .filter_map(|case| case.measurement.overall.get(metric))
                .reduce(|left, right| {
                    if metric.compare(right, left).is_gt() {
                        right
                    } else {
                        left
                    }
                })?;
            Some((metric, value))
        });
        Self {
            name: controller.program().stage(index).name.clone(),
            status,
            done,
            running: count(|standing| standing == TrialStanding::Running),
            failed: trials
                .iter()
                .filter(|trial| matches!(trial.verdict(), Some(Verdict::Failed(_))))
                .count(),
            total,
            best,
        }
    }

    /// The stage in one line.
    pub fn line(&self) -> String {
        let mut parts = vec![format!("{}/{} done", self.done, self.total)];
        if self.running > 0 {
            parts.push(format!("{} running", self.running));
        }
        if self.failed > 0 {
            parts.push(format!("{} failed", self.failed));
        }
        if let Some((metric, value)) = self.best {
            parts.push(format!(
                "best {metric} {}",
                metric_text(metric, Some(value))
            ));
        }
        format!("{}: {}", self.status, parts.join(", "))
    }
}
