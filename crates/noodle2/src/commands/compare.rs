//! `noodle2 compare`: two cases, stages, branches or runs side by side.

use std::path::{Path, PathBuf};

use noodle2_model::Metric;
use noodle2_view::{Comparand, Comparison, History, Subject};

use crate::cli::{CompareOption, Format};
use crate::commands::inspect::look_at;
use crate::exit::{CommandFailure, Exit};
use crate::print;

/// A run, and what of it; all of it where nothing is named.
#[derive(Debug, PartialEq, Eq)]
struct Asked {
    run: PathBuf,
    item: Option<String>,
}

impl Asked {
    /// `RUN` or `RUN:ITEM`. A folder that has a colon in its name is a folder.
    fn parse(text: &str) -> Self {
        let whole = || Self {
            run: PathBuf::from(text),
            item: None,
        };
        if Path::new(text).exists() {
            return whole();
        }
        let colons = text.match_indices(':');
        let mut splits = colons.map(|(at, _)| (&text[..at], &text[at + 1..]));
        let split = splits.find(|(run, item)| !item.is_empty() && Path::new(run).exists());
        split.map_or_else(whole, |(run, item)| Self {
            run: PathBuf::from(run),
            item: Some(item.to_owned()),
        })
    }
}

/// `noodle2 compare`.
pub(crate) fn compare(option: &CompareOption) -> Result<Exit, CommandFailure> {
    let (left, right) = match &option.sides[..] {
        [left, right] => (Asked::parse(left), Asked::parse(right)),
        [run, left, right] => {
            let of = |item: &String| Asked {
                run: PathBuf::from(run),
                item: Some(item.clone()),
            };
            (of(left), of(right))
        }
        _ => {
            return Err(CommandFailure::internal(
                "two or three arguments are asked for",
            ));
        }
    };
    let (_, first) = look_at(&left.run)?;
    // One that is compared with itself is read once: then names say what is the same.
    let other = match left.run == right.run {
        true => None,
        false => Some(look_at(&right.run)?.1),
    };
    let second = other.as_ref().unwrap_or(&first);
    let comparison = Comparison::new(&comparand(&left, &first)?, &comparand(&right, second)?);
    match (option.format.format, option.lineage) {
        (Format::Json, true) => print::json(&comparison.lineage)?,
        (Format::Json, false) => print::json(&comparison)?,
        (Format::Text, lineage_alone) => {
            let ranked = ranked(&first, second);
            print::data(&match lineage_alone {
                true => comparison.lineage_alone(&ranked),
                false => comparison.text(&ranked),
            });
        }
    }
    if !comparison.fair {
        print::talk("the two were measured differently: their numbers do not compare");
    }
    Ok(Exit::Done)
}

/// Two sides by the folders and histories of their runs, and by what of them is meant: all of it where that is empty.
pub(crate) fn compared(
    (run, history, item): (&Path, &History, &str),
    (other_run, other, other_item): (&Path, &History, &str),
) -> Result<Comparison, CommandFailure> {
    let asked = |run: &Path, item: &str| Asked {
        run: run.to_owned(),
        item: (!item.is_empty()).then(|| item.to_owned()),
    };
    let left = comparand(&asked(run, item), history)?;
    let right = comparand(&asked(other_run, other_item), other)?;
    Ok(Comparison::new(&left, &right))
}

/// The metrics that either study ranks by, the first run's first.
pub(crate) fn ranked(left: &History, right: &History) -> Vec<Metric> {
    let mut ranked: Vec<Metric> = Vec::new();
    for history in [left, right] {
        for metric in &history.controller().program().study().objective.rank {
            if !ranked.contains(metric) {
                ranked.push(*metric);
            }
        }
    }
    ranked
}

fn comparand<'a>(asked: &Asked, history: &'a History) -> Result<Comparand<'a>, CommandFailure> {
    let run = asked.run.display().to_string();
    let (called, subject) = match &asked.item {
        None => (run, Some(Subject::Run)),
        Some(item) => {
            let subject = Subject::named(history.controller(), item);
            (format!("{run}:{item}"), subject)
        }
    };
    let subject = subject.ok_or_else(|| {
        CommandFailure::new(
            Exit::Usage,
            "N2-COMPARE-001",
            format!("`{called}` is no measured case, stage or branch of its run"),
            "name a case, `best`, `base`, a stage, or `branch:STAGE`; `noodle2 lineage --all` lists every case, \
             `noodle2 report` the stages"
                .to_owned(),
        )
    })?;
    Ok(Comparand {
        called,
        history,
        subject,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_side_is_a_run_or_something_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let run = folder.path().join("a:b");
        std::fs::create_dir(&run).unwrap();
        let text = run.to_str().unwrap();
        let asked = |item: Option<&str>| Asked {
            run: run.clone(),
            item: item.map(str::to_owned),
        };
        assert_eq!(Asked::parse(text), asked(None));
        assert_eq!(Asked::parse(&format!("{text}:best")), asked(Some("best")));
        let branch = Asked::parse(&format!("{text}:branch:timing"));
        assert_eq!(branch, asked(Some("branch:timing")));
        assert_eq!(Asked::parse("nowhere:best").item, None);
    }
}
