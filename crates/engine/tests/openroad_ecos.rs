//! The ECOs of the catalogue that OpenROAD runs, by the stand-in: which commands they call with which options, and what
//! those that edit cell by cell keep. What OpenROAD itself would find is not known here.

mod support;

use std::path::PathBuf;
use std::process::Command;

use noodle2_engine::{Catalogue, Eco, EcoOrigin, ParentFacts, StudyContext, TrialRequest};
use noodle2_model::{
    DesignState, EcoImplementation, EcoProposal, EngineKind, Failure, Measurement, Metric, Outcome,
    Parameters, StageIndex, TrialId, WireEstimate,
};
use support::Bench;

/// The ECOs that OpenROAD runs, each with its Tcl there.
fn ecos() -> Vec<(Eco, String)> {
    let catalogue = Catalogue::load(&[]).unwrap();
    let found = catalogue.iter().filter_map(|(_, eco)| {
        if !eco.manifest.engines.contains(&EngineKind::Openroad) {
            return None;
        }
        let EcoImplementation::Tcl(file) = eco.manifest.implementation_in(EngineKind::Openroad)
        else {
            return None;
        };
        let text = String::from_utf8(eco.files[&file].clone()).unwrap();
        Some((eco.clone(), text))
    });
    found.collect()
}

/// A measured base case whose trials leave folders and logs.
struct Trials {
    bench: Bench,
    context: StudyContext,
    base: (PathBuf, Measurement),
}

impl Trials {
    fn new(mut bench: Bench) -> Self {
        let context = bench.context();
        let base = bench.measured_base(&context);
        Self {
            bench,
            context,
            base,
        }
    }

    fn try_eco(&mut self, eco: &Eco, given: &Parameters) -> (String, Outcome) {
        let folder = self.bench.attempt();
        let proposal = EcoProposal::single(&eco.manifest, eco.content, given);
        let request = TrialRequest {
            trial: TrialId {
                stage: StageIndex(1),
                derived: 1,
            },
            netlists: vec![self.base.0.join(DesignState::NETLIST)],
            parent: Some(ParentFacts::from(&self.base.1)),
            eco: Some((&proposal, eco)),
            ..support::base_request(&self.context, &folder)
        };
        let outcome = self.context.run_trial(&request, &mut support::run);
        let log = std::fs::read_to_string(folder.join("openroad.log")).unwrap_or_default();
        (log, outcome)
    }

    /// Tries an ECO of the catalogue.
    fn of_catalogue(&mut self, name: &str, given: serde_json::Value) -> (String, Outcome) {
        let given: Parameters = serde_json::from_value(given).unwrap();
        let catalogue = Catalogue::load(&[]).unwrap();
        let eco = catalogue.get(name).unwrap();
        for (parameter, value) in &given {
            let spec = &eco.manifest.parameters[parameter];
            assert!(
                spec.kind.admit(value).is_some(),
                "{name}: {parameter}={value}"
            );
        }
        self.try_eco(eco, &given)
    }
}

/// What the stand-in was told by the ECO, before the design was legalised.
fn told(log: &str) -> Vec<&str> {
    let eco = log.split("noodle2: eco\n").nth(1).unwrap_or_default();
    let eco = eco.split("noodle2: compare\n").next().unwrap_or_default();
    eco.lines()
        .filter_map(|line| line.strip_prefix("STAND-IN was told: "))
        .collect()
}

fn failed(outcome: Outcome) -> Failure {
    support::failed(outcome)
}

#[test]
fn the_tcl_of_every_eco_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let ecos = ecos();
    assert!(ecos.len() > 20, "{}", ecos.len());
    let mut script = String::new();
    for (eco, text) in &ecos {
        let name = &eco.manifest.name;
        std::fs::write(folder.path().join(name), text).unwrap();
        script.push_str(&format!(
            "set channel [open {name}]; puts \"{name} [info complete [read $channel]]\"\n"
        ));
    }
    // Such a check must be able to say no.
    std::fs::write(folder.path().join("broken"), "proc x {} { if {1} {\n").unwrap();
    script.push_str("set channel [open broken]; puts \"broken [info complete [read $channel]]\"\n");
    std::fs::write(folder.path().join("check.tcl"), script).unwrap();
    let output = Command::new("tclsh")
        .arg("check.tcl")
        .current_dir(folder.path())
        .output()
        .unwrap();
    let answer = String::from_utf8(output.stdout).unwrap();
    let incomplete: Vec<&str> = answer.lines().filter(|line| line.ends_with(" 0")).collect();
    assert_eq!(incomplete, ["broken 0"]);
    assert_eq!(answer.lines().count(), ecos.len() + 1);
}

