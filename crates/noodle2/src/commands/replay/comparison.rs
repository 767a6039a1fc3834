//! Where an attempt that is made again parts from what was recorded of it.
//!
//! Looked at in the order in which one thing leads to the next: what was run, what it said, how it ended, which edits it
//! made, what was measured, what was written. The first that differs is where to look.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use noodle2_model::{DesignState, Failure, Measurement, Outcome};
use serde::Serialize;

use crate::record::differences;
use crate::run::NETLIST;

/// As many differences of one aspect are told one by one.
const MOST_TOLD: usize = 20;

/// What is compared, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Aspect {
    /// What the engine was told to do.
    Script,
    /// What it said meanwhile.
    Log,
    /// Whether it was measured, changed nothing, or failed, and how.
    Outcome,
    /// What was changed in the design.
    Edits,
    /// What was measured, and remarked.
    Metrics,
    /// What was written.
    Netlist,
}

impl fmt::Display for Aspect {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Script => "script",
            Self::Log => "log",
            Self::Outcome => "outcome",
            Self::Edits => "edits",
            Self::Metrics => "metrics",
            Self::Netlist => "netlist",
        })
    }
}

/// How an aspect of two attempts compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verdict {
    /// To the byte.
    Same,
    /// But for the folders that lines name: the run was moved or copied since, or was made on another machine.
    SameButForFolders,
    /// The same messages: a fork says less of what the engine that it was forked from had read before.
    SameMessages,
    /// The run holds nothing of it to compare with.
    NotRecorded,
    /// It differs.
    Differs,
}

impl fmt::Display for Verdict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Same => "same",
            Self::SameButForFolders => "same but for folders",
            Self::SameMessages => "same messages",
            Self::NotRecorded => "not recorded",
            Self::Differs => "DIFFERS",
        })
    }
}

/// How one aspect compares.
#[derive(Debug, Serialize)]
pub(crate) struct Compared {
    pub aspect: Aspect,
    pub verdict: Verdict,
    /// The first differences, each with its place.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub differences: Vec<String>,
    /// How many there are in all.
    pub count: usize,
}

/// One side of a comparison.
pub(crate) struct Side<'a> {
    /// The folder of the attempt.
    pub folder: &'a Path,
    pub outcome: &'a Outcome,
    /// Folders by which this side calls what the other calls otherwise, with what both are to be called.
    pub folders: Vec<(String, &'static str)>,
    /// Whether it ran where folders are laid out otherwise.
    pub elsewhere: bool,
    /// Whether it was forked from an engine that was loaded.
    pub forked: bool,
}

/// How what was made again compares with what was recorded, aspect by aspect. `has_commands` says whether anything was
/// run for the record.
pub(crate) fn compare(was: &Side<'_>, is: &Side<'_>, has_commands: bool) -> Vec<Compared> {
    let texts = |aspect, ending: &str| match has_commands {
        true => compare_texts(aspect, ending, was, is),
        false => Compared::new(aspect, Verdict::NotRecorded, Vec::new()),
    };
    let (script, log) = (texts(Aspect::Script, "tcl"), texts(Aspect::Log, "log"));
    let mut compared = vec![script, log, compare_outcomes(was, is)];
    if let (Outcome::Measured(before), Outcome::Measured(after)) = (was.outcome, is.outcome) {
        compared.extend(compare_measurements(before, after));
        compared.push(compare_designs(was, is, &before.design, &after.design));
    }
    compared
}

impl Compared {
    fn new(aspect: Aspect, verdict: Verdict, mut differences: Vec<String>) -> Self {
        let count = differences.len();
        differences.truncate(MOST_TOLD);
        Self {
            aspect,
            verdict,
            differences,
            count,
        }
    }

    fn of(aspect: Aspect, differences: Vec<String>) -> Self {
        let verdict = match differences.is_empty() {
            true => Verdict::Same,
            false => Verdict::Differs,
        };
        Self::new(aspect, verdict, differences)
    }
}

