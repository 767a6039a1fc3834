//! Decompressed libraries and their summaries, kept in a folder between runs.
//!
//! Every file is named by a hash of its content and written as temporary file → sync → rename → sync of
//! the folder, so that any number of processes may share one folder without locks. Nothing in the folder
//! is believed: a file is used only if its content has the hash that it should have, and is made again
//! otherwise. The folder may be deleted at any time.

use std::fs::{self, File};
use std::io::{self, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use flate2::bufread::MultiGzDecoder;
use noodle2_model::ContentHash;
use serde::{Deserialize, Serialize};

use crate::{Error, Library};

/// Raised whenever [`Library`], or how it is read, changes.
const SUMMARY_VERSION: u32 = 2;

/// Far beyond any library: what grows past it is an accident or an attack, not a library.
const MAX_BYTES: u64 = 1 << 31;

/// The first two bytes of every gzip file.
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// A folder of decompressed libraries and summaries.
#[derive(Debug, Clone)]
pub struct LibraryCache {
    folder: PathBuf,
}

/// What the cache remembers of a compressed file, under the hash of the compressed bytes.
#[derive(Serialize, Deserialize)]
struct Decompressed {
    plain: ContentHash,
    bytes: u64,
}

impl LibraryCache {
    /// Uses `folder`, and creates it where it is missing.
    ///
    /// # Errors
    /// [`Error::Io`] when it cannot be created.
    pub fn new(folder: impl Into<PathBuf>) -> Result<Self, Error> {
        let folder = folder.into();
        fs::create_dir_all(&folder).map_err(io_error("create", &folder))?;
        Ok(Self { folder })
    }

    /// The path of the library as plain text: `path` itself, or a decompressed copy in the cache where
    /// the file is compressed with gzip, which its content tells and not its name.
    ///
    /// # Errors
    /// When the file cannot be read or decompressed, or the copy cannot be written.
    pub fn plain(&self, path: &Path) -> Result<PathBuf, Error> {
        match is_gzip(path)? {
            true => Ok(self.plain_path(self.decompressed(path)?)),
            false => Ok(path.to_owned()),
        }
    }

    /// The summary of a library, plain or compressed.
    ///
    /// A summary that cannot be stored is no error: it is only made again the next time.
    ///
    /// # Errors
    /// When the file cannot be read or decompressed, or is not a library.
    pub fn library(&self, path: &Path) -> Result<Arc<Library>, Error> {
        let (hash, plain) = match is_gzip(path)? {
            true => {
                let hash = self.decompressed(path)?;
                (hash, self.plain_path(hash))
            }
            false => (hash_of(path)?.0, path.to_owned()),
        };
        if let Some(library) = self.stored_summary(hash) {
            return Ok(Arc::new(library));
        }
        let bytes = read(&plain)?;
        let library = Library::parse(&bytes, path)?;
        // Named by what was read, should the file have changed since it was hashed.
        let _ = self.store_summary(ContentHash::of(&bytes), &library);
        Ok(Arc::new(library))
    }

    fn plain_path(&self, hash: ContentHash) -> PathBuf {
        self.folder.join(format!("{hash}.lib"))
    }

    fn record_path(&self, compressed: ContentHash) -> PathBuf {
        self.folder.join(format!("{compressed}.gz.json"))
    }

    fn summary_path(&self, hash: ContentHash) -> PathBuf {
        self.folder.join(format!("{hash}.v{SUMMARY_VERSION}.json"))
    }

    /// The hash of the decompressed content of `path`, whose copy is in the cache and whole on return.
    fn decompressed(&self, path: &Path) -> Result<ContentHash, Error> {
        let (compressed, _) = hash_of(path)?;
        let record = self.record_path(compressed);
        let known = fs::read(&record)
            .ok()
            .and_then(|bytes| checked_json::<Decompressed>(&bytes));
        if let Some(known) = known {
            let found = hash_of(&self.plain_path(known.plain)).ok();
            if found == Some((known.plain, known.bytes)) {
                return Ok(known.plain);
            }
        }
        let made = self.decompress(path)?;
        self.write(&record, &with_checksum(&made))?;
        Ok(made.plain)
    }

    fn decompress(&self, path: &Path) -> Result<Decompressed, Error> {
        let file = File::open(path).map_err(io_error("read", path))?;
        let decoder = MultiGzDecoder::new(BufReader::with_capacity(1 << 16, file));
        // One byte more than the limit tells a file at the limit from one beyond it.
        let mut decoder = decoder.take(MAX_BYTES + 1);
        let mut temporary = self.temporary()?;
        let mut hasher = blake3::Hasher::new();
        let mut buffer = vec![0; 1 << 16];
        let mut bytes = 0;
        loop {
            let count = match decoder.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(source) => {
                    let path = path.to_owned();
                    return Err(Error::Gzip { path, source });
                }
            };
            hasher.update(&buffer[..count]);
            temporary
                .write_all(&buffer[..count])
                .map_err(io_error("write to", &self.folder))?;
            bytes += count as u64;
        }
        if bytes > MAX_BYTES {
            return Err(too_large(path));
        }
        let plain = ContentHash::from_bytes(*hasher.finalize().as_bytes());
        self.publish(temporary, &self.plain_path(plain))?;
        Ok(Decompressed { plain, bytes })
    }

    fn stored_summary(&self, hash: ContentHash) -> Option<Library> {
        checked_json(&fs::read(self.summary_path(hash)).ok()?)
    }

    fn store_summary(&self, hash: ContentHash, library: &Library) -> Result<(), Error> {
        self.write(&self.summary_path(hash), &with_checksum(library))
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> Result<(), Error> {
        let mut temporary = self.temporary()?;
        temporary
            .write_all(bytes)
            .map_err(io_error("write", path))?;
        self.publish(temporary, path)
    }

    fn temporary(&self) -> Result<tempfile::NamedTempFile, Error> {
        tempfile::Builder::new()
            .prefix(".new-")
            // As the umask says: a folder may be shared between users.
            .permissions(fs::Permissions::from_mode(0o666))
            .tempfile_in(&self.folder)
            .map_err(io_error("create a file in", &self.folder))
    }

    /// Gives a finished temporary file its name. Whoever comes last wins; all wrote the same.
    fn publish(&self, temporary: tempfile::NamedTempFile, path: &Path) -> Result<(), Error> {
        temporary
            .as_file()
            .sync_all()
            .map_err(io_error("write", path))?;
        temporary
            .persist(path)
            .map_err(|error| io_error("write", path)(error.error))?;
        File::open(&self.folder)
            .and_then(|folder| folder.sync_all())
            .map_err(io_error("sync", &self.folder))
    }
}

/// JSON after a line with its hash, so that a damaged or cut file is never taken for a whole one.
fn with_checksum(value: &impl Serialize) -> Vec<u8> {
    let json = serde_json::to_vec(value).expect("plain data with text keys is always JSON");
    let mut bytes = format!("{}\n", ContentHash::of(&json)).into_bytes();
    bytes.extend(json);
    bytes
}

fn checked_json<Value: for<'a> Deserialize<'a>>(bytes: &[u8]) -> Option<Value> {
    let end = memchr::memchr(b'\n', bytes)?;
    let (line, json) = (std::str::from_utf8(&bytes[..end]).ok()?, &bytes[end + 1..]);
    let expected: ContentHash = line.parse().ok()?;
    if ContentHash::of(json) != expected {
        return None;
    }
    serde_json::from_slice(json).ok()
}

fn io_error<'a>(action: &'static str, path: &'a Path) -> impl Fn(io::Error) -> Error + 'a {
    move |source| Error::Io {
        action,
        path: path.to_owned(),
        source,
    }
}

fn too_large(path: &Path) -> Error {
    Error::TooLarge {
        path: path.to_owned(),
        limit: MAX_BYTES,
    }
}

fn is_gzip(path: &Path) -> Result<bool, Error> {
    let mut start = Vec::with_capacity(2);
    File::open(path)
        .and_then(|file| file.take(2).read_to_end(&mut start))
        .map_err(io_error("read", path))?;
    Ok(start == GZIP_MAGIC)
}

/// The hash and the length of a file's content.
fn hash_of(path: &Path) -> Result<(ContentHash, u64), Error> {
    let mut hasher = blake3::Hasher::new();
    File::open(path)
        .and_then(|file| hasher.update_reader(file).map(|_| ()))
        .map_err(io_error("read", path))?;
    let hash = ContentHash::from_bytes(*hasher.finalize().as_bytes());
    Ok((hash, hasher.count()))
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes))
        .map_err(io_error("read", path))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(too_large(path));
    }
    Ok(bytes)
}
