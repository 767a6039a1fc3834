//! The rows of every table, made one at a time.

use std::collections::HashMap;
use std::fmt::Display;

use jiff::Timestamp;
use noodle2_control::{Attempt, Case, Controller, Repeats, Trial, Verdict};
use noodle2_model::{AttemptId, Direction, Event, Metric, MetricSet, Outcome, StageIndex, TrialId};

use super::{Cell, ExportTable};
use crate::summary::ecos;
use crate::{History, StageSummary, trial_text};

impl ExportTable {
    /// Gives every row of the table to `take`, in order, until that fails. Rows of events are none: the history does not
    /// keep them, see [`ExportTable::event_row`].
    ///
    /// # Errors
    /// Whatever `take` fails with.
    pub fn rows<E>(
        self,
        history: &History,
        mut take: impl FnMut(Vec<Cell>) -> Result<(), E>,
    ) -> Result<(), E> {
        let controller = history.controller();
        match self {
            Self::Trials => {
                let mut trials = controller.trials();
                trials.try_for_each(|trial| take(trial_row(history, trial)))
            }
            Self::Cases => each_case(controller, |case| take(case_row(controller, case))),
            Self::Stages => {
                let mut stages = (0..controller.stages().len()).map(StageIndex::from);
                stages.try_for_each(|stage| take(stage_row(history, stage)))
            }
            Self::Ecos => {
                let mut ecos = ecos(controller).into_iter();
                ecos.try_for_each(|eco| {
                    let gain = |metric| Cell::from(eco.mean_gain.get(&metric).copied());
                    take(vec![
                        eco.name.clone().into(),
                        eco.tries.into(),
                        eco.effects.into(),
                        eco.failures.into(),
                        gain(Metric::SetupWs),
                        gain(Metric::SetupTns),
                        gain(Metric::HoldWs),
                        gain(Metric::Power),
                        gain(Metric::Area),
                    ])
                })
            }
            Self::Attempts => attempts(history, take),
            Self::Metrics => each_case(controller, |case| {
                let measurement = &case.measurement;
                let mut rows = |scene: Option<&str>, values: &MetricSet| {
                    values.iter().try_for_each(|(metric, value)| {
                        take(metric_row(case, scene, metric, value))
                    })
                };
                rows(None, &measurement.overall)?;
                let mut scenes = measurement.scenes.iter();
                scenes.try_for_each(|(scene, values)| rows(Some(scene), values))
            }),
            Self::Events => Ok(()),
        }
    }

    /// The row of a record of the journal in the table of events. `design` is the first part of all case names.
    pub fn event_row(seq: u64, at: Timestamp, event: &Event, design: &str) -> Vec<Cell> {
        // An event that was read can be written.
        let value = serde_json::to_value(event).unwrap_or_default();
        let kind = value["type"].as_str().map(str::to_owned);
        let subject = Subject::of(event);
        vec![
            seq.into(),
            at.into(),
            kind.into(),
            subject.stage.map(|stage| stage.position()).into(),
            subject
                .trial
                .map(|trial| trial.case(design).to_string())
                .into(),
            subject
                .attempt
                .map(|attempt| attempt_name(attempt, design))
                .into(),
            value.to_string().into(),
        ]
    }
}

/// What an event tells of.
#[derive(Default)]
struct Subject {
    stage: Option<StageIndex>,
    trial: Option<TrialId>,
    attempt: Option<AttemptId>,
}

impl Subject {
    fn of(event: &Event) -> Self {
        let of_trial = |trial: TrialId| Self {
            stage: (!trial.is_base()).then_some(trial.stage),
            trial: Some(trial),
            attempt: None,
        };
        match event {
            Event::AttemptStarted { attempt }
            | Event::AttemptFinished { attempt, .. }
            | Event::ArtifactsSealed { attempt, .. }
            | Event::ConfirmationStarted { attempt }
            | Event::RepeatStarted { attempt, .. } => Self {
                attempt: Some(*attempt),
                ..of_trial(attempt.trial)
            },
            Event::TrialProposed { trial, .. }
            | Event::TrialCancelled { trial, .. }
            | Event::StageSatisfied { at: trial, .. }
            | Event::StudyRailCrossed { at: trial, .. } => of_trial(*trial),
            Event::ApprovalRequested { stage, .. }
            | Event::ApprovalGiven { stage, .. }
            | Event::ApprovalRefused { stage, .. }
            | Event::ApprovalExpired { stage }
            | Event::StageStarted { stage, .. }
            | Event::RoundPlanned { stage, .. }
            | Event::RoundAnswered { stage, .. }
            | Event::ProposerFailed { stage, .. }
            | Event::Contained { stage, .. }
            | Event::PromotionsRefused { stage, .. }
            | Event::StageFinished { stage, .. } => Self {
                stage: Some(*stage),
                ..Self::default()
            },
            _ => Self::default(),
        }
    }
}

