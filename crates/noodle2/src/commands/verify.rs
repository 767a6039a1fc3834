//! `noodle2 verify`: is the record of a run whole, consistent, and what the rules give?

use std::path::Path;

use noodle2_control::Controller;
use noodle2_model::ContentHash;
use noodle2_store::{RunFolder, StorageProblem, verify_run_storage};
use noodle2_view::count_text;
use serde::Serialize;

use crate::cli::Format;
use crate::exit::{CommandFailure, Exit};
use crate::print;
use crate::record;

/// What `verify --format json` prints.
#[derive(Debug, Serialize)]
struct Verification {
    ok: bool,
    digest: Option<ContentHash>,
    /// Whether another run of the same ends with the same digest; absent where there is none.
    digest_promised: Option<bool>,
    /// How many are intact, from the first on.
    records: u64,
    /// How many artifacts are not there since `gc` collected them.
    collected: usize,
    problems: Vec<Problem>,
}

#[derive(Debug, Serialize)]
struct Problem {
    code: String,
    path: String,
    message: String,
}

impl From<StorageProblem> for Problem {
    fn from(problem: StorageProblem) -> Self {
        Self {
            code: problem.code.to_owned(),
            path: problem.path.display().to_string(),
            message: problem.message,
        }
    }
}

/// Checks the chain of the journal, every file against its hash, every decision, the digest among them,
/// against the one that the rules give, and what is told of the run against what the journal gives.
pub(crate) fn verify(run: &Path, format: Format) -> Result<Exit, CommandFailure> {
    let storage = verify_run_storage(run)?;
    let mut problems: Vec<Problem> = storage.problems.into_iter().map(Problem::from).collect();
    let mut digest = None;
    let mut digest_promised = None;
    if let Some(journal) = &storage.journal {
        match Controller::replay(journal.records.iter().map(|record| &record.event)) {
            Ok(controller) => {
                digest = controller.recorded_digest();
                digest_promised = digest.map(|_| controller.promises_digest());
                let folder = RunFolder::open(run)?;
                let found = record::check_what_follows(&folder, &journal.records, &controller)?;
                problems.extend(found.into_iter().map(Problem::from));
            }
            Err((position, error)) => problems.push(Problem {
                code: "N2-RUN-001".to_owned(),
                path: "journal.ndjson".to_owned(),
                message: format!("line {}: {error}", position + 1),
            }),
        }
    }
    let verification = Verification {
        ok: problems.is_empty(),
        digest,
        digest_promised,
        records: storage.intact_records,
        collected: storage.collected,
        problems,
    };
    match format {
        Format::Json => print::json(&verification)?,
        Format::Text => print::data(&text(&verification)),
    }
    Ok(if verification.ok {
        Exit::Done
    } else {
        Exit::Findings
    })
}

fn text(verification: &Verification) -> String {
    let mut text = String::new();
    for problem in &verification.problems {
        text.push_str(&format!(
            "{} {}: {}\n",
            problem.code, problem.path, problem.message
        ));
    }
    let digest = match verification.digest {
        Some(digest) if verification.digest_promised == Some(false) => format!(
            "digest {digest}; a budget that depends on the machine cut the run short: another run may end otherwise"
        ),
        Some(digest) => format!("digest {digest}"),
        None => "no digest: the run has not ended".to_owned(),
    };
    let verdict = if verification.ok {
        "every record, decision and file is as it was written"
    } else {
        "the record as a whole is not sound"
    };
    let records = count_text(verification.records as usize, "intact record");
    if verification.collected > 0 {
        let files = count_text(verification.collected, "artifact");
        text += &format!("{files} collected by `noodle2 gc`, and recorded with the hash of each\n");
    }
    text + &format!("{records}; {verdict}\n{digest}\n")
}
