//! Asks a user's program for the next round of a stage, beside the loop that drives the run.
//!
//! It runs as every command does: supervised, with a limit of time and memory, and none of its processes outlives
//! the run. What it answers is an observation; whether a proposal is tried is the controller's decision.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use noodle2_control::{CausalHistory, Controller};
use noodle2_engine::{Evidence, classify_command, find_program};
use noodle2_exec::{CancelToken, Guard, run_command};
use noodle2_model::{
    CommandLimits, CommandSpec, CommandStreams, Event, ExternalProposal, Failure, FailureClass,
    Limits, Proposer, StageIndex,
};
use noodle2_store::{StoreError, create_folder, write_atomic};
use serde::Deserialize;

/// How long a program may take where the study does not say.
const TIMEOUT: Duration = Duration::from_secs(60);

/// The programs that are being asked.
pub(crate) struct Askers {
    place: AskingPlace,
    asked: Vec<(StageIndex, u32, CancelToken)>,
    threads: Vec<JoinHandle<()>>,
    answers: Receiver<(StageIndex, Event)>,
    sender: Sender<(StageIndex, Event)>,
}

/// Where programs are asked, and under which limits.
#[derive(Debug, Clone)]
pub(crate) struct AskingPlace {
    /// The study's folder, in which they are started.
    pub study: PathBuf,
    /// The folder of the run, which keeps what was asked, answered and said beside it, for people.
    pub run: PathBuf,
    /// Identifies the run among all runs of this machine.
    pub mark: String,
    pub limits: Limits,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    proposals: Vec<ExternalProposal>,
}

impl Askers {
    pub fn new(place: AskingPlace) -> Self {
        let (sender, answers) = channel();
        Self {
            place,
            asked: Vec::new(),
            threads: Vec::new(),
            answers,
            sender,
        }
    }

    /// Asks for every round that is due and was not asked for; `wake` is called when an answer is there.
    pub fn ask(&mut self, controller: &Controller, wake: impl Fn() + Clone + Send + 'static) {
        for (stage, round) in controller.external_rounds_due() {
            let mut asked = self.asked.iter();
            if asked.any(|(other, number, _)| (*other, *number) == (stage, round)) {
                continue;
            }
            let cancel = CancelToken::new();
            self.asked.push((stage, round, cancel.clone()));
            let history = controller.causal_history(stage, round);
            let proposer = controller.program().stage(stage).proposer.clone();
            let (place, sender, wake) = (self.place.clone(), self.sender.clone(), wake.clone());
            self.threads.push(std::thread::spawn(move || {
                let name = format!("{stage}_{round}");
                let event = match place.propose(&proposer, &history, &name, &cancel) {
                    Ok(proposals) => Event::RoundAnswered {
                        stage,
                        round,
                        proposals,
                    },
                    Err(failure) => Event::ProposerFailed {
                        stage,
                        cause: format!("{}: {}", failure.class, failure.message),
                    },
                };
                // One that was called off with the run is asked again when the run goes on.
                if !cancel.is_cancelled() {
                    // Nobody listens any more once the run has ended.
                    let _ = sender.send((stage, event));
                    wake();
                }
            }));
        }
    }

    /// Ends the programs of stages that a budget of time cut short.
    pub fn call_off(&self, controller: &Controller) {
        for (stage, _, cancel) in &self.asked {
            if controller.stages()[stage.position()]
                .out_of_time()
                .is_some()
            {
                cancel.cancel();
            }
        }
    }

    /// An answer that has come.
    pub fn answer(&self) -> Option<(StageIndex, Event)> {
        self.answers.try_recv().ok()
    }
}

impl Drop for Askers {
    fn drop(&mut self) {
        for (_, _, cancel) in &self.asked {
            cancel.cancel();
        }
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

impl AskingPlace {
    /// Runs the program once.
    fn propose(
        &self,
        proposer: &Proposer,
        history: &CausalHistory,
        name: &str,
        cancel: &CancelToken,
    ) -> Result<Vec<ExternalProposal>, Failure> {
        let Some((tool, arguments)) = proposer.command.split_first() else {
            let text = "the study names no program".to_owned();
            return Err(failure(FailureClass::ConfigurationError, text));
        };
        let program = match tool.contains('/') {
            true => Some(self.study.join(tool)).filter(|path| path.is_file()),
            false => find_program(tool),
        };
        let program = program.ok_or_else(|| {
            let text = format!("`{tool}` could not be started: it is not there");
            failure(FailureClass::ToolMissing, text)
        })?;
        let kept = self.run.join("proposers").join(name);
        let kept = std::path::absolute(&kept).unwrap_or(kept);
        let (input, errors) = (kept.join("history.json"), kept.join("stderr.log"));
        create_folder(&kept).map_err(|error| unkept(&error))?;
        let text = serde_json::to_string_pretty(history).unwrap_or_default();
        write_atomic(&input, text).map_err(|error| unkept(&error))?;
        // Of an asking that was called off.
        let _ = std::fs::remove_file(&errors);
        let spec = CommandSpec {
            program,
            arguments: arguments.to_vec(),
            environment: environment(&kept),
            folder: self.study.clone(),
            log: kept.join("answer.json"),
            limits: self.limits_of(proposer),
            fork: None,
            farewell: None,
            streams: CommandStreams {
                input: Some(input),
                errors: Some(errors.clone()),
            },
        };
        let guard = Guard::new(&self.mark, format!("proposer-{name}"));
        let report = run_command(&spec, &guard, cancel);
        let said = std::fs::read(&errors).unwrap_or_default();
        let evidence = Evidence {
            tool: &format!("`{tool}`"),
            report: &report,
            log: &String::from_utf8_lossy(&said),
        };
        if let Some(failure) = classify_command(evidence) {
            return Err(failure);
        }
        let answer = std::fs::read(&spec.log).unwrap_or_default();
        serde_json::from_slice::<Answer>(&answer)
            .map(|answer| answer.proposals)
            .map_err(|error| {
                let text = format!("the answer of `{tool}` is not understood: {error}");
                failure(FailureClass::ParseFailure, text)
            })
    }

    fn limits_of(&self, proposer: &Proposer) -> CommandLimits {
        let wall = proposer.timeout_s.map_or(TIMEOUT, |seconds| {
            Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
        });
        CommandLimits {
            wall,
            // It may use all cores for as long as it is given.
            cpu: Duration::MAX,
            memory_bytes: self.limits.memory_mib.saturating_mul(1 << 20),
            output_bytes: self.limits.output_mib.saturating_mul(1 << 20),
        }
    }
}

fn failure(class: FailureClass, message: String) -> Failure {
    Failure {
        class,
        tool_code: None,
        message,
        excerpt: String::new(),
    }
}

/// What this machine could not keep of an asking.
fn unkept(error: &StoreError) -> Failure {
    let class = match error.is_disk_full() {
        true => FailureClass::DiskFull,
        false => FailureClass::WorkerLost,
    };
    failure(class, error.to_string())
}

/// The whole environment of a proposer: as that of ECOs that are commands.
fn environment(folder: &Path) -> BTreeMap<String, String> {
    let path = std::env::var("PATH").unwrap_or_default();
    [
        ("PATH", path),
        ("HOME", folder.to_string_lossy().into_owned()),
        ("LC_ALL", "C.UTF-8".to_owned()),
        ("TZ", "UTC".to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}
