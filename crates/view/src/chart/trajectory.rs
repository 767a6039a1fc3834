//! The objective over time: every case that was measured, the best so far, the base.

use noodle2_control::Verdict;
use noodle2_model::{AttemptId, CaseName, Metric, StageIndex, TrialId};
use serde::Serialize;

use crate::chart::axis::{Axis, Scaled, largest, metric_words};
use crate::chart::clock::executions;
use crate::chart::figure::{Figure, Links};
use crate::chart::frame::{Frame, Sample, cross_path, legend, line, notes, steps};
use crate::chart::marks::{Shape, linked, series_class, thinned};
use crate::svg::Svg;
use crate::{History, count_text, metric_text, seconds_text};

/// What runs along the horizontal axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TrajectoryAxis {
    /// Seconds of the run, as its makespan counts them.
    #[default]
    Seconds,
    /// Trials in the order in which they ended.
    Trials,
}

/// A trial that ended: what it measured, or that it failed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TrajectoryPoint {
    /// The trial.
    pub trial: TrialId,
    /// Its stage.
    pub stage: StageIndex,
    /// The case that it derived; absent where it failed.
    pub case: Option<CaseName>,
    /// When it ended, in seconds of the run.
    pub ended_s: f64,
    /// Its number in the order in which trials ended, from 1.
    pub number: usize,
    /// What was measured of the metric that matters most to the study; absent where that is missing.
    pub value: Option<f64>,
    /// The best value up to then, that of the base case included.
    pub best_so_far: Option<f64>,
    /// Whether it failed.
    pub failed: bool,
}

/// Every trial that ended with a case or a failure, in the order in which they ended. Trials that changed nothing and those whose
/// results do not count are left out.
pub fn trajectory_points(history: &History) -> Vec<TrajectoryPoint> {
    let controller = history.controller();
    let Some(metric) = objective_metric(history) else {
        return Vec::new();
    };
    let ends: std::collections::BTreeMap<AttemptId, f64> = executions(history)
        .into_iter()
        .filter(|execution| execution.has_ended)
        .map(|execution| (execution.attempt, execution.ended_s))
        .collect();
    let case_name = &controller.program().study().design.case_name;
    let trials = controller
        .trials()
        .filter(|trial| !controller.is_discarded(trial.id));
    let mut points: Vec<TrajectoryPoint> = trials
        .filter_map(|trial| {
            let failed = match trial.verdict()? {
                Verdict::Derived => false,
                Verdict::NoEffect => return None,
                Verdict::Failed(_) => true,
            };
            let last = AttemptId {
                trial: trial.id,
                number: trial.attempts.last()?.number,
            };
            let case = controller
                .cases()
                .get(&trial.id.case(case_name))
                .filter(|_| !failed);
            Some(TrajectoryPoint {
                trial: trial.id,
                stage: trial.id.stage,
                case: case.map(|case| case.name.clone()),
                ended_s: *ends.get(&last)?,
                number: 0,
                value: case.and_then(|case| case.measurement.overall.get(metric)),
                best_so_far: None,
                failed,
            })
        })
        .collect();
    points.sort_by(|left, right| {
        left.ended_s
            .total_cmp(&right.ended_s)
            .then(left.trial.cmp(&right.trial))
    });
    let mut best = base_value(history, metric);
    for (position, point) in points.iter_mut().enumerate() {
        point.number = position + 1;
        if let Some(value) = point.value
            && best.is_none_or(|best| metric.compare(value, best).is_gt())
        {
            best = Some(value);
        }
        point.best_so_far = best;
    }
    points
}

