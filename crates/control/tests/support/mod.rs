//! A simulated world for the controller: studies, tools whose results depend only on what they are given,
//! and a driver that completes, loses and kills in any order that a seed dictates.
#![allow(dead_code, reason = "each test file uses its own part")]

use std::collections::{BTreeMap, BTreeSet};

use noodle2_control::{AttemptRole, Controller, StageStanding, TrialStanding};
use noodle2_model::{
    Aborts, Approval, AttemptId, AttemptUsage, Bound, Budget, CacheAnswer, CacheHit, Clocks,
    ComposeMode, ContentHash, Context, Design, DesignState, EcoClass, EcoDefinition,
    EcoImplementation, EcoManifest, EngineKind, EngineSpec, EquivalenceProof, EquivalenceVerdict,
    Event, Evidence, ExternalProposal, ExtraTrials, Failure, FailureClass, Fallback, Join,
    JoinMerge, JoinPolicy, Limits, Measurement, Metric, MetricSet, NoiseRules, Objective,
    OnTimeout, Outcome, ParameterDomain, ParameterKind, ParameterSpec, ParameterValue, Parasitics,
    PathExtreme, PathProfile, Prior, PriorRules, Priors, ProposerKind, Rollback, RunIdentity,
    SafetyDomain, Scene, Selection, SequenceStep, Stage, StageEco, StageEnd, StageIndex, StageMode,
    StopCause, Strategy, Study, Symptom, TimeKind, TimeSpan, TrialResult, ViolationDepth,
};

/// SplitMix64 (Steele, Lea, Flood 2014): enough chance for a schedule, the same on every machine.
pub struct Chance(pub u64);

impl Chance {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    pub fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }
}

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
        engine: EngineSpec {
            kind: EngineKind::Opensta,
            path: None,
            audit: None,
        },
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

/// What a tool would report: a function of what it is given and of nothing else.
pub fn result_of(controller: &Controller, attempt: AttemptId, world: u64) -> Outcome {
    if let Some(AttemptRole::Repeats(repeat)) = controller.role_of(attempt) {
        let case = &controller.cases().get(&attempt.trial.case("core"));
        // A rail of the study may have been crossed meanwhile.
        return case.map_or(Outcome::NoEffect, |case| {
            repeat_of((*case.measurement).clone(), repeat, world)
        });
    }
    let Some(trial) = controller.trial(attempt.trial) else {
        return measured(world, -500.0, 1000.0);
    };
    // Of a trial whose parent a rail of the study discarded, nothing counts.
    let Some(parent) = controller.cases().get(&trial.parent) else {
        return Outcome::NoEffect;
    };
    let parent = &parent.measurement;
    if let Some(case) = controller.cases().get(&attempt.trial.case("core")) {
        return confirmation_of((*case.measurement).clone(), world);
    }
    let text = serde_json::to_string(&trial.eco).unwrap();
    let hash = ContentHash::of(format!("{world} {} {text}", parent.design.canonical));
    let byte = |place: usize| f64::from(hash.as_bytes()[place]);
    match hash.as_bytes()[0] {
        0..60 => Outcome::Failed(Failure {
            class: [
                FailureClass::ToolError,
                FailureClass::Timeout,
                FailureClass::Segfault,
            ][usize::from(hash.as_bytes()[1]) % 3],
            tool_code: None,
            message: format!("attempt {attempt}"),
            excerpt: String::new(),
        }),
        60..90 => Outcome::NoEffect,
        90..100 => Outcome::from(Measurement {
            overall: MetricSet::new(),
            ..measurement(world, 0.0, 0.0)
        }),
        _ => {
            let wns = parent.overall.get(Metric::SetupWns).unwrap_or(-500.0);
            let area = parent.overall.get(Metric::Area).unwrap_or(1000.0);
            // Few distinct values, so that ties and identical designs are common.
            let design = u64::from(hash.as_bytes()[2] % 16);
            measured(
                design,
                (wns + (byte(3) % 8.0) * 5.0 - 15.0).min(0.0),
                area + byte(4) % 4.0 * 10.0 - 5.0,
            )
        }
    }
}

