//! The runner: `noodle2 runner`, on a node of a cluster. Carries attempts out, one at a time, with engines that it keeps
//! loaded between them.
//!
//! It hears its slot on stdin and answers on stdout. The end of stdin ends it, with everything that it started; so
//! nothing outlives a slot, whatever ended that.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};

use noodle2_bridge::{
    FromRunner, GivenFile, LeftFile, LeftLink, PROTOCOL, ToRunner, read_frame, write_frame,
};
use noodle2_engine::{Catalogue, Eco, Platform, Preparation, StudyContext};
use noodle2_exec::{CancelToken, Guard, Hosts};
use noodle2_liberty::LibraryCache;
use noodle2_model::{
    AttemptId, ContentHash, EngineKind, FailureClass, InputFile, Outcome, Parasitics, Study,
    ToolIdentity,
};
use noodle2_store::{StoreError, create_folder, hash_file};

use super::scratch::{Scratch, WorkFolder};
use super::travel::{Given, Header, RunnerOrder, RunnerResult};
use crate::exit::Exit;
use crate::run::carrier::{Carried, Carrier, Place, failed};
use crate::run::forking::Forking;
use crate::run::order::ParentOrder;
use crate::tools;

/// Why this node cannot run the study.
struct Refusal {
    code: &'static str,
    message: String,
    help: String,
}

impl Refusal {
    fn new(code: &'static str, message: String, help: &str) -> Self {
        Self {
            code,
            message,
            help: help.to_owned(),
        }
    }

    /// Something of this node failed that says nothing about the study.
    fn of_node(message: impl std::fmt::Display) -> Self {
        Self::new("N2-RAY-006", message.to_string(), "look at this node")
    }
}

/// Why a runner ends before its slot lets it go.
enum End {
    /// Its slot is gone.
    Unheard,
    Refused(Refusal),
}

impl From<Refusal> for End {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// Serves the slot on stdin and stdout until it is gone.
pub(crate) fn serve() -> Exit {
    let (sender, heard) = channel();
    let current = Arc::new(Mutex::new(None));
    let for_reader = Arc::clone(&current);
    let reader = std::thread::Builder::new()
        .name("slot".to_owned())
        .spawn(move || listen(&sender, &for_reader));
    if reader.is_err() {
        return Exit::Internal;
    }
    let slot = Slot { heard, current };
    match slot.serve() {
        Ok(()) | Err(End::Unheard) => Exit::Done,
        Err(End::Refused(refusal)) => {
            let Refusal {
                code,
                message,
                help,
            } = refusal;
            let _ = slot.say(&FromRunner::Refused {
                code: code.to_owned(),
                message,
                help,
            });
            Exit::Findings
        }
    }
}

/// The attempt that is being carried out, with what stops it.
type Current = Arc<Mutex<Option<(AttemptId, CancelToken)>>>;

/// Hears the slot. What stops an attempt is obeyed at once, everything else in its turn.
fn listen(sender: &Sender<ToRunner>, current: &Current) {
    let mut pipe = io::stdin().lock();
    let stop = |wanted: Option<AttemptId>, kill: bool| {
        let current = current.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((attempt, token)) = &*current
            && wanted.is_none_or(|wanted| wanted == *attempt)
        {
            if kill { token.kill() } else { token.cancel() }
        }
    };
    while let Ok(Some(message)) = read_frame(&mut pipe) {
        match &message {
            ToRunner::Cancel { attempt, kill } => stop(Some(*attempt), *kill),
            // Before anything that stops it can be heard.
            ToRunner::Order { attempt, .. } => {
                let mut current = current.lock().unwrap_or_else(PoisonError::into_inner);
                *current = Some((*attempt, CancelToken::new()));
            }
            _ => {}
        }
        if sender.send(message).is_err() {
            return;
        }
    }
    stop(None, true);
}

struct Slot {
    heard: Receiver<ToRunner>,
    current: Current,
}

/// What is prepared for the run.
struct Prepared {
    carrier: Carrier,
    scratch: Scratch,
    work: WorkFolder,
    /// What every attempt reads.
    inputs: Vec<Given>,
}

impl Slot {
    fn serve(&self) -> Result<(), End> {
        let prepared = match self.next()? {
            ToRunner::Open {
                protocol: PROTOCOL,
                header,
                scratch,
                slot,
                slots_on_node,
            } => {
                let header = serde_json::from_value(header).map_err(|error| {
                    let text = format!("the header of the run cannot be read: {error}");
                    Refusal::new("N2-RAY-002", text, "use one version of noodle2 everywhere")
                })?;
                self.prepare(header, Scratch::new(&scratch), &slot, slots_on_node)?
            }
            _ => {
                let text = format!("the slot does not speak version {PROTOCOL} of the protocol");
                let help = "install the noodle2_ray that came with this noodle2";
                return Err(Refusal::new("N2-RAY-002", text, help).into());
            }
        };
        self.say(&FromRunner::Ready {
            noodle2_version: env!("CARGO_PKG_VERSION").to_owned(),
        })?;
        loop {
            match self.next()? {
                ToRunner::Order { attempt, order } => self.attempt(&prepared, attempt, order)?,
                ToRunner::Forget { attempt } => {
                    let folder = prepared.attempt_folder(attempt);
                    // What is left goes with the work folder.
                    let _ = std::fs::remove_dir_all(folder);
                }
                // One of an attempt that has ended by now.
                ToRunner::Cancel { .. } => {}
                ToRunner::Open { .. } | ToRunner::Have => return Err(End::Unheard),
            }
        }
    }

