//! What monitoring systems read of real runs, by their own parsers and by a collector that decodes what it gets.
#![allow(clippy::print_stderr, reason = "a skipped test says so out loud")]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as AnyValue;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use serde_json::Value;
use support::{
    completes, ends, engine_after, interrupt, run, start, summary, template, text, wait_for_records,
};

/// Reads an exposition by a parser of Python's `prometheus_client` and prints each value with its labels.
const PARSE: &str = "
import json, sys
from importlib import import_module
parser = import_module(sys.argv[1])
print(json.dumps([
    [sample.name, sample.labels, sample.value]
    for family in parser.text_string_to_metric_families(sys.stdin.read()) for sample in family.samples
]))
";

/// A value with its name and labels.
type Sample = (String, BTreeMap<String, String>, f64);

/// The values of an exposition by name, with their labels; `None` where the parser is not there.
fn parsed(parser: &str, exposition: &str) -> Option<Vec<Sample>> {
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/ray/bin/python");
    let begun = Command::new(&python)
        .args(["-c", PARSE, parser])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let Ok(mut child) = begun else {
        eprintln!("SKIPPED: {} is not there", python.display());
        return None;
    };
    let mut input = child.stdin.take().unwrap();
    input.write_all(exposition.as_bytes()).unwrap();
    drop(input);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{exposition}");
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

/// The sum of the values of this name that carry these labels; `None` where there is none.
fn sum(values: &[Sample], name: &str, labels: &[(&str, &str)]) -> Option<f64> {
    let wanted = |found: &BTreeMap<String, String>| {
        let mut labels = labels.iter();
        labels.all(|(key, value)| found.get(*key).is_some_and(|found| found == value))
    };
    let mut found = values
        .iter()
        .filter(|(found, labels, _)| found == name && wanted(labels))
        .map(|(_, _, value)| *value)
        .peekable();
    found.peek()?;
    Some(found.sum())
}

#[test]
fn both_formats_are_read_by_their_parsers_and_say_what_the_summary_says() {
    let folder = tempfile::tempdir().unwrap();
    // A name that has to be escaped.
    let out = folder.path().join("the \"first\" \\ run");
    completes(&template(folder.path(), "branching"), &out);
    let summary = summary(&out);
    for (format, parser) in [
        ("openmetrics", "prometheus_client.openmetrics.parser"),
        ("prometheus", "prometheus_client.parser"),
    ] {
        let (exposition, _) = ends(0, &["status", text(&out), "--format", format]);
        let Some(values) = parsed(parser, &exposition) else {
            return;
        };
        let run = ("run", text(&out));
        let value =
            |name: &str, labels: &[(&str, &str)]| sum(&values, name, &[labels, &[run]].concat());
        assert_eq!(value("noodle2_run_state", &[]), Some(1.0));
        assert_eq!(
            value("noodle2_run_state", &[("state", "completed")]),
            Some(1.0)
        );
        assert_eq!(
            value("noodle2_trials", &[]),
            summary["trials_total"].as_f64()
        );
        assert_eq!(value("noodle2_stage_state", &[]), Some(4.0));
        assert_eq!(
            value("noodle2_run_cpu_seconds_total", &[]),
            summary["cpu_s"].as_f64()
        );
        let failed: u64 = summary["failures"]
            .as_array()
            .unwrap()
            .iter()
            .map(|class| class["count"].as_u64().unwrap())
            .sum();
        assert_eq!(
            value("noodle2_trials", &[("state", "failed")]),
            Some(failed as f64)
        );
        for of in ["base", "best"] {
            let wns = value("noodle2_design_setup_wns_seconds", &[("of", of)]).unwrap();
            let told = summary[of]["metrics"]["setup_wns_ps"].as_f64().unwrap();
            assert!((wns * 1e12 - told).abs() < 1e-6, "{wns} {told}");
        }
        let budget = [("of", "study")];
        let limit = value("noodle2_budget_trials_limit", &budget);
        assert_eq!(limit, summary["spending"][0]["trials_limit"].as_f64());
        // What is not limited has no limit, and what was not measured no value.
        assert_eq!(value("noodle2_budget_cpu_limit_seconds", &budget), None);
        assert_eq!(value("noodle2_design_drc_violations", &[]), None);
        // Many cases, few labels.
        assert!(!exposition.contains("counter_"), "{exposition}");
    }
}

#[test]
fn failures_are_told_by_class_and_a_blocked_run_has_no_best_case() {
    let folder = tempfile::tempdir().unwrap();
    let study = template(folder.path(), "sequential");
    engine_after(&study, "case \"$PWD\" in */trials/*) exit 3;; esac");
    let out = folder.path().join("run");
    let (status, _, told) = run(&["run", text(&study), "--out", text(&out)]);
    assert_eq!(status, 5, "{told}");
    let (exposition, _) = ends(0, &["status", text(&out), "--format", "openmetrics"]);
    let failures = exposition
        .lines()
        .filter(|line| line.starts_with("noodle2_attempt_failures_total{"));
    assert_eq!(failures.count(), 1, "{exposition}");
    let summary: Value = summary(&out);
    assert!(summary["base"].is_null());
    assert!(!exposition.contains("noodle2_design_"), "{exposition}");
}

/// How a collector answers.
#[derive(Clone, Copy)]
enum Answer {
    Status(u16),
    Silence,
}

/// Requests with their heads, in the order in which they came.
type Requests = Arc<Mutex<Vec<(String, ExportTraceServiceRequest)>>>;

/// A collector on this machine.
struct TestCollector {
    address: String,
    requests: Requests,
}

impl TestCollector {
    fn new(answer: Answer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let requests = Requests::default();
        let kept = Arc::clone(&requests);
        std::thread::spawn(move || {
            let mut silent = Vec::new();
            for stream in listener.incoming() {
                let stream = stream.unwrap();
                match answer {
                    Answer::Silence => silent.push(stream),
                    Answer::Status(status) => {
                        let request = read_request(&stream);
                        kept.lock().unwrap().push(request);
                        let mut stream = stream;
                        let head = "Content-Length: 0\r\nConnection: close";
                        write!(stream, "HTTP/1.1 {status} X\r\n{head}\r\n\r\n").unwrap();
                    }
                }
            }
        });
        Self { address, requests }
    }

    fn heads(&self) -> Vec<String> {
        let requests = self.requests.lock().unwrap();
        requests.iter().map(|(head, _)| head.clone()).collect()
    }

    /// All spans by id; each must have come once.
    fn spans(&self) -> BTreeMap<Vec<u8>, Span> {
        let requests = self.requests.lock().unwrap();
        let scopes = requests
            .iter()
            .flat_map(|(_, request)| &request.resource_spans)
            .flat_map(|resource| &resource.scope_spans);
        let mut spans = BTreeMap::new();
        for span in scopes.flat_map(|scope| &scope.spans) {
            let former = spans.insert(span.span_id.clone(), span.clone());
            assert!(former.is_none(), "{} came twice", span.name);
        }
        spans
    }
}

fn read_request(stream: &TcpStream) -> (String, ExportTraceServiceRequest) {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert!(reader.read_line(&mut head).unwrap() > 0);
    }
    let lower = head.to_lowercase();
    let length = lower.split("content-length: ").nth(1).unwrap();
    let length: usize = length.lines().next().unwrap().parse().unwrap();
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    (head, ExportTraceServiceRequest::decode(&*body).unwrap())
}

