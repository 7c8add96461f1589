//! Finality votes, evidence of equivocation, and the tally of a height.

mod evidence;
mod tally;

use core::num::NonZeroU64;

use eots::{PublicRandomness, SecretKey, SecretRandomness, SignError, Signature, VerifyError, sign, verify};
use secp256k1::XOnlyPublicKey;

pub use self::evidence::{Evidence, NoEvidence};
pub use self::tally::{DuplicateVoter, Tally, TallyError, VoteOutcome, Voter, VotingPower};
use crate::commitment::{CommitmentError, RandomnessCommitment, RandomnessProof, leaf_hash};
use crate::context::SigningContext;
use crate::height::ConsumerHeight;

/// The message of a vote: this block, at this height, on the chain of this signing context.
///
/// What is signed is `context ‖ BE64(height) ‖ block hash`, the context empty on Babylon Genesis. The block
/// hash is the chain's own: the AppHash on Babylon Genesis, the L2 block hash on a rollup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct VoteMessage {
    #[cfg_attr(
        feature = "serde",
        serde(default = "SigningContext::genesis", skip_serializing_if = "SigningContext::is_genesis")
    )]
    context: SigningContext,
    height: ConsumerHeight,
    #[cfg_attr(feature = "serde", serde(with = "hex::serde"))]
    block_hash: [u8; 32],
}

/// The error of bytes that are no vote message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the message of {found} bytes is no vote; must be {}8 bytes of the height and 32 bytes of the block hash",
    if .context.is_genesis() { "" } else { "the chain's signing context, " }
)]
#[non_exhaustive]
pub struct InvalidVoteMessage {
    /// The number of bytes.
    pub found: usize,
    /// The signing context.
    pub context: SigningContext,
}

impl VoteMessage {
    /// Returns the message of a vote for this block. The context of a consumer chain must be one for
    /// [`Operation::FinalityVote`](crate::Operation::FinalityVote).
    pub const fn new(context: SigningContext, height: ConsumerHeight, block_hash: [u8; 32]) -> Self {
        Self { context, height, block_hash }
    }

    /// Returns the bytes that are signed: 40, or 104 with a consumer chain's context.
    pub fn to_bytes(&self) -> Vec<u8> {
        [self.context.as_bytes(), &self.height.to_be_bytes(), &self.block_hash].concat()
    }

    /// Reads the bytes that are signed, with this signing context.
    ///
    /// # Errors
    /// [`InvalidVoteMessage`] when they are no vote message with that context.
    pub fn from_bytes(context: SigningContext, bytes: &[u8]) -> Result<Self, InvalidVoteMessage> {
        let vote = bytes.strip_prefix(context.as_bytes());
        let parts = vote.filter(|vote| vote.len() == 40).and_then(|vote| vote.split_first_chunk::<8>());
        let read = parts.and_then(|(height, hash)| {
            let height = ConsumerHeight(u64::from_be_bytes(*height));
            Some(Self { context, height, block_hash: hash.try_into().ok()? })
        });
        read.ok_or(InvalidVoteMessage { found: bytes.len(), context })
    }

    /// Returns the signing context.
    pub const fn context(&self) -> &SigningContext {
        &self.context
    }

    /// Returns the height voted at.
    pub const fn height(&self) -> ConsumerHeight {
        self.height
    }

    /// Returns the block voted for.
    pub const fn block_hash(&self) -> &[u8; 32] {
        &self.block_hash
    }
}

/// A finality provider's vote, as it is broadcast.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct FinalityVote {
    /// The finality provider's key.
    pub public_key: XOnlyPublicKey,
    /// What is voted for.
    pub message: VoteMessage,
    /// The public randomness of the signature.
    pub public_randomness: PublicRandomness,
    /// The proof that this randomness is committed for this height.
    pub proof: RandomnessProof,
    /// The signature over the message.
    pub signature: Signature,
}

/// A reason why a vote does not verify.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VoteError {
    /// The vote's randomness is not the one committed for its height.
    #[error("the vote of {public_key} at height {height} does not use the committed randomness")]
    Commitment {
        /// Who votes.
        public_key: XOnlyPublicKey,
        /// At which height.
        height: ConsumerHeight,
        /// What does not match.
        source: CommitmentError,
    },
    /// The vote's signature does not verify.
    #[error("the signature of the vote at height {height} does not verify")]
    Signature {
        /// At which height.
        height: ConsumerHeight,
        /// Whose signature, with which randomness.
        source: VerifyError,
    },
}

/// A reason why a vote was not signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VoteSigningError {
    /// The randomness proof is for other randomness. Nothing was signed.
    #[error("the randomness proof is not for {0}; must be for the public randomness of the signature")]
    OtherRandomness(PublicRandomness),
    /// Signing failed.
    #[error(transparent)]
    Sign(#[from] SignError),
}

impl FinalityVote {
    /// Returns the vote that signs `message` with the one-time `randomness`, which `proof` shows to be
    /// committed for the height.
    ///
    /// Whether the provider voted at this height before is not checked; a [`Signer`](crate::Signer) checks
    /// it, by its signing record.
    ///
    /// # Errors
    /// [`VoteSigningError::OtherRandomness`] when the proof is for other randomness: signed at the wrong
    /// height, the next honest vote with this randomness would reveal the key. Others do not
    /// occur on a sound machine.
    pub fn sign(
        key: &SecretKey,
        randomness: SecretRandomness,
        message: VoteMessage,
        proof: RandomnessProof,
    ) -> Result<Self, VoteSigningError> {
        let public_randomness = *randomness.public_randomness();
        if proof.leaf_hash != leaf_hash(&public_randomness) {
            return Err(VoteSigningError::OtherRandomness(public_randomness));
        }
        let signature = sign(key, randomness, &message.to_bytes())?;
        Ok(Self { public_key: *key.public_key(), message, public_randomness, proof, signature })
    }

    /// Verifies the vote as a node of the chain does: the randomness was committed for this height, and the
    /// signature is the provider's.
    ///
    /// Whether the commitment is this provider's, timestamped on Bitcoin and not superseded is not checked:
    /// the caller must know.
    ///
    /// # Errors
    /// [`VoteError`] names the rule that is broken.
    pub fn verify(&self, commitment: &RandomnessCommitment) -> Result<(), VoteError> {
        self.verify_with_interval(commitment, NonZeroU64::MIN)
    }

    /// Verifies the vote against a commitment whose heights are `interval` apart, as the rollup contract has
    /// them ([`RandomnessCommitment::verify_with_interval`]).
    ///
    /// # Errors
    /// [`VoteError`] names the rule that is broken.
    pub fn verify_with_interval(
        &self,
        commitment: &RandomnessCommitment,
        interval: NonZeroU64,
    ) -> Result<(), VoteError> {
        let (public_key, height) = (self.public_key, self.message.height);
        commitment
            .verify_with_interval(interval, height, &self.public_randomness, &self.proof)
            .map_err(|source| VoteError::Commitment { public_key, height, source })?;
        verify(&public_key, &self.public_randomness, &self.message.to_bytes(), &self.signature)
            .map_err(|source| VoteError::Signature { height, source })
    }
}
