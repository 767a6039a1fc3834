//! What monitoring systems get to know of runs: metrics in the formats of OpenMetrics and Prometheus, and
//! traces of OpenTelemetry.
//!
//! Owns the names and labels by which others know a run, which stay the same from version to version. Everything comes
//! from the events of the journal.
//!
//! Never reads a file, never takes a time from a clock, never holds a run up or fails it, never puts the name of a case into a label, and never makes up a value that was not
//! read: what is missing has no line.

mod metrics;
mod traces;

pub use metrics::{OPEN_METRICS_TYPE, RunMetrics, open_metrics, prometheus_text};
pub use traces::{Collector, Exporter, Sent, Span, Tracer};
