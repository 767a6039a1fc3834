//! Reports of recorded runs give the values that are stated beside them, in their units.

mod support;

use noodle2_openroad::{
    CongestionReport, FoundReport, PowerReport, ProgressTable, RepairFact, Report, RoutingFact,
    SlackKind, Units, read_reports, read_wire_lengths,
};

fn read(name: &str) -> Option<Vec<FoundReport>> {
    support::text(name).map(|text| read_reports(&text))
}

/// What `pick` finds in reports, in order.
fn all<T>(reports: &[FoundReport], pick: impl Fn(&Report) -> Option<T>) -> Vec<T> {
    reports
        .iter()
        .filter_map(|found| pick(&found.report))
        .collect()
}

fn units(reports: &[FoundReport]) -> Units {
    let units = all(reports, |report| match report {
        Report::Units(units) => Some(units.clone()),
        _ => None,
    });
    units[0].clone()
}

fn slacks(reports: &[FoundReport], kind: SlackKind) -> Vec<Option<f64>> {
    all(reports, |report| match report {
        Report::Slack(slack) if slack.kind == kind => Some(slack.value),
        _ => None,
    })
}

fn powers(reports: &[FoundReport]) -> Vec<PowerReport> {
    all(reports, |report| match report {
        Report::Power(power) => Some(power.clone()),
        _ => None,
    })
}

fn congestion(reports: &[FoundReport]) -> Option<CongestionReport> {
    let found = all(reports, |report| match report {
        Report::Congestion(report) => Some(report.clone()),
        _ => None,
    });
    found.first().cloned()
}

/// Setup WNS and TNS with six digits, hold slack with two, power in W, area in µm², the total line of global routing.
type Stated = (
    &'static str,
    f64,
    f64,
    f64,
    f64,
    f64,
    Option<(u64, u64, f64, u64)>,
);

/// What the notes beside the recorded runs state, times in the unit of the run.
#[rustfmt::skip]
const STATED: [Stated; 5] = [
    ("gcd_nangate45", -0.002945, -0.002945, 0.11, 1.70e-3, 520.0, Some((55_367, 2_915, 5.26, 0))),
    ("gcd_sky130hd", -0.539386, -9.515125, 0.46, 1.08e-3, 2084.0, Some((39_430, 2_123, 5.38, 0))),
    ("gcd_asap7", -22.353619, -385.885101, 64.82, 2.33e-4, 34.0, Some((28_767, 1_599, 5.56, 0))),
    ("aes_nangate45", -0.809194, -202.731079, 0.09, 1.79e-1, 19_852.0, None),
    ("aes_asap7", -330.705505, -40757.394531, 68.26, 8.53e-2, 1272.0, Some((600_188, 100_444, 16.74, 0))),
];

#[test]
fn the_values_stated_beside_the_recorded_runs_are_read() {
    for (name, wns, tns, hold, power, area, routing) in STATED {
        let Some(reports) = read(&format!("{name}/run.log")) else {
            return;
        };
        let worst_negative = slacks(&reports, SlackKind::WorstNegative);
        // Two digits come first, then six.
        assert_eq!(worst_negative[1], Some(wns), "{name}");
        let rounded = worst_negative[0].unwrap();
        assert!((rounded - wns).abs() <= 0.005, "{name}: {rounded}");
        assert_eq!(
            slacks(&reports, SlackKind::TotalNegative)[1],
            Some(tns),
            "{name}"
        );
        assert_eq!(slacks(&reports, SlackKind::Worst)[1], Some(hold), "{name}");
        let power_report = &powers(&reports)[0];
        assert_eq!(power_report.total_watts(), Some(power), "{name}");
        assert_eq!(power_report.groups.len(), 5, "{name}");
        let areas = all(&reports, |report| match report {
            Report::DesignArea(area) => Some(area.area_um2),
            _ => None,
        });
        assert_eq!(areas[0], area, "{name}");
        let total = congestion(&reports).map(|report| {
            let total = report.total.unwrap();
            (
                total.resource,
                total.demand,
                total.usage_percent,
                total.total_overflow,
            )
        });
        assert_eq!(total, routing, "{name}");
        let ps = if name.ends_with("asap7") { 1.0 } else { 1000.0 };
        assert_eq!(units(&reports).picoseconds(), Some(ps), "{name}");
    }
}

