//! Every recorded failure has its class, code and line; what lies is refused; runs that went well are believed.

mod support;

use std::collections::BTreeSet;

use noodle2_model::{
    AttemptUsage, CommandEnding, CommandReport, FailureClass as Class, FindingKind, StopReason,
};
use noodle2_openroad::{Completion, Log, Run, Verdict, judge};

fn report(ending: CommandEnding) -> CommandReport {
    CommandReport {
        ending,
        stopped_by: None,
        usage: AttemptUsage::default(),
        output_truncated: false,
        forked: false,
    }
}

fn judged(text: &str, report: &CommandReport, completion: Completion) -> Verdict {
    let log = Log::read(text);
    judge(Run {
        report: Some(report),
        text,
        log: &log,
        completion,
        black_boxes: &[],
    })
}

fn exited(text: &str, status: i32) -> Verdict {
    judged(
        text,
        &report(CommandEnding::Exited(status)),
        Completion::NotTold,
    )
}

/// The first refusal: class, code, line.
type First<'a> = Option<(Class, Option<&'a str>, Option<usize>)>;

fn first(verdict: &Verdict) -> First<'_> {
    let first = verdict.refusals.first()?;
    Some((first.class, first.code.as_deref(), first.line))
}

/// Every log of `errors/`, with its class, code and the line that shows it; none is believed but where nothing failed.
#[rustfmt::skip]
const RECORDED: &[(&str, First)] = &[
    ("01_missing_lef", Some((Class::ConfigurationError, Some("ORD-0001"), Some(1)))),
    ("02_missing_db", Some((Class::ConfigurationError, Some("ORD-0007"), Some(1)))),
    ("03_missing_liberty", Some((Class::ConfigurationError, None, Some(1)))),
    ("04_missing_source", Some((Class::ConfigurationError, Some("STA-0340"), Some(1)))),
    ("05_bad_command", Some((Class::ToolError, None, Some(3)))),
    ("06_bad_option", Some((Class::ToolError, Some("STA-0562"), Some(3)))),
    ("07_unbalanced_brace", Some((Class::ToolError, Some("STA-0341"), Some(1)))),
    ("08_no_liberty_read", Some((Class::ConfigurationError, Some("STA-2141"), Some(33)))),
    ("09_unknown_cell_in_netlist", Some((Class::BlackBox, Some("STA-0198"), Some(3)))),
    ("10_missing_liberty_cell", Some((Class::BlackBox, Some("ORD-2011"), Some(3)))),
    ("11_verilog_syntax", Some((Class::ConfigurationError, Some("STA-0164"), Some(3)))),
    ("12_bad_top", Some((Class::ConfigurationError, Some("STA-1398"), Some(3)))),
    ("13_sdc_unknown_port", Some((Class::ConfigurationError, Some("STA-0369"), Some(4)))),
    ("14_no_clock_no_paths", Some((Class::MetricMissing, None, Some(6)))),
    ("15_util_over_100", Some((Class::CapacityExceeded, Some("GPL-0301"), Some(25)))),
    ("16_dpl_fails", Some((Class::CapacityExceeded, Some("GPL-0301"), Some(25)))),
    ("17_grt_congestion", Some((Class::CapacityExceeded, Some("GRT-0116"), Some(1)))),
    ("18_repair_without_rc", Some((Class::ParasiticsIncomplete, Some("RSZ-0021"), Some(1)))),
    ("19_odb_truncated", Some((Class::ConfigurationError, Some("ORD-0054"), Some(1)))),
    ("20_odb_garbage", Some((Class::ConfigurationError, None, Some(1)))),
    ("21_odb_other_schema", Some((Class::ConfigurationError, None, Some(1)))),
    ("23_double_read_db", Some((Class::ToolError, Some("ORD-0047"), Some(1)))),
    ("24_write_missing_dir", Some((Class::MissingOutput, None, Some(1)))),
    ("25_null_block_segv", Some((Class::ToolError, None, Some(1)))),
    ("26_null_obj_segv", Some((Class::ToolError, None, Some(2)))),
    ("27_no_design_cmds", Some((Class::ToolError, Some("STA-1571"), Some(2)))),
    ("29_exit_code", Some((Class::ToolError, None, None))),
    ("30_tcl_error_in_proc", Some((Class::ToolError, None, Some(1)))),
    ("31_heatmap_unknown", Some((Class::VisualizationUnavailable, Some("GUI-0028"), Some(1)))),
    ("33_oom_big", None),
    ("34_disk_full", Some((Class::DiskFull, None, Some(2)))),
    ("35_disk_full_uncaught", Some((Class::DiskFull, None, Some(1)))),
    ("40_sigterm", Some((Class::Timeout, None, None))),
    ("42_sigint", Some((Class::Timeout, None, None))),
    ("49_STA-1000_caught_gives_phantom_gain", Some((Class::ToolError, Some("STA-1000"), Some(11)))),
    ("50_no_exit_flag_stdin_null", Some((Class::ToolError, None, Some(3)))),
    ("52_ulimit_f", Some((Class::ToolError, None, None))),
];

