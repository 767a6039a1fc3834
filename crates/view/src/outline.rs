//! A run in sentences: what happened, why, and what to do next. For somebody who was away.
//!
//! Every sentence is made of what the journal says; where it does not say, there is no sentence.

use std::collections::BTreeSet;

use noodle2_control::{Case, Controller};
use noodle2_model::{CaseName, Metric, StageIndex};
use serde::Serialize;

use crate::lineage::with_ancestors;
use crate::{
    ApprovalStanding, History, StageStatus, StageSummary, Summary, SummaryStatus, count_text,
    gain_text, headline, metric_text, seconds_text,
};

/// Failures that are told by class.
const CLASSES: usize = 4;

/// A run in sentences.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Outline {
    /// How it stands, and what came of it.
    pub happened: Vec<String>,
    /// What it owes that to: which branch led, what failed, what was kept out.
    pub why: Vec<String>,
    /// What a person may do now, the most pressing first.
    pub next: Vec<NextStep>,
}

/// Something to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NextStep {
    /// Why one would.
    pub text: String,
    /// The command that does it.
    pub command: String,
}

impl Outline {
    /// The outline of a run.
    pub fn new(history: &History, summary: &Summary) -> Self {
        let teller = Teller {
            controller: history.controller(),
            history,
            summary,
            metric: objective_of(history),
        };
        Self {
            happened: teller.happened(),
            why: teller.why(),
            next: teller.next(),
        }
    }
}

/// The metric that matters most to a run.
fn objective_of(history: &History) -> Option<Metric> {
    let study = history.controller().program().study();
    study.objective.rank.first().copied()
}

struct Teller<'a> {
    controller: &'a Controller,
    history: &'a History,
    summary: &'a Summary,
    metric: Option<Metric>,
}

