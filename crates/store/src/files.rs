//! Files that appear whole or not at all, and errors that always name their path.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use noodle2_model::ContentHash;
use tempfile::TempPath;

use crate::StoreError;

/// How the names of unfinished files begin. Nothing else in a run folder may be named like this:
/// leftovers of a killed process are removed by this name alone.
const TEMPORARY_PREFIX: &str = ".noodle2-tmp-";

/// Whether a file of this name is one that [`write_atomic`] or [`copy_file`] had not finished.
pub fn is_temporary(name: &std::ffi::OsStr) -> bool {
    name.as_encoded_bytes()
        .starts_with(TEMPORARY_PREFIX.as_bytes())
}

/// Attaches operation and path to what the system answered.
pub(crate) trait IoContext<T> {
    fn context(self, operation: &'static str, path: &Path) -> Result<T, StoreError>;
}

impl<T> IoContext<T> for io::Result<T> {
    fn context(self, operation: &'static str, path: &Path) -> Result<T, StoreError> {
        self.map_err(|cause| StoreError::io(operation, path, cause))
    }
}

/// The folder that `path` lies in; the current one for a bare name.
pub(crate) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// A folder, to sync it.
pub(crate) fn open_folder(folder: &Path) -> Result<File, StoreError> {
    File::open(folder).context("open the folder", folder)
}

/// Makes the names in `folder` durable.
pub(crate) fn sync_folder(folder: &Path) -> Result<(), StoreError> {
    open_folder(folder)?
        .sync_all()
        .context("sync the folder", folder)
}

/// Makes `path` and its missing parents, durably. Does nothing when the folder exists.
///
/// # Errors
/// [`StoreError::Io`] or [`StoreError::DiskFull`].
pub fn create_folder(path: &Path) -> Result<(), StoreError> {
    if path.is_dir() {
        return Ok(());
    }
    let parent = folder_of(path);
    create_folder(parent)?;
    match fs::create_dir(path) {
        Ok(()) => sync_folder(parent),
        // Another worker may have made it in between.
        Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        Err(cause) => Err(StoreError::io("create the folder", path, cause)),
    }
}

/// Makes `path` if it is missing; its parent must be there. Not durable by itself: see [`sync_all`].
///
/// # Errors
/// [`StoreError::Io`] or [`StoreError::DiskFull`].
pub fn make_folder(path: &Path) -> Result<(), StoreError> {
    match fs::create_dir(path) {
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => create_folder(path),
        Err(cause) if cause.kind() != io::ErrorKind::AlreadyExists || !path.is_dir() => {
            Err(StoreError::io("create the folder", path, cause))
        }
        _ => Ok(()),
    }
}

/// Writes `bytes` to `path` so that a reader sees the old content or the new one, never a part, unless the machine
/// fails. Not durable by itself: see [`sync_all`]. For what follows from something durable and can be written again.
///
/// # Errors
/// [`StoreError::Io`] or [`StoreError::DiskFull`].
pub fn write_whole(path: &Path, bytes: impl AsRef<[u8]>) -> Result<(), StoreError> {
    let mut temporary = new_temporary(path)?;
    temporary
        .as_file_mut()
        .write_all(bytes.as_ref())
        .context("write", path)?;
    persist(temporary.into_temp_path(), path)
}

/// Makes durable all that was written to the file system of `folder`, at once.
///
/// # Errors
/// [`StoreError::Io`] or [`StoreError::DiskFull`].
pub fn sync_all(folder: &Path) -> Result<(), StoreError> {
    let handle = File::open(folder).context("open", folder)?;
    rustix::fs::syncfs(&handle)
        .map_err(io::Error::from)
        .context("sync the file system of", folder)
}

/// Writes `bytes` to `path` so that a reader sees the old content or the new one, never a part, whatever
/// happens in between: temporary file, write, sync, rename, sync of the folder. Safe against concurrent
/// writers of the same path: one of them wins whole.
///
/// # Errors
/// [`StoreError::Io`] or [`StoreError::DiskFull`]; `path` is then as it was, or holds the new content
/// when only the sync of its folder failed.
pub fn write_atomic(path: &Path, bytes: impl AsRef<[u8]>) -> Result<(), StoreError> {
    let mut temporary = new_temporary(path)?;
    let file = temporary.as_file_mut();
    file.write_all(bytes.as_ref())
        .and_then(|()| file.sync_all())
        .context("write", path)?;
    rename_over(temporary.into_temp_path(), path)
}

/// Appends a line to a file that is made when missing, and syncs it. For records that stand alone: after a kill the
/// last line may be torn.
///
/// # Errors
/// [`StoreError::Io`] or [`StoreError::DiskFull`].
pub fn append_line(path: &Path, line: &str) -> Result<(), StoreError> {
    File::options()
        .append(true)
        .create(true)
        .open(path)
        .and_then(|mut file| {
            file.write_all(format!("{line}\n").as_bytes())?;
            file.sync_all()
        })
        .context("append to", path)
}

fn new_temporary(path: &Path) -> Result<tempfile::NamedTempFile, StoreError> {
    tempfile::Builder::new()
        .prefix(TEMPORARY_PREFIX)
        // Opened here, because `tempfile` would make it readable for its owner alone and write its name
        // into every error.
        .make_in(folder_of(path), |temporary: &Path| {
            File::create_new(temporary)
        })
        .context("create a temporary file beside", path)
}

fn rename_over(temporary: TempPath, path: &Path) -> Result<(), StoreError> {
    persist(temporary, path)?;
    sync_folder(folder_of(path))
}

fn persist(temporary: TempPath, path: &Path) -> Result<(), StoreError> {
    temporary
        .persist(path)
        .map_err(|refused| refused.error)
        .context("rename a temporary file to", path)
}

/// The BLAKE3 hash of the file at `path`, read in pieces.
///
/// # Errors
/// [`StoreError::Io`] when it cannot be read.
pub fn hash_file(path: &Path) -> Result<ContentHash, StoreError> {
    let file = File::open(path).context("open", path)?;
    hash_open_file(&file, path).map(|(hash, _)| hash)
}

/// The hash of an open file and the number of bytes that were hashed.
pub(crate) fn hash_open_file(file: &File, path: &Path) -> Result<(ContentHash, u64), StoreError> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(file).context("read", path)?;
    let hash = ContentHash::from_bytes(*hasher.finalize().as_bytes());
    Ok((hash, hasher.count()))
}

