//! Two metrics against each other: all cases, and the front of each stage.

use std::collections::BTreeMap;

use noodle2_model::{CaseName, Metric, Strategy};
use serde::Serialize;

use crate::chart::axis::{Axis, Scaled, largest, metric_words};
use crate::chart::figure::{Figure, Links};
use crate::chart::frame::{Frame, Sample, dash_of, legend, notes, steps};
use crate::chart::marks::{Shape, linked, series_class, thinned};
use crate::svg::Svg;
use crate::{History, count_text, metric_text};

/// A case with both metrics.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ParetoPoint {
    /// The case.
    pub case: CaseName,
    /// The index of its stage; absent for the base case.
    pub stage: Option<usize>,
    /// The metric along the horizontal axis.
    pub x: f64,
    /// The metric along the vertical axis.
    pub y: f64,
    /// Whether no case of its stage is better in one metric and no worse in the other.
    pub on_front: bool,
}

/// The metrics that are plotted where none are named: what the study chooses its survivors by, else its objective with area or power,
/// whichever was measured.
fn default_metrics(history: &History) -> Option<(Metric, Metric)> {
    let controller = history.controller();
    let study = controller.program().study();
    let first = *study.objective.rank.first()?;
    let is_pareto = |stage: &&noodle2_model::Stage| stage.selection.strategy == Strategy::Pareto;
    let chosen = study.stages.iter().filter(is_pareto);
    let chosen = chosen.flat_map(|stage| &stage.selection.metrics);
    let ranked = study.objective.rank.iter().skip(1);
    let usual = [Metric::Area, Metric::Power];
    let others = chosen.chain(&usual).chain(ranked).copied();
    let measured = |metric: &Metric| {
        let cases = controller.cases().values();
        cases
            .clone()
            .any(|case| case.measurement.overall.get(*metric).is_some())
    };
    let second = others.filter(|metric| *metric != first).find(measured)?;
    Some((second, first))
}

/// Every case of which both metrics are known, and how many there are of which one is missing.
pub fn pareto_points(history: &History, (x, y): (Metric, Metric)) -> (Vec<ParetoPoint>, usize) {
    let cases = history.controller().cases();
    let mut points: Vec<ParetoPoint> = cases
        .values()
        .filter_map(|case| {
            let value = |metric| case.measurement.overall.get(metric);
            Some(ParetoPoint {
                case: case.name.clone(),
                stage: case
                    .eco
                    .is_some()
                    .then(|| case.name.trial().stage.position()),
                x: value(x)?,
                y: value(y)?,
                on_front: false,
            })
        })
        .collect();
    let missing = cases.len() - points.len();
    let mut by_stage: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (number, point) in points.iter().enumerate() {
        if let Some(stage) = point.stage {
            by_stage.entry(stage).or_default().push(number);
        }
    }
    for members in by_stage.into_values() {
        let values: Vec<(f64, f64)> = members
            .iter()
            .map(|point| (points[*point].x, points[*point].y))
            .collect();
        for member in front(&values, (x, y)) {
            points[members[member]].on_front = true;
        }
    }
    (points, missing)
}

/// Which pairs no other is better than in one metric and no worse in the other, from the best in the first to the worst.
fn front(values: &[(f64, f64)], (x, y): (Metric, Metric)) -> Vec<usize> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|left, right| {
        let ((left_x, left_y), (right_x, right_y)) = (values[*left], values[*right]);
        x.compare(right_x, left_x).then(y.compare(right_y, left_y))
    });
    let mut kept: Vec<usize> = Vec::new();
    for candidate in order {
        let (_, candidate_y) = values[candidate];
        let is_better = kept.last().is_none_or(|last| {
            y.compare(candidate_y, values[*last].1).is_gt() || values[candidate] == values[*last]
        });
        if is_better {
            kept.push(candidate);
        }
    }
    kept
}

