//! The stage DAG against petgraph and against naive definitions, on random graphs.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::RandomState;

use noodle2_model::{StageIndex, StageRelation};
use noodle2_plan::{DagError, StageDag};
use petgraph::algo::{all_simple_paths, bellman_ford, is_cyclic_directed};
use petgraph::graph::{DiGraph, NodeIndex};
use proptest::collection::{btree_set, vec};
use proptest::prelude::*;

type Edge = (StageIndex, StageIndex);

fn stage_pairs(edges: impl IntoIterator<Item = (usize, usize)>) -> Vec<Edge> {
    let edges = edges.into_iter();
    edges.map(|(from, to)| (from.into(), to.into())).collect()
}

/// Distinct edges between distinct stages, in any direction: often cyclic. The number of edges is near
/// that of stages, where neither kind of graph is rare.
fn graph_that_may_be_cyclic() -> impl Strategy<Value = (usize, Vec<Edge>)> {
    (2..25_usize).prop_flat_map(|stage_count| {
        btree_set((0..stage_count, 0..stage_count), 0..2 * stage_count).prop_map(move |edges| {
            let edges = edges.into_iter().filter(|(from, to)| from != to);
            (stage_count, stage_pairs(edges))
        })
    })
}

/// Edges along a random order of the stages, so never a cycle, given in random order.
fn acyclic_graph(largest: usize) -> impl Strategy<Value = (usize, Vec<Edge>)> {
    (1..=largest).prop_flat_map(|stage_count| {
        let places = Just((0..stage_count).collect::<Vec<_>>()).prop_shuffle();
        let edges = btree_set((0..stage_count, 0..stage_count), 0..3 * stage_count);
        (places, edges)
            .prop_map(move |(places, edges)| {
                let edges = edges.into_iter().filter(|(from, to)| from < to);
                stage_pairs(edges.map(|(from, to)| (places[from], places[to])))
            })
            .prop_shuffle()
            .prop_map(move |edges| (stage_count, edges))
    })
}

fn acyclic_dag(largest: usize) -> impl Strategy<Value = StageDag> {
    acyclic_graph(largest).prop_map(|(stage_count, edges)| {
        StageDag::new(stage_count, edges).expect("edges along an order make no cycle")
    })
}

/// Whole numbers, so that sums are exact in any order; small, so that ties are common.
fn with_durations(
    dag: impl Strategy<Value = StageDag>,
) -> impl Strategy<Value = (StageDag, Vec<f64>)> {
    dag.prop_flat_map(|dag| {
        let durations = vec((0..5_u8).prop_map(f64::from), dag.len());
        (Just(dag), durations)
    })
}

fn petgraph_of(stage_count: usize, edges: &[Edge]) -> DiGraph<(), f64> {
    let mut graph = DiGraph::new();
    for _ in 0..stage_count {
        graph.add_node(());
    }
    for (from, to) in edges {
        graph.add_edge(node(*from), node(*to), 1.0);
    }
    graph
}

fn node(stage: StageIndex) -> NodeIndex {
    NodeIndex::new(stage.position())
}

fn edge_pairs(dag: &StageDag) -> Vec<Edge> {
    dag.edges()
        .iter()
        .map(|edge| (edge.from, edge.to))
        .collect()
}

/// Every chain from a root to a leaf.
fn chains(dag: &StageDag) -> Vec<Vec<StageIndex>> {
    let graph = petgraph_of(dag.len(), &edge_pairs(dag));
    let mut chains = Vec::new();
    for root in dag.roots() {
        for leaf in dag.leaves() {
            if root == leaf {
                chains.push(vec![root]);
                continue;
            }
            let paths =
                all_simple_paths::<Vec<_>, _, RandomState>(&graph, node(root), node(leaf), 0, None);
            chains.extend(paths.map(|path| {
                let stages = path.into_iter().map(|node| StageIndex::from(node.index()));
                stages.collect()
            }));
        }
    }
    chains
}

fn total(durations: &[f64], stages: &[StageIndex]) -> f64 {
    stages.iter().map(|stage| durations[stage.position()]).sum()
}

