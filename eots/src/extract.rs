//! Extraction: the secret key from two signatures under one randomness.

use secp256k1::{Parity, Scalar, XOnlyPublicKey};

use crate::challenge::{challenge, message_digest};
use crate::key::SecretKey;
use crate::randomness::PublicRandomness;
use crate::scalar::quotient_of_differences;
use crate::signature::Signature;

/// A reason why two signatures do not reveal the secret key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExtractError {
    /// The two messages are the same: a repeated vote is not an equivocation.
    #[error("both signatures are over the same message; extraction needs two messages")]
    EqualMessages,
    /// The two challenges are the same though the messages differ: a collision of SHA-256.
    #[error("both messages have the same challenge; extraction needs two challenges")]
    EqualChallenges,
    /// The two signatures are the same number, which two valid signatures over different messages never are.
    #[error("both signatures are {0}; valid signatures over two messages differ")]
    EqualSignatures(Signature),
    /// The number extracted is not the secret of the key: one of the signatures is not valid.
    #[error(
        "the extracted number is not the secret key of {public_key}; both signatures must be valid and with this public randomness"
    )]
    WrongKey {
        /// The key that was expected.
        public_key: XOnlyPublicKey,
    },
}

/// Extracts the secret key from two signatures over different messages under one public randomness:
/// `d = (s1 − s2) / (e1 − e2) mod n`.
///
/// An x-only key has two secrets, each the other's negation; the one returned has the point with even y, and
/// [`SecretKey::with_parity`] gives the other (BIP-340, "Design", on implicit y coordinates). It is checked
/// to be the secret of `public_key`; the signatures themselves are not verified, nor need they be: signatures
/// that yield the key prove that it leaked. To prove *equivocation*, verify both.
///
/// # Errors
/// [`ExtractError`] names what is wrong with the pair.
pub fn extract(
    public_key: &XOnlyPublicKey,
    public_randomness: &PublicRandomness,
    (first_message, first): (&[u8], &Signature),
    (second_message, second): (&[u8], &Signature),
) -> Result<SecretKey, ExtractError> {
    if first_message == second_message {
        return Err(ExtractError::EqualMessages);
    }
    let e = |message| challenge(public_randomness.as_bytes(), public_key, &message_digest(message));
    from_challenges(public_key, (&e(first_message), first), (&e(second_message), second))
}

/// As [`extract`], from the challenges.
fn from_challenges(
    public_key: &XOnlyPublicKey,
    (e1, first): (&Scalar, &Signature),
    (e2, second): (&Scalar, &Signature),
) -> Result<SecretKey, ExtractError> {
    if e1 == e2 {
        return Err(ExtractError::EqualChallenges);
    }
    if first == second {
        return Err(ExtractError::EqualSignatures(*first));
    }
    let wrong = ExtractError::WrongKey { public_key: *public_key };
    let d = quotient_of_differences((first.as_bytes(), second.as_bytes()), (e1, e2)).ok_or(wrong)?;
    let key = SecretKey::from_bytes(&d).map_err(|_| wrong)?;
    // Two valid signatures give the secret of the point with even y. Its negation comes out when they are
    // swapped between the messages.
    if key.public_key() != public_key || key.parity() != Parity::Even {
        return Err(wrong);
    }
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two messages with one challenge would be a collision of SHA-256, so the challenges are given here.
    #[test]
    fn equal_challenges_reveal_nothing() {
        let key = SecretKey::from_bytes(&[7; 32]).unwrap();
        let signature = |byte| Signature::from_bytes([byte; 32]).unwrap();
        let (first, second) = (signature(1), signature(2));
        let extracted =
            |e1: &Scalar, e2: &Scalar| from_challenges(key.public_key(), (e1, &first), (e2, &second));
        let e = Scalar::from_be_bytes([3; 32]).unwrap();
        assert_eq!(extracted(&e, &e).unwrap_err(), ExtractError::EqualChallenges);
        let wrong = ExtractError::WrongKey { public_key: *key.public_key() };
        assert_eq!(extracted(&e, &Scalar::ONE).unwrap_err(), wrong);
    }
}
