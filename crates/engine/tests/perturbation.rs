//! Perturbed measurements by a real `sta`: the design stays what it is, and nothing but the clocks moves.

mod support;

use std::path::PathBuf;

use noodle2_model::{Measurement, Metric, Perturbation};
use support::{Bench, base_request, measured, run, scene, shared};

fn perturbed(bench: &mut Bench, repeat: u32) -> (PathBuf, Measurement) {
    let context = bench.context();
    let folder = bench.attempt();
    let mut request = base_request(&context, &folder);
    request.perturbation = Perturbation::of(7, repeat);
    let outcome = context.run_trial(&request, &mut run);
    (folder, measured(outcome))
}

fn value(of: &Measurement, metric: Metric) -> f64 {
    of.overall.get(metric).unwrap()
}

#[test]
fn periods_move_by_a_thousandth_and_the_design_does_not() {
    let mut bench = Bench::tiny();
    let context = bench.context();
    let (_, base) = bench.measured_base(&context);
    for (repeat, picoseconds) in [(1, -0.4), (2, 0.4), (3, -0.4)] {
        let (folder, again) = perturbed(&mut bench, repeat);
        assert_eq!(again.design.canonical, base.design.canonical);
        let gained = value(&again, Metric::SetupWs) - value(&base, Metric::SetupWs);
        assert!(
            (gained - picoseconds).abs() < 0.01,
            "repeat {repeat}: {gained}"
        );
        assert_eq!(value(&again, Metric::HoldWs), value(&base, Metric::HoldWs));
        assert_eq!(value(&again, Metric::Area), value(&base, Metric::Area));
        assert_eq!(perturbed(&mut bench, repeat).1, again, "repeat {repeat}");
        let shuffled = std::fs::read_to_string(folder.join("shuffled.v")).unwrap();
        assert_eq!(shuffled.len(), support::TINY_NETLIST.len());
    }
}

#[test]
fn whatever_is_said_of_a_clock_still_holds_when_it_moves() {
    let mut bench = Bench::tiny();
    bench.write(
        "tiny.sdc",
        "create_clock -name clk -period 1.0 -waveform {0.2 0.6} [get_ports clk]\n\
         create_clock -name slow -period 9.0 -add [get_ports clk]\n\
         create_clock -name virtual -period 3.0\n\
         set_clock_uncertainty 0.05 [get_clocks clk]\n\
         set_clock_latency 0.1 [get_clocks clk]\n\
         set_clock_groups -asynchronous -group clk -group slow\n\
         set_multicycle_path 3 -setup -from [get_clocks slow] -to [get_clocks slow]\n\
         set_input_delay 0.1 -clock virtual [get_ports {a b}]\n\
         set_output_delay 0.1 -clock virtual [get_ports y]\n",
    );
    let context = bench.context();
    let (_, base) = bench.measured_base(&context);
    let (folder, longer) = perturbed(&mut bench, 2);
    let rows = |name: &str| {
        let text = std::fs::read_to_string(folder.join(name)).unwrap();
        let rows = text.lines().filter(|line| line.starts_with("clock\t"));
        rows.map(str::to_owned).collect::<Vec<String>>().join("\n")
    };
    let clocks = rows("result.tsv");
    for (clock, period) in [("clk", 1001.0), ("slow", 9009.0), ("virtual", 3003.0)] {
        let row = clocks
            .lines()
            .find(|row| row.split('\t').nth(1) == Some(clock));
        let found: f64 = row
            .and_then(|row| row.split('\t').nth(2)?.parse().ok())
            .unwrap_or_default();
        assert!((found - period).abs() < 0.01, "{clock}: {clocks}");
    }
    // From the virtual clock's edge at 0 to the first of `clk` at 200.2, 50 of uncertainty and 100 of latency kept.
    let gained = value(&longer, Metric::SetupWs) - value(&base, Metric::SetupWs);
    assert!((gained - 0.2).abs() < 0.01, "{gained}");
    assert_eq!(longer.findings, base.findings);
}

#[test]
fn generated_clocks_follow_those_that_they_come_from() {
    let mut bench = Bench::tiny();
    bench.write(
        "tiny.v",
        "module tiny (clk, a, y);\n input clk, a;\n output y;\n wire q, half, back;\n\
         DFFPOSX1 r1 (.CLK(clk), .D(a), .Q(q));\n DFFPOSX1 divider (.CLK(clk), .D(back), .Q(half));\n\
         INVX1 u1 (.A(half), .Y(back));\n DFFPOSX1 r2 (.CLK(half), .D(q), .Q(y));\nendmodule\n",
    );
    bench.write(
        "tiny.sdc",
        "create_clock -name clk -period 2 [get_ports clk]\n\
         create_generated_clock -name half -divide_by 2 -source [get_ports clk] [get_pins divider/Q]\n\
         set_false_path -to [get_pins divider/D]\n",
    );
    let context = bench.context();
    let (_, base) = bench.measured_base(&context);
    // The one path that is left goes from an edge of `clk` to one of `half`, a period of `clk` later.
    for (repeat, picoseconds) in [(1, -2.0), (2, 2.0)] {
        let (_, again) = perturbed(&mut bench, repeat);
        let gained = value(&again, Metric::SetupWs) - value(&base, Metric::SetupWs);
        assert!(
            (gained - picoseconds).abs() < 0.01,
            "repeat {repeat}: {gained}"
        );
    }
}

#[test]
fn a_real_design_in_another_order_has_the_numbers_that_its_period_explains() {
    let Some(shared) = shared() else { return };
    for name in ["gcd.nangate45", "gcd.sky130hd"] {
        let mut bench = Bench::real(&shared, name, |sdc| vec![scene("typical", sdc)]);
        let context = bench.context();
        let (_, base) = bench.measured_base(&context);
        let (folder, longer) = perturbed(&mut bench, 2);
        let (_, shorter) = perturbed(&mut bench, 1);
        assert_eq!(longer.design.canonical, base.design.canonical);
        let order = std::fs::read(folder.join("shuffled.v")).unwrap();
        let written = std::fs::read(context.base_netlists()[0].as_path()).unwrap();
        assert_ne!(order, written, "{name}");
        let ws = |of: &Measurement| value(of, Metric::SetupWs);
        assert!(
            ws(&longer) > ws(&base) && ws(&base) > ws(&shorter),
            "{name}"
        );
        // As much up as down, but for the last digit of single precision.
        let (up, down) = (ws(&longer) - ws(&base), ws(&base) - ws(&shorter));
        assert!((up - down).abs() < 0.05 && up < 20.0, "{name}: {up} {down}");
        assert_eq!(value(&longer, Metric::Area), value(&base, Metric::Area));
    }
}