/// Brings the content of `from` to `to`, independent of what becomes of `from`: shared blocks where
/// the file system copies them on write, else a copy. For files that belong to others. Replaces `to`
/// in one step.
///
/// # Errors
/// [`StoreError::Io`] or [`StoreError::DiskFull`]; `to` is then as it was.
pub fn copy_file(from: &Path, to: &Path) -> Result<(), StoreError> {
    let mut source = File::open(from).context("open", from)?;
    let mut temporary = new_temporary(to)?;
    let target = temporary.as_file_mut();
    if rustix::fs::ioctl_ficlone(&*target, &source).is_err() {
        io::copy(&mut source, target).context("copy to", to)?;
    }
    let permissions = source
        .metadata()
        .context("read the metadata of", from)?
        .permissions();
    target
        .set_permissions(permissions)
        .and_then(|()| target.sync_all())
        .context("write", to)?;
    rename_over(temporary.into_temp_path(), to)
}

/// The entries of `folder`, sorted by name, with their types; symbolic links are not followed.
pub(crate) fn sorted_entries(folder: &Path) -> Result<Vec<(PathBuf, fs::FileType)>, StoreError> {
    let mut entries = fs::read_dir(folder)
        .and_then(|entries| {
            entries
                .map(|entry| entry.and_then(|entry| Ok((entry.path(), entry.file_type()?))))
                .collect::<io::Result<Vec<_>>>()
        })
        .context("list the folder", folder)?;
    entries.sort_by(|left, right| left.0.cmp(&right.0));
    Ok(entries)
}

