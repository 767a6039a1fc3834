//! Codes `N2-SNAPSHOT-…`: placed designs to start from.

use crate::codes;

codes! {
    "N2-SNAPSHOT-001", "the snapshot is there already" {
        meaning: "A snapshot is never replaced unless that is asked for: runs refer to it by content.";
        causes: [
            "`snapshot create` was run twice",
        ];
        advice: "Use it, or give `--force`.";
        example: "`noodle2 snapshot create study.yaml` a second time";
    }
    "N2-SNAPSHOT-002", "a utilisation that the platform does not permit" {
        meaning: "Such a design could not be placed well, or would waste the die.";
        causes: [
            "a number that is meant as a share",
        ];
        advice: "Give another `--utilisation`, or a platform file of your own.";
        example: "`--utilisation 99`";
    }
    "N2-SNAPSHOT-003", "a number for placing cannot be meant" {
        meaning: "A density is above 0 and at most 1, an aspect ratio above 0, a space not below 0.";
        causes: [
            "a percentage where a share is wanted",
        ];
        advice: "`noodle2 snapshot create --help` tells what each means.";
        example: "`--density 70`";
    }
    "N2-SNAPSHOT-004", "the design could not be placed" {
        meaning: "OpenROAD failed or refused; the log is kept beside the snapshot that was to be.";
        causes: [
            "a utilisation that is too high",
            "a cell without a LEF macro",
        ];
        advice: "Read the failure and the log that are named.";
        example: "`--utilisation 95`";
    }
    "N2-SNAPSHOT-005", "the study's engine starts from no snapshot" {
        meaning: "OpenSTA reads netlists.";
        causes: [
            "a study for OpenSTA",
        ];
        advice: "Write `engine: {kind: openroad, snapshot: placed.odb}`.";
        example: "`noodle2 snapshot create` with a study of `noodle2 init`";
    }
    "N2-SNAPSHOT-006", "the snapshot cannot be measured" {
        meaning: "It was placed, or found, and its measurement failed.";
        causes: [
            "a snapshot of another design or platform",
        ];
        advice: "Read the failure that is named; make it anew with `--force`.";
        example: "a snapshot that was made before the netlist was changed";
    }
}
