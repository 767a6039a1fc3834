//! The JSON Schema of study files: committed, up to date, and of one mind with the reader.

mod support;

use std::path::Path;
use std::{env, fs};

use noodle2_study::{json_schema, read_structure};
use serde_json::Value;
use support::{sample_path, samples};

/// Samples whose mistakes lie beyond the shape, or that are no YAML.
const NOT_STRUCTURAL: &[&str] = &[
    "not_placed",
    "placed",
    "colon_in_text",
    "corners",
    "duplicate_keys",
    "ecos",
    "files",
    "indentation",
    "platform",
    "relations",
    "tabs",
    "two_documents",
    "unclosed_bracket",
    "unclosed_quote",
    "unknown_anchor",
];

fn instance(source: &[u8]) -> Option<Value> {
    serde_saphyr::from_slice(source).ok()
}

#[test]
fn the_committed_schema_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schema/study.schema.json");
    let generated = format!(
        "{}\n",
        serde_json::to_string_pretty(&json_schema()).unwrap()
    );
    if env::var_os("UPDATE_SCHEMA").is_some() {
        fs::write(&path, &generated).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == generated,
        "docs/schema/study.schema.json is out of date; run this test with UPDATE_SCHEMA=1"
    );
}

#[test]
fn valid_samples_fit_the_schema() {
    let validator = jsonschema::draft202012::new(&json_schema()).unwrap();
    for (name, source) in samples("valid").into_iter().chain(samples("illegal")) {
        let errors: Vec<String> = validator
            .iter_errors(&instance(&source).unwrap())
            .map(|error| format!("{}: {error}", error.instance_path))
            .collect();
        assert!(errors.is_empty(), "{name}: {}", errors.join("\n"));
    }
}

#[test]
fn structurally_invalid_samples_do_not_fit_the_schema() {
    let validator = jsonschema::draft202012::new(&json_schema()).unwrap();
    for (name, source) in samples("invalid") {
        if NOT_STRUCTURAL.contains(&name.as_str()) {
            continue;
        }
        let Some(instance) = instance(&source) else {
            continue;
        };
        assert!(!validator.is_valid(&instance), "{name} fits the schema");
    }
}

#[test]
fn what_does_not_fit_the_schema_is_not_read() {
    let validator = jsonschema::draft202012::new(&json_schema()).unwrap();
    let (_, source) = samples("valid")
        .into_iter()
        .find(|(name, _)| name == "branching")
        .unwrap();
    let text = String::from_utf8(source).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let mut refused = 0;
    for left_out in 0..lines.len() {
        let mut kept = lines.clone();
        kept.remove(left_out);
        let text = kept.join("\n");
        let fits = instance(text.as_bytes()).is_some_and(|instance| validator.is_valid(&instance));
        let read = read_structure(text.as_bytes(), &sample_path("branching"))
            .study
            .is_some();
        assert!(
            fits || !read,
            "without its line {}, the study is read but does not fit",
            left_out + 1
        );
        refused += usize::from(!fits);
    }
    assert!(refused > 10);
}
