//! Finds `openroad` and asks it what it is and what it can do.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use noodle2_model::{
    CommandEnding, CommandLimits, CommandReport, CommandSpec, Container, ContentHash, EngineKind,
    ToolIdentity,
};
use serde::{Deserialize, Serialize};

use super::launch::{Launcher, TOOL_METRICS};
use crate::engine::{ProbeError, find_program};
use crate::trial::LogRemarks;

/// An `openroad` that was asked.
#[derive(Clone, PartialEq, Debug)]
pub struct OpenRoad {
    /// How it is started.
    pub launcher: Launcher,
    /// What it says of its version.
    pub version: String,
    /// The hash of the executable, or of the name of the image that it lies in, which holds its digest.
    pub content: ContentHash,
    /// What it can do.
    pub abilities: OpenRoadAbilities,
}

/// What an `openroad` can do, as asked, not as guessed from its version.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct OpenRoadAbilities {
    /// Its commands, each with the options that it takes.
    pub commands: BTreeMap<String, BTreeSet<String>>,
    /// Tclx can be loaded, which brings `fork`.
    pub tclx: bool,
    /// It has one thread, and a fork of it goes on.
    pub forks: bool,
}

impl OpenRoadAbilities {
    /// Whether there is a command of this name.
    pub fn has_command(&self, name: &str) -> bool {
        self.commands.contains_key(name)
    }

    /// Whether a command takes an option.
    pub fn has_option(&self, command: &str, option: &str) -> bool {
        let options = self.commands.get(command);
        options.is_some_and(|options| options.contains(option))
    }

    /// What of a command and its options is not there, in words; `None` where all of it is.
    pub fn lacks(&self, command: &str, options: &[String]) -> Option<String> {
        let Some(known) = self.commands.get(command) else {
            return Some(format!("no command `{command}`"));
        };
        let missing: Vec<String> = options
            .iter()
            .filter(|option| !known.contains(*option))
            .map(|option| format!("`{option}`"))
            .collect();
        (!missing.is_empty()).then(|| format!("`{command}` without {}", missing.join(", ")))
    }

    /// Whether heat maps can be asked for. Whether one is given is seen when it is.
    pub fn dumps_heatmaps(&self) -> bool {
        self.has_command("gui::dump_heatmap") && self.has_command("gui::show")
    }

    fn read(answer: &str) -> Option<Self> {
        let mut abilities = Self::default();
        let mut lines = answer.lines();
        loop {
            let fields: Vec<&str> = lines.next()?.split('\t').collect();
            match fields.as_slice() {
                ["command", name, options @ ..] => {
                    let options = options.iter().map(|option| (*option).to_owned());
                    let known = abilities.commands.entry((*name).to_owned());
                    known.or_default().extend(options);
                }
                ["ability", "tclx", value] => abilities.tclx = *value == "1",
                ["ability", "forks", value] => abilities.forks = *value == "1",
                ["end"] => return lines.next().is_none().then_some(abilities),
                _ => return None,
            }
        }
    }
}

const PROBE: &str = include_str!("../../tcl/openroad/probe.tcl");

const LIMITS: CommandLimits = CommandLimits {
    wall: Duration::from_secs(60),
    cpu: Duration::from_secs(60),
    memory_bytes: 4 << 30,
    output_bytes: 1 << 20,
};

/// The commands without which nothing can be measured.
const NEEDED: [&str; 12] = [
    "read_db",
    "read_lef",
    "read_def",
    "read_liberty",
    "write_db",
    "write_def",
    "write_verilog",
    "estimate_parasitics",
    "detailed_placement",
    "check_placement",
    "find_timing_paths",
    "ord::get_db_block",
];

