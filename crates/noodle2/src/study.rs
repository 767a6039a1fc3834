//! From a study file to something that can be run: reading, legality, tools and inputs.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use noodle2_engine::{
    Catalogue, CatalogueProblem, Eco, Engine, Platform, PlatformError, Preparation, StudyContext,
};
use noodle2_liberty::LibraryCache;
use noodle2_model::{
    ContentHash, EcoDefinition, EcoManifest, ProposerKind, RunIdentity, Stage, StageEco, Study,
    ToolIdentity, may_try,
};
use noodle2_simulate::identity_without_tools;
use noodle2_study::{
    Locations, Problem, References, RenderStyle, StudyProblems, legality, read_study, study_hash,
};
use noodle2_view::{Breach, LegalityReport};

use crate::cli::StudyOption;
use crate::exit::{CommandFailure, Exit};
use crate::print;
use crate::record::differences;
use crate::tools;

/// A valid study with what it refers to.
pub(crate) struct Loaded {
    pub study: Study,
    /// The study file.
    pub path: PathBuf,
    /// Its bytes, of which the study was read.
    pub bytes: Vec<u8>,
    /// The folder that its paths are relative to.
    pub folder: PathBuf,
    locations: Locations,
    references: KnownThings,
}

/// A study whose tools and inputs were found and hashed.
pub(crate) struct Prepared {
    pub context: StudyContext,
    pub catalogue: Catalogue,
    pub identity: RunIdentity,
}

/// What study files may refer to, as it is on this machine.
struct KnownThings {
    platform_root: Option<PathBuf>,
    /// Whether a placed design need not be there yet.
    makes_snapshot: bool,
    /// What was found on each search path that was asked for: a study asks for each of its ECOs.
    catalogues: RefCell<BTreeMap<Vec<PathBuf>, Rc<Catalogue>>>,
    /// What is not in order on those paths.
    flaws: RefCell<Vec<CatalogueProblem>>,
}

impl KnownThings {
    fn new(platform_root: Option<PathBuf>) -> Self {
        Self {
            platform_root,
            makes_snapshot: false,
            catalogues: RefCell::default(),
            flaws: RefCell::default(),
        }
    }

    /// The ECOs of a search path; what is not in order there is kept among the flaws.
    fn catalogue(&self, eco_path: &[PathBuf]) -> Rc<Catalogue> {
        if let Some(known) = self.catalogues.borrow().get(eco_path) {
            return Rc::clone(known);
        }
        let (catalogue, problems) = Catalogue::survey(eco_path);
        // That a folder is not there is told at its place in the study.
        let is_told = |problem: &CatalogueProblem| matches!(problem, CatalogueProblem::Read { source, .. } if source.kind() == std::io::ErrorKind::NotFound);
        let problems = problems.into_iter().filter(|problem| !is_told(problem));
        self.flaws.borrow_mut().extend(problems);
        let catalogue = Rc::new(catalogue);
        let path = eco_path.to_vec();
        self.catalogues
            .borrow_mut()
            .insert(path, Rc::clone(&catalogue));
        catalogue
    }
}

impl References for KnownThings {
    fn eco(&self, name: &str, eco_path: &[PathBuf]) -> Option<EcoManifest> {
        Some(self.catalogue(eco_path).get(name)?.manifest.clone())
    }

    fn eco_names(&self, eco_path: &[PathBuf]) -> Vec<String> {
        let catalogue = self.catalogue(eco_path);
        catalogue.iter().map(|(name, _)| name.to_owned()).collect()
    }

    fn platform_names(&self) -> Vec<String> {
        Platform::built_in_names().map(str::to_owned).collect()
    }

    fn platform_corners(&self, platform: &str, root: Option<&Path>) -> Option<Vec<String>> {
        let root = self.platform_root.as_deref().or(root);
        let platform = Platform::load(platform, root).ok()?;
        Some(platform.declaration.corners.keys().cloned().collect())
    }

    fn file_exists(&self, path: &Path) -> bool {
        let is_placed = || {
            path.extension()
                .is_some_and(|ending| ending == "odb" || ending == "def")
        };
        path.exists() || (self.makes_snapshot && is_placed())
    }
}

/// Reads and checks a study file.
pub(crate) fn load(option: &StudyOption) -> Result<Loaded, CommandFailure> {
    loaded(option, false)
}

