//! `noodle2 platform`: which platforms there are, whether one fits its files, and the file of a new one.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};

use noodle2_engine::{
    DraftError, Platform, PlatformCheck, PlatformDraft, PlatformError, PlatformFile,
};
use noodle2_liberty::LibraryCache;
use noodle2_view::{Table, count_text};
use serde::Serialize;

use crate::cli::{Format, PlatformAddOption, PlatformCheckOption, PlatformCommand};
use crate::exit::{CommandFailure, Exit};
use crate::print;
use crate::study;

/// `noodle2 platform`.
pub(crate) fn platform(command: &PlatformCommand) -> Result<Exit, CommandFailure> {
    match command {
        PlatformCommand::List { format } => list(format.format),
        PlatformCommand::Check(option) => check(option),
        PlatformCommand::Add(option) => add(option),
    }
}

/// A built-in platform.
#[derive(Serialize)]
struct Listed<'a> {
    name: &'a str,
    description: &'a str,
    corners: Vec<&'a String>,
    default_corner: &'a str,
    /// Where its libraries are looked for; absent where nobody said.
    root: Option<PathBuf>,
    /// Whether that folder is there.
    found: bool,
    /// The variable of the environment that can name the folder.
    variable: String,
    /// Whether it can place and route, or only times.
    places_and_routes: bool,
    utilisation_percent: Option<[f64; 2]>,
    notes: &'a [String],
}

fn listed(file: &PlatformFile) -> Listed<'_> {
    let root = Platform::load(&file.name, None)
        .ok()
        .map(|known| known.root);
    let layout = file.layout.as_ref();
    Listed {
        name: &file.name,
        description: &file.description,
        corners: file.corners.keys().collect(),
        default_corner: &file.default_corner,
        found: root.as_ref().is_some_and(|root| root.is_dir()),
        root,
        variable: Platform::environment_variable(&file.name),
        places_and_routes: layout.is_some(),
        utilisation_percent: layout
            .map(|data| data.utilisation_percent)
            .map(|range| [range.min, range.max]),
        notes: layout.map_or(&[], |data| &data.notes),
    }
}

fn list(format: Format) -> Result<Exit, CommandFailure> {
    let files = Platform::built_in().map_err(CommandFailure::internal)?;
    let platforms: Vec<Listed<'_>> = files.iter().map(listed).collect();
    if format == Format::Json {
        print::json(&serde_json::json!({"platforms": platforms}))?;
        return Ok(Exit::Done);
    }
    let mut table = Table::new(&["platform", "corners", "engines", "libraries"]);
    for platform in &platforms {
        let corners: Vec<&str> = platform
            .corners
            .iter()
            .map(|corner| corner.as_str())
            .collect();
        let engines = match platform.places_and_routes {
            true => "opensta, openroad",
            false => "opensta",
        };
        let root = match (&platform.root, platform.found) {
            (Some(root), true) => root.display().to_string(),
            (Some(root), false) => format!("{} is not there", root.display()),
            (None, _) => format!("not known: set {}", platform.variable),
        };
        table.row([
            platform.name.to_owned(),
            corners.join(", "),
            engines.to_owned(),
            root,
        ]);
    }
    print::data(&table.text());
    for platform in &platforms {
        print::data(&format!("\n{}: {}", platform.name, platform.description));
        for note in platform.notes {
            print::data(&format!("  {note}"));
        }
    }
    Ok(Exit::Done)
}

fn check(option: &PlatformCheckOption) -> Result<Exit, CommandFailure> {
    let platform = Platform::load(&option.platform, option.platform_root.as_deref())
        .map_err(|error| unusable(&error))?;
    look_through(&platform, option.format.format)
}

fn unusable(error: &PlatformError) -> CommandFailure {
    let help = match error {
        PlatformError::Unknown { .. } => {
            "`noodle2 platform list` tells the built-in ones; a file is named by its path, as in `./mine.yaml`"
        }
        PlatformError::NoRoot { .. } => "name the folder with `--platform-root`",
        _ => "docs/platforms.md tells what a platform file says",
    };
    CommandFailure::new(Exit::Usage, error.code(), error, help.to_owned())
}

