//! What ran when, and on which worker.

use std::collections::{BTreeMap, BTreeSet};

use noodle2_model::StageIndex;

use crate::chart::axis::{Axis, Scaled};
use crate::chart::clock::{Execution, Purpose, RunClock, executions};
use crate::chart::figure::{Figure, Links};
use crate::chart::frame::{
    Frame, Sample, cross_on_bar, legend, line, notes, pixels, rectangle, shortened,
};
use crate::chart::marks::linked;
use crate::svg::Svg;
use crate::{History, count_text, seconds_text};

/// How many attempts are drawn one by one.
const MOST: usize = 2000;

/// What is narrower is drawn as part of how busy its lane was, in pixels, once there are more attempts than [`MOST`].
const NARROW: f64 = 0.5;

/// How many lanes and how many stages have a row of their own.
const MOST_LANES: usize = 128;

/// A lane: a worker that is known by its number, or one that is made up so that no two attempts lie upon each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Lane {
    Worker(u32),
    Packed(usize),
}

impl Lane {
    fn name(self) -> String {
        match self {
            Self::Worker(number) => format!("worker {}", number + 1),
            Self::Packed(number) => format!("lane {}", number + 1),
        }
    }
}

/// The lane of each attempt. Attempts whose worker is not known are put into the first lane that is free.
fn lanes_of(executions: &[Execution]) -> Vec<Lane> {
    let mut order: Vec<usize> = (0..executions.len()).collect();
    order.sort_by(|left, right| {
        executions[*left]
            .began_s
            .total_cmp(&executions[*right].began_s)
    });
    let mut free_from: Vec<f64> = Vec::new();
    let mut lanes = vec![Lane::Packed(0); executions.len()];
    for position in order {
        let execution = &executions[position];
        if let Some(worker) = execution.worker {
            lanes[position] = Lane::Worker(worker);
            continue;
        }
        let free = free_from
            .iter()
            .position(|from| *from <= execution.began_s + 1e-9);
        let lane = free.unwrap_or(free_from.len());
        if lane == free_from.len() {
            free_from.push(0.0);
        }
        free_from[lane] = execution.ended_s;
        lanes[position] = Lane::Packed(lane);
    }
    lanes
}

/// Places of seconds of a run, with room where it paused.
struct Across {
    axis: Axis,
    factor: f64,
    gap: f64,
    pauses: Vec<f64>,
}

impl Across {
    fn starts(&self, seconds: f64) -> f64 {
        let before = self
            .pauses
            .iter()
            .filter(|pause| **pause <= seconds + 1e-6)
            .count();
        self.axis.place(seconds / self.factor) + self.gap * before as f64
    }

    fn ends(&self, seconds: f64) -> f64 {
        let before = self
            .pauses
            .iter()
            .filter(|pause| **pause < seconds - 1e-6)
            .count();
        self.axis.place(seconds / self.factor) + self.gap * before as f64
    }
}

