//! How far the numbers of a run can be trusted: the base case measured again, as it is and perturbed.
//!
//! Repeats start once gate 0 has found the base case fit, all at once as far as workers are free, and every stage
//! waits for the last of them. They measure, and derive no case.

use std::collections::BTreeMap;

use noodle2_model::{
    AttemptId, Event, FailureClass, Measurement, Metric, MetricSet, NoiseRules, Outcome,
    Perturbation, TrialId,
};
use serde::{Deserialize, Serialize};

use crate::rank::Yardstick;
use crate::state::{Attempt, Controller, running, settled};

/// Executions of the repeats of one measurement, by the number of the repeat.
pub type Repeats = BTreeMap<u32, Vec<Attempt>>;

/// What measuring the base case again told.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Noise {
    /// How the unperturbed re-run differs from the first measurement, in words: with any, nothing that the tool
    /// measures can be repeated.
    pub differences: Vec<String>,
    /// By metric, the largest deviation of any perturbed repeat from the first measurement. Two values that lie as
    /// far apart cannot be told apart.
    pub floor: MetricSet,
}

/// What an attempt is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttemptRole {
    /// To measure the base case, or to derive a case.
    Derives,
    /// To measure a survivor's netlist again in a fresh process.
    Confirms,
    /// To repeat a measurement; 0 as it was, another number under the perturbation of that number.
    Repeats(u32),
}

/// What is due of a measurement's repeats.
pub(crate) enum RepeatStanding<'a> {
    Waiting,
    Running,
    Ended(&'a Outcome),
}

pub(crate) fn standing_of(repeats: &Repeats, repeat: u32) -> RepeatStanding<'_> {
    let attempts = repeats.get(&repeat).map(Vec::as_slice).unwrap_or_default();
    match settled(attempts) {
        _ if running(attempts) => RepeatStanding::Running,
        Some(outcome) => RepeatStanding::Ended(outcome),
        None => RepeatStanding::Waiting,
    }
}

/// How many executions there are of all repeats of a measurement.
pub(crate) fn count(repeats: &Repeats) -> usize {
    repeats.values().map(Vec::len).sum()
}

impl Controller {
    /// What measuring the base case again told; `None` where it is not measured again, and until all of it ended.
    pub fn noise(&self) -> Option<&Noise> {
        self.noise.as_ref()
    }

    /// The executions of the repeats of the base case.
    pub fn base_repeats(&self) -> &Repeats {
        &self.base_repeats
    }

    /// By metric, the difference up to which two cases cannot be told apart; empty where it was not measured.
    pub fn noise_floor(&self) -> &MetricSet {
        static NONE: std::sync::LazyLock<MetricSet> = std::sync::LazyLock::new(MetricSet::new);
        self.noise.as_ref().map_or(&NONE, |noise| &noise.floor)
    }

    /// Whether no metric of the ranking of `stage` tells two cases apart, given a noise floor that was measured.
    pub fn are_indistinguishable(
        &self,
        stage: noodle2_model::StageIndex,
        left: &Measurement,
        right: &Measurement,
    ) -> bool {
        let yardstick = self.yardstick(stage);
        let alike = yardstick.deciding_metric(&left.overall, &right.overall);
        !self.noise_floor().is_empty() && alike.is_none()
    }

    /// Whether no metric of the study's own ranking tells two cases apart, given a noise floor that was measured.
    pub fn is_noise(&self, left: &Measurement, right: &Measurement) -> bool {
        let yardstick = self.yardstick_of(&self.program.study().objective);
        let alike = yardstick.deciding_metric(&left.overall, &right.overall);
        !self.noise_floor().is_empty() && alike.is_none()
    }

