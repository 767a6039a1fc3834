//! The study, its design, scenes, engine and objective.

use std::path::PathBuf;

use noodle2_model::{
    Bound, Budget, Check, Clocks, Container, ContainerRuntime, Design, EngineKind, EngineSpec,
    HeatmapPolicy, Limits, Metric, NoiseRules, Objective, Parasitics, SafetyDomain, SafetyRules,
    Scene, Study, WireEstimate,
};

use super::budget::{budget, limits};
use super::fields::fields;
use super::noise::noise;
use super::people::notifications;
use super::priors::priors;
use super::safety::safety;
use super::stage::{empty_stage, stage};
use super::value::{
    Scalar, boolean, filled, list, number, refuse, resolve, text, whole, word, wrong_type,
};
use super::{Lowered, Place, Reported};
use crate::codes;
use crate::locations::Location;
use crate::report::Report;
use crate::suggest::{did_you_mean, quoted};
use crate::tree::{Entry, Kind, Node};

const BOTH_CHECKS: [Check; 2] = [Check::Setup, Check::Hold];

/// Lowers the whole file.
pub(crate) fn study(report: &mut Report, root: &Node) -> Study {
    let place = Place {
        node: root,
        field: String::new(),
    };
    let location = Location {
        key: None,
        value: root.span,
    };
    report.locate("", location);
    study_fields(report, &place).unwrap_or_else(|Reported| {
        report.mark_broken("");
        empty_study()
    })
}

fn study_fields(report: &mut Report, place: &Place<'_>) -> Lowered<Study> {
    if !matches!(place.node.kind, Kind::Mapping(_)) {
        let help = "a study starts with lines such as `name: first_try` and `design:`; `noodle2 init` writes one";
        return Err(wrong_type_of_file(report, place, help));
    }
    let fields = fields(
        report,
        place,
        "the study",
        "name: ...",
        &[
            "name",
            "description",
            "seed",
            "safety_domain",
            "safety",
            "design",
            "scenes",
            "engine",
            "objective",
            "eco_path",
            "noise",
            "budget",
            "limits",
            "notify",
            "priors",
            "stages",
        ],
    )?;
    let mut shorthand = None;
    let design_of = |report: &mut Report, place: &Place<'_>| {
        let (design, sdc) = design(report, place)?;
        Ok((design, Some(sdc)))
    };
    let name = fields.required(report, "name", String::new(), text);
    let description = fields.optional(report, "description", String::new(), text);
    let seed = fields.optional(report, "seed", 0, whole);
    let safety_domain = fields.optional(
        report,
        "safety_domain",
        SafetyDomain::default(),
        safety_domain,
    );
    let (design, sdc) = fields.required(report, "design", (empty_design(), None), design_of);
    let has_design = sdc.is_some();
    if let Some(Some(sdc)) = sdc {
        shorthand = Some(sdc);
    }
    let scenes = if fields.has("scenes") {
        if shorthand.is_some() {
            let help = "name the constraints in each scene, and remove `sdc` here";
            let message = "`design.sdc` stands for a single scene, but the study has `scenes`";
            report.at(
                codes::SCENE_SHORTHAND,
                "design.sdc",
                message,
                help.to_owned(),
            );
        }
        fields.required(report, "scenes", Vec::new(), scenes)
    } else if let Some(sdc) = shorthand {
        vec![default_scene(report, sdc)]
    } else {
        // Without a design nobody can tell whether the short form was meant.
        if has_design {
            let help = "list corners and modes under `scenes`, or give `design.sdc: [FILE]` for a single scene";
            fields.missing(report, "scenes", Some(help.to_owned()));
        }
        report.mark_broken("scenes");
        Vec::new()
    };
    Ok(Study {
        name,
        description,
        seed,
        safety_domain,
        safety: fields.optional(report, "safety", SafetyRules::default(), safety),
        design,
        scenes,
        engine: fields.required(report, "engine", empty_engine(), engine),
        objective: fields.required(report, "objective", empty_objective(), objective),
        eco_path: fields.optional(report, "eco_path", Vec::new(), paths),
        noise: fields.optional(report, "noise", NoiseRules::default(), noise),
        budget: fields.optional(report, "budget", Budget::default(), budget),
        limits: fields.optional(report, "limits", Limits::default(), limits),
        notify: fields.optional(report, "notify", Vec::new(), notifications),
        priors: fields.option(report, "priors", priors),
        stages: fields.required(report, "stages", Vec::new(), stages),
    })
}

