//! Compositions of two cases, made by a real `sta`: under the guards of an ECO, and exactly as they were merged.

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use noodle2_engine::{Eco, ParentFacts, ReplayRequest, RerunRequest, TrialRequest};
use noodle2_model::{
    CommandReport, CommandSpec, ComposeMode, Composition, ConflictRule, DesignGuard, EcoClass,
    EcoProposal, FailureClass, Measurement, Outcome, Parasitics, ProtectedObjects, RiskEnvelope,
    TrialId,
};
use noodle2_netlist::{Design, Ledger};
use support::{Bench, TINY_PARASITICS, eco_of_class, failed, measured, proposal, run, try_eco};

const RESIZE: &str =
    "resize [::sta::find_instance u3] NAND3X1\nresize [::sta::find_instance u2] INVX4\n";
const STRONGER: &str = "resize [::sta::find_instance u2] INVX8\n";
const BUFFER: &str = "set net [::sta::find_net n3]\ninsert_buffer $net [sinks_of $net] BUFX2\n";
const BUFFER_INPUT: &str =
    "set net [::sta::find_net b]\ninsert_buffer $net [sinks_of $net] BUFX2\n";
const BUFFER_INPUT_MORE: &str =
    "set net [::sta::find_net b]\ninsert_buffer $net [sinks_of $net] BUFX4\n";

type Case = (PathBuf, Measurement);

fn local(tcl: &str) -> Eco {
    let implementation = "implementation:\n  tcl: eco.tcl\n";
    eco_of_class("placement_local", implementation, true, &[("eco.tcl", tcl)])
}

/// A bench with its base and two children of it.
struct Fork {
    bench: Bench,
    base: Case,
    first: Case,
    second: Case,
}

impl Fork {
    fn new(first: &str, second: &str) -> Self {
        let mut bench = Bench::tiny();
        let context = bench.context();
        let base = bench.measured_base(&context);
        let mut child = |tcl: &str| {
            let folder = bench.attempt();
            let outcome = try_eco(&context, &base, &local(tcl), &folder, &mut run);
            (folder, measured(outcome))
        };
        let (first, second) = (child(first), child(second));
        Self {
            bench,
            base,
            first,
            second,
        }
    }

    fn proposal(&self, mode: ComposeMode, rule: ConflictRule, class: EcoClass) -> EcoProposal {
        let composition = Composition {
            mode,
            with: "case_1_2".parse().unwrap(),
            ancestor: "case_0_0".parse().unwrap(),
            conflicts: (mode == ComposeMode::Replay).then_some(rule),
            chain: Vec::new(),
        };
        composition.proposal(class)
    }

    fn trial<'a>(&mut self, guard: DesignGuard) -> TrialRequest<'a> {
        TrialRequest {
            trial: "2_1".parse::<TrialId>().unwrap(),
            folder: self.bench.attempt(),
            netlists: vec![self.first.0.join("netlist.v")],
            of_case: true,
            parent: Some(ParentFacts::from(&self.first.1)),
            eco: None,
            seed: 7,
            guard,
            perturbation: None,
            mode: Default::default(),
            audits_gain: false,
        }
    }

    fn replay_under(
        &mut self,
        rule: ConflictRule,
        class: EcoClass,
        guard: DesignGuard,
    ) -> (PathBuf, Outcome) {
        self.replay_with(rule, class, guard, &mut run)
    }

    fn replay_with(
        &mut self,
        rule: ConflictRule,
        class: EcoClass,
        guard: DesignGuard,
        run: &mut dyn FnMut(&CommandSpec) -> CommandReport,
    ) -> (PathBuf, Outcome) {
        let context = self.bench.context();
        let trial = self.trial(guard);
        let folder = trial.folder.clone();
        let request = ReplayRequest {
            trial,
            proposal: &self.proposal(ComposeMode::Replay, rule, class),
            conflicts: rule,
            ancestor: self.base.0.join("netlist.v"),
            with: self.second.0.join("netlist.v"),
        };
        (folder, context.run_replay(&request, run))
    }

    fn replay(&mut self, rule: ConflictRule) -> (PathBuf, Outcome) {
        self.replay_under(rule, EcoClass::PlacementLocal, DesignGuard::default())
    }