/// The attempts of a run by worker over time, below the stages; `None` before anything has started.
///
/// Waiting for a worker of a cluster is a dashed line, the time of the attempt's own commands a filled bar, all other time between its
/// start and its end an outlined one: how long it was is measured, where in the attempt it lay is not. Pauses are
/// gaps: nothing of them counts as time of the run.
pub fn timeline(history: &History, links: &dyn Links) -> Option<Figure> {
    let executions = executions(history);
    let clock = RunClock::of(history)?;
    if executions.is_empty() {
        return None;
    }
    let longest = executions
        .iter()
        .map(|execution| execution.ended_s)
        .fold(history.makespan_s(), f64::max);
    let time = Scaled::of_seconds(longest);
    let lanes = lanes_of(&executions);
    let names: Vec<Lane> = BTreeSet::from_iter(lanes.iter().copied())
        .into_iter()
        .take(MOST_LANES)
        .collect();
    let row_of: BTreeMap<Lane, usize> = names
        .iter()
        .enumerate()
        .map(|(row, lane)| (*lane, row))
        .collect();
    let stages = stage_bands(history, &clock, longest);
    let pauses: Vec<f64> = clock.pauses().map(|(at, _)| at).collect();

    let mut svg = Svg::new();
    let mut entries: Vec<(Sample, String)> = Purpose::ALL
        .into_iter()
        .filter(|purpose| {
            executions
                .iter()
                .any(|execution| execution.purpose == *purpose)
        })
        .map(|purpose| (Sample::Box(class_of(purpose)), purpose.name().to_owned()))
        .collect();
    entries.push((Sample::Box("s0 over"), "overhead".to_owned()));
    let waits = executions
        .iter()
        .any(|execution| execution.began_s > execution.ordered_s + 1e-6);
    if waits {
        entries.push((Sample::Line("wait"), "waiting".to_owned()));
    }
    if executions
        .iter()
        .any(|execution| execution.failure.is_some())
    {
        entries.push((Sample::Cross, "failed".to_owned()));
    }
    let head = legend(&mut svg, (8.0, 0.0), 892.0, &entries);
    let band = (220.0 / stages.len().max(1) as f64).clamp(3.0, 16.0);
    let row = (440.0 / names.len() as f64).clamp(4.0, 20.0);
    let bands_top = head + 10.0;
    let top = bands_top + band * stages.len() as f64 + 10.0;
    let frame = Frame {
        left: 110.0,
        top,
        right: 880.0,
        bottom: top + row * names.len() as f64,
    };
    let gap = match pauses.len() {
        0 => 0.0,
        count => (160.0 / count as f64).min(18.0),
    };
    let room = frame.right - gap * pauses.len() as f64;
    let across = Across {
        axis: Axis::from_zero([longest / time.factor], (frame.left, room), 9)?,
        factor: time.factor,
        gap,
        pauses,
    };
    for (tick, text) in across.axis.ticks() {
        let x = across.ends(tick * time.factor);
        line(&mut svg, "rule", (x, bands_top), (x, frame.bottom));
        svg.words((x, frame.bottom + 15.0), "middle", "tick x", &text);
    }
    let middle = (frame.left + frame.right) / 2.0;
    svg.words(
        (middle, frame.bottom + 32.0),
        "middle",
        "label",
        &time.label("time of the run"),
    );
    for (number, (at, pause)) in clock.pauses().enumerate() {
        let left = across.axis.place(at / time.factor) + gap * number as f64;
        let why = match pause.for_people {
            true => "waited for people",
            false => "nobody worked on the run",
        };
        let title = format!("{why} for {}", seconds_text(pause.seconds()));
        let mut inner = Svg::new();
        let (from, until) = (left + 1.0, left + gap - 1.0);
        rectangle(
            &mut inner,
            "track",
            (from, bands_top),
            (until - from, frame.bottom - bands_top),
        );
        line(&mut inner, "base", (from, bands_top), (from, frame.bottom));
        line(
            &mut inner,
            "base",
            (until, bands_top),
            (until, frame.bottom),
        );
        linked(&mut svg, None, &title, &inner.into_text());
    }
    for (number, stage) in stages.iter().enumerate() {
        let y = bands_top + band * number as f64;
        let (left, right) = (across.starts(stage.from_s), across.ends(stage.until_s));
        let mut inner = Svg::new();
        rectangle(
            &mut inner,
            "solid",
            (left, y + 1.0),
            ((right - left).max(1.0), (band - 2.0).max(1.0)),
        );
        if band >= 11.0 {
            inner.words(
                (frame.left - 8.0, y + band / 2.0 + 4.0),
                "end",
                "small",
                &shortened(&stage.name, 16),
            );
        }
        let title = format!(
            "stage {}: {} to {}",
            stage.name,
            seconds_text(stage.from_s),
            seconds_text(stage.until_s)
        );
        linked(
            &mut svg,
            links.stage(stage.index).as_deref(),
            &title,
            &inner.into_text(),
        );
    }
    line(
        &mut svg,
        "axis",
        (frame.left, frame.top - 5.0),
        (frame.right, frame.top - 5.0),
    );
    let every = (11.0 / row).ceil() as usize;
    for (number, lane) in names.iter().enumerate() {
        let y = frame.top + row * number as f64;
        if number % every == 0 {
            svg.words(
                (frame.left - 8.0, y + row / 2.0 + 4.0),
                "end",
                "small",
                &lane.name(),
            );
        }
    }

    let width_of =
        |execution: &Execution| across.ends(execution.ended_s) - across.starts(execution.ordered_s);
    let threshold = narrowest_drawn(executions.iter().map(width_of).collect());
    let mut folded: BTreeMap<usize, Vec<&Execution>> = BTreeMap::new();
    for (execution, lane) in executions.iter().zip(&lanes) {
        let Some(number) = row_of.get(lane) else {
            continue;
        };
        if threshold.is_some_and(|threshold| width_of(execution) < threshold) {
            folded.entry(*number).or_default().push(execution);
            continue;
        }
        let y = frame.top + row * *number as f64;
        draw(&mut svg, &across, execution, lane.name(), (y, row), links);
    }
    let folded_count: usize = folded.values().map(Vec::len).sum();
    for (number, executions) in &folded {
        let y = frame.top + row * *number as f64;
        draw_density(
            &mut svg,
            &across,
            executions,
            &names[*number].name(),
            (y, row),
            names.len(),
        );
    }

    let mut remarks = Vec::new();
    if lanes.iter().any(|lane| matches!(lane, Lane::Packed(_))) {
        remarks.push("Which worker an attempt ran on is not known for all: such attempts lie in the first lane that is free.".to_owned());
    }
    if folded_count > 0 {
        remarks.push(format!(
            "{} narrower than the rest are drawn as how busy their lane was.",
            count_text(folded_count, "attempt")
        ));
    }
    let all = BTreeSet::from_iter(lanes.iter().copied()).len();
    if all > names.len() {
        remarks.push(format!("{} more lanes are not drawn.", all - names.len()));
    }
    let foot = notes(&mut svg, (8.0, frame.bottom + 38.0), &remarks);
    let busy: f64 = executions
        .iter()
        .map(|execution| execution.ended_s - execution.began_s)
        .sum();
    let failed = executions
        .iter()
        .filter(|execution| execution.failure.is_some())
        .count();
    let paused = match clock.pauses().count() {
        0 => String::new(),
        count => format!(", with {}", count_text(count, "pause")),
    };
    let description = format!(
        "{} in {all} lanes over {}{paused}; {failed} failed. On the mean {:.1} ran at one instant, at most {} at once had a trial running.",
        count_text(executions.len(), "attempt"),
        seconds_text(longest),
        busy / longest.max(1e-9),
        count_text(history.peak_concurrent_stages(), "stage"),
    );
    Some(Figure::new(
        "Timeline of attempts",
        description,
        (900.0, frame.bottom + 44.0 + foot),
        svg,
    ))
}

