//! Neighbours of every stage, in one flat list.

use noodle2_model::StageIndex;

/// The neighbours of each stage in one direction.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Adjacency {
    /// Where the neighbours of each stage begin; one more entry than stages.
    offsets: Vec<usize>,
    neighbours: Vec<StageIndex>,
}

impl Adjacency {
    /// Collects `(stage, neighbour)` pairs, whose stages must be below `stage_count`. Neighbours keep the
    /// order in which the pairs name them.
    pub(crate) fn new<P>(stage_count: usize, pairs: P) -> Self
    where
        P: Iterator<Item = (StageIndex, StageIndex)> + Clone,
    {
        let mut offsets = vec![0; stage_count + 1];
        for (stage, _) in pairs.clone() {
            offsets[stage.position() + 1] += 1;
        }
        for position in 0..stage_count {
            offsets[position + 1] += offsets[position];
        }
        let mut next = offsets.clone();
        let mut neighbours = vec![StageIndex(0); offsets[stage_count]];
        for (stage, neighbour) in pairs {
            let slot = &mut next[stage.position()];
            neighbours[*slot] = neighbour;
            *slot += 1;
        }
        Self {
            offsets,
            neighbours,
        }
    }

    pub(crate) fn stage_count(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Every stage, in ascending order.
    pub(crate) fn stages(
        &self,
    ) -> impl DoubleEndedIterator<Item = StageIndex> + ExactSizeIterator + use<> {
        (0..self.stage_count()).map(StageIndex::from)
    }

    /// The neighbours of `stage`; none where there is no such stage.
    pub(crate) fn of(&self, stage: StageIndex) -> &[StageIndex] {
        let position = stage.position();
        match self.offsets.get(position..position.saturating_add(2)) {
            Some(&[start, end]) => &self.neighbours[start..end],
            _ => &[],
        }
    }
}