fn wrong_type_of_file(report: &mut Report, place: &Place<'_>, help: &str) -> Reported {
    let message = match place.node.kind {
        Kind::Sequence(_) => "a study is a mapping, and this file is a list",
        _ => "a study is a mapping, and this file is a single text",
    };
    refuse(
        report,
        place,
        codes::WRONG_TYPE,
        message.to_owned(),
        Some(help.to_owned()),
    )
}

/// The design, and the constraints of the short form if they stand in it.
fn design(report: &mut Report, place: &Place<'_>) -> Lowered<(Design, Option<Vec<PathBuf>>)> {
    let fields = fields(
        report,
        place,
        "the design",
        "{case_name: ..., top: ..., netlists: [...], platform: ...}",
        &[
            "case_name",
            "top",
            "netlists",
            "platform",
            "platform_root",
            "black_boxes",
            "unconstrained_endpoints",
            "sdc",
        ],
    )?;
    let design = Design {
        case_name: fields.required(report, "case_name", String::new(), text),
        top: fields.required(report, "top", String::new(), filled),
        netlists: fields.required(report, "netlists", Vec::new(), paths),
        platform: fields.required(report, "platform", String::new(), filled),
        platform_root: fields.option(report, "platform_root", path),
        black_boxes: fields.optional(report, "black_boxes", Vec::new(), texts),
        unconstrained_endpoints: fields.optional(report, "unconstrained_endpoints", 0, whole),
    };
    let sdc = fields
        .has("sdc")
        .then(|| fields.optional(report, "sdc", Vec::new(), paths));
    Ok((design, sdc))
}

/// The one scene of the short form.
fn default_scene(report: &mut Report, sdc: Vec<PathBuf>) -> Scene {
    let alias = |report: &mut Report, field: &str, stands_at: &str| {
        if let Some(location) = report.locations().get(stands_at) {
            report.locate(field, location);
        }
        if !report.is_sound(stands_at) {
            report.mark_broken(field);
        }
    };
    for field in ["scenes", "scenes[0]", "scenes[0].sdc"] {
        alias(report, field, "design.sdc");
    }
    for index in 0..sdc.len() {
        alias(
            report,
            &format!("scenes[0].sdc[{index}]"),
            &format!("design.sdc[{index}]"),
        );
    }
    Scene {
        name: "default".to_owned(),
        sdc,
        ..empty_scene()
    }
}

fn scenes(report: &mut Report, place: &Place<'_>) -> Lowered<Vec<Scene>> {
    list(report, place, &empty_scene(), scene)
}

fn scene(report: &mut Report, place: &Place<'_>) -> Lowered<Scene> {
    let fields = fields(
        report,
        place,
        "a scene",
        "{name: ..., sdc: [...]}",
        &[
            "name",
            "sdc",
            "liberty",
            "parasitics",
            "clocks",
            "checks",
            "ideal_hold",
        ],
    )?;
    let clocks = |report: &mut Report, place: &Place<'_>| {
        word(
            report,
            place,
            "clock model",
            &[("ideal", Clocks::Ideal), ("propagated", Clocks::Propagated)],
        )
    };
    let check = |report: &mut Report, place: &Place<'_>| {
        word(
            report,
            place,
            "check",
            &[("setup", Check::Setup), ("hold", Check::Hold)],
        )
    };
    let checks = |report: &mut Report, place: &Place<'_>| list(report, place, &Check::Setup, check);
    Ok(Scene {
        name: fields.required(report, "name", String::new(), text),
        sdc: fields.required(report, "sdc", Vec::new(), paths),
        liberty: fields.optional(report, "liberty", Vec::new(), texts),
        parasitics: fields.optional(report, "parasitics", Parasitics::None, parasitics),
        clocks: fields.optional(report, "clocks", Clocks::Ideal, clocks),
        checks: fields.optional(report, "checks", BOTH_CHECKS.to_vec(), checks),
        ideal_hold: fields.option(report, "ideal_hold", text),
    })
}

