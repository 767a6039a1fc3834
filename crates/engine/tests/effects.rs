//! What each built-in ECO is for, seen on a real design: the metric that it promises gets better, the
//! written netlist measures the same when it is read cold, and vt_swap says what it passed over.

mod support;

use std::path::Path;

use noodle2_engine::{Catalogue, ParentFacts, TrialRequest};
use noodle2_model::{
    EcoProposal, Measurement, Metric, Outcome, ParameterValue, Parameters, TrialId,
};
use support::{Bench, measured, run, scene, shared};

/// One ECO on one design. `constraints` come after those of the design, `parameters` over the defaults.
struct Expectation {
    eco: &'static str,
    design: &'static str,
    constraints: &'static str,
    parameters: &'static [(&'static str, &'static str)],
    improves: Metric,
}

const fn on(eco: &'static str, design: &'static str, improves: Metric) -> Expectation {
    Expectation {
        eco,
        design,
        constraints: "",
        parameters: &[],
        improves,
    }
}

const RELAXED: &str = "create_clock -name clk -period 2 [get_ports clk]\n";

const EXPECTATIONS: [Expectation; 17] = [
    on("upsize_critical", "gcd.nangate45", Metric::SetupWs),
    on("upsize_critical", "gcd.sky130hd", Metric::SetupWs),
    on("upsize_critical", "gcd.asap7", Metric::SetupWs),
    Expectation {
        constraints: RELAXED,
        ..on("downsize_slack", "uart_buffered.nangate45", Metric::Power)
    },
    on("vt_swap", "gcd.asap7", Metric::SetupWs),
    on("pin_swap", "gcd.nangate45", Metric::SetupWs),
    on("buffer_fanout", "gcd.nangate45", Metric::SetupWs),
    on("buffer_fanout", "gcd.sky130hd", Metric::SetupWs),
    on("isolate_critical", "gcd.nangate45", Metric::SetupWs),
    on("isolate_critical", "gcd.sky130hd", Metric::SetupWs),
    on("clone_driver", "gcd.nangate45", Metric::SetupWs),
    Expectation {
        constraints: RELAXED,
        ..on(
            "remove_buffers",
            "uart_buffered.nangate45",
            Metric::CellCount,
        )
    },
    Expectation {
        constraints: "create_clock -name clk -period 2 [get_ports clk]\nset_clock_uncertainty -hold 0.12 [get_clocks clk]\n",
        ..on("fix_hold", "gcd.nangate45", Metric::HoldWs)
    },
    on("fix_slew_cap", "gcd.nangate45", Metric::MaxSlewViolations),
    on("restructure", "gcd.nangate45", Metric::SetupWs),
    on("restructure", "gcd.sky130hd", Metric::SetupWs),
    Expectation {
        parameters: &[("script", "area")],
        ..on("restructure", "gcd.nangate45", Metric::Area)
    },
];

/// The design with its constraints and more, measured as it is.
fn bench(shared: &Path, expectation: &Expectation) -> Bench {
    let mut bench = Bench::real(shared, expectation.design, |sdc| {
        vec![scene("typical", sdc)]
    });
    let sdc = bench.study.scenes[0].sdc[0].clone();
    let text = std::fs::read_to_string(sdc).unwrap() + "\n" + expectation.constraints;
    bench.study.scenes[0].sdc = vec![bench.write("constraints.sdc", text)];
    bench
}

