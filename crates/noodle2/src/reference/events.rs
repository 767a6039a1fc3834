//! The page of the events of a journal, read from the very declaration of the type, comments and all.

use std::fmt::Write as _;

use super::{head, page, row};

/// The room that declares the events.
const DECLARATION: &str = include_str!("../../../model/src/event.rs");

/// Where the declaration of the type begins.
const BEGIN: &str = "pub enum Event {";

pub(super) fn events() -> String {
    let mut body = String::new();
    for event in read(DECLARATION) {
        let _ = writeln!(body, "## {}\n\n{}\n", event.name, event.meaning);
        if event.fields.is_empty() {
            continue;
        }
        body += &head(&["field", "type", "may be left out", "meaning"]);
        for field in &event.fields {
            let optional = if field.optional { "yes" } else { "" };
            let kind = format!("`{}`", field.kind);
            body += &row(&[
                &format!("`{}`", field.name),
                &kind,
                optional,
                &field.meaning,
            ]);
        }
        body.push('\n');
    }
    let about = "Each line of `journal.ndjson` is a record: its number, its time, the hash of the one before, and an event, whose \
                 `type` is the title here. A *decision* is what the rules gave, an *observation* what happened. Types are \
                 those of the room `model`, whose documentation tells what is in them.";
    page("Events of the journal", about, &body)
}

#[derive(Debug, Default, PartialEq)]
struct Event {
    name: String,
    meaning: String,
    fields: Vec<Field>,
}

#[derive(Debug, Default, PartialEq)]
struct Field {
    name: String,
    kind: String,
    optional: bool,
    meaning: String,
}

/// The variants of the type, in the layout that rustfmt gives them.
fn read(source: &str) -> Vec<Event> {
    let mut events: Vec<Event> = Vec::new();
    let mut words: Vec<&str> = Vec::new();
    let mut optional = false;
    let lines = source.lines().skip_while(|line| *line != BEGIN).skip(1);
    for line in lines.take_while(|line| *line != "}") {
        let depth = line.len() - line.trim_start().len();
        let text = line.trim();
        if let Some(comment) = text.strip_prefix("///") {
            words.push(comment.trim());
        } else if text.starts_with('#') {
            optional |= text.contains("default");
        } else if depth == 4 && text != "}," {
            events.push(Event {
                name: snake(text.trim_end_matches([' ', '{', ','])),
                meaning: std::mem::take(&mut words).join(" "),
                fields: Vec::new(),
            });
        } else if let (Some((name, kind)), Some(event)) = (text.split_once(": "), events.last_mut())
        {
            event.fields.push(Field {
                name: name.to_owned(),
                kind: unboxed(kind.trim_end_matches(',')).to_owned(),
                optional: std::mem::take(&mut optional) || kind.starts_with("Option<"),
                meaning: std::mem::take(&mut words).join(" "),
            });
        }
    }
    events
}

/// A type without what only tells how it is held in memory.
fn unboxed(kind: &str) -> &str {
    let inner = kind
        .strip_prefix("Box<")
        .or_else(|| kind.strip_prefix("Arc<"));
    inner
        .and_then(|inner| inner.strip_suffix('>'))
        .unwrap_or(kind)
}

/// A name as the journal writes it.
fn snake(name: &str) -> String {
    let mut text = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !text.is_empty() {
            text.push('_');
        }
        text.extend(letter.to_lowercase());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_are_written_and_all_is_told_of_each() {
        let events = read(DECLARATION);
        let written = [
            noodle2_model::Event::RunResumed,
            noodle2_model::Event::StageSatisfied {
                stage: noodle2_model::StageIndex::from(0),
                at: noodle2_model::TrialId {
                    stage: 0.into(),
                    derived: 1,
                },
                cause: String::new(),
            },
        ];
        for event in written {
            let value = serde_json::to_value(event).unwrap();
            let found = events
                .iter()
                .find(|event| value["type"] == event.name.as_str());
            let fields = found.unwrap().fields.iter();
            assert!(fields.clone().all(|field| value.get(&field.name).is_some()));
            assert_eq!(fields.len() + 1, value.as_object().unwrap().len());
        }
        for event in &events {
            assert!(!event.meaning.is_empty(), "{event:?}");
            let told = |field: &Field| !field.meaning.is_empty() && !field.kind.is_empty();
            assert!(event.fields.iter().all(told), "{event:?}");
        }
    }
}
