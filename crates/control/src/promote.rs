//! What a result passes before its stage passes it on: the gates of its domain, its confirmation, its stability.
//!
//! Confirmation reads the netlist that the trial left in a fresh process and measures it again; a trial
//! whose process lied, or a tool that does not repeat itself, is found here. Where stability is asked for, it is
//! also measured under perturbations, which must not take back what it gained.

use std::collections::BTreeMap;

use noodle2_model::{
    AttemptId, CaseName, Containment, ContainmentScope, EquivalenceVerdict, Event, FailureClass,
    Measurement, Metric, MetricSet, Outcome, PromotionGates, Severity, StageEnd, StageIndex,
};

use crate::gate;
use crate::noise::{self, AttemptRole, RepeatStanding};
use crate::select;
use crate::state::{Controller, StageStanding, Trial};

/// What the results of a stage are held against once all of its trials are counted.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Examination {
    /// Every result that does not keep the bounds of the gates, with what it does not keep.
    beyond: BTreeMap<CaseName, Vec<String>>,
    /// Where there is none: how the stage would end if every survivor were confirmed.
    end: Option<StageEnd>,
}

impl Controller {
    /// What a stage whose trials all ended refuses next: first every result that does not keep the bounds of
    /// its gates, then, round by round, the survivors that their confirmation does not bear out, or whose gain
    /// their perturbed repeats do not. A round is
    /// all survivors together, so that the order in which these end decides nothing.
    pub(crate) fn refusals_due(&self, stage: StageIndex) -> BTreeMap<CaseName, Vec<String>> {
        let found = self.stages.get(stage.position());
        if found.is_none_or(|found| found.standing != StageStanding::Running)
            || !self.all_counted(stage)
        {
            return BTreeMap::new();
        }
        let beyond = &self.examination(stage).beyond;
        let gates = self.program.gates(stage);
        if !beyond.is_empty() || !(gates.confirm || gates.stability > 0) {
            return beyond.clone();
        }
        let survivors = self.results_among_survivors(stage);
        if survivors.iter().any(|trial| !self.is_examined(trial)) {
            return BTreeMap::new();
        }
        let refused = survivors.into_iter().filter_map(|trial| {
            let found = [
                self.confirmation_refuses(trial),
                self.stability_refuses(trial),
                self.gain_audit_refuses(trial),
            ];
            let texts: Vec<String> = found
                .into_iter()
                .flatten()
                .map(|refusal| refusal.text)
                .collect();
            (!texts.is_empty()).then(|| (self.case_of(trial), texts))
        });
        refused.collect()
    }

    /// Every bound that a design would not keep as a result of a stage: those of the objective, of the rails of
    /// its trials, and of its promotion gates, in words.
    pub fn broken_rules(&self, stage: StageIndex, result: &Measurement) -> Vec<String> {
        let Some(base) = self.base_case() else {
            return Vec::new();
        };
        let bounds = [
            &self.program.objective(stage).bounds[..],
            self.program.trial_rail(stage),
        ];
        let reference = &base.measurement.overall;
        let mut broken: Vec<String> = bounds
            .iter()
            .flat_map(|bounds| select::broken_bounds(bounds, reference, &result.overall))
            .collect();
        let gates = self.program.gates(stage);
        broken.extend(gate::broken_gates(gates, &base.measurement, result));
        broken
    }

    fn beyond_bounds(&self, stage: StageIndex) -> BTreeMap<CaseName, Vec<String>> {
        let Some(base) = self.base_case() else {
            return BTreeMap::new();
        };
        let gates = self.program.gates(stage);
        let open = self
            .trials_of(stage)
            .filter(|trial| trial.refused.is_none() && !self.is_discarded(trial.id));
        open.filter_map(|trial| {
            let case = self.cases.get(&self.case_of(trial))?;
            let broken = gate::broken_gates(gates, &base.measurement, &case.measurement);
            let class = FailureClass::MetricRegression;
            let told = broken.iter().map(|text| format!("{class}: {text}"));
            (!broken.is_empty()).then(|| (case.name.clone(), told.collect()))
        })
        .collect()
    }

