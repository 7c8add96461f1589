//! The signature's bytes.

use core::fmt;
use core::str::FromStr;

use crate::scalar;

/// An extractable one-time signature: the `s` of a Schnorr signature, 32 big-endian bytes below the group
/// order.
///
/// With the public randomness before it, it is the BIP-340 signature `x(R) ‖ s` over the SHA-256 of the
/// message.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Signature([u8; 32]);

/// A reason why bytes or a text are not a signature.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidSignature {
    /// The number is not below the group order. (The reference implementation reduces it silently, which
    /// makes signatures malleable.)
    #[error("the signature is {}; must be below the group order", hex::encode(.0))]
    NotBelowOrder([u8; 32]),
    /// The text is not 64 hex digits.
    #[error("not a signature, which must be 64 hex digits: {0}")]
    Hex(hex::FromHexError),
}

impl Signature {
    /// Returns the signature with these bytes.
    ///
    /// # Errors
    /// [`InvalidSignature::NotBelowOrder`] when the number is not below the group order.
    pub fn from_bytes(bytes: [u8; 32]) -> Result<Self, InvalidSignature> {
        if scalar::is_canonical(&bytes) {
            Ok(Self(bytes))
        } else {
            Err(InvalidSignature::NotBelowOrder(bytes))
        }
    }

    /// Returns the 32 bytes.
    pub const fn to_bytes(self) -> [u8; 32] {
        self.0
    }

    pub(crate) const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signature({self})")
    }
}

impl FromStr for Signature {
    type Err = InvalidSignature;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).map_err(InvalidSignature::Hex)?;
        Self::from_bytes(bytes)
    }
}
