//! One attempt, from the parent's netlist to the files that it leaves: what a worker of this machine does, and what a
//! runner does on another one. Knows no run folder: it is told where netlists lie, and where to write.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;
use noodle2_engine::{
    Catalogue, Eco, ReplayRequest, RerunRequest, SequenceRequest, StudyContext, TrialRequest,
};
use noodle2_exec::{CancelToken, Guard};
use noodle2_model::{
    AttemptUsage, CommandReport, CommandSpec, ComposeMode, ConflictRule, DesignMarks, DesignState,
    EcoProposal, EquivalenceProof, Failure, FailureClass, InputFile, Metric, Outcome, Study,
};
use noodle2_store::{CommandRecord, Host, StoreError, create_folder, hash_file, write_atomic};
use serde::{Deserialize, Serialize};

use super::forking::{Forking, difference};
use super::order::{AttemptOrder, ParentOrder};
use crate::study::absolute;

/// The netlist that every measured attempt leaves in its folder.
pub(crate) const NETLIST: &str = DesignState::NETLIST;

/// The folder, within that of an attempt, in which what was forked is made anew.
const AUDIT: &str = "audit";

/// What carrying an attempt out came to.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Carried {
    pub outcome: Outcome,
    pub usage: AttemptUsage,
    /// What was run for it, in order.
    pub commands: Vec<CommandRecord>,
    /// The machine that it was carried out on.
    pub host: Host,
    pub started_at: Timestamp,
    pub ended_at: Timestamp,
    /// Whether any command of it was forked from a loaded engine.
    pub forked: bool,
    /// How it differed from the same made anew, where it was forked and audited and did.
    pub differed: Option<String>,
    /// Whether output beyond the limit was dropped.
    pub output_truncated: bool,
    /// The most bytes of output that one of its commands left.
    pub output_bytes: u64,
}

/// Where an attempt finds what it starts from, and where it works.
pub(crate) struct Place<'a> {
    /// Its own folder.
    pub folder: &'a Path,
    /// The netlist that the attempt of a case left, as an absolute path.
    pub netlist_of: &'a dyn Fn(&ParentOrder) -> PathBuf,
}

/// Carries attempts of one run out, with a real engine on this machine.
pub(crate) struct Carrier {
    pub context: StudyContext,
    pub catalogue: Catalogue,
    pub study: Study,
    /// The files that the study names, where they lie on this machine.
    pub inputs: Vec<InputFile>,
    /// Marks the processes of attempts among all processes of this machine.
    pub mark: String,
    pub forking: Forking,
}

/// What an attempt does to its parent.
enum Work<'o> {
    /// Nothing: the design is measured as it is.
    Measure,
    /// An ECO is applied.
    Eco(&'o EcoProposal, &'o Eco),
    /// The edits of another case are merged in.
    Replay {
        proposal: &'o EcoProposal,
        conflicts: ConflictRule,
        with: PathBuf,
        ancestor: PathBuf,
    },
    /// ECOs are applied one after the other, and tried as one.
    Sequence(&'o EcoProposal, Vec<&'o Eco>),
    /// The ECOs of another case are applied anew.
    Rerun(&'o EcoProposal, Vec<(&'o EcoProposal, &'o Eco)>),
}

impl Carrier {
    /// Why an attempt cannot be carried out, in words: what it needs and is not there, or is not what was recorded.
    pub fn fault(
        &self,
        order: &AttemptOrder,
        place: &Place<'_>,
    ) -> Result<Option<String>, StoreError> {
        if let Err(text) = self.work(order, place) {
            return Ok(Some(text));
        }
        self.changed_input(order, place)
    }

