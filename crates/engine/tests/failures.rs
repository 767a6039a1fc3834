//! Every way to fail, by its real cause, on the tiny design.

mod support;

use std::os::unix::fs::symlink;

use noodle2_engine::{ParentFacts, Platform, PrepareProblem};
use noodle2_model::{
    Clocks, CommandSpec, Failure, FailureClass, FindingKind, Measurement, Parasitics,
};
use support::{Bench, failed, measured, run, run_under};

fn problem(bench: &Bench) -> PrepareProblem {
    let mut problems = bench.prepare().unwrap_err();
    assert_eq!(problems.len(), 1, "{problems:#?}");
    problems.remove(0)
}

fn base_failure(bench: &mut Bench) -> Failure {
    let context = bench.context();
    failed(bench.base(&context).1)
}

fn base_findings(bench: &mut Bench) -> Vec<(FindingKind, String)> {
    let context = bench.context();
    let (_, base) = bench.measured_base(&context);
    base.findings
        .into_iter()
        .filter(|finding| finding.kind.blocks())
        .map(|finding| (finding.kind, finding.detail))
        .collect()
}

fn eco_failure(tcl: &str) -> Failure {
    eco_failure_with(tcl, &mut run)
}

fn eco_failure_with(
    tcl: &str,
    run: &mut dyn FnMut(&CommandSpec) -> noodle2_model::CommandReport,
) -> Failure {
    let mut bench = Bench::tiny();
    let context = bench.context();
    let base = bench.measured_base(&context);
    failed(bench.try_tcl_with(&context, &base, tcl, true, run).1)
}

#[track_caller]
fn assert_failure(failure: &Failure, class: FailureClass, said: &str) {
    assert_eq!(failure.class, class, "{failure:#?}");
    assert!(failure.message.contains(said), "{failure:#?}");
}

#[test]
fn files_that_are_missing_are_told_all_at_once() {
    let mut bench = Bench::tiny();
    bench.study.design.netlists.push("gone.v".into());
    bench.study.scenes[0].sdc.push("gone.sdc".into());
    bench.study.scenes[0].liberty = vec!["gone.lib".to_owned(), "platform:fast".to_owned()];
    let text: Vec<String> = bench
        .prepare()
        .unwrap_err()
        .iter()
        .map(ToString::to_string)
        .collect();
    for name in ["gone.v", "gone.sdc", "gone.lib", "no corner `fast`"] {
        assert!(
            text.iter().any(|problem| problem.contains(name)),
            "{name}: {text:#?}"
        );
    }
}

#[test]
fn a_compressed_netlist_is_told_before_anything_runs() {
    let bench = Bench::tiny();
    bench.write("tiny.v", [0x1f, 0x8b, 8, 0]);
    let problem = problem(&bench);
    assert_eq!(problem.code(), "N2-ENGINE-011");
    assert!(problem.to_string().contains("tiny.v"), "{problem}");
}

#[test]
fn what_the_engine_cannot_do_is_told() {
    let mut bench = Bench::tiny();
    bench.study.scenes[0].parasitics = Parasitics::Placement;
    assert_eq!(problem(&bench).code(), "N2-ENGINE-013");
}

/// A tiny bench whose library is a copy that the test may spoil after everything was prepared.
fn with_own_library() -> Bench {
    let mut bench = Bench::tiny();
    let library = Platform::load("osu018", None)
        .unwrap()
        .libraries(None)
        .unwrap()
        .remove(0);
    std::fs::copy(library, bench.path("own.lib")).unwrap();
    bench.study.scenes[0].liberty = vec!["own.lib".to_owned()];
    bench
}

#[test]
fn a_library_that_vanished_is_named() {
    let mut bench = with_own_library();
    let context = bench.context();
    std::fs::remove_file(bench.path("own.lib")).unwrap();
    let failure = failed(bench.base(&context).1);
    assert_failure(&failure, FailureClass::ConfigurationError, "own.lib");
}

