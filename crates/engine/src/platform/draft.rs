//! A platform file from what a folder of libraries and LEF files holds.
//!
//! What `config.mk` of a platform folder of OpenROAD-flow-scripts states is taken from there; the rest is derived from
//! libraries and LEF files, and a comment says so at each value. What neither tells is left out, and that is said too.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use noodle2_layout::{LayerDirection, Lef};
use noodle2_liberty::{IndexOptions, Library, LibraryCache, LibraryIndex};

use super::makefile::{Assignments, Stated};

/// How deep below the folder files are looked for.
const DEPTH: usize = 4;

/// How many files a folder may hold for all of them to be looked at.
const FILES: usize = 5000;

/// The text of a platform file, and what its reader must know.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PlatformDraft {
    /// The text.
    pub text: String,
    /// What was not read, or left out.
    pub remarks: Vec<String>,
}

/// A folder of which no platform can be made.
#[derive(Debug, thiserror::Error)]
pub enum DraftError {
    /// The folder cannot be read.
    #[error("cannot read `{}`: {source}", path.display())]
    Read {
        /// The folder or file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It holds more files than a kit of one platform.
    #[error("`{}` holds more than {FILES} files: name the folder of one platform", path.display())]
    TooMany {
        /// The folder.
        path: PathBuf,
    },
    /// It holds no library that can be read.
    #[error("`{}` holds no Liberty file that can be read, {DEPTH} folders deep{told}", path.display())]
    NoLibrary {
        /// The folder.
        path: PathBuf,
        /// Why those that there are cannot be.
        told: String,
    },
}

impl DraftError {
    /// The stable code of this kind of error.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Read { .. } => "N2-PLATFORM-020",
            Self::TooMany { .. } => "N2-PLATFORM-021",
            Self::NoLibrary { .. } => "N2-PLATFORM-022",
        }
    }
}

impl PlatformDraft {
    /// Makes the file of a platform of this name from `folder`; `root` is what the file says of where that is.
    ///
    /// # Errors
    /// When the folder cannot be read, or holds no library.
    pub fn of(
        folder: &Path,
        name: &str,
        root: &Path,
        cache: &LibraryCache,
    ) -> Result<Self, DraftError> {
        let mut files = Vec::new();
        walk(folder, Path::new(""), DEPTH, &mut files)?;
        if files.len() >= FILES {
            return Err(DraftError::TooMany {
                path: folder.to_owned(),
            });
        }
        files.sort();
        let config = folder.join("config.mk");
        let stated = match config.is_file() {
            false => Assignments::default(),
            true => {
                let text = std::fs::read_to_string(&config).map_err(|source| DraftError::Read {
                    path: config,
                    source,
                })?;
                Assignments::read(&text, &[("PLATFORM_DIR", ".")])
            }
        };
        let remarks = stated
            .told
            .iter()
            .map(|told| format!("config.mk, {told}"))
            .collect();
        let mut draft = Draft {
            folder,
            cache,
            stated,
            files,
            remarks,
            text: String::new(),
        };
        draft.write(name, root)?;
        Ok(Self {
            text: draft.text,
            remarks: draft.remarks,
        })
    }
}

fn walk(
    folder: &Path,
    below: &Path,
    depth: usize,
    files: &mut Vec<PathBuf>,
) -> Result<(), DraftError> {
    let here = folder.join(below);
    let failed = |source| DraftError::Read {
        path: here.clone(),
        source,
    };
    for entry in std::fs::read_dir(&here).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let path = below.join(entry.file_name());
        let full = folder.join(&path);
        if full.is_dir() && depth > 0 {
            walk(folder, &path, depth - 1, files)?;
        } else if full.is_file() {
            files.push(path);
        }
        if files.len() >= FILES {
            return Ok(());
        }
    }
    Ok(())
}

struct Draft<'a> {
    folder: &'a Path,
    cache: &'a LibraryCache,
    stated: Assignments,
    /// All files of the folder, relative to it.
    files: Vec<PathBuf>,
    remarks: Vec<String>,
    text: String,
}

/// A value and where it comes from.
struct Known<T> {
    value: T,
    from: String,
}

fn derived<T>(value: T, how: &str) -> Known<T> {
    Known {
        value,
        from: format!("derived: {how}"),
    }
}