/// A word, or `spef` or `wireload` with what they need: `{spef: FILE}`.
fn parasitics(report: &mut Report, place: &Place<'_>) -> Lowered<Parasitics> {
    const NAMES: [&str; 5] = ["none", "wireload", "spef", "placement", "global_route"];
    match &place.node.kind {
        Kind::Scalar { text, plain } => {
            let Scalar::Text(name) = resolve(text, *plain) else {
                let help = match resolve(text, *plain) {
                    Scalar::Null => Some("write `none` for free wires".to_owned()),
                    _ => did_you_mean("", &NAMES),
                };
                return Err(wrong_type(report, place, "a kind of parasitics", help));
            };
            match name {
                "none" => Ok(Parasitics::None),
                "placement" => Ok(Parasitics::Placement),
                "global_route" => Ok(Parasitics::GlobalRoute),
                "spef" | "wireload" => {
                    let argument = if name == "spef" { "FILE" } else { "MODEL" };
                    let message =
                        format!("`parasitics: {name}` lacks its {}", argument.to_lowercase());
                    let help = format!("write `parasitics: {{{name}: {argument}}}`");
                    Err(refuse(
                        report,
                        place,
                        codes::WRONG_TYPE,
                        message,
                        Some(help),
                    ))
                }
                _ => {
                    let message = format!("{} is not a known kind of parasitics", quoted(name));
                    let help = if name.ends_with(".spef") {
                        Some(format!("write `parasitics: {{spef: {name}}}`"))
                    } else {
                        did_you_mean(name, &NAMES)
                    };
                    Err(refuse(report, place, codes::UNKNOWN_WORD, message, help))
                }
            }
        }
        Kind::Mapping(_) => {
            let entry = only_entry(report, place, "{spef: FILE}")?;
            let inner = inner(report, place, entry);
            match entry.key.as_str() {
                "spef" => path(report, &inner).map(Parasitics::Spef),
                "wireload" => filled(report, &inner).map(Parasitics::Wireload),
                word @ ("none" | "placement" | "global_route") => {
                    let help = format!("write `parasitics: {word}`");
                    Err(refuse_key(
                        report,
                        entry,
                        format!("`{word}` takes no value"),
                        Some(help),
                    ))
                }
                other => {
                    let message = format!("{} is not a known kind of parasitics", quoted(other));
                    Err(refuse_key(
                        report,
                        entry,
                        message,
                        did_you_mean(other, &NAMES),
                    ))
                }
            }
        }
        Kind::Sequence(_) => Err(wrong_type(
            report,
            place,
            "a kind of parasitics",
            did_you_mean("", &NAMES),
        )),
    }
}

/// The one entry of a mapping that stands for a word with a value.
pub(super) fn only_entry<'a>(
    report: &mut Report,
    place: &Place<'a>,
    shape: &str,
) -> Lowered<&'a Entry> {
    match &place.node.kind {
        Kind::Mapping(entries) if entries.len() == 1 => Ok(&entries[0]),
        _ => {
            let message = format!(
                "`{}` must be a single word or one `word: value`",
                place.label()
            );
            let help = format!("for example `{shape}`");
            Err(refuse(
                report,
                place,
                codes::WRONG_TYPE,
                message,
                Some(help),
            ))
        }
    }
}

/// The value of such an entry.
pub(super) fn inner<'a>(report: &mut Report, place: &Place<'a>, entry: &'a Entry) -> Place<'a> {
    let field = format!("{}.{}", place.field, entry.key);
    let location = Location {
        key: Some(entry.key_span),
        value: entry.value.span,
    };
    report.locate(&field, location);
    Place {
        node: &entry.value,
        field,
    }
}

