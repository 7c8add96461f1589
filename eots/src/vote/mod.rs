//! Finality votes.

mod evidence;
mod tally;

use secp256k1::XOnlyPublicKey;

pub use self::evidence::{Evidence, NoEvidence};
pub use self::tally::{Counted, Tally, TallyError, VotingPower};
use crate::commitment::{CommitmentError, InclusionProof, RandomnessCommitment, leaf_hash};
use crate::context::{Consumer, Dialect, Genesis, SigningContext};
use crate::key::SecretKey;
use crate::randomness::{PublicRandomness, SecretRandomness};
use crate::sign::{SignError, sign};
use crate::signature::Signature;
use crate::verify::{VerifyError, verify};

/// What a vote says: this block, at this height. Signed as `context ‖ BE64(height) ‖ block hash`, the context
/// empty on genesis.
///
/// The block hash is the chain's own: the AppHash on genesis, the L2 block hash on a rollup.
///
/// A vote of one dialect is no vote of the other, which the compiler sees:
///
/// ```compile_fail,E0308
/// use eots::{Consumer, Genesis, VoteMessage};
/// fn count(_: VoteMessage<Consumer>) {}
/// count(VoteMessage::<Genesis>::new(7, [0; 32]));
/// ```
///
/// ```
/// use eots::{Genesis, VoteMessage};
/// fn count(_: VoteMessage<Genesis>) {}
/// count(VoteMessage::<Genesis>::new(7, [0; 32]));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(bound(
        serialize = "D::Context: serde::Serialize",
        deserialize = "D::Context: serde::de::DeserializeOwned"
    ))
)]
pub struct VoteMessage<D: Dialect> {
    context: D::Context,
    height: u64,
    #[cfg_attr(feature = "serde", serde(with = "hex::serde"))]
    block_hash: [u8; 32],
}

impl VoteMessage<Genesis> {
    /// A vote for this block on the genesis chain.
    pub const fn new(height: u64, block_hash: [u8; 32]) -> Self {
        Self { context: (), height, block_hash }
    }
}

impl VoteMessage<Consumer> {
    /// A vote for this block on the consumer chain of this context, which must be one for finality votes.
    pub const fn new(context: SigningContext, height: u64, block_hash: [u8; 32]) -> Self {
        Self { context, height, block_hash }
    }
}

impl<D: Dialect> VoteMessage<D> {
    /// The bytes that are signed.
    pub fn to_bytes(&self) -> Vec<u8> {
        [D::prefix(&self.context), &self.height.to_be_bytes(), &self.block_hash].concat()
    }

    /// What precedes the message.
    pub const fn context(&self) -> &D::Context {
        &self.context
    }

    /// The height voted at.
    pub const fn height(&self) -> u64 {
        self.height
    }

    /// The block voted for.
    pub const fn block_hash(&self) -> &[u8; 32] {
        &self.block_hash
    }
}

/// A finality provider's vote, as it is broadcast.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(bound(
        serialize = "D::Context: serde::Serialize",
        deserialize = "D::Context: serde::de::DeserializeOwned"
    ))
)]
pub struct FinalityVote<D: Dialect> {
    /// Who votes.
    pub public_key: XOnlyPublicKey,
    /// For what.
    pub message: VoteMessage<D>,
    /// With which public randomness.
    pub public_randomness: PublicRandomness,
    /// The proof that this randomness was committed to for this height.
    pub proof: InclusionProof,
    /// The signature.
    pub signature: Signature,
}

/// A vote that does not count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VoteError {
    /// Its randomness is not the one committed to for its height.
    #[error("the vote of {public_key} at height {height} does not use the randomness committed to: {source}")]
    Commitment {
        /// Who votes.
        public_key: XOnlyPublicKey,
        /// At which height.
        height: u64,
        /// What does not fit.
        source: CommitmentError,
    },
    /// Its signature does not verify.
    #[error("the vote at height {height} is invalid: {source}")]
    Signature {
        /// At which height.
        height: u64,
        /// Whose signature, with which randomness.
        source: VerifyError,
    },
}

impl<D: Dialect> FinalityVote<D> {
    /// Votes: signs `message` with the one-time `randomness`, which `proof` shows to be committed for the
    /// height.
    ///
    /// Nothing here knows whether the provider voted at this height before; only a signer with a record does.
    ///
    /// # Errors
    /// [`SignError::OtherRandomness`] when the proof is of other randomness: signed at the wrong height, the
    /// next honest vote with this randomness would reveal the key. Else none is to be expected on a sound
    /// machine.
    pub fn sign(
        key: &SecretKey,
        randomness: SecretRandomness,
        message: VoteMessage<D>,
        proof: InclusionProof,
    ) -> Result<Self, SignError> {
        let public_randomness = *randomness.public_randomness();
        if proof.leaf_hash != leaf_hash(&public_randomness) {
            return Err(SignError::OtherRandomness(public_randomness));
        }
        let signature = sign(key, randomness, &message.to_bytes())?;
        Ok(Self { public_key: *key.public_key(), message, public_randomness, proof, signature })
    }

    /// Verifies the vote as a node of the chain does: the randomness was committed to for this height, and
    /// the signature is the provider's.
    ///
    /// Whether the commitment is this provider's, timestamped on Bitcoin and not superseded is for the caller
    /// to know.
    ///
    /// # Errors
    /// [`VoteError`] names the rule that is broken.
    pub fn verify(&self, commitment: &RandomnessCommitment) -> Result<(), VoteError> {
        let (public_key, height) = (self.public_key, self.message.height);
        commitment
            .verify(height, &self.public_randomness, &self.proof)
            .map_err(|source| VoteError::Commitment { public_key, height, source })?;
        verify(&public_key, &self.public_randomness, &self.message.to_bytes(), &self.signature)
            .map_err(|source| VoteError::Signature { height, source })
    }
}
