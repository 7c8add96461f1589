//! Files of secrets, which are read again without a stop.

use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::auth::SharedSecret;
use crate::keystore::{PrivateFileError, read_credential, read_private};

/// The most secrets in a file: an old one and a new one, and some in reserve.
const MAX_SECRETS: usize = 8;
const MAX_SECRET_BYTES: usize = 1024;
/// Secrets and the line breaks after them.
const MAX_BYTES: usize = MAX_SECRETS * (MAX_SECRET_BYTES + 2);
/// The most bytes of a database's connection string.
const MAX_CONNECTION_BYTES: usize = 4096;

/// A file that its owner alone may read, or a credential of the service manager, whose readers the manager
/// has chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrivateFile {
    path: PathBuf,
    is_credential: bool,
}

impl PrivateFile {
    pub(super) const fn new(path: PathBuf, is_credential: bool) -> Self {
        Self { path, is_credential }
    }

    /// Returns its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads it.
    ///
    /// # Errors
    /// [`PrivateFileError`] when it cannot be read, is no regular file, has more than `limit` bytes, or,
    /// unless it is a credential, others than its owner may read or write it.
    pub fn read(&self, limit: usize) -> Result<Zeroizing<Vec<u8>>, PrivateFileError> {
        if self.is_credential { read_credential(&self.path, limit) } else { read_private(&self.path, limit) }
    }

    /// Reads the connection string of a database.
    ///
    /// # Errors
    /// As of [`read`](Self::read).
    pub fn read_connection(&self) -> Result<Zeroizing<Vec<u8>>, PrivateFileError> {
        self.read(MAX_CONNECTION_BYTES)
    }
}

/// A private file with the secrets of a client: one in a line, each of which is accepted, so that a new one
/// is added before the old one is removed. White space belongs to a secret; empty lines do not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretFile {
    file: PrivateFile,
    least_bytes: usize,
}

/// A file of secrets cannot be used. It shows none of them.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SecretsError {
    /// It cannot be read.
    #[error("cannot read the secrets' file {}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        #[source]
        cause: PrivateFileError,
    },
    /// It has none.
    #[error("the file {} has no secret; must have one in a line", .path.display())]
    NoSecret {
        /// The file.
        path: PathBuf,
    },
    /// It has too many.
    #[error("the file {} has more than {MAX_SECRETS} secrets; must have at most that", .path.display())]
    TooMany {
        /// The file.
        path: PathBuf,
    },
    /// One has another length.
    #[error("secret {number} of the file {} has {length} bytes; must have {least} to {MAX_SECRET_BYTES}", .path.display())]
    Length {
        /// The file.
        path: PathBuf,
        /// The secret's number, from 1.
        number: usize,
        /// Its length.
        length: usize,
        /// The least length.
        least: usize,
    },
}

impl SecretFile {
    pub(super) const fn new(file: PrivateFile, least_bytes: usize) -> Self {
        Self { file, least_bytes }
    }

    /// Returns its path.
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// Reads its secrets: at least one.
    ///
    /// # Errors
    /// [`SecretsError`] when it cannot be read, or has no secrets of the right length.
    pub fn read(&self) -> Result<Vec<SharedSecret>, SecretsError> {
        let path = self.path().to_owned();
        let bytes =
            self.file.read(MAX_BYTES).map_err(|cause| SecretsError::File { path: path.clone(), cause })?;
        let found: Vec<_> = SharedSecret::lines(&bytes).take(MAX_SECRETS.saturating_add(1)).collect();
        if found.is_empty() {
            return Err(SecretsError::NoSecret { path });
        }
        if found.len() > MAX_SECRETS {
            return Err(SecretsError::TooMany { path });
        }
        let lengths = found.iter().map(SharedSecret::length);
        let wrong = (1..).zip(lengths).find(|(_, n)| !(self.least_bytes..=MAX_SECRET_BYTES).contains(n));
        if let Some((number, length)) = wrong {
            return Err(SecretsError::Length { path, number, length, least: self.least_bytes });
        }
        Ok(found)
    }
}