/// A stage with its time.
struct Band {
    index: StageIndex,
    name: String,
    from_s: f64,
    until_s: f64,
}

fn stage_bands(history: &History, clock: &RunClock, longest: f64) -> Vec<Band> {
    let stages = &history.controller().program().study().stages;
    let bands = stages.iter().enumerate().filter_map(|(position, stage)| {
        let index = StageIndex::from(position);
        let (started, ended) = history.stage_times(index);
        Some(Band {
            index,
            name: stage.name.clone(),
            from_s: clock.seconds(started?),
            until_s: ended.map_or(longest, |ended| clock.seconds(ended)),
        })
    });
    bands.take(MOST_LANES).collect()
}

const fn class_of(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Trial => "s0",
        Purpose::Confirmation => "s2",
        Purpose::Repeat => "s3",
        Purpose::Base => "ink",
    }
}

/// How much of its row a bar takes: what serves to check is lower than what derives, so that they differ in grey too.
const fn height_of(purpose: Purpose) -> f64 {
    match purpose {
        Purpose::Trial | Purpose::Base => 0.8,
        Purpose::Confirmation => 0.5,
        Purpose::Repeat => 0.3,
    }
}

fn draw(
    svg: &mut Svg,
    across: &Across,
    execution: &Execution,
    lane: String,
    (top, row): (f64, f64),
    links: &dyn Links,
) {
    let ended = across.ends(execution.ended_s);
    // What began and was lost at the very moment of a pause lies before it.
    let began = across.starts(execution.began_s).min(ended);
    let ordered = across.starts(execution.ordered_s).min(began);
    let whole = (execution.ended_s - execution.began_s).max(0.0);
    let worked = execution.worked_s.unwrap_or(whole).clamp(0.0, whole);
    let height = row * height_of(execution.purpose);
    let (y, middle) = (top + (row - height) / 2.0, top + row / 2.0);
    let class = class_of(execution.purpose);
    let mut inner = Svg::new();
    if began - ordered > NARROW {
        line(&mut inner, "wait", (ordered, middle), (began, middle));
    }
    let width = (ended - began).max(NARROW);
    let share = if whole > 0.0 { worked / whole } else { 1.0 };
    rectangle(&mut inner, class, (began, y), (width * share, height));
    if width * (1.0 - share) > 1.0 {
        let over = format!("{class} over");
        rectangle(
            &mut inner,
            &over,
            (began + width * share, y + 0.5),
            (width * (1.0 - share) - 0.5, height - 1.0),
        );
    }
    if execution.failure.is_some() {
        let reach = (row * 0.3).min(4.0);
        cross_on_bar(&mut inner, ((began + ended) / 2.0, middle), reach);
    }
    let waited = execution.began_s - execution.ordered_s;
    let result = match execution.failure {
        Some(class) => format!(", {class}"),
        None if execution.known => ", known, not run".to_owned(),
        None if !execution.has_ended => ", running".to_owned(),
        None => String::new(),
    };
    let waiting = match waited > 1e-6 {
        true => format!("waited {}, ", seconds_text(waited)),
        false => String::new(),
    };
    let commands = match execution.worked_s {
        Some(_) => format!(", {} of it in its commands", seconds_text(worked)),
        None => String::new(),
    };
    let title = format!(
        "{} {} on {lane}: {waiting}{} from {}{commands}{result}",
        execution.purpose.name(),
        execution.attempt,
        seconds_text(whole),
        seconds_text(execution.began_s),
    );
    let link = links.trial(execution.attempt.trial);
    linked(svg, link.as_deref(), &title, &inner.into_text());
}

