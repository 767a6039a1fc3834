//! Stages that wait for people, and people who are told: real runs, real kills, a real server.

mod support;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use support::{
    digest, edit, ends, finish, journal, noodle2, run, start, summary, template, text, wait_until,
};

const APPROVAL: &str = "approvers: 2, from: [ann, bob, eve], note: look at the fanout";

/// A branching study whose branch `timing` is gated like this.
fn gated(folder: &Path, approval: &str) -> PathBuf {
    let study = template(folder, "branching");
    edit(
        &study,
        "  - name: timing\n",
        &format!("  - name: timing\n    approval: {{{approval}}}\n"),
    );
    study
}

fn has(records: &[Value], event: &str) -> bool {
    records
        .iter()
        .any(|record| record["event"]["type"] == event)
}

/// Starts a run and waits until people alone can bring it on.
fn begin_to_wait(study: &Path, out: &Path) -> Child {
    let mut child = start(&["run", text(study), "--out", text(out), "-j", "2"]);
    wait_until(&mut child, out, waits);
    child
}

/// Asked for approval, and the other branch done.
fn waits(records: &[Value]) -> bool {
    let area = |record: &Value| {
        record["event"]["type"] == "stage_finished" && record["event"]["stage"] == 2
    };
    has(records, "approval_requested") && records.iter().any(area)
}

fn kill(child: &mut Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

fn approve(out: &Path, more: &[&str]) -> (i32, String, String) {
    let mut arguments = vec!["approve", text(out), "timing"];
    arguments.extend(more);
    run(&arguments)
}

#[test]
fn an_approval_is_journalled_while_the_run_goes_on_and_survives_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let study = gated(folder.path(), APPROVAL);
    let out = folder.path().join("run");
    let mut child = begin_to_wait(&study, &out);

    let status = ends(0, &["status", text(&out)]).0;
    let command = format!("noodle2 approve {} timing --by NAME", text(&out));
    for word in [
        "waits for approval",
        "0 of 2 given",
        "ann, bob, eve",
        "look at the fanout",
        &command,
    ] {
        assert!(status.contains(word), "`{word}` is not in {status}");
    }
    for (arguments, told) in [
        (["--by", "mallory"], "may not approve"),
        (["--by", ""], "1 to 64"),
    ] {
        let (code, _, stderr) = approve(&out, &arguments);
        assert_eq!(code, 2);
        assert!(
            stderr.contains(told) && stderr.contains("N2-RUN-017"),
            "{stderr}"
        );
    }
    let (code, stdout, _) = approve(&out, &["--by", "ann", "--note", "fine"]);
    assert_eq!(
        (code, stdout.trim()),
        (0, "`timing` is approved by ann: 1 of 2")
    );
    let (code, _, stderr) = approve(&out, &["--by", "ann"]);
    assert!(code == 2 && stderr.contains("counts once"), "{stderr}");
    kill(&mut child);

    // Nobody is at work: it waits for the next controller, and the first approval still holds.
    let (code, stdout, _) = approve(&out, &["--by", "eve", "--format", "json"]);
    let queued: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((code, &queued["journalled"]), (0, &json!(false)));
    let given = journal(&out)
        .into_iter()
        .filter(|record| record["event"]["type"] == "approval_given");
    assert_eq!(given.count(), 1);
    let status = ends(0, &["status", text(&out)]).0;
    assert!(
        status.contains("1 of 2 given by ann (\"fine\")"),
        "{status}"
    );
    assert!(
        status.contains("the approval of `timing` by eve waits to be journalled"),
        "{status}"
    );
    ends(0, &["resume", text(&out)]);
    ends(0, &["verify", text(&out)]);
    let approvals = &summary(&out)["approvals"][0];
    assert_eq!(approvals["standing"], "approved");
    assert_eq!(approvals["given"][1]["by"], "eve");
    assert_eq!(fs::read_dir(out.join("requests")).unwrap().count(), 0);
    let (code, _, stderr) = approve(&out, &["--by", "bob"]);
    assert!(
        code == 2 && stderr.contains("settled already: approved"),
        "{stderr}"
    );

    // By others, in another order, without a kill: the same digest.
    let other = folder.path().join("other");
    let mut child = begin_to_wait(&study, &other);
    for by in ["eve", "bob"] {
        assert_eq!(approve(&other, &["--by", by]).0, 0);
    }
    assert!(child.wait().unwrap().success());
    assert_eq!(digest(&other), digest(&out));
}

