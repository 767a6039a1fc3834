//! Codes `N2-EXPORT-…`: tables of runs.

use crate::codes;

codes! {
    "N2-EXPORT-001", "a table that a run does not have" {
        meaning: "A table was named that is not known, or an option that does not go with the format.";
        causes: [
            "a misspelt table",
            "`--stage` without `--format metrics21`",
        ];
        advice: "Name tables that the message lists, or leave `--tables` out for all.";
        example: "`--tables trails`";
    }
    "N2-EXPORT-002", "tables into a run folder" {
        meaning: "A run folder holds its own record alone, so nothing is exported into it.";
        causes: [
            "`--to` names a folder within the run",
        ];
        advice: "Name a folder outside of the run.";
        example: "`noodle2 export runs/first --to runs/first/tables`";
    }
    "N2-EXPORT-003", "a table cannot be written" {
        meaning: "A file of the export could not be made. Files that were finished before are whole.";
        causes: [
            "a full disk",
            "a folder that may not be written to",
        ];
        advice: "Make room, or name another folder, and export again.";
        example: "`--to /proc/tables`";
    }
}
