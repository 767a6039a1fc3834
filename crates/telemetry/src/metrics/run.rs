//! What is told of one run.

use std::collections::BTreeMap;

use jiff::Timestamp;
use noodle2_control::{Attempt, Controller, Trial, TrialStanding, Verdict};
use noodle2_model::{CacheAnswer, Metric, MetricSet, Outcome, Unit};
use noodle2_view::{ApprovalStanding, History, StageStatus, Summary, SummaryStatus};

use super::family::{Families, Labels, Shape};

const RUN_STATES: [(SummaryStatus, &str); 6] = [
    (SummaryStatus::Running, "running"),
    (SummaryStatus::Waiting, "waiting"),
    (SummaryStatus::Interrupted, "interrupted"),
    (SummaryStatus::Completed, "completed"),
    (SummaryStatus::Blocked, "blocked"),
    (SummaryStatus::Stopped, "stopped"),
];

const STAGE_STATES: [(StageStatus, &str); 9] = [
    (StageStatus::Waiting, "waiting"),
    (StageStatus::AwaitingApproval, "awaiting_approval"),
    (StageStatus::Running, "running"),
    (StageStatus::Interrupted, "interrupted"),
    (StageStatus::Completed, "completed"),
    (StageStatus::Failed, "failed"),
    (StageStatus::Skipped, "skipped"),
    (StageStatus::Stopped, "stopped"),
    (StageStatus::NotStarted, "not_started"),
];

const TRIAL_STATES: [&str; 7] = [
    "waiting",
    "running",
    "measured",
    "no_effect",
    "failed",
    "cancelled",
    "not_run",
];

/// What is told of one run.
#[derive(Debug, Clone)]
pub struct RunMetrics {
    called: String,
    summary: Summary,
    /// Trials of each stage by state, in the order of [`TRIAL_STATES`].
    trials: Vec<[usize; TRIAL_STATES.len()]>,
    attempts: AttemptCounts,
}

/// What came of all attempts: those of the base case, of trials, and those that measured again.
#[derive(Debug, Clone, Default)]
struct AttemptCounts {
    running: usize,
    measured: usize,
    no_effect: usize,
    failed: usize,
    by_class: BTreeMap<&'static str, usize>,
    hits: usize,
    misses: usize,
    waited_s: f64,
}

impl AttemptCounts {
    fn of(controller: &Controller) -> Self {
        let mut counts = Self::default();
        let repeats = controller.base_repeats().values().flatten();
        for attempt in controller.base_attempts().iter().chain(repeats) {
            counts.add(attempt);
        }
        for trial in controller.trials() {
            let repeats = trial.repeats.values().flatten();
            let again = trial.confirmations.iter().chain(repeats);
            for attempt in trial.attempts.iter().chain(again) {
                counts.add(attempt);
            }
        }
        counts
    }

    fn add(&mut self, attempt: &Attempt) {
        match &attempt.outcome {
            None => self.running += 1,
            Some(Outcome::Measured(_)) => self.measured += 1,
            Some(Outcome::NoEffect) => self.no_effect += 1,
            Some(Outcome::Failed(failure)) => {
                self.failed += 1;
                *self.by_class.entry(failure.class.name()).or_default() += 1;
            }
        }
        match &attempt.cache {
            Some(CacheAnswer::Hit(_)) => self.hits += 1,
            Some(CacheAnswer::Miss(_)) => self.misses += 1,
            None => {}
        }
        self.waited_s += attempt.usage.waited_s.unwrap_or(0.0).max(0.0);
    }
}

impl RunMetrics {
    /// What is told of a run under this name, which no other run of the exposition may have.
    pub fn new(called: &str, history: &History) -> Self {
        let controller = history.controller();
        let summary = Summary::new(history);
        let mut trials = vec![[0; TRIAL_STATES.len()]; controller.stages().len()];
        for trial in controller.trials() {
            let stage = trial.id.stage.position();
            let state = trial_state(trial, summary.stages[stage].status);
            let at = TRIAL_STATES.iter().position(|name| *name == state);
            if let Some(at) = at {
                trials[stage][at] += 1;
            }
        }
        Self {
            called: called.to_owned(),
            trials,
            attempts: AttemptCounts::of(controller),
            summary,
        }
    }

    /// The name under which the run is told of.
    pub fn called(&self) -> &str {
        &self.called
    }

    pub(super) fn add_to(&self, families: &mut Families) {
        self.add_run(families);
        self.add_stages(families);
        self.add_attempts(families);
        self.add_budgets(families);
        self.add_designs(families);
    }

