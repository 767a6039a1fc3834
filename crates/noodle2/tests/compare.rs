//! `noodle2 compare` on real runs: where things part, which is better, and what may not be compared.

mod support;

use serde_json::Value;
use support::{completes, edit, ends, run, summary, template, text};

fn compared(arguments: &[&str]) -> Value {
    let all = [&["compare"], arguments, &["--format", "json"]].concat();
    serde_json::from_str(&ends(0, &all).0).unwrap()
}

fn metric<'a>(metrics: &'a Value, name: &str) -> &'a Value {
    let mut all = metrics.as_array().unwrap().iter();
    all.find(|found| found["metric"] == name).unwrap()
}

#[test]
fn cases_stages_and_branches_of_a_run_are_compared() {
    let folder = tempfile::tempdir().unwrap();
    let study = template(folder.path(), "branching");
    let out = folder.path().join("first");
    completes(&study, &out);
    let told = summary(&out);
    let out = text(&out);

    let cases = compared(&[out, "base", "best"]);
    assert_eq!(cases["fair"], true);
    assert_eq!(cases["settings"].as_array().unwrap().len(), 0);
    assert_eq!(cases["left"]["case"], told["base"]["case"]);
    assert_eq!(cases["right"]["case"], told["best"]["case"]);
    assert_eq!(cases["right"]["chain"], told["winning_chain"]);
    let slack = metric(&cases["metrics"], "setup_wns_ps");
    assert_eq!(slack["better"], "right");
    assert_eq!(slack["gain"], told["deltas"]["setup_wns_ps"]["gain"]);
    let lineage = &cases["lineage"];
    assert_eq!(lineage["last_common"][0]["left"], told["base"]["case"]);
    assert_eq!(lineage["left"].as_array().unwrap().len(), 0);
    let steps = lineage["right"].as_array().unwrap();
    assert_eq!(steps.len(), told["winning_chain"].as_array().unwrap().len());
    let gained: f64 = steps
        .iter()
        .map(|step| step["gains"]["setup_tns_ps"]["gain"].as_f64().unwrap())
        .sum();
    let whole = lineage["right_gained"]["setup_tns_ps"]["gain"].as_f64();
    assert!((gained - whole.unwrap()).abs() < 0.01, "steps add up");

    let branches = compared(&[out, "branch:timing", "branch:area"]);
    let trials = |stage: &str| {
        let mut stages = told["stages"].as_array().unwrap().iter();
        stages.find(|found| found["name"] == stage).unwrap()["trials"].clone()
    };
    assert_eq!(branches["left"]["cost"]["trials"], trials("timing"));
    assert_eq!(branches["right"]["cost"]["trials"], trials("area"));
    // Both branches come from what `common` passed on, not merely from the base.
    let common = &branches["lineage"]["last_common"][0]["left"];
    assert_ne!(*common, told["base"]["case"]);

    let (printed, _) = ends(0, &["compare", out, "best", "base", "--lineage"]);
    assert!(printed.contains("they part at counter_0_0"), "{printed}");
    let (status, _, stderr) = run(&["compare", out, "best", "nothing"]);
    assert_eq!(status, 2);
    assert!(stderr.contains("N2-COMPARE-001"), "{stderr}");
}

#[test]
fn runs_with_another_seed_compare_and_runs_under_other_constraints_do_not() {
    let folder = tempfile::tempdir().unwrap();
    let study = template(folder.path(), "sequential");
    let [first, second, third] = ["first", "second", "third"].map(|name| folder.path().join(name));
    completes(&study, &first);
    edit(&study, "seed: 1", "seed: 2");
    completes(&study, &second);

    let seeds = compared(&[text(&first), text(&second)]);
    assert_eq!(seeds["fair"], true);
    let settings = seeds["settings"].as_array().unwrap();
    assert_eq!(settings.len(), 1, "{settings:?}");
    assert_eq!(settings[0]["setting"], "study.seed");
    assert!(metric(&seeds["metrics"], "area_um2")["better"].is_string());
    assert_eq!(seeds["lineage"]["last_common"].as_array().unwrap().len(), 1);

    // The constraints alone decide what a slack is measured against.
    let constraints = study.with_file_name("constraints.sdc");
    let content = std::fs::read_to_string(&constraints).unwrap();
    std::fs::write(
        &constraints,
        content + "\nset_clock_uncertainty 0.01 [all_clocks]\n",
    )
    .unwrap();
    completes(&study, &third);
    let other = compared(&[text(&second), text(&third)]);
    assert_eq!(other["fair"], false);
    assert_eq!(other["unfair"][0]["what"], "constraints");
    for found in other["metrics"].as_array().unwrap() {
        assert!(
            found["difference"].is_null() && found["better"].is_null(),
            "{found}"
        );
        assert!(
            found["left"].is_number() && found["right"].is_number(),
            "{found}"
        );
    }
    let (printed, stderr) = ends(0, &["compare", text(&second), text(&third)]);
    assert!(printed.contains("NOT COMPARABLE"), "{printed}");
    assert!(stderr.contains("measured differently"), "{stderr}");
}

#[test]
fn what_noise_may_set_apart_is_told_as_indistinguishable() {
    let folder = tempfile::tempdir().unwrap();
    let study = template(folder.path(), "sequential");
    edit(&study, "seed: 1", "seed: 1\nnoise: {repeats: 2}");
    let out = folder.path().join("first");
    completes(&study, &out);
    let whole = compared(&[text(&out), "base", "best"]);
    let floor = &summary(&out)["noise"]["floor"];
    let mut told = 0;
    for found in whole["metrics"].as_array().unwrap() {
        let name = found["metric"].as_str().unwrap();
        assert_eq!(found["noise_floor"], floor[name], "{name}");
        let (Some(gain), Some(floor)) = (found["gain"].as_f64(), floor[name].as_f64()) else {
            continue;
        };
        let within = gain != 0.0 && gain.abs() <= floor;
        assert_eq!(found["better"] == "indistinguishable", within, "{found}");
        told += 1;
    }
    assert!(told > 0, "the run measured a noise floor");
}
