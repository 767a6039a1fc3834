//! What attempts left in a run folder, as far as pages show it. Only what the sealed index of an attempt names is read.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use noodle2_engine::EndpointSlacks;
use noodle2_layout::{MapDifference, MapKind, SpatialMap};
use noodle2_model::{AttemptId, Check};
use noodle2_page::{AttemptFiles, Excerpt, FileEntry, MapPicture, SlackSpread};
use noodle2_store::{ArtifactIndex, Provenance, RunFolder};
use noodle2_view::{Footer, MapPanel, difference_svg, maps_svg};

/// Bytes of a script or log that a page shows.
const SHOWN: u64 = 64 * 1024;
/// Files that are shown, in the order in which they are.
const SCRIPTS: [&str; 2] = ["script.tcl", "fork.tcl"];

/// What an attempt left; `None` where it left nothing that is sealed.
pub(super) fn of_attempt(
    folder: &RunFolder,
    design: &str,
    attempt: AttemptId,
) -> Option<AttemptFiles> {
    let place = folder.attempt(design, attempt);
    let index = ArtifactIndex::read(&place).ok()?;
    let files: Vec<FileEntry> = index
        .files
        .iter()
        .map(|file| FileEntry {
            name: file.path.clone(),
            bytes: file.size,
            is_there: matches!(index.open(&place, &file.path), Some(Ok(_))),
        })
        .collect();
    let logs = files
        .iter()
        .map(|file| file.name.as_str())
        .filter(|name| name.ends_with(".log"));
    let shown = SCRIPTS
        .into_iter()
        .filter(|name| files.iter().any(|file| file.name == *name))
        .chain(logs);
    Some(AttemptFiles {
        attempt,
        excerpts: shown
            .filter_map(|name| excerpt(index.open(&place, name)?.ok()?, name))
            .collect(),
        provenance: provenance(&place),
        files,
    })
}

/// The file of an attempt that its index names so, opened, with what it holds.
pub(super) fn named(
    folder: &RunFolder,
    design: &str,
    attempt: AttemptId,
    name: &str,
) -> Option<(File, String)> {
    let place = folder.attempt(design, attempt);
    let index = ArtifactIndex::read(&place).ok()?;
    let file = index.open(&place, name)?.ok()?;
    let entry = index.files.into_iter().find(|file| file.path == name)?;
    Some((file, entry.content_type))
}

/// The end of a text file.
fn excerpt(mut file: File, name: &str) -> Option<Excerpt> {
    let length = file.metadata().ok()?.len();
    let left_out = length.saturating_sub(SHOWN);
    file.seek(SeekFrom::Start(left_out)).ok()?;
    let mut bytes = Vec::new();
    file.take(SHOWN).read_to_end(&mut bytes).ok()?;
    Some(Excerpt {
        name: name.to_owned(),
        text: String::from_utf8_lossy(&bytes).into_owned(),
        left_out,
    })
}

fn provenance(place: &Path) -> Vec<(String, String)> {
    let read = || -> Option<Provenance> {
        let text = fs::read(Provenance::path(place)).ok()?;
        serde_json::from_slice(&text).ok()
    };
    let Some(found) = read() else {
        return Vec::new();
    };
    let mut pairs = vec![
        ("Noodle 2".to_owned(), found.noodle2_version),
        (
            "machine".to_owned(),
            format!(
                "{} ({}, {})",
                found.host.name, found.host.system, found.host.machine
            ),
        ),
        ("from".to_owned(), found.started_at.to_string()),
        ("until".to_owned(), found.ended_at.to_string()),
        ("seed".to_owned(), found.seed.to_string()),
    ];
    for tool in found.tools {
        let text = format!(
            "{} {} ({})",
            tool.path.display(),
            tool.version,
            tool.content
        );
        pairs.push((format!("tool {}", tool.name), text));
    }
    for input in found.inputs {
        pairs.push((
            format!("input {}", input.role),
            format!("{} ({})", input.path.display(), input.content),
        ));
    }
    for command in found.commands {
        let words: Vec<&str> = command.arguments.iter().map(String::as_str).collect();
        let ended = match (command.exit_status, command.signal) {
            (Some(status), _) => format!("status {status}"),
            (None, Some(signal)) => format!("signal {signal}"),
            (None, None) => command
                .not_started
                .unwrap_or_else(|| "not ended".to_owned()),
        };
        let stopped = command
            .stopped_by
            .map(|by| format!(", stopped by {by}"))
            .unwrap_or_default();
        let forked = if command.forked { ", forked" } else { "" };
        pairs.push((
            "command".to_owned(),
            format!(
                "{} {}: {ended}{stopped}{forked}",
                command.program.display(),
                words.join(" ")
            ),
        ));
    }
    pairs
}

