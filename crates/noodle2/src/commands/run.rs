//! `noodle2 run` and `noodle2 resume`.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use jiff::Timestamp;
use noodle2_control::Controller;
use noodle2_model::{
    AttemptUsage, ContentHash, Event, Failure, FailureClass, Notification, Outcome, RunIdentity,
    RunStatus, StageIndex, StopCause,
};
use noodle2_store::{
    ArtifactIndex, JournalWriter, RunFolder, WritableRun, create_folder, open_and_fold, sync_all,
    write_atomic,
};
use noodle2_view::{Folding, History, Pulse, Summary, SummaryStatus, count_text, report_text};

use crate::cli::{CacheOption, Format, PeopleOption, PriorsOption, StudyOption};
use crate::commands::cache::cache_of;
use crate::commands::ended::ended_text;
use crate::commands::executors::Resources;
use crate::commands::inspect::{folded, history_of};
use crate::exit::{CommandFailure, Exit};
use crate::print;
use crate::priors;
use crate::record;
use crate::run::{
    AskingPlace, Driver, DriverError, Herald, Keeper, Known, People, RunEnd, Spending, TraceTarget,
    Tracing, Watch, took,
};
use crate::shell;
use crate::study::{self, Prepared};

/// Runs a study into a new folder.
pub(crate) fn run(
    option: &StudyOption,
    out: &Path,
    resources: &Resources,
    people: &PeopleOption,
    stores: &Stores,
    format: Format,
) -> Result<Exit, CommandFailure> {
    let manner = Manner::new(resources, people, stores, Some(format))?;
    begin_new(option, out, &manner)
}

/// The same, for a command that tells what came of it itself.
pub(crate) fn run_untold(
    option: &StudyOption,
    out: &Path,
    resources: &Resources,
    people: &PeopleOption,
    stores: &Stores,
) -> Result<Exit, CommandFailure> {
    let manner = Manner::new(resources, people, stores, None)?;
    begin_new(option, out, &manner)
}

fn begin_new(
    option: &StudyOption,
    out: &Path,
    manner: &Manner<'_>,
) -> Result<Exit, CommandFailure> {
    let (resources, stores) = (manner.resources, manner.stores);
    resources.check(out)?;
    let loaded = study::load(option)?;
    loaded.refuse_illegal()?;
    let writable = RunFolder::create(out)?;
    let folder = writable.folder.clone();
    let prepared = prepare_in(&folder, |shared| {
        let mut prepared = study::prepare(&loaded, shared)?;
        priors::warm(&mut prepared.identity, &stores.priors)?;
        Ok(prepared)
    })
    .inspect_err(|_| drop(std::fs::remove_dir_all(folder.inputs())))?;
    // The bytes that were read, not those that the file holds by now.
    write_atomic(&folder.study(), &loaded.bytes)?;
    let legality = record::legality_text(&prepared.identity);
    write_atomic(&folder.legality(), legality)?;
    let mut journal = JournalWriter::create(&folder.journal())?;
    let created = vec![Event::RunCreated {
        identity: Box::new(prepared.identity.clone()),
    }];
    let controller = begin(&prepared.identity, &created)?;
    let mut pulse = Pulse::default();
    pulse.note(Timestamp::now(), &controller, &created[0]);
    append(&mut journal, created)?;
    let spending = Spending::new(&prepared.identity.study.budget);
    let begun = Begun {
        writable,
        controller,
        journal,
        spending,
        requested: BTreeMap::new(),
        pulse,
        is_resumed: false,
    };
    go_on(begun, prepared, manner)
}

