//! How far an ECO can be trusted, by what is known of it: bounds on shares, never bare ratios.

use std::fmt;

use noodle2_model::{Evidence, Metric};
use serde::Serialize;

/// Standard deviations to each side of a bound: 95 % of the normal distribution lie above it.
pub const Z: f64 = 1.645;

/// What is known of an ECO under some conditions.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// So few tries that nothing could be told even if all of them agreed: fewer than Z², that is 2.71.
    Unknown,
    /// Most tries help: the lower bound of the share that helped is above one half.
    Trusted,
    /// Neither is certain.
    Mixed,
    /// Most tries do not help: the upper bound of the share that helped is below one half.
    Suspicious,
}

impl fmt::Display for Standing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Unknown => "unknown",
            Self::Trusted => "trusted",
            Self::Mixed => "mixed",
            Self::Suspicious => "suspicious",
        })
    }
}

/// Lower and upper bound of a share of which `hits` of `tries` were seen, each with 95 % confidence: the
/// score interval of Wilson (1927). Counts may be sums of weights. Without tries nothing is excluded.
pub fn wilson(hits: f64, tries: f64) -> (f64, f64) {
    if tries <= 0.0 {
        return (0.0, 1.0);
    }
    let share = (hits / tries).clamp(0.0, 1.0);
    let square = Z * Z;
    let centre = share + square / (2.0 * tries);
    let reach = Z * ((share * (1.0 - share) + square / (4.0 * tries)) / tries).sqrt();
    let scale = 1.0 + square / tries;
    let bound = |value: f64| (value / scale).clamp(0.0, 1.0);
    (bound(centre - reach), bound(centre + reach))
}

/// What is known of an ECO. A try helped when it made `metric` better; without a metric, when it changed the
/// design and could be measured.
pub fn standing(evidence: &Evidence, metric: Option<Metric>) -> Standing {
    let tries = evidence.tries();
    if tries < Z * Z {
        return Standing::Unknown;
    }
    let helped = match metric {
        Some(metric) => evidence
            .gains
            .get(&metric)
            .map_or(0.0, |gains| gains.better),
        None => evidence.effects,
    };
    match wilson(helped, tries) {
        (lower, _) if lower > 0.5 => Standing::Trusted,
        (_, upper) if upper < 0.5 => Standing::Suspicious,
        _ => Standing::Mixed,
    }
}

/// Whether an ECO mostly fails, and by how much at least: the lower bound of the share of its tries that
/// failed, where it is above one half.
pub fn anti_pattern(evidence: &Evidence) -> Option<f64> {
    let (lower, _) = wilson(evidence.own_failures(), evidence.tries());
    (lower > 0.5).then_some(lower)
}

#[cfg(test)]
mod tests {
    use super::*;
    use noodle2_model::{FailureClass, TrialResult};
    use proptest::prelude::*;

    fn evidence(better: u32, worse: u32, failed: u32) -> Evidence {
        let gain = |value| TrialResult::Effect([(Metric::SetupTns, value)].into());
        let mut evidence = Evidence::default();
        let mut add = |result: TrialResult, count| {
            (0..count).for_each(|_| evidence.merge(&Evidence::of(&result, 1.0)));
        };
        add(gain(5.0), better);
        add(gain(-5.0), worse);
        add(TrialResult::Failed(FailureClass::ToolError), failed);
        evidence
    }

    fn of(better: u32, worse: u32, failed: u32) -> Standing {
        standing(&evidence(better, worse, failed), Some(Metric::SetupTns))
    }

    #[test]
    fn a_bare_ratio_convinces_nobody() {
        assert_eq!(of(0, 0, 0), Standing::Unknown);
        assert_eq!(of(2, 0, 0), Standing::Unknown);
        assert_eq!(of(3, 0, 0), Standing::Trusted);
        assert_eq!(of(3, 1, 0), Standing::Mixed);
        assert_eq!(of(6, 4, 0), Standing::Mixed);
        assert_eq!(of(60, 40, 0), Standing::Trusted);
        assert_eq!(of(0, 3, 0), Standing::Suspicious);
        assert_eq!(of(0, 0, 3), Standing::Suspicious);
        assert_eq!(of(1, 1, 1), Standing::Mixed);
    }

    #[test]
    fn a_metric_that_was_never_seen_was_never_helped() {
        let evidence = evidence(3, 0, 0);
        assert_eq!(
            standing(&evidence, Some(Metric::Area)),
            Standing::Suspicious
        );
        assert_eq!(standing(&evidence, None), Standing::Trusted);
    }

    #[test]
    fn only_what_mostly_fails_is_an_anti_pattern() {
        let found = |better, worse, failed| anti_pattern(&evidence(better, worse, failed));
        assert_eq!(found(0, 0, 2), None);
        assert!(found(0, 0, 3).is_some_and(|share| share > 0.5));
        assert_eq!(found(1, 0, 3), None);
        assert!(found(2, 0, 9).is_some());
        assert_eq!(
            found(0, 50, 0),
            None,
            "what never helps does not therefore fail"
        );
    }

    #[test]
    fn the_interval_is_wilsons() {
        // 8 of 10 with z = 1.645: (0.8 + 0.13530) ± 1.645 √(0.016 + 0.006765) over 1.27060.
        let (lower, upper) = wilson(8.0, 10.0);
        assert!((lower - 0.540_78).abs() < 1e-4, "{lower}");
        assert!((upper - 0.931_46).abs() < 1e-4, "{upper}");
        assert_eq!(wilson(0.0, 0.0), (0.0, 1.0));
    }

    proptest! {
        #[test]
        fn bounds_hold_the_share_and_tighten(hits in 0_u32..200, misses in 0_u32..200) {
            let (hits, tries) = (f64::from(hits), f64::from(hits + misses));
            let (lower, upper) = wilson(hits, tries);
            prop_assert!((0.0..=1.0).contains(&lower) && (0.0..=1.0).contains(&upper));
            if tries > 0.0 {
                let share = hits / tries;
                prop_assert!(lower <= share + 1e-12 && share <= upper + 1e-12);
                let (more_lower, more_upper) = wilson(hits * 4.0, tries * 4.0);
                prop_assert!(more_upper - more_lower < upper - lower);
            }
        }

        #[test]
        fn what_mostly_fails_is_suspicious(better in 0_u32..20, worse in 0_u32..20, failed in 0_u32..40) {
            let evidence = evidence(better, worse, failed);
            if anti_pattern(&evidence).is_some() {
                prop_assert_eq!(standing(&evidence, None), Standing::Suspicious);
                prop_assert_eq!(standing(&evidence, Some(Metric::SetupTns)), Standing::Suspicious);
            }
        }
    }
}
