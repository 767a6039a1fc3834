//! Why something ran, was not run, was stopped, was chosen, dropped or contained: told from the journal alone.

use noodle2_control::{Attempt, Case, Controller, StageStanding, Trial, TrialStanding, Verdict};
use noodle2_evidence::standing;
use noodle2_model::{
    BudgetOwner, CacheAnswer, CaseName, EquivalenceProof, EquivalenceVerdict, Failure,
    FailureClass, Outcome, StageEnd, StageIndex, TrialId,
};
use serde::Serialize;

use crate::noise::{fallback_text, indistinguishable, indistinguishable_lines, repeat_lines};
use crate::{
    ApprovalStanding, ApprovalSummary, History, NoiseSummary, Spent, StageStatus, bytes_text,
    composition_lines, count_text, eco_text, gain_text, metric_text, seconds_text, trial_text,
    veto_text, weight_text,
};

/// What is explained, and in which sentences.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// What is explained: `trial 1_4`, `stage timing`, …
    pub subject: String,
    /// The sentences, in the order in which things happened.
    pub lines: Vec<String>,
}

impl Explanation {
    /// Explains `item` of a run: a stage by name or index, a case, a trial, an ECO by name, or a branch as
    /// `branch:STAGE`; `None` when the run has nothing of that name.
    pub fn of(history: &History, item: &str) -> Option<Self> {
        let controller = history.controller();
        let explainer = Explainer {
            history,
            controller,
        };
        if let Some(name) = item.strip_prefix("branch:") {
            return Some(explainer.branch(explainer.stage_named(name)?));
        }
        let design = &controller.program().study().design.case_name;
        let trial = item
            .parse::<CaseName>()
            .ok()
            .filter(|name| name.design() == design)
            .map(|name| name.trial())
            .or_else(|| item.parse::<TrialId>().ok());
        if let Some(id) = trial {
            if id.is_base() {
                return Some(explainer.base());
            }
            if let Some(trial) = controller.trial(id) {
                return Some(explainer.trial(trial));
            }
        }
        if let Some(stage) = explainer.stage_named(item) {
            return Some(explainer.stage(stage));
        }
        let knows = controller.program().identity().ecos.contains_key(item);
        knows.then(|| explainer.eco(item))
    }

    /// Explains a kind of failure by its name (`segfault`); `None` when there is none of that name.
    pub fn of_failure(name: &str) -> Option<Self> {
        let class = FailureClass::ALL
            .iter()
            .find(|class| class.name() == name)?;
        let again = match class.is_transient() {
            true => "transient: the attempt is made again, unless it comes too often",
            false => "not transient: the same input would fail again, so it is not repeated",
        };
        Some(Self {
            subject: format!("failure {name}"),
            lines: vec![
                class.meaning().trim().to_owned(),
                format!(
                    "{}; it tells something about the {}; {again}",
                    class.severity(),
                    class.scope()
                ),
                format!("what to do: {}", class.advice()),
            ],
        })
    }

    /// The explanation for people.
    pub fn text(&self) -> String {
        let lines = self.lines.iter();
        let lines: String = lines.map(|line| format!("  {line}\n")).collect();
        format!("{}\n{lines}", self.subject)
    }
}

/// What was known of an attempt before it ran; `None` where nobody asked.
pub fn known_line(attempt: &Attempt) -> Option<String> {
    Some(match attempt.cache.as_ref()? {
        CacheAnswer::Hit(hit) => format!(
            "not run: its result was known from attempt {} of study `{}` (run {}, entry {})",
            hit.attempt,
            hit.study,
            hit.run.short(),
            hit.entry.short()
        ),
        CacheAnswer::Miss(miss) => format!("it ran, since its result was not known: {miss}"),
    })
}

struct Explainer<'a> {
    history: &'a History,
    controller: &'a Controller,
}

