//! What an encrypted key file holds once it is decrypted.

use eots::{SecretKey, XOnlyPublicKey};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::hex_key::{InvalidSecretHex, secret_key_from_hex, secret_key_to_hex};

const KIND: &str = "btcstake-eots-key";
const VERSION: u64 = 1;

/// The error of a decrypted file that is not a key. It shows nothing of the content but versions and public
/// keys.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ContentError {
    /// It has another form.
    #[error(
        "it has something else at line {line}, column {column}; must be JSON with \"kind\", \"version\", \
         \"public_key\" and \"secret_key\" alone"
    )]
    Form {
        /// The line, from 1.
        line: usize,
        /// The column.
        column: usize,
    },
    /// It is of another kind.
    #[error("it is of another kind; must have \"kind\": \"{KIND}\"")]
    Kind,
    /// It is of another version.
    #[error("it is of version {found}; must be of version {VERSION}")]
    Version {
        /// The version found.
        found: u64,
    },
    /// Its secret key is not valid.
    #[error(transparent)]
    SecretKey(#[from] InvalidSecretHex),
    /// Its public key is not valid.
    #[error("its public key is not a BIP-340 public key; must be 64 hex digits of one")]
    NotAPublicKey,
    /// Its public key is another key's.
    #[error("its public key is {stated}; must be {derived}, the secret key's")]
    PublicKey {
        /// The public key in it.
        stated: XOnlyPublicKey,
        /// The public key of the secret key in it.
        derived: XOnlyPublicKey,
    },
}

/// What every version has.
#[derive(Deserialize)]
struct Head<'a> {
    kind: &'a str,
    version: u64,
}

/// The JSON. It borrows from the decrypted bytes, so that no copy of the secret is made.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Content<'a> {
    #[serde(rename = "kind")]
    _kind: &'a str,
    #[serde(rename = "version")]
    _version: u64,
    public_key: &'a str,
    secret_key: &'a str,
}

/// Writes a key.
pub(super) fn write(key: &SecretKey) -> Zeroizing<Vec<u8>> {
    let secret = secret_key_to_hex(key);
    let public = key.public_key().to_string();
    let version = VERSION.to_string();
    let parts = [
        "{\n  \"kind\": \"",
        KIND,
        "\",\n  \"version\": ",
        &version,
        ",\n  \"public_key\": \"",
        &public,
        "\",\n  \"secret_key\": \"",
        &secret,
        "\"\n}\n",
    ];
    // The room is there from the start: bytes that grow would leave a copy behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(parts.iter().map(|part| part.len()).sum()));
    parts.iter().for_each(|part| bytes.extend_from_slice(part.as_bytes()));
    bytes
}

/// Reads a key.
pub(super) fn read(bytes: &[u8]) -> Result<SecretKey, ContentError> {
    let head: Head<'_> = parse(bytes)?;
    if head.kind != KIND {
        return Err(ContentError::Kind);
    }
    if head.version != VERSION {
        return Err(ContentError::Version { found: head.version });
    }
    let content: Content<'_> = parse(bytes)?;
    let stated = public_key(content.public_key.as_bytes()).ok_or(ContentError::NotAPublicKey)?;
    let key = secret_key_from_hex(content.secret_key.as_bytes())?;
    if *key.public_key() != stated {
        return Err(ContentError::PublicKey { stated, derived: *key.public_key() });
    }
    Ok(key)
}

/// Parses JSON. The parser's own errors repeat what they found: only the place is taken from them.
fn parse<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, ContentError> {
    serde_json::from_slice(bytes)
        .map_err(|error| ContentError::Form { line: error.line(), column: error.column() })
}

/// Returns the BIP-340 public key of 64 hex digits, with white space around them or not.
pub(super) fn public_key(text: &[u8]) -> Option<XOnlyPublicKey> {
    let mut bytes = [0; 32];
    hex::decode_to_slice(text.trim_ascii(), &mut bytes).ok()?;
    XOnlyPublicKey::from_slice(&bytes).ok()
}
