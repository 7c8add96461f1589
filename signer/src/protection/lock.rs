//! Files that one process has at a time.

use std::fs::{File, TryLockError};

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
}

impl Drop for Locked {
    fn drop(&mut self) {
        // Closing it does the same, later.
        let _unlocked = self.0.unlock();
    }
}
