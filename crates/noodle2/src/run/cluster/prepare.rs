//! What a runner prepares for a run: the study with its files where they lie on this node, the engine, the ECOs, and the
//! proof that it would measure what the controller's machine would.

use std::path::{Path, PathBuf};

use noodle2_engine::{Catalogue, Eco, Engine, Platform, Preparation, StudyContext};
use noodle2_exec::{Guard, Hosts};
use noodle2_liberty::LibraryCache;
use noodle2_model::{ContentHash, InputFile, Parasitics, Study, ToolIdentity};
use noodle2_store::{StoreError, create_folder, hash_file};

use super::scratch::{Scratch, WorkFolder};
use super::travel::{Given, Header};
use crate::run::carrier::Carrier;
use crate::run::forking::Forking;
use crate::tools;

/// Why this node cannot run the study.
pub(super) struct Refusal {
    pub code: &'static str,
    pub message: String,
    pub help: String,
}

impl Refusal {
    pub fn new(code: &'static str, message: String, help: &str) -> Self {
        Self {
            code,
            message,
            help: help.to_owned(),
        }
    }

    /// Something of this node failed that says nothing about the study.
    pub fn of_node(message: impl std::fmt::Display) -> Self {
        Self::new("N2-RAY-006", message.to_string(), "look at this node")
    }
}

/// What is prepared for the run.
pub(super) struct Prepared {
    pub carrier: Carrier,
    pub scratch: Scratch,
    pub work: WorkFolder,
    /// What every attempt reads.
    pub inputs: Vec<Given>,
}

/// Refuses a controller of another version.
pub(super) fn refuse_other_version(header: &Header) -> Result<(), Refusal> {
    if header.noodle2_version != env!("CARGO_PKG_VERSION") {
        let text = format!(
            "the controller is noodle2 {}, this runner is {}",
            header.noodle2_version,
            env!("CARGO_PKG_VERSION")
        );
        let help = "use one version of noodle2 everywhere";
        return Err(Refusal::new("N2-RAY-002", text, help));
    }
    Ok(())
}

/// Prepares for a run whose files have been brought.
///
/// # Errors
/// Why this node cannot run the study.
pub(super) fn prepare(
    header: &Header,
    scratch: Scratch,
    work: WorkFolder,
    slot: &str,
    slots_on_node: u32,
) -> Result<Prepared, Refusal> {
    let catalogue = catalogue(header, &scratch, &work.path)?;
    let study = study_here(header, &scratch);
    lay_out_platform(header, &scratch, &work.path).map_err(Refusal::of_node)?;
    let engine = engine(&study, &header.tools)?;
    programs(header, &catalogue)?;
    let platform = match &header.platform {
        Some(given) => scratch.place(given).display().to_string(),
        None => study.design.platform.clone(),
    };
    let platform = Platform::load(&platform, Some(&work.path)).map_err(Refusal::of_node)?;
    let cache = LibraryCache::new(scratch.libraries()).map_err(Refusal::of_node)?;
    let shared_folder = work.path.join("inputs");
    let context = StudyContext::prepare(&Preparation {
        study: &study,
        study_folder: &work.path,
        platform: &platform,
        engine: &engine,
        cache: &cache,
        shared_folder: &shared_folder,
    })
    .map_err(|problems| {
        let problems = problems.iter().map(ToString::to_string);
        Refusal::of_node(problems.collect::<Vec<_>>().join("; "))
    })?;
    if context.measurement_context() != header.measurement_context {
        let text = "this node would measure something else than the controller's machine: the engine, the platform, or \
                    how they are read differ";
        let help = "use one version of everything everywhere";
        return Err(Refusal::new("N2-RAY-007", text.to_owned(), help));
    }
    // Slots are called after their run.
    let mark = slot.to_owned();
    let forking = forking(header, &context, &mark, &work.path, slots_on_node);
    let inputs_here = header.inputs.iter().map(|(role, given)| InputFile {
        role: role.clone(),
        path: scratch.place(given),
        content: given.hash,
    });
    Ok(Prepared {
        carrier: Carrier {
            context,
            catalogue,
            inputs: inputs_here.collect(),
            study,
            mark,
            forking,
        },
        scratch,
        work,
        // Libraries of a shared folder are read once, by whoever loads them; all else where it lies, each time.
        inputs: header.read_each_time().cloned().collect(),
    })
}

impl Header {
    /// Every file that the runner reads, whatever the attempt.
    pub fn all_files(&self) -> impl Iterator<Item = &Given> {
        let inputs = self.inputs.iter().map(|(_, given)| given);
        inputs
            .chain(&self.platform)
            .chain(self.ecos.values().flatten())
    }

    /// The files that attempts read again, or that somebody may remove meanwhile.
    fn read_each_time(&self) -> impl Iterator<Item = &Given> {
        let inputs = self.inputs.iter();
        let inputs =
            inputs.filter(|(role, given)| given.shared.is_none() || !role.starts_with("liberty:"));
        inputs.map(|(_, given)| given)
    }
}

/// The study with its files where they lie here.
fn study_here(header: &Header, scratch: &Scratch) -> Study {
    let mut study = header.study.clone();
    let of_role = |role: &str| {
        let inputs = header.inputs.iter();
        let inputs = inputs.filter(move |(found, _)| *found == role);
        inputs
            .map(|(_, given)| scratch.place(given))
            .collect::<Vec<_>>()
    };
    study.design.netlists = of_role("netlist");
    study.engine.snapshot = of_role("snapshot").pop();
    for scene in &mut study.scenes {
        scene.sdc = of_role(&format!("sdc:{}", scene.name));
        if let (Parasitics::Spef(path), Some(here)) = (
            &mut scene.parasitics,
            of_role(&format!("spef:{}", scene.name)).pop(),
        ) {
            *path = here;
        }
        let libraries = of_role(&format!("liberty:{}", scene.name)).into_iter();
        scene.liberty = libraries.map(|path| path.display().to_string()).collect();
    }
    study
}

