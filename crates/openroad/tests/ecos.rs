//! What the recorded ECOs did, as it is stated beside them, comes out of what the tool printed and wrote.

mod support;

use std::path::Path;

use noodle2_model::Metric;
use noodle2_openroad::{
    FoundReport, MetricValue, MetricsFile, RepairFact, Report, SlackKind, read_reports,
};

/// A row of the table of ECOs.
struct Row<'a> {
    name: &'a str,
    cells: Vec<&'a str>,
}

impl Row<'_> {
    fn number(&self, column: usize) -> f64 {
        self.cells[column].parse().unwrap()
    }
}

const WNS_LEGAL: usize = 3;
const TNS_LEGAL: usize = 5;
const HOLD_LEGAL: usize = 7;
const AREA_LEGAL: usize = 9;
const CELLS_BEFORE: usize = 10;
const CELLS_LEGAL: usize = 11;

/// Every row of the table whose run was kept.
fn rows<'a>(folder: &Path, table: &'a str) -> Vec<Row<'a>> {
    let rows = table.lines().skip(1).map(|line| {
        let cells: Vec<&str> = line.split(',').collect();
        Row {
            name: cells[0],
            cells,
        }
    });
    rows.filter(|row| folder.join("eco").join(row.name).is_dir())
        .collect()
}

fn slacks(reports: &[FoundReport], kind: SlackKind) -> Vec<f64> {
    let slacks = reports.iter().filter_map(|found| match &found.report {
        Report::Slack(slack) if slack.kind == kind => slack.value,
        _ => None,
    });
    slacks.collect()
}

/// How many buffers, clones and diodes a run says that it inserted, less those that it removed.
fn inserted(reports: &[FoundReport]) -> f64 {
    let facts = reports.iter().filter_map(|found| match &found.report {
        Report::Repair(fact) => Some(fact),
        _ => None,
    });
    let added = facts.map(|fact| match fact {
        RepairFact::InsertedBuffers(count)
        | RepairFact::InsertedHoldBuffers(count)
        | RepairFact::InsertedInputBuffers(count)
        | RepairFact::InsertedOutputBuffers(count)
        | RepairFact::ClonedInstances(count) => *count as f64,
        RepairFact::RemovedBuffers(count) => -(*count as f64),
        _ => 0.0,
    });
    added.sum()
}

#[test]
fn every_kept_eco_tells_what_the_table_says_of_it() {
    let Some(folder) = support::recorded() else {
        return;
    };
    let table = support::text("eco/table.csv").unwrap();
    let rows = rows(&folder, &table);
    assert!(rows.len() > 20, "{}", rows.len());
    for row in rows {
        let name = row.name;
        let read = |file: &str| support::text(&format!("eco/{name}/{file}")).unwrap();
        let reports = read_reports(&read("run.log"));
        // Printed with two digits in ns, where the table has ps.
        let close = |printed: Option<&f64>, ps: f64| {
            assert!(
                printed.is_some_and(|printed| (printed * 1000.0 - ps).abs() <= 5.0 + 1e-6),
                "{name}: {printed:?} {ps}"
            );
        };
        close(
            slacks(&reports, SlackKind::WorstNegative).last(),
            row.number(WNS_LEGAL).min(0.0),
        );
        close(
            slacks(&reports, SlackKind::TotalNegative).last(),
            row.number(TNS_LEGAL).min(0.0),
        );
        let worst = slacks(&reports, SlackKind::Worst);
        close(worst.first(), row.number(WNS_LEGAL));
        close(worst.last(), row.number(HOLD_LEGAL));
        let area = reports.iter().rev().find_map(|found| match &found.report {
            Report::DesignArea(area) => Some(area.area_um2),
            _ => None,
        });
        assert!(
            (area.unwrap() - row.number(AREA_LEGAL)).abs() <= 0.5,
            "{name}: {area:?}"
        );
        let power = read_reports(&read("power.rpt"))
            .into_iter()
            .find_map(|found| match found.report {
                Report::Power(power) => power.total_watts(),
                _ => None,
            });
        assert!(
            power.is_some_and(|power| (0.1..0.4).contains(&power)),
            "{name}: {power:?}"
        );
        let limits =
            read_reports(&read("violators.rpt"))
                .into_iter()
                .filter_map(|found| match found.report {
                    Report::Limit(limit) => Some(limit.violations),
                    _ => None,
                });
        let violated = read("violators.rpt").matches("(VIOLATED)").count() as u64;
        assert_eq!(limits.sum::<u64>(), violated, "{name}");

        // What the ECOs say that they inserted is by how much the table has more cells. Placement inserts more than it
        // says, and a clock tree says it in words of its own.
        if !name.contains("gpl_td") && name != "placed.cts" {
            let more = row.number(CELLS_LEGAL) - row.number(CELLS_BEFORE);
            assert_eq!(inserted(&reports), more, "{name}");
        }
        let metrics = MetricsFile::parse(&read("metrics.json")).unwrap();
        let number = |name: &str| metrics.last(name).and_then(MetricValue::number);
        assert_eq!(
            number("flow__errors__count").unwrap() > 0.0,
            name == "cts.swap_worst20",
            "{name}"
        );
        let analysis = reports.iter().rev().find_map(|found| match &found.report {
            Report::PlacementAnalysis(analysis) => Some(analysis),
            _ => None,
        });
        assert_eq!(
            analysis.is_some(),
            number("design__instance__displacement__total").is_some(),
            "{name}"
        );
        if let Some(analysis) = analysis {
            for (printed, metric) in [
                (
                    analysis.total_displacement_um,
                    "design__instance__displacement__total",
                ),
                (
                    analysis.average_displacement_um,
                    "design__instance__displacement__mean",
                ),
                (
                    analysis.max_displacement_um,
                    "design__instance__displacement__max",
                ),
                (analysis.legalized_hpwl_um, "route__wirelength__estimated"),
            ] {
                let metric = number(metric).unwrap();
                // A tenth here, six digits there.
                assert!(
                    (printed - metric).abs() <= 0.051 + metric * 1e-5,
                    "{name}: {printed} {metric}"
                );
            }
        }
    }
}