#[test]
fn each_eco_does_what_it_is_for() {
    let Some(shared) = shared() else { return };
    let catalogue = Catalogue::load(&[]).unwrap();
    for expectation in &EXPECTATIONS {
        let name = format!("{} on {}", expectation.eco, expectation.design);
        let mut bench = bench(&shared, expectation);
        let context = bench.context();
        let (folder, base) = bench.measured_base(&context);
        let eco = catalogue.get(expectation.eco).unwrap();
        let given: Parameters = expectation
            .parameters
            .iter()
            .map(|(name, word)| ((*name).to_owned(), ParameterValue::Text((*word).to_owned())))
            .collect();
        let proposal = EcoProposal::single(&eco.manifest, eco.content, &given);
        let attempt = bench.attempt();
        let request = TrialRequest {
            trial: "1_1".parse::<TrialId>().unwrap(),
            folder: attempt.clone(),
            netlists: vec![folder.join("netlist.v")],
            of_case: true,
            parent: Some(ParentFacts::from(&base)),
            eco: Some((&proposal, eco)),
            seed: 1,
            guard: Default::default(),
            perturbation: None,
            mode: Default::default(),
            audits_gain: false,
        };
        let after = measured(context.run_trial(&request, &mut run));
        assert_better(expectation.improves, &base, &after, &name);

        let cold = bench.attempt();
        let mut request = support::base_request(&context, &cold);
        request.netlists = vec![attempt.join("netlist.v")];
        let again = measured(context.run_trial(&request, &mut run));
        assert_eq!(again.overall, after.overall, "{name}, read cold");
    }
}

fn assert_better(metric: Metric, base: &Measurement, after: &Measurement, name: &str) {
    let (Some(from), Some(to)) = (base.overall.get(metric), after.overall.get(metric)) else {
        panic!("{name}: {metric} is missing");
    };
    assert!(
        metric.gain(from, to) > 0.0,
        "{name}: {metric} went from {from} to {to}"
    );
}

/// ASAP7's AO cells come in one threshold only here.
#[test]
fn vt_swap_counts_the_cells_without_a_twin() {
    let Some(shared) = shared() else { return };
    let catalogue = Catalogue::load(&[]).unwrap();
    let mut bench = bench(&shared, &on("vt_swap", "gcd.asap7", Metric::SetupWs));
    let context = bench.context();
    let base = bench.measured_base(&context);
    let attempt = bench.attempt();
    let eco = catalogue.get("vt_swap").unwrap();
    let outcome = support::try_eco(&context, &base, eco, &attempt, &mut run);
    assert!(matches!(outcome, Outcome::Measured(_)), "{outcome:#?}");
    let results = std::fs::read_to_string(attempt.join("result.tsv")).unwrap();
    let notes: Vec<&str> = results
        .lines()
        .filter(|line| line.starts_with("note\t"))
        .collect();
    let twinless = notes.iter().find(|note| note.contains("twin"));
    let count = twinless.and_then(|note| note.rsplit('\t').next()?.parse::<u32>().ok());
    assert!(count.is_some_and(|count| count > 0), "{notes:?}");
}

#[test]
fn noop_changes_nothing() {
    let mut bench = Bench::tiny();
    let context = bench.context();
    let base = bench.measured_base(&context);
    let catalogue = Catalogue::load(&[]).unwrap();
    let attempt = bench.attempt();
    let eco = catalogue.get("noop").unwrap();
    let outcome = support::try_eco(&context, &base, eco, &attempt, &mut run);
    assert!(matches!(outcome, Outcome::NoEffect), "{outcome:#?}");
}

#[test]
fn no_engine_reads_again_what_a_command_has_only_copied() {
    let mut bench = Bench::tiny();
    let context = bench.context();
    let base = bench.measured_base(&context);
    let mut started = |words: &str| {
        let implementation = format!(
            "implementation: {{command: [sh, -c, \"{words}\", sh, \"{{netlist}}\", \"{{output}}\"]}}"
        );
        let eco = support::eco(&implementation, false, &[]);
        let mut programs = Vec::new();
        let attempt = bench.attempt();
        let outcome = support::try_eco(&context, &base, &eco, &attempt, &mut |spec| {
            let name = spec.program.file_name().unwrap().to_string_lossy();
            programs.push(name.into_owned());
            run(spec)
        });
        assert!(matches!(outcome, Outcome::NoEffect), "{outcome:#?}");
        programs
    };
    assert_eq!(started("cp $1 $2"), ["sh"]);
    // A file that differs in a line end alone is read, and found to be the same design.
    assert_eq!(started("cat $1 > $2; echo >> $2"), ["sh", "sta"]);
}
