//! Stages and branches: what they started from, what they tried, how they ended.

use noodle2_control::{StageStanding, Trial, Verdict};
use noodle2_model::{BudgetOwner, StageEnd, StageIndex};

use super::{Explainer, Explanation};
use crate::noise::{fallback_text, indistinguishable, indistinguishable_lines};
use crate::{ApprovalStanding, ApprovalSummary, Spent, StageStatus, count_text, veto_text};

impl Explainer<'_> {
    pub(super) fn stage(&self, index: StageIndex) -> Explanation {
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

    pub(super) fn branch(&self, stage: StageIndex) -> Explanation {
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
}
