//! What is in the folder, without a passphrase.

use std::ffi::OsStr;
use std::io;
use std::path::PathBuf;

use eots::XOnlyPublicKey;

use super::super::name::KeyName;
use super::{Keystore, PublicKeyError};

/// Far more files than any keystore has.
const MAX_FILES: usize = 10_000;

/// The keys of a keystore, and what else lies there.
#[derive(Debug)]
#[non_exhaustive]
pub struct Listing {
    /// The keys, by name.
    pub keys: Vec<ListedKey>,
    /// The other files, by path: one may be the only copy of a key.
    pub others: Vec<OtherFile>,
}

/// A key.
#[derive(Debug)]
#[non_exhaustive]
pub struct ListedKey {
    /// Its name.
    pub name: KeyName,
    /// Its public key, as its file states it.
    pub public_key: Result<XOnlyPublicKey, PublicKeyError>,
}

/// A file that is no part of a key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum OtherFile {
    /// An encrypted key under the name that it has while it is written: the writer was killed, or is at work.
    /// When the key is there, it is the same file.
    Unfinished(PathBuf),
    /// A public key's file whose key is not there: its writer was killed, or the key was removed.
    PublicKeyAlone(PathBuf),
    /// Something else.
    Foreign(PathBuf),
}

/// The error of a folder that is not listed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ListError {
    /// It cannot be read.
    #[error("cannot list the keystore {}", .folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What went wrong.
        #[source]
        cause: io::Error,
    },
    /// It has too many files.
    #[error("the keystore {} has more than {MAX_FILES} files; must have at most that", .folder.display())]
    TooMany {
        /// The folder.
        folder: PathBuf,
    },
}

/// What a file's name says.
enum Kind {
    Key(KeyName),
    PublicKey(KeyName),
    Unfinished,
    Foreign,
}

fn kind(file: &OsStr) -> Kind {
    let Some(file) = file.to_str() else { return Kind::Foreign };
    let name = |prefix, suffix| file.strip_prefix(prefix)?.strip_suffix(suffix)?.parse().ok();
    let key = name("", ".age").map(Kind::Key).or_else(|| name("", ".pub").map(Kind::PublicKey));
    key.or_else(|| name(".", ".age.new").map(|_: KeyName| Kind::Unfinished)).unwrap_or(Kind::Foreign)
}

impl Keystore {
    /// Lists the keys with their public keys, without decrypting anything, and names every other file.
    ///
    /// # Errors
    /// [`ListError`] when the folder cannot be read.
    pub fn list(&self) -> Result<Listing, ListError> {
        let failed = |cause| ListError::Folder { folder: self.folder.clone(), cause };
        let (mut keys, mut others) = (Vec::new(), Vec::new());
        for (number, entry) in std::fs::read_dir(&self.folder).map_err(failed)?.enumerate() {
            if number >= MAX_FILES {
                return Err(ListError::TooMany { folder: self.folder.clone() });
            }
            let file = entry.map_err(failed)?;
            match kind(&file.file_name()) {
                Kind::Key(name) => keys.push(ListedKey { public_key: self.public_key(&name), name }),
                Kind::PublicKey(name) if self.key_path(&name).try_exists().unwrap_or(true) => {}
                Kind::PublicKey(_) => others.push(OtherFile::PublicKeyAlone(file.path())),
                Kind::Unfinished => others.push(OtherFile::Unfinished(file.path())),
                Kind::Foreign => others.push(OtherFile::Foreign(file.path())),
            }
        }
        keys.sort_by(|one, other| one.name.cmp(&other.name));
        others.sort();
        Ok(Listing { keys, others })
    }
}
