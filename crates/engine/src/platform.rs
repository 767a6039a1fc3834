//! Platforms: which libraries a kit has, and what its cells' names mean.
//!
//! Owns the built-in platform files and the reading of others. Never opens a library: what can be
//! derived from the libraries (drive families, buffers, functions) is derived there, and a platform
//! file only says what no library states.

mod check;
mod draft;
mod makefile;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use noodle2_liberty::IndexOptions;
use noodle2_model::ContentHash;
use serde::Deserialize;

pub use check::{CornerFacts, LefFacts, PlatformCheck, PlatformFinding};
pub use draft::{DraftError, PlatformDraft};

/// The platform files that come with the program.
const BUILT_IN: [(&str, &str); 4] = [
    ("asap7", include_str!("../../../platforms/asap7.yaml")),
    (
        "nangate45",
        include_str!("../../../platforms/nangate45.yaml"),
    ),
    ("osu018", include_str!("../../../platforms/osu018.yaml")),
    ("sky130hd", include_str!("../../../platforms/sky130hd.yaml")),
];

/// A platform whose root folder is known.
#[derive(Clone, PartialEq, Debug)]
pub struct Platform {
    /// What its file declares.
    pub declaration: PlatformFile,
    /// The folder that its libraries are relative to.
    pub root: PathBuf,
    /// Where its file lies, or `built-in:<name>`.
    pub origin: PathBuf,
    /// The hash of its file.
    pub content: ContentHash,
}

/// The content of a platform file.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlatformFile {
    /// The platform's name, as studies use it.
    pub name: String,
    /// What it is, in a sentence.
    pub description: String,
    /// The folder of its libraries, relative to the file. Absent in a built-in platform whose libraries
    /// lie where the user says.
    #[serde(default)]
    pub root: Option<PathBuf>,
    /// The command that installs its libraries, where one does.
    #[serde(default)]
    pub install: Option<String>,
    /// Libraries by corner, relative to the root folder, in the order in which they are read.
    pub corners: BTreeMap<String, Vec<PathBuf>>,
    /// The corner of a scene that names none.
    pub default_corner: String,
    /// Patterns of cells that are not to be used, beside those that the libraries mark.
    #[serde(default)]
    pub dont_use: Vec<String>,
    /// Endings of cell names that stand for a threshold flavour.
    #[serde(default)]
    pub threshold_suffixes: Vec<String>,
    /// Patterns of delay cells.
    #[serde(default)]
    pub delay_cells: Vec<String>,
    /// Patterns of clock cells.
    #[serde(default)]
    pub clock_cells: Vec<String>,
    /// Buffers from weak to strong, instead of those that follow from the libraries.
    #[serde(default)]
    pub buffers: Vec<String>,
    /// Inverters from weak to strong, instead of those that follow from the libraries.
    #[serde(default)]
    pub inverters: Vec<String>,
    /// The outputs of the cells that hold nets at a constant.
    #[serde(default)]
    pub tie_cells: Option<TieCells>,
    /// What placing and routing needs to know; absent where the platform only times.
    #[serde(default)]
    pub layout: Option<LayoutData>,
}

/// What an engine needs to know of a platform to place and route. Files are relative to the root folder.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayoutData {
    /// LEF files, the technology first.
    pub lefs: Vec<PathBuf>,
    /// The site of the rows, by its name in the LEF.
    pub site: String,
    /// The layers that wires may take.
    pub routing_layers: RoutingLayers,
    /// The layers of pins at the edge of the die.
    pub pin_layers: PinLayers,
    /// The layers whose resistance and capacitance stand for all wires before they are routed.
    pub wire_layers: WireLayers,
    /// A Tcl file that states the resistance and capacitance of layers (`set_layer_rc`), and of wires if it likes; without
    /// one, those of the LEF hold.
    #[serde(default)]
    pub rc: Option<PathBuf>,
    /// A Tcl file that makes the tracks (`make_tracks`).
    #[serde(default)]
    pub tracks: Option<PathBuf>,
    /// Shares of the capacity of layers that global routing leaves free, by layer or `FIRST-LAST`.
    #[serde(default)]
    pub layer_adjustments: BTreeMap<String, f64>,
    /// The share of the core that cells may take when a design is placed, in percent.
    pub utilisation_percent: PercentRange,
    /// Sites left free beside each cell, in global and in detailed placement.
    #[serde(default)]
    pub padding: Padding,
    /// Cells that tie the wells, where the platform has some apart from its other cells.
    #[serde(default)]
    pub tap_cells: Option<TapCells>,
    /// What users must know of it, for people.
    #[serde(default)]
    pub notes: Vec<String>,
}

