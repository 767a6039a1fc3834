//! A real `sta` on a tiny design written for these tests, on Debian's OSU018 library.

mod support;

use noodle2_engine::{OpenSta, Platform};
use noodle2_model::{Check, FailureClass, FindingKind, Measurement, Metric, Outcome, Parasitics};
use support::{Bench, eco, failed, measured, run, scene, try_eco};

#[test]
fn debians_sta_is_probed() {
    let folder = tempfile::tempdir().unwrap();
    let engine = OpenSta::probe(None, folder.path(), &mut run).unwrap();
    assert!(!engine.version.is_empty());
    assert!(engine.abilities.define_corners);
    if engine.version == "2.0.17" {
        assert!(!engine.abilities.whole_corners);
    }
    assert!(engine.path.is_absolute());
}

#[test]
fn what_is_no_sta_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let error = OpenSta::probe(Some("/bin/true".as_ref()), folder.path(), &mut run).unwrap_err();
    assert_eq!(error.code(), "N2-ENGINE-003");
    let error = OpenSta::probe(Some("/no/sta".as_ref()), folder.path(), &mut run).unwrap_err();
    assert_eq!(error.code(), "N2-ENGINE-001");
}

#[test]
fn the_base_is_measured_whole() {
    let mut bench = Bench::tiny();
    let context = bench.context();
    let (folder, base) = bench.measured_base(&context);
    let blocking: Vec<_> = base
        .findings
        .iter()
        .filter(|finding| finding.kind.blocks())
        .collect();
    assert!(blocking.is_empty(), "{blocking:#?}");
    for metric in [
        Metric::SetupWs,
        Metric::SetupTns,
        Metric::HoldWs,
        Metric::HoldTns,
        Metric::Power,
        Metric::Area,
        Metric::MaxSlewViolations,
        Metric::MaxCapacitanceViolations,
    ] {
        assert!(base.overall.get(metric).is_some(), "{metric}");
    }
    assert_eq!(base.overall.get(Metric::CellCount), Some(5.0));
    // OSU018 states no limit of fanout, and no wires are annotated.
    assert_eq!(base.overall.get(Metric::MaxFanoutViolations), None);
    assert_eq!(base.overall.get(Metric::AnnotatedNets), None);
    // 2 × DFFPOSX1 96, 2 × NAND2X1 24, INVX1 16 µm², as the library states.
    assert_eq!(
        base.overall.get(Metric::Area),
        Some(2.0 * 96.0 + 2.0 * 24.0 + 16.0)
    );
    assert!(base.overall.get(Metric::SetupWs).unwrap() < 0.0);

    let text = std::fs::read_to_string(folder.join("metrics.json")).unwrap();
    let document: serde_json::Value = serde_json::from_str(&text).unwrap();
    let typical = &document["scenes"]["typical"];
    assert_eq!(typical["pre_layout"], true);
    assert_eq!(typical["path_groups"][0]["group"], "clk");
    assert_eq!(
        typical["path_groups"][0]["setup_ws_ps"],
        document["overall"]["setup_ws_ps"]
    );
    let path = &typical["worst_setup_path"];
    assert_eq!(
        path["stages"].as_u64().unwrap() as usize,
        path["cells"].as_array().unwrap().len()
    );
    assert_eq!(path["cells"][0], serde_json::json!(["r1", "DFFPOSX1"]));
}

#[test]
fn loads_are_judged_by_what_the_library_states() {
    // INVX1 may drive 0.4848 pF, and its input is about 0.0093 pF.
    for (sinks, violations) in [(40, 0.0), (80, 1.0)] {
        let mut bench = Bench::tiny();
        let mut text = support::TINY_NETLIST.replace("endmodule\n", "");
        for sink in 0..sinks {
            text += &format!("  INVX1 s{sink} (.A(n2), .Y());\n");
        }
        bench.write("tiny.v", text + "endmodule\n");
        let context = bench.context();
        let (_, base) = bench.measured_base(&context);
        let found = base.overall.get(Metric::MaxCapacitanceViolations);
        assert_eq!(found, Some(violations), "{sinks}");
    }
}

