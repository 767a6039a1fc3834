//! How far trials are counted, what that crosses, and which results it leaves standing.

use noodle2_model::{
    AttemptId, Bound, CaseName, Containment, MetricSet, Outcome, Severity, StageEnd, StageIndex,
    TrialId,
};

use crate::select::{self, Verdict};
use crate::state::{Case, Controller, StageStanding, Trial, settled};
use crate::tally::{Counted, Tally};

impl Controller {
    pub(crate) fn advance_tally(&mut self, stage: StageIndex) {
        let mut tally = std::mem::take(&mut self.stages[stage.position()].tally);
        let base = self.base_metrics();
        let rails = self.program.rails(stage);
        let objective = self.program.objective(stage);
        let all = self.plannable(stage);
        let noise = rails
            .first_metric
            .and_then(|metric| self.noise_floor().get(metric));
        loop {
            let next = TrialId {
                stage,
                derived: tally.counted as u32 + 1,
            };
            let Some(trial) = self.trials.get(&next) else {
                break;
            };
            if tally.containing(next, &trial.eco).is_some() {
                tally.pass_over();
                continue;
            }
            let Some(mut counted) = counted(trial) else {
                break;
            };
            counted.left = all.saturating_sub(tally.counted + 1);
            counted.noise = noise.unwrap_or(0.0);
            if let Some(overall) = derived(trial) {
                let broken = |bounds: &[Bound]| select::broken_bounds(bounds, base, overall);
                counted.beyond = broken(&rails.aborts.bounds).into_iter().next();
                if broken(&objective.bounds).is_empty() {
                    let target = &rails.stop.target;
                    tally.approach.note(target, base, overall);
                    counted.meets_target = !target.is_empty() && broken(target).is_empty();
                    counted.value = rails.first_metric.and_then(|metric| overall.get(metric));
                }
            }
            tally.count(&counted, rails);
        }
        self.stages[stage.position()].tally = tally;
        self.advance_study_tally();
    }

    /// How many trials a running stage makes in all, as far as that is known: what it plans, or what it may still
    /// plan.
    fn plannable(&self, stage: StageIndex) -> usize {
        let found = &self.stages[stage.position()];
        let declared = self.program.stage(stage);
        match declared.proposer.is_adaptive() && !found.exhausted {
            true => self.allotted_trials(stage) as usize,
            false => found.planned_count(),
        }
    }

    /// What a stage begins its count with: what its ancestors' trials amount to, in canonical order, and
    /// what they contain.
    pub(crate) fn inherited_tally(&self, stage: StageIndex) -> Tally {
        let mut tally = Tally::default();
        let rules = &self.program.rails(stage).containment;
        let ancestors = self.program.dag().ancestors(stage);
        let order = self.program.canonical_order().iter();
        for ancestor in order.filter(|stage| ancestors.contains(stage)) {
            let same_branch = self.program.branch_of(*ancestor) == self.program.branch_of(stage);
            for trial in self.trials_of(*ancestor) {
                if self.is_discarded(trial.id) {
                    continue;
                }
                if let Some(counted) = counted(trial) {
                    tally.inherit(&counted, same_branch, rules);
                }
            }
            for containment in self.stages[ancestor.position()].containments() {
                tally.inherit_containment(containment);
            }
            for refused in self.catastrophic_refusals(*ancestor) {
                tally.inherit_containment(&refused);
            }
        }
        tally
    }

    pub(crate) fn advance_study_tally(&mut self) {
        let rail = self.program.study_rail();
        let order = self.program.canonical_order();
        let mut tally = std::mem::take(&mut self.study_tally);
        while let (Some(stage), None) = (order.get(tally.stages), &tally.crossed) {
            let found = &self.stages[stage.position()];
            // Trials beyond the one at which the stage ends do not count here either.
            let last = found.tally.last();
            while tally.within < last && tally.crossed.is_none() {
                tally.within += 1;
                let id = TrialId {
                    stage: *stage,
                    derived: tally.within as u32,
                };
                let Some(trial) = self.trials.get(&id) else {
                    break;
                };
                if found.tally.containing(id, &trial.eco).is_none() {
                    let severity = trial.failure().map(|failure| failure.class.severity());
                    let catastrophic = severity == Some(Severity::Catastrophic);
                    tally.count(id, severity.is_some(), catastrophic, rail);
                }
            }
            if !matches!(found.standing, StageStanding::Finished(_)) || tally.crossed.is_some() {
                break;
            }
            for refused in self.catastrophic_refusals(*stage) {
                let last = TrialId {
                    derived: last as u32,
                    ..refused.at
                };
                tally.count(last, true, true, rail);
            }
            tally.stages += 1;
            tally.within = 0;
        }
        self.study_tally = tally;
    }