fn add(option: &PlatformAddOption) -> Result<Exit, CommandFailure> {
    let name = &option.name;
    let is_name = !name.is_empty()
        && (name.chars()).all(|letter| letter.is_ascii_alphanumeric() || "_-".contains(letter));
    if !is_name || Platform::built_in_names().any(|known| known == name) {
        return Err(CommandFailure::new(
            Exit::Usage,
            "N2-PLATFORM-023",
            format!("`{name}` cannot be the name of a new platform"),
            "a name has letters, digits, `_` and `-`, and is none of the built-in ones".to_owned(),
        ));
    }
    let out = option
        .out
        .clone()
        .unwrap_or_else(|| PathBuf::from(format!("{name}.yaml")));
    let refused = |path: &Path, error: &std::io::Error| {
        CommandFailure::new(
            Exit::Usage,
            "N2-PLATFORM-024",
            format!("`{}`: {error}", path.display()),
            "a file that is there is never replaced: name another with `--out`, or move it away"
                .to_owned(),
        )
    };
    let folder = (option.folder.canonicalize()).map_err(|source| {
        let path = option.folder.clone();
        not_drafted(&DraftError::Read { path, source })
    })?;
    let beside = match out.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    let beside = beside
        .canonicalize()
        .map_err(|error| refused(beside, &error))?;
    // Within the folder of the file it may move with it.
    let root = match folder.strip_prefix(&beside) {
        Ok(below) if below == Path::new("") => PathBuf::from("."),
        Ok(below) => below.to_owned(),
        Err(_) => folder.clone(),
    };
    let draft = PlatformDraft::of(&folder, name, &root, &libraries()?)
        .map_err(|error| not_drafted(&error))?;
    let opened = OpenOptions::new().write(true).create_new(true).open(&out);
    let written = opened.and_then(|mut file| file.write_all(draft.text.as_bytes()));
    written.map_err(|error| refused(&out, &error))?;
    print::talk(&format!(
        "wrote {}: look at every value that is derived",
        out.display()
    ));
    for remark in &draft.remarks {
        print::talk(&format!("  {remark}"));
    }
    let path = std::path::absolute(&out).map_err(|error| refused(&out, &error))?;
    let path = path.to_string_lossy().into_owned();
    // The file itself is looked at, whatever the environment says of a platform of its name.
    let platform = Platform::load(&path, Some(&folder)).map_err(|error| unusable(&error))?;
    look_through(&platform, option.format.format)
}

fn not_drafted(error: &DraftError) -> CommandFailure {
    let help = "name the folder that holds the libraries and LEF files of one platform";
    CommandFailure::new(Exit::Usage, error.code(), error, help.to_owned())
}

fn libraries() -> Result<LibraryCache, CommandFailure> {
    LibraryCache::new(study::cache_folder())
        .map_err(|error| CommandFailure::new(Exit::Usage, error.code(), error, None))
}

/// Checks a platform and prints what was found.
fn look_through(platform: &Platform, format: Format) -> Result<Exit, CommandFailure> {
    let found = PlatformCheck::of(platform, &libraries()?);
    let name = &platform.declaration.name;
    match format {
        Format::Json => print::json(&serde_json::json!({
            "platform": name,
            "root": platform.root,
            "ok": !found.has_faults(),
            "check": found,
        }))?,
        Format::Text => tell(platform, &found),
    }
    Ok(match found.has_faults() {
        true => Exit::Findings,
        false => Exit::Done,
    })
}

fn tell(platform: &Platform, found: &PlatformCheck) {
    let mut table = Table::new(&[
        "corner",
        ">libraries",
        ">cells",
        ">time unit",
        ">voltage",
        ">temperature",
    ]);
    let told = |value: Option<f64>, unit: &str| {
        value.map_or("unknown".to_owned(), |value| format!("{value} {unit}"))
    };
    for (corner, facts) in &found.corners {
        table.row([
            corner.clone(),
            facts.libraries.to_string(),
            facts.cells.to_string(),
            told(facts.time_unit_ps, "ps"),
            told(facts.voltage, "V"),
            told(facts.temperature, "°C"),
        ]);
    }
    print::data(&table.text());
    match (&found.lef, &platform.declaration.layout) {
        (Some(lef), _) => print::data(&format!(
            "LEF: {}, layers {}, {} in rows, {} of them with a library cell",
            count_text(lef.files, "file"),
            lef.routing_layers.join(" "),
            count_text(lef.core_macros, "macro"),
            lef.with_library_cell
        )),
        (None, Some(_)) => print::data("LEF: not all of it can be read"),
        (None, None) => {
            print::data("no `layout`: the platform times, and nothing can be placed with it")
        }
    }
    for finding in &found.findings {
        let kind = match finding.is_remark {
            true => "remark",
            false => "fault",
        };
        print::data(&format!("{kind} {} {}", finding.code, finding.text));
    }
    let faults = found
        .findings
        .iter()
        .filter(|finding| !finding.is_remark)
        .count();
    match faults {
        0 => print::data(&format!("`{}` is in order", platform.declaration.name)),
        faults => print::talk(&format!(
            "`{}`: {}",
            platform.declaration.name,
            count_text(faults, "fault")
        )),
    }
}
