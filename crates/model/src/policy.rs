//! What a study permits beyond its safety domain: which ECOs, on which objects, how far.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{ContainmentRules, EcoManifest, Gates, Rails, SafetyDomain, Stage, Study};

/// Rules that make a study, or one of its stages, stricter than its safety domain. Names are patterns, in
/// which `*` stands for any text and `?` for one character; case counts.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SafetyRules {
    /// The only ECOs that may be tried; empty permits all that the domain permits.
    #[serde(default)]
    pub allow_ecos: Vec<String>,
    /// ECOs that may not be tried, whatever else permits them.
    #[serde(default)]
    pub deny_ecos: Vec<String>,
    /// Objects that no ECO may touch.
    #[serde(default)]
    pub protect: ProtectedObjects,
    /// How far one ECO may reach.
    #[serde(default)]
    pub envelope: RiskEnvelope,
    /// When trials, branches and the study are given up.
    #[serde(default)]
    pub rails: Rails,
    /// When an ECO or a class of ECOs that keeps failing is not tried any more.
    #[serde(default)]
    pub containment: ContainmentRules,
    /// What a result must pass before it may survive.
    #[serde(default)]
    pub gates: Gates,
}

/// Objects that no ECO may touch. The ports of the design are always among them.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProtectedObjects {
    /// Instances by full name, parts separated by `/`: neither exchanged, removed nor connected otherwise.
    #[serde(default)]
    pub instances: Vec<String>,
    /// Nets by full name: no pin joins or leaves them.
    #[serde(default)]
    pub nets: Vec<String>,
    /// Cells by name: their instances are protected, and no instance becomes one.
    #[serde(default)]
    pub cells: Vec<String>,
    /// Nets between clock sources and clock pins, and the gates on the way; by default protected in
    /// `guarded` and `locked`.
    #[serde(default)]
    pub clock_network: Option<bool>,
    /// What the netlist, the constraints or the libraries mark as `dont_touch`, and cells marked as
    /// `dont_use`, of which no instance may become one; by default protected in `guarded` and `locked`.
    #[serde(default)]
    pub dont_touch: Option<bool>,
    /// The connections of scan chains, and registers with scan pins except for their drive; by default
    /// protected in `guarded` and `locked`.
    #[serde(default)]
    pub scan: Option<bool>,
}

/// What the netlist and the constraints of a base case mark as not to be touched or not to be used. No
/// ECO may have had a hand in it, so it is known of the base case and holds for all that comes of it.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DesignMarks {
    /// Instances by full name; one of a module stands for all that is in it.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub instances: BTreeSet<String>,
    /// Nets by full name.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub nets: BTreeSet<String>,
    /// Cells by name: none of their instances may be touched.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub cells: BTreeSet<String>,
    /// Cells by name pattern: no instance may become one.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub unusable: BTreeSet<String>,
}

impl DesignMarks {
    /// Whether nothing is marked.
    pub fn is_empty(&self) -> bool {
        let Self {
            instances,
            nets,
            cells,
            unusable,
        } = self;
        [instances, nets, cells, unusable]
            .into_iter()
            .all(BTreeSet::is_empty)
    }
}

/// How far one ECO may reach; an absent field sets no limit.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RiskEnvelope {
    /// Instances that it exchanges, makes, removes or connects otherwise.
    #[serde(default)]
    pub max_cells: Option<u64>,
    /// Nets that gain or lose a pin, in percent of the parent's.
    #[serde(default)]
    pub max_nets_percent: Option<f64>,
    /// Area of the cells that it makes or exchanges for others, in percent of the parent's.
    #[serde(default)]
    pub max_area_percent: Option<f64>,
}

impl ProtectedObjects {
    /// What these and `others` protect together.
    pub fn and(&self, others: &Self) -> Self {
        let both = |one: &[String], other: &[String]| [one, other].concat();
        let either = |one: Option<bool>, other: Option<bool>| match (one, other) {
            (Some(one), Some(other)) => Some(one || other),
            (one, other) => one.or(other),
        };
        Self {
            instances: both(&self.instances, &others.instances),
            nets: both(&self.nets, &others.nets),
            cells: both(&self.cells, &others.cells),
            clock_network: either(self.clock_network, others.clock_network),
            dont_touch: either(self.dont_touch, others.dont_touch),
            scan: either(self.scan, others.scan),
        }
    }
}

