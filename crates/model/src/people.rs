//! What a study asks of people, and whom it tells what happens.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// A length of time as people write it: a whole number and a unit, as in `30s`, `90m`, `36h`, `2d`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TimeSpan {
    seconds: u64,
}

/// A text that is no [`TimeSpan`].
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a length of time is a whole number and `s`, `m`, `h` or `d`")]
pub struct ParseTimeSpanError;

impl TimeSpan {
    /// How a span is written: for messages and schemas.
    pub const PATTERN: &'static str = "^[0-9]{1,9}[smhd]$";

    const UNITS: [(char, u64); 4] = [('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];

    /// So many seconds.
    pub const fn from_seconds(seconds: u64) -> Self {
        Self { seconds }
    }

    /// The span in seconds.
    pub const fn seconds(self) -> u64 {
        self.seconds
    }
}

impl From<TimeSpan> for Duration {
    fn from(span: TimeSpan) -> Self {
        Self::from_secs(span.seconds)
    }
}

impl From<TimeSpan> for String {
    fn from(span: TimeSpan) -> Self {
        span.to_string()
    }
}

impl TryFrom<String> for TimeSpan {
    type Error = ParseTimeSpanError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl FromStr for TimeSpan {
    type Err = ParseTimeSpanError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unit = text.chars().next_back().ok_or(ParseTimeSpanError)?;
        let number = &text[..text.len() - unit.len_utf8()];
        let (_, factor) = Self::UNITS
            .into_iter()
            .find(|(name, _)| *name == unit)
            .ok_or(ParseTimeSpanError)?;
        let is_number = (1..=9).contains(&number.len())
            && number.bytes().all(|character| character.is_ascii_digit());
        let number: u64 = number.parse().map_err(|_| ParseTimeSpanError)?;
        is_number
            .then_some(Self::from_seconds(number * factor))
            .ok_or(ParseTimeSpanError)
    }
}

/// In the widest unit that leaves no rest.
impl fmt::Display for TimeSpan {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, factor) = Self::UNITS
            .into_iter()
            .find(|(_, factor)| self.seconds >= *factor && self.seconds.is_multiple_of(*factor))
            .unwrap_or(('s', 1));
        write!(formatter, "{}{unit}", self.seconds / factor)
    }
}

impl JsonSchema for TimeSpan {
    fn schema_name() -> Cow<'static, str> {
        "TimeSpan".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A length of time: a whole number and a unit, as in `30s`, `90m`, `36h`, `2d`.",
            "type": "string",
            "pattern": Self::PATTERN,
        })
    }
}

/// The approval of people that a stage waits for once its inputs are ready.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// How many people must approve, by different names.
    #[serde(default = "one")]
    pub approvers: u32,
    /// The names that count; empty means that anybody's does.
    #[serde(default)]
    pub from: Vec<String>,
    /// How long the stage waits, from the moment at which its inputs are ready; absent means for ever. The
    /// time goes on while nobody works on the run.
    #[serde(default)]
    pub timeout: Option<TimeSpan>,
    /// What happens when the time is over; only together with `timeout`.
    #[serde(default)]
    pub on_timeout: OnTimeout,
    /// What the approvers should look at.
    #[serde(default)]
    pub note: String,
}

fn one() -> u32 {
    1
}

impl Default for Approval {
    fn default() -> Self {
        Self {
            approvers: one(),
            from: Vec::new(),
            timeout: None,
            on_timeout: OnTimeout::default(),
            note: String::new(),
        }
    }
}

impl Approval {
    /// Whether a name counts.
    pub fn counts(&self, name: &str) -> bool {
        self.from.is_empty() || self.from.iter().any(|known| known == name)
    }
}

/// What happens to a stage that was not approved in time.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnTimeout {
    /// It fails.
    #[default]
    Refuse,
    /// It starts, as if it had been approved.
    Approve,
}

/// Whom to tell of what happens in a run: a command or a web address. No part of the study's hash.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Notification {
    /// A program and its arguments, which gets the message as JSON on its standard input. A program with a `/`
    /// is relative to the study's folder, any other is searched on the PATH.
    #[serde(default)]
    pub command: Option<Vec<String>>,
    /// An address that the message is sent to as the body of a POST. `${NAME}` stands for the value of an
    /// environment variable.
    #[serde(default)]
    pub webhook: Option<String>,
    /// Headers of the POST. `${NAME}` stands for the value of an environment variable.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// What to tell of; everything unless given.
    #[serde(default = "every_occasion")]
    pub on: Vec<Occasion>,
    /// How long one try may take.
    #[serde(default = "ten_seconds")]
    pub timeout: TimeSpan,
    /// How often it is tried again after a failure.
    #[serde(default = "three")]
    pub retries: u32,
}

