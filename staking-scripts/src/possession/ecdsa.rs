//! Proofs of possession by a "Bitcoin signed message", for wallets without BIP-340 and BIP-322.

use core::fmt;

use bitcoin::XOnlyPublicKey;
use bitcoin::hashes::Hash;
use bitcoin::hex::DisplayHex;
use bitcoin::secp256k1::{Message, SECP256K1};
use bitcoin::sign_message::{MessageSignature, signed_msg_hash};
use eots::{SecretKey, SignError};

use super::PossessionError;

/// A compact ECDSA signature from which the public key can be recovered: header ‖ r ‖ s, 65 bytes.
///
/// The header is 27 to 30 for an uncompressed and 31 to 34 for a compressed key. As in the reference, a proof
/// is by an x-only key, so either is accepted. The headers of BIP-137 for SegWit addresses (35 to 42) are
/// refused.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct CompactSignature([u8; 65]);

impl CompactSignature {
    /// Returns the signature with these bytes. They are checked when it is verified.
    pub fn from_bytes(bytes: [u8; 65]) -> Self {
        Self(bytes)
    }

    /// Returns the bytes.
    pub fn to_bytes(self) -> [u8; 65] {
        self.0
    }

    /// Signs deterministically (RFC 6979), with the low s, and verifies the result: a signature with a fault
    /// in it could reveal the key.
    pub(super) fn create(key: &SecretKey, text: &str) -> Result<Self, SignError> {
        let message = Message::from_digest(signed_msg_hash(text).to_byte_array());
        let signature = key.lend(|secret| SECP256K1.sign_ecdsa_recoverable(&message, secret));
        let made = Self(MessageSignature::new(signature, true).serialize());
        made.verify(key.public_key(), text).map_err(|_| SignError::Fault)?;
        Ok(made)
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
