//! METRICS2.1: files of metrics as OpenROAD (`-metrics`), OpenROAD-flow-scripts and LibreLane write them, in both
//! directions.
//!
//! A name is made of parts with `__` between them. A flow may put a stage before it (`cts__timing__setup__ws`), and what it
//! is restricted to behind it (`timing__setup__ws__corner:slow`). Times are in the unit of the libraries: a file does not
//! name it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use noodle2_model::{Metric, MetricSet, Unit};
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// What a file of metrics says of one name.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(untagged)]
pub enum MetricValue {
    /// A finite number.
    Number(f64),
    /// A text, `Infinity`, `-Infinity` and `NaN` among it, which OpenROAD writes for numbers that are none.
    Text(String),
    /// Anything else, as JSON.
    Other(serde_json::Value),
}

impl MetricValue {
    /// The number, where it is one.
    pub const fn number(&self) -> Option<f64> {
        match self {
            Self::Number(value) => Some(*value),
            _ => None,
        }
    }
}

/// A file of metrics. OpenROAD writes a name again each time that it has a value for it, so that the last is that of the
/// design as it was left, and those before it are of its past.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct MetricsFile {
    /// Names and values in the order of the file.
    pub entries: Vec<(String, MetricValue)>,
}

/// Why a file of metrics cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("no JSON object of metrics: {0}")]
pub struct MetricsError(serde_json::Error);

impl MetricsFile {
    /// Reads a file of metrics, unknown names too.
    ///
    /// # Errors
    /// When it is no JSON object, as when the tool was ended while it wrote.
    pub fn parse(text: &str) -> Result<Self, MetricsError> {
        serde_json::from_str(text).map_err(MetricsError)
    }

    /// The last value of a name.
    pub fn last(&self, name: &str) -> Option<&MetricValue> {
        let mut entries = self.entries.iter().rev();
        entries.find_map(|(other, value)| (other == name).then_some(value))
    }

    /// The metrics in it whose names are known, by corner; the empty name for what is of no corner. Of names with a stage,
    /// those of `stage` count alone; without one, those without.
    ///
    /// `picoseconds` is how many picoseconds a time of 1 in the file is: 1000 for LibreLane and for libraries in ns.
    pub fn sets(&self, stage: Option<&str>, picoseconds: f64) -> BTreeMap<String, MetricSet> {
        let mut sets: BTreeMap<String, MetricSet> = BTreeMap::new();
        for (name, value) in &self.entries {
            let name = MetricName::parse(name);
            let known = name.metric().filter(|_| name.stage == stage);
            if let (Some((metric, per_one)), Some(value)) = (known, value.number()) {
                let corner = name.corner.unwrap_or_default();
                let value = value * per_one.in_ours(metric, picoseconds);
                sets.entry(corner.to_owned())
                    .or_default()
                    .insert(metric, value);
            }
        }
        sets
    }

    /// The names in it that no metric of ours has, in order.
    pub fn unknown(&self) -> BTreeSet<&str> {
        let names = self.entries.iter().map(|(name, _)| name.as_str());
        names
            .filter(|name| MetricName::parse(name).metric().is_none())
            .collect()
    }
}

impl<'de> Deserialize<'de> for MetricsFile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = MetricsFile;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object of metrics")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<MetricsFile, A::Error> {
                let mut entries = Vec::new();
                while let Some((name, value)) = map.next_entry::<String, serde_json::Value>()? {
                    let value = match value {
                        serde_json::Value::Number(number) => match number.as_f64() {
                            Some(value) if value.is_finite() => MetricValue::Number(value),
                            _ => MetricValue::Other(number.into()),
                        },
                        serde_json::Value::String(text) => MetricValue::Text(text),
                        other => MetricValue::Other(other),
                    };
                    entries.push((name, value));
                }
                Ok(MetricsFile { entries })
            }
        }
        deserializer.deserialize_map(Entries)
    }
}

/// Stages that OpenROAD-flow-scripts puts before names.
const STAGES: &[&str] = &[
    "synth",
    "floorplan",
    "globalplace",
    "placeopt",
    "detailedplace",
    "cts",
    "globalroute",
    "detailedroute",
    "finish",
];

