//! The events of a run: everything that was decided and observed, in the order in which it became durable.
//!
//! The journal wraps each in an envelope with sequence number, time and checksum; the controller sees
//! the events alone, and so cannot see a clock.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    AttemptId, AttemptUsage, BudgetOwner, CacheAnswer, CaseName, Containment, ContentHash,
    EcoManifest, EcoProposal, EngineKind, ExternalProposal, MetricSet, Outcome, Priors, StageIndex,
    Study, TimeKind, TrialId, Veto,
};

/// One thing that was decided or observed.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    /// A run began. Always the first event.
    RunCreated {
        /// What is run, on what.
        identity: Box<RunIdentity>,
    },
    /// A controller took the run over after the former one had gone.
    RunResumed,
    /// Observation: this many workers are there now. Follows the creation and each resumption, and whenever a cluster
    /// grows or shrinks.
    WorkersOffered {
        /// How many attempts may run at once.
        workers: u32,
        /// The cluster that they are of; absent where they are this machine's.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cluster: Option<ClusterPlace>,
    },
    /// Observation: bytes of the journal were not as they had been written, and were set right. Foreign bytes
    /// are kept beside it.
    JournalMended {
        /// The byte from which on it was not as written.
        offset: u64,
        /// How many bytes stood there that no controller had written.
        foreign: u64,
        /// How many bytes were written again.
        restored: u64,
        /// The file in the run folder that keeps the foreign bytes; absent where there were none.
        kept_in: Option<String>,
    },
    /// Decision: the inputs of a stage are ready, and it waits for people to approve it.
    ApprovalRequested {
        /// The stage.
        stage: StageIndex,
        /// The cases that it would start from.
        inputs: Vec<StageInput>,
        /// Branches that it would go on without, with the cause.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        missing: Vec<(StageIndex, String)>,
        /// The hash of what there is to approve: the inputs with all that was measured of them.
        evidence: ContentHash,
    },
    /// Observation: a person approved a stage.
    ApprovalGiven {
        /// The stage.
        stage: StageIndex,
        /// The name of the person, as given.
        by: String,
        /// What the person says of it; may be empty.
        note: String,
        /// The evidence that lay before the person.
        evidence: ContentHash,
    },
    /// Observation: a person refused a stage.
    ApprovalRefused {
        /// The stage.
        stage: StageIndex,
        /// The name of the person, as given.
        by: String,
        /// What the person says of it; may be empty.
        note: String,
        /// The evidence that lay before the person.
        evidence: ContentHash,
    },
    /// Observation: the time within which a stage could be approved is over.
    ApprovalExpired {
        /// The stage.
        stage: StageIndex,
    },
    /// Decision: a stage starts from these cases.
    StageStarted {
        /// The stage.
        stage: StageIndex,
        /// Its inputs, in order.
        inputs: Vec<StageInput>,
        /// Branches that a join goes on without, with the cause.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        missing: Vec<(StageIndex, String)>,
        /// What is not tried, because evidence says that it mostly fails.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        vetoed: Vec<Veto>,
        /// Trials that it may make beyond its own, with the stage that did not use them.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        extra_trials: Vec<(StageIndex, u32)>,
    },
    /// Decision: a trial is to be made.
    TrialProposed {
        /// The trial, which also names its case.
        trial: TrialId,
        /// The case that the ECO is applied to.
        parent: CaseName,
        /// What is tried.
        eco: Arc<EcoProposal>,
        /// Why it is, where the proposer gives a reason.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// Decision: a stage that learns from its results proposes its next round.
    RoundPlanned {
        /// The stage.
        stage: StageIndex,
        /// The number of the round, from 1.
        round: u32,
    },
    /// Observation: a user's program proposed a round of a stage. Each proposal passes the rules before it is
    /// tried.
    RoundAnswered {
        /// The stage.
        stage: StageIndex,
        /// The number of the round, from 1.
        round: u32,
        /// What it proposed; nothing when it has no more to propose.
        proposals: Vec<ExternalProposal>,
    },
    /// Observation: a user's program could not propose a round of a stage.
    ProposerFailed {
        /// The stage.
        stage: StageIndex,
        /// Why.
        cause: String,
    },
    /// Decision: an attempt of a trial starts.
    AttemptStarted {
        /// The attempt.
        attempt: AttemptId,
    },
    /// Observation: an attempt ended.
    AttemptFinished {
        /// The attempt.
        attempt: AttemptId,
        /// What came of it.
        outcome: Box<Outcome>,
        /// What it used.
        usage: AttemptUsage,
        /// What was known of its result before; absent where nobody asked.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cache: Option<CacheAnswer>,
    },
    /// Observation: the files of an attempt are complete, and this is the hash of their index. Precedes the
    /// end of the attempt in the same write.
    ArtifactsSealed {
        /// The attempt.
        attempt: AttemptId,
        /// The hash of its artifact index, which holds the hash of every file.
        index: ContentHash,
    },
    /// Decision: an attempt that is running, or a trial that waits, is not wanted any more.
    TrialCancelled {
        /// The trial.
        trial: TrialId,
        /// Why.
        cause: String,
    },
    /// Decision: something that keeps failing is not tried any more, in this stage and all after it.
    Contained {
        /// The stage in which it was decided.
        stage: StageIndex,
        /// What, from which trial on, and why.
        containment: Containment,
    },
    /// Decision: a stage has seen enough at this trial. What was measured beyond it does not count.
    StageSatisfied {
        /// The stage.
        stage: StageIndex,
        /// The trial.
        at: TrialId,
        /// What it has seen, in words.
        cause: String,
    },
    /// A stage or a branch has spent its time: what is not counted by now is called off. Of wall time this is an
    /// observation; of processor time, which the ends of attempts tell, a decision.
    TimeSpent {
        /// Whose time.
        owner: BudgetOwner,
        /// Which.
        time: TimeKind,
    },
    /// Decision: a survivor is measured again in a fresh process, and its equivalence proved, before it is
    /// passed on.
    ConfirmationStarted {
        /// The attempt.
        attempt: AttemptId,
    },
    /// Decision: a measured case is measured once more, as it is or under a small perturbation.
    RepeatStarted {
        /// The attempt: of the base case, or of a survivor whose gain must be stable.
        attempt: AttemptId,
        /// The number of the repeat: 0 repeats the measurement as it was, every other one perturbs it.
        repeat: u32,
    },
    /// Decision: what the repeats of the base case say of every number of the run. Stages start after it.
    NoiseMeasured {
        /// How the unperturbed re-run differs from the first measurement, in words; empty when it does not.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        differences: Vec<String>,
        /// By metric, the largest deviation of any perturbed repeat; empty where there was none.
        #[serde(default, skip_serializing_if = "MetricSet::is_empty")]
        floor: MetricSet,
    },
    /// Decision: results of a stage may not survive it.
    PromotionsRefused {
        /// The stage.
        stage: StageIndex,
        /// The cases, each with every gate that it did not pass, in words.
        cases: BTreeMap<CaseName, Vec<String>>,
    },
    /// Decision: a rail of the study is crossed at this trial, in canonical order. Nothing else runs, and
    /// what was found beyond it does not count.
    StudyRailCrossed {
        /// The trial.
        at: TrialId,
        /// Which rail, in words.
        cause: String,
    },
    /// Decision: a stage ended.
    StageFinished {
        /// The stage.
        stage: StageIndex,
        /// How.
        end: StageEnd,
    },
    /// Decision: the base case is not fit to be worked on; nothing else runs.
    RunBlocked {
        /// Every reason.
        reasons: Vec<String>,
    },
    /// Observation: a person asked the run to stop, or a budget of time or disk space is spent.
    StopRequested {
        /// Who or what.
        cause: StopCause,
    },
    /// Decision: the run ended.
    RunFinished {
        /// How.
        status: RunStatus,
        /// The hash over decisions and results.
        digest: ContentHash,
    },
}

