//! `noodle2 replay`: one attempt of a run made again, cold, and where it parts from what was recorded.
//!
//! What is made again is what a worker would make of the very same order, in a folder of its own; the run is only read.
//! With `--param` it is a what-if: the same ECO on the same parent with other values, told beside what was recorded.

mod comparison;
mod recorded;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use noodle2_control::Controller;
use noodle2_exec::CancelToken;
use noodle2_model::{
    AttemptId, CaseName, EcoProposal, Metric, MetricSet, Outcome, ParameterKind, ParameterValue,
    Parameters, ToolIdentity, may_try,
};
use noodle2_store::{CommandRecord, create_folder, write_atomic};
use noodle2_view::{Table, eco_text, gain_text, metric_text};
use serde::Serialize;

use crate::cli::{Format, ReplayOption};
use crate::commands::inspect::look_at;
use crate::commands::place::make_new;
use crate::exit::{CommandFailure, Exit};
use crate::print;
use crate::run::{Carrier, Forking, Place};
use crate::study::{self, Prepared, absolute};
use comparison::{Compared, Side, Verdict, compare};
pub(super) use recorded::{Recorded, trial_named};

/// What the run was made with is not what is here.
const TOOLS_CHANGED: &str = "N2-REPLAY-003";
/// What is asked for by `--param` cannot be tried.
const NOT_TRIED: &str = "N2-REPLAY-004";

/// What a replay came to: the content of `replay.json`.
#[derive(Debug, Serialize)]
struct Replay {
    schema_version: u32,
    noodle2_version: &'static str,
    run: PathBuf,
    attempt: AttemptId,
    case: CaseName,
    role: String,
    parent: Option<CaseName>,
    /// What was tried, with the values that it was replayed with.
    eco: Option<EcoProposal>,
    /// The tools of the run, where those that are here are others.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    other_tools: Vec<OtherTool>,
    /// Where the replay lies.
    folder: PathBuf,
    /// What else is to be known when this is read.
    remarks: Vec<String>,
    /// What came of it.
    outcome: Outcome,
    #[serde(flatten)]
    told: Told,
}