/// A name taken apart.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MetricName<'a> {
    /// The stage before it, where it is one of OpenROAD-flow-scripts.
    pub stage: Option<&'a str>,
    /// The name itself.
    pub base: &'a str,
    /// The corner behind it.
    pub corner: Option<&'a str>,
    /// Whatever else it is restricted to, such as `class:tap_cell`, or a point in a stage such as `pre_repair`.
    pub restriction: Option<&'a str>,
}

impl<'a> MetricName<'a> {
    /// Takes a name apart. Every text has the form of one.
    pub fn parse(name: &'a str) -> Self {
        let stage = name
            .split_once("__")
            .filter(|(stage, _)| STAGES.contains(stage));
        let (stage, rest) = match stage {
            Some((stage, rest)) => (Some(stage), rest),
            None => (None, name),
        };
        // A name of a corner may hold any of the rest, `__` and `:` too.
        if let Some((base, corner)) = rest.split_once("__corner:") {
            return Self {
                stage,
                base,
                corner: Some(corner),
                restriction: None,
            };
        }
        let point = rest
            .strip_suffix("__pre_repair")
            .or_else(|| rest.strip_suffix("__post_repair"));
        let restricted = match point {
            Some(base) => Some((base, &rest[base.len() + 2..])),
            None => rest.find(':').and_then(|colon| {
                let at = rest[..colon].rfind("__")?;
                Some((&rest[..at], &rest[at + 2..]))
            }),
        };
        let (base, restriction) = match restricted {
            Some((base, restriction)) => (base, Some(restriction)),
            None => (rest, None),
        };
        Self {
            stage,
            base,
            corner: None,
            restriction,
        }
    }

    /// The metric that it names, and what a 1 of it is; none where no metric of ours has this name, or where it is
    /// restricted to a part of the design.
    fn metric(&self) -> Option<(Metric, PerOne)> {
        if self.restriction.is_some() {
            return None;
        }
        let known = NAMES
            .iter()
            .find(|known| known.theirs == self.base || known.other_theirs.contains(&self.base))?;
        Some((known.ours, known.per_one))
    }
}

/// What a 1 under a name of METRICS2.1 is in our unit.
#[derive(Clone, Copy, PartialEq, Debug)]
enum PerOne {
    /// One of the unit that the metric has too; of times, of that of the file.
    Same,
    /// A hundred percent.
    HundredPercent,
}

impl PerOne {
    fn in_ours(self, metric: Metric, picoseconds: f64) -> f64 {
        match (self, metric.unit()) {
            (Self::HundredPercent, _) => 100.0,
            (Self::Same, Unit::Picoseconds) => picoseconds,
            (Self::Same, _) => 1.0,
        }
    }
}

/// A metric of ours under the names that flows have for it.
struct KnownName {
    /// Ours.
    ours: Metric,
    /// The name under which it is written.
    theirs: &'static str,
    /// Names under which it is read too.
    other_theirs: &'static [&'static str],
    /// What a 1 is.
    per_one: PerOne,
}

const fn known(ours: Metric, theirs: &'static str) -> KnownName {
    KnownName {
        ours,
        theirs,
        other_theirs: &[],
        per_one: PerOne::Same,
    }
}

const fn also(name: KnownName, other_theirs: &'static [&'static str]) -> KnownName {
    KnownName {
        other_theirs,
        ..name
    }
}

