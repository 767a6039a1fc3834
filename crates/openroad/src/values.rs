//! The values of reports as a flat list: what, how much, in which unit, under which name of METRICS2.1.

use serde::Serialize;

use crate::placement::GlobalPlacement;
use crate::reports::{FoundReport, Report};
use crate::routing::RoutingFact;
use crate::timing::{LimitedPin, SlackKind};
use crate::units::Units;
use crate::{CongestionReport, RepairFact};

/// A value that a report of a log states.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct ReportedValue {
    /// The line of the log at which its report begins, from 1.
    pub line: usize,
    /// What it is.
    pub what: String,
    /// The value; none where the report says that it is infinite or no number.
    pub value: Option<f64>,
    /// Its unit; empty for counts, `?` where the log does not name the unit that it is in.
    pub unit: &'static str,
    /// The name that METRICS2.1 has for it, where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metrics_name: Option<&'static str>,
}

/// The units that a log names; none where it names several that differ, for then nothing tells which holds where.
pub fn units_of(reports: &[FoundReport]) -> Option<&Units> {
    let mut all = reports.iter().filter_map(|found| match &found.report {
        Report::Units(units) => Some(units),
        _ => None,
    });
    let first = all.next()?;
    all.all(|other| other == first).then_some(first)
}

/// What reports state, in their order. Times are in ps, capacitances in pF and powers in W where the log tells the unit that
/// it prints them in.
/// Tables are told by their totals; what they hold besides is in the reports themselves.
pub fn values_of(reports: &[FoundReport]) -> Vec<ReportedValue> {
    let units = units_of(reports);
    let farads = units.and_then(|units| units.capacitance.as_ref()?.factor);
    let mut values = Values {
        found: Vec::new(),
        line: 0,
        picoseconds: units.and_then(Units::picoseconds),
        picofarads: farads.map(|farads| farads * 1e12),
    };
    for found in reports {
        values.line = found.line;
        values.of(&found.report);
    }
    values.found
}

struct Values {
    found: Vec<ReportedValue>,
    line: usize,
    /// Of a time of 1 in the log.
    picoseconds: Option<f64>,
    /// Of a capacitance of 1 in the log.
    picofarads: Option<f64>,
}

impl Values {
    fn add(
        &mut self,
        what: impl Into<String>,
        value: Option<f64>,
        unit: &'static str,
        metrics_name: Option<&'static str>,
    ) {
        self.found.push(ReportedValue {
            line: self.line,
            what: what.into(),
            value,
            unit,
            metrics_name,
        });
    }

    /// A time as printed, in ps where the log tells its unit.
    fn time(
        &mut self,
        what: impl Into<String>,
        value: Option<f64>,
        metrics_name: Option<&'static str>,
    ) {
        match self.picoseconds {
            Some(picoseconds) => {
                // A femtosecond, as everywhere.
                let value = value.map(|value| (value * picoseconds * 1e3).round() / 1e3);
                self.add(what, value, "ps", metrics_name);
            }
            None => self.add(what, value, "?", metrics_name),
        }
    }

    fn count(&mut self, what: impl Into<String>, count: u64, metrics_name: Option<&'static str>) {
        self.add(what, Some(count as f64), "", metrics_name);
    }

