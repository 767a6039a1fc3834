//! Codes `N2-COMPARE-…`: comparisons.

use crate::codes;

codes! {
    "N2-COMPARE-001", "nothing that can be compared" {
        meaning: "What was named is no measured case, stage or branch of its run.";
        causes: [
            "a misspelt case",
            "a case whose trial failed",
            "the name of an ECO",
        ];
        advice: "Name a case, `best`, `base`, a stage, or `branch:STAGE`; `noodle2 lineage --all` lists every case.";
        example: "`noodle2 compare runs/first counter_9_9 base`";
    }
}
