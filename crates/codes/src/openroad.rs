//! Codes `N2-OPENROAD-…`: logs of OpenROAD.

use crate::codes;

codes! {
    "N2-OPENROAD-001", "a log cannot be read" {
        meaning: "The file that was named is not there or may not be read.";
        causes: [
            "a misspelt path",
        ];
        advice: "Name the file that OpenROAD's output went to, or `-` for a pipe.";
        example: "`noodle2 openroad-log missing.log`";
    }
    "N2-OPENROAD-002", "nothing in the log is OpenROAD's" {
        meaning: "No message, banner, crash or report that OpenROAD is known to print was found.";
        causes: [
            "another tool's log",
            "an empty file",
        ];
        advice: "Name the right log; with `--status` or `--signal` an empty log is judged too.";
        example: "`noodle2 openroad-log yosys.log`";
    }
}