/// Names of METRICS2.1: those of LibreLane, which has one for each, and others that OpenROAD and OpenROAD-flow-scripts
/// have for the same. Not `timing__drv__max_fanout`, under which some versions of the latter write the count of slews.
const NAMES: &[KnownName] = &[
    known(Metric::SetupWs, "timing__setup__ws"),
    known(Metric::SetupWns, "timing__setup__wns"),
    known(Metric::SetupTns, "timing__setup__tns"),
    also(
        known(Metric::SetupViolatingEndpoints, "timing__setup_vio__count"),
        &["timing__drv__setup_violation_count"],
    ),
    known(Metric::HoldWs, "timing__hold__ws"),
    known(Metric::HoldWns, "timing__hold__wns"),
    known(Metric::HoldTns, "timing__hold__tns"),
    also(
        known(Metric::HoldViolatingEndpoints, "timing__hold_vio__count"),
        &["timing__drv__hold_violation_count"],
    ),
    known(Metric::Power, "power__total"),
    known(Metric::PowerInternal, "power__internal__total"),
    known(Metric::PowerSwitching, "power__switching__total"),
    known(Metric::PowerLeakage, "power__leakage__total"),
    known(Metric::Area, "design__instance__area"),
    known(Metric::CellCount, "design__instance__count"),
    also(
        known(
            Metric::MaxSlewViolations,
            "design__max_slew_violation__count",
        ),
        &["timing__drv__max_slew"],
    ),
    also(
        known(
            Metric::MaxCapacitanceViolations,
            "design__max_cap_violation__count",
        ),
        &["timing__drv__max_cap"],
    ),
    known(
        Metric::MaxFanoutViolations,
        "design__max_fanout_violation__count",
    ),
    KnownName {
        per_one: PerOne::HundredPercent,
        ..known(Metric::Utilisation, "design__instance__utilization")
    },
    known(Metric::RoutedWirelength, "global_route__wirelength"),
    known(Metric::AntennaViolations, "antenna__violating__nets"),
    known(Metric::DrcViolations, "route__drc_errors"),
];

/// Metrics that METRICS2.1 has no name for, or one that means something else: displacements are of the last detailed
/// placement there, and of the way from the parent here; violations of placement are by other checks.
#[cfg(test)]
const WITHOUT_NAME: &[Metric] = &[
    Metric::UnconstrainedEndpoints,
    Metric::PlacementViolations,
    Metric::AnnotatedNets,
    Metric::WireCapacitance,
    Metric::DisplacementTotal,
    Metric::DisplacementMax,
    Metric::RoutingOverflow,
    Metric::RoutingHotBins,
];

/// The name under which METRICS2.1 has a metric; none where it has none.
pub fn metrics_name(metric: Metric) -> Option<&'static str> {
    Some(known_name(metric)?.theirs)
}

fn known_name(metric: Metric) -> Option<&'static KnownName> {
    NAMES.iter().find(|known| known.ours == metric)
}

