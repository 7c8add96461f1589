//! Adaptor signatures: a covenant member's Schnorr signature, encrypted to a finality provider's key.
//!
//! The member signs a slashing transaction so that only the provider's secret key completes the signature;
//! and the completed signature, beside the adaptor signature, reveals that key. Elsewhere the adaptor
//! signature is called a pre-signature, the encryption key a statement and the decryption key its witness.
//!
//! The bytes are those of the
//! [specification](https://github.com/ZhePang/Python_Specification_for_Schnorr_Adaptor) that secp256k1-zkp's
//! `schnorr_adaptor` module implements, with the challenge of BIP-340 and x-only public keys; its known
//! answers are among the tests.

use core::fmt;
use core::str::FromStr;
use std::sync::LazyLock;

use rand_core::{CryptoRng, RngCore};
use secp256k1::ecdsa::{RecoverableSignature, RecoveryId};
use secp256k1::{Message, Parity, PublicKey, SECP256K1, XOnlyPublicKey, schnorr};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::challenge::{challenge, tagged};
use crate::key::SecretKey;
use crate::scalar::{self, Erased};

static AUX: LazyLock<Sha256> = LazyLock::new(|| tagged("SchnorrAdaptor/aux"));
static NONCE: LazyLock<Sha256> = LazyLock::new(|| tagged("SchnorrAdaptor/nonce"));

/// An adaptor signature: the compressed point `R0` and the number `s`, 65 bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct AdaptorSignature {
    r0: PublicKey,
    s: [u8; 32],
}

/// A reason why bytes or a text are not an adaptor signature.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidAdaptorSignature {
    /// The length is neither 65 bytes nor the old form's 66.
    #[error("the adaptor signature has {0} bytes; must have 65, or 66 in the old form")]
    Length(usize),
    /// The first 33 bytes are not a compressed point.
    #[error("the adaptor signature's point is {}; must be on the curve", hex::encode(.0))]
    Point([u8; 33]),
    /// The last 32 bytes are not below the group order.
    #[error("the adaptor signature's number is {}; must be below the group order", hex::encode(.0))]
    NotBelowOrder([u8; 32]),
    /// The number is zero.
    #[error("the adaptor signature's number is 0; must be above 0")]
    Zero,
    /// The old form's first byte is not 02, or its last byte is neither 00 nor 01.
    #[error(
        "the adaptor signature of 66 bytes begins with {first:02x} and ends with {last:02x}; must begin with 02 and end with 00 or 01"
    )]
    OldForm {
        /// The first byte found.
        first: u8,
        /// The last byte found.
        last: u8,
    },
    /// The text is not hex.
    #[error("not an adaptor signature, which must be 130 hex digits, or 132 in the old form: {0}")]
    Hex(hex::FromHexError),
}

/// A reason why an adaptor signature was not made, or is not valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AdaptorError {
    /// A number is zero, which has a probability of 2^-256.
    #[error("the adaptor signature of this message has the number 0; must not have")]
    Degenerate,
    /// The adaptor signature just made does not verify; it is withheld.
    #[error("the adaptor signature just made does not verify and is withheld; this machine computes wrongly")]
    Fault,
    /// The adaptor signature is not one of this key over this message, encrypted to this encryption key.
    #[error("the adaptor signature of {public_key} to the encryption key {encryption_key} does not verify")]
    Invalid {
        /// The signer it was checked against.
        public_key: XOnlyPublicKey,
        /// The encryption key it was checked against.
        encryption_key: XOnlyPublicKey,
    },
    /// The signature is not a decryption of this adaptor signature.
    #[error("the signature has other randomness than this adaptor signature; must be its decryption")]
    Unrelated,
}

impl AdaptorSignature {
    /// Signs `message` (the sighash of a slashing transaction) with `key`, encrypted to
    /// `encryption_key`, and verifies the result before returning it. `aux` is 32 bytes of fresh randomness,
    /// or zeros: the secret randomness then is deterministic, and still differs whenever the key, the
    /// encryption key or the message do.
    ///
    /// # Errors
    /// [`AdaptorError::Degenerate`] or [`AdaptorError::Fault`]; neither is to be expected on a sound machine.
    pub fn sign(
        key: &SecretKey,
        encryption_key: &XOnlyPublicKey,
        message: impl Into<Message>,
        aux: &[u8; 32],
    ) -> Result<Self, AdaptorError> {
        let message = message.into();
        let signature = Self::sign_without_verifying(key, encryption_key, message, aux)?;
        signature.verify(key.public_key(), encryption_key, message).map_err(|_| AdaptorError::Fault)?;
        Ok(signature)
    }

