//! Codes `N2-REPORT-…`: timing reports.

use crate::codes;

codes! {
    "N2-REPORT-001", "a timing report cannot be read" {
        meaning: "The file is not there or may not be read.";
        causes: [
            "a misspelt path",
        ];
        advice: "Name a file that `report_checks` was redirected to, or `-` for a pipe.";
        example: "`noodle2 timing-report missing.rpt`";
    }
    "N2-REPORT-002", "no timing report that is known" {
        meaning: "The file holds no path in a layout of `report_checks`.";
        causes: [
            "another report",
            "an empty file",
        ];
        advice: "Write it with one of the layouts that the message lists.";
        example: "`noodle2 timing-report power.rpt`";
    }
}
