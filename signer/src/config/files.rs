//! The files that a configuration names.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::Look;
use super::error::ConfigRule;
use super::problems::{Given, Problems};
use super::secret::PrivateFile;
use crate::keystore::{KeyName, Passphrase, PassphraseError};

const CREDENTIALS: &str = "CREDENTIALS_DIRECTORY";
/// What names a credential in place of a path.
const CREDENTIAL: &str = "credential:";

/// How the files of a configuration are found.
pub(super) struct Files<'a> {
    /// The configuration's own folder.
    pub(super) folder: &'a Path,
    /// The folder of the service manager's credentials.
    pub(super) credentials: Option<PathBuf>,
    pub(super) look: Look,
}

/// Takes the folder of credentials out of the environment.
pub(super) fn credentials_folder(environment: &mut Vec<(OsString, OsString)>) -> Option<PathBuf> {
    let place = environment.iter().position(|(name, _)| name == CREDENTIALS)?;
    let (_, folder) = environment.swap_remove(place);
    Some(PathBuf::from(folder)).filter(|folder| folder.is_absolute())
}

impl Files<'_> {
    /// Returns whether files are to be read.
    pub(super) fn are_read(&self) -> bool {
        self.look == Look::AtFiles
    }

    /// Returns a path, relative to the configuration's folder.
    pub(super) fn path(&self, given: &str) -> PathBuf {
        self.folder.join(given)
    }

    /// Returns a private file: of a path, or `credential:NAME`.
    pub(super) fn private(&self, given: &Given<String>, problems: &Problems) -> Option<PrivateFile> {
        let Some(name) = given.value.strip_prefix(CREDENTIAL) else {
            return Some(PrivateFile::new(self.path(&given.value), false));
        };
        let name: KeyName = problems.take(&given.place, name.parse())?;
        match (&self.credentials, self.look) {
            (Some(folder), _) => Some(PrivateFile::new(folder.join(name.as_str()), true)),
            (None, Look::AtTextOnly) => Some(PrivateFile::new(PathBuf::from(name.as_str()), true)),
            (None, Look::AtFiles) => {
                problems.add(&given.place, ConfigRule::NoCredentials);
                None
            }
        }
    }

    /// Checks that a credential has a passphrase.
    pub(super) fn check_passphrase_credential(&self, name: &KeyName) -> Result<(), PassphraseError> {
        if !self.are_read() {
            return Ok(());
        }
        let folder = self.credentials.as_deref().ok_or(PassphraseError::NoCredentials)?;
        Passphrase::from_credential_in(folder, name).map(|_| ())
    }

    /// Checks that a private file has a passphrase.
    pub(super) fn check_passphrase_file(&self, path: &Path) -> Result<(), PassphraseError> {
        if self.are_read() { Passphrase::from_file(path).map(|_| ()) } else { Ok(()) }
    }
}

/// Returns whether others than a file's owner may write it.
#[cfg(unix)]
pub(super) fn others_may_write(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;

    path.metadata().is_ok_and(|found| found.permissions().mode() & 0o022 != 0)
}

/// There are no such permissions.
#[cfg(not(unix))]
pub(super) fn others_may_write(_: &Path) -> bool {
    false
}
