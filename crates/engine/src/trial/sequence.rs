//! ECOs that are made one after the other and tried as one.
//!
//! Each step is made in a process of its own, on the netlist that the one before it left, and measured there as a
//! single ECO is. In one process they could not be judged: what Debian's version says of power after a design was
//! read for the third time is off by a quarter. So a step is undone by not going on from it, and whatever holds for
//! a single ECO, such as that it reaches no further than it declares, holds for each step.

use std::path::PathBuf;
use std::sync::Arc;

use noodle2_model::{
    EcoProposal, Failure, FailureClass, FailureScope, Measurement, Metric, MetricSet, Outcome,
    Rollback, StepEnding, StepRecord,
};

use super::attempt::{
    Declared, NETLIST, ParentFacts, Run, TrialRequest, copy_design, io_failure, write,
};
use super::context::StudyContext;
use super::endpoints::EndpointSlacks;
use crate::catalogue::Eco;

/// A sequence of ECOs that is tried as one.
#[derive(Clone, Debug)]
pub struct SequenceRequest<'a> {
    /// The trial; it names no ECO itself.
    pub trial: TrialRequest<'a>,
    /// What is tried.
    pub proposal: &'a EcoProposal,
    /// The ECOs of its steps.
    pub ecos: Vec<&'a Eco>,
    /// What a step must not make worse: the first metric of the stage's ranking.
    pub judge: Metric,
}

/// What the steps of a sequence came to.
struct Made {
    /// The netlist that is left and what was measured of it; `None` when every step was undone or did nothing.
    left: Option<(PathBuf, Arc<Measurement>)>,
    /// What each step did.
    steps: Vec<StepRecord>,
}

/// Where the sequence stands between two steps.
struct Standing {
    netlists: Vec<PathBuf>,
    parent: Option<ParentFacts>,
    value: Option<f64>,
}

impl StudyContext {
    /// Makes the steps of a sequence, each as a trial of its own does it and under the same guards; what counts is
    /// what is left of them, against the parent of the whole.
    ///
    /// In the folder of the attempt it leaves `netlist.v`, `ledger.tsv`, `endpoints.tsv` and `sequence.json`, which tells
    /// what each step did, and in `steps/<number>` what [`Self::run_trial`] leaves of each ECO.
    pub fn run_sequence(&self, sequence: &SequenceRequest<'_>, run: Run<'_>) -> Outcome {
        let mut run = self.limited(run);
        self.make_sequence(sequence, &mut run)
            .unwrap_or_else(Outcome::Failed)
    }

    fn make_sequence(
        &self,
        sequence: &SequenceRequest<'_>,
        run: Run<'_>,
    ) -> Result<Outcome, Failure> {
        let whole = &sequence.trial;
        let Made { left, steps } = self.make_steps(sequence, run)?;
        let mut text = serde_json::to_vec_pretty(&steps).expect("steps are plain data");
        text.push(b'\n');
        write(&whole.folder.join("sequence.json"), &text)?;
        let Some((netlist, measurement)) = left else {
            return Ok(Outcome::NoEffect);
        };
        copy_design(&netlist, &whole.folder, &measurement.design)?;
        let slacks = netlist.with_file_name(EndpointSlacks::FILE);
        if slacks.is_file() {
            std::fs::copy(&slacks, whole.folder.join(EndpointSlacks::FILE))
                .map_err(|error| io_failure("copy", &slacks, &error))?;
        }
        let mut manifests = sequence.ecos.iter().map(|eco| &eco.manifest);
        let declared = Declared {
            name: &sequence.proposal.name,
            version: sequence.proposal.version,
            class: sequence.proposal.class,
            changes_connectivity: manifests.any(|manifest| manifest.changes_connectivity),
        };
        let whole = self.of_whole(whole, &declared, measurement)?;
        Ok(whole.map_or(Outcome::NoEffect, |whole| {
            Outcome::from(Measurement { steps, ..whole })
        }))
    }

