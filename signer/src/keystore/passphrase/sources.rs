//! Readers of passphrases.

use std::fs::File;
use std::io;
use std::path::Path;

use zeroize::Zeroizing;

use super::super::files::{read_bounded, read_credential, read_private};
use super::super::name::KeyName;
use super::{InvalidPassphrase, Passphrase, PassphraseError};

/// A passphrase and the line break after it.
const MAX_LINE: usize = Passphrase::MAX_BYTES + 2;

impl Passphrase {
    /// Reads the passphrase from a file descriptor that this process was started with, to its end, as after
    /// `3< FILE` or `3< <(COMMAND)` in a shell; 0 is standard input. A line break at the end is left out.
    ///
    /// The system opens it again by its number: a file is read from its beginning, and a socket cannot be
    /// read. The number stays open.
    ///
    /// # Errors
    /// [`PassphraseError`] when it cannot be read, or has no passphrase.
    pub fn from_descriptor(number: u32) -> Result<Self, PassphraseError> {
        let failed = |cause| PassphraseError::Descriptor { number, cause };
        // Not by `std::io::stdin`, whose buffer would keep a copy of it.
        let line = open_descriptor(number).and_then(|file| read_bounded(file, MAX_LINE));
        taken(line.map_err(failed)?, || format!("file descriptor {number}"))
    }

    /// Reads the passphrase from a credential of the service manager: the regular file of this name in
    /// `$CREDENTIALS_DIRECTORY`, as with systemd's `LoadCredential=` or `LoadCredentialEncrypted=`. A line
    /// break at the end is left out. Names follow the rule for those of keys.
    ///
    /// # Errors
    /// [`PassphraseError`] when there are no credentials, or it is not there, cannot be read or has no
    /// passphrase.
    pub fn from_credential(name: &KeyName) -> Result<Self, PassphraseError> {
        let folder =
            std::env::var_os("CREDENTIALS_DIRECTORY").filter(|folder| Path::new(folder).is_absolute());
        Self::from_credential_in(Path::new(&folder.ok_or(PassphraseError::NoCredentials)?), name)
    }

    pub(crate) fn from_credential_in(folder: &Path, name: &KeyName) -> Result<Self, PassphraseError> {
        let path = folder.join(name.as_str());
        // Others may read it where the manager says so: who runs the service decides that.
        let line = read_credential(&path, MAX_LINE)
            .map_err(|cause| PassphraseError::Credential { path: path.clone(), cause })?;
        taken(Some(line), || format!("the credential {}", path.display()))
    }

    /// Reads the passphrase from a regular file, or a link to one, that its owner alone may read. A line
    /// break at the end is left out.
    ///
    /// # Errors
    /// [`PassphraseError`] when it cannot be read, others may read it, or it has no passphrase.
    pub fn from_file(path: &Path) -> Result<Self, PassphraseError> {
        let line = read_private(path, MAX_LINE)
            .map_err(|cause| PassphraseError::File { path: path.to_owned(), cause })?;
        taken(Some(line), || format!("the file {}", path.display()))
    }

    /// Asks for the passphrase on the terminal, without showing what is typed. A text such as `Passphrase of
    /// alice: ` asks.
    ///
    /// # Errors
    /// [`PassphraseError`] when there is no terminal, or what is typed is not a passphrase.
    pub fn prompt(question: &str) -> Result<Self, PassphraseError> {
        let line = ask(question, &|_| true).map_err(PassphraseError::Terminal)?;
        taken(line, || "the terminal".to_owned())
    }

    /// Asks for a new passphrase on the terminal, twice.
    ///
    /// # Errors
    /// [`PassphraseError`] as for [`Self::prompt`], and when the two differ.
    pub fn prompt_new(question: &str, again: &str) -> Result<Self, PassphraseError> {
        let passphrase = Self::prompt(question)?;
        if Self::prompt(again)?.expose() != passphrase.expose() {
            return Err(PassphraseError::Different);
        }
        Ok(passphrase)
    }
}

/// Takes a line that was read; `None` is one that is too long.
fn taken(
    line: Option<Zeroizing<Vec<u8>>>,
    origin: impl Fn() -> String,
) -> Result<Passphrase, PassphraseError> {
    line.ok_or(InvalidPassphrase::TooLong)
        .and_then(|line| Passphrase::from_line(&line))
        .map_err(|cause| PassphraseError::Invalid { origin: origin(), cause })
}

/// Opens a descriptor again. A named pipe whose writer is gone already does not make it wait to be opened.
#[cfg(unix)]
fn open_descriptor(number: u32) -> io::Result<File> {
    use rustix::fs::{Mode, OFlags, fcntl_getfl, fcntl_setfl};

    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = rustix::fs::open(format!("/dev/fd/{number}"), flags, Mode::empty())?;
    // But reading waits for what the writer has yet to say.
    fcntl_setfl(&file, fcntl_getfl(&file)?.difference(OFlags::NONBLOCK))?;
    Ok(File::from(file))
}

#[cfg(not(unix))]
fn open_descriptor(_: u32) -> io::Result<File> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Asks on the terminal, without showing what is typed, until the lines so far are the whole answer.
#[cfg(unix)]
pub(in super::super) fn ask(
    question: &str,
    is_whole: &dyn Fn(&[u8]) -> bool,
) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    super::terminal::ask(question, is_whole)
}

#[cfg(not(unix))]
pub(in super::super) fn ask(_: &str, _: &dyn Fn(&[u8]) -> bool) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    Err(io::ErrorKind::Unsupported.into())
}