    fn of(&mut self, report: &Report) {
        match report {
            Report::Units(_) => {}
            Report::Slack(slack) => self.slack(slack),
            Report::Limit(limit) => {
                let name = match limit.kind.as_str() {
                    "max slew" => Some("design__max_slew_violation__count"),
                    "max capacitance" => Some("design__max_cap_violation__count"),
                    "max fanout" => Some("design__max_fanout_violation__count"),
                    _ => None,
                };
                self.count(format!("{} violations", limit.kind), limit.violations, name);
                if let Some(LimitedPin { pin, slack, .. }) = &limit.worst {
                    let what = format!("{} slack of {pin}", limit.kind);
                    match (limit.kind.rsplit(' ').next(), self.picofarads) {
                        (Some("slew"), _) => self.time(what, Some(*slack), None),
                        (Some("fanout"), _) => self.add(what, Some(*slack), "", None),
                        (Some("capacitance"), Some(picofarads)) => {
                            self.add(what, Some(*slack * picofarads), "pF", None);
                        }
                        _ => self.add(what, Some(*slack), "?", None),
                    }
                }
            }
            Report::ClockSkew(skew) => {
                let name = match skew.check.as_str() {
                    "setup" => Some("clock__skew__setup"),
                    "hold" => Some("clock__skew__hold"),
                    _ => None,
                };
                let what = format!("{} skew of clock {}", skew.check, skew.clock);
                self.time(what, Some(skew.skew), name);
            }
            Report::ClockMinPeriod(period) => {
                let clock = &period.clock;
                self.time(
                    format!("least period of clock {clock}"),
                    Some(period.period),
                    None,
                );
                let what = format!("greatest frequency of clock {clock}");
                self.add(what, Some(period.frequency_mhz), "MHz", None);
            }
            Report::SetupComplaint(complaint) => self.count(&complaint.of, complaint.count, None),
            Report::Power(power) => {
                let of = match &power.announced_corner {
                    Some(corner) => format!(" in corner {corner}"),
                    None => String::new(),
                };
                let name = |name| power.announced_corner.is_none().then_some(name);
                let total = &power.total;
                for (what, value, metric) in [
                    ("power", total.total, "power__total"),
                    ("internal power", total.internal, "power__internal__total"),
                    (
                        "switching power",
                        total.switching,
                        "power__switching__total",
                    ),
                    ("leakage power", total.leakage, "power__leakage__total"),
                ] {
                    let what = format!("{what}{of}");
                    match power.unit.factor {
                        Some(watts) => {
                            self.add(what, value.map(|value| value * watts), "W", name(metric))
                        }
                        None => self.add(what, value, "?", None),
                    }
                }
            }
            Report::DesignArea(area) => {
                // Not the area of METRICS2.1, which counts tap cells and fillers too.
                self.add("design area", Some(area.area_um2), "µm²", None);
                self.add("utilization", Some(area.utilization_percent), "%", None);
            }
            Report::CellUsage(usage) => {
                self.count("cells", usage.total.count, Some("design__instance__count"));
                let area = Some(usage.total.area_um2);
                self.add("area of cells", area, "µm²", Some("design__instance__area"));
            }
            Report::Floating(floating) => {
                let name = match floating.of.as_str() {
                    "nets" => Some("timing__drv__floating__nets"),
                    _ => Some("timing__drv__floating__pins"),
                };
                self.count(format!("floating {}", floating.of), floating.count, name);
            }
            Report::GlobalPlacement(placement) => self.placement(placement),
            Report::PlacementAnalysis(analysis) => {
                for (what, value, name) in [
                    (
                        "total displacement",
                        analysis.total_displacement_um,
                        Some("design__instance__displacement__total"),
                    ),
                    (
                        "mean displacement",
                        analysis.average_displacement_um,
                        Some("design__instance__displacement__mean"),
                    ),
                    (
                        "greatest displacement",
                        analysis.max_displacement_um,
                        Some("design__instance__displacement__max"),
                    ),
                    (
                        "half-perimeter wire length before",
                        analysis.original_hpwl_um,
                        None,
                    ),
                    (
                        "half-perimeter wire length after",
                        analysis.legalized_hpwl_um,
                        Some("route__wirelength__estimated"),
                    ),
                ] {
                    self.add(what, Some(value), "µm", name);
                }
            }
            Report::PlacementCheck(check) => {
                self.count(
                    format!("cells that fail `{}`", check.check),
                    check.instances,
                    None,
                );
            }
            Report::Progress(table) => {
                let ended = if table.is_finished {
                    ""
                } else {
                    ", not finished"
                };
                self.count(
                    format!("rows of progress{ended}"),
                    table.rows.len() as u64,
                    None,
                );
                // In the log's unit of time, by the heads of tables of several versions.
                for column in ["WNS", "TNS", "EnTNS"] {
                    if let Some(value) = table.final_value(column) {
                        self.time(
                            format!("{column} at the end of a repair"),
                            Some(value),
                            None,
                        );
                    }
                }
            }
            Report::Repair(fact) => self.repair(fact),
            Report::RoutingResources(layers) => {
                let derated = layers
                    .iter()
                    .map(|layer| layer.derated)
                    .fold(0, u64::saturating_add);
                self.count("routing resources after adjustments", derated, None);
            }
            Report::Congestion(report) => self.congestion(report),
            Report::Routing(fact) => self.routing(fact),
        }
    }