    /// What the results of a stage whose trials are all counted have to pass.
    fn examination(&self, stage: StageIndex) -> &Examination {
        let found = &self.stages[stage.position()].examination;
        let examination = found.get_or_init(|| self.examine(stage));
        debug_assert_eq!(
            *examination,
            self.examine(stage),
            "what was worked out has changed"
        );
        examination
    }

    fn examine(&self, stage: StageIndex) -> Examination {
        let beyond = self.beyond_bounds(stage);
        let end = beyond.is_empty().then(|| self.completion(stage));
        Examination { beyond, end }
    }

    /// How a stage would end if every survivor were confirmed; `None` while trials are not counted, or results do not
    /// keep the bounds of its gates.
    pub(crate) fn unconfirmed_end(&self, stage: StageIndex) -> Option<&StageEnd> {
        if !self.all_counted(stage) {
            return None;
        }
        self.examination(stage).end.as_ref()
    }

    /// Forgets what an event bears on: of the stages that it names, or of all.
    pub(crate) fn forget_examinations(&mut self, event: &Event) {
        let of_one = match event {
            // None of these changes what a stage would pass on.
            Event::AttemptStarted { .. }
            | Event::ConfirmationStarted { .. }
            | Event::RepeatStarted { .. }
            | Event::ArtifactsSealed { .. } => return,
            Event::AttemptFinished { attempt, .. } if attempt.trial.is_base() => None,
            Event::AttemptFinished { attempt, .. } => match self.role_of(*attempt) {
                Some(AttemptRole::Derives) => Some(attempt.trial.stage),
                _ => return,
            },
            Event::TrialProposed { trial, .. } | Event::TrialCancelled { trial, .. } => {
                Some(trial.stage)
            }
            Event::Contained { stage, .. }
            | Event::StageSatisfied { stage, .. }
            | Event::PromotionsRefused { stage, .. } => Some(*stage),
            _ => None,
        };
        match of_one {
            Some(stage) => self.stages[stage.position()].examination.take(),
            None => {
                for stage in &mut self.stages {
                    stage.examination.take();
                }
                None
            }
        };
    }

    /// The results among the cases that would survive a stage whose trials are all counted.
    fn results_among_survivors(&self, stage: StageIndex) -> Vec<&Trial> {
        let Some(StageEnd::Completed { survivors, .. }) = self.unconfirmed_end(stage) else {
            return Vec::new();
        };
        let trials = survivors.iter().map(CaseName::trial);
        let own = trials.filter(|trial| trial.stage == stage);
        own.filter_map(|trial| self.trials.get(&trial)).collect()
    }

    fn confirmation_refuses(&self, trial: &Trial) -> Option<Refusal> {
        let case = self.cases.get(&self.case_of(trial))?;
        let gates = self.program.gates(trial.id.stage);
        refusal(trial.confirmation()?, &case.measurement, gates)
    }

    /// Why the perturbed repeats of a result refuse it; `None` while one of them has not ended.
    fn stability_refuses(&self, trial: &Trial) -> Option<Refusal> {
        let case = &self.cases.get(&self.case_of(trial))?.measurement;
        let parent = &self.cases.get(&trial.parent)?.measurement;
        let mut perturbed = Vec::new();
        for repeat in 1..=self.program.gates(trial.id.stage).stability {
            let RepeatStanding::Ended(outcome) = noise::standing_of(&trial.repeats, repeat) else {
                return None;
            };
            let failed = |class: FailureClass| {
                let which = noise::repeat_text(repeat);
                Some(Refusal {
                    class: Some(class),
                    text: format!("stability: {class} in {which}"),
                })
            };
            match outcome {
                Outcome::Failed(failure) => return failed(failure.class),
                Outcome::NoEffect => return failed(FailureClass::MissingOutput),
                Outcome::Measured(again) if again.design.canonical != case.design.canonical => {
                    return failed(FailureClass::Nondeterministic);
                }
                Outcome::Measured(again) => perturbed.push((repeat, &again.overall)),
            }
        }
        let yardstick = self.yardstick(trial.id.stage);
        let unstable = noise::instability(&yardstick, &parent.overall, &case.overall, &perturbed)?;
        Some(Refusal {
            class: None,
            text: format!("stability: {unstable}"),
        })
    }

