//! `noodle2 openroad-log` on logs of every kind, recorded ones among them.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

fn noodle2(arguments: &[&str], input: &str) -> (Option<i32>, String, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_noodle2"))
        .arg("openroad-log")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It may refuse its arguments before it reads.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

const LOG: &str = "OpenROAD v2.0-20250301-d4884860 \nFeatures included (+) or not (-): +GPU +GUI\n\
    [INFO ODB-0227] LEF file: a.lef, created 22 layers, 27 vias\n[WARNING ORD-2011] LEF master TAP has no liberty cell.\n\
    [WARNING ORD-2011] LEF master TAP has no liberty cell.\nwns -0.25\nworst slack 0.02\n time 1ns\n capacitance 1fF\n\
    [INFO GRT-0018] Total wirelength: 8330 um\n";

#[test]
fn a_log_is_told_with_its_values_and_its_verdict() {
    let (code, stdout, stderr) = noodle2(&["-", "--status", "0", "--black-box", "TAP"], LOG);
    assert_eq!(code, Some(0), "{stdout}{stderr}");
    for expected in [
        "OpenROAD v2.0-20250301-d4884860\n",
        "nothing is known against this run",
        "timing__setup__wns",
        "-250",
        "of which check it does not say",
        "global_route__wirelength",
        "2 notes of 2 codes",
    ] {
        assert!(stdout.contains(expected), "{expected}: {stdout}");
    }
    assert!(!stdout.contains("ODB-0227"), "{stdout}");

    // Without the waiver the same log is refused; a status of 0 proves nothing.
    let (code, stdout, _) = noodle2(&["-", "--status", "0"], LOG);
    assert_eq!(code, Some(1), "{stdout}");
    assert!(
        stdout.contains("not to be believed: black_box ORD-2011") && stdout.contains("(line 4)"),
        "{stdout}"
    );
    let (code, stdout, _) = noodle2(&["-", "--black-box", "TAP"], LOG);
    assert_eq!(code, Some(0));
    assert!(
        stdout.contains("how it ended is not known (see --status)"),
        "{stdout}"
    );
    // The same words, but it crashed.
    let (code, stdout, _) = noodle2(&["-", "--signal", "11", "--black-box", "TAP"], LOG);
    assert_eq!(code, Some(1));
    assert!(stdout.contains("not to be believed: segfault"), "{stdout}");
}

#[test]
fn json_holds_all_of_it() {
    let (code, stdout, stderr) = noodle2(&["-", "--format", "json"], LOG);
    assert_eq!(code, Some(1), "{stderr}");
    let told: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(told["believed"], false);
    assert_eq!(told["refusals"][0]["class"], "black_box");
    assert_eq!(told["version"]["commit"], "d4884860");
    assert_eq!(told["messages"][0]["count"], 2);
    assert_eq!(told["messages"][0]["level"], "warning");
    let wns = &told["values"][0];
    assert_eq!(
        (&wns["value"], &wns["unit"], &wns["metrics_name"]),
        (
            &Value::from(-250.0),
            &Value::from("ps"),
            &Value::from("timing__setup__wns")
        )
    );
    assert_eq!(told["units"]["time"]["factor"], 1e-9);
    assert_eq!(told["paths"], Value::Null);
    assert_eq!(told["reports"][0]["report"], "slack");
}

#[test]
fn values_without_a_unit_stay_as_printed() {
    let (_, stdout, _) = noodle2(&["-"], "wns -0.25\n");
    assert!(
        stdout.contains("values with the unit `?` are as printed"),
        "{stdout}"
    );
    assert!(stdout.contains("-0.25"), "{stdout}");
    // Two units in one log: nothing tells which holds where.
    let (_, stdout, _) = noodle2(&["-"], " time 1ns\nwns -0.25\n time 1ps\n");
    assert!(stdout.contains("-0.25"), "{stdout}");
}

#[test]
fn what_is_no_log_is_refused() {
    let (code, _, stderr) = noodle2(&["-"], "nothing of the kind\n");
    assert_eq!(code, Some(2));
    assert!(stderr.contains("N2-OPENROAD-002"), "{stderr}");
    let (code, _, stderr) = noodle2(&["/nowhere/run.log"], "");
    assert_eq!(code, Some(2));
    assert!(
        stderr.contains("N2-OPENROAD-001") && stderr.contains("/nowhere/run.log"),
        "{stderr}"
    );
    let (code, _, _) = noodle2(&["-", "--status", "0", "--signal", "9"], LOG);
    assert_eq!(code, Some(2));
    // What OpenROAD did not come to say is told by how it ended.
    let (code, stdout, _) = noodle2(&["-", "--signal", "25"], "");
    assert_eq!(code, Some(1));
    assert!(stdout.contains("SIGXFSZ"), "{stdout}");
}

#[test]
fn recorded_logs_are_told() {
    let folder = Path::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../../shared/openroad"
    ));
    if !folder.is_dir() {
        eprintln!("SKIPPED: no recorded runs of OpenROAD beside the project");
        return;
    }
    let told = |name: &str, words: &[&str]| {
        let path = folder.join(name);
        let words = [&[path.to_str().unwrap()][..], words].concat();
        let (code, stdout, stderr) = noodle2(&words, "");
        (code, stdout + &stderr)
    };
    let (code, text) = told("aes_asap7/run.log", &["--status", "0"]);
    assert_eq!(code, Some(0), "{text}");
    for expected in ["-330.706", "0.0853", "100444", "75860"] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    let (code, text) = told("reload/sta1000.log", &["--status", "0"]);
    assert_eq!(code, Some(1), "{text}");
    assert!(
        text.contains("STA-1000") && text.contains("which its script caught"),
        "{text}"
    );
}
