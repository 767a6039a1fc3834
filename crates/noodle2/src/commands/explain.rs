//! `noodle2 explain`: why, from the journal alone; and what a word means that noodle2 says.

use std::fmt::Write as _;
use std::path::Path;

use noodle2_view::{Explanation, nearest_topic, topics};

use crate::cli::Format;
use crate::commands::inspect::look_at;
use crate::exit::{CommandFailure, Exit};
use crate::print;

/// `noodle2 explain RUN ITEM`, `noodle2 explain WORD`, or `noodle2 explain` for every word that is known.
pub(crate) fn explain(subject: &[String], format: Format) -> Result<Exit, CommandFailure> {
    let explanation = match subject {
        [] => return list(format),
        [word] => of_word(word)?,
        [run, item] => of_run(Path::new(run), item)?,
        _ => {
            return Err(CommandFailure::internal(
                "two arguments at most are asked for",
            ));
        }
    };
    match format {
        Format::Json => print::json(&explanation)?,
        Format::Text => print::data(&explanation.text()),
    }
    Ok(Exit::Done)
}

fn list(format: Format) -> Result<Exit, CommandFailure> {
    let topics = topics();
    if format == Format::Json {
        print::json(&topics)?;
        return Ok(Exit::Done);
    }
    let width = topics
        .iter()
        .map(|topic| topic.name.len())
        .max()
        .unwrap_or(0);
    let mut text = String::new();
    let mut group = "";
    for topic in &topics {
        if topic.group != group {
            group = &topic.group;
            let gap = if text.is_empty() { "" } else { "\n" };
            let _ = writeln!(text, "{gap}{group}");
        }
        let _ = writeln!(text, "  {:width$}  {}", topic.name, topic.title);
    }
    print::data(&text);
    Ok(Exit::Done)
}

fn of_run(run: &Path, item: &str) -> Result<Explanation, CommandFailure> {
    let (_, history) = look_at(run)?;
    let found = Explanation::of(&history, item).or_else(|| Explanation::of_topic(item));
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

fn of_word(word: &str) -> Result<Explanation, CommandFailure> {
    Explanation::of_topic(word).ok_or_else(|| {
        let help = match nearest_topic(word) {
            Some(nearest) => format!("did you mean `{nearest}`?"),
            None => "`noodle2 explain` lists what is known; to explain something of a run, name its folder first: \
                     noodle2 explain RUN ITEM"
                .to_owned(),
        };
        CommandFailure::new(
            Exit::Usage,
            "N2-RUN-011",
            format!("`{word}` is no code, kind of failure, metric, safety domain or class of ECOs"),
            help,
        )
    })
}
