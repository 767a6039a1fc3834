//! Trials on a placed design, by the stand-in for OpenROAD: the control flow of the engine, not what OpenROAD finds.

mod support;

use std::path::PathBuf;

use noodle2_engine::{Engine, TrialRequest};
use noodle2_model::{
    DesignGuard, DesignState, EcoManifest, Failure, FailureClass, FindingKind, HeatmapPolicy,
    Measurement, Metric, Outcome, PhysicalReach, ProtectedObjects, StageMode,
};
use support::Bench;

#[test]
fn a_base_case_is_measured_with_its_layout() {
    let mut bench = Bench::placed();
    let context = bench.context();
    let (folder, base) = bench.measured_base(&context);
    for name in [
        DesignState::NETLIST,
        DesignState::DEF,
        DesignState::DATABASE,
        "metrics.json",
        "openroad.log",
    ] {
        assert!(folder.join(name).is_file(), "{name}");
    }
    let log = std::fs::read_to_string(folder.join("openroad.log")).unwrap();
    assert!(log.contains("STAND-IN"), "{log}");
    let metrics = std::fs::read_to_string(folder.join("metrics.json")).unwrap();
    assert!(metrics.contains("OpenROAD stand-in-0"), "{metrics}");
    assert!(base.overall.get(Metric::SetupWs).unwrap() < 0.0);
    assert_eq!(base.overall.get(Metric::PlacementViolations), Some(0.0));
    assert!(base.overall.get(Metric::Utilisation).unwrap() > 0.0);
    assert_eq!(base.overall.get(Metric::RoutingOverflow), None);
    assert!(base.design.placement.is_some());
    assert!(base.scenes["typical"].get(Metric::Power).unwrap() > 0.0);
}

/// Measures the base case in a mode, and tells its folder.
fn base_in(bench: &mut Bench, mode: StageMode, audits_gain: bool) -> (PathBuf, Measurement) {
    let context = bench.context();
    let folder = bench.attempt();
    let request = TrialRequest {
        mode,
        audits_gain,
        ..support::base_request(&context, &folder)
    };
    let outcome = context.run_trial(&request, &mut support::run);
    (folder, support::measured(outcome))
}

const RESIZE: &str = "note resized [::n2::resize u2 INVX2]\n";

#[test]
fn an_eco_is_legalised_and_its_moves_and_wires_are_accounted_for() {
    let mut bench = Bench::placed();
    let context = bench.context();
    let base = bench.measured_base(&context);
    let (folder, outcome) = bench.try_tcl(&context, &base, RESIZE, false);
    let measured = support::measured(outcome);
    assert_eq!(measured.edits["resize"], 1);
    // INVX2 is wider than INVX1, and nothing stands beside it.
    assert_ne!(measured.design.canonical, base.1.design.canonical);
    let radius = measured.blast_radius.unwrap();
    assert!(radius.physical <= PhysicalReach::Local, "{radius:?}");
    assert!(!measured.estimated["typical"].is_empty());
    assert_eq!(
        measured.overall.get(Metric::DisplacementTotal),
        Some(0.0),
        "it grew where it stood"
    );
    let estimated = std::fs::read_to_string(folder.join("estimated-nets.txt")).unwrap();
    assert_eq!(estimated.lines().collect::<Vec<_>>(), ["n2", "q1"]);
    let steps: Vec<String> = std::fs::read_to_string(folder.join("openroad.log"))
        .unwrap()
        .lines()
        .filter_map(|line| line.strip_prefix("noodle2: "))
        .map(str::to_owned)
        .collect();
    let order: Vec<usize> = ["eco", "legalise", "check_placement", "write"]
        .iter()
        .map(|step| steps.iter().position(|found| found == step).unwrap())
        .collect();
    assert!(order.is_sorted(), "{steps:?}");
}

#[test]
fn a_case_that_is_read_again_is_the_very_same() {
    let mut bench = Bench::placed();
    let context = bench.context();
    let base = bench.measured_base(&context);
    let (folder, outcome) = bench.try_tcl(&context, &base, RESIZE, false);
    let measured = support::measured(outcome);
    let again = TrialRequest {
        netlists: vec![folder.join(DesignState::NETLIST)],
        ..support::base_request(&context, &bench.attempt())
    };
    let again = support::measured(context.run_trial(&again, &mut support::run));
    assert_eq!(again.design.canonical, measured.design.canonical);
    assert_eq!(again.overall, measured.overall.of_design());
    assert_eq!(again.scenes, measured.scenes);
}

