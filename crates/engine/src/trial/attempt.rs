//! Runs one trial: applies the ECO, writes the design, measures every scene.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use noodle2_model::{
    CommandReport, CommandSpec, ContentHash, DesignGuard, DesignMarks, DesignState, EcoClass,
    EcoImplementation, EcoProposal, Failure, FailureClass, Measurement, MetricSet, Outcome,
    Parameters, Perturbation, StageMode, TrialId,
};

use serde::{Deserialize, Serialize};

use noodle2_netlist::{Aliases, Edit, Ledger, canonical_hash, shuffle_instances};
use noodle2_openroad::metrics_of;

use super::context::StudyContext;
use super::derived::{Change, compare_with_parent};
use super::endpoints::EndpointSlacks;
use super::measure::{Gathered, MetricsDocument};
use super::parents::unreadable;
use super::script::{EcoJob, Job};
use crate::catalogue::Eco;

/// The netlist of a case, within the folder of its attempt.
pub(crate) const NETLIST: &str = DesignState::NETLIST;

/// The edits that lead from the parent to a case, within the folder of its attempt.
pub(crate) const LEDGER: &str = "ledger.tsv";

/// The same numbers under the names of METRICS2.1, within the folder of an attempt on a placed design.
const METRICS21: &str = "metrics2.1.json";

/// The prefix of new names of an ECO that makes none which could stay.
const UNUSED_PREFIX: &str = "n2_unused_";

/// What a command ECO writes, before the engine brings it into its own form.
pub(super) const REWRITTEN: &str = "rewritten.v";

/// What a perturbed measurement reads: the netlists in another order.
const SHUFFLED: &str = "shuffled";

/// The folder of an ECO's files, within the folder of the attempt.
pub(crate) const ECO_FOLDER: &str = "eco";

/// What is to be run.
#[derive(Clone, Debug)]
pub struct TrialRequest<'a> {
    /// The trial, whose id also makes the prefix of new names.
    pub trial: TrialId,
    /// The folder of the attempt, as an absolute path. It exists, and everything that the trial writes
    /// lies in it.
    pub folder: PathBuf,
    /// The netlists of the parent, or of the base case.
    pub netlists: Vec<PathBuf>,
    /// Whether these are the netlists of a case, with which other trials begin as well.
    pub of_case: bool,
    /// What is known of the parent; `None` for the base case.
    pub parent: Option<ParentFacts>,
    /// What is tried; `None` measures the design as it is.
    pub eco: Option<(&'a EcoProposal, &'a Eco)>,
    /// The source of everything that the ECO chooses by chance.
    pub seed: u64,
    /// What the ECO may not do to the parent.
    pub guard: DesignGuard,
    /// What is changed about the measurement of a design that is measured as it is; `None` changes nothing.
    pub perturbation: Option<Perturbation>,
    /// What is measured.
    pub mode: StageMode,
    /// Whether it is also measured with globally routed wires, for the audit of gains.
    pub audits_gain: bool,
}

/// What a trial must know of its parent.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct ParentFacts {
    /// The hash of its design.
    pub canonical: ContentHash,
    /// Its metrics by scene.
    pub scenes: BTreeMap<String, MetricSet>,
}

impl From<&Measurement> for ParentFacts {
    fn from(measurement: &Measurement) -> Self {
        Self {
            canonical: measurement.design.canonical,
            scenes: measurement.scenes.clone(),
        }
    }
}

/// What the change of a trial declares of itself.
#[derive(Clone, Debug)]
pub(crate) struct Declared<'a> {
    pub name: &'a str,
    pub version: u32,
    pub class: EcoClass,
    pub changes_connectivity: bool,
}

impl<'a> Declared<'a> {
    fn of(eco: &'a Eco) -> Self {
        Self {
            name: &eco.manifest.name,
            version: eco.manifest.version,
            class: eco.manifest.class,
            changes_connectivity: eco.manifest.changes_connectivity,
        }
    }
}

