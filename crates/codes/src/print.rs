//! Codes `N2-PRINT-…`: what is printed and written for people.

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
    "N2-PRINT-002", "a page of the reference cannot be written" {
        meaning: "`make reference` writes the pages of `docs/reference` from the code, and could not.";
        causes: [
            "missing permission",
            "a folder that is not there",
        ];
        advice: "Name a folder that is there and may be written.";
        example: "`make reference` in a clone that belongs to another user";
    }
}
