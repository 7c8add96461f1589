//! The folder with the encrypted keys.

mod list;
mod write;

use std::fmt;
use std::path::{Path, PathBuf};

use eots::{SecretKey, XOnlyPublicKey};
use zeroize::Zeroizing;

use super::files::{PrivateFileError, check_folder, create_folder, read_private, read_public};
use super::hex_key::secret_key_to_hex;
use super::name::KeyName;
use super::passphrase::Passphrase;
use super::plaintext::{self, ContentError};
use super::sealed::{UnsealError, WorkFactor, unseal};

pub use list::{ListError, ListedKey, Listing, OtherFile};
pub use write::AddError;
#[cfg(test)]
#[cfg(unix)]
pub(crate) use write::Step;

/// Far more than an encrypted key takes.
const MAX_SEALED_BYTES: usize = 64 << 10;
/// A public key and the white space around it.
const MAX_PUBLIC_BYTES: usize = 1024;

/// A folder of encrypted secret keys.
#[derive(Debug, Clone)]
pub struct Keystore {
    folder: PathBuf,
    work_factor: WorkFactor,
}

/// The error of a folder that is not used as a keystore.
#[derive(Debug, thiserror::Error)]
#[error("cannot use the keystore {}", .path.display())]
#[non_exhaustive]
pub struct FolderError {
    /// The folder.
    pub path: PathBuf,
    /// What went wrong.
    #[source]
    pub cause: PrivateFileError,
}

/// The error of a public key that is not read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PublicKeyError {
    /// There is no key of this name.
    #[error("there is no key {name} in the keystore {}", .folder.display())]
    NoKey {
        /// The name.
        name: KeyName,
        /// The keystore.
        folder: PathBuf,
    },
    /// The file of the public key is lost.
    #[error("{} is not there; must have the public key that `age -d` shows of the key", .path.display())]
    Missing {
        /// The file of the public key.
        path: PathBuf,
    },
    /// The file cannot be read.
    #[error("cannot read the public key's file {}", .path.display())]
    File {
        /// The file of the public key.
        path: PathBuf,
        /// What went wrong.
        #[source]
        cause: PrivateFileError,
    },
    /// The file has something else.
    #[error("{} has no BIP-340 public key; must have 64 hex digits of one", .path.display())]
    Content {
        /// The file of the public key.
        path: PathBuf,
    },
}

/// The error of a key that is not unlocked. It never shows the key or the passphrase.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UnlockError {
    /// There is no key of this name, or its public key's file is damaged.
    #[error(transparent)]
    PublicKey(#[from] PublicKeyError),
    /// The file cannot be read.
    #[error("cannot read the key's file {}", .path.display())]
    File {
        /// The key's file.
        path: PathBuf,
        /// What went wrong.
        #[source]
        cause: PrivateFileError,
    },
    /// The file is not decrypted.
    #[error("cannot decrypt the key's file {}", .path.display())]
    Sealed {
        /// The key's file.
        path: PathBuf,
        /// Why.
        #[source]
        cause: UnsealError,
    },
    /// The file holds something else.
    #[error("the file {} has no key", .path.display())]
    Content {
        /// The key's file.
        path: PathBuf,
        /// What was found.
        #[source]
        cause: ContentError,
    },
    /// The public key's file has another key.
    #[error("{} has the public key {stated}; must have {found}, that of {name}.age", .path.display())]
    Contradiction {
        /// The key's name.
        name: KeyName,
        /// The public key's file.
        path: PathBuf,
        /// The public key in that file.
        stated: XOnlyPublicKey,
        /// The public key of the decrypted key.
        found: XOnlyPublicKey,
    },
}

/// A decrypted key. `Debug` shows nothing of it, and it is erased when it is dropped.
pub struct Unlocked {
    name: KeyName,
    key: SecretKey,
}

impl Keystore {
    /// Opens a keystore, and makes its folder when it is not there; the folder around it must be.
    ///
    /// # Errors
    /// [`FolderError`] when that fails, or others than the owner may enter the folder.
    pub fn create(folder: &Path) -> Result<Self, FolderError> {
        create_folder(folder)
            .map_err(|cause| FolderError { path: folder.to_owned(), cause: PrivateFileError::Io(cause) })?;
        Self::open(folder)
    }