/// The layers that wires may take, first to last.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoutingLayers {
    /// Of signals.
    pub signal: [String; 2],
    /// Of clocks.
    pub clock: [String; 2],
}

/// The layers of pins at the edge of the die, by the direction of their wires.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PinLayers {
    /// At the left and right edges.
    pub horizontal: String,
    /// At the upper and lower edges.
    pub vertical: String,
}

/// The layers that stand for all wires before they are routed. Without one, the file of `rc` says so itself.
#[derive(Clone, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WireLayers {
    /// Of signals.
    #[serde(default)]
    pub signal: Option<String>,
    /// Of clocks.
    #[serde(default)]
    pub clock: Option<String>,
}

/// A range of percentages.
#[derive(Clone, Copy, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PercentRange {
    /// The least that makes sense.
    pub min: f64,
    /// The most that can be routed as a rule.
    pub max: f64,
}

/// Sites left free on each side of a cell.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Padding {
    /// In global placement.
    pub global: u32,
    /// In detailed placement.
    pub detailed: u32,
}

/// Cells that tie the wells.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TapCells {
    /// Their greatest distance, in µm.
    pub distance_um: f64,
    /// The cell.
    pub cell: String,
    /// The cell at the ends of rows, where there is one.
    #[serde(default)]
    pub endcap: Option<String>,
}

/// The outputs of the cells that hold nets at a constant, as `CELL/PIN`.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TieCells {
    /// Constant 1.
    pub high: String,
    /// Constant 0.
    pub low: String,
}

/// A platform that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PlatformError {
    /// No built-in platform and no file has this name.
    #[error("there is no platform `{name}`{}", nearest.as_ref().map(|nearest| format!("; did you mean `{nearest}`?")).unwrap_or_default())]
    Unknown {
        /// The name.
        name: String,
        /// The nearest built-in name, if one is near.
        nearest: Option<String>,
    },
    /// The platform file cannot be read.
    #[error("cannot read the platform file `{}`: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The platform file does not say what a platform file says.
    #[error("platform file `{}`: {message}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong, with line and column where there is one.
        message: String,
    },
    /// Nobody said where the platform's libraries lie.
    #[error(
        "nobody said where the libraries of platform `{name}` lie: set `design.platform_root` in the study, `--platform-root`, or the variable {variable}"
    )]
    NoRoot {
        /// The platform.
        name: String,
        /// The variable of the environment that can name the folder.
        variable: String,
    },
    /// The platform has no such corner.
    #[error("platform `{platform}` has no corner `{corner}`; it has {known}")]
    UnknownCorner {
        /// The platform.
        platform: String,
        /// The corner.
        corner: String,
        /// The corners that it has.
        known: String,
    },
    /// The platform says nothing of placing and routing.
    #[error(
        "platform `{platform}` has no `layout`: it says nothing of LEF files, sites and layers, so nothing can be placed or routed with it"
    )]
    NoLayout {
        /// The platform.
        platform: String,
    },
    /// A library is not where the platform says.
    #[error("library `{}` of platform `{platform}` is not there{}", path.display(), install.as_ref().map(|command| format!("; install it with `{command}`")).unwrap_or_default())]
    MissingLibrary {
        /// The platform.
        platform: String,
        /// The library.
        path: PathBuf,
        /// The command that installs it.
        install: Option<String>,
    },
}