#[test]
fn fanouts_are_judged_where_the_library_states_a_limit() {
    let mut bench = Bench::tiny();
    let library = Platform::load("osu018", None)
        .unwrap()
        .libraries(None)
        .unwrap()
        .remove(0);
    let text = std::fs::read_to_string(library).unwrap();
    let mut count = |limit: &str| {
        let head = text.find("cell (").unwrap();
        let (before, after) = text.split_at(head);
        bench.write(
            "own.lib",
            format!("{before}default_max_fanout : {limit};\ndefault_fanout_load : 1.0;\n{after}"),
        );
        bench.study.scenes[0].liberty = vec!["own.lib".to_owned()];
        let context = bench.context();
        bench
            .measured_base(&context)
            .1
            .overall
            .get(Metric::MaxFanoutViolations)
    };
    // The net of r1/Q alone has two sinks; the clock is driven by a port, which has no limit.
    assert_eq!(count("1"), Some(1.0));
    assert_eq!(count("2"), Some(0.0));
}

#[test]
fn an_eco_changes_what_its_children_read_back() {
    let mut bench = Bench::tiny();
    let context = bench.context();
    let base = bench.measured_base(&context);
    let tcl = "variable parameter\nvariable prefix\nresize [::sta::find_instance u2] $parameter(cell)\n\
        note seen \"$prefix tab\\there\"\n";
    let (folder, outcome) = bench.try_tcl(&context, &base, tcl, false);
    let child = measured(outcome);
    assert_eq!(child.edits.get("resize"), Some(&1), "{child:#?}");
    assert_ne!(child.design.canonical, base.1.design.canonical);
    let edits = std::fs::read_to_string(folder.join("ledger.tsv")).unwrap();
    assert_eq!(edits, "resize\tu2\tINVX1\tINVX2\n");
    let metrics = std::fs::read_to_string(folder.join("metrics.json")).unwrap();
    assert!(metrics.contains("n2_1_1_ tab\\there"), "{metrics}");

    // Read back cold, the design and its numbers are the same.
    let again = bench.attempt();
    let mut request = support::base_request(&context, &again);
    request.netlists = vec![folder.join("netlist.v")];
    let again = measured(context.run_trial(&request, &mut run));
    assert_eq!(again.overall, child.overall);
    assert_eq!(again.design, child.design);
}

#[test]
fn an_eco_that_changes_nothing_has_no_effect() {
    let mut bench = Bench::tiny();
    let context = bench.context();
    let base = bench.measured_base(&context);
    assert_eq!(
        bench.try_tcl(&context, &base, "note did nothing", false).1,
        Outcome::NoEffect
    );
    let there_and_back =
        "resize [::sta::find_instance u2] INVX2\nresize [::sta::find_instance u2] INVX1\n";
    assert_eq!(
        bench.try_tcl(&context, &base, there_and_back, false).1,
        Outcome::NoEffect
    );
}

#[test]
fn a_folder_whose_name_is_not_ascii_is_a_folder() {
    let mut bench = Bench::tiny();
    bench.folder = tempfile::Builder::new()
        .prefix("mésure ∅ ")
        .tempdir()
        .unwrap();
    bench.write("tiny.v", support::TINY_NETLIST);
    bench.write("tiny.sdc", support::TINY_CONSTRAINTS);
    let context = bench.context();
    let base = bench.measured_base(&context);
    let outcome = bench.try_tcl(
        &context,
        &base,
        "resize [::sta::find_instance u2] INVX2\n",
        false,
    );
    assert_eq!(measured(outcome.1).edits.get("resize"), Some(&1));
}

