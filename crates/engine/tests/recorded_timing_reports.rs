//! Path reports that a real OpenROAD printed are read to the values that are stated beside them.

mod support;

use std::fs;
use std::path::PathBuf;

use noodle2_engine::{ReadLimits, ReportCheck, TimingReport, read_timing_report};

fn recorded() -> Option<PathBuf> {
    support::shared().map(|shared| shared.join("openroad"))
}

fn read(text: &str) -> TimingReport {
    read_timing_report(text.as_bytes(), ReadLimits::default()).unwrap()
}

/// The section of a log that follows the line `=== name`.
fn section<'a>(log: &'a str, name: &str) -> &'a str {
    let (_, rest) = log
        .split_once(&format!("=== {name}\n"))
        .unwrap_or_else(|| panic!("{name}"));
    rest.split("\n=== ").next().unwrap()
}

fn worst(report: &TimingReport, check: ReportCheck) -> Option<f64> {
    let found = report.checks.iter().find(|found| found.check == check)?;
    found.worst_slack
}

/// Setup slack with six digits and hold slack with two, in the unit of the run, which has so many picoseconds; the path
/// group; whether setup is violated at more than one endpoint.
const RUNS: [(&str, f64, f64, f64, &str, bool); 5] = [
    (
        "gcd_nangate45",
        -0.002945,
        0.11,
        1000.0,
        "core_clock",
        false,
    ),
    ("gcd_sky130hd", -0.539386, 0.46, 1000.0, "core_clock", true),
    ("gcd_asap7", -22.353619, 64.82, 1.0, "core_clock", true),
    ("aes_nangate45", -0.809194, 0.09, 1000.0, "clk", true),
    ("aes_asap7", -330.705505, 68.26, 1.0, "clk", true),
];

#[test]
fn every_layout_of_the_recorded_runs_tells_the_stated_slack() {
    let Some(folder) = recorded() else { return };
    for (name, setup, hold, unit_ps, group, is_violated) in RUNS {
        let log = fs::read_to_string(folder.join(name).join("run.log")).unwrap();
        let close = |value: Option<f64>, to: f64| {
            value.is_some_and(|value| (value - to).abs() <= 0.005 + 1e-9)
        };

        let full = read(section(&log, "report_checks max digits 6"));
        assert_eq!(worst(&full, ReportCheck::Setup), Some(setup), "{name}");
        assert_eq!((full.paths, full.fewest_decimals), (1, Some(6)), "{name}");
        let path = &full.worst_paths[0];
        assert!(
            path.is_violated && path.group.as_deref() == Some(group),
            "{path:?}"
        );
        let delays = path.delays.unwrap_or_else(|| panic!("{name}: {path:?}"));
        assert!(
            delays.cells > 3 && delays.cell_delay > delays.net_delay,
            "{name}: {delays:?}"
        );

        // Without net names, with them, and the other check.
        // A field that this version does not know is left out, with a warning before the report.
        let unknown = "report_checks max (field name nets is unknown in this version)";
        let without = read(section(&log, unknown));
        assert!(
            close(worst(&without, ReportCheck::Setup), setup),
            "{name}: {without:?}"
        );
        let two = read(section(&log, "report_checks max"));
        assert!(
            close(worst(&two, ReportCheck::Setup), setup),
            "{name}: {two:?}"
        );
        let min = read(section(&log, "report_checks min"));
        assert_eq!(worst(&min, ReportCheck::Hold), Some(hold), "{name}");
        assert!(!min.worst_paths[0].is_violated, "{name}");

        let summary = read(section(&log, "report_checks summary"));
        assert_eq!(summary.paths, 5, "{name}");
        assert!(
            close(worst(&summary, ReportCheck::Unknown), setup),
            "{name}: {summary:?}"
        );
        let ends = read(section(&log, "report_checks end"));
        let end = &ends.checks[0];
        assert_eq!((ends.paths, end.endpoints), (5, Some(5)), "{name}");
        assert!(close(end.worst_slack, setup), "{name}: {ends:?}");
        assert_eq!(
            end.violating_endpoints.unwrap() > 1,
            is_violated,
            "{name}: {ends:?}"
        );
        assert_eq!(
            ends.worst_paths[0].end.split('/').next(),
            path.end.split('/').next(),
            "{name}"
        );
        let slacks = read(section(&log, "report_checks slack_only"));
        assert!(
            close(slacks.groups[0].ends.worst_slack, setup),
            "{name}: {slacks:?}"
        );
        assert_eq!(slacks.groups[0].group.as_deref(), Some(group), "{name}");

        // In seconds with four digits, whatever the unit of the rest.
        let told = read(section(&log, "report_checks json"));
        assert_eq!((told.paths, told.is_cut_off), (0, false), "{name}");
        let json = told.json.unwrap();
        assert_eq!((json.paths, json.paths_without_slack), (1, 0), "{name}");
        let found = &json.worst_paths[0];
        assert!(
            (found.slack - setup * unit_ps).abs() <= setup.abs() * unit_ps * 5e-4,
            "{name}: {found:?}"
        );
        assert_eq!(
            (&found.group, &found.end),
            (&path.group, &path.end),
            "{name}"
        );
        assert_eq!(found.check, ReportCheck::Setup, "{name}");

        // The whole log at once: what is told in JSON is not counted among the rest.
        let whole = read(&log);
        assert_eq!(whole.json.as_deref(), Some(&*json), "{name}");
        assert!(close(worst(&whole, ReportCheck::Setup), setup), "{name}");
    }
}

