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
use noodle2_exec::CancelToken;
use noodle2_model::{AttemptId, ContentHash, DesignState, FailureClass, Outcome};
use noodle2_store::{StoreError, create_folder, hash_file};

use super::prepare::{Prepared, Refusal, prepare, refuse_other_version};
use super::scratch::Scratch;
use super::travel::{Given, Header, RunnerOrder, RunnerResult};
use crate::exit::Exit;
use crate::run::carrier::{Carried, Place, failed};
use crate::run::order::ParentOrder;

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
                let header: Header = serde_json::from_value(header).map_err(|error| {
                    let text = format!("the header of the run cannot be read: {error}");
                    Refusal::new("N2-RAY-002", text, "use one version of noodle2 everywhere")
                })?;
                self.prepare(&header, Scratch::new(&scratch), &slot, slots_on_node)?
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
        header: &Header,
        scratch: Scratch,
        slot: &str,
        slots_on_node: u32,
    ) -> Result<Prepared, End> {
        refuse_other_version(header)?;
        let work = scratch.work_folder(slot).map_err(Refusal::of_node)?;
        let files: Vec<Given> = header.all_files().cloned().collect();
        self.bring(&scratch, &files)??;
        Ok(prepare(header, scratch, work, slot, slots_on_node)?)
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
        let wanted: Vec<Given> = (prepared.inputs.iter().chain(&told.designs).cloned()).collect();
        let carried = match self.bring(&prepared.scratch, &wanted)? {
            Ok(()) => prepared.carry(&told, &token),
            Err(Refusal { code, message, .. }) => Carried {
                outcome: failed(FailureClass::WorkerLost, format!("{code}: {message}")),
                ..Carried::refused(String::new(), jiff::Timestamp::now())
            },
        };
        let said = said(&carried.outcome);
        let failed = matches!(carried.outcome, Outcome::Failed(_));
        let designs = told.designs.iter();
        let result = RunnerResult {
            carried,
            shared_files: prepared.files(),
            designs: designs.map(|given| prepared.scratch.place(given)).collect(),
        };
        let result = serde_json::to_value(result).map_err(Refusal::of_node)?;
        let folder = prepared.folder_of(&told);
        let (files, links) = left_in(&folder).map_err(Refusal::of_node)?;
        self.say(&FromRunner::Done {
            attempt,
            result,
            said,
            failed,
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

    /// The netlist of a design with its other files beside it. Files of several lie where their content says; those of a
    /// placed design are linked into a folder of its own.
    fn design_of(&self, given: &[Given], parent: &ParentOrder) -> PathBuf {
        let place_of = |hash: ContentHash| {
            let found = given.iter().find(|given| given.hash == hash);
            found.map_or_else(PathBuf::new, |given| self.scratch.place(given))
        };
        if parent.design.placement.is_none() {
            return place_of(parent.design.netlist);
        }
        let key = parent.design.files().map(|(_, hash)| hash.to_string());
        let key = ContentHash::of(key.collect::<Vec<String>>().join(" "));
        let folder = self.work.path.join("designs").join(key.short());
        if create_folder(&folder).is_ok() {
            for (name, hash) in parent.design.files() {
                // One that is there already is the same one.
                let _ = std::os::unix::fs::symlink(place_of(hash), folder.join(name));
            }
        }
        folder.join(DesignState::NETLIST)
    }

    /// Carries an attempt out. What fails for this node's sake counts as a lost worker.
    fn carry(&self, told: &RunnerOrder, token: &CancelToken) -> Carried {
        let began = jiff::Timestamp::now();
        let folder = self.folder_of(told);
        let netlist_of = |parent: &ParentOrder| self.design_of(&told.designs, parent);
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

fn make_folders(files: &[GivenFile]) -> Result<(), StoreError> {
    for file in files {
        if let Some(folder) = file.path.parent() {
            create_folder(folder)?;
        }
    }
    Ok(())
}

/// What an attempt came to, for people.
fn said(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Measured(_) => "measured".to_owned(),
        Outcome::NoEffect => "no effect".to_owned(),
        Outcome::Failed(failure) => format!("failed: {}: {}", failure.class, failure.message),
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
                let hash = hash_file(&path)?;
                files.push(LeftFile { path: name, hash });
            }
        }
    }
    files.sort_by(|one, other| one.path.cmp(&other.path));
    links.sort_by(|one, other| one.path.cmp(&other.path));
    Ok((files, links))
}
