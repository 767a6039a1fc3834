//! What this project relies on of a real OpenROAD, asked of the one on the PATH: `make test-openroad`. Where there is none
//! each test says that it was skipped.

#![allow(clippy::print_stderr, reason = "a skipped test says so out loud")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use support::{edit, ends, run, text};

/// The platform and a netlist that is not buffered, where both are there beside a real OpenROAD.
fn bench(folder: &Path) -> Option<PathBuf> {
    let asked = Command::new("openroad").arg("-version").output();
    let Ok(asked) = asked else {
        eprintln!("SKIPPED: there is no `openroad` on the PATH");
        return None;
    };
    let version = String::from_utf8_lossy(&asked.stdout).into_owned();
    eprintln!("OpenROAD: {}", version.trim());
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let design = shared.join("designs/gcd.nangate45");
    if !design.is_dir() {
        eprintln!("SKIPPED: no folder of real designs beside the project");
        return None;
    }
    let design = design.canonicalize().unwrap();
    let root = shared.join("pdk/nangate45").canonicalize().unwrap();
    let about = fs::read_to_string(design.join("design.txt")).unwrap();
    let top = about
        .lines()
        .find_map(|line| line.strip_prefix("top:"))
        .unwrap()
        .trim()
        .to_owned();
    let study = folder.join("study.yaml");
    let source = format!(
        "name: contract\nsafety_domain: guarded\n\
         design: {{case_name: gcd, top: {top}, netlists: [{netlist}], platform: nangate45, platform_root: {root}, sdc: [{sdc}], unconstrained_endpoints: 10000}}\n\
         engine: {{kind: openroad, snapshot: placed.odb}}\n\
         objective: {{rank: [setup_wns_ps, setup_tns_ps]}}\n\
         stages:\n  - {{name: one, trials: 2, survivors: 1, ecos: [{{name: upsize_critical, parameters: {{max_cells: [2, 8]}}}}]}}\n",
        netlist = text(&design.join("netlist.v")),
        root = text(&root),
        sdc = text(&design.join("constraints.sdc")),
    );
    fs::write(&study, source).unwrap();
    Some(study)
}

fn json(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn it_is_found_and_says_what_it_can_do() {
    let folder = tempfile::tempdir().unwrap();
    if bench(folder.path()).is_none() {
        return;
    }
    let (told, _) = ends(0, &["doctor"]);
    assert!(told.contains("openroad"), "{told}");
}

#[test]
fn it_places_a_netlist_legally_by_its_own_word_and_by_ours() {
    let folder = tempfile::tempdir().unwrap();
    let Some(study) = bench(folder.path()) else {
        return;
    };
    ends(
        0,
        &["snapshot", "create", text(&study), "--utilisation", "50"],
    );
    let made = json(&study.with_file_name("placed.json"));
    assert_eq!(made["check"]["overlaps"]["count"], 0, "{made}");
    assert_eq!(made["check"]["off_grid"]["count"], 0, "{made}");
    let (told, _) = ends(0, &["snapshot", "check", text(&study), "--format", "json"]);
    let measured: Value = serde_json::from_str(&told).unwrap();
    for metric in [
        "setup_ws_ps",
        "hold_ws_ps",
        "power_w",
        "area_um2",
        "cell_count",
    ] {
        assert!(
            measured["overall"][metric].is_number(),
            "{metric}: {measured}"
        );
    }
}

#[test]
fn a_trial_is_confirmed_by_a_fresh_process_and_by_forks_alike() {
    let folder = tempfile::tempdir().unwrap();
    let Some(study) = bench(folder.path()) else {
        return;
    };
    ends(
        0,
        &["snapshot", "create", text(&study), "--utilisation", "50"],
    );
    let digests = [("cold", "1"), ("auto", "2")].map(|(mode, workers)| {
        let out = folder.path().join(mode);
        let arguments = [
            "run",
            text(&study),
            "--out",
            text(&out),
            "-j",
            workers,
            "--engine-mode",
            mode,
        ];
        ends(0, &arguments);
        ends(0, &["verify", text(&out)]);
        json(&out.join("summary.json"))["digest"].clone()
    });
    assert_eq!(digests[0], digests[1]);
}

#[test]
fn it_routes_and_dumps_maps() {
    let folder = tempfile::tempdir().unwrap();
    let Some(study) = bench(folder.path()) else {
        return;
    };
    edit(&study, "trials: 2,", "trials: 2, mode: sta_congestion,");
    ends(
        0,
        &["snapshot", "create", text(&study), "--utilisation", "50"],
    );
    let (told, _) = ends(0, &["snapshot", "check", text(&study), "--format", "json"]);
    let measured: Value = serde_json::from_str(&told).unwrap();
    for metric in ["routing_overflow", "routed_wirelength_um"] {
        assert!(
            measured["overall"][metric].is_number(),
            "{metric}: {measured}"
        );
    }
    let out = folder.path().join("run");
    let (status, _, told) = run(&["run", text(&study), "--out", text(&out)]);
    assert!(status == 0, "{told}");
}
