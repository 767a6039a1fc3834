//! What is better, given how far numbers can be trusted.
//!
//! Two cases whose values of a metric lie within its noise floor of each other are indistinguishable by it. That is
//! no order: of three, the outer two may be told apart where neither can be told from the middle one. So there are
//! two notions here. Questions about two cases ([`Yardstick::compare`]) use the floor as a tolerance. An order of
//! many ([`Yardstick::ranking`]) is a procedure: the best value that is left and all within the floor of it form a
//! group, in which the next metric decides in the same way. Without a floor both are the plain lexicographic order.

use std::cmp::Ordering;

use noodle2_model::{CaseName, Metric, MetricSet, Objective};

use crate::select::keeps_bounds;

/// What cases of a stage are compared by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Yardstick<'a> {
    pub objective: &'a Objective,
    /// What losses are against.
    pub base: &'a MetricSet,
    /// By metric, the difference up to which two values cannot be told apart.
    pub floor: &'a MetricSet,
}

/// Whether two values of a metric cannot be told apart.
pub(crate) fn is_within(floor: &MetricSet, metric: Metric, left: f64, right: f64) -> bool {
    let difference = metric.canonical((left - right).abs());
    let width = floor.get(metric).unwrap_or(0.0);
    left == right || difference.is_some_and(|difference| difference <= width)
}

impl Yardstick<'_> {
    /// Compares by the objective's metrics in order: `Greater` when `left` is better, `Equal` when they cannot be
    /// told apart. A missing metric is worse than any value.
    pub fn compare(&self, left: &MetricSet, right: &MetricSet) -> Ordering {
        let metric = self.deciding_metric(left, right);
        metric.map_or(Ordering::Equal, |metric| {
            match (left.get(metric), right.get(metric)) {
                (Some(left), Some(right)) => metric.compare(left, right),
                (left, right) => left.is_some().cmp(&right.is_some()),
            }
        })
    }

    /// The first metric of the ranking by which two cases can be told apart.
    pub fn deciding_metric(&self, left: &MetricSet, right: &MetricSet) -> Option<Metric> {
        let differs = |metric: &Metric| match (left.get(*metric), right.get(*metric)) {
            (Some(left), Some(right)) => !is_within(self.floor, *metric, left, right),
            (left, right) => left.is_some() != right.is_some(),
        };
        self.objective.rank.iter().copied().find(differs)
    }

    /// Compares two cases: `Greater` when `left` is better. One that keeps the bounds is better than one
    /// that does not, whatever they measure; between two alike in that the ranking decides.
    pub fn order(&self, left: &MetricSet, right: &MetricSet) -> Ordering {
        let keeps = |metrics| keeps_bounds(&self.objective.bounds, self.base, metrics);
        keeps(left)
            .cmp(&keeps(right))
            .then_with(|| self.compare(left, right))
    }

    /// The cases, best first: those that keep the bounds before those that do not, then by the ranking, then by
    /// name. The order in which they are given decides nothing.
    pub fn ranking<T>(&self, cases: Vec<T>, key: impl Fn(&T) -> (&CaseName, &MetricSet)) -> Vec<T> {
        let keeps = |case: &T| keeps_bounds(&self.objective.bounds, self.base, key(case).1);
        let (within, beyond): (Vec<T>, Vec<T>) = cases.into_iter().partition(keeps);
        let mut ranked = self.by_metrics(&self.objective.rank, within, &key);
        ranked.extend(self.by_metrics(&self.objective.rank, beyond, &key));
        ranked
    }

    fn by_metrics<T>(
        &self,
        metrics: &[Metric],
        mut cases: Vec<T>,
        key: &impl Fn(&T) -> (&CaseName, &MetricSet),
    ) -> Vec<T> {
        let Some((metric, rest)) = metrics.split_first() else {
            cases.sort_by(|left, right| key(left).0.cmp(key(right).0));
            return cases;
        };
        let value = |case: &T| key(case).1.get(*metric);
        groups(cases, value, *metric, self.floor)
            .into_iter()
            .flat_map(|group| self.by_metrics(rest, group, key))
            .collect()
    }
}

