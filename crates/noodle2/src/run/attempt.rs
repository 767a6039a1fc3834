//! One attempt, from the parent's netlist to sealed artifacts. Runs on a worker's thread.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use noodle2_control::{Attempt, AttemptRole, Case, Controller};
use noodle2_engine::{
    Catalogue, Eco, ParentFacts, ReplayRequest, RerunRequest, SequenceRequest, StudyContext,
    TrialRequest,
};
use noodle2_exec::{CancelToken, Guard, JobPanicked};
use noodle2_model::{
    AttemptId, AttemptUsage, CacheAnswer, CacheHit, CaseName, CommandReport, CommandSpec,
    ComposeMode, ConflictRule, ContentHash, DesignGuard, DesignMarks, EcoProposal,
    EquivalenceProof, Failure, FailureClass, Metric, Outcome, Perturbation, RunIdentity, Study,
};
use noodle2_store::{
    ArtifactIndex, CommandRecord, Host, Provenance, RunFolder, StoreError, create_folder,
    hash_file, write_atomic,
};

use super::forking::{Forking, difference};
use super::known::{Asked, Known, Made};

/// The netlist that every measured attempt leaves in its folder.
pub(crate) const NETLIST: &str = "netlist.v";

/// The folder, within that of an attempt, in which what was forked is made anew.
const AUDIT: &str = "audit";

/// What a worker is asked to do: all that it needs, so that it never looks at the controller.
#[derive(Debug, Clone)]
pub(crate) struct AttemptOrder {
    pub attempt: AttemptId,
    pub case: CaseName,
    pub eco: Option<Arc<EcoProposal>>,
    pub parent: Option<ParentOrder>,
    /// The cases whose edits are merged into the parent's: the other one, and that from which both descend.
    pub replayed: Option<(ParentOrder, ParentOrder)>,
    /// The case that is measured again rather than derived; nothing is tried then.
    pub confirms: Option<ParentOrder>,
    /// What is changed about the measurement of the case; `None` changes nothing.
    pub perturbation: Option<Perturbation>,
    /// The case whose logic the confirmed one must have.
    pub same_logic_as: Option<ParentOrder>,
    /// What the steps of a sequence are judged by.
    pub judge: Metric,
    /// What the base case marks as not to be touched.
    pub marks: DesignMarks,
    /// How long to wait before it begins, since the machine failed the attempts before.
    pub backoff: Duration,
    /// What it is made for: only what derives a case can be known.
    pub role: AttemptRole,
    /// The known result, by its key, that made the case which is measured again.
    pub confirms_known: Option<ContentHash>,
}

/// The wait after the first attempt that the machine failed; it doubles with each further one.
const FIRST_BACKOFF: Duration = Duration::from_millis(500);

/// The longest wait between attempts.
const LONGEST_BACKOFF: Duration = Duration::from_secs(30);

/// The wait before an attempt that follows these.
fn backoff_after(attempts: &[Attempt]) -> Duration {
    let is_lost = |attempt: &&Attempt| {
        matches!(&attempt.outcome, Some(Outcome::Failed(failure))
            if failure.class.is_transient() && failure.class != FailureClass::Interrupted)
    };
    match attempts.iter().filter(is_lost).count() {
        0 => Duration::ZERO,
        lost => (FIRST_BACKOFF * 2_u32.saturating_pow(lost as u32 - 1)).min(LONGEST_BACKOFF),
    }
}

/// The case that a trial starts from, or that is measured again.
#[derive(Debug, Clone)]
pub(crate) struct ParentOrder {
    pub case: CaseName,
    pub attempt: AttemptId,
    /// The hash of the netlist that its attempt left.
    pub netlist: ContentHash,
    pub facts: ParentFacts,
}

/// What a worker gives back.
#[derive(Debug)]
pub(crate) struct AttemptResult {
    pub outcome: Outcome,
    pub usage: AttemptUsage,
    /// What was known of it before; `None` where nobody asked.
    pub cache: Option<CacheAnswer>,
    pub artifacts: Option<ContentHash>,
}