#[test]
fn a_run_may_be_left_while_it_waits_and_a_refusal_fails_the_stage() {
    let folder = tempfile::tempdir().unwrap();
    let study = gated(folder.path(), "approvers: 2");
    let out = folder.path().join("run");
    let arguments = [
        "run",
        text(&study),
        "--out",
        text(&out),
        "--exit-when-waiting",
    ];
    let (stdout, stderr) = ends(8, &arguments);
    assert!(stdout.contains("waits for approval"), "{stdout}");
    assert!(stderr.contains("noodle2 resume"), "{stderr}");
    ends(0, &["verify", text(&out)]);
    assert_eq!(summary(&out)["status"], "waiting");
    ends(8, &["resume", text(&out), "--exit-when-waiting"]);
    let (code, _, stderr) = run(&["approve", text(&out), "area", "--by", "ann"]);
    assert!(
        code == 2 && stderr.contains("needs no approval"),
        "{stderr}"
    );
    let (code, _, stderr) = run(&["approve", text(&out), "timming", "--by", "ann"]);
    assert!(code == 2 && stderr.contains("`timing`"), "{stderr}");

    assert_eq!(
        approve(&out, &["--by", "ann", "--refuse", "--note", "too risky"]).0,
        0
    );
    // The join goes on with the other branch.
    let (stdout, _) = ends(0, &["resume", text(&out), "--exit-when-waiting"]);
    assert!(
        stdout.contains("`timing` was refused by ann (\"too risky\")"),
        "{stdout}"
    );
    assert_eq!(summary(&out)["stages"][1]["status"], "failed");
    assert_eq!(summary(&out)["stages"][3]["missing"][0], "timing");
    ends(0, &["verify", text(&out)]);
}

#[test]
fn the_time_to_approve_goes_on_while_nobody_works_on_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let study = gated(folder.path(), "timeout: 3s, on_timeout: approve");
    let out = folder.path().join("run");
    ends(
        8,
        &[
            "run",
            text(&study),
            "--out",
            text(&out),
            "--exit-when-waiting",
        ],
    );
    assert!(!has(&journal(&out), "approval_expired"));
    std::thread::sleep(Duration::from_secs(4));
    let (code, _, stderr) = approve(&out, &["--by", "ann"]);
    assert!(code == 2 && stderr.contains("was over at"), "{stderr}");
    ends(0, &["resume", text(&out), "--exit-when-waiting"]);
    assert!(has(&journal(&out), "approval_expired"));
    assert_eq!(summary(&out)["approvals"][0]["standing"], "expired");
    assert_eq!(summary(&out)["stages"][1]["status"], "completed");
    ends(0, &["verify", text(&out)]);
}

#[test]
fn an_answer_that_was_queued_in_time_counts_and_one_that_was_forged_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let study = gated(folder.path(), "timeout: 4s");
    let out = folder.path().join("run");
    ends(
        8,
        &[
            "run",
            text(&study),
            "--out",
            text(&out),
            "--exit-when-waiting",
        ],
    );
    let records = journal(&out);
    let asked = records
        .iter()
        .find(|record| record["event"]["type"] == "approval_requested");
    let asked = asked.unwrap().clone();
    let request = |by: &str, evidence: &Value, at: &Value| {
        let request = json!({
            "schema_version": 1, "stage": "timing", "approves": true, "by": by, "note": "",
            "evidence": evidence, "asked_at": at,
        });
        let path = out.join("requests").join(format!("{by}.request.json"));
        fs::write(path, request.to_string()).unwrap();
    };
    request("a_forger", &json!("0".repeat(64)), &asked["at"]);
    fs::write(out.join("requests/b.request.json"), "{").unwrap();
    request("carol", &asked["event"]["evidence"], &asked["at"]);
    std::thread::sleep(Duration::from_secs(4));
    let (_, stderr) = ends(0, &["resume", text(&out)]);
    assert!(
        stderr.contains("by a_forger: it was given for other evidence"),
        "{stderr}"
    );
    assert!(stderr.contains("is not a valid request"), "{stderr}");
    let approvals = &summary(&out)["approvals"][0];
    assert_eq!(
        (&approvals["standing"], &approvals["given"][0]["by"]),
        (&json!("approved"), &json!("carol"))
    );
}

#[test]
fn the_budget_of_wall_time_does_not_pay_for_the_time_of_people() {
    let folder = tempfile::tempdir().unwrap();
    let study = gated(folder.path(), "timeout: 1m");
    edit(
        &study,
        "budget: {trials: 32}",
        "budget: {trials: 32, wall_time_s: 60}",
    );
    let out = folder.path().join("run");
    let mut child = begin_to_wait(&study, &out);
    let waited = || summary_of(&out)["makespan_s"].as_f64().unwrap();
    let before = waited();
    std::thread::sleep(Duration::from_millis(1500));
    assert_eq!(approve(&out, &["--by", "ann"]).0, 0);
    assert!(child.wait().unwrap().success());
    let work = waited();
    let records = journal(&out);
    let at = |record: &Value| {
        record["at"]
            .as_str()
            .unwrap()
            .parse::<jiff::Timestamp>()
            .unwrap()
    };
    let all = at(&records[records.len() - 1])
        .duration_since(at(&records[0]))
        .as_secs_f64();
    assert!(
        before < work && work < all - 1.2,
        "{before} s, {work} s of {all} s"
    );
}

fn summary_of(out: &Path) -> Value {
    serde_json::from_str(&ends(0, &["status", text(out), "--format", "json"]).0).unwrap()
}

