//! Files that one process has at a time.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

/// A file that is locked as long as this is there. The lock goes with it at once: a process that is being
/// started at this moment has the file open too, and merely closed it would stay locked until that has begun.
#[derive(Debug)]
pub(crate) struct Locked(pub(crate) File);

impl Locked {
    /// Locks a file that nobody else has locked.
    pub(crate) fn new(file: File) -> Result<Self, TryLockError> {
        file.try_lock()?;
        Ok(Self(file))
    }

    /// Locks a file of no content, which is made where there is none; `None` when another process has it.
    pub(crate) fn empty(path: &Path) -> std::io::Result<Option<Self>> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        match Self::new(options.open(path)?) {
            Ok(file) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(cause)) => Err(cause),
        }
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        // Closing it does the same, later.
        let _unlocked = self.0.unlock();
    }
}

/// Returns a path with an ending after its name.
pub(crate) fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}
