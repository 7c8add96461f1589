//! Proofs of possession by a BIP-340 signature, by finality providers and by stakers with the key at hand.

use bitcoin::XOnlyPublicKey;
use bitcoin::secp256k1::schnorr;
use eots::{SecretKey, SignError};
use finality::PossessionMessage;

use super::PossessionError;

pub(super) fn create(key: &SecretKey, message: &PossessionMessage) -> Result<schnorr::Signature, SignError> {
    message.sign_bip340(key)
}

pub(super) fn verify(
    signature: &schnorr::Signature,
    key: &XOnlyPublicKey,
    message: &PossessionMessage,
) -> Result<(), PossessionError> {
    if message.verify_bip340(key, signature) { Ok(()) } else { Err(PossessionError::NotSigned(*key)) }
}