/// The least width of what is drawn one by one, in pixels; `None` where all are.
fn narrowest_drawn(mut widths: Vec<f64>) -> Option<f64> {
    if widths.len() <= MOST {
        return None;
    }
    widths.sort_by(|left, right| right.total_cmp(left));
    // Wider than the last that there is room for: what is as wide as that is told by density too.
    Some(widths[MOST].next_up().max(NARROW))
}

/// Draws how busy a lane was with attempts that are too narrow, as the height of an area, and where any failed.
fn draw_density(
    svg: &mut Svg,
    across: &Across,
    executions: &[&Execution],
    lane: &str,
    (top, row): (f64, f64),
    lanes: usize,
) {
    // A figure has room for so many columns in all.
    let width = (lanes as f64 * 770.0 / 24_000.0).max(1.0);
    let column = |x: f64| (x / width).floor() as i64;
    let mut busy: BTreeMap<i64, f64> = BTreeMap::new();
    let mut failed: BTreeSet<i64> = BTreeSet::new();
    for execution in executions {
        let (from, until) = (
            across.starts(execution.began_s),
            across.ends(execution.ended_s),
        );
        for column in column(from)..=column(until) {
            let (left, right) = (column as f64 * width, (column + 1) as f64 * width);
            *busy.entry(column).or_default() +=
                (until.min(right) - from.max(left)).max(0.0) / width;
        }
        if execution.failure.is_some() {
            failed.insert(column((from + until) / 2.0));
        }
    }
    let bottom = top + row * 0.9;
    let mut path = String::new();
    let mut last: Option<(i64, String)> = None;
    for (column, share) in &busy {
        let level = pixels(bottom - share.clamp(0.0, 1.0) * row * 0.8);
        match &last {
            Some((before, same)) if before + 1 == *column && *same == level => {}
            Some((before, _)) if before + 1 == *column => {
                path += &format!("H{}V{level}", pixels(*column as f64 * width))
            }
            before => {
                if let Some((before, _)) = before {
                    path += &format!(
                        "H{}V{}",
                        pixels((before + 1) as f64 * width),
                        pixels(bottom)
                    );
                }
                path += &format!(
                    "M{} {}V{level}",
                    pixels(*column as f64 * width),
                    pixels(bottom)
                );
            }
        }
        last = Some((*column, level));
    }
    if let Some((column, _)) = last {
        path += &format!(
            "H{}V{}",
            pixels((column + 1) as f64 * width),
            pixels(bottom)
        );
    }
    let mut elements = format!("<path class=\"s0 density\" d=\"{path}\"/>");
    if !failed.is_empty() {
        let ticks = failed.iter().map(|column| {
            format!(
                "M{} {}v{}",
                pixels((*column as f64 + 0.5) * width),
                pixels(top),
                pixels(row * 0.3)
            )
        });
        elements += &format!("<path class=\"bad\" d=\"{}\"/>", ticks.collect::<String>());
    }
    let failures = executions
        .iter()
        .filter(|execution| execution.failure.is_some())
        .count();
    let title = format!(
        "{lane}: {}, {failures} of them failed",
        count_text(executions.len(), "narrow attempt")
    );
    linked(svg, None, &title, &elements);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn execution(began_s: f64, seconds: f64, worker: Option<u32>) -> Execution {
        Execution {
            attempt: noodle2_model::AttemptId {
                trial: noodle2_model::TrialId::BASE,
                number: 1,
            },
            purpose: Purpose::Trial,
            ordered_s: began_s,
            began_s,
            ended_s: began_s + seconds,
            has_ended: true,
            worked_s: None,
            failure: None,
            worker,
            known: false,
        }
    }

    proptest! {
        #[test]
        fn no_two_attempts_of_a_lane_run_at_once(spans in proptest::collection::vec((0.0..50.0_f64, 0.1..9.0_f64), 1..60)) {
            let executions: Vec<Execution> =
                spans.iter().map(|(began, seconds)| execution(*began, *seconds, None)).collect();
            let lanes = lanes_of(&executions);
            let most_at_once = executions.iter().map(|one| {
                executions.iter().filter(|other| other.began_s <= one.began_s && one.began_s < other.ended_s).count()
            }).max().unwrap();
            prop_assert_eq!(BTreeSet::from_iter(&lanes).len(), most_at_once);
            for (left, one) in executions.iter().enumerate() {
                for (right, other) in executions.iter().enumerate().skip(left + 1) {
                    let apart = one.ended_s <= other.began_s + 1e-9 || other.ended_s <= one.began_s + 1e-9;
                    prop_assert!(lanes[left] != lanes[right] || apart);
                }
            }
        }
    }

    #[test]
    fn a_worker_that_is_known_keeps_its_lane() {
        let lanes = lanes_of(&[execution(0.0, 1.0, Some(3)), execution(2.0, 1.0, None)]);
        assert_eq!(lanes, [Lane::Worker(3), Lane::Packed(0)]);
    }
}