/// Removes every unfinished file below `folder` and returns what was removed. Only for the holder of the
/// run's lock: a file that another process is just writing looks the same.
pub(crate) fn remove_temporaries(folder: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let mut removed = Vec::new();
    let mut pending = vec![folder.to_owned()];
    while let Some(folder) = pending.pop() {
        for (path, kind) in sorted_entries(&folder)? {
            if kind.is_dir() {
                pending.push(path);
            } else if path.file_name().is_some_and(is_temporary) {
                fs::remove_file(&path).context("remove", &path)?;
                removed.push(path);
            }
        }
    }
    removed.sort();
    Ok(removed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn writing_replaces_whole_and_leaves_no_temporary_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("summary.json");
        write_atomic(&path, "first").unwrap();
        write_atomic(&path, "second").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "second");
        assert_eq!(sorted_entries(folder.path()).unwrap().len(), 1);
        // As readable as a file that was made in the ordinary way.
        let ordinary = folder.path().join("ordinary");
        fs::write(&ordinary, "").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&path), mode(&ordinary));
    }

    #[test]
    fn errors_name_the_path_and_the_cause() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("nowhere/summary.json");
        let error = write_atomic(&path, "text").unwrap_err();
        assert_eq!(error.code(), "N2-STORE-001");
        let message = error.to_string();
        assert!(message.contains("nowhere/summary.json"), "{message}");
        assert!(message.contains("No such file"), "{message}");
        assert!(!message.contains(TEMPORARY_PREFIX), "{message}");
    }

    #[test]
    fn concurrent_writers_of_one_path_never_mix() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("summary.json");
        let contents: Vec<String> = (0..4u8)
            .map(|writer| char::from(b'a' + writer).to_string().repeat(40_000))
            .collect();
        write_atomic(&path, &contents[0]).unwrap();
        std::thread::scope(|scope| {
            for content in &contents {
                let (path, contents) = (&path, &contents);
                scope.spawn(move || {
                    for _ in 0..10 {
                        write_atomic(path, content).unwrap();
                        let seen = fs::read_to_string(path).unwrap();
                        assert!(contents.contains(&seen), "a mixture was seen");
                    }
                });
            }
        });
        assert_eq!(sorted_entries(folder.path()).unwrap().len(), 1);
    }

    #[test]
    fn a_copied_file_does_not_change_with_its_source() {
        let folder = tempfile::tempdir().unwrap();
        let from = folder.path().join("constraints.sdc");
        let to = folder.path().join("frozen.sdc");
        fs::write(&from, "create_clock").unwrap();
        fs::set_permissions(&from, fs::Permissions::from_mode(0o640)).unwrap();
        copy_file(&from, &to).unwrap();
        copy_file(&from, &to).unwrap();
        fs::write(&from, "changed in place").unwrap();
        assert_eq!(fs::read_to_string(&to).unwrap(), "create_clock");
        assert_eq!(
            fs::metadata(&to).unwrap().permissions().mode() & 0o777,
            0o640
        );
    }

    #[test]
    fn only_our_own_temporary_files_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("cases/gcd_0_0");
        create_folder(&deep).unwrap();
        let leftover = deep.join(format!("{TEMPORARY_PREFIX}abc"));
        for path in [
            &leftover,
            &deep.join("netlist.v"),
            &folder.path().join(".tmp"),
        ] {
            fs::write(path, "").unwrap();
        }
        assert_eq!(remove_temporaries(folder.path()).unwrap(), [leftover]);
        assert!(deep.join("netlist.v").exists());
        assert!(folder.path().join(".tmp").exists());
    }

    #[test]
    fn hashing_a_file_equals_hashing_its_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("large");
        let bytes: Vec<u8> = (0..300_000u32).map(|index| (index % 251) as u8).collect();
        fs::write(&path, &bytes).unwrap();
        assert_eq!(hash_file(&path).unwrap(), ContentHash::of(&bytes));
    }
}