impl OpenRoad {
    /// Asks the executable at `path` in the `container`, or on this machine, there also the `openroad` on the PATH.
    /// `folder` must be empty.
    ///
    /// # Errors
    /// When there is no such executable or it does not answer as OpenROAD does.
    pub fn probe(
        path: Option<&Path>,
        container: Option<&Container>,
        folder: &Path,
        run: &mut dyn FnMut(&CommandSpec) -> CommandReport,
    ) -> Result<Self, ProbeError> {
        let named = path.map_or("openroad".to_owned(), |path| path.display().to_string());
        let io = |action, path: &Path| {
            let path = path.to_owned();
            move |source| ProbeError::Io {
                action,
                path,
                source,
            }
        };
        let (launcher, told, content) = match container {
            None => {
                let program = find_program(&named).ok_or(ProbeError::NoOpenRoad { name: named })?;
                let bytes = std::fs::read(&program).map_err(io("read", &program))?;
                let content = ContentHash::of(&bytes);
                let launcher = Launcher::Native {
                    program: program.clone(),
                };
                (launcher, program, content)
            }
            Some(container) => {
                let name = container.runtime.program();
                let runtime = find_program(name).ok_or_else(|| ProbeError::NoOpenRoad {
                    name: name.to_owned(),
                })?;
                let image = Path::new(&container.image);
                // An image file is no digest: its content is.
                let content = match image.is_file() {
                    true => ContentHash::of(std::fs::read(image).map_err(io("read", image))?),
                    false => ContentHash::of(&container.image),
                };
                let told = PathBuf::from(&container.image);
                (
                    Launcher::container(runtime, container, named),
                    told,
                    content,
                )
            }
        };
        let no_answer = |report: &CommandReport, log: &Path| {
            let log = std::fs::read_to_string(log).unwrap_or_default();
            let ending = match &report.ending {
                CommandEnding::Exited(status) => format!("it exited with {status}"),
                CommandEnding::Signalled(signal) => format!("it was ended by signal {signal}"),
                CommandEnding::NotStarted(why) => format!("it could not be started: {why}"),
            };
            let excerpt = LogRemarks::excerpt(&log);
            ProbeError::NotOpenRoad {
                path: told.clone(),
                problem: [ending, excerpt].join("\n").trim().to_owned(),
            }
        };
        let asked = launcher.command(&["-version"], folder, "version.log", LIMITS, []);
        let report = run(&asked);
        let said = std::fs::read_to_string(&asked.log).unwrap_or_default();
        let version = version_in(&said).ok_or_else(|| no_answer(&report, &asked.log))?;
        let script = folder.join("probe.tcl");
        std::fs::write(&script, PROBE).map_err(io("write", &script))?;
        let arguments = ["-no_init", "-no_splash", "-exit", "probe.tcl"];
        let spec = launcher.command(&arguments, folder, "probe.log", LIMITS, []);
        let report = run(&spec);
        let answer = std::fs::read_to_string(folder.join("probe.tsv")).unwrap_or_default();
        let mut abilities =
            OpenRoadAbilities::read(&answer).ok_or_else(|| no_answer(&report, &spec.log))?;
        // A container holds what it forks, and a host outlives the command that it was started for.
        abilities.forks &= matches!(launcher, Launcher::Native { .. });
        let missing: Vec<&str> = NEEDED
            .into_iter()
            .filter(|name| !abilities.has_command(name))
            .collect();
        if !missing.is_empty() {
            return Err(ProbeError::NotOpenRoad {
                path: told,
                problem: format!("version {version} has no {}", missing.join(", ")),
            });
        }
        Ok(Self {
            launcher,
            version,
            content,
            abilities,
        })
    }

    /// The engine by its content, as runs record it.
    pub fn identity(&self) -> ToolIdentity {
        let path = match &self.launcher {
            Launcher::Native { program } => program.clone(),
            Launcher::Container { image, .. } => PathBuf::from(image),
        };
        ToolIdentity {
            name: "openroad".to_owned(),
            path,
            version: self.version.clone(),
            content: self.content,
            engine: Some(EngineKind::Openroad),
        }
    }

    /// The command that runs `script` in `folder`; of anything else it may read `files`.
    pub(crate) fn command<'f>(
        &self,
        folder: &Path,
        script: &str,
        log: &str,
        limits: CommandLimits,
        files: impl IntoIterator<Item = &'f Path>,
    ) -> CommandSpec {
        let arguments = [
            "-no_init",
            "-no_splash",
            "-exit",
            "-metrics",
            TOOL_METRICS,
            script,
        ];
        self.launcher
            .command(&arguments, folder, log, limits, files)
    }
}

/// The version in what `openroad -version` prints: `OpenROAD v2.0-…`, or the version alone. Other lines may come before.
fn version_in(said: &str) -> Option<String> {
    let lines = said.lines().map(str::trim);
    let lines = lines.filter(|line| !line.is_empty() && !line.contains(':'));
    let words = lines.filter_map(|line| {
        let rest = line.strip_prefix("OpenROAD ").unwrap_or(line);
        rest.split_whitespace().next()
    });
    let mut versions = words.filter(|word| word.bytes().any(|byte| byte.is_ascii_digit()));
    versions.next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_found_in_what_versions_print() {
        let found = |said| version_in(said);
        assert_eq!(
            found("OpenROAD v2.0-20250301-d4884860 \nFeatures included (+) or not (-): +GPU"),
            Some("v2.0-20250301-d4884860".to_owned())
        );
        assert_eq!(
            found("24Q3-1234-gabcdef\n"),
            Some("24Q3-1234-gabcdef".to_owned())
        );
        assert_eq!(found("openroad: command not found\n"), None);
        assert_eq!(found(""), None);
    }

    #[test]
    fn an_answer_that_is_cut_off_is_none() {
        let whole =
            "command\trepair_timing\t-hold\t-setup\nability\ttclx\t1\nability\tforks\t0\nend\n";
        let abilities = OpenRoadAbilities::read(whole).unwrap();
        assert!(abilities.has_option("repair_timing", "-setup") && abilities.tclx);
        assert_eq!(
            abilities.lacks(
                "repair_timing",
                &["-setup".to_owned(), "-sequence".to_owned()]
            ),
            Some("`repair_timing` without `-sequence`".to_owned())
        );
        assert_eq!(
            abilities.lacks("repair_power", &[]),
            Some("no command `repair_power`".to_owned())
        );
        assert_eq!(OpenRoadAbilities::read(&whole[..whole.len() - 4]), None);
        assert_eq!(OpenRoadAbilities::read(&format!("{whole}end\n")), None);
    }
}
