//! `noodle2 explain`: why, from the journal alone; and what a code means.

use std::path::Path;

use noodle2_view::Explanation;

use crate::cli::Format;
use crate::commands::inspect::look_at;
use crate::exit::{CommandFailure, Exit};
use crate::print;

/// `noodle2 explain RUN ITEM` or `noodle2 explain CODE`.
pub(crate) fn explain(subject: &[String], format: Format) -> Result<Exit, CommandFailure> {
    let explanation = match subject {
        [run, item] => of_run(Path::new(run), item)?,
        [code] => of_code(code)?,
        _ => {
            return Err(CommandFailure::internal(
                "one or two arguments are asked for",
            ));
        }
    };
    match format {
        Format::Json => print::json(&explanation)?,
        Format::Text => print::data(&explanation.text()),
    }
    Ok(Exit::Done)
}

fn of_run(run: &Path, item: &str) -> Result<Explanation, CommandFailure> {
    let (_, history) = look_at(run)?;
    let found = Explanation::of(&history, item).or_else(|| meaning_of(item));
    found.ok_or_else(|| {
        CommandFailure::new(
            Exit::Usage,
            "N2-RUN-002",
            format!(
                "run `{}` has no stage, case, trial, ECO or branch `{item}`",
                run.display()
            ),
            "`noodle2 report` lists the stages and ECOs, `noodle2 lineage --all` every case"
                .to_owned(),
        )
    })
}

fn of_code(code: &str) -> Result<Explanation, CommandFailure> {
    meaning_of(code).ok_or_else(|| {
        CommandFailure::new(
            Exit::Usage,
            "N2-RUN-011",
            format!("`{code}` is neither a code of a study's problem nor a kind of failure"),
            "to explain something of a run, name its folder first: noodle2 explain RUN ITEM"
                .to_owned(),
        )
    })
}

fn meaning_of(code: &str) -> Option<Explanation> {
    let of_study = noodle2_study::explain(code).map(|code| Explanation {
        subject: format!("{code}: {}", code.title),
        lines: vec![code.explanation.to_owned()],
    });
    of_study.or_else(|| Explanation::of_failure(code))
}
