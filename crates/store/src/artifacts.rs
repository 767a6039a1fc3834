//! Artifacts: which files an attempt left, with their content, so that a later change is seen.
//!
//! An index is the file `artifacts.json` in the folder that it lists. It covers everything below that
//! folder but itself. Paths are relative to the folder, with `/` between their parts, and sorted.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Component, Path, PathBuf};

use noodle2_model::ContentHash;
use serde::{Deserialize, Serialize};

use crate::StoreError;
use crate::files::{
    IoContext, hash_open_file, is_temporary, open_folder, sorted_entries, write_atomic,
};

const INDEX_NAME: &str = "artifacts.json";
const SCHEMA_VERSION: u32 = 1;
const SYMBOLIC_LINK: &str = "inode/symlink";

/// One file that an attempt left.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Artifact {
    /// Where it lies, relative to the folder of the index.
    pub path: String,
    /// Its size in bytes.
    pub size: u64,
    /// The hash of its bytes; of a symbolic link, of the text that it points to.
    pub blake3: ContentHash,
    /// What it holds, after [`content_type`]; `inode/symlink` for a symbolic link, which is never
    /// followed.
    pub content_type: String,
}

/// The files of one folder, sorted by path.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArtifactIndex {
    /// The version of the format.
    pub schema_version: u32,
    /// The files.
    pub files: Vec<Artifact>,
}

/// A way in which a folder differs from its index.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ArtifactProblem {
    /// The file is gone.
    Missing {
        /// Relative to the folder.
        path: String,
    },
    /// The file has another content than was recorded.
    Changed {
        /// Relative to the folder.
        path: String,
        /// What was recorded.
        recorded: ContentHash,
        /// What is there.
        found: ContentHash,
    },
    /// The file was not there when the index was made.
    Unexpected {
        /// Relative to the folder.
        path: String,
    },
}

impl ArtifactProblem {
    /// The file that is concerned, relative to the folder.
    pub fn path(&self) -> &str {
        match self {
            Self::Missing { path } | Self::Changed { path, .. } | Self::Unexpected { path } => path,
        }
    }

    /// The stable code of the problem.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "N2-STORE-022",
            Self::Changed { .. } => "N2-STORE-023",
            Self::Unexpected { .. } => "N2-STORE-024",
        }
    }
}

impl fmt::Display for ArtifactProblem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { .. } => formatter.write_str("the artifact is missing"),
            Self::Changed {
                recorded, found, ..
            } => write!(
                formatter,
                "the artifact has changed: its hash was {recorded}, now it is {found}"
            ),
            Self::Unexpected { .. } => {
                formatter.write_str("the file was not there when the artifacts were recorded")
            }
        }
    }
}

/// The content type of a file, from the extension of its name alone; `application/octet-stream` where
/// that says nothing.
pub fn content_type(path: &Path) -> &'static str {
    let extension = path
        .extension()
        .map(|extension| extension.to_ascii_lowercase());
    match extension.as_deref().and_then(std::ffi::OsStr::to_str) {
        Some("tcl") => "text/x-tcl",
        Some("sdc") => "text/x-sdc",
        Some("v" | "vh" | "sv" | "svh") => "text/x-verilog",
        Some("log" | "rpt" | "txt" | "def" | "lef" | "lib" | "spef" | "sdf") => "text/plain",
        Some("md") => "text/markdown",
        Some("csv") => "text/csv",
        Some("tsv") => "text/tab-separated-values",
        Some("html") => "text/html",
        Some("dot" | "gv") => "text/vnd.graphviz",
        Some("json") => "application/json",
        Some("ndjson") => "application/x-ndjson",
        Some("yaml" | "yml") => "application/yaml",
        Some("gz") => "application/gzip",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        _ => "application/octet-stream",
    }
}

/// Files and folders whose content is not durable yet. The disk is waited for once for many of them: what is asked for
/// at the same time shares a commit of the file system, what is asked for in turn takes one each.
#[derive(Default)]
struct Unsynced(Vec<(File, PathBuf)>);

impl Unsynced {
    /// How many files are open at most before they are synced.
    const MOST: usize = 64;

    /// How many are synced at once. Threads cost more than they save beyond that.
    const AT_ONCE: usize = 4;

