//! How far numbers can be trusted: measurements that are repeated as they were, or under small perturbations.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{ContentHash, SafetyDomain};

/// How often the base case is measured again before anything is tried on it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoiseRules {
    /// Whether it is measured again as it is, which must give the very same numbers; by default in `guarded` and
    /// `locked`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rerun: Option<bool>,
    /// How often it is measured under small perturbations, whose largest effect is the noise floor; not at all
    /// unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeats: Option<u32>,
}

impl NoiseRules {
    /// The most perturbed repeats that may be asked for.
    pub const MOST_REPEATS: u32 = 100;

    /// Whether nothing is said.
    pub fn is_silent(&self) -> bool {
        *self == Self::default()
    }

    /// The repeats that are made in a study of this domain, by number: 0 is the one without perturbation.
    pub fn repeats_in(self, domain: SafetyDomain) -> impl Iterator<Item = u32> {
        let reruns = domain != SafetyDomain::Sandbox || self.rerun == Some(true);
        let rerun = reruns.then_some(0);
        rerun.into_iter().chain(1..=self.repeats.unwrap_or(0))
    }
}

/// What a repeat changes about a measurement, and not about the design.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Perturbation {
    /// The number of the repeat, from 1.
    pub repeat: u32,
    /// What the tool and the order of instances in the netlist are seeded with.
    pub seed: u64,
    /// What the period of every clock is multiplied by.
    pub period_scale: f64,
}

impl Perturbation {
    /// The share by which a clock's period is changed.
    pub const PERIOD_SHARE: f64 = 0.001;

    /// The perturbation of a repeat, which depends on the study's seed and the repeat's number alone: odd ones
    /// shorten the period of every clock, even ones lengthen it. `None` for number 0, which changes nothing.
    pub fn of(seed: u64, repeat: u32) -> Option<Self> {
        let hash = ContentHash::of(format!("noodle2 repeat {repeat} {seed}"));
        let bytes = hash.as_bytes().first_chunk().copied().unwrap_or_default();
        let share = match repeat % 2 {
            // The harder way first: a single repeat must not flatter.
            1 => -Self::PERIOD_SHARE,
            _ => Self::PERIOD_SHARE,
        };
        (repeat > 0).then_some(Self {
            repeat,
            seed: u64::from_le_bytes(bytes),
            period_scale: 1.0 + share,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_study_is_rerun_where_its_domain_or_it_itself_says_so() {
        let repeats = |rules: NoiseRules, domain| rules.repeats_in(domain).collect::<Vec<u32>>();
        let silent = NoiseRules::default();
        assert!(repeats(silent, SafetyDomain::Sandbox).is_empty());
        let lax = NoiseRules {
            rerun: Some(false),
            repeats: Some(2),
        };
        assert_eq!(repeats(lax, SafetyDomain::Sandbox), [1, 2]);
        for domain in [SafetyDomain::Guarded, SafetyDomain::Locked] {
            assert_eq!(repeats(silent, domain), [0]);
            assert_eq!(repeats(lax, domain), [0, 1, 2]);
        }
    }

    #[test]
    fn perturbations_differ_and_repeat_themselves() {
        assert_eq!(Perturbation::of(7, 0), None);
        let [first, second, third] = [1, 2, 3].map(|repeat| Perturbation::of(7, repeat).unwrap());
        assert_eq!(Some(first), Perturbation::of(7, 1));
        assert_ne!(Some(first), Perturbation::of(8, 1));
        assert_ne!(first.seed, third.seed);
        assert_eq!((first.period_scale, second.period_scale), (0.999, 1.001));
    }
}
