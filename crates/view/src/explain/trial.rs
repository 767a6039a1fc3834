//! Trials: what was tried and why, what came of it, and whether it survived.

use noodle2_control::{Case, StageStanding, Trial, TrialStanding, Verdict};
use noodle2_model::{
    CaseName, EquivalenceProof, EquivalenceVerdict, Failure, Outcome, StageEnd, StageIndex, TrialId,
};

use super::{Explainer, Explanation, known_line};
use crate::noise::{fallback_text, indistinguishable, repeat_lines};
use crate::{
    StageStatus, bytes_text, composition_lines, count_text, eco_text, gain_text, metric_text,
    seconds_text, trial_text,
};

impl Explainer<'_> {
    pub(super) fn trial(&self, trial: &Trial) -> Explanation {
        let controller = self.controller;
        let study = controller.program().study();
        let stage = controller.program().stage(trial.id.stage);
        let mut lines = vec![
            format!(
                "stage `{}` proposed it as number {} of {}: {} on {}",
                stage.name,
                trial.id.derived,
                controller.trials_of(trial.id.stage).count(),
                eco_text(&trial.eco),
                trial.parent
            ),
            format!(
                "{} `{}`, which `{}` permits (up to {})",
                match trial.eco.composition {
                    Some(_) => "no ECO of its branches declares more than",
                    None => "the ECO declares",
                },
                trial.eco.class,
                study.domain_of(stage),
                study.domain_of(stage).widest_class()
            ),
        ];
        if let Some(reason) = &trial.reason {
            lines.push(format!("why: {reason}"));
        }
        lines.extend(composition_lines(trial));
        for attempt in &trial.attempts {
            if let Some(Outcome::Failed(failure)) = &attempt.outcome
                && Some(failure) != trial.failure()
            {
                let text = format!(
                    "attempt {} came to nothing: {}: {}",
                    attempt.number, failure.class, failure.message
                );
                lines.push(text);
            }
        }
        lines.extend(trial.attempts.last().and_then(known_line));
        lines.push(format!(
            "result: {}",
            trial_text(controller, self.history.status(), trial)
        ));
        lines.extend(self.outcome_lines(trial));
        if let Some(cause) = &trial.cancelled {
            lines.push(format!("it was called off: {cause}"));
        }
        lines.extend(self.discard_line(trial.id));
        Explanation {
            subject: format!("trial {}", trial.id),
            lines,
        }
    }

    fn outcome_lines(&self, trial: &Trial) -> Vec<String> {
        match trial.verdict() {
            Some(Verdict::NoEffect) => {
                vec!["the ECO changed nothing, which is neither a success nor a failure".to_owned()]
            }
            Some(Verdict::Failed(failure)) => failure_lines(failure),
            Some(Verdict::Derived) => self.case_lines(trial),
            None if trial.standing() == TrialStanding::Waiting => {
                let stage =
                    StageStatus::new(self.controller, self.history.status(), trial.id.stage);
                match stage.has_ended() {
                    true => vec!["its stage ended before a worker was free for it".to_owned()],
                    false => vec![self.waiting_line(trial)],
                }
            }
            None => Vec::new(),
        }
    }

    /// That a trial waits, and what it will cost by what the run has learned.
    fn waiting_line(&self, trial: &Trial) -> String {
        let (seconds, bytes) = self.controller.expected_costs(trial.id);
        let seconds = seconds.map(|seconds| format!("to take {}", seconds_text(seconds)));
        let bytes = bytes.map(|bytes| format!("to hold {}", bytes_text(bytes)));
        let expected: Vec<String> = seconds.into_iter().chain(bytes).collect();
        match expected.is_empty() {
            true => "it waits for a worker".to_owned(),
            false => format!(
                "it waits for a worker; it is expected {}",
                expected.join(" and ")
            ),
        }
    }

    fn case_lines(&self, trial: &Trial) -> Vec<String> {
        let controller = self.controller;
        let name = self.case_of(trial.id);
        let Some(case) = controller.cases().get(&name) else {
            return Vec::new();
        };
        let mut lines = Vec::new();
        let objective = controller.program().objective(trial.id.stage);
        let parent = controller.cases().get(&trial.parent);
        if let (Some(metric), Some(parent)) = (objective.rank.first(), parent) {
            let value = |case: &Case| case.measurement.overall.get(*metric);
            lines.push(format!(
                "{metric} went from {} in {} to {} ({})",
                metric_text(*metric, value(parent)),
                parent.name,
                metric_text(*metric, value(case)),
                gain_text(*metric, value(parent), value(case))
            ));
        }
        if let Some(parent) = parent
            && controller.are_indistinguishable(
                trial.id.stage,
                &case.measurement,
                &parent.measurement,
            )
        {
            lines.push(format!(
                "it is indistinguishable from {}: no metric of the ranking differs by more than the noise floor",
                parent.name
            ));
        }
        if let Some(radius) = &case.measurement.blast_radius {
            lines.push(format!(
                "it touched {} and {}: `{}` as measured",
                count_text(radius.cells_touched as usize, "cell"),
                count_text(radius.nets_touched as usize, "net"),
                radius.class()
            ));
        }
        for confirmation in &trial.confirmations {
            lines.push(match &confirmation.outcome {
                None => "it is being measured again in a fresh process".to_owned(),
                Some(Outcome::Failed(failure)) => format!(
                    "attempt {}, which measured it again, failed: {}: {}",
                    confirmation.number, failure.class, failure.message
                ),
                Some(_) => format!(
                    "attempt {} measured it again in a fresh process",
                    confirmation.number
                ),
            });
        }
        if let Some(Outcome::Measured(again)) = trial.confirmation() {
            lines.extend(again.equivalence.as_ref().map(proof_line));
        }
        lines.extend(repeat_lines(&trial.repeats));
        for gate in trial.refused.iter().flatten() {
            lines.push(format!("it may not survive: {gate}"));
        }
        let alike = indistinguishable(controller, trial.id.stage);
        if let Some(others) = alike.get(&case.name) {
            let others: Vec<String> = others.iter().map(ToString::to_string).collect();
            lines.push(format!(
                "it is indistinguishable from {}, which also survived",
                others.join(", ")
            ));
        }
        lines.extend(self.survival_line(trial, case));
        lines
    }

    /// Whether the case was chosen, and why or why not.
    fn survival_line(&self, trial: &Trial, case: &Case) -> Option<String> {
        let controller = self.controller;
        let stage = &controller.stages()[trial.id.stage.position()];
        let StageStanding::Finished(end @ StageEnd::Completed { survivors, .. }) = &stage.standing
        else {
            return None;
        };
        let name = self.name(trial.id.stage);
        if let Some(text) = fallback_text(end) {
            return Some(format!("stage `{name}` {text}"));
        }
        if let Some(place) = survivors.iter().position(|other| *other == case.name) {
            return Some(format!(
                "stage `{name}` passed it on, as number {} of {}{}",
                place + 1,
                survivors.len(),
                self.used_by(&case.name)
            ));
        }
        if trial.refused.is_some() {
            return None;
        }
        let twin = survivors.iter().find(|other| {
            let other = controller.cases().get(other);
            other.is_some_and(|other| {
                other.measurement.design.canonical == case.measurement.design.canonical
            })
        });
        if let Some(twin) = twin {
            return Some(format!(
                "it is the very same design as {twin}, which was passed on"
            ));
        }
        let objective = controller.program().objective(trial.id.stage);
        let last = survivors.last()?;
        let differs = objective.rank.iter().find_map(|metric| {
            let value = |name: &CaseName| {
                controller
                    .cases()
                    .get(name)?
                    .measurement
                    .overall
                    .get(*metric)
            };
            let (own, theirs) = (value(&case.name), value(last));
            (own != theirs).then(|| {
                format!(
                    "; by {metric} it has {}, the last survivor {last} has {}",
                    metric_text(*metric, own),
                    metric_text(*metric, theirs)
                )
            })
        });
        Some(format!(
            "stage `{name}` chose {} others{}",
            survivors.len(),
            differs.unwrap_or_default()
        ))
    }

    /// The stages that started from a case.
    fn used_by(&self, case: &CaseName) -> String {
        let stages = self.controller.stages().iter().enumerate();
        let users: Vec<String> = stages
            .filter(|(_, stage)| stage.inputs.iter().any(|input| input.case == *case))
            .map(|(position, _)| format!("`{}`", self.name(StageIndex::from(position))))
            .collect();
        match users.is_empty() {
            true => String::new(),
            false => format!("; {} started from it", users.join(", ")),
        }
    }

    fn discard_line(&self, trial: TrialId) -> Option<String> {
        let controller = self.controller;
        if let Some(containment) = controller.containment_of(trial) {
            return Some(format!(
                "{} was contained from trial {} on ({}): nothing of it counts",
                containment.scope, containment.at, containment.cause
            ));
        }
        if !controller.is_discarded(trial) {
            return None;
        }
        let satisfied = controller.stages()[trial.stage.position()].satisfied();
        if let Some((at, cause)) = satisfied.filter(|(at, _)| trial > *at) {
            return Some(format!(
                "its stage had seen enough at trial {at} ({cause}): what lies beyond it does not count"
            ));
        }
        let cut = controller.stages()[trial.stage.position()].out_of_time();
        if let Some((counted, cause)) = cut.filter(|(counted, _)| trial.derived > *counted) {
            return Some(format!(
                "its stage was cut short after {} ({cause}): what lies beyond does not count",
                count_text(counted as usize, "trial")
            ));
        }
        let beyond = match controller.crossed_study_rail() {
            Some((at, cause)) => format!("the study was given up at trial {at} ({cause})"),
            None => match &controller.stages()[trial.stage.position()].standing {
                StageStanding::Finished(StageEnd::Failed {
                    cause,
                    at: Some(at),
                }) => {
                    format!("its stage was given up at trial {at} ({cause})")
                }
                _ => return None,
            },
        };
        Some(format!("{beyond}: what lies beyond it does not count"))
    }
}

