//! What scripts leave beside their result file: reports, tables of routing in the log, heat maps.

use std::path::Path;

use noodle2_model::{
    CommandReport, Failure, FailureClass, Finding, FindingKind, HeatmapPolicy, Metric, StageMode,
};
use noodle2_openroad::{Completion, Log, Report, RoutingFact, Run, judge, read_reports};

use super::LayoutSetup;
use crate::trial::attempt::{failure, io_failure, read_file, read_log};
use crate::trial::context::SceneGroup;
use crate::trial::measure::Gathered;
use crate::trial::process::Ended;
use crate::trial::read::{Record, ResultError, ResultFile};
use noodle2_layout::{HotRatio, MapKind, PlacementCheck, SpatialMap};

use super::placed::PlacedDesign;

/// Judges a run of a script. What it says of the design itself is left to gate 0 where that is a base case.
///
/// # Errors
/// Why nothing of the run is to be believed.
pub(crate) fn judge_run(
    report: &CommandReport,
    text: &str,
    result: &Result<ResultFile, ResultError>,
    black_boxes: &[String],
    is_base: bool,
) -> Result<Vec<Finding>, Failure> {
    let log = Log::read(text);
    let completion = match result {
        // What is malformed is told as that.
        Ok(_) | Err(ResultError::Malformed { .. }) => Completion::Reached,
        Err(ResultError::Missing | ResultError::CutOff { .. }) => Completion::NotReached,
    };
    let verdict = judge(Run {
        report: Some(report),
        text,
        log: &log,
        completion,
        black_boxes,
    });
    match verdict.failure() {
        None => Ok(Vec::new()),
        Some(failure) => match verdict.findings().filter(|_| is_base) {
            Some(findings) => Ok(findings),
            None => Err(failure),
        },
    }
}

/// Adds what the reports of a process say to what it measured.
pub(crate) fn add_reports(
    gathered: &mut Gathered,
    group: &SceneGroup,
    result: &ResultFile,
    folder: &Path,
) {
    for record in &result.records {
        let Record::Report { path } = record else {
            continue;
        };
        let text = read_log(&folder.join(path));
        let scenes = group.scenes.iter().map(|scene| scene.name.as_str());
        let scenes: Vec<&str> = match path.strip_prefix("power-") {
            Some(rest) => {
                let own = rest.strip_suffix(".rpt").unwrap_or(rest);
                scenes.filter(|scene| *scene == own).collect()
            }
            None => scenes.collect(),
        };
        for found in read_reports(&text) {
            for scene in &scenes {
                add_report(gathered, scene, &found.report);
            }
        }
        if path == LIMITS {
            add_limits_kept(gathered, &scenes);
        }
    }
}

/// The report of limits, which tells nothing of a limit that everything keeps.
const LIMITS: &str = "limits.rpt";

fn add_report(gathered: &mut Gathered, scene: &str, report: &Report) {
    match report {
        Report::Power(power) => {
            let watts = |value: Option<f64>| Some(value? * power.unit.factor?);
            for (metric, value) in [
                (Metric::PowerInternal, watts(power.total.internal)),
                (Metric::PowerSwitching, watts(power.total.switching)),
                (Metric::PowerLeakage, watts(power.total.leakage)),
                (Metric::Power, power.total_watts()),
            ] {
                if let Some(value) = value {
                    gathered.measured(scene, metric, value);
                }
            }
        }
        Report::Limit(limit) => {
            let metric = match limit.kind.as_str() {
                "max slew" => Metric::MaxSlewViolations,
                "max capacitance" => Metric::MaxCapacitanceViolations,
                "max fanout" => Metric::MaxFanoutViolations,
                _ => return,
            };
            gathered.measured(scene, metric, limit.violations as f64);
        }
        Report::SetupComplaint(complaint) if complaint.of == "unconstrained endpoints" => {
            gathered.measured(
                scene,
                Metric::UnconstrainedEndpoints,
                complaint.count as f64,
            );
        }
        Report::SetupComplaint(complaint) => {
            let detail = format!("{} {}", complaint.count, complaint.of);
            gathered.remark(scene, detail);
        }
        _ => {}
    }
}

/// The report of limits was made and is silent of these: nothing breaks them.
fn add_limits_kept(gathered: &mut Gathered, scenes: &[&str]) {
    for scene in scenes {
        for metric in [
            Metric::MaxSlewViolations,
            Metric::MaxCapacitanceViolations,
            Metric::MaxFanoutViolations,
        ] {
            gathered.measured_unless_known(scene, metric, 0.0);
        }
    }
}

/// Adds what is measured of the layout as a whole, in every scene alike.
///
/// # Errors
/// When a heat map is missing that the study requires.
pub(crate) fn add_layout(
    gathered: &mut Gathered,
    setup: &LayoutSetup,
    placed: &PlacedDesign,
    (mode, folder): (StageMode, &Path),
    ended: &Ended,
) -> Result<(), Failure> {
    let check = PlacementCheck::of(&placed.def, &setup.lef);
    if let Some(share) = check.utilisation {
        gathered.measured_everywhere(Metric::Utilisation, 100.0 * share);
    }
    let violations = check.overlaps.count + check.off_grid.count + check.outside_core.count;
    // Of a cell that no LEF knows nothing can be said.
    if check.unknown.count == 0 && !check.overlaps.is_at_least {
        gathered.measured_everywhere(Metric::PlacementViolations, violations as f64);
    }
    if mode.routes() {
        for found in read_reports(&ended.log) {
            match found.report {
                Report::Congestion(congestion) => {
                    if let Some(total) = congestion.total {
                        let overflow = total.total_overflow as f64;
                        gathered.measured_everywhere(Metric::RoutingOverflow, overflow);
                    }
                }
                Report::Routing(RoutingFact::GlobalWireLengthUm(length)) => {
                    gathered.measured_everywhere(Metric::RoutedWirelength, length);
                }
                // The last iteration is the one that counts.
                Report::Routing(RoutingFact::DetailedViolations(violations)) => {
                    gathered.measured_everywhere(Metric::DrcViolations, violations as f64);
                }
                Report::Routing(RoutingFact::AntennaNets(nets)) => {
                    gathered.measured_everywhere(Metric::AntennaViolations, nets as f64);
                }
                _ => {}
            }
        }
    }
    for record in &ended.result.records {
        match record {
            Record::NoHeatmap { kind, why } => {
                let detail = format!("no heat map `{kind}`: {why}");
                if setup.heatmaps == HeatmapPolicy::Required {
                    return Err(failure(FailureClass::VisualizationUnavailable, detail));
                }
                gathered.find_everywhere(FindingKind::VisualizationUnavailable, detail);
            }
            Record::Heatmap { kind, path } if kind == "Routing" => {
                add_hot_bins(gathered, &folder.join(path))?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// The share of bins that routes use beyond their capacity, by the tool's own map of them.
fn add_hot_bins(gathered: &mut Gathered, path: &Path) -> Result<(), Failure> {
    let text = read_file(path).map_err(|error| io_failure("read", path, &error))?;
    let map = SpatialMap::read_csv(&text, MapKind::Routing, None).map_err(|error| {
        let text = format!("the heat map `{}` cannot be read: {error}", path.display());
        failure(FailureClass::ParseFailure, text)
    })?;
    if let Some(hot) = HotRatio::of_map(&map) {
        gathered.measured_everywhere(Metric::RoutingHotBins, 100.0 * hot.ratio);
    }
    Ok(())
}
