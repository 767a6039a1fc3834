//! `noodle2 handover`: what an engineer takes home, as the ECO script of a tool.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use noodle2_control::{Case, Controller};
use noodle2_engine::{ColdRequest, Dialect, StudyContext, TrialRequest, eco_script};
use noodle2_exec::{CancelToken, Guard, run_command};
use noodle2_model::{
    CaseName, CommandReport, CommandSpec, ContentHash, DesignGuard, EcoProposal, Failure, Metric,
    MetricSet, Outcome, TrialId,
};
use noodle2_netlist::{Design, Ledger};
use noodle2_store::{RunFolder, write_atomic};
use noodle2_view::{History, count_text, eco_text};

use crate::cli::Tool;
use crate::commands::inspect::look_at;
use crate::exit::{CommandFailure, Exit};
use crate::print;
use crate::run::NETLIST;
use crate::study;

/// A netlist of the run is not the one that its journal tells of, or cannot be read.
const NETLIST_CHANGED: &str = "N2-RUN-012";
/// What was asked for cannot be handed over.
const NOT_HANDED_OVER: &str = "N2-RUN-013";

/// What `noodle2 handover` is asked for.
pub(crate) struct HandoverOrder {
    pub run: PathBuf,
    pub case: String,
    pub tool: Tool,
    pub out: Option<PathBuf>,
    pub check: bool,
}

impl From<Tool> for Dialect {
    fn from(tool: Tool) -> Self {
        match tool {
            Tool::Opensta => Self::Opensta,
            Tool::Openroad => Self::Openroad,
            Tool::Innovus => Self::Innovus,
            Tool::Icc2 => Self::Icc2,
            Tool::Primetime => Self::Primetime,
        }
    }
}

/// A case of a run with the edits that lead to it from the base.
pub(crate) struct Subject {
    pub history: History,
    pub case: Case,
    pub base: Case,
    /// The netlist that measuring the base left.
    pub base_netlist: PathBuf,
    pub base_design: Design,
    /// The netlist of the case.
    pub netlist: PathBuf,
    /// The edits.
    pub ledger: Ledger,
}

impl Subject {
    /// Finds a case of a run by its name or its trial.
    pub fn of(run: &Path, item: &str) -> Result<Self, CommandFailure> {
        let (folder, history) = look_at(run)?;
        let controller = history.controller();
        let design = &controller.program().study().design.case_name;
        let name = item
            .parse::<CaseName>()
            .ok()
            .or_else(|| Some(item.parse::<TrialId>().ok()?.case(design)));
        let found = name.and_then(|name| controller.cases().get(&name));
        let (Some(case), Some(base)) = (found, controller.base_case()) else {
            return Err(CommandFailure::new(
                Exit::Usage,
                "N2-RUN-002",
                format!("run `{}` has no measured case `{item}`", run.display()),
                "`noodle2 report` names the survivors, `noodle2 lineage --all` every case"
                    .to_owned(),
            ));
        };
        let top = &controller.program().study().design.top;
        let (base_netlist, base_design) = read(&folder, base, design, top)?;
        let (netlist, own) = read(&folder, case, design, top)?;
        Ok(Self {
            ledger: Ledger::between(&base_design, &own),
            netlist,
            case: case.clone(),
            base: base.clone(),
            base_netlist,
            base_design,
            history,
        })
    }

    pub fn controller(&self) -> &Controller {
        self.history.controller()
    }

    /// The ECOs from the base to the case, each with the case that it made.
    pub fn lineage(&self) -> Vec<(CaseName, Arc<EcoProposal>)> {
        let controller = self.controller();
        let line = std::iter::successors(Some(&self.case), |case| {
            controller.cases().get(case.parents.first()?)
        });
        let steps = line.filter_map(|case| Some((case.name.clone(), case.eco.clone()?)));
        let mut steps: Vec<_> = steps.collect();
        steps.reverse();
        steps
    }