/// Whatever carries attempts out.
pub(crate) trait AttemptRunner: Send + Sync {
    /// Carries one attempt out. Everything that goes wrong is part of the outcome.
    fn run(&self, order: &AttemptOrder, cancel: &CancelToken) -> AttemptResult;
}

impl AttemptOrder {
    /// The order for an attempt that the controller started.
    pub fn new(controller: &Controller, attempt: AttemptId) -> Self {
        let trial = controller.trial(attempt.trial);
        let order = |case: &Case| ParentOrder {
            case: case.name.clone(),
            attempt: case.attempt,
            netlist: case.measurement.design.netlist,
            facts: ParentFacts::from(&*case.measurement),
        };
        let case = attempt
            .trial
            .case(&controller.program().study().design.case_name);
        // The driver orders what the controller has just started.
        let role = controller.role_of(attempt).unwrap_or(AttemptRole::Derives);
        let confirms = trial
            .filter(|_| role != AttemptRole::Derives)
            .and_then(|_| controller.cases().get(&case));
        let derives = trial.filter(|_| confirms.is_none());
        let parent = derives.and_then(|trial| controller.cases().get(&trial.parent));
        let composition = derives.and_then(|trial| trial.eco.composition.as_deref());
        let replayed = composition
            .filter(|found| found.mode == ComposeMode::Replay)
            .and_then(|found| {
                let of = |name| controller.cases().get(name).map(order);
                of(&found.with).zip(of(&found.ancestor))
            });
        let asks_for_proof = controller.program().gates(attempt.trial.stage).equivalence;
        let origin = trial
            .filter(|_| role == AttemptRole::Confirms && asks_for_proof)
            .and_then(|trial| controller.cases().get(&trial.parent));
        let rank = &controller.program().objective(attempt.trial.stage).rank;
        Self {
            // A study ranks by something: that was checked when it was read.
            judge: rank.first().copied().unwrap_or(Metric::SetupWns),
            replayed,
            attempt,
            same_logic_as: origin.map(order),
            eco: derives.map(|trial| trial.eco.clone()),
            parent: parent.map(order),
            confirms: confirms.map(order),
            role,
            confirms_known: trial
                .filter(|_| confirms.is_some())
                .and_then(|trial| Some(trial.hit()?.entry)),
            marks: controller
                .base_case()
                .map(|base| base.measurement.marks.clone())
                .unwrap_or_default(),
            perturbation: controller.perturbation_of(attempt),
            backoff: match (trial, role) {
                (Some(trial), AttemptRole::Derives) => backoff_after(&trial.attempts),
                (Some(trial), AttemptRole::Confirms) => backoff_after(&trial.confirmations),
                (None, AttemptRole::Derives | AttemptRole::Confirms) => {
                    backoff_after(controller.base_attempts())
                }
                (_, AttemptRole::Repeats(repeat)) => {
                    let repeats = trial.map_or(controller.base_repeats(), |trial| &trial.repeats);
                    backoff_after(repeats.get(&repeat).map_or(&[], Vec::as_slice))
                }
            },
            case,
        }
    }

    /// What the rules of the trial's stage keep its ECO from.
    pub fn guard(&self, study: &Study) -> DesignGuard {
        let stage = study.stages.get(self.attempt.trial.stage.position());
        let guard = stage.map_or_else(DesignGuard::default, |stage| DesignGuard::of(study, stage));
        DesignGuard {
            marks: self.marks.clone(),
            ..guard
        }
    }

    /// The ECOs that are made, in their order: one, those of a sequence, or those that a composition makes anew.
    pub fn chain(&self) -> Vec<&EcoProposal> {
        let Some(proposal) = &self.eco else {
            return Vec::new();
        };
        match &proposal.composition {
            Some(composition) if composition.mode == ComposeMode::Rerun => {
                composition.chain.iter().collect()
            }
            Some(_) => Vec::new(),
            None if proposal.sequence.is_empty() => vec![proposal],
            None => proposal.sequence.iter().collect(),
        }
    }
}

impl AttemptResult {
    /// What an attempt that panicked counts as.
    pub fn panicked(panic: &JobPanicked) -> Self {
        Self::failed(FailureClass::WorkerLost, panic.to_string())
    }

