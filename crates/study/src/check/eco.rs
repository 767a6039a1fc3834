//! The ECOs of stages and their parameters, against the catalogue.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use noodle2_model::{
    EcoManifest, EngineKind, ParameterDomain, ParameterKind, ParameterSpec, ParameterValue,
    Parasitics, ProposerKind, Rollback, StageEco, Study,
};

use super::reference::joined_eco_path;
use super::{file_name, place};
use crate::References;
use crate::codes;
use crate::report::Report;
use crate::suggest::{all_of, did_you_mean, nearest, one_of, quoted};

/// More points in a range than any stage could try; most likely a step in the wrong unit.
const MAX_POINTS: f64 = 100_000.0;

/// Checks every ECO of every stage. Without `references`, only what the study says by itself.
pub(super) fn check(study: &mut Study, report: &mut Report, references: Option<&dyn References>) {
    let eco_path = joined_eco_path(study, report.source().path());
    let mut catalogue = references.map(|references| Catalogue::new(references, eco_path));
    let engine = study.engine.kind;
    let extracted = study
        .scenes
        .iter()
        .find(|scene| matches!(scene.parasitics, Parasitics::Spef(_)))
        .map(|scene| scene.name.clone());
    let mut sequences = HashMap::new();
    for (index, stage) in study.stages.iter_mut().enumerate() {
        let list = format!("stages[{index}].ecos");
        let mut seen: HashMap<String, usize> = HashMap::new();
        let is_grid = stage.proposer.kind == ProposerKind::Grid;
        for (position, eco) in stage.ecos.iter_mut().enumerate() {
            let field = format!("{list}[{position}]");
            if eco.is_sequence() || eco.rollback.is_some() {
                sequence(report, &field, eco, &mut catalogue, &mut sequences);
            }
            let fields: Vec<String> = (0..eco.sequence.len().max(1))
                .map(|step| component_field(eco, &field, step))
                .collect();
            let mut identities = Vec::new();
            for ((eco_name, parameters), field) in components_mut(eco).zip(fields) {
                let name = format!("{field}.name");
                // A name is asked for as a folder, so it must not lead out of the search path.
                if !report.is_sound(&name) || !file_name(report, &name, eco_name) {
                    continue;
                }
                let manifest = catalogue
                    .as_mut()
                    .and_then(|catalogue| catalogue.find(report, &field, eco_name));
                if let Some(manifest) = manifest {
                    suits(report, &field, manifest, engine, extracted.as_deref());
                }
                for (name, domain) in parameters.iter_mut() {
                    let field = format!("{field}.parameters.{name}");
                    parameter(report, &field, name, domain, manifest);
                    if is_grid {
                        listable(report, &field, name, domain, manifest);
                    }
                }
                identities.push(identity(eco_name, parameters, manifest));
            }
            if identities.len() < eco.sequence.len().max(1) {
                continue;
            }
            identities.push(format!("{:?}", eco.rollback));
            if !report.is_sound_throughout(&field) {
                continue;
            }
            if let Some(first) = seen.insert(identities.join(" "), position) {
                let (line, _) = place(report, &format!("{list}[{first}]"));
                let message = format!(
                    "the ECO {} stands in this stage twice, with the same parameters",
                    quoted(&eco.name)
                );
                let help = format!(
                    "it stands in line {line} already; remove one, or give it other values"
                );
                report.at(
                    codes::DUPLICATE_ECO,
                    &format!("{field}.name"),
                    message,
                    help,
                );
            }
        }
    }
}

/// The field of one of the ECOs that an entry is made of.
pub(crate) fn component_field(eco: &StageEco, field: &str, step: usize) -> String {
    match eco.is_sequence() {
        true => format!("{field}.sequence[{step}]"),
        false => field.to_owned(),
    }
}

/// As [`StageEco::components`], to be changed.
fn components_mut(
    eco: &mut StageEco,
) -> impl Iterator<Item = (&str, &mut BTreeMap<String, ParameterDomain>)> {
    let single = eco.sequence.is_empty();
    let steps = eco.sequence.iter_mut();
    let steps = steps.map(|step| (step.name.as_str(), &mut step.parameters));
    let itself = single.then_some((eco.name.as_str(), &mut eco.parameters));
    itself.into_iter().chain(steps)
}

/// What makes two sequences of one name the same.
type SequenceSteps = (Vec<String>, Rollback);