pub(super) fn refuse_key(
    report: &mut Report,
    entry: &Entry,
    message: String,
    help: Option<String>,
) -> Reported {
    report.add(codes::UNKNOWN_WORD, entry.key_span, message, help);
    Reported
}

fn engine(report: &mut Report, place: &Place<'_>) -> Lowered<EngineSpec> {
    let shape = match &place.node.kind {
        Kind::Scalar { text, .. } if text.to_lowercase().contains("road") => {
            "{kind: openroad, snapshot: FILE.odb}"
        }
        Kind::Scalar { text, .. } if text.to_lowercase().contains("sta") => "{kind: opensta}",
        _ => "{kind: ...}",
    };
    let fields = fields(
        report,
        place,
        "the engine",
        shape,
        &[
            "kind",
            "path",
            "audit",
            "snapshot",
            "wires",
            "heatmaps",
            "detailed_route",
            "container",
        ],
    )?;
    let kind = |report: &mut Report, place: &Place<'_>| {
        let kinds = [
            ("opensta", EngineKind::Opensta),
            ("openroad", EngineKind::Openroad),
        ];
        word(report, place, "kind of engine", &kinds)
    };
    let wires = |report: &mut Report, place: &Place<'_>| {
        let sources = [
            ("placement", WireEstimate::Placement),
            ("global_route", WireEstimate::GlobalRoute),
        ];
        word(report, place, "source of wires", &sources)
    };
    let heatmaps = |report: &mut Report, place: &Place<'_>| {
        let policies = [
            ("optional", HeatmapPolicy::Optional),
            ("required", HeatmapPolicy::Required),
        ];
        word(report, place, "policy for heat maps", &policies)
    };
    Ok(EngineSpec {
        kind: fields.required(report, "kind", EngineKind::Opensta, kind),
        path: fields.option(report, "path", path),
        audit: fields.option(report, "audit", share),
        snapshot: fields.option(report, "snapshot", path),
        wires: fields.option(report, "wires", wires),
        heatmaps: fields.option(report, "heatmaps", heatmaps),
        detailed_route: fields.option(report, "detailed_route", boolean),
        container: fields.option(report, "container", container),
    })
}

fn container(report: &mut Report, place: &Place<'_>) -> Lowered<Container> {
    let fields = fields(
        report,
        place,
        "the container",
        "{runtime: podman, image: NAME@sha256:DIGEST}",
        &["runtime", "image"],
    )?;
    let runtime = |report: &mut Report, place: &Place<'_>| {
        let runtimes = [
            ContainerRuntime::Docker,
            ContainerRuntime::Podman,
            ContainerRuntime::Apptainer,
        ];
        let words = runtimes.map(|runtime| (runtime.program(), runtime));
        word(report, place, "container runtime", &words)
    };
    Ok(Container {
        runtime: fields.required(report, "runtime", ContainerRuntime::Podman, runtime),
        image: fields.required(report, "image", String::new(), filled),
    })
}

/// A share from 0 to 1.
fn share(report: &mut Report, place: &Place<'_>) -> Lowered<f64> {
    let share = number(report, place)?;
    if (0.0..=1.0).contains(&share) {
        return Ok(share);
    }
    let message = format!("`{}` is {share}, which is no share", place.field);
    let help = "a share is between 0 and 1, such as 0.05".to_owned();
    Err(refuse(
        report,
        place,
        codes::OUT_OF_RANGE,
        message,
        Some(help),
    ))
}

/// An objective, of a study or a stage.
pub(super) fn objective(report: &mut Report, place: &Place<'_>) -> Lowered<Objective> {
    let fields = fields(
        report,
        place,
        "the objective",
        "{rank: [setup_wns_ps]}",
        &["rank", "bounds"],
    )?;
    let rank =
        |report: &mut Report, place: &Place<'_>| list(report, place, &Metric::SetupWs, metric);
    Ok(Objective {
        rank: fields.required(report, "rank", Vec::new(), rank),
        bounds: fields.optional(report, "bounds", Vec::new(), bounds),
    })
}