/// A tool that is not the one of the run.
#[derive(Debug, Serialize)]
struct OtherTool {
    recorded: ToolIdentity,
    used: Option<ToolIdentity>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
enum Told {
    /// The same made again.
    Replay {
        same: bool,
        /// The first aspect that differs, with its first difference.
        first_divergence: Option<String>,
        compared: Vec<Compared>,
    },
    /// With other values of parameters.
    WhatIf {
        changed: Vec<ChangedParameter>,
        recorded: Box<Outcome>,
        /// The rules of its stage that the result would break.
        broken_rules: Vec<String>,
        metrics: Vec<ComparedMetric>,
    },
}

#[derive(Debug, Serialize)]
struct ChangedParameter {
    name: String,
    recorded: Option<ParameterValue>,
    value: ParameterValue,
}

/// A metric over all scenes: absent where it was not measured.
#[derive(Debug, Serialize)]
struct ComparedMetric {
    metric: Metric,
    parent: Option<f64>,
    recorded: Option<f64>,
    what_if: Option<f64>,
}

/// `noodle2 replay`.
pub(crate) fn replay(option: &ReplayOption) -> Result<Exit, CommandFailure> {
    let (folder, history) = look_at(&option.run)?;
    let controller = history.controller();
    let trial = trial_named(&option.run, controller, &option.trial)?;
    let mut recorded = Recorded::of(&folder, &history, trial, option.attempt)?;
    let changed = change_parameters(&mut recorded, controller, &option.parameters)?;
    recorded.refuse_changed_files()?;
    let out = out_folder(option, &recorded)?;
    let shared = out.join("inputs");
    create_folder(&shared)?;
    let (mut prepared, other_tools) = prepare(option, controller, &shared)
        .inspect_err(|_| drop(std::fs::remove_dir_all(&out)))?;
    prepared.context.share(&absolute(&folder.inputs()));
    let attempt = out.join("attempt");
    create_folder(&attempt)?;
    let carrier = Carrier {
        study: prepared.identity.study.clone(),
        inputs: prepared.identity.inputs.clone(),
        context: prepared.context,
        catalogue: prepared.catalogue,
        mark: "replay".to_owned(),
        forking: Forking::default(),
    };
    let place = Place {
        folder: &attempt,
        netlist_of: &|parent| recorded.netlist_of(parent),
    };
    let carried = carrier.carry(&recorded.order, &place, &CancelToken::new())?;
    let mut remarks = recorded.unsealed();
    for remark in &mut remarks {
        *remark = format!("of the record, not as it was sealed: {remark}");
    }
    let told = match changed.is_empty() {
        true => compared(&recorded, &out, &attempt, &carried.outcome, &mut remarks),
        false => what_if(controller, &recorded, changed, &carried.outcome),
    };
    let replay = Replay {
        schema_version: 1,
        noodle2_version: env!("CARGO_PKG_VERSION"),
        run: option.run.clone(),
        attempt: recorded.order.attempt,
        case: recorded.order.case.clone(),
        role: recorded.role(),
        parent: recorded
            .order
            .parent
            .as_ref()
            .map(|parent| parent.case.clone()),
        eco: recorded.order.eco.as_deref().cloned(),
        other_tools,
        folder: out.clone(),
        remarks,
        outcome: carried.outcome,
        told,
    };
    let text = serde_json::to_string_pretty(&replay).map_err(CommandFailure::internal)?;
    write_atomic(&out.join("replay.json"), text + "\n")?;
    match option.format.format {
        Format::Json => print::json(&replay)?,
        Format::Text => print::data(&text_of(&replay)),
    }
    Ok(match replay.told {
        Told::Replay { same: false, .. } => Exit::Findings,
        _ => Exit::Done,
    })
}

/// A folder that is new or empty; one beside the run where none is named.
fn out_folder(option: &ReplayOption, recorded: &Recorded) -> Result<PathBuf, CommandFailure> {
    if let Some(out) = &option.out {
        make_new(out)?;
        return Ok(absolute(out));
    }
    let run = absolute(&option.run);
    let name = run.file_name().unwrap_or_default().to_string_lossy();
    let name = format!("{name}-replay-{}", recorded.order.case);
    let names = (1..).map(|number| match number {
        1 => name.clone(),
        _ => format!("{name}-{number}"),
    });
    let mut free = names.map(|name| run.with_file_name(name));
    let out = free.find(|path| !path.exists()).unwrap_or(run);
    create_folder(&out)?;
    Ok(out)
}

/// Finds all that the run was made with, and refuses what is not the same.
fn prepare(
    option: &ReplayOption,
    controller: &Controller,
    shared: &Path,
) -> Result<(Prepared, Vec<OtherTool>), CommandFailure> {
    let identity = controller.program().identity();
    let (prepared, changes) = study::prepare_anew(identity, shared)?;
    if !changes.files.is_empty() {
        return Err(CommandFailure::new(
            Exit::InvalidStudy,
            "N2-RUN-004",
            format!(
                "the trial cannot be made again: changed since the run began: {}",
                changes.files.join(", ")
            ),
            "put these back as they were; the journal's first record holds the hash of each"
                .to_owned(),
        ));
    }
    if changes.tools.is_empty() {
        return Ok((prepared, Vec::new()));
    }
    if !option.any_engine {
        return Err(CommandFailure::new(
            Exit::InvalidStudy,
            TOOLS_CHANGED,
            format!(
                "the trial cannot be made again with what made it: changed since the run began: {}",
                changes.tools.join(", ")
            ),
            "put these back as they were, or add `--any-engine` to see what those that are here make of it"
                .to_owned(),
        ));
    }
    let used = changes.used_tools;
    let other = identity.tools.iter().filter_map(|recorded| {
        let used = used.iter().find(|tool| tool.name == recorded.name).cloned();
        let is_same = used
            .as_ref()
            .is_some_and(|used| used.content == recorded.content);
        (!is_same).then(|| OtherTool {
            recorded: recorded.clone(),
            used,
        })
    });
    Ok((prepared, other.collect()))
}

/// Puts other values into what is tried; returns those that differ. Every value that cannot be tried is told at once.
fn change_parameters(
    recorded: &mut Recorded,
    controller: &Controller,
    given: &[(String, String)],
) -> Result<Vec<ChangedParameter>, CommandFailure> {
    if given.is_empty() {
        return Ok(Vec::new());
    }
    let refuse = |text: String, help: &str| {
        Err(CommandFailure::new(
            Exit::Usage,
            NOT_TRIED,
            text,
            help.to_owned(),
        ))
    };
    let attempt = recorded.order.attempt;
    let proposal = recorded.order.eco.as_deref();
    let single = proposal.filter(|eco| eco.sequence.is_empty() && eco.composition.is_none());
    let ecos = &controller.program().identity().ecos;
    let Some((proposal, eco)) = single.and_then(|eco| Some((eco, ecos.get(&eco.name)?))) else {
        return refuse(
            format!(
                "attempt {attempt} has no parameters: it {}",
                match proposal {
                    Some(eco) => format!("tries {}", eco_text(eco)),
                    None => recorded.role(),
                }
            ),
            "name a trial of a single ECO; `noodle2 show` tells what a trial tries",
        );
    };
    let study = controller.program().study();
    let stage = controller.program().stage(attempt.trial.stage);
    if !may_try(study, stage, &eco.manifest) {
        return refuse(
            format!(
                "the stage `{}` may not try the ECO `{}`",
                stage.name, proposal.name
            ),
            "`noodle2 check` says what its safety domain permits",
        );
    }
    let mut parameters: Parameters = proposal.parameters.clone();
    let mut changed = Vec::new();
    let mut problems = Vec::new();
    for (name, text) in given {
        let Some(spec) = eco.manifest.parameters.get(name) else {
            let known: Vec<&str> = eco.manifest.parameters.keys().map(String::as_str).collect();
            problems.push(format!("there is no `{name}`, only {}", known.join(", ")));
            continue;
        };
        let Some(value) = value_of(&spec.kind, text) else {
            let wanted = spec.kind.describe();
            problems.push(format!("`{name}` is `{text}`, and must be: {wanted}"));
            continue;
        };
        let former = parameters.insert(name.clone(), value.clone());
        changed.push(ChangedParameter {
            name: name.clone(),
            recorded: former,
            value,
        });
    }
    if !problems.is_empty() {
        return refuse(
            format!(
                "the ECO `{}` cannot be tried so: {}",
                proposal.name,
                problems.join("; ")
            ),
            "`noodle2 eco show` lists its parameters with their ranges",
        );
    }
    recorded.order.eco = Some(Arc::new(EcoProposal {
        parameters,
        ..proposal.clone()
    }));
    Ok(changed)
}

fn value_of(kind: &ParameterKind, text: &str) -> Option<ParameterValue> {
    let value = match kind {
        ParameterKind::Integer { .. } => ParameterValue::Integer(text.parse().ok()?),
        ParameterKind::Real { .. } => ParameterValue::Real(text.parse().ok()?),
        ParameterKind::Boolean { .. } => ParameterValue::Boolean(text.parse().ok()?),
        ParameterKind::Choice { .. } => ParameterValue::Text(text.to_owned()),
    };
    kind.admit(&value)
}

/// How the attempt, made again in `out`, compares with its record.
fn compared(
    recorded: &Recorded,
    out: &Path,
    attempt: &Path,
    outcome: &Outcome,
    remarks: &mut Vec<String>,
) -> Told {
    let commands = commands_of(&recorded.folder);
    if let Some(hit) = &recorded.known_from {
        remarks.push(format!(
            "nothing was run for it: its result was known from attempt {} of run {} (study `{}`)",
            hit.attempt,
            hit.run.short(),
            hit.study
        ));
    }
    let forked = commands.iter().any(|command| command.forked);
    if forked {
        remarks.push("it was forked from a loaded engine; the replay starts one anew".to_owned());
    }
    let here = recorded.run_root();
    let then = commands.first().map(|command| command.folder.as_path());
    let then_root = then.and_then(|folder| recorded.root_above(folder));
    let elsewhere = then.is_some() && then_root.is_none();
    if elsewhere {
        remarks.push(
            "it ran in a folder of another machine: of paths, only last names are compared"
                .to_owned(),
        );
    }
    let text = |path: &Path| path.display().to_string();
    let mut was = Vec::new();
    was.extend(then.map(|folder| (text(folder), "ATTEMPT")));
    was.extend(then_root.map(|root| (text(root), "RUN")));
    let compared = compare(
        &Side {
            folder: &recorded.folder,
            outcome: &recorded.outcome,
            folders: was,
            elsewhere,
            forked,
        },
        &Side {
            folder: attempt,
            outcome,
            folders: vec![
                (text(attempt), "ATTEMPT"),
                (text(&out.join("inputs")), "RUN/inputs"),
                (text(&here), "RUN"),
            ],
            elsewhere: false,
            forked: false,
        },
        !commands.is_empty(),
    );
    let first = compared.iter().find(|one| one.verdict == Verdict::Differs);
    let first_divergence = first.map(|one| match one.differences.first() {
        Some(difference) => format!("{}: {difference}", one.aspect),
        None => one.aspect.to_string(),
    });
    Told::Replay {
        same: first_divergence.is_none(),
        first_divergence,
        compared,
    }
}

/// What was run for a recorded attempt; nothing where that was not recorded.
fn commands_of(folder: &Path) -> Vec<CommandRecord> {
    #[derive(serde::Deserialize)]
    struct Commands {
        commands: Vec<CommandRecord>,
    }
    let bytes = std::fs::read(noodle2_store::Provenance::path(folder)).unwrap_or_default();
    serde_json::from_slice::<Commands>(&bytes).map_or(Vec::new(), |found| found.commands)
}

fn what_if(
    controller: &Controller,
    recorded: &Recorded,
    changed: Vec<ChangedParameter>,
    outcome: &Outcome,
) -> Told {
    let overall = |outcome: &Outcome| match outcome {
        Outcome::Measured(measurement) => measurement.overall.clone(),
        Outcome::NoEffect | Outcome::Failed(_) => MetricSet::new(),
    };
    let mut parent = MetricSet::new();
    for scene in recorded
        .order
        .parent
        .iter()
        .flat_map(|parent| parent.facts.scenes.values())
    {
        parent.merge_worst(scene);
    }
    let (before, after) = (overall(&recorded.outcome), overall(outcome));
    let metrics = Metric::ALL.iter().map(|metric| ComparedMetric {
        metric: *metric,
        parent: parent.get(*metric),
        recorded: before.get(*metric),
        what_if: after.get(*metric),
    });
    let is_known = |row: &ComparedMetric| {
        row.parent.is_some() || row.recorded.is_some() || row.what_if.is_some()
    };
    let stage = recorded.order.attempt.trial.stage;
    Told::WhatIf {
        changed,
        recorded: Box::new(recorded.outcome.clone()),
        broken_rules: match outcome {
            Outcome::Measured(measurement) => controller.broken_rules(stage, measurement),
            Outcome::NoEffect | Outcome::Failed(_) => Vec::new(),
        },
        metrics: metrics.filter(is_known).collect(),
    }
}

fn outcome_text(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Measured(_) => "was measured".to_owned(),
        Outcome::NoEffect => "changed nothing".to_owned(),
        Outcome::Failed(failure) => format!("failed: {}: {}", failure.class, failure.message),
    }
}

