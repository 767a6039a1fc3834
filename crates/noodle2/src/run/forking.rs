//! How the commands of attempts come to be: started anew, or forked from processes that are kept loaded.
//!
//! Never believes that both are the same: a share of the attempts that were forked is made anew as well, and the first that
//! differs ends all forking of the run.

use std::sync::atomic::{AtomicBool, Ordering};

use noodle2_exec::{CancelToken, Guard, Hosts, run_command};
use noodle2_model::{CommandReport, CommandSpec, ContentHash, Outcome, TrialId};

/// How the commands of attempts come to be.
#[derive(Debug, Default)]
pub(crate) struct Forking {
    hosts: Option<Hosts>,
    /// Whether what was forked was found not to be what is started anew.
    ended: AtomicBool,
    /// The share of forked attempts that are made anew as well, from 0 to 1.
    audit: f64,
    seed: u64,
}

impl Forking {
    /// Forks where `hosts` are given and an attempt can be had so.
    pub fn new(hosts: Option<Hosts>, audit: f64, seed: u64) -> Self {
        Self {
            hosts,
            ended: AtomicBool::new(false),
            audit,
            seed,
        }
    }

    /// Runs a command: as a fork where it may be one, else anew.
    pub fn run(
        &self,
        spec: &CommandSpec,
        guard: &Guard,
        cancel: &CancelToken,
        may_fork: bool,
    ) -> CommandReport {
        let hosts = self.hosts.as_ref();
        let hosts = hosts.filter(|_| may_fork && spec.fork.is_some() && self.goes_on());
        if let Some(hosts) = hosts {
            match hosts.run(spec, guard, cancel) {
                Ok(report) => return report,
                // What keeps a host from loading is told, in its own words, by what is started anew.
                Err(_) if cancel.is_cancelled() => {}
                Err(refusal) => log_refusal(spec, &refusal.to_string()),
            }
        }
        run_command(spec, guard, cancel)
    }

    /// Whether attempts may be forked still.
    pub fn goes_on(&self) -> bool {
        self.hosts.is_some() && !self.ended.load(Ordering::SeqCst)
    }

    /// Whether an attempt of this trial that was forked is to be made anew as well. By chance, but the same in
    /// every run of one seed.
    pub fn audits(&self, trial: TrialId) -> bool {
        let drawn = ContentHash::of(format!("noodle2 audit {} {trial}", self.seed)).to_string();
        let drawn = u64::from_str_radix(&drawn[..13], 16).unwrap_or(0);
        (drawn as f64) < self.audit * (1_u64 << 52) as f64
    }

    /// Ends all forking.
    pub fn end(&self) {
        self.ended.store(true, Ordering::SeqCst);
    }
}

/// Keeps, beside what a command that was started anew left, why it was no fork.
fn log_refusal(spec: &CommandSpec, why: &str) {
    // It decides nothing: where it cannot be written, nothing is lost but this remark.
    let _ = std::fs::write(spec.folder.join("not-forked.txt"), format!("{why}\n"));
}

/// What differs between an attempt that was forked and the same made anew; `None` when nothing does.
pub(crate) fn difference(forked: &Outcome, anew: &Outcome) -> Option<String> {
    match (forked, anew) {
        (Outcome::Measured(one), Outcome::Measured(other)) => {
            if one == other {
                return None;
            }
            let mut differing = (one.scenes.iter()).filter_map(|(scene, metrics)| {
                let others = other.scenes.get(scene)?;
                let differs = metrics
                    .iter()
                    .find(|(metric, value)| others.get(*metric) != Some(*value));
                let (metric, value) = differs?;
                let anew = others
                    .get(metric)
                    .map_or("missing".to_owned(), |value| value.to_string());
                Some(format!(
                    "`{metric}` in scene `{scene}` is {value} in the fork and {anew} anew"
                ))
            });
            Some(
                differing
                    .next()
                    .unwrap_or_else(|| match one.design == other.design {
                        true => "what was remarked or found on the worst paths differs".to_owned(),
                        false => "the designs differ".to_owned(),
                    }),
            )
        }
        (Outcome::NoEffect, Outcome::NoEffect) => None,
        (Outcome::Failed(one), Outcome::Failed(other)) if one.class == other.class => None,
        (one, other) => Some(format!("the fork {}, anew it {}", told(one), told(other))),
    }
}

fn told(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Measured(_) => "was measured".to_owned(),
        Outcome::NoEffect => "changed nothing".to_owned(),
        Outcome::Failed(failure) => format!("failed ({})", failure.class),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use noodle2_model::StageIndex;

    #[test]
    fn an_audit_takes_about_its_share_and_the_same_trials_again() {
        let trials = (1..=4000).map(|derived| TrialId {
            stage: StageIndex::from(0),
            derived,
        });
        let drawn = |audit| {
            let forking = Forking::new(None, audit, 7);
            let taken = trials.clone().filter(|trial| forking.audits(*trial));
            taken.collect::<Vec<_>>()
        };
        let share = drawn(0.05);
        assert!((120..280).contains(&share.len()), "{}", share.len());
        assert_eq!(share, drawn(0.05));
        assert_eq!((drawn(0.0).len(), drawn(1.0).len()), (0, 4000));
    }
}