pub(super) fn metric(report: &mut Report, place: &Place<'_>) -> Lowered<Metric> {
    let words: Vec<(&str, Metric)> = Metric::ALL
        .iter()
        .map(|metric| (metric.name(), *metric))
        .collect();
    word(report, place, "metric", &words)
}

pub(super) fn bounds(report: &mut Report, place: &Place<'_>) -> Lowered<Vec<Bound>> {
    list(report, place, &empty_bound(), bound)
}

fn bound(report: &mut Report, place: &Place<'_>) -> Lowered<Bound> {
    let fields = fields(
        report,
        place,
        "a bound",
        "{metric: ..., min: ...}",
        &["metric", "min", "max", "max_loss", "max_loss_percent"],
    )?;
    Ok(Bound {
        metric: fields.required(report, "metric", Metric::SetupWs, metric),
        min: fields.option(report, "min", number),
        max: fields.option(report, "max", number),
        max_loss: fields.option(report, "max_loss", number),
        max_loss_percent: fields.option(report, "max_loss_percent", number),
    })
}

pub(super) fn safety_domain(report: &mut Report, place: &Place<'_>) -> Lowered<SafetyDomain> {
    let words = [
        SafetyDomain::Locked,
        SafetyDomain::Guarded,
        SafetyDomain::Sandbox,
    ];
    word(
        report,
        place,
        "safety domain",
        &words.map(|domain| (domain.name(), domain)),
    )
}

fn stages(report: &mut Report, place: &Place<'_>) -> Lowered<Vec<noodle2_model::Stage>> {
    if let Kind::Mapping(entries) = &place.node.kind {
        let help = entries
            .first()
            .map(|entry| format!("start each stage with `- name: {}`", entry.key));
        return Err(wrong_type(report, place, "a list", help));
    }
    list(report, place, &empty_stage(), stage)
}

fn path(report: &mut Report, place: &Place<'_>) -> Lowered<PathBuf> {
    filled(report, place).map(PathBuf::from)
}

fn paths(report: &mut Report, place: &Place<'_>) -> Lowered<Vec<PathBuf>> {
    list(report, place, &PathBuf::new(), path)
}

pub(super) fn texts(report: &mut Report, place: &Place<'_>) -> Lowered<Vec<String>> {
    list(report, place, &String::new(), filled)
}

fn empty_study() -> Study {
    Study {
        name: String::new(),
        description: String::new(),
        seed: 0,
        safety_domain: SafetyDomain::default(),
        safety: SafetyRules::default(),
        design: empty_design(),
        scenes: Vec::new(),
        engine: empty_engine(),
        objective: empty_objective(),
        eco_path: Vec::new(),
        noise: NoiseRules::default(),
        budget: Budget::default(),
        limits: Limits::default(),
        notify: Vec::new(),
        priors: None,
        stages: Vec::new(),
    }
}

fn empty_design() -> Design {
    Design {
        case_name: String::new(),
        top: String::new(),
        netlists: Vec::new(),
        platform: String::new(),
        platform_root: None,
        black_boxes: Vec::new(),
        unconstrained_endpoints: 0,
    }
}

fn empty_scene() -> Scene {
    Scene {
        name: String::new(),
        sdc: Vec::new(),
        liberty: Vec::new(),
        parasitics: Parasitics::None,
        clocks: Clocks::Ideal,
        checks: BOTH_CHECKS.to_vec(),
        ideal_hold: None,
    }
}

fn empty_engine() -> EngineSpec {
    EngineSpec::of(EngineKind::Opensta)
}

fn empty_objective() -> Objective {
    Objective {
        rank: Vec::new(),
        bounds: Vec::new(),
    }
}

fn empty_bound() -> Bound {
    Bound {
        metric: Metric::SetupWs,
        min: None,
        max: None,
        max_loss: None,
        max_loss_percent: None,
    }
}