    fn failed(class: FailureClass, message: String) -> Self {
        Self {
            outcome: Outcome::Failed(Failure {
                class,
                tool_code: None,
                message,
                excerpt: String::new(),
            }),
            usage: AttemptUsage::default(),
            cache: None,
            artifacts: None,
        }
    }
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

/// Carries attempts out with a real engine on this machine.
pub(crate) struct EngineRunner {
    pub folder: RunFolder,
    pub context: StudyContext,
    pub catalogue: Catalogue,
    pub identity: RunIdentity,
    /// Identifies the run among all runs of this machine.
    pub mark: String,
    pub forking: Forking,
    /// What is known from earlier runs; `None` where nobody is to ask.
    pub known: Option<Known>,
}

impl AttemptRunner for EngineRunner {
    fn run(&self, order: &AttemptOrder, cancel: &CancelToken) -> AttemptResult {
        if cancel.wait(order.backoff) {
            let text = "the attempt was stopped before it began".to_owned();
            return AttemptResult::failed(FailureClass::Interrupted, text);
        }
        match self.attempt(order, cancel) {
            Ok(result) => result,
            Err(error) if cancel.is_cancelled() => {
                AttemptResult::failed(FailureClass::Interrupted, error.to_string())
            }
            Err(error) if error.is_disk_full() => {
                AttemptResult::failed(FailureClass::DiskFull, error.to_string())
            }
            // This machine could not keep what the tool did: that says nothing about the design.
            Err(error) => AttemptResult::failed(FailureClass::WorkerLost, error.to_string()),
        }
    }
}

impl EngineRunner {
    fn attempt(
        &self,
        order: &AttemptOrder,
        cancel: &CancelToken,
    ) -> Result<AttemptResult, StoreError> {
        let design = self.identity.study.design.case_name.as_str();
        let folder = self.folder.create_attempt(design, order.attempt)?;
        let guard = Guard::new(&self.mark, order.attempt);
        let started_at = Timestamp::now();
        let began = Instant::now();
        let mut commands = Vec::new();
        let mut usage = AttemptUsage::default();
        let work = match self.work(order) {
            Ok(work) => work,
            Err(text) => {
                return Ok(AttemptResult::failed(
                    FailureClass::ConfigurationError,
                    text,
                ));
            }
        };
        if let Some(text) = self.changed_input(order)? {
            return Ok(AttemptResult::failed(
                FailureClass::ConfigurationError,
                text,
            ));
        }
        let request = TrialRequest {
            trial: order.attempt.trial,
            folder: absolute(&folder),
            netlists: self.netlists(order),
            of_case: true,
            parent: order.parent.as_ref().map(|parent| parent.facts.clone()),
            eco: None,
            seed: self.seed(order),
            guard: order.guard(&self.identity.study),
            perturbation: order.perturbation,
        };
        let asked = match &self.known {
            Some(known) => known.ask(order, &request.guard, &self.catalogue, &folder),
            None => Asked::Nothing,
        };
        let (key, miss) = match asked {
            Asked::Known(outcome, hit) => {
                let (index, bytes) = self.seal(order, &folder, started_at, commands, Some(&hit))?;
                usage.wall_s = began.elapsed().as_secs_f64();
                usage.disk_bytes = Some(bytes);
                return Ok(AttemptResult {
                    outcome: *outcome,
                    usage,
                    cache: Some(CacheAnswer::Hit(hit)),
                    artifacts: Some(index),
                });
            }
            Asked::Unknown(key, miss) => (key, Some(CacheAnswer::Miss(miss))),
            Asked::Nothing => (None, None),
        };
        // One that failed for the machine's sake starts anew: it may have been the fork's. So does the base case that is
        // measured again: of a process that has read it once, it would tell half.
        let repeats_base = order.attempt.trial.is_base() && order.attempt.number > 1;
        let may_fork = order.backoff.is_zero() && !repeats_base;
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
        let mut outcome = self.carry_out(&request, &work, order.judge, &mut |spec| {
            let report = run(spec, may_fork);
            forked |= report.forked;
            report
        });
        if forked && self.forking.audits(order.attempt.trial) && !cancel.is_cancelled() {
            let request = TrialRequest {
                folder: absolute(&folder.join(AUDIT)),
                ..request
            };
            create_folder(&request.folder)?;
            let anew = self.carry_out(&request, &work, order.judge, &mut |spec| run(spec, false));
            if let Some(why) = difference(&outcome, &anew).filter(|_| !cancel.is_cancelled()) {
                self.forking
                    .end(&format!("Attempt {}: {why}.", order.attempt));
                if let Some(known) = &self.known {
                    known.forget_forks();
                }
                outcome = Outcome::Failed(Failure {
                    class: FailureClass::Nondeterministic,
                    tool_code: None,
                    message: format!("made anew, a fork of the engine gave another result: {why}"),
                    excerpt: String::new(),
                });
            }
        }
        if let (Outcome::Measured(measurement), Some(_)) = (&mut outcome, &order.confirms) {
            // Only what a base case marks was there before any ECO.
            Arc::make_mut(measurement).marks = DesignMarks::default();
        }
        if let (Outcome::Measured(measurement), Some(origin)) = (&mut outcome, &order.same_logic_as)
            && !cancel.is_cancelled()
        {
            match self.prove(order, origin, &folder, &mut usage, cancel)? {
                Ok(proof) => Arc::make_mut(measurement).equivalence = Some(proof),
                Err(failure) => outcome = Outcome::Failed(failure),
            }
        }
        if cancel.is_cancelled() {
            outcome = Outcome::Failed(Failure {
                class: FailureClass::Interrupted,
                tool_code: None,
                message: "the attempt was stopped with its run or stage".to_owned(),
                excerpt: String::new(),
            });
        }
        if outcome == Outcome::NoEffect {
            // It is its parent's, and nobody starts from it.
            let _ = std::fs::remove_file(folder.join(NETLIST));
        }
        let (index, bytes) = self.seal(order, &folder, started_at, commands, None)?;
        usage.disk_bytes = Some(bytes);
        if let Some(known) = &self.known {
            let made = Made {
                attempt: order.attempt,
                folder: &folder,
                outcome: &outcome,
                usage: &usage,
                output_bytes,
                forked,
            };
            if let Some(key) = key.filter(|_| !output_truncated && outcome.can_be_known()) {
                known.keep(key, &made, || !forked || self.forking.goes_on());
            }
            if let (Some(case), None, Outcome::Measured(again)) =
                (&order.confirms, order.perturbation, &outcome)
                && ParentFacts::from(&**again) != case.facts
            {
                known.forget(case.attempt, order.confirms_known);
            }
        }
        Ok(AttemptResult {
            outcome,
            usage,
            cache: miss,
            artifacts: Some(index),
        })
    }

