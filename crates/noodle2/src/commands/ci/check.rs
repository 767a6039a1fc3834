//! What a run found, held against a baseline: one check each for the base case, every metric, the winner, every stage
//! and the digest. Pure.

use std::collections::BTreeSet;

use noodle2_model::{Metric, MetricSet};
use noodle2_view::metric_text;
use serde::Serialize;

use super::baseline::{Baseline, Found, Measured};

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Verdict {
    /// As the baseline has it, or within its tolerance.
    Held,
    /// Better than the baseline.
    Better,
    /// Not comparable.
    Skipped,
    /// Worse than the baseline permits, or missing.
    Regressed,
}

/// One check.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Check {
    /// `base`, `winner`, `stages` or `record`.
    pub suite: &'static str,
    pub name: String,
    pub verdict: Verdict,
    pub message: String,
}

impl Check {
    fn new(suite: &'static str, name: &str, verdict: Verdict, message: String) -> Self {
        Self {
            suite,
            name: name.to_owned(),
            verdict,
            message,
        }
    }
}

/// Holds what was found against a baseline. `rank` is what the study ranks by, first to last.
pub(super) fn check(baseline: &Baseline, found: &Found, rank: &[Metric]) -> Vec<Check> {
    let was = &baseline.found;
    let mut checks = vec![Check::new(
        "base",
        "not blocked",
        match found.blocked.is_empty() && found.base.is_some() {
            true => Verdict::Held,
            false => Verdict::Regressed,
        },
        found.blocked.join("; "),
    )];
    let limits = Limits { baseline, found };
    limits.check_case("base", was.base.as_ref(), found.base.as_ref(), &mut checks);
    checks.push(limits.check_winner(rank));
    limits.check_case(
        "winner",
        was.winner.as_ref(),
        found.winner.as_ref(),
        &mut checks,
    );
    checks.extend(check_stages(was, found));
    checks.push(check_digest(was, found));
    checks
}

struct Limits<'a> {
    baseline: &'a Baseline,
    found: &'a Found,
}

impl Limits<'_> {
    /// How far a metric may fall behind a value.
    fn of(&self, metric: Metric, value: f64) -> f64 {
        if let Some(given) = self.baseline.tolerances.get(&metric) {
            return given.absolute + given.percent / 100.0 * value.abs();
        }
        let floors = [&self.baseline.found.noise_floor, &self.found.noise_floor];
        let floors = floors.iter().filter_map(|floor| floor.get(metric));
        floors.fold(0.0, f64::max)
    }

    /// The verdict on a value and another; rounded as values are, so that no digit beyond that decides.
    fn compare(&self, metric: Metric, was: f64, is: f64) -> Verdict {
        let gain = metric.gain(was, is);
        let gain = metric.canonical(gain).unwrap_or(gain);
        let limit = self.of(metric, was);
        match gain {
            gain if gain < -limit => Verdict::Regressed,
            gain if gain > limit => Verdict::Better,
            _ => Verdict::Held,
        }
    }

    fn check_case(
        &self,
        suite: &'static str,
        was: Option<&Measured>,
        is: Option<&Measured>,
        checks: &mut Vec<Check>,
    ) {
        let none = MetricSet::new();
        for (scene, before) in was.into_iter().flat_map(|was| &was.scenes) {
            let after = is.and_then(|is| is.scenes.get(scene)).unwrap_or(&none);
            for (metric, value) in before.iter() {
                let now = after.get(metric);
                let verdict = match now {
                    Some(now) => self.compare(metric, value, now),
                    None => Verdict::Regressed,
                };
                let message = match now {
                    None => format!("missing, was {}", metric_text(metric, Some(value))),
                    Some(now) if now == value => String::new(),
                    Some(_) => format!(
                        "{}, was {} (tolerance {})",
                        metric_text(metric, now),
                        metric_text(metric, Some(value)),
                        metric_text(metric, Some(self.of(metric, value)))
                    ),
                };
                let name = format!("{scene}/{metric}");
                checks.push(Check::new(suite, &name, verdict, message));
            }
        }
    }

    /// Another winner is no regression unless it is worse by what the study ranks by.
    fn check_winner(&self, rank: &[Metric]) -> Check {
        let was = &self.baseline.found;
        let call = |found: &Found| match found.chain.is_empty() {
            true => "the base case".to_owned(),
            false => found.chain.join(" → "),
        };
        let (verdict, deciding) = match (&was.winner, &self.found.winner) {
            (None, _) => (Verdict::Skipped, None),
            (Some(_), None) => (Verdict::Regressed, None),
            (Some(before), Some(after)) => {
                let compared = rank.iter().filter_map(|metric| {
                    let value = before.overall.get(*metric)?;
                    let now = after.overall.get(*metric);
                    let compare = |now| self.compare(*metric, value, now);
                    Some((now.map_or(Verdict::Regressed, compare), Some(*metric)))
                });
                let mut deciding = compared.filter(|(verdict, _)| *verdict != Verdict::Held);
                deciding.next().unwrap_or((Verdict::Held, None))
            }
        };
        let case_of = |found: &Found| {
            let case = found.winner.as_ref().map(|winner| &winner.case);
            case.map_or("none".to_owned(), |case| {
                format!("{case} by {}", call(found))
            })
        };
        let mut message = match case_of(was) == case_of(self.found) {
            true => String::new(),
            false => format!("{}, was {}", case_of(self.found), case_of(was)),
        };
        if let Some(metric) = deciding {
            let better = verdict == Verdict::Better;
            let word = if better { "better" } else { "worse" };
            let separator = if message.is_empty() { "" } else { "; " };
            message += &format!("{separator}{word} by {metric}");
        }
        Check::new("winner", "ranking", verdict, message)
    }
}

