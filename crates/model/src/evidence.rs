//! Evidence: what trials of an ECO came to, under which conditions, in sums that can be merged.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{CaseName, ContentHash, FailureClass, FailureScope, Metric, SafetyDomain};

macro_rules! classes {
    ($(#[doc = $doc:literal])+ $name:ident: $($(#[doc = $variant_doc:literal])+ $variant:ident = $text:literal, $words:literal;)+) => {
        $(#[doc = $doc])+
        #[derive(
            Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize, JsonSchema,
        )]
        pub enum $name {
            $($(#[doc = $variant_doc])+ #[serde(rename = $text)] $variant,)+
            /// It could not be seen.
            #[default]
            #[serde(rename = "unknown")]
            Unknown,
        }

        impl $name {
            /// Every class, the unknown one last.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+ Self::Unknown];

            /// The name as written in files.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ Self::Unknown => "unknown" }
            }

            /// Finds a class by the name written in files.
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|class| class.name() == name)
            }

            /// The class in words; `None` when it is unknown.
            const fn words(self) -> Option<&'static str> {
                match self { $(Self::$variant => Some($words),)+ Self::Unknown => None }
            }
        }
    };
}

classes! {
    /// What most of the delay of a case's worst path is spent in.
    Domination:
    /// In cells.
    Cell = "cell", "delay in cells";
    /// In wires.
    Wire = "wire", "delay in wires";
}

classes! {
    /// How large a case is, in leaf cells.
    SizeClass:
    /// Fewer than a thousand.
    Under1k = "under_1k", "fewer than 1000 cells";
    /// Fewer than ten thousand.
    Under10k = "under_10k", "1000 to 10000 cells";
    /// Fewer than a hundred thousand.
    Under100k = "under_100k", "10000 to 100000 cells";
    /// A hundred thousand and more.
    Over100k = "over_100k", "100000 cells and more";
}

classes! {
    /// How deep the worst setup violation of a case is. Absolute, since evidence is kept by platform, and a
    /// platform sets the scale of delays.
    ViolationDepth:
    /// Setup is met.
    Met = "met", "setup met";
    /// Less than 10 ps.
    Under10Ps = "under_10_ps", "setup violated by less than 10 ps";
    /// Less than 100 ps.
    Under100Ps = "under_100_ps", "setup violated by 10 to 100 ps";
    /// Less than 1 ns.
    Under1Ns = "under_1_ns", "setup violated by 100 ps to 1 ns";
    /// Less than 10 ns.
    Under10Ns = "under_10_ns", "setup violated by 1 to 10 ns";
    /// 10 ns and more.
    Over10Ns = "over_10_ns", "setup violated by 10 ns and more";
}

/// The conditions under which an ECO is tried: those of the case that it is applied to.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Debug,
    Default,
    Serialize,
    Deserialize,
    JsonSchema,
)]
pub struct Context {
    /// What most of its delay is spent in.
    pub domination: Domination,
    /// How large it is.
    pub size: SizeClass,
    /// How deep its worst violation is.
    pub depth: ViolationDepth,
}

/// In words, what is unknown left out: `1000 to 10000 cells, setup met`.
impl fmt::Display for Context {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = [
            self.domination.words(),
            self.size.words(),
            self.depth.words(),
        ];
        let known: Vec<&str> = known.into_iter().flatten().collect();
        match known.is_empty() {
            true => formatter.write_str("conditions that could not be seen"),
            false => formatter.write_str(&known.join(", ")),
        }
    }
}

/// What one trial came to.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrialResult {
    /// The design was changed and measured: the gain over the parent in each metric that both have, in the
    /// metric's unit, positive for the better.
    Effect(BTreeMap<Metric, f64>),
    /// The ECO changed nothing.
    NoEffect,
    /// The trial failed, or its result was found out to be wrong.
    Failed(FailureClass),
}

/// One trial as evidence.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Observation {
    /// The hash over all that the result depends on: the parent's design, the ECO with its content and
    /// parameters, tools, constraints and libraries. Two trials of one key are one observation made twice.
    pub key: ContentHash,
    /// The ECO's name.
    pub eco: String,
    /// The hash over the ECO's manifest and files.
    pub content: ContentHash,
    /// The conditions of the parent.
    pub context: Context,
    /// What came of it.
    pub result: TrialResult,
}