#[test]
fn a_compressed_library_is_named() {
    let mut bench = with_own_library();
    let context = bench.context();
    bench.write("own.lib", [0x1f, 0x8b, 8, 0, 1, 2, 3]);
    let failure = failed(bench.base(&context).1);
    assert_failure(&failure, FailureClass::ConfigurationError, "own.lib");
    assert!(failure.excerpt.contains("own.lib"), "{failure:#?}");
}

/// A cell whose library states no area leaves the area of the design unknown, and unknown is not zero.
#[test]
fn a_metric_that_cannot_be_read_any_more_is_told() {
    let mut bench = with_own_library();
    let library = std::fs::read_to_string(bench.path("own.lib")).unwrap();
    let start = library.find("cell (INVX1)").unwrap();
    let end = start + library[start..].find("\ncell (").unwrap();
    let cell = library[start..end].replace("cell (INVX1)", "cell (BAREINV)");
    let lines = cell.lines().filter(|line| !line.starts_with("area"));
    let bare: String = lines.map(|line| format!("{line}\n")).collect();
    assert_ne!(bare.len(), cell.len() + 1, "no area was left out");
    let closing = library.rfind('}').unwrap();
    bench.write("own.lib", format!("{}{bare}}}\n", &library[..closing]));
    let context = bench.context();
    let base = bench.measured_base(&context);
    let tcl = "::sta::replace_cell [::sta::find_instance u2] [::sta::find_liberty_cell BAREINV]\n";
    let failure = failed(bench.try_tcl(&context, &base, tcl, false).1);
    assert_failure(&failure, FailureClass::MetricMissing, "area_um2");
}

#[test]
fn a_wrong_top_is_named() {
    let mut bench = Bench::tiny();
    bench.study.design.top = "tinny".to_owned();
    let failure = base_failure(&mut bench);
    assert_failure(&failure, FailureClass::ConfigurationError, "tinny");
    assert!(
        failure.message.contains("not a verilog module"),
        "{failure:#?}"
    );
}

#[test]
fn a_netlist_that_is_no_verilog_is_named() {
    let mut bench = Bench::tiny();
    bench.write("tiny.v", "this is no netlist\n");
    let failure = base_failure(&mut bench);
    assert_failure(&failure, FailureClass::ConfigurationError, "tiny.v");
    assert!(failure.message.contains("syntax error"), "{failure:#?}");
}

#[test]
fn an_unknown_cell_blocks_the_base_and_fails_a_trial() {
    let mut bench = Bench::tiny();
    let good = bench.context();
    let base = bench.measured_base(&good);
    let spoiled = support::TINY_NETLIST.replace("INVX1 u2", "INVX1Z u2");
    bench.write("tiny.v", &spoiled);
    let findings = base_findings(&mut bench);
    let (_, detail) = findings
        .iter()
        .find(|(kind, _)| *kind == FindingKind::BlackBox)
        .unwrap();
    assert!(
        detail.contains("`INVX1Z`") && detail.contains("`u2`"),
        "{detail}"
    );

    let folder = bench.attempt();
    let mut request = support::base_request(&good, &folder);
    request.parent = Some(ParentFacts::from(&base.1));
    let failure = failed(good.run_trial(&request, &mut run));
    assert_failure(&failure, FailureClass::BlackBox, "INVX1Z");

    bench.study.design.black_boxes = vec!["INVX1Z".to_owned()];
    let findings = base_findings(&mut bench);
    assert!(
        findings
            .iter()
            .all(|(kind, _)| *kind != FindingKind::BlackBox),
        "{findings:#?}"
    );
}

#[test]
fn an_error_in_constraints_is_told() {
    let mut bench = Bench::tiny();
    bench.write(
        "tiny.sdc",
        format!("{}set_false_path -frm x\n", support::TINY_CONSTRAINTS),
    );
    let failure = base_failure(&mut bench);
    assert_failure(&failure, FailureClass::ConfigurationError, "tiny.sdc");
    assert!(failure.excerpt.contains("tiny.sdc, 4"), "{failure:#?}");
}

