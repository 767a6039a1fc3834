//! Codes `N2-INIT-…`: writing a first study.

use crate::codes;

codes! {
    "N2-INIT-001", "the folder holds such files already" {
        meaning: "`noodle2 init` never replaces a file. Nothing was written.";
        causes: [
            "`init` was run twice",
        ];
        advice: "Name another folder, or move the files away.";
        example: "`noodle2 init my-study` a second time";
    }
    "N2-INIT-002", "a file of the study cannot be written" {
        meaning: "The folder could not be made, or a file in it.";
        causes: [
            "missing permission",
            "a full disk",
        ];
        advice: "Name a folder that may be written.";
        example: "`noodle2 init /proc/study`";
    }
}