    /// What cases of a stage are compared by.
    pub(crate) fn yardstick(&self, stage: noodle2_model::StageIndex) -> Yardstick<'_> {
        self.yardstick_of(self.program.objective(stage))
    }

    pub(crate) fn yardstick_of<'c>(
        &'c self,
        objective: &'c noodle2_model::Objective,
    ) -> Yardstick<'c> {
        Yardstick {
            objective,
            base: self.base_metrics(),
            floor: self.noise_floor(),
        }
    }

    /// The number of the next attempt of a trial or of the base case, whatever it is made for.
    pub(crate) fn next_number(&self, trial: TrialId) -> Option<u32> {
        if trial.is_base() {
            return Some((self.base.len() + count(&self.base_repeats)) as u32 + 1);
        }
        self.trials
            .get(&trial)
            .map(crate::state::Trial::next_number)
    }

    fn base_repeats_asked(&self) -> impl Iterator<Item = u32> {
        let study = self.program.study();
        let rules: NoiseRules = study.noise;
        rules.repeats_in(study.safety_domain)
    }

    /// Whether stages wait for repeats of the base case, or for what these tell.
    pub(crate) fn noise_is_open(&self) -> bool {
        self.noise.is_none() && self.base_repeats_asked().next().is_some()
    }

    /// Repeats of the base case that may start now.
    pub(crate) fn base_repeats_due(&self) -> Vec<Event> {
        if self.base_case().is_none() || !self.noise_is_open() || self.reasons_to_block().is_some()
        {
            return Vec::new();
        }
        let waiting = self.base_repeats_asked().filter(|repeat| {
            let standing = standing_of(&self.base_repeats, *repeat);
            matches!(standing, RepeatStanding::Waiting)
        });
        let numbered = self
            .next_number(TrialId::BASE)
            .into_iter()
            .flat_map(|first| first..);
        let numbered = numbered.zip(waiting);
        numbered
            .map(|(number, repeat)| Event::RepeatStarted {
                attempt: AttemptId {
                    trial: TrialId::BASE,
                    number,
                },
                repeat,
            })
            .collect()
    }

    /// The outcomes of all repeats of the base case; `None` until the last ended.
    fn base_repeats_ended(&self) -> Option<Vec<(u32, &Outcome)>> {
        self.base_repeats_asked()
            .map(|repeat| match standing_of(&self.base_repeats, repeat) {
                RepeatStanding::Ended(outcome) => Some((repeat, outcome)),
                RepeatStanding::Waiting | RepeatStanding::Running => None,
            })
            .collect()
    }

    /// Why nothing may be tried although gate 0 lets the base case pass: a repeat of it came to nothing, so that
    /// what it was to tell is not known; or no result can be trusted, and the study tolerates no such failure.
    pub(crate) fn noise_blocks(&self) -> Vec<String> {
        let Some(base) = self.base_case() else {
            return Vec::new();
        };
        if let Some(noise) = &self.noise {
            let tolerates = self.program.study_rail().crossed(1, 0, 0).is_none();
            if noise.differences.is_empty() || tolerates {
                return Vec::new();
            }
            let (class, told) = (FailureClass::Nondeterministic, noise.differences.join("; "));
            return vec![format!(
                "{class}: measured again, the base case differs: {told}"
            )];
        }
        let ended = self.base_repeats_ended().unwrap_or_default().into_iter();
        let failed = ended.filter_map(|(repeat, outcome)| {
            let which = repeat_text(repeat);
            match outcome {
                Outcome::Failed(failure) => Some(format!(
                    "{which} of the base case failed: {}: {}",
                    failure.class, failure.message
                )),
                Outcome::NoEffect => Some(format!("{which} of the base case measured nothing")),
                Outcome::Measured(again) => {
                    let same = again.design.canonical == base.measurement.design.canonical;
                    (!same && repeat > 0)
                        .then(|| format!("{which} of the base case measured another design"))
                }
            }
        });
        failed.collect()
    }

    /// What the repeats of the base case tell, until that is in the journal.
    pub(crate) fn noise_due(&self) -> Option<Event> {
        let base = &self.base_case()?.measurement;
        if !self.noise_is_open() || self.reasons_to_block().is_some() {
            return None;
        }
        let mut differences = Vec::new();
        let mut perturbed = Vec::new();
        for (repeat, outcome) in self.base_repeats_ended()? {
            match (repeat, outcome) {
                (0, Outcome::Measured(again)) => differences = differences_of(base, again),
                (_, Outcome::Measured(again)) => perturbed.push(&again.overall),
                (_, Outcome::NoEffect | Outcome::Failed(_)) => return None,
            }
        }
        Some(Event::NoiseMeasured {
            differences,
            floor: floor_of(&base.overall, &perturbed),
        })
    }

    /// What an attempt that was started is made for.
    pub fn role_of(&self, attempt: AttemptId) -> Option<AttemptRole> {
        let is_it = |made: &&Attempt| made.number == attempt.number;
        let (derives, confirms, repeats): (&[Attempt], &[Attempt], &Repeats) =
            match self.trials.get(&attempt.trial) {
                Some(trial) => (&trial.attempts, &trial.confirmations, &trial.repeats),
                None if attempt.trial.is_base() => (&self.base, &[], &self.base_repeats),
                None => return None,
            };
        if derives.iter().any(|made| is_it(&made)) {
            return Some(AttemptRole::Derives);
        }
        if confirms.iter().any(|made| is_it(&made)) {
            return Some(AttemptRole::Confirms);
        }
        let mut repeats = repeats.iter();
        let found = repeats.find(|(_, attempts)| attempts.iter().any(|made| is_it(&made)));
        found.map(|(repeat, _)| AttemptRole::Repeats(*repeat))
    }

    /// What an attempt changes about a measurement; `None` for one that changes nothing.
    pub fn perturbation_of(&self, attempt: AttemptId) -> Option<Perturbation> {
        match self.role_of(attempt)? {
            AttemptRole::Repeats(repeat) => Perturbation::of(self.program.study().seed, repeat),
            AttemptRole::Derives | AttemptRole::Confirms => None,
        }
    }
}

