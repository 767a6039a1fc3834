//! The screen of a run that goes on: lines with meanings, for a terminal of any size.
//!
//! A pure function of a run's state, the columns and rows of the terminal and the characters that it knows. Never puts
//! anything on a terminal, never reads a clock, and never tells by colour alone.

mod bar;
mod graph;
mod line;

pub use line::{Charset, Line, Span, Tone};

use jiff::Timestamp;
use noodle2_control::Controller;
use noodle2_model::{Direction, StageIndex};

use self::bar::{bar, sparkline};
use self::graph::{Lane, lanes};
use self::line::flow;
use crate::{
    Progress, Pulse, StageProgress, StageStatus, SummaryStatus, count_text, gain_text, metric_text,
    seconds_text,
};

/// How many values of its course the best one is shown with.
const COURSE: usize = 24;

/// Everything that the screen of a run shows.
#[derive(Debug, Clone, PartialEq)]
pub struct Screen {
    /// The study's name.
    pub study: String,
    /// Where the run and its stages stand.
    pub progress: Progress,
    /// The stages, each behind all that it starts from.
    pub order: Vec<usize>,
    /// By stage, those that start from it.
    pub followers: Vec<Vec<usize>>,
    /// Seconds of work so far.
    pub worked_s: f64,
    /// Trials a minute; `None` where that is not known.
    pub per_minute: Option<f64>,
    /// The best value so far at equal parts of the trials that ended, the oldest first.
    pub course: Vec<f64>,
    /// Attempts on an engine that was loaded already.
    pub warm: usize,
    /// Attempts on an engine that was started for them.
    pub cold: usize,
    /// Attempts that were not run, since their results were known.
    pub known: usize,
    /// Attempts that run now.
    pub busy: usize,
    /// Workers that are there; `None` where that is not known.
    pub workers: Option<u32>,
    /// Whether it was asked to stop, and waits for what runs.
    pub is_stopping: bool,
    /// Where the cluster that works on it can be watched.
    pub dashboard: Option<String>,
    /// The stages that wait for people, each with the command that approves it.
    pub asks: Vec<(String, String)>,
}

impl Screen {
    /// What the screen of a run shows that stands like this; `called` is what the run is called in a shell. `now` is
    /// `None` where nobody works on it.
    pub fn new(
        controller: &Controller,
        pulse: &Pulse,
        status: SummaryStatus,
        now: Option<Timestamp>,
        called: &str,
    ) -> Self {
        let dag = controller.program().dag();
        let positions = |stages: &[StageIndex]| -> Vec<usize> {
            stages.iter().map(|stage| stage.position()).collect()
        };
        let asks = controller.open_approvals().map(|stage| {
            let name = &controller.program().stage(stage).name;
            let command = format!("noodle2 approve {called} {name} --by NAME");
            (name.clone(), command)
        });
        Self {
            study: controller.program().study().name.to_string(),
            progress: Progress::new(controller, status),
            order: positions(dag.topological_order()),
            followers: (0..controller.stages().len())
                .map(|stage| positions(dag.dependents(StageIndex::from(stage))))
                .collect(),
            worked_s: pulse.worked_s(now),
            per_minute: pulse
                .per_minute(now)
                .filter(|_| status == SummaryStatus::Running),
            course: pulse.course(COURSE),
            warm: pulse.warm(),
            cold: pulse.cold(),
            known: pulse.known(),
            busy: match now {
                Some(_) => controller.running_attempts().len(),
                None => 0,
            },
            workers: pulse.workers(),
            is_stopping: status == SummaryStatus::Running && controller.stop_cause().is_some(),
            dashboard: pulse.dashboard().map(str::to_owned),
            asks: match status.has_ended() {
                true => Vec::new(),
                false => asks.collect(),
            },
        }
    }

    /// Seconds until the end, if all trials that may still come are run at the pace of the latest ones. `None` where no
    /// pace is known.
    pub fn remaining_s(&self) -> Option<f64> {
        let rest = self.progress.total.saturating_sub(self.progress.done);
        let pace = self.per_minute.filter(|pace| *pace > 0.0)?;
        (rest > 0).then(|| 60.0 * rest as f64 / pace)
    }

