//! Codes `N2-EXEC-…`: processes on this machine.

use crate::codes;

codes! {
    "N2-EXEC-001", "a worker panicked" {
        meaning: "The code that carries an attempt out stopped at a defect. The attempt counts as lost; others go \
             on.";
        causes: [
            "a defect of noodle2",
        ];
        advice: "Report it with the message; `noodle2 resume` goes on.";
        example: "none is known";
    }
    "N2-EXEC-002", "one job was given twice" {
        meaning: "A job with the same number is at work already.";
        causes: [
            "a defect of noodle2",
        ];
        advice: "Report it with the message.";
        example: "none is known";
    }
    "N2-EXEC-003", "engines cannot be kept loaded here" {
        meaning: "This build or machine cannot keep processes to be forked. Attempts start their own engine, and \
             results are the same.";
        causes: [
            "a system that is not Linux",
        ];
        advice: "Nothing need be done; `--engine-mode cold` says that it is meant so.";
        example: "a build for another system";
    }
    "N2-EXEC-004", "the keeper of loaded engines could not be started" {
        meaning: "The process that loaded engines are forked from did not start. Attempts start their own engine, \
             and results are the same.";
        causes: [
            "no process or memory to spare",
            "a limit on processes",
        ];
        advice: "Read the cause; `ulimit -u` shows the limit of processes.";
        example: "a container that permits few processes";
    }
    "N2-EXEC-005", "interrupts cannot be caught" {
        meaning: "Ctrl-C and termination could not be caught, so a run could not end in order.";
        causes: [
            "a system that forbids signal handlers",
        ];
        advice: "Read the cause in the message.";
        example: "a sandbox that forbids `sigaction`";
    }
}
