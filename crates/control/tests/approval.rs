//! Stages that wait for people: who counts, what follows from each answer, what the digest sees of it.

mod support;

use noodle2_control::{Controller, Ruling, StageStanding};
use noodle2_model::{
    Approval, ContentHash, Event, Join, JoinMerge, JoinPolicy, OnTimeout, RunStatus, StageEnd,
    StageIndex, TimeSpan,
};
use support::{finished, identity, result_of, stage, study};

const GATE: StageIndex = StageIndex(1);

fn two_of_three() -> Approval {
    Approval {
        approvers: 2,
        from: ["ann", "bob", "eve"].map(str::to_owned).to_vec(),
        timeout: Some(TimeSpan::from_seconds(60)),
        ..Approval::default()
    }
}

/// A fork into a gated stage and a free one, and a join that one branch is enough for; decided and run until
/// people alone can bring it on.
fn waiting(approval: Approval) -> (Controller, Vec<Event>) {
    let mut gated = stage("gated", &["first"], 2);
    gated.approval = Some(approval);
    let mut join = stage("join", &["gated", "free"], 0);
    join.join = Some(Join {
        merge: JoinMerge::Union,
        policy: JoinPolicy::Any,
        ..Join::default()
    });
    let stages = vec![
        stage("first", &[], 2),
        gated,
        stage("free", &["first"], 3),
        join,
    ];
    let identity = identity(study(stages));
    let controller = Controller::new(identity.clone()).unwrap();
    let created = Event::RunCreated {
        identity: Box::new(identity),
    };
    let mut journal = vec![created];
    (go_on(controller, &mut journal), journal)
}

/// Decides and measures until nothing is left to do without people.
fn go_on(mut controller: Controller, journal: &mut Vec<Event>) -> Controller {
    loop {
        let mut events = controller.decide(2 - controller.running_attempts().len());
        if events.is_empty() {
            let Some(attempt) = controller.running_attempts().first().copied() else {
                return controller;
            };
            events.push(finished(attempt, result_of(&controller, attempt, 3)));
        }
        for event in events {
            controller.apply(&event).unwrap();
            journal.push(event);
        }
    }
}

fn evidence(controller: &Controller) -> ContentHash {
    let approval = controller.stages()[GATE.position()].approval.as_ref();
    approval.unwrap().evidence
}

fn given(controller: &Controller, by: &str) -> Event {
    Event::ApprovalGiven {
        stage: GATE,
        by: by.to_owned(),
        note: format!("as {by} sees it"),
        evidence: evidence(controller),
    }
}

fn refused(controller: &Controller, by: &str) -> Event {
    Event::ApprovalRefused {
        stage: GATE,
        by: by.to_owned(),
        note: "too risky".to_owned(),
        evidence: evidence(controller),
    }
}

/// Hears the answers, then goes on to the end of the run.
fn ends(approval: Approval, answers: impl Fn(&Controller) -> Vec<Event>) -> Controller {
    let (mut controller, mut journal) = waiting(approval);
    for answer in answers(&controller) {
        controller.apply(&answer).unwrap();
        journal.push(answer);
    }
    let controller = go_on(controller, &mut journal);
    let replayed = Controller::replay(&journal).unwrap();
    assert_eq!(replayed.recorded_digest(), controller.recorded_digest());
    assert!(
        controller.recorded_digest().is_some(),
        "the run did not end"
    );
    controller
}

fn standing(controller: &Controller, stage: usize) -> &StageStanding {
    &controller.stages()[stage].standing
}

#[test]
fn a_gated_stage_waits_while_other_branches_go_on() {
    let (controller, journal) = waiting(two_of_three());
    assert!(controller.waits_for_approval());
    assert_eq!(controller.status(), RunStatus::Running);
    assert_eq!(*standing(&controller, 1), StageStanding::AwaitingApproval);
    let free = standing(&controller, 2);
    assert!(
        matches!(free, StageStanding::Finished(StageEnd::Completed { .. })),
        "{free:?}"
    );
    assert_eq!(*standing(&controller, 3), StageStanding::Waiting);
    assert_eq!(controller.open_approvals().collect::<Vec<_>>(), [GATE]);
    assert_eq!(controller.trials_of(GATE).count(), 0);
    // What was asked for holds over a kill.
    let resumed = journal.iter().chain([&Event::RunResumed]);
    let resumed = Controller::replay(resumed).unwrap();
    assert!(resumed.waits_for_approval());
    assert_eq!(evidence(&resumed), evidence(&controller));
}

#[test]
fn enough_people_start_the_stage_from_what_they_saw() {
    let (mut controller, _) = waiting(two_of_three());
    let inputs = controller.stages()[1].inputs.clone();
    controller.apply(&given(&controller, "ann")).unwrap();
    assert!(controller.waits_for_approval(), "one of two is not enough");
    controller.apply(&given(&controller, "eve")).unwrap();
    let decisions = controller.decide(0);
    let expected = Event::StageStarted {
        stage: GATE,
        inputs,
        missing: Vec::new(),
        vetoed: Vec::new(),
        extra_trials: Vec::new(),
    };
    assert_eq!(decisions.first(), Some(&expected));
    let controller = ends(two_of_three(), |controller| {
        vec![given(controller, "ann"), given(controller, "eve")]
    });
    assert_eq!(controller.status(), RunStatus::Completed);
    assert!(controller.trials_of(GATE).count() > 0);
}