/// The objective over time; `None` until a trial has ended with a case or a failure.
pub fn trajectory(history: &History, links: &dyn Links, across: TrajectoryAxis) -> Option<Figure> {
    let metric = objective_metric(history)?;
    let points = trajectory_points(history);
    let base = base_value(history, metric);
    let values = || points.iter().filter_map(|point| point.value).chain(base);
    let unit = Scaled::of_metric(metric, largest(values()));
    let longest = history
        .makespan_s()
        .max(largest(points.iter().map(|point| point.ended_s)));
    let time = Scaled::of_seconds(longest);
    let place_of = |point: &TrajectoryPoint| match across {
        TrajectoryAxis::Seconds => point.ended_s / time.factor,
        TrajectoryAxis::Trials => point.number as f64,
    };
    let stages = stages_of(&points);
    let study = controller_study(history);
    let mut entries: Vec<(Sample, String)> = stages
        .iter()
        .map(|stage| (Sample::Mark(*stage), study.stages[*stage].name.clone()))
        .collect();
    entries.push((Sample::Line("line"), "best so far".to_owned()));
    if base.is_some() {
        entries.push((Sample::Line("base"), "base case".to_owned()));
    }
    if history.controller().best_case().is_some() {
        entries.push((Sample::Winner, "best case".to_owned()));
    }
    let failed = points.iter().filter(|point| point.failed).count();
    if failed > 0 {
        entries.push((Sample::Cross, "failed".to_owned()));
    }
    let mut svg = Svg::new();
    let head = legend(&mut svg, (8.0, 0.0), 752.0, &entries);
    let frame = Frame {
        left: 70.0,
        top: head + 24.0,
        right: 744.0,
        bottom: head + 324.0,
    };
    let x = match across {
        TrajectoryAxis::Seconds => Axis::from_zero([longest / time.factor], frame.across(), 8)?,
        TrajectoryAxis::Trials => Axis::from_zero([points.len() as f64], frame.across(), 8)?,
    };
    let y = Axis::over(
        values().map(|value| value / unit.factor),
        frame.upwards(),
        7,
    )?;
    if points.is_empty() {
        return None;
    }
    let x_label = match across {
        TrajectoryAxis::Seconds => time.label("time of the run"),
        TrajectoryAxis::Trials => "trials that ended".to_owned(),
    };
    frame.draw_axes(
        &mut svg,
        (&x, &x_label),
        (&y, &unit.label(&metric_words(metric))),
    );
    if let Some(base) = base {
        let level = y.place(base / unit.factor);
        line(&mut svg, "base", (frame.left, level), (frame.right, level));
    }
    let measured: Vec<(&TrajectoryPoint, f64)> = points
        .iter()
        .filter_map(|point| Some((point, point.value?)))
        .collect();
    let winner = history.controller().best_case();
    let places: Vec<(f64, f64, bool)> = measured
        .iter()
        .map(|(point, value)| {
            let notable = point.best_so_far == Some(*value) || point.case.as_ref() == winner;
            (
                x.place(place_of(point)),
                y.place(value / unit.factor),
                notable,
            )
        })
        .collect();
    let drawn = thinned(&places);
    let crowded = drawn.len() < measured.len();
    let reach = if crowded { 2.4 } else { 3.6 };
    for (mark, stands_for) in drawn {
        let (point, value) = measured[mark];
        let (x, y, _) = places[mark];
        let series = point.stage.position();
        let mut elements = Shape::of_series(series).element(series_class(series), x, y, reach);
        if point.case.as_ref() == winner {
            elements += &Shape::Circle.element("ring", x, y, 7.0);
        }
        let case = point.case.as_ref();
        let name = case.map_or_else(|| point.trial.to_string(), ToString::to_string);
        let title = format!(
            "{name}: {} after {}{}",
            metric_text(metric, Some(value)),
            seconds_text(point.ended_s),
            others(stands_for)
        );
        let link = case.and_then(|case| links.case(case));
        linked(&mut svg, link.as_deref(), &title, &elements);
    }
    // Above the marks, which are many where it matters.
    let best_line: Vec<(f64, f64)> = best_line(&points, base)
        .into_iter()
        .map(|(point, value)| {
            let x = point.map_or(frame.left, |point| x.place(place_of(point)));
            (x, y.place(value / unit.factor))
        })
        .collect();
    if !best_line.is_empty() {
        let end = x.place(match across {
            TrajectoryAxis::Seconds => longest / time.factor,
            TrajectoryAxis::Trials => points.len() as f64,
        });
        let mut path = steps(&best_line);
        path += &format!("H{}", crate::chart::frame::pixels(end));
        svg.element("path", &[("class", "line"), ("d", &path)]);
    }
    let failures: Vec<&TrajectoryPoint> = points.iter().filter(|point| point.failed).collect();
    let level = frame.bottom - 6.0;
    let places: Vec<(f64, f64, bool)> = failures
        .iter()
        .map(|point| (x.place(place_of(point)), level, false))
        .collect();
    for (mark, stands_for) in thinned(&places) {
        let point = failures[mark];
        let path = format!(
            "<path class=\"bad\" d=\"{}\"/>",
            cross_path((places[mark].0, level), 3.5)
        );
        let title = format!(
            "trial {}: failed after {}{}",
            point.trial,
            seconds_text(point.ended_s),
            others(stands_for)
        );
        linked(&mut svg, links.trial(point.trial).as_deref(), &title, &path);
    }
    let mut remarks = Vec::new();
    if crowded {
        remarks.push(
            "Marks that lie upon each other are drawn as one, the best so far always.".to_owned(),
        );
    }
    let missing = points
        .iter()
        .filter(|point| !point.failed && point.value.is_none())
        .count();
    if missing > 0 {
        remarks.push(format!(
            "{} without {}.",
            count_text(missing, "case"),
            metric_words(metric)
        ));
    }
    let foot = notes(&mut svg, (8.0, frame.bottom + 38.0), &remarks);
    let best = points.last().and_then(|point| point.best_so_far);
    let description = format!(
        "{} measured and {failed} failed in {}; {metric} went from {} of the base case to {} at best.",
        count_text(measured.len(), "case"),
        seconds_text(longest),
        metric_text(metric, base),
        metric_text(metric, best)
    );
    let size = (760.0, frame.bottom + 44.0 + foot);
    Some(Figure::new("Objective over time", description, size, svg))
}

/// Where the best value so far changes, beginning with the base case.
fn best_line(
    points: &[TrajectoryPoint],
    base: Option<f64>,
) -> Vec<(Option<&TrajectoryPoint>, f64)> {
    let mut changes: Vec<(Option<&TrajectoryPoint>, f64)> =
        base.map(|base| (None, base)).into_iter().collect();
    for point in points {
        if let Some(best) = point.best_so_far
            && changes.last().is_none_or(|(_, last)| *last != best)
        {
            changes.push((Some(point), best));
        }
    }
    changes
}

fn others(stands_for: usize) -> String {
    match stands_for {
        1 => String::new(),
        count => format!(", and {} here", count_text(count - 1, "other")),
    }
}

fn stages_of(points: &[TrajectoryPoint]) -> std::collections::BTreeSet<usize> {
    let measured = points.iter().filter(|point| point.value.is_some());
    measured.map(|point| point.stage.position()).collect()
}

fn controller_study(history: &History) -> &noodle2_model::Study {
    history.controller().program().study()
}

/// The metric that matters most to the study.
pub(crate) fn objective_metric(history: &History) -> Option<Metric> {
    controller_study(history).objective.rank.first().copied()
}

/// What was measured of the base case.
pub(crate) fn base_value(history: &History, metric: Metric) -> Option<f64> {
    history
        .controller()
        .base_case()?
        .measurement
        .overall
        .get(metric)
}
