//! The JSON web encryption of a keyring's files: RFC 7516 in its compact form, with one pair of algorithms.

use aes_gcm::aead::AeadInPlace as _;
use aes_gcm::{Aes256Gcm, KeyInit as _, Nonce, Tag};
use aes_kw::KekAes128;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::Hmac;
use serde::Deserialize;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::super::passphrase::Passphrase;

const ALGORITHM: &str = "PBES2-HS256+A128KW";
const ENCRYPTION: &str = "A256GCM";
/// The reference writes 8192. A million takes about a second.
const MAX_ITERATIONS: u32 = 1_000_000;

/// The error of a file that is not decrypted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JweError {
    /// It has another form.
    #[error("it is no compact JSON web encryption: {part} is not as it must be")]
    Form {
        /// Which part.
        part: &'static str,
    },
    /// It is encrypted in another way.
    #[error(
        "it is encrypted in another way; must be with {ALGORITHM} and {ENCRYPTION} alone, as keyrings are"
    )]
    Algorithm,
    /// It asks for too much work, or for none.
    #[error("its iteration count (p2c) is {found}; must be from 1 to {MAX_ITERATIONS}")]
    Iterations {
        /// The count.
        found: u64,
    },
    /// The password is another.
    #[error("the password is wrong")]
    WrongPassword,
    /// It was changed after it was written.
    #[error("it is damaged: it is not as it was encrypted")]
    Damaged,
}

#[derive(Deserialize)]
struct Header<'a> {
    alg: &'a str,
    enc: &'a str,
    p2s: &'a str,
    p2c: u64,
    /// Compression: none of a keyring's files has it.
    zip: Option<serde::de::IgnoredAny>,
    /// Extensions that must be understood.
    crit: Option<serde::de::IgnoredAny>,
}

fn decoded(text: &[u8], part: &'static str) -> Result<Vec<u8>, JweError> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| JweError::Form { part })
}

/// Decrypts a file.
pub(super) fn decrypt(file: &[u8], password: &Passphrase) -> Result<Zeroizing<Vec<u8>>, JweError> {
    let mut parts = file.trim_ascii_end().split(|&byte| byte == b'.');
    let all = (parts.next(), parts.next(), parts.next(), parts.next(), parts.next(), parts.next());
    let (Some(protected), Some(wrapped), Some(nonce), Some(ciphertext), Some(tag), None) = all else {
        return Err(JweError::Form { part: "the number of its parts, which is 5," });
    };
    let header = decoded(protected, "the header")?;
    let header: Header<'_> =
        serde_json::from_slice(&header).map_err(|_| JweError::Form { part: "the header" })?;
    if header.alg != ALGORITHM || header.enc != ENCRYPTION || header.zip.is_some() || header.crit.is_some() {
        return Err(JweError::Algorithm);
    }
    let salt = decoded(header.p2s.as_bytes(), "the salt (p2s)")?;
    let rounds = u32::try_from(header.p2c).ok().filter(|rounds| (1..=MAX_ITERATIONS).contains(rounds));
    let rounds = rounds.ok_or(JweError::Iterations { found: header.p2c })?;
    let wrapped: [u8; 40] = fixed(&decoded(wrapped, "the encrypted key")?, "the encrypted key")?;
    let nonce: [u8; 12] = fixed(&decoded(nonce, "the initialization vector")?, "the initialization vector")?;
    let tag: [u8; 16] = fixed(&decoded(tag, "the authentication tag")?, "the authentication tag")?;
    let mut text = Zeroizing::new(decoded(ciphertext, "the ciphertext")?);

    let salt = [ALGORITHM.as_bytes(), &[0], &salt].concat();
    let mut wrapping_key = Zeroizing::new([0; 16]);
    pbkdf2::pbkdf2::<Hmac<Sha256>>(password.expose().as_bytes(), &salt, rounds, wrapping_key.as_mut_slice())
        .map_err(|_| JweError::WrongPassword)?;
    let mut key = Zeroizing::new([0; 32]);
    KekAes128::from(*wrapping_key)
        .unwrap(&wrapped, key.as_mut_slice())
        .map_err(|_| JweError::WrongPassword)?;
    let cipher = Aes256Gcm::new_from_slice(key.as_slice()).map_err(|_| JweError::Damaged)?;
    cipher
        .decrypt_in_place_detached(&Nonce::from(nonce), protected, &mut text, &Tag::from(tag))
        .map_err(|_| JweError::Damaged)?;
    Ok(text)
}

fn fixed<const N: usize>(bytes: &[u8], part: &'static str) -> Result<[u8; N], JweError> {
    bytes.try_into().map_err(|_| JweError::Form { part })
}
