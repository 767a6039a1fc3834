//! The ECO catalogue: what comes with the program and what the user's folders add.
//!
//! Owns the reading and checking of manifests. Never runs an ECO.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use noodle2_model::{ContentHash, EcoImplementation, EcoManifest};

use crate::manifest;

/// The folders of the built-in ECOs: names, and files with their contents.
type EcoFolders = &'static [(&'static str, &'static [(&'static str, &'static [u8])])];

const BUILT_IN: EcoFolders = include!(concat!(env!("OUT_DIR"), "/built_in_ecos.rs"));

/// The name of the file that declares an ECO.
pub const MANIFEST_FILE: &str = "eco.yaml";

/// An ECO: its declaration and all its files.
#[derive(Clone, PartialEq, Debug)]
pub struct Eco {
    /// What its manifest declares.
    pub manifest: EcoManifest,
    /// Every file of its folder by name, the manifest included.
    pub files: BTreeMap<String, Vec<u8>>,
    /// The hash over names and contents of its files.
    pub content: ContentHash,
    /// Where it comes from.
    pub origin: EcoOrigin,
}

/// Where an ECO comes from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum EcoOrigin {
    /// It comes with the program.
    BuiltIn,
    /// It lies in this folder.
    Folder(PathBuf),
}

impl fmt::Display for EcoOrigin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BuiltIn => formatter.write_str("the built-in catalogue"),
            Self::Folder(folder) => write!(formatter, "`{}`", folder.display()),
        }
    }
}

/// An ECO that stands in for another of the same name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Replacement {
    /// The name of both.
    pub name: String,
    /// Where the one that counts comes from.
    pub counts: EcoOrigin,
    /// Where the one that it hides comes from.
    pub hidden: EcoOrigin,
}

impl fmt::Display for Replacement {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "ECO `{}` of {} is used instead of that of {}",
            self.name, self.counts, self.hidden
        )
    }
}

/// Something wrong in the catalogue.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueProblem {
    /// A folder or file cannot be read.
    #[error("cannot read `{}`: {source}", path.display())]
    Read {
        /// The folder or file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A folder of the search path holds no ECO.
    #[error("`{}` holds neither an `{MANIFEST_FILE}` nor a folder with one", path.display())]
    Empty {
        /// The folder.
        path: PathBuf,
    },
    /// A manifest is not in order.
    #[error("ECO `{eco}` of {origin}: {message}")]
    Manifest {
        /// The ECO, by the name of its folder.
        eco: String,
        /// Where it comes from.
        origin: EcoOrigin,
        /// What is wrong, with line and column where there is one.
        message: String,
    },
}

impl CatalogueProblem {
    /// The stable code of this kind of problem.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Read { .. } => "N2-ECO-001",
            Self::Empty { .. } => "N2-ECO-002",
            Self::Manifest { .. } => "N2-ECO-003",
        }
    }
}

/// All ECOs that a study can name.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Catalogue {
    ecos: BTreeMap<String, Eco>,
    replacements: Vec<Replacement>,
}

impl Catalogue {
    /// Reads the folders of `eco_path` and the built-in catalogue, as [`Self::survey`].
    ///
    /// # Errors
    /// Every problem in every folder.
    pub fn load(eco_path: &[PathBuf]) -> Result<Self, Vec<CatalogueProblem>> {
        let (catalogue, problems) = Self::survey(eco_path);
        match problems.is_empty() {
            true => Ok(catalogue),
            false => Err(problems),
        }
    }

