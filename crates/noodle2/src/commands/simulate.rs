//! `noodle2 simulate`: a study on a virtual clock, for any number of workers. Writes no file.

use std::path::Path;

use noodle2_model::ContentHash;
use noodle2_simulate::{
    Durations, Faults, Options, Simulated, SimulationError, StageTrace, Trace, simulate as run_on,
};
use noodle2_view::{Table, bytes_text, count_text, seconds_text};
use serde::Serialize;

use crate::cli::{Format, SimulateOption};
use crate::commands::inspect::look_at;
use crate::exit::{CommandFailure, Exit};
use crate::print;
use crate::study;

/// What a simulation assumes unless it is told.
const ASSUMED: Durations = Durations::Constant(1.0);

/// More workers than any site has.
const MOST_WORKERS: usize = 1_000_000;

/// What `simulate` tells, as JSON.
#[derive(Debug, Serialize)]
struct Page {
    /// Always: nothing of this was run or measured.
    simulated: bool,
    study: String,
    seed: u64,
    stages: usize,
    /// What was assumed, in words.
    assumed: Vec<String>,
    /// Where the simulation differs from what the study asks for.
    notes: Vec<String>,
    runs: Vec<Row>,
}

/// One number of workers.
#[derive(Debug, Serialize)]
struct Row {
    #[serde(flatten)]
    trace: Trace,
    /// What it would take with a barrier between waves, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    barrier_makespan_s: Option<f64>,
}

/// What the options say, once they are read.
struct Order {
    workers: Vec<usize>,
    durations: Durations,
    faults: Faults,
}

/// `noodle2 simulate`.
pub(crate) fn simulate(option: &SimulateOption) -> Result<Exit, CommandFailure> {
    let order = read(option)?;
    let loaded = study::load(&option.study)?;
    loaded.refuse_illegal()?;
    let identity = loaded.identity_without_tools()?;
    let of = |barrier| Simulated::new(identity.clone(), barrier).map_err(CommandFailure::internal);
    let simulated = of(false)?;
    let behind_barrier = option.barrier.then(|| of(true)).transpose()?;
    let mut rows = Vec::new();
    let mut decisions: Option<ContentHash> = None;
    for &workers in &order.workers {
        let options = Options {
            workers,
            memory_bytes: option.memory_mib.map(|mib| mib.saturating_mul(1 << 20)),
            durations: &order.durations,
            faults: order.faults,
        };
        let trace = run_on(&simulated, &options).map_err(defect)?;
        // The rules promise it; a simulation that saw otherwise would be worth nothing.
        if trace.bound.is_some() {
            let known = *decisions.get_or_insert(trace.decisions.unwrap_or(ContentHash::of("")));
            if trace.decisions != Some(known) {
                return Err(CommandFailure::internal(format!(
                    "with {workers} workers other decisions were made than with fewer"
                )));
            }
        }
        let barrier = behind_barrier.as_ref();
        let barrier = barrier.map(|barrier| run_on(barrier, &options)).transpose();
        rows.push(Row {
            trace,
            barrier_makespan_s: barrier.map_err(defect)?.map(|trace| trace.makespan_s),
        });
    }
    let study = &identity.study;
    let page = Page {
        simulated: true,
        study: study.name.clone(),
        seed: study.seed,
        stages: study.stages.len(),
        assumed: assumptions(option, &order),
        notes: simulated.notes().to_vec(),
        runs: rows,
    };
    match option.format.format {
        Format::Json => print::json(&page)?,
        Format::Text => print::data(&page.text()),
    }
    Ok(Exit::Done)
}

fn defect(error: SimulationError) -> CommandFailure {
    CommandFailure::internal(error)
}

fn assumptions(option: &SimulateOption, order: &Order) -> Vec<String> {
    let durations = match &option.durations {
        Some(_) => order.durations.to_string(),
        None => format!("{}, since no `--durations` says otherwise", order.durations),
    };
    let mut assumed = vec![
        durations,
        order.faults.to_string(),
        "results are made up from the seed: setup gets up to 10 % better or 5 % worse, area and power 1 % either way"
            .to_owned(),
    ];
    if let Some(mib) = option.memory_mib {
        assumed.push(format!("attempts may hold {mib} MiB together"));
    }
    assumed
}

/// Reads the options, and tells all that is wrong with them.
fn read(option: &SimulateOption) -> Result<Order, CommandFailure> {
    let mut problems: Vec<(&str, String)> = Vec::new();
    let workers = workers_of(&option.workers);
    let workers = workers.map_err(|why| problems.push(("N2-SIM-001", why)));
    let durations = match &option.durations {
        None => Some(ASSUMED),
        Some(text) => match durations_of(text) {
            Ok(durations) => Some(durations),
            Err(DurationsTrouble::Text(why)) => {
                problems.push(("N2-SIM-002", why));
                None
            }
            // A run folder that cannot be read has a code of its own.
            Err(DurationsTrouble::Run(failure)) => return Err(failure),
        },
    };
    let faults = match &option.faults {
        None => Ok(Faults::default()),
        Some(text) => text.parse::<Faults>(),
    };
    let faults = faults.map_err(|error| {
        problems.push(("N2-SIM-003", format!("--faults: {error}")));
    });
    if let (Ok(workers), Some(durations), Ok(faults)) = (workers, durations, faults) {
        return Ok(Order {
            workers,
            durations,
            faults,
        });
    }
    let help = "noodle2 simulate --help".to_owned();
    Err(match problems.as_slice() {
        [(code, text)] => CommandFailure::new(Exit::Usage, *code, text, help),
        _ => {
            for (code, text) in &problems {
                print::talk(&format!("{code} {text}"));
            }
            let text = format!("{} wrong options, told above", problems.len());
            CommandFailure::new(Exit::Usage, "N2-SIM-000", text, help)
        }
    })
}

