//! `noodle2 report`.

use std::fs;

use noodle2_page::{MapPicture, Reproduction};
use noodle2_store::{RunFolder, write_whole};
use noodle2_view::{ExportTable, History, Summary, report_markdown, report_text};

use crate::cli::{ReportFormat, ReportOption};
use crate::commands::export::csv_text;
use crate::commands::inspect::look_at;
use crate::exit::{CommandFailure, Exit};
use crate::left;
use crate::print;
use crate::shell;

/// Prints what a run came to, or writes it into a file.
pub(crate) fn report(option: &ReportOption) -> Result<Exit, CommandFailure> {
    let (folder, history) = look_at(&option.run)?;
    let summary = Summary::new(&history);
    let text = match option.format {
        ReportFormat::Text => report_text(&history, &summary),
        ReportFormat::Md => report_markdown(&history, &summary),
        ReportFormat::Html => noodle2_page::report(
            &history,
            &summary,
            &reproduction(&folder, &history),
            &best_maps(&folder, &history),
        ),
        ReportFormat::Csv => {
            let text = csv_text(ExportTable::Trials, &history).map_err(CommandFailure::internal)?;
            String::from_utf8(text).map_err(CommandFailure::internal)?
        }
        ReportFormat::Json => {
            serde_json::to_string_pretty(&summary).map_err(CommandFailure::internal)?
        }
    };
    match &option.out {
        Some(path) => write_whole(path, text)?,
        None => print::data(&text),
    }
    Ok(Exit::Done)
}

/// The heat maps of the best case against the base; nothing where they are the same, or left none.
pub(crate) fn best_maps(folder: &RunFolder, history: &History) -> Vec<MapPicture> {
    let controller = history.controller();
    let base = controller.base_case();
    let best = controller
        .best_case()
        .and_then(|name| controller.cases().get(name));
    let best = best.filter(|best| base.is_some_and(|base| base.name != best.name));
    best.map_or_else(Vec::new, |best| left::maps(folder, history, best, base))
}

/// How a run can be checked and repeated.
pub(crate) fn reproduction(folder: &RunFolder, history: &History) -> Reproduction {
    let run = history.called();
    let identity = history.controller().program().identity();
    // The very file that the run began with lies in its folder; where that was lost, `verify` says so.
    let study = fs::read_to_string(folder.study()).unwrap_or_default();
    let place = shell::word(&identity.study_folder.join("study.yaml"));
    Reproduction {
        study,
        commands: vec![
            format!("noodle2 verify {run}"),
            format!("noodle2 run {place} --out again"),
            format!("noodle2 compare {run} again"),
        ],
    }
}
