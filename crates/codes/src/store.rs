//! Codes `N2-STORE-…`: run folders.

use crate::codes;

codes! {
    "N2-STORE-001", "a file of the run cannot be read or written" {
        meaning: "An operation of the file system failed; the message names it, the file and the cause.";
        causes: [
            "missing permission",
            "a disk that went away",
        ];
        advice: "Mend the cause, then resume.";
        example: "a run folder that belongs to another user";
    }
    "N2-STORE-002", "no space is left" {
        meaning: "The disk is full. What was recorded is whole.";
        causes: [
            "a full disk",
            "a quota",
        ];
        advice: "Free some space there, then resume the run.";
        example: "a quota of 1 GB";
    }
    "N2-STORE-003", "the run is being written to" {
        meaning: "Another process works on the run. One run has one controller.";
        causes: [
            "`resume` while it still runs",
        ];
        advice: "Wait for that process or end it; the lock goes with it and never needs removing.";
        example: "`noodle2 resume runs/first` in a second terminal";
    }
    "N2-STORE-004", "the folder is not empty" {
        meaning: "A run begins in a folder of its own.";
        causes: [
            "`--out` names an older run",
        ];
        advice: "Name another folder, or `noodle2 resume` the run that is there.";
        example: "`noodle2 run study.yaml --out runs/first` a second time";
    }
    "N2-STORE-005", "this is no run folder" {
        meaning: "The folder is not there, or has no journal of a run.";
        causes: [
            "a misspelt path",
            "the folder above or below the run",
        ];
        advice: "Name the folder that `--out` named.";
        example: "`noodle2 status runs`";
    }
    "N2-STORE-006", "the journal is damaged" {
        meaning: "A record is not what was written: its checksum, its number or the chain does not fit. Records \
             before it are intact.";
        causes: [
            "a disk that loses bytes",
            "someone edited it",
        ];
        advice: "Restore the journal from a copy.";
        example: "a changed byte in `journal.ndjson`";
    }
    "N2-STORE-007", "an event that this version does not know" {
        meaning: "The journal is whole, and a later noodle2 wrote it.";
        causes: [
            "two versions on one machine",
        ];
        advice: "Use the version that wrote it.";
        example: "a run of next year's noodle2";
    }
    "N2-STORE-008", "the journal takes no more records" {
        meaning: "A write failed before, and what is on the disk is not known.";
        causes: [
            "see the first message",
        ];
        advice: "Resume the run: the end of the journal is read anew.";
        example: "a disk that failed during a write";
    }
    "N2-STORE-009", "an event cannot be written faithfully" {
        meaning: "What would be read back is not what was decided.";
        causes: [
            "a defect of noodle2",
        ];
        advice: "Report it with the message.";
        example: "none is known";
    }
    "N2-STORE-010", "a file is not of its form" {
        meaning: "A file of the run folder is not valid.";
        causes: [
            "someone edited it",
            "a copy that broke off",
        ];
        advice: "Restore it from a copy.";
        example: "an `artifacts.json` with a missing brace";
    }
    "N2-STORE-011", "a file cannot be listed as an artifact" {
        meaning: "An attempt left something that is no plain file or has a name that is not UTF-8.";
        causes: [
            "an ECO that makes pipes or sockets",
        ];
        advice: "Have the ECO remove it.";
        example: "`mkfifo` in an ECO's script";
    }
    "N2-STORE-012", "no run can be made there" {
        meaning: "The folder cannot be made or written.";
        causes: [
            "missing permission",
            "a file where a folder has to be",
        ];
        advice: "Name a folder that may be written, or one that can be made.";
        example: "`--out study.yaml/run`";
    }
    "N2-STORE-013", "the run has not begun" {
        meaning: "The folder was made, and there is no record in it.";
        causes: [
            "a crash in the first moment",
        ];
        advice: "Begin it with `noodle2 run STUDY --out` and this folder.";
        example: "a run that was killed while the study was read";
    }
    "N2-STORE-014", "the journal was cut" {
        meaning: "It is shorter than what was written into it while the run went on.";
        causes: [
            "an ECO's script that opens it for writing",
            "a file system that lost writes",
        ];
        advice: "Restore the journal from a copy, find what wrote to it, then resume.";
        example: "`: > journal.ndjson` in an ECO";
    }
    "N2-STORE-015", "something else keeps writing to the journal" {
        meaning: "What was set right was changed again and again.";
        causes: [
            "a program that follows the run folder",
        ];
        advice: "Find it and end it, then resume.";
        example: "a synchronising tool that puts an old copy back";
    }
    "N2-STORE-021", "the last record is incomplete" {
        meaning: "The journal ends within a record, as after a power cut. `resume` takes it off.";
        causes: [
            "a power cut",
            "a run that is at work this moment",
        ];
        advice: "Resume the run; nothing that was acted on is lost.";
        example: "`noodle2 verify` after a crash";
    }
    "N2-STORE-022", "an artifact is missing" {
        meaning: "A file that an attempt left is not there.";
        causes: [
            "somebody tidied up",
        ];
        advice: "Restore it from a copy.";
        example: "a removed `sta.log`";
    }
    "N2-STORE-023", "an artifact was changed" {
        meaning: "A file that an attempt left is not what it was.";
        causes: [
            "somebody edited it",
        ];
        advice: "Restore it from a copy.";
        example: "an edited `netlist.v`";
    }
    "N2-STORE-024", "a file that no attempt left" {
        meaning: "Something stands among an attempt's files that was not there when it ended.";
        causes: [
            "notes put into the run folder",
        ];
        advice: "Move it out.";
        example: "`trials/counter_1_4/1/notes.txt`";
    }
    "N2-STORE-025", "an index of artifacts is missing" {
        meaning: "A finished attempt has no list of its files, so nothing can be said of them.";
        causes: [
            "somebody tidied up",
        ];
        advice: "Restore it from a copy.";
        example: "a removed `artifacts.json`";
    }
    "N2-STORE-026", "an attempt that the journal does not know" {
        meaning: "A folder of an attempt stands there, and no record tells of it.";
        causes: [
            "a folder copied from another run",
        ];
        advice: "Move it out.";
        example: "`trials/counter_1_99/1`";
    }
    "N2-STORE-027", "an index of artifacts was changed" {
        meaning: "The list of an attempt's files is not the one whose hash the journal has.";
        causes: [
            "somebody edited it",
        ];
        advice: "Restore it from a copy.";
        example: "a file and its hash exchanged together";
    }
    "N2-STORE-028", "a file of the run is missing" {
        meaning: "A file that the journal gives is not there.";
        causes: [
            "somebody tidied up",
        ];
        advice: "`noodle2 report` prints what the journal gives; what an attempt left comes from a copy alone.";
        example: "a removed `report.md`";
    }
    "N2-STORE-029", "a file of the run is not what the journal gives" {
        meaning: "The journal is the only truth, and the file tells something else.";
        causes: [
            "somebody edited it",
        ];
        advice: "Do not believe the file; `noodle2 report` prints what the journal gives.";
        example: "a number changed in `summary.json`";
    }
    "N2-STORE-030", "something that belongs to no attempt or case" {
        meaning: "It stands where attempts and cases stand.";
        causes: [
            "notes put into the run folder",
        ];
        advice: "Move it out.";
        example: "`cases/best`";
    }
    "N2-STORE-031", "not a file" {
        meaning: "A symbolic link or something else stands where a file must. It is not followed.";
        causes: [
            "files moved elsewhere and linked",
        ];
        advice: "Put the file itself back.";
        example: "`report.md` as a link to another run's";
    }
    "N2-STORE-032", "something else wrote into the journal" {
        meaning: "Bytes were found that no controller had written; they were taken out and kept beside it. The \
             records are whole.";
        causes: [
            "an ECO's script that writes into the run folder",
        ];
        advice: "Look at the kept file to see what wrote it.";
        example: "`echo done >> journal.ndjson` in an ECO";
    }
    "N2-STORE-033", "a collected file that no attempt left" {
        meaning: "The record of what `noodle2 gc` removed tells of a file that no sealed index of the run has with \
             that hash.";
        causes: [
            "somebody edited the record",
            "a record copied from another run",
        ];
        advice: "Restore the record from a copy; do not believe that what it names was ever there.";
        example: "a line added to `collected.ndjson`";
    }
}