    fn add(&mut self, file: File, path: PathBuf) -> Result<(), StoreError> {
        self.0.push((file, path));
        if self.0.len() < Self::MOST {
            return Ok(());
        }
        self.sync()
    }

    fn sync(&mut self) -> Result<(), StoreError> {
        let files = std::mem::take(&mut self.0);
        let share = files.len().div_ceil(Self::AT_ONCE).max(1);
        let sync_all = |files: &[(File, PathBuf)]| {
            let mut files = files.iter();
            files.try_for_each(|(file, path)| file.sync_all().context("sync", path))
        };
        let results: Vec<Result<(), StoreError>> = std::thread::scope(|scope| {
            let mut shares = files.chunks(share);
            let own = shares.next().unwrap_or_default();
            let start =
                |files| std::thread::Builder::new().spawn_scoped(scope, move || sync_all(files));
            // All are started before the first is waited for.
            let threads: Vec<_> = shares.map(|files| (files, start(files))).collect();
            let mut results = vec![sync_all(own)];
            results.extend(threads.into_iter().map(|(files, thread)| {
                match thread {
                    Ok(thread) => thread
                        .join()
                        .unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
                    // Without a further thread it takes longer.
                    Err(_) => sync_all(files),
                }
            }));
            results
        });
        results.into_iter().collect()
    }
}

impl ArtifactIndex {
    /// Lists and hashes every file below `folder`, makes all of them durable, and writes the index.
    /// Afterwards the journal may say that the attempt is finished. Returns the index and the hash of
    /// the file that holds it.
    ///
    /// # Errors
    /// [`StoreError::UnindexableFile`] for a name that is no UTF-8 and for anything but files, folders and
    /// symbolic links; [`StoreError::Io`], [`StoreError::DiskFull`].
    pub fn seal(folder: &Path) -> Result<(Self, ContentHash), StoreError> {
        let mut unsynced = Unsynced::default();
        let index = Self::scan(folder, &mut unsynced)?;
        for inner in folders_below(folder)? {
            unsynced.add(open_folder(&inner)?, inner)?;
        }
        // An attempt's folder is new, and so may be that of its trial.
        for outer in folder.ancestors().skip(1).take(2) {
            if !outer.as_os_str().is_empty() {
                unsynced.add(open_folder(outer)?, outer.to_owned())?;
            }
        }
        unsynced.sync()?;
        let hash = index.write(folder)?;
        Ok((index, hash))
    }

    /// Lists and hashes every file below `folder`, and makes its content durable together with `unsynced`.
    fn scan(folder: &Path, unsynced: &mut Unsynced) -> Result<Self, StoreError> {
        let mut files = Vec::new();
        for (name, entry) in list(folder)? {
            let unindexable = |reason| StoreError::UnindexableFile {
                path: entry.path.clone(),
                reason,
            };
            let path = match name {
                Name::Text(text) => text,
                Name::Unreadable(_) => return Err(unindexable("its name is not UTF-8")),
            };
            let artifact = match entry.kind {
                Kind::Special => {
                    return Err(unindexable("it is neither file, folder nor symbolic link"));
                }
                Kind::Link => read_link(path, &entry.path)?,
                Kind::File => {
                    let file = open_regular(&entry.path)?;
                    let (blake3, size) = hash_open_file(&file, &entry.path)?;
                    let content_type = content_type(&entry.path).to_owned();
                    unsynced.add(file, entry.path)?;
                    Artifact {
                        path,
                        size,
                        blake3,
                        content_type,
                    }
                }
            };
            files.push(artifact);
        }
        Ok(Self {
            schema_version: SCHEMA_VERSION,
            files,
        })
    }

