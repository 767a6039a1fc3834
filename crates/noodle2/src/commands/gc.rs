//! `noodle2 gc`: room from runs that ended. What goes is recorded with its hash, and `verify` knows it.
//!
//! Only sealed artifacts of runs that have ended are touched: nothing else can be needed by `resume`, and nothing goes that
//! the record does not vouch for. Scripts, ECOs, provenance and indexes always stay.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use jiff::Timestamp;
use noodle2_control::{Controller, Verdict};
use noodle2_model::{AttemptId, CaseName, ContentHash, DesignState, Event};
use noodle2_store::{Artifact, CollectedFile, RunFolder, fold_journal};
use noodle2_view::{Folding, Table, bytes_text, count_text};
use serde::Serialize;

use crate::catalogue::Catalogue;
use crate::cli::{Format, GcOption, Keep};
use crate::commands::folded;
use crate::exit::{CommandFailure, Exit};
use crate::print;
use crate::run::Worker;

/// How many folders deep runs are looked for.
const DEPTH: u32 = 4;

/// What can go from a run, or went.
#[derive(Debug, Serialize)]
struct Told {
    run: PathBuf,
    /// Whether it is gone now.
    deleted: bool,
    /// Why nothing of the run can go.
    passed_over: Option<String>,
    /// By kind, how many files of how many bytes.
    kinds: BTreeMap<&'static str, Amount>,
    /// Files that are not what their index says: they stay.
    damaged: Vec<PathBuf>,
}

#[derive(Debug, Default, Clone, Copy, Serialize)]
struct Amount {
    files: usize,
    bytes: u64,
}

/// `noodle2 gc`.
pub(crate) fn gc(option: &GcOption) -> Result<Exit, CommandFailure> {
    let runs = Catalogue::default().list(&option.folder, DEPTH)?;
    if runs.is_empty() {
        return Err(CommandFailure::new(
            Exit::Usage,
            "N2-GC-001",
            format!("there is no run below `{}`", option.folder.display()),
            "name a run folder, or a folder that holds some".to_owned(),
        ));
    }
    let mut told = Vec::new();
    for run in runs {
        told.push(match run.problem {
            Some(problem) => passed_over(run.path, problem.message),
            None => of_run(run.path, option)?,
        });
    }
    match option.format.format {
        Format::Json => print::json(&told)?,
        Format::Text => print::data(&text(&told)),
    }
    let refused = told.iter().all(|run| run.passed_over.is_some());
    let damaged = told.iter().any(|run| !run.damaged.is_empty());
    Ok(match refused || damaged {
        true => Exit::Findings,
        false => Exit::Done,
    })
}

fn passed_over(run: PathBuf, why: String) -> Told {
    Told {
        run,
        deleted: false,
        passed_over: Some(why),
        kinds: BTreeMap::new(),
        damaged: Vec::new(),
    }
}

fn of_run(run: PathBuf, option: &GcOption) -> Result<Told, CommandFailure> {
    let folder = RunFolder::open(&run)?;
    if Worker::of(&folder) != Worker::Gone {
        return Ok(passed_over(run, "somebody works on it, or may".to_owned()));
    }
    // Taken before the journal is read, so that nobody goes on with the run in between.
    let writable = match option.delete {
        true => Some(RunFolder::open_for_writing(&run)?),
        false => None,
    };
    let (mut folding, mut seals) = (Folding::default(), BTreeMap::new());
    fold_journal(&folder.journal(), |record| {
        if let Event::ArtifactsSealed { attempt, index } = &record.event {
            seals.insert(*attempt, *index);
        }
        folding.add(record.at, &record.event);
    })?;
    let history = folded(&folder, folding)?;
    if !history.status().has_ended() {
        let why = "it has not ended: `noodle2 resume` may need all of it";
        return Ok(passed_over(run, why.to_owned()));
    }
    let found = collectable(&folder, history.controller(), &seals, option.keep)?;
    let mut told = Told {
        run,
        deleted: option.delete,
        passed_over: None,
        kinds: BTreeMap::new(),
        damaged: Vec::new(),
    };
    for (kind, mut files) in found {
        if let Some(writable) = &writable {
            let collection = writable.collect(files)?;
            told.damaged.extend(collection.damaged);
            files = collection.removed;
        }
        let amount = told.kinds.entry(kind).or_default();
        amount.files += files.len();
        amount.bytes += files.iter().map(|file| file.size).sum::<u64>();
    }
    Ok(told)
}