    fn rerun(&mut self, ecos: &[Eco]) -> (PathBuf, Outcome) {
        let context = self.bench.context();
        let trial = self.trial(DesignGuard::default());
        let folder = trial.folder.clone();
        let proposals: Vec<EcoProposal> = ecos.iter().map(proposal).collect();
        let request = RerunRequest {
            trial,
            proposal: &self.proposal(
                ComposeMode::Rerun,
                ConflictRule::Drop,
                EcoClass::PlacementLocal,
            ),
            chain: proposals.iter().zip(ecos).collect(),
        };
        (folder, context.run_rerun(&request, &mut run))
    }
}

fn design(folder: &Path) -> Design {
    Design::read(&fs::read(folder.join("netlist.v")).unwrap(), "tiny").unwrap()
}

fn edits(folder: &Path) -> String {
    fs::read_to_string(folder.join("ledger.tsv")).unwrap()
}

#[test]
fn a_replay_holds_the_edits_of_both() {
    let mut fork = Fork::new(STRONGER, BUFFER);
    let (folder, outcome) = fork.replay(ConflictRule::Drop);
    let both = measured(outcome);
    assert_eq!(both.conflicts.len(), 0);
    assert!(both.blast_radius.is_some());
    // Against its parent it holds the second's edits, against the base those of both.
    let own = Ledger::between(&design(&fork.first.0), &design(&folder));
    let of_second = Ledger::between(&design(&fork.base.0), &design(&fork.second.0));
    assert_eq!(own, of_second);
    assert_eq!(edits(&folder), of_second.to_tsv());
    assert!(folder.join("metrics.json").is_file());
    assert!(!folder.join("conflicts.tsv").exists());
    assert_ne!(both.design.canonical, fork.first.1.design.canonical);
}

#[test]
fn what_both_branches_call_alike_keeps_apart() {
    // Both are called n2_1_1_u1 by their own trials.
    let mut fork = Fork::new(BUFFER, BUFFER_INPUT);
    let (folder, outcome) = fork.replay(ConflictRule::Drop);
    measured(outcome);
    let renamed = fs::read_to_string(folder.join("renamed.tsv")).unwrap();
    assert!(renamed.contains("n2_1_1_u2\tn2_2_1_n2_1_1_u2"), "{renamed}");
    assert_eq!(design(&folder).instances.len(), 7);
}

#[test]
fn contradictions_are_listed_and_decided_by_the_rule() {
    let mut fork = Fork::new(RESIZE, STRONGER);
    let (folder, outcome) = fork.replay(ConflictRule::Drop);
    let failure = failed(outcome);
    assert_eq!(failure.class, FailureClass::MergeConflict);
    assert!(
        failure.message.contains("same_instance `u2`"),
        "{failure:#?}"
    );
    assert!(!folder.join("script.tcl").exists(), "nothing was run");
    let listed = fs::read_to_string(folder.join("conflicts.tsv")).unwrap();
    assert_eq!(
        listed,
        "same_instance\tu2\tresize u2 INVX1 INVX4\tresize u2 INVX1 INVX8\n"
    );
    let (_, outcome) = fork.replay(ConflictRule::First);
    assert_eq!(outcome, Outcome::NoEffect, "the second has nothing else");
    let (folder, outcome) = fork.replay(ConflictRule::Second);
    let measurement = measured(outcome);
    assert_eq!(measurement.conflicts["same_instance"], 1);
    assert_eq!(edits(&folder), "resize\tu2\tINVX4\tINVX8\n");
    let (folder, outcome) = fork.replay(ConflictRule::None);
    measured(outcome);
    assert_eq!(edits(&folder), "resize\tu2\tINVX4\tINVX1\n");
}

