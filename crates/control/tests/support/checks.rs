//! What must hold at every step of a simulated run.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};

use noodle2_control::{Controller, StageStanding, TrialStanding};
use noodle2_model::{Event, Metric, MetricSet, StageEnd, StageIndex};

pub fn check_decision(controller: &Controller, event: &Event) {
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

pub fn check_state(controller: &Controller, workers: usize) {
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

/// Whether a trial of any run waited for memory.
pub static HELD_BACK: AtomicBool = AtomicBool::new(false);

/// Whether an attempt of any run started that would never have fitted.
pub static ALONE: AtomicBool = AtomicBool::new(false);

/// Stages of different branches share the workers: none idles while any trial of any open stage waits, unless that
/// would not fit into memory beside what runs.
pub fn check_no_idle_worker(controller: &Controller, workers: usize, memory_bytes: Option<u64>) {
    let is_given_up = controller.crossed_study_rail().is_some();
    let running = controller.running_attempts().len();
    if running < workers && !is_given_up {
        let waiting = controller
            .trials()
            .find(|trial| trial.standing() == TrialStanding::Waiting);
        if waiting.is_some() && memory_bytes.is_some() && running > 0 {
            HELD_BACK.store(true, Ordering::Relaxed);
            return;
        }
        assert_eq!(waiting, None, "a worker idles while a trial waits");
    }
}

/// What runs at once fits into memory as far as that can be told, or is one attempt that fits nowhere.
pub fn check_memory(controller: &Controller, memory_bytes: Option<u64>) {
    let running = controller.running_attempts();
    let expected = running
        .iter()
        .map(|attempt| controller.expected_memory_bytes(*attempt).unwrap());
    let together: u64 = expected.sum();
    assert_eq!(together, controller.expected_memory_in_use_bytes());
    if let Some(limit) = memory_bytes {
        assert!(together <= limit || running.len() == 1, "more than fits");
        if together > limit {
            ALONE.store(true, Ordering::Relaxed);
        }
    }
}
