//! `noodle2 diagnose`: what may be wrong with a case, and which ECOs are remedies.

use std::collections::BTreeMap;
use std::path::Path;

use noodle2_control::{Diagnosis, Suggestion, diagnose as symptoms_of, suggest};
use noodle2_engine::Catalogue;
use noodle2_model::{
    CaseName, EcoDefinition, ParameterValue, PathProfile, RunIdentity, StageIndex, TrialId,
};
use noodle2_view::Table;
use serde::Serialize;

use crate::cli::Format;
use crate::commands::inspect::look_at;
use crate::exit::{CommandFailure, Exit};
use crate::print;

/// What `diagnose --format json` prints.
#[derive(Debug, Serialize)]
struct CaseDiagnosis {
    case: CaseName,
    label: Option<&'static str>,
    diagnoses: Vec<Diagnosis>,
    suggestions: Vec<Offer>,
    paths: Vec<PathProfile>,
}

#[derive(Debug, Serialize)]
struct Offer {
    #[serde(flatten)]
    suggestion: Suggestion,
    /// Whether the study's domain and lists of ECOs permit it.
    permitted: bool,
}

/// Says what may be wrong with a case of a run, from what was measured of it, and suggests ECOs.
pub(crate) fn diagnose(run: &Path, item: &str, format: Format) -> Result<Exit, CommandFailure> {
    let (_, history) = look_at(run)?;
    let controller = history.controller();
    let identity = controller.program().identity();
    let design = &identity.study.design.case_name;
    let name = (item.parse::<CaseName>().ok())
        .or_else(|| Some(item.parse::<TrialId>().ok()?.case(design)));
    let Some(case) = name.and_then(|name| controller.cases().get(&name)) else {
        return Err(CommandFailure::new(
            Exit::Usage,
            "N2-RUN-002",
            format!("run `{}` has no case `{item}`", run.display()),
            "`noodle2 lineage --all` lists every case".to_owned(),
        ));
    };
    let stage: StageIndex = case.name.trial().stage;
    let rank = &controller.program().objective(stage).rank;
    let diagnoses = symptoms_of(&case.measurement, rank);
    let ecos = catalogue_of(identity);
    let offers = suggest(&diagnoses, &ecos).into_iter().map(|suggestion| {
        let study = &identity.study;
        let class = ecos[&suggestion.eco].manifest.class;
        Offer {
            permitted: study.safety_domain.permits(class)
                && study.safety.admits_eco(&suggestion.eco),
            suggestion,
        }
    });
    let found = CaseDiagnosis {
        case: case.name.clone(),
        label: identity.study.result_label(),
        suggestions: offers.collect(),
        diagnoses,
        paths: case.measurement.paths.clone(),
    };
    match format {
        Format::Json => print::json(&found)?,
        Format::Text => print::data(&text(&found)),
    }
    Ok(Exit::Done)
}

/// The ECOs that the run knows, and those of the catalogue beside them that its engine can run.
fn catalogue_of(identity: &RunIdentity) -> BTreeMap<String, EcoDefinition> {
    let path = identity.study.eco_path.iter();
    let path: Vec<_> = path.map(|path| identity.study_folder.join(path)).collect();
    let (catalogue, _) = Catalogue::survey(&path);
    let engine = identity.study.engine.kind;
    let mut ecos: BTreeMap<String, EcoDefinition> = (catalogue.iter())
        .filter(|(_, eco)| eco.manifest.engines.contains(&engine))
        .map(|(name, eco)| {
            let definition = EcoDefinition {
                manifest: eco.manifest.clone(),
                content: eco.content,
            };
            (name.to_owned(), definition)
        })
        .collect();
    ecos.extend(identity.ecos.clone());
    ecos
}

fn text(found: &CaseDiagnosis) -> String {
    let label = found.label.map(|label| format!(" ({label})"));
    let mut text = format!("{}{}\n", found.case, label.unwrap_or_default());
    if found.paths.is_empty() {
        text.push_str("  nothing was measured of its paths\n");
    }
    if found.diagnoses.is_empty() {
        text.push_str("  nothing is found wrong with it\n");
    }
    for diagnosis in &found.diagnoses {
        text.push_str(&format!(
            "  {}: {}\n",
            diagnosis.symptom, diagnosis.evidence
        ));
        for offer in &found.suggestions {
            let Offer {
                suggestion,
                permitted,
            } = offer;
            if suggestion.symptom == diagnosis.symptom {
                text.push_str(&format!("    {}{}\n", eco(suggestion), refused(*permitted)));
            }
        }
    }
    if found.paths.is_empty() {
        return text;
    }
    let mut table = Table::new(&[
        "check",
        "scene",
        "end",
        ">slack",
        ">cells",
        ">in cells",
        ">in wires",
        ">most sinks",
    ]);
    for path in &found.paths {
        let wires = path.wire_delay_ps;
        table.row([
            serde_word(&path.check),
            path.scene.to_string(),
            path.end.to_string(),
            format!("{} ps", path.slack_ps),
            path.stages.to_string(),
            format!("{} ps", path.cell_delay_ps),
            wires.map_or_else(|| "unknown".to_owned(), |wires| format!("{wires} ps")),
            (path.widest.as_ref()).map_or_else(String::new, |widest| widest.value.to_string()),
        ]);
    }
    text + "\n" + &table.text()
}

fn serde_word(value: &impl Serialize) -> String {
    match serde_json::json!(value) {
        serde_json::Value::String(word) => word,
        other => other.to_string(),
    }
}

fn eco(suggestion: &Suggestion) -> String {
    let parameters = suggestion.parameters.iter();
    parameters.fold(
        suggestion.eco.clone(),
        |text, (name, value): (&str, &ParameterValue)| format!("{text} {name}={value}"),
    )
}

fn refused(permitted: bool) -> &'static str {
    match permitted {
        true => "",
        false => " (the study does not permit it)",
    }
}
