//! Verification.

use secp256k1::{Message, SECP256K1, XOnlyPublicKey, schnorr};

use crate::challenge::message_digest;
use crate::randomness::PublicRandomness;
use crate::signature::Signature;

/// The error of a signature that does not verify under a key and a public randomness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the signature of {public_key} with the public randomness {public_randomness} does not verify")]
#[non_exhaustive]
pub struct VerifyError {
    /// The key it was checked under.
    pub public_key: XOnlyPublicKey,
    /// The public randomness it was checked under.
    pub public_randomness: PublicRandomness,
}

/// Verifies an EOTS: `R = s·G − e·P` must be a point with even y whose x coordinate is the public randomness.
///
/// It is one BIP-340 verification of `x(R) ‖ s` over SHA-256 of the message. Whether the randomness was
/// committed, and whether the key is a finality provider's, is not checked.
///
/// # Errors
/// [`VerifyError`] when the signature does not verify, also when the public randomness is not an x coordinate
/// of the curve.
pub fn verify(
    public_key: &XOnlyPublicKey,
    public_randomness: &PublicRandomness,
    message: &[u8],
    signature: &Signature,
) -> Result<(), VerifyError> {
    verify_digest(public_key, public_randomness, &message_digest(message), signature)
}

pub(crate) fn verify_digest(
    public_key: &XOnlyPublicKey,
    public_randomness: &PublicRandomness,
    digest: &[u8; 32],
    signature: &Signature,
) -> Result<(), VerifyError> {
    let error = VerifyError { public_key: *public_key, public_randomness: *public_randomness };
    let mut bytes = [0; 64];
    let (r, s) = bytes.split_at_mut(32);
    r.copy_from_slice(public_randomness.as_bytes());
    s.copy_from_slice(signature.as_bytes());
    let signature = schnorr::Signature::from_slice(&bytes).map_err(|_| error)?;
    SECP256K1.verify_schnorr(&signature, &Message::from_digest(*digest), public_key).map_err(|_| error)
}