impl Event {
    /// Its kind, as the journal writes it in `type`.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::RunCreated { .. } => "run_created",
            Self::RunResumed => "run_resumed",
            Self::WorkersOffered { .. } => "workers_offered",
            Self::JournalMended { .. } => "journal_mended",
            Self::ApprovalRequested { .. } => "approval_requested",
            Self::ApprovalGiven { .. } => "approval_given",
            Self::ApprovalRefused { .. } => "approval_refused",
            Self::ApprovalExpired { .. } => "approval_expired",
            Self::StageStarted { .. } => "stage_started",
            Self::TrialProposed { .. } => "trial_proposed",
            Self::RoundPlanned { .. } => "round_planned",
            Self::RoundAnswered { .. } => "round_answered",
            Self::ProposerFailed { .. } => "proposer_failed",
            Self::AttemptStarted { .. } => "attempt_started",
            Self::AttemptFinished { .. } => "attempt_finished",
            Self::ArtifactsSealed { .. } => "artifacts_sealed",
            Self::TrialCancelled { .. } => "trial_cancelled",
            Self::Contained { .. } => "contained",
            Self::StageSatisfied { .. } => "stage_satisfied",
            Self::TimeSpent { .. } => "time_spent",
            Self::ConfirmationStarted { .. } => "confirmation_started",
            Self::RepeatStarted { .. } => "repeat_started",
            Self::NoiseMeasured { .. } => "noise_measured",
            Self::PromotionsRefused { .. } => "promotions_refused",
            Self::StudyRailCrossed { .. } => "study_rail_crossed",
            Self::StageFinished { .. } => "stage_finished",
            Self::RunBlocked { .. } => "run_blocked",
            Self::StopRequested { .. } => "stop_requested",
            Self::RunFinished { .. } => "run_finished",
        }
    }
}

