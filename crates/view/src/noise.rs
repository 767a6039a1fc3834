//! How far the numbers of a run can be trusted, for people and scripts.

use std::collections::BTreeMap;

use noodle2_control::{Controller, Repeats};
use noodle2_model::{
    CaseName, Fallback, MetricSet, NoiseRules, Outcome, SafetyDomain, StageEnd, StageIndex,
};
use serde::Serialize;

use crate::{Table, count_text, metric_text};

/// What measuring the base case again told.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NoiseSummary {
    /// Whether the base case, measured again as it is, gave the very same numbers; absent where that was not
    /// asked for, and until it is known.
    pub repeatable: Option<bool>,
    /// How the numbers differed, where they did.
    pub differences: Vec<String>,
    /// How many perturbed repeats were asked for.
    pub repeats: usize,
    /// By metric, the largest deviation of any perturbed repeat: cases that lie as near are indistinguishable.
    pub floor: MetricSet,
}

impl NoiseSummary {
    /// What is known of a run; `None` where nothing is measured again.
    pub fn new(controller: &Controller) -> Option<Self> {
        let study = controller.program().study();
        let asked: Vec<u32> = study.noise.repeats_in(study.safety_domain).collect();
        if asked.is_empty() {
            return None;
        }
        let noise = controller.noise();
        let differences = noise.map(|noise| noise.differences.clone());
        let reruns = asked.contains(&0);
        Some(Self {
            repeatable: differences.as_ref().filter(|_| reruns).map(Vec::is_empty),
            differences: differences.unwrap_or_default(),
            repeats: asked.len() - usize::from(reruns),
            floor: noise.map(|noise| noise.floor.clone()).unwrap_or_default(),
        })
    }

    /// Whether no number of the run can be repeated.
    pub fn is_nondeterministic(&self) -> bool {
        self.repeatable == Some(false)
    }

    /// Whether the tool repeats itself, and how the floor was measured.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        match self.repeatable {
            Some(true) => {
                lines.push(
                    "measured again as it is, the base case gave the very same numbers".to_owned(),
                );
            }
            Some(false) => lines.push(format!(
                "nondeterministic: measured again as it is, the base case differed: {}",
                self.differences.join("; ")
            )),
            None => {}
        }
        if self.repeats > 0 && !self.floor.is_empty() {
            lines.push(format!(
                "{} of the base case: cases that differ by no more than the noise floor are indistinguishable",
                count_text(self.repeats, "perturbed repeat")
            ));
        }
        lines
    }

    /// The noise floor beside the values of the base case.
    pub(crate) fn table(&self, base: Option<&MetricSet>) -> Table {
        let mut table = Table::new(&["metric", ">base", ">noise floor"]);
        for (metric, width) in self.floor.iter() {
            table.row([
                metric.to_string(),
                metric_text(metric, base.and_then(|base| base.get(metric))),
                metric_text(metric, Some(width)),
            ]);
        }
        table
    }
}

/// Which survivors of a stage are indistinguishable from which others that it passed on; empty unless a noise floor
/// was measured.
pub(crate) fn indistinguishable(
    controller: &Controller,
    stage: StageIndex,
) -> BTreeMap<CaseName, Vec<CaseName>> {
    let survivors = controller.stages()[stage.position()].survivors();
    let alike = |left: &CaseName, right: &CaseName| {
        let of = |name| controller.cases().get(name).map(|case| &case.measurement);
        let both = of(left).zip(of(right)).filter(|_| left != right);
        both.is_some_and(|(left, right)| controller.are_indistinguishable(stage, left, right))
    };
    let of = |name: &CaseName| {
        let others = survivors.iter().filter(|other| alike(name, other));
        others.cloned().collect::<Vec<CaseName>>()
    };
    let found = survivors.iter().map(|name| (name.clone(), of(name)));
    found.filter(|(_, others)| !others.is_empty()).collect()
}

/// Each pair of them once, in words.
pub(crate) fn indistinguishable_lines(
    found: &BTreeMap<CaseName, Vec<CaseName>>,
) -> impl Iterator<Item = String> {
    found.iter().filter_map(|(name, others)| {
        let after = others.iter().filter(|other| *other > name);
        let after: Vec<String> = after.map(ToString::to_string).collect();
        (!after.is_empty())
            .then(|| format!("{name} is indistinguishable from {}", after.join(", ")))
    })
}

/// That a stage went on from an earlier case, in words; `None` where it did not.
pub(crate) fn fallback_text(end: &StageEnd) -> Option<String> {
    match end {
        StageEnd::Completed {
            fallback: Some(fell),
            ..
        } => Some(format!(
            "passes on {}, an earlier case, instead of {}: {}",
            fell.to, fell.from, fell.cause
        )),
        _ => None,
    }
}

/// When a stage would do so, in words.
pub(crate) fn fallback_rule_text(fallback: Fallback) -> String {
    let limits = [
        fallback.max_loss.map(|loss| loss.to_string()),
        fallback
            .max_loss_percent
            .map(|percent| format!("{percent} %")),
    ];
    let limits: Vec<String> = limits.into_iter().flatten().collect();
    format!(
        "to the best case so far, where its own are worse by more than {}",
        limits.join(" or ")
    )
}

/// How a study measures its base case again, in words; empty where it does not.
pub(crate) fn rules_text(rules: NoiseRules, domain: SafetyDomain) -> String {
    let asked: Vec<u32> = rules.repeats_in(domain).collect();
    let perturbed = asked.iter().filter(|repeat| **repeat > 0).count();
    let mut parts = Vec::new();
    if asked.contains(&0) {
        parts.push("once as it is".to_owned());
    }
    if perturbed > 0 {
        parts.push(format!("{} perturbed", count_text(perturbed, "time")));
    }
    match parts.is_empty() {
        true => String::new(),
        false => format!("the base case is measured again {}", parts.join(", ")),
    }
}

/// What came of the repeats of a measurement, in the order in which they are numbered.
pub(crate) fn repeat_lines(repeats: &Repeats) -> Vec<String> {
    let attempts = repeats
        .iter()
        .flat_map(|(repeat, attempts)| attempts.iter().map(move |attempt| (*repeat, attempt)));
    attempts
        .map(|(repeat, attempt)| {
            let how = match repeat {
                0 => "as it is".to_owned(),
                number => format!("under perturbation {number}"),
            };
            let number = attempt.number;
            match &attempt.outcome {
                None => format!("attempt {number} measures it again {how}"),
                Some(Outcome::Failed(failure)) => format!(
                    "attempt {number}, which measured it again {how}, failed: {}: {}",
                    failure.class, failure.message
                ),
                Some(_) => format!("attempt {number} measured it again {how}"),
            }
        })
        .collect()
}