impl PlatformError {
    /// The stable code of this kind of error.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unknown { .. } => "N2-PLATFORM-001",
            Self::Read { .. } => "N2-PLATFORM-002",
            Self::Malformed { .. } => "N2-PLATFORM-003",
            Self::NoRoot { .. } => "N2-PLATFORM-004",
            Self::UnknownCorner { .. } => "N2-PLATFORM-005",
            Self::MissingLibrary { .. } => "N2-PLATFORM-006",
            Self::NoLayout { .. } => "N2-PLATFORM-007",
        }
    }
}

impl Platform {
    /// The names of the built-in platforms, in alphabetical order.
    pub fn built_in_names() -> impl Iterator<Item = &'static str> {
        BUILT_IN.iter().map(|(name, _)| *name)
    }

    /// The files of the built-in platforms, in alphabetical order of their names.
    ///
    /// # Errors
    /// None but of a defect: each is read in a test.
    pub fn built_in() -> Result<Vec<PlatformFile>, PlatformError> {
        let files = BUILT_IN.iter();
        files
            .map(|(name, text)| PlatformFile::parse(text, Path::new(name)))
            .collect()
    }

    /// The variable of the environment that can name a platform's root folder: `NOODLE2_PDK_<NAME>`.
    pub fn environment_variable(name: &str) -> String {
        let name: String = name
            .chars()
            .map(|character| match character.is_ascii_alphanumeric() {
                true => character.to_ascii_uppercase(),
                false => '_',
            })
            .collect();
        format!("NOODLE2_PDK_{name}")
    }

    /// Reads a platform: a built-in one by name, or a file by its path, as a path with a `/` or the
    /// ending `.yaml` or `.yml`. Its root folder is `root`, else what [`Self::environment_variable`]
    /// names, else what the file says.
    ///
    /// # Errors
    /// When there is no such platform, its file is not in order, or nobody names its root folder.
    pub fn load(name_or_path: &str, root: Option<&Path>) -> Result<Self, PlatformError> {
        Self::load_with(name_or_path, root, |variable| {
            let value = std::env::var_os(variable)?;
            (!value.is_empty()).then(|| PathBuf::from(value))
        })
    }

    fn load_with(
        name_or_path: &str,
        root: Option<&Path>,
        environment: impl Fn(&str) -> Option<PathBuf>,
    ) -> Result<Self, PlatformError> {
        let (declaration, origin, content) = match find_built_in(name_or_path) {
            Some(text) => {
                let origin = PathBuf::from(format!("built-in:{name_or_path}"));
                (
                    PlatformFile::parse(text, &origin)?,
                    origin,
                    ContentHash::of(text),
                )
            }
            None if looks_like_a_path(name_or_path) => {
                let path = PathBuf::from(name_or_path);
                let text =
                    std::fs::read_to_string(&path).map_err(|source| PlatformError::Read {
                        path: path.clone(),
                        source,
                    })?;
                (
                    PlatformFile::parse(&text, &path)?,
                    path,
                    ContentHash::of(&text),
                )
            }
            None => {
                return Err(PlatformError::Unknown {
                    name: name_or_path.to_owned(),
                    nearest: nearest_name(name_or_path),
                });
            }
        };
        let variable = Self::environment_variable(&declaration.name);
        let is_file = find_built_in(name_or_path).is_none();
        let file_folder = || is_file.then(|| origin.parent().unwrap_or(Path::new("")));
        let declared = || match (&declaration.root, file_folder()) {
            (Some(root), Some(folder)) => Some(folder.join(root)),
            (Some(root), None) => Some(root.clone()),
            (None, folder) => folder.map(Path::to_owned),
        };
        let root = root
            .map(Path::to_owned)
            .or_else(|| environment(&variable))
            .or_else(declared)
            .ok_or_else(|| PlatformError::NoRoot {
                name: declaration.name.clone(),
                variable: variable.clone(),
            })?;
        Ok(Self {
            declaration,
            root,
            origin,
            content,
        })
    }

    /// The libraries of a corner (the default one when none is named), in the order in which they are
    /// read.
    ///
    /// # Errors
    /// When the platform has no such corner or a library is not there.
    pub fn libraries(&self, corner: Option<&str>) -> Result<Vec<PathBuf>, PlatformError> {
        let corner = corner.unwrap_or(&self.declaration.default_corner);
        let files = self.declaration.corners.get(corner).ok_or_else(|| {
            let known: Vec<_> = self.declaration.corners.keys().cloned().collect();
            PlatformError::UnknownCorner {
                platform: self.declaration.name.clone(),
                corner: corner.to_owned(),
                known: known.join(", "),
            }
        })?;
        files.iter().map(|file| self.existing(file)).collect()
    }

    /// What placing and routing needs to know.
    ///
    /// # Errors
    /// When the platform only times.
    pub fn layout(&self) -> Result<&LayoutData, PlatformError> {
        let layout = self.declaration.layout.as_ref();
        layout.ok_or_else(|| PlatformError::NoLayout {
            platform: self.declaration.name.clone(),
        })
    }

    /// The path of a file of [`LayoutData`].
    ///
    /// # Errors
    /// When it is not there.
    pub fn layout_file(&self, file: &Path) -> Result<PathBuf, PlatformError> {
        let path = self.root.join(file);
        match path.is_file() {
            true => Ok(path),
            false => Err(PlatformError::MissingLibrary {
                platform: self.declaration.name.clone(),
                path,
                install: None,
            }),
        }
    }

    /// The library itself, or the same file plain where it is named compressed, or the other way round.
    fn existing(&self, file: &Path) -> Result<PathBuf, PlatformError> {
        let named = self.root.join(file);
        let other = match named.extension().is_some_and(|ending| ending == "gz") {
            true => named.with_extension(""),
            false => {
                let mut name = named.clone().into_os_string();
                name.push(".gz");
                PathBuf::from(name)
            }
        };
        [&named, &other]
            .into_iter()
            .find(|path| path.is_file())
            .cloned()
            .ok_or_else(|| PlatformError::MissingLibrary {
                platform: self.declaration.name.clone(),
                path: named.clone(),
                install: self.declaration.install.clone(),
            })
    }

    /// What the reader of libraries must know of the platform's cell names.
    pub fn index_options(&self) -> IndexOptions {
        let declared = &self.declaration;
        let mut options = IndexOptions {
            threshold_suffixes: declared.threshold_suffixes.clone(),
            delay_patterns: declared.delay_cells.clone(),
            dont_use_patterns: declared.dont_use.clone(),
            ..IndexOptions::default()
        };
        if !declared.clock_cells.is_empty() {
            options.clock_patterns = declared.clock_cells.clone();
        }
        options
    }
}

