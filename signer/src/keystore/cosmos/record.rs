//! What a keyring's file holds once it is decrypted: JSON around the protobuf message
//! `cosmos.crypto.keyring.v1.Record`.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use eots::SecretKey;
use secp256k1::SECP256K1;
use serde::Deserialize;
use zeroize::Zeroizing;

const SECRET_TYPE: &str = "/cosmos.crypto.secp256k1.PrivKey";
const PUBLIC_TYPE: &str = "/cosmos.crypto.secp256k1.PubKey";
/// The fields of the message.
const NAME: u64 = 1;
const PUBLIC_KEY: u64 = 2;
const LOCAL: u64 = 3;
const ELSEWHERE: [u64; 3] = [4, 5, 6];

/// The error of a decrypted file that has no secret key to import. It shows nothing of a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// It has another form.
    #[error("it is no record of a key: {part} is not as it must be")]
    Form {
        /// Which part.
        part: &'static str,
    },
    /// It is of another name.
    #[error("it is of the key {found:?}; must be of {expected:?}, as the file is named")]
    Name {
        /// The name in it.
        found: String,
        /// The name of the file.
        expected: String,
    },
    /// The secret key is not there.
    #[error("the secret key is not in it: it is of a hardware wallet, a multisig or a public key alone")]
    Elsewhere,
    /// The secret key is of another kind.
    #[error("the key is of another kind; must be of secp256k1")]
    Kind,
    /// The secret key is not valid.
    #[error(transparent)]
    NotAKey(#[from] eots::InvalidSecretKey),
    /// The public key in it is another key's.
    #[error("its public key is not the secret key's")]
    PublicKey,
}

/// The JSON. The secret is borrowed from the decrypted bytes, so that no copy of it is made.
#[derive(Deserialize)]
struct Item<'a> {
    #[serde(rename = "Key", borrow)]
    key: Cow<'a, str>,
    #[serde(rename = "Data")]
    data: &'a str,
}

/// Returns the secret key of a record of this name.
pub(super) fn secret_key(item: &[u8], name: &str, suffix: &str) -> Result<SecretKey, RecordError> {
    let form = |part| move || RecordError::Form { part };
    // The parser's own errors repeat what they found.
    let item: Item<'_> = serde_json::from_slice(item).map_err(|_| form("the JSON")())?;
    let named = |found: &str| match found == name {
        true => Ok(()),
        false => Err(RecordError::Name { found: found.to_owned(), expected: name.to_owned() }),
    };
    named(item.key.strip_suffix(suffix).unwrap_or(&item.key))?;
    let mut record = Zeroizing::new(vec![0; item.data.len()]);
    let length = STANDARD.decode_slice(item.data, &mut record).map_err(|_| form("the base64")())?;
    let record = record.get(..length).unwrap_or_default();

    let found = field(record, NAME).ok_or_else(form("the protobuf"))?.unwrap_or_default();
    named(std::str::from_utf8(found).map_err(|_| form("the name")())?)?;
    let Some(local) = field(record, LOCAL).ok_or_else(form("the protobuf"))? else {
        let is_elsewhere = ELSEWHERE.iter().any(|&number| matches!(field(record, number), Some(Some(_))));
        return Err(if is_elsewhere { RecordError::Elsewhere } else { form("the protobuf")() });
    };
    let secret = any(field(local, 1).flatten(), SECRET_TYPE)?;
    let secret = secret.try_into().map_err(|_| form("the length of the secret key")())?;
    let key = SecretKey::from_bytes(secret)?;
    let public = any(field(record, PUBLIC_KEY).flatten(), PUBLIC_TYPE)?;
    if public != key.lend(|key| key.public_key(SECP256K1)).serialize() {
        return Err(RecordError::PublicKey);
    }
    Ok(key)
}

/// Returns the key in a `google.protobuf.Any` of this type.
fn any<'a>(message: Option<&'a [u8]>, kind: &str) -> Result<&'a [u8], RecordError> {
    let form = || RecordError::Form { part: "a key in the protobuf" };
    let message = message.ok_or_else(form)?;
    if field(message, 1).ok_or_else(form)? != Some(kind.as_bytes()) {
        return Err(RecordError::Kind);
    }
    let value = field(message, 2).flatten().ok_or_else(form)?;
    field(value, 1).flatten().ok_or_else(form)
}

/// Returns the bytes of a field of a protobuf message. The outer `None` is a message that is malformed, or
/// has the field twice; the inner one a message without it.
fn field(mut message: &[u8], number: u64) -> Option<Option<&[u8]>> {
    let mut found = None;
    while !message.is_empty() {
        let key = varint(&mut message)?;
        let value = match key & 7 {
            0 => {
                varint(&mut message)?;
                continue;
            }
            1 => take(&mut message, 8)?,
            2 => {
                let length = varint(&mut message)?;
                take(&mut message, usize::try_from(length).ok()?)?
            }
            5 => take(&mut message, 4)?,
            _ => return None,
        };
        if key == number << 3 | 2 && found.replace(value).is_some() {
            return None;
        }
    }
    Some(found)
}

fn take<'a>(message: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (value, rest) = message.split_at_checked(length)?;
    *message = rest;
    Some(value)
}

fn varint(message: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = message.split_first()?;
        *message = rest;
        let bits = u64::from(byte & 0x7f);
        // The last of ten bytes has one bit left.
        if bits << shift >> shift != bits {
            return None;
        }
        value |= bits << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}
