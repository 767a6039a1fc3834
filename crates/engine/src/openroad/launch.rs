//! How `openroad` is started: on the machine, or in a container without network that sees its inputs read-only.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use noodle2_model::{
    CommandLimits, CommandSpec, CommandStreams, Container, ContainerRuntime, ContentHash, Farewell,
};

/// What the tool itself measures under METRICS2.1 names, within the folder of a command.
pub(super) const TOOL_METRICS: &str = "tool-metrics.json";

/// How `openroad` is started.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Launcher {
    /// As a program of the machine.
    Native {
        /// The executable.
        program: PathBuf,
    },
    /// In a container.
    Container {
        /// The program that runs containers.
        runtime: PathBuf,
        /// Which of them it is.
        kind: ContainerRuntime,
        /// The image, by its content.
        image: String,
        /// The executable within it.
        program: String,
    },
}

impl Launcher {
    /// In a container of `runtime`.
    pub(super) fn container(runtime: PathBuf, container: &Container, program: String) -> Self {
        Self::Container {
            runtime,
            kind: container.runtime,
            image: container.image.clone(),
            program,
        }
    }

    /// The command that runs `openroad` with these arguments in `folder`, which it may read and write; of everything
    /// else it may read `files`.
    pub(super) fn command<'f>(
        &self,
        arguments: &[&str],
        folder: &Path,
        log: &str,
        limits: CommandLimits,
        files: impl IntoIterator<Item = &'f Path>,
    ) -> CommandSpec {
        let arguments = arguments.iter().map(|argument| (*argument).to_owned());
        let environment = environment(folder);
        let mut spec = CommandSpec {
            program: PathBuf::new(),
            arguments: Vec::new(),
            environment: environment.clone(),
            folder: folder.to_owned(),
            log: folder.join(log),
            limits,
            streams: CommandStreams::default(),
            fork: None,
            farewell: None,
        };
        match self {
            Self::Native { program } => {
                spec.program.clone_from(program);
                spec.arguments = arguments.collect();
            }
            Self::Container {
                runtime,
                kind,
                image,
                program,
            } => {
                let folders = folders_of(files, folder);
                spec.program.clone_from(runtime);
                let name = container_name(folder, log);
                spec.arguments = match kind {
                    ContainerRuntime::Docker | ContainerRuntime::Podman => {
                        let limits = ContainerLimits::of(limits);
                        daemon_words(&name, folder, &folders, &environment, &limits)
                    }
                    ContainerRuntime::Apptainer => apptainer_words(folder, &folders, &environment),
                };
                spec.arguments.push(image.clone());
                // The container ends by itself where nobody is left to end it.
                let seconds = limits.wall.as_secs().saturating_add(GRACE_S);
                let alone = ["timeout", "-k", "5", &seconds.to_string(), program];
                spec.arguments.extend(alone.map(str::to_owned));
                spec.arguments.extend(arguments);
                // A client that ends leaves its container running.
                if *kind != ContainerRuntime::Apptainer {
                    spec.farewell = Some(Farewell {
                        program: runtime.clone(),
                        arguments: ["rm", "--force", "--volumes", &name]
                            .map(str::to_owned)
                            .to_vec(),
                    });
                }
                // Clients look for their settings and their daemon.
                spec.environment.extend(client_environment());
            }
        }
        spec
    }
}

/// How much longer than its limit a container may run that nobody ends.
const GRACE_S: u64 = 30;

/// What a container may use.
struct ContainerLimits {
    memory_bytes: u64,
}

impl ContainerLimits {
    fn of(limits: CommandLimits) -> Self {
        Self {
            memory_bytes: limits.memory_bytes,
        }
    }
}

/// The whole environment of the tool.
fn environment(folder: &Path) -> BTreeMap<String, String> {
    let here = folder.to_string_lossy().into_owned();
    [
        ("PATH", "/usr/local/bin:/usr/bin:/bin".to_owned()),
        ("HOME", here.clone()),
        ("LC_ALL", "C.UTF-8".to_owned()),
        ("TZ", "UTC".to_owned()),
        // Heat maps need the objects of a display, not a display.
        ("QT_QPA_PLATFORM", "offscreen".to_owned()),
        ("XDG_RUNTIME_DIR", here),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

/// What the clients of container daemons read of their user's environment.
fn client_environment() -> BTreeMap<String, String> {
    const READ: [&str; 7] = [
        "PATH",
        "HOME",
        "DOCKER_HOST",
        "DOCKER_CONFIG",
        "CONTAINER_HOST",
        "XDG_RUNTIME_DIR",
        "XDG_DATA_HOME",
    ];
    let read = READ.iter();
    read.filter_map(|name| Some(((*name).to_owned(), std::env::var(name).ok()?)))
        .collect()
}

/// The folders that hold what a command reads, without its own.
fn folders_of<'f>(files: impl IntoIterator<Item = &'f Path>, own: &Path) -> BTreeSet<PathBuf> {
    let folders = files.into_iter().filter_map(Path::parent);
    folders
        .filter(|folder| *folder != own && !folder.as_os_str().is_empty())
        .map(Path::to_owned)
        .collect()
}

/// A name that no other command has: of where it runs, and what it logs to.
fn container_name(folder: &Path, log: &str) -> String {
    let place = folder.join(log).to_string_lossy().into_owned();
    format!("noodle2-{}", ContentHash::of(place).short())
}

fn daemon_words(
    name: &str,
    folder: &Path,
    folders: &BTreeSet<PathBuf>,
    environment: &BTreeMap<String, String>,
    limits: &ContainerLimits,
) -> Vec<String> {
    let mut words = vec!["run".to_owned()];
    let mut option = |option: &str, value: String| words.extend([option.to_owned(), value]);
    option("--name", name.to_owned());
    option("--network", "none".to_owned());
    option("--memory", limits.memory_bytes.to_string());
    option("--memory-swap", limits.memory_bytes.to_string());
    let user = rustix::process::getuid().as_raw();
    let group = rustix::process::getgid().as_raw();
    option("--user", format!("{user}:{group}"));
    option("--workdir", folder.display().to_string());
    for folder in folders {
        let folder = folder.display();
        option("--volume", format!("{folder}:{folder}:ro"));
    }
    let own = folder.display();
    option("--volume", format!("{own}:{own}:rw"));
    for (name, value) in environment {
        option("--env", format!("{name}={value}"));
    }
    words.extend(["--rm", "--init", "--pull=never", "--entrypoint="].map(str::to_owned));
    words
}

fn apptainer_words(
    folder: &Path,
    folders: &BTreeSet<PathBuf>,
    environment: &BTreeMap<String, String>,
) -> Vec<String> {
    let mut words = ["exec", "--containall", "--net", "--network=none", "--pwd"]
        .map(str::to_owned)
        .to_vec();
    words.push(folder.display().to_string());
    for folder in folders {
        let folder = folder.display();
        words.extend(["--bind".to_owned(), format!("{folder}:{folder}:ro")]);
    }
    let own = folder.display();
    words.extend(["--bind".to_owned(), format!("{own}:{own}:rw")]);
    for (name, value) in environment {
        words.extend(["--env".to_owned(), format!("{name}={value}")]);
    }
    words
}