/// A case from which a stage starts.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct StageInput {
    /// The case.
    pub case: CaseName,
    /// Cases of other branches with the very same design, merged into this one: they too are parents
    /// of what is derived from it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub identical: Vec<CaseName>,
}

/// How a stage ended.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum StageEnd {
    /// It passes these cases on, best first.
    Completed {
        /// The survivors.
        survivors: Vec<CaseName>,
        /// That an earlier case is passed on in the place of the stage's own.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        fallback: Option<FellBack>,
    },
    /// It was given up; it passes nothing on.
    Failed {
        /// Why.
        cause: String,
        /// The trial at which it was given up: results after it are discarded.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at: Option<TrialId>,
    },
    /// It never started, because a stage before it did not complete.
    Skipped {
        /// Why.
        cause: String,
    },
}

/// A stage that went on from an earlier case, since its own were worse.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FellBack {
    /// The best case that it would have passed on.
    pub from: CaseName,
    /// The best case so far, which it passes on alone.
    pub to: CaseName,
    /// How much worse the one is than the other, in words.
    pub cause: String,
}

/// A cluster that carries attempts out.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ClusterPlace {
    /// Its address, as its own tools name it.
    pub address: String,
    /// The address of its dashboard in the web; absent where it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dashboard: Option<String>,
    /// What it is, with its version.
    pub system: String,
}

/// Who or what asked a run to stop.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopCause {
    /// A person (Ctrl-C, SIGTERM): the run can be resumed.
    Person,
    /// The budget of wall time is spent.
    WallTime,
    /// The budget of processor time is spent.
    CpuTime,
    /// The budget of disk space is spent.
    DiskSpace,
    /// No space is left where the run is written: the run can be resumed.
    DiskFull,
    /// The cluster that carried attempts out is gone, or takes none any more, and that did not change in time: the run can
    /// be resumed.
    ClusterLost,
}

impl StopCause {
    /// Whether the run can be resumed after it. A spent budget ends the run for good.
    pub const fn is_resumable(self) -> bool {
        matches!(self, Self::Person | Self::DiskFull | Self::ClusterLost)
    }
}

/// How a run stands or ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// It is under way, or its controller is gone and it can be resumed.
    Running,
    /// Every final stage completed.
    Completed,
    /// The base case is not fit to be worked on.
    Blocked,
    /// A rail or a failure ended it before every final stage completed.
    Stopped,
    /// A person stopped it; it can be resumed.
    Interrupted,
}

/// What a run runs, on what: all that its results may depend on.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct RunIdentity {
    /// The version of Noodle 2 that began the run.
    pub noodle2_version: String,
    /// The study, with paths as written.
    pub study: Study,
    /// The hash of the study, blind to where its file lies.
    pub study_hash: ContentHash,
    /// The hash of the study file as it was read, to the byte. No part of the digest: a comment changes it.
    pub study_file: ContentHash,
    /// The folder that the study's paths are relative to.
    pub study_folder: PathBuf,
    /// The tools that are used.
    pub tools: Vec<ToolIdentity>,
    /// The files that are read, with their content.
    pub inputs: Vec<InputFile>,
    /// The ECOs that the study names.
    pub ecos: BTreeMap<String, EcoDefinition>,
    /// The evidence of earlier runs that this one sees; absent unless the study asks for a warm start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priors: Option<Priors>,
}

/// An ECO as it stood when the run began.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct EcoDefinition {
    /// Its declaration.
    pub manifest: EcoManifest,
    /// The hash over the declaration and the files beside it.
    pub content: ContentHash,
}

/// A tool by its content.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ToolIdentity {
    /// What it is used for, or its file name: `opensta`, `yosys`. Never a path, for the digest covers it.
    pub name: String,
    /// Where it was found.
    pub path: PathBuf,
    /// What it says of its version.
    pub version: String,
    /// The hash of the executable.
    pub content: ContentHash,
    /// The engine that it serves as, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine: Option<EngineKind>,
}

/// An input file by its content.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct InputFile {
    /// What it is: `netlist`, `sdc:<scene>`, `liberty:<scene>`, `platform`, `eco:<name>`.
    pub role: String,
    /// Where it lies.
    pub path: PathBuf,
    /// The hash of its bytes.
    pub content: ContentHash,
}
