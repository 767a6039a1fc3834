//! `noodle2 run` and `noodle2 resume`.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use noodle2_control::Controller;
use noodle2_model::{
    AttemptUsage, ContentHash, Event, Failure, FailureClass, Outcome, RunIdentity, RunStatus,
    StopCause,
};
use noodle2_store::{
    ArtifactIndex, JournalWriter, RunFolder, WritableRun, create_folder, open_for_append,
    write_atomic,
};
use noodle2_view::{History, Summary, count_text, report_text};

use crate::cli::{Format, PriorsOption, StudyOption, WorkersOption};
use crate::commands::inspect::history_of;
use crate::exit::{CommandFailure, Exit};
use crate::print;
use crate::priors;
use crate::record;
use crate::run::{
    AskingPlace, AttemptRunner, Driver, DriverError, EngineRunner, RunEnd, Spending, Watch, took,
};
use crate::shell;
use crate::study::{self, Prepared};

/// Runs a study into a new folder.
pub(crate) fn run(
    option: &StudyOption,
    out: &Path,
    workers: &WorkersOption,
    store: &PriorsOption,
    format: Format,
) -> Result<Exit, CommandFailure> {
    let loaded = study::load(option)?;
    loaded.refuse_illegal()?;
    let writable = RunFolder::create(out)?;
    let folder = writable.folder.clone();
    let prepared = prepare_in(&folder, |shared| {
        let mut prepared = study::prepare(&loaded, shared)?;
        priors::warm(&mut prepared.identity, store)?;
        Ok(prepared)
    })
    .inspect_err(|_| drop(std::fs::remove_dir_all(folder.inputs())))?;
    // The bytes that were read, not those that the file holds by now.
    write_atomic(&folder.study(), &loaded.bytes)?;
    let legality = record::legality_text(&prepared.identity);
    write_atomic(&folder.legality(), legality)?;
    let mut journal = JournalWriter::create(&folder.journal())?;
    let manner = Manner::new(workers, store, format);
    let count = manner.workers;
    let created = vec![
        Event::RunCreated {
            identity: Box::new(prepared.identity.clone()),
        },
        Event::WorkersOffered { workers: count },
    ];
    let controller = begin(&prepared.identity, &created)?;
    append(&mut journal, created)?;
    let spending = Spending::new(&prepared.identity.study.budget, 0.0, 0.0);
    go_on(writable, prepared, controller, journal, spending, &manner)
}

/// Goes on with a run.
pub(crate) fn resume(
    run: &Path,
    workers: &WorkersOption,
    store: &PriorsOption,
    format: Format,
) -> Result<Exit, CommandFailure> {
    let manner = Manner::new(workers, store, format);
    let writable = RunFolder::open_for_writing(run)?;
    let folder = writable.folder.clone();
    let reopened = open_for_append(&folder.journal())?;
    if let Some(cut) = &reopened.cut {
        print::talk(&format!(
            "the journal ended in a torn record: {} from byte {} on cut and kept in {}",
            count_text(cut.length as usize, "byte"),
            cut.offset,
            cut.saved_to.display()
        ));
    }
    if !writable.removed.is_empty() {
        print::talk(&format!(
            "removed what the former controller had not finished writing: {} files",
            writable.removed.len()
        ));
    }
    let mut journal = reopened.writer;
    let history = match History::new(&record::events_of(&reopened.records)) {
        Ok(history) => history,
        // Read once more for the sake of its message.
        Err(_) => history_of(&folder)?,
    };
    record::refuse_missing_records(&folder, &reopened.records, history.controller())?;
    study::refuse_changed_study(&folder.study(), history.controller().program().identity())?;
    let mut controller = history.controller().clone();
    if controller.recorded_digest().is_some() {
        print::talk("the run has ended already; nothing is left to do");
        return conclude(&folder, &history, &manner);
    }
    let prepared = prepare_in(&folder, |shared| {
        study::prepare_again(controller.program().identity(), shared)
    })?;
    for killed in noodle2_exec::sweep(&mark_of(&folder, &journal)?) {
        print::talk(&format!(
            "ended a process that was left running: {} (process {}, attempt {})",
            killed.command_line, killed.pid, killed.attempt
        ));
    }
    let count = manner.workers;
    let mut events = vec![Event::RunResumed, Event::WorkersOffered { workers: count }];
    events.extend(
        controller
            .running_attempts()
            .iter()
            .map(|attempt| Event::AttemptFinished {
                attempt: *attempt,
                outcome: Box::new(Outcome::Failed(Failure {
                    class: FailureClass::Interrupted,
                    tool_code: None,
                    message: "the controller was gone before the attempt ended".to_owned(),
                    excerpt: String::new(),
                })),
                usage: AttemptUsage::default(),
            }),
    );
    for event in &events {
        controller.apply(event).map_err(CommandFailure::internal)?;
    }
    append(&mut journal, events)?;
    let spending = Spending::new(
        &prepared.identity.study.budget,
        history.cpu_s(),
        history.makespan_s(),
    );
    go_on(writable, prepared, controller, journal, spending, &manner)
}

/// Prepares a study with the run's folder of shared inputs, and seals that folder.
fn prepare_in(
    folder: &RunFolder,
    prepare: impl FnOnce(&Path) -> Result<Prepared, CommandFailure>,
) -> Result<Prepared, CommandFailure> {
    let shared = folder.inputs();
    create_folder(&shared)?;
    let prepared = prepare(&shared);
    // Also where it was refused: what was written is there, and the index must say so.
    ArtifactIndex::seal(&shared)?;
    prepared
}

/// How the person wants the run to go.
struct Manner<'a> {
    workers: u32,
    quiet: bool,
    format: Format,
    /// Where evidence is kept.
    priors: &'a PriorsOption,
}

