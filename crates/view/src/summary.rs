//! `summary.json`: a run in numbers that others script against.

use std::collections::BTreeMap;

use jiff::Timestamp;
use noodle2_control::{Case, Controller, Ruling, StageStanding, Trial, Verdict};
use noodle2_model::{
    CaseName, ClusterPlace, Containment, ContentHash, EcoProposal, FellBack, Metric, MetricSet,
    Outcome, StageEnd, StageIndex,
};
use serde::Serialize;

use crate::event::stop_text;
use crate::noise::indistinguishable;
use crate::people::approvals;
use crate::spending::spent;
use crate::{
    ApprovalSummary, History, JournalMending, NoiseSummary, Spent, StageStatus, SummaryStatus,
    count_text, veto_text,
};

/// The version of the summary's shape; raised when a field changes its meaning or goes away.
pub const SUMMARY_SCHEMA_VERSION: u32 = 1;

/// A run in numbers.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    /// [`SUMMARY_SCHEMA_VERSION`].
    pub schema_version: u32,
    /// The study's name.
    pub study: String,
    /// How the run stands.
    pub status: SummaryStatus,
    /// Why it is blocked or stopped, where it is.
    pub causes: Vec<String>,
    /// The digest; absent until the run ends.
    pub digest: Option<ContentHash>,
    /// Whether another run with the same study, seed and tools ends with the same digest: not where a budget of time
    /// or disk space cut it short.
    pub digest_promised: bool,
    /// Whether wires are modelled: results of a study without wires are `pre-layout`.
    pub label: Option<&'static str>,
    /// The base case; absent until it is measured.
    pub base: Option<CaseSummary>,
    /// The best case by the study's objective: of a completed run among the survivors of its stages, of any
    /// other among all that is measured so far.
    pub best: Option<CaseSummary>,
    /// Where the best case was found; absent for the base case.
    pub best_origin: Option<BestOrigin>,
    /// What the best case gained over the base, by metric.
    pub deltas: BTreeMap<Metric, MetricDelta>,
    /// What measuring the base case again told; absent where that is not asked for.
    pub noise: Option<NoiseSummary>,
    /// Whether the best case is indistinguishable from the base by the study's ranking, given the noise floor.
    pub best_is_noise: bool,
    /// The ECOs that lead from the base to the best case, first to last.
    pub winning_chain: Vec<String>,
    /// The stages by index.
    pub stages: Vec<StageSummary>,
    /// The approvals that were asked of people, by stage.
    pub approvals: Vec<ApprovalSummary>,
    /// Where something else than the controller had written into the journal.
    pub journal_mended: Vec<JournalMending>,
    /// The ECOs by name.
    pub ecos: Vec<EcoSummary>,
    /// Failures by class.
    pub failures: Vec<FailureSummary>,
    /// Trials proposed in all.
    pub trials_total: usize,
    /// Trials that were brought to an end.
    pub trials_run: usize,
    /// Of these, trials that were not run, since their results were known from earlier runs.
    pub trials_cached: usize,
    /// Whether the base case was not measured by this run, since its result was known.
    pub base_cached: bool,
    /// How many stages had a running attempt at one instant, at most.
    pub peak_concurrent_stages: usize,
    /// The cluster that carries attempts out, or did at last; absent where this machine does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster: Option<ClusterPlace>,
    /// The most workers offered.
    pub workers: u32,
    /// Seconds during which a controller worked on the run, waiting for nothing but people left out.
    pub makespan_s: f64,
    /// Seconds below which no schedule of these attempts could finish.
    pub lower_bound_s: f64,
    /// Processor seconds of all attempts.
    pub cpu_s: f64,
    /// Bytes that all attempts take up in the run folder, as far as it was measured.
    pub disk_bytes: u64,
    /// The budget of it, in MiB.
    pub disk_limit_mib: Option<u64>,
    /// What the study, its branches and its stages spent, and of what.
    pub spending: Vec<Spent>,
    /// When the run was created.
    pub started_at: Option<Timestamp>,
    /// When its last event was journalled.
    pub ended_at: Option<Timestamp>,
}