/// An attribute that is a text.
fn word<'a>(span: &'a Span, key: &str) -> Option<&'a str> {
    let found = span.attributes.iter().find(|found| found.key == key)?;
    match found.value.as_ref()?.value.as_ref()? {
        AnyValue::StringValue(text) => Some(text),
        _ => None,
    }
}

fn named<'a>(spans: &'a BTreeMap<Vec<u8>, Span>, start: &str) -> Vec<&'a Span> {
    let all = spans.values();
    all.filter(|span| span.name.starts_with(start)).collect()
}

#[test]
fn a_run_is_one_trace_and_sending_it_again_gives_the_same_spans() {
    let folder = tempfile::tempdir().unwrap();
    let study = template(folder.path(), "branching");
    let out = folder.path().join("run");
    let live = TestCollector::new(Answer::Status(200));
    let traced = ["--traces", live.address.as_str()];
    let (_, told) = ends(
        0,
        &[&["run", text(&study), "--out", text(&out)], &traced[..]].concat(),
    );
    assert!(!told.contains("N2-TRACE"), "{told}");
    assert!(
        live.heads()
            .iter()
            .all(|head| head.starts_with("POST /v1/traces "))
    );
    let spans = live.spans();
    let traces: BTreeSet<_> = spans.values().map(|span| &span.trace_id).collect();
    assert_eq!(traces.len(), 1);

    // Study, stages, trials and attempts, each within the next.
    let summary = summary(&out);
    assert_eq!(named(&spans, "study ").len(), 1);
    assert_eq!(named(&spans, "stage ").len(), 4);
    let trials = named(&spans, "trial ");
    assert_eq!(Some(trials.len() as u64), summary["trials_run"].as_u64());
    let root = named(&spans, "study ")[0];
    assert!(root.parent_span_id.is_empty());
    assert_eq!(word(root, "noodle2.digest"), summary["digest"].as_str());
    for span in spans.values().filter(|span| span.name != root.name) {
        let parent = &spans[&span.parent_span_id];
        let start = span.name.split(' ').next().unwrap();
        let within = parent.name.split(' ').next().unwrap();
        let expected: &[&str] = match start {
            "stage" | "base" => &["study"],
            "trial" => &["stage"],
            _ => &["trial", "base"],
        };
        assert!(
            expected.contains(&within),
            "{} in {}",
            span.name,
            parent.name
        );
        let (from, to) = (parent.start_time_unix_nano, parent.end_time_unix_nano);
        assert!(
            from <= span.start_time_unix_nano && span.end_time_unix_nano <= to,
            "{span:?}"
        );
    }
    // The join comes from two stages, and every trial from a parent whose span is there.
    let most = named(&spans, "stage ")
        .iter()
        .map(|stage| stage.links.len())
        .max();
    assert_eq!(most, Some(2));
    for trial in &trials {
        assert!(!trial.links.is_empty());
        let mut links = trial.links.iter();
        assert!(
            links.all(|link| spans.contains_key(&link.span_id)),
            "{}",
            trial.name
        );
    }
    // Times are the journal's.
    let records = support::journal(&out);
    let ended: Timestamp = records.last().unwrap()["at"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    assert_eq!(i128::from(root.end_time_unix_nano), ended.as_nanosecond());

    let again = TestCollector::new(Answer::Status(200));
    ends(
        0,
        &[
            "traces",
            text(&out),
            "--to",
            &format!("{}/v1/traces", again.address),
        ],
    );
    assert_eq!(again.spans(), spans);
}

#[test]
fn a_trace_goes_on_where_a_run_does_and_failures_are_marked() {
    let folder = tempfile::tempdir().unwrap();
    let study = template(folder.path(), "sequential");
    // The fourth trial's engine fails.
    engine_after(&study, "case \"$PWD\" in */trials/*_0_4/*) exit 3;; esac");
    let out = folder.path().join("run");
    let live = TestCollector::new(Answer::Status(200));
    let traced = ["--traces", live.address.as_str()];
    let begin = [
        &["run", text(&study), "--out", text(&out), "-j", "1"],
        &traced[..],
    ]
    .concat();
    let mut child = start(&begin);
    wait_for_records(&mut child, &out, 24);
    interrupt(&child);
    child.wait().unwrap();
    // As far as it got, with what is not over marked as such.
    let midway = TestCollector::new(Answer::Status(200));
    ends(0, &["traces", text(&out), "--to", &midway.address]);
    assert_eq!(named(&midway.spans(), "study ").len(), 1);
    assert!(named(&live.spans(), "study ").is_empty());

    ends(0, &[&["resume", text(&out)], &traced[..]].concat());
    let spans = live.spans();
    let whole = TestCollector::new(Answer::Status(200));
    ends(0, &["traces", text(&out), "--to", &whole.address]);
    assert_eq!(whole.spans(), spans);
    let failed: Vec<&Span> = spans
        .values()
        .filter(|span| span.status.as_ref().is_some_and(|status| status.code == 2))
        .collect();
    assert!(failed.iter().any(|span| span.name.starts_with("trial ")));
    for span in failed {
        assert!(word(span, "error.type").is_some(), "{span:?}");
        let mut events = span.events.iter();
        let is_told = events.any(|event| event.name == "exception");
        assert_eq!(is_told, span.name == "attempt", "{span:?}");
    }
}

#[test]
fn a_collector_that_is_down_refuses_or_hangs_changes_nothing_and_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let study = template(folder.path(), "sequential");
    completes(&study, &folder.path().join("plain"));
    let digest = support::digest(&folder.path().join("plain"));
    let (refuses, hangs) = (
        TestCollector::new(Answer::Status(400)),
        TestCollector::new(Answer::Silence),
    );
    // Nobody listens on the port of discarded bytes.
    let down = "http://127.0.0.1:9".to_owned();
    for (name, address) in [
        ("down", &down),
        ("refuses", &refuses.address),
        ("hangs", &hangs.address),
    ] {
        let out = folder.path().join(name);
        let run = [
            "run",
            text(&study),
            "--out",
            text(&out),
            "--traces",
            address,
        ];
        let (_, told) = ends(0, &run);
        assert!(told.contains("N2-TRACE-003"), "{name}: {told}");
        assert_eq!(support::digest(&out), digest, "{name}");
        if name != "hangs" {
            let (_, told) = ends(6, &["traces", text(&out), "--to", address]);
            assert!(told.contains("N2-TRACE-002"), "{name}: {told}");
        }
    }
}