#[test]
fn a_small_violation_at_two_digits_stays_minus_zero() {
    let Some(reports) = read("gcd_nangate45/run.log") else {
        return;
    };
    let worst = slacks(&reports, SlackKind::WorstNegative)[0].unwrap();
    assert!(worst == 0.0 && worst.is_sign_negative());
}

#[test]
fn an_infinite_slack_is_no_value() {
    let Some(reports) = read("errors/14_no_clock_no_paths.log") else {
        return;
    };
    assert_eq!(slacks(&reports, SlackKind::Worst), [None]);
    assert_eq!(slacks(&reports, SlackKind::WorstNegative), [Some(0.0)]);
    assert_eq!(powers(&reports)[0].total_watts(), Some(6.25e-4));
}

#[test]
fn every_report_of_a_run_is_found_with_its_values() {
    let Some(reports) = read("gcd_nangate45/run.log") else {
        return;
    };
    for found in &reports {
        match &found.report {
            Report::Units(units) => {
                assert_eq!(units.capacitance.as_ref().unwrap().factor, Some(1e-15));
                assert_eq!(units.resistance.as_ref().unwrap().factor, Some(1e3));
                assert_eq!(units.distance.as_ref().unwrap().factor, Some(1e-6));
                assert_eq!(units.power.as_ref().unwrap().factor, Some(1e-9));
                assert_eq!(found.line, 780);
            }
            Report::ClockSkew(skew) => {
                assert_eq!(
                    (skew.clock.as_str(), skew.check.as_str(), skew.skew),
                    ("core_clock", "setup", 0.0)
                );
                assert_eq!(skew.source, Some(("_672_/CK".to_owned(), 0.0)));
            }
            Report::ClockMinPeriod(period) => {
                assert_eq!((period.period, period.frequency_mhz), (0.47, 2136.01));
            }
            Report::CellUsage(usage) => {
                assert_eq!((usage.total.count, usage.total.area_um2), (476, 550.09));
                assert_eq!(usage.types.len(), 5);
                assert_eq!(usage.types[4].name, "Multi-Input combinational cell");
                assert_eq!(usage.types.iter().map(|row| row.count).sum::<u64>(), 476);
            }
            Report::Power(power) => {
                assert_eq!(power.announced_corner, None);
                assert_eq!(
                    (power.unit.text.as_str(), power.unit.factor),
                    ("Watts", Some(1.0))
                );
                assert_eq!(power.groups[0].internal, Some(4.53e-4));
                assert_eq!(power.groups[1].switching, Some(6.27e-4));
                assert_eq!(power.total.leakage, Some(1.22e-5));
            }
            Report::GlobalPlacement(placement) => {
                assert_eq!(placement.dbu, Some(2000.0));
                assert_eq!(placement.instances, Some(362));
                assert_eq!(placement.utilization_percent, Some(14.211));
                assert_eq!(placement.core_area_um2, Some(6398.364));
                assert_eq!(placement.target_density, Some(0.3));
                assert_eq!(placement.last_iteration, Some(340));
                assert_eq!(placement.last_overflow, Some(0.102));
                assert_eq!(placement.hpwl_um, Some(12_247_765.0 / 2000.0));
                assert_eq!(placement.final_overflow, Some(0.099508));
            }
            Report::PlacementAnalysis(analysis) => {
                assert_eq!(analysis.total_displacement_um, 271.1);
                assert_eq!(analysis.average_displacement_um, 0.6);
                assert_eq!(analysis.max_displacement_um, 3.3);
                assert_eq!(
                    (analysis.original_hpwl_um, analysis.legalized_hpwl_um),
                    (4985.2, 5168.7)
                );
                assert_eq!(analysis.hpwl_change_percent, 4.0);
            }
            Report::RoutingResources(layers) => {
                assert_eq!(layers.len(), 10);
                let layer = &layers[1];
                assert_eq!(
                    (layer.layer.as_str(), layer.direction.as_str()),
                    ("metal2", "Vertical")
                );
                assert_eq!(
                    (layer.original, layer.derated, layer.reduction_percent),
                    (25_163, 11_146, 55.7)
                );
            }
            Report::Congestion(report) => {
                assert_eq!(report.layers.len(), 10);
                assert_eq!(
                    (report.layers[1].demand, report.layers[1].usage_percent),
                    (1460, 13.1)
                );
            }
            _ => {}
        }
    }
    let facts = all(&reports, |report| match report {
        Report::Routing(fact) => Some(fact.clone()),
        _ => None,
    });
    let expected = [
        RoutingFact::GlobalVias(2713),
        RoutingFact::GlobalWireLengthUm(8330.0),
        RoutingFact::RoutedNets(399),
    ];
    assert_eq!(facts, expected);
    let kinds: std::collections::BTreeSet<_> = reports
        .iter()
        .map(|found| std::mem::discriminant(&found.report))
        .map(|kind| format!("{kind:?}"))
        .collect();
    assert_eq!(kinds.len(), 12, "{reports:#?}");
}

