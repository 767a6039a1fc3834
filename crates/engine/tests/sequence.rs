//! ECOs that are made one after the other and tried as one, with a real `sta`: what a step that fails undoes.

mod support;

use std::path::Path;

use noodle2_engine::{Catalogue, Eco, ParentFacts, SequenceRequest, StudyContext, TrialRequest};
use noodle2_model::{
    ContentHash, EcoProposal, FailureClass, Measurement, Metric, Outcome, Rollback, StageIndex,
    StepEnding, TrialId,
};
use support::{Bench, eco, failed, measured, run, shared};

const FASTER: &str = "resize [::sta::find_instance u2] INVX2\n";
/// Edits that are kept and others that are taken back, after which the engine's own timing is not to be believed.
const SLOWER: &str = "\
    start_edits\n\
    resize [::sta::find_instance u2] INVX4\n\
    undo_edits\n\
    variable leftover 1\n\
    set net [::sta::find_net n3]\n\
    insert_buffer $net [sinks_of $net] BUFX2\n";
/// Fails where the step before left something of its own behind.
const TIDY: &str = "\
    if {[info exists ::n2::leftover]} { error \"left behind\" }\n\
    resize [::sta::find_instance u2] INVX1\n";
const BROKEN: &str = "\
    resize [::sta::find_instance u2] INVX4\n\
    start_edits\n\
    error \"broken on purpose\"\n";

fn step(tcl: &str) -> Eco {
    eco(
        "implementation:\n  tcl: eco.tcl\n",
        true,
        &[("eco.tcl", tcl)],
    )
}

fn sequence(ecos: &[&Eco], rollback: Rollback) -> EcoProposal {
    let single = |eco: &&Eco| EcoProposal::single(&eco.manifest, eco.content, &Default::default());
    let steps: Vec<EcoProposal> = ecos.iter().map(single).collect();
    EcoProposal {
        name: "both".to_owned(),
        class: steps.iter().map(|step| step.class).max().unwrap(),
        content: ContentHash::of("both"),
        sequence: steps,
        rollback: Some(rollback),
        ..EcoProposal::single(&ecos[0].manifest, ecos[0].content, &Default::default())
    }
}

fn try_sequence(
    context: &StudyContext,
    parent: (&Path, &Measurement),
    folder: &Path,
    ecos: &[&Eco],
    rollback: Rollback,
    judge: Metric,
) -> Outcome {
    let proposal = sequence(ecos, rollback);
    let trial = TrialRequest {
        trial: TrialId {
            stage: StageIndex(1),
            derived: 1,
        },
        folder: folder.to_owned(),
        netlists: vec![parent.0.join("netlist.v")],
        of_case: true,
        parent: Some(ParentFacts::from(parent.1)),
        eco: None,
        seed: 7,
        guard: Default::default(),
        perturbation: None,
        mode: Default::default(),
        audits_gain: false,
    };
    let request = SequenceRequest {
        trial,
        proposal: &proposal,
        ecos: ecos.to_vec(),
        judge,
    };
    context.run_sequence(&request, &mut run)
}

/// What became of these steps on the tiny design, judged by setup slack; and what a fresh process measures.
fn tried(steps: &[&str], rollback: Rollback) -> (Outcome, Measurement, Bench) {
    let mut bench = Bench::tiny();
    // Far too strong, so that weaker is faster.
    let netlist = support::TINY_NETLIST.replace("INVX1", "INVX8");
    bench.study.design.netlists = vec![bench.write("strong.v", netlist)];
    let context = bench.context();
    let (place, base) = bench.measured_base(&context);
    let ecos: Vec<Eco> = steps.iter().map(|tcl| step(tcl)).collect();
    let ecos: Vec<&Eco> = ecos.iter().collect();
    let folder = bench.attempt();
    let judge = Metric::SetupTns;
    let outcome = try_sequence(&context, (&place, &base), &folder, &ecos, rollback, judge);
    if let Outcome::Measured(measurement) = &outcome {
        let cold = bench.attempt();
        let mut request = support::base_request(&context, &cold);
        request.netlists = vec![folder.join("netlist.v")];
        let again = measured(context.run_trial(&request, &mut run));
        assert_eq!(again.overall, measurement.overall, "read cold");
    }
    (outcome, base, bench)
}

fn endings(measurement: &Measurement) -> Vec<StepEnding> {
    let steps = measurement.steps.iter();
    steps.map(|step| step.ending).collect()
}

#[test]
fn steps_are_made_one_after_the_other_and_each_is_told() {
    let (outcome, base, _) = tried(&[FASTER, SLOWER, TIDY], Rollback::None);
    let measurement = measured(outcome);
    assert_eq!(endings(&measurement), [StepEnding::Kept; 3]);
    let edits = |step: usize, kind: &str| measurement.steps[step].edits.get(kind).copied();
    assert_eq!(edits(0, "resize"), Some(1));
    assert_eq!(edits(1, "resize"), None);
    assert!(edits(1, "insert").is_some(), "{:#?}", measurement.steps);
    assert_eq!(edits(2, "resize"), Some(1));
    assert_ne!(measurement.design, base.design);
}

