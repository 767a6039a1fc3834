//! Stages that wait for others beside those that they start from.

use noodle2_model::StageIndex;

use crate::{DagError, StageDag};

impl StageDag {
    /// The same stages with further waits: `(from, to)` where `to` starts only when `from` has ended, though it takes
    /// nothing up from it. An edge that is there already changes nothing. What the result tells of order, waves and
    /// critical path holds for the study; its relations, joins and branches do not.
    ///
    /// # Errors
    /// As [`StageDag::new`]: unknown stages, a stage that waits for itself, cycles.
    pub fn with_waits(
        &self,
        waits: impl IntoIterator<Item = (StageIndex, StageIndex)>,
    ) -> Result<Self, Vec<DagError>> {
        let known = self.edges().iter().map(|edge| (edge.from, edge.to));
        let mut edges: Vec<(StageIndex, StageIndex)> = known.chain(waits).collect();
        edges.sort_unstable();
        edges.dedup();
        Self::new(self.len(), edges)
    }
}
