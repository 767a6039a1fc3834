//! What follows from the journal of a run and stands beside it: written from it, held against it.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use noodle2_control::{Case, Controller};
use noodle2_model::{ContentHash, Event, RunIdentity};
use noodle2_store::{
    DerivedFile, Record, RunFolder, StorageProblem, StoreError, check_derived, copy_file,
    make_folder, unrecorded, write_whole,
};
use noodle2_view::{History, LegalityReport, Lineage, Summary, report_markdown};
use serde::Deserialize;

use crate::exit::{CommandFailure, Exit};

/// Records are missing from the end of the journal.
const RECORDS_MISSING: &str = "N2-RUN-008";
/// A shared input of the scripts is not the one that its name tells.
const SHARED_INPUT_CHANGED: &str = "N2-RUN-009";

/// The events of records with their times.
fn events_of(records: &[Record]) -> Vec<(Timestamp, Event)> {
    records
        .iter()
        .map(|record| (record.at, record.event.clone()))
        .collect()
}

/// What people and scripts read of a run, each with its place in the run folder.
pub(crate) fn documents(
    folder: &RunFolder,
    history: &History,
) -> Result<Vec<(PathBuf, String)>, CommandFailure> {
    let summary = Summary::new(history);
    let json = serde_json::to_string_pretty(&summary).map_err(CommandFailure::internal)?;
    let lineage = Lineage::new(history.controller(), false);
    Ok(vec![
        (
            folder.legality(),
            legality_text(history.controller().program().identity()),
        ),
        (folder.summary(), json + "\n"),
        (folder.report(), report_markdown(history, &summary)),
        (folder.lineage(), lineage.dot()),
        (folder.lineage_picture(), lineage.svg()),
    ])
}

/// The legality report of a run that is permitted to run, as its folder keeps it.
pub(crate) fn legality_text(identity: &RunIdentity) -> String {
    let classes = identity.ecos.iter();
    let classes = classes.map(|(name, eco)| (name.clone(), eco.manifest.class));
    let report = LegalityReport::new(&identity.study, &classes.collect(), Vec::new());
    let value = serde_json::json!(report);
    format!("{value:#}\n")
}

/// Where what is told of a case lies in the case's folder.
pub(crate) fn case_file(folder: &RunFolder, case: &Case) -> PathBuf {
    folder.case(&case.name).join("case.json")
}

/// What is told of a case in its folder; `label` says how far its results can be trusted.
pub(crate) fn case_text(case: &Case, label: Option<&str>) -> String {
    let value = serde_json::json!({
        "case": case.name,
        "label": label,
        "parents": case.parents,
        "eco": case.eco,
        "attempt": case.attempt.to_string(),
        "metrics": case.measurement.overall,
        "scenes": case.measurement.scenes,
        "edits": case.measurement.edits,
        "design": case.measurement.design,
    });
    format!("{value:#}\n")
}

/// Lays a measured case out in the run folder, for people: its numbers, and its netlist where others start from it.
/// That of any other lies with its attempt alone. It follows from what is durable, and is laid out again at the end of
/// every controller, so that it need not be durable itself before [`noodle2_store::sync_all`].
pub(crate) fn lay_out_case(
    folder: &RunFolder,
    controller: &Controller,
    case: &Case,
) -> Result<(), StoreError> {
    let study = controller.program().study();
    let kept = folder.case(&case.name);
    make_folder(&kept)?;
    let attempt = folder.attempt(&study.design.case_name, case.attempt);
    for (name, _) in case.measurement.design.files() {
        let (file, place) = (attempt.join(name), kept.join(name));
        if controller.is_kept(&case.name) && file.exists() && !place.exists() {
            // A copy of its own: whoever edits it must not change what children start from.
            copy_file(&file, &place)?;
        }
    }
    let path = case_file(folder, case);
    let text = case_text(case, study.result_label());
    match fs::read(&path).is_ok_and(|known| known == text.as_bytes()) {
        true => Ok(()),
        false => write_whole(&path, text),
    }
}

