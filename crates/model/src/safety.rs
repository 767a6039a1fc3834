//! Safety domains and ECO classes.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The blast radius that an ECO declares, from narrow to wide.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum EcoClass {
    /// Same-footprint resizes, threshold swaps, swaps of equivalent pins; nothing moves.
    TopologyNeutral,
    /// Resizes, buffers and clones in one place.
    PlacementLocal,
    /// Changes that re-route nets.
    RoutingAffecting,
    /// Restructuring or re-placing of large parts.
    GlobalDisruptive,
}

impl EcoClass {
    /// All classes, narrow to wide.
    pub const ALL: [Self; 4] = [
        Self::TopologyNeutral,
        Self::PlacementLocal,
        Self::RoutingAffecting,
        Self::GlobalDisruptive,
    ];

    /// What an ECO of this class may do.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::TopologyNeutral => {
                "Same-footprint resizes, threshold swaps, swaps of equivalent pins; nothing moves."
            }
            Self::PlacementLocal => "Resizes, buffers and clones in one place.",
            Self::RoutingAffecting => "Changes that re-route nets.",
            Self::GlobalDisruptive => "Restructuring or re-placing of large parts.",
        }
    }

    /// The name as written in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::TopologyNeutral => "topology_neutral",
            Self::PlacementLocal => "placement_local",
            Self::RoutingAffecting => "routing_affecting",
            Self::GlobalDisruptive => "global_disruptive",
        }
    }
}

impl fmt::Display for EcoClass {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// How much a study may dare, from strict to free. Ordered so that a smaller domain is a stricter one.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Debug,
    Default,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum SafetyDomain {
    /// Only `topology_neutral` and `placement_local` ECOs.
    Locked,
    /// All but `global_disruptive`.
    #[default]
    Guarded,
    /// All four classes.
    Sandbox,
}

impl SafetyDomain {
    /// All domains, strict to free.
    pub const ALL: [Self; 3] = [Self::Locked, Self::Guarded, Self::Sandbox];

    /// What the domain is for.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Locked => {
                "For designs that are nearly done: what is written is tried and nothing else, and little is forgiven."
            }
            Self::Guarded => {
                "The default: what stays in its place or re-routes nets may be tried, and what fails is contained."
            }
            Self::Sandbox => {
                "For exploring: everything may be tried, also what restructures or re-places large parts."
            }
        }
    }

    /// The widest ECO class that the domain permits.
    pub const fn widest_class(self) -> EcoClass {
        match self {
            Self::Locked => EcoClass::PlacementLocal,
            Self::Guarded => EcoClass::RoutingAffecting,
            Self::Sandbox => EcoClass::GlobalDisruptive,
        }
    }

    /// Whether an ECO of `class` may be tried in this domain.
    pub fn permits(self, class: EcoClass) -> bool {
        class <= self.widest_class()
    }

    /// The name as written in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Locked => "locked",
            Self::Guarded => "guarded",
            Self::Sandbox => "sandbox",
        }
    }
}

impl fmt::Display for SafetyDomain {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_domain_permits_exactly_its_classes() {
        let permitted = |domain: SafetyDomain| EcoClass::ALL.map(|class| domain.permits(class));
        assert_eq!(permitted(SafetyDomain::Locked), [true, true, false, false]);
        assert_eq!(permitted(SafetyDomain::Guarded), [true, true, true, false]);
        assert_eq!(permitted(SafetyDomain::Sandbox), [true; 4]);
    }
}