/// Compares the files of an ending that either side holds.
fn compare_texts(aspect: Aspect, ending: &str, was: &Side<'_>, is: &Side<'_>) -> Compared {
    let (before, after) = (files(was.folder, ending), files(is.folder, ending));
    let mut verdict = Verdict::Same;
    let mut differences = Vec::new();
    for name in before.union(&after) {
        let path = name.display();
        match (before.contains(name), after.contains(name)) {
            (true, false) => differences.push(format!("`{path}` is missing, and was there")),
            (false, true) => differences.push(format!("`{path}` is there, and was missing")),
            _ => {
                let read = |side: &Side<'_>| fs::read(side.folder.join(name)).unwrap_or_default();
                let (one, other) = (read(was), read(is));
                if one == other {
                    continue;
                }
                verdict = Verdict::SameButForFolders;
                let basenames = was.elsewhere;
                let one = was.without_folders(&one, basenames);
                let other = is.without_folders(&other, basenames);
                if aspect == Aspect::Log && was.forked && messages(&one) == messages(&other) {
                    verdict = Verdict::SameMessages;
                    continue;
                }
                differences.extend(differing_lines(&path.to_string(), &one, &other));
            }
        }
    }
    match differences.is_empty() {
        true => Compared::new(aspect, verdict, differences),
        false => Compared::new(aspect, Verdict::Differs, differences),
    }
}

impl Side<'_> {
    /// A text in which folders are called as they are on the other side.
    fn without_folders(&self, bytes: &[u8], basenames: bool) -> String {
        let mut text = String::from_utf8_lossy(bytes).into_owned();
        for (folder, called) in &self.folders {
            text = text.replace(folder.as_str(), called);
        }
        match basenames {
            true => last_names(&text),
            false => text,
        }
    }
}

/// A text in which every absolute path is its last name alone.
fn last_names(text: &str) -> String {
    let is_part =
        |character: char| !character.is_whitespace() && !"[]{}\"'`;,()".contains(character);
    let mut named = String::new();
    for piece in text.split_inclusive(|character| !is_part(character)) {
        let word = piece.trim_end_matches(|character| !is_part(character));
        let rest = &piece[word.len()..];
        let name = word.rsplit('/').next().filter(|_| word.starts_with('/'));
        named.push_str(name.unwrap_or(word));
        named.push_str(rest);
    }
    named
}

/// The lines in which two texts differ, line by line.
fn differing_lines(name: &str, was: &str, is: &str) -> Vec<String> {
    let (before, after): (Vec<&str>, Vec<&str>) = (was.lines().collect(), is.lines().collect());
    let told = |line: Option<&&str>| line.map_or("nothing".to_owned(), |line| format!("`{line}`"));
    (0..before.len().max(after.len()))
        .map(|number| (number, before.get(number), after.get(number)))
        .filter(|(_, one, other)| one != other)
        .map(|(number, one, other)| {
            format!(
                "{name}:{}: is {}, was {}",
                number + 1,
                told(other),
                told(one)
            )
        })
        .collect()
}

/// The lines of a log, each once, without the marks by which scripts of trials say how far they are.
fn messages(log: &str) -> Vec<&str> {
    let mut seen = BTreeSet::new();
    let is_mark = |line: &&str| {
        let told = line.strip_prefix("noodle2: ");
        told.is_some_and(|told| !told.contains(": "))
    };
    let lines = log.lines().filter(|line| !is_mark(line));
    lines.filter(|line| seen.insert(*line)).collect()
}

/// The files of an ending below a folder, but for what audits of forks left; never through a link.
fn files(folder: &Path, ending: &str) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(within) = folders.pop() {
        let entries = fs::read_dir(folder.join(&within)).into_iter().flatten();
        for entry in entries.flatten() {
            let name = within.join(entry.file_name());
            match entry.file_type() {
                Ok(kind) if kind.is_dir() && name != Path::new("audit") => folders.push(name),
                Ok(kind) if kind.is_file() && name.extension().is_some_and(|own| own == ending) => {
                    found.insert(name);
                }
                _ => {}
            }
        }
    }
    found
}

