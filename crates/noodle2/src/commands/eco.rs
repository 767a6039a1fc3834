//! `noodle2 eco`: what the catalogue holds, and whether an ECO does what it declares.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use noodle2_engine::{Catalogue, CatalogueProblem, Eco, ParentFacts, TrialRequest};
use noodle2_exec::{CancelToken, Guard, run_command};
use noodle2_model::{
    ContentHash, DesignGuard, EcoManifest, EcoProposal, EngineKind, FailureClass, Measurement,
    Outcome, ParameterKind, ParameterValue, Parameters, Stage, StageEco, StageIndex, StageMode,
    TrialId,
};
use noodle2_view::{Table, count_text};
use serde::Serialize;

use crate::cli::{EcoPathOption, Format, StudyOption, Template};
use crate::commands::init;
use crate::exit::{CommandFailure, Exit};
use crate::print;
use crate::run::NETLIST;
use crate::study::{self, Loaded, Prepared};
use crate::tools;

/// `noodle2 eco list`.
pub(crate) fn eco_list(path: &EcoPathOption, format: Format) -> Result<Exit, CommandFailure> {
    let (catalogue, problems) = Catalogue::survey(&path.eco_path);
    tell_replacements(&catalogue);
    match format {
        Format::Json => {
            let ecos: Vec<_> = catalogue.iter().map(|(_, eco)| &eco.manifest).collect();
            let problems: Vec<_> = problems
                .iter()
                .map(|problem| {
                    serde_json::json!({"code": problem.code(), "message": problem.to_string()})
                })
                .collect();
            print::json(&serde_json::json!({
                "ok": problems.is_empty(),
                "ecos": ecos,
                "problems": problems,
            }))?;
        }
        Format::Text => {
            let mut table = Table::new(&["ECO", ">version", "class", "engines", "what it does"]);
            for (_, eco) in catalogue.iter() {
                let manifest = &eco.manifest;
                let sentence = manifest.description.split(". ").next().unwrap_or_default();
                table.row([
                    manifest.name.clone(),
                    manifest.version.to_string(),
                    manifest.class.to_string(),
                    engines(manifest),
                    sentence.trim_end_matches('.').to_owned(),
                ]);
            }
            print::data(&table.text());
            tell_problems(&problems);
        }
    }
    Ok(if problems.is_empty() {
        Exit::Done
    } else {
        Exit::Findings
    })
}

fn engines(manifest: &EcoManifest) -> String {
    let engines = manifest.engines.iter().map(ToString::to_string);
    engines.collect::<Vec<_>>().join(", ")
}

/// The commands of OpenROAD that an ECO needs, with their options.
fn needs(manifest: &EcoManifest) -> String {
    let needs = manifest.needs.iter().map(|need| {
        let mut words = vec![need.command.as_str()];
        words.extend(need.options.iter().map(String::as_str));
        format!("{} (known in {})", words.join(" "), need.known_in)
    });
    match manifest.needs.is_empty() {
        true => String::new(),
        false => format!(
            "needs of OpenROAD: {}\n",
            needs.collect::<Vec<_>>().join("; ")
        ),
    }
}

fn tell_problems(problems: &[CatalogueProblem]) {
    for problem in problems {
        print::talk(&format!("{} {problem}", problem.code()));
    }
}

fn tell_replacements(catalogue: &Catalogue) {
    for replacement in catalogue.replacements() {
        print::talk(&replacement.to_string());
    }
}

fn load(eco_path: &[PathBuf]) -> Result<Catalogue, CommandFailure> {
    let catalogue = Catalogue::load(eco_path).map_err(|problems| {
        tell_problems(&problems);
        CommandFailure::new(
            Exit::Findings,
            "N2-ECO-103",
            format!(
                "not in order, as told above: {}",
                count_text(problems.len(), "ECO folder")
            ),
            None,
        )
    })?;
    tell_replacements(&catalogue);
    Ok(catalogue)
}

/// `noodle2 eco show`.
pub(crate) fn eco_show(
    name: &str,
    path: &EcoPathOption,
    format: Format,
) -> Result<Exit, CommandFailure> {
    let catalogue = load(&path.eco_path)?;
    let eco = find(&catalogue, name)?;
    if format == Format::Json {
        print::json(&eco.manifest)?;
        return Ok(Exit::Done);
    }
    let manifest = &eco.manifest;
    let mut parameters = Table::new(&["parameter", "type and range", ">default", "what it does"]);
    for (name, spec) in &manifest.parameters {
        parameters.row([
            name.clone(),
            spec.kind.describe(),
            spec.kind.default_value().to_string(),
            spec.description.clone(),
        ]);
    }
    let expected: Vec<String> = manifest
        .expected
        .iter()
        .map(|(metric, effect)| {
            let effect = serde_json::to_value(effect).unwrap_or_default();
            format!("{metric} {}", effect.as_str().unwrap_or_default())
        })
        .collect();
    print::data(&format!(
        "{} (version {}, {})\n{}\n\nengines: {}\n{}expected: {}\nconnectivity: {}\ncontent: {}\n\n{}",
        manifest.name,
        manifest.version,
        manifest.class,
        manifest.description,
        engines(manifest),
        needs(manifest),
        expected.join(", "),
        if manifest.changes_connectivity {
            "changed; refused with SPEF"
        } else {
            "kept"
        },
        eco.content,
        parameters.text()
    ));
    Ok(Exit::Done)
}

