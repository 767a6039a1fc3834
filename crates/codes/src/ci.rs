//! Codes `N2-CI-…`: regression checks.

use crate::codes;

codes! {
    "N2-CI-001", "a regression check of a study that is not locked" {
        meaning: "`noodle2 ci` compares runs over time, so what it runs may not be free to change more than before: \
             the study and each of its stages must be of the safety domain `locked`.";
        causes: [
            "a study that was written to explore",
            "a stage with a domain of its own",
        ];
        advice: "Write `safety_domain: locked`; `noodle2 check` then says which ECOs it may not try.";
        example: "`safety_domain: guarded` in the study of a pipeline";
    }
    "N2-CI-002", "a baseline that cannot be compared with" {
        meaning: "The file is not there, is no baseline, was written by another version of its format, or belongs to \
             another study.";
        causes: [
            "the first check of a study",
            "a tolerance that was misspelt",
            "the baseline of a neighbouring study",
        ];
        advice: "Mend what the message names, or write a new baseline by `--write-baseline`, of a run that is as it \
             should be.";
        example: "`noodle2 ci study.yaml --baseline other.json`";
    }
}
