//! What monitoring systems get to know of runs: metrics in the formats of OpenMetrics and Prometheus.
//!
//! Owns the names and labels by which others know a run, which stay the same from version to version. Everything comes
//! from the events of the journal.
//!
//! Never reads a file or a clock, never puts the name of a case into a label, and never makes up a value that was not
//! read: what is missing has no line.

mod metrics;

pub use metrics::{OPEN_METRICS_TYPE, RunMetrics, open_metrics, prometheus_text};