/// An execution by its case: `1_2.1` alone some readers of JSON take for a number.
fn attempt_name(attempt: AttemptId, design: &str) -> String {
    format!("{}.{}", attempt.trial.case(design), attempt.number)
}

/// Names with a blank between them; missing where there are none. A name holds no blank.
fn list(names: impl IntoIterator<Item = impl Display>) -> Cell {
    let names: Vec<String> = names.into_iter().map(|name| name.to_string()).collect();
    (!names.is_empty()).then(|| names.join(" ")).into()
}

/// A value in the one word that JSON has for it.
fn word(value: &impl serde::Serialize) -> Cell {
    let value = serde_json::to_value(value).unwrap_or_default();
    value.as_str().map(str::to_owned).into()
}

/// The base case, then every other by its trial: those that count and those that were discarded.
fn each_case<E>(
    controller: &Controller,
    mut take: impl FnMut(&Case) -> Result<(), E>,
) -> Result<(), E> {
    controller.cases().values().try_for_each(&mut take)?;
    let mut discarded = controller.discarded_cases();
    discarded.try_for_each(|case| take(&case))
}

/// All executions of a trial.
fn executions(trial: &Trial) -> impl Iterator<Item = &Attempt> {
    let repeats = trial.repeats.values().flatten();
    let others = trial.attempts.iter().chain(&trial.confirmations);
    others.chain(repeats)
}

fn is_survivor(controller: &Controller, trial: TrialId) -> bool {
    let stage = controller.stages().get(trial.stage.position());
    let survivors = stage.map(|stage| stage.survivors()).unwrap_or_default();
    !trial.is_base() && survivors.iter().any(|case| case.trial() == trial)
}

fn trial_row(history: &History, trial: &Trial) -> Vec<Cell> {
    let controller = history.controller();
    let program = controller.program();
    let failure = trial.failure();
    let sum = |of: fn(&Attempt) -> f64| executions(trial).map(of).sum::<f64>();
    let refused = trial.refused.as_ref();
    vec![
        trial
            .id
            .case(&program.study().design.case_name)
            .to_string()
            .into(),
        program.stage(trial.id.stage).name.as_str().into(),
        trial.id.stage.position().into(),
        trial.parent.to_string().into(),
        trial.eco.name.as_str().into(),
        trial.eco.version.into(),
        word(&trial.eco.class),
        serde_json::to_string(&trial.eco.parameters).ok().into(),
        trial.reason.clone().into(),
        trial
            .verdict()
            .map(|verdict| match verdict {
                Verdict::Derived => "derived",
                Verdict::NoEffect => "no_effect",
                Verdict::Failed(_) => "failed",
            })
            .into(),
        trial_text(controller, history.status(), trial).into(),
        failure.map(|failure| failure.class.name()).into(),
        failure.and_then(|failure| failure.tool_code.clone()).into(),
        failure.map(|failure| failure.message.clone()).into(),
        controller.is_discarded(trial.id).into(),
        refused.map(|gates| gates.join("; ")).into(),
        is_survivor(controller, trial.id).into(),
        trial.hit().is_some().into(),
        trial.attempts.len().into(),
        sum(|attempt| attempt.usage.cpu_s).into(),
        sum(|attempt| attempt.usage.wall_s).into(),
    ]
}

fn case_row(controller: &Controller, case: &Case) -> Vec<Cell> {
    let program = controller.program();
    let trial = case.name.trial();
    let of_trial = (!trial.is_base()).then_some(trial);
    let mut row = vec![
        case.name.to_string().into(),
        of_trial
            .map(|trial| program.stage(trial.stage).name.clone())
            .into(),
        list(&case.parents),
        case.eco.as_ref().map(|eco| eco.name.clone()).into(),
        attempt_name(case.attempt, case.name.design()).into(),
        (!controller.cases().contains_key(&case.name)).into(),
        is_survivor(controller, trial).into(),
        (controller.best_case() == Some(&case.name)).into(),
        program.study().result_label().into(),
        case.measurement.design.netlist.to_string().into(),
    ];
    let overall = &case.measurement.overall;
    let metrics = Metric::ALL.iter();
    row.extend(metrics.map(|metric| Cell::from(overall.get(*metric))));
    row
}

