//! Whether a stage can still reach its target at the rate at which it has come nearer.
//!
//! What each trial gained on average, gone on with over the trials that are left, is an upper estimate of what can be
//! expected of them: where trials are drawn alike, the expectation of the best of n is concave in n, so that the best
//! so far grows ever more slowly. A stage is doomed only where even this falls short. Each bound of the target is
//! judged by itself, by the result that came nearest to it: no single result can be nearer to all of them.

use noodle2_model::{Bound, Metric, MetricSet};

/// How near a stage has come to each bound of its target.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Approach {
    bounds: Vec<Distance>,
}

/// How far from a bound, in the metric's unit; absent where nothing was measured to tell.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Distance {
    /// The nearest input.
    start: Option<f64>,
    /// The nearest of inputs and results so far.
    nearest: Option<f64>,
}

impl Approach {
    /// Where a stage begins that starts from `inputs`.
    pub fn from<'a>(
        target: &[Bound],
        base: &MetricSet,
        inputs: impl Iterator<Item = &'a MetricSet> + Clone,
    ) -> Self {
        let distance = |bound: &Bound| {
            let missing = inputs.clone();
            let missing = missing.filter_map(|metrics| shortfall(bound, base, metrics));
            let start = missing.min_by(f64::total_cmp);
            Distance {
                start,
                nearest: start,
            }
        };
        Self {
            bounds: target.iter().map(distance).collect(),
        }
    }

    /// Takes a result into account.
    pub fn note(&mut self, target: &[Bound], base: &MetricSet, result: &MetricSet) {
        for (distance, bound) in self.bounds.iter_mut().zip(target) {
            if let Some(found) = shortfall(bound, base, result) {
                let nearest = distance.nearest.map_or(found, |known| known.min(found));
                distance.nearest = Some(nearest);
            }
        }
    }

    /// Why the target cannot be reached at the rate seen in `trials` trials with `left` more, in words; `None`
    /// while it may be.
    pub fn doom(&self, target: &[Bound], trials: u32, left: usize) -> Option<String> {
        if trials == 0 || left == 0 {
            return None;
        }
        let trials_made = f64::from(trials);
        let mut bounds = self.bounds.iter().zip(target);
        bounds.find_map(|(distance, bound)| {
            let (start, nearest) = (distance.start?, distance.nearest?);
            let gained = start - nearest;
            // Multiplied out: a target that is just reached must not be lost to a rounded rate.
            (nearest * trials_made > gained * left as f64).then(|| {
                let metric = bound.metric;
                let shown = |value: f64| told(metric, value);
                format!(
                    "doomed: `{metric}` misses the target by {}; at {} gained for each of {trials} trials the {left} \
                     left make up {}",
                    shown(nearest),
                    shown(gained / trials_made),
                    shown(gained * left as f64 / trials_made)
                )
            })
        })
    }
}

fn told(metric: Metric, value: f64) -> String {
    metric.canonical(value).unwrap_or(value).to_string()
}

/// By how much `metrics` miss a bound, in the metric's unit; 0 where they keep it, `None` where that cannot be told.
fn shortfall(bound: &Bound, base: &MetricSet, metrics: &MetricSet) -> Option<f64> {
    let metric = bound.metric;
    let value = metrics.get(metric)?;
    let below = bound.min.map(|min| min - value);
    let above = bound.max.map(|max| value - max);
    let mut missing: Vec<f64> = below.into_iter().chain(above).collect();
    if bound.max_loss.is_some() || bound.max_loss_percent.is_some() {
        let reference = base.get(metric)?;
        let loss = -metric.gain(reference, value);
        let percent = bound.max_loss_percent;
        let share = percent.map(|percent| reference.abs() * percent / 100.0);
        let allowed = bound.max_loss.into_iter().chain(share);
        missing.extend(allowed.map(|allowed| loss - allowed));
    }
    let most = missing.into_iter().max_by(f64::total_cmp)?;
    Some(most.max(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wns(value: f64) -> MetricSet {
        [(Metric::SetupWns, value)].into_iter().collect()
    }

    fn area(value: f64) -> MetricSet {
        [(Metric::Area, value)].into_iter().collect()
    }

    fn at_least(min: f64) -> Bound {
        Bound {
            min: Some(min),
            ..Bound::of(Metric::SetupWns)
        }
    }

    #[test]
    fn a_stage_is_doomed_once_the_rate_so_far_falls_short_and_not_while_it_just_reaches() {
        let target = [at_least(-400.0)];
        let base = wns(-500.0);
        let mut approach = Approach::from(&target, &base, [&base].into_iter());
        assert!(approach.doom(&target, 0, 9).is_none(), "no rate was seen");
        approach.note(&target, &base, &wns(-480.0));
        // 20 ps in 2 trials; 80 ps are missing.
        assert_eq!(approach.doom(&target, 2, 8), None);
        let cause = approach.doom(&target, 2, 7).unwrap();
        assert_eq!(
            cause,
            "doomed: `setup_wns_ps` misses the target by 80; at 10 gained for each of 2 trials the 7 left make up 70"
        );
        // 0.3 in 3 trials, and 0.7 in 7.
        let near = Approach::from(&[at_least(1.0)], &base, [&wns(0.0)].into_iter());
        let mut just = near.clone();
        just.note(&[at_least(1.0)], &base, &wns(0.3));
        assert_eq!(just.doom(&[at_least(1.0)], 3, 7), None);
        assert!(just.doom(&[at_least(1.0)], 3, 6).is_some());
        // A worse result takes nothing back.
        approach.note(&target, &base, &wns(-600.0));
        assert_eq!(approach.doom(&target, 2, 8), None);
        assert!(approach.doom(&target, 3, 8).is_some());
        assert_eq!(
            approach.doom(&target, 3, 0),
            None,
            "nothing is left to save"
        );
    }

    #[test]
    fn every_bound_of_a_target_is_judged_by_what_came_nearest_to_it() {
        let shrink = Bound {
            max_loss_percent: Some(-10.0),
            max: Some(950.0),
            ..Bound::of(Metric::Area)
        };
        let base = area(1000.0);
        assert_eq!(shortfall(&shrink, &base, &area(960.0)), Some(60.0));
        assert_eq!(shortfall(&shrink, &base, &area(890.0)), Some(0.0));
        assert_eq!(shortfall(&shrink, &MetricSet::new(), &area(960.0)), None);
        assert_eq!(shortfall(&shrink, &base, &wns(0.0)), None);

        let target = [at_least(-500.0), shrink];
        let inputs: MetricSet = [(Metric::SetupWns, -500.0), (Metric::Area, 1000.0)]
            .into_iter()
            .collect();
        let approach = Approach::from(&target, &inputs, [&inputs].into_iter());
        let cause = approach.doom(&target, 1, 5).unwrap();
        assert!(cause.starts_with("doomed: `area_um2` misses the target by 100;"));
    }

    #[test]
    fn what_was_never_measured_dooms_nothing() {
        let target = [at_least(0.0)];
        let mut approach = Approach::from(&target, &area(1.0), [&area(1.0)].into_iter());
        assert_eq!(approach.doom(&target, 5, 5), None);
        approach.note(&target, &area(1.0), &wns(-100.0));
        assert_eq!(
            approach.doom(&target, 5, 5),
            None,
            "where it began is not known"
        );
    }
}