/// What repeating a measurement finds: unperturbed mostly the same, perturbed some picoseconds more or less.
fn repeat_of(mut case: Measurement, repeat: u32, world: u64) -> Outcome {
    let hash = ContentHash::of(format!("{world} repeat {repeat} {}", case.design.canonical));
    let byte = |place: usize| f64::from(hash.as_bytes()[place]);
    let wns = case.overall.get(Metric::SetupWns).unwrap_or_default();
    match hash.as_bytes()[0] {
        0..4 => Outcome::Failed(Failure {
            class: FailureClass::ToolError,
            tool_code: None,
            message: String::new(),
            excerpt: String::new(),
        }),
        4..8 => measured(world ^ 1, wns, 1.0),
        40.. if repeat == 0 => Outcome::from(case),
        _ => {
            case.overall
                .insert(Metric::SetupWns, wns + byte(1) % 13.0 - 6.0);
            case.overall.insert(Metric::Area, 1000.0 + byte(2) % 3.0);
            Outcome::from(case)
        }
    }
}

/// What measuring a case again finds: mostly the same.
fn confirmation_of(case: Measurement, world: u64) -> Outcome {
    let hash = ContentHash::of(format!("{world} again {}", case.design.canonical));
    match hash.as_bytes()[0] {
        0..10 => measured(world, -1.0, 1.0),
        10..16 => Outcome::Failed(Failure {
            class: FailureClass::EquivalenceFailed,
            tool_code: None,
            message: String::new(),
            excerpt: String::new(),
        }),
        16..22 => proved(
            case,
            EquivalenceVerdict::Undecided {
                reason: String::new(),
            },
        ),
        _ => proved(case, EquivalenceVerdict::Equal),
    }
}

/// What a confirmation finds whose proof came to this.
pub fn proved(mut case: Measurement, verdict: EquivalenceVerdict) -> Outcome {
    case.equivalence = Some(EquivalenceProof {
        verdict,
        points: 1,
        by_structure: 1,
        by_proof: 0,
        cells: 0,
        sat_calls: 0,
        conflicts: 0,
    });
    Outcome::from(case)
}

fn measured(design: u64, wns: f64, area: f64) -> Outcome {
    Outcome::from(measurement(design, wns, area))
}

fn measurement(design: u64, wns: f64, area: f64) -> Measurement {
    let hash = ContentHash::of(format!("{design} {wns} {area}"));
    Measurement {
        design: DesignState {
            canonical: hash,
            netlist: hash,
        },
        overall: [(Metric::SetupWns, wns), (Metric::Area, area)]
            .into_iter()
            .collect(),
        scenes: BTreeMap::from([(
            "default".to_owned(),
            [(Metric::HoldWns, -(wns.abs() % 3.0))]
                .into_iter()
                .collect(),
        )]),
        findings: Vec::new(),
        edits: BTreeMap::new(),
        conflicts: BTreeMap::new(),
        blast_radius: None,
        equivalence: None,
        paths: vec![path(design, wns)],
        steps: Vec::new(),
        marks: Default::default(),
    }
}

/// A worst path; some show more than that no wires are known.
fn path(design: u64, slack_ps: f64) -> PathProfile {
    PathProfile {
        scene: "default".into(),
        check: noodle2_model::Check::Setup,
        start: "a".into(),
        end: "b".into(),
        slack_ps,
        stages: 5,
        cell_delay_ps: 900.0,
        wire_delay_ps: None,
        widest: Some(PathExtreme {
            at: "u1".into(),
            cell: "INV".into(),
            value: (design % 16) as f64,
        }),
        slowest_transition: None,
        median_transition_ps: None,
        slowest_cell: None,
    }
}

pub fn finished(attempt: AttemptId, outcome: Outcome) -> Event {
    finished_after(attempt, outcome, 0.0)
}

/// The end of an attempt that used so much processor time.
pub fn finished_after(attempt: AttemptId, outcome: Outcome, cpu_s: f64) -> Event {
    Event::AttemptFinished {
        attempt,
        outcome: Box::new(outcome),
        usage: AttemptUsage {
            cpu_s,
            ..AttemptUsage::default()
        },
        cache: None,
    }
}

pub fn lost(attempt: AttemptId, class: FailureClass) -> Event {
    finished(
        attempt,
        Outcome::Failed(Failure {
            class,
            tool_code: None,
            message: String::new(),
            excerpt: String::new(),
        }),
    )
}

/// How the simulated driver behaves.
pub struct Schedule {
    pub workers: usize,
    pub chance: Chance,
    /// The controller is killed about once in this many steps; 0 for never.
    pub kill_one_in: usize,
    /// About once in this many steps the clock says that the wall time of something is spent; 0 for never.
    pub spend_one_in: usize,
}