    fn next(&self) -> Result<ToRunner, End> {
        self.heard.recv().map_err(|_| End::Unheard)
    }

    fn say(&self, message: &FromRunner) -> Result<(), End> {
        let mut pipe = io::stdout().lock();
        write_frame(&mut pipe, message).map_err(|_| End::Unheard)?;
        pipe.flush().map_err(|_| End::Unheard)
    }

    /// Has the slot bring what is lacking of these files. What cannot be had is no end of this runner by itself.
    fn bring(&self, scratch: &Scratch, files: &[Given]) -> Result<Result<(), Refusal>, End> {
        let lacking = |files: &[Given]| {
            scratch.lacking(files).map_err(|text| {
                Refusal::new(
                    "N2-RAY-007",
                    text,
                    "see that every node has the shared folder",
                )
            })
        };
        let wanted = match lacking(files) {
            Ok(wanted) if wanted.is_empty() => return Ok(Ok(())),
            Ok(wanted) => wanted,
            Err(refusal) => return Ok(Err(refusal)),
        };
        if let Err(error) = make_folders(&wanted) {
            return Ok(Err(Refusal::of_node(error)));
        }
        self.say(&FromRunner::Needs { files: wanted })?;
        loop {
            match self.next()? {
                ToRunner::Have => break,
                ToRunner::Cancel { .. } | ToRunner::Forget { .. } => {}
                _ => return Err(End::Unheard),
            }
        }
        Ok(lacking(files).and_then(|lacking| match lacking.first() {
            None => Ok(()),
            Some(file) => {
                let text = format!(
                    "`{}` did not arrive as it was sent: its content is not {}",
                    file.path.display(),
                    file.hash.short()
                );
                Err(Refusal::new(
                    "N2-RAY-011",
                    text,
                    "look at the disk of this node",
                ))
            }
        }))
    }

    fn prepare(
        &self,
        header: Header,
        scratch: Scratch,
        slot: &str,
        slots_on_node: u32,
    ) -> Result<Prepared, End> {
        if header.noodle2_version != env!("CARGO_PKG_VERSION") {
            let text = format!(
                "the controller is noodle2 {}, this runner is {}",
                header.noodle2_version,
                env!("CARGO_PKG_VERSION")
            );
            let help = "use one version of noodle2 everywhere";
            return Err(Refusal::new("N2-RAY-002", text, help).into());
        }
        let work = scratch.work_folder(slot).map_err(Refusal::of_node)?;
        let inputs: Vec<Given> = header.all_files().cloned().collect();
        self.bring(&scratch, &inputs)??;
        let catalogue = catalogue(&header, &scratch, &work.path)?;
        let study = study_here(&header, &scratch);
        let engine = engine(&header.tools)?;
        programs(&header, &catalogue)?;
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
            return Err(Refusal::new("N2-RAY-007", text.to_owned(), help).into());
        }
        // Slots are called after their run.
        let mark = slot.to_owned();
        let forking = forking(&header, &context, &mark, &work.path, slots_on_node);
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

    fn attempt(
        &self,
        prepared: &Prepared,
        attempt: AttemptId,
        order: serde_json::Value,
    ) -> Result<(), End> {
        let current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let token = current.as_ref().map(|(_, token)| token.clone());
        let token = token.unwrap_or_default();
        drop(current);
        let told: RunnerOrder = serde_json::from_value(order).map_err(|error| {
            let text = format!("the order of attempt {attempt} cannot be read: {error}");
            Refusal::new("N2-RAY-002", text, "use one version of noodle2 everywhere")
        })?;
        let wanted: Vec<Given> = (prepared.inputs.iter().chain(&told.netlists).cloned()).collect();
        let carried = match self.bring(&prepared.scratch, &wanted)? {
            Ok(()) => prepared.carry(&told, &token),
            Err(Refusal { code, message, .. }) => Carried {
                outcome: failed(FailureClass::WorkerLost, format!("{code}: {message}")),
                ..Carried::refused(String::new(), jiff::Timestamp::now())
            },
        };
        let netlists = told.netlists.iter();
        let result = RunnerResult {
            said: said(&carried.outcome),
            carried,
            shared_files: prepared.files(),
            netlists: netlists
                .map(|given| prepared.scratch.place(given))
                .collect(),
        };
        let result = serde_json::to_value(result).map_err(Refusal::of_node)?;
        let folder = prepared.folder_of(&told);
        let (files, links) = left_in(&folder).map_err(Refusal::of_node)?;
        self.say(&FromRunner::Done {
            attempt,
            result,
            folder: told.folder.is_none().then_some(folder),
            files,
            links,
        })
    }
}

impl Prepared {
    fn attempt_folder(&self, attempt: AttemptId) -> PathBuf {
        self.work.path.join("attempts").join(attempt.to_string())
    }

