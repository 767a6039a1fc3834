//! A run as a trace of OpenTelemetry: the study, its stages, their trials and attempts as spans with the times of the journal.
//!
//! The ids of trace and spans come from the run's first record and from what a span stands for, so that a run that is
//! resumed goes on with its trace, and one that is sent twice is the same trace.

mod collector;
mod span;
mod tracer;

pub use collector::{Collector, Exporter, Sent};
pub use tracer::Tracer;

/// A span, as it is sent.
pub type Span = opentelemetry_proto::tonic::trace::v1::Span;
