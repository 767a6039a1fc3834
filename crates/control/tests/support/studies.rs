//! Studies for the simulated world: small ones for the rules, random ones for everything at once.

use std::collections::{BTreeMap, BTreeSet};

use noodle2_control::Controller;
use noodle2_model::{
    Aborts, Approval, Bound, Budget, Clocks, ComposeMode, ContentHash, Context, Design, EcoClass,
    EcoDefinition, EcoImplementation, EcoManifest, EngineKind, EngineSpec, Evidence, ExtraTrials,
    FailureClass, Fallback, GainAudit, Join, JoinMerge, JoinPolicy, Limits, Metric, NoiseRules,
    Objective, OnTimeout, ParameterDomain, ParameterKind, ParameterSpec, Parasitics, Prior,
    PriorRules, Priors, ProposerKind, Rollback, RunIdentity, SafetyDomain, Scene, Selection,
    SequenceStep, Stage, StageEco, StageMode, Strategy, Study, Symptom, TimeSpan, TrialResult,
    ViolationDepth,
};

use super::chance::Chance;

pub fn stage(name: &str, after: &[&str], trials: u32) -> Stage {
    Stage {
        name: name.to_owned(),
        after: after.iter().map(ToString::to_string).collect(),
        relation: None,
        trials,
        extra_trials: None,
        budget: Default::default(),
        survivors: 2,
        selection: Default::default(),
        stop: Default::default(),
        proposer: Default::default(),
        ecos: vec![
            StageEco {
                name: "resize".to_owned(),
                parameters: BTreeMap::from([(
                    "paths".to_owned(),
                    ParameterDomain::Range {
                        from: 1.0,
                        to: 40.0,
                        step: None,
                    },
                )]),
                ..StageEco::default()
            },
            StageEco {
                name: "buffer".to_owned(),
                parameters: BTreeMap::from([(
                    "share".to_owned(),
                    ParameterDomain::Range {
                        from: 0.0,
                        to: 1.0,
                        step: None,
                    },
                )]),
                ..StageEco::default()
            },
        ],
        mode: StageMode::Sta,
        safety_domain: None,
        safety: Default::default(),
        objective: None,
        parent_competes: true,
        approval: None,
        fallback: None,
        aborts: Aborts::default(),
        join: None,
    }
}

pub fn study(stages: Vec<Stage>) -> Study {
    Study {
        name: "simulated".to_owned(),
        description: String::new(),
        seed: 7,
        safety_domain: SafetyDomain::Sandbox,
        safety: Default::default(),
        design: Design {
            case_name: "core".to_owned(),
            top: "top".to_owned(),
            netlists: Vec::new(),
            platform: "osu018".to_owned(),
            platform_root: None,
            black_boxes: Vec::new(),
            unconstrained_endpoints: 0,
        },
        scenes: vec![Scene {
            name: "default".to_owned(),
            sdc: Vec::new(),
            liberty: Vec::new(),
            parasitics: Parasitics::None,
            clocks: Clocks::Ideal,
            checks: vec![noodle2_model::Check::Setup],
            ideal_hold: None,
        }],
        engine: EngineSpec::of(EngineKind::Opensta),
        objective: Objective {
            rank: vec![Metric::SetupWns, Metric::Area],
            bounds: vec![Bound {
                metric: Metric::Area,
                min: None,
                max: None,
                max_loss: None,
                max_loss_percent: Some(20.0),
            }],
        },
        eco_path: Vec::new(),
        noise: NoiseRules::default(),
        budget: Budget::default(),
        limits: Limits::default(),
        notify: Vec::new(),
        priors: None,
        stages,
    }
}

fn eco(name: &str, parameter: &str, kind: ParameterKind) -> (String, EcoDefinition) {
    let manifest = EcoManifest {
        name: name.to_owned(),
        version: 1,
        class: EcoClass::PlacementLocal,
        engines: vec![EngineKind::Opensta],
        description: String::new(),
        parameters: BTreeMap::from([(
            parameter.to_owned(),
            ParameterSpec {
                description: String::new(),
                kind,
            },
        )]),
        expected: BTreeMap::new(),
        remedies: BTreeMap::from([
            (Symptom::Fanout, Default::default()),
            (Symptom::WireShareUnknown, Default::default()),
        ]),
        changes_connectivity: false,
        implementation: EcoImplementation::Tcl("eco.tcl".to_owned()),
        scripts: BTreeMap::new(),
        needs: Vec::new(),
    };
    let content = ContentHash::of(name);
    (name.to_owned(), EcoDefinition { manifest, content })
}