    /// Reads the folders of `eco_path` and the built-in catalogue: the ECOs that are in order, and every
    /// problem in every folder. A folder of the path holds ECO folders, and no others, or is one. Of two ECOs
    /// of one name the first counts, the built-in ones being last; this is told by [`Self::replacements`].
    pub fn survey(eco_path: &[PathBuf]) -> (Self, Vec<CatalogueProblem>) {
        let mut catalogue = Self::default();
        let mut problems = Vec::new();
        for folder in eco_path {
            match eco_folders(folder) {
                Ok(folders) => {
                    for folder in folders {
                        catalogue.admit(read_folder(&folder), &mut problems);
                    }
                }
                Err(problem) => problems.push(problem),
            }
        }
        for (name, files) in BUILT_IN {
            let files = files
                .iter()
                .map(|(name, content)| ((*name).to_owned(), content.to_vec()))
                .collect();
            catalogue.admit(Eco::new(name, files, EcoOrigin::BuiltIn), &mut problems);
        }
        (catalogue, problems)
    }

    fn admit(
        &mut self,
        eco: Result<Eco, Vec<CatalogueProblem>>,
        problems: &mut Vec<CatalogueProblem>,
    ) {
        let eco = match eco {
            Ok(eco) => eco,
            Err(found) => return problems.extend(found),
        };
        let name = eco.manifest.name.clone();
        match self.ecos.get(&name) {
            Some(first) => self.replacements.push(Replacement {
                name,
                counts: first.origin.clone(),
                hidden: eco.origin,
            }),
            None => {
                self.ecos.insert(name, eco);
            }
        }
    }

    /// The ECO of this name.
    pub fn get(&self, name: &str) -> Option<&Eco> {
        self.ecos.get(name)
    }

    /// All ECOs, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Eco)> {
        self.ecos.iter().map(|(name, eco)| (name.as_str(), eco))
    }

    /// The ECOs that stand in for others of the same name.
    pub fn replacements(&self) -> &[Replacement] {
        &self.replacements
    }
}

impl Eco {
    /// Whether it is told the seed: a file of it speaks of one.
    pub fn uses_seed(&self) -> bool {
        self.speaks_of("seed")
    }

    /// Whether its trial's number can be seen in what it makes: it may make new objects, or a file of it speaks of
    /// the prefix of their names. Any other is given a prefix that is the same for all trials.
    pub fn makes_names(&self) -> bool {
        self.manifest.changes_connectivity || self.is_command() || self.speaks_of("prefix")
    }

    /// Whether a program of its own carries it out.
    pub fn is_command(&self) -> bool {
        matches!(self.manifest.implementation, EcoImplementation::Command(_))
    }

    fn speaks_of(&self, word: &str) -> bool {
        let word = word.as_bytes();
        let mut files = self.files.values();
        files.any(|content| content.windows(word.len()).any(|found| found == word))
    }

    /// Checks an ECO whose folder is called `name`.
    ///
    /// # Errors
    /// Every problem of its manifest.
    pub fn new(
        name: &str,
        files: BTreeMap<String, Vec<u8>>,
        origin: EcoOrigin,
    ) -> Result<Self, Vec<CatalogueProblem>> {
        let problem = |message: String| CatalogueProblem::Manifest {
            eco: name.to_owned(),
            origin: origin.clone(),
            message,
        };
        let text = files
            .get(MANIFEST_FILE)
            .ok_or_else(|| vec![problem(format!("has no `{MANIFEST_FILE}`"))])?;
        let text = std::str::from_utf8(text)
            .map_err(|error| vec![problem(format!("`{MANIFEST_FILE}` is not UTF-8: {error}"))])?;
        let manifest: EcoManifest =
            serde_saphyr::from_str(text).map_err(|error| vec![problem(error.to_string())])?;
        let mut messages = manifest::check(&manifest);
        if manifest.name != name {
            messages.push(format!(
                "its name is `{}`, but its folder is called `{name}`",
                manifest.name
            ));
        }
        match &manifest.implementation {
            EcoImplementation::Tcl(file) if !files.contains_key(file) => {
                messages.push(format!("its implementation `{file}` is not in its folder"));
            }
            EcoImplementation::Command(words) if words.is_empty() => {
                messages.push("its command is empty".to_owned());
            }
            _ => {}
        }
        for (engine, file) in &manifest.scripts {
            if !files.contains_key(file) {
                messages.push(format!(
                    "its script `{file}` for `{engine}` is not in its folder"
                ));
            }
            if !manifest.engines.contains(engine) {
                messages.push(format!(
                    "it has a script for `{engine}`, which is not among its engines"
                ));
            }
        }
        match messages.is_empty() {
            true => Ok(Self {
                content: content_hash(&files),
                manifest,
                files,
                origin,
            }),
            false => Err(messages.into_iter().map(problem).collect()),
        }
    }
}

