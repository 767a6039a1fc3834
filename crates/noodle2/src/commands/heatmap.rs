//! `noodle2 heatmap`: maps over the die, read or made, summed up, compared and drawn.

use std::path::{Path, PathBuf};

use noodle2_layout::{
    BinSize, CellsWithin, CongestionDiagnosis, CongestionReport, DENSITY_BIN, Def, HotRatio,
    Hotspots, LayoutError, Lef, MapDifference, MapKind, PinPlaces, SpatialMap, Threshold,
};
use noodle2_model::ContentHash;
use noodle2_view::{DieOutline, Footer, MapPanel, difference_svg, maps_svg};

use crate::cli::{Format, HeatmapOption, KindOption, MadeMap};
use crate::exit::{CommandFailure, Exit};
use crate::picture;
use crate::print;

mod told;

use told::{ComparisonTold, MapTold, Told};

/// A map with what it is called and the threshold of its hotspots.
struct Named {
    title: String,
    source: String,
    map: SpatialMap,
    hotspots: Option<Hotspots>,
    cells: Option<Vec<CellsWithin>>,
}

/// A placed design with its library.
struct Placed {
    def: Def,
    lef: Lef,
    outline: DieOutline,
}

/// What was read, for the hash in the footer.
#[derive(Default)]
struct Inputs(Vec<u8>);

impl Inputs {
    fn read(&mut self, path: &Path) -> Result<Vec<u8>, CommandFailure> {
        let bytes = std::fs::read(path).map_err(|error| {
            CommandFailure::new(
                Exit::Usage,
                "N2-MAP-001",
                format!("`{}` cannot be read: {error}", path.display()),
                "name a file that is there and may be read".to_owned(),
            )
        })?;
        self.0
            .extend_from_slice(ContentHash::of(&bytes).to_string().as_bytes());
        Ok(bytes)
    }

    /// The first half of the hash over all that was read, in order.
    fn hash(&self) -> String {
        ContentHash::of(&self.0)
            .to_string()
            .chars()
            .take(32)
            .collect()
    }
}

/// Reads, makes, compares and draws maps.
pub(crate) fn heatmap(option: &HeatmapOption) -> Result<Exit, CommandFailure> {
    let mut inputs = Inputs::default();
    let placed = placed(option, &mut inputs)?;
    let told = match option.compare.as_slice() {
        [before, after] => compare(option, (before, after), placed.as_ref(), &mut inputs)?,
        _ => maps(option, placed.as_ref(), &mut inputs)?,
    };
    match option.format.format {
        Format::Json => print::json(&told)?,
        Format::Text => print::data(&told.text()),
    }
    Ok(Exit::Done)
}

fn unreadable(
    code: &str,
    path: &Path,
    what: &str,
    error: &LayoutError,
    help: &str,
) -> CommandFailure {
    let text = format!("`{}` is no {what}: {error}", path.display());
    CommandFailure::new(Exit::Usage, code, text, help.to_owned())
}

fn placed(option: &HeatmapOption, inputs: &mut Inputs) -> Result<Option<Placed>, CommandFailure> {
    let Some(path) = &option.def else {
        return Ok(None);
    };
    let mut parts = Vec::new();
    for path in &option.lef {
        let bytes = inputs.read(path)?;
        let help = "name LEF files of the technology and of its cells, as the placer read them";
        parts.push(
            Lef::read(&bytes)
                .map_err(|error| unreadable("N2-MAP-003", path, "LEF", &error, help))?,
        );
    }
    let lef = Lef::join(parts).map_err(|error| {
        let help = "name the LEF files of one technology only";
        CommandFailure::new(Exit::Usage, "N2-MAP-003", error, help.to_owned())
    })?;
    let bytes = inputs.read(path)?;
    let help = "name a whole DEF file, as `write_def` writes it";
    let def =
        Def::read(&bytes).map_err(|error| unreadable("N2-MAP-004", path, "DEF", &error, help))?;
    let outline = DieOutline::of(&def, &lef);
    Ok(Some(Placed { def, lef, outline }))
}

/// What a file shows: what was said, or what its name says.
fn kind_of(path: &Path, option: &HeatmapOption) -> MapKind {
    if let Some(kind) = option.kind {
        return match kind {
            KindOption::Placement => MapKind::Placement,
            KindOption::Pin => MapKind::Pin,
            KindOption::Power => MapKind::Power,
            KindOption::IrDrop => MapKind::IrDrop,
            KindOption::Routing => MapKind::Routing,
            KindOption::Rudy => MapKind::Rudy,
            KindOption::Other => MapKind::Other,
        };
    }
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let words = stem.split(|character: char| !character.is_ascii_alphanumeric());
    let kinds = words.map(MapKind::of_name);
    kinds
        .into_iter()
        .find(|kind| *kind != MapKind::Other)
        .unwrap_or(MapKind::Other)
}

