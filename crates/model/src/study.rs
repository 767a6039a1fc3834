//! A study as its file declares it. Paths are as written, relative to the file.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Approval, Budget, ComposeMode, ConflictRule, EarlyStop, ExtraTrials, Fallback, Metric,
    NoiseRules, Notification, ParameterValue, PriorRules, Proposer, Rollback, SafetyDomain,
    SafetyRules, Selection, SequenceStep, StageBudget, StageIndex,
};

/// The unit of work: a design, an engine and platform, a safety domain, an objective, a graph of stages.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Study {
    /// The name of the study.
    pub name: String,
    /// What the study is for.
    #[serde(default)]
    pub description: String,
    /// The source of everything that is chosen by chance: the same seed proposes the same trials.
    #[serde(default)]
    pub seed: u64,
    /// What may be tried, how soon to stop.
    #[serde(default)]
    pub safety_domain: SafetyDomain,
    /// Rules that are stricter than the domain.
    #[serde(default)]
    pub safety: SafetyRules,
    /// The design that is changed.
    pub design: Design,
    /// Corners and modes; at least one.
    pub scenes: Vec<Scene>,
    /// The tool that times the design.
    pub engine: EngineSpec,
    /// What is wanted.
    pub objective: Objective,
    /// Folders that hold further ECOs, searched before the built-in catalogue.
    #[serde(default)]
    pub eco_path: Vec<PathBuf>,
    /// How far the tool's numbers are trusted: measurements of the base case that are repeated.
    #[serde(default, skip_serializing_if = "NoiseRules::is_silent")]
    pub noise: NoiseRules,
    /// What may be spent in all.
    #[serde(default)]
    pub budget: Budget,
    /// What one attempt may use.
    #[serde(default)]
    pub limits: Limits,
    /// Whom to tell of what happens in a run. No part of the study's hash.
    #[serde(default)]
    pub notify: Vec<Notification>,
    /// What is done with evidence of other runs; nothing unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priors: Option<PriorRules>,
    /// The stages, whose order gives them their index.
    pub stages: Vec<Stage>,
}

impl Study {
    /// The domain that holds in a stage: the stricter of its own and the study's.
    pub fn domain_of(&self, stage: &Stage) -> SafetyDomain {
        stage
            .safety_domain
            .map_or(self.safety_domain, |own| own.min(self.safety_domain))
    }

    /// Every stage that `stage` comes after, at once or by others, in the order of the file. References to no
    /// stage are passed over.
    pub fn stages_before(&self, stage: &Stage) -> Vec<&Stage> {
        let mut names: BTreeSet<&str> = BTreeSet::new();
        let mut open: Vec<&str> = stage.after.iter().map(String::as_str).collect();
        while let Some(name) = open.pop() {
            let known = self.stages.iter().find(|other| other.name == name);
            if let Some(before) = known
                && names.insert(&before.name)
            {
                open.extend(before.after.iter().map(String::as_str));
            }
        }
        let stages = self.stages.iter();
        stages
            .filter(|before| names.contains(before.name.as_str()))
            .collect()
    }

    /// The edges of the stage DAG: pairs of stages of which the second starts from the survivors of the first. References
    /// to no stage are passed over.
    pub fn edges(&self) -> Vec<(StageIndex, StageIndex)> {
        self.pairs(|stage| &stage.after)
    }

    /// Pairs of stages of which the second waits for the first to end, since it may draw its unused trials. References
    /// to no stage are passed over.
    pub fn waits(&self) -> Vec<(StageIndex, StageIndex)> {
        self.pairs(Stage::draws_from)
    }

    fn pairs(&self, named: fn(&Stage) -> &[String]) -> Vec<(StageIndex, StageIndex)> {
        let place = |name: &String| self.stages.iter().position(|other| other.name == *name);
        let stages = self.stages.iter().enumerate();
        let pairs = stages.flat_map(|(position, stage)| {
            let before = named(stage).iter().filter_map(place);
            before.map(move |before| (StageIndex::from(before), StageIndex::from(position)))
        });
        pairs.collect()
    }