/// The gains of several trials in one metric, in its unit: mean and spread by Welford's method, so that
/// two can be merged (Chan, Golub, LeVeque 1979).
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Gains {
    /// How many, each with its weight.
    pub count: f64,
    /// The mean gain; positive for the better.
    pub mean: f64,
    /// The weighted sum of squared distances from the mean.
    pub squares: f64,
    /// How many of them, by weight, made the metric better.
    pub better: f64,
    /// How many of them, by weight, made the metric worse.
    pub worse: f64,
}

impl Gains {
    /// One gain of this weight.
    pub fn of(gain: f64, weight: f64) -> Self {
        Self {
            count: weight,
            mean: gain,
            squares: 0.0,
            better: if gain > 0.0 { weight } else { 0.0 },
            worse: if gain < 0.0 { weight } else { 0.0 },
        }
    }

    /// Takes in the gains of others.
    pub fn merge(&mut self, other: &Self) {
        if other.count <= 0.0 {
            return;
        }
        let count = self.count + other.count;
        let distance = other.mean - self.mean;
        let share = other.count / count;
        self.squares += other.squares + distance * distance * self.count * share;
        self.mean += distance * share;
        self.count = count;
        self.better += other.better;
        self.worse += other.worse;
    }

    /// The standard deviation of the gains, in the metric's unit; `None` where fewer than two say nothing of it.
    pub fn deviation(&self) -> Option<f64> {
        (self.count > 1.0).then(|| (self.squares / self.count).sqrt())
    }
}

/// What trials of one ECO came to under one set of conditions. Counts are sums of weights: 1 for a trial
/// of the same run, less for one of long ago or far away.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Evidence {
    /// Trials that changed the design and measured it.
    pub effects: f64,
    /// Trials that changed nothing.
    pub no_effects: f64,
    /// Trials that failed, by class.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub failures: BTreeMap<FailureClass, f64>,
    /// What the effects gained in each metric.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub gains: BTreeMap<Metric, Gains>,
}

impl Evidence {
    /// The evidence of one trial, with this weight.
    pub fn of(result: &TrialResult, weight: f64) -> Self {
        let mut evidence = Self::default();
        match result {
            TrialResult::Effect(gains) => {
                evidence.effects = weight;
                evidence.gains = gains
                    .iter()
                    .map(|(metric, gain)| (*metric, Gains::of(*gain, weight)))
                    .collect();
            }
            TrialResult::NoEffect => evidence.no_effects = weight,
            TrialResult::Failed(class) => {
                evidence.failures.insert(*class, weight);
            }
        }
        evidence
    }

    /// Takes in other evidence. Up to the rounding of sums, the order in which evidence is merged makes no
    /// difference; where the last digit counts, merge in a canonical order.
    pub fn merge(&mut self, other: &Self) {
        self.effects += other.effects;
        self.no_effects += other.no_effects;
        for (class, count) in &other.failures {
            *self.failures.entry(*class).or_default() += count;
        }
        for (metric, gains) in &other.gains {
            self.gains.entry(*metric).or_default().merge(gains);
        }
    }

    /// Failures that tell something of the ECO. Those of the machine and of the study's own files do not,
    /// nor do results that only a study's own bounds refused.
    pub fn own_failures(&self) -> f64 {
        let own = self.failures.iter().filter(|(class, _)| is_own(**class));
        own.map(|(_, count)| count).sum()
    }

    /// Tries that tell something of the ECO: all but failures of the machine and of the study's own files.
    pub fn tries(&self) -> f64 {
        let told = self.failures.iter().filter(|(class, _)| tells(**class));
        self.effects + self.no_effects + told.map(|(_, count)| count).sum::<f64>()
    }
}

fn tells(class: FailureClass) -> bool {
    matches!(class.scope(), FailureScope::Trial | FailureScope::Tool)
}

fn is_own(class: FailureClass) -> bool {
    let bounds_of_study = matches!(
        class,
        FailureClass::RailViolation | FailureClass::MetricRegression
    );
    tells(class) && !bounds_of_study
}

/// Evidence of earlier runs on one ECO under one set of conditions.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Prior {
    /// The ECO's name.
    pub eco: String,
    /// The hash over the ECO's manifest and files: another content is another ECO.
    pub content: ContentHash,
    /// The conditions.
    pub context: Context,
    /// What trials came to.
    pub evidence: Evidence,
    /// When the youngest run that it comes from ended, in seconds since 1970.
    pub last_use_s: i64,
}

