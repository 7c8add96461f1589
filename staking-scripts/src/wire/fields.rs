//! Parsing of single fields. Each error has the field's path.

use bitcoin::consensus::{Decodable, deserialize};
use bitcoin::secp256k1::{Scalar, schnorr};
use bitcoin::{Amount, Transaction, XOnlyPublicKey};
use eots::AdaptorSignature;

use super::{MAX_KEYS, Problem, WireError};
use crate::outputs::encoded::from_hex;

type Result<T> = std::result::Result<T, WireError>;

/// Returns the path of a field within another; at the root it is its name.
pub(super) fn below(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

pub(super) fn bytes32(bytes: &[u8], path: &str) -> Result<[u8; 32]> {
    bytes.try_into().map_err(|_| WireError::field(path, Problem::Length { found: bytes.len(), rule: "32" }))
}

/// Refuses an empty field that is required.
pub(super) fn needed<'a, T>(list: &'a [T], path: &str) -> Result<&'a [T]> {
    if list.is_empty() { Err(WireError::field(path, Problem::Missing)) } else { Ok(list) }
}

pub(super) fn key(bytes: &[u8], path: &str) -> Result<XOnlyPublicKey> {
    let bytes = bytes32(needed(bytes, path)?, path)?;
    XOnlyPublicKey::from_slice(&bytes).map_err(|_| WireError::field(path, Problem::Key(bytes)))
}

/// Refuses lists that would take long to compare.
pub(super) fn few(found: usize, path: &str) -> Result<()> {
    if found > MAX_KEYS { Err(WireError::field(path, Problem::Keys(found))) } else { Ok(()) }
}

/// Reads the finality providers' keys: at least one, none twice.
pub(super) fn providers(list: &[Vec<u8>], path: &str) -> Result<Vec<XOnlyPublicKey>> {
    few(list.len(), path)?;
    let mut keys = Vec::new();
    for (i, bytes) in needed(list, path)?.iter().enumerate() {
        let path = format!("{path}[{i}]");
        let key = key(bytes, &path)?;
        if keys.contains(&key) {
            return Err(WireError::field(path, Problem::Repeated(key)));
        }
        keys.push(key);
    }
    Ok(keys)
}

/// Reads a BIP-340 signature that could be valid: its first half is on the curve, and its second half below
/// the group order.
pub(super) fn signature(bytes: &[u8], path: &str) -> Result<schnorr::Signature> {
    let bytes = needed(bytes, path)?;
    let length = || WireError::field(path, Problem::Length { found: bytes.len(), rule: "64" });
    let signature = schnorr::Signature::from_slice(bytes).map_err(|_| length())?;
    let (point, scalar) = bytes.split_at_checked(32).ok_or_else(length)?;
    let (point, scalar) = (bytes32(point, path)?, bytes32(scalar, path)?);
    if XOnlyPublicKey::from_slice(&point).is_err() {
        return Err(WireError::field(path, Problem::SignaturePoint(point)));
    }
    if Scalar::from_be_bytes(scalar).is_err() {
        return Err(WireError::field(path, Problem::SignatureScalar(scalar)));
    }
    Ok(signature)
}

/// Reads a member's adaptor signatures, one for each finality provider.
pub(super) fn adaptors(list: &[Vec<u8>], providers: usize, path: &str) -> Result<Vec<AdaptorSignature>> {
    if list.len() != providers {
        return Err(WireError::field(path, Problem::Count { found: list.len(), expected: providers }));
    }
    list.iter()
        .enumerate()
        .map(|(i, bytes)| {
            AdaptorSignature::from_slice(bytes)
                .map_err(|e| WireError::field(format!("{path}[{i}]"), Problem::Adaptor(e)))
        })
        .collect()
}

/// Reads a value in Bitcoin's consensus encoding, and refuses bytes after it.
pub(super) fn decoded<T: Decodable>(bytes: &[u8], path: &str) -> Result<T> {
    deserialize(needed(bytes, path)?).map_err(|e| WireError::field(path, Problem::Bitcoin(e)))
}

pub(super) fn transaction(bytes: &[u8], path: &str) -> Result<Transaction> {
    decoded(bytes, path)
}

/// Reads an optional field; `None` when it is empty.
pub(super) fn optional<T>(
    bytes: &[u8],
    path: &str,
    read: impl FnOnce(&[u8], &str) -> Result<T>,
) -> Result<Option<T>> {
    if bytes.is_empty() { Ok(None) } else { read(bytes, path).map(Some) }
}

pub(super) fn hex(text: &str, path: &str) -> Result<Vec<u8>> {
    from_hex(text).map_err(|e| WireError::field(path, Problem::Hex(e)))
}

/// Reads an optional field in hex, as [`optional`] does.
pub(super) fn optional_hex<T>(
    text: &str,
    path: &str,
    read: impl FnOnce(&[u8], &str) -> Result<T>,
) -> Result<Option<T>> {
    optional(&hex(text, path)?, path, read)
}

pub(super) fn amount(satoshis: impl Into<i128>, path: &str) -> Result<Amount> {
    let satoshis = satoshis.into();
    u64::try_from(satoshis)
        .ok()
        .map(Amount::from_sat)
        .filter(|amount| (Amount::ONE_SAT..=Amount::MAX_MONEY).contains(amount))
        .ok_or_else(|| {
            let rule = "an amount from 1 to 2100000000000000 satoshis";
            WireError::field(path, Problem::Number { found: satoshis.to_string(), rule })
        })
}

/// Refuses a time of 0 blocks. The upper limit is checked by [`Timelock`](crate::Timelock).
pub(super) fn blocks(blocks: u32, path: &str) -> Result<u32> {
    if blocks == 0 { Err(WireError::field(path, Problem::Missing)) } else { Ok(blocks) }
}

/// Returns a text, unless it is empty.
pub(super) fn text(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}
