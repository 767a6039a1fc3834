//! `noodle2 debug`: what is known of a case, as one archive for a bug report.
//!
//! Never holds what is secret: values of environment variables, and what leads to receivers of notifications, are left out. Holds the design
//! only where that is asked for. The same run gives the same bytes on the same machine.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use flate2::{Compression, GzBuilder};
use noodle2_control::Controller;
use noodle2_model::{AttemptId, CaseName, DesignState, TrialId};
use noodle2_store::{RunFolder, write_atomic};
use noodle2_view::{bytes_text, count_text};
use serde_json::Value;

use crate::cli::DebugOption;
use crate::commands::doctor::findings_of;
use crate::commands::inspect::look_at;
use crate::commands::replay::trial_named;
use crate::exit::{CommandFailure, Exit};
use crate::print;

/// The most bytes of one file.
const MOST_OF_FILE: u64 = 8 << 20;
/// The most bytes of all files.
const MOST_OF_ALL: u64 = 128 << 20;

/// Endings of files that hold a design or what it is made with.
const DESIGN_ENDINGS: [&str; 9] = ["v", "odb", "def", "lib", "gz", "sdc", "spef", "lef", "vg"];

/// What stands in the place of what is left out.
const LEFT_OUT: &str = "[left out]";

/// An archive as it grows: files by name, and what is not among them, with the reason.
struct Bundle {
    files: BTreeMap<String, Vec<u8>>,
    left_out: Vec<String>,
    bytes: u64,
    with_design: bool,
    /// Texts that no file may hold.
    secrets: Vec<String>,
}

/// `noodle2 debug`.
pub(crate) fn debug(option: &DebugOption) -> Result<Exit, CommandFailure> {
    let (folder, history) = look_at(&option.run)?;
    let controller = history.controller();
    let trial = trial_named(&option.run, controller, &option.case)?;
    let study = controller.program().study();
    let case = trial.case(&study.design.case_name);
    let lineage = lineage(controller, trial);
    let mut bundle = Bundle {
        files: BTreeMap::new(),
        left_out: Vec::new(),
        bytes: 0,
        with_design: option.with_design,
        secrets: (study.notify.iter())
            .flat_map(|receiver| {
                let arguments = receiver.command.iter().flatten().skip(1);
                let texts = receiver.webhook.iter().chain(receiver.headers.values());
                texts.chain(arguments).filter(|text| !text.is_empty())
            })
            .cloned()
            .collect(),
    };
    let json = |value: &Value| format!("{value:#}\n").into_bytes();
    bundle.add("environment.json", json(&findings_of(&option.python)));
    bundle.add("lineage.json", json(&lineage_json(controller, &lineage)));
    bundle.add_file("study.yaml", &folder.study());
    bundle.add("journal.ndjson", records_of(&folder, &lineage)?);
    bundle.add_folder("inputs", &folder.inputs());
    for attempt in attempts(controller, &lineage, trial) {
        let name = attempt.trial.case(&study.design.case_name);
        let within = folder.attempt(&study.design.case_name, attempt);
        bundle.add_folder(&format!("trials/{name}/{}", attempt.number), &within);
    }
    if option.with_design {
        for (position, input) in controller.program().identity().inputs.iter().enumerate() {
            let file = input.path.file_name().unwrap_or_default().to_string_lossy();
            if input.path.is_file() {
                bundle.add_file(&format!("design/{}-{file}", position + 1), &input.path);
            }
        }
    }
    let digest = controller.recorded_digest();
    let digest = digest.map_or("none, it has not ended".to_owned(), |found| {
        found.to_string()
    });
    let about = format!(
        "# {case} of study {}\n\nMade by `noodle2 debug`, version {}. Digest of the run: {digest}.\n",
        study.name,
        env!("CARGO_PKG_VERSION")
    );
    let readme = bundle.readme(&about);
    bundle
        .files
        .insert("README.md".to_owned(), readme.into_bytes());
    let archive = bundle.archive(&case).map_err(CommandFailure::internal)?;
    write_atomic(&option.out, &archive)?;
    print::talk(&format!(
        "{}: {}, {}{}",
        option.out.display(),
        count_text(bundle.files.len(), "file"),
        bytes_text(archive.len() as u64),
        match bundle.left_out.len() {
            0 => String::new(),
            count => format!(
                "; left out: {}, listed in its README.md",
                count_text(count, "file")
            ),
        }
    ));
    Ok(Exit::Done)
}

