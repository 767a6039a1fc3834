//! What of earlier runs counts: isolation, weights, age, repetition, order.

use noodle2_evidence::{Gathering, RecordedRun, anti_pattern, gather};
use noodle2_model::{
    ContentHash, Context, FailureClass, Metric, Observation, PriorRules, PriorSource, Priors,
    TrialResult,
};
use proptest::prelude::*;

const DAY: i64 = 86_400;
const NOW: i64 = 20_000 * DAY;

fn observation(key: &str, eco: &str, result: TrialResult) -> Observation {
    Observation {
        key: ContentHash::of(key),
        eco: eco.to_owned(),
        content: ContentHash::of(eco),
        context: Context::default(),
        result,
    }
}

fn failed() -> TrialResult {
    TrialResult::Failed(FailureClass::ToolError)
}

fn run(id: &str, project: &str, age_days: i64, observations: Vec<Observation>) -> RecordedRun {
    RecordedRun {
        id: ContentHash::of(id),
        project: project.to_owned(),
        study: format!("{project}_study"),
        platform: "osu018".to_owned(),
        digest: ContentHash::of("digest"),
        noodle2_version: "0".to_owned(),
        ended_s: NOW - age_days * DAY,
        observations,
    }
}

fn gathered(runs: &[RecordedRun], rules: &PriorRules) -> Priors {
    let gathering = Gathering {
        rules,
        project: "mine",
        platform: "osu018",
        contents: &["resize", "buffer"].map(ContentHash::of).into(),
        now_s: NOW,
    };
    gather(runs, &gathering)
}

fn tries(runs: &[RecordedRun], rules: &PriorRules) -> f64 {
    let entries = gathered(runs, rules).entries;
    entries.iter().map(|entry| entry.evidence.tries()).sum()
}

#[test]
fn only_the_own_project_on_the_same_platform_counts_unless_asked() {
    let one =
        |id: &str, project: &str| run(id, project, 0, vec![observation(id, "resize", failed())]);
    let elsewhere = RecordedRun {
        platform: "asap7".to_owned(),
        ..one("d", "mine")
    };
    let runs = [
        one("a", "mine"),
        one("b", "other"),
        one("c", "third"),
        elsewhere,
    ];
    let rules = PriorRules::default();
    assert_eq!(tries(&runs, &rules), 1.0);
    let source = |project: &str, study: &str, weight| PriorSource {
        project: project.to_owned(),
        study: study.to_owned(),
        weight,
    };
    let asked = |sources| PriorRules {
        sources,
        ..PriorRules::default()
    };
    // The first that matches decides.
    let sources = vec![source("o*", "*", 0.25), source("*", "*_study", 0.5)];
    assert_eq!(tries(&runs, &asked(sources)), 0.25 + 0.5 + 0.5);
    assert_eq!(tries(&runs, &asked(vec![source("*", "none", 1.0)])), 0.0);
}

#[test]
fn evidence_fades_and_is_forgotten() {
    let aged = |days| {
        [run(
            "a",
            "mine",
            days,
            vec![observation("k", "resize", failed())],
        )]
    };
    let rules = PriorRules {
        half_life_days: 10.0,
        max_age_days: 30.0,
        ..PriorRules::default()
    };
    assert_eq!(tries(&aged(0), &rules), 1.0);
    assert_eq!(tries(&aged(10), &rules), 0.5);
    assert_eq!(tries(&aged(30), &rules), 0.125);
    assert_eq!(tries(&aged(31), &rules), 0.0);
    assert_eq!(
        tries(&aged(-5), &rules),
        1.0,
        "a clock that ran ahead makes nothing stronger"
    );
}

#[test]
fn what_fades_condemns_no_more() {
    let fails = (0..4).map(|number| observation(&number.to_string(), "resize", failed()));
    let fails: Vec<Observation> = fails.collect();
    let condemned = |days| {
        let runs = [run("a", "mine", days, fails.clone())];
        let priors = gathered(&runs, &PriorRules::default());
        anti_pattern(&priors.entries[0].evidence).is_some()
    };
    assert!(condemned(0));
    assert!(!condemned(60));
}

#[test]
fn a_repeated_observation_counts_once_with_the_largest_weight() {
    let same = |id: &str, days| run(id, "mine", days, vec![observation("k", "resize", failed())]);
    let runs = [same("old", 90), same("new", 0), same("older", 180)];
    let priors = gathered(&runs, &PriorRules::default());
    assert_eq!(priors.entries[0].evidence.tries(), 1.0);
    assert_eq!(priors.entries[0].last_use_s, NOW);
    let used: Vec<_> = priors.runs.iter().map(|run| run.id).collect();
    assert_eq!(used, [ContentHash::of("new")]);
}

#[test]
fn another_content_is_another_eco() {
    let mut edited = observation("k", "resize", failed());
    edited.content = ContentHash::of("edited");
    let runs = [run("a", "mine", 0, vec![edited])];
    assert_eq!(gathered(&runs, &PriorRules::default()), Priors::default());
}

/// Age in days, keys and gains of the observations, and a place in the shuffle.
type Made = (i64, Vec<(u32, f64)>, u32);

proptest! {
    /// To the last digit, since the snapshot is part of a run's digest.
    #[test]
    fn the_order_of_runs_changes_nothing(
        runs in proptest::collection::vec(
            (0_i64..3, proptest::collection::vec((0_u32..40, -1e3..1e3), 0..8), any::<u32>()),
            0..8,
        ),
    ) {
        let made = |(number, (days, gains, order)): (usize, &Made)| {
            let observations = gains
                .iter()
                .map(|(key, gain)| {
                    let eco = if key % 2 == 0 { "resize" } else { "buffer" };
                    let result = TrialResult::Effect([(Metric::SetupTns, *gain)].into());
                    observation(&key.to_string(), eco, result)
                })
                .collect();
            (*order, run(&number.to_string(), "mine", *days, observations))
        };
        let mut made: Vec<(u32, RecordedRun)> = runs.iter().enumerate().map(made).collect();
        let straight: Vec<RecordedRun> = made.iter().map(|(_, run)| run.clone()).collect();
        made.sort_by_key(|(order, _)| *order);
        let mut shuffled: Vec<RecordedRun> = made.into_iter().map(|(_, run)| run).collect();
        // A run that is given twice counts once.
        shuffled.extend(straight.first().cloned());
        let rules = PriorRules::default();
        let json = |runs: &[RecordedRun]| serde_json::to_string(&gathered(runs, &rules)).unwrap();
        prop_assert_eq!(json(&shuffled), json(&straight));
    }
}
