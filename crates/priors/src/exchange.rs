//! Evidence as it is carried from one store to another: JSON.

use noodle2_evidence::RecordedRun;
use serde::{Deserialize, Serialize};

/// The name and version of the format.
pub const EXCHANGE_FORMAT: &str = "noodle2-priors-1";

/// The longest name of a project, study, platform or ECO that is taken in.
const MAX_NAME: usize = 256;

/// Runs with their observations, as `noodle2 priors export` writes them.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exchange {
    format: String,
    /// The runs, by id.
    pub runs: Vec<RecordedRun>,
}

/// Why a text is no export of evidence.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    /// It is not JSON of that shape.
    #[error("it is no export of priors: {0}")]
    Shape(#[from] serde_json::Error),
    /// It says that it is of another format.
    #[error("its format is `{}`, and `{EXCHANGE_FORMAT}` is read here", .0.escape_debug())]
    Format(String),
    /// A name that could not have been recorded.
    #[error("run {run} names {what} that is empty, too long, or holds control characters")]
    Name {
        /// The run.
        run: String,
        /// What is named.
        what: &'static str,
    },
    /// An observation that could not have been made.
    #[error("run {run} holds a gain that is no number")]
    Number {
        /// The run.
        run: String,
    },
}

impl Exchange {
    /// The exchange of these runs.
    pub fn new(mut runs: Vec<RecordedRun>) -> Self {
        runs.sort_by_key(|run| run.id);
        Self {
            format: EXCHANGE_FORMAT.to_owned(),
            runs,
        }
    }

    /// Reads what `export` wrote.
    ///
    /// # Errors
    /// When it is of another shape or format, or holds what no run could have recorded.
    pub fn read(text: &[u8]) -> Result<Self, ExchangeError> {
        let exchange: Self = serde_json::from_slice(text)?;
        if exchange.format != EXCHANGE_FORMAT {
            return Err(ExchangeError::Format(exchange.format));
        }
        for run in &exchange.runs {
            check(run)?;
        }
        Ok(exchange)
    }

    /// The text that [`Exchange::read`] reads.
    ///
    /// # Panics
    /// Never: names, numbers and hashes are always JSON.
    pub fn text(&self) -> String {
        let text = serde_json::to_string_pretty(self);
        text.expect("names, numbers and hashes are always JSON") + "\n"
    }
}

fn check(run: &RecordedRun) -> Result<(), ExchangeError> {
    let id = || run.id.short();
    let named = [
        ("a project", &run.project),
        ("a study", &run.study),
        ("a platform", &run.platform),
        ("a version", &run.noodle2_version),
    ];
    let ecos = run.observations.iter().map(|seen| ("an ECO", &seen.eco));
    for (what, name) in named.into_iter().chain(ecos) {
        if name.is_empty() || name.len() > MAX_NAME || name.chars().any(char::is_control) {
            return Err(ExchangeError::Name { run: id(), what });
        }
    }
    let finite = run.observations.iter().all(|seen| match &seen.result {
        noodle2_model::TrialResult::Effect(gains) => gains.values().all(|gain| gain.is_finite()),
        _ => true,
    });
    match finite {
        true => Ok(()),
        false => Err(ExchangeError::Number { run: id() }),
    }
}