/// What the POSTs to a server brought, head and body.
type Posts = Arc<Mutex<Vec<(String, Value)>>>;

fn server() -> (u16, Posts) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let posts = Posts::default();
    let kept = Arc::clone(&posts);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut reader = BufReader::new(&stream);
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") {
                assert!(reader.read_line(&mut head).unwrap() > 0);
            }
            let lower = head.to_lowercase();
            let length = lower.split("content-length: ").nth(1).unwrap();
            let mut body = vec![0; length.lines().next().unwrap().parse().unwrap()];
            reader.read_exact(&mut body).unwrap();
            kept.lock()
                .unwrap()
                .push((head, serde_json::from_slice(&body).unwrap()));
            stream
                .write_all(b"HTTP/1.1 204 X\r\nConnection: close\r\n\r\n")
                .unwrap();
        }
    });
    (port, posts)
}

#[test]
fn people_are_told_what_happens_and_no_secret_is_left_in_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let study = gated(folder.path(), "approvers: 1");
    let (port, posts) = server();
    edit(
        &study,
        "stages:\n",
        &format!(
            "notify:\n  - {{command: [sh, -c, cat >> told.ndjson]}}\n  \
             - webhook: http://127.0.0.1:{port}/hook/${{N2_TEST_PATH}}\n    \
             headers: {{Authorization: \"Bearer ${{N2_TEST_TOKEN}}\"}}\n    on: [approval_needed, end]\n  \
             - {{webhook: \"http://127.0.0.1:9/${{N2_TEST_TOKEN}}\", retries: 0, on: [start]}}\nstages:\n"
        ),
    );
    let out = folder.path().join("run");
    let secrets = [
        ("N2_TEST_TOKEN", "t0ken-1234"),
        ("N2_TEST_PATH", "p4th-5678"),
    ];
    let output = noodle2()
        .args([
            "run",
            text(&study),
            "--out",
            text(&out),
            "--exit-when-waiting",
        ])
        .args(["--notify", "${N2_TEST_ABSENT}"])
        .envs(secrets)
        .output()
        .unwrap();
    let (code, _, stderr) = finish(output);
    assert_eq!(code, 8, "{stderr}");
    assert!(stderr.contains("`N2_TEST_ABSENT` is not set"), "{stderr}");
    assert!(
        stderr.contains("N2-RUN-018") && stderr.contains("could not be delivered"),
        "{stderr}"
    );

    let told = fs::read_to_string(study.with_file_name("told.ndjson")).unwrap();
    let told: Vec<Value> = told
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let events: Vec<&str> = told
        .iter()
        .map(|message| message["event"].as_str().unwrap())
        .collect();
    assert_eq!((events[0], events[events.len() - 1]), ("start", "end"));
    assert!(
        events.contains(&"stage_end") && events.contains(&"approval_needed"),
        "{events:?}"
    );
    assert_eq!(told[told.len() - 1]["status"], "waiting");
    for message in &told {
        assert_eq!(
            (&message["schema_version"], &message["study"]),
            (&json!(1), &json!("counter-branching"))
        );
        assert_eq!(message["run"], json!(out));
    }

    let posts = posts.lock().unwrap();
    assert_eq!(posts.len(), 2);
    let (head, asked) = &posts[0];
    assert!(
        head.contains("/hook/p4th-5678 ") && head.contains("Bearer t0ken-1234"),
        "{head}"
    );
    assert_eq!(asked["stage"]["name"], "timing");
    assert!(
        asked["command"]
            .as_str()
            .unwrap()
            .contains("noodle2 approve "),
        "{asked}"
    );

    let undelivered = fs::read_to_string(out.join("notifications.undelivered.ndjson")).unwrap();
    assert!(undelivered.contains("127.0.0.1:9"), "{undelivered}");
    for (_, secret) in secrets {
        assert!(!stderr.contains(secret));
        assert_eq!(files_with(&out, secret), Vec::<PathBuf>::new());
    }
    ends(0, &["verify", text(&out)]);
}

/// The files below `folder` that hold this text.
fn files_with(folder: &Path, text: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_with(&path, text));
        } else if String::from_utf8_lossy(&fs::read(&path).unwrap()).contains(text) {
            found.push(path);
        }
    }
    found
}

#[test]
fn receivers_that_fail_and_hang_change_nothing_of_a_run() {
    let folder = tempfile::tempdir().unwrap();
    let study = template(folder.path(), "sequential");
    let quiet = folder.path().join("quiet");
    ends(0, &["run", text(&study), "--out", text(&quiet)]);
    edit(
        &study,
        "stages:\n",
        "notify:\n  - {command: [sleep, '60'], timeout: 1s, retries: 0, on: [stage_end]}\n  \
         - {command: ['false'], retries: 0}\nstages:\n",
    );
    let out = folder.path().join("run");
    let (_, stderr) = ends(0, &["run", text(&study), "--out", text(&out)]);
    assert!(stderr.contains("could not be delivered"), "{stderr}");
    assert_eq!(digest(&out), digest(&quiet));
}
