//! `noodle2 approve`.

use std::path::Path;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use noodle2_control::{AnswerError, Controller};
use noodle2_store::{ApprovalRequest, RequestAnswer, RequestSpool, RunFolder};
use noodle2_view::{ApprovalSummary, History, Summary, headline};

use crate::cli::{ApproveOption, Format};
use crate::commands::inspect::{look_at, stage_named};
use crate::exit::{CommandFailure, Exit};
use crate::print;
use crate::run::{Worker, event_of};
use crate::shell;

/// An answer does not count.
const DOES_NOT_COUNT: &str = "N2-RUN-017";
/// How often an answer is looked for.
const GLANCE: Duration = Duration::from_millis(50);

/// What became of an answer that counts.
pub(crate) struct Answered {
    /// Whether a controller took it in; it waits for one otherwise.
    pub is_journalled: bool,
    /// The same in words.
    pub message: String,
}

/// Approves or refuses a stage, and says what became of it.
pub(crate) fn approve(
    run: &Path,
    option: &ApproveOption,
    format: Format,
) -> Result<Exit, CommandFailure> {
    let answered = answer(run, option)?;
    match format {
        Format::Json => print::json(&serde_json::json!({
            "journalled": answered.is_journalled, "message": answered.message,
        }))?,
        Format::Text => print::data(&answered.message),
    }
    Ok(Exit::Done)
}

/// Approves or refuses a stage that waits for it: through the controller that is at work, or queued for the next.
pub(crate) fn answer(run: &Path, option: &ApproveOption) -> Result<Answered, CommandFailure> {
    let (folder, history) = look_at(run)?;
    let mut request = request(run, &history, option)?;
    let spool = RequestSpool::of(&folder);
    let patience = Duration::from_secs(u64::from(option.wait));
    if Worker::of(&folder) == Worker::Gone {
        spool.drop_request(&request)?;
        return queued(run, &folder, &request);
    }
    request.awaited_until = request.asked_at.checked_add(patience).ok();
    let id = spool.drop_request(&request)?;
    let deadline = Instant::now() + patience;
    loop {
        if let Some(answer) = spool.take_answer(&id)? {
            return taken(run, answer);
        }
        if Worker::of(&folder) == Worker::Gone || Instant::now() >= deadline {
            break;
        }
        std::thread::sleep(GLANCE);
    }
    // It may have been answered by a controller that ended then.
    if let Some(answer) = spool.take_answer(&id)? {
        return taken(run, answer);
    }
    queued(run, &folder, &request)
}

/// What is asked for, if it would count now.
fn request(
    run: &Path,
    history: &History,
    option: &ApproveOption,
) -> Result<ApprovalRequest, CommandFailure> {
    let controller = history.controller();
    let Some(stage) = stage_named(controller, &option.gate) else {
        let gates = gates(controller);
        let help = if gates.is_empty() {
            "no stage of this study needs approval".to_owned()
        } else {
            format!("stages that need approval: {}", gates.join(", "))
        };
        let text = format!("run `{}` has no stage `{}`", run.display(), option.gate);
        return Err(CommandFailure::new(Exit::Usage, "N2-RUN-002", text, help));
    };
    let name = controller.program().stage(stage).name.clone();
    let approval = controller.stages()[stage.position()].approval.as_ref();
    // Without a request to approve there is no evidence; the check then says why.
    let evidence = approval.map(|approval| approval.evidence);
    let request = ApprovalRequest {
        schema_version: ApprovalRequest::SCHEMA_VERSION,
        stage: name.clone(),
        approves: !option.refuse,
        by: option.by.clone(),
        note: option.note.clone().unwrap_or_default(),
        evidence: evidence.unwrap_or_else(|| noodle2_model::ContentHash::of("")),
        asked_at: Timestamp::now(),
        awaited_until: None,
    };
    event_of(controller, request.clone())
        .and_then(|event| controller.check_answer(&event))
        .map_err(|error| refusal(run, history, &name, &error))?;
    // Nobody may be at work who would have seen it.
    let summary = ApprovalSummary::new(history, stage);
    let deadline = summary.and_then(|summary| summary.deadline);
    if let Some(deadline) = deadline.filter(|deadline| *deadline <= request.asked_at) {
        let text = format!("stage `{name}`: the time to approve it was over at {deadline}");
        let help = format!(
            "it is settled as the study says once the run goes on: noodle2 resume {}",
            shell::word(run)
        );
        return Err(CommandFailure::new(Exit::Usage, DOES_NOT_COUNT, text, help));
    }
    Ok(request)
}

fn refusal(run: &Path, history: &History, name: &str, error: &AnswerError) -> CommandFailure {
    let called = shell::word(run);
    let help = match error {
        AnswerError::RunEnded => {
            let status = headline(&Summary::new(history));
            format!("the run is {status}; `noodle2 report {called}` says what came of it")
        }
        AnswerError::NotNeeded => match gates(history.controller()).as_slice() {
            [] => "no stage of this study needs approval".to_owned(),
            gates => format!("stages that need approval: {}", gates.join(", ")),
        },
        AnswerError::TooEarly => {
            format!("`noodle2 status {called}` says how far the stages before it are")
        }
        AnswerError::Settled(_) => format!("`noodle2 show {called} {name}` says by whom"),
        AnswerError::NotAsked { .. } => {
            "`--by` takes the name exactly as the study writes it".to_owned()
        }
        _ => format!("`noodle2 show {called} {name}` says how the approval stands"),
    };
    let text = format!("stage `{name}`: {error}");
    CommandFailure::new(Exit::Usage, DOES_NOT_COUNT, text, help)
}

fn gates(controller: &Controller) -> Vec<String> {
    let stages = controller.program().study().stages.iter();
    stages
        .filter(|stage| stage.approval.is_some())
        .map(|stage| format!("`{}`", stage.name))
        .collect()
}

/// What the controller made of it.
fn taken(run: &Path, answer: RequestAnswer) -> Result<Answered, CommandFailure> {
    if !answer.taken {
        let help = format!("`noodle2 status {}` says how it stands", shell::word(run));
        return Err(CommandFailure::new(
            Exit::Usage,
            DOES_NOT_COUNT,
            answer.message,
            help,
        ));
    }
    Ok(Answered {
        is_journalled: true,
        message: answer.message,
    })
}

/// Says that it waits for a controller, unless the run ended meanwhile.
fn queued(
    run: &Path,
    folder: &RunFolder,
    request: &ApprovalRequest,
) -> Result<Answered, CommandFailure> {
    let (_, history) = look_at(run)?;
    if history.status().has_ended() {
        return Err(refusal(
            run,
            &history,
            &request.stage,
            &AnswerError::RunEnded,
        ));
    }
    let why = match Worker::of(folder) {
        Worker::Gone => format!(
            "nobody works on the run now; it counts once you go on with: noodle2 resume {}",
            shell::word(run)
        ),
        _ => "the controller has not taken it in yet; it counts as soon as it does".to_owned(),
    };
    let verb = if request.approves {
        "approval"
    } else {
        "refusal"
    };
    let message = format!(
        "the {verb} of `{}` by {} is queued: {why}",
        request.stage, request.by
    );
    Ok(Answered {
        is_journalled: false,
        message,
    })
}