fn sequence(
    report: &mut Report,
    field: &str,
    eco: &StageEco,
    catalogue: &mut Option<Catalogue<'_>>,
    known: &mut HashMap<String, SequenceSteps>,
) {
    if !report.is_sound_throughout(field) {
        return;
    }
    if eco.sequence.len() < 2 {
        let help = "name a single ECO with `name`".to_owned();
        report.at(
            codes::SEQUENCE,
            &format!("{field}.sequence"),
            "a sequence has at least two ECOs",
            help,
        );
        return;
    }
    if !eco.parameters.is_empty() {
        let help = "write them beside the ECOs of the sequence".to_owned();
        report.at(
            codes::SEQUENCE,
            &format!("{field}.parameters"),
            "a sequence has no parameters of its own",
            help,
        );
    }
    let name = format!("{field}.name");
    for part in eco.name.split('+') {
        if !file_name(report, &name, part) {
            return;
        }
    }
    let names: Vec<String> = eco.sequence.iter().map(|step| step.name.clone()).collect();
    let made_of = (names, eco.rollback.unwrap_or_default());
    let first = known
        .entry(eco.name.clone())
        .or_insert_with(|| made_of.clone());
    if *first != made_of {
        let message = format!("another sequence is called {} too", quoted(&eco.name));
        let help = "what is known of one would count for the other; rename one".to_owned();
        report.at(codes::SEQUENCE, &name, message, help);
    }
    let Some(catalogue) = catalogue else {
        return;
    };
    if catalogue.knows(&eco.name) {
        let message = format!("the sequence is called {}, as an ECO is", quoted(&eco.name));
        report.at(
            codes::SEQUENCE,
            &name,
            message,
            "give it another `name`".to_owned(),
        );
    }
}

/// Refuses a parameter of a grid whose values cannot be listed.
fn listable(
    report: &mut Report,
    field: &str,
    name: &str,
    domain: &ParameterDomain,
    manifest: Option<&EcoManifest>,
) {
    let spec = manifest.and_then(|manifest| manifest.parameters.get(name));
    let is_real = spec.is_some_and(|spec| matches!(spec.kind, ParameterKind::Real { .. }));
    if is_real && matches!(domain, ParameterDomain::Range { step: None, .. }) {
        let message = format!("`{name}` is drawn from a range, which a grid cannot list");
        let help = "give the range a `step`, list its values, or write `proposer: random`";
        report.at(codes::PROPOSER, field, message, help.to_owned());
    }
}

/// The manifests asked for so far.
struct Catalogue<'a> {
    references: &'a dyn References,
    eco_path: Vec<PathBuf>,
    names: Option<Vec<String>>,
    manifests: HashMap<String, Option<EcoManifest>>,
}

impl<'a> Catalogue<'a> {
    fn new(references: &'a dyn References, eco_path: Vec<PathBuf>) -> Self {
        Self {
            references,
            eco_path,
            names: None,
            manifests: HashMap::new(),
        }
    }

    fn manifest(&mut self, name: &str) -> Option<&EcoManifest> {
        if !self.manifests.contains_key(name) {
            let manifest = self.references.eco(name, &self.eco_path);
            self.manifests.insert(name.to_owned(), manifest);
        }
        self.manifests[name].as_ref()
    }

    fn knows(&mut self, name: &str) -> bool {
        !name.contains('+') && self.manifest(name).is_some()
    }

    fn find(&mut self, report: &mut Report, field: &str, name: &str) -> Option<&EcoManifest> {
        if self.manifest(name).is_none()
            && report.is_sound_throughout("eco_path")
            && !report.is_full()
        {
            let names = self
                .names
                .get_or_insert_with(|| self.references.eco_names(&self.eco_path));
            let (message, help) = if names.iter().any(|known| known == name) {
                let help =
                    format!("`noodle2 eco lint {name}` says what is wrong with its manifest");
                (format!("the ECO {} cannot be read", quoted(name)), help)
            } else {
                let help = did_you_mean(name, names);
                let help =
                    help.unwrap_or_else(|| "`noodle2 eco list` shows what there is".to_owned());
                (format!("there is no ECO {}", quoted(name)), help)
            };
            report.at(codes::UNKNOWN_ECO, &format!("{field}.name"), message, help);
        }
        self.manifests[name].as_ref()
    }
}

