//! Everything that is the same for all trials of a run: scenes with their files, and which of them share
//! a process.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use noodle2_liberty::{Library, LibraryCache, LibraryIndex};
use noodle2_model::{
    Check, Clocks, CommandLimits, ContentHash, InputFile, Limits, Parasitics, Scene, Study,
};

use super::parents::Parents;
use crate::engine::Engine;
use crate::openroad::{self, LayoutSetup};
use crate::opensta;
use crate::platform::{Platform, PlatformError};

/// What a run of a study needs.
#[derive(Clone, Copy, Debug)]
pub struct Preparation<'a> {
    /// The study.
    pub study: &'a Study,
    /// The folder that the study's paths are relative to.
    pub study_folder: &'a Path,
    /// The study's platform.
    pub platform: &'a Platform,
    /// The engine.
    pub engine: &'a Engine,
    /// Where decompressed libraries and their summaries are kept.
    pub cache: &'a LibraryCache,
    /// A folder of the run, as an absolute path: holds what the scripts of all trials share.
    pub shared_folder: &'a Path,
}

/// Something that keeps a study from being run.
#[derive(Debug, thiserror::Error)]
pub enum PrepareProblem {
    /// The platform cannot give a library.
    #[error(transparent)]
    Platform(#[from] PlatformError),
    /// A library cannot be read.
    #[error("scene `{scene}`: {source}")]
    Library {
        /// The scene.
        scene: String,
        /// Why.
        source: noodle2_liberty::Error,
    },
    /// An input file cannot be read.
    #[error("cannot read {role} `{}`: {source}", path.display())]
    Input {
        /// What the file is.
        role: String,
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file is compressed, which the engine cannot read.
    #[error("{role} `{}` is compressed, and {engine} cannot read it: decompress it with `gunzip --keep`", path.display())]
    Compressed {
        /// What the file is.
        role: String,
        /// The file.
        path: PathBuf,
        /// The engine and its version.
        engine: String,
    },
    /// A LEF file cannot be read, or contradicts another.
    #[error("LEF file `{}`: {problem}", path.display())]
    Lef {
        /// The file.
        path: PathBuf,
        /// Why.
        problem: String,
    },
    /// Something that the platform names is in none of its LEF files.
    #[error("platform `{platform}` names {what} `{name}`, and its LEF files know {known}")]
    NotInLef {
        /// The platform.
        platform: String,
        /// What it is, as in `layer`.
        what: &'static str,
        /// The name.
        name: String,
        /// The names that there are.
        known: String,
    },
    /// A path that cannot be written in a script.
    #[error("the path `{}` is not UTF-8, so no script can name it", path.display())]
    PathNotUtf8 {
        /// The path.
        path: PathBuf,
    },
    /// The engine cannot do what a scene asks for.
    #[error("scene `{scene}`: the engine cannot {wish}")]
    Unsupported {
        /// The scene.
        scene: String,
        /// What it asks for.
        wish: &'static str,
    },
    /// A file that all trials share cannot be written.
    #[error("cannot write `{}`: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

impl PrepareProblem {
    /// The stable code of this kind of problem.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Platform(error) => error.code(),
            Self::Library { source, .. } => source.code(),
            Self::Input { .. } => "N2-ENGINE-010",
            Self::Compressed { .. } => "N2-ENGINE-011",
            Self::PathNotUtf8 { .. } => "N2-ENGINE-012",
            Self::Unsupported { .. } => "N2-ENGINE-013",
            Self::Write { .. } => "N2-ENGINE-014",
            Self::Lef { .. } => "N2-ENGINE-017",
            Self::NotInLef { .. } => "N2-ENGINE-018",
        }
    }
}

/// All that the trials of a run share.
#[derive(Debug)]
pub struct StudyContext {
    pub(crate) engine: Engine,
    /// What placing and routing needs; absent of an engine that only times.
    layout: Option<LayoutSetup>,
    pub(crate) top: String,
    pub(crate) netlists: Vec<PathBuf>,
    pub(crate) black_boxes: BTreeSet<String>,
    pub(crate) waived_endpoints: u32,
    pub(crate) limits: CommandLimits,
    /// One process each; the first applies ECOs, and those that only complete others come last.
    pub(crate) groups: Vec<SceneGroup>,
    inputs: Vec<InputFile>,
    measurement_context: ContentHash,
    pub(crate) parents: Parents,
}

/// Scenes that one process can hold together, as its corners.
#[derive(Debug)]
pub(crate) struct SceneGroup {
    pub(crate) purpose: Purpose,
    pub(crate) scenes: Vec<Arc<ResolvedScene>>,
    pub(crate) sdc: Vec<PathBuf>,
    pub(crate) clocks: Clocks,
    pub(crate) parasitics: Parasitics,
    /// The script that every script of the group begins with.
    pub(crate) prelude: PathBuf,
}

/// What a process measures.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Purpose {
    /// Timing of all its scenes, and power and slews of those whose libraries it may be asked about.
    Timing,
    /// Power and slews of one scene that shares the process of its timing with others.
    OwnLibraries,
}