/// A case in numbers.
#[derive(Debug, Clone, Serialize)]
pub struct CaseSummary {
    /// Its name.
    pub case: CaseName,
    /// Over all scenes.
    pub metrics: MetricSet,
    /// By scene.
    pub scenes: BTreeMap<String, MetricSet>,
}

/// Where a best case was found, and whether its stage chose it.
#[derive(Debug, Clone, Serialize)]
pub struct BestOrigin {
    /// The stage's index.
    pub stage: StageIndex,
    /// The stage's name.
    pub name: String,
    /// How the stage stands: one that did not complete has chosen nothing.
    pub status: StageStatus,
    /// Whether the stage passed the case on.
    pub survivor: bool,
}

/// What a metric gained from one case to another.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct MetricDelta {
    /// The difference, as measured.
    pub change: f64,
    /// How much better it got; negative for worse.
    pub gain: f64,
    /// The gain in percent of the former value's magnitude; absent where that is zero.
    pub gain_percent: Option<f64>,
}

/// A stage in numbers.
#[derive(Debug, Clone, Serialize)]
pub struct StageSummary {
    /// Its index.
    pub index: StageIndex,
    /// Its name.
    pub name: String,
    /// How it stands.
    pub status: StageStatus,
    /// Why it failed or was skipped.
    pub cause: Option<String>,
    /// The cases that it started from.
    pub inputs: Vec<CaseName>,
    /// Branches that it went on without.
    pub missing: Vec<String>,
    /// Trials proposed.
    pub trials: usize,
    /// Trials that it drew from stages that did not use them.
    pub extra_trials: BTreeMap<String, u32>,
    /// Trials that it might have made and that do not count, once it ended: others may draw them.
    pub unused_trials: Option<u32>,
    /// Trials that were brought to an end.
    pub run: usize,
    /// Trials that were not run, since their results were known from earlier runs.
    pub cached: usize,
    /// Trials whose results count for nothing, and those that ended without one.
    pub discarded: usize,
    /// Trials that ended without a result: called off with their stage, or left when the run ended.
    pub not_run: usize,
    /// What was not tried on which input, because evidence said that it mostly fails.
    pub vetoed: Vec<String>,
    /// The trial at which it had seen enough, and of what.
    pub satisfied: Option<String>,
    /// After how many of its trials a budget of time cut it short, and which.
    pub out_of_time: Option<String>,
    /// What was not tried any more, and why.
    pub contained: Vec<String>,
    /// Results that were not permitted to survive, with the gates that they did not pass.
    pub refused: BTreeMap<CaseName, Vec<String>>,
    /// Which of its survivors are indistinguishable, given the noise floor, from which others.
    pub indistinguishable: BTreeMap<CaseName, Vec<CaseName>>,
    /// That it passes on an earlier case in the place of its own, and why.
    pub fallback: Option<FellBack>,
    /// Survivors that were measured again and found the same.
    pub confirmed: usize,
    /// Trials that changed nothing.
    pub no_effect: usize,
    /// Trials that failed.
    pub failures: usize,
    /// The cases that it passed on, best first.
    pub survivors: Vec<CaseName>,
    /// When it started.
    pub started_at: Option<Timestamp>,
    /// When it ended; for a stage that was stopped, when the run ended.
    pub ended_at: Option<Timestamp>,
}

/// An ECO in numbers.
#[derive(Debug, Clone, Serialize)]
pub struct EcoSummary {
    /// Its name.
    pub name: String,
    /// Trials that ended.
    pub tries: usize,
    /// Trials that changed the design.
    pub effects: usize,
    /// Trials that failed.
    pub failures: usize,
    /// Mean gain over the parent of the trials that changed the design, by metric.
    pub mean_gain: BTreeMap<Metric, f64>,
}

/// A class of failure in numbers.
#[derive(Debug, Clone, Serialize)]
pub struct FailureSummary {
    /// The class.
    pub class: &'static str,
    /// How many trials.
    pub count: usize,
    /// The first of them in proposal order.
    pub first: CaseName,
    /// What happened there.
    pub message: String,
}

