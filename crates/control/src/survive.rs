//! Which of the cases that may survive do.
//!
//! Every rule is a pure function of the cases and the seed: the order in which they are given decides
//! nothing, and ties go to the better by the objective, then to the smaller name.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use noodle2_model::{CaseName, Metric, MetricSet, Selection, Strategy};

use crate::rank;

/// A case that may survive. A pool of them is sorted by the objective, best first.
#[derive(Debug, Clone)]
pub(crate) struct Contender<'a> {
    pub name: &'a CaseName,
    pub metrics: &'a MetricSet,
    /// The ECOs that lead to it from the base.
    pub path: Vec<&'a str>,
}

/// The survivors, best first in the sense of the rule; at most `keep`. By `floor`, differences up to it tell no
/// two apart. `key` is the source of chance.
pub(crate) fn choose(
    selection: &Selection,
    base: &MetricSet,
    floor: &MetricSet,
    pool: &[Contender<'_>],
    keep: usize,
    key: &str,
) -> Vec<CaseName> {
    let places: Vec<usize> = (0..pool.len()).collect();
    let mut chosen = match selection.strategy {
        Strategy::Lexicographic => places.into_iter().take(keep).collect(),
        Strategy::TopN => by_score(selection, base, floor, pool, keep),
        Strategy::Pareto => by_fronts(&selection.metrics, floor, pool, keep),
        Strategy::Diverse => far_apart(selection.distance.unwrap_or(1), pool, keep),
        Strategy::Tournament => by_rounds(selection.size.unwrap_or(2), pool.len(), keep, key),
    };
    if selection.elitism && !pool.is_empty() && keep > 0 {
        match chosen.iter().position(|place| *place == 0) {
            Some(at) => drop(chosen.remove(at)),
            None => chosen.truncate(keep - 1),
        }
        chosen.insert(0, 0);
    }
    chosen
        .iter()
        .map(|place| pool[*place].name.clone())
        .collect()
}

/// By the weighted sum of gains, each in shares of the base value; where that is zero or missing, in shares of
/// the largest gain or loss in the pool. A metric that a case lacks counts as the worst loss in the pool. Sums
/// that noise alone may set apart are a group, anchored at the best that is left, and as good as each other.
fn by_score(
    selection: &Selection,
    base: &MetricSet,
    floor: &MetricSet,
    pool: &[Contender<'_>],
    keep: usize,
) -> Vec<usize> {
    let mut scores = vec![0.0; pool.len()];
    let mut noise = 0.0;
    for (metric, weight) in &selection.weights {
        let reference = base.get(*metric);
        let gains: Vec<Option<f64>> = pool
            .iter()
            .map(|contender| {
                Some(metric.gain(reference.unwrap_or(0.0), contender.metrics.get(*metric)?))
            })
            .collect();
        let known = gains.iter().flatten();
        let largest = known
            .clone()
            .fold(0.0_f64, |most, gain| most.max(gain.abs()));
        let worst = known.copied().fold(0.0_f64, f64::min);
        let scale = match reference.map(f64::abs) {
            Some(reference) if reference > 0.0 => reference,
            _ if largest > 0.0 => largest,
            _ => 1.0,
        };
        for (score, gain) in scores.iter_mut().zip(gains) {
            *score += weight * gain.unwrap_or(worst) / scale;
        }
        noise += (weight * floor.get(*metric).unwrap_or(0.0) / scale).abs();
    }
    let mut places: Vec<usize> = (0..pool.len()).collect();
    places.sort_by(|left, right| {
        scores[*right]
            .total_cmp(&scores[*left])
            .then(left.cmp(right))
    });
    let mut ranked: Vec<usize> = Vec::new();
    while let Some(anchor) = places.get(ranked.len()).copied() {
        let left = &places[ranked.len()..];
        let as_good = |place: &&usize| scores[anchor] - scores[**place] <= noise;
        let mut group: Vec<usize> = left.iter().take_while(as_good).copied().collect();
        group.sort_unstable();
        ranked.extend(group);
    }
    ranked.truncate(keep);
    ranked
}

/// For each metric the rank of every case of a pool: equal for those of one group of what cannot be told apart.
/// Groups and not distances, since cases that each dominate the next by more than noise may form a circle.
fn ranks(metrics: &[Metric], floor: &MetricSet, pool: &[Contender<'_>]) -> Vec<Vec<usize>> {
    let of = |metric: &Metric| {
        let places: Vec<usize> = (0..pool.len()).collect();
        let value = |place: &usize| pool[*place].metrics.get(*metric);
        let mut ranks = vec![0; pool.len()];
        let groups = rank::groups(places, value, *metric, floor);
        for (rank, group) in groups.into_iter().enumerate() {
            group.into_iter().for_each(|place| ranks[place] = rank);
        }
        ranks
    };
    metrics.iter().map(of).collect()
}

/// Whether the case at `left` is nowhere worse than that at `right`, and somewhere better.
fn dominates(ranks: &[Vec<usize>], left: usize, right: usize) -> bool {
    let mut both = ranks.iter().map(|ranks| (ranks[left], ranks[right]));
    both.clone().all(|(left, right)| left <= right) && both.any(|(left, right)| left < right)
}

/// Non-dominated sorting with crowding distance (Deb and others, *A fast and elitist multiobjective genetic
/// algorithm: NSGA-II*, IEEE TEC 6(2), 2002).
fn by_fronts(
    metrics: &[Metric],
    floor: &MetricSet,
    pool: &[Contender<'_>],
    keep: usize,
) -> Vec<usize> {
    let ranks = ranks(metrics, floor, pool);
    let mut rest: Vec<usize> = (0..pool.len()).collect();
    let mut chosen = Vec::new();
    while !rest.is_empty() && chosen.len() < keep {
        let is_dominated =
            |place: &usize| rest.iter().any(|other| dominates(&ranks, *other, *place));
        let (others, mut front): (Vec<usize>, Vec<usize>) =
            rest.iter().partition(|place| is_dominated(place));
        if chosen.len() + front.len() > keep {
            let crowding = crowding(metrics, pool, &front);
            let mut order: Vec<usize> = (0..front.len()).collect();
            order.sort_by(|left, right| {
                crowding[*right]
                    .total_cmp(&crowding[*left])
                    .then(left.cmp(right))
            });
            front = order.into_iter().map(|place| front[place]).collect();
        }
        chosen.extend(front);
        rest = others;
    }
    chosen.truncate(keep);
    chosen
}

/// How far apart the neighbours of each member of a front are, summed over the metrics; the ends of the front
/// are infinitely far.
fn crowding(metrics: &[Metric], pool: &[Contender<'_>], front: &[usize]) -> Vec<f64> {
    let mut distances = vec![0.0_f64; front.len()];
    for metric in metrics {
        let value = |place: usize| pool[front[place]].metrics.get(*metric);
        let mut sorted: Vec<usize> = (0..front.len())
            .filter(|place| value(*place).is_some())
            .collect();
        sorted.sort_by(|left, right| {
            let (left, right) = (value(*left), value(*right));
            left.partial_cmp(&right).unwrap_or(Ordering::Equal)
        });
        let (Some(first), Some(last)) = (sorted.first(), sorted.last()) else {
            continue;
        };
        let span = value(*last)
            .zip(value(*first))
            .map_or(0.0, |(last, first)| last - first);
        distances[*first] = f64::INFINITY;
        distances[*last] = f64::INFINITY;
        for window in sorted.windows(3) {
            if let (Some(before), Some(after)) = (value(window[0]), value(window[2]))
                && span > 0.0
            {
                distances[window[1]] += (after - before) / span;
            }
        }
    }
    distances
}

/// The best of the pool whose ways from the base differ from those of all better ones by at least `distance`.
fn far_apart(distance: u32, pool: &[Contender<'_>], keep: usize) -> Vec<usize> {
    let mut chosen: Vec<usize> = Vec::new();
    for (place, contender) in pool.iter().enumerate() {
        let is_near =
            |other: &usize| edit_distance(&pool[*other].path, &contender.path) < distance as usize;
        if chosen.len() < keep && !chosen.iter().any(is_near) {
            chosen.push(place);
        }
    }
    chosen
}

/// How many ECOs must be put in, left out or exchanged to make one way the other (Levenshtein 1966).
fn edit_distance(left: &[&str], right: &[&str]) -> usize {
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (place, name) in left.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = place + 1;
        for (column, other) in right.iter().enumerate() {
            let exchanged = diagonal + usize::from(name != other);
            diagonal = row[column + 1];
            row[column + 1] = exchanged.min(row[column] + 1).min(diagonal + 1);
        }
    }
    row[right.len()]
}

/// In each round `size` different cases that did not win yet meet, drawn by chance, and the best of them wins.
fn by_rounds(size: u32, count: usize, keep: usize, key: &str) -> Vec<usize> {
    let mut rest: Vec<usize> = (0..count).collect();
    let mut winners = Vec::new();
    for round in 0..keep.min(count) {
        let mut met = BTreeSet::new();
        let mut draw = 0_u64;
        while met.len() < (size as usize).min(rest.len()) {
            let hash = blake3::hash(format!("noodle2 tournament {key} {round} {draw}").as_bytes());
            let chance = u64::from_le_bytes(hash.as_bytes()[..8].try_into().unwrap_or_default());
            met.insert(rest[(chance % rest.len() as u64) as usize]);
            draw += 1;
        }
        // Places are in the order of the objective.
        if let Some(winner) = met.first().copied() {
            winners.push(winner);
            rest.retain(|place| *place != winner);
        }
    }
    winners
}

#[cfg(test)]
mod tests {
    use super::*;
    use noodle2_model::Strategy;
    use proptest::prelude::*;

    fn set(wns: f64, area: f64) -> MetricSet {
        [(Metric::SetupWns, wns), (Metric::Area, area)]
            .into_iter()
            .collect()
    }

    struct World {
        names: Vec<CaseName>,
        metrics: Vec<MetricSet>,
        paths: Vec<Vec<&'static str>>,
    }

    impl World {
        fn new(cases: &[(f64, f64, &[&'static str])]) -> Self {
            Self {
                names: (1..=cases.len())
                    .map(|number| format!("core_0_{number}").parse().unwrap())
                    .collect(),
                metrics: cases
                    .iter()
                    .map(|(wns, area, _)| set(*wns, *area))
                    .collect(),
                paths: cases.iter().map(|(.., path)| path.to_vec()).collect(),
            }
        }

        fn pool(&self) -> Vec<Contender<'_>> {
            (0..self.names.len())
                .map(|place| Contender {
                    name: &self.names[place],
                    metrics: &self.metrics[place],
                    path: self.paths[place].clone(),
                })
                .collect()
        }

        fn chosen(&self, selection: &Selection, keep: usize) -> Vec<String> {
            self.chosen_within(selection, &MetricSet::new(), keep)
        }

        fn chosen_within(
            &self,
            selection: &Selection,
            floor: &MetricSet,
            keep: usize,
        ) -> Vec<String> {
            let base = set(-500.0, 1000.0);
            let chosen = choose(selection, &base, floor, &self.pool(), keep, "7 s0");
            chosen.iter().map(ToString::to_string).collect()
        }
    }

    fn by(strategy: Strategy) -> Selection {
        Selection {
            strategy,
            elitism: false,
            ..Selection::default()
        }
    }

    #[test]
    fn weights_are_of_shares_of_the_base() {
        // 20 % of WNS for 30 % of area, against 10 % for nothing.
        let world = World::new(&[(-400.0, 1300.0, &[]), (-450.0, 1000.0, &[])]);
        let weighted = |wns, area| Selection {
            weights: [(Metric::SetupWns, wns), (Metric::Area, area)].into(),
            ..by(Strategy::TopN)
        };
        assert_eq!(world.chosen(&weighted(1.0, 1.0), 1), ["core_0_2"]);
        assert_eq!(world.chosen(&weighted(4.0, 1.0), 1), ["core_0_1"]);
    }

    #[test]
    fn a_front_comes_before_what_it_dominates_and_its_ends_before_its_middle() {
        let world = World::new(&[
            (-100.0, 1200.0, &[]),
            (-110.0, 1190.0, &[]),
            (-300.0, 1100.0, &[]),
            (-310.0, 1201.0, &[]),
            (-400.0, 1000.0, &[]),
        ]);
        let pareto = Selection {
            metrics: vec![Metric::SetupWns, Metric::Area],
            ..by(Strategy::Pareto)
        };
        assert_eq!(world.chosen(&pareto, 2), ["core_0_1", "core_0_5"]);
        assert_eq!(
            world.chosen(&pareto, 4),
            ["core_0_1", "core_0_2", "core_0_3", "core_0_5"]
        );
        assert_eq!(world.chosen(&pareto, 5)[4], "core_0_4");
    }

    #[test]
    fn what_noise_sets_apart_is_as_good() {
        let world = World::new(&[
            (-100.0, 1200.0, &[]),
            (-101.0, 1100.0, &[]),
            (-99.0, 1201.0, &[]),
        ]);
        let pareto = Selection {
            metrics: vec![Metric::SetupWns, Metric::Area],
            ..by(Strategy::Pareto)
        };
        let floor = set(2.0, 2.0);
        // Alike in WNS, so the one with the least area dominates the others.
        assert_eq!(world.chosen_within(&pareto, &floor, 1), ["core_0_2"]);
        let weighted = Selection {
            weights: [(Metric::SetupWns, 1.0)].into(),
            ..by(Strategy::TopN)
        };
        assert_eq!(world.chosen(&weighted, 1), ["core_0_3"]);
        assert_eq!(world.chosen_within(&weighted, &floor, 1), ["core_0_1"]);
    }

    #[test]
    fn no_circle_of_what_noise_sets_apart_keeps_a_front_empty() {
        // Each is better than the next by more than the floor in one metric, and within it in the others; so is
        // the last than the first.
        let metrics = [Metric::SetupWns, Metric::HoldWns, Metric::SetupTns];
        let values = [
            [0.0, 0.0, 0.0],
            [-1.1, 1.0, 1.0],
            [-0.1, -0.1, 2.0],
            [0.9, 0.9, 0.9],
            [-0.2, 1.9, 1.9],
        ];
        let names: Vec<CaseName> = (1..=5)
            .map(|number| format!("core_0_{number}").parse().unwrap())
            .collect();
        let sets: Vec<MetricSet> = values
            .iter()
            .map(|values| metrics.into_iter().zip(*values).collect())
            .collect();
        let pool: Vec<Contender<'_>> = names
            .iter()
            .zip(&sets)
            .map(|(name, metrics)| Contender {
                name,
                metrics,
                path: Vec::new(),
            })
            .collect();
        let floor: MetricSet = metrics.map(|metric| (metric, 1.0)).into_iter().collect();
        assert_eq!(by_fronts(&metrics, &floor, &pool, 5).len(), 5);
    }

    #[test]
    fn ways_that_are_alike_survive_once() {
        let world = World::new(&[
            (-1.0, 1.0, &["resize", "buffer"]),
            (-2.0, 1.0, &["resize", "buffer"]),
            (-3.0, 1.0, &["resize", "swap"]),
            (-4.0, 1.0, &["clone", "swap"]),
        ]);
        let diverse = |distance| Selection {
            distance: Some(distance),
            ..by(Strategy::Diverse)
        };
        assert_eq!(
            world.chosen(&diverse(1), 4),
            ["core_0_1", "core_0_3", "core_0_4"]
        );
        assert_eq!(world.chosen(&diverse(2), 4), ["core_0_1", "core_0_4"]);
    }

    #[test]
    fn the_distance_of_ways_counts_what_differs() {
        assert_eq!(edit_distance(&[], &["a", "b"]), 2);
        assert_eq!(edit_distance(&["a", "b", "c"], &["b", "c"]), 1);
        assert_eq!(edit_distance(&["a", "b"], &["b", "a"]), 2);
    }

    #[test]
    fn the_elite_survives_whatever_the_rule() {
        let world = World::new(&[(-1.0, 2000.0, &[]), (-2.0, 900.0, &[]), (-3.0, 800.0, &[])]);
        let area = Selection {
            weights: [(Metric::Area, 1.0)].into(),
            ..by(Strategy::TopN)
        };
        assert_eq!(world.chosen(&area, 2), ["core_0_3", "core_0_2"]);
        let elitist = Selection {
            elitism: true,
            ..area
        };
        assert_eq!(world.chosen(&elitist, 2), ["core_0_1", "core_0_3"]);
    }

    proptest! {
        #[test]
        fn every_rule_chooses_different_cases_up_to_its_number(
            values in prop::collection::vec((-9_i32..0, 0_i32..9), 0..12),
            keep in 0..6_usize,
            strategy in 0..5_usize,
            elitism in any::<bool>(),
            width in 0_i32..4,
        ) {
            let floor = set(f64::from(width), f64::from(width));
            let cases: Vec<(f64, f64, &[&'static str])> = values
                .iter()
                .map(|(wns, area)| (f64::from(*wns), f64::from(*area), &["eco"] as &[_]))
                .collect();
            let world = World::new(&cases);
            let strategies = [
                Strategy::Lexicographic, Strategy::TopN, Strategy::Pareto, Strategy::Diverse, Strategy::Tournament,
            ];
            let selection = Selection {
                elitism,
                weights: [(Metric::Area, 1.0)].into(),
                metrics: vec![Metric::SetupWns, Metric::Area],
                ..by(strategies[strategy])
            };
            let chosen = world.chosen_within(&selection, &floor, keep);
            prop_assert!(chosen.len() <= keep);
            prop_assert_eq!(chosen.iter().collect::<BTreeSet<_>>().len(), chosen.len());
            if elitism && keep > 0 && !values.is_empty() {
                prop_assert_eq!(&chosen[0], "core_0_1");
            }
            if !matches!(strategies[strategy], Strategy::Diverse) {
                prop_assert_eq!(chosen.len(), keep.min(values.len()));
            }
            let front: Vec<usize> = by_fronts(&selection.metrics, &floor, &world.pool(), keep);
            let ranks = ranks(&selection.metrics, &floor, &world.pool());
            for place in &front {
                let beaten_by = (0..values.len()).filter(|other| {
                    dominates(&ranks, *other, *place)
                });
                // Whoever dominates a survivor survives too, as far as there is room.
                prop_assert!(beaten_by.into_iter().all(|other| front.contains(&other)));
            }
        }
    }
}