/// A scene whose files are known.
#[derive(Debug)]
pub(crate) struct ResolvedScene {
    pub(crate) name: String,
    pub(crate) checks: BTreeSet<Check>,
    /// Plain files that the engine can read.
    pub(crate) libraries: Vec<PathBuf>,
    pub(crate) index: LibraryIndex,
}

impl ResolvedScene {
    pub(crate) fn has(&self, check: Check) -> bool {
        self.checks.contains(&check)
    }
}

impl SceneGroup {
    fn has(&self, check: Check) -> bool {
        self.scenes.iter().any(|scene| scene.has(check))
    }

    /// Whether power and slew limits of a scene may be read in this process.
    pub(crate) fn knows_libraries_of(&self, scene: &ResolvedScene, engine: &Engine) -> bool {
        engine.has_whole_corners() || self.scenes[0].libraries == scene.libraries
    }

    /// The scene whose libraries an ECO looks its cells up in: the first with setup, where cells are slowest
    /// as a rule.
    pub(crate) fn eco_scene(&self) -> &ResolvedScene {
        let with_setup = self.scenes.iter().find(|scene| scene.has(Check::Setup));
        with_setup.unwrap_or(&self.scenes[0])
    }

    /// The processes that measure what this one cannot.
    fn completed_by(&self, engine: &Engine) -> Vec<Self> {
        self.scenes
            .iter()
            .filter(|scene| !self.knows_libraries_of(scene, engine))
            .map(|scene| Self {
                purpose: Purpose::OwnLibraries,
                scenes: vec![scene.clone()],
                sdc: self.sdc.clone(),
                clocks: self.clocks,
                parasitics: self.parasitics.clone(),
                prelude: PathBuf::new(),
            })
            .collect()
    }

    pub(crate) fn is_annotated(&self) -> bool {
        matches!(self.parasitics, Parasitics::Spef(_))
    }
}

impl StudyContext {
    /// Finds and reads everything that the trials of a run share, and writes the scripts that they share.
    ///
    /// # Errors
    /// Everything that keeps the study from being run, in one go.
    pub fn prepare(preparation: &Preparation<'_>) -> Result<Self, Vec<PrepareProblem>> {
        let mut work = Work::new(*preparation);
        let study = preparation.study;
        let netlists: Vec<PathBuf> = study
            .design
            .netlists
            .iter()
            .filter_map(|path| work.text_file("netlist".to_owned(), path))
            .collect();
        let mut groups: Vec<SceneGroup> = Vec::new();
        for scene in &study.scenes {
            let Some((resolved, sdc, parasitics)) = work.resolve(scene) else {
                continue;
            };
            let shares = |group: &&mut SceneGroup| {
                preparation.engine.defines_corners()
                    && group.sdc == sdc
                    && group.clocks == scene.clocks
                    && group.parasitics == parasitics
                    && !group.is_annotated()
            };
            match groups.iter_mut().find(shares) {
                Some(group) => group.scenes.push(Arc::new(resolved)),
                None => groups.push(SceneGroup {
                    purpose: Purpose::Timing,
                    scenes: vec![Arc::new(resolved)],
                    sdc,
                    clocks: scene.clocks,
                    parasitics,
                    prelude: PathBuf::new(),
                }),
            }
        }
        // An ECO sees the scenes of its own process only: best one that has both checks.
        groups.sort_by_key(|group| (!group.has(Check::Setup), !group.has(Check::Hold)));
        let completing: Vec<SceneGroup> = groups
            .iter()
            .flat_map(|group| group.completed_by(preparation.engine))
            .collect();
        groups.extend(completing);
        let layout = preparation.engine.openroad().and_then(|_| work.layout());
        for group in &mut groups {
            work.write_prelude(group);
        }
        if !work.problems.is_empty() {
            return Err(work.problems);
        }
        let measurement_context = work.measurement_context();
        let mut inputs = work.inputs;
        inputs.push(InputFile {
            role: "platform".to_owned(),
            path: preparation.platform.origin.clone(),
            content: preparation.platform.content,
        });
        Ok(Self {
            engine: preparation.engine.clone(),
            layout,
            top: study.design.top.clone(),
            netlists,
            black_boxes: study.design.black_boxes.iter().cloned().collect(),
            waived_endpoints: study.design.unconstrained_endpoints,
            limits: command_limits(&study.limits),
            groups,
            inputs,
            measurement_context,
            parents: Parents::default(),
        })
    }

