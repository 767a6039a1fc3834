//! `noodle2 platform`: what is listed, what is found, and with which exit status.

mod support;

use std::fs;

use serde_json::Value;
use support::{ends, run, text};

#[test]
fn built_in_platforms_are_listed_with_where_their_libraries_lie() {
    let (told, _) = ends(0, &["platform", "list"]);
    for name in ["asap7", "nangate45", "osu018", "sky130hd"] {
        assert!(told.contains(name), "{told}");
    }
    let (told, _) = ends(0, &["platform", "list", "--format", "json"]);
    let told: Value = serde_json::from_str(&told).unwrap();
    let platforms = told["platforms"].as_array().unwrap();
    let of = |name: &str| {
        platforms
            .iter()
            .find(|platform| platform["name"] == name)
            .unwrap()
    };
    assert_eq!(of("osu018")["found"], true);
    assert_eq!(of("osu018")["places_and_routes"], true);
    assert_eq!(
        of("asap7")["utilisation_percent"],
        serde_json::json!([50.0, 55.0])
    );
    assert_eq!(of("asap7")["variable"], "NOODLE2_PDK_ASAP7");
}

#[test]
fn a_check_ends_by_what_it_found() {
    let (told, _) = ends(0, &["platform", "check", "osu018"]);
    assert!(told.contains("`osu018` is in order"), "{told}");
    assert!(told.contains("remark N2-PLATFORM-019"), "{told}");
    let empty = tempfile::tempdir().unwrap();
    let (told, talk) = ends(
        1,
        &[
            "platform",
            "check",
            "osu018",
            "--platform-root",
            text(empty.path()),
        ],
    );
    assert!(told.contains("fault N2-PLATFORM-006"), "{told}");
    assert!(talk.contains("2 faults"), "{talk}");
    let arguments = ["platform", "check", "osu018", "--format", "json"];
    let told: Value = serde_json::from_str(&ends(0, &arguments).0).unwrap();
    assert_eq!(told["ok"], true);
    assert_eq!(told["check"]["corners"]["typical"]["time_unit_ps"], 1000.0);
}

#[test]
fn what_is_no_platform_is_a_wrong_command_line() {
    let (status, _, told) = run(&["platform", "check", "osu081"]);
    assert_eq!(status, 2);
    assert!(
        told.contains("did you mean `osu018`?") && told.contains("platform list"),
        "{told}"
    );
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mine.yaml");
    fs::write(&file, "name: mine\n").unwrap();
    let (status, _, told) = run(&["platform", "check", text(&file)]);
    assert_eq!(status, 2);
    assert!(told.contains("N2-PLATFORM-003"), "{told}");
}

#[test]
fn a_new_platform_is_written_checked_and_never_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mine.yaml");
    let kit = "/usr/share/qflow/tech/osu018";
    let arguments = [
        "platform",
        "add",
        kit,
        "--name",
        "mine",
        "--out",
        text(&file),
    ];
    let (told, talk) = ends(0, &arguments);
    assert!(talk.contains("every value that is derived"), "{talk}");
    assert!(told.contains("`mine` is in order"), "{told}");
    let written = fs::read_to_string(&file).unwrap();
    assert!(written.contains("# derived"), "{written}");
    ends(0, &["platform", "check", text(&file)]);
    let (_, told) = ends(2, &arguments);
    assert!(told.contains("N2-PLATFORM-024"), "{told}");
    assert_eq!(fs::read_to_string(&file).unwrap(), written);
    for name in ["osu018", "a b", ""] {
        let (_, told) = ends(
            2,
            &["platform", "add", kit, "--name", name, "--out", "x.yaml"],
        );
        assert!(told.contains("N2-PLATFORM-023"), "{told}");
    }
    let (_, told) = ends(2, &["platform", "add", "/nowhere", "--name", "mine"]);
    assert!(told.contains("N2-PLATFORM-020"), "{told}");
}
