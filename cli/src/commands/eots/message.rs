//! The message that is signed and verified.

use finality::SigningContext;

use crate::args::input::Bytes;

/// Returns the message that is signed: on a consumer chain, the signing context precedes it.
pub(super) fn in_context(context: Option<SigningContext>, Bytes(message): &Bytes) -> Vec<u8> {
    [context.unwrap_or(SigningContext::GENESIS).as_bytes(), message].concat()
}