pub fn identity(study: Study) -> RunIdentity {
    let integer = ParameterKind::Integer {
        min: 1,
        max: 500,
        default: 10,
    };
    let real = ParameterKind::Real {
        min: 0.0,
        max: 1.0,
        default: 0.5,
    };
    RunIdentity {
        noodle2_version: "0".to_owned(),
        study_hash: ContentHash::of(serde_json::to_vec(&study).unwrap()),
        study_file: ContentHash::of("study"),
        study,
        study_folder: "/".into(),
        tools: Vec::new(),
        inputs: Vec::new(),
        ecos: BTreeMap::from([
            eco("resize", "paths", integer),
            eco("buffer", "share", real),
        ]),
        priors: None,
    }
}

fn bound_on_wns(min: f64) -> Bound {
    Bound {
        min: Some(min),
        ..Bound::of(Metric::SetupWns)
    }
}

/// A random study: a random DAG with random budgets, aborts and joins.
pub fn random_study(chance: &mut Chance) -> Study {
    let count = 1 + chance.below(9);
    let names: Vec<String> = (0..count).map(|number| format!("s{number}")).collect();
    let stages = (0..count)
        .map(|position| {
            let mut after = BTreeSet::new();
            for _ in 0..chance.below(4).min(position) {
                after.insert(names[chance.below(position)].as_str());
            }
            let after: Vec<&str> = after.into_iter().collect();
            let mut stage = stage(&names[position], &after, chance.below(9) as u32);
            stage.survivors = 1 + chance.below(4) as u32;
            stage.parent_competes = !chance.one_in(4);
            if chance.one_in(3) {
                stage.aborts.failures = Some(1 + chance.below(4) as u32);
            }
            if chance.one_in(3) {
                stage.aborts.failures_in_a_row = Some(1 + chance.below(3) as u32);
            }
            if chance.one_in(4) {
                stage.aborts.failure_percent = Some(20.0 + chance.below(60) as f64);
                stage.aborts.at_least = Some(1 + chance.below(4) as u32);
            }
            if chance.one_in(8) {
                stage.aborts.bounds = vec![bound_on_wns(-520.0)];
            }
            if chance.one_in(4) {
                stage.safety.containment.eco_failures_in_a_row = Some(1 + chance.below(3) as u32);
            }
            if chance.one_in(8) {
                stage.safety.rails.trial = vec![bound_on_wns(-505.0)];
            }
            let kinds = [
                ProposerKind::Auto,
                ProposerKind::Auto,
                ProposerKind::Random,
                ProposerKind::Bandit,
                ProposerKind::Grid,
                ProposerKind::Diagnosis,
                ProposerKind::External,
            ];
            stage.proposer.kind = kinds[chance.below(7)];
            stage.proposer.catalogue = chance.one_in(2);
            if chance.one_in(4) {
                stage.ecos.push(sequence());
            }
            stage.proposer.round = Some(1 + chance.below(4) as u32);
            let strategies = [
                Strategy::Lexicographic,
                Strategy::TopN,
                Strategy::Pareto,
                Strategy::Diverse,
                Strategy::Tournament,
            ];
            stage.selection = Selection {
                strategy: strategies[chance.below(5)],
                weights: BTreeMap::from([(Metric::SetupWns, 1.0), (Metric::Area, 2.0)]),
                metrics: vec![Metric::SetupWns, Metric::Area],
                distance: Some(1 + chance.below(2) as u32),
                size: Some(2),
                elitism: true,
            };
            if chance.one_in(4) {
                stage.stop.plateau_trials = Some(1 + chance.below(4) as u32);
            }
            if chance.one_in(6) {
                stage.stop.target = vec![bound_on_wns(-480.0)];
            }
            if chance.one_in(6) {
                stage.stop.target = vec![bound_on_wns(-430.0)];
                stage.stop.doomed_after = Some(1 + chance.below(4) as u32);
            }
            if chance.one_in(4) {
                stage.safety_domain = Some(SafetyDomain::Locked);
            }
            stage.aborts.no_improvement = chance.one_in(6);
            if chance.one_in(4) {
                stage.safety.gates.stability = Some(1 + chance.below(3) as u32);
            }
            // Drawn from what is drawn already, so that all other draws stay as they are.
            if stage.trials % 5 == 1 {
                let max_loss_percent = 40.0;
                stage.safety.gates.gain_audit = Some(GainAudit { max_loss_percent });
            }
            if chance.one_in(3) {
                stage.fallback = Some(Fallback {
                    max_loss: Some(chance.below(8) as f64),
                    max_loss_percent: None,
                });
            }
            if chance.one_in(4) {
                stage.approval = Some(Approval {
                    approvers: 1 + chance.below(3) as u32,
                    timeout: Some(TimeSpan::from_seconds(60)),
                    on_timeout: [OnTimeout::Refuse, OnTimeout::Approve][chance.below(2)],
                    ..Approval::default()
                });
            }
            if after.len() > 1 {
                let merge = [
                    JoinMerge::Union,
                    JoinMerge::Top,
                    JoinMerge::BestPerBranch,
                    JoinMerge::Compose,
                ][chance.below(4)];
                let composes = merge == JoinMerge::Compose;
                let reruns = composes && chance.one_in(2);
                stage.join = Some(Join {
                    merge,
                    keep: (merge == JoinMerge::Top).then(|| 1 + chance.below(3) as u32),
                    policy: match chance.below(3) {
                        0 => JoinPolicy::All,
                        1 => JoinPolicy::Any,
                        _ => JoinPolicy::Quorum(1 + chance.below(after.len()) as u32),
                    },
                    mode: reruns.then_some(ComposeMode::Rerun),
                    conflicts: None,
                    pairs: (composes && chance.one_in(2)).then(|| 1 + chance.below(3) as u32),
                });
            }
            stage
        })
        .collect();
    let mut study = study(stages);
    for position in 0..count {
        if study.stages[position].trials > 0 && chance.one_in(3) {
            draw_extra_trials(&mut study, position, chance);
        }
    }
    study.seed = chance.next();
    if chance.one_in(2) {
        study.noise.repeats = Some(1 + chance.below(3) as u32);
    }
    if chance.one_in(2) {
        study.noise.rerun = Some(true);
    }
    if !chance.one_in(3) {
        study.safety_domain = SafetyDomain::Guarded;
    }
    if chance.one_in(5) {
        study.safety.rails.branch.failures = Some(2 + chance.below(4) as u32);
    }
    if chance.one_in(5) {
        study.safety.rails.study.failure_percent = Some(20.0 + chance.below(40) as f64);
        study.safety.rails.study.at_least = Some(1 + chance.below(12) as u32);
    }
    if chance.one_in(5) {
        study.safety.rails.study.catastrophic_failures = Some(1);
    }
    if chance.one_in(3) {
        study.priors = Some(PriorRules {
            veto: Some(true),
            ..PriorRules::default()
        });
    }
    study
}