/// The same, of a study whose snapshot need not be there yet.
pub(crate) fn load_without_snapshot(option: &StudyOption) -> Result<Loaded, CommandFailure> {
    loaded(option, true)
}

fn loaded(option: &StudyOption, makes_snapshot: bool) -> Result<Loaded, CommandFailure> {
    let (bytes, reading, references) = read(option, makes_snapshot)?;
    let flaws = references.flaws.take();
    match reading.study {
        Some(mut study) if flaws.is_empty() => {
            if let Some(root) = &option.platform_root {
                study.design.platform_root = Some(absolute(root));
            }
            Ok(Loaded {
                study,
                path: option.study.clone(),
                bytes,
                folder: folder_of(&option.study),
                locations: reading.locations,
                references,
            })
        }
        _ => {
            for flaw in &flaws {
                print::talk(&format!("{} {flaw}", flaw.code()));
            }
            show_problems(&reading.problems, &reading.locations);
            Err(refusal(
                Exit::InvalidStudy,
                "N2-STUDY-000",
                &option.study,
                "is not valid",
                reading.problems.len() + flaws.len(),
            ))
        }
    }
}

fn read(
    option: &StudyOption,
    makes_snapshot: bool,
) -> Result<(Vec<u8>, noodle2_study::Reading, KnownThings), CommandFailure> {
    let bytes = fs::read(&option.study).map_err(|error| {
        CommandFailure::new(
            Exit::InvalidStudy,
            UNREADABLE,
            unreadable(&option.study, &error),
            "`noodle2 init` writes a study that runs".to_owned(),
        )
    })?;
    Ok(read_bytes(bytes, option, makes_snapshot))
}

/// The code of a study file that cannot be read.
const UNREADABLE: &str = "N2-STUDY-100";

fn unreadable(study: &Path, error: &std::io::Error) -> String {
    format!("cannot read the study `{}`: {error}", study.display())
}

fn read_bytes(
    bytes: Vec<u8>,
    option: &StudyOption,
    makes_snapshot: bool,
) -> (Vec<u8>, noodle2_study::Reading, KnownThings) {
    let mut references = KnownThings::new(option.platform_root.as_deref().map(absolute));
    references.makes_snapshot = makes_snapshot;
    let reading = read_study(&bytes, &option.study, &references);
    (bytes, reading, references)
}

/// A path that means the same in every folder.
pub(crate) fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

fn folder_of(study: &Path) -> PathBuf {
    absolute(study)
        .parent()
        .map(Path::to_owned)
        .unwrap_or_default()
}

fn refusal(exit: Exit, code: &str, path: &Path, what: &str, count: usize) -> CommandFailure {
    let problems = if count == 1 { "problem" } else { "problems" };
    CommandFailure::new(
        exit,
        code,
        format!(
            "the study `{}` {what}: {count} {problems}, shown above",
            path.display()
        ),
        None,
    )
}

fn show_problems(problems: &[Problem], locations: &Locations) {
    let terminal = std::io::stderr().is_terminal();
    let style = RenderStyle {
        colour: terminal && std::env::var_os("NO_COLOR").is_none(),
        unicode: terminal,
        width: RenderStyle::PLAIN.width,
    };
    if let Some(problems) = StudyProblems::new(problems, locations) {
        print::talk(&problems.render(style));
    }
}

/// Every problem of a study file, and what else it makes illegal, as JSON.
pub(crate) fn problems_as_json(option: &StudyOption) -> (Exit, serde_json::Value) {
    let mut problems = Vec::new();
    let mut illegal = Vec::new();
    let mut report = None;
    let mut plain = |code: &str, message: String| {
        problems.push(serde_json::json!({"code": code, "message": message}));
    };
    match fs::read(&option.study) {
        Err(error) => plain(UNREADABLE, unreadable(&option.study, &error)),
        Ok(bytes) => {
            let (_, reading, references) = read_bytes(bytes, option, false);
            for flaw in references.flaws.take() {
                plain(flaw.code(), flaw.to_string());
            }
            problems.extend(
                reading
                    .problems
                    .iter()
                    .map(|problem| serde_json::json!(problem)),
            );
            if let Some(study) = &reading.study {
                illegal = legality(study, &reading.locations, &references);
                let told = legality_report(study, &folder_of(&option.study), &references, &illegal);
                report = Some(told);
            }
        }
    }
    let exit = match (problems.is_empty(), illegal.is_empty()) {
        (false, _) => Exit::InvalidStudy,
        (true, false) => Exit::IllegalStudy,
        (true, true) => Exit::Done,
    };
    let value = serde_json::json!({
        "ok": exit == Exit::Done,
        "valid": problems.is_empty(),
        "legal": exit == Exit::Done,
        "problems": problems,
        "illegal": illegal,
        "legality": report,
    });
    (exit, value)
}