    /// The screen in so many columns and rows at most. Where rows are few, the stages that are worked on come first.
    pub fn lines(&self, width: usize, height: usize, charset: Charset) -> Vec<Line> {
        let graph = self.graph(width, charset);
        // From what can be missed last to what can be missed first.
        let head = self.head(width, charset);
        let asks = self.asks(width);
        let best = flow(self.best(width, charset), width);
        let failures = flow(self.failures(), width);
        let place = self.place(width);
        let parts = [&head, &asks, &best, &failures, &place];
        let mut kept = [true; 5];
        let rows = |kept: &[bool; 5]| -> usize {
            let parts = parts.iter().zip(kept).filter(|(_, kept)| **kept);
            parts.map(|(part, _)| part.len()).sum()
        };
        // The whole graph is worth more than what stands around it; a list of stages is not.
        let wanted = match graph.len() + rows(&[true, true, true, false, false]) <= height {
            true => graph.len(),
            false => self.progress.stages.len().min(4),
        };
        for part in (1..kept.len()).rev() {
            if rows(&kept) + wanted > height {
                kept[part] = false;
            }
        }
        let left = height.saturating_sub(rows(&kept));
        let stages = match graph.len() <= left && !graph.is_empty() {
            true => graph,
            false => self.list(left, width, charset),
        };
        let is_roomy = left >= stages.len() + 2;
        let gap = || is_roomy.then(Line::default);
        let [head, asks, best, failures, place] = [head, asks, best, failures, place];
        let mut lines = head;
        lines.extend(kept[2].then_some(best).into_iter().flatten());
        lines.extend(gap());
        lines.extend(stages);
        lines.extend(gap());
        lines.extend(kept[3].then_some(failures).into_iter().flatten());
        lines.extend(kept[4].then_some(place).into_iter().flatten());
        lines.extend(kept[1].then_some(asks).into_iter().flatten());
        lines.truncate(height);
        let fitting = lines.into_iter().map(|line| line.fit(width, charset));
        fitting.collect()
    }

    /// What is run, how it stands, how far it is, and how long that takes.
    fn head(&self, width: usize, charset: Charset) -> Vec<Line> {
        let status = self.progress.status;
        let tone = match status {
            SummaryStatus::Running => Tone::Busy,
            SummaryStatus::Completed => Tone::Good,
            SummaryStatus::Waiting | SummaryStatus::Interrupted => Tone::Attention,
            SummaryStatus::Blocked | SummaryStatus::Stopped => Tone::Bad,
        };
        let standing = match self.is_stopping {
            true => "stops when what runs has ended".to_owned(),
            false => status.to_string(),
        };
        let title = Line::default()
            .with(Tone::Strong, &self.study)
            .with(Tone::Plain, ": ")
            .with(tone, standing);
        let mut time = seconds_text(self.worked_s);
        let goes_on = status == SummaryStatus::Running && !self.is_stopping;
        if goes_on && self.progress.done < self.progress.total {
            time += &match self.remaining_s() {
                Some(seconds) => format!(", about {} left", seconds_text(seconds)),
                None => ", time left unknown".to_owned(),
            };
        }
        let (done, total) = (self.progress.done, self.progress.total);
        let running: usize = (self.progress.stages.iter())
            .map(|stage| stage.running)
            .sum();
        let mut parts = Vec::new();
        if width >= 48 {
            let columns = (width / 4).clamp(10, 30);
            parts.push(painted(bar(done, running, total, columns, charset)));
        }
        parts.push(Line::default().with(
            Tone::Plain,
            format!("{done} of {}", count_text(total, "trial")),
        ));
        if let Some(pace) = self.per_minute {
            parts.push(Line::default().with(Tone::Plain, format!("{pace:.1}/min")));
        }
        if let Some(workers) = self.workers
            && !status.has_ended()
        {
            let text = format!(
                "{} of {} busy",
                self.busy,
                count_text(workers as usize, "worker")
            );
            parts.push(Line::default().with(Tone::Plain, text));
        }
        let mut lines = flow(vec![title, Line::default().with(Tone::Faint, time)], width);
        lines.extend(flow(parts, width));
        lines
    }

    /// The best value so far, where it comes from, and how it came about.
    fn best(&self, width: usize, charset: Charset) -> Vec<Line> {
        let (Some(metric), Some(base)) = (self.progress.metric, self.progress.base) else {
            return Vec::new();
        };
        let best = self.progress.best;
        let plain = |text: String| Line::default().with(Tone::Plain, text);
        let mut parts = vec![
            Line::default()
                .with(Tone::Plain, format!("best {metric} "))
                .with(Tone::Strong, metric_text(metric, best)),
            plain(format!("base {}", metric_text(metric, Some(base)))),
        ];
        if best.is_some_and(|best| best != base) {
            parts.push(plain(gain_text(metric, Some(base), best)));
        }
        let spark = sparkline(
            &self.course,
            metric.direction() == Direction::Higher,
            charset,
        );
        if !spark.is_empty() && width >= 56 {
            parts.push(Line::default().with(Tone::Good, spark));
        }
        if let Some(case) = &self.progress.best_case
            && best != Some(base)
        {
            parts.push(Line::default().with(Tone::Faint, format!("in {case}")));
        }
        parts
    }

