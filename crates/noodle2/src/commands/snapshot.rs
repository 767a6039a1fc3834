//! `noodle2 snapshot`: the placed design that a study on OpenROAD starts from.

use std::path::{Path, PathBuf};

use noodle2_engine::{SnapshotMade, SnapshotOptions, TrialRequest};
use noodle2_exec::{CancelToken, Guard, run_command};
use noodle2_model::{
    CommandSpec, DesignGuard, DesignState, EngineKind, InputFile, Measurement, Metric, Outcome,
    TrialId,
};
use noodle2_store::{write_atomic, write_whole};
use noodle2_view::{Table, metric_text};
use serde::Serialize;

use crate::cli::{Format, SnapshotCommand, SnapshotCreateOption, StudyOption};
use crate::exit::{CommandFailure, Exit};
use crate::print;
use crate::study::{self, Loaded};

/// How a snapshot was made, kept beside it.
#[derive(Serialize)]
struct Record<'a> {
    schema_version: u32,
    noodle2_version: &'static str,
    #[serde(flatten)]
    made: &'a SnapshotMade,
    inputs: &'a [InputFile],
}

/// `noodle2 snapshot`.
pub(crate) fn snapshot(command: &SnapshotCommand) -> Result<Exit, CommandFailure> {
    match command {
        SnapshotCommand::Create(option) => create(option),
        SnapshotCommand::Check { study, format } => check(study, format.format),
    }
}

fn refuse(exit: Exit, code: &str, text: String, help: &str) -> CommandFailure {
    CommandFailure::new(exit, code, text, help.to_owned())
}

fn create(option: &SnapshotCreateOption) -> Result<Exit, CommandFailure> {
    let loaded = study::load_without_snapshot(&option.study)?;
    let named = snapshot_of(&loaded)?;
    if named.exists() && !option.force {
        return Err(refuse(
            Exit::Usage,
            "N2-SNAPSHOT-001",
            format!("`{}` is there already", named.display()),
            "use it, or give `--force` to replace it",
        ));
    }
    let platform = study::platform_of(&loaded.study, &loaded.folder)
        .map_err(|error| study::several([(error.code(), error.to_string())]))?;
    let layout = platform
        .layout()
        .map_err(|error| study::several([(error.code(), error.to_string())]))?;
    let range = layout.utilisation_percent;
    let utilisation = option.utilisation.unwrap_or((range.min + range.max) / 2.0);
    if !(range.min..=range.max).contains(&utilisation) {
        return Err(refuse(
            Exit::Usage,
            "N2-SNAPSHOT-002",
            format!(
                "a utilisation of {utilisation} % is not within what the platform `{}` permits: {} to {} %",
                platform.declaration.name, range.min, range.max
            ),
            "give another `--utilisation`, or a platform file of your own",
        ));
    }
    let sound = option
        .density
        .is_none_or(|share| share > 0.0 && share <= 1.0)
        && option.aspect_ratio > 0.0
        && option.aspect_ratio.is_finite()
        && option.core_space >= 0.0
        && option.core_space.is_finite();
    if !sound {
        return Err(refuse(
            Exit::Usage,
            "N2-SNAPSHOT-003",
            "a density is above 0 and at most 1, an aspect ratio above 0, a space not below 0"
                .to_owned(),
            "`noodle2 snapshot create --help` tells what each means",
        ));
    }
    let options = SnapshotOptions {
        utilisation_percent: utilisation,
        density: option.density,
        aspect_ratio: option.aspect_ratio,
        core_space_um: option.core_space,
        remove_buffers: option.remove_buffers,
    };
    let scratch = scratch()?;
    let bare = loaded.without_snapshot();
    let prepared = study::prepare(&bare, &scratch.path().join("shared"))?;
    let folder = scratch.path().join("place");
    let made = prepared
        .context
        .create_snapshot(options, &folder, &mut run_here())
        .map_err(|failure| {
            // What the tool said is worth more than what is left of it here.
            let kept = keep_log(&folder, &named);
            refuse(
                Exit::Blocked,
                "N2-SNAPSHOT-004",
                format!(
                    "the design could not be placed: {}: {}\n{}",
                    failure.class, failure.message, failure.excerpt
                ),
                &kept,
            )
        })?;
    keep(&folder, &named, &made, prepared.context.inputs())?;
    let check = &made.check;
    print::talk(&format!(
        "wrote {}: {} cells, utilisation {}, {} overlaps, {} off their rows",
        named.display(),
        check.cells,
        check
            .utilisation
            .map_or("unknown".to_owned(), |share| format!(
                "{:.1} %",
                100.0 * share
            )),
        check.overlaps.count,
        check.off_grid.count
    ));
    print::talk("next: noodle2 snapshot check, then noodle2 run");
    Ok(Exit::Done)
}

/// Where the study says that its snapshot lies.
fn snapshot_of(loaded: &Loaded) -> Result<PathBuf, CommandFailure> {
    let engine = &loaded.study.engine;
    match (&engine.snapshot, engine.kind) {
        (Some(path), EngineKind::Openroad) => Ok(loaded.folder.join(path)),
        _ => Err(refuse(
            Exit::Usage,
            "N2-SNAPSHOT-005",
            format!(
                "the engine `{}` of the study starts from no snapshot",
                engine.kind
            ),
            "write `engine: {kind: openroad, snapshot: placed.odb}`",
        )),
    }
}

