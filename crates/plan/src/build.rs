//! Building a graph: every edge is checked, and all that is wrong is reported at once.

use noodle2_model::{StageIndex, StageRelation};

use crate::adjacency::Adjacency;
use crate::order::{disjoint_cycles, topological_order};
use crate::{DagError, StageDag, StageDependency};

type Edge = (StageIndex, StageIndex);

impl StageDag {
    /// Builds the graph of `stage_count` stages, indexed from 0, with the given `(from, to)` edges in any
    /// order: `to` waits for `from`.
    ///
    /// # Errors
    /// Everything that is wrong: first the edges in ascending order (an unknown stage, a self-dependency, an
    /// edge given twice), then cycles by their lowest stage. The cycles share no stage; once all of them
    /// are broken, only a cycle through a stage that one of them named can be left. Too many stages are
    /// reported alone.
    pub fn new(
        stage_count: usize,
        edges: impl IntoIterator<Item = Edge>,
    ) -> Result<Self, Vec<DagError>> {
        if stage_count > Self::MAX_STAGES {
            return Err(vec![DagError::TooManyStages {
                stage_count,
                limit: Self::MAX_STAGES,
            }]);
        }
        let (edges, mut errors) = usable_edges(stage_count, edges.into_iter().collect());

        let dependents = Adjacency::new(stage_count, edges.iter().copied());
        let dependencies = Adjacency::new(stage_count, edges.iter().map(|&(from, to)| (to, from)));
        let topological_order = topological_order(&dependencies, &dependents);
        if topological_order.len() < stage_count {
            errors.extend(
                disjoint_cycles(&dependents)
                    .into_iter()
                    .map(|stages| DagError::Cycle { stages }),
            );
        }
        if !errors.is_empty() {
            return Err(errors);
        }

        let edges = edges
            .into_iter()
            .map(|(from, to)| StageDependency {
                from,
                to,
                relation: relation_of_edge(&dependencies, &dependents, (from, to)),
            })
            .collect();
        Ok(Self {
            edges,
            dependencies,
            dependents,
            topological_order,
        })
    }
}

/// The edges that join two different known stages, sorted, each once; and what is wrong with the others.
fn usable_edges(stage_count: usize, mut edges: Vec<Edge>) -> (Vec<Edge>, Vec<DagError>) {
    let is_known = |stage: StageIndex| stage.position() < stage_count;
    edges.sort_unstable();
    let mut usable = Vec::with_capacity(edges.len());
    let mut errors = Vec::new();
    for copies in edges.chunk_by(|one, other| one == other) {
        let (from, to) = copies[0];
        if copies.len() > 1 {
            errors.push(DagError::DuplicateEdge {
                from,
                to,
                times: copies.len(),
            });
        }
        let mut report_unknown = |unknown| {
            errors.push(DagError::UnknownStage {
                unknown,
                from,
                to,
                stage_count,
            });
        };
        if !is_known(from) {
            report_unknown(from);
        }
        if !is_known(to) && to != from {
            report_unknown(to);
        }
        if from == to {
            errors.push(DagError::SelfDependency { stage: from });
        } else if is_known(from) && is_known(to) {
            usable.push((from, to));
        }
    }
    (usable, errors)
}

/// The rule by which an edge gets its relation.
pub(crate) fn relation_of_edge(
    dependencies: &Adjacency,
    dependents: &Adjacency,
    (from, to): Edge,
) -> StageRelation {
    if dependencies.of(to).len() > 1 {
        StageRelation::Convergence
    } else if dependents.of(from).len() > 1 {
        StageRelation::Independent
    } else {
        StageRelation::Sequential
    }
}
