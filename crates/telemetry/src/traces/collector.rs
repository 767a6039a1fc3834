//! Sending spans to a collector by OTLP over HTTP, as protobuf.
//!
//! A collector that is slow, hangs or is not there costs a run nothing: spans wait in an outbox, and those that are lost
//! are counted.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use noodle2_model::ContentHash;
use noodle2_notify::{Address, Deliver, Outbox, OutboxLimits, TryFailed};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans};
use prost::Message;

use super::Span;
use super::span::attribute;

/// The time of one try.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Spans that go with one request.
const AT_ONCE: usize = 512;
/// Of many thousand spans each takes about a kilobyte.
const LIMITS: OutboxLimits = OutboxLimits {
    waiting: 20_000,
    at_once: AT_ONCE,
    retries: 3,
};
/// Where a collector takes traces.
const PATH: &str = "/v1/traces";

/// A collector that takes the spans of one run.
pub struct Collector {
    address: Address,
    run: ContentHash,
}

/// Sends spans while a run goes on.
pub struct Exporter {
    outbox: Outbox<Span>,
    told: Arc<Mutex<Option<String>>>,
    name: String,
}

/// What became of the spans of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// The collector, without secrets.
    pub collector: String,
    /// Spans that it took.
    pub taken: usize,
    /// Spans that it did not get.
    pub lost: usize,
    /// Why the last of these were lost.
    pub reason: Option<String>,
}

impl Collector {
    /// The collector at an address, as in `http://localhost:4318`, for the run whose first record has this hash. `headers`
    /// go with every request, and `environment` says what `${NAME}` stands for.
    ///
    /// # Errors
    /// What is wrong with the address.
    pub fn new(
        address: &str,
        headers: &BTreeMap<String, String>,
        run: ContentHash,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, String> {
        if !["http://", "https://"]
            .iter()
            .any(|scheme| address.starts_with(scheme))
        {
            return Err("an address begins with http:// or https://".to_owned());
        }
        let base = address.trim_end_matches('/');
        let address = match base.ends_with(PATH) {
            true => base.to_owned(),
            false => format!("{base}{PATH}"),
        };
        let address = Address::new(&address, headers, TIMEOUT, environment)?;
        Ok(Self { address, run })
    }

    /// How the collector is called in messages.
    pub fn name(&self) -> &str {
        self.address.name()
    }

    /// Sends spans and waits until they are taken. Returns how many were.
    ///
    /// # Errors
    /// Why it went no further, after how many.
    pub fn send(&self, spans: &[Span]) -> Result<usize, (usize, String)> {
        let mut taken = 0;
        for part in spans.chunks(AT_ONCE) {
            let sent = self.deliver(part);
            sent.map_err(|failed| (taken, failed.reason))?;
            taken += part.len();
        }
        Ok(taken)
    }

    /// Begins to send spans as they come.
    pub fn start(self) -> Exporter {
        let name = self.name().to_owned();
        let told = Arc::new(Mutex::new(None));
        let courier = Courier {
            collector: self,
            told: Arc::clone(&told),
        };
        Exporter {
            outbox: Outbox::start("traces", LIMITS, Box::new(courier)),
            told,
            name,
        }
    }

    fn deliver(&self, spans: &[Span]) -> Result<(), TryFailed> {
        let request = ExportTraceServiceRequest {
            resource_spans: vec![self.resource(spans)],
        };
        let answer = self
            .address
            .post("application/x-protobuf", &request.encode_to_vec())?;
        // What is no such answer was taken all the same.
        let answer = ExportTraceServiceResponse::decode(&*answer).unwrap_or_default();
        match answer.partial_success {
            Some(partial) if partial.rejected_spans > 0 => Err(TryFailed {
                reason: format!(
                    "it refused {} spans: {}",
                    partial.rejected_spans, partial.error_message
                ),
                is_transient: false,
            }),
            _ => Ok(()),
        }
    }

    fn resource(&self, spans: &[Span]) -> ResourceSpans {
        let version = env!("CARGO_PKG_VERSION");
        let attributes = vec![
            attribute("service.name", "noodle2"),
            attribute("service.version", version),
            attribute("service.instance.id", self.run.to_string()),
        ];
        let scope = InstrumentationScope {
            name: "noodle2".to_owned(),
            version: version.to_owned(),
            ..InstrumentationScope::default()
        };
        ResourceSpans {
            resource: Some(Resource {
                attributes,
                ..Resource::default()
            }),
            scope_spans: vec![ScopeSpans {
                scope: Some(scope),
                spans: spans.to_vec(),
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        }
    }
}

struct Courier {
    collector: Collector,
    told: Arc<Mutex<Option<String>>>,
}

impl Deliver<Span> for Courier {
    fn deliver(&self, spans: &[Span]) -> Result<(), TryFailed> {
        self.collector.deliver(spans)
    }

    fn give_up(&self, _: Vec<Span>, _: u32, reason: &str) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        *told = Some(reason.to_owned());
    }
}

impl Exporter {
    /// Puts spans into the outbox. Returns at once.
    pub fn put(&self, spans: Vec<Span>) {
        for span in spans {
            self.outbox.put(span);
        }
    }

    /// Waits until all are taken, but no longer than `patience`.
    pub fn finish(self, patience: Duration) -> Sent {
        let deadline = Instant::now() + patience;
        self.outbox.close(deadline);
        let delivery = self.outbox.wait(deadline);
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        Sent {
            collector: self.name,
            taken: delivery.delivered,
            lost: delivery.undelivered,
            reason: told.clone(),
        }
    }
}