    /// Every file that is read, with its content.
    pub fn inputs(&self) -> &[InputFile] {
        &self.inputs
    }

    /// What the scripts of trials read beside the netlists of cases, as absolute paths in an order that is the same
    /// wherever the same study is prepared.
    pub fn files(&self) -> Vec<&Path> {
        let mut files: Vec<&Path> = self.netlists.iter().map(PathBuf::as_path).collect();
        if let Some(layout) = &self.layout {
            files.extend(layout.snapshot.as_deref());
            files.extend(layout.lefs.iter().map(PathBuf::as_path));
            files.extend(layout.rc.as_deref());
            files.extend(layout.tracks.as_deref());
        }
        for group in &self.groups {
            files.push(&group.prelude);
            files.extend(group.sdc.iter().map(PathBuf::as_path));
            if let Parasitics::Spef(path) = &group.parasitics {
                files.push(path);
            }
            let libraries = group.scenes.iter().flat_map(|scene| &scene.libraries);
            files.extend(libraries.map(PathBuf::as_path));
        }
        files
    }

    /// Reads what the scripts of trials share where it lies in `folder`, instead of where it was prepared, as far as the
    /// same is there: so scripts name the very files that those of an earlier preparation named. Writes nothing.
    pub fn share(&mut self, folder: &Path) {
        for group in &mut self.groups {
            let Some(name) = group.prelude.file_name() else {
                continue;
            };
            let there = folder.join(name);
            let content = |path: &Path| std::fs::read(path).ok();
            if content(&there).is_some_and(|found| content(&group.prelude) == Some(found)) {
                group.prelude = there;
            }
        }
    }

    /// What the libraries say of cells, as edits are measured with it.
    pub fn cells(&self) -> &LibraryIndex {
        &self.groups[0].eco_scene().index
    }

    /// What placing and routing needs; `None` of an engine that only times.
    pub(crate) fn layout(&self) -> Option<&LayoutSetup> {
        self.layout.as_ref()
    }

    /// The engine.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The scenes whose process applies ECOs.
    pub(crate) fn first_group(&self) -> &SceneGroup {
        &self.groups[0]
    }

    /// The top module.
    pub(crate) fn top(&self) -> &str {
        &self.top
    }

    /// The netlists of the base case.
    pub fn base_netlists(&self) -> &[PathBuf] {
        &self.netlists
    }

    /// The hash over scenes, constraints, libraries, parasitics and engine: numbers compare only where it
    /// is the same.
    pub fn measurement_context(&self) -> ContentHash {
        self.measurement_context
    }

    /// How many processes measure a case.
    pub fn processes(&self) -> usize {
        self.groups.len()
    }

    /// Whether the engine can be forked once it is loaded.
    pub fn can_fork(&self) -> bool {
        self.engine.forks()
    }

    /// Whether any scene has annotated wires, which an edit of connections would lose.
    pub fn has_annotated_wires(&self) -> bool {
        self.groups.iter().any(SceneGroup::is_annotated)
    }
}

struct Work<'a> {
    given: Preparation<'a>,
    inputs: Vec<InputFile>,
    problems: Vec<PrepareProblem>,
    /// Each library once, however many scenes read it.
    libraries: BTreeMap<PathBuf, (PathBuf, Arc<Library>, ContentHash)>,
}

impl<'a> Work<'a> {
    fn new(given: Preparation<'a>) -> Self {
        Self {
            given,
            inputs: Vec::new(),
            problems: Vec::new(),
            libraries: BTreeMap::new(),
        }
    }