/// A repeat in words.
pub(crate) fn repeat_text(repeat: u32) -> String {
    match repeat {
        0 => "the unperturbed re-run".to_owned(),
        number => format!("perturbed repeat {number}"),
    }
}

/// The metrics in which two measurements of the very same differ, in words: over all scenes, then those of single
/// scenes that show nowhere else.
fn differences_of(first: &Measurement, again: &Measurement) -> Vec<String> {
    let mut told = Vec::new();
    if first.design.canonical != again.design.canonical {
        told.push("its netlist is another design".to_owned());
    }
    let overall = differing(&first.overall, &again.overall);
    told.extend(overall.iter().map(|(_, text)| text.clone()));
    let (none, scenes) = (
        MetricSet::new(),
        first.scenes.keys().chain(again.scenes.keys()),
    );
    let scenes: std::collections::BTreeSet<&String> = scenes.collect();
    for scene in scenes {
        let of = |measured: &Measurement| measured.scenes.get(scene).unwrap_or(&none).clone();
        let found = differing(&of(first), &of(again)).into_iter();
        let hidden = found.filter(|(metric, _)| !overall.iter().any(|(other, _)| other == metric));
        told.extend(hidden.map(|(_, text)| format!("scene `{scene}`: {text}")));
    }
    told
}

fn differing(first: &MetricSet, again: &MetricSet) -> Vec<(Metric, String)> {
    let text = |value: Option<f64>| value.map_or("missing".to_owned(), |value| value.to_string());
    let metrics = Metric::ALL.iter();
    metrics
        .map(|metric| (*metric, first.get(*metric), again.get(*metric)))
        .filter(|(_, first, again)| first != again)
        .map(|(metric, first, again)| {
            let told = format!("`{metric}` was {} and then {}", text(first), text(again));
            (metric, told)
        })
        .collect()
}

