//! Metrics: what is measured, in which unit, which direction is better, and how values are rounded.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The unit of a metric.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unit {
    /// Picoseconds.
    Picoseconds,
    /// Watts.
    Watts,
    /// Square micrometres.
    SquareMicrometres,
    /// Picofarads.
    Picofarads,
    /// Micrometres.
    Micrometres,
    /// A share of 100.
    Percent,
    /// A number of things.
    Count,
}

impl Unit {
    /// The symbol that follows a value, empty for counts.
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::Picoseconds => "ps",
            Self::Watts => "W",
            Self::SquareMicrometres => "µm²",
            Self::Picofarads => "pF",
            Self::Micrometres => "µm",
            Self::Percent => "%",
            Self::Count => "",
        }
    }
}

/// Which way a metric gets better.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Direction {
    /// More is better, as for slack.
    Higher,
    /// Less is better, as for area.
    Lower,
}

macro_rules! metrics {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal, $unit:ident, $direction:ident;)+) => {
        /// A quantity that an engine measures. Its name ends with its unit, but for counts.
        #[derive(
            Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema,
        )]
        pub enum Metric {
            $($(#[doc = $doc])+ #[serde(rename = $name)] $variant,)+
        }

        impl Metric {
            /// Every metric, in the order in which reports list them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The name as written in files.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// What it is, in a sentence.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc),+),)+ }
            }

            /// The unit of its values.
            pub const fn unit(self) -> Unit {
                match self { $(Self::$variant => Unit::$unit,)+ }
            }

            /// Which way it gets better.
            pub const fn direction(self) -> Direction {
                match self { $(Self::$variant => Direction::$direction,)+ }
            }
        }
    };
}

metrics! {
    /// Worst setup slack, unclipped: positive when setup is met.
    SetupWs = "setup_ws_ps", Picoseconds, Higher;
    /// Worst negative setup slack, at most 0.
    SetupWns = "setup_wns_ps", Picoseconds, Higher;
    /// Total negative setup slack over endpoints, at most 0.
    SetupTns = "setup_tns_ps", Picoseconds, Higher;
    /// Endpoints whose setup slack is negative.
    SetupViolatingEndpoints = "setup_violating_endpoints", Count, Lower;
    /// Worst hold slack, unclipped.
    HoldWs = "hold_ws_ps", Picoseconds, Higher;
    /// Worst negative hold slack, at most 0.
    HoldWns = "hold_wns_ps", Picoseconds, Higher;
    /// Total negative hold slack over endpoints, at most 0.
    HoldTns = "hold_tns_ps", Picoseconds, Higher;
    /// Endpoints whose hold slack is negative.
    HoldViolatingEndpoints = "hold_violating_endpoints", Count, Lower;
    /// Total power.
    Power = "power_w", Watts, Lower;
    /// Power spent inside cells.
    PowerInternal = "power_internal_w", Watts, Lower;
    /// Power spent charging nets.
    PowerSwitching = "power_switching_w", Watts, Lower;
    /// Leakage power.
    PowerLeakage = "power_leakage_w", Watts, Lower;
    /// Sum of the areas of all cells.
    Area = "area_um2", SquareMicrometres, Lower;
    /// Number of leaf cells.
    CellCount = "cell_count", Count, Lower;
    /// Pins whose slew exceeds its limit.
    MaxSlewViolations = "max_slew_violations", Count, Lower;
    /// Driver pins whose load exceeds the limit that the library states.
    MaxCapacitanceViolations = "max_capacitance_violations", Count, Lower;
    /// Driver pins whose fanout exceeds the limit that the library states.
    MaxFanoutViolations = "max_fanout_violations", Count, Lower;
    /// Endpoints that no constraint reaches.
    UnconstrainedEndpoints = "unconstrained_endpoints", Count, Lower;
    /// Nets with annotated parasitics.
    AnnotatedNets = "annotated_nets", Count, Higher;
    /// Total capacitance of annotated or estimated wires.
    WireCapacitance = "wire_capacitance_pf", Picofarads, Lower;
    /// Share of the area of the rows that placed cells take.
    Utilisation = "utilisation_percent", Percent, Lower;
    /// Cells that overlap, stand off their rows or outside the core.
    PlacementViolations = "placement_violations", Count, Lower;
    /// How far the cells that the parent has too stand from where they stood there, in all.
    DisplacementTotal = "displacement_total_um", Micrometres, Lower;
    /// The same for the cell that moved furthest.
    DisplacementMax = "displacement_max_um", Micrometres, Lower;
    /// Length of all wires as globally routed.
    RoutedWirelength = "routed_wirelength_um", Micrometres, Lower;
    /// Tracks that global routing uses beyond what its bins have, over all layers.
    RoutingOverflow = "routing_overflow", Count, Lower;
    /// Share of the bins of the routing heat map that are used beyond their capacity.
    RoutingHotBins = "routing_hot_bins_percent", Percent, Lower;
    /// Nets that antenna rules are broken on.
    AntennaViolations = "antenna_violations", Count, Lower;
    /// Violations of design rules that detailed routing leaves.
    DrcViolations = "drc_violations", Count, Lower;
}