/// Names and contents, each with its length before it, so that no two catalogues hash alike by chance
/// of concatenation.
fn content_hash(files: &BTreeMap<String, Vec<u8>>) -> ContentHash {
    let mut hasher = blake3::Hasher::new();
    for (name, content) in files {
        for part in [name.as_bytes(), content] {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
    }
    ContentHash::from_bytes(*hasher.finalize().as_bytes())
}

fn read_error(path: &Path) -> impl FnOnce(std::io::Error) -> CatalogueProblem {
    let path = path.to_owned();
    move |source| CatalogueProblem::Read { path, source }
}

/// The folders in `folder`, each of which must be an ECO, or `folder` itself when it is one.
fn eco_folders(folder: &Path) -> Result<Vec<PathBuf>, CatalogueProblem> {
    if folder.join(MANIFEST_FILE).is_file() {
        return Ok(vec![folder.to_owned()]);
    }
    let folders: Vec<PathBuf> = entries(folder)?
        .into_iter()
        .filter(|path| path.is_dir())
        .collect();
    match folders.is_empty() {
        true => Err(CatalogueProblem::Empty {
            path: folder.to_owned(),
        }),
        false => Ok(folders),
    }
}

/// The paths in a folder in alphabetical order, hidden ones left out.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, CatalogueProblem> {
    let mut paths = std::fs::read_dir(folder)
        .and_then(|entries| {
            entries
                .map(|entry| Ok(entry?.path()))
                .collect::<Result<Vec<_>, _>>()
        })
        .map_err(read_error(folder))?;
    paths.retain(|path| !file_name(path).starts_with('.'));
    paths.sort();
    Ok(paths)
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

fn read_folder(folder: &Path) -> Result<Eco, Vec<CatalogueProblem>> {
    let mut files = BTreeMap::new();
    for path in entries(folder).map_err(|problem| vec![problem])? {
        if path.is_file() {
            let content = std::fs::read(&path)
                .map_err(read_error(&path))
                .map_err(|problem| vec![problem])?;
            files.insert(file_name(&path), content);
        }
    }
    let name = folder
        .canonicalize()
        .map(|folder| file_name(&folder))
        .unwrap_or_else(|_| file_name(folder));
    Eco::new(&name, files, EcoOrigin::Folder(folder.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write_eco(folder: &Path, name: &str, manifest: &str) {
        let folder = folder.join(name);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(MANIFEST_FILE), manifest).unwrap();
        std::fs::write(folder.join("eco.tcl"), "note ran 1\n").unwrap();
    }

    fn manifest(name: &str) -> String {
        format!(
            "name: {name}\nversion: 1\nclass: topology_neutral\nengines: [opensta]\ndescription: d\n\
             parameters:\n  cells:\n    description: How many.\n    type: integer\n    min: 1\n    max: 9\n    default: 3\n\
             changes_connectivity: false\nimplementation:\n  tcl: eco.tcl\n"
        )
    }

    fn problems(name: &str, text: &str) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        write_eco(folder.path(), name, text);
        Catalogue::load(&[folder.path().to_owned()])
            .unwrap_err()
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn every_built_in_eco_is_in_order() {
        let catalogue = Catalogue::load(&[]).unwrap_or_else(|problems| panic!("{problems:#?}"));
        assert!(catalogue.get("noop").is_some());
        assert!(catalogue.replacements().is_empty());
    }

    #[test]
    fn a_users_eco_counts_before_a_built_in_one_and_that_is_told() {
        let folder = tempfile::tempdir().unwrap();
        write_eco(folder.path(), "noop", &manifest("noop"));
        write_eco(folder.path(), "mine", &manifest("mine"));
        let catalogue = Catalogue::load(&[folder.path().to_owned()]).unwrap();
        assert_eq!(catalogue.get("noop").unwrap().manifest.parameters.len(), 1);
        assert!(catalogue.get("mine").is_some());
        assert_eq!(catalogue.replacements().len(), 1);
        assert_eq!(catalogue.replacements()[0].hidden, EcoOrigin::BuiltIn);
    }

    #[test]
    fn the_hash_covers_every_file() {
        let folder = tempfile::tempdir().unwrap();
        write_eco(folder.path(), "mine", &manifest("mine"));
        let content = || {
            Catalogue::load(&[folder.path().to_owned()])
                .unwrap()
                .get("mine")
                .unwrap()
                .content
        };
        let before = content();
        assert_eq!(content(), before);
        std::fs::write(folder.path().join("mine/helper.tcl"), "").unwrap();
        assert_ne!(content(), before);
    }

    #[test]
    fn manifests_are_read_strictly() {
        let good = manifest("mine");
        for (from, to, expected) in [
            ("name: mine", "name: yours", "folder is called `mine`"),
            ("eco.tcl", "other.tcl", "`other.tcl` is not in its folder"),
            ("default: 3", "default: 10", "`cells`"),
            ("min: 1", "min: 10", "`cells`"),
            ("min: 1", "min: 1.5", "whole number"),
            ("    min: 1\n", "", "min"),
            ("version: 1", "version: 1\ncolour: red", "colour"),
            ("    max: 9", "    max: 9\n    step: 2", "step"),
            ("    max: 9", "    max: 9\n    choices: [a]", "choices"),
            ("topology_neutral", "harmless", "harmless"),
            ("type: integer", "type: whole", "whole"),
            ("cells:", "Cells of:", "Cells of"),
            ("version: 1\n", "version: 1\nversion: 2\n", "version"),
        ] {
            assert!(good.contains(from), "{from}");
            let found = problems("mine", &good.replacen(from, to, 1)).join("\n");
            assert!(found.contains(expected), "{from} -> {to}: {found}");
        }
    }

    #[test]
    fn all_problems_of_all_folders_come_at_once() {
        let folder = tempfile::tempdir().unwrap();
        write_eco(folder.path(), "one", "name: 3");
        write_eco(folder.path(), "two", "");
        let missing = folder.path().join("missing");
        let empty = folder.path().join("empty");
        std::fs::create_dir(&empty).unwrap();
        let problems = Catalogue::load(&[folder.path().to_owned(), missing, empty]).unwrap_err();
        let codes: Vec<_> = problems.iter().map(CatalogueProblem::code).collect();
        assert_eq!(
            codes,
            [
                "N2-ECO-003",
                "N2-ECO-003",
                "N2-ECO-003",
                "N2-ECO-001",
                "N2-ECO-002"
            ]
        );
    }

    #[test]
    fn what_is_in_order_is_known_beside_what_is_not() {
        let folder = tempfile::tempdir().unwrap();
        write_eco(folder.path(), "mine", &manifest("mine"));
        write_eco(folder.path(), "broken", "name: 3");
        std::fs::create_dir(folder.path().join("forgotten")).unwrap();
        std::fs::write(folder.path().join("README.md"), "mine").unwrap();
        let (catalogue, problems) = Catalogue::survey(&[folder.path().to_owned()]);
        assert!(catalogue.get("mine").is_some() && catalogue.get("noop").is_some());
        assert_eq!(problems.len(), 2, "{problems:#?}");
        let forgotten = problems[1].to_string();
        assert!(forgotten.contains("`forgotten`") && forgotten.contains("has no `eco.yaml`"));
    }
}