    /// Signs as [`sign`](Self::sign) does, without verifying the result, in half of the time: a fault in the
    /// arithmetic goes unnoticed and may reveal the key. For callers that verify what they publish elsewhere,
    /// as with others in a [batch](crate::verify_batch).
    ///
    /// # Errors
    /// [`AdaptorError::Degenerate`]; not to be expected.
    pub fn sign_without_verifying(
        key: &SecretKey,
        encryption_key: &XOnlyPublicKey,
        message: impl Into<Message>,
        aux: &[u8; 32],
    ) -> Result<Self, AdaptorError> {
        let message = *message.into().as_ref();
        let d = key.even_secret();
        let t = PublicKey::from_x_only_public_key(*encryption_key, Parity::Even);
        let mut k = secret_randomness(key, &d, &t, &message, aux).ok_or(AdaptorError::Degenerate)?;
        let r0 = k.public_key().combine(&t).map_err(|_| AdaptorError::Degenerate)?;
        let (r0_x, parity) = r0.x_only_public_key();
        if parity == Parity::Odd {
            k.negate();
        }
        let e = challenge(&r0_x.serialize(), key.public_key(), &message);
        let s = scalar::sign_step(&k, &e, &d).map_err(|_| AdaptorError::Degenerate)?;
        Ok(Self { r0, s })
    }

    /// Signs as [`sign`](Self::sign) does, with fresh randomness from `rng`.
    ///
    /// # Errors
    /// As [`sign`](Self::sign).
    pub fn sign_with_rng<R: RngCore + CryptoRng>(
        key: &SecretKey,
        encryption_key: &XOnlyPublicKey,
        message: impl Into<Message>,
        rng: &mut R,
    ) -> Result<Self, AdaptorError> {
        let mut aux = Zeroizing::new([0; 32]);
        rng.fill_bytes(aux.as_mut_slice());
        Self::sign(key, encryption_key, message, &aux)
    }

    /// Verifies that decrypting this with the secret of `encryption_key` gives a BIP-340 signature of
    /// `public_key` over `message`.
    ///
    /// # Errors
    /// [`AdaptorError::Invalid`] with the keys it was checked against.
    pub fn verify(
        &self,
        public_key: &XOnlyPublicKey,
        encryption_key: &XOnlyPublicKey,
        message: impl Into<Message>,
    ) -> Result<(), AdaptorError> {
        let invalid = AdaptorError::Invalid { public_key: *public_key, encryption_key: *encryption_key };
        let (r0_x, parity) = self.r0.x_only_public_key();
        let e = challenge(&r0_x.serialize(), public_key, message.into().as_ref());
        let r = linear_combination(&self.s, &e.to_be_bytes(), public_key).ok_or(invalid)?;
        let r = if parity == Parity::Even { r.negate(SECP256K1) } else { r };
        let t = self.r0.combine(&r).map_err(|_| invalid)?;
        // Comparing the halves of the point saves the square root that lifting the encryption key would take.
        if t.x_only_public_key() == (*encryption_key, Parity::Even) { Ok(()) } else { Err(invalid) }
    }

    /// Decrypts this with the secret of the encryption key: the result is a BIP-340 signature, if this
    /// verifies.
    ///
    /// Neither is checked here, for want of the message; verify the one before or the other after.
    ///
    /// # Errors
    /// [`AdaptorError::Degenerate`], when the two numbers add up to zero.
    pub fn decrypt(&self, decryption_key: &SecretKey) -> Result<schnorr::Signature, AdaptorError> {
        Self::decrypt_bytes(&self.to_bytes(), decryption_key)
    }

    /// Decrypts the 65 bytes of an adaptor signature as [`decrypt`](Self::decrypt) does, without reading its
    /// point first, which takes a square root: some ten times as fast as both. What they are is not
    /// checked.
    ///
    /// # Errors
    /// [`AdaptorError::Degenerate`], when the two numbers add up to zero, or that of the adaptor signature is
    /// not below the group order.
    pub fn decrypt_bytes(
        bytes: &[u8; 65],
        decryption_key: &SecretKey,
    ) -> Result<schnorr::Signature, AdaptorError> {
        let [parity, point_and_number @ ..] = bytes;
        let mut signature: [u8; 64] = *point_and_number;
        let mut t = decryption_key.even_secret();
        if *parity == 3 {
            t.negate();
        }
        let (_, number) = signature.split_at_mut(32);
        let given: [u8; 32] = (&*number).try_into().map_err(|_| AdaptorError::Degenerate)?;
        let s = scalar::add_secret(&given, &t).map_err(|_| AdaptorError::Degenerate)?;
        number.copy_from_slice(&s);
        schnorr::Signature::from_slice(&signature).map_err(|_| AdaptorError::Degenerate)
    }

    /// Recovers the decryption key from this and its decryption, the BIP-340 signature seen on Bitcoin.
    ///
    /// Compare the key's [`public_key`](SecretKey::public_key) with the encryption key: only when they are
    /// equal was the signature really decrypted with that key.
    ///
    /// # Errors
    /// [`AdaptorError::Unrelated`] when the signature's randomness is not this adaptor signature's, or the
    /// numbers leave no key.
    pub fn recover(&self, signature: &schnorr::Signature) -> Result<SecretKey, AdaptorError> {
        let bytes = signature.serialize();
        let (r, s) = bytes.split_at(32);
        let (r0_x, parity) = self.r0.x_only_public_key();
        let s: [u8; 32] = s.try_into().map_err(|_| AdaptorError::Unrelated)?;
        if r != r0_x.serialize() {
            return Err(AdaptorError::Unrelated);
        }
        let t = match parity {
            Parity::Even => scalar::subtract(&s, &self.s),
            Parity::Odd => scalar::subtract(&self.s, &s),
        };
        SecretKey::from_bytes(&*t.ok_or(AdaptorError::Unrelated)?).map_err(|_| AdaptorError::Unrelated)
    }