#[test]
fn a_refusal_or_the_end_of_the_time_fails_the_stage_and_the_join_decides() {
    let refusal = ends(two_of_three(), |controller| {
        vec![given(controller, "ann"), refused(controller, "bob")]
    });
    let expiry = ends(two_of_three(), |_| {
        vec![Event::ApprovalExpired { stage: GATE }]
    });
    for (controller, told) in [(&refusal, "refused"), (&expiry, "not approved within 1m")] {
        let gated = standing(controller, 1);
        assert!(
            matches!(gated, StageStanding::Finished(StageEnd::Failed { cause, .. }) if cause.contains(told)),
            "{gated:?}"
        );
        assert_eq!(controller.trials_of(GATE).count(), 0);
        assert_eq!(controller.stages()[3].missing[0].0, GATE);
        assert_eq!(controller.status(), RunStatus::Completed);
    }
    assert_ne!(refusal.recorded_digest(), expiry.recorded_digest());
}

#[test]
fn the_end_of_the_time_approves_where_the_study_says_so() {
    let approval = Approval {
        on_timeout: OnTimeout::Approve,
        ..two_of_three()
    };
    let expiry = ends(approval.clone(), |_| {
        vec![Event::ApprovalExpired { stage: GATE }]
    });
    assert!(expiry.trials_of(GATE).count() > 0);
    assert_eq!(
        expiry.stages()[1].approval.as_ref().unwrap().ruling,
        Some(Ruling::Expired)
    );
    // Nobody looked: that is another thing than two who did.
    let approved = ends(approval, |controller| {
        vec![given(controller, "ann"), given(controller, "bob")]
    });
    assert_ne!(expiry.recorded_digest(), approved.recorded_digest());
}

#[test]
fn the_digest_covers_what_was_ruled_and_not_by_whom() {
    let by = |names: [&'static str; 2]| {
        let controller = ends(two_of_three(), |controller| {
            names.iter().map(|by| given(controller, by)).collect()
        });
        controller.recorded_digest()
    };
    assert_eq!(by(["ann", "bob"]), by(["eve", "ann"]));
    let refused = ends(two_of_three(), |controller| {
        vec![refused(controller, "eve")]
    });
    assert_ne!(by(["ann", "bob"]), refused.recorded_digest());
}

#[test]
fn what_does_not_count_is_refused_with_a_reason() {
    let (mut controller, _) = waiting(two_of_three());
    let approves = |by: &str, note: &str, stage: u32, evidence| Event::ApprovalGiven {
        stage: StageIndex(stage),
        by: by.to_owned(),
        note: note.to_owned(),
        evidence,
    };
    let right = evidence(&controller);
    let other = ContentHash::of("something else");
    let long = "x".repeat(65);
    for (event, told) in [
        (approves("mallory", "", 1, right), "ann, bob, eve"),
        (approves("ann", "", 1, other), "other evidence"),
        (approves("", "", 1, right), "1 to 64"),
        (approves(" ann", "", 1, right), "no blank"),
        (approves("a\u{1b}n", "", 1, right), "control"),
        (approves(&long, "", 1, right), "1 to 64"),
        (approves("ann", "\u{1b}[2J", 1, right), "control"),
        (approves("ann", "", 0, right), "needs no approval"),
        (approves("ann", "", 9, right), "no such stage"),
        (
            Event::ApprovalExpired {
                stage: StageIndex(0),
            },
            "needs no approval",
        ),
    ] {
        let error = controller.apply(&event).unwrap_err();
        assert!(error.reason.contains(told), "{error}");
    }
    controller.apply(&given(&controller, "ann")).unwrap();
    let error = controller.apply(&given(&controller, "ann")).unwrap_err();
    assert!(error.reason.contains("counts once"), "{error}");
    // Who approved may still think better of it.
    controller.apply(&refused(&controller, "ann")).unwrap();
    let error = controller.apply(&given(&controller, "bob")).unwrap_err();
    assert!(error.reason.contains("settled already: refused"), "{error}");
}

#[test]
fn a_stage_without_a_limit_never_expires_and_none_is_asked_before_its_inputs_are_ready() {
    let (mut controller, _) = waiting(Approval::default());
    let expired = Event::ApprovalExpired { stage: GATE };
    let error = controller.apply(&expired).unwrap_err();
    assert!(error.reason.contains("no time limit"), "{error}");

    let mut gated = stage("gated", &["first"], 1);
    gated.approval = Some(Approval::default());
    let identity = identity(study(vec![stage("first", &[], 1), gated]));
    let mut controller = Controller::new(identity).unwrap();
    let early = Event::ApprovalGiven {
        stage: GATE,
        by: "ann".to_owned(),
        note: String::new(),
        evidence: ContentHash::of(""),
    };
    let error = controller.apply(&early).unwrap_err();
    assert!(error.reason.contains("not ready"), "{error}");
}

#[test]
fn a_journal_cannot_start_a_gated_stage_without_its_approval() {
    let (_, journal) = waiting(two_of_three());
    let is_request = |event: &Event| matches!(event, Event::ApprovalRequested { .. });
    let request = journal.iter().position(is_request).unwrap();
    let Event::ApprovalRequested { stage, inputs, .. } = &journal[request] else {
        unreachable!();
    };
    let started = Event::StageStarted {
        stage: *stage,
        inputs: inputs.clone(),
        missing: Vec::new(),
        vetoed: Vec::new(),
        extra_trials: Vec::new(),
    };
    for before in [&journal[..request], &journal[..=request]] {
        let forged = before.iter().chain([&started]);
        let (_, error) = Controller::replay(forged).unwrap_err();
        assert!(error.reason.contains("do not start this stage"), "{error}");
    }
}