#[test]
fn every_eco_calls_its_command_with_options_that_the_version_has() {
    let mut trials = Trials::new(Bench::placed());
    let expected = |name: &str| -> &[&str] {
        match name {
            "buffer_ports" => &["buffer_ports"],
            "clone" => &[
                "repair_timing -setup -sequence clone -skip_last_gasp -skip_vt_swap -skip_crit_vt_swap",
            ],
            "detailed_placement" => &[
                "set_placement_padding -global -left 1 -right 1",
                "detailed_placement",
            ],
            "fix_hold" => &["repair_timing -hold"],
            "fix_slew_cap" | "repair_design" => &["repair_design"],
            "layer_adjustment" => &[
                "set_global_routing_layer_adjustment metal2 0.3",
                "set_global_routing_layer_adjustment metal3 0.3",
                "set_global_routing_layer_adjustment metal4 0.3",
                "set_global_routing_layer_adjustment metal5 0.3",
                "set_global_routing_layer_adjustment metal6 0.3",
            ],
            "optimize_mirroring" => &["optimize_mirroring"],
            "pin_swap" => &[
                "repair_timing -setup -sequence swap -skip_last_gasp -skip_vt_swap -skip_crit_vt_swap",
            ],
            "placement_density" => &["global_placement -skip_initial_place -density 0.65"],
            "power_recovery" => &["repair_timing -recover_power 20.0"],
            "repair_clock_nets" => &["repair_clock_nets"],
            "repair_timing_hold" => &["repair_timing -hold"],
            "repair_timing_setup" => &["repair_timing -setup"],
            "routability_driven_placement" => {
                &["global_placement -routability_driven -density 0.65 -skip_initial_place"]
            }
            "timing_driven_placement" => {
                &["global_placement -timing_driven -density 0.65 -skip_initial_place"]
            }
            // They edit cell by cell, or find nothing to do; this platform has no tie cells.
            "downsize_slack" | "noop" | "remove_buffers" | "upsize_critical" | "vt_swap"
            | "repair_tie_fanout" => &[],
            other => panic!("the ECO `{other}` is not expected here"),
        }
    };
    for (eco, _) in ecos() {
        let name = eco.manifest.name.clone();
        let (log, outcome) = trials.try_eco(&eco, &Parameters::new());
        assert_eq!(told(&log), expected(&name), "{name}: {log}");
        match (name.as_str(), outcome) {
            ("repair_tie_fanout", outcome) => {
                let failure = failed(outcome);
                assert!(failure.message.contains("`tie_cells`"), "{failure:?}");
            }
            (
                "layer_adjustment"
                | "placement_density"
                | "routability_driven_placement"
                | "timing_driven_placement"
                | "upsize_critical",
                outcome,
            ) => {
                let measured = support::measured(outcome);
                let class = measured.blast_radius.unwrap().class();
                assert!(class <= eco.manifest.class, "{name}: {class}");
            }
            (_, outcome) => assert_eq!(outcome, Outcome::NoEffect, "{name}: {log}"),
        }
    }
}

#[test]
fn parameters_become_options_in_the_units_of_the_tool() {
    let mut trials = Trials::new(Bench::placed());
    for (name, given, expected) in [
        (
            "repair_timing_setup",
            serde_json::json!({"setup_margin_ps": 50, "repair_tns_percent": 0, "pin_swaps": false, "cloning": false,
                "buffering": false, "buffer_removal": false, "last_gasp": false, "max_utilization_percent": 80}),
            "repair_timing -setup -setup_margin 0.05 -repair_tns 0.0 -skip_pin_swap -skip_gate_cloning -skip_buffering \
             -skip_buffer_removal -skip_last_gasp -max_utilization 80.0",
        ),
        (
            "repair_timing_hold",
            serde_json::json!({"hold_margin_ps": -20, "setup_margin_ps": 10, "allow_setup_violations": true,
                "max_buffer_percent": 5, "max_utilization_percent": 90}),
            "repair_timing -hold -hold_margin -0.02 -setup_margin 0.01 -allow_setup_violations -max_buffer_percent 5.0 \
             -max_utilization 90.0",
        ),
        (
            "repair_design",
            serde_json::json!({"slew_margin_percent": 20, "cap_margin_percent": 10, "max_wire_length_um": 500,
                "max_utilization_percent": 70}),
            "repair_design -slew_margin 20.0 -cap_margin 10.0 -max_wire_length 500.0 -max_utilization 70.0",
        ),
        (
            "fix_slew_cap",
            serde_json::json!({"slew_share": 0.75, "capacitance_share": 0.5}),
            "repair_design -slew_margin 25.0 -cap_margin 50.0",
        ),
        (
            "fix_hold",
            serde_json::json!({"hold_margin_ps": 30, "setup_margin_ps": 5}),
            "repair_timing -hold -hold_margin 0.03 -setup_margin 0.005",
        ),
        (
            "buffer_ports",
            serde_json::json!({"ports": "inputs"}),
            "buffer_ports -inputs",
        ),
        (
            "buffer_ports",
            serde_json::json!({"ports": "outputs"}),
            "buffer_ports -outputs",
        ),
        (
            "repair_clock_nets",
            serde_json::json!({"max_wire_length_um": 200}),
            "repair_clock_nets -max_wire_length 200.0",
        ),
        (
            "power_recovery",
            serde_json::json!({"path_percent": 100}),
            "repair_timing -recover_power 100.0",
        ),
        (
            "clone",
            serde_json::json!({"setup_margin_ps": 10, "repair_tns_percent": 50}),
            "repair_timing -setup -sequence clone -skip_last_gasp -skip_vt_swap -skip_crit_vt_swap -setup_margin 0.01 \
             -repair_tns 50.0",
        ),
        (
            "timing_driven_placement",
            serde_json::json!({"keep_places": false, "density": 0.8}),
            "global_placement -timing_driven -density 0.8",
        ),
        (
            "routability_driven_placement",
            serde_json::json!({"keep_places": false}),
            "global_placement -routability_driven -density 0.65",
        ),
        (
            "layer_adjustment",
            serde_json::json!({"first_level": 3, "last_level": 3, "share": 0.9}),
            "set_global_routing_layer_adjustment metal3 0.9",
        ),
    ] {
        let (log, _) = trials.of_catalogue(name, given);
        assert_eq!(told(&log), [expected], "{name}: {log}");
    }
}