/// The ECOs of the run, those that are not built in laid out for this runner.
fn catalogue(header: &Header, scratch: &Scratch, work: &Path) -> Result<Catalogue, Refusal> {
    let all = work.join("ecos");
    for (name, files) in &header.ecos {
        let folder = all.join(name);
        create_folder(&folder).map_err(Refusal::of_node)?;
        for given in files {
            let copied = std::fs::copy(scratch.place(given), folder.join(&given.name));
            copied.map_err(Refusal::of_node)?;
        }
    }
    let path = if header.ecos.is_empty() {
        Vec::new()
    } else {
        vec![all]
    };
    let catalogue = Catalogue::load(&path).map_err(|problems| {
        let problems = problems.iter().map(ToString::to_string);
        Refusal::of_node(problems.collect::<Vec<_>>().join("; "))
    })?;
    Ok(catalogue)
}

/// Lays the files of a platform that are named relative to its root out as they lie there.
fn lay_out_platform(header: &Header, scratch: &Scratch, root: &Path) -> Result<(), StoreError> {
    for (role, given) in &header.inputs {
        let kinds = ["lef:", "rc:", "tracks:"];
        let file = kinds.iter().find_map(|kind| role.strip_prefix(kind));
        let Some(place) = file.map(|file| root.join(file)) else {
            continue;
        };
        if let Some(folder) = place.parent() {
            create_folder(folder)?;
        }
        // One that is there already is the same one.
        let _ = std::os::unix::fs::symlink(scratch.place(given), place);
    }
    Ok(())
}

/// The engine of the run, on this node: in its container, where the controller's machine has it, or by its name on the
/// PATH.
fn engine(study: &Study, tools: &[ToolIdentity]) -> Result<Engine, Refusal> {
    let wanted = tools
        .iter()
        .find(|tool| tool.engine == Some(study.engine.kind));
    let Some(wanted) = wanted else {
        let text = "the run names no engine".to_owned();
        return Err(Refusal::new("N2-RAY-007", text, "begin the run anew"));
    };
    let path = match study.engine.container {
        Some(_) => study.engine.path.clone(),
        None => Some(same_program(wanted)?),
    };
    tools::probe_engine(&study.engine, path.as_deref()).map_err(|failure| {
        Refusal::new(
            "N2-RAY-007",
            failure.report.to_string(),
            "look at the engine of this node",
        )
    })
}

/// Where this node has the very program that the controller's machine has.
fn same_program(wanted: &ToolIdentity) -> Result<PathBuf, Refusal> {
    let name = wanted
        .path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy();
    let found = [
        Some(wanted.path.clone()),
        noodle2_engine::find_program(&name),
    ];
    let found: Vec<PathBuf> = found
        .into_iter()
        .flatten()
        .filter(|path| path.is_file())
        .collect();
    let same = |path: &&PathBuf| hash_file(path).is_ok_and(|hash| hash == wanted.content);
    if let Some(path) = found.iter().find(same) {
        return Ok(path.clone());
    }
    let text = match found.first() {
        None => format!("this node has no `{name}`, which the run needs"),
        Some(path) => format!(
            "`{}` is another program than the controller's machine has: its content is {}, not {}",
            path.display(),
            hash_file(path).map_or("unreadable".to_owned(), |hash: ContentHash| hash.short()),
            wanted.content.short()
        ),
    };
    let help = "install the same build on every node";
    Err(Refusal::new("N2-RAY-007", text, help))
}

/// Sees that this node has the programs which ECOs start.
fn programs(header: &Header, catalogue: &Catalogue) -> Result<(), Refusal> {
    let wanted = || header.tools.iter().filter(|tool| tool.engine.is_none());
    for tool in wanted() {
        same_program(tool)?;
    }
    if wanted().next().is_none() {
        return Ok(());
    }
    let ecos = header.study.stages.iter().flat_map(|stage| &stage.ecos);
    let names = ecos.flat_map(noodle2_model::StageEco::components);
    let ecos: Vec<&Eco> = names.filter_map(|(name, _)| catalogue.get(name)).collect();
    let here = tools::programs_of(ecos.into_iter())
        .map_err(|failure| Refusal::new("N2-RAY-007", failure.report.to_string(), "install it"))?;
    for tool in here {
        if !wanted().any(|wanted| wanted.content == tool.content) {
            let text = format!(
                "`{}`, which an ECO starts, is another program than the controller's machine has",
                tool.path.display()
            );
            let help = "install the same build on every node";
            return Err(Refusal::new("N2-RAY-007", text, help));
        }
    }
    Ok(())
}

fn forking(
    header: &Header,
    context: &StudyContext,
    mark: &str,
    work: &Path,
    slots_on_node: u32,
) -> Forking {
    if header.cold || !context.can_fork() {
        return Forking::default();
    }
    let free = || noodle2_exec::available_memory_bytes() / 2;
    let bytes = header.engine_memory_bytes.unwrap_or_else(free);
    let guard = Guard::new(mark, "engines");
    let share = bytes / u64::from(slots_on_node.max(1));
    match Hosts::start(&guard, &work.join("engines"), share) {
        Ok(hosts) => Forking::new(
            Some(hosts),
            header.study.engine.audit_share(),
            header.study.seed,
        ),
        Err(_) => Forking::default(),
    }
}