    /// Opens a keystore whose folder is there.
    ///
    /// # Errors
    /// [`FolderError`] when it is not, or others than the owner may enter it.
    pub fn open(folder: &Path) -> Result<Self, FolderError> {
        check_folder(folder).map_err(|cause| FolderError { path: folder.to_owned(), cause })?;
        Ok(Self { folder: folder.to_owned(), work_factor: WorkFactor::STANDARD })
    }

    /// Returns the keystore with another work factor for the keys that are added. Keys of every factor are
    /// unlocked.
    #[must_use]
    pub fn with_work_factor(self, work_factor: WorkFactor) -> Self {
        Self { work_factor, ..self }
    }

    /// Returns the path of the encrypted key of a name.
    pub fn key_path(&self, name: &KeyName) -> PathBuf {
        self.folder.join(format!("{name}.age"))
    }

    /// Returns the path of the file with the public key of a name.
    pub fn public_key_path(&self, name: &KeyName) -> PathBuf {
        self.folder.join(format!("{name}.pub"))
    }

    /// Returns the public key of a name without decrypting anything: as its file states it, which
    /// [`Self::unlock`] verifies.
    ///
    /// # Errors
    /// [`PublicKeyError`] when there is no key of this name, or its public key's file is lost or damaged.
    pub fn public_key(&self, name: &KeyName) -> Result<XOnlyPublicKey, PublicKeyError> {
        if !self.key_path(name).try_exists().unwrap_or(true) {
            return Err(PublicKeyError::NoKey { name: name.clone(), folder: self.folder.clone() });
        }
        let path = self.public_key_path(name);
        match read_public(&path, MAX_PUBLIC_BYTES) {
            Err(cause) if cause.is_not_found() => Err(PublicKeyError::Missing { path }),
            Err(cause) => Err(PublicKeyError::File { path, cause }),
            Ok(text) => plaintext::public_key(&text).ok_or(PublicKeyError::Content { path }),
        }
    }

    /// Decrypts a key. With the standard work factor it takes about a second.
    ///
    /// What is returned has the public key that its file states; when `NAME.pub` is lost, there is nothing to
    /// compare it with but that.
    ///
    /// # Errors
    /// [`UnlockError`] when there is no such key, its file is of others too or damaged, the passphrase is
    /// wrong, or the public key's file has another key.
    pub fn unlock(&self, name: &KeyName, passphrase: &Passphrase) -> Result<Unlocked, UnlockError> {
        let stated = match self.public_key(name) {
            Err(PublicKeyError::Missing { .. }) => None,
            stated => Some(stated?),
        };
        let path = self.key_path(name);
        let sealed = match read_private(&path, MAX_SEALED_BYTES) {
            Err(cause) => return Err(UnlockError::File { path, cause }),
            Ok(sealed) => sealed,
        };
        let content = unseal(&sealed, passphrase);
        let content = content.map_err(|cause| UnlockError::Sealed { path: path.clone(), cause })?;
        let key = plaintext::read(&content).map_err(|cause| UnlockError::Content { path, cause })?;
        let name = name.clone();
        match stated {
            Some(stated) if stated != *key.public_key() => Err(UnlockError::Contradiction {
                path: self.public_key_path(&name),
                name,
                stated,
                found: *key.public_key(),
            }),
            _ => Ok(Unlocked { name, key }),
        }
    }
}

impl Unlocked {
    /// Returns the key's name.
    pub const fn name(&self) -> &KeyName {
        &self.name
    }

    /// Returns the secret key.
    pub const fn key(&self) -> &SecretKey {
        &self.key
    }

    /// Returns the secret key alone.
    pub fn into_key(self) -> SecretKey {
        self.key
    }

    /// Returns the secret key as 64 hex digits, to be exported: nothing redacts them any more.
    pub fn to_hex(&self) -> Zeroizing<String> {
        secret_key_to_hex(&self.key)
    }
}

impl fmt::Debug for Unlocked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Unlocked(..)")
    }
}
