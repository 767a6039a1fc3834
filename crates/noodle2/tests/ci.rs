//! A regression check: what holds passes, what is worse or missing fails, what is better is told.

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use support::{ends, engine_after, run, template, text};

/// A study of one stage that is locked.
fn locked(folder: &Path) -> PathBuf {
    let study = template(folder, "sequential");
    let content = fs::read_to_string(&study).unwrap();
    let content = content.replace("safety_domain: guarded", "safety_domain: locked");
    let kept = content.find("budget:").unwrap();
    let rest = "budget: {trials: 2}
stages:
  - name: resize
    trials: 2
    survivors: 1
    ecos:
      - name: upsize_critical
        parameters: {max_cells: [5, 20]}
";
    fs::write(&study, format!("{}{rest}", &content[..kept])).unwrap();
    study
}

struct Place {
    study: PathBuf,
    baseline: PathBuf,
    junit: PathBuf,
    _folder: tempfile::TempDir,
}

impl Place {
    fn new(prepare: impl Fn(&Path)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let study = locked(folder.path());
        prepare(&study);
        let place = Self {
            baseline: folder.path().join("baseline.json"),
            junit: folder.path().join("junit.xml"),
            study,
            _folder: folder,
        };
        ends(0, &[&place.arguments()[..], &["--write-baseline"]].concat());
        place
    }

    fn arguments(&self) -> [&str; 4] {
        ["ci", text(&self.study), "--baseline", text(&self.baseline)]
    }

    /// The checks of a run that ends so.
    fn checks(&self, status: i32) -> Value {
        let more = ["--junit", text(&self.junit), "--format", "json"];
        let (stdout, _) = ends(status, &[&self.arguments()[..], &more].concat());
        serde_json::from_str(&stdout).unwrap()
    }

    fn baseline(&self) -> Value {
        serde_json::from_str(&fs::read_to_string(&self.baseline).unwrap()).unwrap()
    }

    fn write(&self, baseline: &Value) {
        fs::write(&self.baseline, format!("{baseline:#}")).unwrap();
    }
}

fn verdict<'c>(checks: &'c Value, suite: &str, name: &str) -> &'c Value {
    let all = checks["checks"].as_array().unwrap();
    let found = all
        .iter()
        .find(|check| check["suite"] == suite && check["name"] == name);
    &found.unwrap_or_else(|| panic!("no {suite} {name} in {checks}"))["verdict"]
}

#[test]
fn what_is_worse_or_missing_fails_and_what_is_better_is_told() {
    let place = Place::new(|_| {});
    let checks = place.checks(0);
    assert_eq!(checks["ok"], true, "{checks}");
    for (suite, name) in [
        ("base", "not blocked"),
        ("base", "default/setup_wns_ps"),
        ("winner", "ranking"),
        ("winner", "default/area_um2"),
        ("stages", "resize"),
        ("record", "digest"),
    ] {
        assert_eq!(verdict(&checks, suite, name), "held", "{suite} {name}");
    }
    let junit = fs::read_to_string(&place.junit).unwrap();
    assert!(junit.contains("failures=\"0\""), "{junit}");
    assert!(junit.contains("<testcase name=\"digest\""), "{junit}");

    let sound = place.baseline();
    let area = |baseline: &Value| {
        baseline["found"]["base"]["scenes"]["default"]["area_um2"]
            .as_f64()
            .unwrap()
    };
    let with_area = |value: f64| {
        let mut baseline = sound.clone();
        baseline["found"]["base"]["scenes"]["default"]["area_um2"] = json!(value);
        baseline
    };
    let lower = with_area(area(&sound) - 8.0);
    place.write(&lower);
    let checks = place.checks(1);
    assert_eq!(verdict(&checks, "base", "default/area_um2"), "regressed");
    let junit = fs::read_to_string(&place.junit).unwrap();
    assert_eq!(junit.matches("<failure").count(), 1, "{junit}");
    // Within a tolerance it holds.
    let mut tolerant = lower.clone();
    tolerant["tolerances"]["area_um2"] = json!({"absolute": 8.0});
    place.write(&tolerant);
    assert_eq!(
        verdict(&place.checks(0), "base", "default/area_um2"),
        "held"
    );
    // Writing it anew keeps what people wrote into it.
    ends(0, &[&place.arguments()[..], &["--write-baseline"]].concat());
    assert_eq!(place.baseline()["tolerances"], tolerant["tolerances"]);
    assert_eq!(place.baseline()["found"], sound["found"]);

    place.write(&with_area(area(&sound) + 8.0));
    assert_eq!(
        verdict(&place.checks(0), "base", "default/area_um2"),
        "better"
    );

    let mut missing = sound.clone();
    missing["found"]["base"]["scenes"]["default"]["max_fanout_violations"] = json!(5.0);
    place.write(&missing);
    assert_eq!(
        verdict(&place.checks(1), "base", "default/max_fanout_violations"),
        "regressed"
    );

    let mut stage = sound.clone();
    stage["found"]["stages"][0]["name"] = json!("gone");
    place.write(&stage);
    assert_eq!(verdict(&place.checks(1), "stages", "gone"), "regressed");

    // The digest counts only where all that goes in is the same.
    let mut digest = sound.clone();
    digest["found"]["digest"] = json!("0".repeat(64));
    place.write(&digest);
    assert_eq!(verdict(&place.checks(1), "record", "digest"), "regressed");
    digest["found"]["made_of"]["tool opensta"] = json!("another");
    place.write(&digest);
    assert_eq!(verdict(&place.checks(0), "record", "digest"), "skipped");
}

