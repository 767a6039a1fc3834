//! Legality: whether a valid study keeps to its safety domain and its budget.
//!
//! An illegal study is understood and could be run; it is refused because it asks for more than it
//! declares. That is another thing than an invalid one, with another exit code.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use noodle2_model::{
    Bound, Check, ContainmentRules, EcoClass, EcoManifest, JoinMerge, OnTimeout, ParameterDomain,
    ParameterKind, PromotionGates, ProposerKind, SafetyDomain, SafetyRules, Scene, Stage, StageEco,
    Study, StudyRail, matches_pattern,
};

use crate::check::{component_field, joined_eco_path};
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
        let kind = stage.proposer.kind;
        if domain == SafetyDomain::Locked
            && !matches!(kind, ProposerKind::Auto | ProposerKind::Grid)
        {
            let message = format!(
                "the proposer `{}` explores, and `locked` does not",
                kind.name()
            );
            let help = "use `grid`, which tries what is written in its order".to_owned();
            let field = format!("{field}.proposer.kind");
            problems.push(locations.problem(codes::EXPLORATION, &field, message, Some(help)));
        }
        for (position, eco) in stage.ecos.iter().enumerate() {
            let field = format!("{field}.ecos[{position}]");
            for (step, (name, parameters)) in eco.components().enumerate() {
                let field = component_field(eco, &field, step);
                let class = *classes.entry(name).or_insert_with(|| {
                    references
                        .eco(name, &eco_path)
                        .map(|manifest| manifest.class)
                });
                for (whose, rules) in [("study", &study.safety), ("stage", &stage.safety)] {
                    if let Some((why, help)) = refusal(rules, name, whose) {
                        let message = format!("the ECO {} {why}", quoted(name));
                        let field = format!("{field}.name");
                        let problem =
                            locations.problem(codes::ECO_NOT_ALLOWED, &field, message, Some(help));
                        problems.push(problem);
                    }
                }
                if references
                    .eco(name, &eco_path)
                    .is_some_and(|manifest| manifest.is_for_hold())
                    && !study.scenes.iter().any(Scene::answers_for_hold)
                {
                    let message = format!(
                        "the ECO {} repairs hold, and {}",
                        quoted(name),
                        why_hold_is_unseen(study)
                    );
                    let help = "set `clocks: propagated` in a scene that checks hold, or say with \
                                `ideal_hold: REASON` in one why its hold slacks are worth repairing";
                    let field = format!("{field}.name");
                    problems.push(locations.problem(
                        codes::HOLD_UNSEEN,
                        &field,
                        message,
                        Some(help.to_owned()),
                    ));
                }
                if domain == SafetyDomain::Locked
                    && let Some(manifest) = references.eco(name, &eco_path)
                {
                    let field = format!("{field}.parameters");
                    problems.extend(exploration(parameters, &manifest, &field, locations));
                }
                if let Some(class) = class
                    && !domain.permits(class)
                {
                    let message = format!(
                        "the ECO {} is `{class}`, which `{domain}` does not permit",
                        quoted(name)
                    );
                    let field = format!("{field}.name");
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
        problems.extend(composition(study, index, locations, &mut |eco| {
            let manifest = || references.eco(eco, &eco_path);
            *classes
                .entry(eco)
                .or_insert_with(|| manifest().map(|manifest| manifest.class))
        }));
    }
    problems.extend(looseness(study, locations));
    let veto = study.priors.as_ref().and_then(|priors| priors.veto);
    if study.safety_domain == SafetyDomain::Locked && veto == Some(false) {
        let message = "`veto: false` is looser than `locked`, where priors may do nothing else";
        let help = "remove it, or declare a wider domain for the study".to_owned();
        problems.push(locations.problem(
            codes::RULE_TOO_LOOSE,
            "priors.veto",
            message.to_owned(),
            Some(help),
        ));
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

/// Why no scene answers for hold.
fn why_hold_is_unseen(study: &Study) -> String {
    let scenes = study.scenes.iter();
    let checking: Vec<String> = scenes
        .filter(|scene| scene.checks.contains(&Check::Hold))
        .map(|scene| quoted(&scene.name))
        .collect();
    match checking.as_slice() {
        [] => "no scene checks hold".to_owned(),
        names => format!(
            "the clocks of every scene that checks hold ({}) are ideal, so that no skew is seen",
            names.join(", ")
        ),
    }
}

/// A join that composes brings the ECOs of its branches into its own domain, whose rules hold for them too.
fn composition<'s>(
    study: &'s Study,
    index: usize,
    locations: &Locations,
    class_of: &mut dyn FnMut(&'s str) -> Option<EcoClass>,
) -> Vec<Problem> {
    let stage = &study.stages[index];
    let merge = stage.join.as_ref().map(|join| join.merge);
    if merge != Some(JoinMerge::Compose) {
        return Vec::new();
    }
    let domain = study.domain_of(stage);
    let field = format!("stages[{index}].join.merge");
    let mut seen = BTreeSet::new();
    let mut problems = Vec::new();
    for before in study.stages_before(stage) {
        let named = before.ecos.iter().flat_map(StageEco::components);
        for (eco, _) in named {
            if !seen.insert(eco) {
                continue;
            }
            let origin = format!("of stage {}, which is composed here,", quoted(&before.name));
            if let Some((why, help)) = refusal(&stage.safety, eco, "stage") {
                let message = format!("the ECO {} {origin} {why}", quoted(eco));
                problems.push(locations.problem(
                    codes::ECO_NOT_ALLOWED,
                    &field,
                    message,
                    Some(help),
                ));
            }
            if let Some(class) = class_of(eco).filter(|class| !domain.permits(*class)) {
                let message = format!(
                    "the ECO {} {origin} is `{class}`, which `{domain}` does not permit",
                    quoted(eco)
                );
                let help = Some("merge by `union`, or keep the ECO out of the branches".to_owned());
                problems.push(locations.problem(codes::CLASS_TOO_WIDE, &field, message, help));
            }
        }
    }
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

/// Parameters of a locked stage whose values would be drawn by chance.
fn exploration(
    parameters: &BTreeMap<String, ParameterDomain>,
    manifest: &EcoManifest,
    field: &str,
    locations: &Locations,
) -> Vec<Problem> {
    let is_drawn = |name: &str, domain: &ParameterDomain| {
        let is_real = manifest
            .parameters
            .get(name)
            .is_some_and(|spec| matches!(spec.kind, ParameterKind::Real { .. }));
        is_real && matches!(domain, ParameterDomain::Range { step: None, .. })
    };
    let drawn = parameters
        .iter()
        .filter(|(name, domain)| is_drawn(name, domain));
    drawn
        .map(|(name, _)| {
            let message = format!(
                "{} is drawn from a range, and `locked` does not explore",
                quoted(name)
            );
            let help = "list its values, or give the range a `step`".to_owned();
            let field = format!("{field}.{name}");
            locations.problem(codes::EXPLORATION, &field, message, Some(help))
        })
        .collect()
}

/// Rules of the study and its stages that are looser than their domain.
fn looseness(study: &Study, locations: &Locations) -> Vec<Problem> {
    let mut found: Vec<(String, String)> = Vec::new();
    let stages = study.stages.iter().enumerate().map(|(index, stage)| {
        let field = format!("stages[{index}].safety");
        (field, &stage.safety, study.domain_of(stage))
    });
    let own = ("safety".to_owned(), &study.safety, study.safety_domain);
    for (field, rules, domain) in std::iter::once(own).chain(stages) {
        let mut looser = |key: &str, given: Option<f64>, permitted: Option<f64>| {
            if let (Some(given), Some(permitted)) = (given, permitted)
                && given > permitted
            {
                let message =
                    format!("{given} is looser than `{domain}`, which permits {permitted}");
                found.push((format!("{field}.{key}"), message));
            }
        };
        let containment = ContainmentRules::of_domain(domain);
        let rail = StudyRail::of_domain(domain);
        let whole = |count: Option<u32>| count.map(f64::from);
        looser(
            "containment.eco_failures_in_a_row",
            whole(rules.containment.eco_failures_in_a_row),
            whole(containment.eco_failures_in_a_row),
        );
        looser(
            "containment.class_failure_percent",
            rules.containment.class_failure_percent,
            containment.class_failure_percent,
        );
        looser(
            "containment.class_at_least",
            whole(rules.containment.class_at_least),
            whole(containment.class_at_least),
        );
        looser(
            "rails.study.catastrophic_failures",
            whole(rules.rails.study.catastrophic_failures),
            whole(rail.catastrophic_failures),
        );
        looser(
            "rails.study.failure_percent",
            rules.rails.study.failure_percent,
            rail.failure_percent,
        );
        looser(
            "rails.study.at_least",
            whole(rules.rails.study.at_least),
            whole(rail.at_least),
        );
        if domain == SafetyDomain::Locked {
            for (index, bound) in rules.gates.bounds.iter().enumerate() {
                let of_domain = PromotionGates::bounds_of(domain);
                let of_domain = of_domain.iter().find(|other| other.metric == bound.metric);
                let field = format!("gates.bounds[{index}]");
                let limits = |of: fn(&Bound) -> Option<f64>| (of(bound), of_domain.and_then(of));
                let (given, permitted) = limits(|bound| bound.max_loss);
                looser(&format!("{field}.max_loss"), given, permitted);
                let (given, permitted) = limits(|bound| bound.max_loss_percent);
                looser(&format!("{field}.max_loss_percent"), given, permitted);
            }
        }
        let gates = &rules.gates;
        for (key, is_looser) in [
            (
                "confirm",
                gates.confirm == Some(false) && domain != SafetyDomain::Sandbox,
            ),
            (
                "equivalence",
                gates.equivalence == Some(false) && domain != SafetyDomain::Sandbox,
            ),
            (
                "accept_undecided",
                gates.accept_undecided == Some(true) && domain == SafetyDomain::Locked,
            ),
        ] {
            if is_looser {
                let message = format!(
                    "`{key}: {}` is looser than `{domain}`",
                    key == "accept_undecided"
                );
                found.push((format!("{field}.gates.{key}"), message));
            }
        }
    }
    if study.noise.rerun == Some(false) && study.safety_domain != SafetyDomain::Sandbox {
        let message = format!("`rerun: false` is looser than `{}`", study.safety_domain);
        found.push(("noise.rerun".to_owned(), message));
    }
    for (index, stage) in study.stages.iter().enumerate() {
        let domain = study.domain_of(stage);
        let approval = stage.approval.as_ref();
        let approves = approval.is_some_and(|approval| approval.on_timeout == OnTimeout::Approve);
        if approves && domain == SafetyDomain::Locked {
            let message = format!("an approval that nobody has to give is looser than `{domain}`");
            found.push((format!("stages[{index}].approval.on_timeout"), message));
        }
    }
    let help = "remove it, or declare a wider domain for the study";
    found
        .into_iter()
        .map(|(field, message)| {
            locations.problem(
                codes::RULE_TOO_LOOSE,
                &field,
                message,
                Some(help.to_owned()),
            )
        })
        .collect()
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
