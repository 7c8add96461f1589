//! Proofs by a BIP-340 signature: what finality providers give, and stakers with a key at hand.

use bitcoin::XOnlyPublicKey;
use bitcoin::secp256k1::{Message, SECP256K1, schnorr};
use eots::SecretKey;

use super::{Claim, PossessionError};

pub(super) fn create(key: &SecretKey, claim: &Claim) -> schnorr::Signature {
    key.sign_bip340(&claim.digest())
}

pub(super) fn verify(
    signature: &schnorr::Signature,
    key: &XOnlyPublicKey,
    claim: &Claim,
) -> Result<(), PossessionError> {
    SECP256K1
        .verify_schnorr(signature, &Message::from_digest(claim.digest()), key)
        .map_err(|_| PossessionError::NotSigned(*key))
}