#[test]
fn a_base_case_that_is_blocked_fails_with_the_status_of_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let switch = folder.path().join("broken");
    let place = Place::new(|study| {
        engine_after(
            study,
            &format!(
                "if test -e '{}'; then echo 'Error: broken'; exit 1; fi",
                text(&switch)
            ),
        );
        // The probe of the engine is no attempt, and goes well.
        let engine = study.with_file_name("sta");
        let script = fs::read_to_string(&engine).unwrap();
        fs::write(
            &engine,
            script.replace("if test -e", "if test -e script.tcl && test -e"),
        )
        .unwrap();
    });
    fs::write(&switch, "").unwrap();
    let checks = place.checks(5);
    assert_eq!(checks["ok"], false);
    assert_eq!(verdict(&checks, "base", "not blocked"), "regressed");
    assert_eq!(verdict(&checks, "base", "default/area_um2"), "regressed");
}

#[test]
fn what_cannot_be_checked_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let study = locked(folder.path());
    let baseline = folder.path().join("baseline.json");
    let refused = |study: &Path, status: i32, parts: &[&str]| {
        let arguments = ["ci", text(study), "--baseline", text(&baseline)];
        let (found, _, stderr) = run(&arguments);
        let stderr = stderr.replace("\n  │ ", " ");
        assert_eq!(found, status, "{stderr}");
        for part in parts {
            assert!(stderr.contains(part), "{part}: {stderr}");
        }
    };
    let other = tempfile::tempdir().unwrap();
    let open = template(other.path(), "sequential");
    refused(&open, 4, &["N2-CI-001", "`buffer`", "`resize`"]);
    refused(&study, 2, &["N2-CI-002", "--write-baseline"]);
    let write = |content: &str| fs::write(&baseline, content).unwrap();
    write("{\n\"schema_version\": 2,\n\"noodle2_version\": \"0\"}");
    refused(&study, 2, &["N2-CI-002", "line 2", "version"]);
    let head =
        "{\"schema_version\": 1, \"noodle2_version\": \"0\",\n\"study\": \"counter-sequential\",\n";
    write(&format!(
        "{head}\"tolerances\": {{\n\"area_um2\": {{\"absolute\": -1}}}},\n\"found\": {{}}}}"
    ));
    refused(&study, 2, &["N2-CI-002", "line 4", "-1"]);
    write(&format!(
        "{head}\"tolerances\": {{\n\"no_metric\": {{}}}}, \"found\": {{}}}}"
    ));
    refused(&study, 2, &["N2-CI-002", "line 4", "no_metric"]);
    write(
        "{\"schema_version\": 1, \"noodle2_version\": \"0\", \"study\": \"other\", \"found\": {\"made_of\": {}}}",
    );
    refused(&study, 2, &["N2-CI-002", "`other`"]);
}
