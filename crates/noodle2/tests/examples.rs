//! The studies that are ready for a kit: synthesised from our RTL, run, and alike but for their engines.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use support::{ends, shared, summary, text};

const PLATFORMS: [&str; 3] = ["nangate45", "sky130hd", "asap7"];

/// The ECOs that both engines can run and every platform has cells for.
const EXPECTED: [&str; 6] = [
    "noop",
    "upsize_critical",
    "downsize_slack",
    "pin_swap",
    "remove_buffers",
    "fix_slew_cap",
];

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples")
}

#[test]
fn the_studies_of_a_platform_are_alike_but_for_their_engines() {
    for platform in PLATFORMS {
        let read = |name: &str| fs::read_to_string(examples().join(platform).join(name)).unwrap();
        let (timed, placed) = (read("study.yaml"), read("openroad.yaml"));
        let differ: Vec<(&str, &str)> = (timed.lines().zip(placed.lines()))
            .filter(|(left, right)| left != right)
            .collect();
        let engines = (
            "engine: {kind: opensta}",
            "engine: {kind: openroad, snapshot: placed.odb}",
        );
        assert_eq!(differ, [engines], "{platform}");
        assert_eq!(timed.lines().count(), placed.lines().count(), "{platform}");
        for eco in EXPECTED {
            assert!(
                timed.contains(&format!("- name: {eco}\n")),
                "{platform}: {eco}"
            );
        }
        assert_eq!(timed.contains("vt_swap"), platform == "asap7");
    }
}

/// Copies what an example has; what was built in place stays there.
fn copied(platform: &str, folder: &Path) -> PathBuf {
    let sources = examples();
    for from in [
        "synthesise.mk".to_owned(),
        "branching/rtl/split_multiplier.v".to_owned(),
        format!("{platform}/Makefile"),
        format!("{platform}/synthesise.ys"),
        format!("{platform}/drive.constr"),
        format!("{platform}/constraints.sdc"),
        format!("{platform}/study.yaml"),
        format!("{platform}/openroad.yaml"),
    ] {
        let to = folder.join(&from);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(sources.join(&from), to).unwrap();
    }
    folder.join(platform)
}

/// Synthesises an example, runs a few trials of it, and checks the study of its placed design.
fn try_example(platform: &str) {
    let Some(shared) = shared() else { return };
    let kit = shared.join("pdk").join(platform);
    let folder = tempfile::tempdir().unwrap();
    let example = copied(platform, folder.path());
    let made = Command::new("make")
        .arg(format!("PDK={}", kit.display()))
        .current_dir(&example)
        .output()
        .unwrap();
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    let study = example.join("study.yaml");
    let root = ["--platform-root", text(&kit)];
    ends(0, &[["check", text(&study)], root].concat());
    // Its first stage with a few trials, so that this takes seconds.
    let whole = fs::read_to_string(&study).unwrap();
    let (brief, _) = whole.split_once("\n  # Drivers that").unwrap();
    let trials = ["    trials: 14\n", "    trials: 16\n"];
    let trials = trials.iter().find(|line| brief.contains(**line)).unwrap();
    let brief = brief.replace(trials, "    trials: 2\n");
    // Survivors are measured and proved again elsewhere.
    let brief = brief.replace("safety_domain: guarded", "safety_domain: sandbox");
    let first = example.join("brief.yaml");
    fs::write(&first, &brief).unwrap();
    let out = folder.path().join("run");
    let arguments = ["run", text(&first), "--out", text(&out), "-j", "2"];
    ends(0, &[&arguments[..], &root[..]].concat());
    let summary = summary(&out);
    assert_eq!(summary["trials_total"], 2, "{summary}");
    let base = &summary["base"]["metrics"];
    assert!(base["setup_wns_ps"].as_f64().unwrap() < 0.0, "{summary}");
    let count = base["cell_count"].as_f64().unwrap();
    assert!((1000.0..3000.0).contains(&count), "{summary}");
    // A check does not open the snapshot, which only OpenROAD can make.
    let placed = example.join("openroad.yaml");
    let (_, told) = ends(3, &[["check", text(&placed)], root].concat());
    assert!(told.contains("placed.odb"), "{told}");
    fs::write(example.join("placed.odb"), "no database").unwrap();
    ends(0, &[["check", text(&placed)], root].concat());
}

#[test]
fn nangate45_is_ready_to_run() {
    try_example("nangate45");
}

#[test]
fn sky130hd_is_ready_to_run() {
    try_example("sky130hd");
}

#[test]
fn asap7_is_ready_to_run() {
    try_example("asap7");
}

#[test]
fn a_kit_that_is_not_there_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let example = copied("nangate45", folder.path());
    let make = |arguments: &[&str]| {
        let ended = Command::new("make")
            .args(arguments)
            .env_remove("NOODLE2_PDK_NANGATE45")
            .current_dir(&example)
            .output()
            .unwrap();
        (
            ended.status.success(),
            String::from_utf8_lossy(&ended.stderr).into_owned(),
        )
    };
    let (made, told) = make(&[]);
    assert!(!made && told.contains("NOODLE2_PDK_NANGATE45"), "{told}");
    let (made, told) = make(&[&format!("PDK={}", folder.path().display())]);
    assert!(
        !made && told.contains("nangate45_typ.lib is not there"),
        "{told}"
    );
}