#[test]
fn every_recorded_failure_has_its_class_code_and_line() {
    let Some(folder) = support::recorded() else {
        return;
    };
    let mut named: BTreeSet<&str> = RECORDED.iter().map(|(name, _)| *name).collect();
    for entry in std::fs::read_dir(folder.join("errors")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "log") {
            let name = path.file_stem().unwrap().to_str().unwrap();
            assert!(named.remove(name), "{name} is not judged by this test");
        }
    }
    assert!(named.is_empty(), "gone: {named:?}");
    for (name, expected) in RECORDED {
        let text = std::fs::read_to_string(folder.join(format!("errors/{name}.log"))).unwrap();
        // The last line is the recorder's.
        let (text, status) = match text.trim_end().rsplit_once("rc=") {
            Some((text, status)) => (text.to_owned(), status.parse().unwrap()),
            None => (text, 0),
        };
        let verdict = exited(&text, status);
        assert_eq!(first(&verdict), *expected, "{name}: {verdict:#?}");
        let Some(failure) = verdict.failure() else {
            continue;
        };
        assert_eq!(failure.excerpt.is_empty(), text.is_empty(), "{name}");
        assert!(
            !failure.excerpt.contains("# "),
            "{name} shows its stack trace"
        );
        if let Some((_, Some(code), _)) = expected {
            assert!(
                failure.excerpt.contains(code),
                "{name}: {}",
                failure.excerpt
            );
        }
        // The shell wrote a status for a signal; a process of our own has the signal itself.
        if status > 128 {
            let direct = judged(
                &text,
                &report(CommandEnding::Signalled(status - 128)),
                Completion::NotTold,
            );
            assert_eq!(direct, verdict, "{name}");
        }
    }
}

#[test]
fn who_ended_a_run_tells_its_class() {
    let Some(text) = support::text("errors/40_sigterm.log") else {
        return;
    };
    let class = |signal, stopped_by| {
        let report = CommandReport {
            stopped_by,
            ..report(CommandEnding::Signalled(signal))
        };
        let verdict = judged(&text, &report, Completion::NotReached);
        first(&verdict).unwrap().0
    };
    assert_eq!(class(15, None), Class::Killed);
    assert_eq!(class(2, None), Class::Killed);
    assert_eq!(class(9, None), Class::Killed);
    assert_eq!(class(15, Some(StopReason::WallLimit)), Class::Timeout);
    assert_eq!(class(9, Some(StopReason::WallLimit)), Class::TimeoutHard);
    assert_eq!(class(15, Some(StopReason::Cancelled)), Class::Interrupted);
    assert_eq!(class(9, Some(StopReason::MemoryLimit)), Class::OutOfMemory);
    assert_eq!(class(25, None), Class::ToolError);
    assert_eq!(class(11, None), Class::Segfault);
    assert_eq!(class(60, None), Class::Unknown);
}

