//! What can be wrong with a graph of stages.

use std::fmt;

use noodle2_model::{StageIndex, StageRelation};

/// One thing that is wrong with a graph of stages, or with what is declared of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum DagError {
    /// More stages than [`StageDag::MAX_STAGES`](crate::StageDag::MAX_STAGES).
    TooManyStages {
        /// How many were asked for.
        stage_count: usize,
        /// How many there may be.
        limit: usize,
    },
    /// An edge names a stage that does not exist.
    UnknownStage {
        /// The stage that does not exist: `from` or `to`.
        unknown: StageIndex,
        /// Where the edge starts.
        from: StageIndex,
        /// Where the edge ends.
        to: StageIndex,
        /// How many stages there are.
        stage_count: usize,
    },
    /// A stage depends on itself.
    SelfDependency {
        /// The stage.
        stage: StageIndex,
    },
    /// An edge is given more than once.
    DuplicateEdge {
        /// Where the edge starts.
        from: StageIndex,
        /// Where the edge ends.
        to: StageIndex,
        /// How often it is given.
        times: usize,
    },
    /// Stages wait for each other in a ring, so that none of them could ever start.
    Cycle {
        /// Each stage of the ring once: every stage has an edge to the next, and the last to the first.
        /// Begins with the lowest index.
        stages: Vec<StageIndex>,
    },
    /// A stage is declared to stand in another relation to its dependencies than the graph gives it.
    RelationMismatch {
        /// The stage.
        stage: StageIndex,
        /// The relation that is declared.
        declared: StageRelation,
        /// The relation that follows from the graph; none for a root.
        derived: Option<StageRelation>,
    },
    /// A relation is declared of a stage that does not exist.
    RelationOfUnknownStage {
        /// The stage that does not exist.
        stage: StageIndex,
        /// How many stages there are.
        stage_count: usize,
    },
}

impl DagError {
    /// The stable code of this kind of error.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooManyStages { .. } => "N2-PLAN-001",
            Self::UnknownStage { .. } => "N2-PLAN-002",
            Self::SelfDependency { .. } => "N2-PLAN-003",
            Self::DuplicateEdge { .. } => "N2-PLAN-004",
            Self::Cycle { .. } => "N2-PLAN-005",
            Self::RelationMismatch { .. } => "N2-PLAN-006",
            Self::RelationOfUnknownStage { .. } => "N2-PLAN-007",
        }
    }

    /// The message, with each stage called what `name` calls it: a graph knows indices only, people
    /// know the names of a study file.
    pub fn describe(&self, name: impl Fn(StageIndex) -> String) -> String {
        match self {
            Self::TooManyStages { stage_count, limit } => {
                format!("{stage_count} stages are more than the {limit} that a study may have")
            }
            Self::UnknownStage {
                unknown,
                from,
                to,
                stage_count,
            } => format!(
                "the edge from {} to {} needs {}, but the number of stages is {stage_count}",
                name(*from),
                name(*to),
                name(*unknown),
            ),
            Self::SelfDependency { stage } => format!("{} depends on itself", name(*stage)),
            Self::DuplicateEdge { from, to, times } => format!(
                "the edge from {} to {} is given {times} times",
                name(*from),
                name(*to),
            ),
            Self::Cycle { stages } => {
                let ring: Vec<String> = stages
                    .iter()
                    .chain(stages.first())
                    .map(|stage| name(*stage))
                    .collect();
                format!("stages wait for each other: {}", ring.join(" → "))
            }
            Self::RelationMismatch {
                stage,
                declared,
                derived: Some(derived),
            } => format!(
                "{} is declared {declared}, but its dependencies make it {derived}",
                name(*stage),
            ),
            Self::RelationMismatch {
                stage,
                declared,
                derived: None,
            } => format!(
                "{} is declared {declared}, but it depends on no stage and so has no relation",
                name(*stage),
            ),
            Self::RelationOfUnknownStage { stage, stage_count } => format!(
                "a relation is declared of {}, but the number of stages is {stage_count}",
                name(*stage),
            ),
        }
    }
}

impl fmt::Display for DagError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.describe(|stage| format!("stage {stage}")))
    }
}

impl std::error::Error for DagError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cycle_is_closed_in_its_message_and_can_be_named() {
        let error = DagError::Cycle {
            stages: vec![StageIndex(0), StageIndex(2)],
        };
        assert_eq!(
            error.to_string(),
            "stages wait for each other: stage 0 → stage 2 → stage 0"
        );
        let names = ["floorplan", "timing", "area"];
        assert_eq!(
            error.describe(|stage| format!("`{}`", names[stage.position()])),
            "stages wait for each other: `floorplan` → `area` → `floorplan`"
        );
    }

    #[test]
    fn a_root_with_a_declared_relation_is_told_that_roots_have_none() {
        let error = DagError::RelationMismatch {
            stage: StageIndex(0),
            declared: StageRelation::Sequential,
            derived: None,
        };
        assert_eq!(
            error.to_string(),
            "stage 0 is declared sequential, but it depends on no stage and so has no relation"
        );
    }
}