fn find_built_in(name: &str) -> Option<&'static str> {
    BUILT_IN
        .iter()
        .find(|(built_in, _)| *built_in == name)
        .map(|(_, text)| *text)
}

fn looks_like_a_path(name: &str) -> bool {
    name.contains('/') || name.ends_with(".yaml") || name.ends_with(".yml")
}

fn nearest_name(name: &str) -> Option<String> {
    Platform::built_in_names()
        .map(|known| (strsim::damerau_levenshtein(name, known), known))
        .min()
        .filter(|(distance, known)| *distance <= known.len() / 3)
        .map(|(_, known)| known.to_owned())
}

impl PlatformFile {
    /// Reads the text of a platform file; `path` is for messages.
    ///
    /// # Errors
    /// [`PlatformError::Malformed`].
    pub fn parse(text: &str, path: &Path) -> Result<Self, PlatformError> {
        let malformed = |message: String| PlatformError::Malformed {
            path: path.to_owned(),
            message,
        };
        let file: PlatformFile =
            serde_saphyr::from_str(text).map_err(|error| malformed(error.to_string()))?;
        if !file.corners.contains_key(&file.default_corner) {
            return Err(malformed(format!(
                "`default_corner` names `{}`, which is none of the corners",
                file.default_corner
            )));
        }
        if let Some((corner, _)) = file.corners.iter().find(|(_, files)| files.is_empty()) {
            return Err(malformed(format!("corner `{corner}` has no libraries")));
        }
        let ties = file
            .tie_cells
            .iter()
            .flat_map(|ties| [&ties.high, &ties.low]);
        if let Some(tie) = ties.into_iter().find(|tie| tie.split('/').count() != 2) {
            return Err(malformed(format!("`{tie}` is not of the form `CELL/PIN`")));
        }
        Ok(file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nothing(_: &str) -> Option<PathBuf> {
        None
    }

    #[test]
    fn every_built_in_platform_is_in_order_and_has_its_own_name() {
        for (name, text) in BUILT_IN {
            let file = PlatformFile::parse(text, Path::new(name)).unwrap();
            assert_eq!(file.name, name);
        }
    }

    #[test]
    fn debians_library_is_found_without_being_told() {
        let platform = Platform::load_with("osu018", None, nothing).unwrap();
        let libraries = platform.libraries(None).unwrap();
        assert!(libraries[0].ends_with("osu018_stdcells.lib"));
    }

    #[test]
    fn the_root_is_the_flag_then_the_environment_then_the_file() {
        let environment = |variable: &str| {
            assert_eq!(variable, "NOODLE2_PDK_NANGATE45");
            Some(PathBuf::from("/from/environment"))
        };
        let flag = Some(Path::new("/from/flag"));
        let root = |root, environment: &dyn Fn(&str) -> Option<PathBuf>| {
            Platform::load_with("nangate45", root, environment).map(|platform| platform.root)
        };
        assert_eq!(root(flag, &environment).unwrap(), Path::new("/from/flag"));
        assert_eq!(
            root(None, &environment).unwrap(),
            Path::new("/from/environment")
        );
        let error = root(None, &nothing).unwrap_err();
        assert_eq!(error.code(), "N2-PLATFORM-004");
        assert!(error.to_string().contains("NOODLE2_PDK_NANGATE45"));
    }

    #[test]
    fn a_missing_library_is_named_with_what_installs_it() {
        let empty = tempfile::tempdir().unwrap();
        let platform = Platform::load_with("osu018", Some(empty.path()), nothing).unwrap();
        let message = platform.libraries(None).unwrap_err().to_string();
        assert!(message.contains("osu018_stdcells.lib"), "{message}");
        assert!(
            message.contains("apt-get install qflow-tech-osu018"),
            "{message}"
        );
    }

    #[test]
    fn names_that_are_nearly_right_are_answered_with_the_right_one() {
        let error = Platform::load_with("nangate54", None, nothing).unwrap_err();
        assert!(
            error.to_string().contains("did you mean `nangate45`?"),
            "{error}"
        );
        let platform = Platform::load_with("osu018", None, nothing).unwrap();
        let error = platform.libraries(Some("slow")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "platform `osu018` has no corner `slow`; it has typical"
        );
    }

    #[test]
    fn files_are_read_strictly() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mine.yaml");
        let good =
            "name: mine\ndescription: d\ncorners: {typical: [a.lib]}\ndefault_corner: typical\n";
        let error = |text: String| {
            std::fs::write(&path, text).unwrap();
            Platform::load_with(path.to_str().unwrap(), None, nothing)
                .map_err(|error| error.to_string())
        };
        assert_eq!(error(good.to_owned()).unwrap().root, folder.path());
        assert!(
            error(format!("{good}dont_uze: []\n"))
                .unwrap_err()
                .contains("dont_uze")
        );
        assert!(
            error(good.replace(": typical", ": best"))
                .unwrap_err()
                .contains("best")
        );
        assert!(
            error(good.replace("a.lib", ""))
                .unwrap_err()
                .contains("no libraries")
        );
    }
}