/// Runs a study to its end and returns its journal. Checks the invariants at every step.
pub fn run(identity: &RunIdentity, world: u64, mut schedule: Schedule) -> Vec<Event> {
    let mut controller = Controller::new(identity.clone()).unwrap();
    let mut journal = vec![Event::RunCreated {
        identity: Box::new(identity.clone()),
    }];
    for step in 0.. {
        assert!(step < 100_000, "the run does not end");
        loop {
            let free = schedule.workers - controller.running_attempts().len();
            let decisions = controller.decide(free);
            if decisions.is_empty() {
                break;
            }
            // A kill in the middle of a group commit leaves a prefix of it.
            let torn = schedule.kill_one_in > 0 && schedule.chance.one_in(schedule.kill_one_in * 4);
            let kept = if torn {
                schedule.chance.below(decisions.len() + 1)
            } else {
                decisions.len()
            };
            for event in &decisions[..kept] {
                check_decision(&controller, event);
                controller.apply(event).unwrap();
                journal.push(event.clone());
            }
            check_state(&controller, schedule.workers);
            if torn && controller.recorded_digest().is_none() {
                controller = resume(&mut journal);
            }
        }
        if controller.recorded_digest().is_some() {
            return journal;
        }
        // A program answers at any time, and is asked again when the answer was lost.
        if let Some((stage, round)) = controller.external_rounds_due().first().copied()
            && (controller.running_attempts().is_empty() || schedule.chance.one_in(2))
        {
            let event = answer(&controller, stage, round);
            controller.apply(&event).unwrap();
            journal.push(event);
            continue;
        }
        check_no_idle_worker(&controller, schedule.workers);
        let clocked = controller.open_time_budgets(TimeKind::Wall);
        if schedule.spend_one_in > 0
            && !clocked.is_empty()
            && schedule.chance.one_in(schedule.spend_one_in)
        {
            let (owner, _) = clocked[schedule.chance.below(clocked.len())];
            let time = TimeKind::Wall;
            let event = Event::TimeSpent { owner, time };
            controller.apply(&event).unwrap();
            journal.push(event);
            continue;
        }
        if schedule.kill_one_in > 0 && schedule.chance.one_in(schedule.kill_one_in) {
            controller = resume(&mut journal);
            continue;
        }
        let running: Vec<AttemptId> = controller.running_attempts().iter().copied().collect();
        let asked: Vec<StageIndex> = controller.open_approvals().collect();
        assert_eq!(
            controller.waits_for_approval(),
            running.is_empty() && !asked.is_empty()
        );
        // People take their time, but answer at last.
        if !asked.is_empty() && (running.is_empty() || schedule.chance.one_in(4)) {
            let stage = asked[schedule.chance.below(asked.len())];
            let event = answer_to(&controller, stage, world, &mut schedule.chance);
            controller.apply(&event).unwrap();
            journal.push(event);
            continue;
        }
        assert!(!running.is_empty(), "nothing runs and nothing is decided");
        let attempt = running[schedule.chance.below(running.len())];
        let outcome = result_of(&controller, attempt, world);
        // What it takes depends on the machine.
        let cpu_s = schedule.chance.below(100) as f64 / 10.0;
        // What is known of earlier runs differs from one run to the other.
        let event = match schedule.chance.below(4) {
            0 => known(attempt, outcome),
            _ => finished_after(attempt, outcome, cpu_s),
        };
        match controller.apply(&event) {
            Ok(()) => journal.push(event),
            // A confirmation, or what no design determines.
            Err(refused) => {
                assert!(is_known(&event), "{refused}");
                let Event::AttemptFinished { outcome, .. } = event else {
                    unreachable!()
                };
                let event = finished_after(attempt, *outcome, cpu_s);
                controller.apply(&event).unwrap();
                journal.push(event);
            }
        }
    }
    unreachable!()
}

/// The end of an attempt whose result was known before.
pub fn known(attempt: AttemptId, outcome: Outcome) -> Event {
    Event::AttemptFinished {
        attempt,
        outcome: Box::new(outcome),
        usage: AttemptUsage::default(),
        cache: Some(CacheAnswer::Hit(CacheHit {
            entry: ContentHash::of("entry"),
            run: ContentHash::of("run"),
            study: "earlier".to_owned(),
            attempt,
        })),
    }
}