    /// How many trials failed, by kind, and how attempts got their engine.
    fn failures(&self) -> Vec<Line> {
        let mut kinds: Vec<_> = self.progress.failures.iter().collect();
        kinds.sort_by_key(|(class, count)| (std::cmp::Reverse(**count), class.name()));
        let kinds: Vec<String> = (kinds.iter())
            .map(|(class, count)| format!("{count} {class}"))
            .collect();
        let failed = match kinds.is_empty() {
            true => Line::default().with(Tone::Faint, "no failures"),
            false => Line::default()
                .with(Tone::Bad, "failed: ")
                .with(Tone::Plain, kinds.join(", ")),
        };
        let starts = [
            (self.warm, "warm"),
            (self.cold, "cold"),
            (self.known, "cached"),
        ];
        let starts = starts.map(|(count, how)| format!("{count} {how}"));
        let starts = format!("attempts: {}", starts.join(", "));
        vec![failed, Line::default().with(Tone::Faint, starts)]
    }

    /// Where it can be watched elsewhere.
    fn place(&self, width: usize) -> Vec<Line> {
        let address = self.dashboard.iter();
        let parts = address.map(|address| {
            let text = format!("dashboard {address}");
            Line::default().with(Tone::Faint, text)
        });
        flow(parts.collect(), width)
    }

    fn asks(&self, width: usize) -> Vec<Line> {
        let ask = |(stage, command): &(String, String)| {
            let what = Line::default().with(Tone::Attention, format!("approve {stage}:"));
            flow(
                vec![what, Line::default().with(Tone::Strong, command)],
                width,
            )
        };
        self.asks.iter().flat_map(ask).collect()
    }

    /// The stages as a graph; nothing where that would leave too little for what is said of them.
    fn graph(&self, width: usize, charset: Charset) -> Vec<Line> {
        let lanes = lanes(&self.order, &self.followers, charset);
        let columns = |lane: &Lane| {
            let glyph = usize::from(lane.stage.is_some());
            lane.before.chars().count() + glyph + lane.after.chars().count()
        };
        let indent = lanes.iter().map(columns).max().unwrap_or(0) + 2;
        if indent > width / 3 {
            return Vec::new();
        }
        let row = |lane: &Lane| {
            let line = Line::default().with(Tone::Faint, &lane.before);
            match lane.stage {
                None => line,
                Some(position) => {
                    let stage = &self.progress.stages[position];
                    let line = line
                        .with(tone(stage.status), glyph(stage.status, charset))
                        .with(Tone::Faint, &lane.after);
                    self.stage(line, indent, position, width, charset)
                }
            }
        };
        lanes.iter().map(row).collect()
    }

    /// As many stages as there are rows: what is worked on first, then what will be, then what has ended; and what is
    /// not shown in one row.
    fn list(&self, rows: usize, width: usize, charset: Charset) -> Vec<Line> {
        let mut positions: Vec<usize> = self.order.clone();
        let mut left_out = Vec::new();
        if positions.len() > rows {
            positions.sort_by_key(|position| urgency(self.progress.stages[*position].status));
            left_out = positions.split_off(rows.saturating_sub(1));
            positions.sort_by_key(|position| self.order.iter().position(|other| other == position));
        }
        let row = |position: &usize| {
            let status = self.progress.stages[*position].status;
            let line = Line::default().with(tone(status), glyph(status, charset));
            self.stage(line, 2, *position, width, charset)
        };
        let mut lines: Vec<Line> = positions.iter().map(row).collect();
        if !left_out.is_empty() {
            let mut counts: Vec<(StageStatus, usize)> = Vec::new();
            for position in &left_out {
                let status = self.progress.stages[*position].status;
                match counts.iter_mut().find(|(other, _)| *other == status) {
                    Some((_, count)) => *count += 1,
                    None => counts.push((status, 1)),
                }
            }
            let counts: Vec<String> = (counts.iter())
                .map(|(status, count)| format!("{count} {status}"))
                .collect();
            let mark = match charset {
                Charset::Unicode => "…",
                Charset::Ascii => "...",
            };
            let text = format!("{mark} and {} more: {}", left_out.len(), counts.join(", "));
            lines.push(Line::default().with(Tone::Faint, text));
        }
        lines
    }