    /// A text file that the engine reads, as an absolute path. `None`, and a problem, where it cannot be.
    fn text_file(&mut self, role: String, path: &Path) -> Option<PathBuf> {
        let path = self.absolute(path)?;
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(source) => {
                self.problems
                    .push(PrepareProblem::Input { role, path, source });
                return None;
            }
        };
        if bytes.starts_with(&[0x1f, 0x8b]) {
            let engine = self.given.engine;
            let engine = format!("{} {}", engine.name(), engine.version());
            self.problems
                .push(PrepareProblem::Compressed { role, path, engine });
            return None;
        }
        self.inputs.push(InputFile {
            role,
            path: path.clone(),
            content: ContentHash::of(&bytes),
        });
        Some(path)
    }

    fn absolute(&mut self, path: &Path) -> Option<PathBuf> {
        let joined = self.given.study_folder.join(path);
        let path = std::path::absolute(&joined).unwrap_or(joined);
        if path.to_str().is_none() {
            self.problems.push(PrepareProblem::PathNotUtf8 { path });
            return None;
        }
        Some(path)
    }

    fn resolve(&mut self, scene: &Scene) -> Option<(ResolvedScene, Vec<PathBuf>, Parasitics)> {
        let problems_before = self.problems.len();
        let role = |kind: &str| format!("{kind}:{}", scene.name);
        let sdc: Vec<PathBuf> = scene
            .sdc
            .iter()
            .filter_map(|path| self.text_file(role("sdc"), path))
            .collect();
        let parasitics = match &self.given.study.wires_of(scene) {
            Parasitics::Spef(path) => self
                .text_file(role("spef"), path)
                .map_or(Parasitics::None, Parasitics::Spef),
            Parasitics::Placement | Parasitics::GlobalRoute
                if self.given.engine.openroad().is_none() =>
            {
                self.unsupported(scene, "estimate wires: it has no placement")
            }
            other => other.clone(),
        };
        let mut libraries = Vec::new();
        let mut summaries = Vec::new();
        for path in self.library_paths(scene) {
            if let Some((plain, summary)) = self.library(&scene.name, path) {
                libraries.push(plain);
                summaries.push(summary);
            }
        }
        if self.problems.len() > problems_before {
            return None;
        }
        let resolved = ResolvedScene {
            name: scene.name.clone(),
            checks: scene.checks.iter().copied().collect(),
            libraries,
            index: LibraryIndex::build(&summaries, &self.given.platform.index_options()),
        };
        Some((resolved, sdc, parasitics))
    }

    /// What placing and routing needs; what of it is not in order is a problem.
    fn layout(&mut self) -> Option<LayoutSetup> {
        let platform = self.given.platform;
        let data = match platform.layout() {
            Ok(data) => data.clone(),
            Err(error) => {
                self.problems.push(error.into());
                return None;
            }
        };
        let find = |work: &mut Self, role: &str, file: &Path| match platform.layout_file(file) {
            Ok(path) => work.text_file(format!("{role}:{}", file.display()), &path),
            Err(error) => {
                work.problems.push(error.into());
                None
            }
        };
        let lefs: Vec<PathBuf> = (data.lefs.iter())
            .filter_map(|file| find(self, "lef", file))
            .collect();
        let rc = data.rc.as_deref().and_then(|file| find(self, "rc", file));
        let tracks = data.tracks.as_deref();
        let tracks = tracks.and_then(|file| find(self, "tracks", file));
        let engine = &self.given.study.engine;
        let snapshot = engine.snapshot.as_deref();
        let snapshot = match snapshot {
            Some(path) => Some(self.text_file("snapshot".to_owned(), path)?),
            None => None,
        };
        let lef = match openroad::read_lefs(&lefs) {
            Ok(lef) => lef,
            Err(problems) => {
                self.problems.extend(problems);
                return None;
            }
        };
        for problem in openroad::not_in_lef(&platform.declaration.name, &data, &lef) {
            self.problems.push(problem);
        }
        Some(LayoutSetup {
            lefs,
            rc,
            lef,
            tracks,
            data,
            unusable: platform.declaration.dont_use.clone(),
            snapshot,
            wires: engine.wire_estimate().unwrap_or_default(),
            detailed_route: engine.detailed_route.unwrap_or_default(),
            heatmaps: engine.heatmaps.unwrap_or_default(),
        })
    }

    fn unsupported(&mut self, scene: &Scene, wish: &'static str) -> Parasitics {
        self.problems.push(PrepareProblem::Unsupported {
            scene: scene.name.clone(),
            wish,
        });
        Parasitics::None
    }

    /// The library files of a scene: its own paths, those of a corner of the platform, or those of the
    /// platform's default corner.
    fn library_paths(&mut self, scene: &Scene) -> Vec<PathBuf> {
        let platform = self.given.platform;
        if scene.liberty.is_empty() {
            return self.of_platform(platform.libraries(None));
        }
        let mut paths = Vec::new();
        for entry in &scene.liberty {
            match entry.strip_prefix("platform:") {
                Some(corner) => paths.extend(self.of_platform(platform.libraries(Some(corner)))),
                None => paths.extend(self.absolute(Path::new(entry))),
            }
        }
        paths
    }

    fn of_platform(&mut self, libraries: Result<Vec<PathBuf>, PlatformError>) -> Vec<PathBuf> {
        match libraries {
            Ok(paths) => paths
                .iter()
                .filter_map(|path| self.absolute(path))
                .collect(),
            Err(error) => {
                self.problems.push(error.into());
                Vec::new()
            }
        }
    }

    fn library(&mut self, scene: &str, path: PathBuf) -> Option<(PathBuf, Arc<Library>)> {
        if !self.libraries.contains_key(&path) {
            let role = || format!("liberty:{scene}");
            let read = std::fs::read(&path).map_err(|source| PrepareProblem::Input {
                role: role(),
                path: path.clone(),
                source,
            });
            let liberty = |source| PrepareProblem::Library {
                scene: scene.to_owned(),
                source,
            };
            let found = read.and_then(|bytes| {
                let plain = self.given.cache.plain(&path).map_err(liberty)?;
                let plain = std::path::absolute(&plain).unwrap_or(plain);
                let summary = self.given.cache.library(&path).map_err(liberty)?;
                Ok((plain, summary, ContentHash::of(bytes)))
            });
            match found {
                Ok(found) => {
                    self.libraries.insert(path.clone(), found);
                }
                Err(problem) => {
                    self.problems.push(problem);
                    return None;
                }
            }
        }
        let (plain, summary, content) = self.libraries.get(&path)?.clone();
        self.inputs.push(InputFile {
            role: format!("liberty:{scene}"),
            path,
            content,
        });
        Some((plain, summary))
    }

    /// Writes what the scripts of a group share to a file that is named by its content, so that no script
    /// can be run with another prelude than it was made for.
    fn write_prelude(&mut self, group: &mut SceneGroup) {
        let platform = &self.given.platform.declaration;
        let text = match self.given.engine {
            Engine::OpenSta(_) => opensta::prelude(group, platform),
            Engine::OpenRoad(engine) => openroad::prelude(group, platform, engine),
        };
        let name = format!("prelude-{}.tcl", ContentHash::of(&text).short());
        group.prelude = self.given.shared_folder.join(name);
        if let Err(source) = write_whole(&group.prelude, text.as_bytes()) {
            self.problems.push(PrepareProblem::Write {
                path: group.prelude.clone(),
                source,
            });
        }
    }

    fn measurement_context(&self) -> ContentHash {
        let study = self.given.study;
        let mut inputs: Vec<(&str, ContentHash)> = self
            .inputs
            .iter()
            .filter(|input| !matches!(input.role.as_str(), "netlist" | "snapshot"))
            .map(|input| (input.role.as_str(), input.content))
            .collect();
        inputs.sort_unstable();
        let scenes: Vec<_> = study
            .scenes
            .iter()
            .map(|scene| {
                let wires = match study.wires_of(scene) {
                    // Its content counts, not its name.
                    Parasitics::Spef(_) => Parasitics::Spef(PathBuf::new()),
                    other => other,
                };
                (&scene.name, wires, scene.clocks, &scene.checks)
            })
            .collect();
        let engine = self.given.engine;
        let identity = engine.identity();
        let text = serde_json::to_string(&(identity.version, identity.content, scenes, inputs))
            .expect("names, enums and hashes are always JSON");
        ContentHash::of(text)
    }
}

/// Writes a file that is there whole or not at all, also when several processes write it at once.
fn write_whole(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::PermissionsExt as _;
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let mut file = tempfile::Builder::new()
        .permissions(std::fs::Permissions::from_mode(0o644))
        .tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

fn command_limits(limits: &Limits) -> CommandLimits {
    let seconds = |seconds: f64| Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX);
    CommandLimits {
        wall: seconds(limits.wall_time_s),
        cpu: seconds(limits.cpu_time_s),
        memory_bytes: limits.memory_mib.saturating_mul(1 << 20),
        output_bytes: limits.output_mib.saturating_mul(1 << 20),
    }
}
