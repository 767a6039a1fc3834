//! The file that results are held against: what a run found, and how far another may fall behind.

use std::collections::BTreeMap;
use std::path::Path;

use noodle2_model::{CaseName, ContentHash, Metric, MetricSet};
use noodle2_view::{History, Summary};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use crate::exit::{CommandFailure, Exit};

/// The version of the format that is written and read.
const SCHEMA_VERSION: u32 = 1;
/// The baseline cannot be read, or is none of this study.
const WRONG_BASELINE: &str = "N2-CI-002";

/// The content of a baseline file.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Baseline {
    #[serde(deserialize_with = "known_version")]
    schema_version: u32,
    /// The version that wrote it.
    noodle2_version: String,
    /// The study's name.
    pub study: String,
    /// How far a metric may fall behind; exactly as good, or within the noise floor, where it is not named.
    #[serde(default)]
    pub tolerances: BTreeMap<Metric, Tolerance>,
    pub found: Found,
}

/// How far a metric may fall behind: the sum of both.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tolerance {
    /// In the metric's unit.
    #[serde(
        default,
        deserialize_with = "tolerance",
        skip_serializing_if = "is_zero"
    )]
    pub absolute: f64,
    /// In percent of the value's magnitude.
    #[serde(
        default,
        deserialize_with = "tolerance",
        skip_serializing_if = "is_zero"
    )]
    pub percent: f64,
}

/// What a run found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Found {
    /// What it was made of, by content: the study and Noodle 2, tools, inputs, ECOs.
    pub made_of: BTreeMap<String, String>,
    /// The digest; absent where none is promised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<ContentHash>,
    /// Why the base case is not fit to be worked on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blocked: Vec<String>,
    /// The base case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<Measured>,
    /// The best case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub winner: Option<Measured>,
    /// The ECOs that lead to it.
    #[serde(default)]
    pub chain: Vec<String>,
    /// The stages, in their order.
    #[serde(default)]
    pub stages: Vec<StageFound>,
    /// What noise may set apart, where the run measured it.
    #[serde(default)]
    pub noise_floor: MetricSet,
}

/// A measured case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Measured {
    pub case: CaseName,
    /// Over all scenes.
    pub overall: MetricSet,
    pub scenes: BTreeMap<String, MetricSet>,
}

/// How a stage ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StageFound {
    pub name: String,
    /// In the words of `summary.json`.
    pub status: String,
    pub survivors: Vec<CaseName>,
}

impl Found {
    /// What a run found.
    pub fn of(history: &History) -> Self {
        let summary = Summary::new(history);
        let controller = history.controller();
        let identity = controller.program().identity();
        let mut made_of = BTreeMap::from([
            ("study".to_owned(), identity.study_hash.to_string()),
            ("noodle2".to_owned(), identity.noodle2_version.clone()),
        ]);
        for tool in &identity.tools {
            made_of.insert(format!("tool {}", tool.name), tool.content.to_string());
        }
        for (position, input) in identity.inputs.iter().enumerate() {
            let name = format!("input {} {}", position + 1, input.role);
            made_of.insert(name, input.content.to_string());
        }
        for (name, eco) in &identity.ecos {
            made_of.insert(format!("ECO {name}"), eco.content.to_string());
        }
        let measured = |case: &noodle2_view::CaseSummary| Measured {
            case: case.case.clone(),
            overall: case.metrics.clone(),
            scenes: case.scenes.clone(),
        };
        Self {
            made_of,
            digest: summary.digest.filter(|_| summary.digest_promised),
            blocked: controller.block_reasons().unwrap_or_default().to_vec(),
            base: summary.base.as_ref().map(measured),
            winner: summary.best.as_ref().map(measured),
            chain: summary.winning_chain.clone(),
            stages: summary
                .stages
                .iter()
                .map(|stage| StageFound {
                    name: stage.name.clone(),
                    status: stage.status.to_string(),
                    survivors: stage.survivors.clone(),
                })
                .collect(),
            noise_floor: controller.noise_floor().clone(),
        }
    }
}

impl Baseline {
    /// That of a run.
    pub fn new(study: &str, found: Found, tolerances: BTreeMap<Metric, Tolerance>) -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            noodle2_version: env!("CARGO_PKG_VERSION").to_owned(),
            study: study.to_owned(),
            tolerances,
            found,
        }
    }

    /// Reads the baseline of a study.
    pub fn read(path: &Path, study: &str) -> Result<Self, CommandFailure> {
        let refuse = |what: String, help: &str| {
            CommandFailure::new(
                Exit::Usage,
                WRONG_BASELINE,
                format!("the baseline `{}` {what}", path.display()),
                help.to_owned(),
            )
        };
        let write = "write one of a run that is as it should be: add `--write-baseline`";
        let text = std::fs::read_to_string(path)
            .map_err(|error| refuse(format!("cannot be read: {error}"), write))?;
        let baseline: Self = serde_json::from_str(&text).map_err(|error| {
            let line = error.line();
            refuse(
                format!("is wrong in line {line}: {error}"),
                "mend that line, or write the file anew",
            )
        })?;
        if baseline.study != study {
            let of = format!("is of the study `{}`, not of `{study}`", baseline.study);
            return Err(refuse(of, "name the one of this study"));
        }
        Ok(baseline)
    }
}

fn known_version<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    match u32::deserialize(deserializer)? {
        SCHEMA_VERSION => Ok(SCHEMA_VERSION),
        other => Err(D::Error::custom(format!(
            "its schema version is {other}, this version reads {SCHEMA_VERSION}"
        ))),
    }
}

fn tolerance<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let value = f64::deserialize(deserializer)?;
    match value.is_finite() && value >= 0.0 {
        true => Ok(value),
        false => Err(D::Error::custom(format!(
            "a tolerance of {value} is none: it is 0 or more"
        ))),
    }
}

fn is_zero(value: &f64) -> bool {
    *value == 0.0
}
