//! From the worst paths of a case to what may be wrong with it, and to the ECOs that are remedies for it.
//!
//! A symptom is told with the measured values that show it, and with its extent: how many times its threshold
//! it reaches. What a case was not measured for is no symptom.

use std::collections::BTreeMap;

use noodle2_model::{
    Check, EcoDefinition, Measurement, Metric, Parameters, PathExtreme, PathProfile, StageEco,
    Symptom,
};
use serde::Serialize;

use crate::propose::{Planned, ProposalContext};
use crate::recipe::Recipe;

/// The share of a path's delay from which on its wires dominate.
const WIRE_SHARE: f64 = 0.5;
/// Sinks of one net on a worst path that are many.
const WIDE_FANOUT: f64 = 8.0;
/// How many times the median of its path a transition is that is far slower than the others.
const SLOW_TRANSITION: f64 = 4.0;
/// Cells of a worst path that are many.
const DEEP_PATH: f64 = 20.0;
/// The share of bins over their capacity that is many, in percent.
const HOT_BINS_PERCENT: f64 = 1.0;
/// The share of all power that is much leakage.
const LEAKAGE_SHARE: f64 = 0.3;

/// Something that may be wrong with a case.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Diagnosis {
    /// What.
    pub symptom: Symptom,
    /// How many times its threshold it reaches; at least 1.
    pub extent: f64,
    /// The measured values that show it.
    pub evidence: String,
}

/// An ECO that is a remedy for something that may be wrong.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Suggestion {
    /// The ECO.
    pub eco: String,
    /// The parameters that make it a remedy; the others are free.
    pub parameters: Parameters,
    /// For what.
    pub symptom: Symptom,
    /// Why, in a sentence.
    pub reason: String,
}

/// What may be wrong with a case, most urgent first: what concerns the metric that matters most (the first of
/// `rank`), then by extent.
pub fn diagnose(measurement: &Measurement, rank: &[Metric]) -> Vec<Diagnosis> {
    let mut found: Vec<Diagnosis> = hold(measurement).into_iter().collect();
    found.extend(setup(measurement, rank));
    found.extend(limits(measurement));
    found.extend(leakage(measurement, rank));
    found.extend(congestion(measurement));
    // One symptom once, as its worst path shows it.
    let mut worst: BTreeMap<Symptom, Diagnosis> = BTreeMap::new();
    for diagnosis in found {
        match worst.get(&diagnosis.symptom) {
            Some(known) if known.extent >= diagnosis.extent => {}
            _ => drop(worst.insert(diagnosis.symptom, diagnosis)),
        }
    }
    let mut diagnoses: Vec<Diagnosis> = worst.into_values().collect();
    let matters = rank.first().map(|metric| concern_of(*metric));
    let is_secondary = |diagnosis: &Diagnosis| Some(concern(diagnosis.symptom)) != matters;
    diagnoses.sort_by(|left, right| {
        is_secondary(left)
            .cmp(&is_secondary(right))
            .then_with(|| right.extent.total_cmp(&left.extent))
            .then_with(|| left.symptom.cmp(&right.symptom))
    });
    diagnoses
}

/// The ECOs that are remedies, in the order of the diagnoses, for each by name.
pub fn suggest(diagnoses: &[Diagnosis], ecos: &BTreeMap<String, EcoDefinition>) -> Vec<Suggestion> {
    let of = |diagnosis: &Diagnosis| {
        let remedies = ecos.values().filter_map(|eco| {
            let parameters = eco.manifest.remedies.get(&diagnosis.symptom)?;
            Some(Suggestion {
                eco: eco.manifest.name.clone(),
                parameters: parameters.clone(),
                symptom: diagnosis.symptom,
                reason: reason(diagnosis),
            })
        });
        remedies.collect::<Vec<_>>()
    };
    diagnoses.iter().flat_map(of).collect()
}