    fn folder_of(&self, told: &RunnerOrder) -> PathBuf {
        let own = || self.attempt_folder(told.order.attempt);
        told.folder.clone().unwrap_or_else(own)
    }

    fn files(&self) -> Vec<PathBuf> {
        let files = self.carrier.context.files().into_iter();
        files.map(Path::to_owned).collect()
    }

    /// Carries an attempt out. What fails for this node's sake counts as a lost worker.
    fn carry(&self, told: &RunnerOrder, token: &CancelToken) -> Carried {
        let began = jiff::Timestamp::now();
        let folder = self.folder_of(told);
        let netlists = &told.netlists;
        let netlist_of = |parent: &ParentOrder| {
            let given = netlists.iter().find(|given| given.hash == parent.netlist);
            given.map_or_else(PathBuf::new, |given| self.scratch.place(given))
        };
        let place = Place {
            folder: &folder,
            netlist_of: &netlist_of,
        };
        if !told.may_fork {
            self.carrier.forking.end();
        }
        let carried =
            create_folder(&folder).and_then(|()| self.carrier.carry(&told.order, &place, token));
        let mut carried = carried.unwrap_or_else(|error| {
            let outcome = match token.is_cancelled() {
                true => failed(FailureClass::Interrupted, error.to_string()),
                false => failed(FailureClass::WorkerLost, error.to_string()),
            };
            Carried {
                outcome,
                ..Carried::refused(String::new(), began)
            }
        });
        if let Outcome::Failed(failure) = &mut carried.outcome
            && failure.class == FailureClass::DiskFull
            && told.folder.is_none()
        {
            // Of this node's disk, which is not where the run is written.
            failure.class = FailureClass::WorkerLost;
        }
        carried
    }
}

impl Header {
    /// Every file that the runner reads, whatever the attempt.
    fn all_files(&self) -> impl Iterator<Item = &Given> {
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

fn make_folders(files: &[GivenFile]) -> Result<(), StoreError> {
    for file in files {
        if let Some(folder) = file.path.parent() {
            create_folder(folder)?;
        }
    }
    Ok(())
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
fn catalogue(header: &Header, scratch: &Scratch, work: &Path) -> Result<Catalogue, End> {
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

/// The engine of the run, on this node: where the controller's machine has it, or by its name on the PATH.
fn engine(tools: &[ToolIdentity]) -> Result<noodle2_engine::OpenSta, End> {
    let wanted = tools
        .iter()
        .find(|tool| tool.engine == Some(EngineKind::Opensta));
    let Some(wanted) = wanted else {
        let text = "the run names no engine".to_owned();
        return Err(Refusal::new("N2-RAY-007", text, "begin the run anew").into());
    };
    let path = same_program(wanted)?;
    tools::probe_engine(Some(&path)).map_err(|failure| {
        Refusal::new(
            "N2-RAY-007",
            failure.report.to_string(),
            "look at the engine of this node",
        )
        .into()
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
fn programs(header: &Header, catalogue: &Catalogue) -> Result<(), End> {
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
            return Err(Refusal::new("N2-RAY-007", text, help).into());
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

/// What an attempt came to, in a word or two.
fn said(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Measured(_) => "measured".to_owned(),
        Outcome::NoEffect => "no effect".to_owned(),
        Outcome::Failed(failure) => format!("failed: {}", failure.class),
    }
}

/// Every file and link below a folder.
fn left_in(folder: &Path) -> Result<(Vec<LeftFile>, Vec<LeftLink>), StoreError> {
    let (mut files, mut links) = (Vec::new(), Vec::new());
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        let entries = std::fs::read_dir(&next).into_iter().flatten().flatten();
        for entry in entries {
            let path = entry.path();
            let Ok(kind) = entry.file_type() else {
                continue;
            };
            let name = path.strip_prefix(folder).unwrap_or(&path);
            // A name that is no UTF-8 cannot be told; what a tool hides so is not kept.
            let Some(name) = name.to_str().map(str::to_owned) else {
                continue;
            };
            if kind.is_dir() {
                folders.push(path);
            } else if kind.is_symlink() {
                let target = std::fs::read_link(&path).unwrap_or_default();
                let target = target.to_string_lossy().into_owned();
                links.push(LeftLink { path: name, target });
            } else if kind.is_file() {
                let size = entry.metadata().map_or(0, |metadata| metadata.len());
                let hash = hash_file(&path)?;
                files.push(LeftFile {
                    path: name,
                    hash,
                    size,
                });
            }
        }
    }
    files.sort_by(|one, other| one.path.cmp(&other.path));
    links.sort_by(|one, other| one.path.cmp(&other.path));
    Ok((files, links))
}
