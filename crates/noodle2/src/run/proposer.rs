//! External proposers: commands that are given the causal history of a stage and answer with proposals.
//!
//! What they answer is an observation. It is made durable before anything is acted on, and whether a proposal is
//! tried is the controller's decision: so a run is repeated and verified without the command.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use noodle2_control::{Controller, RoundRequest};
use noodle2_engine::{Evidence, classify_command, find_program};
use noodle2_exec::{CancelToken, Guard, Waker, run_command};
use noodle2_model::{
    AttemptUsage, CommandLimits, CommandSpec, CommandStreams, ExternalProposal, ExternalRules,
    Failure, FailureClass, Limits, Proposer, RoundAnswer, StageIndex,
};
use noodle2_store::{StoreError, create_folder, write_atomic};
use serde::Deserialize;

use super::attempt::{AttemptRunner, EngineRunner};

/// What an external proposer is asked, and how.
#[derive(Debug, Clone)]
pub(crate) struct RoundOrder {
    rules: ExternalRules,
    request: RoundRequest,
}

/// What came of asking.
#[derive(Debug)]
pub(crate) struct RoundResult {
    pub answer: RoundAnswer,
    pub usage: AttemptUsage,
}

/// The rounds that external proposers are being asked for, each on a thread of its own.
pub(crate) struct Asking {
    open: BTreeMap<(StageIndex, u32), (CancelToken, JoinHandle<()>)>,
    answers: Receiver<Answered>,
    sender: Sender<Answered>,
}

/// A round with what came of asking for it; none where the asking was called off.
pub(crate) type Answered = ((StageIndex, u32), Option<Result<RoundResult, StoreError>>);

impl RoundOrder {
    /// The order for the round that a stage awaits.
    pub fn new(controller: &Controller, stage: StageIndex) -> Option<Self> {
        let request = controller.round_request(stage)?;
        match &controller.program().stage(stage).proposer {
            Some(Proposer::External(rules)) => Some(Self {
                rules: rules.clone(),
                request,
            }),
            _ => None,
        }
    }
}

impl Asking {
    pub fn new() -> Self {
        let (sender, answers) = channel();
        Self {
            open: BTreeMap::new(),
            answers,
            sender,
        }
    }

    /// Asks for every round that is awaited and not asked for yet. `waker` wakes whoever waits for answers.
    ///
    /// # Errors
    /// When the system has no thread left.
    pub fn ask(
        &mut self,
        controller: &Controller,
        runner: &Arc<dyn AttemptRunner>,
        waker: impl Fn() -> Waker,
    ) -> std::io::Result<()> {
        for (stage, round) in controller.rounds_to_ask() {
            if self.open.contains_key(&(stage, round)) {
                continue;
            }
            let Some(order) = RoundOrder::new(controller, stage) else {
                continue;
            };
            let cancel = CancelToken::new();
            let (token, sender, waker) = (cancel.clone(), self.sender.clone(), waker());
            let runner = Arc::clone(runner);
            let thread = std::thread::Builder::new()
                .name(format!("proposer-{stage}"))
                .spawn(move || {
                    let result = runner.ask(&order, &token);
                    let wanted = (!token.is_cancelled()).then_some(result);
                    // Nobody listens any more once the run is left.
                    let _ = sender.send(((stage, round), wanted));
                    waker.wake();
                })?;
            self.open.insert((stage, round), (cancel, thread));
        }
        Ok(())
    }

    /// The answers that came since the last call.
    pub fn answers(&mut self) -> Vec<Answered> {
        let answers: Vec<Answered> = self.answers.try_iter().collect();
        for (round, _) in &answers {
            self.open.remove(round);
        }
        answers
    }

    /// Ends every command that is being asked.
    pub fn cancel_all(&self) {
        for (cancel, _) in self.open.values() {
            cancel.cancel();
        }
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        self.cancel_all();
        for (_, thread) in std::mem::take(&mut self.open).into_values() {
            let _ = thread.join();
        }
    }
}

/// The form of an answer.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    schema: String,
    proposals: Vec<ExternalProposal>,
    #[serde(default)]
    done: bool,
}

