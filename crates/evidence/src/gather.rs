//! What of earlier runs counts for a new one, and how much.

use std::collections::{BTreeMap, BTreeSet};

use noodle2_model::{
    ContentHash, Context, Evidence, Observation, Prior, PriorRules, PriorRun, Priors,
    matches_pattern,
};
use serde::{Deserialize, Serialize};

const SECONDS_A_DAY: i64 = 86_400;

/// A run that ended, with all that it observed.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedRun {
    /// The hash of its first record, which no other run has.
    pub id: ContentHash,
    /// The project that it belongs to.
    pub project: String,
    /// The name of its study.
    pub study: String,
    /// The platform of its design.
    pub platform: String,
    /// Its digest.
    pub digest: ContentHash,
    /// The version of Noodle 2 that began it.
    pub noodle2_version: String,
    /// When it ended, in seconds since 1970.
    pub ended_s: i64,
    /// What its trials came to, in canonical order; discarded results are not among them.
    pub observations: Vec<Observation>,
}

/// For whom evidence is gathered.
#[derive(Clone, Debug)]
pub struct Gathering<'a> {
    /// What the study says of priors.
    pub rules: &'a PriorRules,
    /// The study's project.
    pub project: &'a str,
    /// The platform of its design: evidence from another platform never counts.
    pub platform: &'a str,
    /// The content of the ECOs that it names: evidence on another content is evidence on another ECO.
    pub contents: &'a BTreeSet<ContentHash>,
    /// The time, in seconds since 1970.
    pub now_s: i64,
}

impl Gathering<'_> {
    /// How much each trial of a run counts, from 0 to 1; `None` when it does not count at all. Age is taken in
    /// whole days, so that runs begun on one day see the same.
    pub fn weight(&self, run: &RecordedRun) -> Option<f64> {
        if run.platform != self.platform {
            return None;
        }
        let age_days = ((self.now_s - run.ended_s) / SECONDS_A_DAY).max(0) as f64;
        if age_days > self.rules.max_age_days {
            return None;
        }
        let sources = &self.rules.sources;
        let weight = match sources.is_empty() {
            true => (run.project == self.project).then_some(1.0),
            false => sources
                .iter()
                .find(|source| {
                    matches_pattern(&source.project, &run.project)
                        && matches_pattern(&source.study, &run.study)
                })
                .map(|source| source.weight),
        }?;
        let weight = weight * (-age_days / self.rules.half_life_days).exp2();
        (weight > 0.0).then_some(weight)
    }
}

/// The evidence that earlier runs hold for a new one. The order in which the runs are given makes no
/// difference, to the last digit. An observation that several runs made counts once, with the largest weight.
pub fn gather<'a>(
    runs: impl IntoIterator<Item = &'a RecordedRun>,
    gathering: &Gathering<'_>,
) -> Priors {
    let mut weighed: Vec<(f64, &RecordedRun)> = runs
        .into_iter()
        .filter_map(|run| Some((gathering.weight(run)?, run)))
        .collect();
    weighed.sort_by(|(left_weight, left), (right_weight, right)| {
        right_weight
            .total_cmp(left_weight)
            .then_with(|| left.id.cmp(&right.id))
    });
    weighed.dedup_by_key(|(_, run)| run.id);
    // By key, so that sums are added up in one order whatever the order of runs.
    let mut chosen: BTreeMap<ContentHash, (f64, usize, &Observation)> = BTreeMap::new();
    for (place, (weight, run)) in weighed.iter().enumerate() {
        for observation in &run.observations {
            if gathering.contents.contains(&observation.content) {
                let choice = (*weight, place, observation);
                chosen.entry(observation.key).or_insert(choice);
            }
        }
    }
    let mut entries: BTreeMap<(&str, ContentHash, Context), (Evidence, i64)> = BTreeMap::new();
    let mut used = vec![0; weighed.len()];
    for (weight, place, observation) in chosen.values() {
        used[*place] += 1;
        let key = (
            observation.eco.as_str(),
            observation.content,
            observation.context,
        );
        let (evidence, last_use_s) = entries
            .entry(key)
            .or_insert((Evidence::default(), i64::MIN));
        evidence.merge(&Evidence::of(&observation.result, *weight));
        *last_use_s = (*last_use_s).max(weighed[*place].1.ended_s);
    }
    let mut runs: Vec<PriorRun> = weighed
        .iter()
        .zip(used)
        .filter(|(_, observations)| *observations > 0)
        .map(|((weight, run), observations)| PriorRun {
            id: run.id,
            project: run.project.clone(),
            study: run.study.clone(),
            weight: *weight,
            observations,
        })
        .collect();
    runs.sort_by_key(|run| run.id);
    Priors {
        entries: entries
            .into_iter()
            .map(|((eco, content, context), (evidence, last_use_s))| Prior {
                eco: eco.to_owned(),
                content,
                context,
                evidence,
                last_use_s,
            })
            .collect(),
        runs,
    }
}