    fn slack(&mut self, slack: &crate::SlackReport) {
        let path_type = slack.path_type.as_deref();
        let (what, name) = match (slack.kind, path_type) {
            // Without a word these two are of setup.
            (SlackKind::WorstNegative, None | Some("max")) => {
                ("worst negative setup slack", Some("timing__setup__wns"))
            }
            (SlackKind::TotalNegative, None | Some("max")) => {
                ("total negative setup slack", Some("timing__setup__tns"))
            }
            (SlackKind::WorstNegative, _) => {
                ("worst negative hold slack", Some("timing__hold__wns"))
            }
            (SlackKind::TotalNegative, _) => {
                ("total negative hold slack", Some("timing__hold__tns"))
            }
            (SlackKind::Worst, Some("max")) => ("worst setup slack", Some("timing__setup__ws")),
            (SlackKind::Worst, Some(_)) => ("worst hold slack", Some("timing__hold__ws")),
            (SlackKind::Worst, None) => ("worst slack, of which check it does not say", None),
        };
        self.time(what, slack.value, name);
    }

    fn placement(&mut self, placement: &GlobalPlacement) {
        for (what, value, unit) in [
            (
                "utilization, padding included",
                placement.utilization_percent,
                "%",
            ),
            ("target density", placement.target_density, ""),
            (
                "half-perimeter wire length in global placement",
                placement.hpwl_um,
                "µm",
            ),
            (
                "overflow at the end of global placement",
                placement.final_overflow,
                "",
            ),
        ] {
            if value.is_some() {
                self.add(what, value, unit, None);
            }
        }
    }

    fn congestion(&mut self, report: &CongestionReport) {
        let Some(total) = &report.total else {
            return;
        };
        self.count("routing resources", total.resource, None);
        self.count("routing demand", total.demand, None);
        self.add("routing usage", Some(total.usage_percent), "%", None);
        self.count("routing overflow", total.total_overflow, None);
    }

    fn routing(&mut self, fact: &RoutingFact) {
        match fact {
            RoutingFact::GlobalWireLengthUm(length) => {
                let name = Some("global_route__wirelength");
                self.add("wire length of global routing", Some(*length), "µm", name);
            }
            RoutingFact::GlobalVias(count) => {
                self.count("vias of global routing", *count, Some("global_route__vias"));
            }
            RoutingFact::RoutedNets(count) => self.count("routed nets", *count, None),
            RoutingFact::FinishedWithCongestion(level) => {
                self.add(
                    format!("routing ended with congestion ({level})"),
                    None,
                    "",
                    None,
                );
            }
            RoutingFact::AntennaViolations(count) => {
                self.count("antenna violations", *count, None);
            }
            RoutingFact::AntennaNets(count) => {
                let name = Some("antenna__violating__nets");
                self.count("nets with antenna violations", *count, name);
            }
            RoutingFact::AntennaPins(count) => {
                let name = Some("antenna__violating__pins");
                self.count("pins with antenna violations", *count, name);
            }
            RoutingFact::DetailedViolations(count) => {
                let name = Some("route__drc_errors");
                self.count("violations of design rules", *count, name);
            }
        }
    }

    fn repair(&mut self, fact: &RepairFact) {
        let (what, count) = match *fact {
            RepairFact::SetupViolations(count) => {
                ("endpoints with setup violations before a repair", count)
            }
            RepairFact::HoldViolations(count) => {
                ("endpoints with hold violations before a repair", count)
            }
            RepairFact::SlewViolations(count) => ("slew violations before a repair", count),
            RepairFact::FanoutViolations(count) => ("fanout violations before a repair", count),
            RepairFact::CapacitanceViolations(count) => {
                ("capacitance violations before a repair", count)
            }
            RepairFact::LongWires(count) => ("long wires before a repair", count),
            RepairFact::InsertedBuffers(count) => ("buffers inserted", count),
            RepairFact::InsertedHoldBuffers(count) => ("hold buffers inserted", count),
            RepairFact::InsertedInputBuffers(count) => ("input buffers inserted", count),
            RepairFact::InsertedOutputBuffers(count) => ("output buffers inserted", count),
            RepairFact::RemovedBuffers(count) => ("buffers removed", count),
            RepairFact::ResizedInstances(count) => ("instances resized", count),
            RepairFact::SwappedPins(count) => ("instances with swapped pins", count),
            RepairFact::ClonedInstances(count) => ("instances cloned", count),
            RepairFact::MirroredInstances(count) => ("instances mirrored", count),
            RepairFact::SetupNotRepaired => {
                return self.add("not all setup violations could be repaired", None, "", None);
            }
            RepairFact::HoldNotRepaired => {
                return self.add("not all hold violations could be repaired", None, "", None);
            }
        };
        self.count(what, count, None);
    }
}