/// Checks that the ECO can run with the engine and the scenes' wires.
fn suits(
    report: &mut Report,
    field: &str,
    manifest: &EcoManifest,
    engine: EngineKind,
    extracted: Option<&str>,
) {
    let field = format!("{field}.name");
    if !manifest.engines.contains(&engine) {
        let message = format!(
            "the ECO {} cannot run in `{engine}`",
            quoted(&manifest.name)
        );
        let engines: Vec<String> = manifest.engines.iter().map(EngineKind::to_string).collect();
        let help = if engines.is_empty() {
            "its manifest names no engine".to_owned()
        } else {
            format!("it was written for {}", one_of(&engines))
        };
        report.at(codes::ECO_ENGINE, &field, message, help);
    }
    if let (true, Some(scene)) = (manifest.changes_connectivity, extracted) {
        let message = format!(
            "the ECO {} changes connectivity, but the scene {} takes its wires from SPEF",
            quoted(&manifest.name),
            quoted(scene)
        );
        let help = "the wires of changed nets would be lost, and timing would look better than it is; \
                    use an ECO that keeps connectivity, or other parasitics";
        report.at(codes::ECO_CONNECTIVITY, &field, message, help.to_owned());
    }
}

fn parameter(
    report: &mut Report,
    field: &str,
    name: &str,
    domain: &mut ParameterDomain,
    manifest: Option<&EcoManifest>,
) {
    let spec = manifest.and_then(|manifest| {
        let spec = manifest.parameters.get(name);
        if spec.is_none() {
            unknown_parameter(report, field, name, manifest);
        }
        spec
    });
    match domain {
        ParameterDomain::Value(value) => admit(report, field, name, value, spec),
        ParameterDomain::Values(values) => {
            if values.is_empty() {
                report.at(
                    codes::EMPTY_LIST,
                    field,
                    format!("`{name}` needs at least one value"),
                    None,
                );
            }
            let mut seen = HashMap::new();
            for (index, value) in values.iter_mut().enumerate() {
                let field = format!("{field}[{index}]");
                admit(report, &field, name, value, spec);
                if seen.insert(key(value), index).is_some() {
                    let message = format!("{} is listed twice", quoted(&value.to_string()));
                    report.at(codes::DUPLICATE, &field, message, "remove one".to_owned());
                }
            }
        }
        ParameterDomain::Range { from, to, step } => {
            range(report, field, name, (*from, *to, *step), spec)
        }
    }
}

fn unknown_parameter(report: &mut Report, field: &str, name: &str, manifest: &EcoManifest) {
    let names: Vec<&str> = manifest.parameters.keys().map(String::as_str).collect();
    let help = match nearest(name, &names) {
        Some(near) => format!("did you mean `{near}`?"),
        None if names.is_empty() => "it takes none; remove the line".to_owned(),
        None => format!("it takes {}", all_of(&names)),
    };
    let message = format!(
        "the ECO {} has no parameter {}",
        quoted(&manifest.name),
        quoted(name)
    );
    // The name is at fault, not the value.
    if let Some(key) = report.locations().nearest(field).key
        && report.is_sound(field)
    {
        report.add(codes::UNKNOWN_PARAMETER, key, message, Some(help));
    }
}

/// Checks one value, and gives it the type that the parameter has.
fn admit(
    report: &mut Report,
    field: &str,
    name: &str,
    value: &mut ParameterValue,
    spec: Option<&ParameterSpec>,
) {
    let Some(ParameterSpec { kind, .. }) = spec else {
        return;
    };
    if let Some(admitted) = kind.admit(value) {
        *value = admitted;
        return;
    }
    let help = match (kind, &*value) {
        (ParameterKind::Choice { choices, .. }, ParameterValue::Text(text)) => {
            nearest(text, choices).map(|near| format!("did you mean `{near}`?"))
        }
        (ParameterKind::Choice { choices, .. }, other) if choices.contains(&other.to_string()) => {
            Some(format!("put it in quotes: \"{other}\""))
        }
        (ParameterKind::Boolean { .. }, ParameterValue::Text(text)) => {
            match text.to_lowercase().as_str() {
                "yes" | "on" | "true" => Some("write `true`".to_owned()),
                "no" | "off" | "false" => Some("write `false`".to_owned()),
                _ => None,
            }
        }
        (ParameterKind::Integer { .. }, ParameterValue::Real(_)) => {
            Some("write a whole number".to_owned())
        }
        (
            ParameterKind::Integer { .. } | ParameterKind::Real { .. },
            ParameterValue::Text(text),
        ) if text.parse::<f64>().is_ok() => Some("write the number without quotes".to_owned()),
        _ => None,
    };
    let message = format!(
        "{} is no value for `{name}` ({})",
        quoted(&value.to_string()),
        kind.describe()
    );
    report.at(codes::PARAMETER_VALUE, field, message, help);
}

