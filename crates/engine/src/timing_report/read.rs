//! The lines of a report in their order, and what has been seen so far.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::json::{self, JsonLine};
use super::row::{self, Number};
use super::summary::{
    DelayShares, EndpointSummary, GroupSummary, PathSummary, ReportCheck, TimingReport,
};

/// How much of a report is remembered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ReadLimits {
    /// Bytes that the names of endpoints and groups may take up, about. Where they are more, sums and counts of
    /// endpoints are not known.
    pub memory: usize,
    /// How many of the worst paths of each check are kept.
    pub worst_paths: usize,
}

impl Default for ReadLimits {
    fn default() -> Self {
        Self {
            memory: 64 << 20,
            worst_paths: 10,
        }
    }
}

/// What a remembered name takes up beside its bytes, about.
const OVERHEAD: usize = 64;

/// Takes a report line by line.
#[derive(Debug)]
pub struct ReportReader {
    limits: ReadLimits,
    /// Bytes that may still be remembered.
    memory: usize,
    layout: Layout,
    /// Whether the list that is read has a row.
    has_rows: bool,
    path: Path,
    groups: Vec<Group>,
    /// The group of the last path: most paths are of the one before's.
    last_group: usize,
    /// The worst paths of each check, worst first.
    worst: Vec<(ReportCheck, Vec<PathSummary>)>,
    report: TimingReport,
    /// What is told in JSON, in a unit of its own.
    json: Option<Box<Self>>,
}

/// What the next lines are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Layout {
    /// Nothing of a report.
    Other,
    /// What stands before the table of a path.
    Head,
    /// The table of a path, up to where the data arrive.
    Data,
    /// The table of a path behind that.
    Required,
    /// Endpoints with slacks.
    Ends,
    /// Startpoints and endpoints with slacks.
    Summary,
    /// Groups with slacks.
    Slacks,
    /// Paths in JSON.
    Json,
}

/// A path as far as it was read. Its buffers serve one path after the other.
#[derive(Debug, Default)]
struct Path {
    start: Vec<u8>,
    end: Vec<u8>,
    group: Option<Vec<u8>>,
    corner: Option<Vec<u8>>,
    check: Option<ReportCheck>,
    /// Its slack, where that is told before its end.
    slack: Option<Number>,
    /// The last pin of its table.
    pin: Vec<u8>,
    /// The instance of that pin, once the path has begun.
    instance: Option<Vec<u8>>,
    delays: Delays,
}

#[derive(Clone, Copy, Debug, Default)]
struct Delays {
    shares: Option<DelayShares>,
    /// Nets one after the other: with two, the table has no input pins.
    nets: u32,
    is_mixed: bool,
}

#[derive(Debug)]
struct Group {
    name: Option<Vec<u8>>,
    check: ReportCheck,
    corner: Option<Vec<u8>>,
    paths: u64,
    violating_paths: u64,
    worst_slack: Option<f64>,
    /// The endpoints by name; [`None`] where they are not known.
    ends: Option<HashMap<Box<[u8]>, End>>,
}

#[derive(Clone, Copy, Debug)]
struct End {
    slack: f64,
    is_violated: bool,
}

impl End {
    fn add(&mut self, other: Self) {
        self.slack = self.slack.min(other.slack);
        self.is_violated |= other.is_violated;
    }
}

/// A slack as it is printed.
#[derive(Clone, Copy)]
struct Slack {
    number: Number,
    is_violated: bool,
}

impl ReportReader {
    /// A reader that has read nothing.
    pub fn new(limits: ReadLimits) -> Self {
        Self {
            limits,
            memory: limits.memory,
            layout: Layout::Other,
            has_rows: false,
            path: Path::default(),
            groups: Vec::new(),
            last_group: 0,
            worst: Vec::new(),
            report: TimingReport::default(),
            json: None,
        }
    }