#[test]
fn limits_are_counted_by_kind_with_their_worst_pin() {
    let Some(reports) = read("aes_nangate45/run.log") else {
        return;
    };
    let limits = |reports: &[FoundReport]| {
        all(reports, |report| match report {
            Report::Limit(limit) => {
                let worst = limit
                    .worst
                    .as_ref()
                    .map(|worst| (worst.pin.clone(), worst.slack));
                Some((limit.kind.clone(), limit.listed, limit.violations, worst))
            }
            _ => None,
        })
    };
    let worst = |pin: &str, slack| Some((pin.to_owned(), slack));
    let found = limits(&reports);
    let expected = [
        ("max slew".to_owned(), 124, 124, worst("_33245_/Q", -0.5)),
        (
            "max capacitance".to_owned(),
            292,
            292,
            worst("_33245_/Q", -258.21),
        ),
    ];
    // Asked for by kind first, then with everything that is violated.
    assert_eq!(found, [expected.clone(), expected.clone()].concat());
    assert_eq!(
        limits(&read("eco/placed.none/violators.rpt").unwrap()),
        expected
    );
    let file = limits(&read("eco/placed.gpl_td/violators.rpt").unwrap());
    assert_eq!(
        file,
        [(
            "max capacitance".to_owned(),
            1,
            1,
            worst("_33118_/Q", -0.03)
        )]
    );
    // Nothing violates, which is an empty file: how many there are is known only to who asked.
    assert!(limits(&read("eco/placed.gpl_td_skip/violators.rpt").unwrap()).is_empty());
}

#[test]
fn power_is_read_by_corner() {
    let Some(reports) = read("multicorner/run.log") else {
        return;
    };
    let found: Vec<_> = powers(&reports)
        .iter()
        .map(|power| {
            (
                power.announced_corner.clone().unwrap(),
                power.total_watts().unwrap(),
            )
        })
        .collect();
    let expected = [("slow", 1.25e-3), ("typ", 1.70e-3), ("fast", 2.32e-3)];
    assert_eq!(
        found,
        expected.map(|(name, watts)| (name.to_owned(), watts))
    );
    assert_eq!(
        slacks(&reports, SlackKind::Worst),
        [Some(-1.1), Some(0.07), Some(-0.98)]
    );
}

fn progress(reports: &[FoundReport]) -> Vec<ProgressTable> {
    all(reports, |report| match report {
        Report::Progress(table) => Some(table.clone()),
        _ => None,
    })
}

fn repairs(reports: &[FoundReport]) -> Vec<RepairFact> {
    all(reports, |report| match report {
        Report::Repair(fact) => Some(fact.clone()),
        _ => None,
    })
}