fn find<'a>(catalogue: &'a Catalogue, name: &str) -> Result<&'a Eco, CommandFailure> {
    catalogue.get(name).ok_or_else(|| {
        CommandFailure::new(
            Exit::Usage,
            "N2-ECO-100",
            format!("there is no ECO `{name}`"),
            "`noodle2 eco list` lists those there are; --eco-path names a folder with more"
                .to_owned(),
        )
    })
}

/// What `eco lint` was asked for.
pub(crate) struct LintOrder {
    pub names: Vec<String>,
    pub study: Option<PathBuf>,
    pub platform_root: Option<PathBuf>,
    pub eco_path: Vec<PathBuf>,
    pub format: Format,
}

/// One run of an ECO in a lint.
#[derive(Debug, Serialize)]
struct Variant {
    /// `default`, or `<parameter>=<value>`.
    name: String,
    /// `effect`, `no effect`, or the class of the failure.
    result: String,
    message: Option<String>,
    design: Option<ContentHash>,
    /// How many edits lead from the design to what came of it; absent where nothing did.
    edits: Option<u64>,
}

/// What a lint found of one ECO.
#[derive(Debug, Serialize)]
struct Lint {
    eco: String,
    variants: Vec<Variant>,
    /// Parameters none of whose values gave another design than the default on this design.
    inert_parameters: Vec<String>,
    findings: Vec<String>,
    /// Why it was not run, and only looked at; absent where it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    not_run: Option<String>,
}

impl Lint {
    /// Of an ECO that the engine of the design cannot run.
    fn unrun(name: &str, why: Option<String>) -> Self {
        Self {
            eco: name.to_owned(),
            variants: Vec::new(),
            inert_parameters: Vec::new(),
            findings: Vec::new(),
            not_run: why,
        }
    }
}

/// The ECOs that the engine of the design cannot run, each with why.
fn unrun(
    catalogue: &Catalogue,
    names: &[String],
    loaded: &Loaded,
) -> Result<BTreeMap<String, String>, CommandFailure> {
    let kind = loaded.study.engine.kind;
    let asked = match kind {
        EngineKind::Opensta => None,
        EngineKind::Openroad => Some(tools::engine_of(&loaded.study, &loaded.folder)?),
    };
    let mut unrun = BTreeMap::new();
    for name in names {
        let manifest = &find(catalogue, name)?.manifest;
        if !manifest.engines.contains(&kind) {
            let why = format!("only looked at: it is not for {kind}");
            unrun.insert(name.clone(), why);
        } else if let Some(lacks) = asked
            .as_ref()
            .and_then(|engine| engine.lacks(manifest).pop())
        {
            unrun.insert(name.clone(), format!("only looked at: {lacks}"));
        }
    }
    Ok(unrun)
}

/// `noodle2 eco lint`.
pub(crate) fn eco_lint(order: &LintOrder) -> Result<Exit, CommandFailure> {
    let catalogue = load(&order.eco_path)?;
    let names: Vec<String> = if order.names.is_empty() {
        catalogue.iter().map(|(name, _)| name.to_owned()).collect()
    } else {
        order.names.clone()
    };
    for name in &names {
        find(&catalogue, name)?;
    }
    let scratch = tempfile::tempdir().map_err(|error| refused(&std::env::temp_dir(), &error))?;
    let loaded = load_design(order, scratch.path())?;
    let unrun = unrun(&catalogue, &names, &loaded)?;
    let run: Vec<String> = names
        .iter()
        .filter(|name| !unrun.contains_key(*name))
        .cloned()
        .collect();
    let prepared = match run.is_empty() {
        true => None,
        false => Some(prepare(order, loaded, &run, scratch.path())?),
    };
    let bench = prepared
        .as_ref()
        .map(|prepared| Bench::new(prepared, scratch.path()))
        .transpose()?;
    let mut lints = Vec::new();
    for (position, name) in names.iter().enumerate() {
        let eco = find(&catalogue, name)?;
        let mut lint = match (&bench, unrun.get(name)) {
            (Some(bench), None) => bench.lint(eco, position)?,
            (_, why) => Lint::unrun(name, why.cloned()),
        };
        lint.findings.extend(eco.findings());
        lints.push(lint);
    }
    let findings: Vec<String> = lints
        .iter()
        .flat_map(|lint| {
            let eco = &lint.eco;
            lint.findings
                .iter()
                .map(move |finding| format!("{eco}: {finding}"))
        })
        .collect();
    match order.format {
        Format::Json => print::json(&serde_json::json!({
            "ok": findings.is_empty(),
            "ecos": lints,
            "findings": findings,
        }))?,
        Format::Text => print::data(&lint_text(&lints, &findings)),
    }
    Ok(if findings.is_empty() {
        Exit::Done
    } else {
        Exit::Findings
    })
}

