//! Plain data shared by every room of Noodle 2: ids, units, metrics, studies, ECOs, outcomes and events.
//!
//! Owns the vocabulary and its canonical text forms (names, rounding, hashes), so that two rooms can
//! never disagree about what a word means.
//!
//! Never does I/O, never reads a clock or the environment, never decides anything.

mod budget;
mod cache;
mod composition;
mod diagnosis;
mod eco;
mod ending;
mod equivalence;
mod event;
mod evidence;
mod frequent;
mod hash;
mod ids;
mod metric;
mod name;
mod noise;
mod outcome;
mod parameters;
mod pattern;
mod people;
mod policy;
mod process;
mod proposer;
mod radius;
mod rails;
mod safety;
mod selection;
mod sequence;
mod study;
mod text;

pub use budget::{BranchBudget, Budget, BudgetOwner, ExtraTrials, StageBudget, TimeKind};
pub use cache::{CacheAnswer, CacheHit, CacheMiss, KeyPart};
pub use composition::{ComposeMode, Composition, ConflictRule};
pub use diagnosis::{PathExtreme, PathProfile, PathStage, Symptom};
pub use eco::{
    CommandNeed, EcoImplementation, EcoManifest, EcoProposal, ExpectedEffect, ParameterKind,
    ParameterSpec, ParameterValue,
};
pub use ending::{failure_of_signal, says_disk_full, says_out_of_memory};
pub use equivalence::{EquivalenceProof, EquivalenceVerdict};
pub use event::{
    ClusterPlace, EcoDefinition, Event, FellBack, InputFile, RunIdentity, RunStatus, StageEnd,
    StageInput, StopCause, ToolIdentity,
};
pub use evidence::{
    Context, Domination, Evidence, Gains, Observation, Prior, PriorRules, PriorRun, PriorSource,
    Priors, SizeClass, TrialResult, Veto, ViolationDepth,
};
pub use hash::ContentHash;
pub use ids::{AttemptId, CaseName, ParseNameError, StageIndex, TrialId};
pub use metric::{Direction, Metric, MetricSet, Unit};
pub use name::ObjectName;
pub use noise::{NoiseRules, Perturbation};
pub use outcome::{
    AttemptUsage, DesignState, Failure, FailureClass, FailureScope, Finding, FindingKind,
    Measurement, Outcome, PathGroupSummary, PlacementState, Severity, WorstPath,
};
pub use parameters::Parameters;
pub use pattern::matches_pattern;
pub use people::{
    Approval, Notification, Occasion, OnTimeout, ParseTimeSpanError, TextPiece, TimeSpan,
    placeholders,
};
pub use policy::{DesignGuard, DesignMarks, ProtectedObjects, RiskEnvelope, SafetyRules, may_try};
pub use process::{
    CommandEnding, CommandLimits, CommandReport, CommandSpec, CommandStreams, Farewell, ForkPlan,
    HostSpec, StopReason,
};
pub use proposer::{ExternalProposal, Proposer, ProposerKind};
pub use radius::{BlastRadius, LogicalReach, PhysicalReach};
pub use rails::{
    Containment, ContainmentRules, ContainmentScope, FailureRail, GainAudit, Gates, PromotionGates,
    Rails, StudyRail,
};
pub use safety::{EcoClass, SafetyDomain};
pub use selection::{EarlyStop, Fallback, Selection, Strategy};
pub use sequence::{Rollback, SequenceStep, StepEnding, StepRecord};
pub use study::{
    Aborts, Bound, Check, Clocks, Container, ContainerRuntime, Design, EngineKind, EngineSpec,
    HeatmapPolicy, Join, JoinMerge, JoinPolicy, Limits, Objective, ParameterDomain, Parasitics,
    Scene, Stage, StageEco, StageMode, StageRelation, Study, WireEstimate,
};