    /// Takes the next line, without its line feed.
    pub fn line(&mut self, line: &[u8]) {
        match (self.layout, line.first()) {
            (Layout::Json, Some(_)) => self.json_line(line),
            (Layout::Data | Layout::Required, Some(b' ' | b'-' | b'(' | b'0'..=b'9') | None) => {
                self.table_line(line)
            }
            // A list ends with the first empty line behind its first row.
            (_, None) if self.has_rows => self.begin(Layout::Other),
            (_, None) => {}
            (Layout::Head, Some(b' ' | b'-')) => self.end_of_head(line),
            _ if self.keyword(line) => {}
            (Layout::Ends | Layout::Summary | Layout::Slacks, _) => self.list_line(line),
            // Where the columns of a table are named.
            (Layout::Head, Some(b'F' | b'D')) => self.end_of_head(line),
            _ => {}
        }
    }

    /// What was read; `cut_lines` is how many lines were cut before they came here.
    pub fn finish(mut self, cut_lines: u64) -> TimingReport {
        self.report.is_cut_off =
            matches!(self.layout, Layout::Data | Layout::Required | Layout::Json);
        self.close();
        let mut report = self.report;
        report.json = self.json.map(|json| Box::new(json.finish(0)));
        report.cut_lines = cut_lines;
        let decimals = report.most_decimals.unwrap_or(0);
        let mut checks: Vec<ReportCheck> = self.groups.iter().map(|group| group.check).collect();
        checks.sort_unstable();
        checks.dedup();
        let complete = report.further_groups == 0;
        let whole = checks.into_iter().map(|check| {
            let groups = self.groups.iter().filter(|group| group.check == check);
            over_groups(check, groups.collect(), decimals, complete)
        });
        report.checks = whole.collect();
        self.worst.sort_by_key(|(check, _)| *check);
        report.worst_paths = self
            .worst
            .into_iter()
            .flat_map(|(_, paths)| paths)
            .collect();
        report.groups = (self.groups.iter())
            .map(|group| GroupSummary {
                group: group.name.as_deref().map(text),
                corner: group.corner.as_deref().map(text),
                paths: group.paths,
                violating_paths: group.violating_paths,
                ends: ends_of(
                    group.check,
                    group.worst_slack,
                    group
                        .ends
                        .as_ref()
                        .map(|ends| ends.values().copied().collect()),
                    decimals,
                ),
            })
            .collect();
        report
    }

    /// Whether a line says what follows it.
    fn keyword(&mut self, line: &[u8]) -> bool {
        match line[0] {
            b'S' => {
                if let Some(name) = line.strip_prefix(b"Startpoint:") {
                    self.close();
                    self.layout = Layout::Head;
                    self.path.start.extend_from_slice(name_of(name));
                    return true;
                }
                let is_columns = line.starts_with(b"Startpoint ") && line.ends_with(b"Slack");
                is_columns.then(|| self.begin(Layout::Summary)).is_some()
            }
            b'E' => {
                if self.layout == Layout::Head
                    && let Some(name) = line.strip_prefix(b"Endpoint:")
                {
                    self.path.end.extend_from_slice(name_of(name));
                    return true;
                }
                // The columns of the layout that was announced by the line of its group.
                self.layout == Layout::Ends
                    && line.starts_with(b"Endpoint ")
                    && line.ends_with(b"Slack")
            }
            b'P' if self.layout == Layout::Head => {
                if let Some(name) = line.strip_prefix(b"Path Group:") {
                    self.path.group = Some(name.trim_ascii().to_vec());
                } else if let Some(kind) = line.strip_prefix(b"Path Type:") {
                    self.path.check = Some(match kind.trim_ascii() {
                        b"max" => ReportCheck::Setup,
                        b"min" => ReportCheck::Hold,
                        _ => ReportCheck::Unknown,
                    });
                }
                line.starts_with(b"Path ")
            }
            b'C' if self.layout == Layout::Head => {
                let name = line.strip_prefix(b"Corner:");
                if let Some(name) = name {
                    self.path.corner = Some(name.trim_ascii().to_vec());
                }
                name.is_some()
            }
            b'{' if line.trim_ascii_end() == json::BEGIN => {
                self.begin(Layout::Json);
                true
            }
            b'N' if line.starts_with(b"No paths found") => {
                self.begin(Layout::Other);
                self.report.no_paths += 1;
                true
            }
            b'G' if line.starts_with(b"Group ") && line.ends_with(b"Slack") => {
                self.begin(Layout::Slacks);
                true
            }
            b'm' => {
                let check = match line {
                    _ if line.starts_with(b"max_delay/setup") => ReportCheck::Setup,
                    _ if line.starts_with(b"min_delay/hold") => ReportCheck::Hold,
                    _ => return false,
                };
                let name = memchr::memmem::find(line, b" group ");
                self.begin(Layout::Ends);
                self.path.group = name.map(|at| line[at + 7..].trim_ascii().to_vec());
                self.path.check = Some(check);
                true
            }
            _ => false,
        }
    }

