//! What people read of approvals and of intrusions, from a journal that is spelt out here. The measurements are made
//! up for this test.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use noodle2_control::Controller;
use noodle2_model::{
    AttemptUsage, ContentHash, DesignState, Event, Measurement, Metric, Outcome, RunIdentity,
    StageIndex,
};
use noodle2_view::{
    ApprovalStanding, Explanation, History, LegalityReport, Progress, StageView, Summary,
    SummaryStatus, report_text,
};
use serde_json::json;

const GATE: StageIndex = StageIndex(0);

/// One gated stage without trials, and one after it.
fn identity() -> RunIdentity {
    serde_json::from_value(json!({
        "noodle2_version": "0",
        "study": {
            "name": "gated",
            "safety_domain": "sandbox",
            "design": {"case_name": "core", "top": "core", "netlists": ["core.v"], "platform": "osu018"},
            "scenes": [{"name": "typical", "sdc": ["core.sdc"]}],
            "engine": {"kind": "opensta"},
            "objective": {"rank": ["setup_wns_ps"]},
            "stages": [
                {"name": "gate", "trials": 0, "approval": {
                    "approvers": 2, "from": ["ann", "bob"], "timeout": "2d", "note": "look at the clocks",
                }},
                {"name": "last", "after": ["gate"], "trials": 0},
            ],
        },
        "study_hash": ContentHash::of("study"),
        "study_file": ContentHash::of("study"),
        "study_folder": "/studies",
        "tools": [], "inputs": [], "ecos": {},
    }))
    .unwrap()
}

struct Journal {
    controller: Controller,
    events: Vec<(Timestamp, Event)>,
    now: Timestamp,
}

impl Journal {
    fn add(&mut self, event: Event) {
        self.controller.apply(&event).unwrap();
        self.events.push((self.now, event));
        while let [event, ..] = self.controller.decide(1).as_slice() {
            self.controller.apply(event).unwrap();
            self.events.push((self.now, event.clone()));
        }
    }

    fn wait(&mut self, seconds: i64) {
        self.now = self
            .now
            .checked_add(SignedDuration::from_secs(seconds))
            .unwrap();
    }

    fn answer(&mut self, by: &str, note: &str, approves: bool) {
        let approval = self.controller.stages()[0].approval.as_ref().unwrap();
        let (stage, evidence) = (GATE, approval.evidence);
        let (by, note) = (by.to_owned(), note.to_owned());
        self.add(match approves {
            true => Event::ApprovalGiven {
                stage,
                by,
                note,
                evidence,
            },
            false => Event::ApprovalRefused {
                stage,
                by,
                note,
                evidence,
            },
        });
    }

    fn history(&self) -> History {
        History::new(&self.events).unwrap()
    }

    fn summary(&self) -> Summary {
        Summary::new(&self.history())
    }

    fn line(&self) -> String {
        self.summary().approvals[0].line()
    }
}

/// A run whose gated stage waits since one minute past noon, two seconds after the run began.
fn waiting() -> Journal {
    let identity = identity();
    let now: Timestamp = "2026-01-01T12:00:58Z".parse().unwrap();
    let created = Event::RunCreated {
        identity: Box::new(identity.clone()),
    };
    let mut journal = Journal {
        controller: Controller::new(identity).unwrap(),
        events: Vec::new(),
        now,
    };
    journal.add(created);
    journal.wait(2);
    let hash = ContentHash::of("base");
    journal.add(Event::AttemptFinished {
        attempt: *journal.controller.running_attempts().first().unwrap(),
        outcome: Box::new(Outcome::from(Measurement {
            design: DesignState {
                canonical: hash,
                netlist: hash,
                placement: None,
            },
            overall: [(Metric::SetupWns, -10.0)].into_iter().collect(),
            scenes: Default::default(),
            estimated: BTreeMap::new(),
            routed: BTreeMap::new(),
            findings: Vec::new(),
            edits: Default::default(),
            blast_radius: None,
            conflicts: Default::default(),
            equivalence: None,
            paths: Vec::new(),
            steps: Vec::new(),
            marks: Default::default(),
        })),
        usage: AttemptUsage::default(),
        cache: None,
    });
    journal
}

