//! Pages of what the code keeps as lists: codes, metrics, failures.

use std::fmt::Write as _;

use noodle2_codes::KINDS;
use noodle2_model::{Direction, FailureClass, Metric};

use super::{head, page, row};

pub(super) fn codes() -> String {
    let mut body = String::new();
    for kind in KINDS {
        let _ = writeln!(body, "## N2-{}: {}\n", kind.word, kind.about);
        for code in kind.codes {
            let _ = writeln!(
                body,
                "### {code}\n\n**{}.** {}\n",
                capital(code.title),
                code.text.meaning
            );
            let _ = writeln!(body, "- Usual causes: {}.", code.text.causes.join("; "));
            let _ = writeln!(body, "- What to do: {}", code.text.advice);
            let _ = writeln!(body, "- Example: {}.\n", code.text.example);
        }
    }
    let about = "Every problem that Noodle 2 tells of has a code that never changes its meaning. `noodle2 explain CODE` \
                 says the same as this page.";
    page("Codes", about, &body)
}

pub(super) fn metrics() -> String {
    let mut body = head(&[
        "metric",
        "unit",
        "better",
        "METRICS2.1",
        "what it is",
        "read",
    ]);
    for metric in Metric::ALL {
        let better = match metric.direction() {
            Direction::Higher => "higher",
            Direction::Lower => "lower",
        };
        let theirs = noodle2_openroad::metrics_name(*metric);
        let theirs = theirs.map(|name| format!("`{name}`")).unwrap_or_default();
        body += &row(&[
            &format!("`{metric}`"),
            metric.unit().symbol(),
            better,
            &theirs,
            metric.meaning(),
            metric.origin(),
        ]);
    }
    let about = "What is measured of each case. A name ends with its unit, but for counts; a value that was not read is \
                 missing, never 0. METRICS2.1 is the naming that OpenROAD-flow-scripts and LibreLane share; some \
                 metrics have no name there, or one that means something else.";
    page("Metrics", about, &body)
}

pub(super) fn failures() -> String {
    let columns = [
        "kind",
        "severity",
        "about",
        "again",
        "what it means",
        "what to do",
    ];
    let mut body = head(&columns);
    for class in FailureClass::ALL {
        let again = if class.is_transient() { "yes" } else { "no" };
        body += &row(&[
            &format!("`{class}`"),
            &class.severity().to_string(),
            &class.scope().to_string(),
            again,
            class.meaning(),
            class.advice(),
        ]);
    }
    let about = "The kinds into which failed attempts are sorted. *About* is what a failure tells something about; \
                 *again* whether the same attempt is made once more. [Failures](../failures.md) tells how they are \
                 found and contained.";
    page("Kinds of failure", about, &body)
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters
        .next()
        .map(|letter| letter.to_uppercase().to_string());
    first.unwrap_or_default() + letters.as_str()
}