impl Explainer<'_> {
    fn stage_named(&self, name: &str) -> Option<StageIndex> {
        (0..self.controller.stages().len())
            .map(StageIndex::from)
            .find(|stage| self.name(*stage) == name || stage.to_string() == name)
    }

    fn name(&self, stage: StageIndex) -> &str {
        &self.controller.program().stage(stage).name
    }

    fn base(&self) -> Explanation {
        let mut lines =
            vec!["measured first, as it is: everything else is held against it".to_owned()];
        if let Some(reasons) = self.controller.block_reasons() {
            lines.push("it is not fit to be worked on, and nothing else runs:".to_owned());
            lines.extend(reasons.iter().map(|reason| format!("  {reason}")));
        } else if self.controller.base_case().is_some() {
            lines.push("gate 0 found it fit to be worked on".to_owned());
        }
        lines.extend(self.controller.base_attempts().last().and_then(known_line));
        lines.extend(repeat_lines(self.controller.base_repeats()));
        let noise = NoiseSummary::new(self.controller);
        lines.extend(noise.iter().flat_map(NoiseSummary::lines));
        let floor = noise.iter().flat_map(|noise| noise.floor.iter());
        let widths: Vec<String> = floor
            .map(|(metric, width)| format!("{metric} {}", metric_text(metric, Some(width))))
            .collect();
        if !widths.is_empty() {
            lines.push(format!("noise floor: {}", widths.join(", ")));
        }
        Explanation {
            subject: format!("case {}, the base case", self.controller.base_name()),
            lines,
        }
    }

    fn trial(&self, trial: &Trial) -> Explanation {
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

    fn stage(&self, index: StageIndex) -> Explanation {
        let controller = self.controller;
        let stage = &controller.stages()[index.position()];
        let declared = controller.program().stage(index);
        let status = StageStatus::new(controller, self.history.status(), index);
        let mut lines = vec![format!("it is {status}")];
        let before: Vec<String> = declared
            .after
            .iter()
            .map(|name| format!("`{name}`"))
            .collect();
        // One that people have to approve knows its inputs before it starts, if it ever does.
        let (starts, goes) = match self.history.stage_times(index).0 {
            Some(_) => ("started", "went"),
            None => ("would start", "would go"),
        };
        match (before.is_empty(), stage.inputs.is_empty()) {
            (_, true) => lines.push(match before.is_empty() {
                true => "it starts from the base case, and has not started".to_owned(),
                false => format!("it comes after {}, and has not started", before.join(", ")),
            }),
            (true, false) => lines.push(format!("it {starts} from the base case")),
            (false, false) => {
                let inputs = stage.inputs.iter().map(|input| input.case.to_string());
                let inputs: Vec<String> = inputs.collect();
                lines.push(format!(
                    "it {starts} from {}, which {} passed on",
                    inputs.join(", "),
                    before.join(", ")
                ));
            }
        }
        for (branch, cause) in &stage.missing {
            lines.push(format!(
                "it {goes} on without `{}`: {cause}",
                self.name(*branch)
            ));
        }
        let trials: Vec<&Trial> = controller.trials_of(index).collect();
        if !trials.is_empty() {
            let count = |wanted: fn(&Verdict) -> bool| {
                trials
                    .iter()
                    .filter(|trial| trial.verdict().is_some_and(wanted))
                    .count()
            };
            lines.push(format!(
                "it proposed {}: {} measured, {} without effect, {} failed, {} called off",
                count_text(trials.len(), "trial"),
                count(|verdict| *verdict == Verdict::Derived),
                count(|verdict| *verdict == Verdict::NoEffect),
                count(|verdict| matches!(verdict, Verdict::Failed(_))),
                trials
                    .iter()
                    .filter(|trial| trial.cancelled.is_some())
                    .count()
            ));
        }
        if let Some(approval) = ApprovalSummary::new(self.history, index) {
            lines.push(approval.line());
            if approval.standing == ApprovalStanding::Waiting {
                lines.push(approval.command(self.history.called()));
            }
        }
        lines.extend(self.trial_lines(index));
        let vetoed = stage.vetoed.iter();
        lines.extend(vetoed.map(|veto| format!("it does not try {}", veto_text(veto))));
        for contained in stage.containments() {
            lines.push(format!(
                "{} is not tried from trial {} on: {}",
                contained.scope, contained.at, contained.cause
            ));
        }
        let refused = stage.refused_proposals.iter();
        lines.extend(refused.map(|text| format!("its proposer was refused {text}")));
        if let Some((at, cause)) = stage.satisfied() {
            lines.push(format!("it had seen enough at trial {at}: {cause}"));
        }
        let spent = Spent::by(self.history, BudgetOwner::Stage(index));
        lines.extend(spent.and_then(|spent| spent.line()));
        if let Some((counted, cause)) = stage.out_of_time() {
            lines.push(format!(
                "it was cut short after {}: {cause}",
                count_text(counted as usize, "trial")
            ));
        }
        for trial in trials.iter().filter(|trial| trial.refused.is_some()) {
            let gates = trial.refused.iter().flatten().cloned().collect::<Vec<_>>();
            lines.push(format!(
                "{} may not survive: {}",
                self.case_of(trial.id),
                gates.join("; ")
            ));
        }
        match &stage.standing {
            StageStanding::Finished(end @ StageEnd::Completed { survivors, .. }) => {
                let alike = indistinguishable(controller, index);
                lines.extend(indistinguishable_lines(&alike));
                let fell_back = fallback_text(end);
                lines.extend(fell_back.map(|text| format!("it {text}")));
                let rank = &controller.program().objective(index).rank;
                let rank: Vec<&str> = rank.iter().map(|metric| metric.name()).collect();
                let names: Vec<String> = survivors.iter().map(ToString::to_string).collect();
                lines.push(format!(
                    "it passed on {}, best first by {}",
                    names.join(", "),
                    rank.join(", then ")
                ));
            }
            StageStanding::Finished(StageEnd::Failed { cause, at }) => {
                let at = at.map(|at| format!(" at trial {at}")).unwrap_or_default();
                lines.push(format!("it was given up{at}: {cause}"));
            }
            StageStanding::Finished(StageEnd::Skipped { cause }) => {
                lines.push(format!("it never ran: {cause}"));
            }
            StageStanding::Waiting | StageStanding::AwaitingApproval | StageStanding::Running => {}
        }
        if let Some((at, cause)) = controller.crossed_study_rail() {
            lines.push(format!("the study was given up at trial {at}: {cause}"));
        }
        Explanation {
            subject: format!("stage {}", declared.name),
            lines,
        }
    }

    /// What a stage drew of other stages' trials, what it waits for to draw, and what it left.
    fn trial_lines(&self, index: StageIndex) -> Vec<String> {
        let controller = self.controller;
        let stage = &controller.stages()[index.position()];
        let declared = controller.program().stage(index);
        let mut lines: Vec<String> = (stage.extra_trials.iter())
            .map(|(source, trials)| {
                let trials = count_text(*trials as usize, "trial");
                let source = self.name(*source);
                format!(
                    "it drew {trials} beyond its own {} that `{source}` did not use",
                    declared.trials
                )
            })
            .collect();
        let is_open = |source: &&StageIndex| controller.unused_trials(**source).is_none();
        let open = controller.program().sources(index).iter().filter(is_open);
        let open: Vec<String> = open
            .map(|source| format!("`{}`", self.name(*source)))
            .collect();
        if stage.standing == StageStanding::Waiting && !open.is_empty() {
            let open = open.join(", ");
            lines.push(format!(
                "it waits for {open} to end, whose unused trials it may draw"
            ));
        }
        if let Some(unused) = controller.unused_trials(index).filter(|unused| *unused > 0) {
            let drawn = controller.stages().iter().enumerate();
            let drawn = drawn.filter_map(|(other, stage)| {
                let (_, trials) = stage
                    .extra_trials
                    .iter()
                    .find(|(source, _)| *source == index)?;
                Some(format!(
                    "{trials} of them drawn by `{}`",
                    self.name(StageIndex::from(other))
                ))
            });
            let drawn: Vec<String> = drawn.collect();
            let drawn = match drawn.is_empty() {
                true => String::new(),
                false => format!(", {}", drawn.join(", ")),
            };
            let allotted = count_text(controller.allotted_trials(index) as usize, "trial");
            lines.push(format!("of its {allotted} it did not use {unused}{drawn}"));
        }
        lines
    }

    fn branch(&self, stage: StageIndex) -> Explanation {
        let program = self.controller.program();
        let first = program.branch_of(stage);
        let order = program.canonical_order().iter();
        let stages: Vec<StageIndex> = order
            .copied()
            .filter(|other| program.branch_of(*other) == first)
            .collect();
        let names: Vec<String> = stages
            .iter()
            .map(|stage| format!("`{}`", self.name(*stage)))
            .collect();
        let mut lines = vec![format!("it goes through {}", names.join(" → "))];
        let spent = Spent::by(self.history, BudgetOwner::Branch(first));
        lines.extend(spent.and_then(|spent| spent.line()));
        for stage in &stages {
            let explanation = self.stage(*stage);
            let last = explanation.lines.last().cloned().unwrap_or_default();
            lines.push(format!("`{}`: {last}", self.name(*stage)));
        }
        let joins = stages
            .iter()
            .flat_map(|stage| program.dag().dependents(*stage));
        for join in joins.filter(|next| program.branch_of(**next) != first) {
            lines.push(format!("`{}` takes up what it passes on", self.name(*join)));
        }
        Explanation {
            subject: format!("branch from stage {}", self.name(first)),
            lines,
        }
    }

    fn eco(&self, name: &str) -> Explanation {
        let controller = self.controller;
        let definition = &controller.program().identity().ecos[name];
        let mut lines = vec![format!("it declares `{}`", definition.manifest.class)];
        lines.extend(self.prior_lines(name));
        for position in 0..controller.stages().len() {
            let index = StageIndex::from(position);
            let declared = controller.program().stage(index);
            if !declared.ecos.iter().any(|eco| eco.name == name) {
                continue;
            }
            let stage = &controller.stages()[position];
            let trials: Vec<&Trial> = controller
                .trials_of(index)
                .filter(|trial| trial.eco.name == name)
                .collect();
            let count = |wanted: fn(&Verdict) -> bool| {
                trials
                    .iter()
                    .filter(|trial| trial.verdict().is_some_and(wanted))
                    .count()
            };
            let contained = stage
                .containments()
                .iter()
                .find(|contained| contained.keeps_out(name, definition.manifest.class));
            let text = match (stage.standing == StageStanding::Waiting, trials.is_empty()) {
                (true, _) => "has not started".to_owned(),
                (false, true) => "did not try it".to_owned(),
                (false, false) => format!(
                    "tried it {}: {} measured, {} without effect, {} failed",
                    match trials.len() {
                        1 => "once".to_owned(),
                        count => format!("{count} times"),
                    },
                    count(|verdict| *verdict == Verdict::Derived),
                    count(|verdict| *verdict == Verdict::NoEffect),
                    count(|verdict| matches!(verdict, Verdict::Failed(_)))
                ),
            };
            lines.push(format!("stage `{}` {text}", declared.name));
            let vetoed = stage.vetoed.iter().filter(|veto| veto.eco == name);
            lines.extend(vetoed.map(|veto| format!("  not on {}: {}", veto.case, veto.cause)));
            if let Some(contained) = contained {
                lines.push(format!(
                    "  {} is contained there from trial {} on: {}",
                    contained.scope, contained.at, contained.cause
                ));
            }
        }
        Explanation {
            subject: format!("ECO {name}"),
            lines,
        }
    }

    /// What earlier runs found of an ECO, by conditions.
    fn prior_lines(&self, eco: &str) -> Vec<String> {
        let identity = self.controller.program().identity();
        let metric = identity.study.objective.rank.first().copied();
        let entries = identity.priors.iter().flat_map(|priors| &priors.entries);
        entries
            .filter(|prior| prior.eco == eco)
            .map(|prior| {
                let standing = standing(&prior.evidence, metric);
                let helped = metric.map_or_else(String::new, |metric| {
                    let gains = prior.evidence.gains.get(&metric);
                    let better = gains.map_or(0.0, |gains| gains.better);
                    format!(", {} better in {metric}", weight_text(better))
                });
                format!(
                    "{standing} by earlier runs with {}: {} tries{helped}, {} failed",
                    prior.context,
                    weight_text(prior.evidence.tries()),
                    weight_text(prior.evidence.own_failures())
                )
            })
            .collect()
    }

    fn case_of(&self, trial: TrialId) -> CaseName {
        trial.case(&self.controller.program().study().design.case_name)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_failure_is_explained_in_whole_sentences() {
        for class in FailureClass::ALL {
            let explanation = Explanation::of_failure(class.name()).unwrap();
            assert!(
                explanation.lines.iter().all(|line| line.len() > 20),
                "{explanation:?}"
            );
        }
        assert_eq!(Explanation::of_failure("bad luck"), None);
    }
}
