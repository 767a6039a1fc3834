//! Codes `N2-PRIORS-…`: the store of evidence between runs.

use crate::codes;

codes! {
    "N2-PRIORS-001", "the store of priors is damaged" {
        meaning: "The file is no whole database. It is never replaced by itself; the run goes on without priors.";
        causes: [
            "a disk that loses bytes",
            "a copy that broke off",
        ];
        advice: "Move the file away and bring back an export with `noodle2 priors import FILE`, or record run \
             folders anew.";
        example: "a store of which half was copied";
    }
    "N2-PRIORS-002", "a database, but no store of priors" {
        meaning: "The file belongs to something else. Nothing is written into it.";
        causes: [
            "a wrong path",
        ];
        advice: "Name another file with `--priors` or `NOODLE2_PRIORS`.";
        example: "`--priors browser-history.sqlite`";
    }
    "N2-PRIORS-003", "the store was written by a later noodle2" {
        meaning: "Its version is not known here, so nothing in it is touched.";
        causes: [
            "two versions on one machine",
        ];
        advice: "Use the later noodle2, or another file.";
        example: "a store in a shared home folder";
    }
    "N2-PRIORS-004", "another process writes to the store" {
        meaning: "The store was locked for longer than is waited. The run goes on; what it found can be recorded \
             later.";
        causes: [
            "several runs that end at once",
            "a backup that holds the file",
        ];
        advice: "Run `noodle2 priors record RUN` later.";
        example: "ten runs that end in the same second on a network disk";
    }
    "N2-PRIORS-005", "the store cannot be written" {
        meaning: "The file or its folder may not be written.";
        causes: [
            "missing permission",
            "a read-only disk",
        ];
        advice: "Make both writable, or name another file with `--priors` or `NOODLE2_PRIORS`.";
        example: "a home folder that is mounted read-only";
    }
    "N2-PRIORS-006", "no space is left for the store" {
        meaning: "The disk that holds it is full. The store is as it was before.";
        causes: [
            "a full disk",
        ];
        advice: "Make room, then `noodle2 priors record RUN`.";
        example: "a full home folder";
    }
    "N2-PRIORS-007", "the store cannot be used" {
        meaning: "The database gave an error that none of the others names.";
        causes: [
            "a file system without locks",
        ];
        advice: "Read the cause; a store on a local disk is the safe choice.";
        example: "a store on a network disk that cannot lock";
    }
    "N2-PRIORS-010", "nobody can tell where evidence is kept" {
        meaning: "There is no home folder, and no file was named.";
        causes: [
            "a service account without a home",
        ];
        advice: "Name a file with `--priors` or `NOODLE2_PRIORS`.";
        example: "a job of cron without `HOME`";
    }
    "N2-PRIORS-011", "nothing is imported" {
        meaning: "The file that was to be imported could not be read or is no export.";
        causes: [
            "a wrong file",
            "an export that was edited",
        ];
        advice: "`noodle2 priors export` writes what is read here.";
        example: "`noodle2 priors import summary.json`";
    }
    "N2-PRIORS-012", "what is to be forgotten was not named" {
        meaning: "`priors forget` forgets what it is told and nothing by default.";
        causes: [
            "no option was given",
        ];
        advice: "Name a project, study, platform, ECO or age; `--all` forgets everything.";
        example: "`noodle2 priors forget`";
    }
    "N2-PRIORS-013", "the run has not ended" {
        meaning: "Evidence is taken from runs as a whole, so that none counts twice.";
        causes: [
            "a run that was interrupted",
        ];
        advice: "`noodle2 resume` it first.";
        example: "`noodle2 priors record` of a run that waits for approval";
    }
}