impl Metric {
    /// Where its value comes from.
    pub const fn origin(self) -> &'static str {
        match self {
            Self::SetupWs | Self::SetupWns | Self::SetupTns | Self::SetupViolatingEndpoints => {
                "the engine's setup slacks; the worst of the scenes that check setup"
            }
            Self::HoldWs | Self::HoldWns | Self::HoldTns | Self::HoldViolatingEndpoints => {
                "the engine's hold slacks; the worst of the scenes that check hold"
            }
            Self::Power | Self::PowerInternal | Self::PowerSwitching | Self::PowerLeakage => {
                "the engine's power report; the worst of the scenes"
            }
            Self::Area | Self::CellCount => "the leaf cells of the linked design",
            Self::MaxSlewViolations
            | Self::MaxCapacitanceViolations
            | Self::MaxFanoutViolations => "the engine's check of limits; the worst of the scenes",
            Self::UnconstrainedEndpoints => "the engine's check of the set-up",
            Self::AnnotatedNets | Self::WireCapacitance => {
                "the parasitics that were read or estimated"
            }
            Self::Utilisation | Self::PlacementViolations => {
                "the DEF of the case, by our own count"
            }
            Self::DisplacementTotal | Self::DisplacementMax => {
                "the DEF of the case against that of its parent"
            }
            Self::RoutedWirelength | Self::RoutingOverflow | Self::RoutingHotBins => {
                "global routing by OpenROAD, where the study asks for it"
            }
            Self::AntennaViolations | Self::DrcViolations => {
                "routing by OpenROAD, where the study asks for it"
            }
        }
    }

    /// Finds a metric by the name written in files.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|metric| metric.name() == name)
    }

    /// Rounds a value to the precision in which it is recorded, compared and hashed: picoseconds to
    /// 0.001, everything else to six significant digits. `None` for NaN and infinities, which are
    /// never values. Negative zero becomes zero.
    pub fn canonical(self, value: f64) -> Option<f64> {
        if !value.is_finite() {
            return None;
        }
        let rounded = match self.unit() {
            Unit::Picoseconds => {
                let scaled = (value * 1000.0).round() / 1000.0;
                if scaled.is_finite() { scaled } else { value }
            }
            Unit::Count => value,
            _ => format!("{value:.5e}").parse().unwrap_or(value),
        };
        Some(if rounded == 0.0 { 0.0 } else { rounded })
    }

    /// Whether it tells of the way from the parent rather than of the design itself, so that a measurement of the design
    /// alone cannot find it.
    pub const fn tells_of_parent(self) -> bool {
        matches!(self, Self::DisplacementTotal | Self::DisplacementMax)
    }

    /// How much better `to` is than `from`, in the metric's unit: positive when it got better.
    pub fn gain(self, from: f64, to: f64) -> f64 {
        match self.direction() {
            Direction::Higher => to - from,
            Direction::Lower => from - to,
        }
    }

    /// The worse of two values.
    pub fn worse(self, left: f64, right: f64) -> f64 {
        match self.direction() {
            Direction::Higher => left.min(right),
            Direction::Lower => left.max(right),
        }
    }

    /// Compares two values: `Greater` when `left` is better.
    pub fn compare(self, left: f64, right: f64) -> std::cmp::Ordering {
        match self.direction() {
            Direction::Higher => left.total_cmp(&right),
            Direction::Lower => right.total_cmp(&left),
        }
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// Measured values by metric, each canonically rounded. A metric that was not read is absent, never 0.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct MetricSet(BTreeMap<Metric, f64>);

impl MetricSet {
    /// A set without any value.
    pub fn new() -> Self {
        Self::default()
    }

    /// Records `value`, canonically rounded. A value that is no number is left missing.
    pub fn insert(&mut self, metric: Metric, value: f64) {
        if let Some(value) = metric.canonical(value) {
            self.0.insert(metric, value);
        }
    }

    /// The value of `metric`, or `None` where it was not read.
    pub fn get(&self, metric: Metric) -> Option<f64> {
        self.0.get(&metric).copied()
    }

    /// All values, in the order of [`Metric::ALL`].
    pub fn iter(&self) -> impl Iterator<Item = (Metric, f64)> + '_ {
        self.0.iter().map(|(metric, value)| (*metric, *value))
    }

    /// What tells of the design itself: all but what [`Metric::tells_of_parent`].
    pub fn of_design(&self) -> Self {
        let values = self.iter();
        Self(
            values
                .filter(|(metric, _)| !metric.tells_of_parent())
                .collect(),
        )
    }

    /// Whether nothing was read.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Keeps the worse value where both sets have one, and the only value where one has.
    pub fn merge_worst(&mut self, other: &Self) {
        for (metric, value) in other.iter() {
            let worst = self
                .get(metric)
                .map_or(value, |present| metric.worse(present, value));
            self.0.insert(metric, worst);
        }
    }
}