    /// Ends what went before, and begins with another layout.
    fn begin(&mut self, layout: Layout) {
        self.close();
        self.layout = layout;
        self.has_rows = false;
    }

    /// Ends a path of which no slack was printed.
    fn close(&mut self) {
        if matches!(self.layout, Layout::Head | Layout::Data | Layout::Required) {
            self.report.paths += 1;
            self.report.paths_without_slack += 1;
        }
        self.layout = Layout::Other;
        self.path.clear();
    }

    /// A line before a table that is none of its own: its columns, or the rest of a description.
    fn end_of_head(&mut self, line: &[u8]) {
        if line.trim_ascii_end().ends_with(b"Description") {
            self.layout = Layout::Data;
        } else if line.trim_ascii() == b"Path is unconstrained" {
            self.unconstrained();
        }
    }

    fn unconstrained(&mut self) {
        self.report.paths += 1;
        self.report.unconstrained_paths += 1;
        self.layout = Layout::Other;
        self.path.clear();
    }

    fn table_line(&mut self, line: &[u8]) {
        let row = row::row(line);
        match row.rest.first() {
            Some(b'^' | b'v') if self.layout == Layout::Data => {
                if let Some(pin) = row::pin(row.rest) {
                    self.path.pass(pin, row.delay);
                }
            }
            Some(b'd') if row.rest.starts_with(b"data arrival time") => {
                self.layout = Layout::Required;
            }
            Some(b's') if row.rest.starts_with(b"slack (") => {
                if let Some(number) = row.time {
                    let is_violated = row.rest.starts_with(b"slack (VIOLATED");
                    self.take_path(Slack {
                        number,
                        is_violated,
                    });
                }
            }
            Some(b'(') if row.rest == b"(Path is unconstrained)" => self.unconstrained(),
            Some(b'P') if row.rest == b"Path is unconstrained" => self.unconstrained(),
            _ => {}
        }
    }

    /// The path with a table ends with its slack.
    fn take_path(&mut self, slack: Slack) {
        if !self.path.pin.is_empty() {
            std::mem::swap(&mut self.path.end, &mut self.path.pin);
        }
        self.count(slack);
        self.layout = Layout::Other;
        self.path.clear();
    }

    /// A line of a report in JSON; one that is none ends it.
    fn json_line(&mut self, line: &[u8]) {
        let json = self
            .json
            .get_or_insert_with(|| Box::new(Self::new(self.limits)));
        match json::read(line) {
            JsonLine::Inner => {}
            JsonLine::PathBegins => json.path.clear(),
            JsonLine::Group(name) => json.path.group = Some(name.to_vec()),
            JsonLine::Check(check) => json.path.check = Some(check),
            JsonLine::Start(name) => json.path.start = name.to_vec(),
            JsonLine::Endpoint(name) => json.path.end = name.to_vec(),
            JsonLine::Slack(number) => json.path.slack = Some(number),
            JsonLine::PathEnds => match json.path.slack {
                Some(number) => {
                    json.count(Slack {
                        number,
                        is_violated: number.value.is_sign_negative(),
                    });
                    json.path.clear();
                }
                None => {
                    json.report.paths += 1;
                    json.report.paths_without_slack += 1;
                    json.path.clear();
                }
            },
            JsonLine::End => {
                json.report.no_paths += u64::from(json.report.paths == 0);
                self.begin(Layout::Other);
            }
            JsonLine::Foreign => {
                self.begin(Layout::Other);
                self.line(line);
            }
        }
    }