/// A trial with all those that its case descends from.
fn lineage(controller: &Controller, trial: TrialId) -> BTreeSet<TrialId> {
    let mut found = BTreeSet::new();
    let mut open = vec![trial];
    while let Some(trial) = open.pop() {
        if !found.insert(trial) {
            continue;
        }
        let design = &controller.program().study().design.case_name;
        let case = controller.cases().get(&trial.case(design));
        open.extend(
            case.into_iter()
                .flat_map(|case| &case.parents)
                .map(CaseName::trial),
        );
        open.extend(controller.trial(trial).map(|trial| trial.parent.trial()));
    }
    found
}

/// Every attempt of the trial itself, and those that measured the cases before it.
fn attempts(
    controller: &Controller,
    lineage: &BTreeSet<TrialId>,
    trial: TrialId,
) -> BTreeSet<AttemptId> {
    let own = controller
        .attempts()
        .filter(|attempt| attempt.trial == trial);
    let design = &controller.program().study().design.case_name;
    let cases = lineage
        .iter()
        .filter_map(|trial| controller.cases().get(&trial.case(design)));
    own.chain(cases.map(|case| case.attempt)).collect()
}

fn lineage_json(controller: &Controller, lineage: &BTreeSet<TrialId>) -> Value {
    let design = &controller.program().study().design.case_name;
    let cases = lineage.iter().map(|trial| {
        let case = controller.cases().get(&trial.case(design));
        let tried = controller.trial(*trial);
        serde_json::json!({
            "case": trial.case(design),
            "parents": case.map(|case| case.parents.clone()),
            "eco": tried.map(|trial| &trial.eco),
            "metrics": case.map(|case| &case.measurement.overall),
            "failure": tried.and_then(|trial| trial.failure()),
            "refused": tried.and_then(|trial| trial.refused.as_ref()),
        })
    });
    Value::Array(cases.collect())
}

