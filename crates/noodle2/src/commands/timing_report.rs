//! `noodle2 timing-report`: what a timing report of a tool amounts to.

use std::io::Read;
use std::path::Path;

use noodle2_engine::{
    EndpointSummary, PathSummary, ReadLimits, ReportCheck, TimingReport, read_timing_report,
};
use noodle2_view::{Table, count_text};
use serde::Serialize;

use crate::cli::{Format, TimeUnit};
use crate::exit::{CommandFailure, Exit};
use crate::print;

/// What `timing-report --format json` prints.
#[derive(Debug, Serialize)]
struct Told {
    /// The unit of all times; absent where nobody said in which the report is.
    time_unit: Option<&'static str>,
    #[serde(flatten)]
    report: TimingReport,
}

/// Reads a report from a file, or from stdin as `-`, and sums it up.
pub(crate) fn timing_report(
    file: &Path,
    worst_paths: usize,
    unit: Option<TimeUnit>,
    format: Format,
) -> Result<Exit, CommandFailure> {
    let limits = ReadLimits {
        worst_paths,
        ..ReadLimits::default()
    };
    let input: std::io::Result<Box<dyn Read>> = match file == Path::new("-") {
        true => Ok(Box::new(std::io::stdin().lock())),
        false => std::fs::File::open(file).map(|file| Box::new(file) as Box<dyn Read>),
    };
    let report = input.and_then(|input| read_timing_report(input, limits));
    let mut report = report.map_err(|error| {
        CommandFailure::new(
            Exit::Usage,
            "N2-REPORT-001",
            format!("the timing report `{}` cannot be read: {error}", file.display()),
            "name a file that `report_checks` was redirected to, or `-` for what comes through a pipe"
                .to_owned(),
        )
    })?;
    if report.paths == 0 && report.no_paths == 0 && report.json.is_none() {
        return Err(CommandFailure::new(
            Exit::Usage,
            "N2-REPORT-002",
            format!("`{}` holds no timing report that is known", file.display()),
            "read are the layouts full, full_clock, full_clock_expanded, short, end, summary, slack_only and json of \
             `report_checks`, as OpenSTA and OpenROAD print them"
                .to_owned(),
        ));
    }
    if let Some(unit) = unit {
        report.scale(unit.in_ps());
    }
    let mut time_unit = unit.map(|_| "ps");
    let alone = report
        .json
        .take_if(|_| report.paths == 0 && report.no_paths == 0);
    if let Some(json) = alone {
        report = *json;
        time_unit = Some("ps");
    }
    match format {
        Format::Json => print::json(&Told { time_unit, report })?,
        Format::Text => {
            let mut told = text(&report, time_unit);
            if let Some(json) = &report.json {
                told += &format!("\nin JSON: {}", text(json, Some("ps")));
            }
            print::data(&told);
        }
    }
    Ok(Exit::Done)
}

fn text(report: &TimingReport, unit: Option<&str>) -> String {
    let mut text = count_text(report.paths as usize, "path");
    for (count, what) in [
        (report.unconstrained_paths, "unconstrained"),
        (report.paths_without_slack, "without a slack"),
    ] {
        if count > 0 {
            text += &format!(", {count} {what}");
        }
    }
    text += match unit {
        Some(_) => "; times in ps\n",
        None => "; times in the unit of the report, which it does not name (see --time-unit)\n",
    };
    if report.no_paths > 0 {
        text += "the tool says that it found no paths\n";
    }
    for (is_so, remark) in [
        (
            report.is_cut_off,
            "the report ends within a path: it is not whole",
        ),
        (
            report.cut_lines > 0,
            "it holds lines that are longer than any that a tool prints",
        ),
        (
            report.further_groups > 0,
            "it has more path groups than are told of: figures over all groups are incomplete",
        ),
    ] {
        if is_so {
            text += &format!("warning: {remark}\n");
        }
    }
    let mut checks = Table::new(&[
        "check",
        ">endpoints",
        ">violating",
        ">worst slack",
        ">total negative slack",
    ]);
    for check in &report.checks {
        checks.row(
            [check_name(check.check).to_owned()]
                .into_iter()
                .chain(ends(check, report)),
        );
    }
    if !report.checks.is_empty() {
        text += &format!("\n{}", checks.text());
    }
    let mut groups = Table::new(&[
        "group",
        "corner",
        "check",
        ">paths",
        ">endpoints",
        ">violating",
        ">worst slack",
        ">total negative slack",
    ]);
    for group in &report.groups {
        let cells = [
            group.group.clone().unwrap_or_else(|| "–".to_owned()),
            group.corner.clone().unwrap_or_else(|| "–".to_owned()),
            check_name(group.ends.check).to_owned(),
            group.paths.to_string(),
        ];
        groups.row(cells.into_iter().chain(ends(&group.ends, report)));
    }
    if report.groups.len() > 1 {
        text += &format!("\n{}", groups.text());
    }
    let mut paths = Table::new(&[
        "check",
        ">slack",
        "from",
        "to",
        ">cells",
        ">in cells",
        ">in nets",
        ">share of nets",
    ]);
    for path in &report.worst_paths {
        paths.row(path_cells(path, report));
    }
    if !report.worst_paths.is_empty() {
        text += &format!("\n{}", paths.text());
    }
    text
}

fn check_name(check: ReportCheck) -> &'static str {
    match check {
        ReportCheck::Setup => "setup",
        ReportCheck::Hold => "hold",
        ReportCheck::Unknown => "not told",
    }
}

/// Endpoints, violating ones, worst slack, total negative slack.
fn ends(ends: &EndpointSummary, report: &TimingReport) -> [String; 4] {
    let count = |count: Option<u64>| count.map_or_else(missing, |count| count.to_string());
    [
        count(ends.endpoints),
        count(ends.violating_endpoints),
        time(ends.worst_slack, report),
        time(ends.total_negative_slack, report),
    ]
}

fn path_cells(path: &PathSummary, report: &TimingReport) -> [String; 8] {
    let delays = path.delays;
    let share = delays.and_then(|delays| delays.net_share());
    [
        check_name(path.check).to_owned(),
        time(Some(path.slack), report),
        path.start.clone().unwrap_or_else(missing),
        path.end.clone(),
        delays.map_or_else(missing, |delays| delays.cells.to_string()),
        time(delays.map(|delays| delays.cell_delay), report),
        time(delays.map(|delays| delays.net_delay), report),
        share.map_or_else(missing, |share| format!("{:.0} %", share * 100.0)),
    ]
}

/// A time with as many digits as the report has.
fn time(value: Option<f64>, report: &TimingReport) -> String {
    let decimals = usize::from(report.most_decimals.unwrap_or(0));
    value.map_or_else(missing, |value| format!("{value:.decimals$}"))
}

fn missing() -> String {
    "–".to_owned()
}