fn check_stages(was: &Found, found: &Found) -> Vec<Check> {
    let checks = was.stages.iter().map(|stage| {
        let now = found.stages.iter().find(|now| now.name == stage.name);
        let (verdict, message) = match now {
            None => (
                Verdict::Regressed,
                "the study has no such stage any more".to_owned(),
            ),
            Some(now) if now.status == stage.status => {
                let names = |cases: &[noodle2_model::CaseName]| {
                    let names: Vec<String> = cases.iter().map(ToString::to_string).collect();
                    names.join(", ")
                };
                let changed = now.survivors != stage.survivors;
                let survivors = format!(
                    "passed on {}, was {}",
                    names(&now.survivors),
                    names(&stage.survivors)
                );
                (
                    Verdict::Held,
                    if changed { survivors } else { String::new() },
                )
            }
            Some(now) => {
                let verdict = match now.status.as_str() {
                    "completed" => Verdict::Better,
                    _ => Verdict::Regressed,
                };
                (verdict, format!("{}, was {}", now.status, stage.status))
            }
        };
        Check::new("stages", &stage.name, verdict, message)
    });
    checks.collect()
}

/// The digest covers all that goes in: it must be the same where all of that is, and says nothing where it is not.
fn check_digest(was: &Found, found: &Found) -> Check {
    let names: BTreeSet<&String> = was.made_of.keys().chain(found.made_of.keys()).collect();
    let changed = names.into_iter();
    let changed: Vec<&str> = changed
        .filter(|name| was.made_of.get(*name) != found.made_of.get(*name))
        .map(String::as_str)
        .collect();
    let (verdict, message) = match (was.digest, found.digest) {
        _ if !changed.is_empty() => (
            Verdict::Skipped,
            format!("changed since the baseline: {}", changed.join(", ")),
        ),
        (None, _) => (Verdict::Skipped, "the baseline promises none".to_owned()),
        (Some(before), Some(after)) if before == after => (Verdict::Held, String::new()),
        (Some(before), after) => (
            Verdict::Regressed,
            format!(
                "nothing that goes in has changed, and the digest is {}, was {before}",
                after.map_or("missing".to_owned(), |after| after.to_string())
            ),
        ),
    };
    Check::new("record", "digest", verdict, message)
}
