//! Codes `N2-MAN-…`: manual pages.

use crate::codes;

codes! {
    "N2-MAN-001", "a manual page cannot be written" {
        meaning: "The folder cannot be made, or a page cannot be written into it.";
        causes: [
            "a folder that may not be written to",
            "a full disk",
        ];
        advice: "Name a folder of your own with `--out`.";
        example: "`noodle2 man --out /usr/share/man/man1` as an ordinary user";
    }
}