#[test]
fn a_replay_is_guarded_like_an_eco() {
    let exceeded = |class, guard, said: &str| {
        let mut fork = Fork::new(STRONGER, BUFFER);
        let (_, outcome) = fork.replay_under(ConflictRule::Drop, class, guard);
        let failure = failed(outcome);
        assert_eq!(failure.class, FailureClass::BlastRadiusExceeded);
        assert!(failure.message.contains(said), "{failure:#?}");
    };
    let narrow = EcoClass::TopologyNeutral;
    exceeded(narrow, DesignGuard::default(), "`placement_local`");
    let protected = DesignGuard {
        protect: ProtectedObjects {
            nets: vec!["n3".to_owned()],
            ..ProtectedObjects::default()
        },
        ..DesignGuard::default()
    };
    exceeded(EcoClass::PlacementLocal, protected, "which `n3` protects");
    let small = DesignGuard {
        envelope: RiskEnvelope {
            max_cells: Some(1),
            ..RiskEnvelope::default()
        },
        ..DesignGuard::default()
    };
    exceeded(EcoClass::PlacementLocal, small, "the envelope permits 1");
}

#[test]
fn annotated_wires_refuse_new_connections() {
    let mut fork = Fork::new(STRONGER, BUFFER);
    let wires = fork.bench.write("wires.spef", TINY_PARASITICS);
    fork.bench.study.scenes[0].parasitics = Parasitics::Spef(wires);
    let (_, outcome) = fork.replay(ConflictRule::Drop);
    let failure = failed(outcome);
    assert_eq!(failure.class, FailureClass::ConfigurationError);
    assert!(
        failure.message.contains("changes connections"),
        "{failure:#?}"
    );
}

#[test]
fn ecos_run_anew_one_after_the_other() {
    let mut fork = Fork::new(STRONGER, BUFFER);
    let (folder, outcome) =
        fork.rerun(&[local(BUFFER), local("note idle 1\n"), local(BUFFER_INPUT)]);
    let both = measured(outcome);
    let ledger = Ledger::between(&design(&fork.first.0), &design(&folder));
    assert_eq!(edits(&folder), ledger.to_tsv());
    assert_eq!(both.edits["insert"], 2);
    assert_eq!(
        both.blast_radius.unwrap().cells_touched,
        ledger.counts()["insert"] + 2
    );
    for made in ["n2_2_1_s1_u2", "n2_2_1_s3_u2"] {
        assert!(design(&folder).instance(made).is_some(), "{made}");
    }
    // The same buffers, put in one after the other by trials of their own, measure the same.
    let cold = fork.bench.attempt();
    let context = fork.bench.context();
    let mut request = support::base_request(&context, &cold);
    request.netlists = vec![folder.join("netlist.v")];
    let again = measured(context.run_trial(&request, &mut run));
    assert_eq!(again.overall, both.overall);
    assert_eq!(again.design, both.design);
}

#[test]
fn a_chain_that_does_nothing_has_no_effect_and_one_that_fails_says_where() {
    let mut fork = Fork::new(STRONGER, BUFFER);
    let idle = || local("note idle 1\n");
    let (_, outcome) = fork.rerun(&[idle(), idle()]);
    assert_eq!(outcome, Outcome::NoEffect);
    let wrong = "::sta::replace_cell [::sta::find_instance u1] [::sta::find_liberty_cell NOR2X1]\n";
    let (_, outcome) = fork.rerun(&[local(BUFFER_INPUT_MORE), local(wrong)]);
    let failure = failed(outcome);
    assert_eq!(failure.class, FailureClass::BlastRadiusExceeded);
    assert!(
        failure.message.starts_with("step 2 of 2 (ECO `test`): "),
        "{failure:#?}"
    );
}

#[test]
fn an_engine_that_makes_other_edits_than_it_was_told_is_not_believed() {
    let mut fork = Fork::new(BUFFER, STRONGER);
    let mut meddle = |spec: &CommandSpec| {
        let script = spec.folder.join("eco/edits.tcl");
        let text = fs::read_to_string(&script).unwrap();
        assert!(text.contains("INVX8"));
        fs::write(&script, text.replace("INVX8", "INVX4")).unwrap();
        run(spec)
    };
    let (_, outcome) = fork.replay_with(
        ConflictRule::Drop,
        EcoClass::PlacementLocal,
        DesignGuard::default(),
        &mut meddle,
    );
    let failure = failed(outcome);
    assert_eq!(failure.class, FailureClass::ToolError);
    assert!(
        failure
            .message
            .contains("it did not make `resize u2 INVX1 INVX8`"),
        "{failure:#?}"
    );
}
