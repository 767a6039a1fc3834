//! ECOs: where a run tried them, what came of it, and what earlier runs found.

use noodle2_control::{StageStanding, Trial, Verdict};
use noodle2_evidence::standing;
use noodle2_model::StageIndex;

use super::{Explainer, Explanation};
use crate::weight_text;

impl Explainer<'_> {
    pub(super) fn eco(&self, name: &str) -> Explanation {
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
}