    /// How many bytes the files hold together, the index itself left out.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.size).sum()
    }

    /// Where the index of `folder` lies.
    pub fn path(folder: &Path) -> PathBuf {
        folder.join(INDEX_NAME)
    }

    /// Writes the index into the folder that it lists and returns the hash of the file.
    fn write(&self, folder: &Path) -> Result<ContentHash, StoreError> {
        let path = Self::path(folder);
        let text = json_text(&path, self)?;
        write_atomic(&path, &text)?;
        Ok(ContentHash::of(&text))
    }

    /// Opens the file of `folder` that the index names so; `None` where it names none. No link is followed, neither in the
    /// place of the file nor of a folder on the way, so that nothing outside the folder is reached.
    ///
    /// # Errors
    /// [`StoreError::Io`] when it cannot be opened.
    pub fn open(&self, folder: &Path, name: &str) -> Option<Result<File, StoreError>> {
        let mut files = self.files.iter();
        let file = files.find(|file| file.path == name && file.content_type != SYMBOLIC_LINK)?;
        let path = Path::new(&file.path);
        let mut place = folder.to_owned();
        for part in path.parent()?.components() {
            place.push(part);
            let is_folder = place.symlink_metadata().is_ok_and(|found| found.is_dir());
            if !is_folder || !matches!(part, Component::Normal(_)) {
                return None;
            }
        }
        place.push(path.file_name()?);
        Some(open_regular(&place))
    }

    /// Reads the index of `folder`.
    ///
    /// # Errors
    /// [`StoreError::Io`], also when there is none; [`StoreError::Malformed`].
    pub fn read(folder: &Path) -> Result<Self, StoreError> {
        let path = Self::path(folder);
        let index: Self = read_json(&path, "artifact index")?;
        if index.schema_version != SCHEMA_VERSION {
            return Err(StoreError::Malformed {
                path,
                expected: "artifact index",
                reason: format!(
                    "its schema version is {}, this version reads {SCHEMA_VERSION}",
                    index.schema_version
                ),
            });
        }
        Ok(index)
    }

    /// How `folder` differs from the index, sorted by path; empty when it does not. Only what lies in
    /// `folder` is ever opened, whatever paths the index holds.
    ///
    /// # Errors
    /// [`StoreError::Io`] when a file or folder that is there cannot be read.
    pub fn verify(&self, folder: &Path) -> Result<Vec<ArtifactProblem>, StoreError> {
        let mut present = list(folder)?;
        let mut problems = Vec::new();
        for recorded in &self.files {
            let Some(entry) = present.remove(&Name::Text(recorded.path.clone())) else {
                problems.push(ArtifactProblem::Missing {
                    path: recorded.path.clone(),
                });
                continue;
            };
            let recorded_link = recorded.content_type == SYMBOLIC_LINK;
            let found = match entry.kind {
                Kind::File if !recorded_link => {
                    hash_open_file(&open_regular(&entry.path)?, &entry.path)?.0
                }
                Kind::Link if recorded_link => read_link(String::new(), &entry.path)?.blake3,
                // Another kind of thing stands in its place.
                _ => {
                    problems.push(ArtifactProblem::Missing {
                        path: recorded.path.clone(),
                    });
                    problems.push(ArtifactProblem::Unexpected {
                        path: recorded.path.clone(),
                    });
                    continue;
                }
            };
            if found != recorded.blake3 {
                problems.push(ArtifactProblem::Changed {
                    path: recorded.path.clone(),
                    recorded: recorded.blake3,
                    found,
                });
            }
        }
        problems.extend(present.into_keys().map(|name| {
            let path = match name {
                Name::Text(text) => text,
                Name::Unreadable(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            };
            ArtifactProblem::Unexpected { path }
        }));
        problems.sort_by(|left, right| left.path().cmp(right.path()));
        Ok(problems)
    }
}

/// The name of something below a folder, relative to it.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Name {
    Text(String),
    Unreadable(Vec<u8>),
}

#[derive(Clone, Copy)]
enum Kind {
    File,
    Link,
    Special,
}

struct Entry {
    path: PathBuf,
    kind: Kind,
}

/// Everything below `folder` but folders, the index of `folder` itself and unfinished files of our own.
fn list(folder: &Path) -> Result<BTreeMap<Name, Entry>, StoreError> {
    let mut found = BTreeMap::new();
    let index = ArtifactIndex::path(folder);
    for inner in folders_below(folder)? {
        for (path, kind) in sorted_entries(&inner)? {
            let ours = path == index || path.file_name().is_some_and(is_temporary);
            if kind.is_dir() || ours {
                continue;
            }
            let kind = if kind.is_file() {
                Kind::File
            } else if kind.is_symlink() {
                Kind::Link
            } else {
                Kind::Special
            };
            let relative = path.strip_prefix(folder).unwrap_or(&path);
            let name = match relative.to_str() {
                Some(text) => Name::Text(text.to_owned()),
                None => Name::Unreadable(relative.as_os_str().as_bytes().to_vec()),
            };
            found.insert(name, Entry { path, kind });
        }
    }
    Ok(found)
}

