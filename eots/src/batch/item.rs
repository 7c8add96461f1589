//! What can be verified in a batch, and the parts of it that enter the equation.

use secp256k1::{Message, Parity, SECP256K1, XOnlyPublicKey, schnorr};

use crate::adaptor::AdaptorSignature;
use crate::challenge::message_digest;
use crate::randomness::PublicRandomness;
use crate::signature::Signature;
use crate::verify::verify;

/// A signature to verify in a batch, which may mix the kinds.
#[derive(Debug, Clone, Copy)]
pub enum BatchItem<'a> {
    /// An EOTS: the arguments of [`verify`](crate::verify()).
    Eots {
        /// The finality provider's key.
        public_key: &'a XOnlyPublicKey,
        /// The public randomness that it committed for this vote.
        public_randomness: &'a PublicRandomness,
        /// The message, not hashed.
        message: &'a [u8],
        /// The signature.
        signature: &'a Signature,
    },
    /// A BIP-340 signature, as a covenant member's over an unbonding transaction.
    Bip340 {
        /// The signer's key.
        public_key: &'a XOnlyPublicKey,
        /// The message: a sighash.
        message: Message,
        /// The signature.
        signature: &'a schnorr::Signature,
    },
    /// An adaptor signature: the arguments of [`AdaptorSignature::verify`].
    Adaptor {
        /// The signer's key.
        public_key: &'a XOnlyPublicKey,
        /// The key that it is encrypted to.
        encryption_key: &'a XOnlyPublicKey,
        /// The message: a sighash.
        message: Message,
        /// The signature.
        signature: &'a AdaptorSignature,
    },
}

/// An item of any kind as `s·G − e·P = R`, where P and R have even y, and the challenge e hashes R's x
/// coordinate, the key and the message. For an adaptor signature R stands for ±R0, and the right side is `R ∓
/// T`.
#[derive(Clone, Copy)]
pub(crate) struct Parts<'a> {
    pub(crate) public_key: &'a XOnlyPublicKey,
    /// The x coordinate of R, if it is any.
    pub(crate) randomness: [u8; 32],
    /// What the challenge hashes: of an EOTS, the digest.
    pub(crate) message: [u8; 32],
    /// The number s.
    pub(crate) signature: [u8; 32],
    /// The encryption key T, and the parity of R0.
    pub(crate) encryption: Option<(&'a XOnlyPublicKey, Parity)>,
}

impl<'a> BatchItem<'a> {
    pub(crate) const fn public_key(&self) -> &'a XOnlyPublicKey {
        match self {
            Self::Eots { public_key, .. }
            | Self::Bip340 { public_key, .. }
            | Self::Adaptor { public_key, .. } => public_key,
        }
    }

    /// Verified by itself.
    pub(crate) fn is_valid(&self) -> bool {
        match *self {
            Self::Eots { public_key, public_randomness, message, signature } => {
                verify(public_key, public_randomness, message, signature).is_ok()
            }
            Self::Bip340 { public_key, message, signature } => {
                SECP256K1.verify_schnorr(signature, &message, public_key).is_ok()
            }
            Self::Adaptor { public_key, encryption_key, message, signature } => {
                signature.verify(public_key, encryption_key, message).is_ok()
            }
        }
    }

    pub(crate) fn parts(&self) -> Parts<'a> {
        match *self {
            Self::Eots { public_key, public_randomness, message, signature } => Parts {
                public_key,
                randomness: public_randomness.to_bytes(),
                message: message_digest(message),
                signature: signature.to_bytes(),
                encryption: None,
            },
            Self::Bip340 { public_key, message, signature } => {
                let (mut randomness, mut s) = ([0; 32], [0; 32]);
                let bytes = signature.serialize();
                let (left, right) = bytes.split_at(32);
                randomness.copy_from_slice(left);
                s.copy_from_slice(right);
                Parts { public_key, randomness, message: *message.as_ref(), signature: s, encryption: None }
            }
            Self::Adaptor { public_key, encryption_key, message, signature } => {
                let (r0_x, parity) = signature.point().x_only_public_key();
                Parts {
                    public_key,
                    randomness: r0_x.serialize(),
                    message: *message.as_ref(),
                    signature: *signature.number(),
                    encryption: Some((encryption_key, parity)),
                }
            }
        }
    }
}

impl Parts<'_> {
    /// Returns whether the equation says what single verification does. Of adaptor signatures it would let
    /// pass two more: one with R0 = T, which its signer can make, where `s·G − e·P` is infinity and no
    /// randomness; and one of the key whose x coordinate is the group order, which
    /// [`AdaptorSignature::verify`] cannot compute with. And BIP-340 refuses a number s that is not below the
    /// group order, where the equation would reduce it.
    pub(crate) fn fits(&self) -> bool {
        let outside = self.encryption.is_some_and(|(key, _)| {
            key.serialize() == self.randomness
                || self.public_key.serialize() == secp256k1::constants::CURVE_ORDER
        });
        !outside && crate::scalar::is_canonical(&self.signature)
    }
}
