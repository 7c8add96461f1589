//! Commitments to public randomness: the root of a Merkle tree over it (RFC 6962, section 2.1, as CometBFT
//! builds it), signed by the finality provider.

mod coverage;
mod proof;

mod tree;

use core::num::NonZeroU64;

use eots::{PublicRandomness, SecretKey, SignError};
use secp256k1::{Message, SECP256K1, XOnlyPublicKey, schnorr};
use sha2::{Digest, Sha256};

pub use self::coverage::{CoverageError, RandomnessCoverage};
pub use self::proof::{InvalidProof, RandomnessProof};
pub use self::tree::RandomnessTree;
use crate::context::SigningContext;
use crate::height::ConsumerHeight;

/// A randomness commitment: the Merkle root over a finality provider's public randomness of `count` heights
/// from `start_height` on, which it publishes before it votes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct RandomnessCommitment {
    /// The height that the first public randomness is for.
    pub start_height: ConsumerHeight,
    /// How many heights it covers.
    pub count: u64,
    /// The Merkle root over them in the order of their heights.
    #[cfg_attr(feature = "serde", serde(with = "hex::serde"))]
    pub root: [u8; 32],
}

/// A reason why a commitment is not signed, or why a signature over it or a public randomness is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CommitmentError {
    /// The height is not covered.
    #[error("height {height} is not covered; the commitment is for {count} heights from {start_height} on")]
    HeightNotCommitted {
        /// The height of the vote.
        height: ConsumerHeight,
        /// The first height committed to.
        start_height: ConsumerHeight,
        /// How many heights are.
        count: u64,
    },
    /// The proof is for another leaf.
    #[error(
        "the proof is for leaf {index} of {total}; must be for leaf {expected_index} of {expected_total}"
    )]
    WrongLeaf {
        /// The leaf that the proof is for.
        index: u64,
        /// The leaves its tree has.
        total: u64,
        /// The leaf of the vote's height.
        expected_index: u64,
        /// The leaves committed to.
        expected_total: u64,
    },
    /// The leaf hash is not that of the public randomness.
    #[error("the proof's leaf hash is not that of the public randomness {0}")]
    WrongPublicRandomness(PublicRandomness),
    /// The chain does not accept the commitment.
    #[error(transparent)]
    Invalid(#[from] InvalidCommitment),
    /// The provider's signature over the commitment does not verify.
    #[error("the signature of {0} over its randomness commitment does not verify")]
    InvalidSignature(XOnlyPublicKey),
    /// The proof's path has the wrong length for its tree, or leads to another root.
    #[error("the proof does not lead to the committed root")]
    WrongRoot,
    /// Signing failed.
    #[error(transparent)]
    Sign(#[from] SignError),
}

/// A reason why the chain does not accept a commitment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidCommitment {
    /// The commitment covers no height.
    #[error("the commitment covers 0 heights; must cover at least 1")]
    Empty,
    /// The last height is 2^64 − 1 or above.
    #[error("the commitment covers {count} heights from {start_height} on; the last must be below 2^64 - 1")]
    PastTheEnd {
        /// Its first height.
        start_height: ConsumerHeight,
        /// How many heights it covers.
        count: u64,
    },
    /// The heights are not consecutive. Whoever verifies a vote takes its height for the first height plus
    /// its place in the list, so the same randomness would be asked for at two heights, and two votes with it
    /// reveal the secret key.
    #[error("the heights are {interval} apart; a commitment's must be consecutive")]
    Sparse {
        /// The distance between two heights.
        interval: u64,
    },
}

impl RandomnessCommitment {
    /// Verifies that `public_randomness` is the one committed for `height`.
    ///
    /// # Errors
    /// [`CommitmentError`] names what does not match.
    pub fn verify(
        &self,
        height: ConsumerHeight,
        public_randomness: &PublicRandomness,
        proof: &RandomnessProof,
    ) -> Result<(), CommitmentError> {
        self.verify_with_interval(NonZeroU64::MIN, height, public_randomness, proof)
    }