fn lint_text(lints: &[Lint], findings: &[String]) -> String {
    let mut table = Table::new(&["ECO", "variant", "result", ">edits"]);
    for lint in lints {
        if let Some(why) = &lint.not_run {
            table.row([
                lint.eco.clone(),
                "—".to_owned(),
                why.clone(),
                "—".to_owned(),
            ]);
        }
        for variant in &lint.variants {
            table.row([
                lint.eco.clone(),
                variant.name.clone(),
                variant.result.clone(),
                variant
                    .edits
                    .map_or("—".to_owned(), |edits| edits.to_string()),
            ]);
        }
    }
    let mut text = table.text();
    text.push('\n');
    for finding in findings {
        text.push_str(finding);
        text.push('\n');
    }
    if findings.is_empty() {
        text.push_str("nothing to complain of\n");
    }
    text
}

fn refused(path: &Path, error: &std::io::Error) -> CommandFailure {
    CommandFailure::new(
        Exit::Usage,
        "N2-ECO-101",
        format!("cannot write `{}`: {error}", path.display()),
        None,
    )
}

/// The study that lends its design.
fn load_design(order: &LintOrder, scratch: &Path) -> Result<Loaded, CommandFailure> {
    let path = match &order.study {
        Some(path) => path.clone(),
        None => {
            let folder = scratch.join("design");
            init::write_template(&folder, Template::Sequential)?;
            folder.join("study.yaml")
        }
    };
    study::load(&StudyOption {
        study: path,
        platform_root: order.platform_root.clone(),
    })
}

/// It with one stage, which tries the ECOs.
fn prepare(
    order: &LintOrder,
    mut loaded: Loaded,
    names: &[String],
    scratch: &Path,
) -> Result<Prepared, CommandFailure> {
    loaded.study.eco_path = order
        .eco_path
        .iter()
        .map(|path| std::path::absolute(path).unwrap_or_else(|_| path.clone()))
        .chain(
            loaded
                .study
                .eco_path
                .iter()
                .map(|path| loaded.folder.join(path)),
        )
        .collect();
    loaded.study.stages = vec![Stage {
        name: "lint".to_owned(),
        after: Vec::new(),
        relation: None,
        approval: None,
        fallback: None,
        trials: 1,
        extra_trials: None,
        budget: Default::default(),
        survivors: 1,
        selection: Default::default(),
        stop: Default::default(),
        proposer: Default::default(),
        ecos: names
            .iter()
            .map(|name| StageEco {
                name: name.clone(),
                ..StageEco::default()
            })
            .collect(),
        mode: StageMode::Sta,
        safety_domain: None,
        safety: Default::default(),
        objective: None,
        parent_competes: true,
        aborts: noodle2_model::Aborts::default(),
        join: None,
    }];
    let shared = scratch.join("shared");
    std::fs::create_dir_all(&shared).map_err(|error| refused(&shared, &error))?;
    study::prepare(&loaded, &shared)
}

/// A measured base case on which ECOs are tried.
struct Bench<'a> {
    prepared: &'a Prepared,
    folder: PathBuf,
    base: Arc<Measurement>,
}

impl<'a> Bench<'a> {
    fn new(prepared: &'a Prepared, scratch: &Path) -> Result<Self, CommandFailure> {
        let folder = scratch.join("base");
        std::fs::create_dir_all(&folder).map_err(|error| refused(&folder, &error))?;
        let request = TrialRequest {
            trial: TrialId::BASE,
            folder: folder.clone(),
            netlists: prepared.context.base_netlists().to_vec(),
            of_case: true,
            parent: None,
            eco: None,
            seed: prepared.identity.study.seed,
            guard: DesignGuard::default(),
            perturbation: None,
            mode: Default::default(),
            audits_gain: false,
        };
        match run(prepared, &request) {
            Outcome::Measured(base) => Ok(Self {
                prepared,
                folder: scratch.to_owned(),
                base,
            }),
            Outcome::Failed(failure) => Err(CommandFailure::new(
                Exit::Blocked,
                "N2-ECO-102",
                format!(
                    "the design cannot be measured: {}: {}",
                    failure.class, failure.message
                ),
                None,
            )),
            Outcome::NoEffect => Err(CommandFailure::internal("the base case was not measured")),
        }
    }