/// The makespan when a free worker always takes the ready stage with the longest remaining path.
fn simulated_makespan(dag: &StageDag, durations: &[f64], workers: usize) -> f64 {
    let remaining = dag.longest_remaining(durations);
    let mut completed = BTreeSet::new();
    let mut running: Vec<(f64, StageIndex)> = Vec::new();
    let mut now = 0.0;
    while completed.len() < dag.len() {
        let mut ready = dag.ready(&completed);
        ready.retain(|stage| running.iter().all(|(_, busy)| busy != stage));
        ready.sort_by(|one, other| {
            remaining[other.position()].total_cmp(&remaining[one.position()])
        });
        let free = workers - running.len();
        for stage in ready.into_iter().take(free) {
            running.push((now + durations[stage.position()], stage));
        }
        running.sort_by(|one, other| one.0.total_cmp(&other.0));
        let (end, stage) = running.remove(0);
        now = end;
        completed.insert(stage);
    }
    now
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_graph_is_refused_exactly_when_petgraph_finds_a_cycle(
        (stage_count, edges) in graph_that_may_be_cyclic()
    ) {
        let graph = petgraph_of(stage_count, &edges);
        let built = StageDag::new(stage_count, edges.iter().copied());
        prop_assert_eq!(built.is_err(), is_cyclic_directed(&graph));

        let mut on_reported_cycle = BTreeSet::new();
        for error in built.err().unwrap_or_default() {
            let DagError::Cycle { stages } = error else {
                return Err(TestCaseError::fail(format!("{error} in a graph of sound edges")));
            };
            prop_assert_eq!(stages.first(), stages.iter().min());
            for (from, to) in stages.iter().zip(stages.iter().cycle().skip(1)) {
                prop_assert!(edges.contains(&(*from, *to)), "{} -> {} is no edge", from, to);
            }
            for stage in stages {
                prop_assert!(on_reported_cycle.insert(stage), "{} is in two cycles", stage);
            }
        }
        let rest = edges.iter().copied().filter(|(from, to)| {
            !on_reported_cycle.contains(from) && !on_reported_cycle.contains(to)
        });
        let rest = petgraph_of(stage_count, &rest.collect::<Vec<_>>());
        prop_assert!(!is_cyclic_directed(&rest), "a cycle apart from the reported ones was missed");
    }

    #[test]
    fn every_unsound_edge_is_reported(
        edges in vec((0..7_usize, 0..7_usize), 0..20)
    ) {
        let stage_count = 5;
        let edges = stage_pairs(edges);
        let mut times: BTreeMap<Edge, usize> = BTreeMap::new();
        for edge in &edges {
            *times.entry(*edge).or_default() += 1;
        }
        let mut expected = Vec::new();
        for (&(from, to), &times) in &times {
            if times > 1 {
                expected.push(DagError::DuplicateEdge { from, to, times });
            }
            for unknown in BTreeSet::from([from, to]) {
                if unknown.position() >= stage_count {
                    expected.push(DagError::UnknownStage { unknown, from, to, stage_count });
                }
            }
            if from == to {
                expected.push(DagError::SelfDependency { stage: from });
            }
        }
        let mut reported = StageDag::new(stage_count, edges).err().unwrap_or_default();
        reported.retain(|error| !matches!(error, DagError::Cycle { .. }));
        let sort_key = |error: &DagError| error.to_string();
        reported.sort_by_key(sort_key);
        expected.sort_by_key(sort_key);
        prop_assert_eq!(reported, expected);
    }

    #[test]
    fn neighbours_are_those_of_the_edges((stage_count, edges) in acyclic_graph(25)) {
        let dag = StageDag::new(stage_count, edges.iter().copied()).unwrap();
        let sorted: BTreeSet<Edge> = edges.iter().copied().collect();
        prop_assert!(edge_pairs(&dag).iter().eq(&sorted));
        for stage in dag.stages() {
            let before = sorted.iter().filter(|(_, to)| *to == stage).map(|(from, _)| from);
            let after = sorted.iter().filter(|(from, _)| *from == stage).map(|(_, to)| to);
            prop_assert!(dag.dependencies(stage).iter().eq(before));
            prop_assert!(dag.dependents(stage).iter().eq(after));
            prop_assert_eq!(dag.roots().contains(&stage), dag.dependencies(stage).is_empty());
            prop_assert_eq!(dag.leaves().contains(&stage), dag.dependents(stage).is_empty());
        }
    }

    #[test]
    fn relations_follow_the_rule(dag in acyclic_dag(25)) {
        for edge in dag.edges() {
            let into = dag.edges().iter().filter(|other| other.to == edge.to).count();
            let out_of = dag.edges().iter().filter(|other| other.from == edge.from).count();
            let expected = match (into, out_of) {
                (1, 1) => StageRelation::Sequential,
                (1, _) => StageRelation::Independent,
                _ => StageRelation::Convergence,
            };
            prop_assert_eq!(edge.relation, expected);
            prop_assert_eq!(dag.relation(edge.to), Some(expected));
            let is_join = expected == StageRelation::Convergence;
            prop_assert_eq!(dag.is_convergence(edge.to), is_join);
            prop_assert_eq!(dag.convergence_points().contains(&edge.to), is_join);
        }
        for root in dag.roots() {
            prop_assert_eq!(dag.relation(root), None);
        }
    }

    #[test]
    fn a_declared_relation_passes_only_if_it_is_the_derived_one(dag in acyclic_dag(10)) {
        let all = [
            StageRelation::Sequential,
            StageRelation::Independent,
            StageRelation::Convergence,
        ];
        for stage in dag.stages() {
            for declared in all {
                let errors = dag.check_declared(&[(stage, declared)]);
                let derived = dag.relation(stage);
                if derived == Some(declared) {
                    prop_assert_eq!(errors, []);
                } else {
                    let expected = DagError::RelationMismatch { stage, declared, derived };
                    prop_assert_eq!(errors, [expected]);
                }
            }
        }
    }

    #[test]
    fn the_order_takes_the_lowest_stage_that_can_come_next(dag in acyclic_dag(25)) {
        let mut done = BTreeSet::new();
        let mut expected = Vec::new();
        while let Some(&next) = dag.ready(&done).first() {
            done.insert(next);
            expected.push(next);
        }
        prop_assert_eq!(expected.len(), dag.len());
        prop_assert_eq!(dag.topological_order(), expected);
    }

    #[test]
    fn ready_matches_its_definition(
        dag in acyclic_dag(15),
        completed in btree_set((0..20_u32).prop_map(StageIndex), 0..20),
    ) {
        let edges = edge_pairs(&dag);
        let expected: Vec<StageIndex> = dag
            .stages()
            .filter(|stage| !completed.contains(stage))
            .filter(|stage| {
                edges.iter().all(|(from, to)| to != stage || completed.contains(from))
            })
            .collect();
        prop_assert_eq!(dag.ready(&completed), expected);
    }

    #[test]
    fn waves_are_longest_distances_from_a_root(dag in acyclic_dag(25)) {
        let edges = edge_pairs(&dag);
        let mut graph = petgraph_of(dag.len(), &edges);
        for weight in graph.edge_weights_mut() {
            *weight = -1.0;
        }
        let source = graph.add_node(());
        for root in dag.roots() {
            graph.add_edge(source, node(root), 0.0);
        }
        let distances = bellman_ford(&graph, source).expect("no cycle").distances;
        let waves = dag.waves();
        prop_assert_eq!(waves.iter().map(Vec::len).sum::<usize>(), dag.len());
        for (number, wave) in waves.iter().enumerate() {
            prop_assert!(!wave.is_empty());
            prop_assert!(wave.is_sorted());
            for stage in wave {
                prop_assert_eq!(distances[stage.position()], -(number as f64));
            }
        }
        prop_assert_eq!(dag.wave_speedup(), dag.len() as f64 / waves.len() as f64);
    }

    #[test]
    fn ancestors_are_the_stages_with_a_path(dag in acyclic_dag(20)) {
        let edges = edge_pairs(&dag);
        let graph = petgraph_of(dag.len(), &edges);
        for stage in dag.stages() {
            let expected: BTreeSet<StageIndex> = dag
                .stages()
                .filter(|other| *other != stage)
                .filter(|other| {
                    petgraph::algo::has_path_connecting(&graph, node(*other), node(stage), None)
                })
                .collect();
            prop_assert_eq!(dag.ancestors(stage), expected);
        }
    }

    #[test]
    fn the_critical_path_is_the_longest_of_all_chains(
        (dag, durations) in with_durations(acyclic_dag(9))
    ) {
        let chains = chains(&dag);
        let longest = chains
            .iter()
            .max_by(|one, other| {
                let by_duration = total(&durations, one).total_cmp(&total(&durations, other));
                by_duration.then_with(|| Reverse(one).cmp(&Reverse(other)))
            })
            .expect("a graph with stages has a chain");
        let (path, duration) = dag.critical_path(&durations);
        prop_assert_eq!(&path, longest);
        prop_assert_eq!(duration, total(&durations, longest));

        let remaining = dag.longest_remaining(&durations);
        for stage in dag.stages() {
            let rests = chains.iter().filter_map(|chain| {
                let place = chain.iter().position(|other| *other == stage)?;
                Some(total(&durations, &chain[place..]))
            });
            prop_assert_eq!(remaining[stage.position()], rests.fold(0.0, f64::max));
        }
    }

    #[test]
    fn no_schedule_undercuts_the_bound(
        (dag, durations) in with_durations(acyclic_dag(15)),
        workers in 1..5_usize,
    ) {
        let bound = dag.makespan_lower_bound(&durations, workers);
        prop_assert!(simulated_makespan(&dag, &durations, workers) >= bound);
        let alone = dag.makespan_lower_bound(&durations, 1);
        prop_assert_eq!(simulated_makespan(&dag, &durations, 1), alone);
        let unlimited = dag.makespan_lower_bound(&durations, dag.len());
        prop_assert_eq!(simulated_makespan(&dag, &durations, dag.len()), unlimited);
    }

    #[test]
    fn a_graph_survives_writing_and_reading(dag in acyclic_dag(25)) {
        let text = serde_json::to_string(&dag).unwrap();
        prop_assert_eq!(serde_json::from_str::<StageDag>(&text).unwrap(), dag);
    }

    #[test]
    fn reading_an_unsound_graph_fails((stage_count, edges) in graph_that_may_be_cyclic()) {
        let written: Vec<_> = edges
            .iter()
            .map(|(from, to)| serde_json::json!({"from": from, "to": to}))
            .collect();
        let text = serde_json::json!({"stages": stage_count, "edges": written}).to_string();
        let read = serde_json::from_str::<StageDag>(&text);
        prop_assert_eq!(read.ok(), StageDag::new(stage_count, edges).ok());
    }
}