impl<'a> Manner<'a> {
    fn new(option: &WorkersOption, priors: &'a PriorsOption, format: Format) -> Self {
        let cores = || std::thread::available_parallelism().map_or(1, |cores| cores.get() as u32);
        Self {
            workers: option.workers.unwrap_or_else(cores),
            quiet: option.quiet,
            format,
            priors,
        }
    }
}

fn begin(identity: &RunIdentity, events: &[Event]) -> Result<Controller, CommandFailure> {
    let mut controller = Controller::new(identity.clone()).map_err(CommandFailure::internal)?;
    for event in events {
        controller.apply(event).map_err(CommandFailure::internal)?;
    }
    Ok(controller)
}

fn append(journal: &mut JournalWriter, events: Vec<Event>) -> Result<(), CommandFailure> {
    let now = Timestamp::now();
    let timed: Vec<(Timestamp, Event)> = events.into_iter().map(|event| (now, event)).collect();
    Ok(journal.append(&timed)?)
}

/// What marks the processes of a run among all processes of this machine: the run, and its very folder. It goes
/// with a folder that is moved; a copy, which is another folder, never sweeps what belongs to the original.
fn mark_of(folder: &RunFolder, journal: &JournalWriter) -> Result<String, CommandFailure> {
    let run = journal
        .run_id()
        .ok_or_else(|| CommandFailure::internal("a run without a record has no mark"))?;
    let found = std::fs::metadata(folder.root()).map_err(CommandFailure::internal)?;
    Ok(ContentHash::of(format!("{run} {}", found.ino())).short())
}

fn go_on(
    writable: WritableRun,
    prepared: Prepared,
    controller: Controller,
    journal: JournalWriter,
    spending: Spending,
    manner: &Manner<'_>,
) -> Result<Exit, CommandFailure> {
    let folder = writable.folder.clone();
    let asking = AskingPlace {
        study: prepared.identity.study_folder.clone(),
        run: folder.root().to_owned(),
        mark: mark_of(&folder, &journal)?,
        limits: prepared.identity.study.limits.clone(),
    };
    let runner = EngineRunner {
        folder: folder.clone(),
        context: prepared.context,
        catalogue: prepared.catalogue,
        identity: prepared.identity,
        mark: mark_of(&folder, &journal)?,
    };
    for case in controller.cases().values() {
        runner.keep_case(case)?;
    }
    let mut watch = Watch::new(manner.quiet);
    let driver = Driver {
        controller,
        journal,
        runner: Arc::new(runner),
        spending,
        workers: manner.workers as usize,
        asking,
    };
    let end = driver.work(&mut watch);
    drop(watch);
    match end {
        Ok(RunEnd::Finished(_)) => {}
        Ok(RunEnd::Interrupted(cause)) => print::talk(&interruption(&folder, cause)),
        // Nothing that is not in the journal was acted on, so whatever the cause, the run can go on.
        Err(DriverError::Store(error)) => {
            let report = CommandFailure::from(error).report;
            let exit = Exit::Interrupted;
            return Err(CommandFailure { exit, report });
        }
        Err(error) => return Err(CommandFailure::internal(error)),
    }
    let history = history_of(&folder)?;
    let exit = conclude(&folder, &history, manner)?;
    drop(writable.lock);
    Ok(exit)
}

fn interruption(folder: &RunFolder, cause: StopCause) -> String {
    let why = match cause {
        StopCause::DiskFull => {
            "N2-RUN-003: no space is left where the run is written; make room, then"
        }
        _ => "interrupted;",
    };
    format!(
        "{why} go on with: noodle2 resume {}",
        shell::word(folder.root())
    )
}

/// Writes what people read of the run, and prints it.
fn conclude(
    folder: &RunFolder,
    history: &History,
    manner: &Manner<'_>,
) -> Result<Exit, CommandFailure> {
    let summary = Summary::new(history);
    for (path, text) in record::documents(folder, history)? {
        write_atomic(&path, text)?;
    }
    match manner.format {
        Format::Json => print::json(&summary)?,
        Format::Text => print::data(&report_text(history, &summary)),
    }
    priors::keep(folder, history, manner.priors);
    print::talk(&format!(
        "everything lies in {} ({} of work)",
        folder.root().display(),
        took(history.makespan_s())
    ));
    Ok(match history.controller().status() {
        RunStatus::Completed => Exit::Done,
        RunStatus::Blocked => Exit::Blocked,
        RunStatus::Stopped => Exit::Stopped,
        RunStatus::Running | RunStatus::Interrupted => Exit::Interrupted,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_of_a_run_goes_with_its_folder_and_is_no_copys() {
        let scratch = tempfile::tempdir().unwrap();
        let place = |name: &str| scratch.path().join(name);
        let run = RunFolder::create(&place("run")).unwrap();
        let mut journal = JournalWriter::create(&run.folder.journal()).unwrap();
        assert!(mark_of(&run.folder, &journal).is_err());
        append(&mut journal, vec![Event::RunResumed]).unwrap();
        let mark = mark_of(&run.folder, &journal).unwrap();
        drop((run, journal));

        let mark_at = |name: &str| {
            let run = RunFolder::open_for_writing(&place(name)).unwrap();
            let journal = open_for_append(&run.folder.journal()).unwrap().writer;
            mark_of(&run.folder, &journal).unwrap()
        };
        std::fs::rename(place("run"), place("moved")).unwrap();
        assert_eq!(mark_at("moved"), mark);
        std::fs::create_dir(place("copy")).unwrap();
        let of = |name: &str| place(name).join("journal.ndjson");
        std::fs::copy(of("moved"), of("copy")).unwrap();
        assert_ne!(mark_at("copy"), mark);
    }
}
