//! `noodle2 minimize`: the fewest edits that keep a share of what a case gained.
//!
//! Delta debugging (Zeller and Hildebrandt, "Simplifying and isolating failure-inducing input", 2002, its steps
//! to complements) over groups of edits that stand by themselves: larger and then smaller parts of what is
//! left are taken away, and stay away where the rest keeps the share. What comes of it is minimal in that no
//! group can be taken away any more, unless the trials ran out before; it need not be the least there is.
//! Each subset is a trial on the base case under the rules of the case's stage, in an order that depends on
//! nothing but the run, and all of them are kept in a folder with a record of their own.

use std::collections::BTreeMap;
use std::path::PathBuf;

use noodle2_engine::{Dialect, EditsRequest, ParentFacts, StudyContext, TrialRequest};
use noodle2_model::{
    CaseName, ContentHash, DesignGuard, EcoClass, EquivalenceProof, EquivalenceVerdict,
    FailureClass, Metric, Outcome, RiskEnvelope, StageIndex, TrialId,
};
use noodle2_netlist::{Edit, Ledger};
use noodle2_store::{ArtifactIndex, create_folder, write_atomic};
use noodle2_view::count_text;
use serde::Serialize;

use crate::cli::Format;
use crate::commands::handover::{Subject, kinds, run_here, stopped};
use crate::commands::place::make_new;
use crate::exit::{CommandFailure, Exit};
use crate::print;
use crate::run::NETLIST;
use crate::study;

/// There is no gain to keep, or not by the metric that was named.
const NO_GAIN: &str = "N2-RUN-015";

/// What `noodle2 minimize` is asked for.
pub(crate) struct MinimizeOrder {
    pub run: PathBuf,
    pub case: String,
    pub share: f64,
    pub metric: Option<String>,
    pub trials: usize,
    pub out: PathBuf,
    pub format: Format,
}

/// The record: the content of `minimize.json`.
#[derive(Debug, Serialize)]
struct Record {
    schema_version: u32,
    noodle2_version: &'static str,
    /// The digest of the run, where it has ended.
    digest: Option<ContentHash>,
    case: CaseName,
    metric: Metric,
    base_value: f64,
    case_value: f64,
    wanted_share: f64,
    /// The edits of each group, in the order in which subsets name them.
    groups: Vec<Vec<Edit>>,
    /// Every design that was measured, in order.
    trials: Vec<Tried>,
    /// Whether the trials ran out before nothing could be taken away any more.
    exhausted: bool,
    /// That the kept edits leave the logic as it is, where the case's stage asks for the proof of survivors.
    equivalence: Option<EquivalenceProof>,
    kept_groups: Vec<usize>,
    kept_edits: usize,
    all_edits: usize,
    value: f64,
    share: f64,
}

#[derive(Debug, Serialize)]
struct Tried {
    number: u32,
    groups: Vec<usize>,
    edits: usize,
    value: Option<f64>,
    share: Option<f64>,
    /// Why it does not count, where it does not.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    refused: Vec<String>,
    kept: bool,
    /// The hash of the index of its files.
    files: ContentHash,
}

/// `noodle2 minimize`.
pub(crate) fn minimize(order: &MinimizeOrder) -> Result<Exit, CommandFailure> {
    let subject = Subject::of(&order.run, &order.case)?;
    let metric = metric_of(order, &subject)?;
    make_new(&order.out)?;
    let shared = order.out.join("inputs");
    create_folder(&shared)?;
    let identity = subject.controller().program().identity();
    let context = study::prepare_again(identity, &shared)?.context;
    let search = Search::new(order, &subject, context, metric)?;
    let record = search.run()?;
    let ledger = kept_ledger(&record);
    let script = subject.script(&ledger, Dialect::Opensta)?;
    write_atomic(&order.out.join("ledger.tsv"), ledger.to_tsv())?;
    write_atomic(&order.out.join("eco.opensta.tcl"), script)?;
    let text = serde_json::to_string_pretty(&record).map_err(CommandFailure::internal)?;
    write_atomic(&order.out.join("minimize.json"), text + "\n")?;
    match order.format {
        Format::Json => print::json(&record)?,
        Format::Text => print::data(&told(&record, &ledger)),
    }
    let proof = record.equivalence.map(|proof| proof.verdict);
    Ok(match proof {
        Some(EquivalenceVerdict::Different { .. }) => Exit::Findings,
        _ => Exit::Done,
    })
}

fn metric_of(order: &MinimizeOrder, subject: &Subject) -> Result<Metric, CommandFailure> {
    let ranked = &subject.controller().program().study().objective.rank;
    let Some(name) = &order.metric else {
        let first = ranked.first().copied();
        return first.ok_or_else(|| CommandFailure::internal("the study ranks by nothing"));
    };
    Metric::from_name(name).ok_or_else(|| {
        CommandFailure::new(
            Exit::Usage,
            NO_GAIN,
            format!("`{name}` is no metric"),
            "`noodle2 show` lists the metrics of a case".to_owned(),
        )
    })
}