fn read_map(
    path: &Path,
    option: &HeatmapOption,
    placed: Option<&Placed>,
    inputs: &mut Inputs,
) -> Result<SpatialMap, CommandFailure> {
    let bytes = inputs.read(path)?;
    let bins = option.bin.map(|side| BinSize {
        width: side,
        height: side,
    });
    let map = SpatialMap::read_csv(&bytes, kind_of(path, option), bins);
    let help =
        "name a file that `gui::dump_heatmap` wrote; for a table of columns and rows, tell --bin";
    let map = map.map_err(|error| unreadable("N2-MAP-002", path, "heat map", &error, help))?;
    let die =
        placed.and_then(|placed| Some(placed.def.die()?.in_microns(placed.def.units_per_micron)));
    Ok(die.map_or(map.clone(), |die| map.extended_to(die)))
}

fn made_map(
    made: MadeMap,
    option: &HeatmapOption,
    placed: &Placed,
) -> Result<SpatialMap, CommandFailure> {
    let layers = match option.layers.as_slice() {
        [lowest, highest] => Some((lowest.as_str(), highest.as_str())),
        _ => None,
    };
    let map = match made {
        MadeMap::Density => {
            SpatialMap::density(&placed.def, &placed.lef, option.bin.unwrap_or(DENSITY_BIN))
        }
        MadeMap::Rudy => SpatialMap::rudy(&placed.def, &placed.lef, layers),
    };
    map.map_err(|error| {
        CommandFailure::new(
            Exit::Usage,
            "N2-MAP-005",
            format!("no map can be made of `{}`: {error}", placed.def.design),
            "name every LEF file of the design (--lef), a DEF file after placement, and layers that the technology has".to_owned(),
        )
    })
}

fn threshold(map: &SpatialMap, option: &HeatmapOption) -> Threshold {
    match (option.over, option.quantile, map.kind) {
        (Some(value), _, _) => Threshold::Value(value),
        (_, Some(quantile), _) => Threshold::Quantile(quantile),
        (_, _, MapKind::Routing) => Threshold::Value(100.0),
        (_, _, MapKind::Overflow) => Threshold::Value(0.0),
        _ => Threshold::Quantile(0.95),
    }
}

fn named(
    title: String,
    source: String,
    map: SpatialMap,
    option: &HeatmapOption,
    placed: Option<&Placed>,
) -> Named {
    let hotspots = option
        .hotspots
        .then(|| Hotspots::of(&map, threshold(&map, option)))
        .flatten();
    let cells = hotspots.as_ref().zip(placed);
    let cells = cells.map(|(hotspots, placed)| hotspots.cells(&map, &placed.def, &placed.lef));
    Named {
        title,
        source,
        map,
        hotspots,
        cells,
    }
}

fn maps(
    option: &HeatmapOption,
    placed: Option<&Placed>,
    inputs: &mut Inputs,
) -> Result<Told, CommandFailure> {
    let mut all = Vec::new();
    let mut congestion = None;
    if let Some((made, placed)) = option.map.zip(placed) {
        let map = made_map(made, option, placed)?;
        let source = option
            .def
            .as_deref()
            .unwrap_or(Path::new(""))
            .display()
            .to_string();
        let title = format!("{} of {}", map.kind.title(), placed.def.design);
        all.push(named(title, source, map, option, Some(placed)));
    }
    if let Some(path) = &option.congestion {
        let bytes = inputs.read(path)?;
        let help = "name a file that `global_route -congestion_report_file` wrote";
        let wrong = |error: LayoutError| {
            unreadable("N2-MAP-007", path, "report of congestion", &error, help)
        };
        let report = CongestionReport::read(&bytes).map_err(wrong)?;
        let density =
            placed.map(|placed| SpatialMap::density(&placed.def, &placed.lef, DENSITY_BIN));
        let density = density.and_then(Result::ok);
        congestion = Some(CongestionDiagnosis::of(&report, density.as_ref()).map_err(wrong)?);
        let map = report.overflow_map().map_err(wrong)?;
        let die = placed
            .and_then(|placed| Some(placed.def.die()?.in_microns(placed.def.units_per_micron)));
        let map = match die.filter(|_| map.bounds().is_some()) {
            Some(die) => map.extended_to(die),
            None => map,
        };
        let title = map.kind.title().to_owned();
        all.push(named(
            title,
            path.display().to_string(),
            map,
            option,
            placed,
        ));
    }
    for path in &option.files {
        let map = read_map(path, option, placed, inputs)?;
        all.push(named(
            title_of(path, &map, option.files.len() > 1),
            path.display().to_string(),
            map,
            option,
            placed,
        ));
    }
    if let Some(out) = &option.out {
        draw(option, placed, &all, out, inputs)?;
    }
    Ok(Told {
        maps: all.iter().map(map_told).collect(),
        congestion,
        comparison: None,
    })
}

