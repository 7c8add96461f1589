//! A signer without a signing record.

use core::num::NonZeroUsize;

use eots::{PublicRandomness, SecretKey, SecretRandomness, SignError, sign};
use secp256k1::{XOnlyPublicKey, schnorr};

use super::{ProvenVotes, SignedCommitment, Signer, SignerChain, SignerError, VoteSignature};
use crate::commitment::{InvalidCommitment, RandomnessTree};
use crate::context::SigningContext;
use crate::height::ConsumerHeight;
use crate::possession::PossessionMessage;
use crate::schedule::RandomnessSchedule;
use crate::vote::{FinalityVote, VoteMessage, VoteSigningError};

/// A signer without a signing record, for tests and demonstrations only. It does not keep what [`Signer`]
/// guarantees: when asked to, it signs two blocks at one height, which reveals its key.
#[derive(Debug, Clone)]
pub struct UnprotectedSigner {
    key: SecretKey,
    chain: SignerChain,
}

/// A reason why an [`UnprotectedSigner`] did not sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnprotectedSignerError {
    /// The vote is for another chain.
    #[error("the vote's signing context is {found}; must be {expected}")]
    OtherContext {
        /// The vote's signing context.
        found: SigningContext,
        /// The signer's.
        expected: SigningContext,
    },
    /// The commitment has no such height.
    #[error("the commitment has no height {0}")]
    NotCommitted(ConsumerHeight),
    /// The chain would not accept a commitment to the range.
    #[error(transparent)]
    Commitment(#[from] InvalidCommitment),
    /// Signing failed.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// A vote was not signed.
    #[error(transparent)]
    Vote(#[from] VoteSigningError),
}

impl SignerError for UnprotectedSignerError {
    fn is_refusal(&self) -> bool {
        !matches!(self, Self::Sign(_))
    }
}

impl UnprotectedSigner {
    /// Returns the signer with this key on this chain.
    pub const fn new(key: SecretKey, chain: SignerChain) -> Self {
        Self { key, chain }
    }

    fn check_context(&self, message: &VoteMessage) -> Result<(), UnprotectedSignerError> {
        let (found, expected) = (*message.context(), self.chain.vote_context);
        if found == expected {
            return Ok(());
        }
        Err(UnprotectedSignerError::OtherContext { found, expected })
    }
}

impl Signer for UnprotectedSigner {
    type Error = UnprotectedSignerError;

    fn public_key(&self) -> XOnlyPublicKey {
        *self.key.public_key()
    }

    fn public_randomness(&self, range: RandomnessSchedule) -> Result<Vec<PublicRandomness>, Self::Error> {
        Ok(range.public_randomness(&self.key, self.chain.chain_id.as_bytes()))
    }

    fn commit(&self, range: RandomnessSchedule) -> Result<SignedCommitment, Self::Error> {
        let chain_id = self.chain.chain_id.as_bytes();
        let tree = RandomnessTree::derive(&self.key, chain_id, range, NonZeroUsize::MIN, |_| {})?;
        let commitment = tree.commitment();
        // Deriving the tree has checked its heights, which are the commitment's.
        let signature = self.key.sign_bip340(commitment.digest(&self.chain.commitment_context))?;
        Ok(SignedCommitment { commitment, signature })
    }

    fn vote(&self, message: &VoteMessage) -> Result<VoteSignature, Self::Error> {
        self.check_context(message)?;
        let height = message.height().to_u64();
        let randomness = SecretRandomness::derive(&self.key, self.chain.chain_id.as_bytes(), height);
        let public_randomness = *randomness.public_randomness();
        Ok(VoteSignature { public_randomness, signature: sign(&self.key, randomness, &message.to_bytes())? })
    }

    /// The tree over the range is made each time.
    fn prove_votes(
        &self,
        range: RandomnessSchedule,
        messages: &[VoteMessage],
    ) -> Result<ProvenVotes<Self::Error>, Self::Error> {
        let chain_id = self.chain.chain_id.as_bytes();
        let tree = RandomnessTree::derive(&self.key, chain_id, range, NonZeroUsize::MIN, |_| {})?;
        let prove = |message: &VoteMessage| {
            self.check_context(message)?;
            let height = message.height();
            let proof = tree.prove(height).ok_or(UnprotectedSignerError::NotCommitted(height))?;
            let randomness = SecretRandomness::derive(&self.key, chain_id, height.to_u64());
            Ok(FinalityVote::sign(&self.key, randomness, *message, proof)?)
        };
        Ok(messages.iter().map(prove).collect())
    }

    fn prove_possession(&self, message: &PossessionMessage) -> Result<schnorr::Signature, Self::Error> {
        Ok(message.sign_bip340(&self.key)?)
    }
}
