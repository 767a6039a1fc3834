//! Evidence between runs: where it is kept, what a new run sees of it, what an ended run adds to it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use etcetera::{BaseStrategy, choose_base_strategy};
use jiff::Timestamp;
use noodle2_engine::Platform;
use noodle2_evidence::{Gathering, RecordedRun, gather};
use noodle2_model::{ContentHash, Event, PriorRules, RunIdentity};
use noodle2_priors::{Access, Addition, PriorStore, PriorStoreError};
use noodle2_store::{RunFolder, fold_journal};
use noodle2_view::{Folding, History, count_text, weight_text};

use crate::cli::PriorsOption;
use crate::commands::folded;
use crate::exit::{CommandFailure, Exit};
use crate::print;
use crate::shell;

/// The variable of the environment that names the store.
const VARIABLE: &str = "NOODLE2_PRIORS";

/// How long a command waits for another process that writes to the store.
const PATIENCE: Duration = Duration::from_secs(5);

impl From<PriorStoreError> for CommandFailure {
    fn from(error: PriorStoreError) -> Self {
        let help = error.help().to_owned();
        Self::new(Exit::Stopped, error.code(), &error, help)
    }
}

/// Where evidence is kept: as the command line says, else the environment, else the user's data folder.
pub(crate) fn store_path(option: &PriorsOption) -> Result<PathBuf, CommandFailure> {
    if let Some(path) = &option.priors {
        return Ok(path.clone());
    }
    if let Some(path) = std::env::var_os(VARIABLE).filter(|value| !value.is_empty()) {
        return Ok(PathBuf::from(path));
    }
    match choose_base_strategy() {
        Ok(folders) => Ok(folders.data_dir().join("noodle2").join("priors.sqlite")),
        Err(error) => Err(CommandFailure::new(
            Exit::Usage,
            "N2-PRIORS-010",
            format!("nobody can tell where evidence is kept: {error}"),
            format!("name a file with --priors or {VARIABLE}"),
        )),
    }
}

/// Opens the store; `None` when it is to be read and is not there.
pub(crate) fn open(path: &Path, access: Access) -> Result<Option<PriorStore>, CommandFailure> {
    Ok(PriorStore::open(path, access, PATIENCE)?)
}

/// Opens the store to change it.
pub(crate) fn open_to_write(path: &Path) -> Result<PriorStore, CommandFailure> {
    open(path, Access::Write)?
        .ok_or_else(|| CommandFailure::internal("a store that is made on demand is not there"))
}

/// The name under which evidence on a platform is kept. A platform file of somebody's own counts by its content:
/// two of one name are two platforms.
pub(crate) fn platform_of(identity: &RunIdentity) -> String {
    let named = &identity.study.design.platform;
    if Platform::built_in_names().any(|known| known == named) {
        return named.clone();
    }
    let stem = Path::new(named).file_stem().unwrap_or_default();
    let content = identity
        .inputs
        .iter()
        .find(|input| input.role == "platform");
    let content = content.map_or_else(|| ContentHash::of(named), |input| input.content);
    format!("{}-{}", stem.to_string_lossy(), content.short())
}

