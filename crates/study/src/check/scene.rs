//! Scenes: names, constraints, checks, parasitics.

use noodle2_model::{Check, Clocks, EngineKind, Parasitics, Scene, Study};

use super::{distinct, distinct_names, file_name, not_empty};
use crate::codes;
use crate::report::Report;

pub(super) fn check(study: &Study, report: &mut Report) {
    not_empty(report, "scenes", study.scenes.len(), "one scene");
    distinct_names(
        report,
        "scenes",
        "scene",
        study.scenes.iter().map(|scene| scene.name.as_str()),
    );
    for (index, scene) in study.scenes.iter().enumerate() {
        let field = |key: &str| format!("scenes[{index}].{key}");
        file_name(report, &field("name"), &scene.name);
        not_empty(
            report,
            &field("sdc"),
            scene.sdc.len(),
            "one constraint file",
        );
        distinct(report, &field("sdc"), &scene.sdc);
        distinct(report, &field("liberty"), &scene.liberty);
        not_empty(
            report,
            &field("checks"),
            scene.checks.len(),
            "`setup` or `hold`",
        );
        if report.is_sound_throughout(&field("checks"))
            && scene.checks.len() > 1
            && (1..scene.checks.len()).any(|at| scene.checks[..at].contains(&scene.checks[at]))
        {
            report.at(
                codes::DUPLICATE,
                &field("checks"),
                "a check is listed twice",
                None,
            );
        }
        ideal_hold(report, &field("ideal_hold"), scene);
        let source = match (study.engine.kind, &scene.parasitics) {
            (EngineKind::Opensta, Parasitics::Placement) => "placement",
            (EngineKind::Opensta, Parasitics::GlobalRoute) => "global routing",
            _ => continue,
        };
        let message = format!(
            "the engine `opensta` cannot estimate wires from {source}: it has no placement"
        );
        let help = "use `{spef: FILE}` for extracted wires, `{wireload: MODEL}` or `none`";
        report.at(
            codes::PARASITICS,
            &field("parasitics"),
            message,
            help.to_owned(),
        );
    }
    let checks_setup = |checks: &[Check]| checks.contains(&Check::Setup);
    if !study.scenes.is_empty()
        && report.is_sound_throughout("scenes")
        && !study.scenes.iter().any(|scene| checks_setup(&scene.checks))
    {
        let field = "scenes[0].checks";
        let help = "add `setup` to the `checks` of at least one scene";
        report.at(
            codes::NO_SETUP,
            field,
            "no scene checks setup",
            help.to_owned(),
        );
    }
}

/// A reason for ideal clocks belongs where there are some, and says something.
fn ideal_hold(report: &mut Report, field: &str, scene: &Scene) {
    let Some(reason) = &scene.ideal_hold else {
        return;
    };
    let (message, help) = if reason.trim().is_empty() {
        (
            "the reason is empty",
            "say what makes up for the skew that is not seen, such as `uncertainty holds the skew`",
        )
    } else if scene.clocks == Clocks::Propagated {
        (
            "the clocks of this scene are propagated, so nothing needs a reason",
            "remove it, or set `clocks: ideal`",
        )
    } else if !scene.checks.contains(&Check::Hold) {
        (
            "this scene does not check hold",
            "remove it, or add `hold` to the `checks`",
        )
    } else {
        return;
    };
    report.at(codes::IDEAL_HOLD, field, message, help.to_owned());
}