#[test]
fn partial_undoes_the_step_that_failed_and_goes_on() {
    let (outcome, base, _) = tried(&[FASTER, SLOWER, BROKEN, TIDY], Rollback::Partial);
    let measurement = measured(outcome);
    let expected = [
        StepEnding::Kept,
        StepEnding::Undone,
        StepEnding::Undone,
        StepEnding::Kept,
    ];
    assert_eq!(endings(&measurement), expected, "{:#?}", measurement.steps);
    let [first, slower, broken, last] = &measurement.steps[..] else {
        panic!("{:#?}", measurement.steps);
    };
    assert_eq!(first.before, base.overall.get(Metric::SetupTns));
    assert_eq!(slower.before, first.after);
    assert!(slower.after < slower.before, "{slower:#?}");
    assert!(slower.edits.is_empty());
    let error = broken.error.as_deref();
    assert_eq!(error, Some("tool_error: the ECO failed: broken on purpose"));
    assert_eq!(last.before, first.after, "undone steps left nothing behind");
    assert_eq!(last.after, measurement.overall.get(Metric::SetupTns));
    assert!(!measurement.edits.contains_key("insert"));
}

#[test]
fn all_undoes_everything() {
    let (outcome, _, bench) = tried(&[FASTER, SLOWER, TIDY], Rollback::All);
    assert!(matches!(outcome, Outcome::NoEffect), "{outcome:#?}");
    drop(bench);
    let (outcome, _, _) = tried(&[FASTER, BROKEN], Rollback::All);
    let failure = failed(outcome);
    assert_eq!(failure.class, FailureClass::ToolError);
    assert!(
        failure
            .message
            .contains("step 2 of the sequence, test: the ECO failed: broken on purpose"),
        "{failure:#?}"
    );
    let (outcome, _, _) = tried(&[FASTER, TIDY], Rollback::All);
    assert_eq!(endings(&measured(outcome)), [StepEnding::Kept; 2]);
}

#[test]
fn none_fails_as_any_eco_does() {
    let (outcome, _, _) = tried(&[FASTER, BROKEN], Rollback::None);
    assert!(failed(outcome).message.contains("broken on purpose"));
}

#[test]
fn a_step_that_reaches_further_than_it_declares_fails_the_whole() {
    let wrong_gate =
        "::sta::replace_cell [::sta::find_instance u1] [::sta::find_liberty_cell NOR2X1]\n";
    let (outcome, _, _) = tried(&[FASTER, wrong_gate], Rollback::None);
    assert_eq!(failed(outcome).class, FailureClass::BlastRadiusExceeded);
}

#[test]
fn every_metric_of_a_real_design_can_judge() {
    let Some(root) = shared() else { return };
    let catalogue = Catalogue::load(&[]).unwrap();
    let mut bench = Bench::real(&root, "gcd.nangate45", |sdc| {
        vec![support::scene("typical", sdc)]
    });
    let context = bench.context();
    let (place, base) = bench.measured_base(&context);
    let ecos = ["upsize_critical", "pin_swap"].map(|name| catalogue.get(name).unwrap());
    for judge in [
        Metric::SetupWns,
        Metric::Area,
        Metric::Power,
        Metric::CellCount,
    ] {
        let folder = bench.attempt();
        let rollback = Rollback::Partial;
        let outcome = try_sequence(&context, (&place, &base), &folder, &ecos, rollback, judge);
        let measurement = measured(outcome);
        let cold = bench.attempt();
        let mut request = support::base_request(&context, &cold);
        request.netlists = vec![folder.join("netlist.v")];
        let again = measured(context.run_trial(&request, &mut run));
        assert_eq!(again.overall, measurement.overall, "read cold");
        let first = &measurement.steps[0];
        let (before, value) = (first.before, base.overall.get(judge));
        let close = |(left, right): (f64, f64)| (left - right).abs() <= right.abs() * 2e-6;
        assert!(
            before.zip(value).is_some_and(close),
            "{judge}: {before:?} {value:?}"
        );
        let last = measurement.steps.iter().rev();
        let last = last.clone().find(|step| step.ending == StepEnding::Kept);
        let (after, value) = (last.unwrap().after, measurement.overall.get(judge));
        assert!(
            after.zip(value).is_some_and(close),
            "{judge}: {after:?} {value:?}"
        );
        // Faster cells are larger: by area, that step is undone.
        if judge == Metric::Area {
            assert_eq!(
                endings(&measurement),
                [StepEnding::Undone, StepEnding::Kept]
            );
        }
    }
}
