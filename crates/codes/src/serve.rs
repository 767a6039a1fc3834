//! Codes `N2-SERVE-…`: runs in a browser.

use crate::codes;

codes! {
    "N2-SERVE-001", "a server open to others that was not asked to be" {
        meaning: "The address that `--host` names can be reached from other machines, and `--open` was not given.";
        causes: [
            "`--host 0.0.0.0` for a look from one's own desk",
        ];
        advice: "Leave `--host` out and come by an SSH tunnel; or add `--open`, and every page asks for the token.";
        example: "`noodle2 serve runs --host 0.0.0.0`";
    }
    "N2-SERVE-002", "an address that cannot be listened at" {
        meaning: "The port is taken, or the address is none of this machine.";
        causes: [
            "a server that still runs",
            "an address of another machine",
        ];
        advice: "Choose another `--port`; 0 takes a free one.";
        example: "a second `noodle2 serve` with the same port";
    }
    "N2-SERVE-003", "no folder to serve" {
        meaning: "What was named is no folder.";
        causes: [
            "a misspelt path",
            "the journal instead of its folder",
        ];
        advice: "Name a run folder, or a folder with runs below it.";
        example: "`noodle2 serve runs/first/journal.ndjson`";
    }
}
