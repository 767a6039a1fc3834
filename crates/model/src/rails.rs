//! When to stop and what to contain: rails over trials, branches and the study, containment of what keeps
//! failing, and the gates that a result passes before it may survive.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Bound, Metric, SafetyDomain, Stage, Study};

/// Limits whose crossing stops something. Counted in proposal order, so that the order in which trials end
/// decides nothing. Those of one stage are its [`Aborts`](crate::Aborts).
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rails {
    /// A measured design that does not keep these counts as a failed trial, `rail_violation`. Losses are
    /// against the base case.
    #[serde(default)]
    pub trial: Vec<Bound>,
    /// When a branch is given up: counted over its stages, from the fork on. Only for the study.
    #[serde(default)]
    pub branch: FailureRail,
    /// When the whole study is given up: counted over all stages in canonical order. Only for the study.
    #[serde(default)]
    pub study: StudyRail,
}

/// How many trials may fail. An absent field sets no limit.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FailureRail {
    /// This many failed trials.
    #[serde(default)]
    pub failures: Option<u32>,
    /// This share of the trials failed, once there are `at_least` of them.
    #[serde(default)]
    pub failure_percent: Option<f64>,
    /// Trials before a share means anything; by default 5.
    #[serde(default)]
    pub at_least: Option<u32>,
}

/// What may fail in a whole study. An absent field leaves what the domain sets.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StudyRail {
    /// This many catastrophic failures: results that cannot be trusted.
    #[serde(default)]
    pub catastrophic_failures: Option<u32>,
    /// This share of all trials failed, once there are `at_least` of them.
    #[serde(default)]
    pub failure_percent: Option<f64>,
    /// Trials before a share means anything; by default 20.
    #[serde(default)]
    pub at_least: Option<u32>,
}

/// When something that keeps failing is not tried any more, in the stage and in all that come after it.
/// An absent field leaves what the domain sets.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ContainmentRules {
    /// An ECO of which this many trials in a row failed.
    #[serde(default)]
    pub eco_failures_in_a_row: Option<u32>,
    /// A class of ECOs of which this share of the trials failed. One ECO alone never condemns its class.
    #[serde(default)]
    pub class_failure_percent: Option<f64>,
    /// Trials of a class before the share means anything; by default 3.
    #[serde(default)]
    pub class_at_least: Option<u32>,
}

/// What a result must pass before it may survive its stage.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Gates {
    /// Limits that hold in every scene. A loss is against the base case in the same scene.
    #[serde(default)]
    pub bounds: Vec<Bound>,
    /// Whether a survivor's netlist is read and measured again in a fresh process, which must find the very
    /// same; by default in `guarded` and `locked`.
    #[serde(default)]
    pub confirm: Option<bool>,
    /// Whether it is proved that a survivor's logic does what its parent's does; by default in `guarded` and
    /// `locked`.
    #[serde(default)]
    pub equivalence: Option<bool>,
    /// Whether a survivor passes whose equivalence could be neither proved nor refuted; never in `locked`.
    #[serde(default)]
    pub accept_undecided: Option<bool>,
    /// Under how many perturbations of its measurement a survivor must keep what it gained over its parent;
    /// none unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stability: Option<u32>,
    /// How much of what a survivor gained may be lost once it is globally routed; nobody looks unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gain_audit: Option<GainAudit>,
}

/// What a survivor must keep of its gain on the way from estimated to routed wires.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GainAudit {
    /// The share of the gain that may be lost, in percent, by the first metric that tells it from its parent.
    #[schemars(range(min = 0.0, max = 100.0))]
    pub max_loss_percent: f64,
}

fn least<T: PartialOrd>(one: Option<T>, other: Option<T>) -> Option<T> {
    match (one, other) {
        (Some(one), Some(other)) => Some(if other < one { other } else { one }),
        (one, other) => one.or(other),
    }
}

impl FailureRail {
    /// The count of trials from which on a share means anything.
    pub fn least_trials(&self) -> u32 {
        self.at_least.unwrap_or(5)
    }

    /// The rail that `failures` of `trials` cross, in words; `None` while they cross none.
    pub fn crossed(&self, failures: u32, trials: u32) -> Option<String> {
        if self.failures.is_some_and(|limit| failures >= limit) {
            return Some(match failures {
                1 => "1 trial failed".to_owned(),
                count => format!("{count} trials failed"),
            });
        }
        let percent = self.failure_percent?;
        let crossed = trials >= self.least_trials()
            && f64::from(failures) * 100.0 >= percent * f64::from(trials)
            && failures > 0;
        crossed.then(|| format!("{failures} of {trials} trials failed ({percent} % or more)"))
    }
}