fn read<T>(value: T, name: &str, stated: &Stated) -> Known<T> {
    Known {
        value,
        from: format!("{name}, line {} of config.mk", stated.line),
    }
}

impl Draft<'_> {
    fn write(&mut self, name: &str, root: &Path) -> Result<(), DraftError> {
        let (corners, libraries) = self.corners()?;
        let default = ["typical", "nominal", "slow"]
            .iter()
            .find(|name| corners.value.contains_key(**name));
        let default = default.map(|name| (*name).to_owned());
        let default = default
            .or_else(|| corners.value.keys().next().cloned())
            .unwrap_or_default();
        let summaries: Vec<Arc<Library>> = (corners.value.get(&default).into_iter().flatten())
            .filter_map(|path| libraries.get(path).cloned())
            .collect();
        let index = LibraryIndex::build(&summaries, &IndexOptions::default());
        self.line(&format!("name: {}", quoted(name)));
        self.line("# Write here what it is.");
        let folder = self
            .folder
            .file_name()
            .map(|name| name.to_string_lossy().into_owned());
        let description = format!("Drafted from the folder {}.", folder.unwrap_or_default());
        self.line(&format!("description: {}", quoted(&description)));
        self.line(&format!("root: {}", quoted(&root.to_string_lossy())));
        self.line(&format!("# {}", corners.from));
        self.line("corners:");
        for (corner, paths) in &corners.value {
            self.line(&format!("  {}:", quoted(corner)));
            for path in paths {
                self.line(&format!("    - {}", quoted(&path.to_string_lossy())));
            }
        }
        self.line("# derived: the typical corner where there is one");
        self.line(&format!("default_corner: {}", quoted(&default)));
        if let Some((words, stated)) = self.words("DONT_USE_CELLS") {
            let list: Vec<String> = words.iter().map(|word| quoted(word)).collect();
            self.value(
                "",
                &format!("dont_use: [{}]", list.join(", ")),
                &read((), "DONT_USE_CELLS", &stated).from,
            );
        }
        self.write_ties(&index);
        self.remarks.push(
            "threshold flavours, delay cells and clock cells cannot be told from a folder: see `threshold_suffixes`, \
             `delay_cells` and `clock_cells`"
                .to_owned(),
        );
        self.write_layout();
        Ok(())
    }

    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn value(&mut self, indent: &str, text: &str, from: &str) {
        let _ = writeln!(self.text, "{indent}# {from}\n{indent}{text}");
    }

    fn words(&self, name: &str) -> Option<(Vec<String>, Stated)> {
        let stated = self.stated.known.get(name)?;
        (!stated.words.is_empty()).then(|| (stated.words.clone(), stated.clone()))
    }

    fn word(&self, name: &str) -> Option<Known<String>> {
        let stated = self.stated.known.get(name)?;
        match stated.words.as_slice() {
            [word] => Some(read(word.clone(), name, stated)),
            _ => None,
        }
    }

    /// The path of a file that `config.mk` names, relative to the folder.
    fn file(word: &str) -> PathBuf {
        Path::new(word)
            .components()
            .filter(|part| !matches!(part, std::path::Component::CurDir))
            .collect()
    }

    /// Libraries by corner, and what each says.
    #[allow(clippy::type_complexity, reason = "two tables that are made together")]
    fn corners(
        &mut self,
    ) -> Result<
        (
            Known<BTreeMap<String, Vec<PathBuf>>>,
            BTreeMap<PathBuf, Arc<Library>>,
        ),
        DraftError,
    > {
        let stated = self.words("LIB_FILES");
        let named: Vec<PathBuf> = match &stated {
            Some((words, _)) => words.iter().map(|word| Self::file(word)).collect(),
            None => {
                let files = self.files.iter();
                files.filter(|path| is_library(path)).cloned().collect()
            }
        };
        let mut libraries = BTreeMap::new();
        let mut told = String::new();
        for path in &named {
            match self.cache.library(&self.folder.join(path)) {
                Ok(library) => drop(libraries.insert(path.clone(), library)),
                Err(error) => {
                    let _ = write!(told, "; {error}");
                    self.remarks.push(format!("left out: {error}"));
                }
            }
        }
        if libraries.is_empty() {
            return Err(DraftError::NoLibrary {
                path: self.folder.to_owned(),
                told,
            });
        }
        let mut corners: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
        match stated {
            Some((_, stated)) => {
                let paths = named.iter().filter(|path| libraries.contains_key(*path));
                corners.insert("typical".to_owned(), paths.cloned().collect());
                let from = read((), "LIB_FILES", &stated).from;
                Ok((
                    Known {
                        value: corners,
                        from: format!("{from}; the name of the corner is derived"),
                    },
                    libraries,
                ))
            }
            None => {
                for path in libraries.keys() {
                    corners
                        .entry(corner_of(path).to_owned())
                        .or_default()
                        .push(path.clone());
                }
                let corners = split_by_cells(corners, &libraries);
                Ok((
                    derived(corners, "corners from the names of the files"),
                    libraries,
                ))
            }
        }
    }

    fn write_ties(&mut self, index: &LibraryIndex) {
        let of_config = |name: &str| {
            let (words, stated) = self.words(name)?;
            match words.as_slice() {
                [cell, pin] => Some(read(format!("{cell}/{pin}"), name, &stated)),
                _ => None,
            }
        };
        let of_index = |value: bool| {
            let tie = index.tie_cells().iter().find(|tie| tie.value == value)?;
            let name = format!("{}/{}", tie.cell, tie.pin);
            Some(derived(
                name,
                "the smallest cell that is constant by its function",
            ))
        };
        let high = of_config("TIEHI_CELL_AND_PORT").or_else(|| of_index(true));
        let low = of_config("TIELO_CELL_AND_PORT").or_else(|| of_index(false));
        match (high, low) {
            (Some(high), Some(low)) => {
                let text = format!(
                    "tie_cells: {{high: {}, low: {}}}",
                    quoted(&high.value),
                    quoted(&low.value)
                );
                let from = match high.from == low.from {
                    true => high.from,
                    false => format!("{}; {}", high.from, low.from),
                };
                self.value("", &text, &from);
            }
            _ => self
                .remarks
                .push("no `tie_cells`: the libraries have no cells that are constant".to_owned()),
        }
    }

    /// The LEF files: of the technology, then of the cells.
    fn lefs(&mut self) -> Option<(Known<Vec<PathBuf>>, Lef)> {
        let stated = self.words("TECH_LEF").zip(self.words("SC_LEF"));
        if let Some(((technology, first), (cells, second))) = stated {
            let paths: Vec<PathBuf> = technology
                .iter()
                .chain(&cells)
                .map(|word| Self::file(word))
                .collect();
            let parts: Vec<Option<Lef>> = paths.iter().map(|path| self.lef(path)).collect();
            let from = format!(
                "TECH_LEF and SC_LEF, lines {} and {} of config.mk",
                first.line, second.line
            );
            let joined = self.join(parts.into_iter().flatten())?;
            return Some((Known { value: paths, from }, joined));
        }
        let names: Vec<PathBuf> = self
            .files
            .iter()
            .filter(|path| is_lef(path))
            .cloned()
            .collect();
        let mut technology = Vec::new();
        let mut cells = Vec::new();
        for path in names {
            let Some(lef) = self.lef(&path) else { continue };
            let has_core = lef.macros.values().any(|cell| cell.is_core_cell());
            let has_layers = lef.routing_layers().next().is_some();
            match (has_layers, has_core) {
                (true, _) => technology.push((path, lef)),
                (false, true) => cells.push((path, lef)),
                (false, false) => self.remarks.push(format!(
                    "left out: `{}` has no cells of the core",
                    path.display()
                )),
            }
        }
        let several: Vec<String> = technology
            .iter()
            .map(|(path, _)| format!("`{}`", path.display()))
            .collect();
        match several.len() {
            0 => {
                self.remarks
                    .push("no `layout`: no LEF file has layers of wires".to_owned());
                return None;
            }
            1 => {}
            _ => {
                let text = format!(
                    "no `layout`: several LEF files have layers of wires, {}: name the folder of one",
                    several.join(", ")
                );
                self.remarks.push(text);
                return None;
            }
        }
        let (paths, parts): (Vec<_>, Vec<_>) = technology.into_iter().chain(cells).unzip();
        let joined = self.join(parts)?;
        Some((
            derived(
                paths,
                "the LEF file with layers first, then those with cells of the core",
            ),
            joined,
        ))
    }

    fn lef(&mut self, path: &Path) -> Option<Lef> {
        let read = std::fs::read(self.folder.join(path)).map_err(|error| error.to_string());
        match read.and_then(|text| Lef::read(&text).map_err(|error| error.to_string())) {
            Ok(lef) => Some(lef),
            Err(error) => {
                self.remarks
                    .push(format!("`{}` cannot be read: {error}", path.display()));
                None
            }
        }
    }

    fn join(&mut self, parts: impl IntoIterator<Item = Lef>) -> Option<Lef> {
        match Lef::join(parts) {
            Ok(lef) => Some(lef),
            Err(error) => {
                self.remarks.push(format!("no `layout`: {error}"));
                None
            }
        }
    }

    fn write_layout(&mut self) {
        let Some((lefs, lef)) = self.lefs() else {
            return;
        };
        let site = self.word("PLACE_SITE").or_else(|| {
            let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
            let cells = lef.macros.values().filter(|cell| cell.is_core_cell());
            cells
                .filter_map(|cell| cell.site.as_deref())
                .for_each(|site| *counts.entry(site).or_default() += 1);
            let most = counts
                .into_iter()
                .max_by_key(|(site, count)| (*count, std::cmp::Reverse(*site)));
            most.map(|(site, _)| {
                derived(site.to_owned(), "the site that most cells of the core name")
            })
        });
        let Some(site) = site else {
            self.remarks
                .push("no `layout`: no cell of the core names a site".to_owned());
            return;
        };
        let stack: Vec<&noodle2_layout::Layer> = lef.routing_layers().collect();
        let Some(top) = stack.last() else { return };
        // The lowest layer is where pins of cells lie.
        let lowest = stack.get(1).unwrap_or(top).name.clone();
        let low = self
            .word("MIN_ROUTING_LAYER")
            .unwrap_or_else(|| derived(lowest, "the second layer of the stack"));
        let high = self
            .word("MAX_ROUTING_LAYER")
            .unwrap_or_else(|| derived(top.name.clone(), "the top of the stack"));
        let clock = self
            .word("MIN_CLK_ROUTING_LAYER")
            .unwrap_or_else(|| derived(low.value.clone(), "as for signals"));
        let start = stack
            .iter()
            .position(|layer| layer.name == low.value)
            .unwrap_or(0);
        let upwards = |direction: LayerDirection| {
            let layer = stack
                .iter()
                .skip(start)
                .find(|layer| layer.direction == Some(direction));
            layer.map(|layer| {
                derived(
                    layer.name.clone(),
                    "the lowest layer for signals of that direction",
                )
            })
        };
        let horizontal = self
            .word("IO_PLACER_H")
            .or_else(|| upwards(LayerDirection::Horizontal));
        let vertical = self
            .word("IO_PLACER_V")
            .or_else(|| upwards(LayerDirection::Vertical));
        let (Some(horizontal), Some(vertical)) = (horizontal, vertical) else {
            self.remarks
                .push("no `layout`: the LEF files state no directions of layers".to_owned());
            return;
        };
        self.line("layout:");
        let list: Vec<String> = lefs
            .value
            .iter()
            .map(|path| quoted(&path.to_string_lossy()))
            .collect();
        self.value("  ", &format!("lefs: [{}]", list.join(", ")), &lefs.from);
        self.value("  ", &format!("site: {}", quoted(&site.value)), &site.from);
        self.line("  routing_layers:");
        let text = format!("signal: [{}, {}]", quoted(&low.value), quoted(&high.value));
        self.value("    ", &text, &format!("{}; {}", low.from, high.from));
        let text = format!("clock: [{}, {}]", quoted(&clock.value), quoted(&high.value));
        self.value("    ", &text, &format!("{}; {}", clock.from, high.from));
        self.line("  pin_layers:");
        self.value(
            "    ",
            &format!("horizontal: {}", quoted(&horizontal.value)),
            &horizontal.from,
        );
        self.value(
            "    ",
            &format!("vertical: {}", quoted(&vertical.value)),
            &vertical.from,
        );
        let wire = stack
            .get(start + 1)
            .or(stack.get(start))
            .map_or(&top.name, |layer| &layer.name)
            .clone();
        let text = format!("wire_layers: {{signal: {0}, clock: {0}}}", quoted(&wire));
        self.value("  ", &text, "derived: the second layer for signals");
        for (key, name) in [("rc", "SET_RC_TCL"), ("tracks", "MAKE_TRACKS")] {
            if let Some(file) = self.word(name) {
                let path = Self::file(&file.value);
                self.value(
                    "  ",
                    &format!("{key}: {}", quoted(&path.to_string_lossy())),
                    &file.from,
                );
            }
        }
        self.write_utilisation();
        if let Some(tap) = self.word("TAP_CELL_NAME") {
            let text = format!(
                "# tap_cells: {{distance_um: , cell: {}}}",
                quoted(&tap.value)
            );
            let from = format!(
                "{}; it states no distance, without which taps cannot be placed",
                tap.from
            );
            self.value("  ", &text, &from);
            self.remarks.push(format!(
                "no `tap_cells`: nothing states how far apart `{}` may stand",
                tap.value
            ));
        }
    }

    fn write_utilisation(&mut self) {
        let density = self.word("PLACE_DENSITY");
        let share = density
            .as_ref()
            .and_then(|density| density.value.parse::<f64>().ok());
        let (text, from) = match (share, &density) {
            (Some(share), Some(density)) if share > 0.0 && share <= 1.0 => {
                let most = (100.0 * share).round();
                let text = format!(
                    "utilisation_percent: {{min: {}, max: {most}}}",
                    (most / 2.0).round().max(1.0)
                );
                (
                    text,
                    format!(
                        "{}: a design of more does not fit at that density; the least is half of it, derived",
                        density.from
                    ),
                )
            }
            _ => (
                "utilisation_percent: {min: 30, max: 70}".to_owned(),
                "derived: from nothing in the folder; what digital cores usually have".to_owned(),
            ),
        };
        self.value("  ", &text, &from);
    }
}