/// Gives a run that is about to begin the evidence of earlier runs, where its study asks for it. That the store
/// cannot be read is told before anything runs: the study would not be the one that was asked for.
pub(crate) fn warm(
    identity: &mut RunIdentity,
    option: &PriorsOption,
) -> Result<(), CommandFailure> {
    let study = &identity.study;
    let Some(rules) = study.priors.as_ref().filter(|rules| rules.warm_start) else {
        return Ok(());
    };
    let path = store_path(option)?;
    let gathering = Gathering {
        rules,
        project: rules.project_of(&study.name),
        platform: &platform_of(identity),
        contents: &identity.ecos.values().map(|eco| eco.content).collect(),
        now_s: Timestamp::now().as_second(),
    };
    let names: BTreeSet<&str> = identity.ecos.keys().map(String::as_str).collect();
    let runs = match open(&path, Access::Read)? {
        Some(store) => store.runs(
            |run| gathering.weight(run).is_some(),
            |eco| names.contains(eco),
        )?,
        None => Vec::new(),
    };
    let priors = gather(&runs, &gathering);
    if priors.entries.is_empty() {
        print::talk(&format!(
            "begins without evidence: {} holds none that counts for this study",
            path.display()
        ));
    } else {
        let tries: f64 = priors
            .entries
            .iter()
            .map(|entry| entry.evidence.tries())
            .sum();
        let known: BTreeSet<&str> = priors
            .entries
            .iter()
            .map(|entry| entry.eco.as_str())
            .collect();
        print::talk(&format!(
            "begins with evidence of {} on {}: {} tries by weight, from {}",
            count_text(priors.runs.len(), "earlier run"),
            count_text(known.len(), "ECO"),
            weight_text(tries),
            path.display()
        ));
    }
    identity.priors = Some(priors);
    Ok(())
}

/// What a run that ended leaves for later ones; `None` while it has not ended.
pub(crate) fn recorded_run(folder: &RunFolder) -> Result<Option<RecordedRun>, CommandFailure> {
    let mut folding = Folding::default();
    let mut ended = None;
    let end = fold_journal(&folder.journal(), |record| {
        if matches!(record.event, Event::RunFinished { .. }) {
            ended = Some(record.at);
        }
        folding.add(record.at, &record.event);
    })?;
    let history = folded(folder, folding)?;
    let controller = history.controller();
    let identity = controller.program().identity();
    let (Some(first), Some(ended), Some(digest)) = (end.first, ended, controller.recorded_digest())
    else {
        return Ok(None);
    };
    let study = &identity.study;
    let rules = study.priors.as_ref();
    let project = rules.map_or(study.name.as_str(), |rules| rules.project_of(&study.name));
    Ok(Some(RecordedRun {
        id: first,
        project: project.to_owned(),
        study: study.name.clone(),
        platform: platform_of(identity),
        digest,
        noodle2_version: identity.noodle2_version.clone(),
        ended_s: ended.as_second(),
        observations: controller.observations(),
    }))
}

/// Keeps the evidence of a run that ended, where its study asks for it. Whatever stands in the way is told and
/// changes nothing of the run.
pub(crate) fn keep(folder: &RunFolder, history: &History, option: &PriorsOption) {
    let controller = history.controller();
    let rules: Option<&PriorRules> = controller.program().study().priors.as_ref();
    if !rules.is_some_and(|rules| rules.record) || controller.recorded_digest().is_none() {
        return;
    }
    if let Err(failure) = keep_in(folder, option) {
        print::failure(&failure);
        print::talk(&format!(
            "the run is whole; its evidence is not kept yet. Once that is mended: noodle2 priors record {}",
            shell::word(folder.root())
        ));
    }
}

fn keep_in(folder: &RunFolder, option: &PriorsOption) -> Result<(), CommandFailure> {
    let Some(run) = recorded_run(folder)?.filter(|run| !run.observations.is_empty()) else {
        return Ok(());
    };
    let path = store_path(option)?;
    let additions = open_to_write(&path)?.add(std::slice::from_ref(&run))?;
    print::talk(&addition_text(&run, additions[0], &path));
    Ok(())
}

/// What came of adding a run, in words.
pub(crate) fn addition_text(run: &RecordedRun, addition: Addition, path: &Path) -> String {
    let count = count_text(run.observations.len(), "trial");
    let project = &run.project;
    match addition {
        Addition::Added => format!(
            "kept as evidence: {count}, for project {project}, in {}",
            path.display()
        ),
        Addition::Known => format!("kept as evidence before: {count}, in {}", path.display()),
        Addition::Different => format!(
            "{} holds this run with other evidence, of which some was forgotten; it was left as it is",
            path.display()
        ),
    }
}