impl ContainmentRules {
    /// The most that `domain` tolerates.
    pub const fn of_domain(domain: SafetyDomain) -> Self {
        match domain {
            SafetyDomain::Sandbox => Self {
                eco_failures_in_a_row: None,
                class_failure_percent: None,
                class_at_least: None,
            },
            SafetyDomain::Guarded => Self {
                eco_failures_in_a_row: Some(3),
                class_failure_percent: Some(70.0),
                class_at_least: Some(3),
            },
            SafetyDomain::Locked => Self {
                eco_failures_in_a_row: Some(2),
                class_failure_percent: Some(50.0),
                class_at_least: Some(3),
            },
        }
    }

    /// The rules of `stage` in `study`: the strictest of its own, the study's and the domain's.
    pub fn of(study: &Study, stage: &Stage) -> Self {
        Self::of_domain(study.domain_of(stage))
            .and(&study.safety.containment)
            .and(&stage.safety.containment)
    }

    /// The count of trials of a class from which on a share means anything.
    pub fn least_class_trials(&self) -> u32 {
        self.class_at_least.unwrap_or(3)
    }

    /// The stricter of both, field by field.
    pub fn and(&self, other: &Self) -> Self {
        Self {
            eco_failures_in_a_row: least(self.eco_failures_in_a_row, other.eco_failures_in_a_row),
            class_failure_percent: least(self.class_failure_percent, other.class_failure_percent),
            class_at_least: least(self.class_at_least, other.class_at_least),
        }
    }
}

impl StudyRail {
    /// The most that `domain` tolerates.
    pub const fn of_domain(domain: SafetyDomain) -> Self {
        match domain {
            SafetyDomain::Sandbox => Self {
                catastrophic_failures: None,
                failure_percent: None,
                at_least: None,
            },
            SafetyDomain::Guarded => Self {
                catastrophic_failures: Some(3),
                failure_percent: None,
                at_least: None,
            },
            SafetyDomain::Locked => Self {
                catastrophic_failures: Some(1),
                failure_percent: Some(50.0),
                at_least: Some(20),
            },
        }
    }

    /// The rail of `study`: the stricter of its own and its domain's.
    pub fn of(study: &Study) -> Self {
        let domain = Self::of_domain(study.safety_domain);
        let own = &study.safety.rails.study;
        Self {
            catastrophic_failures: least(domain.catastrophic_failures, own.catastrophic_failures),
            failure_percent: least(domain.failure_percent, own.failure_percent),
            at_least: least(domain.at_least, own.at_least),
        }
    }

    /// The count of trials from which on a share means anything.
    pub fn least_trials(&self) -> u32 {
        self.at_least.unwrap_or(20)
    }

    /// The rail that these counts cross, in words; `None` while they cross none.
    pub fn crossed(&self, catastrophic: u32, failures: u32, trials: u32) -> Option<String> {
        if self
            .catastrophic_failures
            .is_some_and(|limit| catastrophic >= limit)
        {
            return Some(match catastrophic {
                1 => "1 catastrophic failure".to_owned(),
                count => format!("{count} catastrophic failures"),
            });
        }
        let share = FailureRail {
            failures: None,
            failure_percent: self.failure_percent,
            at_least: Some(self.least_trials()),
        };
        share.crossed(failures, trials)
    }
}

/// The gates of one stage: those of its domain, the study and the stage together.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct PromotionGates {
    /// Limits that hold in every scene, against the base case; one for each metric.
    pub bounds: Vec<Bound>,
    /// Whether survivors are measured again in a fresh process.
    pub confirm: bool,
    /// Whether their equivalence is proved.
    pub equivalence: bool,
    /// Whether one passes whose equivalence is undecided.
    pub accept_undecided: bool,
    /// Under how many perturbations their gains must last.
    pub stability: u32,
    /// How much of their gains they may lose once they are globally routed, in percent.
    pub gain_audit: Option<f64>,
}

/// What no survivor may lose in `guarded` and `locked`, unless the study states how much.
const INTEGRITY: [Metric; 5] = [
    Metric::HoldWns,
    Metric::MaxSlewViolations,
    Metric::MaxCapacitanceViolations,
    Metric::MaxFanoutViolations,
    Metric::UnconstrainedEndpoints,
];

/// What no survivor may lose in `locked` besides.
const TIMING: [Metric; 5] = [
    Metric::SetupWns,
    Metric::SetupTns,
    Metric::SetupViolatingEndpoints,
    Metric::HoldTns,
    Metric::HoldViolatingEndpoints,
];

/// What a survivor in `locked` may grow by, in percent of the base case.
const LOCKED_GROWTH: [(Metric, f64); 3] = [
    (Metric::Area, 5.0),
    (Metric::Power, 5.0),
    (Metric::PowerLeakage, 5.0),
];

