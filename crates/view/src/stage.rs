//! One stage with all of its trials.

use std::collections::BTreeMap;

use noodle2_control::Trial;
use noodle2_model::{
    CaseName, ComposeMode, ConflictRule, EcoProposal, Failure, Metric, Outcome, StageIndex, TrialId,
};
use serde::Serialize;

use crate::summary::deltas;
use crate::{
    ApprovalStanding, ApprovalSummary, History, MetricDelta, StageSummary, Table, gain_text,
    trial_text,
};

/// A stage with its trials, in the shape that `show --format json` prints.
#[derive(Debug, Clone, Serialize)]
pub struct StageView {
    #[serde(flatten)]
    summary: StageSummary,
    /// Whether wires are modelled: results of a study without wires are `pre-layout`.
    label: Option<&'static str>,
    /// The trials in the order in which they were proposed; `trials` is their number.
    trial_list: Vec<StageTrial>,
    /// The approval that it asked for; absent where it asked for none.
    approval: Option<ApprovalSummary>,
    /// What the run is called in a shell.
    #[serde(skip)]
    run: String,
    /// The metric that matters most to the stage.
    #[serde(skip)]
    metric: Option<Metric>,
}

#[derive(Debug, Clone, Serialize)]
struct StageTrial {
    trial: TrialId,
    /// The case that it derived; absent where there is none.
    case: Option<CaseName>,
    parent: CaseName,
    eco: EcoProposal,
    /// Why its proposer chose it.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// What came of it, in the words of the text.
    result: String,
    failure: Option<Failure>,
    attempts: usize,
    /// What its case gained over the parent.
    gains: BTreeMap<Metric, MetricDelta>,
    #[serde(skip)]
    gain: String,
}

impl StageView {
    /// A stage of a run.
    pub fn new(history: &History, stage: StageIndex) -> Self {
        let program = history.controller().program();
        let metric = program.objective(stage).rank.first().copied();
        let trials = history.controller().trials_of(stage);
        Self {
            summary: StageSummary::new(history, stage),
            label: program.study().result_label(),
            trial_list: trials
                .map(|trial| StageTrial::new(history, trial, metric))
                .collect(),
            approval: ApprovalSummary::new(history, stage),
            run: history.called().to_owned(),
            metric,
        }
    }

    /// The stage for people.
    pub fn text(&self) -> String {
        let gain = match self.metric {
            Some(metric) => format!(">gain in {metric}"),
            None => ">gain".to_owned(),
        };
        let mut table = Table::new(&["trial", "parent", "ECO", "result", &gain]);
        for trial in &self.trial_list {
            table.row([
                trial.trial.to_string(),
                trial.parent.to_string(),
                eco_text(&trial.eco),
                trial.result.clone(),
                trial.gain.clone(),
            ]);
        }
        let cause = self.summary.cause.iter().map(|cause| format!(": {cause}"));
        let label = self.label.iter().map(|label| format!(" ({label})"));
        let approval = self.approval.iter().map(|approval| {
            let command = match approval.standing {
                ApprovalStanding::Waiting => format!("  {}\n", approval.command(&self.run)),
                _ => String::new(),
            };
            let inputs = approval.inputs.iter().map(ToString::to_string);
            let inputs = inputs.collect::<Vec<_>>().join(", ");
            format!("  {}\n{command}  from {inputs}\n", approval.line())
        });
        format!(
            "{}: {}{}{}\n{}\n{}",
            self.summary.name,
            self.summary.status,
            cause.collect::<String>(),
            label.collect::<String>(),
            approval.collect::<String>(),
            table.text()
        )
    }
}

impl StageTrial {
    fn new(history: &History, trial: &Trial, metric: Option<Metric>) -> Self {
        let controller = history.controller();
        let name = trial
            .id
            .case(&controller.program().study().design.case_name);
        let case = controller.cases().get(&name);
        let both = controller.cases().get(&trial.parent).zip(case);
        let gain = both.zip(metric).map(|((parent, case), metric)| {
            let value = |case: &noodle2_control::Case| case.measurement.overall.get(metric);
            gain_text(metric, value(parent), value(case))
        });
        Self {
            trial: trial.id,
            case: case.map(|case| case.name.clone()),
            parent: trial.parent.clone(),
            eco: (*trial.eco).clone(),
            reason: trial.reason.clone(),
            result: trial_text(controller, history.status(), trial),
            failure: trial.failure().cloned(),
            attempts: trial.attempts.len(),
            gains: both
                .map(|(parent, case)| deltas(parent, case))
                .unwrap_or_default(),
            gain: gain.unwrap_or_default(),
        }
    }
}

/// An ECO with its parameters in one line.
pub fn eco_text(eco: &EcoProposal) -> String {
    let parameters = eco.parameters.iter();
    let text = parameters.fold(eco.name.clone(), |text, (name, value)| {
        format!("{text} {name}={value}")
    });
    let steps: Vec<String> = eco.sequence.iter().map(eco_text).collect();
    match steps.is_empty() {
        true => text,
        false => format!("{text} ({})", steps.join("; then ")),
    }
}

/// What a trial composed, and how contradictions between the branches were decided; nothing for an ECO.
pub fn composition_lines(trial: &Trial) -> Vec<String> {
    let Some(composition) = &trial.eco.composition else {
        return Vec::new();
    };
    let chain: Vec<String> = composition.chain.iter().map(eco_text).collect();
    let (with, ancestor, chain) = (
        &composition.with,
        &composition.ancestor,
        chain.join(", then "),
    );
    let mut lines = vec![match composition.mode {
        ComposeMode::Replay => {
            format!(
                "the edits of {with} since {ancestor} ({chain}) merged with those of {}",
                trial.parent
            )
        }
        ComposeMode::Rerun => {
            format!(
                "the ECOs of {with} since {ancestor} applied anew to {}: {chain}",
                trial.parent
            )
        }
    }];
    let conflicts = trial
        .attempts
        .iter()
        .find_map(|attempt| match &attempt.outcome {
            Some(Outcome::Measured(measurement)) => Some(&measurement.conflicts),
            _ => None,
        });
    if let Some(conflicts) = conflicts.filter(|conflicts| !conflicts.is_empty()) {
        let told: Vec<String> = conflicts
            .iter()
            .map(|(kind, count)| format!("{count} {kind}"))
            .collect();
        let rule = match composition.conflicts.unwrap_or_default() {
            ConflictRule::First => "for the first branch",
            ConflictRule::Second => "for the second branch",
            ConflictRule::None => "for neither",
            ConflictRule::Drop => "by dropping the pair",
        };
        let told = told.join(", ");
        lines.push(format!(
            "contradictions, decided {rule}: {told} (listed in conflicts.tsv)"
        ));
    }
    lines
}