    /// The script that makes `ledger` in the base.
    pub fn script(&self, ledger: &Ledger, dialect: Dialect) -> Result<String, CommandFailure> {
        let study = self.controller().program().study();
        let mut remarks = vec![
            format!(
                "The edits that lead from {} to {} of study {}, for {dialect}: {}.",
                self.base.name,
                self.case.name,
                study.name,
                kinds(ledger)
            ),
            format!(
                "For the netlist whose statements have the hash {}.",
                self.base.measurement.design.canonical
            ),
        ];
        let steps = self.lineage().into_iter();
        remarks.extend(steps.map(|(case, eco)| format!("{case}: {}", eco_text(&eco))));
        if let Some(label) = study.result_label() {
            remarks.push(format!("What was measured of it is {label}."));
        }
        eco_script(ledger, &self.base_design, dialect, &remarks).map_err(|error| {
            CommandFailure::new(
                Exit::Stopped,
                NOT_HANDED_OVER,
                format!(
                    "the edits of `{}` cannot be handed over: {error}",
                    self.case.name
                ),
                format!(
                    "its netlist is whole: cases/{}/{NETLIST} in the run folder",
                    self.case.name
                ),
            )
        })
    }
}

/// The netlist that the attempt of a case left, as the journal tells of it.
fn read(
    folder: &RunFolder,
    case: &Case,
    design: &str,
    top: &str,
) -> Result<(PathBuf, Design), CommandFailure> {
    let path = folder.attempt(design, case.attempt).join(NETLIST);
    let path = std::path::absolute(&path).unwrap_or(path);
    let refuse = |what: String| {
        CommandFailure::new(
            Exit::Stopped,
            NETLIST_CHANGED,
            format!("`{}` {what}", path.display()),
            "`noodle2 verify` says what else of the run is not as it was written".to_owned(),
        )
    };
    let bytes = std::fs::read(&path).map_err(|error| refuse(format!("cannot be read: {error}")))?;
    if ContentHash::of(&bytes) != case.measurement.design.netlist {
        return Err(refuse("is not the netlist that was measured".to_owned()));
    }
    let read =
        Design::read(&bytes, top).map_err(|error| refuse(format!("is no netlist: {error}")))?;
    Ok((path, read))
}

/// How many edits of which kind, in words.
pub(crate) fn kinds(ledger: &Ledger) -> String {
    let counts = ledger.counts();
    let kinds: Vec<String> = counts
        .iter()
        .map(|(kind, count)| format!("{count} {kind}"))
        .collect();
    match kinds.is_empty() {
        true => "no edits".to_owned(),
        false => format!(
            "{} ({})",
            count_text(ledger.edits.len(), "edit"),
            kinds.join(", ")
        ),
    }
}

/// Runs commands for a person who waits, with nothing to cancel them.
pub(crate) fn run_here(spec: &CommandSpec) -> CommandReport {
    let guard = Guard::new("handover", std::process::id());
    run_command(spec, &guard, &CancelToken::new())
}

/// `noodle2 handover`.
pub(crate) fn handover(order: &HandoverOrder) -> Result<Exit, CommandFailure> {
    if order.check && order.tool != Tool::Opensta {
        return Err(CommandFailure::new(
            Exit::Usage,
            NOT_HANDED_OVER,
            "only a script for opensta can be carried out here",
            "leave `--check` out, or check the same edits by `--for opensta --check`".to_owned(),
        ));
    }
    let subject = Subject::of(&order.run, &order.case)?;
    let script = subject.script(&subject.ledger, order.tool.into())?;
    match &order.out {
        Some(path) => write_atomic(path, &script)?,
        None => print::data(&script),
    }
    print::talk(&format!(
        "{}: {}",
        subject.case.name,
        kinds(&subject.ledger)
    ));
    if !order.check {
        return Ok(Exit::Done);
    }
    let scratch = tempfile::tempdir().map_err(CommandFailure::internal)?;
    let differences = check(&subject, &script, scratch.path(), "cold")?;
    if differences.is_empty() {
        print::talk(
            "checked: plain OpenSTA makes the same netlist of the study's own, and it measures the same",
        );
        return Ok(Exit::Done);
    }
    for difference in differences {
        print::talk(&format!("N2-RUN-014 {difference}"));
    }
    Ok(Exit::Findings)
}

