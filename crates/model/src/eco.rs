//! ECOs: named, versioned, typed changes and the parameters that fix them.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::de::Error as _;
use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize};

use crate::{
    Composition, ContentHash, EcoClass, EngineKind, Metric, Parameters, Rollback, Symptom, TrialId,
};

/// The value of one ECO parameter.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum ParameterValue {
    /// `true` or `false`.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// A real number; always finite.
    Real(f64),
    /// A word, one of the parameter's choices.
    Text(String),
}

impl<'de> Deserialize<'de> for ParameterValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ParameterVisitor)
    }
}

struct ParameterVisitor;

impl Visitor<'_> for ParameterVisitor {
    type Value = ParameterValue;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("`true`, `false`, a number or a word")
    }

    fn visit_bool<E>(self, value: bool) -> Result<ParameterValue, E> {
        Ok(ParameterValue::Boolean(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<ParameterValue, E> {
        Ok(ParameterValue::Integer(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<ParameterValue, E> {
        let integer = i64::try_from(value).map(ParameterValue::Integer);
        Ok(integer.unwrap_or(ParameterValue::Real(value as f64)))
    }

    fn visit_f64<E>(self, value: f64) -> Result<ParameterValue, E> {
        Ok(ParameterValue::Real(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<ParameterValue, E> {
        Ok(ParameterValue::Text(value.to_owned()))
    }
}

impl fmt::Display for ParameterValue {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boolean(value) => value.fmt(formatter),
            Self::Integer(value) => value.fmt(formatter),
            Self::Real(value) => value.fmt(formatter),
            Self::Text(value) => value.fmt(formatter),
        }
    }
}

/// The type, range and default of one ECO parameter.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct ParameterSpec {
    /// What the parameter does, in a sentence.
    pub description: String,
    /// Its type and legal range.
    #[serde(flatten)]
    pub kind: ParameterKind,
}

/// A parameter as it is written. Serde can refuse unknown keys only where no type is laid flat into
/// another, so every key of every type stands here, and which belong together is checked afterwards.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FlatParameterSpec {
    description: String,
    r#type: ParameterType,
    min: Option<ParameterValue>,
    max: Option<ParameterValue>,
    choices: Option<Vec<String>>,
    default: ParameterValue,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ParameterType {
    Integer,
    Real,
    Boolean,
    Choice,
}

impl<'de> Deserialize<'de> for ParameterSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let flat = FlatParameterSpec::deserialize(deserializer)?;
        Ok(Self {
            kind: flat.kind().map_err(D::Error::custom)?,
            description: flat.description,
        })
    }
}

impl FlatParameterSpec {
    fn kind(&self) -> Result<ParameterKind, String> {
        let is_number = matches!(self.r#type, ParameterType::Integer | ParameterType::Real);
        if !is_number && (self.min.is_some() || self.max.is_some()) {
            return Err("only numbers have `min` and `max`".to_owned());
        }
        if self.r#type != ParameterType::Choice && self.choices.is_some() {
            return Err("only a choice has `choices`".to_owned());
        }
        let default = Some(&self.default);
        Ok(match (self.r#type, &self.default) {
            (ParameterType::Integer, _) => ParameterKind::Integer {
                min: whole("min", self.min.as_ref())?,
                max: whole("max", self.max.as_ref())?,
                default: whole("default", default)?,
            },
            (ParameterType::Real, _) => ParameterKind::Real {
                min: real("min", self.min.as_ref())?,
                max: real("max", self.max.as_ref())?,
                default: real("default", default)?,
            },
            (ParameterType::Boolean, ParameterValue::Boolean(default)) => {
                ParameterKind::Boolean { default: *default }
            }
            (ParameterType::Choice, ParameterValue::Text(default)) => ParameterKind::Choice {
                choices: self.choices.clone().ok_or("a choice needs `choices`")?,
                default: default.clone(),
            },
            (ParameterType::Boolean, _) => {
                return Err("`default` must be true or false".to_owned());
            }
            (ParameterType::Choice, _) => return Err("`default` must be a word".to_owned()),
        })
    }
}

fn whole(key: &str, value: Option<&ParameterValue>) -> Result<i64, String> {
    match value {
        Some(ParameterValue::Integer(value)) => Ok(*value),
        _ => Err(format!("`{key}` must be a whole number")),
    }
}

fn real(key: &str, value: Option<&ParameterValue>) -> Result<f64, String> {
    match value {
        Some(ParameterValue::Integer(value)) => Ok(*value as f64),
        Some(ParameterValue::Real(value)) if value.is_finite() => Ok(*value),
        _ => Err(format!("`{key}` must be a finite number")),
    }
}

/// The type and legal range of a parameter.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ParameterKind {
    /// A whole number between `min` and `max`, both included.
    Integer {
        /// Least legal value.
        min: i64,
        /// Greatest legal value.
        max: i64,
        /// Value when the study names none.
        default: i64,
    },
    /// A real number between `min` and `max`, both included.
    Real {
        /// Least legal value.
        min: f64,
        /// Greatest legal value.
        max: f64,
        /// Value when the study names none.
        default: f64,
    },
    /// A switch.
    Boolean {
        /// Value when the study names none.
        default: bool,
    },
    /// One word of a list.
    Choice {
        /// The legal words.
        choices: Vec<String>,
        /// Value when the study names none.
        default: String,
    },
}

impl ParameterKind {
    /// The value when the study names none.
    pub fn default_value(&self) -> ParameterValue {
        match self {
            Self::Integer { default, .. } => ParameterValue::Integer(*default),
            Self::Real { default, .. } => ParameterValue::Real(*default),
            Self::Boolean { default } => ParameterValue::Boolean(*default),
            Self::Choice { default, .. } => ParameterValue::Text(default.clone()),
        }
    }

    /// `value` as this type holds it (a whole number where a real one is wanted becomes real), or
    /// `None` when it is of the wrong type or out of range.
    pub fn admit(&self, value: &ParameterValue) -> Option<ParameterValue> {
        match (self, value) {
            (Self::Integer { min, max, .. }, ParameterValue::Integer(value)) => (min..=max)
                .contains(&value)
                .then_some(ParameterValue::Integer(*value)),
            (Self::Real { min, max, .. }, ParameterValue::Real(value)) => (min..=max)
                .contains(&value)
                .then_some(ParameterValue::Real(*value)),
            (Self::Real { .. }, ParameterValue::Integer(value)) => {
                self.admit(&ParameterValue::Real(*value as f64))
            }
            (Self::Boolean { .. }, ParameterValue::Boolean(value)) => {
                Some(ParameterValue::Boolean(*value))
            }
            (Self::Choice { choices, .. }, ParameterValue::Text(value)) => choices
                .contains(value)
                .then(|| ParameterValue::Text(value.clone())),
            _ => None,
        }
    }

    /// The type and range in words, as in `integer from 1 to 500`.
    pub fn describe(&self) -> String {
        match self {
            Self::Integer { min, max, .. } => format!("integer from {min} to {max}"),
            Self::Real { min, max, .. } => format!("real number from {min} to {max}"),
            Self::Boolean { .. } => "true or false".to_owned(),
            Self::Choice { choices, .. } => format!("one of {}", choices.join(", ")),
        }
    }
}

/// What an ECO is expected to do to a metric.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExpectedEffect {
    /// The metric gets better.
    Better,
    /// The metric gets worse: the price of the ECO.
    Worse,
    /// The metric may go either way.
    Either,
}

/// How an ECO changes the design.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EcoImplementation {
    /// A Tcl file, relative to the ECO's folder, that runs inside the timing engine.
    Tcl(String),
    /// A program and its arguments that read a netlist and write another. `{netlist}`, `{output}`,
    /// `{top}`, `{prefix}`, `{liberty}`, `{folder}` and `{<parameter>}` are replaced.
    Command(Vec<String>),
}