impl RiskEnvelope {
    /// The stricter of both, field by field.
    pub fn and(&self, other: &Self) -> Self {
        fn least<T: PartialOrd>(one: Option<T>, other: Option<T>) -> Option<T> {
            match (one, other) {
                (Some(one), Some(other)) => Some(if other < one { other } else { one }),
                (one, other) => one.or(other),
            }
        }
        Self {
            max_cells: least(self.max_cells, other.max_cells),
            max_nets_percent: least(self.max_nets_percent, other.max_nets_percent),
            max_area_percent: least(self.max_area_percent, other.max_area_percent),
        }
    }
}

impl SafetyRules {
    /// Whether the lists of ECOs let one be tried.
    pub fn admits_eco(&self, eco: &str) -> bool {
        let listed = |patterns: &[String]| {
            patterns
                .iter()
                .any(|pattern| crate::matches_pattern(pattern, eco))
        };
        !listed(&self.deny_ecos) && (self.allow_ecos.is_empty() || listed(&self.allow_ecos))
    }
}

/// Whether a stage may try an ECO that it does not name: the lists of study and stage admit it, their domain
/// permits its class, it leaves annotated wires as they are, and where it is a remedy for hold, some scene
/// answers for hold.
pub fn may_try(study: &Study, stage: &Stage, eco: &EcoManifest) -> bool {
    let annotated =
        (study.scenes.iter()).any(|scene| matches!(scene.parasitics, crate::Parasitics::Spef(_)));
    study.safety.admits_eco(&eco.name)
        && stage.safety.admits_eco(&eco.name)
        && study.domain_of(stage).permits(eco.class)
        && eco.engines.contains(&study.engine.kind)
        && !(annotated && eco.changes_connectivity)
        && (!eco.is_for_hold() || study.scenes.iter().any(crate::Scene::answers_for_hold))
}

/// What guards the design against the ECOs of one stage: the rules of the study, its stage and its domain
/// together.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct DesignGuard {
    /// What may not be touched.
    pub protect: ProtectedObjects,
    /// Whether the clock network is among it.
    pub clock_network: bool,
    /// Whether what is marked as `dont_touch` is among it.
    pub dont_touch: bool,
    /// Whether scan chains are among it.
    pub scan: bool,
    /// What the base case marks; it counts where `dont_touch` is protected.
    pub marks: DesignMarks,
    /// How far one ECO may reach.
    pub envelope: RiskEnvelope,
}

impl DesignGuard {
    /// The guard of `stage` in `study`. What the base case marks is not known to a study: the field stays empty.
    pub fn of(study: &Study, stage: &Stage) -> Self {
        let protect = study.safety.protect.and(&stage.safety.protect);
        let by_default = study.domain_of(stage) != SafetyDomain::Sandbox;
        Self {
            clock_network: protect.clock_network.unwrap_or(by_default),
            dont_touch: protect.dont_touch.unwrap_or(by_default),
            scan: protect.scan.unwrap_or(by_default),
            marks: DesignMarks::default(),
            envelope: study.safety.envelope.and(&stage.safety.envelope),
            protect,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_study_is_only_ever_stricter() {
        let loose = RiskEnvelope {
            max_cells: Some(10),
            max_nets_percent: None,
            max_area_percent: Some(5.0),
        };
        let strict = RiskEnvelope {
            max_cells: Some(20),
            max_nets_percent: Some(1.0),
            max_area_percent: Some(2.0),
        };
        let both = RiskEnvelope {
            max_cells: Some(10),
            max_nets_percent: Some(1.0),
            max_area_percent: Some(2.0),
        };
        assert_eq!(loose.and(&strict), both);
        assert_eq!(strict.and(&loose), both);
        let clocks = |value| ProtectedObjects {
            clock_network: value,
            ..ProtectedObjects::default()
        };
        for (one, other, expected) in [
            (Some(true), Some(false), Some(true)),
            (None, Some(false), Some(false)),
            (None, None, None),
        ] {
            assert_eq!(clocks(one).and(&clocks(other)), clocks(expected));
            let others = |value| ProtectedObjects {
                dont_touch: value,
                scan: value,
                ..ProtectedObjects::default()
            };
            assert_eq!(others(one).and(&others(other)), others(expected));
        }
    }
}
