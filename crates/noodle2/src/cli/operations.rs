//! `noodle2 completions` and `noodle2 man`, what monitoring systems ask for, and what the words of a command line may go on
//! with.
//!
//! Completion looks at the run folder that the line names, and changes nothing. Where there is none, or it cannot be read,
//! there is nothing to offer: a completion never fails.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use clap_complete::engine::CompletionCandidate;
use noodle2_model::CaseName;
use noodle2_store::RunFolder;

use crate::commands::history_of;

/// The variable by which a shell's script asks for completions.
pub(crate) const COMPLETE: &str = "NOODLE2_COMPLETE";

/// A shell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Shell {
    /// Bourne Again Shell.
    Bash,
    /// Z shell.
    Zsh,
    /// Friendly interactive shell.
    Fish,
    /// Elvish.
    Elvish,
    /// PowerShell.
    Powershell,
}

impl Shell {
    /// The name by which the library of completions knows it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bash => "bash",
            Self::Zsh => "zsh",
            Self::Fish => "fish",
            Self::Elvish => "elvish",
            Self::Powershell => "powershell",
        }
    }
}

/// How `noodle2 status` prints.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum StatusFormat {
    /// For people.
    #[default]
    Text,
    /// For scripts.
    Json,
    /// For what reads OpenMetrics.
    #[value(name = "openmetrics")]
    OpenMetrics,
    /// For the textfile collector of Prometheus' node exporter.
    Prometheus,
}

#[derive(Debug, Args)]
pub(crate) struct TracesOption {
    /// Send the trace of the run to this collector of OpenTelemetry as it goes on, as in `http://localhost:4318`; `env` for the
    /// one that OTEL_EXPORTER_OTLP_ENDPOINT names.
    #[arg(long, value_name = "ADDRESS|env")]
    pub traces: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct SendTracesOption {
    /// The run folder.
    pub run: PathBuf,
    /// The collector, as in `http://localhost:4318`; `env` for the one that OTEL_EXPORTER_OTLP_ENDPOINT names.
    #[arg(long, value_name = "ADDRESS|env")]
    pub to: String,
}

#[derive(Debug, Args)]
pub(crate) struct ManOption {
    /// The folder for the pages; made when missing. Pages of the same names are replaced.
    #[arg(long, value_name = "FOLDER")]
    pub out: PathBuf,
}

/// The cases of the run that the line names before.
pub(crate) fn cases(current: &OsStr) -> Vec<CompletionCandidate> {
    let folders = named_run().and_then(|run| std::fs::read_dir(run.cases()).ok());
    let names = folders.into_iter().flatten().filter_map(|entry| {
        let name = entry.ok()?.file_name().into_string().ok()?;
        name.parse::<CaseName>().ok().map(|case| case.to_string())
    });
    candidates(names, current)
}

/// The stages of that run.
pub(crate) fn stages(current: &OsStr) -> Vec<CompletionCandidate> {
    let history = named_run().and_then(|run| history_of(&run).ok());
    let names = history.iter().flat_map(|history| {
        let stages = history.controller().program().study().stages.iter();
        stages.map(|stage| stage.name.clone())
    });
    candidates(names, current)
}

/// The stages of that run that wait for people.
pub(crate) fn gates(current: &OsStr) -> Vec<CompletionCandidate> {
    let history = named_run().and_then(|run| history_of(&run).ok());
    let names = history.iter().flat_map(|history| {
        let controller = history.controller();
        let open = controller.open_approvals();
        open.map(|stage| controller.program().stage(stage).name.clone())
    });
    candidates(names, current)
}

/// The stages of that run, then its cases.
pub(crate) fn items(current: &OsStr) -> Vec<CompletionCandidate> {
    let mut items = stages(current);
    items.extend(cases(current));
    items
}

/// The first word of the line that is a run folder.
fn named_run() -> Option<RunFolder> {
    let words = std::env::args_os().skip(1);
    let mut folders = words.filter_map(|word| RunFolder::open(Path::new(&word)).ok());
    folders.next()
}

fn candidates(names: impl Iterator<Item = String>, current: &OsStr) -> Vec<CompletionCandidate> {
    let begun = current.to_string_lossy();
    let mut names: Vec<String> = names.filter(|name| name.starts_with(&*begun)).collect();
    names.sort();
    names.into_iter().map(CompletionCandidate::new).collect()
}