/// The declaration of an ECO: the content of its `eco.yaml`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EcoManifest {
    /// The name, equal to the name of its folder.
    pub name: String,
    /// The version, raised whenever the ECO's results may change.
    pub version: u32,
    /// The widest change that it makes.
    pub class: EcoClass,
    /// The engines that can run it.
    pub engines: Vec<EngineKind>,
    /// What it does, in a sentence or two.
    pub description: String,
    /// Its parameters by name.
    #[serde(default)]
    pub parameters: BTreeMap<String, ParameterSpec>,
    /// What it is expected to do, by metric.
    #[serde(default)]
    pub expected: BTreeMap<Metric, ExpectedEffect>,
    /// What it is a remedy for, each with the parameters that make it one.
    #[serde(default)]
    pub remedies: BTreeMap<Symptom, Parameters>,
    /// Whether it adds, removes or reconnects nets; refused where wires are annotated and not re-estimated.
    pub changes_connectivity: bool,
    /// How it is run.
    pub implementation: EcoImplementation,
    /// Tcl files that are run in place of the implementation in engines whose commands are others, relative to the ECO's
    /// folder.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub scripts: BTreeMap<EngineKind, String>,
    /// Commands of OpenROAD that it cannot do without; a version that lacks one of them is refused.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<CommandNeed>,
}