    /// Carries an attempt without [`Self::fault`] out. Everything that goes wrong with the design or its tools is part
    /// of the outcome.
    ///
    /// # Errors
    /// When this machine cannot keep what the tools do.
    pub fn carry(
        &self,
        order: &AttemptOrder,
        place: &Place<'_>,
        cancel: &CancelToken,
    ) -> Result<Carried, StoreError> {
        let started_at = Timestamp::now();
        let guard = Guard::new(&self.mark, order.attempt);
        let work = match self.work(order, place) {
            Ok(work) => work,
            Err(text) => return Ok(Carried::refused(text, started_at)),
        };
        let request = TrialRequest {
            trial: order.attempt.trial,
            // Tools run in folders of their own, so no path that they are given may be relative.
            folder: absolute(place.folder),
            netlists: self.netlists(order, place),
            of_case: true,
            parent: order.parent.as_ref().map(|parent| parent.facts.clone()),
            eco: None,
            seed: order.seed(&self.study),
            guard: order.guard(&self.study),
            perturbation: order.perturbation,
            mode: order.mode(&self.study),
            audits_gain: order.audits_gain(&self.study),
        };
        // One that failed for the machine's sake starts anew: it may have been the fork's. So does the base case that is
        // measured again: of a process that has read it once, it would tell half.
        let repeats_base = order.attempt.trial.is_base() && order.attempt.number > 1;
        let may_fork = order.backoff.is_zero() && !repeats_base;
        let mut commands = Vec::new();
        let mut usage = AttemptUsage::default();
        let (mut output_truncated, mut output_bytes) = (false, 0);
        let mut run = |spec: &CommandSpec, may_fork: bool| {
            let report = self.forking.run(spec, &guard, cancel, may_fork);
            output_truncated |= report.output_truncated;
            let left = std::fs::metadata(&spec.log).map_or(0, |log| log.len());
            output_bytes = output_bytes.max(left);
            add_usage(&mut usage, &report);
            commands.push(CommandRecord::new(spec, &report));
            report
        };
        let mut forked = false;
        let mut differed = None;
        let mut outcome = self.make(&request, &work, order.judge, &mut |spec| {
            let report = run(spec, may_fork);
            forked |= report.forked;
            report
        });
        if forked && self.forking.audits(order.attempt.trial) && !cancel.is_cancelled() {
            let request = TrialRequest {
                folder: absolute(&place.folder.join(AUDIT)),
                ..request
            };
            create_folder(&request.folder)?;
            let anew = self.make(&request, &work, order.judge, &mut |spec| run(spec, false));
            if let Some(why) = difference(&outcome, &anew).filter(|_| !cancel.is_cancelled()) {
                self.forking.end();
                outcome = failed(
                    FailureClass::Nondeterministic,
                    format!("made anew, a fork of the engine gave another result: {why}"),
                );
                differed = Some(why);
            }
        }
        if let (Outcome::Measured(measurement), Some(_)) = (&mut outcome, &order.confirms) {
            // Only what a base case marks was there before any ECO.
            Arc::make_mut(measurement).marks = DesignMarks::default();
        }
        if let (Outcome::Measured(measurement), Some(origin)) = (&mut outcome, &order.same_logic_as)
            && !cancel.is_cancelled()
        {
            match self.prove(order, origin, place, &mut usage, cancel)? {
                Ok(proof) => Arc::make_mut(measurement).equivalence = Some(proof),
                Err(failure) => outcome = Outcome::Failed(failure),
            }
        }
        if cancel.is_cancelled() {
            outcome = failed(
                FailureClass::Interrupted,
                "the attempt was stopped with its run or stage".to_owned(),
            );
        }
        if outcome == Outcome::NoEffect {
            // It is its parent's, and nobody starts from it.
            for name in [
                DesignState::NETLIST,
                DesignState::DATABASE,
                DesignState::DEF,
            ] {
                let _ = std::fs::remove_file(place.folder.join(name));
            }
        }
        Ok(Carried {
            outcome,
            usage,
            commands,
            host: Host::current(),
            started_at,
            ended_at: Timestamp::now(),
            forked,
            differed,
            output_truncated,
            output_bytes,
        })
    }

