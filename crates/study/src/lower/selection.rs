//! How survivors are chosen, when a stage has seen enough, and when it goes on from an earlier case.

use std::collections::BTreeMap;

use noodle2_model::{EarlyStop, Fallback, Metric, Selection, Strategy};

use super::fields::fields;
use super::study::{bounds, inner, metric, refuse_key};
use super::value::{boolean, list, number, whole, word, wrong_type};
use super::{Lowered, Place};
use crate::report::Report;
use crate::suggest::{did_you_mean, quoted};
use crate::tree::Kind;

const STRATEGIES: [(&str, Strategy); 5] = [
    ("lexicographic", Strategy::Lexicographic),
    ("top_n", Strategy::TopN),
    ("pareto", Strategy::Pareto),
    ("diverse", Strategy::Diverse),
    ("tournament", Strategy::Tournament),
];

pub(super) fn selection(report: &mut Report, place: &Place<'_>) -> Lowered<Selection> {
    let strategy =
        |report: &mut Report, place: &Place<'_>| word(report, place, "strategy", &STRATEGIES);
    let fields = fields(
        report,
        place,
        "the selection",
        "{strategy: pareto, metrics: [setup_wns_ps, area_um2]}",
        &[
            "strategy", "weights", "metrics", "distance", "size", "elitism",
        ],
    )?;
    let metrics =
        |report: &mut Report, place: &Place<'_>| list(report, place, &Metric::SetupWs, metric);
    Ok(Selection {
        strategy: fields.optional(report, "strategy", Strategy::default(), strategy),
        weights: fields.optional(report, "weights", BTreeMap::new(), weights),
        metrics: fields.optional(report, "metrics", Vec::new(), metrics),
        distance: fields.option(report, "distance", whole),
        size: fields.option(report, "size", whole),
        elitism: fields.optional(report, "elitism", true, boolean),
    })
}

fn weights(report: &mut Report, place: &Place<'_>) -> Lowered<BTreeMap<Metric, f64>> {
    let Kind::Mapping(entries) = &place.node.kind else {
        let help = "write each as `metric: weight`".to_owned();
        return Err(wrong_type(report, place, "a mapping", Some(help)));
    };
    let names: Vec<&str> = Metric::ALL.iter().map(|metric| metric.name()).collect();
    let mut weights = BTreeMap::new();
    for entry in entries {
        let value = inner(report, place, entry);
        let known = Metric::ALL.iter().find(|metric| metric.name() == entry.key);
        match known {
            Some(metric) => drop(weights.insert(*metric, number(report, &value)?)),
            None => {
                let message = format!("{} is no metric", quoted(&entry.key));
                let help = did_you_mean(&entry.key, &names);
                return Err(refuse_key(report, entry, message, help));
            }
        }
    }
    Ok(weights)
}

pub(super) fn early_stop(report: &mut Report, place: &Place<'_>) -> Lowered<EarlyStop> {
    let fields = fields(
        report,
        place,
        "the early stop",
        "{plateau_trials: 10}",
        &["target", "plateau_trials", "plateau_gain"],
    )?;
    Ok(EarlyStop {
        target: fields.optional(report, "target", Vec::new(), bounds),
        plateau_trials: fields.option(report, "plateau_trials", whole),
        plateau_gain: fields.option(report, "plateau_gain", number),
    })
}

pub(super) fn fallback(report: &mut Report, place: &Place<'_>) -> Lowered<Fallback> {
    let fields = fields(
        report,
        place,
        "the fallback",
        "{max_loss: 5}",
        &["max_loss", "max_loss_percent"],
    )?;
    Ok(Fallback {
        max_loss: fields.option(report, "max_loss", number),
        max_loss_percent: fields.option(report, "max_loss_percent", number),
    })
}