/// The statement on ECOs: what each does to the setup slack, in ps, whole ones.
#[test]
fn the_stated_effects_come_out_of_the_recorded_logs() {
    let Some(folder) = support::recorded() else {
        return;
    };
    let table = support::text("eco/table.csv").unwrap();
    let found = rows(&folder, &table);
    for (name, stated) in [
        ("placed.none", -809.0),
        ("placed.repair_timing_setup", -75.0),
        ("placed.repair_timing_setup_fast", -72.0),
        ("placed.repair_design", -281.0),
        ("placed.gpl_td", -236.0),
        ("placed.gpl_td_skip", -243.0),
        ("placed.swap_worst1", -783.0),
        ("placed.swap_worst20", -729.0),
        ("placed.buffer_ports", -2504.0),
        ("placed.dpl_pad", -828.0),
        ("cts.repair_timing_setup", -122.0),
    ] {
        let row = found.iter().find(|row| row.name == name).unwrap();
        assert_eq!(row.number(WNS_LEGAL).round(), stated, "{name}");
        let reports = read_reports(&support::text(&format!("eco/{name}/run.log")).unwrap());
        let printed = slacks(&reports, SlackKind::WorstNegative)[0] * 1000.0;
        assert!((printed - stated).abs() <= 5.5, "{name}: {printed}");
    }
    let hold = found
        .iter()
        .find(|row| row.name == "cts_unc150ps.repair_timing_hold")
        .unwrap();
    assert!((hold.number(HOLD_LEGAL) - -0.3).abs() < 0.05);
    // Without an effect: no cell more or less, and the slack of before.
    for name in [
        "placed.repair_tie_fanout",
        "cts.repair_clock_nets",
        "placed.repair_timing_hold",
        "placed.detailed_placement",
    ] {
        let row = found.iter().find(|row| row.name == name).unwrap();
        assert_eq!(row.cells[1], row.cells[WNS_LEGAL], "{name}");
        let reports = read_reports(&support::text(&format!("eco/{name}/run.log")).unwrap());
        assert_eq!(inserted(&reports), 0.0, "{name}");
    }
}

#[test]
fn recorded_files_of_metrics_agree_with_the_reports() {
    if support::recorded().is_none() {
        return;
    }
    for name in [
        "gcd_nangate45",
        "gcd_sky130hd",
        "gcd_asap7",
        "aes_nangate45",
        "aes_asap7",
    ] {
        let file =
            MetricsFile::parse(&support::text(&format!("{name}/metrics.json")).unwrap()).unwrap();
        let reports = read_reports(&support::text(&format!("{name}/run.log")).unwrap());
        let sets = file.sets(None, 1.0);
        let usage = reports.iter().find_map(|found| match &found.report {
            Report::CellUsage(usage) => Some(&usage.total),
            _ => None,
        });
        let usage = usage.unwrap();
        let set = &sets[""];
        assert_eq!(
            set.get(Metric::CellCount),
            Some(usage.count as f64),
            "{name}"
        );
        let area = set.get(Metric::Area).unwrap();
        assert!(
            (area - usage.area_um2).abs() < 0.01 + area * 1e-5,
            "{name}: {area}"
        );
        // Each of the detailed placements of a run writes the same names.
        let times = file
            .entries
            .iter()
            .filter(|(name, _)| name == "route__wirelength__estimated");
        let placements = reports
            .iter()
            .filter(|found| matches!(found.report, Report::PlacementAnalysis(_)));
        assert_eq!(times.count(), placements.count(), "{name}");
        assert!(file.unknown().contains("design__io__hpwl"), "{name}");
    }
}