/// The values of a case under the names of METRICS2.1: `overall` without a corner, `scenes` as corners of their names.
/// Metrics without a name there are left out.
///
/// `picoseconds` is how many picoseconds a time of 1 is to be: 1000 for LibreLane. `stage` is put before every name.
pub fn metrics_of(
    overall: &MetricSet,
    scenes: &BTreeMap<String, MetricSet>,
    stage: Option<&str>,
    picoseconds: f64,
) -> BTreeMap<String, f64> {
    let stage = stage.map(|stage| format!("{stage}__")).unwrap_or_default();
    let mut values = BTreeMap::new();
    let mut add = |set: &MetricSet, corner: &str| {
        for (metric, value) in set.iter() {
            if let Some(known) = known_name(metric) {
                let value = value / known.per_one.in_ours(metric, picoseconds);
                values.insert(format!("{stage}{}{corner}", known.theirs), value);
            }
        }
    };
    add(overall, "");
    for (scene, set) in scenes {
        add(set, &format!("__corner:{scene}"));
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_metric_has_a_name_or_is_known_to_have_none() {
        for metric in Metric::ALL {
            let has_none = WITHOUT_NAME.contains(metric);
            assert_ne!(metrics_name(*metric).is_some(), has_none, "{metric}");
        }
        let mut theirs: Vec<&str> = NAMES
            .iter()
            .flat_map(|known| known.other_theirs.iter().chain([&known.theirs]))
            .copied()
            .collect();
        let all = theirs.len();
        theirs.sort_unstable();
        theirs.dedup();
        assert_eq!(theirs.len(), all, "a name means two metrics");
    }

    #[test]
    fn names_are_taken_apart() {
        for (name, stage, base, corner, restriction) in [
            ("timing__setup__ws", None, "timing__setup__ws", None, None),
            (
                "cts__timing__setup__ws",
                Some("cts"),
                "timing__setup__ws",
                None,
                None,
            ),
            (
                "timing__setup__ws__corner:nom_tt__a:b",
                None,
                "timing__setup__ws",
                Some("nom_tt__a:b"),
                None,
            ),
            (
                "design__instance__area__class:tap_cell",
                None,
                "design__instance__area",
                None,
                Some("class:tap_cell"),
            ),
            (
                "cts__timing__setup__tns__pre_repair",
                Some("cts"),
                "timing__setup__tns",
                None,
                Some("pre_repair"),
            ),
            // The router's own name has no stage.
            (
                "global_route__wirelength",
                None,
                "global_route__wirelength",
                None,
                None,
            ),
            ("", None, "", None, None),
            (":", None, ":", None, None),
        ] {
            let expected = MetricName {
                stage,
                base,
                corner,
                restriction,
            };
            assert_eq!(MetricName::parse(name), expected, "{name}");
        }
    }

    #[test]
    fn a_file_gives_values_in_our_units_and_keeps_what_is_unknown() {
        let text = r#"{"timing__setup__ws": -0.5, "timing__setup__ws": -0.25, "timing__setup__ws__corner:slow": -0.75,
            "timing__hold__ws": "Infinity", "power__total": 0.001, "design__instance__area__class:buffer": 4,
            "cts__timing__setup__ws": -9, "odd__name": 7, "flow__warnings__count": [1], "timing__drv__max_fanout": 3}"#;
        let file = MetricsFile::parse(text).unwrap();
        let sets = file.sets(None, 1000.0);
        assert_eq!(
            sets[""].get(Metric::SetupWs),
            Some(-250.0),
            "the last counts"
        );
        assert_eq!(sets["slow"].get(Metric::SetupWs), Some(-750.0));
        assert_eq!(sets[""].get(Metric::HoldWs), None);
        assert_eq!(sets[""].get(Metric::Power), Some(0.001));
        assert_eq!(sets[""].get(Metric::Area), None, "a part of the design");
        assert_eq!(sets[""].get(Metric::MaxFanoutViolations), None);
        assert_eq!(
            file.sets(Some("cts"), 1.0)[""].get(Metric::SetupWs),
            Some(-9.0)
        );
        let unknown: Vec<&str> = file.unknown().into_iter().collect();
        let expected = [
            "design__instance__area__class:buffer",
            "flow__warnings__count",
            "odd__name",
            "timing__drv__max_fanout",
        ];
        assert_eq!(unknown, expected);
        assert_eq!(file.last("odd__name").unwrap().number(), Some(7.0));
        assert_eq!(
            file.last("timing__hold__ws"),
            Some(&MetricValue::Text("Infinity".to_owned()))
        );
        for broken in ["", "[]", "{\"a\": 1", "{\"a\": }", "3"] {
            assert!(MetricsFile::parse(broken).is_err(), "{broken}");
        }
    }

    proptest! {
        /// What is written is what is read, in whatever unit and under whatever stage.
        #[test]
        fn values_survive_the_way_there_and_back(
            values in prop::collection::btree_map(0..Metric::ALL.len(), -1e6_f64..1e6, 0..20),
            picoseconds in prop_oneof![Just(1.0), Just(1000.0)],
            stage in prop_oneof![Just(None), Just(Some("finish"))],
            corner in "[a-z_0-9:]{1,12}",
        ) {
            let set: MetricSet = values.iter().map(|(index, value)| (Metric::ALL[*index], *value)).collect();
            let named: MetricSet = set.iter().filter(|(metric, _)| metrics_name(*metric).is_some()).collect();
            let scenes = BTreeMap::from([(corner.clone(), set.clone())]);
            let written = serde_json::to_string(&metrics_of(&set, &scenes, stage, picoseconds)).unwrap();
            let read = MetricsFile::parse(&written).unwrap();
            prop_assert!(read.unknown().is_empty());
            let sets = read.sets(stage, picoseconds);
            let empty = MetricSet::new();
            for corner in ["", corner.as_str()] {
                prop_assert_eq!(sets.get(corner).unwrap_or(&empty), &named);
            }
        }

        #[test]
        fn any_name_can_be_taken_apart(name in "\\PC{0,40}") {
            let parsed = MetricName::parse(&name);
            prop_assert!(name.contains(parsed.base));
        }
    }
}