/// Lets a stage draw from others, unless they would wait for each other in a circle.
fn draw_extra_trials(study: &mut Study, position: usize, chance: &mut Chance) {
    let names: Vec<String> = study
        .stages
        .iter()
        .map(|stage| stage.name.clone())
        .collect();
    let picked: BTreeSet<usize> = (0..1 + chance.below(2))
        .map(|_| chance.below(names.len()))
        .filter(|other| *other != position)
        .collect();
    let extra = ExtraTrials {
        from: picked.iter().map(|other| names[*other].clone()).collect(),
        at_most: 1 + chance.below(6) as u32,
    };
    study.stages[position].extra_trials = (!picked.is_empty()).then_some(extra);
    if Controller::new(identity(study.clone())).is_err() {
        study.stages[position].extra_trials = None;
    }
}

/// Gives a study budgets of time, for some of its stages and for its branches.
pub fn limit_time(study: &mut Study, chance: &mut Chance) {
    let limit = |chance: &mut Chance, least: usize| Some((least + chance.below(40)) as f64);
    for stage in &mut study.stages {
        if chance.one_in(2) {
            stage.budget.cpu_time_s = limit(chance, 1);
        }
        if chance.one_in(2) {
            stage.budget.wall_time_s = limit(chance, 1);
        }
    }
    if chance.one_in(2) {
        study.budget.branch.cpu_time_s = limit(chance, 10);
    }
    if chance.one_in(2) {
        study.budget.branch.wall_time_s = limit(chance, 10);
    }
}

/// Evidence of earlier runs: some failures, not yet enough for a veto.
pub fn random_priors(chance: &mut Chance) -> Priors {
    let entry = |eco: &str, failures: usize| Prior {
        eco: eco.to_owned(),
        content: ContentHash::of(eco),
        context: Context {
            depth: ViolationDepth::Under1Ns,
            ..Context::default()
        },
        evidence: Evidence::of(
            &TrialResult::Failed(FailureClass::ToolError),
            failures as f64 * 0.5,
        ),
        last_use_s: 0,
    };
    Priors {
        entries: vec![
            entry("buffer", chance.below(6)),
            entry("resize", chance.below(6)),
        ],
        runs: Vec::new(),
    }
}

/// Both ECOs one after the other.
pub fn sequence() -> StageEco {
    let step = |name: &str, parameter: &str, from, to| SequenceStep {
        name: name.to_owned(),
        parameters: BTreeMap::from([(
            parameter.to_owned(),
            ParameterDomain::Range {
                from,
                to,
                step: None,
            },
        )]),
    };
    StageEco {
        name: "both".to_owned(),
        sequence: vec![
            step("resize", "paths", 1.0, 9.0),
            step("buffer", "share", 0.0, 1.0),
        ],
        rollback: Some(Rollback::Partial),
        ..StageEco::default()
    }
}
