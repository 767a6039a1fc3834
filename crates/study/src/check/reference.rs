//! Files, folders, platforms and corners that a study refers to.
//!
//! The engine's executable is not looked for: the machine that checks a study need not be the one that
//! runs it, and probing the engine says more than that a file exists.

use std::path::{Path, PathBuf};

use noodle2_model::{Parasitics, Study};

use crate::References;
use crate::codes;
use crate::report::Report;
use crate::suggest::{all_of, did_you_mean, nearest, quoted};

const CORNER_PREFIX: &str = "platform:";

pub(super) fn check(study: &Study, report: &mut Report, references: &dyn References) {
    for (index, path) in study.design.netlists.iter().enumerate() {
        plain_file(
            report,
            references,
            &format!("design.netlists[{index}]"),
            path,
        );
    }
    if let Some(snapshot) = &study.engine.snapshot {
        plain_file(report, references, "engine.snapshot", snapshot);
    }
    for (index, path) in study.eco_path.iter().enumerate() {
        exists(
            report,
            references,
            &format!("eco_path[{index}]"),
            path,
            "folder",
        );
    }
    if let Some(root) = &study.design.platform_root {
        exists(report, references, "design.platform_root", root, "folder");
    }
    let corners = platform(study, report, references);
    for (index, scene) in study.scenes.iter().enumerate() {
        for (position, path) in scene.sdc.iter().enumerate() {
            plain_file(
                report,
                references,
                &format!("scenes[{index}].sdc[{position}]"),
                path,
            );
        }
        if let Parasitics::Spef(path) = &scene.parasitics {
            plain_file(
                report,
                references,
                &format!("scenes[{index}].parasitics.spef"),
                path,
            );
        }
        for (position, library) in scene.liberty.iter().enumerate() {
            let field = format!("scenes[{index}].liberty[{position}]");
            liberty(
                study,
                report,
                references,
                corners.as_deref(),
                &field,
                library,
            );
        }
    }
}

/// The folder that the study's paths are relative to.
pub(crate) fn folder(study_file: &Path) -> PathBuf {
    study_file.parent().map(Path::to_owned).unwrap_or_default()
}

/// The folders of `eco_path`, joined with the study file's folder.
pub(crate) fn joined_eco_path(study: &Study, study_file: &Path) -> Vec<PathBuf> {
    let folder = folder(study_file);
    study
        .eco_path
        .iter()
        .map(|path| folder.join(path))
        .collect()
}

/// Checks the platform and returns its corners, where they can be told.
fn platform(
    study: &Study,
    report: &mut Report,
    references: &dyn References,
) -> Option<Vec<String>> {
    let field = "design.platform";
    let platform = &study.design.platform;
    let folder = folder(report.source().path());
    let root = study
        .design
        .platform_root
        .as_ref()
        .map(|root| folder.join(root));
    if !report.is_sound(field) {
        return None;
    }
    let is_path =
        platform.contains(['/', '\\']) || platform.ends_with(".yaml") || platform.ends_with(".yml");
    if is_path {
        exists(
            report,
            references,
            field,
            Path::new(platform),
            "platform file",
        );
        let path = folder.join(platform);
        return references.platform_corners(&path.to_string_lossy(), root.as_deref());
    }
    let names = references.platform_names();
    if !names.contains(platform) {
        let message = format!("there is no platform {}", quoted(platform));
        let help = did_you_mean(platform, &names)
            .unwrap_or_else(|| "give the path of a platform file".to_owned());
        report.at(codes::UNKNOWN_PLATFORM, field, message, help);
        return None;
    }
    references.platform_corners(platform, root.as_deref())
}

/// Checks a Liberty file, or a corner of the platform.
fn liberty(
    study: &Study,
    report: &mut Report,
    references: &dyn References,
    corners: Option<&[String]>,
    field: &str,
    library: &str,
) {
    if let Some(corner) = library.strip_prefix(CORNER_PREFIX) {
        let Some(corners) = corners else {
            return;
        };
        if !corners.iter().any(|known| known == corner) {
            let message = format!(
                "the platform {} has no corner {}",
                quoted(&study.design.platform),
                quoted(corner)
            );
            let hint = nearest(corner, corners)
                .map(|near| format!("did you mean `{CORNER_PREFIX}{near}`?"));
            let help = hint.unwrap_or_else(|| format!("its corners are {}", all_of(corners)));
            report.at(codes::UNKNOWN_CORNER, field, message, help);
        }
        return;
    }
    let meant = library.rsplit(':').next().unwrap_or(library);
    let corner = corners
        .unwrap_or_default()
        .iter()
        .find(|corner| corner.eq_ignore_ascii_case(meant.trim()));
    match corner {
        Some(corner) if !references.file_exists(&folder(report.source().path()).join(library)) => {
            let message = format!("there is no file {}", quoted(library));
            let help = format!("write `{CORNER_PREFIX}{corner}` for the platform's corner");
            report.at(codes::MISSING_FILE, field, message, help);
        }
        _ => exists(report, references, field, Path::new(library), "file"),
    }
}

/// A file that the engine reads as it is.
fn plain_file(report: &mut Report, references: &dyn References, field: &str, path: &Path) {
    let is_compressed = path.extension().is_some_and(|extension| {
        ["gz", "bz2", "xz", "zst", "Z"]
            .iter()
            .any(|other| extension == *other)
    });
    if is_compressed {
        let message = format!(
            "{} is compressed, and OpenSTA reads plain text here",
            shown(path)
        );
        let help = format!(
            "decompress it, and name {}",
            shown(&path.with_extension(""))
        );
        report.at(codes::COMPRESSED, field, message, help);
        return;
    }
    exists(report, references, field, path, "file");
}

fn exists(report: &mut Report, references: &dyn References, field: &str, path: &Path, what: &str) {
    if !report.is_sound(field) {
        return;
    }
    let joined = folder(report.source().path()).join(path);
    if references.file_exists(&joined) {
        return;
    }
    let text = path.to_string_lossy();
    let help = if text.starts_with('~') {
        "`~` is not expanded; write the whole path".to_owned()
    } else if text.contains('$') {
        "variables are not expanded; write the whole path".to_owned()
    } else if path.is_absolute() {
        "is the path right for this machine?".to_owned()
    } else {
        format!(
            "looked for {}; paths are relative to the study file",
            shown(&joined)
        )
    };
    report.at(
        codes::MISSING_FILE,
        field,
        format!("there is no {what} {}", shown(path)),
        help,
    );
}

/// A path in backticks; not shortened, because its end is what tells it apart.
fn shown(path: &Path) -> String {
    let text: String = path
        .to_string_lossy()
        .chars()
        .map(|character| {
            if character.is_control() {
                '?'
            } else {
                character
            }
        })
        .collect();
    format!("`{text}`")
}
