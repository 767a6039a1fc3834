//! Names of stages, trials, attempts and cases.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::text::as_text;

/// The place of a stage in its study's list of stages, from 0.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct StageIndex(pub u32);

impl StageIndex {
    /// The index as a position in a slice of stages.
    pub const fn position(self) -> usize {
        self.0 as usize
    }
}

impl From<usize> for StageIndex {
    /// # Panics
    /// If `position` exceeds `u32::MAX`; a study file cannot hold that many stages.
    fn from(position: usize) -> Self {
        Self(u32::try_from(position).expect("a study holds fewer than 2^32 stages"))
    }
}

impl fmt::Display for StageIndex {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// One trial of a study: the stage that proposed it and its derived index.
///
/// Every proposal of a stage consumes a derived index from 1, failed ones included. Index 0 in stage 0
/// is the base case alone. Ordered by stage, then derived index: the *proposal order*.
/// Text form: `<stage>_<derived>`, as in `3_12`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, JsonSchema)]
#[schemars(with = "String")]
pub struct TrialId {
    /// The stage that proposed the trial.
    pub stage: StageIndex,
    /// The derived index within the stage.
    pub derived: u32,
}

impl TrialId {
    /// The measurement of the base case (gate 0).
    pub const BASE: Self = Self {
        stage: StageIndex(0),
        derived: 0,
    };

    /// Whether this is the measurement of the base case.
    pub fn is_base(self) -> bool {
        self == Self::BASE
    }

    /// The case that this trial derives: `<case_name>_<stage>_<derived>`.
    pub fn case(self, case_name: &str) -> CaseName {
        CaseName {
            design: case_name.to_owned(),
            trial: self,
        }
    }
}

impl fmt::Display for TrialId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}_{}", self.stage, self.derived)
    }
}

impl fmt::Debug for TrialId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "TrialId({self})")
    }
}

/// The text is not a name of the expected form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {expected}")]
pub struct ParseNameError {
    text: String,
    expected: &'static str,
}

impl FromStr for TrialId {
    type Err = ParseNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parsed = text.split_once('_').and_then(|(stage, derived)| {
            Some(Self {
                stage: StageIndex(canonical_number(stage)?),
                derived: canonical_number(derived)?,
            })
        });
        parsed.ok_or_else(|| ParseNameError {
            text: text.to_owned(),
            expected: "a trial id such as `2_14`",
        })
    }
}

/// Accepts only the one spelling that `Display` writes, so that a name has one text form.
fn canonical_number(text: &str) -> Option<u32> {
    let is_canonical = match text.as_bytes() {
        [b'0'] => true,
        [b'1'..=b'9', rest @ ..] => rest.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    text.parse().ok().filter(|_| is_canonical)
}

as_text!(TrialId, CaseName);

/// The name of a case: `<case_name>_<stage_index>_<derived_index>`, the base case being `<case_name>_0_0`.
///
/// Ordered by the trial that derived it (numerically), which is the order that breaks ties.
#[derive(Clone, PartialEq, Eq, Hash, JsonSchema)]
#[schemars(with = "String")]
pub struct CaseName {
    design: String,
    trial: TrialId,
}

impl CaseName {
    /// The base case of a design.
    pub fn base(case_name: &str) -> Self {
        TrialId::BASE.case(case_name)
    }

    /// The trial that derived the case.
    pub fn trial(&self) -> TrialId {
        self.trial
    }

    /// The part of the name that the study declares.
    pub fn design(&self) -> &str {
        &self.design
    }
}

impl PartialOrd for CaseName {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for CaseName {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.trial, &self.design).cmp(&(other.trial, &other.design))
    }
}

impl fmt::Display for CaseName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}_{}", self.design, self.trial)
    }
}

impl fmt::Debug for CaseName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "CaseName({self})")
    }
}

impl FromStr for CaseName {
    type Err = ParseNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parsed = text
            .rmatch_indices('_')
            .nth(1)
            .filter(|(at, _)| *at > 0)
            .and_then(|(at, _)| Some((&text[..at], text[at + 1..].parse().ok()?)));
        let (design, trial) = parsed.ok_or_else(|| ParseNameError {
            text: text.to_owned(),
            expected: "a case name such as `gcd_2_14`",
        })?;
        Ok(Self {
            design: design.to_owned(),
            trial,
        })
    }
}

/// One execution of a trial. A trial has several only when the infrastructure failed, never the design.
/// Text form: `<stage>_<derived>.<attempt>`, attempts counted from 1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct AttemptId {
    /// The trial that is executed.
    pub trial: TrialId,
    /// The number of the execution, from 1.
    pub number: u32,
}

impl fmt::Display for AttemptId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}", self.trial, self.number)
    }
}

impl FromStr for AttemptId {
    type Err = ParseNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parsed = text.rsplit_once('.').and_then(|(trial, number)| {
            let number = canonical_number(number).filter(|number| *number > 0)?;
            Some((trial.parse().ok()?, number))
        });
        let (trial, number) = parsed.ok_or_else(|| ParseNameError {
            text: text.to_owned(),
            expected: "an attempt such as `2_14.1`",
        })?;
        Ok(Self { trial, number })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_names_round_trip_even_when_the_design_name_has_underscores() {
        let name: CaseName = "my_core_v2_3_12".parse().unwrap();
        assert_eq!(name.design(), "my_core_v2");
        assert_eq!(name.trial().to_string(), "3_12");
        assert_eq!(name.to_string(), "my_core_v2_3_12");
        assert_eq!(CaseName::base("gcd").to_string(), "gcd_0_0");
    }

    #[test]
    fn attempts_have_one_text() {
        let attempt: AttemptId = "2_14.3".parse().unwrap();
        assert_eq!(
            (attempt.number, attempt.to_string().as_str()),
            (3, "2_14.3")
        );
        for text in [
            "", "2_14", "2_14.", "2_14.0", "2_14.01", "2_14.+1", "2.1", "2_14.1.1",
        ] {
            assert!(text.parse::<AttemptId>().is_err(), "{text} was accepted");
        }
    }

    #[test]
    fn malformed_names_are_refused() {
        for text in [
            "", "gcd", "gcd_1", "_1_2", "gcd_1_x", "gcd_01_2", "gcd_+1_2",
        ] {
            assert!(text.parse::<CaseName>().is_err(), "{text} was accepted");
        }
    }

    #[test]
    fn cases_order_by_number_not_by_text() {
        let nine: CaseName = "gcd_1_9".parse().unwrap();
        let ten: CaseName = "gcd_1_10".parse().unwrap();
        assert!(nine < ten);
    }
}