    /// Makes the steps, each on what the one before it left.
    fn make_steps(&self, sequence: &SequenceRequest<'_>, run: Run<'_>) -> Result<Made, Failure> {
        let request = &sequence.trial;
        let rollback = sequence.proposal.rollback.unwrap_or_default();
        let mut standing = Standing {
            netlists: request.netlists.clone(),
            value: request.parent.as_ref().and_then(|parent| {
                let mut overall = MetricSet::new();
                for metrics in parent.scenes.values() {
                    overall.merge_worst(metrics);
                }
                overall.get(sequence.judge)
            }),
            parent: request.parent.clone(),
        };
        let mut left = None;
        let mut steps: Vec<StepRecord> = Vec::new();
        let mut is_stopped = false;
        let parts = sequence.ecos.iter().zip(&sequence.proposal.sequence);
        for (number, (eco, proposal)) in (1..).zip(parts) {
            let mut step = StepRecord {
                eco: proposal.name.clone(),
                ending: StepEnding::NotMade,
                edits: Default::default(),
                before: standing.value,
                after: None,
                error: None,
            };
            if is_stopped {
                step.before = None;
                steps.push(step);
                continue;
            }
            let folder = request.folder.join("steps").join(number.to_string());
            std::fs::create_dir_all(&folder)
                .map_err(|error| io_failure("create", &folder, &error))?;
            let step_request = TrialRequest {
                folder: folder.clone(),
                of_case: request.of_case && standing.netlists == request.netlists,
                netlists: standing.netlists.clone(),
                parent: standing.parent.clone(),
                eco: Some((proposal, eco)),
                ..request.clone()
            };
            // Each process counts its names from 1.
            let prefix = format!("{}s{number}_", EcoProposal::name_prefix(request.trial));
            let outcome = self.attempt(&step_request, &prefix, run);
            let measured = match outcome {
                Ok(Outcome::Measured(measured)) => Some(measured),
                Ok(Outcome::NoEffect) => {
                    step.ending = StepEnding::Kept;
                    step.after = step.before;
                    steps.push(step);
                    continue;
                }
                Ok(Outcome::Failed(failure)) | Err(failure) => {
                    if rollback != Rollback::Partial || !may_be_undone(&failure) {
                        return Err(Failure {
                            message: format!(
                                "step {number} of the sequence, {}: {}",
                                proposal.name, failure.message
                            ),
                            ..failure
                        });
                    }
                    step.error = Some(format!("{}: {}", failure.class, failure.message));
                    None
                }
            };
            step.after =
                (measured.as_ref()).and_then(|measured| measured.overall.get(sequence.judge));
            step.ending = match &measured {
                Some(_) if rollback == Rollback::None => StepEnding::Kept,
                Some(_) if is_no_worse(sequence.judge, &step) => StepEnding::Kept,
                _ => StepEnding::Undone,
            };
            match measured.filter(|_| step.ending == StepEnding::Kept) {
                Some(measured) => {
                    step.edits = measured.edits.clone();
                    let netlist = folder.join(NETLIST);
                    standing = after(&measured, netlist.clone(), step.after);
                    left = Some((netlist, measured));
                }
                None => is_stopped = rollback == Rollback::All,
            }
            steps.push(step);
        }
        if is_stopped {
            for step in &mut steps {
                if step.ending == StepEnding::Kept {
                    step.ending = StepEnding::UndoneLater;
                    step.edits.clear();
                }
            }
            left = None;
        }
        Ok(Made { left, steps })
    }
}

fn after(measured: &Measurement, netlist: PathBuf, value: Option<f64>) -> Standing {
    Standing {
        netlists: vec![netlist],
        parent: Some(ParentFacts::from(measured)),
        value,
    }
}

/// Whether a step kept what it is judged by. What could not be read was not kept.
fn is_no_worse(judge: Metric, step: &StepRecord) -> bool {
    let both = step.after.zip(step.before);
    both.is_some_and(|(after, before)| judge.compare(after, before).is_ge())
}

/// Whether a failure tells of the change that was tried, so that the design can go on without it. A step that
/// used the time of the attempt up leaves none for the others.
fn may_be_undone(failure: &Failure) -> bool {
    let is_spent = matches!(
        failure.class,
        FailureClass::Timeout | FailureClass::TimeoutHard
    );
    failure.class.scope() == FailureScope::Trial && !is_spent && !failure.class.is_transient()
}