#[test]
fn a_run_that_waits_says_for_whom_until_when_and_how_to_answer() {
    let mut journal = waiting();
    journal.wait(3600);
    journal.answer("ann", "fine\nby me", true);
    let summary = journal.summary();
    assert_eq!(summary.status, SummaryStatus::Waiting);
    let history = journal.history().in_folder("runs/first".to_owned());
    let text = report_text(&history, &summary);
    for word in [
        "waits for approval",
        "`gate` waits for approval since 2026-01-01 12:01 UTC: 1 of 2 given by ann (\"fine by me\"), of ann, bob; \
         it fails at 2026-01-03 12:01 UTC; look at the clocks",
        "noodle2 approve runs/first gate --by NAME",
        "nobody works on the run",
    ] {
        assert!(text.contains(word), "`{word}` is not in {text}");
    }
    let stage = StageView::new(&history, GATE).text();
    assert!(
        stage.contains("gate: awaiting approval") && stage.contains("from core_0_0"),
        "{stage}"
    );
    let explained = Explanation::of(&history, "gate").unwrap().lines.join("\n");
    assert!(
        explained.contains("it would start from the base case")
            && explained.contains("noodle2 approve runs/first gate"),
        "{explained}"
    );
    let alive = journal.history().at_work(true);
    assert!(!report_text(&alive, &Summary::new(&alive)).contains("nobody works"));
    let progress = Progress::new(history.controller(), history.status());
    assert!(progress.stages[0].line().starts_with("awaiting approval"));
}

#[test]
fn the_time_that_people_take_is_no_time_of_work() {
    let mut journal = waiting();
    journal.wait(86_400);
    journal.answer("ann", "", true);
    journal.wait(3600);
    journal.answer("bob", "", true);
    let history = journal.history();
    assert_eq!(history.status(), SummaryStatus::Completed);
    assert_eq!(history.makespan_s(), 2.0);
    let summary = serde_json::to_value(journal.summary()).unwrap();
    let approval = &summary["approvals"][0];
    assert_eq!(approval["standing"], "approved");
    assert_eq!(approval["requested_at"], "2026-01-01T12:01:00Z");
    assert_eq!(approval["given"][1]["at"], "2026-01-02T13:01:00Z");
}

#[test]
fn what_came_of_an_approval_is_told_with_names() {
    let mut refused = waiting();
    refused.answer("bob", "too risky", false);
    assert_eq!(refused.line(), "`gate` was refused by bob (\"too risky\")");
    let causes = refused.summary().causes.join("\n");
    assert!(
        causes.contains("stage `gate` failed: its approval was refused by bob"),
        "{causes}"
    );

    let mut approved = waiting();
    approved.answer("ann", "", true);
    approved.answer("bob", "", true);
    assert_eq!(approved.line(), "`gate` was approved by ann, bob");

    let mut expired = waiting();
    expired.add(Event::ApprovalExpired { stage: GATE });
    assert_eq!(
        expired.line(),
        "`gate` was not approved within 2d, and failed"
    );
}

#[test]
fn an_intrusion_into_the_journal_is_in_the_report() {
    let mut journal = waiting();
    journal.add(Event::JournalMended {
        offset: 4096,
        foreign: 11,
        restored: 20,
        kept_in: Some("journal.foreign-4096".to_owned()),
    });
    let summary = journal.summary();
    assert_eq!(summary.approvals[0].standing, ApprovalStanding::Waiting);
    let text = report_text(&journal.history(), &summary);
    let told = "from byte 4096 on, 11 foreign bytes were moved to `journal.foreign-4096`, and 20 bytes were written again";
    assert!(text.contains("Intrusions") && text.contains(told), "{text}");
}

#[test]
fn the_legality_report_says_who_must_approve_what() {
    let study = identity().study;
    let report = LegalityReport::new(&study, &BTreeMap::new(), Vec::new());
    let text = report.text();
    assert!(
        text.contains("  approval     2 approvers of ann, bob; after 2d the stage fails\n"),
        "{text}"
    );
    assert_eq!(text.matches("  approval ").count(), 1, "{text}");
    let kept = serde_json::to_value(&report).unwrap();
    assert_eq!(kept["stages"][0]["approval"]["approvers"], 2);
    assert!(kept["stages"][1].get("approval").is_none());
}