/// Goes on with a run.
pub(crate) fn resume(
    run: &Path,
    resources: &Resources,
    people: &PeopleOption,
    stores: &Stores,
    format: Format,
) -> Result<Exit, CommandFailure> {
    let manner = Manner::new(resources, people, stores, Some(format))?;
    resources.check(run)?;
    let writable = RunFolder::open_for_writing(run)?;
    let folder = writable.folder.clone();
    let told = record::Told::read(&folder);
    let mut folding = Folding::default();
    let mut pulse = Pulse::default();
    let mut has_told = false;
    let reopened = open_and_fold(&folder.journal(), |record| {
        has_told |= told.as_ref().is_some_and(|told| told.is_of(record.at));
        folding.add(record.at, &record.event);
        if let Some(history) = folding.history() {
            pulse.note(record.at, history.controller(), &record.event);
        }
    })?;
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
    let history = folded(&folder, folding)?;
    let told = told.and_then(|told| told.missing(reopened.records, has_told, history.controller()));
    record::refuse_missing_records(&folder, told, history.controller())?;
    study::refuse_changed_study(&folder.study(), history.controller().program().identity())?;
    if history.controller().recorded_digest().is_some() {
        print::talk(&ended_text(&history, run));
        return conclude(&folder, &history, &manner);
    }
    let prepared = prepare_in(&folder, |shared| {
        study::prepare_again(history.controller().program().identity(), shared)
    })?;
    for killed in noodle2_exec::sweep(&mark_of(&folder, &journal)?) {
        print::talk(&format!(
            "ended a process that was left running: {} (process {}, attempt {})",
            killed.command_line, killed.pid, killed.attempt
        ));
    }
    let spending = Spending::resumed(&history);
    let open = history.controller().open_approvals();
    let requested = open.filter_map(|stage| Some((stage, history.approval_requested_at(stage)?)));
    let requested = requested.collect();
    let mut controller = history.into_controller();
    let mut events = vec![Event::RunResumed];
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
                cache: None,
            }),
    );
    for event in &events {
        controller.apply(event).map_err(CommandFailure::internal)?;
        pulse.note(Timestamp::now(), &controller, event);
    }
    append(&mut journal, events)?;
    let begun = Begun {
        requested,
        pulse,
        writable,
        controller,
        journal,
        spending,
        is_resumed: true,
    };
    go_on(begun, prepared, &manner)
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

/// What outlasts runs, and where it is kept.
#[derive(Debug)]
pub(crate) struct Stores {
    /// Evidence.
    pub priors: PriorsOption,
    /// Known results.
    pub cache: CacheOption,
}

/// How the person wants the run to go.
struct Manner<'a> {
    resources: &'a Resources,
    /// How what came of it is printed; not at all where the command does that itself.
    format: Option<Format>,
    exit_when_waiting: bool,
    notify: Vec<Notification>,
    /// The collector that the trace of the run goes to.
    traces: Option<TraceTarget>,
    stores: &'a Stores,
}

/// A run that this process may work on.
struct Begun {
    writable: WritableRun,
    controller: Controller,
    journal: JournalWriter,
    spending: Spending,
    /// When approvals that are open were asked for.
    requested: BTreeMap<StageIndex, Timestamp>,
    pulse: Pulse,
    is_resumed: bool,
}

impl<'a> Manner<'a> {
    fn new(
        resources: &'a Resources,
        people: &PeopleOption,
        stores: &'a Stores,
        format: Option<Format>,
    ) -> Result<Self, CommandFailure> {
        let traces = people.traces.traces.as_deref();
        Ok(Self {
            traces: traces.map(TraceTarget::of).transpose()?,
            resources,
            format,
            exit_when_waiting: people.exit_when_waiting,
            notify: people
                .notify
                .iter()
                .map(|target| receiver(target))
                .collect(),
            stores,
        })
    }
}