fn scratch() -> Result<tempfile::TempDir, CommandFailure> {
    tempfile::tempdir().map_err(|error| {
        let text = format!("no temporary folder can be made: {error}");
        study::several([("N2-RUN-006", text)])
    })
}

fn run_here() -> impl FnMut(&CommandSpec) -> noodle2_model::CommandReport {
    let guard = Guard::new("snapshot", std::process::id());
    let never = CancelToken::new();
    move |spec| run_command(spec, &guard, &never)
}

/// Keeps the log of what failed beside where the snapshot would be; says where.
fn keep_log(folder: &Path, named: &Path) -> String {
    let place = named.with_extension("failed.log");
    match std::fs::copy(folder.join("place.log"), &place) {
        Ok(_) => format!("its log is kept in `{}`", place.display()),
        Err(_) => "it left no log".to_owned(),
    }
}

/// Lays the files of a snapshot out beside each other; the one that the study names comes last.
fn keep(
    folder: &Path,
    named: &Path,
    made: &SnapshotMade,
    inputs: &[InputFile],
) -> Result<(), CommandFailure> {
    let record = Record {
        schema_version: 1,
        noodle2_version: env!("CARGO_PKG_VERSION"),
        made,
        inputs,
    };
    let text = serde_json::to_string_pretty(&record).expect("plain data is always JSON");
    write_whole(&named.with_extension("json"), text + "\n")?;
    let files = [
        ("place.tcl", "tcl"),
        ("place.log", "log"),
        (DesignState::NETLIST, "v"),
        (DesignState::DEF, "def"),
        (DesignState::DATABASE, "odb"),
    ];
    let is_named = |ending: &str| named.extension().is_some_and(|own| own == ending);
    let (last, first): (Vec<_>, Vec<_>) = (files.iter()).partition(|(_, ending)| is_named(ending));
    for (name, ending) in first.into_iter().chain(last) {
        let bytes = std::fs::read(folder.join(name)).map_err(|error| {
            CommandFailure::internal(format!("`{name}` of the placement cannot be read: {error}"))
        })?;
        write_atomic(&named.with_extension(ending), bytes)?;
    }
    Ok(())
}

fn check(option: &StudyOption, format: Format) -> Result<Exit, CommandFailure> {
    let loaded = study::load(option)?;
    let named = snapshot_of(&loaded)?;
    let scratch = scratch()?;
    let prepared = study::prepare(&loaded, &scratch.path().join("shared"))?;
    let folder = scratch.path().join("base");
    std::fs::create_dir_all(&folder).map_err(|error| {
        CommandFailure::internal(format!("`{}` cannot be made: {error}", folder.display()))
    })?;
    let stages = loaded.study.stages.iter();
    let request = TrialRequest {
        trial: TrialId::BASE,
        folder,
        netlists: prepared.context.base_netlists().to_vec(),
        of_case: true,
        parent: None,
        eco: None,
        seed: loaded.study.seed,
        guard: DesignGuard::default(),
        perturbation: None,
        mode: stages.map(|stage| stage.mode).max().unwrap_or_default(),
        audits_gain: loaded.study.audits_gains(),
    };
    let measured = match prepared.context.run_trial(&request, &mut run_here()) {
        Outcome::Measured(measured) => measured,
        Outcome::Failed(failure) => {
            return Err(refuse(
                Exit::Blocked,
                "N2-SNAPSHOT-006",
                format!(
                    "`{}` cannot be measured: {}: {}\n{}",
                    named.display(),
                    failure.class,
                    failure.message,
                    failure.excerpt
                ),
                "look at the failure, or make the snapshot anew with `noodle2 snapshot create`",
            ));
        }
        Outcome::NoEffect => {
            return Err(CommandFailure::internal("the base case was not measured"));
        }
    };
    tell(&measured, format)?;
    remark_utilisation(&loaded, &measured);
    let blocked = measured
        .findings
        .iter()
        .any(|finding| finding.kind.blocks());
    Ok(match blocked {
        true => Exit::Blocked,
        false => Exit::Done,
    })
}

/// Says where a design takes more or less of its rows than the platform is known to route well.
fn remark_utilisation(loaded: &Loaded, measured: &Measurement) {
    let platform = study::platform_of(&loaded.study, &loaded.folder);
    let layout = platform.as_ref().ok().and_then(|found| found.layout().ok());
    let (Some(layout), Some(percent)) = (layout, measured.overall.get(Metric::Utilisation)) else {
        return;
    };
    let range = layout.utilisation_percent;
    if !(range.min..=range.max).contains(&percent) {
        print::talk(&format!(
            "remark: {percent} % of the rows are used, and the platform is known to do well with {} to {} %",
            range.min, range.max
        ));
    }
}

fn tell(measured: &Measurement, format: Format) -> Result<(), CommandFailure> {
    if format == Format::Json {
        return print::json(measured);
    }
    let mut table = Table::new(&["metric", "value"]);
    for metric in Metric::ALL {
        if let Some(value) = measured.overall.get(*metric) {
            table.row([metric.name().to_owned(), metric_text(*metric, Some(value))]);
        }
    }
    print::data(&table.text());
    for finding in &measured.findings {
        let blocks = match finding.kind.blocks() {
            true => "blocks a run",
            false => "remark",
        };
        print::data(&format!("{blocks}: {}", finding.detail));
    }
    Ok(())
}