/// Holds everything that follows from the journal against what stands in the run folder.
pub(crate) fn check_what_follows(
    folder: &RunFolder,
    records: &[Record],
    controller: &Controller,
) -> Result<Vec<StorageProblem>, CommandFailure> {
    let mut files = document_files(folder, records, controller)?;
    // Cases are laid out before the end of a run is recorded; a killed controller may have left one behind.
    let required = controller.recorded_digest().is_some();
    let label = controller.program().study().result_label();
    let kept = controller.cases().values();
    let kept = kept.map(|case| (Cow::Borrowed(case), required));
    // One that was discarded was perhaps laid out before.
    let discarded = controller.discarded_cases();
    let discarded = discarded.map(|case| (Cow::Owned(case), false));
    for (case, required) in kept.chain(discarded) {
        let kept = folder.case(&case.name);
        let is_kept = controller.is_kept(&case.name);
        let design = case.measurement.design.files();
        let design = design.map(|(name, content)| (kept.join(name), content, required && is_kept));
        let numbers = ContentHash::of(case_text(&case, label));
        let numbers = (case_file(folder, &case), numbers, required);
        for (path, content, required) in design.chain([numbers]) {
            files.push(DerivedFile {
                path,
                contents: vec![content],
                required,
            });
        }
    }
    let mut problems = check_derived(folder, &files);
    let begun_by = &controller.program().identity().noodle2_version;
    if begun_by != env!("CARGO_PKG_VERSION") {
        for problem in &mut problems {
            problem.message += &format!(
                " (version {begun_by} began the run; another may tell the same in other words)"
            );
        }
    }
    problems.extend(shared_inputs(folder));
    let told = Told::read(folder).and_then(|told| {
        let has_it = records.iter().any(|record| told.is_of(record.at));
        told.missing(records.len() as u64, has_it, controller)
    });
    if let Some(message) = told {
        problems.push(StorageProblem {
            path: relative(folder, &folder.summary()),
            code: RECORDS_MISSING,
            message,
        });
    }
    Ok(problems)
}

/// The documents in every state in which they may have been written: at the end of the run or, where it has
/// not ended, whenever a controller stopped with grace.
fn document_files(
    folder: &RunFolder,
    records: &[Record],
    controller: &Controller,
) -> Result<Vec<DerivedFile>, CommandFailure> {
    let events = events_of(records);
    let required = controller.recorded_digest().is_some();
    let mut states = vec![events.len()];
    if !required {
        let resumed = |(position, (_, event)): (usize, &(_, Event))| {
            matches!(event, Event::RunResumed).then_some(position)
        };
        states.extend(events.iter().enumerate().filter_map(resumed));
    }
    let mut files: Vec<DerivedFile> = Vec::new();
    for state in states {
        let Ok(history) = History::new(&events[..state]) else {
            continue;
        };
        for (position, (path, text)) in documents(folder, &history)?.into_iter().enumerate() {
            let content = ContentHash::of(text);
            match files.get_mut(position) {
                Some(file) => file.contents.push(content),
                None => files.push(DerivedFile {
                    path,
                    contents: vec![content],
                    required,
                }),
            }
        }
    }
    Ok(files)
}

/// Shared inputs are named by their content; the scripts of attempts, which are sealed, hold these names.
fn shared_inputs(folder: &RunFolder) -> Vec<StorageProblem> {
    let entries = fs::read_dir(folder.inputs()).into_iter().flatten();
    let mut problems: Vec<StorageProblem> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.file_name() != Some("artifacts.json".as_ref()))
        .filter(|path| {
            let stem = path.file_stem().unwrap_or_default().to_string_lossy();
            let content = fs::read(path).map(ContentHash::of);
            !content.is_ok_and(|content| stem.ends_with(&content.short()))
        })
        .map(|path| StorageProblem {
            path: relative(folder, &path),
            code: SHARED_INPUT_CHANGED,
            message: "its content is not the one that its name tells".to_owned(),
        })
        .collect();
    problems.sort();
    problems
}

/// What the summary tells of the end of the journal.
#[derive(Deserialize)]
pub(crate) struct Told {
    digest: Option<ContentHash>,
    ended_at: Option<Timestamp>,
}

