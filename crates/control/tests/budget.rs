//! Budgets of time of stages and branches, one by one.

mod support;

use noodle2_control::{Controller, StageStanding, TrialStanding};
use noodle2_model::{
    AttemptId, BudgetOwner, Event, FailureClass, Outcome, RunStatus, Stage, StageEnd, StageIndex,
    Study, TimeKind,
};
use support::{finished, finished_after, identity, lost, result_of, stage, study, survivors};

const WORLD: u64 = 5;

fn limited(name: &str, after: &[&str], cpu_time_s: Option<f64>, wall_time_s: Option<f64>) -> Stage {
    let mut stage = stage(name, after, 4);
    stage.budget.cpu_time_s = cpu_time_s;
    stage.budget.wall_time_s = wall_time_s;
    stage
}

fn begun(study: Study) -> Controller {
    Controller::new(identity(study)).unwrap()
}

/// Takes every decision that follows, and returns them.
fn settle(controller: &mut Controller, workers: usize) -> Vec<Event> {
    let mut decided = Vec::new();
    loop {
        let events = controller.decide(workers - controller.running_attempts().len());
        if events.is_empty() {
            return decided;
        }
        for event in &events {
            controller.apply(event).unwrap();
        }
        decided.extend(events);
    }
}

/// Ends the attempt of a trial after so many seconds: the base as it is, any other without effect.
fn end(controller: &mut Controller, attempt: &str, cpu_s: f64) {
    let attempt: AttemptId = AttemptId {
        trial: attempt.parse().unwrap(),
        number: 1,
    };
    let outcome = match attempt.trial.is_base() {
        true => result_of(controller, attempt, WORLD),
        false => Outcome::NoEffect,
    };
    controller
        .apply(&finished_after(attempt, outcome, cpu_s))
        .unwrap();
}

fn spent(owner: BudgetOwner, time: TimeKind) -> Event {
    Event::TimeSpent { owner, time }
}

const FIRST: BudgetOwner = BudgetOwner::Stage(StageIndex(0));
const BRANCH: BudgetOwner = BudgetOwner::Branch(StageIndex(0));

fn called_off(controller: &Controller) -> Vec<(String, String)> {
    let trials = controller.trials();
    trials
        .filter_map(|trial| Some((trial.id.to_string(), trial.cancelled.clone()?)))
        .collect()
}

#[test]
fn processor_time_that_is_spent_calls_off_what_is_not_counted_and_leaves_other_branches_alone() {
    let study = study(vec![
        limited("short", &[], Some(10.0), None),
        stage("other", &[], 4),
    ]);
    let mut controller = begun(study);
    settle(&mut controller, 8);
    end(&mut controller, "0_0", 99.0);
    settle(&mut controller, 8);
    end(&mut controller, "0_1", 4.0);
    end(&mut controller, "0_3", 5.9);
    assert_eq!(settle(&mut controller, 8), []);
    end(&mut controller, "1_1", 50.0);
    assert_eq!(settle(&mut controller, 8), []);
    end(&mut controller, "0_4", 0.1);
    let unsaid = AttemptId {
        trial: "0_2".parse().unwrap(),
        number: 2,
    };
    let decided = settle(&mut controller, 8);
    assert_eq!(decided[0], spent(FIRST, TimeKind::Cpu));
    let cause = "the processor time of the stage, 10 s, is spent";
    assert_eq!(
        called_off(&controller),
        [("0_2".to_owned(), cause.to_owned())]
    );
    // It ends before what it called off has ended, and what is measured late counts for nothing.
    assert_eq!(controller.stages()[0].out_of_time(), Some((1, cause)));
    assert_eq!(controller.stages()[0].satisfied(), None);
    assert_eq!(survivors(&controller, StageIndex(0)).len(), 1);
    assert!(controller.is_discarded("0_3".parse().unwrap()));
    assert!(controller.running_attempts().contains(&AttemptId {
        number: 1,
        ..unsaid
    }));
    assert_eq!(controller.stages()[1].standing, StageStanding::Running);
    end(&mut controller, "0_2", 1.0);
    for trial in ["1_2", "1_3", "1_4"] {
        end(&mut controller, trial, 50.0);
    }
    settle(&mut controller, 8);
    assert_eq!(controller.status(), RunStatus::Completed);
    assert!(!controller.promises_digest());
}