/// Metrics whose gains are reported for ECOs.
const GAIN_METRICS: [Metric; 5] = [
    Metric::SetupWs,
    Metric::SetupTns,
    Metric::HoldWs,
    Metric::Power,
    Metric::Area,
];

impl Summary {
    /// The summary of a run as its history tells it.
    pub fn new(history: &History) -> Self {
        let controller = history.controller();
        let study = controller.program().study();
        let base = controller.base_case();
        let best = controller
            .best_case()
            .and_then(|name| controller.cases().get(name));
        Self {
            schema_version: SUMMARY_SCHEMA_VERSION,
            study: study.name.clone(),
            status: history.status(),
            causes: causes(history),
            digest: controller.recorded_digest(),
            digest_promised: controller.promises_digest(),
            label: study.result_label(),
            base: base.map(CaseSummary::new),
            best: best.map(CaseSummary::new),
            best_origin: best.and_then(|case| BestOrigin::new(history, case)),
            deltas: base
                .zip(best)
                .map(|(base, best)| deltas(base, best))
                .unwrap_or_default(),
            noise: NoiseSummary::new(controller),
            best_is_noise: base
                .zip(best)
                .filter(|(base, best)| base.name != best.name)
                .is_some_and(|(base, best)| {
                    controller.is_noise(&base.measurement, &best.measurement)
                }),
            winning_chain: best.map(|case| chain(controller, case)).unwrap_or_default(),
            stages: (0..controller.stages().len())
                .map(|position| StageSummary::new(history, StageIndex::from(position)))
                .collect(),
            approvals: approvals(history),
            journal_mended: history.mendings().to_vec(),
            ecos: ecos(controller),
            failures: failures(controller),
            trials_total: controller.trials().count(),
            trials_run: controller
                .trials()
                .filter(|trial| trial.verdict().is_some())
                .count(),
            trials_cached: controller
                .trials()
                .filter(|trial| trial.hit().is_some())
                .count(),
            base_cached: controller
                .base_attempts()
                .last()
                .is_some_and(|attempt| attempt.hit().is_some()),
            peak_concurrent_stages: history.peak_concurrent_stages(),
            cluster: history.cluster().cloned(),
            workers: history.workers(),
            makespan_s: history.makespan_s(),
            lower_bound_s: history.lower_bound_s(),
            cpu_s: history.cpu_s(),
            disk_bytes: history.disk_bytes(),
            disk_limit_mib: study.budget.disk_mib,
            spending: spent(history),
            started_at: history.started_at(),
            ended_at: history.last_at(),
        }
    }
}

fn causes(history: &History) -> Vec<String> {
    let controller = history.controller();
    let blocked = controller.block_reasons().unwrap_or_default();
    let failed =
        controller
            .stages()
            .iter()
            .enumerate()
            .filter_map(|(position, stage)| match &stage.standing {
                StageStanding::Finished(StageEnd::Failed { cause, .. }) => {
                    let name = &controller.program().study().stages[position].name;
                    let ruling = stage
                        .approval
                        .as_ref()
                        .and_then(|found| found.ruling.as_ref());
                    let who = match ruling {
                        Some(Ruling::Refused(answer)) => format!(" by {}", answer.by),
                        _ => String::new(),
                    };
                    Some(format!("stage `{name}` failed: {cause}{who}"))
                }
                _ => None,
            });
    let stop = controller
        .stop_cause()
        .map(|cause| stop_text(cause).to_owned());
    let rail = controller
        .crossed_study_rail()
        .map(|(at, cause)| format!("a rail of the study was crossed at trial {at}: {cause}"));
    let gone = (history.status() == SummaryStatus::Interrupted && stop.is_none())
        .then(|| "the process that worked on the run is gone".to_owned());
    let waiting = controller.open_approvals().map(|stage| {
        let name = &controller.program().stage(stage).name;
        format!("stage `{name}` waits for the approval of people")
    });
    let nobody = (history.status() == SummaryStatus::Waiting && !history.is_at_work())
        .then(|| "nobody works on the run: what is approved counts when it is resumed".to_owned());
    blocked
        .iter()
        .cloned()
        .chain(stop)
        .chain(rail)
        .chain(gone)
        .chain(waiting)
        .chain(nobody)
        .chain(failed)
        .collect()
}