    /// Whether any stage asks what its survivors keep of their gains once they are globally routed.
    pub fn audits_gains(&self) -> bool {
        let stages = self.stages.iter().map(|stage| &stage.safety);
        let mut rules = std::iter::once(&self.safety).chain(stages);
        rules.any(|rules| rules.gates.gain_audit.is_some())
    }

    /// How wires are modelled in a scene: as it says, or where it says nothing as the engine estimates them.
    pub fn wires_of(&self, scene: &Scene) -> Parasitics {
        match (&scene.parasitics, self.engine.wire_estimate()) {
            (Parasitics::None, Some(estimate)) => estimate.parasitics(),
            (own, _) => own.clone(),
        }
    }

    /// The label that every shown result carries while any scene lacks real wires.
    pub fn result_label(&self) -> Option<&'static str> {
        self.scenes
            .iter()
            .any(|scene| self.wires_of(scene).is_pre_layout())
            .then_some("pre-layout")
    }
}

/// The design that a study changes.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Design {
    /// The first part of every case name; letters, digits and underscores.
    pub case_name: String,
    /// The top module.
    pub top: String,
    /// Gate-level Verilog files, read in this order.
    pub netlists: Vec<PathBuf>,
    /// The platform: a built-in name, or the path of a platform file.
    pub platform: String,
    /// The folder that holds the platform's libraries, where the platform file does not know it.
    #[serde(default)]
    pub platform_root: Option<PathBuf>,
    /// Modules that are known to have no timing model.
    #[serde(default)]
    pub black_boxes: Vec<String>,
    /// How many endpoints may stay unconstrained in the base case.
    #[serde(default)]
    pub unconstrained_endpoints: u32,
}

/// A corner and mode under which the design is timed.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Scene {
    /// The name of the scene.
    pub name: String,
    /// Constraint files, read in this order.
    pub sdc: Vec<PathBuf>,
    /// Libraries: paths, or `platform:<corner>` for those that the platform names. Empty means the
    /// platform's default corner.
    #[serde(default)]
    pub liberty: Vec<String>,
    /// How wires are modelled.
    #[serde(default)]
    pub parasitics: Parasitics,
    /// Whether clock trees are timed or taken as ideal.
    #[serde(default)]
    pub clocks: Clocks,
    /// Which checks of this scene count.
    #[serde(default = "both_checks")]
    pub checks: Vec<Check>,
    /// Why hold may be repaired in this scene although its clocks are ideal, so that no skew is seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ideal_hold: Option<String>,
}

impl Scene {
    /// Whether hold slacks of this scene are worth repairing: it checks hold, and times its clock trees or
    /// says why it need not.
    pub fn answers_for_hold(&self) -> bool {
        let is_timed = self.clocks == Clocks::Propagated || self.ideal_hold.is_some();
        self.checks.contains(&Check::Hold) && is_timed
    }
}

fn both_checks() -> Vec<Check> {
    vec![Check::Setup, Check::Hold]
}

/// How wires are modelled in a scene.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Parasitics {
    /// No wires but those of the wire-load model that a library applies by default, if it does: results
    /// are *pre-layout*.
    #[default]
    None,
    /// The library's wire-load model, by its name: results are *pre-layout*.
    Wireload(String),
    /// Extracted parasitics from this SPEF file.
    Spef(PathBuf),
    /// Estimated from placement.
    Placement,
    /// Estimated from global routing.
    GlobalRoute,
}

impl Parasitics {
    /// Whether results without real wires must be labelled `pre-layout`.
    pub fn is_pre_layout(&self) -> bool {
        matches!(self, Self::None | Self::Wireload(_))
    }
}

/// Whether clock trees are timed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Clocks {
    /// Every clock arrives everywhere at once.
    #[default]
    Ideal,
    /// Clock trees are timed.
    Propagated,
}

/// A kind of timing check.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// Data must arrive before the capturing edge.
    Setup,
    /// Data must not change too soon after it.
    Hold,
}