impl EngineRunner {
    /// Asks an external proposer for a round. Request, answer and what it said beside it stay in the run folder,
    /// for people: nothing is ever read from there again.
    pub(super) fn ask_proposer(
        &self,
        order: &RoundOrder,
        cancel: &CancelToken,
    ) -> Result<RoundResult, StoreError> {
        let RoundRequest { stage, round, .. } = order.request;
        let name = format!("{stage}_{round}");
        let folder = self.folder.root().join("proposers").join(&name);
        create_folder(&folder)?;
        let folder = std::path::absolute(&folder).unwrap_or(folder);
        let input = folder.join("request.json");
        let text = format!("{:#}\n", serde_json::json!(order.request));
        write_atomic(&input, text)?;
        let errors = folder.join("stderr.log");
        // Of an asking that was cut off.
        let _ = std::fs::remove_file(&errors);
        let study = self.identity.study_folder.display().to_string();
        let words = order.rules.command.iter();
        let mut words = words.map(|word| word.replace("{study}", &study));
        let tool = words.next().unwrap_or_default();
        let failed = |class, message: String, usage| RoundResult {
            answer: RoundAnswer::Failed(Failure {
                class,
                tool_code: None,
                message,
                excerpt: String::new(),
            }),
            usage,
        };
        let Some(program) = find_program(&tool) else {
            let text = format!("the proposer `{tool}` is not there");
            let usage = AttemptUsage::default();
            return Ok(failed(FailureClass::ToolMissing, text, usage));
        };
        let spec = CommandSpec {
            program,
            arguments: words.collect(),
            environment: environment(&folder),
            log: folder.join("answer.json"),
            limits: limits(&order.rules, &self.identity.study.limits),
            streams: CommandStreams {
                input: Some(input),
                errors: Some(errors.clone()),
            },
            folder,
        };
        let guard = Guard::new(&self.mark, format!("proposer-{name}"));
        let report = run_command(&spec, &guard, cancel);
        let said = std::fs::read(&errors).unwrap_or_default();
        let evidence = Evidence {
            tool: &format!("the proposer `{tool}`"),
            report: &report,
            log: &String::from_utf8_lossy(&said),
        };
        let usage = report.usage;
        if let Some(failure) = classify_command(evidence) {
            let answer = RoundAnswer::Failed(failure);
            return Ok(RoundResult { answer, usage });
        }
        let answer = std::fs::read(&spec.log).unwrap_or_default();
        Ok(match read_answer(&answer) {
            Ok(answer) => RoundResult { answer, usage },
            Err(why) => {
                let text = format!("the answer of the proposer `{tool}` {why}");
                failed(FailureClass::ParseFailure, text, usage)
            }
        })
    }
}

/// Reads an answer; what is wrong with it where it is none.
fn read_answer(bytes: &[u8]) -> Result<RoundAnswer, String> {
    let answer: Answer =
        serde_json::from_slice(bytes).map_err(|error| format!("cannot be understood: {error}"))?;
    if answer.schema != RoundRequest::ANSWER_SCHEMA {
        return Err(format!(
            "is of the form {:?}, not \"{}\"",
            answer.schema,
            RoundRequest::ANSWER_SCHEMA
        ));
    }
    Ok(RoundAnswer::Proposals {
        proposals: answer.proposals,
        done: answer.done,
    })
}

fn limits(rules: &ExternalRules, limits: &Limits) -> CommandLimits {
    let wall = Duration::try_from_secs_f64(rules.timeout_s).unwrap_or(Duration::MAX);
    CommandLimits {
        wall,
        // It may use all cores for as long as it is given.
        cpu: Duration::MAX,
        memory_bytes: limits.memory_mib.saturating_mul(1 << 20),
        output_bytes: limits.output_mib.saturating_mul(1 << 20),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_answer_is_said_to_be_none() {
        let whole = r#"{"schema": "noodle2.round-answer/1", "proposals": [], "done": true}"#;
        assert_eq!(
            read_answer(whole.as_bytes()),
            Ok(RoundAnswer::Proposals {
                proposals: Vec::new(),
                done: true
            })
        );
        for (bytes, expected) in [
            ("", "EOF"),
            ("Traceback", "cannot be understood"),
            (&whole.replace("answer/1", "answer/2"), "answer/2"),
            (&whole.replace("done", "finished"), "finished"),
            (&whole[..40], "EOF"),
        ] {
            let error = read_answer(bytes.as_bytes()).unwrap_err();
            assert!(error.contains(expected), "{bytes}: {error}");
        }
    }
}
