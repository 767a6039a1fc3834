//! Timing reports of a real `sta`, in every layout, tell what the engine's own figures tell.

mod support;

use std::path::Path;
use std::process::Command;

use noodle2_engine::{PathSummary, ReadLimits, ReportCheck, TimingReport, read_timing_report};
use noodle2_liberty::LibraryCache;
use noodle2_model::{Metric, MetricSet};
use support::{Bench, scene, shared};

/// What plain `sta` reports of a design, with these words for `report_checks`.
fn reported(
    folder: &Path,
    libraries: &[std::path::PathBuf],
    top: &str,
    words: &[&str],
) -> Vec<(String, TimingReport)> {
    let temporary = tempfile::tempdir().unwrap();
    let mut script = String::new();
    for library in libraries {
        script += &format!("read_liberty {}\n", library.display());
    }
    script += &format!(
        "read_verilog {0}/netlist.v\nlink_design {top}\nread_sdc {0}/constraints.sdc\n",
        folder.display()
    );
    for (number, words) in words.iter().enumerate() {
        script += &format!("report_checks {words} -digits 9 > {number}.rpt\n");
    }
    std::fs::write(temporary.path().join("plain.tcl"), script).unwrap();
    let output = Command::new("sta")
        .args(["-no_init", "-no_splash", "-exit", "plain.tcl"])
        .current_dir(&temporary)
        .output()
        .unwrap();
    (0..words.len())
        .map(|number| {
            let path = temporary.path().join(format!("{number}.rpt"));
            let text = std::fs::read_to_string(&path)
                .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stdout)));
            let report = read_timing_report(text.as_bytes(), ReadLimits::default()).unwrap();
            (text, report)
        })
        .collect()
}

/// A design, its libraries, and its unit of time in ps.
const DESIGNS: [(&str, &[&str], f64); 3] = [
    ("aes_buffered.nangate45", &["nangate45_typ"], 1000.0),
    ("gcd.sky130hd", &["sky130hd_tt"], 1000.0),
    (
        "gcd.asap7",
        &[
            "asap7sc7p5t_AO_RVT_TT_nldm_211120",
            "asap7sc7p5t_INVBUF_RVT_TT_nldm_220122",
            "asap7sc7p5t_OA_RVT_TT_nldm_211120",
            "asap7sc7p5t_SEQ_RVT_TT_nldm_220123",
            "asap7sc7p5t_SIMPLE_RVT_TT_nldm_211120",
        ],
        1.0,
    ),
];

#[test]
fn a_report_of_every_layout_tells_what_the_engine_measures() {
    let Some(shared) = shared() else { return };
    let cache = LibraryCache::new(concat!(env!("CARGO_TARGET_TMPDIR"), "/libraries")).unwrap();
    for (name, libraries, unit_ps) in DESIGNS {
        let mut bench = Bench::real(&shared, name, |sdc| vec![scene("typical", sdc)]);
        let context = bench.context();
        let (_, base) = bench.measured_base(&context);
        let platform = shared.join("pdk").join(&bench.study.design.platform);
        let plain = libraries.iter().map(|library| {
            let path = platform.join(format!("{library}.lib.gz"));
            std::path::absolute(cache.plain(&path).unwrap()).unwrap()
        });
        let layouts = [
            "-path_delay max -group_count 100000 -format full",
            "-path_delay max -group_count 100000 -format full_clock",
            "-path_delay max -group_count 100000 -format full_clock_expanded -fields {slew cap input nets fanout}",
            "-path_delay max -group_count 100000 -format end",
            "-path_delay min_max -group_count 100000 -format full -fields {input}",
        ];
        let folder = shared.join("designs").join(name);
        let libraries: Vec<_> = plain.collect();
        let reports = reported(&folder, &libraries, &bench.study.design.top, &layouts);
        for (layout, (_, report)) in layouts.iter().zip(&reports) {
            assert_setup(report, &base.overall, unit_ps, &format!("{name}: {layout}"));
        }
        let hold = reports[4]
            .1
            .checks
            .iter()
            .find(|found| found.check == ReportCheck::Hold);
        let worst = hold.and_then(|found| found.worst_slack).unwrap();
        let measured = base.overall.get(Metric::HoldWs).unwrap();
        assert!(
            (worst * unit_ps - measured).abs() < 0.002,
            "{name}: hold is {worst}"
        );

        // What the worst path is made of, as the engine walks it.
        let profile = &base.paths[0];
        for (text, report) in [&reports[2], &reports[4]] {
            let setup = report
                .worst_paths
                .iter()
                .find(|path| path.check == ReportCheck::Setup);
            let setup = setup.unwrap();
            assert_eq!(setup.end, profile.end.to_string(), "{name}");
            let delays = setup.delays.expect("input pins tell cells and nets apart");
            assert_eq!(delays.cells, profile.stages, "{name}");
            // The engine's profile leaves out the launching register.
            let cells = (delays.cell_delay - launch_delay(text, setup)) * unit_ps;
            assert!(
                (cells - profile.cell_delay_ps).abs() < 0.01,
                "{name}: {cells}, not {}",
                profile.cell_delay_ps
            );
        }
        assert_eq!(reports[0].1.worst_paths[0].delays, None, "{name}");
    }
}

/// The delay from the clock pin of the register at which a path starts to its output, by a plain look at the text.
fn launch_delay(text: &str, path: &PathSummary) -> f64 {
    let start = path.start.as_deref().unwrap();
    let table = text
        .split("Startpoint: ")
        .find(|table| table.starts_with(&format!("{start} ")) && table.contains("Type: max"))
        .unwrap();
    let mut rows = table
        .lines()
        .filter(|row| row.contains(&format!(" {start}/")));
    let output = rows.nth(1).unwrap();
    let before_edge = output.split(['^', 'v']).next().unwrap();
    let delay = before_edge.split_whitespace().rev().nth(1).unwrap();
    delay.parse().unwrap()
}

#[track_caller]
fn assert_setup(report: &TimingReport, metrics: &MetricSet, unit_ps: f64, what: &str) {
    let setup = report
        .checks
        .iter()
        .find(|found| found.check == ReportCheck::Setup);
    let setup = setup.unwrap_or_else(|| panic!("{what}: {report:#?}"));
    let told = [
        (
            Metric::SetupWs,
            setup.worst_slack.map(|slack| slack * unit_ps),
        ),
        (
            Metric::SetupTns,
            setup.total_negative_slack.map(|sum| sum * unit_ps),
        ),
        (
            Metric::SetupViolatingEndpoints,
            setup.violating_endpoints.map(|count| count as f64),
        ),
    ];
    for (metric, told) in told {
        let told = told.unwrap_or_else(|| panic!("{what}: no {metric}"));
        let measured = metrics.get(metric).unwrap();
        // The engine adds up in single precision.
        let step = 0.002 + measured.abs() * 1e-6;
        assert!(
            (told - measured).abs() <= step,
            "{what}: {metric} is {told}, measured {measured}"
        );
    }
}
