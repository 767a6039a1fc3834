//! What holds between the values of a study, and what a study refers to.
//!
//! Reports through [`Report::at`], which stays silent about placeholders: a check here may look at any
//! field without asking whether it was there.

mod budget;
mod eco;
mod engine;
mod graph;
mod noise;
mod objective;
mod people;
mod priors;
mod proposer;
mod reference;
mod safety;
mod scene;
mod selection;
mod stage;

use std::collections::HashMap;

pub(crate) use eco::component_field;
pub(crate) use reference::joined_eco_path;

use noodle2_model::{EngineKind, Study};

use crate::References;
use crate::codes;
use crate::report::Report;
use crate::suggest::quoted;

const MAX_NAME: usize = 64;

/// Checks `study`. With `references`, also what it refers to; whole numbers given for real parameters
/// are then made real.
pub(crate) fn check(study: &mut Study, report: &mut Report, references: Option<&dyn References>) {
    file_name(report, "name", &study.name);
    design(study, report);
    engine::check(study, report);
    scene::check(study, report);
    objective::check(study, report);
    budget::check(study, report);
    stage::check(study, report);
    safety::check(study, report);
    noise::check(study, report);
    people::check(study, report);
    priors::check(study, report);
    selection::check(study, report);
    proposer::check(study, report);
    graph::check(study, report);
    if let Some(references) = references {
        reference::check(study, report, references);
    }
    eco::check(study, report, references);
}

fn design(study: &Study, report: &mut Report) {
    let design = &study.design;
    let field = "design.case_name";
    let mut characters = design.case_name.chars();
    let fits = characters
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic())
        && characters.all(|character| character.is_ascii_alphanumeric() || character == '_');
    if !fits || design.case_name.len() > MAX_NAME {
        let message = format!("{} cannot be a case name", quoted(&design.case_name));
        let help =
            format!("a letter, then letters, digits and underscores, at most {MAX_NAME} in all");
        report.at(codes::BAD_NAME, field, message, help);
    }
    if design.top.contains(char::is_whitespace) {
        let message = format!("{} cannot be the name of a module", quoted(&design.top));
        report.at(codes::BAD_NAME, "design.top", message, None);
    }
    // A database holds its netlist.
    if study.engine.kind == EngineKind::Opensta {
        not_empty(
            report,
            "design.netlists",
            design.netlists.len(),
            "one netlist",
        );
    }
    distinct(report, "design.netlists", &design.netlists);
    distinct(report, "design.black_boxes", &design.black_boxes);
    distinct(report, "eco_path", &study.eco_path);
}

/// Reports a number out of range; `must` says which is in range, as in "must be at least 1".
fn out_of_range(report: &mut Report, field: &str, must: &str) {
    let label = field.rfind('.').map_or(field, |at| &field[at + 1..]);
    report.at(
        codes::OUT_OF_RANGE,
        field,
        format!("`{label}` {must}"),
        None,
    );
}

/// Whether a name may become part of file names and commands.
fn is_file_name(name: &str) -> bool {
    let mut characters = name.chars();
    name.len() <= MAX_NAME
        && characters
            .next()
            .is_some_and(|first| first.is_ascii_alphanumeric())
        && characters.all(is_file_name_character)
}

fn is_file_name_character(character: char) -> bool {
    character.is_ascii_alphanumeric() || "._-".contains(character)
}

/// Checks a name that becomes part of file names and commands, and returns whether it may.
fn file_name(report: &mut Report, field: &str, name: &str) -> bool {
    if is_file_name(name) {
        return true;
    }
    let message = if name.is_empty() {
        "the name is empty".to_owned()
    } else {
        format!("{} cannot be a name", quoted(name))
    };
    let fitting: String = name
        .trim()
        .chars()
        .map(|character| {
            if is_file_name_character(character) {
                character
            } else {
                '_'
            }
        })
        .skip_while(|character| !character.is_ascii_alphanumeric())
        .take(MAX_NAME)
        .collect();
    let rule = format!(
        "letters, digits, `_`, `-` and `.`, a letter or digit first, at most {MAX_NAME} in all"
    );
    let help = if fitting.is_empty() {
        rule
    } else {
        format!("write `{fitting}`: {rule}")
    };
    report.at(codes::BAD_NAME, field, message, help);
    false
}

fn not_empty(report: &mut Report, field: &str, length: usize, what: &str) {
    if length == 0 {
        let label = field.rfind('.').map_or(field, |at| &field[at + 1..]);
        report.at(
            codes::EMPTY_LIST,
            field,
            format!("`{label}` needs at least {what}"),
            None,
        );
    }
}

/// Reports entries of a list that stand there before.
fn distinct<T: std::hash::Hash + Eq + ListedTwice>(report: &mut Report, field: &str, items: &[T]) {
    let mut seen: HashMap<&T, usize> = HashMap::new();
    for (index, item) in items.iter().enumerate() {
        let entry = format!("{field}[{index}]");
        if !report.is_sound(&entry) {
            continue;
        }
        if let Some(first) = seen.get(item) {
            let (line, _) = place(report, &format!("{field}[{first}]"));
            let message = format!("{} is listed twice", quoted(&item.shown()));
            report.at(
                codes::DUPLICATE,
                &entry,
                message,
                format!("it stands in line {line} already; remove one"),
            );
        } else {
            seen.insert(item, index);
        }
    }
}

/// Reports names that an earlier item of the list has.
fn distinct_names<'a>(
    report: &mut Report,
    list: &str,
    what: &str,
    names: impl Iterator<Item = &'a str>,
) {
    let mut seen: HashMap<&str, usize> = HashMap::new();
    for (index, name) in names.enumerate() {
        let field = format!("{list}[{index}].name");
        if !report.is_sound(&field) {
            continue;
        }
        if let Some(first) = seen.get(name) {
            let (line, _) = place(report, &format!("{list}[{first}].name"));
            let message = format!("two {what}s are named {}", quoted(name));
            report.at(
                codes::DUPLICATE,
                &field,
                message,
                format!("the first stands in line {line}; rename one"),
            );
        } else {
            seen.insert(name, index);
        }
    }
}

fn place(report: &Report, field: &str) -> (usize, usize) {
    let span = report.locations().nearest(field).span();
    report.source().place(span.start)
}

/// How an entry of a list is shown in a message.
trait ListedTwice {
    fn shown(&self) -> String;
}

impl ListedTwice for std::path::PathBuf {
    fn shown(&self) -> String {
        self.display().to_string()
    }
}

impl ListedTwice for String {
    fn shown(&self) -> String {
        self.clone()
    }
}

impl ListedTwice for noodle2_model::Occasion {
    fn shown(&self) -> String {
        self.name().to_owned()
    }
}

impl ListedTwice for noodle2_model::Metric {
    fn shown(&self) -> String {
        self.name().to_owned()
    }
}