    /// Why a result is refused that keeps too little of its gain once it is globally routed.
    fn gain_audit_refuses(&self, trial: &Trial) -> Option<Refusal> {
        let allowed = self.program.gates(trial.id.stage).gain_audit?;
        let case = &self.cases.get(&self.case_of(trial))?.measurement;
        let parent = &self.cases.get(&trial.parent)?.measurement;
        let of_confirmation = |trial: &Trial| match trial.confirmation() {
            Some(Outcome::Measured(again)) => overall_of(&again.routed),
            _ => MetricSet::new(),
        };
        let parent_routed = match self.trials.get(&trial.parent.trial()) {
            Some(before) => of_confirmation(before),
            None => overall_of(&parent.routed),
        };
        let audit = GainAudited {
            parent: &parent.overall,
            parent_routed,
            estimated: overall_of(&case.estimated),
            legalised: &case.overall,
            routed: of_confirmation(trial),
        };
        let yardstick = self.yardstick(trial.id.stage);
        let metric = yardstick.deciding_metric(&parent.overall, &case.overall)?;
        let lost = audit.refusal(metric, allowed)?;
        Some(Refusal {
            class: None,
            text: format!("gain audit: {lost}"),
        })
    }

    /// The failure that examining a result before it was passed on showed, if it showed one.
    pub(crate) fn confirmed_failure(&self, trial: &Trial) -> Option<FailureClass> {
        let confirmation = self.confirmation_refuses(trial);
        let classes = confirmation.and_then(|refusal| refusal.class);
        classes.or_else(|| self.stability_refuses(trial)?.class)
    }

    /// Confirmations and perturbed repeats that a stage waits for and that do not run: those of the results that
    /// would survive.
    pub(crate) fn examinations_due(&self, stage: StageIndex) -> Vec<Event> {
        if self.stages.get(stage.position()).is_none() {
            return Vec::new();
        }
        let gates = self.program.gates(stage);
        let mut due = Vec::new();
        for trial in self.unexamined_survivors(stage) {
            let mut numbers = trial.next_number()..;
            let mut attempt = || {
                let trial = trial.id;
                numbers.next().map(|number| AttemptId { trial, number })
            };
            let is_open = trial.confirmation().is_none() && !trial.is_being_confirmed();
            if gates.confirm && is_open {
                due.extend(attempt().map(|attempt| Event::ConfirmationStarted { attempt }));
            }
            for repeat in 1..=gates.stability {
                let standing = noise::standing_of(&trial.repeats, repeat);
                if matches!(standing, RepeatStanding::Waiting) {
                    due.extend(attempt().map(|attempt| Event::RepeatStarted { attempt, repeat }));
                }
            }
        }
        due
    }

    /// The results that would survive a stage whose trials all ended, and are not confirmed yet, or not repeated
    /// often enough.
    pub(crate) fn unexamined_survivors(&self, stage: StageIndex) -> Vec<&Trial> {
        let gates = self.program.gates(stage);
        if !(gates.confirm || gates.stability > 0) || !self.all_counted(stage) {
            return Vec::new();
        }
        let mut survivors = self.results_among_survivors(stage);
        survivors.retain(|trial| !self.is_examined(trial));
        survivors
    }

    /// Whether a result is confirmed and repeated as often as its stage asks, whatever came of it.
    fn is_examined(&self, trial: &Trial) -> bool {
        let gates = self.program.gates(trial.id.stage);
        let has_ended = |repeat| {
            let standing = noise::standing_of(&trial.repeats, repeat);
            matches!(standing, RepeatStanding::Ended(_))
        };
        (!gates.confirm || trial.confirmation().is_some()) && (1..=gates.stability).all(has_ended)
    }

