//! Codes `N2-RUN-…`: runs and their records.

use crate::codes;

codes! {
    "N2-RUN-001", "the journal tells no possible run" {
        meaning: "The records are whole, but a decision in them is not the one that the rules give.";
        causes: [
            "the journal was changed",
            "another version of noodle2 wrote it",
        ];
        advice: "`noodle2 verify` says what else is wrong; use the version that made the run.";
        example: "a survivor that was exchanged in `journal.ndjson`";
    }
    "N2-RUN-002", "the run has nothing of that name" {
        meaning: "No stage, case, trial, ECO or branch is called so.";
        causes: [
            "a misspelt name",
            "a case of another run",
        ];
        advice: "`noodle2 report` lists stages and ECOs, `noodle2 lineage --all` every case.";
        example: "`noodle2 show runs/first counter_9_99`";
    }
    "N2-RUN-003", "no space is left" {
        meaning: "The disk that holds the run folder is full. The run stopped in a state that can be resumed.";
        causes: [
            "a full disk",
        ];
        advice: "Make room, then `noodle2 resume`. Nothing that was recorded is lost.";
        example: "a quota that was reached overnight";
    }
    "N2-RUN-004", "something was changed since the run began" {
        meaning: "A run is of one study, one set of inputs and one set of tools, by content.";
        causes: [
            "a constraint file was edited",
            "the engine was upgraded",
        ];
        advice: "Put back what the message names, or begin a new run.";
        example: "editing the netlist between `run` and `resume`";
    }
    "N2-RUN-005", "several things are missing" {
        meaning: "Each was told above with its own code.";
        causes: [
            "see the codes above",
        ];
        advice: "`noodle2 doctor` says what is installed and what is missing.";
        example: "neither the engine nor the platform's libraries are there";
    }
    "N2-RUN-006", "no temporary folder can be made" {
        meaning: "An engine is looked at in a temporary folder, and there is none.";
        causes: [
            "a full or read-only temporary folder",
        ];
        advice: "Make room, or set `TMPDIR`.";
        example: "`TMPDIR=/no/such/folder noodle2 run …`";
    }
    "N2-RUN-007", "an ECO needs a program that is not there" {
        meaning: "The ECO is a command, and the program that it starts is not on the PATH.";
        causes: [
            "it is not installed",
        ];
        advice: "Install it, or leave the ECO out.";
        example: "an ECO that restructures by `yosys`, on a machine without it";
    }
    "N2-RUN-008", "records are missing from the end of the journal" {
        meaning: "Something in the run folder tells of more than the journal does.";
        causes: [
            "a copy that was cut off",
            "an older journal was put back",
        ];
        advice: "Restore the journal from a copy; the message lists the signs.";
        example: "`summary.json` of a run whose journal ends before the last stage";
    }
    "N2-RUN-009", "a shared input is not what its name tells" {
        meaning: "Scripts of a run share files that are named by their content, and one holds something else.";
        causes: [
            "someone edited a file in `inputs/`",
        ];
        advice: "Restore the file from a copy; results that read it cannot be repeated.";
        example: "a changed `prelude-….tcl`";
    }
    "N2-RUN-010", "the engine that the study names cannot be started" {
        meaning: "`engine.path` names something that is no program.";
        causes: [
            "a folder",
            "a file that may not be executed",
        ];
        advice: "Name the executable itself, or leave `engine.path` out.";
        example: "`engine: {path: /usr/bin}`";
    }
    "N2-RUN-011", "nothing is known of that word" {
        meaning: "It is no code, kind of failure, metric, domain or class of ECO.";
        causes: [
            "a misspelt word",
            "something of a run, whose folder was not named",
        ];
        advice: "`noodle2 explain` without a word lists what can be explained; for something of a run name its \
             folder first.";
        example: "`noodle2 explain N2-STUDY-999`";
    }
    "N2-RUN-012", "a netlist of the run is not the one that was recorded" {
        meaning: "What is to be handed over is read from the run folder, and its content differs from the \
             journal's.";
        causes: [
            "a file of the run was changed",
        ];
        advice: "`noodle2 verify` lists what differs.";
        example: "an edited `cases/counter_1_4/netlist.v`";
    }
    "N2-RUN-013", "this cannot be handed over" {
        meaning: "The edits cannot be written for the tool, or the check of them cannot be made.";
        causes: [
            "an edit that the tool has no command for",
            "`--check` with another tool than opensta",
        ];
        advice: "The case's netlist is whole in the run folder; or check the same edits by `--for opensta \
             --check`.";
        example: "`noodle2 handover runs/first counter_1_4 --for innovus --check`";
    }
    "N2-RUN-014", "a script that is handed over makes something else" {
        meaning: "`handover --check` carried the script out by plain OpenSTA, and the netlist or a metric differs.";
        causes: [
            "another version of OpenSTA",
            "a defect of noodle2",
        ];
        advice: "Do not use the script; report it with the message.";
        example: "none is known";
    }
    "N2-RUN-015", "there is no gain to keep" {
        meaning: "`minimize` keeps a share of a gain, and the case has none by that metric.";
        causes: [
            "a metric that the case did not improve",
            "a word that is no metric",
        ];
        advice: "Name another metric by `--metric`, or another case.";
        example: "`noodle2 minimize` of the base case";
    }
    "N2-RUN-016", "the folder for a record is not empty" {
        meaning: "`minimize` keeps a record of what it measured, in a folder that is new or empty.";
        causes: [
            "it was run twice",
        ];
        advice: "Name another folder.";
        example: "`--out fewest` a second time";
    }
    "N2-RUN-017", "an answer does not count" {
        meaning: "The stage does not wait for approval, the person may not approve, or has answered already.";
        causes: [
            "a stage that has started",
            "a name that the study does not list",
            "new results since the evidence was looked at",
        ];
        advice: "`noodle2 status` says what waits for whom.";
        example: "`noodle2 approve runs/first timing --by mallory`";
    }
    "N2-RUN-018", "somebody could not be told" {
        meaning: "A notification could not be made or delivered. The run is not held up.";
        causes: [
            "a variable that is not set",
            "an address that does not answer",
        ];
        advice: "The message names the receiver; what was not delivered is kept in the run folder.";
        example: "a webhook with `${TOKEN}` and no `TOKEN`";
    }
    "N2-RUN-019", "a fork gave another result than a fresh process" {
        meaning: "Both were made as a check, and they differ; from then on every attempt starts its engine anew.";
        causes: [
            "an engine that keeps state",
            "a defect",
        ];
        advice: "Nothing need be done for this run. Report it with the attempt that is named.";
        example: "an engine that draws chance from its process number";
    }
    "N2-RUN-020", "engines cannot be kept loaded as was asked" {
        meaning: "`--engine-mode warm` was said, and that engine cannot be forked.";
        causes: [
            "an engine without TclX",
            "OpenROAD in a container",
        ];
        advice: "Go on with `noodle2 resume --engine-mode auto`.";
        example: "`--engine-mode warm` with an `sta` that lacks `fork`";
    }
    "N2-RUN-021", "an attempt needs more memory than attempts may hold" {
        meaning: "By what such attempts held before it exceeds the limit, so it runs alone.";
        causes: [
            "a limit that is too small",
            "a very large design",
        ];
        advice: "Raise `--memory-mib`, or leave it.";
        example: "`--memory-mib 64` with a library of 200 MiB";
    }
    "N2-RUN-022", "an ECO needs what this engine lacks" {
        meaning: "The version that was found has no such command or option.";
        causes: [
            "an old OpenROAD",
        ];
        advice: "Install a version that has it, or leave the ECO out.";
        example: "`clone` with an OpenROAD whose `repair_timing` has no `-sequence`";
    }
}
