//! What each ECO was worth: how often it was tried, how often it did something, what it gained.

use std::collections::BTreeMap;

use noodle2_control::{Trial, Verdict, gain_over};
use noodle2_evidence::EvidenceTable;
use noodle2_model::{Metric, Outcome, TrialId};
use serde::Serialize;

use crate::chart::axis::{Axis, Scaled, largest, metric_words};
use crate::chart::figure::{Figure, Links};
use crate::chart::frame::{Frame, Sample, legend, line, notes, shortened};
use crate::chart::marks::{Shape, linked};
use crate::chart::trajectory::objective_metric;
use crate::svg::Svg;
use crate::{History, count_text, weight_text};

/// What an ECO was worth, in a run and before it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EcoStanding {
    /// Its name.
    pub eco: String,
    /// Trials that ended and count.
    pub tries: usize,
    /// Trials that changed the design.
    pub effects: usize,
    /// The share of tries that changed the design; absent where there was none.
    pub effect_rate: Option<f64>,
    /// Trials that failed.
    pub failures: usize,
    /// The metric that gains are told in: the one that matters most to the study.
    pub metric: Option<Metric>,
    /// What trials that changed the design gained over their parents; absent where that is not known of any.
    pub gain: Option<GainSpread>,
    /// The trial that gained most.
    pub best_trial: Option<TrialId>,
    /// What earlier runs say; absent where the run saw none of this ECO.
    pub prior: Option<PriorStanding>,
}

/// Gains, in the unit of their metric, positive for the better.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct GainSpread {
    /// How many gains.
    pub count: usize,
    /// Their mean.
    pub mean: f64,
    /// Their sample standard deviation; absent of a single one.
    pub deviation: Option<f64>,
    /// The least of them.
    pub least: f64,
    /// The most.
    pub most: f64,
}

/// What earlier runs say of an ECO. Counts are sums of weights.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct PriorStanding {
    /// Tries that tell something of the ECO.
    pub tries: f64,
    /// Those of them that changed the design.
    pub effects: f64,
    /// The mean gain in the same metric; absent where none is known.
    pub mean_gain: Option<f64>,
}

impl GainSpread {
    /// The spread of these gains; `None` of none.
    pub fn of(gains: &[f64]) -> Option<Self> {
        let count = gains.len();
        let (least, most) = gains
            .iter()
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), gain| {
                (least.min(*gain), most.max(*gain))
            });
        let mean = gains.iter().sum::<f64>() / count as f64;
        let squares: f64 = gains.iter().map(|gain| (gain - mean).powi(2)).sum();
        (count > 0).then(|| Self {
            count,
            mean,
            deviation: (count > 1).then(|| (squares / (count - 1) as f64).sqrt()),
            least,
            most,
        })
    }
}