/// `folder` and all folders below it.
fn folders_below(folder: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let mut folders = vec![folder.to_owned()];
    let mut next = 0;
    while next < folders.len() {
        for (path, kind) in sorted_entries(&folders[next])? {
            if kind.is_dir() {
                folders.push(path);
            }
        }
        next += 1;
    }
    Ok(folders)
}

/// Opens what was listed as a file. Should it have become a pipe or a link since, the open neither waits
/// nor follows.
pub(crate) fn open_regular(path: &Path) -> Result<File, StoreError> {
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path)
        .context("open", path)
}

fn read_link(name: String, path: &Path) -> Result<Artifact, StoreError> {
    let target = fs::read_link(path).context("read the link", path)?;
    let target = target.as_os_str().as_bytes();
    Ok(Artifact {
        path: name,
        size: target.len() as u64,
        blake3: ContentHash::of(target),
        content_type: SYMBOLIC_LINK.to_owned(),
    })
}

/// `value` as indented JSON, ended by a line feed, for the file at `path`.
pub(crate) fn json_text(path: &Path, value: &impl Serialize) -> Result<Vec<u8>, StoreError> {
    let mut text = serde_json::to_vec_pretty(value)
        .map_err(std::io::Error::from)
        .context("express as JSON", path)?;
    text.push(b'\n');
    Ok(text)
}