#[test]
fn values_and_paths_cannot_inject_commands() {
    let mut bench = Bench::tiny();
    let nasty = "a b [exec touch pwned] $x {é;#";
    let folder = bench.path(nasty);
    std::fs::create_dir(&folder).unwrap();
    for file in ["tiny.v", "tiny.sdc"] {
        std::fs::rename(bench.path(file), folder.join(file)).unwrap();
    }
    bench.study.design.netlists = vec![folder.join("tiny.v")];
    bench.study.scenes[0].sdc = vec![folder.join("tiny.sdc")];
    let library = Platform::load("osu018", None)
        .unwrap()
        .libraries(None)
        .unwrap()
        .remove(0);
    std::fs::copy(library, folder.join("x.lib")).unwrap();
    bench.study.scenes[0].liberty = vec![format!("{nasty}/x.lib")];
    let context = bench.context();
    let base = bench.measured_base(&context);

    let mut eco = eco(
        "implementation:\n  tcl: eco.tcl\n",
        false,
        &[(
            "eco.tcl",
            "variable parameter\nnote cell $parameter(cell)\n",
        )],
    );
    let spec = eco.manifest.parameters.get_mut("cell").unwrap();
    if let noodle2_model::ParameterKind::Choice { choices, default } = &mut spec.kind {
        *default = choices[1].clone();
    }
    let attempt = bench.attempt();
    assert_eq!(
        try_eco(&context, &base, &eco, &attempt, &mut run),
        Outcome::NoEffect
    );
    let result = std::fs::read_to_string(attempt.join("result.tsv")).unwrap();
    assert!(
        result.contains("note\tcell\t[exec touch pwned] $x {\n"),
        "{result}"
    );
    assert!(!attempt.join("pwned").exists());
}

#[test]
fn modes_run_in_processes_of_their_own_and_checks_count_where_they_are_asked_for() {
    let mut bench = Bench::tiny();
    bench.write("slow.sdc", support::TINY_CONSTRAINTS.replace("0.4", "4.0"));
    let mut hold = scene("shift", "slow.sdc");
    hold.checks = vec![Check::Hold];
    bench.study.scenes.insert(0, hold);
    let context = bench.context();
    assert_eq!(context.processes(), 2);
    let base = bench.measured_base(&context);
    assert!(base.0.join("script-2.tcl").exists());
    assert_eq!(base.1.scenes["shift"].get(Metric::SetupWs), None);
    assert_eq!(
        base.1.overall.get(Metric::SetupWs),
        base.1.scenes["typical"].get(Metric::SetupWs)
    );
    let hold = |scene: &str| base.1.scenes[scene].get(Metric::HoldWs).unwrap();
    assert_eq!(
        base.1.overall.get(Metric::HoldWs),
        Some(hold("shift").min(hold("typical")))
    );

    // The ECO sees setup, and both processes measure what it wrote.
    let (_, outcome) = bench.try_tcl(&context, &base, "variable setup_corners\nif {$setup_corners ne \"typical\"} { error $setup_corners }\nresize [::sta::find_instance u2] INVX4\n", false);
    let child = measured(outcome);
    for scene in ["shift", "typical"] {
        assert_ne!(
            child.scenes[scene].get(Metric::Power),
            base.1.scenes[scene].get(Metric::Power),
            "{scene}"
        );
    }
}