    /// Verifies what [`verify`](Self::verify) does, where the heights are `interval` apart: leaf *i* is for
    /// the height `start + i · interval`. Only the rollup contract has such commitments, each with its
    /// interval written down beside it; read with another interval, the same randomness would serve two
    /// heights.
    ///
    /// # Errors
    /// [`CommitmentError`] names what does not match.
    pub fn verify_with_interval(
        &self,
        interval: NonZeroU64,
        height: ConsumerHeight,
        public_randomness: &PublicRandomness,
        proof: &RandomnessProof,
    ) -> Result<(), CommitmentError> {
        self.check()?;
        let (start_height, count) = (self.start_height, self.count);
        let distance = height.blocks_after(start_height);
        let expected_index = distance
            .filter(|distance| distance.checked_rem(interval.get()) == Some(0))
            .and_then(|distance| distance.checked_div(interval.get()))
            .filter(|index| *index < count)
            .ok_or(CommitmentError::HeightNotCommitted { height, start_height, count })?;
        if proof.index != expected_index || proof.total != count {
            return Err(CommitmentError::WrongLeaf {
                index: proof.index,
                total: proof.total,
                expected_index,
                expected_total: count,
            });
        }
        if proof.leaf_hash != leaf_hash(public_randomness) {
            return Err(CommitmentError::WrongPublicRandomness(*public_randomness));
        }
        if proof.root() == Some(self.root) { Ok(()) } else { Err(CommitmentError::WrongRoot) }
    }

    /// Returns the digest that the provider signs, `SHA256(context ‖ BE64(start height) ‖ BE64(count) ‖
    /// root)`, the context empty on Babylon Genesis.
    pub fn digest(&self, context: &SigningContext) -> Message {
        let hash = Sha256::new()
            .chain_update(context.as_bytes())
            .chain_update(self.start_height.to_be_bytes())
            .chain_update(self.count.to_be_bytes())
            .chain_update(self.root)
            .finalize();
        Message::from_digest(hash.into())
    }

    /// Returns the provider's BIP-340 signature over the commitment: the same bytes each time.
    ///
    /// # Errors
    /// [`CommitmentError::Invalid`] as [`check`](Self::check), and [`CommitmentError::Sign`] as
    /// [`SecretKey::sign_bip340`].
    pub fn sign(
        &self,
        key: &SecretKey,
        context: &SigningContext,
    ) -> Result<schnorr::Signature, CommitmentError> {
        self.check()?;
        Ok(key.sign_bip340(self.digest(context))?)
    }

    /// Checks the rules of the chain for every commitment: it covers at least one height, and its heights end
    /// below 2^64 − 1.
    ///
    /// # Errors
    /// [`InvalidCommitment::Empty`] or [`InvalidCommitment::PastTheEnd`].
    pub fn check(&self) -> Result<(), InvalidCommitment> {
        check_heights(self.start_height, self.count)
    }

    /// Checks the commitment, and verifies the provider's BIP-340 signature over it.
    ///
    /// # Errors
    /// As [`check`](Self::check), and [`CommitmentError::InvalidSignature`].
    pub fn verify_signature(
        &self,
        public_key: &XOnlyPublicKey,
        context: &SigningContext,
        signature: &schnorr::Signature,
    ) -> Result<(), CommitmentError> {
        self.check()?;
        let message = self.digest(context);
        SECP256K1
            .verify_schnorr(signature, &message, public_key)
            .map_err(|_| CommitmentError::InvalidSignature(*public_key))
    }
}

/// Checks that `count` heights from `start_height` on can be committed to.
fn check_heights(start_height: ConsumerHeight, count: u64) -> Result<(), InvalidCommitment> {
    if count == 0 {
        return Err(InvalidCommitment::Empty);
    }
    start_height.checked_add(count).map(drop).ok_or(InvalidCommitment::PastTheEnd { start_height, count })
}

pub(crate) fn leaf_hash(leaf: &PublicRandomness) -> [u8; 32] {
    Sha256::new().chain_update([0]).chain_update(leaf.to_bytes()).finalize().into()
}

pub(crate) fn inner_hash(left: &[u8; 32], right: &[u8; 32]) -> [u8; 32] {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}
