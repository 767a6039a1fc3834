//! Order of a graph that may yet turn out to have cycles.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use noodle2_model::StageIndex;

use crate::adjacency::Adjacency;

/// Kahn's algorithm, taking the lowest index among the stages that can come next. Stages on a cycle, and
/// those behind one, are missing from the result.
pub(crate) fn topological_order(
    dependencies: &Adjacency,
    dependents: &Adjacency,
) -> Vec<StageIndex> {
    let mut missing: Vec<usize> = dependencies
        .stages()
        .map(|stage| dependencies.of(stage).len())
        .collect();
    let mut available: BinaryHeap<Reverse<StageIndex>> = dependencies
        .stages()
        .filter(|stage| missing[stage.position()] == 0)
        .map(Reverse)
        .collect();
    let mut order = Vec::with_capacity(missing.len());
    while let Some(Reverse(stage)) = available.pop() {
        order.push(stage);
        for dependent in dependents.of(stage) {
            let missing = &mut missing[dependent.position()];
            *missing -= 1;
            if *missing == 0 {
                available.push(Reverse(*dependent));
            }
        }
    }
    order
}

/// How far the search has come with a stage.
#[derive(Clone, Copy)]
enum Visit {
    Unseen,
    /// On the path that is being followed, at this place.
    OnPath(usize),
    /// No cycle leads through it, other than through stages of cycles already found.
    Done,
}

/// Cycles that share no stage, as many as it takes that every other cycle shares a stage with one of them.
/// Each begins with its lowest index; they are sorted.
///
/// A depth-first search in which the stages of a cycle are removed from the graph once it is found. A stage
/// is left for good only when all of its dependents are left or removed, so the stages that remain are
/// without a cycle; and each edge is looked at once.
pub(crate) fn disjoint_cycles(dependents: &Adjacency) -> Vec<Vec<StageIndex>> {
    let mut cycles = Vec::new();
    let mut visits = vec![Visit::Unseen; dependents.stage_count()];
    let mut unexplored: Vec<std::slice::Iter<'_, StageIndex>> = dependents
        .stages()
        .map(|stage| dependents.of(stage).iter())
        .collect();
    for root in dependents.stages() {
        if !matches!(visits[root.position()], Visit::Unseen) {
            continue;
        }
        visits[root.position()] = Visit::OnPath(0);
        let mut path = vec![root];
        while let Some(&stage) = path.last() {
            let Some(&dependent) = unexplored[stage.position()].next() else {
                visits[stage.position()] = Visit::Done;
                path.pop();
                continue;
            };
            match visits[dependent.position()] {
                Visit::Unseen => {
                    visits[dependent.position()] = Visit::OnPath(path.len());
                    path.push(dependent);
                }
                Visit::OnPath(start) => {
                    let cycle = path.split_off(start);
                    for stage in &cycle {
                        visits[stage.position()] = Visit::Done;
                    }
                    cycles.push(from_lowest(cycle));
                }
                Visit::Done => {}
            }
        }
    }
    cycles.sort_unstable();
    cycles
}

fn from_lowest(mut cycle: Vec<StageIndex>) -> Vec<StageIndex> {
    let lowest = cycle.iter().enumerate().min_by_key(|(_, stage)| **stage);
    let start = lowest.map_or(0, |(place, _)| place);
    cycle.rotate_left(start);
    cycle
}