    /// What an attempt does to its parent. What it needs and is not there is told in words.
    fn work<'o>(&'o self, order: &'o AttemptOrder, place: &Place<'_>) -> Result<Work<'o>, String> {
        let known = |proposal: &'o EcoProposal| match self.catalogue.get(&proposal.name) {
            Some(eco) => Ok((proposal, eco)),
            None => Err(format!(
                "the ECO `{}` is not in the catalogue",
                proposal.name
            )),
        };
        let Some(proposal) = &order.eco else {
            return Ok(Work::Measure);
        };
        if !proposal.sequence.is_empty() {
            let steps = proposal.sequence.iter();
            let ecos: Result<Vec<&Eco>, String> =
                steps.map(|step| known(step).map(|(_, eco)| eco)).collect();
            return Ok(Work::Sequence(proposal, ecos?));
        }
        let Some(composition) = &proposal.composition else {
            return known(proposal).map(|(proposal, eco)| Work::Eco(proposal, eco));
        };
        match (composition.mode, &order.replayed) {
            (ComposeMode::Rerun, _) => {
                let mut made = composition.chain.iter();
                if let Some(sequence) = made.find(|eco| !eco.sequence.is_empty()) {
                    return Err(format!(
                        "`{}` is a sequence, and what of it was kept there says nothing here: it is not made anew",
                        sequence.name
                    ));
                }
                let chain: Result<Vec<_>, String> = composition.chain.iter().map(known).collect();
                Ok(Work::Rerun(proposal, chain?))
            }
            (ComposeMode::Replay, Some((with, ancestor))) => Ok(Work::Replay {
                proposal,
                conflicts: composition.conflicts.unwrap_or_default(),
                with: (place.netlist_of)(with),
                ancestor: (place.netlist_of)(ancestor),
            }),
            (ComposeMode::Replay, None) => Err(format!(
                "the run holds no case `{}` or `{}`",
                composition.with, composition.ancestor
            )),
        }
    }

    /// Does it, and says what came of it.
    fn make(
        &self,
        trial: &TrialRequest<'_>,
        work: &Work<'_>,
        judge: Metric,
        run: &mut dyn FnMut(&CommandSpec) -> CommandReport,
    ) -> Outcome {
        let trial = trial.clone();
        match work {
            Work::Measure => self.context.run_trial(&trial, run),
            Work::Eco(proposal, eco) => {
                let trial = TrialRequest {
                    eco: Some((proposal, eco)),
                    ..trial
                };
                self.context.run_trial(&trial, run)
            }
            Work::Sequence(proposal, ecos) => {
                let request = SequenceRequest {
                    trial,
                    proposal,
                    ecos: ecos.clone(),
                    judge,
                };
                self.context.run_sequence(&request, run)
            }
            Work::Rerun(proposal, chain) => {
                let request = RerunRequest {
                    trial,
                    proposal,
                    chain: chain.clone(),
                };
                self.context.run_rerun(&request, run)
            }
            Work::Replay {
                proposal,
                conflicts,
                with,
                ancestor,
            } => {
                let request = ReplayRequest {
                    trial,
                    proposal,
                    conflicts: *conflicts,
                    ancestor: ancestor.clone(),
                    with: with.clone(),
                };
                self.context.run_replay(&request, run)
            }
        }
    }

    /// Proves that a confirmed netlist has the logic of its parent's, and keeps the whole report.
    fn prove(
        &self,
        order: &AttemptOrder,
        origin: &ParentOrder,
        place: &Place<'_>,
        usage: &mut AttemptUsage,
        cancel: &CancelToken,
    ) -> Result<Result<EquivalenceProof, Failure>, StoreError> {
        let began = Instant::now();
        let parent = (place.netlist_of)(origin);
        let netlists = self.netlists(order, place);
        let is_stopped = || cancel.is_cancelled();
        let proved = self
            .context
            .prove_equivalence(&[parent], &netlists[0], &is_stopped);
        // One thread, which does nothing but compute.
        let seconds = began.elapsed().as_secs_f64();
        usage.wall_s += seconds;
        usage.cpu_s += seconds;
        match proved {
            Ok((proof, report)) => {
                let text = format!("{:#}\n", serde_json::json!(report));
                write_atomic(&place.folder.join("equivalence.json"), text)?;
                Ok(Ok(proof))
            }
            Err(failure) => Ok(Err(failure)),
        }
    }

    /// The netlist that the parent's attempt left; for the base case those of the study.
    fn netlists(&self, order: &AttemptOrder, place: &Place<'_>) -> Vec<PathBuf> {
        match order.parent.as_ref().or(order.confirms.as_ref()) {
            Some(parent) => vec![(place.netlist_of)(parent)],
            None => self.context.base_netlists().to_vec(),
        }
    }

    /// The engine reads constraints, wires and netlists where they lie: one that is not any more what the
    /// run recorded would give numbers that the record does not explain. Libraries are read from a cache
    /// that is kept by content.
    fn changed_input(
        &self,
        order: &AttemptOrder,
        place: &Place<'_>,
    ) -> Result<Option<String>, StoreError> {
        let read_in_place = |role: &str| {
            role.starts_with("sdc:")
                || role.starts_with("spef:")
                || role.starts_with("lef:")
                || role.starts_with("rc:")
                || role.starts_with("tracks:")
                || (matches!(role, "netlist" | "snapshot")
                    && order.parent.is_none()
                    && order.confirms.is_none())
        };
        let inputs = self.inputs.iter();
        let inputs = inputs
            .filter(|input| read_in_place(&input.role))
            .map(|input| (input.path.clone(), input.content));
        let read = order.read_files(place.netlist_of);
        for (path, content) in inputs.chain(read) {
            if hash_file(&path)? != content {
                let path = path.display();
                return Ok(Some(format!("`{path}` was changed while the run was on")));
            }
        }
        Ok(None)
    }
}

impl Carried {
    /// What could not even begin.
    pub fn refused(text: String, started_at: Timestamp) -> Self {
        Self {
            outcome: failed(FailureClass::ConfigurationError, text),
            usage: AttemptUsage::default(),
            commands: Vec::new(),
            host: Host::current(),
            started_at,
            ended_at: Timestamp::now(),
            forked: false,
            differed: None,
            output_truncated: false,
            output_bytes: 0,
        }
    }
}

/// A failure that no tool printed anything of.
pub(crate) fn failed(class: FailureClass, message: String) -> Outcome {
    Outcome::Failed(Failure {
        class,
        tool_code: None,
        message,
        excerpt: String::new(),
    })
}

fn add_usage(total: &mut AttemptUsage, report: &CommandReport) {
    total.wall_s += report.usage.wall_s;
    total.cpu_s += report.usage.cpu_s;
    total.peak_memory_bytes = total.peak_memory_bytes.max(report.usage.peak_memory_bytes);
}
