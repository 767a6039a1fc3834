//! Taking a run up again, up to the first decision.

use std::path::Path;
use std::time::Instant;

use noodle2_store::{RunFolder, read_journal};
use noodle2_view::History;
use serde_json::{Value, json};

use crate::MeasureError;
use crate::trials::{cpu_s, peak_memory_mib};

/// Reads, checks and folds the journal of a run.
pub(crate) fn measure(run: &Path) -> Result<Value, MeasureError> {
    let began = Instant::now();
    let folder = RunFolder::open(run)?;
    let content = read_journal(&folder.journal())?;
    let records = content.records.len();
    let read_s = began.elapsed().as_secs_f64();
    let events: Vec<_> = (content.records.into_iter())
        .map(|record| (record.at, record.event))
        .collect();
    let history = History::new(&events)
        .map_err(|(position, error)| MeasureError::Replay(position + 1, error))?;
    let folded_s = began.elapsed().as_secs_f64();
    let decisions = history.controller().decide(1).len();
    Ok(json!({
        "records": records,
        "trials": history.controller().trials().count(),
        "decisions": decisions,
        "read_s": read_s,
        "folded_s": folded_s,
        "wall_s": began.elapsed().as_secs_f64(),
        "cpu_s": cpu_s(),
        "peak_memory_mib": peak_memory_mib(),
    }))
}