fn ends_with(path: &Path, endings: &[&str]) -> bool {
    let name = path
        .file_name()
        .map(|name| name.to_string_lossy().to_lowercase())
        .unwrap_or_default();
    endings.iter().any(|ending| name.ends_with(ending))
}

fn is_library(path: &Path) -> bool {
    ends_with(path, &[".lib", ".lib.gz"])
}

fn is_lef(path: &Path) -> bool {
    ends_with(path, &[".lef", ".tlef"])
}

fn stem(path: &Path) -> String {
    let name = path
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    name.trim_end_matches(".gz")
        .trim_end_matches(".lib")
        .to_owned()
}

/// The corner that the name of a library tells, or `typical` where it tells none.
fn corner_of(path: &Path) -> &'static str {
    const WORDS: [(&str, &[&str]); 3] = [
        ("typical", &["typ", "typical", "tt", "nom", "nominal", "tc"]),
        ("slow", &["slow", "ss", "wc", "worst"]),
        ("fast", &["fast", "ff", "bc", "best"]),
    ];
    let name = stem(path).to_lowercase();
    let parts: BTreeSet<&str> = name
        .split(|letter: char| !letter.is_ascii_alphanumeric())
        .collect();
    let found = WORDS
        .iter()
        .find(|(_, words)| words.iter().any(|word| parts.contains(word)));
    found.map_or("typical", |(corner, _)| corner)
}

