//! Entries: results as they are kept.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use noodle2_model::{AttemptId, ContentHash, Limits, Outcome};
use serde::{Deserialize, Serialize};

use crate::CacheKey;

/// A result that is known.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The version of the format; [`Entry::SCHEMA_VERSION`] when written by this version.
    pub schema_version: u32,
    /// What the result depends on.
    pub key: CacheKey,
    /// What came of the attempt.
    pub outcome: Outcome,
    /// The files of its folder that belong to the result, by name.
    pub files: BTreeMap<String, StoredFile>,
    /// What it used, and what it was permitted to use.
    pub used: Used,
    /// The attempt that made it.
    pub origin: Origin,
}

/// A file that belongs to a result.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoredFile {
    /// The hash of its content, which is its name among the objects.
    pub content: ContentHash,
    /// Its size in bytes.
    pub size: u64,
}

/// What an attempt used, and what it was permitted to use. A value that could not be read is absent.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Used {
    /// Seconds on the clock.
    pub wall_s: f64,
    /// Seconds of processor time.
    pub cpu_s: f64,
    /// The most memory that one of its processes held, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
    /// The most output that one of its commands left, in bytes; none of it was dropped.
    pub output_bytes: u64,
    /// The limits under which it ran.
    pub limits: Limits,
}

impl Used {
    /// The limits, by their keys in a study, that the attempt might not have kept to had they been these.
    pub fn beyond(&self, limits: &Limits) -> BTreeSet<String> {
        let mib = |bytes: u64| bytes.div_ceil(1 << 20);
        let then = &self.limits;
        [
            (
                "limits.wall_time_s",
                limits.wall_time_s >= self.wall_s || limits.wall_time_s >= then.wall_time_s,
            ),
            (
                "limits.cpu_time_s",
                limits.cpu_time_s >= self.cpu_s || limits.cpu_time_s >= then.cpu_time_s,
            ),
            (
                "limits.memory_mib",
                self.memory_bytes
                    .is_some_and(|used| limits.memory_mib >= mib(used))
                    || limits.memory_mib >= then.memory_mib,
            ),
            (
                "limits.output_mib",
                limits.output_mib >= mib(self.output_bytes) || limits.output_mib >= then.output_mib,
            ),
        ]
        .into_iter()
        .filter(|(_, suffices)| !suffices)
        .map(|(name, _)| name.to_owned())
        .collect()
    }
}

/// Where a result was made.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    /// The run: the hash of its first record.
    pub run: ContentHash,
    /// Its study.
    pub study: String,
    /// The attempt.
    pub attempt: AttemptId,
    /// The name of the machine.
    pub host: String,
    /// The version of Noodle 2.
    pub noodle2_version: String,
    /// When it was kept.
    pub kept_at: Timestamp,
}

impl Entry {
    /// Reads the file of an entry: the hash of its text, and the text.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(bytes).map_err(|_| "it is no text".to_owned())?;
        let told = text
            .split_once('\n')
            .and_then(|(hash, text)| Some((hash, text.strip_suffix('\n')?)));
        let (hash, text) = told.ok_or_else(|| "it is torn".to_owned())?;
        if hash != ContentHash::of(text).to_string() {
            return Err("its hash is not the one that it tells".to_owned());
        }
        let entry: Self =
            serde_json::from_str(text).map_err(|error| format!("it is no entry: {error}"))?;
        match entry.schema_version {
            Self::SCHEMA_VERSION => Ok(entry),
            other => Err(format!("it is of version {other}")),
        }
    }

    /// The version of the format that this version reads and writes.
    pub const SCHEMA_VERSION: u32 = 1;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_holds_under_limits_that_it_would_have_kept_to() {
        let limits = Limits {
            wall_time_s: 10.0,
            cpu_time_s: 10.0,
            memory_mib: 100,
            output_mib: 4,
        };
        let used = Used {
            wall_s: 2.0,
            cpu_s: 1.5,
            memory_bytes: Some(30 << 20),
            output_bytes: 100,
            limits: limits.clone(),
        };
        let beyond = |used: &Used, change: fn(&mut Limits)| {
            let mut changed = limits.clone();
            change(&mut changed);
            used.beyond(&changed).into_iter().collect::<Vec<String>>()
        };
        let none = Vec::<String>::new();
        assert_eq!(beyond(&used, |_| ()), none);
        assert_eq!(beyond(&used, |limits| limits.wall_time_s = 2.0), none);
        assert_eq!(
            beyond(&used, |limits| limits.wall_time_s = 1.9),
            ["limits.wall_time_s"]
        );
        assert_eq!(
            beyond(&used, |limits| limits.cpu_time_s = 1.4),
            ["limits.cpu_time_s"]
        );
        assert_eq!(beyond(&used, |limits| limits.memory_mib = 30), none);
        assert_eq!(
            beyond(&used, |limits| limits.memory_mib = 29),
            ["limits.memory_mib"]
        );
        assert_eq!(
            beyond(&used, |limits| limits.output_mib = 0),
            ["limits.output_mib"]
        );
        // What could not be read fits no less than it was permitted.
        let unknown = Used {
            memory_bytes: None,
            ..used
        };
        assert_eq!(beyond(&unknown, |limits| limits.memory_mib = 100), none);
        assert_eq!(
            beyond(&unknown, |limits| limits.memory_mib = 99),
            ["limits.memory_mib"]
        );
    }
}