/// A timing engine.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum EngineKind {
    /// OpenSTA (`sta`): times a netlist.
    Opensta,
    /// OpenROAD (`openroad`): times, places and routes a placed design.
    Openroad,
}

impl fmt::Display for EngineKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Opensta => "opensta",
            Self::Openroad => "openroad",
        })
    }
}

/// The engine of a study.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EngineSpec {
    /// Which engine.
    pub kind: EngineKind,
    /// Its executable; absent means the one found on the PATH. Within the container, where there is one.
    #[serde(default)]
    pub path: Option<PathBuf>,
    /// The share, from 0 to 1, of the attempts made in forks of a loaded engine that are made anew as well and compared;
    /// 0.05 unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub audit: Option<f64>,
    /// The placed design that OpenROAD starts from: a database (`.odb`), or a DEF file (`.def`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<PathBuf>,
    /// What OpenROAD estimates wires from, in the base case and in every trial alike; `placement` unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wires: Option<WireEstimate>,
    /// What becomes of a trial whose heat maps cannot be had; `optional` unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heatmaps: Option<HeatmapPolicy>,
    /// Whether the mode `full` also routes in detail and counts what breaks design rules; it takes long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detailed_route: Option<bool>,
    /// The container that OpenROAD runs in; absent means that it runs on the machine itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<Container>,
}

/// What OpenROAD estimates wires from.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WireEstimate {
    /// Where cells stand.
    #[default]
    Placement,
    /// Where global routing leads wires.
    GlobalRoute,
}

impl WireEstimate {
    /// Scenes that are timed with it have these wires.
    pub const fn parasitics(self) -> Parasitics {
        match self {
            Self::Placement => Parasitics::Placement,
            Self::GlobalRoute => Parasitics::GlobalRoute,
        }
    }
}

/// What becomes of a trial in a mode that routes when a heat map cannot be had. None is ever made up.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HeatmapPolicy {
    /// It goes on without, and says so.
    #[default]
    Optional,
    /// It fails.
    Required,
}

/// A container that an engine runs in, without network, with its inputs mounted read-only.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Container {
    /// What runs it.
    pub runtime: ContainerRuntime,
    /// The image by its content: `NAME@sha256:DIGEST`, or for `apptainer` also the path of an image file.
    pub image: String,
}

/// A program that runs containers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ContainerRuntime {
    /// Docker.
    Docker,
    /// Podman.
    Podman,
    /// Apptainer.
    Apptainer,
}

impl ContainerRuntime {
    /// The name of its program.
    pub const fn program(self) -> &'static str {
        match self {
            Self::Docker => "docker",
            Self::Podman => "podman",
            Self::Apptainer => "apptainer",
        }
    }
}

impl EngineSpec {
    /// An engine of which nothing is said but what it is.
    pub const fn of(kind: EngineKind) -> Self {
        Self {
            kind,
            path: None,
            audit: None,
            snapshot: None,
            wires: None,
            heatmaps: None,
            detailed_route: None,
            container: None,
        }
    }

    /// The share of forked attempts that are made anew as well.
    pub fn audit_share(&self) -> f64 {
        self.audit.unwrap_or(0.05)
    }

    /// What wires are estimated from; `None` where the engine has no placement.
    pub fn wire_estimate(&self) -> Option<WireEstimate> {
        match self.kind {
            EngineKind::Opensta => None,
            EngineKind::Openroad => Some(self.wires.unwrap_or_default()),
        }
    }
}

/// What is wanted of a case.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Objective {
    /// Metrics in order of importance: a later one decides only where all earlier ones are equal.
    pub rank: Vec<Metric>,
    /// Limits that every survivor must keep.
    #[serde(default)]
    pub bounds: Vec<Bound>,
}

/// A limit on one metric. A case that lacks the metric does not keep the limit.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Bound {
    /// The metric.
    pub metric: Metric,
    /// The least value.
    #[serde(default)]
    pub min: Option<f64>,
    /// The greatest value.
    #[serde(default)]
    pub max: Option<f64>,
    /// How much worse than the base case it may be, in the metric's unit.
    #[serde(default)]
    pub max_loss: Option<f64>,
    /// How much worse than the base case it may be, in percent of the base value's magnitude.
    #[serde(default)]
    pub max_loss_percent: Option<f64>,
}