#[test]
fn an_eco_that_does_nothing_has_no_effect() {
    let mut bench = Bench::placed();
    let context = bench.context();
    let base = bench.measured_base(&context);
    let (_, outcome) = bench.try_tcl(&context, &base, "note done nothing", false);
    assert_eq!(outcome, Outcome::NoEffect);
}

#[test]
fn modes_that_route_measure_routes_and_tell_of_maps_that_they_could_not_have() {
    let mut bench = Bench::placed();
    let (folder, routed) = base_in(&mut bench, StageMode::StaCongestion, true);
    assert_eq!(routed.overall.get(Metric::RoutingOverflow), Some(0.0));
    assert!(routed.overall.get(Metric::RoutedWirelength).is_some());
    assert_eq!(routed.overall.get(Metric::AntennaViolations), None);
    assert!(!routed.routed["typical"].is_empty());
    assert!(folder.join("heatmap-placement.csv").is_file());
    let (_, full) = base_in(&mut bench, StageMode::Full, false);
    assert_eq!(full.overall.get(Metric::AntennaViolations), Some(0.0));
    assert!(full.routed.is_empty());
}

/// What an ECO with this Tcl fails with.
fn refused(tcl: &str) -> Failure {
    let mut bench = Bench::placed();
    let context = bench.context();
    let base = bench.measured_base(&context);
    let (_, outcome) = bench.try_tcl(&context, &base, tcl, true);
    support::failed(outcome)
}

#[test]
fn what_the_snapshot_fixes_does_not_move() {
    let failure = refused("set ::stand_in::places(r2) {21600 20000 FS FIXED}");
    assert_eq!(failure.class, FailureClass::BlastRadiusExceeded);
    assert!(failure.message.contains("`r2`"), "{}", failure.message);
}

#[test]
fn wires_that_were_not_estimated_again_are_refused() {
    // An ECO that keeps the engine from comparing: the files that it leaves tell all the same.
    let failure = refused(&format!(
        "{RESIZE}proc ::n2::nets_of_changes {{}} {{ return {{}} }}"
    ));
    assert_eq!(failure.class, FailureClass::ParasiticsIncomplete);
    assert!(failure.message.contains("net `"), "{}", failure.message);
}

#[test]
fn an_error_that_an_eco_caught_is_a_failure() {
    let failure = refused(
        "catch { stand_in::fail STA-1000 \"instance u2 swap master INVX2 is not equivalent\" }",
    );
    assert_eq!(failure.tool_code.as_deref(), Some("STA-1000"));
}

#[test]
fn an_eco_never_exchanges_a_cell_for_another_function() {
    let mut bench = Bench::placed();
    let context = bench.context();
    let base = bench.measured_base(&context);
    let (_, outcome) = bench.try_tcl(&context, &base, "::n2::resize u2 NAND2X1", false);
    assert_eq!(outcome, Outcome::NoEffect);
}

#[test]
fn what_is_protected_is_withheld_from_the_tool_and_from_an_eco_and_free_again_after_it() {
    let mut bench = Bench::placed();
    let context = bench.context();
    let base = bench.measured_base(&context);
    let guard = DesignGuard {
        protect: ProtectedObjects {
            instances: vec!["u2".to_owned()],
            ..ProtectedObjects::default()
        },
        ..DesignGuard::default()
    };
    let told = "note held [[[ord::get_db_block] findInst u2] isDoNotTouch]\n";
    let manifest = "implementation:\n  tcl: eco.tcl\n";
    let eco = support::eco(
        manifest,
        false,
        &[(
            "eco.tcl",
            &format!(
                "{told}::n2::resize u2 INVX2\n::n2::resize u1 NAND3X1\n::n2::resize u2 INVX4\n"
            ),
        )],
    );
    let folder = bench.attempt();
    let outcome = support::try_eco_under(&context, &base, &eco, &folder, guard, &mut support::run);
    assert_eq!(outcome, Outcome::NoEffect);
    let result = std::fs::read_to_string(folder.join("result.tsv")).unwrap();
    assert!(result.contains("note\theld\t1"), "{result}");
}

#[test]
fn a_design_that_has_no_room_is_told_by_the_code_of_the_tool() {
    let failure =
        refused("set ::stand_in::rows [lrange $::stand_in::rows 0 -1]; ::n2::resize u2 INVX2");
    assert_eq!(failure.class, FailureClass::PlacementIllegal);
    assert_eq!(failure.tool_code.as_deref(), Some("DPL-0036"));
}