/// Groups of what cannot be told apart by a metric, best first. Each is anchored at the best value that is left;
/// the last is of those that lack the metric.
pub(crate) fn groups<T>(
    mut cases: Vec<T>,
    value: impl Fn(&T) -> Option<f64>,
    metric: Metric,
    floor: &MetricSet,
) -> Vec<Vec<T>> {
    cases.sort_by(|left, right| match (value(left), value(right)) {
        (Some(left), Some(right)) => metric.compare(right, left),
        (left, right) => right.is_some().cmp(&left.is_some()),
    });
    let mut groups: Vec<(Option<f64>, Vec<T>)> = Vec::new();
    for case in cases {
        let own = value(&case);
        let belongs = |anchor: &Option<f64>| match (anchor, own) {
            (Some(anchor), Some(own)) => is_within(floor, metric, *anchor, own),
            (anchor, own) => anchor.is_none() && own.is_none(),
        };
        match groups.last_mut() {
            Some((anchor, group)) if belongs(anchor) => group.push(case),
            _ => groups.push((own, vec![case])),
        }
    }
    groups.into_iter().map(|(_, group)| group).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn set(wns: f64, area: f64) -> MetricSet {
        [(Metric::SetupWns, wns), (Metric::Area, area)]
            .into_iter()
            .collect()
    }

    fn objective() -> Objective {
        Objective {
            rank: vec![Metric::SetupWns, Metric::Area],
            bounds: Vec::new(),
        }
    }

    fn name(number: usize) -> CaseName {
        format!("core_0_{number}").parse().unwrap()
    }

    /// The numbers of the cases, best first.
    fn ranked(floor: &MetricSet, values: &[(f64, f64)]) -> Vec<usize> {
        let objective = objective();
        let yardstick = Yardstick {
            objective: &objective,
            base: &MetricSet::new(),
            floor,
        };
        let cases = values.iter().enumerate();
        let cases: Vec<(usize, CaseName, MetricSet)> = cases
            .map(|(number, (wns, area))| (number, name(number), set(*wns, *area)))
            .collect();
        let ranked = yardstick.ranking(cases, |(_, name, metrics)| (name, metrics));
        ranked.into_iter().map(|(number, ..)| number).collect()
    }

    #[test]
    fn a_group_is_anchored_at_the_best_that_is_left() {
        let floor = set(2.0, 0.0);
        // -1 and -3 are one group, -4 is within the floor of -3 and not of -1.
        let values = [(-4.0, 1.0), (-3.0, 5.0), (-1.0, 9.0), (-5.0, 0.5)];
        assert_eq!(ranked(&floor, &values), [1, 2, 3, 0]);
        assert_eq!(ranked(&MetricSet::new(), &values), [2, 1, 0, 3]);
    }

    #[test]
    fn what_nothing_tells_apart_goes_by_name() {
        let floor = set(2.0, 1.0);
        assert_eq!(ranked(&floor, &[(-3.0, 2.0), (-1.0, 1.0)]), [0, 1]);
    }

    #[test]
    fn the_width_of_the_floor_is_within_it() {
        let floor = set(0.3, 0.0);
        // In binary, 0.3 is less than -10.1 - -10.4.
        assert!(is_within(&floor, Metric::SetupWns, -10.1, -10.4));
        assert!(!is_within(&floor, Metric::SetupWns, -10.1, -10.401));
        assert!(!is_within(&floor, Metric::Power, 1.0, 1.1));
    }

    #[test]
    fn a_metric_that_is_missing_is_worse_whatever_the_floor() {
        let (objective, floor) = (objective(), set(1e9, 1e9));
        let yardstick = Yardstick {
            objective: &objective,
            base: &MetricSet::new(),
            floor: &floor,
        };
        let lacking: MetricSet = [(Metric::Area, 1.0)].into_iter().collect();
        assert!(yardstick.compare(&set(-9e8, 1.0), &lacking).is_gt());
    }

    proptest! {
        #[test]
        fn the_order_in_which_cases_are_given_decides_nothing(
            values in prop::collection::vec((-9_i32..0, 0_i32..9), 0..9),
            width in 0_i32..4,
            turn in 0_usize..9,
        ) {
            let floor = set(f64::from(width), f64::from(width));
            let objective = objective();
            let yardstick = Yardstick { objective: &objective, base: &MetricSet::new(), floor: &floor };
            let mut cases: Vec<(CaseName, MetricSet)> = values.iter().enumerate()
                .map(|(number, (wns, area))| (name(number), set(f64::from(*wns), f64::from(*area))))
                .collect();
            let order = |cases: &[(CaseName, MetricSet)]| {
                yardstick.ranking(cases.to_vec(), |(name, metrics)| (name, metrics))
            };
            let ranked = order(&cases);
            if !cases.is_empty() {
                let turn = turn % cases.len();
                cases.rotate_left(turn);
            }
            prop_assert_eq!(&order(&cases), &ranked);
            // By the first metric, none is better than the first by more than can be told.
            for (_, other) in &ranked {
                let value = |metrics: &MetricSet| metrics.get(Metric::SetupWns).unwrap();
                prop_assert!(value(other) - value(&ranked[0].1) <= f64::from(width));
            }
        }

        #[test]
        fn without_a_floor_the_ranking_is_the_comparison(
            values in prop::collection::vec((-9_i32..0, 0_i32..9), 0..9),
        ) {
            let objective = objective();
            let yardstick = Yardstick { objective: &objective, base: &MetricSet::new(), floor: &MetricSet::new() };
            let mut cases: Vec<(CaseName, MetricSet)> = values.iter().enumerate()
                .map(|(number, (wns, area))| (name(number), set(f64::from(*wns), f64::from(*area))))
                .collect();
            let ranked = yardstick.ranking(cases.clone(), |(name, metrics)| (name, metrics));
            cases.sort_by(|left, right| yardstick.compare(&right.1, &left.1).then_with(|| left.0.cmp(&right.0)));
            prop_assert_eq!(ranked, cases);
        }
    }
}
