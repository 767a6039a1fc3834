//! Finds `sta` and asks it what it is and what it can do.

use std::path::{Path, PathBuf};
use std::time::Duration;

use noodle2_model::{
    CommandEnding, CommandLimits, CommandReport, CommandSpec, ContentHash, EngineKind, ToolIdentity,
};

use super::command;
use crate::engine::{ProbeError, find_program};
use crate::trial::LogRemarks;

/// An `sta` that was asked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OpenSta {
    /// Where it lies.
    pub path: PathBuf,
    /// What it says of its version.
    pub version: String,
    /// The hash of the executable.
    pub content: ContentHash,
    /// What it can do.
    pub abilities: Abilities,
}

/// What an `sta` can do, as asked, not as guessed from its version.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Abilities {
    /// Several corners in one process.
    pub define_corners: bool,
    /// Power and slew limits of every corner from its own libraries. Debian's version takes them from those
    /// that were read first, whatever the corner.
    pub whole_corners: bool,
    /// Reports of paths in JSON.
    pub report_checks_json: bool,
    /// Tclx can be loaded, which brings `fork`.
    pub tclx: bool,
    /// A fork of it searches paths as it does itself.
    pub forks: bool,
}

const PROBE: &str = include_str!("../../tcl/probe.tcl");

const LIMITS: CommandLimits = CommandLimits {
    wall: Duration::from_secs(60),
    cpu: Duration::from_secs(60),
    memory_bytes: 2 << 30,
    output_bytes: 1 << 20,
};

impl OpenSta {
    /// Asks the executable at `path`, or the `sta` on the PATH. `folder` must be empty: Tclx, when it is
    /// loaded, looks for files in the folder where it runs.
    ///
    /// # Errors
    /// When there is no such executable or it does not answer as OpenSTA does.
    pub fn probe(
        path: Option<&Path>,
        folder: &Path,
        run: &mut dyn FnMut(&CommandSpec) -> CommandReport,
    ) -> Result<Self, ProbeError> {
        let not_found = |name: String| ProbeError::NotFound { name };
        let path = match path {
            Some(path) => find_program(&path.to_string_lossy())
                .ok_or_else(|| not_found(path.display().to_string()))?,
            None => find_program("sta").ok_or_else(|| not_found("sta".to_owned()))?,
        };
        let io = |action, path: &Path| {
            let path = path.to_owned();
            move |source| ProbeError::Io {
                action,
                path,
                source,
            }
        };
        let bytes = std::fs::read(&path).map_err(io("read", &path))?;
        let script = folder.join("probe.tcl");
        std::fs::write(&script, PROBE).map_err(io("write", &script))?;
        let spec = command(&path, folder, "probe.tcl", "probe.log", LIMITS);
        let report = run(&spec);
        let answer = std::fs::read_to_string(folder.join("probe.tsv")).unwrap_or_default();
        let fields: Option<Vec<&str>> = answer
            .strip_suffix("\tend\n")
            .map(|answer| answer.split('\t').collect());
        let Some(
            [
                version,
                define_corners,
                whole_corners,
                report_checks_json,
                tclx,
                forks,
            ],
        ) = fields.as_deref()
        else {
            let log = std::fs::read_to_string(&spec.log).unwrap_or_default();
            let ending = match report.ending {
                CommandEnding::Exited(status) => format!("it exited with {status}"),
                CommandEnding::Signalled(signal) => format!("it was ended by signal {signal}"),
                CommandEnding::NotStarted(why) => format!("it could not be started: {why}"),
            };
            return Err(ProbeError::NoAnswer {
                path,
                problem: [ending, LogRemarks::excerpt(&log)]
                    .join("\n")
                    .trim()
                    .to_owned(),
            });
        };
        Ok(Self {
            path,
            version: (*version).to_owned(),
            content: ContentHash::of(&bytes),
            abilities: Abilities {
                define_corners: *define_corners == "1",
                whole_corners: *whole_corners == "1",
                report_checks_json: *report_checks_json == "1",
                tclx: *tclx == "1",
                forks: *forks == "1",
            },
        })
    }

    /// The engine by its content, as runs record it.
    pub fn identity(&self) -> ToolIdentity {
        ToolIdentity {
            name: "opensta".to_owned(),
            path: self.path.clone(),
            version: self.version.clone(),
            content: self.content,
            engine: Some(EngineKind::Opensta),
        }
    }
}
