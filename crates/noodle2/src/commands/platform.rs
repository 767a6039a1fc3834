//! `noodle2 platform`: which platforms there are, and whether one fits its files.

use std::path::PathBuf;

use noodle2_engine::{Platform, PlatformCheck, PlatformError, PlatformFile};
use noodle2_liberty::LibraryCache;
use noodle2_view::{Table, count_text};
use serde::Serialize;

use crate::cli::{Format, PlatformCheckOption, PlatformCommand};
use crate::exit::{CommandFailure, Exit};
use crate::print;
use crate::study;

/// `noodle2 platform`.
pub(crate) fn platform(command: &PlatformCommand) -> Result<Exit, CommandFailure> {
    match command {
        PlatformCommand::List { format } => list(format.format),
        PlatformCommand::Check(option) => check(option),
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

/// Checks a platform and prints what was found.
fn look_through(platform: &Platform, format: Format) -> Result<Exit, CommandFailure> {
    let cache = LibraryCache::new(study::cache_folder())
        .map_err(|error| CommandFailure::new(Exit::Usage, error.code(), error, None))?;
    let found = PlatformCheck::of(platform, &cache);
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