/// Everything in which what plain OpenSTA makes of the study's netlists differs from the case. What it runs and makes is
/// left in `folder`, in files that are called `stem`.
pub(crate) fn check(
    subject: &Subject,
    script: &str,
    folder: &Path,
    stem: &str,
) -> Result<Vec<String>, CommandFailure> {
    let scratch = tempfile::tempdir().map_err(CommandFailure::internal)?;
    let identity = subject.controller().program().identity();
    let shared = scratch.path().join("shared");
    std::fs::create_dir(&shared).map_err(CommandFailure::internal)?;
    let context = study::prepare_again(identity, &shared)?.context;
    let request = ColdRequest {
        folder: study::absolute(folder),
        stem,
        netlists: context.base_netlists().to_vec(),
        script,
    };
    let cold = context
        .carry_out_cold(&request, &mut run_here)
        .map_err(|failure| stopped(&failure))?;
    if !cold.errors.is_empty() {
        return Ok(vec![cold.errors]);
    }
    let recorded = &subject.case.measurement;
    let mut differences = Vec::new();
    if cold.design.canonical != recorded.design.canonical {
        differences.push(format!(
            "the netlist has the hash {}, that of the case {}",
            cold.design.canonical, recorded.design.canonical
        ));
    }
    let measured = measure(&context, &cold.netlist, &scratch.path().join("measured"))?;
    differences.extend(unlike("", &recorded.overall, &measured.overall));
    for (scene, metrics) in &recorded.scenes {
        let empty = MetricSet::new();
        let again = measured.scenes.get(scene).unwrap_or(&empty);
        differences.extend(unlike(&format!("scene `{scene}`: "), metrics, again));
    }
    Ok(differences)
}

fn unlike(scene: &str, recorded: &MetricSet, measured: &MetricSet) -> Vec<String> {
    let told = |value: Option<f64>| value.map_or("nothing".to_owned(), |value| value.to_string());
    let metrics = Metric::ALL
        .iter()
        .filter(|metric| recorded.get(**metric) != measured.get(**metric));
    metrics
        .map(|metric| {
            format!(
                "{scene}{metric} is {}, and was {}",
                told(measured.get(*metric)),
                told(recorded.get(*metric))
            )
        })
        .collect()
}

fn measure(
    context: &StudyContext,
    netlist: &Path,
    folder: &Path,
) -> Result<noodle2_model::Measurement, CommandFailure> {
    std::fs::create_dir(folder).map_err(CommandFailure::internal)?;
    let request = TrialRequest {
        trial: TrialId::BASE,
        folder: folder.to_owned(),
        netlists: vec![netlist.to_owned()],
        of_case: false,
        parent: None,
        eco: None,
        seed: 0,
        guard: DesignGuard::default(),
        perturbation: None,
        mode: Default::default(),
        audits_gain: false,
    };
    match context.run_trial(&request, &mut run_here) {
        Outcome::Measured(measurement) => Ok(Arc::unwrap_or_clone(measurement)),
        Outcome::Failed(failure) => Err(stopped(&failure)),
        Outcome::NoEffect => Err(CommandFailure::internal("a netlist was not measured")),
    }
}

/// A failure of a tool as the failure of a command.
pub(crate) fn stopped(failure: &Failure) -> CommandFailure {
    CommandFailure::new(
        Exit::Stopped,
        NOT_HANDED_OVER,
        format!("{}: {}", failure.class, failure.message),
        failure.class.advice().to_owned(),
    )
}
