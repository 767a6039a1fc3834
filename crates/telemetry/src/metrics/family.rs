//! Families of metrics, and how they are written.

use std::collections::BTreeMap;
use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, prometheus_text, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

/// Labels with their values.
pub(super) type Labels = Vec<(&'static str, String)>;

/// What a family is.
#[derive(Debug, Clone)]
pub(super) struct Shape {
    /// Its name, without `noodle2_`, its unit and `_total`.
    pub name: String,
    /// What it tells, without a full stop.
    pub help: String,
    /// The unit of its values; none for numbers of things.
    pub unit: Option<&'static str>,
    /// Whether it only ever grows.
    pub is_counter: bool,
}

/// All families by name, each with its values.
#[derive(Debug, Default)]
pub(super) struct Families {
    version: Option<&'static str>,
    families: BTreeMap<String, (Shape, Vec<(Labels, f64)>)>,
}

impl Shape {
    /// What may go up and down.
    pub fn gauge(name: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            help: help.into(),
            unit: None,
            is_counter: false,
        }
    }

    /// What only ever grows.
    pub fn counter(name: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            is_counter: true,
            ..Self::gauge(name, help)
        }
    }

    /// The same in a unit.
    pub fn of_unit(self, unit: &'static str) -> Self {
        Self {
            unit: Some(unit),
            ..self
        }
    }
}

impl Families {
    /// States which version tells all this.
    pub fn build(&mut self, version: &'static str) {
        self.version = Some(version);
    }

    /// Adds a value.
    pub fn add(&mut self, shape: &Shape, labels: Labels, value: f64) {
        let key = match shape.unit {
            Some(unit) => format!("{}_{unit}", shape.name),
            None => shape.name.clone(),
        };
        let entry = self.families.entry(key);
        let (_, values) = entry.or_insert_with(|| (shape.clone(), Vec::new()));
        values.push((labels, value));
    }

    /// All of it, as OpenMetrics.
    pub fn open_metrics(self) -> String {
        written(|text| text::encode(text, &self.registry()))
    }

    /// All of it, in the older format of Prometheus.
    pub fn prometheus(self) -> String {
        written(|text| prometheus_text::encode(text, &self.registry()))
    }

    fn registry(self) -> Registry {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(self));
        registry
    }
}

/// What is written into a string. That does not fail; were it to, what there is lacks the end that readers ask for.
fn written(write: impl FnOnce(&mut String) -> fmt::Result) -> String {
    let mut text = String::new();
    let _ = write(&mut text);
    text
}

impl Collector for Families {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        if let Some(version) = self.version {
            let described = encoder.encode_descriptor(
                "noodle2_build",
                "The version of Noodle 2 that tells all this",
                None,
                MetricType::Info,
            )?;
            Info::new(vec![("version", version)]).encode(described)?;
        }
        for (shape, values) in self.families.values() {
            let unit = shape.unit.map(|unit| Unit::Other(unit.to_owned()));
            let kind = match shape.is_counter {
                true => MetricType::Counter,
                false => MetricType::Gauge,
            };
            let name = format!("noodle2_{}", shape.name);
            let mut described =
                encoder.encode_descriptor(&name, &shape.help, unit.as_ref(), kind)?;
            for (labels, value) in values {
                let one = described.encode_family(labels)?;
                match shape.is_counter {
                    true => ConstCounter::new(*value).encode(one)?,
                    false => ConstGauge::new(*value).encode(one)?,
                }
            }
        }
        Ok(())
    }
}