/// What a study may do, and every reason why it may not run.
fn legality_report(
    study: &Study,
    folder: &Path,
    references: &KnownThings,
    illegal: &[Problem],
) -> LegalityReport {
    let eco_path = eco_path_of(study, folder);
    let ecos = study.stages.iter().flat_map(|stage| &stage.ecos);
    let names = ecos.flat_map(StageEco::components);
    let classes = names.filter_map(|(name, _)| {
        let manifest = references.eco(name, &eco_path)?;
        Some((name.to_owned(), manifest.class))
    });
    let breaches = illegal.iter().map(|problem| Breach {
        code: problem.code.to_string(),
        message: problem.message.clone(),
        line: problem.line,
    });
    LegalityReport::new(study, &classes.collect(), breaches.collect())
}

impl Loaded {
    /// The study as it is before its snapshot is made.
    pub fn without_snapshot(mut self) -> Self {
        self.study.engine.snapshot = None;
        self
    }

    /// What the study may do, and every reason why it may not run.
    pub fn legality_report(&self) -> LegalityReport {
        let illegal = legality(&self.study, &self.locations, &self.references);
        legality_report(&self.study, &self.folder, &self.references, &illegal)
    }

    /// What the study would run, with its ECOs and without any tool or input: enough for a virtual clock.
    pub fn identity_without_tools(&self) -> Result<RunIdentity, CommandFailure> {
        let catalogue = catalogue_of(&self.study, &self.folder)?;
        let ecos = definitions(&ecos_of(&self.study, &catalogue));
        let hash = study_hash(&self.study);
        Ok(identity_without_tools(self.study.clone(), hash, ecos))
    }

    /// Refuses a study that asks for what its safety domain or budget does not allow.
    pub fn refuse_illegal(&self) -> Result<(), CommandFailure> {
        let problems = legality(&self.study, &self.locations, &self.references);
        if problems.is_empty() {
            return Ok(());
        }
        show_problems(&problems, &self.locations);
        Err(refusal(
            Exit::IllegalStudy,
            "N2-LEGAL-000",
            &self.path,
            "asks for what it does not allow",
            problems.len(),
        ))
    }
}

/// Finds and hashes everything that a study needs. What the scripts of all trials share is written into
/// `shared`.
pub(crate) fn prepare(loaded: &Loaded, shared: &Path) -> Result<Prepared, CommandFailure> {
    let file = ContentHash::of(&loaded.bytes);
    prepare_study(&loaded.study, file, &loaded.folder, shared)
}

fn prepare_study(
    study: &Study,
    study_file: ContentHash,
    folder: &Path,
    shared: &Path,
) -> Result<Prepared, CommandFailure> {
    let catalogue = catalogue_of(study, folder)?;
    let platform =
        platform_of(study, folder).map_err(|error| several([(error.code(), error.to_string())]))?;
    let cache = LibraryCache::new(cache_folder())
        .map_err(|error| several([(error.code(), error.to_string())]))?;
    let engine = tools::engine_of(study, folder)?;
    let context = StudyContext::prepare(&Preparation {
        study,
        study_folder: folder,
        platform: &platform,
        engine: &engine,
        cache: &cache,
        shared_folder: &absolute(shared),
    })
    .map_err(|problems| {
        several(
            problems
                .iter()
                .map(|problem| (problem.code(), problem.to_string())),
        )
    })?;
    let mut ecos = ecos_of(study, &catalogue);
    // What this version of the engine cannot run is refused where the study names it, and not suggested.
    let named: BTreeSet<&str> = named_ecos(study).collect();
    ecos.retain(|name, eco| {
        named.contains(name.as_str()) || engine.lacks(&eco.manifest).is_empty()
    });
    refuse_lacking(&engine, &ecos)?;
    let mut used = vec![engine.identity()];
    used.extend(tools::programs_of(ecos.values().copied())?);
    let identity = RunIdentity {
        priors: None,
        noodle2_version: env!("CARGO_PKG_VERSION").to_owned(),
        study: study.clone(),
        study_hash: study_hash(study),
        study_file,
        study_folder: folder.to_owned(),
        tools: used,
        inputs: context.inputs().to_vec(),
        ecos: definitions(&ecos),
    };
    Ok(Prepared {
        context,
        catalogue,
        identity,
    })
}

