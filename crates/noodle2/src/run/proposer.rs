//! Asks a user's program for the next round of a stage, beside the loop that drives the run.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use noodle2_control::{CausalHistory, Controller};
use noodle2_model::{Event, ExternalProposal, Proposer, StageIndex};
use serde::Deserialize;

/// How long a program may take where the study does not say.
const TIMEOUT: Duration = Duration::from_secs(60);

/// The most that is read of an answer.
const LARGEST_ANSWER: u64 = 16 << 20;

/// The programs that are being asked.
pub(crate) struct Askers {
    folder: PathBuf,
    asked: Vec<(StageIndex, u32)>,
    answers: Receiver<(StageIndex, Event)>,
    sender: Sender<(StageIndex, Event)>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    proposals: Vec<ExternalProposal>,
}

impl Askers {
    /// Programs are started in `folder`, the study's.
    pub fn new(folder: &Path) -> Self {
        let (sender, answers) = channel();
        Self {
            folder: folder.to_owned(),
            asked: Vec::new(),
            answers,
            sender,
        }
    }

    /// Asks for every round that is due and was not asked for; `wake` is called when an answer is there.
    pub fn ask(&mut self, controller: &Controller, wake: impl Fn() + Clone + Send + 'static) {
        for (stage, round) in controller.external_rounds_due() {
            if self.asked.contains(&(stage, round)) {
                continue;
            }
            self.asked.push((stage, round));
            let history = controller.causal_history(stage, round);
            let proposer = controller.program().stage(stage).proposer.clone();
            let (folder, sender, wake) = (self.folder.clone(), self.sender.clone(), wake.clone());
            std::thread::spawn(move || {
                let event = match propose(&proposer, &history, &folder) {
                    Ok(proposals) => Event::RoundAnswered {
                        stage,
                        round,
                        proposals,
                    },
                    Err(cause) => Event::ProposerFailed { stage, cause },
                };
                // Nobody listens any more once the run has ended.
                let _ = sender.send((stage, event));
                wake();
            });
        }
    }

    /// An answer that has come.
    pub fn answer(&self) -> Option<(StageIndex, Event)> {
        self.answers.try_recv().ok()
    }
}

/// Runs the program once.
fn propose(
    proposer: &Proposer,
    history: &CausalHistory,
    folder: &Path,
) -> Result<Vec<ExternalProposal>, String> {
    let Some((program, arguments)) = proposer.command.split_first() else {
        return Err("the study names no program".to_owned());
    };
    let mut child = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("`{program}` could not be started: {error}"))?;
    let question = serde_json::to_vec(history).map_err(|error| error.to_string())?;
    let input = child.stdin.take();
    // A program that does not read must not keep the others waiting.
    std::thread::spawn(move || input.map(|mut input| input.write_all(&question)));
    let reading = child.stdout.take().map(read_all);
    let complaints = child.stderr.take().map(read_all);
    let limit = proposer.timeout_s.map_or(TIMEOUT, Duration::from_secs_f64);
    let status = wait(&mut child, limit).ok_or_else(|| {
        format!(
            "`{program}` did not answer within {} s",
            limit.as_secs_f64()
        )
    })?;
    let text = |reading: Option<std::thread::JoinHandle<Vec<u8>>>| {
        reading
            .and_then(|reading| reading.join().ok())
            .unwrap_or_default()
    };
    let answer = text(reading);
    if !status.success() {
        let said = String::from_utf8_lossy(&text(complaints)).trim().to_owned();
        let last = said.lines().last().unwrap_or_default().to_owned();
        return Err(format!("`{program}` ended with {status}: {last}"));
    }
    serde_json::from_slice::<Answer>(&answer)
        .map(|answer| answer.proposals)
        .map_err(|error| format!("the answer of `{program}` is not understood: {error}"))
}

fn read_all(output: impl Read + Send + 'static) -> std::thread::JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut text = Vec::new();
        let _ = output.take(LARGEST_ANSWER).read_to_end(&mut text);
        text
    })
}

/// How the program ended; `None` when it took too long and was killed.
fn wait(child: &mut Child, limit: Duration) -> Option<std::process::ExitStatus> {
    let until = Instant::now() + limit;
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) if Instant::now() < until => std::thread::sleep(Duration::from_millis(5)),
            Ok(None) | Err(_) => {
                let _ = child.kill();
                let _ = child.wait();
                return None;
            }
        }
    }
}
