//! The cache: what it keeps, and that it believes nothing.

mod common;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use common::{OSU018, cache, osu018};
use noodle2_liberty::{Error, Library, LibraryCache};

/// A compressed library under a name that does not say so.
fn compressed(folder: &Path) -> PathBuf {
    let path = folder.join("library.txt");
    fs::write(&path, gzip(&fs::read(OSU018).unwrap())).unwrap();
    path
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut paths: Vec<PathBuf> = entries
        .filter(|path| path.to_string_lossy().ends_with(ending))
        .collect();
    paths.sort();
    paths
}

#[test]
fn a_plain_file_is_used_in_place() {
    let (guard, cache) = cache();
    // Whatever its name says.
    let path = guard.path().join("plain.lib.gz");
    fs::copy(OSU018, &path).unwrap();
    assert_eq!(cache.plain(&path).unwrap(), path);
    assert!(files(&guard.path().join("liberty"), "").is_empty());
}

#[test]
fn a_compressed_file_is_decompressed_once() {
    let (guard, cache) = cache();
    let path = compressed(guard.path());
    let plain = cache.plain(&path).unwrap();
    let bytes = fs::read(OSU018).unwrap();
    assert_eq!(fs::read(&plain).unwrap(), bytes);
    let name = format!("{}.lib", blake3::hash(&bytes).to_hex());
    assert_eq!(plain.file_name().unwrap().to_str(), Some(name.as_str()));

    let written = fs::metadata(&plain).unwrap().modified().unwrap();
    assert_eq!(cache.plain(&path).unwrap(), plain);
    assert_eq!(fs::metadata(&plain).unwrap().modified().unwrap(), written);
    assert!(files(&guard.path().join("liberty"), ".new-").is_empty());
}

#[test]
fn damage_in_the_cache_is_repaired() {
    let (guard, cache) = cache();
    let path = compressed(guard.path());
    let plain = cache.plain(&path).unwrap();
    let whole = fs::read(&plain).unwrap();
    let mut flipped = whole.clone();
    flipped[1000] ^= 1;
    for damaged in [&flipped[..], &whole[..whole.len() - 1], b""] {
        fs::write(&plain, damaged).unwrap();
        assert_eq!(cache.plain(&path).unwrap(), plain);
        assert_eq!(fs::read(&plain).unwrap(), whole);
    }
    fs::remove_file(&plain).unwrap();
    assert_eq!(fs::read(cache.plain(&path).unwrap()).unwrap(), whole);

    for record in files(&guard.path().join("liberty"), ".gz.json") {
        fs::write(record, "{}").unwrap();
    }
    assert_eq!(fs::read(cache.plain(&path).unwrap()).unwrap(), whole);
}

#[test]
fn a_summary_is_used_and_never_believed() {
    let (guard, cache) = cache();
    let path = compressed(guard.path());
    let fresh = cache.library(&path).unwrap();
    assert_eq!(fresh, osu018());
    let folder = guard.path().join("liberty");
    let summaries = files(&folder, ".v2.json");
    let [summary] = summaries.as_slice() else {
        panic!("{summaries:?}")
    };

    // A summary that says something else, with the right checksum, shows that it is used.
    let stored = fs::read_to_string(summary).unwrap();
    let json = stored.split_once('\n').unwrap().1;
    let other = json.replace("\"name\":\"osu018_stdcells\"", "\"name\":\"planted\"");
    assert_ne!(other, json);
    fs::write(
        summary,
        format!("{}\n{other}", blake3::hash(other.as_bytes()).to_hex()),
    )
    .unwrap();
    assert_eq!(cache.library(&path).unwrap().name, "planted");

    // The same without the right checksum, and other damage, is not.
    for damaged in [
        stored.replace("osu018_stdcells", "planted"),
        stored[..500].to_owned(),
        String::new(),
    ] {
        fs::write(summary, damaged).unwrap();
        assert_eq!(cache.library(&path).unwrap(), fresh);
        assert_eq!(
            fs::read_to_string(summary).unwrap(),
            stored,
            "it is stored anew"
        );
    }
    // The plain file has the same content, and so the same summary.
    assert_eq!(cache.library(Path::new(OSU018)).unwrap(), fresh);
    assert_eq!(files(&folder, ".v2.json").len(), 1);
}

#[test]
fn many_at_once() {
    let (guard, cache) = cache();
    let path = compressed(guard.path());
    let expected = fs::read(OSU018).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let plain = cache.plain(&path).unwrap();
                assert_eq!(fs::read(plain).unwrap(), expected);
                assert_eq!(cache.library(&path).unwrap().cells.len(), 32);
            });
        }
    });
}

#[test]
fn errors_name_the_file() {
    let (guard, cache) = cache();
    let missing = guard.path().join("missing.lib");
    let error = cache.plain(&missing).unwrap_err();
    assert!(
        matches!(&error, Error::Io { path, .. } if *path == missing),
        "{error}"
    );
    assert_eq!(error.code(), "N2-LIBERTY-001");

    let cut = guard.path().join("cut.lib.gz");
    let whole = gzip(&fs::read(OSU018).unwrap());
    fs::write(&cut, &whole[..whole.len() / 2]).unwrap();
    let error = cache.plain(&cut).unwrap_err();
    assert!(
        matches!(&error, Error::Gzip { path, .. } if *path == cut),
        "{error}"
    );
    assert!(
        files(&guard.path().join("liberty"), "").is_empty(),
        "nothing half-done stays"
    );

    let bad = guard.path().join("bad.lib.gz");
    fs::write(&bad, gzip(b"library(x) {\n cell(a) { area : } }")).unwrap();
    let error = cache.library(&bad).unwrap_err();
    assert!(
        matches!(&error, Error::Text { path, .. } if *path == bad),
        "{error}"
    );

    let blocked = guard.path().join("file");
    fs::write(&blocked, "").unwrap();
    assert!(LibraryCache::new(blocked.join("cache")).is_err());
}

#[test]
fn a_summary_that_cannot_be_stored_is_no_error() {
    let (guard, cache) = cache();
    fs::remove_dir_all(guard.path().join("liberty")).unwrap();
    let library = cache.library(Path::new(OSU018)).unwrap();
    let expected = Library::parse(&fs::read(OSU018).unwrap(), Path::new(OSU018)).unwrap();
    assert_eq!(*library, expected);
}
