//! Sending the trace of a run while it goes on.
//!
//! Never holds the run up, and never fails it: what a collector does not take is counted, and told at the end.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use noodle2_control::{Controller, TransitionError};
use noodle2_model::{ContentHash, Event};
use noodle2_store::{Record, RunFolder, fold_journal};
use noodle2_telemetry::{Collector, Exporter, Sent, Span, Tracer};
use percent_encoding::percent_decode_str;

use crate::commands::impossible;
use crate::exit::{CommandFailure, Exit};

/// How long the end of a run waits for spans to be taken.
const PATIENCE: Duration = Duration::from_secs(5);
/// Variables by which OpenTelemetry names a collector, the one for traces alone first.
const ENDPOINTS: [&str; 2] = [
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
];
const HEADERS: &str = "OTEL_EXPORTER_OTLP_HEADERS";

/// A collector that was asked for.
#[derive(Debug, Clone)]
pub(crate) struct TraceTarget {
    address: String,
    headers: BTreeMap<String, String>,
}

impl TraceTarget {
    /// The collector that an option names: by its address, or as `env`.
    pub fn of(option: &str) -> Result<Self, CommandFailure> {
        if option != "env" {
            let address = option.to_owned();
            return Self::checked(address, BTreeMap::new());
        }
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let address = ENDPOINTS.into_iter().find_map(variable);
        let address = address.ok_or_else(|| unusable(&format!("{} is not set", ENDPOINTS[1])))?;
        // As in `Authorization=Basic%20abc,tenant=7`.
        let headers = variable(HEADERS).unwrap_or_default();
        let headers = headers
            .split(',')
            .filter_map(|header| header.split_once('='));
        let headers = headers.map(|(name, value)| {
            let value = percent_decode_str(value.trim()).decode_utf8_lossy();
            (name.trim().to_owned(), value.into_owned())
        });
        Self::checked(address, headers.collect())
    }

    fn checked(address: String, headers: BTreeMap<String, String>) -> Result<Self, CommandFailure> {
        let target = Self { address, headers };
        target.collector(ContentHash::of("")).map(|_| target)
    }

    /// The collector, for the run whose first record has this hash.
    pub fn collector(&self, run: ContentHash) -> Result<Collector, CommandFailure> {
        let environment = |name: &str| std::env::var(name).ok();
        let collector = Collector::new(&self.address, &self.headers, run, environment);
        collector.map_err(|error| unusable(&error))
    }
}

fn unusable(error: &str) -> CommandFailure {
    CommandFailure::new(
        Exit::Usage,
        "N2-TRACE-001",
        format!("traces cannot be sent: {error}"),
        "name a collector that takes OTLP over HTTP, as in http://localhost:4318".to_owned(),
    )
}

/// A run as a trace, as far as its journal goes.
pub(crate) struct Traced {
    /// The hash of the first record.
    pub run: ContentHash,
    /// The state of the run.
    pub controller: Controller,
    /// What makes further spans.
    pub tracer: Tracer,
    /// The spans of all that is over.
    pub spans: Vec<Span>,
    /// How many of these were made before the run was last resumed.
    before: usize,
}

/// Reads the trace of a run from its journal.
pub(crate) fn trace_of(folder: &RunFolder) -> Result<Traced, CommandFailure> {
    let mut traced = Ok(None);
    let mut position = 0;
    fold_journal(&folder.journal(), |record| {
        if let Ok(before) = &mut traced {
            traced = follow(before.take(), &record)
                .map(Some)
                .map_err(|error| impossible(folder, position, &error));
        }
        position += 1;
    })?;
    traced?.ok_or_else(|| CommandFailure::internal("a run without a record has no trace"))
}

fn follow(traced: Option<Traced>, record: &Record) -> Result<Traced, TransitionError> {
    let mut traced = match traced {
        None => Traced {
            run: record.hash,
            controller: Controller::created(&record.event)?,
            tracer: Tracer::of(record.hash),
            spans: Vec::new(),
            before: 0,
        },
        Some(mut traced) => {
            traced.controller.follow(&record.event)?;
            traced
        }
    };
    if matches!(record.event, Event::RunResumed) {
        traced.before = traced.spans.len();
    }
    let made = traced
        .tracer
        .hear(&traced.controller, record.at, &record.event);
    traced.spans.extend(made);
    Ok(traced)
}

/// Sends the spans of a run as they come.
pub(crate) struct Tracing {
    tracer: Mutex<Tracer>,
    exporter: Exporter,
}

impl Tracing {
    /// Goes on with the trace of a run where its journal ends. What was over before it was resumed was sent then.
    pub fn begin(folder: &RunFolder, target: &TraceTarget) -> Result<Self, CommandFailure> {
        let mut traced = trace_of(folder)?;
        let exporter = target.collector(traced.run)?.start();
        exporter.put(traced.spans.split_off(traced.before));
        Ok(Self {
            tracer: Mutex::new(traced.tracer),
            exporter,
        })
    }

    /// Something was journalled, and folded into the controller.
    pub fn hear(&self, controller: &Controller, event: &Event, at: Timestamp) {
        let mut tracer = self.tracer.lock().unwrap_or_else(PoisonError::into_inner);
        self.exporter.put(tracer.hear(controller, at, event));
    }

    /// Waits for what is still to be sent, for a while.
    pub fn finish(self) -> Sent {
        self.exporter.finish(PATIENCE)
    }
}