#[test]
fn the_environment_names_a_collector_only_where_it_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let study = template(folder.path(), "sequential");
    let collector = TestCollector::new(Answer::Status(200));
    let out = folder.path().join("run");
    let command = |arguments: &[&str]| {
        let mut command = support::noodle2();
        command
            .args(arguments)
            .env("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.address)
            .env(
                "OTEL_EXPORTER_OTLP_HEADERS",
                "Authorization=Basic%20c2VjcmV0",
            );
        support::finish(command.output().unwrap())
    };
    assert_eq!(command(&["run", text(&study), "--out", text(&out)]).0, 0);
    assert!(collector.heads().is_empty());
    assert_eq!(command(&["traces", text(&out), "--to", "env"]).0, 0);
    let heads = collector.heads();
    let carries = |head: &String| {
        head.to_lowercase()
            .contains("authorization: basic c2vjcmv0\r\n")
    };
    assert!(!heads.is_empty() && heads.iter().all(carries), "{heads:?}");

    // What cannot be an address is told before anything runs.
    let none = folder.path().join("none");
    for (address, why) in [("env", "is not set"), ("localhost:4318", "http://")] {
        let (_, told) = ends(
            2,
            &[
                "run",
                text(&study),
                "--out",
                text(&none),
                "--traces",
                address,
            ],
        );
        assert!(
            told.contains("N2-TRACE-001") && told.contains(why),
            "{told}"
        );
        assert!(!none.exists());
    }
}
