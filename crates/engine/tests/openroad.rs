//! What a real OpenROAD printed when it failed is told by its codes. No engine with a placement is there yet: these
//! are recorded logs, as a command ECO would leave them.

mod support;

use noodle2_engine::{Evidence, classify_command};
use noodle2_model::{AttemptUsage, CommandEnding, CommandReport, Failure, FailureClass};

/// The failure of a command that left this log and ended with this status.
fn recorded(name: &str, status: i32) -> Option<Option<Failure>> {
    let path = support::shared()?.join("openroad").join(name);
    let log = std::fs::read_to_string(path).unwrap();
    if let Some(noted) = log.lines().last().and_then(|line| line.strip_prefix("rc=")) {
        assert_eq!(noted.parse(), Ok(status), "{name}");
    }
    let report = CommandReport {
        ending: CommandEnding::Exited(status),
        stopped_by: None,
        usage: AttemptUsage::default(),
        output_truncated: false,
        forked: false,
    };
    Some(classify_command(Evidence {
        tool: "openroad",
        report: &report,
        log: &log,
    }))
}

#[test]
fn recorded_failures_have_their_class_and_code() {
    use FailureClass as Class;
    for (name, status, class, code) in [
        (
            "15_util_over_100",
            1,
            Class::CapacityExceeded,
            Some("GPL-0301"),
        ),
        ("16_dpl_fails", 1, Class::CapacityExceeded, Some("GPL-0301")),
        (
            "17_grt_congestion",
            1,
            Class::CapacityExceeded,
            Some("GRT-0116"),
        ),
        (
            "31_heatmap_unknown",
            1,
            Class::VisualizationUnavailable,
            Some("GUI-0028"),
        ),
        ("06_bad_option", 1, Class::ToolError, Some("STA-0562")),
        ("29_exit_code", 3, Class::ToolError, None),
        // Errors that a script caught: the command ends with 0 all the same.
        ("27_no_design_cmds", 0, Class::ToolError, Some("STA-1571")),
    ] {
        let Some(failure) = recorded(&format!("errors/{name}.log"), status) else {
            return;
        };
        let failure = failure.unwrap_or_else(|| panic!("{name} is no failure"));
        assert_eq!(failure.class, class, "{name}: {failure:#?}");
        assert_eq!(failure.tool_code.as_deref(), code, "{name}: {failure:#?}");
        assert!(!failure.excerpt.is_empty(), "{name}");
    }
}

/// A caught error, after which the numbers look better than they are.
#[test]
fn an_error_that_a_script_caught_is_a_failure_all_the_same() {
    let Some(failure) = recorded("reload/sta1000.log", 0) else {
        return;
    };
    let failure = failure.unwrap();
    assert_eq!(failure.class, FailureClass::ToolError, "{failure:#?}");
    assert_eq!(failure.tool_code.as_deref(), Some("STA-1000"));
}

#[test]
fn a_picture_that_could_not_be_made_fails_nothing_that_went_well() {
    if let Some(failure) = recorded("gcd_sky130hd/run.log", 0) {
        assert_eq!(failure, None);
    }
}
