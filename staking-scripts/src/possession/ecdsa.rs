//! Proofs by a "Bitcoin signed message": what wallets give that know neither BIP-340 nor BIP-322.

use core::fmt;

use bitcoin::XOnlyPublicKey;
use bitcoin::hashes::Hash;
use bitcoin::hex::DisplayHex;
use bitcoin::secp256k1::{Message, SECP256K1};
use bitcoin::sign_message::{MessageSignature, signed_msg_hash};
use eots::SecretKey;

use super::PossessionError;

/// A compact ECDSA signature from which the public key can be recovered: header ‖ r ‖ s, 65 bytes.
///
/// The header is 27 to 30 for an uncompressed and 31 to 34 for a compressed key, and says nothing more than
/// that: as in the reference, a proof is by an x-only key, so a header with the other kind of key is as good.
/// The headers of BIP-137 for segwit addresses (35 to 42) are not taken.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct CompactSignature([u8; 65]);

impl CompactSignature {
    /// The signature with these bytes. Whether they are a signature at all comes out when it is verified.
    pub fn from_bytes(bytes: [u8; 65]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub fn to_bytes(self) -> [u8; 65] {
        self.0
    }

    /// Deterministic (RFC 6979), with the low s.
    pub(super) fn create(key: &SecretKey, text: &str) -> Self {
        let message = Message::from_digest(signed_msg_hash(text).to_byte_array());
        let signature = key.lend(|secret| SECP256K1.sign_ecdsa_recoverable(&message, secret));
        Self(MessageSignature::new(signature, true).serialize())
    }

    pub(super) fn verify(&self, key: &XOnlyPublicKey, text: &str) -> Result<(), PossessionError> {
        let [header, ..] = self.0;
        if !(27..=34).contains(&header) {
            return Err(PossessionError::RecoveryHeader(header));
        }
        let no_signature = |_| PossessionError::NoSignature;
        let signature = MessageSignature::from_slice(&self.0).map_err(no_signature)?;
        let standard = signature.signature.to_standard();
        let mut low = standard;
        low.normalize_s();
        if low != standard {
            return Err(PossessionError::HighS);
        }
        let recovered = signature.recover_pubkey(SECP256K1, signed_msg_hash(text)).map_err(no_signature)?;
        let (recovered, _) = recovered.inner.x_only_public_key();
        if recovered == *key { Ok(()) } else { Err(PossessionError::NotSigned(*key)) }
    }
}

impl fmt::Display for CompactSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}", self.0.as_hex())
    }
}

impl fmt::Debug for CompactSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CompactSignature({self})")
    }
}
