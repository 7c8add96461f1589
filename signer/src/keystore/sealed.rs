//! Encryption with a passphrase, as files of the `age` format.

use std::io::{self, Write as _};

use age::armor::{ArmoredReader, ArmoredWriter, Format};
use age::secrecy::SecretString;
use age::{DecryptError, Decryptor, Encryptor, scrypt};
use zeroize::Zeroizing;

use super::files::read_bounded;
use super::passphrase::Passphrase;

/// Far more than a key takes in JSON.
const MAX_BYTES: usize = 4096;

/// How much work it is to try a passphrase: the binary logarithm of scrypt's N, from 1 to 20. It takes
/// 2^factor KiB of memory.
///
/// Every build opens all of these, so that one that is not optimised opens what a release wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct WorkFactor(u8);

/// The error of a number that is not a work factor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the work factor is {found}; must be from 1 to {}", WorkFactor::MAX.0)]
#[non_exhaustive]
pub struct InvalidWorkFactor {
    /// The number.
    pub found: u8,
}

impl WorkFactor {
    /// What the standard tool uses: 18, which takes about a second and 256 MiB. Anything less is for tests.
    pub const STANDARD: Self = Self(18);
    /// The greatest factor, which takes 1 GiB. A file that asks for more is not opened.
    pub const MAX: Self = Self(20);

    /// Takes the binary logarithm of N.
    ///
    /// # Errors
    /// [`InvalidWorkFactor`] when it is 0 or above [`Self::MAX`].
    pub const fn new(log_n: u8) -> Result<Self, InvalidWorkFactor> {
        if log_n == 0 || log_n > Self::MAX.0 {
            return Err(InvalidWorkFactor { found: log_n });
        }
        Ok(Self(log_n))
    }
}

/// The error of an encrypted file that is not opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnsealError {
    /// It is no file of the `age` format.
    #[error("it is not an age file, or it is damaged; must be one, whole")]
    NotAge,
    /// It is encrypted to keys.
    #[error("it is encrypted to recipients' keys; must be encrypted with a passphrase (`age -p`)")]
    NoPassphrase,
    /// It asks for too much work.
    #[error("its work factor is {found}; must be from 1 to {}", WorkFactor::MAX.0)]
    TooMuchWork {
        /// The factor found.
        found: u8,
    },
    /// The passphrase is another.
    #[error("the passphrase is wrong")]
    WrongPassphrase,
    /// It was changed or cut off after it was written.
    #[error("it is damaged: it is not as it was encrypted")]
    Damaged,
    /// It holds too much.
    #[error("it holds more than {MAX_BYTES} bytes; must hold a key")]
    TooLong,
}

/// The passphrase in the type that `age` erases.
fn secret(passphrase: &Passphrase) -> SecretString {
    SecretString::from(passphrase.expose())
}

/// Encrypts with a passphrase, as text.
pub(super) fn seal(plaintext: &[u8], passphrase: &Passphrase, factor: WorkFactor) -> io::Result<Vec<u8>> {
    let mut recipient = scrypt::Recipient::new(secret(passphrase));
    recipient.set_work_factor(factor.0);
    let encryptor = Encryptor::with_recipients(std::iter::once::<&dyn age::Recipient>(&recipient))
        .map_err(io::Error::other)?;
    let mut writer = encryptor.wrap_output(ArmoredWriter::wrap_output(Vec::new(), Format::AsciiArmor)?)?;
    writer.write_all(plaintext)?;
    writer.finish()?.finish()
}

/// Decrypts text or the binary form.
pub(super) fn unseal(sealed: &[u8], passphrase: &Passphrase) -> Result<Zeroizing<Vec<u8>>, UnsealError> {
    let decryptor = Decryptor::new_buffered(ArmoredReader::new(sealed)).map_err(|_| UnsealError::NotAge)?;
    if !decryptor.is_scrypt() {
        return Err(UnsealError::NoPassphrase);
    }
    let mut identity = scrypt::Identity::new(secret(passphrase));
    identity.set_max_work_factor(WorkFactor::MAX.0);
    let reader = decryptor.decrypt(std::iter::once::<&dyn age::Identity>(&identity));
    let reader = reader.map_err(|error| match error {
        DecryptError::ExcessiveWork { required, .. } => UnsealError::TooMuchWork { found: required },
        DecryptError::DecryptionFailed | DecryptError::KeyDecryptionFailed => UnsealError::WrongPassphrase,
        DecryptError::InvalidMac | DecryptError::Io(_) => UnsealError::Damaged,
        _ => UnsealError::NotAge,
    })?;
    read_bounded(reader, MAX_BYTES).map_err(|_| UnsealError::Damaged)?.ok_or(UnsealError::TooLong)
}
