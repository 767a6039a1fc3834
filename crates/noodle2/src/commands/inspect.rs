//! Commands that look at a run folder and change nothing.

use std::path::Path;

use noodle2_control::{Case, Controller, TransitionError, Trial, gain_over};
use noodle2_model::{
    CaseName, ClusterPlace, DesignMarks, Metric, MetricSet, StageIndex, StepEnding, StepRecord,
    Study, TrialId,
};
use noodle2_store::{RequestSpool, RunFolder, fold_journal};
use noodle2_telemetry::{RunMetrics, open_metrics, prometheus_text};
use noodle2_view::{
    ApprovalStanding, Folding, History, Lineage, Progress, StageView, Summary, SummaryStatus,
    Table, composition_lines, count_text, eco_text, gain_text, headline, known_line, metric_text,
    trial_text,
};

use crate::cli::{Format, LineageFormat, StatusFormat};
use crate::exit::{CommandFailure, Exit};
use crate::print;
use crate::run::Worker;
use crate::shell;

/// Reads a run's history from its folder.
pub(crate) fn history_of(folder: &RunFolder) -> Result<History, CommandFailure> {
    let mut folding = Folding::default();
    fold_journal(&folder.journal(), |record| {
        folding.add(record.at, &record.event)
    })?;
    folded(folder, folding)
}

/// The history of a run whose whole journal was folded.
pub(crate) fn folded(folder: &RunFolder, folding: Folding) -> Result<History, CommandFailure> {
    let finished = folding.finish();
    finished.map_err(|(position, error)| impossible(folder, position, &error))
}

/// A journal whose record at this position cannot follow what stands before it.
pub(crate) fn impossible(
    folder: &RunFolder,
    position: usize,
    error: &TransitionError,
) -> CommandFailure {
    CommandFailure::new(
        Exit::Stopped,
        "N2-RUN-001",
        format!(
            "the journal of `{}` tells no possible run: record {}: {error}",
            folder.root().display(),
            position + 1
        ),
        "`noodle2 verify` says what else is wrong; the journal was changed or written by another version"
            .to_owned(),
    )
}

/// A run as it is now.
pub(crate) fn look_at(run: &Path) -> Result<(RunFolder, History), CommandFailure> {
    let folder = RunFolder::open(run)?;
    // Asked before the journal is read: a run that ends in between is then told as ended.
    let worker = Worker::of(&folder);
    let history = history_of(&folder)?
        .at_work(worker == Worker::AtWork)
        .in_folder(shell::word(run));
    if let (Worker::Elsewhere(holder), SummaryStatus::Interrupted) = (&worker, history.status()) {
        print::talk(&format!(
            "{holder} worked on the run last; from this machine it cannot be told whether it still does"
        ));
    }
    Ok((folder, history))
}

/// `noodle2 status`.
pub(crate) fn status(run: &Path, format: StatusFormat) -> Result<Exit, CommandFailure> {
    let (folder, history) = look_at(run)?;
    match format {
        StatusFormat::Text => print::data(&status_text(&folder, &history)?),
        StatusFormat::Json => print::json(&Summary::new(&history))?,
        StatusFormat::OpenMetrics => print::data(&open_metrics(&[metrics_of(&folder, &history)])),
        StatusFormat::Prometheus => print::data(&prometheus_text(&[metrics_of(&folder, &history)])),
    }
    Ok(Exit::Done)
}

/// What monitoring systems are told of the run, under its absolute path.
fn metrics_of(folder: &RunFolder, history: &History) -> RunMetrics {
    let root = folder.root();
    let called = std::path::absolute(root).unwrap_or_else(|_| root.to_owned());
    RunMetrics::new(&called.to_string_lossy(), history)
}

fn status_text(folder: &RunFolder, history: &History) -> Result<String, CommandFailure> {
    let summary = Summary::new(history);
    let progress = Progress::new(history.controller(), history.status());
    let mut table = Table::new(&["stage", "progress"]);
    for stage in &progress.stages {
        table.row([stage.name.clone(), stage.line()]);
    }
    let causes = summary.causes.iter().map(|cause| format!("{cause}\n"));
    let waiting = summary
        .approvals
        .iter()
        .filter(|approval| approval.standing == ApprovalStanding::Waiting)
        .map(|approval| {
            let command = approval.command(history.called());
            format!("{}\n  {command}\n", approval.line())
        });
    Ok(format!(
        "{}: {}\n{}{}{}{}{}\n\n{}",
        summary.study,
        headline(&summary),
        summary.cluster.iter().map(cluster).collect::<String>(),
        causes.collect::<String>(),
        waiting.collect::<String>(),
        queued(folder)?,
        progress.line(history.makespan_s()),
        table.text()
    ))
}