/// What each ECO that was tried was worth, the best mean gain first; those of which no gain is known come last.
pub fn eco_standings(history: &History) -> Vec<EcoStanding> {
    let controller = history.controller();
    let metric = objective_metric(history);
    let identity = controller.program().identity();
    let entries = identity.priors.iter().flat_map(|priors| &priors.entries);
    let priors = EvidenceTable::of_priors(entries);
    let mut by_name: BTreeMap<&str, Vec<&Trial>> = BTreeMap::new();
    let counting = controller
        .trials()
        .filter(|trial| !controller.is_discarded(trial.id));
    for trial in counting.filter(|trial| trial.verdict().is_some()) {
        by_name.entry(&trial.eco.name).or_default().push(trial);
    }
    let mut standings: Vec<EcoStanding> = by_name
        .into_iter()
        .map(|(name, trials)| {
            let count = |wanted: fn(&Verdict) -> bool| {
                trials
                    .iter()
                    .filter(|trial| trial.verdict().is_some_and(wanted))
                    .count()
            };
            let effects = count(|verdict| *verdict == Verdict::Derived);
            let gains: Vec<(TrialId, f64)> = trials
                .iter()
                .filter_map(|trial| Some((trial.id, gain_of(history, trial, metric?)?)))
                .collect();
            let values: Vec<f64> = gains.iter().map(|(_, gain)| *gain).collect();
            let best = gains
                .iter()
                .max_by(|left, right| left.1.total_cmp(&right.1).then(right.0.cmp(&left.0)));
            let known = identity
                .ecos
                .get(name)
                .map(|eco| priors.overall(name, eco.content));
            EcoStanding {
                eco: name.to_owned(),
                tries: trials.len(),
                effects,
                effect_rate: Some(effects as f64 / trials.len() as f64),
                failures: count(|verdict| matches!(verdict, Verdict::Failed(_))),
                metric,
                gain: GainSpread::of(&values),
                best_trial: best.map(|(trial, _)| *trial),
                prior: known
                    .filter(|known| known.tries() > 0.0)
                    .map(|known| PriorStanding {
                        tries: known.tries(),
                        effects: known.effects,
                        mean_gain: metric.and_then(|metric| Some(known.gains.get(&metric)?.mean)),
                    }),
            }
        })
        .collect();
    let mean = |standing: &EcoStanding| standing.gain.map_or(f64::NEG_INFINITY, |gain| gain.mean);
    standings.sort_by(|left, right| {
        let by_tries = right.tries.cmp(&left.tries);
        mean(right)
            .total_cmp(&mean(left))
            .then(by_tries)
            .then(left.eco.cmp(&right.eco))
    });
    standings
}

fn gain_of(history: &History, trial: &Trial, metric: Metric) -> Option<f64> {
    let parent = history.controller().cases().get(&trial.parent)?;
    match trial.attempts.last()?.outcome.as_ref()? {
        Outcome::Measured(measurement) => {
            gain_over(metric, &parent.measurement.overall, &measurement.overall)
        }
        _ => None,
    }
}

const ROW: f64 = 24.0;

/// How many ECOs are drawn; the table has all of them.
const MOST: usize = 40;

