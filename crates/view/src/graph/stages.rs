//! The stages of a run and what leads from which to which.

use noodle2_model::StageIndex;

use crate::chart::{Figure, Links, linked, metric_words, pixels, rectangle, shortened};
use crate::graph::layout::layered;
use crate::svg::Svg;
use crate::{History, Progress, StageStatus, count_text, metric_text};

const BOX: (f64, f64) = (196.0, 88.0);
const GAP: (f64, f64) = (56.0, 22.0);
const MARGIN: f64 = 14.0;

/// The stages as boxes, with how far each is and what it found, and the way from stage to stage; `None` of a study
/// without stages.
pub fn stage_graph(history: &History, links: &dyn Links) -> Option<Figure> {
    let controller = history.controller();
    let dag = controller.program().dag();
    let progress = Progress::new(controller, history.status());
    let count = progress.stages.len();
    if count == 0 {
        return None;
    }
    let edges: Vec<(usize, usize)> = (0..count)
        .flat_map(|stage| {
            let before = dag.dependencies(StageIndex::from(stage)).iter();
            before.map(move |before| (before.position(), stage))
        })
        .collect();
    let layout = layered(count, &edges, BOX, GAP);
    let corner = |stage: usize| {
        let (x, y) = layout.corners[stage];
        (x + MARGIN, y + MARGIN)
    };
    let mut svg = Svg::new();
    for (from, to) in &edges {
        let (from, to) = (corner(*from), corner(*to));
        let path = curve(
            (from.0 + BOX.0, from.1 + BOX.1 / 2.0),
            (to.0 - 5.0, to.1 + BOX.1 / 2.0),
        );
        svg.element("path", &[("class", "edge"), ("d", &path)]);
        arrow(&mut svg, (to.0, to.1 + BOX.1 / 2.0));
    }
    let mut told = Vec::new();
    for (position, stage) in progress.stages.iter().enumerate() {
        let index = StageIndex::from(position);
        let survivors = controller.stages()[position].survivors().len();
        let (x, y) = corner(position);
        let done = format!("{} of {}", stage.done, count_text(stage.total, "trial"));
        let mut counts = vec![done.clone()];
        if stage.running > 0 {
            counts.push(format!("{} running", stage.running));
        }
        let survivors_text = count_text(survivors, "survivor");
        let found = match stage.failed {
            0 => survivors_text.clone(),
            failed => format!("{survivors_text}, {failed} failed"),
        };
        let title = [
            Some(format!("{}: {}", stage.name, stage.status)),
            Some(counts.join(", ")),
            Some(found.clone()),
            stage.best.map(|(metric, value)| {
                format!("best {metric} {}", metric_text(metric, Some(value)))
            }),
        ];
        let title: Vec<String> = title.into_iter().flatten().collect();
        let title = title.join("; ");
        let mut inner = Svg::new();
        let class = match stage.status {
            StageStatus::Running | StageStatus::Completed => "box winning",
            StageStatus::Failed | StageStatus::Stopped | StageStatus::Interrupted => "box",
            _ => "box other",
        };
        rectangle(&mut inner, class, (x, y), BOX);
        let bar = BOX.0 - 20.0;
        let share = match stage.total {
            0 => 0.0,
            total => (stage.done as f64 / total as f64).clamp(0.0, 1.0),
        };
        rectangle(
            &mut inner,
            "track",
            (x + 10.0, y + BOX.1 - 11.0),
            (bar, 4.0),
        );
        rectangle(
            &mut inner,
            "ink",
            (x + 10.0, y + BOX.1 - 11.0),
            (bar * share, 4.0),
        );
        let name = shortened(&stage.name, 22);
        inner.words((x + 10.0, y + 18.0), "start", "strong", &name);
        let state = format!("{} {}", symbol(stage.status), stage.status);
        inner.words((x + 10.0, y + 33.0), "start", "muted", &state);
        inner.words((x + 10.0, y + 48.0), "start", "small", &counts.join(", "));
        inner.words((x + 10.0, y + 62.0), "start", "small", &found);
        if let Some((metric, value)) = stage.best {
            let right = x + BOX.0 - 10.0;
            let value = metric_text(metric, Some(value));
            inner.words((right, y + 48.0), "end", "small", &value);
            let name = format!("best {}", shortened(&metric_words(metric), 14));
            inner.words((right, y + 62.0), "end", "muted small", &name);
        }
        let link = links.stage(index);
        linked(&mut svg, link.as_deref(), &title, &inner.into_text());
        told.push(format!("{}: {}, {done}, {found}", stage.name, stage.status));
    }
    let joins = dag.convergence_points().len();
    let description = format!(
        "{}, {}. {}.",
        count_text(count, "stage"),
        match joins {
            0 => "no join".to_owned(),
            joins => count_text(joins, "join"),
        },
        told.join("; ")
    );
    let size = (layout.size.0 + 2.0 * MARGIN, layout.size.1 + 2.0 * MARGIN);
    Some(Figure::new("Stages", description, size, svg))
}

/// A sign for how a stage stands, beside the word.
const fn symbol(status: StageStatus) -> &'static str {
    match status {
        StageStatus::Waiting | StageStatus::NotStarted => "○",
        StageStatus::AwaitingApproval => "?",
        StageStatus::Running => "▶",
        StageStatus::Interrupted => "…",
        StageStatus::Completed => "✓",
        StageStatus::Failed => "✗",
        StageStatus::Skipped => "–",
        StageStatus::Stopped => "■",
    }
}

/// The path from the right side of a box to the left side of another.
pub(super) fn curve(from: (f64, f64), to: (f64, f64)) -> String {
    let bend = ((to.0 - from.0) / 2.0).max(12.0);
    format!(
        "M{} {}C{} {} {} {} {} {}",
        pixels(from.0),
        pixels(from.1),
        pixels(from.0 + bend),
        pixels(from.1),
        pixels(to.0 - bend),
        pixels(to.1),
        pixels(to.0),
        pixels(to.1)
    )
}

/// The head of an arrow that points to the right.
fn arrow(svg: &mut Svg, (x, y): (f64, f64)) {
    let (back, top, bottom) = (pixels(x - 7.0), pixels(y - 4.0), pixels(y + 4.0));
    let path = format!("M{back} {top}L{} {}L{back} {bottom}z", pixels(x), pixels(y));
    svg.element("path", &[("class", "solid"), ("d", &path)]);
}