impl Told {
    /// What the summary of a run tells, where there is one that can be read.
    pub fn read(folder: &RunFolder) -> Option<Self> {
        let text = fs::read(folder.summary()).ok()?;
        serde_json::from_slice(&text).ok()
    }

    /// Whether a record of this time is the one that the summary knew as the last.
    pub fn is_of(&self, at: Timestamp) -> bool {
        self.ended_at == Some(at)
    }

    /// What it tells of records that the journal, with this many, does not hold; `has_it` says whether one of them is
    /// the one that the summary knew as the last.
    pub fn missing(&self, count: u64, has_it: bool, controller: &Controller) -> Option<String> {
        match (self.digest, self.ended_at) {
            (Some(digest), _) if controller.recorded_digest() != Some(digest) => Some(format!(
                "it tells of the end of the run with the digest {digest}, of which the {count} records of the \
                 journal know nothing"
            )),
            (_, Some(at)) if !has_it => Some(format!(
                "it tells of a record of {at}, which is not among the {count} records of the journal"
            )),
            _ => None,
        }
    }
}

/// Refuses a journal from whose end whole records were lost. It is whole in itself, but what stands beside
/// it knows more: to go on would be to do again, and to overwrite, what had been done. `told` is what the summary tells of
/// records that are missing.
pub(crate) fn refuse_missing_records(
    folder: &RunFolder,
    told: Option<String>,
    controller: &Controller,
) -> Result<(), CommandFailure> {
    let mut signs: Vec<String> = told
        .map(|told| format!("summary.json: {told}"))
        .into_iter()
        .collect();
    let discarded = controller.discarded_cases().map(|case| case.name);
    let cases = controller.cases().keys().cloned().chain(discarded);
    let design = &controller.program().study().design.case_name;
    let left = unrecorded(folder, design, controller.attempts(), cases)?;
    if let Some(first) = left.first() {
        signs.push(format!(
            "{} folders of attempts and cases that no record tells of, `{}` the first",
            left.len(),
            first.display()
        ));
    }
    if signs.is_empty() {
        return Ok(());
    }
    Err(CommandFailure::new(
        Exit::Stopped,
        RECORDS_MISSING,
        format!(
            "the run cannot go on: records are missing from the end of its journal: {}",
            signs.join("; ")
        ),
        "restore the journal from a copy; or, to go on from the records that are left, move summary.json and \
         what else `noodle2 verify` finds without a record out of the run folder"
            .to_owned(),
    ))
}

fn relative(folder: &RunFolder, path: &Path) -> PathBuf {
    path.strip_prefix(folder.root()).unwrap_or(path).to_owned()
}

/// Where two JSON values differ, as `path: this, was that`.
pub(crate) fn differences(was: &serde_json::Value, is: &serde_json::Value) -> Vec<String> {
    let (mut before, mut after) = (Vec::new(), Vec::new());
    leaves(was, String::new(), &mut before);
    leaves(is, String::new(), &mut after);
    let value = |leaves: &[(String, String)], path: &str| {
        let found = leaves.iter().find(|(known, _)| known == path);
        found.map_or_else(|| "absent".to_owned(), |(_, value)| value.clone())
    };
    let paths: BTreeSet<&String> = before.iter().chain(&after).map(|(path, _)| path).collect();
    paths
        .into_iter()
        .map(|path| (path, value(&before, path), value(&after, path)))
        .filter(|(_, was, is)| was != is)
        .map(|(path, was, is)| format!("`{path}` is {is}, was {was}"))
        .collect()
}

fn leaves(value: &serde_json::Value, path: String, found: &mut Vec<(String, String)>) {
    match value {
        serde_json::Value::Object(fields) => {
            for (name, value) in fields {
                let dot = if path.is_empty() { "" } else { "." };
                leaves(value, format!("{path}{dot}{name}"), found);
            }
        }
        serde_json::Value::Array(values) => {
            for (position, value) in values.iter().enumerate() {
                leaves(value, format!("{path}[{position}]"), found);
            }
        }
        leaf => found.push((path, leaf.to_string())),
    }
}
