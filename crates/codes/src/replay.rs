//! Codes `N2-REPLAY-…`: trials made again.

use crate::codes;

codes! {
    "N2-REPLAY-001", "no attempt to replay" {
        meaning: "The trial has no attempt that has ended, or none of that number.";
        causes: [
            "a trial that was never run",
            "a number that is too large",
        ];
        advice: "Name an attempt that the message lists; `noodle2 explain` says why a trial was not run.";
        example: "`--attempt 7` of a trial with one";
    }
    "N2-REPLAY-002", "what an attempt started from was changed" {
        meaning: "Files in the run folder that the attempt starts from are gone or not what the journal recorded, so \
             it cannot be made again.";
        causes: [
            "files that `noodle2 gc` took",
            "somebody edited them",
        ];
        advice: "Restore them from a copy; `noodle2 verify` names each.";
        example: "an edited netlist in `cases/`";
    }
    "N2-REPLAY-003", "tools that are not those of the run" {
        meaning: "The engine or another tool of this machine is not the one that the run recorded, so a difference \
             would tell of the tool.";
        causes: [
            "an update of the engine",
            "another machine",
        ];
        advice: "Put the tools back, or add `--any-engine` to see what those that are here make of it.";
        example: "OpenSTA was updated since the run";
    }
    "N2-REPLAY-004", "a trial that cannot be tried so" {
        meaning: "What `--param` asks for is no parameter of the ECO, no value that it takes, or the trial has none \
             that could be changed.";
        causes: [
            "a misspelt parameter",
            "a value out of its range",
            "a trial of a sequence or of no ECO",
        ];
        advice: "`noodle2 eco show` lists the parameters of an ECO with their ranges.";
        example: "`--param limit=many`";
    }
}
