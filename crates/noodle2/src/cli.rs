//! The command line: what can be asked of `noodle2`, with examples.

mod cache;
mod ci;
mod cluster;
mod compare;
mod export;
mod gc;
mod heatmap;
mod list;
mod openroad;
mod operations;
mod platform;
mod priors;
mod reference;
mod replay;
mod report;
mod serve;
mod simulate;
mod snapshot;
mod takeaway;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::engine::ArgValueCompleter;

pub(crate) use cache::{CacheCommand, CacheFolderOption, CacheOption};
pub(crate) use ci::CiOption;
pub(crate) use cluster::{ClusterOption, ExecutorKind, PythonOption};
pub(crate) use compare::CompareOption;
pub(crate) use export::{ExportFormat, ExportOption};
pub(crate) use gc::{GcOption, Keep};
pub(crate) use heatmap::{HeatmapOption, KindOption, MadeMap};
pub(crate) use list::{ListOption, SortBy, TagOption};
pub(crate) use openroad::OpenRoadLogOption;
pub(crate) use operations::{
    COMPLETE, ManOption, SendTracesOption, Shell, StatusFormat, TracesOption,
};
pub(crate) use platform::{PlatformAddOption, PlatformCheckOption, PlatformCommand};
pub(crate) use priors::{PriorsCommand, PriorsOption, SelectionOption};
pub(crate) use reference::ReferenceOption;
pub(crate) use replay::ReplayOption;
pub(crate) use report::{ReportFormat, ReportOption};
pub(crate) use serve::ServeOption;
pub(crate) use simulate::SimulateOption;
pub(crate) use snapshot::{SnapshotCommand, SnapshotCreateOption};
pub(crate) use takeaway::{DebugOption, RebuildOption};

/// Runs physical-design experiments as studies: safely, many at a time, with a record that can be checked.
#[derive(Debug, Parser)]
#[command(
    name = "noodle2",
    version,
    about,
    after_help = "Exit status:\n  0 done\n  1 findings\n  2 usage\n  3 invalid study\n  4 illegal study\n  \
                  5 base case blocked\n  6 stopped by a rail, or failed\n  7 interrupted, can be resumed\n  \
                  8 waits for approval, can be resumed\n  70 internal error\n\n\
                  Findings are told by verify, replay, rebuild, handover --check, minimize, ci, gc, eco list, eco lint, \
                  platform check, priors, openroad-log and doctor.\n\n\
                  Start with:\n  noodle2 init my-study && noodle2 run my-study/study.yaml --out runs/first"
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

/// How data is printed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    #[default]
    Text,
    /// For scripts.
    Json,
}

/// The unit of the times of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TimeUnit {
    /// Nanoseconds.
    Ns,
    /// Picoseconds.
    Ps,
}