/// Setup slacks of endpoints of an attempt beside those of its parent's; `None` where either left none, as where its
/// result was known.
pub(super) fn slacks(
    folder: &RunFolder,
    design: &str,
    attempt: AttemptId,
    parent: AttemptId,
) -> Option<SlackSpread> {
    let of = |attempt| -> Option<EndpointSlacks> {
        let (mut file, _) = named(folder, design, attempt, EndpointSlacks::FILE)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).ok()?;
        EndpointSlacks::parse(&bytes)
    };
    let worst = |slacks: &EndpointSlacks| slacks.worst(Check::Setup).into_values().collect();
    let (own, before) = (of(attempt)?, of(parent)?);
    // Of other scenes, another worst.
    let scenes = own.scenes(Check::Setup);
    (scenes == before.scenes(Check::Setup)).then(|| SlackSpread {
        scenes: scenes.into_iter().map(str::to_owned).collect(),
        parent: worst(&before),
        case: worst(&own),
    })
}

/// The heat maps of an attempt beside those of its parent's, each pair with its difference.
pub(super) fn maps(
    folder: &RunFolder,
    design: &str,
    attempt: AttemptId,
    parent: Option<AttemptId>,
    source: &str,
) -> Vec<MapPicture> {
    let own = maps_of(folder, design, attempt);
    let before = parent
        .map(|parent| maps_of(folder, design, parent))
        .unwrap_or_default();
    let footer = Footer {
        source: source.to_owned(),
        hash: String::new(),
    };
    let mut pictures = Vec::new();
    for (name, map) in &own {
        let former = before
            .iter()
            .find(|(found, _)| found == name)
            .map(|(_, map)| map);
        let panel = |title, map| MapPanel {
            title,
            map,
            outline: None,
            hotspots: None,
            paths: &[],
        };
        let panels: Vec<MapPanel<'_>> = former
            .map(|former| panel("parent", former))
            .into_iter()
            .chain([panel("case", map)])
            .collect();
        pictures.push(MapPicture {
            title: map.kind.title().to_owned(),
            svg: maps_svg(&panels, &footer),
        });
        let difference = former.and_then(|former| MapDifference::between(former, map, 0.0).ok());
        if let Some(difference) = difference {
            let title = format!("{}: what changed from the parent", map.kind.title());
            pictures.push(MapPicture {
                svg: difference_svg(&title, &difference, None, &footer),
                title,
            });
        }
    }
    pictures
}

fn maps_of(folder: &RunFolder, design: &str, attempt: AttemptId) -> Vec<(String, SpatialMap)> {
    let place = folder.attempt(design, attempt);
    let Ok(index) = ArtifactIndex::read(&place) else {
        return Vec::new();
    };
    index
        .files
        .iter()
        .filter_map(|file| {
            let kind = file
                .path
                .strip_prefix("heatmap-")?
                .strip_suffix(".csv")?
                .to_owned();
            let mut bytes = Vec::new();
            index
                .open(&place, &file.path)?
                .ok()?
                .read_to_end(&mut bytes)
                .ok()?;
            let map = SpatialMap::read_csv(&bytes, MapKind::of_name(&kind), None).ok()?;
            Some((kind, map))
        })
        .collect()
}
