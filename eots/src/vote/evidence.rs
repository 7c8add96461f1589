//! Evidence of equivocation.

use secp256k1::XOnlyPublicKey;

use super::{FinalityVote, VoteMessage};
use crate::context::Dialect;
use crate::extract::{ExtractError, extract};
use crate::key::SecretKey;
use crate::randomness::PublicRandomness;
use crate::signature::Signature;
use crate::verify::{VerifyError, verify};

/// Two signatures of one finality provider at one height, for different blocks: proof that it equivocated,
/// and its secret key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(bound(
        serialize = "D::Context: serde::Serialize",
        deserialize = "D::Context: serde::de::DeserializeOwned"
    ))
)]
pub struct Evidence<D: Dialect> {
    /// Who equivocated.
    pub public_key: XOnlyPublicKey,
    /// The public randomness of both signatures.
    pub public_randomness: PublicRandomness,
    /// The vote for the block that the chain kept.
    pub canonical: VoteMessage<D>,
    /// Its signature.
    pub canonical_signature: Signature,
    /// The vote for the fork.
    pub fork: VoteMessage<D>,
    /// Its signature.
    pub fork_signature: Signature,
}

/// The two votes prove no equivocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoEvidence {
    /// They are of different providers.
    #[error("the votes are of different finality providers, {0} and {1}")]
    DifferentKeys(XOnlyPublicKey, XOnlyPublicKey),
    /// They are at different heights.
    #[error("the votes are at different heights, {0} and {1}")]
    DifferentHeights(u64, u64),
    /// They are for different chains.
    #[error("the votes are for different chains: their signing contexts differ")]
    DifferentContexts,
    /// They were made with different randomness, of which at most one can be the committed one.
    #[error("the votes were made with different public randomness, {0} and {1}")]
    DifferentRandomness(PublicRandomness, PublicRandomness),
    /// They are for the same block.
    #[error("both votes are for the same block: a repeated vote is no equivocation")]
    SameBlock,
    /// A signature does not verify.
    #[error(transparent)]
    Invalid(#[from] VerifyError),
}

impl<D: Dialect> Evidence<D> {
    /// The evidence in two votes, the first for the block that the chain kept. Both signatures are verified.
    ///
    /// # Errors
    /// [`NoEvidence`] names why the votes prove nothing.
    pub fn from_votes(canonical: &FinalityVote<D>, fork: &FinalityVote<D>) -> Result<Self, NoEvidence> {
        if canonical.public_key != fork.public_key {
            return Err(NoEvidence::DifferentKeys(canonical.public_key, fork.public_key));
        }
        if canonical.public_randomness != fork.public_randomness
            && canonical.message.height == fork.message.height
        {
            return Err(NoEvidence::DifferentRandomness(canonical.public_randomness, fork.public_randomness));
        }
        let evidence = Self {
            public_key: canonical.public_key,
            public_randomness: canonical.public_randomness,
            canonical: canonical.message,
            canonical_signature: canonical.signature,
            fork: fork.message,
            fork_signature: fork.signature,
        };
        evidence.verify()?;
        Ok(evidence)
    }

    /// Verifies the evidence, for instance of a stranger: one height, one chain, different blocks, both
    /// signatures valid.
    ///
    /// # Errors
    /// [`NoEvidence`] names why it proves nothing.
    pub fn verify(&self) -> Result<(), NoEvidence> {
        let Self { public_key, public_randomness, canonical, fork, .. } = self;
        if canonical.height() != fork.height() {
            return Err(NoEvidence::DifferentHeights(canonical.height(), fork.height()));
        }
        if canonical.context() != fork.context() {
            return Err(NoEvidence::DifferentContexts);
        }
        if canonical.block_hash() == fork.block_hash() {
            return Err(NoEvidence::SameBlock);
        }
        verify(public_key, public_randomness, &canonical.to_bytes(), &self.canonical_signature)?;
        verify(public_key, public_randomness, &fork.to_bytes(), &self.fork_signature)?;
        Ok(())
    }

    /// The secret key that the two signatures reveal (the one whose point has an even y).
    ///
    /// # Errors
    /// [`ExtractError`]; none for evidence that [`verify`](Self::verify) accepts.
    pub fn extract(&self) -> Result<SecretKey, ExtractError> {
        extract(
            &self.public_key,
            &self.public_randomness,
            (&self.canonical.to_bytes(), &self.canonical_signature),
            (&self.fork.to_bytes(), &self.fork_signature),
        )
    }
}