#[test]
fn recorded_runs_that_went_well_are_believed() {
    let Some(folder) = support::recorded() else {
        return;
    };
    let mut believed = 0;
    for name in [
        "gcd_nangate45",
        "gcd_sky130hd",
        "gcd_asap7",
        "aes_nangate45",
        "aes_asap7",
        "multicorner",
    ] {
        let text = std::fs::read_to_string(folder.join(name).join("run.log")).unwrap();
        let verdict = exited(&text, 0);
        assert!(verdict.is_believed(), "{name}: {verdict:#?}");
        // Heat maps that were asked for without a display failed; nothing else depends on them.
        let pictures = verdict.pictures.len();
        assert_eq!(pictures > 0, name.starts_with("gcd"), "{name}: {pictures}");
    }
    for entry in std::fs::read_dir(folder.join("eco")).unwrap() {
        let path = entry.unwrap().path();
        let Ok(text) = std::fs::read_to_string(path.join("run.log")) else {
            continue;
        };
        let name = path.file_name().unwrap().to_str().unwrap();
        let verdict = exited(&text, 0);
        // It swapped cells for some that are not equivalent.
        if name == "cts.swap_worst20" {
            let code = Some("STA-1000");
            assert_eq!(
                first(&verdict).map(|(class, code, _)| (class, code)),
                Some((Class::ToolError, code)),
                "{name}"
            );
        } else {
            assert!(verdict.is_believed(), "{name}: {verdict:#?}");
            believed += 1;
        }
    }
    assert!(believed > 20, "{believed}");
}

#[test]
fn an_error_that_a_script_caught_is_a_failure_whatever_it_did_next() {
    let Some(text) = support::text("reload/sta1000.log") else {
        return;
    };
    let verdict = judged(
        &text,
        &report(CommandEnding::Exited(0)),
        Completion::Reached,
    );
    let failure = verdict.failure().unwrap();
    assert_eq!(failure.tool_code.as_deref(), Some("STA-1000"));
    assert!(
        failure.message.contains("which its script caught"),
        "{}",
        failure.message
    );
    assert!(failure.message.contains("_30031_"), "{}", failure.message);
    assert_eq!(verdict.findings(), None, "no remark on the design");
}

#[test]
fn what_is_wrong_with_the_design_is_told_to_gate_0() {
    for (name, kind) in [
        ("09_unknown_cell_in_netlist", FindingKind::BlackBox),
        ("10_missing_liberty_cell", FindingKind::BlackBox),
        ("14_no_clock_no_paths", FindingKind::NoPaths),
        ("18_repair_without_rc", FindingKind::ParasiticsIncomplete),
    ] {
        let Some(text) = support::text(&format!("errors/{name}.log")) else {
            return;
        };
        let findings = exited(&text, 0).findings().unwrap();
        assert_eq!(findings.len(), 1, "{name}: {findings:?}");
        assert_eq!(findings[0].kind, kind, "{name}");
        assert!(findings[0].kind.blocks());
    }
}

#[test]
fn a_cell_that_is_known_to_have_no_model_is_waived_and_no_other() {
    let text = "[WARNING ORD-2011] LEF master TAPCELL has no liberty cell.\nworst slack 0.01\n";
    let verdict = |text: &str, black_boxes: &[&str]| {
        let black_boxes: Vec<String> = black_boxes.iter().map(|name| (*name).to_owned()).collect();
        let log = Log::read(text);
        let report = report(CommandEnding::Exited(0));
        judge(Run {
            report: Some(&report),
            text,
            log: &log,
            completion: Completion::Reached,
            black_boxes: &black_boxes,
        })
    };
    assert!(verdict(text, &["TAPCELL"]).is_believed());
    assert!(!verdict(text, &["TAP"]).is_believed());
    // OpenROAD stops after a thousand messages of a code: which cells those are that it does not print is not known.
    let more = format!(
        "{text}[WARNING ORD-2011] message limit (1000) reached. This message will no longer print.\n"
    );
    let refused = verdict(&more, &["TAPCELL"]);
    assert_eq!(
        first(&refused),
        Some((Class::BlackBox, Some("ORD-2011"), Some(3)))
    );
    assert!(refused.refusals[0].text.contains("not printed"));
}