/// Where attempts are carried out, and where that can be watched.
fn cluster(place: &ClusterPlace) -> String {
    let watched = match &place.dashboard {
        Some(dashboard) => format!(", dashboard {dashboard}"),
        None => String::new(),
    };
    format!("on {} at {}{watched}\n", place.system, place.address)
}

/// Answers of people that no controller has taken in yet.
fn queued(folder: &RunFolder) -> Result<String, CommandFailure> {
    let requests = RequestSpool::of(folder).waiting()?.into_iter();
    let lines = requests.map(|(_, request)| match request {
        Ok(request) => {
            let verb = if request.approves {
                "approval"
            } else {
                "refusal"
            };
            let (stage, by) = (request.stage, request.by);
            format!("the {verb} of `{stage}` by {by} waits to be journalled\n")
        }
        Err(error) => format!("{error}\n"),
    });
    Ok(lines.collect())
}

/// `noodle2 lineage`.
pub(crate) fn lineage(
    run: &Path,
    format: LineageFormat,
    all: bool,
) -> Result<Exit, CommandFailure> {
    let history = history_of(&RunFolder::open(run)?)?;
    let lineage = Lineage::new(history.controller(), all);
    match format {
        LineageFormat::Dot => print::data(&lineage.dot()),
        LineageFormat::Svg => print::data(&lineage.svg()),
        LineageFormat::Json => print::json(&lineage.json())?,
    }
    Ok(Exit::Done)
}

/// `noodle2 show`.
pub(crate) fn show(run: &Path, item: &str, format: Format) -> Result<Exit, CommandFailure> {
    let (folder, history) = look_at(run)?;
    let controller = history.controller();
    let design = &controller.program().study().design.case_name;
    let trial = item
        .parse::<CaseName>()
        .ok()
        .filter(|name| name.design() == design)
        .map(|name| name.trial())
        .or_else(|| item.parse::<TrialId>().ok());
    if let Some(trial) = trial.filter(|trial| trial.is_base() || controller.trial(*trial).is_some())
    {
        return show_trial(&folder, &history, trial, format);
    }
    let stage = stage_named(controller, item).map(|stage| StageView::new(&history, stage));
    match stage {
        Some(stage) if format == Format::Json => print::json(&stage)?,
        Some(stage) => print::data(&stage.text()),
        None => {
            return Err(CommandFailure::new(
                Exit::Usage,
                "N2-RUN-002",
                format!("run `{}` has no case, trial or stage `{item}`", run.display()),
                "`noodle2 report` lists the stages and survivors, `noodle2 lineage --all` every case"
                    .to_owned(),
            ));
        }
    }
    Ok(Exit::Done)
}

/// The stage that is called so, by name or index.
pub(crate) fn stage_named(controller: &Controller, name: &str) -> Option<StageIndex> {
    let mut stages = (0..controller.stages().len()).map(StageIndex::from);
    stages
        .find(|stage| controller.program().stage(*stage).name == name || stage.to_string() == name)
}

fn label_text(study: &Study) -> String {
    study
        .result_label()
        .map(|label| format!(" ({label})"))
        .unwrap_or_default()
}

fn case_name(controller: &Controller, trial: TrialId) -> CaseName {
    trial.case(&controller.program().study().design.case_name)
}