    /// The seed of an attempt: the study's, or that of what it changes about its measurement.
    fn seed(&self, order: &AttemptOrder) -> u64 {
        (order.perturbation).map_or(self.identity.study.seed, |found| found.seed)
    }

    /// Writes where an attempt came from, and the index of all that it left; returns the hash of the index, and how
    /// many bytes it left.
    fn seal(
        &self,
        order: &AttemptOrder,
        folder: &Path,
        started_at: Timestamp,
        commands: Vec<CommandRecord>,
        hit: Option<&CacheHit>,
    ) -> Result<(ContentHash, u64), StoreError> {
        let provenance = Provenance {
            schema_version: Provenance::SCHEMA_VERSION,
            noodle2_version: env!("CARGO_PKG_VERSION").to_owned(),
            attempt: order.attempt,
            case: order.case.clone(),
            parent: order.parent.as_ref().map(|parent| parent.case.clone()),
            eco: order.eco.as_deref().cloned(),
            seed: self.seed(order),
            perturbation: order.perturbation,
            tools: self.identity.tools.clone(),
            inputs: self.identity.inputs.clone(),
            host: Host::current(),
            started_at,
            ended_at: Timestamp::now(),
            commands,
            known_from: hit.cloned(),
        };
        provenance.write(folder)?;
        let (files, index) = ArtifactIndex::seal(folder)?;
        Ok((index, files.bytes()))
    }

