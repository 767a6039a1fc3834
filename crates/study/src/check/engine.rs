//! The engine: what it needs to be told, and what it cannot do.

use noodle2_model::{
    ComposeMode, Container, ContainerRuntime, EngineKind, EngineSpec, JoinMerge, Parasitics,
    StageMode, Study,
};

use crate::codes;
use crate::report::Report;
use crate::suggest::quoted;

pub(super) fn check(study: &Study, report: &mut Report) {
    if !report.is_sound("engine.kind") {
        return;
    }
    match study.engine.kind {
        EngineKind::Opensta => without_placement(study, report),
        EngineKind::Openroad => with_placement(study, report),
    }
}

fn without_placement(study: &Study, report: &mut Report) {
    let EngineSpec {
        snapshot,
        wires,
        heatmaps,
        detailed_route,
        container,
        ..
    } = &study.engine;
    for (key, given) in [
        ("snapshot", snapshot.is_some()),
        ("wires", wires.is_some()),
        ("heatmaps", heatmaps.is_some()),
        ("detailed_route", detailed_route.is_some()),
        ("container", container.is_some()),
    ] {
        if given {
            let message = format!("`{key}` is for the engine `openroad` alone");
            let help = format!("remove `{key}`, or write `kind: openroad`");
            report.at(codes::ENGINE_KEY, &format!("engine.{key}"), message, help);
        }
    }
    for (index, stage) in study.stages.iter().enumerate() {
        if stage.mode != StageMode::Sta {
            let field = format!("stages[{index}].mode");
            let message = "the engine `opensta` routes nothing";
            let help = "write `mode: sta`, or use the engine `openroad`".to_owned();
            report.at(codes::ENGINE_ABILITY, &field, message, help);
        }
    }
}

fn with_placement(study: &Study, report: &mut Report) {
    match &study.engine.snapshot {
        None => {
            let message = "the engine `openroad` needs the placed design that it starts from";
            let help = "name it: `snapshot: placed.odb`; `noodle2 snapshot create` makes one";
            report.at(codes::ENGINE_KEY, "engine", message, help.to_owned());
        }
        Some(path) => {
            let ending = path.extension().and_then(|ending| ending.to_str());
            match ending {
                Some("odb") => {}
                Some("def") => {}
                _ => {
                    let message = format!(
                        "{} is neither a database (`.odb`) nor a DEF file (`.def`)",
                        quoted(&path.display().to_string())
                    );
                    report.at(codes::ENGINE_KEY, "engine.snapshot", message, None);
                }
            }
        }
    }
    if let Some(container) = &study.engine.container
        && !is_pinned(container)
    {
        let message = format!(
            "the image {} is not named by its content",
            quoted(&container.image)
        );
        let help = format!(
            "write `NAME@sha256:DIGEST`; `{} image inspect` shows it. A name or tag can be another image tomorrow",
            container.runtime.program()
        );
        report.at(codes::ENGINE_KEY, "engine.container.image", message, help);
    }
    unavailable(study, report);
    let Some(estimate) = study.engine.wire_estimate() else {
        return;
    };
    let wires = estimate.parasitics();
    for (index, scene) in study.scenes.iter().enumerate() {
        if scene.parasitics != Parasitics::None && scene.parasitics != wires {
            let field = format!("scenes[{index}].parasitics");
            let message = "the wires of a placed design are estimated in one way for all scenes";
            let help = "leave `parasitics` out, and say from what in `engine.wires`".to_owned();
            report.at(codes::PARASITICS, &field, message, help);
        }
    }
}

/// What is done to netlists alone.
fn unavailable(study: &Study, report: &mut Report) {
    let mut refuse = |field: &str, what: &str, help: &str| {
        let message = format!("the engine `openroad` {what}");
        report.at(codes::ENGINE_ABILITY, field, message, help.to_owned());
    };
    if study.noise.repeats.is_some() {
        refuse(
            "noise.repeats",
            "measures no placed design under a perturbation: a database keeps its order",
            "leave it out; confirmations measure the very same again",
        );
    }
    let own = ("safety".to_owned(), &study.safety);
    let stages = study.stages.iter().enumerate();
    let stages = stages.map(|(index, stage)| (format!("stages[{index}].safety"), &stage.safety));
    for (field, rules) in std::iter::once(own).chain(stages) {
        if rules.gates.stability.is_some() {
            refuse(
                &format!("{field}.gates.stability"),
                "measures no placed design under a perturbation: a database keeps its order",
                "leave it out; `gain_audit` tells what is left of a gain once it is routed",
            );
        }
    }
    for (index, stage) in study.stages.iter().enumerate() {
        let Some(join) = &stage.join else {
            continue;
        };
        let replays = join.merge == JoinMerge::Compose && join.mode != Some(ComposeMode::Rerun);
        if replays {
            refuse(
                &format!("stages[{index}].join"),
                "replays no edits: where their cells would stand is not known",
                "write `mode: rerun`, which makes the ECOs of the other branch anew",
            );
        }
    }
}

/// Whether an image is named by its content, as a registry's digest or as a file whose content is recorded.
fn is_pinned(container: &Container) -> bool {
    let digest = container
        .image
        .split_once("@sha256:")
        .is_some_and(|(name, digest)| {
            !name.is_empty()
                && digest.len() == 64
                && digest.bytes().all(|byte| byte.is_ascii_hexdigit())
        });
    let is_file =
        container.runtime == ContainerRuntime::Apptainer && container.image.ends_with(".sif");
    digest || is_file
}
