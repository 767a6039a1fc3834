//! The bridge: a process of Python's that holds the connection to the cluster. Started, heard, told, and ended here.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use noodle2_bridge::{FromBridge, ToBridge, read_frame, write_frame};
use noodle2_exec::{MARKER, Waker};
use serde::Deserialize;

/// How many lines of what the bridge prints are kept to tell why it ended.
const KEPT_LINES: usize = 20;

/// How long it may take to end everything once it was told to.
const FAREWELL: Duration = Duration::from_secs(15);

/// Why no bridge serves.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BridgeError {
    /// Its interpreter cannot be started, or ended without a word.
    #[error("the bridge to Ray (`{} -m noodle2_ray bridge`) {problem}", python.display())]
    NotStarted { python: PathBuf, problem: String },
    /// It says itself why it will not serve.
    #[error("{message}")]
    Refused {
        code: String,
        message: String,
        help: String,
    },
}

impl BridgeError {
    /// The stable code.
    pub fn code(&self) -> &str {
        match self {
            Self::NotStarted { .. } => "N2-RAY-001",
            Self::Refused { code, .. } => code,
        }
    }

    /// What to do.
    pub fn help(&self) -> String {
        match self {
            Self::NotStarted { .. } => "name a Python that has Ray and this project's package with `--ray-python`: `pip install ./python` brings both".to_owned(),
            Self::Refused { help, .. } => help.clone(),
        }
    }
}

/// What is heard of a bridge.
#[derive(Debug)]
pub(super) enum Heard {
    Said(Box<FromBridge>),
    /// Its pipe ended: with how it ended, and the last that it printed.
    Ended(String),
}

/// A bridge that was started.
#[derive(Debug)]
pub(super) struct Bridge {
    child: Child,
    /// What it is told goes to a thread, so that a bridge which hangs holds nobody up.
    words: Option<Sender<ToBridge>>,
    reader: Option<JoinHandle<()>>,
}

impl Bridge {
    /// Starts a bridge that is told `hello`. What it says comes to `heard` with `number`, which tells this bridge from
    /// former ones; `waker` is used for each. What it prints goes to the file `log`.
    pub fn start(
        python: &Path,
        marker: &str,
        log: &Path,
        hello: &ToBridge,
        number: u32,
        heard: Sender<(u32, Heard)>,
        waker: Waker,
    ) -> Result<Self, BridgeError> {
        let failed = |problem: String| BridgeError::NotStarted {
            python: python.to_owned(),
            problem,
        };
        let mut command = Command::new(python);
        command
            .args(["-m", "noodle2_ray", "bridge"])
            // What a run leaves behind is found by this.
            .env(MARKER, format!("{marker}/bridge#{number}"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Ctrl-C is for the controller, which ends the bridge in order.
            .process_group(0);
        let mut child = command
            .spawn()
            .map_err(|error| failed(format!("cannot be started: {error}")))?;
        let (mut pipe, mut said, printed) =
            match (child.stdin.take(), child.stdout.take(), child.stderr.take()) {
                (Some(pipe), Some(said), Some(printed)) => (pipe, said, printed),
                _ => return Err(failed("has no pipes".to_owned())),
            };
        let kept: Arc<Mutex<VecDeque<String>>> = Arc::default();
        let for_printer = Arc::clone(&kept);
        let log = OpenOptions::new().append(true).create(true).open(log).ok();
        let printer = std::thread::Builder::new()
            .name("bridge-log".to_owned())
            .spawn(move || keep_lines(BufReader::new(printed), log, &for_printer))
            .map_err(|error| failed(format!("cannot be heard: {error}")))?;
        let reader = std::thread::Builder::new()
            .name("bridge".to_owned())
            .spawn(move || {
                let broken = loop {
                    match read_frame::<FromBridge>(&mut said) {
                        Ok(Some(message)) => {
                            if heard
                                .send((number, Heard::Said(Box::new(message))))
                                .is_err()
                            {
                                return;
                            }
                            waker.wake();
                        }
                        Ok(None) => break None,
                        Err(error) => break Some(error.to_string()),
                    }
                };
                // One that says what may not be said is not heard any more, whatever else it does.
                let last = match broken {
                    Some(error) => format!("what it said cannot be read: {error}"),
                    None => {
                        let _ = printer.join();
                        let kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                        kept.iter().cloned().collect::<Vec<_>>().join("\n")
                    }
                };
                let _ = heard.send((number, Heard::Ended(last)));
                waker.wake();
            })
            .map_err(|error| failed(format!("cannot be heard: {error}")))?;
        let (words, to_say) = channel::<ToBridge>();
        std::thread::Builder::new()
            .name("bridge-words".to_owned())
            .spawn(move || {
                let mut say = |message: &ToBridge| write_frame(&mut pipe, message).is_ok();
                while to_say.recv().is_ok_and(|message| say(&message)) {}
            })
            .map_err(|error| failed(format!("cannot be told anything: {error}")))?;
        let bridge = Self {
            child,
            words: Some(words),
            reader: Some(reader),
        };
        bridge.tell(hello.clone());
        Ok(bridge)
    }

    /// Tells it something. One that is gone is heard to have ended.
    pub fn tell(&self, message: ToBridge) {
        if let Some(words) = &self.words {
            let _ = words.send(message);
        }
    }
}

impl Drop for Bridge {
    fn drop(&mut self) {
        self.tell(ToBridge::Stop);
        self.words = None;
        let until = Instant::now() + FAREWELL;
        while matches!(self.child.try_wait(), Ok(None)) {
            if Instant::now() >= until {
                let _ = self.child.kill();
                let _ = self.child.wait();
                break;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
    }
}

fn keep_lines(printed: impl BufRead, mut log: Option<File>, kept: &Mutex<VecDeque<String>>) {
    for line in printed.split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line).into_owned();
        if let Some(log) = &mut log {
            // It is for people who look for a cause; a run does not end for want of it.
            let _ = writeln!(log, "{line}");
        }
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push_back(line);
        while kept.len() > KEPT_LINES {
            kept.pop_front();
        }
    }
}

/// What an interpreter has of what the bridge needs.
#[derive(Debug, Deserialize)]
pub(crate) struct Check {
    pub package: String,
    pub protocol: u32,
    /// Absent where it cannot be loaded.
    pub ray: Option<String>,
    pub python: String,
}

/// Asks an interpreter whether it could be a bridge.
///
/// # Errors
/// When it cannot.
pub(crate) fn check(python: &Path) -> Result<Check, BridgeError> {
    let failed = |problem: String| BridgeError::NotStarted {
        python: python.to_owned(),
        problem,
    };
    let output = Command::new(python)
        .args(["-m", "noodle2_ray", "check"])
        .stdin(Stdio::null())
        .output()
        .map_err(|error| failed(format!("cannot be started: {error}")))?;
    serde_json::from_slice(&output.stdout).map_err(|_| {
        let printed = String::from_utf8_lossy(&output.stderr);
        let last = printed
            .trim()
            .lines()
            .last()
            .unwrap_or("nothing")
            .to_owned();
        failed(format!("does not answer; it printed: {last}"))
    })
}