    /// What an attempt does to its parent. What it needs and is not there is told in words.
    fn work<'o>(&'o self, order: &'o AttemptOrder) -> Result<Work<'o>, String> {
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
                with: self.netlist_of(with),
                ancestor: self.netlist_of(ancestor),
            }),
            (ComposeMode::Replay, None) => Err(format!(
                "the run holds no case `{}` or `{}`",
                composition.with, composition.ancestor
            )),
        }
    }

    fn carry_out(
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

    /// The netlist that the attempt of a case left.
    fn netlist_of(&self, order: &ParentOrder) -> PathBuf {
        absolute(&self.attempt_folder(order.attempt).join(NETLIST))
    }

    /// Proves that a confirmed netlist has the logic of its parent's, and keeps the whole report.
    fn prove(
        &self,
        order: &AttemptOrder,
        origin: &ParentOrder,
        folder: &Path,
        usage: &mut AttemptUsage,
        cancel: &CancelToken,
    ) -> Result<Result<EquivalenceProof, Failure>, StoreError> {
        let began = Instant::now();
        let parent = self.netlist_of(origin);
        let netlists = self.netlists(order);
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
                write_atomic(&folder.join("equivalence.json"), text)?;
                Ok(Ok(proof))
            }
            Err(failure) => Ok(Err(failure)),
        }
    }

    /// The netlist that the parent's attempt left; for the base case those of the study.
    fn netlists(&self, order: &AttemptOrder) -> Vec<PathBuf> {
        match order.parent.as_ref().or(order.confirms.as_ref()) {
            Some(parent) => vec![self.netlist_of(parent)],
            None => self.context.base_netlists().to_vec(),
        }
    }

    /// The engine reads constraints, wires and netlists where they lie: one that is not any more what the
    /// run recorded would give numbers that the record does not explain. Libraries are read from a cache
    /// that is kept by content.
    fn changed_input(&self, order: &AttemptOrder) -> Result<Option<String>, StoreError> {
        let read_in_place = |role: &str| {
            role.starts_with("sdc:")
                || role.starts_with("spef:")
                || (role == "netlist" && order.parent.is_none() && order.confirms.is_none())
        };
        let inputs = self.identity.inputs.iter();
        let inputs = inputs
            .filter(|input| read_in_place(&input.role))
            .map(|input| (input.path.clone(), input.content));
        let replayed = order.replayed.iter();
        let replayed = replayed.flat_map(|(with, ancestor)| [with, ancestor]);
        let read = order.parent.iter().chain(&order.confirms);
        let read = read.chain(&order.same_logic_as).chain(replayed);
        let parent = read.map(|parent| (self.netlist_of(parent), parent.netlist));
        for (path, content) in inputs.chain(parent) {
            if hash_file(&path)? != content {
                let path = path.display();
                return Ok(Some(format!("`{path}` was changed while the run was on")));
            }
        }
        Ok(None)
    }

    fn attempt_folder(&self, attempt: AttemptId) -> PathBuf {
        self.folder
            .attempt(&self.identity.study.design.case_name, attempt)
    }
}

/// Tools run in folders of their own, so no path that they are given may be relative.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

fn add_usage(total: &mut AttemptUsage, report: &CommandReport) {
    total.wall_s += report.usage.wall_s;
    total.cpu_s += report.usage.cpu_s;
    total.peak_memory_bytes = total.peak_memory_bytes.max(report.usage.peak_memory_bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_attempt_that_the_machine_failed_doubles_the_wait() {
        let attempt = |number, class| Attempt {
            number,
            outcome: AttemptResult::failed(class, String::new()).outcome.into(),
            usage: AttemptUsage::default(),
            cache: None,
        };
        let lost = |count| (1..=count).map(|number| attempt(number, FailureClass::WorkerLost));
        let wait = |attempts: Vec<Attempt>| backoff_after(&attempts).as_millis();
        assert_eq!(wait(Vec::new()), 0);
        assert_eq!(wait(vec![attempt(1, FailureClass::Interrupted)]), 0);
        assert_eq!(wait(lost(1).collect()), 500);
        assert_eq!(wait(lost(3).collect()), 2000);
        assert_eq!(wait(lost(60).collect()), 30_000);
    }
}