impl FromIterator<(Metric, f64)> for MetricSet {
    fn from_iter<I: IntoIterator<Item = (Metric, f64)>>(values: I) -> Self {
        let mut set = Self::new();
        for (metric, value) in values {
            set.insert(metric, value);
        }
        set
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn no_number_means_missing() {
        let mut set = MetricSet::new();
        set.insert(Metric::SetupWns, f64::NAN);
        set.insert(Metric::Power, f64::INFINITY);
        assert!(set.is_empty());
    }

    #[test]
    fn times_round_to_a_femtosecond_and_the_rest_to_six_digits() {
        assert_eq!(Metric::SetupWns.canonical(-12.345_678), Some(-12.346));
        assert_eq!(Metric::Power.canonical(0.039_576_123_4), Some(0.039_576_1));
        assert_eq!(Metric::Area.canonical(123_456.789), Some(123_457.0));
        let zero = Metric::SetupWns.canonical(-0.000_01).unwrap();
        assert!(zero == 0.0 && zero.is_sign_positive());
    }

    proptest! {
        #[test]
        fn rounding_is_idempotent_and_survives_json(value in proptest::num::f64::NORMAL, index in 0..Metric::ALL.len()) {
            let metric = Metric::ALL[index];
            let once = metric.canonical(value).unwrap();
            prop_assert_eq!(metric.canonical(once), Some(once));
            let set: MetricSet = [(metric, value)].into_iter().collect();
            let back: MetricSet = serde_json::from_str(&serde_json::to_string(&set).unwrap()).unwrap();
            prop_assert_eq!(back, set);
        }
    }
}