/// The evidence of earlier runs as it stood when a run began: all that the run ever sees of it.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Priors {
    /// By ECO, content and conditions, in that order.
    pub entries: Vec<Prior>,
    /// The runs that they come from, by id.
    pub runs: Vec<PriorRun>,
}

/// A run whose evidence another run uses.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct PriorRun {
    /// The hash of its first record, which no other run has.
    pub id: ContentHash,
    /// The project that it belonged to.
    pub project: String,
    /// Its study.
    pub study: String,
    /// How much each of its trials counts, from 0 to 1, by its source and its age.
    pub weight: f64,
    /// How many of its trials are used.
    pub observations: u32,
}

/// An ECO that a stage does not try on one of its inputs, because evidence says that it mostly fails there.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Veto {
    /// The ECO's name.
    pub eco: String,
    /// The input.
    pub case: CaseName,
    /// The evidence, in words.
    pub cause: String,
}

/// What a study does with evidence of other runs. Nothing, unless its file has this section.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PriorRules {
    /// Whether the run begins with evidence of earlier runs.
    pub warm_start: bool,
    /// Whether the run's own evidence is kept for later ones, once it ended.
    pub record: bool,
    /// Whether ECOs that mostly fail, by what is known, are not proposed; by default in `guarded` and
    /// `locked`, and never off in `locked`.
    pub veto: Option<bool>,
    /// The project under which evidence is kept; the study's name unless given, so that a study shares with
    /// itself alone.
    pub project: Option<String>,
    /// Whose evidence counts, and how much; of several that match a run the first decides. Only the own
    /// project, in full, unless given.
    pub sources: Vec<PriorSource>,
    /// Runs that ended longer ago do not count.
    pub max_age_days: f64,
    /// The age at which evidence counts half.
    pub half_life_days: f64,
}

impl Default for PriorRules {
    fn default() -> Self {
        Self {
            warm_start: false,
            record: true,
            veto: None,
            project: None,
            sources: Vec::new(),
            max_age_days: 365.0,
            half_life_days: 90.0,
        }
    }
}

impl PriorRules {
    /// Whether ECOs that mostly fail are kept out in `domain`.
    pub fn vetoes(&self, domain: SafetyDomain) -> bool {
        match domain {
            SafetyDomain::Sandbox => self.veto.unwrap_or(false),
            SafetyDomain::Guarded => self.veto.unwrap_or(true),
            SafetyDomain::Locked => true,
        }
    }

    /// Whether evidence of earlier runs may say what is tried first in `domain`. `locked` tries what is written:
    /// there it may only keep out what mostly fails.
    pub fn steers(domain: SafetyDomain) -> bool {
        domain != SafetyDomain::Locked
    }

    /// The project under which the evidence of the study of this name is kept.
    pub fn project_of<'a>(&'a self, study: &'a str) -> &'a str {
        self.project.as_deref().unwrap_or(study)
    }
}

/// Runs whose evidence a study uses.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PriorSource {
    /// A pattern for the name of the project: `*` stands for any text.
    #[serde(default = "any_text")]
    pub project: String,
    /// A pattern for the name of the study.
    #[serde(default = "any_text")]
    pub study: String,
    /// How much a trial counts, above 0 and at most 1.
    #[serde(default = "in_full")]
    pub weight: f64,
}

fn any_text() -> String {
    "*".to_owned()
}