/// A change that is about to be made, or has been made by a command already.
pub(crate) struct Applied<'a> {
    pub declared: Declared<'a>,
    /// What the first process reads.
    pub netlists: Vec<PathBuf>,
    /// The Tcl that it then runs, relative to the folder of the attempt, with its parameters.
    pub tcl: Option<(String, &'a Parameters)>,
    /// The edits that must come of it, where they are known.
    pub expected: Option<Ledger>,
}

pub(crate) type Run<'r> = &'r mut dyn FnMut(&CommandSpec) -> CommandReport;

impl StudyContext {
    /// Runs a trial and says what came of it. `run` starts a command and waits for its end.
    ///
    /// In the folder of the attempt it leaves `script.tcl`, which does all of it anew, `fork.tcl`, which does the
    /// same in a fork, `sta.log` and `result.tsv` (numbered for further processes), `netlist.v`, `ledger.tsv`, `metrics.json`,
    /// `endpoints.tsv`, and the ECO's files.
    pub fn run_trial(&self, request: &TrialRequest<'_>, run: Run<'_>) -> Outcome {
        let mut run = self.limited(run);
        let prefix = EcoProposal::name_prefix(request.trial);
        self.attempt(request, &prefix, &mut run)
            .unwrap_or_else(Outcome::Failed)
    }