impl TimeUnit {
    /// How many picoseconds it has, as a power of ten.
    pub fn in_ps(self) -> u8 {
        match self {
            Self::Ns => 3,
            Self::Ps => 0,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct FormatOption {
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

#[derive(Debug, Args)]
pub(crate) struct StudyOption {
    /// The study file.
    pub study: PathBuf,
    /// The folder that holds the platform's libraries, instead of what the study or NOODLE2_PDK_<NAME> says.
    #[arg(long, value_name = "FOLDER")]
    pub platform_root: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct WorkersOption {
    /// How many attempts run at once; the number of cores unless given, on a cluster all that fit.
    #[arg(long, short = 'j', value_name = "N", value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub workers: Option<u32>,
    /// Show no progress.
    #[arg(long, short)]
    pub quiet: bool,
    /// Whether attempts are forked from engines that are kept loaded, or each starts its own. Results are the same.
    #[arg(long, value_enum, default_value_t, value_name = "MODE")]
    pub engine_mode: EngineMode,
    /// Memory that loaded engines may hold together; half of what is free unless given.
    #[arg(long, value_name = "MIB")]
    pub engine_memory_mib: Option<u64>,
    /// Memory that the attempts which run at once may hold together, by what such attempts held before; what is free and
    /// not left to loaded engines unless given.
    #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u64).range(1..))]
    pub memory_mib: Option<u64>,
}

/// How attempts get their engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub(crate) enum EngineMode {
    /// Forked where the engine can be.
    #[default]
    Auto,
    /// Forked; the run is refused where the engine cannot be.
    Warm,
    /// Started anew for each.
    Cold,
}

#[derive(Debug, Args)]
pub(crate) struct PeopleOption {
    /// Leave the run when it can only wait for people, instead of waiting with it; `resume` goes on.
    #[arg(long)]
    pub exit_when_waiting: bool,
    /// Tell this of everything that happens, beside those whom the study names: an address of the web, in which
    /// ${NAME} stands for an environment variable, or a program. May be given several times.
    #[arg(long, value_name = "ADDRESS|PROGRAM")]
    pub notify: Vec<String>,
    #[command(flatten)]
    pub traces: TracesOption,
}

#[derive(Debug, Args)]
pub(crate) struct ApproveOption {
    /// The stage that waits, by name or index.
    #[arg(add = ArgValueCompleter::new(operations::gates))]
    pub gate: String,
    /// Your name, as the study writes it where it names people.
    #[arg(long, value_name = "NAME")]
    pub by: String,
    /// What you say of it; goes into the journal.
    #[arg(long, value_name = "TEXT")]
    pub note: Option<String>,
    /// Refuse it: the stage fails.
    #[arg(long)]
    pub refuse: bool,
    /// How many seconds to wait for the controller to take it in.
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    pub wait: u32,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Writes a small study that runs as it stands.
    #[command(after_help = "Example:\n  noodle2 init my-study --template branching")]
    Init {
        /// Where to write it; made when missing.
        #[arg(default_value = ".")]
        folder: PathBuf,
        /// Which shape of study.
        #[arg(long, value_enum, default_value_t)]
        template: Template,
    },
    /// Reads a study and says everything that is wrong with it; runs nothing.
    #[command(after_help = "Example:\n  noodle2 check study.yaml --format json")]
    Check {
        #[command(flatten)]
        study: StudyOption,
        #[command(flatten)]
        format: FormatOption,
    },
    /// Shows what a study would do: stages, waves, joins, critical path, budget, and how much of it is known.
    #[command(after_help = "Example:\n  noodle2 plan study.yaml")]
    Plan {
        #[command(flatten)]
        study: StudyOption,
        #[command(flatten)]
        cache: CacheOption,
        #[command(flatten)]
        format: FormatOption,
    },
    /// Tells how long a study would take with so many workers, on a virtual clock: runs nothing, writes nothing.
    #[command(
        after_help = "Examples:\n  noodle2 simulate study.yaml --workers 1,8,64 --durations lognormal:4,0.5\n  \
                      noodle2 simulate study.yaml --durations runs/first --faults crash=0.05,kill-worker=0.001\n  \
                      noodle2 simulate study.yaml --barrier --format json"
    )]
    Simulate(SimulateOption),
    /// Runs a study into a new run folder.
    #[command(
        after_help = "Ctrl-C once finishes the running trials and stops; twice kills them. Both can be resumed.\n\n\
                      Example:\n  noodle2 run study.yaml --out runs/first --workers 8"
    )]
    Run {
        #[command(flatten)]
        study: StudyOption,
        /// The run folder; must be new or empty.
        #[arg(long, value_name = "RUN")]
        out: PathBuf,
        #[command(flatten)]
        workers: WorkersOption,
        #[command(flatten)]
        people: PeopleOption,
        #[command(flatten)]
        priors: PriorsOption,
        #[command(flatten)]
        cache: CacheOption,
        #[command(flatten)]
        format: FormatOption,
        #[command(flatten)]
        cluster: ClusterOption,
    },
    /// Goes on with a run that was killed or interrupted; no finished trial runs again.
    #[command(after_help = "Example:\n  noodle2 resume runs/first")]
    Resume {
        /// The run folder.
        run: PathBuf,
        #[command(flatten)]
        workers: WorkersOption,
        #[command(flatten)]
        people: PeopleOption,
        #[command(flatten)]
        priors: PriorsOption,
        #[command(flatten)]
        cache: CacheOption,
        #[command(flatten)]
        format: FormatOption,
        #[command(flatten)]
        cluster: ClusterOption,
    },
    /// Approves or refuses a stage that waits for people.
    ///
    /// Works while the run goes on and while nobody works on it: then it counts when the run is resumed.
    #[command(
        after_help = "Examples:\n  noodle2 approve runs/first timing --by ann --note \"clocks looked at\"\n  \
                      noodle2 approve runs/first timing --by bob --refuse"
    )]
    Approve {
        /// The run folder.
        run: PathBuf,
        #[command(flatten)]
        answer: ApproveOption,
        #[command(flatten)]
        format: FormatOption,
    },
    /// Says how far a run is.
    #[command(
        after_help = "Examples:\n  noodle2 status runs/first\n  noodle2 status runs/first --watch\n  noodle2 status runs/first --format openmetrics"
    )]
    Status {
        /// The run folder.
        run: PathBuf,
        /// Show it on stderr as it goes on, until it ends or nobody works on it any more; then say how far it is.
        #[arg(long)]
        watch: bool,
        /// How to print.
        #[arg(long, value_enum, default_value_t)]
        format: StatusFormat,
    },
    /// Shows one case, trial or stage of a run.
    #[command(
        after_help = "Examples:\n  noodle2 show runs/first mac_2_14     a case and the trial that made it\n  \
                      noodle2 show runs/first timing       a stage, by name or index"
    )]
    Show {
        /// The run folder.
        run: PathBuf,
        /// A case (`mac_2_14`), a trial (`2_14`), or a stage by name or index.
        #[arg(add = ArgValueCompleter::new(operations::items))]
        item: String,
        #[command(flatten)]
        format: FormatOption,
    },
    /// Says why something ran, was not run, was stopped, chosen, dropped or contained; or what a code means.
    #[command(
        after_help = "Examples:\n  noodle2 explain runs/first mac_2_14      a case, or a trial as 2_14\n  \
                      noodle2 explain runs/first timing        a stage, by name or index\n  \
                      noodle2 explain runs/first branch:timing the branch that a stage belongs to\n  \
                      noodle2 explain runs/first buffer_fanout an ECO\n  \
                      noodle2 explain N2-LEGAL-001             a code\n  \
                      noodle2 explain blast_radius_exceeded    a kind of failure, a metric, a safety domain\n  \
                      noodle2 explain                          every word that is known"
    )]
    Explain {
        /// The run folder and what of it; or a word alone: a code, kind of failure, metric, domain or class of ECOs.
        #[arg(num_args = 0..=2, value_name = "RUN ITEM | WORD")]
        subject: Vec<String>,
        #[command(flatten)]
        format: FormatOption,
    },
    /// Says what may be wrong with a case, from its worst paths, and which ECOs are remedies.
    #[command(after_help = "Example:\n  noodle2 diagnose runs/first mac_0_0")]
    Diagnose {
        /// The run folder.
        run: PathBuf,
        /// A case (`mac_2_14`), or the trial that made it (`2_14`).
        #[arg(add = ArgValueCompleter::new(operations::cases))]
        case: String,
        #[command(flatten)]
        format: FormatOption,
    },
    /// Tells what a run came to: as text, Markdown, JSON, a table of its trials, or one HTML file with every picture.
    #[command(
        after_help = "Examples:\n  noodle2 report runs/first\n  noodle2 report runs/first --format html --out report.html"
    )]
    Report(ReportOption),
    /// Shows runs in a browser, while they go on and after.
    #[command(after_help = "Examples:\n  noodle2 serve runs\n  noodle2 serve runs/first --port 0")]
    Serve(ServeOption),
    /// Puts two cases, stages, branches or runs side by side: where they part, what each gained, what it cost.
    #[command(
        after_help = "Examples:\n  noodle2 compare runs/first best base\n  noodle2 compare runs/first branch:timing branch:area\n  \
                      noodle2 compare runs/first runs/second\n  noodle2 compare runs/first:best runs/second:best --lineage"
    )]
    Compare(CompareOption),
    /// Writes a run as tables that pandas and DuckDB read, or its metrics under the names of METRICS2.1.
    #[command(after_help = "Examples:\n  noodle2 export runs/first --to tables\n  \
                      noodle2 export runs/first --to tables --format ndjson --tables trials,cases\n  \
                      noodle2 export runs/first --to metrics --format metrics21")]
    Export(ExportOption),
    /// Says what of runs that ended can go to make room, and with --delete removes it; `verify` still holds.
    #[command(
        after_help = "Examples:\n  noodle2 gc runs\n  noodle2 gc runs/first --keep survivors --delete"
    )]
    Gc(GcOption),
    /// Lists the runs below a folder: how each stands, what it found, what it cost; damaged ones with what is wrong.
    #[command(
        after_help = "Examples:\n  noodle2 list runs\n  noodle2 list runs --state completed --since 7d --sort cpu\n  \
                      noodle2 list --tag keep --format json"
    )]
    List(ListOption),
    /// Gives a run tags, or takes them from it; its record stays as it is.
    #[command(
        after_help = "Examples:\n  noodle2 tag runs/first keep tapeout-3\n  noodle2 tag runs/first --remove keep"
    )]
    Tag(TagOption),
    /// Prints which case came from which.
    #[command(after_help = "Example:\n  noodle2 lineage runs/first --format svg > lineage.svg")]
    Lineage {
        /// The run folder.
        run: PathBuf,
        /// In which form.
        #[arg(long, value_enum, default_value_t)]
        format: LineageFormat,
        /// Every case, not only survivors and their ancestors.
        #[arg(long)]
        all: bool,
    },
    /// Checks a run's record: the chain of the journal, every decision, the digest, every file, and what is told of
    /// the run against what the journal gives.
    #[command(after_help = "Example:\n  noodle2 verify runs/first")]
    Verify {
        /// The run folder.
        run: PathBuf,
        #[command(flatten)]
        format: FormatOption,
    },
    /// Writes the edits that lead from the base case to a case as the ECO script of a tool.
    #[command(
        after_help = "Examples:\n  noodle2 handover runs/first mac_2_14 --for innovus --out mac_eco.tcl\n  \
                      noodle2 handover runs/first mac_2_14 --for opensta --check"
    )]
    Handover {
        /// The run folder.
        run: PathBuf,
        /// A case (`mac_2_14`), or the trial that made it (`2_14`).
        #[arg(add = ArgValueCompleter::new(operations::cases))]
        case: String,
        /// The tool.
        #[arg(long = "for", value_enum, value_name = "TOOL")]
        tool: Tool,
        /// Where to write the script; printed unless given.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// Carry the script out with plain OpenSTA on the base netlist, and compare netlist and metrics with the
        /// case's; for opensta alone.
        #[arg(long)]
        check: bool,
    },
    /// Finds the fewest edits that keep a share of what a case gained, by measuring.
    #[command(
        after_help = "Example:\n  noodle2 minimize runs/first mac_2_14 --share 0.95 --out fewest"
    )]
    Minimize {
        /// The run folder.
        run: PathBuf,
        /// A case (`mac_2_14`), or the trial that made it (`2_14`).
        #[arg(add = ArgValueCompleter::new(operations::cases))]
        case: String,
        /// The share of the gain over the base case that is to be kept.
        #[arg(long, default_value_t = 0.95, value_parser = share)]
        share: f64,
        /// The metric whose gain counts, such as `setup_tns_ps`; the first that the study ranks by unless given.
        #[arg(long)]
        metric: Option<String>,
        /// How many designs may be measured.
        #[arg(long, default_value_t = 200, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
        trials: u32,
        /// The folder for its record; must be new or empty.
        #[arg(long, value_name = "FOLDER")]
        out: PathBuf,
        #[command(flatten)]
        format: FormatOption,
    },
    /// Checks a locked study for regressions: runs it and holds what it found against a baseline.
    #[command(
        after_help = "Exit status 0: nothing is worse than the baseline permits; 1: something is, or is missing. A run that does not \
                      complete ends with its own status: 5 base case blocked, 6 stopped, 7 interrupted, 8 waits for approval.\n\n\
                      Examples:\n  noodle2 ci study.yaml --baseline baseline.json --write-baseline\n  \
                      noodle2 ci study.yaml --baseline baseline.json --junit report.xml"
    )]
    Ci(Box<CiOption>),
    /// Puts what is known of a case into one archive for a bug report: scripts, logs, metrics, records; the design only if asked.
    #[command(after_help = "Example:\n  noodle2 debug runs/first 1_4 --out counter_1_4.tar.gz")]
    Debug(DebugOption),
    /// Writes a case as its design and one script that makes it of the study's own netlists, and checks that it does.
    #[command(after_help = "Example:\n  noodle2 rebuild runs/first counter_1_4 --out winner")]
    Rebuild(RebuildOption),
    /// Makes one trial of a run again, cold, and says where it parts from what was recorded; or what other parameters
    /// would have given.
    #[command(
        after_help = "Exit status 0: it came out as it was recorded; 1: it diverged.\n\n\
                      Examples:\n  noodle2 replay runs/first 1_4\n  \
                      noodle2 replay runs/first 1_4 --param max_cells=10 --out what-if"
    )]
    Replay(ReplayOption),
    /// Sums up a timing report of OpenSTA or OpenROAD: slacks by check and path group, and the worst paths.
    #[command(
        after_help = "Examples:\n  noodle2 timing-report checks.rpt --time-unit ns\n  \
                      zcat checks.rpt.gz | noodle2 timing-report - --format json\n\n\
                      Read are the layouts of `report_checks`, also among the other lines of a log. What delay is \
                      spent in is known of tables with input pins (`-fields input`)."
    )]
    TimingReport {
        /// What `report_checks` printed; `-` for stdin.
        file: PathBuf,
        /// How many of the worst paths of each check are listed.
        #[arg(long, default_value_t = 10, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=1000))]
        worst: u32,
        /// The unit of the report, which it does not name: times are then told in ps.
        #[arg(long, value_enum, value_name = "UNIT")]
        time_unit: Option<TimeUnit>,
        #[command(flatten)]
        format: FormatOption,
    },
    /// Sums up heat maps, draws and compares them: of a router or placer, or made from a placed design.
    #[command(
        after_help = "Examples:\n  noodle2 heatmap heatmap_routing.csv --hotspots --out routing.svg\n  \
                      noodle2 heatmap --compare before.csv after.csv --out change.png\n  \
                      noodle2 heatmap --def placed.def --lef tech.lef --lef cells.lef --map density\n  \
                      noodle2 heatmap --congestion congestion.rpt --hotspots\n\n\
                      Read is what `gui::dump_heatmap` and `global_route -congestion_report_file` of OpenROAD write. A bin of \
                      which a file says nothing is missing, never 0."
    )]
    Heatmap(Box<HeatmapOption>),
    /// Says what a log of OpenROAD holds, and whether its run is to be believed.
    #[command(
        after_help = "Examples:\n  noodle2 openroad-log run.log --status 0\n  \
                      zcat run.log.gz | noodle2 openroad-log - --format json\n\n\
                      A status of 0 proves nothing: see docs/openroad-logs.md."
    )]
    OpenroadLog(OpenRoadLogOption),
    /// Makes and checks the placed design that a study on OpenROAD starts from.
    Snapshot {
        #[command(subcommand)]
        command: SnapshotCommand,
    },
    /// Lists platforms, checks one against its libraries and LEF files, and writes the file of a new one.
    Platform {
        #[command(subcommand)]
        command: PlatformCommand,
    },
    /// Says what is installed, what is missing, and how to get it.
    #[command(after_help = "Example:\n  noodle2 doctor")]
    Doctor {
        #[command(flatten)]
        python: PythonOption,
        #[command(flatten)]
        format: FormatOption,
    },
    /// Sends a run to a collector of OpenTelemetry, as a trace: study, stages, trials, attempts.
    #[command(
        after_help = "Examples:\n  noodle2 traces runs/first --to http://localhost:4318\n  noodle2 traces runs/first --to env"
    )]
    Traces(SendTracesOption),
    /// Prints the script by which a shell completes command lines, with the cases and stages of runs.
    #[command(
        after_help = "Examples:\n  noodle2 completions bash > ~/.local/share/bash-completion/completions/noodle2\n  \
                      noodle2 completions zsh > ~/.zfunc/_noodle2\n  \
                      noodle2 completions fish > ~/.config/fish/completions/noodle2.fish"
    )]
    Completions {
        /// The shell.
        #[arg(value_enum)]
        shell: Shell,
    },
    /// Writes the manual as pages for `man`, one for each command.
    #[command(
        after_help = "Example:\n  noodle2 man --out ~/.local/share/man/man1 && man noodle2-run"
    )]
    Man(ManOption),
    /// Carries attempts out on a node of a cluster; started there by the bridge, never by people.
    #[command(hide = true)]
    Runner,
    /// Writes the pages of the reference; for those who work on Noodle 2.
    #[command(hide = true)]
    Reference(ReferenceOption),
    /// Counts and collects the results that are known between runs.
    Cache {
        #[command(subcommand)]
        command: CacheCommand,
    },
    /// Shows, carries and forgets what runs left as evidence for later ones.
    Priors {
        #[command(subcommand)]
        command: PriorsCommand,
    },
    /// Lists, shows and checks ECOs.
    Eco {
        #[command(subcommand)]
        command: EcoCommand,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum EcoCommand {
    /// Lists the ECOs that studies can use.
    #[command(after_help = "Example:\n  noodle2 eco list --eco-path my-ecos")]
    List {
        #[command(flatten)]
        path: EcoPathOption,
        #[command(flatten)]
        format: FormatOption,
    },
    /// Shows one ECO with its parameters.
    #[command(after_help = "Example:\n  noodle2 eco show upsize_critical")]
    Show {
        /// The ECO's name.
        name: String,
        #[command(flatten)]
        path: EcoPathOption,
        #[command(flatten)]
        format: FormatOption,
    },
    /// Runs ECOs with defaults and range ends on a design and says what changes nothing or fails.
    #[command(
        after_help = "Examples:\n  noodle2 eco lint upsize_critical --study study.yaml\n  \
                      noodle2 eco lint --eco-path my-ecos --study study.yaml"
    )]
    Lint {
        /// The ECOs; all that are found when none is named.
        names: Vec<String>,
        /// The study whose design, platform and scenes they are run on; a small built-in design unless given.
        #[arg(long)]
        study: Option<PathBuf>,
        /// The folder that holds the platform's libraries.
        #[arg(long, value_name = "FOLDER")]
        platform_root: Option<PathBuf>,
        #[command(flatten)]
        path: EcoPathOption,
        #[command(flatten)]
        format: FormatOption,
    },
}

#[derive(Debug, Args)]
pub(crate) struct EcoPathOption {
    /// A folder that holds further ECOs; may be given several times.
    #[arg(long, value_name = "FOLDER")]
    pub eco_path: Vec<PathBuf>,
}

/// The shape of a study that `init` writes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Template {
    /// Stages one after the other.
    #[default]
    Sequential,
    /// Two branches at the same time, and a join.
    Branching,
    /// Fourteen stages and some thousand trials: branches of uneven length, and a join.
    Uneven,
}

/// A tool that an ECO script can be written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Tool {
    /// OpenSTA.
    Opensta,
    /// OpenROAD.
    Openroad,
    /// Cadence Innovus.
    Innovus,
    /// Synopsys IC Compiler II.
    Icc2,
    /// Synopsys PrimeTime.
    Primetime,
}

/// A share above 0, up to 1.
fn share(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(share) if share > 0.0 && share <= 1.0 => Ok(share),
        _ => Err("a share is a number above 0, up to 1, such as 0.95".to_owned()),
    }
}

/// How a lineage is printed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum LineageFormat {
    /// Graphviz.
    #[default]
    Dot,
    /// For scripts.
    Json,
    /// A picture.
    Svg,
}