fn kept_ledger(record: &Record) -> Ledger {
    let groups = record
        .kept_groups
        .iter()
        .map(|group| &record.groups[*group]);
    joined(groups)
}

fn joined<'g>(groups: impl Iterator<Item = &'g Vec<Edit>>) -> Ledger {
    let mut edits: Vec<Edit> = groups.flatten().cloned().collect();
    edits.sort();
    Ledger {
        edits,
        ports: Vec::new(),
    }
}

fn told(record: &Record, ledger: &Ledger) -> String {
    let exhausted = match record.exhausted {
        true => "\nthe trials ran out: with more of them, fewer edits may do",
        false => "",
    };
    let proof = match record.equivalence.as_ref().map(|proof| &proof.verdict) {
        None => "",
        Some(EquivalenceVerdict::Equal) => "; the logic is proved to be the base's",
        Some(EquivalenceVerdict::Different { .. }) => "; THE LOGIC IS NOT THE BASE'S",
        Some(_) => "; whether the logic is the base's stayed undecided",
    };
    format!(
        "{} of {} give {:.1} % of the gain in {} ({} to {}, and {} with all)\n\
         {} of {} that stand by themselves; {}; {}{proof}{exhausted}\n",
        record.kept_edits,
        count_text(record.all_edits, "edit"),
        100.0 * record.share,
        record.metric,
        record.base_value,
        record.value,
        record.case_value,
        record.kept_groups.len(),
        count_text(record.groups.len(), "change"),
        kinds(ledger),
        count_text(record.trials.len(), "design") + " measured",
    )
}

struct Search<'a> {
    order: &'a MinimizeOrder,
    subject: &'a Subject,
    context: StudyContext,
    metric: Metric,
    base_value: f64,
    case_value: f64,
    groups: Vec<Ledger>,
    class: EcoClass,
    guard: DesignGuard,
    stage: StageIndex,
    /// What was measured, by its groups: the value that counts, if it does.
    known: BTreeMap<Vec<usize>, Option<f64>>,
    trials: Vec<Tried>,
}

impl<'a> Search<'a> {
    fn new(
        order: &'a MinimizeOrder,
        subject: &'a Subject,
        context: StudyContext,
        metric: Metric,
    ) -> Result<Self, CommandFailure> {
        let value = |case: &noodle2_control::Case| case.measurement.overall.get(metric);
        let values = value(&subject.base).zip(value(&subject.case));
        let gained = values.filter(|(base, own)| metric.gain(*base, *own) > 0.0);
        let Some((base_value, case_value)) = gained else {
            return Err(CommandFailure::new(
                Exit::Usage,
                NO_GAIN,
                format!(
                    "`{}` gains nothing in {metric} over the base",
                    subject.case.name
                ),
                "name another metric by `--metric`, or another case".to_owned(),
            ));
        };
        let controller = subject.controller();
        let study = controller.program().study();
        let stage = subject.case.name.trial().stage;
        let line = std::iter::successors(Some(&subject.case), |case| {
            controller.cases().get(case.parents.first()?)
        });
        let classes = line.filter_map(|case| Some(case.eco.as_ref()?.class));
        Ok(Self {
            groups: subject.ledger.groups(&subject.base_design, context.cells()),
            class: classes.max().unwrap_or(EcoClass::TopologyNeutral),
            guard: DesignGuard {
                // It limits one ECO, and these may be the edits of many.
                envelope: RiskEnvelope::default(),
                marks: subject.base.measurement.marks.clone(),
                ..DesignGuard::of(study, controller.program().stage(stage))
            },
            order,
            subject,
            context,
            metric,
            base_value,
            case_value,
            stage,
            known: BTreeMap::new(),
            trials: Vec::new(),
        })
    }