/// Corners whose libraries share cells are several corners: each such library is one by its own name.
fn split_by_cells(
    corners: BTreeMap<String, Vec<PathBuf>>,
    libraries: &BTreeMap<PathBuf, Arc<Library>>,
) -> BTreeMap<String, Vec<PathBuf>> {
    let mut split = BTreeMap::new();
    for (corner, paths) in corners {
        let mut seen = BTreeSet::new();
        let cells = paths
            .iter()
            .filter_map(|path| libraries.get(path))
            .flat_map(|library| library.cells.keys());
        let shared = cells.into_iter().any(|cell| !seen.insert(cell));
        match shared {
            false => drop(split.insert(corner, paths)),
            true => split.extend(paths.into_iter().map(|path| (stem(&path), vec![path]))),
        }
    }
    split
}

/// A text as YAML takes it, whatever it holds.
fn quoted(text: &str) -> String {
    const WORDS: [&str; 7] = ["true", "false", "null", "yes", "no", "on", "off"];
    let is_plain = text.starts_with(|letter: char| letter.is_ascii_alphabetic())
        && (text.chars()).all(|letter| letter.is_ascii_alphanumeric() || "_./-".contains(letter))
        && !WORDS.contains(&text.to_ascii_lowercase().as_str());
    match is_plain {
        true => text.to_owned(),
        false => serde_json::Value::from(text).to_string(),
    }
}