/// Reads a JSON file that should be an `expected`.
pub(crate) fn read_json<T: serde::de::DeserializeOwned>(
    path: &Path,
    expected: &'static str,
) -> Result<T, StoreError> {
    let text = fs::read(path).context("read", path)?;
    serde_json::from_slice(&text).map_err(|error| StoreError::Malformed {
        path: path.to_owned(),
        expected,
        reason: error.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::create_folder;

    fn attempt_folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        create_folder(&folder.path().join("reports/typical")).unwrap();
        for (name, text) in [
            ("trial.tcl", "report_checks"),
            ("netlist.v", "module m; endmodule"),
            ("reports/typical/paths.rpt", "slack 1.0"),
        ] {
            fs::write(folder.path().join(name), text).unwrap();
        }
        std::os::unix::fs::symlink("trial.tcl", folder.path().join("latest")).unwrap();
        folder
    }

    #[test]
    fn a_sealed_folder_verifies_and_reads_back() {
        let folder = attempt_folder();
        let (index, hash) = ArtifactIndex::seal(folder.path()).unwrap();
        let listed: Vec<_> = index
            .files
            .iter()
            .map(|file| (file.path.as_str(), file.size, file.content_type.as_str()))
            .collect();
        assert_eq!(
            listed,
            [
                ("latest", 9, "inode/symlink"),
                ("netlist.v", 19, "text/x-verilog"),
                ("reports/typical/paths.rpt", 9, "text/plain"),
                ("trial.tcl", 13, "text/x-tcl"),
            ]
        );
        assert_eq!(index.files[3].blake3, ContentHash::of("report_checks"));
        let path = ArtifactIndex::path(folder.path());
        assert_eq!(crate::hash_file(&path).unwrap(), hash);
        let again = ArtifactIndex::read(folder.path()).unwrap();
        assert_eq!(again, index);
        assert_eq!(again.verify(folder.path()).unwrap(), []);
        // The index does not list itself, so that scanning again gives the same.
        assert_eq!(
            ArtifactIndex::scan(folder.path(), &mut Unsynced::default()).unwrap(),
            index
        );
    }

    #[test]
    fn every_difference_is_named() {
        let folder = attempt_folder();
        let (index, _) = ArtifactIndex::seal(folder.path()).unwrap();
        fs::write(folder.path().join("netlist.v"), "module m; /* */endm").unwrap();
        fs::remove_file(folder.path().join("reports/typical/paths.rpt")).unwrap();
        fs::write(folder.path().join("reports/extra.log"), "").unwrap();
        fs::remove_file(folder.path().join("latest")).unwrap();
        std::os::unix::fs::symlink("/etc/hosts", folder.path().join("latest")).unwrap();
        let problems = index.verify(folder.path()).unwrap();
        let named: Vec<_> = problems
            .iter()
            .map(|problem| (problem.code(), problem.path()))
            .collect();
        assert_eq!(
            named,
            [
                ("N2-STORE-023", "latest"),
                ("N2-STORE-023", "netlist.v"),
                ("N2-STORE-024", "reports/extra.log"),
                ("N2-STORE-022", "reports/typical/paths.rpt"),
            ]
        );
    }

    #[test]
    fn an_index_opens_what_it_names_and_nothing_outside_its_folder() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("secret"), "outside").unwrap();
        let attempt = folder.path().join("attempt");
        fs::create_dir_all(attempt.join("sub")).unwrap();
        fs::write(attempt.join("sub/log"), "inside").unwrap();
        fs::write(attempt.join("unlisted"), "").unwrap();
        std::os::unix::fs::symlink("..", attempt.join("up")).unwrap();
        std::os::unix::fs::symlink("../secret", attempt.join("link")).unwrap();
        let named = |path: &str| Artifact {
            path: path.to_owned(),
            size: 0,
            blake3: ContentHash::of(""),
            content_type: "text/plain".to_owned(),
        };
        let names = ["sub/log", "../secret", "up/secret", "link", "/etc/passwd"];
        let index = ArtifactIndex {
            schema_version: SCHEMA_VERSION,
            files: names.map(named).into(),
        };
        let opened = |name: &str| index.open(&attempt, name).is_some_and(|file| file.is_ok());
        assert!(opened("sub/log"));
        for name in [
            "unlisted",
            "../secret",
            "up/secret",
            "link",
            "/etc/passwd",
            "sub",
        ] {
            assert!(!opened(name), "{name}");
        }
    }

    #[test]
    fn a_link_in_the_place_of_a_file_is_not_followed() {
        let folder = attempt_folder();
        let (index, _) = ArtifactIndex::seal(folder.path()).unwrap();
        let netlist = folder.path().join("netlist.v");
        fs::rename(&netlist, folder.path().join("moved.v")).unwrap();
        std::os::unix::fs::symlink("moved.v", &netlist).unwrap();
        let problems = index.verify(folder.path()).unwrap();
        assert!(problems.contains(&ArtifactProblem::Missing {
            path: "netlist.v".to_owned()
        }));
    }

    #[test]
    fn a_pipe_is_refused_and_not_waited_for() {
        let folder = attempt_folder();
        let pipe = folder.path().join("pipe");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &pipe,
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RWXU,
            0,
        )
        .unwrap();
        let error = ArtifactIndex::scan(folder.path(), &mut Unsynced::default()).unwrap_err();
        assert_eq!(error.code(), "N2-STORE-011");
        assert!(error.to_string().contains("pipe"), "{error}");
    }

    #[test]
    fn a_path_that_leads_out_of_the_folder_is_missing_and_never_opened() {
        let folder = attempt_folder();
        let mut index = ArtifactIndex::scan(folder.path(), &mut Unsynced::default()).unwrap();
        index.files[0].path = "../../etc/hosts".to_owned();
        let problems = index.verify(folder.path()).unwrap();
        assert_eq!(problems[0].code(), "N2-STORE-022");
        assert_eq!(problems[0].path(), "../../etc/hosts");
    }

    #[test]
    fn an_index_that_is_none_is_refused() {
        let folder = attempt_folder();
        assert_eq!(
            ArtifactIndex::read(folder.path()).unwrap_err().code(),
            "N2-STORE-001"
        );
        for text in ["", "{", "[]", r#"{"schema_version":2,"files":[]}"#] {
            fs::write(ArtifactIndex::path(folder.path()), text).unwrap();
            let error = ArtifactIndex::read(folder.path()).unwrap_err();
            assert_eq!(error.code(), "N2-STORE-010", "{text}");
        }
    }
}