    /// A line of a list; one that is none ends the list.
    fn list_line(&mut self, line: &[u8]) {
        let is_over_columns =
            |(word, rest): (&[u8], &[u8])| word == b"Required" && rest.trim_ascii() == b"Actual";
        if line.starts_with(b"---") || row::word(line).is_some_and(is_over_columns) {
            return;
        }
        let is_row = match self.layout {
            Layout::Ends => self.ends_line(line),
            Layout::Summary => self.summary_line(line),
            _ => self.slacks_line(line),
        };
        match is_row {
            Some(slack) => {
                self.count(slack);
                self.path.start.clear();
                self.path.end.clear();
                self.has_rows = true;
            }
            // A long name stands on a line of its own.
            None if self.layout != Layout::Slacks
                && names(line).is_some_and(|(_, end)| end.is_none()) =>
            {
                let name = name_of(line);
                let place = match self.layout {
                    Layout::Ends => &mut self.path.end,
                    _ => &mut self.path.start,
                };
                place.clear();
                place.extend_from_slice(name);
            }
            None => self.begin(Layout::Other),
        }
    }

    /// `_467_/D (DFF_X1)   0.26   1.17   -0.91 (VIOLATED)`
    fn ends_line(&mut self, line: &[u8]) -> Option<Slack> {
        let at = memchr::memrchr(b'(', line)?;
        let is_violated = line[at..].starts_with(b"(VIOLATED");
        if !is_violated && !line[at..].starts_with(b"(MET") {
            return None;
        }
        let (slack, rest) = row::last_word(&line[..at])?;
        let number = row::number(slack)?;
        let (actual, rest) = row::last_word(rest)?;
        let (required, rest) = row::last_word(rest)?;
        row::number(actual).and(row::number(required))?;
        match names(rest) {
            Some((end, None)) => {
                self.path.end.clear();
                self.path.end.extend_from_slice(end);
            }
            None if rest.trim_ascii().is_empty() && !self.path.end.is_empty() => {}
            _ => return None,
        }
        Some(Slack {
            number,
            is_violated,
        })
    }

    /// `_452_/Q (DFF_X1)   _467_/D (DFF_X1)   -0.91`
    fn summary_line(&mut self, line: &[u8]) -> Option<Slack> {
        let (slack, rest) = row::last_word(line)?;
        let number = row::number(slack)?;
        match names(rest)? {
            (start, Some(end)) => {
                self.path.start.clear();
                self.path.start.extend_from_slice(start);
                self.path.end.extend_from_slice(end);
            }
            (end, None) if !self.path.start.is_empty() => self.path.end.extend_from_slice(end),
            _ => return None,
        }
        Some(Slack {
            number,
            is_violated: number.value.is_sign_negative(),
        })
    }

    /// `clk   -0.91`
    fn slacks_line(&mut self, line: &[u8]) -> Option<Slack> {
        let (group, rest) = row::word(line)?;
        let (slack, rest) = row::word(rest)?;
        let number = row::number(slack).filter(|_| rest.trim_ascii().is_empty())?;
        self.path.group = Some(group.to_vec());
        Some(Slack {
            number,
            is_violated: number.value.is_sign_negative(),
        })
    }