    /// What is said of a stage, in columns that are the same for all.
    fn stage(
        &self,
        line: Line,
        indent: usize,
        position: usize,
        width: usize,
        charset: Charset,
    ) -> Line {
        let stages = &self.progress.stages;
        let stage = &stages[position];
        let longest = |text: &dyn Fn(&StageProgress) -> String| {
            let widths = stages.iter().map(|stage| text(stage).chars().count());
            widths.max().unwrap_or(0)
        };
        let names = longest(&|stage| stage.name.clone()).min((width / 4).clamp(8, 28));
        let count = |stage: &StageProgress| format!("{}/{}", stage.done, stage.total);
        let counts = longest(&count);
        let bars = match width {
            0..56 => 0,
            56..100 => 10,
            _ => 20,
        };
        let name = Line::default().with(Tone::Plain, &stage.name);
        let tone_of_name = match stage.status {
            StageStatus::Running => Tone::Strong,
            _ => Tone::Plain,
        };
        let mut line = line.at(indent, tone_of_name, name.fit(names, charset).text());
        let mut column = indent + names + 2;
        if bars > 0 {
            let bar = painted(bar(stage.done, stage.running, stage.total, bars, charset));
            line = line.at(column, Tone::Plain, "");
            line.spans.extend(bar.spans);
            column += bars + 1;
        }
        let count = count(stage);
        let right = counts - count.chars().count();
        line = line.at(column + right, Tone::Plain, count);
        column += counts + 2;
        line = line.at(column, tone(stage.status), self.state(position));
        line = match (stage.failed, stage.status) {
            (0, _) => line,
            (failed, StageStatus::Failed) => {
                line.with(Tone::Bad, format!(" ({})", count_text(failed, "trial")))
            }
            (failed, _) => line.with(Tone::Bad, format!(", {failed} failed")),
        };
        if let Some((metric, value)) = stage.best {
            let value = metric_text(metric, Some(value));
            let text = match Some(metric) == self.progress.metric {
                true => format!("best {value}"),
                false => format!("best {metric} {value}"),
            };
            let start = (width.saturating_sub(text.chars().count())).max(column + 24);
            if start + text.chars().count() <= width && line.width() + 2 <= start {
                line = line.at(start, Tone::Plain, text);
            }
        }
        line
    }

    /// How a stage stands, and of one that waits what for.
    fn state(&self, position: usize) -> String {
        let stage = &self.progress.stages[position];
        match stage.status {
            StageStatus::Running if stage.running > 0 => format!("{} running", stage.running),
            StageStatus::Waiting => {
                let stages = self.progress.stages.iter().zip(&self.followers);
                let before = stages.filter(|(other, followers)| {
                    followers.contains(&position) && !other.status.has_ended()
                });
                let names: Vec<&str> = before.map(|(other, _)| other.name.as_str()).collect();
                match names.is_empty() {
                    true => "waiting".to_owned(),
                    false => format!("waits for {}", names.join(", ")),
                }
            }
            status => status.to_string(),
        }
    }
}

fn painted([done, running, rest]: [String; 3]) -> Line {
    Line::default()
        .with(Tone::Good, done)
        .with(Tone::Busy, running)
        .with(Tone::Faint, rest)
}

/// The sign of a stage that stands like this.
fn glyph(status: StageStatus, charset: Charset) -> &'static str {
    let (unicode, ascii) = match status {
        StageStatus::Waiting => ("○", "o"),
        StageStatus::AwaitingApproval => ("?", "?"),
        StageStatus::Running => ("●", "*"),
        StageStatus::Interrupted => ("!", "!"),
        StageStatus::Completed => ("✓", "v"),
        StageStatus::Failed => ("✗", "x"),
        StageStatus::Skipped => ("-", "-"),
        StageStatus::Stopped => ("■", "#"),
        StageStatus::NotStarted => ("·", "."),
    };
    match charset {
        Charset::Unicode => unicode,
        Charset::Ascii => ascii,
    }
}

fn tone(status: StageStatus) -> Tone {
    match status {
        StageStatus::Waiting | StageStatus::Skipped | StageStatus::NotStarted => Tone::Faint,
        StageStatus::AwaitingApproval | StageStatus::Interrupted => Tone::Attention,
        StageStatus::Running => Tone::Busy,
        StageStatus::Completed => Tone::Good,
        StageStatus::Failed | StageStatus::Stopped => Tone::Bad,
    }
}

/// How soon somebody wants to see it.
fn urgency(status: StageStatus) -> u8 {
    match status {
        StageStatus::Running | StageStatus::AwaitingApproval | StageStatus::Interrupted => 0,
        StageStatus::Failed | StageStatus::Stopped => 1,
        StageStatus::Waiting => 2,
        StageStatus::Completed => 3,
        StageStatus::Skipped | StageStatus::NotStarted => 4,
    }
}