#[test]
fn a_branch_that_is_out_of_time_passes_on_what_it_has_and_tries_nothing_more() {
    let mut study = study(vec![
        limited("first", &[], None, None),
        stage("second", &["first"], 4),
        stage("other", &[], 1),
        stage("joined", &["second", "other"], 1),
    ]);
    study.stages[1].approval = Some(Default::default());
    study.budget.branch.wall_time_s = Some(60.0);
    let mut controller = begun(study);
    settle(&mut controller, 8);
    end(&mut controller, "0_0", 1.0);
    settle(&mut controller, 8);
    assert_eq!(
        controller.open_time_budgets(TimeKind::Wall),
        [(BRANCH, 60.0), (BudgetOwner::Branch(StageIndex(2)), 60.0)]
    );
    controller.apply(&spent(BRANCH, TimeKind::Wall)).unwrap();
    settle(&mut controller, 8);
    assert_eq!(survivors(&controller, StageIndex(0)).len(), 1, "its input");
    let Some(StageStanding::AwaitingApproval) = controller
        .stages()
        .get(1)
        .map(|stage| stage.standing.clone())
    else {
        panic!("people are asked all the same");
    };
    let evidence = controller.stages()[1].approval.as_ref().unwrap().evidence;
    controller
        .apply(&Event::ApprovalGiven {
            stage: StageIndex(1),
            by: "ann".to_owned(),
            note: String::new(),
            evidence,
        })
        .unwrap();
    settle(&mut controller, 8);
    assert_eq!(controller.trials_of(StageIndex(1)).count(), 0);
    let cause = "the wall time of its branch, 60 s, is spent";
    assert_eq!(controller.stages()[1].out_of_time(), Some((0, cause)));
    assert_eq!(survivors(&controller, StageIndex(1)).len(), 1);
    let left: Vec<String> = controller
        .running_attempts()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        left.len(),
        5,
        "four are being killed, one goes on: {left:?}"
    );
    end(&mut controller, "2_1", 1.0);
    settle(&mut controller, 8);
    assert_eq!(controller.stages()[3].standing, StageStanding::Running);
}

#[test]
fn a_stage_without_parents_in_competition_fails_when_its_time_is_spent_before_anything_counts() {
    let mut stage = limited("only", &[], None, Some(5.0));
    stage.parent_competes = false;
    let mut controller = begun(study(vec![stage]));
    settle(&mut controller, 2);
    end(&mut controller, "0_0", 1.0);
    settle(&mut controller, 2);
    controller.apply(&spent(FIRST, TimeKind::Wall)).unwrap();
    settle(&mut controller, 2);
    let StageStanding::Finished(StageEnd::Failed { cause, at }) = &controller.stages()[0].standing
    else {
        panic!("{:?}", controller.stages()[0].standing);
    };
    assert_eq!(
        cause,
        "the wall time of the stage, 5 s, is spent: no case is left to pass on"
    );
    assert_eq!(*at, None);
    for trial in ["0_1", "0_2"] {
        let attempt = AttemptId {
            trial: trial.parse().unwrap(),
            number: 1,
        };
        controller
            .apply(&lost(attempt, FailureClass::Interrupted))
            .unwrap();
    }
    settle(&mut controller, 2);
    assert_eq!(controller.status(), RunStatus::Stopped);
}

#[test]
fn spent_time_is_told_once_by_those_who_have_a_budget_and_outlives_a_resumption() {
    let mut controller = begun(study(vec![
        limited("only", &[], Some(10.0), None),
        limited("next", &["only"], None, Some(5.0)),
    ]));
    settle(&mut controller, 1);
    end(&mut controller, "0_0", 1.0);
    settle(&mut controller, 1);
    for wrong in [
        spent(FIRST, TimeKind::Wall),
        spent(BRANCH, TimeKind::Wall),
        spent(BudgetOwner::Stage(StageIndex(1)), TimeKind::Wall),
        spent(BudgetOwner::Stage(StageIndex(9)), TimeKind::Wall),
        // Nothing that ended has spent it.
        spent(FIRST, TimeKind::Cpu),
    ] {
        assert!(controller.apply(&wrong).is_err(), "{wrong:?}");
    }
    end(&mut controller, "0_1", 10.0);
    let started = Event::AttemptStarted {
        attempt: AttemptId {
            trial: "0_2".parse().unwrap(),
            number: 1,
        },
    };
    assert!(controller.apply(&started).is_err(), "before it is said");
    controller.apply(&Event::RunResumed).unwrap();
    assert!(controller.apply(&started).is_err());
    let decided = settle(&mut controller, 1);
    assert_eq!(decided[0], spent(FIRST, TimeKind::Cpu));
    assert!(controller.apply(&decided[0]).is_err(), "twice");
    assert!(controller.apply(&started).is_err());
    assert!(controller.is_time_spent(FIRST, TimeKind::Cpu));
}

#[test]
fn what_is_spent_when_nothing_is_left_to_try_cuts_nothing_short() {
    let mut controller = begun(study(vec![limited("only", &[], Some(1.0), None)]));
    settle(&mut controller, 4);
    end(&mut controller, "0_0", 1.0);
    settle(&mut controller, 4);
    for trial in ["0_1", "0_2", "0_3"] {
        end(&mut controller, trial, 0.1);
    }
    end(&mut controller, "0_4", 5.0);
    let decided = settle(&mut controller, 4);
    assert_eq!(decided[0], spent(FIRST, TimeKind::Cpu));
    assert_eq!(controller.stages()[0].out_of_time(), None);
    assert_eq!(called_off(&controller), []);
    assert!(controller.promises_digest());
    assert_eq!(controller.stages()[0].cpu_s(), 5.3);
    assert_eq!(controller.status(), RunStatus::Completed);
    let standing = |trial: &noodle2_control::Trial| trial.standing() == TrialStanding::Finished;
    assert!(controller.trials().all(standing));
    let late = AttemptId {
        trial: "0_4".parse().unwrap(),
        number: 1,
    };
    assert!(
        controller
            .apply(&finished(late, Outcome::NoEffect))
            .is_err()
    );
}
