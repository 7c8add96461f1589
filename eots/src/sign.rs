//! Signing.

use secp256k1::{Message, SECP256K1, schnorr};

use crate::challenge::{challenge, message_digest};
use crate::key::SecretKey;
use crate::randomness::{PublicRandomness, SecretRandomness};
use crate::scalar::sign_step;
use crate::signature::Signature;
use crate::verify::verify_digest;

/// A reason why signing failed. One-time randomness is spent all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignError {
    /// The signature is zero, which has a probability of 2^-256.
    #[error("the signature of this message is 0; must not be")]
    Degenerate,
    /// The signature did not verify: the machine computed wrongly. It is withheld, because publishing it
    /// could reveal the key.
    #[error("the signature just made does not verify and is withheld; this machine computes wrongly")]
    Fault,
}

/// Signs `message`, of any length, with `key` and the one-time `randomness`, and verifies the result before
/// it returns it: a signature with a fault in it could reveal the key.
///
/// `s = k + e·d mod n` with `e` the challenge over x(R), x(P) and the SHA-256 of the message (BIP-340,
/// "Default Signing", with the randomness given instead of derived from the message).
///
/// # Errors
/// [`SignError`], which does not occur on a sound machine.
pub fn sign(key: &SecretKey, randomness: SecretRandomness, message: &[u8]) -> Result<Signature, SignError> {
    let public_randomness: PublicRandomness = *randomness.public_randomness();
    let digest = message_digest(message);
    let signature = scalar_step(key, &randomness, &digest)?;
    verify_digest(key.public_key(), &public_randomness, &digest, &signature).map_err(|_| SignError::Fault)?;
    Ok(signature)
}

/// Signs as [`sign`] does, without verifying the result: some eighty times faster, but a fault in the
/// arithmetic goes unnoticed and may reveal the key. For callers that verify what they publish elsewhere.
///
/// # Errors
/// [`SignError::Degenerate`], with a probability of 2^-256.
pub fn sign_without_verifying(
    key: &SecretKey,
    randomness: SecretRandomness,
    message: &[u8],
) -> Result<Signature, SignError> {
    scalar_step(key, &randomness, &message_digest(message))
}

impl SecretKey {
    /// Returns a BIP-340 signature ("Default Signing") over a digest that the caller made itself, with 32
    /// zeros as auxiliary randomness: the same bytes each time. It is verified before it is returned: a
    /// signature with a fault in it, beside a sound one of the same digest, could reveal the key.
    ///
    /// Never sign bytes that somebody else chose with a finality provider's key: an EOTS is a BIP-340
    /// signature too.
    ///
    /// # Errors
    /// [`SignError::Fault`], which does not occur on a sound machine.
    pub fn sign_bip340(&self, digest: impl Into<Message>) -> Result<schnorr::Signature, SignError> {
        let digest = digest.into();
        let signature = self.sign_bip340_without_verifying(digest);
        let verdict = SECP256K1.verify_schnorr(&signature, &digest, self.public_key());
        verdict.map(|()| signature).map_err(|_| SignError::Fault)
    }

    /// Signs as [`sign_bip340`](Self::sign_bip340) does, without verifying the result, in a third of the
    /// time: a fault in the arithmetic goes unnoticed and may reveal the key. For callers that verify what
    /// they publish elsewhere, as with others in a [batch](crate::verify_batch).
    pub fn sign_bip340_without_verifying(&self, digest: impl Into<Message>) -> schnorr::Signature {
        SECP256K1.sign_schnorr_no_aux_rand(&digest.into(), self.keypair())
    }
}

fn scalar_step(
    key: &SecretKey,
    randomness: &SecretRandomness,
    digest: &[u8; 32],
) -> Result<Signature, SignError> {
    let e = challenge(randomness.public_randomness().as_bytes(), key.public_key(), digest);
    let s = sign_step(randomness.even_secret(), &e, &key.even_secret()).map_err(|_| SignError::Degenerate)?;
    Signature::from_bytes(s).map_err(|_| SignError::Degenerate)
}
