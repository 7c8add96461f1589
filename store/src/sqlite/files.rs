//! The files of a store: the lock, and the database as it is found or made.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use super::tables;
use crate::error::{Place, StoreError};
use crate::schema::Layout;

/// A file that is locked as long as this is there. The lock goes with it at once: a process that is being
/// started at this moment has the file open too, and merely closed it would stay locked until that has begun.
#[derive(Debug)]
pub(super) struct Locked(File);

impl Drop for Locked {
    fn drop(&mut self) {
        // Closing it does the same, later.
        let _unlocked = self.0.unlock();
    }
}

fn failed(path: &Path) -> impl FnOnce(std::io::Error) -> StoreError {
    |cause| StoreError::File { path: path.to_owned(), cause }
}

fn other(path: &Path, rule: impl Into<String>) -> StoreError {
    StoreError::Other { place: Place::File(path.to_owned()), rule: rule.into() }
}

/// Returns a path with an ending after its name.
fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// Returns options for a file that its owner alone may read.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Returns the folder that a file is in.
fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Returns where the database is, or will be, without symbolic links, so that the lock and SQLite's log are
/// beside the real file by whatever name it is opened.
pub(super) fn real_path(path: &Path) -> Result<PathBuf, StoreError> {
    match std::fs::canonicalize(path) {
        Ok(path) => Ok(path),
        // A link to nothing is refused: where it leads is not known before something is there.
        Err(absent) if absent.kind() == ErrorKind::NotFound && path.symlink_metadata().is_err() => {
            let name = path.file_name().ok_or(absent).map_err(failed(path))?;
            Ok(std::fs::canonicalize(folder(path)).map_err(failed(path))?.join(name))
        }
        Err(cause) => Err(failed(path)(cause)),
    }
}

/// Keeps a second process out.
pub(super) fn lock(path: &Path) -> Result<Locked, StoreError> {
    let name = with_ending(path, ".lock");
    let file = private().create(true).truncate(false).open(&name).map_err(failed(&name))?;
    match file.try_lock() {
        Ok(()) => Ok(Locked(file)),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse(path.to_owned())),
        Err(TryLockError::Error(cause)) => Err(failed(&name)(cause)),
    }
}

/// Returns whether the database is there, and refuses a file of something else as it is: SQLite writes to one
/// that it opens, and takes one of a single byte for an empty database. The file is read before SQLite has
/// it, as closing it later would drop SQLite's locks.
pub(super) fn look(path: &Path, layout: &Layout) -> Result<bool, StoreError> {
    let found = match std::fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        found => found.map_err(failed(path))?,
    };
    // To open another thing, as a pipe, may take for ever.
    if !found.is_file() {
        return Err(other(path, "it is no file"));
    }
    let mut header = Vec::new();
    File::open(path).and_then(|file| file.take(100).read_to_end(&mut header)).map_err(failed(path))?;
    // SQLite's file format, section 1.3: the magic, and from byte 68 on the application's number.
    if !header.starts_with(b"SQLite format 3\0") {
        let found = if header.is_empty() { "it is empty" } else { "it does not begin as one of SQLite's" };
        return Err(other(path, format!("{found}; must be absent, or have been made by it")));
    }
    let application = header.get(68..).and_then(|bytes| bytes.first_chunk()).copied().map(i32::from_be_bytes);
    if application != Some(tables::application(layout)) {
        let rule = format!("it is a database of another program than {}", layout.program());
        return Err(other(path, rule));
    }
    Ok(true)
}

/// Makes the database, whole or not at all: it gets its name last.
pub(super) fn create(path: &Path, layout: &Layout) -> Result<(), StoreError> {
    for ending in ["-wal", "-journal"] {
        let log = with_ending(path, ending);
        // SQLite would apply it to the new file.
        if log.symlink_metadata().is_ok() {
            return Err(other(path, format!("it is absent, and its log {} is there", log.display())));
        }
    }
    let unfinished = with_ending(path, ".new");
    for ending in ["", "-wal", "-journal"] {
        match std::fs::remove_file(with_ending(&unfinished, ending)) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(failed(&unfinished)(error)),
            _ => {}
        }
    }
    drop(private().create_new(true).open(&unfinished).map_err(failed(&unfinished))?);
    tables::create(&unfinished, layout)?;
    std::fs::rename(&unfinished, path).map_err(failed(path))
}

/// Makes the name of a file as durable as its content.
pub(super) fn sync_folder(path: &Path) -> Result<(), StoreError> {
    if cfg!(unix) {
        return File::open(folder(path)).and_then(|folder| folder.sync_all()).map_err(failed(path));
    }
    Ok(())
}