/// Whether an event tells of an attempt whose result was known before.
pub fn is_known(event: &Event) -> bool {
    matches!(event, Event::AttemptFinished { cache: Some(answer), .. } if answer.hit().is_some())
}

/// What people say to a stage: a function of the stage and of the world. Who says it is left to chance.
fn answer_to(controller: &Controller, stage: StageIndex, world: u64, chance: &mut Chance) -> Event {
    let approval = controller.stages()[stage.position()].approval.as_ref();
    let approval = approval.unwrap();
    let given = approval.given.len();
    let by = format!("person {given} of {}", chance.next());
    let note = format!("note {}", chance.next());
    let evidence = approval.evidence;
    match ContentHash::of(format!("{world} {stage} {given}")).as_bytes()[0] {
        0..25 => Event::ApprovalRefused {
            stage,
            by,
            note,
            evidence,
        },
        25..50 => Event::ApprovalExpired { stage },
        _ => Event::ApprovalGiven {
            stage,
            by,
            note,
            evidence,
        },
    }
}

/// What a user's program proposes: a function of what it is given and of nothing else.
fn answer(controller: &Controller, stage: StageIndex, round: u32) -> Event {
    let history = controller.causal_history(stage, round);
    let hash = ContentHash::of(serde_json::to_vec(&history).unwrap());
    let byte = |place: usize| hash.as_bytes()[place];
    if byte(0) < 10 {
        let cause = "it lost its temper".to_owned();
        return Event::ProposerFailed { stage, cause };
    }
    let proposals = (0..usize::from(byte(1) % 6)).map(|place| ExternalProposal {
        parent: (byte(place + 2) % 3 == 0).then(|| {
            let inputs = &history.inputs;
            let known = &inputs[usize::from(byte(place + 8)) % inputs.len()];
            known.case.clone()
        }),
        eco: ["resize", "buffer", "unknown"][usize::from(byte(place + 14)) % 3].to_owned(),
        parameters: match byte(place + 14) % 3 {
            0 => [(
                "paths".to_owned(),
                ParameterValue::Integer(i64::from(byte(place + 20) % 50)),
            )]
            .into(),
            1 => [(
                "share".to_owned(),
                ParameterValue::Real(f64::from(byte(place + 20)) / 200.0),
            )]
            .into(),
            _ => Default::default(),
        },
        reason: String::new(),
    });
    Event::RoundAnswered {
        stage,
        round,
        proposals: proposals.collect(),
    }
}

/// What a controller does after its predecessor was killed.
fn resume(journal: &mut Vec<Event>) -> Controller {
    let mut controller = Controller::replay(journal.iter()).unwrap();
    let mut events = vec![Event::RunResumed];
    for attempt in controller.running_attempts() {
        events.push(lost(*attempt, FailureClass::Interrupted));
    }
    for event in events {
        controller.apply(&event).unwrap();
        journal.push(event);
    }
    controller
}

fn check_decision(controller: &Controller, event: &Event) {
    match event {
        Event::AttemptStarted { attempt } => {
            if let Some(trial) = controller.trial(attempt.trial) {
                assert_eq!(trial.standing(), TrialStanding::Waiting);
                assert!(trial.verdict().is_none(), "a finished trial runs again");
                assert!(trial.cancelled.is_none(), "a cancelled trial runs");
            }
        }
        Event::RepeatStarted { attempt, .. } => {
            let case = controller.cases().get(&attempt.trial.case("core"));
            assert!(case.is_some(), "what was not measured is measured again");
        }
        Event::StageStarted { stage, inputs, .. } => {
            let study = controller.program().study();
            let repeats = study.noise.repeats_in(study.safety_domain).count();
            let is_told = controller.noise().is_some();
            assert_eq!(
                is_told,
                repeats > 0,
                "a stage starts before the noise is measured"
            );
            let passed_on: BTreeSet<_> = controller
                .program()
                .dag()
                .dependencies(*stage)
                .iter()
                .flat_map(|dependency| survivors(controller, *dependency))
                .collect();
            for input in inputs {
                assert!(
                    passed_on.contains(&input.case) || input.case == controller.base_name(),
                    "a stage starts from a case that no stage before it passed on"
                );
            }
        }
        _ => {}
    }
}