#[test]
fn logs_of_the_same_kinds_that_were_not_recorded_are_judged_too() {
    for (status, text, class, code) in [
        // The words of other versions.
        (
            1,
            "[ERROR GRT-0118] Routing congestion too high. Check the congestion heatmap in the GUI.\nError: groute.tcl, 36 GRT-0118\n",
            Class::CapacityExceeded,
            Some("GRT-0118"),
        ),
        (
            0,
            "[WARNING EST-0027] no estimated parasitics. Using wire load models.\n[INFO RSZ-0098] No setup violations found\n",
            Class::ParasiticsIncomplete,
            Some("EST-0027"),
        ),
        (
            0,
            "[WARNING RSZ-0014] wire capacitance for corner default is zero. Use the set_wire_rc command to set wire resistance and capacitance.\n",
            Class::ParasiticsIncomplete,
            Some("RSZ-0014"),
        ),
        (0, "worst slack max INF\n", Class::MetricMissing, None),
        (
            0,
            "[WARNING DPL-0005] Overlap check failed (2).\n u1 (INV_X1) overlaps u2 (INV_X1)\n",
            Class::PlacementIllegal,
            Some("DPL-0005"),
        ),
        (
            1,
            "[WARNING DPL-0005] Overlap check failed (2).\n[ERROR DPL-0033] detailed placement checks failed.\nError: a.tcl, 3 DPL-0033\n",
            Class::PlacementIllegal,
            Some("DPL-0033"),
        ),
        (
            1,
            "[ERROR PPL-0024] Number of IO pins (637) exceeds maximum number of available positions (220).\nError: ioplacer.tcl, 56 PPL-0024\n",
            Class::CapacityExceeded,
            Some("PPL-0024"),
        ),
        // A critical message ends the process by itself.
        (
            1,
            "[CRITICAL ORD-0099] it cannot go on\n",
            Class::ToolError,
            Some("ORD-0099"),
        ),
        // Out of memory, and a defect.
        (
            134,
            "terminate called after throwing an instance of 'std::bad_alloc'\n  what():  std::bad_alloc\nSignal 6 received\nStack trace:\n 0# abort in libc.so.6\n",
            Class::OutOfMemory,
            None,
        ),
        (
            134,
            "Signal 6 received\nStack trace:\n 0# abort in libc.so.6\n 1# rsz::Resizer::x() in openroad\n",
            Class::Abort,
            None,
        ),
        // The same words while a file is read are no full disk.
        (
            134,
            "terminate called after throwing an instance of 'std::__ios_failure'\n  what():  basic_ios::clear: iostream error\nSignal 6 received\nStack trace:\n 0# odb::dbDatabase::read(std::istream&) in openroad\n",
            Class::Abort,
            None,
        ),
        (
            139,
            "Signal 11 received\nStack trace:\n 0# grt::FastRoute::run() in openroad\n",
            Class::Segfault,
            None,
        ),
        // An error that was caught long before is not why a later command crashed.
        (
            139,
            "[ERROR GUI-0072] \"Placement Density\" is not populated with data.\ngoing on\nand on\nSignal 11 received\nStack trace:\n",
            Class::Segfault,
            None,
        ),
        // A script of the engine: what an ECO names is the ECO's, what a study names is the study's.
        (
            1,
            "noodle2: eco\n[ERROR STA-0340] cannot open 'x.tcl'.\nError: eco.tcl, 1 STA-0340\n",
            Class::ToolError,
            Some("STA-0340"),
        ),
        (
            1,
            "noodle2: constraints\nError: a.sdc, 4 invalid command name \"create_clocks\"\n",
            Class::ConfigurationError,
            None,
        ),
        (
            1,
            "Error: write.tcl, 9 error writing \"file5\": no space left on device\n",
            Class::DiskFull,
            None,
        ),
        // Steps that fail are caught by the engine's scripts alone, which then end with 0.
        (
            0,
            "noodle2: eco\nnoodle2: eco failed: no such pin\n",
            Class::ToolError,
            None,
        ),
        (
            0,
            "noodle2: layers\nnoodle2: layers failed: odd\n",
            Class::ConfigurationError,
            None,
        ),
        (
            0,
            "noodle2: write\nnoodle2: write failed: the DEF is cut off\n",
            Class::MissingOutput,
            None,
        ),
        (
            0,
            "noodle2: legalise\n[ERROR DPL-0036] Detailed placement failed.\nnoodle2: legalise failed: DPL-0036\n",
            Class::PlacementIllegal,
            Some("DPL-0036"),
        ),
        (0, "done\nopenroad> \n", Class::ToolError, None),
        (0, "done\n% ", Class::ToolError, None),
    ] {
        let verdict = exited(text, status);
        let found = first(&verdict).map(|(class, code, _)| (class, code));
        assert_eq!(found, Some((class, code)), "{text}{verdict:#?}");
    }
    // A critical message is not one that a script caught.
    let verdict = exited("[CRITICAL ORD-0099] it cannot go on\n", 1);
    assert!(!verdict.refusals[0].text.contains("caught"));
}