    /// The limits are those of the attempt, however many commands it takes.
    pub(crate) fn limited<'r>(
        &self,
        run: Run<'r>,
    ) -> impl FnMut(&CommandSpec) -> CommandReport + 'r {
        let mut left = self.limits;
        move |spec| {
            let report = run(&CommandSpec {
                limits: left,
                ..spec.clone()
            });
            left.wall = left.wall.saturating_sub(seconds(report.usage.wall_s));
            left.cpu = left.cpu.saturating_sub(seconds(report.usage.cpu_s));
            report
        }
    }

    /// Runs a trial whose new objects are called after `prefix`, within what is left of its limits.
    pub(crate) fn attempt(
        &self,
        request: &TrialRequest<'_>,
        prefix: &str,
        run: Run<'_>,
    ) -> Result<Outcome, Failure> {
        let Some((proposal, eco)) = request.eco else {
            return self.carry_out(request, None, prefix, run);
        };
        let mut applied = Applied {
            declared: Declared::of(eco),
            netlists: request.netlists.clone(),
            tcl: None,
            expected: None,
        };
        self.refuse_what_would_lie(&applied.declared)?;
        write_eco(&request.folder, eco)?;
        // What an ECO is not told cannot make a difference, so that its result is known whatever it would be.
        let seed = if eco.uses_seed() { request.seed } else { 0 };
        let request = &TrialRequest {
            seed,
            ..request.clone()
        };
        let prefix = match eco.makes_names() {
            true => prefix,
            false => UNUSED_PREFIX,
        };
        match &eco.manifest.implementation_in(self.engine.kind()) {
            EcoImplementation::Tcl(file) => {
                applied.tcl = Some((format!("{ECO_FOLDER}/{file}"), &proposal.parameters));
            }
            EcoImplementation::Command(words) => {
                self.run_command_eco(request, proposal, prefix, words, run)?;
                let rewritten = request.folder.join(REWRITTEN);
                // No engine need read its parent again to say that nothing changed.
                if let [parent] = request.netlists.as_slice()
                    && request.parent.is_some()
                    && is_copy(parent, &rewritten)?
                {
                    return Ok(Outcome::NoEffect);
                }
                applied.netlists = vec![rewritten];
            }
        }
        self.carry_out(request, Some(applied), prefix, run)
    }

    /// Makes a change, if there is one, and measures what comes of it.
    pub(crate) fn carry_out(
        &self,
        request: &TrialRequest<'_>,
        applied: Option<Applied<'_>>,
        prefix: &str,
        run: Run<'_>,
    ) -> Result<Outcome, Failure> {
        let mut gathered = Gathered::default();
        let mut netlists = match (&applied, request.perturbation) {
            (Some(applied), _) => applied.netlists.clone(),
            // A database keeps its order.
            (None, Some(_)) if self.layout().is_some() => {
                let text = "a placed design cannot be measured under a perturbation".to_owned();
                return Err(failure(FailureClass::ConfigurationError, text));
            }
            (None, Some(perturbation)) => shuffled(request, perturbation.seed)?,
            (None, None) => request.netlists.clone(),
        };
        let script = applied.as_ref().and_then(|applied| applied.tcl.clone());
        let mut tcl = match script {
            Some((path, parameters)) => Some(EcoJob {
                protect: &request.guard.protect,
                withheld: self.withheld(request)?,
                parameters,
                path,
            }),
            None => None,
        };
        let declared = applied.as_ref().map(|applied| &applied.declared);
        let mut design = None;
        let mut change: Option<Change> = None;
        for (index, group) in self.groups.iter().enumerate() {
            let job = Job {
                title: self.title(request, declared, index),
                group,
                engine: &self.engine,
                layout: self.layout_job(request, index),
                top: &self.top,
                netlists: &netlists,
                begins_others: request.of_case && netlists == request.netlists,
                eco: tcl.take(),
                output: (index == 0).then_some(NETLIST),
                result: &numbered("result", index, "tsv"),
                prefix: prefix.to_owned(),
                seed: request.seed,
                period_scale: request.perturbation.map(|found| found.period_scale),
            };
            let ended = self.run_process(request, index, group, &job, run)?;
            gathered.add(self, group, &ended.result, &ended.remarks);
            self.read_reports(request, group, &ended, &mut gathered);
            if index == 0 {
                let mut state = design_state(&request.folder.join(NETLIST))?;
                let placed = self.placed_by(request, &ended, &mut gathered, &mut state)?;
                self.refuse_lost_aliases(request, &netlists)?;
                let parent = request.parent.as_ref().map(|parent| parent.canonical);
                if let Some(applied) = &applied {
                    if parent == Some(state.canonical) {
                        return Ok(Outcome::NoEffect);
                    }
                    let found = self.change_by(request, &applied.declared, placed.as_ref())?;
                    let moves = found.moves.as_ref();
                    self.refuse_stale_wires(request, placed.as_ref(), moves, &found.ledger)?;
                    // What is neither in the netlist nor in the placement is in the database.
                    if found.ledger.is_empty() && placed.is_none() {
                        return Ok(Outcome::NoEffect);
                    }
                    if let Some(expected) = &applied.expected {
                        refuse_other_edits(expected, &found.ledger)?;
                    }
                    let path = request.folder.join(LEDGER);
                    write(&path, found.ledger.to_tsv().as_bytes())?;
                    change = Some(found);
                }
                design = Some(state);
                // Further processes see what this one wrote, which may be in its own order again.
                if request.perturbation.is_none() {
                    netlists = vec![request.folder.join(NETLIST)];
                }
            }
        }
        let design = design.ok_or_else(no_scene)?;
        let (mut overall, scenes) = gathered.metrics();
        if let Some(parent) = &request.parent {
            compare_with_parent(parent, &scenes, &gathered)?;
        }
        let findings = gathered.findings.iter().cloned().collect();
        let mut edits = change.as_ref().map(|change| change.ledger.counts());
        if let (Some(moves), Some(edits)) = (
            change.as_ref().and_then(|change| change.moves.as_ref()),
            &mut edits,
        ) {
            moves.tell(&mut overall, edits);
        }
        let measurement = Measurement {
            design,
            overall,
            scenes,
            estimated: gathered.estimated.clone(),
            routed: gathered.routed.clone(),
            findings,
            edits: edits.unwrap_or_default(),
            conflicts: BTreeMap::new(),
            blast_radius: change.map(|change| change.radius),
            equivalence: None,
            paths: gathered.worst_paths(),
            steps: Vec::new(),
            marks: match request.parent {
                Some(_) => DesignMarks::default(),
                None => self.marks(request, gathered.marks.clone())?,
            },
        };
        self.write_metrics(request, &gathered, &measurement)?;
        Ok(Outcome::from(measurement))
    }

    /// Debian's version writes neither `assign` statements nor constants: the written design would be
    /// another one.
    fn refuse_lost_aliases(
        &self,
        request: &TrialRequest<'_>,
        read: &[PathBuf],
    ) -> Result<(), Failure> {
        // A database has neither: what it was made of was taken apart when it was linked.
        if self.layout().is_some() {
            return Ok(());
        }
        let count = |path: &Path| {
            let text = read_file(path).map_err(|error| io_failure("read", path, &error))?;
            Aliases::count(&text).map_err(|error| unreadable(&error))
        };
        let kept = count(&request.folder.join(NETLIST))?;
        let had = match request.parent.is_some() && read == request.netlists {
            true => self.parent(read)?.aliases()?,
            // What this attempt alone reads would only drive out what others share.
            false => {
                let counts = read.iter().map(|path| count(path));
                counts.collect::<Result<_, _>>()?
            }
        };
        for (path, had) in read.iter().zip(had) {
            let lost_assignments = had.assignments > 0 && kept.assignments == 0;
            let lost_constants = had.constants > 0 && kept.constants == 0;
            if lost_assignments || lost_constants {
                return Err(failure(
                    FailureClass::ConfigurationError,
                    format!(
                        "`{}` holds {} `assign` statements and {} constants, which OpenSTA {} loses when it writes \
                         the design: replace them by buffers and tie cells (yosys: `insbuf`, `hilomap`)",
                        path.display(),
                        had.assignments,
                        had.constants,
                        self.engine.version()
                    ),
                ));
            }
        }
        Ok(())
    }

    fn title(
        &self,
        request: &TrialRequest<'_>,
        declared: Option<&Declared<'_>>,
        index: usize,
    ) -> String {
        let what = match declared {
            _ if index > 0 => "measures what the first process wrote".to_owned(),
            Some(declared) => format!("ECO {} version {}", declared.name, declared.version),
            None => match request.perturbation {
                Some(Perturbation { repeat, .. }) => {
                    format!("measures the design under perturbation {repeat}")
                }
                None => "measures the design as it is".to_owned(),
            },
        };
        let trial = request.trial;
        let number = index + 1;
        let count = self.groups.len();
        format!("Trial {trial}, process {number} of {count}: {what}")
    }

    fn write_metrics(
        &self,
        request: &TrialRequest<'_>,
        gathered: &Gathered,
        measurement: &Measurement,
    ) -> Result<(), Failure> {
        let document = MetricsDocument {
            schema_version: 1,
            trial: request.trial.to_string(),
            engine: format!("{} {}", self.engine.name(), self.engine.version()),
            measurement_context: self.measurement_context(),
            design: measurement.design.canonical,
            overall: measurement.overall.clone(),
            scenes: gathered.scenes.clone(),
            edits: measurement.edits.clone(),
            steps: measurement.steps.clone(),
            blast_radius: measurement.blast_radius.clone(),
            notes: gathered.notes.clone(),
            findings: measurement.findings.clone(),
        };
        let mut text =
            serde_json::to_vec_pretty(&document).expect("names and finite numbers are always JSON");
        text.push(b'\n');
        write(&request.folder.join("metrics.json"), &text)?;
        if !gathered.endpoints.is_empty() {
            let endpoints = request.folder.join(EndpointSlacks::FILE);
            write(&endpoints, gathered.endpoints.to_tsv().as_bytes())?;
        }
        if self.layout().is_none() {
            return Ok(());
        }
        // Times in nanoseconds, as the flows around OpenROAD have them.
        let named = metrics_of(&measurement.overall, &measurement.scenes, None, 1000.0);
        let text =
            serde_json::to_vec_pretty(&named).expect("names and finite numbers are always JSON");
        write(&request.folder.join(METRICS21), &text)
    }
}