#[test]
fn a_clock_that_does_not_exist_is_told() {
    for (from, to, name) in [
        (
            "set_input_delay 0.1 -clock clk",
            "set_input_delay 0.1 -clock klc",
            "klc",
        ),
        ("[get_ports clk]", "[get_ports klc]", "klc"),
        (
            "set_output_delay 0.1 -clock clk",
            "set_output_delay 0.1 -clock [get_clocks klc]",
            "klc",
        ),
    ] {
        let mut bench = Bench::tiny();
        assert!(support::TINY_CONSTRAINTS.contains(from));
        bench.write("tiny.sdc", support::TINY_CONSTRAINTS.replace(from, to));
        let failure = base_failure(&mut bench);
        assert_failure(&failure, FailureClass::ConfigurationError, name);
        assert!(failure.message.contains("tiny.sdc, line"), "{failure:#?}");
    }
}

#[test]
fn a_design_without_clock_or_constraints_is_blocked() {
    let mut bench = Bench::tiny();
    bench.write("tiny.sdc", "set_max_area 0\n");
    let kinds: Vec<FindingKind> = base_findings(&mut bench)
        .into_iter()
        .map(|(kind, _)| kind)
        .collect();
    for kind in [
        FindingKind::ClockWithoutPeriod,
        FindingKind::NoPaths,
        FindingKind::UnconstrainedEndpoints,
    ] {
        assert!(kinds.contains(&kind), "{kind:?}: {kinds:?}");
    }
}

#[test]
fn unconstrained_endpoints_beyond_the_waiver_block() {
    let mut bench = Bench::tiny();
    let kept: Vec<&str> = support::TINY_CONSTRAINTS
        .lines()
        .filter(|line| !line.contains("output"))
        .collect();
    bench.write("tiny.sdc", kept.join("\n") + "\n");
    let findings = base_findings(&mut bench);
    assert_eq!(findings.len(), 1, "{findings:#?}");
    assert_eq!(findings[0].0, FindingKind::UnconstrainedEndpoints);
    bench.study.design.unconstrained_endpoints = 1;
    assert_eq!(base_findings(&mut bench), []);
}

#[test]
fn an_eco_that_asks_for_the_end_fails() {
    // The engine would go on and measure what is half done.
    let failure = eco_failure("exit 3\n");
    assert_failure(&failure, FailureClass::ToolError, "asked to exit with 3");
    let mut bench = Bench::tiny();
    bench.write("tiny.sdc", format!("{}exit\n", support::TINY_CONSTRAINTS));
    let failure = base_failure(&mut bench);
    assert_failure(&failure, FailureClass::ConfigurationError, "asked to exit");
}

#[test]
fn an_error_in_an_eco_is_told() {
    let failure = eco_failure("error {no such pin}\n");
    assert_failure(
        &failure,
        FailureClass::ToolError,
        "the ECO failed: no such pin",
    );
    let failure = eco_failure("set x {unbalanced\n");
    assert_failure(&failure, FailureClass::ToolError, "missing close-brace");
}

#[test]
fn a_crash_a_kill_and_an_abort_are_told_apart() {
    // The engine does not survive being given NULL for a net.
    let failure = eco_failure("::sta::net_load_pins NULL\n");
    assert_failure(&failure, FailureClass::Segfault, "memory fault");
    let failure = eco_failure("exec kill -KILL [pid]\n");
    assert_failure(&failure, FailureClass::Killed, "SIGKILL");
    let failure = eco_failure("exec kill -ABRT [pid]\n");
    assert_failure(&failure, FailureClass::Abort, "signal 6");
}

#[test]
fn limits_that_the_system_enforces_are_told_apart() {
    let mut slow = |spec: &CommandSpec| {
        run_under(
            &["/bin/sh", "-c", "ulimit -S -t 1; exec \"$0\" \"$@\""],
            spec,
        )
    };
    let failure = eco_failure_with("while 1 {}\n", &mut slow);
    assert_failure(&failure, FailureClass::Timeout, "processor time");
    let mut small = |spec: &CommandSpec| {
        run_under(
            &["/bin/sh", "-c", "ulimit -v 200000; exec \"$0\" \"$@\""],
            spec,
        )
    };
    let failure = eco_failure_with("set x [string repeat 0123456789 100000000]\n", &mut small);
    assert_failure(&failure, FailureClass::OutOfMemory, "memory");
}

