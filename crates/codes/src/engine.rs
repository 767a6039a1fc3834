//! Codes `N2-ENGINE-…`: timing engines and what they are given.

use crate::codes;

codes! {
    "N2-ENGINE-001", "OpenSTA cannot be found" {
        meaning: "The engine of the study is OpenSTA, and there is no `sta` to start.";
        causes: [
            "it is not installed",
            "it is not on the PATH",
        ];
        advice: "Install it (on Debian `apt-get install opensta`), or name the executable in the study's \
             `engine.path`.";
        example: "`noodle2 run` on a machine without `sta`";
    }
    "N2-ENGINE-002", "the engine could not be looked at" {
        meaning: "To learn what an engine can do it is started once, and a file for that could not be written or \
             read, or the process could not be started.";
        causes: [
            "a full disk",
            "missing permission to execute",
        ];
        advice: "The message names the file and the cause.";
        example: "an `engine.path` on a disk mounted `noexec`";
    }
    "N2-ENGINE-003", "this does not answer as OpenSTA does" {
        meaning: "The program was started and asked for its version and abilities, and its answer is not OpenSTA's.";
        causes: [
            "another program of that name",
            "a wrapper script that prints something else",
            "a version that is too old",
        ];
        advice: "Run the program by hand with `-version`; name another in `engine.path`.";
        example: "`engine: {path: /usr/bin/true}`";
    }
    "N2-ENGINE-010", "an input cannot be read" {
        meaning: "A netlist, constraint file or SPEF of the study could not be read when the run was prepared.";
        causes: [
            "a missing file",
            "missing permission",
        ];
        advice: "Correct the path or the permission; paths are relative to the folder of the study.";
        example: "a constraint file that was moved after `noodle2 check`";
    }
    "N2-ENGINE-011", "an input is compressed" {
        meaning: "The engine that was found reads plain text there.";
        causes: [
            "a netlist as `.v.gz`",
        ];
        advice: "Decompress it with `gunzip --keep` and name the plain file.";
        example: "`netlists: [core.v.gz]`";
    }
    "N2-ENGINE-012", "a path that no script can name" {
        meaning: "Scripts are UTF-8 text, and this path is not.";
        causes: [
            "a file name in an old encoding",
        ];
        advice: "Rename the file or folder.";
        example: "a folder called with bytes of Latin-1";
    }
    "N2-ENGINE-013", "the engine cannot do what a scene asks for" {
        meaning: "The version that was found lacks a command that the study needs.";
        causes: [
            "an old OpenSTA",
        ];
        advice: "Install a newer one, or leave out what the message names.";
        example: "several corners in one process with an OpenSTA that has no `define_corners`";
    }
    "N2-ENGINE-014", "a file for the engine cannot be written" {
        meaning: "Libraries, inputs and scripts are laid into the run folder for the engine, and that failed.";
        causes: [
            "a full disk",
            "missing permission",
        ];
        advice: "Make room or mend the permission, then resume.";
        example: "a run folder on a full disk";
    }
    "N2-ENGINE-015", "OpenROAD cannot be found" {
        meaning: "The engine of the study is OpenROAD, and there is none to start.";
        causes: [
            "it is not installed",
            "it is not on the PATH",
        ];
        advice: "Install it, or name the executable in `engine.path`, or an image that holds it in \
             `engine.container`.";
        example: "`engine: {kind: openroad, snapshot: placed.odb}` on a machine without `openroad`";
    }
    "N2-ENGINE-016", "this does not answer as OpenROAD does" {
        meaning: "The program was started and asked for its version and abilities, and its answer is not \
             OpenROAD's.";
        causes: [
            "another program of that name",
            "an image with another entry point",
        ];
        advice: "Run it by hand with `-version`.";
        example: "a container image that starts a shell";
    }
    "N2-ENGINE-017", "a LEF file cannot be read" {
        meaning: "A LEF file of the platform is damaged or uses what is not understood.";
        causes: [
            "a file that was cut off",
            "a file that is not LEF",
        ];
        advice: "The message names the file and the line; fetch it again.";
        example: "a `lefs` entry that is a GDS file";
    }
    "N2-ENGINE-018", "the platform names what its LEF files do not have" {
        meaning: "A layer, site or cell in the platform's `layout` is in none of its LEF files.";
        causes: [
            "a misspelt layer",
            "LEF files of another variant",
        ];
        advice: "`noodle2 platform check NAME` lists all such names with those that are known.";
        example: "`signal: [metal2, metal17]` with ten layers";
    }
}
