//! Codes `N2-PLAN-…`: the graph of stages.

use crate::codes;

codes! {
    "N2-PLAN-001", "too many stages" {
        meaning: "The graph has more stages than a study may have.";
        causes: [
            "a generated study",
        ];
        advice: "Make several studies of it.";
        example: "a study with 100,000 stages";
    }
    "N2-PLAN-002", "an edge leads to a stage that is not there" {
        meaning: "An edge of the graph names a stage beyond the last. Study files name stages, and are refused \
             before with N2-STUDY-015.";
        causes: [
            "a graph that was made by a program",
        ];
        advice: "Correct the edge.";
        example: "an edge to stage 7 of 5";
    }
    "N2-PLAN-003", "a stage depends on itself" {
        meaning: "No stage can wait for itself. Study files are refused before with N2-STUDY-016.";
        causes: [
            "a graph that was made by a program",
        ];
        advice: "Remove the edge.";
        example: "an edge from stage 2 to stage 2";
    }
    "N2-PLAN-004", "an edge is given twice" {
        meaning: "Two edges join the same stages. Study files are refused before with N2-STUDY-013.";
        causes: [
            "a graph that was made by a program",
        ];
        advice: "Give it once.";
        example: "`after: [timing, timing]`";
    }
    "N2-PLAN-005", "stages wait for each other in a circle" {
        meaning: "None of them could start. Study files are refused before with N2-STUDY-017.";
        causes: [
            "a graph that was made by a program",
        ];
        advice: "Remove one of the edges that the message lists.";
        example: "`stage 0 → stage 2 → stage 0`";
    }
    "N2-PLAN-006", "the declared relation is not that of the graph" {
        meaning: "What is declared of a stage contradicts its edges. Study files are refused before with \
             N2-STUDY-018.";
        causes: [
            "an edge that was added or forgotten",
        ];
        advice: "Correct the relation or the edges.";
        example: "`sequential` for a stage with two predecessors";
    }
    "N2-PLAN-007", "a relation is declared of a stage that is not there" {
        meaning: "The graph has fewer stages.";
        causes: [
            "a graph that was made by a program",
        ];
        advice: "Correct the number.";
        example: "a relation of stage 9 of 5";
    }
}
