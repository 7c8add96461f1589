//! Secret keys as hex.

use std::path::{Path, PathBuf};

use eots::SecretKey;
use zeroize::Zeroizing;

use super::files::{PrivateFileError, read_private};

/// A key and the white space around it.
const MAX_BYTES: usize = 1024;

/// The error of bytes that are not a secret key in hex. It shows none of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidSecretHex {
    /// It has another length.
    #[error("the secret key has {length} characters; must have 64 hex digits")]
    Length {
        /// Its length without white space around it, in bytes.
        length: usize,
    },
    /// It has other characters than hex digits.
    #[error("the secret key has a character that is not a hex digit; must have 64 hex digits")]
    NotHex,
    /// The number is not a key.
    #[error(transparent)]
    NotAKey(#[from] eots::InvalidSecretKey),
}

/// The error of a file that has no secret key in hex.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SecretFileError {
    /// It cannot be read.
    #[error("cannot read the secret key's file {}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        #[source]
        cause: PrivateFileError,
    },
    /// It has something else.
    #[error("the file {} has no secret key", .path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What was found.
        #[source]
        cause: InvalidSecretHex,
    },
}

/// Returns the secret key of 64 hex digits of either case, with white space around them or not. There is no
/// `0x`.
///
/// # Errors
/// [`InvalidSecretHex`] when it is something else, or no key.
pub fn secret_key_from_hex(text: &[u8]) -> Result<SecretKey, InvalidSecretHex> {
    let text = text.trim_ascii();
    let mut bytes = Zeroizing::new([0; 32]);
    if text.len() != 64 {
        return Err(InvalidSecretHex::Length { length: text.len() });
    }
    hex::decode_to_slice(text, bytes.as_mut_slice()).map_err(|_| InvalidSecretHex::NotHex)?;
    Ok(SecretKey::from_bytes(&bytes)?)
}

/// Returns the secret key as 64 hex digits, which nothing redacts any more: handle with care.
pub fn secret_key_to_hex(key: &SecretKey) -> Zeroizing<String> {
    let digit = |nibble: u8| char::from_digit(nibble.into(), 16).unwrap_or_default();
    // The room is there from the start: a text that grows would leave a copy behind.
    let mut text = Zeroizing::new(String::with_capacity(64));
    key.to_bytes().iter().for_each(|byte| text.extend([digit(byte >> 4), digit(byte & 15)]));
    text
}

/// Reads a secret key of 64 hex digits from a file that its owner alone may read.
///
/// # Errors
/// [`SecretFileError`] when the file cannot be read, others may read it, or it has something else.
pub fn read_secret_key(path: &Path) -> Result<SecretKey, SecretFileError> {
    let text = read_private(path, MAX_BYTES)
        .map_err(|cause| SecretFileError::File { path: path.to_owned(), cause })?;
    secret_key_from_hex(&text).map_err(|cause| SecretFileError::Content { path: path.to_owned(), cause })
}