fn every_occasion() -> Vec<Occasion> {
    Occasion::ALL.to_vec()
}

fn ten_seconds() -> TimeSpan {
    TimeSpan::from_seconds(10)
}

fn three() -> u32 {
    3
}

impl Default for Notification {
    fn default() -> Self {
        Self {
            command: None,
            webhook: None,
            headers: BTreeMap::new(),
            on: every_occasion(),
            timeout: ten_seconds(),
            retries: three(),
        }
    }
}

/// The pieces of a text: as they stand, and the names of environment variables for `${NAME}`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TextPiece<'a> {
    /// As it stands.
    Literal(&'a str),
    /// The value of this environment variable.
    Variable(&'a str),
}

/// Takes a text apart at its `${NAME}`; a `$` that no brace follows stands for itself.
///
/// # Errors
/// The first piece that begins like a variable and is none.
pub fn placeholders(text: &str) -> Result<Vec<TextPiece<'_>>, &str> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        let (before, variable) = rest.split_at(start);
        let end = variable.find('}').ok_or(variable)?;
        let name = &variable[2..end];
        let is_name = !name.is_empty()
            && !name.starts_with(|first: char| first.is_ascii_digit())
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !is_name {
            return Err(&variable[..=end]);
        }
        if !before.is_empty() {
            pieces.push(TextPiece::Literal(before));
        }
        pieces.push(TextPiece::Variable(name));
        rest = &variable[end + 1..];
    }
    if !rest.is_empty() {
        pieces.push(TextPiece::Literal(rest));
    }
    Ok(pieces)
}

/// What people are told of.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Occasion {
    /// A controller begins to work on the run.
    Start,
    /// A stage ended in any way.
    StageEnd,
    /// A stage failed, a rail of the study was crossed, a budget is spent, or the base case blocks the run.
    Abort,
    /// An ECO, or a class of them, is not tried any more.
    Contained,
    /// A stage waits for approval.
    ApprovalNeeded,
    /// The run ended, or its controller leaves it.
    End,
}

impl Occasion {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Start,
        Self::StageEnd,
        Self::Abort,
        Self::Contained,
        Self::ApprovalNeeded,
        Self::End,
    ];

    /// The name as written in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::StageEnd => "stage_end",
            Self::Abort => "abort",
            Self::Contained => "contained",
            Self::ApprovalNeeded => "approval_needed",
            Self::End => "end",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_taken_apart_at_their_variables() {
        use TextPiece::{Literal, Variable};
        let bearer = vec![Literal("Bearer $x "), Variable("TOKEN"), Literal("!")];
        assert_eq!(placeholders("Bearer $x ${TOKEN}!"), Ok(bearer));
        assert_eq!(
            placeholders("${A}${B_2}"),
            Ok(vec![Variable("A"), Variable("B_2")])
        );
        assert_eq!(placeholders(""), Ok(Vec::new()));
        for broken in ["${}", "${A-B}", "${2A}", "${A", "${ü}"] {
            assert_eq!(placeholders(broken), Err(broken));
        }
    }

    #[test]
    fn spans_are_read_as_they_are_written() {
        for (text, seconds, again) in [
            ("0s", 0, "0s"),
            ("90s", 90, "90s"),
            ("120s", 120, "2m"),
            ("36h", 129_600, "36h"),
            ("48h", 172_800, "2d"),
            ("999999999d", 86_399_999_913_600, "999999999d"),
        ] {
            let span: TimeSpan = text.parse().unwrap();
            assert_eq!(
                (span.seconds(), span.to_string().as_str()),
                (seconds, again)
            );
        }
        for text in [
            "",
            "2",
            "d",
            "2 d",
            "2w",
            "-2d",
            "+2d",
            "1.5h",
            "2dd",
            "²d",
            "9999999999d",
        ] {
            assert_eq!(text.parse::<TimeSpan>(), Err(ParseTimeSpanError), "{text}");
        }
    }
}