/// Entries for the remedies of a catalogue that a stage does not name: each with the parameters that make it
/// one.
pub(crate) fn catalogue_entries<'a>(
    ecos: impl Iterator<Item = &'a EcoDefinition>,
) -> Vec<StageEco> {
    let mut entries: Vec<StageEco> = Vec::new();
    for eco in ecos {
        for parameters in eco.manifest.remedies.values() {
            let parameters = parameters.iter().map(|(name, value)| {
                let domain = noodle2_model::ParameterDomain::Value(value.clone());
                (name.to_owned(), domain)
            });
            let entry = StageEco {
                name: eco.manifest.name.clone(),
                parameters: parameters.collect(),
                ..StageEco::default()
            };
            if !entries.contains(&entry) {
                entries.push(entry);
            }
        }
    }
    entries
}

/// The trials that the diagnoses of a stage's inputs ask for: every suggestion takes its turn, the most urgent
/// ones first. `diagnoses` are those of each input.
pub(crate) fn propose(context: &ProposalContext<'_>, diagnoses: &[Vec<Diagnosis>]) -> Vec<Planned> {
    let mut recipes: Vec<Recipe<'_>> = Vec::new();
    let mut suggested: Vec<(usize, String)> = Vec::new();
    let most = diagnoses.iter().map(Vec::len).max().unwrap_or(0);
    for place in 0..most {
        for (input, of_input) in diagnoses.iter().enumerate() {
            let Some(diagnosis) = of_input.get(place) else {
                continue;
            };
            let open = (context.recipes.iter()).filter(|recipe| context.is_open(recipe, input));
            for recipe in open.filter_map(|recipe| remedy(recipe, diagnosis.symptom)) {
                recipes.push(recipe);
                suggested.push((input, reason(diagnosis)));
            }
        }
    }
    let narrowed = ProposalContext {
        recipes: &recipes,
        tried: context.tried.clone(),
        own: context.own.clone(),
        ..*context
    };
    let mut pairs: Vec<_> = (recipes.iter().zip(&suggested).enumerate())
        .map(|(entry, (recipe, (input, reason)))| (narrowed.pair(entry, recipe, *input), reason))
        .collect();
    let mut seen = narrowed.seen();
    let mut planned = Vec::new();
    while planned.len() < context.budget && pairs.iter().any(|(pair, _)| !pair.exhausted) {
        for (pair, reason) in &mut pairs {
            if planned.len() < context.budget
                && let Some(eco) = pair.next(&narrowed, &mut seen)
            {
                planned.push(narrowed.planned(pair.input, eco, Some(reason.clone())));
            }
        }
    }
    planned
}

/// A recipe narrowed to what makes it a remedy; `None` where it is none.
fn remedy<'a>(recipe: &Recipe<'a>, symptom: Symptom) -> Option<Recipe<'a>> {
    let steps = recipe.parts().iter().enumerate();
    steps
        .filter_map(|(step, part)| Some((step, part.manifest.remedies.get(&symptom)?)))
        .find_map(|(step, parameters)| recipe.narrowed(step, parameters))
}

