//! A bench on which commands run, and a look at the process table that shares no code with the executor.
#![allow(dead_code, reason = "each test binary uses a part")]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use noodle2_exec::{CancelToken, Guard, Supervision, run_command};
use noodle2_model::{CommandLimits, CommandReport, CommandSpec};

/// The executable that can be a supervisor.
pub const PROBE: &str = env!("CARGO_BIN_EXE_noodle2-exec-probe");

/// A limit that no test is meant to reach, and that ends one that hangs.
pub const FOREVER: Duration = Duration::from_secs(120);

pub struct Bench {
    pub folder: tempfile::TempDir,
    pub supervision: Supervision,
    pub run: String,
    pub grace: Duration,
    pub limits: CommandLimits,
}

impl Bench {
    pub fn new(supervision: Supervision) -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            supervision,
            run: format!("test-{}", unique()),
            grace: FOREVER,
            limits: CommandLimits {
                wall: FOREVER,
                cpu: FOREVER,
                memory_bytes: 1 << 30,
                output_bytes: 1 << 20,
            },
        }
    }

    pub fn direct() -> Self {
        Self::new(Supervision::Direct)
    }

    pub fn supervised() -> Self {
        Self::new(Supervision::Process(PROBE.into()))
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    pub fn guard(&self) -> Guard {
        Guard::new(&self.run, "1_1.1")
            .with_grace(self.grace)
            .with_supervision(self.supervision.clone())
    }

    pub fn spec(&self, script: &str) -> CommandSpec {
        CommandSpec {
            streams: Default::default(),
            fork: None,
            farewell: None,
            program: "/bin/sh".into(),
            arguments: vec!["-c".to_owned(), script.to_owned()],
            environment: BTreeMap::from([("PATH".to_owned(), "/usr/bin:/bin".to_owned())]),
            folder: self.folder.path().to_owned(),
            log: self.path("log"),
            limits: self.limits,
        }
    }

    pub fn run(&self, script: &str) -> CommandReport {
        run_command(&self.spec(script), &self.guard(), &CancelToken::new())
    }

    /// Runs a script and does `act` once the script has written `ready`.
    pub fn run_and(&self, script: &str, act: impl FnOnce(&CancelToken)) -> CommandReport {
        let token = CancelToken::new();
        std::thread::scope(|scope| {
            let running = scope.spawn(|| run_command(&self.spec(script), &self.guard(), &token));
            eventually("the script is ready", || self.log().contains("ready"));
            act(&token);
            running.join().unwrap()
        })
    }
}

/// A number that no other test of this machine has, and that `sleep` takes for a very long time.
pub fn unique() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let next = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("{}.{next:05}1", 1_000_000 + std::process::id())
}

/// Waits until something holds.
pub fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + FOREVER;
    while !holds() {
        assert!(Instant::now() < deadline, "never happened: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Processes whose command line or environment holds this text, and that have not ended.
pub fn processes_with(text: &str) -> Vec<u32> {
    let holds = |pid: u32, file: &str| {
        let content = std::fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
        String::from_utf8_lossy(&content).contains(text)
    };
    std::fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|pid| *pid != std::process::id())
        .filter(|pid| holds(*pid, "cmdline") || holds(*pid, "environ"))
        .collect()
}

/// Processes that have become `sleep` with this number: not the shells, `setsid`s and `env`s on their way to it.
pub fn sleepers(number: &str) -> Vec<u32> {
    let mut found = processes_with(number);
    found.retain(|pid| {
        std::fs::read_to_string(format!("/proc/{pid}/comm"))
            .is_ok_and(|name| name.trim() == "sleep")
    });
    found
}