/// Refuses ECOs that the engine that was found cannot run, all at once.
fn refuse_lacking(engine: &Engine, ecos: &BTreeMap<String, &Eco>) -> Result<(), CommandFailure> {
    let version = engine.version();
    let mut problems = Vec::new();
    for (name, eco) in ecos {
        for lacks in engine.lacks(&eco.manifest) {
            let engine = engine.name();
            problems.push(format!(
                "the ECO `{name}` needs what {engine} {version} does not have: {lacks}"
            ));
        }
    }
    match problems.is_empty() {
        true => Ok(()),
        false => Err(several(
            problems.into_iter().map(|text| ("N2-RUN-022", text)),
        )),
    }
}

fn catalogue_of(study: &Study, folder: &Path) -> Result<Catalogue, CommandFailure> {
    Catalogue::load(&eco_path_of(study, folder)).map_err(|problems| {
        several(
            problems
                .iter()
                .map(|problem| (problem.code(), problem.to_string())),
        )
    })
}

/// The names of the ECOs that stages name.
fn named_ecos(study: &Study) -> impl Iterator<Item = &str> {
    let ecos = study.stages.iter().flat_map(|stage| &stage.ecos);
    ecos.flat_map(StageEco::components).map(|(name, _)| name)
}

/// The ECOs that a study names or may be suggested, by name.
fn ecos_of<'c>(study: &Study, catalogue: &'c Catalogue) -> BTreeMap<String, &'c Eco> {
    let mut names: BTreeSet<&str> = named_ecos(study).collect();
    names.extend(suggestible(study, catalogue));
    names
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), catalogue.get(name)?)))
        .collect()
}

fn definitions(ecos: &BTreeMap<String, &Eco>) -> BTreeMap<String, EcoDefinition> {
    let definitions = ecos.iter().map(|(name, eco)| {
        let definition = EcoDefinition {
            manifest: eco.manifest.clone(),
            content: eco.content,
        };
        (name.clone(), definition)
    });
    definitions.collect()
}

/// The ECOs that stages do not name and that a diagnosis may suggest in them.
fn suggestible<'c>(study: &'c Study, catalogue: &'c Catalogue) -> impl Iterator<Item = &'c str> {
    let asks =
        |stage: &&Stage| stage.proposer.kind == ProposerKind::Diagnosis && stage.proposer.catalogue;
    let stages = study.stages.iter().filter(asks);
    stages.flat_map(move |stage| {
        let ecos = catalogue.iter();
        ecos.filter(|(_, eco)| {
            !eco.manifest.remedies.is_empty() && may_try(study, stage, &eco.manifest)
        })
        .map(|(name, _)| name)
    })
}

/// One failure of several problems, each told with its code.
pub(crate) fn several<'a>(problems: impl IntoIterator<Item = (&'a str, String)>) -> CommandFailure {
    let problems: Vec<(&str, String)> = problems.into_iter().collect();
    let (code, text) = match problems.as_slice() {
        [(code, text)] => ((*code).to_owned(), text.clone()),
        _ => {
            for (code, text) in &problems {
                print::talk(&format!("{code} {text}"));
            }
            let text = format!(
                "the study cannot be run: {} problems, told above",
                problems.len()
            );
            ("N2-RUN-005".to_owned(), text)
        }
    };
    let help = "`noodle2 doctor` says what is installed and what is missing".to_owned();
    CommandFailure::new(Exit::InvalidStudy, code, text, help)
}

fn eco_path_of(study: &Study, folder: &Path) -> Vec<PathBuf> {
    let path = study.eco_path.iter();
    path.map(|path| folder.join(path)).collect()
}

pub(crate) fn platform_of(study: &Study, folder: &Path) -> Result<Platform, PlatformError> {
    let root = study
        .design
        .platform_root
        .as_ref()
        .map(|root| folder.join(root));
    let name = &study.design.platform;
    let built_in = Platform::built_in_names().any(|known| known == name);
    let path = folder.join(name);
    match path.to_str() {
        Some(path) if !built_in && Path::new(path).is_file() => {
            Platform::load(path, root.as_deref())
        }
        _ => Platform::load(name, root.as_deref()),
    }
}

