//! Files that their owner alone may read: read within bounds, and written anew and durably.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write as _};
use std::path::Path;

use zeroize::Zeroizing;

/// The error of a file or folder that is not read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PrivateFileError {
    /// The operating system refused.
    #[error("it cannot be opened or read")]
    Io(#[source] io::Error),
    /// It is a folder, a pipe, a device or, where links are not followed, a link.
    #[error("it is no regular file; must be one")]
    NotRegular,
    /// Others may read or write it.
    #[error("its permissions are {mode:03o}; must be for its owner alone, as after `chmod {tight:03o}`")]
    Permissions {
        /// The permissions found.
        mode: u32,
        /// The permissions to be set.
        tight: u32,
    },
    /// It is too long.
    #[error("it has more than {limit} bytes; must have at most that")]
    TooLong {
        /// The greatest length.
        limit: usize,
    },
}

impl PrivateFileError {
    /// Returns whether there is no such file.
    pub(super) fn is_not_found(&self) -> bool {
        matches!(self, Self::Io(cause) if cause.kind() == io::ErrorKind::NotFound)
    }
}

/// Who may read a file that is read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Readers {
    OwnerOnly,
    Anyone,
}

/// Reads a regular file, or a link to one, that its owner alone may read.
pub(crate) fn read_private(path: &Path, limit: usize) -> Result<Zeroizing<Vec<u8>>, PrivateFileError> {
    read(&open(path, true)?, limit, Readers::OwnerOnly)
}

/// Reads a regular file, or a link to one, that anyone may read.
pub(crate) fn read_public(path: &Path, limit: usize) -> Result<Zeroizing<Vec<u8>>, PrivateFileError> {
    read(&open(path, true)?, limit, Readers::Anyone)
}

/// Reads a regular file, not a link, that the service manager made for this process.
pub(crate) fn read_credential(path: &Path, limit: usize) -> Result<Zeroizing<Vec<u8>>, PrivateFileError> {
    read(&open(path, false)?, limit, Readers::Anyone)
}

fn read(file: &File, limit: usize, readers: Readers) -> Result<Zeroizing<Vec<u8>>, PrivateFileError> {
    let found = file.metadata().map_err(PrivateFileError::Io)?;
    if !found.is_file() {
        return Err(PrivateFileError::NotRegular);
    }
    if readers == Readers::OwnerOnly {
        check_permissions(&found, 0o600)?;
    }
    read_bounded(file, limit).map_err(PrivateFileError::Io)?.ok_or(PrivateFileError::TooLong { limit })
}

/// Reads to the end; `None` when there are more than `limit` bytes.
pub(super) fn read_bounded(reader: impl Read, limit: usize) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    // With more room than is ever filled, the bytes are not moved to another place while they are read.
    let mut bytes = Zeroizing::new(Vec::with_capacity(limit.saturating_add(64)));
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    reader.take(most).read_to_end(&mut bytes)?;
    Ok((bytes.len() <= limit).then_some(bytes))
}

/// Opens a file to read it. A pipe that nobody writes to does not make it wait.
#[cfg(unix)]
fn open(path: &Path, follow: bool) -> Result<File, PrivateFileError> {
    use rustix::fs::{Mode, OFlags};

    let links = if follow { OFlags::empty() } else { OFlags::NOFOLLOW };
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY | links;
    match rustix::fs::open(path, flags, Mode::empty()) {
        Err(rustix::io::Errno::LOOP) if !follow => Err(PrivateFileError::NotRegular),
        Err(error) => Err(PrivateFileError::Io(error.into())),
        Ok(file) => Ok(File::from(file)),
    }
}

#[cfg(not(unix))]
fn open(path: &Path, _: bool) -> Result<File, PrivateFileError> {
    File::open(path).map_err(PrivateFileError::Io)
}

/// Refuses what others than the owner may read, write or enter.
#[cfg(unix)]
fn check_permissions(found: &std::fs::Metadata, tight: u32) -> Result<(), PrivateFileError> {
    use std::os::unix::fs::PermissionsExt as _;

    let mode = found.permissions().mode() & 0o777;
    if mode & 0o077 == 0 { Ok(()) } else { Err(PrivateFileError::Permissions { mode, tight }) }
}

/// There are no such permissions.
#[cfg(not(unix))]
fn check_permissions(_: &std::fs::Metadata, _: u32) -> Result<(), PrivateFileError> {
    Ok(())
}

/// Refuses a folder that others than its owner may enter.
pub(super) fn check_folder(path: &Path) -> Result<(), PrivateFileError> {
    let found = path.metadata().map_err(PrivateFileError::Io)?;
    if !found.is_dir() {
        return Err(PrivateFileError::Io(io::ErrorKind::NotADirectory.into()));
    }
    check_permissions(&found, 0o700)
}

/// Makes a folder that its owner alone may enter; one that is there is left as it is.
pub(super) fn create_folder(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        made => made.and_then(|()| sync_folder(parent(path))),
    }
}

/// Creates a file that its owner alone may read, where none is.
pub(super) fn create_new(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Writes a file, and waits until the disk has its content.
pub(super) fn write_durably(mut file: File, bytes: &[u8]) -> io::Result<()> {
    file.write_all(bytes).and_then(|()| file.sync_all())
}

/// Waits until the disk has the names in a folder.
pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(path).and_then(|folder| folder.sync_all()) } else { Ok(()) }
}

fn parent(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."))
}
