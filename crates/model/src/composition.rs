//! Compositions: what a join makes of two cases of different branches.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{CaseName, ContentHash, EcoClass, EcoProposal, ParameterValue};

/// How a join composes two cases of different branches.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ComposeMode {
    /// The edits of both branches since their common ancestor are merged and made again.
    #[default]
    Replay,
    /// The ECOs of one branch are applied anew, with their parameters, to the case of the other.
    Rerun,
}

impl ComposeMode {
    /// The name that trials of this mode have in place of an ECO's. No ECO can be called so.
    pub const fn trial_name(self) -> &'static str {
        match self {
            Self::Replay => "compose:replay",
            Self::Rerun => "compose:rerun",
        }
    }
}

/// Which edits count where the edits of two branches contradict each other. The first branch is the one
/// whose stage stands first in the study.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConflictRule {
    /// Those of the first branch.
    First,
    /// Those of the second branch.
    Second,
    /// Neither.
    None,
    /// The two cases are not composed.
    #[default]
    Drop,
}

impl fmt::Display for ConflictRule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::First => "first",
            Self::Second => "second",
            Self::None => "none",
            Self::Drop => "drop",
        })
    }
}

/// What is brought from one case onto another, its parent in the trial.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Composition {
    /// In which way.
    pub mode: ComposeMode,
    /// The case that it comes from: it too is a parent of what comes of it.
    pub with: CaseName,
    /// The latest case from which both descend.
    pub ancestor: CaseName,
    /// Which edits count where they contradict each other; when ECOs run anew nothing does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conflicts: Option<ConflictRule>,
    /// The ECOs that led from the ancestor to `with`, in order, none of them a composition.
    pub chain: Vec<EcoProposal>,
}

impl Composition {
    /// What a trial of it tries. `class` is the widest that may be seen of it.
    pub fn proposal(self, class: EcoClass) -> EcoProposal {
        let mut parameters = BTreeMap::new();
        let mut word = |name: &str, value: String| {
            parameters.insert(name.to_owned(), ParameterValue::Text(value));
        };
        word("with", self.with.to_string());
        if let Some(rule) = self.conflicts {
            word("conflicts", rule.to_string());
        }
        let text = serde_json::to_string(&self).expect("a composition is plain data");
        EcoProposal {
            name: self.mode.trial_name().to_owned(),
            version: 1,
            content: ContentHash::of(text),
            class,
            parameters: parameters.into(),
            sequence: Vec::new(),
            rollback: None,
            composition: Some(Box::new(self)),
        }
    }
}
