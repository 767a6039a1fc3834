//! `noodle2 timing-report` on a report of the real `sta`, through a file and through a pipe.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::Value;

/// What `sta` prints of the counter of the templates.
fn report(words: &str) -> String {
    let templates = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/templates");
    let script = format!(
        "read_liberty /usr/share/qflow/tech/osu018/osu018_stdcells.lib\nread_verilog {templates}/counter.v\n\
         link_design counter\nread_sdc {templates}/constraints.sdc\nreport_checks {words}\n\
         report_worst_slack -digits 6\nreport_tns -digits 6\n"
    );
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("plain.tcl"), script).unwrap();
    let output = Command::new("sta")
        .args(["-no_init", "-no_splash", "-exit", "plain.tcl"])
        .current_dir(&folder)
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

fn noodle2(arguments: &[&str], input: &[u8]) -> (Option<i32>, String, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_noodle2"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It may refuse its arguments before it reads.
    let _ = child.stdin.take().unwrap().write_all(input);
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

#[test]
fn what_sta_reports_is_summed_up() {
    let report = report("-path_delay max -group_count 1000 -fields {input} -digits 6");
    let printed = |label: &str| -> f64 {
        let line = report
            .lines()
            .find_map(|line| line.strip_prefix(label))
            .unwrap();
        line.trim().parse().unwrap()
    };
    let words = [
        "timing-report",
        "-",
        "--format",
        "json",
        "--worst",
        "2",
        "--time-unit",
        "ns",
    ];
    let (code, stdout, stderr) = noodle2(&words, report.as_bytes());
    assert_eq!(code, Some(0), "{stderr}");
    let told: Value = serde_json::from_str(&stdout).unwrap();
    let setup = &told["checks"][0];
    let worst = printed("worst slack") * 1000.0;
    assert!(
        (setup["worst_slack"].as_f64().unwrap() - worst).abs() < 0.002,
        "{setup}"
    );
    // Single precision on the other side.
    let sum = printed("tns") * 1000.0;
    assert!(sum < 0.0, "the counter violates setup");
    assert!(
        (setup["total_negative_slack"].as_f64().unwrap() - sum).abs() < 0.1,
        "{setup}"
    );
    assert_eq!(told["time_unit"], "ps");
    let paths = told["worst_paths"].as_array().unwrap();
    assert_eq!(paths.len(), 2);
    assert!(
        paths[0]["delays"]["cells"].as_u64().unwrap() > 1,
        "{paths:?}"
    );

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checks.rpt");
    std::fs::write(&path, &report).unwrap();
    let (code, stdout, _) = noodle2(&["timing-report", path.to_str().unwrap()], b"");
    assert_eq!(code, Some(0));
    assert!(
        stdout.contains("in the unit of the report, which it does not name"),
        "{stdout}"
    );
    assert!(stdout.contains("total negative slack"), "{stdout}");
}

#[test]
fn what_is_no_report_is_refused_and_what_is_half_of_one_is_told() {
    let (code, _, stderr) = noodle2(&["timing-report", "-"], b"nothing of the kind\n");
    assert_eq!(code, Some(2));
    assert!(stderr.contains("N2-REPORT-002"), "{stderr}");
    let (code, _, stderr) = noodle2(&["timing-report", "/nowhere/checks.rpt"], b"");
    assert_eq!(code, Some(2));
    assert!(
        stderr.contains("N2-REPORT-001") && stderr.contains("/nowhere/checks.rpt"),
        "{stderr}"
    );

    let report = report("-path_delay max");
    let half = report.split("data arrival time").next().unwrap();
    let (code, stdout, _) = noodle2(&["timing-report", "-"], half.as_bytes());
    assert_eq!(code, Some(0));
    assert!(stdout.contains("it is not whole"), "{stdout}");
}
