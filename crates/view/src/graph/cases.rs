//! Which case came from which.

use std::collections::{BTreeMap, BTreeSet};

use noodle2_control::Case;
use noodle2_model::{CaseName, StageIndex};

use crate::chart::{
    Figure, Links, Sample, Shape, legend, linked, rectangle, series_class, shortened,
};
use crate::graph::layout::layered;
use crate::graph::stages::curve;
use crate::svg::Svg;
use crate::{History, count_text, eco_text, metric_text};

const BOX: (f64, f64) = (164.0, 46.0);
const GAP: (f64, f64) = (44.0, 12.0);
const MARGIN: f64 = 14.0;

/// How many cases are drawn one by one, beside those that are always.
const MOST: usize = 150;

/// A box of the graph.
enum Node<'a> {
    Case(&'a Case),
    /// So many cases of one stage with the same parents, which are not drawn one by one.
    Folded {
        count: usize,
        stage: StageIndex,
        best: &'a Case,
    },
}

/// The cases as boxes, each right of its parents, the way to the best case in bold. Beyond some 150 cases those that
/// nothing came of are folded: the way to the best case, and survivors are always there, and what
/// several parents met in as long as there is room. `None` before the base case is measured.
pub fn case_graph(history: &History, links: &dyn Links) -> Option<Figure> {
    let controller = history.controller();
    let study = controller.program().study();
    let metric = study.objective.rank.first().copied();
    let base = controller.base_case()?;
    let cases = controller.cases();
    let best = controller.best_case();
    let winning = ancestors(cases, best);
    let survivors: BTreeSet<&CaseName> = controller
        .stages()
        .iter()
        .flat_map(|stage| stage.survivors())
        .collect();
    let mut kept = ancestors(
        cases,
        survivors.iter().copied().chain(best).chain([&base.name]),
    );
    let joins = cases.values().filter(|case| case.parents.len() > 1);
    let joined = ancestors(cases, joins.map(|case| &case.name));
    if kept.union(&joined).count() <= MOST {
        kept.extend(joined);
    }
    let mut room = MOST.saturating_sub(kept.len());
    let mut nodes: Vec<Node<'_>> = Vec::new();
    let mut number_of: BTreeMap<&CaseName, usize> = BTreeMap::new();
    let mut folds: BTreeMap<(StageIndex, &[CaseName]), Vec<&Case>> = BTreeMap::new();
    let folds_any = cases.len() > MOST;
    for case in cases.values() {
        let is_kept = !folds_any || kept.contains(&case.name);
        if is_kept {
            number_of.insert(&case.name, nodes.len());
            nodes.push(Node::Case(case));
        } else {
            let stage = case.name.trial().stage;
            folds.entry((stage, &case.parents)).or_default().push(case);
        }
    }
    let mut edges: Vec<(usize, usize)> = Vec::new();
    for (to, node) in nodes.iter().enumerate() {
        if let Node::Case(case) = node {
            let parents = case
                .parents
                .iter()
                .filter_map(|parent| number_of.get(parent));
            edges.extend(parents.map(|from| (*from, to)));
        }
    }
    for ((stage, parents), mut folded) in folds {
        if let Some(metric) = metric {
            let value = |case: &Case| case.measurement.overall.get(metric);
            folded.sort_by(|left, right| match (value(left), value(right)) {
                (Some(left), Some(right)) => metric.compare(right, left),
                (left, right) => right.is_some().cmp(&left.is_some()),
            });
        }
        // What is folded is more than one: else the fold would save no room.
        let shown = match folded.len() {
            count @ ..=3 => count,
            _ => 2,
        };
        let rest = folded.split_off(shown.min(room));
        room -= folded.len();
        let others = rest.first().map(|best| Node::Folded {
            count: rest.len(),
            stage,
            best,
        });
        for node in folded.into_iter().map(Node::Case).chain(others) {
            let known = parents.iter().filter_map(|parent| number_of.get(parent));
            edges.extend(known.map(|from| (*from, nodes.len())));
            nodes.push(node);
        }
    }
    let layout = layered(nodes.len(), &edges, BOX, GAP);
    let stages: BTreeSet<usize> = cases
        .values()
        .filter(|case| case.eco.is_some())
        .map(|case| case.name.trial().stage.position())
        .collect();
    let mut svg = Svg::new();
    let entries: Vec<(Sample, String)> = stages
        .iter()
        .map(|stage| (Sample::Mark(*stage), study.stages[*stage].name.clone()))
        .chain([(Sample::Line("bold"), "way to the best case".to_owned())])
        .collect();
    let width = (layout.size.0 + 2.0 * MARGIN).max(420.0);
    let head = legend(&mut svg, (MARGIN, 4.0), width - MARGIN, &entries) + 8.0;
    let corner = |node: usize| {
        let (x, y) = layout.corners[node];
        (x + MARGIN, y + head)
    };
    let is_winning =
        |node: usize| matches!(&nodes[node], Node::Case(case) if winning.contains(&case.name));
    for bold in [false, true] {
        for (from, to) in &edges {
            if bold != (is_winning(*from) && is_winning(*to)) {
                continue;
            }
            let (start, end) = (corner(*from), corner(*to));
            let path = curve(
                (start.0 + BOX.0, start.1 + BOX.1 / 2.0),
                (end.0, end.1 + BOX.1 / 2.0),
            );
            let class = if bold { "bold" } else { "edge" };
            svg.element("path", &[("class", class), ("d", &path)]);
        }
    }
    for (number, node) in nodes.iter().enumerate() {
        let (x, y) = corner(number);
        let mut inner = Svg::new();
        match node {
            Node::Case(case) => {
                let is_survivor = survivors.contains(&case.name);
                let class = match (winning.contains(&case.name), is_survivor) {
                    (true, _) => "box winning",
                    (false, true) => "box",
                    (false, false) => "box other",
                };
                rectangle(&mut inner, class, (x, y), BOX);
                let eco = case.eco.as_deref();
                if eco.is_none() {
                    inner.raw(&Shape::Square.element("ink", x + 12.0, y + 13.0, 4.0));
                } else {
                    let stage = case.name.trial().stage.position();
                    let mark = Shape::of_series(stage).element(
                        series_class(stage),
                        x + 12.0,
                        y + 13.0,
                        4.0,
                    );
                    inner.raw(&mark);
                }
                let name = case.name.to_string();
                inner.words(
                    (x + 22.0, y + 17.0),
                    "start",
                    "strong",
                    &shortened(&name, 18),
                );
                let step = eco.map_or("base case".to_owned(), |eco| eco.name.clone());
                let value = metric.and_then(|metric| {
                    let value = case.measurement.overall.get(metric);
                    value.map(|value| metric_text(metric, Some(value)))
                });
                let room = 23 - value.as_ref().map_or(0, |value| value.chars().count() + 1);
                inner.words(
                    (x + 8.0, y + 36.0),
                    "start",
                    "small",
                    &shortened(&step, room.max(4)),
                );
                inner.words(
                    (x + BOX.0 - 8.0, y + 36.0),
                    "end",
                    "small",
                    value.as_deref().unwrap_or("—"),
                );
                let title = [
                    Some(name),
                    Some(eco.map_or("base case".to_owned(), eco_text)),
                    metric
                        .zip(value)
                        .map(|(metric, value)| format!("{metric} {value}")),
                    is_survivor.then(|| "survivor".to_owned()),
                    (best == Some(&case.name)).then(|| "best case".to_owned()),
                ];
                let title: Vec<String> = title.into_iter().flatten().collect();
                let link = links.case(&case.name);
                linked(
                    &mut svg,
                    link.as_deref(),
                    &title.join("; "),
                    &inner.into_text(),
                );
            }
            Node::Folded { count, stage, best } => {
                rectangle(&mut inner, "box other", (x, y), BOX);
                inner.words(
                    (x + BOX.0 / 2.0, y + 20.0),
                    "middle",
                    "muted",
                    &format!("+ {}", count_text(*count, "case")),
                );
                let value = metric.and_then(|metric| best.measurement.overall.get(metric));
                if let (Some(metric), Some(value)) = (metric, value) {
                    inner.words(
                        (x + BOX.0 / 2.0, y + 36.0),
                        "middle",
                        "muted small",
                        &format!("best {}", metric_text(metric, Some(value))),
                    );
                }
                let name = &study.stages[stage.position()].name;
                let title = format!(
                    "{} of {name} that nothing came of",
                    count_text(*count, "more case")
                );
                linked(
                    &mut svg,
                    links.stage(*stage).as_deref(),
                    &title,
                    &inner.into_text(),
                );
            }
        }
    }
    let drawn = nodes
        .iter()
        .filter(|node| matches!(node, Node::Case(_)))
        .count();
    let way: Vec<String> = winning.iter().map(|name| name.to_string()).collect();
    let folded = match cases.len() - drawn {
        0 => String::new(),
        folded => format!(", {folded} of them folded"),
    };
    let description = format!(
        "{}{folded}; the way to the best case goes through {}.",
        count_text(cases.len(), "case"),
        way.join(", ")
    );
    let size = (width, layout.size.1 + head + MARGIN);
    Some(Figure::new("Lineage of cases", description, size, svg))
}

/// Cases with all that they came from.
fn ancestors<'a>(
    cases: &'a BTreeMap<CaseName, Case>,
    names: impl IntoIterator<Item = &'a CaseName>,
) -> BTreeSet<&'a CaseName> {
    let mut open: Vec<&CaseName> = names.into_iter().collect();
    let mut found = BTreeSet::new();
    while let Some(name) = open.pop() {
        if let Some((name, case)) = cases.get_key_value(name)
            && found.insert(name)
        {
            open.extend(&case.parents);
        }
    }
    found
}
