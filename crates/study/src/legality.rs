//! Legality: whether a valid study keeps to its safety domain and its budget.
//!
//! An illegal study is understood and could be run; it is refused because it asks for more than it
//! declares. That is another thing than an invalid one, with another exit code.

use std::collections::HashMap;

use noodle2_model::{EcoClass, SafetyDomain, SafetyRules, Stage, Study, matches_pattern};

use crate::check::joined_eco_path;
use crate::codes;
use crate::suggest::quoted;
use crate::{Locations, Problem, References};

/// Every way in which `study` asks for more than it declares, in the order of the file. `locations` are
/// those that came with the study; ECOs that `references` does not know are left to [`crate::read_study`].
pub fn legality(study: &Study, locations: &Locations, references: &dyn References) -> Vec<Problem> {
    let eco_path = joined_eco_path(study, locations.source().path());
    let mut classes: HashMap<&str, Option<EcoClass>> = HashMap::new();
    let mut problems = Vec::new();
    for (index, stage) in study.stages.iter().enumerate() {
        let field = format!("stages[{index}]");
        let domain = study.domain_of(stage);
        if let Some(own) = stage.safety_domain
            && own > study.safety_domain
        {
            let message = format!(
                "the stage {} declares `{own}`, which is looser than the study's `{}`",
                quoted(&stage.name),
                study.safety_domain
            );
            let help = format!("remove it, or declare `safety_domain: {own}` for the whole study");
            let field = format!("{field}.safety_domain");
            problems.push(locations.problem(codes::DOMAIN_TOO_LOOSE, &field, message, Some(help)));
        }
        for (position, eco) in stage.ecos.iter().enumerate() {
            let class = *classes.entry(&eco.name).or_insert_with(|| {
                references
                    .eco(&eco.name, &eco_path)
                    .map(|manifest| manifest.class)
            });
            for (whose, rules) in [("study", &study.safety), ("stage", &stage.safety)] {
                if let Some((why, help)) = refusal(rules, &eco.name, whose) {
                    let message = format!("the ECO {} {why}", quoted(&eco.name));
                    let field = format!("{field}.ecos[{position}].name");
                    let problem =
                        locations.problem(codes::ECO_NOT_ALLOWED, &field, message, Some(help));
                    problems.push(problem);
                }
            }
            if let Some(class) = class
                && !domain.permits(class)
            {
                let message = format!(
                    "the ECO {} is `{class}`, which `{domain}` does not permit",
                    quoted(&eco.name)
                );
                let field = format!("{field}.ecos[{position}].name");
                let help = class_help(study, stage, class);
                problems.push(locations.problem(
                    codes::CLASS_TOO_WIDE,
                    &field,
                    message,
                    Some(help),
                ));
            }
        }
    }
    let trials: u64 = study
        .stages
        .iter()
        .map(|stage| u64::from(stage.trials))
        .sum();
    if let Some(budget) = study.budget.trials
        && trials > u64::from(budget)
    {
        let message =
            format!("the stages may propose {trials} trials together, and the budget is {budget}");
        let help = "raise the budget, or lower the `trials` of a stage".to_owned();
        problems.push(locations.problem(codes::OVER_BUDGET, "budget.trials", message, Some(help)));
    }
    problems.sort_by(|left, right| left.order().cmp(&right.order()));
    problems.dedup();
    problems
}

/// Why the lists of ECOs of a study or stage keep one out, and what to do.
fn refusal(rules: &SafetyRules, eco: &str, whose: &str) -> Option<(String, String)> {
    let matching = |patterns: &[String]| {
        let found = patterns
            .iter()
            .find(|pattern| matches_pattern(pattern, eco));
        found.cloned()
    };
    if let Some(pattern) = matching(&rules.deny_ecos) {
        return Some((
            format!(
                "is denied by {} in the {whose}'s `safety.deny_ecos`",
                quoted(&pattern)
            ),
            "remove the ECO from the stage, or the pattern from the list".to_owned(),
        ));
    }
    let allowed = rules.allow_ecos.is_empty() || matching(&rules.allow_ecos).is_some();
    (!allowed).then(|| {
        (
            format!("is not in the {whose}'s `safety.allow_ecos`"),
            "remove the ECO from the stage, or add it to the list".to_owned(),
        )
    })
}

fn class_help(study: &Study, stage: &Stage, class: EcoClass) -> String {
    let needed = [
        SafetyDomain::Locked,
        SafetyDomain::Guarded,
        SafetyDomain::Sandbox,
    ]
    .into_iter()
    .find(|domain| domain.permits(class))
    .unwrap_or(SafetyDomain::Sandbox);
    let whose = if study.safety_domain.permits(class) && stage.safety_domain.is_some() {
        "for the stage"
    } else {
        "for the study"
    };
    format!("it needs `safety_domain: {needed}` {whose}; or use a narrower ECO")
}