/// The worst slack of the twenty paths after each ECO is the setup slack in the table of ECOs, which was asked of the
/// engine, but for the last digit of single precision.
#[test]
fn the_paths_after_every_eco_tell_the_slack_in_the_table() {
    let Some(folder) = recorded() else { return };
    let table = fs::read_to_string(folder.join("eco/table.csv")).unwrap();
    let mut read_files = 0;
    for row in table.lines().skip(1) {
        let cells: Vec<&str> = row.split(',').collect();
        let path = folder.join("eco").join(cells[0]).join("paths20.rpt");
        let Ok(text) = fs::read_to_string(path) else {
            continue;
        };
        read_files += 1;
        let legal: f64 = cells[3].parse().unwrap();
        let mut report = read(&text);
        assert_eq!(
            (report.paths, report.fewest_decimals),
            (20, Some(6)),
            "{row}"
        );
        report.scale(3);
        let worst = worst(&report, ReportCheck::Setup).unwrap();
        assert!((worst - legal).abs() < 0.0015, "{worst} ps: {row}");
        assert!(
            report.worst_paths.iter().all(|path| path.delays.is_some()),
            "{row}"
        );
    }
    assert!(read_files > 20, "{read_files}");
}

#[test]
fn corners_of_paths_are_told_apart() {
    let Some(folder) = recorded() else { return };
    let report = read(&fs::read_to_string(folder.join("multicorner/run.log")).unwrap());
    let of = |corner: &str| {
        let found = report
            .groups
            .iter()
            .find(|group| group.corner.as_deref() == Some(corner));
        found.map(|group| (group.ends.check, group.ends.worst_slack))
    };
    assert_eq!(of("slow"), Some((ReportCheck::Setup, Some(-1.10))));
    assert_eq!(of("fast"), Some((ReportCheck::Hold, Some(0.07))));
    assert_eq!(of("typ"), None, "lists name no corner");
}

#[test]
fn a_query_without_paths_is_counted_as_one() {
    let Some(folder) = recorded() else { return };
    for (name, times) in [
        ("errors/14_no_clock_no_paths.log", 1),
        ("reload/sta1000.log", 1),
    ] {
        let report = read(&fs::read_to_string(folder.join(name)).unwrap());
        assert_eq!(report.no_paths, times, "{name}");
    }
}
