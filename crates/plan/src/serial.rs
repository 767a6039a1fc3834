//! The serialised form of a graph, which is checked whenever it is read.

use noodle2_model::{StageIndex, StageRelation};
use serde::de::Error as _;
use serde::ser::SerializeStruct as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::StageDag;

/// A graph as it stands in a file: nothing in it is believed.
#[derive(Deserialize)]
#[serde(rename = "StageDag", deny_unknown_fields)]
struct DeclaredDag {
    stages: usize,
    edges: Vec<DeclaredEdge>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DeclaredEdge {
    from: StageIndex,
    to: StageIndex,
    #[serde(default)]
    relation: Option<StageRelation>,
}

impl Serialize for StageDag {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut dag = serializer.serialize_struct("StageDag", 2)?;
        dag.serialize_field("stages", &self.len())?;
        dag.serialize_field("edges", self.edges())?;
        dag.end()
    }
}

impl<'de> Deserialize<'de> for StageDag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let declared = DeclaredDag::deserialize(deserializer)?;
        let edges = declared.edges.iter().map(|edge| (edge.from, edge.to));
        let checked = Self::new(declared.stages, edges).and_then(|dag| {
            // The edges into a join all carry its relation: a wrong one is worth one report a stage.
            let mut relations: Vec<(StageIndex, StageRelation)> = declared
                .edges
                .iter()
                .filter_map(|edge| Some((edge.to, edge.relation?)))
                .collect();
            relations.sort_unstable();
            relations.dedup();
            let errors = dag.check_declared(&relations);
            if errors.is_empty() {
                Ok(dag)
            } else {
                Err(errors)
            }
        });
        checked.map_err(|errors| {
            let messages: Vec<String> = errors.iter().map(ToString::to_string).collect();
            D::Error::custom(messages.join("; "))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        serde_json::from_str::<StageDag>(text)
            .expect_err("the graph should be refused")
            .to_string()
    }

    #[test]
    fn the_form_is_stable() {
        let dag = StageDag::branching(1, &[1, 1], 1).unwrap();
        let text = serde_json::to_string(&dag).unwrap();
        assert_eq!(
            text,
            concat!(
                r#"{"stages":4,"edges":["#,
                r#"{"from":0,"to":1,"relation":"independent"},"#,
                r#"{"from":0,"to":2,"relation":"independent"},"#,
                r#"{"from":1,"to":3,"relation":"convergence"},"#,
                r#"{"from":2,"to":3,"relation":"convergence"}]}"#,
            )
        );
        assert_eq!(serde_json::from_str::<StageDag>(&text).unwrap(), dag);
    }

    #[test]
    fn edges_may_stand_in_any_order_and_without_relations() {
        let text = r#"{"stages":3,"edges":[{"from":1,"to":2},{"from":0,"to":1}]}"#;
        assert_eq!(
            serde_json::from_str::<StageDag>(text).unwrap(),
            StageDag::sequential(3).unwrap()
        );
    }

    #[test]
    fn a_wrong_relation_is_refused() {
        let text = r#"{"stages":2,"edges":[{"from":0,"to":1,"relation":"independent"}]}"#;
        assert!(refusal(text).starts_with(
            "stage 1 is declared independent, but its dependencies make it sequential"
        ));
    }

    #[test]
    fn everything_wrong_with_a_file_is_told_at_once() {
        let text = r#"{"stages":2,"edges":[
            {"from":0,"to":1},{"from":1,"to":0},{"from":0,"to":0},{"from":0,"to":5}]}"#;
        let refusal = refusal(text);
        for part in [
            "stage 0 depends on itself",
            "the edge from stage 0 to stage 5 needs stage 5, but the number of stages is 2",
            "stages wait for each other: stage 0 → stage 1 → stage 0",
        ] {
            assert!(refusal.contains(part), "{part:?} is not in {refusal:?}");
        }
    }

    #[test]
    fn a_file_cannot_ask_for_endless_memory() {
        assert!(refusal(r#"{"stages":4294967295,"edges":[]}"#).contains("1000000"));
    }

    #[test]
    fn unknown_keys_are_refused() {
        assert!(refusal(r#"{"stages":1,"edges":[],"waves":[[0]]}"#).contains("waves"));
        let text = r#"{"stages":2,"edges":[{"from":0,"to":1,"weight":2}]}"#;
        assert!(refusal(text).contains("weight"));
    }
}