/// What one attempt may use before it is killed.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Seconds on the clock.
    pub wall_time_s: f64,
    /// Seconds of processor time.
    pub cpu_time_s: f64,
    /// Memory in MiB.
    pub memory_mib: u64,
    /// Output kept of each command, in MiB.
    pub output_mib: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            wall_time_s: 600.0,
            cpu_time_s: 600.0,
            memory_mib: 4096,
            output_mib: 16,
        }
    }
}

/// One phase of a study: which ECOs may be tried, with what budget, how survivors are chosen.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Stage {
    /// The name of the stage.
    pub name: String,
    /// The stages whose survivors this one starts from; empty for a root.
    #[serde(default)]
    pub after: Vec<String>,
    /// The relation that the graph must give this stage; a check, never a choice.
    #[serde(default)]
    pub relation: Option<StageRelation>,
    /// How many trials the stage may propose. 0 passes its inputs on.
    pub trials: u32,
    /// Trials that other stages did not use, which it may make beyond its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extra_trials: Option<ExtraTrials>,
    /// What it may spend beside its trials.
    #[serde(default, skip_serializing_if = "StageBudget::is_unlimited")]
    pub budget: StageBudget,
    /// How many cases it passes on at most.
    #[serde(default = "one")]
    pub survivors: u32,
    /// How it chooses them.
    #[serde(default)]
    pub selection: Selection,
    /// When it has seen enough.
    #[serde(default)]
    pub stop: EarlyStop,
    /// Who proposes what it tries.
    #[serde(default)]
    pub proposer: Proposer,
    /// The ECOs that it tries.
    #[serde(default)]
    pub ecos: Vec<StageEco>,
    /// What is measured.
    #[serde(default)]
    pub mode: StageMode,
    /// A stricter domain than the study's.
    #[serde(default)]
    pub safety_domain: Option<SafetyDomain>,
    /// Rules that hold in this stage beside the study's.
    #[serde(default)]
    pub safety: SafetyRules,
    /// An objective of its own: its ranking replaces the study's, its bounds are added to them.
    #[serde(default)]
    pub objective: Option<Objective>,
    /// Whether the inputs compete with the new cases, so that the stage never passes on worse than it got.
    #[serde(default = "yes")]
    pub parent_competes: bool,
    /// The approval of people that the stage waits for before it starts.
    #[serde(default)]
    pub approval: Option<Approval>,
    /// When it goes on from an earlier case, because what it found is worse.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback: Option<Fallback>,
    /// When to give the stage up.
    #[serde(default)]
    pub aborts: Aborts,
    /// How the branches that meet here are merged; only for a stage with several `after`.
    #[serde(default)]
    pub join: Option<Join>,
}

impl Stage {
    /// The names of the stages whose unused trials it may draw.
    pub fn draws_from(&self) -> &[String] {
        match &self.extra_trials {
            Some(extra) => &extra.from,
            None => &[],
        }
    }
}

fn one() -> u32 {
    1
}

fn yes() -> bool {
    true
}

/// An ECO that a stage tries, with values or ranges for its parameters; or a sequence of ECOs that it tries as
/// one.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StageEco {
    /// The name of the ECO. A sequence has one of its own: by default those of its ECOs, joined by `+`.
    pub name: String,
    /// Values to try, by parameter; a parameter left out keeps its default. A sequence has them in its steps.
    #[serde(default)]
    pub parameters: BTreeMap<String, ParameterDomain>,
    /// The ECOs that are made one after the other; empty for a single one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sequence: Vec<SequenceStep>,
    /// What happens when a step of the sequence fails; by default `all`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback: Option<Rollback>,
}

