//! What attempts left in a run folder, as far as pages show it. Only what the sealed index of an attempt names is read.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use noodle2_control::Case;
use noodle2_engine::EndpointSlacks;
use noodle2_layout::{MapDifference, MapKind, SpatialMap};
use noodle2_model::{AttemptId, Check, ContentHash};
use noodle2_page::{AttemptFiles, Excerpt, FileEntry, MapPicture, SlackSpread};
use noodle2_store::{Artifact, ArtifactIndex, Provenance, RunFolder};
use noodle2_view::{Footer, History, MapPanel, difference_svg, maps_svg};

/// Bytes of a script or log that a page shows.
const SHOWN: u64 = 64 * 1024;
/// Files that are shown, in the order in which they are.
const SCRIPTS: [&str; 2] = ["script.tcl", "fork.tcl"];

/// What an attempt left; `None` where it left nothing that is sealed.
pub(crate) fn of_attempt(
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
pub(crate) fn named(
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
pub(crate) fn slacks(
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

/// The heat maps of a case beside those of another, each pair with its difference; nothing where the case has none.
pub(crate) fn maps(
    folder: &RunFolder,
    history: &History,
    case: &Case,
    before: Option<&Case>,
) -> Vec<MapPicture> {
    let design = &history.controller().program().study().design.case_name;
    let own = maps_of(folder, design, case.attempt);
    let former = before.map(|before| (before, maps_of(folder, design, before.attempt)));
    let mut pictures = Vec::new();
    for map in &own {
        let footer = Footer {
            source: format!("{}, {}", history.called(), case.name),
            hash: map.content.to_string(),
        };
        let former = former.as_ref().and_then(|(before, maps)| {
            let former = maps.iter().find(|found| found.kind == map.kind)?;
            Some((before.name.to_string(), &former.map))
        });
        let name = case.name.to_string();
        let kind = map.map.kind.title();
        let panels = former.iter().map(|(name, map)| (name.as_str(), *map));
        let panels: Vec<MapPanel<'_>> = panels
            .chain([(name.as_str(), &map.map)])
            .map(|(title, map)| MapPanel {
                title,
                map,
                outline: None,
                hotspots: None,
                paths: &[],
            })
            .collect();
        pictures.push(MapPicture {
            title: match &former {
                Some((before, _)) => format!("{kind}: {before} and {name}"),
                None => format!("{kind}: {name}"),
            },
            svg: maps_svg(&panels, &footer),
        });
        let Some((before, former)) = former else {
            continue;
        };
        if let Ok(difference) = MapDifference::between(former, &map.map, 0.0) {
            let title = format!("{kind}: what changed from {before} to {name}");
            pictures.push(MapPicture {
                svg: difference_svg(&title, &difference, None, &footer),
                title,
            });
        }
    }
    pictures
}

/// A heat map that an attempt left.
struct LeftMap {
    /// Its kind, as its file is called.
    kind: String,
    /// The hash of its file.
    content: ContentHash,
    map: SpatialMap,
}

fn maps_of(folder: &RunFolder, design: &str, attempt: AttemptId) -> Vec<LeftMap> {
    let place = folder.attempt(design, attempt);
    let Ok(index) = ArtifactIndex::read(&place) else {
        return Vec::new();
    };
    let read = |file: &Artifact| {
        let kind = file.path.strip_prefix("heatmap-")?.strip_suffix(".csv")?;
        let mut bytes = Vec::new();
        let mut opened = index.open(&place, &file.path)?.ok()?;
        opened.read_to_end(&mut bytes).ok()?;
        Some(LeftMap {
            kind: kind.to_owned(),
            content: ContentHash::of(&bytes),
            map: SpatialMap::read_csv(&bytes, MapKind::of_name(kind), None).ok()?,
        })
    };
    index.files.iter().filter_map(read).collect()
}
