//! Codes `N2-GC-…`: making room.

use crate::codes;

codes! {
    "N2-GC-001", "no run to make room from" {
        meaning: "Neither the folder nor those below it hold a run.";
        causes: [
            "a misspelt folder",
            "a folder too far above the runs",
        ];
        advice: "Name a run folder, or a folder that holds some.";
        example: "`noodle2 gc empty`";
    }
}