    /// Results that count for nothing leave no case: those beyond the trial at which their stage or the
    /// study was given up, and contained ones.
    pub(crate) fn drop_discarded_cases(&mut self, stage: Option<StageIndex>) {
        let candidates = self.cases.keys().filter(|name| {
            let trial = name.trial();
            !trial.is_base() && stage.is_none_or(|stage| trial.stage == stage)
        });
        let discarded: Vec<CaseName> = candidates
            .filter(|name| self.is_discarded(name.trial()))
            .cloned()
            .collect();
        for name in discarded {
            self.cases.remove(&name);
        }
    }

    /// The cases that were measured and count for nothing any more, as they were before they were discarded.
    pub fn discarded_cases(&self) -> impl Iterator<Item = Case> {
        let trials = self.trials.values();
        let gone = trials.filter(|trial| !self.cases.contains_key(&self.case_of(trial)));
        gone.filter_map(|trial| self.case_measured_by(trial.id))
    }

    /// The case that a trial derived.
    pub(crate) fn case_measured_by(&self, id: TrialId) -> Option<Case> {
        let trial = self.trials.get(&id)?;
        let (Verdict::Derived, Outcome::Measured(measurement)) =
            (trial.verdict.as_ref()?, settled(&trial.attempts)?)
        else {
            return None;
        };
        let inputs = self.stages[id.stage.position()].inputs.iter();
        let identical = inputs
            .filter(|input| input.case == trial.parent)
            .flat_map(|input| input.identical.iter().cloned());
        Some(Case {
            name: self.case_of(trial),
            parents: std::iter::once(trial.parent.clone())
                .chain(trial.eco.composition.iter().map(|found| found.with.clone()))
                .chain(identical)
                .collect(),
            eco: Some(trial.eco.clone()),
            measurement: measurement.clone(),
            attempt: AttemptId {
                trial: id,
                number: trial.attempts.last()?.number,
            },
        })
    }

    /// Whether what a trial found counts for nothing: it lies beyond the one at which its stage or the study
    /// was given up, or it is contained.
    pub fn is_discarded(&self, trial: TrialId) -> bool {
        let Some(stage) = self.stages.get(trial.stage.position()) else {
            return false;
        };
        if trial.is_base() {
            return false;
        }
        if let Some((at, _)) = &self.halted {
            let place = |trial: TrialId| (self.program.place(trial.stage), trial.derived);
            if place(trial) > place(*at) {
                return true;
            }
        }
        if let StageStanding::Finished(StageEnd::Failed { at: Some(at), .. }) = &stage.standing
            && trial > *at
        {
            return true;
        }
        if stage
            .tally
            .enough
            .as_ref()
            .is_some_and(|(at, _)| trial > *at)
        {
            return true;
        }
        let found = self.trials.get(&trial);
        found.is_some_and(|found| stage.tally.containing(trial, &found.eco).is_some())
    }

    /// The containment that a trial of a stage fell under.
    pub fn containment_of(&self, trial: TrialId) -> Option<&Containment> {
        let eco = &self.trials.get(&trial)?.eco;
        let contained = self.stages[trial.stage.position()].containments();
        contained
            .iter()
            .find(|containment| containment.covers(trial, eco))
    }

    /// The trial at which a rail of the study was crossed, in canonical order, and which rail.
    pub fn crossed_study_rail(&self) -> Option<&(TrialId, String)> {
        self.halted.as_ref()
    }
}

/// A trial as tallies count it; `None` while it has no verdict.
fn counted(trial: &Trial) -> Option<Counted<'_>> {
    let verdict = trial.verdict.as_ref()?;
    Some(Counted {
        trial: trial.id,
        eco: &trial.eco,
        failed: matches!(verdict, Verdict::Failed(_)),
        beyond: None,
        value: None,
        meets_target: false,
        left: 0,
        noise: 0.0,
    })
}

/// What was measured of the case that a trial derived.
fn derived(trial: &Trial) -> Option<&MetricSet> {
    match (trial.verdict.as_ref()?, settled(&trial.attempts)?) {
        (Verdict::Derived, Outcome::Measured(measurement)) => Some(&measurement.overall),
        _ => None,
    }
}