fn proof_line(proof: &EquivalenceProof) -> String {
    let found = match &proof.verdict {
        EquivalenceVerdict::Equal => "its logic was proved to be its parent's".to_owned(),
        EquivalenceVerdict::Different {
            point,
            parent,
            child,
        } => format!(
            "its logic is not its parent's: at {point} the parent gives {} and it gives {}",
            u8::from(*parent),
            u8::from(*child)
        ),
        EquivalenceVerdict::Undecided { reason } => {
            format!("whether its logic is its parent's is undecided: {reason}")
        }
    };
    format!(
        "{found} ({}, {} by structure, {} by proof; {}, {})",
        count_text(proof.points as usize, "point"),
        proof.by_structure,
        proof.by_proof,
        count_text(proof.sat_calls as usize, "question"),
        count_text(proof.conflicts as usize, "conflict")
    )
}

fn failure_lines(failure: &Failure) -> Vec<String> {
    let class = failure.class;
    let mut lines = vec![
        format!("{class}: {}", failure.message),
        format!(
            "{} ({}; about the {})",
            class.meaning().trim(),
            class.severity(),
            class.scope()
        ),
    ];
    lines.extend(
        failure
            .tool_code
            .iter()
            .map(|code| format!("the tool's own code: {code}")),
    );
    lines.extend(failure.excerpt.lines().map(|line| format!("| {line}")));
    lines.push(format!("what to do: {}", class.advice()));
    lines
}