fn workers_of(text: &str) -> Result<Vec<usize>, String> {
    let numbers = text.split(',').map(|number| {
        let read = number.trim().parse::<usize>().ok();
        read.filter(|count| (1..=MOST_WORKERS).contains(count))
            .ok_or_else(|| {
                format!(
                    "--workers: `{number}` is no number of workers from 1 to {MOST_WORKERS}, as in `--workers 1,8,64`"
                )
            })
    });
    numbers.collect()
}

enum DurationsTrouble {
    Text(String),
    Run(CommandFailure),
}

/// A distribution, or what a run took: a run is told by its folder.
fn durations_of(text: &str) -> Result<Durations, DurationsTrouble> {
    let path = Path::new(text);
    if path.is_dir() {
        let (_, history) = look_at(path).map_err(DurationsTrouble::Run)?;
        return Durations::learned(history.controller())
            .map_err(|error| DurationsTrouble::Text(format!("--durations {text}: {error}")));
    }
    text.parse().map_err(|error| {
        DurationsTrouble::Text(format!("--durations: {error}, and no run folder is there"))
    })
}

impl Page {
    fn text(&self) -> String {
        let mut lines = vec![
            format!(
                "SIMULATED: study `{}` on a virtual clock. Nothing was run, and nothing here was measured.",
                self.study
            ),
            String::new(),
        ];
        lines.extend(self.assumed.iter().map(|told| format!("assumed: {told}")));
        lines.extend(self.notes.iter().map(|told| format!("note: {told}")));
        lines.push(String::new());
        lines.push(self.what_if());
        if let Some(Row { trace, .. }) = self.runs.last() {
            lines.push(detail(trace));
        }
        lines.join("\n")
    }

    fn what_if(&self) -> String {
        let mut titles = vec![
            ">workers",
            ">makespan",
            ">lower bound",
            ">ratio",
            ">utilisation",
            ">speed-up",
            ">CPU hours",
        ];
        let has_barrier = self.runs.iter().any(|row| row.barrier_makespan_s.is_some());
        if has_barrier {
            titles.extend([">with a barrier", ">longer by"]);
        }
        let mut table = Table::new(&titles);
        for Row {
            trace,
            barrier_makespan_s,
        } in &self.runs
        {
            let work_s = trace.bound.map(|bound| bound.work_s);
            let mut cells = vec![
                trace.workers.to_string(),
                seconds_text(trace.makespan_s),
                or_dash(trace.bound.map(|bound| seconds_text(bound.makespan_s))),
                or_dash(trace.ratio.map(|ratio| format!("{ratio:.3}"))),
                format!("{:.1} %", trace.utilisation * 100.0),
                or_dash(work_s.map(|work| format!("{:.1}", work / trace.makespan_s))),
                format!("{:.3}", trace.cpu_hours),
            ];
            if let Some(barrier) = barrier_makespan_s {
                cells.push(seconds_text(*barrier));
                let longer = (barrier / trace.makespan_s - 1.0) * 100.0;
                cells.push(format!("{longer:.1} %"));
            }
            table.row(cells);
        }
        table.text()
    }
}

fn or_dash(told: Option<String>) -> String {
    told.unwrap_or_else(|| "—".to_owned())
}

/// One run in full.
fn detail(trace: &Trace) -> String {
    let mut lines = vec![format!(
        "With {}, all of it simulated:",
        count_text(trace.workers, "worker")
    )];
    lines.push(match &trace.bound {
        Some(bound) => format!(
            "  critical path {}, work {}; the larger of the path and the work shared out is the lower bound",
            seconds_text(bound.critical_path_s),
            seconds_text(bound.work_s)
        ),
        None => "  a budget cut it short: there is no bound to tell".to_owned(),
    });
    let attempts = &trace.attempts;
    lines.push(format!(
        "  {} ({} to measure again, {} lost with their worker, {} called off)",
        count_text(attempts.started, "attempt"),
        attempts.measured_again,
        attempts.lost,
        attempts.called_off
    ));
    let trials = &trace.trials;
    let failed: usize = trials.failed.values().sum();
    let classes = trials.failed.iter();
    let classes: Vec<String> = classes
        .map(|(class, count)| format!("{count} {class}"))
        .collect();
    let classes = match classes.is_empty() {
        true => String::new(),
        false => format!(" ({})", classes.join(", ")),
    };
    lines.push(format!(
        "  {}: {} measured, {} without effect, {failed} failed{classes}, {} cancelled; {} of them count for nothing",
        count_text(trials.proposed, "trial"),
        trials.measured,
        trials.no_effect,
        trials.cancelled,
        trials.discarded
    ));
    if let Some(bytes) = trace.peak_memory_bytes {
        lines.push(format!(
            "  at most {} held at once, if what attempts hold adds up",
            bytes_text(bytes)
        ));
    }
    lines.push(String::new());
    lines.push(stages(&trace.stages));
    lines.join("\n")
}

fn stages(stages: &[StageTrace]) -> String {
    let mut table = Table::new(&[
        "stage",
        ">start",
        ">end",
        ">trials",
        ">work",
        ">survivors",
        "end",
    ]);
    for stage in stages {
        table.row([
            stage.name.clone(),
            or_dash(stage.started_s.map(seconds_text)),
            or_dash(stage.ended_s.map(seconds_text)),
            stage.trials.to_string(),
            seconds_text(stage.work_s),
            stage.survivors.to_string(),
            match &stage.cause {
                Some(cause) => format!("{}: {cause}", stage.end),
                None => stage.end.to_owned(),
            },
        ]);
    }
    table.text()
}
