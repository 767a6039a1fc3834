//! Every report in a log, in order. Path reports are left to the reader of timing reports.

use serde::Serialize;

use crate::design::{CellUsage, DesignArea, FloatingReport, PowerReport, announced_corner};
use crate::lines::Lines;
use crate::messages::Message;
use crate::placement::{GlobalPlacement, PlacementAnalysis, PlacementCheckFailure};
use crate::repair::{ProgressTable, RepairFact};
use crate::routing::{
    CongestionReport, LayerResources, RoutingFact, read_resources, skip_first_head,
};
use crate::timing::{ClockMinPeriod, ClockSkew, LimitCheck, SetupComplaint, SlackReport};
use crate::units::Units;

/// A report that a log holds.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(tag = "report", content = "values", rename_all = "snake_case")]
pub enum Report {
    /// `report_units`
    Units(Units),
    /// `report_wns`, `report_tns`, `report_worst_slack`
    Slack(SlackReport),
    /// `report_check_types`, one kind of limit
    Limit(LimitCheck),
    /// `report_clock_skew`, one clock
    ClockSkew(ClockSkew),
    /// `report_clock_min_period`, one clock
    ClockMinPeriod(ClockMinPeriod),
    /// `check_setup`, one complaint
    SetupComplaint(SetupComplaint),
    /// `report_power`
    Power(PowerReport),
    /// `report_design_area`
    DesignArea(DesignArea),
    /// `report_cell_usage`
    CellUsage(CellUsage),
    /// `report_floating_nets`
    Floating(FloatingReport),
    /// `global_placement`
    GlobalPlacement(GlobalPlacement),
    /// `detailed_placement`
    PlacementAnalysis(PlacementAnalysis),
    /// `check_placement`, one check that failed
    PlacementCheck(PlacementCheckFailure),
    /// `repair_timing`, `repair_design`: the table of progress
    Progress(ProgressTable),
    /// What a repair says it found or did
    Repair(RepairFact),
    /// `global_route`: resources by layer
    RoutingResources(Vec<LayerResources>),
    /// `global_route`: the final congestion report
    Congestion(CongestionReport),
    /// What routing states in a message
    Routing(RoutingFact),
}

/// A report and its place in the log.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct FoundReport {
    /// The line of the log at which it begins, from 1.
    pub line: usize,
    /// What it says.
    #[serde(flatten)]
    pub report: Report,
}

/// Finds every report in a log, in order. What is cut off, or of a form that is not known, is left out.
pub fn read_reports(text: &str) -> Vec<FoundReport> {
    let mut lines = Lines::new(text);
    let mut found: Vec<FoundReport> = Vec::new();
    // Where the run of global placement is that its next lines belong to.
    let mut placement: Option<usize> = None;
    let mut corner: Option<String> = None;
    while let Some(line) = lines.peek() {
        let number = lines.number();
        if let Some(report) = block(&mut lines) {
            let report = match report {
                Report::Power(mut power) => {
                    power.announced_corner = corner.take();
                    Report::Power(power)
                }
                other => other,
            };
            found.push(FoundReport {
                line: number,
                report,
            });
            continue;
        }
        // A table of which the heads alone were there has been passed.
        if lines.number() != number {
            continue;
        }
        lines.skip(1);
        if let Some(name) = announced_corner(line) {
            corner = Some(name.to_owned());
            continue;
        }
        let message = Message::parse(line, number);
        if let Some(Message { code, text, .. }) = message
            && (GlobalPlacement::begins(code, text)
                || (placement.is_none() && GlobalPlacement::default().take_message(code, text)))
        {
            placement = Some(found.len());
            let report = Report::GlobalPlacement(GlobalPlacement::default());
            found.push(FoundReport {
                line: number,
                report,
            });
        }
        let of_placement = placement.and_then(|at| match &mut found[at].report {
            Report::GlobalPlacement(placement) => Some(placement),
            _ => None,
        });
        if let Some(placement) = of_placement {
            let taken = match message {
                Some(message) => placement.take_message(message.code, message.text),
                None => placement.take_progress(line),
            };
            if taken {
                continue;
            }
        }
        let report = message
            .and_then(|message| fact(&message, line))
            .or_else(|| single(line));
        if let Some(report) = report {
            found.push(FoundReport {
                line: number,
                report,
            });
        }
    }
    found
}

/// A report of several lines at which the reader stands. It may pass lines even where there is none.
fn block(lines: &mut Lines<'_>) -> Option<Report> {
    let line = lines.peek()?;
    // Most lines of a log are none of these: their first letters say so.
    match line.as_bytes().first()? {
        b' ' => {
            if line.starts_with(" time ") {
                return Units::read(lines).map(Report::Units);
            }
            if line.contains('|') {
                return ProgressTable::read(lines).map(Report::Progress);
            }
            skip_first_head(lines);
            None
        }
        b'm' => LimitCheck::read(lines).map(Report::Limit),
        b'G' => PowerReport::read(lines).map(Report::Power),
        b'P' => PlacementAnalysis::read(lines).map(Report::PlacementAnalysis),
        b'I' if GlobalPlacement::is_head(line) => {
            lines.skip(1);
            None
        }
        b'I' => ProgressTable::read(lines).map(Report::Progress),
        b'L' => match CongestionReport::read(lines) {
            Some(report) => Some(Report::Congestion(report)),
            None => read_resources(lines).map(Report::RoutingResources),
        },
        b'C' => match ClockSkew::read(lines) {
            Some(report) => Some(Report::ClockSkew(report)),
            None => CellUsage::read(lines).map(Report::CellUsage),
        },
        _ => None,
    }
}

/// What a message states.
fn fact(message: &Message<'_>, line: &str) -> Option<Report> {
    let Message {
        level, code, text, ..
    } = *message;
    RoutingFact::of(level, code, text)
        .map(Report::Routing)
        .or_else(|| RepairFact::of(code, text).map(Report::Repair))
        .or_else(|| PlacementCheckFailure::of(code, text).map(Report::PlacementCheck))
        .or_else(|| FloatingReport::parse(line).map(Report::Floating))
        .or_else(|| SetupComplaint::parse(line).map(Report::SetupComplaint))
}

/// A report of one line.
fn single(line: &str) -> Option<Report> {
    SlackReport::parse(line)
        .map(Report::Slack)
        .or_else(|| DesignArea::parse(line).map(Report::DesignArea))
        .or_else(|| ClockMinPeriod::parse(line).map(Report::ClockMinPeriod))
        .or_else(|| SetupComplaint::parse(line).map(Report::SetupComplaint))
}