#[test]
fn repairs_tell_what_they_did() {
    let Some(reports) = read("eco/cts.repair_timing_setup/run.log") else {
        return;
    };
    let table = &progress(&reports)[0];
    assert!(table.is_finished);
    let expected = [
        "Iter",
        "Removed Buffers",
        "Resized Gates",
        "Inserted Buffers",
        "Cloned Gates",
        "Pin Swaps",
        "Area",
        "WNS",
        "TNS",
        "Viol Endpts",
        "Worst Endpt",
    ];
    assert_eq!(table.columns, expected);
    assert_eq!(table.value(0, "WNS"), Some(-0.28));
    assert_eq!(table.final_value("WNS"), Some(-0.109));
    assert_eq!(table.final_value("Area"), Some(15.0));
    assert_eq!(table.final_value("Viol Endpts"), Some(129.0));
    assert_eq!(table.final_value("Worst Endpt"), None);
    assert_eq!(
        repairs(&reports),
        [
            RepairFact::SetupViolations(232),
            RepairFact::InsertedBuffers(1758),
            RepairFact::ResizedInstances(1044),
            RepairFact::SwappedPins(915),
            RepairFact::ClonedInstances(233),
            RepairFact::SetupNotRepaired,
        ]
    );

    let reports = read("eco/cts_unc150ps.repair_timing_hold/run.log").unwrap();
    assert_eq!(progress(&reports)[0].final_value("Buffers"), Some(1592.0));
    let expected = [
        RepairFact::HoldViolations(460),
        RepairFact::InsertedHoldBuffers(1592),
    ];
    assert_eq!(repairs(&reports), expected);

    let reports = read("eco/placed.repair_design_verbose/run.log").unwrap();
    let table = &progress(&reports)[0];
    assert_eq!(
        (table.rows.len(), table.final_value("Nets repaired")),
        (17, Some(164.0))
    );
    let expected = [
        RepairFact::SlewViolations(128),
        RepairFact::CapacitanceViolations(164),
        RepairFact::ResizedInstances(4310),
        RepairFact::InsertedBuffers(255),
    ];
    assert_eq!(repairs(&reports), expected);

    for (name, expected) in [
        (
            "placed.buffer_ports",
            vec![
                RepairFact::InsertedInputBuffers(258),
                RepairFact::InsertedOutputBuffers(129),
            ],
        ),
        (
            "placed.repair_timing_hold",
            vec![RepairFact::HoldViolations(0)],
        ),
        ("placed.remove_buffers", vec![RepairFact::RemovedBuffers(0)]),
        (
            "placed.optimize_mirroring",
            vec![RepairFact::MirroredInstances(6003)],
        ),
        ("placed.repair_tie_fanout", vec![]),
    ] {
        assert_eq!(
            repairs(&read(&format!("eco/{name}/run.log")).unwrap()),
            expected,
            "{name}"
        );
    }
    assert_eq!(
        repairs(&read("errors/18_repair_without_rc.log").unwrap()),
        [RepairFact::SetupViolations(0)]
    );
}

#[test]
fn a_repair_that_was_stopped_has_no_final_row() {
    let Some(reports) = read("errors/40_sigterm.log") else {
        return;
    };
    let table = &progress(&reports)[0];
    assert!(!table.is_finished);
    assert_eq!((table.rows.len(), table.final_value("WNS")), (4, None));
    assert_eq!(table.value(3, "WNS"), Some(-0.584));
}

#[test]
fn a_table_of_progress_of_another_version_is_read_by_its_heads() {
    let text = "   Iter   | Removed | Resized |   Area   |    WNS   |   StTNS    |   EnTNS    |  Viol  |  Worst  \n\
        \x20         | Buffers |  Gates  |          |          |            |            | Endpts | St/EnPt \n\
        ----------------------------------------------------------------------------------------\n\
        \x20      0* |       0 |       0 |    +0.0% |   -0.809 |     -150.1 |     -202.7 |    393 | _33374_/D\n\
        [   12.345]       10^ |       0 |       9 |    +0.0% |   -0.665 |     -140.0 |     -181.2 |    393 | _33374_/D\n\
        \x20   final |       1 |      19 |    +0.1% |   -0.612 |     -100.0 |     -172.2 |    390 | _33209_/D\n\
        ----------------------------------------------------------------------------------------\n";
    let table = &progress(&read_reports(text))[0];
    assert_eq!(table.rows.len(), 3);
    assert_eq!(table.final_value("EnTNS"), Some(-172.2));
    assert_eq!(table.final_value("TNS"), None, "no column of that name");
    assert_eq!(table.value(1, "Resized Gates"), Some(9.0));
}

