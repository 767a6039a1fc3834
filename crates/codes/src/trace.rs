//! Codes `N2-TRACE-…`: traces for OpenTelemetry.

use crate::codes;

codes! {
    "N2-TRACE-001", "no collector to send traces to" {
        meaning: "The address, or what the variables of OpenTelemetry say, names no collector that can be spoken to.";
        causes: [
            "an address without `http://`",
            "`env` without `OTEL_EXPORTER_OTLP_ENDPOINT`",
        ];
        advice: "Name a collector that takes OTLP over HTTP, as in `http://localhost:4318`.";
        example: "`--traces localhost`";
    }
    "N2-TRACE-002", "a collector that did not take everything" {
        meaning: "Spans were sent and not all were taken. Sending all once more does no harm: they have the same ids.";
        causes: [
            "a collector that is not there",
            "the port of gRPC, 4317",
        ];
        advice: "Mend what the message names, and send again.";
        example: "`noodle2 traces runs/first --to http://localhost:4317`";
    }
    "N2-TRACE-003", "spans of a run that were lost on the way" {
        meaning: "While the run went on, its collector did not take everything. The run itself lacks nothing.";
        causes: [
            "a collector that was restarted",
            "a network that was cut",
        ];
        advice: "Send all of it from the journal by `noodle2 traces`, when the collector is there.";
        example: "a collector that ended before the run";
    }
}
