//! Codes `N2-LIBERTY-…`: reading libraries.

use crate::codes;

codes! {
    "N2-LIBERTY-001", "a library cannot be read" {
        meaning: "A Liberty file, or what is kept of it between runs, could not be read or written.";
        causes: [
            "a missing file",
            "missing permission",
            "a full disk",
        ];
        advice: "The message names the file and what was done to it.";
        example: "a platform's folder that is not mounted";
    }
    "N2-LIBERTY-002", "a library cannot be decompressed" {
        meaning: "The file ends in `.gz`, and its content is no whole gzip stream.";
        causes: [
            "a download that broke off",
        ];
        advice: "Fetch it again; `gunzip --test` tells whether it is whole.";
        example: "half a `cells.lib.gz`";
    }
    "N2-LIBERTY-003", "a library is too large" {
        meaning: "Decompressed it is larger than any library is.";
        causes: [
            "a file that is no library",
            "a hostile file",
        ];
        advice: "Name the right file.";
        example: "a `.gz` of zeros";
    }
    "N2-LIBERTY-004", "a library is not Liberty" {
        meaning: "The text breaks the rules of the format at the line that is named.";
        causes: [
            "a file that was cut off",
            "a missing brace",
            "`include_file`, which is not followed",
        ];
        advice: "Look at that line; fetch the file again, or put included text into it.";
        example: "`cell (INVX1) {` without its closing brace";
    }
}
