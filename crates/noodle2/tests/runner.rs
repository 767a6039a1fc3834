//! The runner of nodes refuses what would not be the run: another version, another measurement, files that are not what
//! was sent. It is told what a controller really tells.

mod support;

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Stdio};

use noodle2_bridge::{
    FromRunner, GivenFile, PROTOCOL, ToBridge, ToRunner, read_frame, write_frame,
};
use serde_json::{Value, json};
use support::{ends, noodle2, stand_in_bridge, template, text};

/// What the controller tells of a run: the header for its runners, and the files that go with it.
fn told(folder: &Path) -> (Value, Vec<GivenFile>) {
    let study = template(folder, "sequential");
    let connected = format!(
        r#"{{"type":"connected","protocol":{PROTOCOL},"bridge_version":"0","ray_version":"0","python_version":"0","address":"a","nodes":1}}"#
    );
    let nothing = r#"{"type":"capacity","slots":0,"offered":0,"nodes":1}"#;
    let python = stand_in_bridge(folder, &[&connected, nothing]);
    let out = folder.join("run");
    let words = [
        "run",
        text(&study),
        "--out",
        text(&out),
        "--executor",
        "ray",
    ];
    let more = ["--ray-patience", "0", "--ray-python", text(&python)];
    ends(7, &[&words[..], &more].concat());
    let said = fs::read(folder.join("told")).unwrap();
    match read_frame(&mut said.as_slice()).unwrap() {
        Some(ToBridge::Hello { header, files, .. }) => (header, files),
        other => panic!("{other:?}"),
    }
}

struct Runner {
    process: Child,
}

impl Runner {
    fn open(scratch: &Path, protocol: u32, header: &Value) -> Self {
        let process = noodle2()
            .arg("runner")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut runner = Self { process };
        runner.tell(&ToRunner::Open {
            protocol,
            header: header.clone(),
            scratch: scratch.to_owned(),
            slot: "run-slot-0".to_owned(),
            slots_on_node: 1,
        });
        runner
    }

    fn tell(&mut self, message: &ToRunner) {
        write_frame(self.process.stdin.as_mut().unwrap(), message).unwrap();
    }

    fn hear(&mut self) -> FromRunner {
        read_frame(self.process.stdout.as_mut().unwrap())
            .unwrap()
            .expect("it says something")
    }

    /// Brings what it needs; `change` may spoil it.
    fn bring(&mut self, files: &[GivenFile], change: impl Fn(&mut Vec<u8>)) {
        let FromRunner::Needs { files: needed } = self.hear() else {
            panic!("it needs nothing");
        };
        for wanted in needed {
            let given = files.iter().find(|given| given.hash == wanted.hash);
            let mut bytes = fs::read(&given.unwrap().path).unwrap();
            change(&mut bytes);
            fs::write(wanted.path, bytes).unwrap();
        }
        self.tell(&ToRunner::Have);
    }

    /// The end of its pipe ends it.
    fn ends(mut self) {
        drop(self.process.stdin.take());
        assert!(self.process.wait().unwrap().success());
    }

    /// The code with which it refuses, and ends.
    fn refuses(mut self) -> String {
        let FromRunner::Refused {
            code,
            message,
            help,
        } = self.hear()
        else {
            panic!("it does not refuse");
        };
        assert!(!message.is_empty() && !help.is_empty());
        let mut more = Vec::new();
        self.process
            .stdout
            .take()
            .unwrap()
            .read_to_end(&mut more)
            .unwrap();
        assert!(more.is_empty());
        assert_eq!(self.process.wait().unwrap().code(), Some(1));
        code
    }
}

#[test]
fn a_runner_prepares_what_it_was_told_and_refuses_anything_else() {
    let folder = tempfile::tempdir().unwrap();
    let scratch = folder.path().join("scratch");
    fs::create_dir(&scratch).unwrap();
    let (header, files) = told(folder.path());
    let other = |key: &str, value: Value| {
        let mut header = header.clone();
        assert!(header[key].is_string(), "{key}");
        header[key] = value;
        header
    };
    assert_eq!(
        Runner::open(&scratch, PROTOCOL + 1, &header).refuses(),
        "N2-RAY-002"
    );
    assert_eq!(
        Runner::open(&scratch, PROTOCOL, &json!({})).refuses(),
        "N2-RAY-002"
    );
    let version = other("noodle2_version", json!("0.0.0"));
    assert_eq!(
        Runner::open(&scratch, PROTOCOL, &version).refuses(),
        "N2-RAY-002"
    );
    // What did not arrive as it was sent is not read.
    let mut runner = Runner::open(&scratch, PROTOCOL, &header);
    runner.bring(&files, |bytes| bytes.push(b' '));
    assert_eq!(runner.refuses(), "N2-RAY-011");
    // It is asked for again, and what was brought once is not.
    let mut runner = Runner::open(&scratch, PROTOCOL, &header);
    runner.bring(&files, |_| {});
    assert!(matches!(runner.hear(), FromRunner::Ready { .. }));
    runner.ends();
    let nothing = fs::read_dir(scratch.join("work")).unwrap().count();
    assert_eq!(
        nothing, 0,
        "a runner leaves nothing but what is brought once"
    );
    let mut runner = Runner::open(&scratch, PROTOCOL, &header);
    assert!(matches!(runner.hear(), FromRunner::Ready { .. }));
    // Nobody else works where it does.
    let second = Runner::open(&scratch, PROTOCOL, &header).refuses();
    assert_eq!(second, "N2-RAY-006");
    runner.ends();
    // A node that would measure something else is not used.
    let context = other("measurement_context", json!("0".repeat(64)));
    assert_eq!(
        Runner::open(&scratch, PROTOCOL, &context).refuses(),
        "N2-RAY-007"
    );
}
