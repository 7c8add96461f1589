//! Bytes in a text: hex where a file has hex, base64 where it has base64. Both are met in one answer of a
//! node, so an error names the other one where it was given.

use bitcoin::base64::Engine as _;
use bitcoin::base64::engine::general_purpose::STANDARD;

/// Returns the bytes of a text in hex, or why there are none.
pub(crate) fn from_hex(text: &str) -> Result<Vec<u8>, String> {
    hex::decode(text).map_err(|error| {
        let is_base64 = !text.is_empty() && STANDARD.decode(text).is_ok();
        let hint = if is_base64 { "; it reads as base64, must be hex" } else { "" };
        format!("{error}{hint}")
    })
}

/// Returns the bytes of a text in base64 of the standard alphabet with padding, or why there are none. Hex is
/// refused even where it has the length of base64: no script of an address, no OP_RETURN script, no signature
/// and no transaction is of hex digits alone in base64.
pub(crate) fn from_base64(text: &str) -> Result<Vec<u8>, String> {
    if is_hex(text) {
        return Err("it is hex, must be base64".to_owned());
    }
    STANDARD.decode(text).map_err(|error| error.to_string())
}

/// Returns the bytes of a text in base64, or in hex, where a node has the one and people copy the other.
#[cfg(feature = "wire")]
pub(crate) fn from_base64_or_hex(text: &str) -> Result<Vec<u8>, String> {
    if is_hex(text) { from_hex(text) } else { from_base64(text) }
}

/// Returns whether a text is whole bytes in hex.
fn is_hex(text: &str) -> bool {
    !text.is_empty() && text.len().is_multiple_of(2) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