/// Two metrics of every case, with the front of each stage; `None` where no case beside the base has both. Without `metrics`, those by
/// which the study chooses.
pub fn pareto(
    history: &History,
    links: &dyn Links,
    metrics: Option<(Metric, Metric)>,
) -> Option<Figure> {
    let (x_metric, y_metric) = metrics.or_else(|| default_metrics(history))?;
    let controller = history.controller();
    let study = controller.program().study();
    let (points, missing) = pareto_points(history, (x_metric, y_metric));
    if points.iter().all(|point| point.stage.is_none()) {
        return None;
    }
    let x_unit = Scaled::of_metric(x_metric, largest(points.iter().map(|point| point.x)));
    let y_unit = Scaled::of_metric(y_metric, largest(points.iter().map(|point| point.y)));
    let mut by_stage: BTreeMap<usize, Vec<&ParetoPoint>> = BTreeMap::new();
    for point in &points {
        if let Some(stage) = point.stage {
            by_stage.entry(stage).or_default().push(point);
        }
    }
    let mut entries: Vec<(Sample, String)> = Vec::new();
    for stage in by_stage.keys() {
        let name = &study.stages[*stage].name;
        entries.push((Sample::Front(*stage), format!("{name}, and its front")));
    }
    entries.push((Sample::Base, "base case".to_owned()));
    entries.push((Sample::Winner, "best case".to_owned()));
    let mut svg = Svg::new();
    let head = legend(&mut svg, (8.0, 0.0), 632.0, &entries);
    let frame = Frame {
        left: 74.0,
        top: head + 24.0,
        right: 620.0,
        bottom: head + 384.0,
    };
    let x = Axis::over(
        points.iter().map(|point| point.x / x_unit.factor),
        frame.across(),
        7,
    )?;
    let y = Axis::over(
        points.iter().map(|point| point.y / y_unit.factor),
        frame.upwards(),
        7,
    )?;
    let better = |metric: Metric, more: &str, less: &str| match metric.direction() {
        noodle2_model::Direction::Higher => more.to_owned(),
        noodle2_model::Direction::Lower => less.to_owned(),
    };
    let x_label = format!(
        "{}, better {}",
        x_unit.label(&metric_words(x_metric)),
        better(x_metric, "to the right", "to the left")
    );
    let y_label = format!(
        "{}, better {}",
        y_unit.label(&metric_words(y_metric)),
        better(y_metric, "upwards", "downwards")
    );
    frame.draw_axes(&mut svg, (&x, &x_label), (&y, &y_label));
    let place = |point: &ParetoPoint| {
        (
            x.place(point.x / x_unit.factor),
            y.place(point.y / y_unit.factor),
        )
    };
    for (stage, members) in &by_stage {
        let values: Vec<(f64, f64)> = members.iter().map(|point| (point.x, point.y)).collect();
        let on_front: Vec<(f64, f64)> = front(&values, (x_metric, y_metric))
            .into_iter()
            .map(|member| place(members[member]))
            .collect();
        let class = format!("{} stroke front", series_class(*stage));
        svg.element(
            "path",
            &[
                ("class", &class),
                ("d", &steps(&on_front)),
                ("stroke-dasharray", dash_of(*stage)),
            ],
        );
    }
    let winner = controller.best_case();
    let places: Vec<(f64, f64, bool)> = points
        .iter()
        .map(|point| {
            let (x, y) = place(point);
            let notable = point.on_front || point.stage.is_none() || Some(&point.case) == winner;
            (x, y, notable)
        })
        .collect();
    let drawn = thinned(&places);
    let crowded = drawn.len() < points.len();
    let reach = if crowded { 2.4 } else { 3.8 };
    for (mark, stands_for) in drawn {
        let point = &points[mark];
        let (x, y, _) = places[mark];
        let mut elements = match point.stage {
            Some(stage) => Shape::of_series(stage).element(series_class(stage), x, y, reach),
            None => Shape::Square.element("ink", x, y, 5.0),
        };
        if Some(&point.case) == winner {
            elements += &Shape::Circle.element("ring", x, y, 8.0);
        }
        let others = match stands_for {
            1 => String::new(),
            count => format!(", and {} here", count_text(count - 1, "other")),
        };
        let title = format!(
            "{}: {} {}, {} {}{others}",
            point.case,
            metric_words(x_metric),
            metric_text(x_metric, Some(point.x)),
            metric_words(y_metric),
            metric_text(y_metric, Some(point.y)),
        );
        linked(
            &mut svg,
            links.case(&point.case).as_deref(),
            &title,
            &elements,
        );
    }
    let mut remarks = Vec::new();
    if missing > 0 {
        remarks.push(missing_text(history, x_metric, y_metric));
    }
    if crowded {
        remarks.push(
            "Marks that lie upon each other are drawn as one, those of fronts always.".to_owned(),
        );
    }
    let foot = notes(&mut svg, (8.0, frame.bottom + 38.0), &remarks);
    let fronts: Vec<String> = by_stage
        .iter()
        .map(|(stage, members)| {
            let on_front = members.iter().filter(|point| point.on_front).count();
            format!(
                "{on_front} of {} on the front of {}",
                count_text(members.len(), "case"),
                study.stages[*stage].name
            )
        })
        .collect();
    let description = format!(
        "{} against {}: {}.{}",
        metric_words(y_metric),
        metric_words(x_metric),
        fronts.join(", "),
        remarks
            .first()
            .filter(|_| missing > 0)
            .map(|text| format!(" {text}"))
            .unwrap_or_default()
    );
    let size = (640.0, frame.bottom + 44.0 + foot);
    Some(Figure::new(
        "Trade-off of two metrics",
        description,
        size,
        svg,
    ))
}

fn missing_text(history: &History, x: Metric, y: Metric) -> String {
    let cases = history.controller().cases();
    let without = |metric: Metric| {
        let lacking = cases
            .values()
            .filter(|case| case.measurement.overall.get(metric).is_none());
        let count = lacking.count();
        (count > 0).then(|| {
            format!(
                "{} without {}",
                count_text(count, "case"),
                metric_words(metric)
            )
        })
    };
    let lacking: Vec<String> = [without(x), without(y)].into_iter().flatten().collect();
    format!("{}: not drawn.", lacking.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_front_is_a_front(values in proptest::collection::vec((0_u8..12, 0_u8..12), 1..60)) {
            let values: Vec<(f64, f64)> = values.into_iter().map(|(x, y)| (f64::from(x), f64::from(y))).collect();
            // Less area is better, more slack is better.
            let metrics = (Metric::Area, Metric::SetupWns);
            let kept = front(&values, metrics);
            let dominates = |left: (f64, f64), right: (f64, f64)| {
                left.0 <= right.0 && left.1 >= right.1 && left != right
            };
            for (number, value) in values.iter().enumerate() {
                let is_dominated = values.iter().any(|other| dominates(*other, *value));
                prop_assert_eq!(kept.contains(&number), !is_dominated, "{:?} in {:?}", value, values);
            }
            for pair in kept.windows(2) {
                prop_assert!(values[pair[0]].0 <= values[pair[1]].0);
            }
        }
    }
}
