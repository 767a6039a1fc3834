//! Results that are known from earlier attempts: what a store of them answers, and what a result depends on.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{AttemptId, ContentHash, Outcome};

/// What a store of results had for an attempt.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CacheAnswer {
    /// The result was known, and nothing was run.
    Hit(CacheHit),
    /// It was not, for this reason, and the attempt ran.
    Miss(CacheMiss),
}

impl CacheAnswer {
    /// The hit, if it is one.
    pub const fn hit(&self) -> Option<&CacheHit> {
        match self {
            Self::Hit(hit) => Some(hit),
            Self::Miss(_) => None,
        }
    }
}

/// A result that was known, and where it comes from.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CacheHit {
    /// The key of the entry.
    pub entry: ContentHash,
    /// The run that made it: the hash of its first record.
    pub run: ContentHash,
    /// The study of that run.
    pub study: String,
    /// The attempt of that run.
    pub attempt: AttemptId,
}

/// Why a result was not known.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CacheMiss {
    /// There is no result of this ECO with these parameters at all.
    Unknown,
    /// There are results of the same ECO and parameters; the nearest differs in this.
    Differs {
        /// In what.
        parts: BTreeSet<KeyPart>,
        /// The key of that entry.
        nearest: ContentHash,
    },
    /// The result is there, but more was used for it than the study's limits allow.
    BeyondLimits {
        /// The limits, by their keys in the study.
        limits: BTreeSet<String>,
    },
    /// The entry, or a file that belongs to it, is gone or not as it was written.
    Lost,
    /// Results of this kind are never kept.
    NeverKept {
        /// Why, in words.
        why: String,
    },
}

/// What a result depends on, part by part. An attempt has those that can make a difference to it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyPart {
    /// The executable of Noodle 2, which holds its scripts.
    Program,
    /// The engine: version and executable.
    Engine,
    /// The libraries of all scenes, in their order.
    Libraries,
    /// The constraints of all scenes, in their order.
    Constraints,
    /// The wires that are read from files.
    Wires,
    /// The platform.
    Platform,
    /// The scenes: names, checks, clocks, and how wires are modelled.
    Scenes,
    /// What the study says of the design: top module, declared black boxes, waived endpoints.
    Design,
    /// The netlists that the attempt begins with, and what was measured of them.
    Parent,
    /// The files of the ECO, or of all ECOs of a sequence or composition.
    Eco,
    /// What the ECO may not do: protected objects and risk envelope.
    Guard,
    /// The seed, where an ECO asks for it.
    Seed,
    /// The prefix of new names, where an ECO may make any.
    Names,
    /// The metric that steps of a sequence are judged by.
    Judge,
    /// The netlists of the other branch and of the common ancestor.
    OtherBranch,
}

impl fmt::Display for KeyPart {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Program => "noodle2 itself",
            Self::Engine => "the engine",
            Self::Libraries => "the libraries",
            Self::Constraints => "the constraints",
            Self::Wires => "the wires",
            Self::Platform => "the platform",
            Self::Scenes => "the scenes",
            Self::Design => "what the study says of the design",
            Self::Parent => "the parent's design",
            Self::Eco => "the files of the ECO",
            Self::Guard => "what is protected, or the risk envelope",
            Self::Seed => "the seed",
            Self::Names => "the number of the trial, which new objects are called after",
            Self::Judge => "the metric that steps are judged by",
            Self::OtherBranch => "the design of the other branch",
        })
    }
}

impl fmt::Display for CacheMiss {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => formatter.write_str("no result of it with these parameters is known"),
            Self::Differs { parts, .. } => {
                let parts: Vec<String> = parts.iter().map(KeyPart::to_string).collect();
                write!(
                    formatter,
                    "the nearest known result differs in {}",
                    parts.join(", ")
                )
            }
            Self::BeyondLimits { limits } => {
                let limits: Vec<&str> = limits.iter().map(String::as_str).collect();
                write!(
                    formatter,
                    "the known result took more than {} allows",
                    limits.join(", ")
                )
            }
            Self::Lost => formatter.write_str("the known result was removed or damaged"),
            Self::NeverKept { why } => write!(formatter, "it is never kept: {why}"),
        }
    }
}

impl Outcome {
    /// Whether the design and its context alone determine it, so that another attempt would give it again.
    pub const fn can_be_known(&self) -> bool {
        matches!(self, Self::Measured(_) | Self::NoEffect)
    }
}