    /// Counts the path that was read.
    fn count(&mut self, slack: Slack) {
        let decimals = slack.number.decimals;
        self.report.paths += 1;
        let fewest = self.report.fewest_decimals.get_or_insert(decimals);
        *fewest = decimals.min(*fewest);
        let most = self.report.most_decimals.get_or_insert(decimals);
        *most = decimals.max(*most);
        let Some(position) = self.group_of_path() else {
            self.report.further_groups += 1;
            return;
        };
        let (value, is_violated) = (slack.number.value, slack.is_violated);
        let group = &mut self.groups[position];
        group.paths += 1;
        group.violating_paths += u64::from(is_violated);
        let worst = group.worst_slack.get_or_insert(value);
        *worst = worst.min(value);
        let end = End {
            slack: value,
            is_violated,
        };
        if self.path.end.is_empty() {
            group.ends = None;
        } else if let Some(ends) = &mut group.ends {
            if let Some(known) = ends.get_mut(self.path.end.as_slice()) {
                known.add(end);
            } else {
                let needed = self.path.end.len() + OVERHEAD;
                match self.memory.checked_sub(needed) {
                    Some(left) => {
                        self.memory = left;
                        ends.insert(self.path.end.as_slice().into(), end);
                    }
                    None => group.ends = None,
                }
            }
        }
        self.remember(value, is_violated);
    }

    /// The place of the path's group; [`None`] where no more groups are remembered.
    fn group_of_path(&mut self) -> Option<usize> {
        let check = self.path.check.unwrap_or(ReportCheck::Unknown);
        let path = &self.path;
        let is_it = |group: &Group| {
            group.check == check && group.name == path.group && group.corner == path.corner
        };
        if self.groups.get(self.last_group).is_some_and(is_it) {
            return Some(self.last_group);
        }
        if let Some(position) = self.groups.iter().position(is_it) {
            self.last_group = position;
            return Some(position);
        }
        /// More than anybody declares; each is looked through for every path.
        const MOST: usize = 1000;
        let length = |name: &Option<Vec<u8>>| name.as_ref().map_or(0, Vec::len);
        let needed = length(&path.group) + length(&path.corner) + OVERHEAD;
        let left = self.memory.checked_sub(needed)?;
        if self.groups.len() >= MOST {
            return None;
        }
        self.memory = left;
        self.groups.push(Group {
            name: path.group.clone(),
            check,
            corner: path.corner.clone(),
            paths: 0,
            violating_paths: 0,
            worst_slack: None,
            ends: Some(HashMap::new()),
        });
        self.last_group = self.groups.len() - 1;
        Some(self.last_group)
    }

    /// Keeps the path if it is among the worst of its check.
    fn remember(&mut self, slack: f64, is_violated: bool) {
        let check = self.path.check.unwrap_or(ReportCheck::Unknown);
        let known = self.worst.iter().position(|(other, _)| *other == check);
        let position = known.unwrap_or_else(|| {
            self.worst.push((check, Vec::new()));
            self.worst.len() - 1
        });
        let worst = &mut self.worst[position].1;
        let place = worst.partition_point(|other| other.slack <= slack);
        if place >= self.limits.worst_paths || self.path.end.is_empty() {
            return;
        }
        let path = PathSummary {
            group: self.path.group.as_deref().map(text),
            check,
            corner: self.path.corner.as_deref().map(text),
            start: (!self.path.start.is_empty()).then(|| text(&self.path.start)),
            end: text(&self.path.end),
            slack,
            is_violated,
            delays: self.path.delays.whole(),
        };
        // One log may tell of a path more than once.
        if !worst[..place].contains(&path) {
            worst.insert(place, path);
            worst.truncate(self.limits.worst_paths);
        }
    }
}

impl Path {
    fn clear(&mut self) {
        self.start.clear();
        self.end.clear();
        self.pin.clear();
        // The group of a list of endpoints is told once, before them.
        self.group = None;
        self.corner = None;
        self.check = None;
        self.slack = None;
        self.instance = None;
        self.delays = Delays::default();
    }