/// A tool that was told which edits to make and made others cannot be believed.
fn refuse_other_edits(expected: &Ledger, found: &Ledger) -> Result<(), Failure> {
    fn lacking<'l>(these: &'l Ledger, those: &Ledger) -> Option<&'l Edit> {
        let mut edits = these.edits.iter();
        edits.find(|edit| those.edits.binary_search(edit).is_err())
    }
    let (missing, extra) = (lacking(expected, found), lacking(found, expected));
    let told = match (missing, extra) {
        (None, None) => return Ok(()),
        (Some(edit), _) => format!("it did not make `{edit}`"),
        (None, Some(edit)) => format!("it also made `{edit}`"),
    };
    Err(failure(
        FailureClass::ToolError,
        format!(
            "the engine made other edits than it was told: {}",
            told.replace('\t', " ")
        ),
    ))
}

pub(crate) fn failure(class: FailureClass, message: String) -> Failure {
    Failure {
        class,
        tool_code: None,
        message,
        excerpt: String::new(),
    }
}

fn no_scene() -> Failure {
    failure(
        FailureClass::ConfigurationError,
        "the study has no scene".to_owned(),
    )
}

fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or(Duration::ZERO)
}

pub(crate) fn io_failure(action: &str, path: &Path, error: &io::Error) -> Failure {
    let class = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => FailureClass::DiskFull,
        _ => FailureClass::ConfigurationError,
    };
    failure(
        class,
        format!("cannot {action} `{}`: {error}", path.display()),
    )
}

pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    std::fs::write(path, bytes).map_err(|error| io_failure("write", path, &error))
}

/// The netlists of a request with their instances in another order, written into the folder of the attempt.
fn shuffled(request: &TrialRequest<'_>, seed: u64) -> Result<Vec<PathBuf>, Failure> {
    let each = request.netlists.iter().enumerate();
    each.map(|(index, path)| {
        let text = read_file(path).map_err(|error| io_failure("read", path, &error))?;
        let shuffled = shuffle_instances(&text, seed).map_err(|error| {
            let text = format!(
                "`{}` cannot be put in another order: {error}",
                path.display()
            );
            failure(FailureClass::ConfigurationError, text)
        })?;
        let place = request.folder.join(numbered(SHUFFLED, index, "v"));
        write(&place, &shuffled)?;
        Ok(place)
    })
    .collect()
}

/// Copies the files of a design, whose netlist this is, into the folder of an attempt.
pub(crate) fn copy_design(
    netlist: &Path,
    folder: &Path,
    design: &DesignState,
) -> Result<(), Failure> {
    for (name, _) in design.files() {
        let source = netlist.with_file_name(name);
        std::fs::copy(&source, folder.join(name))
            .map_err(|error| io_failure("copy", &source, &error))?;
    }
    Ok(())
}

fn write_eco(folder: &Path, eco: &Eco) -> Result<(), Failure> {
    let folder = folder.join(ECO_FOLDER);
    std::fs::create_dir_all(&folder).map_err(|error| io_failure("create", &folder, &error))?;
    for (name, content) in &eco.files {
        write(&folder.join(name), content)?;
    }
    Ok(())
}

/// `script.tcl` for the first process, `script-2.tcl` for the second.
pub(super) fn numbered(stem: &str, index: usize, ending: &str) -> String {
    match index {
        0 => format!("{stem}.{ending}"),
        _ => format!("{stem}-{}.{ending}", index + 1),
    }
}

/// Reads what a command wrote. What it left in place of a file, such as a device, is never opened: it may
/// have no end.
pub(crate) fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    match std::fs::metadata(path)?.is_file() {
        true => std::fs::read(path),
        false => Err(io::Error::other("it is not a file")),
    }
}

pub(crate) fn read_log(path: &Path) -> String {
    let bytes = read_file(path).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Whether two files hold the same bytes.
fn is_copy(one: &Path, other: &Path) -> Result<bool, Failure> {
    let size = |path: &Path| {
        let metadata = std::fs::metadata(path);
        metadata
            .map(|metadata| metadata.len())
            .map_err(|error| io_failure("look at", path, &error))
    };
    let read = |path: &Path| read_file(path).map_err(|error| io_failure("read", path, &error));
    Ok(size(one)? == size(other)? && read(one)? == read(other)?)
}

pub(crate) fn design_state(netlist: &Path) -> Result<DesignState, Failure> {
    let bytes = read_file(netlist).map_err(|error| {
        failure(
            FailureClass::MissingOutput,
            format!("no netlist was written: {error}"),
        )
    })?;
    let canonical = canonical_hash(&bytes).map_err(|error| {
        failure(
            FailureClass::MissingOutput,
            format!("the netlist was not written whole: {error}"),
        )
    })?;
    Ok(DesignState {
        canonical,
        netlist: ContentHash::of(&bytes),
        placement: None,
    })
}