/// By metric, the largest deviation of any of these from the first measurement. A metric that one of them lacks
/// has no floor: how far it may deviate is not known.
fn floor_of(first: &MetricSet, perturbed: &[&MetricSet]) -> MetricSet {
    if perturbed.is_empty() {
        return MetricSet::new();
    }
    let widest = |(metric, value): (Metric, f64)| {
        let deviations = perturbed
            .iter()
            .map(|again| Some((again.get(metric)? - value).abs()));
        let deviations: Option<Vec<f64>> = deviations.collect();
        Some((metric, deviations?.into_iter().fold(0.0, f64::max)))
    };
    first.iter().filter_map(widest).collect()
}

/// Why a survivor's gain over its parent is not stable under these perturbations of its measurement; `None` where
/// it is, and where none is claimed: a case that cannot be told from its parent, or is worse by the first metric
/// that tells them apart.
pub(crate) fn instability(
    yardstick: &Yardstick<'_>,
    parent: &MetricSet,
    case: &MetricSet,
    perturbed: &[(u32, &MetricSet)],
) -> Option<String> {
    let metric = yardstick.deciding_metric(parent, case)?;
    let (before, after) = (parent.get(metric)?, case.get(metric)?);
    if metric.gain(before, after) <= 0.0 {
        return None;
    }
    let lost = |(repeat, again): &(u32, &MetricSet)| {
        let which = repeat_text(*repeat);
        match again.get(metric) {
            None => Some(format!("`{metric}` was not measured in {which}")),
            Some(value) if metric.gain(before, value) > 0.0 => None,
            Some(value) => Some(format!(
                "`{metric}` went from {before} to {after}, and {which} measured {value}: nothing gained for sure"
            )),
        }
    };
    perturbed.iter().find_map(lost)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rank::is_within;
    use noodle2_model::Objective;

    fn set(wns: f64, area: f64) -> MetricSet {
        [(Metric::SetupWns, wns), (Metric::Area, area)]
            .into_iter()
            .collect()
    }

    #[test]
    fn the_floor_is_the_largest_deviation_and_unknown_where_one_is_missing() {
        let (first, lacking) = (
            set(-10.0, 5.0),
            [(Metric::SetupWns, -9.5)].into_iter().collect(),
        );
        let (up, down) = (set(-9.0, 5.0), set(-12.5, 5.0));
        assert_eq!(floor_of(&first, &[&up, &down]), set(2.5, 0.0));
        let floor = floor_of(&first, &[&up, &lacking]);
        assert_eq!(floor, [(Metric::SetupWns, 1.0)].into_iter().collect());
        assert!(!is_within(&floor, Metric::Area, 5.0, 5.1));
        assert!(floor_of(&first, &[]).is_empty());
    }

    #[test]
    fn a_gain_is_stable_as_long_as_no_perturbation_takes_it_back() {
        let objective = Objective {
            rank: vec![Metric::SetupWns, Metric::Area],
            bounds: Vec::new(),
        };
        let floor = set(2.0, 0.0);
        let yardstick = Yardstick {
            objective: &objective,
            base: &MetricSet::new(),
            floor: &floor,
        };
        let told = |case: MetricSet, again: MetricSet| {
            instability(
                &yardstick,
                &set(-10.0, 5.0),
                &case,
                &[(1, &case), (2, &again)],
            )
        };
        assert_eq!(told(set(-6.0, 5.0), set(-9.9, 5.0)), None);
        let lost = told(set(-6.0, 5.0), set(-10.0, 5.0)).unwrap();
        assert!(lost.contains("perturbed repeat 2 measured -10"), "{lost}");
        let unknown = told(set(-6.0, 5.0), MetricSet::new()).unwrap();
        assert!(unknown.contains("not measured"), "{unknown}");
        // Within the floor by slack: then area decides, and its gain must last.
        assert_eq!(told(set(-9.0, 4.0), set(-12.0, 4.5)), None);
        assert!(told(set(-9.0, 4.0), set(-9.0, 5.0)).is_some());
        // No gain is claimed.
        assert_eq!(told(set(-9.0, 5.0), set(-90.0, 9.0)), None);
        assert_eq!(told(set(-20.0, 5.0), set(-90.0, 9.0)), None);
    }
}
