//! Logs of great length that look like reports and are none take no more than their length.

use std::time::{Duration, Instant};

use noodle2_openroad::{Completion, Log, Run, judge, read_reports};

#[test]
fn time_grows_with_the_length_of_a_log_alone() {
    const LINES: usize = 60_000;
    for pattern in [
        "[INFO GPL-0001] x\nGPL-0001\n",
        "[ERROR GRT-0116] x\nGRT-0116\n",
        "[WARNING ORD-2013] instance u LEF master M not found.\n",
        "max slew\n\nPin  Limit  Slew Slack\n",
        "Clock clk\n 0.0 CRPR\n",
        "Group Internal Switching Leakage Total\n",
        "Group Internal Switching Leakage Total\n Power (Watts)\nSequential 1 1 1 1 30%\n",
        "Cell type report:\n  a 1 1\n",
        "   Iter   | A | B\n",
        "   Iter   | A | B\n 1 | 2 | 3\n",
        "Layer Resource Demand Usage (%)\nmetal1 1 1 1% 0 / 0 / 0\n",
        "Layer Direction Resources Resources Reduction (%)\n",
        "Placement Analysis\n",
        "[INFO GPL-0002] DBU: 2000\n[NesterovSolve] Iter: 1 overflow: 0.1 HPWL: 1\n",
        " time 1ns\n",
        "terminate called\n",
        "Signal 11 received\n 0# x in y\n",
        "noodle2: eco\nnoodle2: measure\n",
        "Error: a, b, c, d, e, f\n",
        ", 1",
        "corner a\n",
    ] {
        let text = pattern.repeat(LINES / pattern.lines().count().max(1));
        let began = Instant::now();
        let log = Log::read(&text);
        let _ = judge(Run {
            report: None,
            text: &text,
            log: &log,
            completion: Completion::NotTold,
            black_boxes: &[],
        });
        let _ = read_reports(&text);
        // A tenth of a second in a build that is not optimised; several if every line went through all others.
        let taken = began.elapsed();
        assert!(taken < Duration::from_secs(2), "{taken:?}: {pattern:?}");
    }
    // One line of the length of a log.
    let line = format!("Error: {}", ", 1x".repeat(LINES));
    let began = Instant::now();
    let _ = Log::read(&line);
    let _ = read_reports(&line);
    assert!(began.elapsed() < Duration::from_secs(2));
}
