//! A driver that completes, loses and kills in any order that a seed dictates.

use noodle2_control::{Controller, Offer};
use noodle2_model::{
    AttemptId, AttemptUsage, Event, FailureClass, RunIdentity, StageIndex, TimeKind,
};

use super::chance::Chance;
use super::checks::{check_decision, check_memory, check_no_idle_worker, check_state};
use super::world::{answer, answer_to, finished_with, is_known, known, lost, result_of};

/// How the simulated driver behaves.
pub struct Schedule {
    pub workers: usize,
    pub chance: Chance,
    /// The controller is killed about once in this many steps; 0 for never.
    pub kill_one_in: usize,
    /// What all attempts that run at once may hold together; `None` where nobody counts.
    pub memory_bytes: Option<u64>,
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
            let decisions = controller.decide(Offer {
                free_workers: free,
                memory_bytes: schedule.memory_bytes,
            });
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
            check_memory(&controller, schedule.memory_bytes);
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
        check_no_idle_worker(&controller, schedule.workers, schedule.memory_bytes);
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
        let usage = AttemptUsage {
            wall_s: schedule.chance.below(200) as f64 / 10.0,
            cpu_s: schedule.chance.below(100) as f64 / 10.0,
            peak_memory_bytes: (!schedule.chance.one_in(5))
                .then(|| schedule.chance.below(1000) as u64),
            worker: Some(running.len() as u32),
            ..AttemptUsage::default()
        };
        // What is known of earlier runs differs from one run to the other.
        let event = match schedule.chance.below(4) {
            0 => known(attempt, outcome),
            _ => finished_with(attempt, outcome, usage),
        };
        match controller.apply(&event) {
            Ok(()) => journal.push(event),
            // A confirmation, or what no design determines.
            Err(refused) => {
                assert!(is_known(&event), "{refused}");
                let Event::AttemptFinished { outcome, .. } = event else {
                    unreachable!()
                };
                let event = finished_with(attempt, *outcome, usage);
                controller.apply(&event).unwrap();
                journal.push(event);
            }
        }
    }
    unreachable!()
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