impl PromotionGates {
    /// The bounds that `domain` itself sets.
    pub fn bounds_of(domain: SafetyDomain) -> Vec<Bound> {
        let no_loss = |metric: &Metric| Bound {
            max_loss: Some(0.0),
            ..Bound::of(*metric)
        };
        let grown = |(metric, percent): &(Metric, f64)| Bound {
            max_loss_percent: Some(*percent),
            ..Bound::of(*metric)
        };
        match domain {
            SafetyDomain::Sandbox => Vec::new(),
            SafetyDomain::Guarded => INTEGRITY.iter().map(no_loss).collect(),
            SafetyDomain::Locked => (INTEGRITY.iter().chain(&TIMING).map(no_loss))
                .chain(LOCKED_GROWTH.iter().map(grown))
                .collect(),
        }
    }

    /// The gates of `stage` in `study`. A bound of the study states how much of a metric may be lost in
    /// `guarded`; in `locked`, as those of a stage everywhere, it can only be stricter.
    pub fn of(study: &Study, stage: &Stage) -> Self {
        let domain = study.domain_of(stage);
        let mut bounds = Self::bounds_of(domain);
        for own in &study.safety.gates.bounds {
            match bounds.iter_mut().find(|bound| bound.metric == own.metric) {
                Some(bound) if domain == SafetyDomain::Locked => *bound = bound.and(own),
                Some(bound) => *bound = own.clone(),
                None => bounds.push(own.clone()),
            }
        }
        for own in &stage.safety.gates.bounds {
            match bounds.iter_mut().find(|bound| bound.metric == own.metric) {
                Some(bound) => *bound = bound.and(own),
                None => bounds.push(own.clone()),
            }
        }
        let declared = [&study.safety.gates, &stage.safety.gates];
        let mandatory = domain != SafetyDomain::Sandbox;
        let asked =
            |of: fn(&Gates) -> Option<bool>| declared.iter().any(|gates| of(gates) == Some(true));
        Self {
            bounds,
            // What is routed is found by confirmations, of every case that an audited one may come from.
            confirm: mandatory || asked(|gates| gates.confirm) || study.audits_gains(),
            equivalence: mandatory || asked(|gates| gates.equivalence),
            accept_undecided: domain != SafetyDomain::Locked
                && asked(|gates| gates.accept_undecided)
                && declared
                    .iter()
                    .all(|gates| gates.accept_undecided != Some(false)),
            stability: (declared.iter())
                .filter_map(|gates| gates.stability)
                .max()
                .unwrap_or(0),
            gain_audit: (declared.iter())
                .filter_map(|gates| gates.gain_audit)
                .map(|audit| audit.max_loss_percent)
                .reduce(f64::min),
        }
    }
}

impl Bound {
    /// A bound on `metric` without any limit yet.
    pub const fn of(metric: Metric) -> Self {
        Self {
            metric,
            min: None,
            max: None,
            max_loss: None,
            max_loss_percent: None,
        }
    }

    /// The stricter of both, limit by limit. Both are about one metric.
    pub fn and(&self, other: &Self) -> Self {
        let most = |one: Option<f64>, other: Option<f64>| match (one, other) {
            (Some(one), Some(other)) => Some(one.max(other)),
            (one, other) => one.or(other),
        };
        Self {
            metric: self.metric,
            min: most(self.min, other.min),
            max: least(self.max, other.max),
            max_loss: least(self.max_loss, other.max_loss),
            max_loss_percent: least(self.max_loss_percent, other.max_loss_percent),
        }
    }
}

/// What is contained: not tried any more.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContainmentScope {
    /// One ECO, by name.
    Eco(String),
    /// All ECOs of a class.
    Class(crate::EcoClass),
}

impl std::fmt::Display for ContainmentScope {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Eco(name) => write!(formatter, "ECO `{name}`"),
            Self::Class(class) => write!(formatter, "class `{class}`"),
        }
    }
}

/// A decision not to try something any more.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Containment {
    /// What is contained.
    pub scope: ContainmentScope,
    /// The trial whose failure decided it: those after it, in proposal order, are not made or do not count.
    pub at: crate::TrialId,
    /// The rule that was crossed, in words.
    pub cause: String,
}

impl Containment {
    /// Whether `trial`, which tries `eco`, falls under it.
    pub fn covers(&self, trial: crate::TrialId, eco: &crate::EcoProposal) -> bool {
        self.keeps_out_proposal(eco)
            && (trial.stage != self.at.stage || trial.derived > self.at.derived)
    }

    /// Whether a proposal is contained: a sequence is where one of its ECOs is.
    pub fn keeps_out_proposal(&self, eco: &crate::EcoProposal) -> bool {
        self.keeps_out(&eco.name, eco.class)
            || (eco.sequence.iter()).any(|step| self.keeps_out(&step.name, step.class))
    }

    /// Whether an ECO of this name and class is contained.
    pub fn keeps_out(&self, eco: &str, class: crate::EcoClass) -> bool {
        match &self.scope {
            ContainmentScope::Eco(name) => name == eco,
            ContainmentScope::Class(contained) => *contained == class,
        }
    }
}