    pub(crate) const fn point(&self) -> &PublicKey {
        &self.r0
    }

    pub(crate) const fn number(&self) -> &[u8; 32] {
        &self.s
    }

    /// Returns the 65 bytes: `R0` compressed (33 bytes), `s` (32 bytes).
    pub fn to_bytes(&self) -> [u8; 65] {
        let mut bytes = [0; 65];
        let (left, right) = bytes.split_at_mut(33);
        left.copy_from_slice(&self.r0.serialize());
        right.copy_from_slice(&self.s);
        bytes
    }

    /// Reads 65 bytes, or the 66 of the old form (`02 ‖ x ‖ s ‖ f`, where f = 01 says that y is odd).
    ///
    /// # Errors
    /// [`InvalidAdaptorSignature`] names the rule that the bytes break.
    pub fn from_slice(bytes: &[u8]) -> Result<Self, InvalidAdaptorSignature> {
        let (point, rest) =
            bytes.split_first_chunk::<33>().ok_or(InvalidAdaptorSignature::Length(bytes.len()))?;
        let (s, flag) = rest.split_first_chunk::<32>().ok_or(InvalidAdaptorSignature::Length(bytes.len()))?;
        let mut point = *point;
        match (flag, point.first_mut()) {
            ([], _) => {}
            ([last], Some(first)) => match (*first, *last) {
                (2, 0) => {}
                (2, 1) => *first = 3,
                (first, last) => return Err(InvalidAdaptorSignature::OldForm { first, last }),
            },
            _ => return Err(InvalidAdaptorSignature::Length(bytes.len())),
        }
        let r0 = PublicKey::from_slice(&point).map_err(|_| InvalidAdaptorSignature::Point(point))?;
        if !scalar::is_canonical(s) {
            return Err(InvalidAdaptorSignature::NotBelowOrder(*s));
        }
        if *s == [0; 32] {
            return Err(InvalidAdaptorSignature::Zero);
        }
        Ok(Self { r0, s: *s })
    }
}

/// `k = int(H_"SchnorrAdaptor/nonce"(t ‖ T ‖ x(P) ‖ m)) mod n` with `t = d xor H_"SchnorrAdaptor/aux"(aux)`;
/// `None` when it is zero.
pub(crate) fn secret_randomness(
    key: &SecretKey,
    d: &Erased,
    t: &PublicKey,
    message: &[u8; 32],
    aux: &[u8; 32],
) -> Option<Erased> {
    let mut masked = d.to_bytes();
    for (byte, mask) in masked.iter_mut().zip(AUX.clone().chain_update(aux).finalize()) {
        *byte ^= mask;
    }
    let hash = NONCE
        .clone()
        .chain_update(masked.as_slice())
        .chain_update(t.serialize())
        .chain_update(key.public_key().serialize())
        .chain_update(message)
        .finalize();
    scalar::reduce_secret(&Zeroizing::new(hash.into()))
}

/// `s·G − e·P`, with P lifted to even y; `None` at infinity, and where `e` or `x(P)` is zero modulo the group
/// order, which no signer can bring about.
///
/// libsecp256k1 computes this sum in one pass inside ECDSA key recovery, `Q = r⁻¹·(s'·R − z·G)`; so with `R =
/// P`, `r = x(P)`, `s' = −e·r` and `z = −s·r`, the key that it "recovers" is the sum. All of it is public.
fn linear_combination(s: &[u8; 32], e: &[u8; 32], public_key: &XOnlyPublicKey) -> Option<PublicKey> {
    let x = public_key.serialize();
    // An x coordinate between n and p wraps around; the recovery id's second bit says so.
    let r = scalar::reduce(x).to_be_bytes();
    let id = if r == x { 0 } else { 2 };
    let mut compact = [0; 64];
    let (left, right) = compact.split_at_mut(32);
    left.copy_from_slice(&r);
    right.copy_from_slice(&scalar::negated_product(e, &r)?);
    let signature = RecoverableSignature::from_compact(&compact, RecoveryId::from_i32(id).ok()?).ok()?;
    let z = Message::from_digest(scalar::negated_product(s, &r)?);
    SECP256K1.recover_ecdsa(&z, &signature).ok()
}

impl fmt::Display for AdaptorSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.to_bytes()))
    }
}

impl fmt::Debug for AdaptorSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AdaptorSignature({self})")
    }
}

impl FromStr for AdaptorSignature {
    type Err = InvalidAdaptorSignature;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::from_slice(&hex::decode(text).map_err(InvalidAdaptorSignature::Hex)?)
    }
}
