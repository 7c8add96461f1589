//! Keys in the keyring of the reference signer: the Cosmos SDK's backends `test` and `file`.

mod jwe;
mod record;

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use eots::SecretKey;
use zeroize::Zeroizing;

use super::files::{PrivateFileError, read_private};
use super::passphrase::{InvalidPassphrase, Passphrase};

pub use jwe::JweError;
pub use record::RecordError;

/// Far more than a key takes.
const MAX_BYTES: usize = 64 << 10;
/// Far more files than any keyring has: two for each key.
const MAX_FILES: usize = 20_000;
/// How the name of a key's file ends.
const SUFFIX: &str = ".info";

/// A folder of the reference signer's keyring: `keyring-test` or `keyring-file` in its home.
///
/// It is only read. The backends `os`, `kwallet` and `pass` keep keys outside files.
#[derive(Debug, Clone)]
pub struct CosmosKeyring {
    folder: PathBuf,
}

/// The error of a keyring's key that is not read. It never shows the key or the password.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyringError {
    /// The folder cannot be read.
    #[error("cannot list the keyring {}", .folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What went wrong.
        #[source]
        cause: io::Error,
    },
    /// The folder has too many files.
    #[error("the keyring {} has more than {MAX_FILES} files; must have at most that", .folder.display())]
    TooMany {
        /// The folder.
        folder: PathBuf,
    },
    /// There is no key of this name.
    #[error("there is no key {name:?} in the keyring {}", .folder.display())]
    NoKey {
        /// The name.
        name: String,
        /// The folder.
        folder: PathBuf,
    },
    /// The file cannot be read.
    #[error("cannot read the keyring's file {:?}", .path)]
    File {
        /// The key's file.
        path: PathBuf,
        /// What went wrong.
        #[source]
        cause: PrivateFileError,
    },
    /// The file is not decrypted.
    #[error("cannot decrypt the keyring's file {:?}", .path)]
    Jwe {
        /// The key's file.
        path: PathBuf,
        /// Why.
        #[source]
        cause: JweError,
    },
    /// The file has no secret key of this name.
    #[error("the keyring's file {:?} has no such key", .path)]
    Record {
        /// The key's file.
        path: PathBuf,
        /// What was found.
        #[source]
        cause: RecordError,
    },
}

impl CosmosKeyring {
    /// Names a keyring's folder.
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// Returns the password of every keyring of the backend `test`, which protects nothing.
    ///
    /// # Errors
    /// None that has been seen.
    pub fn test_password() -> Result<Passphrase, InvalidPassphrase> {
        Passphrase::new(Zeroizing::new("test".to_owned()))
    }

    /// Lists the names of the keys, sorted; with those of which the keyring has the public key alone.
    ///
    /// # Errors
    /// [`KeyringError`] when the folder cannot be read.
    pub fn names(&self) -> Result<Vec<String>, KeyringError> {
        let failed = |cause| KeyringError::Folder { folder: self.folder.clone(), cause };
        let mut names = Vec::new();
        for (number, entry) in std::fs::read_dir(&self.folder).map_err(failed)?.enumerate() {
            if number >= MAX_FILES {
                return Err(KeyringError::TooMany { folder: self.folder.clone() });
            }
            names.extend(name_of(&entry.map_err(failed)?.file_name()));
        }
        names.sort();
        Ok(names)
    }

    /// Decrypts the key of a name. The password is the one that unlocks the keyring, or
    /// [that of every `test` keyring](Self::test_password).
    ///
    /// # Errors
    /// [`KeyringError`] when there is no such key, its file is readable for others or damaged, the password
    /// is wrong, or it is no secret key on secp256k1 that is kept here under this name.
    pub fn secret_key(&self, name: &str, password: &Passphrase) -> Result<SecretKey, KeyringError> {
        let path = self.folder.join(file_of(name));
        let file = match read_private(&path, MAX_BYTES) {
            Err(cause) if cause.is_not_found() => {
                return Err(KeyringError::NoKey { name: name.to_owned(), folder: self.folder.clone() });
            }
            file => file.map_err(|cause| KeyringError::File { path: path.clone(), cause })?,
        };
        let item = jwe::decrypt(&file, password);
        let item = item.map_err(|cause| KeyringError::Jwe { path: path.clone(), cause })?;
        record::secret_key(&item, name, SUFFIX).map_err(|cause| KeyringError::Record { path, cause })
    }
}

/// Returns the name of the file with a key: the key's name, in which `%` and `/` are escaped.
fn file_of(name: &str) -> String {
    name.replace('%', "%25").replace('/', "%2F") + SUFFIX
}

/// Returns the name of the key in a file; `None` for other files, and where the reference would not find it
/// again.
fn name_of(file: &OsStr) -> Option<String> {
    let file = file.to_str()?;
    let name = file.strip_suffix(SUFFIX)?.replace("%2F", "/").replace("%25", "%");
    (file_of(&name) == file).then_some(name)
}
