//! Repeated measurements, and when a stage goes on from an earlier case: numbers that can be meant.

use noodle2_model::{NoiseRules, SafetyRules, Study};

use super::out_of_range;
use crate::codes;
use crate::report::Report;

pub(super) fn check(study: &Study, report: &mut Report) {
    repeats(report, "noise.repeats", study.noise.repeats);
    let own = ("safety".to_owned(), &study.safety);
    let stages = study.stages.iter().enumerate();
    let stages = stages.map(|(index, stage)| (format!("stages[{index}].safety"), &stage.safety));
    for (field, rules) in std::iter::once(own).chain(stages) {
        repeats(
            report,
            &format!("{field}.gates.stability"),
            rules.gates.stability,
        );
        gain_audit(study, report, &format!("{field}.gates.gain_audit"), rules);
    }
    for (index, stage) in study.stages.iter().enumerate() {
        let Some(fallback) = stage.fallback else {
            continue;
        };
        let field = format!("stages[{index}].fallback");
        let losses = [
            ("max_loss", fallback.max_loss),
            ("max_loss_percent", fallback.max_loss_percent),
        ];
        for (key, loss) in losses {
            if loss.is_some_and(|loss| loss < 0.0) {
                let field = format!("{field}.{key}");
                out_of_range(
                    report,
                    &field,
                    "must not be negative; 0 tolerates no loss at all",
                );
            }
        }
        let has_limit = losses.iter().any(|(_, loss)| loss.is_some());
        if !has_limit && report.is_sound_throughout(&field) {
            let help = "give `max_loss` or `max_loss_percent`".to_owned();
            report.at(codes::BOUND, &field, "the fallback has no limit", help);
        }
    }
}

/// Only an engine that routes can say what is left of a gain.
fn gain_audit(study: &Study, report: &mut Report, field: &str, rules: &SafetyRules) {
    let Some(audit) = rules.gates.gain_audit else {
        return;
    };
    if !(0.0..=100.0).contains(&audit.max_loss_percent) {
        let field = format!("{field}.max_loss_percent");
        out_of_range(report, &field, "must be from 0 to 100");
    }
    if study.engine.wire_estimate().is_none() {
        let message = format!("the engine `{}` routes nothing", study.engine.kind);
        let help = "leave `gain_audit` out, or use the engine `openroad`".to_owned();
        report.at(codes::ENGINE_ABILITY, field, message, help);
    }
}

fn repeats(report: &mut Report, field: &str, count: Option<u32>) {
    let most = NoiseRules::MOST_REPEATS;
    if count.is_some_and(|count| !(1..=most).contains(&count)) {
        let must = format!("must be from 1 to {most}; leave it out for none");
        out_of_range(report, field, &must);
    }
}