/// What can go, by kind.
fn collectable(
    folder: &RunFolder,
    controller: &Controller,
    seals: &BTreeMap<AttemptId, ContentHash>,
    keep: Keep,
) -> Result<BTreeMap<&'static str, Vec<CollectedFile>>, CommandFailure> {
    let design = &controller.program().study().design.case_name;
    let kept = kept(controller, keep);
    let makers = controller.cases().values();
    let makers: BTreeMap<AttemptId, &CaseName> =
        makers.map(|case| (case.attempt, &case.name)).collect();
    let mut found: BTreeMap<&'static str, Vec<CollectedFile>> = BTreeMap::new();
    let at = Timestamp::now();
    for (attempt, seal) in seals {
        let trial = controller.trial(attempt.trial);
        let verdict = trial.and_then(|trial| trial.verdict());
        let (kind, wanted): (&'static str, fn(&Artifact) -> bool) =
            match (makers.get(attempt), verdict) {
                (Some(case), _) if kept.contains(*case) => continue,
                (Some(_), _) => ("designs that are not kept", is_design),
                _ if controller.is_discarded(attempt.trial) => ("work that was discarded", is_work),
                (None, Some(Verdict::Failed(_))) => ("work that failed", is_work),
                (None, Some(Verdict::NoEffect)) => ("work that changed nothing", is_work),
                (None, _) => ("designs that were measured again", is_design),
            };
        let place = folder.attempt(design, *attempt);
        let files = folder.collectable(&place, *seal, at, wanted)?;
        found.entry(kind).or_default().extend(files);
    }
    found.retain(|_, files| !files.is_empty());
    Ok(found)
}

/// The cases whose designs stay where they were made.
fn kept(controller: &Controller, keep: Keep) -> BTreeSet<CaseName> {
    let cases = controller.cases().keys();
    match keep {
        Keep::AllCases => cases.cloned().collect(),
        Keep::Lineage => {
            let parents = controller.trials().map(|trial| trial.parent.clone());
            let kept = cases.filter(|case| controller.is_kept(case)).cloned();
            let best = controller.best_case().cloned();
            kept.chain(parents).chain(best).collect()
        }
        Keep::Survivors => {
            let study = controller.program().study();
            let goes_on: BTreeSet<usize> = study
                .edges()
                .into_iter()
                .map(|(from, _)| from.position())
                .collect();
            let stages = controller.stages().iter().enumerate();
            let last = stages.filter(|(position, _)| !goes_on.contains(position));
            let survivors = last.flat_map(|(_, stage)| stage.survivors().iter().cloned());
            let others = [
                Some(controller.base_name()),
                controller.best_case().cloned(),
            ];
            survivors.chain(others.into_iter().flatten()).collect()
        }
    }
}

/// The files that hold a design.
fn is_design(file: &Artifact) -> bool {
    [
        DesignState::NETLIST,
        DesignState::DATABASE,
        DesignState::DEF,
    ]
    .contains(&file.path.as_str())
}

/// Everything but what tells how it was made: scripts, the ECO, provenance.
fn is_work(file: &Artifact) -> bool {
    let tells_how = file.content_type == "text/x-tcl"
        || file.path.starts_with("eco/")
        || file.path == "provenance.json";
    !tells_how
}

fn text(told: &[Told]) -> String {
    let mut table = Table::new(&["run", "what", ">files", ">size"]);
    let (mut all, mut rest) = (0, String::new());
    for run in told {
        let name = run.run.display().to_string();
        if let Some(why) = &run.passed_over {
            rest += &format!("{name}: nothing can go: {why}\n");
        }
        for (kind, amount) in &run.kinds {
            all += amount.bytes;
            table.row([
                name.clone(),
                (*kind).to_owned(),
                amount.files.to_string(),
                bytes_text(amount.bytes),
            ]);
        }
        for path in &run.damaged {
            rest += &format!(
                "{name}: `{}` is not what its index says, and stays\n",
                path.display()
            );
        }
    }
    let runs = told.iter().filter(|run| !run.kinds.is_empty()).count();
    let of = format!("{} of {}", bytes_text(all), count_text(runs, "run"));
    let verdict = match told.iter().any(|run| run.deleted) {
        true => format!(
            "{of} removed; what went is in collected.ndjson of each, and `noodle2 verify` knows it"
        ),
        false => format!("{of} can go; add --delete to remove it"),
    };
    match runs {
        0 => format!("{rest}nothing can go\n"),
        _ => format!("{}\n{rest}{verdict}\n", table.text()),
    }
}
