//! The digest: a hash over a run's decisions and results, blind to clocks, hosts and order of completion.

use noodle2_model::{
    CaseName, Containment, ContentHash, Context, EcoProposal, Evidence, MetricSet, Outcome,
    RunStatus, StageEnd, StageIndex, StageInput, TrialId, Veto,
};
use serde::Serialize;
use std::collections::BTreeMap;

use crate::approval::Ruling;
use crate::select::Verdict;
use crate::state::{Controller, StageStanding, settled};

/// Everything that the digest covers, in a fixed order. Hashed as JSON.
#[derive(Serialize)]
struct Digested<'a> {
    format: &'static str,
    study: ContentHash,
    seed: u64,
    tools: Vec<(&'a str, &'a str, ContentHash)>,
    inputs: Vec<(&'a str, ContentHash)>,
    ecos: BTreeMap<&'a str, ContentHash>,
    /// What earlier runs found; when they ran does not count.
    priors: Vec<(&'a str, ContentHash, Context, &'a Evidence)>,
    base: Option<DigestedResult<'a>>,
    /// What came of measuring the base case again, by the number of the repeat.
    base_repeats: Vec<(u32, DigestedResult<'a>)>,
    noise: Option<(bool, &'a MetricSet)>,
    stages: Vec<DigestedStage<'a>>,
    trials: Vec<DigestedTrial<'a>>,
    study_rail: Option<&'a (TrialId, String)>,
    status: RunStatus,
}

#[derive(Default, Serialize)]
struct DigestedStage<'a> {
    inputs: &'a [StageInput],
    missing: Vec<u32>,
    approval: Option<&'static str>,
    vetoed: &'a [Veto],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    extra_trials: &'a [(StageIndex, u32)],
    contained: &'a [Containment],
    end: Option<&'a StageEnd>,
}

#[derive(Serialize)]
struct DigestedTrial<'a> {
    trial: TrialId,
    parent: &'a CaseName,
    eco: &'a EcoProposal,
    result: Option<DigestedResult<'a>>,
    refused: Option<&'a [String]>,
}

/// What counts of a result. Of failures the class and the tool's code, since messages may name paths.
#[derive(Serialize)]
enum DigestedResult<'a> {
    Measured {
        design: ContentHash,
        overall: &'a MetricSet,
        scenes: &'a BTreeMap<String, MetricSet>,
    },
    NoEffect,
    Failed {
        class: &'static str,
        code: Option<&'a str>,
    },
}

impl<'a> DigestedResult<'a> {
    fn new(outcome: &'a Outcome) -> Self {
        match outcome {
            Outcome::Measured(measurement) => Self::Measured {
                design: measurement.design.canonical,
                overall: &measurement.overall,
                scenes: &measurement.scenes,
            },
            Outcome::NoEffect => Self::NoEffect,
            Outcome::Failed(failure) => Self::Failed {
                class: failure.class.name(),
                code: failure.tool_code.as_deref(),
            },
        }
    }
}

impl Controller {
    /// The digest of the run as it stands, with the status that it ends with.
    pub(crate) fn digest(&self, status: RunStatus) -> ContentHash {
        let identity = self.program.identity();
        let mut inputs: Vec<_> = identity
            .inputs
            .iter()
            .map(|input| (input.role.as_str(), input.content))
            .collect();
        inputs.sort_unstable();
        // What lies beyond the crossing of a study's rail is as if it had never been.
        let last = self
            .halted
            .as_ref()
            .map(|(at, _)| self.program.place(at.stage));
        let counts = |stage: StageIndex| last.is_none_or(|last| self.program.place(stage) <= last);
        // How many rounds a stage proposed beyond it depends on when the crossing was found.
        let is_beyond = |trial: TrialId| {
            let at = self.halted.as_ref().map(|(at, _)| *at);
            at.is_some_and(|at| trial.stage == at.stage && trial > at)
        };
        let is_last = |stage: StageIndex| last == Some(self.program.place(stage));
        let stages = self.stages.iter().enumerate().map(|(position, stage)| {
            let index = StageIndex::from(position);
            if !counts(index) {
                return DigestedStage::default();
            }
            DigestedStage {
                inputs: &stage.inputs,
                missing: stage.missing.iter().map(|(branch, _)| branch.0).collect(),
                // What people ruled is decided; who they are, what they wrote and when is not.
                approval: stage
                    .approval
                    .as_ref()
                    .and_then(|approval| approval.ruling.as_ref())
                    .map(Ruling::name),
                vetoed: &stage.vetoed,
                extra_trials: &stage.extra_trials,
                contained: if is_last(index) {
                    &[]
                } else {
                    stage.containments()
                },
                end: match &stage.standing {
                    StageStanding::Finished(end) if !is_last(index) => Some(end),
                    _ => None,
                },
            }
        });
        let trials = self
            .trials
            .values()
            .filter(|trial| counts(trial.id.stage) && !is_beyond(trial.id))
            .map(|trial| DigestedTrial {
                trial: trial.id,
                parent: &trial.parent,
                eco: &trial.eco,
                refused: trial
                    .refused
                    .as_deref()
                    .filter(|_| !is_last(trial.id.stage)),
                result: match trial.verdict() {
                    _ if self.is_discarded(trial.id) => None,
                    None => None,
                    Some(Verdict::Failed(failure)) => Some(DigestedResult::Failed {
                        class: failure.class.name(),
                        code: failure.tool_code.as_deref(),
                    }),
                    Some(Verdict::Derived | Verdict::NoEffect) => trial
                        .attempts
                        .last()
                        .and_then(|attempt| attempt.outcome.as_ref())
                        .map(DigestedResult::new),
                },
            });
        let digested = Digested {
            format: "noodle2-digest-5",
            study: identity.study_hash,
            seed: identity.study.seed,
            tools: identity
                .tools
                .iter()
                .map(|tool| (tool.name.as_str(), tool.version.as_str(), tool.content))
                .collect(),
            inputs,
            ecos: identity
                .ecos
                .iter()
                .map(|(name, eco)| (name.as_str(), eco.content))
                .collect(),
            priors: identity
                .priors
                .iter()
                .flat_map(|priors| &priors.entries)
                .map(|prior| {
                    (
                        prior.eco.as_str(),
                        prior.content,
                        prior.context,
                        &prior.evidence,
                    )
                })
                .collect(),
            base: self.base_outcome().map(DigestedResult::new),
            base_repeats: (self.base_repeats.iter())
                .filter_map(|(repeat, attempts)| {
                    Some((*repeat, DigestedResult::new(settled(attempts)?)))
                })
                .collect(),
            // Whether the tool repeats itself, and what cannot be told apart.
            noise: (self.noise.as_ref()).map(|noise| (noise.differences.is_empty(), &noise.floor)),
            stages: stages.collect(),
            trials: trials.collect(),
            study_rail: self.halted.as_ref(),
            status,
        };
        // Hashed as it is written: of a large run the text alone would take as much memory as the run.
        let mut hasher = std::io::BufWriter::with_capacity(1 << 16, blake3::Hasher::new());
        serde_json::to_writer(&mut hasher, &digested).expect("the digested parts are plain data");
        let hasher = hasher.into_inner().expect("a hasher takes every byte");
        ContentHash::from_bytes(*hasher.finalize().as_bytes())
    }
}