/// A command of a tool that an ECO cannot do without.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CommandNeed {
    /// The command.
    pub command: String,
    /// Its options that are given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<String>,
    /// A version that is known to have all of it.
    pub known_in: String,
}

impl EcoManifest {
    /// How it is run in an engine.
    pub fn implementation_in(&self, engine: EngineKind) -> EcoImplementation {
        let own = self.scripts.get(&engine);
        own.map_or_else(
            || self.implementation.clone(),
            |file| EcoImplementation::Tcl(file.clone()),
        )
    }

    /// Whether it says that it repairs hold.
    pub fn is_for_hold(&self) -> bool {
        self.remedies.contains_key(&Symptom::Hold)
    }

    /// Every parameter at its default, with `given` values put over them. Values are taken as given:
    /// they were checked when the study was read.
    pub fn complete(&self, given: &Parameters) -> Parameters {
        self.parameters
            .iter()
            .map(|(name, spec)| {
                let value = given
                    .get(name)
                    .and_then(|value| spec.kind.admit(value))
                    .unwrap_or_else(|| spec.kind.default_value());
                (name.clone(), value)
            })
            .collect()
    }
}

/// One ECO with fixed parameters, to be applied to one parent case: what a trial tries.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct EcoProposal {
    /// The ECO's name.
    pub name: String,
    /// The ECO's version.
    pub version: u32,
    /// The hash over the ECO's manifest and its files.
    pub content: ContentHash,
    /// The class that the manifest declares.
    pub class: EcoClass,
    /// Every parameter with its value; none of a sequence, whose steps have their own.
    pub parameters: Parameters,
    /// The ECOs that are made one after the other; empty for a single one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sequence: Vec<EcoProposal>,
    /// What happens when a step of the sequence fails.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback: Option<Rollback>,
    /// What is composed, where a join composes two cases rather than an ECO being applied to one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub composition: Option<Box<Composition>>,
}

impl EcoProposal {
    /// A single ECO with `given` values over the defaults of its other parameters. `content` is the hash over
    /// its manifest and files.
    pub fn single(manifest: &EcoManifest, content: ContentHash, given: &Parameters) -> Self {
        Self {
            name: manifest.name.clone(),
            version: manifest.version,
            content,
            class: manifest.class,
            parameters: manifest.complete(given),
            sequence: Vec::new(),
            rollback: None,
            composition: None,
        }
    }

    /// The prefix of the names of all objects that the ECO makes in `trial`: reserved, so that names
    /// of two trials never collide.
    pub fn name_prefix(trial: TrialId) -> String {
        format!("n2_{trial}_")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<ParameterSpec, String> {
        serde_json::from_str(text).map_err(|error| error.to_string())
    }

    #[test]
    fn every_type_of_parameter_is_read_back_as_written() {
        let (min, max, default) = (1.0, 2.0, 1.5);
        for kind in [
            ParameterKind::Integer {
                min: -1,
                max: 9,
                default: 3,
            },
            ParameterKind::Real { min, max, default },
            ParameterKind::Boolean { default: true },
            ParameterKind::Choice {
                choices: vec!["a".to_owned(), "b".to_owned()],
                default: "a".to_owned(),
            },
        ] {
            let description = "What it does.".to_owned();
            let spec = ParameterSpec { description, kind };
            assert_eq!(read(&serde_json::to_string(&spec).unwrap()), Ok(spec));
        }
    }

    #[test]
    fn keys_that_do_not_belong_to_the_type_are_refused() {
        for (text, expected) in [
            (
                r#"{"description":"d","type":"boolean","default":true,"step":1}"#,
                "step",
            ),
            (
                r#"{"description":"d","type":"boolean","default":true,"min":1}"#,
                "`min`",
            ),
            (
                r#"{"description":"d","type":"integer","min":1,"max":2.5,"default":1}"#,
                "`max`",
            ),
            (
                r#"{"description":"d","type":"choice","default":"a"}"#,
                "`choices`",
            ),
            (r#"{"description":"d","type":"whole","default":1}"#, "whole"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