/// The ECOs with what they gained on the mean and how far that spreads; `None` before a trial has ended.
pub fn eco_leaderboard(history: &History, links: &dyn Links) -> Option<Figure> {
    let all = eco_standings(history);
    let metric = objective_metric(history)?;
    let standings = &all[..all.len().min(MOST)];
    let reaches = |standing: &EcoStanding| {
        let gain = standing.gain.map(|gain| {
            let reach = gain.deviation.unwrap_or(0.0);
            [gain.mean - reach, gain.mean + reach]
        });
        let prior = standing.prior.and_then(|prior| prior.mean_gain);
        gain.into_iter()
            .flatten()
            .chain(prior)
            .collect::<Vec<f64>>()
    };
    let values: Vec<f64> = standings.iter().flat_map(reaches).chain([0.0]).collect();
    if standings.is_empty() {
        return None;
    }
    let unit = Scaled::of_metric(metric, largest(values.iter().copied()));
    let mut svg = Svg::new();
    let any_prior = standings.iter().any(|standing| {
        standing
            .prior
            .is_some_and(|prior| prior.mean_gain.is_some())
    });
    let mut entries = vec![
        (Sample::Mark(0), "mean gain over the parent".to_owned()),
        (
            Sample::Line("line"),
            "± sample standard deviation".to_owned(),
        ),
    ];
    if any_prior {
        entries.push((Sample::Mark(3), "mean of earlier runs".to_owned()));
    }
    let head = legend(&mut svg, (8.0, 0.0), 760.0, &entries);
    let frame = Frame {
        left: 190.0,
        top: head + 26.0,
        right: 530.0,
        bottom: head + 30.0 + ROW * standings.len() as f64,
    };
    let x = Axis::over(
        values.iter().map(|value| value / unit.factor),
        frame.across(),
        5,
    )?;
    let label = unit.label(&format!("gain in {}", metric_words(metric)));
    frame.draw_x(&mut svg, &x, &format!("{label}, better to the right"));
    let zero = x.place(0.0);
    line(&mut svg, "axis", (zero, frame.top), (zero, frame.bottom));
    let columns = [
        (574.0, "tries"),
        (632.0, "effect"),
        (680.0, "failed"),
        (740.0, "prior tries"),
    ];
    for (right, words) in columns {
        svg.words((right, frame.top - 8.0), "end", "muted small", words);
    }
    for (row, standing) in standings.iter().enumerate() {
        let y = frame.top + 4.0 + ROW * (row as f64 + 0.5);
        svg.words(
            (frame.left - 10.0, y + 4.0),
            "end",
            "strong",
            &shortened(&standing.eco, 24),
        );
        let rate = standing
            .effect_rate
            .map_or("—".to_owned(), |rate| format!("{:.0} %", 100.0 * rate));
        let prior = standing
            .prior
            .map_or("—".to_owned(), |prior| weight_text(prior.tries));
        let cells = [
            standing.tries.to_string(),
            rate.clone(),
            standing.failures.to_string(),
            prior,
        ];
        for ((right, _), words) in columns.iter().zip(cells) {
            svg.words((*right, y + 4.0), "end", "cell", &words);
        }
        let mut elements = Svg::new();
        let at = |value: f64| x.place(value / unit.factor);
        if let Some(gain) = standing.gain {
            if let Some(deviation) = gain.deviation {
                let (left, right) = (at(gain.mean - deviation), at(gain.mean + deviation));
                line(&mut elements, "line", (left, y), (right, y));
                line(&mut elements, "line", (left, y - 4.0), (left, y + 4.0));
                line(&mut elements, "line", (right, y - 4.0), (right, y + 4.0));
            }
            elements.raw(&Shape::Circle.element("s0", at(gain.mean), y, 4.5));
        } else {
            elements.words(
                (zero + 6.0, y + 4.0),
                "start",
                "muted small",
                "no gain known",
            );
        }
        if let Some(mean) = standing.prior.and_then(|prior| prior.mean_gain) {
            elements.raw(&Shape::Diamond.element("s3", at(mean), y, 4.5));
        }
        let title = format!(
            "{}: {}, effect in {rate}, {} failed, {}",
            standing.eco,
            count_text(standing.tries, "trial"),
            standing.failures,
            gain_words(standing.gain, unit)
        );
        let link = standing.best_trial.and_then(|trial| links.trial(trial));
        linked(&mut svg, link.as_deref(), &title, &elements.into_text());
    }
    let mut remarks = vec![
        "A single gain has no spread. Each row links to the trial that gained most.".to_owned(),
    ];
    if all.len() > standings.len() {
        remarks.push(format!(
            "{} more, by mean gain below these, stand in the table.",
            all.len() - standings.len()
        ));
    }
    let foot = notes(&mut svg, (8.0, frame.bottom + 38.0), &remarks);
    let best = &standings[0];
    let description = format!(
        "{} by mean gain in {}; first {}: {}.",
        count_text(all.len(), "ECO"),
        metric_words(metric),
        best.eco,
        gain_words(best.gain, unit)
    );
    let size = (760.0, frame.bottom + 44.0 + foot);
    Some(Figure::new(
        "ECOs by what they gained",
        description,
        size,
        svg,
    ))
}

fn gain_words(gain: Option<GainSpread>, unit: Scaled) -> String {
    let Some(gain) = gain else {
        return "no gain known".to_owned();
    };
    let mean = gain.mean / unit.factor;
    let spread = gain
        .deviation
        .map(|deviation| format!(" ± {:.1}", deviation / unit.factor));
    format!(
        "mean gain {mean:+.1}{} {} (n = {})",
        spread.unwrap_or_default(),
        unit.symbol,
        gain.count
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_gain_has_no_spread() {
        assert_eq!(GainSpread::of(&[]), None);
        assert_eq!(GainSpread::of(&[3.0]).unwrap().deviation, None);
        let three = GainSpread::of(&[1.0, 2.0, 6.0]).unwrap();
        assert_eq!(
            (three.mean, three.least, three.most, three.count),
            (3.0, 1.0, 6.0, 3)
        );
        assert!((three.deviation.unwrap() - 7.0_f64.sqrt()).abs() < 1e-12);
    }
}
