//! Taking a run up again, up to the first decision.

use std::path::Path;
use std::time::Instant;

use noodle2_store::{RunFolder, fold_journal};
use noodle2_view::Folding;
use serde_json::{Value, json};

use crate::MeasureError;
use crate::trials::{cpu_s, peak_memory_mib};

/// Reads, checks and folds the journal of a run.
pub(crate) fn measure(run: &Path) -> Result<Value, MeasureError> {
    let began = Instant::now();
    let folder = RunFolder::open(run)?;
    let mut folding = Folding::default();
    let end = fold_journal(&folder.journal(), |record| {
        folding.add(record.at, &record.event);
    })?;
    let history = folding
        .finish()
        .map_err(|(position, error)| MeasureError::Replay(position + 1, error))?;
    let decisions = history.controller().decide(1).len();
    Ok(json!({
        "records": end.records,
        "trials": history.controller().trials().count(),
        "decisions": decisions,
        "wall_s": began.elapsed().as_secs_f64(),
        "cpu_s": cpu_s(),
        "peak_memory_mib": peak_memory_mib(),
    }))
}