#[test]
fn congestion_that_is_left_is_told() {
    let Some(reports) = read("eco/placed.grt_adj_hi/run.log") else {
        return;
    };
    let report = congestion(&reports).unwrap();
    let total = report.total.unwrap();
    assert_eq!(
        (total.resource, total.demand, total.usage_percent),
        (105_785, 145_298, 137.35)
    );
    assert_eq!(
        (
            total.max_horizontal_overflow,
            total.max_vertical_overflow,
            total.total_overflow
        ),
        (29, 32, 50_892)
    );
    let layer = &report.layers[2];
    assert_eq!(
        (
            layer.layer.as_str(),
            layer.total_overflow,
            layer.usage_percent
        ),
        ("metal3", 16_252, 174.41)
    );
    let level = |reports: &[FoundReport]| {
        let levels = all(reports, |report| match report {
            Report::Routing(RoutingFact::FinishedWithCongestion(level)) => Some(*level),
            _ => None,
        });
        levels.first().copied()
    };
    assert_eq!(
        level(&reports),
        Some(noodle2_openroad::MessageLevel::Warning)
    );
    let failed = read("errors/17_grt_congestion.log").unwrap();
    assert_eq!(level(&failed), Some(noodle2_openroad::MessageLevel::Error));
    assert_eq!(level(&read("eco/placed.grt_adj_lo/run.log").unwrap()), None);
}

#[test]
fn messages_on_antennas_and_detailed_routing_are_read() {
    let text = "[INFO GRT-0012] Found 35 antenna violations.\n[INFO ANT-0002] Found 2 net violations.\n\
        [INFO ANT-0001] Found 3 pin violations.\n[INFO DRT-0199]   Number of violations = 15.\n\
        [INFO DRT-0199]   Number of violations = 0.\n[WARNING RSZ-0020] found 4 floating nets.\n\
        Warning: There are 2 unconstrained endpoints.\nThere is 1 unclocked register/latch pin.\n\
        [WARNING DPL-0005] Overlap check failed (2).\n";
    let found: Vec<_> = read_reports(text)
        .iter()
        .map(|found| serde_json::to_value(found).unwrap().to_string())
        .collect();
    let expected = [
        r#"{"line":1,"report":"routing","values":{"of":"antenna_violations","value":35}}"#,
        r#"{"line":2,"report":"routing","values":{"of":"antenna_nets","value":2}}"#,
        r#"{"line":3,"report":"routing","values":{"of":"antenna_pins","value":3}}"#,
        r#"{"line":4,"report":"routing","values":{"of":"detailed_violations","value":15}}"#,
        r#"{"line":5,"report":"routing","values":{"of":"detailed_violations","value":0}}"#,
        r#"{"line":6,"report":"floating","values":{"count":4,"of":"nets"}}"#,
        r#"{"line":7,"report":"setup_complaint","values":{"count":2,"of":"unconstrained endpoints"}}"#,
        r#"{"line":8,"report":"setup_complaint","values":{"count":1,"of":"unclocked register/latch pins"}}"#,
        r#"{"line":9,"report":"placement_check","values":{"check":"Overlap","instances":2}}"#,
    ];
    assert_eq!(found, expected);
}