fn show_trial(
    folder: &RunFolder,
    history: &History,
    id: TrialId,
    format: Format,
) -> Result<Exit, CommandFailure> {
    let controller = history.controller();
    let result = |trial: &Trial| trial_text(controller, history.status(), trial);
    let name = case_name(controller, id);
    let case = controller.cases().get(&name);
    let trial = controller.trial(id);
    let parent = case
        .and_then(|case| case.parents.first())
        .and_then(|parent| controller.cases().get(parent));
    let attempts = trial.map_or(controller.base_attempts(), |trial| &trial.attempts);
    let attempt = attempts.last();
    if format == Format::Json {
        print::json(&serde_json::json!({
            "case": name,
            "label": controller.program().study().result_label(),
            "parents": case.map(|case| &case.parents),
            "eco": trial.map(|trial| &trial.eco),
            "reason": trial.and_then(|trial| trial.reason.as_ref()),
            "result": trial.map(result),
            "failure": trial.and_then(Trial::failure),
            "refused": trial.and_then(|trial| trial.refused.as_ref()),
            "cache": attempt.and_then(|attempt| attempt.cache.as_ref()),
            "confirmations": trial.map_or(0, |trial| trial.confirmations.len()),
            "repeats": trial.map_or(controller.base_repeats(), |trial| &trial.repeats)
                .values()
                .map(Vec::len)
                .sum::<usize>(),
            "attempts": attempts.len(),
            "metrics": case.map(|case| &case.measurement.overall),
            "scenes": case.map(|case| &case.measurement.scenes),
            "edits": case.map(|case| &case.measurement.edits),
            "conflicts": case.map(|case| &case.measurement.conflicts),
            "steps": case.map(|case| &case.measurement.steps),
            "paths": case.map(|case| &case.measurement.paths),
            "findings": case.map(|case| &case.measurement.findings),
            "marks": case.map(|case| &case.measurement.marks),
            "folder": folder.trial(&name),
        }))?;
        return Ok(Exit::Done);
    }
    let mut text = format!("{name}{}\n", label_text(controller.program().study()));
    match trial {
        None => {
            text.push_str("  the base case\n");
            if let Some(case) = case.filter(|case| !case.measurement.marks.is_empty()) {
                let marks = marks_text(&case.measurement.marks);
                text.push_str(&format!("  marked: {marks}\n"));
            }
        }
        Some(trial) => {
            text.push_str(&format!(
                "  {} on {}: {}\n",
                eco_text(&trial.eco),
                trial.parent,
                result(trial)
            ));
            if let Some(reason) = &trial.reason {
                text.push_str(&format!("  why: {reason}\n"));
            }
            for line in composition_lines(trial) {
                text.push_str(&format!("  {line}\n"));
            }
            for gate in trial.refused.iter().flatten() {
                text.push_str(&format!("  may not survive: {gate}\n"));
            }
            if let Some(failure) = trial.failure() {
                text.push_str(&format!("  {}\n", failure.message));
                for line in failure.excerpt.lines() {
                    text.push_str(&format!("  | {line}\n"));
                }
            }
        }
    }
    // Only what was not run: why something ran is for `explain`.
    if let Some(attempt) = attempt.filter(|attempt| attempt.hit().is_some()) {
        let line = known_line(attempt).unwrap_or_default();
        text.push_str(&format!("  {line}\n"));
    }
    for (number, step) in (1..).zip(case.iter().flat_map(|case| &case.measurement.steps)) {
        text.push_str(&format!("  step {number}, {}\n", step_text(step)));
    }
    text.push_str(&format!("  files: {}\n\n", folder.trial(&name).display()));
    if let Some(case) = case {
        text.push_str(&metrics_table(controller, case, parent).text());
    }
    print::data(&text);
    Ok(Exit::Done)
}

/// What netlist and constraints mark, in a line.
fn marks_text(marks: &DesignMarks) -> String {
    /// Names that a line lists of each kind.
    const NAMED: usize = 4;
    let kinds = [
        ("dont_touch", "instance", &marks.instances),
        ("dont_touch", "net", &marks.nets),
        ("dont_touch", "cell", &marks.cells),
        ("dont_use", "pattern", &marks.unusable),
    ];
    let marked = kinds.into_iter().filter(|(_, _, names)| !names.is_empty());
    let parts = marked.map(|(mark, kind, names)| {
        let named: Vec<&str> = names.iter().take(NAMED).map(String::as_str).collect();
        let more = if names.len() > NAMED { ", …" } else { "" };
        let count = count_text(names.len(), kind);
        format!("{count} as {mark} ({}{more})", named.join(", "))
    });
    parts.collect::<Vec<String>>().join("; ")
}

/// What a step of a sequence did, in a line.
fn step_text(step: &StepRecord) -> String {
    let ending = match step.ending {
        StepEnding::Kept => "kept",
        StepEnding::Undone => "undone",
        StepEnding::UndoneLater => "undone with a later step",
        StepEnding::NotMade => "not made",
    };
    let edits: Vec<String> = (step.edits.iter())
        .map(|(kind, count)| format!("{count} {kind}"))
        .collect();
    let edits = match (step.ending, edits.is_empty()) {
        (StepEnding::Kept, true) => ": changed nothing".to_owned(),
        (_, true) => String::new(),
        (_, false) => format!(": {}", edits.join(", ")),
    };
    let values = step.before.zip(step.after);
    let values = values.map(|(before, after)| format!(" ({before} to {after})"));
    let error = step.error.as_ref().map(|error| format!(": {error}"));
    format!(
        "{}: {ending}{edits}{}{}",
        step.eco,
        values.unwrap_or_default(),
        error.unwrap_or_default()
    )
}

fn metrics_table(controller: &Controller, case: &Case, parent: Option<&Case>) -> Table {
    let mut table = Table::new(&["metric", ">value", ">over its parent", ">over the base"]);
    let base = controller.base_case();
    let over = |other: Option<&Case>, metric: Metric, values: &MetricSet| {
        let other = other.filter(|other| other.name != case.name)?;
        gain_over(metric, &other.measurement.overall, values)?;
        Some(gain_text(
            metric,
            other.measurement.overall.get(metric),
            values.get(metric),
        ))
    };
    let values = &case.measurement.overall;
    for (metric, value) in values.iter() {
        table.row([
            metric.to_string(),
            metric_text(metric, Some(value)),
            over(parent, metric, values).unwrap_or_default(),
            over(base, metric, values).unwrap_or_default(),
        ]);
    }
    table
}
