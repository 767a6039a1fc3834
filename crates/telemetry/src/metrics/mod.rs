//! Runs as an exposition of [OpenMetrics 1.0](https://prometheus.io/docs/specs/om/open_metrics_spec/).
//!
//! Names follow its conventions: base units, which end the name, and `_total` for counters. Labels are of few values: a
//! run, its stages, states and classes of failure, never a case or a trial.

mod family;
mod run;

use std::collections::BTreeSet;

use family::Families;
pub use run::RunMetrics;

/// The content type of [`open_metrics`].
pub const OPEN_METRICS_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Several runs, in the order in which they are given. Of runs that are called the same the first counts, since two values
/// under the same labels would make all of it unreadable.
pub fn open_metrics(runs: &[RunMetrics]) -> String {
    families(runs).open_metrics()
}

/// The same in [the older format of Prometheus](https://prometheus.io/docs/instrumenting/exposition_formats/), which the
/// textfile collector of its node exporter reads.
pub fn prometheus_text(runs: &[RunMetrics]) -> String {
    families(runs).prometheus()
}

fn families(runs: &[RunMetrics]) -> Families {
    let mut families = Families::default();
    families.build(env!("CARGO_PKG_VERSION"));
    let mut called = BTreeSet::new();
    for run in runs.iter().filter(|run| called.insert(run.called())) {
        run.add_to(&mut families);
    }
    families
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_run_at_all_is_an_exposition_too() {
        let text = open_metrics(&[]);
        assert!(text.starts_with("# HELP noodle2_build "), "{text}");
        assert!(text.contains("\nnoodle2_build_info{version=\""), "{text}");
        assert!(text.ends_with("# EOF\n"), "{text}");
    }
}
