//! The engine of a run, whichever it is: what the rest of this crate asks of it.

use std::path::{Path, PathBuf};

use noodle2_model::{
    CommandLimits, CommandReport, CommandSpec, EcoManifest, EngineKind, EngineSpec, ToolIdentity,
};

use crate::openroad::OpenRoad;
use crate::opensta::OpenSta;

/// An engine that was found and asked.
#[derive(Clone, PartialEq, Debug)]
pub enum Engine {
    /// It times netlists.
    OpenSta(OpenSta),
    /// It times, places and routes placed designs.
    OpenRoad(Box<OpenRoad>),
}

impl Engine {
    /// Asks the engine that a study names: its executable at `path`, or the one on the PATH. `folder` must be empty.
    ///
    /// # Errors
    /// When there is no such executable or it does not answer as it should.
    pub fn probe(
        spec: &EngineSpec,
        path: Option<&Path>,
        folder: &Path,
        run: &mut dyn FnMut(&CommandSpec) -> CommandReport,
    ) -> Result<Self, ProbeError> {
        match spec.kind {
            EngineKind::Opensta => OpenSta::probe(path, folder, run).map(Self::OpenSta),
            EngineKind::Openroad => {
                let found = OpenRoad::probe(path, spec.container.as_ref(), folder, run)?;
                Ok(Self::OpenRoad(Box::new(found)))
            }
        }
    }

    /// Which engine it is.
    pub fn kind(&self) -> EngineKind {
        match self {
            Self::OpenSta(_) => EngineKind::Opensta,
            Self::OpenRoad(_) => EngineKind::Openroad,
        }
    }

    /// What an ECO needs and this engine does not have, each with a version that does; empty where it can be run.
    pub fn lacks(&self, eco: &EcoManifest) -> Vec<String> {
        let Some(engine) = self.openroad() else {
            return Vec::new();
        };
        let needs = eco.needs.iter();
        let lacking = needs.filter_map(|need| {
            let lacks = engine.abilities.lacks(&need.command, &need.options)?;
            let known = &need.known_in;
            Some(format!("{lacks} (version {known} has it)"))
        });
        lacking.collect()
    }

    /// What people call it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::OpenSta(_) => "OpenSTA",
            Self::OpenRoad(_) => "OpenROAD",
        }
    }

    /// What the logs of its processes are called.
    pub(crate) fn log_stem(&self) -> &'static str {
        match self {
            Self::OpenSta(_) => "sta",
            Self::OpenRoad(_) => "openroad",
        }
    }

    /// What it says of its version.
    pub fn version(&self) -> &str {
        match self {
            Self::OpenSta(engine) => &engine.version,
            Self::OpenRoad(engine) => &engine.version,
        }
    }

    /// The engine by its content, as runs record it.
    pub fn identity(&self) -> ToolIdentity {
        match self {
            Self::OpenSta(engine) => engine.identity(),
            Self::OpenRoad(engine) => engine.identity(),
        }
    }

    /// The one that places and routes, if it is one.
    pub fn openroad(&self) -> Option<&OpenRoad> {
        match self {
            Self::OpenSta(_) => None,
            Self::OpenRoad(engine) => Some(engine),
        }
    }

    /// Whether one process holds several corners.
    pub(crate) fn defines_corners(&self) -> bool {
        match self {
            Self::OpenSta(engine) => engine.abilities.define_corners,
            Self::OpenRoad(engine) => engine.abilities.has_command("define_corners"),
        }
    }

    /// Whether power and slew limits of every corner come from its own libraries.
    pub(crate) fn has_whole_corners(&self) -> bool {
        match self {
            Self::OpenSta(engine) => engine.abilities.whole_corners,
            Self::OpenRoad(_) => true,
        }
    }

    /// Whether it can be forked once it is loaded.
    pub(crate) fn forks(&self) -> bool {
        match self {
            Self::OpenSta(engine) => engine.abilities.forks,
            Self::OpenRoad(engine) => engine.abilities.forks,
        }
    }

    /// The command that runs `script` in `folder`, which it may read and write; of anything else it may read `files`.
    pub(crate) fn command<'f>(
        &self,
        folder: &Path,
        script: &str,
        log: &str,
        limits: CommandLimits,
        files: impl IntoIterator<Item = &'f Path>,
    ) -> CommandSpec {
        match self {
            Self::OpenSta(engine) => {
                crate::opensta::command(&engine.path, folder, script, log, limits)
            }
            Self::OpenRoad(engine) => engine.command(folder, script, log, limits, files),
        }
    }
}

impl From<OpenSta> for Engine {
    fn from(engine: OpenSta) -> Self {
        Self::OpenSta(engine)
    }
}

/// An engine that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// There is none.
    #[error(
        "cannot find `{name}`: install OpenSTA (on Debian: `apt-get install opensta`), or name the executable in the study's `engine.path`"
    )]
    NotFound {
        /// What was looked for.
        name: String,
    },
    /// A file cannot be read or written.
    #[error("cannot {action} `{}`: {source}", path.display())]
    Io {
        /// What was tried, as in `read`.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why it failed.
        source: std::io::Error,
    },
    /// There is no OpenROAD, or nothing that runs the container that it lies in.
    #[error(
        "cannot find `{name}`: install OpenROAD, or name the executable in the study's `engine.path`, or the image that holds it in `engine.container`"
    )]
    NoOpenRoad {
        /// What was looked for.
        name: String,
    },
    /// It did not answer as OpenROAD does.
    #[error("`{}` does not answer as OpenROAD does: {problem}", path.display())]
    NotOpenRoad {
        /// The executable, or the image.
        path: PathBuf,
        /// How it ended and what it printed, or what it lacks.
        problem: String,
    },
    /// It did not answer as OpenSTA does.
    #[error("`{}` does not answer as OpenSTA does: {problem}", path.display())]
    NoAnswer {
        /// The executable.
        path: PathBuf,
        /// How it ended, and what it printed.
        problem: String,
    },
}

impl ProbeError {
    /// The stable code of this kind of error.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotFound { .. } => "N2-ENGINE-001",
            Self::Io { .. } => "N2-ENGINE-002",
            Self::NoAnswer { .. } => "N2-ENGINE-003",
            Self::NoOpenRoad { .. } => "N2-ENGINE-015",
            Self::NotOpenRoad { .. } => "N2-ENGINE-016",
        }
    }
}

/// The executable of this name: a path as it stands, else the first of that name on the PATH.
pub fn find_program(name: &str) -> Option<PathBuf> {
    if name.contains('/') {
        return std::path::absolute(name).ok().filter(|path| path.is_file());
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
}
