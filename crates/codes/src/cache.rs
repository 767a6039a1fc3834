//! Codes `N2-CACHE-…`: the store of known results.

use crate::codes;

codes! {
    "N2-CACHE-001", "the cache cannot be read or written" {
        meaning: "The folder that keeps known results refused an operation. The run goes on; what cannot be looked \
             up is run, and what cannot be kept is not kept.";
        causes: [
            "the folder is not writable",
            "its disk is full or gone",
        ];
        advice: "See that the folder may be read and written to and has room, name another with `--cache`, or do \
             without with `--no-cache`.";
        example: "`noodle2 run study.yaml --out runs/first --cache /read-only/cache`";
    }
    "N2-CACHE-002", "files of a known result could not be hashed or copied" {
        meaning: "What the run folder keeps of an attempt, or what the cache keeps of it, failed while it was read \
             or written.";
        causes: [
            "the disk of the run folder or of the cache failed",
            "a file vanished meanwhile",
        ];
        advice: "Read the cause in the message; it names the file. The result itself is whole, only the cache does \
             not have it.";
        example: "a run folder on a network disk that went away";
    }
    "N2-CACHE-003", "an entry of the cache is damaged" {
        meaning: "An entry, or a file that it names, is not what it was when it was written. It is not believed, \
             and what it told is run again.";
        causes: [
            "a disk that loses bytes",
            "someone edited files in the cache",
        ];
        advice: "Nothing need be done: it is made anew. Look after the disk if it comes again.";
        example: "a byte of a kept netlist that was changed";
    }
    "N2-CACHE-004", "a file of a run is not the one that its result tells of" {
        meaning: "Before a result is kept for later runs, its files are hashed again; one had changed. Nothing is \
             kept of this attempt.";
        causes: [
            "an ECO's script or another program writes into the run folder",
        ];
        advice: "Find out who changes files of a run; `noodle2 verify` lists what differs.";
        example: "a program that post-processes `netlist.v` in the run folder while it runs";
    }
    "N2-CACHE-005", "a known result was not found again" {
        meaning: "An attempt was answered from the cache, was run all the same as a check, and came to something \
             else. The entry is forgotten, and the run goes by what was measured.";
        causes: [
            "a tool whose results depend on more than its inputs",
            "an entry that another machine made",
        ];
        advice: "Look at the attempt that the message names; run with `--no-cache` until the tool is repeatable.";
        example: "an ECO that reads the time of day";
    }
}