fn map_told(named: &Named) -> MapTold {
    MapTold::new(
        &named.source,
        &named.map,
        named.hotspots.as_ref(),
        named.cells.as_deref(),
        HotRatio::of_map(&named.map),
    )
}

/// The kind with the name of the file; with that of its folder where several maps are drawn, whose files often have one name.
fn title_of(path: &Path, map: &SpatialMap, among_others: bool) -> String {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let folder = path
        .parent()
        .and_then(Path::file_name)
        .filter(|_| among_others);
    let name = folder.map_or(stem.to_string(), |folder| {
        format!("{}/{stem}", folder.to_string_lossy())
    });
    match map.kind {
        _ if among_others => name,
        MapKind::Other => name,
        _ => format!("{}: {name}", map.kind.title()),
    }
}

fn footer(option: &HeatmapOption, inputs: &Inputs) -> Footer {
    let source = match option.run.as_str() {
        "" => String::new(),
        run => format!("run {run}"),
    };
    Footer {
        source,
        hash: inputs.hash(),
    }
}

fn draw(
    option: &HeatmapOption,
    placed: Option<&Placed>,
    all: &[Named],
    out: &Path,
    inputs: &Inputs,
) -> Result<(), CommandFailure> {
    if let Some(other) = all.iter().find(|named| {
        let first = &all[0].map;
        named.map.kind != first.kind || named.map.unit != first.unit
    }) {
        return Err(CommandFailure::new(
            Exit::Usage,
            "N2-MAP-010",
            format!(
                "`{}` and `{}` show different things and cannot share one scale of colours",
                all[0].source, other.source
            ),
            "draw maps of one kind in one picture, or tell --kind where names do not".to_owned(),
        ));
    }
    let paths = paths(option, placed)?;
    let panels: Vec<MapPanel<'_>> = all
        .iter()
        .map(|named| MapPanel {
            title: &named.title,
            map: &named.map,
            outline: placed.map(|placed| &placed.outline),
            hotspots: named.hotspots.as_ref(),
            paths: &paths,
        })
        .collect();
    picture::write(&maps_svg(&panels, &footer(option, inputs)), out)
}

fn paths(
    option: &HeatmapOption,
    placed: Option<&Placed>,
) -> Result<Vec<Vec<(f64, f64)>>, CommandFailure> {
    let Some(placed) = placed.filter(|_| !option.path.is_empty()) else {
        return Ok(Vec::new());
    };
    let places = PinPlaces::of(&placed.def, &placed.lef);
    let place = |pin: &str| {
        places.place(pin).ok_or_else(|| {
            CommandFailure::new(
                Exit::Usage,
                "N2-MAP-011",
                format!(
                    "the pin `{pin}` of a path has no place in `{}`",
                    placed.def.design
                ),
                "name pins as a timing tool does: `instance/pin`, or a pin of the design"
                    .to_owned(),
            )
        })
    };
    option
        .path
        .iter()
        .map(|path| path.split(',').map(|pin| place(pin.trim())).collect())
        .collect()
}

fn compare(
    option: &HeatmapOption,
    (before, after): (&PathBuf, &PathBuf),
    placed: Option<&Placed>,
    inputs: &mut Inputs,
) -> Result<Told, CommandFailure> {
    let old = read_map(before, option, placed, inputs)?;
    let new = read_map(after, option, placed, inputs)?;
    let difference = MapDifference::between(&old, &new, option.tolerance).map_err(|error| {
        CommandFailure::new(
            Exit::Usage,
            "N2-MAP-006",
            format!("`{}` and `{}`: {error}", before.display(), after.display()),
            "compare maps of one kind and unit; tell --kind where the names of the files do not"
                .to_owned(),
        )
    })?;
    // The value that is hot before is what is hot after too: a quantile would move with the map.
    let hot = threshold(&old, option)
        .value(&old)
        .filter(|_| option.hotspots)
        .map(Threshold::Value);
    let follow = |map: &SpatialMap| Hotspots::of(map, hot?);
    let hotspots = follow(&old).zip(follow(&new));
    if let Some(out) = &option.out {
        let title = format!(
            "Change of {}",
            new.kind.title().to_lowercase().replace("rudy", "RUDY")
        );
        let outline = placed.map(|placed| &placed.outline);
        let svg = difference_svg(&title, &difference, outline, &footer(option, inputs));
        picture::write(&svg, out)?;
    }
    let told = |path: &Path, map: &SpatialMap| {
        MapTold::new(
            &path.display().to_string(),
            map,
            None,
            None,
            HotRatio::of_map(map),
        )
    };
    Ok(Told {
        maps: vec![told(before, &old), told(after, &new)],
        congestion: None,
        comparison: Some(ComparisonTold::new(
            &difference,
            (&old, &new),
            hotspots.as_ref(),
        )),
    })
}
