//! What is asked for when an attempt starts: all that whoever carries it out must know, so that nobody but the driver
//! looks at the controller. It travels: a runner on another machine reads the very same.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use noodle2_control::{Attempt, AttemptRole, Case, Controller};
use noodle2_engine::ParentFacts;
use noodle2_model::{
    AttemptId, CaseName, ComposeMode, ContentHash, DesignGuard, DesignMarks, DesignState,
    EcoProposal, FailureClass, Metric, Outcome, Perturbation, StageMode, Study,
};
use serde::{Deserialize, Serialize};

/// What a worker is asked to do: all that it needs, so that it never looks at the controller.
#[derive(Debug, Clone, Serialize, Deserialize)]
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
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ParentOrder {
    pub case: CaseName,
    pub attempt: AttemptId,
    /// The files that its attempt left.
    pub design: DesignState,
    pub facts: ParentFacts,
}

impl AttemptOrder {
    /// The order for an attempt that the controller started.
    pub fn new(controller: &Controller, attempt: AttemptId) -> Self {
        let trial = controller.trial(attempt.trial);
        let order = |case: &Case| ParentOrder {
            case: case.name.clone(),
            attempt: case.attempt,
            design: case.measurement.design,
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

    /// The seed of the attempt: the study's, or that of what it changes about its measurement.
    pub fn seed(&self, study: &Study) -> u64 {
        self.perturbation.map_or(study.seed, |found| found.seed)
    }

    /// What the attempt measures: what its stage asks for. The base case is measured in every way that any stage asks for.
    pub fn mode(&self, study: &Study) -> StageMode {
        let stages = study.stages.iter();
        match study.stages.get(self.attempt.trial.stage.position()) {
            Some(stage) if !self.attempt.trial.is_base() => stage.mode,
            _ => stages.map(|stage| stage.mode).max().unwrap_or_default(),
        }
    }

    /// Whether what it measures is also measured as routed: that of which survivors keep their gains.
    pub fn audits_gain(&self, study: &Study) -> bool {
        let is_reference = self.attempt.trial.is_base() || self.role == AttemptRole::Confirms;
        is_reference && study.audits_gains()
    }

    /// The cases whose netlists the attempt reads.
    pub fn read_netlists(&self) -> impl Iterator<Item = &ParentOrder> {
        let replayed = self.replayed.iter();
        let replayed = replayed.flat_map(|(with, ancestor)| [with, ancestor]);
        let read = self.parent.iter().chain(&self.confirms);
        read.chain(&self.same_logic_as).chain(replayed)
    }

    /// The files of the designs that the attempt reads, design by design, each beside where its netlist lies.
    pub fn read_files(
        &self,
        netlist_of: impl Fn(&ParentOrder) -> PathBuf,
    ) -> Vec<(PathBuf, ContentHash)> {
        let mut files = Vec::new();
        for parent in self.read_netlists() {
            let netlist = netlist_of(parent);
            let own = parent.design.files();
            files.extend(own.map(|(name, hash)| (netlist.with_file_name(name), hash)));
        }
        files
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::carrier::failed;
    use noodle2_model::AttemptUsage;

    #[test]
    fn each_attempt_that_the_machine_failed_doubles_the_wait() {
        let attempt = |number, class| Attempt {
            number,
            outcome: Some(failed(class, String::new())),
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