#[test]
fn a_map_that_cannot_be_had_is_told_or_fails_the_trial_and_is_never_made_up() {
    let no_maps = "proc ::gui::dump_heatmap {kind file} { ::stand_in::fail GUI-0072 \"not populated with data.\" }\n";
    for (policy, class) in [
        (None, None),
        (
            Some(HeatmapPolicy::Required),
            Some(FailureClass::VisualizationUnavailable),
        ),
    ] {
        let mut bench = Bench::placed();
        bench.write(
            "tiny.sdc",
            format!("{no_maps}{}", support::TINY_CONSTRAINTS),
        );
        bench.study.engine.heatmaps = policy;
        let context = bench.context();
        let folder = bench.attempt();
        let request = TrialRequest {
            mode: StageMode::StaCongestion,
            ..support::base_request(&context, &folder)
        };
        let outcome = context.run_trial(&request, &mut support::run);
        match class {
            None => {
                let measured = support::measured(outcome);
                let told = measured.findings.iter();
                let told = told.filter(|finding| {
                    finding.kind == FindingKind::VisualizationUnavailable && !finding.kind.blocks()
                });
                assert_eq!(told.count(), 3, "{:?}", measured.findings);
                assert_eq!(measured.overall.get(Metric::RoutingHotBins), None);
            }
            Some(class) => assert_eq!(support::failed(outcome).class, class),
        }
        assert!(!folder.join("heatmap-routing.csv").exists());
    }
}

#[test]
fn a_database_that_is_cut_off_is_refused() {
    let mut bench = Bench::placed();
    let context = bench.context();
    let base = bench.measured_base(&context);
    let database = base.0.join(DesignState::DATABASE);
    let text = std::fs::read_to_string(&database).unwrap();
    std::fs::write(&database, &text[..text.len() / 2]).unwrap();
    let (_, outcome) = bench.try_tcl(&context, &base, RESIZE, false);
    assert_eq!(
        support::failed(outcome).class,
        FailureClass::ConfigurationError
    );
}

#[test]
fn a_platform_whose_names_are_not_those_of_its_lef_is_refused_with_the_names_that_are() {
    let mut bench = Bench::placed();
    let platform = "name: odd\ndescription: d\nroot: /usr/share/qflow/tech/osu018\ndefault_corner: typical\n\
        corners: {typical: [osu018_stdcells.lib]}\nlayout:\n  lefs: [osu018_stdcells.lef]\n  site: corf\n  \
        routing_layers: {signal: [metal1, metal9], clock: [metal1, metal6]}\n  \
        pin_layers: {horizontal: metal3, vertical: metal2}\n  wire_layers: {signal: metal3}\n  \
        utilisation_percent: {min: 30, max: 70}\n";
    let path = bench.write("odd.yaml", platform);
    bench.study.design.platform = path.display().to_string();
    let problems = bench.prepare().unwrap_err();
    let texts: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(texts.len(), 2, "{texts:?}");
    assert!(
        texts[0].contains("`corf`") && texts[0].contains("core"),
        "{texts:?}"
    );
    assert!(
        texts[1].contains("`metal9`") && texts[1].contains("metal6"),
        "{texts:?}"
    );
}

#[test]
fn an_engine_that_lacks_what_an_eco_needs_is_refused_with_a_version_that_has_it() {
    let bench = Bench::placed();
    let probe = tempfile::tempdir().unwrap();
    let spec = &bench.study.engine;
    let engine =
        Engine::probe(spec, spec.path.as_deref(), probe.path(), &mut support::run).unwrap();
    assert_eq!(engine.version(), "stand-in-0");
    let manifest: EcoManifest = serde_json::from_value(serde_json::json!({
        "name": "x", "version": 1, "class": "placement_local", "engines": ["openroad"], "description": "d",
        "changes_connectivity": false, "implementation": {"tcl": "eco.tcl"},
        "needs": [
            {"command": "repair_timing", "options": ["-setup", "-skip_size_down"], "known_in": "v2.0-99"},
            {"command": "recover_area", "known_in": "v3"},
            {"command": "repair_timing", "options": ["-hold"], "known_in": "v2"},
        ],
    }))
    .unwrap();
    assert_eq!(
        engine.lacks(&manifest),
        [
            "`repair_timing` without `-skip_size_down` (version v2.0-99 has it)",
            "no command `recover_area` (version v3 has it)",
        ]
    );
}
