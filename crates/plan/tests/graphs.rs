//! Graphs that are easy to get wrong: odd shapes, large ones, and everything refused.

use std::collections::BTreeSet;

use noodle2_model::{StageIndex, StageRelation};
use noodle2_plan::{DagError, StageDag};

fn build(
    stage_count: usize,
    edges: impl IntoIterator<Item = (u32, u32)>,
) -> Result<StageDag, Vec<DagError>> {
    let edges = edges.into_iter();
    StageDag::new(
        stage_count,
        edges.map(|(from, to)| (StageIndex(from), StageIndex(to))),
    )
}

fn indices(stages: impl IntoIterator<Item = u32>) -> Vec<StageIndex> {
    stages.into_iter().map(StageIndex).collect()
}

fn cycle(stages: impl IntoIterator<Item = u32>) -> DagError {
    DagError::Cycle {
        stages: indices(stages),
    }
}

#[test]
fn a_self_dependency_is_refused() {
    let stage = StageIndex(1);
    assert_eq!(
        build(2, [(0, 1), (1, 1)]),
        Err(vec![DagError::SelfDependency { stage }])
    );
}

#[test]
fn an_unknown_stage_is_refused() {
    let (from, unknown) = (StageIndex(0), StageIndex(2));
    assert_eq!(
        build(2, [(0, 2)]),
        Err(vec![DagError::UnknownStage {
            unknown,
            from,
            to: unknown,
            stage_count: 2
        }])
    );
}

#[test]
fn a_repeated_edge_is_refused_once() {
    let (from, to) = (StageIndex(0), StageIndex(1));
    assert_eq!(
        build(3, [(0, 1), (1, 2), (0, 1), (0, 1)]),
        Err(vec![DagError::DuplicateEdge { from, to, times: 3 }])
    );
}

#[test]
fn the_whole_cycle_is_named_in_its_own_order() {
    let tail_and_ring = [(0, 4), (4, 2), (2, 3), (3, 1), (1, 4), (3, 5)];
    assert_eq!(build(6, tail_and_ring), Err(vec![cycle([1, 4, 2, 3])]));
}

#[test]
fn every_cycle_apart_is_named() {
    let two_linked_rings = [
        (0, 1),
        (1, 0),
        (1, 2),
        (2, 3),
        (3, 2),
        (4, 5),
        (5, 4),
        (3, 0),
    ];
    assert_eq!(
        build(6, two_linked_rings),
        Err(vec![cycle([0, 1]), cycle([2, 3]), cycle([4, 5])])
    );
    assert_eq!(
        build(4, [(0, 1), (1, 0), (2, 3), (3, 2)]),
        Err(vec![cycle([0, 1]), cycle([2, 3])])
    );
    // A search from stage 0 comes upon the higher of these two first.
    assert_eq!(
        build(5, [(0, 2), (2, 3), (3, 2), (0, 4), (4, 0)]),
        Err(vec![cycle([0, 4]), cycle([2, 3])])
    );
}

#[test]
fn cycles_are_found_beside_other_faults() {
    let errors = build(3, [(0, 1), (1, 0), (2, 2), (2, 9), (0, 1)]).unwrap_err();
    let codes: Vec<&str> = errors.iter().map(DagError::code).collect();
    assert_eq!(
        codes,
        ["N2-PLAN-004", "N2-PLAN-003", "N2-PLAN-002", "N2-PLAN-005"]
    );
}

#[test]
fn relations_declared_wrongly_or_of_unknown_stages_are_refused() {
    let dag = StageDag::branching(1, &[1, 1], 1).unwrap();
    let declare = |stage, relation| dag.check_declared(&[(StageIndex(stage), relation)]);
    assert_eq!(declare(1, StageRelation::Independent), []);
    assert_eq!(declare(3, StageRelation::Convergence), []);
    assert_eq!(
        declare(3, StageRelation::Sequential),
        [DagError::RelationMismatch {
            stage: StageIndex(3),
            declared: StageRelation::Sequential,
            derived: Some(StageRelation::Convergence),
        }]
    );
    assert_eq!(
        declare(0, StageRelation::Sequential),
        [DagError::RelationMismatch {
            stage: StageIndex(0),
            declared: StageRelation::Sequential,
            derived: None,
        }]
    );
    assert_eq!(
        declare(4, StageRelation::Sequential),
        [DagError::RelationOfUnknownStage {
            stage: StageIndex(4),
            stage_count: 4
        }]
    );
}

#[test]
fn a_branch_goes_from_a_root_fork_or_join_to_the_next_fork_or_join() {
    // 0 → 1 → {2 → 3, 4} → 5 → 6, and 7 by itself.
    let edges = [(0, 1), (1, 2), (2, 3), (1, 4), (3, 5), (4, 5), (5, 6)];
    let firsts = build(8, edges).unwrap().branches();
    assert_eq!(firsts, [0, 0, 2, 2, 4, 5, 5, 7].map(StageIndex));
    // A root that is joined at once is a branch of its own.
    let firsts = build(3, [(0, 2), (1, 2)]).unwrap().branches();
    assert_eq!(firsts, [0, 1, 2].map(StageIndex));
}