    fn run(mut self) -> Result<Record, CommandFailure> {
        let all: Vec<usize> = (0..self.groups.len()).collect();
        self.known.insert(all.clone(), Some(self.case_value));
        let mut kept = all;
        let mut parts = 2;
        let mut exhausted = false;
        'search: while kept.len() > 1 {
            let size = kept.len().div_ceil(parts);
            let mut reduced = false;
            let mut from = 0;
            while from < kept.len() {
                let rest: Vec<usize> = kept
                    .iter()
                    .enumerate()
                    .filter(|(place, _)| !(from..from + size).contains(place))
                    .map(|(_, group)| *group)
                    .collect();
                if rest.is_empty() {
                    break;
                }
                match self.keeps_share(&rest)? {
                    None => {
                        exhausted = true;
                        break 'search;
                    }
                    Some(true) => {
                        kept = rest;
                        reduced = true;
                    }
                    Some(false) => from += size,
                }
            }
            if !reduced && size == 1 {
                break;
            }
            parts = match reduced {
                true => parts.min(kept.len()).max(2),
                false => (2 * parts).min(kept.len()),
            };
        }
        self.record(kept, exhausted)
    }

    fn record(self, kept: Vec<usize>, exhausted: bool) -> Result<Record, CommandFailure> {
        let value = self.known.get(&kept).copied().flatten();
        let value =
            value.ok_or_else(|| CommandFailure::internal("what is kept was not measured"))?;
        let edits = |group: &usize| self.groups[*group].edits.len();
        Ok(Record {
            equivalence: self.proof(&kept)?,
            schema_version: 1,
            noodle2_version: env!("CARGO_PKG_VERSION"),
            digest: self.subject.controller().recorded_digest(),
            case: self.subject.case.name.clone(),
            metric: self.metric,
            base_value: self.base_value,
            case_value: self.case_value,
            wanted_share: self.order.share,
            exhausted,
            kept_edits: kept.iter().map(edits).sum(),
            all_edits: self.subject.ledger.edits.len(),
            share: self.share(value),
            value,
            kept_groups: kept,
            groups: self.groups.into_iter().map(|group| group.edits).collect(),
            trials: self.trials,
        })
    }

    /// The proof that a subset that was measured leaves the logic of the base as it is.
    fn proof(&self, kept: &[usize]) -> Result<Option<EquivalenceProof>, CommandFailure> {
        let gates = self.subject.controller().program().gates(self.stage);
        let tried = self.trials.iter().find(|tried| tried.groups == kept);
        let Some(tried) = tried.filter(|_| gates.equivalence) else {
            return Ok(None);
        };
        let netlist = self.folder_of(tried.number).join(NETLIST);
        let base = [self.subject.base_netlist.clone()];
        let (proof, _) = self
            .context
            .prove_equivalence(&base, &netlist, &|| false)
            .map_err(|failure| stopped(&failure))?;
        Ok(Some(proof))
    }

    fn folder_of(&self, number: u32) -> PathBuf {
        let folder = self.order.out.join("trials").join(number.to_string());
        std::path::absolute(&folder).unwrap_or(folder)
    }

    fn share(&self, value: f64) -> f64 {
        self.metric.gain(self.base_value, value)
            / self.metric.gain(self.base_value, self.case_value)
    }

    /// Whether a subset keeps the share; `None` where it would have to be measured and no trial is left.
    fn keeps_share(&mut self, groups: &[usize]) -> Result<Option<bool>, CommandFailure> {
        if !self.known.contains_key(groups) {
            if self.trials.len() >= self.order.trials {
                return Ok(None);
            }
            self.try_out(groups)?;
        }
        let value = self.known.get(groups).copied().flatten();
        Ok(Some(value.is_some_and(|value| {
            self.share(value) >= self.order.share
        })))
    }

    fn try_out(&mut self, groups: &[usize]) -> Result<(), CommandFailure> {
        let number = self.trials.len() as u32 + 1;
        let folder = self.folder_of(number);
        create_folder(&folder)?;
        let ledger = joined(groups.iter().map(|group| &self.groups[*group].edits));
        let request = EditsRequest {
            trial: TrialRequest {
                trial: TrialId {
                    stage: self.stage,
                    derived: number,
                },
                folder: folder.clone(),
                netlists: vec![self.subject.base_netlist.clone()],
                of_case: true,
                parent: Some(ParentFacts::from(&*self.subject.base.measurement)),
                eco: None,
                seed: 0,
                guard: self.guard.clone(),
                perturbation: None,
                mode: Default::default(),
                audits_gain: false,
            },
            name: "minimize",
            class: self.class,
            ledger: &ledger,
        };
        let outcome = self.context.run_edits(&request, &mut run_here);
        let (value, refused) = match &outcome {
            Outcome::Measured(measurement) => {
                let value = measurement.overall.get(self.metric);
                let mut refused = self
                    .subject
                    .controller()
                    .broken_rules(self.stage, measurement);
                if value.is_none() {
                    refused.push(format!("{}: {}", FailureClass::MetricMissing, self.metric));
                }
                (value, refused)
            }
            Outcome::NoEffect => (None, vec!["no effect".to_owned()]),
            Outcome::Failed(failure) => (
                None,
                vec![format!("{}: {}", failure.class, failure.message)],
            ),
        };
        let counts = value.filter(|_| refused.is_empty());
        self.known.insert(groups.to_vec(), counts);
        let share = value.map(|value| self.share(value));
        let kept = counts.is_some() && share.is_some_and(|share| share >= self.order.share);
        let (_, files) = ArtifactIndex::seal(&folder)?;
        print::talk(&format!(
            "{number}: {} of {}: {}",
            ledger.edits.len(),
            count_text(self.subject.ledger.edits.len(), "edit"),
            match (share, refused.first()) {
                (_, Some(reason)) => reason.clone(),
                (Some(share), None) => format!("{:.1} % of the gain", 100.0 * share),
                (None, None) => "not measured".to_owned(),
            }
        ));
        self.trials.push(Tried {
            number,
            groups: groups.to_vec(),
            edits: ledger.edits.len(),
            value,
            share,
            refused,
            kept,
            files,
        });
        Ok(())
    }
}