    fn labels<const N: usize>(&self, more: [(&'static str, &str); N]) -> Labels {
        let run = [
            ("run", self.called.as_str()),
            ("study", self.summary.study.as_str()),
        ];
        let all = run.into_iter().chain(more);
        all.map(|(name, value)| (name, value.to_owned())).collect()
    }

    fn add_run(&self, families: &mut Families) {
        let summary = &self.summary;
        let state = Shape::gauge("run_state", "How the run stands: 1 for the state it is in");
        for (status, name) in RUN_STATES {
            let is = f64::from(u8::from(summary.status == status));
            families.add(&state, self.labels([("state", name)]), is);
        }
        let mut add = |shape: Shape, value: Option<f64>| {
            if let Some(value) = value {
                families.add(&shape, self.labels([]), value);
            }
        };
        let seconds = |at: Timestamp| at.as_microsecond() as f64 / 1e6;
        let mib = |mib: u64| mib as f64 * 1_048_576.0;
        add(
            Shape::gauge("run_start_timestamp", "When the run was created").of_unit("seconds"),
            summary.started_at.map(seconds),
        );
        add(
            Shape::gauge(
                "run_last_event_timestamp",
                "When the last event of the run was journalled",
            )
            .of_unit("seconds"),
            summary.ended_at.map(seconds),
        );
        add(
            Shape::counter(
                "run_worked",
                "Seconds during which a controller worked on the run, waiting for nothing but people left out",
            )
            .of_unit("seconds"),
            Some(summary.makespan_s),
        );
        add(
            Shape::counter("run_cpu", "Processor seconds of all attempts").of_unit("seconds"),
            Some(summary.cpu_s),
        );
        add(
            Shape::gauge("run_disk", "What all attempts take up in the run folder")
                .of_unit("bytes"),
            Some(summary.disk_bytes as f64),
        );
        add(
            Shape::gauge("run_disk_limit", "The budget of disk space").of_unit("bytes"),
            summary.disk_limit_mib.map(mib),
        );
        add(
            Shape::gauge("run_workers", "The most workers that were offered"),
            Some(f64::from(summary.workers)),
        );
        let asked = summary.approvals.iter();
        let waiting = asked.filter(|approval| approval.standing == ApprovalStanding::Waiting);
        add(
            Shape::gauge("run_approvals_waiting", "Stages that wait for people"),
            Some(waiting.count() as f64),
        );
    }

    fn add_stages(&self, families: &mut Families) {
        let state = Shape::gauge(
            "stage_state",
            "How a stage stands: 1 for the state it is in",
        );
        let trials = Shape::gauge("trials", "Trials of a stage by how far they are");
        let cached = Shape::counter(
            "trials_cached",
            "Trials of a stage that were not run, since their results were known",
        );
        for (stage, counts) in self.summary.stages.iter().zip(&self.trials) {
            let name = stage.name.as_str();
            for (status, word) in STAGE_STATES {
                let is = f64::from(u8::from(stage.status == status));
                let labels = self.labels([("stage", name), ("state", word)]);
                families.add(&state, labels, is);
            }
            for (word, count) in TRIAL_STATES.iter().zip(counts) {
                let labels = self.labels([("stage", name), ("state", word)]);
                families.add(&trials, labels, *count as f64);
            }
            let labels = self.labels([("stage", name)]);
            families.add(&cached, labels, stage.cached as f64);
        }
    }

    fn add_attempts(&self, families: &mut Families) {
        let counts = &self.attempts;
        let running = Shape::gauge(
            "attempts_running",
            "Attempts whose end is not journalled; of an interrupted run those that were lost",
        );
        families.add(&running, self.labels([]), counts.running as f64);
        let ended = Shape::counter("attempts", "Attempts that ended, by what came of them");
        for (outcome, count) in [
            ("measured", counts.measured),
            ("no_effect", counts.no_effect),
            ("failed", counts.failed),
        ] {
            families.add(&ended, self.labels([("outcome", outcome)]), count as f64);
        }
        let failures = Shape::counter("attempt_failures", "Attempts that failed, by class");
        for (class, count) in &counts.by_class {
            families.add(&failures, self.labels([("class", class)]), *count as f64);
        }
        let waited = Shape::counter(
            "attempts_queued",
            "Seconds that started attempts waited for a worker of a cluster",
        );
        let waited = waited.of_unit("seconds");
        families.add(&waited, self.labels([]), counts.waited_s);
        let answers = Shape::counter(
            "cache_answers",
            "Attempts for which known results were asked, by answer",
        );
        for (answer, count) in [("hit", counts.hits), ("miss", counts.misses)] {
            families.add(&answers, self.labels([("answer", answer)]), count as f64);
        }
    }

    fn add_budgets(&self, families: &mut Families) {
        for spent in &self.summary.spending {
            let names = spent.owner.names.join(" → ");
            let mut add = |name: &str, help: &str, unit, value: Option<f64>| {
                let shape = Shape {
                    unit,
                    ..Shape::gauge(name, help)
                };
                let labels = self.labels([("of", spent.owner.of), ("name", &names)]);
                if let Some(value) = value {
                    families.add(&shape, labels, value);
                }
            };
            let seconds = Some("seconds");
            add(
                "budget_trials",
                "Trials that were made and count",
                None,
                Some(spent.trials as f64),
            );
            add(
                "budget_trials_limit",
                "The most trials that may be made",
                None,
                spent.trials_limit.map(f64::from),
            );
            add(
                "budget_cpu",
                "Processor time that was spent",
                seconds,
                Some(spent.cpu_s),
            );
            add(
                "budget_cpu_limit",
                "The budget of processor time",
                seconds,
                spent.cpu_limit_s,
            );
            add(
                "budget_wall",
                "Time on the clock that was spent",
                seconds,
                spent.wall_s,
            );
            add(
                "budget_wall_limit",
                "The budget of time on the clock",
                seconds,
                spent.wall_limit_s,
            );
        }
    }

    fn add_designs(&self, families: &mut Families) {
        let base = self.summary.base.as_ref().map(|case| &case.metrics);
        let best = self.summary.best.as_ref().map(|case| &case.metrics);
        for metric in Metric::ALL {
            let shape = shape_of(*metric);
            let mut add = |of: &str, metrics: Option<&MetricSet>| {
                let value = metrics.and_then(|metrics| metrics.get(*metric));
                if let Some(value) = value.and_then(|value| in_base_unit(*metric, value)) {
                    families.add(&shape, self.labels([("of", of)]), value);
                }
            };
            add("base", base);
            add("best", best);
        }
    }
}

/// How far a trial is, in one of [`TRIAL_STATES`].
fn trial_state(trial: &Trial, stage: StageStatus) -> &'static str {
    match (trial.verdict(), trial.standing()) {
        (Some(Verdict::Derived), _) => "measured",
        (Some(Verdict::NoEffect), _) => "no_effect",
        (Some(Verdict::Failed(_)), _) => "failed",
        (None, TrialStanding::Cancelled) => "cancelled",
        (None, _) if stage.has_ended() => "not_run",
        (None, TrialStanding::Running) => "running",
        (None, _) => "waiting",
    }
}

/// The unit in which OpenMetrics has values of a unit, and the power of ten between them.
fn base_unit(unit: Unit) -> (Option<&'static str>, i32) {
    match unit {
        Unit::Picoseconds => (Some("seconds"), -12),
        Unit::Watts => (Some("watts"), 0),
        Unit::SquareMicrometres => (Some("square_meters"), -12),
        Unit::Picofarads => (Some("farads"), -12),
        Unit::Micrometres => (Some("meters"), -6),
        Unit::Percent => (Some("ratio"), -2),
        Unit::Count => (None, 0),
    }
}

/// The family of a measured metric: its name, with the unit of OpenMetrics in the place of its own.
fn shape_of(metric: Metric) -> Shape {
    let (unit, _) = base_unit(metric.unit());
    let name = match (unit, metric.name().rsplit_once('_')) {
        (Some(_), Some((name, _))) => name,
        _ => metric.name(),
    };
    let help = format!(
        "Measured of a design as {}: of the base case, and of the best case so far",
        metric.name()
    );
    Shape {
        unit,
        ..Shape::gauge(format!("design_{name}"), help)
    }
}

/// The number that has the same digits at another power of ten, so that nothing is lost by multiplying.
fn in_base_unit(metric: Metric, value: f64) -> Option<f64> {
    let (_, power) = base_unit(metric.unit());
    format!("{value:e}")
        .split_once('e')
        .and_then(|(digits, exponent)| {
            let exponent: i32 = exponent.parse().ok()?;
            format!("{digits}e{}", exponent + power).parse().ok()
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_keep_their_digits_in_base_units() {
        assert_eq!(in_base_unit(Metric::SetupWns, -312.457), Some(-312.457e-12));
        assert_eq!(in_base_unit(Metric::Utilisation, 61.5), Some(0.615));
        assert_eq!(in_base_unit(Metric::CellCount, 3600.0), Some(3600.0));
        assert_eq!(in_base_unit(Metric::SetupTns, 0.0), Some(0.0));
    }

    #[test]
    fn names_end_with_the_base_unit_in_the_place_of_their_own() {
        let full = |metric| {
            let shape = shape_of(metric);
            [Some(shape.name.as_str()), shape.unit]
                .into_iter()
                .flatten()
                .collect::<Vec<_>>()
                .join("_")
        };
        assert_eq!(full(Metric::SetupWns), "design_setup_wns_seconds");
        assert_eq!(full(Metric::Area), "design_area_square_meters");
        assert_eq!(
            full(Metric::RoutingHotBins),
            "design_routing_hot_bins_ratio"
        );
        assert_eq!(full(Metric::CellCount), "design_cell_count");
        let names: std::collections::BTreeSet<_> =
            Metric::ALL.iter().map(|each| full(*each)).collect();
        assert_eq!(names.len(), Metric::ALL.len());
    }
}