#[test]
fn a_parameter_whose_option_the_version_lacks_fails_the_trial_rather_than_being_left_out() {
    let mut trials = Trials::new(Bench::placed());
    let lacking = "array unset ::n2::options *-skip_gate_cloning\n";
    let eco = with_tcl("repair_timing_setup", "eco.tcl", lacking);
    let (log, _) = trials.try_eco(&eco, &Parameters::new());
    assert_eq!(told(&log), ["repair_timing -setup"]);
    let given = serde_json::from_value(serde_json::json!({"cloning": false})).unwrap();
    let failure = failed(trials.try_eco(&eco, &given).1);
    assert!(
        failure.message.contains("-skip_gate_cloning"),
        "{}",
        failure.message
    );
}

#[test]
fn cells_are_made_stronger_while_setup_around_them_gains() {
    let mut trials = Trials::new(Bench::placed());
    let (_, judged) = trials.of_catalogue("upsize_critical", serde_json::json!({}));
    let judged = support::measured(judged);
    let before = trials.base.1.overall.get(Metric::SetupWs).unwrap();
    assert!(judged.overall.get(Metric::SetupWs).unwrap() > before);
    assert!(judged.edits["resize"] > 0);
    // A gain that no edit can have: every one is taken back.
    let (log, none) =
        trials.of_catalogue("upsize_critical", serde_json::json!({"min_gain_ps": 100}));
    assert_eq!(none, Outcome::NoEffect, "{log}");
    let (_, unseen) = trials.of_catalogue(
        "upsize_critical",
        serde_json::json!({"verify": false, "max_cells": 1, "registers": false}),
    );
    assert_eq!(support::measured(unseen).edits["resize"], 1);
}

/// The tiny design with a large inverter and a buffer behind it, on a slow clock.
fn with_slack() -> Bench {
    let mut bench = Bench::placed();
    let netlist = support::TINY_NETLIST
        .replace(
            "INVX1 u2 (.A(q1), .Y(n2));",
            "INVX8 u2 (.A(q1), .Y(n4));\n  BUFX2 u4 (.A(n4), .Y(n2));",
        )
        .replace("wire n1", "wire n4, n1");
    let placement = support::TINY_PLACEMENT
        .replace("COMPONENTS 5", "COMPONENTS 6")
        .replace("u2 INVX1", "u2 INVX8")
        .replace(
            "    - u3",
            "    - u4 BUFX2 + PLACED ( 40000 10000 ) N ;\n    - u3",
        )
        .replace("NETS 8", "NETS 9")
        .replace(
            "- n2 ( u2 Y ) ( u3 A )",
            "- n4 ( u2 Y ) ( u4 A ) + USE SIGNAL ;\n    - n2 ( u4 Y ) ( u3 A )",
        );
    bench.write("tiny.v", netlist);
    bench.write("tiny.def", placement);
    bench.write(
        "tiny.sdc",
        support::TINY_CONSTRAINTS.replace("-period 0.4", "-period 4"),
    );
    bench.study.engine.snapshot = Some("tiny.def".into());
    bench
}