    /// ECOs of a stage whose survivors were refused because their results cannot be trusted: none of them
    /// is tried again after it.
    pub(crate) fn catastrophic_refusals(&self, stage: StageIndex) -> Vec<Containment> {
        self.trials_of(stage)
            .filter(|trial| trial.refused.is_some() && !self.is_discarded(trial.id))
            .filter_map(|trial| {
                let class = self.confirmed_failure(trial)?;
                (class.severity() == Severity::Catastrophic).then(|| Containment {
                    scope: ContainmentScope::Eco(trial.eco.name.clone()),
                    at: trial.id,
                    cause: format!("its result was refused: {class}"),
                })
            })
            .collect()
    }
}

/// The worst over scenes.
fn overall_of(scenes: &BTreeMap<String, MetricSet>) -> MetricSet {
    let mut overall = MetricSet::new();
    for metrics in scenes.values() {
        overall.merge_worst(metrics);
    }
    overall
}

/// A gain on its way from estimated to routed wires.
struct GainAudited<'a> {
    parent: &'a MetricSet,
    parent_routed: MetricSet,
    estimated: MetricSet,
    legalised: &'a MetricSet,
    routed: MetricSet,
}

impl GainAudited<'_> {
    /// What of the gain in `metric` is lost on the way, where that is more than `allowed` percent; `None` also where
    /// nothing was gained.
    fn refusal(&self, metric: Metric, allowed: f64) -> Option<String> {
        let before = self.parent.get(metric)?;
        let legalised = metric.gain(before, self.legalised.get(metric)?);
        let estimated = self.estimated.get(metric);
        let claimed = estimated.map_or(legalised, |value| metric.gain(before, value));
        if claimed <= 0.0 {
            return None;
        }
        let routed = self.parent_routed.get(metric).zip(self.routed.get(metric));
        let Some((routed_before, routed_after)) = routed else {
            return Some(format!("`{metric}` was not measured with routed wires"));
        };
        let kept = metric.gain(routed_before, routed_after);
        let lost = 100.0 * (claimed - kept) / claimed;
        (lost > allowed).then(|| {
            let told = |gain: f64| metric.canonical(gain).unwrap_or(gain);
            format!(
                "`{metric}` gained {} as estimated, {} once legal, {} once routed: {lost:.1} % is lost, and {allowed} % \
                 may be",
                told(claimed),
                told(legalised),
                told(kept)
            )
        })
    }
}

/// Why a confirmation refuses what it was to confirm.
struct Refusal {
    /// The kind of failure; none where nothing was shown.
    class: Option<FailureClass>,
    text: String,
}

/// Why a confirmation refuses what it was to confirm; `None` when it found the very same, with the same logic
/// as its parent where that is asked for.
fn refusal(outcome: &Outcome, case: &Measurement, gates: &PromotionGates) -> Option<Refusal> {
    let of = |class: FailureClass| Refusal {
        class: Some(class),
        text: format!("confirmation: {class}"),
    };
    let again = match outcome {
        Outcome::Failed(failure) => return Some(of(failure.class)),
        Outcome::NoEffect => return Some(of(FailureClass::MissingOutput)),
        Outcome::Measured(again) => again,
    };
    let same = again.design.canonical == case.design.canonical
        && again.overall.of_design() == case.overall.of_design()
        && again.scenes == case.scenes;
    if !same {
        return Some(of(FailureClass::Nondeterministic));
    }
    if !gates.equivalence {
        return None;
    }
    match again.equivalence.as_ref().map(|proof| &proof.verdict) {
        Some(EquivalenceVerdict::Equal) => None,
        Some(EquivalenceVerdict::Different { point, .. }) => Some(Refusal {
            class: Some(FailureClass::EquivalenceFailed),
            text: format!(
                "confirmation: {}: its logic differs at {point}",
                FailureClass::EquivalenceFailed
            ),
        }),
        Some(EquivalenceVerdict::Undecided { .. }) if gates.accept_undecided => None,
        Some(EquivalenceVerdict::Undecided { reason }) => Some(Refusal {
            class: None,
            text: format!("confirmation: its equivalence is undecided: {reason}"),
        }),
        None => Some(of(FailureClass::MissingOutput)),
    }
}
