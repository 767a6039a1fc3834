//! What the trials of a stage amount to, and what they cross: aborts of the stage, the rail of its branch,
//! containment of an ECO or a class. Counted in proposal order as far as every trial before has ended, so
//! that the order in which trials end decides nothing.

use std::collections::{BTreeMap, BTreeSet};

use noodle2_model::{
    Aborts, Containment, ContainmentRules, ContainmentScope, EarlyStop, EcoClass, EcoProposal,
    FailureRail, Metric, TrialId,
};

use crate::doom::Approach;

/// What a stage's trials may cross.
#[derive(Debug, Clone, Default)]
pub(crate) struct StageRails {
    pub aborts: Aborts,
    pub branch: FailureRail,
    pub containment: ContainmentRules,
    pub stop: EarlyStop,
    /// The metric by which a plateau is judged.
    pub first_metric: Option<Metric>,
}

/// One trial as it is counted.
pub(crate) struct Counted<'a> {
    pub trial: TrialId,
    pub eco: &'a EcoProposal,
    pub failed: bool,
    /// The bound of the stage's aborts that the measured design does not keep.
    pub beyond: Option<String>,
    /// The first metric of the ranking, of a measured design that keeps the bounds.
    pub value: Option<f64>,
    /// Whether the measured design is what the stage was after.
    pub meets_target: bool,
    /// How many more trials the stage has after this one.
    pub left: usize,
    /// The difference up to which two values of that metric cannot be told apart.
    pub noise: f64,
}

#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Count {
    trials: u32,
    failures: u32,
}

impl Count {
    fn add(&mut self, failed: bool) {
        self.trials += 1;
        self.failures += u32::from(failed);
    }
}

#[derive(Debug, Clone, Default, PartialEq)]
struct ClassCount {
    count: Count,
    failed_ecos: BTreeSet<String>,
}

/// The count of one stage.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Tally {
    /// Trials passed: all of them ended or are contained, and all before them.
    pub counted: usize,
    stage: Count,
    failures_in_a_row: u32,
    branch: Count,
    eco_failures_in_a_row: BTreeMap<String, u32>,
    classes: BTreeMap<EcoClass, ClassCount>,
    /// What is contained, in the order in which it was crossed.
    pub contained: Vec<Containment>,
    /// The first trial at which the stage is to be given up, and why.
    pub crossed: Option<(TrialId, String)>,
    /// The first trial at which the stage has seen enough, and of what.
    pub enough: Option<(TrialId, String)>,
    /// The best value of the first metric so far.
    pub best: Option<f64>,
    trials_without_gain: u32,
    /// How near it has come to its target.
    pub approach: Approach,
}

impl Tally {
    /// Takes a trial of a stage before into account: for containment, and for the rail of the branch when
    /// the stage belongs to it.
    pub fn inherit(&mut self, counted: &Counted<'_>, same_branch: bool, rules: &ContainmentRules) {
        if same_branch {
            self.branch.add(counted.failed);
        }
        self.contain(counted, rules);
    }

    /// Takes over what a stage before contains.
    pub fn inherit_containment(&mut self, containment: &Containment) {
        let known = self
            .contained
            .iter()
            .any(|other| other.scope == containment.scope);
        if !known {
            self.contained.push(containment.clone());
        }
    }

    /// The containment that a trial falls under.
    pub fn containing(&self, trial: TrialId, eco: &EcoProposal) -> Option<&Containment> {
        self.contained
            .iter()
            .find(|containment| containment.covers(trial, eco))
    }

    /// Passes over a trial that is contained.
    pub fn pass_over(&mut self) {
        self.counted += 1;
    }

    /// Counts the stage's next trial.
    pub fn count(&mut self, counted: &Counted<'_>, rails: &StageRails) {
        self.counted += 1;
        if self.crossed.is_some() || self.enough.is_some() {
            return;
        }
        self.stage.add(counted.failed);
        self.branch.add(counted.failed);
        self.failures_in_a_row = match counted.failed {
            true => self.failures_in_a_row + 1,
            false => 0,
        };
        self.contain(counted, &rails.containment);
        let cause = self
            .stage_cause(&rails.aborts)
            .or_else(|| {
                let cause = rails
                    .branch
                    .crossed(self.branch.failures, self.branch.trials)?;
                Some(format!("of the branch, {cause}"))
            })
            .or_else(|| counted.beyond.clone());
        self.crossed = cause.map(|cause| (counted.trial, cause));
        let enough = self.enough_of(counted, rails);
        if self.crossed.is_none() {
            self.enough = enough.map(|cause| (counted.trial, cause));
        }
    }

    /// The last trial that counts, as far as the count has come.
    pub fn last(&self) -> usize {
        let end = self.crossed.as_ref().or(self.enough.as_ref());
        end.map_or(self.counted, |(at, _)| at.derived as usize)
    }

