//! Passphrases, and where they come from: never an argument or an environment variable, which others may see.

mod sources;
#[cfg(unix)]
mod terminal;

use std::fmt;
use std::path::PathBuf;

use zeroize::Zeroizing;

use super::files::PrivateFileError;

pub(super) use sources::ask;

/// A passphrase: one line of text. `Debug` shows nothing of it, and it is erased when it is dropped.
pub struct Passphrase(Zeroizing<String>);

/// The error of a text that is not a passphrase. It shows nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidPassphrase {
    /// It is empty. The standard `age` tool could never open what is encrypted with it.
    #[error("the passphrase is empty; must have at least one character")]
    Empty,
    /// It is too long.
    #[error("the passphrase has more than {} bytes; must have at most that", Passphrase::MAX_BYTES)]
    TooLong,
    /// It is not text.
    #[error("the passphrase is not text; must be UTF-8")]
    NotText,
    /// It has a line break or another control character, which nobody can type at the standard tools'
    /// prompts.
    #[error("the passphrase has a line break or another control character; must be one line of text")]
    ControlCharacter,
}

/// The error of a passphrase that was not obtained.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PassphraseError {
    /// The file descriptor cannot be read.
    #[error("cannot read the passphrase from file descriptor {number}")]
    Descriptor {
        /// The descriptor.
        number: u32,
        /// What went wrong.
        #[source]
        cause: std::io::Error,
    },
    /// There are no credentials.
    #[error("$CREDENTIALS_DIRECTORY is not set to a folder; must be, as systemd's LoadCredential= does")]
    NoCredentials,
    /// The credential cannot be read.
    #[error("cannot read the passphrase from the credential {}", .path.display())]
    Credential {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        #[source]
        cause: PrivateFileError,
    },
    /// The file cannot be read.
    #[error("cannot read the passphrase from the file {}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        #[source]
        cause: PrivateFileError,
    },
    /// There is no terminal, or it cannot be read.
    #[error("cannot ask for the passphrase on a terminal")]
    Terminal(#[source] std::io::Error),
    /// The passphrase was typed twice, differently.
    #[error("the two passphrases differ; must be the same")]
    Different,
    /// What was read is not a passphrase.
    #[error("{origin} has no passphrase")]
    Invalid {
        /// Where it was read.
        origin: String,
        /// What was found.
        #[source]
        cause: InvalidPassphrase,
    },
}

impl Passphrase {
    /// The greatest length, in bytes.
    pub const MAX_BYTES: usize = 1024;

    /// Takes a text.
    ///
    /// # Errors
    /// [`InvalidPassphrase`] when it is empty, too long, or more than one line. White space around it belongs
    /// to it.
    pub fn new(text: Zeroizing<String>) -> Result<Self, InvalidPassphrase> {
        if text.is_empty() {
            return Err(InvalidPassphrase::Empty);
        }
        if text.len() > Self::MAX_BYTES {
            return Err(InvalidPassphrase::TooLong);
        }
        if text.chars().any(|c| c.is_control() && c != '\t') {
            return Err(InvalidPassphrase::ControlCharacter);
        }
        Ok(Self(text))
    }

    /// Takes the bytes of a text, without the line break at its end where it has one.
    fn from_line(line: &[u8]) -> Result<Self, InvalidPassphrase> {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let text = std::str::from_utf8(line).map_err(|_| InvalidPassphrase::NotText)?;
        Self::new(Zeroizing::new(text.to_owned()))
    }

    /// Returns the text, which nothing redacts any more.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passphrase(..)")
    }
}
