//! The checks of `eco.yaml` that its types cannot express.

use noodle2_model::EcoManifest;

/// What is wrong with a manifest that could be read.
pub(crate) fn check(manifest: &EcoManifest) -> Vec<String> {
    let mut problems = Vec::new();
    if !is_identifier(&manifest.name) {
        problems.push(format!(
            "its name `{}` is not made of letters, digits and underscores, a letter first",
            manifest.name
        ));
    }
    if manifest.version == 0 {
        problems.push("versions count from 1".to_owned());
    }
    if manifest.engines.is_empty() {
        problems.push("no engine can run it: `engines` is empty".to_owned());
    }
    for (name, spec) in &manifest.parameters {
        if !is_identifier(name) {
            problems.push(format!(
                "parameter `{name}` is not made of letters, digits and underscores, a letter first"
            ));
        }
        if RESERVED.contains(&name.as_str()) {
            problems.push(format!(
                "parameter `{name}` has a name that commands use for their own values"
            ));
        }
        if spec.kind.admit(&spec.kind.default_value()).is_none() {
            problems.push(format!(
                "parameter `{name}`: its default {} is not a legal value: {}",
                spec.kind.default_value(),
                spec.kind.describe()
            ));
        }
    }
    for (symptom, parameters) in &manifest.remedies {
        for (name, value) in parameters {
            let spec = manifest.parameters.get(name);
            if spec.and_then(|spec| spec.kind.admit(value)).is_none() {
                problems.push(format!(
                    "as a remedy for `{symptom}`, it has no parameter `{name}` that may be {value}"
                ));
            }
        }
    }
    problems
}

/// What stands in braces in a command and is no parameter.
pub(crate) const RESERVED: [&str; 6] = ["netlist", "output", "top", "prefix", "liberty", "folder"];

fn is_identifier(name: &str) -> bool {
    let mut characters = name.chars();
    characters
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic())
        && characters.all(|character| character.is_ascii_alphanumeric() || character == '_')
}
