//! Branches that ran at the same time, against each other.

use noodle2_control::Case;
use noodle2_model::{CaseName, Metric, StageIndex};
use serde::Serialize;

use crate::chart::axis::{Axis, Scaled, largest, metric_words};
use crate::chart::figure::{Figure, Links};
use crate::chart::frame::{Frame, line, notes, rectangle, shortened};
use crate::chart::marks::{linked, series_class};
use crate::chart::trajectory::objective_metric;
use crate::svg::Svg;
use crate::{History, StageStatus};

/// What a stage of a branch gained over the base case.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BranchGain {
    /// The first stage of the branch, by which it is called.
    pub branch: StageIndex,
    /// The stage.
    pub stage: StageIndex,
    /// The stage's name.
    pub name: String,
    /// How the stage stands.
    pub status: StageStatus,
    /// What the stage began with, over the base case; absent where it never began or that was not measured.
    pub from: Option<f64>,
    /// What its best case gained over the base case: the best that it passes on, else the best that it has. Absent where it has none.
    pub gain: Option<f64>,
    /// That case.
    pub case: Option<CaseName>,
}

/// The stages of branches of which another runs, or may run, at the same time, branch by branch. Gains are in the unit of the metric
/// that matters most to the study.
pub fn branch_gains(history: &History) -> Vec<BranchGain> {
    let Some(metric) = objective_metric(history) else {
        return Vec::new();
    };
    let controller = history.controller();
    let program = controller.program();
    let dag = program.dag();
    let order = program.canonical_order();
    let is_beside = |stage: StageIndex| {
        let before = dag.ancestors(stage);
        order.iter().any(|other| {
            let apart = !before.contains(other) && !dag.ancestors(*other).contains(&stage);
            apart && program.branch_of(*other) != program.branch_of(stage)
        })
    };
    let mut stages: Vec<StageIndex> = order
        .iter()
        .copied()
        .filter(|stage| is_beside(*stage))
        .collect();
    let place = |stage: &StageIndex| order.iter().position(|other| other == stage);
    stages.sort_by_key(|stage| (place(&program.branch_of(*stage)), place(stage)));
    let cases = controller.cases();
    let gains = stages.into_iter().map(|index| {
        let stage = &controller.stages()[index.position()];
        let inputs = stage.inputs.iter();
        let inputs = inputs.filter_map(|input| cases.get(&input.case));
        let input = best_of(inputs, metric);
        // A stage may rank by another metric: what it passed on counts by the one that is drawn.
        let survivors = stage.survivors().iter().filter_map(|name| cases.get(name));
        let best = best_of(survivors, metric)
            .or_else(|| best_of(cases.values().filter(|case| is_of(case, index)), metric));
        BranchGain {
            branch: program.branch_of(index),
            stage: index,
            name: program.stage(index).name.clone(),
            status: StageStatus::new(controller, history.status(), index),
            from: input.and_then(|case| gain_over_base(history, case, metric)),
            gain: best.and_then(|case| gain_over_base(history, case, metric)),
            case: best.cloned(),
        }
    });
    gains.collect()
}

/// Whether a case was derived in a stage.
fn is_of(case: &Case, stage: StageIndex) -> bool {
    case.eco.is_some() && case.name.trial().stage == stage
}

/// The best of these cases by a metric.
fn best_of<'a>(cases: impl Iterator<Item = &'a Case>, metric: Metric) -> Option<&'a CaseName> {
    let valued = cases.filter_map(|case| Some((case.measurement.overall.get(metric)?, &case.name)));
    let best = valued.reduce(
        |best, other| match metric.compare(other.0, best.0).is_gt() {
            true => other,
            false => best,
        },
    );
    best.map(|(_, name)| name)
}

fn gain_over_base(history: &History, case: &CaseName, metric: Metric) -> Option<f64> {
    let controller = history.controller();
    let base = controller.base_case()?.measurement.overall.get(metric)?;
    let value = controller
        .cases()
        .get(case)?
        .measurement
        .overall
        .get(metric)?;
    Some(metric.gain(base, value))
}

const ROW: f64 = 26.0;

