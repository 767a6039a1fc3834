//! Waves, and what follows from the expected durations of stages.

use noodle2_model::StageIndex;

use crate::StageDag;

impl StageDag {
    /// The stages by their distance from the roots: each is in the first wave after those of all of its
    /// dependencies. Stages of a wave are in ascending order.
    ///
    /// For display. A running study knows no waves.
    pub fn waves(&self) -> Vec<Vec<StageIndex>> {
        let mut wave_of = vec![0; self.len()];
        for stage in self.topological_order() {
            let next = wave_of[stage.position()] + 1;
            for dependent in self.dependents(*stage) {
                let wave = &mut wave_of[dependent.position()];
                *wave = next.max(*wave);
            }
        }
        let count = wave_of.iter().max().map_or(0, |last| last + 1);
        let mut waves = vec![Vec::new(); count];
        for stage in self.stages() {
            waves[wave_of[stage.position()]].push(stage);
        }
        waves
    }

    /// How many times fewer waves there are than stages: 1 for a chain, the number of stages where all are
    /// roots. 1 for a graph without stages.
    pub fn wave_speedup(&self) -> f64 {
        match self.waves().len() {
            0 => 1.0,
            waves => self.len() as f64 / waves as f64,
        }
    }

    /// For each stage, the duration of the longest chain that begins with it, its own duration included:
    /// the time that is left, at the least, when it starts.
    pub fn longest_remaining(&self, durations: &[f64]) -> Vec<f64> {
        let mut remaining = vec![0.0; self.len()];
        for stage in self.topological_order().iter().rev() {
            let after = self
                .dependents(*stage)
                .iter()
                .map(|dependent| remaining[dependent.position()])
                .fold(0.0, f64::max);
            remaining[stage.position()] = duration_of(durations, *stage) + after;
        }
        remaining
    }

    /// The chain from a root to a leaf that takes longest, and its duration: no number of workers finishes
    /// sooner. Among chains of equal duration, the one whose indices come first in lexicographic order.
    pub fn critical_path(&self, durations: &[f64]) -> (Vec<StageIndex>, f64) {
        let remaining = self.longest_remaining(durations);
        let mut path = Vec::new();
        let mut next = longest_first(self.roots(), &remaining);
        let duration = next.map_or(0.0, |root| remaining[root.position()]);
        while let Some(stage) = next {
            path.push(stage);
            next = longest_first(self.dependents(stage).iter().copied(), &remaining);
        }
        (path, duration)
    }

    /// A time that no schedule on `workers` workers can undercut, where a stage is one piece of work that
    /// keeps one worker busy: the larger of the critical path and the total work shared out evenly (Graham,
    /// *Bounds on multiprocessing timing anomalies*, 1969). Infinite where there is work but no worker.
    pub fn makespan_lower_bound(&self, durations: &[f64], workers: usize) -> f64 {
        let (_, chain) = self.critical_path(durations);
        let work: f64 = self
            .stages()
            .map(|stage| duration_of(durations, stage))
            .sum();
        if work > 0.0 {
            chain.max(work / workers as f64)
        } else {
            0.0
        }
    }
}

fn duration_of(durations: &[f64], stage: StageIndex) -> f64 {
    let duration = durations.get(stage.position()).copied();
    duration.filter(|duration| *duration > 0.0).unwrap_or(0.0)
}

/// The first of `stages` with the most remaining work; `stages` are in ascending order.
fn longest_first(
    stages: impl IntoIterator<Item = StageIndex>,
    remaining: &[f64],
) -> Option<StageIndex> {
    stages.into_iter().reduce(|longest, stage| {
        if remaining[stage.position()] > remaining[longest.position()] {
            stage
        } else {
            longest
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn indices(stages: &[u32]) -> Vec<StageIndex> {
        stages.iter().copied().map(StageIndex).collect()
    }

    #[test]
    fn the_longer_branch_is_critical() {
        let dag = StageDag::branching(1, &[2, 3], 1).unwrap();
        let by_count = dag.critical_path(&[1.0; 7]);
        assert_eq!(by_count, (indices(&[0, 3, 4, 5, 6]), 5.0));
        let slow_first_branch = [1.0, 10.0, 1.0, 1.0, 1.0, 1.0, 1.0];
        let by_time = dag.critical_path(&slow_first_branch);
        assert_eq!(by_time, (indices(&[0, 1, 2, 6]), 13.0));
        assert_eq!(
            dag.longest_remaining(&slow_first_branch),
            [13.0, 12.0, 2.0, 4.0, 3.0, 2.0, 1.0]
        );
    }

    #[test]
    fn ties_go_to_the_lowest_index() {
        let dag = StageDag::branching(0, &[1, 1, 1], 0).unwrap();
        assert_eq!(dag.critical_path(&[2.0; 3]), (indices(&[0]), 2.0));
        assert_eq!(dag.critical_path(&[2.0, 3.0, 3.0]), (indices(&[1]), 3.0));
    }

    #[test]
    fn durations_that_are_none_need_no_time() {
        let dag = StageDag::sequential(4).unwrap();
        let odd = [f64::NAN, -5.0, 3.0];
        assert_eq!(dag.critical_path(&odd), (indices(&[0, 1, 2, 3]), 3.0));
        assert_eq!(dag.makespan_lower_bound(&odd, 1), 3.0);
        assert_eq!(dag.longest_remaining(&[1.0; 9]), [4.0, 3.0, 2.0, 1.0]);
    }

    #[test]
    fn the_bound_is_work_for_few_workers_and_the_chain_for_many() {
        let dag = StageDag::branching(1, &[1; 8], 1).unwrap();
        let durations = [1.0; 10];
        assert_eq!(dag.makespan_lower_bound(&durations, 1), 10.0);
        assert_eq!(dag.makespan_lower_bound(&durations, 2), 5.0);
        assert_eq!(dag.makespan_lower_bound(&durations, 100), 3.0);
        assert_eq!(dag.makespan_lower_bound(&durations, 0), f64::INFINITY);
    }

    #[test]
    fn a_graph_without_stages_takes_no_time() {
        let dag = StageDag::sequential(0).unwrap();
        assert_eq!(dag.critical_path(&[]), (vec![], 0.0));
        assert_eq!(dag.makespan_lower_bound(&[], 0), 0.0);
        assert!(dag.waves().is_empty());
        assert_eq!(dag.wave_speedup(), 1.0);
    }
}
