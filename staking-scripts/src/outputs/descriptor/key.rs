//! The keys of descriptors (BIP-380), of which a script has the x coordinate.

use bitcoin::XOnlyPublicKey;
use bitcoin::secp256k1::SECP256K1;
use miniscript::DefiniteDescriptorKey;
use miniscript::descriptor::DescriptorPublicKey;

/// Reads a key: x-only or compressed, or one child of an extended public key, with its origin or without. The
/// origin says whose key it is, and is not a part of the script. Returns the reason otherwise.
pub(super) fn read(text: &str) -> Result<XOnlyPublicKey, &'static str> {
    let key = text.rsplit_once(']').map_or(text, |(_, key)| key);
    let reason = form(key)?;
    let read = text.parse::<DescriptorPublicKey>().ok();
    let definite = read.and_then(|read| DefiniteDescriptorKey::new(read).ok());
    match definite {
        Some(key) => Ok(key.derive_public_key(SECP256K1).inner.x_only_public_key().0),
        // What is wrong may stand before the key.
        None if text.len() != key.len() && self::read(key).is_ok() => {
            Err("its origin is not [FINGERPRINT/PATH]")
        }
        None => Err(reason),
    }
}

/// Returns why a key without its origin is wrong, if it cannot be parsed; an error when it is never read.
fn form(key: &str) -> Result<&'static str, &'static str> {
    let is_hex = key.bytes().all(|byte| byte.is_ascii_hexdigit());
    match (key.get(1..4), key.len()) {
        (Some("prv"), _) => Err("it is a secret extended key"),
        // Many children may be meant; and a list of paths grows with the square of the text.
        (Some("pub"), _) if key.contains(['*', '<']) => {
            Err("an extended key must lead to one child, without * and <…>")
        }
        (Some("pub"), _) => Ok("it is not an extended public key followed by steps that are not hardened"),
        (_, 64) if is_hex => Ok("it is not the x coordinate of a point on secp256k1"),
        (_, 66) if is_hex => Ok("it is not a compressed key on secp256k1, which begins with 02 or 03"),
        _ => Err("it is something else"),
    }
}