/// The branches one below the other, each stage as a bar from what it began with to what it reached over the base case; `None`
/// where no two branches run at the same time, and before any of them has reached anything.
pub fn branch_comparison(history: &History, links: &dyn Links) -> Option<Figure> {
    let metric = objective_metric(history)?;
    let gains = branch_gains(history);
    let values: Vec<f64> = gains
        .iter()
        .flat_map(|gain| [gain.from, gain.gain])
        .flatten()
        .collect();
    if gains.iter().all(|gain| gain.gain.is_none()) {
        return None;
    }
    let unit = Scaled::of_metric(metric, largest(values.iter().copied()));
    let mut branches: Vec<StageIndex> = gains.iter().map(|gain| gain.branch).collect();
    branches.dedup();
    let mut svg = Svg::new();
    let height = ROW * gains.len() as f64 + 12.0 * branches.len() as f64;
    let frame = Frame {
        left: 200.0,
        top: 14.0,
        right: 620.0,
        bottom: 14.0 + height,
    };
    let zeroed = values.iter().map(|value| value / unit.factor).chain([0.0]);
    let x = Axis::over(zeroed, frame.across(), 6)?;
    let label = unit.label(&format!(
        "gain over the base case in {}",
        metric_words(metric)
    ));
    frame.draw_x(&mut svg, &x, &format!("{label}, better to the right"));
    let zero = x.place(0.0);
    line(&mut svg, "axis", (zero, frame.top), (zero, frame.bottom));
    let mut y = frame.top;
    let mut last_branch = None;
    for gain in &gains {
        let number = branches
            .iter()
            .position(|branch| *branch == gain.branch)
            .unwrap_or(0);
        if last_branch != Some(gain.branch) {
            if last_branch.is_some() {
                line(&mut svg, "rule", (8.0, y + 6.0), (frame.right, y + 6.0));
            }
            y += 12.0;
            last_branch = Some(gain.branch);
        }
        svg.words(
            (frame.left - 10.0, y + 13.0),
            "end",
            "strong",
            &shortened(&gain.name, 26),
        );
        let mut inner = Svg::new();
        let told = |value: f64| format!("{:+.1} {}", value / unit.factor, unit.symbol);
        let words = match gain.gain {
            Some(value) => {
                let (from, to) = (
                    x.place(gain.from.unwrap_or(0.0) / unit.factor),
                    x.place(value / unit.factor),
                );
                let (left, right) = (from.min(to), from.max(to));
                rectangle(
                    &mut inner,
                    "track",
                    (zero.min(from), y + 6.0),
                    ((from - zero).abs(), 6.0),
                );
                let class = match to >= from {
                    true => series_class(number).to_owned(),
                    // What was lost is hollow, so that it can be told in grey.
                    false => format!("{} over", series_class(number)),
                };
                rectangle(
                    &mut inner,
                    &class,
                    (left, y + 2.0),
                    ((right - left).max(1.5), 14.0),
                );
                inner.words(
                    (right.max(zero) + 6.0, y + 13.0),
                    "start",
                    "small",
                    &told(value),
                );
                let began = gain
                    .from
                    .map(|from| format!(" from {}", told(from)))
                    .unwrap_or_default();
                let case = gain
                    .case
                    .as_ref()
                    .map(|case| format!(" by {case}"))
                    .unwrap_or_default();
                format!(
                    "{} ({}): {}{began}{case}",
                    gain.name,
                    gain.status,
                    told(value)
                )
            }
            None => {
                let words = format!("{}: nothing measured", gain.status);
                inner.words((zero + 6.0, y + 13.0), "start", "muted small", &words);
                format!("{} ({}): nothing measured", gain.name, gain.status)
            }
        };
        let case = gain.case.as_ref().and_then(|case| links.case(case));
        let link = case.or_else(|| links.stage(gain.stage));
        linked(&mut svg, link.as_deref(), &words, &inner.into_text());
        y += ROW;
    }
    let ends = branches.iter().filter_map(|branch| {
        let last = gains.iter().rfind(|gain| gain.branch == *branch)?;
        let value = last.gain?;
        Some(format!(
            "{} reached {:+.1} {}",
            last.name,
            value / unit.factor,
            unit.symbol
        ))
    });
    let description = format!(
        "{} at the same time, gain over the base case in {}: {}.",
        match branches.len() {
            1 => "1 branch".to_owned(),
            count => format!("{count} branches"),
        },
        metric_words(metric),
        ends.collect::<Vec<_>>().join(", ")
    );
    let remark =
        "Grey: what a stage began with. Filled: what it gained upon that. Outlined: what it lost.";
    let foot = notes(&mut svg, (8.0, frame.bottom + 38.0), &[remark.to_owned()]);
    Some(Figure::new(
        "Branch against branch",
        description,
        (700.0, frame.bottom + 44.0 + foot),
        svg,
    ))
}