#[test]
fn annotated_wires_count_and_their_loss_is_a_failure() {
    let mut bench = Bench::tiny();
    bench.write("tiny.spef", support::TINY_PARASITICS);
    let without = bench.context();
    let free = bench.measured_base(&without).1;
    bench.study.scenes[0].parasitics = Parasitics::Spef("tiny.spef".into());
    let context = bench.context();
    assert_ne!(context.measurement_context(), without.measurement_context());
    assert!(context.has_annotated_wires());
    let base = bench.measured_base(&context);
    // The share of wires is known only where there are any.
    let worst = |measurement: &Measurement| measurement.paths[0].clone();
    assert_eq!(worst(&free).wire_share(), None);
    let share = worst(&base.1).wire_share().unwrap();
    assert!(share > 0.0 && share < 0.5, "{share}");
    assert_eq!(
        Some(worst(&base.1).slack_ps),
        base.1.overall.get(Metric::SetupWs)
    );
    let blocking: Vec<_> = base
        .1
        .findings
        .iter()
        .filter(|finding| finding.kind.blocks())
        .collect();
    assert!(blocking.is_empty(), "{blocking:#?}");
    assert_eq!(base.1.overall.get(Metric::AnnotatedNets), Some(8.0));
    assert_eq!(base.1.overall.get(Metric::WireCapacitance), Some(0.14));
    assert!(base.1.overall.get(Metric::SetupWs) < free.overall.get(Metric::SetupWs));

    // A resize keeps every wire.
    let resize = "resize [::sta::find_instance u2] INVX2\n";
    let resized = measured(bench.try_tcl(&context, &base, resize, false).1);
    assert_eq!(resized.overall.get(Metric::AnnotatedNets), Some(8.0));

    // Connecting anew is refused where it is declared, and found out where it is not.
    let rewire = "::sta::disconnect_pin [::sta::find_net q1] u2/A\n::sta::connect_pin [::sta::find_net n1] u2/A\n";
    let refused = failed(bench.try_tcl(&context, &base, rewire, true).1);
    assert_eq!(refused.class, FailureClass::ConfigurationError);
    assert!(refused.message.contains("typical"), "{}", refused.message);
    let lost = failed(bench.try_tcl(&context, &base, rewire, false).1);
    assert_eq!(lost.class, FailureClass::ParasiticsIncomplete, "{lost:#?}");
}

#[test]
fn wires_that_are_missing_from_the_start_are_found() {
    let mut bench = Bench::tiny();
    let start = support::TINY_PARASITICS.find("*D_NET n2").unwrap();
    bench.write("part.spef", &support::TINY_PARASITICS[..start]);
    bench.study.scenes[0].parasitics = Parasitics::Spef("part.spef".into());
    let context = bench.context();
    let (_, base) = bench.measured_base(&context);
    let finding = base
        .findings
        .iter()
        .find(|finding| finding.kind == FindingKind::ParasiticsIncomplete)
        .unwrap();
    assert!(
        finding.detail.contains("3 nets") && finding.detail.contains("`n2`"),
        "{finding:?}"
    );
}

#[test]
fn a_command_turns_one_netlist_into_another() {
    let mut bench = Bench::tiny();
    let context = bench.context();
    let base = bench.measured_base(&context);
    let command = |words: &str| {
        eco(
            &format!("implementation:\n  command: {words}\n"),
            true,
            &[("swap.sed", "s/INVX1 u2/{cell} u2/\n")],
        )
    };
    let swap = command(
        "[sh, -c, \"sed 's/INVX1 u2/{cell} u2/' \\\"$1\\\" > \\\"$2\\\"\", sh, \"{netlist}\", \"{output}\"]",
    );
    let folder = bench.attempt();
    let child = measured(try_eco(&context, &base, &swap, &folder, &mut run));
    assert_ne!(child.design.canonical, base.1.design.canonical);
    let text = std::fs::read_to_string(folder.join("netlist.v")).unwrap();
    assert!(text.contains("INVX2 u2"), "{text}");

    for (words, class, said) in [
        (
            "[sh, -c, \"echo it broke; exit 3\"]",
            FailureClass::ToolError,
            "exited with 3: it broke",
        ),
        (
            "[sh, -c, \"true\"]",
            FailureClass::MissingOutput,
            "without writing",
        ),
        (
            "[no-such-program]",
            FailureClass::ToolMissing,
            "no-such-program",
        ),
        (
            "[sh, -c, \"kill -SEGV $$\"]",
            FailureClass::Segfault,
            "memory fault",
        ),
    ] {
        let folder = bench.attempt();
        let failure = failed(try_eco(&context, &base, &command(words), &folder, &mut run));
        assert_eq!(failure.class, class, "{failure:#?}");
        assert!(failure.message.contains(said), "{failure:#?}");
    }
}