fn metric_row(case: &Case, scene: Option<&str>, metric: Metric, value: f64) -> Vec<Cell> {
    let unit = metric.unit().symbol();
    vec![
        case.name.to_string().into(),
        scene.into(),
        metric.name().into(),
        value.into(),
        (!unit.is_empty()).then_some(unit).into(),
        match metric.direction() {
            Direction::Higher => "higher",
            Direction::Lower => "lower",
        }
        .into(),
    ]
}

fn stage_row(history: &History, index: StageIndex) -> Vec<Cell> {
    let controller = history.controller();
    let stage = StageSummary::new(history, index);
    let executed = controller.trials_of(index).flat_map(executions);
    let cpu_s: f64 = executed.map(|attempt| attempt.usage.cpu_s).sum();
    vec![
        index.position().into(),
        stage.name.as_str().into(),
        list(&controller.program().stage(index).after),
        word(&stage.status),
        stage.cause.clone().into(),
        list(&stage.inputs),
        list(&stage.survivors),
        stage.trials.into(),
        stage.run.into(),
        stage.cached.into(),
        stage.no_effect.into(),
        stage.failures.into(),
        stage.discarded.into(),
        stage.not_run.into(),
        cpu_s.into(),
        history.stage_wall_s(index).into(),
        stage.started_at.into(),
        stage.ended_at.into(),
    ]
}

fn attempts<E>(
    history: &History,
    mut take: impl FnMut(Vec<Cell>) -> Result<(), E>,
) -> Result<(), E> {
    let controller = history.controller();
    let spans: HashMap<AttemptId, (Timestamp, Option<Timestamp>)> = history
        .attempt_times()
        .map(|(attempt, started_at, ended_at)| (attempt, (started_at, ended_at)))
        .collect();
    let design = &controller.program().study().design.case_name;
    let mut row = |trial: TrialId, attempt: &Attempt, role: &str, repeat: Option<u32>| {
        let id = AttemptId {
            trial,
            number: attempt.number,
        };
        let times = spans.get(&id);
        let ended = attempt.outcome.as_ref();
        let usage = ended.map(|_| &attempt.usage);
        let stage = (!trial.is_base()).then(|| controller.program().stage(trial.stage));
        take(vec![
            attempt_name(id, design).into(),
            trial.case(design).to_string().into(),
            attempt.number.into(),
            stage.map(|stage| stage.name.clone()).into(),
            role.into(),
            repeat.into(),
            ended
                .map(|outcome| match outcome {
                    Outcome::Measured(_) => "measured",
                    Outcome::NoEffect => "no_effect",
                    Outcome::Failed(_) => "failed",
                })
                .into(),
            match ended {
                Some(Outcome::Failed(failure)) => failure.class.name().into(),
                _ => Cell::Missing,
            },
            attempt.hit().is_some().into(),
            times.map(|(started_at, _)| *started_at).into(),
            times.and_then(|(_, ended_at)| *ended_at).into(),
            usage.map(|usage| usage.wall_s).into(),
            usage.map(|usage| usage.cpu_s).into(),
            usage.and_then(|usage| usage.waited_s).into(),
            usage.and_then(|usage| usage.peak_memory_bytes).into(),
            usage.and_then(|usage| usage.disk_bytes).into(),
        ])
    };
    let base = controller.base_name().trial();
    let none = Vec::new();
    let groups: [(TrialId, &[Attempt], &[Attempt], &Repeats); 1] = [(
        base,
        controller.base_attempts(),
        &none,
        controller.base_repeats(),
    )];
    let trials = controller.trials().map(|trial| {
        let derived: &[Attempt] = &trial.attempts;
        let confirmed: &[Attempt] = &trial.confirmations;
        (trial.id, derived, confirmed, &trial.repeats)
    });
    for (trial, derived, confirmed, repeats) in groups.into_iter().chain(trials) {
        for attempt in derived {
            row(trial, attempt, "derives", None)?;
        }
        for attempt in confirmed {
            row(trial, attempt, "confirms", None)?;
        }
        for (repeat, attempts) in repeats {
            for attempt in attempts {
                row(trial, attempt, "repeats", Some(*repeat))?;
            }
        }
    }
    Ok(())
}