fn compare_outcomes(was: &Side<'_>, is: &Side<'_>) -> Compared {
    let told = |outcome: &Outcome| match outcome {
        Outcome::Measured(_) => "measured".to_owned(),
        Outcome::NoEffect => "without effect".to_owned(),
        Outcome::Failed(failure) => failure_text(failure),
    };
    let call = |side: &Side<'_>| side.without_folders(told(side.outcome).as_bytes(), was.elsewhere);
    let differences = match call(was) == call(is) {
        true => Vec::new(),
        false => vec![format!(
            "it is {}, was {}",
            told(is.outcome),
            told(was.outcome)
        )],
    };
    Compared::of(Aspect::Outcome, differences)
}

fn failure_text(failure: &Failure) -> String {
    let code = failure.tool_code.as_ref();
    let code = code.map_or(String::new(), |code| format!(" {code}"));
    format!("failed ({}{code}: {})", failure.class, failure.message)
}

fn compare_measurements(was: &Measurement, is: &Measurement) -> [Compared; 2] {
    let value = |measurement: &Measurement| {
        let mut value = serde_json::json!(measurement);
        if let Some(fields) = value.as_object_mut() {
            fields.remove("design");
        }
        value
    };
    let (edits, metrics) = differences(&value(was), &value(is))
        .into_iter()
        .partition(|text| {
            let of = ["edits", "conflicts", "blast_radius", "steps"];
            of.iter().any(|name| text[1..].starts_with(name))
        });
    [
        Compared::of(Aspect::Edits, edits),
        Compared::of(Aspect::Metrics, metrics),
    ]
}

fn compare_designs(
    was: &Side<'_>,
    is: &Side<'_>,
    before: &DesignState,
    after: &DesignState,
) -> Compared {
    let mut differences = Vec::new();
    let recorded: Vec<_> = before.files().collect();
    for (name, content) in after.files() {
        let former = recorded.iter().find(|(known, _)| *known == name);
        if former.is_some_and(|(_, former)| *former == content) {
            continue;
        }
        if name == NETLIST && before.canonical == after.canonical {
            differences.push(format!(
                "`{name}` holds the same statements in another order"
            ));
        }
        let read = |side: &Side<'_>| {
            let text = fs::read(side.folder.join(name)).ok();
            text.and_then(|bytes| String::from_utf8(bytes).ok())
        };
        match read(was).zip(read(is)) {
            Some((one, other)) => differences.extend(differing_lines(name, &one, &other)),
            None => differences.push(format!("the content of `{name}` is another")),
        }
    }
    Compared::of(Aspect::Netlist, differences)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_named_with_its_line_and_folders_count_only_where_they_mean_something() {
        let scratch = tempfile::tempdir().unwrap();
        let outcome = Outcome::NoEffect;
        let place = |name: &str, script: &str| {
            let folder = scratch.path().join(name);
            fs::create_dir(&folder).unwrap();
            fs::write(folder.join("script.tcl"), script).unwrap();
            folder
        };
        let compared = |one: &str, other: &str, elsewhere: bool, names: [&str; 2]| {
            let (one, other) = (place(names[0], one), place(names[1], other));
            let side = |folder, root: &str| Side {
                folder,
                outcome: &outcome,
                folders: vec![(root.to_owned(), "RUN")],
                elsewhere,
                forked: false,
            };
            let found = compare(&side(&one, "/old"), &side(&other, "/new"), true);
            (found[0].verdict, found[0].differences.clone())
        };
        let (verdict, told) = compared("a\nb /old/x.v\n", "a\nb /new/x.v\n", false, ["a", "b"]);
        assert_eq!((verdict, told.len()), (Verdict::SameButForFolders, 0));
        let (verdict, told) = compared("a\nb /old/x.v\n", "a\nb /new/y.v\n", false, ["c", "d"]);
        assert_eq!(verdict, Verdict::Differs);
        assert_eq!(told, ["script.tcl:2: is `b RUN/y.v`, was `b RUN/x.v`"]);
        let (verdict, _) = compared("[list /node/1/x.v]", "[list /here/x.v]", true, ["e", "f"]);
        assert_eq!(verdict, Verdict::SameButForFolders);
        let (verdict, told) = compared("a\n", "a\nb\n", false, ["g", "h"]);
        assert_eq!(verdict, Verdict::Differs);
        assert_eq!(told, ["script.tcl:2: is `b`, was nothing"]);
    }
}