fn reason(diagnosis: &Diagnosis) -> String {
    format!("{}: {}", diagnosis.symptom, diagnosis.evidence)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Concern {
    Setup,
    Hold,
    Limits,
    Power,
    Routing,
    Other,
}

fn concern(symptom: Symptom) -> Concern {
    match symptom {
        Symptom::Hold => Concern::Hold,
        Symptom::Slew => Concern::Limits,
        Symptom::Leakage => Concern::Power,
        Symptom::Congestion => Concern::Routing,
        Symptom::WireDominated
        | Symptom::CellDominated
        | Symptom::WireShareUnknown
        | Symptom::Fanout
        | Symptom::Depth => Concern::Setup,
    }
}

fn concern_of(metric: Metric) -> Concern {
    let name = metric.name();
    let begins = |prefix: &str| name.starts_with(prefix);
    if begins("setup_") {
        Concern::Setup
    } else if begins("hold_") {
        Concern::Hold
    } else if begins("max_") {
        Concern::Limits
    } else if begins("power") || begins("area") {
        Concern::Power
    } else if begins("rout") {
        Concern::Routing
    } else {
        Concern::Other
    }
}

fn hold(measurement: &Measurement) -> Option<Diagnosis> {
    let slack = measurement.overall.get(Metric::HoldWns)?;
    let path = (measurement.paths.iter()).find(|path| path.check == Check::Hold);
    let at = path.map(|path| format!(" at {}", path.end));
    (slack < 0.0).then(|| Diagnosis {
        symptom: Symptom::Hold,
        extent: 1.0,
        evidence: format!("hold slack is {slack} ps{}", at.unwrap_or_default()),
    })
}

/// What the worst setup paths show: those that are violated, or the worst one where a stage ranks by slack
/// beyond what is met.
fn setup(measurement: &Measurement, rank: &[Metric]) -> Vec<Diagnosis> {
    let wants_slack = rank.contains(&Metric::SetupWs);
    let paths = measurement.paths.iter();
    let paths = paths.filter(|path| path.check == Check::Setup);
    let mut found = Vec::new();
    for (position, path) in paths.enumerate() {
        if path.slack_ps >= 0.0 && (position > 0 || !wants_slack) {
            continue;
        }
        if position == 0 {
            found.push(domination(path));
        }
        let name = format!("the path to {} ({} ps)", path.end, path.slack_ps);
        if let Some(widest) = at_least(path.widest.as_ref(), WIDE_FANOUT) {
            found.push(Diagnosis {
                symptom: Symptom::Fanout,
                extent: widest.value / WIDE_FANOUT,
                evidence: format!("{} drives {} sinks on {name}", widest.at, widest.value),
            });
        }
        let stages = f64::from(path.stages);
        if stages >= DEEP_PATH {
            found.push(Diagnosis {
                symptom: Symptom::Depth,
                extent: stages / DEEP_PATH,
                evidence: format!("{name} goes through {stages} cells"),
            });
        }
        if let (Some(slowest), Some(median)) = (&path.slowest_transition, path.median_transition_ps)
            && median > 0.0
            && slowest.value >= SLOW_TRANSITION * median
        {
            found.push(Diagnosis {
                symptom: Symptom::Slew,
                extent: slowest.value / median / SLOW_TRANSITION,
                evidence: format!(
                    "the transition at {} takes {} ps on {name}, where half take no more than {median} ps",
                    slowest.at, slowest.value
                ),
            });
        }
    }
    found
}

fn at_least(extreme: Option<&PathExtreme>, least: f64) -> Option<&PathExtreme> {
    extreme.filter(|extreme| extreme.value >= least)
}

fn domination(path: &PathProfile) -> Diagnosis {
    let name = format!("the worst path, to {} ({} ps)", path.end, path.slack_ps);
    let slowest = path.slowest_cell.as_ref().map(|cell| {
        format!(
            "; most of it, {} ps, in {} ({})",
            cell.value, cell.at, cell.cell
        )
    });
    let slowest = slowest.unwrap_or_default();
    let percent = |share: f64| (share * 100.0).round();
    match path.wire_share() {
        None => Diagnosis {
            symptom: Symptom::WireShareUnknown,
            extent: 1.0,
            evidence: format!(
                "no wires are known on {name}, so only its cells can be judged: {} ps{slowest}",
                path.cell_delay_ps
            ),
        },
        Some(share) if share >= WIRE_SHARE => Diagnosis {
            symptom: Symptom::WireDominated,
            extent: share / WIRE_SHARE,
            evidence: format!("{} % of {name} is spent in wires", percent(share)),
        },
        Some(share) => Diagnosis {
            symptom: Symptom::CellDominated,
            extent: (1.0 - share) / WIRE_SHARE,
            evidence: format!(
                "{} % of {name} is spent in cells{slowest}",
                percent(1.0 - share)
            ),
        },
    }
}

fn limits(measurement: &Measurement) -> Vec<Diagnosis> {
    let count = |metric| {
        let count = measurement.overall.get(metric);
        count.filter(|count| *count > 0.0)
    };
    [
        (Metric::MaxSlewViolations, "transitions"),
        (Metric::MaxCapacitanceViolations, "loads"),
    ]
    .into_iter()
    .filter_map(|(metric, what)| {
        let count = count(metric)?;
        Some(Diagnosis {
            symptom: Symptom::Slew,
            extent: 1.0,
            evidence: format!("{count} {what} exceed their limits"),
        })
    })
    .collect()
}

/// Wires that do not fit, by what routing found: tracks beyond what there are, and the share of bins that have such.
fn congestion(measurement: &Measurement) -> Option<Diagnosis> {
    let value = |metric| measurement.overall.get(metric);
    let overflow = value(Metric::RoutingOverflow).filter(|overflow| *overflow > 0.0);
    let hot = value(Metric::RoutingHotBins).filter(|percent| *percent > 0.0);
    let told = [
        overflow.map(|tracks| format!("{tracks} tracks are used beyond what there are")),
        hot.map(|percent| format!("{percent} % of the bins are over their capacity")),
    ];
    let told: Vec<String> = told.into_iter().flatten().collect();
    (!told.is_empty()).then(|| Diagnosis {
        symptom: Symptom::Congestion,
        extent: hot.map_or(1.0, |percent| (percent / HOT_BINS_PERCENT).max(1.0)),
        evidence: told.join("; "),
    })
}

/// Leakage that can be had back: where setup is met, or power is what matters most.
fn leakage(measurement: &Measurement, rank: &[Metric]) -> Option<Diagnosis> {
    let value = |metric| measurement.overall.get(metric);
    let leakage = value(Metric::PowerLeakage)?;
    let all = value(Metric::Power).filter(|power| *power > 0.0)?;
    let is_met = value(Metric::SetupWns).is_some_and(|slack| slack >= 0.0);
    let matters = rank
        .first()
        .is_some_and(|metric| concern_of(*metric) == Concern::Power);
    let share = leakage / all;
    (share >= LEAKAGE_SHARE && (is_met || matters)).then(|| Diagnosis {
        symptom: Symptom::Leakage,
        extent: share / LEAKAGE_SHARE,
        evidence: format!(
            "{} % of the power is leakage: {leakage} of {all} W",
            (share * 100.0).round()
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use noodle2_model::{ContentHash, DesignState, MetricSet};

    fn measured(metrics: &[(Metric, f64)]) -> Measurement {
        let hash = ContentHash::of("design");
        Measurement {
            design: DesignState {
                canonical: hash,
                netlist: hash,
                placement: None,
            },
            overall: metrics.iter().copied().collect::<MetricSet>(),
            scenes: BTreeMap::new(),
            estimated: BTreeMap::new(),
            routed: BTreeMap::new(),
            findings: Vec::new(),
            edits: BTreeMap::new(),
            conflicts: BTreeMap::new(),
            blast_radius: None,
            equivalence: None,
            paths: Vec::new(),
            steps: Vec::new(),
            marks: Default::default(),
        }
    }

    #[test]
    fn congestion_is_told_by_what_routing_found_and_comes_first_where_it_matters_most() {
        let case = measured(&[
            (Metric::HoldWns, -5.0),
            (Metric::RoutingOverflow, 12.0),
            (Metric::RoutingHotBins, 2.5),
        ]);
        let symptoms = |rank: &[Metric]| -> Vec<Symptom> {
            let found = diagnose(&case, rank);
            found.iter().map(|diagnosis| diagnosis.symptom).collect()
        };
        let of_routing = [Symptom::Congestion, Symptom::Hold];
        assert_eq!(symptoms(&[Metric::RoutingOverflow]), of_routing);
        let of_hold = [Symptom::Hold, Symptom::Congestion];
        assert_eq!(symptoms(&[Metric::HoldWns]), of_hold);
        let found = diagnose(&case, &[Metric::RoutingOverflow]);
        assert_eq!(found[0].extent, 2.5);
        assert_eq!(
            found[0].evidence,
            "12 tracks are used beyond what there are; 2.5 % of the bins are over their capacity"
        );
    }

    #[test]
    fn what_was_not_routed_or_fits_is_not_congested() {
        assert_eq!(diagnose(&measured(&[]), &[Metric::RoutingOverflow]), []);
        let fits = [
            (Metric::RoutingOverflow, 0.0),
            (Metric::RoutingHotBins, 0.0),
        ];
        assert_eq!(diagnose(&measured(&fits), &[Metric::RoutingOverflow]), []);
    }
}
