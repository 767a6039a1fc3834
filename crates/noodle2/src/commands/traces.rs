//! `noodle2 traces`: a run as a trace of OpenTelemetry, whether it ended or not.

use noodle2_store::RunFolder;
use noodle2_view::count_text;

use crate::cli::SendTracesOption;
use crate::exit::{CommandFailure, Exit};
use crate::print;
use crate::run::{TraceTarget, trace_of};

/// Sends the trace. The spans of what is not over end with the last record, and say that they are unfinished.
pub(crate) fn traces(option: &SendTracesOption) -> Result<Exit, CommandFailure> {
    let target = TraceTarget::of(&option.to)?;
    let folder = RunFolder::open(&option.run)?;
    let traced = trace_of(&folder)?;
    let collector = target.collector(traced.run)?;
    let mut spans = traced.spans;
    spans.extend(traced.tracer.unfinished(&traced.controller));
    let taken = collector.send(&spans).map_err(|(taken, reason)| {
        CommandFailure::new(
            Exit::Stopped,
            "N2-TRACE-002",
            format!(
                "{} took {taken} of {}: {reason}",
                collector.name(),
                count_text(spans.len(), "span")
            ),
            "is it a collector that takes OTLP over HTTP (port 4318 as a rule, not the 4317 of gRPC)? Sending all once more does no harm: the spans have the same ids"
                .to_owned(),
        )
    })?;
    print::talk(&format!(
        "{} took {}",
        collector.name(),
        count_text(taken, "span")
    ));
    Ok(Exit::Done)
}
