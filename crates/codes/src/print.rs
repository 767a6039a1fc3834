//! Codes `N2-PRINT-…`: what is printed.

use crate::codes;

codes! {
    "N2-PRINT-001", "stdout could not be written" {
        meaning: "What was to be printed got lost. A run folder is whole all the same.";
        causes: [
            "a full disk behind a redirection",
            "a pipe whose reader ended",
        ];
        advice: "Make room where stdout goes, or send it elsewhere; `noodle2 report` prints the results again.";
        example: "`noodle2 report runs/first > /dev/full`";
    }
}
