//! What several tests need: the libraries on this machine.
#![allow(dead_code, clippy::print_stderr)]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use noodle2_liberty::{IndexOptions, Library, LibraryCache, LibraryIndex};

/// The library of Debian's package `qflow-tech-osu018`, which every test may use.
pub const OSU018: &str = "/usr/share/qflow/tech/osu018/osu018_stdcells.lib";

pub fn osu018() -> Arc<Library> {
    let bytes = std::fs::read(OSU018).expect("the Debian package qflow-tech-osu018 is installed");
    Arc::new(Library::parse(&bytes, Path::new(OSU018)).unwrap())
}

pub fn index(libraries: &[Arc<Library>]) -> LibraryIndex {
    LibraryIndex::build(libraries, &IndexOptions::default())
}

/// A path beside the project that only some machines have; says so where it is absent.
pub fn shared(path: &str) -> Option<PathBuf> {
    let full = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared")).join(path);
    if !full.exists() {
        eprintln!("SKIPPED: ../shared/{path} is not on this machine");
        return None;
    }
    Some(full)
}

/// A cache in a folder of its own, gone with the returned guard.
pub fn cache() -> (tempfile::TempDir, LibraryCache) {
    let folder = tempfile::tempdir().unwrap();
    let cache = LibraryCache::new(folder.path().join("liberty")).unwrap();
    (folder, cache)
}

/// The libraries in a folder beside the project, in order of their names.
pub fn shared_libraries(folder: &str) -> Option<Vec<PathBuf>> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(shared(folder)?)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_string_lossy().ends_with(".lib.gz"))
        .collect();
    paths.sort();
    Some(paths)
}