#[test]
fn an_executable_that_is_gone_is_told() {
    let mut gone = |spec: &CommandSpec| {
        let mut spec = spec.clone();
        spec.program = "/no/such/sta".into();
        run(&spec)
    };
    let failure = eco_failure_with("", &mut gone);
    assert_failure(&failure, FailureClass::ToolMissing, "could not be started");
}

/// The base measured where one of the files that are written is a device that is always full.
fn on_a_full_disk(name: &str) -> Failure {
    let mut bench = Bench::tiny();
    let context = bench.context();
    let folder = bench.attempt();
    symlink("/dev/full", folder.join(name)).unwrap();
    failed(context.run_trial(&support::base_request(&context, &folder), &mut run))
}

#[test]
fn a_full_disk_is_told() {
    assert_failure(
        &on_a_full_disk("result.tsv"),
        FailureClass::DiskFull,
        "no space left",
    );
    assert_failure(
        &on_a_full_disk("script.tcl"),
        FailureClass::DiskFull,
        "script.tcl",
    );
    assert_failure(
        &on_a_full_disk("metrics.json"),
        FailureClass::DiskFull,
        "metrics.json",
    );
    // The engine does not notice that its netlist was not written; what was written tells.
    assert_failure(
        &on_a_full_disk("netlist.v"),
        FailureClass::MissingOutput,
        "netlist.v was not written to its end",
    );
}

#[test]
fn results_that_are_cut_off_or_garbled_are_not_believed() {
    let failure = eco_failure("variable result_channel\nputs $result_channel {wns 0.00}\n");
    assert_failure(&failure, FailureClass::ParseFailure, "wns 0.00");
    let failure = eco_failure("variable result_channel\nclose $result_channel\n");
    assert_failure(&failure, FailureClass::MissingOutput, "no end");
    // Printed errors count also when nothing else went wrong.
    let failure =
        eco_failure("puts {Error: something odd}\nresize [::sta::find_instance u2] INVX2\n");
    assert_failure(&failure, FailureClass::ToolError, "something odd");
}

#[test]
fn propagated_clocks_are_what_the_scene_says() {
    let propagating = format!(
        "{}set_propagated_clock [all_clocks]\n",
        support::TINY_CONSTRAINTS
    );
    let measure = |clocks: Clocks, text: &str| -> Measurement {
        let mut bench = Bench::tiny();
        bench.write("tiny.sdc", text);
        bench.study.scenes[0].clocks = clocks;
        let context = bench.context();
        measured(bench.base(&context).1)
    };
    let ideal = measure(Clocks::Ideal, &propagating);
    assert!(
        ideal
            .findings
            .iter()
            .any(|finding| finding.detail.contains("takes it as ideal")),
        "{ideal:#?}"
    );
    assert_eq!(
        ideal.overall,
        measure(Clocks::Ideal, support::TINY_CONSTRAINTS).overall
    );
    let propagated = measure(Clocks::Propagated, support::TINY_CONSTRAINTS);
    assert_eq!(
        propagated.overall,
        measure(Clocks::Propagated, &propagating).overall
    );
}

/// Debian's version writes neither `assign` nor constants, so the design that it writes is another one.
#[test]
fn what_the_engine_would_lose_of_a_netlist_is_refused() {
    for (from, to) in [
        ("endmodule", "assign n4 = n3;\nendmodule"),
        (".B(b)", ".B(1'b1)"),
    ] {
        let mut bench = Bench::tiny();
        let netlist = support::TINY_NETLIST
            .replace("n3, q1;", "n3, n4, q1;")
            .replace(from, to);
        bench.write("tiny.v", netlist);
        let context = bench.context();
        let failure = failed(bench.base(&context).1);
        assert_failure(&failure, FailureClass::ConfigurationError, "loses");
    }
}