fn in_full() -> f64 {
    1.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn result() -> impl Strategy<Value = TrialResult> {
        let gain = -1e6..1e6;
        prop_oneof![
            proptest::collection::btree_map(
                (0..Metric::ALL.len()).prop_map(|index| Metric::ALL[index]),
                gain,
                0..4
            )
            .prop_map(TrialResult::Effect),
            Just(TrialResult::NoEffect),
            (0..FailureClass::ALL.len())
                .prop_map(|index| TrialResult::Failed(FailureClass::ALL[index])),
        ]
    }

    fn near(left: f64, right: f64, scale: f64) -> bool {
        (left - right).abs() <= 1e-9 * scale.max(1.0)
    }

    proptest! {
        /// Any grouping, in any order, gives the same evidence up to the rounding of sums.
        #[test]
        fn the_order_of_merging_does_not_matter(
            trials in proptest::collection::vec((result(), 0.01..1.0, any::<u32>()), 1..30),
            groups in 1_usize..5,
        ) {
            let mut straight = Evidence::default();
            for (result, weight, _) in &trials {
                straight.merge(&Evidence::of(result, *weight));
            }
            let mut shuffled = trials.clone();
            shuffled.sort_by_key(|(_, _, key)| *key);
            let mut parts = vec![Evidence::default(); groups];
            for (position, (result, weight, _)) in shuffled.iter().enumerate() {
                parts[position % groups].merge(&Evidence::of(result, *weight));
            }
            let mut grouped = Evidence::default();
            parts.iter().rev().for_each(|part| grouped.merge(part));

            prop_assert!(near(grouped.tries(), straight.tries(), straight.tries()));
            prop_assert!(near(grouped.own_failures(), straight.own_failures(), 1.0));
            prop_assert_eq!(grouped.gains.len(), straight.gains.len());
            for (metric, gains) in &straight.gains {
                let other = grouped.gains[metric];
                prop_assert!(near(other.count, gains.count, gains.count));
                prop_assert!(near(other.mean, gains.mean, 1e6));
                prop_assert!(near(other.squares, gains.squares, 1e13));
                prop_assert!(near(other.better, gains.better, gains.count));
                prop_assert!(near(other.worse, gains.worse, gains.count));
            }
        }

        #[test]
        fn mean_and_spread_are_those_of_the_list(gains in proptest::collection::vec(-1e3..1e3, 2..40)) {
            let mut merged = Gains::default();
            for gain in &gains {
                merged.merge(&Gains::of(*gain, 1.0));
            }
            let count = gains.len() as f64;
            let mean = gains.iter().sum::<f64>() / count;
            let variance = gains.iter().map(|gain| (gain - mean).powi(2)).sum::<f64>() / count;
            prop_assert!(near(merged.mean, mean, 1e3));
            prop_assert!(near(merged.deviation().unwrap(), variance.sqrt(), 1e3));
        }

        #[test]
        fn evidence_survives_json(result in result(), weight in 0.01..1.0) {
            let evidence = Evidence::of(&result, weight);
            let back: Evidence = serde_json::from_str(&serde_json::to_string(&evidence).unwrap()).unwrap();
            prop_assert_eq!(back, evidence);
        }
    }

    #[test]
    fn failures_of_machine_and_study_tell_nothing_of_an_eco() {
        let tried = |class| {
            let evidence = Evidence::of(&TrialResult::Failed(class), 1.0);
            (evidence.tries(), evidence.own_failures())
        };
        assert_eq!(tried(FailureClass::Segfault), (1.0, 1.0));
        assert_eq!(tried(FailureClass::WorkerLost), (0.0, 0.0));
        assert_eq!(tried(FailureClass::BlackBox), (0.0, 0.0));
        assert_eq!(tried(FailureClass::RailViolation), (1.0, 0.0));
        assert_eq!(Evidence::default().tries(), 0.0);
    }

    #[test]
    fn a_stricter_domain_lets_evidence_do_less_and_keep_out_more() {
        let rules = |veto| PriorRules {
            veto,
            ..PriorRules::default()
        };
        let vetoes = |veto| {
            [
                SafetyDomain::Sandbox,
                SafetyDomain::Guarded,
                SafetyDomain::Locked,
            ]
            .map(|domain| rules(veto).vetoes(domain))
        };
        assert_eq!(vetoes(None), [false, true, true]);
        assert_eq!(vetoes(Some(false)), [false, false, true]);
        assert_eq!(vetoes(Some(true)), [true; 3]);
        assert!(PriorRules::steers(SafetyDomain::Guarded));
        assert!(!PriorRules::steers(SafetyDomain::Locked));
    }

    #[test]
    fn conditions_are_told_as_far_as_they_were_seen() {
        let context = Context {
            size: SizeClass::Under1k,
            depth: ViolationDepth::Met,
            ..Context::default()
        };
        assert_eq!(context.to_string(), "fewer than 1000 cells, setup met");
        assert_eq!(
            Context::default().to_string(),
            "conditions that could not be seen"
        );
        for class in ViolationDepth::ALL {
            assert_eq!(ViolationDepth::from_name(class.name()), Some(*class));
        }
    }
}