/// The records of the journal that tell of trials, beside those of the run and its stages, as they stand there.
fn records_of(folder: &RunFolder, trials: &BTreeSet<TrialId>) -> Result<Vec<u8>, CommandFailure> {
    let path = folder.journal();
    let text = fs::read_to_string(&path).map_err(CommandFailure::internal)?;
    let of_run = ["run_", "stage_", "stop_", "noise_", "study_"];
    let mut kept = String::new();
    for line in text.lines() {
        let Ok(record) = serde_json::from_str::<Value>(line) else {
            continue;
        };
        let event = &record["event"];
        let trial = event["attempt"]["trial"]
            .as_str()
            .or(event["trial"].as_str());
        let is_told = match trial.and_then(|trial| trial.parse::<TrialId>().ok()) {
            Some(trial) => trials.contains(&trial),
            None => event["type"]
                .as_str()
                .is_some_and(|kind| of_run.iter().any(|start| kind.starts_with(start))),
        };
        if is_told {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    Ok(kept.into_bytes())
}

impl Bundle {
    fn add(&mut self, name: &str, bytes: Vec<u8>) {
        let bytes = self.without_secrets(name, bytes);
        let size = bytes.len() as u64;
        if self.bytes + size > MOST_OF_ALL {
            let most = bytes_text(MOST_OF_ALL);
            self.left_out.push(format!(
                "{name}: {}, beyond {most} in all",
                bytes_text(size)
            ));
            return;
        }
        self.bytes += size;
        self.files.insert(name.to_owned(), bytes);
    }

    fn add_file(&mut self, name: &str, path: &Path) {
        let size = fs::metadata(path).map_or(0, |found| found.len());
        if size > MOST_OF_FILE {
            let most = bytes_text(MOST_OF_FILE);
            self.left_out
                .push(format!("{name}: {}, more than {most}", bytes_text(size)));
            return;
        }
        match fs::read(path) {
            Ok(bytes) => self.add(name, bytes),
            Err(error) => self.left_out.push(format!("{name}: {error}")),
        }
    }

    /// Adds the files below a folder, never through a link.
    fn add_folder(&mut self, name: &str, folder: &Path) {
        let Ok(entries) = fs::read_dir(folder) else {
            self.left_out.push(format!("{name}: it is not there"));
            return;
        };
        let mut entries: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        entries.sort();
        for path in entries {
            let file = path.file_name().unwrap_or_default().to_string_lossy();
            let name = format!("{name}/{file}");
            match fs::symlink_metadata(&path) {
                Ok(found) if found.is_dir() => self.add_folder(&name, &path),
                Ok(found) if !found.is_file() => {}
                _ if is_design(&path) && !self.with_design => {
                    self.left_out
                        .push(format!("{name}: design data, comes with `--with-design`"));
                }
                _ => self.add_file(&name, &path),
            }
        }
    }

    /// Leaves out what leads to receivers of notifications, and in provenance the values of environment variables.
    fn without_secrets(&self, name: &str, bytes: Vec<u8>) -> Vec<u8> {
        let bytes = match name.ends_with("/provenance.json") {
            true => without_environment(&bytes),
            false => bytes,
        };
        match String::from_utf8(bytes) {
            Err(error) => error.into_bytes(),
            Ok(mut text) => {
                for secret in &self.secrets {
                    text = text.replace(secret.as_str(), LEFT_OUT);
                }
                text.into_bytes()
            }
        }
    }

    fn readme(&self, about: &str) -> String {
        let design = match self.with_design {
            true => "**The design is in it**: netlists, placements, constraints, libraries.",
            false => {
                "Netlists, placements, constraints and libraries are not in it. Names of instances, nets and cells are: in \
                      ledgers, logs, results and the journal."
            }
        };
        let mut text = format!(
            "{about}\n## What is in it\n\n{design}\nNames of users and machines, and paths, are as they were recorded. Values of \
             environment variables, and addresses, headers and arguments of receivers of notifications, are not in it.\n\n\
             | file | what |\n| --- | --- |\n\
             | `environment.json` | what `noodle2 doctor` says of the machine where this was made |\n\
             | `study.yaml` | the study as it was when the run began |\n\
             | `lineage.json` | the case with all those that it descends from |\n\
             | `journal.ndjson` | the records of these, of the run and of its stages |\n\
             | `inputs/` | what the scripts of all attempts share |\n\
             | `trials/<case>/<attempt>/` | script, logs, metrics, provenance of every attempt of the case, and of what measured those before it |\n\n"
        );
        for (name, bytes) in &self.files {
            text += &format!("- `{name}`: {}\n", bytes_text(bytes.len() as u64));
        }
        if !self.left_out.is_empty() {
            text += "\n## Left out\n\n";
            for what in &self.left_out {
                text += &format!("- {what}\n");
            }
        }
        text
    }

    /// The files as a compressed archive, in the order of their names and without any time.
    fn archive(&self, case: &CaseName) -> std::io::Result<Vec<u8>> {
        let compressed = GzBuilder::new()
            .mtime(0)
            .write(Vec::new(), Compression::best());
        let mut archive = tar::Builder::new(compressed);
        for (name, bytes) in &self.files {
            let mut header = tar::Header::new_gnu();
            header.set_size(bytes.len() as u64);
            header.set_mode(0o644);
            header.set_mtime(0);
            archive.append_data(&mut header, format!("{case}/{name}"), bytes.as_slice())?;
        }
        archive.into_inner()?.finish()
    }
}

fn is_design(path: &Path) -> bool {
    let ending = path
        .extension()
        .unwrap_or_default()
        .to_string_lossy()
        .to_lowercase();
    let name = path.file_name().unwrap_or_default();
    DESIGN_ENDINGS.contains(&ending.as_str())
        || [
            DesignState::NETLIST,
            DesignState::DATABASE,
            DesignState::DEF,
        ]
        .iter()
        .any(|known| name == *known)
}

/// A provenance without the values of environment variables; nothing of one that cannot be read.
fn without_environment(bytes: &[u8]) -> Vec<u8> {
    let Ok(mut value) = serde_json::from_slice::<Value>(bytes) else {
        return LEFT_OUT.as_bytes().to_vec();
    };
    let commands = value["commands"].as_array_mut();
    for command in commands.into_iter().flatten() {
        let variables = command["environment"].as_object_mut();
        for (_, variable) in variables.into_iter().flatten() {
            *variable = Value::String(LEFT_OUT.to_owned());
        }
    }
    format!("{value:#}\n").into_bytes()
}
