//! How numbers were measured, and with which settings: what may not be compared, and what differs beside it.

use std::collections::BTreeMap;

use noodle2_control::Controller;
use noodle2_model::ContentHash;
use serde::Serialize;
use serde_json::Value;

/// The fact that tells of the list of scenes. A scene that both have can be compared all the same.
const SCENES: &str = "scenes";

/// Something that differs in how two cases were measured, so that their numbers may not be compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ContextDifference {
    /// The scene that it touches; absent where it touches every number.
    pub scene: Option<String>,
    /// What differs.
    pub what: String,
    /// How it is on the first side; absent where it has none.
    pub left: Option<String>,
    /// How it is on the second side; absent where it has none.
    pub right: Option<String>,
}

/// A setting that differs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SettingDifference {
    /// Which, as a path: `study.seed`, `inputs.netlist`, `tools.opensta`.
    pub setting: String,
    /// Its value on the first side; absent where it has none.
    pub left: Option<Value>,
    /// Its value on the second side; absent where it has none.
    pub right: Option<Value>,
}

/// All that the meaning of a number depends on, by scene (none for what touches all) and name.
pub(super) struct Context(BTreeMap<(Option<String>, String), String>);

impl Context {
    pub fn of(controller: &Controller) -> Self {
        let identity = controller.program().identity();
        let study = &identity.study;
        let mut facts = BTreeMap::new();
        let mut add = |scene: Option<&str>, what: &str, value: String| {
            facts.insert((scene.map(str::to_owned), what.to_owned()), value);
        };
        add(None, "engine", study.engine.kind.to_string());
        add(None, "top module", study.design.top.clone());
        let engines = identity.tools.iter().filter(|tool| tool.engine.is_some());
        for tool in engines {
            let told = format!("{} ({})", tool.version, tool.content.short());
            add(None, &format!("executable of {}", tool.name), told);
        }
        let mut names: Vec<&str> = study.scenes.iter().map(|s| s.name.as_str()).collect();
        names.sort_unstable();
        add(None, SCENES, names.join(", "));
        for scene in &study.scenes {
            let name = Some(scene.name.as_str());
            add(name, "wires", text_of(&study.wires_of(scene)));
            add(name, "clocks", text_of(&scene.clocks));
            add(name, "checks", text_of(&scene.checks));
            for (kind, content) in inputs(controller) {
                if let Some((kind, of)) = kind.split_once(':')
                    && of == scene.name
                {
                    add(name, input_word(kind), content);
                }
            }
        }
        Self(facts)
    }

    pub fn differences(&self, other: &Self) -> Vec<ContextDifference> {
        let keys = self.0.keys().chain(other.0.keys());
        let keys: std::collections::BTreeSet<_> = keys.collect();
        keys.into_iter()
            .map(|key| (key, self.0.get(key), other.0.get(key)))
            .filter(|(_, left, right)| left != right)
            // That one side lacks a scene is told by the list of scenes.
            .filter(|(key, left, right)| {
                let has = |context: &Self| {
                    let wires = (key.0.clone(), "wires".to_owned());
                    context.0.contains_key(&wires)
                };
                key.0.is_none() || (left.is_some() && right.is_some()) || (has(self) && has(other))
            })
            .map(|((scene, what), left, right)| ContextDifference {
                scene: scene.clone(),
                what: what.clone(),
                left: left.cloned(),
                right: right.cloned(),
            })
            .collect()
    }
}

/// Whether the numbers of a scene that both sides have may be compared.
pub(super) fn scene_is_fair(differences: &[ContextDifference], scene: &str) -> bool {
    differences.iter().all(|found| match &found.scene {
        Some(other) => other != scene,
        None => found.what == SCENES,
    })
}

/// What an input of a scene is called.
fn input_word(kind: &str) -> &str {
    match kind {
        "sdc" => "constraints",
        "liberty" => "libraries",
        "spef" => "extracted wires",
        other => other,
    }
}

/// Every kind of input with its content.
fn inputs(controller: &Controller) -> BTreeMap<String, String> {
    let mut by_role: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for input in &controller.program().identity().inputs {
        let contents = by_role.entry(input.role.clone()).or_default();
        contents.push(input.content.short());
    }
    by_role
        .into_iter()
        .map(|(role, contents)| (role, contents.join(" ")))
        .collect()
}

/// A value of a study as its file would write it.
fn text_of(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(text)) => text,
        Ok(other) => other.to_string(),
        Err(error) => error.to_string(),
    }
}

/// What of study, tools, inputs and ECOs differs between two runs.
pub(super) fn settings(left: &Controller, right: &Controller) -> Vec<SettingDifference> {
    let (before, after) = (flat(left), flat(right));
    let keys = before.keys().chain(after.keys());
    let keys: std::collections::BTreeSet<&String> = keys.collect();
    keys.into_iter()
        .map(|key| (key, before.get(key), after.get(key)))
        .filter(|(_, left, right)| left != right)
        .map(|(key, left, right)| SettingDifference {
            setting: key.clone(),
            left: left.cloned(),
            right: right.cloned(),
        })
        .collect()
}

/// Everything that a run's results may depend on, by path.
fn flat(controller: &Controller) -> BTreeMap<String, Value> {
    let identity = controller.program().identity();
    let mut leaves = BTreeMap::new();
    // A study that was read can be written.
    let mut study = serde_json::to_value(&identity.study).unwrap_or_default();
    let stages = study.get_mut("stages").map(Value::take);
    flatten("study".to_owned(), &study, &mut leaves);
    // By name, so that a stage that was added does not shift all others.
    for stage in stages.iter().filter_map(Value::as_array).flatten() {
        let name = stage["name"].as_str().unwrap_or_default();
        flatten(format!("study.stages.{name}"), stage, &mut leaves);
    }
    let mut text = |key: String, value: String| leaves.insert(key, Value::String(value));
    text(
        "noodle2_version".to_owned(),
        identity.noodle2_version.clone(),
    );
    for tool in &identity.tools {
        let told = format!("{} ({})", tool.version, tool.content.short());
        text(format!("tools.{}", tool.name), told);
    }
    for (role, content) in inputs(controller) {
        text(format!("inputs.{role}"), content);
    }
    for (name, eco) in &identity.ecos {
        let told = format!("version {} ({})", eco.manifest.version, eco.content.short());
        text(format!("ecos.{name}"), told);
    }
    if let Some(priors) = &identity.priors {
        let content = serde_json::to_vec(priors).unwrap_or_default();
        text("priors".to_owned(), ContentHash::of(content).short());
    }
    leaves
}

fn flatten(path: String, value: &Value, leaves: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                flatten(format!("{path}.{name}"), value, leaves);
            }
        }
        // Lists of plain values, such as rankings, are told as a whole.
        Value::Array(values) if values.iter().any(|value| value.is_object()) => {
            for (position, value) in values.iter().enumerate() {
                let named = value.get("name").and_then(Value::as_str);
                let key = named.map_or_else(|| position.to_string(), str::to_owned);
                flatten(format!("{path}.{key}"), value, leaves);
            }
        }
        Value::Null => {}
        leaf => {
            leaves.insert(path, leaf.clone());
        }
    }
}
