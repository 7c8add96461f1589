//! Evidence of equivocation.

use eots::{ExtractError, PublicRandomness, SecretKey, Signature, VerifyError, extract, verify};
use secp256k1::XOnlyPublicKey;

use super::{FinalityVote, VoteMessage};
use crate::context::SigningContext;
use crate::height::ConsumerHeight;

/// Evidence of equivocation: two signatures of one finality provider at one height of one chain, for
/// different blocks. It proves the equivocation and reveals the provider's secret key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Evidence {
    /// Who equivocated.
    pub public_key: XOnlyPublicKey,
    /// The public randomness of both signatures.
    pub public_randomness: PublicRandomness,
    /// The vote for the block that the chain kept.
    pub canonical: VoteMessage,
    /// Its signature.
    pub canonical_signature: Signature,
    /// The vote for the fork.
    pub fork: VoteMessage,
    /// Its signature.
    pub fork_signature: Signature,
}

/// A reason why two votes do not prove an equivocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoEvidence {
    /// The votes are of different providers.
    #[error("the votes are of the finality providers {0} and {1}; must be of one")]
    DifferentKeys(XOnlyPublicKey, XOnlyPublicKey),
    /// The votes are at different heights.
    #[error("the votes are at heights {0} and {1}; must be at one height")]
    DifferentHeights(ConsumerHeight, ConsumerHeight),
    /// The votes have different signing contexts.
    #[error("the votes have the signing contexts {0} and {1}; must have the same")]
    DifferentContexts(SigningContext, SigningContext),
    /// The votes were signed with different randomness, of which at most one can be the committed one.
    #[error("the votes have the public randomness {0} and {1}; must have the same")]
    DifferentRandomness(PublicRandomness, PublicRandomness),
    /// The votes are for the same block.
    #[error("both votes are for the same block; equivocation needs two blocks")]
    SameBlock,
    /// A signature does not verify.
    #[error(transparent)]
    Invalid(#[from] VerifyError),
}

impl Evidence {
    /// Returns the evidence in two votes, the first for the block that the chain kept, and verifies both
    /// signatures.
    ///
    /// # Errors
    /// [`NoEvidence`] names why the votes prove nothing.
    pub fn from_votes(canonical: &FinalityVote, fork: &FinalityVote) -> Result<Self, NoEvidence> {
        if canonical.public_key != fork.public_key {
            return Err(NoEvidence::DifferentKeys(canonical.public_key, fork.public_key));
        }
        same_chain_and_height(&canonical.message, &fork.message)?;
        if canonical.public_randomness != fork.public_randomness {
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

    /// Verifies the evidence: one signing context, one height, different blocks, both signatures valid.
    ///
    /// # Errors
    /// [`NoEvidence`] names why it proves nothing.
    pub fn verify(&self) -> Result<(), NoEvidence> {
        let Self { public_key, public_randomness, canonical, fork, .. } = self;
        same_chain_and_height(canonical, fork)?;
        if canonical.block_hash() == fork.block_hash() {
            return Err(NoEvidence::SameBlock);
        }
        verify(public_key, public_randomness, &canonical.to_bytes(), &self.canonical_signature)?;
        verify(public_key, public_randomness, &fork.to_bytes(), &self.fork_signature)?;
        Ok(())
    }

    /// Extracts the secret key that the two signatures reveal: the one whose point has even y.
    ///
    /// # Errors
    /// [`ExtractError`], which evidence that [`verify`](Self::verify) accepts does not reach.
    pub fn extract(&self) -> Result<SecretKey, ExtractError> {
        extract(
            &self.public_key,
            &self.public_randomness,
            (&self.canonical.to_bytes(), &self.canonical_signature),
            (&self.fork.to_bytes(), &self.fork_signature),
        )
    }
}

fn same_chain_and_height(canonical: &VoteMessage, fork: &VoteMessage) -> Result<(), NoEvidence> {
    if canonical.context() != fork.context() {
        return Err(NoEvidence::DifferentContexts(*canonical.context(), *fork.context()));
    }
    if canonical.height() != fork.height() {
        return Err(NoEvidence::DifferentHeights(canonical.height(), fork.height()));
    }
    Ok(())
}
