//! Messages, banners, crashes.

mod support;

use noodle2_openroad::{Code, Log, MessageLevel, Version};

#[test]
fn messages_of_every_level_are_read_with_their_line() {
    let text = "[INFO GPL-0002] DBU: 2000\nplain [INFO no message\n[WARNING ORD-2011] LEF master X has no liberty cell.\n\
        [ERROR GRT-0116] congested\n[CRITICAL ORD-0099] over\n[DEBUG GPL-place] deep\n[NOTE ABC-0001] no level\n\
        [INFO lower-0001] no tool\n";
    let log = Log::read(text);
    let found: Vec<_> = log
        .messages
        .iter()
        .map(|message| {
            (
                message.level,
                message.code.as_str(),
                message.text,
                message.line,
            )
        })
        .collect();
    assert_eq!(
        found,
        [
            (MessageLevel::Info, "GPL-0002", "DBU: 2000", 1),
            (
                MessageLevel::Warning,
                "ORD-2011",
                "LEF master X has no liberty cell.",
                3
            ),
            (MessageLevel::Error, "GRT-0116", "congested", 4),
            (MessageLevel::Critical, "ORD-0099", "over", 5),
            (MessageLevel::Debug, "GPL-place", "deep", 6),
        ]
    );
    assert_eq!(log.errors().count(), 2);
    assert_eq!(log.lines, 8);
    let code = Code::parse("GRT-0116").unwrap();
    assert_eq!((code.tool(), code.number()), ("GRT", Some(116)));
    assert_eq!(Code::parse("GPL-place").unwrap().number(), None);
    for no_code in [
        "",
        "-",
        "G-1",
        "GRT",
        "GRT-",
        "grt-0116",
        "ABCDEFGHI-1",
        "é-1",
    ] {
        assert_eq!(Code::parse(no_code), None, "{no_code}");
    }
}

#[test]
fn what_the_interpreter_says_has_a_place_a_code_or_a_text() {
    let text = "Error: script.tcl, 5 GRT-0116\nError: a, b.tcl, 12 cannot read file /x, 3 y.lib.\nError 12: old\n\
        Error: no network has been linked.\nErrors: none\nGRT-0116\n[ERROR STA-0341] incomplete command at end of file.\nSTA-0341\n";
    let log = Log::read(text);
    let found: Vec<_> = log
        .interpreter_errors
        .iter()
        .map(|error| {
            (
                error.place,
                error.code.map(|code| code.to_string()),
                error.text,
                error.line,
            )
        })
        .collect();
    let code = |text: &str| Some(text.to_owned());
    assert_eq!(
        found,
        [
            (Some(("script.tcl", 5)), code("GRT-0116"), "GRT-0116", 1),
            (
                Some(("a, b.tcl", 12)),
                None,
                "cannot read file /x, 3 y.lib.",
                2
            ),
            (None, None, "old", 3),
            (None, None, "no network has been linked.", 4),
            // A code on a line of its own counts only after the error that it belongs to.
            (None, code("STA-0341"), "STA-0341", 8),
        ]
    );
}

#[test]
fn the_version_is_read_in_every_form_that_was_printed() {
    for (line, text, commit) in [
        (
            "OpenROAD v2.0-20250301-d4884860 ",
            "v2.0-20250301-d4884860",
            Some("d4884860"),
        ),
        (
            "OpenROAD v2.0-25765-g83ff256997 ",
            "v2.0-25765-g83ff256997",
            Some("83ff256997"),
        ),
        ("OpenROAD 0.9.0 1415572a73", "0.9.0", Some("1415572a73")),
        (
            "OpenROAD edf00dff99f6c40d67a30c0e22a8191c5d2ed9d6",
            "edf00dff99f6c40d67a30c0e22a8191c5d2ed9d6",
            Some("edf00dff99f6c40d67a30c0e22a8191c5d2ed9d6"),
        ),
        // openroad -version
        (
            "v2.0-20250301-d4884860 \n",
            "v2.0-20250301-d4884860",
            Some("d4884860"),
        ),
        ("2.0 v2.0-17598-ga008522d8", "2.0", Some("a008522d8")),
        ("26.2", "26.2", None),
        ("v2.0-20250301", "v2.0-20250301", None),
    ] {
        let version = Version::parse(line).unwrap_or_else(|| panic!("{line}"));
        assert_eq!(
            (version.text.as_str(), version.commit.as_deref()),
            (text, commit),
            "{line}"
        );
    }
    for other in [
        "",
        "OpenROAD",
        "OpenROAD> read_db x.odb",
        "OpenROAD is a tool",
        "command not found",
        "deadbeef",
    ] {
        assert_eq!(Version::parse(other), None, "{other}");
    }
}

#[test]
fn the_banner_of_a_recorded_run_is_read() {
    let Some(text) = support::text("gcd_nangate45/run.log") else {
        return;
    };
    let log = Log::read(&text);
    let version = log.version.unwrap();
    assert_eq!(version.text, "v2.0-20250301-d4884860");
    let features: Vec<_> = log
        .features
        .iter()
        .map(|feature| (feature.name.as_str(), feature.included))
        .collect();
    assert_eq!(features, [("GPU", true), ("GUI", true), ("Python", true)]);
    // Started with `-no_splash`, or a log of a script that was sourced.
    let text = support::text("eco/placed.none/run.log").unwrap();
    assert_eq!(Log::read(&text).version, None);
    let log = Log::read("Features included (+) or not (-): +GUI -Python\n");
    assert!(log.features[0].included && !log.features[1].included);
}

#[test]
fn a_crash_is_one_record_however_many_lines_it_takes() {
    let Some(text) = support::text("errors/34_disk_full.log") else {
        return;
    };
    let log = Log::read(&text);
    assert_eq!(log.crashes.len(), 1, "{:#?}", log.crashes);
    let crash = &log.crashes[0];
    assert_eq!(crash.exception, Some("std::__ios_failure"));
    assert_eq!(crash.what, Some("basic_ios::clear: iostream error"));
    assert_eq!((crash.signal, crash.line), (Some(6), 2));
    assert!(crash.was_writing() && crash.is_of_a_file());
    assert!(
        crash.stack.contains(&"ord::OpenRoad::writeDb(char const*)"),
        "{:?}",
        crash.stack
    );

    let text = support::text("errors/19_odb_truncated.log").unwrap();
    let log = Log::read(&text);
    assert_eq!(log.crashes.len(), 1);
    assert_eq!((log.crashes[0].signal, log.crashes[0].line), (Some(11), 3));
    assert!(!log.crashes[0].was_writing() && !log.crashes[0].is_of_a_file());
}

#[test]
fn steps_and_the_prompt_are_found() {
    let log = Log::read("start\nnoodle2: eco\nx\nnoodle2: measure\ny\n");
    assert_eq!(log.step_of(1), None);
    assert_eq!(log.step_of(3), Some("eco"));
    assert_eq!(log.step_of(5), Some("measure"));
    let again = Log::read(
        "noodle2: link again\nnoodle2: eco failed: STA-1000\nnoodle2: the result could not be written: x\n",
    );
    assert_eq!((again.steps.len(), again.steps[0].name), (1, "link"));
    let failure = again.step_failures[0];
    assert_eq!((failure.step, failure.line), ("eco", 2));
    assert_eq!(failure.code.map(|code| code.as_str()), Some("STA-1000"));
    assert_eq!(Log::read("a\nopenroad> \n\n").ends_at_prompt, Some(2));
    assert_eq!(
        Log::read("openroad> read_db x\nread\n").ends_at_prompt,
        None
    );
}