impl StageEco {
    /// The ECOs of the catalogue that it is made of, each with its values: itself, or the steps of its
    /// sequence.
    pub fn components(
        &self,
    ) -> impl Iterator<Item = (&str, &BTreeMap<String, ParameterDomain>)> + Clone {
        let steps = self.sequence.iter();
        let steps = steps.map(|step| (step.name.as_str(), &step.parameters));
        let single = self.sequence.is_empty();
        let itself = single.then_some((self.name.as_str(), &self.parameters));
        itself.into_iter().chain(steps)
    }

    /// Whether it is a sequence of ECOs.
    pub fn is_sequence(&self) -> bool {
        !self.sequence.is_empty()
    }
}

/// The values that a stage tries for one parameter.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum ParameterDomain {
    /// One value.
    Value(ParameterValue),
    /// Each of these values.
    Values(Vec<ParameterValue>),
    /// From `from` to `to`, both included: in steps where `step` is given, else sampled.
    Range {
        /// First value.
        from: f64,
        /// Last value.
        to: f64,
        /// Distance between values.
        #[serde(default)]
        step: Option<f64>,
    },
}

/// What a stage measures, from little to much.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum StageMode {
    /// Static timing and power.
    #[default]
    Sta,
    /// These, and global routing with its congestion.
    StaCongestion,
    /// These, and everything else that the engine can check: antennas, and design rules where asked.
    Full,
}

impl StageMode {
    /// Whether the design is globally routed.
    pub const fn routes(self) -> bool {
        !matches!(self, Self::Sta)
    }
}

/// How a stage stands to the stages before it. Derived from the graph, never believed from the file.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum StageRelation {
    /// It follows its one predecessor alone.
    Sequential,
    /// It is one of several that follow the same predecessor.
    Independent,
    /// It joins several predecessors.
    Convergence,
}

impl fmt::Display for StageRelation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Sequential => "sequential",
            Self::Independent => "independent",
            Self::Convergence => "convergence",
        })
    }
}

/// When a stage is given up. Counted in proposal order, so that the order of completion decides nothing.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Aborts {
    /// This many failed trials.
    #[serde(default)]
    pub failures: Option<u32>,
    /// This many failed trials in a row.
    #[serde(default)]
    pub failures_in_a_row: Option<u32>,
    /// This share of the trials failed, once there are `at_least` of them.
    #[serde(default)]
    pub failure_percent: Option<f64>,
    /// Trials before a share means anything; by default 5.
    #[serde(default)]
    pub at_least: Option<u32>,
    /// A measured trial that does not keep one of these. Losses are against the base case.
    #[serde(default)]
    pub bounds: Vec<Bound>,
    /// No case better than every input.
    #[serde(default)]
    pub no_improvement: bool,
}

/// How a stage merges the branches that meet in it.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Join {
    /// Which of the branches' survivors the stage starts from.
    #[serde(default)]
    pub merge: JoinMerge,
    /// How many cases `top` keeps; required with `top`, refused elsewhere.
    #[serde(default)]
    pub keep: Option<u32>,
    /// What happens when a branch failed.
    #[serde(default)]
    pub policy: JoinPolicy,
    /// How `compose` brings two cases together; `replay` unless given, refused elsewhere.
    #[serde(default)]
    pub mode: Option<ComposeMode>,
    /// Which edits count where those of two branches contradict each other; `drop` unless given, for
    /// `compose` by replay alone.
    #[serde(default)]
    pub conflicts: Option<ConflictRule>,
    /// How many pairs `compose` tries at most, best first; as many as the stage has trials unless given.
    #[serde(default)]
    pub pairs: Option<u32>,
}

/// Which of the branches' survivors a join starts from.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum JoinMerge {
    /// All, in order of stage index and rank, identical designs once.
    #[default]
    Union,
    /// The best over all branches.
    Top,
    /// The best of each branch.
    BestPerBranch,
    /// All, as with `union`; and the best pairs of different branches are composed into one design each.
    Compose,
}

/// What a join does when a branch failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum JoinPolicy {
    /// Every branch must complete; else the join fails.
    #[default]
    All,
    /// One completed branch is enough.
    Any,
    /// This many completed branches are enough.
    Quorum(u32),
}