#[test]
fn no_status_is_believed_before_the_end_of_the_script_or_of_its_log() {
    let good = "noodle2: measure\nworst slack -0.10\n";
    let ended = report(CommandEnding::Exited(0));
    assert!(judged(good, &ended, Completion::Reached).is_believed());
    let early = judged(good, &ended, Completion::NotReached);
    assert_eq!(first(&early).unwrap().0, Class::MissingOutput);
    let cut = CommandReport {
        output_truncated: true,
        ..ended
    };
    let cut = judged(good, &cut, Completion::Reached);
    assert_eq!(first(&cut).unwrap().0, Class::ParseFailure);
    let missing = report(CommandEnding::NotStarted(
        "No such file or directory".to_owned(),
    ));
    assert_eq!(
        first(&judged("", &missing, Completion::NotReached))
            .unwrap()
            .0,
        Class::ToolMissing
    );
}

#[test]
fn parasitics_of_before_an_edit_are_stale() {
    let steps = |names: &[&str]| {
        let lines: Vec<String> = names
            .iter()
            .map(|name| format!("noodle2: {name}\n"))
            .collect();
        exited(&lines.concat(), 0)
    };
    for stale in [
        &["estimate", "eco", "measure"][..],
        &["eco", "estimate", "legalise", "measure"],
        &["estimate", "measure", "eco", "legalise", "measure"],
    ] {
        let verdict = steps(stale);
        assert_eq!(
            first(&verdict).unwrap().0,
            Class::ParasiticsIncomplete,
            "{stale:?}"
        );
        assert_eq!(first(&verdict).unwrap().2, Some(stale.len()), "{stale:?}");
    }
    for fresh in [
        &["estimate", "measure"][..],
        &["eco", "legalise", "estimate", "measure"],
        &[
            "eco", "estimate", "measure", "legalise", "estimate", "measure",
        ],
        &["estimate", "eco"],
    ] {
        assert!(steps(fresh).is_believed(), "{fresh:?}");
    }
}

/// A query that finds no path says nothing where another found one.
#[test]
fn no_paths_of_one_query_is_no_design_without_paths() {
    assert!(exited("No paths found.\nworst slack -0.25\n", 0).is_believed());
    assert!(!exited("No paths found.\n", 0).is_believed());
    assert!(!exited("worst slack max -0.25\nworst slack min INF\n", 0).is_believed());
}

/// What the engine's scripts say of a step is the whole truth: its error was not one that somebody caught to go on.
#[test]
fn a_step_that_failed_is_told_as_such() {
    let text = "noodle2: eco\n[ERROR STA-1000] instance u1 swap master X is not equivalent\nnoodle2: eco failed: STA-1000\n";
    let verdict = judged(text, &report(CommandEnding::Exited(0)), Completion::Reached);
    let failure = verdict.failure().unwrap();
    assert_eq!(failure.tool_code.as_deref(), Some("STA-1000"));
    assert!(!failure.message.contains("caught"), "{}", failure.message);
    let text = "noodle2: eco\nnoodle2: eco failed: no such pin\n";
    let verdict = judged(text, &report(CommandEnding::Exited(0)), Completion::Reached);
    assert!(
        verdict.refusals[0]
            .text
            .starts_with("the ECO failed: no such pin")
    );
    // Made again after the design was read back: still the step that it is.
    let text = "noodle2: eco\nnoodle2: estimate again\nnoodle2: measure\n";
    assert!(judged(text, &report(CommandEnding::Exited(0)), Completion::Reached).is_believed());
}
