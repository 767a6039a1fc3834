//! Pages of what has a JSON Schema: study files.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::{head, page, row};

/// Study files that run as they stand, from which examples of values are taken.
const STUDIES: [&str; 4] = [
    include_str!("../../../../examples/branching/study.yaml"),
    include_str!("../../../../examples/templates/branching.yaml"),
    include_str!("../../../../examples/templates/uneven.yaml"),
    include_str!("../../../../examples/nangate45/openroad.yaml"),
];

/// The longest value that is shown as an example.
const LONGEST_EXAMPLE: usize = 60;

pub(super) fn study_page() -> String {
    let schema = noodle2_study::json_schema();
    let mut examples = Examples::default();
    for text in STUDIES {
        if let Ok(study) = serde_saphyr::from_str::<Value>(text) {
            examples.gather(&schema, &schema, "", &study);
        }
    }
    let mut body = String::from("## The study\n\n");
    fields(&mut body, &schema, "", &examples);
    for (name, definition) in definitions(&schema) {
        let _ = writeln!(body, "## {name}\n\n{}\n", sentence(definition));
        if definition.get("properties").is_some() {
            fields(&mut body, definition, name, &examples);
        } else {
            choices(&mut body, definition);
        }
    }
    let about = "Every key of a study file, with its type, its default and what it means. Keys without a default that \
                 are not marked *required* may be left out. Editors check and complete study files by \
                 [the JSON Schema](../schema/study.schema.json); what holds between values is checked by `noodle2 check`. \
                 Examples are from the studies that come with Noodle 2 where they use the key.";
    page("Study files", about, &body)
}

/// The definitions that are worth a section.
fn definitions(schema: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let definitions = schema["$defs"].as_object().into_iter().flatten();
    definitions.map(|(name, definition)| (name.as_str(), definition))
}

fn fields(body: &mut String, definition: &Value, name: &str, examples: &Examples) {
    let required: Vec<&str> = (definition["required"].as_array().into_iter().flatten())
        .filter_map(Value::as_str)
        .collect();
    *body += &head(&["key", "type", "default", "meaning", "example"]);
    let none = Map::new();
    for (key, field) in definition["properties"].as_object().unwrap_or(&none) {
        let default = match (required.contains(&key.as_str()), field.get("default")) {
            (true, _) => "*required*".to_owned(),
            (false, None | Some(Value::Null)) => String::new(),
            (false, Some(Value::Object(_))) => "that of its keys".to_owned(),
            (false, Some(value)) => format!("`{value}`"),
        };
        let example = examples.0.get(&(name.to_owned(), key.clone()));
        let example = example
            .map(|value| format!("`{key}: {value}`"))
            .unwrap_or_default();
        *body += &row(&[
            &format!("`{key}`"),
            &type_of(field),
            &default,
            &sentence(field),
            &example,
        ]);
    }
    body.push('\n');
}

/// The words that a value may be.
fn choices(body: &mut String, definition: &Value) {
    let forms = ["oneOf", "anyOf"];
    let forms = forms
        .iter()
        .find_map(|form| definition.get(*form)?.as_array());
    let words = definition.get("enum").and_then(Value::as_array);
    if let Some(words) = words {
        let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
        let _ = writeln!(body, "One of {}.\n", words.join(", "));
    } else if let Some(forms) = forms {
        *body += &head(&["value", "meaning"]);
        for form in forms {
            *body += &row(&[&type_of(form), &sentence(form)]);
        }
        body.push('\n');
    } else {
        let _ = writeln!(body, "{}\n", type_of(definition));
    }
}

/// A description, without the links of Rust's documentation.
fn sentence(value: &Value) -> String {
    let text = value["description"].as_str().unwrap_or_default();
    let mut plain = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("](") {
        let end = rest[start..]
            .find(')')
            .map_or(rest.len(), |end| start + end + 1);
        plain += &rest[..start];
        rest = &rest[end..];
    }
    plain += rest;
    plain
        .replace("[`", "`")
        .replace("`]", "`")
        .replace('\n', " ")
}

/// The type of a value in words, with links to the sections of those that have one.
fn type_of(value: &Value) -> String {
    if let Some(reference) = value["$ref"].as_str() {
        let name = reference.rsplit('/').next().unwrap_or(reference);
        return format!("[{name}](#{})", name.to_lowercase());
    }
    if let Some(word) = value.get("const") {
        return format!("`{}`", plain(word));
    }
    if let Some(words) = value["enum"].as_array() {
        let words: Vec<String> = words
            .iter()
            .map(|word| format!("`{}`", plain(word)))
            .collect();
        return words.join(" or ");
    }
    for form in ["anyOf", "oneOf", "allOf"] {
        if let Some(forms) = value[form]
            .as_array()
            .filter(|_| value.get("type").is_none())
        {
            let forms = forms.iter().filter(|form| form["type"] != "null");
            let forms: Vec<String> = forms.map(type_of).collect();
            return forms.join(" or ");
        }
    }
    let types: Vec<&str> = match &value["type"] {
        Value::String(one) => vec![one],
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let types: Vec<String> = types
        .into_iter()
        .filter(|one| *one != "null")
        .map(|one| match one {
            "array" if value.get("items").is_some() => {
                format!("list of {}", type_of(&value["items"]))
            }
            "array" => "list".to_owned(),
            "object" => match &value["additionalProperties"] {
                Value::Object(_) => {
                    format!("mapping to {}", type_of(&value["additionalProperties"]))
                }
                _ => "mapping".to_owned(),
            },
            "integer" => "whole number".to_owned(),
            "boolean" => "`true` or `false`".to_owned(),
            "string" => "text".to_owned(),
            other => other.to_owned(),
        })
        .collect();
    types.join(" or ")
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Values that real studies give to keys, by definition and key.
#[derive(Default)]
struct Examples(BTreeMap<(String, String), String>);

impl Examples {
    /// Notes the values of a study beside the definitions that they follow.
    fn gather(&mut self, schema: &Value, definition: &Value, name: &str, value: &Value) {
        if let Some(reference) = definition["$ref"].as_str() {
            let name = reference.rsplit('/').next().unwrap_or(reference);
            return self.gather(schema, &schema["$defs"][name], name, value);
        }
        match value {
            Value::Array(items) => {
                for item in items {
                    self.gather(schema, &definition["items"], name, item);
                }
            }
            Value::Object(entries) if definition.get("properties").is_some() => {
                for (key, value) in entries {
                    let text = value.to_string().replace("\":", "\": ").replace('"', "");
                    let text = text.replace(",", ", ");
                    if text.len() <= LONGEST_EXAMPLE {
                        let place = (name.to_owned(), key.clone());
                        self.0.entry(place).or_insert(text);
                    }
                    self.gather(schema, &definition["properties"][key], name, value);
                }
            }
            Value::Object(_) => {
                for form in ["anyOf", "oneOf"] {
                    for form in definition[form].as_array().into_iter().flatten() {
                        self.gather(schema, form, name, value);
                    }
                }
            }
            _ => {}
        }
    }
}
