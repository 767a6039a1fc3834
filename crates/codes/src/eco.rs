//! Codes `N2-ECO-…`: ECOs and their folders.

use crate::codes;

codes! {
    "N2-ECO-001", "an ECO's folder cannot be read" {
        meaning: "A folder of `eco_path`, or a file in an ECO's folder, could not be read.";
        causes: [
            "a misspelt path",
            "missing permission",
        ];
        advice: "Correct the path, which is relative to the folder of the study file, or the permission.";
        example: "`eco_path: [my-ecos]` where `my-ecos` is not beside the study";
    }
    "N2-ECO-002", "a folder holds no ECO" {
        meaning: "A folder that was named as one of ECOs holds neither an `eco.yaml` nor a folder with one.";
        causes: [
            "the path leads one folder too high or too low",
        ];
        advice: "Name an ECO's own folder, or the folder that holds ECO folders.";
        example: "`noodle2 eco list --eco-path examples` instead of `examples/ecos`";
    }
    "N2-ECO-003", "an ECO's manifest is wrong" {
        meaning: "`eco.yaml` cannot be understood, or contradicts the files beside it.";
        causes: [
            "a misspelt key",
            "a name that is not its folder's",
            "an implementation that is not there",
        ];
        advice: "The message says what is wrong with which ECO; compare with a built-in one by `noodle2 eco show`.";
        example: "`name: upsize` in a folder called `upsize_more`";
    }
    "N2-ECO-100", "there is no ECO of that name" {
        meaning: "The name is in no folder of `--eco-path` and not among the built-in ones.";
        causes: [
            "a misspelt name",
            "a missing `--eco-path`",
        ];
        advice: "`noodle2 eco list` lists those there are.";
        example: "`noodle2 eco show upsize_critcal`";
    }
    "N2-ECO-101", "the scratch folder of a lint cannot be written" {
        meaning: "`eco lint` runs ECOs in a temporary folder, and could not write there.";
        causes: [
            "a full or read-only temporary folder",
        ];
        advice: "Make room, or set `TMPDIR` to a folder that may be written.";
        example: "`TMPDIR=/proc noodle2 eco lint noop`";
    }
    "N2-ECO-102", "the design that ECOs are linted on cannot be measured" {
        meaning: "Before ECOs are tried the design is measured as it is, and that failed.";
        causes: [
            "the study's base case is broken",
            "the engine is missing",
        ];
        advice: "Repair the study first: `noodle2 check` and `noodle2 run` tell what is wrong with its base case.";
        example: "`noodle2 eco lint --study study.yaml` with a netlist that does not link";
    }
    "N2-ECO-103", "ECO folders are not in order" {
        meaning: "`eco list` lists what can be used and found folders that cannot; each was told above.";
        causes: [
            "see N2-ECO-001 to N2-ECO-003",
        ];
        advice: "Mend the folders that were named, or take them off the path.";
        example: "one ECO folder of three lacks its script";
    }
}