/// What each metric gained from one case to another.
pub(crate) fn deltas(base: &Case, best: &Case) -> BTreeMap<Metric, MetricDelta> {
    let (from, to) = (&base.measurement.overall, &best.measurement.overall);
    Metric::ALL
        .iter()
        .filter_map(|metric| {
            let (before, after) = (from.get(*metric)?, to.get(*metric)?);
            let gain = metric.gain(before, after);
            let delta = MetricDelta {
                change: metric.canonical(after - before)?,
                gain: metric.canonical(gain)?,
                gain_percent: (before != 0.0)
                    .then(|| six_digits(100.0 * gain / before.abs()))
                    .flatten(),
            };
            Some((*metric, delta))
        })
        .collect()
}

/// A share to six significant digits: the values that it comes from carry no more.
fn six_digits(value: f64) -> Option<f64> {
    let rounded = format!("{value:.5e}").parse().ok();
    rounded.filter(|rounded: &f64| rounded.is_finite())
}

/// The ECOs from the base to a case, along first parents.
pub(crate) fn chain(controller: &Controller, case: &Case) -> Vec<String> {
    let mut ecos = Vec::new();
    let mut current = Some(case);
    while let Some(case) = current {
        ecos.extend(case.eco.as_deref().map(step_text));
        current = case
            .parents
            .first()
            .and_then(|parent| controller.cases().get(parent));
    }
    ecos.reverse();
    ecos
}

/// The name of an ECO; of a composition with the names of the ECOs that it brought in.
pub(crate) fn step_text(eco: &EcoProposal) -> String {
    let Some(composition) = &eco.composition else {
        return eco.name.clone();
    };
    let chain = composition.chain.iter().map(|eco| eco.name.as_str());
    let chain: Vec<&str> = chain.collect();
    format!("{} ({})", eco.name, chain.join(", "))
}

impl CaseSummary {
    fn new(case: &Case) -> Self {
        Self {
            case: case.name.clone(),
            metrics: case.measurement.overall.clone(),
            scenes: case.measurement.scenes.clone(),
        }
    }
}

impl BestOrigin {
    fn new(history: &History, case: &Case) -> Option<Self> {
        let controller = history.controller();
        let stage = case.eco.as_ref().map(|_| case.name.trial().stage)?;
        Some(Self {
            stage,
            name: controller.program().stage(stage).name.clone(),
            status: StageStatus::new(controller, history.status(), stage),
            survivor: controller.stages()[stage.position()]
                .survivors()
                .contains(&case.name),
        })
    }
}