fn text_of(replay: &Replay) -> String {
    let mut text = format!(
        "attempt {} ({}), {}{}\n",
        replay.attempt,
        replay.case,
        replay.role,
        replay
            .eco
            .as_ref()
            .map_or(String::new(), |eco| format!(": {}", eco_text(eco)))
    );
    for tool in &replay.other_tools {
        let version = tool.used.as_ref().map_or("none", |tool| &tool.version);
        text += &format!(
            "ANOTHER TOOL: {} {version}; the run had {}\n",
            tool.recorded.name, tool.recorded.version
        );
    }
    for remark in &replay.remarks {
        text += &format!("{remark}\n");
    }
    text += &match &replay.told {
        Told::Replay {
            first_divergence,
            compared,
            ..
        } => compared_text(compared, first_divergence.as_deref()),
        Told::WhatIf {
            changed,
            recorded,
            broken_rules,
            metrics,
        } => {
            let mut text = String::new();
            for one in changed {
                let former = one.recorded.as_ref();
                let former = former.map_or("nothing".to_owned(), ToString::to_string);
                text += &format!("what if {} were {}, not {former}\n", one.name, one.value);
            }
            text += &format!(
                "it {}; with the recorded values it {}\n",
                outcome_text(&replay.outcome),
                outcome_text(recorded)
            );
            for rule in broken_rules {
                text += &format!("it would break a rule of its stage: {rule}\n");
            }
            text + "\n" + &metrics_text(metrics)
        }
    };
    text + &format!("everything lies in {}\n", replay.folder.display())
}

fn compared_text(compared: &[Compared], first_divergence: Option<&str>) -> String {
    let mut text = String::from("\n");
    for one in compared {
        text += &format!("{:8} {}\n", one.aspect.to_string(), one.verdict);
        for difference in &one.differences {
            text += &format!("         {difference}\n");
        }
        let untold = one.count - one.differences.len();
        if untold > 0 {
            text += &format!("         and {untold} more\n");
        }
    }
    match first_divergence {
        Some(first) => text + &format!("\nfirst divergence: {first}\n"),
        None => text + "\nit came out as it was recorded\n",
    }
}

fn metrics_text(metrics: &[ComparedMetric]) -> String {
    let titles = [
        "metric",
        "parent",
        "recorded",
        "what if",
        "against the recorded",
    ];
    let mut table = Table::new(&titles);
    for row in metrics {
        table.row([
            row.metric.to_string(),
            metric_text(row.metric, row.parent),
            metric_text(row.metric, row.recorded),
            metric_text(row.metric, row.what_if),
            gain_text(row.metric, row.recorded, row.what_if),
        ]);
    }
    table.text()
}
