//! How spans are made: ids, times, attributes.

use jiff::Timestamp;
use noodle2_model::{AttemptId, ContentHash, Failure, StageIndex, TrialId};
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link, SpanKind};
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{SpanFlags, Status};

use super::Span;

/// The flag of a trace that is recorded, of the W3C's Trace Context.
const SAMPLED: u32 = 1;

/// What a span stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Subject {
    Study,
    Approval(StageIndex),
    Stage(StageIndex),
    /// A trial; the base case counts as one.
    Trial(TrialId),
    Attempt(AttemptId),
}

/// Makes the spans of one run.
#[derive(Debug, Clone)]
pub(super) struct Spans {
    run: ContentHash,
}

impl Spans {
    pub fn of(run: ContentHash) -> Self {
        Self { run }
    }

    fn trace_id(&self) -> Vec<u8> {
        blake3::hash(format!("trace {}", self.run).as_bytes()).as_bytes()[..16].to_vec()
    }

    fn span_id(&self, subject: Subject) -> Vec<u8> {
        let named = match subject {
            Subject::Study => "study".to_owned(),
            Subject::Approval(stage) => format!("approval {stage}"),
            Subject::Stage(stage) => format!("stage {stage}"),
            Subject::Trial(trial) => format!("trial {trial}"),
            Subject::Attempt(attempt) => format!("attempt {} {}", attempt.trial, attempt.number),
        };
        blake3::hash(format!("span {} {named}", self.run).as_bytes()).as_bytes()[..8].to_vec()
    }

    /// A span within that of another subject, from one time to another.
    pub fn span(
        &self,
        subject: Subject,
        within: Option<Subject>,
        name: String,
        (from, to): (Timestamp, Timestamp),
    ) -> Span {
        Span {
            trace_id: self.trace_id(),
            span_id: self.span_id(subject),
            parent_span_id: within
                .map(|parent| self.span_id(parent))
                .unwrap_or_default(),
            flags: SpanFlags::ContextHasIsRemoteMask as u32 | SAMPLED,
            name,
            kind: SpanKind::Internal as i32,
            start_time_unix_nano: nanoseconds(from),
            // Clocks may step back.
            end_time_unix_nano: nanoseconds(to.max(from)),
            ..Span::default()
        }
    }

    /// A link to what another span stands for.
    pub fn link(&self, to: Subject) -> Link {
        Link {
            trace_id: self.trace_id(),
            span_id: self.span_id(to),
            ..Link::default()
        }
    }
}

fn nanoseconds(at: Timestamp) -> u64 {
    u64::try_from(at.as_nanosecond()).unwrap_or(0)
}

/// Something that happened at one moment.
pub(super) fn happened(at: Timestamp, name: &str, attributes: Vec<KeyValue>) -> Event {
    Event {
        time_unix_nano: nanoseconds(at),
        name: name.to_owned(),
        attributes,
        ..Event::default()
    }
}

/// An attribute.
pub(super) fn attribute(key: impl Into<String>, value: impl Into<Attribute>) -> KeyValue {
    KeyValue {
        key: key.into(),
        value: Some(AnyValue {
            value: Some(value.into().0),
        }),
        ..KeyValue::default()
    }
}

/// The value of an attribute.
pub(super) struct Attribute(Value);

impl From<String> for Attribute {
    fn from(text: String) -> Self {
        Self(Value::StringValue(text))
    }
}

impl From<&str> for Attribute {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl From<bool> for Attribute {
    fn from(is: bool) -> Self {
        Self(Value::BoolValue(is))
    }
}

impl From<f64> for Attribute {
    fn from(number: f64) -> Self {
        Self(Value::DoubleValue(number))
    }
}

impl From<u64> for Attribute {
    fn from(number: u64) -> Self {
        Self(Value::IntValue(i64::try_from(number).unwrap_or(i64::MAX)))
    }
}

impl From<Vec<String>> for Attribute {
    fn from(texts: Vec<String>) -> Self {
        let values = texts.into_iter().map(|text| AnyValue {
            value: Some(Value::StringValue(text)),
        });
        Self(Value::ArrayValue(ArrayValue {
            values: values.collect(),
        }))
    }
}

/// Marks a span as one of something that went wrong.
pub(super) fn fail(span: &mut Span, class: &str, message: &str) {
    span.status = Some(Status {
        message: message.to_owned(),
        code: StatusCode::Error as i32,
    });
    span.attributes.push(attribute("error.type", class));
}

/// The same of a failure of an attempt, with an event in the words of OpenTelemetry.
pub(super) fn fail_with(span: &mut Span, at: Timestamp, failure: &Failure) {
    fail(span, failure.class.name(), &failure.message);
    let mut attributes = vec![
        attribute("exception.type", failure.class.name()),
        attribute("exception.message", failure.message.as_str()),
    ];
    if let Some(code) = &failure.tool_code {
        attributes.push(attribute("noodle2.tool.code", code.as_str()));
    }
    span.events.push(happened(at, "exception", attributes));
}