#[test]
fn slacks_and_units_of_other_versions_are_read_and_what_is_unknown_is_not() {
    let text = "wns max -0.25\ntns max -1.50\nworst slack min 0.02\nwns of the design\nworst slack ever 1.0\n\
        time 1ns\n time 1xs\n capacitance 1pF\n";
    let reports = read_reports(text);
    assert_eq!(slacks(&reports, SlackKind::WorstNegative), [Some(-0.25)]);
    assert_eq!(slacks(&reports, SlackKind::Worst), [Some(0.02)]);
    let units = units(&reports);
    assert_eq!(units.picoseconds(), None, "xs is no unit");
    assert_eq!(units.time.unwrap().text, "1xs");
    // A total of a large design that overflowed is no total.
    let text = "Layer         Resource        Demand        Usage (%)    Max H / Max V / Total Overflow\n\
        metal3      1500000000             100            0.00%             1 /  2 /  3\n\
        Total       -1794967296             300           -0.00%             5 /  7 /  9\n";
    let report = congestion(&read_reports(text)).unwrap();
    assert_eq!((report.layers.len(), report.total), (1, None));
    // Power in a unit that is not known.
    let text = "Group                  Internal  Switching    Leakage      Total\n\
        \x20                         Power      Power      Power      Power (Horses)\n----------------\n\
        Total                  9.95e-04   6.95e-04   1.22e-05   nan 100.0%\n";
    let power = &powers(&read_reports(text))[0];
    assert_eq!(
        (power.total_watts(), power.total.internal),
        (None, Some(9.95e-4))
    );
}

#[test]
fn wire_lengths_are_read_and_add_up() {
    let Some(text) = support::text("gcd_nangate45/wire_length.csv") else {
        return;
    };
    let nets = read_wire_lengths(&text).unwrap();
    assert_eq!(
        (nets[0].net.as_str(), nets[0].length_um, nets[0].pins),
        ("_000_", 10.5, 2)
    );
    assert_eq!(nets.len(), text.lines().count() - 1);
    // Global routing says 8330 µm, vias and rounding apart.
    let sum: f64 = nets.iter().map(|net| net.length_um).sum();
    assert!((8000.0..8400.0).contains(&sum), "{sum}");
    assert_eq!(read_wire_lengths("").unwrap_err().line, 1);
    assert_eq!(
        read_wire_lengths("tool net total_wl #pins\ngrt: a b 2\n")
            .unwrap_err()
            .line,
        2
    );
}

/// After OpenROAD's sources: names that are written out, and a table that messages interrupt.
#[test]
fn global_placement_of_later_versions_is_read() {
    let text = "[INFO GPL-0007] Movable instances:                 347\n[INFO GPL-0019] Utilization:                    15.070 %\n\
        [INFO GPL-0023] Placement target density:       0.3000\nIteration | Overflow |     HPWL (um) |  HPWL(%) |   Penalty | Group\n\
        ---------------------------------------------------------------\n\
        \x20       0 |   0.5073 |  3.985153e+03 |   +0.00% |  4.69e-13 |      \n[INFO GPL-0038] Routability snapshot saved at iter = 1\n\
        \x20     250 |   0.2996 |  3.912635e+03 |   -0.33% |  1.05e-08 |      \n\
        \x20     350 |   0.0985 |  3.910494e+03 |          |  5.25e-07 |      \n";
    let placement = |text: &str| match &read_reports(text)[..] {
        [
            FoundReport {
                report: Report::GlobalPlacement(placement),
                ..
            },
        ] => placement.clone(),
        other => panic!("{other:#?}"),
    };
    let found = placement(text);
    assert_eq!(
        (
            found.instances,
            found.utilization_percent,
            found.target_density
        ),
        (Some(347), Some(15.07), Some(0.3))
    );
    assert_eq!(
        (found.last_iteration, found.last_overflow),
        (Some(350), Some(0.0985))
    );
    assert_eq!(found.hpwl_um, Some(3910.494));
    assert_eq!(
        found.final_overflow, None,
        "it does not say that it finished"
    );
    let found = placement(&format!(
        "{text}[INFO GPL-1001] Global placement finished at iteration 350\n"
    ));
    assert_eq!(found.final_overflow, Some(0.0985));
}

#[test]
fn cells_that_could_not_be_placed_are_counted() {
    let text = "[INFO DPL-0034] Detailed placement failed on the following 13 instances:\n[INFO DPL-0035]  input29\n\
        [ERROR DPL-0036] Detailed placement failed.\n";
    let found = all(&read_reports(text), |report| match report {
        Report::PlacementCheck(check) => Some((check.check.clone(), check.instances)),
        _ => None,
    });
    assert_eq!(found, [("Detailed placement".to_owned(), 13)]);
}