/// Whom a word of the command line means: an address, or a program, relative to where the command was given.
fn receiver(target: &str) -> Notification {
    let is_address = ["https://", "http://", "${"]
        .iter()
        .any(|start| target.starts_with(start));
    let (command, webhook) = if is_address {
        (None, Some(target.to_owned()))
    } else if target.contains('/') {
        let path = std::path::absolute(target);
        let path = path.map_or_else(|_| target.to_owned(), |path| path.display().to_string());
        (Some(vec![path]), None)
    } else {
        (Some(vec![target.to_owned()]), None)
    };
    Notification {
        command,
        webhook,
        ..Notification::default()
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

fn go_on(begun: Begun, prepared: Prepared, manner: &Manner<'_>) -> Result<Exit, CommandFailure> {
    let folder = begun.writable.folder.clone();
    let called = shell::word(folder.root());
    let traces = manner.traces.as_ref();
    let traces = traces.map(|target| Tracing::begin(&folder, target));
    let herald = Herald::new(
        &prepared.identity,
        &folder,
        &manner.notify,
        traces.transpose()?,
    );
    let herald = Arc::new(herald);
    for problem in herald.problems() {
        print::talk(&format!(
            "N2-RUN-018: nobody will be told by {problem}; the run goes on all the same"
        ));
    }
    let mark = mark_of(&folder, &begun.journal)?;
    let asking = AskingPlace {
        study: prepared.identity.study_folder.clone(),
        run: folder.root().to_owned(),
        mark: mark.clone(),
        limits: prepared.identity.study.limits.clone(),
    };
    let known = match (cache_of(&manner.stores.cache), begun.journal.run_id()) {
        (Some(cache), Some(run)) => Some(Known::new(cache, &prepared.identity, run)?),
        _ => None,
    };
    let keeper = Keeper {
        folder: folder.clone(),
        catalogue: prepared.catalogue.clone(),
        identity: prepared.identity.clone(),
        known,
        forks_differ: AtomicBool::new(false),
    };
    let (executor, memory_bytes) = manner.resources.executor(prepared, keeper, &mark)?;
    let cases = begun.controller.cases().values();
    for case in cases.filter(|case| begun.controller.is_kept(&case.name)) {
        record::lay_out_case(&folder, &begun.controller, case)?;
    }
    let mut watch = Watch::new(manner.resources.workers.quiet, begun.pulse, called.clone());
    let workers = executor.offers();
    let driver = Driver {
        controller: begun.controller,
        journal: begun.journal,
        folder: folder.clone(),
        executor,
        spending: begun.spending,
        memory_bytes,
        told_oversized: false,
        asking,
        people: People::new(&folder, begun.requested)?,
        herald: Arc::clone(&herald),
        exit_when_waiting: manner.exit_when_waiting,
    };
    herald.start(begun.is_resumed, workers);
    let end = driver.work(&mut watch);
    drop(watch);
    let concluded = end_of(&folder, end, &called, manner, &herald);
    if let Some(herald) = Arc::into_inner(herald) {
        let (told, sent) = herald.finish();
        if told.undelivered > 0 {
            print::talk(&format!(
                "N2-RUN-018: {} of {} could not be delivered; kept in {}",
                told.undelivered,
                count_text(told.delivered + told.undelivered, "notification"),
                folder.undelivered().display()
            ));
        }
        if let Some(sent) = sent.filter(|sent| sent.lost > 0) {
            print::talk(&format!(
                "N2-TRACE-003: {} of {} did not reach {} ({}); send all with: noodle2 traces {called} --to ADDRESS",
                sent.lost,
                count_text(sent.taken + sent.lost, "span"),
                sent.collector,
                sent.reason.as_deref().unwrap_or("for an unknown reason")
            ));
        }
    }
    drop(begun.writable.lock);
    concluded
}

/// What is left to do once no controller works on the run any more.
fn end_of(
    folder: &RunFolder,
    end: Result<RunEnd, DriverError>,
    called: &str,
    manner: &Manner,
    herald: &Herald,
) -> Result<Exit, CommandFailure> {
    if let Err(error) = &end {
        herald.fail(error);
    }
    match end {
        Ok(RunEnd::Finished(_)) => {}
        Ok(RunEnd::Interrupted(cause)) => print::talk(&interruption(folder, cause)),
        Ok(RunEnd::Waiting) => print::talk(&format!(
            "what is left waits for the approval of people; go on after that with: noodle2 resume {called}"
        )),
        // Nothing that is not in the journal was acted on, so whatever the cause, the run can go on.
        Err(DriverError::Store(error)) => {
            let report = CommandFailure::from(error).report;
            let exit = Exit::Interrupted;
            return Err(CommandFailure { exit, report });
        }
        Err(error) => return Err(CommandFailure::internal(error)),
    }
    let history = history_of(folder)?;
    herald.end(&history);
    conclude(folder, &history, manner)
}

fn interruption(folder: &RunFolder, cause: StopCause) -> String {
    let why = match cause {
        StopCause::ClusterLost => {
            "N2-RAY-009: the cluster is gone, or takes nothing; once that has changed,"
        }
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
    let controller = history.controller();
    for case in controller.cases().values() {
        // A controller may have been killed between the end of a stage and this.
        record::lay_out_case(folder, controller, case)?;
    }
    let summary = Summary::new(history);
    for (path, text) in record::documents(folder, history)? {
        write_atomic(&path, text)?;
    }
    sync_all(folder.root())?;
    match manner.format {
        None => {}
        Some(Format::Json) => print::json(&summary)?,
        Some(Format::Text) => {
            let named = history.clone().in_folder(shell::word(folder.root()));
            print::data(&report_text(&named, &summary));
        }
    }
    priors::keep(folder, history, &manner.stores.priors);
    if manner.format.is_some() {
        print::talk(&format!(
            "everything lies in {} ({} of work)",
            folder.root().display(),
            took(history.makespan_s())
        ));
    }
    if history.status() == SummaryStatus::Waiting {
        return Ok(Exit::Waiting);
    }
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
            let journal = open_and_fold(&run.folder.journal(), drop).unwrap().writer;
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