#[test]
fn cells_with_slack_are_made_weaker_down_to_the_margin() {
    let mut trials = Trials::new(with_slack());
    let (log, weaker) = trials.of_catalogue("downsize_slack", serde_json::json!({"steps": 3}));
    let weaker = support::measured(weaker);
    assert!(weaker.edits["resize"] > 0, "{log}");
    let area = |measured: &Measurement| measured.overall.get(Metric::Area).unwrap();
    assert!(area(&weaker) < area(&trials.base.1));
    assert!(weaker.overall.get(Metric::SetupWs).unwrap() >= 20.0);
    let (log, none) =
        trials.of_catalogue("downsize_slack", serde_json::json!({"margin_ps": 100000}));
    assert_eq!(none, Outcome::NoEffect, "{log}");
}

#[test]
fn buffers_with_slack_are_taken_out_and_never_all_of_them_unasked() {
    let mut trials = Trials::new(with_slack());
    let (log, removed) = trials.of_catalogue("remove_buffers", serde_json::json!({}));
    assert_eq!(told(&log), ["remove_buffers u4"], "{log}");
    let removed = support::measured(removed);
    assert!(
        removed.overall.get(Metric::CellCount).unwrap()
            < trials.base.1.overall.get(Metric::CellCount).unwrap()
    );
    let (log, none) =
        trials.of_catalogue("remove_buffers", serde_json::json!({"margin_ps": 100000}));
    assert_eq!((told(&log), none), (vec![], Outcome::NoEffect));
    let (log, _) = trials.of_catalogue(
        "remove_buffers",
        serde_json::json!({"hold_margin_ps": 1000}),
    );
    assert_eq!(told(&log), Vec::<&str>::new(), "{log}");
}

/// An ECO of the catalogue with Tcl before its own.
fn with_tcl(name: &str, file: &str, tcl: &str) -> Eco {
    let catalogue = Catalogue::load(&[]).unwrap();
    let mut files = catalogue.get(name).unwrap().files.clone();
    let script = files.get_mut(file).unwrap();
    script.splice(0..0, tcl.bytes());
    Eco::new(name, files, EcoOrigin::BuiltIn).unwrap()
}

#[test]
fn cells_are_exchanged_for_twins_of_the_flavour_that_is_wanted() {
    let mut trials = Trials::new(Bench::placed());
    // This library has one flavour: a stronger inverter plays the faster twin.
    let twins = "set ::n2::twins(INVX1) {LVT INVX2}\nset ::n2::twins(INVX2) {RVT INVX1}\n";
    let eco = with_tcl("vt_swap", "openroad.tcl", twins);
    let given = |given| serde_json::from_value(given).unwrap();
    let (log, faster) = trials.try_eco(&eco, &Parameters::new());
    assert_eq!(support::measured(faster).edits["resize"], 1, "{log}");
    for nothing in [
        serde_json::json!({"goal": "leakage", "margin_ps": 0}),
        serde_json::json!({"flavour": "hvt"}),
        serde_json::json!({"min_gain_ps": 100}),
    ] {
        let (log, outcome) = trials.try_eco(&eco, &given(nothing));
        assert_eq!(outcome, Outcome::NoEffect, "{log}");
    }
}

#[test]
fn routes_are_found_again_after_an_eco() {
    let mut bench = Bench::placed();
    bench.study.engine.wires = Some(WireEstimate::GlobalRoute);
    let mut trials = Trials::new(bench);
    let (log, _) = trials.of_catalogue(
        "upsize_critical",
        serde_json::json!({"verify": false, "max_cells": 1}),
    );
    let parts: Vec<&str> = log.split("noodle2: eco\n").collect();
    let routes = |text: &str| text.matches("GRT-0096").count();
    assert_eq!(routes(parts[0]), 1, "{log}");
    // Once for what the ECO left, once for what became of it when it was made legal.
    assert_eq!(routes(parts[1]), 2, "{log}");
}

#[test]
fn the_page_on_openroad_lists_every_eco_with_its_class_and_version() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openroad.md");
    let page = std::fs::read_to_string(page).unwrap();
    let table = page.split("| ECO | class |").nth(1).unwrap();
    let rows = table.lines().skip(2).take_while(|line| !line.is_empty());
    let told: Vec<[String; 3]> = rows
        .map(|line| {
            let cells: Vec<&str> = line.split(" | ").collect();
            let plain = |cell: &str| cell.trim_matches(['|', ' ', '`']).to_owned();
            [plain(cells[0]), plain(cells[1]), plain(cells[3])]
        })
        .collect();
    let known: Vec<[String; 3]> = ecos()
        .into_iter()
        .map(|(eco, _)| {
            let version = match eco.manifest.needs.first().map(|need| &*need.known_in) {
                None => "any",
                Some("v2.0-20250301-d4884860") => "2025-03",
                Some("24Q3-8690") => "24Q3",
                Some(other) => panic!("the page names no version for {other}"),
            };
            let class = eco.manifest.class.to_string();
            [eco.manifest.name, class, version.to_owned()]
        })
        .collect();
    assert_eq!(told, known);
}