    fn lint(&self, eco: &Eco, position: usize) -> Result<Lint, CommandFailure> {
        let mut variants = vec![self.variant(eco, "default", &Parameters::new(), position, 0)?];
        let mut inert_parameters = Vec::new();
        let mut number = 0;
        for (parameter, spec) in &eco.manifest.parameters {
            let mut differs = false;
            for value in ends(&spec.kind) {
                number += 1;
                let name = format!("{parameter}={value}");
                let given = Parameters::from([(parameter.clone(), value)]);
                let variant = self.variant(eco, &name, &given, position, number)?;
                differs |= variant.design != variants[0].design;
                variants.push(variant);
            }
            if !differs {
                inert_parameters.push(parameter.clone());
            }
        }
        let mut findings: Vec<String> = variants
            .iter()
            .filter_map(|variant| {
                let message = variant.message.as_ref()?;
                Some(format!(
                    "with {}: {}: {message}",
                    variant.name, variant.result
                ))
            })
            .collect();
        if variants.iter().all(|variant| variant.result == "no effect")
            && !eco.manifest.expected.is_empty()
        {
            findings.push(
                "changes nothing on this design, whatever its parameters; try it on another with --study"
                    .to_owned(),
            );
            inert_parameters.clear();
        }
        findings.extend(inert_parameters.iter().map(|parameter| {
            format!(
                "parameter `{parameter}` changes nothing on this design, at either end of its range"
            )
        }));
        Ok(Lint {
            eco: eco.manifest.name.clone(),
            variants,
            inert_parameters,
            findings,
            not_run: None,
        })
    }

    fn variant(
        &self,
        eco: &Eco,
        name: &str,
        given: &Parameters,
        position: usize,
        number: u32,
    ) -> Result<Variant, CommandFailure> {
        let trial = TrialId {
            stage: StageIndex::from(position),
            derived: number + 1,
        };
        let folder = self.folder.join(trial.to_string());
        std::fs::create_dir_all(&folder).map_err(|error| refused(&folder, &error))?;
        let proposal = EcoProposal::single(&eco.manifest, eco.content, given);
        let request = TrialRequest {
            trial,
            folder,
            netlists: vec![self.folder.join("base").join(NETLIST)],
            of_case: true,
            parent: Some(ParentFacts::from(&*self.base)),
            eco: Some((&proposal, eco)),
            seed: self.prepared.identity.study.seed,
            guard: DesignGuard::default(),
            perturbation: None,
            mode: Default::default(),
            audits_gain: false,
        };
        let (result, message, design, edits) = match run(self.prepared, &request) {
            Outcome::NoEffect => {
                let design = Some(self.base.design.canonical);
                ("no effect".to_owned(), None, design, Some(0))
            }
            Outcome::Measured(measurement) => {
                // New objects are named by their trial: compare what was done, not how it was called.
                let netlist = std::fs::read_to_string(request.folder.join(NETLIST))
                    .unwrap_or_default()
                    .replace(&EcoProposal::name_prefix(trial), "n2_");
                let edits = Some(measurement.edits.values().sum());
                let design = Some(match &measurement.design.placement {
                    None => ContentHash::of(netlist),
                    // OpenROAD names what it makes, and knows of no trial.
                    Some(_) => measurement.design.canonical,
                });
                ("effect".to_owned(), None, design, edits)
            }
            Outcome::Failed(failure) => {
                let class = FailureClass::to_string(&failure.class);
                (class, Some(failure.message), None, None)
            }
        };
        Ok(Variant {
            name: name.to_owned(),
            result,
            message,
            design,
            edits,
        })
    }
}

fn run(prepared: &Prepared, request: &TrialRequest<'_>) -> Outcome {
    let guard = Guard::new("lint", std::process::id());
    let never = CancelToken::new();
    prepared
        .context
        .run_trial(request, &mut |spec| run_command(spec, &guard, &never))
}

/// The values at the ends of a parameter's range, without its default.
fn ends(kind: &ParameterKind) -> Vec<ParameterValue> {
    let values = match kind {
        ParameterKind::Integer { min, max, .. } => {
            vec![ParameterValue::Integer(*min), ParameterValue::Integer(*max)]
        }
        ParameterKind::Real { min, max, .. } => {
            vec![ParameterValue::Real(*min), ParameterValue::Real(*max)]
        }
        ParameterKind::Boolean { default } => vec![ParameterValue::Boolean(!default)],
        ParameterKind::Choice { choices, .. } => {
            choices.iter().cloned().map(ParameterValue::Text).collect()
        }
    };
    let default = kind.default_value();
    values
        .into_iter()
        .filter(|value| *value != default)
        .collect()
}
