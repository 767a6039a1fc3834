//! A running study in a few lines.

use std::collections::BTreeMap;

use noodle2_control::{Controller, Trial, TrialStanding, Verdict};
use noodle2_model::{CaseName, FailureClass, Metric, StageIndex};

use crate::{StageStatus, SummaryStatus, count_text, metric_text, seconds_text};

/// Where a running study stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Progress {
    /// How the run stands.
    pub status: SummaryStatus,
    /// One line for each stage, in order of index.
    pub stages: Vec<StageProgress>,
    /// Trials that ended, of all stages.
    pub done: usize,
    /// Of these, trials that were not run, since their results were known.
    pub known: usize,
    /// Trials that may still be proposed or are proposed, of all stages, the ended ones included.
    pub total: usize,
    /// How many trials failed, by kind.
    pub failures: BTreeMap<FailureClass, usize>,
    /// The metric that matters most to the study.
    pub metric: Option<Metric>,
    /// The best case so far.
    pub best_case: Option<CaseName>,
    /// Its value in the best case so far.
    pub best: Option<f64>,
    /// The base case's value.
    pub base: Option<f64>,
}

/// Where a stage of a running study stands.
#[derive(Debug, Clone, PartialEq)]
pub struct StageProgress {
    /// The stage's name.
    pub name: String,
    /// How it stands.
    pub status: StageStatus,
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
    /// Where a run stands now that stands like this.
    pub fn new(controller: &Controller, status: SummaryStatus) -> Self {
        let stages: Vec<StageProgress> = (0..controller.stages().len())
            .map(|position| StageProgress::new(controller, status, StageIndex::from(position)))
            .collect();
        let metric = controller.program().study().objective.rank.first().copied();
        let overall = |name: &CaseName| {
            let case = controller.cases().get(name)?;
            case.measurement.overall.get(metric?)
        };
        let best_case = controller.best_case();
        let mut failures = BTreeMap::new();
        for failure in controller.trials().filter_map(Trial::failure) {
            *failures.entry(failure.class).or_default() += 1;
        }
        Self {
            status,
            failures,
            done: stages.iter().map(|stage| stage.done).sum(),
            known: controller
                .trials()
                .filter(|trial| trial.hit().is_some())
                .count(),
            total: stages.iter().map(|stage| stage.total).sum(),
            best: best_case.and_then(overall),
            best_case: best_case.cloned(),
            base: overall(&controller.base_name()),
            metric,
            stages,
        }
    }

    /// Seconds until the end if the rest goes at the pace so far; `None` before the first trial ended, and
    /// where nobody works on the rest.
    fn remaining_s(&self, elapsed_s: f64) -> Option<f64> {
        let rest = self.total.saturating_sub(self.done);
        (self.done > 0 && rest > 0 && self.status == SummaryStatus::Running)
            .then(|| elapsed_s * rest as f64 / self.done as f64)
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
            Some(seconds) => format!(", about {} left", seconds_text(seconds)),
            None => String::new(),
        };
        let known = match self.known {
            0 => String::new(),
            known => format!(" ({known} known, not run)"),
        };
        format!(
            "{} of {}{known} in {}{rest}{best}",
            self.done,
            count_text(self.total, "trial"),
            seconds_text(elapsed_s)
        )
    }
}

impl StageProgress {
    fn new(controller: &Controller, run: SummaryStatus, index: StageIndex) -> Self {
        let status = StageStatus::new(controller, run, index);
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
        let total = match status {
            StageStatus::Waiting | StageStatus::AwaitingApproval | StageStatus::NotStarted => {
                controller.program().stage(index).trials as usize
            }
            _ => trials.len(),
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
            running: match run {
                SummaryStatus::Running => count(|standing| standing == TrialStanding::Running),
                _ => 0,
            },
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