#[test]
fn waits_bear_on_the_order_and_must_not_close_a_circle() {
    let dag = build(4, [(0, 1), (2, 3)]).unwrap();
    let waits = |edges: &[(u32, u32)]| {
        let edges = edges
            .iter()
            .map(|(from, to)| (StageIndex(*from), StageIndex(*to)));
        dag.with_waits(edges.collect::<Vec<_>>())
    };
    let order = |dag: &StageDag| dag.topological_order().to_vec();
    assert_eq!(order(&dag), [0, 1, 2, 3].map(StageIndex));
    assert_eq!(
        order(&waits(&[(3, 1)]).unwrap()),
        [0, 2, 3, 1].map(StageIndex)
    );
    assert_eq!(waits(&[(0, 1), (0, 1)]).unwrap(), dag);
    assert_eq!(
        waits(&[(3, 0), (1, 2)]),
        Err(vec![DagError::Cycle {
            stages: [0, 1, 2, 3].map(StageIndex).to_vec()
        }])
    );
    assert!(waits(&[(1, 1)]).is_err());
    assert!(waits(&[(4, 1)]).is_err());
}

#[test]
fn a_join_with_a_forking_dependency_is_a_convergence_on_every_edge() {
    let diamond_with_shortcut = build(4, [(0, 1), (0, 2), (0, 3), (1, 3), (2, 3)]).unwrap();
    let relations: Vec<_> = diamond_with_shortcut
        .edges()
        .iter()
        .map(|edge| edge.relation)
        .collect();
    use StageRelation::{Convergence, Independent};
    assert_eq!(
        relations,
        [
            Independent,
            Independent,
            Convergence,
            Convergence,
            Convergence
        ]
    );
}

#[test]
fn several_roots_joins_nested_forks_and_loose_chains() {
    // A fork (0) with a fork inside (1), two joins (4, 6), a second root (5), and a chain apart (7, 8).
    let dag = build(
        9,
        [
            (0, 1),
            (0, 6),
            (1, 2),
            (1, 3),
            (2, 4),
            (3, 4),
            (4, 6),
            (5, 6),
            (7, 8),
        ],
    )
    .unwrap();
    assert_eq!(dag.roots(), indices([0, 5, 7]));
    assert_eq!(dag.leaves(), indices([6, 8]));
    assert_eq!(dag.convergence_points(), indices([4, 6]));
    let waves: Vec<_> = [vec![0, 5, 7], vec![1, 8], vec![2, 3], vec![4], vec![6]]
        .map(indices)
        .into();
    assert_eq!(dag.waves(), waves);
    assert_eq!(dag.ready(&BTreeSet::new()), indices([0, 5, 7]));
    let completed = BTreeSet::from([0, 1, 2, 7].map(StageIndex));
    assert_eq!(dag.ready(&completed), indices([3, 5, 8]));
    assert_eq!(
        dag.ancestors(StageIndex(4)),
        BTreeSet::from([0, 1, 2, 3].map(StageIndex))
    );
}

#[test]
fn stages_outside_the_graph_have_nothing() {
    let dag = StageDag::sequential(3).unwrap();
    for outside in [StageIndex(3), StageIndex(u32::MAX)] {
        assert_eq!(dag.dependencies(outside), []);
        assert_eq!(dag.dependents(outside), []);
        assert_eq!(dag.relation(outside), None);
        assert!(!dag.is_convergence(outside));
        assert!(dag.ancestors(outside).is_empty());
        assert_eq!(dag.ready(&BTreeSet::from([outside])), indices([0]));
    }
}

#[test]
fn a_wide_fan_out_and_in() {
    for width in [100, 1000] {
        let dag = StageDag::branching(1, &vec![1; width], 1).unwrap();
        assert_eq!(dag.waves().len(), 3);
        assert_eq!(dag.waves()[1].len(), width);
        let fanned_out = dag.ready(&BTreeSet::from([StageIndex(0)]));
        assert_eq!(fanned_out.len(), width);
        let mut completed: BTreeSet<StageIndex> = dag.stages().rev().skip(2).collect();
        let last = StageIndex::from(width);
        assert_eq!(dag.ready(&completed), [last]);
        completed.insert(last);
        assert_eq!(dag.ready(&completed), [StageIndex::from(width + 1)]);
    }
}

/// Quadratic work or recursion would not survive these.
#[test]
fn very_long_chains_and_rings() {
    let length = 100_000;
    let dag = StageDag::sequential(length).unwrap();
    let durations = vec![1.0; length];
    assert_eq!(dag.waves().len(), length);
    let (path, duration) = dag.critical_path(&durations);
    assert_eq!((path.len(), duration), (length, length as f64));
    let last = StageIndex::from(length - 1);
    assert_eq!(dag.ancestors(last).len(), length - 1);
    let text = serde_json::to_string(&dag).unwrap();
    assert_eq!(serde_json::from_str::<StageDag>(&text).unwrap(), dag);

    let ring = (0..100_000).map(|stage| (stage, (stage + 1) % 100_000));
    assert_eq!(build(length, ring), Err(vec![cycle(0..100_000)]));
}

#[test]
fn dense_layers() {
    let (layers, width) = (100, 50);
    let edges = (0..layers - 1).flat_map(|layer| {
        let pairs = (0..width).flat_map(|from| (0..width).map(move |to| (from, to)));
        pairs.map(move |(from, to)| (layer * width + from, (layer + 1) * width + to))
    });
    let dag = build((layers * width) as usize, edges).unwrap();
    assert_eq!(dag.edges().len(), 99 * 50 * 50);
    assert_eq!(dag.waves().len(), 100);
    let (path, duration) = dag.critical_path(&vec![2.0; dag.len()]);
    assert_eq!(path, indices((0..layers).map(|layer| layer * width)));
    assert_eq!(duration, 200.0);
}