fn range(
    report: &mut Report,
    field: &str,
    name: &str,
    (from, to, step): (f64, f64, Option<f64>),
    spec: Option<&ParameterSpec>,
) {
    let at = |key: &str| format!("{field}.{key}");
    if !report.is_sound_throughout(field) {
        return;
    }
    if let Some(ParameterSpec { kind, .. }) = spec {
        let is_numeric = matches!(
            kind,
            ParameterKind::Integer { .. } | ParameterKind::Real { .. }
        );
        if !is_numeric {
            let message = format!("`{name}` has no ranges ({})", kind.describe());
            report.at(
                codes::PARAMETER_RANGE,
                field,
                message,
                "list its values: `[..., ...]`".to_owned(),
            );
            return;
        }
        for (key, value) in [("from", Some(from)), ("to", Some(to)), ("step", step)] {
            let Some(number) = value else {
                continue;
            };
            let is_whole_parameter = matches!(kind, ParameterKind::Integer { .. });
            if is_whole_parameter && number.fract() != 0.0 {
                let message = format!(
                    "`{name}` takes whole numbers, and `{key}` is `{}`",
                    shown(number)
                );
                report.at(codes::PARAMETER_RANGE, &at(key), message, None);
            } else if key != "step" && kind.admit(&numeric(number, is_whole_parameter)).is_none() {
                let message = format!(
                    "`{}` is no value for `{name}` ({})",
                    shown(number),
                    kind.describe()
                );
                report.at(codes::PARAMETER_VALUE, &at(key), message, None);
            }
        }
    }
    if from > to {
        let (from, to) = (shown(from), shown(to));
        let message = format!("the range starts at {from}, above its end at {to}");
        report.at(
            codes::PARAMETER_RANGE,
            &at("from"),
            message,
            "exchange `from` and `to`?".to_owned(),
        );
        return;
    }
    // Whole numbers are taken one by one where no step is given; real ones are sampled.
    let is_whole = spec.is_some_and(|spec| matches!(spec.kind, ParameterKind::Integer { .. }));
    let place = match step {
        Some(_) => at("step"),
        None => field.to_owned(),
    };
    let Some(step) = step.or(is_whole.then_some(1.0)) else {
        return;
    };
    if step <= 0.0 {
        let message = format!("the step {} is not above zero", shown(step));
        report.at(codes::PARAMETER_RANGE, &at("step"), message, None);
    } else if from < to && step > to - from {
        let (from, to, step) = (shown(from), shown(to), shown(step));
        let message = format!("the step {step} is longer than the range from {from} to {to}");
        let help = format!("only {from} would be tried; list the values if that is meant");
        report.at(codes::PARAMETER_RANGE, &at("step"), message, help);
    } else if ((to - from) / step).floor() + 1.0 > MAX_POINTS {
        let points = ((to - from) / step).floor() + 1.0;
        let message = format!(
            "the range has {} points; at most {MAX_POINTS} make sense",
            many(points)
        );
        let help = if is_whole {
            "give a wider `step`".to_owned()
        } else {
            "widen `step`, or leave it out to sample the range".to_owned()
        };
        report.at(codes::PARAMETER_RANGE, &place, message, help);
    }
}

/// A number with its exponent where it would have too many digits to be read.
fn shown(number: f64) -> String {
    if number == 0.0 || (1e-9..1e15).contains(&number.abs()) {
        number.to_string()
    } else {
        format!("{number:e}")
    }
}

/// A number of points in words that can be read, however many there are.
fn many(points: f64) -> String {
    if points < 1e9 {
        format!("{points}")
    } else if points.is_finite() {
        format!("about {points:.0e}")
    } else {
        "countless".to_owned()
    }
}

fn numeric(number: f64, whole: bool) -> ParameterValue {
    // The conversion saturates, which leaves a number beyond the type out of every parameter's range
    // unless that range is the whole type.
    if whole {
        ParameterValue::Integer(number as i64)
    } else {
        ParameterValue::Real(number)
    }
}

/// A text that is equal for entries that try the same: the values of all parameters, defaults included.
fn identity(
    name: &str,
    parameters: &BTreeMap<String, ParameterDomain>,
    manifest: Option<&EcoManifest>,
) -> String {
    let mut values: BTreeMap<&str, Vec<String>> = manifest
        .into_iter()
        .flat_map(|manifest| &manifest.parameters)
        .map(|(name, spec)| (name.as_str(), vec![key(&spec.kind.default_value())]))
        .collect();
    for (name, domain) in parameters {
        let mut domain = match domain {
            ParameterDomain::Value(value) => vec![key(value)],
            ParameterDomain::Values(values) => values.iter().map(key).collect(),
            ParameterDomain::Range { .. } => vec![format!("{domain:?}")],
        };
        domain.sort();
        values.insert(name, domain);
    }
    format!("{name} {values:?}")
}

fn key(value: &ParameterValue) -> String {
    format!("{value:?}")
}