    fn enough_of(&mut self, counted: &Counted<'_>, rails: &StageRails) -> Option<String> {
        let metric = rails.first_metric?;
        let gain = match (self.best, counted.value) {
            (Some(best), Some(value)) => metric.gain(best, value),
            (None, Some(_)) => f64::INFINITY,
            (_, None) => 0.0,
        };
        if gain > 0.0 {
            self.best = counted.value;
        }
        if gain > rails.stop.plateau_gain.unwrap_or(0.0).max(counted.noise) {
            self.trials_without_gain = 0;
        } else {
            self.trials_without_gain += 1;
        }
        if counted.meets_target {
            return Some("the target is met".to_owned());
        }
        let plateau = rails.stop.plateau_trials;
        let plateau = plateau.filter(|limit| self.trials_without_gain >= *limit);
        let plateau =
            plateau.map(|limit| format!("{limit} trials in a row gave nothing better by {metric}"));
        let trials = self.stage.trials;
        let doomed_after = rails.stop.doomed_after;
        let is_judged = doomed_after.is_some_and(|least| trials >= least);
        plateau.or_else(|| {
            let target = &rails.stop.target;
            is_judged.then(|| self.approach.doom(target, trials, counted.left))?
        })
    }

    fn stage_cause(&self, aborts: &Aborts) -> Option<String> {
        let rail = FailureRail {
            failures: aborts.failures,
            failure_percent: aborts.failure_percent,
            at_least: aborts.at_least,
        };
        rail.crossed(self.stage.failures, self.stage.trials)
            .or_else(|| {
                let limit = aborts.failures_in_a_row?;
                (self.failures_in_a_row >= limit).then(|| match self.failures_in_a_row {
                    1 => "1 trial failed".to_owned(),
                    count => format!("{count} trials in a row failed"),
                })
            })
    }

    fn contain(&mut self, counted: &Counted<'_>, rules: &ContainmentRules) {
        let eco = counted.eco;
        let in_a_row = match self.eco_failures_in_a_row.get_mut(&eco.name) {
            Some(in_a_row) => in_a_row,
            None => (self.eco_failures_in_a_row)
                .entry(eco.name.clone())
                .or_default(),
        };
        *in_a_row = if counted.failed { *in_a_row + 1 } else { 0 };
        let in_a_row = *in_a_row;
        let class = self.classes.entry(eco.class).or_default();
        class.count.add(counted.failed);
        if !counted.failed {
            return;
        }
        class.failed_ecos.insert(eco.name.clone());
        let Count { trials, failures } = class.count;
        let several = class.failed_ecos.len() > 1;
        if rules
            .eco_failures_in_a_row
            .is_some_and(|limit| in_a_row >= limit)
        {
            let cause = match in_a_row {
                1 => "its last trial failed".to_owned(),
                count => format!("its last {count} trials failed"),
            };
            self.add(
                ContainmentScope::Eco(eco.name.clone()),
                counted.trial,
                cause,
            );
        }
        let share = rules.class_failure_percent.filter(|percent| {
            several
                && trials >= rules.least_class_trials()
                && f64::from(failures) * 100.0 >= percent * f64::from(trials)
        });
        if let Some(percent) = share {
            let cause = format!("{failures} of its {trials} trials failed ({percent} % or more)");
            self.add(ContainmentScope::Class(eco.class), counted.trial, cause);
        }
    }

    fn add(&mut self, scope: ContainmentScope, at: TrialId, cause: String) {
        self.inherit_containment(&Containment { scope, at, cause });
    }
}

/// The count of a whole study, over its stages in canonical order: topological, ties by index.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct StudyTally {
    /// Stages passed, in canonical order.
    pub stages: usize,
    /// Trials passed of the stage at that place.
    pub within: usize,
    catastrophic: u32,
    all: Count,
    /// The first trial at which the study is to be given up, and why.
    pub crossed: Option<(TrialId, String)>,
}

impl StudyTally {
    /// Counts that the base case could not be measured twice alike: a catastrophic failure of no trial.
    pub fn distrust_base(&mut self) {
        self.catastrophic += 1;
    }

    /// Counts the next trial, or the refusal of a survivor whose trial was counted before.
    pub fn count(
        &mut self,
        trial: TrialId,
        failed: bool,
        catastrophic: bool,
        rail: &noodle2_model::StudyRail,
    ) {
        if self.crossed.is_some() {
            return;
        }
        self.all.add(failed);
        self.catastrophic += u32::from(catastrophic);
        let cause = rail.crossed(self.catastrophic, self.all.failures, self.all.trials);
        self.crossed = cause.map(|cause| (trial, cause));
    }
}
