//! The graph itself and what can be read off it directly.

use std::collections::BTreeSet;

use noodle2_model::{StageIndex, StageRelation};
use serde::{Deserialize, Serialize};

use crate::DagError;
use crate::adjacency::Adjacency;
use crate::build::relation_of_edge;

/// An edge of the graph: `to` starts only when `from` is complete.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StageDependency {
    /// The stage that comes first.
    pub from: StageIndex,
    /// The stage that waits for it.
    pub to: StageIndex,
    /// The relation of the edge, derived from the graph: into a stage with several dependencies it is a
    /// convergence; else out of a stage with several dependents it is independent; else sequential.
    pub relation: StageRelation,
}

/// A checked, immutable graph of stages.
///
/// Several roots, several joins, diamonds, nested forks and parts without any connection are all legal, and
/// so is a graph without stages. Stages are known by index; one that is not in the graph has no
/// dependencies, no dependents and no relation.
///
/// Expected durations are passed as one slice in stage order, in any one unit of time. They are estimates
/// that decide order and display only, so every slice is answered: a stage whose entry is missing, negative
/// or not a number is taken to need no time, and surplus entries are ignored.
///
/// Serialised as `{"stages": 3, "edges": [{"from": 0, "to": 1, "relation": "sequential"}, …]}`. Reading
/// checks everything again; an edge may leave its relation out, but must not declare a wrong one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StageDag {
    /// Sorted by `(from, to)`.
    pub(crate) edges: Vec<StageDependency>,
    pub(crate) dependencies: Adjacency,
    pub(crate) dependents: Adjacency,
    pub(crate) topological_order: Vec<StageIndex>,
}

impl StageDag {
    /// The greatest number of stages. Bounds the memory that a damaged or hostile file can ask for with a
    /// few bytes; far more than any study needs.
    pub const MAX_STAGES: usize = 1_000_000;

    /// The number of stages.
    pub fn len(&self) -> usize {
        self.dependencies.stage_count()
    }

    /// Whether there are no stages.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Every stage, in ascending order.
    pub fn stages(
        &self,
    ) -> impl DoubleEndedIterator<Item = StageIndex> + ExactSizeIterator + use<> {
        self.dependencies.stages()
    }

    /// Every edge, sorted by `(from, to)`.
    pub fn edges(&self) -> &[StageDependency] {
        &self.edges
    }

    /// The stages that `stage` waits for, in ascending order.
    pub fn dependencies(&self, stage: StageIndex) -> &[StageIndex] {
        self.dependencies.of(stage)
    }

    /// The stages that wait for `stage`, in ascending order.
    pub fn dependents(&self, stage: StageIndex) -> &[StageIndex] {
        self.dependents.of(stage)
    }

    /// How `stage` stands to its dependencies: the relation of its incoming edges, which is one and the same
    /// for all of them. None for a root.
    pub fn relation(&self, stage: StageIndex) -> Option<StageRelation> {
        // Any one incoming edge will do: all of them are convergences, or there is only one.
        let from = *self.dependencies(stage).first()?;
        Some(relation_of_edge(
            &self.dependencies,
            &self.dependents,
            (from, stage),
        ))
    }

    /// Compares relations that a file declares with those of the graph.
    ///
    /// Returns every difference, in the order of `declared`; empty when all agree.
    pub fn check_declared(&self, declared: &[(StageIndex, StageRelation)]) -> Vec<DagError> {
        declared
            .iter()
            .filter_map(|&(stage, declared)| {
                if stage.position() >= self.len() {
                    return Some(DagError::RelationOfUnknownStage {
                        stage,
                        stage_count: self.len(),
                    });
                }
                let derived = self.relation(stage);
                (derived != Some(declared)).then_some(DagError::RelationMismatch {
                    stage,
                    declared,
                    derived,
                })
            })
            .collect()
    }

    /// Whether several branches meet in `stage`.
    pub fn is_convergence(&self, stage: StageIndex) -> bool {
        self.dependencies(stage).len() > 1
    }

    /// The stages in which several branches meet, in ascending order.
    pub fn convergence_points(&self) -> Vec<StageIndex> {
        self.stages()
            .filter(|stage| self.is_convergence(*stage))
            .collect()
    }

    /// The stages that wait for no other, in ascending order.
    pub fn roots(&self) -> Vec<StageIndex> {
        self.stages()
            .filter(|stage| self.dependencies(*stage).is_empty())
            .collect()
    }

    /// The stages that no other waits for, in ascending order.
    pub fn leaves(&self) -> Vec<StageIndex> {
        self.stages()
            .filter(|stage| self.dependents(*stage).is_empty())
            .collect()
    }

    /// Every stage after all of its dependencies; wherever there is a choice, the lowest index comes first.
    pub fn topological_order(&self) -> &[StageIndex] {
        &self.topological_order
    }

    /// The stages that may start once `completed` are complete, in ascending order: those that are not
    /// complete themselves and all of whose dependencies are. Stages that are already running are among
    /// them; the graph does not know what runs.
    pub fn ready(&self, completed: &BTreeSet<StageIndex>) -> Vec<StageIndex> {
        let mut is_complete = vec![false; self.len()];
        for stage in completed {
            if let Some(flag) = is_complete.get_mut(stage.position()) {
                *flag = true;
            }
        }
        self.stages()
            .filter(|stage| {
                !is_complete[stage.position()]
                    && self
                        .dependencies(*stage)
                        .iter()
                        .all(|dependency| is_complete[dependency.position()])
            })
            .collect()
    }

    /// The first stage of the branch of each stage, in stage order: a branch begins at a root, after a fork and at a
    /// join, and goes on to the next fork or join.
    pub fn branches(&self) -> Vec<StageIndex> {
        let mut firsts: Vec<StageIndex> = self.stages().collect();
        for &stage in self.topological_order() {
            if let [before] = self.dependencies(stage)
                && self.dependents(*before).len() == 1
            {
                firsts[stage.position()] = firsts[before.position()];
            }
        }
        firsts
    }

    /// Every stage from which a chain of edges leads to `stage`, without `stage` itself.
    pub fn ancestors(&self, stage: StageIndex) -> BTreeSet<StageIndex> {
        let mut ancestors = BTreeSet::new();
        let mut pending = vec![stage];
        while let Some(stage) = pending.pop() {
            for dependency in self.dependencies(stage) {
                if ancestors.insert(*dependency) {
                    pending.push(*dependency);
                }
            }
        }
        ancestors
    }
}