impl Teller<'_> {
    fn happened(&self) -> Vec<String> {
        let summary = self.summary;
        let counts = [
            (summary.trials_cached, "known before"),
            (self.count(|stage| stage.no_effect), "without effect"),
            (self.count(|stage| stage.failures), "failed"),
        ];
        let counts: Vec<String> = counts
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        let counts = match counts.is_empty() {
            true => String::new(),
            false => format!(", {}", counts.join(", ")),
        };
        let mut lines = vec![format!(
            "The run is {} after {}: {} of {} ended{counts}.",
            headline(summary),
            seconds_text(summary.makespan_s),
            summary.trials_run,
            count_text(summary.trials_total, "trial"),
        )];
        lines.extend(self.best());
        lines.extend(self.violations());
        lines.extend(summary.causes.iter().map(|cause| sentence(cause)));
        lines
    }

    fn count(&self, of: impl Fn(&StageSummary) -> usize) -> usize {
        self.summary.stages.iter().map(of).sum()
    }

    /// What the best case gained, and by which chain.
    fn best(&self) -> Option<String> {
        let metric = self.metric?;
        let (base, best) = (self.summary.base.as_ref()?, self.summary.best.as_ref()?);
        let (from, to) = (base.metrics.get(metric), best.metrics.get(metric));
        if base.case == best.case {
            let value = metric_text(metric, from);
            return Some(format!(
                "No case is better than the base: {metric} {value}."
            ));
        }
        let origin = self.summary.best_origin.as_ref();
        let origin = origin.map(|origin| match origin.survivor {
            true => format!(" of stage `{}`", origin.name),
            false => format!(" of stage `{}`, which has not passed it on", origin.name),
        });
        let noise = match self.summary.best_is_noise {
            true => " This is within the noise floor: it cannot be told from the base.",
            false => "",
        };
        Some(format!(
            "{metric} went from {} to {} ({}) with {}{}: {}.{noise}",
            metric_text(metric, from),
            metric_text(metric, to),
            gain_text(metric, from, to),
            best.case,
            origin.unwrap_or_default(),
            self.summary.winning_chain.join(" → ")
        ))
    }

    /// Whether the best case meets its timing, and what else it violates; nothing where slacks were not read.
    fn violations(&self) -> Option<String> {
        let best = self.summary.best.as_ref()?;
        let of = |metric| best.metrics.get(metric);
        let (setup, hold) = (of(Metric::SetupWns)?, of(Metric::HoldWns)?);
        let late = [
            (Metric::SetupWns, setup, Metric::SetupViolatingEndpoints),
            (Metric::HoldWns, hold, Metric::HoldViolatingEndpoints),
        ];
        let mut found: Vec<String> = late
            .into_iter()
            .filter(|(_, slack, _)| *slack < 0.0)
            .map(|(metric, slack, endpoints)| {
                let endpoints = of(endpoints).map(|count| format!(" at {count} endpoints"));
                let slack = metric_text(metric, Some(slack));
                format!("{metric} is {slack}{}", endpoints.unwrap_or_default())
            })
            .collect();
        let is_met = found.is_empty();
        let limits = [
            (Metric::MaxSlewViolations, "slew"),
            (Metric::MaxCapacitanceViolations, "capacitance"),
            (Metric::MaxFanoutViolations, "fanout"),
        ];
        let limits = limits.into_iter().filter_map(|(metric, name)| {
            let count = of(metric).filter(|count| *count > 0.0)?;
            Some(format!("{count} {name} violations"))
        });
        found.extend(limits);
        let timing = if is_met {
            "Timing is met"
        } else {
            "Timing is not met"
        };
        Some(match found.is_empty() {
            true => format!("{timing} by {}.", best.case),
            false => format!("{timing} by {}: {}.", best.case, found.join(", ")),
        })
    }

    fn why(&self) -> Vec<String> {
        let mut lines: Vec<String> = self.steps().into_iter().collect();
        lines.extend(self.behind());
        lines.extend(self.failures());
        let stages = &self.summary.stages;
        let kept_out = [
            (
                stages.iter().map(|stage| stage.vetoed.len()).sum::<usize>(),
                "not tried, since evidence said that it mostly fails",
            ),
            (
                stages.iter().map(|stage| stage.contained.len()).sum(),
                "contained after failing too often",
            ),
            (
                stages.iter().map(|stage| stage.refused.len()).sum(),
                "measured, and refused by the gates",
            ),
        ];
        let kept_out: Vec<String> = kept_out
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        if !kept_out.is_empty() {
            lines.push(format!("Kept out: {}.", kept_out.join("; ")));
        }
        lines
    }

    /// What each step on the way to the best case gained.
    fn steps(&self) -> Option<String> {
        let metric = self.metric?;
        let mut steps = Vec::new();
        let mut name = &self.summary.best.as_ref()?.case;
        while let Some(case) = self.case(name)
            && let Some(parent) = case.parents.first().and_then(|parent| self.case(parent))
        {
            let eco = case.eco.as_ref().map_or("", |eco| eco.name.as_str());
            let stage = self.stage(name.trial().stage);
            let gain = gain_text(metric, value(parent, metric), value(case, metric));
            steps.push(format!("`{eco}` in `{stage}` ({name}): {gain}"));
            name = &parent.name;
        }
        steps.reverse();
        (!steps.is_empty()).then(|| {
            format!(
                "Step by step, in {metric}, each in percent of the step before: {}.",
                steps.join("; ")
            )
        })
    }

    /// What came of those branches that met in a join and that the best case does not come of.
    fn behind(&self) -> Vec<String> {
        let Some((metric, best)) = self.metric.zip(self.summary.best.as_ref()) else {
            return Vec::new();
        };
        let Some(best) = self.case(&best.case) else {
            return Vec::new();
        };
        let winning = with_ancestors(self.controller, [&best.name]);
        let dag = self.controller.program().dag();
        let mut lines = Vec::new();
        for join in dag.convergence_points() {
            let sources = dag.dependencies(join);
            let (led, trailed): (Vec<StageIndex>, Vec<StageIndex>) =
                (sources.iter()).partition(|source| self.contributes(**source, &winning));
            if led.is_empty() {
                continue;
            }
            for stage in trailed {
                lines.push(match self.best_after(stage, join, metric) {
                    Some(case) => format!(
                        "What came of branch `{}` at `{}` reached {} ({}), where the best case reached {}: {}.",
                        self.stage(stage),
                        self.stage(join),
                        metric_text(metric, value(case, metric)),
                        case.name,
                        metric_text(metric, value(best, metric)),
                        gain_text(metric, value(best, metric), value(case, metric)),
                    ),
                    None => format!(
                        "Nothing came of branch `{}` at `{}`: it {}.",
                        self.stage(stage),
                        self.stage(join),
                        self.ended(stage)
                    ),
                });
            }
        }
        lines
    }

    /// The best case, by the metric that matters most, that was derived in `join` or after it from a survivor of `stage`.
    fn best_after(&self, stage: StageIndex, join: StageIndex, metric: Metric) -> Option<&Case> {
        let dag = self.controller.program().dag();
        let survivors = self.controller.stages()[stage.position()].survivors();
        let is_after = |case: &&Case| {
            let own = case.name.trial().stage;
            let is_late = own == join || dag.ancestors(own).contains(&join);
            if case.name.trial().is_base() || !is_late {
                return false;
            }
            let ancestors = with_ancestors(self.controller, [&case.name]);
            survivors
                .iter()
                .any(|survivor| ancestors.contains(survivor))
        };
        let valued = self.controller.cases().values().filter(is_after);
        let valued = valued.filter_map(|case| Some((value(case, metric)?, case)));
        let best = valued.reduce(
            |best, other| match metric.compare(other.0, best.0).is_gt() {
                true => other,
                false => best,
            },
        );
        best.map(|(_, case)| case)
    }

    /// Whether the best case comes of a survivor of the stage.
    fn contributes(&self, stage: StageIndex, winning: &BTreeSet<CaseName>) -> bool {
        let survivors = self.controller.stages()[stage.position()].survivors();
        survivors.iter().any(|case| winning.contains(case))
    }

    fn ended(&self, stage: StageIndex) -> String {
        let summary = &self.summary.stages[stage.position()];
        let cause = summary.cause.as_ref();
        let cause = cause.map(|cause| format!(" ({cause})")).unwrap_or_default();
        let standing = match summary.status {
            StageStatus::Failed => "failed",
            StageStatus::Skipped => "was skipped",
            StageStatus::Completed => "completed without a survivor",
            _ => "has not completed",
        };
        format!("{standing}{cause}")
    }

    fn failures(&self) -> Option<String> {
        let failures = &self.summary.failures;
        let total: usize = failures.iter().map(|failure| failure.count).sum();
        let mut told: Vec<String> = failures
            .iter()
            .take(CLASSES)
            .map(|failure| {
                let (count, class) = (failure.count, failure.class);
                format!(
                    "{count} {class} (first {}: {})",
                    failure.first, failure.message
                )
            })
            .collect();
        if failures.len() > CLASSES {
            told.push(format!("{} more kinds", failures.len() - CLASSES));
        }
        (total > 0).then(|| {
            format!(
                "{} failed: {}.",
                count_text(total, "trial"),
                told.join("; ")
            )
        })
    }

    fn next(&self) -> Vec<NextStep> {
        let run = self.history.called();
        let mut steps = Vec::new();
        let mut step = |text: &str, command: String| {
            steps.push(NextStep {
                text: text.to_owned(),
                command,
            });
        };
        let waiting = self.summary.approvals.iter();
        for approval in waiting.filter(|found| found.standing == ApprovalStanding::Waiting) {
            let text = format!(
                "Look at what `{}` would start from, and approve or refuse it",
                approval.name
            );
            step(&text, approval.command(run));
        }
        if matches!(
            self.summary.status,
            SummaryStatus::Interrupted | SummaryStatus::Waiting
        ) && !self.history.is_at_work()
        {
            step(
                "Go on: no finished trial runs again",
                format!("noodle2 resume {run}"),
            );
        }
        if self.summary.status == SummaryStatus::Blocked {
            let base = self.controller.base_name();
            step(
                "See why the base case is not fit",
                format!("noodle2 explain {run} {base}"),
            );
        }
        let stopped = self.summary.stages.iter();
        for stage in stopped.filter(|stage| stage.status == StageStatus::Failed) {
            let text = format!("See why `{}` failed", stage.name);
            step(&text, format!("noodle2 explain {run} {}", stage.name));
        }
        let best = self.summary.best.as_ref().zip(self.summary.base.as_ref());
        if let Some((best, base)) = best
            && best.case != base.case
            && self.summary.status.has_ended()
        {
            let case = &best.case;
            step(
                "Get the winner, with a script that makes it again",
                format!("noodle2 rebuild {run} {case} --out {case}"),
            );
            step(
                "Check the record before you sign off on it",
                format!("noodle2 verify {run}"),
            );
        }
        if let Some(failure) = self.summary.failures.first() {
            step(
                "Understand the failures",
                format!("noodle2 explain {run} {}", failure.first),
            );
        }
        steps
    }

    fn case(&self, name: &CaseName) -> Option<&Case> {
        self.controller.cases().get(name)
    }

    fn stage(&self, stage: StageIndex) -> &str {
        &self.controller.program().stage(stage).name
    }
}

fn value(case: &Case, metric: Metric) -> Option<f64> {
    case.measurement.overall.get(metric)
}

/// A cause as a sentence.
fn sentence(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters
        .next()
        .map(|first| first.to_uppercase().to_string());
    let stop = if text.ends_with('.') { "" } else { "." };
    format!("{}{}{stop}", first.unwrap_or_default(), characters.as_str())
}