    /// Goes on to the next pin of the table.
    fn pass(&mut self, pin: &[u8], delay: Option<Number>) {
        self.pin.clear();
        self.pin.extend_from_slice(pin);
        let instance = row::instance(pin);
        let Some(before) = &mut self.instance else {
            // Before it, the clock goes from its source to the start.
            if pin == self.start || instance == self.start {
                self.instance = Some(instance.to_vec());
                self.delays.shares = Some(DelayShares {
                    cells: 0,
                    cell_delay: 0.0,
                    net_delay: 0.0,
                });
            }
            return;
        };
        let is_cell = before == instance;
        if !is_cell {
            before.clear();
            before.extend_from_slice(instance);
        }
        self.delays.add(is_cell, delay);
    }
}

impl Delays {
    fn add(&mut self, is_cell: bool, delay: Option<Number>) {
        let (Some(shares), Some(delay)) = (&mut self.shares, delay) else {
            self.is_mixed = true;
            return;
        };
        if is_cell {
            shares.cells += 1;
            shares.cell_delay += delay.value;
            self.nets = 0;
        } else {
            shares.net_delay += delay.value;
            self.nets += 1;
            self.is_mixed |= self.nets > 1;
        }
    }

    fn whole(self) -> Option<DelayShares> {
        self.shares.filter(|_| !self.is_mixed)
    }
}

/// The endpoints of all groups of a check, each by its worst slack.
fn over_groups(
    check: ReportCheck,
    groups: Vec<&Group>,
    decimals: u8,
    complete: bool,
) -> EndpointSummary {
    let worst = groups.iter().filter_map(|group| group.worst_slack);
    let worst = worst.reduce(f64::min);
    let known = complete && groups.iter().all(|group| group.ends.is_some());
    let ends = known.then(|| {
        let mut merged: HashMap<&[u8], End> = HashMap::new();
        for (name, end) in groups
            .iter()
            .filter_map(|group| group.ends.as_ref())
            .flatten()
        {
            match merged.entry(name) {
                Entry::Occupied(mut known) => known.get_mut().add(*end),
                Entry::Vacant(place) => drop(place.insert(*end)),
            }
        }
        merged.into_values().collect()
    });
    ends_of(check, worst, ends, decimals)
}

fn ends_of(
    check: ReportCheck,
    worst_slack: Option<f64>,
    ends: Option<Vec<End>>,
    decimals: u8,
) -> EndpointSummary {
    let negative = ends.as_ref().map(|ends| {
        let mut slacks: Vec<f64> = ends.iter().map(|end| end.slack.min(0.0)).collect();
        // A sum in a fixed order; with no more digits than its parts have.
        slacks.sort_by(f64::total_cmp);
        let sum: f64 = slacks.iter().sum();
        let unit = 10_f64.powi(i32::from(decimals.min(12)));
        let rounded = (sum * unit).round() / unit;
        if rounded.is_finite() {
            rounded + 0.0
        } else {
            sum
        }
    });
    EndpointSummary {
        check,
        worst_slack,
        total_negative_slack: negative,
        endpoints: ends.as_ref().map(|ends| ends.len() as u64),
        violating_endpoints: ends
            .map(|ends| ends.iter().filter(|end| end.is_violated).count() as u64),
    }
}

/// A name without what is told of it: `_467_` of ` _467_ (rising edge-triggered flip-flop clocked by clk)`.
fn name_of(text: &[u8]) -> &[u8] {
    let text = text.trim_ascii();
    let end = memchr::memmem::find(text, b" (").unwrap_or(text.len());
    text[..end].trim_ascii_end()
}

/// One or two names, each with what it is of in brackets: `_452_/Q (DFF_X1)   _467_/D (DFF_X1)`.
fn names(text: &[u8]) -> Option<(&[u8], Option<&[u8]>)> {
    let named = |text| {
        let (name, rest) = row::word(text)?;
        let (cell, rest) = row::word(rest)?;
        (cell.starts_with(b"(") && cell.ends_with(b")")).then_some((name, rest))
    };
    let (first, rest) = named(text)?;
    if rest.trim_ascii().is_empty() {
        return Some((first, None));
    }
    let (second, rest) = named(rest)?;
    rest.trim_ascii()
        .is_empty()
        .then_some((first, Some(second)))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