impl StageSummary {
    pub(crate) fn new(history: &History, index: StageIndex) -> Self {
        let controller = history.controller();
        let stage = &controller.stages()[index.position()];
        let status = StageStatus::new(controller, history.status(), index);
        let cause = match &stage.standing {
            StageStanding::Finished(
                StageEnd::Failed { cause, .. } | StageEnd::Skipped { cause },
            ) => Some(cause.clone()),
            _ => None,
        };
        let trials: Vec<&Trial> = controller.trials_of(index).collect();
        let not_run = |trial: &Trial| status.has_ended() && trial.verdict().is_none();
        let discarded = |trial: &Trial| controller.is_discarded(trial.id) || not_run(trial);
        let counting = |wanted: fn(&Verdict) -> bool| {
            trials
                .iter()
                .filter(|trial| !discarded(trial) && trial.verdict().is_some_and(wanted))
                .count()
        };
        let (started_at, ended_at) = history.stage_times(index);
        let case_name = &controller.program().study().design.case_name;
        Self {
            index,
            name: controller.program().stage(index).name.clone(),
            status,
            cause,
            inputs: stage
                .inputs
                .iter()
                .map(|input| input.case.clone())
                .collect(),
            missing: stage
                .missing
                .iter()
                .map(|(branch, _)| controller.program().stage(*branch).name.clone())
                .collect(),
            trials: trials.len(),
            extra_trials: stage
                .extra_trials
                .iter()
                .map(|(source, trials)| (controller.program().stage(*source).name.clone(), *trials))
                .collect(),
            unused_trials: controller.unused_trials(index),
            run: trials
                .iter()
                .filter(|trial| trial.verdict().is_some())
                .count(),
            cached: trials.iter().filter(|trial| trial.hit().is_some()).count(),
            vetoed: stage.vetoed.iter().map(veto_text).collect(),
            satisfied: stage
                .satisfied()
                .map(|(at, cause)| format!("trial {at}: {cause}")),
            out_of_time: stage.out_of_time().map(|(counted, cause)| {
                format!(
                    "{cause}; {} counted by then",
                    count_text(counted as usize, "trial")
                )
            }),
            contained: stage
                .containments()
                .iter()
                .map(|contained| {
                    let Containment { scope, at, cause } = contained;
                    format!("{scope} from trial {at} on: {cause}")
                })
                .collect(),
            refused: trials
                .iter()
                .filter_map(|trial| {
                    let name = trial.id.case(case_name);
                    Some((name, trial.refused.clone()?))
                })
                .collect(),
            confirmed: trials
                .iter()
                .filter(|trial| trial.refused.is_none() && trial.confirmation().is_some())
                .count(),
            indistinguishable: indistinguishable(controller, index),
            fallback: match &stage.standing {
                StageStanding::Finished(StageEnd::Completed { fallback, .. }) => fallback.clone(),
                _ => None,
            },
            discarded: trials.iter().filter(|trial| discarded(trial)).count(),
            not_run: trials.iter().filter(|trial| not_run(trial)).count(),
            no_effect: counting(|verdict| *verdict == Verdict::NoEffect),
            failures: counting(|verdict| matches!(verdict, Verdict::Failed(_))),
            survivors: stage.survivors().to_vec(),
            started_at,
            ended_at,
        }
    }
}

pub(crate) fn ecos(controller: &Controller) -> Vec<EcoSummary> {
    let mut by_name: BTreeMap<&str, Vec<&Trial>> = BTreeMap::new();
    for trial in controller
        .trials()
        .filter(|trial| !controller.is_discarded(trial.id))
    {
        by_name.entry(&trial.eco.name).or_default().push(trial);
    }
    by_name
        .into_iter()
        .map(|(name, trials)| {
            let count = |wanted: fn(&Verdict) -> bool| {
                trials
                    .iter()
                    .filter(|trial| trial.verdict().is_some_and(wanted))
                    .count()
            };
            EcoSummary {
                name: name.to_owned(),
                tries: count(|_| true),
                effects: count(|verdict| *verdict == Verdict::Derived),
                failures: count(|verdict| matches!(verdict, Verdict::Failed(_))),
                mean_gain: mean_gains(controller, &trials),
            }
        })
        .collect()
}

fn mean_gains(controller: &Controller, trials: &[&Trial]) -> BTreeMap<Metric, f64> {
    GAIN_METRICS
        .iter()
        .filter_map(|metric| {
            let gains: Vec<f64> = trials
                .iter()
                .filter_map(|trial| {
                    let parent = controller.cases().get(&trial.parent)?;
                    let Some(Outcome::Measured(measurement)) =
                        trial.attempts.last()?.outcome.as_ref()
                    else {
                        return None;
                    };
                    noodle2_control::gain_over(
                        *metric,
                        &parent.measurement.overall,
                        &measurement.overall,
                    )
                })
                .collect();
            // Without any gain the mean is no number, and so missing.
            let mean = gains.iter().sum::<f64>() / gains.len() as f64;
            Some((*metric, metric.canonical(mean)?))
        })
        .collect()
}

fn failures(controller: &Controller) -> Vec<FailureSummary> {
    let design = &controller.program().study().design.case_name;
    let mut by_class: BTreeMap<&'static str, FailureSummary> = BTreeMap::new();
    for trial in controller
        .trials()
        .filter(|trial| !controller.is_discarded(trial.id))
    {
        let Some(failure) = trial.failure() else {
            continue;
        };
        by_class
            .entry(failure.class.name())
            .or_insert_with(|| FailureSummary {
                class: failure.class.name(),
                count: 0,
                first: trial.id.case(design),
                message: failure.message.clone(),
            })
            .count += 1;
    }
    by_class.into_values().collect()
}
