//! What was spent of what.

use noodle2_model::StageIndex;

use crate::chart::axis::Axis;
use crate::chart::figure::{Figure, Links};
use crate::chart::frame::{Frame, Sample, legend, line, rectangle, shortened};
use crate::chart::marks::linked;
use crate::spending::{Spent, spent};
use crate::svg::Svg;
use crate::{History, seconds_text};

const ROW: f64 = 20.0;

/// How many owners of budgets are drawn; the table has all of them.
const MOST: usize = 40;

/// What one bar shows.
struct Bar {
    name: &'static str,
    class: &'static str,
    share: f64,
    words: String,
    /// The same with what it is of.
    told: String,
}

/// What the study, its branches and its stages spent of what they were given, as shares; `None` where nothing has a limit.
pub fn budget(history: &History, links: &dyn Links) -> Option<Figure> {
    let stages = &history.controller().program().study().stages;
    let link_of = |row: &Spent| {
        let name = row
            .owner
            .names
            .first()
            .filter(|_| row.owner.of == "stage")?;
        let stage = stages.iter().position(|stage| stage.name == *name)?;
        links.stage(StageIndex::from(stage))
    };
    let all: Vec<(String, Option<String>, Vec<Bar>)> = spent(history)
        .iter()
        .map(|row| {
            let owner = format!("{} {}", row.owner.of, row.owner.names.join(" → "));
            (owner, link_of(row), bars(row))
        })
        .filter(|(.., bars)| !bars.is_empty())
        .collect();
    let rows = &all[..all.len().min(MOST)];
    if rows.is_empty() {
        return None;
    }
    let shares = || {
        rows.iter()
            .flat_map(|(.., bars)| bars)
            .map(|bar| 100.0 * bar.share)
    };
    let mut svg = Svg::new();
    let kinds = [
        ("trials", "s0"),
        ("processor time", "s1"),
        ("wall time", "over s2"),
    ];
    let used = |name: &str| {
        rows.iter()
            .any(|(.., bars)| bars.iter().any(|bar| bar.name == name))
    };
    let entries: Vec<(Sample, String)> = kinds
        .iter()
        .filter(|(name, _)| used(name))
        .map(|(name, class)| (Sample::Box(class), (*name).to_owned()))
        .collect();
    let head = legend(&mut svg, (8.0, 0.0), 692.0, &entries);
    let count: usize = rows.iter().map(|(.., bars)| bars.len()).sum();
    let frame = Frame {
        left: 220.0,
        top: head + 8.0,
        right: 540.0,
        bottom: head + 8.0 + ROW * count as f64 + 8.0 * rows.len() as f64,
    };
    let x = Axis::from_zero(shares().chain([100.0]), frame.across(), 6)?;
    frame.draw_x(&mut svg, &x, "spent of the budget (%)");
    let mut y = frame.top + 4.0;
    for (owner, link, bars) in rows {
        svg.words(
            (frame.left - 10.0, y + 13.0),
            "end",
            "strong",
            &shortened(owner, 30),
        );
        for bar in bars {
            let title = format!("{owner}: {}", bar.told);
            let mut inner = Svg::new();
            let full = x.place(100.0);
            rectangle(
                &mut inner,
                "track",
                (frame.left, y + 4.0),
                (full - frame.left, 11.0),
            );
            let end = x.place(100.0 * bar.share);
            rectangle(
                &mut inner,
                bar.class,
                (frame.left, y + 4.0),
                (end - frame.left, 11.0),
            );
            inner.words((frame.right + 8.0, y + 13.0), "start", "small", &bar.words);
            linked(&mut svg, link.as_deref(), &title, &inner.into_text());
            y += ROW;
        }
        y += 8.0;
    }
    let full = x.place(100.0);
    line(&mut svg, "base", (full, frame.top), (full, frame.bottom));
    let told: Vec<String> = rows[0].2.iter().map(|bar| bar.told.clone()).collect();
    let description = format!("{} spent {}.", rows[0].0, told.join(", "));
    Some(Figure::new(
        "Budgets",
        description,
        (700.0, frame.bottom + 42.0),
        svg,
    ))
}

/// Those of its budgets that have a limit.
fn bars(row: &Spent) -> Vec<Bar> {
    let share = |spent: f64, limit: f64| match limit > 0.0 {
        true => spent / limit,
        false => 0.0,
    };
    let trials = row.trials_limit.map(|limit| Bar {
        name: "trials",
        class: "s0",
        share: share(row.trials as f64, f64::from(limit)),
        words: format!("{} of {limit}", row.trials),
        told: format!("{} of {limit} trials", row.trials),
    });
    let seconds = |name, class, spent: Option<f64>, limit: Option<f64>| {
        let (spent, limit) = (spent?, limit?);
        let words = format!("{} of {}", seconds_text(spent), seconds_text(limit));
        Some(Bar {
            name,
            class,
            share: share(spent, limit),
            told: format!("{words} of {name}"),
            words,
        })
    };
    let processor = seconds("processor time", "s1", Some(row.cpu_s), row.cpu_limit_s);
    let wall = seconds("wall time", "over s2", row.wall_s, row.wall_limit_s);
    [trials, processor, wall].into_iter().flatten().collect()
}