/// Where decompressed libraries and known results are kept between runs: the user's cache folder.
pub(crate) fn cache_folder() -> PathBuf {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    variable("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(variable("HOME")?).join(".cache")))
        .unwrap_or_else(std::env::temp_dir)
        .join("noodle2")
}

/// Refuses a run whose frozen study is not the one that it began with: the rest of the run would not be what
/// the file says.
pub(crate) fn refuse_changed_study(
    frozen: &Path,
    begun: &RunIdentity,
) -> Result<(), CommandFailure> {
    let what = match fs::read(frozen) {
        Ok(bytes) if ContentHash::of(&bytes) == begun.study_file => return Ok(()),
        Ok(bytes) => {
            let references = KnownThings::new(begun.study.design.platform_root.clone());
            let path = begun.study_folder.join("study.yaml");
            changes_of(
                &begun.study,
                read_study(&bytes, &path, &references).study.as_ref(),
            )
        }
        Err(error) => format!("it cannot be read: {error}"),
    };
    Err(CommandFailure::new(
        Exit::InvalidStudy,
        "N2-RUN-004",
        format!(
            "the run cannot go on: `{}` was changed since it began: {what}",
            frozen.display()
        ),
        "put it back as it was, or begin a new run with the study as it is now".to_owned(),
    ))
}

fn changes_of(was: &Study, is: Option<&Study>) -> String {
    let Some(is) = is else {
        return "it is no valid study any more".to_owned();
    };
    let value = |study| serde_json::to_value(study).unwrap_or_default();
    let changes = differences(&value(was), &value(is));
    match changes.as_slice() {
        [] => "only comments or layout differ".to_owned(),
        _ => changes.join(", "),
    }
}

/// Finds everything that a begun run needs again, and refuses when any of it has changed since: the rest
/// of the run would not compare with what is there.
pub(crate) fn prepare_again(
    begun: &RunIdentity,
    shared: &Path,
) -> Result<Prepared, CommandFailure> {
    let (prepared, changes) = prepare_anew(begun, shared)?;
    let changes: Vec<String> = changes.tools.into_iter().chain(changes.files).collect();
    if changes.is_empty() {
        return Ok(prepared);
    }
    Err(CommandFailure::new(
        Exit::InvalidStudy,
        "N2-RUN-004",
        format!(
            "the run cannot go on: changed since it began: {}",
            changes.join(", ")
        ),
        "put these back as they were, or begin a new run".to_owned(),
    ))
}

/// What of a begun run is not any more what it was, each in words.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    /// Engines and what ECOs start.
    pub tools: Vec<String>,
    /// Files that are read, and ECOs.
    pub files: Vec<String>,
    /// The tools that are here.
    pub used_tools: Vec<ToolIdentity>,
}

/// Finds everything that a begun run needs again, and says what of it has changed since.
pub(crate) fn prepare_anew(
    begun: &RunIdentity,
    shared: &Path,
) -> Result<(Prepared, Changes), CommandFailure> {
    let prepared = prepare_study(&begun.study, begun.study_file, &begun.study_folder, shared)?;
    let now = &prepared.identity;
    let mut changes = Changes {
        used_tools: now.tools.clone(),
        ..Changes::default()
    };
    for tool in &begun.tools {
        let same = |other: &&ToolIdentity| other.name == tool.name && other.content == tool.content;
        if now.tools.iter().find(same).is_none() {
            let text = format!("the tool {} ({})", tool.name, tool.path.display());
            changes.tools.push(text);
        }
    }
    for input in &begun.inputs {
        let same = |other: &&noodle2_model::InputFile| {
            other.role == input.role && other.content == input.content
        };
        if now.inputs.iter().find(same).is_none() {
            let text = format!("{} ({})", input.path.display(), input.role);
            changes.files.push(text);
        }
    }
    for (name, eco) in &begun.ecos {
        if now.ecos.get(name).map(|eco| eco.content) != Some(eco.content) {
            changes.files.push(format!("the ECO {name}"));
        }
    }
    let prepared = Prepared {
        identity: begun.clone(),
        ..prepared
    };
    Ok((prepared, changes))
}
