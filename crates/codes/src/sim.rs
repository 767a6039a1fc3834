//! Codes `N2-SIM-…`: runs on a virtual clock.

use crate::codes;

codes! {
    "N2-SIM-000", "several options are wrong" {
        meaning: "Each was told above with its own code.";
        causes: [
            "see the codes above",
        ];
        advice: "Correct the options.";
        example: "`--workers 0 --faults sometimes`";
    }
    "N2-SIM-001", "a number of workers cannot be meant" {
        meaning: "`--workers` takes whole numbers above 0, with commas between them.";
        causes: [
            "a zero",
            "a word",
        ];
        advice: "Write `--workers 1,8,64`.";
        example: "`--workers many`";
    }
    "N2-SIM-002", "durations cannot be understood" {
        meaning: "`--durations` takes a distribution with its numbers, or a run folder.";
        causes: [
            "a misspelt distribution",
            "a number that is no duration",
        ];
        advice: "`noodle2 simulate --help` lists the forms.";
        example: "`--durations lognormal:4`";
    }
    "N2-SIM-003", "faults cannot be understood" {
        meaning: "`--faults` takes kinds of faults with their chance from 0 to 1.";
        causes: [
            "a misspelt kind",
            "a chance above 1",
        ];
        advice: "`noodle2 simulate --help` lists the kinds.";
        example: "`--faults crash=5`";
    }
}
