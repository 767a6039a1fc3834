//! Graphs of common shapes.

use noodle2_model::StageIndex;

use crate::{DagError, StageDag};

impl StageDag {
    /// A chain of `stage_count` stages.
    ///
    /// # Errors
    /// More than [`MAX_STAGES`](Self::MAX_STAGES) stages.
    pub fn sequential(stage_count: usize) -> Result<Self, Vec<DagError>> {
        Self::branching(stage_count, &[], 0)
    }

    /// A chain of `common` stages; then one chain beside the other for each of `branches`, of that many
    /// stages; then a chain of `merge` stages, whose first joins all branches. Indices run in that order,
    /// branch by branch.
    ///
    /// Each of the parts may be missing: without common stages every branch starts at a root of its own,
    /// without merge stages every branch ends in a leaf, and a branch of no stages is no branch.
    ///
    /// # Errors
    /// More than [`MAX_STAGES`](Self::MAX_STAGES) stages.
    pub fn branching(
        common: usize,
        branches: &[usize],
        merge: usize,
    ) -> Result<Self, Vec<DagError>> {
        let stage_count = branches
            .iter()
            .fold(common.saturating_add(merge), |sum, length| {
                sum.saturating_add(*length)
            });
        if stage_count > Self::MAX_STAGES {
            return Err(vec![DagError::TooManyStages {
                stage_count,
                limit: Self::MAX_STAGES,
            }]);
        }

        let mut edges = Vec::new();
        let mut next = 0;
        let mut chain = |length: usize, after: &[StageIndex]| -> Option<StageIndex> {
            let mut last = None;
            for _ in 0..length {
                let stage = StageIndex::from(next);
                next += 1;
                match last {
                    Some(last) => edges.push((last, stage)),
                    None => edges.extend(after.iter().map(|from| (*from, stage))),
                }
                last = Some(stage);
            }
            last
        };
        let fork = Vec::from_iter(chain(common, &[]));
        let ends: Vec<StageIndex> = branches
            .iter()
            .filter_map(|length| chain(*length, &fork))
            .collect();
        chain(merge, if ends.is_empty() { &fork } else { &ends });
        Self::new(stage_count, edges)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waves(dag: &StageDag) -> Vec<Vec<u32>> {
        let waves = dag.waves().into_iter();
        waves
            .map(|wave| wave.into_iter().map(|stage| stage.0).collect())
            .collect()
    }

    fn edges(dag: &StageDag) -> Vec<(u32, u32)> {
        let edges = dag.edges().iter();
        edges.map(|edge| (edge.from.0, edge.to.0)).collect()
    }

    #[test]
    fn branches_of_different_length() {
        let dag = StageDag::branching(1, &[2, 3], 1).unwrap();
        assert_eq!(dag.len(), 7);
        assert_eq!(
            waves(&dag),
            [vec![0], vec![1, 3], vec![2, 4], vec![5], vec![6]]
        );
        assert_eq!(dag.convergence_points(), [StageIndex(6)]);
        assert_eq!(dag.dependencies(StageIndex(6)), [2, 5].map(StageIndex));
    }

    #[test]
    fn branches_of_equal_length() {
        let dag = StageDag::branching(1, &[2, 2], 1).unwrap();
        assert_eq!((dag.len(), dag.waves().len()), (6, 4));
        assert_eq!(dag.wave_speedup(), 1.5);
        let dag = StageDag::branching(1, &[3; 4], 1).unwrap();
        assert_eq!((dag.len(), dag.waves().len()), (14, 5));
        assert_eq!(dag.wave_speedup(), 2.8);
    }

    #[test]
    fn chains_have_one_stage_a_wave() {
        let dag = StageDag::sequential(3).unwrap();
        assert_eq!(edges(&dag), [(0, 1), (1, 2)]);
        assert_eq!(waves(&dag), [[0], [1], [2]]);
        assert_eq!(dag.wave_speedup(), 1.0);
        assert!(StageDag::sequential(0).unwrap().is_empty());
    }

    #[test]
    fn parts_may_be_missing() {
        let no_common = StageDag::branching(0, &[1, 2], 2).unwrap();
        assert_eq!(edges(&no_common), [(0, 3), (1, 2), (2, 3), (3, 4)]);
        let no_merge = StageDag::branching(2, &[1, 1], 0).unwrap();
        assert_eq!(edges(&no_merge), [(0, 1), (1, 2), (1, 3)]);
        let empty_branches = StageDag::branching(2, &[0, 0], 2).unwrap();
        assert_eq!(empty_branches, StageDag::sequential(4).unwrap());
    }

    #[test]
    fn too_many_stages_are_refused_before_memory_is_taken() {
        let too_many = |stage_count| {
            Err(vec![DagError::TooManyStages {
                stage_count,
                limit: StageDag::MAX_STAGES,
            }])
        };
        assert_eq!(StageDag::sequential(usize::MAX), too_many(usize::MAX));
        assert_eq!(
            StageDag::branching(1, &[usize::MAX, 7], usize::MAX),
            too_many(usize::MAX)
        );
        assert_eq!(StageDag::new(1_000_001, []), too_many(1_000_001));
    }
}
