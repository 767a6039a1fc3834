//! Checks as JUnit's XML: a suite for each part of a run, a test case for each check.

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::check::{Check, Verdict};
use crate::exit::CommandFailure;

/// The report of a study's checks. It tells no time: the same checks give the same bytes.
pub(super) fn junit(study: &str, checks: &[Check]) -> Result<String, CommandFailure> {
    let mut suites: Vec<TestSuite> = Vec::new();
    for check in checks {
        let mut status = match check.verdict {
            Verdict::Held | Verdict::Better => TestCaseStatus::success(),
            Verdict::Skipped => TestCaseStatus::skipped(),
            Verdict::Regressed => TestCaseStatus::non_success(NonSuccessKind::Failure),
        };
        let is_success = matches!(status, TestCaseStatus::Success { .. });
        if !check.message.is_empty() && !is_success {
            status.set_message(&check.message);
        }
        let mut case = TestCase::new(&check.name, status);
        case.set_classname(format!("{study}.{}", check.suite));
        if !check.message.is_empty() && is_success {
            case.set_system_out(&check.message);
        }
        match suites
            .iter_mut()
            .find(|suite| suite.name.as_str() == check.suite)
        {
            Some(suite) => drop(suite.add_test_case(case)),
            None => {
                let mut suite = TestSuite::new(check.suite);
                suite.add_test_case(case);
                suites.push(suite);
            }
        }
    }
    let mut report = Report::new(study);
    report.add_test_suites(suites);
    report.to_string().map_err(CommandFailure::internal)
}