pub fn survivors(controller: &Controller, stage: StageIndex) -> Vec<noodle2_model::CaseName> {
    match &controller.stages()[stage.position()].standing {
        StageStanding::Finished(StageEnd::Completed { survivors, .. }) => survivors.clone(),
        _ => Vec::new(),
    }
}

/// What a stage did not use is given once, and to nobody before the stage ended.
fn check_extra_trials(controller: &Controller) {
    if controller.crossed_study_rail().is_some() {
        return;
    }
    let mut given: BTreeMap<StageIndex, u32> = BTreeMap::new();
    for (position, stage) in controller.stages().iter().enumerate() {
        let declared = &controller.program().study().stages[position];
        let drawn: u32 = stage.extra_trials.iter().map(|(_, trials)| trials).sum();
        let at_most = declared.extra_trials.as_ref();
        assert!(drawn <= at_most.map_or(0, |extra| extra.at_most));
        for (source, trials) in &stage.extra_trials {
            *given.entry(*source).or_default() += trials;
        }
    }
    for (source, trials) in given {
        let unused = controller.unused_trials(source);
        assert!(unused.is_some_and(|unused| trials <= unused), "given twice");
    }
    let counted = controller
        .trials()
        .filter(|trial| !controller.is_discarded(trial.id));
    let declared: u32 = controller
        .program()
        .study()
        .stages
        .iter()
        .map(|stage| stage.trials)
        .sum();
    let ended = controller
        .stages()
        .iter()
        .all(|stage| matches!(stage.standing, StageStanding::Finished(_)));
    assert!(
        !ended || counted.count() <= declared as usize,
        "more than all stages have"
    );
}

fn check_state(controller: &Controller, workers: usize) {
    check_extra_trials(controller);
    assert!(controller.running_attempts().len() <= workers);
    for (position, stage) in controller.stages().iter().enumerate() {
        let index = StageIndex::from(position);
        let declared = controller.program().stage(index);
        let trials: Vec<_> = controller.trials_of(index).collect();
        let allotted = controller.allotted_trials(index);
        assert!(trials.len() <= allotted as usize, "over budget");
        let drawn: u32 = stage.extra_trials.iter().map(|(_, trials)| trials).sum();
        assert_eq!(allotted, declared.trials + drawn);
        for (number, trial) in trials.iter().enumerate() {
            assert_eq!(trial.id.derived as usize, number + 1);
        }
        let passed = survivors(controller, index);
        assert!(passed.len() <= declared.survivors as usize);
        let is_given_up = controller.crossed_study_rail().is_some();
        if !passed.is_empty() && !is_given_up && (declared.parent_competes || declared.trials == 0)
        {
            let value = |name: &noodle2_model::CaseName| {
                controller.cases()[name]
                    .measurement
                    .overall
                    .get(Metric::SetupWns)
            };
            let best_in = stage.inputs.iter().map(|input| value(&input.case));
            let best_in = best_in.max_by(|left, right| left.partial_cmp(right).unwrap());
            // Inputs that break a bound rank behind those that keep it, so compare only within bounds.
            let base = controller.base_case().unwrap().measurement.overall.clone();
            let bounded = |name: &noodle2_model::CaseName| {
                let area = |set: &MetricSet| set.get(Metric::Area).unwrap();
                area(&controller.cases()[name].measurement.overall) <= area(&base) * 1.2
            };
            if stage.inputs.iter().all(|input| bounded(&input.case)) {
                let noise = controller.noise_floor().get(Metric::SetupWns);
                assert!(
                    value(&passed[0]).unwrap() >= best_in.flatten().unwrap() - noise.unwrap_or(0.0),
                    "a stage passed on worse than it got"
                );
            }
        }
    }
}

/// Stages of different branches share the workers: none idles while any trial of any open stage waits.
fn check_no_idle_worker(controller: &Controller, workers: usize) {
    let is_given_up = controller.crossed_study_rail().is_some();
    if controller.running_attempts().len() < workers && !is_given_up {
        let waiting = controller
            .trials()
            .find(|trial| trial.standing() == TrialStanding::Waiting);
        assert_eq!(waiting, None, "a worker idles while a trial waits");
    }
}

pub fn digest(journal: &[Event]) -> ContentHash {
    match journal.last() {
        Some(Event::RunFinished { digest, .. }) => *digest,
        other => panic!("the run did not end: {other:?}"),
    }
}

pub fn person_stops() -> Event {
    Event::StopRequested {
        cause: StopCause::Person,
    }
}
