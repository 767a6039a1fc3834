//! Codes `N2-REBUILD-…`: rebuilt cases.

use crate::codes;

codes! {
    "N2-REBUILD-001", "a script that makes another design" {
        meaning: "The script was run from the base case, and what it made differs from the case. Each difference is \
             told, and stands in the README beside the script.";
        causes: [
            "an ECO that also changed what netlists do not tell",
            "an engine of another version",
        ];
        advice: "Take the netlist of the case, which is the one that was measured; `noodle2 replay` shows whether \
             the trial itself still comes out as it was recorded.";
        example: "a cell of the case that the script leaves as it was";
    }
}
